/* What sessions are told without asking: the log, and debugging. */
#include "forwarding/ethernet.h"
#include "forwarding/trace.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/shell.h"

static struct shell s;

static char got[16384]; /* that was heard */

/* What FD has got by now, after what FROM bytes of it were before. */
static const char *heard_more(int fd, size_t from)
{
    size_t len = from;
    for (unsigned turns = 0; turns < 10; turns++) {
        ssize_t n = shell_receive(&s, fd, got + len, sizeof got - len - 1);
        if (n > 0)
            len += (size_t)n;
    }
    got[len] = '\0';
    return got;
}

/* What FD has got by now; valid until the next call. */
static const char *heard(int fd)
{
    return heard_more(fd, 0);
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

static void second_passes(void)
{
    s.r.now.ns += NS_PER_S;
    event_active(s.cli->second, EV_TIMEOUT, 0);
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
    size_t len = 0; /* of the last that came, for the count may come by itself before there is more to tell */
    for (unsigned quiet = 0; quiet < 5;) {
        if (len > sizeof got / 2) {
            memmove(got, got + len - 200, 200);
            len = 200;
        }
        ssize_t n = shell_receive(&s, fd, got + len, sizeof got / 2);
        len += n > 0 ? (size_t)n : 0;
        quiet = n > 0 ? 0 : quiet + 1;
    }
    cli_log(s.cli, CONFIG_LOG_INFO, "now");
    CU_ASSERT_PTR_NOT_NULL(strstr(heard_more(fd, len), "lines were not told: there were too many\nnow\n"));
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

/* One word for all kinds of a protocol; each has its own conditions. */
static void kinds_of_rip_are_switched_each(void)
{
    shell_begin(&s);
    int all = opened("debug rip prefix 10.0.2.0/24\n"),
        some = opened("debug rip routes interface r0\ndebug rip packets\n");
    say(DEBUG_RIP_EVENTS, 0, 0x0a000202, "a");
    say(DEBUG_RIP_PACKETS, 1, 0x0a000202, "b");
    say(DEBUG_RIP_ROUTES, 0, 0x0a000202, "c");
    say(DEBUG_RIP_ROUTES, 1, 0x0a000302, "d");
    CU_ASSERT_STRING_EQUAL(heard(all), "a\nb\nc\n");
    CU_ASSERT_STRING_EQUAL(heard(some), "b\nc\n");
    send_lines(some, "show debugging\nundebug rip\nshow debugging\n");
    CU_ASSERT_STRING_EQUAL(heard(some), "debug rip packets\ndebug rip routes interface r0\n"
                                        "nothing is debugged by this session\n");
    send_lines(all, "no debug rip packets\nshow debugging\nundebug rip events\nshow debugging json\n");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(heard(all), "debug rip events prefix 10.0.2.0/24\ndebug rip routes prefix 10.0.2.0/24\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "\"ripRoutes\""));
    CU_ASSERT_PTR_NULL(strstr(got, "\"ripEvents\""));
    close(all);
    close(some);
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
    CU_ASSERT_PTR_NOT_NULL(strstr(heard_more(fd, strlen(got)), "lines were not told: there were too many\nlater\n"));
    close(fd);
    shell_end(&s);
}

/* Nobody has to wait for the next line to know how many are missing. */
static void what_was_left_out_is_told_when_it_is_quiet(void)
{
    shell_begin(&s);
    int fd = opened("debug arp\n");
    for (unsigned i = 0; i < 101; i++)
        say(DEBUG_ARP, 0, 1, "line");
    heard(fd);
    second_passes();
    CU_ASSERT_PTR_NOT_NULL(strstr(heard_more(fd, strlen(got)), "line\n1 line was not told: there were too many\n"));
    close(fd);
    shell_end(&s);
}

/* ---- packets ---- */

static void packet_in(unsigned port, const char *src, const char *dst, struct frame_spec spec)
{
    spec.dst_mac = router_port_mac[port];
    spec.src = addr_of(src);
    spec.dst = addr_of(dst);
    struct packet packet = frame_new(port, &spec);
    lane_forward(s.r.d->lanes[0], &packet, 1, s.r.now);
    frame_free(&packet);
    router_run(&s.r);
}

static void a_packet_is_a_line(void)
{
    shell_begin(&s);
    packet_in(0, "10.0.1.2", "10.0.2.2", (struct frame_spec){.dst_port = 52});
    CU_ASSERT_FALSE(trace_wanted(&s.r.d->tables));
    int fd = opened("debug packet\n");
    CU_ASSERT_TRUE(trace_wanted(&s.r.d->tables));
    packet_in(0, "10.0.1.2", "10.0.2.2", (struct frame_spec){.dst_port = 53});
    packet_in(0, "10.0.1.2", "10.9.0.1", (struct frame_spec){.dst_port = 53, .ttl = 2});
    packet_in(0, "10.0.1.2", "10.0.2.2", (struct frame_spec){.ttl = 1});
    packet_in(0, "10.0.1.2", "10.0.2.77", (struct frame_spec){0});
    packet_in(1, "10.0.2.2", "10.0.2.1", (struct frame_spec){.dst_port = 7});
    packet_in(1, "127.0.0.1", "10.0.2.1", (struct frame_spec){.dst_port = 7});
    CU_ASSERT_STRING_EQUAL(
        heard(fd),
        "packet r0: 10.0.1.2:1000 > 10.0.2.2:53 UDP, 48 bytes, TTL 64: forwarded by r1 to 10.0.2.2\n"
        "packet r0: 10.0.1.2:1000 > 10.9.0.1:53 UDP, 48 bytes, TTL 2: forwarded by r1 to 10.0.2.9\n"
        "packet r0: 10.0.1.2:1000 > 10.0.2.2:2000 UDP, 48 bytes, TTL 1: punted (ttl), dropped (ttl-exceeded)\n"
        "packet r0: 10.0.1.2:1000 > 10.0.2.77:2000 UDP, 48 bytes, TTL 64: punted (resolve), held until the neighbour "
        "answers\n"
        "packet r1: 10.0.2.2:1000 > 10.0.2.1:7 UDP, 48 bytes, TTL 64: punted (local), delivered\n"
        "packet r1: 127.0.0.1:1000 > 10.0.2.1:7 UDP, 48 bytes, TTL 64: dropped (martian-source)\n");
    close(fd);
    shell_end(&s);
}

static unsigned lines_of(const char *heard_text, const char *what)
{
    unsigned n = 0;
    for (const char *at = heard_text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

/* Many sessions, one watch: lanes are asked for what any of them wants, each gets its own. */
static void packets_are_by_interface_and_prefix(void)
{
    shell_begin(&s);
    int on_r1 = opened("debug packet interface r1\n"), some = opened("debug packet prefix 10.0.2.0/24\n");
    int both = opened("debug packet prefix 10.0.1.0/24 interface r0\n"), arp = opened("debug arp\n");
    CU_ASSERT_EQUAL(s.r.d->tables.watches, 1);
    packet_in(0, "10.0.1.2", "10.9.0.1", (struct frame_spec){0});
    packet_in(1, "10.0.2.2", "10.8.0.1", (struct frame_spec){0});
    packet_in(1, "10.9.0.1", "10.0.1.2", (struct frame_spec){0});
    packet_in(0, "10.0.11.2", "10.0.2.2", (struct frame_spec){0});
    CU_ASSERT_EQUAL(lines_of(heard(on_r1), "packet r1: "), 2);
    CU_ASSERT_EQUAL(lines_of(got, "\n"), 2);
    CU_ASSERT_EQUAL(lines_of(heard(some), " 10.0.2.2:1000 > 10.8.0.1:2000 "), 1);
    CU_ASSERT_EQUAL(lines_of(got, " 10.0.11.2:1000 > 10.0.2.2:2000 "), 1);
    CU_ASSERT_EQUAL(lines_of(got, "\n"), 2);
    CU_ASSERT_EQUAL(lines_of(heard(both), "packet r0: 10.0.1.2:1000 > 10.9.0.1:2000 "), 1);
    CU_ASSERT_EQUAL(lines_of(got, "\n"), 1);
    CU_ASSERT_STRING_EQUAL(heard(arp), "");
    send_lines(some, "no debug packet\nshow debugging\n");
    CU_ASSERT_STRING_EQUAL(heard(some), "nothing is debugged by this session\n");
    packet_in(0, "10.0.11.2", "10.0.2.2", (struct frame_spec){0}); /* nobody left wants it, and no lane copies it */
    CU_ASSERT_EQUAL(punt_stats(&s.r.d->lanes[0]->punts, PUNT_CLASS_TRACE).put, 4);
    send_lines(both, "debug packet interface r0\nshow debugging\n");
    CU_ASSERT_STRING_EQUAL(heard(both), "debug packet interface r0\n");
    packet_in(0, "10.0.11.2", "10.0.2.2", (struct frame_spec){0});
    CU_ASSERT_EQUAL(lines_of(heard(both), "packet r0: "), 1);
    CU_ASSERT_EQUAL(s.r.d->tables.watches, 1);
    close(on_r1);
    close(both);
    shell_turn(&s);
    shell_turn(&s);
    CU_ASSERT_FALSE(trace_wanted(&s.r.d->tables)); /* it ends with the sessions: nothing is paid for it */
    packet_in(0, "10.0.1.2", "10.0.2.2", (struct frame_spec){0});
    CU_ASSERT_EQUAL(punt_stats(&s.r.d->lanes[0]->punts, PUNT_CLASS_TRACE).put, 5);
    close(some);
    close(arp);
    shell_end(&s);
}

static void too_many_packets_are_counted(void)
{
    shell_begin(&s);
    int fd = opened("debug packet\n");
    for (unsigned i = 0; i < 1000; i++)
        packet_in(0, "10.0.1.2", "10.0.2.2", (struct frame_spec){0});
    size_t len = strlen(heard(fd));
    /* of a thousand at one moment a lane copies a hundred, and all of those are told */
    second_passes();
    heard_more(fd, len);
    CU_ASSERT_EQUAL(lines_of(got, "packet r0: "), 100);
    CU_ASSERT_EQUAL(lines_of(got, "packet: 900 packets came too fast to be looked at\n"), 1);
    int other = opened("debug packet\n"); /* who begins later is not told of it */
    packet_in(0, "10.0.1.2", "10.0.2.2", (struct frame_spec){0});
    CU_ASSERT_EQUAL(lines_of(heard(other), "too fast"), 0);
    close(fd);
    close(other);
    shell_end(&s);
}

static void packets_are_refused_when_others_follow_them(void)
{
    shell_begin(&s);
    int others[TRACE_WATCHES];
    for (unsigned i = 0; i < TRACE_WATCHES; i++) {
        others[i] = shell_connect(&s);
        send_lines(others[i], "trace packet\n");
        heard(others[i]);
    }
    int fd = shell_connect(&s);
    send_lines(fd, "debug packet\nshow debugging\n");
    CU_ASSERT_STRING_EQUAL(heard(fd), "% 4 sessions follow packets already: end one of them, see show users\n"
                                      "nothing is debugged by this session\n");
    for (unsigned i = 0; i < TRACE_WATCHES; i++)
        close(others[i]);
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
    char *count = shell_plain(&s, "show logging | count ^line");
    CU_ASSERT_STRING_EQUAL(count, "500\n");
    free(count);
    log_lines_exit(&s.lines);
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"the log comes to who wants it", the_log_comes_to_who_wants_it},
    {"a reader who is behind loses lines", a_reader_who_is_behind_loses_lines},
    {"debugging is by kind, interface and prefix", debugging_is_by_kind_interface_and_prefix},
    {"kinds of RIP are switched each", kinds_of_rip_are_switched_each},
    {"a flood is not told whole", a_flood_is_not_told_whole},
    {"what was left out is told when it is quiet", what_was_left_out_is_told_when_it_is_quiet},
    {"a packet is a line", a_packet_is_a_line},
    {"packets are by interface and prefix", packets_are_by_interface_and_prefix},
    {"too many packets are counted", too_many_packets_are_counted},
    {"packets are refused when others follow them", packets_are_refused_when_others_follow_them},
    {"packets of the router are debugged", packets_of_the_router_are_debugged},
    {"the last lines of the log are shown", the_last_lines_of_the_log_are_shown},
};
UNIT_MAIN("tell", cases)
