#define _GNU_SOURCE /* vasprintf */
#include "cli/job.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/session_parts.h"
#include "cli/text.h"

void job_print(struct job *job, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    evbuffer_add_vprintf(job->out, format, args);
    va_end(args);
}

void job_print_wrapped(struct job *job, const char *text, size_t at, size_t indent)
{
    char wrapped[512];
    bool whole = job->session->filter != NULL;
    job_print(job, "%s\n", whole ? text : text_wrap(text, at, indent, wrapped, sizeof wrapped));
}

void job_write(struct job *job, const void *bytes, size_t len)
{
    evbuffer_add(job->out, bytes, len);
}

enum step job_refuse(struct job *job, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    free(job->refusal);
    if (vasprintf(&job->refusal, format, args) < 0)
        job->refusal = NULL;
    va_end(args);
    return STEP_REFUSED;
}

const struct command_arg *job_arg(const struct job *job, const struct command *argument)
{
    return command_arg_of(job->line, argument);
}

void job_wake(struct job *job)
{
    job->session->waiting = false;
    cli_schedule(job->session->cli);
}

bool job_has_room(const struct job *job)
{
    const struct session *s = job->session;
    size_t queued = evbuffer_get_length(bufferevent_get_output(s->io)) + evbuffer_get_length(job->out);
    return queued + (s->filter != NULL ? filter_holds(s->filter) : 0) < SESSION_OUTPUT_HIGH;
}

struct cli_author job_author(const struct job *job)
{
    return (struct cli_author){.uid = job->session->peer.uid, .session = job->session->number};
}

const struct mode *job_mode(const struct job *job)
{
    return job->session->mode;
}

const char *job_subject(const struct job *job)
{
    return job->session->subject;
}

void job_enter(struct job *job, const struct mode *mode, const char *subject)
{
    job->session->mode = mode;
    snprintf(job->session->subject, sizeof job->session->subject, "%s", subject);
}

void job_page_length(struct job *job, unsigned lines)
{
    char text[16];
    snprintf(text, sizeof text, "%u", lines);
    if (job->session->protocol == SESSION_FRAMED)
        session_send(job->session, FRAME_LENGTH, text, strlen(text));
}

void job_tell_unconfirmed(struct job *job)
{
    struct cli_unconfirmed waiting;
    char in[TEXT_SHORT];
    if (!job->router->unconfirmed(job->router->context, &waiting))
        return;
    uint64_t now_ns = job_now(job).ns, left_ns = waiting.due_ns > now_ns ? waiting.due_ns - now_ns : 0;
    job_print(job, "a change by uid %lu, session %u, is undone in %s unless somebody commits\n",
              (unsigned long)waiting.author.uid, waiting.author.session, text_duration(left_ns / NS_PER_S, in));
}

bool job_left_alone(const struct job *job)
{
    struct pollfd end = {.fd = bufferevent_getfd(job->session->io)};
    return poll(&end, 1, 0) == 1 && (end.revents & (POLLHUP | POLLERR)) != 0;
}

struct event_base *job_base(const struct job *job)
{
    return job->session->cli->base;
}

struct now job_now(const struct job *job)
{
    return job->router->now(job->router->context);
}

uint64_t job_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

bool job_link(const struct job *job, const char *name, struct cli_link *link)
{
    for (unsigned i = 0; job->router->link(job->router->context, i, link); i++)
        if (strcmp(link->name, name) == 0)
            return true;
    return false;
}

const char *job_port_name(const struct job *job, unsigned port)
{
    const struct port *p = port < PORT_MAX ? dataplane_port(job->router->dataplane, port) : NULL;
    return p != NULL ? p->name : "-";
}
