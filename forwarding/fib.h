/* core writes, lanes read: the forwarding table. Each prefix leads to a group of next hops; equal groups are one object
 * that many prefixes share. What wins a prefix is the RIB's business. */
#ifndef FORWARDING_FIB_H
#define FORWARDING_FIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/patricia.h"
#include "forwarding/prefix.h"
#include "forwarding/publish.h"

#define FIB_HOPS_MAX 16

enum fib_action {
    FIB_FORWARD,
    FIB_BLACKHOLE,   /* dropped in silence */
    FIB_UNREACHABLE, /* 3/1 */
    FIB_PROHIBIT,    /* 3/13 */
};

struct nexthop {
    uint32_t gateway; /* 0: the destination itself is on the port's network */
    uint16_t port;
};

struct nexthop_group {
    uint32_t references; /* the core's: prefixes that use it */
    uint8_t action;      /* enum fib_action */
    uint8_t n;           /* hops; 0 unless FIB_FORWARD */
    struct nexthop hop[];
};

struct fib;

/* NULL when there is no memory. */
struct fib *fib_new(struct later *later);
void fib_free(struct fib *fib);

/* Sets or replaces the action of PREFIX: make before break, a lookup sees the old or the new and never neither. N is 1
 * to FIB_HOPS_MAX for FIB_FORWARD, else 0; order and duplicates do not matter. False when there is no memory. */
bool fib_set(struct fib *fib, struct prefix prefix, enum fib_action action, const struct nexthop *hops, unsigned n);

/* False if it was not there. */
bool fib_remove(struct fib *fib, struct prefix prefix);

/* Longest match, or NULL. *matched may be NULL. Lanes may call both. */
const struct nexthop_group *fib_lookup(const struct fib *fib, uint32_t addr, struct prefix *matched);
void fib_lookup_burst(const struct fib *fib, const uint32_t *addrs, const struct nexthop_group **to, unsigned n);

/* Exactly PREFIX. */
const struct nexthop_group *fib_find(const struct fib *fib, struct prefix prefix);

/* Ordered walk, see patricia_next. */
bool fib_next(const struct fib *fib, struct patricia_cursor *cursor, struct prefix *prefix,
              const struct nexthop_group **group);

/* core: a number that grows with every change: for whoever keeps what follows from look-ups. */
uint64_t fib_changes(const struct fib *fib);

struct fib_summary {
    size_t prefixes, nodes, groups, bytes;
};
struct fib_summary fib_summary(const struct fib *fib);

#endif
