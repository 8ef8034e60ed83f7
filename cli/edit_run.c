/* A command of configuration mode: what it says is done to the session's draft, or, without one, to the running
 * configuration, at once and whole or not at all. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/configure.h"
#include "cli/draft.h"
#include "cli/session.h"

/* What is understood by a mode above does not concern what this mode is about. */
static const char *subject_of(const struct job *job)
{
    const struct command *const *own = job_mode(job)->root;
    for (; *own != NULL; own++)
        if (*own == job->line->args[0].command)
            return job_subject(job);
    return "";
}

__attribute__((format(printf, 4, 5))) static size_t add(char *to, size_t size, size_t len, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(to + len, size - len, format, args);
    va_end(args);
    return n < 0 ? len : len + (size_t)n < size ? len + (size_t)n : size - 1;
}

const char *edit_text(const struct command_line *line, const char *subject, char *to, size_t size)
{
    size_t len = subject[0] == '\0' ? 0 : add(to, size, 0, "interface %s: ", subject);
    for (unsigned i = 0; i < line->n; i++) {
        const struct command *c = line->args[i].command;
        len = add(to, size, len, "%s%s", i == 0 ? "" : " ", c->kind == COMMAND_WORD ? c->word : line->args[i].text);
    }
    return to;
}

static void log_edit(const struct job *job)
{
    char text[COMMAND_LINE_MAX + 64];
    ask_log_end(job->state, edit_text(job->line, subject_of(job), text, sizeof text));
}

/* What it does is logged when it is committed. */
static enum step edit_draft(struct job *job)
{
    char why[512];
    struct draft *draft = job->session->draft;
    enum step step = draft_prepare(draft);
    if (step == STEP_REFUSED)
        return job_refuse(job, "the system gave no memory for a draft");
    if (step == STEP_MORE)
        return STEP_MORE;
    if (draft_add(draft, job->line, subject_of(job), why, sizeof why))
        return STEP_DONE;
    return job_refuse(job, "%s", why);
}

enum step edit_step(struct job *job)
{
    struct ask *ask = job->state;
    if (job->session->draft != NULL)
        return edit_draft(job);
    if (!ask->asked) {
        struct edit *edit = edit_new(job->line, subject_of(job));
        if (edit == NULL)
            return job_refuse(job, "the system gave no memory");
        struct cli_change change = {.kind = CLI_CHANGE_EDITS, .edits = edit, .author = job_author(job)};
        job->router->change(job->router->context, &change, ask_begin(ask, job));
    }
    if (!ask->told)
        return STEP_WAIT; /* an interrupt too: what was asked for can not be taken back */
    log_edit(job);
    return ask_answer(ask);
}

void edit_end(struct job *job)
{
    struct ask *ask = job->state;
    if (ask->asked && !ask->told)
        log_edit(job);
    ask_end(ask);
}

const struct command_run edit_run = {
    .state_size = sizeof(struct ask), .step = edit_step, .end = edit_end, .hears_interrupt = true};
