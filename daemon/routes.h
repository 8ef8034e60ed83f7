/* The static routes of the configuration, as the RIB has them from us. */
#ifndef DAEMON_ROUTES_H
#define DAEMON_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/config.h"
#include "forwarding/now.h"
#include "protocols/rib.h"

struct router;

struct static_route {
    struct rib_route route;
    size_t from; /* which of its configuration's it is */
};

/* Those of the configuration itself, and those of its routes file, which are shared with it: each in order of prefix
 * and distance, so that one walk over what was and what shall be finds what went, what came and what stayed, however
 * many there are. */
struct static_routes {
    struct static_route *list;
    size_t n;
    struct routes_file *file; /* NULL: none */
};

/* The routes of CONFIG in order, their ports not looked up yet: plain data, for any thread. False when there is no
 * memory. */
bool routes_list(struct static_routes *routes, const struct config *config);
void routes_free(struct static_routes *routes);

/* The same in the worker: giving back the memory of a million routes takes a while. */
void routes_discard(struct router *router, struct static_routes *routes);

/* How far a walk has come. */
struct routes_at {
    size_t list, file;
};

/* From what the RIB has from us to WANT, step by step. */
struct routes_change {
    struct router *router;
    const struct config *config; /* of WANT; it has to stay until the last step */
    struct static_routes want;
    struct routes_at at_have, at_want;
};

/* Changes the routes of at most MOST prefixes, of fewer if one has many: what is there already and the same is not
 * touched. True when there is more to do; after the last step WANT is what the router has, and what it had is in WANT,
 * to be freed. The interfaces of the configuration must have been applied before. */
bool routes_change_some(struct routes_change *change, size_t most, struct now now);

#endif
