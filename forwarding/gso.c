/* pure: cutting a GSO packet, which is many TCP segments or UDP datagrams under one header, into those.
 *
 * A device would do the same: IP ids count up, sequence numbers go on, what ends a stretch of data (FIN, PSH) is on the
 * last segment and what answers a congestion mark (CWR, RFC 3168 6.1.2) on the first. Checksums are summed anew: that
 * of the whole is unfinished, or of no use to its parts. Every segment of a packet in tunnels is in all of them. */
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/fragment.h"

enum { UDP_AT_LENGTH = 4, UDP_AT_CHECKSUM = 6 };
enum { TCP_AT_SEQUENCE = 4, TCP_AT_FLAGS = 13, TCP_AT_CHECKSUM = 16 };
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80 };
enum { GRE_AT_CHECKSUM = 4, GRE_CHECKSUM = 0x8000 };
enum { IPV6_HEADER = 40, IPV6_AT_LENGTH = 4, IPV6_AT_SRC = 8, IPV6_ADDRESSES = 32 };

uint32_t gso_segment_size(const struct packet *packet)
{
    struct gso_headers headers;
    if (!gso_headers(packet, &headers))
        return packet->ip.len;
    uint32_t most = headers.data - ETHERNET_HEADER + packet->vnet.gso_size;
    return most < packet->ip.len ? most : packet->ip.len;
}

bool gso_must_cut(const struct packet *packet)
{
    return packet_checksum_unfinished(packet) && packet->vnet.csum_start > ETHERNET_HEADER + packet->ip.header;
}

enum drop gso_start(struct cutter *cut, const struct packet *whole)
{
    *cut = (struct cutter){.whole = whole};
    if (!packet_is_gso(whole) || !gso_headers(whole, &cut->headers))
        return DROP_FRAGMENT_FAILED;
    return DROP__COUNT;
}

/* The sum of LEN bytes at FROM and the pseudo header that IP makes for them. */
static uint32_t sum_of(const uint8_t *ip, uint8_t version, uint8_t protocol, const uint8_t *from, uint32_t len)
{
    uint32_t sum = version == 4
                       ? checksum_pseudo(0, load_be32(ip + IP_AT_SRC), load_be32(ip + IP_AT_DST), protocol, len)
                       : checksum_pseudo(checksum_add(0, ip + IPV6_AT_SRC, IPV6_ADDRESSES), 0, 0, protocol, len);
    return checksum_add(sum, from, len);
}

static void finish_tcp(const struct cutter *cut, const struct gso_ip *ip, uint8_t *frame, uint32_t end, bool last)
{
    uint8_t *tcp = frame + ip->next;
    store_be32(tcp + TCP_AT_SEQUENCE, load_be32(tcp + TCP_AT_SEQUENCE) + cut->at);
    if (!last)
        tcp[TCP_AT_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (cut->piece > 0)
        tcp[TCP_AT_FLAGS] &= (uint8_t)~TCP_CWR;
    store_be16(tcp + TCP_AT_CHECKSUM, 0);
    uint32_t sum = sum_of(frame + ip->at, ip->version, PROTO_TCP, tcp, end - ip->next);
    store_be16(tcp + TCP_AT_CHECKSUM, checksum_finish(sum));
}

static void finish_udp(const struct gso_ip *ip, uint8_t *frame, uint32_t end, bool unfinished)
{
    uint8_t *udp = frame + ip->next;
    store_be16(udp + UDP_AT_LENGTH, (uint16_t)(end - ip->next));
    if (!unfinished && load_be16(udp + UDP_AT_CHECKSUM) == 0)
        return; /* sent without a checksum, RFC 768 */
    store_be16(udp + UDP_AT_CHECKSUM, 0);
    uint16_t check = checksum_finish(sum_of(frame + ip->at, ip->version, PROTO_UDP, udp, end - ip->next));
    store_be16(udp + UDP_AT_CHECKSUM, check != 0 ? check : 0xffff);
}

static void finish_gre(const struct gso_ip *ip, uint8_t *frame, uint32_t end)
{
    uint8_t *gre = frame + ip->next;
    if ((load_be16(gre) & GRE_CHECKSUM) == 0)
        return;
    store_be16(gre + GRE_AT_CHECKSUM, 0);
    store_be16(gre + GRE_AT_CHECKSUM, checksum_finish(checksum_add(0, gre, end - ip->next)));
}

static void finish_ip(const struct cutter *cut, const struct gso_ip *at, uint8_t *frame, uint32_t end)
{
    uint8_t *ip = frame + at->at;
    if (at->version == 6) {
        store_be16(ip + IPV6_AT_LENGTH, (uint16_t)(end - at->at - IPV6_HEADER));
        return;
    }
    store_be16(ip + IP_AT_LENGTH, (uint16_t)(end - at->at));
    store_be16(ip + IP_AT_ID, (uint16_t)(load_be16(ip + IP_AT_ID) + cut->piece));
    store_be16(ip + IP_AT_CHECKSUM, 0);
    store_be16(ip + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, ip, at->next - at->at)));
}

/* From the inside out, because the checksum of a tunnel is over all that it carries. */
static void finish(const struct cutter *cut, uint8_t *frame, uint32_t end, bool last)
{
    const struct gso_headers *h = &cut->headers;
    for (unsigned i = h->n; i-- > 0;) {
        const struct gso_ip *ip = &h->ip[i];
        bool innermost = i + 1 == h->n;
        if (ip->protocol == PROTO_TCP)
            finish_tcp(cut, ip, frame, end, last);
        else if (ip->protocol == PROTO_UDP)
            finish_udp(ip, frame, end, innermost && packet_checksum_unfinished(cut->whole));
        else if (ip->protocol == PROTO_GRE)
            finish_gre(ip, frame, end);
        finish_ip(cut, ip, frame, end);
    }
}

bool gso_next(struct cutter *cut, uint8_t *to, struct packet *piece)
{
    const struct packet *whole = cut->whole;
    uint32_t headers = cut->headers.data;
    uint32_t data = ETHERNET_HEADER + (uint32_t)whole->ip.len - headers;
    if (cut->at >= data && cut->piece > 0)
        return false;

    uint32_t n = data - cut->at;
    bool last = n <= whole->vnet.gso_size;
    if (!last)
        n = whole->vnet.gso_size;
    memcpy(to, whole->frame, headers);
    memcpy(to + headers, whole->frame + headers + cut->at, n);
    finish(cut, to, headers + n, last);

    *piece = *whole;
    piece->frame = to;
    piece->len = piece->wire_len = headers + n;
    piece->vnet = (struct virtio_net_hdr){0};
    piece->ip.len = (uint16_t)(headers + n - ETHERNET_HEADER);
    piece->ip.id = (uint16_t)(whole->ip.id + cut->piece);
    cut->at += n;
    cut->piece++;
    return true;
}
