/* RFC 2091: what two routers with a triggered link between them say, and what strangers may say to one. */
#include "tests/unit/support/rip_net.h"

#define METRIC(router, prefix, expected) CU_ASSERT_EQUAL(net_metric(&net, router, prefix), expected)

static struct net net;
static struct rip_interface_settings triggered;

/* ---- what is on the wire ---- */

/* One router's messages of one kind: how many, and what the last of them said. */
struct heard {
    unsigned n;
    struct rip_header header;
    unsigned entries;
    uint32_t dst;
    size_t len;
};

struct cable {
    struct heard heard[2][16]; /* by sender and command */
    unsigned lose;             /* percent */
    unsigned repeat;           /* percent that come again, up to 8 seconds later */
    bool deaf;                 /* all is lost, and nobody knows */
    uint64_t random;
    bool answers; /* a stranger acknowledges what it is sent */
    unsigned n_late;
    struct net_message *late[64];
};

static struct cable wire;

static unsigned below(unsigned n)
{
    wire.random = wire.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(wire.random >> 33) % n;
}

static void put(enum rip_command command, bool flush, uint16_t sequence, const char *prefix, unsigned metric);

static bool watch(struct net *of, const struct net_message *m)
{
    struct heard unused, *h = m->from < 2 && m->bytes[0] < 16 ? &wire.heard[m->from][m->bytes[0]] : &unused;
    (void)of;
    h->n++;
    h->len = m->len;
    h->dst = m->dst;
    rip_header_parse(m->bytes, m->len, &h->header);
    h->entries = (unsigned)((m->len - rip_entries_at(m->bytes[0])) / RIP_ENTRY);
    if (m->from < 2 && below(100) < wire.repeat && wire.n_late < 64) {
        struct net_message *copy = malloc(sizeof *m + m->len);
        memcpy(copy, m, sizeof *m + m->len);
        copy->arrives_ns = m->arrives_ns + below(8000) * NS_PER_MS;
        wire.late[wire.n_late++] = copy;
    }
    if (wire.answers && m->from == 0 && m->bytes[0] == RIP_UPDATE_RESPONSE)
        put(RIP_UPDATE_ACK, h->header.flush, h->header.sequence, NULL, 0);
    return !wire.deaf && below(100) >= wire.lose;
}

#define SENT(router, command) wire.heard[router][RIP_##command]

static void forget_heard(void)
{
    memset(wire.heard, 0, sizeof wire.heard);
}

/* What came late comes again, in whatever order. */
static void run(double seconds)
{
    for (uint64_t end = net.now.ns + (uint64_t)(seconds * (double)NS_PER_S); net.now.ns < end;) {
        for (unsigned i = 0; i < wire.n_late;) {
            struct net_message *m = wire.late[i];
            if (m->arrives_ns > net.now.ns) {
                i++;
                continue;
            }
            wire.late[i] = wire.late[--wire.n_late];
            net_deliver(&net, m);
            free(m);
        }
        net_run(&net, 0.05);
    }
}

static uint64_t messages(void)
{
    return net.messages;
}

/* ---- two routers ---- */

static void attach(unsigned router)
{
    net_attach(&net, router, 1, &triggered);
}

/* Router R has 172.16.R.0/24 beside the segment 10.0.1.0/24. */
static void begin_with(const struct rip_interface_settings *settings)
{
    net_begin(&net, 2, NULL);
    memset(&wire, 0, sizeof wire);
    wire.random = 1;
    triggered = *settings;
    triggered.triggered = true;
    net.watch = watch;
    attach(0);
    attach(1);
    net_stub(&net, 0, "172.16.0.1/24");
    net_stub(&net, 1, "172.16.1.1/24");
}

static void begin(void)
{
    begin_with(&rip_interface_settings_default);
}

static void end(void)
{
    while (wire.n_late > 0)
        free(wire.late[--wire.n_late]);
    net_end(&net);
}

static bool know_each_other(void)
{
    return net_metric(&net, 0, "172.16.1.0/24") == 2 && net_metric(&net, 1, "172.16.0.0/24") == 2;
}

static struct rip_neighbour_view peer_of(unsigned router)
{
    struct rip_neighbour_cursor cursor = RIP_NEIGHBOUR_START;
    struct rip_neighbour_view view = {.address = 0};
    while (rip_next_neighbour(net.routers[router].rip, &cursor, &view))
        if (view.address == net_address(1, 1 - router))
            return view;
    CU_FAIL("no neighbour");
    return view;
}

static void restart(unsigned router)
{
    net_kill(&net, router);
    net_start_router(&net, router);
    attach(router);
}

/* RFC 2091 2: what is known is told once, and then nothing. */
static void told_once(void)
{
    begin();
    run(1);
    CU_ASSERT_TRUE(know_each_other());
    CU_ASSERT_EQUAL(peer_of(0).exchange.state, RIP_EXCHANGE_COMPLETE);
    CU_ASSERT_EQUAL(peer_of(1).exchange.state, RIP_EXCHANGE_COMPLETE);
    CU_ASSERT_EQUAL(SENT(0, RESPONSE).n + SENT(1, RESPONSE).n + SENT(0, REQUEST).n + SENT(1, REQUEST).n, 0);
    run(10);
    uint64_t before = messages();
    run(3000);
    CU_ASSERT_EQUAL(messages(), before);
    CU_ASSERT_TRUE(know_each_other());
    struct rip_route_view view;
    CU_ASSERT_TRUE(net_find(&net, 1, net_prefix("172.16.0.0/24"), &view));
    CU_ASSERT_EQUAL(view.left_ns, NEVER_NS);
    end();
}

/* 2, 3.4: only what changes, at once; and that its next hop is nobody else. */
static void changes(void)
{
    begin();
    run(20);
    forget_heard();
    unsigned stub = net_stub(&net, 0, "172.16.9.1/24");
    run(0.1);
    METRIC(1, "172.16.9.0/24", 2);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).n, 1);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).entries, 1);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).dst, net_address(1, 1));
    CU_ASSERT_FALSE(SENT(0, UPDATE_RESPONSE).header.flush);
    CU_ASSERT_EQUAL(SENT(1, UPDATE_ACK).n, 1);
    CU_ASSERT_EQUAL(SENT(1, UPDATE_ACK).header.sequence, SENT(0, UPDATE_RESPONSE).header.sequence);
    uint16_t first = SENT(0, UPDATE_RESPONSE).header.sequence;
    run(1);
    net_port(&net, 0, stub, false);
    run(0.1);
    METRIC(1, "172.16.9.0/24", 16);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).n, 2);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).header.sequence, (uint16_t)(first + 1));
    end();
}

/* 3.3: the way to what a peer was told of leads by that peer now, which must forget the other. */
static void poisoned(void)
{
    struct rip_route_view view;
    begin();
    net_attach(&net, 0, 2, NULL);
    run(10);
    struct rip_message m;
    rip_message_begin(&m, RIP_RESPONSE, 2, false);
    rip_message_add(
        &m, &(struct rip_entry){.family = RIP_FAMILY_IP, .addr = 0xac110900, .mask = prefix_mask(24), .metric = 8});
    net_put(&net, 2, UINT32_MAX, addr_of("10.0.2.9"), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    run(1);
    METRIC(1, "172.17.9.0/24", 10);
    net_stub(&net, 1, "172.17.9.1/24");
    run(1);
    METRIC(0, "172.17.9.0/24", 2);
    CU_ASSERT_TRUE(net_find(&net, 1, net_prefix("172.17.9.0/24"), &view));
    CU_ASSERT_EQUAL(view.n_paths, 0);
    end();
}

/* 3.5, 6.3: one message in flight, again every 5 seconds until it is acknowledged, and the same number. */
static void repeated(void)
{
    begin();
    run(20);
    forget_heard();
    wire.lose = 100;
    net_stub(&net, 0, "172.16.9.1/24");
    run(0.5);
    uint16_t sequence = SENT(0, UPDATE_RESPONSE).header.sequence;
    net_stub(&net, 0, "172.16.8.1/24"); /* waits for its turn */
    run(14.2);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).n, 3);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).header.sequence, sequence);
    CU_ASSERT_EQUAL(peer_of(0).exchange.state, RIP_EXCHANGE_SENDING);
    CU_ASSERT_EQUAL(peer_of(0).exchange.unanswered, 2);
    wire.lose = 0;
    run(1);
    METRIC(1, "172.16.9.0/24", 2);
    METRIC(1, "172.16.8.0/24", 2);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).n, 5);
    CU_ASSERT_EQUAL(peer_of(0).exchange.state, RIP_EXCHANGE_COMPLETE);
    run(600);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).n, 5);
    end();
}

/* 6.2: a lost route is kept until the peer has been told, even if what came before it takes longer than it lives. */
static void told_before_forgotten(void)
{
    struct rip_settings brief = rip_settings_default;
    brief.garbage_s = 5;
    begin();
    for (unsigned i = 0; i < 2; i++)
        rip_configure(net.routers[i].rip, &brief, net.now);
    unsigned stub = net_stub(&net, 0, "172.16.9.1/24");
    run(10);
    wire.lose = 100;
    net_stub(&net, 0, "172.16.8.1/24"); /* in flight */
    run(1);
    net_port(&net, 0, stub, false);
    run(15);
    METRIC(1, "172.16.9.0/24", 2);
    wire.lose = 0;
    run(15);
    METRIC(1, "172.16.8.0/24", 2);
    METRIC(1, "172.16.9.0/24", 16);
    struct rip_route_view view;
    run(2);
    CU_ASSERT_FALSE(net_find(&net, 0, net_prefix("172.16.9.0/24"), &view));
    end();
}

/* Hundreds of routes, changes all the time, and wires that lose, repeat and reorder: the end is as if they did not. */
static void bad_wires(void)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        char text[40];
        begin();
        wire.random = seed;
        wire.lose = 5 + seed;
        wire.repeat = seed % 2 == 0 ? 30 : 0;
        unsigned stubs[40];
        for (unsigned i = 0; i < 24; i++) {
            snprintf(text, sizeof text, "172.20.%u.1/24", i);
            stubs[i] = net_stub(&net, i % 2, text);
        }
        for (unsigned i = 0; i < 120; i++) {
            unsigned which = below(24);
            net_port(&net, which % 2, stubs[which], below(2) == 0);
            run(0.3 * below(10));
            if (i == 60 && seed % 3 == 0) /* one who begins anew in the middle of it */
                rip_clear(net.routers[1].rip, 0, net.now);
        }
        wire.repeat = 0;
        run(240); /* what a late flush made uncertain is decided by then */
        wire.lose = 0;
        run(100);
        for (unsigned i = 0; i < 24; i++) {
            snprintf(text, sizeof text, "172.20.%u.0/24", i);
            bool up = net.routers[i % 2].ports[stubs[i]].up;
            if (net_metric(&net, 1 - i % 2, text) != (up ? 2u : 16u))
                printf("\n  seed %u: %s\n", seed, text);
            METRIC(1 - i % 2, text, up ? 2u : 16u);
        }
        uint64_t before = messages();
        run(1000);
        CU_ASSERT_EQUAL(messages(), before);
        end();
    }
}

/* 4.2: a flush, so that what the former self had said goes, after the time of a route (6.1); the rest is there at once.
 */
static void restarts(void)
{
    for (unsigned router = 0; router < 2; router++) {
        begin();
        net_stub(&net, router, router == 0 ? "172.17.0.1/24" : "172.17.1.1/24");
        const char *gone = router == 0 ? "172.16.0.0/24" : "172.16.1.0/24";
        const char *kept = router == 0 ? "172.17.0.0/24" : "172.17.1.0/24";
        run(100);
        restart(router);
        net_stub(&net, router, router == 0 ? "172.17.0.1/24" : "172.17.1.1/24");
        METRIC(1 - router, kept, 2);
        run(1);
        METRIC(router, router == 0 ? "172.16.1.0/24" : "172.16.0.0/24", 2);
        METRIC(1 - router, gone, 2);
        run(177);
        METRIC(1 - router, gone, 2);
        run(5);
        METRIC(1 - router, gone, 16);
        METRIC(1 - router, kept, 2);
        uint64_t before = messages();
        run(1000);
        METRIC(1 - router, kept, 2);
        CU_ASSERT_EQUAL(messages(), before);
        end();
    }
}

/* 6.3: who does not acknowledge for 180 seconds is down, its routes are unreachable, and it is polled. */
static void not_answering(void)
{
    begin();
    run(10);
    wire.deaf = true;
    run(1000);
    CU_ASSERT_TRUE(know_each_other()); /* nothing to say, so nobody noticed */
    net_stub(&net, 0, "172.16.9.1/24");
    run(170);
    METRIC(0, "172.16.1.0/24", 2);
    run(45);
    METRIC(0, "172.16.1.0/24", 16);
    CU_ASSERT_EQUAL(peer_of(0).exchange.state, RIP_EXCHANGE_DOWN);
    METRIC(1, "172.16.0.0/24", 2);
    struct rip_route_view view;
    CU_ASSERT_TRUE(net_find(&net, 0, net_prefix("172.16.1.0/24"), &view)); /* the hold down of 6.2 */
    run(125);
    CU_ASSERT_FALSE(net_find(&net, 0, net_prefix("172.16.1.0/24"), &view));
    forget_heard();
    run(600);
    CU_ASSERT_TRUE(SENT(0, UPDATE_REQUEST).n >= 10 && SENT(0, UPDATE_REQUEST).n <= 25);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).n, 0);
    wire.deaf = false;
    run(65);
    CU_ASSERT_TRUE(know_each_other());
    METRIC(1, "172.16.9.0/24", 2);
    end();
}

static void link_states(void)
{
    begin();
    run(10);
    net_cut(&net, 1, true);
    run(0.1);
    METRIC(0, "172.16.1.0/24", 16);
    run(30);
    net_cut(&net, 1, false);
    run(1);
    CU_ASSERT_TRUE(know_each_other());
    CU_ASSERT_TRUE(SENT(0, UPDATE_RESPONSE).n >= 4); /* two flushes: 4.2 */
    end();
}

/* Nobody is there: asked for, more and more rarely. */
static void alone(void)
{
    net_begin(&net, 2, NULL);
    memset(&wire, 0, sizeof wire);
    triggered = rip_interface_settings_default;
    triggered.triggered = true;
    net.watch = watch;
    attach(0);
    run(12);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_REQUEST).n, 3);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_REQUEST).dst, RIP_GROUP);
    run(600);
    forget_heard();
    run(600);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_REQUEST).n, 10);
    attach(1); /* who comes later */
    net_stub(&net, 1, "172.16.1.1/24");
    run(1);
    METRIC(0, "172.16.1.0/24", 2);
    end();
}

/* ---- leaving ---- */

static void goodbye(void)
{
    begin();
    run(10);
    rip_stop(net.routers[1].rip, net.now);
    run(0.1);
    METRIC(0, "172.16.1.0/24", 16);
    run(2);
    CU_ASSERT_TRUE(rip_is_stopped(net.routers[1].rip));
    end();
    begin();
    run(10);
    wire.deaf = true; /* a goodbye ends, heard or not */
    rip_stop(net.routers[1].rip, net.now);
    run(2);
    CU_ASSERT_TRUE(rip_is_stopped(net.routers[1].rip));
    end();
    begin();
    run(10);
    rip_interface_remove(net.routers[1].rip, 0, net.now);
    run(2);
    METRIC(0, "172.16.1.0/24", 16);
    struct rip_interface_view view;
    CU_ASSERT_FALSE(rip_find_interface(net.routers[1].rip, 0, &view));
    end();
}

static void switched_off_and_on(void)
{
    struct rip_interface_settings plain = rip_interface_settings_default;
    begin();
    run(10);
    for (unsigned i = 0; i < 2; i++)
        rip_interface_set(net.routers[i].rip, 0, &plain, net.now);
    run(10);
    CU_ASSERT_TRUE(know_each_other());
    run(400); /* by updates now, which is why they time out */
    CU_ASSERT_TRUE(know_each_other());
    CU_ASSERT_TRUE(SENT(0, RESPONSE).n > 10);
    rip_interface_set(net.routers[0].rip, 0, &triggered, net.now);
    run(3);
    METRIC(1, "172.16.0.0/24", 16); /* the one said goodbye, and is not understood */
    run(60);
    METRIC(0, "172.16.1.0/24", 2); /* updates are taken as such */
    rip_interface_set(net.routers[1].rip, 0, &triggered, net.now);
    run(70);
    CU_ASSERT_TRUE(know_each_other());
    forget_heard();
    run(1000);
    CU_ASSERT_EQUAL(SENT(0, RESPONSE).n + SENT(1, RESPONSE).n + SENT(0, UPDATE_RESPONSE).n, 0);
    CU_ASSERT_TRUE(know_each_other());
    end();
}

/* ---- what strangers say ---- */

#define STRANGER "10.0.1.9"

static void put(enum rip_command command, bool flush, uint16_t sequence, const char *prefix, unsigned metric)
{
    struct rip_message m;
    rip_message_begin(&m, command, 2, false);
    rip_message_number(&m, flush, sequence);
    if (prefix != NULL)
        rip_message_add(&m, &(struct rip_entry){.family = RIP_FAMILY_IP,
                                                .addr = net_prefix(prefix).addr,
                                                .mask = prefix_mask(net_prefix(prefix).len),
                                                .next_hop = addr_of("10.0.1.77"),
                                                .metric = metric});
    net_put(&net, 1, UINT32_MAX, addr_of(STRANGER), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    if (command != RIP_UPDATE_ACK)
        net_run(&net, 0.01);
}

static void one_router(bool on)
{
    net_begin(&net, 1, NULL);
    memset(&wire, 0, sizeof wire);
    triggered = rip_interface_settings_default;
    triggered.triggered = on;
    wire.answers = true;
    net.watch = watch;
    attach(0);
    net_run(&net, 0.1);
    forget_heard();
}

static uint64_t refused(enum rip_reject reject)
{
    struct rip_interface_view view;
    CU_ASSERT_TRUE_FATAL(rip_find_interface(net.routers[0].rip, 0, &view));
    return view.counters.rejects[reject];
}

static void not_configured(void)
{
    one_router(false);
    put(RIP_UPDATE_REQUEST, false, 0, NULL, 0);
    put(RIP_UPDATE_RESPONSE, true, 1, "10.9.0.0/16", 1);
    put(RIP_UPDATE_RESPONSE, false, 2, "10.9.0.0/16", 1);
    put(RIP_UPDATE_ACK, false, 2, NULL, 0);
    net_run(&net, 0.01);
    CU_ASSERT_EQUAL(refused(RIP_REJECT_TRIGGERED_OFF), 4);
    METRIC(0, "10.9.0.0/16", 16);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_RESPONSE).n + SENT(0, UPDATE_ACK).n + SENT(0, UPDATE_REQUEST).n, 0);
    net_end(&net);
}

static void order(void)
{
    one_router(true);
    put(RIP_UPDATE_RESPONSE, false, 100, "10.9.0.0/16", 1); /* no flush came before */
    METRIC(0, "10.9.0.0/16", 16);
    CU_ASSERT_EQUAL(refused(RIP_REJECT_TRIGGERED_ORDER), 1);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_ACK).n, 0);
    CU_ASSERT_TRUE(SENT(0, UPDATE_REQUEST).n >= 1);
    put(RIP_UPDATE_RESPONSE, true, 100, "10.7.0.0/16", 3); /* with a route, as some do */
    METRIC(0, "10.7.0.0/16", 4);
    CU_ASSERT_TRUE(SENT(0, UPDATE_ACK).n == 1 && SENT(0, UPDATE_ACK).header.flush);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_ACK).header.sequence, 100);
    struct rip_route_view view;
    CU_ASSERT_TRUE(net_find(&net, 0, net_prefix("10.7.0.0/16"), &view));
    CU_ASSERT_EQUAL(view.paths[0].gateway, addr_of(STRANGER)); /* 5.3: no other next hop */
    put(RIP_UPDATE_RESPONSE, true, 100, "10.7.0.0/16", 3);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_ACK).n, 2);
    put(RIP_UPDATE_RESPONSE, false, 101, "10.9.0.0/16", 1);
    put(RIP_UPDATE_RESPONSE, false, 102, "10.9.0.0/16", 16);
    METRIC(0, "10.9.0.0/16", 16);
    put(RIP_UPDATE_RESPONSE, false, 101, "10.9.0.0/16", 1); /* late: acknowledged, not believed */
    METRIC(0, "10.9.0.0/16", 16);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_ACK).n, 5);
    forget_heard();
    net_run(&net, 20);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_REQUEST).n, 0);
    put(RIP_UPDATE_RESPONSE, true, 100, NULL, 0); /* the flush comes late: what it made uncertain is asked for */
    CU_ASSERT_EQUAL(SENT(0, UPDATE_REQUEST).n, 1);
    put(RIP_UPDATE_RESPONSE, true, 103, NULL, 0);
    put(RIP_UPDATE_RESPONSE, false, 104, "10.7.0.0/16", 3);
    net_run(&net, 400);
    METRIC(0, "10.7.0.0/16", 4);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_REQUEST).n, 1);
    net_end(&net);
}

/* One who puts routes into its flush, and begins anew with the same number: what it says then counts. */
static void same_flush_again(void)
{
    one_router(true);
    put(RIP_UPDATE_RESPONSE, true, 3, "10.9.0.0/16", 1);
    net_run(&net, 100);
    put(RIP_UPDATE_RESPONSE, true, 3, "10.8.0.0/16", 1);
    METRIC(0, "10.8.0.0/16", 2);
    net_run(&net, 181);
    METRIC(0, "10.9.0.0/16", 16);
    METRIC(0, "10.8.0.0/16", 2);
    net_end(&net);
}

/* 6.1: a flush alone leaves what is not said again for 180 seconds, then unreachable for 120. */
static void flush_alone(void)
{
    one_router(true);
    put(RIP_UPDATE_RESPONSE, true, 65534, NULL, 0);
    put(RIP_UPDATE_RESPONSE, false, 65535, "10.9.0.0/16", 1);
    put(RIP_UPDATE_RESPONSE, false, 0, "10.8.0.0/16", 1); /* 5.1: it wraps round */
    net_run(&net, 100);
    put(RIP_UPDATE_RESPONSE, true, 1, NULL, 0);
    put(RIP_UPDATE_RESPONSE, false, 2, "10.8.0.0/16", 1);
    net_run(&net, 178);
    METRIC(0, "10.9.0.0/16", 2);
    net_run(&net, 3);
    METRIC(0, "10.9.0.0/16", 16);
    METRIC(0, "10.8.0.0/16", 2);
    struct rip_route_view view;
    net_run(&net, 115);
    CU_ASSERT_TRUE(net_find(&net, 0, net_prefix("10.9.0.0/16"), &view));
    net_run(&net, 10);
    CU_ASSERT_FALSE(net_find(&net, 0, net_prefix("10.9.0.0/16"), &view));
    METRIC(0, "10.8.0.0/16", 2);
    net_end(&net);
}

static void bad_headers(void)
{
    static const struct {
        uint8_t bytes[24];
        size_t len;
        enum rip_reject reject;
    } bad[] = {
        {{9, 2, 0, 0, 2, 0, 0, 0}, 8, RIP_REJECT_UPDATE_VERSION},
        {{10, 2, 0, 0, 0, 0, 0, 1}, 8, RIP_REJECT_UPDATE_VERSION},
        {{10, 2, 0, 0, 1, 2, 0, 1}, 8, RIP_REJECT_UPDATE_FLUSH},
        {{11, 2, 0, 0, 1, 255, 0, 1}, 8, RIP_REJECT_UPDATE_FLUSH},
        {{10, 2, 0, 0, 1, 0, 0}, 7, RIP_REJECT_SHORT},
        {{10, 2, 0, 0, 1, 0, 0, 1, 0}, 9, RIP_REJECT_LENGTH},
        {{10, 1, 0, 1, 1, 0, 0, 1}, 8, RIP_REJECT_MUST_BE_ZERO},
        {{11, 2, 0, 0, 1, 0, 0, 1}, 8, RIP_REJECT_TRIGGERED_ACK},
        {{12, 2, 0, 0, 1, 0, 0, 1}, 24, RIP_REJECT_COMMAND},
    };
    one_router(true);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t before = refused(bad[i].reject);
        net_put(&net, 1, UINT32_MAX, addr_of(STRANGER), RIP_PORT, RIP_GROUP, RIP_PORT, bad[i].bytes, bad[i].len);
        net_run(&net, 0.01);
        CU_ASSERT_EQUAL(refused(bad[i].reject), before + 1);
    }
    struct rip_message m;
    rip_message_begin(&m, RIP_UPDATE_RESPONSE, 2, false);
    net_put(&net, 1, UINT32_MAX, addr_of(STRANGER), 521, RIP_GROUP, RIP_PORT, m.bytes, m.len);
    net_run(&net, 0.01);
    CU_ASSERT_EQUAL(refused(RIP_REJECT_SOURCE_PORT), 1);
    CU_ASSERT_EQUAL(SENT(0, UPDATE_ACK).n, 0);
    net_end(&net);
}

/* Whoever makes up senders gets no more than so many exchanges. */
static void many_peers(void)
{
    one_router(true);
    struct rip_message m;
    rip_message_begin(&m, RIP_UPDATE_REQUEST, 2, false);
    for (unsigned i = 0; i < 200; i++) {
        net_put(&net, 1, UINT32_MAX, addr_of("10.0.1.9") + i, RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
        net_run(&net, 1);
    }
    struct rip_interface_view view;
    CU_ASSERT_TRUE(rip_find_interface(net.routers[0].rip, 0, &view));
    CU_ASSERT_EQUAL(view.peers, RIP_PEERS_MAX);
    CU_ASSERT_EQUAL(view.counters.rejects[RIP_REJECT_TRIGGERED_PEERS], 200 - RIP_PEERS_MAX);
    net_end(&net);
}

/* Anything of the exchange in any order, from a few who may mean it: nothing breaks, and a good peer is served after.
 */
static void nonsense(void)
{
    one_router(true);
    wire.answers = false;
    for (unsigned i = 0; i < 20000; i++) {
        struct rip_message m;
        rip_message_begin(&m, RIP_UPDATE_REQUEST + below(3), (uint8_t)(1 + below(2)), false);
        rip_message_number(&m, below(2), (uint16_t)(below(3) == 0 ? below(65536) : below(90)));
        for (unsigned n = below(4) == 0 ? below(26) : 0; n > 0; n--)
            rip_message_add(&m, &(struct rip_entry){.family = RIP_FAMILY_IP,
                                                    .addr = 0xac100000 | below(4) << 8,
                                                    .mask = m.version > 1 ? prefix_mask(24) : 0,
                                                    .metric = below(18)});
        m.len -= below(20) == 0 ? below((unsigned)m.len) : 0;
        net_put(&net, 1, UINT32_MAX, addr_of(STRANGER) + below(4), RIP_PORT, RIP_GROUP, RIP_PORT, m.bytes, m.len);
        net_run(&net, below(10) == 0 ? 0.01 * below(1000) : 0);
    }
    net_run(&net, 700);
    struct rip_route_view view;
    CU_ASSERT_FALSE(net_find(&net, 0, net_prefix("172.16.1.0/24"), &view));
    net_end(&net);
    begin();
    run(1);
    CU_ASSERT_TRUE(know_each_other());
    end();
}

/* ---- with everything else ---- */

static void authenticated(void)
{
    struct rip_key key = {.id = 3, .mode = RIP_AUTH_SHA256, .secret_len = 5, .secret = "abcde"};
    for (unsigned mode = RIP_AUTH_TEXT; mode < RIP_AUTH__COUNT; mode++) {
        struct rip_interface_settings s = rip_interface_settings_default;
        key.mode = mode;
        s.auth = (struct rip_auth){.n = 1, .keys = &key};
        begin_with(&s);
        char text[40];
        for (unsigned i = 0; i < 25; i++) {
            snprintf(text, sizeof text, "172.20.%u.1/24", i);
            net_stub(&net, 0, text);
        }
        run(1);
        CU_ASSERT_TRUE(know_each_other());
        METRIC(1, "172.20.24.0/24", 2);
        put(RIP_UPDATE_RESPONSE, true, 1, "10.9.0.0/16", 1);
        CU_ASSERT_EQUAL(refused(RIP_REJECT_AUTH_MISSING), 1);
        METRIC(0, "10.9.0.0/16", 16);
        end();
    }
}

static void version_1(void)
{
    struct rip_interface_settings s = rip_interface_settings_default;
    s.send = s.receive = RIP_V1;
    begin_with(&s);
    net_stub(&net, 0, "192.168.7.1/24");
    run(1);
    METRIC(1, "192.168.7.0/24", 2);
    METRIC(1, "172.16.0.0/16", 2); /* by its class */
    uint64_t before = messages();
    run(1000);
    METRIC(1, "172.16.0.0/16", 2);
    CU_ASSERT_EQUAL(messages(), before);
    net_port(&net, 0, 1, false);
    run(1);
    METRIC(1, "172.16.0.0/16", 16);
    end();
}

static void settings_change(void)
{
    static const struct rip_prefix_rule rules[] = {{.permit = false, .prefix = {.addr = 0xac100000, .len = 24}},
                                                   {.permit = true, .ge = 0, .le = 32}};
    static const struct rip_prefix_list list = {.n = 2, .rules = rules};
    static const struct prefix summary = {.addr = 0xac100000, .len = 12};
    begin();
    net_stub(&net, 0, "192.168.7.1/24");
    run(10);
    METRIC(1, "192.168.7.0/24", 2);
    struct rip_interface_settings s = triggered;
    s.list_out = &list;
    rip_interface_set(net.routers[0].rip, 0, &s, net.now);
    run(1);
    METRIC(1, "172.16.0.0/24", 16);
    METRIC(1, "192.168.7.0/24", 2);
    s = triggered;
    s.summaries = &summary;
    s.n_summaries = 1;
    rip_interface_set(net.routers[0].rip, 0, &s, net.now);
    run(1);
    METRIC(1, "172.16.0.0/12", 2);
    METRIC(1, "172.16.0.0/24", 16);
    rip_interface_set(net.routers[0].rip, 0, &triggered, net.now);
    run(1);
    METRIC(1, "172.16.0.0/12", 16);
    METRIC(1, "172.16.0.0/24", 2);
    s = triggered; /* what is let in: asked for again when it may be */
    s.list_in = &list;
    rip_interface_set(net.routers[1].rip, 0, &s, net.now);
    run(1);
    METRIC(1, "172.16.0.0/24", 16);
    rip_interface_set(net.routers[1].rip, 0, &triggered, net.now);
    run(1);
    METRIC(1, "172.16.0.0/24", 2);
    end();
}

/* 3.2: alternatives are kept, and neither side takes the other's word for its own. */
static void among_others(void)
{
    begin();
    net_attach(&net, 0, 2, NULL); /* an ordinary link beside the triggered one */
    net_attach(&net, 1, 2, NULL);
    run(40);
    CU_ASSERT_TRUE(know_each_other());
    struct rip_route_view view;
    CU_ASSERT_TRUE(net_find(&net, 0, net_prefix("172.16.1.0/24"), &view));
    CU_ASSERT_EQUAL(view.n_paths, 2);
    net_cut(&net, 2, true);
    run(1);
    CU_ASSERT_TRUE(know_each_other());
    net_cut(&net, 2, false);
    net_cut(&net, 1, true);
    run(40);
    CU_ASSERT_TRUE(know_each_other());
    net_port(&net, 1, 1, false);
    run(10);
    METRIC(0, "172.16.1.0/24", 16);
    end();
}

/* 3.2: what there was no room for is asked for when there is. */
static void room(void)
{
    struct rip_settings few = rip_settings_default;
    unsigned stubs[4], known = 0;
    char text[40];
    begin();
    few.max_routes = 3;
    rip_configure(net.routers[0].rip, &few, net.now);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "172.20.%u.1/24", i);
        stubs[i] = net_stub(&net, 1, text);
    }
    run(600);
    uint64_t before = messages();
    run(600); /* in vain: nothing has changed */
    CU_ASSERT_EQUAL(messages(), before);
    for (unsigned i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "172.20.%u.0/24", i);
        known += net_metric(&net, 0, text) == 2;
        if (net_metric(&net, 0, text) == 2)
            stubs[0] = stubs[i];
    }
    CU_ASSERT_EQUAL(known, 2);
    net_port(&net, 1, stubs[0], false);
    run(61);
    known = 0;
    for (unsigned i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "172.20.%u.0/24", i);
        known += net_metric(&net, 0, text) == 2;
    }
    CU_ASSERT_EQUAL(known, 2);
    end();
}

static const struct unit_case cases[] = {
    {"everything is told once, and then nothing for as long as nothing changes", told_once},
    {"what changes is told at once, and nothing else", changes},
    {"a route that comes from the peer is poisoned there", poisoned},
    {"what is not acknowledged is sent again", repeated},
    {"a route is not forgotten before the peer knows", told_before_forgotten},
    {"loss, repetition and reordering change nothing in the end", bad_wires},
    {"a restart flushes what was said before it", restarts},
    {"who does not answer is down, and polled until it does", not_answering},
    {"a link that comes up exchanges everything", link_states},
    {"nobody is asked for all the time", alone},
    {"goodbyes are heard, or end", goodbye},
    {"an interface changes from updates to the exchange and back", switched_off_and_on},
    {"where it is not configured it is refused", not_configured},
    {"what is late or comes twice does no harm", order},
    {"a flush lets routes time out", flush_alone},
    {"a flush with the number of the last one counts", same_flush_again},
    {"bad headers are counted by their reasons", bad_headers},
    {"peers are limited", many_peers},
    {"nonsense does no harm", nonsense},
    {"messages are authenticated", authenticated},
    {"version 1 is spoken", version_1},
    {"filters and summaries that change are told", settings_change},
    {"what there was no room for is asked for later", room},
    {"triggered and ordinary links go together", among_others},
};

UNIT_MAIN("rip_triggered", cases)
