/* core: the slow path. A packet comes from a control socket and goes the whole way here, or from a lane that has found
 * out what is unusual about it. Every packet that comes in ends in exactly one place: core_output (forwarded, or the
 * device's reason), core_drop, local delivery, or the neighbour table, which ends it later by one of its hooks.
 *
 * The bytes of a packet stay as they came in until it is known that it leaves: errors quote it untouched, and a packet
 * that waits for its neighbour may still become one. What is written into options goes into a copy. */
#include "forwarding/core.h"

#include <string.h>

#include "forwarding/dataplane.h"
#include "forwarding/ethernet.h"
#include "forwarding/forward.h"
#include "forwarding/fragment.h"
#include "forwarding/local.h"
#include "forwarding/options.h"

/* Most packets of one lane that go out before a new neighbour is published; a lane that keeps punting must not keep us
 * here. */
#define DRAIN_RESOLVE_MOST 1024

#define DRAIN_TRACE_MOST 32 /* of one lane in one call: explaining is slow */

void core_drop(struct dataplane *d, const struct packet *packet, enum drop why)
{
    count_drop(d->counters, packet->port, why);
}

void core_refuse(struct dataplane *d, const struct packet *packet, enum drop why, struct icmp_error error,
                 struct now now)
{
    icmp_error(d, packet, error, now);
    core_drop(d, packet, why);
}

/* ---- output ---- */

static enum drop transmit(struct dataplane *d, struct packet *packet)
{
    struct packet *const one[] = {packet};
    struct port_counters *c = &d->counters->port[packet->out_port];
    enum drop why;
    if (d->transmit->send(d->transmit, packet->out_port, one, 1, &why) == 1) {
        count(&c->tx_packets);
        count_add(&c->tx_bytes, packet->len);
        count(&d->counters->ip[IP_OUT_TRANSMITS]);
        return DROP__COUNT;
    }
    count(why == DROP_TX_FULL ? &c->tx_drops : &c->tx_errors);
    return why;
}

static enum drop transmit_cut(struct dataplane *d, struct packet *packet, uint16_t mtu)
{
    if (packet->ip.len <= mtu)
        return transmit(d, packet);
    uint64_t *stats = d->counters->ip;
    count(&stats[IP_OUT_FRAG_REQDS]);
    if (packet_checksum_unfinished(packet))
        checksum_complete(packet);
    struct cutter cut;
    struct packet piece;
    enum drop why = fragment_start(&cut, packet, mtu);
    while (why == DROP__COUNT && fragment_next(&cut, d->scratch->piece + FRAME_ALIGN, &piece)) {
        count(&stats[IP_OUT_FRAG_CREATES]);
        why = transmit(d, &piece);
    }
    if (why == DROP__COUNT)
        count(&stats[IP_OUT_FRAG_OKS]);
    return why;
}

static enum drop transmit_segments(struct dataplane *d, struct packet *packet, uint16_t mtu)
{
    struct cutter cut;
    struct packet segment;
    enum drop why = gso_start(&cut, packet);
    while (why == DROP__COUNT && gso_next(&cut, d->scratch->segment + FRAME_ALIGN, &segment))
        why = transmit_cut(d, &segment, mtu);
    return why;
}

enum drop core_transmit(struct dataplane *d, struct packet *packet)
{
    const struct port *out = dataplane_port(d, packet->out_port);
    if (out == NULL)
        return DROP_PORT_DOWN;
    if (!ip_must_cut(packet, out->mtu))
        return transmit(d, packet);
    return packet_is_gso(packet) ? transmit_segments(d, packet, out->mtu) : transmit_cut(d, packet, out->mtu);
}

enum drop core_output(struct dataplane *d, struct packet *packet, struct now now)
{
    const struct adjacency *adjacency = packet->adjacency;
    if (adjacency != NULL && adjacency->number < NEIGHBOUR_MAX)
        d->scratch->neighbour_used[adjacency->number] = (uint32_t)(now.ns / NS_PER_S);
    enum drop why = core_transmit(d, packet);
    if (why != DROP__COUNT) {
        core_drop(d, packet, why);
    } else if (packet->port != PORT_NONE) {
        count(&d->counters->port[packet->port].forwarded);
        count(&d->counters->ip[IP_OUT_FORW_DATAGRAMS]);
    }
    return why;
}

/* ---- forwarding ---- */

uint32_t core_router_id(const struct dataplane *d)
{
    uint32_t id = 0;
    for (unsigned i = 0; i < PORT_MAX; i++) {
        const struct port *port = dataplane_port(d, i);
        if (port == NULL || port->n_addresses == 0)
            continue;
        if (port->loopback)
            return port->addresses[0].addr;
        if (id == 0)
            id = port->addresses[0].addr;
    }
    return id;
}

uint32_t core_source(const struct dataplane *d, const struct port *port, uint32_t dst, uint32_t nexthop)
{
    const struct prefix *subnet = port_subnet_of(port, dst);
    uint32_t source = subnet != NULL ? subnet->addr : port_source_for(port, nexthop);
    return source != 0 ? source : core_router_id(d);
}

enum drop core_judge_options(const struct dataplane *d, const struct packet *packet, struct options *options,
                             struct icmp_error *error)
{
    const struct port *port = dataplane_port(d, packet->port);
    uint8_t pointer;
    if (!options_parse(packet_ip(packet), packet->ip.header, options, &pointer)) {
        *error = (struct icmp_error){.type = ICMP_PARAMETER_PROBLEM, .word = (uint32_t)pointer << 24};
        return DROP_BAD_OPTION;
    }
    if (options->source_route != 0 && port != NULL && !port->source_route) {
        *error = (struct icmp_error){.type = ICMP_UNREACHABLE, .code = UNREACHABLE_SOURCE_ROUTE};
        return DROP_SOURCE_ROUTE;
    }
    return DROP__COUNT;
}

bool core_options(struct dataplane *d, const struct packet *packet, struct options *options, struct now now)
{
    struct icmp_error error;
    enum drop why = core_judge_options(d, packet, options, &error);
    if (why != DROP__COUNT)
        core_refuse(d, packet, why, error, now);
    return why == DROP__COUNT;
}

struct packet core_stamped(struct dataplane *d, const struct packet *packet, struct now now)
{
    struct packet work = *packet;
    struct options options;
    uint8_t pointer;
    if (packet->ip.header == IP_HEADER_MIN || packet->port == PORT_NONE || packet->len > FRAME_ROOM)
        return work;
    if (!options_parse(packet_ip(packet), packet->ip.header, &options, &pointer))
        return work;
    work.frame = d->scratch->work + FRAME_ALIGN;
    memcpy(work.frame, packet->frame, packet->len);

    const struct own_table *own = published(d->tables.own);
    uint32_t record = core_source(d, dataplane_port(d, packet->out_port), packet->ip.dst, packet->nexthop);
    work.ip.dst = options_follow_route(packet_ip(&work), &options, own, record);
    options_stamp(packet_ip(&work), &options, own, record, now);
    options_finish(packet_ip(&work), work.ip.header);
    return work;
}

static void core_punted(struct dataplane *d, struct packet *packet, struct now now);

void core_routed(struct dataplane *d, struct packet *packet, struct now now)
{
    bool redirect;
    switch (ip_prepare(&d->tables, packet, &redirect)) {
    case VERDICT_DROP:
        core_drop(d, packet, packet->drop);
        return;
    case VERDICT_PUNT:
        core_punted(d, packet, now);
        return;
    case VERDICT_CONTINUE:
    case VERDICT_MULTICAST: /* only of ip_check */
        break;
    }
    if (redirect)
        redirect_consider(d, packet, now);
    struct packet work = core_stamped(d, packet, now);
    ip_commit(&work);
    core_output(d, &work, now);
}

bool core_may_be_next(const struct dataplane *d, uint32_t addr)
{
    return own_find(published(d->tables.own), addr) == NULL && addr_is_forwardable(addr);
}

static void source_route_failed(struct dataplane *d, const struct packet *packet, struct now now)
{
    core_refuse(d, packet, DROP_SOURCE_ROUTE,
                (struct icmp_error){.type = ICMP_UNREACHABLE, .code = UNREACHABLE_SOURCE_ROUTE}, now);
}

void core_forward(struct dataplane *d, struct packet *packet, uint32_t dst, const struct options *options,
                  struct now now)
{
    bool routed_by_source = dst != packet->ip.dst;
    count(&d->counters->ip[IP_IN_FORW_DATAGRAMS]);
    if (routed_by_source && !core_may_be_next(d, dst)) {
        source_route_failed(d, packet, now);
        return;
    }
    struct packet routed = *packet;
    routed.ip.dst = dst;
    switch (ip_route(&d->tables, fib_lookup(d->tables.fib, dst, NULL), &routed)) {
    case VERDICT_DROP:
        core_drop(d, packet, routed.drop);
        return;
    case VERDICT_PUNT: /* RFC 1812 5.2.4.3 */
        packet->punt = routed.punt;
        if (routed_by_source && routed.punt == PUNT_NO_ROUTE)
            source_route_failed(d, packet, now);
        else
            core_punted(d, packet, now);
        return;
    case VERDICT_CONTINUE:
    case VERDICT_MULTICAST:
        break;
    }
    /* A strict route names every router, so the next one must be a neighbour. */
    if (options != NULL && options->strict && routed.nexthop != dst) {
        source_route_failed(d, packet, now);
        return;
    }
    packet->out_port = routed.out_port;
    packet->nexthop = routed.nexthop;
    packet->adjacency = NULL;
    core_routed(d, packet, now);
}

/* RFC 2644: allowed by the port that it goes out by, or it would not have come this far. */
static void forward_broadcast(struct dataplane *d, struct packet *packet, struct now now)
{
    static const uint8_t all[MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct port *out = dataplane_port(d, packet->out_port);
    struct options options;
    count(&d->counters->ip[IP_IN_FORW_DATAGRAMS]);
    if (packet->ip.header > IP_HEADER_MIN && !core_options(d, packet, &options, now))
        return;
    if (out == NULL || !out->up) {
        core_drop(d, packet, DROP_PORT_DOWN);
        return;
    }
    struct adjacency everybody = {.port = out->number, .mtu = out->mtu, .number = NEIGHBOUR_MAX};
    ethernet_write(everybody.ethernet, all, out->mac, ETHERTYPE_IPV4);
    struct packet copy = *packet;
    copy.adjacency = &everybody;
    core_routed(d, &copy, now);
}

static void forward_with_options(struct dataplane *d, struct packet *packet, struct now now)
{
    struct options options;
    if (addr_is_multicast(packet->ip.dst))
        core_multicast(d, packet, now);
    else if (core_options(d, packet, &options, now))
        core_forward(d, packet, packet->ip.dst, &options, now);
}

static void resolve(struct dataplane *d, struct packet *packet, struct now now)
{
    const struct port *out = dataplane_port(d, packet->out_port);
    packet->adjacency = NULL;
    if (out == NULL || !out->up)
        core_drop(d, packet, DROP_PORT_DOWN);
    else
        neighbour_output(d->neighbours, out, packet, now);
}

enum drop core_refusal(const struct packet *packet, struct icmp_error *error)
{
    *error = (struct icmp_error){.type = ICMP_UNREACHABLE};
    switch (packet->punt) {
    case PUNT_TTL:
        error->type = ICMP_TIME_EXCEEDED;
        return DROP_TTL;
    case PUNT_NO_ROUTE:
        error->code = UNREACHABLE_NET;
        return DROP_NO_ROUTE;
    case PUNT_UNREACHABLE:
        error->code = UNREACHABLE_HOST;
        return DROP_UNREACHABLE;
    case PUNT_PROHIBITED:
        error->code = UNREACHABLE_PROHIBITED;
        return DROP_PROHIBITED;
    case PUNT_TOO_BIG:
        error->code = UNREACHABLE_FRAGMENTATION;
        error->word = packet->mtu;
        return DROP_TOO_BIG;
    default:
        return DROP__COUNT;
    }
}

/* Does what a step of the way wants done with PACKET: packet->punt. */
static void core_punted(struct dataplane *d, struct packet *packet, struct now now)
{
    struct icmp_error error;
    enum drop why;
    switch (packet->punt) {
    case PUNT_LOCAL:
        local_deliver(d, packet, now);
        return;
    case PUNT_OPTIONS:
        forward_with_options(d, packet, now);
        return;
    case PUNT_DIRECTED_BROADCAST:
        forward_broadcast(d, packet, now);
        return;
    case PUNT_RESOLVE:
        resolve(d, packet, now);
        return;
    case PUNT_MULTICAST:
        core_multicast(d, packet, now);
        return;
    case PUNT_REDIRECT:
        redirect_consider(d, packet, now);
        return;
    case PUNT_TTL:
    case PUNT_NO_ROUTE:
    case PUNT_UNREACHABLE:
    case PUNT_PROHIBITED:
    case PUNT_TOO_BIG:
        why = core_refusal(packet, &error);
        core_refuse(d, packet, why, error, now);
        return;
    case PUNT_TRACE:
        trace_copy(d, packet, now);
        return;
    case PUNT__COUNT:
        return;
    }
}

/* ---- what comes in ---- */

static void receive_ip(struct dataplane *d, const struct port *port, struct packet *packet, struct now now)
{
    count(&d->counters->ip[IP_IN_RECEIVES]);
    switch (ip_check(&d->tables, published(d->tables.own), port, packet)) {
    case VERDICT_DROP:
        core_drop(d, packet, packet->drop);
        break;
    case VERDICT_PUNT:
        core_punted(d, packet, now);
        break;
    case VERDICT_MULTICAST:
        count(&d->counters->ip[IP_IN_FORW_DATAGRAMS]);
        core_multicast(d, packet, now);
        break;
    case VERDICT_CONTINUE:
        core_forward(d, packet, packet->ip.dst, NULL, now);
        break;
    }
}

void dataplane_receive(struct dataplane *d, struct packet *packet, struct now now)
{
    if (packet->port >= PORT_MAX)
        return;
    d->scratch->now_ns = now.ns;
    if (trace_wanted(&d->tables))
        trace_control(d, packet, now);
    const struct port *port = dataplane_port(d, packet->port);
    struct port_counters *c = &d->counters->port[packet->port];
    count(&c->rx_packets);
    count_add(&c->rx_bytes, packet->wire_len);

    uint16_t type;
    if (ethernet_check(port, packet, &type) == VERDICT_DROP) {
        core_drop(d, packet, packet->drop);
        return;
    }
    if (type == ETHERTYPE_IPV4) {
        receive_ip(d, port, packet, now);
        return;
    }
    enum drop why = arp_input(&d->arp, port, packet, now);
    if (why == DROP__COUNT)
        count(&c->arp);
    else
        core_drop(d, packet, why);
}

/* One packet of one ring. False if there is none. */
static bool take(struct dataplane *d, struct lane *lane, enum punt_class class, struct now now)
{
    struct packet packet;
    if (!punt_get(&lane->punts, class, &packet))
        return false;
    /* copies: the lane has counted the packet itself */
    if (packet.punt != PUNT_REDIRECT && packet.punt != PUNT_TRACE)
        count(&d->counters->port[packet.port].taken);
    core_punted(d, &packet, now);
    punt_done(&lane->punts, class);
    return true;
}

bool dataplane_drain(struct dataplane *d, unsigned most, struct now now)
{
    struct core_scratch *s = d->scratch;
    unsigned rings = d->n_lanes * PUNT_CLASS__COUNT;
    if (s->draining)
        return false;
    s->draining = true;
    /* Explained before the core changes by what came along with them. */
    for (unsigned i = 0; i < d->n_lanes; i++)
        for (unsigned n = 0; n < DRAIN_TRACE_MOST && take(d, d->lanes[i], PUNT_CLASS_TRACE, now);)
            n++;
    for (unsigned empty = 0; most > 0 && empty < rings;) {
        s->turn = (s->turn + 1) % rings;
        if (take(d, d->lanes[s->turn / PUNT_CLASS__COUNT], s->turn % PUNT_CLASS__COUNT, now)) {
            most--;
            empty = 0;
        } else {
            empty++;
        }
    }
    s->draining = false;
    multicast_settle(d);
    for (unsigned i = 0; i < d->n_lanes; i++)
        if (!punts_empty(&d->lanes[i]->punts))
            return true;
    return false;
}

void core_drain_resolve(struct dataplane *d, struct now now)
{
    /* A record that is being worked on is still in its ring; it must not be taken twice. */
    if (d->scratch->draining)
        return;
    d->scratch->draining = true;
    for (unsigned i = 0; i < d->n_lanes; i++)
        for (unsigned n = 0; n < DRAIN_RESOLVE_MOST && take(d, d->lanes[i], PUNT_CLASS_RESOLVE, now);)
            n++;
    d->scratch->draining = false;
}
