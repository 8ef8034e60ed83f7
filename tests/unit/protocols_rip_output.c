/* One router, 10.0.1.1 and 10.0.2.1, and what it says. */
#include "tests/unit/support/rip_listen.h"

static struct net net;
static struct listener listener;

static struct rip_interface_settings with(enum rip_split_horizon split)
{
    struct rip_interface_settings s = rip_interface_settings_default;
    s.split_horizon = split;
    return s;
}

/* Up for as long as the first messages take, and nothing heard yet. */
static void start_with(const struct rip_settings *settings, const struct rip_interface_settings *interface)
{
    net_begin(&net, 1, settings);
    net_attach(&net, 0, 1, interface);
    net_attach(&net, 0, 2, interface);
    listen_begin(&net, &listener);
    net_run(&net, 10);
    listen_forget(&listener);
}

static void set(unsigned port, const struct rip_interface_settings *s)
{
    CU_ASSERT_TRUE(rip_interface_set(net.routers[0].rip, port, s, net.now));
}

static void configure(const struct rip_settings *s)
{
    CU_ASSERT_TRUE(rip_configure(net.routers[0].rip, s, net.now));
}

static void put_static(const char *prefix, const char *gateway, bool add)
{
    struct rib_route route = {.prefix = net_prefix(prefix), .protocol = RIB_STATIC, .distance = 1};
    if (gateway == NULL) {
        route.type = RIB_BLACKHOLE;
    } else {
        route.n_hops = 1;
        route.hops[0] = (struct rib_hop){.gateway = addr_of(gateway), .port = PORT_NONE};
    }
    if (add)
        CU_ASSERT_TRUE(rib_add(net.routers[0].rib, &route, net.now))
    else
        CU_ASSERT_TRUE(rib_remove(net.routers[0].rib, route.prefix, RIB_STATIC, 1, net.now))
}

/* ---- when ---- */

static void first_words(void)
{
    net_begin(&net, 1, NULL);
    listen_begin(&net, &listener);
    net_attach(&net, 0, 1, NULL);
    net_attach(&net, 0, 2, NULL);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 request/2 all=16\n");
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 request/2 all=16\n");
    net_run(&net, 1);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1\n");
    listen_forget(&listener);
    net_port(&net, 0, 1, false);
    net_run(&net, 10);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=16\n");
    listen_forget(&listener);
    net_port(&net, 0, 1, true);
    net_run(&net, 10);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 request/2 all=16\n");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1\n");
    net_end(&net);
}

/* 30 seconds on the average, never more than 15 % off, and no two alike. */
static void periods(void)
{
    start_with(NULL, NULL);
    uint64_t last = 0, least = NEVER_NS, most = 0, sum = 0;
    unsigned n = 0;
    while (n < 200) {
        listen_forget(&listener);
        net_run_to(&net, net_next(&net));
        if (!heard(&listener, "10.0.1.1 >"))
            continue;
        uint64_t gap = net.now.ns - last;
        if (last != 0) {
            least = gap < least ? gap : least;
            most = gap > most ? gap : most;
            sum += gap;
            n++;
        }
        last = net.now.ns;
    }
    CU_ASSERT_TRUE(least >= 25500 * NS_PER_MS && least < 27 * NS_PER_S);
    CU_ASSERT_TRUE(most <= 34500 * NS_PER_MS && most > 33 * NS_PER_S);
    CU_ASSERT_TRUE(sum / n > 29 * NS_PER_S && sum / n < 31 * NS_PER_S);
    net_end(&net);
}

/* RFC 2453 3.10.1: at once, then one for all that came in 1 to 5 seconds, and only what changed. */
static void triggered(void)
{
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.9.0.0/16=4\n");
    CU_ASSERT_EQUAL(listener.messages, 1); /* nothing that is new on the other side */
    listen_forget(&listener);
    SAY(&net, 1, "10.0.1.9", 2, {"10.8.0.0/16", 3, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.7.0.0/16", 3, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.7.0.0/16", 4, 0, NULL});
    net_run(&net, 0.9);
    CU_ASSERT_EQUAL(listener.messages, 0);
    net_run(&net, 4.2);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.8.0.0/16=4 10.7.0.0/16=5\n");
    CU_ASSERT_EQUAL(listener.messages, 1);
    net_end(&net);
}

static void bursts(void)
{
    struct rip_settings s = rip_settings_default;
    s.redistribute[RIB_STATIC].on = true;
    start_with(&s, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        char prefix[PREFIX_TEXT];
        put_static(prefix_text((struct prefix){0xac100000u + (i << 8), 24}, prefix), NULL, true);
    }
    net_run(&net, 10);
    CU_ASSERT_EQUAL(listener.entries, 2000);
    CU_ASSERT_TRUE(listener.messages >= 80 && listener.messages <= 82); /* 25 a message, but the last */
    net_end(&net);
}

/* A port that goes does not wait for the pauses between bursts. */
static void hurried_goodbye(void)
{
    struct rip_settings s = rip_settings_default;
    s.redistribute[RIB_STATIC].on = true;
    start_with(&s, NULL);
    for (unsigned i = 0; i < 3000; i++) {
        char prefix[PREFIX_TEXT];
        put_static(prefix_text((struct prefix){0xac100000u + (i << 8), 24}, prefix), NULL, true);
    }
    net_run(&net, 10);
    struct rip *rip = net.routers[0].rip;
    listen_forget(&listener);
    rip_interface_remove(rip, 0, net.now);
    rip_interface_hurry(rip, 0);
    for (unsigned i = 0; i < 64 && rip_run(rip, net.now) <= net.now.ns; i++)
        ;
    net_run(&net, 0.005); /* less than a pause */
    CU_ASSERT_TRUE(listener.entries > 3000);
    net_end(&net);
}

/* Neighbours' sockets hold so much: at most 32 messages of an interface in any 8 milliseconds. */
static bool count_at_once(struct net *n, const struct net_message *message)
{
    static uint64_t at_ns;
    unsigned *most = n->watcher;
    static unsigned at_once;
    if (message->segment != 1)
        return true;
    bool again = n->now.ns >= at_ns && n->now.ns - at_ns < 8 * NS_PER_MS;
    at_once = again ? at_once + 1 : 1;
    at_ns = again ? at_ns : n->now.ns;
    *most = at_once > *most ? at_once : *most;
    return true;
}

static void gaps(void)
{
    unsigned most = 0;
    struct rip_settings s = rip_settings_default;
    s.redistribute[RIB_STATIC].on = true;
    start_with(&s, NULL);
    net.watch = count_at_once;
    net.watcher = &most;
    for (unsigned i = 0; i < 4000; i++) {
        char prefix[PREFIX_TEXT];
        put_static(prefix_text((struct prefix){0xac100000u + (i << 8), 24}, prefix), NULL, true);
    }
    net_run(&net, 60);
    CU_ASSERT_EQUAL(most, 32);
    net_end(&net);
}

struct crowd {
    unsigned most; /* at once */
    unsigned told[20];
};

static bool count_crowd(struct net *n, const struct net_message *message)
{
    struct crowd *crowd = n->watcher;
    if (message->dst_port != 4711)
        return true;
    crowd->told[message->dst - addr_of("10.0.1.100")]++;
    n->watcher = &crowd->most;
    count_at_once(n, message);
    n->watcher = crowd;
    return true;
}

/* Whole tables for twenty at a time are no more than for one: a burst for all together, each in turn. */
static void crowds(void)
{
    struct rip_settings s = rip_settings_default;
    s.redistribute[RIB_STATIC].on = true;
    start_with(&s, NULL);
    for (unsigned i = 0; i < 2000; i++) {
        char prefix[PREFIX_TEXT];
        put_static(prefix_text((struct prefix){0xac100000u + (i << 8), 24}, prefix), NULL, true);
    }
    net_run(&net, 20);
    struct crowd crowd = {0};
    net.watch = count_crowd;
    net.watcher = &crowd;
    struct rip_message m;
    rip_message_begin(&m, RIP_REQUEST, 2, false);
    rip_message_add(&m, &(struct rip_entry){.metric = RIP_INFINITY});
    for (unsigned i = 0; i < 20; i++)
        net_put(&net, 1, UINT32_MAX, addr_of("10.0.1.100") + i, 4711, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(&net, 0.2);
    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT_TRUE(crowd.told[i] > 0);
    net_run(&net, 1);
    for (unsigned i = 0; i < 20; i++)
        CU_ASSERT_EQUAL(crowd.told[i], 81); /* 2,001 routes, 25 a message */
    CU_ASSERT_EQUAL(crowd.most, 32);
    net_end(&net);
}

/* RFC 2453 3.10.1: no triggered update when a regular one is due by then. */
static void suppressed(void)
{
    struct rip_settings s = rip_settings_default;
    struct rip_interface_view view;
    s.update_s = 1;
    start_with(&s, NULL);
    rip_clear_counters(net.routers[0].rip);
    for (unsigned i = 0; i < 50; i++) {
        SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3 + i % 2, 0, NULL});
        net_run(&net, 0.2);
    }
    CU_ASSERT_TRUE(rip_find_interface(net.routers[0].rip, 1, &view));
    CU_ASSERT_TRUE(view.counters.out_updates >= 8 && view.counters.out_updates <= 12);
    CU_ASSERT_TRUE(view.counters.out_triggered <= 10);
    CU_ASSERT_TRUE(view.next_update_ns - net.now.ns <= 1150 * NS_PER_MS);
    net_end(&net);
}

/* ---- split horizon ---- */

static void simple_split_horizon(void)
{
    struct rip_interface_settings s = with(RIP_SPLIT_SIMPLE);
    start_with(NULL, &s);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 60);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.9.0.0/16=4\n");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1\n");
    NOT_HEARD(&listener, "10.9.0.0/16=16");
    net_end(&net);
}

static void poisoned_reverse(void)
{
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 60);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.9.0.0/16=4\n");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1 10.9.0.0/16=16\n");
    net_end(&net);
}

static void no_split_horizon(void)
{
    struct rip_interface_settings s = with(RIP_SPLIT_OFF);
    start_with(NULL, &s);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 60);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.0.2.0/24=1 10.9.0.0/16=4,by 10.0.1.9\n");
    ask_for_all(&net, 1, "10.0.1.9", RIP_PORT, 2); /* he sees that it is himself */
    HEARD(&listener, "10.0.1.1 > 10.0.1.9 response/2 10.0.1.0/24=1 10.0.2.0/24=1 10.9.0.0/16=4,by 10.0.1.9\n");
    net_end(&net);
}

/* Some look for the route by its next hop too: what is lost is lost where it was said to lead, and what leads elsewhere
 * now is said at once. */
static void next_hop_of_the_lost(void)
{
    struct rip_settings s = rip_settings_default;
    struct rip_interface_settings off = with(RIP_SPLIT_OFF);
    s.redistribute[RIB_STATIC] = (struct rip_redistribute){.on = true, .metric = 3};
    start_with(&s, NULL);
    put_static("172.16.0.0/16", "10.0.1.9", true);
    net_run(&net, 1);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 172.16.0.0/16=3,by 10.0.1.9\n");
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 172.16.0.0/16=3\n");
    net_run(&net, 6);
    listen_forget(&listener);
    put_static("172.16.0.0/16", "10.0.1.8", true);
    net_run(&net, 1);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 172.16.0.0/16=3,by 10.0.1.8\n");
    net_run(&net, 6);
    listen_forget(&listener);
    s.redistribute[RIB_STATIC].on = false;
    configure(&s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 172.16.0.0/16=16,by 10.0.1.8\n");
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 172.16.0.0/16=16\n");
    net_run(&net, 200);
    set(0, &off);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 6);
    HEARD(&listener, "10.9.0.0/16=4,by 10.0.1.9");
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    net_run(&net, 6);
    HEARD(&listener, "10.9.0.0/16=16,by 10.0.1.9");
    set(0, &rip_interface_settings_default);
    listen_forget(&listener);
    net_run(&net, 40);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1 10.9.0.0/16=16\n");
    net_end(&net);
}

/* Whatever others say of a network of ours, ours looks the same. */
static void own_network_learned(void)
{
    start_with(NULL, NULL);
    SAY(&net, 2, "10.0.2.9", 2, {"10.0.1.0/24", 3, 0, NULL});
    net_run(&net, 6);
    SAY(&net, 2, "10.0.2.9", 2, {"10.0.1.0/24", 16, 0, NULL});
    net_run(&net, 6);
    CU_ASSERT_EQUAL(listener.messages, 0);
    net_end(&net);
}

/* A route that turns round is withdrawn where it went before, in the triggered update already. */
static void turning_round(void)
{
    struct rip_interface_settings s = with(RIP_SPLIT_SIMPLE);
    start_with(NULL, &s);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    net_run(&net, 6);
    listen_forget(&listener);
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 2, 0, NULL});
    net_run(&net, 6);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.9.0.0/16=3\n");
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.9.0.0/16=16\n");
    listen_forget(&listener);
    net_run(&net, 60);
    NOT_HEARD(&listener, "10.9.0.0/16=16"); /* once */
    net_end(&net);
}

/* With paths both ways it is on neither side that neighbours may come through us. */
static void equal_cost_split_horizon(void)
{
    struct rip_settings settings = rip_settings_default;
    settings.ecmp = 4;
    start_with(&settings, NULL);
    net_attach(&net, 0, 3, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    net_run(&net, 10);
    listen_forget(&listener);
    net_run(&net, 40);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1 10.0.3.0/24=1 10.9.0.0/16=16\n");
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.0.3.0/24=1 10.9.0.0/16=16\n");
    HEARD(&listener, "10.0.3.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.0.2.0/24=1 10.9.0.0/16=6\n");
    net_end(&net);
}

/* ---- versions and addresses ---- */

/* RFC 2453 3.7: subnets stay in their network, which is one route elsewhere; supernets are not said. */
static void version_1(void)
{
    struct rip_interface_settings s = with(RIP_SPLIT_SIMPLE);
    s.send = RIP_V1;
    start_with(NULL, &s);
    net_new_port(&net, 0, 4, net_prefix("192.168.7.1/24"), &s);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL}, {"10.9.9.0/24", 7, 9, NULL}, {"10.3.3.3/32", 4, 0, NULL},
        {"172.16.5.0/24", 5, 0, NULL}, {"172.16.6.0/24", 6, 0, NULL}, {"172.17.0.0/16", 1, 0, NULL},
        {"192.168.0.0/16", 1, 0, NULL}, {"0.0.0.0/0", 1, 0, NULL});
    net_run(&net, 10);
    listen_forget(&listener);
    net_run(&net, 34);
    HEARD(&listener, "10.0.2.1 > 10.0.2.255 response/1 10.0.1.0=1 192.168.7.0=1 10.9.9.0=8 10.3.3.3=5 172.17.0.0=2 "
                     "0.0.0.0=2 172.16.0.0=6\n");
    HEARD(&listener, "192.168.7.1 > 192.168.7.255 response/1 172.17.0.0=2 0.0.0.0=2 172.16.0.0=6 10.0.0.0=1\n");
    NOT_HEARD(&listener, "224.0.0.9");
    net_end(&net);
}

/* A number is read by the mask of the receiver's subnet (RFC 1058 3.2): subnet 0 as the whole network, and what has no
 * host bits as a subnet. */
static void version_1_is_ambiguous(void)
{
    struct rip_interface_settings s = with(RIP_SPLIT_SIMPLE);
    s.send = RIP_V1;
    start_with(NULL, &s);
    net_new_port(&net, 0, 4, net_prefix("10.0.0.1/24"), &s);
    SAY(&net, 1, "10.0.1.9", 2, {"10.3.3.0/32", 4, 0, NULL}, {"10.3.4.0/24", 4, 0, NULL}, {"10.0.0.0/8", 5, 0, NULL});
    net_run(&net, 10);
    listen_forget(&listener);
    net_run(&net, 34);
    HEARD(&listener, "10.0.2.1 > 10.0.2.255 response/1 10.0.1.0=1 10.3.4.0=5\n");
    HEARD(&listener, "10.0.0.1 > 10.0.0.255 response/1 10.0.1.0=1 10.0.2.0=1 10.3.4.0=5\n");
    net_end(&net);
}

static void both_versions(void)
{
    struct rip_interface_settings s = rip_interface_settings_default;
    s.send = RIP_V1 | RIP_V2;
    start_with(NULL, &s);
    net_run(&net, 40);
    HEARD(&listener, "10.0.1.1 > 10.0.1.255 response/1 10.0.2.0=1\n");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1\n");
    ask_for_all(&net, 1, "10.0.1.9", RIP_PORT, 1);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9 response/1 10.0.2.0=1\n");
    net_end(&net);
}

static void broadcast(void)
{
    struct rip_interface_settings s = rip_interface_settings_default;
    s.broadcast = true;
    start_with(NULL, &s);
    SAY(&net, 1, "10.0.1.9", 2, {"192.168.0.0/16", 3, 0, NULL}, {"172.16.0.0/16", 3, 0, NULL});
    net_run(&net, 40);
    HEARD(&listener, "10.0.2.1 > 10.0.2.255 response/2 10.0.1.0/24=1 172.16.0.0/16=4\n");
    NOT_HEARD(&listener, "192.168.0.0");
    net_end(&net);
}

/* Each subnet of an interface hears it once, from its own address. */
static void secondary_addresses(void)
{
    start_with(NULL, NULL);
    struct net_port *p = &net.routers[0].ports[0];
    p->addresses[1] = net_prefix("10.0.11.1/24");
    p->addresses[2] = net_prefix("10.0.11.2/24");
    p->n = 3;
    net_port(&net, 0, 0, true);
    net_run(&net, 60);
    HEARD(&listener, "10.0.11.1 > 224.0.0.9 response/2 10.0.2.0/24=1\n");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1\n");
    NOT_HEARD(&listener, "10.0.11.2 >");
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.0.11.0/24=1\n");
    SAY(&net, 1, "10.0.11.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 4);
    listen_forget(&listener);
    p->n = 1; /* and its neighbour and network go with an address */
    net_port(&net, 0, 0, true);
    net_run(&net, 10);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 16);
    HEARD(&listener, "10.0.11.0/24=16");
    net_end(&net);
}

static void unicast_neighbors(void)
{
    static const uint32_t neighbors[] = {0x0a000109, 0x0a000509};
    struct rip_settings s = rip_settings_default;
    s.n_neighbors = 2;
    s.neighbors = neighbors;
    start_with(&s, NULL);
    net_run(&net, 40);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9 response/2 10.0.2.0/24=1\n");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1\n");
    NOT_HEARD(&listener, "> 10.0.5.9"); /* on no interface with RIP */
    net_end(&net);
}

/* Without split horizon a router is told that the way leads by itself, which it can see through, and not by us. */
static void next_hop_of_the_listener(void)
{
    static const uint32_t neighbors[] = {0x0a000109};
    struct rip_settings s = rip_settings_default;
    struct rip_interface_settings off = with(RIP_SPLIT_OFF);
    s.n_neighbors = 1;
    s.neighbors = neighbors;
    start_with(&s, &off);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 40);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.0.2.0/24=1 10.9.0.0/16=4,by 10.0.1.9\n");
    HEARD(&listener, "10.0.1.1 > 10.0.1.9 response/2 10.0.1.0/24=1 10.0.2.0/24=1 10.9.0.0/16=4,by 10.0.1.9\n");
    net_end(&net);
}

static void a_loopback_is_silent(void)
{
    start_with(NULL, NULL);
    net_stub(&net, 0, "172.16.0.1/32"); /* the wire refuses what a loopback sends */
    net_run(&net, 60);
    HEARD(&listener, "172.16.0.1/32=1");
    net_end(&net);
}

/* ---- redistribution ---- */

static void redistribution(void)
{
    struct rip_settings s = rip_settings_default;
    net_begin(&net, 1, NULL);
    net_attach(&net, 0, 1, NULL);
    net_attach(&net, 0, 2, NULL);
    put_static("172.16.0.0/16", "10.0.1.9", true);
    listen_begin(&net, &listener);
    net_run(&net, 40);
    NOT_HEARD(&listener, "172.16.0.0");
    s.redistribute[RIB_STATIC] = (struct rip_redistribute){.on = true, .metric = 3, .tag = 8};
    configure(&s);
    net_run(&net, 40);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 172.16.0.0/16=3,tag 8\n");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1 172.16.0.0/16=3,tag 8,by 10.0.1.9\n");
    listen_forget(&listener);
    put_static("172.17.0.0/16", NULL, true);
    net_run(&net, 6);
    HEARD(&listener, "172.17.0.0/16=3,tag 8");
    listen_forget(&listener);
    put_static("172.17.0.0/16", NULL, false);
    net_run(&net, 6);
    HEARD(&listener, "172.17.0.0/16=16");
    listen_forget(&listener);
    s.redistribute[RIB_STATIC].on = false;
    configure(&s);
    net_run(&net, 6);
    HEARD(&listener, "172.16.0.0/16=16");
    net_end(&net);
}

/* What the list denies is not even offered as lost; what it begins to deny is withdrawn once. */
static void redistribution_by_list(void)
{
    struct rip_settings s = rip_settings_default;
    struct rip_prefix_rule rule = {.permit = true, .prefix = {.addr = 0xac100000, .len = 12}, .le = 16};
    struct rip_prefix_list list = {.n = 1, .rules = &rule};
    s.redistribute[RIB_STATIC] = (struct rip_redistribute){.on = true, .metric = 3, .list = &list};
    start_with(&s, NULL);
    put_static("172.16.0.0/16", NULL, true);
    put_static("192.168.0.0/16", NULL, true);
    net_run(&net, 40);
    HEARD(&listener, "172.16.0.0/16=3");
    NOT_HEARD(&listener, "192.168.0.0");
    listen_forget(&listener);
    rule.prefix.addr = 0xac000000;
    configure(&s);
    net_run(&net, 6);
    HEARD(&listener, "172.16.0.0/16=16");
    NOT_HEARD(&listener, "192.168.0.0");
    net_end(&net);
}

/* What the RIB selects is sent: a static route goes before a learned one, a floating one after it. */
static void redistribution_against_learning(void)
{
    struct rip_settings s = rip_settings_default;
    s.redistribute[RIB_STATIC] = (struct rip_redistribute){.on = true, .metric = 7};
    start_with(&s, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"172.16.0.0/16", 2, 0, NULL});
    CU_ASSERT_EQUAL(net_metric(&net, 0, "172.16.0.0/16"), 3);
    put_static("172.16.0.0/16", NULL, true);
    net_run(&net, 6);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "172.16.0.0/16"), 7);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 172.16.0.0/16=7\n");
    put_static("172.16.0.0/16", NULL, false);
    net_run(&net, 6);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "172.16.0.0/16"), 3);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 172.16.0.0/16=16\n");
    struct rib_route floating = {.prefix = net_prefix("172.16.0.0/16"), .protocol = RIB_STATIC, .distance = 200};
    floating.type = RIB_BLACKHOLE;
    CU_ASSERT_TRUE(rib_add(net.routers[0].rib, &floating, net.now));
    net_run(&net, 1);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "172.16.0.0/16"), 3);
    SAY(&net, 1, "10.0.1.9", 2, {"172.16.0.0/16", 16, 0, NULL});
    net_run(&net, 1);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "172.16.0.0/16"), 7);
    net_end(&net);
}

static void default_route(void)
{
    struct rip_settings s = rip_settings_default;
    s.default_information = true;
    s.default_information_metric = 4;
    start_with(&s, NULL);
    net_run(&net, 40);
    HEARD(&listener, " 0.0.0.0/0=4");
    listen_forget(&listener);
    s.default_information = false;
    configure(&s);
    net_run(&net, 6);
    HEARD(&listener, " 0.0.0.0/0=16");
    net_end(&net);
}

/* ---- policy ---- */

static const struct rip_prefix_rule no_nines[] = {{.permit = false, .prefix = {0x0a090000, 16}, .le = 32},
                                                  {.permit = true, .le = 32}};
static const struct rip_prefix_list list = {.n = 2, .rules = no_nines};

static void filters(void)
{
    struct rip_interface_settings s = rip_interface_settings_default;
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL}, {"10.9.9.0/24", 3, 0, NULL}, {"10.8.0.0/16", 3, 0, NULL});
    net_run(&net, 6);
    listen_forget(&listener);
    s.list_out = &list;
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.9.0.0/16=16 10.9.9.0/24=16 10.8.0.0/16=4\n");
    listen_forget(&listener);
    net_run(&net, 40);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.8.0.0/16=4\n");
    NOT_HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.9");
    s.list_out = NULL;
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.9.0.0/16=4 10.9.9.0/24=4 10.8.0.0/16=4\n");
    /* and what comes in: what is there goes, and is asked for again when it may */
    s.list_in = &list;
    set(0, &s);
    net_run(&net, 1);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 16);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.8.0.0/16"), 4);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 16);
    CU_ASSERT_EQUAL(refused(&net, 0, 0, RIP_REJECT_FILTERED), 1);
    listen_forget(&listener);
    s.list_in = NULL;
    set(0, &s);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 request/2 all=16\n");
    net_end(&net);
}

static void metrics(void)
{
    static const struct rip_offset in[] = {{.add = 3, .list = &list}}, out[] = {{.add = 2, .list = NULL}};
    struct rip_interface_settings s = rip_interface_settings_default;
    start_with(NULL, NULL);
    s.metric_in = 1;
    s.offsets_in = in;
    s.n_offsets_in = 1;
    set(0, &s);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL}, {"10.8.0.0/16", 3, 0, NULL}, {"10.7.0.0/16", 12, 0, NULL});
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 5);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.8.0.0/16"), 8);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.7.0.0/16"), 16);
    s.n_offsets_in = 0;
    set(0, &s);
    net_run(&net, 1);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.8.0.0/16"), 5);
    s.metric_out = 4;
    s.offsets_out = out;
    s.n_offsets_out = 1;
    listen_forget(&listener);
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=7 10.9.0.0/16=11 10.8.0.0/16=11\n");
    net_end(&net);
}

static void distances(void)
{
    static const struct rip_distance d[] = {{.source = {0x0a000100, 24}, .distance = 90},
                                            {.source = {0x0a000109, 32}, .distance = 100}};
    struct rip_settings s = rip_settings_default;
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    SAY(&net, 1, "10.0.1.8", 2, {"10.8.0.0/16", 3, 0, NULL});
    s.n_distances = 2;
    s.distances = d;
    configure(&s);
    net_run(&net, 1);
    struct rib_cursor cursor = RIB_START;
    struct rib_view view;
    CU_ASSERT_TRUE(rib_next_of(net.routers[0].rib, net_prefix("10.9.0.0/16"), &cursor, &view));
    CU_ASSERT_EQUAL(view.route.distance, 100);
    CU_ASSERT_FALSE(rib_next_of(net.routers[0].rib, net_prefix("10.9.0.0/16"), &cursor, &view));
    cursor = RIB_START;
    CU_ASSERT_TRUE(rib_next_of(net.routers[0].rib, net_prefix("10.8.0.0/16"), &cursor, &view));
    CU_ASSERT_EQUAL(view.route.distance, 90);
    net_end(&net);
}

static void summaries(void)
{
    static const struct prefix ten = {0x0a000000, 8};
    struct rip_interface_settings s = rip_interface_settings_default;
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL}, {"10.8.0.0/16", 2, 0, NULL},
        {"172.16.0.0/16", 2, 0, NULL});
    net_run(&net, 6);
    s.n_summaries = 1;
    s.summaries = &ten;
    s.list_out = &list;
    listen_forget(&listener);
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=16 10.9.0.0/16=16 10.8.0.0/16=16 172.16.0.0/16=3 "
                     "10.0.0.0/8=1\n");
    listen_forget(&listener);
    rip_interface_remove(net.routers[0].rip, 1, net.now); /* a goodbye is for summaries, too */
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 172.16.0.0/16=16 10.0.0.0/8=16\n");
    set(1, &s);
    net_port(&net, 0, 1, true);
    net_run(&net, 6);
    listen_forget(&listener);
    net_port(&net, 0, 0, false); /* all of it */
    net_run(&net, 6);
    HEARD(&listener, "10.0.0.0/8=16");
    net_port(&net, 0, 0, true);
    net_run(&net, 6);
    listen_forget(&listener);
    s.n_summaries = 0;
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.1.0/24=1");
    HEARD(&listener, "10.0.0.0/8=16");
    listen_forget(&listener);
    net_run(&net, 60);
    NOT_HEARD(&listener, "10.0.0.0/8");
    net_end(&net);
}

/* ---- what may not be sent any more ---- */

static void becoming_passive(void)
{
    static const uint32_t neighbors[] = {0x0a000209};
    struct rip_settings settings = rip_settings_default;
    struct rip_interface_settings s = rip_interface_settings_default;
    settings.neighbors = neighbors;
    start_with(&settings, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 6);
    listen_forget(&listener);
    s.passive = true;
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=16 10.9.0.0/16=16\n");
    listen_forget(&listener);
    net_run(&net, 60);
    NOT_HEARD(&listener, "10.0.2.1 >");
    settings.n_neighbors = 1;
    configure(&settings);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 10.0.2.9 response/2 10.0.1.0/24=1 10.9.0.0/16=4\n");
    s.passive = false;
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1 10.9.0.0/16=4\n");
    listen_forget(&listener);
    s.passive = true; /* now the group is left, and the neighbour goes on */
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=16 10.9.0.0/16=16\n");
    NOT_HEARD(&listener, "10.0.2.1 > 10.0.2.9 response/2 10.0.1.0/24=16");
    listen_forget(&listener);
    settings.n_neighbors = 0;
    configure(&settings);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 10.0.2.9 response/2 10.0.1.0/24=16 10.9.0.0/16=16\n");
    NOT_HEARD(&listener, "10.0.2.1 > 224.0.0.9");
    net_end(&net);
}

/* What is withdrawn by an update that is broken off is withdrawn by what comes after it. */
static void becoming_passive_meanwhile(void)
{
    static const struct rip_prefix_rule last = {true, {.addr = 0xac15db00u, .len = 24}, 0, 0};
    static const struct rip_prefix_list only_last = {.n = 1, .rules = &last}, none = {.n = 0, .rules = NULL};
    struct rip_settings settings = rip_settings_default;
    struct rip_interface_settings s = rip_interface_settings_default;
    settings.redistribute[RIB_STATIC].on = true;
    start_with(&settings, NULL);
    s.list_out = &none;
    set(0, &s);
    s.list_out = &only_last;
    set(1, &s);
    for (unsigned i = 0; i < 1500; i++) { /* looking at them takes an update more than one slice */
        char prefix[PREFIX_TEXT];
        put_static(prefix_text((struct prefix){0xac100000u + (i << 8), 24}, prefix), NULL, true);
    }
    net_run(&net, 10);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=16 172.21.219.0/24=1\n");
    s.list_out = &none;
    set(1, &s);
    listen_forget(&listener);
    rip_run(net.routers[0].rip, net.now);
    NOT_HEARD(&listener, "172.21.219.0/24=16");
    s.passive = true;
    set(1, &s);
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 172.21.219.0/24=16\n");
    net_end(&net);
}

static void removal(void)
{
    struct rip_interface_view view;
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 6);
    listen_forget(&listener);
    rip_interface_remove(net.routers[0].rip, 1, net.now);
    CU_ASSERT_FALSE(rip_find_interface(net.routers[0].rip, 1, &view));
    net_run(&net, 1);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=16 10.9.0.0/16=16");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=16\n");
    listen_forget(&listener);
    rip_interface_remove(net.routers[0].rip, 0, net.now);
    net_run(&net, 200);
    NOT_HEARD(&listener, "10.0.2.1");
    CU_ASSERT_EQUAL(rip_status(net.routers[0].rip).routes, 0);
    CU_ASSERT_EQUAL(rip_status(net.routers[0].rip).interfaces, 0);
    net_end(&net);
}

/* Taken back while the goodbye is being said. */
static void removal_taken_back(void)
{
    start_with(NULL, NULL);
    rip_interface_remove(net.routers[0].rip, 1, net.now);
    set(1, &rip_interface_settings_default);
    struct rip_interface_view view;
    CU_ASSERT_TRUE(rip_find_interface(net.routers[0].rip, 1, &view));
    CU_ASSERT_FALSE(view.up); /* as a new one */
    net_port(&net, 0, 1, true);
    listen_forget(&listener);
    net_run(&net, 60);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.0.1.0/24=1\n");
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 response/2 10.0.2.0/24=1\n");
    net_end(&net);
}

static void clearing(void)
{
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    SAY(&net, 1, "10.0.1.8", 2, {"10.8.0.0/16", 3, 0, NULL});
    rip_clear(net.routers[0].rip, addr_of("10.0.1.9"), net.now);
    net_run(&net, 1);
    HEARD(&listener, "10.0.1.1 > 224.0.0.9 request/2 all=16\n");
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 16);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.8.0.0/16"), 4);
    net_end(&net);
}

static bool forgets_before_it_asks(struct net *n, const struct net_message *m)
{
    unsigned *requests = n->watcher;
    if (m->from != UINT32_MAX && m->bytes[0] == RIP_REQUEST) {
        CU_ASSERT_EQUAL(rip_status(n->routers[0].rip).paths, 0);
        ++*requests;
    }
    return true;
}

/* The answer comes at once, and must not find the core with a table to forget first. */
static void clearing_much(void)
{
    unsigned requests = 0;
    start_with(NULL, NULL);
    for (unsigned i = 0; i < 1500; i++) {
        char prefix[PREFIX_TEXT];
        prefix_text((struct prefix){0xac100000u + (i << 8), 24}, prefix);
        SAY(&net, 1, "10.0.1.9", 2, {prefix, 3, 0, NULL});
    }
    net_run(&net, 10);
    CU_ASSERT_EQUAL(rip_status(net.routers[0].rip).paths, 1500);
    net.watch = forgets_before_it_asks;
    net.watcher = &requests;
    rip_clear(net.routers[0].rip, 0, net.now);
    net_run(&net, 1);
    CU_ASSERT_EQUAL(requests, 2);
    net_end(&net);
}

static void hold_down(void)
{
    struct rip_settings s = rip_settings_default;
    s.holddown_s = 180;
    start_with(&s, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 16);
    net_run(&net, 170);
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 16);
    net_run(&net, 12);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 6);
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 5, 0, NULL});
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 6); /* as good as it was */
    net_end(&net);
}

/* Settings that no configuration lets through do no harm either. */
static void nonsense(void)
{
    struct rip_settings s = {.redistribute = {[RIB_STATIC] = {.on = true, .metric = 200}}};
    s.max_routes_altogether = 10;
    start_with(&s, NULL);
    put_static("172.16.0.0/16", NULL, true);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 4);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "172.16.0.0/16"), 15);
    net_run(&net, 10);
    CU_ASSERT_EQUAL(net_metric(&net, 0, "10.9.0.0/16"), 16);
    net_end(&net);
}

static const struct unit_case cases[] = {
    {"it asks and tells when an interface comes up, and tells when one went down", first_words},
    {"regular updates come 15 % early or late, at random", periods},
    {"triggered updates come at once, then damped, with what changed", triggered},
    {"25 routes go in a message", bursts},
    {"a port that goes says its goodbye at once", hurried_goodbye},
    {"bursts are short", gaps},
    {"a crowd that asks for whole tables is answered as one", crowds},
    {"a regular update that is due stands for a triggered one", suppressed},
    {"simple split horizon", simple_split_horizon},
    {"split horizon with poisoned reverse", poisoned_reverse},
    {"no split horizon, and next hops on the same subnet", no_split_horizon},
    {"what is lost is lost by its next hop", next_hop_of_the_lost},
    {"what others say of a network of ours is no news", own_network_learned},
    {"a route that turns round is withdrawn once where it went", turning_round},
    {"split horizon heeds every one of equal-cost paths", equal_cost_split_horizon},
    {"version 1 says what version 1 understands", version_1},
    {"version 1 says nothing that it reads otherwise", version_1_is_ambiguous},
    {"both versions are sent side by side", both_versions},
    {"version 2 is broadcast with the rules of version 1", broadcast},
    {"each subnet of an interface is spoken to once", secondary_addresses},
    {"neighbours are spoken to by unicast, where RIP is", unicast_neighbors},
    {"a neighbour is told that it is the next hop itself", next_hop_of_the_listener},
    {"a loopback is advertised and says nothing", a_loopback_is_silent},
    {"routes of others are redistributed with metric, tag and next hop", redistribution},
    {"what its list denies is not redistributed", redistribution_by_list},
    {"who wins in the RIB is what is sent", redistribution_against_learning},
    {"the default route is originated and withdrawn", default_route},
    {"prefix lists hold out and in, and poison once what was sent", filters},
    {"metrics are raised on the way in and out", metrics},
    {"distances depend on who said it", distances},
    {"a summary stands for what it holds", summaries},
    {"a passive interface poisons once what it had sent", becoming_passive},
    {"a passive interface poisons what an update was about to", becoming_passive_meanwhile},
    {"an interface that is taken from RIP poisons once what it had sent", removal},
    {"an interface may come back while it says goodbye", removal_taken_back},
    {"what a neighbour said may be cleared", clearing},
    {"everybody is asked again when what was cleared is forgotten", clearing_much},
    {"a lost route is held down", hold_down},
    {"settings out of range are brought into it", nonsense},
};

UNIT_MAIN("rip_output", cases)
