/* core: see thread.h. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "forwarding/thread.h"

#include <errno.h>
#include <signal.h>

bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *argument), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        errno = error;
        return false;
    }
    (void)pthread_setname_np(*thread, name);
    return true;
}
