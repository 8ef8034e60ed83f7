/* Names of hosts, with a name server of the test's own on the loopback. */
#define _GNU_SOURCE /* memmem */
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/support/shell.h"

static struct shell s;
static int server;
static char resolv_conf[64], hosts[64];
static char heard[8192];
static struct sockaddr_in asker;
static uint8_t question[512];
static ssize_t question_len;

/* ---- files and the server ---- */

static void write_file(char path[64], const char *name, const char *text)
{
    snprintf(path, 64, "/tmp/ferryd-unit-%d-%s", (int)getpid(), name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

/* MORE is what resolv.conf says beside the server; without it nothing is asked twice, however slow the machine. */
static void begin(const char *more)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char text[256];
    shell_begin(&s);
    server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    CU_ASSERT_EQUAL_FATAL(bind(server, (const struct sockaddr *)&address, len), 0);
    CU_ASSERT_EQUAL_FATAL(getsockname(server, (struct sockaddr *)&address, &len), 0);
    snprintf(text, sizeof text, "nameserver 127.0.0.1:%u\noptions timeout:30 attempts:1\n%s", ntohs(address.sin_port),
             more);
    write_file(resolv_conf, "resolv.conf", text);
    write_file(hosts, "hosts", "127.0.0.1 localhost\n::1 near\n# 10.0.1.4 near\n10.0.1.2\tr9 Near # far\n");
    s.view.resolv_conf = resolv_conf;
    s.view.hosts = hosts;
}

static void end(void)
{
    shell_end(&s);
    close(server);
    unlink(resolv_conf);
    unlink(hosts);
}

/* Until a question comes; its name as "\3far\3lab". */
static const char *asked(void)
{
    static char name[256];
    socklen_t len = sizeof asker;
    question_len = -1;
    for (unsigned i = 0; i < 20000 && question_len < 0; i++) {
        shell_turn(&s);
        question_len = recvfrom(server, question, sizeof question, 0, (struct sockaddr *)&asker, &len);
        if (question_len < 0)
            usleep(100);
    }
    CU_ASSERT_TRUE_FATAL(question_len > 17);
    snprintf(name, sizeof name, "%.250s", (const char *)question + 12);
    for (char *at = name; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at; /* its case is random, against forgers */
    return name;
}

/* The question's answer: RCODE, and the address if there is one. */
static void reply(uint8_t rcode, uint32_t addr)
{
    static const uint8_t head[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
    uint8_t answer[600];
    size_t len = (size_t)question_len;
    memcpy(answer, question, len);
    answer[2] = 0x81;
    answer[3] = 0x80 | rcode;
    answer[7] = addr != 0;
    if (addr != 0) {
        memcpy(answer + len, head, sizeof head);
        store_be32(answer + len + sizeof head, addr);
        len += sizeof head + 4;
    }
    CU_ASSERT_EQUAL(sendto(server, answer, len, 0, (const struct sockaddr *)&asker, sizeof asker), (ssize_t)len);
}

/* ---- the client ---- */

static int say(const char *line)
{
    int client = shell_connect(&s);
    shell_send(client, line, strlen(line));
    return client;
}

/* All that CLIENT hears from now to its end; it stops sending. */
static const char *answer(int client)
{
    size_t len = 0;
    shutdown(client, SHUT_WR);
    for (unsigned i = 0; i < 200000; i++) {
        ssize_t n = shell_receive(&s, client, heard + len, sizeof heard - 1 - len);
        if (n == 0)
            break;
        if (n < 0)
            usleep(100);
        else
            len += (size_t)n;
    }
    close(client);
    heard[len] = '\0';
    return heard;
}

static bool answers(int client, const char *with)
{
    bool found = strstr(answer(client), with) != NULL;
    if (!found)
        printf("\n  got: %.500s\n", heard);
    return found;
}

/* ---- the cases ---- */

static void by_hosts(void)
{
    begin("");
    CU_ASSERT_TRUE(answers(say("traceroute near max-ttl 1 probes 1 source 10.0.1.3\n"), "% 10.0.1.3 is no address"));
    CU_ASSERT_TRUE(answers(say("ping R9 size 2000 df\n"), "% R9 (10.0.1.2) can not be pinged: it is larger"));
    CU_ASSERT_TRUE(answers(say("ping NEAR size 2000 df\n"), "% NEAR (10.0.1.2) can not be pinged"));
    CU_ASSERT_TRUE(answers(say("traceroute localhost\n"), "the way to localhost (127.0.0.1) can not be traced"));
    end();
}

static void by_server(void)
{
    begin("");
    int client = say("ping far.lab size 2000 df\n");
    CU_ASSERT_STRING_EQUAL(asked(), "\3far\3lab");
    reply(0, HOST_2);
    CU_ASSERT_TRUE(answers(client, "% far.lab (10.0.2.2) can not be pinged: it is larger"));
    client = say("traceroute far.lab df size 2000 json\n");
    asked();
    reply(0, HOST_2);
    CU_ASSERT_TRUE(answers(client, "{\"error\":\"the way to far.lab (10.0.2.2) can not be traced: it is larger"));
    client = say("traceroute lo.lab\n");
    asked();
    reply(0, LOOPBACK);
    CU_ASSERT_TRUE(answers(client, "traceroute to lo.lab (10.255.0.1) from 10.255.0.1, 30 hops max"));
    client = say("ping far.lab count 1000\n");
    asked();
    reply(0, HOST_2);
    for (unsigned i = 0; i < 2000 && wire_count(&s.r.core, 0x0800) == 0; i++)
        shell_turn(&s);
    CU_ASSERT_EQUAL(wire_count(&s.r.core, 0x0800), 1);
    shell_turn(&s);
    CU_ASSERT_TRUE(LIST_EMPTY(&s.cli->resolves)); /* while the pinging goes on */
    close(client);
    end();
}

static void search_domains(void)
{
    begin("search one.test two.test\n");
    int client = say("ping far size 2000 df\n");
    CU_ASSERT_STRING_EQUAL(asked(), "\3far\3one\4test");
    reply(3, 0);
    CU_ASSERT_STRING_EQUAL(asked(), "\3far\3two\4test");
    reply(0, HOST_2);
    CU_ASSERT_TRUE(answers(client, "% far (10.0.2.2) can not be pinged"));
    end();
}

static void no_such_name(void)
{
    begin("");
    int client = say("ping far.lab\n");
    asked();
    reply(3, 0);
    CU_ASSERT_TRUE(answers(client, "% there is no host far.lab: no such name, says the name server (127.0.0.1)\n"));
    client = say("ping far.lab\n");
    asked();
    reply(0, 0);
    CU_ASSERT_TRUE(answers(client, "% far.lab has no IPv4 address, says the name server (127.0.0.1)\n"));
    CU_ASSERT_TRUE(answers(say("ping -far\n"), "% \"-far\" is neither an IPv4 address nor a name\n"));
    CU_ASSERT_TRUE(answers(say("ping 10.0.0.256\n"), "% \"10.0.0.256\" is neither an IPv4 address nor a name\n"));
    CU_ASSERT_TRUE(answers(say("ping a..b\n"), "is neither"));
    CU_ASSERT_TRUE(answers(say("ping 2001:db8::1\n"), "is neither"));
    CU_ASSERT_TRUE(answers(say("ping f\xc3\xa4hre\n"), "is neither"));
    char name[300];
    memset(name, 'x', sizeof name);
    memcpy(name, "ping ", 5);
    memcpy(name + 280, "\n", 2);
    CU_ASSERT_TRUE(answers(say(name), "is neither"));
    memcpy(name + 100, "\n", 2); /* a label of more than 63 bytes */
    CU_ASSERT_TRUE(answers(say(name), "it was not taken for a name"));
    end();
}

static void broken_answers(void)
{
    begin("options timeout:1 attempts:1\n");
    for (ssize_t cut = 0; cut < 25; cut++) {
        int client = say("ping far.lab size 2000 df\n");
        asked();
        question[2] |= 0x80; /* an answer, cut off somewhere; one that is not even a header is nobody's */
        question[7] = 1;
        memset(question + 12, 0xc0, (size_t)question_len - 12);
        (void)!sendto(server, question, (size_t)cut, 0, (const struct sockaddr *)&asker, sizeof asker);
        question[0] ^= 0xff;
        (void)!sendto(server, question, (size_t)question_len, 0, (const struct sockaddr *)&asker, sizeof asker);
        question[0] ^= 0xff;
        if (cut < 12) {
            memset(question + 12, 0, (size_t)question_len - 12);
            reply(2, 0);
        }
        CU_ASSERT_TRUE(answers(client, "% far.lab can not be looked up: "));
    }
    end();
}

/* Whoever does not wait for the answer is forgotten, even when it comes in the same round of the loop. */
static void forgotten(void)
{
    begin("");
    for (unsigned i = 0; i < 12; i++) {
        int client = shell_connect(&s);
        shell_send(client, "\0C\0\0\0\x0cping far.lab", 18);
        asked();
        shell_send(client, "I\0\0\0", 5);
        for (unsigned rounds = i % 3; rounds > 0; rounds--)
            event_base_loop(s.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        reply(0, HOST_2);
        if (i % 2 == 0)
            close(client);
        for (unsigned rounds = 0; rounds < 20; rounds++)
            shell_turn(&s);
        if (i % 2 == 1)
            close(client);
    }
    for (unsigned i = 0; i < 2000 && (s.cli->n_sessions > 0 || !LIST_EMPTY(&s.cli->resolves)); i++)
        shell_turn(&s);
    CU_ASSERT_EQUAL(s.cli->n_sessions, 0);
    CU_ASSERT_TRUE(LIST_EMPTY(&s.cli->resolves));
    end();
}

/* ---- time ---- */

static struct timeval earliest;

static int look_at_event(const struct event_base *base, const struct event *event, void *resolve)
{
    struct timeval now, due;
    (void)base;
    if (event_get_callback_arg(event) != resolve || !event_pending(event, EV_TIMEOUT, &due))
        return 0;
    event_base_gettimeofday_cached(s.base, &now);
    evutil_timersub(&due, &now, &earliest);
    event_active((struct event *)(uintptr_t)event, EV_TIMEOUT, 1);
    return 1;
}

/* However patient resolv.conf is. */
static void at_most_ten_seconds(void)
{
    begin("options timeout:60 attempts:9\n");
    int client = say("ping far.lab\n");
    asked();
    CU_ASSERT_EQUAL(event_base_foreach_event(s.base, look_at_event, LIST_FIRST(&s.cli->resolves)), 1);
    CU_ASSERT_TRUE(earliest.tv_sec <= 10);
    CU_ASSERT_TRUE(answers(client, "% far.lab can not be looked up: no answer from 127.0.0.1"));
    end();
}

static void interrupted(void)
{
    char text[512];
    size_t len = 0;
    begin("");
    int client = shell_connect(&s);
    shell_send(client, "\0C\0\0\0\x12traceroute far.lab", 24);
    asked();
    shell_send(client, "I\0\0\0", 5);
    for (unsigned i = 0; i < 2000 && memmem(text, len, "D\0\0\0\1\1", 6) == NULL; i++) {
        ssize_t n = shell_receive(&s, client, text + len, sizeof text - len);
        len += n > 0 ? (size_t)n : 0;
    }
    CU_ASSERT_PTR_NOT_NULL(memmem(text, len, "D\0\0\0\1\1", 6));
    close(client);
    end();
}

static void router_stops(void)
{
    begin("");
    int clients[3];
    for (unsigned i = 0; i < 3; i++) {
        clients[i] = say("ping far.lab\n");
        asked();
        if (i == 1)
            close(clients[1]);
    }
    end(); /* and nothing leaks */
    close(clients[0]);
    close(clients[2]);
}

static void silent_server(void)
{
    begin("options timeout:1 attempts:1\n");
    int client = say("ping far.lab\n");
    asked();
    CU_ASSERT_TRUE(answers(client, "% far.lab can not be looked up: no answer from 127.0.0.1; the kernel of the "
                                   "router's namespace asks"));
    end();
}

/* To the broadcast address no socket may send without asking for it: a server out of reach wherever the test runs. */
static void server_out_of_reach(void)
{
    begin("");
    write_file(resolv_conf, "resolv.conf", "nameserver 255.255.255.255\n");
    CU_ASSERT_TRUE(answers(say("ping far.lab\n"), "% far.lab can not be looked up: no name server is within reach "
                                                  "(255.255.255.255: Permission denied); the kernel of"));
    end();
}

static const struct unit_case cases[] = {
    {"a name in the hosts file is not asked for", by_hosts},
    {"a name server's answer is taken", by_server},
    {"search domains are tried in turn", search_domains},
    {"a name that does not exist, or is none, is told", no_such_name},
    {"broken answers end in a refusal", broken_answers},
    {"who hangs up is forgotten, whatever comes then", forgotten},
    {"an interrupt ends a look-up", interrupted},
    {"a router that stops lets go of look-ups", router_stops},
    {"a server that does not answer is told after a while", silent_server},
    {"no look-up takes longer than ten seconds", at_most_ten_seconds},
    {"a server out of reach is told at once", server_out_of_reach},
};
UNIT_MAIN("resolve", cases)
