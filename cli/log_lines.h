/* The last lines of the log, for `show logging`. */
#ifndef CLI_LOG_LINES_H
#define CLI_LOG_LINES_H

#include "cli/config.h"

#define LOG_LINES 500

struct log_lines { /* all zeros to begin with */
    struct log_line {
        enum config_log_level level;
        char *text; /* with its time */
    } line[LOG_LINES];
    uint64_t n; /* ever added; line I is at I % LOG_LINES */
};

/* A copy of TEXT. */
void log_lines_add(struct log_lines *lines, enum config_log_level level, const char *text);
void log_lines_exit(struct log_lines *lines);

#endif
