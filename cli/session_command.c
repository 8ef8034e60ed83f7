/* A line that came in becomes a command, and that a job, which runs in steps; help and completion of lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/draft.h"
#include "cli/session_parts.h"
#include "cli/values.h"

/* ---- commands ---- */

/* Of the draft, where there is one: what it has made can be named. */
static const char *interface_name(const void *context, unsigned i)
{
    const struct session *s = context;
    const struct cli_router *router = s->cli->router;
    struct cli_link link;
    if (s->draft == NULL)
        return router->link(router->context, i, &link) ? link.name : NULL;
    const struct config *config = draft_config(s->draft);
    return i < config->n_interfaces ? config->interfaces[i].name : NULL;
}

static void offer_values(const void *context, const struct command *argument, const char *word, struct command_list *to)
{
    const struct session *s = context;
    values_offer(s->cli->router, argument, word, to);
}

static struct command_world world_of(const struct session *s)
{
    return (struct command_world){.context = s, .interface = interface_name, .values = offer_values};
}

void session_end_job(struct session *s)
{
    const struct command_run *run = s->line.last->run;
    if (run->end != NULL)
        run->end(&s->job);
    free(s->job.state);
    free(s->job.refusal);
    s->job.state = NULL;
    s->job.refusal = NULL;
    s->busy = s->waiting = s->over = false;
}

static void succeed(struct session *s)
{
    bool success = !s->job.failed;
    char why[160];
    session_end_job(s);
    if (!session_end_filter(s, why, sizeof why))
        session_refuse(s, false, why, why);
    else if (s->leaving)
        session_bye(s, ""); /* in place of the end of the answer: no prompt will follow */
    else
        session_done(s, success);
}

static void fail(struct session *s)
{
    char *refusal = s->job.refusal;
    s->job.refusal = NULL;
    session_end_job(s);
    const char *text = refusal != NULL ? refusal : "the system gave no memory";
    session_refuse(s, s->line.json, text, text);
    free(refusal);
}

/* A command whose filter is behind has to wait for it, with its end too. */
void session_step_job(struct session *s)
{
    if (!s->over && !session_is_behind(s)) {
        s->step = s->line.last->run->step(&s->job);
        s->job.steps++;
        s->waiting = s->step == STEP_WAIT;
        s->over = s->step == STEP_DONE || s->step == STEP_REFUSED;
    }
    session_flush(s);
    if (!s->over || session_is_behind(s))
        return;
    if (s->step == STEP_DONE)
        succeed(s);
    else
        fail(s);
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
        session_refuse(s, s->line.json, "the system gave no memory", "the system gave no memory");
        return;
    }
    s->busy = true;
    s->waiting = s->over = false;
    if (run->hears_interrupt && s->protocol == SESSION_FRAMED)
        session_send(s, FRAME_STREAM, "", 0);
}

static void remember(struct session *s, const char *line)
{
    char **place = &s->history[s->history_n % SESSION_HISTORY];
    free(*place);
    *place = strdup(line);
    if (*place != NULL)
        s->history_n++;
}

/* Reads LINE in the session's mode, and if it is none of its commands as one of the modes above. What is said of a bad
 * line is of the mode that understood most of it. */
static bool match(struct session *s, const struct command_world *world, const char *line, struct command_error *error)
{
    if (command_match(s->mode->root, world, line, &s->line, error))
        return true;
    for (const struct mode *mode = s->mode->parent; mode != NULL && mode->parent != NULL; mode = mode->parent) {
        struct command_error other;
        if (command_match(mode->root, world, line, &s->line, &other))
            return true;
        if (other.column > error->column)
            *error = other;
    }
    return false;
}

/* The same of a line that may end in filters. The last argument of some commands is the rest of the line, pipes and
 * all. */
static bool match_filtered(struct session *s, const struct command_world *world, const char *line,
                           struct command_error *error)
{
    const char *pipe = filter_find(line);
    if (pipe == NULL)
        return match(s, world, line, error);
    char command[COMMAND_LINE_MAX + 1];
    snprintf(command, sizeof command, "%.*s", (int)(pipe - line), line);
    if (!match(s, world, command, error))
        return false;
    if (s->line.args[s->line.n - 1].command->kind == COMMAND_REST)
        return match(s, world, line, error);
    s->filter = filter_new(pipe, error->text, sizeof error->text);
    error->column = (unsigned)(pipe - line);
    return s->filter != NULL;
}

void session_run(struct session *s, const char *line)
{
    struct command_world world = world_of(s);
    struct command_error error;
    char text[1024];
    remember(s, line);
    if (!match_filtered(s, &world, line, &error)) {
        session_refuse(s, s->line.json, error.text, command_error_text(&error, line, text, sizeof text));
        return;
    }
    enum access_level needs = (s->line.last->flags & COMMAND_LOOK) != 0 ? ACCESS_LOOK : ACCESS_ALL;
    if (access_of(&s->cli->access, &s->peer) < needs) {
        access_refusal(&s->cli->access, &s->peer, needs, text, sizeof text);
        session_refuse(s, s->line.json, text, text);
        return;
    }
    if (s->line.last->refusal != NULL) {
        session_refuse(s, s->line.json, s->line.last->refusal, s->line.last->refusal);
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
    const char *pipe = filter_find(line);
    if (pipe != NULL) {
        filter_offer(pipe, &answer.list);
        return true;
    }
    if (command_help(s->mode->root, &world, line, &answer.list, error))
        return true;
    for (const struct mode *mode = s->mode->parent; mode != NULL && mode->parent != NULL; mode = mode->parent) {
        struct command_error other;
        if (command_help(mode->root, &world, line, &answer.list, &other))
            return true;
    }
    return false;
}

/* A line that ends with a question mark: for those without a key for it. */
void session_help(struct session *s, const char *line)
{
    struct command_error error;
    char text[1024];
    if (make_help(s, line, &error))
        session_done(s, true);
    else
        session_refuse(s, false, error.text, command_error_text(&error, line, text, sizeof text));
}

void session_answer(struct session *s, enum frame_type type, const char *line)
{
    session_flush(s);
    if (type == FRAME_HELP) {
        struct command_error error;
        if (!make_help(s, line, &error))
            evbuffer_add_printf(s->out, "%% %s\n", error.text);
    } else {
        struct command_world world = world_of(s);
        struct answer answer = {.list.add = add_answer, .to = s->out, .words_only = true};
        const char *pipe = filter_find(line);
        if (pipe != NULL)
            filter_offer(pipe, &answer.list);
        for (const struct mode *mode = s->mode; pipe == NULL && mode != NULL; mode = mode->parent) {
            command_complete(mode->root, &world, line, &answer.list);
            if (evbuffer_get_length(s->out) > 0 || mode->parent == NULL || mode->parent->parent == NULL)
                break;
        }
    }
    size_t len = evbuffer_get_length(s->out);
    const unsigned char *bytes = evbuffer_pullup(s->out, -1);
    session_send(s, type, bytes, len);
    evbuffer_drain(s->out, len);
}
