/* show logging: where the log goes, and its last lines. */
#include "cli/job.h"
#include "cli/tree.h"

static const char *const level_name[] = {"error", "warning", "notice", "info", "debug"};

struct showing {
    uint64_t next;
};

static void head(struct job *job)
{
    const struct config *config = job->router->running(job->router->context);
    const char *level = level_name[config->log_level];
    bool syslog = config->log_destination == CONFIG_LOG_SYSLOG;
    if (job->line->json) {
        json_begin_object(&job->json, NULL);
        json_member(&job->json, "destination", json_string(syslog ? "syslog" : "stderr"));
        json_member(&job->json, "level", json_string(level));
        json_begin_array(&job->json, "lines");
    } else {
        job_print(job, "the log goes to %s, down to level %s%s\n", syslog ? "syslog" : "stderr", level,
                  syslog ? " (journalctl -t ferryd)"
                         : ", where whoever started the daemon keeps it (journalctl -u ferryd under systemd)");
    }
}

/* Lines that come meanwhile are shown as well, and those that have gone by then are not. */
static enum step show(struct job *job)
{
    struct showing *showing = job->state;
    const struct log_lines *log = job->router->log;
    if (job_first(job))
        head(job);
    if (log->n > LOG_LINES && showing->next < log->n - LOG_LINES)
        showing->next = log->n - LOG_LINES;
    for (unsigned rows = 0; rows < JOB_ROWS && showing->next < log->n; rows++) {
        const char *text = log->line[showing->next++ % LOG_LINES].text;
        if (job->line->json)
            json_member(&job->json, NULL, json_text(text));
        else
            job_print(job, "%s\n", text);
    }
    if (showing->next < log->n)
        return STEP_MORE;
    if (job->line->json) {
        json_end(&job->json);
        json_end(&job->json);
    }
    return STEP_DONE;
}

static const struct command_run run = {.state_size = sizeof(struct showing), .step = show};
const struct command command_show_logging = {COMMAND_WORD, "logging", "Where the log goes, and its last lines",
                                             COMMAND_SHOW, .run = &run};
