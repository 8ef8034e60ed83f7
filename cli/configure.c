/* configure: into configuration mode; commit and abort: out of the draft of a session. */
#include <stdio.h>
#include <string.h>

#include "cli/configure.h"
#include "cli/draft.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/tree.h"

/* ---- configure ---- */

static enum step enter(struct job *job, bool session)
{
    if (draft_leave(job) == STEP_REFUSED)
        return STEP_REFUSED;
    if (session && (job->session->draft = draft_new(job->router)) == NULL)
        return job_refuse(job, "the system gave no memory");
    job_tell_unconfirmed(job); /* who begins to change things shall know */
    job_enter(job, &mode_config, "");
    return STEP_DONE;
}

static enum step enter_terminal(struct job *job)
{
    return enter(job, false);
}

static enum step enter_session(struct job *job)
{
    return enter(job, true);
}

static const struct command_run run_terminal = {.step = enter_terminal};
static const struct command_run run_session = {.step = enter_session};
static const struct command terminal = {COMMAND_WORD, "terminal", "Each command takes effect at once",
                                        .run = &run_terminal};
static const struct command session = {COMMAND_WORD, "session", "Nothing takes effect before commit",
                                       .run = &run_session};
static const struct command *const words[] = {&terminal, &session, NULL};
const struct command command_configure = {COMMAND_WORD, "configure", "Change the configuration", .next = words,
                                          .run = &run_terminal};

/* ---- commit ---- */

struct commit {
    struct ask ask;            /* first: edit_run.c's and this one's end are the same */
    const struct edit *logged; /* the next edit to be logged, once it took effect */
    bool logging;
};

static const struct command confirmed_minutes;

static enum step confirm(struct job *job)
{
    struct cli_author author = job_author(job);
    const struct draft *draft = job->session->draft;
    char text[TEXT_SHORT];
    if (job->router->confirm(job->router->context, &author)) {
        ask_log(job, "commit: the change that waited is confirmed");
        job_print(job, "the change is confirmed\n");
        if (draft != NULL && draft->n > 0)
            job_print(job, "%s still to be committed\n", text_count(draft->n, "change is", "changes are", text));
        return STEP_DONE;
    }
    if (draft != NULL)
        return job_refuse(job, "nothing was changed in this session: there is nothing to commit");
    return job_refuse(job, "there is nothing to commit: no change waits to be confirmed (configure session begins a "
                           "draft, which commit applies)");
}

static enum step begin_commit(struct job *job, int64_t minutes)
{
    struct commit *c = job->state;
    const struct draft *draft = job->session->draft;
    struct cli_change change = {.kind = CLI_CHANGE_EDITS,
                                .edits = edit_copy(draft->edits),
                                .base = draft->base,
                                .confirm_minutes = (unsigned)minutes,
                                .author = job_author(job)};
    if (change.edits == NULL)
        return job_refuse(job, "the system gave no memory");
    job->router->change(job->router->context, &change, ask_begin(&c->ask, job));
    return STEP_WAIT;
}

/* Some of the edits that took effect. True when all are logged. */
static bool log_edits(struct job *job)
{
    struct commit *c = job->state;
    char text[COMMAND_LINE_MAX + 64];
    for (unsigned i = 0; i < JOB_ROWS && c->logged != NULL; i++, c->logged = c->logged->next)
        ask_log(job, "%s", edit_text(&c->logged->line, c->logged->subject, text, sizeof text));
    return c->logged == NULL;
}

static void tell_deadline(struct job *job, int64_t minutes)
{
    char when[TEXT_SHORT];
    job_print(job, "it is undone in %lld minute%s, at %s, unless somebody commits before\n", (long long)minutes,
              minutes == 1 ? "" : "s", text_clock(job_now(job).wall_ms + (uint64_t)minutes * 60000, when));
}

static enum step finish_commit(struct job *job, int64_t minutes)
{
    struct commit *c = job->state;
    struct draft *draft = job->session->draft;
    if (!c->ask.good) {
        ask_log_end(&c->ask, "commit");
        return ask_answer(&c->ask);
    }
    if (!c->logging) {
        c->logging = true;
        c->logged = draft->edits;
        ask_log(job, "commit%s of %u change%s:", minutes > 0 ? " confirmed" : "", draft->n, draft->n == 1 ? "" : "s");
    }
    if (!log_edits(job))
        return STEP_MORE;
    draft_restart(draft);
    ask_answer(&c->ask);
    if (minutes > 0)
        tell_deadline(job, minutes);
    return STEP_DONE;
}

static enum step commit(struct job *job)
{
    struct commit *c = job->state;
    const struct draft *draft = job->session->draft;
    const struct command_arg *said = job_arg(job, &confirmed_minutes);
    int64_t minutes = said == NULL ? 0 : said->number;
    if (draft == NULL && minutes > 0)
        return job_refuse(job, "there is no draft to commit: configure session begins one");
    struct cli_unconfirmed waiting;
    bool confirms = !c->ask.asked && minutes == 0 && job->router->unconfirmed(job->router->context, &waiting);
    if (draft == NULL || draft->n == 0 || confirms)
        return confirm(job); /* what waits comes first: nothing can follow it */
    if (!c->ask.asked) {
        enum step step = begin_commit(job, minutes);
        if (step != STEP_WAIT)
            return step;
    }
    return c->ask.told ? finish_commit(job, minutes) : STEP_WAIT;
}

static void end_commit(struct job *job)
{
    struct commit *c = job->state;
    if (c->ask.asked && !c->ask.told)
        ask_log_end(&c->ask, "commit");
    ask_end(&c->ask);
}

static const struct command_run run_commit = {
    .state_size = sizeof(struct commit), .step = commit, .end = end_commit, .hears_interrupt = true};
static const struct command confirmed_minutes = {COMMAND_NUMBER, "(1-120)",  "Minutes",
                                                 .min = 1,       .max = 120, .run = &run_commit};
static const struct command *const confirmed_words[] = {&confirmed_minutes, NULL};
static const struct command confirmed = {COMMAND_WORD, "confirmed", "Undo it unless it is committed again in time",
                                         .next = confirmed_words};
static const struct command *const commit_words[] = {&confirmed, NULL};
const struct command command_commit = {COMMAND_WORD, "commit", "Apply the session's draft, or confirm a change",
                                       .next = commit_words, .run = &run_commit};

/* ---- abort ---- */

static enum step abort_draft(struct job *job)
{
    struct session *s = job->session;
    char text[TEXT_SHORT];
    if (s->draft == NULL)
        return job_refuse(job,
                          "there is no draft to abort: each command took effect at once (no undoes one, rollback 1 "
                          "goes back)");
    if (s->draft->n > 0)
        job_print(job, "%s dropped\n", text_count(s->draft->n, "change is", "changes are", text));
    draft_free(s->draft);
    s->draft = NULL;
    job_enter(job, &mode_exec, "");
    return STEP_DONE;
}

static const struct command_run run_abort = {.step = abort_draft};
const struct command command_abort = {COMMAND_WORD, "abort", "Drop the session's draft", .run = &run_abort};

/* ---- do ---- */

const struct command command_do = {COMMAND_WORD, "do", "A command of exec mode", .next = command_exec};
