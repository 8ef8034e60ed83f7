/* core: deadlines in a heap. A timer lives inside the object it serves; nothing is allocated to set one but the heap
 * itself. Nobody reads a clock: timers_run is told the time, and timers_due says when it wants to be called next. */
#ifndef FORWARDING_TIMERS_H
#define FORWARDING_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/now.h"

struct timer {
    uint64_t due_ns;
    void (*fire)(struct timer *timer, void *context,
                 struct now now); /* the timer is no longer set when this is called */
    size_t place;                 /* in the heap, counted from 1; 0: not set */
};

struct timers {
    struct timer **heap;
    size_t n, room;
    void *context;      /* handed to every fire() */
    uint64_t during_ns; /* while timers_run is at work, when that is; else 0 */
};

void timers_init(struct timers *timers, void *context);

/* Forgets all timers; they are their objects' to free. */
void timers_exit(struct timers *timers);

/* Sets TIMER, or moves it, to fire at DUE_NS. False, and the timer is not set, when there is no memory. */
bool timer_set(struct timers *timers, struct timer *timer, uint64_t due_ns);

/* No harm if it is not set. */
void timer_stop(struct timers *timers, struct timer *timer);

static inline bool timer_is_set(const struct timer *timer)
{
    return timer->place != 0;
}

/* When the earliest is due; NEVER_NS if none is set. */
uint64_t timers_due(const struct timers *timers);

/* Fires at most MOST of those due by NOW, earliest first. What they set for now or earlier is due one nanosecond after
 * NOW, so that a caller who runs until nothing is due comes to an end. Returns how many fired. */
unsigned timers_run(struct timers *timers, struct now now, unsigned most);

#endif
