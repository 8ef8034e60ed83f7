/* pure: a token bucket. */
#ifndef FORWARDING_BUCKET_H
#define FORWARDING_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/now.h"

struct bucket {
    uint64_t filled_ns; /* when level was right; 0: never used, full */
    uint64_t level;     /* in thousandths of a token */
};

/* Takes one token of a bucket that gains RATE a second and holds at most BURST. False when it is empty. RATE 0: no
 * limit. */
static inline bool bucket_take(struct bucket *b, uint32_t rate, uint32_t burst, uint64_t now_ns)
{
    if (rate == 0)
        return true;
    uint64_t full = (uint64_t)burst * 1000;
    if (b->filled_ns == 0) {
        b->level = full;
        b->filled_ns = now_ns;
    }
    /* Whole thousandths only move the clock, so that many early calls lose no fraction. */
    uint64_t step_ns = NS_PER_S / 1000 / rate;
    if (step_ns == 0)
        step_ns = 1;
    if (now_ns > b->filled_ns) {
        uint64_t gained = (now_ns - b->filled_ns) / step_ns;
        if (gained >= full - (b->level < full ? b->level : full)) {
            b->level = full;
            b->filled_ns = now_ns;
        } else {
            b->level += gained;
            b->filled_ns += gained * step_ns;
        }
    }
    if (b->level < 1000)
        return false;
    b->level -= 1000;
    return true;
}

#endif
