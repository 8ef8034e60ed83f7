#include "daemon/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define PATIENCE_MS    2 /* with a reader who is behind; none once a line was lost */

static const char *const level_name[] = {"error", "warning", "notice", "info", "debug"};
static const int level_syslog[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};

void log_init(struct log *log)
{
    *log = (struct log){.level = CONFIG_LOG_INFO, .starting = true, .fd = STDERR_FILENO};
}

void log_configure(struct log *log, const struct config *config)
{
    if (!log->level_fixed)
        log->level = (enum config_log_level)config->log_level;
    log->destination = (enum config_log_destination)config->log_destination;
    if (log->destination == CONFIG_LOG_SYSLOG)
        openlog("ferryd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

bool log_level_parse(const char *text, enum config_log_level *level)
{
    for (size_t i = 0; i < sizeof level_name / sizeof level_name[0]; i++) {
        if (strcmp(text, level_name[i]) == 0) {
            *level = (enum config_log_level)i;
            return true;
        }
    }
    return false;
}

static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            *text = '?';
    }
}

/* Will FD take a line without making us wait? A pipe that is ready takes 4 KB. */
static bool is_read(int fd, int patience_ms)
{
    struct pollfd at = {.fd = fd, .events = POLLOUT};
    int ready;
    do
        ready = poll(&at, 1, patience_ms);
    while (ready < 0 && errno == EINTR);
    return ready != 0;
}

#define TIMED_BYTES (LINE_MAX_BYTES + 64)

static size_t add_time(enum config_log_level level, const char *text, char line[TIMED_BYTES])
{
    struct timespec at;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &at);
    localtime_r(&at.tv_sec, &tm);
    char date[32];
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
    return (size_t)snprintf(line, TIMED_BYTES, "%s.%03ld %s: %s\n", date, at.tv_nsec / 1000000, level_name[level],
                            text);
}

static void write_with_time(int fd, enum config_log_level level, const char *text)
{
    char line[TIMED_BYTES];
    size_t len = add_time(level, text, line);
    /* One write a line, so that lines of several processes on one terminal stay whole. Where it fails there is nobody
     * to tell. */
    if (write(fd, line, len) < 0)
        return;
}

static void write_line(const struct log *log, enum config_log_level level, const char *text)
{
    unsigned lost = log->lost == NULL ? 0 : *log->lost;
    if (!is_read(log->fd, lost > 0 ? 0 : PATIENCE_MS)) {
        if (log->lost != NULL)
            (*log->lost)++;
        return;
    }
    if (lost > 0) {
        char note[80];
        snprintf(note, sizeof note, "%u line%s of this log %s lost: nobody read them", lost, lost == 1 ? "" : "s",
                 lost == 1 ? "was" : "were");
        *log->lost = 0;
        write_with_time(log->fd, CONFIG_LOG_WARNING, note);
        write_line(log, level, text);
        return;
    }
    write_with_time(log->fd, level, text);
}

void log_at(const struct log *log, enum config_log_level level, const char *format, ...)
{
    if (level > log->level)
        return;
    int saved = errno;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_printable(text);
    bool syslog_too = log->destination == CONFIG_LOG_SYSLOG;
    if (syslog_too)
        syslog(level_syslog[level], "%s", text);
    if (!syslog_too || (log->starting && level <= CONFIG_LOG_WARNING))
        write_line(log, level, text);
    if (log->hear != NULL) {
        char line[TIMED_BYTES];
        line[add_time(level, text, line) - 1] = '\0';
        log->hear(log->context, level, line);
    }
    errno = saved;
}

bool log_limit_pass(struct log_limit *limit, uint32_t rate, uint32_t burst, uint64_t now_ns, unsigned *suppressed)
{
    if (!bucket_take(&limit->bucket, rate, burst, now_ns)) {
        limit->suppressed++;
        return false;
    }
    *suppressed = limit->suppressed;
    limit->suppressed = 0;
    return true;
}
