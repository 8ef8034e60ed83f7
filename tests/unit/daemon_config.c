/* Files to configurations and back: a corpus of bad and good files with what is said of them, and random
 * configurations made by the schema. Run from the top of the tree. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/config.h"
#include "cli/schema.h"
#include "daemon/config_file.h"
#include "protocols/rip/rip.h"
#include "tests/unit/support/unit.h"

/* Findings as the corpus has them: "LINE: message", after the name of the file, seen from the folder of the first one,
 * when it is another. */
struct said {
    struct config_errors errors; /* first */
    const char *path;
    size_t folder;
    char *text;
    size_t len;
};

static void append(struct said *said, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(struct said *said, const char *format, ...)
{
    char line[4096];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    CU_ASSERT_FATAL(n >= 0 && (size_t)n < sizeof line);
    said->text = realloc(said->text, said->len + (size_t)n + 1);
    CU_ASSERT_FATAL(said->text != NULL);
    memcpy(said->text + said->len, line, (size_t)n + 1);
    said->len += (size_t)n;
}

static void say(struct config_errors *self, struct config_place place, bool warning, const char *text)
{
    struct said *said = (struct said *)self;
    if (place.file != NULL && strcmp(place.file, said->path) != 0)
        append(said, "%s:", place.file + said->folder);
    append(said, "%d: %s%s\n", place.line, warning ? "warning: " : "", text);
}

static struct said said_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct said said = {.errors = {.report = say}, .path = path};
    said.folder = slash == NULL ? 0 : (size_t)(slash + 1 - path);
    append(&said, "%s", "");
    return said;
}

static char *contents(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    size_t size = 1 << 20;
    char *text = malloc(size);
    CU_ASSERT_FATAL(text != NULL);
    size_t n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    fclose(file);
    return text;
}

static char *written(const struct config *config)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    CU_ASSERT_FATAL(to != NULL);
    CU_ASSERT_TRUE(config_write_all(config, to));
    fclose(to);
    return text;
}

static bool same(const char *what, const char *is, const char *expected)
{
    if (expected != NULL && strcmp(is, expected) == 0)
        return true;
    fprintf(stderr, "\n%s\n--- expected\n%s--- is\n%s---\n", what, expected == NULL ? "(no file)\n" : expected, is);
    return false;
}

static void check_bad(const char *path, const char *expected)
{
    struct said said = said_of(path);
    struct config *config = config_load(path, &said.errors);
    CU_ASSERT_PTR_NULL(config);
    CU_ASSERT_TRUE(said.errors.errors > 0);
    CU_ASSERT_TRUE(same(path, said.text, expected));
    config_free(config);
    free(said.text);
}

static void check_good(const char *path, const char *expected)
{
    struct said said = said_of(path);
    struct config *config = config_load(path, &said.errors);
    CU_ASSERT_TRUE(same(path, said.text, ""));
    if (config != NULL) {
        char *text = written(config);
        CU_ASSERT_TRUE(same(path, text, expected));
        free(text);
    } else {
        CU_FAIL("a good configuration was refused");
    }
    config_free(config);
    free(said.text);
}

static unsigned check_all(const char *folder, void (*check)(const char *path, const char *expected))
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    unsigned checked = 0;
    for (int i = 0; i < n; i++) {
        char path[512], expected_path[512];
        size_t len = strlen(entries[i]->d_name);
        if (len > 5 && strcmp(entries[i]->d_name + len - 5, ".conf") == 0) {
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            snprintf(expected_path, sizeof expected_path, "%.*s.expected", (int)(strlen(path) - 5), path);
            char *expected = contents(expected_path);
            check(path, expected);
            free(expected);
            checked++;
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return checked;
}

static void bad_files(void)
{
    CU_ASSERT_TRUE(check_all("tests/config-bad", check_bad) >= 90);
}

static void good_files(void)
{
    CU_ASSERT_TRUE(check_all("tests/config-good", check_good) >= 9);
}

static void installed_files(void)
{
    static const char *const paths[] = {"etc/ferryd.conf", "etc/demo.conf", "etc/line.conf", "etc/rip.conf",
                                        "etc/multicast.conf"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct said said = said_of(paths[i]);
        struct config *config = config_load(paths[i], &said.errors);
        CU_ASSERT_TRUE(same(paths[i], said.text, ""));
        CU_ASSERT_PTR_NOT_NULL(config);
        config_free(config);
        free(said.text);
    }
}

static void no_file(void)
{
    struct said said = said_of("tests/config-bad/none-of-that-name");
    CU_ASSERT_PTR_NULL(config_load(said.path, &said.errors));
    CU_ASSERT_TRUE(same("a file that is not there", said.text, "0: cannot open it: No such file or directory\n"));
    free(said.text);
    said = said_of("tests");
    CU_ASSERT_PTR_NULL(config_load(said.path, &said.errors));
    CU_ASSERT_TRUE(same("a folder", said.text, "0: cannot read it: Is a directory\n"));
    free(said.text);
    said = said_of("/dev/zero");
    CU_ASSERT_PTR_NULL(config_load(said.path, &said.errors));
    CU_ASSERT_TRUE(same("a file without end", said.text, "0: a configuration of more than 64 MB is not read\n"));
    free(said.text);
    char fifo[64];
    snprintf(fifo, sizeof fifo, "/tmp/ferryd-unit-fifo-%d", (int)getpid());
    CU_ASSERT_EQUAL_FATAL(mkfifo(fifo, 0600), 0);
    said = said_of(fifo);
    CU_ASSERT_PTR_NULL(config_load(said.path, &said.errors));
    CU_ASSERT_TRUE(same("a FIFO without a writer", said.text, "0: cannot read it: nobody wrote to it for 3 seconds\n"));
    free(said.text);
    unlink(fifo);
}

/* ---- files made here ---- */

struct scratch {
    char path[64];
};

static struct scratch scratch_new(void)
{
    struct scratch s = {"/tmp/ferryd-unit-XXXXXX"};
    int fd = mkstemp(s.path);
    CU_ASSERT_FATAL(fd >= 0);
    close(fd);
    return s;
}

static void scratch_set(const struct scratch *s, const char *text)
{
    FILE *file = fopen(s->path, "w");
    CU_ASSERT_FATAL(file != NULL);
    fputs(text, file);
    fclose(file);
}

static void places_of_a_copy(void)
{
    struct scratch file = scratch_new();
    scratch_set(&file, "interfaces = (\n  {\n    name = \"r0\";\n    addresses = [\n      \"10.0.1.1/24\",\n"
                       "      \"10.0.2.1/24\"\n    ];\n  }\n);\nstatic-routes = (\n  {\n"
                       "    prefix = \"10.9.0.0/16\";\n    via = [\n      \"10.0.2.2\"\n    ];\n  }\n);\n");
    struct said said = said_of(file.path);
    struct config *config = config_load(file.path, &said.errors);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    struct config *copy = config_copy(config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    CU_ASSERT_TRUE(config_equal(config, copy));
    config_free(config);
    CU_ASSERT_EQUAL(copy->interfaces[0].place.line, 3);
    CU_ASSERT_EQUAL(copy->interfaces[0].addresses[1].place.line, 6);
    CU_ASSERT_STRING_EQUAL(copy->interfaces[0].addresses[1].place.file, file.path);
    CU_ASSERT_EQUAL(copy->routes[0].place.line, 12);
    CU_ASSERT_EQUAL(copy->routes[0].via_place[0].line, 14);
    CU_ASSERT_STRING_EQUAL(copy->routes[0].via_place[0].file, file.path);
    config_free(copy);
    free(said.text);
    unlink(file.path);
}

static void many_routes(void)
{
    struct scratch file = scratch_new();
    FILE *to = fopen(file.path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    fputs("interfaces = ( { name = \"r0\"; addresses = \"10.0.1.1/24\"; } );\nstatic-routes = (\n", to);
    for (unsigned i = 0; i < 20000; i++)
        fprintf(to, "  { prefix = \"20.%u.%u.0/24\"; via = \"10.0.1.%u\"; },\n", i >> 8, i & 255, 2 + i % 200);
    fputs("  { prefix = \"20.0.7.0/24\"; via = \"10.0.1.9\"; }\n);\n", to);
    fclose(to);
    struct said said = said_of(file.path);
    CU_ASSERT_PTR_NULL(config_load(file.path, &said.errors));
    CU_ASSERT_TRUE(same("twenty thousand routes", said.text,
                        "20003: route 20.0.7.0/24 of distance 1 is there twice (first on line 10): one route can have "
                        "several next hops\n"));
    free(said.text);
    unlink(file.path);
}

struct random {
    uint64_t state;
};

static uint32_t below(struct random *r, uint32_t n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(r->state >> 33) % n;
}

/* ---- routes files ---- */

struct routes_scratch {
    struct scratch config, routes;
};

/* A configuration that names its routes file as seen from its own folder. */
static struct routes_scratch routes_scratch_new(const char *routes)
{
    struct routes_scratch s = {scratch_new(), scratch_new()};
    char text[256];
    snprintf(text, sizeof text,
             "interfaces = ( { name = \"r0\"; addresses = \"10.0.1.1/24\"; } );\nstatic-routes-file = \"%s\";\n",
             strrchr(s.routes.path, '/') + 1);
    scratch_set(&s.config, text);
    scratch_set(&s.routes, routes);
    return s;
}

static void routes_scratch_exit(const struct routes_scratch *s)
{
    unlink(s->config.path);
    unlink(s->routes.path);
}

static struct config *load_silently(const struct routes_scratch *s)
{
    struct config_errors silent = {0};
    struct config *config = config_load(s->config.path, &silent);
    CU_ASSERT_EQUAL(config == NULL, silent.errors > 0);
    return config;
}

static void a_routes_file_is_read(void)
{
    struct routes_scratch s =
        routes_scratch_new("20.0.0.0/8 via 10.0.1.2 10.0.1.3\n"
                           "# first in order\n10.0.0.0/8 prohibit distance 9\n"
                           "20.0.0.0/8 via 10.0.1.2 distance 3\n21.0.0.0/8 via 10.0.1.2 10.0.1.3");
    struct config *config = load_silently(&s), *copy = config_copy(config);
    CU_ASSERT_FATAL(config != NULL && copy != NULL);
    CU_ASSERT_PTR_EQUAL(config->routes_file, copy->routes_file);
    CU_ASSERT_TRUE(config_equal(config, copy));
    config_free(config);
    const struct routes_file *file = copy->routes_file;
    CU_ASSERT_FATAL(file != NULL && file->n == 4);
    CU_ASSERT_STRING_EQUAL(copy->routes_file_place.file, s.routes.path);
    CU_ASSERT_TRUE(file->routes[0].addr == 10u << 24 && file->routes[0].distance == 9 && file->routes[0].type == 3);
    CU_ASSERT_TRUE(file->routes[1].line == 1 && file->routes[2].line == 4 && file->routes[2].distance == 3);
    CU_ASSERT_EQUAL(file->routes[1].hops, file->routes[3].hops);
    char *text = written(copy);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "static-routes-file = \"ferryd-unit-"));
    CU_ASSERT_PTR_NULL(strstr(text, "20.0.0.0"));
    free(text);
    config_free(copy);
    routes_scratch_exit(&s);
}

/* The same routes in another order of lines are the same; others are not. */
static void a_changed_routes_file_is_noticed(void)
{
    struct routes_scratch s = routes_scratch_new("20.0.0.0/8 via 10.0.1.2\n21.0.0.0/8 via 10.0.1.3\n");
    static const char *const others[] = {"20.0.0.0/8 via 10.0.1.2\n",
                                         "20.0.0.0/8 via 10.0.1.2\n21.0.0.0/8 via 10.0.1.4\n",
                                         "20.0.0.0/8 via 10.0.1.2\n21.0.0.0/8 via 10.0.1.3 10.0.1.4\n",
                                         "20.0.0.0/8 via 10.0.1.2\n21.0.0.0/9 via 10.0.1.3\n",
                                         "20.0.0.0/8 via 10.0.1.2\n22.0.0.0/8 via 10.0.1.3\n",
                                         "20.0.0.0/8 via 10.0.1.2\n21.0.0.0/8 via 10.0.1.3 distance 2\n",
                                         "20.0.0.0/8 blackhole\n21.0.0.0/8 via 10.0.1.3\n"};
    struct config *config = load_silently(&s), *other;
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    scratch_set(&s.routes, "# another order\n21.0.0.0/8 via 10.0.1.3\n20.0.0.0/8 via 10.0.1.2\n");
    other = load_silently(&s);
    CU_ASSERT_FATAL(other != NULL);
    CU_ASSERT_TRUE(config_equal(config, other));
    config_free(other);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        scratch_set(&s.routes, others[i]);
        other = load_silently(&s);
        CU_ASSERT_FATAL(other != NULL);
        CU_ASSERT_FALSE(config_equal(config, other));
        config_free(other);
    }
    config_free(config);
    routes_scratch_exit(&s);
}

static void an_unreadable_routes_file(void)
{
    static const struct {
        const char *path, *said;
    } files[] = {{"/tmp", "3: routes file /tmp: cannot read it: Is a directory\n"},
                 {"/dev/zero", "3: routes file /dev/zero: a table of more than 512 MB is not read\n"
                               "zero:1: the line is longer than 4095 bytes\n"}};
    struct scratch config = scratch_new();
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "interfaces = ( );\n\nstatic-routes-file = \"%s\";\n", files[i].path);
        scratch_set(&config, text);
        struct said said = said_of(config.path);
        CU_ASSERT_PTR_NULL(config_load(config.path, &said.errors));
        CU_ASSERT_TRUE(same(files[i].path, said.text, files[i].said));
        free(said.text);
    }
    unlink(config.path);
}

/* Whatever the bytes are, reading them ends well, and what is taken is in order and each once. */
static void damaged_routes_files(void)
{
    static const char pieces[] = "0123456789./#\n\r\t viadistnceblkho\0\xc3-";
    static const char good[] = "# table\n10.10.0.0/16 via 10.0.1.2 10.0.1.3 distance 7\n0.0.0.0/0 via 10.0.1.2 # all\n"
                               "10.9.0.0/16 unreachable\n\n1.2.3.4/32 prohibit distance 255\n5.0.0.0/8 blackhole\n";
    struct random r = {.state = 77};
    struct routes_scratch s = routes_scratch_new("");
    unsigned taken = 0;
    for (unsigned i = 0; i < 3000; i++) {
        char text[8192];
        size_t n = sizeof good - 1;
        memcpy(text, good, n);
        for (uint32_t k = below(&r, 4); k > 0; k--)
            text[below(&r, (uint32_t)n)] = pieces[below(&r, sizeof pieces - 1)];
        if (i % 10 == 0) /* nothing but such bytes, up to more than a line may have */
            for (n = 0; n < sizeof text - below(&r, 4096); n++)
                text[n] = pieces[below(&r, sizeof pieces - 1) % (i % 20 == 0 ? sizeof pieces - 1 : 9)];
        FILE *file = fopen(s.routes.path, "w");
        CU_ASSERT_FATAL(file != NULL);
        fwrite(text, 1, n, file);
        fclose(file);
        struct config *config = load_silently(&s);
        for (size_t k = 1; config != NULL && k < config->routes_file->n; k++) {
            const struct file_route *a = &config->routes_file->routes[k - 1], *b = a + 1;
            CU_ASSERT_TRUE(a->addr < b->addr || (a->addr == b->addr && a->len < b->len) ||
                           (a->addr == b->addr && a->len == b->len && a->distance < b->distance));
        }
        taken += config != NULL;
        config_free(config);
    }
    CU_ASSERT_TRUE(taken > 500 && taken < 2500);
    routes_scratch_exit(&s);
}

/* ---- random configurations ---- */

static void set_text(const struct schema_key *key, void *at, const char *text)
{
    char why[512] = "";
    if (!schema_parse(key, text, at, why, sizeof why)) {
        fprintf(stderr, "\n%s: %s\n", text, why);
        CU_FAIL("the generator's own value was refused");
    }
}

/* Any string that KEY takes: letters everywhere, everything where one line of text is wanted. */
static void random_string(struct random *r, const struct schema_key *key, void *at)
{
    static const char letters[] = "abcxyz019";
    static const char any[] = "ab \"\\/*#@{}()[];:=,'%\xc3\xa9";
    bool free_text = strcmp(key->form, "one line of text") == 0;
    char text[256], why[512];
    for (int tries = 0; tries < 20; tries++) {
        uint32_t most = (uint32_t)(key->max < 200 ? key->max : 200);
        uint32_t n = (uint32_t)key->min + below(r, below(r, 4) == 0 ? most - (uint32_t)key->min + 1 : 8);
        for (uint32_t i = 0; i < n; i++)
            text[i] = free_text ? any[below(r, sizeof any - 1)] : letters[below(r, sizeof letters - 1)];
        text[n] = '\0';
        if (schema_parse(key, text, at, why, sizeof why))
            return;
    }
}

static void random_scalar(struct random *r, const struct schema_key *key, void *at)
{
    char why[512], mac[18];
    int64_t range = key->max - key->min;
    uint32_t words = 0;
    switch (key->kind) {
    case SCHEMA_BOOL:
        set_text(key, at, below(r, 2) == 0 ? "true" : "false");
        break;
    case SCHEMA_INTEGER:
        range = below(r, 4) == 0 ? (below(r, 2) == 0 ? 0 : range) : below(r, (uint32_t)range + 1);
        CU_ASSERT_TRUE(schema_set_integer(key, key->min + range, at, why, sizeof why));
        break;
    case SCHEMA_STRING:
        random_string(r, key, at);
        break;
    case SCHEMA_ENUM:
        while (key->words[words] != NULL)
            words++;
        set_text(key, at, key->words[below(r, words)]);
        break;
    case SCHEMA_DECIMAL:
        CU_ASSERT_TRUE(schema_set_decimal(key, (double)key->min + below(r, (uint32_t)range * 1000 + 1) / 1000.0, at,
                                          why, sizeof why));
        break;
    case SCHEMA_MAC:
        snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", 2 * below(r, 128), below(r, 256), below(r, 256),
                 below(r, 256), below(r, 256), 1 + below(r, 255));
        set_text(key, at, mac);
        break;
    default:
        CU_FAIL("a kind without a generator");
    }
}

/* Every key of GROUP but those whose values must fit others, now and then. */
static void random_keys(struct random *r, const struct schema_group *group, void *base, const char *const *except)
{
    for (size_t i = 0; i < group->n; i++) {
        const struct schema_key *key = &group->keys[i];
        bool skip = key->later || key->kind == SCHEMA_ENTRIES || below(r, 2) == 0;
        for (const char *const *name = except; !skip && *name != NULL; name++)
            skip = strcmp(*name, key->name) == 0;
        if (skip)
            continue;
        if (key->kind == SCHEMA_GROUP)
            random_keys(r, key->group, base, except);
        else if (key->list)
            for (uint32_t n = below(r, 5); n > 0; n--)
                random_scalar(r, key, schema_append(key, base));
        else
            random_scalar(r, key, schema_at(key, base, 0));
    }
}

static void random_interface_rip(struct random *r, const struct schema_group *group, struct config_interface *interface)
{
    static const char *const list[] = {"", "one", "none"};
    struct config_rip_interface *rip = &interface->rip;
    const struct schema_group *keys = schema_find(group, "rip")->group;
    const struct schema_key *offsets = schema_find(keys, "offset-lists"), *filter = schema_find(keys, "filter-in");
    set_text(filter, &rip->filter_in, list[below(r, 3)]);
    set_text(filter, &rip->filter_out, list[below(r, 3)]);
    for (uint32_t n = below(r, 3); n > 0; n--) {
        struct config_rip_offset *offset = schema_append(offsets, interface);
        random_keys(r, offsets->group, offset, (const char *const[]){"prefix-list", NULL});
        set_text(filter, &offset->list, list[below(r, 3)]);
    }
    for (uint32_t n = below(r, 3); n > 0; n--) {
        struct config_rip_summary *summary = schema_append(schema_find(keys, "summaries"), interface);
        summary->prefix = (struct prefix){.addr = below(r, 200) << 24, .len = 8};
    }
    rip->auth_mode = below(r, 7);
    rip->key_id = below(r, 256);
    if (rip->auth_mode == RIP_AUTH_NONE)
        return; /* a key would be warned of */
    if (below(r, 2) == 0 && rip->auth_mode != RIP_AUTH_TEXT)
        set_text(schema_find(schema_find(keys, "authentication")->group, "key-chain"), &rip->key_chain, "k");
    else
        set_text(schema_find(schema_find(keys, "authentication")->group, "key"), &rip->key, "a \"b\"\\{;");
}

static void random_interface_igmp(struct random *r, const struct schema_group *group,
                                  struct config_interface *interface)
{
    const struct schema_group *keys = schema_find(group, "igmp")->group;
    struct config_igmp_interface *igmp = &interface->igmp;
    igmp->enabled = interface->type != CONFIG_LOOPBACK && below(r, 2) == 0;
    igmp->response_interval = (100 + below(r, 25000)) / 1000.0;
    igmp->last_member_interval = (100 + below(r, 25000)) / 1000.0;
    igmp->query_interval = 26 + below(r, 1000);
    for (uint32_t n = below(r, 3); n > 0; n--)
        ((struct config_group *)schema_append(schema_find(keys, "static-groups"), interface))->address = 0xef010100 + n;
    const struct schema_group *multicast = schema_find(group, "multicast")->group;
    for (uint32_t n = below(r, 3); n > 0; n--)
        ((struct config_range *)schema_append(schema_find(multicast, "boundaries"), interface))->prefix =
            (struct prefix){.addr = (0xef00 + n) << 16, .len = 16};
}

static const struct config_interface *random_ethernet(struct random *r, const struct config *config)
{
    const struct config_interface *i =
        config->n_interfaces == 0 ? NULL : &config->interfaces[below(r, (uint32_t)config->n_interfaces)];
    return i == NULL || i->type == CONFIG_LOOPBACK ? NULL : i;
}

/* After the interfaces, since the upstream is one of them. */
static void random_multicast(struct random *r, struct config *config)
{
    const struct schema_group *keys = schema_find(&schema_root, "multicast")->group;
    const struct config_interface *upstream = random_ethernet(r, config);
    if (upstream != NULL && below(r, 2) == 0)
        set_text(schema_find(keys, "upstream"), &config->multicast.upstream, upstream->name);
    for (uint32_t n = below(r, 3); n > 0; n--)
        ((struct config_range *)schema_append(schema_find(keys, "ssm-ranges"), config))->prefix =
            (struct prefix){.addr = (0xef80 + n) << 16, .len = 16};
}

/* What the interfaces' groups name, and the router's own lists. */
static void random_rip(struct random *r, struct config *config)
{
    static const char *const names[] = {"one", "none"};
    const struct schema_key *lists = schema_find(&schema_root, "prefix-lists");
    const struct schema_key *rules = schema_find(lists->group, "rules"), *name = schema_find(lists->group, "name");
    for (unsigned i = 0; i < 2; i++) {
        struct config_prefix_list *list = schema_append(lists, config);
        set_text(name, &list->name, names[i]);
        for (uint32_t n = i == 0 ? 1 + below(r, 4) : 0; n > 0; n--) {
            struct config_prefix_rule *rule = schema_append(rules, list);
            *rule = (struct config_prefix_rule){.action = below(r, 2), .prefix = {.addr = n << 24, .len = 8}};
            rule->ge = below(r, 2) == 0 ? 0 : 9;
            rule->le = below(r, 2) == 0 ? 0 : 9 + below(r, 24);
        }
    }
    const struct schema_key *chains = schema_find(&schema_root, "key-chains");
    const struct schema_key *keys = schema_find(chains->group, "keys");
    struct config_key_chain *chain = schema_append(chains, config);
    set_text(name, &chain->name, "k");
    chain->fail_secure = below(r, 2) == 0;
    for (uint32_t n = 1 + below(r, 3); n > 0; n--) {
        struct config_key *key = schema_append(keys, chain);
        key->id = n;
        key->algorithm = below(r, 2) == 0 ? CONFIG_UNSAID : (int64_t)RIP_AUTH_MD5 + below(r, 5);
        random_string(r, schema_find(keys->group, "key"), &key->secret);
        if (below(r, 2) == 0)
            set_text(schema_find(keys->group, "send"), &key->send, "2026-11-20 09:00:00..2027-01-01");
        if (below(r, 2) == 0)
            set_text(schema_find(keys->group, "accept"), &key->accept, "..2028-02-29T23:59");
    }
    const struct schema_group *rip = schema_find(&schema_root, "rip")->group;
    config->rip.timeout = config->rip.update + 1 + below(r, 1000);
    for (uint32_t n = below(r, 3); n > 0; n--) {
        struct config_redistribute *of = schema_append(schema_find(rip, "redistribute"), config);
        *of = (struct config_redistribute){.protocol = n - 1, .metric = below(r, 16), .tag = below(r, 65536)};
    }
    for (uint32_t n = below(r, 3); n > 0; n--) {
        struct config_distance *of = schema_append(schema_find(rip, "distances"), config);
        *of = (struct config_distance){.source = {.addr = n << 24, .len = 8}, .distance = 1 + below(r, 255)};
        set_text(name, &of->list, "one");
    }
    for (uint32_t n = below(r, 3); n > 0; n--)
        ((struct config_neighbor *)schema_append(schema_find(rip, "neighbors"), config))->address = 200u << 24 | n;
}

/* Interface I owns 10.I.0.0/16 and 172.16.I.0/24. */
static void random_interface(struct random *r, struct config *config, unsigned i)
{
    static const char *const except[] = {
        "name",         "addresses",      "mtu",       "proxy-arp",  "directed-broadcast",
        "source-route", "authentication", "filter-in", "filter-out", "summaries",
        "igmp",         "boundaries",     NULL};
    const struct schema_key *list = schema_find(&schema_root, "interfaces");
    const struct schema_key *addresses = schema_find(list->group, "addresses");
    struct config_interface *interface = schema_append(list, config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(interface);
    char text[32];
    snprintf(text, sizeof text, "if%u.%u", below(r, 1000), i);
    set_text(schema_find(list->group, "name"), &interface->name, text);
    random_keys(r, list->group, interface, except);
    for (unsigned k = 0, n = below(r, 4); k < n; k++) {
        switch (below(r, 3)) {
        case 0:
            snprintf(text, sizeof text, "10.%u.%u.%u/24", i, k, 1 + below(r, 254));
            break;
        case 1:
            snprintf(text, sizeof text, "10.%u.%u.%u/31", i, 100 + k, below(r, 256));
            break;
        default:
            snprintf(text, sizeof text, "172.16.%u.%u/32", i, 10 * k + below(r, 10));
        }
        set_text(addresses, schema_append(addresses, interface), text);
    }
    random_interface_rip(r, list->group, interface);
    if (interface->rip.triggered)
        interface->rip.split_horizon = RIP_SPLIT_POISONED;
    random_interface_igmp(r, list->group, interface);
    if (interface->type != CONFIG_LOOPBACK) {
        interface->mtu = below(r, 2) == 0 ? 0 : 68 + below(r, 65000);
        interface->proxy_arp = below(r, 2) == 0;
        interface->directed_broadcast = below(r, 2) == 0;
        interface->source_route = below(r, 2) == 0;
    }
}

static void random_route(struct random *r, struct config *config, unsigned i)
{
    const struct schema_key *list = schema_find(&schema_root, "static-routes");
    struct config_route *route = schema_append(list, config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(route);
    uint8_t len = (uint8_t)(16 + below(r, 17));
    route->prefix = (struct prefix){.addr = (100u + i) << 24 | (below(r, 1 << 24) & prefix_mask(len)), .len = len};
    route->prefix.addr &= prefix_mask(len);
    route->distance = 1 + below(r, 255);
    const struct config_interface *interface = random_ethernet(r, config);
    if (below(r, 3) == 0) {
        route->type = 1 + below(r, 3);
        return;
    }
    if (interface != NULL && below(r, 2) == 0)
        set_text(schema_find(list->group, "interface"), &route->interface, interface->name);
    unsigned n = route->interface == NULL ? 1 + below(r, FIB_HOPS_MAX) : below(r, FIB_HOPS_MAX + 1);
    for (unsigned k = 0; k < n; k++)
        route->via[route->n_via++] = 11u << 24 | below(r, 1 << 20) << 4 | k;
}

static void random_arp(struct random *r, struct config *config, unsigned i)
{
    const struct schema_key *list = schema_find(&schema_root, "static-arp");
    const struct config_interface *interface = random_ethernet(r, config);
    if (interface == NULL || interface->n_addresses == 0)
        return;
    struct prefix p = interface->addresses[0].prefix;
    uint32_t host = 1 + i;
    if (p.len != 24 || (p.addr & 0xff) == host)
        return;
    struct config_arp *arp = schema_append(list, config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(arp);
    set_text(schema_find(list->group, "interface"), &arp->interface, interface->name);
    arp->address = prefix_network(p) | host;
    random_scalar(r, schema_find(list->group, "mac"), arp->mac);
}

static struct config *random_config(struct random *r)
{
    static const char *const except[] = {"lanes",  "static-routes-file", "neighbors",  "timeout",
                                         "update", "upstream",           "ssm-ranges", NULL};
    struct config *config = config_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    config->has_interfaces = true;
    random_keys(r, &schema_root, config, except);
    random_rip(r, config);
    config->lanes = 1 + below(r, config->n_cpus > 0 ? (uint32_t)config->n_cpus : 64);
    for (unsigned i = 0, n = below(r, 6); i < n; i++)
        random_interface(r, config, i);
    for (unsigned i = 0, n = below(r, 6); i < n; i++)
        random_route(r, config, i);
    for (unsigned i = 0, n = below(r, 4); i < n; i++)
        random_arp(r, config, i);
    random_multicast(r, config);
    return config;
}

static bool round_trip(const struct config *config, const struct scratch *file)
{
    char *text = written(config);
    scratch_set(file, text);
    struct said said = said_of(file->path);
    struct config *again = config_load(file->path, &said.errors);
    bool good = same(text, said.text, "") && again != NULL && config_equal(config, again);
    if (again != NULL) {
        char *second = written(again);
        good = same("written again", second, text) && good;
        free(second);
    }
    config_free(again);
    free(said.text);
    free(text);
    return good;
}

static void random_round_trips(void)
{
    struct random r = {.state = 20240229};
    struct scratch file = scratch_new();
    unsigned good = 0;
    for (unsigned i = 0; i < 2000 && good == i; i++) {
        struct config *config = random_config(&r);
        struct config *copy = config_copy(config);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        CU_ASSERT_TRUE(config_equal(config, copy));
        config_free(config);
        good += round_trip(copy, &file);
        config_free(copy);
    }
    CU_ASSERT_EQUAL(good, 2000);
    unlink(file.path);
}

/* Whatever stands in a file, reading it ends well, and a file that is accepted is read the same when written again. */
static void mutate(struct random *r, const char *path, const char *expected)
{
    (void)expected;
    static const char pieces[] = "(){}[]=:;,\"\\/*#@\n +-.019aLxe\xc3";
    char *text = contents(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t len = strlen(text);
    struct scratch file = scratch_new();
    for (unsigned i = 0; i < 60 && len > 0; i++) {
        char *copy = strdup(text);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        for (uint32_t n = 1 + below(r, 3); n > 0; n--)
            copy[below(r, (uint32_t)len)] = pieces[below(r, sizeof pieces - 1)];
        scratch_set(&file, copy);
        free(copy);
        struct config_errors silent = {0};
        struct config *config = config_load(file.path, &silent);
        CU_ASSERT_EQUAL(config == NULL, silent.errors > 0);
        if (config != NULL)
            CU_ASSERT_TRUE(round_trip(config, &file));
        config_free(config);
    }
    unlink(file.path);
    free(text);
}

static void mutate_good(const char *path, const char *expected)
{
    struct random r = {.state = strlen(path)};
    mutate(&r, path, expected);
}

static void mutated_files(void)
{
    CU_ASSERT_TRUE(check_all("tests/config-good", mutate_good) >= 8);
}

static const struct unit_case cases[] = {
    {"each bad file is refused with the line and the reason of everything that is wrong", bad_files},
    {"each good file is understood and written in one style", good_files},
    {"the samples that are installed are valid", installed_files},
    {"a file that cannot be read is refused with the reason", no_file},
    {"a copy knows the places of values, and outlives the original", places_of_a_copy},
    {"of twenty thousand routes the one that is there twice is found", many_routes},
    {"a routes file is read, shared by copies, and only its name is written", a_routes_file_is_read},
    {"routes files are compared by what they hold", a_changed_routes_file_is_noticed},
    {"a routes file that cannot be read is an error where it is named", an_unreadable_routes_file},
    {"a damaged routes file is refused with a reason or understood", damaged_routes_files},
    {"2000 random configurations are the same after writing and reading", random_round_trips},
    {"a damaged file is refused with a reason or understood", mutated_files},
};
UNIT_MAIN("daemon config", cases)
