/* Lists of next hops, and the gateways that they name: one object for all routes that have the same. */
#include <stdlib.h>

#include "protocols/rib_internal.h"

/* ---- gateways ---- */

static struct prefix host(uint32_t addr)
{
    return (struct prefix){.addr = addr, .len = 32};
}

struct gateway *gateway_find(const struct rib *rib, uint32_t addr)
{
    return patricia_find(&rib->gateways, host(addr));
}

/* The first gateway's cursor is one bit short of a host, so that a /32 finds its own address. */
struct gateway *gateway_within(const struct rib *rib, struct prefix prefix, const struct gateway *at)
{
    struct patricia_cursor cursor = {.at = {.addr = prefix.addr, .len = 31}, .started = true};
    if (at != NULL)
        cursor.at = host(at->addr);
    struct prefix found;
    void *gateway;
    if (!patricia_next(&rib->gateways, &cursor, &found, &gateway) || !prefix_holds(prefix, found.addr))
        return NULL;
    return gateway;
}

/* The default route never resolves a gateway, so it is no carrier. */
static bool is_carrier(const struct rib *rib, struct prefix prefix)
{
    return prefix.len > 0 && gateway_within(rib, prefix, NULL) != NULL;
}

/* A gateway came or went: the prefixes that hold it are carriers now, or may be no longer. */
static void review_carriers(struct rib *rib, uint32_t addr)
{
    struct prefix prefix = {.len = 33};
    struct route *first;
    while ((first = patricia_match_above(&rib->trie, addr, prefix.len, &prefix)) != NULL) {
        if (first->carrier == is_carrier(rib, prefix))
            continue;
        struct route *route = first;
        do {
            if (route->hops != NULL)
                hops_unlink(route->hops, route);
            route->carrier = !route->carrier;
            if (route->hops != NULL)
                hops_link(route->hops, route);
            if (route->hops != NULL && route->hops->dirty)
                hops_make_dirty(rib, route->hops); /* it may have moved in front of what is still to be done */
            route = route->next;
        } while (route != first);
    }
}

static struct gateway *gateway_get(struct rib *rib, uint32_t addr)
{
    struct gateway *gateway = gateway_find(rib, addr);
    if (gateway != NULL) {
        gateway->references++;
        return gateway;
    }
    gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL)
        return NULL;
    gateway->addr = addr;
    gateway->references = 1;
    gateway->own = patricia_find(&rib->own, host(addr)) != NULL;
    if (!patricia_set(&rib->gateways, host(addr), gateway, NULL)) {
        free(gateway);
        return NULL;
    }
    review_carriers(rib, addr);
    gateway_make_pending(rib, gateway);
    return gateway;
}

void gateway_put(struct rib *rib, struct gateway *gateway)
{
    if (--gateway->references > 0)
        return;
    patricia_remove(&rib->gateways, host(gateway->addr));
    review_carriers(rib, gateway->addr);
    free(gateway);
}

void gateway_make_pending(struct rib *rib, struct gateway *gateway)
{
    if (gateway->pending)
        return;
    gateway->pending = true;
    gateway->references++;
    gateway->next_pending = NULL;
    *rib->pending_end = gateway;
    rib->pending_end = &gateway->next_pending;
}

/* ---- lists of hops ---- */

static uint32_t hash_of(const struct rib_hop *hops, unsigned n)
{
    uint64_t h = n;
    for (unsigned i = 0; i < n; i++) {
        h ^= (uint64_t)hops[i].port << 32 | hops[i].gateway;
        h *= UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    return (uint32_t)h;
}

static bool is_list(const struct hops *list, uint32_t hash, const struct rib_hop *hops, unsigned n)
{
    if (list->hash != hash || list->n != n)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (list->use[i].hop.gateway != hops[i].gateway || list->use[i].hop.port != hops[i].port)
            return false;
    return true;
}

static size_t size_of(unsigned n)
{
    return sizeof(struct hops) + n * sizeof(struct use);
}

/* Chains grow a little longer when there is no memory, that is all. */
static void grow_buckets(struct rib *rib)
{
    size_t n = rib->n_buckets * 2;
    struct hops **buckets = calloc(n, sizeof(struct hops *));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < rib->n_buckets; i++) {
        struct hops *next;
        for (struct hops *list = rib->buckets[i]; list != NULL; list = next) {
            next = list->next;
            list->next = buckets[list->hash & (n - 1)];
            buckets[list->hash & (n - 1)] = list;
        }
    }
    free(rib->buckets);
    rib->buckets = buckets;
    rib->n_buckets = n;
}

static void use_link(struct use *use)
{
    use->prev = NULL;
    use->next = use->gateway->uses;
    if (use->next != NULL)
        use->next->prev = use;
    use->gateway->uses = use;
}

static void use_unlink(struct use *use)
{
    if (use->next != NULL)
        use->next->prev = use->prev;
    if (use->prev != NULL)
        use->prev->next = use->next;
    else
        use->gateway->uses = use->next;
}

static void uses_drop(struct rib *rib, struct hops *list)
{
    for (unsigned i = 0; i < list->n; i++) {
        if (list->use[i].gateway == NULL)
            continue;
        use_unlink(&list->use[i]);
        gateway_put(rib, list->use[i].gateway);
    }
    free(list);
}

static struct hops *list_new(struct rib *rib, const struct rib_hop *hops, unsigned n)
{
    struct hops *list = calloc(1, size_of(n));
    if (list == NULL)
        return NULL;
    list->references = 1;
    for (; list->n < n; list->n++) {
        struct use *use = &list->use[list->n];
        use->hop = hops[list->n];
        use->hops = list;
        if (use->hop.gateway == 0)
            continue;
        use->gateway = gateway_get(rib, use->hop.gateway);
        if (use->gateway == NULL) {
            uses_drop(rib, list);
            return NULL;
        }
        use_link(use);
    }
    return list;
}

struct hops *hops_get(struct rib *rib, const struct rib_hop *hops, unsigned n)
{
    uint32_t hash = hash_of(hops, n);
    for (struct hops *list = rib->buckets[hash & (rib->n_buckets - 1)]; list != NULL; list = list->next)
        if (is_list(list, hash, hops, n)) {
            list->references++;
            return list;
        }

    struct hops *list = list_new(rib, hops, n);
    if (list == NULL)
        return NULL;
    list->hash = hash;
    if (rib->n_hops >= rib->n_buckets)
        grow_buckets(rib);
    struct hops **bucket = &rib->buckets[hash & (rib->n_buckets - 1)];
    list->next = *bucket;
    *bucket = list;
    rib->n_hops++;
    rib->hops_bytes += size_of(n);
    return list;
}

void hops_put(struct rib *rib, struct hops *hops)
{
    if (hops == NULL || --hops->references > 0)
        return;
    struct hops **at = &rib->buckets[hops->hash & (rib->n_buckets - 1)];
    while (*at != hops)
        at = &(*at)->next;
    *at = hops->next;
    rib->n_hops--;
    rib->hops_bytes -= size_of(hops->n);
    uses_drop(rib, hops);
}

void hops_make_dirty(struct rib *rib, struct hops *hops)
{
    if (hops->dirty) {
        hops->again = hops->at != hops->routes;
        return;
    }
    hops->dirty = true;
    hops->at = hops->routes;
    hops->references++;
    hops->next_dirty = rib->dirty;
    rib->dirty = hops;
}

/* ---- their routes, carriers first ---- */

void hops_link(struct hops *hops, struct route *route)
{
    route->prev_equal = route->carrier ? NULL : hops->last;
    route->next_equal = route->carrier ? hops->routes : NULL;
    if (route->prev_equal != NULL)
        route->prev_equal->next_equal = route;
    else
        hops->routes = route;
    if (route->next_equal != NULL)
        route->next_equal->prev_equal = route;
    else
        hops->last = route;
}

void hops_unlink(struct hops *hops, struct route *route)
{
    if (hops->at == route)
        hops->at = route->next_equal;
    if (route->prev_equal != NULL)
        route->prev_equal->next_equal = route->next_equal;
    else
        hops->routes = route->next_equal;
    if (route->next_equal != NULL)
        route->next_equal->prev_equal = route->prev_equal;
    else
        hops->last = route->prev_equal;
}
