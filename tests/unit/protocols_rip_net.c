/* Several routers, and whether they agree. */
#include "tests/unit/support/rip_net.h"

#define METRIC(router, prefix, expected) CU_ASSERT_EQUAL(net_metric(&net, router, prefix), expected)

static struct net net;

static void two_routers(void)
{
    net_line(&net, 2, NULL);
    net_stub(&net, 0, "172.16.0.1/24");
    net_stub(&net, 1, "172.16.1.1/32");
    net_run(&net, 0.1);
    METRIC(1, "172.16.0.0/24", 2);
    METRIC(0, "172.16.1.1/32", 2);
    METRIC(0, "10.0.1.0/24", 1);
    CU_ASSERT_EQUAL(net_via(&net, 1, "172.16.0.0/24"), 0);
    net_run(&net, 600);
    METRIC(1, "172.16.0.0/24", 2);
    net_end(&net);
}

static void line_of_fifteen(void)
{
    net_line(&net, 17, NULL);
    net_stub(&net, 0, "172.16.0.1/24");
    net_run(&net, 120);
    METRIC(14, "172.16.0.0/24", 15);
    METRIC(15, "172.16.0.0/24", 16);
    METRIC(16, "172.16.0.0/24", 16);
    CU_ASSERT_EQUAL(net_via(&net, 14, "172.16.0.0/24"), 13);
    CU_ASSERT_EQUAL(net_via(&net, 15, "172.16.0.0/24"), UINT32_MAX);
    net_end(&net);
}

/* A triangle that lost what it counts on: the third router keeps offering what it heard from the others. */
static void counting_ends(void)
{
    struct rip_interface_settings off = rip_interface_settings_default;
    off.split_horizon = RIP_SPLIT_OFF;
    net_begin(&net, 4, NULL);
    for (unsigned i = 0; i < 3; i++) {
        net_attach(&net, i, i + 1, &off);
        net_attach(&net, i, (i + 1) % 3 + 1, &off);
    }
    net_attach(&net, 0, 9, NULL);
    net_attach(&net, 3, 9, NULL);
    net_stub(&net, 3, "172.16.0.1/24");
    net_run(&net, 60);
    METRIC(1, "172.16.0.0/24", 3);
    METRIC(2, "172.16.0.0/24", 3);
    net_cut(&net, 9, true);
    net_run(&net, 16 * 5 + 30);
    for (unsigned i = 0; i < 3; i++) {
        METRIC(i, "172.16.0.0/24", 16);
        CU_ASSERT_EQUAL(net_via(&net, i, "172.16.0.0/24"), UINT32_MAX);
    }
    net_cut(&net, 9, false);
    net_run(&net, 60);
    METRIC(2, "172.16.0.0/24", 3);
    net_end(&net);
}

/* A ring of five: the far side is there at once, for its offer is kept. */
static void ring_heals(void)
{
    net_begin(&net, 5, NULL);
    for (unsigned i = 0; i < 5; i++) {
        net_attach(&net, i, i + 1, NULL);
        net_attach(&net, i, (i + 1) % 5 + 1, NULL);
    }
    net_stub(&net, 0, "172.16.0.1/24");
    net_run(&net, 60);
    METRIC(1, "172.16.0.0/24", 2);
    METRIC(2, "172.16.0.0/24", 3);
    METRIC(3, "172.16.0.0/24", 3);
    net_cut(&net, 2, true); /* between 0 and 1 */
    net_run(&net, 30);
    METRIC(4, "172.16.0.0/24", 2);
    METRIC(2, "172.16.0.0/24", 4);
    METRIC(1, "172.16.0.0/24", 5);
    CU_ASSERT_EQUAL(net_via(&net, 1, "172.16.0.0/24"), 2);
    net_cut(&net, 2, false);
    net_run(&net, 60);
    METRIC(1, "172.16.0.0/24", 2);
    METRIC(2, "172.16.0.0/24", 3);
    net_end(&net);
}

/* A router that dies is missed after 180 seconds, and forgotten after 120 more. */
static void silent_death(void)
{
    net_line(&net, 3, NULL);
    net_stub(&net, 0, "172.16.0.1/24");
    net_run(&net, 60);
    METRIC(2, "172.16.0.0/24", 3);
    net_kill(&net, 0);
    net_run(&net, 100);
    METRIC(2, "172.16.0.0/24", 3);
    net_run(&net, 85);
    METRIC(1, "172.16.0.0/24", 16);
    METRIC(2, "172.16.0.0/24", 16);
    struct rip_route_view view;
    CU_ASSERT_TRUE(net_find(&net, 1, net_prefix("172.16.0.0/24"), &view));
    net_run(&net, 160);
    CU_ASSERT_FALSE(net_find(&net, 1, net_prefix("172.16.0.0/24"), &view));
    CU_ASSERT_FALSE(net_find(&net, 2, net_prefix("172.16.0.0/24"), &view));
    net_end(&net);
}

static void goodbye(void)
{
    net_line(&net, 3, NULL);
    net_stub(&net, 0, "172.16.0.1/24");
    net_run(&net, 60);
    rip_stop(net.routers[0].rip, net.now);
    CU_ASSERT_FALSE(rip_is_stopped(net.routers[0].rip));
    net_run(&net, 0.5);
    CU_ASSERT_TRUE(rip_is_stopped(net.routers[0].rip));
    CU_ASSERT_EQUAL(rip_status(net.routers[0].rip).paths, 0);
    METRIC(1, "172.16.0.0/24", 16);
    CU_ASSERT_EQUAL(net_via(&net, 1, "172.16.0.0/24"), UINT32_MAX);
    uint64_t messages = net.routers[0].messages;
    net_run(&net, 120);
    CU_ASSERT_EQUAL(net.routers[0].messages, messages);
    net_end(&net);
}

/* Two who offer the default route do not send packets to and fro between them. */
static void two_defaults(void)
{
    struct rip_settings s = rip_settings_default;
    s.default_information = true;
    net_line(&net, 3, NULL);
    rip_configure(net.routers[0].rip, &s, net.now);
    net_run(&net, 60);
    METRIC(2, "0.0.0.0/0", 3);
    CU_ASSERT_EQUAL(net_via(&net, 1, "0.0.0.0/0"), 0);
    rip_configure(net.routers[1].rip, &s, net.now);
    net_run(&net, 60);
    METRIC(0, "0.0.0.0/0", 1);
    METRIC(1, "0.0.0.0/0", 1);
    CU_ASSERT_EQUAL(net_via(&net, 0, "0.0.0.0/0"), UINT32_MAX);
    CU_ASSERT_EQUAL(net_via(&net, 1, "0.0.0.0/0"), UINT32_MAX);
    CU_ASSERT_EQUAL(net_via(&net, 2, "0.0.0.0/0"), 1);
    s.default_information = false;
    rip_configure(net.routers[1].rip, &s, net.now);
    net_run(&net, 60);
    CU_ASSERT_EQUAL(net_via(&net, 1, "0.0.0.0/0"), 0);
    net_end(&net);
}

/* 4,000 routes come and go whole, over several bursts. */
/* What is lost between the decision to stop and the end of the goodbye is part of that, too. */
static void goodbye_of_what_changes(void)
{
    net_line(&net, 3, NULL);
    net_stub(&net, 0, "172.16.0.1/24");
    net_run(&net, 60);
    METRIC(2, "172.16.0.0/24", 3);
    rip_clear(net.routers[1].rip, 0, net.now);
    rip_stop(net.routers[1].rip, net.now);
    net_run(&net, 0.5);
    CU_ASSERT_TRUE(rip_is_stopped(net.routers[1].rip));
    METRIC(2, "172.16.0.0/24", 16);
    net_end(&net);
}

static void many_routes(void)
{
    net_line(&net, 2, NULL);
    struct rip_settings s = rip_settings_default;
    s.redistribute[RIB_STATIC] = (struct rip_redistribute){.on = true, .metric = 3, .tag = 7};
    for (unsigned i = 0; i < 4000; i++) {
        struct rib_route route = {.prefix = {.addr = 0xac100000u + (i << 8), .len = 24},
                                  .protocol = RIB_STATIC,
                                  .type = RIB_BLACKHOLE,
                                  .distance = 1};
        CU_ASSERT_TRUE(rib_add(net.routers[0].rib, &route, net.now));
    }
    CU_ASSERT_TRUE(rip_configure(net.routers[0].rip, &s, net.now));
    net_run(&net, 10);
    CU_ASSERT_EQUAL(rip_status(net.routers[1].rip).learned, 4000);
    METRIC(1, "172.31.0.0/24", 4);
    s.redistribute[RIB_STATIC].on = false;
    CU_ASSERT_TRUE(rip_configure(net.routers[0].rip, &s, net.now));
    net_run(&net, 10);
    CU_ASSERT_EQUAL(rip_status(net.routers[1].rip).learned, 0);
    net_run(&net, 300);
    CU_ASSERT_EQUAL(rip_status(net.routers[1].rip).routes, 1);
    CU_ASSERT_EQUAL(rip_status(net.routers[0].rip).routes, 1);
    net_end(&net);
}

/* ---- random topologies against the shortest paths ---- */

#define ROUTERS_MAX 30

static uint32_t chance(uint32_t below)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static bool lose_a_fifth(struct net *n, const struct net_message *message)
{
    (void)n, (void)message;
    return chance(5) != 0;
}

static bool on_segment[ROUTERS_MAX][NET_SEGMENTS], is_cut[NET_SEGMENTS];

static void join(unsigned router, unsigned segment)
{
    if (on_segment[router][segment])
        return;
    net_attach(&net, router, segment, NULL);
    on_segment[router][segment] = true;
}

/* A tree, and some more; some segments have three routers. Returns the number of segments. */
static unsigned make_topology(unsigned n)
{
    unsigned segments = 0;
    memset(on_segment, 0, sizeof on_segment);
    memset(is_cut, 0, sizeof is_cut);
    for (unsigned i = 1; i < n + n / 2; i++) {
        unsigned a = i < n ? i : chance(n), b = i < n ? chance(i) : chance(n);
        segments++;
        join(a, segments);
        join(b, segments);
        if (chance(4) == 0)
            join(chance(n), segments);
    }
    for (unsigned i = 0; i < n; i++) {
        char text[PREFIX_TEXT];
        net_stub(&net, i, prefix_text((struct prefix){0xac100001u + (i << 8), 24}, text));
    }
    return segments;
}

static bool are_neighbours(unsigned a, unsigned b, unsigned segments)
{
    for (unsigned s = 1; s <= segments; s++)
        if (on_segment[a][s] && on_segment[b][s] && !is_cut[s])
            return true;
    return false;
}

/* The metric of router TO's own network at every router. */
static void shortest_paths(unsigned n, unsigned segments, unsigned to, unsigned metric[ROUTERS_MAX])
{
    for (unsigned i = 0; i < n; i++)
        metric[i] = i == to ? 1 : RIP_INFINITY;
    for (unsigned round = 0; round < RIP_INFINITY; round++)
        for (unsigned i = 0; i < n; i++)
            for (unsigned j = 0; j < n; j++)
                if (metric[j] + 1 < metric[i] && are_neighbours(i, j, segments))
                    metric[i] = metric[j] + 1;
}

static void random_topologies(void)
{
    for (unsigned round = 0; round < 15; round++) {
        unsigned n = 5 + chance(ROUTERS_MAX - 5), metric[ROUTERS_MAX];
        struct rip_settings settings = rip_settings_default;
        settings.ecmp = (uint8_t)(1 + chance(4));
        net_begin(&net, n, &settings);
        unsigned segments = make_topology(n);
        net.watch = lose_a_fifth;
        net_run(&net, 60);
        for (unsigned i = 0; i < 20; i++) {
            unsigned s = 1 + chance(segments);
            is_cut[s] = !is_cut[s];
            net_cut(&net, s, is_cut[s]);
            net_run(&net, chance(200) / 10.0);
        }
        net.watch = NULL;
        net_run(&net, 400);
        for (unsigned to = 0; to < n; to++) {
            char text[PREFIX_TEXT];
            prefix_text((struct prefix){0xac100000u + (to << 8), 24}, text);
            shortest_paths(n, segments, to, metric);
            for (unsigned i = 0; i < n; i++)
                METRIC(i, text, metric[i]);
        }
        net_end(&net);
    }
}

static const struct unit_case cases[] = {
    {"two routers converge, and stay so", two_routers},
    {"a network is reached from fifteen hops away, not from sixteen", line_of_fifteen},
    {"counting to infinity ends", counting_ends},
    {"a ring heals the other way round", ring_heals},
    {"a router that falls silent is missed, and its networks are forgotten", silent_death},
    {"a goodbye takes its networks along at once", goodbye},
    {"a goodbye takes along what changes while it is said", goodbye_of_what_changes},
    {"random topologies with loss and cuts come to the shortest paths", random_topologies},
    {"two default routes make no loop", two_defaults},
    {"thousands of routes go in bursts, and are withdrawn", many_routes},
};

UNIT_MAIN("rip_net", cases)
