/* What the files of RFC 2091's exchange share: a peer.
 *
 *   rip_triggered.c        who is one, and what it says
 *   rip_triggered_run.c    what is done in time
 *   rip_triggered_walk.c   what there is to tell it
 *   rip_triggered_send.c   messages */
#ifndef PROTOCOLS_RIP_PEER_H
#define PROTOCOLS_RIP_PEER_H

#include "protocols/rip/rip_internal.h"

#define RIP_PEER_RETRY_NS (5 * NS_PER_S)  /* RFC 2091 6.3 */
#define RIP_PEER_POLL_NS  (60 * NS_PER_S) /* between two requests to one who is down */

struct rip_peer {
    struct rip_neighbour *neighbour;
    bool down;    /* it does not answer */
    bool leaving; /* it is being told goodbye */
    bool heard;   /* it has answered since it was last down */

    /* towards us */
    bool asking; /* for everything */
    unsigned asked;
    uint64_t asking_ns, ask_ns; /* since, and next */
    bool flushed;               /* `sequence` and `seen` are set */
    bool only_flush;            /* nothing came after that flush */
    uint16_t sequence;          /* the highest that came */
    uint64_t seen;              /* bit I: that less I came */
    uint64_t duplicates;

    /* from us */
    bool must_flush;
    bool must_repeat; /* everything, when what is in flight is acknowledged */
    bool in_flight;   /* outlet.entries, until it is acknowledged */
    bool flush;       /* is in flight */
    uint16_t sent;    /* sequence number of what was sent last */
    unsigned tries;
    unsigned goodbyes; /* flushes sent when leaving */
    uint64_t since_ns, retry_ns;
    uint64_t retransmissions;

    /* the walk: outlet.at is behind what was told */
    struct outlet outlet;      /* never open; for what things look like, its slot in `told`, and the entries */
    bool all;                  /* until the end of the walk: unreachable ones are told whether it knew them or not */
    uint64_t all_until;        /* rip->changes as of its beginning */
    uint64_t told_until;       /* rip->changes as of the end of the last walk */
    struct patricia summaries; /* of struct peer_summary, as they came up */
    struct peer_summary *due;  /* to be looked at when there are no routes left */
};

/* The first at or behind N that is a peer, or NULL. */
static inline struct rip_neighbour *rip_with_peer(struct rip_neighbour *n)
{
    while (n != NULL && n->peer == NULL)
        n = n->next;
    return n;
}

/* ---- rip_triggered.c ---- */

/* Asks for everything from now on, until a flush comes. */
void rip_peer_want(struct rip_peer *peer, struct now now);

/* It is told everything anew, and to forget what it was told before. */
void rip_peer_must_flush(struct rip_peer *peer);

/* It does not answer: RFC 2091 6.3. */
void rip_peer_go_down(struct rip *rip, struct rip_peer *peer, struct now now);
void rip_peer_close(struct rip *rip, struct rip_peer *peer);

/* ---- rip_triggered_send.c ---- */

/* The highest that is sent. */
static inline uint8_t rip_peer_version(const struct rip_interface *interface)
{
    return (interface->settings->send & RIP_V2) != 0 ? 2 : 1;
}

static inline bool rip_peer_signs(const struct rip_interface *interface)
{
    return rip_peer_version(interface) > 1 && rip_auth_is_on(&interface->settings->auth);
}

static inline unsigned rip_peer_entries_max(const struct rip_interface *interface)
{
    return rip_peer_signs(interface) ? RIP_ENTRIES_MAX - 1 : RIP_ENTRIES_MAX;
}

/* For everything. */
void rip_peer_ask(struct rip *rip, struct rip_peer *peer, struct now now);
void rip_peer_ask_group(struct rip *rip, struct rip_interface *interface, struct now now);

void rip_peer_acknowledge(struct rip *rip, struct rip_peer *peer, const struct rip_header *header, struct now now);

/* Puts outlet.entries in flight under a new number, and sends what is in flight, then or again. */
void rip_peer_launch(struct rip *rip, struct rip_peer *peer, bool flush, struct now now);
void rip_peer_send(struct rip *rip, struct rip_peer *peer, struct now now);
void rip_peer_count_again(struct rip_peer *peer);

/* ---- rip_triggered_walk.c ---- */

/* Takes a slot. False: there is none. */
bool rip_walk_open(struct rip *rip, struct rip_peer *peer);
void rip_walk_close(struct rip *rip, struct rip_peer *peer);

/* Routes that the peer was told of are kept until it is told that they are unreachable. */
void rip_walk_keep(struct rip *rip, const struct rip_peer *peer, bool keep);

/* From the first route on. FORGOTTEN: the peer believes nothing of what it was told. */
void rip_walk_begin(struct rip *rip, struct rip_peer *peer, bool forgotten);

/* There may be something to tell. */
bool rip_walk_is_pending(const struct rip *rip, const struct rip_peer *peer);

/* Fills outlet.entries with up to MOST entries. True: there may be more, and this was a slice. */
bool rip_walk_on(struct rip *rip, struct rip_peer *peer, unsigned most);

#endif
