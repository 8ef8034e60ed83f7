/* Routes and prefixes: who wins, and what that means to the FIB.
 *
 * Of the routes of a prefix, the first whose next hops lead anywhere is selected, in order of distance, then protocol.
 * A change of one route selects anew in its own ring only. What leans on it is found by the gateways (rib_resolve.c),
 * at the end of the outermost batch: first all gateways that the changes may touch are resolved, then the routes of
 * those hops are selected anew for which that changed anything.
 *
 * The latter may be a million, as when a port goes down. So the end of a batch selects anew only as many as it may, and
 * rib_run the others. Until then they are in the FIB as they were: who may be selected, and what gateways resolve to,
 * is never read from what is selected. What changes last is done first: it is mostly little, and not to wait behind
 * much. */
#include <stdlib.h>

#include "protocols/rib_internal.h"

const char *const rib_protocol_name[RIB_PROTOCOL__COUNT] = {
    [RIB_CONNECTED] = "connected",
    [RIB_STATIC] = "static",
    [RIB_RIP] = "rip",
    [RIB_KERNEL] = "kernel",
};

#define BUCKETS_FIRST 64

struct rib *rib_new(struct fib *fib, struct later *later)
{
    struct rib *rib = calloc(1, sizeof *rib);
    if (rib == NULL)
        return NULL;
    rib->n_buckets = BUCKETS_FIRST;
    rib->buckets = calloc(rib->n_buckets, sizeof(struct hops *));
    if (rib->buckets == NULL) {
        free(rib);
        return NULL;
    }
    rib->fib = fib;
    rib->pending_end = &rib->pending;
    rib->most = SIZE_MAX;
    patricia_init(&rib->trie, later);
    patricia_init(&rib->gateways, later);
    patricia_init(&rib->own, later);
    slab_pool_init(&rib->route_pool, sizeof(struct route));
    return rib;
}

static void ring_free(void *first)
{
    struct route *route = first, *next;
    do {
        next = route->next;
        slab_free(route);
        route = next;
    } while (route != first);
}

void rib_free(struct rib *rib)
{
    if (rib == NULL)
        return;
    patricia_clear(&rib->trie, ring_free);
    patricia_clear(&rib->gateways, free);
    patricia_clear(&rib->own, free);
    slab_pool_exit(&rib->route_pool);
    for (size_t i = 0; i < rib->n_buckets; i++) {
        struct hops *next;
        for (struct hops *hops = rib->buckets[i]; hops != NULL; hops = next) {
            next = hops->next;
            free(hops);
        }
    }
    free(rib->buckets);
    free(rib);
}

/* ---- who wins ---- */

static bool is_usable(const struct rib *rib, const struct route *route)
{
    if (route->distance == UINT8_MAX)
        return false;
    return route->type != RIB_UNICAST || hops_reach(rib, route->hops) == REACH_YES;
}

static struct route *first_of(struct route *route)
{
    while (!route->first)
        route = route->next;
    return route;
}

static struct route *best_of(const struct rib *rib, struct route *first)
{
    struct route *route = first;
    do {
        if (is_usable(rib, route))
            return route;
        route = route->next;
    } while (route != first);
    return NULL;
}

static bool install(struct rib *rib, const struct route *route)
{
    static const enum fib_action action[] = {
        [RIB_UNICAST] = FIB_FORWARD,
        [RIB_BLACKHOLE] = FIB_BLACKHOLE,
        [RIB_UNREACHABLE] = FIB_UNREACHABLE,
        [RIB_PROHIBIT] = FIB_PROHIBIT,
    };
    struct nexthop hops[FIB_HOPS_MAX];
    unsigned n = route->type == RIB_UNICAST ? hops_collect(rib, route->hops, 0, hops) : 0;
    return fib_set(rib->fib, route_prefix(route), action[route->type], hops, n);
}

static void mark(struct rib *rib, struct route *route, bool selected, bool installed)
{
    rib->installed[route->protocol] += (size_t)installed - (size_t)route->installed;
    route->selected = selected;
    route->installed = installed;
}

/* ---- who wants to know ---- */

void rib_watch(struct rib *rib, struct rib_watch *watch)
{
    watch->next = rib->watches;
    rib->watches = watch;
}

void rib_unwatch(struct rib *rib, struct rib_watch *watch)
{
    struct rib_watch **at = &rib->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
}

static void tell(const struct rib *rib, struct prefix prefix, const struct route *winner)
{
    if (rib->watches == NULL)
        return;
    struct rib_route given;
    if (winner != NULL)
        given = route_given(winner);
    for (const struct rib_watch *watch = rib->watches; watch != NULL; watch = watch->next)
        watch->changed(watch->context, prefix, winner != NULL ? &given : NULL);
}

/* ---- selecting ---- */

/* Selects in the ring of ANY. The winner is put into the FIB if it is a new one or its hops lead elsewhere now; the old
 * one's entry is replaced, never taken away first. */
static void select_in_ring(struct rib *rib, struct route *any, bool hops_changed)
{
    struct route *first = first_of(any), *best = best_of(rib, first);
    if (best != NULL && best->installed && !hops_changed)
        return;
    struct route *route = first;
    bool had = false;
    do {
        had |= route->selected;
        if (route != best)
            mark(rib, route, false, false);
        route = route->next;
    } while (route != first);
    if (best == NULL)
        fib_remove(rib->fib, route_prefix(first));
    else
        mark(rib, best, true, install(rib, best));
    if (had || best != NULL)
        tell(rib, route_prefix(first), best);
}

/* ---- the end of a batch ---- */

/* At most MOST routes; returns how many of these were not needed. */
static size_t select_dirty(struct rib *rib, size_t most)
{
    while (rib->dirty != NULL) {
        struct hops *hops = rib->dirty;
        for (; hops->at != NULL && most > 0; most--) {
            struct route *route = hops->at;
            hops->at = route->next_equal;
            select_in_ring(rib, route, true);
        }
        if (hops->at != NULL)
            return 0;
        if (hops->again) {
            hops->again = false;
            hops->at = hops->routes;
            continue;
        }
        rib->dirty = hops->next_dirty;
        hops->dirty = false;
        hops_put(rib, hops);
    }
    return most;
}

void rib_batch_begin(struct rib *rib)
{
    rib->batch++;
}

void rib_batch_end(struct rib *rib, struct now now)
{
    (void)now;
    if (rib->batch == 1) {
        resolve_pending(rib);
        rib->most = select_dirty(rib, rib->most);
    }
    rib->batch--;
}

bool rib_run(struct rib *rib, size_t most)
{
    select_dirty(rib, most);
    rib->most = most;
    return rib->dirty != NULL;
}

/* ---- routes ---- */

static unsigned order_of(unsigned distance, unsigned protocol)
{
    return distance << 8 | protocol;
}

static struct route *find_route(const struct rib *rib, struct prefix prefix, enum rib_protocol protocol,
                                uint8_t distance)
{
    struct route *first = patricia_find(&rib->trie, prefix), *route = first;
    if (first == NULL)
        return NULL;
    do {
        if (route->protocol == protocol && route->distance == distance)
            return route;
        route = route->next;
    } while (route != first);
    return NULL;
}

/* Puts ROUTE in its place in the ring of FIRST (NULL: a ring of its own). */
static bool ring_insert(struct rib *rib, struct route *first, struct route *route)
{
    unsigned order = order_of(route->distance, route->protocol);
    bool leads = first == NULL || order < order_of(first->distance, first->protocol);
    if (leads && !patricia_set(&rib->trie, route_prefix(route), route, NULL))
        return false;
    route->first = leads;
    if (first == NULL) {
        route->next = route;
        return true;
    }
    struct route *before = first;
    while (before->next != first && (leads || order_of(before->next->distance, before->next->protocol) < order))
        before = before->next;
    route->next = before->next;
    before->next = route;
    if (leads)
        first->first = false;
    return true;
}

/* Returns a route that is left in the ring, or NULL. */
static struct route *ring_remove(struct rib *rib, struct route *route)
{
    struct route *before = route;
    while (before->next != route)
        before = before->next;
    if (before == route) {
        patricia_remove(&rib->trie, route_prefix(route));
        return NULL;
    }
    before->next = route->next;
    if (route->first) {
        route->next->first = true;
        patricia_set(&rib->trie, route_prefix(route), route->next, NULL); /* it is there: needs no memory */
    }
    return before;
}

static bool is_same(const struct route *have, const struct rib_route *want, const struct hops *hops)
{
    return have->hops == hops && have->type == want->type && have->metric == want->metric && have->tag == want->tag;
}

static void fill(struct route *to, const struct rib_route *from, struct hops *hops, struct now now)
{
    to->hops = hops;
    to->metric = from->metric;
    to->tag = from->tag;
    to->type = from->type & 0xf;
    to->since_ns = now.ns;
    if (hops != NULL)
        hops_link(hops, to);
}

static void replace(struct rib *rib, struct route *route, const struct rib_route *by, struct hops *hops, struct now now)
{
    if (is_same(route, by, hops)) {
        hops_put(rib, hops);
        return;
    }
    struct hops *was = route->hops;
    if (was != NULL)
        hops_unlink(was, route);
    fill(route, by, hops, now);
    hops_put(rib, was);
    resolve_prefix_changed(rib, route_prefix(route));
    select_in_ring(rib, route, true);
}

static bool insert(struct rib *rib, const struct rib_route *from, struct hops *hops, struct now now)
{
    struct route *route = slab_alloc(&rib->route_pool);
    if (route == NULL)
        return false;
    *route = (struct route){.addr = from->prefix.addr,
                            .len = from->prefix.len,
                            .distance = from->distance,
                            .protocol = from->protocol & 0xf};
    route->carrier = route->len > 0 && gateway_within(rib, from->prefix, NULL) != NULL;
    if (!ring_insert(rib, patricia_find(&rib->trie, from->prefix), route)) {
        slab_free(route);
        return false;
    }
    fill(route, from, hops, now);
    rib->routes[route->protocol]++;
    resolve_prefix_changed(rib, from->prefix);
    select_in_ring(rib, route, false);
    return true;
}

static bool is_sound(const struct rib_route *route)
{
    if (route->prefix.len > 32 || prefix_network(route->prefix) != route->prefix.addr ||
        route->protocol >= RIB_PROTOCOL__COUNT)
        return false;
    return route->type == RIB_UNICAST ? route->n_hops > 0 && route->n_hops <= FIB_HOPS_MAX : route->n_hops == 0;
}

bool rib_add(struct rib *rib, const struct rib_route *route, struct now now)
{
    if (!is_sound(route))
        return false;
    rib_batch_begin(rib);
    bool done = true;
    struct hops *hops = NULL;
    if (route->type == RIB_UNICAST) {
        hops = hops_get(rib, route->hops, route->n_hops);
        done = hops != NULL;
    }
    struct route *there = find_route(rib, route->prefix, route->protocol, route->distance);
    if (done && there != NULL) {
        replace(rib, there, route, hops, now);
    } else if (done && !insert(rib, route, hops, now)) {
        hops_put(rib, hops);
        done = false;
    }
    rib_batch_end(rib, now);
    return done;
}

static void remove_route(struct rib *rib, struct route *route)
{
    struct prefix prefix = route_prefix(route);
    bool was_selected = route->selected;
    mark(rib, route, false, false);
    rib->routes[route->protocol]--;
    if (route->hops != NULL)
        hops_unlink(route->hops, route);
    struct route *left = ring_remove(rib, route);
    resolve_prefix_changed(rib, prefix);
    hops_put(rib, route->hops);
    slab_free(route);
    if (left == NULL) {
        fib_remove(rib->fib, prefix);
        tell(rib, prefix, NULL);
    } else if (was_selected) {
        tell(rib, prefix, NULL);
        select_in_ring(rib, left, true);
    }
}

bool rib_remove(struct rib *rib, struct prefix prefix, enum rib_protocol protocol, uint8_t distance, struct now now)
{
    struct route *route = find_route(rib, prefix, protocol, distance);
    if (route == NULL)
        return false;
    rib_batch_begin(rib);
    remove_route(rib, route);
    rib_batch_end(rib, now);
    return true;
}

void rib_remove_protocol(struct rib *rib, enum rib_protocol protocol, struct now now)
{
    rib_batch_begin(rib);
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    while (rib->routes[protocol] > 0 && patricia_next(&rib->trie, &cursor, &prefix, &value)) {
        struct route *route = value, *next;
        bool last;
        do {
            next = route->next;
            last = next->first;
            if (route->protocol == protocol)
                remove_route(rib, route);
            route = next;
        } while (!last);
    }
    rib_batch_end(rib, now);
}

/* ---- ports and own addresses ---- */

static bool uses_port(const struct hops *hops, unsigned port)
{
    for (unsigned i = 0; i < hops->n; i++)
        if (hops->use[i].hop.port == port)
            return true;
    return false;
}

/* The routes of HOPS are to be selected anew, and what they carry resolved. */
static void hops_changed(struct rib *rib, struct hops *hops)
{
    hops_make_dirty(rib, hops);
    for (struct route *route = hops->routes; route != NULL && route->carrier; route = route->next_equal)
        resolve_prefix_changed(rib, route_prefix(route));
}

void rib_port_changed(struct rib *rib, unsigned port, bool up, struct now now)
{
    if (port >= PORT_MAX || port_is_up(rib, port) == up)
        return;
    rib_batch_begin(rib);
    rib->up[port / 8] ^= (uint8_t)(1u << port % 8);
    for (size_t i = 0; i < rib->n_buckets; i++)
        for (struct hops *hops = rib->buckets[i]; hops != NULL; hops = hops->next)
            if (uses_port(hops, port))
                hops_changed(rib, hops);
    rib_batch_end(rib, now);
}

static void own_changed(struct rib *rib, uint32_t addr, bool own, struct now now)
{
    struct gateway *gateway = gateway_find(rib, addr);
    if (gateway == NULL)
        return;
    rib_batch_begin(rib);
    gateway->own = own;
    gateway_make_pending(rib, gateway);
    for (const struct use *use = gateway->uses; use != NULL; use = use->next)
        hops_changed(rib, use->hops);
    rib_batch_end(rib, now);
}

void rib_own_address(struct rib *rib, uint32_t addr, bool added, struct now now)
{
    struct prefix host = {.addr = addr, .len = 32};
    uint32_t *told = patricia_find(&rib->own, host);
    if (told != NULL) {
        *told += added ? 1u : -1u;
        if (*told > 0)
            return;
        patricia_remove(&rib->own, host);
        free(told);
        own_changed(rib, addr, false, now);
        return;
    }
    if (!added)
        return;
    told = malloc(sizeof *told);
    if (told == NULL)
        return;
    *told = 1;
    if (patricia_set(&rib->own, host, told, NULL))
        own_changed(rib, addr, true, now);
    else
        free(told);
}
