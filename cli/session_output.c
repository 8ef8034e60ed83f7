/* What a session says: output in the protocol that it speaks, prompts, refusals, the end. */
#include <stdio.h>
#include <string.h>

#include "cli/session_parts.h"

#define OUTPUT_FRAME (32 * 1024)

void session_send(struct session *s, enum frame_type type, const void *bytes, size_t len)
{
    struct evbuffer *to = bufferevent_get_output(s->io);
    uint8_t header[FRAME_HEADER];
    if (len > FRAME_TEXT_MAX)
        len = FRAME_TEXT_MAX;
    frame_header(header, type, (uint32_t)len);
    evbuffer_add(to, header, sizeof header);
    evbuffer_add(to, bytes, len);
}

/* All of FROM. */
static void send_output(struct session *s, struct evbuffer *from)
{
    struct evbuffer *to = bufferevent_get_output(s->io);
    size_t len;
    while ((len = evbuffer_get_length(from)) > 0) {
        if (len > OUTPUT_FRAME)
            len = OUTPUT_FRAME;
        if (s->protocol == SESSION_FRAMED) {
            uint8_t header[FRAME_HEADER];
            frame_header(header, FRAME_OUTPUT, (uint32_t)len);
            evbuffer_add(to, header, sizeof header);
        }
        evbuffer_remove_buffer(from, to, len);
    }
}

void session_flush(struct session *s)
{
    if (s->filter == NULL) {
        send_output(s, s->out);
        return;
    }
    filter_take(s->filter, s->out, s->filtered);
    send_output(s, s->filtered);
}

bool session_is_behind(const struct session *s)
{
    return s->filter != NULL && filter_is_behind(s->filter);
}

bool session_end_filter(struct session *s, char *why, size_t size)
{
    if (s->filter == NULL)
        return true;
    filter_take(s->filter, s->out, s->filtered);
    bool complete = filter_end(s->filter, s->filtered, why, size);
    send_output(s, s->filtered);
    return complete;
}

static void drop_filter(struct session *s)
{
    filter_free(s->filter);
    s->filter = NULL;
}

void session_prompt(struct session *s)
{
    const struct config *config = s->cli->router->running(s->cli->router->context);
    const char *hostname = config != NULL && config->hostname != NULL ? config->hostname : "ferryd";
    char prompt[300];
    bool all = access_of(&s->cli->access, &s->peer) == ACCESS_ALL;
    bool exec = s->mode->name[0] == '\0';
    int word = (int)strcspn(s->mode->name, "-"); /* "config-if" of a session is "config-s-if" */
    int len = snprintf(prompt, sizeof prompt, "%.255s%s%.*s%s%s%s%s ", hostname, exec ? "" : "(", word, s->mode->name,
                       s->draft != NULL ? "-s" : "", s->mode->name + word, exec ? "" : ")", all ? "#" : ">");
    session_send(s, FRAME_PROMPT, prompt, (size_t)len);
}

/* The end of a command's answer. */
void session_done(struct session *s, bool success)
{
    uint8_t status = success ? 0 : 1;
    session_flush(s);
    drop_filter(s);
    if (s->protocol != SESSION_FRAMED)
        return;
    session_prompt(s);
    session_send(s, FRAME_DONE, &status, 1);
}

void session_refuse(struct session *s, bool json, const char *sentence, const char *text)
{
    drop_filter(s);
    if (json)
        json_document(&s->job.json, json_pack("{s:o}", "error", json_text(sentence)));
    session_flush(s);
    if (s->protocol == SESSION_FRAMED)
        session_send(s, FRAME_REFUSED, text, strlen(text));
    else if (!json)
        evbuffer_add_printf(bufferevent_get_output(s->io), "%% %s\n", text);
    session_done(s, false);
}

void session_bye(struct session *s, const char *why)
{
    session_flush(s);
    if (s->protocol == SESSION_FRAMED)
        session_send(s, FRAME_BYE, why, strlen(why));
    else if (why[0] != '\0')
        evbuffer_add_printf(bufferevent_get_output(s->io), "%% %s\n", why);
    s->closing = true;
}
