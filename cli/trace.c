/* trace packet: packets are followed through the router as they come in, or one that somebody only thinks of.
 *
 * The watch outlives its job, because a lane may be asking it when the job ends: the dataplane gives it back. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/pcap_filter.h"
#include "cli/text.h"
#include "cli/trace_print.h"
#include "cli/tree.h"
#include "forwarding/trace.h"

#define LOOK_S 1

struct watch {
    struct trace_watch watch; /* first: the watch is this */
    struct pcap_filter *filter;
    struct job *job; /* NULL: it has ended */
};

struct trace {
    struct watch *watch;
    struct event *look; /* now and then: is anybody still there? */
    int64_t count;      /* to be followed; 0: until interrupted */
    int64_t done;
    uint64_t unprinted; /* while the reader was behind */
    uint64_t missed;    /* that the router had passed over before this began */
};

static const struct command count_value, filter_value;

/* ---- the watch ---- */

static bool wants(const struct trace_watch *self, unsigned port, const uint8_t *frame, uint32_t len, uint32_t wire_len)
{
    (void)port;
    return pcap_filter_match(((const struct watch *)self)->filter, frame, len, wire_len);
}

static void explained(struct trace_watch *self, const struct traced *traced, struct now now)
{
    struct job *job = ((struct watch *)self)->job;
    struct trace *trace = job != NULL ? job->state : NULL;
    if (trace == NULL || (trace->count != 0 && trace->done == trace->count))
        return;
    if (!job_has_room(job)) {
        trace->unprinted++;
        return;
    }
    trace->done++;
    trace_print(job, traced, now);
    job_wake(job);
}

static void release(struct trace_watch *self)
{
    struct watch *watch = (struct watch *)self;
    pcap_filter_free(watch->filter);
    free(watch);
}

/* ---- the job ---- */

/* A plain client that has hung up is only found out by writing to it, and there may be nothing to write for long. */
static void look_around(evutil_socket_t fd, short what, void *context)
{
    struct job *job = context;
    (void)fd;
    (void)what;
    if (!job_left_alone(job))
        return;
    job->interrupted = true;
    job_wake(job);
}

static enum step begin(struct job *job, struct trace *trace)
{
    const struct command_arg *arg = job_arg(job, &count_value);
    char why[256];
    trace->count = arg != NULL ? arg->number : 0;
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return job_refuse(job, "the system gave no memory");
    arg = job_arg(job, &filter_value);
    if (arg != NULL) {
        watch->filter = pcap_filter_new(arg->text, why, sizeof why);
        if (watch->filter == NULL) {
            free(watch);
            return job_refuse(job, "%s", why);
        }
        watch->watch.wants = wants;
    }
    watch->watch.explained = explained;
    watch->watch.release = release;
    watch->job = job;
    trace->missed = trace_missed(job->router->dataplane);
    if (!trace_start(job->router->dataplane, &watch->watch)) {
        release(&watch->watch);
        return job_refuse(job, "%d sessions follow packets already: end one of them, see show users", TRACE_WATCHES);
    }
    trace->watch = watch;
    trace->look = event_new(job_base(job), -1, EV_PERSIST, look_around, job);
    if (trace->look != NULL)
        event_add(trace->look, &(struct timeval){.tv_sec = LOOK_S});
    if (job->line->json)
        json_begin_array(&job->json, NULL);
    else
        job_print(job, "following what comes in from now on; Ctrl-C ends it\n");
    return STEP_WAIT;
}

static enum step finish(struct job *job, const struct trace *trace)
{
    uint64_t missed = trace_missed(job->router->dataplane) - trace->missed + trace->unprinted;
    char followed[TEXT_SHORT];
    if (job->line->json) {
        json_end(&job->json);
        return STEP_DONE;
    }
    text_count((uint64_t)trace->done, "packet", "packets", followed);
    job_print(job, "%s followed", followed);
    if (missed > 0)
        job_print(job, "; %" PRIu64 " more came too fast to be looked at or shown", missed);
    job_print(job, "\n");
    return STEP_DONE;
}

static enum step trace_step(struct job *job)
{
    struct trace *trace = job->state;
    if (trace->watch == NULL)
        return begin(job, trace);
    if (job->interrupted || (trace->count != 0 && trace->done == trace->count))
        return finish(job, trace);
    return STEP_WAIT;
}

static void end_trace(struct job *job)
{
    struct trace *trace = job->state;
    if (trace->watch == NULL)
        return;
    if (trace->look != NULL)
        event_free(trace->look);
    trace->watch->job = NULL;
    trace_stop(job->router->dataplane, &trace->watch->watch);
}

/* ---- the tables ---- */

static const struct command_run run = {
    .state_size = sizeof(struct trace), .step = trace_step, .end = end_trace, .hears_interrupt = true};

static const struct command filter_value = {COMMAND_REST, "EXPRESSION", "As tcpdump has them: host 10.0.1.2 and icmp",
                                            COMMAND_JSON, .run = &run};
static const struct command *const filter_next[] = {&filter_value, NULL};
static const struct command filter_word = {COMMAND_WORD, "filter", "Only packets that an expression takes",
                                           .next = filter_next};

static const struct command *const after_count[] = {&filter_word, NULL};
static const struct command count_value = {COMMAND_NUMBER,      "(1-1000000)", "Packets; until interrupted without it",
                                           COMMAND_JSON,        .min = 1,      .max = 1000000,
                                           .next = after_count, .run = &run};
static const struct command *const count_next[] = {&count_value, NULL};
static const struct command count_word = {COMMAND_WORD, "count", "How many packets", .next = count_next};

static const struct command *const packet_words[] = {&count_word, &filter_word, &command_trace_packet_from, NULL};
static const struct command packet = {COMMAND_WORD,         "packet",   "Packets as they come in", COMMAND_JSON,
                                      .next = packet_words, .run = &run};
static const struct command *const words[] = {&packet, NULL};
const struct command command_trace = {COMMAND_WORD, "trace", "Follow packets through the router", .next = words};
