#include "cli/routes_file.h"

#include <stdlib.h>
#include <string.h>

#define LISTS_FIRST 64

struct routes_file *routes_file_new(void)
{
    struct routes_file *file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    *file = (struct routes_file){.references = 1, .in_order = true, .n_hops = 1, .hops_room = 64};
    file->lists_room = LISTS_FIRST;
    file->lists = calloc(LISTS_FIRST, sizeof *file->lists);
    file->hops = calloc(file->hops_room, sizeof *file->hops);
    if (file->lists != NULL && file->hops != NULL)
        return file;
    routes_file_put(file);
    return NULL;
}

struct routes_file *routes_file_get(struct routes_file *file)
{
    if (file != NULL)
        __atomic_add_fetch(&file->references, 1, __ATOMIC_RELAXED);
    return file;
}

void routes_file_put(void *of)
{
    struct routes_file *file = of;
    if (file == NULL || __atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(file->routes);
    free(file->hops);
    free(file->lists);
    free(file);
}

/* ---- lists of next hops ---- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static size_t place_of(const struct routes_file *file, const uint32_t *via, uint32_t n)
{
    uint64_t hash = n;
    for (uint32_t i = 0; i < n; i++)
        hash = mix(hash, via[i]);
    return (size_t)hash & (file->lists_room - 1);
}

static bool grow_lists(struct routes_file *file)
{
    uint32_t *before = file->lists;
    size_t n = file->lists_room;
    file->lists = calloc(n * 2, sizeof *file->lists);
    if (file->lists == NULL) {
        file->lists = before;
        return false;
    }
    file->lists_room = n * 2;
    for (size_t i = 0; i < n; i++) {
        if (before[i] == 0)
            continue;
        const uint32_t *list = &file->hops[before[i]];
        size_t at = place_of(file, list + 1, list[0]);
        while (file->lists[at] != 0)
            at = (at + 1) & (file->lists_room - 1);
        file->lists[at] = before[i];
    }
    free(before);
    return true;
}

static bool reserve_hops(struct routes_file *file, size_t more)
{
    if (file->n_hops + more <= file->hops_room)
        return true;
    size_t room = file->hops_room * 2 + more;
    uint32_t *grown = room > UINT32_MAX ? NULL : realloc(file->hops, room * sizeof *grown);
    if (grown == NULL)
        return false;
    file->hops = grown;
    file->hops_room = room;
    return true;
}

/* Where the list VIA is, put there if it is a new one; false when there is no memory. */
static bool take_list(struct routes_file *file, const uint32_t *via, uint32_t n, uint32_t *to)
{
    if (file->n_lists * 2 >= file->lists_room && !grow_lists(file))
        return false;
    size_t at = place_of(file, via, n);
    for (; file->lists[at] != 0; at = (at + 1) & (file->lists_room - 1)) {
        const uint32_t *list = &file->hops[file->lists[at]];
        if (list[0] == n && memcmp(list + 1, via, n * sizeof *via) == 0) {
            *to = file->lists[at];
            return true;
        }
    }
    if (!reserve_hops(file, n + 1))
        return false;
    *to = file->lists[at] = (uint32_t)file->n_hops;
    file->hops[file->n_hops++] = n;
    memcpy(&file->hops[file->n_hops], via, n * sizeof *via);
    file->n_hops += n;
    file->n_lists++;
    return true;
}

/* ---- routes ---- */

static int compare(const void *a, const void *b)
{
    const struct file_route *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

bool routes_file_add(struct routes_file *file, struct file_route route, const uint32_t *via, unsigned n)
{
    if (file->n == file->room) {
        size_t room = file->room * 2 + 256;
        struct file_route *grown = realloc(file->routes, room * sizeof *grown);
        if (grown == NULL)
            return false;
        file->routes = grown;
        file->room = room;
    }
    route.hops = 0;
    if (n > 0 && !take_list(file, via, n, &route.hops))
        return false;
    file->in_order = file->in_order && (file->n == 0 || compare(&file->routes[file->n - 1], &route) < 0);
    file->routes[file->n++] = route;
    return true;
}

static uint64_t hash_of(const struct routes_file *file)
{
    uint64_t hash = file->n;
    for (size_t i = 0; i < file->n; i++) {
        const struct file_route *route = &file->routes[i];
        unsigned n;
        const uint32_t *hops = file_route_hops(file, route, &n);
        uint64_t rest = (uint64_t)n << 24 | (uint64_t)route->type << 16 | (uint64_t)route->distance << 8 | route->len;
        hash = mix(hash, (uint64_t)route->addr << 32 | rest);
        for (unsigned k = 0; k < n; k++)
            hash = mix(hash, hops[k]);
    }
    return hash;
}

void routes_file_finish(struct routes_file *file)
{
    if (!file->in_order)
        qsort(file->routes, file->n, sizeof *file->routes, compare);
    free(file->lists);
    file->lists = NULL;
    struct file_route *routes = file->n == 0 ? NULL : realloc(file->routes, file->n * sizeof *routes);
    if (routes != NULL)
        file->routes = routes;
    uint32_t *hops = realloc(file->hops, file->n_hops * sizeof *hops);
    if (hops != NULL)
        file->hops = hops;
    file->hash = hash_of(file);
}

bool routes_file_equal(const struct routes_file *a, const struct routes_file *b)
{
    if (a == b || a == NULL || b == NULL)
        return a == b;
    return a->n == b->n && a->hash == b->hash;
}

size_t routes_file_find(const struct routes_file *file, struct prefix prefix, uint8_t distance)
{
    const struct file_route wanted = {.addr = prefix.addr, .len = prefix.len, .distance = distance};
    size_t low = 0, high = file->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&file->routes[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
