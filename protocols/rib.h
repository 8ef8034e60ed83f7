/* The RIB: all routes that anybody offers for a prefix, who wins it, and by which next hops; the winner goes to the
 * FIB.
 *
 * A protocol offers at most one route for a prefix (of one distance, for static: several floating ones may differ in
 * distance). The lowest distance whose next hops resolve wins. A next hop is a port, a gateway on a port's network, or
 * a gateway that another route leads to (recursive). Whatever changes, every route that leaned on it is resolved anew.
 *
 * A gateway does not resolve by the default route, nor by a route that needs that very gateway; not through more than 8
 * routes; and gateways that wait for each other in a circle are inactive. So the result never depends on the order in
 * which routes came. All ports are down until rib_port_changed says otherwise. */
#ifndef PROTOCOLS_RIB_H
#define PROTOCOLS_RIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/fib.h"
#include "forwarding/now.h"
#include "forwarding/prefix.h"

struct rib;

enum rib_protocol { RIB_CONNECTED, RIB_STATIC, RIB_RIP, RIB_KERNEL, RIB_PROTOCOL__COUNT };
extern const char *const rib_protocol_name[RIB_PROTOCOL__COUNT]; /* as in JSON */

enum rib_type { RIB_UNICAST, RIB_BLACKHOLE, RIB_UNREACHABLE, RIB_PROHIBIT };

struct rib_hop {
    uint32_t gateway; /* 0: on the port's network itself */
    uint16_t port;    /* PORT_NONE: to be found by the gateway */
};

struct rib_route {
    struct prefix prefix; /* no host bits */
    enum rib_protocol protocol;
    enum rib_type type;
    uint8_t distance; /* 255: never installed */
    uint32_t metric;
    uint32_t tag;
    unsigned n_hops; /* at most FIB_HOPS_MAX; 0 unless RIB_UNICAST */
    struct rib_hop hops[FIB_HOPS_MAX];
};

/* Routes are put into FIB, which must outlive it. NULL when there is no memory. */
struct rib *rib_new(struct fib *fib, struct later *later);
void rib_free(struct rib *rib);

/* Puts a route in, or replaces the one of the same prefix, protocol and distance. False when there is no memory. */
bool rib_add(struct rib *rib, const struct rib_route *route, struct now now);

/* False if there was none. */
bool rib_remove(struct rib *rib, struct prefix prefix, enum rib_protocol protocol, uint8_t distance, struct now now);

/* Everything of a protocol, e.g. when it stops. */
void rib_remove_protocol(struct rib *rib, enum rib_protocol protocol, struct now now);

/* A port went up or down: next hops by it become usable or not. Its connected routes are added and removed by whoever
 * knows its addresses. */
void rib_port_changed(struct rib *rib, unsigned port, bool up, struct now now);

/* An address is the router's own (of a port that is up): never a usable gateway. Counted: an address may be told twice.
 */
void rib_own_address(struct rib *rib, uint32_t addr, bool added, struct now now);

/* Changes between these two are resolved once, at the end: for loading a big table. They nest. */
void rib_batch_begin(struct rib *rib);
void rib_batch_end(struct rib *rib, struct now now);

/* A change that many routes lean on (a port, a gateway) takes time. From the first call of this, batches finish such
 * work for MOST routes altogether until the next call, and what is more is left for following calls, for MOST routes
 * each. True when there is some left: then call again soon. If never called, every batch finishes everything. */
bool rib_run(struct rib *rib, size_t most);

/* Hears of every prefix whose selected route is another one now, or has other hops, or is gone (WINNER is NULL); now
 * and then of one for which nothing changed. It may look at the RIB, not change it. A newcomer walks with rib_next, in
 * its own time: what changes meanwhile it hears of. */
struct rib_watch {
    void (*changed)(void *context, struct prefix prefix, const struct rib_route *winner);
    void *context;
    struct rib_watch *next;
};
void rib_watch(struct rib *rib, struct rib_watch *watch);
void rib_unwatch(struct rib *rib, struct rib_watch *watch);

/* ---- looking ---- */

struct rib_hop_view {
    struct rib_hop hop; /* as given; port found if the gateway is connected */
    bool active;        /* leads somewhere */
    bool recursive;     /* given; what it resolved to follows, marked resolver */
    bool resolver;
};

#define RIB_VIEW_HOPS (FIB_HOPS_MAX * 4)

struct rib_view {
    struct rib_route route;
    bool selected;     /* wins its prefix */
    bool installed;    /* is in the FIB */
    uint64_t since_ns; /* when it was put in */
    unsigned n_hops;
    struct rib_hop_view hops[RIB_VIEW_HOPS];
};

/* Ordered walk over prefixes, and for each over its routes by distance; survives any change between two steps. */
struct rib_cursor {
    struct patricia_cursor at;
    struct prefix prefix;
    unsigned next;
    bool in_prefix;
};
#define RIB_START ((struct rib_cursor){0})
bool rib_next(const struct rib *rib, struct rib_cursor *cursor, struct rib_view *view);

/* Where a walk begins that leaves out the prefixes before address ADDR. */
static inline struct rib_cursor rib_cursor_at(uint32_t addr)
{
    return (struct rib_cursor){.at = {.at = {.addr = addr}, .started = addr != 0}};
}

/* The longest prefix that holds ADDR and has a selected route. False if there is none. */
bool rib_match(const struct rib *rib, uint32_t addr, struct prefix *prefix);

/* Walks only PREFIX: set *cursor = RIB_START before the first call. */
bool rib_next_of(const struct rib *rib, struct prefix prefix, struct rib_cursor *cursor, struct rib_view *view);

struct rib_summary {
    size_t prefixes, routes[RIB_PROTOCOL__COUNT], installed[RIB_PROTOCOL__COUNT], bytes;
};
struct rib_summary rib_summary(const struct rib *rib);

#endif
