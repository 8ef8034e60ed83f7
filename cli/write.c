/* write and copy: the running configuration into its file, or into another. */
#include <string.h>

#include "cli/ask.h"
#include "cli/tree.h"

static const struct command to_file, force;

static enum step save(struct job *job)
{
    struct ask *ask = job->state;
    const struct command_arg *file = job_arg(job, &to_file);
    const char *path = file == NULL ? NULL : file->text;
    if (!ask->asked) {
        if (path != NULL && path[0] != '/')
            return job_refuse(job,
                              "\"%s\" does not begin with '/': the daemon's folder is not yours, so a file is "
                              "named from the root",
                              path);
        job->router->save(job->router->context, path, job_arg(job, &force) != NULL, ask_begin(ask, job));
    }
    if (!ask->told)
        return STEP_WAIT;
    const char *to = path != NULL ? path : job->router->config_path, *reason = ask_reason(ask);
    if (ask->good)
        ask_log(job, "the configuration was saved to %s", to);
    else
        ask_log(job, "the configuration was not saved to %s: %.*s", to, (int)strcspn(reason, "\n"), reason);
    if (!ask->good && ask->report == NULL)
        return job_refuse(job, "%s was not written", to);
    return ask_answer(ask);
}

static void end(struct job *job)
{
    ask_end(job->state);
}

static const struct command_run run = {
    .state_size = sizeof(struct ask), .step = save, .end = end, .hears_interrupt = true};

static const struct command force = {COMMAND_WORD, "force", "Even if somebody else changed the file", .run = &run};
static const struct command *const memory_words[] = {&force, NULL};
static const struct command memory = {COMMAND_WORD, "memory", "Into the configuration file", .next = memory_words,
                                      .run = &run};
static const struct command *const write_words[] = {&memory, NULL};
const struct command command_write = {COMMAND_WORD, "write", "Save the running configuration", .next = write_words,
                                      .run = &run};

static const struct command to_startup = {COMMAND_WORD, "startup-config", "The configuration file", .run = &run};
static const struct command to_file = {COMMAND_ANY, "FILE", "A file, named from the root", .run = &run};
static const struct command *const copy_to[] = {&to_startup, &to_file, NULL};
static const struct command copy_running = {COMMAND_WORD, "running-config", "The configuration in use",
                                            .next = copy_to};
static const struct command *const copy_words[] = {&copy_running, NULL};
const struct command command_copy = {COMMAND_WORD, "copy", "Write the configuration to a file", .next = copy_words};
