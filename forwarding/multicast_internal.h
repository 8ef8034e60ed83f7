/* core: what multicast.c (decisions), multicast_table.c (entries) and multicast_forward.c (finding them) share. */
#ifndef FORWARDING_MULTICAST_INTERNAL_H
#define FORWARDING_MULTICAST_INTERNAL_H

#include <sys/queue.h>

#include "forwarding/bucket.h"
#include "forwarding/dataplane.h"
#include "forwarding/multicast.h"
#include "forwarding/slab.h"
#include "forwarding/timers.h"

#define MULTICAST_BUCKETS 16384 /* power of two */

/* Numbers outlive the table when lanes may still be reading a retired entry: the pool is freed by the last of the two.
 */
struct multicast_numbers {
    unsigned retired; /* entries handed to later() that have not come back */
    bool orphan;      /* the table is gone */
    uint32_t fresh;   /* numbers from here on were never used */
    uint32_t n;       /* of returned */
    uint32_t returned[MULTICAST_MAX];
};

/* What had come by the right port at some time. */
struct multicast_sample {
    uint64_t at_ns, packets, bytes;
};

struct multicast_entry {
    /* lanes read these */
    struct multicast_entry *next; /* of the same bucket */
    struct multicast_way *way;    /* published; NULL while hidden */
    uint32_t src, group;

    /* the core's */
    struct multicast_way *ready; /* what is published, or will be */
    uint32_t number;
    uint32_t upstream;
    bool hidden; /* from lanes, until what they have handed over of it is sent */
    bool choice; /* several ports lead to its source equally well */
    bool wanted; /* whose list it is in */
    bool stale;  /* in the list of those to be decided anew */
    uint64_t made_ns;
    struct multicast_use base; /* what was counted under its number before it was given to it */
    struct multicast_numbers *numbers;
    struct multicast_sample then, lately; /* taken by the sweep; rates are what came since `then` */
    TAILQ_ENTRY(multicast_entry) of_kind;
    TAILQ_ENTRY(multicast_entry) of_stale;
    TAILQ_ENTRY(multicast_entry) of_hidden;
};

TAILQ_HEAD(multicast_list, multicast_entry);

struct multicast_port_state {
    uint8_t threshold; /* 0: never set */
    unsigned n_boundaries;
    struct prefix *boundaries;
    struct bucket fresh[2]; /* of new entries that came by it: unwanted, wanted */
};

struct multicast {
    /* lanes read these; set once but for the buckets */
    struct multicast_entry **bucket;
    uint64_t seed;

    struct multicast_settings settings;
    struct later *later;
    struct multicast_numbers *numbers;
    struct slab_pool pool;
    struct multicast_entry **order; /* [MULTICAST_MAX], by group and source: n[0] + n[1] of them */
    unsigned n[2];                  /* unwanted, wanted */
    struct multicast_list list[2];  /* the same; the longest not looked at first */
    struct multicast_list stale, hidden;
    unsigned held_back; /* packets that the core was handed since the first of the hidden ones was made */
    struct timer sweep, redecide;
    uint64_t fib_seen; /* fib_changes() when RPF was last decided for all */
    uint64_t made, aged, evicted, refused;
    struct multicast_use *use; /* [MULTICAST_MAX]: the core's own */
    struct multicast_port_state port[PORT_MAX];
};

static inline unsigned multicast_entries(const struct multicast *m)
{
    return m->n[false] + m->n[true];
}

/* ---- multicast_table.c ---- */

/* NULL when there is no memory. */
struct multicast *multicast_new(struct later *later, uint64_t seed);

/* NULL does no harm. What lanes may still read goes to later(). */
void multicast_free(struct multicast *m, struct timers *timers);

/* Would there be room for one more that is WANTED or not, made at NOW? And the entry itself, with WAY (malloc), whose
 * ownership it takes; its number is set in it, and it is hidden. NULL when there is no room or no memory, and WAY is
 * freed. */
bool multicast_has_room(const struct dataplane *d, bool wanted, struct now now);
struct multicast_entry *multicast_entry_new(struct dataplane *d, uint32_t src, uint32_t group,
                                            struct multicast_way *way, struct now now);

/* Lets lanes see the hidden ones. */
void multicast_reveal(struct multicast *m);

/* Puts WAY in place of the entry's. */
void multicast_entry_turn(struct multicast *m, struct multicast_entry *e, struct multicast_way *way);

/* Takes it out; it is gone when this returns. */
void multicast_entry_forget(struct multicast *m, struct multicast_entry *e);

/* The first entry in order that is not before this one; its place in order[]. */
unsigned multicast_place(const struct multicast *m, uint32_t src, uint32_t group);

/* The sum of all threads since the entry was made; `used` and `wrong` are the latest, and not before it was made. */
struct multicast_use multicast_entry_use(const struct dataplane *d, const struct multicast_entry *e);

/* Looks at some entries, so that all are looked at within a few calls: forgets those without packets for too long. */
void multicast_sweep(struct dataplane *d, struct now now);

/* ---- multicast_forward.c ---- */

/* The entry, which lanes may not see yet; NULL: there is none. And the index of its bucket. */
struct multicast_entry *multicast_entry_find(const struct multicast *m, uint32_t src, uint32_t group);
size_t multicast_bucket(const struct multicast *m, uint32_t src, uint32_t group);

/* ---- multicast.c ---- */

/* The way of a packet for which lanes see none: of an entry that is hidden from them, or of a new one. NULL: it is
 * dropped for a limit. Valid until the next change. */
const struct multicast_way *multicast_learn(struct dataplane *d, const struct packet *packet, struct now now);

/* A port has come, gone or changed. */
void multicast_port_changed(struct dataplane *d, struct now now);

#endif
