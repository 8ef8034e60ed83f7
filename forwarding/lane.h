/* lane: the fast lane. A burst of received packets goes in; what can be forwarded by looking at tables is sent, the
 * rest is dropped and counted, or punted to the core. No allocation, no lock, no clock, no system call but those of
 * transmit. */
#ifndef FORWARDING_LANE_H
#define FORWARDING_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/bucket.h"
#include "forwarding/counters.h"
#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "forwarding/punt.h"
#include "forwarding/tables.h"
#include "forwarding/trace.h"

struct multicast_use;

#define LANE_BURST 64 /* most packets of a burst */

struct lane {
    unsigned number;
    const struct tables *tables;
    struct transmit *transmit;
    struct counters *counters; /* this lane's own */
    struct punts punts;
    uint32_t *neighbour_used; /* [NEIGHBOUR_MAX]: second (now.ns / NS_PER_S, cut to 32 bits) of the last use, 0 never;
                                 only the lane writes */
    struct multicast_use *multicast_use; /* [MULTICAST_MAX]: only the lane writes */
    struct bucket copies;                /* forwarded packets that the core sees a copy of */
    struct trace_budget trace;
    struct lane_scratch *scratch;
};

/* NULL when there is no memory. TABLES and TRANSMIT are the caller's and must outlive it. */
struct lane *lane_new(unsigned number, const struct tables *tables, struct transmit *transmit);
void lane_free(struct lane *lane);

/* Takes N (at most LANE_BURST) packets of any ports through. Their bytes may be rewritten, and are the caller's again
 * when it returns. True if something was punted: the core may have to be woken. */
bool lane_forward(struct lane *lane, struct packet *burst, unsigned n, struct now now);

#endif
