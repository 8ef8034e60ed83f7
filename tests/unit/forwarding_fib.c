#include <stdlib.h>

#include "forwarding/fib.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

/* Remembers the last few things that were handed to it, and frees them when told. */
static struct kept {
    struct later later;
    unsigned n;
    void *objects[64];
    void (*release[64])(void *object);
} kept;

static void keep(struct later *self, void (*release)(void *object), void *object)
{
    struct kept *k = (struct kept *)self;
    if (k->n == 64)
        abort();
    k->release[k->n] = release;
    k->objects[k->n++] = object;
}

static unsigned let_go(void)
{
    unsigned n = kept.n;
    for (unsigned i = 0; i < n; i++)
        kept.release[i](kept.objects[i]);
    kept.n = 0;
    return n;
}

static struct fib *fresh(void)
{
    kept = (struct kept){.later.defer = keep};
    struct fib *fib = fib_new(&kept.later);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fib);
    return fib;
}

static struct prefix prefix_of(const char *text)
{
    struct prefix p;
    if (!prefix_parse(text, &p))
        abort();
    return p;
}

static const struct nexthop a = {.gateway = 0x0a000002, .port = 1}, b = {.gateway = 0x0a000003, .port = 1},
                            a2 = {.gateway = 0x0a000002, .port = 2};

static void longest_wins(void)
{
    struct fib *fib = fresh();
    struct prefix matched;
    CU_ASSERT_PTR_NULL(fib_lookup(fib, addr_of("10.1.2.3"), NULL));
    CU_ASSERT_TRUE(fib_set(fib, prefix_of("0.0.0.0/0"), FIB_FORWARD, &a, 1));
    CU_ASSERT_TRUE(fib_set(fib, prefix_of("10.1.0.0/16"), FIB_BLACKHOLE, NULL, 0));
    CU_ASSERT_TRUE(fib_set(fib, prefix_of("10.1.2.0/24"), FIB_FORWARD, &b, 1));

    const struct nexthop_group *group = fib_lookup(fib, addr_of("10.1.2.3"), &matched);
    CU_ASSERT_PTR_NOT_NULL_FATAL(group);
    CU_ASSERT_EQUAL(matched.len, 24);
    CU_ASSERT_EQUAL(group->hop[0].gateway, b.gateway);
    CU_ASSERT_EQUAL(fib_lookup(fib, addr_of("10.1.3.1"), NULL)->action, FIB_BLACKHOLE);
    CU_ASSERT_EQUAL(fib_lookup(fib, addr_of("11.0.0.1"), NULL)->hop[0].gateway, a.gateway);

    uint32_t addrs[100];
    const struct nexthop_group *to[100];
    for (unsigned i = 0; i < 100; i++)
        addrs[i] = addr_of("10.1.0.9") + i * 77;
    fib_lookup_burst(fib, addrs, to, 100);
    unsigned wrong = 0;
    for (unsigned i = 0; i < 100; i++)
        wrong += to[i] != fib_lookup(fib, addrs[i], NULL);
    CU_ASSERT_EQUAL(wrong, 0);

    CU_ASSERT_TRUE(fib_remove(fib, prefix_of("10.1.2.0/24")));
    CU_ASSERT_FALSE(fib_remove(fib, prefix_of("10.1.2.0/24")));
    CU_ASSERT_EQUAL(fib_lookup(fib, addr_of("10.1.2.3"), NULL)->action, FIB_BLACKHOLE);
    let_go();
    fib_free(fib);
}

static void equal_groups_are_one(void)
{
    struct fib *fib = fresh();
    CU_ASSERT_TRUE(fib_set(fib, prefix_of("10.0.0.0/8"), FIB_FORWARD, (struct nexthop[]){a, b, a2}, 3));
    CU_ASSERT_TRUE(fib_set(fib, prefix_of("11.0.0.0/8"), FIB_FORWARD, (struct nexthop[]){b, a2, b, a, a}, 5));
    const struct nexthop_group *group = fib_find(fib, prefix_of("10.0.0.0/8"));
    CU_ASSERT_PTR_EQUAL(group, fib_find(fib, prefix_of("11.0.0.0/8")));
    CU_ASSERT_EQUAL(group->n, 3);
    CU_ASSERT_EQUAL(group->references, 2);
    CU_ASSERT_EQUAL(fib_summary(fib).groups, 1);
    CU_ASSERT_TRUE(fib_set(fib, prefix_of("12.0.0.0/8"), FIB_BLACKHOLE, NULL, 0));
    CU_ASSERT_TRUE(fib_set(fib, prefix_of("13.0.0.0/8"), FIB_PROHIBIT, NULL, 0));
    CU_ASSERT_EQUAL(fib_summary(fib).groups, 3);
    let_go();
    fib_free(fib);
}

static void freed_with_the_last(void)
{
    struct fib *fib = fresh();
    fib_set(fib, prefix_of("10.0.0.0/8"), FIB_FORWARD, &a, 1);
    fib_set(fib, prefix_of("10.0.0.0/9"), FIB_FORWARD, &a, 1);
    const struct nexthop_group *group = fib_find(fib, prefix_of("10.0.0.0/8"));
    let_go(); /* the node of the first, which was a leaf */
    fib_remove(fib, prefix_of("10.0.0.0/8"));
    CU_ASSERT_EQUAL(let_go(), 1); /* the trie's node */
    CU_ASSERT_EQUAL(group->references, 1);
    fib_set(fib, prefix_of("10.0.0.0/9"), FIB_FORWARD, &b, 1);
    CU_ASSERT_EQUAL(kept.n, 1); /* the group, which a lane may still be reading */
    CU_ASSERT_EQUAL(group->hop[0].gateway, a.gateway);
    CU_ASSERT_EQUAL(fib_summary(fib).groups, 1);
    CU_ASSERT_EQUAL(let_go(), 1);
    fib_remove(fib, prefix_of("10.0.0.0/9"));
    CU_ASSERT_EQUAL(fib_summary(fib).groups, 0);
    CU_ASSERT_EQUAL(fib_summary(fib).nodes, 0);
    CU_ASSERT_EQUAL(let_go(), 2);
    fib_free(fib);
}

static void replacing_with_the_same(void)
{
    struct fib *fib = fresh();
    fib_set(fib, prefix_of("10.0.0.0/8"), FIB_FORWARD, &a, 1);
    const struct nexthop_group *group = fib_find(fib, prefix_of("10.0.0.0/8"));
    CU_ASSERT_TRUE(fib_set(fib, prefix_of("10.0.0.0/8"), FIB_FORWARD, &a, 1));
    CU_ASSERT_PTR_EQUAL(fib_find(fib, prefix_of("10.0.0.0/8")), group);
    CU_ASSERT_EQUAL(group->references, 1);
    CU_ASSERT_EQUAL(let_go(), 0);
    fib_free(fib);
}

static void nonsense(void)
{
    struct fib *fib = fresh();
    struct nexthop many[FIB_HOPS_MAX + 1] = {{0}};
    CU_ASSERT_FALSE(fib_set(fib, prefix_of("10.0.0.0/8"), FIB_FORWARD, NULL, 0));
    CU_ASSERT_FALSE(fib_set(fib, prefix_of("10.0.0.0/8"), FIB_BLACKHOLE, &a, 1));
    CU_ASSERT_FALSE(fib_set(fib, prefix_of("10.0.0.0/8"), FIB_FORWARD, many, FIB_HOPS_MAX + 1));
    CU_ASSERT_EQUAL(fib_summary(fib).prefixes, 0);
    fib_free(fib);
}

static void many_groups(void)
{
    struct fib *fib = fresh();
    enum { N = 1000 };
    struct prefix prefix;
    const struct nexthop_group *group;
    for (unsigned i = 0; i < N; i++) {
        struct nexthop hop = {.gateway = 0x0a000000 + i, .port = (uint16_t)(i % 3)};
        CU_ASSERT_TRUE(fib_set(fib, (struct prefix){.addr = i << 12, .len = 20}, FIB_FORWARD, &hop, 1));
    }
    CU_ASSERT_EQUAL(fib_summary(fib).groups, N);
    struct patricia_cursor cursor = PATRICIA_START;
    unsigned n = 0, wrong = 0;
    while (fib_next(fib, &cursor, &prefix, &group)) {
        wrong += prefix.addr != n << 12 || group->hop[0].gateway != 0x0a000000 + n;
        n++;
    }
    CU_ASSERT_EQUAL(n, N);
    CU_ASSERT_EQUAL(wrong, 0);
    for (unsigned i = 0; i < N; i++) {
        fib_remove(fib, (struct prefix){.addr = i << 12, .len = 20});
        let_go();
    }
    CU_ASSERT_EQUAL(fib_summary(fib).groups, 0);
    CU_ASSERT_EQUAL(fib_summary(fib).prefixes, 0);
    fib_free(fib);
}

static const struct unit_case cases[] = {
    {"the longest prefix wins, alone and in a burst", longest_wins},
    {"equal next hops in any order are one group", equal_groups_are_one},
    {"a group is freed later, with its last prefix", freed_with_the_last},
    {"setting the same again changes and leaks nothing", replacing_with_the_same},
    {"a forwarding entry has hops, any other has none", nonsense},
    {"a thousand groups come, are walked in order, and go", many_groups},
};

UNIT_MAIN("fib", cases)
