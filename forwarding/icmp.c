/* core: ICMP errors: may it be sent, how often, what does it quote, and from which address. */
#include "forwarding/icmp.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/core.h"
#include "forwarding/dataplane.h"
#include "forwarding/ethernet.h"
#include "forwarding/options.h"

#define ERROR_MAX     576 /* bytes of the whole ICMP datagram, RFC 1812 4.3.2.3 */
#define ICMP_HEADER   8
#define BY_DEST_RATE  100
#define BY_DEST_BURST 50
#define PRECEDENCE_6  0xc0 /* internetwork control, RFC 1812 4.3.2.5 */
#define TOS_BITS      0x1c /* RFC 1349's less the two that ECN took (RFC 3168): an error is never ECN-capable */
#define CHECKSUM_AT   2

static const char *const type_names[] = {
    [ICMP_ECHO_REPLY] = "echoReply",
    [ICMP_UNREACHABLE] = "destUnreach",
    [ICMP_SOURCE_QUENCH] = "sourceQuench",
    [ICMP_REDIRECT] = "redirect",
    [ICMP_ECHO] = "echo",
    [ICMP_ROUTER_ADVERTISEMENT] = "routerAdvertisement",
    [ICMP_ROUTER_SOLICITATION] = "routerSolicitation",
    [ICMP_TIME_EXCEEDED] = "timeExceeded",
    [ICMP_PARAMETER_PROBLEM] = "parmProb",
    [ICMP_TIMESTAMP] = "timestamp",
    [ICMP_TIMESTAMP_REPLY] = "timestampReply",
    [ICMP_INFORMATION] = "infoRequest",
    [ICMP_INFORMATION_REPLY] = "infoReply",
    [ICMP_MASK] = "addrMask",
    [ICMP_MASK_REPLY] = "addrMaskReply",
};

const char *icmp_type_name(uint8_t type)
{
    return type < sizeof type_names / sizeof type_names[0] ? type_names[type] : NULL;
}

/* Errors, and types that nobody we know of uses, which may be errors. */
static bool may_be_error(uint8_t type)
{
    switch (type) {
    case ICMP_ECHO_REPLY:
    case ICMP_ECHO:
    case ICMP_ROUTER_ADVERTISEMENT:
    case ICMP_ROUTER_SOLICITATION:
    case ICMP_TIMESTAMP:
    case ICMP_TIMESTAMP_REPLY:
    case ICMP_INFORMATION:
    case ICMP_INFORMATION_REPLY:
    case ICMP_MASK:
    case ICMP_MASK_REPLY:
    case 42: /* extended echo, RFC 8335 */
    case 43:
        return false;
    default:
        return true;
    }
}

static bool is_broadcast(const struct own_table *own, uint32_t addr)
{
    const struct own *found = own_find(own, addr);
    return found != NULL && found->kind == OWN_BROADCAST;
}

/* 0/8, 127/8, and all from 224/4 up: no one host. */
static bool is_no_host(uint32_t addr)
{
    return addr_is_this_network(addr) || addr_is_loopback(addr) || addr_is_multicast(addr) || addr_is_class_e(addr);
}

bool icmp_error_allowed(const struct own_table *own, const struct packet *packet)
{
    const struct ip *ip = &packet->ip;
    if (ip_offset(ip) != 0)
        return false;
    if (ethernet_is_group(packet->frame))
        return false;
    if (is_no_host(ip->src) || is_broadcast(own, ip->src))
        return false;
    if (is_no_host(ip->dst) || is_broadcast(own, ip->dst))
        return false;
    if (ip->protocol != PROTO_ICMP)
        return true;
    if (ip->len <= ip->header || packet->len <= ETHERNET_HEADER + (uint32_t)ip->header)
        return false; /* whatever it was */
    return !may_be_error(packet_ip(packet)[ip->header]);
}

/* RFC 1812 4.3.2.8. Those about the MTU have buckets of their own: path MTU discovery dies without them. */
static bool is_too_big(struct icmp_error error)
{
    return error.type == ICMP_UNREACHABLE && error.code == UNREACHABLE_FRAGMENTATION;
}

static unsigned bucket_by_destination(const struct dataplane *d, uint32_t dst)
{
    uint64_t hash = (dst ^ d->tables.flow_seed) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(hash >> 56) % ICMP_BY_DESTINATION;
}

static bool take_tokens(const struct dataplane *d, struct bucket *by_destination, struct bucket *total, struct now now)
{
    return d->icmp_rate == 0 || (bucket_take(by_destination, BY_DEST_RATE, BY_DEST_BURST, now.ns) &&
                                 bucket_take(total, d->icmp_rate, d->icmp_burst, now.ns));
}

static bool within_limits(struct dataplane *d, struct icmp_error error, uint32_t dst, struct now now)
{
    struct icmp *icmp = &d->icmp;
    unsigned at = bucket_by_destination(d, dst);
    return is_too_big(error) ? take_tokens(d, &icmp->too_big_destination[at], &icmp->too_big_total, now)
                             : take_tokens(d, &icmp->destination[at], &icmp->total, now);
}

static bool switched_off(const struct dataplane *d, const struct packet *packet, struct icmp_error error)
{
    const struct port *port = dataplane_port(d, packet->port);
    return port != NULL && !port->unreachables && error.type == ICMP_UNREACHABLE &&
           error.code != UNREACHABLE_FRAGMENTATION;
}

/* The sender's transport checksum may be the hardware's to finish, that is, not right yet in the bytes that we have;
 * its sender could not tell a quote of it from a forgery. */
static void finish_quoted_checksum(const struct packet *packet, uint8_t *quote, size_t len)
{
    uint32_t start = packet->vnet.csum_start, field = start + packet->vnet.csum_offset;
    if (!packet_checksum_unfinished(packet) || packet->len < packet->wire_len || start < ETHERNET_HEADER ||
        start >= packet->len || field - ETHERNET_HEADER + 2 > len)
        return;
    uint16_t check = checksum_finish(checksum_add(0, packet->frame + start, packet->len - start));
    if (check == 0 && packet->ip.protocol == PROTO_UDP)
        check = 0xffff;
    store_be16(quote + field - ETHERNET_HEADER, check);
}

/* RFC 1812 4.3.2.6: an error about a source-routed packet goes back the way it came, unless it complains about that. */
static void route_back(const struct dataplane *d, const struct packet *packet, struct icmp_error error,
                       struct reflected *to)
{
    *to = (struct reflected){.first_hop = packet->ip.src};
    const struct port *port = dataplane_port(d, packet->port);
    struct options options;
    uint8_t pointer;
    if (port == NULL || !port->source_route || error.type == ICMP_PARAMETER_PROBLEM)
        return;
    if (options_parse(packet_ip(packet), packet->ip.header, &options, &pointer))
        options_reflect(packet_ip(packet), &options, false, packet->ip.src, to);
}

enum icmp_fate icmp_error_fate(const struct dataplane *d, const struct packet *packet, struct icmp_error error,
                               struct now now)
{
    if (!icmp_error_allowed(published(d->tables.own), packet))
        return ICMP_NOT_ALLOWED;
    if (switched_off(d, packet, error))
        return ICMP_SWITCHED_OFF;
    unsigned at = bucket_by_destination(d, packet->ip.src);
    struct bucket by_destination = is_too_big(error) ? d->icmp.too_big_destination[at] : d->icmp.destination[at];
    struct bucket total = is_too_big(error) ? d->icmp.too_big_total : d->icmp.total;
    return take_tokens(d, &by_destination, &total, now) ? ICMP_SENT : ICMP_LIMITED;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

void icmp_debug(const struct dataplane *d, const char *way, unsigned port, uint32_t peer, const uint8_t *message)
{
    char text[ADDR_TEXT];
    const char *name = icmp_type_name(message[0]);
    debug_if(&d->debug, DEBUG_ICMP, port, peer, "icmp %s (type %u, code %u) %s %s", name != NULL ? name : "message",
             message[0], message[1], way, addr_text(peer, text));
}

bool icmp_send(struct dataplane *d, struct datagram *datagram, uint8_t *message, size_t len, struct now now)
{
    store_be16(message + CHECKSUM_AT, 0);
    store_be16(message + CHECKSUM_AT, checksum_finish(checksum_add(0, message, len)));
    datagram->protocol = PROTO_ICMP;
    datagram->data = message;
    datagram->len = len;
    bool sent = dataplane_send(d, datagram, now) == SEND_OK;
    icmp_debug(d, sent ? "sent to" : "could not be sent to", datagram->port, datagram->dst, message);
    if (!sent) {
        d->icmp.out_errors++;
        return false;
    }
    d->icmp.out_msgs++;
    d->icmp.out[message[0]]++;
    return true;
}

void icmp_error(struct dataplane *d, const struct packet *packet, struct icmp_error error, struct now now)
{
    if (!icmp_error_allowed(published(d->tables.own), packet) || switched_off(d, packet, error))
        return;
    if (!within_limits(d, error, packet->ip.src, now)) {
        d->icmp.out_rate_limited++;
        icmp_debug(d, "over the limit, not sent to", packet->port, packet->ip.src, (uint8_t[]){error.type, error.code});
        return;
    }
    struct reflected back;
    route_back(d, packet, error, &back);

    uint8_t message[ERROR_MAX] = {error.type, error.code};
    store_be32(message + 4, error.word);
    size_t quoted = min_size(packet->ip.len, packet->len - ETHERNET_HEADER);
    quoted = min_size(quoted, ERROR_MAX - IP_HEADER_MIN - ICMP_HEADER - (size_t)back.len);
    memcpy(message + ICMP_HEADER, packet_ip(packet), quoted);
    finish_quoted_checksum(packet, message + ICMP_HEADER, quoted);

    struct datagram datagram = {
        .dst = back.first_hop,
        .tos = PRECEDENCE_6 | (packet->ip.tos & TOS_BITS),
        .options = back.bytes,
        .options_len = back.len,
        /* A redirect's receiver is on that link whatever the routes say, and must hear it from an address there. */
        .port = error.type == ICMP_REDIRECT ? packet->port : PORT_NONE,
    };
    icmp_send(d, &datagram, message, ICMP_HEADER + quoted, now);
}
