/* Looking at the RIB. A walk keeps no pointer between two steps, only the prefix and the order of the route that it
 * showed last. */
#include "protocols/rib_internal.h"

static unsigned order_of(const struct route *route)
{
    return (unsigned)route->distance << 8 | route->protocol;
}

static void view_hop(struct rib_view *view, struct rib_hop_view hop)
{
    if (view->n_hops < RIB_VIEW_HOPS)
        view->hops[view->n_hops++] = hop;
}

static void view_gateway(struct rib_view *view, const struct gateway *gateway)
{
    const struct resolution *found = &gateway->found;
    struct rib_hop_view given = {.hop = {.gateway = gateway->addr, .port = PORT_NONE}};
    given.active = found->reach == REACH_YES;
    given.recursive = given.active && found->recursive;
    if (given.active && !found->recursive && found->n > 0)
        given.hop.port = found->hop[0].port;
    view_hop(view, given);
    for (unsigned i = 0; given.recursive && i < found->n; i++) {
        struct rib_hop hop = {.gateway = found->hop[i].gateway, .port = found->hop[i].port};
        view_hop(view, (struct rib_hop_view){.hop = hop, .active = true, .resolver = true});
    }
}

static void view_hops(const struct rib *rib, const struct hops *hops, struct rib_view *view)
{
    for (unsigned i = 0; i < hops->n; i++) {
        const struct use *use = &hops->use[i];
        if (use->gateway != NULL && use->hop.port == PORT_NONE) {
            view_gateway(view, use->gateway);
            continue;
        }
        bool own = use->gateway != NULL && use->gateway->own;
        view_hop(view, (struct rib_hop_view){.hop = use->hop, .active = port_is_up(rib, use->hop.port) && !own});
    }
}

struct rib_route route_given(const struct route *route)
{
    struct rib_route given = {
        .prefix = route_prefix(route),
        .protocol = route->protocol,
        .type = route->type,
        .distance = route->distance,
        .metric = route->metric,
        .tag = route->tag,
        .n_hops = route->hops != NULL ? route->hops->n : 0,
    };
    for (unsigned i = 0; i < given.n_hops; i++)
        given.hops[i] = route->hops->use[i].hop;
    return given;
}

static void view_route(const struct rib *rib, const struct route *route, struct rib_view *view)
{
    *view = (struct rib_view){
        .route = route_given(route),
        .selected = route->selected,
        .installed = route->installed,
        .since_ns = route->since_ns,
    };
    if (route->hops != NULL)
        view_hops(rib, route->hops, view);
}

/* The first route in the ring of FIRST (may be NULL) whose order is at least FROM. */
static const struct route *route_from(const struct route *first, unsigned from)
{
    const struct route *route = first;
    if (route == NULL)
        return NULL;
    do {
        if (order_of(route) >= from)
            return route;
        route = route->next;
    } while (route != first);
    return NULL;
}

static bool show(const struct rib *rib, struct rib_cursor *cursor, const struct route *route, struct rib_view *view)
{
    cursor->in_prefix = true;
    cursor->prefix = route_prefix(route);
    cursor->next = order_of(route) + 1;
    view_route(rib, route, view);
    return true;
}

bool rib_next_of(const struct rib *rib, struct prefix prefix, struct rib_cursor *cursor, struct rib_view *view)
{
    const struct route *route = route_from(patricia_find(&rib->trie, prefix), cursor->next);
    return route != NULL && show(rib, cursor, route, view);
}

bool rib_next(const struct rib *rib, struct rib_cursor *cursor, struct rib_view *view)
{
    if (cursor->in_prefix && rib_next_of(rib, cursor->prefix, cursor, view))
        return true;
    struct prefix prefix;
    void *first;
    if (!patricia_next(&rib->trie, &cursor->at, &prefix, &first)) {
        cursor->in_prefix = false;
        return false;
    }
    return show(rib, cursor, first, view);
}

bool rib_match(const struct rib *rib, uint32_t addr, struct prefix *prefix)
{
    struct prefix at = {.len = 33};
    const struct route *first;
    while ((first = patricia_match_above(&rib->trie, addr, at.len, &at)) != NULL) {
        const struct route *route = first;
        do {
            if (route->selected) {
                *prefix = at;
                return true;
            }
            route = route->next;
        } while (route != first);
    }
    return false;
}

struct rib_summary rib_summary(const struct rib *rib)
{
    struct rib_summary summary = {.prefixes = rib->trie.count};
    size_t routes = 0;
    for (unsigned i = 0; i < RIB_PROTOCOL__COUNT; i++) {
        summary.routes[i] = rib->routes[i];
        summary.installed[i] = rib->installed[i];
        routes += rib->routes[i];
    }
    summary.bytes = sizeof *rib + routes * sizeof(struct route) + patricia_bytes(&rib->trie) + rib->hops_bytes +
                    rib->n_buckets * sizeof(struct hops *) + patricia_bytes(&rib->gateways) +
                    rib->gateways.count * sizeof(struct gateway) + patricia_bytes(&rib->own) +
                    rib->own.count * sizeof(uint32_t);
    return summary;
}
