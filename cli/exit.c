/* exit, quit and end: exit leaves one mode for the one above it, and the session from exec; end goes back to exec. None
 * of them loses a draft. */
#include "cli/draft.h"
#include "cli/session.h"
#include "cli/tree.h"

static enum step leave(struct job *job)
{
    const struct mode *parent = job_mode(job)->parent;
    if ((parent == NULL || parent->parent == NULL) && draft_leave(job) == STEP_REFUSED)
        return STEP_REFUSED;
    if (parent != NULL)
        job_enter(job, parent, "");
    else
        job->session->leaving = true;
    return STEP_DONE;
}

static enum step go_to_exec(struct job *job)
{
    if (draft_leave(job) == STEP_REFUSED)
        return STEP_REFUSED;
    job_enter(job, &mode_exec, "");
    return STEP_DONE;
}

static const struct command_run run_leave = {.step = leave};
static const struct command_run run_end = {.step = go_to_exec};

const struct command command_exit = {COMMAND_WORD, "exit", "Leave the mode, or from exec the session", COMMAND_LOOK,
                                     .run = &run_leave};
const struct command command_quit = {COMMAND_WORD, "quit", "As exit", COMMAND_LOOK, .run = &run_leave};
const struct command command_end = {COMMAND_WORD, "end", "Leave configuration", COMMAND_LOOK, .run = &run_end};
