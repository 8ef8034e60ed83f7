#define _GNU_SOURCE /* gettid, pthread_timedjoin_np */
#include "cli/capture_thread.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cli/capture_socket.h"
#include "forwarding/thread.h"

/* A device that goes tells the socket that it is down, and then no more. */
#define LOOK_MS 500

/* A file system that does not answer must not keep the router from its end. */
#define WAIT_S 5

struct capture_thread {
    pthread_t thread;
    struct capture_order order; /* with copies of its own */
    gid_t *groups;
    struct pcap_filter *filter;
    int stop_fd, told_fd;
    const char *reason;       /* atomic; not NULL: stop */
    enum capture_phase phase; /* atomic; what the thread wrote before is the reader's after */

    /* the thread's until it has ended */
    struct capture_socket *socket;
    struct capture_file *file;
    struct capture_result result;
    uint64_t begin_ns;
};

static uint64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void enter(struct capture_thread *t, enum capture_phase phase)
{
    __atomic_store_n(&t->phase, phase, __ATOMIC_RELEASE);
    (void)eventfd_write(t->told_fd, 1);
}

/* ---- the thread ---- */

static bool ends(struct capture_thread *t, const char *reason)
{
    snprintf(t->result.why, sizeof t->result.why, "%s", reason);
    return false;
}

static bool fails(struct capture_thread *t)
{
    t->result.failed = true;
    return false;
}

static bool add(struct capture_thread *t, const struct pcapng_packet *packet)
{
    struct capture_result *r = &t->result;
    switch (capture_file_add(t->file, packet, r->why, sizeof r->why)) {
    case CAPTURE_FAILED:
        return fails(t);
    case CAPTURE_FULL:
        snprintf(r->why, sizeof r->why, "the file has reached %" PRIu64 " MB, which is the most",
                 t->order.most / 1000000);
        return false;
    case CAPTURE_ADDED:
        break;
    }
    r->packets++;
    r->bytes += packet->wire_len;
    return r->packets != t->order.count || ends(t, "so many were asked for");
}

/* Until nothing waits; false at the end of the capture. */
static bool take(struct capture_thread *t, bool last)
{
    struct pcapng_packet packets[CAPTURE_BURST];
    bool more = true;
    while (more && (last || __atomic_load_n(&t->reason, __ATOMIC_ACQUIRE) == NULL)) {
        unsigned n = capture_socket_read(t->socket, packets, &more);
        for (unsigned i = 0; i < n; i++)
            if (!add(t, &packets[i]))
                return false;
    }
    return capture_file_flush(t->file, t->result.why, sizeof t->result.why) || fails(t);
}

static void capture(struct capture_thread *t)
{
    struct pollfd wait[] = {{.fd = capture_socket_fd(t->socket), .events = POLLIN},
                            {.fd = t->stop_fd, .events = POLLIN}};
    const char *reason = NULL;
    while (reason == NULL) {
        if (poll(wait, 2, LOOK_MS) < 0 && errno != EINTR) {
            (void)ends(t, "the system would not wait for packets");
            return;
        }
        if (!take(t, false))
            return;
        reason = capture_socket_lost(t->socket) ? "the device is gone" : __atomic_load_n(&t->reason, __ATOMIC_ACQUIRE);
    }
    /* What passed before the end was asked for belongs to the capture. */
    capture_socket_shut(t->socket);
    if (take(t, true))
        (void)ends(t, reason);
}

static bool open_all(struct capture_thread *t)
{
    const struct capture_order *o = &t->order;
    char *why = t->result.why;
    size_t size = sizeof t->result.why;
    t->socket = capture_socket_open(o->device, o->ifindex, t->filter, why, size);
    if (t->socket == NULL || !capture_file_become(&o->owner, why, size))
        return fails(t);
    t->file = capture_file_new(o->path, o->most, why, size);
    if (t->file == NULL || !capture_file_begin(t->file, o->application, o->device, o->filter, why, size))
        return fails(t);
    t->begin_ns = wall_ns();
    t->result.opened = true;
    return true;
}

static void close_all(struct capture_thread *t)
{
    struct capture_result *r = &t->result;
    if (t->socket != NULL)
        r->dropped = capture_socket_drops(t->socket);
    struct pcapng_statistics statistics = {.begin_ns = t->begin_ns,
                                           .end_ns = wall_ns(),
                                           .received = r->packets + r->dropped,
                                           .dropped = r->dropped,
                                           .delivered = r->packets};
    bool failed = r->failed;
    char why[sizeof r->why];
    if (r->opened && !capture_file_end(t->file, &statistics, why, sizeof why) && !failed) {
        r->failed = true;
        memcpy(r->why, why, sizeof r->why);
    }
    if (t->file != NULL)
        r->file_bytes = capture_file_size(t->file);
    capture_file_free(t->file);
    if (t->socket != NULL)
        capture_socket_close(t->socket);
}

static void *run(void *argument)
{
    struct capture_thread *t = argument;
    /* The core's raised priority was inherited; forwarding goes before looking. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 0);
    if (open_all(t)) {
        enter(t, CAPTURE_RUNS);
        capture(t);
    }
    close_all(t);
    enter(t, CAPTURE_ENDED);
    return NULL;
}

/* ---- the core's side ---- */

static void release(struct capture_thread *t)
{
    if (t->stop_fd >= 0)
        close(t->stop_fd);
    if (t->told_fd >= 0)
        close(t->told_fd);
    pcap_filter_free(t->filter);
    free((char *)(uintptr_t)t->order.device);
    free((char *)(uintptr_t)t->order.path);
    free((char *)(uintptr_t)t->order.filter);
    free((char *)(uintptr_t)t->order.application);
    free(t->groups);
    free(t);
}

static bool copy_order(struct capture_thread *t, const struct capture_order *order)
{
    size_t n = order->owner.n_groups;
    t->order = *order;
    t->order.device = strdup(order->device);
    t->order.path = strdup(order->path);
    t->order.filter = order->filter != NULL ? strdup(order->filter) : NULL;
    t->order.application = strdup(order->application);
    t->groups = n > 0 ? malloc(n * sizeof *t->groups) : NULL;
    t->order.owner.groups = t->groups;
    if (t->groups != NULL)
        memcpy(t->groups, order->owner.groups, n * sizeof *t->groups);
    return t->order.device != NULL && t->order.path != NULL && t->order.application != NULL &&
           (t->order.filter != NULL || order->filter == NULL) && (t->groups != NULL || n == 0);
}

struct capture_thread *capture_thread_start(const struct capture_order *order, char *why, size_t size)
{
    struct capture_thread *t = calloc(1, sizeof *t);
    if (t == NULL) {
        snprintf(why, size, "the system gave no memory");
        return NULL;
    }
    t->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    t->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!copy_order(t, order) || t->stop_fd < 0 || t->told_fd < 0) {
        snprintf(why, size, "a capture can not be started: the system gave no memory or no descriptors");
    } else if (order->filter != NULL && (t->filter = pcap_filter_new(order->filter, why, size)) == NULL) {
        /* the reason is told */
    } else if (thread_start(&t->thread, "capture", run, t)) {
        return t;
    } else {
        snprintf(why, size, "a capture can not be started: %s", strerror(errno));
    }
    release(t);
    return NULL;
}

int capture_thread_fd(const struct capture_thread *t)
{
    return t->told_fd;
}

enum capture_phase capture_thread_phase(const struct capture_thread *t)
{
    return __atomic_load_n(&t->phase, __ATOMIC_ACQUIRE);
}

void capture_thread_stop(struct capture_thread *t, const char *reason)
{
    const char *none = NULL;
    (void)__atomic_compare_exchange_n(&t->reason, &none, reason, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
    (void)eventfd_write(t->stop_fd, 1);
}

const struct capture_result *capture_thread_result(const struct capture_thread *t)
{
    return capture_thread_phase(t) == CAPTURE_ENDED ? &t->result : NULL;
}

void capture_thread_free(struct capture_thread *t)
{
    if (t == NULL)
        return;
    capture_thread_stop(t, "");
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    if (pthread_timedjoin_np(t->thread, NULL, &until) == 0)
        release(t);
}
