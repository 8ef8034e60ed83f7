/* What gateways resolve to.
 *
 * A gateway resolves by the longest prefix that holds it and has a selected route. If that route is connected, the
 * gateway is a neighbour on its port; any other unicast route lends it the next hops that it has itself, at most
 * DEPTH_MAX times over; a blackhole or the like makes it useless. Two kinds of route are passed over:
 *
 *   - the default route: "reachable, because everything is" would keep a static route alive after the network of its
 *     gateway is gone (and is FRR's rule, unless told otherwise);
 *   - a route that itself needs this gateway resolved. So 192.0.2.1/32 via 192.0.2.1 resolves by the network around it.
 *
 * What a gateway resolves to depends on what carriers have selected, and that on what other gateways resolve to. To get
 * the same answer whatever the order of changes, all gateways that a change may touch are forgotten, and known again
 * one by one, each as soon as everything is known that it depends on. If some are left that wait for each other in a
 * circle, all of that circle are unreachable. */
#include "protocols/rib_internal.h"

#define DEPTH_MAX 8

static const struct resolution *resolution_of(const struct rib *rib, const struct gateway *gateway)
{
    return rib->resolving && gateway->pending ? &gateway->next : &gateway->found;
}

static enum reach use_reach(const struct rib *rib, const struct use *use)
{
    if (use->hop.port != PORT_NONE) {
        bool own = use->gateway != NULL && use->gateway->own;
        return port_is_up(rib, use->hop.port) && !own ? REACH_YES : REACH_NO;
    }
    return use->gateway != NULL ? resolution_of(rib, use->gateway)->reach : REACH_NO;
}

enum reach hops_reach(const struct rib *rib, const struct hops *hops)
{
    enum reach reach = REACH_NO;
    for (unsigned i = 0; i < hops->n; i++) {
        enum reach one = use_reach(rib, &hops->use[i]);
        if (one == REACH_UNKNOWN)
            return REACH_UNKNOWN;
        if (one == REACH_YES)
            reach = REACH_YES;
    }
    return reach;
}

static unsigned collect_one(struct nexthop *to, unsigned n, struct nexthop hop)
{
    for (unsigned i = 0; i < n; i++)
        if (to[i].gateway == hop.gateway && to[i].port == hop.port)
            return n;
    if (n < FIB_HOPS_MAX)
        to[n++] = hop;
    return n;
}

unsigned hops_collect(const struct rib *rib, const struct hops *hops, uint32_t on_link, struct nexthop *to)
{
    unsigned n = 0;
    for (unsigned i = 0; i < hops->n; i++) {
        const struct use *use = &hops->use[i];
        if (use_reach(rib, use) != REACH_YES)
            continue;
        if (use->hop.port != PORT_NONE) {
            uint32_t gateway = use->gateway != NULL ? use->gateway->addr : on_link;
            n = collect_one(to, n, (struct nexthop){.gateway = gateway, .port = use->hop.port});
            continue;
        }
        const struct resolution *resolution = resolution_of(rib, use->gateway);
        for (unsigned j = 0; j < resolution->n; j++)
            n = collect_one(to, n, resolution->hop[j]);
    }
    return n;
}

/* ---- what a change may touch ---- */

void resolve_prefix_changed(struct rib *rib, struct prefix prefix)
{
    if (prefix.len == 0)
        return;
    struct gateway *gateway = NULL;
    while ((gateway = gateway_within(rib, prefix, gateway)) != NULL) {
        /* One that a longer prefix resolves does not look further up; should that change, that is a change too. */
        if (gateway->found.reach == REACH_YES && gateway->found.by_len > prefix.len)
            continue;
        gateway_make_pending(rib, gateway);
    }
}

/* The list grows at its end while it is walked. */
static void spread(struct rib *rib)
{
    for (struct gateway *gateway = rib->pending; gateway != NULL; gateway = gateway->next_pending)
        for (const struct use *use = gateway->uses; use != NULL; use = use->next)
            for (struct route *route = use->hops->routes; route != NULL && route->carrier; route = route->next_equal)
                resolve_prefix_changed(rib, route_prefix(route));
}

/* ---- knowing one ---- */

static enum reach route_reach(const struct rib *rib, const struct route *route)
{
    if (route->distance == UINT8_MAX)
        return REACH_NO;
    return route->type == RIB_UNICAST ? hops_reach(rib, route->hops) : REACH_YES;
}

static bool names(const struct route *route, const struct gateway *gateway)
{
    for (unsigned i = 0; route->hops != NULL && i < route->hops->n; i++)
        if (route->hops->use[i].gateway == gateway && route->hops->use[i].hop.port == PORT_NONE)
            return true;
    return false;
}

/* The route that is selected in the ring of FIRST or, if it is not known yet whether it can be, would be. */
static const struct route *candidate(const struct rib *rib, const struct route *first, enum reach *reach)
{
    const struct route *route = first;
    do {
        *reach = route_reach(rib, route);
        if (*reach != REACH_NO)
            return route;
        route = route->next;
    } while (route != first);
    return NULL;
}

static unsigned depth_of(const struct rib *rib, const struct hops *hops)
{
    unsigned depth = 0;
    for (unsigned i = 0; i < hops->n; i++) {
        const struct use *use = &hops->use[i];
        if (use->hop.port != PORT_NONE || use_reach(rib, use) != REACH_YES)
            continue;
        if (resolution_of(rib, use->gateway)->depth > depth)
            depth = resolution_of(rib, use->gateway)->depth;
    }
    return depth;
}

static void resolve_by(const struct rib *rib, struct gateway *gateway, const struct route *route)
{
    gateway->next = (struct resolution){.reach = REACH_NO, .by_len = route->len};
    if (route->type != RIB_UNICAST)
        return;
    bool recursive = route->protocol != RIB_CONNECTED;
    unsigned depth = recursive ? depth_of(rib, route->hops) + 1 : 0;
    if (depth > DEPTH_MAX)
        return;
    gateway->next.n = (uint8_t)hops_collect(rib, route->hops, gateway->addr, gateway->next.hop);
    gateway->next.depth = (uint8_t)depth;
    gateway->next.recursive = recursive;
    gateway->next.reach = REACH_YES;
}

/* False if it has to wait. */
static bool resolve(const struct rib *rib, struct gateway *gateway)
{
    struct prefix prefix = {.len = 33};
    const struct route *first;
    while (!gateway->own && (first = patricia_match_above(&rib->trie, gateway->addr, prefix.len, &prefix)) != NULL &&
           prefix.len > 0) {
        enum reach reach;
        const struct route *route = candidate(rib, first, &reach);
        if (route == NULL || names(route, gateway))
            continue;
        if (reach == REACH_UNKNOWN) {
            gateway->waits_for = route->hops;
            return false;
        }
        resolve_by(rib, gateway, route);
        return true;
    }
    gateway->next = (struct resolution){.reach = REACH_NO};
    return true;
}

/* ---- circles ---- */

static bool is_waiting(const struct gateway *gateway)
{
    return gateway != NULL && gateway->pending && gateway->next.reach == REACH_UNKNOWN;
}

/* Chains those that AT waits for and that are not chained yet behind *end; returns how many. */
static unsigned chain_waited_for(const struct gateway *at, struct gateway ***end)
{
    unsigned n = 0;
    for (unsigned i = 0; i < at->waits_for->n; i++) {
        struct use *use = &at->waits_for->use[i];
        if (use->hop.port != PORT_NONE || !is_waiting(use->gateway) || use->gateway->seen)
            continue;
        use->gateway->seen = true;
        use->gateway->next_seen = NULL;
        **end = use->gateway;
        *end = &use->gateway->next_seen;
        n++;
    }
    return n;
}

/* All that FROM waits for, directly or not, chained by next_seen from *list; returns how many. */
static unsigned all_waited_for(const struct gateway *from, struct gateway **list)
{
    *list = NULL;
    struct gateway **end = list;
    unsigned n = chain_waited_for(from, &end);
    for (struct gateway *at = *list; at != NULL; at = at->next_seen)
        n += chain_waited_for(at, &end);
    for (struct gateway *at = *list; at != NULL; at = at->next_seen)
        at->seen = false;
    return n;
}

/* A circle that waits for nobody outside it, chained by next_circle. Each step goes on to one that waits for fewer;
 * where nobody does, all wait for each other. */
static struct gateway *find_circle(const struct gateway *start)
{
    struct gateway *list, *circle;
    const struct gateway *fewer = start;
    do {
        unsigned n = all_waited_for(fewer, &circle);
        for (struct gateway *at = circle; at != NULL; at = at->next_seen)
            at->next_circle = at->next_seen;
        fewer = NULL;
        for (struct gateway *at = circle; at != NULL && fewer == NULL; at = at->next_circle)
            if (all_waited_for(at, &list) < n)
                fewer = at;
    } while (fewer != NULL);
    return circle;
}

/* Nobody can be resolved any more, and FIRST is one who waits. */
static void break_circle(const struct gateway *first)
{
    for (struct gateway *at = find_circle(first); at != NULL; at = at->next_circle)
        at->next = (struct resolution){.reach = REACH_NO};
}

/* ---- knowing all ---- */

/* Resolves who can be, until nobody more can. Returns one who still waits, or NULL. */
static struct gateway *resolve_some(struct rib *rib)
{
    struct gateway *waiting;
    bool progress;
    do {
        waiting = NULL;
        progress = false;
        for (struct gateway *gateway = rib->pending; gateway != NULL; gateway = gateway->next_pending) {
            if (!is_waiting(gateway))
                continue;
            if (resolve(rib, gateway))
                progress = true;
            else
                waiting = gateway;
        }
    } while (progress && waiting != NULL);
    return waiting;
}

static bool same(const struct resolution *a, const struct resolution *b)
{
    if (a->reach != b->reach || a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if (a->hop[i].gateway != b->hop[i].gateway || a->hop[i].port != b->hop[i].port)
            return false;
    return true;
}

/* The new answers become the ones that stand. */
static void settle(struct rib *rib)
{
    struct gateway *next;
    for (struct gateway *gateway = rib->pending; gateway != NULL; gateway = next) {
        next = gateway->next_pending;
        if (!same(&gateway->found, &gateway->next))
            for (const struct use *use = gateway->uses; use != NULL; use = use->next)
                hops_make_dirty(rib, use->hops);
        gateway->found = gateway->next;
        gateway->pending = false;
        gateway_put(rib, gateway);
    }
    rib->pending = NULL;
    rib->pending_end = &rib->pending;
}

void resolve_pending(struct rib *rib)
{
    if (rib->pending == NULL)
        return;
    spread(rib);
    for (struct gateway *gateway = rib->pending; gateway != NULL; gateway = gateway->next_pending)
        gateway->next = (struct resolution){.reach = REACH_UNKNOWN};
    rib->resolving = true;
    struct gateway *waiting;
    while ((waiting = resolve_some(rib)) != NULL)
        break_circle(waiting);
    rib->resolving = false;
    settle(rib);
}
