/* core: what neighbour.c (states), neighbour_table.c (entries) and neighbour_queue.c (waiting packets) share. */
#ifndef FORWARDING_NEIGHBOUR_INTERNAL_H
#define FORWARDING_NEIGHBOUR_INTERNAL_H

#include <sys/queue.h>

#include "forwarding/bucket.h"
#include "forwarding/counters.h"
#include "forwarding/neighbour.h"
#include "forwarding/patricia.h"

#define NEIGHBOUR_STATES (NEIGHBOUR_STATIC + 1)
#define ASKED_SLOTS      1024 /* power of two */

struct waiting; /* a packet that waits, with a copy of its bytes */

struct waiting_queue {
    struct waiting *first, *last;
    unsigned n;
};

/* Numbers outlive the table when lanes may still be reading a retired entry: the pool is freed by the last of the two.
 */
struct number_pool {
    unsigned retired; /* entries handed to later() that have not come back */
    bool orphan;      /* the table is gone */
    uint32_t fresh;   /* numbers from here on were never used */
    uint32_t n;       /* of returned */
    uint32_t returned[NEIGHBOUR_MAX];
};

#define NUMBER_NONE UINT32_MAX

struct neighbour {
    /* lanes read these */
    struct neighbour *next;      /* of the same bucket */
    struct adjacency *adjacency; /* published; NULL while unknown or withdrawn */
    uint32_t addr;
    uint16_t port;

    /* the core's */
    uint8_t state;  /* enum neighbour_state */
    uint8_t asked;  /* requests of this round */
    bool resolving; /* its waiting packets are being sent: not to be evicted */
    uint8_t mac[MAC_LEN];
    uint32_t number;         /* NUMBER_NONE until it needs one */
    struct adjacency *ready; /* published or about to be */
    struct timer timer;
    uint64_t since_ns; /* last heard of; made, if never */
    uint64_t asked_ns; /* the last request; 0: none */
    uint64_t used_ns;  /* the core's last use; lanes have marks of their own */
    uint64_t until_ns; /* stale: when it is forgotten */
    struct waiting_queue waiting;
    struct neighbours *table;
    struct number_pool *pool;
    TAILQ_ENTRY(neighbour) of_state;
};

TAILQ_HEAD(neighbour_list, neighbour);

struct neighbours {
    /* lanes read these; set once */
    struct neighbour **bucket;
    uint64_t seed;
    unsigned shift; /* of the hash, to leave a bucket's index */

    unsigned most, most_incomplete;
    struct neighbour_hooks hooks;
    struct timers *timers;
    struct later *later;
    struct number_pool *pool;
    struct neighbour_list list[NEIGHBOUR_STATES]; /* oldest in this state first */
    unsigned count[NEIGHBOUR_STATES];
    unsigned entries, adjacencies;
    struct patricia order[PORT_MAX]; /* of each port, addresses in order: for walks */
    struct port *port[PORT_MAX];     /* copies; NULL: not seen yet */
    struct {
        uint64_t key, ns; /* key: port and address; of forgotten entries, when they were last asked for */
    } asked[ASKED_SLOTS];
    size_t waiting_room, waiting_bytes;
    uint64_t held[PORT_MAX];
    uint64_t evicted, queue_drops, failed;
    struct bucket log_bucket;
};

/* ---- neighbour_table.c ---- */

struct neighbour *neighbour_entry_find(const struct neighbours *n, unsigned port, uint32_t addr);

/* A new entry in STATE, after making room if need be. NULL: *why says why. */
struct neighbour *neighbour_entry_new(struct neighbours *n, unsigned port, uint32_t addr, enum neighbour_state state,
                                      enum drop *why, struct now now);

/* Takes the entry out and drops what waits for it as WHY. The entry is gone when this returns. */
void neighbour_entry_forget(struct neighbours *n, struct neighbour *e, enum drop why, struct now now);

void neighbour_entry_move(struct neighbours *n, struct neighbour *e, enum neighbour_state state);

/* Makes e->ready anew from e->mac and PORT, not published yet. False when there is no memory or no number. */
bool neighbour_entry_ready(struct neighbours *n, struct neighbour *e, const struct port *port);
void neighbour_entry_publish(struct neighbours *n, struct neighbour *e);
void neighbour_entry_withdraw(struct neighbours *n, struct neighbour *e);

/* Used since it was last heard of? */
bool neighbour_entry_used(const struct neighbours *n, const struct neighbour *e);

/* When ADDR was last asked for, if that is worth knowing; else 0. */
uint64_t neighbour_asked_before(const struct neighbours *n, unsigned port, uint32_t addr);

/* The first entry of PORT (or of a later one) after ADDR; any address when FROM_START. */
struct neighbour *neighbour_entry_after(const struct neighbours *n, unsigned port, uint32_t addr, bool from_start);

/* ---- neighbour_queue.c ---- */

/* Copies PACKET to the end of E's queue; what has to make room is dropped. */
void neighbour_queue_put(struct neighbours *n, struct neighbour *e, const struct packet *packet, struct now now);

/* Empties the queue: by hook send with E's adjacency, or by hook drop. */
void neighbour_queue_send(struct neighbours *n, struct neighbour *e, struct now now);
void neighbour_queue_drop(struct neighbours *n, struct waiting_queue *queue, enum drop why, struct now now);

#endif
