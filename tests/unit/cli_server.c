/* The server and its two protocols, over a real socket and a router in memory. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/support/shell.h"

static struct shell s;

static void expect(const char *input, const char *answer)
{
    char *text = shell_plain(&s, input);
    CU_ASSERT_STRING_EQUAL(text, answer);
    if (strcmp(text, answer) != 0)
        printf("\n  got: %s\n", text);
    free(text);
}

static bool answers(const char *input, const char *with)
{
    char *text = shell_plain(&s, input);
    bool found = strstr(text, with) != NULL;
    if (!found)
        printf("\n  got: %.300s\n", text);
    free(text);
    return found;
}

#define LOGGING                                                                                                        \
    "the log goes to stderr, down to level info, where whoever started the daemon keeps it (journalctl -u ferryd "     \
    "under systemd)\n"

/* ---- the plain protocol ---- */

static void plain_lines(void)
{
    shell_begin(&s);
    expect("show logging\nshow logging\n", LOGGING LOGGING);
    expect("show logging", LOGGING); /* the last line may lack its end */
    expect("show logging\r\n\r\n# a comment\n! another\n\nend\n", LOGGING);
    expect("", "");
    expect("exit\nshow logging\n", "");
    shell_end(&s);
}

static void plain_refusals(void)
{
    shell_begin(&s);
    expect("sho logg\nshow ip interface bogus\nsh logging\n",
           LOGGING "% \"bogus\" is not known here; expected brief\n"
                   "  show ip interface bogus\n                    ^\n" LOGGING);
    expect("clear ip rip", "% RIP does not run: \"router rip\" in configuration mode begins it\n");
    expect("show rollback 9 json", "{\"error\":\"there is no past configuration 9: show rollback lists them\"}\n");
    expect("show interfaces r9 json",
           "{\"error\":\"there is no interface \\\"r9\\\"; expected IF (r0, r1, lo0, gone0), rates or json\"}\n");
    CU_ASSERT_TRUE(answers("show startup-config", "% /nonexistent/ferryd.conf can not be read: No such file"));
    shell_end(&s);
}

static void plain_junk(void)
{
    static const char junk[] = "\x01\xff\0bin\x1b[2J\nshow logging\n";
    char *long_line = malloc(200001);
    memset(long_line, 'x', 200000);
    long_line[200000] = '\0';
    shell_begin(&s);
    char *text = shell_plain_bytes(&s, junk, sizeof junk - 1);
    CU_ASSERT_PTR_NULL(strchr(text, '\x1b'));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, LOGGING));
    free(text);
    expect(long_line, "% a line is longer than 4096 bytes\n");
    memcpy(long_line + 200000 - 14, "\nshow logging\n", 14);
    expect(long_line, "% a line is longer than 4096 bytes\n" LOGGING);
    shell_end(&s);
    free(long_line);
}

static void plain_help(void)
{
    shell_begin(&s);
    CU_ASSERT_TRUE(answers("show ip ?", "\n  route              The routing table\n"));
    CU_ASSERT_TRUE(answers("show x?", "% \"x\" is not known here"));
    shell_end(&s);
}

static void reloads(void)
{
    shell_begin(&s);
    expect("reload configuration", "% f.conf:3: no such key\nf.conf:4: neither\n");
    s.reload_good = true;
    expect("reload conf", "2 interfaces changed\n");
    shell_end(&s);
}

/* Reading a big file takes a while: only who asked for it waits. */
static void slow_reload(void)
{
    static const char ask[] = "reload configuration\n";
    char answer[100];
    shell_begin(&s);
    s.reload_good = s.reload_later = true;
    int waiting = shell_connect(&s);
    shell_send(waiting, ask, sizeof ask - 1);
    while (s.reloading == NULL)
        shell_turn(&s);
    expect("show logging", LOGGING);
    CU_ASSERT_EQUAL(shell_receive(&s, waiting, answer, sizeof answer), -1);
    shell_reload_ends(&s, s.reloading);
    shell_turn(&s);
    ssize_t len = shell_receive(&s, waiting, answer, sizeof answer);
    CU_ASSERT_EQUAL(len, 21);
    CU_ASSERT_EQUAL(len == 21 ? memcmp(answer, "2 interfaces changed\n", 21) : 1, 0);
    s.reloading = NULL;
    shell_send(waiting, ask, sizeof ask - 1);
    while (s.reloading == NULL)
        shell_turn(&s);
    shell_end(&s);
    CU_ASSERT_PTR_NULL(s.reloading); /* who is no longer there is not told */
    close(waiting);
}

/* ---- the framed protocol ---- */

static void send_frame(int fd, enum frame_type type, const char *text)
{
    uint8_t header[FRAME_HEADER];
    frame_header(header, type, (uint32_t)strlen(text));
    shell_send(fd, header, sizeof header);
    shell_send(fd, text, strlen(text));
}

/* Reads frames until one of type LAST: their types and texts, "P:r1# D:" and so on. */
static const char *frames_until(int fd, enum frame_type last)
{
    static char heard[1 << 20];
    static uint8_t bytes[FRAME_HEADER + FRAME_TEXT_MAX];
    size_t len = 0, have = 0;
    for (unsigned i = 0; i < 20000; i++) {
        size_t want = have < FRAME_HEADER ? FRAME_HEADER : FRAME_HEADER + load_be32(bytes + 1);
        CU_ASSERT_TRUE_FATAL(want <= sizeof bytes);
        if (have == want) {
            bool done = bytes[0] == FRAME_DONE; /* its text is one byte */
            int n = done ? snprintf(heard + len, sizeof heard - len, "D:%u", bytes[FRAME_HEADER])
                         : snprintf(heard + len, sizeof heard - len, "%c:%.*s", bytes[0], (int)(want - FRAME_HEADER),
                                    (const char *)bytes + FRAME_HEADER);
            len += (size_t)n < sizeof heard - len ? (size_t)n : 0;
            if (bytes[0] == last)
                return heard;
            have = 0;
            continue;
        }
        ssize_t n = shell_receive(&s, fd, bytes + have, want - have);
        if (n == 0)
            break;
        if (n < 0)
            usleep(100);
        else
            have += (size_t)n;
    }
    snprintf(heard + len, sizeof heard - len, "(end)");
    return heard;
}

static int framed(void)
{
    int fd = shell_connect(&s);
    shell_send(fd, "", 1);
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_PROMPT), "P:r1# ");
    return fd;
}

static void framed_commands(void)
{
    shell_begin(&s);
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "show logging");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "O:" LOGGING "P:r1# D:0");
    send_frame(fd, FRAME_COMMAND, "show rollback 9");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE),
                           "R:there is no past configuration 9: show rollback lists themP:r1# D:1");
    send_frame(fd, FRAME_COMMAND, "show rollback 9 json");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE),
                           "O:{\"error\":\"there is no past configuration 9: show rollback lists them\"}\n"
                           "R:there is no past configuration 9: show rollback lists themP:r1# D:1");
    send_frame(fd, FRAME_COMMAND, "");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "P:r1# D:0");
    send_frame(fd, FRAME_COMPLETE, "show interfaces r");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_COMPLETE), "T:r0\nr1\nrates\n");
    send_frame(fd, FRAME_HELP, "show ver");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_HELP), "?:  version            Version, hostname and uptime\n");
    send_frame(fd, FRAME_COMMAND, "exit");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "X:(end)");
    close(fd);
    shell_end(&s);
}

/* Answers that go on until somebody has seen enough are marked; plain clients see no marks. */
static void shown_as_it_comes(void)
{
    shell_begin(&s);
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "ping 10.0.1.1 count 1");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_STREAM), "S:");
    const char *heard = frames_until(fd, FRAME_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "packet loss"));
    close(fd);
    CU_ASSERT_TRUE(answers("ping 10.0.1.1 count 1\n", "packet loss"));
    shell_end(&s);
}

static void length_of_pages(void)
{
    shell_begin(&s);
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "term len 0");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "N:0P:r1# D:0");
    send_frame(fd, FRAME_COMMAND, "terminal length 40");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "N:40P:r1# D:0");
    close(fd);
    expect("terminal length 0\nterminal length 40\nshow logging\n", LOGGING);
    CU_ASSERT_TRUE(answers("terminal length 513", "expected (0-512)"));
    shell_end(&s);
}

static void framed_hostile(void)
{
    static const uint8_t huge[] = {'C', 0xff, 0xff, 0xff, 0xff};
    shell_begin(&s);
    int fd = framed();
    shell_send(fd, huge, sizeof huge);
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "X:a frame is longer than 4096 bytes(end)");
    close(fd);
    fd = framed();
    send_frame(fd, 'Z', "what");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "X:a frame of a type that is not known(end)");
    close(fd);
    fd = framed();
    shell_send(fd, huge, 3);
    close(fd); /* in the middle of a frame */
    for (unsigned i = 0; i < 10; i++)
        shell_turn(&s);
    CU_ASSERT_EQUAL(s.cli->n_sessions, 0);
    shell_end(&s);
}

/* ---- long answers ---- */

#define MANY 30000

static void fill_rib(void)
{
    rib_batch_begin(s.rib);
    for (uint32_t i = 0; i < MANY; i++) {
        char prefix[PREFIX_TEXT];
        shell_route(&s, prefix_text((struct prefix){0x0b000000 + (i << 8), 24}, prefix), "10.0.2.9", PORT_NONE,
                    RIB_STATIC, RIB_UNICAST);
    }
    rib_batch_end(s.rib, s.r.now);
}

static size_t queued(void)
{
    const struct session *first = TAILQ_FIRST(&s.cli->sessions);
    return first == NULL ? 0 : evbuffer_get_length(bufferevent_get_output(first->io)) + evbuffer_get_length(first->out);
}

static void slow_reader(void)
{
    shell_begin(&s);
    fill_rib();
    int fd = shell_connect(&s);
    shell_send(fd, "show ip route json\n", 19);
    /* How far a turn gets depends on the machine: turns until nothing moves any more. What the socket took after the
     * mark was reached leaves less than the mark, and more than the half at which the answer would go on. */
    size_t before = 0;
    for (unsigned i = 0, still = 0; i < 100000 && still < 50; i++) {
        shell_turn(&s);
        CU_ASSERT_TRUE(queued() < 2 * SESSION_OUTPUT_HIGH);
        still = queued() == before && before > 0 ? still + 1 : 0;
        before = queued();
    }
    /* it does not read, and everybody else is served */
    CU_ASSERT_TRUE(queued() > SESSION_OUTPUT_HIGH / 2);
    expect("show logging", LOGGING);
    rib_remove_protocol(s.rib, RIB_CONNECTED, s.r.now); /* a change under a walk does no harm */
    close(fd);
    for (unsigned i = 0; i < 10; i++)
        shell_turn(&s);
    CU_ASSERT_EQUAL(s.cli->n_sessions, 0);
    shell_end(&s);
}

/* While a command runs its session is not read, and the loop comes to rest nevertheless. */
static void much_said_at_once(void)
{
    static const char line[] = "show logging\n";
    size_t sent = 0;
    shell_begin(&s);
    int fd = shell_connect(&s);
    shell_send(fd, "monitor\n", 8);
    for (unsigned still = 0; still < 10; still++) {
        shell_turn(&s);
        for (ssize_t n; (n = send(fd, line, sizeof line - 1, MSG_NOSIGNAL)) > 0; sent += (size_t)n)
            still = 0;
    }
    CU_ASSERT_TRUE(sent > 16384);
    const struct session *session = TAILQ_FIRST(&s.cli->sessions);
    CU_ASSERT_TRUE(evbuffer_get_length(bufferevent_get_input(session->io)) <= 2 * 16384);
    close(fd);
    shell_end(&s);
}

static void whole_answer(void)
{
    shell_begin(&s);
    fill_rib();
    json_t *routes = shell_json(&s, "show ip route static json");
    CU_ASSERT_EQUAL(json_object_size(routes), MANY);
    json_decref(routes);
    shell_end(&s);
}

static void interrupted(void)
{
    shell_begin(&s);
    fill_rib();
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "show ip route");
    shell_turn(&s);
    send_frame(fd, FRAME_INTERRUPT, "");
    const char *heard = frames_until(fd, FRAME_INTERRUPT);
    CU_ASSERT_TRUE(strlen(heard) < 1000000);
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "P:r1# D:1");
    send_frame(fd, FRAME_COMMAND, "show logging");
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE), "O:" LOGGING "P:r1# D:0");
    close(fd);
    shell_end(&s);
}

/* Whoever interrupts again and again and reads nothing makes the router remember no more than one echo. */
static void interrupted_for_ever(void)
{
    static char filler[SESSION_OUTPUT_HIGH];
    shell_begin(&s);
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "ping 10.0.2.2 count 100");
    for (unsigned i = 0; i < 100 && s.cli->n_sessions == 1 && !TAILQ_FIRST(&s.cli->sessions)->waiting; i++)
        shell_turn(&s);
    struct session *session = TAILQ_FIRST(&s.cli->sessions);
    CU_ASSERT_TRUE_FATAL(session->busy && session->waiting);
    setsockopt(bufferevent_getfd(session->io), SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int));
    for (unsigned i = 0; i < 20 && queued() < SESSION_OUTPUT_HIGH; i++) {
        evbuffer_add(bufferevent_get_output(session->io), filler, sizeof filler);
        shell_turn(&s);
    }
    size_t before = queued();
    CU_ASSERT_TRUE(before >= SESSION_OUTPUT_HIGH);
    for (unsigned i = 0; i < 200; i++)
        send_frame(fd, FRAME_INTERRUPT, "");
    for (unsigned i = 0; i < 50; i++)
        shell_turn(&s);
    CU_ASSERT_TRUE(session->job.interrupted);
    CU_ASSERT_EQUAL(queued(), before + FRAME_HEADER);
    close(fd);
    shell_end(&s);
}

/* A whole history of the longest lines is not made at once. */
static void long_history(void)
{
    static char line[4001];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    shell_begin(&s);
    int fd = framed();
    for (unsigned i = 0; i < SESSION_HISTORY; i++) {
        uint8_t header[FRAME_HEADER];
        frame_header(header, FRAME_COMMAND, sizeof line - 1);
        shell_send(fd, header, sizeof header);
        shell_send(fd, line, sizeof line - 1);
        frames_until(fd, FRAME_DONE);
    }
    setsockopt(bufferevent_getfd(TAILQ_FIRST(&s.cli->sessions)->io), SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int));
    send_frame(fd, FRAME_COMMAND, "show history");
    for (unsigned i = 0; i < 50; i++) {
        shell_turn(&s);
        CU_ASSERT_TRUE(queued() < 2 * SESSION_OUTPUT_HIGH);
    }
    const char *heard = frames_until(fd, FRAME_DONE);
    unsigned lines = 0;
    for (const char *at = heard; (at = strstr(at, "  xxxx")) != NULL; at++)
        lines++;
    CU_ASSERT_EQUAL(lines, SESSION_HISTORY - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "  101  show history"));
    close(fd);
    shell_end(&s);
}

/* ---- sessions ---- */

static void too_many(void)
{
    int fds[SESSIONS_MAX];
    char text[200] = "";
    shell_begin(&s);
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        fds[i] = shell_connect(&s);
        shell_turn(&s);
    }
    CU_ASSERT_EQUAL(s.cli->n_sessions, SESSIONS_MAX);
    int fd = shell_connect(&s);
    for (unsigned i = 0; i < 100 && shell_receive(&s, fd, text, sizeof text - 1) < 0; i++)
        ;
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "% 64 sessions are open already"));
    close(fd);
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        close(fds[i]);
    for (unsigned i = 0; i < 10; i++)
        shell_turn(&s);
    expect("show logging", LOGGING);
    shell_end(&s);
}

static bool connects(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, s.path, strlen(s.path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bool connected = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    shell_turn(&s);
    close(fd);
    return connected;
}

/* Connections that nobody speaks on, one after the other. */
static void flood_of_connections(void)
{
    shell_begin(&s);
    uint64_t begin_ns = job_clock_ns();
    for (unsigned i = 0; i < 20000; i++)
        (void)connects();
    uint64_t ms = (job_clock_ns() - begin_ns) / NS_PER_MS + 1;
    CU_ASSERT_TRUE(s.cli->last_number >= 100);
    CU_ASSERT_TRUE(s.cli->last_number <= 100 + 2 * ms); /* a rest's first beyond the rate is taken as well */
    /* that done, there is room again in the kernel's queue */
    for (unsigned i = 0; i < 5000 && !connects(); i++)
        usleep(1000);
    expect("show logging", LOGGING);
    shell_end(&s);
}

static void idle(void)
{
    shell_begin(&s);
    cli_set_access(s.cli, &s.cli->access, 1);
    int fd = framed();
    usleep(1100 * 1000);
    CU_ASSERT_STRING_EQUAL(frames_until(fd, FRAME_DONE),
                           "X:nothing was said for 1 seconds: the session is closed(end)");
    close(fd);
    shell_end(&s);
}

/* A plain client that stops sending may still read; one that has closed its end never will, and a command that has
 * nothing to say would run for it for ever. */
static void gone_while_waiting(void)
{
    static const char ask[] = "ping 10.0.2.200 count 1000\n";
    shell_begin(&s);
    int fd = shell_connect(&s);
    shell_send(fd, ask, sizeof ask - 1);
    shutdown(fd, SHUT_WR);
    for (unsigned i = 0; i < 100 && (s.cli->n_sessions == 0 || !TAILQ_FIRST(&s.cli->sessions)->waiting); i++)
        shell_turn(&s);
    for (unsigned i = 0; i < 15; i++) { /* two seconds of the server's: it goes on */
        usleep(100 * 1000);
        shell_turn(&s);
    }
    CU_ASSERT_EQUAL(s.cli->n_sessions, 1);
    close(fd);
    for (unsigned i = 0; i < 200 && s.cli->n_sessions > 0; i++) {
        usleep(100 * 1000);
        shell_turn(&s);
    }
    CU_ASSERT_EQUAL(s.cli->n_sessions, 0);
    shell_end(&s);
}

/* ---- the socket ---- */

static void stale_and_live(void)
{
    char why[256], expected[32];
    struct stat st;
    shell_begin(&s);
    CU_ASSERT_EQUAL(stat(s.path, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0666);
    CU_ASSERT_PTR_NULL(cli_new(s.base, &s.view, s.path, NULL, 0, why, sizeof why));
    snprintf(expected, sizeof expected, "(pid %d)", (int)getpid());
    CU_ASSERT_PTR_NOT_NULL(strstr(why, expected));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "-s"));
    expect("show logging", LOGGING); /* the refused one took nothing away */
    shell_end(&s);

    /* what a daemon that was killed leaves behind */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, s.path, strlen(s.path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    shell_begin(&s);
    expect("show logging", LOGGING);
    shell_end(&s);
}

static void no_place(void)
{
    char why[256], path[128], folder[64];
    shell_begin(&s);
    CU_ASSERT_PTR_NULL(cli_new(s.base, &s.view, "/nonexistent/a/b.sock", NULL, 0, why, sizeof why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "/nonexistent/a"));
    CU_ASSERT_PTR_NULL(cli_new(s.base, &s.view, "/etc/passwd", NULL, 0, why, sizeof why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "is no socket"));
    CU_ASSERT_EQUAL(access("/etc/passwd", F_OK), 0);
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    CU_ASSERT_PTR_NULL(cli_new(s.base, &s.view, path, NULL, 0, why, sizeof why));
    /* one missing folder is made */
    snprintf(folder, sizeof folder, "/tmp/ferryd-unit-%d", (int)getpid());
    snprintf(path, sizeof path, "%s/sock", folder);
    struct cli *cli = cli_new(s.base, &s.view, path, "no-such-group-here", 0, why, sizeof why);
    CU_ASSERT_PTR_NOT_NULL(cli);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.log, "no-such-group-here"));
    cli_free(cli);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
    shell_end(&s);
}

/* ---- who may what ---- */

/* What a process of UID and GROUP is answered. */
static void ask_as(uid_t uid, gid_t group, const char *input, char *answer, size_t size)
{
    int ends[2];
    CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        char text[4096];
        ssize_t n;
        if (setgroups(1, &group) != 0 || setgid(65534) != 0 || setuid(uid) != 0)
            _exit(1);
        int fd = shell_connect(&s);
        fcntl(fd, F_SETFL, 0);
        (void)!send(fd, input, strlen(input), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        while ((n = recv(fd, text, sizeof text, 0)) > 0)
            (void)!write(ends[1], text, (size_t)n);
        _exit(0);
    }
    close(ends[1]);
    int status;
    for (unsigned i = 0; i < 5000 && waitpid(child, &status, WNOHANG) == 0; i++) {
        shell_turn(&s);
        usleep(1000);
    }
    ssize_t n = read(ends[0], answer, size - 1);
    answer[n > 0 ? n : 0] = '\0';
    close(ends[0]);
}

static void access_by_group(void)
{
    char answer[4096];
    if (geteuid() != 0)
        return;
    shell_begin(&s);
    /* groups of this system stand in for ferry and ferry-read */
    s.cli->access = (struct access_rules){.group = "ferry",
                                          .readers = "ferry-read",
                                          .has_group = true,
                                          .has_readers = true,
                                          .group_id = 3001,
                                          .readers_id = 3002};
    ask_as(4000, 3001, "show logging\nreload configuration\n", answer, sizeof answer);
    CU_ASSERT_STRING_EQUAL(answer, LOGGING "% f.conf:3: no such key\nf.conf:4: neither\n");
    ask_as(4000, 3002, "show logging\nreload configuration\n", answer, sizeof answer);
    CU_ASSERT_STRING_EQUAL(answer, LOGGING "% root and members of group ferry may do this; you are uid 4000: usermod "
                                           "-aG ferry USER, and log in anew\n");
    ask_as(4000, 3003, "show logging\n", answer, sizeof answer);
    CU_ASSERT_STRING_EQUAL(answer, "% root and members of group ferry or ferry-read may look; you are uid 4000: "
                                   "usermod -aG ferry USER, and log in anew\n");
    shell_end(&s);
}

/* ---- ping ---- */

/* The last echo request that went out. */
static bool last_echo(struct ip *ip, const uint8_t **echo)
{
    unsigned n = wire_count(&s.r.core, 0x0800);
    const uint8_t *at = n > 0 ? wire_ip(&s.r.core, n - 1, ip) : NULL;
    *echo = at != NULL ? at + ip->header : NULL;
    return at != NULL && ip->protocol == PROTO_ICMP && (*echo)[0] == ICMP_ECHO;
}

static void answer_echo(uint32_t from, uint16_t id_off, uint16_t seq_off)
{
    struct ip ip;
    const uint8_t *echo;
    uint8_t reply[128];
    CU_ASSERT_TRUE_FATAL(last_echo(&ip, &echo));
    size_t len = (size_t)(ip.len - ip.header);
    CU_ASSERT_TRUE_FATAL(len <= sizeof reply);
    memcpy(reply, echo, len);
    reply[0] = ICMP_ECHO_REPLY;
    store_be16(reply + 4, (uint16_t)(load_be16(echo + 4) + id_off));
    store_be16(reply + 6, (uint16_t)(load_be16(echo + 6) + seq_off));
    store_be16(reply + 2, 0);
    store_be16(reply + 2, checksum_finish(checksum_add(0, reply, len)));
    router_give(&s.r, 0,
                (struct frame_spec){.src = from, .dst = ip.src, .protocol = PROTO_ICMP, .data = reply, .len = len});
}

static void turn_until_echo(unsigned n)
{
    for (unsigned i = 0; i < 2000 && wire_count(&s.r.core, 0x0800) < n; i++) {
        shell_turn(&s);
        usleep(1000);
    }
    CU_ASSERT_EQUAL_FATAL(wire_count(&s.r.core, 0x0800), n);
}

static void ping_answered(void)
{
    shell_begin(&s);
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "ping 10.0.1.2 count 2 size 20");
    turn_until_echo(1);
    answer_echo(HOST_1, 1, 0);     /* another's identifier */
    answer_echo(HOST_1, 0, 5);     /* never asked */
    answer_echo(HOST_1 + 7, 0, 0); /* from somebody else */
    answer_echo(HOST_1, 0, 0);
    answer_echo(HOST_1, 0, 0); /* twice */
    s.r.now.ns += NS_PER_S;
    turn_until_echo(2);
    answer_echo(HOST_1, 0, 0);
    const char *heard = frames_until(fd, FRAME_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "28 bytes from 10.0.1.2: icmp_seq=1 ttl=64 time="));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "(duplicate)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "28 bytes from 10.0.1.2: icmp_seq=2 ttl=64 time="));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "2 packets transmitted, 2 received, 1 duplicates, 0% packet loss\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "P:r1# D:0"));
    close(fd);
    shell_end(&s);
}

static void ping_lost(void)
{
    shell_begin(&s);
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "ping 10.0.1.2 count 1");
    turn_until_echo(1);
    s.r.now.ns += 2 * NS_PER_S;
    usleep(1010 * 1000);
    const char *heard = frames_until(fd, FRAME_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "icmp_seq=1: no answer within a second\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "1 packets transmitted, 0 received, 100% packet loss\nP:r1# D:1"));
    close(fd);
    shell_end(&s);
}

static void ping_refused(void)
{
    shell_begin(&s);
    CU_ASSERT_TRUE(answers("ping 192.0.2.1", "% 192.0.2.1 can not be pinged: there is no route to it"));
    CU_ASSERT_TRUE(answers("ping 10.0.1.2 size 3000 df", "% 10.0.1.2 can not be pinged: it is larger than the MTU"));
    CU_ASSERT_TRUE(answers("ping 10.0.1.2 source 10.0.1.3", "% 10.0.1.3 is no address of this router"));
    CU_ASSERT_TRUE(answers("ping 10.0.1.1 count 1", "64 bytes from 10.0.1.1: icmp_seq=1")); /* itself */
    shell_end(&s);
}

static void ping_interrupted(void)
{
    shell_begin(&s);
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "ping 10.0.1.2");
    turn_until_echo(1);
    answer_echo(HOST_1, 0, 0);
    send_frame(fd, FRAME_INTERRUPT, "");
    frames_until(fd, FRAME_INTERRUPT);
    const char *heard = frames_until(fd, FRAME_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "1 packets transmitted, 1 received, 0% packet loss\n"));
    send_frame(fd, FRAME_COMMAND, "ping 10.0.1.2");
    turn_until_echo(2);
    close(fd); /* hung up: no echo more, and answers find nobody */
    for (unsigned i = 0; i < 10; i++)
        shell_turn(&s);
    CU_ASSERT_EQUAL(s.cli->n_sessions, 0);
    answer_echo(HOST_1, 0, 0);
    shell_end(&s);
}

static void ping_unreachable(void)
{
    struct ip ip;
    const uint8_t *echo;
    uint8_t error[8 + IP_HEADER_MIN + 8] = {ICMP_UNREACHABLE, UNREACHABLE_HOST};
    shell_begin(&s);
    int fd = framed();
    send_frame(fd, FRAME_COMMAND, "ping 10.0.1.2 count 1");
    turn_until_echo(1);
    CU_ASSERT_TRUE_FATAL(last_echo(&ip, &echo));
    memcpy(error + 8, echo - ip.header, IP_HEADER_MIN + 8);
    store_be16(error + 2, checksum_finish(checksum_add(0, error, sizeof error)));
    router_give(&s.r, 0,
                (struct frame_spec){
                    .src = HOST_1 + 7, .dst = ip.src, .protocol = PROTO_ICMP, .data = error, .len = sizeof error});
    const char *heard = frames_until(fd, FRAME_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "from 10.0.1.9: icmp_seq=1 host unreachable (type 3, code 1)\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "0 received, 1 errors, 100% packet loss\nP:r1# D:1"));
    close(fd);
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"plain: a command a line, the last one too, then it closes", plain_lines},
    {"plain: refusals begin with a percent sign and the session goes on", plain_refusals},
    {"plain: junk and overlong lines are refused and harm nothing", plain_junk},
    {"plain: a question mark at the end of a line helps", plain_help},
    {"a reload tells what changed, or why nothing did", reloads},
    {"a reload that takes long holds nobody else up", slow_reload},
    {"framed: output, refusal, status, help and completion", framed_commands},
    {"an answer without an end is marked as such", shown_as_it_comes},
    {"a framed client is told the length of its pages", length_of_pages},
    {"framed: bad frames end the session with a reason", framed_hostile},
    {"who says much at once is read in time", much_said_at_once},
    {"a flood of connections costs bounded time", flood_of_connections},
    {"a reader that has stopped costs bounded memory and nobody else's time", slow_reader},
    {"a long answer is one whole document", whole_answer},
    {"an interrupt ends a long answer", interrupted},
    {"interrupts that nobody reads the end of are taken once", interrupted_for_ever},
    {"a history of long lines comes in steps", long_history},
    {"the sixty-fifth session is told why not", too_many},
    {"an idle session is closed with a reason", idle},
    {"who has gone ends a command that says nothing", gone_while_waiting},
    {"a stale socket is replaced, a live one refused by name", stale_and_live},
    {"a socket that can not be made says why", no_place},
    {"root and the group may all, readers look, others are told who may", access_by_group},
    {"ping matches answers by identifier, number and address", ping_answered},
    {"a ping that nobody answers fails", ping_lost},
    {"a ping that can not be sent is refused", ping_refused},
    {"an interrupt sums a ping up, hanging up stops it", ping_interrupted},
    {"an ICMP error about a ping is told", ping_unreachable},
};
UNIT_MAIN("server", cases)
