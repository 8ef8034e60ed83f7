/* core: multicast packets that a lane does not forward by itself: the first one of a stream, and those with options. */
#include "forwarding/core.h"

#include "forwarding/forward.h"
#include "forwarding/multicast_internal.h"
#include "forwarding/options.h"

enum drop core_multicast_options(const struct dataplane *d, const struct packet *packet, struct options *options)
{
    struct icmp_error nobody_hears_it;
    enum drop why = core_judge_options(d, packet, options, &nobody_hears_it);
    return why == DROP__COUNT && options->source_route != 0 ? DROP_SOURCE_ROUTE : why;
}

static enum drop send_copy(struct dataplane *d, struct packet *packet, unsigned port, struct now now)
{
    const struct port *out = dataplane_port(d, port);
    enum drop why = multicast_obstacle(out, packet);
    if (why != DROP__COUNT)
        return why;
    packet->out_port = (uint16_t)port;
    packet->nexthop = packet->ip.dst;
    struct packet work = core_stamped(d, packet, now);
    multicast_address(&work, out->mac);
    return core_transmit(d, &work);
}

static void replicate(struct dataplane *d, struct packet *packet, const struct multicast_way *way, struct now now)
{
    enum drop lost = DROP__COUNT;
    bool left = false;
    uint8_t ttl = packet->ip.ttl;
    multicast_commit(packet);
    for (unsigned i = 0; i < way->n; i++) {
        if (ttl <= way->out[i].threshold)
            continue;
        enum drop why = send_copy(d, packet, way->out[i].port, now);
        left |= why == DROP__COUNT;
        if (why == DROP__COUNT)
            continue;
        count(&d->multicast->use[way->number].lost);
        if (lost == DROP__COUNT)
            lost = why;
    }
    multicast_end(d->counters, packet, left, lost);
}

void core_multicast(struct dataplane *d, struct packet *packet, struct now now)
{
    const struct multicast_way *way;
    struct options options;
    enum verdict verdict = ip_multicast(&d->tables, packet, &way);
    if (verdict == VERDICT_PUNT && packet->punt == PUNT_MULTICAST) {
        way = multicast_learn(d, packet, now);
        if (way == NULL) {
            core_drop(d, packet, DROP_MULTICAST_LIMIT);
            return;
        }
        verdict = multicast_judge(way, packet);
    }
    if (way != NULL)
        multicast_count(&d->multicast->use[way->number], packet, verdict, now);
    enum drop why = DROP__COUNT;
    if (verdict == VERDICT_DROP)
        why = packet->drop;
    else if (verdict == VERDICT_PUNT)
        why = core_multicast_options(d, packet, &options);
    if (why != DROP__COUNT)
        core_drop(d, packet, why);
    else
        replicate(d, packet, way, now);
}
