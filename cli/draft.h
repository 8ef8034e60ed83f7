/* The draft of a session: what `configure session` changes until `commit`. It dies with its session. */
#ifndef CLI_DRAFT_H
#define CLI_DRAFT_H

#include "cli/job.h"

#define DRAFT_EDITS_MAX 5000 /* some 25 MB */

struct draft {
    const struct cli_router *router;
    const struct config *base; /* what was running when it began; held */
    struct config *config;     /* base with the edits; NULL before the first */
    struct config_copier copier;
    struct edit *edits, *last;
    unsigned n;
};

/* NULL when there is no memory. */
struct draft *draft_new(const struct cli_router *router);
void draft_free(struct draft *draft);

/* Begins again from what is running now. */
void draft_restart(struct draft *draft);

/* What it is now. */
const struct config *draft_config(const struct draft *draft);

/* Before the first edit, to be called until it says STEP_DONE; STEP_REFUSED: there is no memory. */
enum step draft_prepare(struct draft *draft);

/* Does LINE to it. False, with a sentence in WHY, if that can not be done; it is then as before. */
bool draft_add(struct draft *draft, const struct command_line *line, const char *subject, char *why, size_t why_size);

/* The session gives its draft up. STEP_REFUSED if that would lose changes; STEP_DONE, if it has none too. */
enum step draft_leave(struct job *job);

#endif
