#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tests/unit/support/unit.h"

/* A log into a pipe, and what came out of it. */
struct catch
{
    struct log log;
    int read_fd;
    char text[4096];
};

static void catch_init(struct catch *c)
{
    int ends[2];
    CU_ASSERT_FATAL(pipe(ends) == 0);
    log_init(&c->log);
    c->log.fd = ends[1];
    c->read_fd = ends[0];
}

static const char *catch_end(struct catch *c)
{
    close(c->log.fd);
    ssize_t n = read(c->read_fd, c->text, sizeof c->text - 1);
    c->text[n > 0 ? n : 0] = '\0';
    close(c->read_fd);
    return c->text;
}

static void a_line_has_time_level_and_text(void)
{
    struct catch c;
    catch_init(&c);
    log_warning(&c.log, "interface %s: down", "r0");
    const char *text = catch_end(&c);
    CU_ASSERT(strlen(text) > 24 && text[4] == '-' && text[13] == ':' && text[19] == '.');
    CU_ASSERT_STRING_EQUAL(text + 23, " warning: interface r0: down\n");
}

static void what_is_below_the_level_is_left_out(void)
{
    struct catch c;
    catch_init(&c);
    CU_ASSERT(log_level_parse("warning", &c.log.level));
    log_notice(&c.log, "not this");
    log_error(&c.log, "but this");
    const char *text = catch_end(&c);
    CU_ASSERT(strstr(text, "not this") == NULL && strstr(text, "but this") != NULL);
}

static void levels_have_the_names_of_the_manual_only(void)
{
    enum config_log_level level;
    CU_ASSERT(log_level_parse("debug", &level) && level == CONFIG_LOG_DEBUG);
    CU_ASSERT(log_level_parse("error", &level) && level == CONFIG_LOG_ERROR);
    CU_ASSERT(!log_level_parse("warn", &level));
    CU_ASSERT(!log_level_parse("", &level));
}

static void nothing_from_outside_makes_a_line_of_its_own(void)
{
    struct catch c;
    catch_init(&c);
    log_notice(&c.log, "station %s", "x\n2000-01-01 error: forged\x1b[2J");
    const char *text = catch_end(&c);
    CU_ASSERT(strchr(text, '\n') == text + strlen(text) - 1);
    CU_ASSERT(strchr(text, '\x1b') == NULL);
}

static void errno_stays_as_it_was(void)
{
    struct catch c;
    catch_init(&c);
    close(c.log.fd);
    errno = ENOTTY;
    log_error(&c.log, "nobody hears this");
    CU_ASSERT_EQUAL(errno, ENOTTY);
    close(c.read_fd);
}

static void the_command_line_level_outlives_a_reload(void)
{
    struct log log;
    struct config config = {.log_level = CONFIG_LOG_ERROR};
    log_init(&log);
    log.level = CONFIG_LOG_DEBUG;
    log.level_fixed = true;
    log_configure(&log, &config);
    CU_ASSERT_EQUAL(log.level, CONFIG_LOG_DEBUG);
    log.level_fixed = false;
    log_configure(&log, &config);
    CU_ASSERT_EQUAL(log.level, CONFIG_LOG_ERROR);
}

static void a_flood_of_messages_is_cut_and_counted(void)
{
    struct log_limit limit = {0};
    unsigned written = 0, suppressed = 0;
    for (unsigned i = 0; i < 100; i++)
        written += log_limit_pass(&limit, 1, 5, NS_PER_S, &suppressed);
    CU_ASSERT_EQUAL(written, 5);
    CU_ASSERT(log_limit_pass(&limit, 1, 5, 3 * NS_PER_S, &suppressed));
    CU_ASSERT_EQUAL(suppressed, 95);
}

/* A terminal that was stopped, a pager that waits for a key: the router must not wait with them. */
static void who_does_not_read_holds_nobody_up(void)
{
    struct catch c;
    unsigned lost = 0;
    char piece[4096];
    catch_init(&c);
    c.log.lost = &lost;
    for (unsigned i = 0; i < 20000 && lost < 7; i++)
        log_error(&c.log, "line %u of many that nobody reads", i);
    CU_ASSERT_EQUAL(lost, 7);
    fcntl(c.read_fd, F_SETFL, O_NONBLOCK);
    while (read(c.read_fd, piece, sizeof piece) > 0)
        continue;
    log_error(&c.log, "this is read");
    CU_ASSERT_EQUAL(lost, 0);
    const char *text = catch_end(&c);
    CU_ASSERT(strstr(text, "warning: 7 lines of this log were lost: nobody read them\n") != NULL);
    CU_ASSERT(strstr(text, "error: this is read\n") != NULL);
}

static const struct unit_case cases[] = {
    {"a line has the time, the level and the text", a_line_has_time_level_and_text},
    {"what is below the level is left out", what_is_below_the_level_is_left_out},
    {"levels have the names of the manual and no others", levels_have_the_names_of_the_manual_only},
    {"nothing from outside makes a line of its own", nothing_from_outside_makes_a_line_of_its_own},
    {"errno is after a message what it was before", errno_stays_as_it_was},
    {"the command line's level outlives a reload", the_command_line_level_outlives_a_reload},
    {"who does not read the log holds nobody up", who_does_not_read_holds_nobody_up},
    {"a flood of messages is cut, and what was left out is counted", a_flood_of_messages_is_cut_and_counted},
};
UNIT_MAIN("daemon log", cases)
