/* core: ICMP messages to the router, RFC 1812 4.3.3: requests are answered in place, errors and replies are handed to
 * whoever asked, the rest is ignored. */
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/core.h"
#include "forwarding/dataplane.h"
#include "forwarding/icmp.h"
#include "forwarding/options.h"

#define ICMP_HEADER 8

/* The least length of a message of TYPE: what we are going to look at. */
static unsigned least_length(uint8_t type)
{
    switch (type) {
    case ICMP_UNREACHABLE:
    case ICMP_SOURCE_QUENCH:
    case ICMP_REDIRECT:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM:
        return ICMP_HEADER + IP_HEADER_MIN + 8; /* the quoted header and 64 bits of its data, RFC 792 */
    case ICMP_TIMESTAMP:
    case ICMP_TIMESTAMP_REPLY:
        return 20;
    case ICMP_MASK:
    case ICMP_MASK_REPLY:
        return 12;
    default:
        return ICMP_HEADER;
    }
}

static bool is_unicast(const struct dataplane *d, const struct packet *packet)
{
    const struct own *own = own_find(published(d->tables.own), packet->ip.dst);
    return own != NULL && own->kind == OWN_ADDRESS;
}

/* Sends the message back to where it came from, from the address that it was sent to: TOS and precedence, record route
 * and timestamp (with our stamp) and the source route (backwards) are the request's. */
static void reply(struct dataplane *d, struct packet *packet, uint8_t type, size_t len, struct now now)
{
    uint8_t *ip = packet_ip(packet), *message = ip + packet->ip.header;
    struct reflected back = {.first_hop = packet->ip.src};
    struct options options;
    uint8_t pointer;
    if (packet->ip.header > IP_HEADER_MIN && options_parse(ip, packet->ip.header, &options, &pointer)) {
        options_stamp(ip, &options, published(d->tables.own), packet->ip.dst, now);
        options_reflect(ip, &options, true, packet->ip.src, &back);
    }
    message[0] = type;
    message[1] = 0;
    struct datagram datagram = {
        .src = packet->ip.dst,
        .dst = back.first_hop,
        .tos = packet->ip.tos,
        .options = back.bytes,
        .options_len = back.len,
        .port = PORT_NONE,
    };
    icmp_send(d, &datagram, message, len, now);
}

static void timestamp(struct dataplane *d, struct packet *packet, struct now now)
{
    uint8_t *message = packet_ip(packet) + packet->ip.header;
    uint32_t time = options_time(now);
    store_be32(message + 12, time); /* received */
    store_be32(message + 16, time); /* sent */
    reply(d, packet, ICMP_TIMESTAMP_REPLY, 20, now);
}

/* RFC 950, where it is switched on. It is a question about the link, so only of who is on the link; a host that does
 * not know its own address yet is answered by broadcast if there is but one answer (RFC 1812 4.3.3.9). */
static void mask(struct dataplane *d, const struct packet *packet, struct now now)
{
    const struct port *port = dataplane_port(d, packet->port);
    if (port == NULL || !port->mask_reply || port->n_addresses == 0)
        return;
    bool nobody = packet->ip.src == 0;
    const struct prefix *subnet = nobody ? &port->addresses[0] : port_subnet_of(port, packet->ip.src);
    for (unsigned i = 0; nobody && i < port->n_addresses; i++)
        if (port->addresses[i].len != subnet->len)
            return;
    if (subnet == NULL)
        return;
    uint8_t message[12];
    memcpy(message, packet_ip(packet) + packet->ip.header, sizeof message);
    message[0] = ICMP_MASK_REPLY;
    message[1] = 0;
    store_be32(message + 8, prefix_mask(subnet->len));
    struct datagram datagram = {
        .src = subnet->addr,
        .dst = nobody ? UINT32_MAX : packet->ip.src,
        .tos = packet->ip.tos,
        .port = packet->port,
    };
    icmp_send(d, &datagram, message, sizeof message, now);
}

bool icmp_sound(const struct packet *packet)
{
    const uint8_t *message = packet_ip(packet) + packet->ip.header;
    size_t len = packet->ip.len - (size_t)packet->ip.header;
    if (len < ICMP_HEADER)
        return false;
    if (!packet_checksum_unfinished(packet) && checksum_fold(checksum_add(0, message, len)) != 0xffff)
        return false;
    return len >= least_length(message[0]);
}

enum drop icmp_input(struct dataplane *d, struct packet *packet, struct now now)
{
    const uint8_t *message = packet_ip(packet) + packet->ip.header;
    size_t len = packet->ip.len - (size_t)packet->ip.header;
    d->icmp.in_msgs++;
    if (!icmp_sound(packet)) {
        d->icmp.in_errors++;
        return DROP_ICMP_MALFORMED;
    }
    uint8_t type = message[0];
    d->icmp.in[type]++;
    icmp_debug(d, "heard from", packet->port, packet->ip.src, message);

    bool unicast = is_unicast(d, packet);
    switch (type) {
    case ICMP_ECHO: /* RFC 1812 4.3.3.6 lets a broadcast go unanswered, and everybody does */
        if (unicast)
            reply(d, packet, ICMP_ECHO_REPLY, len, now);
        break;
    case ICMP_TIMESTAMP:
        if (unicast)
            timestamp(d, packet, now);
        break;
    case ICMP_MASK:
        mask(d, packet, now);
        break;
    case ICMP_REDIRECT: /* a router knows its routes: RFC 1812 4.3.3.2 */
    case ICMP_INFORMATION:
        break;
    default:
        if (d->hooks.icmp != NULL)
            d->hooks.icmp(d->hooks.context, packet, now);
        break;
    }
    return DROP__COUNT;
}
