/* One thread for what may take long or wait for others: parsing files, validation, name look-ups, giving back big
 * pieces of memory. It takes and returns plain data and touches no table; the core goes on meanwhile. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <event2/event.h>
#include <stdbool.h>

struct worker;

/* NULL with errno set. */
struct worker *worker_new(struct event_base *base);

/* Waits until everything has been worked; what has not been told is told before this returns. */
void worker_free(struct worker *worker);

/* Calls WORK in the thread, in the order of the calls, and then DONE (may be NULL) in the core's loop; DATA is the
 * thread's in between. False when there is no memory: nothing is called then. */
bool worker_do(struct worker *worker, void (*work)(void *data), void (*done)(void *data), void *data);

#endif
