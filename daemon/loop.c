/* A turn: sleep until a descriptor is ready, a timer is due or a lane wakes us; serve the descriptors; take what the
 * lanes punted; go on with routes after a change that many of them lean on; fire what is due; hand garbage to the next
 * grace period. Each step has a bound, so that a turn takes a few milliseconds at most and none of them waits long for
 * the others; what is left over is taken in the next turn, which then does not sleep.
 *
 * A lane that has punted writes to the eventfd only while the core says that it sleeps. So that no wake-up is lost, the
 * core says so first and only then looks whether a punt ring holds something, and a lane puts first and looks then;
 * with a full barrier between the two steps on each side one of them sees the other. */
#include "daemon/loop.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "forwarding/punt.h"

#define CONTROL_A_PORT 32  /* frames of one control socket a turn */
#define CONTROL_A_TURN 256 /* and of all of them */
#define PUNTS_A_TURN   256
#define TIMERS_A_TURN  256
#define ROUTES_A_TURN  1024 /* that are selected anew; some milliseconds */
#define FRAME_ROOM     (ETHERNET_HEADER + 65535 + 2)

struct watched {
    struct loop *loop;
    unsigned port;
    struct event *event;
};

struct loop {
    struct event_base *base;
    struct grace *grace;
    struct dataplane *dataplane;
    struct af_packet *af_packet;
    struct rib *rib;
    int wake_fd;
    int asleep; /* atomic: lanes read it */
    bool stop, now_known;
    struct now now;
    unsigned control_left;
    struct event *wake, *timer, *graced;
    struct watched *ports[PORT_MAX];
    uint8_t frame[FRAME_ROOM];
};

struct now loop_now(struct loop *l)
{
    if (l->now_known)
        return l->now;
    struct timespec monotonic, wall;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    l->now.ns = (uint64_t)monotonic.tv_sec * NS_PER_S + (uint64_t)monotonic.tv_nsec;
    l->now.wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / NS_PER_MS;
    l->now_known = true;
    return l->now;
}

static void woken(int fd, short what, void *context)
{
    (void)what;
    struct loop *l = context;
    uint64_t times;
    /* Awake already: the other lanes may save themselves the write. */
    __atomic_store_n(&l->asleep, 0, __ATOMIC_RELAXED);
    if (read(fd, &times, sizeof times) < 0)
        return;
}

static void timer_due(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    (void)context; /* having ended the sleep is all it is for */
}

static void period_ended(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct loop *l = context;
    grace_ready(l->grace);
}

static void control_ready(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct watched *w = context;
    struct loop *l = w->loop;
    struct now now = loop_now(l);
    struct packet packet;
    for (unsigned i = 0; i < CONTROL_A_PORT && l->control_left > 0; i++, l->control_left--) {
        if (!af_packet_control_receive(l->af_packet, w->port, l->frame, sizeof l->frame, &packet))
            return;
        dataplane_receive(l->dataplane, &packet, now);
    }
}

struct loop *loop_new(struct event_base *base, struct grace *grace)
{
    struct loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->base = base;
    l->grace = grace;
    l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (l->wake_fd < 0) {
        free(l);
        return NULL;
    }
    l->wake = event_new(base, l->wake_fd, EV_READ | EV_PERSIST, woken, l);
    l->graced = event_new(base, grace_fd(grace), EV_READ | EV_PERSIST, period_ended, l);
    l->timer = evtimer_new(base, timer_due, l);
    if (l->wake == NULL || l->graced == NULL || l->timer == NULL || event_add(l->wake, NULL) < 0 ||
        event_add(l->graced, NULL) < 0) {
        loop_free(l);
        return NULL;
    }
    return l;
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    for (unsigned i = 0; i < PORT_MAX; i++)
        loop_unwatch_port(l, i);
    free_event(l->wake);
    free_event(l->graced);
    free_event(l->timer);
    close(l->wake_fd);
    free(l);
}

int loop_wake_fd(const struct loop *l)
{
    return l->wake_fd;
}

const int *loop_core_asleep(const struct loop *l)
{
    return &l->asleep;
}

void loop_serve(struct loop *l, struct dataplane *dataplane, struct af_packet *af_packet, struct rib *rib)
{
    l->dataplane = dataplane;
    l->af_packet = af_packet;
    l->rib = rib;
}

bool loop_watch_port(struct loop *l, unsigned port)
{
    struct watched *w = calloc(1, sizeof *w);
    if (w == NULL)
        return false;
    *w = (struct watched){.loop = l, .port = port};
    int fd = af_packet_control_fd(l->af_packet, port);
    w->event = event_new(l->base, fd, EV_READ | EV_PERSIST, control_ready, w);
    if (w->event == NULL || event_add(w->event, NULL) < 0) {
        free_event(w->event);
        free(w);
        return false;
    }
    l->ports[port] = w;
    return true;
}

void loop_unwatch_port(struct loop *l, unsigned port)
{
    struct watched *w = l->ports[port];
    if (w == NULL)
        return;
    event_free(w->event);
    free(w);
    l->ports[port] = NULL;
}

static bool lanes_have_punted(const struct loop *l)
{
    for (unsigned i = 0; i < l->dataplane->n_lanes; i++)
        if (!punts_empty(&l->dataplane->lanes[i]->punts))
            return true;
    return false;
}

/* Serves descriptors, after a sleep until DUE_NS at most, or none when there is work LEFT. */
static void serve_descriptors(struct loop *l, bool left, uint64_t due_ns)
{
    uint64_t now_ns = loop_now(l).ns;
    int flags = EVLOOP_ONCE;
    if (left || due_ns <= now_ns)
        flags |= EVLOOP_NONBLOCK;
    if (due_ns == NEVER_NS) {
        evtimer_del(l->timer);
    } else if (due_ns > now_ns) {
        uint64_t us = (due_ns - now_ns + 999) / 1000;
        struct timeval wait = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
        evtimer_add(l->timer, &wait);
    }
    l->now_known = false;
    l->control_left = CONTROL_A_TURN;
    __atomic_store_n(&l->asleep, 1, __ATOMIC_RELAXED);
    __sync_synchronize(); /* a full fence; of __atomic_thread_fence GCC warns in ThreadSanitizer builds */
    if (lanes_have_punted(l))
        flags |= EVLOOP_NONBLOCK;
    event_base_loop(l->base, flags);
    __atomic_store_n(&l->asleep, 0, __ATOMIC_RELAXED);
}

void loop_run(struct loop *l)
{
    bool left = false;
    uint64_t due_ns = 0;
    while (!l->stop) {
        serve_descriptors(l, left, due_ns);
        l->now_known = false; /* what a command sent may have been answered already: its round trip took some time */
        struct now now = loop_now(l);
        left = dataplane_drain(l->dataplane, PUNTS_A_TURN, now);
        left |= rib_run(l->rib, ROUTES_A_TURN);
        due_ns = dataplane_run(l->dataplane, now, TIMERS_A_TURN);
        grace_turn(l->grace);
    }
}

void loop_stop(struct loop *l)
{
    l->stop = true;
}
