/* pure: the headers of a GSO packet, down to the TCP or UDP that is cut.
 *
 * Of a packet in a tunnel the kernel says only where its innermost checksum begins. What lies between that and the
 * packet's own IP header is found by the IP headers on the way: each must reach to the very end of the packet and, of
 * version 4, have a right checksum, and the last must end where the checksum begins. So a tunnel's own header needs not
 * be understood, whatever its length and UDP port: VXLAN, Geneve, GRE, FOU, IP in IP. */
#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/fragment.h"

enum { PROTO_ROUTING = 43, PROTO_HOP_OPTIONS = 0, PROTO_DESTINATION_OPTIONS = 60 };
enum { IPV6_HEADER = 40, IPV6_AT_LENGTH = 4, IPV6_AT_NEXT = 6 };
enum { TCP_HEADER_MIN = 20, TCP_AT_DATA = 12, TCP_AT_CHECKSUM = 16 };
enum { UDP_HEADER = 8, UDP_AT_CHECKSUM = 6 };
enum { HEADERS_MOST = 512 }; /* bytes before the transport's: no tunnels of GSO_DEPTH need more */
enum { GRE_HEADER = 4, GRE_SEQUENCE = 0x1000 };

/* The IPv4 header at AT, of a packet that ends at END. False if there is none. */
static bool read_ipv4(const uint8_t *frame, uint32_t at, uint32_t end, struct gso_ip *to)
{
    struct ip ip;
    if (ip_parse(frame + at, end - at, &ip) != DROP__COUNT || at + ip.len != end || ip_is_fragment(&ip))
        return false;
    *to = (struct gso_ip){.at = at, .next = at + ip.header, .version = 4, .protocol = ip.protocol};
    return true;
}

static bool read_ipv6(const uint8_t *frame, uint32_t at, uint32_t end, struct gso_ip *to)
{
    const uint8_t *ip = frame + at;
    if (end - at < IPV6_HEADER || ip[0] >> 4 != 6 || load_be16(ip + IPV6_AT_LENGTH) != end - at - IPV6_HEADER)
        return false;
    *to = (struct gso_ip){.at = at, .next = at + IPV6_HEADER, .version = 6, .protocol = ip[IPV6_AT_NEXT]};
    while (to->protocol == PROTO_HOP_OPTIONS || to->protocol == PROTO_ROUTING ||
           to->protocol == PROTO_DESTINATION_OPTIONS) {
        if (end - to->next < 8)
            return false;
        const uint8_t *extension = frame + to->next;
        to->protocol = extension[0];
        to->next += 8u + extension[1] * 8u;
        if (to->next > end)
            return false;
    }
    return true;
}

static uint32_t tunnel_header_least(uint8_t protocol)
{
    return protocol == PROTO_UDP ? UDP_HEADER : protocol == PROTO_GRE ? GRE_HEADER : 0;
}

/* The next IP header inside OUTER that may lead to the header at TRANSPORT. */
static bool find_inner(const uint8_t *frame, const struct gso_ip *outer, uint32_t transport, uint32_t end,
                       struct gso_ip *to)
{
    uint32_t at = outer->next + tunnel_header_least(outer->protocol);
    if (outer->protocol == PROTO_GRE && at <= transport && (load_be16(frame + outer->next) & GRE_SEQUENCE) != 0)
        return false; /* its segments would be repeats of one number */
    for (; at + IP_HEADER_MIN <= transport; at += 2)
        if ((read_ipv4(frame, at, end, to) || read_ipv6(frame, at, end, to)) && to->next <= transport)
            return true;
    return false;
}

/* Is what begins at h->transport the kind of thing that TYPE says, with its checksum where the kernel says? */
static bool find_data(const struct packet *packet, uint8_t type, uint32_t end, struct gso_headers *h)
{
    const struct gso_ip *inner = &h->ip[h->n - 1];
    bool tcp = type != VIRTIO_NET_HDR_GSO_UDP_L4;
    uint32_t room = end - h->transport, header = UDP_HEADER;
    if (inner->protocol != (tcp ? PROTO_TCP : PROTO_UDP) || room < (tcp ? TCP_HEADER_MIN : UDP_HEADER))
        return false;
    if (type == VIRTIO_NET_HDR_GSO_TCPV4 ? inner->version != 4 : tcp && inner->version != 6)
        return false;
    if (packet_checksum_unfinished(packet) && packet->vnet.csum_offset != (tcp ? TCP_AT_CHECKSUM : UDP_AT_CHECKSUM))
        return false;
    if (tcp)
        header = (packet->frame[h->transport + TCP_AT_DATA] >> 4) * 4u;
    h->data = h->transport + header;
    return header <= room && (!tcp || header >= TCP_HEADER_MIN);
}

bool gso_headers(const struct packet *packet, struct gso_headers *h)
{
    const struct ip *ip = &packet->ip;
    uint32_t end = ETHERNET_HEADER + (uint32_t)ip->len;
    uint8_t type = packet->vnet.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
    if (packet->vnet.gso_size == 0 || ip_is_fragment(ip) || packet->len < end)
        return false;
    if (type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6 && type != VIRTIO_NET_HDR_GSO_UDP_L4)
        return false;
    h->n = 1;
    h->ip[0] = (struct gso_ip){
        .at = ETHERNET_HEADER, .next = ETHERNET_HEADER + (uint32_t)ip->header, .version = 4, .protocol = ip->protocol};
    h->transport = packet_checksum_unfinished(packet) ? packet->vnet.csum_start : h->ip[0].next;
    if (h->transport < h->ip[0].next || h->transport > end || h->transport > HEADERS_MOST)
        return false;
    while (h->ip[h->n - 1].next != h->transport) {
        if (h->n == GSO_DEPTH || !find_inner(packet->frame, &h->ip[h->n - 1], h->transport, end, &h->ip[h->n]))
            return false;
        h->n++;
    }
    return find_data(packet, type, end, h);
}
