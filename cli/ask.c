#include "cli/ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void told(struct cli_asker *self, bool good, const char *report)
{
    struct ask *ask = (struct ask *)self;
    ask->told = true;
    ask->good = good;
    ask->report = report[0] == '\0' ? NULL : strdup(report);
    job_wake(ask->job);
}

struct cli_asker *ask_begin(struct ask *ask, struct job *job)
{
    *ask = (struct ask){.asker.done = told, .job = job, .asked = true};
    return &ask->asker;
}

const char *ask_reason(const struct ask *ask)
{
    return ask->report == NULL ? "the configuration was not changed" : ask->report;
}

enum step ask_answer(const struct ask *ask)
{
    if (!ask->good)
        return job_refuse(ask->job, "%s", ask_reason(ask));
    if (ask->report != NULL)
        job_print(ask->job, "%s\n", ask->report);
    return STEP_DONE;
}

void ask_end(struct ask *ask)
{
    if (ask->asked && !ask->told)
        ask->job->router->forget(ask->job->router->context, &ask->asker);
    free(ask->report);
    ask->report = NULL;
}

void ask_log_end(const struct ask *ask, const char *what)
{
    const char *reason = ask_reason(ask);
    if (!ask->told)
        ask_log(ask->job, "%s: its session ended before it was known whether it took effect", what);
    else if (ask->good)
        ask_log(ask->job, "%s", what);
    else
        ask_log(ask->job, "%s: refused: %.*s", what, (int)strcspn(reason, "\n"), reason);
}

void ask_log(const struct job *job, const char *format, ...)
{
    char text[COMMAND_LINE_MAX + 1024];
    struct cli_author author = job_author(job);
    va_list args;
    size_t len =
        (size_t)snprintf(text, sizeof text, "uid %lu, session %u: ", (unsigned long)author.uid, author.session);
    va_start(args, format);
    vsnprintf(text + len, sizeof text - len, format, args);
    va_end(args);
    job->router->notice(job->router->context, text);
}
