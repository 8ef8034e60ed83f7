/* Differences of two configurations: what is told, in which form, and where two changes meet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/config_diff.h"
#include "tests/unit/support/unit.h"

static const struct schema_group *group(const char *list)
{
    return schema_find(&schema_root, list)->group;
}

static void set(const struct schema_group *of, void *base, const char *name, const char *text)
{
    char why[512] = "";
    const struct schema_key *key = schema_find(of, name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(key);
    void *at = key->list ? schema_append(key, base) : schema_at(key, base, 0);
    CU_ASSERT_TRUE_FATAL(schema_parse(key, text, at, why, sizeof why));
}

static void *append(struct config *config, const char *list)
{
    void *entry = schema_append(schema_find(&schema_root, list), config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
    return entry;
}

static void add_interface(struct config *config, const char *name, const char *address)
{
    void *interface = append(config, "interfaces");
    set(group("interfaces"), interface, "name", name);
    set(group("interfaces"), interface, "addresses", address);
}

static void add_route(struct config *config, const char *prefix, const char *via)
{
    void *route = append(config, "static-routes");
    set(group("static-routes"), route, "prefix", prefix);
    set(group("static-routes"), route, "via", via);
}

static struct config *make_base(void)
{
    struct config *config = config_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    config->has_interfaces = true;
    add_interface(config, "r0", "10.0.1.1/24");
    add_interface(config, "r1", "10.0.2.1/24");
    add_route(config, "10.8.0.0/16", "10.0.2.2");
    add_route(config, "10.9.0.0/16", "10.0.2.2");
    void *arp = append(config, "static-arp");
    set(group("static-arp"), arp, "interface", "r0");
    set(group("static-arp"), arp, "address", "10.0.1.9");
    set(group("static-arp"), arp, "mac", "02:00:00:00:00:09");
    return config;
}

static struct config *copy_of(const struct config *config)
{
    struct config *copy = config_copy(config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
    return copy;
}

/* Drops entry I of LIST; the last takes its place. */
static void drop(struct config *config, const char *list, size_t i)
{
    const struct schema_key *key = schema_find(&schema_root, list);
    size_t last = schema_count(key, config) - 1;
    union {
        struct config_route route;
        struct config_interface interface;
        char bytes[1];
    } swap;
    CU_ASSERT_FATAL(key->stride <= sizeof swap);
    memcpy(swap.bytes, schema_at(key, config, i), key->stride);
    memcpy(schema_at(key, config, i), schema_at(key, config, last), key->stride);
    memcpy(schema_at(key, config, last), swap.bytes, key->stride);
    schema_remove_last(key, config);
}

struct told {
    struct config_diff diff; /* first */
    FILE *to;
    size_t n, most;
    bool lines;
};

static bool tell(struct config_diff *self, const struct config_difference *d)
{
    struct told *told = (struct told *)self;
    if (told->lines)
        config_difference_print(d, told->to);
    else
        fprintf(told->to, "%s: %s -> %s\n", d->path, d->before == NULL ? "(none)" : d->before,
                d->after == NULL ? "(none)" : d->after);
    return ++told->n != told->most;
}

/* The differences as text, a step of MOST entries after the other; to be freed. */
static char *differences(const struct config *before, const struct config *after, size_t most, bool lines)
{
    char *text;
    size_t size;
    struct told told = {.diff.differs = tell, .to = open_memstream(&text, &size), .lines = lines};
    CU_ASSERT_PTR_NOT_NULL_FATAL(told.to);
    struct config_differ *differ = config_differ_new(before, after);
    CU_ASSERT_PTR_NOT_NULL_FATAL(differ);
    enum config_differ_step step;
    do {
        step = config_differ_some(differ, most, &told.diff);
    } while (step == CONFIG_DIFFER_MORE);
    CU_ASSERT_EQUAL(step, CONFIG_DIFFER_END);
    config_differ_free(differ);
    fclose(told.to);
    return text;
}

static struct config *make_changed(const struct config *base)
{
    struct config *changed = copy_of(base);
    set(&schema_root, changed, "hostname", "core");
    changed->icmp_burst = 7;
    changed->interfaces[0].mtu = 1400;
    set(group("interfaces"), &changed->interfaces[0], "addresses", "10.0.11.1/24");
    changed->interfaces[0].redirects = false;
    drop(changed, "interfaces", 1);
    add_interface(changed, "r2", "10.0.3.1/24");
    drop(changed, "static-routes", 0);
    set(group("static-routes"), &changed->routes[0], "via", "10.0.3.2");
    add_route(changed, "10.9.0.0/16", "10.0.3.3");
    changed->routes[1].distance = 250;
    drop(changed, "static-arp", 0);
    return changed;
}

static void every_difference_is_told(void)
{
    struct config *base = make_base(), *changed = make_changed(base);
    static const char expected[] =
        "hostname: \"r1\" -> \"core\"\n"
        "interfaces r0 addresses: [ \"10.0.1.1/24\" ] -> [ \"10.0.1.1/24\", \"10.0.11.1/24\" ]\n"
        "interfaces r0 mtu: (none) -> 1400\n"
        "interfaces r0 redirects: (none) -> false\n"
        "interfaces r1: {\n    name = \"r1\";\n    addresses = [ \"10.0.2.1/24\" ];\n  } -> (none)\n"
        "interfaces r2: (none) -> {\n    name = \"r2\";\n    addresses = [ \"10.0.3.1/24\" ];\n  }\n"
        "static-routes 10.8.0.0/16: { prefix = \"10.8.0.0/16\"; via = \"10.0.2.2\"; } -> (none)\n"
        "static-routes 10.9.0.0/16: { prefix = \"10.9.0.0/16\"; via = \"10.0.2.2\"; } -> "
        "{ prefix = \"10.9.0.0/16\"; via = [ \"10.0.2.2\", \"10.0.3.2\" ]; }\n"
        "static-routes 10.9.0.0/16 250: (none) -> { prefix = \"10.9.0.0/16\"; via = \"10.0.3.3\"; distance = 250; }\n"
        "static-arp r0 10.0.1.9: { interface = \"r0\"; address = \"10.0.1.9\"; mac = \"02:00:00:00:00:09\"; } -> "
        "(none)\n"
        "icmp burst: (none) -> 7\n";
    for (size_t most = 1; most < 4; most++) {
        char *text = differences(base, changed, most, false);
        CU_ASSERT_STRING_EQUAL(text, expected);
        free(text);
    }
    config_free(base);
    config_free(changed);
}

static void the_order_of_entries_does_not_count(void)
{
    struct config *base = make_base(), *other = copy_of(base);
    struct config_route swap = other->routes[0];
    other->routes[0] = other->routes[1];
    other->routes[1] = swap;
    char *text = differences(base, other, SIZE_MAX, false);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    set(group("interfaces"), &base->interfaces[0], "addresses", "10.0.5.1/24");
    set(group("interfaces"), &other->interfaces[0], "addresses", "10.0.5.1/24");
    struct config_address first = other->interfaces[0].addresses[0];
    other->interfaces[0].addresses[0] = other->interfaces[0].addresses[1];
    other->interfaces[0].addresses[1] = first;
    text = differences(base, other, SIZE_MAX, false);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "interfaces r0 addresses: "));
    free(text);
    config_free(base);
    config_free(other);
}

static void lines_begin_with_their_sign(void)
{
    struct config *base = make_base(), *changed = copy_of(base);
    changed->interfaces[0].mtu = 1400;
    drop(changed, "static-routes", 1);
    add_interface(changed, "r2", "10.0.3.1/24");
    char *text = differences(base, changed, SIZE_MAX, true);
    CU_ASSERT_STRING_EQUAL(text, "+ interfaces r0 mtu = 1400;\n"
                                 "+ interfaces {\n"
                                 "+     name = \"r2\";\n"
                                 "+     addresses = [ \"10.0.3.1/24\" ];\n"
                                 "+   }\n"
                                 "- static-routes { prefix = \"10.9.0.0/16\"; via = \"10.0.2.2\"; }\n");
    free(text);
    text = differences(changed, base, SIZE_MAX, true);
    CU_ASSERT_EQUAL(strncmp(text, "- interfaces r0 mtu = 1400;\n", 28), 0);
    free(text);
    config_free(base);
    config_free(changed);
}

static void a_summary_counts_many_and_names_one(void)
{
    struct config *base = make_base(), *changed = make_changed(base);
    char to[512];
    CU_ASSERT_TRUE(config_diff_summary(base, changed, to, sizeof to));
    CU_ASSERT_STRING_EQUAL(
        to, "hostname changed, interface r2 added, interface r1 removed, interface r0 changed (addresses, mtu, "
            "redirects), route 10.9.0.0/16 250 added, route 10.8.0.0/16 removed, route 10.9.0.0/16 changed, "
            "static ARP entry r0 10.0.1.9 removed, icmp burst changed");
    add_route(changed, "10.10.0.0/16", "10.0.3.3");
    add_route(changed, "10.11.0.0/16", "10.0.3.3");
    CU_ASSERT_TRUE(config_diff_summary(base, changed, to, sizeof to));
    CU_ASSERT_PTR_NOT_NULL(strstr(to, ", 3 routes added, "));
    char little[40];
    CU_ASSERT_TRUE(config_diff_summary(base, changed, little, sizeof little));
    CU_ASSERT_STRING_EQUAL(little, "hostname changed, ...");
    CU_ASSERT_TRUE(config_diff_summary(base, base, to, sizeof to));
    CU_ASSERT_STRING_EQUAL(to, "");
    config_free(base);
    config_free(changed);
}

static enum config_conflict conflict(const struct config *base, const struct config *theirs, const struct config *ours,
                                     const char *expected)
{
    char to[256];
    enum config_conflict found = config_conflict(base, theirs, ours, to, sizeof to);
    CU_ASSERT_STRING_EQUAL(to, expected);
    return found;
}

static void changes_conflict_where_they_meet(void)
{
    struct config *base = make_base(), *theirs = copy_of(base), *ours = copy_of(base);
    set(&schema_root, ours, "hostname", "ours");
    theirs->interfaces[0].mtu = 1400;
    ours->interfaces[0].arp_timeout = 7;
    CU_ASSERT_EQUAL(conflict(base, theirs, ours, ""), CONFIG_CONFLICT_NONE);
    ours->interfaces[0].mtu = 1400;
    CU_ASSERT_EQUAL(conflict(base, theirs, ours, ""), CONFIG_CONFLICT_NONE); /* both want the same */
    ours->interfaces[0].mtu = 1300;
    CU_ASSERT_EQUAL(conflict(base, theirs, ours, "interfaces r0 mtu (1400 and 1300)"), CONFIG_CONFLICT_FOUND);
    drop(theirs, "interfaces", 0); /* what they remove and we change */
    CU_ASSERT_EQUAL(conflict(base, theirs, ours, "interfaces r0 mtu, interfaces r0 arp-timeout"),
                    CONFIG_CONFLICT_FOUND);
    CU_ASSERT_EQUAL(conflict(base, ours, theirs, "interfaces r0"), CONFIG_CONFLICT_FOUND);
    config_free(theirs);
    theirs = copy_of(base);
    for (int i = 0; i < 7; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "10.%d.0.0/16", 20 + i);
        add_route(theirs, prefix, "10.0.2.2");
        add_route(ours, prefix, "10.0.2.3");
    }
    CU_ASSERT_EQUAL(conflict(base, theirs, ours,
                             "static-routes 10.20.0.0/16, static-routes 10.21.0.0/16, static-routes 10.22.0.0/16, "
                             "static-routes 10.23.0.0/16, static-routes 10.24.0.0/16 and 2 more"),
                    CONFIG_CONFLICT_FOUND);
    config_free(base);
    config_free(theirs);
    config_free(ours);
}

static void what_was_not_saved_and_is_replaced_is_lost(void)
{
    struct config *saved = make_base(), *running = copy_of(saved), *next = copy_of(saved);
    char to[256];
    running->interfaces[0].mtu = 1400;
    running->icmp_burst = 7;
    CU_ASSERT_TRUE(config_lost(saved, running, next, to, sizeof to));
    CU_ASSERT_STRING_EQUAL(to, "interfaces r0 mtu, icmp burst");
    next->icmp_burst = 7; /* the file has it too by now */
    set(&schema_root, next, "hostname", "other");
    CU_ASSERT_TRUE(config_lost(saved, running, next, to, sizeof to));
    CU_ASSERT_STRING_EQUAL(to, "interfaces r0 mtu");
    config_free(saved);
    config_free(running);
    config_free(next);
}

static void secrets_are_not_named(void)
{
    struct config *base = make_base(), *theirs = config_copy(base), *ours = config_copy(base);
    const struct schema_group *interface = schema_find(&schema_root, "interfaces")->group;
    const struct schema_group *auth = schema_find(schema_find(interface, "rip")->group, "authentication")->group;
    char to[256];
    set(auth, &theirs->interfaces[0], "key", "swordfish");
    set(auth, &ours->interfaces[0], "key", "herring");
    CU_ASSERT_EQUAL(config_conflict(base, theirs, ours, to, sizeof to), CONFIG_CONFLICT_FOUND);
    CU_ASSERT_STRING_EQUAL(to, "interfaces r0 rip authentication key");
    config_free(base);
    config_free(theirs);
    config_free(ours);
}

static void the_walk_ends_when_no_more_is_wanted(void)
{
    struct config *base = make_base(), *changed = make_changed(base);
    char *text;
    size_t size;
    struct told told = {.diff.differs = tell, .to = open_memstream(&text, &size), .most = 3};
    CU_ASSERT_TRUE(config_diff(base, changed, &told.diff));
    CU_ASSERT_EQUAL(told.n, 3);
    fclose(told.to);
    free(text);
    config_free(base);
    config_free(changed);
}

static bool count(struct config_diff *self, const struct config_difference *d)
{
    struct told *told = (struct told *)self;
    (void)d;
    told->n++;
    return true;
}

/* The same routes in another order, all but one: every entry has to be looked for. */
static void many_routes_are_compared_quickly(void)
{
    enum { ROUTES = 100000 };
    struct config *base = make_base(), *other = copy_of(base);
    const struct schema_key *routes = schema_find(&schema_root, "static-routes");
    CU_ASSERT_TRUE_FATAL(schema_reserve(routes, base, ROUTES) && schema_reserve(routes, other, ROUTES));
    for (unsigned i = 0; i < ROUTES; i++) {
        unsigned k = ROUTES - i;
        struct config_route *of_base = schema_add(routes, base), *of_other = schema_add(routes, other);
        of_base->prefix = (struct prefix){.addr = 0x14000000 + i, .len = 32};
        of_other->prefix = (struct prefix){.addr = 0x14000000 + k, .len = 32};
    }
    struct told told = {.diff.differs = count};
    CU_ASSERT_TRUE(config_diff(base, other, &told.diff));
    CU_ASSERT_EQUAL(told.n, 2);
    char to[256];
    CU_ASSERT_EQUAL(config_conflict(base, other, base, to, sizeof to), CONFIG_CONFLICT_NONE);
    config_free(base);
    config_free(other);
}

static const struct unit_case cases[] = {
    {"every difference is told with its path and both texts, in steps of any size", every_difference_is_told},
    {"the order of entries does not count, that of addresses does", the_order_of_entries_does_not_count},
    {"lines begin with their sign", lines_begin_with_their_sign},
    {"a summary counts many and names one", a_summary_counts_many_and_names_one},
    {"changes conflict where they meet", changes_conflict_where_they_meet},
    {"what was not saved and is replaced is lost", what_was_not_saved_and_is_replaced_is_lost},
    {"the walk ends when no more is wanted", the_walk_ends_when_no_more_is_wanted},
    {"a conflict of secrets does not name them", secrets_are_not_named},
    {"a hundred thousand routes in another order are compared quickly", many_routes_are_compared_quickly},
};
UNIT_MAIN("cli config diff", cases)
