/* core writes, lanes read: the forwarding table, a trie whose values are groups of next hops.
 *
 * Groups are interned: hops are sorted and freed of duplicates, and a hash table finds the group that is equal, so a
 * million prefixes that leave by ten neighbours share ten groups. A group is immutable; the core counts the prefixes
 * that use it, takes it out of the hash table with the last one, and frees it later, when no lane can hold it. */
#include "forwarding/fib.h"

#include <stdlib.h>

#include "forwarding/fast_path.h"

struct interned {
    struct interned *next; /* in its bucket */
    uint32_t hash;
    struct nexthop_group group;
};

struct fib {
    struct patricia trie; /* of struct nexthop_group */
    struct later *later;
    struct interned **buckets;
    size_t n_buckets; /* a power of two */
    size_t groups, group_bytes;
    uint64_t changes;
};

#define BUCKETS_FIRST 64

static size_t size_of(unsigned n)
{
    return sizeof(struct interned) + n * sizeof(struct nexthop);
}

struct fib *fib_new(struct later *later)
{
    struct fib *fib = calloc(1, sizeof *fib);
    if (fib == NULL)
        return NULL;
    patricia_init(&fib->trie, later);
    fib->later = later;
    fib->n_buckets = BUCKETS_FIRST;
    fib->buckets = calloc(fib->n_buckets, sizeof(struct interned *));
    if (fib->buckets == NULL) {
        free(fib);
        return NULL;
    }
    return fib;
}

void fib_free(struct fib *fib)
{
    if (fib == NULL)
        return;
    patricia_clear(&fib->trie, NULL);
    for (size_t i = 0; i < fib->n_buckets; i++) {
        struct interned *next;
        for (struct interned *g = fib->buckets[i]; g != NULL; g = next) {
            next = g->next;
            free(g);
        }
    }
    free(fib->buckets);
    free(fib);
}

/* ---- groups ---- */

static bool comes_before(struct nexthop a, struct nexthop b)
{
    return a.gateway != b.gateway ? a.gateway < b.gateway : a.port < b.port;
}

static bool same(struct nexthop a, struct nexthop b)
{
    return a.gateway == b.gateway && a.port == b.port;
}

/* Copies HOPS in order and each once; returns how many are left. */
static unsigned sort_hops(struct nexthop *to, const struct nexthop *hops, unsigned n)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = kept;
        while (at > 0 && comes_before(hops[i], to[at - 1]))
            at--;
        if (at > 0 && same(hops[i], to[at - 1]))
            continue;
        for (unsigned j = kept++; j > at; j--)
            to[j] = to[j - 1];
        to[at] = hops[i];
    }
    return kept;
}

static uint32_t hash_of(enum fib_action action, const struct nexthop *hops, unsigned n)
{
    uint64_t h = (uint64_t)action + 1;
    for (unsigned i = 0; i < n; i++) {
        h ^= (uint64_t)hops[i].port << 32 | hops[i].gateway;
        h *= UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    return (uint32_t)h;
}

static bool is_group(const struct interned *g, uint32_t hash, enum fib_action action, const struct nexthop *hops,
                     unsigned n)
{
    if (g->hash != hash || g->group.action != action || g->group.n != n)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!same(g->group.hop[i], hops[i]))
            return false;
    return true;
}

/* Chains grow a little longer when there is no memory, that is all. */
static void grow_buckets(struct fib *fib)
{
    size_t n = fib->n_buckets * 2;
    struct interned **buckets = calloc(n, sizeof(struct interned *));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < fib->n_buckets; i++) {
        struct interned *next;
        for (struct interned *g = fib->buckets[i]; g != NULL; g = next) {
            next = g->next;
            g->next = buckets[g->hash & (n - 1)];
            buckets[g->hash & (n - 1)] = g;
        }
    }
    free(fib->buckets);
    fib->buckets = buckets;
    fib->n_buckets = n;
}

/* Finds or makes the group of sorted HOPS, and counts one more user. NULL when there is no memory. */
static struct nexthop_group *group_get(struct fib *fib, enum fib_action action, const struct nexthop *hops, unsigned n)
{
    uint32_t hash = hash_of(action, hops, n);
    for (struct interned *g = fib->buckets[hash & (fib->n_buckets - 1)]; g != NULL; g = g->next)
        if (is_group(g, hash, action, hops, n)) {
            g->group.references++;
            return &g->group;
        }

    struct interned *g = malloc(size_of(n));
    if (g == NULL)
        return NULL;
    *g = (struct interned){.hash = hash, .group = {.references = 1, .action = (uint8_t)action, .n = (uint8_t)n}};
    for (unsigned i = 0; i < n; i++)
        g->group.hop[i] = hops[i];
    if (fib->groups >= fib->n_buckets)
        grow_buckets(fib);
    struct interned **bucket = &fib->buckets[hash & (fib->n_buckets - 1)];
    g->next = *bucket;
    *bucket = g;
    fib->groups++;
    fib->group_bytes += size_of(n);
    return &g->group;
}

static void group_put(struct fib *fib, struct nexthop_group *group)
{
    if (--group->references > 0)
        return;
    struct interned *g = (struct interned *)((char *)group - offsetof(struct interned, group));
    struct interned **at = &fib->buckets[g->hash & (fib->n_buckets - 1)];
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    fib->groups--;
    fib->group_bytes -= size_of(group->n);
    later(fib->later, free, g);
}

/* ---- prefixes ---- */

bool fib_set(struct fib *fib, struct prefix prefix, enum fib_action action, const struct nexthop *hops, unsigned n)
{
    if (n > FIB_HOPS_MAX || (n > 0) != (action == FIB_FORWARD))
        return false;
    struct nexthop sorted[FIB_HOPS_MAX];
    n = sort_hops(sorted, hops, n);
    struct nexthop_group *group = group_get(fib, action, sorted, n);
    if (group == NULL)
        return false;
    void *was;
    if (!patricia_set(&fib->trie, prefix, group, &was)) {
        group_put(fib, group);
        return false;
    }
    fib->changes++;
    if (was != NULL)
        group_put(fib, was);
    return true;
}

bool fib_remove(struct fib *fib, struct prefix prefix)
{
    struct nexthop_group *group = patricia_remove(&fib->trie, prefix);
    if (group == NULL)
        return false;
    fib->changes++;
    group_put(fib, group);
    return true;
}

const struct nexthop_group *fib_lookup(const struct fib *fib, uint32_t addr, struct prefix *matched)
{
    return patricia_match(&fib->trie, addr, matched);
}

FAST_PATH void fib_lookup_burst(const struct fib *fib, const uint32_t *addrs, const struct nexthop_group **to,
                                unsigned n)
{
    enum { PIECE = 64 };
    void *found[PIECE];
    for (unsigned done = 0; done < n; done += PIECE) {
        unsigned piece = n - done < PIECE ? n - done : PIECE;
        patricia_match_burst(&fib->trie, addrs + done, found, piece);
        for (unsigned i = 0; i < piece; i++)
            to[done + i] = found[i];
    }
}

const struct nexthop_group *fib_find(const struct fib *fib, struct prefix prefix)
{
    return patricia_find(&fib->trie, prefix);
}

bool fib_next(const struct fib *fib, struct patricia_cursor *cursor, struct prefix *prefix,
              const struct nexthop_group **group)
{
    void *value;
    if (!patricia_next(&fib->trie, cursor, prefix, &value))
        return false;
    *group = value;
    return true;
}

uint64_t fib_changes(const struct fib *fib)
{
    return fib->changes;
}

struct fib_summary fib_summary(const struct fib *fib)
{
    return (struct fib_summary){
        .prefixes = fib->trie.count,
        .nodes = fib->trie.nodes,
        .groups = fib->groups,
        .bytes =
            sizeof *fib + patricia_bytes(&fib->trie) + fib->group_bytes + fib->n_buckets * sizeof(struct interned *),
    };
}
