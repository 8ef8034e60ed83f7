/* The routes of a file of their own (static-routes-file), for tables of a million: 16 bytes each, in order, and each
 * list of next hops once. A table is made once and does not change any more; configurations that are copies of each
 * other share it. */
#ifndef CLI_ROUTES_FILE_H
#define CLI_ROUTES_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/prefix.h"

struct file_route {
    uint32_t addr;
    uint32_t line;
    uint32_t hops; /* where its list is in the table's hops */
    uint8_t len;
    uint8_t distance;
    uint8_t type; /* enum rib_type's order, as in struct config_route */
};

_Static_assert(sizeof(struct file_route) == 16, "there may be a million of them");

struct routes_file {
    struct file_route *routes; /* in order of prefix, distance and line */
    size_t n;
    uint32_t *hops; /* lists, each after its length; at 0 is that of no hops */
    size_t n_hops;
    uint64_t hash; /* of what the routes are, whatever their lines */

    /* While it is made. */
    size_t room, hops_room;
    uint32_t *lists; /* hash table of where lists are, 0: free */
    size_t n_lists, lists_room;
    bool in_order;

    unsigned references; /* atomic: configurations are freed by any thread */
};

static inline struct prefix file_route_prefix(const struct file_route *route)
{
    return (struct prefix){.addr = route->addr, .len = route->len};
}

static inline const uint32_t *file_route_hops(const struct routes_file *file, const struct file_route *route,
                                              unsigned *n)
{
    *n = file->hops[route->hops];
    return &file->hops[route->hops + 1];
}

/* An empty table, with one reference. NULL when there is no memory. */
struct routes_file *routes_file_new(void);

/* Adds ROUTE with the next hops VIA, in any order of prefixes and in the order of lines. False when there is no memory.
 */
bool routes_file_add(struct routes_file *file, struct file_route route, const uint32_t *via, unsigned n);

/* Everything has been added: from now on the table is in order and fit to be shared. */
void routes_file_finish(struct routes_file *file);

/* One more reference, one less; FILE may be NULL. The last one frees. */
struct routes_file *routes_file_get(struct routes_file *file);
void routes_file_put(void *file);

/* The same routes; either may be NULL: none. */
bool routes_file_equal(const struct routes_file *a, const struct routes_file *b);

/* The first route that does not come before PREFIX and DISTANCE; file->n if there is none. */
size_t routes_file_find(const struct routes_file *file, struct prefix prefix, uint8_t distance);

#endif
