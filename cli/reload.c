#include <string.h>

#include "cli/job.h"
#include "cli/tree.h"

/* The report's own line end, if it has one, is left to whoever prints it. */
static void chop(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
}

static enum step reload(struct job *job)
{
    char report[8192] = "";
    bool good = job->router->reload(job->router->context, report, sizeof report);
    chop(report);
    if (!good)
        return job_refuse(job, "%s", report[0] != '\0' ? report : "the configuration was not changed");
    if (report[0] != '\0')
        job_print(job, "%s\n", report);
    return STEP_DONE;
}

static const struct command_run run = {.step = reload};
static const struct command configuration = {COMMAND_WORD, "configuration", "Read the file again, apply what differs",
                                             .run = &run};
static const struct command *const words[] = {&configuration, NULL};
const struct command command_reload = {COMMAND_WORD, "reload", "Re-read the configuration", .next = words};
