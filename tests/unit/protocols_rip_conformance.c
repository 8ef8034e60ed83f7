/* What RFC 1058, RFC 2453 and RFC 4822 ask for and no other test shows. The table of all of it is
 * ferryd-conformance(7). */
#include "forwarding/bytes.h"
#include "tests/unit/support/rip_listen.h"

#define METRIC(prefix, expected) CU_ASSERT_EQUAL(net_metric(&net, 0, prefix), expected)

static struct net net;
static struct listener listener;

/* One router, 10.0.1.1 and 10.0.2.1. */
static void start_with(const struct rip_settings *settings, const struct rip_interface_settings *interface)
{
    net_begin(&net, 1, settings);
    net_attach(&net, 0, 1, interface);
    net_attach(&net, 0, 2, interface);
    listen_begin(&net, &listener);
    net_run(&net, 1);
    listen_forget(&listener);
}

/* ---- what comes in ---- */

/* RFC 1058 3.4.2: on a network that is not the sender's either; RFC 2453 3.9.2 says unicast. */
static void broadcast_addresses_are_no_destinations(void)
{
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 1, {"10.0.1.255/32", 1, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.0.2.255/32", 1, 0, NULL}, {"10.0.3.255/32", 1, 0, NULL});
    CU_ASSERT_EQUAL(refused(&net, 0, 0, RIP_REJECT_ADDRESS), 2);
    METRIC("10.0.1.255/32", 16);
    METRIC("10.0.2.255/32", 16);
    METRIC("10.0.3.255/32", 2); /* nobody here knows that it is one */
    net_port(&net, 0, 1, false);
    net_run(&net, 300);
    SAY(&net, 1, "10.0.1.9", 2, {"10.0.2.255/32", 1, 0, NULL});
    METRIC("10.0.2.255/32", 2); /* nor any more */
    net_end(&net);
}

/* RFC 1058 3.1: skipped, whatever is where IP has zeros, and the rest of the message is used. */
static void other_families_are_skipped(void)
{
    struct rip_message m;
    struct rip_entry other = {.family = 6, .addr = 0x12345678, .metric = 1},
                     ours = {.family = RIP_FAMILY_IP, .addr = addr_of("172.16.0.0"), .metric = 1};
    start_with(NULL, NULL);
    rip_message_begin(&m, RIP_RESPONSE, 1, false);
    rip_message_add(&m, &other);
    rip_message_add(&m, &ours);
    store_be32(m.bytes + RIP_HEADER + 8, 0x9abcdef0);
    store_be16(m.bytes + RIP_HEADER + 2, 77);
    net_put(&net, 1, UINT32_MAX, addr_of("10.0.1.9"), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(&net, 0.1);
    METRIC("172.16.0.0/16", 2);
    CU_ASSERT_EQUAL(refused(&net, 0, 0, RIP_REJECT_FAMILY), 1);
    net_end(&net);
}

/* ---- requests ---- */

static void by_entry(const char *src, uint16_t port)
{
    const struct said said[] = {{"10.0.2.0/24", 16, 0, NULL}};
    say(&net, 1, src, port, RIP_REQUEST, 2, said, 1);
}

/* RFC 1058 3.4.1: one that is silent answers those who do not ask from port 520, as they watch it. */
static void silent_ones_answer_who_watches(void)
{
    struct rip_interface_settings silent = rip_interface_settings_default;
    silent.passive = true;
    start_with(NULL, &silent);
    ask_for_all(&net, 1, "10.0.1.9", RIP_PORT, 2);
    by_entry("10.0.1.9", RIP_PORT);
    CU_ASSERT_EQUAL(listener.messages, 0);
    ask_for_all(&net, 1, "10.0.1.9", 1520, 2);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:1520 response/2 10.0.2.0/24=1\n");
    listen_forget(&listener);
    by_entry("10.0.1.9", 1521);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:1521 response/2 10.0.2.0/24=1\n");
    listen_forget(&listener);
    ask_for_all(&net, 1, "10.0.1.9", 1520, 1);
    CU_ASSERT_EQUAL(listener.messages, 0); /* of version 2 only */
    /* An interface that goes while somebody is being answered takes the answer along. */
    struct rip_message m;
    rip_message_begin(&m, RIP_REQUEST, 2, false);
    rip_message_add(&m, &(struct rip_entry){.metric = RIP_INFINITY});
    struct rip_datagram d = {.src = addr_of("10.0.1.9"), .dst = addr_of("10.0.1.1"), .src_port = 1520};
    rip_input(net.routers[0].rip, &d, m.bytes, m.len, net.now);
    rip_interface_remove(net.routers[0].rip, 0, net.now);
    net_run(&net, 400);
    CU_ASSERT_EQUAL(listener.messages, 0);
    net_end(&net);
}

/* A summary stands for its routes in updates; who watches an interface that sends none is told the routes. */
static void silent_ones_hide_nothing_behind_summaries(void)
{
    static const struct prefix summary[] = {{.addr = 0x0a000000, .len = 8}};
    struct rip_interface_settings silent = rip_interface_settings_default;
    silent.passive = true;
    silent.summaries = summary;
    silent.n_summaries = 1;
    start_with(NULL, &silent);
    ask_for_all(&net, 1, "10.0.1.9", 1520, 2);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:1520 response/2 10.0.2.0/24=1\n");
    net_end(&net);
}

/* RFC 1058 3.4.1: one by one, subnets too and without split horizon. */
static void subnets_are_told_who_asks_for_them(void)
{
    struct rip_interface_settings both = rip_interface_settings_default;
    both.send = RIP_V1 | RIP_V2;
    start_with(NULL, &both);
    const struct said said[] = {{"10.0.2.0/24", 1, 0, NULL}, {"10.0.1.0/24", 1, 0, NULL}, {"10.0.3.0/24", 1, 0, NULL}};
    say(&net, 1, "10.0.1.9", 1520, RIP_REQUEST, 1, said, 3);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:1520 response/1 10.0.2.0=1 10.0.1.0=1 10.0.3.0=16\n");
    net_end(&net);
}

/* RFC 2453 3.9.1: only one entry that stands by itself asks for all. */
static void all_is_asked_for_alone(void)
{
    struct rip_message m;
    struct rip_entry all = {.metric = RIP_INFINITY}, none = {.metric = 1};
    start_with(NULL, NULL);
    rip_message_begin(&m, RIP_REQUEST, 2, false);
    rip_message_add(&m, &all);
    rip_message_add(&m, &all);
    net_put(&net, 1, UINT32_MAX, addr_of("10.0.1.9"), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    rip_message_begin(&m, RIP_REQUEST, 2, false);
    rip_message_add(&m, &none);
    net_put(&net, 1, UINT32_MAX, addr_of("10.0.1.9"), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(&net, 1);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9 response/2 all=16 all=16\n");
    HEARD(&listener, "10.0.1.1 > 10.0.1.9 response/2 all=16\n");
    NOT_HEARD(&listener, "10.0.2.0");
    net_end(&net);
}

/* RFC 1058 3.4.1: who asks for all of it may use it for routing, so filters hold; who asks by entry watches. */
static void filters_hold_for_who_asks_for_all(void)
{
    static const struct rip_prefix_list nothing = {0};
    struct rip_interface_settings filtered = rip_interface_settings_default;
    filtered.list_out = &nothing;
    start_with(NULL, &filtered);
    ask_for_all(&net, 1, "10.0.1.9", 1520, 2);
    CU_ASSERT_EQUAL(listener.messages, 0);
    by_entry("10.0.1.9", 1520);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:1520 response/2 10.0.2.0/24=1\n");
    net_end(&net);
}

/* ---- routes that are lost ---- */

static unsigned count_of(const char *text)
{
    unsigned n = 0;
    for (const char *at = listener.text; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

/* RFC 2453 3.8: and not only by the next regular update, which is far away. */
static void a_time_out_triggers_an_update(void)
{
    struct rip_settings s = rip_settings_default;
    s.update_s = 10000;
    start_with(&s, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 179.9);
    listen_forget(&listener);
    net_run(&net, 0.2);
    HEARD(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.9.0.0/16=16\n");
    net_end(&net);
}

/* RFC 2453 3.8: in every update until it is forgotten. */
static void lost_routes_are_told_of_until_forgotten(void)
{
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 179.9);
    listen_forget(&listener);
    net_run(&net, 5.1);
    HEARD(&listener, "10.9.0.0/16=16");
    net_run(&net, 114);
    CU_ASSERT_TRUE(count_of("10.0.2.1 > 224.0.0.9 response/2") >= 4);
    CU_ASSERT_EQUAL(count_of("10.9.0.0/16=16"), count_of("response/2"));
    net_run(&net, 2);
    listen_forget(&listener);
    net_run(&net, 70);
    NOT_HEARD(&listener, "10.9.0.0");
    net_end(&net);
}

/* RFC 2453 3.9.2: it is forgotten 120 seconds after it was lost, however often that is said. */
static void saying_it_again_does_not_prolong(void)
{
    struct rip_route_view view;
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    for (unsigned i = 0; i < 5; i++) {
        net_run(&net, 23);
        SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    }
    CU_ASSERT_TRUE(net_find(&net, 0, net_prefix("10.9.0.0/16"), &view));
    net_run(&net, 6);
    CU_ASSERT_FALSE(net_find(&net, 0, net_prefix("10.9.0.0/16"), &view));
    net_end(&net);
}

/* ---- what goes out ---- */

static bool measure(struct net *of, const struct net_message *m)
{
    size_t *longest = of->watcher;
    CU_ASSERT_TRUE(m->bytes[2] == 0 && m->bytes[3] == 0);
    *longest = m->len > *longest ? m->len : *longest;
    return true;
}

/* RFC 1058 3.1 and RFC 2453 3.6: 25 routes, and 512 bytes with what UDP adds to them. */
static void messages_have_512_bytes_at_most(void)
{
    static const struct rip_key key = {.mode = RIP_AUTH_TEXT, .secret_len = 4, .secret = "pass"};
    for (unsigned round = 0; round < 3; round++) {
        struct rip_settings s = rip_settings_default;
        struct rip_interface_settings interface = rip_interface_settings_default;
        size_t longest = 0;
        interface.send = round == 0 ? RIP_V1 : RIP_V2;
        if (round == 2)
            interface.auth = (struct rip_auth){.n = 1, .keys = &key};
        s.redistribute[RIB_STATIC].on = true;
        net_begin(&net, 1, &s);
        net_attach(&net, 0, 1, &interface);
        net.watch = measure;
        net.watcher = &longest;
        for (unsigned i = 0; i < 100; i++) {
            struct rib_route route = {.prefix = {0xc0000000u + (i << 8), 24}, .protocol = RIB_STATIC, .distance = 1};
            route.type = RIB_BLACKHOLE;
            CU_ASSERT_TRUE(rib_add(net.routers[0].rib, &route, net.now));
        }
        net_run(&net, 40);
        CU_ASSERT_EQUAL(longest, 504);
        net_end(&net);
    }
}

/* RFC 2453 3.10.1: on every network, and a random while after the last one. */
static void triggered_updates_go_everywhere_after_a_random_while(void)
{
    uint64_t least = NEVER_NS, most = 0;
    unsigned everywhere = 0;
    start_with(NULL, NULL);
    net_attach(&net, 0, 3, NULL);
    for (unsigned i = 0; i < 200; i++) {
        net_run(&net, 6); /* more than any of these timers may be left */
        SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
        uint64_t begun = net.now.ns;
        listen_forget(&listener);
        SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 4, 0, NULL});
        while (net.now.ns - begun < 6 * NS_PER_S &&
               !heard(&listener, "10.0.2.1 > 224.0.0.9 response/2 10.9.0.0/16=5\n"))
            net_run_to(&net, net_next(&net));
        if (net.now.ns - begun < 6 * NS_PER_S) { /* no regular one was due */
            uint64_t gap = net.now.ns - begun;
            least = gap < least ? gap : least;
            most = gap > most ? gap : most;
        }
        net_run(&net, 6);
        everywhere += heard(&listener, "10.0.3.1 > 224.0.0.9 response/2 10.9.0.0/16=5\n");
        SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    }
    CU_ASSERT_TRUE(most <= 5 * NS_PER_S && most > 4 * NS_PER_S);
    CU_ASSERT_TRUE(least < 2 * NS_PER_S && least > 900 * NS_PER_MS);
    CU_ASSERT_TRUE(everywhere > 100);
    net_end(&net);
}

/* ---- what people are told ---- */

static char told[2048];

static void hear(struct net *of, unsigned router, enum rip_level level, const char *text)
{
    (void)of, (void)router;
    size_t used = strlen(told);
    if (level == RIP_WARNING)
        snprintf(told + used, sizeof told - used, "%s\n", text);
}

/* RFC 2453 3.9.2, RFC 1058 3.4.2: bad metrics and other errors of form are brought to somebody's attention. */
static void bad_metrics_are_told(void)
{
    told[0] = '\0';
    start_with(NULL, NULL);
    net.hear = hear;
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 17, 0, NULL});
    SAY(&net, 1, "10.0.1.8", 2, {"127.0.0.0/8", 1, 0, NULL});
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "refused what 10.0.1.9 sent: a metric that is not 1 to 16 (metric)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "refused what 10.0.1.8 sent: a destination that no route can have"));
    net_end(&net);
}

/* ---- RFC 4822 ---- */

/* 2.2: whatever is sent, the key is not in it. */
static void keys_are_not_sent(void)
{
    static const char secret[] = "0123456789abcdef";
    for (enum rip_auth_mode mode = RIP_AUTH_MD5; mode < RIP_AUTH__COUNT; mode++) {
        struct rip_key key = {.id = 1, .mode = mode, .secret_len = 16};
        struct rip_auth auth = {.n = 1, .keys = &key};
        struct rip_auth_sent sent = {0};
        struct rip_message m;
        memcpy(key.secret, secret, 16);
        rip_message_begin(&m, RIP_RESPONSE, 2, true);
        rip_message_add(&m, &(struct rip_entry){.family = RIP_FAMILY_IP, .metric = 1});
        CU_ASSERT_TRUE(rip_auth_sign(&auth, &sent, m.bytes, &m.len, sizeof m.bytes, (struct now){.wall_ms = 1000}));
        for (size_t at = 0; at + 4 <= m.len; at++)
            CU_ASSERT_NOT_EQUAL(memcmp(m.bytes + at, secret, 4), 0);
    }
}

/* 3.2: the number says the key; that another one of the interface would be right does not help. */
static void other_keys_are_not_tried(void)
{
    struct rip_key keys[] = {{.id = 1, .mode = RIP_AUTH_SHA256, .secret_len = 3, .secret = "one"},
                             {.id = 2, .mode = RIP_AUTH_SHA256, .secret_len = 3, .secret = "two"}};
    struct rip_key wrong = keys[0];
    struct rip_auth ours = {.n = 2, .keys = keys}, theirs = {.n = 1, .keys = &wrong};
    struct rip_auth_sent sent = {0};
    struct rip_auth_seen seen = {0};
    struct rip_message m;
    size_t begin, end;
    wrong.id = 2;
    rip_message_begin(&m, RIP_RESPONSE, 2, true);
    rip_message_add(&m, &(struct rip_entry){.family = RIP_FAMILY_IP, .metric = 1});
    CU_ASSERT_TRUE(rip_auth_sign(&theirs, &sent, m.bytes, &m.len, sizeof m.bytes, net.now));
    CU_ASSERT_EQUAL(rip_auth_verify(&ours, m.bytes, m.len, &seen, false, net.now, &begin, &end),
                    RIP_REJECT_AUTH_DIGEST);
}

static const struct unit_case cases[] = {
    {"the broadcast address of a network of ours is no destination", broadcast_addresses_are_no_destinations},
    {"entries of other families are skipped", other_families_are_skipped},
    {"a passive interface answers who does not ask from port 520", silent_ones_answer_who_watches},
    {"a passive interface hides nothing behind summaries", silent_ones_hide_nothing_behind_summaries},
    {"who asks version 1 for subnets is told of them", subnets_are_told_who_asks_for_them},
    {"only one entry that stands by itself asks for all", all_is_asked_for_alone},
    {"filters hold for who asks for all", filters_hold_for_who_asks_for_all},
    {"a time-out triggers an update", a_time_out_triggers_an_update},
    {"lost routes are told of until they are forgotten", lost_routes_are_told_of_until_forgotten},
    {"a lost route is forgotten in its time however often that is said", saying_it_again_does_not_prolong},
    {"messages have 512 bytes at most", messages_have_512_bytes_at_most},
    {"triggered updates go everywhere after a random while", triggered_updates_go_everywhere_after_a_random_while},
    {"bad metrics and destinations are told", bad_metrics_are_told},
    {"keys are not sent", keys_are_not_sent},
    {"other keys than the one that is named are not tried", other_keys_are_not_tried},
};

UNIT_MAIN("rip conformance", cases)
