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
    METRIC(1, "172.16.0.0/24", 16);
    CU_ASSERT_EQUAL(net_via(&net, 1, "172.16.0.0/24"), UINT32_MAX);
    uint64_t messages = net.routers[0].messages;
    net_run(&net, 120);
    CU_ASSERT_EQUAL(net.routers[0].messages, messages);
    net_end(&net);
}

/* 4,000 routes come and go whole, over several bursts. */
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

static const struct unit_case cases[] = {
    {"two routers converge, and stay so", two_routers},
    {"a network is reached from fifteen hops away, not from sixteen", line_of_fifteen},
    {"counting to infinity ends", counting_ends},
    {"a ring heals the other way round", ring_heals},
    {"a router that falls silent is missed, and its networks are forgotten", silent_death},
    {"a goodbye takes its networks along at once", goodbye},
    {"thousands of routes go in bursts, and are withdrawn", many_routes},
};

UNIT_MAIN("rip_net", cases)
