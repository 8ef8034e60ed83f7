/* core: local delivery. Whatever arrives here ends here: as delivered, dropped, kept by reassembly, or forwarded after
 * all because its source route goes on. */
#include "forwarding/local.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/core.h"
#include "forwarding/dataplane.h"
#include "forwarding/options.h"

#define UDP_HEADER     8
#define TCP_HEADER_MIN 20

enum { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

static bool is_ours(const struct dataplane *d, uint32_t addr)
{
    const struct own *own = own_find(published(d->tables.own), addr);
    return own != NULL && own->kind == OWN_ADDRESS;
}

/* Does a transport checksum over LEN bytes of the payload hold? One that the sender left to its hardware does, since
 * the bytes never left this machine or were checked on arrival. */
static bool checksum_right(const struct packet *packet, size_t len)
{
    const struct ip *ip = &packet->ip;
    if (packet_checksum_unfinished(packet))
        return true;
    uint32_t sum = checksum_pseudo(0, ip->src, ip->dst, ip->protocol, (uint32_t)len);
    return checksum_fold(checksum_add(sum, packet_ip(packet) + ip->header, len)) == 0xffff;
}

bool udp_sound(const struct packet *packet)
{
    const uint8_t *udp = packet_ip(packet) + packet->ip.header;
    size_t room = packet->ip.len - (size_t)packet->ip.header;
    if (room < UDP_HEADER)
        return false;
    size_t len = load_be16(udp + 4);
    if (len < UDP_HEADER || len > room)
        return false;
    return load_be16(udp + 6) == 0 || checksum_right(packet, len);
}

static enum drop udp_input(struct dataplane *d, struct packet *packet, struct now now)
{
    if (!udp_sound(packet)) {
        d->udp.in_errors++;
        return DROP_UDP_MALFORMED;
    }
    uint16_t port = load_be16(packet_ip(packet) + packet->ip.header + 2);
    if (d->hooks.udp != NULL && d->hooks.udp(d->hooks.context, packet, port, now)) {
        d->udp.in_datagrams++;
        return DROP__COUNT;
    }
    d->udp.no_ports++;
    icmp_error(d, packet, (struct icmp_error){.type = ICMP_UNREACHABLE, .code = UNREACHABLE_PORT}, now);
    return DROP__COUNT;
}

/* RFC 793, "Reset Generation", case 1: there are no connections here. */
static void tcp_reset(struct dataplane *d, const struct packet *packet, const uint8_t *tcp, size_t data, struct now now)
{
    uint8_t flags = tcp[13];
    uint32_t length = (uint32_t)data + ((flags & TCP_SYN) != 0) + ((flags & TCP_FIN) != 0);
    uint8_t reset[TCP_HEADER_MIN] = {0};
    memcpy(reset, tcp + 2, 2);
    memcpy(reset + 2, tcp, 2);
    if ((flags & TCP_ACK) != 0)
        memcpy(reset + 4, tcp + 8, 4);
    else
        store_be32(reset + 8, load_be32(tcp + 4) + length);
    reset[12] = TCP_HEADER_MIN / 4 << 4;
    reset[13] = (flags & TCP_ACK) != 0 ? TCP_RST : TCP_RST | TCP_ACK;
    uint32_t sum = checksum_pseudo(0, packet->ip.dst, packet->ip.src, PROTO_TCP, sizeof reset);
    store_be16(reset + 16, checksum_finish(checksum_add(sum, reset, sizeof reset)));

    struct datagram datagram = {
        .src = packet->ip.dst,
        .dst = packet->ip.src,
        .protocol = PROTO_TCP,
        .tos = packet->ip.tos & 0xfc, /* a reset is not ECN-capable, RFC 3168 6.1.4 */
        .port = PORT_NONE,
        .data = reset,
        .len = sizeof reset,
    };
    dataplane_send(d, &datagram, now);
}

static size_t tcp_header(const struct packet *packet)
{
    return (packet_ip(packet)[packet->ip.header + 12] >> 4) * (size_t)4;
}

bool tcp_sound(const struct packet *packet)
{
    size_t len = packet->ip.len - (size_t)packet->ip.header;
    return len >= TCP_HEADER_MIN && tcp_header(packet) >= TCP_HEADER_MIN && tcp_header(packet) <= len &&
           checksum_right(packet, len);
}

bool tcp_wants_reset(const struct dataplane *d, const struct packet *packet)
{
    return (packet_ip(packet)[packet->ip.header + 13] & TCP_RST) == 0 && is_ours(d, packet->ip.dst);
}

static enum drop tcp_input(struct dataplane *d, struct packet *packet, struct now now)
{
    const uint8_t *tcp = packet_ip(packet) + packet->ip.header;
    if (!tcp_sound(packet))
        return DROP_TCP_MALFORMED;
    if (tcp_wants_reset(d, packet))
        tcp_reset(d, packet, tcp, packet->ip.len - (size_t)packet->ip.header - tcp_header(packet), now);
    return DROP__COUNT;
}

static enum drop transport(struct dataplane *d, struct packet *packet, struct now now)
{
    switch (packet->ip.protocol) {
    case PROTO_ICMP:
        return icmp_input(d, packet, now);
    case PROTO_IGMP:
        if (d->hooks.igmp != NULL)
            d->hooks.igmp(d->hooks.context, packet, now);
        return DROP__COUNT;
    case PROTO_TCP:
        return tcp_input(d, packet, now);
    case PROTO_UDP:
        return udp_input(d, packet, now);
    default:
        icmp_error(d, packet, (struct icmp_error){.type = ICMP_UNREACHABLE, .code = UNREACHABLE_PROTOCOL}, now);
        return DROP_UNKNOWN_PROTOCOL;
    }
}

/* The end of one frame that came in by PORT; DATAGRAM is false for all but one of a datagram's fragments. */
static void count_end(struct dataplane *d, unsigned port, enum drop why, bool datagram)
{
    if (why != DROP__COUNT && datagram)
        count_drop(d->counters, port, why);
    else if (port < PORT_MAX)
        count(why != DROP__COUNT ? &d->counters->port[port].drop[why] : &d->counters->port[port].delivered);
    if (why == DROP__COUNT && datagram)
        count(&d->counters->ip[IP_IN_DELIVERS]);
}

static void deliver_fragment(struct dataplane *d, struct packet *packet, struct now now)
{
    struct packet whole;
    count(&d->counters->ip[IP_REASM_REQDS]);
    d->scratch->used = 0;
    if (!reassembly_add(d->reassembly, packet, &whole, now))
        return;
    count(&d->counters->ip[IP_REASM_OKS]);
    enum drop why = transport(d, &whole, now);
    for (unsigned i = 0; i < d->scratch->used; i++)
        count_end(d, d->scratch->used_port[i], why, i == 0);
}

/* The bytes stay as they are until it leaves, unless all the rest of the route is we ourselves. */
uint32_t local_next(const struct dataplane *d, struct packet *packet, const struct options *options)
{
    const struct own_table *own = published(d->tables.own);
    if (options_next_hop(packet_ip(packet), options) == 0 || packet->port == PORT_NONE || !is_ours(d, packet->ip.dst))
        return 0;
    uint8_t header[IP_HEADER_MAX];
    memcpy(header, packet_ip(packet), packet->ip.header);
    uint32_t dst = options_follow_route(header, options, own, 0);
    if (!is_ours(d, dst))
        return dst;
    options_finish(header, packet->ip.header);
    memcpy(packet_ip(packet), header, packet->ip.header);
    packet->ip.dst = dst;
    return 0;
}

void local_deliver(struct dataplane *d, struct packet *packet, struct now now)
{
    if (packet->ip.header > IP_HEADER_MIN) {
        struct options options;
        if (!core_options(d, packet, &options, now))
            return;
        uint32_t next = local_next(d, packet, &options);
        if (next != 0) {
            core_forward(d, packet, next, &options, now);
            return;
        }
    }
    if (ip_is_fragment(&packet->ip)) {
        deliver_fragment(d, packet, now);
        return;
    }
    count_end(d, packet->port, transport(d, packet, now), true);
}
