#define _DEFAULT_SOURCE /* strsep */
/* What the show and clear commands say about the router in memory, as text and as JSON. */
#include "tests/unit/support/shell.h"

static struct shell s;

static bool says(const char *command, const char *what)
{
    char *text = shell_plain(&s, command);
    bool found = strstr(text, what) != NULL;
    if (!found)
        printf("\n  %s: %s\n", command, text);
    free(text);
    return found;
}

/* The value at a path of member names, "a/b/c"; array elements by number. */
static json_t *at(json_t *from, const char *path)
{
    char copy[128], *rest = copy, *name;
    snprintf(copy, sizeof copy, "%s", path);
    while (from != NULL && (name = strsep(&rest, "|")) != NULL)
        from = json_is_array(from) ? json_array_get(from, (size_t)atoi(name)) : json_object_get(from, name);
    CU_ASSERT_PTR_NOT_NULL(from);
    if (from == NULL)
        printf("\n  nothing at %s\n", path);
    return from;
}

static bool equals(json_t *document, const char *path, const char *expected)
{
    json_error_t error;
    json_t *want = json_loads(expected, JSON_DECODE_ANY, &error);
    json_t *got = path[0] != '\0' ? at(document, path) : document;
    CU_ASSERT_PTR_NOT_NULL_FATAL(want);
    bool same = json_equal(got, want);
    if (!same) {
        char *text = json_dumps(got, JSON_ENCODE_ANY);
        printf("\n  at %s: %s\n", path, text);
        free(text);
    }
    json_decref(want);
    return same;
}

/* ---- routes ---- */

static void add_routes(void)
{
    shell_route(&s, "10.20.0.0/16", "10.0.2.9", PORT_NONE, RIB_STATIC, RIB_UNICAST);
    shell_route(&s, "10.21.0.0/16", "10.20.1.1", PORT_NONE, RIB_STATIC, RIB_UNICAST);
    shell_route(&s, "10.66.0.0/16", NULL, 0, RIB_STATIC, RIB_BLACKHOLE);
    shell_route(&s, "10.67.0.0/16", NULL, 0, RIB_STATIC, RIB_UNREACHABLE);
    shell_route(&s, "10.68.0.0/16", NULL, 0, RIB_STATIC, RIB_PROHIBIT);
    shell_route(&s, "10.69.0.0/16", "192.0.2.1", PORT_NONE, RIB_STATIC, RIB_UNICAST);
    s.r.now.ns += 3 * NS_PER_S;
}

static void route_json(void)
{
    shell_begin(&s);
    add_routes();
    json_t *all = shell_json(&s, "show ip route json");
    CU_ASSERT_EQUAL(json_object_size(all), 8);
    CU_ASSERT_TRUE(equals(all, "10.0.1.0/24",
                          "[{\"prefix\":\"10.0.1.0/24\",\"protocol\":\"connected\",\"selected\":true,"
                          "\"installed\":true,\"distance\":0,\"metric\":0,\"uptime\":\"00:00:15\",\"nexthops\":["
                          "{\"directlyConnected\":true,\"interfaceName\":\"r0\",\"active\":true,\"fib\":true}]}]"));
    CU_ASSERT_TRUE(equals(all, "10.20.0.0/16|0|nexthops",
                          "[{\"ip\":\"10.0.2.9\",\"interfaceName\":\"r1\",\"active\":true,\"fib\":true}]"));
    CU_ASSERT_TRUE(equals(all, "10.21.0.0/16|0|nexthops",
                          "[{\"ip\":\"10.20.1.1\",\"active\":true,\"recursive\":true},{\"ip\":\"10.0.2.9\","
                          "\"interfaceName\":\"r1\",\"active\":true,\"fib\":true,\"resolver\":true}]"));
    CU_ASSERT_TRUE(equals(all, "10.66.0.0/16|0|nexthops",
                          "[{\"unreachable\":true,\"blackhole\":true,\"active\":true,\"fib\":true}]"));
    CU_ASSERT_TRUE(equals(all, "10.67.0.0/16|0|nexthops|0|reject", "true"));
    CU_ASSERT_TRUE(equals(all, "10.68.0.0/16|0|nexthops|0|adminProhibited", "true"));
    CU_ASSERT_TRUE(equals(all, "10.69.0.0/16|0|selected", "false"));
    CU_ASSERT_TRUE(equals(all, "10.69.0.0/16|0|nexthops|0|active", "false"));
    json_decref(all);
    shell_end(&s);
}

static unsigned members(const char *command)
{
    json_t *document = shell_json(&s, command);
    unsigned n = (unsigned)json_object_size(document);
    json_decref(document);
    return n;
}

static void route_selection(void)
{
    shell_begin(&s);
    add_routes();
    CU_ASSERT_EQUAL(members("show ip route connected json"), 2);
    CU_ASSERT_EQUAL(members("show ip route static json"), 6);
    CU_ASSERT_EQUAL(members("show ip route rip json"), 0);
    CU_ASSERT_EQUAL(members("show ip route 10.0.0.0/8 json"), 0);
    CU_ASSERT_EQUAL(members("show ip route 10.20.0.0/16 json"), 1);
    CU_ASSERT_EQUAL(members("show ip route 10.20.7.7 json"), 1);
    CU_ASSERT_EQUAL(members("show ip route 192.0.2.1 json"), 0);
    CU_ASSERT_TRUE(says("show ip route 10.20.7.7", "Routing entry for 10.20.0.0/16\n"));
    CU_ASSERT_TRUE(says("show ip route 192.0.2.1", "no route: 192.0.2.1 is not in the table\n"));
    json_t *sum = shell_json(&s, "show ip route summary json");
    CU_ASSERT_TRUE(equals(sum, "routes",
                          "[{\"type\":\"connected\",\"rib\":2,\"fib\":2},{\"type\":\"static\",\"rib\":6,\"fib\":5}]"));
    CU_ASSERT_TRUE(equals(sum, "routesTotal", "8"));
    CU_ASSERT_TRUE(equals(sum, "routesTotalFib", "7"));
    json_decref(sum);
    shell_end(&s);
}

static void route_text(void)
{
    shell_begin(&s);
    add_routes();
    CU_ASSERT_TRUE(says("show ip route", "\nC>* 10.0.1.0/24 is directly connected, r0, 00:00:15\n"));
    CU_ASSERT_TRUE(says("show ip route", "\nS>* 10.20.0.0/16 [1/0] via 10.0.2.9, r1, 00:00:03\n"));
    CU_ASSERT_TRUE(says("show ip route", "\nS>  10.21.0.0/16 [1/0] via 10.20.1.1 (recursive), 00:00:03\n"
                                         "  *                      via 10.0.2.9, r1, 00:00:03\n"));
    CU_ASSERT_TRUE(says("show ip route", "\nS>* 10.66.0.0/16 [1/0] unreachable (blackhole), 00:00:03\n"));
    CU_ASSERT_TRUE(says("show ip route", "\nS   10.69.0.0/16 [1/0] via 192.0.2.1 inactive, 00:00:03\n"));
    shell_end(&s);
}

static void fib(void)
{
    shell_begin(&s);
    add_routes();
    json_t *all = shell_json(&s, "show ip fib json");
    CU_ASSERT_TRUE(equals(all, "10.0.1.1/32", "{\"action\":\"receive\",\"interfaceName\":\"r0\"}"));
    CU_ASSERT_TRUE(equals(all, "10.255.0.1/32", "{\"action\":\"receive\",\"interfaceName\":\"r2\"}"));
    CU_ASSERT_TRUE(equals(all, "10.0.1.255/32|action", "\"broadcast\""));
    CU_ASSERT_TRUE(equals(all, "10.66.0.0/16", "{\"action\":\"blackhole\",\"nexthops\":[]}"));
    CU_ASSERT_TRUE(equals(all, "10.21.0.0/16",
                          "{\"action\":\"forward\",\"nexthops\":[{\"ip\":\"10.0.2.9\",\"interfaceName\":\"r1\"}]}"));
    json_decref(all);
    CU_ASSERT_TRUE(says("show ip fib 10.0.1.1", "10.0.1.1/32         receive"));
    CU_ASSERT_TRUE(says("show ip fib 10.66.1.1", "10.66.0.0/16        blackhole"));
    CU_ASSERT_EQUAL(members("show ip fib 192.0.2.1 json"), 0);
    shell_end(&s);
}

/* ---- neighbours ---- */

static void arp(void)
{
    shell_begin(&s);
    router_arp(&s.r, 0, 1, 0x0a000150, ROUTER_1);                                /* somebody asks: learned */
    router_give(&s.r, 1, (struct frame_spec){.src = HOST_2, .dst = 0x0a000160}); /* to somebody not known */
    s.r.now.ns += 5 * NS_PER_S / 2;
    json_t *all = shell_json(&s, "show ip arp json");
    json_t *entries = at(all, "entries");
    CU_ASSERT_EQUAL(json_array_size(entries), 6);
    CU_ASSERT_TRUE(equals(entries, "2",
                          "{\"address\":\"10.0.1.80\",\"interface\":\"r0\",\"mac\":\"02:00:00:00:00:99\","
                          "\"state\":\"reachable\",\"age\":2}"));
    CU_ASSERT_TRUE(equals(entries, "3|address", "\"10.0.1.96\""));
    CU_ASSERT_TRUE(equals(entries, "3|mac", "null"));
    CU_ASSERT_TRUE(equals(entries, "3|state", "\"incomplete\""));
    CU_ASSERT_TRUE(equals(entries, "0|state", "\"static\""));
    json_decref(all);
    json_t *one = shell_json(&s, "show ip arp r1 json");
    CU_ASSERT_EQUAL(json_array_size(at(one, "entries")), 2);
    json_decref(one);
    json_t *none = shell_json(&s, "show ip arp gone0 json");
    CU_ASSERT_TRUE(equals(none, "", "{\"entries\":[]}"));
    json_decref(none);
    CU_ASSERT_TRUE(says("show ip arp", "10.0.1.96        r0               -                  incomplete"));
    CU_ASSERT_TRUE(says("clear ip arp 10.0.1.80", "1 entry forgotten\n"));
    CU_ASSERT_TRUE(says("clear ip arp", "1 entry forgotten\n"));
    router_forget(&s.r);
    shell_end(&s);
}

/* ---- interfaces and counters ---- */

static void some_traffic(void)
{
    for (unsigned i = 0; i < 3; i++)
        router_give(&s.r, 0, (struct frame_spec){.src = HOST_1, .dst = HOST_2, .len = 80});
    router_give(&s.r, 0, (struct frame_spec){.src = HOST_1, .dst = 0xc0000201});       /* no route */
    router_give(&s.r, 0, (struct frame_spec){.src = HOST_1, .dst = HOST_2, .ttl = 1}); /* dies here */
    router_give(&s.r, 0, (struct frame_spec){.src = HOST_1, .dst = ROUTER_1, .protocol = PROTO_ICMP});
}

static void interfaces(void)
{
    shell_begin(&s);
    some_traffic();
    json_t *all = shell_json(&s, "show interfaces json");
    CU_ASSERT_EQUAL(json_object_size(all), 4);
    json_t *r0 = at(all, "r0");
    CU_ASSERT_TRUE(equals(r0, "administrativeStatus", "\"up\""));
    CU_ASSERT_TRUE(equals(r0, "operationalStatus", "\"up\""));
    CU_ASSERT_TRUE(equals(r0, "index", "10"));
    CU_ASSERT_TRUE(equals(r0, "mtu", "1500"));
    CU_ASSERT_TRUE(equals(r0, "hardwareAddress", "\"00:00:00:00:00:00\""));
    CU_ASSERT_TRUE(equals(r0, "ipAddresses", "[{\"address\":\"10.0.1.1/24\"},{\"address\":\"10.0.11.1/24\"}]"));
    CU_ASSERT_TRUE(equals(r0, "description", "\"to the lab\""));
    CU_ASSERT_TRUE(equals(r0, "counters|rxPackets", "6"));
    CU_ASSERT_TRUE(equals(r0, "counters|rxDrops", "2"));
    CU_ASSERT_TRUE(equals(r0, "counters|rxErrors", "0"));
    CU_ASSERT_TRUE(equals(r0, "counters|txPackets", "3")); /* two errors and an echo reply */
    CU_ASSERT_TRUE(equals(all, "r1|counters|txPackets", "3"));
    CU_ASSERT_TRUE(equals(all, "gone0|operationalStatus", "\"down\""));
    CU_ASSERT_TRUE(equals(all, "gone0|reason", "\"there is no device of that name\""));
    json_decref(all);
    CU_ASSERT_EQUAL(members("show interfaces r1 json"), 1);
    CU_ASSERT_TRUE(
        says("show interfaces gone0", "gone0 is up, line protocol is down: there is no device of that name"));
    CU_ASSERT_TRUE(says("show ip interface brief", "r0               10.0.1.1/24         up          up\n"
                                                   "                 10.0.11.1/24\n"));
    shell_end(&s);
}

static void drops(void)
{
    shell_begin(&s);
    some_traffic();
    json_t *all = shell_json(&s, "show drops json");
    CU_ASSERT_TRUE(equals(all, "r0|drops|no-route", "1"));
    CU_ASSERT_TRUE(equals(all, "r0|drops|ttl-exceeded", "1"));
    CU_ASSERT_TRUE(equals(all, "r0|drops|ring-full", "0"));
    CU_ASSERT_TRUE(equals(all, "r0|balance",
                          "{\"rxPackets\":6,\"forwarded\":3,\"delivered\":1,\"arp\":0,\"dropped\":2,\"held\":0}"));
    json_decref(all);
    CU_ASSERT_TRUE(says("show drops r0", "no route to the destination\n"));
    CU_ASSERT_EQUAL(members("show drops r0 json"), 1);
    CU_ASSERT_TRUE(says("clear counters r1", ""));
    CU_ASSERT_TRUE(says("show drops r0", "r0: 6 received = 3 forwarded + 1 delivered + 0 ARP + 2 dropped + 0 held\n"));
    CU_ASSERT_TRUE(says("clear counters", ""));
    CU_ASSERT_TRUE(says("show drops r0", "r0: 0 received"));
    router_give(&s.r, 0, (struct frame_spec){.src = 0x7f000001, .dst = HOST_2});
    CU_ASSERT_TRUE(says("show drops r0", "  the source address can not be a host's:\n     "));
    /* a reason that is looked for is found with all that is said of it */
    CU_ASSERT_TRUE(says("show drops r0 | include ^ .*martian-source",
                        "1  martian-source        the source address can not be a host's: 0/8, 127/8, 224/3 or a "
                        "broadcast\n"));
    CU_ASSERT_TRUE(says("clear counters gone0", "% gone0 has no counters yet"));
    shell_end(&s);
}

static void traffic(void)
{
    static const char *const names[] = {
        "inReceives",      "inHdrErrors",    "inNoRoutes",       "inAddrErrors", "inUnknownProtos", "inTruncatedPkts",
        "inForwDatagrams", "reasmReqds",     "reasmOKs",         "reasmFails",   "inDiscards",      "inDelivers",
        "outRequests",     "outNoRoutes",    "outForwDatagrams", "outDiscards",  "outFragReqds",    "outFragOKs",
        "outFragFails",    "outFragCreates", "outTransmits"};
    shell_begin(&s);
    some_traffic();
    json_t *all = shell_json(&s, "show ip traffic json");
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        CU_ASSERT_TRUE(json_is_integer(json_object_get(at(all, "ip"), names[i])));
    CU_ASSERT_TRUE(equals(all, "ip|inReceives", "6"));
    CU_ASSERT_TRUE(equals(all, "ip|inDelivers", "1"));
    CU_ASSERT_TRUE(equals(all, "icmp|in|echo", "1"));
    CU_ASSERT_TRUE(equals(all, "icmp|out|echoReply", "1"));
    CU_ASSERT_TRUE(equals(all, "icmp|out|timeExceeded", "1"));
    CU_ASSERT_TRUE(equals(all, "icmp|out|destUnreach", "1"));
    CU_ASSERT_TRUE(json_is_object(at(all, "arp")));
    static const char *const udp[] = {"inDatagrams", "noPorts", "inErrors", "outDatagrams"};
    for (unsigned i = 0; i < sizeof udp / sizeof udp[0]; i++)
        CU_ASSERT_TRUE(json_is_integer(json_object_get(at(all, "udp"), udp[i])));
    CU_ASSERT_TRUE(json_is_object(at(all, "igmp")) && json_is_object(at(all, "rip")));
    json_decref(all);
    CU_ASSERT_TRUE(says("show ip traffic", "           6 received\n"));
    shell_end(&s);
}

/* ---- the rest ---- */

static void the_process(void)
{
    shell_begin(&s);
    json_t *version = shell_json(&s, "show version json");
    CU_ASSERT_TRUE(equals(version, "version", "\"1.2.3\""));
    CU_ASSERT_TRUE(equals(version, "hostname", "\"r1\""));
    CU_ASSERT_TRUE(equals(version, "uptimeSeconds", "112"));
    CU_ASSERT_TRUE(equals(version, "uptime", "\"00:01:52\""));
    json_decref(version);
    json_t *memory = shell_json(&s, "show memory json");
    CU_ASSERT_TRUE(equals(memory, "rings|bytes", "4096"));
    CU_ASSERT_TRUE(json_integer_value(at(memory, "resident|bytes")) > 100000);
    json_decref(memory);
    json_t *threads = shell_json(&s, "show processes json");
    CU_ASSERT_TRUE(json_integer_value(at(threads, "threads|0|id")) > 0);
    CU_ASSERT_TRUE(equals(threads, "punts|0|class", "\"local\""));
    CU_ASSERT_TRUE(json_integer_value(at(threads, "punts|0|room")) > 65536);
    json_decref(threads);
    json_t *users = shell_json(&s, "show users json");
    CU_ASSERT_TRUE(equals(users, "users|0|self", "true"));
    json_decref(users);
    CU_ASSERT_TRUE(says("show logging\nshow history", "    1  show logging\n    2  show history\n"));
    CU_ASSERT_TRUE(says("show running-config", "hostname = \"r1\";\n"));
    json_t *running = shell_json(&s, "show running-config json");
    CU_ASSERT_PTR_NOT_NULL(strstr(json_string_value(at(running, "config")), "hostname"));
    json_decref(running);
    shell_end(&s);
}

static void startup(void)
{
    char path[64];
    shell_begin(&s);
    snprintf(path, sizeof path, "/tmp/ferryd-unit-%d.conf", (int)getpid());
    char *whole;
    size_t size;
    FILE *file = open_memstream(&whole, &size);
    for (unsigned i = 0; i < 5000; i++) /* characters of every length, which pieces may end in */
        fprintf(file, "# line %u \xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa6\n", i);
    fputs("# line 4999\n", file);
    fclose(file);
    file = fopen(path, "w");
    fputs(whole, file);
    fclose(file);
    s.view.config_path = path;
    CU_ASSERT_TRUE(says("show startup-config", "# line 4999\n"));
    json_t *document = shell_json(&s, "show startup-config json");
    CU_ASSERT_STRING_EQUAL(json_string_value(at(document, "config")), whole);
    json_decref(document);
    free(whole);
    file = fopen(path, "w");
    fputs("# \xe2\x82", file);
    fclose(file);
    document = shell_json(&s, "show startup-config json");
    CU_ASSERT_STRING_EQUAL(json_string_value(at(document, "config")), "# ??");
    json_decref(document);
    unlink(path);
    s.view.config_path = "/dev/zero"; /* would never end */
    CU_ASSERT_TRUE(says("show startup-config", "% /dev/zero can not be read: it is not a regular file"));
    shell_end(&s);
}

static void tech_support(void)
{
    static const char *const parts[] = {"show version",
                                        "show running-config",
                                        "show interfaces",
                                        "show ip interface brief",
                                        "show ip route summary",
                                        "show ip fib summary",
                                        "show ip arp",
                                        "show ip traffic",
                                        "show drops",
                                        "show memory",
                                        "show processes",
                                        "show logging",
                                        "show users",
                                        "show debugging"};
    shell_begin(&s);
    char *text = shell_plain(&s, "show tech-support"), *at_part = text;
    json_t *document = shell_json(&s, "show tech-support json");
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char heading[80];
        snprintf(heading, sizeof heading, "- %s -", parts[i]);
        at_part = at_part != NULL ? strstr(at_part, heading) : NULL; /* each, and in this order */
        CU_ASSERT_PTR_NOT_NULL(at_part);
        CU_ASSERT_TRUE(json_is_object(at(document, parts[i])));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "----\n\nferryd 1.2.3\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "hostname = \"r1\";\n"));
    CU_ASSERT_TRUE(equals(document, "show version|version", "\"1.2.3\""));
    CU_ASSERT_TRUE(equals(document, "show interfaces|r0|mtu", "1500"));
    CU_ASSERT_PTR_NOT_NULL(strstr(json_string_value(at(document, "show running-config|config")), "hostname"));
    json_decref(document);
    free(text);
    shell_end(&s);
}

/* Who hangs up in the middle leaves nothing behind: the configuration is let go of, at every step of it. */
static void tech_support_unread(void)
{
    shell_begin(&s);
    for (unsigned turns = 1; turns < 12; turns++) {
        int fd = shell_connect(&s);
        shell_send(fd, "show tech-support\n", 18);
        for (unsigned i = 0; i < turns; i++)
            shell_turn(&s);
        close(fd);
        for (unsigned i = 0; i < 2000 && s.cli->n_sessions > 0; i++)
            shell_turn(&s);
        CU_ASSERT_EQUAL(s.cli->n_sessions, 0);
        CU_ASSERT_EQUAL(s.config->holders, 0);
    }
    shell_end(&s);
}

static void keys_are_hidden(void)
{
    shell_begin(&s);
    struct config_interface *r0 = &s.config->interfaces[0];
    r0->rip.auth_mode = RIP_AUTH_MD5;
    r0->rip.key = strdup("very secret");
    char *text = shell_plain(&s, "show tech-support");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "mode = \"md5\"; key = \"" SCHEMA_VEIL "\";"));
    CU_ASSERT_PTR_NULL(strstr(text, "very secret"));
    free(text);
    text = shell_plain(&s, "show running-config");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "key = \"very secret\";"));
    free(text);
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"routes in JSON are in FRR's shape", route_json},
    {"routes are chosen by protocol, prefix and address", route_selection},
    {"routes as text are as FRR writes them", route_text},
    {"the FIB shows own addresses as receive", fib},
    {"neighbours show state, age and no MAC while incomplete", arp},
    {"interfaces show state, addresses and counters", interfaces},
    {"drops and balance add up, and clear", drops},
    {"traffic has the names of RFC 4293", traffic},
    {"the process tells version, memory, threads and users", the_process},
    {"tech-support holds all that is asked for", tech_support},
    {"tech-support that nobody reads lets go of everything", tech_support_unread},
    {"keys and passwords are hidden in what is given away", keys_are_hidden},
    {"the startup file is shown whole, and only if it is a file", startup},
};
UNIT_MAIN("show", cases)
