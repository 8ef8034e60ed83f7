/* What is redistributed: of the RIB's winners that are not RIP's, those whose protocol the settings name.
 *
 * The RIB tells of every change, and after the settings have changed all of it is walked once, in slices. Both do the
 * same to a route, so it does not matter which comes first. The RIB may not be changed while it tells, so routes are
 * only marked here. */
#include "protocols/rip/rip_internal.h"

/* A route that is denied is not made at all: one that was never offered needs no withdrawal. */
static bool is_wanted(const struct rip *rip, enum rib_protocol protocol, struct prefix prefix)
{
    const struct rip_redistribute *r = &rip->settings->redistribute[protocol];
    return protocol != RIB_RIP && r->on && rip_policy_permits(r->list, prefix);
}

bool rip_is_redistributed(const struct rip *rip, const struct rip_route *route, uint8_t *metric, uint16_t *tag)
{
    if (route->winner == RIB_PROTOCOL__COUNT)
        return false;
    const struct rip_redistribute *r = &rip->settings->redistribute[route->winner];
    if (!is_wanted(rip, route->winner, route->prefix))
        return false;
    *metric = r->metric != 0 ? r->metric : rip->settings->default_metric;
    *tag = r->tag;
    return true;
}

/* 0/0 aside, nothing of 0/8, 127/8 and beyond 224/3 is anybody's to route to. */
static bool may_be_advertised(struct prefix prefix)
{
    return prefix.len == 0 || (!addr_is_this_network(prefix.addr) && !addr_is_loopback(prefix.addr) &&
                               !addr_is_multicast(prefix.addr) && !addr_is_class_e(prefix.addr));
}

static void winner_changed(void *context, struct prefix prefix, const struct rib_route *winner)
{
    struct rip *rip = context;
    bool ours = winner != NULL && is_wanted(rip, winner->protocol, prefix) && may_be_advertised(prefix);
    uint8_t protocol = ours ? (uint8_t)winner->protocol : RIB_PROTOCOL__COUNT;
    uint32_t gateway = ours && winner->n_hops > 0 ? winner->hops[0].gateway : 0;
    struct rip_route *route = ours ? rip_route_get(rip, prefix) : rip_route_find(rip, prefix);
    if (route == NULL || (route->winner == protocol && route->gateway == gateway))
        return;
    route->winner = protocol;
    route->gateway = gateway;
    rip_route_make_dirty(rip, route);
}

void rip_redistribute_begin(struct rip *rip)
{
    rip->watch = (struct rib_watch){.changed = winner_changed, .context = rip};
    rib_watch(rip->rib, &rip->watch);
}

void rip_redistribute_end(struct rip *rip)
{
    rib_unwatch(rip->rib, &rip->watch);
}

bool rip_redistribute_walk(struct rip *rip, unsigned most)
{
    struct rib_view view;
    for (unsigned i = 0; i < most; i++) {
        if (!rib_next(rip->rib, &rip->walk, &view))
            return false;
        if (view.selected)
            winner_changed(rip, view.route.prefix, &view.route);
    }
    return true;
}

void rip_redistribute_default(struct rip *rip, struct now now)
{
    struct prefix everything = {0};
    bool on = rip->settings->default_information;
    struct rip_route *route = on ? rip_route_get(rip, everything) : rip_route_find(rip, everything);
    if (route == NULL)
        return;
    route->originated = on;
    rip_route_update(rip, route, now);
}
