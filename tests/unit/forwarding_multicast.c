/* Multicast packets through a whole router: which copies leave, what they look like, and what is counted. */
#include "forwarding/fragment.h"
#include "forwarding/multicast.h"
#include "tests/unit/support/streams.h"

static struct streams s;

#define PORT(n) (UINT64_C(1) << (n))

/* ---- copies ---- */

static void expect_copy(const struct wire_frame *sent, const uint8_t *original, uint32_t len, unsigned port)
{
    static const uint8_t group_mac[] = {1, 0, 0x5e, 1, 1, 5}; /* of 239.129.1.5: 23 bits */
    const uint8_t port_mac[] = {2, 0, 0, 0, 0, (uint8_t)(port + 1)};
    struct ip ip;
    CU_ASSERT_EQUAL(sent->port, port);
    CU_ASSERT_EQUAL_FATAL(sent->len, len);
    CU_ASSERT_EQUAL(memcmp(sent->bytes, group_mac, 6), 0);
    CU_ASSERT_EQUAL(memcmp(sent->bytes + 6, port_mac, 6), 0);
    CU_ASSERT_EQUAL(load_be16(sent->bytes + 12), 0x0800);
    CU_ASSERT_EQUAL(ip_parse(sent->bytes + ETHERNET_HEADER, len - ETHERNET_HEADER, &ip), DROP__COUNT);
    CU_ASSERT_EQUAL(ip.ttl, 8);
    CU_ASSERT_EQUAL(memcmp(sent->bytes + ETHERNET_HEADER, original + ETHERNET_HEADER, IP_AT_TTL), 0);
    CU_ASSERT_EQUAL(memcmp(sent->bytes + ETHERNET_HEADER + IP_AT_SRC, original + ETHERNET_HEADER + IP_AT_SRC,
                           len - ETHERNET_HEADER - IP_AT_SRC),
                    0);
}

static void the_first_packet_is_sent_and_the_next_one_needs_no_core(void)
{
    streams_begin(&s);
    uint32_t group = 0xef810105;                          /* 239.129.1.5 */
    s.wanted[5] = PORT(0) | PORT(1) | PORT(3) | PORT(60); /* not back by 0, and there is no 60 */
    struct frame_spec spec = {.src = IN_0(7), .dst = group, .ttl = 9, .len = 100, .tos = 0xb8, .id = 3};
    struct packet original = streams_frame(0, spec);
    for (unsigned round = 0; round < 2; round++) {
        const struct wire *wire = round == 0 ? &s.core.wire : &s.lane.wire;
        streams_forget(&s);
        streams_give(&s, 0, spec);
        CU_ASSERT_EQUAL_FATAL(wire->n, 2);
        CU_ASSERT_EQUAL(s.lane.wire.n + s.core.wire.n, 2);
        expect_copy(&wire->sent[0], original.frame, original.len, 1);
        expect_copy(&wire->sent[1], original.frame, original.len, 3);
    }
    struct port_counters c = streams_counters(&s, 0);
    CU_ASSERT_EQUAL(c.rx_packets, 2);
    CU_ASSERT_EQUAL(c.forwarded, 2); /* once, however many copies */
    CU_ASSERT_EQUAL(c.punted, 1);
    CU_ASSERT_EQUAL(streams_counters(&s, 1).tx_packets, 2);
    CU_ASSERT_EQUAL(streams_counters(&s, 3).tx_bytes, 2 * original.len);
    CU_ASSERT_EQUAL(dataplane_ip_stat(s.d, IP_IN_FORW_DATAGRAMS), 2);
    CU_ASSERT_EQUAL(dataplane_ip_stat(s.d, IP_OUT_FORW_DATAGRAMS), 2);
    CU_ASSERT_EQUAL(dataplane_ip_stat(s.d, IP_OUT_TRANSMITS), 4);
    struct multicast_view view = streams_look(&s, IN_0(7), group);
    CU_ASSERT_EQUAL(view.in, 0);
    CU_ASSERT_EQUAL(view.upstream, IN_0(7));
    CU_ASSERT_EQUAL(view.why, DROP__COUNT);
    CU_ASSERT_EQUAL(view.n_out, 2);
    CU_ASSERT_EQUAL(view.out.word[0], PORT(1) | PORT(3));
    CU_ASSERT_EQUAL(view.packets, 2);
    CU_ASSERT_EQUAL(view.bytes, 2 * 120);
    frame_free(&original);
    streams_end(&s);
}

static void a_burst_keeps_its_order_and_costs_one_call_a_port(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(2);
    s.wanted[2] = PORT(2) | PORT(3);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    streams_start(&s, 0, IN_0(7), GROUP + 2);
    struct packet burst[LANE_BURST];
    for (unsigned i = 0; i < LANE_BURST; i++)
        burst[i] = streams_frame(
            0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1 + i % 2, .id = (uint16_t)i, .len = 28 + i});
    streams_burst(&s, burst, LANE_BURST);
    CU_ASSERT_EQUAL(s.lane.calls, 3);
    CU_ASSERT_EQUAL(s.lane.wire.n, 2 * LANE_BURST);
    int last[STREAM_PORTS] = {-1, -1, -1, -1, -1, -1};
    for (unsigned i = 0; i < s.lane.wire.n; i++) {
        const struct wire_frame *sent = &s.lane.wire.sent[i];
        int id = load_be16(sent->bytes + ETHERNET_HEADER + IP_AT_ID);
        CU_ASSERT_TRUE(id > last[sent->port]);
        last[sent->port] = id;
        CU_ASSERT_EQUAL(sent->bytes[11], sent->port + 1); /* each has its own port's address */
        CU_ASSERT_EQUAL(sent->len, 62u + (unsigned)id);
        CU_ASSERT_TRUE(sent->port == 2 || sent->port == (id % 2 == 0 ? 1u : 3u));
    }
    streams_end(&s);
}

/* What the core has not sent yet must not be overtaken by what the lane could send itself. */
static void a_stream_keeps_its_order_from_its_first_packet_on(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1);
    uint16_t id = 0;
    for (unsigned round = 0; round < 20; round++) {
        struct packet burst[LANE_BURST];
        for (unsigned i = 0; i < LANE_BURST; i++)
            burst[i] = streams_frame(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .id = id++});
        streams_burst(&s, burst, LANE_BURST);
        if (round < 3) { /* the core is slow */
            CU_ASSERT_TRUE(dataplane_drain(s.d, 10, s.now));
            CU_ASSERT_EQUAL(s.lane.wire.n, 0);
        } else {
            streams_run(&s);
        }
    }
    CU_ASSERT_EQUAL(s.core.wire.n, 4 * LANE_BURST);
    CU_ASSERT_EQUAL(s.lane.wire.n, 16 * LANE_BURST);
    for (unsigned i = 0; i < 20 * LANE_BURST; i++) {
        const struct wire_frame *sent = i < s.core.wire.n ? &s.core.wire.sent[i] : &s.lane.wire.sent[i - s.core.wire.n];
        CU_ASSERT_EQUAL(load_be16(sent->bytes + ETHERNET_HEADER + IP_AT_ID), i);
    }
    streams_end(&s);
}

/* A lane that keeps punting, be it other streams, must not keep one from it for ever. */
static void a_flood_delays_a_new_stream_only_so_long(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1);
    uint32_t src = 0x0a0a0000;
    streams_give(&s, 0, (struct frame_spec){.src = src++, .dst = GROUP + 2});
    for (unsigned round = 0; round < 100; round++) {
        struct packet burst[LANE_BURST];
        for (unsigned i = 0; i < LANE_BURST; i++)
            burst[i] =
                streams_frame(0, (struct frame_spec){.src = i > 0 ? src++ : IN_0(7), .dst = GROUP + 1 + (i > 0)});
        streams_burst(&s, burst, LANE_BURST);
        dataplane_drain(s.d, LANE_BURST / 2, s.now); /* more comes than goes */
    }
    CU_ASSERT_TRUE(s.lane.wire.n > 50);
    streams_run(&s);
    streams_end(&s);
}

static void unicast_and_multicast_share_a_burst(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    const uint8_t host[MAC_LEN] = {2, 0, 0, 0, 0, 0x99}, ours[MAC_LEN] = {2, 0, 0, 0, 0, 1};
    CU_ASSERT_TRUE(neighbour_set_static(s.d->neighbours, dataplane_port(s.d, 1), 0x0a000105, host, s.now));
    struct packet burst[4];
    for (unsigned i = 0; i < 4; i += 2) {
        burst[i] = streams_frame(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
        burst[i + 1] = frame_new(0, &(struct frame_spec){.src = IN_0(7), .dst = 0x0a000105, .dst_mac = ours});
    }
    streams_burst(&s, burst, 4);
    CU_ASSERT_EQUAL(s.lane.wire.n, 4);
    CU_ASSERT_EQUAL(streams_counters(&s, 0).forwarded, 1 + 4);
    streams_end(&s);
}

static void thirty_ports_get_a_copy_each(void)
{
    enum { MANY = 30 };
    streams_begin_with(&s, &later_at_once, MANY);
    s.wanted[1] = UINT64_MAX;
    streams_start(&s, 3, 0x0a000307, GROUP + 1);
    streams_give(&s, 3, (struct frame_spec){.src = 0x0a000307, .dst = GROUP + 1});
    CU_ASSERT_EQUAL(s.lane.wire.n, MANY - 1);
    CU_ASSERT_EQUAL(streams_ports(&s.lane.wire), ((UINT64_C(1) << MANY) - 1) & ~PORT(3));
    struct explanation why;
    struct packet packet = streams_frame(3, (struct frame_spec){.src = 0x0a000307, .dst = GROUP + 1});
    explain(s.d, &packet, packet.len, false, s.now, &why);
    CU_ASSERT_EQUAL(why.end, EXPLAIN_FORWARDED);
    CU_ASSERT_EQUAL(why.out_port, 0);
    CU_ASSERT_EQUAL(why.step[why.n - 1].kind, EXPLAIN_COPY);
    CU_ASSERT_EQUAL(why.step[why.n - 1].n, MANY - 1 - 16); /* said of one by one are but so many */
    CU_ASSERT_TRUE(why.n < EXPLAIN_STEPS);
    frame_free(&packet);
    streams_end(&s);
}

/* ---- what is not forwarded ---- */

/* By the core for the first packet, by the lane for the second. Neither sends a word about it. */
static void expect_dropped(unsigned port, struct frame_spec spec, enum drop why)
{
    for (unsigned round = 0; round < 2; round++) {
        uint64_t before = streams_drops(&s, port, why);
        struct packet packet = streams_frame(port, spec);
        struct explanation says;
        explain(s.d, &packet, packet.len, false, s.now, &says);
        frame_free(&packet);
        CU_ASSERT_EQUAL(says.end, EXPLAIN_DROPPED);
        CU_ASSERT_EQUAL(says.drop, why);
        streams_give(&s, port, spec);
        CU_ASSERT_EQUAL(streams_drops(&s, port, why), before + 1);
        CU_ASSERT_EQUAL(s.lane.wire.n + s.core.wire.n, 0);
    }
}

static void what_comes_by_the_wrong_port_is_dropped_and_counted(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(2) | PORT(3);
    expect_dropped(2, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1}, DROP_MULTICAST_PORT);
    struct multicast_view view = streams_look(&s, IN_0(7), GROUP + 1);
    CU_ASSERT_EQUAL(view.wrong_port, 2);
    CU_ASSERT_EQUAL(view.packets, 0);
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
    CU_ASSERT_EQUAL(s.lane.wire.n, 3);
    streams_forget(&s);
    /* behind a gateway: by that one's port */
    expect_dropped(2, (struct frame_spec){.src = 0x0a0d0101, .dst = GROUP + 1}, DROP_MULTICAST_PORT);
    CU_ASSERT_EQUAL(streams_look(&s, 0x0a0d0101, GROUP + 1).in, 3);
    CU_ASSERT_EQUAL(streams_look(&s, 0x0a0d0101, GROUP + 1).upstream, 0x0a000309);
    /* nowhere */
    expect_dropped(2, (struct frame_spec){.src = 0xc0000201, .dst = GROUP + 1}, DROP_MULTICAST_PORT);
    CU_ASSERT_EQUAL(streams_look(&s, 0xc0000201, GROUP + 1).in, PORT_NONE);
    CU_ASSERT_EQUAL(streams_counters(&s, 2).punted, 3);
    streams_end(&s);
}

static void what_nobody_wants_costs_the_core_one_look(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(0); /* where it comes from */
    expect_dropped(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1}, DROP_MULTICAST_UNWANTED);
    for (unsigned i = 0; i < 100; i++)
        streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
    CU_ASSERT_EQUAL(streams_counters(&s, 0).punted, 1);
    struct multicast_view view = streams_look(&s, IN_0(7), GROUP + 1);
    CU_ASSERT_EQUAL(view.why, DROP_MULTICAST_UNWANTED);
    CU_ASSERT_EQUAL(view.packets, 102);
    CU_ASSERT_EQUAL(multicast_summary(s.d).unwanted, 1);
    streams_end(&s);
}

static void a_time_to_live_must_be_above_the_threshold_of_the_port(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(2) | PORT(3);
    CU_ASSERT_TRUE(multicast_set_port(s.d, 2, &(struct multicast_port){.ttl_threshold = 16}, s.now));
    expect_dropped(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .ttl = 1}, DROP_MULTICAST_TTL);
    expect_dropped(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .ttl_zero = true}, DROP_MULTICAST_TTL);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).low_ttl, 4);
    static const struct {
        uint8_t ttl;
        uint64_t ports;
    } cases[] = {{2, PORT(1) | PORT(3)}, {16, PORT(1) | PORT(3)}, {17, PORT(1) | PORT(2) | PORT(3)}};
    for (unsigned i = 0; i < 3; i++) {
        streams_forget(&s);
        streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .ttl = cases[i].ttl});
        CU_ASSERT_EQUAL(streams_ports(&s.lane.wire), cases[i].ports);
    }
    /* the same when the core forwards it */
    streams_forget(&s);
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(8), .dst = GROUP + 1, .ttl = 16});
    CU_ASSERT_EQUAL(streams_ports(&s.core.wire), PORT(1) | PORT(3));
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).lost, 0); /* a threshold takes nothing away that should go */
    streams_end(&s);
}

static void a_boundary_holds_in_both_directions(void)
{
    streams_begin(&s);
    const struct prefix scoped[] = {{0xefff0000, 16}, {0xef010100, 24}};
    s.wanted[1] = PORT(1) | PORT(2);
    s.wanted[2] = PORT(2);
    CU_ASSERT_TRUE(
        multicast_set_port(s.d, 2, &(struct multicast_port){.n_boundaries = 2, .boundaries = scoped}, s.now));
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
    CU_ASSERT_EQUAL(streams_ports(&s.core.wire), PORT(1));
    streams_forget(&s);
    expect_dropped(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 2}, DROP_MULTICAST_BOUNDARY);
    expect_dropped(2, (struct frame_spec){.src = 0x0a000207, .dst = GROUP + 1}, DROP_MULTICAST_BOUNDARY);
    streams_give(&s, 2, (struct frame_spec){.src = 0x0a000207, .dst = GROUP + 0x101}); /* another group */
    CU_ASSERT_EQUAL(streams_ports(&s.core.wire), PORT(1));
    streams_forget(&s);
    CU_ASSERT_TRUE(multicast_set_port(s.d, 2, NULL, s.now));
    streams_give(&s, 2, (struct frame_spec){.src = 0x0a000207, .dst = GROUP + 1});
    CU_ASSERT_EQUAL(streams_ports(&s.lane.wire), PORT(1));
    streams_end(&s);
}

static void what_belongs_to_its_link_makes_no_entry(void)
{
    streams_begin(&s);
    memset(s.wanted, 0xff, sizeof s.wanted);
    expect_dropped(0, (struct frame_spec){.src = IN_0(7), .dst = 0xe00000fb}, DROP_MULTICAST); /* 224.0.0.251 */
    expect_dropped(0, (struct frame_spec){.src = 0xa9fe0101, .dst = GROUP + 1}, DROP_LINK_LOCAL);
    expect_dropped(0, (struct frame_spec){.src = 0, .dst = GROUP + 1}, DROP_MARTIAN_SOURCE);
    /* queries and reports of a group, whatever their time to live (RFC 9776 9.1, 9.2) */
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .ttl = 64, .protocol = PROTO_IGMP});
    CU_ASSERT_EQUAL(s.lane.wire.n + s.core.wire.n, 0);
    CU_ASSERT_EQUAL(multicast_summary(s.d).made, 0);
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = 0xe0000101}); /* 224.0.1.1 is another matter */
    CU_ASSERT_EQUAL(s.core.wire.n, STREAM_PORTS - 1);
    CU_ASSERT_EQUAL(multicast_summary(s.d).made, 1);
    streams_end(&s);
}

static void switched_off_it_is_as_if_it_were_not_there(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    s.settings.enabled = false;
    streams_configure(&s);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 0);
    expect_dropped(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1}, DROP_MULTICAST);
    s.settings.enabled = true;
    streams_configure(&s);
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
    CU_ASSERT_EQUAL(s.core.wire.n, 1);
    streams_end(&s);
}

/* Handed to the core while it was on, and looked at when it is off. */
static void what_the_core_has_not_seen_when_it_is_switched_off_is_dropped(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1);
    struct packet packet = streams_frame(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
    streams_burst(&s, &packet, 1);
    s.settings.enabled = false;
    streams_configure(&s);
    streams_run(&s);
    CU_ASSERT_EQUAL(streams_drops(&s, 0, DROP_MULTICAST), 1);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 0);
    streams_end(&s);
}

/* ---- sizes ---- */

static void each_port_gets_pieces_of_its_own_size(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(SMALL) | PORT(5);
    for (unsigned round = 0; round < 2; round++) { /* the core, then the lane */
        const struct wire *wire = round == 0 ? &s.core.wire : &s.lane.wire;
        streams_forget(&s);
        streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .len = 1400, .id = 9});
        CU_ASSERT_EQUAL_FATAL(wire->n, 1 + 3 + 1); /* 1400 = 552 + 552 + 296 */
        static const uint8_t ports[] = {1, SMALL, SMALL, SMALL, 5};
        static const uint16_t lens[] = {1420, 572, 572, 316, 1420}, at[] = {0, IP_MF, IP_MF | 69, 138, 0};
        for (unsigned i = 0; i < 5; i++) {
            const struct wire_frame *sent = &wire->sent[i];
            struct ip ip;
            CU_ASSERT_EQUAL(ip_parse(sent->bytes + ETHERNET_HEADER, sent->len - ETHERNET_HEADER, &ip), DROP__COUNT);
            CU_ASSERT_EQUAL(sent->port, ports[i]);
            CU_ASSERT_EQUAL(sent->bytes[11], ports[i] + 1);
            CU_ASSERT_EQUAL(ip.len, lens[i]);
            CU_ASSERT_EQUAL(ip.fragment, at[i]);
            CU_ASSERT_EQUAL(ip.ttl, 63);
        }
    }
    CU_ASSERT_EQUAL(streams_counters(&s, 0).forwarded, 2);
    CU_ASSERT_EQUAL(streams_counters(&s, SMALL).tx_packets, 6);
    streams_end(&s);
}

static void what_must_not_be_cut_goes_where_it_fits(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(SMALL);
    s.wanted[2] = PORT(SMALL);
    struct frame_spec big = {.src = IN_0(7), .dst = GROUP + 1, .len = 1400, .fragment = IP_DF};
    for (unsigned round = 0; round < 2; round++)
        streams_give(&s, 0, big);
    CU_ASSERT_EQUAL(streams_ports(&s.core.wire) | streams_ports(&s.lane.wire), PORT(1));
    CU_ASSERT_EQUAL(streams_counters(&s, 0).forwarded, 2);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).lost, 2);
    CU_ASSERT_EQUAL(dataplane_ip_stat(s.d, IP_OUT_FRAG_FAILS), 2);
    streams_forget(&s);
    big.dst = GROUP + 2;
    expect_dropped(0, big, DROP_TOO_BIG); /* and no fragmentation needed is sent */
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 2).lost, 2);
    CU_ASSERT_EQUAL(dataplane_ip_stat(s.d, IP_OUT_FRAG_FAILS), 4);
    streams_end(&s);
}

static void an_unfinished_checksum_goes_along_or_is_finished_in_pieces(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(SMALL) | PORT(5);
    s.wanted[2] = PORT(1);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    streams_start(&s, 0, IN_0(7), GROUP + 2);
    const struct virtio_net_hdr unfinished = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = ETHERNET_HEADER + 20, .csum_offset = 6};
    struct packet burst[2];
    for (unsigned i = 0; i < 2; i++) {
        burst[i] = streams_frame(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 2 - i, .len = 1400});
        burst[i].vnet = unfinished;
        uint8_t *udp = packet_ip(&burst[i]) + 20;
        store_be16(udp + 6, checksum_fold(checksum_pseudo(0, IN_0(7), GROUP + 2 - i, PROTO_UDP, 1400)));
    }
    streams_burst(&s, burst, 2);
    CU_ASSERT_EQUAL_FATAL(s.lane.wire.n, 1 + 3 + 1);
    CU_ASSERT_EQUAL(memcmp(&s.lane.wire.sent[0].vnet, &unfinished, sizeof unfinished), 0);
    uint8_t datagram[1400];
    uint32_t at = 0;
    for (unsigned i = 1; i < 4; i++) {
        const struct wire_frame *sent = &s.lane.wire.sent[i];
        CU_ASSERT_EQUAL(sent->vnet.flags, 0);
        memcpy(datagram + at, sent->bytes + ETHERNET_HEADER + 20, sent->len - ETHERNET_HEADER - 20);
        at += sent->len - ETHERNET_HEADER - 20;
    }
    uint32_t sum = checksum_pseudo(0, IN_0(7), GROUP + 1, PROTO_UDP, 1400);
    CU_ASSERT_EQUAL(checksum_fold(checksum_add(sum, datagram, sizeof datagram)), 0xffff);
    /* the one after the pieces is the same datagram, finished or not */
    const struct wire_frame *whole = &s.lane.wire.sent[4];
    CU_ASSERT_EQUAL(whole->port, 5);
    CU_ASSERT_TRUE(whole->vnet.flags != 0 ||
                   memcmp(datagram, whole->bytes + ETHERNET_HEADER + 20, sizeof datagram) == 0);
    streams_end(&s);
}

static void a_gso_packet_goes_whole_where_its_segments_fit(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(SMALL);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    struct packet packet = streams_frame(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .len = 8 + 4000});
    packet.vnet = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                                          .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4,
                                          .hdr_len = ETHERNET_HEADER + 28,
                                          .gso_size = 1000,
                                          .csum_start = ETHERNET_HEADER + 20,
                                          .csum_offset = 6};
    const struct virtio_net_hdr vnet = packet.vnet;
    streams_burst(&s, &packet, 1);
    CU_ASSERT_EQUAL_FATAL(s.lane.wire.n, 1 + 4 * 2);
    CU_ASSERT_EQUAL(s.lane.wire.sent[0].len, ETHERNET_HEADER + 20 + 8 + 4000);
    CU_ASSERT_EQUAL(memcmp(&s.lane.wire.sent[0].vnet, &vnet, sizeof vnet), 0);
    for (unsigned i = 1; i < 9; i++) {
        CU_ASSERT_EQUAL(s.lane.wire.sent[i].port, SMALL);
        CU_ASSERT_TRUE(s.lane.wire.sent[i].len <= ETHERNET_HEADER + 576);
    }
    CU_ASSERT_EQUAL(streams_counters(&s, 0).forwarded, 2);
    streams_end(&s);
}

/* ---- options ---- */

static const uint8_t alert[] = {148, 4, 0, 0};
static const uint8_t record[] = {7, 7, 4, 0, 0, 0, 0, 0};
static const uint8_t loose[] = {131, 7, 4, 10, 0, 2, 2, 0};
static const uint8_t broken[] = {7, 60, 4, 0};

static void options_are_honoured_by_the_core(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(2);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    streams_give(&s, 0,
                 (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .options = alert, .options_len = sizeof alert});
    CU_ASSERT_EQUAL(streams_ports(&s.core.wire), PORT(1) | PORT(2));
    streams_forget(&s);
    streams_give(
        &s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1, .options = record, .options_len = sizeof record});
    CU_ASSERT_EQUAL_FATAL(s.core.wire.n, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct wire_frame *sent = &s.core.wire.sent[i];
        struct ip ip;
        CU_ASSERT_EQUAL(ip_parse(sent->bytes + ETHERNET_HEADER, sent->len - ETHERNET_HEADER, &ip), DROP__COUNT);
        /* each copy has been by another address of ours, RFC 1812 5.2.4.1 */
        CU_ASSERT_EQUAL(load_be32(sent->bytes + ETHERNET_HEADER + 23), 0x0a000001 + (sent->port << 8));
        CU_ASSERT_EQUAL(ip.ttl, 63);
    }
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).packets, 3);
    streams_forget(&s);
    struct frame_spec spec = {.src = IN_0(7), .dst = GROUP + 1, .options = loose, .options_len = sizeof loose};
    expect_dropped(0, spec, DROP_SOURCE_ROUTE);
    spec.options = broken;
    spec.options_len = sizeof broken;
    expect_dropped(0, spec, DROP_BAD_OPTION);
    /* of what nobody wants the core sees none */
    uint64_t punted = streams_counters(&s, 0).punted;
    spec.options = record;
    spec.options_len = sizeof record;
    spec.dst = GROUP + 2;
    for (unsigned i = 0; i < 5; i++)
        expect_dropped(0, spec, DROP_MULTICAST_UNWANTED);
    CU_ASSERT_EQUAL(streams_counters(&s, 0).punted, punted + 1);
    streams_end(&s);
}

/* ---- devices ---- */

static void a_device_that_refuses_takes_only_its_own_copy(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(2);
    for (unsigned round = 0; round < 2; round++) { /* the core, then the lane */
        s.lane.refuses = s.core.refuses = PORT(1);
        streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
        s.lane.refuses = s.core.refuses = PORT(1) | PORT(2);
        streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1 + (round == 0) * 0x100});
        s.lane.refuses = s.core.refuses = 0;
    }
    CU_ASSERT_EQUAL(streams_counters(&s, 0).forwarded, 2);
    CU_ASSERT_EQUAL(streams_drops(&s, 0, DROP_TX_FULL), 2);
    CU_ASSERT_EQUAL(streams_counters(&s, 1).tx_drops, 4);
    CU_ASSERT_EQUAL(streams_counters(&s, 2).tx_drops, 2);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).lost, 1 + 1 + 2);
    streams_end(&s);
}

static void a_port_that_is_down_takes_no_copy(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1) | PORT(2);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    streams_port(&s, 1, false);
    streams_forget(&s);
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
    CU_ASSERT_EQUAL(streams_ports(&s.lane.wire), PORT(2));
    streams_port(&s, 2, false);
    streams_forget(&s);
    expect_dropped(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1}, DROP_PORT_DOWN);
    streams_port(&s, 2, true);
    streams_forget(&s);
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
    CU_ASSERT_EQUAL(streams_ports(&s.lane.wire), PORT(2));
    dataplane_remove_port(s.d, 2, s.now);
    streams_forget(&s);
    expect_dropped(0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1}, DROP_PORT_DOWN);
    streams_end(&s);
}

/* ---- against a plain model ---- */

struct model_port {
    bool up;
    uint8_t threshold;
    bool bounded; /* for groups with an odd number */
};

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

static uint64_t expected_ports(const struct model_port *ports, unsigned in, unsigned group, uint8_t ttl, bool whole)
{
    uint64_t to = 0;
    if (ports[in].bounded && group % 2 == 1)
        return 0;
    for (unsigned i = 0; i < STREAM_PORTS; i++) {
        uint8_t threshold = ports[i].threshold > 1 ? ports[i].threshold : 1;
        bool cut = ports[i].bounded && group % 2 == 1;
        if (i != in && (s.wanted[group] >> i & 1) != 0 && ports[i].up && !cut && ttl > threshold &&
            !(whole && i == SMALL))
            to |= PORT(i);
    }
    return to;
}

static void change_something(struct model_port *ports, uint32_t *random)
{
    static const struct prefix odd[] = {{GROUP + 1, 32}, {GROUP + 3, 32}};
    unsigned port = next_random(random) % STREAM_PORTS, group = next_random(random) % 4;
    switch (next_random(random) % 4) {
    case 0:
        s.wanted[group] = next_random(random) % 64;
        multicast_changed(s.d, 0, GROUP + group, s.now);
        break;
    case 1:
        ports[port].threshold = (uint8_t)(next_random(random) % 4 * 20);
        ports[port].bounded = next_random(random) % 3 == 0;
        CU_ASSERT_TRUE(multicast_set_port(s.d, port,
                                          &(struct multicast_port){.ttl_threshold = ports[port].threshold,
                                                                   .n_boundaries = ports[port].bounded ? 2 : 0,
                                                                   .boundaries = odd},
                                          s.now));
        break;
    case 2:
        ports[port].up = port == 0 || next_random(random) % 4 != 0;
        streams_port(&s, port, ports[port].up);
        break;
    default:
        if (next_random(random) % 8 == 0)
            multicast_clear(s.d, 0, 0);
        break;
    }
}

static void copies_are_those_of_a_plain_model(void)
{
    struct model_port ports[STREAM_PORTS];
    uint32_t random = 1;
    uint64_t copies = 0, none = 0;
    streams_begin(&s);
    s.settings.new_rate = 0;
    streams_configure(&s);
    for (unsigned i = 0; i < STREAM_PORTS; i++)
        ports[i] = (struct model_port){.up = true};
    for (unsigned i = 0; i < 20000; i++) {
        if (i % 8 == 0)
            change_something(ports, &random);
        streams_forget(&s);
        unsigned group = next_random(&random) % 4, in = next_random(&random) % 2 * 3, came = in;
        if (next_random(&random) % 16 == 0)
            came = 5;
        bool big = next_random(&random) % 4 == 0, df = next_random(&random) % 4 == 0;
        struct frame_spec spec = {.src = 0x0a000007u + (in << 8) + next_random(&random) % 3,
                                  .dst = GROUP + group,
                                  .ttl = (uint8_t)(1 + next_random(&random) % 70),
                                  .fragment = df ? IP_DF : 0,
                                  .len = big ? 1000 : 100};
        uint64_t want = came == in ? expected_ports(ports, in, group, spec.ttl, big && df) : 0;
        if (!ports[in].up || !ports[came].up)
            want = 0;
        uint64_t forwarded = streams_counters(&s, came).forwarded;
        streams_give(&s, came, spec);
        uint64_t got = streams_ports(&s.lane.wire) | streams_ports(&s.core.wire);
        CU_ASSERT_EQUAL_FATAL(got, want);
        CU_ASSERT_EQUAL_FATAL(streams_counters(&s, came).forwarded, forwarded + (want != 0));
        unsigned frames = 0;
        for (unsigned p = 0; p < STREAM_PORTS; p++)
            frames += (want >> p & 1) == 0 ? 0 : p == SMALL && big ? 2 : 1;
        CU_ASSERT_EQUAL_FATAL(s.lane.wire.n + s.core.wire.n, frames);
        copies += frames;
        none += want == 0;
    }
    CU_ASSERT_TRUE(copies > 10000 && none > 1000); /* it was no idle talk */
    streams_end(&s);
}

static const struct unit_case cases[] = {
    {"the first packet is sent, and the next one needs no core",
     the_first_packet_is_sent_and_the_next_one_needs_no_core},
    {"a burst keeps its order and costs one call a port", a_burst_keeps_its_order_and_costs_one_call_a_port},
    {"a stream keeps its order from its first packet on", a_stream_keeps_its_order_from_its_first_packet_on},
    {"a flood delays a new stream only so long", a_flood_delays_a_new_stream_only_so_long},
    {"unicast and multicast share a burst", unicast_and_multicast_share_a_burst},
    {"thirty ports get a copy each", thirty_ports_get_a_copy_each},
    {"what comes by the wrong port is dropped and counted", what_comes_by_the_wrong_port_is_dropped_and_counted},
    {"what nobody wants costs the core one look", what_nobody_wants_costs_the_core_one_look},
    {"a time to live must be above the threshold of the port", a_time_to_live_must_be_above_the_threshold_of_the_port},
    {"a boundary holds in both directions", a_boundary_holds_in_both_directions},
    {"what belongs to its link makes no entry", what_belongs_to_its_link_makes_no_entry},
    {"switched off it is as if it were not there", switched_off_it_is_as_if_it_were_not_there},
    {"what the core has not seen when it is switched off is dropped",
     what_the_core_has_not_seen_when_it_is_switched_off_is_dropped},
    {"each port gets pieces of its own size", each_port_gets_pieces_of_its_own_size},
    {"what must not be cut goes where it fits", what_must_not_be_cut_goes_where_it_fits},
    {"an unfinished checksum goes along, or is finished in pieces",
     an_unfinished_checksum_goes_along_or_is_finished_in_pieces},
    {"a GSO packet goes whole where its segments fit", a_gso_packet_goes_whole_where_its_segments_fit},
    {"options are honoured by the core", options_are_honoured_by_the_core},
    {"a device that refuses takes only its own copy", a_device_that_refuses_takes_only_its_own_copy},
    {"a port that is down takes no copy", a_port_that_is_down_takes_no_copy},
    {"copies are those of a plain model", copies_are_those_of_a_plain_model},
};
UNIT_MAIN("multicast", cases)
