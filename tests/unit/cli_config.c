/* The model without files: defaults, copies, values from text, checks of candidates, the writer, and the manual beside
 * the table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config.h"
#include "cli/schema.h"
#include "tests/unit/support/unit.h"

struct last {
    struct config_errors errors; /* first */
    char text[1024];
};

static void keep_last(struct config_errors *self, struct config_place place, bool warning, const char *text)
{
    struct last *last = (struct last *)self;
    (void)place;
    (void)warning;
    snprintf(last->text, sizeof last->text, "%s", text);
}

static struct config *config_empty(void)
{
    struct config *config = config_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    config->has_interfaces = true;
    return config;
}

static void set(const struct schema_group *group, void *base, const char *name, const char *text)
{
    char why[512] = "";
    const struct schema_key *key = schema_find(group, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    void *at = key->list ? schema_append(key, base) : schema_at(key, base, 0);
    CU_ASSERT_TRUE_FATAL(schema_parse(key, text, at, why, sizeof why));
}

static void *add_entry(struct config *config, const char *list)
{
    void *entry = schema_append(schema_find(&schema_root, list), config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
    return entry;
}

static struct config_interface *add_interface(struct config *config, const char *name, const char *address)
{
    const struct schema_group *group = schema_find(&schema_root, "interfaces")->group;
    struct config_interface *interface = add_entry(config, "interfaces");
    set(group, interface, "name", name);
    if (address != NULL)
        set(group, interface, "addresses", address);
    return interface;
}

static struct config_route *add_route(struct config *config, const char *prefix, const char *via)
{
    const struct schema_group *group = schema_find(&schema_root, "static-routes")->group;
    struct config_route *route = add_entry(config, "static-routes");
    set(group, route, "prefix", prefix);
    if (via != NULL)
        set(group, route, "via", via);
    return route;
}

/* What is wrong with CONFIG, the last finding; "" if nothing is. Frees it. */
static struct last findings(struct config *config)
{
    struct last last = {.errors = {.report = keep_last}};
    CU_ASSERT_EQUAL(config_check(config, &last.errors), last.errors.errors == 0);
    config_free(config);
    return last;
}

static void defaults(void)
{
    struct config *config = config_empty();
    CU_ASSERT_STRING_EQUAL(config->hostname, "r1");
    CU_ASSERT_EQUAL(config->log_level, CONFIG_LOG_INFO);
    CU_ASSERT_EQUAL(config->log_destination, CONFIG_LOG_STDERR);
    CU_ASSERT_EQUAL(config->lanes, 1);
    CU_ASSERT_EQUAL(config->n_cpus, 0);
    CU_ASSERT_FALSE(config->realtime);
    CU_ASSERT_EQUAL(config->qdisc_bypass, CONFIG_BYPASS_AUTO);
    CU_ASSERT_EQUAL(config->icmp_rate_limit, 1000);
    CU_ASSERT_EQUAL(config->icmp_burst, 50);
    CU_ASSERT_STRING_EQUAL(config->cli_socket, "/run/ferryd/ferryd.sock");
    CU_ASSERT_STRING_EQUAL(config->cli_group, "ferry");
    CU_ASSERT_EQUAL(config->cli_idle_timeout, 600);
    struct config_interface *i = add_interface(config, "r0", NULL);
    CU_ASSERT_EQUAL(i->type, CONFIG_ETHERNET);
    CU_ASSERT_EQUAL(i->mtu, 0);
    CU_ASSERT_EQUAL(i->arp_timeout, 1200);
    CU_ASSERT_TRUE(i->redirects && i->unreachables);
    CU_ASSERT_FALSE(i->shutdown || i->proxy_arp || i->mask_reply || i->directed_broadcast || i->source_route);
    CU_ASSERT_PTR_NULL(i->description);
    CU_ASSERT_EQUAL(add_route(config, "10.9.0.0/16", "10.0.0.2")->distance, 1);
    CU_ASSERT_EQUAL(findings(config).errors.errors, 0);
}

static void absent_interfaces(void)
{
    struct config *config = config_empty();
    config->has_interfaces = false;
    CU_ASSERT_PTR_NOT_NULL(strstr(findings(config).text, "'interfaces'"));
}

static void copies(void)
{
    struct config *config = config_empty();
    add_interface(config, "r0", "10.0.1.1/24");
    add_route(config, "10.9.0.0/16", "10.0.1.2");
    struct config *copy = config_copy(config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    CU_ASSERT_TRUE(config_equal(config, copy));
    const struct schema_group *group = schema_find(&schema_root, "interfaces")->group;
    set(group, &copy->interfaces[0], "description", "changed");
    CU_ASSERT_FALSE(config_equal(config, copy));
    CU_ASSERT_PTR_NULL(config->interfaces[0].description);
    set(group, &copy->interfaces[0], "description", "");
    CU_ASSERT_TRUE(config_equal(config, copy));
    copy->routes[0].via[0]++;
    CU_ASSERT_FALSE(config_equal(config, copy));
    copy->routes[0].via[0]--;
    add_interface(copy, "r1", NULL);
    CU_ASSERT_FALSE(config_equal(config, copy));
    CU_ASSERT_PTR_NOT_NULL(config_interface_find(copy, "r1"));
    CU_ASSERT_PTR_NULL(config_interface_find(config, "r1"));
    config_free(config);
    config_free(copy);
}

static void candidates(void)
{
    struct config *config = config_empty();
    add_interface(config, "r0", "10.0.1.1/24")->mtu = 67;
    CU_ASSERT_PTR_NOT_NULL(strstr(findings(config).text, "68 to 65535"));
    config = config_empty();
    config->log_level = 17;
    CU_ASSERT_EQUAL(findings(config).errors.errors, 1);
    config = config_empty();
    free(config->hostname);
    config->hostname = NULL;
    CU_ASSERT_EQUAL(findings(config).errors.errors, 1);
    config = config_empty();
    add_interface(config, "r0", "10.0.1.1/24");
    add_route(config, "10.9.0.0/16", "10.0.1.2")->distance = 0;
    CU_ASSERT_PTR_NOT_NULL(strstr(findings(config).text, "1 to 255"));
}

static void two_and_two(void)
{
    struct config *config = config_empty();
    add_interface(config, "r0", "10.0.1.1/24");
    add_interface(config, "r1", "10.0.1.1/24");
    struct last last = findings(config);
    CU_ASSERT_EQUAL(last.errors.errors, 1);
    CU_ASSERT_STRING_EQUAL(last.text, "address 10.0.1.1 is there twice: 'r0' has it");
    config = config_empty();
    add_interface(config, "r0", "10.0.1.1/24");
    add_interface(config, "r1", "10.0.1.2/32");
    CU_ASSERT_EQUAL(findings(config).errors.errors, 0);
    config = config_empty();
    add_interface(config, "r0", "10.0.1.1/24");
    add_interface(config, "r0", NULL);
    CU_ASSERT_STRING_EQUAL(findings(config).text, "interface 'r0' is there twice");
}

/* Against a slow twin that compares every pair. */
static void overlaps(void)
{
    uint64_t state = 4;
    for (unsigned round = 0; round < 500; round++) {
        struct config *config = config_empty();
        char name[16], text[32];
        for (unsigned i = 0; i < 8; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            uint32_t random = (uint32_t)(state >> 32);
            uint8_t len = (uint8_t)(20 + random % 13);
            struct prefix p = {.addr = 0x0a000000 | (random >> 8 & 0x3fff) << 2, .len = len};
            p.addr = len == 32 ? p.addr | 1 : len == 31 ? p.addr : prefix_network(p) + 1;
            snprintf(name, sizeof name, "r%u", i / 2);
            struct config_interface *interface =
                i % 2 == 0 ? add_interface(config, name, NULL) : &config->interfaces[i / 2];
            set(schema_find(&schema_root, "interfaces")->group, interface, "addresses", prefix_text(p, text));
        }
        unsigned expected = 0;
        for (unsigned i = 0; i < 8; i++) {
            bool wrong = false;
            for (unsigned k = 0; k < i; k++) {
                struct prefix a = config->interfaces[i / 2].addresses[i % 2].prefix;
                struct prefix b = config->interfaces[k / 2].addresses[k % 2].prefix;
                uint8_t least = a.len < b.len ? a.len : b.len;
                bool overlap = ((a.addr ^ b.addr) & prefix_mask(least)) == 0;
                wrong |= a.addr == b.addr || (overlap && i / 2 != k / 2 && a.len < 32 && b.len < 32);
            }
            expected += wrong;
        }
        CU_ASSERT_EQUAL(findings(config).errors.errors, expected);
    }
}

static void values(void)
{
    char why[512];
    double decimal = 1;
    const struct schema_key interval = {.name = "interval", .kind = SCHEMA_DECIMAL, .min = 0, .max = 100};
    CU_ASSERT_TRUE(schema_set_integer(&interval, 10, &decimal, why, sizeof why));
    CU_ASSERT_EQUAL(decimal, 10.0);
    CU_ASSERT_TRUE(schema_parse(&interval, "2.5", &decimal, why, sizeof why));
    CU_ASSERT_EQUAL(decimal, 2.5);
    CU_ASSERT_FALSE(schema_parse(&interval, "100.5", &decimal, why, sizeof why));
    CU_ASSERT_FALSE(schema_parse(&interval, "nan", &decimal, why, sizeof why));
    CU_ASSERT_EQUAL(decimal, 2.5);
    char text[SCHEMA_TEXT];
    decimal = 10;
    CU_ASSERT_STRING_EQUAL(schema_text(&interval, &decimal, text), "10.0");
    const struct schema_key *mtu = schema_find(schema_find(&schema_root, "interfaces")->group, "mtu");
    int64_t number = 7;
    CU_ASSERT_FALSE(schema_parse(mtu, "67", &number, why, sizeof why));
    CU_ASSERT_STRING_EQUAL(why, "'mtu' wants an integer from 68 to 65535 (bytes), not 67");
    CU_ASSERT_FALSE(schema_parse(mtu, "1500 ", &number, why, sizeof why));
    CU_ASSERT_FALSE(schema_parse(mtu, "99999999999999999999", &number, why, sizeof why));
    CU_ASSERT_FALSE(schema_parse(mtu, "", &number, why, sizeof why));
    CU_ASSERT_EQUAL(number, 7);
    CU_ASSERT_TRUE(schema_parse(mtu, "1500", &number, why, sizeof why));
    CU_ASSERT_EQUAL(number, 1500);
}

static void suggestions(void)
{
    const struct schema_group *interface = schema_find(&schema_root, "interfaces")->group;
    CU_ASSERT_STRING_EQUAL(schema_nearest(interface, "adresses")->name, "addresses");
    CU_ASSERT_STRING_EQUAL(schema_nearest(interface, "address")->name, "addresses");
    CU_ASSERT_STRING_EQUAL(schema_nearest(interface, "MTU") == NULL ? "" : "some", "");
    CU_ASSERT_STRING_EQUAL(schema_nearest(&schema_root, "static-route")->name, "static-routes");
    CU_ASSERT_PTR_NULL(schema_nearest(interface, "bandwidth"));
    CU_ASSERT_STRING_EQUAL(schema_home("mtu")->name, "interfaces");
}

static void restarts(void)
{
    struct last last = {.errors = {.report = keep_last}};
    struct config *running = config_empty(), *next = config_empty();
    next->icmp_burst = 7;
    CU_ASSERT_FALSE(config_check_restart(running, next, &last.errors));
    next->lanes = 2;
    CU_ASSERT_TRUE(config_check_restart(running, next, &last.errors));
    CU_ASSERT_STRING_EQUAL(last.text, "a change of 'forwarding.lanes' takes effect at the next start");
    next->realtime = true;
    next->cpus[next->n_cpus++] = 1;
    set(schema_find(&schema_root, "cli")->group, next, "socket", "/tmp/s");
    CU_ASSERT_TRUE(config_check_restart(running, next, &last.errors));
    CU_ASSERT_EQUAL(last.errors.warnings, 1 + 4);
    config_free(running);
    config_free(next);
}

static bool writes_in_parts(const struct config *config, size_t most, const char *expected)
{
    struct config_writer writer = {.config = config};
    char *text;
    size_t size, parts = 1;
    FILE *to = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    while (config_write_some(&writer, to, most))
        parts++;
    fclose(to);
    bool good = strcmp(text, expected) == 0 && parts >= 3 / most;
    free(text);
    return good;
}

static void writer(void)
{
    struct config *config = config_empty();
    struct config_interface *i = add_interface(config, "r0", "10.0.1.1/24");
    set(schema_find(&schema_root, "interfaces")->group, i, "description", "a \"b\" \\c");
    add_route(config, "10.9.0.0/16", "10.0.1.2")->distance = 9;
    add_route(config, "10.10.0.0/16", "10.0.1.2");
    config->cli_idle_timeout = 0;
    free(config->cli_group);
    config->cli_group = NULL;
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    CU_ASSERT_TRUE(config_write_all(config, to));
    fclose(to);
    CU_ASSERT_STRING_EQUAL(text, "hostname = \"r1\";\n\ninterfaces = (\n  {\n    name = \"r0\";\n"
                                 "    description = \"a \\\"b\\\" \\\\c\";\n    addresses = [ \"10.0.1.1/24\" ];\n  }\n"
                                 ");\n\nstatic-routes = (\n"
                                 "  { prefix = \"10.9.0.0/16\"; via = \"10.0.1.2\"; distance = 9; },\n"
                                 "  { prefix = \"10.10.0.0/16\"; via = \"10.0.1.2\"; }\n);\n\n"
                                 "cli: { group = \"\"; idle-timeout = 0; };\n");
    for (size_t most = 1; most < 4; most++)
        CU_ASSERT_TRUE(writes_in_parts(config, most, text));
    free(text);
    to = fopen("/dev/full", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    CU_ASSERT_FALSE(config_write_all(config, to));
    fclose(to);
    config_free(config);
}

static void places(void)
{
    char text[64];
    CU_ASSERT_STRING_EQUAL(config_place_text((struct config_place){"a.conf", 7}, text, sizeof text), "a.conf:7: ");
    CU_ASSERT_STRING_EQUAL(config_place_text((struct config_place){"a.conf", 0}, text, sizeof text), "a.conf: ");
    CU_ASSERT_STRING_EQUAL(config_place_text((struct config_place){0}, text, sizeof text), "");
}

/* ---- the manual ---- */

static bool item_has(const char *item, const char *end, const char *text)
{
    const char *found = strstr(item, text);
    return found != NULL && found < end;
}

/* The item of KEY must name its range, words and default. */
static void check_item(const char *section, const char *section_end, const struct schema_key *key)
{
    char head[64], text[64];
    snprintf(head, sizeof head, "\n.It Cm %s\n", key->name);
    const char *item = strstr(section, head);
    bool good = item != NULL && item < section_end;
    const char *end = good ? strstr(item + 1, "\n.It Cm ") : NULL;
    if (end == NULL || end > section_end)
        end = section_end;
    if (good && key->kind == SCHEMA_INTEGER) {
        snprintf(text, sizeof text, "%" PRId64 "\\(en%" PRId64, key->min, key->max);
        good = item_has(item, end, text);
        snprintf(text, sizeof text, "Default: %" PRId64, key->initial);
        good = good && (key->list || key->initial == 0 || item_has(item, end, text));
    }
    if (good && key->kind == SCHEMA_BOOL)
        good = item_has(item, end, key->initial != 0 ? "Default: true" : "Default: false");
    for (size_t i = 0; good && key->kind == SCHEMA_ENUM && key->words[i] != NULL; i++) {
        snprintf(text, sizeof text, "Qq %s", key->words[i]);
        good = item_has(item, end, text);
    }
    if (good && key->kind == SCHEMA_STRING && key->initial_text != NULL)
        good = item_has(item, end, key->initial_text);
    if (good && key->restart)
        good = item_has(item, end, "restart");
    if (!good)
        fprintf(stderr, "\nman/ferryd.conf.5: %s is not told as it is\n", key->name);
    CU_ASSERT_TRUE(good);
}

static void check_manual(const char *text, const struct schema_group *group, const char *title)
{
    char head[64];
    snprintf(head, sizeof head, "\n.Ss %s\n", title);
    const char *section = strstr(text, head);
    CU_ASSERT_PTR_NOT_NULL_FATAL(section);
    const char *end = strstr(section + 1, "\n.Ss "), *sh = strstr(section + 1, "\n.Sh ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(sh);
    if (end == NULL || end > sh)
        end = sh;
    for (size_t i = 0; i < group->n; i++) {
        const struct schema_key *key = &group->keys[i];
        char inner[64];
        snprintf(inner, sizeof inner, "%s%s%s", group == &schema_root ? "" : title, group == &schema_root ? "" : ": ",
                 key->name);
        if (key->group != NULL)
            check_manual(text, key->group, inner);
        else if (!key->later)
            check_item(section, end, key);
    }
}

static void manual(void)
{
    FILE *file = fopen("man/ferryd.conf.5", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    static char text[1 << 17];
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    check_manual(text, &schema_root, "The file itself");
}

/* ---- secrets ---- */

static void secrets(void)
{
    static const struct {
        const char *text, *bytes; /* NULL: it is none */
        size_t len;
    } at[] = {{"", "", 0},
              {"abc", "abc", 3},
              {"hex", "hex", 3},
              {"hex:00", "\0", 1},
              {"hex:00fFa9", "\0\xff\xa9", 3},
              {"hex:", NULL, 0},
              {"hex:0", NULL, 0},
              {"hex:0g", NULL, 0},
              {"hex: 0", NULL, 0},
              {"hex:00 ", NULL, 0},
              {"HEX:00", "HEX:00", 6}};
    char text[4 + 2 * CONFIG_SECRET_MAX + 3] = "hex:";
    uint8_t bytes[CONFIG_SECRET_MAX];
    size_t len;
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        CU_ASSERT_EQUAL(config_secret(at[i].text, bytes, &len), at[i].bytes != NULL);
        if (at[i].bytes == NULL)
            continue;
        CU_ASSERT_EQUAL(len, at[i].len);
        CU_ASSERT_EQUAL(memcmp(bytes, at[i].bytes, at[i].len), 0);
    }
    memset(text + 4, '7', 2 * CONFIG_SECRET_MAX);
    CU_ASSERT_TRUE(config_secret(text, bytes, &len));
    CU_ASSERT_EQUAL(len, CONFIG_SECRET_MAX);
    CU_ASSERT_EQUAL(bytes[CONFIG_SECRET_MAX - 1], 0x77);
    memset(text + 4, '7', 2 * CONFIG_SECRET_MAX + 2);
    CU_ASSERT_FALSE(config_secret(text, bytes, &len));
    memset(text, 'x', CONFIG_SECRET_MAX + 1);
    text[CONFIG_SECRET_MAX + 1] = '\0';
    CU_ASSERT_FALSE(config_secret(text, bytes, &len));
    text[CONFIG_SECRET_MAX] = '\0';
    CU_ASSERT_TRUE(config_secret(text, bytes, &len));
}

static const struct unit_case cases[] = {
    {"a new configuration has the documented defaults", defaults},
    {"a configuration without the key of interfaces is refused", absent_interfaces},
    {"a copy has values of its own", copies},
    {"a candidate that did not come from a file is held to the same ranges", candidates},
    {"names and addresses may be there once, a host's /32 may lie in a subnet", two_and_two},
    {"overlaps of subnets are those that comparing every pair finds", overlaps},
    {"a value that is no good says what is wanted and changes nothing", values},
    {"a misspelt key suggests the nearest one", suggestions},
    {"keys that need a restart are told when they change", restarts},
    {"what is written is the documented style without defaults", writer},
    {"places are shown as FILE:LINE", places},
    {"the manual has every key with its range, words and default", manual},
    {"secrets are text, or bytes in hexadecimal", secrets},
};
UNIT_MAIN("cli config", cases)
