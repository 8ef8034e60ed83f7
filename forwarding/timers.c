/* core: deadlines in a binary heap, the earliest at the top. Each timer knows its place, so that moving and stopping
 * one costs no search. */
#include "forwarding/timers.h"

#include <stdlib.h>

#define FIRST_ROOM 64

void timers_init(struct timers *timers, void *context)
{
    *timers = (struct timers){.context = context};
}

void timers_exit(struct timers *timers)
{
    for (size_t i = 0; i < timers->n; i++)
        timers->heap[i]->place = 0;
    free(timers->heap);
    *timers = (struct timers){.context = timers->context};
}

static void put(struct timers *timers, size_t at, struct timer *timer)
{
    timers->heap[at] = timer;
    timer->place = at + 1;
}

static void sift_up(struct timers *timers, size_t at, struct timer *timer)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (timers->heap[parent]->due_ns <= timer->due_ns)
            break;
        put(timers, at, timers->heap[parent]);
        at = parent;
    }
    put(timers, at, timer);
}

static void sift_down(struct timers *timers, size_t at, struct timer *timer)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= timers->n)
            break;
        if (child + 1 < timers->n && timers->heap[child + 1]->due_ns < timers->heap[child]->due_ns)
            child++;
        if (timers->heap[child]->due_ns >= timer->due_ns)
            break;
        put(timers, at, timers->heap[child]);
        at = child;
    }
    put(timers, at, timer);
}

/* Puts TIMER at AT, whose place is free, or near it where the heap's order wants it. */
static void settle(struct timers *timers, size_t at, struct timer *timer)
{
    if (at > 0 && timers->heap[(at - 1) / 2]->due_ns > timer->due_ns)
        sift_up(timers, at, timer);
    else
        sift_down(timers, at, timer);
}

static bool make_room(struct timers *timers)
{
    if (timers->n < timers->room)
        return true;
    size_t room = timers->room != 0 ? timers->room * 2 : FIRST_ROOM;
    struct timer **heap = realloc(timers->heap, room * sizeof *heap);
    if (heap == NULL)
        return false;
    timers->heap = heap;
    timers->room = room;
    return true;
}

bool timer_set(struct timers *timers, struct timer *timer, uint64_t due_ns)
{
    if (timers->during_ns != 0 && due_ns <= timers->during_ns)
        due_ns = timers->during_ns + 1;
    if (!timer_is_set(timer)) {
        if (!make_room(timers))
            return false;
        timer->place = ++timers->n;
    }
    timer->due_ns = due_ns;
    settle(timers, timer->place - 1, timer);
    return true;
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    if (!timer_is_set(timer))
        return;
    size_t at = timer->place - 1;
    timer->place = 0;
    struct timer *last = timers->heap[--timers->n];
    if (last != timer)
        settle(timers, at, last);
}

uint64_t timers_due(const struct timers *timers)
{
    return timers->n > 0 ? timers->heap[0]->due_ns : NEVER_NS;
}

unsigned timers_run(struct timers *timers, struct now now, unsigned most)
{
    unsigned fired = 0;
    timers->during_ns = now.ns;
    while (fired < most && timers->n > 0 && timers->heap[0]->due_ns <= now.ns) {
        struct timer *timer = timers->heap[0];
        timer_stop(timers, timer);
        timer->fire(timer, timers->context, now);
        fired++;
    }
    timers->during_ns = 0;
    return fired;
}
