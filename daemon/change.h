/* Changing the configuration while everything else goes on: by the file (SIGHUP, the shell), by edits, and back to a
 * past one. Changes are done one after the other. The worker makes the candidate and checks it; the core then applies
 * the difference, the static routes in slices. What is refused changes nothing. What happened, in sentences, is told to
 * whoever asked, and logged. */
#ifndef DAEMON_CHANGE_H
#define DAEMON_CHANGE_H

#include "cli/cli.h"

struct router;
struct changes;

/* Of a router that has its running configuration, which its file was read for. NULL when there is no memory. */
struct changes *changes_new(struct router *router);

/* After the shell: what is under way is left where it is, a change that waits to be confirmed stays until the end.
 * Before the worker ends; and changes_free after that. */
void changes_stop(struct changes *changes);
void changes_free(struct changes *changes);

/* As cli_router's change; ASKER may be NULL. One that may already have read the file does not stand for a later one. */
void changes_ask(struct changes *changes, const struct cli_change *change, struct cli_asker *asker);

/* ASKER is not told any more. */
void changes_forget(struct changes *changes, struct cli_asker *asker);

/* As cli_router's functions of the same names. */
bool changes_unconfirmed(const struct changes *changes, struct cli_unconfirmed *to);
bool changes_confirm(struct changes *changes);
void changes_expire(struct changes *changes); /* the time is over */
bool changes_past(const struct changes *changes, unsigned i, struct cli_past *to);
const struct config *changes_saved(const struct changes *changes);

/* TEXT, which was logged, comes of the change that is being applied, if one is: who asked for that is told. */
void changes_heard(struct changes *changes, enum config_log_level level, const char *text);

/* CONFIG, which is held, is what the file is now. */
void changes_were_saved(struct changes *changes, const struct config *config);

/* A configuration stays as long as somebody holds it, or it is the running one. */
const struct config *config_hold(const struct config *config);
void config_release(struct router *router, const struct config *config);

/* "HH:MM:SS", when it will be (or was) DUE_NS of NOW's clock. */
#define CHANGE_CLOCK 16
const char *change_clock(struct now now, uint64_t due_ns, char to[CHANGE_CLOCK]);

#endif
