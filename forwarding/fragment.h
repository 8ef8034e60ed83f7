/* pure: cutting a packet for a smaller MTU, RFC 791 3.2, and GSO packets into segments. Both write new frames into
 * memory that the caller gives, so lanes and the core do the same. */
#ifndef FORWARDING_FRAGMENT_H
#define FORWARDING_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/packet.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* since Linux 6.2; older headers lack it */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define GSO_DEPTH 4 /* IP headers of a GSO packet: its own, and those of what it carries through tunnels */

struct gso_ip {
    uint32_t at, next; /* where it begins, and what follows it, counted from the frame */
    uint8_t version, protocol;
};

struct gso_headers {
    unsigned n;
    struct gso_ip ip[GSO_DEPTH]; /* from the packet's own inwards */
    uint32_t transport;          /* the TCP or UDP header that is cut with its data */
    uint32_t data;               /* what is cut */
};

/* Hands out finished pieces, one at a time, in order. */
struct cutter {
    const struct packet *whole; /* frame final: Ethernet header, TTL and checksum are those of the pieces */
    struct gso_headers headers; /* of a GSO packet */
    uint32_t at;                /* bytes of its data that are done */
    uint16_t mtu;
    uint16_t piece; /* how many were handed out */
};

/* Most bytes that one piece takes. */
#define CUT_PIECE_MAX(mtu) (ETHERNET_HEADER + (uint32_t)(mtu))

/* Starts cutting WHOLE (not GSO; checksum finished) into fragments of at most MTU bytes of IP, with the options that
 * are copied (RFC 791) in all but the first. DROP_FRAGMENT_FAILED when it cannot be done (DF is set, or the MTU has no
 * room for 8 bytes of data, or it is a fragment that reaches beyond 65535), else DROP__COUNT. A WHOLE that fits comes
 * out as it is. */
enum drop fragment_start(struct cutter *cut, const struct packet *whole, uint16_t mtu);

/* Writes the next fragment at TO (room for CUT_PIECE_MAX), describes it in *piece (copied from the whole; frame = TO).
 * False when all are out. */
bool fragment_next(struct cutter *cut, uint8_t *to, struct packet *piece);

/* The same for a TCP or UDP GSO packet: segments of gso_size with their own IP id, lengths, sequence numbers, flags and
 * finished checksums. A segment may be larger than the MTU, and is then for fragment_start. */
enum drop gso_start(struct cutter *cut, const struct packet *whole);
bool gso_next(struct cutter *cut, uint8_t *to, struct packet *piece);

/* Most bytes of IP that a segment of this GSO packet takes: headers and gso_size. */
uint32_t gso_segment_size(const struct packet *packet);

/* Whether it can not leave whole although its segments fit: it is in a tunnel. The header by which the kernel describes
 * a GSO packet has no word for that, and a device would cut the tunnel's packet where it should cut what it carries. */
bool gso_must_cut(const struct packet *packet);

/* The headers of a GSO packet. False when they are not what its description says. */
bool gso_headers(const struct packet *packet, struct gso_headers *headers);

/* Whether the offload description (virtio_net_hdr) of a received packet makes sense for its bytes and its IP header; a
 * packet that fails this is dropped as DROP_BAD_OFFLOAD. ip_check calls it. */
bool offload_valid(const struct packet *packet);

/* Finishes a NEEDS_CSUM checksum in the bytes and clears the flag. Only for a packet that offload_valid has passed. */
void checksum_complete(struct packet *packet);

#endif
