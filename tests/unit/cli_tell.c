/* What sessions are told without asking: the log, and debugging. */
#include "forwarding/ethernet.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/shell.h"

static struct shell s;

/* What FD has got by now; valid until the next call. */
static const char *heard(int fd)
{
    static char text[8192];
    size_t len = 0;
    for (unsigned turns = 0; turns < 10; turns++) {
        ssize_t n = shell_receive(&s, fd, text + len, sizeof text - len - 1);
        if (n > 0)
            len += (size_t)n;
    }
    text[len] = '\0';
    return text;
}

static void send_lines(int fd, const char *lines)
{
    shell_send(fd, lines, strlen(lines));
}

static int opened(const char *commands)
{
    int fd = shell_connect(&s);
    send_lines(fd, commands);
    CU_ASSERT_STRING_EQUAL(heard(fd), "");
    return fd;
}

static void the_log_comes_to_who_wants_it(void)
{
    shell_begin(&s);
    int all = opened("terminal monitor\n"), grave = opened("terminal monitor warning\n"), none = opened("\n");
    cli_log(s.cli, CONFIG_LOG_INFO, "r0 is up");
    cli_log(s.cli, CONFIG_LOG_WARNING, "r0 is down");
    CU_ASSERT_STRING_EQUAL(heard(all), "r0 is up\nr0 is down\n");
    CU_ASSERT_STRING_EQUAL(heard(grave), "r0 is down\n");
    CU_ASSERT_STRING_EQUAL(heard(none), "");
    send_lines(all, "no terminal monitor\n");
    CU_ASSERT_STRING_EQUAL(heard(all), "");
    cli_log(s.cli, CONFIG_LOG_WARNING, "again");
    CU_ASSERT_STRING_EQUAL(heard(all), "");
    CU_ASSERT_STRING_EQUAL(heard(grave), "again\n");
    close(all);
    close(grave);
    close(none);
    shell_end(&s);
}

/* One who does not read costs bounded memory, and is told of what was lost. */
static void a_reader_who_is_behind_loses_lines(void)
{
    shell_begin(&s);
    int fd = opened("terminal monitor\n");
    char line[1001];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (unsigned i = 0; i < 3000; i++) {
        cli_log(s.cli, CONFIG_LOG_INFO, line);
        if (i % 100 == 0)
            shell_turn(&s);
    }
    struct session *session = TAILQ_FIRST(&s.cli->sessions);
    CU_ASSERT(session->untold > 0);
    CU_ASSERT(evbuffer_get_length(bufferevent_get_output(session->io)) <= SESSION_OUTPUT_HIGH + 2 * sizeof line);
    char text[4096];
    for (unsigned quiet = 0; quiet < 5;)
        quiet = shell_receive(&s, fd, text, sizeof text) > 0 ? 0 : quiet + 1;
    cli_log(s.cli, CONFIG_LOG_INFO, "now");
    CU_ASSERT_PTR_NOT_NULL(strstr(heard(fd), "lines were not told: there were too many\nnow\n"));
    close(fd);
    shell_end(&s);
}

static void say(enum debug_kind kind, unsigned port, uint32_t addr, const char *text)
{
    debug_if(&s.r.d->debug, kind, port, addr, "%s", text);
}

static void debugging_is_by_kind_interface_and_prefix(void)
{
    shell_begin(&s);
    say(DEBUG_ARP, 0, 0x0a000102, "nobody wants it");
    int arp = opened("debug arp\n"), on_r0 = opened("debug icmp interface r0\n");
    int some = opened("debug arp prefix 10.0.2.0/24\ndebug icmp prefix 10.0.2.0/24 interface r1\n");
    say(DEBUG_ARP, 0, 0x0a000102, "a");
    say(DEBUG_ICMP, 0, 0x0a000102, "b");
    say(DEBUG_ICMP, 1, 0x0a000202, "c");
    say(DEBUG_ICMP, PORT_NONE, 0x0a000202, "d");
    say(DEBUG_ARP, 1, 0x0a000202, "e");
    CU_ASSERT_STRING_EQUAL(heard(arp), "a\ne\n");
    CU_ASSERT_STRING_EQUAL(heard(on_r0), "b\n");
    CU_ASSERT_STRING_EQUAL(heard(some), "c\ne\n");
    send_lines(some, "show debugging\nno debug icmp\nshow debugging\nundebug all\nshow debugging\n");
    CU_ASSERT_STRING_EQUAL(heard(some), "debug arp prefix 10.0.2.0/24\ndebug icmp interface r1 prefix 10.0.2.0/24\n"
                                        "debug arp prefix 10.0.2.0/24\nnothing is debugged by this session\n");
    CU_ASSERT_NOT_EQUAL(s.r.d->debug.on, 0);
    close(arp);
    close(on_r0);
    close(some);
    shell_turn(&s);
    CU_ASSERT_EQUAL(s.r.d->debug.on, 0); /* it ends with the sessions */
    shell_end(&s);
}

static void a_flood_is_not_told_whole(void)
{
    shell_begin(&s);
    int fd = opened("debug arp\n");
    for (unsigned i = 0; i < 1000; i++)
        say(DEBUG_ARP, 0, 1, "line");
    unsigned lines = 0;
    for (const char *at = heard(fd); *at != '\0'; at++)
        lines += *at == '\n';
    CU_ASSERT(lines >= 50 && lines <= 200);
    s.r.now.ns += NS_PER_S;
    say(DEBUG_ARP, 0, 1, "later");
    CU_ASSERT_PTR_NOT_NULL(strstr(heard(fd), "lines were not told: there were too many\nlater\n"));
    close(fd);
    shell_end(&s);
}

static void packets_of_the_router_are_debugged(void)
{
    shell_begin(&s);
    int fd = opened("debug arp\ndebug icmp\n");
    send_lines(fd, "ping 10.0.1.77 count 1\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(heard(fd), "arp sent by r0: 10.0.1.1 ("));
    close(fd);
    shell_end(&s);
}

static void the_last_lines_of_the_log_are_shown(void)
{
    shell_begin(&s);
    for (unsigned i = 0; i < LOG_LINES + 10; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %u", i);
        log_lines_add(&s.lines, CONFIG_LOG_INFO, line);
    }
    json_t *json = shell_json(&s, "show logging json");
    json_t *lines = json_object_get(json, "lines");
    CU_ASSERT_EQUAL(json_array_size(lines), LOG_LINES);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(lines, 0)), "line 10");
    json_decref(json);
    char *text = shell_plain(&s, "show logging | count ^line");
    CU_ASSERT_STRING_EQUAL(text, "500\n");
    free(text);
    log_lines_exit(&s.lines);
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"the log comes to who wants it", the_log_comes_to_who_wants_it},
    {"a reader who is behind loses lines", a_reader_who_is_behind_loses_lines},
    {"debugging is by kind, interface and prefix", debugging_is_by_kind_interface_and_prefix},
    {"a flood is not told whole", a_flood_is_not_told_whole},
    {"packets of the router are debugged", packets_of_the_router_are_debugged},
    {"the last lines of the log are shown", the_last_lines_of_the_log_are_shown},
};
UNIT_MAIN("tell", cases)
