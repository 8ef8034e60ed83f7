/* core: redirects. A host that takes no heed is told again after 1 s, 2 s, 4 s and so on, and forgotten when it has not
 * come this way for a while. The table is a hash without chains: a newcomer takes the place of a pair that was told
 * more than a second ago, so no place sends more than one a second however many pairs share it. */
#include "forwarding/redirect.h"

#include "forwarding/core.h"
#include "forwarding/dataplane.h"
#include "forwarding/icmp.h"
#include "forwarding/options.h"

#define TOLD_MOST 6 /* the longest wait is 2^6 = 64 s */
#define FORGET_NS (2 * (NS_PER_S << TOLD_MOST))

static struct redirect *entry_of(const struct dataplane *d, const struct ip *ip)
{
    uint64_t h = ((uint64_t)ip->src << 32 | ip->dst) ^ d->tables.flow_seed;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return &d->scratch->redirects.entry[(h >> 32) & (REDIRECT_MAX - 1)];
}

static bool is_due(struct redirect *r, const struct ip *ip, struct now now)
{
    uint64_t since = now.ns - r->told_ns;
    bool same = r->told_ns != 0 && r->src == ip->src && r->dst == ip->dst;
    if (!same || since >= FORGET_NS) {
        if (r->told_ns != 0 && since < NS_PER_S)
            return false;
        *r = (struct redirect){.src = ip->src, .dst = ip->dst, .told_ns = now.ns};
        return true;
    }
    if (since < NS_PER_S << r->told)
        return false;
    if (r->told < TOLD_MOST)
        r->told++;
    r->told_ns = now.ns;
    return true;
}

static bool is_source_routed(const struct packet *packet)
{
    struct options options;
    uint8_t pointer;
    return !options_parse(packet_ip(packet), packet->ip.header, &options, &pointer) || options.source_route != 0;
}

static bool is_wanted(const struct dataplane *d, const struct packet *packet)
{
    const struct port *port = dataplane_port(d, packet->port);
    if (port == NULL || !port->redirects || packet->out_port != packet->port || packet->nexthop == packet->ip.src)
        return false;
    const struct prefix *subnet = port_subnet_of(port, packet->ip.src);
    if (subnet == NULL || !prefix_holds(*subnet, packet->nexthop))
        return false;
    return !is_source_routed(packet) && icmp_error_allowed(published(d->tables.own), packet);
}

enum redirect_fate redirect_fate(const struct dataplane *d, const struct packet *packet, struct now now)
{
    struct redirect entry = *entry_of(d, &packet->ip);
    if (!is_wanted(d, packet))
        return REDIRECT_NONE;
    return is_due(&entry, &packet->ip, now) ? REDIRECT_SENT : REDIRECT_TOLD;
}

void redirect_consider(struct dataplane *d, const struct packet *packet, struct now now)
{
    if (is_wanted(d, packet) && is_due(entry_of(d, &packet->ip), &packet->ip, now))
        icmp_error(d, packet, (struct icmp_error){.type = ICMP_REDIRECT, .code = 1, .word = packet->nexthop}, now);
}
