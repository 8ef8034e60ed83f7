/* What is wrong or doubtful in a configuration, and what became of it: kept as lines until somebody tells them. */
#ifndef DAEMON_FINDINGS_H
#define DAEMON_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/config.h"
#include "daemon/log.h"

#define FINDINGS_KEPT 100 /* of a file in which everything is wrong nobody reads more in a log */

struct finding;

struct findings {
    struct config_errors errors; /* first: the findings are the errors */
    bool print;                  /* to standard error at once, and nothing is kept */
    struct finding *list;
    size_t n, lost;
};

void findings_init(struct findings *findings, bool print);
void findings_exit(struct findings *findings);

/* A sentence beside what the checks find. */
void findings_say(struct findings *findings, enum config_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A sentence that the log has already. */
void findings_heard(struct findings *findings, enum config_log_level level, const char *text);

/* Every line that is kept, and not there yet, to the log. */
void findings_log(const struct findings *findings, const struct log *log);

/* The same as one text, to be freed; NULL when there is no memory. */
char *findings_text(const struct findings *findings);

#endif
