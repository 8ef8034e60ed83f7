/* lane: what lane.c (unicast) and lane_multicast.c share: a burst on its way, and the sending of it. */
#ifndef FORWARDING_LANE_INTERNAL_H
#define FORWARDING_LANE_INTERNAL_H

#include "forwarding/fragment.h"
#include "forwarding/lane.h"

#define FRAMES       128 /* most in one call of send */
#define PIECES_BYTES (256u << 10)
#define END          UINT8_MAX

_Static_assert(LANE_BURST <= 64, "packets of a burst are bits of a word");
_Static_assert(LANE_BURST < END, "packets of a burst are numbered in bytes");
_Static_assert(PIECES_BYTES > 2 * (CUT_PIECE_MAX(UINT16_MAX) + 8), "a piece of any MTU has room");

/* A port that some of the burst leave by, and which of them, chained by scratch->next. */
struct group {
    uint16_t port;
    uint8_t first, last;
};

struct lane_scratch {
    /* the burst's packets that are to be forwarded, and what their look-up said */
    unsigned n_routed;
    uint8_t routed[LANE_BURST];
    uint32_t dst[LANE_BURST];
    const struct nexthop_group *hops[LANE_BURST];

    unsigned n_groups;
    struct group group[LANE_BURST];
    uint8_t group_at[PORT_MAX]; /* 1 + the group of a port; 0: none in this burst */
    uint8_t next[LANE_BURST];
    enum drop lost[LANE_BURST]; /* why a packet or a piece of it did not leave; DROP__COUNT: it did */

    /* the burst's multicast packets, one bit each, and of each port by which some of them leave */
    uint64_t multicast;
    unsigned n_out;
    uint16_t out[PORT_MAX];
    uint64_t copies[PORT_MAX]; /* zero between two bursts */

    /* what the next call of send is given */
    unsigned n_frames;
    struct packet *frame[FRAMES];
    uint8_t of[FRAMES]; /* the packet of the burst that it is, or is a piece of */
    unsigned n_pieces;
    struct packet piece[FRAMES];
    uint32_t pieces_used;
    _Alignas(8) uint8_t pieces[PIECES_BYTES];
    _Alignas(8) uint8_t segment[2 + CUT_PIECE_MAX(UINT16_MAX)]; /* of a GSO packet, while it is cut further */
};

/* The end of the way for a packet that is not to go on. True if the core got it. */
bool lane_leave(struct lane *lane, const struct packet *packet, enum verdict verdict);

/* Queues PACKET, the number OF in the burst, to leave by PORT, cut to MTU if it has to be; and sends what is queued,
 * all of it for PORT. lost[OF] says afterwards whether it left. Frames that are not cut stay where they are until then.
 */
void lane_queue(struct lane *lane, unsigned port, struct packet *packet, uint16_t mtu, uint8_t of);
void lane_flush(struct lane *lane, unsigned port);

/* ---- lane_multicast.c ---- */

/* The burst's multicast packets, which scratch->multicast names; none are named afterwards. */
bool lane_multicast(struct lane *lane, struct packet *burst, struct now now);

#endif
