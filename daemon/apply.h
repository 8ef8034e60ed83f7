/* One way to change anything: a configuration that was read and checked is compared with the running one, and the
 * difference is applied. What did not change is not touched. */
#ifndef DAEMON_APPLY_H
#define DAEMON_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/config.h"
#include "daemon/log.h"

struct router;

/* Takes the errors and warnings of a configuration: to the log, or where LOG is NULL to standard error, and as lines
 * into REPORT, if there is one. */
struct findings {
    struct config_errors errors; /* first: the findings are the errors */
    const struct log *log;
    char *report;
    size_t size, used;
};
void findings_init(struct findings *findings, const struct log *log, char *report, size_t size);

/* Reads and checks the file. NULL, and every error reported, when it is not to be used. */
struct config *apply_read(const char *path, struct findings *findings);

/* The running configuration, onto a router that has nothing yet. Returns how many interfaces are refused. */
unsigned apply_first(struct router *router);

/* Reads the file anew and applies the difference: SIGHUP and the shell. A bad file changes nothing. What happened, in
 * sentences, is logged and written to REPORT. */
bool apply_reload(struct router *router, char *report, size_t size);

#endif
