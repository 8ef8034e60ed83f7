/* core writes, lanes read: the path-compressed trie.
 *
 * A node stands for a prefix. Below it hang at most two subtrees: child[0] has the prefixes whose next bit is 0,
 * child[1] those whose next bit is 1; bits that all prefixes of a subtree share are skipped, because a child's prefix
 * may be much longer than its parent's. A node with a value is a prefix that was set; one without is only a branch.
 *
 *   1. A child's prefix lies within its parent's and is longer; the first bit after the parent's says which child.
 *   2. A branch has both children. So there are fewer branches than prefixes, and each leaf has a value.
 *   3. addr, len and leaf of a node never change. value, child[] and root change by publish() only, one of them a
 *      change.
 *   4. A leaf has no room for children, which halves it, and it is every other node of a big table: what comes below it
 *      comes with a copy of it that has room.
 *   5. What is no longer reachable goes through later(), as it was: a lane that stands on it finds its way on down.
 *
 * By 3 and 5 a lane that matches while the core changes a prefix sees the trie as it was before or as it is after, as
 * far as that prefix is concerned. The order of the nodes (node, child[0], child[1]) is that of (addr, len), which is
 * what walks rely on. */
#include "forwarding/patricia.h"

#include "forwarding/fast_path.h"

struct patricia_node {
    uint32_t addr;
    uint8_t len;
    bool leaf;
    void *value;                   /* NULL: a branch */
    struct patricia_node *child[]; /* two; a leaf has none */
};

#define LEAF_BYTES  sizeof(struct patricia_node)
#define INNER_BYTES (sizeof(struct patricia_node) + 2 * sizeof(struct patricia_node *))

_Static_assert(sizeof(void *) > 4 ? LEAF_BYTES == 16 && INNER_BYTES == 32 : 1, "no node crosses a cache line");

static unsigned bit(uint32_t addr, uint8_t at)
{
    return addr >> (31 - at) & 1;
}

/* The only place that compares a node with an address. */
static bool holds(const struct patricia_node *node, uint32_t addr)
{
    return prefix_holds((struct prefix){node->addr, node->len}, addr);
}

/* The only place that chooses a way down. A node of 32 bits is a leaf. */
static struct patricia_node *below(const struct patricia_node *node, uint32_t addr)
{
    return node->leaf ? NULL : published(node->child[bit(addr, node->len)]);
}

static struct patricia_node *leaf_new(struct patricia *trie, struct prefix prefix, void *value)
{
    struct patricia_node *node = slab_alloc(&trie->leaf_pool);
    if (node == NULL)
        return NULL;
    *node = (struct patricia_node){.addr = prefix.addr, .len = prefix.len, .leaf = true, .value = value};
    trie->nodes++;
    trie->leaves++;
    return node;
}

static struct patricia_node *inner_new(struct patricia *trie, struct prefix prefix, void *value)
{
    struct patricia_node *node = slab_alloc(&trie->inner_pool);
    if (node == NULL)
        return NULL;
    *node = (struct patricia_node){.addr = prefix.addr, .len = prefix.len, .value = value};
    node->child[0] = node->child[1] = NULL;
    trie->nodes++;
    return node;
}

static void forget(struct patricia *trie, const struct patricia_node *node)
{
    trie->nodes--;
    trie->leaves -= node->leaf;
}

/* One that nobody has seen; may be NULL. */
static void node_free(struct patricia *trie, struct patricia_node *node)
{
    if (node != NULL)
        forget(trie, node);
    slab_free(node);
}

static void unlinked(struct patricia *trie, struct patricia_node *node)
{
    forget(trie, node);
    later(trie->later, slab_free, node);
}

void patricia_init(struct patricia *trie, struct later *later)
{
    *trie = (struct patricia){.later = later};
    slab_pool_init(&trie->leaf_pool, LEAF_BYTES);
    slab_pool_init(&trie->inner_pool, INNER_BYTES);
}

size_t patricia_bytes(const struct patricia *trie)
{
    return trie->leaves * LEAF_BYTES + (trie->nodes - trie->leaves) * INNER_BYTES;
}

/* At most 33 levels deep: each is a longer prefix. */
static void clear_below(struct patricia_node *node, void (*release)(void *value))
{
    if (node == NULL)
        return;
    for (unsigned i = 0; i < 2 && !node->leaf; i++)
        clear_below(node->child[i], release);
    if (release != NULL && node->value != NULL)
        release(node->value);
    slab_free(node);
}

void patricia_clear(struct patricia *trie, void (*release)(void *value))
{
    clear_below(trie->root, release);
    slab_pool_exit(&trie->leaf_pool); /* nodes that were unlinked before are not free yet */
    slab_pool_exit(&trie->inner_pool);
    patricia_init(trie, trie->later);
}

/* Sets *at to NODE's place: the deepest pointer on the way to PREFIX, whose node, if any, is PREFIX's own, does not
 * hold all of it, or is a leaf. PARENT is the pointer above. */
static struct patricia_node *find_place(struct patricia_node **root, struct prefix prefix, struct patricia_node ***at,
                                        struct patricia_node ***parent)
{
    *at = root;
    *parent = NULL;
    struct patricia_node *node = *root;
    while (node != NULL && !node->leaf && node->len < prefix.len && holds(node, prefix.addr)) {
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
    struct patricia_node *leaf = leaf_new(trie, prefix, value);
    if (leaf == NULL)
        return false;
    publish(*at, leaf);
    return true;
}

/* *at is a leaf that holds all of PREFIX. */
static bool insert_below(struct patricia *trie, struct patricia_node **at, struct prefix prefix, void *value)
{
    struct patricia_node *was = *at;
    struct patricia_node *leaf = leaf_new(trie, prefix, value);
    struct patricia_node *above = inner_new(trie, (struct prefix){was->addr, was->len}, was->value);
    if (leaf == NULL || above == NULL) {
        node_free(trie, leaf);
        node_free(trie, above);
        return false;
    }
    above->child[bit(prefix.addr, was->len)] = leaf;
    publish(*at, above);
    unlinked(trie, was);
    return true;
}

/* PREFIX holds all of *at. */
static bool insert_above(struct patricia *trie, struct patricia_node **at, struct prefix prefix, void *value)
{
    struct patricia_node *above = inner_new(trie, prefix, value);
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
    struct patricia_node *leaf = leaf_new(trie, prefix, value);
    struct patricia_node *branch = inner_new(trie, shared, NULL);
    if (leaf == NULL || branch == NULL) {
        node_free(trie, leaf);
        node_free(trie, branch);
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
    } else if (node->len < prefix.len && holds(node, prefix.addr)) {
        done = insert_below(trie, at, prefix, value);
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

    struct patricia_node *left = node->leaf ? NULL : node->child[0], *right = node->leaf ? NULL : node->child[1];
    if (left != NULL && right != NULL) {
        publish(node->value, NULL); /* it stays as the branch that it was as well */
        return value;
    }
    struct patricia_node *only = left != NULL ? left : right;
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

FAST_PATH void patricia_match_burst(const struct patricia *trie, const uint32_t *addrs, void **to, unsigned n)
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
        if (!holds(node, prefix.addr) || node->leaf)
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
