/* A session's input is read only while it has no command running (frames with an interrupt apart), and libevent stops
 * reading the socket when INPUT_HIGH bytes wait: whoever sends more than is taken waits in the kernel.
 *
 * A step prints into session->out; what it printed is then moved, framed if need be, to the socket's buffer. While that
 * holds SESSION_OUTPUT_HIGH bytes or more the session is not runnable; libevent's write callback makes it so again. */
#include "cli/session.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_HIGH   (16 * 1024)
#define OUTPUT_FRAME (32 * 1024)

/* ---- what goes out ---- */

static void send_frame(struct session *s, enum frame_type type, const void *bytes, size_t len)
{
    struct evbuffer *to = bufferevent_get_output(s->io);
    uint8_t header[FRAME_HEADER];
    if (len > FRAME_TEXT_MAX)
        len = FRAME_TEXT_MAX;
    frame_header(header, type, (uint32_t)len);
    evbuffer_add(to, header, sizeof header);
    evbuffer_add(to, bytes, len);
}

static void flush(struct session *s)
{
    struct evbuffer *to = bufferevent_get_output(s->io);
    size_t len;
    while ((len = evbuffer_get_length(s->out)) > 0) {
        if (len > OUTPUT_FRAME)
            len = OUTPUT_FRAME;
        if (s->protocol == SESSION_FRAMED) {
            uint8_t header[FRAME_HEADER];
            frame_header(header, FRAME_OUTPUT, (uint32_t)len);
            evbuffer_add(to, header, sizeof header);
        }
        evbuffer_remove_buffer(s->out, to, len);
    }
}

static void send_prompt(struct session *s)
{
    const struct config *config = s->cli->router->running(s->cli->router->context);
    const char *hostname = config != NULL && config->hostname != NULL ? config->hostname : "ferryd";
    char prompt[300];
    bool all = access_of(&s->cli->access, &s->peer) == ACCESS_ALL;
    int len = snprintf(prompt, sizeof prompt, "%.255s%s ", hostname, all ? "#" : ">");
    send_frame(s, FRAME_PROMPT, prompt, (size_t)len);
}

/* The end of a command's answer. */
static void done(struct session *s, bool success)
{
    uint8_t status = success ? 0 : 1;
    flush(s);
    if (s->protocol != SESSION_FRAMED)
        return;
    send_prompt(s);
    send_frame(s, FRAME_DONE, &status, 1);
}

static void refuse(struct session *s, bool json, const char *sentence, const char *text)
{
    if (json)
        json_document(&s->job.json, json_pack("{s:o}", "error", json_text(sentence)));
    flush(s);
    if (s->protocol == SESSION_FRAMED)
        send_frame(s, FRAME_REFUSED, text, strlen(text));
    else if (!json)
        evbuffer_add_printf(bufferevent_get_output(s->io), "%% %s\n", text);
    done(s, false);
}

static void say_bye(struct session *s, const char *why)
{
    flush(s);
    if (s->protocol == SESSION_FRAMED)
        send_frame(s, FRAME_BYE, why, strlen(why));
    else if (why[0] != '\0')
        evbuffer_add_printf(bufferevent_get_output(s->io), "%% %s\n", why);
    s->closing = true;
}

/* ---- commands ---- */

static const char *interface_name(const void *context, unsigned i)
{
    const struct cli_router *router = context;
    struct cli_link link;
    return router->link(router->context, i, &link) ? link.name : NULL;
}

static struct command_world world_of(const struct session *s)
{
    return (struct command_world){.context = s->cli->router, .interface = interface_name};
}

static void end_job(struct session *s)
{
    const struct command_run *run = s->line.last->run;
    if (run->end != NULL)
        run->end(&s->job);
    free(s->job.state);
    free(s->job.refusal);
    s->job.state = NULL;
    s->job.refusal = NULL;
    s->busy = s->waiting = false;
}

static void step_job(struct session *s)
{
    struct job *job = &s->job;
    enum step step = s->line.last->run->step(job);
    job->steps++;
    switch (step) {
    case STEP_MORE:
        flush(s);
        return;
    case STEP_WAIT:
        s->waiting = true;
        flush(s);
        return;
    case STEP_DONE: {
        bool success = !job->failed;
        end_job(s);
        if (s->leaving)
            say_bye(s, ""); /* in place of the end of the answer: no prompt will follow */
        else
            done(s, success);
        break;
    }
    case STEP_REFUSED: {
        char *refusal = job->refusal;
        job->refusal = NULL;
        end_job(s);
        const char *text = refusal != NULL ? refusal : "the system gave no memory";
        refuse(s, s->line.json, text, text);
        free(refusal);
        break;
    }
    }
    session_restart_idle(s);
}

static void begin_job(struct session *s)
{
    const struct command_run *run = s->line.last->run;
    s->job.line = &s->line;
    s->job.steps = 0;
    s->job.interrupted = s->job.failed = false;
    json_stream_init(&s->job.json, s->out);
    s->job.state = calloc(1, run->state_size > 0 ? run->state_size : 1);
    if (s->job.state == NULL) {
        refuse(s, s->line.json, "the system gave no memory", "the system gave no memory");
        return;
    }
    s->busy = true;
    s->waiting = false;
}

static void remember(struct session *s, const char *line)
{
    char **place = &s->history[s->history_n % SESSION_HISTORY];
    free(*place);
    *place = strdup(line);
    if (*place != NULL)
        s->history_n++;
}

static bool has_pipe(const char *line)
{
    for (const char *at = line; (at = strchr(at, '|')) != NULL; at++)
        if (at != line && at[-1] == ' ' && (at[1] == ' ' || at[1] == '\0'))
            return true;
    return false;
}

static void run_command(struct session *s, const char *line)
{
    struct command_world world = world_of(s);
    struct command_error error;
    char text[1024];
    remember(s, line);
    if (has_pipe(line)) {
        refuse(s, false, "", "filters (| include, | exclude, | begin, | count) are not supported yet");
        return;
    }
    if (!command_match(command_exec, &world, line, &s->line, &error)) {
        refuse(s, s->line.json, error.text, command_error_text(&error, line, text, sizeof text));
        return;
    }
    enum access_level needs = (s->line.last->flags & COMMAND_LOOK) != 0 ? ACCESS_LOOK : ACCESS_ALL;
    if (access_of(&s->cli->access, &s->peer) < needs) {
        access_refusal(&s->cli->access, &s->peer, needs, text, sizeof text);
        refuse(s, s->line.json, text, text);
        return;
    }
    if (s->line.last->refusal != NULL) {
        refuse(s, s->line.json, s->line.last->refusal, s->line.last->refusal);
        return;
    }
    begin_job(s);
}

/* ---- help and completion ---- */

struct answer {
    struct command_list list;
    struct evbuffer *to;
    bool words_only;
};

static void add_answer(struct command_list *self, const char *word, const char *help)
{
    struct answer *answer = (struct answer *)self;
    if (answer->words_only)
        evbuffer_add_printf(answer->to, "%s\n", word);
    else
        evbuffer_add_printf(answer->to, "  %-18s %s\n", word, help != NULL ? help : "");
}

/* Into s->out. */
static bool make_help(struct session *s, const char *line, struct command_error *error)
{
    struct command_world world = world_of(s);
    struct answer answer = {.list.add = add_answer, .to = s->out};
    return command_help(command_exec, &world, line, &answer.list, error);
}

/* A line that ends with a question mark: for those without a key for it. */
static void run_help(struct session *s, const char *line)
{
    struct command_error error;
    char text[1024];
    if (make_help(s, line, &error))
        done(s, true);
    else
        refuse(s, false, error.text, command_error_text(&error, line, text, sizeof text));
}

static void answer_frame(struct session *s, enum frame_type type, const char *line)
{
    flush(s);
    if (type == FRAME_HELP) {
        struct command_error error;
        if (!make_help(s, line, &error))
            evbuffer_add_printf(s->out, "%% %s\n", error.text);
    } else {
        struct command_world world = world_of(s);
        struct answer answer = {.list.add = add_answer, .to = s->out, .words_only = true};
        command_complete(command_exec, &world, line, &answer.list);
    }
    size_t len = evbuffer_get_length(s->out);
    const unsigned char *bytes = evbuffer_pullup(s->out, -1);
    send_frame(s, type, bytes, len);
    evbuffer_drain(s->out, len);
}

/* ---- what comes in ---- */

/* Bytes that are no text can not be part of any command, and must not reach a terminal or a log as they are. */
static void clean(char *line, size_t *len)
{
    if (*len > 0 && line[*len - 1] == '\r')
        (*len)--;
    for (size_t i = 0; i < *len; i++)
        if (line[i] == '\t')
            line[i] = ' ';
        else if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '.';
    while (*len > 0 && line[*len - 1] == ' ')
        (*len)--;
    line[*len] = '\0';
}

static bool says_nothing(const char *line)
{
    line += strspn(line, " ");
    return *line == '\0' || *line == '#' || *line == '!';
}

static void take_line(struct session *s, char *line, size_t len)
{
    clean(line, &len);
    s->last_ns = s->cli->router->now(s->cli->router->context).ns;
    session_restart_idle(s);
    if (says_nothing(line)) {
        done(s, true);
    } else if (line[len - 1] == '?') {
        line[len - 1] = '\0';
        run_help(s, line);
    } else {
        run_command(s, line);
    }
}

static void refuse_long_line(struct session *s)
{
    char text[64];
    snprintf(text, sizeof text, "a line is longer than %d bytes", COMMAND_LINE_MAX);
    refuse(s, false, text, text);
}

/* The rest of an overlong line is thrown away as it comes. */
static void skip_line(struct session *s, struct evbuffer *in)
{
    struct evbuffer_ptr end = evbuffer_search(in, "\n", 1, NULL);
    s->skipping = end.pos < 0;
    evbuffer_drain(in, end.pos < 0 ? evbuffer_get_length(in) : (size_t)end.pos + 1);
}

static void read_plain(struct session *s)
{
    struct evbuffer *in = bufferevent_get_input(s->io);
    char line[COMMAND_LINE_MAX + 2]; /* a carriage return and a NUL more */
    if (s->skipping) {
        skip_line(s, in);
        return;
    }
    struct evbuffer_ptr end = evbuffer_search(in, "\n", 1, NULL);
    size_t have = evbuffer_get_length(in);
    if (end.pos < 0 && have <= COMMAND_LINE_MAX && !s->ended)
        return;
    size_t len = end.pos < 0 ? have : (size_t)end.pos;
    if (len > COMMAND_LINE_MAX) {
        refuse_long_line(s);
        skip_line(s, in);
        return;
    }
    evbuffer_remove(in, line, len);
    if (end.pos >= 0)
        evbuffer_drain(in, 1);
    take_line(s, line, len);
}

static void interrupt(struct session *s)
{
    flush(s);
    send_frame(s, FRAME_INTERRUPT, "", 0);
    if (!s->busy)
        return;
    if (s->line.last->run->hears_interrupt) {
        s->job.interrupted = true;
        s->waiting = false;
        return;
    }
    end_job(s);
    done(s, false);
}

/* The head of the next frame if all of it is there; false otherwise. */
static bool frame_ready(const struct session *s, uint8_t *type, uint32_t *len)
{
    struct evbuffer *in = bufferevent_get_input(s->io);
    uint8_t header[FRAME_HEADER];
    if (evbuffer_copyout(in, header, sizeof header) < FRAME_HEADER)
        return false;
    *type = header[0];
    *len = load_be32(header + 1);
    return *len > FRAME_ASK_MAX || evbuffer_get_length(in) >= FRAME_HEADER + *len;
}

static void read_frame(struct session *s)
{
    struct evbuffer *in = bufferevent_get_input(s->io);
    char line[FRAME_ASK_MAX + 2];
    uint8_t type;
    uint32_t len;
    if (!frame_ready(s, &type, &len))
        return;
    if (len > FRAME_ASK_MAX) {
        say_bye(s, "a frame is longer than 4096 bytes");
        return;
    }
    evbuffer_drain(in, FRAME_HEADER);
    evbuffer_remove(in, line, len);
    size_t line_len = len;
    switch (type) {
    case FRAME_COMMAND:
        take_line(s, line, line_len);
        break;
    case FRAME_INTERRUPT:
        interrupt(s);
        break;
    case FRAME_HELP:
    case FRAME_COMPLETE:
        for (size_t i = 0; i < line_len; i++)
            if ((unsigned char)line[i] < 0x20)
                line[i] = ' ';
        line[line_len] = '\0';
        session_restart_idle(s);
        answer_frame(s, type, line);
        break;
    default:
        say_bye(s, "a frame of a type that is not known");
    }
}

static void decide_protocol(struct session *s)
{
    struct evbuffer *in = bufferevent_get_input(s->io);
    char first;
    if (evbuffer_copyout(in, &first, 1) != 1)
        return;
    s->protocol = first == '\0' ? SESSION_FRAMED : SESSION_PLAIN;
    if (s->protocol == SESSION_PLAIN)
        return;
    evbuffer_drain(in, 1);
    send_prompt(s);
}

/* Is there something to read that can be read now? */
static bool input_ready(const struct session *s)
{
    struct evbuffer *in = bufferevent_get_input(s->io);
    size_t have = evbuffer_get_length(in);
    if (have == 0)
        return false;
    if (s->protocol == SESSION_UNDECIDED || s->skipping)
        return true;
    if (s->protocol == SESSION_PLAIN)
        return !s->busy && (s->ended || have > COMMAND_LINE_MAX || evbuffer_search(in, "\n", 1, NULL).pos >= 0);
    uint8_t head;
    uint32_t len;
    return frame_ready(s, &head, &len) && (!s->busy || head == FRAME_INTERRUPT);
}

static void read_input(struct session *s)
{
    if (s->protocol == SESSION_UNDECIDED)
        decide_protocol(s);
    else if (s->protocol == SESSION_PLAIN)
        read_plain(s);
    else
        read_frame(s);
}

/* ---- the session as a whole ---- */

bool session_runnable(const struct session *s)
{
    if (s->gone || s->closing)
        return false;
    if (input_ready(s) && s->protocol == SESSION_FRAMED && s->busy)
        return true;
    if (evbuffer_get_length(bufferevent_get_output(s->io)) >= SESSION_OUTPUT_HIGH)
        return false;
    return s->busy ? !s->waiting : input_ready(s);
}

void session_step(struct session *s)
{
    if (input_ready(s))
        read_input(s);
    else if (s->busy)
        step_job(s);
}

/* A framed client that hangs up does not wait for answers; a plain one may have closed only its sending side. */
bool session_finished(const struct session *s)
{
    if (s->gone)
        return true;
    if (s->ended && s->protocol == SESSION_FRAMED)
        return true;
    bool silent = s->closing || (s->ended && !s->busy && !input_ready(s));
    return silent && evbuffer_get_length(bufferevent_get_output(s->io)) == 0;
}

static void on_data(struct bufferevent *io, void *context)
{
    struct session *s = context;
    (void)io;
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
        say_bye(s, why);
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
    s->number = ++cli->last_number;
    s->since_ns = s->last_ns = cli->router->now(cli->router->context).ns;
    access_peer_read(&s->peer, fd);
    s->io = bufferevent_socket_new(cli->base, fd, BEV_OPT_CLOSE_ON_FREE);
    s->out = evbuffer_new();
    s->idle = event_new(cli->base, -1, 0, on_idle, s);
    if (s->io == NULL || s->out == NULL || s->idle == NULL) {
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
    bufferevent_setwatermark(s->io, EV_READ, 0, INPUT_HIGH);
    bufferevent_setwatermark(s->io, EV_WRITE, SESSION_OUTPUT_HIGH / 2, 0);
    bufferevent_enable(s->io, EV_READ | EV_WRITE);
    session_restart_idle(s);
    return s;
}

void session_free(struct session *s)
{
    if (s->busy)
        end_job(s);
    if (s->io != NULL)
        bufferevent_free(s->io);
    if (s->out != NULL)
        evbuffer_free(s->out);
    if (s->idle != NULL)
        event_free(s->idle);
    for (unsigned i = 0; i < SESSION_HISTORY; i++)
        free(s->history[i]);
    access_peer_exit(&s->peer);
    free(s);
}
