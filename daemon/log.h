/* The log: sentences for whoever runs the router, to standard error with the time, or to syslog. A message names the
 * thing, the reason and the cure. */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/config.h"
#include "forwarding/bucket.h"

struct log {
    enum config_log_level level;
    enum config_log_destination destination;
    bool level_fixed; /* by the command line: the configuration does not change it */
    bool starting;    /* until ready, warnings and errors go to standard error whatever the destination */
    int fd;           /* of standard error, or of a test */
    unsigned *lost;   /* counts lines that nobody read; NULL: they are not counted */
    /* Hears each line that is logged, with its time. May be NULL. */
    void (*hear)(void *context, enum config_log_level level, const char *line);
    void *context;
};

/* What a start needs before there is a configuration: standard error, level info. */
void log_init(struct log *log);

/* Takes over what CONFIG says. */
void log_configure(struct log *log, const struct config *config);

/* Reads "error", "warning", "notice", "info" or "debug". */
bool log_level_parse(const char *text, enum config_log_level *level);

/* One line; errno is what it was before. Who reads standard error may stop reading: then lines are lost, and the router
 * goes on; how many there were is the first that is said when it is read again. Control characters come out as '?', so
 * that nothing from outside can forge a line. */
void log_at(const struct log *log, enum config_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(log, ...)   log_at(log, CONFIG_LOG_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_at(log, CONFIG_LOG_WARNING, __VA_ARGS__)
#define log_notice(log, ...)  log_at(log, CONFIG_LOG_NOTICE, __VA_ARGS__)
#define log_info(log, ...)    log_at(log, CONFIG_LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...)   log_at(log, CONFIG_LOG_DEBUG, __VA_ARGS__)

/* For messages that somebody on the network can cause: all zeros to begin with. */
struct log_limit {
    struct bucket bucket;
    unsigned suppressed;
};

/* May one more be written? RATE a second, BURST at once. *suppressed, when it may, is how many were not since. */
bool log_limit_pass(struct log_limit *limit, uint32_t rate, uint32_t burst, uint64_t now_ns, unsigned *suppressed);

#endif
