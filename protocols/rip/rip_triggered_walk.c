/* What there is to tell a peer of RFC 2091's exchange. It is RFC 2091's appendix A with the list of routes, which is in
 * the order of changes, in place of route numbers: a marker stands behind what was told, so that what a peer must hear
 * costs what has changed.
 *
 * What is told counts as believed from then on, since it is repeated until it is acknowledged. */
#include "protocols/rip/rip_peer.h"

#include <stdlib.h>

#define SLICE_ROUTES  1000
#define SUMMARIES_MAX 4096 /* of one peer */
#define TOLD_UNKNOWN  255  /* the peer may believe it or not */

struct peer_summary {
    struct peer_summary *next_due;
    struct prefix prefix;
    bool due;
    bool fresh;   /* one of its routes came by since everything is told anew */
    uint8_t told; /* metric; 0: none, or unreachable */
};

bool rip_walk_open(struct rip *rip, struct rip_peer *peer)
{
    struct outlet *outlet = &peer->outlet;
    outlet->interface = peer->neighbour->interface;
    outlet->summaries = &peer->summaries;
    outlet->at.marker = true;
    patricia_init(&peer->summaries, &later_at_once);
    return rip_outlet_take_slot(rip, outlet);
}

void rip_walk_keep(struct rip *rip, const struct rip_peer *peer, bool keep)
{
    uint64_t bit = UINT64_C(1) << peer->outlet.slot % 64, *of = &rip->slots_kept[peer->outlet.slot / 64];
    *of = keep ? *of | bit : *of & ~bit;
}

bool rip_triggered_keeps(const struct rip *rip, const struct rip_route *route)
{
    uint64_t kept = 0;
    for (unsigned i = 0; i < RIP_OUTLETS_MAX / 64; i++)
        kept |= route->told[i] & rip->slots_kept[i];
    return kept != 0;
}

void rip_walk_close(struct rip *rip, struct rip_peer *peer)
{
    rip_walk_keep(rip, peer, false);
    rip_link_remove(&peer->outlet.at);
    rip_outlet_free_slot(rip, &peer->outlet);
    patricia_clear(&peer->summaries, free);
}

static void make_due(struct rip_peer *peer, struct peer_summary *summary)
{
    if (summary->due)
        return;
    summary->due = true;
    summary->next_due = peer->due;
    peer->due = summary;
}

void rip_walk_begin(struct rip *rip, struct rip_peer *peer, bool forgotten)
{
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    rip_link_remove(&peer->outlet.at);
    rip_link_insert_before(&peer->outlet.at, rip->routes.next);
    peer->outlet.n_entries = 0;
    peer->all = true;
    peer->all_until = rip->changes;
    peer->told_until = 0;
    while (patricia_next(&peer->summaries, &cursor, &prefix, &value)) {
        struct peer_summary *summary = value;
        summary->fresh = false;
        if (forgotten)
            summary->told = TOLD_UNKNOWN;
        make_due(peer, summary);
    }
}

bool rip_walk_is_pending(const struct rip *rip, const struct rip_peer *peer)
{
    return peer->all || peer->due != NULL || peer->told_until < rip->changes;
}

static void came_by(struct rip_peer *peer, struct prefix prefix)
{
    struct peer_summary *summary = patricia_find(&peer->summaries, prefix);
    if (summary == NULL) {
        summary = peer->summaries.count < SUMMARIES_MAX ? calloc(1, sizeof *summary) : NULL;
        if (summary == NULL)
            return;
        summary->prefix = prefix;
        if (!patricia_set(&peer->summaries, prefix, summary, NULL)) {
            free(summary);
            return;
        }
    }
    summary->fresh = true;
    make_due(peer, summary);
}

/* The next hop is always the sender: RFC 2091 5.3. */
static void add(struct rip_peer *peer, struct prefix prefix, unsigned metric, uint16_t tag)
{
    peer->outlet.entries[peer->outlet.n_entries++] = (struct rip_entry){
        .family = RIP_FAMILY_IP,
        .tag = tag,
        .addr = prefix.addr,
        .mask = prefix_mask(prefix.len),
        .metric = metric,
    };
}

static void tell_route(struct rip_peer *peer, struct rip_route *route)
{
    struct prefix summary;
    unsigned metric = rip_outlet_metric(&peer->outlet, route, &summary);
    bool told = rip_outlet_was_told(&peer->outlet, route);
    bool summarized = metric == RIP_SUMMARIZED;
    if (summarized && !peer->leaving)
        came_by(peer, summary);
    if (summarized || peer->leaving)
        metric = 0;
    if (metric == 0 && told)
        metric = RIP_INFINITY;                                               /* it may not be sent any more: once */
    bool poisons = told || (peer->all && route->changed <= peer->all_until); /* RFC 2091 3.3 */
    if (metric == 0 || (metric == RIP_INFINITY && !poisons))
        return;
    rip_outlet_set_told(&peer->outlet, route, metric < RIP_INFINITY);
    add(peer, route->prefix, metric, route->tag);
}

static void tell_summary(const struct rip *rip, struct rip_peer *peer, unsigned *looked)
{
    struct peer_summary *summary = peer->due;
    unsigned metric = RIP_INFINITY;
    peer->due = summary->next_due;
    summary->due = false;
    if (summary->fresh && !peer->leaving)
        metric = rip_outlet_summary_metric(rip, &peer->outlet, summary->prefix, looked);
    unsigned now = metric < RIP_INFINITY ? metric : 0;
    if (now == summary->told)
        return;
    summary->told = (uint8_t)now;
    add(peer, summary->prefix, metric, 0);
}

bool rip_walk_on(struct rip *rip, struct rip_peer *peer, unsigned most)
{
    struct outlet *outlet = &peer->outlet;
    for (unsigned looked = 0; looked < SLICE_ROUTES; looked++) {
        if (outlet->n_entries == most)
            return true;
        struct rip_route *route = rip_route_step(rip, &outlet->at, UINT64_MAX);
        if (route != NULL) {
            tell_route(peer, route);
        } else if (peer->due != NULL) {
            tell_summary(rip, peer, &looked);
        } else {
            peer->all = false;
            peer->told_until = rip->changes;
            return false;
        }
    }
    return true;
}
