/* Frames of every kind that the router parses, for fuzzers to break. */
#ifndef TESTS_SEEDS_H
#define TESTS_SEEDS_H

#include <stdint.h>

#include "forwarding/packet.h"

#define SEEDS_MAX 128

struct seeds {
    unsigned n;
    struct packet packet[SEEDS_MAX]; /* as received by packet.port of the router in memory */
};

void seeds_make(struct seeds *seeds);
void seeds_free(struct seeds *seeds);

/* Makes the checksums of a broken frame right again as far as its lengths allow, so that the break is looked at by more
 * than the checksum's check. */
void seed_repair(uint8_t *frame, uint32_t len);

#endif
