/* Random sequences of commands of configuration mode: whatever they made of a configuration is what is read back from
 * its own text, and doing them again as one change makes the same. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/configure.h"
#include "daemon/config_file.h"
#include "tests/unit/support/unit.h"

#define SEQUENCES 200
#define LINES     80

static uint64_t state = 20240229;

static uint32_t below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

static const char *one_of(const char *const *words)
{
    uint32_t n = 0;
    while (words[n] != NULL)
        n++;
    return words[below(n)];
}

#define ONE_OF(...) one_of((const char *const[]){__VA_ARGS__, NULL})

/* ---- lines ---- */

static const char *make(char to[256], const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *make(char to[256], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(to, 256, format, args);
    va_end(args);
    return to;
}

#define INTERFACE ONE_OF("r0", "r1", "r2", "lo0", "x9")
#define NO        (below(3) == 0 ? "no " : "")

static const char *router_line(char to[256])
{
    switch (below(13)) {
    case 0:
        return make(to, "hostname h%u", below(100));
    case 1:
        return make(to, "%slog level %s", NO, ONE_OF("error", "warning", "notice", "info", "debug"));
    case 2:
        return make(to, "%slog destination syslog", NO);
    case 3:
        return make(to, "%sforwarding lanes %u", NO, 1 + below(4));
    case 4:
        return make(to, "%sforwarding cpus %u,%u,%u", NO, below(4), below(1024), below(8));
    case 5:
        return make(to, "%sforwarding qdisc-bypass %s", NO, ONE_OF("auto", "on", "off"));
    case 6:
        return make(to, "%sicmp %s %u", NO, ONE_OF("rate-limit", "burst"), below(2000));
    case 7:
        return make(to, "%scli %s", NO,
                    ONE_OF("group wheel", "group \"\"", "idle-timeout 0", "socket /tmp/a b", "socket /x"));
    case 8:
        return make(to, "%sarp 10.%u.0.%u 02:00:00:00:00:%02x %s", NO, below(4), 2 + below(4), below(256), INTERFACE);
    case 9:
        return make(to, "%sinterface %s", NO, INTERFACE);
    case 10:
        return make(to, "%sip route 10.%u.0.0/16 %s", NO, 100 + below(5),
                    ONE_OF("blackhole", "prohibit 9", "r1", "r2 9"));
    default:
        return make(to, "%sip route 10.%u.0.0/16 %s10.0.0.%u%s", NO, 100 + below(5), ONE_OF("", "", "r1 ", "r0 "),
                    9 + below(20), ONE_OF("", " 7"));
    }
}

static const char *interface_line(char to[256])
{
    switch (below(7)) {
    case 0:
        return make(to, "%smtu %u", NO, 68 + below(2000));
    case 1:
        return make(to, "%sdescription %s", NO,
                    ONE_OF("a \"b\" \\ c", "// no # comment", "@include \"x\"", "\xc3\xa9"));
    case 2:
        return make(to, "%sarp timeout %u", NO, 1 + below(5000));
    case 3:
        return make(to, "%stype %s", NO, ONE_OF("ethernet", "loopback"));
    case 4:
        return make(to, "%s%s", NO,
                    ONE_OF("shutdown", "ip proxy-arp", "ip redirects", "ip unreachables", "ip mask-reply"));
    default:
        return make(to, "%sip address 10.%u.0.%u%s", NO, below(4), 1 + below(3),
                    ONE_OF("/24", "/24", "/30", " 255.255.255.0"));
    }
}

/* ---- doing them ---- */

static const char *interface_name(const void *context, unsigned i)
{
    const struct config *config = context;
    return i < config->n_interfaces ? config->interfaces[i].name : NULL;
}

static unsigned parsed, done, refused;

/* Like the daemon: to a copy, which then is checked. NULL, if it is refused. */
static struct config *try_edit(const struct config *config, const struct edit *edit)
{
    struct config_errors errors = {0};
    char why[512] = "";
    struct config *next = config_copy(config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    bool applied = edit_apply(edit, next, why, sizeof why);
    CU_ASSERT_TRUE(applied || (why[0] != '\0' && config_equal(config, next)));
    if (applied && config_check(next, &errors))
        return next;
    config_free(next);
    return NULL;
}

/* One more line done to *CONFIG; *END is where the next edit of the list goes. */
static void say(struct config **config, struct edit ***end)
{
    static struct command_line line;
    char text[256];
    bool in_interface = (*config)->n_interfaces > 0 && below(2) == 0;
    const char *subject = in_interface ? (*config)->interfaces[below((uint32_t)(*config)->n_interfaces)].name : "";
    const struct command_world world = {.context = *config, .interface = interface_name};
    struct command_error error;
    const struct mode *mode = in_interface ? &mode_interface : &mode_config;
    if (!command_match(mode->root, &world, in_interface ? interface_line(text) : router_line(text), &line, &error) ||
        line.last->edit == NULL)
        return;
    parsed++;
    struct edit *edit = edit_new(&line, subject);
    struct config *next = try_edit(*config, edit);
    if (next == NULL) {
        refused++;
        edit_free(edit);
        return;
    }
    done++;
    config_free(*config);
    *config = next;
    **end = edit;
    *end = &edit->next;
}

static void say_error(struct config_errors *self, struct config_place place, bool warning, const char *text)
{
    (void)self;
    (void)warning;
    printf("\n  line %d: %s\n", place.line, text);
}

static bool reads_back(const struct config *config, const char *path)
{
    struct config_errors errors = {.report = say_error};
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_TRUE(config_write_all(config, file));
    fclose(file);
    struct config *again = config_load(path, &errors);
    bool good = again != NULL && config_equal(config, again);
    config_free(again);
    return good;
}

static void random_edits(void)
{
    char path[] = "/tmp/ferryd-edit-XXXXXX", why[512];
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    for (unsigned i = 0; i < SEQUENCES; i++) {
        struct config *config = config_new(), *again = config_new();
        struct edit *list = NULL, **end = &list;
        config->has_interfaces = again->has_interfaces = true;
        for (unsigned k = 0; k < LINES; k++)
            say(&config, &end);
        CU_ASSERT_TRUE(reads_back(config, path));
        struct edit *copy = edit_copy(list);
        CU_ASSERT_TRUE(edit_apply(copy, again, why, sizeof why));
        CU_ASSERT_TRUE(config_equal(config, again));
        edit_free(copy);
        edit_free(list);
        config_free(config);
        config_free(again);
    }
    unlink(path);
    CU_ASSERT_TRUE(parsed > SEQUENCES * LINES / 2);
    CU_ASSERT_TRUE(done > SEQUENCES * LINES / 5);
    CU_ASSERT_TRUE(refused > SEQUENCES * LINES / 20);
}

static const struct unit_case cases[] = {
    {"200 random sequences of commands are read back from their text", random_edits},
};
UNIT_MAIN("edit", cases)
