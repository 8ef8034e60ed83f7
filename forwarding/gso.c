/* pure: cutting a GSO packet, which is many TCP segments or UDP datagrams under one header, into those.
 *
 * A device would do the same: IP ids count up, sequence numbers go on, what ends a stretch of data (FIN, PSH) is on the
 * last segment and what answers a congestion mark (CWR, RFC 3168 6.1.2) on the first. Checksums are summed anew: that
 * of the whole is unfinished, or of no use to its parts. */
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/fragment.h"

enum { UDP_HEADER = 8, TCP_HEADER_MIN = 20 };
enum { UDP_AT_LENGTH = 4, UDP_AT_CHECKSUM = 6 };
enum { TCP_AT_SEQUENCE = 4, TCP_AT_DATA = 12, TCP_AT_FLAGS = 13, TCP_AT_CHECKSUM = 16 };
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };

static const uint8_t *transport(const struct packet *packet)
{
    return packet_ip(packet) + packet->ip.header;
}

/* Bytes of transport header; 0 when the packet has none that could be cut. */
static unsigned transport_header(const struct packet *packet)
{
    unsigned room = packet->ip.len - packet->ip.header;
    if (packet->ip.protocol == PROTO_UDP)
        return room >= UDP_HEADER ? UDP_HEADER : 0;
    if (packet->ip.protocol != PROTO_TCP || room < TCP_HEADER_MIN)
        return 0;
    unsigned header = (transport(packet)[TCP_AT_DATA] >> 4) * 4u;
    return header >= TCP_HEADER_MIN && header <= room ? header : 0;
}

uint32_t gso_segment_size(const struct packet *packet)
{
    uint32_t most = (uint32_t)packet->ip.header + transport_header(packet) + packet->vnet.gso_size;
    return most < packet->ip.len ? most : packet->ip.len;
}

enum drop gso_start(struct cutter *cut, const struct packet *whole)
{
    *cut = (struct cutter){.whole = whole};
    if (!packet_is_gso(whole) || whole->vnet.gso_size == 0 || ip_is_fragment(&whole->ip) ||
        transport_header(whole) == 0)
        return DROP_FRAGMENT_FAILED;
    return DROP__COUNT;
}

static void finish_tcp(const struct cutter *cut, uint8_t *tcp, unsigned len, bool last)
{
    store_be32(tcp + TCP_AT_SEQUENCE, load_be32(transport(cut->whole) + TCP_AT_SEQUENCE) + cut->at);
    if (!last)
        tcp[TCP_AT_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (cut->piece > 0)
        tcp[TCP_AT_FLAGS] &= (uint8_t)~TCP_CWR;
    const struct ip *ip = &cut->whole->ip;
    store_be16(tcp + TCP_AT_CHECKSUM, 0);
    uint32_t sum = checksum_pseudo(0, ip->src, ip->dst, PROTO_TCP, len);
    store_be16(tcp + TCP_AT_CHECKSUM, checksum_finish(checksum_add(sum, tcp, len)));
}

static void finish_udp(const struct cutter *cut, uint8_t *udp, unsigned len)
{
    store_be16(udp + UDP_AT_LENGTH, (uint16_t)len);
    if (!packet_checksum_unfinished(cut->whole) && load_be16(udp + UDP_AT_CHECKSUM) == 0)
        return; /* sent without a checksum, RFC 768 */
    const struct ip *ip = &cut->whole->ip;
    store_be16(udp + UDP_AT_CHECKSUM, 0);
    uint32_t sum = checksum_pseudo(0, ip->src, ip->dst, PROTO_UDP, len);
    uint16_t check = checksum_finish(checksum_add(sum, udp, len));
    store_be16(udp + UDP_AT_CHECKSUM, check != 0 ? check : 0xffff);
}

bool gso_next(struct cutter *cut, uint8_t *to, struct packet *piece)
{
    const struct packet *whole = cut->whole;
    unsigned ip_header = whole->ip.header;
    unsigned tp_header = transport_header(whole);
    uint32_t data = whole->ip.len - ip_header - tp_header;
    if (cut->at >= data && cut->piece > 0)
        return false;

    uint32_t n = data - cut->at;
    bool last = n <= whole->vnet.gso_size;
    if (!last)
        n = whole->vnet.gso_size;
    uint8_t *ip = to + ETHERNET_HEADER;
    uint8_t *tp = ip + ip_header;
    memcpy(to, whole->frame, ETHERNET_HEADER + ip_header + tp_header);
    memcpy(tp + tp_header, transport(whole) + tp_header + cut->at, n);

    uint16_t len = (uint16_t)(ip_header + tp_header + n);
    uint16_t id = (uint16_t)(whole->ip.id + cut->piece);
    store_be16(ip + IP_AT_LENGTH, len);
    store_be16(ip + IP_AT_ID, id);
    store_be16(ip + IP_AT_CHECKSUM, 0);
    store_be16(ip + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, ip, ip_header)));
    if (whole->ip.protocol == PROTO_TCP)
        finish_tcp(cut, tp, tp_header + n, last);
    else
        finish_udp(cut, tp, tp_header + n);

    *piece = *whole;
    piece->frame = to;
    piece->len = piece->wire_len = ETHERNET_HEADER + (uint32_t)len;
    piece->vnet = (struct virtio_net_hdr){0};
    piece->ip.len = len;
    piece->ip.id = id;
    cut->at += n;
    cut->piece++;
    return true;
}
