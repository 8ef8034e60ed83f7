/* Configuration mode over the pretended router, whose running configuration really changes: what each command does,
 * what is refused, drafts, and that no command, key of the file or entry of the manual is without the others. Run from
 * the top of the tree. */
#define _GNU_SOURCE
#include "cli/configure.h"
#include "tests/unit/support/shell.h"

static struct shell s;

static char *text_of_config(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    CU_ASSERT_TRUE(config_write_all(config, to));
    fclose(to);
    return text;
}

static void expect(const char *input, const char *answer)
{
    char *text = shell_plain(&s, input);
    CU_ASSERT_STRING_EQUAL(text, answer);
    if (strcmp(text, answer) != 0)
        printf("\n  %s\n  got: %s\n  not: %s\n", input, text, answer);
    free(text);
}

static bool answers(const char *input, const char *with)
{
    char *text = shell_plain(&s, input);
    bool found = strstr(text, with) != NULL;
    if (!found)
        printf("\n  %s\n  got: %.600s\n  not: %s\n", input, text, with);
    free(text);
    return found;
}

static bool runs_with(const char *with)
{
    char *text = text_of_config(s.config);
    bool found = strstr(text, with) != NULL;
    free(text);
    return found;
}

/* Refused for that reason, and nothing is changed by it. */
static void refused(const char *input, const char *reason)
{
    char *before = text_of_config(s.config);
    CU_ASSERT_TRUE(answers(input, reason));
    char *after = text_of_config(s.config);
    CU_ASSERT_STRING_EQUAL(before, after);
    free(before);
    free(after);
}

/* ---- every key of the file ---- */

/* PREPARE is said before, so that the key can be set; then SET changes the key, and UNDO brings back what was. */
struct key_case {
    const char *path, *mode, *prepare, *set, *undo;
};

#define IF_R0 "interface r0\n"
#define RIP   "router rip\n"
#define CHAIN "key chain k\n"
#define KEYED "key 3 key-string abc"

static const struct key_case key_cases[] = {
    {"hostname", "", "", "hostname lab.r9", "no hostname"},
    {"log.level", "", "", "log level debug", "no log level"},
    {"log.level", "", "", "log level error", "no log level error"},
    {"log.level", "", "", "log level warning", "no log level"},
    {"log.level", "", "", "log level notice", "log level info"},
    {"log.destination", "", "", "log destination syslog", "no log destination"},
    {"log.destination", "", "", "log destination syslog", "log destination stderr"},
    {"forwarding.lanes", "", "", "forwarding lanes 2", "no forwarding lanes"},
    {"forwarding.cpus", "", "", "forwarding cpus 0,2,3", "no forwarding cpus"},
    {"forwarding.realtime", "", "", "forwarding realtime", "no forwarding realtime"},
    {"forwarding.qdisc-bypass", "", "", "forwarding qdisc-bypass off", "no forwarding qdisc-bypass"},
    {"forwarding.qdisc-bypass", "", "", "forwarding qdisc-bypass on", "forwarding qdisc-bypass auto"},
    {"interfaces.name", "", "", "interface r7", "no interface r7"},
    {"interfaces.type", "interface gone0\n", "", "type loopback", "no type"},
    {"interfaces.type", "interface gone0\n", "", "type loopback", "type ethernet"},
    {"interfaces.description", "interface r1\n", "", "description to the \"core\", 2nd floor", "no description"},
    {"interfaces.addresses", IF_R0, "", "ip address 10.77.0.1/24", "no ip address 10.77.0.1/24"},
    {"interfaces.addresses", IF_R0, "", "ip address 10.77.0.1 255.255.255.0", "no ip address 10.77.0.1 255.255.255.0"},
    {"interfaces.mtu", IF_R0, "", "mtu 1400", "no mtu"},
    {"interfaces.mtu", IF_R0, "", "mtu 1400", "no mtu 1400"},
    {"interfaces.shutdown", IF_R0, "", "shutdown", "no shutdown"},
    {"interfaces.proxy-arp", IF_R0, "", "ip proxy-arp", "no ip proxy-arp"},
    {"interfaces.arp-timeout", IF_R0, "", "arp timeout 60", "no arp timeout"},
    {"interfaces.redirects", IF_R0, "", "no ip redirects", "ip redirects"},
    {"interfaces.unreachables", IF_R0, "", "no ip unreachables", "ip unreachables"},
    {"interfaces.mask-reply", IF_R0, "", "ip mask-reply", "no ip mask-reply"},
    {"interfaces.directed-broadcast", IF_R0, "", "ip directed-broadcast", "no ip directed-broadcast"},
    {"interfaces.source-route", IF_R0, "", "ip source-route", "no ip source-route"},
    {"static-routes.prefix", "", "", "ip route 10.9.0.0/16 10.0.2.9", "no ip route 10.9.0.0/16"},
    {"static-routes.prefix", "", "", "ip route 10.9.0.0 255.255.0.0 10.0.2.9", "no ip route 10.9.0.0 255.255.0.0"},
    {"static-routes.via", "", "ip route 10.9.0.0/16 10.0.2.9", "ip route 10.9.0.0/16 10.0.2.8",
     "no ip route 10.9.0.0/16 10.0.2.8"},
    {"static-routes.interface", "", "", "ip route 10.9.0.0/16 r1", "no ip route 10.9.0.0/16 r1"},
    {"static-routes.interface", "", "", "ip route 10.9.0.0/16 r1 10.0.2.9", "no ip route 10.9.0.0/16 r1 10.0.2.9"},
    {"static-routes.type", "", "", "ip route 10.66.0.0/16 blackhole", "no ip route 10.66.0.0/16 blackhole"},
    {"static-routes.type", "", "", "ip route 10.66.0.0/16 unreachable", "no ip route 10.66.0.0/16 unreachable"},
    {"static-routes.type", "", "", "ip route 10.66.0.0/16 prohibit 9", "no ip route 10.66.0.0/16 prohibit"},
    {"static-routes.distance", "", "ip route 10.9.0.0/16 10.0.2.9", "ip route 10.9.0.0/16 10.0.2.9 250",
     "no ip route 10.9.0.0/16 10.0.2.9 250"},
    {"static-routes-file", "", "", "static-routes-file routes.txt", "no static-routes-file"},
    {"static-arp.interface", "", "", "arp 10.0.1.9 02:00:00:00:00:09 r0", "no arp 10.0.1.9 02:00:00:00:00:09 r0"},
    {"static-arp.address", "", "", "arp 10.0.2.9 02:00:00:00:00:09 r1", "no arp 10.0.2.9"},
    {"static-arp.mac", "", "arp 10.0.1.9 02:00:00:00:00:09 r0", "arp 10.0.1.9 02-00-00-00-00-0a r0",
     "arp 10.0.1.9 02:00:00:00:00:09 r0"},
    {"prefix-lists.name", "", "", "ip prefix-list lan permit any", "no ip prefix-list lan"},
    {"prefix-lists.rules.seq", "", "", "ip prefix-list lan seq 10 permit any", "no ip prefix-list lan seq 10"},
    {"prefix-lists.rules.seq", "", "", "ip prefix-list lan seq 7 deny 10.0.0.0/8 ge 24",
     "no ip prefix-list lan seq 7 deny 10.0.0.0/8 ge 24"},
    {"prefix-lists.rules.action", "", "ip prefix-list lan permit any", "ip prefix-list lan deny 10.0.0.0/8",
     "no ip prefix-list lan deny 10.0.0.0/8"},
    {"prefix-lists.rules.prefix", "", "", "ip prefix-list lan permit 10.0.0.0/8",
     "no ip prefix-list lan permit 10.0.0.0/8"},
    {"prefix-lists.rules.ge", "", "", "ip prefix-list lan permit 10.0.0.0/8 ge 24",
     "no ip prefix-list lan permit 10.0.0.0/8 ge 24"},
    {"prefix-lists.rules.le", "", "", "ip prefix-list lan permit 10.0.0.0/8 le 24",
     "no ip prefix-list lan permit 10.0.0.0/8 le 24"},
    {"prefix-lists.rules.le", "", "", "ip prefix-list lan deny any", "no ip prefix-list lan deny any"},
    {"key-chains.name", "", "", "key chain k", "no key chain k"},
    {"key-chains.fail-secure", CHAIN, "", "fail-secure", "no fail-secure"},
    {"key-chains.keys.id", CHAIN, "", "key 7 key-string abc", "no key 7"},
    {"key-chains.keys.key", CHAIN, KEYED, "key 3 key-string two words", KEYED},
    {"key-chains.keys.key", CHAIN, KEYED, "key 3 key-string hex:00ff9A", KEYED},
    {"key-chains.keys.algorithm", CHAIN, KEYED, "key 3 algorithm sha256", "no key 3 algorithm"},
    {"key-chains.keys.algorithm", CHAIN, KEYED, "key 3 algorithm md5", "no key 3 algorithm"},
    {"key-chains.keys.algorithm", CHAIN, KEYED, "key 3 algorithm sha1", "no key 3 algorithm"},
    {"key-chains.keys.algorithm", CHAIN, KEYED, "key 3 algorithm sha384", "no key 3 algorithm"},
    {"key-chains.keys.algorithm", CHAIN, KEYED, "key 3 algorithm sha512", "no key 3 algorithm"},
    {"key-chains.keys.algorithm", CHAIN, KEYED, "key 3 algorithm text", "no key 3 algorithm"},
    {"key-chains.keys.send", CHAIN, KEYED, "key 3 send-lifetime 2026-11-20 09:00..2027-01-01",
     "no key 3 send-lifetime"},
    {"key-chains.keys.accept", CHAIN, KEYED, "key 3 accept-lifetime ..2027-01-01T00:00:30Z",
     "no key 3 accept-lifetime"},
    {"rip.enabled", "", "", "router rip", "no router rip"},
    {"rip.version", RIP, "", "version 1", "no version"},
    {"rip.distance", RIP, "", "distance 90", "no distance"},
    {"rip.distance", RIP, "", "distance 90", "no distance 90"},
    {"rip.timers.update", RIP, "", "timers basic 5 15 10", "no timers basic"},
    {"rip.timers.timeout", RIP, "", "timers basic 30 90 120", "no timers basic 30 90 120"},
    {"rip.timers.garbage", RIP, "", "timers basic 30 180 1", "timers basic 30 180 120"},
    {"rip.timers.hold-down", RIP, "", "timers hold-down 60", "no timers hold-down"},
    {"rip.redistribute.protocol", RIP, "", "redistribute connected", "no redistribute connected"},
    {"rip.redistribute.metric", RIP, "", "redistribute static metric 3", "no redistribute static metric 3"},
    {"rip.redistribute.tag", RIP, "redistribute static", "redistribute static tag 7", "redistribute static"},
    {"rip.redistribute.prefix-list", "", "ip prefix-list lan permit any",
     "router rip\nredistribute static prefix-list lan", "no router rip"},
    {"rip.default-metric", RIP, "", "default-metric 4", "no default-metric"},
    {"rip.default-information", RIP, "", "default-information originate", "no default-information originate"},
    {"rip.neighbors", RIP, "", "neighbor 10.0.1.9", "no neighbor 10.0.1.9"},
    {"rip.ecmp", RIP, "", "maximum-paths 4", "no maximum-paths"},
    {"rip.distances.source", RIP, "", "distance 90 10.0.1.0/24", "no distance 90 10.0.1.0/24"},
    {"rip.distances.distance", RIP, "distance 90 10.0.1.0/24", "distance 91 10.0.1.0/24", "distance 90 10.0.1.0/24"},
    {"rip.distances.prefix-list", "", "ip prefix-list lan permit any", "router rip\ndistance 90 10.0.1.0/24 lan",
     "no router rip"},
    {"rip.route-limit", RIP, "", "route-limit 500", "no route-limit"},
    {"rip.table-limit", RIP, "", "table-limit 500", "no table-limit"},
    {"interfaces.igmp.version", IF_R0, "", "ip igmp version 2", "no ip igmp version"},
    {"interfaces.igmp.robustness", IF_R0, "", "ip igmp robustness 3", "no ip igmp robustness"},
    {"interfaces.igmp.query-interval", IF_R0, "", "ip igmp query-interval 60", "no ip igmp query-interval"},
    {"interfaces.igmp.query-response-interval", IF_R0, "", "ip igmp query-response-interval 2.5",
     "no ip igmp query-response-interval"},
    {"interfaces.igmp.last-member-query-interval", IF_R0, "", "ip igmp last-member-query-interval 0.5",
     "no ip igmp last-member-query-interval"},
    {"interfaces.igmp.last-member-query-count", IF_R0, "", "ip igmp last-member-query-count 4",
     "no ip igmp last-member-query-count"},
    {"interfaces.igmp.startup-query-interval", IF_R0, "", "ip igmp startup-query-interval 5",
     "no ip igmp startup-query-interval"},
    {"interfaces.igmp.startup-query-count", IF_R0, "", "ip igmp startup-query-count 3",
     "no ip igmp startup-query-count"},
    {"interfaces.igmp.group-limit", IF_R0, "", "ip igmp group-limit 10", "no ip igmp group-limit"},
    {"interfaces.igmp.source-limit", IF_R0, "", "ip igmp source-limit 10", "no ip igmp source-limit"},
    {"interfaces.igmp.host-limit", IF_R0, "", "ip igmp host-limit 10", "no ip igmp host-limit"},
    {"interfaces.igmp.report-limit", IF_R0, "", "ip igmp report-limit 10", "no ip igmp report-limit"},
    {"interfaces.igmp.require-router-alert", IF_R0, "", "ip igmp require-router-alert",
     "no ip igmp require-router-alert"},
    {"interfaces.igmp.fast-leave", IF_R0, "", "ip igmp fast-leave", "no ip igmp fast-leave"},
    {"interfaces.igmp.enabled", IF_R0, "", "ip igmp enable", "no ip igmp enable"},
    {"interfaces.igmp.querier", IF_R0, "", "no ip igmp querier", "ip igmp querier"},
    {"interfaces.igmp.static-groups", IF_R0, "", "ip igmp static-group 239.1.1.1", "no ip igmp static-group 239.1.1.1"},
    {"interfaces.multicast.ttl-threshold", IF_R0, "", "ip multicast ttl-threshold 16", "no ip multicast ttl-threshold"},
    {"interfaces.multicast.boundaries", IF_R0, "", "ip multicast boundary 239.255.0.0/16",
     "no ip multicast boundary 239.255.0.0/16"},
    {"multicast.enabled", "", "", "multicast enable", "no multicast enable"},
    {"multicast.upstream", "", "", "multicast upstream r0", "no multicast upstream"},
    {"multicast.route-limit", "", "", "multicast route-limit 10", "no multicast route-limit"},
    {"multicast.idle-timeout", "", "", "multicast idle-timeout 60", "no multicast idle-timeout"},
    {"multicast.ssm-ranges", "", "", "multicast ssm-range 239.232.0.0/16", "no multicast ssm-range 239.232.0.0/16"},
    {"interfaces.rip.enabled", IF_R0, "", "ip rip enable", "no ip rip enable"},
    {"interfaces.rip.enabled", RIP, "", "network r0", "no network r0"},
    {"interfaces.rip.enabled", RIP, "", "network 10.0.1.0/24", "no network 10.0.1.0/24"},
    {"interfaces.rip.passive", IF_R0, "", "ip rip passive", "no ip rip passive"},
    {"interfaces.rip.passive", RIP, "", "passive-interface r0", "no passive-interface r0"},
    {"interfaces.rip.send-version", IF_R0, "", "ip rip send version 1", "no ip rip send version"},
    {"interfaces.rip.send-version", IF_R0, "", "ip rip send version 1 2", "no ip rip send version 1 2"},
    {"interfaces.rip.receive-version", IF_R0, "", "ip rip receive version 2", "no ip rip receive version"},
    {"interfaces.rip.receive-version", IF_R0, "", "ip rip receive version 1", "ip rip receive version 2 1"},
    {"interfaces.rip.triggered", IF_R0, "", "ip rip triggered", "no ip rip triggered"},
    {"interfaces.rip.v2-broadcast", IF_R0, "", "ip rip v2-broadcast", "no ip rip v2-broadcast"},
    {"interfaces.rip.split-horizon", IF_R0, "", "ip rip split-horizon", "ip rip split-horizon poisoned-reverse"},
    {"interfaces.rip.split-horizon", IF_R0, "ip rip split-horizon", "no ip rip split-horizon", "ip rip split-horizon"},
    {"interfaces.rip.split-horizon", IF_R0, "", "no ip rip split-horizon poisoned-reverse",
     "ip rip split-horizon poisoned-reverse"},
    {"interfaces.rip.authentication.mode", IF_R0, "ip rip authentication string abc", "ip rip authentication mode text",
     "no ip rip authentication mode"},
    {"interfaces.rip.authentication.mode", IF_R0, "ip rip authentication string abc", "ip rip authentication mode md5",
     "ip rip authentication mode none"},
    {"interfaces.rip.authentication.mode", IF_R0, "ip rip authentication string abc", "ip rip authentication mode sha1",
     "no ip rip authentication mode"},
    {"interfaces.rip.authentication.mode", IF_R0, "ip rip authentication string abc",
     "ip rip authentication mode sha256", "no ip rip authentication mode"},
    {"interfaces.rip.authentication.mode", IF_R0, "ip rip authentication string abc",
     "ip rip authentication mode sha384", "no ip rip authentication mode"},
    {"interfaces.rip.authentication.mode", IF_R0, "ip rip authentication string abc",
     "ip rip authentication mode sha512", "no ip rip authentication mode"},
    {"interfaces.rip.authentication.key-id", IF_R0, "", "ip rip authentication key-id 9",
     "no ip rip authentication key-id"},
    {"interfaces.rip.authentication.key", IF_R0, "", "ip rip authentication string a b",
     "no ip rip authentication string"},
    {"interfaces.rip.authentication.key", IF_R0, "", "ip rip authentication string ab", "no ip rip authentication"},
    {"interfaces.rip.authentication.key-chain", IF_R0, "", "ip rip authentication key-chain k",
     "no ip rip authentication key-chain"},
    {"interfaces.rip.metric-in", IF_R0, "", "ip rip metric-in 2", "no ip rip metric-in"},
    {"interfaces.rip.metric-out", IF_R0, "", "ip rip metric-out 16", "no ip rip metric-out"},
    {"interfaces.rip.filter-in", IF_R0, "ip prefix-list lan permit any", "ip rip filter-in lan", "no ip rip filter-in"},
    {"interfaces.rip.filter-out", IF_R0, "ip prefix-list lan permit any", "ip rip filter-out lan",
     "no ip rip filter-out"},
    {"interfaces.rip.offset-lists.direction", IF_R0, "", "ip rip offset-list out 3", "no ip rip offset-list out 3"},
    {"interfaces.rip.offset-lists.metric", IF_R0, "", "ip rip offset-list in 2", "no ip rip offset-list in 2"},
    {"interfaces.rip.offset-lists.prefix-list", IF_R0, "ip prefix-list lan permit any", "ip rip offset-list in 2 lan",
     "no ip rip offset-list in 2 lan"},
    {"interfaces.rip.summaries", IF_R0, "", "ip rip summary-address 10.0.0.0/8",
     "no ip rip summary-address 10.0.0.0/8"},
    {"interfaces.rip.auto-summary", IF_R0, "", "ip rip auto-summary", "no ip rip auto-summary"},
    {"icmp.rate-limit", "", "", "icmp rate-limit 0", "no icmp rate-limit"},
    {"icmp.burst", "", "", "icmp burst 5", "no icmp burst"},
    {"cli.socket", "", "", "cli socket /tmp/other.sock", "no cli socket"},
    {"cli.group", "", "", "cli group netops", "no cli group"},
    {"cli.group", "", "", "cli group \"\"", "cli group ferry"},
    {"cli.idle-timeout", "", "", "cli idle-timeout 0", "no cli idle-timeout"},
};
#define N_KEY_CASES (sizeof key_cases / sizeof key_cases[0])

/* What comes back but for a word on a restart. */
static void say(const char *mode, const char *line)
{
    char input[512];
    snprintf(input, sizeof input, "configure terminal\n%s%s\n", mode, line);
    char *text = shell_plain(&s, input);
    CU_ASSERT_TRUE(text[0] == '\0' || strstr(text, "takes effect at the next start") != NULL);
    if (text[0] == '%')
        printf("\n  %s: %s\n", line, text);
    free(text);
}

/* Do A and B, of the struct that GROUP describes, differ in the key of that path, in whatever entry? */
static bool key_differs(const struct schema_group *group, const char *path, const void *a, const void *b)
{
    char name[64];
    size_t len = strcspn(path, ".");
    snprintf(name, sizeof name, "%.*s", (int)len, path);
    const struct schema_key *key = schema_find(group, name);
    if (path[len] == '\0')
        return !schema_same(key, a, b);
    if (key->kind == SCHEMA_GROUP)
        return key_differs(key->group, path + len + 1, a, b);
    size_t n = schema_count(key, a);
    if (schema_count(key, b) != n)
        return true;
    for (size_t i = 0; i < n; i++)
        if (key_differs(key->group, path + len + 1, schema_look(key, a, i), schema_look(key, b, i)))
            return true;
    return false;
}

static void keys_are_set_and_undone(void)
{
    for (size_t i = 0; i < N_KEY_CASES; i++) {
        const struct key_case *c = &key_cases[i];
        shell_begin(&s);
        if (c->prepare[0] != '\0')
            say(c->mode, c->prepare);
        else if (c->mode[0] != '\0')
            say("", c->mode); /* entering a mode may make what it is about */
        const struct config *before = s.config;
        say(c->mode, c->set);
        CU_ASSERT_TRUE(key_differs(&schema_root, c->path, before, s.config));
        if (!key_differs(&schema_root, c->path, before, s.config))
            printf("\n  %s: %s\n", c->path, c->set);
        say(c->mode, c->undo);
        CU_ASSERT_TRUE(config_equal(before, s.config));
        if (!config_equal(before, s.config))
            printf("\n  %s: %s\n", c->path, c->undo);
        CU_ASSERT_NOT_EQUAL(s.n_past, 0);
        shell_end(&s);
    }
}

static void find_keys(const struct schema_group *group, const char *above)
{
    for (size_t i = 0; i < group->n; i++) {
        const struct schema_key *key = &group->keys[i];
        char path[128];
        snprintf(path, sizeof path, "%s%s%s", above, above[0] == '\0' ? "" : ".", key->name);
        CU_ASSERT_TRUE(edit_schema(path) == key);
        if (key->later)
            continue;
        if (key->group != NULL) {
            find_keys(key->group, path);
            continue;
        }
        bool found = false;
        for (size_t k = 0; k < N_KEY_CASES; k++)
            found = found || strcmp(key_cases[k].path, path) == 0;
        CU_ASSERT_TRUE(found);
        CU_ASSERT_PTR_NOT_NULL(key->shell);
        if (!found || key->shell == NULL)
            printf("\n  no command sets %s, or none is in the schema\n", path);
    }
}

static void every_key_has_a_command(void)
{
    find_keys(&schema_root, "");
}

/* ---- every command ---- */

static const struct example {
    const struct mode *mode;
    const char *line;
} examples[] = {
    {&mode_exec, "show version"},
    {&mode_exec, "show running-config"},
    {&mode_exec, "show startup-config"},
    {&mode_exec, "show tech-support"},
    {&mode_exec, "show interfaces"},
    {&mode_exec, "show interfaces r0"},
    {&mode_exec, "show ip interface brief"},
    {&mode_exec, "show ip route"},
    {&mode_exec, "show ip route 10.0.0.1"},
    {&mode_exec, "show ip route 10.0.0.0/8"},
    {&mode_exec, "show ip route connected"},
    {&mode_exec, "show ip route static"},
    {&mode_exec, "show ip route rip"},
    {&mode_exec, "show ip route kernel"},
    {&mode_exec, "show ip route summary"},
    {&mode_exec, "show ip fib"},
    {&mode_exec, "show ip fib 10.0.0.1"},
    {&mode_exec, "show ip fib summary"},
    {&mode_exec, "show ip arp"},
    {&mode_exec, "show ip arp r0"},
    {&mode_exec, "show ip traffic"},
    {&mode_exec, "show ip rip"},
    {&mode_exec, "show ip rip status"},
    {&mode_exec, "show ip rip neighbors"},
    {&mode_exec, "show ip rip interfaces"},
    {&mode_exec, "clear ip rip"},
    {&mode_exec, "clear ip rip counters"},
    {&mode_exec, "clear ip rip neighbor 10.0.1.2"},
    {&mode_exec, "debug rip"},
    {&mode_exec, "debug rip events"},
    {&mode_exec, "debug rip packets"},
    {&mode_exec, "debug rip routes"},
    {&mode_exec, "debug rip interface r0"},
    {&mode_exec, "debug rip routes prefix 10.9.0.0/16"},
    {&mode_exec, "no debug rip"},
    {&mode_exec, "no debug rip events"},
    {&mode_exec, "no debug rip packets"},
    {&mode_exec, "no debug rip routes"},
    {&mode_exec, "show drops"},
    {&mode_exec, "show drops r0"},
    {&mode_exec, "show memory"},
    {&mode_exec, "show processes"},
    {&mode_exec, "show logging"},
    {&mode_exec, "show users"},
    {&mode_exec, "show history"},
    {&mode_exec, "show interfaces rates"},
    {&mode_exec, "show interfaces r0 rates"},
    {&mode_exec, "show debugging"},
    {&mode_exec, "debug arp"},
    {&mode_exec, "debug icmp"},
    {&mode_exec, "debug igmp"},
    {&mode_exec, "debug packet"},
    {&mode_exec, "debug arp interface r0"},
    {&mode_exec, "debug arp prefix 10.0.1.0/24"},
    {&mode_exec, "no debug arp"},
    {&mode_exec, "no debug icmp"},
    {&mode_exec, "no debug igmp"},
    {&mode_exec, "no debug packet"},
    {&mode_exec, "debug packet interface r0"},
    {&mode_exec, "debug packet prefix 10.0.2.0/24"},
    {&mode_exec, "undebug packet"},
    {&mode_exec, "undebug all"},
    {&mode_exec, "terminal monitor"},
    {&mode_exec, "terminal monitor error"},
    {&mode_exec, "terminal monitor warning"},
    {&mode_exec, "terminal monitor notice"},
    {&mode_exec, "terminal monitor info"},
    {&mode_exec, "terminal monitor debug"},
    {&mode_exec, "no terminal monitor"},
    {&mode_exec, "terminal length 0"},
    {&mode_exec, "show changes"},
    {&mode_exec, "show rollback"},
    {&mode_exec, "show rollback 1"},
    {&mode_exec, "clear ip arp"},
    {&mode_exec, "clear ip arp 10.0.1.2"},
    {&mode_exec, "clear counters"},
    {&mode_exec, "clear counters r0"},
    {&mode_exec, "show ip igmp"},
    {&mode_exec, "show ip igmp interfaces"},
    {&mode_exec, "show ip igmp groups"},
    {&mode_exec, "show ip igmp groups detail"},
    {&mode_exec, "show ip mroute"},
    {&mode_exec, "show ip mroute 239.1.1.1"},
    {&mode_exec, "clear ip igmp counters"},
    {&mode_exec, "clear ip igmp groups"},
    {&mode_exec, "clear ip igmp groups r0"},
    {&mode_exec, "clear ip igmp groups 239.1.1.1"},
    {&mode_exec, "clear ip igmp groups r0 239.1.1.1"},
    {&mode_exec, "clear ip mroute"},
    {&mode_exec, "clear ip mroute 239.1.1.1"},
    {&mode_exec, "clear ip mroute 239.1.1.1 10.0.1.2"},
    {&mode_exec, "ping 10.0.2.2"},
    {&mode_exec, "ping 10.0.2.2 count 3"},
    {&mode_exec, "ping 10.0.2.2 size 1472"},
    {&mode_exec, "ping 10.0.2.2 df"},
    {&mode_exec, "ping 10.0.2.2 source 10.0.1.1"},
    {&mode_exec, "ping h2.lab"},
    {&mode_exec, "ping 10.0.2.2 interval 100"},
    {&mode_exec, "ping 10.0.2.2 timeout 2"},
    {&mode_exec, "ping 10.0.2.2 ttl 3"},
    {&mode_exec, "ping 10.0.2.2 tos 184"},
    {&mode_exec, "traceroute 10.0.2.2"},
    {&mode_exec, "traceroute h2.lab"},
    {&mode_exec, "traceroute 10.0.2.2 df"},
    {&mode_exec, "traceroute 10.0.2.2 icmp"},
    {&mode_exec, "traceroute 10.0.2.2 first-ttl 2"},
    {&mode_exec, "traceroute 10.0.2.2 max-ttl 20"},
    {&mode_exec, "traceroute 10.0.2.2 port 33500"},
    {&mode_exec, "traceroute 10.0.2.2 probes 1"},
    {&mode_exec, "traceroute 10.0.2.2 size 1500"},
    {&mode_exec, "traceroute 10.0.2.2 source 10.0.1.1"},
    {&mode_exec, "traceroute 10.0.2.2 timeout 2"},
    {&mode_exec, "capture r0 /tmp/r0.pcapng"},
    {&mode_exec, "capture r0 /tmp/r0.pcapng count 100"},
    {&mode_exec, "capture r0 /tmp/r0.pcapng filter icmp"},
    {&mode_exec, "trace packet"},
    {&mode_exec, "trace packet count 3"},
    {&mode_exec, "trace packet filter icmp"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 df"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 in r0"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 protocol icmp"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 protocol tcp"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 protocol udp"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 protocol 47"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 port 80"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 size 1500"},
    {&mode_exec, "trace packet from 10.0.1.2 to 10.0.2.2 ttl 3"},
    {&mode_exec, "monitor"},
    {&mode_exec, "monitor count 3"},
    {&mode_exec, "reload configuration"},
    {&mode_exec, "configure"},
    {&mode_exec, "configure terminal"},
    {&mode_exec, "configure session"},
    {&mode_exec, "commit"},
    {&mode_exec, "rollback 1"},
    {&mode_exec, "write"},
    {&mode_exec, "write memory"},
    {&mode_exec, "write memory force"},
    {&mode_exec, "copy running-config startup-config"},
    {&mode_exec, "copy running-config /root/r1.conf"},
    {&mode_exec, "exit"},
    {&mode_exec, "quit"},
    {&mode_exec, "end"},
    {&mode_config, "do show ip route"},
    {&mode_config, "commit confirmed 5"},
    {&mode_config, "abort"},
    {&mode_config, "interface r0"},
    {&mode_config, "interface r8"},
    {&mode_config, "no interface gone0"},
    {&mode_interface, "no ip address"},
    {&mode_rip, "distance 90 10.0.1.0/24 lan"},
    {&mode_rip, "redistribute static metric 3 prefix-list lan"},
    {&mode_interface, "ip rip send version 2"},
    {&mode_interface, "ip rip send version 2 1"},
    {&mode_interface, "no ip rip send version 1"},
    {&mode_interface, "no ip rip authentication mode md5"},
    {&mode_interface, "no ip rip split-horizon poisoned-reverse"},
    {&mode_config, "ip prefix-list lan permit any"},
};
#define N_EXAMPLES (sizeof examples / sizeof examples[0])

static const char *interface_name(const void *context, unsigned i)
{
    static const char *const names[] = {"r0", "r1", "lo0", "gone0", "r7"};
    (void)context;
    return i < sizeof names / sizeof names[0] ? names[i] : NULL;
}

static const struct command_world world = {.interface = interface_name};

static const struct command *reached[768];
static unsigned n_reached;

static bool is_reached(const struct command *command)
{
    for (unsigned i = 0; i < n_reached; i++)
        if (reached[i] == command)
            return true;
    return false;
}

static bool understand(const struct mode *mode, const char *text, struct command_line *line)
{
    struct command_error error;
    for (const struct mode *first = mode; mode == first || mode->parent != NULL; mode = mode->parent)
        if (command_match(mode->root, &world, text, line, &error))
            return true;
    printf("\n  \"%s\": %s\n", text, error.text);
    return false;
}

static void reach(const struct mode *mode, const char *text)
{
    static struct command_line line;
    if (strchr(text, '\n') != NULL || text[0] == '\0')
        return; /* several lines, whose commands have other cases */
    bool good = understand(mode, text, &line);
    CU_ASSERT_TRUE(good);
    if (!good || is_reached(line.last))
        return;
    CU_ASSERT_FATAL(n_reached < sizeof reached / sizeof reached[0]);
    reached[n_reached++] = line.last;
}

static const struct mode *mode_of(const char *entered)
{
    if (entered[0] == '\0')
        return &mode_config;
    return strcmp(entered, RIP) == 0 ? &mode_rip : strcmp(entered, CHAIN) == 0 ? &mode_key_chain : &mode_interface;
}

static void reach_all(void)
{
    n_reached = 0;
    for (size_t i = 0; i < N_EXAMPLES; i++)
        reach(examples[i].mode, examples[i].line);
    for (size_t i = 0; i < N_KEY_CASES; i++) {
        const struct mode *mode = mode_of(key_cases[i].mode);
        reach(mode, key_cases[i].prepare);
        reach(mode, key_cases[i].set);
        reach(mode, key_cases[i].undo);
    }
}

/* The manual's entries, a line each and each word between spaces: what follows ".It Ic", that of the list of options
 * inside of an entry included. */
static char manual[64 * 1024];

static void read_manual(void)
{
    char line[1024];
    size_t len = 0;
    unsigned depth = 0;
    FILE *file = fopen("man/ferrysh.1", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        depth += strncmp(line, ".Bl", 3) == 0;
        depth -= strncmp(line, ".El", 3) == 0;
        if (strncmp(line, ".It Ic ", 7) == 0)
            len += (size_t)snprintf(manual + len, sizeof manual - len, "%s %s ", depth > 1 ? "" : "\n", line + 7);
    }
    fclose(file);
    snprintf(manual + len, sizeof manual - len, "\n");
    CU_ASSERT_TRUE(len > 1000 && len + 2 < sizeof manual);
}

/* Does one entry have all of the words? Options come in any order. */
static bool in_manual(const char *const *words, unsigned n)
{
    for (const char *entry = manual, *end; (end = strchr(entry, '\n')) != NULL; entry = end + 1) {
        unsigned i = 0;
        for (; i < n; i++) {
            char word[64];
            snprintf(word, sizeof word, " %s ", words[i]);
            const char *found = strstr(entry, word);
            if (found == NULL || found > end)
                break;
        }
        if (i == n)
            return true;
    }
    return false;
}

static const struct command *walked[768];
static unsigned n_walked;

/* WORDS are the keywords that lead here; `do` leads to all of exec mode, which is walked by itself. */
static void walk(const struct command *const *next, const char **words, unsigned n, unsigned depth)
{
    for (; next != NULL && *next != NULL && depth < 8; next++) {
        const struct command *c = *next;
        unsigned now = n;
        if ((c->flags & COMMAND_HIDDEN) != 0)
            continue;
        bool helped = c->help != NULL && strlen(c->help) > 2 && strlen(c->help) < 60;
        if (c->kind == COMMAND_WORD && strcmp(c->word, "no") != 0)
            words[now++] = c->word;
        bool described = now == n || in_manual(words, now);
        bool shown = c->run == NULL || is_reached(c);
        CU_ASSERT_TRUE(helped && described && shown);
        if (!helped || !described || !shown) {
            printf("\n  %s%s%s:", helped ? "" : "no help ", described ? "" : "not in the manual",
                   shown ? "" : " no example");
            for (unsigned i = 0; i < now; i++)
                printf(" %s", words[i]);
            printf(" (%s)\n", c->word);
        }
        bool before = false; /* options lead back to their list */
        for (unsigned i = 0; i < n_walked; i++)
            before = before || walked[i] == c;
        if (before || strcmp(c->word, "do") == 0)
            continue;
        CU_ASSERT_FATAL(n_walked < sizeof walked / sizeof walked[0]);
        walked[n_walked++] = c;
        walk(c->next, words, now, depth + 1);
    }
}

static void every_command_is_told_and_tried(void)
{
    static const struct mode *const modes[] = {&mode_exec, &mode_config, &mode_interface, &mode_rip, &mode_key_chain};
    const char *words[16];
    reach_all();
    read_manual();
    n_walked = 0;
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++)
        walk(modes[i]->root, words, 0, 0);
    CU_ASSERT_TRUE(n_walked > 180);
}

static unsigned edits;

/* Numbers are as the schema has them, what changes something needs all rights, and words are the file's. */
static void check_edits(const struct command *const *next, unsigned depth)
{
    for (; next != NULL && *next != NULL && depth < 8; next++) {
        const struct command *c = *next;
        if (c->edit != NULL) {
            edits++;
            CU_ASSERT_EQUAL(c->flags & COMMAND_LOOK, 0);
            const struct schema_key *key = c->edit->key == NULL ? NULL : edit_schema(c->edit->key);
            CU_ASSERT_TRUE(c->edit->key == NULL || key != NULL);
            if (key != NULL && c->kind == COMMAND_NUMBER) {
                char range[64];
                snprintf(range, sizeof range, "(%lld-%lld)", (long long)key->min, (long long)key->max);
                CU_ASSERT_EQUAL(c->min, key->min);
                CU_ASSERT_EQUAL(c->max, key->max);
                CU_ASSERT_STRING_EQUAL(c->word, range);
            }
        }
        if (strcmp(c->word, "do") != 0)
            check_edits(c->next, depth + 1);
    }
}

static void edits_are_as_the_schema_says(void)
{
    edits = 0;
    check_edits(mode_config.root, 0);
    check_edits(mode_interface.root, 0);
    check_edits(mode_rip.root, 0);
    check_edits(mode_key_chain.root, 0);
    CU_ASSERT_TRUE(edits > 60);
}

/* ---- configure terminal ---- */

#define T "configure terminal\n"

static void at_once_or_not_at_all(void)
{
    shell_begin(&s);
    expect(T "interface r0\nip address 10.0.1.77/24\nexit\nhostname edge\nend\n", "");
    CU_ASSERT_TRUE(runs_with("10.0.1.77/24") && runs_with("hostname = \"edge\""));
    refused(T "interface r1\nip address 10.0.1.1/24", "% address 10.0.1.1 is there twice: 'r0' has it");
    refused(T "interface r0\nip address 10.0.1.255/24", "% 10.0.1.255/24 is the broadcast address of its subnet");
    refused(T "interface r0\nip address 10.0.9.1 255.0.255.0", "% 255.0.255.0 is not a mask");
    refused(T "interface r0\nno ip address 10.9.9.9/24", "% 10.9.9.9/24 is no address of interface 'r0'");
    refused(T "interface r0\nmtu 60", "% \"60\" is not known here; expected (68-65535)");
    refused(T "interface lo0\nmtu 1500", "% loopback interface 'lo0' has no device");
    refused(T "interface r/1", "% 'name' wants the name of an interface");
    refused(T "interface abcdefghijklmnop", "% 'name' wants the name of an interface");
    refused(T "no interface r9", "there is no interface \"r9\"");
    refused(T "hostname -x", "% 'hostname' wants a host name");
    refused(T "forwarding cpus 0,,1", "% 'cpus' wants values with commas");
    refused(T "forwarding cpus 0,1024", "% 'cpus' wants an integer from 0 to 1023, not 1024");
    refused(T "arp 10.0.1.9 02:00:00:00:00 r0", "% 'mac' wants an Ethernet address");
    refused(T "arp 10.0.2.9 02:00:00:00:00:01 r0", "% 10.0.2.9 is in no subnet of interface 'r0'");
    refused(T "no arp 10.0.1.9", "% there is no static neighbour 10.0.1.9");
    shell_end(&s);
}

static void interfaces(void)
{
    shell_begin(&s);
    expect(T "interface r9\nmtu 1400\nshutdown\ninterface lo7\nip address 10.255.0.7/32\n", "");
    CU_ASSERT_EQUAL(s.config->n_interfaces, 6);
    CU_ASSERT_EQUAL(s.config->interfaces[4].mtu, 1400);
    CU_ASSERT_TRUE(s.config->interfaces[4].shutdown && s.config->interfaces[4].type == CONFIG_ETHERNET);
    CU_ASSERT_EQUAL(s.config->interfaces[5].type, CONFIG_LOOPBACK);
    expect(T "interface Loopback0\ninterface loop\ninterface lo\ninterface loopback\n", "");
    for (unsigned i = 6; i < 10; i++)
        CU_ASSERT_EQUAL(s.config->interfaces[i].type, i == 6 ? CONFIG_LOOPBACK : CONFIG_ETHERNET);
    /* entering one that is there changes nothing */
    unsigned changes = s.n_past;
    expect(T "interface r9\nend\n", "");
    CU_ASSERT_EQUAL(s.n_past, changes);
    /* what is none of the mode's commands is the router's, whichever interface it is */
    expect(T "interface r9\nhostname edge\nip route 10.9.0.0/16 r9\n", "");
    CU_ASSERT_TRUE(runs_with("hostname = \"edge\""));
    refused(T "no interface r9", "% interface 'r9' of route 10.9.0.0/16 is not among the interfaces");
    expect(T "no ip route 10.9.0.0/16\nno interface r9\n", "");
    CU_ASSERT_PTR_NULL(config_interface_find(s.config, "r9"));
    expect(T "interface r0\nno ip address\n", "");
    CU_ASSERT_EQUAL(s.config->interfaces[0].n_addresses, 0);
    shell_end(&s);
}

static void interface_that_went(void)
{
    static const char mode[] = "configure terminal\ninterface gone0\n";
    static const char more[] = "mtu 1400\n";
    char answer[512];
    ssize_t len = -1;
    shell_begin(&s);
    int fd = shell_connect(&s);
    shell_send(fd, mode, sizeof mode - 1);
    for (unsigned i = 0; i < 20; i++)
        shell_turn(&s);
    expect(T "no interface gone0\n", "");
    shell_send(fd, more, sizeof more - 1);
    for (unsigned i = 0; i < 2000 && len < 0; i++)
        len = shell_receive(&s, fd, answer, sizeof answer - 1);
    answer[len < 0 ? 0 : len] = '\0';
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "% interface 'gone0' is no longer configured"));
    close(fd);
    shell_end(&s);
}

static void routes(void)
{
    char lines[4096] = T;
    shell_begin(&s);
    expect(T "ip route 10.9.0.0/16 10.0.2.2\nip route 10.9.0.0/16 10.0.2.3\nip route 10.9.0.0/16 10.0.2.3\n"
             "ip route 10.9.0.0/16 10.0.2.4 250\nip route 10.8.0.0/16 r1 10.0.2.5\nip route 10.8.0.0/16 r1 10.0.2.6\n"
             "ip route 10.7.0.0/16 r1\nip route 10.6.0.0/16 unreachable 9\nip route 10.6.0.0/16 unreachable 9\n",
           "");
    CU_ASSERT_TRUE(
        runs_with("  { prefix = \"10.9.0.0/16\"; via = [ \"10.0.2.2\", \"10.0.2.3\" ]; },\n"
                  "  { prefix = \"10.9.0.0/16\"; via = \"10.0.2.4\"; distance = 250; },\n"
                  "  { prefix = \"10.8.0.0/16\"; via = [ \"10.0.2.5\", \"10.0.2.6\" ]; interface = \"r1\"; },\n"
                  "  { prefix = \"10.7.0.0/16\"; interface = \"r1\"; },\n"
                  "  { prefix = \"10.6.0.0/16\"; type = \"unreachable\"; distance = 9; }\n"));
    refused(T "ip route 10.9.0.0/16 blackhole", "% route 10.9.0.0/16 of distance 1 is there with another way");
    refused(T "ip route 10.8.0.0/16 10.0.2.7", "is there with another way");
    refused(T "ip route 10.7.0.0/16 r1 10.0.2.7", "is there with another way");
    refused(T "ip route 10.6.0.0/16 prohibit 9", "is there with another way");
    refused(T "ip route 10.9.0.1/16 10.0.2.2", "% prefix 10.9.0.1/16 has bits beyond its length");
    refused(T "no ip route 10.9.0.0/16 10.0.2.4 1", "% there is no static route 10.9.0.0/16 with that way or distance");
    refused(T "no ip route 10.9.0.0/16 10.0.2.9", "% there is no static route 10.9.0.0/16 with that way");
    refused(T "no ip route 10.99.0.0/16", "% there is no static route 10.99.0.0/16\n");
    expect(T "no ip route 10.9.0.0/16 10.0.2.2\nno ip route 10.9.0.0/16 10.0.2.4\n"
             "no ip route 10.8.0.0/16 r1 10.0.2.5\nno ip route 10.7.0.0/16 r1\nno ip route 10.6.0.0/16 unreachable\n",
           "");
    CU_ASSERT_TRUE(runs_with("static-routes = (\n  { prefix = \"10.9.0.0/16\"; via = \"10.0.2.3\"; },\n"
                             "  { prefix = \"10.8.0.0/16\"; via = \"10.0.2.6\"; interface = \"r1\"; }\n);"));
    for (unsigned i = 0; i < FIB_HOPS_MAX; i++)
        snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "ip route 10.5.0.0/16 10.0.2.%u\n", 20 + i);
    expect(lines, "");
    refused(T "ip route 10.5.0.0/16 10.0.2.99", "% route 10.5.0.0/16 has 16 next hops already");
    shell_end(&s);
}

static void restart_is_told(void)
{
    shell_begin(&s);
    expect(T "forwarding lanes 3\n", "warning: a change of 'forwarding.lanes' takes effect at the next start\n");
    shell_end(&s);
}

static void not_yet_by_name(void)
{
    shell_begin(&s);
    refused(T "interface r0\nip urpf strict", "% ip urpf is not supported yet");
    refused(T "interface r0\nno ip irdp", "% ip irdp (router discovery) is not supported yet");
    shell_end(&s);
}

static void rip_is_configured(void)
{
    shell_begin(&s);
    expect(T "router rip\nnetwork 10.0.1.0/24\npassive-interface r1\nredistribute static metric 3\ntimers basic 1 6 4\n"
             "neighbor 10.0.2.9\nip prefix-list lan permit 10.0.0.0/8 le 24\ninterface r0\n"
             "ip rip authentication string a b\nip rip authentication mode md5\nip rip filter-in lan\n",
           "warning: interface 'r0' has a key, and authenticates nothing: it has no 'mode'\n");
    CU_ASSERT_TRUE(runs_with("    rip: { enabled = true; authentication: { mode = \"md5\"; key = \"a b\"; };"
                             " filter-in = \"lan\"; };\n"));
    CU_ASSERT_TRUE(runs_with("    rip: { enabled = false; passive = true; };\n"));
    CU_ASSERT_TRUE(runs_with("prefix-lists = (\n  { name = \"lan\"; rules = ( { action = \"permit\"; prefix = "
                             "\"10.0.0.0/8\"; le = 24; } ); }\n);\n"));
    CU_ASSERT_TRUE(runs_with("rip: {\n  enabled = true;\n  timers: { update = 1; timeout = 6; garbage = 4; };\n"
                             "  redistribute = ( { protocol = \"static\"; metric = 3; } );\n"
                             "  neighbors = [ \"10.0.2.9\" ];\n};\n"));
    refused(T "no ip prefix-list lan", "% there is no prefix list 'lan', which interface 'r0' uses");
    refused(T "interface r1\nip rip authentication mode md5", "% interface 'r1' is to authenticate, and has neither");
    refused(T "interface r0\nno ip rip authentication string", "% interface 'r0' is to authenticate, and has neither");
    refused(T "interface r0\nip rip authentication key-chain k",
            "% there is no key chain 'k', which interface 'r0' uses");
    refused(T "interface r1\nip rip authentication string 12345678901234567\nip rip authentication mode text\n"
              "no ip rip authentication",
            "% r1: a password of \"text\" has at most 16 bytes");
    refused(T "key chain k\nkey 1 algorithm md5\nno key chain k", "% there is no key 1 in it");
    refused(T "router rip\ntimers basic 30 30 1", "% rip.timers: a timeout of 30 seconds is over before");
    refused(T "router rip\nneighbor 10.0.1.1", "% neighbor 10.0.1.1 is our own address, of 'r0'");
    refused(T "router rip\nneighbor 224.0.0.9", "% neighbor 224.0.0.9 is a multicast address");
    refused(T "router rip\nno redistribute connected", "% connected routes are not redistributed");
    refused(T "router rip\nnetwork 172.16.0.0/12", "% no interface has an address in 172.16.0.0/12");
    refused(T "ip prefix-list x permit 10.0.0.0/8 ge 4",
            "% prefix list 'x': ge 4 is less than the length of 10.0.0.0/8");
    refused(T "ip prefix-list x permit 10.1.0.0/8", "% prefix 10.1.0.0/8 has bits beyond its length");
    /* Taking out keys must not come to taking everything for granted. */
    expect(T "key chain k\nkey 1 key-string a\nkey 2 key-string b\ninterface r1\n"
             "ip rip authentication key-chain k\nip rip authentication mode md5\nkey chain k\nno key 1\n",
           "");
    refused(T "key chain k\nno key 2", "% interface 'r1': key chain 'k' has no keys");
    expect(T "interface r1\nno ip rip authentication\nno key chain k\n", "");
    shell_end(&s);
}

/* The rules of list x as "NUMBER ACTION LENGTH", a line each. */
static const char *rules_of_x(void)
{
    static char text[512];
    const struct config_prefix_list *list = config_prefix_list_find(s.config, "x");
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; list != NULL && i < list->n_rules; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%lld %s %u\n", (long long)list->rules[i].seq,
                                list->rules[i].action == CONFIG_PERMIT ? "permit" : "deny", list->rules[i].prefix.len);
    return text;
}

#define RULES(expected) CU_ASSERT_STRING_EQUAL(rules_of_x(), expected)

/* As FRR and IOS have them: without numbers they count by fives. */
static void rules_have_places(void)
{
    shell_begin(&s);
    expect(T "ip prefix-list x permit 10.0.0.0/8\nip prefix-list x permit 10.0.0.0/16\n", "");
    RULES("0 permit 8\n0 permit 16\n"); /* nobody spoke of numbers */
    expect(T "ip prefix-list x seq 7 deny 10.0.0.0/9\n", "");
    RULES("5 permit 8\n7 deny 9\n10 permit 16\n");
    expect(T "ip prefix-list x permit 10.0.0.0/24\nip prefix-list x seq 3 deny 10.0.0.0/10\n", "");
    RULES("3 deny 10\n5 permit 8\n7 deny 9\n10 permit 16\n15 permit 24\n");
    expect(T "ip prefix-list x seq 7 permit 10.0.0.0/11\nno ip prefix-list x seq 5\n", "");
    RULES("3 deny 10\n7 permit 11\n10 permit 16\n15 permit 24\n");
    expect(T "no ip prefix-list x deny 10.0.0.0/10\nno ip prefix-list x seq 10 permit 10.0.0.0/16\n", "");
    RULES("7 permit 11\n15 permit 24\n");
    expect(T "ip prefix-list x permit 10.0.0.0/24\nip prefix-list x seq 13 permit 10.0.0.0/8\n", "");
    RULES("7 permit 11\n13 permit 8\n15 permit 24\n");
    refused(T "no ip prefix-list x seq 8", "% prefix list 'x' has no such rule");
    refused(T "no ip prefix-list x seq 7 deny 10.0.0.0/11", "% prefix list 'x' has no such rule");
    expect(T "ip prefix-list x seq 2147483647 deny any\n", "");
    refused(T "ip prefix-list x permit 10.0.0.0/25", "% no number is left behind the last rule of 'x'");
    CU_ASSERT_TRUE(runs_with("{ seq = 7; action = \"permit\"; prefix = \"10.0.0.0/11\"; }"));
    expect(T "no ip prefix-list x\nip prefix-list x seq 5 permit any\nno ip prefix-list x seq 5\n", "");
    CU_ASSERT_PTR_NULL(config_prefix_list_find(s.config, "x"));
    shell_end(&s);
}

static void secrets_are_not_logged(void)
{
    shell_begin(&s);
    expect(T "key chain k\nkey 1 key-string swordfish one\ninterface r0\nip rip authentication string swordfish two\n",
           "");
    refused(T "interface r0\nip rip authentication string swordfish swordfish swordfish swordfish swordfish swordfish "
              "swordfish swordfish swordfish swordfish swordfish swordfish swordfish swordfish\n",
            "% 'key' wants one line of text of 128 bytes at most, or hex: and the digits of as many (at most "
            "260 bytes), not what was said");
    CU_ASSERT_PTR_NULL(strstr(s.logged, "swordfish"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": key chain k: key 1 key-string " SCHEMA_VEIL "\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": interface r0: ip rip authentication string " SCHEMA_VEIL "\n"));
    shell_end(&s);
}

static void everything_is_logged(void)
{
    char uid[64];
    shell_begin(&s);
    snprintf(uid, sizeof uid, "uid %lu, session 1: ", (unsigned long)getuid());
    free(shell_plain(&s, "conf t\nint r0\nmt 1400\nip addr 10.0.2.1/24\nno desc\nhost edge\nint r0\nshow users\n"));
    char expected[2048];
    snprintf(expected, sizeof expected,
             "%sinterface r0: mtu 1400\n"
             "%sinterface r0: ip address 10.0.2.1/24: refused: address 10.0.2.1 is there twice: 'r0' has it\n"
             "%sinterface r0: no description\n%shostname edge\n",
             uid, uid, uid, uid);
    CU_ASSERT_STRING_EQUAL(s.logged, expected);
    if (strcmp(s.logged, expected) != 0)
        printf("\n  logged: %s", s.logged);
    shell_end(&s);
}

/* A change takes as long as it takes; the session waits, others do not, and an interrupt does not take it back. */
static void slow_change(void)
{
    static const char ask[] = "configure terminal\nhostname edge\nshow users\n";
    char answer[2048];
    shell_begin(&s);
    s.change_later = true;
    int fd = shell_connect(&s);
    shell_send(fd, ask, sizeof ask - 1);
    while (s.changing == NULL)
        shell_turn(&s);
    CU_ASSERT_TRUE(answers("show version", "ferryd 1.2.3"));
    CU_ASSERT_EQUAL(shell_receive(&s, fd, answer, sizeof answer), -1);
    CU_ASSERT_STRING_EQUAL(s.logged, "");
    shell_change_ends(&s);
    ssize_t len = -1;
    for (unsigned i = 0; i < 2000 && len < 0; i++)
        len = shell_receive(&s, fd, answer, sizeof answer);
    CU_ASSERT_TRUE(len > 0 && answer[0] == '*');
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, "hostname edge\n"));
    /* who hangs up is forgotten, and that is logged */
    shell_send(fd, "hostname other\n", 15);
    while (s.changing == NULL)
        shell_turn(&s);
    close(fd);
    shell_end(&s);
    CU_ASSERT_PTR_NULL(s.changing);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, "hostname other: its session ended"));
}

static void send_frame(int fd, enum frame_type type, const char *text)
{
    uint8_t header[FRAME_HEADER];
    frame_header(header, type, (uint32_t)strlen(text));
    shell_send(fd, header, sizeof header);
    shell_send(fd, text, strlen(text));
}

/* What was asked for can not be taken back, so what became of it is told all the same. */
static void interrupted_change(void)
{
    char bytes[4096];
    bool told = false;
    shell_begin(&s);
    s.change_later = true;
    int fd = shell_connect(&s);
    shell_send(fd, "", 1);
    send_frame(fd, FRAME_COMMAND, "configure terminal");
    send_frame(fd, FRAME_COMMAND, "hostname edge");
    while (s.changing == NULL)
        shell_turn(&s);
    send_frame(fd, FRAME_INTERRUPT, "");
    for (unsigned i = 0; i < 20; i++)
        shell_turn(&s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s.changing);
    shell_change_ends(&s);
    for (unsigned i = 0; i < 2000 && !told; i++) {
        ssize_t len = shell_receive(&s, fd, bytes, sizeof bytes);
        told = len > 0 && memmem(bytes, (size_t)len, "edge(config)# D", 15) != NULL;
    }
    CU_ASSERT_TRUE(told);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": hostname edge\n"));
    close(fd);
    shell_end(&s);
}

/* ---- configure session ---- */

#define S "configure session\n"

static void draft_is_applied_by_commit(void)
{
    shell_begin(&s);
    refused(S "hostname edge\ninterface r9\nip address 10.9.9.1/24\nip route 10.8.0.0/16 r9\n", "");
    CU_ASSERT_EQUAL(s.n_past, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": 4 changes are dropped: the session ended without commit\n"));
    CU_ASSERT_PTR_NULL(strstr(s.logged, "hostname"));
    expect(S "hostname edge\ninterface r9\nip address 10.9.9.1/24\nip route 10.8.0.0/16 r9\ncommit\nend\n", "");
    CU_ASSERT_EQUAL(s.n_past, 1);
    CU_ASSERT_TRUE(runs_with("hostname = \"edge\"") && runs_with("10.9.9.1/24"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": commit of 4 changes:\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": interface r9: ip address 10.9.9.1/24\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": ip route 10.8.0.0/16 r9\n"));
    /* the next draft begins with what runs then */
    expect(S "hostname a\ncommit\nhostname b\ncommit\nend\n", "");
    CU_ASSERT_EQUAL(s.n_past, 3);
    CU_ASSERT_TRUE(runs_with("hostname = \"b\""));
    shell_end(&s);
}

static void draft_may_be_wrong_between(void)
{
    shell_begin(&s);
    /* what would be refused one by one */
    expect(S "interface r0\nno ip address 10.0.1.1/24\ninterface r1\nno ip address\nip address 10.0.1.1/24\n"
             "interface r0\nip address 10.0.2.1/24\ncommit\nend\n",
           "");
    CU_ASSERT_EQUAL(s.n_past, 1);
    /* refused as a whole; the draft stays and can be mended */
    expect(S "interface r9\nip address 10.0.1.1/24\ncommit\nno ip address\ncommit\nend\n",
           "% address 10.0.1.1 is there twice: 'r1' has it\n");
    CU_ASSERT_EQUAL(s.n_past, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": commit: refused: address 10.0.1.1 is there twice"));
    /* what can not be done at all is refused at once, and is no part of it */
    refused(S "no arp 10.0.1.9\ncommit\n", "% there is no static neighbour 10.0.1.9\n% nothing was changed in this");
    shell_end(&s);
}

static void draft_is_not_left_behind(void)
{
    shell_begin(&s);
    refused(S "hostname x\nend\nabort\nshow history\n",
            "% 1 change is not committed: commit applies what this session changed, abort drops it\n"
            "1 change is dropped\n");
    refused(S "hostname x\nhostname y\nexit\n", "% 2 changes are not committed");
    refused(S "hostname x\ndo configure terminal\n", "% 1 change is not committed");
    refused(S "hostname x\ninterface r0\nquit\ndo exit\n", "% 1 change is not committed");
    expect(S "interface r0\nexit\nend\n" S "abort\nend\n", "");
    refused(T "abort\n", "% there is no draft to abort");
    refused(T "commit\n", "% there is nothing to commit: no change waits");
    refused("commit confirmed 5\n", "% there is no draft to commit: configure session begins one");
    shell_end(&s);
}

static void draft_in_conflict(void)
{
    static const char begin[] = "configure session\nhostname mine\n";
    static const char commit[] = "commit\n", changes[] = "show changes\nabort\n";
    char answer[1024] = "";
    ssize_t len = -1;
    shell_begin(&s);
    int fd = shell_connect(&s);
    shell_send(fd, begin, sizeof begin - 1);
    for (unsigned i = 0; i < 20; i++)
        shell_turn(&s);
    expect(T "hostname theirs\n", "");
    shell_send(fd, commit, sizeof commit - 1);
    for (unsigned i = 0; i < 2000 && len < 0; i++)
        len = shell_receive(&s, fd, answer, sizeof answer - 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "% others changed the same: hostname\n"));
    CU_ASSERT_TRUE(runs_with("hostname = \"theirs\""));
    memset(answer, 0, sizeof answer);
    shell_send(fd, changes, sizeof changes - 1);
    for (size_t have = 0, i = 0; i < 2000 && strstr(answer, "dropped") == NULL; i++) {
        len = shell_receive(&s, fd, answer + have, sizeof answer - 1 - have);
        have += len > 0 ? (size_t)len : 0;
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "changed by others since this session began\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "+ hostname = \"mine\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "1 change is dropped"));
    close(fd);
    shell_end(&s);
}

static void draft_is_bounded(void)
{
    char *lines = malloc(200000);
    size_t len = (size_t)snprintf(lines, 200000, S);
    for (unsigned i = 0; i < 5001; i++)
        len += (size_t)snprintf(lines + len, 200000 - len, "icmp burst %u\n", 1 + i);
    shell_begin(&s);
    refused(lines, "% a session takes at most 5000 changes: commit these before the next");
    shell_end(&s);
    free(lines);
}

/* ---- confirming and going back ---- */

static void confirmed_or_undone(void)
{
    shell_begin(&s);
    CU_ASSERT_TRUE(answers(S "hostname a\ncommit confirmed 5\nend\n", "it is undone in 5 minutes, at 1970-01-01"));
    CU_ASSERT_TRUE(s.is_unconfirmed);
    s.r.now.ns += 30 * NS_PER_S;
    CU_ASSERT_TRUE(answers(T, "is undone in 00:04:30 unless somebody commits\n"));
    CU_ASSERT_TRUE(answers("show rollback", "is undone in 00:04:30 unless somebody commits\n"));
    json_t *list = shell_json(&s, "show rollback json");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_object_get(list, "unconfirmed"), "seconds")), 270);
    json_decref(list);
    expect("commit\n", "the change is confirmed\n");
    CU_ASSERT_FALSE(s.is_unconfirmed);
    refused("commit\n", "% there is nothing to commit");
    CU_ASSERT_TRUE(answers(S "hostname b\ncommit confirmed 5\nhostname c\ncommit\ncommit\nend\n",
                           "the change is confirmed\n1 change is still to be committed\n"));
    CU_ASSERT_TRUE(runs_with("hostname = \"c\""));
    CU_ASSERT_FALSE(s.is_unconfirmed);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": commit confirmed of 1 change:\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": commit: the change that waited is confirmed\n"));
    shell_end(&s);
}

static void rollbacks(void)
{
    shell_begin(&s);
    expect("show rollback\n", "there is no past configuration yet\n");
    refused("rollback 1\n", "% there is no past configuration 1: show rollback lists them");
    refused("show rollback 1\n", "% there is no past configuration 1");
    expect(T "hostname a\nhostname b\n", "");
    CU_ASSERT_TRUE(answers("show rollback\n", "commands\n"));
    CU_ASSERT_TRUE(answers("show rollback 2\n", "- hostname = \"b\""));
    json_t *list = shell_json(&s, "show rollback json");
    CU_ASSERT_EQUAL(json_array_size(json_object_get(list, "rollbacks")), 2);
    CU_ASSERT_TRUE(json_is_null(json_object_get(list, "unconfirmed")));
    json_decref(list);
    list = shell_json(&s, "show rollback 2 json");
    CU_ASSERT_STRING_EQUAL(
        json_string_value(json_object_get(json_array_get(json_object_get(list, "changes"), 0), "path")), "hostname");
    json_decref(list);
    CU_ASSERT_TRUE(answers("rollback 2\n", "runs again; write memory saves it\n"));
    CU_ASSERT_TRUE(runs_with("hostname = \"r1\""));
    CU_ASSERT_TRUE(answers("show rollback 3\n", "it is as what is running\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, ": rollback 2\n"));
    shell_end(&s);
}

static void changes_are_shown(void)
{
    shell_begin(&s);
    refused("show changes\n", "% /nonexistent/ferryd.conf was never read");
    s.saved = config_copy(s.config);
    expect("show changes\n", "the file has all that is running\n");
    expect(T "hostname a\nshow changes\n", "- hostname = \"r1\";\n+ hostname = \"a\";\n");
    expect(S "show changes\nhostname b\ndo show changes\nabort\n",
           "nothing was changed in this session\n- hostname = \"a\";\n+ hostname = \"b\";\n1 change is dropped\n");
    config_free((struct config *)(uintptr_t)s.saved);
    shell_end(&s);
}

/* ---- saving ---- */

static void saving(void)
{
    shell_begin(&s);
    expect("write\n", "% it was changed by somebody else\n");
    CU_ASSERT_STRING_EQUAL(s.save_path, "");
    CU_ASSERT_FALSE(s.save_force);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.logged, "was not saved to /nonexistent/ferryd.conf: it was changed"));
    s.save_good = true;
    expect("write memory force\n", "saved\n");
    CU_ASSERT_TRUE(s.save_force);
    expect(T "do write memory\nwrite\n", "saved\nsaved\n");
    CU_ASSERT_FALSE(s.save_force);
    expect("copy running-config /tmp/x.conf\n", "saved\n");
    CU_ASSERT_STRING_EQUAL(s.save_path, "/tmp/x.conf");
    expect("copy running-config startup-config\n", "saved\n");
    CU_ASSERT_STRING_EQUAL(s.save_path, "");
    CU_ASSERT_TRUE(answers("copy running-config x.conf\n", "% \"x.conf\" does not begin with '/'"));
    shell_end(&s);
}

/* ---- prompts ---- */

static void prompts(void)
{
    static const char *const steps[][2] = {
        {"configure terminal", "r1(config)"},  {"interface r0", "r1(config-if)"},   {"exit", "r1(config)"},
        {"interface r1", "r1(config-if)"},     {"interface lo0", "r1(config-if)"},  {"end", "r1"},
        {"configure session", "r1(config-s)"}, {"interface r0", "r1(config-s-if)"}, {"abort", "r1"},
        {"configure", "r1(config)"},           {"do show users", "r1(config)"},     {"quit", "r1"},
    };
    char bytes[8192], prompt[64];
    shell_begin(&s);
    int fd = shell_connect(&s);
    shell_send(fd, "", 1);
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        send_frame(fd, FRAME_COMMAND, steps[i][0]);
        snprintf(prompt, sizeof prompt, "%s# D", steps[i][1]);
        bool found = false;
        for (unsigned k = 0; k < 2000 && !found; k++) {
            ssize_t len = shell_receive(&s, fd, bytes, sizeof bytes);
            found = len > 0 && memmem(bytes, (size_t)len, prompt, strlen(prompt)) != NULL;
        }
        CU_ASSERT_TRUE(found);
        if (!found)
            printf("\n  no prompt %s after %s\n", steps[i][1], steps[i][0]);
    }
    close(fd);
    shell_end(&s);
}

/* ---- copies bit by bit ---- */

static void copy_bit_by_bit(void)
{
    shell_begin(&s);
    expect(T "ip route 10.9.0.0/16 r1\nip route 10.8.0.0/16 10.0.2.2\narp 10.0.1.9 02:00:00:00:00:09 r0\n", "");
    for (size_t most = 1; most < 5; most++) {
        struct config_copier copier = {.from = s.config};
        struct config *copy = NULL;
        unsigned calls = 1;
        while (config_copy_some(&copier, most, &copy) == CONFIG_COPY_MORE)
            calls++;
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        CU_ASSERT_TRUE(config_equal(copy, s.config));
        CU_ASSERT_TRUE(most > 1 || calls >= 7);
        config_free(copy);
    }
    struct config_copier copier = {.from = s.config};
    struct config *copy = NULL;
    CU_ASSERT_EQUAL(config_copy_some(&copier, 2, &copy), CONFIG_COPY_MORE);
    config_copy_end(&copier);
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"every key of the file has a command", every_key_has_a_command},
    {"a key that is set has changed, and is as before when undone", keys_are_set_and_undone},
    {"every command has help, an entry in the manual and an example", every_command_is_told_and_tried},
    {"edits have the schema's numbers and need all rights", edits_are_as_the_schema_says},
    {"a command takes effect at once or changes nothing", at_once_or_not_at_all},
    {"interfaces come and go", interfaces},
    {"the mode of an interface that went says so", interface_that_went},
    {"next hops are added to a route and taken out", routes},
    {"what needs a restart is told", restart_is_told},
    {"what is not built yet is refused by name", not_yet_by_name},
    {"RIP is configured, and what does not fit is refused", rip_is_configured},
    {"rules of prefix lists have places", rules_have_places},
    {"secrets are not written to the log", secrets_are_not_logged},
    {"every change is logged with who and what", everything_is_logged},
    {"a change that takes long holds up its session only", slow_change},
    {"an interrupt does not take a change back", interrupted_change},
    {"a draft changes nothing before commit, and all of it then", draft_is_applied_by_commit},
    {"a draft is checked as a whole", draft_may_be_wrong_between},
    {"a draft with changes is not left by accident", draft_is_not_left_behind},
    {"a draft in conflict stays", draft_in_conflict},
    {"a draft has a bound", draft_is_bounded},
    {"a commit that is to be confirmed says until when", confirmed_or_undone},
    {"past configurations are listed, compared and run again", rollbacks},
    {"changes are shown", changes_are_shown},
    {"write and copy ask for what they say", saving},
    {"the prompt tells the mode", prompts},
    {"a copy made bit by bit is the same", copy_bit_by_bit},
};
UNIT_MAIN("configure", cases)
