/* core: the way of a packet, gone dry. Its order is that of lane.c, core.c and local.c, and it asks the same functions;
 * what differs is what is done with the answers. The fuzzer holds the two against each other. */
#include "forwarding/explain.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/core.h"
#include "forwarding/ethernet.h"
#include "forwarding/explain_internal.h"
#include "forwarding/forward.h"
#include "forwarding/fragment.h"
#include "forwarding/local.h"
#include "forwarding/options.h"

static void note_error(struct walk *w, struct icmp_error error)
{
    struct explain_step *step = add(w, EXPLAIN_ERROR);
    step->error.says = error;
    step->error.fate = icmp_error_fate(w->d, w->packet, error, w->now);
    step->error.dst = w->packet->ip.src;
    step->error.src = dataplane_source_for(w->d, w->packet->ip.src);
}

static void refuse(struct walk *w, enum drop why, struct icmp_error error)
{
    note_error(w, error);
    drop(w, why);
}

static void source_route_failed(struct walk *w)
{
    refuse(w, DROP_SOURCE_ROUTE, (struct icmp_error){.type = ICMP_UNREACHABLE, .code = UNREACHABLE_SOURCE_ROUTE});
}

/* False: it ends here. */
static bool judge_options(struct walk *w, struct options *options)
{
    struct icmp_error error;
    enum drop why = core_judge_options(w->d, w->packet, options, &error);
    if (why != DROP__COUNT) {
        refuse(w, why, error);
        return false;
    }
    struct explain_step *step = add(w, EXPLAIN_OPTIONS);
    step->options.record_route = options->record_route != 0;
    step->options.timestamp = options->timestamp != 0;
    step->options.source_route = options->source_route != 0;
    step->options.strict = options->strict;
    return true;
}

/* ---- the way out ---- */

static void note_neighbour(struct walk *w)
{
    struct explain_step *step = add(w, EXPLAIN_NEIGHBOUR);
    step->addr = w->packet->nexthop;
    step->port = w->packet->out_port;
    step->neighbour.known = neighbour_look(w->d->neighbours, step->port, step->addr, &step->neighbour.view, w->now);
}

static void resolve(struct walk *w)
{
    const struct port *out = dataplane_port(w->d, w->packet->out_port);
    note_neighbour(w);
    bool known = w->to->step[w->to->n - 1].neighbour.known;
    unsigned waiting = known ? w->to->step[w->to->n - 1].neighbour.view.waiting : 0;
    note_punt(w, PUNT_RESOLVE);
    enum drop why = out == NULL ? DROP_PORT_DOWN : neighbour_judge(out, w->packet->nexthop);
    if (why != DROP__COUNT) {
        if (why == DROP_NEIGHBOUR_FAILED)
            note_error(w, (struct icmp_error){.type = ICMP_UNREACHABLE, .code = UNREACHABLE_HOST});
        drop(w, why);
        return;
    }
    add(w, EXPLAIN_WAITS)->n = waiting;
    w->to->out_port = w->packet->out_port;
    end(w, EXPLAIN_HELD);
}

static void note_size(struct walk *w)
{
    const struct packet *packet = w->packet;
    struct explain_step *step = add(w, EXPLAIN_SIZE);
    step->port = packet->out_port;
    step->mtu = packet->mtu;
    step->size.df = (packet->ip.fragment & IP_DF) != 0;
    step->size.len = packet_is_gso(packet) ? gso_segment_size(packet) : packet->ip.len;
    step->size.gso_len = packet_is_gso(packet) ? packet->ip.len : 0;
}

/* Cuts it as whoever sends it would, and counts the pieces. */
static enum drop cut_fragments(struct walk *w, struct packet *whole, uint32_t *pieces)
{
    struct cutter cut;
    struct packet piece;
    if (whole->ip.len <= w->packet->mtu) {
        ++*pieces;
        return DROP__COUNT;
    }
    if (packet_checksum_unfinished(whole))
        checksum_complete(whole);
    enum drop why = fragment_start(&cut, whole, w->packet->mtu);
    while (why == DROP__COUNT && fragment_next(&cut, w->d->scratch->piece + FRAME_ALIGN, &piece))
        ++*pieces;
    return why;
}

static enum drop cut_segments(struct walk *w, uint32_t *segments, uint32_t *pieces)
{
    struct cutter cut;
    struct packet segment;
    enum drop why = gso_start(&cut, w->packet);
    while (why == DROP__COUNT && gso_next(&cut, w->d->scratch->segment + FRAME_ALIGN, &segment)) {
        ++*segments;
        why = cut_fragments(w, &segment, pieces);
    }
    return why;
}

enum drop explain_cut(struct walk *w, uint32_t *segments, uint32_t *pieces)
{
    struct packet *packet = w->packet;
    *segments = *pieces = 0;
    if (!ip_must_cut(packet, packet->mtu))
        return DROP__COUNT;
    return packet_is_gso(packet) ? cut_segments(w, segments, pieces) : cut_fragments(w, packet, pieces);
}

static void output(struct walk *w)
{
    struct packet *packet = w->packet;
    uint32_t segments, pieces;
    w->to->out_port = packet->out_port;
    enum drop why = explain_cut(w, &segments, &pieces);
    if (segments > 0)
        add(w, EXPLAIN_SEGMENTS)->n = segments;
    if (pieces > segments) {
        struct explain_step *step = add(w, EXPLAIN_FRAGMENTS);
        step->n = pieces;
        step->mtu = packet->mtu;
    }
    if (why != DROP__COUNT)
        drop(w, why);
    else
        end(w, EXPLAIN_FORWARDED);
}

static void note_redirect(struct walk *w)
{
    enum redirect_fate fate = redirect_fate(w->d, w->packet, w->now);
    if (fate == REDIRECT_NONE)
        return;
    struct explain_step *step = add(w, EXPLAIN_REDIRECT);
    step->redirect = fate;
    step->addr = w->packet->nexthop;
}

static void rewrite(struct walk *w)
{
    struct packet *packet = w->packet;
    struct explain_step *step = add(w, EXPLAIN_REWRITE);
    step->rewrite.was_ttl = packet->ip.ttl;
    ip_commit(packet);
    step->rewrite.ttl = packet->ip.ttl;
    memcpy(step->rewrite.dst, packet->frame, MAC_LEN);
    memcpy(step->rewrite.src, packet->frame + MAC_LEN, MAC_LEN);
}

static void refuse_punted(struct walk *w)
{
    struct icmp_error error;
    enum drop why = core_refusal(w->packet, &error);
    refuse(w, why, error);
}

static void prepared(struct walk *w)
{
    struct packet *packet = w->packet;
    bool redirect;
    enum verdict verdict = ip_prepare(&w->d->tables, packet, &redirect);
    if (verdict == VERDICT_DROP) {
        add(w, EXPLAIN_NO_HOP)->port = packet->out_port;
        drop(w, packet->drop);
        return;
    }
    if (verdict == VERDICT_PUNT && packet->punt == PUNT_TTL) {
        add(w, EXPLAIN_TTL)->n = packet->ip.ttl;
        note_punt(w, PUNT_TTL);
        refuse_punted(w);
        return;
    }
    note_size(w);
    if (verdict == VERDICT_PUNT && packet->punt == PUNT_TOO_BIG) {
        note_punt(w, PUNT_TOO_BIG);
        refuse_punted(w);
        return;
    }
    if (verdict == VERDICT_PUNT) {
        resolve(w);
        return;
    }
    if (packet->adjacency->number < NEIGHBOUR_MAX)
        note_neighbour(w);
    if (redirect)
        note_redirect(w);
    rewrite(w);
    output(w);
}

static void note_hop(struct walk *w, const struct nexthop_group *group, const struct packet *routed)
{
    struct explain_step *step = add(w, EXPLAIN_HOP);
    step->port = routed->out_port;
    step->addr = routed->nexthop;
    step->hop.hops = group->n;
    step->hop.flow = ip_flow_hash(routed, w->d->tables.flow_seed);
    for (unsigned i = 0; i < group->n; i++) {
        const struct port *out = dataplane_port(w->d, group->hop[i].port);
        step->hop.usable += out != NULL && out->up;
        step->hop.gateway |= group->hop[i].gateway == routed->nexthop && group->hop[i].port == routed->out_port;
    }
}

static void forward(struct walk *w, uint32_t dst, const struct options *options)
{
    struct packet *packet = w->packet;
    bool routed_by_source = dst != packet->ip.dst;
    if (routed_by_source && !core_may_be_next(w->d, dst)) {
        add(w, EXPLAIN_NOT_NEXT)->addr = dst;
        source_route_failed(w);
        return;
    }
    struct packet routed = *packet;
    struct prefix matched;
    routed.ip.dst = dst;
    const struct nexthop_group *group = fib_lookup(w->d->tables.fib, dst, &matched);
    if (group != NULL) {
        struct explain_step *step = add(w, EXPLAIN_ROUTE);
        step->route.prefix = matched;
        step->route.action = group->action;
        step->route.hops = group->n;
    } else {
        add(w, EXPLAIN_NO_ROUTE)->addr = dst;
    }
    switch (ip_route(&w->d->tables, group, &routed)) {
    case VERDICT_DROP:
        if (routed.drop == DROP_PORT_DOWN)
            add(w, EXPLAIN_NO_HOP);
        drop(w, routed.drop);
        return;
    case VERDICT_PUNT:
        packet->punt = routed.punt;
        note_punt(w, routed.punt);
        if (routed_by_source && routed.punt == PUNT_NO_ROUTE)
            source_route_failed(w);
        else
            refuse_punted(w);
        return;
    case VERDICT_CONTINUE:
    case VERDICT_MULTICAST: /* only of ip_check */
        break;
    }
    note_hop(w, group, &routed);
    if (options != NULL && options->strict && routed.nexthop != dst) {
        add(w, EXPLAIN_STRICT)->addr = dst;
        source_route_failed(w);
        return;
    }
    packet->out_port = routed.out_port;
    packet->nexthop = routed.nexthop;
    packet->adjacency = NULL;
    prepared(w);
}

static void forward_broadcast(struct walk *w)
{
    static const uint8_t all[MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct packet *packet = w->packet;
    const struct port *out = dataplane_port(w->d, packet->out_port);
    struct options options;
    struct explain_step *step = add(w, EXPLAIN_BROADCAST);
    step->addr = packet->ip.dst;
    step->port = packet->out_port;
    if (packet->ip.header > IP_HEADER_MIN && !judge_options(w, &options))
        return;
    if (out == NULL || !out->up) {
        drop(w, DROP_PORT_DOWN);
        return;
    }
    struct adjacency everybody = {.port = out->number, .mtu = out->mtu, .number = NEIGHBOUR_MAX};
    ethernet_write(everybody.ethernet, all, out->mac, ETHERTYPE_IPV4);
    packet->adjacency = &everybody;
    prepared(w);
    packet->adjacency = NULL;
}

/* ---- for the router itself ---- */

static struct explain_step *note_transport(struct walk *w, enum explain_transport what)
{
    struct explain_step *step = add(w, EXPLAIN_TRANSPORT);
    step->transport.what = what;
    step->transport.protocol = w->packet->ip.protocol;
    return step;
}

/* A checksum over bytes that are not here is taken for right. */
static bool all_here(struct walk *w)
{
    const struct packet *packet = w->packet;
    if (w->kept >= ETHERNET_HEADER + (uint32_t)packet->ip.len || packet_checksum_unfinished(packet))
        return true;
    add(w, EXPLAIN_CUT_SHORT)->n = w->kept;
    return false;
}

static bool to_one_address(const struct walk *w)
{
    const struct own *own = own_find(published(w->d->tables.own), w->packet->ip.dst);
    return own != NULL && own->kind == OWN_ADDRESS;
}

static void icmp(struct walk *w)
{
    const struct packet *packet = w->packet;
    if (all_here(w) && !icmp_sound(packet)) {
        drop(w, DROP_ICMP_MALFORMED);
        return;
    }
    uint8_t type = packet_ip(packet)[packet->ip.header];
    bool request = type == ICMP_ECHO || type == ICMP_TIMESTAMP;
    bool ignored = type == ICMP_REDIRECT || type == ICMP_INFORMATION || type == ICMP_MASK;
    const struct port *port = dataplane_port(w->d, packet->port);
    bool mask = type == ICMP_MASK && port != NULL && port->mask_reply;
    enum explain_transport what = TRANSPORT_ICMP;
    if ((request && to_one_address(w)) || mask)
        what = TRANSPORT_ANSWERED;
    else if (request || ignored)
        what = TRANSPORT_IGNORED;
    note_transport(w, what)->transport.type = type;
    end(w, EXPLAIN_DELIVERED);
}

static void udp(struct walk *w)
{
    if (all_here(w) && !udp_sound(w->packet)) {
        drop(w, DROP_UDP_MALFORMED);
        return;
    }
    bool anybody = w->d->hooks.udp != NULL;
    struct explain_step *step = note_transport(w, anybody ? TRANSPORT_UDP : TRANSPORT_UDP_NOBODY);
    step->transport.port = load_be16(packet_ip(w->packet) + w->packet->ip.header + 2);
    if (!anybody)
        note_error(w, (struct icmp_error){.type = ICMP_UNREACHABLE, .code = UNREACHABLE_PORT});
    end(w, EXPLAIN_DELIVERED);
}

static void tcp(struct walk *w)
{
    if (all_here(w) && !tcp_sound(w->packet)) {
        drop(w, DROP_TCP_MALFORMED);
        return;
    }
    bool reset = tcp_wants_reset(w->d, w->packet);
    struct explain_step *step = note_transport(w, reset ? TRANSPORT_TCP_RESET : TRANSPORT_TCP);
    step->transport.port = load_be16(packet_ip(w->packet) + w->packet->ip.header + 2);
    end(w, EXPLAIN_DELIVERED);
}

static void collect(struct walk *w)
{
    struct reassembly_view view;
    enum drop why = reassembly_judge(w->d->reassembly, w->packet, &view);
    struct explain_step *step = add(w, EXPLAIN_COLLECT);
    step->n = view.n;
    step->collect.held = view.held;
    step->collect.end = view.end;
    if (why != DROP__COUNT) {
        drop(w, why);
        return;
    }
    w->to->completes = view.end != 0 && view.held == view.end;
    end(w, w->to->completes ? EXPLAIN_DELIVERED : EXPLAIN_HELD);
}

static void deliver(struct walk *w)
{
    struct packet *packet = w->packet;
    const struct own *own = own_find(published(w->d->tables.own), packet->ip.dst);
    struct explain_step *step = add(w, EXPLAIN_OURS);
    step->addr = packet->ip.dst;
    step->port = own != NULL ? own->port : PORT_NONE;
    step->group = own == NULL || own->kind != OWN_ADDRESS;
    struct options options;
    if (packet->ip.header > IP_HEADER_MIN) {
        if (!judge_options(w, &options))
            return;
        uint32_t next = local_next(w->d, packet, &options);
        if (next != 0) {
            add(w, EXPLAIN_NEXT)->addr = next;
            forward(w, next, &options);
            return;
        }
    }
    if (ip_is_fragment(&packet->ip)) {
        collect(w);
        return;
    }
    switch (packet->ip.protocol) {
    case PROTO_ICMP:
        icmp(w);
        return;
    case PROTO_IGMP:
        note_transport(w, TRANSPORT_IGMP);
        end(w, EXPLAIN_DELIVERED);
        return;
    case PROTO_TCP:
        tcp(w);
        return;
    case PROTO_UDP:
        udp(w);
        return;
    default:
        note_transport(w, TRANSPORT_UNKNOWN);
        refuse(w, DROP_UNKNOWN_PROTOCOL, (struct icmp_error){.type = ICMP_UNREACHABLE, .code = UNREACHABLE_PROTOCOL});
    }
}

/* ---- the beginning ---- */

static void ip(struct walk *w, const struct port *port)
{
    struct packet *packet = w->packet;
    struct options options;
    enum verdict verdict = ip_check(&w->d->tables, published(w->d->tables.own), port, packet);
    w->to->ip = packet->ip;
    if (verdict == VERDICT_DROP) {
        drop(w, packet->drop);
        return;
    }
    add(w, EXPLAIN_IP);
    if (verdict == VERDICT_CONTINUE) {
        forward(w, packet->ip.dst, NULL);
        return;
    }
    if (verdict == VERDICT_MULTICAST) {
        explain_multicast(w);
        return;
    }
    note_punt(w, packet->punt);
    switch (packet->punt) {
    case PUNT_LOCAL:
        deliver(w);
        return;
    case PUNT_DIRECTED_BROADCAST:
        forward_broadcast(w);
        return;
    default: /* PUNT_OPTIONS: ip_check has no other */
        if (judge_options(w, &options))
            forward(w, packet->ip.dst, &options);
    }
}

void explain(struct dataplane *d, struct packet *packet, uint32_t kept, bool control, struct now now,
             struct explanation *to)
{
    struct walk w = {.d = d, .packet = packet, .kept = kept, .control = control, .now = now, .to = to};
    const struct port *port = dataplane_port(d, packet->port);
    uint16_t type;
    to->n = 0;
    to->end = EXPLAIN_DROPPED;
    to->drop = DROP__COUNT;
    to->out_port = PORT_NONE;
    to->punt = PUNT__COUNT;
    to->completes = false;
    to->ip = packet->ip = (struct ip){0};
    packet->adjacency = NULL;
    if (ethernet_check(port, packet, &type) == VERDICT_DROP) {
        drop(&w, packet->drop);
        return;
    }
    add(&w, EXPLAIN_FRAME)->group = ethernet_is_group(packet->frame);
    if (type == ETHERTYPE_IPV4) {
        ip(&w, port);
        return;
    }
    if (!control) {
        drop(&w, DROP_NOT_IP);
        return;
    }
    struct explain_step *step = add(&w, EXPLAIN_ARP);
    enum drop why = arp_judge(&d->arp, port, packet, &step->arp);
    if (why == DROP__COUNT) {
        end(&w, EXPLAIN_ARP_TAKEN);
        return;
    }
    to->n--; /* not a valid one */
    drop(&w, why);
}
