/* pure: the way of an IPv4 packet, RFC 1812 5.2 and 5.3.
 *
 * Local or not comes before everything that only concerns packets to be forwarded: a packet to one of our addresses is
 * delivered with any TTL and with options, by whatever port it came in (the weak host model of RFC 1812 5.2.3). Of what
 * is to be forwarded, the lane may see only what is plain; options and directed broadcasts are the core's. */
#include "forwarding/forward.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"
#include "forwarding/fast_path.h"
#include "forwarding/fib.h"
#include "forwarding/fragment.h"
#include "forwarding/neighbour.h"
#include "forwarding/own.h"
#include "forwarding/port.h"

#define RIP_GROUP 0xe0000009u /* 224.0.0.9, RFC 2453 4.5 */

enum { PROTO_DCCP = 33, PROTO_SCTP = 132, PROTO_UDPLITE = 136 };

static enum verdict drop(struct packet *packet, enum drop why)
{
    packet->drop = why;
    return VERDICT_DROP;
}

static enum verdict punt(struct packet *packet, enum punt why)
{
    packet->punt = why;
    return VERDICT_PUNT;
}

static const struct port *port_at(const struct tables *tables, unsigned number)
{
    return number < PORT_MAX ? published(tables->port[number]) : NULL;
}

static bool is_link_broadcast(const uint8_t mac[MAC_LEN])
{
    static const uint8_t all_ones[MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return memcmp(mac, all_ones, MAC_LEN) == 0;
}

/* RFC 1812 5.3.7 and 4.2.2.11. DROP__COUNT: it can be a host's. */
static enum drop judge_source(const struct own_table *own, const struct ip *ip)
{
    if (ip->src == 0) /* a host that does not know its address yet speaks to its own link only, RFC 1122 3.2.1.3 */
        return addr_is_multicast(ip->dst) || addr_is_limited_broadcast(ip->dst) ? DROP__COUNT : DROP_MARTIAN_SOURCE;
    if (addr_is_this_network(ip->src) || addr_is_loopback(ip->src) || addr_is_multicast(ip->src) ||
        addr_is_class_e(ip->src))
        return DROP_MARTIAN_SOURCE;
    const struct own *is = own_find(own, ip->src);
    if (is == NULL || is->kind == OWN_NOTHING)
        return DROP__COUNT;
    return is->kind == OWN_ADDRESS ? DROP_OWN_SOURCE : DROP_MARTIAN_SOURCE;
}

/* To the broadcast of an attached subnet, IS. */
static enum verdict judge_broadcast(const struct tables *tables, const struct own *is, const struct port *port,
                                    struct packet *packet)
{
    if (is->port == port->number)
        return punt(packet, PUNT_LOCAL);
    const struct port *out = port_at(tables, is->port);
    /* RFC 2644, and RFC 1812 5.3.4: what came as a broadcast of one link is not passed on to another. */
    if (out == NULL || !out->up || !out->directed_broadcast || ethernet_is_group(packet->frame))
        return drop(packet, DROP_DIRECTED_BROADCAST);
    if (addr_is_link_local(packet->ip.src))
        return drop(packet, DROP_LINK_LOCAL);
    packet->out_port = is->port;
    packet->nexthop = packet->ip.dst;
    return punt(packet, PUNT_DIRECTED_BROADCAST);
}

static enum verdict judge_group(const struct tables *tables, const struct port *port, struct packet *packet)
{
    const struct ip *ip = &packet->ip;
    if (ip->protocol == PROTO_IGMP || (port->rip && ip->dst == RIP_GROUP && ip->protocol == PROTO_UDP))
        return punt(packet, PUNT_LOCAL);
    if (published(tables->multicast) == NULL || addr_is_local_multicast(ip->dst))
        return drop(packet, DROP_MULTICAST);
    if (ip->src == 0) /* known on its own link only, RFC 1122 3.2.1.3 */
        return drop(packet, DROP_MARTIAN_SOURCE);
    if (addr_is_link_local(ip->src)) /* RFC 3927 2.7 */
        return drop(packet, DROP_LINK_LOCAL);
    return VERDICT_MULTICAST;
}

static enum verdict judge_destination(const struct tables *tables, const struct own_table *own, const struct port *port,
                                      struct packet *packet)
{
    const struct ip *ip = &packet->ip;
    if (addr_is_multicast(ip->dst))
        return judge_group(tables, port, packet);
    if (addr_is_limited_broadcast(ip->dst)) {
        if (ethernet_is_group(packet->frame) && !is_link_broadcast(packet->frame))
            return drop(packet, DROP_LINK_BROADCAST);
        return punt(packet, PUNT_LOCAL);
    }
    if (addr_is_this_network(ip->dst) || addr_is_loopback(ip->dst) || addr_is_class_e(ip->dst))
        return drop(packet, DROP_MARTIAN_DESTINATION);

    const struct own *is = own_find(own, ip->dst);
    if (is != NULL && is->kind == OWN_BROADCAST)
        return judge_broadcast(tables, is, port, packet);
    if (ethernet_is_group(packet->frame)) /* RFC 1122 3.3.6 and RFC 1812 5.3.4 */
        return drop(packet, DROP_LINK_BROADCAST);
    if (is != NULL && is->kind == OWN_ADDRESS)
        return punt(packet, PUNT_LOCAL);

    if (addr_is_link_local(ip->dst) || addr_is_link_local(ip->src)) /* RFC 3927 2.7 */
        return drop(packet, DROP_LINK_LOCAL);
    if (ip->header > IP_HEADER_MIN)
        return punt(packet, PUNT_OPTIONS);
    return VERDICT_CONTINUE;
}

FAST_PATH enum verdict ip_check(const struct tables *tables, const struct own_table *own, const struct port *port,
                                struct packet *packet)
{
    packet->adjacency = NULL; /* of the packet that was described here before */
    if (packet->len < ETHERNET_HEADER)
        return drop(packet, DROP_RUNT);
    enum drop why = ip_parse(packet_ip(packet), packet->len - ETHERNET_HEADER, &packet->ip);
    if (why != DROP__COUNT)
        return drop(packet, why);
    if (!offload_valid(packet))
        return drop(packet, DROP_BAD_OFFLOAD);
    if (!packet_is_gso(packet))
        packet->len = packet->wire_len = ETHERNET_HEADER + (uint32_t)packet->ip.len;
    if (port->n_addresses == 0)
        return drop(packet, DROP_PORT_DOWN);
    why = judge_source(own, &packet->ip);
    if (why != DROP__COUNT)
        return drop(packet, why);
    return judge_destination(tables, own, port, packet);
}

/* The finalizer of splitmix64: every bit of the input reaches every bit of the output. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static bool has_ports(uint8_t protocol)
{
    return protocol == PROTO_TCP || protocol == PROTO_UDP || protocol == PROTO_SCTP || protocol == PROTO_DCCP ||
           protocol == PROTO_UDPLITE;
}

uint32_t ip_flow_hash(const struct packet *packet, uint64_t seed)
{
    const struct ip *ip = &packet->ip;
    uint32_t ports = 0;
    if (!ip_is_fragment(ip) && has_ports(ip->protocol) && ip->len >= ip->header + sizeof ports)
        ports = load_be32(packet_ip(packet) + ip->header);
    uint64_t hash = mix(seed ^ ((uint64_t)ip->src << 32 | ip->dst));
    return (uint32_t)mix(hash ^ ((uint64_t)ip->protocol << 32 | ports));
}

static bool hop_usable(const struct tables *tables, const struct nexthop *hop)
{
    const struct port *out = port_at(tables, hop->port);
    return out != NULL && out->up;
}

/* Highest random weight (RFC 2991 section 4 and RFC 2992): when a hop comes or goes, only flows that it wins or had won
 * change their way. */
static const struct nexthop *choose(const struct tables *tables, const struct nexthop_group *group,
                                    const struct packet *packet)
{
    if (group->n == 1)
        return hop_usable(tables, &group->hop[0]) ? &group->hop[0] : NULL;
    uint64_t flow = ip_flow_hash(packet, tables->flow_seed);
    const struct nexthop *best = NULL;
    uint64_t best_weight = 0;
    for (unsigned i = 0; i < group->n; i++) {
        const struct nexthop *hop = &group->hop[i];
        if (!hop_usable(tables, hop))
            continue;
        uint64_t weight = mix(mix((uint64_t)hop->port << 32 | hop->gateway) + flow);
        if (best == NULL || weight > best_weight) {
            best = hop;
            best_weight = weight;
        }
    }
    return best;
}

FAST_PATH enum verdict ip_route(const struct tables *tables, const struct nexthop_group *group, struct packet *packet)
{
    if (group == NULL)
        return punt(packet, PUNT_NO_ROUTE);
    switch ((enum fib_action)group->action) {
    case FIB_BLACKHOLE:
        return drop(packet, DROP_BLACKHOLE);
    case FIB_UNREACHABLE:
        return punt(packet, PUNT_UNREACHABLE);
    case FIB_PROHIBIT:
        return punt(packet, PUNT_PROHIBITED);
    case FIB_FORWARD:
        break;
    }
    const struct nexthop *hop = choose(tables, group, packet);
    if (hop == NULL)
        return drop(packet, DROP_PORT_DOWN);
    if (port_at(tables, hop->port)->loopback) /* nobody lives there but we, and it is not ours */
        return punt(packet, PUNT_UNREACHABLE);
    packet->out_port = hop->port;
    packet->nexthop = hop->gateway != 0 ? hop->gateway : packet->ip.dst;
    return VERDICT_CONTINUE;
}

/* RFC 1812 5.2.7.2: it goes back to where it came from, and its source could have sent it to the next hop itself. */
static bool wants_redirect(const struct port *out, const struct packet *packet)
{
    if (packet->port != packet->out_port || !out->redirects)
        return false;
    const struct prefix *subnet = port_subnet_of(out, packet->ip.src);
    return subnet != NULL && prefix_holds(*subnet, packet->nexthop);
}

FAST_PATH bool ip_must_fragment(const struct packet *packet, uint16_t mtu)
{
    return (packet_is_gso(packet) ? gso_segment_size(packet) : packet->ip.len) > mtu;
}

FAST_PATH bool ip_must_cut(const struct packet *packet, uint16_t mtu)
{
    return ip_must_fragment(packet, mtu) || (packet_is_gso(packet) && gso_must_cut(packet));
}

FAST_PATH enum verdict ip_prepare(const struct tables *tables, struct packet *packet, bool *redirect)
{
    *redirect = false;
    const struct port *out = port_at(tables, packet->out_port);
    if (out == NULL || !out->up)
        return drop(packet, DROP_PORT_DOWN);
    if (packet->ip.ttl <= 1 && packet->port != PORT_NONE)
        return punt(packet, PUNT_TTL);
    packet->mtu = out->mtu;
    if (ip_must_fragment(packet, out->mtu) && (packet->ip.fragment & IP_DF) != 0)
        return punt(packet, PUNT_TOO_BIG);
    if (packet->adjacency == NULL)
        packet->adjacency = neighbour_find(tables->neighbours, packet->out_port, packet->nexthop);
    if (packet->adjacency == NULL)
        return punt(packet, PUNT_RESOLVE);
    *redirect = wants_redirect(out, packet);
    return VERDICT_CONTINUE;
}

FAST_PATH void ip_commit(struct packet *packet)
{
    if (packet->port != PORT_NONE)
        ip_count_hop(packet);
    memcpy(packet->frame, packet->adjacency->ethernet, ETHERNET_HEADER);
    /* The way out can not be told that this unfinished checksum is a CRC. */
    if (packet->ip.protocol == PROTO_SCTP && packet_checksum_unfinished(packet))
        checksum_complete(packet);
}

enum verdict ip_rewrite(const struct tables *tables, struct packet *packet, bool *redirect)
{
    enum verdict verdict = ip_prepare(tables, packet, redirect);
    if (verdict == VERDICT_CONTINUE)
        ip_commit(packet);
    return verdict;
}
