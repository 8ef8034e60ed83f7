/* A route that names an interface is compared by the interface's port number: the number changes when the interface is
 * configured anew. Of one prefix everything changes within one step, what comes first, so that there is no moment
 * without a route where there is one before and after. */
#include "daemon/routes.h"

#include <stdlib.h>

#include "daemon/interfaces.h"
#include "daemon/router.h"

static int compare_prefixes(const struct rib_route *a, const struct rib_route *b)
{
    if (a->prefix.addr != b->prefix.addr)
        return a->prefix.addr < b->prefix.addr ? -1 : 1;
    return (int)a->prefix.len - (int)b->prefix.len;
}

static int compare(const void *a, const void *b)
{
    const struct rib_route *x = &((const struct static_route *)a)->route, *y = &((const struct static_route *)b)->route;
    int order = compare_prefixes(x, y);
    return order != 0 ? order : (int)x->distance - (int)y->distance;
}

static bool same(const struct rib_route *a, const struct rib_route *b)
{
    if (a->type != b->type || a->n_hops != b->n_hops)
        return false;
    for (unsigned i = 0; i < a->n_hops; i++)
        if (a->hops[i].gateway != b->hops[i].gateway || a->hops[i].port != b->hops[i].port)
            return false;
    return true;
}

/* ---- the list ---- */

static struct rib_route of_config(const struct config_route *c)
{
    struct rib_route r = {
        .prefix = c->prefix, .protocol = RIB_STATIC, .type = (enum rib_type)c->type, .distance = (uint8_t)c->distance};
    if (r.type != RIB_UNICAST)
        return r;
    for (unsigned i = 0; i < c->n_via; i++)
        r.hops[r.n_hops++] = (struct rib_hop){.gateway = c->via[i], .port = PORT_NONE};
    if (c->n_via == 0)
        r.hops[r.n_hops++] = (struct rib_hop){.port = PORT_NONE};
    return r;
}

bool routes_list(struct static_routes *routes, const struct config *config)
{
    routes->n = config->n_routes;
    routes->list = calloc(routes->n + 1, sizeof *routes->list);
    if (routes->list == NULL)
        return false;
    for (size_t i = 0; i < routes->n; i++)
        routes->list[i] = (struct static_route){of_config(&config->routes[i]), i};
    qsort(routes->list, routes->n, sizeof *routes->list, compare);
    return true;
}

/* ---- the difference ---- */

static void find_ports(const struct routes_change *c, struct static_route *s)
{
    const char *interface = c->config->routes[s->from].interface;
    for (unsigned i = 0; interface != NULL && i < s->route.n_hops; i++)
        s->route.hops[i].port = (uint16_t)interfaces_number(c->router->interfaces, interface);
}

/* How many at LIST[AT] and after it have PREFIX_OF's prefix. */
static size_t count_prefix(const struct static_routes *routes, size_t at, const struct rib_route *prefix_of)
{
    size_t n = 0;
    while (at + n < routes->n && compare_prefixes(&routes->list[at + n].route, prefix_of) == 0)
        n++;
    return n;
}

static const struct rib_route *find_distance(const struct static_route *list, size_t n, uint8_t distance)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].route.distance == distance)
            return &list[i].route;
    return NULL;
}

static void add(struct router *router, const struct rib_route *route, struct now now)
{
    char text[PREFIX_TEXT];
    if (!rib_add(router->rib, route, now))
        log_error(&router->log, "static route %s: no memory for it", prefix_text(route->prefix, text));
}

static void change_prefix(struct routes_change *c, struct now now)
{
    struct router *r = c->router;
    struct static_route *have = r->statics.list + c->at_have, *want = c->want.list + c->at_want;
    const struct rib_route *first = c->at_have == r->statics.n                          ? &want->route
                                    : c->at_want == c->want.n                           ? &have->route
                                    : compare_prefixes(&have->route, &want->route) <= 0 ? &have->route
                                                                                        : &want->route;
    size_t n_have = count_prefix(&r->statics, c->at_have, first), n_want = count_prefix(&c->want, c->at_want, first);
    for (size_t i = 0; i < n_want; i++) {
        find_ports(c, &want[i]);
        const struct rib_route *was = find_distance(have, n_have, want[i].route.distance);
        if (was == NULL || !same(was, &want[i].route))
            add(r, &want[i].route, now);
    }
    for (size_t i = 0; i < n_have; i++)
        if (find_distance(want, n_want, have[i].route.distance) == NULL)
            rib_remove(r->rib, have[i].route.prefix, RIB_STATIC, have[i].route.distance, now);
    c->at_have += n_have;
    c->at_want += n_want;
}

bool routes_change_some(struct routes_change *c, size_t most, struct now now)
{
    struct router *r = c->router;
    rib_batch_begin(r->rib);
    for (; most > 0 && (c->at_have < r->statics.n || c->at_want < c->want.n); most--)
        change_prefix(c, now);
    rib_batch_end(r->rib, now);
    if (c->at_have < r->statics.n || c->at_want < c->want.n)
        return true;
    struct static_routes had = r->statics;
    r->statics = c->want;
    c->want = had;
    return false;
}
