/* One router, 10.0.1.1 and 10.0.2.1, and what strangers say to it. */
#include "forwarding/bytes.h"
#include "tests/unit/support/rip_listen.h"

#define METRIC(prefix, expected) CU_ASSERT_EQUAL(net_metric(&net, 0, prefix), expected)
#define REFUSED(reject, times)   CU_ASSERT_EQUAL(refused(&net, 0, 0, RIP_REJECT_##reject), times)

static struct net net;
static struct listener listener;

static void start_with(const struct rip_settings *settings, const struct rip_interface_settings *interface)
{
    net_begin(&net, 1, settings);
    net_attach(&net, 0, 1, interface);
    net_attach(&net, 0, 2, interface);
    listen_begin(&net, &listener);
    net_run(&net, 1);
    listen_forget(&listener);
}

static void start(void)
{
    start_with(NULL, NULL);
}

static struct rip_route_view route(const char *prefix)
{
    struct rip_route_view view = {.metric = RIP_INFINITY};
    net_find(&net, 0, net_prefix(prefix), &view);
    return view;
}

/* ---- what is accepted ---- */

static void learning(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 77, NULL}, {"0.0.0.0/0", 1, 0, NULL});
    struct rip_route_view view = route("10.9.0.0/16");
    CU_ASSERT_EQUAL(view.metric, 4);
    CU_ASSERT_EQUAL(view.tag, 77);
    CU_ASSERT_EQUAL(view.paths[0].gateway, addr_of("10.0.1.9"));
    CU_ASSERT_EQUAL(view.paths[0].port, 0);
    METRIC("0.0.0.0/0", 2);
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 8);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL}, {"10.8.0.0/16", 16, 0, NULL});
    METRIC("10.9.0.0/16", 16);
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), UINT32_MAX);
    struct rip_route_view unused;
    CU_ASSERT_FALSE(net_find(&net, 0, net_prefix("10.8.0.0/16"), &unused)); /* no point in adding it */
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 15, 0, NULL});
    METRIC("10.9.0.0/16", 16);
    net_end(&net);
}

/* RFC 2453 3.9.2: better ones win, the same neighbour is always believed, and others only if they are better. */
static void believing(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    SAY(&net, 2, "10.0.2.8", 2, {"10.9.0.0/16", 5, 0, NULL});
    METRIC("10.9.0.0/16", 6);
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 8);
    SAY(&net, 2, "10.0.2.8", 2, {"10.9.0.0/16", 4, 0, NULL});
    METRIC("10.9.0.0/16", 5);
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 7);
    SAY(&net, 2, "10.0.2.8", 2, {"10.9.0.0/16", 9, 0, NULL});
    METRIC("10.9.0.0/16", 6);
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 8);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    METRIC("10.9.0.0/16", 10); /* the alternative is there at once */
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 7);
    net_end(&net);
}

/* Another neighbour's updates do not keep a route alive; past half of its time an equal one takes over. */
static void refreshing(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    net_run(&net, 80);
    SAY(&net, 2, "10.0.2.8", 2, {"10.9.0.0/16", 5, 0, NULL});
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 8);
    net_run(&net, 20);
    SAY(&net, 2, "10.0.2.8", 2, {"10.9.0.0/16", 5, 0, NULL});
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 7);
    net_run(&net, 60);
    SAY(&net, 2, "10.0.2.8", 2, {"10.9.0.0/16", 7, 0, NULL});
    METRIC("10.9.0.0/16", 6);
    net_run(&net, 25); /* now the first is over 180 seconds old */
    METRIC("10.9.0.0/16", 8);
    net_end(&net);
}

static void timers(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    net_run(&net, 100);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    net_run(&net, 179);
    METRIC("10.9.0.0/16", 6);
    CU_ASSERT_TRUE(route("10.9.0.0/16").left_ns <= NS_PER_S);
    net_run(&net, 2);
    METRIC("10.9.0.0/16", 16);
    CU_ASSERT_TRUE(route("10.9.0.0/16").left_ns > 118 * NS_PER_S);
    net_run(&net, 117);
    struct rip_route_view view;
    CU_ASSERT_TRUE(net_find(&net, 0, net_prefix("10.9.0.0/16"), &view));
    net_run(&net, 4);
    CU_ASSERT_FALSE(net_find(&net, 0, net_prefix("10.9.0.0/16"), &view));
    /* and while it is being forgotten it may come back */
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 9, 0, NULL});
    METRIC("10.9.0.0/16", 10);
    net_run(&net, 130);
    METRIC("10.9.0.0/16", 10);
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 16, 0, NULL}); /* the second time it lasts as long */
    CU_ASSERT_TRUE(route("10.9.0.0/16").left_ns > 118 * NS_PER_S);
    net_end(&net);
}

/* What a neighbour will say next is guessed by what it said the last time; nothing may come of a wrong guess. */
static void in_any_order(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.7.0.0/16", 3, 0, NULL}, {"10.8.0.0/16", 4, 0, NULL}, {"10.9.0.0/16", 5, 0, NULL});
    SAY(&net, 2, "10.0.2.8", 2, {"10.9.0.0/16", 9, 0, NULL}, {"10.8.0.0/16", 9, 0, NULL}, {"10.7.0.0/16", 9, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.7.0.0/16", 3, 0, NULL}, {"10.9.0.0/16", 6, 0, NULL}, {"10.8.0.0/16", 7, 0, NULL});
    METRIC("10.7.0.0/16", 4);
    METRIC("10.8.0.0/16", 8);
    METRIC("10.9.0.0/16", 7);
    /* after 10.7/16 it expects 10.8/16, which goes, comes back, and is taught last then */
    SAY(&net, 1, "10.0.1.9", 2, {"10.7.0.0/16", 3, 0, NULL}, {"10.8.0.0/16", 16, 0, NULL}, {"10.8.0.0/16", 2, 0, NULL});
    METRIC("10.8.0.0/16", 3);
    SAY(&net, 1, "10.0.1.9", 2, {"10.7.0.0/16", 3, 0, NULL}); /* and now 10.9/16, which is lost with all others */
    rip_clear(net.routers[0].rip, addr_of("10.0.1.9"), net.now);
    net_run(&net, 1);
    METRIC("10.9.0.0/16", 10);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 1, 0, NULL}, {"10.9.0.0/16", 2, 0, NULL}, {"10.7.0.0/16", 1, 0, NULL});
    METRIC("10.7.0.0/16", 2);
    METRIC("10.8.0.0/16", 10);
    METRIC("10.9.0.0/16", 3);
    net_end(&net);
}

/* Who is cleared, or was away with the interface, and speaks before all that was known of him is forgotten. */
static void back_at_once(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL}, {"10.8.0.0/16", 3, 0, NULL});
    struct rip_message m;
    struct rip_entry e = {.family = RIP_FAMILY_IP, .addr = addr_of("10.9.0.0"), .mask = prefix_mask(16), .metric = 5};
    rip_message_begin(&m, RIP_RESPONSE, 2, false);
    rip_message_add(&m, &e);
    rip_clear(net.routers[0].rip, 0, net.now);
    struct rip_datagram d = {.src = addr_of("10.0.1.9"), .dst = RIP_GROUP, .src_port = RIP_PORT};
    rip_input(net.routers[0].rip, &d, m.bytes, m.len, net.now);
    net_run(&net, 1);
    METRIC("10.9.0.0/16", 6);
    METRIC("10.8.0.0/16", 16);
    net_end(&net);
}

static void next_hops(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 1, 0, "10.0.1.77"}, {"10.8.0.0/16", 1, 0, "10.0.2.77"},
        {"10.7.0.0/16", 1, 0, "10.0.1.1"}, {"10.6.0.0/16", 1, 0, "10.0.1.255"});
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 76);
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.8.0.0/16"), 8); /* not on this subnet: by the sender */
    METRIC("10.7.0.0/16", 16);                           /* through us */
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.6.0.0/16"), 8);
    struct rip_interface_view view;
    CU_ASSERT_TRUE(rip_find_interface(net.routers[0].rip, 0, &view));
    CU_ASSERT_EQUAL(view.counters.next_hop_ignored, 2);
    net_end(&net);
}

static void equal_cost(void)
{
    struct rip_settings s = rip_settings_default;
    s.ecmp = 2;
    start_with(&s, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    SAY(&net, 2, "10.0.2.8", 2, {"10.9.0.0/16", 5, 0, NULL});
    SAY(&net, 1, "10.0.1.7", 2, {"10.9.0.0/16", 5, 0, NULL});
    const struct nexthop_group *group = fib_find(net.routers[0].fib, net_prefix("10.9.0.0/16"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(group);
    CU_ASSERT_EQUAL(group->n, 2);
    CU_ASSERT_EQUAL(route("10.9.0.0/16").n_paths, 3);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    group = fib_find(net.routers[0].fib, net_prefix("10.9.0.0/16"));
    CU_ASSERT_EQUAL(group->n, 2); /* the third stepped in */
    SAY(&net, 1, "10.0.1.7", 2, {"10.9.0.0/16", 16, 0, NULL});
    group = fib_find(net.routers[0].fib, net_prefix("10.9.0.0/16"));
    CU_ASSERT_EQUAL(group->n, 1);
    CU_ASSERT_EQUAL(net_via(&net, 0, "10.9.0.0/16"), 7);
    net_end(&net);
}

static void version_1(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 1, {"10.7.7.0/24", 3, 0, NULL}, {"172.16.0.0/16", 1, 0, NULL}, {"0.0.0.0/0", 1, 0, NULL});
    METRIC("10.7.7.0/24", 4);
    METRIC("172.16.0.0/16", 2);
    METRIC("0.0.0.0/0", 2);
    net_end(&net);
}

/* ---- what is refused ---- */

static void senders(void)
{
    start();
    struct said said = {"10.9.0.0/16", 1, 0, NULL};
    say(&net, 1, "10.0.1.9", 521, RIP_RESPONSE, 2, &said, 1);
    REFUSED(SOURCE_PORT, 1);
    say(&net, 1, "10.0.2.9", RIP_PORT, RIP_RESPONSE, 2, &said, 1);
    say(&net, 1, "10.0.1.0", RIP_PORT, RIP_RESPONSE, 2, &said, 1);
    say(&net, 1, "10.0.1.255", RIP_PORT, RIP_RESPONSE, 2, &said, 1);
    REFUSED(SOURCE, 3);
    say(&net, 1, "10.0.1.1", RIP_PORT, RIP_RESPONSE, 2, &said, 1);
    REFUSED(OWN, 1);
    METRIC("10.9.0.0/16", 16);
    struct rip_neighbour_cursor cursor = RIP_NEIGHBOUR_START;
    struct rip_neighbour_view neighbour;
    CU_ASSERT_TRUE_FATAL(rip_next_neighbour(net.routers[0].rip, &cursor, &neighbour));
    CU_ASSERT_EQUAL(neighbour.address, addr_of("10.0.1.9"));
    CU_ASSERT_EQUAL(neighbour.rejects[RIP_REJECT_SOURCE_PORT], 1);
    CU_ASSERT_EQUAL(neighbour.bad_packets, 1);
    CU_ASSERT_FALSE(rip_next_neighbour(net.routers[0].rip, &cursor, &neighbour));
    net_end(&net);
}

/* A bad entry is ignored and the others are used. */
static void bad_entries(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 17, 0, NULL}, {"10.8.0.0/16", 0, 0, NULL}, {"127.0.0.0/8", 1, 0, NULL},
        {"10.7.0.1/16", 1, 0, NULL}, {"224.1.0.0/16", 1, 0, NULL}, {"10.6.0.0/16", 1, 0, NULL},
        {"10.5.0.0/16", 257, 0, NULL});
    REFUSED(METRIC, 3);
    REFUSED(ADDRESS, 2);
    REFUSED(HOST_BITS, 1);
    METRIC("10.6.0.0/16", 2);
    CU_ASSERT_EQUAL(rip_status(net.routers[0].rip).learned, 1);
    net_end(&net);
}

static void versions_that_are_off(void)
{
    struct rip_interface_settings only2 = rip_interface_settings_default;
    only2.receive = RIP_V2;
    start_with(NULL, &only2);
    SAY(&net, 1, "10.0.1.9", 1, {"172.16.0.0/16", 1, 0, NULL});
    REFUSED(VERSION_OFF, 1);
    SAY(&net, 1, "10.0.1.9", 2, {"172.16.0.0/16", 1, 0, NULL});
    METRIC("172.16.0.0/16", 2);
    net_end(&net);
}

/* A message of version 2 whose first entry is a password. */
static void say_with_password(const char *password, const char *prefix)
{
    struct rip_message m;
    struct prefix p = net_prefix(prefix);
    struct rip_entry e = {.family = RIP_FAMILY_IP, .addr = p.addr, .mask = prefix_mask(p.len), .metric = 1};
    rip_message_begin(&m, RIP_RESPONSE, 2, true);
    store_be16(m.bytes + 4, RIP_FAMILY_AUTH);
    store_be16(m.bytes + 6, 2);
    memcpy(m.bytes + 8, password, strlen(password));
    rip_message_add(&m, &e);
    net_put(&net, 1, UINT32_MAX, addr_of("10.0.1.9"), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(&net, 0.005);
}

static void passwords(void)
{
    static const struct rip_key key = {.mode = RIP_AUTH_TEXT, .secret_len = 4, .secret = "pass"};
    struct rip_interface_settings s = rip_interface_settings_default;
    start();
    say_with_password("pass", "10.9.0.0/16");
    REFUSED(AUTH_UNEXPECTED, 1);
    METRIC("10.9.0.0/16", 16);
    s.auth = (struct rip_auth){.n = 1, .keys = &key};
    CU_ASSERT_TRUE(rip_interface_set(net.routers[0].rip, 0, &s, net.now));
    say_with_password("pass", "10.9.0.0/16");
    METRIC("10.9.0.0/16", 2);
    say_with_password("pasS", "10.8.0.0/16");
    REFUSED(AUTH_PASSWORD, 1);
    SAY(&net, 1, "10.0.1.9", 2, {"10.8.0.0/16", 1, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 1, {"172.16.0.0/16", 1, 0, NULL});
    REFUSED(AUTH_MISSING, 2);
    METRIC("10.8.0.0/16", 16);
    METRIC("172.16.0.0/16", 16);
    net_run(&net, 40);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 auth 2 10.0.2.0/24=1");
    net_end(&net);
}

static void limits(void)
{
    struct rip_settings s = rip_settings_default;
    s.max_routes = 3;
    s.max_routes_altogether = 4;
    start_with(&s, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 1, 0, NULL}, {"10.8.0.0/16", 1, 0, NULL}, {"10.7.0.0/16", 1, 0, NULL},
        {"10.6.0.0/16", 1, 0, NULL});
    REFUSED(NEIGHBOUR_LIMIT, 1);
    SAY(&net, 1, "10.0.1.8", 2, {"10.9.0.0/16", 1, 0, NULL}, {"10.5.0.0/16", 1, 0, NULL});
    REFUSED(TABLE_FULL, 1);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL}, {"10.6.0.0/16", 1, 0, NULL});
    METRIC("10.6.0.0/16", 2);
    CU_ASSERT_EQUAL(rip_status(net.routers[0].rip).paths, 4);
    net_end(&net);
}

/* Senders that do not exist push out each other, not who has routes. */
static void many_neighbours(void)
{
    struct prefix wide = net_prefix("10.128.0.1/9");
    start();
    net_new_port(&net, 0, 3, wide, NULL);
    SAY(&net, 3, "10.128.0.9", 2, {"172.16.0.0/16", 1, 0, NULL});
    struct said said = {"172.17.0.0/16", 17, 0, NULL};
    for (uint32_t i = 0; i < 1000; i++) {
        char src[ADDR_TEXT];
        say(&net, 3, addr_text(0x0a800100u + i, src), RIP_PORT, RIP_RESPONSE, 2, &said, 1);
    }
    struct rip_interface_view view;
    CU_ASSERT_TRUE_FATAL(rip_find_interface(net.routers[0].rip, 2, &view));
    CU_ASSERT_EQUAL(view.neighbours, RIP_NEIGHBOURS_MAX);
    CU_ASSERT_EQUAL(view.counters.neighbours_evicted, 1001 - RIP_NEIGHBOURS_MAX);
    METRIC("172.16.0.0/16", 2);
    net_end(&net);
}

/* As many as there may be offer a prefix; the worst makes room for a better one. */
static void many_paths(void)
{
    start();
    for (unsigned i = 0; i < 40; i++) {
        char src[ADDR_TEXT];
        struct said said = {"10.9.0.0/16", 10 - i / 8, 0, NULL};
        say(&net, 1, addr_text(0x0a000110u + i, src), RIP_PORT, RIP_RESPONSE, 2, &said, 1);
    }
    struct rip_route_view view = route("10.9.0.0/16");
    CU_ASSERT_EQUAL(view.n_paths, RIP_PATHS_MAX);
    CU_ASSERT_EQUAL(view.metric, 7);
    for (unsigned i = 0; i < view.n_paths; i++)
        CU_ASSERT_TRUE(view.paths[i].metric <= 10);
    net_end(&net);
}

/* ---- requests ---- */

static void whole_table(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 5, NULL});
    net_run(&net, 5);
    listen_forget(&listener);
    ask_for_all(&net, 2, "10.0.2.7", RIP_PORT, 2);
    HEARD(&listener, "10.0.2.1 > 10.0.2.7 response/2 ");
    HEARD(&listener, " 10.9.0.0/16=4,tag 5");
    HEARD(&listener, " 10.0.1.0/24=1");
    NOT_HEARD(&listener, "10.0.2.0/24"); /* split horizon */
    listen_forget(&listener);
    ask_for_all(&net, 1, "10.0.1.7", 4711, 2);
    HEARD(&listener, "10.0.1.1 > 10.0.1.7:4711 response/2 ");
    HEARD(&listener, " 10.9.0.0/16=16");
    listen_forget(&listener);
    ask_for_all(&net, 1, "10.0.1.7", RIP_PORT, 1); /* RFC 2453 4.6 */
    CU_ASSERT_EQUAL(listener.messages, 0);
    net_end(&net);
}

static void by_entry(void)
{
    start();
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 5, NULL});
    net_run(&net, 5);
    listen_forget(&listener);
    struct said said[] = {{"10.9.0.0/16", 1, 0, NULL}, {"10.8.0.0/16", 1, 0, NULL}, {"10.0.1.0/24", 9, 0, NULL}};
    say(&net, 1, "10.0.1.9", 4711, RIP_REQUEST, 2, said, 3);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:4711 response/2 10.9.0.0/16=4 10.8.0.0/16=16 10.0.1.0/24=1\n");
    net_end(&net);
}

static void too_many_requests(void)
{
    start();
    for (unsigned i = 0; i < 100; i++) {
        struct said said = {"10.9.0.0/16", 1, 0, NULL};
        say(&net, 1, "10.0.1.9", 4711, RIP_REQUEST, 2, &said, 1);
    }
    CU_ASSERT_TRUE(listener.messages >= 20 && listener.messages <= 30);
    REFUSED(RATE, 100 - listener.messages);
    net_end(&net);
}

static void passive(void)
{
    struct rip_settings s = rip_settings_default;
    static const uint32_t neighbors[] = {0x0a000209};
    struct rip_interface_settings interface = rip_interface_settings_default;
    interface.passive = true;
    s.n_neighbors = 1;
    s.neighbors = neighbors;
    start_with(&s, &interface);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 5, NULL});
    METRIC("10.9.0.0/16", 4); /* it listens */
    ask_for_all(&net, 1, "10.0.1.9", RIP_PORT, 2);
    REFUSED(PASSIVE, 1);
    net_run(&net, 60);
    NOT_HEARD(&listener, "10.0.1.1 >");
    NOT_HEARD(&listener, "224.0.0.9");
    HEARD(&listener, "10.0.2.1 > 10.0.2.9 response/2 10.0.1.0/24=1");
    ask_for_all(&net, 2, "10.0.2.9", RIP_PORT, 2);
    CU_ASSERT_EQUAL(refused(&net, 0, 1, RIP_REJECT_PASSIVE), 0);
    net_end(&net);
}

/* Broken bytes from a stranger: whatever it is, it is counted, and nothing else. */
static void hostile(void)
{
    start();
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 1, 0, NULL});
    uint64_t random = 7;
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t bytes[600];
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t len = random >> 33 & 511;
        for (size_t i = 0; i < len; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (random >> 60 & 3) == 0 ? (uint8_t)(random >> 40) : (uint8_t)(random >> 40 & 2);
        }
        if (len >= 6 && (random >> 50 & 1) != 0)
            len -= (len - 4) % 20;
        struct rip_datagram d = {.src = addr_of("10.0.1.9"), .dst = RIP_GROUP, .src_port = RIP_PORT};
        rip_input(net.routers[0].rip, &d, bytes, len, net.now);
    }
    net_run(&net, 20);
    METRIC("10.9.0.0/16", 2);
    net_end(&net);
}

/* ---- what is logged ---- */

static unsigned logged;

static void count_logged(void *context, enum rip_level level, unsigned port, uint32_t addr, const char *text)
{
    (void)context, (void)port, (void)addr;
    CU_ASSERT_TRUE(level != RIP_WARNING || strstr(text, "10.128.") != NULL);
    logged += level == RIP_WARNING;
}

/* One neighbour is complained of once a minute, and a thousand that do not exist not each. */
static void complaints(void)
{
    static const uint8_t nonsense[] = {9, 2, 0, 0, 0, 2, 0, 0, 10, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct rip_hooks hooks = {.context = &net.routers, .send = net_send, .log = count_logged};
    struct rip_interface_settings silent = rip_interface_settings_default;
    struct prefix address = net_prefix("10.128.0.1/9");
    net_begin(&net, 1, NULL);
    struct rip *rip = rip_new(net.routers[0].rib, &rip_settings_default, 1, &hooks);
    silent.send = 0;
    CU_ASSERT_TRUE(rip_interface_set(rip, 0, &silent, net.now));
    CU_ASSERT_TRUE(rip_interface_up(rip, 0, &address, 1, net.now));
    logged = 0;
    struct rip_datagram d = {.src = addr_of("10.128.0.9"), .dst = RIP_GROUP, .src_port = RIP_PORT};
    for (unsigned second = 0; second < 90; second++) {
        net.now.ns += NS_PER_S;
        rip_input(rip, &d, nonsense, sizeof nonsense, net.now);
    }
    CU_ASSERT_EQUAL(logged, 2);
    logged = 0;
    for (d.src += 1; d.src < addr_of("10.128.4.0"); d.src++)
        rip_input(rip, &d, nonsense, sizeof nonsense, net.now);
    CU_ASSERT_EQUAL(logged, 10);
    CU_ASSERT_EQUAL(rip_status(rip).rejects[RIP_REJECT_COMMAND], 90 + 4 * 256 - 10);
    rip_free(rip, net.now);
    net_end(&net);
}

static const struct unit_case cases[] = {
    {"routes are learned with a hop more, and withdrawn", learning},
    {"better offers win, the same neighbour is believed, others are kept aside", believing},
    {"only who offers a path keeps it alive; an equal one takes over past half of its time", refreshing},
    {"routes time out, are forgotten, and may come back", timers},
    {"routes come in any order", in_any_order},
    {"who was cleared may speak at once", back_at_once},
    {"next hops are honoured on the same subnet only", next_hops},
    {"equal-cost paths are used up to the limit, and lost one by one", equal_cost},
    {"version 1 is understood", version_1},
    {"senders are checked", senders},
    {"a bad entry is counted, and the others are used", bad_entries},
    {"versions that are not received are counted", versions_that_are_off},
    {"passwords are demanded, refused, and sent", passwords},
    {"routes of a neighbour and of all are limited", limits},
    {"senders that do not exist push out each other only", many_neighbours},
    {"the worst of too many paths makes room", many_paths},
    {"a whole table is sent to who asks for it", whole_table},
    {"a request by entry is answered as is", by_entry},
    {"requests are answered at a bounded rate", too_many_requests},
    {"a passive interface listens, and speaks to its neighbours only", passive},
    {"broken messages do no harm", hostile},
    {"complaints are few, refusals are all counted", complaints},
};

UNIT_MAIN("rip_input", cases)
