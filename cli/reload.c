#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/tree.h"

struct waiting {
    struct cli_asker asker; /* first: the asker is the state */
    struct job *job;
    bool asked, told, good;
    char *report;
};

static void told(struct cli_asker *self, bool good, const char *report)
{
    struct waiting *w = (struct waiting *)self;
    w->told = true;
    w->good = good;
    w->report = strdup(report);
    job_wake(w->job);
}

static enum step reload(struct job *job)
{
    struct waiting *w = job->state;
    if (!w->asked) {
        *w = (struct waiting){.asker.done = told, .job = job, .asked = true};
        struct cli_change change = {.kind = CLI_CHANGE_FILE, .author = job_author(job)};
        job->router->change(job->router->context, &change, &w->asker);
    }
    if (!w->told)
        return STEP_WAIT;
    bool silent = w->report == NULL || w->report[0] == '\0';
    if (!w->good)
        return job_refuse(job, "%s", silent ? "the configuration was not changed" : w->report);
    if (!silent)
        job_print(job, "%s\n", w->report);
    return STEP_DONE;
}

/* A reload goes on without who asked for it. */
static void end(struct job *job)
{
    struct waiting *w = job->state;
    if (w->asked && !w->told)
        job->router->forget(job->router->context, &w->asker);
    free(w->report);
}

static const struct command_run run = {.state_size = sizeof(struct waiting), .step = reload, .end = end};
static const struct command configuration = {COMMAND_WORD, "configuration", "Read the file again, apply what differs",
                                             .run = &run};
static const struct command *const words[] = {&configuration, NULL};
const struct command command_reload = {COMMAND_WORD, "reload", "Re-read the configuration", .next = words};
