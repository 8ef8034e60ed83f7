/* Several routers with authentication, and one who would like to be one of them. */
#include <string.h>

#include "tests/unit/support/rip_net.h"

#define METRIC(router, prefix, expected) CU_ASSERT_EQUAL(net_metric(&net, router, prefix), expected)
#define STUB                             "172.16.0.0/24"
#define HOUR                             3600
#define START_MS                         UINT64_C(1700000000000) /* of net_begin */

static struct net net;
static char heard[16384];
static unsigned n_heard;

static void hear(struct net *of, unsigned router, enum rip_level level, const char *text)
{
    (void)of;
    size_t used = strlen(heard);
    if (level == RIP_INFO)
        return;
    n_heard++;
    snprintf(heard + used, sizeof heard - used, "%u %s: %s\n", router, level == RIP_WARNING ? "warning" : "notice",
             text);
}

static unsigned times_heard(const char *what)
{
    unsigned n = 0;
    for (const char *at = heard; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static struct rip_key key_of(uint8_t id, enum rip_auth_mode mode, const char *secret)
{
    struct rip_key key = {.id = id, .mode = mode, .secret_len = (uint8_t)strlen(secret)};
    memcpy(key.secret, secret, key.secret_len);
    return key;
}

static struct rip_interface_settings settings_of(const struct rip_key *keys, unsigned n)
{
    struct rip_interface_settings s = rip_interface_settings_default;
    s.auth = (struct rip_auth){.n = n, .keys = keys};
    return s;
}

/* Routers 0 and 1 on segment 1, with the keys of each; behind router 0 is STUB. */
static void begin(const struct rip_interface_settings *a, const struct rip_interface_settings *b)
{
    heard[0] = '\0';
    n_heard = 0;
    net_begin(&net, 2, NULL);
    net.hear = hear;
    net_attach(&net, 0, 1, a);
    net_attach(&net, 1, 1, b);
    net_stub(&net, 0, "172.16.0.1/24");
}

/* How often ROUTER has refused something from the other one, and how often altogether. */
static uint64_t refused(unsigned router, enum rip_reject why, uint64_t *all)
{
    struct rip_neighbour_cursor cursor = RIP_NEIGHBOUR_START;
    struct rip_neighbour_view view;
    *all = rip_status(net.routers[router].rip).rejects[why];
    while (rip_next_neighbour(net.routers[router].rip, &cursor, &view))
        if (view.address == net_address(1, 1 - router))
            return view.rejects[why];
    return 0;
}

static void every_mode(void)
{
    for (enum rip_auth_mode mode = RIP_AUTH_TEXT; mode < RIP_AUTH__COUNT; mode++) {
        struct rip_key key = key_of(3, mode, "secret");
        struct rip_interface_settings s = settings_of(&key, 1);
        begin(&s, &s);
        net_run(&net, 300);
        METRIC(1, STUB, 2);
        CU_ASSERT_EQUAL(n_heard, 0);
        net_end(&net);
    }
}

static void many_routes(void)
{
    struct rip_key key = key_of(3, RIP_AUTH_SHA512, "secret");
    struct rip_interface_settings s = settings_of(&key, 1);
    begin(&s, &s);
    struct rip_settings all = rip_settings_default;
    all.redistribute[RIB_STATIC] = (struct rip_redistribute){.on = true, .metric = 3};
    for (unsigned i = 0; i < 1000; i++) {
        struct rib_route route = {.prefix = {.addr = 0xac200000u + (i << 8), .len = 24},
                                  .protocol = RIB_STATIC,
                                  .type = RIB_BLACKHOLE,
                                  .distance = 1};
        CU_ASSERT_TRUE(rib_add(net.routers[0].rib, &route, net.now));
    }
    CU_ASSERT_TRUE(rip_configure(net.routers[0].rip, &all, net.now));
    net_run(&net, 60);
    CU_ASSERT_EQUAL(rip_status(net.routers[1].rip).learned, 1001);
    net_end(&net);
}

static void another_secret(void)
{
    struct rip_key ours = key_of(3, RIP_AUTH_MD5, "secret"), theirs = key_of(3, RIP_AUTH_MD5, "Secret");
    struct rip_interface_settings a = settings_of(&ours, 1), b = settings_of(&theirs, 1);
    uint64_t all;
    begin(&a, &b);
    net_run(&net, 300);
    METRIC(1, STUB, 16);
    uint64_t counted = refused(1, RIP_REJECT_AUTH_DIGEST, &all);
    CU_ASSERT_TRUE(counted >= 10);
    CU_ASSERT_EQUAL(counted, all);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "1 warning: refused what 10.0.1.1 sent: the digest was wrong"));
    CU_ASSERT_TRUE(n_heard <= 2 * 6);
    /* It is put right while both run. */
    CU_ASSERT_TRUE(rip_interface_set(net.routers[1].rip, 0, &a, net.now));
    net_run(&net, 40);
    METRIC(1, STUB, 2);
    net_end(&net);
}

/* Each message from another address, of all that there are. */
static void forgers_fill_no_log(void)
{
    struct rip_key key = key_of(3, RIP_AUTH_SHA256, "secret");
    struct rip_interface_settings s = settings_of(&key, 1);
    begin(&s, &s);
    net_run(&net, 10);
    struct rip_message m;
    rip_message_begin(&m, RIP_RESPONSE, 2, false);
    rip_message_add(&m, &(struct rip_entry){.family = RIP_FAMILY_IP, .metric = 1});
    for (unsigned i = 0; i < 5000; i++) {
        net_put(&net, 1, UINT32_MAX, net_address(1, 2 + i % 250), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
        net_run(&net, 0.05);
    }
    METRIC(1, "0.0.0.0/0", 16);
    METRIC(1, STUB, 2);
    CU_ASSERT_EQUAL(rip_status(net.routers[1].rip).rejects[RIP_REJECT_AUTH_MISSING], 5000);
    CU_ASSERT_EQUAL(times_heard("1 warning: "), 5);
    CU_ASSERT_EQUAL(times_heard("not authenticated, and this interface demands it"), n_heard);
    net_end(&net);
}

/* Keys of an hour each, accepted for five minutes more at either end. */
static void rollover(void)
{
    enum { KEYS = 24 };
    static struct rip_key keys[KEYS];
    for (unsigned i = 0; i < KEYS; i++) {
        keys[i] = key_of((uint8_t)(100 + i), i % 2 == 0 ? RIP_AUTH_SHA256 : RIP_AUTH_MD5, i % 3 == 0 ? "odd" : "even");
        keys[i].send.from_ms = START_MS + i * UINT64_C(1000) * HOUR;
        keys[i].send.until_ms = keys[i].send.from_ms + UINT64_C(1000) * HOUR;
        keys[i].accept.from_ms = keys[i].send.from_ms - 300000;
        keys[i].accept.until_ms = keys[i].send.until_ms + 300000;
    }
    struct rip_interface_settings s = settings_of(keys, KEYS);
    begin(&s, &s);
    net_run(&net, 40);
    unsigned lost = 0;
    for (unsigned i = 0; i < 25 * HOUR / 15; i++) {
        net_run(&net, 15);
        lost += net_metric(&net, 1, STUB) != 2 || net_via(&net, 1, STUB) != 0;
    }
    CU_ASSERT_EQUAL(lost, 0);
    CU_ASSERT_EQUAL(times_heard("1 notice: messages are signed with key 1"), KEYS - 1);
    /* The last one has ended, and goes on. */
    CU_ASSERT_EQUAL(times_heard("1 warning: key 123 expired at 2023-11-15 22:13:20 UTC and no other is valid"), 1);
    CU_ASSERT_EQUAL(times_heard("refused"), 0);
    net_end(&net);
}

/* Routing fails rather than to go on with a key that has ended, and comes back with another one. */
static void fail_secure(void)
{
    struct rip_key keys[] = {key_of(1, RIP_AUTH_SHA256, "secret"), key_of(2, RIP_AUTH_SHA256, "another")};
    keys[0].send.until_ms = keys[0].accept.until_ms = START_MS + 300000;
    struct rip_interface_settings s = settings_of(keys, 1);
    s.auth.fail_secure = true;
    begin(&s, &s);
    net_run(&net, 290);
    METRIC(1, STUB, 2);
    net_run(&net, 10 + 180);
    METRIC(1, STUB, 16);
    CU_ASSERT_EQUAL(times_heard("1 warning: key 1 expired at 2023-11-14 22:18:20 UTC and no other is valid: nothing is "
                                "sent"),
                    1);
    uint64_t messages = net.messages;
    net_run(&net, 300);
    CU_ASSERT_EQUAL(net.messages, messages);
    s.auth.n = 2;
    CU_ASSERT_TRUE(rip_interface_set(net.routers[0].rip, 0, &s, net.now));
    CU_ASSERT_TRUE(rip_interface_set(net.routers[1].rip, 0, &s, net.now));
    net_run(&net, 40);
    METRIC(1, STUB, 2);
    CU_ASSERT_EQUAL(times_heard("refused"), 0);
    net_end(&net);
}

static void nothing_before_its_time(void)
{
    struct rip_key key = key_of(3, RIP_AUTH_SHA1, "secret");
    key.send.from_ms = key.accept.from_ms = START_MS + 100000;
    struct rip_interface_settings s = settings_of(&key, 1);
    begin(&s, &s);
    net_run(&net, 99);
    METRIC(1, STUB, 16);
    CU_ASSERT_EQUAL(net.messages, 0);
    CU_ASSERT_EQUAL(times_heard("1 warning: nothing is sent, because no key is valid before 2023-11-14 22:15:00 UTC"),
                    1);
    net_run(&net, 41);
    METRIC(1, STUB, 2);
    CU_ASSERT_EQUAL(n_heard, 4);
    net_end(&net);
}

/* ---- one who listens, and sends again what it has heard ---- */

static struct net_message *recorded;

static bool record(struct net *of, const struct net_message *message)
{
    (void)of;
    if (recorded == NULL && message->from == 0 && message->bytes[0] == RIP_RESPONSE) {
        recorded = malloc(sizeof *recorded + message->len);
        memcpy(recorded, message, sizeof *recorded + message->len);
    }
    return true;
}

static void send_again(void)
{
    net.watch = NULL;
    net_put(&net, 1, UINT32_MAX, recorded->src, recorded->src_port, recorded->dst, recorded->dst_port, recorded->bytes,
            recorded->len);
    net_run(&net, 0.1);
}

static void replay(void)
{
    struct rip_key key = key_of(3, RIP_AUTH_SHA384, "secret");
    struct rip_interface_settings s = settings_of(&key, 1);
    uint64_t all;
    begin(&s, &s);
    net.watch = record;
    net_run(&net, 60);
    METRIC(1, STUB, 2);
    CU_ASSERT_PTR_NOT_NULL_FATAL(recorded);
    send_again();
    CU_ASSERT_EQUAL(refused(1, RIP_REJECT_AUTH_SEQUENCE, &all), 1);
    CU_ASSERT_EQUAL(times_heard("1 warning: refused what 10.0.1.1 sent: a lower sequence number than before"), 1);
    /* While the neighbour is gone nothing tells a replay from a restart (RFC 4822 2.3.2 (6)). */
    net_kill(&net, 0);
    net_run(&net, 400);
    METRIC(1, STUB, 16);
    send_again();
    CU_ASSERT_EQUAL(refused(1, RIP_REJECT_AUTH_SEQUENCE, &all), 1);
    net_end(&net);
    free(recorded);
    recorded = NULL;
}

/* It has forgotten everything, its own sequence numbers too. */
static void restart(void)
{
    struct rip_key key = key_of(3, RIP_AUTH_SHA1, "secret");
    struct rip_interface_settings s = settings_of(&key, 1);
    uint64_t all;
    begin(&s, &s);
    net_run(&net, 3 * HOUR);
    METRIC(1, STUB, 2);
    net_kill(&net, 0);
    net_start_router(&net, 0);
    net_attach(&net, 0, 1, &s);
    net_stub(&net, 0, "172.17.0.1/24");
    net_run(&net, 5);
    METRIC(1, "172.17.0.0/24", 2);
    CU_ASSERT_EQUAL(refused(1, RIP_REJECT_AUTH_SEQUENCE, &all), 0);
    CU_ASSERT_EQUAL(all, 0);
    net_end(&net);
}

/* One that counts from one, as some do: it is heard again when its routes have timed out. */
static void restart_of_one_who_counts(void)
{
    struct rip_key key = key_of(3, RIP_AUTH_MD5, "secret");
    struct rip_interface_settings s = settings_of(&key, 1);
    struct rip_auth_sent sent = {0};
    uint64_t all, counted = 0;
    unsigned after = 0;
    begin(&s, &s);
    net_run(&net, 60);
    net_kill(&net, 0);
    for (unsigned count = 1; count < 30 && after == 0; count++) {
        struct rip_message m;
        rip_message_begin(&m, RIP_RESPONSE, 2, true);
        rip_message_add(
            &m, &(struct rip_entry){.family = RIP_FAMILY_IP, .addr = 0xac110000, .mask = 0xffff0000, .metric = 1});
        CU_ASSERT_TRUE(rip_auth_sign(&s.auth, &sent, m.bytes, &m.len, sizeof m.bytes,
                                     (struct now){.ns = 1, .wall_ms = count * UINT64_C(1000)}));
        net_put(&net, 1, UINT32_MAX, net_address(1, 0), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
        net_run(&net, 30);
        after = net_metric(&net, 1, "172.17.0.0/16") == 2 ? count : 0;
        counted += after == 0;
    }
    CU_ASSERT_TRUE(after >= 5 && after <= 12);
    CU_ASSERT_EQUAL(refused(1, RIP_REJECT_AUTH_SEQUENCE, &all), counted);
    net_end(&net);
}

/* The same number with another secret is another key: its numbers begin anew. */
static void another_secret_begins_anew(void)
{
    struct rip_key before = key_of(3, RIP_AUTH_SHA1, "before"), after = key_of(3, RIP_AUTH_SHA1, "after");
    struct rip_interface_settings s = settings_of(&before, 1), t = settings_of(&after, 1);
    begin(&s, &s);
    net_run(&net, 60);
    CU_ASSERT_TRUE(rip_interface_set(net.routers[1].rip, 0, &t, net.now));
    struct rip_auth_sent sent = {0};
    struct rip_message m;
    rip_message_begin(&m, RIP_RESPONSE, 2, true);
    rip_message_add(&m,
                    &(struct rip_entry){.family = RIP_FAMILY_IP, .addr = 0xac110000, .mask = 0xffff0000, .metric = 1});
    CU_ASSERT_TRUE(
        rip_auth_sign(&t.auth, &sent, m.bytes, &m.len, sizeof m.bytes, (struct now){.ns = 1, .wall_ms = 1000}));
    net_put(&net, 1, UINT32_MAX, net_address(1, 0), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(&net, 1);
    METRIC(1, "172.17.0.0/16", 2);
    net_end(&net);
}

static void version_1_with_a_password(void)
{
    struct rip_interface_settings s = rip_interface_settings_default;
    s.receive = RIP_V1 | RIP_V2;
    uint64_t all;
    begin(&s, &s);
    net_run(&net, 10);
    for (uint8_t version = 1; version <= 2; version++) {
        uint8_t bytes[RIP_HEADER + 2 * RIP_ENTRY] = {RIP_RESPONSE, version, 0, 0, 0xff, 0xff, 0, 2, 's'};
        bytes[RIP_HEADER + RIP_ENTRY + 1] = RIP_FAMILY_IP;
        bytes[RIP_HEADER + RIP_ENTRY + 4] = 20;
        bytes[RIP_HEADER + RIP_ENTRY + 19] = 1;
        net_put(&net, 1, UINT32_MAX, net_address(1, 0), RIP_PORT, RIP_GROUP, RIP_PORT, bytes, sizeof bytes);
        net_run(&net, 1);
        CU_ASSERT_EQUAL(refused(1, RIP_REJECT_AUTH_UNEXPECTED, &all), version);
    }
    CU_ASSERT_EQUAL(rip_status(net.routers[1].rip).learned, 1);
    net_end(&net);
}

static const struct unit_case cases[] = {
    {"two routers with the same key agree, in every mode", every_mode},
    {"long tables are signed message by message", many_routes},
    {"another secret teaches nothing, is counted, and is told", another_secret},
    {"forged messages from everywhere are told once a minute", forgers_fill_no_log},
    {"keys change every hour for a day, and no route is lost", rollover},
    {"nothing is sent and believed after the last key where that is preferred", fail_secure},
    {"nothing is sent before the first key begins", nothing_before_its_time},
    {"what was sent before is refused while the neighbour is there", replay},
    {"a router that has restarted is heard at once", restart},
    {"one that counts from one again is heard when its routes have timed out", restart_of_one_who_counts},
    {"another secret of the same number begins anew", another_secret_begins_anew},
    {"a password where none is expected is refused, in version 1 too", version_1_with_a_password},
};

UNIT_MAIN("rip authentication between routers", cases)
