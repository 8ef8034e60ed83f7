/* core: "later" of the running daemon: grace periods of liburcu's QSBR flavour. What the core hands to later() is
 * collected; once a turn of its loop grace_turn() gives the collection to a reclaimer thread, which waits until every
 * lane has been quiescent, and says so by a file descriptor; grace_ready() then frees it, on the core's thread. One
 * period is under way at a time. */
#ifndef FORWARDING_GRACE_H
#define FORWARDING_GRACE_H

#include <stdbool.h>

#include "forwarding/publish.h"

struct grace;

/* Starts the reclaimer thread. NULL with errno set. */
struct grace *grace_new(void);

/* Waits for what is pending and frees it. No lane may run any more. */
void grace_free(struct grace *grace);

struct later *grace_later(struct grace *grace);

/* Becomes readable when a grace period has ended: call grace_ready, which frees so many objects as do not take long,
 * as often as it is readable. */
int grace_fd(const struct grace *grace);
void grace_ready(struct grace *grace);

/* At the end of each turn of the core's loop. */
void grace_turn(struct grace *grace);

/* A lane thread's part. Between online and offline the thread must call grace_quiescent regularly; it holds no
 * published pointer across that call. */
void grace_lane_register(void);
void grace_lane_unregister(void);
void grace_lane_quiescent(void);
void grace_lane_offline(void); /* before blocking */
void grace_lane_online(void);

#endif
