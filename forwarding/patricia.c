/* core writes, lanes read: the path-compressed trie.
 *
 * A node stands for a prefix. Below it hang at most two subtrees: child[0] has the prefixes whose next bit is 0,
 * child[1] those whose next bit is 1; bits that all prefixes of a subtree share are skipped, because a child's prefix
 * may be much longer than its parent's. A node with a value is a prefix that was set; one without is only a branch.
 *
 *   1. A child's prefix lies within its parent's and is longer; the first bit after the parent's says which child.
 *   2. A branch has both children. So there are fewer branches than prefixes, and each leaf has a value.
 *   3. addr and len of a node never change. value, child[] and root change by publish() only, one of them a change.
 *   4. What is no longer reachable goes through later(), as it was: a lane that stands on it finds its way on down.
 *
 * By 3 and 4 a lane that matches while the core changes a prefix sees the trie as it was before or as it is after, as
 * far as that prefix is concerned. The order of the nodes (node, child[0], child[1]) is that of (addr, len), which is
 * what walks rely on. */
#include "forwarding/patricia.h"

struct patricia_node {
    uint32_t addr;
    uint8_t len;
    void *value; /* NULL: a branch */
    struct patricia_node *child[2];
};

_Static_assert(sizeof(void *) > 4 ? sizeof(struct patricia_node) == 32 : 1, "two nodes a cache line");

static unsigned bit(uint32_t addr, uint8_t at)
{
    return addr >> (31 - at) & 1;
}

/* The only place that compares a node with an address. */
static bool holds(const struct patricia_node *node, uint32_t addr)
{
    return prefix_holds((struct prefix){node->addr, node->len}, addr);
}

/* The only place that chooses a way down. A node of 32 bits has no children: ask for one that does not end there. */
static struct patricia_node *below(const struct patricia_node *node, uint32_t addr)
{
    return node->len < 32 ? published(node->child[bit(addr, node->len)]) : NULL;
}

static struct patricia_node *node_new(struct patricia *trie, struct prefix prefix, void *value)
{
    struct patricia_node *node = slab_alloc(&trie->pool);
    if (node == NULL)
        return NULL;
    *node = (struct patricia_node){.addr = prefix.addr, .len = prefix.len, .value = value};
    trie->nodes++;
    return node;
}

static void unlinked(struct patricia *trie, struct patricia_node *node)
{
    trie->nodes--;
    later(trie->later, slab_free, node);
}

void patricia_init(struct patricia *trie, struct later *later)
{
    *trie = (struct patricia){.later = later};
    slab_pool_init(&trie->pool, sizeof(struct patricia_node));
}

size_t patricia_bytes(const struct patricia *trie)
{
    return trie->nodes * sizeof(struct patricia_node);
}

/* At most 33 levels deep: each is a longer prefix. */
static void clear_below(struct patricia_node *node, void (*release)(void *value))
{
    if (node == NULL)
        return;
    clear_below(node->child[0], release);
    clear_below(node->child[1], release);
    if (release != NULL && node->value != NULL)
        release(node->value);
    slab_free(node);
}

void patricia_clear(struct patricia *trie, void (*release)(void *value))
{
    clear_below(trie->root, release);
    slab_pool_exit(&trie->pool); /* nodes that were unlinked before are not free yet */
    patricia_init(trie, trie->later);
}

/* Sets *at to NODE's place: the deepest pointer on the way to PREFIX, whose node, if any, is PREFIX's own or does not
 * hold all of it. PARENT, if asked for, is the pointer above. */
static struct patricia_node *find_place(struct patricia_node **root, struct prefix prefix, struct patricia_node ***at,
                                        struct patricia_node ***parent)
{
    *at = root;
    *parent = NULL;
    struct patricia_node *node = *root;
    while (node != NULL && node->len < prefix.len && holds(node, prefix.addr)) {
        *parent = *at;
        *at = &node->child[bit(prefix.addr, node->len)];
        node = **at;
    }
    return node;
}

/* ---- changes ---- */

static uint8_t common_length(uint32_t a, uint32_t b)
{
    return (uint8_t)(a == b ? 32 : __builtin_clz(a ^ b));
}

static bool insert_leaf(struct patricia *trie, struct patricia_node **at, struct prefix prefix, void *value)
{
    struct patricia_node *leaf = node_new(trie, prefix, value);
    if (leaf == NULL)
        return false;
    publish(*at, leaf);
    return true;
}

/* PREFIX holds all of *at. */
static bool insert_above(struct patricia *trie, struct patricia_node **at, struct prefix prefix, void *value)
{
    struct patricia_node *above = node_new(trie, prefix, value);
    if (above == NULL)
        return false;
    above->child[bit((*at)->addr, prefix.len)] = *at;
    publish(*at, above);
    return true;
}

/* PREFIX and *at part after COMMON bits. */
static bool insert_branch(struct patricia *trie, struct patricia_node **at, struct prefix prefix, void *value,
                          uint8_t common)
{
    struct prefix shared = {.addr = prefix.addr & prefix_mask(common), .len = common};
    struct patricia_node *leaf = node_new(trie, prefix, value);
    struct patricia_node *branch = node_new(trie, shared, NULL);
    if (leaf == NULL || branch == NULL) {
        trie->nodes -= (leaf != NULL) + (branch != NULL);
        slab_free(leaf);
        slab_free(branch);
        return false;
    }
    branch->child[bit(prefix.addr, common)] = leaf;
    branch->child[!bit(prefix.addr, common)] = *at;
    publish(*at, branch);
    return true;
}

bool patricia_set(struct patricia *trie, struct prefix prefix, void *value, void **was)
{
    struct patricia_node **at, **parent;
    struct patricia_node *node = find_place(&trie->root, prefix, &at, &parent);
    void *before = NULL;
    bool done;

    if (node == NULL) {
        done = insert_leaf(trie, at, prefix, value);
    } else if (node->addr == prefix.addr && node->len == prefix.len) {
        before = node->value;
        publish(node->value, value);
        done = true;
    } else {
        uint8_t common = common_length(node->addr, prefix.addr);
        if (common >= prefix.len)
            done = insert_above(trie, at, prefix, value);
        else
            done = insert_branch(trie, at, prefix, value, common);
    }
    if (!done)
        return false;
    if (before == NULL)
        trie->count++;
    if (was != NULL)
        *was = before;
    return true;
}

void *patricia_remove(struct patricia *trie, struct prefix prefix)
{
    struct patricia_node **at, **parent;
    struct patricia_node *node = find_place(&trie->root, prefix, &at, &parent);
    if (node == NULL || node->addr != prefix.addr || node->len != prefix.len || node->value == NULL)
        return NULL;
    void *value = node->value;
    trie->count--;

    if (node->child[0] != NULL && node->child[1] != NULL) {
        publish(node->value, NULL); /* it stays as the branch that it was as well */
        return value;
    }
    struct patricia_node *only = node->child[0] != NULL ? node->child[0] : node->child[1];
    struct patricia_node *above = parent != NULL ? *parent : NULL;
    if (only != NULL || above == NULL || above->value != NULL) {
        publish(*at, only);
    } else {
        /* A branch would be left with one child: the sibling takes the branch's place, and both are gone at once. */
        publish(*parent, above->child[at == &above->child[0]]);
        unlinked(trie, above);
    }
    unlinked(trie, node);
    return value;
}

/* ---- look-ups ---- */

void *patricia_find(const struct patricia *trie, struct prefix prefix)
{
    const struct patricia_node *node = published(trie->root);
    while (node != NULL && node->len < prefix.len && holds(node, prefix.addr))
        node = below(node, prefix.addr);
    return node != NULL && node->addr == prefix.addr && node->len == prefix.len ? published(node->value) : NULL;
}

/* The longest match among prefixes of at most MOST bits. */
static inline void *match(const struct patricia *trie, uint32_t addr, unsigned most, struct prefix *matched)
{
    void *best = NULL;
    const struct patricia_node *node = published(trie->root);
    for (; node != NULL && node->len <= most && holds(node, addr); node = below(node, addr)) {
        void *value = published(node->value);
        if (value == NULL)
            continue;
        best = value;
        if (matched != NULL)
            *matched = (struct prefix){.addr = node->addr, .len = node->len};
    }
    return best;
}

void *patricia_match(const struct patricia *trie, uint32_t addr, struct prefix *matched)
{
    return match(trie, addr, 32, matched);
}

void *patricia_match_above(const struct patricia *trie, uint32_t addr, uint8_t len, struct prefix *matched)
{
    return len == 0 ? NULL : match(trie, addr, len - 1u, matched);
}

#define ABREAST 16 /* look-ups in step with each other: as many cache misses as a core can have under way */

static void match_abreast(const struct patricia *trie, const uint32_t *addrs, void **to, unsigned n)
{
    const struct patricia_node *at[ABREAST];
    uint8_t who[ABREAST];
    unsigned live = n;
    for (unsigned i = 0; i < n; i++) {
        at[i] = published(trie->root);
        who[i] = (uint8_t)i;
        to[i] = NULL;
    }
    while (live > 0) {
        unsigned kept = 0;
        for (unsigned i = 0; i < live; i++) {
            const struct patricia_node *node = at[i];
            uint8_t w = who[i];
            if (node == NULL || !holds(node, addrs[w]))
                continue;
            void *value = published(node->value);
            if (value != NULL)
                to[w] = value;
            at[kept] = below(node, addrs[w]);
            who[kept] = w;
            __builtin_prefetch(at[kept]);
            kept++;
        }
        live = kept;
    }
}

void patricia_match_burst(const struct patricia *trie, const uint32_t *addrs, void **to, unsigned n)
{
    for (unsigned done = 0; done < n; done += ABREAST)
        match_abreast(trie, addrs + done, to + done, n - done < ABREAST ? n - done : ABREAST);
}

/* ---- the walk ---- */

/* The top of the first subtree of which every prefix comes after PREFIX. */
static const struct patricia_node *after(const struct patricia *trie, struct prefix prefix)
{
    const struct patricia_node *next = NULL;
    const struct patricia_node *node = trie->root;
    while (node != NULL) {
        if (node->addr > prefix.addr || (node->addr == prefix.addr && node->len > prefix.len))
            return node;
        if (!holds(node, prefix.addr) || node->len == 32)
            return next;
        if (bit(prefix.addr, node->len) == 0 && node->child[1] != NULL)
            next = node->child[1];
        node = below(node, prefix.addr);
    }
    return next;
}

bool patricia_next(const struct patricia *trie, struct patricia_cursor *cursor, struct prefix *prefix, void **value)
{
    const struct patricia_node *node = cursor->started ? after(trie, cursor->at) : trie->root;
    while (node != NULL && node->value == NULL)
        node = node->child[0];
    if (node == NULL)
        return false;
    *prefix = (struct prefix){.addr = node->addr, .len = node->len};
    *value = node->value;
    *cursor = (struct patricia_cursor){.at = *prefix, .started = true};
    return true;
}
