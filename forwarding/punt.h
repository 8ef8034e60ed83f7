/* lane writes, core reads: the one door out of the fast lane. A ring of bytes for each class between one lane and the
 * core, single producer and single consumer, no lock. Records are whole copies, so the lane's ring frame is free at
 * once. */
#ifndef FORWARDING_PUNT_H
#define FORWARDING_PUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/packet.h"

struct punt_ring;

struct punts {
    struct punt_ring *ring[PUNT_CLASS__COUNT];
};

extern const char *const punt_name[PUNT__COUNT];
extern const char *const punt_class_name[PUNT_CLASS__COUNT];
enum punt_class punt_class_of(enum punt why);

/* Rings of the sizes in punt.c. False when there is no memory. */
bool punts_init(struct punts *punts);
void punts_exit(struct punts *punts);

/* lane: copies PACKET out, for packet->punt. False when the ring is full (and counts it). */
bool punt_put(struct punts *punts, const struct packet *packet);

/* core: the oldest packet of CLASS. Its bytes lie in the ring, writable, its IP header aligned to 4 bytes, with all
 * fields of struct packet that the lane knew (adjacency is NULL), and stay until punt_done. False when there is none.
 */
bool punt_get(struct punts *punts, enum punt_class class, struct packet *packet);
void punt_done(struct punts *punts, enum punt_class class);

/* core: is there nothing in any of them? */
bool punts_empty(const struct punts *punts);

struct punt_stats {
    uint64_t put, full; /* packets */
    size_t bytes, room; /* in it now, and in all */
};
struct punt_stats punt_stats(const struct punts *punts, enum punt_class class);

#endif
