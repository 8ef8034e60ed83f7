/* The kernel's offload description: what is believed of it, and finishing a checksum. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/fragment.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

enum { SRC = 0x0a000109, DST = 0x0a090909, TRANSPORT = ETHERNET_HEADER + 20, SCTP = 132, GRE = 47 };
enum { UNFINISHED = VIRTIO_NET_HDR_F_NEEDS_CSUM };
enum { NONE = VIRTIO_NET_HDR_GSO_NONE, TCPV4 = VIRTIO_NET_HDR_GSO_TCPV4, UDP_L4 = VIRTIO_NET_HDR_GSO_UDP_L4 };

/* 200 bytes of PROTOCOL; TCP with a header of 20. */
static struct packet packet_of(uint8_t protocol, uint16_t fragment)
{
    uint8_t data[200] = {[12] = 0x50, [50] = 7, [199] = 9};
    struct packet packet =
        frame_new(0, &(struct frame_spec){
                         .src = SRC, .dst = DST, .protocol = protocol, .fragment = fragment, .data = data, .len = 200});
    CU_ASSERT_EQUAL(ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip), DROP__COUNT);
    return packet;
}

static const struct description {
    const char *what;
    uint8_t protocol;
    uint16_t fragment;
    struct virtio_net_hdr vnet;
    bool valid;
} descriptions[] = {
    {"nothing to do", PROTO_UDP, 0, {0}, true},
    {"nothing to do, a fragment", PROTO_UDP, IP_MF, {0}, true},
    {"TCP", PROTO_TCP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT, 16}, true},
    {"UDP", PROTO_UDP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT, 6}, true},
    {"UDP with TCP's offset", PROTO_UDP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT, 16}, false},
    {"TCP with UDP's offset", PROTO_TCP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT, 6}, false},
    {"TCP that starts elsewhere", PROTO_TCP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT + 20, 16}, false},
    {"TCP within a UDP tunnel", PROTO_UDP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT + 50, 16}, true},
    {"in the middle of a UDP header", PROTO_UDP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT + 2, 6}, false},
    {"TCP within GRE", GRE, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT + 24, 16}, true},
    {"SCTP", SCTP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT, 8}, true},
    {"SCTP with TCP's offset", SCTP, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT, 16}, false},
    {"within the IP header", GRE, 0, {UNFINISHED, NONE, 0, 0, ETHERNET_HEADER, 10}, false},
    {"the last two bytes", GRE, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT, 198}, true},
    {"one byte beyond", GRE, 0, {UNFINISHED, NONE, 0, 0, TRANSPORT, 199}, false},
    {"far beyond", GRE, 0, {UNFINISHED, NONE, 0, 0, 65535, 65535}, false},
    {"of a fragment", PROTO_UDP, IP_MF, {UNFINISHED, NONE, 0, 0, TRANSPORT, 6}, false},
    {"TCP segments", PROTO_TCP, IP_DF, {UNFINISHED, TCPV4, 54, 90, TRANSPORT, 16}, true},
    {"TCP segments, ECN", PROTO_TCP, 0, {UNFINISHED, TCPV4 | 0x80, 54, 90, TRANSPORT, 16}, true},
    {"TCP segments, checksum finished", PROTO_TCP, 0, {0, TCPV4, 54, 90, 0, 0}, true},
    {"UDP segments", PROTO_UDP, 0, {UNFINISHED, UDP_L4, 42, 90, TRANSPORT, 6}, true},
    {"UDP fragments", PROTO_UDP, 0, {UNFINISHED, VIRTIO_NET_HDR_GSO_UDP, 42, 90, TRANSPORT, 6}, false},
    {"IPv6 segments", PROTO_TCP, 0, {UNFINISHED, VIRTIO_NET_HDR_GSO_TCPV6, 54, 90, TRANSPORT, 16}, false},
    {"segments of no size", PROTO_TCP, 0, {UNFINISHED, TCPV4, 54, 0, TRANSPORT, 16}, false},
    {"TCP segments of UDP", PROTO_UDP, 0, {UNFINISHED, TCPV4, 54, 90, TRANSPORT, 6}, false},
    {"UDP segments of TCP", PROTO_TCP, 0, {UNFINISHED, UDP_L4, 54, 90, TRANSPORT, 16}, false},
    {"UDP segments within a tunnel", PROTO_UDP, 0, {UNFINISHED, UDP_L4, 54, 90, TRANSPORT + 50, 6}, false},
    {"segments of a fragment", PROTO_TCP, IP_MF, {0, TCPV4, 54, 90, 0, 0}, false},
    {"segments of a later fragment", PROTO_TCP, 3, {0, TCPV4, 54, 90, 0, 0}, false},
    {"headers longer than the frame", PROTO_TCP, 0, {UNFINISHED, TCPV4, 235, 90, TRANSPORT, 16}, false},
    {"unknown type", PROTO_TCP, 0, {UNFINISHED, 77, 54, 90, TRANSPORT, 16}, false},
};

static void a_description_is_believed_only_if_the_bytes_bear_it_out(void)
{
    for (unsigned i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++) {
        struct packet packet = packet_of(descriptions[i].protocol, descriptions[i].fragment);
        packet.vnet = descriptions[i].vnet;
        CU_ASSERT_EQUAL(offload_valid(&packet), descriptions[i].valid);
        if (offload_valid(&packet) != descriptions[i].valid)
            fprintf(stderr, "  %s\n", descriptions[i].what);
        frame_free(&packet);
    }
}

static void a_gso_packet_needs_its_tcp_header(void)
{
    struct packet packet = packet_of(PROTO_TCP, 0);
    packet.vnet = (struct virtio_net_hdr){.gso_type = TCPV4, .gso_size = 10};
    CU_ASSERT_TRUE(offload_valid(&packet));
    packet_ip(&packet)[20 + 12] = 0x40;
    CU_ASSERT_FALSE(offload_valid(&packet));
    packet_ip(&packet)[20 + 12] = 0xf0;
    CU_ASSERT_TRUE(offload_valid(&packet));
    packet.ip.len = 20 + 59;
    packet.len = packet.wire_len = ETHERNET_HEADER + 20 + 59;
    CU_ASSERT_FALSE(offload_valid(&packet));
    packet.ip.len = 20 + 19;
    packet.len = packet.wire_len = ETHERNET_HEADER + 20 + 19;
    CU_ASSERT_FALSE(offload_valid(&packet));
    frame_free(&packet);
}

/* Padding would become the data of its last segment. */
static void a_gso_packet_has_no_padding(void)
{
    struct packet packet = packet_of(PROTO_TCP, 0);
    packet.vnet = (struct virtio_net_hdr){.gso_type = TCPV4, .gso_size = 10};
    packet.ip.len--;
    CU_ASSERT_FALSE(offload_valid(&packet));
    frame_free(&packet);
}

static void finishing_makes_the_checksum_right(void)
{
    for (unsigned i = 0; i < 2; i++) {
        uint8_t protocol = i == 0 ? PROTO_TCP : PROTO_UDP;
        unsigned field = i == 0 ? 16 : 6;
        struct packet packet = packet_of(protocol, 0);
        uint8_t *transport = packet_ip(&packet) + 20;
        store_be16(transport + field, checksum_fold(checksum_pseudo(0, SRC, DST, protocol, 200)));
        packet.vnet = (struct virtio_net_hdr){UNFINISHED, NONE, 0, 0, TRANSPORT, (uint16_t)field};
        checksum_complete(&packet);
        CU_ASSERT_FALSE(packet_checksum_unfinished(&packet));
        uint32_t sum = checksum_pseudo(0, SRC, DST, protocol, 200);
        CU_ASSERT_EQUAL(checksum_fold(checksum_add(sum, transport, 200)), 0xffff);
        uint16_t once = load_be16(transport + field);
        checksum_complete(&packet); /* nothing is left to do */
        CU_ASSERT_EQUAL(load_be16(transport + field), once);
        CU_ASSERT_TRUE(offload_valid(&packet));
        frame_free(&packet);
    }
}

static void a_result_of_zero_is_sent_as_ones(void)
{
    struct packet packet = packet_of(PROTO_UDP, 0);
    uint8_t *udp = packet_ip(&packet) + 20;
    memset(udp, 0, 200);
    store_be16(udp + 6, 0xffff); /* all sums to -0, whose complement is 0 */
    packet.vnet = (struct virtio_net_hdr){UNFINISHED, NONE, 0, 0, TRANSPORT, 6};
    checksum_complete(&packet);
    CU_ASSERT_EQUAL(load_be16(udp + 6), 0xffff);
    frame_free(&packet);
}

static void sctp_gets_its_crc(void)
{
    /* RFC 3720 B.4: the CRC32c of 32 bytes of zeros is 8a9136aa; on the wire its bytes are aa 36 91 8a. */
    uint8_t sctp[32] = {[8] = 1, [9] = 2, [10] = 3, [11] = 4};
    static const uint8_t crc[4] = {0xaa, 0x36, 0x91, 0x8a};
    struct packet packet =
        frame_new(0, &(struct frame_spec){.src = SRC, .dst = DST, .protocol = SCTP, .data = sctp, .len = sizeof sctp});
    CU_ASSERT_EQUAL(ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip), DROP__COUNT);
    packet.vnet = (struct virtio_net_hdr){UNFINISHED, NONE, 0, 0, TRANSPORT, 8};
    CU_ASSERT_TRUE(offload_valid(&packet));
    checksum_complete(&packet);
    CU_ASSERT_EQUAL(memcmp(packet_ip(&packet) + 28, crc, 4), 0);
    CU_ASSERT_FALSE(packet_checksum_unfinished(&packet));
    frame_free(&packet);
}

static const struct unit_case all[] = {
    {"a description is believed only if the bytes bear it out",
     a_description_is_believed_only_if_the_bytes_bear_it_out},
    {"a GSO packet needs its TCP header", a_gso_packet_needs_its_tcp_header},
    {"a GSO packet has no padding", a_gso_packet_has_no_padding},
    {"finishing makes the checksum right", finishing_makes_the_checksum_right},
    {"a result of zero is sent as ones", a_result_of_zero_is_sent_as_ones},
    {"SCTP gets its CRC", sctp_gets_its_crc},
};
UNIT_MAIN("offload", all)
