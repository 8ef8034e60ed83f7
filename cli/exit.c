/* exit, quit and end. Outside of configuration the first two close the session and the last stays where it is. */
#include "cli/session.h"
#include "cli/tree.h"

static enum step leave(struct job *job)
{
    job->session->leaving = true;
    return STEP_DONE;
}

static enum step stay(struct job *job)
{
    (void)job;
    return STEP_DONE;
}

static const struct command_run run_leave = {.step = leave};
static const struct command_run run_stay = {.step = stay};

const struct command command_exit = {COMMAND_WORD, "exit", "Close the session", COMMAND_LOOK, .run = &run_leave};
const struct command command_quit = {COMMAND_WORD, "quit", "Close the session", COMMAND_LOOK, .run = &run_leave};
const struct command command_end = {COMMAND_WORD, "end", "Leave configuration", COMMAND_LOOK, .run = &run_stay};
