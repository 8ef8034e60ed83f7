#include "daemon/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

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

static void write_with_time(int fd, enum config_log_level level, const char *text)
{
    struct timespec at;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &at);
    localtime_r(&at.tv_sec, &tm);
    char date[32], line[LINE_MAX_BYTES + 64];
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
    int len = snprintf(line, sizeof line, "%s.%03ld %s: %s\n", date, at.tv_nsec / 1000000, level_name[level], text);
    /* One write a line, so that lines of several processes on one terminal stay whole. Where it fails there is nobody
     * to tell. */
    if (write(fd, line, (size_t)len) < 0)
        return;
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
        write_with_time(log->fd, level, text);
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
