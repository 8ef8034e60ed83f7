/* Every show command on a router whose names, addresses and counters are as long as they come: a terminal has 80
 * columns. The commands are found in the tables, so that a new one is looked at without being named here. */
#include "tests/unit/support/shell.h"

#define COLUMNS 80
#define LONG    "enp129s0f1np1v2" /* 15 bytes */
#define MUCH    987654321987654ull

static struct shell s;

/* Lines that may be longer, by the command that prints them, and why. */
static const char *const longer[] = {
    "show running-config",
    "show startup-config",
    "show configuration",      /* as they are written */
    "show history",            /* as it was said */
    "show logging",            /* as it was logged */
    "show ip interface brief", /* why an interface is down is a sentence, in the last column */
    "show tech-support",       /* holds these */
};

static bool may_be_longer(const char *command)
{
    for (unsigned i = 0; i < sizeof longer / sizeof longer[0]; i++)
        if (strncmp(command, longer[i], strlen(longer[i])) == 0)
            return true;
    return false;
}

/* ---- the router ---- */

static void long_name(unsigned number, const char *name)
{
    struct port *port = router_port(&s.r, number);
    snprintf(port->name, sizeof port->name, "%s", name);
    router_set_port(&s.r, port);
    free(s.config->interfaces[number].name);
    s.config->interfaces[number].name = strdup(name);
}

static void big_counters(void)
{
    struct dataplane *d = s.r.d;
    for (unsigned i = 0; i < 3; i++) {
        uint64_t *counter = (uint64_t *)&d->counters->port[i];
        for (unsigned n = 0; n < sizeof d->counters->port[i] / sizeof *counter; n++)
            counter[n] = MUCH;
    }
    for (unsigned i = 0; i < IP_STAT__COUNT; i++)
        d->counters->ip[i] = MUCH;
    for (unsigned i = 0; i < 256; i++)
        d->icmp.in[i] = d->icmp.out[i] = MUCH;
    d->icmp.in_msgs = d->icmp.in_errors = d->icmp.out_msgs = d->icmp.out_errors = d->icmp.out_rate_limited = MUCH;
    uint64_t *arp = (uint64_t *)&d->arp.stats;
    for (unsigned n = 0; n < sizeof d->arp.stats / sizeof *arp; n++)
        arp[n] = MUCH;
    d->udp = (struct udp_stats){MUCH, MUCH, MUCH, MUCH};
}

static void no_counters(void)
{
    dataplane_clear_counters(s.r.d, PORT_NONE);
}

static void begin(void)
{
    static const uint32_t gateway = 0xc0a8c8fe; /* 192.168.200.254 */
    shell_begin(&s);
    long_name(0, LONG);
    long_name(1, "enp130s0f1np1v3");
    struct port *port = router_port(&s.r, 1);
    port->addresses[0] = (struct prefix){0xc0a8c8c9, 24};
    router_set_port(&s.r, port);
    s.config->interfaces[1].addresses[0].prefix = (struct prefix){0xc0a8c8c9, 24};
    free(s.config->interfaces[3].name);
    s.config->interfaces[3].name = strdup("not-there-12345");
    shell_route(&s, "192.168.200.0/24", NULL, 1, RIB_CONNECTED, RIB_UNICAST);
    shell_route(&s, "172.31.254.254/32", "192.168.200.254", PORT_NONE, RIB_STATIC, RIB_UNICAST);
    shell_route(&s, "172.31.254.253/32", "172.31.254.254", PORT_NONE, RIB_STATIC, RIB_UNICAST);
    shell_route(&s, "172.31.254.252/32", NULL, PORT_NONE, RIB_STATIC, RIB_PROHIBIT);
    struct rib_route far = {.prefix = {0xac1ffefb, 32},
                            .protocol = RIB_KERNEL,
                            .distance = 254,
                            .metric = 16,
                            .n_hops = 2,
                            .hops = {{gateway, 1}, {0xac1ffefe, PORT_NONE}}};
    CU_ASSERT_TRUE_FATAL(rib_add(s.rib, &far, s.r.now));
    CU_ASSERT_TRUE_FATAL(
        neighbour_set_static(s.r.d->neighbours, dataplane_port(s.r.d, 1), gateway, router_host_mac, s.r.now));
    router_arp(&s.r, 1, 1, 0xc0a8c8fd, 0xc0a8c8c9); /* learned, and a year ago */
    s.r.now.ns += 400ull * 86400 * NS_PER_S;
    big_counters();
}

/* ---- the commands ---- */

static void look(const char *command)
{
    char input[600];
    unsigned found = 0;
    snprintf(input, sizeof input, "debug arp interface %s prefix 192.168.200.201/32\n%s\n", LONG, command);
    char *text = shell_plain(&s, input);
    CU_ASSERT_NOT_EQUAL(text[0], '\0');
    for (char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        size_t wide = 0;
        for (size_t i = 0; i < len; i++)
            wide += ((unsigned char)line[i] & 0xc0) != 0x80;
        if (wide > COLUMNS && !may_be_longer(command)) {
            printf("\n  %s: %zu columns: %.*s", command, wide, (int)len, line);
            found++;
        }
        line += len + (line[len] == '\n');
    }
    CU_ASSERT_EQUAL(found, 0);
    free(text);
}

static unsigned walk(const char *so_far, const struct command *const *next, unsigned depth)
{
    static const char *const example[] = {[COMMAND_IF] = LONG,
                                          [COMMAND_ADDR] = "172.31.254.251",
                                          [COMMAND_PREFIX] = "172.31.254.251/32",
                                          [COMMAND_NUMBER] = "1",
                                          [COMMAND_ANY] = "x",
                                          [COMMAND_REST] = "x"};
    unsigned looked = 0;
    for (; *next != NULL && depth < 8; next++) {
        const struct command *command = *next;
        char line[256];
        snprintf(line, sizeof line, "%s %s", so_far,
                 command->kind == COMMAND_WORD ? command->word : example[command->kind]);
        if (command->run != NULL) {
            look(line);
            looked++;
        }
        if (command->next != NULL)
            looked += walk(line, command->next, depth + 1);
    }
    return looked;
}

static void every_show(void)
{
    const struct command *show = NULL;
    for (unsigned i = 0; command_exec[i] != NULL; i++)
        if (strcmp(command_exec[i]->word, "show") == 0)
            show = command_exec[i];
    CU_ASSERT_PTR_NOT_NULL_FATAL(show);
    begin();
    CU_ASSERT_TRUE(walk("show", show->next, 0) > 25);
    no_counters();
    shell_end(&s);
}

/* ---- words ---- */

/* Behind each figure of show ip traffic stand at least two words, or one that is the title's verb: a bare name such as
 * inReceives says nothing to those who do not know it. */
static void traffic_in_words(void)
{
    shell_begin(&s);
    big_counters();
    char *text = shell_plain(&s, "show ip traffic");
    unsigned figures = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (line[0] != ' ')
            continue;
        char *words;
        CU_ASSERT_EQUAL(strtoull(line, &words, 10), MUCH);
        CU_ASSERT_TRUE(strspn(line, " 0123456789") == (size_t)(words + 1 - line)); /* numbers end in one column */
        for (const char *at = words; *at != '\0'; at++)
            if (at[0] >= 'a' && at[0] <= 'z' && at[1] >= 'A' && at[1] <= 'Z') {
                printf("\n  a name, not words:%s", words);
                CU_FAIL();
                break;
            }
        figures++;
    }
    CU_ASSERT_TRUE(figures > 40);
    free(text);
    no_counters();
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"no line of a show is wider than a terminal", every_show},
    {"traffic is told in words", traffic_in_words},
};
UNIT_MAIN("width", cases)
