/* pure: cutting a packet into fragments, RFC 791 3.2.
 *
 * Each piece gets the whole's header as it is on its way out, with its own length, fragment word and checksum. A whole
 * that is a fragment itself may be cut again: offsets count on from its own, and its MF stays on its last piece. */
#include "forwarding/fragment.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_COPIED = 0x80 };

/* Copies the options of FROM (a header of LEN bytes) that every fragment carries to TO, padded to whole words; returns
 * how many bytes that is. Options that make no sense end the list. */
static unsigned copy_options(uint8_t *to, const uint8_t *from, unsigned len)
{
    unsigned n = 0;
    for (unsigned at = IP_HEADER_MIN; at < len && from[at] != OPTION_END;) {
        if (from[at] == OPTION_NOP) {
            at++;
            continue;
        }
        unsigned size = at + 1 < len ? from[at + 1] : 0;
        if (size < 2 || size > len - at)
            break;
        if ((from[at] & OPTION_COPIED) != 0) {
            memcpy(to + n, from + at, size);
            n += size;
        }
        at += size;
    }
    while (n % 4 != 0)
        to[n++] = OPTION_END;
    return n;
}

/* The first piece keeps all options. Returns the length of the header that was written at TO. */
static unsigned write_header(const struct cutter *cut, uint8_t *to)
{
    const uint8_t *from = packet_ip(cut->whole);
    unsigned header = cut->whole->ip.header;
    if (cut->piece == 0) {
        memcpy(to, from, header);
        return header;
    }
    memcpy(to, from, IP_HEADER_MIN);
    header = IP_HEADER_MIN + copy_options(to + IP_HEADER_MIN, from, header);
    to[0] = (uint8_t)(0x40 | header / 4);
    return header;
}

enum drop fragment_start(struct cutter *cut, const struct packet *whole, uint16_t mtu)
{
    const struct ip *ip = &whole->ip;
    *cut = (struct cutter){.whole = whole, .mtu = mtu};
    if ((ip->fragment & IP_DF) != 0 || packet_is_gso(whole) || packet_checksum_unfinished(whole))
        return DROP_FRAGMENT_FAILED;
    if (ip->len > mtu && mtu < ip->header + 8)
        return DROP_FRAGMENT_FAILED;
    if (ip_offset(ip) + ip->len - ip->header > IP_PACKET_MAX)
        return DROP_FRAGMENT_FAILED;
    return DROP__COUNT;
}

bool fragment_next(struct cutter *cut, uint8_t *to, struct packet *piece)
{
    const struct packet *whole = cut->whole;
    uint32_t data = (uint32_t)whole->ip.len - whole->ip.header;
    if (cut->at >= data && cut->piece > 0)
        return false;

    memcpy(to, whole->frame, ETHERNET_HEADER);
    uint8_t *ip = to + ETHERNET_HEADER;
    unsigned header = write_header(cut, ip);
    uint32_t n = data - cut->at;
    bool last = header + n <= cut->mtu;
    if (!last)
        n = (cut->mtu - header) & ~7u;
    memcpy(ip + header, packet_ip(whole) + whole->ip.header + cut->at, n);

    unsigned flags = whole->ip.fragment & ~IP_OFFSET;
    unsigned fragment = ((ip_offset(&whole->ip) + cut->at) / 8) | flags | (last ? 0 : IP_MF);
    uint16_t len = (uint16_t)(header + n);
    store_be16(ip + IP_AT_LENGTH, len);
    store_be16(ip + IP_AT_FRAGMENT, (uint16_t)fragment);
    store_be16(ip + IP_AT_CHECKSUM, 0);
    store_be16(ip + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, ip, header)));

    *piece = *whole;
    piece->frame = to;
    piece->len = piece->wire_len = ETHERNET_HEADER + (uint32_t)len;
    piece->vnet = (struct virtio_net_hdr){0};
    piece->ip.len = len;
    piece->ip.fragment = (uint16_t)fragment;
    piece->ip.header = (uint8_t)header;
    cut->at += n;
    cut->piece++;
    return true;
}
