/* Threads for what may take long or wait for others. One, the worker, parses files, validates, looks up names, gives
 * back big pieces of memory; several open and close ports, where the kernel makes each of them wait. They take and
 * return plain data and touch no table; the core goes on meanwhile. */
#ifndef DAEMON_WORKER_H
#define DAEMON_WORKER_H

#include <event2/event.h>
#include <stdbool.h>

struct worker;

/* One thread. NULL with errno set. */
struct worker *worker_new(struct event_base *base);

/* Up to MOST threads at a time, as many as have something to do; NAME is theirs. */
struct worker *worker_new_of(struct event_base *base, const char *name, unsigned most);

/* From now on up to MOST threads; what more there are end when they have done what they do. */
void worker_limit(struct worker *worker, unsigned most);

/* Waits until everything has been worked; what has not been told is told before this returns. */
void worker_free(struct worker *worker);

/* Works and tells everything that was given, and what that leads to. */
void worker_finish(struct worker *worker);

/* Calls WORK in the thread, with one thread in the order of the calls, and then DONE (may be NULL) in the core's loop,
 * one a turn; DATA is the thread's in between. False when there is no memory: nothing is called then. */
bool worker_do(struct worker *worker, void (*work)(void *data), void (*done)(void *data), void *data);

#endif
