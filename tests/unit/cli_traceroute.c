/* traceroute and the options of ping over a router in memory: what goes out is looked at, and answers come in by hand.
 * Time is the router's, so a silent hop costs none of ours. */
#define _GNU_SOURCE /* memmem */
#include <string.h>

#include "tests/unit/support/shell.h"

#define FAR    "10.9.0.1"
#define HOP_1  0x0a000209u
#define HOP_2  0x0a0a0a0au
#define HOP_2B 0x0a0a0a0bu

static struct shell s;
static char heard[1 << 16];
static size_t heard_len;
static int client;

/* ---- the client ---- */

static void begin(void)
{
    shell_begin(&s);
    shell_route(&s, "10.9.0.0/16", "10.0.2.9", PORT_NONE, RIB_STATIC, RIB_UNICAST);
    router_forget(&s.r);
}

static void say(const char *line)
{
    heard_len = 0;
    client = shell_connect(&s);
    shell_send(client, line, strlen(line));
    shutdown(client, SHUT_WR);
}

static void turns(unsigned n)
{
    while (n-- > 0)
        shell_turn(&s);
}

/* Until N datagrams went out in all; none more may follow them. */
static void sent(unsigned n)
{
    for (unsigned i = 0; i < 2000 && wire_count(&s.r.core, 0x0800) < n; i++)
        shell_turn(&s);
    turns(5);
    CU_ASSERT_EQUAL_FATAL(wire_count(&s.r.core, 0x0800), n);
}

/* All that it answers, to its end. */
static const char *answer(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        ssize_t n = shell_receive(&s, client, heard + heard_len, sizeof heard - 1 - heard_len);
        if (n == 0)
            break;
        if (n < 0)
            usleep(100);
        else
            heard_len += (size_t)n;
    }
    close(client);
    heard[heard_len] = '\0';
    return heard;
}

static bool answers(const char *line, const char *with)
{
    say(line);
    bool found = strstr(answer(), with) != NULL;
    if (!found)
        printf("\n  got: %.400s\n", heard);
    return found;
}

/* The round trips, which are real, become T. */
static const char *timeless(char *text)
{
    char *to = text;
    for (const char *at = text; *at != '\0';) {
        size_t digits = strspn(at, "0123456789.");
        if (digits > 0 && strncmp(at + digits, " ms", 3) == 0) {
            *to++ = 'T';
            at += digits;
        } else {
            *to++ = *at++;
        }
    }
    *to = '\0';
    return text;
}

static void expect(const char *text)
{
    answer();
    timeless(heard);
    CU_ASSERT_STRING_EQUAL(heard, text);
    if (strcmp(heard, text) != 0)
        printf("\n  got: %s\n", heard);
}

/* ---- the network ---- */

static const uint8_t *probe(unsigned n, struct ip *ip)
{
    const uint8_t *at = wire_ip(&s.r.core, n, ip);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    return at;
}

static void give(uint32_t from, uint8_t *message, size_t len)
{
    store_be16(message + 2, 0);
    store_be16(message + 2, checksum_finish(checksum_add(0, message, len)));
    router_give(&s.r, 1,
                (struct frame_spec){.src = from, .dst = ROUTER_2, .protocol = PROTO_ICMP, .data = message, .len = len});
    turns(5);
}

/* FROM answers probe N with an error, a byte of whose quote is changed by FLIP. */
static void error_flipped(unsigned n, uint32_t from, uint8_t type, uint8_t code, unsigned at, uint8_t flip)
{
    struct ip ip;
    uint8_t message[8 + IP_HEADER_MIN + 8] = {type, code, 0, 0, 0, 0, 1280 >> 8, 1280 & 0xff};
    memcpy(message + 8, probe(n, &ip), IP_HEADER_MIN + 8);
    message[8 + at] ^= flip;
    give(from, message, sizeof message);
}

static void error(unsigned n, uint32_t from, uint8_t type, uint8_t code)
{
    error_flipped(n, from, type, code, 0, 0);
}

static void time_exceeded(unsigned first, unsigned n, uint32_t from)
{
    for (unsigned i = first; i < first + n; i++)
        error(i, from, ICMP_TIME_EXCEEDED, 0);
}

static void echo_reply(unsigned n, uint32_t from)
{
    struct ip ip;
    uint8_t message[64] = {0};
    const uint8_t *at = probe(n, &ip);
    memcpy(message, at + ip.header, 40);
    message[0] = ICMP_ECHO_REPLY;
    give(from, message, 40);
}

/* Time passes. Whoever waits looks at the clock when a message comes, and this one is nobody's. */
static void wait_s(unsigned seconds)
{
    uint8_t message[8] = {ICMP_ECHO_REPLY};
    s.r.now.ns += seconds * NS_PER_S;
    give(HOST_2, message, sizeof message);
}

/* ---- traceroute ---- */

static void way_by_udp(void)
{
    struct ip ip;
    begin();
    say("traceroute " FAR "\n");
    sent(6);
    for (unsigned i = 0; i < 6; i++) {
        const uint8_t *at = probe(i, &ip);
        const uint8_t *udp = at + ip.header;
        CU_ASSERT_EQUAL(ip.ttl, 1 + i / 3);
        CU_ASSERT_EQUAL(ip.protocol, PROTO_UDP);
        CU_ASSERT_EQUAL(ip.len, 60);
        CU_ASSERT_EQUAL(load_be16(udp + 2), 33434 + i);
        CU_ASSERT_EQUAL(load_be16(udp + 4), 40);
        CU_ASSERT_EQUAL(checksum_fold(checksum_add(checksum_pseudo(0, ip.src, ip.dst, PROTO_UDP, 40), udp, 40)),
                        0xffff);
    }
    time_exceeded(0, 3, HOP_1);
    sent(9);
    error(3, HOP_2, ICMP_TIME_EXCEEDED, 0);
    error(5, HOP_2, ICMP_TIME_EXCEEDED, 0); /* before the one sent before it */
    error(4, HOP_2B, ICMP_TIME_EXCEEDED, 0);
    sent(12);
    for (unsigned i = 6; i < 12; i++) /* more than the last hop's are under way, and forgotten */
        error(i, BEYOND_2, ICMP_UNREACHABLE, UNREACHABLE_PORT);
    expect("traceroute to 10.9.0.1 from 10.0.2.1, 30 hops max, 60 byte packets\n"
           " 1  10.0.2.9  T ms  T ms  T ms\n"
           " 2  10.10.10.10  T ms 10.10.10.11  T ms 10.10.10.10  T ms\n"
           " 3  10.9.0.1  T ms  T ms  T ms\n");
    shell_end(&s);
}

static void way_by_icmp(void)
{
    struct ip ip;
    begin();
    say("traceroute " FAR " icmp probes 1 first-ttl 3 source 10.0.1.1 size 60\n");
    sent(6);
    for (unsigned i = 0; i < 6; i++) {
        const uint8_t *at = probe(i, &ip);
        CU_ASSERT_EQUAL(ip.ttl, 3 + i);
        CU_ASSERT_EQUAL(ip.src, ROUTER_1);
        CU_ASSERT_EQUAL(at[ip.header], ICMP_ECHO);
        CU_ASSERT_EQUAL(load_be16(at + ip.header + 6), i);
    }
    echo_reply(1, HOP_1); /* somebody else */
    turns(5);
    echo_reply(1, BEYOND_2);
    time_exceeded(0, 1, HOP_2);
    expect("traceroute to 10.9.0.1 from 10.0.1.1, 30 hops max, 60 byte packets\n"
           " 3  10.10.10.10  T ms\n"
           " 4  10.9.0.1  T ms\n");
    shell_end(&s);
}

/* Bytes of a quote: source, destination, protocol, and both ports. */
static void only_own_quotes(void)
{
    static const unsigned at[] = {0, IP_AT_SRC + 3, IP_AT_DST + 3, IP_AT_PROTOCOL, IP_HEADER_MIN, IP_HEADER_MIN + 2};
    begin();
    say("traceroute " FAR " max-ttl 1 probes 1\n");
    sent(1);
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++)
        error_flipped(0, HOP_2, ICMP_UNREACHABLE, UNREACHABLE_HOST, at[i], 0x40);
    error(0, HOP_2, ICMP_TIME_EXCEEDED, 1); /* reassembly */
    error(0, HOP_2, ICMP_SOURCE_QUENCH, 0);
    uint8_t cut[8 + IP_HEADER_MIN + 7] = {ICMP_TIME_EXCEEDED};
    struct ip ip;
    memcpy(cut + 8, probe(0, &ip), IP_HEADER_MIN + 7);
    give(HOP_2, cut, sizeof cut);
    time_exceeded(0, 1, HOP_1);
    error(0, HOP_2, ICMP_TIME_EXCEEDED, 0); /* twice */
    expect("traceroute to 10.9.0.1 from 10.0.2.1, 1 hops max, 60 byte packets\n 1  10.0.2.9  T ms\n");

    say("traceroute " FAR " max-ttl 1 probes 1 icmp\n");
    sent(2);
    error_flipped(1, HOP_2, ICMP_UNREACHABLE, UNREACHABLE_HOST, IP_HEADER_MIN, 0x40);
    error_flipped(1, HOP_2, ICMP_UNREACHABLE, UNREACHABLE_HOST, IP_HEADER_MIN + 4, 0x40);
    error_flipped(1, HOP_2, ICMP_UNREACHABLE, UNREACHABLE_HOST, IP_HEADER_MIN + 6, 0x40);
    time_exceeded(1, 1, HOP_1);
    expect("traceroute to 10.9.0.1 from 10.0.2.1, 1 hops max, 60 byte packets\n 1  10.0.2.9  T ms\n");
    shell_end(&s);
}

static void silent_hops(void)
{
    begin();
    say("traceroute " FAR " probes 2 timeout 2\n");
    sent(6);
    error(1, HOP_1, ICMP_TIME_EXCEEDED, 0);
    sent(7);
    wait_s(1);
    sent(7);
    wait_s(1); /* the first six are given up, the seventh with them */
    sent(13);
    error(2, HOP_2, ICMP_TIME_EXCEEDED, 0); /* too late: it has been told */
    error(7, BEYOND_2, ICMP_UNREACHABLE, UNREACHABLE_PORT);
    wait_s(2);
    expect("traceroute to 10.9.0.1 from 10.0.2.1, 30 hops max, 60 byte packets\n"
           " 1  * 10.0.2.9  T ms\n 2  * *\n 3  * *\n 4  * 10.9.0.1  T ms\n");
    shell_end(&s);
}

static void marks(void)
{
    static const struct {
        uint8_t code;
        const char *mark;
    } of[] = {{UNREACHABLE_NET, " !N"},
              {UNREACHABLE_HOST, " !H"},
              {UNREACHABLE_PROTOCOL, " !P"},
              {UNREACHABLE_PORT, ""},
              {UNREACHABLE_FRAGMENTATION, " !F-1280"},
              {UNREACHABLE_SOURCE_ROUTE, " !S"},
              {UNREACHABLE_PROHIBITED, " !X"},
              {9, " !X"},
              {14, " !V"},
              {15, " !C"},
              {77, " !<77>"}};
    char text[200];
    begin();
    for (unsigned i = 0; i < sizeof of / sizeof of[0]; i++) {
        router_forget(&s.r);
        say("traceroute " FAR " probes 1 size 1400 df\n");
        sent(6);
        error(0, HOP_1, ICMP_UNREACHABLE, of[i].code);
        snprintf(text, sizeof text,
                 "traceroute to 10.9.0.1 from 10.0.2.1, 30 hops max, 1400 byte packets\n 1  10.0.2.9  T ms%s\n",
                 of[i].mark);
        expect(text);
    }
    struct ip ip;
    probe(0, &ip);
    CU_ASSERT_EQUAL(ip.fragment, IP_DF);
    shell_end(&s);
}

static void ports_wrap(void)
{
    struct ip ip;
    begin();
    say("traceroute " FAR " port 65534 probes 1 max-ttl 4\n");
    sent(4);
    static const uint16_t ports[] = {65534, 65535, 1, 2};
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *at = probe(i, &ip);
        CU_ASSERT_EQUAL(load_be16(at + ip.header + 2), ports[i]);
    }
    time_exceeded(0, 3, HOP_1);
    error(3, BEYOND_2, ICMP_UNREACHABLE, UNREACHABLE_PORT);
    expect("traceroute to 10.9.0.1 from 10.0.2.1, 4 hops max, 60 byte packets\n"
           " 1  10.0.2.9  T ms\n 2  10.0.2.9  T ms\n 3  10.0.2.9  T ms\n 4  10.9.0.1  T ms\n");
    shell_end(&s);
}

static void to_itself(void)
{
    begin();
    say("traceroute 10.0.1.1\n");
    expect("traceroute to 10.0.1.1 from 10.0.1.1, 30 hops max, 60 byte packets\n 1  10.0.1.1  T ms  T ms  T ms\n");
    say("traceroute 10.255.0.1 icmp\n");
    expect(
        "traceroute to 10.255.0.1 from 10.255.0.1, 30 hops max, 60 byte packets\n 1  10.255.0.1  T ms  T ms  T ms\n");
    shell_end(&s);
}

/* Nobody answers for 10.0.2.77: the router tells itself. */
static void no_neighbour(void)
{
    begin();
    say("traceroute 10.0.2.77 probes 1\n");
    turns(20);
    router_wait(&s.r, 10000);
    turns(20);
    answer();
    CU_ASSERT_PTR_NOT_NULL(strstr(timeless(heard), "\n 1  10.0.2.1  T ms !H\n"));
    shell_end(&s);
}

static void refused(void)
{
    begin();
    CU_ASSERT_TRUE(
        answers("traceroute 192.0.2.1", "% the way to 192.0.2.1 can not be traced: there is no route to it"));
    CU_ASSERT_TRUE(answers("traceroute 192.0.2.1 json",
                           "{\"error\":\"the way to 192.0.2.1 can not be traced: there is no route to it\"}"));
    CU_ASSERT_TRUE(answers("traceroute " FAR " source 10.0.1.3", "% 10.0.1.3 is no address of this router"));
    CU_ASSERT_TRUE(answers("traceroute " FAR " first-ttl 9 max-ttl 8", "% max-ttl 8 is less than first-ttl 9"));
    CU_ASSERT_TRUE(answers("traceroute " FAR " size 3000 df", "% the way to 10.9.0.1 can not be traced: it is larger"));
    CU_ASSERT_TRUE(answers("traceroute 10.0.0.300", "% \"10.0.0.300\" is neither an IPv4 address nor a name"));
    CU_ASSERT_EQUAL(wire_count(&s.r.core, 0x0800), 0);
    shell_end(&s);
}

static void way_in_json(void)
{
    json_error_t why;
    begin();
    say("traceroute " FAR " probes 2 timeout 1 max-ttl 3 json\n");
    sent(6);
    time_exceeded(1, 1, HOP_1);
    error(2, HOP_2, ICMP_UNREACHABLE, UNREACHABLE_PROHIBITED);
    wait_s(1);
    json_t *document = json_loads(answer(), JSON_REJECT_DUPLICATES, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(document);
    json_t *hops = json_object_get(document, "hops");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(document, "address")), FAR);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(document, "source")), "10.0.2.1");
    CU_ASSERT_TRUE(json_is_false(json_object_get(document, "reached")));
    CU_ASSERT_EQUAL(json_array_size(hops), 2);
    json_t *probes = json_object_get(json_array_get(hops, 0), "probes");
    CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(probes, 0), "address")));
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(probes, 1), "address")), "10.0.2.9");
    CU_ASSERT_TRUE(json_is_real(json_object_get(json_array_get(probes, 1), "rtt")));
    CU_ASSERT_TRUE(json_is_null(json_object_get(json_array_get(probes, 1), "mark")));
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_array_get(hops, 1), "ttl")), 2);
    probes = json_object_get(json_array_get(hops, 1), "probes");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(probes, 0), "mark")), "!X");
    json_decref(document);
    shell_end(&s);
}

/* Lines come as they are known; Ctrl-C ends the last of them; who hangs up is forgotten. */
static void stopped(void)
{
    static const char ask[] = "\0C\0\0\0\x1etraceroute 10.9.0.1 timeout 60", interrupt[] = "I\0\0\0";
    char text[4096];
    size_t len = 0;
    begin();
    client = shell_connect(&s);
    shell_send(client, ask, sizeof ask - 1);
    sent(6);
    time_exceeded(0, 4, HOP_1);
    sent(10);
    for (unsigned i = 0; i < 2000 && (len < 10 || memmem(text, len, " 2  10.0.2.9", 12) == NULL); i++) {
        ssize_t n = shell_receive(&s, client, text + len, sizeof text - len);
        len += n > 0 ? (size_t)n : 0;
    }
    CU_ASSERT_PTR_NOT_NULL(memmem(text, len, " 2  10.0.2.9", 12));
    shell_send(client, interrupt, 5);
    for (unsigned i = 0; i < 2000 && memmem(text, len, "D\0\0\0\1\1", 6) == NULL; i++) {
        ssize_t n = shell_receive(&s, client, text + len, sizeof text - len);
        len += n > 0 ? (size_t)n : 0;
    }
    CU_ASSERT_PTR_NOT_NULL(memmem(text, len, "D\0\0\0\1\1", 6));
    shell_send(client, ask + 1, sizeof ask - 2);
    sent(16);
    close(client);
    turns(20);
    CU_ASSERT_EQUAL(s.cli->n_sessions, 0);
    time_exceeded(10, 6, HOP_1);
    sent(16);
    shell_end(&s);
}

/* ---- ping's options ---- */

static void ping_options(void)
{
    struct ip ip;
    begin();
    say("ping 10.0.2.2 ttl 7 tos 184 df size 32 interval 10 timeout 3 count 3\n");
    sent(1);
    probe(0, &ip);
    CU_ASSERT_EQUAL(ip.ttl, 7);
    CU_ASSERT_EQUAL(ip.tos, 184);
    CU_ASSERT_EQUAL(ip.fragment, IP_DF);
    s.r.now.ns += 10 * NS_PER_MS; /* the next does not wait for the answer */
    wait_s(0);
    sent(2);
    s.r.now.ns += 10 * NS_PER_MS;
    wait_s(0);
    sent(3);
    echo_reply(2, HOST_2);
    echo_reply(0, HOST_2);
    wait_s(3);
    answer();
    timeless(heard);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "32 bytes of data to 10.0.2.2, every T ms:\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "icmp_seq=2: no answer within 3 seconds\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "3 packets transmitted, 2 received, 33% packet loss\n"));
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"UDP probes show each hop, in order, up to the destination's port unreachable", way_by_udp},
    {"echo requests show the hops up to the reply, from any TTL and source", way_by_icmp},
    {"only what quotes a probe exactly is its answer", only_own_quotes},
    {"what is not answered in time is a star and holds nothing else up", silent_hops},
    {"each kind of unreachable has its mark and is the end", marks},
    {"ports wrap and skip 0", ports_wrap},
    {"the way to ourselves is one hop", to_itself},
    {"a neighbour that does not answer ARP is told by ourselves", no_neighbour},
    {"a way that can not be traced is refused with the reason", refused},
    {"JSON is one document", way_in_json},
    {"an interrupt ends it, and so does hanging up", stopped},
    {"ping obeys its TTL, type of service, interval and timeout", ping_options},
};
UNIT_MAIN("traceroute", cases)
