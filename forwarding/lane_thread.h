/* lane: the thread around a lane: rings in, lane_forward, quiescent state, sleep when there is nothing. */
#ifndef FORWARDING_LANE_THREAD_H
#define FORWARDING_LANE_THREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "forwarding/af_packet.h"
#include "forwarding/lane.h"

struct lane_thread;

struct lane_thread_settings {
    int cpu;       /* pin to this CPU; -1: not */
    bool realtime; /* SCHED_FIFO; else nice -20 */
};

/* Starts it. WAKE_FD is an eventfd that the core sleeps on; it is written once a burst that punted something, and only
 * while *core_asleep (atomic, set by the core before it blocks) is true. What the system refused of SETTINGS is a
 * sentence in REFUSED ("" if nothing was), and the lane runs without it. NULL with errno set when the thread could not
 * be started. */
struct lane_thread *lane_thread_start(struct lane *lane, struct af_packet *a, int wake_fd, const int *core_asleep,
                                      struct lane_thread_settings settings, char *refused, size_t refused_size);

/* Stops and joins it; the lane is the caller's still. */
void lane_thread_stop(struct lane_thread *t);

#endif
