/* core: starts the threads of this floor. */
#ifndef FORWARDING_THREAD_H
#define FORWARDING_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Runs RUN(ARGUMENT) in a thread that no signal goes to: they are the core's. NAME is at most 15 characters. False with
 * errno set. */
bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *argument), void *argument);

#endif
