/* Reading the configuration anew while everything else goes on: SIGHUP and the shell. The worker reads and checks the
 * file; the core then applies the difference, the static routes in slices. A bad file changes nothing. What happened,
 * in sentences, is logged and told to whoever asked. */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "cli/cli.h"

struct router;
struct reload;

/* NULL when there is no memory. */
struct reload *reload_new(struct router *router);

/* After the shell, before the worker; what is under way is left where it is. */
void reload_free(struct reload *reload);

/* Begins, or if a reload is under way, which may have read the file too early, begins another one after it. ASKER may
 * be NULL. */
void reload_ask(struct reload *reload, struct cli_asker *asker);

/* ASKER is not told any more. */
void reload_forget(struct reload *reload, struct cli_asker *asker);

/* A configuration that was the running one, and is nobody's now. */
void reload_discard(struct router *router, struct config *config);

#endif
