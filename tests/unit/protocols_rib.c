#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/counters.h"
#include "forwarding/packet.h"
#include "protocols/rib.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

static struct fib *fib;
static struct rib *rib;
static struct now now = {.ns = 1};

static struct prefix prefix_of(const char *text)
{
    struct prefix p;
    if (!prefix_parse(text, &p))
        abort();
    return p;
}

/* A router with ports 0 to 3 up: 10.0.0.0/24 to 10.0.3.0/24, the router is .1 everywhere. */
static void connect(unsigned port, bool add);

static void start(void)
{
    fib = fib_new(&later_at_once);
    rib = rib_new(fib, &later_at_once);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rib);
    for (unsigned port = 0; port < 4; port++) {
        rib_port_changed(rib, port, true, now);
        rib_own_address(rib, addr_of("10.0.0.1") + (port << 8), true, now);
        connect(port, true);
    }
}

static void stop(void)
{
    rib_free(rib);
    fib_free(fib);
}

static struct rib_route route_of(const char *prefix, enum rib_protocol protocol, uint8_t distance)
{
    return (struct rib_route){.prefix = prefix_of(prefix), .protocol = protocol, .distance = distance};
}

/* HOPS is "10.0.0.2 10.0.1.2@1 @3": gateways, on a port, or a port alone; or a type. */
static struct rib_route route_via(const char *prefix, const char *hops, uint8_t distance)
{
    struct rib_route route = route_of(prefix, RIB_STATIC, distance);
    if (strcmp(hops, "blackhole") == 0)
        route.type = RIB_BLACKHOLE;
    else if (strcmp(hops, "unreachable") == 0)
        route.type = RIB_UNREACHABLE;
    else if (strcmp(hops, "prohibit") == 0)
        route.type = RIB_PROHIBIT;
    if (route.type != RIB_UNICAST)
        return route;
    char copy[400], *rest = copy, *word;
    snprintf(copy, sizeof copy, "%s", hops);
    while ((word = strsep(&rest, " ")) != NULL) {
        struct rib_hop hop = {.port = PORT_NONE};
        char *port = strchr(word, '@');
        if (port != NULL) {
            *port++ = '\0';
            hop.port = (uint16_t)atoi(port);
        }
        if (*word != '\0')
            hop.gateway = addr_of(word);
        route.hops[route.n_hops++] = hop;
    }
    return route;
}

static void put(const char *prefix, const char *hops, uint8_t distance)
{
    struct rib_route route = route_via(prefix, hops, distance);
    CU_ASSERT_TRUE(rib_add(rib, &route, now));
}

static void take(const char *prefix, uint8_t distance)
{
    CU_ASSERT_TRUE(rib_remove(rib, prefix_of(prefix), RIB_STATIC, distance, now));
}

static void connect(unsigned port, bool add)
{
    struct rib_route route = {.prefix = {.addr = 0x0a000000 + (port << 8), .len = 24},
                              .protocol = RIB_CONNECTED,
                              .n_hops = 1,
                              .hops = {{.port = (uint16_t)port}}};
    if (add)
        CU_ASSERT_TRUE(rib_add(rib, &route, now))
    else
        CU_ASSERT_TRUE(rib_remove(rib, route.prefix, RIB_CONNECTED, 0, now))
}

/* What the FIB says of a prefix, in the words of route_via; "" if nothing. */
static const char *in_fib(const char *prefix)
{
    static char text[400];
    static const char *const actions[] = {"", "blackhole", "unreachable", "prohibit"};
    const struct nexthop_group *group = fib_find(fib, prefix_of(prefix));
    if (group == NULL)
        return "";
    if (group->action != FIB_FORWARD)
        return actions[group->action];
    text[0] = '\0';
    for (unsigned i = 0; i < group->n; i++) {
        char addr[ADDR_TEXT] = "";
        size_t at = strlen(text);
        if (group->hop[i].gateway != 0)
            addr_text(group->hop[i].gateway, addr);
        snprintf(text + at, sizeof text - at, "%s%s@%u", i > 0 ? " " : "", addr, group->hop[i].port);
    }
    return text;
}

#define IN_FIB(prefix, expected) CU_ASSERT_STRING_EQUAL(in_fib(prefix), expected)

/* ---- claims ---- */

static void connected(void)
{
    start();
    IN_FIB("10.0.0.0/24", "@0");
    rib_port_changed(rib, 0, false, now);
    IN_FIB("10.0.0.0/24", "");
    rib_port_changed(rib, 0, true, now);
    IN_FIB("10.0.0.0/24", "@0");
    connect(0, false);
    IN_FIB("10.0.0.0/24", "");
    stop();
}

static void distances(void)
{
    start();
    put("10.9.0.0/16", "10.0.1.2", 10);
    put("10.9.0.0/16", "10.0.2.2", 5);
    put("10.9.0.0/16", "10.0.3.2", 7);
    IN_FIB("10.9.0.0/16", "10.0.2.2@2");
    take("10.9.0.0/16", 5);
    IN_FIB("10.9.0.0/16", "10.0.3.2@3");
    take("10.9.0.0/16", 7);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1");
    CU_ASSERT_FALSE(rib_remove(rib, prefix_of("10.9.0.0/16"), RIB_STATIC, 7, now));
    put("10.9.0.0/16", "10.0.0.9", 10);
    IN_FIB("10.9.0.0/16", "10.0.0.9@0");
    take("10.9.0.0/16", 10);
    IN_FIB("10.9.0.0/16", "");
    put("10.9.0.0/16", "10.0.0.9", 255);
    IN_FIB("10.9.0.0/16", "");
    stop();
}

static void floating_static(void)
{
    start();
    put("10.9.0.0/16", "10.0.1.2", 1);
    put("10.9.0.0/16", "10.0.2.2", 250);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1");
    rib_port_changed(rib, 1, false, now);
    IN_FIB("10.9.0.0/16", "10.0.2.2@2");
    rib_port_changed(rib, 1, true, now);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1");
    connect(1, false);
    IN_FIB("10.9.0.0/16", "10.0.2.2@2");
    connect(1, true);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1");
    stop();
}

static void equal_cost(void)
{
    start();
    put("10.9.0.0/16", "10.0.1.2 10.0.2.2 10.0.3.2@3", 1);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1 10.0.2.2@2 10.0.3.2@3");
    rib_port_changed(rib, 2, false, now);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1 10.0.3.2@3");
    rib_port_changed(rib, 3, false, now);
    rib_port_changed(rib, 1, false, now);
    IN_FIB("10.9.0.0/16", "");
    rib_port_changed(rib, 3, true, now);
    IN_FIB("10.9.0.0/16", "10.0.3.2@3");
    stop();
}

static void refusing_routes(void)
{
    start();
    put("10.9.0.0/16", "blackhole", 1);
    put("10.8.0.0/16", "unreachable", 1);
    put("10.7.0.0/16", "prohibit", 1);
    IN_FIB("10.9.0.0/16", "blackhole");
    IN_FIB("10.8.0.0/16", "unreachable");
    IN_FIB("10.7.0.0/16", "prohibit");
    put("10.6.0.0/16", "10.9.0.1", 1); /* what a blackhole swallows leads nowhere */
    IN_FIB("10.6.0.0/16", "");
    take("10.9.0.0/16", 1);
    put("10.9.0.0/16", "10.0.1.2", 1);
    IN_FIB("10.6.0.0/16", "10.0.1.2@1");
    stop();
}

static void own_gateway(void)
{
    start();
    put("10.9.0.0/16", "10.0.1.1", 1);
    put("10.8.0.0/16", "10.0.1.1@1", 1);
    put("10.7.0.0/16", "10.0.1.7", 1);
    IN_FIB("10.9.0.0/16", "");
    IN_FIB("10.8.0.0/16", "");
    IN_FIB("10.7.0.0/16", "10.0.1.7@1");
    rib_own_address(rib, addr_of("10.0.1.7"), true, now);
    rib_own_address(rib, addr_of("10.0.1.7"), true, now);
    IN_FIB("10.7.0.0/16", "");
    rib_own_address(rib, addr_of("10.0.1.7"), false, now);
    IN_FIB("10.7.0.0/16", "");
    rib_own_address(rib, addr_of("10.0.1.7"), false, now);
    IN_FIB("10.7.0.0/16", "10.0.1.7@1");
    rib_own_address(rib, addr_of("10.0.1.1"), false, now);
    IN_FIB("10.9.0.0/16", "10.0.1.1@1");
    IN_FIB("10.8.0.0/16", "10.0.1.1@1");
    stop();
}

static void recursion(void)
{
    start();
    put("10.9.0.0/16", "10.8.0.1", 1);
    IN_FIB("10.9.0.0/16", "");
    put("10.8.0.0/16", "10.7.0.1", 1);
    put("10.7.0.0/16", "10.0.1.2 10.0.2.2", 1);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1 10.0.2.2@2");
    rib_port_changed(rib, 1, false, now);
    IN_FIB("10.9.0.0/16", "10.0.2.2@2");
    put("10.8.0.1/32", "10.0.3.9", 1);
    IN_FIB("10.9.0.0/16", "10.0.3.9@3");
    take("10.8.0.1/32", 1);
    IN_FIB("10.9.0.0/16", "10.0.2.2@2");
    take("10.7.0.0/16", 1);
    IN_FIB("10.9.0.0/16", "");
    IN_FIB("10.8.0.0/16", "");
    stop();
}

static void through_an_interface(void)
{
    start();
    put("10.7.0.0/16", "@3", 1);
    put("10.9.0.0/16", "10.7.0.1", 1);
    IN_FIB("10.7.0.0/16", "@3");
    IN_FIB("10.9.0.0/16", "10.7.0.1@3");
    put("10.6.0.1/32", "10.6.0.1@2", 1); /* on the link, though outside its network */
    put("10.5.0.0/16", "10.6.0.1", 1);
    IN_FIB("10.5.0.0/16", "10.6.0.1@2");
    stop();
}

static void not_by_default(void)
{
    start();
    put("0.0.0.0/0", "10.0.1.2", 1);
    put("10.9.0.0/16", "172.16.0.1", 1);
    IN_FIB("0.0.0.0/0", "10.0.1.2@1");
    IN_FIB("10.9.0.0/16", "");
    put("128.0.0.0/1", "10.0.1.3", 1);
    IN_FIB("10.9.0.0/16", "10.0.1.3@1");
    stop();
}

static void circles(void)
{
    start();
    put("10.8.0.0/16", "10.9.0.1", 1);
    put("10.9.0.0/16", "10.8.0.1", 1);
    put("10.7.0.0/16", "10.8.0.2", 1);
    IN_FIB("10.8.0.0/16", "");
    IN_FIB("10.9.0.0/16", "");
    IN_FIB("10.7.0.0/16", "");
    put("10.8.0.0/16", "10.0.1.2", 200); /* what floats below takes over, and the circle is none any more */
    IN_FIB("10.8.0.0/16", "10.0.1.2@1");
    IN_FIB("10.7.0.0/16", "10.0.1.2@1");
    take("10.8.0.0/16", 1);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1");

    put("10.6.0.0/16", "10.6.0.1", 1); /* by itself alone */
    IN_FIB("10.6.0.0/16", "");
    put("10.0.1.9/32", "10.0.1.9", 1); /* by itself within a network */
    IN_FIB("10.0.1.9/32", "10.0.1.9@1");
    put("10.5.0.0/16", "10.0.1.9", 1);
    IN_FIB("10.5.0.0/16", "10.0.1.9@1");
    stop();
}

static void eight_levels(void)
{
    start();
    for (unsigned i = 1; i <= 10; i++) {
        struct rib_route route = {.prefix = {.addr = 0x14000000 + (i << 16), .len = 16},
                                  .protocol = RIB_STATIC,
                                  .distance = 1,
                                  .n_hops = 1,
                                  .hops = {{.gateway = 0x14000001 + ((i - 1) << 16), .port = PORT_NONE}}};
        if (i == 1)
            route.hops[0].gateway = addr_of("10.0.1.2");
        CU_ASSERT_TRUE(rib_add(rib, &route, now));
    }
    IN_FIB("20.1.0.0/16", "10.0.1.2@1");
    IN_FIB("20.9.0.0/16", "10.0.1.2@1"); /* leans on eight others */
    IN_FIB("20.10.0.0/16", "");
    put("20.5.0.0/16", "10.0.2.2", 1);
    IN_FIB("20.10.0.0/16", "10.0.2.2@2");
    stop();
}

static void batches(void)
{
    start();
    rib_batch_begin(rib);
    rib_batch_begin(rib);
    put("10.9.0.0/16", "10.8.0.1", 1);
    put("10.8.0.0/16", "10.0.1.2", 1);
    rib_batch_end(rib, now);
    IN_FIB("10.9.0.0/16", "");
    rib_batch_end(rib, now);
    IN_FIB("10.9.0.0/16", "10.0.1.2@1");
    rib_batch_begin(rib);
    take("10.8.0.0/16", 1);
    take("10.9.0.0/16", 1);
    put("10.9.0.0/16", "10.0.2.2", 1);
    take("10.9.0.0/16", 1);
    rib_batch_end(rib, now);
    CU_ASSERT_EQUAL(rib_summary(rib).prefixes, 4);
    CU_ASSERT_EQUAL(fib_summary(fib).prefixes, 4);
    stop();
}

static void nonsense(void)
{
    start();
    struct rib_route route = route_via("10.9.0.0/16", "10.0.1.2", 1);
    route.prefix.addr++;
    CU_ASSERT_FALSE(rib_add(rib, &route, now));
    route = route_via("10.9.0.0/16", "10.0.1.2", 1);
    route.n_hops = FIB_HOPS_MAX + 1;
    CU_ASSERT_FALSE(rib_add(rib, &route, now));
    route.n_hops = 0;
    CU_ASSERT_FALSE(rib_add(rib, &route, now));
    route.prefix.len = 33;
    CU_ASSERT_FALSE(rib_add(rib, &route, now));
    rib_port_changed(rib, PORT_MAX, true, now);
    rib_port_changed(rib, PORT_NONE, true, now);
    put("10.9.0.0/16", "@4000", 1);
    IN_FIB("10.9.0.0/16", "");
    stop();
}

static void protocol_stops(void)
{
    start();
    for (unsigned i = 0; i < 50; i++) {
        struct rib_route route = route_of("10.0.0.0/8", RIB_RIP, 120);
        route.prefix = (struct prefix){.addr = 0x14000000 + (i / 2 << 16), .len = 16};
        route.protocol = i % 2 == 0 ? RIB_RIP : RIB_STATIC;
        route.n_hops = 1;
        route.hops[0] = (struct rib_hop){.gateway = addr_of("10.0.1.2"), .port = 1};
        CU_ASSERT_TRUE(rib_add(rib, &route, now));
    }
    CU_ASSERT_EQUAL(rib_summary(rib).routes[RIB_RIP], 25);
    rib_remove_protocol(rib, RIB_STATIC, now);
    CU_ASSERT_EQUAL(rib_summary(rib).routes[RIB_STATIC], 0);
    CU_ASSERT_EQUAL(rib_summary(rib).installed[RIB_RIP], 25);
    rib_remove_protocol(rib, RIB_RIP, now);
    CU_ASSERT_EQUAL(rib_summary(rib).prefixes, 4);
    IN_FIB("20.1.0.0/16", "");
    stop();
}

static void views(void)
{
    start();
    now.ns = 5000;
    put("10.9.0.0/16", "10.8.0.1 10.0.3.2 10.77.0.1", 1);
    put("10.9.0.0/16", "blackhole", 9);
    put("10.8.0.0/16", "10.0.1.2 10.0.2.2", 1);
    now.ns = 6000;
    put("10.8.0.0/16", "10.0.1.2 10.0.2.2", 1); /* told again: it is as old as it was */

    struct rib_cursor cursor = RIB_START;
    struct rib_view v;
    CU_ASSERT_TRUE_FATAL(rib_next_of(rib, prefix_of("10.9.0.0/16"), &cursor, &v));
    CU_ASSERT_TRUE(v.selected && v.installed);
    CU_ASSERT_EQUAL(v.route.n_hops, 3);
    CU_ASSERT_EQUAL(v.n_hops, 5);
    CU_ASSERT_TRUE(v.hops[0].active && v.hops[0].recursive && !v.hops[0].resolver);
    CU_ASSERT_EQUAL(v.hops[0].hop.gateway, addr_of("10.8.0.1"));
    CU_ASSERT_TRUE(v.hops[1].active && !v.hops[1].recursive && v.hops[1].resolver);
    CU_ASSERT_EQUAL(v.hops[1].hop.gateway, addr_of("10.0.1.2"));
    CU_ASSERT_EQUAL(v.hops[1].hop.port, 1);
    CU_ASSERT_TRUE(v.hops[2].resolver);
    CU_ASSERT_TRUE(v.hops[3].active && !v.hops[3].recursive && !v.hops[3].resolver);
    CU_ASSERT_EQUAL(v.hops[3].hop.port, 3); /* found by the gateway */
    CU_ASSERT_EQUAL(v.route.hops[1].port, PORT_NONE);
    CU_ASSERT_FALSE(v.hops[4].active || v.hops[4].recursive);
    CU_ASSERT_EQUAL(v.hops[4].hop.gateway, addr_of("10.77.0.1"));
    CU_ASSERT_TRUE_FATAL(rib_next_of(rib, prefix_of("10.9.0.0/16"), &cursor, &v));
    CU_ASSERT_EQUAL(v.route.type, RIB_BLACKHOLE);
    CU_ASSERT_FALSE(v.selected || v.installed);
    CU_ASSERT_FALSE(rib_next_of(rib, prefix_of("10.9.0.0/16"), &cursor, &v));
    cursor = RIB_START;
    CU_ASSERT_TRUE(rib_next_of(rib, prefix_of("10.8.0.0/16"), &cursor, &v));
    CU_ASSERT_EQUAL(v.since_ns, 5000);
    cursor = RIB_START;
    CU_ASSERT_FALSE(rib_next_of(rib, prefix_of("10.8.0.0/17"), &cursor, &v));

    struct prefix matched;
    put("10.9.1.0/24", "10.99.0.1", 1); /* not selected: does not count */
    CU_ASSERT_TRUE(rib_match(rib, addr_of("10.9.1.1"), &matched));
    CU_ASSERT_EQUAL(matched.len, 16);
    CU_ASSERT_FALSE(rib_match(rib, addr_of("11.0.0.1"), &matched));
    stop();
}

static void walking(void)
{
    start();
    put("10.9.0.0/16", "10.0.1.2", 1);
    put("10.9.0.0/16", "10.0.1.2", 2);
    put("10.9.0.0/16", "10.0.1.2", 3);
    put("20.0.0.0/16", "10.0.1.2", 1);
    struct rib_cursor cursor = RIB_START;
    struct rib_view v;
    for (unsigned i = 0; i < 4; i++) {
        CU_ASSERT_TRUE(rib_next(rib, &cursor, &v));
        CU_ASSERT_EQUAL(v.route.prefix.addr, 0x0a000000 + (i << 8));
    }
    CU_ASSERT_TRUE(rib_next(rib, &cursor, &v));
    CU_ASSERT_EQUAL(v.route.distance, 1);
    take("10.9.0.0/16", 1); /* the one shown, and the next */
    take("10.9.0.0/16", 2);
    CU_ASSERT_TRUE(rib_next(rib, &cursor, &v));
    CU_ASSERT_EQUAL(v.route.distance, 3);
    take("10.9.0.0/16", 3); /* the whole prefix under the cursor */
    put("10.10.0.0/16", "10.0.1.2", 1);
    CU_ASSERT_TRUE(rib_next(rib, &cursor, &v));
    CU_ASSERT_EQUAL(v.route.prefix.addr, addr_of("10.10.0.0"));
    CU_ASSERT_TRUE(rib_next(rib, &cursor, &v));
    CU_ASSERT_EQUAL(v.route.prefix.addr, addr_of("20.0.0.0"));
    CU_ASSERT_FALSE(rib_next(rib, &cursor, &v));
    CU_ASSERT_FALSE(rib_next(rib, &cursor, &v));
    stop();
}

/* ---- in pieces ---- */

#define MANY 100

static void put_many(const char *hops)
{
    struct rib_route route = route_via("20.0.0.0/24", hops, 1);
    rib_batch_begin(rib);
    for (unsigned i = 0; i < MANY; i++) {
        route.prefix.addr = addr_of("20.0.0.0") + (i << 8);
        CU_ASSERT_TRUE(rib_add(rib, &route, now));
    }
    rib_batch_end(rib, now);
}

static size_t installed(void)
{
    return rib_summary(rib).installed[RIB_STATIC];
}

static void many_routes_follow_in_pieces(void)
{
    start();
    put_many("10.0.1.2@1");
    rib_port_changed(rib, 1, false, now);
    CU_ASSERT_EQUAL(installed(), 0); /* rib_run was never called: everything at once */
    rib_port_changed(rib, 1, true, now);
    CU_ASSERT_EQUAL(installed(), MANY);
    CU_ASSERT_FALSE(rib_run(rib, 8));
    rib_batch_begin(rib);
    connect(1, false);
    rib_port_changed(rib, 1, false, now);
    rib_batch_end(rib, now);
    for (size_t left = MANY - 8; left > 0; left -= left < 8 ? left : 8) {
        CU_ASSERT_EQUAL(installed(), left);
        CU_ASSERT_EQUAL(fib_summary(fib).prefixes, left + 3);
        CU_ASSERT_EQUAL(rib_run(rib, 8), left > 8);
    }
    CU_ASSERT_EQUAL(installed(), 0);
    CU_ASSERT_FALSE(rib_run(rib, 8));
    stop();
}

static void little_does_not_wait_behind_much(void)
{
    start();
    put_many("10.0.1.2@1");
    put("30.0.0.0/24", "10.0.2.2", 1);
    put("30.0.0.0/24", "10.0.3.2", 5);
    rib_run(rib, 8);
    rib_port_changed(rib, 1, false, now);
    CU_ASSERT_TRUE(installed() > MANY / 2);
    put("31.0.0.0/24", "10.0.3.2", 1); /* at once, whatever is left to do */
    IN_FIB("31.0.0.0/24", "10.0.3.2@3");
    rib_port_changed(rib, 2, false, now);
    connect(2, false);
    CU_ASSERT_TRUE(rib_run(rib, 8));
    IN_FIB("30.0.0.0/24", "10.0.3.2@3");
    CU_ASSERT_TRUE(installed() > MANY / 2);
    stop();
}

/* A port that comes back while the routes that it took along are still going. */
static void changes_meet_what_is_left_of_others(void)
{
    start();
    put_many("10.0.1.2@1");
    rib_run(rib, 8);
    rib_port_changed(rib, 1, false, now);
    for (unsigned i = 0; i < 5; i++)
        rib_run(rib, 8);
    CU_ASSERT_TRUE(installed() > 0 && installed() < MANY);
    rib_port_changed(rib, 1, true, now);
    for (unsigned i = 0; i < MANY; i += 3) {
        struct rib_route route = route_via("20.0.0.0/24", "10.0.1.2@1", 1);
        route.prefix.addr += i << 8;
        CU_ASSERT_TRUE(rib_remove(rib, route.prefix, RIB_STATIC, 1, now));
        if (i % 2 == 0)
            CU_ASSERT_TRUE(rib_add(rib, &route, now));
        if (i % 9 == 0)
            rib_run(rib, 1);
    }
    size_t there = rib_summary(rib).routes[RIB_STATIC];
    while (rib_run(rib, 8))
        continue;
    CU_ASSERT_EQUAL(installed(), there);
    CU_ASSERT_EQUAL(fib_summary(fib).prefixes, there + 4);
    stop();
}

/* ---- the slow, obviously right twin ----
 *
 * A plain list of routes. After each change everything is worked out from nothing: gateways are known one by one, as
 * soon as what they depend on is, and circles are found by who waits for whom, transitively. */

#define TWIN_ROUTES 64
#define TWIN_PORTS  5

static const char *const twin_prefixes[] = {
    "10.0.0.0/8",  "10.0.0.0/16", "10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.2.128/25",
    "10.0.2.2/32", "20.0.0.0/8",  "20.1.0.0/16", "20.1.1.0/24", "20.1.1.1/32", "20.2.0.0/16",
    "20.2.0.1/32", "20.3.0.0/16", "30.0.0.0/16", "0.0.0.0/0",   "0.0.0.0/1",
};
static const char *const twin_gateways[] = {
    "10.0.0.2", "10.0.1.2", "10.0.2.2", "10.0.2.130", "20.1.1.1", "20.2.0.1", "20.3.0.1", "20.1.2.2", "30.0.0.1",
};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define GATEWAYS     COUNT(twin_gateways)

struct twin_gateway {
    uint32_t addr;
    bool own, known, alive;
    unsigned depth, n;
    struct nexthop hop[TWIN_ROUTES];
    const struct rib_route *waits_for;
};

static struct twin {
    struct rib_route routes[TWIN_ROUTES];
    unsigned n;
    bool up[TWIN_PORTS];
    struct twin_gateway gateways[GATEWAYS];
} twin;

static struct twin_gateway *twin_gateway(uint32_t addr)
{
    for (unsigned i = 0; i < GATEWAYS; i++)
        if (twin.gateways[i].addr == addr)
            return &twin.gateways[i];
    return NULL;
}

static bool needs(const struct rib_route *route, const struct twin_gateway *g)
{
    for (unsigned i = 0; i < route->n_hops; i++)
        if (route->hops[i].port == PORT_NONE && route->hops[i].gateway == g->addr)
            return true;
    return false;
}

/* 1 leads somewhere, 0 does not, -1 not known yet. */
static int twin_hop(struct rib_hop hop)
{
    struct twin_gateway *g = twin_gateway(hop.gateway);
    if (hop.port != PORT_NONE)
        return twin.up[hop.port] && (g == NULL || !g->own);
    return g->known ? g->alive : -1;
}

static int twin_route(const struct rib_route *route)
{
    int best = 0;
    if (route->distance == 255)
        return 0;
    if (route->type != RIB_UNICAST)
        return 1;
    for (unsigned i = 0; i < route->n_hops; i++) {
        int one = twin_hop(route->hops[i]);
        if (one < 0)
            return -1;
        best |= one;
    }
    return best;
}

static bool comes_before(const struct rib_route *a, const struct rib_route *b)
{
    return a->distance != b->distance ? a->distance < b->distance : a->protocol < b->protocol;
}

/* The first route of PREFIX, in order, that is not known to be dead. */
static const struct rib_route *twin_best(struct prefix prefix)
{
    const struct rib_route *best = NULL;
    for (unsigned i = 0; i < twin.n; i++) {
        const struct rib_route *route = &twin.routes[i];
        if (prefix_equal(route->prefix, prefix) && twin_route(route) != 0 && (!best || comes_before(route, best)))
            best = route;
    }
    return best;
}

static unsigned twin_collect(const struct rib_route *route, uint32_t on_link, struct nexthop *to, unsigned *depth)
{
    unsigned n = 0;
    for (unsigned i = 0; i < route->n_hops; i++) {
        struct rib_hop hop = route->hops[i];
        if (twin_hop(hop) != 1)
            continue;
        if (hop.port != PORT_NONE) {
            to[n++] = (struct nexthop){.gateway = hop.gateway != 0 ? hop.gateway : on_link, .port = hop.port};
            continue;
        }
        const struct twin_gateway *g = twin_gateway(hop.gateway);
        for (unsigned j = 0; j < g->n; j++)
            to[n++] = g->hop[j];
        *depth = g->depth > *depth ? g->depth : *depth;
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        bool again = false;
        for (unsigned j = 0; j < kept; j++)
            again |= to[j].gateway == to[i].gateway && to[j].port == to[i].port;
        if (!again)
            to[kept++] = to[i];
    }
    return kept;
}

static bool twin_know(struct twin_gateway *g)
{
    g->alive = false;
    for (int len = 32; len > 0 && !g->own; len--) {
        struct prefix prefix = {.addr = g->addr & prefix_mask((uint8_t)len), .len = (uint8_t)len};
        const struct rib_route *route = twin_best(prefix);
        if (route == NULL || needs(route, g))
            continue;
        g->waits_for = route;
        if (twin_route(route) < 0)
            return false;
        g->depth = 0;
        g->n = twin_collect(route, g->addr, g->hop, &g->depth);
        if (route->protocol != RIB_CONNECTED)
            g->depth++;
        g->alive = route->type == RIB_UNICAST && g->depth <= 8;
        break;
    }
    g->known = true;
    return true;
}

static void twin_break_circles(void)
{
    bool waits[GATEWAYS][GATEWAYS] = {{false}};
    for (unsigned i = 0; i < GATEWAYS; i++)
        for (unsigned j = 0; j < GATEWAYS; j++) {
            const struct twin_gateway *a = &twin.gateways[i], *b = &twin.gateways[j];
            waits[i][j] = !a->known && !b->known && needs(a->waits_for, b);
        }
    for (unsigned k = 0; k < GATEWAYS; k++)
        for (unsigned i = 0; i < GATEWAYS; i++)
            for (unsigned j = 0; j < GATEWAYS; j++)
                waits[i][j] |= waits[i][k] && waits[k][j];
    for (unsigned i = 0; i < GATEWAYS; i++) {
        bool circle = waits[i][i];
        for (unsigned j = 0; j < GATEWAYS; j++)
            circle &= !waits[i][j] || waits[j][i];
        if (circle)
            twin.gateways[i].known = true;
    }
}

static void twin_work_out(void)
{
    for (unsigned i = 0; i < GATEWAYS; i++)
        twin.gateways[i].known = twin.gateways[i].alive = false;
    for (;;) {
        bool progress = false, all = true;
        for (unsigned i = 0; i < GATEWAYS; i++) {
            if (!twin.gateways[i].known)
                progress |= twin_know(&twin.gateways[i]);
            all &= twin.gateways[i].known;
        }
        if (all)
            return;
        if (!progress)
            twin_break_circles();
    }
}

static bool group_agrees(const struct nexthop_group *group, const struct rib_route *route)
{
    struct nexthop hops[FIB_HOPS_MAX * TWIN_ROUTES];
    unsigned depth = 0, n = twin_collect(route, 0, hops, &depth);
    if (group == NULL || group->action != (unsigned)route->type || group->n != n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        bool found = false;
        for (unsigned j = 0; j < n; j++)
            found |= hops[i].gateway == group->hop[j].gateway && hops[i].port == group->hop[j].port;
        if (!found)
            return false;
    }
    return true;
}

static bool view_agrees(const struct rib_view *view)
{
    const struct rib_route *best = twin_best(view->route.prefix);
    bool selected = best != NULL && best->distance == view->route.distance && best->protocol == view->route.protocol;
    if (view->selected != selected || view->installed != selected)
        return false;
    for (unsigned i = 0, given = 0; i < view->n_hops; i++)
        if (!view->hops[i].resolver && view->hops[i].active != (twin_hop(view->route.hops[given++]) == 1))
            return false;
    return true;
}

static bool twin_agrees(void)
{
    twin_work_out();
    for (unsigned i = 0; i < COUNT(twin_prefixes); i++) {
        struct prefix prefix = prefix_of(twin_prefixes[i]);
        const struct rib_route *best = twin_best(prefix);
        const struct nexthop_group *group = fib_find(fib, prefix);
        if (best == NULL ? group != NULL : !group_agrees(group, best))
            return false;
    }
    struct rib_cursor cursor = RIB_START;
    struct rib_view view;
    unsigned n = 0;
    for (; rib_next(rib, &cursor, &view); n++)
        if (!view_agrees(&view))
            return false;
    return n == twin.n;
}

static uint64_t seed;

static unsigned pick(unsigned n)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ z >> 31) % n);
}

static struct rib_route random_route(void)
{
    struct rib_route route = route_of(twin_prefixes[pick(COUNT(twin_prefixes))], RIB_STATIC, 1);
    route.distance = (uint8_t)(pick(20) == 0 ? 255 : 1 + pick(2));
    route.metric = pick(3);
    if (pick(4) == 0)
        route.protocol = RIB_RIP;
    if (pick(5) == 0) {
        route.protocol = RIB_CONNECTED;
        route.distance = 0;
        route.n_hops = 1;
        route.hops[0].port = (uint16_t)pick(TWIN_PORTS);
        return route;
    }
    if (pick(12) == 0) {
        route.type = (enum rib_type)(1 + pick(3));
        return route;
    }
    route.n_hops = 1 + pick(3);
    for (unsigned i = 0; i < route.n_hops; i++) {
        route.hops[i].gateway = addr_of(twin_gateways[pick(GATEWAYS)]);
        route.hops[i].port = PORT_NONE;
        if (pick(6) == 0)
            route.hops[i].port = (uint16_t)pick(TWIN_PORTS);
        if (pick(10) == 0)
            route.hops[i] = (struct rib_hop){.port = (uint16_t)pick(TWIN_PORTS)};
    }
    return route;
}

static bool twin_add(void)
{
    struct rib_route route = random_route();
    unsigned i = 0;
    while (i < twin.n && !(prefix_equal(twin.routes[i].prefix, route.prefix) &&
                           twin.routes[i].protocol == route.protocol && twin.routes[i].distance == route.distance))
        i++;
    if (i == TWIN_ROUTES)
        return true;
    twin.n += i == twin.n;
    twin.routes[i] = route;
    return rib_add(rib, &route, now);
}

static bool twin_remove(void)
{
    if (twin.n == 0)
        return true;
    unsigned i = pick(twin.n);
    struct rib_route route = twin.routes[i];
    twin.routes[i] = twin.routes[--twin.n];
    return rib_remove(rib, route.prefix, route.protocol, route.distance, now);
}

static void twin_stop_protocol(enum rib_protocol protocol)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < twin.n; i++)
        if (twin.routes[i].protocol != protocol)
            twin.routes[kept++] = twin.routes[i];
    twin.n = kept;
    rib_remove_protocol(rib, protocol, now);
}

static bool twin_change(unsigned removes)
{
    if (pick(500) == 0)
        twin_stop_protocol((enum rib_protocol)pick(RIB_PROTOCOL__COUNT));
    if (pick(10) == 0) {
        unsigned port = pick(TWIN_PORTS);
        twin.up[port] = !twin.up[port];
        rib_port_changed(rib, port, twin.up[port], now);
    }
    if (pick(30) == 0) {
        struct twin_gateway *g = &twin.gateways[pick(GATEWAYS)];
        g->own = !g->own;
        rib_own_address(rib, g->addr, g->own, now);
    }
    return pick(10) < removes ? twin_remove() : twin_add();
}

/* With the work in PIECES of a route each, the twin is asked only now and then, when nothing is left to do. */
static void compare_with_the_twin(bool pieces)
{
    fib = fib_new(&later_at_once);
    rib = rib_new(fib, &later_at_once);
    twin = (struct twin){.n = 0};
    seed = 1;
    for (unsigned i = 0; i < GATEWAYS; i++)
        twin.gateways[i].addr = addr_of(twin_gateways[i]);

    unsigned wrong = 0, dead_ends = 0, recursive = 0;
    for (unsigned i = 0; i < 30000 && wrong == 0; i++) {
        unsigned removes = i / 1000 % 2 == 0 ? 4 : 6;
        unsigned in_batch = pick(10) == 0 ? 1 + pick(8) : 1;
        rib_batch_begin(rib);
        for (unsigned j = 0; j < in_batch; j++)
            wrong += !twin_change(removes);
        rib_batch_end(rib, now);
        bool left = pieces && rib_run(rib, 1);
        if (pieces && i % 8 != 0)
            continue;
        while (left)
            left = rib_run(rib, 1);
        wrong += !twin_agrees();
        for (unsigned j = 0; j < GATEWAYS; j++) {
            dead_ends += !twin.gateways[j].alive;
            recursive += twin.gateways[j].alive && twin.gateways[j].depth > 1;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_TRUE(dead_ends > 1000); /* the test would be worth nothing if these never came up */
    CU_ASSERT_TRUE(recursive > 1000);
    while (twin.n > 0)
        twin_remove();
    while (pieces && rib_run(rib, 1))
        continue;
    CU_ASSERT_EQUAL(rib_summary(rib).prefixes, 0);
    CU_ASSERT_EQUAL(fib_summary(fib).prefixes, 0);
    CU_ASSERT_EQUAL(fib_summary(fib).groups, 0);
    stop();
}

static void against_the_twin(void)
{
    compare_with_the_twin(false);
}

static void in_pieces_against_the_twin(void)
{
    compare_with_the_twin(true);
}

static const struct unit_case cases[] = {
    {"a connected network is in the FIB while its port is up", connected},
    {"the lowest distance wins, and the next one when it goes", distances},
    {"a floating static takes over when the port goes down, and goes back", floating_static},
    {"equal-cost hops that are lost are left out", equal_cost},
    {"blackhole, unreachable and prohibit are installed and resolve nothing", refusing_routes},
    {"an address of the router's own is no gateway", own_gateway},
    {"a gateway resolves through other routes, and follows their changes", recursion},
    {"a gateway behind an interface route is asked for on that interface", through_an_interface},
    {"a gateway does not resolve by the default route", not_by_default},
    {"routes that lean on each other in a circle are inactive", circles},
    {"recursion goes eight levels deep and no further", eight_levels},
    {"a batch resolves at its outermost end", batches},
    {"nonsense is refused", nonsense},
    {"a protocol that stops takes its routes along", protocol_stops},
    {"a view tells active, recursive, resolver, selected and installed", views},
    {"a walk survives changes", walking},
    {"many routes follow a port in pieces", many_routes_follow_in_pieces},
    {"little does not wait behind much", little_does_not_wait_behind_much},
    {"changes meet what is left of others", changes_meet_what_is_left_of_others},
    {"random changes agree with working everything out from nothing", against_the_twin},
    {"and so they do in pieces, in the end", in_pieces_against_the_twin},
};

UNIT_MAIN("rib", cases)
