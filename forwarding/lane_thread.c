/* lane: see lane_thread.h.
 *
 * Sleeping and waking. The lane sleeps on its descriptor when some polls in a row found nothing, offline, so that no
 * grace period waits for it. The core sleeps on WAKE_FD among others, and a burst that punted wakes it if it does. Both
 * sides do "write mine, then look at yours": the lane puts into the punt rings and then looks at *core_asleep; the core
 * sets *core_asleep and then looks at the punt rings before it blocks. A full fence between write and look on each side
 * makes sure that at least one of them sees what the other wrote. Ours is below; without it the store into the ring
 * may still be in the CPU's buffer when the flag is read, and the packet would lie there until the next one. */
#define _GNU_SOURCE /* CPU_SET, gettid, pthread_setaffinity_np */
#include "forwarding/lane_thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "forwarding/fast_path.h"
#include "forwarding/grace.h"
#include "forwarding/thread.h"

#define EMPTY_POLLS   32 /* before it sleeps: a few microseconds, which a busy port fills */
#define REALTIME      10 /* above everything ordinary, below what a system sets higher for good reason */
#define NICE          (-20)
#define REPORTS       16 /* descriptors that one wait reports */
#define REFUSED_BYTES 256

struct lane_thread {
    struct lane *lane;
    struct af_packet *io;
    int wake_fd;
    const int *core_asleep;
    struct lane_thread_settings settings;
    int stop_fd;
    pthread_t thread;
    sem_t settled; /* the thread has applied its settings, REFUSED is filled */
    char refused[REFUSED_BYTES];
};

/* ---- settings ---- */

__attribute__((format(printf, 3, 4))) static void refuse(struct lane_thread *t, int error, const char *format, ...)
{
    size_t used = strlen(t->refused);
    if (used > 0 && used + 2 < sizeof t->refused) {
        memcpy(t->refused + used, "; ", 3);
        used += 2;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(t->refused + used, sizeof t->refused - used, format, arguments);
    va_end(arguments);
    used = strlen(t->refused);
    char text[64];
    snprintf(t->refused + used, sizeof t->refused - used, ": %s", strerror_r(error, text, sizeof text));
}

static void pin(struct lane_thread *t)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    int error = EINVAL;
    if (t->settings.cpu < CPU_SETSIZE) {
        CPU_SET(t->settings.cpu, &set);
        error = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    if (error != 0)
        refuse(t, error, "lane %u runs on any CPU, not on CPU %d", t->lane->number, t->settings.cpu);
}

static void prioritize(struct lane_thread *t)
{
    struct sched_param priority = {.sched_priority = REALTIME};
    if (t->settings.realtime) {
        int error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
        if (error == 0)
            return;
        refuse(t, error, "lane %u does not run in real time, which needs CAP_SYS_NICE", t->lane->number);
    }
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) != 0)
        refuse(t, errno, "lane %u runs at ordinary priority, as nice %d needs CAP_SYS_NICE", t->lane->number, NICE);
}

/* ---- the loop ---- */

/* What a lane measures are seconds of idleness and tokens of some milliseconds: the clock of the last tick will do. */
static struct now read_clock(void)
{
    struct timespec monotonic;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &monotonic);
    return (struct now){.ns = (uint64_t)monotonic.tv_sec * NS_PER_S + (uint64_t)monotonic.tv_nsec};
}

static void wake_core(const struct lane_thread *t)
{
    __sync_synchronize(); /* a full fence; of __atomic_thread_fence GCC warns in ThreadSanitizer builds */
    if (__atomic_load_n(t->core_asleep, __ATOMIC_RELAXED))
        (void)eventfd_write(t->wake_fd, 1);
}

static bool forward_burst(struct lane_thread *t, struct packet *burst)
{
    unsigned n = af_packet_receive(t->io, t->lane->number, burst, LANE_BURST);
    if (n == 0)
        return false;
    bool punted = lane_forward(t->lane, burst, n, read_clock());
    af_packet_release(t->io, t->lane->number);
    if (punted)
        wake_core(t);
    return true;
}

/* Until there is something to do; true when that is to stop. */
static bool sleep_until_reported(struct lane_thread *t)
{
    struct epoll_event report[REPORTS];
    grace_lane_offline();
    int n = epoll_wait(af_packet_lane_fd(t->io, t->lane->number), report, REPORTS, -1);
    grace_lane_online();
    bool errors = false;
    for (int i = 0; i < n; i++) {
        if (report[i].data.fd == t->stop_fd)
            return true;
        errors |= (report[i].events & EPOLLERR) != 0;
    }
    if (errors)
        af_packet_clear_errors(t->io, t->lane->number);
    return false;
}

/* A saturated lane never sleeps, so it also looks for the end this way, now and then. */
static bool stop_wanted(const struct lane_thread *t)
{
    eventfd_t stop;
    return eventfd_read(t->stop_fd, &stop) == 0;
}

FAST_PATH static void *run(void *argument)
{
    struct lane_thread *t = argument;
    struct packet burst[LANE_BURST];
    if (t->settings.cpu >= 0)
        pin(t);
    prioritize(t);
    grace_lane_register();
    sem_post(&t->settled);

    unsigned empty = 0;
    bool stop = false;
    for (unsigned turn = 1; !stop; turn++) {
        if (forward_burst(t, burst))
            empty = 0;
        else
            empty++;
        grace_lane_quiescent();
        if (empty > EMPTY_POLLS) {
            stop = sleep_until_reported(t);
            empty = 0;
        } else if (turn % 1024 == 0) {
            stop = stop_wanted(t);
        }
    }
    grace_lane_unregister();
    return NULL;
}

/* ---- start and stop ---- */

static bool watch_stop(struct lane_thread *t)
{
    t->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = t->stop_fd};
    return t->stop_fd >= 0 &&
           epoll_ctl(af_packet_lane_fd(t->io, t->lane->number), EPOLL_CTL_ADD, t->stop_fd, &event) == 0;
}

static void lane_thread_free(struct lane_thread *t)
{
    sem_destroy(&t->settled);
    if (t->stop_fd >= 0)
        close(t->stop_fd); /* leaves the epoll set by that */
    free(t);
}

struct lane_thread *lane_thread_start(struct lane *lane, struct af_packet *a, int wake_fd, const int *core_asleep,
                                      struct lane_thread_settings settings, char *refused, size_t refused_size)
{
    struct lane_thread *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->lane = lane;
    t->io = a;
    t->wake_fd = wake_fd;
    t->core_asleep = core_asleep;
    t->settings = settings;
    sem_init(&t->settled, 0, 0);
    char name[16];
    snprintf(name, sizeof name, "lane%u", lane->number);
    if (watch_stop(t) && thread_start(&t->thread, name, run, t)) {
        while (sem_wait(&t->settled) != 0)
            ; /* interrupted by a signal */
        snprintf(refused, refused_size, "%s", t->refused);
        return t;
    }
    int error = errno;
    lane_thread_free(t);
    errno = error;
    return NULL;
}

void lane_thread_stop(struct lane_thread *t)
{
    if (t == NULL)
        return;
    (void)eventfd_write(t->stop_fd, 1);
    pthread_join(t->thread, NULL);
    lane_thread_free(t);
}
