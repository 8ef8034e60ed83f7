/* Packets and bits a second of each interface, over the last 5 seconds and the last 5 minutes: what was counted in that
 * window, divided by its length. Samples are taken once a second; what they are needs nobody to look. */
#ifndef CLI_RATES_H
#define CLI_RATES_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/dataplane.h"

struct rates;

enum rates_window { RATES_5_SECONDS, RATES_5_MINUTES, RATES__COUNT };

/* A second, and how they are written. */
struct rate {
    uint64_t rx_packets, rx_bits, tx_packets, tx_bits;
};

/* NULL when there is no memory. */
struct rates *rates_new(void);
void rates_free(struct rates *rates);

/* Once a second. Where less of a window has been sampled, or since counters were cleared, it is that much shorter. */
void rates_sample(struct rates *rates, const struct dataplane *d, struct now now);

/* All zeros where nothing is known yet. */
struct rate rates_of(const struct rates *rates, unsigned port, enum rates_window window);

/* The last of the second samples, oldest first, for a small graph: bits a second received and sent in each second.
 * Returns how many of the N are known; the newest is the last. */
#define RATES_HISTORY 60
unsigned rates_history(const struct rates *rates, unsigned port, uint64_t rx[RATES_HISTORY],
                       uint64_t tx[RATES_HISTORY]);

#endif
