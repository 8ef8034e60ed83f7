/* capture: what an interface sends and receives into a file. A thread does it; the job starts it, waits, and says at
 * the end what was captured. The capture lives on for the moment that its thread needs to end after its job, so it is
 * no part of the job's state, and the daemon, which knows it as a tap, finishes what is left when the router stops. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "cli/capture_thread.h"
#include "cli/job.h"
#include "cli/session.h"
#include "cli/tree.h"

#define FILE_MOST UINT64_C(100000000) /* bytes */

struct capture {
    struct cli_tap tap; /* first: the tap is the capture */
    const struct cli_router *router;
    struct capture_thread *thread;
    struct event *changed; /* its phase */
    struct event *look;    /* is there still somebody to tell? */
    struct job *job;       /* NULL: nobody waits any more */
    bool said;             /* that it runs */
};

struct waiting {
    struct capture *capture; /* NULL before the first step */
};

static const struct command interface, file, count_value, expression;

/* ---- the capture ---- */

static void release(struct capture *c)
{
    c->router->untap(c->router->context, &c->tap);
    if (c->changed != NULL)
        event_free(c->changed);
    if (c->look != NULL)
        event_free(c->look);
    capture_thread_free(c->thread);
    free(c);
}

static void finish(struct cli_tap *self)
{
    release((struct capture *)self);
}

static void interface_gone(struct cli_tap *self)
{
    capture_thread_stop(((struct capture *)self)->thread, "the interface is no longer configured");
}

static void on_change(evutil_socket_t fd, short what, void *context)
{
    struct capture *c = context;
    eventfd_t times;
    (void)what;
    (void)eventfd_read(fd, &times);
    if (c->job != NULL)
        job_wake(c->job);
    else if (capture_thread_phase(c->thread) == CAPTURE_ENDED)
        release(c);
}

/* A plain client that has gone is noticed when something is written to it, and nothing is until the end. */
static void on_look(evutil_socket_t fd, short what, void *context)
{
    struct capture *c = context;
    (void)fd;
    (void)what;
    if (c->job != NULL && job_left_alone(c->job))
        capture_thread_stop(c->thread, "nobody waits for it any more");
}

static bool watch(struct capture *c, struct event_base *base)
{
    static const struct timeval every = {.tv_sec = 1};
    c->changed = event_new(base, capture_thread_fd(c->thread), EV_READ | EV_PERSIST, on_change, c);
    c->look = event_new(base, -1, EV_PERSIST, on_look, c);
    return c->changed != NULL && c->look != NULL && event_add(c->changed, NULL) == 0 && event_add(c->look, &every) == 0;
}

/* ---- the job ---- */

static struct capture_thread *start_thread(const struct job *job, const struct cli_link *link, char *why, size_t size)
{
    const struct command_arg *count = job_arg(job, &count_value), *filter = job_arg(job, &expression);
    const struct access_peer *peer = &job->session->peer;
    char application[64];
    snprintf(application, sizeof application, "ferryd %s", job->router->version);
    struct capture_order order = {
        .device = link->name,
        .ifindex = link->ifindex,
        .path = job_arg(job, &file)->text,
        .filter = filter != NULL ? filter->text : NULL,
        .count = count != NULL ? (uint64_t)count->number : 0,
        .most = FILE_MOST,
        .application = application,
        .owner = {.uid = peer->uid, .gid = peer->gid, .groups = peer->groups, .n_groups = peer->n_groups},
    };
    return capture_thread_start(&order, why, size);
}

/* From the tap on what is sent passes by where the thread will look, so it comes first. */
static enum step start(struct job *job, struct capture *c, const struct cli_link *link)
{
    char why[512] = "the system gave no memory";
    snprintf(c->tap.name, sizeof c->tap.name, "%s", link->name);
    c->tap.gone = interface_gone;
    c->tap.finish = finish;
    c->router = job->router;
    c->job = job;
    if (!c->router->tap(c->router->context, &c->tap)) {
        free(c);
        return job_refuse(job, "%d captures run already, which is the most: end one of them", CLI_TAPS_MAX);
    }
    c->thread = start_thread(job, link, why, sizeof why);
    if (c->thread == NULL || !watch(c, job_base(job))) {
        release(c);
        return job_refuse(job, "%s", why);
    }
    ((struct waiting *)job->state)->capture = c;
    return STEP_WAIT;
}

static enum step begin(struct job *job)
{
    const char *name = job_arg(job, &interface)->text, *path = job_arg(job, &file)->text;
    struct cli_link link;
    if (path[0] != '/')
        return job_refuse(
            job, "ferryd writes the file, so it must be named from the root: \"%s\" does not begin with /", path);
    if (!job_link(job, name, &link) || link.ifindex == 0)
        return job_refuse(job, "%s has no device to capture from", name);
    struct capture *c = calloc(1, sizeof *c);
    if (c == NULL)
        return job_refuse(job, "the system gave no memory");
    return start(job, c, &link);
}

static void say_begin(struct job *job, struct capture *c)
{
    const struct command_arg *count = job_arg(job, &count_value), *filter = job_arg(job, &expression);
    if (c->said)
        return;
    c->said = true;
    job_print(job, "capturing on %s into %s", c->tap.name, job_arg(job, &file)->text);
    if (filter != NULL)
        job_print(job, ", filter \"%s\"", filter->text);
    if (count != NULL)
        job_print(job, ", %" PRId64 " packets", count->number);
    job_print(job, ", at most %d MB; Ctrl-C ends it\n", (int)(FILE_MOST / 1000000));
}

static enum step say_end(struct job *job, const struct capture *c, const struct capture_result *r)
{
    if (r->opened)
        job_print(job,
                  "%" PRIu64 " packets (%" PRIu64 " bytes) captured on %s, %" PRIu64
                  " dropped by the kernel; %s has %" PRIu64 " bytes\n",
                  r->packets, r->bytes, c->tap.name, r->dropped, job_arg(job, &file)->text, r->file_bytes);
    if (r->failed)
        return job_refuse(job, "%s", r->why);
    job_print(job, "ended: %s\n", r->why);
    return STEP_DONE;
}

static enum step capture_step(struct job *job)
{
    struct capture *c = ((struct waiting *)job->state)->capture;
    if (c == NULL)
        return begin(job);
    if (job->interrupted)
        capture_thread_stop(c->thread, "interrupted");
    const struct capture_result *result = capture_thread_result(c->thread);
    if (capture_thread_phase(c->thread) == CAPTURE_RUNS || (result != NULL && result->opened))
        say_begin(job, c);
    return result != NULL ? say_end(job, c, result) : STEP_WAIT;
}

static void end_capture(struct job *job)
{
    struct capture *c = ((struct waiting *)job->state)->capture;
    if (c == NULL)
        return;
    c->job = NULL;
    if (capture_thread_phase(c->thread) == CAPTURE_ENDED)
        release(c);
    else
        capture_thread_stop(c->thread, "the session ended");
}

/* ---- the tables ---- */

static const struct command_run run = {
    .state_size = sizeof(struct waiting), .step = capture_step, .end = end_capture, .hears_interrupt = true};

static const struct command count_word, filter_word;
static const struct command *const options[] = {&count_word, &filter_word, NULL};

static const struct command count_value = {
    COMMAND_NUMBER,  "(1-1000000000)", "Packets; as many as the file holds without it", .min = 1, .max = 1000000000,
    .next = options, .run = &run};
static const struct command *const count_next[] = {&count_value, NULL};
static const struct command count_word = {COMMAND_WORD, "count", "How many packets", .next = count_next};

static const struct command expression = {COMMAND_REST, "EXPRESSION", "As tcpdump has it: icmp and host 10.0.1.2",
                                          .run = &run};
static const struct command *const filter_next[] = {&expression, NULL};
static const struct command filter_word = {COMMAND_WORD, "filter", "Which packets", .next = filter_next};

static const struct command file = {COMMAND_ANY, "/FILE", "A new file for tcpdump and Wireshark (pcapng)",
                                    .next = options, .run = &run};
static const struct command *const file_next[] = {&file, NULL};
static const struct command interface = {COMMAND_IF, "IF", "The interface", .next = file_next};
static const struct command *const words[] = {&interface, NULL};
const struct command command_capture = {COMMAND_WORD, "capture", "Packets of an interface into a file", .next = words};
