/* What the files of the RIB share.
 *
 *   rib.c          routes, prefixes, who wins, the FIB
 *   rib_hops.c     hop lists and gateways: objects that routes share
 *   rib_resolve.c  what gateways resolve to
 *   rib_view.c     looking
 *
 * The routes of a prefix form a ring in order of distance; the trie points at its first. Equal lists of next hops are
 * one `struct hops`, which knows all its routes; equal gateways are one `struct gateway`, which knows all lists that
 * name it. So when a gateway's resolution changes, its routes are found without looking at any other, and a million
 * routes over few gateways cost 56 bytes each, beside their prefixes in the trie.
 *
 * A prefix (the default route excepted) that holds the address of some gateway is a carrier: only its changes can
 * change what gateways resolve to. Carriers stand first in the list of their hops' routes, so that these few are found
 * among the many. */
#ifndef PROTOCOLS_RIB_INTERNAL_H
#define PROTOCOLS_RIB_INTERNAL_H

#include "forwarding/counters.h"
#include "forwarding/packet.h"
#include "forwarding/patricia.h"
#include "forwarding/slab.h"
#include "protocols/rib.h"

struct route {
    struct route *next;       /* ring of the prefix */
    struct route *prev_equal; /* list of the hops; NULL at its ends */
    struct route *next_equal;
    struct hops *hops; /* NULL unless RIB_UNICAST */
    uint64_t since_ns;
    uint32_t addr, metric, tag;
    uint8_t len, distance;
    unsigned protocol : 4, type : 4; /* enum rib_protocol, enum rib_type */
    bool first : 1;                  /* of the ring */
    bool selected : 1, installed : 1;
    bool carrier : 1;
};

_Static_assert(sizeof(void *) > 4 ? sizeof(struct route) == 56 : 1, "there may be a million of them");

/* What a gateway leads to. */
enum reach { REACH_UNKNOWN, REACH_YES, REACH_NO };
struct resolution {
    uint8_t reach;  /* enum reach */
    bool recursive; /* by a route that is not connected */
    uint8_t depth;  /* routes between this and a connected one */
    uint8_t by_len; /* length of the prefix that resolved it */
    uint8_t n;      /* hops */
    struct nexthop hop[FIB_HOPS_MAX];
};

struct gateway {
    uint32_t addr;
    uint32_t references; /* uses, and one while pending */
    bool own;            /* an address of the router's */
    bool pending;        /* to be resolved anew; meanwhile `found` is what stands, `next` what is being worked out */
    bool seen;           /* scratch of the search for circles */
    struct resolution found, next;
    struct hops *waits_for; /* why `next` is not known yet */
    struct use *uses;
    struct gateway *next_pending, *next_seen, *next_circle;
};

/* One hop of a list. */
struct use {
    struct rib_hop hop;
    struct gateway *gateway; /* NULL: on the port's network */
    struct hops *hops;       /* of which list */
    struct use *next, *prev; /* list of the gateway */
};

struct hops {
    struct hops *next; /* in its bucket */
    uint32_t hash;
    uint32_t references; /* routes, and one while dirty */
    struct route *routes, *last;
    struct hops *next_dirty;
    struct route *at;  /* while dirty: this route and what follows it is still to be selected anew */
    bool dirty, again; /* again: and then all of them once more, as they changed when only some had been */
    uint8_t n;
    struct use use[];
};

struct rib {
    struct patricia trie;     /* of struct route, the first of each prefix */
    struct patricia gateways; /* of struct gateway, by address as /32 */
    struct patricia own;      /* of uint32_t, how often it was told, by address as /32 */
    struct slab_pool route_pool;
    struct fib *fib;
    struct rib_watch *watches;
    struct hops **buckets;
    size_t n_buckets, n_hops, hops_bytes;
    struct gateway *pending, **pending_end;
    bool resolving; /* `next` of what is pending stands for `found` */
    struct hops *dirty;
    size_t most;    /* routes that batches may still select anew before the next rib_run */
    unsigned batch; /* nesting */
    uint8_t up[PORT_MAX / 8];
    size_t routes[RIB_PROTOCOL__COUNT], installed[RIB_PROTOCOL__COUNT];
};

static inline struct prefix route_prefix(const struct route *route)
{
    return (struct prefix){.addr = route->addr, .len = route->len};
}

static inline bool port_is_up(const struct rib *rib, unsigned port)
{
    return port < PORT_MAX && (rib->up[port / 8] >> port % 8 & 1) != 0;
}

/* ---- rib_hops.c ---- */

/* The list of these hops, made if there is none, with one more reference. NULL when there is no memory. */
struct hops *hops_get(struct rib *rib, const struct rib_hop *hops, unsigned n);
void hops_put(struct rib *rib, struct hops *hops);

void hops_link(struct hops *hops, struct route *route);
void hops_unlink(struct hops *hops, struct route *route);

/* Its routes are selected anew at the end of the batch or, if they are too many for that, in what follows. What they
 * carry is the caller's to think of. */
void hops_make_dirty(struct rib *rib, struct hops *hops);

struct gateway *gateway_find(const struct rib *rib, uint32_t addr);
void gateway_put(struct rib *rib, struct gateway *gateway);
void gateway_make_pending(struct rib *rib, struct gateway *gateway);

/* Walks the gateways whose address PREFIX holds; *at is NULL before the first call. */
struct gateway *gateway_within(const struct rib *rib, struct prefix prefix, const struct gateway *at);

/* ---- rib_view.c ---- */

/* The route as it was given. */
struct rib_route route_given(const struct route *route);

/* ---- rib_resolve.c ---- */

/* What the hops of a list lead to, as far as is known now. */
enum reach hops_reach(const struct rib *rib, const struct hops *hops);

/* All of them together, each once, at most FIB_HOPS_MAX; ON_LINK stands for "the destination itself" (0 for a route's
 * own hops). Returns how many. */
unsigned hops_collect(const struct rib *rib, const struct hops *hops, uint32_t on_link, struct nexthop *to);

/* PREFIX has changed, or may be about to: gateways that it resolves, or might, become pending. */
void resolve_prefix_changed(struct rib *rib, struct prefix prefix);

/* Resolves what is pending, and makes dirty the hops for which that changed anything. */
void resolve_pending(struct rib *rib);

#endif
