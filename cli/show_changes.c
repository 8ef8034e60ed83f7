/* show changes: what a session's draft changes, or else what the file does not have yet. show rollback: the past
 * configurations, and what going back to one would change. All of it may hold keys, so looking takes the right to
 * change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_diff.h"
#include "cli/draft.h"
#include "cli/job.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/tree.h"

#define ENTRIES_A_STEP 256 /* looked at; well below a millisecond */

/* ---- a difference, step by step ---- */

struct difference {
    struct config_diff diff; /* first: it tells what it found */
    struct job *job;
    const struct config *before, *after;
    const struct config *held; /* of the two, the running one */
    unsigned past;             /* AFTER is this one of the past configurations; 0: it is none */
    bool saved;                /* BEFORE is what the file was */
    bool any, failed;
    struct config_differ *differ;
};

static bool print_difference(const struct config_difference *found, char **text)
{
    size_t len;
    FILE *to = open_memstream(text, &len);
    if (to == NULL)
        return false;
    config_difference_print(found, to);
    bool good = !ferror(to);
    return fclose(to) == 0 && good;
}

static bool differs(struct config_diff *self, const struct config_difference *found)
{
    struct difference *d = (struct difference *)self;
    char *text = NULL;
    d->any = true;
    if (d->job->line->json)
        json_member(&d->job->json, NULL,
                    json_pack("{s:o, s:o, s:o}", "path", json_text(found->path), "before",
                              found->before == NULL ? json_null() : json_text(found->before), "after",
                              found->after == NULL ? json_null() : json_text(found->after)));
    else if (print_difference(found, &text))
        job_print(d->job, "%s", text);
    else
        d->failed = true;
    free(text);
    return !d->failed;
}

/* The running configuration is held, a draft is the session's; the others may go between two steps. */
static bool still_there(const struct difference *d)
{
    const struct cli_router *router = d->job->router;
    struct cli_past past;
    if (d->saved)
        return router->saved(router->context) == d->before;
    for (unsigned i = d->past; i > 0 && i <= CLI_PAST && router->past(router->context, i, &past); i++)
        if (past.config == d->after)
            return true;
    return d->past == 0;
}

static enum step begin_difference(struct difference *d)
{
    d->differ = config_differ_new(d->before, d->after);
    if (d->differ == NULL)
        return job_refuse(d->job, "the system gave no memory");
    d->diff.differs = differs;
    if (d->job->line->json) {
        json_begin_object(&d->job->json, NULL);
        json_begin_array(&d->job->json, "changes");
    }
    return STEP_MORE;
}

static enum step end_difference(struct difference *d, const char *none)
{
    if (d->job->line->json) {
        json_end(&d->job->json);
        json_end(&d->job->json);
    } else if (!d->any && !d->failed) {
        job_print(d->job, "%s\n", none);
    }
    d->job->failed = d->failed; /* what has been said can not be taken back */
    return STEP_DONE;
}

static enum step go_on(struct difference *d, const char *none)
{
    enum config_differ_step step = CONFIG_DIFFER_FAILED;
    if (still_there(d))
        step = config_differ_some(d->differ, ENTRIES_A_STEP, &d->diff);
    if (step == CONFIG_DIFFER_MORE && !d->failed)
        return STEP_MORE;
    d->failed = d->failed || step == CONFIG_DIFFER_FAILED;
    return end_difference(d, none);
}

static void end_job(struct job *job)
{
    struct difference *d = job->state;
    if (d->differ != NULL)
        config_differ_free(d->differ);
    if (d->held != NULL)
        job->router->release(job->router->context, d->held);
}

/* ---- show changes ---- */

static enum step begin_changes(struct job *job, struct difference *d)
{
    const struct cli_router *router = job->router;
    const struct draft *draft = job->session->draft;
    d->job = job;
    if (draft != NULL) {
        d->before = draft->base;
        d->after = draft_config(draft);
        if (!job->line->json && draft->base != router->running(router->context))
            job_print(job, "the running configuration was changed by others since this session began\n");
        return begin_difference(d);
    }
    d->saved = true;
    d->before = router->saved(router->context);
    if (d->before == NULL)
        return job_refuse(job, "%s was never read: there is nothing to compare with", router->config_path);
    d->after = d->held = router->hold(router->context);
    return begin_difference(d);
}

static enum step show_changes(struct job *job)
{
    struct difference *d = job->state;
    if (d->differ == NULL)
        return begin_changes(job, d);
    return go_on(d, job->session->draft != NULL ? "nothing was changed in this session"
                                                : "the file has all that is running");
}

static const struct command_run run_changes = {
    .state_size = sizeof(struct difference), .step = show_changes, .end = end_job};
const struct command command_show_changes = {COMMAND_WORD, "changes", "What is not committed, or not saved",
                                             COMMAND_JSON, .run = &run_changes};

/* ---- show rollback N ---- */

static const struct command rollback_number;

static enum step show_rollback_of(struct job *job)
{
    struct difference *d = job->state;
    struct cli_past past;
    if (d->differ != NULL)
        return go_on(d, "it is as what is running");
    d->job = job;
    d->past = (unsigned)job_arg(job, &rollback_number)->number;
    if (!job->router->past(job->router->context, d->past, &past))
        return job_refuse(job, "there is no past configuration %u: show rollback lists them", d->past);
    d->before = d->held = job->router->hold(job->router->context);
    d->after = past.config;
    return begin_difference(d);
}

/* ---- show rollback ---- */

static const char *how(enum cli_change_kind kind)
{
    return kind == CLI_CHANGE_FILE ? "file" : kind == CLI_CHANGE_BACK ? "rollback" : "commands";
}

#define AUTHOR_TEXT 48

static const char *by(const struct cli_author *author, char to[AUTHOR_TEXT])
{
    if (author->session == 0)
        snprintf(to, AUTHOR_TEXT, "the daemon");
    else
        snprintf(to, AUTHOR_TEXT, "uid %lu, session %u", (unsigned long)author->uid, author->session);
    return to;
}

static json_t *unconfirmed_json(const struct job *job)
{
    struct cli_unconfirmed waiting;
    uint64_t now_ns = job_now(job).ns;
    if (!job->router->unconfirmed(job->router->context, &waiting))
        return json_null();
    return json_pack("{s:I, s:i, s:o}", "uid", (json_int_t)waiting.author.uid, "session", (int)waiting.author.session,
                     "seconds", json_count(waiting.due_ns > now_ns ? (waiting.due_ns - now_ns) / NS_PER_S : 0));
}

static void list_json(struct job *job)
{
    struct cli_past past;
    char until[TEXT_SHORT];
    json_begin_object(&job->json, NULL);
    json_begin_array(&job->json, "rollbacks");
    for (unsigned i = 1; i <= CLI_PAST && job->router->past(job->router->context, i, &past); i++)
        json_member(&job->json, NULL,
                    json_pack("{s:i, s:s, s:I, s:i, s:s}", "number", (int)i, "until",
                              text_clock(past.until_wall_ms, until), "uid", (json_int_t)past.author.uid, "session",
                              (int)past.author.session, "how", how(past.kind)));
    json_end(&job->json);
    json_member(&job->json, "unconfirmed", unconfirmed_json(job));
    json_end(&job->json);
}

static void list_text(struct job *job)
{
    static const struct text_column columns[] = {
        {"No.", 3, true}, {"Was running until", 19, false}, {"Changed by", 22, false}, {"How", 8, false}};
    struct cli_past past;
    char row[TEXT_ROW], number[TEXT_SHORT], until[TEXT_SHORT], who[AUTHOR_TEXT];
    unsigned i = 1;
    job_tell_unconfirmed(job);
    for (; i <= CLI_PAST && job->router->past(job->router->context, i, &past); i++) {
        snprintf(number, sizeof number, "%u", i);
        const char *cells[] = {number, text_clock(past.until_wall_ms, until), by(&past.author, who), how(past.kind)};
        if (i == 1)
            job_print(job, "%s", text_row(columns, 4, NULL, row));
        job_print(job, "%s", text_row(columns, 4, cells, row));
    }
    if (i == 1)
        job_print(job, "there is no past configuration yet\n");
}

static enum step show_rollback(struct job *job)
{
    if (job->line->json)
        list_json(job);
    else
        list_text(job);
    return STEP_DONE;
}

static const struct command_run run_rollback_of = {
    .state_size = sizeof(struct difference), .step = show_rollback_of, .end = end_job};
static const struct command_run run_rollback = {.step = show_rollback};
static const struct command rollback_number = {COMMAND_NUMBER,         "(1-10)", "What going back to it would change",
                                               COMMAND_JSON,           .min = 1, .max = CLI_PAST,
                                               .run = &run_rollback_of};
static const struct command *const rollback_words[] = {&rollback_number, NULL};
const struct command command_show_rollback = {
    COMMAND_WORD, "rollback", "Past configurations", COMMAND_JSON, .next = rollback_words, .run = &run_rollback};
