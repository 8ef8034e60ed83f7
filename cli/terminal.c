/* terminal: what a session is told, and how. */
#include "cli/session.h"
#include "cli/tree.h"

static enum step hear(struct job *job)
{
    static const char *const words[] = {"error", "warning", "notice", "info", "debug"};
    enum config_log_level level = CONFIG_LOG_DEBUG;
    const char *said = job->line->n > 2 ? job->line->last->word : "debug";
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], said) == 0)
            level = (enum config_log_level)i;
    job->session->hears_log = true;
    job->session->log_level = level;
    return STEP_DONE;
}

static enum step hear_no_more(struct job *job)
{
    job->session->hears_log = false;
    return STEP_DONE;
}

static const struct command_run run_hear = {.step = hear};
static const struct command_run run_hear_no_more = {.step = hear_no_more};

#define LEVEL(name, text) static const struct command level_##name = {COMMAND_WORD, #name, text, .run = &run_hear}
LEVEL(error, "Only what went wrong");
LEVEL(warning, "And what may be wrong");
LEVEL(notice, "And what is worth knowing");
LEVEL(info, "And what happens");
LEVEL(debug, "All that is logged");
static const struct command *const levels[] = {&level_debug,  &level_error,   &level_info,
                                               &level_notice, &level_warning, NULL};
static const struct command monitor = {COMMAND_WORD, "monitor", "Show lines of the log here as they come",
                                       .next = levels, .run = &run_hear};

static const struct command lines;

/* A plain client has no pages: `terminal length 0`, which scripts say first, is fulfilled already. */
static enum step set_length(struct job *job)
{
    job_page_length(job, (unsigned)job_arg(job, &lines)->number);
    return STEP_DONE;
}

static const struct command_run run_length = {.step = set_length};
static const struct command lines = {COMMAND_NUMBER, "(0-512)",  "Lines of a page; 0 for no pages",
                                     COMMAND_LOOK,   .max = 512, .run = &run_length};
static const struct command *const length_words[] = {&lines, NULL};
static const struct command length = {COMMAND_WORD, "length", "How much is shown at a time", COMMAND_LOOK,
                                      .next = length_words};

static const struct command *const words[] = {&length, &monitor, NULL};
const struct command command_terminal = {COMMAND_WORD, "terminal", "What this session is told", .next = words};

static const struct command no_monitor = {COMMAND_WORD, "monitor", "Show no more lines of the log here",
                                          .run = &run_hear_no_more};
static const struct command *const no_words[] = {&no_monitor, NULL};
const struct command command_no_terminal = {COMMAND_WORD, "terminal", "What this session is told", .next = no_words};
