/* pure: the kernel's description of work that it left to the device: a checksum to finish, segments to cut. It comes
 * with each frame, and is believed only as far as the frame's own bytes bear it out, because it says where the router
 * writes. */
#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/fast_path.h"
#include "forwarding/fragment.h"

enum { PROTO_SCTP = 132 };
enum { TCP_AT_CHECKSUM = 16 };
enum { UDP_HEADER = 8, UDP_AT_CHECKSUM = 6 };
enum { SCTP_HEADER = 12, SCTP_AT_CHECKSUM = 8 };

/* Where the bytes of IP end; padding of the frame may follow. */
static uint32_t end_of(const struct packet *packet)
{
    return ETHERNET_HEADER + (uint32_t)packet->ip.len;
}

static bool checksum_valid(const struct packet *packet)
{
    const struct virtio_net_hdr *vnet = &packet->vnet;
    uint32_t transport = ETHERNET_HEADER + (uint32_t)packet->ip.header;
    if (vnet->csum_start < transport || ip_is_fragment(&packet->ip) ||
        (uint32_t)vnet->csum_start + vnet->csum_offset + 2 > end_of(packet))
        return false;
    bool own = vnet->csum_start == transport;
    switch (packet->ip.protocol) {
    case PROTO_TCP:
        return own && vnet->csum_offset == TCP_AT_CHECKSUM;
    case PROTO_UDP:
        if (own)
            return vnet->csum_offset == UDP_AT_CHECKSUM;
        return vnet->csum_start >= transport + UDP_HEADER; /* of a packet in a tunnel: VXLAN and its like */
    case PROTO_SCTP:
        return own && vnet->csum_offset == SCTP_AT_CHECKSUM && end_of(packet) >= transport + SCTP_HEADER;
    default:
        return true; /* GRE, IP in IP: the checksum of what they carry */
    }
}

static bool gso_valid(const struct packet *packet)
{
    struct gso_headers headers;
    return packet->vnet.hdr_len <= packet->len && packet->len == end_of(packet) && gso_headers(packet, &headers);
}

FAST_PATH bool offload_valid(const struct packet *packet)
{
    if (packet_checksum_unfinished(packet) && !checksum_valid(packet))
        return false;
    return !packet_is_gso(packet) || gso_valid(packet);
}

/* RFC 9260 appendix A: CRC32c, reflected. Rare enough to go bit by bit. */
static uint32_t crc32c(const uint8_t *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0x82f63b78) & (0u - (crc & 1)));
    }
    return ~crc;
}

static void complete_sctp(uint8_t *sctp, size_t len)
{
    store_be32(sctp + SCTP_AT_CHECKSUM, 0);
    uint32_t crc = crc32c(sctp, len);
    store_be32(sctp + SCTP_AT_CHECKSUM, __builtin_bswap32(crc)); /* least significant byte first */
}

void checksum_complete(struct packet *packet)
{
    if (!packet_checksum_unfinished(packet))
        return;
    uint8_t *from = packet->frame + packet->vnet.csum_start;
    size_t len = end_of(packet) - packet->vnet.csum_start;
    if (packet->ip.protocol == PROTO_SCTP) {
        complete_sctp(from, len);
    } else {
        /* The field holds the sum of the pseudo header. A result of 0 would say "no checksum" to UDP, and 0xffff is the
         * same number to everybody. */
        uint16_t check = checksum_finish(checksum_add(0, from, len));
        store_be16(from + packet->vnet.csum_offset, check != 0 ? check : 0xffff);
    }
    packet->vnet.flags &= (uint8_t)~VIRTIO_NET_HDR_F_NEEDS_CSUM;
    packet->vnet.csum_start = packet->vnet.csum_offset = 0;
}
