/* Tables of static-routes-file against a plain array. */
#include <stdlib.h>
#include <string.h>

#include "cli/routes_file.h"
#include "tests/unit/support/unit.h"

#define ROUTES 20000

struct plain {
    struct file_route route;
    uint32_t via[16];
    unsigned n;
};

static uint32_t below(uint64_t *seed, uint32_t n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % n;
}

static int compare(const void *a, const void *b)
{
    const struct file_route *x = &((const struct plain *)a)->route, *y = &((const struct plain *)b)->route;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

/* Few prefixes more than once, many lists of next hops. */
static struct plain *random_routes(uint64_t seed)
{
    struct plain *routes = calloc(ROUTES, sizeof *routes);
    CU_ASSERT_FATAL(routes != NULL);
    for (uint32_t i = 0; i < ROUTES; i++) {
        uint8_t len = (uint8_t)below(&seed, 33);
        routes[i].route =
            (struct file_route){.addr = below(&seed, 1 << 30) << 2 & prefix_mask(len), .line = i + 1, .len = len};
        routes[i].route.distance = (uint8_t)(1 + below(&seed, 3));
        routes[i].route.type = below(&seed, 10) == 0;
        routes[i].n = routes[i].route.type != 0 ? 0 : 1 + below(&seed, below(&seed, 2) == 0 ? 2 : 16);
        for (unsigned k = 0; k < routes[i].n; k++)
            routes[i].via[k] = below(&seed, routes[i].n == 1 ? 50 : 4000);
    }
    return routes;
}

static struct routes_file *table_of(const struct plain *routes, size_t n)
{
    struct routes_file *file = routes_file_new();
    CU_ASSERT_FATAL(file != NULL);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_FATAL(routes_file_add(file, routes[i].route, routes[i].via, routes[i].n));
    routes_file_finish(file);
    return file;
}

static void a_table_is_in_order(void)
{
    struct plain *routes = random_routes(3);
    struct routes_file *file = table_of(routes, ROUTES);
    qsort(routes, ROUTES, sizeof *routes, compare);
    CU_ASSERT_FATAL(file->n == ROUTES);
    unsigned wrong = 0;
    for (size_t i = 0; i < ROUTES; i++) {
        const struct file_route *is = &file->routes[i], *shall = &routes[i].route;
        unsigned n;
        const uint32_t *hops = file_route_hops(file, is, &n);
        wrong += is->addr != shall->addr || is->len != shall->len || is->line != shall->line ||
                 is->distance != shall->distance || is->type != shall->type;
        wrong += n != routes[i].n || memcmp(hops, routes[i].via, n * sizeof *hops) != 0;
        size_t at = routes_file_find(file, file_route_prefix(shall), shall->distance);
        wrong += at > i || compare(&(struct plain){.route = file->routes[at]}, &routes[i]) > 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(routes_file_find(file, (struct prefix){UINT32_MAX, 32}, 255), ROUTES);
    routes_file_put(file);
    free(routes);
}

static void equality_is_of_what_it_holds(void)
{
    struct plain *routes = random_routes(4);
    struct routes_file *file = table_of(routes, ROUTES), *less = table_of(routes, ROUTES - 1), *other;
    for (size_t i = 0; i < ROUTES; i++)
        routes[i].route.line = (uint32_t)(ROUTES - i);
    qsort(routes, ROUTES, sizeof *routes, compare);
    other = table_of(routes, ROUTES);
    CU_ASSERT_FALSE(routes_file_equal(file, less));
    CU_ASSERT_FALSE(routes_file_equal(file, NULL));
    CU_ASSERT_TRUE(routes_file_equal(NULL, NULL));
    routes_file_put(less);
    routes_file_put(other);
    qsort(routes, ROUTES, sizeof *routes, compare);
    for (size_t i = 0; i < ROUTES; i += 999) {
        if (routes[i].n == 0)
            routes[i].route.type++;
        routes[i].via[0]++;
        other = table_of(routes, ROUTES);
        CU_ASSERT_FALSE(routes_file_equal(file, other));
        routes_file_put(other);
    }
    routes_file_put(file);
    free(routes);
}

static void the_last_holder_frees(void)
{
    struct routes_file *file = table_of(NULL, 0);
    CU_ASSERT_PTR_EQUAL(routes_file_get(file), file);
    routes_file_put(file);
    CU_ASSERT_EQUAL(file->n, 0);
    routes_file_put(file);
    routes_file_put(NULL);
    CU_ASSERT_PTR_NULL(routes_file_get(NULL));
}

static const struct unit_case cases[] = {
    {"twenty thousand routes in any order are put in order, with their next hops", a_table_is_in_order},
    {"tables are equal when they hold the same, in whatever lines", equality_is_of_what_it_holds},
    {"a table lives as long as somebody holds it", the_last_holder_frees},
};
UNIT_MAIN("cli routes file", cases)
