#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/patricia.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

/* A "later" that counts, and keeps what it got until it is told to let go, as a grace period would. */
struct keeping_later {
    struct later later;
    bool keep;
    size_t count, kept, room;
    struct {
        void (*release)(void *object);
        void *object;
    } * entries;
};

static void keep_or_free(struct later *self, void (*release)(void *object), void *object)
{
    struct keeping_later *l = (struct keeping_later *)self;
    l->count++;
    if (!l->keep) {
        release(object);
        return;
    }
    if (l->kept == l->room) {
        l->room = l->room * 2 + 64;
        l->entries = realloc(l->entries, l->room * sizeof *l->entries);
        if (l->entries == NULL)
            abort();
    }
    l->entries[l->kept].release = release;
    l->entries[l->kept].object = object;
    l->kept++;
}

static void let_go(struct keeping_later *l)
{
    for (size_t i = 0; i < l->kept; i++)
        l->entries[i].release(l->entries[i].object);
    l->kept = 0;
    free(l->entries);
    l->entries = NULL;
    l->room = 0;
}

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static struct prefix prefix_of(const char *text)
{
    struct prefix p;
    if (!prefix_parse(text, &p))
        abort();
    return p;
}

/* ---- the slow, obviously right twin: an ordered array of every prefix that the test ever uses ---- */

#define UNIVERSE 400

struct twin {
    struct prefix prefix[UNIVERSE];
    char *value[UNIVERSE]; /* NULL: not set */
    size_t count;
};

static int by_order(const void *a, const void *b)
{
    const struct prefix *p = a, *q = b;
    if (p->addr != q->addr)
        return p->addr < q->addr ? -1 : 1;
    return (int)p->len - (int)q->len;
}

/* Few bits vary, so that prefixes nest, touch and part at every depth. */
static uint32_t narrow_addr(uint64_t *seed)
{
    static const uint32_t masks[] = {0xe0000000, 0x00030000, 0x00000007, 0x80000001, 0xffffffff};
    uint32_t addr = 0x0a000000;
    for (unsigned i = 0; i < sizeof masks / sizeof masks[0]; i++)
        if (random_next(seed) % (i == 4 ? 16 : 2) == 0)
            addr ^= (uint32_t)random_next(seed) & masks[i];
    return addr;
}

static void twin_init(struct twin *twin, uint64_t *seed)
{
    memset(twin, 0, sizeof *twin);
    for (unsigned n = 0; n < UNIVERSE;) {
        struct prefix p = {.len = (uint8_t)(random_next(seed) % 33)};
        p.addr = narrow_addr(seed) & prefix_mask(p.len);
        bool there = false;
        for (unsigned i = 0; i < n; i++)
            there |= prefix_equal(twin->prefix[i], p);
        if (!there)
            twin->prefix[n++] = p;
    }
    qsort(twin->prefix, UNIVERSE, sizeof twin->prefix[0], by_order);
}

static int twin_match(const struct twin *twin, uint32_t addr, unsigned shorter_than)
{
    int best = -1;
    for (int i = 0; i < UNIVERSE; i++) {
        const struct prefix *p = &twin->prefix[i];
        if (twin->value[i] != NULL && p->len < shorter_than && prefix_holds(*p, addr) &&
            (best < 0 || p->len > twin->prefix[best].len))
            best = i;
    }
    return best;
}

static bool agrees(const struct twin *twin, int expected, const void *value, struct prefix matched)
{
    if (expected < 0)
        return value == NULL;
    return value == twin->value[expected] && prefix_equal(matched, twin->prefix[expected]);
}

static bool change_agrees(struct patricia *trie, struct twin *twin, uint64_t *seed, unsigned sets_of_10)
{
    static char values[7]; /* told apart by their addresses */
    unsigned i = (unsigned)(random_next(seed) % UNIVERSE);
    char *was = twin->value[i];
    if (random_next(seed) % 10 < sets_of_10) {
        void *before = NULL;
        twin->value[i] = &values[random_next(seed) % sizeof values];
        twin->count += was == NULL;
        return patricia_set(trie, twin->prefix[i], twin->value[i], &before) && before == was;
    }
    twin->value[i] = NULL;
    twin->count -= was != NULL;
    return patricia_remove(trie, twin->prefix[i]) == was;
}

static bool look_agrees(const struct patricia *trie, const struct twin *twin, uint64_t *seed)
{
    struct prefix matched = {0};
    uint32_t addr = narrow_addr(seed);
    unsigned i = (unsigned)(random_next(seed) % UNIVERSE);
    uint8_t len = (uint8_t)(random_next(seed) % 33);
    switch (random_next(seed) % 3) {
    case 0:
        return patricia_find(trie, twin->prefix[i]) == twin->value[i];
    case 1:
        return agrees(twin, twin_match(twin, addr, 33), patricia_match(trie, addr, &matched), matched);
    default:
        return agrees(twin, twin_match(twin, addr, len), patricia_match_above(trie, addr, len, &matched), matched);
    }
}

static bool burst_agrees(const struct patricia *trie, uint64_t *seed)
{
    uint32_t addrs[67];
    void *to[67];
    unsigned n = (unsigned)(random_next(seed) % 68);
    for (unsigned i = 0; i < n; i++)
        addrs[i] = narrow_addr(seed);
    patricia_match_burst(trie, addrs, to, n);
    for (unsigned i = 0; i < n; i++)
        if (to[i] != patricia_match(trie, addrs[i], NULL))
            return false;
    return true;
}

/* Walks to the end while things change between the steps: each step must give what then comes next. */
static bool walk_agrees(struct patricia *trie, struct twin *twin, uint64_t *seed, bool changing)
{
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    for (int at = -1;;) {
        do
            at++;
        while (at < UNIVERSE && twin->value[at] == NULL);
        if (patricia_next(trie, &cursor, &prefix, &value) != (at < UNIVERSE))
            return false;
        if (at == UNIVERSE)
            return true;
        if (!prefix_equal(prefix, twin->prefix[at]) || value != twin->value[at])
            return false;
        for (int i = 0; changing && i < 3; i++)
            if (!change_agrees(trie, twin, seed, 5))
                return false;
    }
}

static void million_operations(void)
{
    static struct twin twin;
    struct keeping_later later = {.later.defer = keep_or_free};
    struct patricia trie;
    uint64_t seed = 1;
    patricia_init(&trie, &later.later);
    twin_init(&twin, &seed);

    size_t wrong = 0, walks = 0;
    for (unsigned i = 0; i < 1000000 && wrong == 0; i++) {
        unsigned sets = i / 100000 % 2 == 0 ? 6 : 3; /* fills and empties in turn */
        wrong += i % 3 == 0 ? !change_agrees(&trie, &twin, &seed, sets) : !look_agrees(&trie, &twin, &seed);
        wrong += trie.count != twin.count || (trie.count > 0 && trie.nodes >= 2 * trie.count);
        if (i % 1000 == 0)
            wrong += !burst_agrees(&trie, &seed) || !walk_agrees(&trie, &twin, &seed, walks++ % 2 == 0);
    }
    CU_ASSERT_EQUAL(wrong, 0);

    for (int i = 0; i < UNIVERSE; i++)
        CU_ASSERT_PTR_EQUAL(patricia_remove(&trie, twin.prefix[i]), twin.value[i]);
    CU_ASSERT_PTR_NULL(trie.root);
    CU_ASSERT_EQUAL(trie.count, 0);
    CU_ASSERT_EQUAL(trie.nodes, 0);
}

/* ---- by hand ---- */

static struct patricia small;
static char one[] = "one", two[] = "two", three[] = "three";

static void set(const char *prefix, void *value)
{
    CU_ASSERT_TRUE(patricia_set(&small, prefix_of(prefix), value, NULL));
}

static void *match(const char *addr)
{
    return patricia_match(&small, addr_of(addr), NULL);
}

static void empty(void)
{
    patricia_init(&small, &later_at_once);
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    CU_ASSERT_PTR_NULL(match("0.0.0.0"));
    CU_ASSERT_PTR_NULL(match("255.255.255.255"));
    CU_ASSERT_PTR_NULL(patricia_find(&small, prefix_of("0.0.0.0/0")));
    CU_ASSERT_PTR_NULL(patricia_remove(&small, prefix_of("0.0.0.0/0")));
    CU_ASSERT_PTR_NULL(patricia_match_above(&small, 0, 0, NULL));
    CU_ASSERT_FALSE(patricia_next(&small, &cursor, &prefix, &value));
    patricia_match_burst(&small, NULL, NULL, 0);
}

static void awkward_prefixes(void)
{
    patricia_init(&small, &later_at_once);
    struct prefix matched;
    set("0.0.0.0/0", one);
    set("0.0.0.0/32", two);
    set("255.255.255.255/32", three);
    CU_ASSERT_PTR_EQUAL(match("0.0.0.0"), two);
    CU_ASSERT_PTR_EQUAL(match("0.0.0.1"), one);
    CU_ASSERT_PTR_EQUAL(match("255.255.255.254"), one);
    CU_ASSERT_PTR_EQUAL(match("255.255.255.255"), three);
    CU_ASSERT_PTR_EQUAL(patricia_match_above(&small, 0, 32, &matched), one);
    CU_ASSERT_EQUAL(matched.len, 0);
    CU_ASSERT_PTR_NULL(patricia_match_above(&small, 0, 0, NULL));
    CU_ASSERT_PTR_EQUAL(patricia_match_above(&small, 0, 1, NULL), one);
    CU_ASSERT_PTR_NULL(patricia_find(&small, prefix_of("0.0.0.0/31")));
    CU_ASSERT_PTR_NULL(patricia_remove(&small, prefix_of("0.0.0.0/31")));
    patricia_clear(&small, NULL);
    CU_ASSERT_PTR_NULL(match("0.0.0.0"));
}

static void halves_of_everything(void)
{
    patricia_init(&small, &later_at_once);
    set("0.0.0.0/1", one);
    set("128.0.0.0/1", two);
    CU_ASSERT_EQUAL(small.nodes, 3); /* and a branch of no bits at all */
    CU_ASSERT_PTR_NULL(patricia_find(&small, prefix_of("0.0.0.0/0")));
    CU_ASSERT_PTR_EQUAL(match("127.255.255.255"), one);
    CU_ASSERT_PTR_EQUAL(match("128.0.0.0"), two);
    set("0.0.0.0/0", three);
    CU_ASSERT_EQUAL(small.nodes, 3);
    CU_ASSERT_PTR_EQUAL(patricia_remove(&small, prefix_of("0.0.0.0/1")), one);
    CU_ASSERT_PTR_EQUAL(match("127.255.255.255"), three);
    patricia_clear(&small, NULL);
}

static void replacing(void)
{
    struct keeping_later later = {.later.defer = keep_or_free};
    void *was = three;
    patricia_init(&small, &later.later);
    CU_ASSERT_TRUE(patricia_set(&small, prefix_of("10.0.0.0/8"), one, &was));
    CU_ASSERT_PTR_NULL(was);
    CU_ASSERT_TRUE(patricia_set(&small, prefix_of("10.0.0.0/8"), two, &was));
    CU_ASSERT_PTR_EQUAL(was, one);
    CU_ASSERT_PTR_EQUAL(match("10.1.2.3"), two);
    CU_ASSERT_EQUAL(small.nodes, 1);
    CU_ASSERT_EQUAL(small.count, 1);
    CU_ASSERT_EQUAL(later.count, 0);
    patricia_clear(&small, NULL);
}

static void branches_collapse(void)
{
    struct keeping_later later = {.later.defer = keep_or_free};
    patricia_init(&small, &later.later);
    set("10.0.0.0/24", one);
    set("10.0.1.0/24", two);
    set("10.0.2.0/24", three);
    CU_ASSERT_EQUAL(small.nodes, 5);
    CU_ASSERT_PTR_EQUAL(patricia_remove(&small, prefix_of("10.0.1.0/24")), two);
    CU_ASSERT_EQUAL(small.nodes, 3);
    CU_ASSERT_EQUAL(later.count, 2); /* the leaf and its branch */
    CU_ASSERT_PTR_EQUAL(match("10.0.0.1"), one);
    CU_ASSERT_PTR_NULL(match("10.0.1.1"));
    CU_ASSERT_PTR_EQUAL(match("10.0.2.1"), three);

    set("10.0.0.0/22", two); /* takes the branch's place */
    CU_ASSERT_EQUAL(small.nodes, 3);
    CU_ASSERT_PTR_EQUAL(patricia_remove(&small, prefix_of("10.0.0.0/24")), one);
    CU_ASSERT_PTR_EQUAL(match("10.0.0.1"), two);
    CU_ASSERT_EQUAL(small.nodes, 2);
    CU_ASSERT_PTR_EQUAL(patricia_remove(&small, prefix_of("10.0.0.0/22")), two);
    CU_ASSERT_EQUAL(small.nodes, 1);
    CU_ASSERT_PTR_EQUAL(patricia_remove(&small, prefix_of("10.0.2.0/24")), three);
    CU_ASSERT_EQUAL(small.nodes, 0);
    CU_ASSERT_EQUAL(later.count, 5);
}

static void leaves_grow(void)
{
    struct keeping_later later = {.later.defer = keep_or_free};
    patricia_init(&small, &later.later);
    set("10.0.0.0/8", one);
    CU_ASSERT_EQUAL(small.leaves, 1);
    size_t bytes = patricia_bytes(&small);
    set("10.0.0.0/16", two); /* below it, where its own bits go on */
    CU_ASSERT_EQUAL(small.nodes, 2);
    CU_ASSERT_EQUAL(small.leaves, 1);
    CU_ASSERT_EQUAL(patricia_bytes(&small), 3 * bytes);
    CU_ASSERT_EQUAL(later.count, 1); /* the leaf that it was: a lane may stand on it */
    set("10.0.0.7/32", three);
    set("10.200.0.0/16", two);
    CU_ASSERT_EQUAL(small.nodes, 4);
    CU_ASSERT_EQUAL(later.count, 2);
    CU_ASSERT_PTR_EQUAL(match("10.0.0.7"), three);
    CU_ASSERT_PTR_EQUAL(match("10.0.0.8"), two);
    CU_ASSERT_PTR_EQUAL(match("10.200.9.9"), two);
    CU_ASSERT_PTR_EQUAL(match("10.201.9.9"), one);
    CU_ASSERT_PTR_EQUAL(patricia_remove(&small, prefix_of("10.0.0.7/32")), three);
    CU_ASSERT_PTR_EQUAL(match("10.0.0.7"), two);
    CU_ASSERT_PTR_NULL(match("11.0.0.0"));
    patricia_clear(&small, NULL);
    CU_ASSERT_EQUAL(small.leaves, 0);
}

static unsigned released;

static void count_release(void *value)
{
    (void)value;
    released++;
}

static void clearing(void)
{
    patricia_init(&small, &later_at_once);
    set("10.0.0.0/24", one);
    set("10.0.1.0/24", two);
    set("10.0.0.0/8", three);
    released = 0;
    patricia_clear(&small, count_release);
    CU_ASSERT_EQUAL(released, 3); /* not the branch */
    CU_ASSERT_EQUAL(small.count, 0);
    CU_ASSERT_EQUAL(small.nodes, 0);
    set("10.0.0.0/24", one);
    CU_ASSERT_PTR_EQUAL(match("10.0.0.1"), one);
    patricia_clear(&small, NULL);
}

/* ---- a reader beside the writer ---- */

struct beside {
    struct patricia trie;
    int stop;
    size_t looks, wrong;
};

/* Values say which prefix they belong to. */
static void *read_beside(void *context)
{
    struct beside *b = context;
    uint64_t seed = 2;
    do {
        uint32_t addrs[32];
        void *to[32];
        for (unsigned i = 0; i < 32; i++)
            addrs[i] = 0x0a000000 | ((uint32_t)random_next(&seed) & 0xffffff);
        patricia_match_burst(&b->trie, addrs, to, 32);
        for (unsigned i = 0; i < 32; i++) {
            const struct prefix *p = to[i];
            b->wrong += p == NULL || !prefix_holds(*p, addrs[i]);
            b->wrong += p != NULL && p->len < 9 && (addrs[i] & 0x800000) != 0;
            struct prefix matched = {.len = 99};
            p = patricia_match(&b->trie, addrs[i], &matched);
            b->wrong += p == NULL || !prefix_equal(*p, matched);
        }
        b->looks += 64;
    } while (!__atomic_load_n(&b->stop, __ATOMIC_RELAXED));
    return NULL;
}

static void readers_need_no_lock(void)
{
    enum { N = 512 };
    static struct prefix prefixes[N];
    struct keeping_later later = {.later.defer = keep_or_free, .keep = true};
    struct beside b = {0};
    uint64_t seed = 3;
    patricia_init(&b.trie, &later.later);
    prefixes[0] = prefix_of("10.0.0.0/8"); /* these two stay: whatever else goes on, they are found */
    prefixes[1] = prefix_of("10.128.0.0/9");
    for (unsigned i = 2; i < N; i++) {
        prefixes[i].len = (uint8_t)(10 + random_next(&seed) % 23);
        prefixes[i].addr = (0x0a000000 | ((uint32_t)random_next(&seed) & 0x00f0f00f)) & prefix_mask(prefixes[i].len);
    }
    CU_ASSERT_TRUE(patricia_set(&b.trie, prefixes[0], &prefixes[0], NULL));
    CU_ASSERT_TRUE(patricia_set(&b.trie, prefixes[1], &prefixes[1], NULL));

    pthread_t reader;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, read_beside, &b), 0);
    for (unsigned i = 0; i < 300000; i++) {
        struct prefix *p = &prefixes[2 + random_next(&seed) % (N - 2)];
        if (random_next(&seed) % 2 == 0)
            patricia_set(&b.trie, *p, p, NULL);
        else
            patricia_remove(&b.trie, *p);
    }
    __atomic_store_n(&b.stop, 1, __ATOMIC_RELAXED);
    pthread_join(reader, NULL);
    CU_ASSERT_EQUAL(b.wrong, 0);
    CU_ASSERT_TRUE(b.looks > 0);
    CU_ASSERT_TRUE(later.count > 1000);
    patricia_clear(&b.trie, NULL);
    let_go(&later);
}

static const struct unit_case cases[] = {
    {"an empty trie answers nothing and bears everything", empty},
    {"default, 0.0.0.0/32 and 255.255.255.255/32 are told apart", awkward_prefixes},
    {"a branch of no bits is not the default route", halves_of_everything},
    {"replacing a value allocates no node and gives the old one back", replacing},
    {"a branch that is left with one child goes away", branches_collapse},
    {"a leaf gets room for children with the first of them, in one change", leaves_grow},
    {"clearing releases each value once", clearing},
    {"a million random operations agree with a plain table, and it ends empty", million_operations},
    {"a reader beside the writer always finds what stays", readers_need_no_lock},
};

UNIT_MAIN("patricia", cases)
