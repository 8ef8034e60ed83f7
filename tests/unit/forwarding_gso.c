/* Cutting GSO packets into segments. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/fragment.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

enum { FIN = 1, PSH = 8, ACK = 16, URG = 32, CWR = 128 };
enum { SRC = 0x0a000109, DST = 0x0a090909 };

/* DATA bytes of TCP with a header of HEADER bytes, checksum unfinished as the kernel leaves it. */
static struct packet tcp_packet(unsigned header, uint32_t data, uint16_t gso_size, uint8_t flags)
{
    uint8_t *tcp = calloc(1, header + data);
    store_be16(tcp, 1234);
    store_be16(tcp + 2, 80);
    store_be32(tcp + 4, 0xfffffc00); /* wraps soon */
    store_be32(tcp + 8, 77);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = flags;
    store_be16(tcp + 14, 501);
    store_be16(tcp + 16, checksum_fold(checksum_pseudo(0, SRC, DST, PROTO_TCP, header + data)));
    for (uint32_t i = 20; i < header; i++)
        tcp[i] = 1; /* NOP options */
    for (uint32_t i = 0; i < data; i++)
        tcp[header + i] = (uint8_t)(i * 13 + (i >> 8));
    struct packet packet = frame_new(0, &(struct frame_spec){.src = SRC,
                                                             .dst = DST,
                                                             .protocol = PROTO_TCP,
                                                             .fragment = IP_DF,
                                                             .id = 0xfffe,
                                                             .data = tcp,
                                                             .len = header + data});
    free(tcp);
    CU_ASSERT_EQUAL(ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip), DROP__COUNT);
    packet.vnet = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
        .hdr_len = (uint16_t)(ETHERNET_HEADER + 20 + header),
        .gso_size = gso_size,
        .csum_start = ETHERNET_HEADER + 20,
        .csum_offset = 16,
    };
    return packet;
}

static struct packet udp_packet(uint32_t data, uint16_t gso_size, bool with_checksum)
{
    struct packet packet = frame_new(0, &(struct frame_spec){.src = SRC, .dst = DST, .len = 8 + data, .id = 9});
    CU_ASSERT_EQUAL(ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip), DROP__COUNT);
    uint8_t *udp = packet_ip(&packet) + 20;
    store_be16(udp + 6, with_checksum ? checksum_fold(checksum_pseudo(0, SRC, DST, PROTO_UDP, 8 + data)) : 0);
    packet.vnet = (struct virtio_net_hdr){.gso_type = VIRTIO_NET_HDR_GSO_UDP_L4, .gso_size = gso_size};
    if (with_checksum) {
        packet.vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        packet.vnet.csum_start = ETHERNET_HEADER + 20;
        packet.vnet.csum_offset = 6;
    }
    return packet;
}

static bool transport_sum_right(const struct packet *segment, uint8_t protocol)
{
    uint32_t len = (uint32_t)segment->ip.len - segment->ip.header;
    uint32_t sum = checksum_pseudo(0, SRC, DST, protocol, len);
    return checksum_fold(checksum_add(sum, packet_ip(segment) + segment->ip.header, len)) == 0xffff;
}

/* Each segment in a buffer of its exact size. */
static bool next(struct cutter *cut, struct packet *segment)
{
    static uint8_t *to;
    free(to);
    to = malloc(ETHERNET_HEADER + gso_segment_size(cut->whole));
    if (gso_next(cut, to, segment))
        return true;
    free(to);
    to = NULL;
    return false;
}

static void tcp_segments_carry_on_from_each_other(void)
{
    static const unsigned data_of[] = {1448 * 3, 1448 * 3 + 1, 65535 - 52, 1, 1448};
    for (unsigned i = 0; i < sizeof data_of / sizeof data_of[0]; i++) {
        struct packet whole = tcp_packet(32, data_of[i], 1448, ACK | PSH | FIN | CWR);
        const uint8_t *data = packet_ip(&whole) + 52;
        struct cutter cut;
        CU_ASSERT_EQUAL_FATAL(gso_start(&cut, &whole), DROP__COUNT);
        struct packet s;
        unsigned n = 0, at = 0;
        while (next(&cut, &s)) {
            struct ip ip;
            CU_ASSERT_EQUAL_FATAL(ip_parse(packet_ip(&s), s.len - ETHERNET_HEADER, &ip), DROP__COUNT);
            const uint8_t *tcp = packet_ip(&s) + 20;
            unsigned len = ip.len - 52u;
            bool last = at + len == data_of[i];
            CU_ASSERT_EQUAL(memcmp(s.frame, whole.frame, ETHERNET_HEADER), 0);
            CU_ASSERT_TRUE(last || len == 1448);
            CU_ASSERT_EQUAL(s.len, ETHERNET_HEADER + ip.len);
            CU_ASSERT_EQUAL(s.ip.len, ip.len);
            CU_ASSERT_EQUAL(s.ip.id, ip.id);
            CU_ASSERT_EQUAL(ip.id, (uint16_t)(0xfffe + n));
            CU_ASSERT_EQUAL(ip.fragment, IP_DF);
            CU_ASSERT_EQUAL(load_be32(tcp + 4), 0xfffffc00 + at);
            CU_ASSERT_EQUAL(load_be32(tcp + 8), 77);
            CU_ASSERT_EQUAL(tcp[13], ACK | (last ? PSH | FIN : 0) | (n == 0 ? CWR : 0));
            CU_ASSERT_EQUAL(memcmp(tcp + 20, packet_ip(&whole) + 40, 12), 0);
            CU_ASSERT_EQUAL(memcmp(tcp + 32, data + at, len), 0);
            CU_ASSERT_TRUE(transport_sum_right(&s, PROTO_TCP));
            CU_ASSERT_FALSE(packet_is_gso(&s) || packet_checksum_unfinished(&s));
            at += len;
            n++;
        }
        CU_ASSERT_EQUAL(at, data_of[i]);
        CU_ASSERT_EQUAL(n, (data_of[i] + 1447) / 1448);
        frame_free(&whole);
    }
}

static void udp_segments_are_datagrams(void)
{
    for (unsigned with_checksum = 0; with_checksum < 2; with_checksum++) {
        struct packet whole = udp_packet(2500, 1000, with_checksum);
        struct cutter cut;
        CU_ASSERT_EQUAL_FATAL(gso_start(&cut, &whole), DROP__COUNT);
        struct packet s;
        unsigned n = 0, at = 0;
        while (next(&cut, &s)) {
            struct ip ip;
            CU_ASSERT_EQUAL_FATAL(ip_parse(packet_ip(&s), s.len - ETHERNET_HEADER, &ip), DROP__COUNT);
            const uint8_t *udp = packet_ip(&s) + 20;
            unsigned len = n < 2 ? 1000 : 500;
            CU_ASSERT_EQUAL(ip.len, 28 + len);
            CU_ASSERT_EQUAL(ip.id, 9 + n);
            CU_ASSERT_EQUAL(load_be16(udp + 4), 8 + len);
            CU_ASSERT_EQUAL(memcmp(udp, packet_ip(&whole) + 20, 4), 0);
            CU_ASSERT_EQUAL(memcmp(udp + 8, packet_ip(&whole) + 28 + at, len), 0);
            uint16_t check = load_be16(udp + 6);
            CU_ASSERT_TRUE(with_checksum ? check != 0 && transport_sum_right(&s, PROTO_UDP) : check == 0);
            at += len;
            n++;
        }
        CU_ASSERT_EQUAL(n, 3);
        frame_free(&whole);
    }
}

/* A device would never send 0, which says "no checksum". */
static void a_udp_checksum_of_zero_is_sent_as_ones(void)
{
    struct packet whole = udp_packet(4, 2, true);
    uint8_t *udp = packet_ip(&whole) + 20;
    memset(udp + 8, 0, 4);
    uint32_t sum = checksum_pseudo(0, SRC, DST, PROTO_UDP, 10);
    sum = checksum_add(sum, udp, 4); /* ports */
    store_be16(udp + 8, (uint16_t)~checksum_fold(sum + 10));
    struct cutter cut;
    struct packet s;
    CU_ASSERT_EQUAL_FATAL(gso_start(&cut, &whole), DROP__COUNT);
    CU_ASSERT_TRUE_FATAL(next(&cut, &s));
    CU_ASSERT_EQUAL(load_be16(packet_ip(&s) + 26), 0xffff);
    while (next(&cut, &s))
        ;
    frame_free(&whole);
}

static void the_segment_size_counts_all_headers(void)
{
    struct packet tcp = tcp_packet(32, 5000, 1448, ACK);
    CU_ASSERT_EQUAL(gso_segment_size(&tcp), 1500);
    tcp.vnet.gso_size = 6000; /* one segment after all */
    CU_ASSERT_EQUAL(gso_segment_size(&tcp), 5052);
    frame_free(&tcp);
    struct packet udp = udp_packet(5000, 1472, true);
    CU_ASSERT_EQUAL(gso_segment_size(&udp), 1500);
    frame_free(&udp);
}

/* What TCP of tcp_packet() looks like in a tunnel: HEADERS, which begin behind the outer IP header, before it. Lengths
 * that depend on the data are filled in, checksums of headers too. */
struct tunnel {
    const char *what;
    uint8_t protocol;  /* of the outer IP header */
    uint16_t header;   /* bytes of the tunnel's own */
    uint8_t first[12]; /* which begin so */
    bool ipv6;         /* inside */
};

enum { GRE = PROTO_GRE, INNER_TCP = 32, INNER_DATA = 4000, INNER_GSO = 1300 };

static const struct tunnel tunnels[] = {
    {"VXLAN, without a checksum", PROTO_UDP, 8 + 8 + 14, {0xc0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8}, false},
    {"VXLAN, with one", PROTO_UDP, 8 + 8 + 14, {0xc0, 0, 0x12, 0xb5, 0, 0, 0x11, 0x11, 8}, false},
    {"IPv6 in VXLAN", PROTO_UDP, 8 + 8 + 14, {0xc0, 0, 0x12, 0xb5, 0, 0, 0x11, 0x11, 8}, true},
    {"FOU", PROTO_UDP, 8, {0xc0, 0, 0x15, 0xb3, 0, 0, 0, 0}, false},
    {"GRE", GRE, 4, {0, 0, 8, 0}, false},
    {"GRE with checksum and key", GRE, 12, {0xa0, 0, 8, 0, 0x11, 0x11, 0, 0, 0, 0, 0, 7}, false},
    {"IP in IP", 4, 0, {0}, false},
    {"IPv6 in IP", 41, 0, {0}, true},
};

static struct packet tunnelled(const struct tunnel *t)
{
    unsigned ip = t->ipv6 ? 40 : 20, tcp = INNER_TCP + INNER_DATA;
    unsigned len = t->header + ip + tcp;
    uint8_t *data = calloc(1, len);
    memcpy(data, t->first, sizeof t->first < t->header ? sizeof t->first : t->header);
    if (t->protocol == PROTO_UDP)
        store_be16(data + 4, (uint16_t)len);
    uint8_t *inner = data + t->header;
    if (t->ipv6) {
        inner[0] = 0x60;
        store_be16(inner + 4, (uint16_t)tcp);
        inner[6] = PROTO_TCP;
        memset(inner + 8, 0x20, 32);
    } else {
        ip_write(inner,
                 &(struct ip){.src = SRC + 1,
                              .dst = DST + 1,
                              .len = (uint16_t)(20 + tcp),
                              .id = 500,
                              .header = 20,
                              .ttl = 64,
                              .protocol = PROTO_TCP,
                              .fragment = IP_DF},
                 NULL);
    }
    uint8_t *at = inner + ip;
    store_be32(at + 4, 1000);
    at[12] = INNER_TCP / 4 << 4;
    at[13] = ACK | PSH;
    memset(at + 20, 1, INNER_TCP - 20);
    for (unsigned i = 0; i < INNER_DATA; i++)
        at[INNER_TCP + i] = (uint8_t)(i * 7 + (i >> 8));
    struct packet packet = frame_new(
        0, &(struct frame_spec){.src = SRC, .dst = DST, .protocol = t->protocol, .id = 20, .data = data, .len = len});
    free(data);
    CU_ASSERT_EQUAL(ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip), DROP__COUNT);
    packet.vnet = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = t->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
        .gso_size = INNER_GSO,
        .csum_start = (uint16_t)(ETHERNET_HEADER + 20 + t->header + ip),
        .csum_offset = 16,
    };
    return packet;
}

static void check_tunnel_header(const struct tunnel *t, const struct packet *segment)
{
    const uint8_t *at = packet_ip(segment) + 20;
    uint32_t len = (uint32_t)segment->ip.len - 20;
    if (t->protocol == PROTO_UDP) {
        CU_ASSERT_EQUAL(load_be16(at + 4), len);
        bool with_checksum = t->first[6] != 0;
        CU_ASSERT_TRUE(with_checksum ? transport_sum_right(segment, PROTO_UDP) : load_be16(at + 6) == 0);
    } else if (t->protocol == GRE && (t->first[0] & 0x80) != 0) {
        CU_ASSERT_EQUAL(checksum_fold(checksum_add(0, at, len)), 0xffff);
    }
}

static void each_segment_of_a_packet_in_a_tunnel_is_in_the_tunnel(void)
{
    for (unsigned i = 0; i < sizeof tunnels / sizeof tunnels[0]; i++) {
        const struct tunnel *t = &tunnels[i];
        struct packet whole = tunnelled(t), s;
        unsigned inner_at = 20u + t->header, tcp_at = inner_at + (t->ipv6 ? 40 : 20);
        struct cutter cut;
        CU_ASSERT_TRUE(offload_valid(&whole));
        CU_ASSERT_TRUE(gso_must_cut(&whole));
        CU_ASSERT_EQUAL(gso_segment_size(&whole), tcp_at + INNER_TCP + INNER_GSO);
        CU_ASSERT_EQUAL_FATAL(gso_start(&cut, &whole), DROP__COUNT);
        unsigned n = 0, done = 0;
        for (; next(&cut, &s); n++) {
            struct ip ip;
            CU_ASSERT_EQUAL_FATAL(ip_parse(packet_ip(&s), s.len - ETHERNET_HEADER, &ip), DROP__COUNT);
            CU_ASSERT_EQUAL(ip.len, s.len - ETHERNET_HEADER);
            CU_ASSERT_EQUAL(ip.id, 20 + n);
            check_tunnel_header(t, &s);

            const uint8_t *inner = packet_ip(&s) + inner_at, *tcp = packet_ip(&s) + tcp_at;
            uint32_t room = ip.len - tcp_at;
            uint32_t sum;
            if (t->ipv6) {
                CU_ASSERT_EQUAL(load_be16(inner + 4), room);
                sum = checksum_pseudo(checksum_add(0, inner + 8, 32), 0, 0, PROTO_TCP, room);
            } else {
                CU_ASSERT_EQUAL_FATAL(ip_parse(inner, room + 20, &ip), DROP__COUNT);
                CU_ASSERT_EQUAL(ip.len, room + 20);
                CU_ASSERT_EQUAL(ip.id, 500 + n);
                sum = checksum_pseudo(0, ip.src, ip.dst, PROTO_TCP, room);
            }
            CU_ASSERT_EQUAL(checksum_fold(checksum_add(sum, tcp, room)), 0xffff);
            CU_ASSERT_EQUAL(load_be32(tcp + 4), 1000 + done);
            CU_ASSERT_EQUAL(memcmp(tcp + INNER_TCP, packet_ip(&whole) + tcp_at + INNER_TCP + done, room - INNER_TCP),
                            0);
            done += room - INNER_TCP;
            CU_ASSERT_EQUAL(tcp[13], ACK | (done == INNER_DATA ? PSH : 0));
        }
        CU_ASSERT_EQUAL(done, INNER_DATA);
        CU_ASSERT_EQUAL(n, 4);
        frame_free(&whole);
    }
}

/* Nothing is cut where the bytes do not lead from the IP header to the checksum. */
static void a_tunnel_that_is_none_is_refused(void)
{
    struct cutter cut;
    for (unsigned i = 0; i < sizeof tunnels / sizeof tunnels[0]; i++) {
        struct packet whole = tunnelled(&tunnels[i]);
        whole.vnet.csum_start += 2;
        CU_ASSERT_FALSE(offload_valid(&whole));
        CU_ASSERT_EQUAL(gso_start(&cut, &whole), DROP_FRAGMENT_FAILED);
        whole.vnet.csum_start -= 2;
        packet_ip(&whole)[20 + tunnels[i].header + 5]++; /* a length or an id that its checksum covers */
        CU_ASSERT_FALSE(offload_valid(&whole));
        frame_free(&whole);
    }
    struct packet far = tunnelled(&(struct tunnel){"a header of 600 bytes", PROTO_UDP, 600, {0}, false});
    CU_ASSERT_FALSE(offload_valid(&far));
    frame_free(&far);
    struct packet numbered = tunnelled(&tunnels[4]);
    packet_ip(&numbered)[20] = 0x10; /* GRE's sequence numbers can not be cut */
    CU_ASSERT_FALSE(offload_valid(&numbered));
    frame_free(&numbered);
}

static void what_has_no_segments_is_refused(void)
{
    struct cutter cut;
    struct packet packet = tcp_packet(32, 5000, 0, ACK);
    CU_ASSERT_EQUAL(gso_start(&cut, &packet), DROP_FRAGMENT_FAILED);
    packet.vnet.gso_size = 1448;
    CU_ASSERT_EQUAL(gso_start(&cut, &packet), DROP__COUNT);
    packet.vnet.gso_type = VIRTIO_NET_HDR_GSO_NONE;
    CU_ASSERT_EQUAL(gso_start(&cut, &packet), DROP_FRAGMENT_FAILED);
    packet.vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    packet.ip.protocol = PROTO_ICMP;
    CU_ASSERT_EQUAL(gso_start(&cut, &packet), DROP_FRAGMENT_FAILED);
    packet.ip.protocol = PROTO_TCP;
    packet_ip(&packet)[20 + 12] = 0x40; /* a data offset of 16 bytes */
    CU_ASSERT_EQUAL(gso_start(&cut, &packet), DROP_FRAGMENT_FAILED);
    frame_free(&packet);
}

static const struct unit_case all[] = {
    {"TCP segments carry on from each other", tcp_segments_carry_on_from_each_other},
    {"UDP segments are datagrams", udp_segments_are_datagrams},
    {"a UDP checksum of zero is sent as ones", a_udp_checksum_of_zero_is_sent_as_ones},
    {"the segment size counts all headers", the_segment_size_counts_all_headers},
    {"each segment of a packet in a tunnel is in the tunnel", each_segment_of_a_packet_in_a_tunnel_is_in_the_tunnel},
    {"a tunnel that is none is refused", a_tunnel_that_is_none_is_refused},
    {"what has no segments is refused", what_has_no_segments_is_refused},
};
UNIT_MAIN("gso", all)
