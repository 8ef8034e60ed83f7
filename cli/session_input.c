/* What a session hears: lines or frames, cut out of what has come. */
#include <stdio.h>
#include <string.h>

#include "cli/session_parts.h"

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
        session_done(s, true);
    } else if (line[len - 1] == '?') {
        line[len - 1] = '\0';
        session_help(s, line);
    } else {
        session_run(s, line);
    }
}

static void refuse_long_line(struct session *s)
{
    char text[64];
    snprintf(text, sizeof text, "a line is longer than %d bytes", COMMAND_LINE_MAX);
    session_refuse(s, false, text, text);
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
    session_flush(s);
    session_send(s, FRAME_INTERRUPT, "", 0);
    if (!s->busy)
        return;
    if (s->line.last->run->hears_interrupt) {
        s->job.interrupted = true;
        s->waiting = false;
        return;
    }
    session_end_job(s);
    session_done(s, false);
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
        session_bye(s, "a frame is longer than 4096 bytes");
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
        session_answer(s, type, line);
        break;
    default:
        session_bye(s, "a frame of a type that is not known");
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
    session_prompt(s);
}

/* Is there something to read that can be read now? */
bool session_has_input(const struct session *s)
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

void session_read(struct session *s)
{
    if (s->protocol == SESSION_UNDECIDED)
        decide_protocol(s);
    else if (s->protocol == SESSION_PLAIN)
        read_plain(s);
    else
        read_frame(s);
}
