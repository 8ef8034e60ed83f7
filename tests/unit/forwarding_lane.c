/* The whole fast lane: frames in, frames out, and every one of them accounted for. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/ethernet.h"
#include "forwarding/fib.h"
#include "forwarding/fragment.h"
#include "forwarding/lane.h"
#include "forwarding/neighbour.h"
#include "forwarding/own.h"
#include "forwarding/port.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

/* Port P has 10.0.P.1/24, MAC 02:..:P+1. Neighbour X of port P is known to have the MAC 04:P:the address, but nobody
 * answers for .250. Routes: 10.1P.0.0/16 by 10.0.P.2; 10.66/16 blackhole; 10.77/16 unreachable; 10.88/16 prohibit.
 * Port 2 has an MTU of 576. */
enum { PORTS = 3 };

/* A transmit that refuses the frames whose IP id is REFUSED_ID, and counts its calls. */
struct device {
    struct transmit transmit; /* first */
    struct wire wire;
    bool refuses;
    uint16_t refused_id;
    unsigned calls;
};

static struct router {
    struct tables tables;
    struct port *port[PORTS];
    struct own_table *own;
    struct device device;
    struct lane *lane;
    struct packet burst[LANE_BURST];
    unsigned n;
} r;

static const struct now start = {.ns = 1000 * NS_PER_S + 5};

const struct adjacency *neighbour_find(const struct neighbours *n, unsigned port, uint32_t addr)
{
    static struct adjacency table[PORTS][256];
    (void)n;
    if ((addr & 0xff) == 250 || addr >> 8 != (0x0a0000 | port))
        return NULL;
    struct adjacency *a = &table[port][addr & 0xff];
    *a = (struct adjacency){.addr = addr, .port = (uint16_t)port, .number = port * 256 + (addr & 0xff)};
    a->ethernet[0] = 4;
    a->ethernet[1] = (uint8_t)port;
    store_be32(a->ethernet + 2, addr);
    memcpy(a->ethernet + 6, r.port[port]->mac, MAC_LEN);
    store_be16(a->ethernet + 12, 0x0800);
    return a;
}

static unsigned device_send(struct transmit *self, unsigned port, struct packet *const packets[], unsigned n,
                            enum drop *why)
{
    struct device *device = (struct device *)self;
    unsigned good = 0;
    device->calls++;
    while (good < n && !(device->refuses && load_be16(packet_ip(packets[good]) + IP_AT_ID) == device->refused_id))
        good++;
    unsigned taken = device->wire.transmit.send(&device->wire.transmit, port, packets, good, why);
    if (taken == good && good < n)
        *why = DROP_TX_FAILED;
    return taken;
}

static void route(const char *to, enum fib_action action, const char *gateway, unsigned port)
{
    struct prefix prefix;
    struct nexthop hop = {.gateway = gateway != NULL ? addr_of(gateway) : 0, .port = (uint16_t)port};
    if (!prefix_parse(to, &prefix) || !fib_set(r.tables.fib, prefix, action, &hop, action == FIB_FORWARD))
        abort();
}

static void set_up(void)
{
    r = (struct router){.tables.flow_seed = 1};
    r.tables.fib = fib_new(&later_at_once);
    for (unsigned i = 0; i < PORTS; i++) {
        char text[32];
        struct port *port = port_new(1);
        port->number = (uint16_t)i;
        port->up = port->redirects = true;
        port->mtu = i == 2 ? 576 : 1500;
        memcpy(port->mac, (const uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(i + 1)}, MAC_LEN);
        port->addresses[0] = (struct prefix){.addr = 0x0a000001 + (i << 8), .len = 24};
        r.port[i] = port;
        r.tables.port[i] = port;
        snprintf(text, sizeof text, "10.0.%u.0/24", i);
        route(text, FIB_FORWARD, NULL, i);
        char gateway[32];
        snprintf(text, sizeof text, "10.1%u.0.0/16", i);
        snprintf(gateway, sizeof gateway, "10.0.%u.2", i);
        route(text, FIB_FORWARD, gateway, i);
    }
    route("10.66.0.0/16", FIB_BLACKHOLE, NULL, 0);
    route("10.77.0.0/16", FIB_UNREACHABLE, NULL, 0);
    route("10.88.0.0/16", FIB_PROHIBIT, NULL, 0);
    r.own = own_table_new((const struct port *const *)r.port, PORTS);
    r.tables.own = r.own;
    wire_init(&r.device.wire);
    r.device.transmit.send = device_send;
    r.lane = lane_new(0, &r.tables, &r.device.transmit);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r.lane);
}

static struct port_counters *counters(unsigned port)
{
    return &r.lane->counters->port[port];
}

static uint64_t dropped(unsigned port)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < DROP__COUNT; i++)
        n += counters(port)->drop[i];
    return n;
}

/* Everything that came in is accounted for, whatever the test was about. */
static void tear_down(void)
{
    uint64_t tx = 0;
    for (unsigned i = 0; i < PORTS; i++) {
        const struct port_counters *c = counters(i);
        CU_ASSERT_EQUAL(c->rx_packets, c->forwarded + c->punted + dropped(i));
        tx += c->tx_packets;
    }
    CU_ASSERT_EQUAL(tx, r.device.wire.n);
    lane_free(r.lane);
    fib_free(r.tables.fib);
    free(r.own);
    for (unsigned i = 0; i < PORTS; i++)
        free(r.port[i]);
    wire_clear(&r.device.wire);
}

static struct packet *add(unsigned port, struct packet packet)
{
    packet.port = (uint16_t)port;
    if (!ethernet_is_group(packet.frame))
        packet.frame[5] = (uint8_t)(port + 1);
    r.burst[r.n] = packet;
    return &r.burst[r.n++];
}

static struct packet *add_frame(unsigned port, const struct frame_spec *spec)
{
    return add(port, frame_new(port, spec));
}

static bool forward_at(struct now now)
{
    bool punted = lane_forward(r.lane, r.burst, r.n, now);
    for (unsigned i = 0; i < r.n; i++)
        frame_free(&r.burst[i]);
    r.n = 0;
    return punted;
}

static bool forward(void)
{
    return forward_at(start);
}

static const struct wire_frame *sent(unsigned i)
{
    return &r.device.wire.sent[i];
}

static uint16_t sent_id(unsigned i)
{
    return load_be16(sent(i)->bytes + ETHERNET_HEADER + IP_AT_ID);
}

#define FROM_0 .src = addr_of("10.0.0.9")

static void a_packet_is_forwarded_byte_by_byte(void)
{
    set_up();
    struct packet *packet = add_frame(
        0, &(struct frame_spec){FROM_0, .dst = addr_of("10.11.5.5"), .ttl = 9, .tos = 0xb8, .id = 77, .len = 100});
    uint8_t expected[ETHERNET_HEADER + 120];
    memcpy(expected, packet->frame, sizeof expected);
    memcpy(expected, (const uint8_t[]){4, 1, 10, 0, 1, 2, 2, 0, 0, 0, 0, 2, 8, 0}, ETHERNET_HEADER);
    uint8_t *ip = expected + ETHERNET_HEADER;
    ip[IP_AT_TTL] = 8;
    store_be16(ip + IP_AT_CHECKSUM, 0);
    store_be16(ip + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, ip, 20)));

    CU_ASSERT_FALSE(forward());
    CU_ASSERT_EQUAL_FATAL(r.device.wire.n, 1);
    CU_ASSERT_EQUAL(sent(0)->port, 1);
    CU_ASSERT_EQUAL_FATAL(sent(0)->len, sizeof expected);
    CU_ASSERT_EQUAL(memcmp(sent(0)->bytes, expected, sizeof expected), 0);

    CU_ASSERT_EQUAL(counters(0)->rx_packets, 1);
    CU_ASSERT_EQUAL(counters(0)->rx_bytes, sizeof expected);
    CU_ASSERT_EQUAL(counters(0)->forwarded, 1);
    CU_ASSERT_EQUAL(counters(1)->tx_packets, 1);
    CU_ASSERT_EQUAL(counters(1)->tx_bytes, sizeof expected);
    static const struct {
        enum ip_stat stat;
        uint64_t n;
    } stats[] = {{IP_IN_RECEIVES, 1},    {IP_IN_FORW_DATAGRAMS, 1}, {IP_OUT_FORW_DATAGRAMS, 1}, {IP_OUT_TRANSMITS, 1},
                 {IP_OUT_FRAG_REQDS, 0}, {IP_IN_DISCARDS, 0},       {IP_OUT_FRAG_CREATES, 0}};
    for (unsigned i = 0; i < sizeof stats / sizeof stats[0]; i++)
        CU_ASSERT_EQUAL(r.lane->counters->ip[stats[i].stat], stats[i].n);
    CU_ASSERT_EQUAL(r.lane->neighbour_used[256 + 2], 1000); /* in use in this second */
    CU_ASSERT_EQUAL(r.lane->neighbour_used[256 + 3], 0);
    tear_down();
}

static void padding_does_not_travel(void)
{
    set_up();
    struct packet small = frame_new(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.11.5.5"), .len = 9});
    uint8_t *block = calloc(1, 62);
    memcpy(block + 2, small.frame, small.len);
    frame_free(&small);
    add(0, (struct packet){.frame = block + 2, .len = 60, .wire_len = 60});
    forward();
    CU_ASSERT_EQUAL_FATAL(r.device.wire.n, 1);
    CU_ASSERT_EQUAL(sent(0)->len, ETHERNET_HEADER + 29);
    CU_ASSERT_EQUAL(counters(0)->rx_bytes, 60);
    CU_ASSERT_EQUAL(counters(1)->tx_bytes, ETHERNET_HEADER + 29);
    tear_down();
}

static void a_burst_keeps_its_order_at_each_port_and_costs_one_call_each(void)
{
    set_up();
    for (unsigned i = 0; i < LANE_BURST; i++)
        add_frame(
            0, &(struct frame_spec){FROM_0, .dst = addr_of(i % 3 != 0 ? "10.0.1.3" : "10.0.2.4"), .id = (uint16_t)i});
    forward();
    CU_ASSERT_EQUAL(r.device.wire.n, LANE_BURST);
    CU_ASSERT_EQUAL(r.device.calls, 2);
    int last[PORTS] = {-1, -1, -1};
    for (unsigned i = 0; i < r.device.wire.n; i++) {
        CU_ASSERT_EQUAL(sent(i)->port, sent_id(i) % 3 != 0 ? 1 : 2);
        CU_ASSERT_TRUE(sent_id(i) > last[sent(i)->port]);
        last[sent(i)->port] = sent_id(i);
    }
    tear_down();
}

static const struct fate {
    const char *what;
    struct frame_spec spec;
    const char *src, *dst;
    enum drop drop; /* DROP__COUNT: punted */
    enum punt punt;
} fates[] = {
    {"to us", {0}, "10.0.0.9", "10.0.1.1", DROP__COUNT, PUNT_LOCAL},
    {"unresolved neighbour", {0}, "10.0.0.9", "10.0.1.250", DROP__COUNT, PUNT_RESOLVE},
    {"TTL 1", {.ttl = 1}, "10.0.0.9", "10.0.1.3", DROP__COUNT, PUNT_TTL},
    {"no route", {0}, "10.0.0.9", "10.200.1.3", DROP__COUNT, PUNT_NO_ROUTE},
    {"blackhole", {0}, "10.0.0.9", "10.66.1.3", DROP_BLACKHOLE, PUNT__COUNT},
    {"unreachable", {0}, "10.0.0.9", "10.77.1.3", DROP__COUNT, PUNT_UNREACHABLE},
    {"prohibit", {0}, "10.0.0.9", "10.88.1.3", DROP__COUNT, PUNT_PROHIBITED},
    {"too big", {.len = 557, .fragment = IP_DF}, "10.0.0.9", "10.0.2.3", DROP__COUNT, PUNT_TOO_BIG},
    {"martian", {0}, "127.0.0.1", "10.0.1.3", DROP_MARTIAN_SOURCE, PUNT__COUNT},
    {"multicast", {0}, "10.0.0.9", "239.1.1.1", DROP_MULTICAST, PUNT__COUNT},
    {"beyond any offset",
     {.len = 1400, .fragment = IP_OFFSET},
     "10.0.0.9",
     "10.0.2.3",
     DROP_FRAGMENT_FAILED,
     PUNT__COUNT},
};

static void each_packet_that_does_not_go_has_its_one_reason(void)
{
    for (unsigned i = 0; i < sizeof fates / sizeof fates[0]; i++) {
        const struct fate *f = &fates[i];
        set_up();
        struct frame_spec spec = f->spec;
        spec.src = addr_of(f->src);
        spec.dst = addr_of(f->dst);
        const struct packet *packet = add_frame(0, &spec);
        uint32_t len = packet->len;
        uint8_t *before = malloc(len);
        memcpy(before, packet->frame, len);
        bool punted = forward();
        CU_ASSERT_EQUAL(punted, f->drop == DROP__COUNT);
        CU_ASSERT_EQUAL(counters(0)->punted, f->drop == DROP__COUNT);
        CU_ASSERT_EQUAL(r.device.wire.n, 0);
        struct packet out;
        if (f->drop != DROP__COUNT) {
            CU_ASSERT_EQUAL(counters(0)->drop[f->drop], 1);
        } else if (punt_get(&r.lane->punts, punt_class_of(f->punt), &out)) {
            CU_ASSERT_EQUAL(out.punt, f->punt);
            CU_ASSERT_EQUAL_FATAL(out.len, len);
            CU_ASSERT_EQUAL(memcmp(out.frame, before, len), 0);
            CU_ASSERT_EQUAL(out.ip.dst, addr_of(f->dst));
            if (f->punt == PUNT_TOO_BIG)
                CU_ASSERT_EQUAL(out.mtu, 576);
            if (f->punt == PUNT_RESOLVE)
                CU_ASSERT_TRUE(out.out_port == 1 && out.nexthop == addr_of(f->dst));
        } else {
            CU_FAIL(f->what);
        }
        free(before);
        tear_down();
    }
}

static void arp_in_a_lane_is_counted_and_dropped(void)
{
    set_up();
    struct packet *packet = add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.0.1")});
    store_be16(packet->frame + 12, 0x0806);
    forward();
    CU_ASSERT_EQUAL(counters(0)->drop[DROP_NOT_IP], 1);
    CU_ASSERT_EQUAL(r.lane->counters->ip[IP_IN_RECEIVES], 0);
    tear_down();
}

static void a_port_that_has_gone_takes_nothing(void)
{
    set_up();
    add_frame(1, &(struct frame_spec){.src = addr_of("10.0.1.9"), .dst = addr_of("10.0.0.3")});
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.1.3")});
    r.tables.port[1] = NULL;
    forward();
    CU_ASSERT_EQUAL(counters(0)->drop[DROP_PORT_DOWN], 1);
    CU_ASSERT_EQUAL(counters(1)->drop[DROP_PORT_DOWN], 1);
    tear_down();
}

static void a_flood_of_punts_is_bounded_and_counted(void)
{
    set_up();
    for (unsigned i = 0; i < 400; i++) {
        while (r.n < LANE_BURST)
            add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.1.3"), .ttl = 1});
        forward();
    }
    CU_ASSERT_TRUE(counters(0)->drop[DROP_PUNT_FULL] > 0);
    CU_ASSERT_EQUAL(counters(0)->punted, punt_stats(&r.lane->punts, PUNT_CLASS_ERROR).put);
    CU_ASSERT_EQUAL(counters(0)->rx_packets, 400 * LANE_BURST);
    tear_down();
}

static void a_large_packet_leaves_in_fragments_and_counts_once(void)
{
    set_up();
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.2.3"), .id = 1});
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.2.3"), .id = 2, .len = 1480});
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.2.3"), .id = 3});
    forward();
    CU_ASSERT_EQUAL_FATAL(r.device.wire.n, 5); /* 1480 = 552 + 552 + 376 */
    static const uint16_t ids[] = {1, 2, 2, 2, 3}, lens[] = {48, 572, 572, 396, 48};
    static const uint16_t fragments[] = {0, IP_MF, IP_MF | 69, 138, 0};
    for (unsigned i = 0; i < 5; i++) {
        struct ip ip;
        CU_ASSERT_EQUAL(ip_parse(sent(i)->bytes + ETHERNET_HEADER, sent(i)->len - ETHERNET_HEADER, &ip), DROP__COUNT);
        CU_ASSERT_EQUAL(ip.id, ids[i]);
        CU_ASSERT_EQUAL(ip.len, lens[i]);
        CU_ASSERT_EQUAL(ip.fragment, fragments[i]);
        CU_ASSERT_EQUAL(ip.ttl, 63);
        CU_ASSERT_EQUAL(sent(i)->bytes[0], 4); /* the neighbour's MAC */
    }
    CU_ASSERT_EQUAL(counters(0)->forwarded, 3);
    CU_ASSERT_EQUAL(counters(2)->tx_packets, 5);
    const uint64_t *ip = r.lane->counters->ip;
    CU_ASSERT_EQUAL(ip[IP_OUT_FRAG_REQDS], 1);
    CU_ASSERT_EQUAL(ip[IP_OUT_FRAG_OKS], 1);
    CU_ASSERT_EQUAL(ip[IP_OUT_FRAG_CREATES], 3);
    CU_ASSERT_EQUAL(ip[IP_OUT_TRANSMITS], 5);
    CU_ASSERT_EQUAL(ip[IP_OUT_FORW_DATAGRAMS], 3);
    tear_down();
}

/* Far more pieces than the lane's memory holds at once. */
static void the_largest_packets_leave_by_the_smallest_mtu(void)
{
    static uint8_t data[8][65535];
    set_up();
    r.port[1]->mtu = 68;
    r.port[2]->mtu = 20000;
    for (unsigned i = 0; i < 8; i++)
        add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of(i < 3 ? "10.0.1.3" : "10.0.2.3"), .id = (uint16_t)i,
                                          .len = 65515});
    for (unsigned i = 0; i < 8; i++)
        memcpy(data[i], packet_ip(&r.burst[i]) + 20, 65515);
    forward();
    static uint32_t at[8];
    bool right = true;
    memset(at, 0, sizeof at);
    for (unsigned i = 0; i < r.device.wire.n; i++) {
        struct ip ip;
        right = right &&
                ip_parse(sent(i)->bytes + ETHERNET_HEADER, sent(i)->len - ETHERNET_HEADER, &ip) == DROP__COUNT &&
                ip.len <= r.port[sent(i)->port]->mtu && ip.id < 8 && ip_offset(&ip) == at[ip.id] &&
                memcmp(sent(i)->bytes + ETHERNET_HEADER + 20, data[ip.id] + at[ip.id], ip.len - 20u) == 0;
        if (!right)
            break;
        at[ip.id] += ip.len - 20u;
    }
    CU_ASSERT_TRUE(right);
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(at[i], 65515);
    CU_ASSERT_EQUAL(counters(0)->forwarded, 8);
    tear_down();
}

static struct packet gso_packet(const char *dst, uint16_t fragment, unsigned len)
{
    static uint8_t tcp[65515];
    memset(tcp, 5, sizeof tcp);
    tcp[12] = 0x50;
    store_be32(tcp + 4, 1000);
    struct packet packet = frame_new(0, &(struct frame_spec){FROM_0, .dst = addr_of(dst), .protocol = PROTO_TCP,
                                                             .fragment = fragment, .data = tcp, .len = 20 + len});
    uint8_t *at = packet_ip(&packet) + 20;
    store_be16(at + 16, checksum_fold(checksum_pseudo(0, addr_of("10.0.0.9"), addr_of(dst), PROTO_TCP, 20 + len)));
    packet.vnet = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                          .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
                                          .hdr_len = 54,
                                          .gso_size = 1460,
                                          .csum_start = 34,
                                          .csum_offset = 16};
    return packet;
}

static void a_gso_packet_whose_segments_fit_leaves_whole(void)
{
    set_up();
    struct packet packet = gso_packet("10.0.1.3", IP_DF, 40 * 1460);
    uint8_t *data = malloc(packet.len);
    memcpy(data, packet.frame, packet.len);
    add(0, packet);
    forward();
    CU_ASSERT_EQUAL_FATAL(r.device.wire.n, 1);
    CU_ASSERT_EQUAL(sent(0)->len, packet.len);
    CU_ASSERT_EQUAL(sent(0)->vnet.gso_size, 1460);
    CU_ASSERT_EQUAL(sent(0)->vnet.csum_start, 34);
    CU_ASSERT_TRUE((sent(0)->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0);
    CU_ASSERT_EQUAL(memcmp(sent(0)->bytes + 34, data + 34, packet.len - 34), 0);
    CU_ASSERT_EQUAL(counters(1)->tx_packets, 1);
    free(data);
    tear_down();
}

static void a_gso_packet_whose_segments_do_not_fit_asks_for_smaller_ones(void)
{
    set_up();
    add(0, gso_packet("10.0.2.3", IP_DF, 40 * 1460));
    CU_ASSERT_TRUE(forward());
    struct packet out;
    CU_ASSERT_TRUE_FATAL(punt_get(&r.lane->punts, PUNT_CLASS_ERROR, &out));
    CU_ASSERT_EQUAL(out.punt, PUNT_TOO_BIG);
    CU_ASSERT_EQUAL(out.mtu, 576);
    CU_ASSERT_EQUAL(out.len, PUNT_QUOTE);
    CU_ASSERT_EQUAL(out.ip.len, 40 + 40 * 1460);
    tear_down();
}

static void without_dont_fragment_its_segments_are_fragmented(void)
{
    set_up();
    add(0, gso_packet("10.0.2.3", 0, 40 * 1460));
    forward();
    /* 40 segments of 1480 bytes of IP data, each 552 + 552 + 376 */
    CU_ASSERT_EQUAL_FATAL(r.device.wire.n, 120);
    bool right = true;
    for (unsigned i = 0; i < 120; i++) {
        struct ip ip;
        const uint8_t *at = sent(i)->bytes + ETHERNET_HEADER;
        right = right && ip_parse(at, sent(i)->len - ETHERNET_HEADER, &ip) == DROP__COUNT && ip.id == i / 3 &&
                ip.len == (i % 3 == 2 ? 396 : 572) && ip_offset(&ip) == i % 3 * 552 && sent(i)->vnet.gso_type == 0 &&
                (i % 3 != 0 || load_be32(at + 24) == 1000 + i / 3 * 1460);
        /* The transport checksum runs over all three. */
        if (i % 3 != 0)
            continue;
        uint32_t sum = checksum_pseudo(0, ip.src, ip.dst, PROTO_TCP, 1480);
        for (unsigned j = i; j < i + 3; j++)
            sum = checksum_add(sum, sent(j)->bytes + 34, sent(j)->len - 34);
        right = right && checksum_fold(sum) == 0xffff;
    }
    CU_ASSERT_TRUE(right);
    CU_ASSERT_EQUAL(counters(0)->forwarded, 1);
    CU_ASSERT_EQUAL(counters(2)->tx_packets, 120);
    CU_ASSERT_EQUAL(r.lane->counters->ip[IP_OUT_FRAG_REQDS], 40);
    CU_ASSERT_EQUAL(r.lane->counters->ip[IP_OUT_FRAG_CREATES], 120);
    tear_down();
}

/* 1 + 42 * 3 + 1 frames fill the list of those to send; one more has to wait its turn. */
static void a_list_of_frames_that_is_just_full_loses_nothing(void)
{
    set_up();
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.2.3"), .id = 500});
    add(0, gso_packet("10.0.2.3", 0, 42 * 1460 + 100));
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.2.3"), .id = 501});
    forward();
    CU_ASSERT_EQUAL_FATAL(r.device.wire.n, 129);
    CU_ASSERT_EQUAL(sent_id(0), 500);
    CU_ASSERT_EQUAL(sent_id(127), 42);
    CU_ASSERT_EQUAL(sent_id(128), 501);
    CU_ASSERT_EQUAL(counters(0)->forwarded, 3);
    CU_ASSERT_EQUAL(r.lane->counters->ip[IP_OUT_FRAG_REQDS], 42); /* the last segment fits */
    tear_down();
}

static void an_unfinished_checksum_is_finished_before_cutting(void)
{
    set_up();
    struct packet *packet = add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.2.3"), .len = 1000});
    uint8_t *udp = packet_ip(packet) + 20;
    store_be16(udp + 6, checksum_fold(checksum_pseudo(0, addr_of("10.0.0.9"), addr_of("10.0.2.3"), PROTO_UDP, 1000)));
    packet->vnet = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    forward();
    CU_ASSERT_EQUAL_FATAL(r.device.wire.n, 2);
    uint32_t sum = checksum_pseudo(0, addr_of("10.0.0.9"), addr_of("10.0.2.3"), PROTO_UDP, 1000);
    for (unsigned i = 0; i < 2; i++) {
        sum = checksum_add(sum, sent(i)->bytes + 34, sent(i)->len - 34);
        CU_ASSERT_EQUAL(sent(i)->vnet.flags, 0);
    }
    CU_ASSERT_EQUAL(checksum_fold(sum), 0xffff);
    tear_down();
}

static void a_full_device_is_not_asked_for_each_packet(void)
{
    set_up();
    r.device.wire.full = true;
    while (r.n < LANE_BURST)
        add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.1.3")});
    forward();
    CU_ASSERT_EQUAL(counters(0)->drop[DROP_TX_FULL], LANE_BURST);
    CU_ASSERT_EQUAL(counters(0)->forwarded, 0);
    CU_ASSERT_EQUAL(counters(1)->tx_drops, LANE_BURST);
    CU_ASSERT_EQUAL(counters(1)->tx_packets, 0);
    CU_ASSERT_EQUAL(r.lane->counters->ip[IP_OUT_TRANSMITS], 0);
    CU_ASSERT_TRUE(r.device.calls < 16);
    tear_down();
}

static void a_refused_frame_does_not_hold_up_the_others(void)
{
    set_up();
    r.device.refuses = true;
    r.device.refused_id = 3;
    for (unsigned i = 0; i < 8; i++)
        add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.1.3"), .id = (uint16_t)i});
    forward();
    CU_ASSERT_EQUAL_FATAL(r.device.wire.n, 7);
    CU_ASSERT_EQUAL(sent_id(2), 2);
    CU_ASSERT_EQUAL(sent_id(3), 4);
    CU_ASSERT_EQUAL(counters(0)->forwarded, 7);
    CU_ASSERT_EQUAL(counters(0)->drop[DROP_TX_FAILED], 1);
    CU_ASSERT_EQUAL(counters(1)->tx_errors, 1);
    tear_down();
}

static void a_packet_that_lost_a_piece_counts_as_lost_once(void)
{
    set_up();
    r.device.refuses = true;
    r.device.refused_id = 5;
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.2.3"), .id = 5, .len = 1480});
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.0.2.3"), .id = 6, .len = 1480});
    forward();
    CU_ASSERT_EQUAL(r.device.wire.n, 3);
    CU_ASSERT_EQUAL(counters(0)->forwarded, 1);
    CU_ASSERT_EQUAL(counters(0)->drop[DROP_TX_FAILED], 1);
    CU_ASSERT_EQUAL(counters(2)->tx_errors, 3);
    CU_ASSERT_EQUAL(counters(2)->tx_packets, 3);
    tear_down();
}

static void the_core_sees_copies_for_redirects_as_they_came_in(void)
{
    set_up();
    struct packet *packet = add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.10.5.5"), .len = 64});
    uint32_t len = packet->len;
    uint8_t before[200];
    memcpy(before, packet->frame, len);
    CU_ASSERT_TRUE(forward());
    CU_ASSERT_EQUAL(r.device.wire.n, 1); /* and it was forwarded all the same */
    CU_ASSERT_EQUAL(counters(0)->forwarded, 1);
    CU_ASSERT_EQUAL(counters(0)->punted, 0);
    struct packet out;
    CU_ASSERT_TRUE_FATAL(punt_get(&r.lane->punts, PUNT_CLASS_ERROR, &out));
    CU_ASSERT_EQUAL(out.punt, PUNT_REDIRECT);
    CU_ASSERT_EQUAL(out.nexthop, addr_of("10.0.0.2"));
    CU_ASSERT_EQUAL(out.len, len);
    CU_ASSERT_EQUAL(memcmp(out.frame, before, len), 0);
    punt_done(&r.lane->punts, PUNT_CLASS_ERROR);

    /* A flood of them is bounded: 20 at once, then 100 a second. */
    for (unsigned i = 0; i < 10; i++) {
        while (r.n < LANE_BURST)
            add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.10.5.5")});
        forward();
    }
    CU_ASSERT_EQUAL(punt_stats(&r.lane->punts, PUNT_CLASS_ERROR).put, 20);
    while (r.n < LANE_BURST)
        add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.10.5.5")});
    forward_at((struct now){.ns = start.ns + NS_PER_S / 10});
    CU_ASSERT_EQUAL(punt_stats(&r.lane->punts, PUNT_CLASS_ERROR).put, 30);
    CU_ASSERT_EQUAL(counters(0)->forwarded, 1 + 11 * LANE_BURST);

    r.port[0]->redirects = false;
    add_frame(0, &(struct frame_spec){FROM_0, .dst = addr_of("10.10.5.5")});
    CU_ASSERT_FALSE(forward_at((struct now){.ns = start.ns + 9 * NS_PER_S}));
    tear_down();
}

static uint32_t random_state = 4711;

static uint32_t below(uint32_t n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)random_state * n) >> 32);
}

static struct virtio_net_hdr any_description(void)
{
    struct virtio_net_hdr vnet = {.flags = (uint8_t)below(2), .gso_type = (uint8_t)below(2), .csum_start = 34};
    vnet.csum_offset = below(2) ? 16 : 6;
    vnet.hdr_len = (uint16_t)below(100);
    vnet.gso_size = (uint16_t)below(1500);
    if (below(4) == 0)
        vnet.gso_type = (uint8_t)below(256);
    if (below(4) == 0)
        vnet.csum_start = (uint16_t)below(2100);
    if (below(4) == 0)
        vnet.csum_offset = (uint16_t)below(2100);
    return vnet;
}

/* A wrong header whose checksum is right, so that it comes further. */
static void spoil_header(struct packet *packet)
{
    uint8_t *ip = packet_ip(packet);
    unsigned at = below(IP_HEADER_MIN);
    ip[at] = (uint8_t)below(256);
    unsigned header = (ip[0] & 15) * 4u;
    store_be16(ip + IP_AT_CHECKSUM, 0);
    if (header <= packet->len - ETHERNET_HEADER)
        store_be16(ip + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, ip, header)));
}

static void add_noise(void)
{
    static const char *const dsts[] = {"10.0.1.3",  "10.0.2.3",   "10.0.1.250", "10.0.0.1",        "10.66.0.1",
                                       "10.77.0.1", "10.200.0.1", "224.0.0.1",  "255.255.255.255", "10.10.5.5"};
    unsigned port = below(PORTS);
    struct packet *packet = add_frame(port, &(struct frame_spec){.src = 0x0a000009 | port << 8,
                                                                 .dst = addr_of(dsts[below(10)]),
                                                                 .protocol = below(2) ? PROTO_TCP : PROTO_UDP,
                                                                 .ttl = (uint8_t)(1 + below(255)),
                                                                 .len = 1 + below(2000),
                                                                 .fragment = below(3) ? 0 : IP_DF});
    if (below(3) == 0)
        packet->vnet = any_description();
    if (below(4) == 0)
        spoil_header(packet);
    if (below(4) == 0) {
        uint8_t *at = packet->frame + below(packet->len);
        *at ^= (uint8_t)(1 << below(8));
    }
    if (below(10) == 0)
        packet->len = packet->wire_len = below(packet->len);
}

/* What counts is that each frame is accounted for (tear_down), and that no byte is touched that is not the packet's
 * (the sanitizer). */
static void noise_is_accounted_for(void)
{
    set_up();
    for (unsigned round = 0; round < 1500; round++) {
        while (r.n < LANE_BURST)
            add_noise();
        r.device.wire.full = below(10) == 0;
        forward_at((struct now){.ns = start.ns + round * NS_PER_MS});
        struct packet out;
        for (unsigned class = 0; class < PUNT_CLASS__COUNT; class ++)
            while (below(50) != 0 && punt_get(&r.lane->punts, class, &out))
                punt_done(&r.lane->punts, class);
    }
    for (unsigned i = 0; i < PORTS; i++)
        CU_ASSERT_TRUE(counters(i)->forwarded > 0 && counters(i)->punted > 0 && dropped(i) > 0);
    tear_down();
}

static const struct unit_case all[] = {
    {"a packet is forwarded byte by byte", a_packet_is_forwarded_byte_by_byte},
    {"padding does not travel", padding_does_not_travel},
    {"a burst keeps its order at each port and costs one call each",
     a_burst_keeps_its_order_at_each_port_and_costs_one_call_each},
    {"each packet that does not go has its one reason", each_packet_that_does_not_go_has_its_one_reason},
    {"ARP in a lane is counted and dropped", arp_in_a_lane_is_counted_and_dropped},
    {"a port that has gone takes nothing", a_port_that_has_gone_takes_nothing},
    {"a flood of punts is bounded and counted", a_flood_of_punts_is_bounded_and_counted},
    {"a large packet leaves in fragments and counts once", a_large_packet_leaves_in_fragments_and_counts_once},
    {"the largest packets leave by the smallest MTU", the_largest_packets_leave_by_the_smallest_mtu},
    {"a GSO packet whose segments fit leaves whole", a_gso_packet_whose_segments_fit_leaves_whole},
    {"a GSO packet whose segments do not fit asks for smaller ones",
     a_gso_packet_whose_segments_do_not_fit_asks_for_smaller_ones},
    {"without don't-fragment its segments are fragmented", without_dont_fragment_its_segments_are_fragmented},
    {"a list of frames that is just full loses nothing", a_list_of_frames_that_is_just_full_loses_nothing},
    {"an unfinished checksum is finished before cutting", an_unfinished_checksum_is_finished_before_cutting},
    {"a full device is not asked for each packet", a_full_device_is_not_asked_for_each_packet},
    {"a refused frame does not hold up the others", a_refused_frame_does_not_hold_up_the_others},
    {"a packet that lost a piece counts as lost once", a_packet_that_lost_a_piece_counts_as_lost_once},
    {"the core sees copies for redirects as they came in", the_core_sees_copies_for_redirects_as_they_came_in},
    {"noise is accounted for", noise_is_accounted_for},
};
UNIT_MAIN("lane", all)
