/* core opens and closes, a lane receives: the rings of one lane, read as if they were one queue.
 *
 * A flow has small frames and big ones (a GSO packet, then the rest of a write), and the kernel puts them into two
 * rings; the lane takes the older head, so they stay in order. The kernel stamps a frame just before it gives it away,
 * and frames of a flow one after the other. Hence two rules make the order certain and not just likely:
 *
 *   - a small frame goes only if the big ring's head, looked at *after* the small frame was seen, is not older;
 *   - a big frame goes only after every small ring was looked at *after* the big frame was seen, and what is there and
 *     not newer has gone.
 *
 * The stamps are the wall clock's and may jump. A jump back makes small frames look older than they are; so no more of
 * them go before one big frame than the rings can have held when it came. */
#ifndef FORWARDING_PACKET_LANE_H
#define FORWARDING_PACKET_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/counters.h"
#include "forwarding/packet.h"
#include "forwarding/packet_ring.h"

#define PACKET_LANE_BURST 64 /* most frames that are the lane's at a time */
_Static_assert(PACKET_LANE_BURST <= PACKET_RING_BIG_FRAMES && PACKET_LANE_BURST <= PACKET_RING_SMALL_FRAMES,
               "a lane that went around a ring would take its own frames a second time");

struct packet_lane {
    /* the core's */
    int epoll;
    struct packet_ring *small[PORT_MAX]; /* published(), by port; NULL where there is none */
    unsigned ports;                      /* published(): no ring is at or beyond this */
    struct packet_ring *big;             /* published(); NULL until the first port is opened */

    /* the lane's; the core reads it */
    uint64_t big_taken[PORT_MAX]; /* frames from the big ring, by the port that they came in by */

    /* the lane's */
    unsigned start;    /* port whose ring is looked at first, so that a busy one can not starve the others */
    unsigned overtook; /* small frames that went before the big one that waits now */
    unsigned n_taken;
    struct tpacket2_hdr *taken[PACKET_LANE_BURST];
};

/* NULL with errno set. */
struct packet_lane *packet_lane_new(void);
void packet_lane_free(struct packet_lane *lane); /* rings are the caller's */

/* core: whether the lane's descriptor reports RING. False with errno set. */
bool packet_lane_watch(struct packet_lane *lane, const struct packet_ring *ring);
void packet_lane_unwatch(struct packet_lane *lane, const struct packet_ring *ring);

/* core: publishes the ring of a port, or takes it away (NULL): the lane may read that until it has been quiescent. */
void packet_lane_set(struct packet_lane *lane, unsigned port, struct packet_ring *ring);
void packet_lane_set_big(struct packet_lane *lane, struct packet_ring *ring);

/* lane: see af_packet.h. */
unsigned packet_lane_receive(struct packet_lane *lane, struct packet *burst, unsigned most);
void packet_lane_release(struct packet_lane *lane);
void packet_lane_clear_errors(struct packet_lane *lane);

#endif
