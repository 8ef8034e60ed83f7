/* core writes, lanes read: following packets. Whoever follows some puts a watch here; from then on lanes and the core
 * copy what a watch wants before they do anything with it, at a bounded rate, and the core explains the copies.
 *
 * While nobody watches this costs a lane one look a burst. While somebody does, a lane asks the watches about at most
 * TRACE_LOOKS packets a second and copies at most TRACE_COPIES of them; what it passes over for that is counted. */
#ifndef FORWARDING_TRACE_H
#define FORWARDING_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/bucket.h"
#include "forwarding/counters.h"
#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "forwarding/tables.h"

#define TRACE_LOOKS        100000
#define TRACE_LOOKS_BURST  10000
#define TRACE_COPIES       1000
#define TRACE_COPIES_BURST 100

struct explanation;

/* A packet as it came in, and what becomes of it. */
struct traced {
    const struct packet *packet; /* frame and lengths as received, ip once it is known to be there */
    uint32_t kept;               /* bytes at packet->frame; more were received if packet->len says so */
    bool control;                /* by a control socket, not by a lane */
    const struct explanation *why;
};

/* Its owner fills it in, and leaves it alone from trace_start until release is called. */
struct trace_watch {
    /* Any thread asks, of what came in by PORT; it must not take long, and touch nothing but the watch. NULL: every
     * packet. */
    bool (*wants)(const struct trace_watch *self, unsigned port, const uint8_t *frame, uint32_t len, uint32_t wire_len);
    /* The core tells. All of it stays only during the call. */
    void (*explained)(struct trace_watch *self, const struct traced *traced, struct now now);
    /* After trace_stop, when no thread asks any more. */
    void (*release)(struct trace_watch *self);
};

struct dataplane;
struct lane;

/* ---- trace.c: the core ---- */

/* False when TRACE_WATCHES are at work already. */
bool trace_start(struct dataplane *d, struct trace_watch *watch);
void trace_stop(struct dataplane *d, struct trace_watch *watch);

/* How many packets were passed over since the router began, because there were too many. */
uint64_t trace_missed(const struct dataplane *d);

/* A frame of a control socket, before anything is done with it. */
void trace_control(struct dataplane *d, const struct packet *packet, struct now now);

/* A copy that a lane has made. */
void trace_copy(struct dataplane *d, const struct packet *copy, struct now now);

/* ---- trace_lane.c ---- */

/* Packets that a thread may look at and copy. */
struct trace_budget {
    struct bucket looks, copies;
    uint64_t missed; /* only its thread writes */
};

static inline bool trace_wanted(const struct tables *tables)
{
    return published(tables->watches) != 0;
}

/* Is PACKET to be copied? */
bool trace_takes(const struct tables *tables, struct trace_budget *budget, const struct packet *packet, struct now now);

/* Copies what is wanted of a burst that has just come in. True if the core has to be woken. */
bool trace_burst(struct lane *lane, const struct packet *burst, unsigned n, struct now now);

#endif
