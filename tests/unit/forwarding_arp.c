/* Must answer, must not answer; must learn, must not learn: as bytes. The table behind it is the real one. */
#include "forwarding/arp.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t nobody[6];
static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t host_mac[6] = {2, 0, 0, 0, 0, 0x99};
static const uint8_t other_mac[6] = {2, 0, 0, 0, 0, 0x55};
static const uint8_t group_mac[6] = {1, 0, 0x5e, 0, 0, 1};

static struct {
    struct timers timers;
    struct arp arp;
    struct wire wire;
    struct port *port;
    struct now now;
    unsigned logs, sent;
    char text[200];
    uint32_t proxied; /* the one address that another port reaches */
} w;

static void hook_send(void *context, struct packet *packet, struct now now)
{
    (void)context, (void)packet, (void)now;
    w.sent++;
}

static void hook_drop(void *context, struct packet *packet, enum drop why, struct now now)
{
    (void)context, (void)packet, (void)why, (void)now;
}

static void hook_request(void *context, const struct port *port, uint32_t addr, const uint8_t *to_mac, struct now now)
{
    (void)context;
    arp_request(&w.arp, port, addr, to_mac, now);
}

static uint64_t hook_last_used(void *context, uint32_t number)
{
    (void)context, (void)number;
    return 0;
}

static uint64_t hook_random(void *context)
{
    (void)context;
    return 4;
}

static void hook_log(void *context, const char *text)
{
    (void)context;
    w.logs++;
    strncpy(w.text, text, sizeof w.text - 1);
}

static bool hook_proxy(void *context, const struct port *port, uint32_t addr)
{
    (void)context, (void)port;
    return addr == w.proxied;
}

static bool hook_on_link(void *context, const struct port *port, uint32_t addr)
{
    (void)context, (void)port;
    return addr == addr_of("10.0.8.8");
}

static void setup(void)
{
    memset(&w, 0, sizeof w);
    w.now.ns = 100 * NS_PER_S;
    w.proxied = addr_of("172.16.0.5");
    wire_init(&w.wire);
    timers_init(&w.timers, NULL);
    struct neighbour_hooks hooks = {.send = hook_send,
                                    .drop = hook_drop,
                                    .request = hook_request,
                                    .last_used = hook_last_used,
                                    .random = hook_random};
    w.arp.neighbours = neighbours_new(256, 10000, &hooks, &w.timers, &later_at_once);
    w.arp.transmit = &w.wire.transmit;
    w.arp.log = hook_log;
    w.arp.proxy = hook_proxy;
    w.arp.on_link = hook_on_link;
    w.port = port_new(2);
    w.port->number = 3;
    memcpy(w.port->name, "r0", 3);
    memcpy(w.port->mac, our_mac, 6);
    w.port->up = true;
    w.port->mtu = 1500;
    w.port->arp_timeout_s = 1200;
    w.port->addresses[0] = (struct prefix){addr_of("10.0.1.1"), 24};
    w.port->addresses[1] = (struct prefix){addr_of("10.0.2.1"), 31};
    neighbours_port_changed(w.arp.neighbours, w.port, w.now);
}

static void teardown(void)
{
    neighbours_free(w.arp.neighbours);
    timers_exit(&w.timers);
    wire_clear(&w.wire);
    free(w.port);
}

struct heard {
    uint16_t op;
    const char *sender, *target;
    const uint8_t *sender_mac, *target_mac, *ethernet_dst, *ethernet_src; /* NULL: host, nobody, broadcast, sender */
    uint32_t len;                                                         /* 0: 60 */
    uint16_t hardware, protocol;                                          /* 0: right */
    uint8_t hardware_len, protocol_len;                                   /* 0: right */
};

#define HEARD(o, s, t, ...)                                                                                            \
    {                                                                                                                  \
        .op = (uint16_t)(o), .sender = s, .target = t, __VA_ARGS__                                                     \
    }

static void write_arp(uint8_t *frame, const struct heard *h)
{
    const uint8_t *sender_mac = h->sender_mac != NULL ? h->sender_mac : host_mac;
    ethernet_write(frame, h->ethernet_dst != NULL ? h->ethernet_dst : broadcast,
                   h->ethernet_src != NULL ? h->ethernet_src : sender_mac, ETHERTYPE_ARP);
    uint8_t *at = frame + ETHERNET_HEADER;
    store_be16(at, h->hardware != 0 ? h->hardware : 1);
    store_be16(at + 2, h->protocol != 0 ? h->protocol : 0x0800);
    at[4] = h->hardware_len != 0 ? h->hardware_len : 6;
    at[5] = h->protocol_len != 0 ? h->protocol_len : 4;
    store_be16(at + 6, h->op);
    memcpy(at + 8, sender_mac, 6);
    store_be32(at + 14, addr_of(h->sender));
    memcpy(at + 18, h->target_mac != NULL ? h->target_mac : nobody, 6);
    store_be32(at + 24, addr_of(h->target));
}

static enum drop hear(const struct heard *h)
{
    uint8_t frame[60] = {0};
    uint32_t len = h->len != 0 ? h->len : sizeof frame;
    write_arp(frame, h);
    uint8_t *exact = malloc(len); /* so that a byte read beyond it is seen */
    memcpy(exact, frame, len);
    struct packet packet = {.frame = exact, .len = len, .wire_len = len, .port = 3};
    enum drop why = arp_input(&w.arp, w.port, &packet, w.now);
    free(exact);
    return why;
}

static bool knows(const char *addr, const uint8_t *mac)
{
    const struct adjacency *a = neighbour_find(w.arp.neighbours, 3, addr_of(addr));
    return a != NULL && memcmp(a->ethernet, mac, 6) == 0;
}

static unsigned entries(void)
{
    return neighbours_totals(w.arp.neighbours).entries;
}

/* ---- answers ---- */

static void check_reply_bytes(void)
{
    setup();
    CU_ASSERT_EQUAL(hear(&(struct heard)HEARD(1, "10.0.1.9", "10.0.1.1")), DROP__COUNT);
    CU_ASSERT_EQUAL_FATAL(w.wire.n, 1);
    const uint8_t want[60] = {
        2, 0, 0, 0, 0, 0x99, 2,  0, 0, 0, 0, 1, 8, 6,                       /* Ethernet: to the asker */
        0, 1, 8, 0, 6, 4,    0,  2,                                         /* a reply */
        2, 0, 0, 0, 0, 1,    10, 0, 1, 1, 2, 0, 0, 0, 0, 0x99, 10, 0, 1, 9, /* ours, theirs */
    };
    CU_ASSERT_EQUAL(w.wire.sent[0].port, 3);
    CU_ASSERT_EQUAL(w.wire.sent[0].len, 60);
    CU_ASSERT_EQUAL(memcmp(w.wire.sent[0].bytes, want, 60), 0);
    CU_ASSERT_TRUE(knows("10.0.1.9", host_mac));
    CU_ASSERT_EQUAL(w.arp.stats.in_requests, 1);
    CU_ASSERT_EQUAL(w.arp.stats.out_replies, 1);
    teardown();
}

struct row {
    const char *what;
    struct heard heard;
    enum drop drop; /* DROP__COUNT: a valid ARP packet */
    bool answered, learned;
};

static const struct row rows[] = {
    {"broadcast request", HEARD(1, "10.0.1.9", "10.0.1.1"), DROP__COUNT, true, true},
    {"unicast request", HEARD(1, "10.0.1.9", "10.0.1.1", .ethernet_dst = our_mac), DROP__COUNT, true, true},
    {"target MAC broadcast", HEARD(1, "10.0.1.9", "10.0.1.1", .target_mac = broadcast), DROP__COUNT, true, true},
    {"target MAC ours", HEARD(1, "10.0.1.9", "10.0.1.1", .target_mac = our_mac), DROP__COUNT, true, true},
    {"target MAC another's", HEARD(1, "10.0.1.9", "10.0.1.1", .target_mac = other_mac), DROP__COUNT, true, true},
    {"not padded", HEARD(1, "10.0.1.9", "10.0.1.1", .len = 42), DROP__COUNT, true, true},
    {"relayed by a switch", HEARD(1, "10.0.1.9", "10.0.1.1", .ethernet_src = other_mac), DROP__COUNT, true, true},
    {"secondary address, /31", HEARD(1, "10.0.2.0", "10.0.2.1"), DROP__COUNT, true, true},
    {"secondary address, other subnet's sender", HEARD(1, "10.0.1.9", "10.0.2.1"), DROP__COUNT, true, true},
    {"probe", HEARD(1, "0.0.0.0", "10.0.1.1"), DROP__COUNT, true, false},
    {"probe for another", HEARD(1, "0.0.0.0", "10.0.1.8"), DROP__COUNT, false, false},
    {"for another", HEARD(1, "10.0.1.9", "10.0.1.8"), DROP__COUNT, false, false},
    {"for an address of another port", HEARD(1, "10.0.1.9", "192.168.7.1"), DROP__COUNT, false, false},
    {"for the broadcast address", HEARD(1, "10.0.1.9", "10.0.1.255"), DROP__COUNT, false, false},
    {"for what another port reaches, without proxy-arp", HEARD(1, "10.0.1.9", "172.16.0.5"), DROP__COUNT, false, false},
    {"gratuitous request", HEARD(1, "10.0.1.9", "10.0.1.9"), DROP__COUNT, false, false},
    {"gratuitous reply", HEARD(2, "10.0.1.9", "10.0.1.9"), DROP__COUNT, false, false},
    {"a reply that nobody asked for", HEARD(2, "10.0.1.9", "10.0.1.1"), DROP__COUNT, false, false},
    {"our own, come back", HEARD(1, "10.0.1.9", "10.0.1.1", .sender_mac = our_mac), DROP__COUNT, false, false},
    {"sender of another network", HEARD(1, "10.0.9.9", "10.0.1.1"), DROP_ARP_SENDER, false, false},
    {"sender by a route without a gateway", HEARD(1, "10.0.8.8", "10.0.1.1"), DROP__COUNT, true, true},
    {"sender 127/8", HEARD(1, "127.0.0.1", "10.0.1.1"), DROP_ARP_SENDER, false, false},
    {"sender a group", HEARD(1, "224.0.0.1", "10.0.1.1"), DROP_ARP_SENDER, false, false},
    {"sender limited broadcast", HEARD(1, "255.255.255.255", "10.0.1.1"), DROP_ARP_SENDER, false, false},
    {"sender the subnet's broadcast", HEARD(1, "10.0.1.255", "10.0.1.1"), DROP_ARP_SENDER, false, false},
    {"sender the subnet itself", HEARD(1, "10.0.1.0", "10.0.1.1"), DROP_ARP_SENDER, false, false},
    {"reply from nobody", HEARD(2, "0.0.0.0", "10.0.1.1"), DROP_ARP_SENDER, false, false},
    {"sender MAC broadcast", HEARD(1, "10.0.1.9", "10.0.1.1", .sender_mac = broadcast), DROP_ARP_SENDER, false, false},
    {"sender MAC group", HEARD(1, "10.0.1.9", "10.0.1.1", .sender_mac = group_mac), DROP_ARP_SENDER, false, false},
    {"sender MAC zero", HEARD(1, "10.0.1.9", "10.0.1.1", .sender_mac = nobody), DROP_ARP_SENDER, false, false},
    {"one byte short", HEARD(1, "10.0.1.9", "10.0.1.1", .len = 41), DROP_ARP_MALFORMED, false, false},
    {"nothing but Ethernet", HEARD(1, "10.0.1.9", "10.0.1.1", .len = 14), DROP_ARP_MALFORMED, false, false},
    {"hardware type", HEARD(1, "10.0.1.9", "10.0.1.1", .hardware = 6), DROP_ARP_MALFORMED, false, false},
    {"protocol type", HEARD(1, "10.0.1.9", "10.0.1.1", .protocol = 0x86dd), DROP_ARP_MALFORMED, false, false},
    {"hardware length", HEARD(1, "10.0.1.9", "10.0.1.1", .hardware_len = 8), DROP_ARP_MALFORMED, false, false},
    {"protocol length", HEARD(1, "10.0.1.9", "10.0.1.1", .protocol_len = 16), DROP_ARP_MALFORMED, false, false},
    {"operation 0", HEARD(0, "10.0.1.9", "10.0.1.1"), DROP_ARP_MALFORMED, false, false},
    {"operation 3", HEARD(3, "10.0.1.9", "10.0.1.1"), DROP_ARP_MALFORMED, false, false},
};

static void check_matrix(void)
{
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        setup();
        enum drop why = hear(&rows[i].heard);
        bool right = why == rows[i].drop && (w.wire.n == 1) == rows[i].answered && (entries() == 1) == rows[i].learned;
        if (!right)
            fprintf(stderr, "%s: drop %d, sent %u, entries %u\n", rows[i].what, (int)why, w.wire.n, entries());
        CU_ASSERT_TRUE(right);
        if (rows[i].learned)
            CU_ASSERT_TRUE(knows(rows[i].heard.sender, host_mac));
        CU_ASSERT_EQUAL(w.arp.stats.in_malformed, rows[i].drop == DROP_ARP_MALFORMED);
        CU_ASSERT_EQUAL(w.arp.stats.in_bad_sender, rows[i].drop == DROP_ARP_SENDER);
        teardown();
    }
}

static void check_probe_reply(void)
{
    setup();
    hear(&(struct heard)HEARD(1, "0.0.0.0", "10.0.1.1"));
    CU_ASSERT_EQUAL_FATAL(w.wire.n, 1);
    CU_ASSERT_EQUAL(memcmp(w.wire.sent[0].bytes, host_mac, 6), 0);
    CU_ASSERT_EQUAL(load_be32(w.wire.sent[0].bytes + 28), addr_of("10.0.1.1"));
    CU_ASSERT_EQUAL(load_be32(w.wire.sent[0].bytes + 38), 0);
    teardown();
}

static void check_down(void)
{
    setup();
    w.port->up = false;
    CU_ASSERT_EQUAL(hear(&(struct heard)HEARD(1, "10.0.1.9", "10.0.1.1")), DROP_PORT_DOWN);
    arp_announce(&w.arp, w.port, w.now);
    arp_request(&w.arp, w.port, addr_of("10.0.1.9"), NULL, w.now);
    CU_ASSERT_EQUAL(w.wire.n, 0);
    w.port->up = true;
    w.port->loopback = true;
    arp_announce(&w.arp, w.port, w.now);
    CU_ASSERT_EQUAL(w.wire.n, 0);
    teardown();
}

static void check_proxy(void)
{
    setup();
    w.port->proxy_arp = true;
    hear(&(struct heard)HEARD(1, "10.0.1.9", "172.16.0.5"));
    CU_ASSERT_EQUAL_FATAL(w.wire.n, 1);
    CU_ASSERT_EQUAL(memcmp(w.wire.sent[0].bytes + 22, our_mac, 6), 0);
    CU_ASSERT_EQUAL(load_be32(w.wire.sent[0].bytes + 28), addr_of("172.16.0.5"));
    CU_ASSERT_TRUE(knows("10.0.1.9", host_mac));
    hear(&(struct heard)HEARD(1, "10.0.1.9", "172.16.0.6"));
    hear(&(struct heard)HEARD(1, "0.0.0.0", "172.16.0.5"));
    w.proxied = addr_of("10.0.1.77");
    hear(&(struct heard)HEARD(1, "10.0.1.9", "10.0.1.77"));
    CU_ASSERT_EQUAL(w.wire.n, 1);
    teardown();
}

/* ---- learning ---- */

static void output(const char *to)
{
    struct packet packet = frame_new(1, &(struct frame_spec){.dst = addr_of(to)});
    packet.nexthop = addr_of(to);
    neighbour_output(w.arp.neighbours, w.port, &packet, w.now);
    frame_free(&packet);
}

static void check_resolve(void)
{
    setup();
    output("10.0.2.0");
    CU_ASSERT_EQUAL_FATAL(w.wire.n, 1);
    const uint8_t want[60] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0, 0, 0, 1, 8,  6, 0, 1,
        8,    0,    6,    4,    0,    1,    2,  0, 0, 0, 0, 1, 10, 0, 2, 1, /* from the address of that subnet */
        0,    0,    0,    0,    0,    0,    10, 0, 2, 0,
    };
    CU_ASSERT_EQUAL(memcmp(w.wire.sent[0].bytes, want, 60), 0);
    CU_ASSERT_EQUAL(w.arp.stats.out_requests, 1);
    CU_ASSERT_EQUAL(
        hear(&(struct heard)HEARD(2, "10.0.2.0", "10.0.2.1", .ethernet_dst = our_mac, .target_mac = our_mac)),
        DROP__COUNT);
    CU_ASSERT_TRUE(knows("10.0.2.0", host_mac));
    CU_ASSERT_EQUAL(w.sent, 1);
    CU_ASSERT_EQUAL(w.arp.stats.in_replies, 1);
    CU_ASSERT_EQUAL(w.arp.stats.in_ignored, 0);
    teardown();
}

static void check_updates(void)
{
    const struct heard updates[] = {
        HEARD(1, "10.0.1.9", "10.0.1.9", .sender_mac = other_mac),
        HEARD(2, "10.0.1.9", "10.0.1.9", .sender_mac = other_mac),
        HEARD(1, "10.0.1.9", "10.0.1.77", .sender_mac = other_mac),
        HEARD(2, "10.0.1.9", "10.0.1.1", .sender_mac = other_mac),
    };
    for (unsigned i = 0; i < 4; i++) {
        setup();
        hear(&(struct heard)HEARD(1, "10.0.1.9", "10.0.1.1"));
        CU_ASSERT_TRUE(knows("10.0.1.9", host_mac));
        hear(&updates[i]);
        CU_ASSERT_TRUE(knows("10.0.1.9", other_mac));
        CU_ASSERT_EQUAL(w.wire.n, 1);
        CU_ASSERT_EQUAL(w.arp.stats.in_gratuitous, i < 2);
        teardown();
    }
}

static void check_probe_is_unicast(void)
{
    setup();
    arp_request(&w.arp, w.port, addr_of("10.0.1.9"), host_mac, w.now);
    CU_ASSERT_EQUAL_FATAL(w.wire.n, 1);
    CU_ASSERT_EQUAL(memcmp(w.wire.sent[0].bytes, host_mac, 6), 0);
    CU_ASSERT_EQUAL(load_be16(w.wire.sent[0].bytes + 20), 1);
    CU_ASSERT_EQUAL(memcmp(w.wire.sent[0].bytes + 32, nobody, 6), 0);
    teardown();
}

/* ---- conflicts and floods ---- */

static void check_conflict(void)
{
    setup();
    for (unsigned i = 0; i < 19; i++) {
        CU_ASSERT_EQUAL(hear(&(struct heard)HEARD(1 + i % 2, "10.0.1.1", i % 3 ? "10.0.1.1" : "10.0.1.9")),
                        DROP__COUNT);
        w.now.ns += NS_PER_S;
    }
    CU_ASSERT_EQUAL_FATAL(w.wire.n, 2); /* at 0 s and at 10 s */
    const uint8_t want[60] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,  0, 0, 0, 1, 8, 6, 0, 1, 8, 0,  6, 4, 0,
        1,    2,    0,    0,    0,    0,    1, 10, 0, 1, 1, 0, 0, 0, 0, 0, 0, 10, 0, 1, 1,
    };
    CU_ASSERT_EQUAL(memcmp(w.wire.sent[0].bytes, want, 60), 0);
    CU_ASSERT_EQUAL(memcmp(w.wire.sent[1].bytes, want, 60), 0);
    CU_ASSERT_EQUAL(entries(), 0);
    CU_ASSERT_EQUAL(w.arp.stats.conflicts, 19);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.text, "10.0.1.1 on r0 is also used by 02:00:00:00:00:99"));
    unsigned logs = w.logs;
    for (unsigned i = 0; i < 1000; i++)
        hear(&(struct heard)HEARD(1, "10.0.1.1", "10.0.1.1"));
    CU_ASSERT_TRUE(logs >= 1 && w.logs - logs <= 10);
    CU_ASSERT_EQUAL(w.wire.n, 2);
    teardown();
}

static void check_storm(void)
{
    setup();
    for (unsigned i = 0; i < 5000; i++)
        arp_request(&w.arp, w.port, addr_of("10.0.1.9"), NULL, w.now);
    unsigned first = w.wire.n;
    CU_ASSERT_TRUE(first >= 100 && first <= 300);
    CU_ASSERT_EQUAL(w.arp.stats.out_suppressed, 5000 - first);
    arp_request(&w.arp, w.port, addr_of("10.0.1.9"), host_mac, w.now);
    CU_ASSERT_EQUAL(w.wire.n, first + 1);
    for (unsigned ms = 0; ms < 2000; ms++) {
        w.now.ns += NS_PER_MS;
        for (unsigned i = 0; i < 5; i++)
            arp_request(&w.arp, w.port, addr_of("10.0.1.9"), NULL, w.now);
    }
    CU_ASSERT_TRUE(w.wire.n - first > 1900 && w.wire.n - first <= 2300);
    teardown();
}

static void check_announce(void)
{
    setup();
    arp_announce(&w.arp, w.port, w.now);
    CU_ASSERT_EQUAL_FATAL(w.wire.n, 2);
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *at = w.wire.sent[i].bytes;
        CU_ASSERT_EQUAL(memcmp(at, broadcast, 6), 0);
        CU_ASSERT_EQUAL(load_be16(at + 20), 1);
        CU_ASSERT_EQUAL(load_be32(at + 28), w.port->addresses[i].addr);
        CU_ASSERT_EQUAL(load_be32(at + 38), w.port->addresses[i].addr);
        CU_ASSERT_EQUAL(memcmp(at + 32, nobody, 6), 0);
    }
    CU_ASSERT_EQUAL(w.arp.stats.out_gratuitous, 2);
    teardown();
}

static const struct unit_case cases[] = {
    {"a request for our address is answered to the asker, byte for byte", check_reply_bytes},
    {"what must be answered, learned and dropped is, and nothing else", check_matrix},
    {"a probe without an address is answered by unicast", check_probe_reply},
    {"a port that is down, or a loopback, says and hears nothing", check_down},
    {"proxy ARP answers for other ports' addresses only, and never probes", check_proxy},
    {"our request comes from our address of that subnet, and its answer resolves", check_resolve},
    {"every valid packet updates a neighbour that is known", check_updates},
    {"a probe of ours is unicast", check_probe_is_unicast},
    {"a conflict is not learned, is logged, and is defended once in ten seconds", check_conflict},
    {"broadcast requests are limited, probes are not", check_storm},
    {"an announcement is a broadcast request with sender and target alike, for each address", check_announce},
};

UNIT_MAIN("arp", cases)
