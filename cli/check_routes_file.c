/* The routes of static-routes-file are judged as those of the configuration itself. A table of a million is looked at
 * in silence first, each list of next hops once; of the routes that something is wrong with, those of the first lines
 * are then told in full. */
#include <stdlib.h>

#include "cli/check.h"

#define TOLD_MOST 100 /* lines; who has broken a table by a script wants to know how, not how often */

/* The wrong routes of the lowest lines, in their order, and one more. */
struct offenders {
    size_t index[TOLD_MOST + 1];
    size_t n, all;
};

static void add(struct offenders *o, const struct routes_file *file, size_t i)
{
    size_t at = o->n;
    o->all++;
    while (at > 0 && file->routes[o->index[at - 1]].line > file->routes[i].line)
        at--;
    if (at > TOLD_MOST)
        return;
    if (o->n <= TOLD_MOST)
        o->n++;
    for (size_t k = o->n - 1; k > at; k--)
        o->index[k] = o->index[k - 1];
    o->index[at] = i;
}

static struct config_place place_of(const struct check *c, const struct file_route *route)
{
    return (struct config_place){c->config->routes_file_place.file, (int)route->line};
}

/* ---- in silence ---- */

static bool list_is_good(const struct check *c, const uint32_t *list)
{
    struct config_errors silent = {0};
    struct check quiet = *c;
    quiet.errors = &silent;
    for (unsigned i = 0; i < list[0]; i++)
        check_route_hop(&quiet, list + 1, i, (struct config_place){0});
    return silent.errors == 0;
}

static bool prefix_is_good(const struct check *c, const struct file_route *route)
{
    struct config_errors silent = {0};
    const struct check quiet = {.config = c->config, .errors = &silent};
    check_route_prefix(&quiet, file_route_prefix(route), (struct config_place){0});
    return silent.errors == 0;
}

static bool is_same(const struct file_route *a, const struct file_route *b)
{
    return a->addr == b->addr && a->len == b->len && a->distance == b->distance;
}

/* Marks in BAD, by where they are, the lists that are wrong. */
static void mark_lists(const struct check *c, uint8_t *bad)
{
    const struct routes_file *file = c->config->routes_file;
    for (size_t at = 0; at < file->n_hops; at += file->hops[at] + 1)
        bad[at] = !list_is_good(c, &file->hops[at]);
}

/* Those that static-routes has already. */
static void mark_configured(const struct check *c, uint8_t *twice)
{
    const struct routes_file *file = c->config->routes_file;
    for (size_t i = 0; i < c->config->n_routes; i++) {
        const struct config_route *r = &c->config->routes[i];
        size_t at = routes_file_find(file, r->prefix, (uint8_t)r->distance);
        const struct file_route wanted = {
            .addr = r->prefix.addr, .len = r->prefix.len, .distance = (uint8_t)r->distance};
        if (!r->doubtful && at < file->n && is_same(&file->routes[at], &wanted))
            twice[at / 8] |= (uint8_t)(1u << at % 8);
    }
}

/* ---- aloud ---- */

static void tell_twice(const struct check *c, size_t i)
{
    const struct routes_file *file = c->config->routes_file;
    const struct file_route *route = &file->routes[i];
    struct config_place first = {0}, place = place_of(c, route);
    char text[PREFIX_TEXT], where[CHECK_FIRST_SIZE];
    bool twice = false;
    for (; i > 0 && is_same(&file->routes[i - 1], route); i--) {
        first = place_of(c, &file->routes[i - 1]);
        twice = true;
    }
    for (size_t k = 0; k < c->config->n_routes; k++) {
        const struct config_route *r = &c->config->routes[k];
        if (r->doubtful || !prefix_equal(r->prefix, file_route_prefix(route)) || r->distance != route->distance)
            continue;
        first = r->place;
        twice = true;
        break;
    }
    if (twice)
        config_error(c->errors, place, "route %s of distance %u is there twice%s: one route can have several next hops",
                     prefix_text(file_route_prefix(route), text), route->distance,
                     check_first_text(first, place, where, sizeof where));
}

static void tell(const struct check *c, const struct offenders *o)
{
    const struct routes_file *file = c->config->routes_file;
    for (size_t k = 0; k < o->n && k < TOLD_MOST; k++) {
        const struct file_route *route = &file->routes[o->index[k]];
        struct config_place place = place_of(c, route);
        unsigned n;
        const uint32_t *hops = file_route_hops(file, route, &n);
        check_route_prefix(c, file_route_prefix(route), place);
        tell_twice(c, o->index[k]);
        for (unsigned i = 0; i < n; i++)
            check_route_hop(c, hops, i, place);
    }
    if (o->all > TOLD_MOST)
        config_error(c->errors, place_of(c, &file->routes[o->index[TOLD_MOST]]),
                     "and %zu more lines are wrong, this the first of them", o->all - TOLD_MOST);
}

bool check_routes_file(const struct check *c)
{
    const struct routes_file *file = c->config->routes_file;
    if (file == NULL)
        return true;
    struct offenders offenders = {0};
    uint8_t *bad = calloc(file->n_hops, 1), *twice = calloc(file->n / 8 + 1, 1);
    bool good = bad != NULL && twice != NULL;
    if (good) {
        mark_lists(c, bad);
        mark_configured(c, twice);
    }
    for (size_t i = 0; good && i < file->n; i++) {
        const struct file_route *route = &file->routes[i];
        bool again = (i > 0 && is_same(route - 1, route)) || (twice[i / 8] >> i % 8 & 1) != 0;
        if (again || bad[route->hops] != 0 || !prefix_is_good(c, route))
            add(&offenders, file, i);
    }
    tell(c, &offenders);
    free(bad);
    free(twice);
    return good;
}
