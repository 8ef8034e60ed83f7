/* terminal: what a session wants of the program that shows its answers. */
#include <inttypes.h>

#include "cli/job.h"
#include "cli/tree.h"

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

static const struct command *const words[] = {&length, &command_terminal_monitor, NULL};
const struct command command_terminal = {COMMAND_WORD, "terminal", "What this session is shown", COMMAND_LOOK,
                                         .next = words};
