#include "cli/job.h"
#include "cli/tree.h"

static const struct command one;

static enum step clear_counters(struct job *job)
{
    const struct command_arg *name = job_arg(job, &one);
    struct cli_link link = {.port = PORT_NONE};
    if (name != NULL && job_link(job, name->text, &link) && link.port == PORT_NONE)
        return job_refuse(job, "%s has no counters yet: there is no device of that name", name->text);
    job->router->refresh_counters(job->router->context);
    dataplane_clear_counters(job->router->dataplane, link.port);
    return STEP_DONE;
}

static const struct command_run run = {.step = clear_counters};
static const struct command one = {COMMAND_IF, "IF", "Those of one interface", .run = &run};
static const struct command *const words[] = {&one, NULL};
const struct command command_clear_counters = {COMMAND_WORD, "counters", "Count from zero", .next = words, .run = &run};
