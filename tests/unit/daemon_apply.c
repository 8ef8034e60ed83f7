/* Configurations applied one after the other to a router whose interfaces are loopbacks, which need no device. */
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/bench.h"

/* The routes of PREFIX: how many; *view is the last. */
static unsigned routes_of(struct bench *b, const char *prefix, struct rib_view *view)
{
    struct prefix p;
    struct rib_cursor cursor = RIB_START;
    unsigned n = 0;
    CU_ASSERT(prefix_parse(prefix, &p));
    while (rib_next_of(b->router.rib, p, &cursor, view))
        n++;
    return n;
}

static void connected_networks_become_routes(void)
{
    struct bench b;
    struct rib_view view;
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT_EQUAL(routes_of(&b, "10.1.0.0/24", &view), 1);
    CU_ASSERT(view.installed && view.route.protocol == RIB_CONNECTED && view.route.distance == 0);
    CU_ASSERT_EQUAL(view.hops[0].hop.port, interfaces_number(b.router.interfaces, "lo1"));
    bench_exit(&b);
}

static void a_shut_down_interface_has_no_routes(void)
{
    struct bench b;
    struct rib_view view;
    struct cli_link link;
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(reload(&b, "interfaces = ( { name = \"lo1\"; type = \"loopback\"; addresses = [ \"10.1.0.1/24\" ];\n"
                         "                 shutdown = true; } );\n"));
    CU_ASSERT_EQUAL(routes_of(&b, "10.1.0.0/24", &view), 0);
    CU_ASSERT(interfaces_view(b.router.interfaces, 0, &link));
    CU_ASSERT(!link.admin_up && link.reason != NULL);
    const struct port *port = dataplane_port_by_name(b.router.dataplane, "lo1");
    CU_ASSERT(port != NULL && !port->up);
    bench_exit(&b);
}

static void what_did_not_change_is_not_touched(void)
{
    struct bench b;
    struct rib_view before, after;
    bench_init(&b, TWO_LOOPBACKS "static-routes = ( { prefix = \"10.66.0.0/16\"; type = \"blackhole\"; } );\n");
    const struct port *port = dataplane_port_by_name(b.router.dataplane, "lo2");
    CU_ASSERT_EQUAL(routes_of(&b, "10.66.0.0/16", &before), 1);
    usleep(2000);
    event_base_loop(b.router.base, EVLOOP_NONBLOCK);
    CU_ASSERT(reload(&b, TWO_LOOPBACKS "static-routes = ( { prefix = \"10.66.0.0/16\"; type = \"blackhole\"; },\n"
                                       "  { prefix = \"10.67.0.0/16\"; type = \"blackhole\"; } );\n"));
    CU_ASSERT_EQUAL(routes_of(&b, "10.66.0.0/16", &after), 1);
    CU_ASSERT_EQUAL(before.since_ns, after.since_ns);
    CU_ASSERT_EQUAL(routes_of(&b, "10.67.0.0/16", &after), 1);
    CU_ASSERT_PTR_EQUAL(dataplane_port_by_name(b.router.dataplane, "lo2"), port);
    bench_exit(&b);
}

static void a_removed_interface_takes_its_routes_along(void)
{
    struct bench b;
    struct rib_view view;
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(
        reload(&b, "interfaces = ( { name = \"lo1\"; type = \"loopback\"; addresses = [ \"10.1.0.1/24\" ]; } );"));
    CU_ASSERT_EQUAL(routes_of(&b, "10.2.0.0/24", &view), 0);
    CU_ASSERT_EQUAL(interfaces_number(b.router.interfaces, "lo2"), PORT_NONE);
    CU_ASSERT_PTR_NULL(dataplane_port_by_name(b.router.dataplane, "lo2"));
    bench_exit(&b);
}

/* Later in the list or earlier: the network must not be lost on its way. */
static void a_network_may_move_between_interfaces(void)
{
    struct bench b;
    struct rib_view view;
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(reload(&b, "interfaces = ( { name = \"lo1\"; type = \"loopback\"; addresses = [ \"10.2.0.1/24\" ]; },\n"
                         "  { name = \"lo2\"; type = \"loopback\"; addresses = [ \"10.1.0.1/24\" ]; } );\n"));
    CU_ASSERT_EQUAL(routes_of(&b, "10.1.0.0/24", &view), 1);
    CU_ASSERT_EQUAL(view.hops[0].hop.port, interfaces_number(b.router.interfaces, "lo2"));
    CU_ASSERT_EQUAL(routes_of(&b, "10.2.0.0/24", &view), 1);
    CU_ASSERT_EQUAL(view.hops[0].hop.port, interfaces_number(b.router.interfaces, "lo1"));
    bench_exit(&b);
}

static void the_last_address_of_a_network_takes_the_route(void)
{
    struct bench b;
    struct rib_view view;
    bench_init(&b, "interfaces = ( { name = \"lo1\"; type = \"loopback\";\n"
                   "                 addresses = [ \"10.1.0.1/24\", \"10.1.0.2/24\" ]; } );\n");
    CU_ASSERT_EQUAL(routes_of(&b, "10.1.0.0/24", &view), 1);
    CU_ASSERT(
        reload(&b, "interfaces = ( { name = \"lo1\"; type = \"loopback\"; addresses = [ \"10.1.0.2/24\" ]; } );"));
    CU_ASSERT_EQUAL(routes_of(&b, "10.1.0.0/24", &view), 1);
    CU_ASSERT(reload(&b, "interfaces = ( { name = \"lo1\"; type = \"loopback\"; } );"));
    CU_ASSERT_EQUAL(routes_of(&b, "10.1.0.0/24", &view), 0);
    bench_exit(&b);
}

static void a_bad_file_changes_nothing_and_says_why(void)
{
    struct bench b;
    struct rib_view view;
    bench_init(&b, TWO_LOOPBACKS);
    const struct config *running = b.router.running;
    CU_ASSERT(!reload(&b, "interfaces = ( );\nhostnam = \"r1\";\nicmp: { burst = \"much\"; };\n"));
    CU_ASSERT_PTR_EQUAL(b.router.running, running);
    CU_ASSERT_EQUAL(routes_of(&b, "10.1.0.0/24", &view), 1);
    CU_ASSERT(strstr(b.report, ":2: ") != NULL && strstr(b.report, ":3: ") != NULL);
    bench_exit(&b);
}

static void limits_and_floating_routes_are_followed(void)
{
    struct bench b;
    struct rib_view view;
    bench_init(&b, TWO_LOOPBACKS "static-routes = ( { prefix = \"10.9.0.0/16\"; type = \"blackhole\"; },\n"
                                 "  { prefix = \"10.9.0.0/16\"; type = \"prohibit\"; distance = 250; } );\n");
    CU_ASSERT_EQUAL(routes_of(&b, "10.9.0.0/16", &view), 2);
    CU_ASSERT(reload(&b, TWO_LOOPBACKS "static-routes = ( { prefix = \"10.9.0.0/16\"; type = \"prohibit\";\n"
                                       "                    distance = 250; } );\n"
                                       "icmp: { rate-limit = 7; burst = 3; };\n"));
    CU_ASSERT_EQUAL(routes_of(&b, "10.9.0.0/16", &view), 1);
    CU_ASSERT(view.installed && view.route.distance == 250);
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_rate, 7);
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_burst, 3);
    bench_exit(&b);
}

/* A configuration of N blackhole routes with DISTANCE; to be freed. */
static char *many_routes(unsigned n, unsigned distance)
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    CU_ASSERT_FATAL(to != NULL);
    fputs(TWO_LOOPBACKS "static-routes = (", to);
    for (unsigned i = 0; i < n; i++)
        fprintf(to, "%s{ prefix = \"20.%u.%u.0/24\"; type = \"blackhole\"; distance = %u; }", i > 0 ? ",\n" : "",
                i >> 8, i & 255, distance);
    fputs(");\n", to);
    fclose(to);
    return text;
}

static void many_routes_change_in_slices(void)
{
    struct bench b;
    struct rib_view view;
    char *before = many_routes(2000, 1), *after = many_routes(3000, 5);
    bench_init(&b, before);
    begin_reload(&b, after);
    unsigned partly = 0;
    while (!b.told) {
        event_base_loop(b.router.base, EVLOOP_ONCE);
        bool first_done = routes_of(&b, "20.0.0.0/24", &view) == 1 && view.route.distance == 5;
        bool last_there = routes_of(&b, "20.11.183.0/24", &view) == 1;
        CU_ASSERT(routes_of(&b, "20.3.0.0/24", &view) == 1 && view.installed); /* there is always one way */
        partly += first_done && !last_there;
    }
    CU_ASSERT(b.good && partly > 5);
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).installed[RIB_STATIC], 3000);
    CU_ASSERT(reload(&b, TWO_LOOPBACKS));
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).routes[RIB_STATIC], 0);
    bench_exit(&b);
    free(before);
    free(after);
}

/* What is asked for during a reload comes after it, whatever it has read. */
static void a_reload_that_is_asked_for_during_another_follows_it(void)
{
    struct bench b;
    char *routes = many_routes(1000, 1);
    bench_init(&b, TWO_LOOPBACKS);
    begin_reload(&b, routes);
    while (rib_summary(b.router.rib).routes[RIB_STATIC] == 0)
        event_base_loop(b.router.base, EVLOOP_ONCE);
    changes_forget(b.router.changes, &b.asker);
    CU_ASSERT(reload(&b, TWO_LOOPBACKS));
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).routes[RIB_STATIC], 0);
    bench_exit(&b);
    free(routes);
}

static void a_router_may_stop_in_the_middle_of_a_reload(void)
{
    struct bench b;
    char *routes = many_routes(1000, 1);
    bench_init(&b, TWO_LOOPBACKS);
    begin_reload(&b, routes); /* while the file is read */
    bench_exit(&b);
    bench_init(&b, TWO_LOOPBACKS);
    begin_reload(&b, routes); /* while routes are applied */
    while (rib_summary(b.router.rib).routes[RIB_STATIC] == 0)
        event_base_loop(b.router.base, EVLOOP_ONCE);
    CU_ASSERT(!b.told);
    bench_exit(&b);
    free(routes);
}

static void of_very_many_errors_some_are_told(void)
{
    struct bench b;
    char *routes = many_routes(300, 0);
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(!reload(&b, routes));
    CU_ASSERT(strstr(b.report, "\nand 200 more: ferryd -t -c /tmp/") != NULL);
    bench_exit(&b);
    free(routes);
}

/* ---- two sources of static routes ---- */

#define PREFIXES  14
#define DISTANCES 3

/* What a round wants of a prefix and distance: 0 nothing, else 1 + the way, in the configuration or in the file. */
struct wish {
    unsigned way;
    bool filed;
};

static struct prefix wish_prefix(unsigned i)
{
    uint8_t len = (uint8_t)(8 + i % 7 * 4);
    return (struct prefix){.addr = ((20u + i / 7) << 24 | 0x010101u) & prefix_mask(len), .len = len};
}

static const char *const listed_ways[] = {"via = \"10.1.0.2\"", "via = [ \"10.1.0.2\", \"10.1.0.3\" ]",
                                          "type = \"blackhole\"", "type = \"prohibit\""};
static const char *const filed_ways[] = {"via 10.1.0.2", "via 10.1.0.2 10.1.0.3", "blackhole", "prohibit"};

static void write_wishes(struct bench *b, struct wish wish[PREFIXES][DISTANCES], char *text, size_t size)
{
    char path[128], prefix[PREFIX_TEXT];
    snprintf(path, sizeof path, "%s.routes", b->path);
    FILE *file = fopen(path, "w"), *to = fmemopen(text, size, "w");
    CU_ASSERT_FATAL(file != NULL && to != NULL);
    const char *comma = "";
    fprintf(to, "%sstatic-routes-file = \"%s\";\nstatic-routes = (", TWO_LOOPBACKS, path);
    for (unsigned i = PREFIXES; i-- > 0;) /* not in their order */
        for (unsigned d = 0; d < DISTANCES; d++) {
            const struct wish *w = &wish[i][d];
            if (w->way == 0)
                continue;
            prefix_text(wish_prefix(i), prefix);
            if (w->filed) {
                fprintf(file, "%s %s distance %u\n", prefix, filed_ways[w->way - 1], d + 1);
                continue;
            }
            fprintf(to, "%s\n  { prefix = \"%s\"; %s; distance = %u; }", comma, prefix, listed_ways[w->way - 1], d + 1);
            comma = ",";
        }
    fprintf(to, ");\n");
    fclose(to);
    fclose(file);
}

static void check_wishes(struct bench *b, struct wish wish[PREFIXES][DISTANCES])
{
    static const enum rib_type types[] = {RIB_UNICAST, RIB_UNICAST, RIB_BLACKHOLE, RIB_PROHIBIT};
    for (unsigned i = 0; i < PREFIXES; i++) {
        struct rib_view view;
        struct rib_cursor cursor = RIB_START;
        for (unsigned d = 0; d < DISTANCES; d++) {
            unsigned way = wish[i][d].way;
            if (way == 0)
                continue;
            CU_ASSERT_FATAL(rib_next_of(b->router.rib, wish_prefix(i), &cursor, &view));
            CU_ASSERT_EQUAL(view.route.distance, d + 1);
            CU_ASSERT_EQUAL(view.route.type, types[way - 1]);
            CU_ASSERT_EQUAL(view.route.n_hops, way > 2 ? 0 : way);
        }
        CU_ASSERT_FALSE(rib_next_of(b->router.rib, wish_prefix(i), &cursor, &view));
    }
}

static void routes_of_both_sources_are_merged(void)
{
    static char text[8192];
    struct bench b;
    struct wish wish[PREFIXES][DISTANCES] = {{{0}}};
    uint64_t seed = 5;
    bench_init(&b, TWO_LOOPBACKS);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < PREFIXES * DISTANCES; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            unsigned dice = (unsigned)(seed >> 40);
            if (dice % 4 == 0)
                wish[i / DISTANCES][i % DISTANCES] = (struct wish){dice / 8 % 5, dice / 4 % 2 == 0};
            else if (dice % 4 == 1)
                wish[i / DISTANCES][i % DISTANCES].filed = dice / 4 % 2 == 0;
        }
        write_wishes(&b, wish, text, sizeof text);
        CU_ASSERT_FATAL(reload(&b, text));
        check_wishes(&b, wish);
    }
    snprintf(text, sizeof text, "%s.routes", b.path);
    unlink(text);
    CU_ASSERT_FALSE(reload(&b, TWO_LOOPBACKS "static-routes-file = \"none-of-that-name\";\n"));
    snprintf(text, sizeof text, ":3: routes file %s/none-of-that-name: cannot open it", b.folder);
    CU_ASSERT(strstr(b.report, text) != NULL);
    CU_ASSERT(rib_summary(b.router.rib).routes[RIB_STATIC] > 0);
    CU_ASSERT(reload(&b, TWO_LOOPBACKS));
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).routes[RIB_STATIC], 0);
    bench_exit(&b);
}

/* As the shell changes it: a copy with another value in it. */
static void a_changed_copy_leaves_the_shared_file_alone(void)
{
    static char text[512];
    struct bench b;
    struct rib_view view;
    char path[128];
    bench_init(&b, TWO_LOOPBACKS);
    snprintf(path, sizeof path, "%s.routes", b.path);
    FILE *file = fopen(path, "w");
    CU_ASSERT_FATAL(file != NULL);
    for (unsigned i = 0; i < 2000; i++)
        fprintf(file, "20.%u.%u.0/24 blackhole\n", i >> 8, i & 255);
    fclose(file);
    snprintf(text, sizeof text,
             "%sstatic-routes-file = \"%s\";\nstatic-routes = ( { prefix = \"20.3.0.0/24\";\n"
             "  type = \"prohibit\"; distance = 9; } );\n",
             TWO_LOOPBACKS, path);
    CU_ASSERT_FATAL(reload(&b, text));
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).routes[RIB_STATIC], 2001);
    struct config *copy = config_copy(b.router.running);
    CU_ASSERT_FATAL(copy != NULL);
    copy->routes[0].distance = 8;
    struct routes_change change = {.router = &b.router, .config = copy};
    CU_ASSERT_FATAL(routes_list(&change.want, copy));
    CU_ASSERT_FALSE(routes_change_some(&change, 3, loop_now(b.router.loop))); /* no more to do */
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).routes[RIB_STATIC], 2001);
    CU_ASSERT(routes_of(&b, "20.3.0.0/24", &view) == 2 && view.route.distance == 8);
    routes_free(&change.want);
    config_free(copy);
    CU_ASSERT(reload(&b, TWO_LOOPBACKS));
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).routes[RIB_STATIC], 0);
    unlink(path);
    bench_exit(&b);
}

static const struct unit_case cases[] = {
    {"connected networks become routes", connected_networks_become_routes},
    {"an interface that is shut down has no routes", a_shut_down_interface_has_no_routes},
    {"what did not change is not touched by a reload", what_did_not_change_is_not_touched},
    {"an interface that is removed takes its routes along", a_removed_interface_takes_its_routes_along},
    {"a network may move from one interface to another", a_network_may_move_between_interfaces},
    {"a connected route goes with the last address of its network", the_last_address_of_a_network_takes_the_route},
    {"a bad file changes nothing and says why, each error with its line", a_bad_file_changes_nothing_and_says_why},
    {"ICMP limits and floating static routes are followed", limits_and_floating_routes_are_followed},
    {"many routes change in slices, and no prefix is without one meanwhile", many_routes_change_in_slices},
    {"a reload that is asked for during another follows it", a_reload_that_is_asked_for_during_another_follows_it},
    {"a router may stop in the middle of a reload", a_router_may_stop_in_the_middle_of_a_reload},
    {"routes of the configuration and of its routes file are merged, wherever each is said",
     routes_of_both_sources_are_merged},
    {"a changed copy of a configuration leaves the routes file that it shares alone",
     a_changed_copy_leaves_the_shared_file_alone},
    {"of very many errors the log and the shell have some", of_very_many_errors_some_are_told},
};
UNIT_MAIN("daemon apply", cases)
