/* core: see grace.h.
 *
 * Two batches: one that later() fills, one whose grace period is under way. The reclaimer thread never touches either;
 * it waits for lanes and says when it is done. A callback may defer more: that goes into the batch that is filled.
 *
 * ThreadSanitizer sees nothing of what liburcu does, since the library is not instrumented. In its builds the order
 * that a grace period makes (what a lane did before a quiescent state comes before the period's end) is told to it, and
 * no more than that. */
#include "forwarding/grace.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define TELL_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) && !defined(TELL_TSAN)
#define TELL_TSAN 1
#endif

/* Going online after a sleep is on the way of the first packet: inline it takes 2 of the 4 us that a call of the
 * library, cold as it is then, takes. */
#ifndef TELL_TSAN
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-qsbr.h>

#include "forwarding/fast_path.h"
#include "forwarding/thread.h"

#ifdef TELL_TSAN
#include <sanitizer/tsan_interface.h>
static char passage; /* only its address */
#define BEFORE_PASSAGE() __tsan_release(&passage)
#define AFTER_PASSAGE()  __tsan_acquire(&passage)
#else
#define BEFORE_PASSAGE() ((void)0)
#define AFTER_PASSAGE()  ((void)0)
#endif

#define RELEASED_AT_ONCE 4096 /* objects; a fraction of a millisecond */

struct deferred {
    void (*release)(void *object);
    void *object;
};

struct batch {
    struct deferred *at;
    size_t n, room;
    size_t released; /* of the n */
};

struct grace {
    struct later later; /* first: the later is the grace */
    struct batch filling, waiting;
    pthread_t reclaimer;
    int begin; /* eventfd: a period is wanted; blocks the reclaimer */
    int ended; /* eventfd: it is over */
    bool stop; /* atomic */
};

static void wait_for_lanes(void)
{
    BEFORE_PASSAGE();
    urcu_qsbr_synchronize_rcu();
    AFTER_PASSAGE();
}

static void *reclaim(void *argument)
{
    struct grace *g = argument;
    for (;;) {
        eventfd_t wanted;
        if (eventfd_read(g->begin, &wanted) != 0)
            continue; /* interrupted */
        if (__atomic_load_n(&g->stop, __ATOMIC_ACQUIRE))
            return NULL;
        wait_for_lanes();
        (void)eventfd_write(g->ended, 1);
    }
}

static bool batch_add(struct batch *b, struct deferred d)
{
    if (b->n == b->room) {
        size_t room = b->room * 2 + 64;
        struct deferred *at = realloc(b->at, room * sizeof *at);
        if (at == NULL)
            return false;
        b->at = at;
        b->room = room;
    }
    b->at[b->n++] = d;
    return true;
}

/* At most MOST more; false when some are left. */
static bool batch_release(struct batch *b, size_t most)
{
    for (; b->released < b->n && most > 0; most--) {
        const struct deferred *d = &b->at[b->released++];
        d->release(d->object);
    }
    if (b->released < b->n)
        return false;
    b->n = b->released = 0;
    return true;
}

/* Without memory to remember the object there is still time to wait for the lanes, here. */
static void defer(struct later *later, void (*release)(void *object), void *object)
{
    struct grace *g = (struct grace *)later;
    if (batch_add(&g->filling, (struct deferred){release, object}))
        return;
    wait_for_lanes();
    release(object);
}

struct grace *grace_new(void)
{
    struct grace *g = calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->later.defer = defer;
    g->begin = eventfd(0, EFD_CLOEXEC);
    g->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (g->begin >= 0 && g->ended >= 0 && thread_start(&g->reclaimer, "reclaimer", reclaim, g))
        return g;
    int error = errno;
    if (g->begin >= 0)
        close(g->begin);
    if (g->ended >= 0)
        close(g->ended);
    free(g);
    errno = error;
    return NULL;
}

void grace_free(struct grace *g)
{
    if (g == NULL)
        return;
    __atomic_store_n(&g->stop, true, __ATOMIC_RELEASE);
    (void)eventfd_write(g->begin, 1);
    pthread_join(g->reclaimer, NULL);
    wait_for_lanes();
    batch_release(&g->waiting, SIZE_MAX);
    while (g->filling.n > 0) { /* what is released may defer more */
        struct batch last = g->filling;
        g->filling = (struct batch){0};
        batch_release(&last, SIZE_MAX);
        free(last.at);
    }
    close(g->begin);
    close(g->ended);
    free(g->waiting.at);
    free(g->filling.at);
    free(g);
}

struct later *grace_later(struct grace *g)
{
    return &g->later;
}

int grace_fd(const struct grace *g)
{
    return g->ended;
}

/* While something is left the descriptor stays readable. */
void grace_ready(struct grace *g)
{
    eventfd_t ended;
    if (eventfd_read(g->ended, &ended) == 0 && !batch_release(&g->waiting, RELEASED_AT_ONCE))
        (void)eventfd_write(g->ended, 1);
}

void grace_turn(struct grace *g)
{
    if (g->waiting.n > 0 || g->filling.n == 0)
        return;
    struct batch empty = g->waiting;
    g->waiting = g->filling;
    g->filling = empty;
    (void)eventfd_write(g->begin, 1);
}

void grace_lane_register(void)
{
    urcu_qsbr_register_thread();
    AFTER_PASSAGE();
}

void grace_lane_unregister(void)
{
    BEFORE_PASSAGE();
    urcu_qsbr_unregister_thread();
}

FAST_PATH void grace_lane_quiescent(void)
{
    BEFORE_PASSAGE();
    urcu_qsbr_quiescent_state();
    AFTER_PASSAGE();
}

FAST_PATH void grace_lane_offline(void)
{
    BEFORE_PASSAGE();
    urcu_qsbr_thread_offline();
}

FAST_PATH void grace_lane_online(void)
{
    urcu_qsbr_thread_online();
    AFTER_PASSAGE();
}
