/* Saving the running configuration while everything else goes on: the worker writes it (save_file.h). */
#ifndef DAEMON_SAVE_H
#define DAEMON_SAVE_H

#include "cli/cli.h"
#include "daemon/save_file.h"

struct router;
struct saves;

/* NULL when there is no memory. */
struct saves *saves_new(struct router *router);

/* After the worker has ended, which finishes what it was asked for. */
void saves_free(struct saves *saves);

/* As cli_router's save. */
void saves_ask(struct saves *saves, const char *path, bool force, struct cli_asker *asker);

/* ASKER is not told any more. */
void saves_forget(struct saves *saves, struct cli_asker *asker);

#endif
