/* A session's input is read only while it has no command running (frames with an interrupt apart), and the socket is
 * not read while INPUT_HIGH bytes wait: whoever sends more than is taken waits in the kernel. (libevent's own mark for
 * that calls back again and again while that is so.)
 *
 * A step prints into session->out; what it printed is then moved, framed if need be, to the socket's buffer. While that
 * holds SESSION_OUTPUT_HIGH bytes or more the session is not runnable; libevent's write callback makes it so again. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "cli/ask.h"
#include "cli/draft.h"
#include "cli/session_parts.h"
#include "cli/text.h"

#define INPUT_HIGH (16 * 1024)

bool session_runnable(const struct session *s)
{
    if (s->gone || s->closing)
        return false;
    bool asked = session_has_input(s);
    /* Who does not read can interrupt as well. Once: every interrupt is echoed. */
    if (asked && s->busy && !s->job.interrupted)
        return true;
    if (evbuffer_get_length(bufferevent_get_output(s->io)) >= SESSION_OUTPUT_HIGH)
        return false;
    return asked || (s->busy && (!s->waiting || session_is_behind(s)));
}

static bool is_full(const struct session *s)
{
    return evbuffer_get_length(bufferevent_get_input(s->io)) >= INPUT_HIGH;
}

static void take_input(struct session *s)
{
    bool was_full = is_full(s);
    session_read(s);
    if (was_full && !is_full(s) && !s->ended)
        bufferevent_enable(s->io, EV_READ);
}

void session_step(struct session *s)
{
    if (session_has_input(s))
        take_input(s);
    else if (s->busy)
        session_step_job(s);
}

/* A framed client that hangs up does not wait for answers; a plain one may have closed only its sending side. */
bool session_finished(const struct session *s)
{
    if (s->gone)
        return true;
    if (s->ended && s->protocol == SESSION_FRAMED)
        return true;
    bool silent = s->closing || (s->ended && !s->busy && !session_has_input(s));
    return silent && evbuffer_get_length(bufferevent_get_output(s->io)) == 0;
}

static void on_data(struct bufferevent *io, void *context)
{
    struct session *s = context;
    if (is_full(s))
        bufferevent_disable(io, EV_READ);
    cli_schedule(s->cli);
}

static void on_drained(struct bufferevent *io, void *context)
{
    struct session *s = context;
    (void)io;
    session_restart_idle(s);
    cli_schedule(s->cli);
}

static void on_event(struct bufferevent *io, short what, void *context)
{
    struct session *s = context;
    (void)io;
    if ((what & BEV_EVENT_EOF) != 0)
        s->ended = true;
    else
        s->gone = true;
    cli_schedule(s->cli);
}

static void on_idle(evutil_socket_t fd, short what, void *context)
{
    struct session *s = context;
    char why[80];
    (void)fd;
    (void)what;
    size_t stuck = evbuffer_get_length(bufferevent_get_output(s->io));
    snprintf(why, sizeof why, "nothing was said for %lld seconds: the session is closed", (long long)s->cli->idle_s);
    /* a command that runs and is read is not idle; one whose reader has stopped is */
    if (s->busy && stuck == 0) {
        session_restart_idle(s);
        return;
    }
    if (stuck > 0 || s->closing) {
        s->gone = true;
    } else {
        session_bye(s, why);
        session_restart_idle(s);
    }
    cli_schedule(s->cli);
}

void session_restart_idle(struct session *s)
{
    struct timeval after = {.tv_sec = s->cli->idle_s};
    if (s->cli->idle_s > 0)
        event_add(s->idle, &after);
    else
        event_del(s->idle);
}

struct session *session_new(struct cli *cli, int fd)
{
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL) {
        close(fd);
        return NULL;
    }
    s->cli = cli;
    s->mode = &mode_exec;
    s->number = ++cli->last_number;
    s->since_ns = s->last_ns = cli->router->now(cli->router->context).ns;
    access_peer_read(&s->peer, fd);
    s->io = bufferevent_socket_new(cli->base, fd, BEV_OPT_CLOSE_ON_FREE);
    s->out = evbuffer_new();
    s->filtered = evbuffer_new();
    s->idle = event_new(cli->base, -1, 0, on_idle, s);
    if (s->io == NULL || s->out == NULL || s->filtered == NULL || s->idle == NULL) {
        if (s->io == NULL)
            close(fd);
        session_free(s);
        return NULL;
    }
    s->job.router = cli->router;
    s->job.session = s;
    s->job.out = s->out;
    json_stream_init(&s->job.json, s->out);
    bufferevent_setcb(s->io, on_data, on_drained, on_event, s);
    bufferevent_setwatermark(s->io, EV_WRITE, SESSION_OUTPUT_HIGH / 2, 0);
    bufferevent_enable(s->io, EV_READ | EV_WRITE);
    session_restart_idle(s);
    return s;
}

void session_free(struct session *s)
{
    char text[TEXT_SHORT];
    if (s->busy)
        session_end_job(s);
    if (s->draft != NULL && s->draft->n > 0)
        ask_log(&s->job, "%s dropped: the session ended without commit",
                text_count(s->draft->n, "change is", "changes are", text));
    draft_free(s->draft);
    filter_free(s->filter);
    if (s->io != NULL)
        bufferevent_free(s->io);
    if (s->out != NULL)
        evbuffer_free(s->out);
    if (s->filtered != NULL)
        evbuffer_free(s->filtered);
    if (s->idle != NULL)
        event_free(s->idle);
    for (unsigned i = 0; i < SESSION_HISTORY; i++)
        free(s->history[i]);
    access_peer_exit(&s->peer);
    free(s);
}
