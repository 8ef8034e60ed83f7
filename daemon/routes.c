/* Both lists are in order, so that one walk over the two finds what went, what came and what stayed, however many there
 * are. A route that names an interface is compared by the interface's port number: the number changes when the
 * interface is configured anew. */
#include "daemon/routes.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/interfaces.h"
#include "daemon/router.h"

static int compare_place(const struct rib_route *a, const struct rib_route *b)
{
    if (a->prefix.addr != b->prefix.addr)
        return a->prefix.addr < b->prefix.addr ? -1 : 1;
    if (a->prefix.len != b->prefix.len)
        return a->prefix.len < b->prefix.len ? -1 : 1;
    return (int)a->distance - (int)b->distance;
}

static int compare(const void *a, const void *b)
{
    return compare_place(a, b);
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

static struct rib_route of_config(const struct interfaces *interfaces, const struct config_route *c)
{
    struct rib_route r = {
        .prefix = c->prefix, .protocol = RIB_STATIC, .type = (enum rib_type)c->type, .distance = (uint8_t)c->distance};
    if (r.type != RIB_UNICAST)
        return r;
    uint16_t port = c->interface == NULL ? PORT_NONE : (uint16_t)interfaces_number(interfaces, c->interface);
    for (unsigned i = 0; i < c->n_via; i++)
        r.hops[r.n_hops++] = (struct rib_hop){.gateway = c->via[i], .port = port};
    if (c->n_via == 0)
        r.hops[r.n_hops++] = (struct rib_hop){.port = port};
    return r;
}

static struct rib_route *list_of_config(const struct interfaces *interfaces, const struct config *config)
{
    struct rib_route *list = calloc(config->n_routes + 1, sizeof *list);
    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < config->n_routes; i++)
        list[i] = of_config(interfaces, &config->routes[i]);
    qsort(list, config->n_routes, sizeof *list, compare);
    return list;
}

static void add(struct router *router, const struct rib_route *route, struct now now)
{
    char text[PREFIX_TEXT];
    if (!rib_add(router->rib, route, now))
        log_error(&router->log, "static route %s: no memory for it", prefix_text(route->prefix, text));
}

void routes_apply(struct router *router, const struct config *config, struct now now)
{
    struct rib_route *want = list_of_config(router->interfaces, config), *have = router->statics;
    if (want == NULL) {
        log_error(&router->log, "no memory for the static routes, which stay as they were");
        return;
    }
    size_t h = 0, w = 0;
    rib_batch_begin(router->rib);
    while (h < router->n_statics || w < config->n_routes) {
        int order = h == router->n_statics ? 1 : w == config->n_routes ? -1 : compare_place(&have[h], &want[w]);
        if (order < 0)
            rib_remove(router->rib, have[h].prefix, RIB_STATIC, have[h].distance, now);
        else if (order > 0 || !same(&have[h], &want[w]))
            add(router, &want[w], now);
        h += order <= 0;
        w += order >= 0;
    }
    rib_batch_end(router->rib, now);
    free(have);
    router->statics = want;
    router->n_statics = config->n_routes;
}
