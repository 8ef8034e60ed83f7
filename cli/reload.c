#include "cli/ask.h"
#include "cli/tree.h"

static enum step reload(struct job *job)
{
    struct ask *ask = job->state;
    if (!ask->asked) {
        struct cli_change change = {.kind = CLI_CHANGE_FILE, .author = job_author(job)};
        job->router->change(job->router->context, &change, ask_begin(ask, job));
    }
    if (!ask->told)
        return STEP_WAIT;
    ask_log_end(ask, "reload configuration");
    return ask_answer(ask);
}

static void end(struct job *job)
{
    struct ask *ask = job->state;
    if (ask->asked && !ask->told)
        ask_log_end(ask, "reload configuration");
    ask_end(ask);
}

static const struct command_run run = {.state_size = sizeof(struct ask), .step = reload, .end = end};
static const struct command configuration = {COMMAND_WORD, "configuration", "Read the file again, apply what differs",
                                             .run = &run};
static const struct command *const words[] = {&configuration, NULL};
const struct command command_reload = {COMMAND_WORD, "reload", "Re-read the configuration", .next = words};
