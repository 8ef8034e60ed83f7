/* core: datagrams for the router itself, put together from fragments: any order, exact duplicates ignored, an overlap
 * drops the datagram, 60 seconds, memory bounded by source and in total by evicting the oldest (RFC 791 3.2,
 * 1122 3.3.2, 1812 4.2.2.8). */
#ifndef FORWARDING_REASSEMBLY_H
#define FORWARDING_REASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "forwarding/timers.h"

#define REASSEMBLY_TIMEOUT_S 60

/* Fragments of one datagram: more than the largest one makes on the smallest MTU that IPv4 allows (68: 48 bytes of data
 * in each). */
#define REASSEMBLY_FRAGMENTS 1400

struct reassembly;

struct reassembly_hooks {
    void *context;
    /* A fragment that came in by PORT is done with: it became part of a whole datagram, or was dropped for WHY. */
    void (*used)(void *context, unsigned port, struct now now);
    void (*dropped)(void *context, unsigned port, enum drop why, struct now now);
    /* Time ran out: FIRST is the fragment of offset 0, for 11/1; NULL if it had not come (no error is sent then). */
    void (*timed_out)(void *context, const struct packet *first, struct now now);
};

/* TOTAL and BY_SOURCE bound the bytes held. NULL when there is no memory. */
struct reassembly *reassembly_new(size_t total, size_t by_source, const struct reassembly_hooks *hooks,
                                  struct timers *timers);
void reassembly_free(struct reassembly *r);

/* Takes a fragment (copied). True: the datagram is whole: *whole describes it, frame in memory of the table's that
 * stays until the next call, Ethernet header of the first fragment, header of the first fragment with fragment word 0
 * and new length and checksum; port that of the first fragment. */
bool reassembly_add(struct reassembly *r, const struct packet *fragment, struct packet *whole, struct now now);

/* What reassembly_add would do, as long as there is room: DROP__COUNT: take it, else why not. */
struct reassembly_view {
    unsigned n;         /* fragments of its datagram, this one among them */
    uint32_t held, end; /* bytes of data that would be there, and in all; 0: the last fragment has not come */
};
enum drop reassembly_judge(const struct reassembly *r, const struct packet *fragment, struct reassembly_view *view);

/* Fragments that came in by PORT and wait. */
uint64_t reassembly_held(const struct reassembly *r, unsigned port);

struct reassembly_totals {
    unsigned datagrams;
    size_t bytes;
};
struct reassembly_totals reassembly_totals(const struct reassembly *r);

#endif
