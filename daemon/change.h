/* Reading the configuration anew while everything else goes on: SIGHUP and the shell. The worker reads and checks the
 * file; the core then applies the difference, the static routes in slices. A bad file changes nothing. What happened,
 * in sentences, is logged and told to whoever asked. */
#ifndef DAEMON_CHANGE_H
#define DAEMON_CHANGE_H

#include "cli/cli.h"

struct router;
struct changes;

/* NULL when there is no memory. */
struct changes *changes_new(struct router *router);

/* After the shell, before the worker; what is under way is left where it is. */
void changes_free(struct changes *changes);

/* Begins, or if a reload is under way, which may have read the file too early, begins another one after it. ASKER may
 * be NULL. */
void changes_ask(struct changes *changes, struct cli_asker *asker);

/* ASKER is not told any more. */
void changes_forget(struct changes *changes, struct cli_asker *asker);

/* A configuration that was the running one, and is nobody's now. */
void changes_discard(struct router *router, struct config *config);

#endif
