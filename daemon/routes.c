/* A route that names an interface is compared by the interface's port number: the number changes when the interface is
 * configured anew. Of one prefix everything changes within one step, what comes first, so that there is no moment
 * without a route where there is one before and after. */
#include "daemon/routes.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/interfaces.h"
#include "daemon/router.h"

static int compare_prefixes(struct prefix a, struct prefix b)
{
    if (a.addr != b.addr)
        return a.addr < b.addr ? -1 : 1;
    return (int)a.len - (int)b.len;
}

static int compare(const void *a, const void *b)
{
    const struct rib_route *x = &((const struct static_route *)a)->route, *y = &((const struct static_route *)b)->route;
    int order = compare_prefixes(x->prefix, y->prefix);
    return order != 0 ? order : (int)x->distance - (int)y->distance;
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
    *routes = (struct static_routes){.n = config->n_routes};
    routes->list = calloc(routes->n + 1, sizeof *routes->list);
    if (routes->list == NULL)
        return false;
    for (size_t i = 0; i < routes->n; i++)
        routes->list[i] = (struct static_route){of_config(&config->routes[i]), i};
    qsort(routes->list, routes->n, sizeof *routes->list, compare);
    routes->file = routes_file_get(config->routes_file);
    return true;
}

void routes_free(struct static_routes *routes)
{
    free(routes->list);
    routes_file_put(routes->file);
    *routes = (struct static_routes){0};
}

void routes_discard(struct router *router, struct static_routes *routes)
{
    if (routes->list != NULL && worker_do(router->worker, free, NULL, routes->list))
        routes->list = NULL;
    if (routes->file != NULL && worker_do(router->worker, routes_file_put, NULL, routes->file))
        routes->file = NULL;
    routes_free(routes);
}

/* ---- one walk over both ---- */

/* A route of either kind; both NULL: none. */
struct found {
    struct static_route *listed;
    const struct file_route *filed;
};

static bool at_end(const struct static_routes *routes, struct routes_at at)
{
    return at.list == routes->n && (routes->file == NULL || at.file == routes->file->n);
}

static struct found look(const struct static_routes *routes, struct routes_at at)
{
    struct found f = {0};
    if (at.list < routes->n)
        f.listed = &routes->list[at.list];
    if (routes->file != NULL && at.file < routes->file->n)
        f.filed = &routes->file->routes[at.file];
    if (f.listed == NULL || f.filed == NULL)
        return f;
    int order = compare_prefixes(f.listed->route.prefix, file_route_prefix(f.filed));
    if (order < 0 || (order == 0 && f.listed->route.distance < f.filed->distance))
        f.filed = NULL;
    else
        f.listed = NULL;
    return f;
}

static struct prefix prefix_of(struct found f)
{
    return f.listed != NULL ? f.listed->route.prefix : file_route_prefix(f.filed);
}

static uint8_t distance_of(struct found f)
{
    return f.listed != NULL ? f.listed->route.distance : f.filed->distance;
}

/* The next one, if it is of PREFIX; *at goes past it. */
static bool take(const struct static_routes *routes, struct routes_at *at, struct prefix prefix, struct found *f)
{
    if (at_end(routes, *at))
        return false;
    *f = look(routes, *at);
    if (!prefix_equal(prefix_of(*f), prefix))
        return false;
    at->list += f->listed != NULL;
    at->file += f->filed != NULL;
    return true;
}

static void of_file(const struct routes_file *file, const struct file_route *f, struct rib_route *to)
{
    unsigned n;
    const uint32_t *hops = file_route_hops(file, f, &n);
    *to = (struct rib_route){.prefix = file_route_prefix(f),
                             .protocol = RIB_STATIC,
                             .type = (enum rib_type)f->type,
                             .distance = f->distance,
                             .n_hops = n};
    for (unsigned i = 0; i < n; i++)
        to->hops[i] = (struct rib_hop){.gateway = hops[i], .port = PORT_NONE};
}

static const struct rib_route *route_of(const struct static_routes *routes, struct found f, struct rib_route *room)
{
    if (f.listed != NULL)
        return &f.listed->route;
    of_file(routes->file, f.filed, room);
    return room;
}

/* ---- the difference ---- */

static bool same_routes(const struct rib_route *a, const struct rib_route *b)
{
    if (a->type != b->type || a->n_hops != b->n_hops)
        return false;
    for (unsigned i = 0; i < a->n_hops; i++)
        if (a->hops[i].gateway != b->hops[i].gateway || a->hops[i].port != b->hops[i].port)
            return false;
    return true;
}

static bool same(const struct routes_change *c, struct found have, struct found want)
{
    struct rib_route a, b;
    const struct static_routes *statics = &c->router->statics;
    if (have.filed == NULL || want.filed == NULL)
        return same_routes(route_of(statics, have, &a), route_of(&c->want, want, &b));
    unsigned n, m;
    const uint32_t *x = file_route_hops(statics->file, have.filed, &n);
    const uint32_t *y = file_route_hops(c->want.file, want.filed, &m);
    return have.filed->type == want.filed->type && n == m && memcmp(x, y, n * sizeof *x) == 0;
}

static void find_ports(const struct routes_change *c, struct static_route *s)
{
    const char *interface = c->config->routes[s->from].interface;
    for (unsigned i = 0; interface != NULL && i < s->route.n_hops; i++)
        s->route.hops[i].port = (uint16_t)interfaces_number(c->router->interfaces, interface);
}

static void add(const struct routes_change *c, struct found want, struct now now)
{
    struct rib_route room;
    const struct rib_route *route = route_of(&c->want, want, &room);
    char text[PREFIX_TEXT];
    if (!rib_add(c->router->rib, route, now))
        log_error(&c->router->log, "static route %s: no memory for it", prefix_text(route->prefix, text));
}

/* What there was of PREFIX and what there shall be are both in order of distance. Returns how many changed. */
static size_t change_prefix(struct routes_change *c, struct prefix prefix, struct now now)
{
    const struct static_routes *statics = &c->router->statics;
    struct routes_at at_have = c->at_have, at_want = c->at_want;
    struct found have, want;
    size_t changed = 0;
    bool had = take(statics, &at_have, prefix, &have);
    while (take(&c->want, &at_want, prefix, &want)) {
        if (want.listed != NULL)
            find_ports(c, want.listed);
        while (had && distance_of(have) < distance_of(want))
            had = take(statics, &at_have, prefix, &have);
        if (had && distance_of(have) == distance_of(want) && same(c, have, want))
            continue;
        add(c, want, now);
        changed++;
    }
    at_want = c->at_want;
    bool wanted = take(&c->want, &at_want, prefix, &want);
    while (take(statics, &c->at_have, prefix, &have)) {
        while (wanted && distance_of(want) < distance_of(have))
            wanted = take(&c->want, &at_want, prefix, &want);
        if (wanted && distance_of(want) == distance_of(have))
            continue;
        rib_remove(c->router->rib, prefix, RIB_STATIC, distance_of(have), now);
        changed++;
    }
    while (wanted)
        wanted = take(&c->want, &at_want, prefix, &want);
    c->at_want = at_want;
    return changed;
}

static bool next_prefix(const struct routes_change *c, struct prefix *prefix)
{
    const struct static_routes *have = &c->router->statics, *want = &c->want;
    if (at_end(have, c->at_have) && at_end(want, c->at_want))
        return false;
    if (at_end(have, c->at_have)) {
        *prefix = prefix_of(look(want, c->at_want));
        return true;
    }
    *prefix = prefix_of(look(have, c->at_have));
    if (at_end(want, c->at_want))
        return true;
    struct prefix other = prefix_of(look(want, c->at_want));
    if (compare_prefixes(other, *prefix) < 0)
        *prefix = other;
    return true;
}

/* Copies of a configuration share their routes file: a change of something else need not walk over it. */
static void skip_shared(struct routes_change *c)
{
    const struct routes_file *file = c->want.file;
    if (file != NULL && file == c->router->statics.file)
        c->at_have.file = c->at_want.file = file->n;
}

bool routes_change_some(struct routes_change *c, size_t most, struct now now)
{
    struct router *r = c->router;
    struct prefix prefix;
    bool more;
    skip_shared(c);
    rib_batch_begin(r->rib);
    while ((more = next_prefix(c, &prefix)) && most > 0) {
        size_t cost = change_prefix(c, prefix, now);
        most -= cost <= 1 ? 1 : cost < most ? cost : most;
    }
    rib_batch_end(r->rib, now);
    if (more)
        return true;
    struct static_routes had = r->statics;
    r->statics = c->want;
    c->want = had;
    return false;
}
