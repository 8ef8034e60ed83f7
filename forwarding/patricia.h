/* core writes, lanes read: a path-compressed binary trie (patricia) from IPv4 prefixes to pointers. The FIB and the RIB
 * both are one. Readers need no lock: every change is one pointer published, and what it unlinked is freed later
 * (publish.h). */
#ifndef FORWARDING_PATRICIA_H
#define FORWARDING_PATRICIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/prefix.h"
#include "forwarding/publish.h"
#include "forwarding/slab.h"

struct patricia_node;

struct patricia {
    struct patricia_node *root; /* NULL when empty; read it with published() */
    struct later *later;
    struct slab_pool leaf_pool, inner_pool;
    size_t count;  /* prefixes with a value */
    size_t nodes;  /* nodes, branches included */
    size_t leaves; /* of them, those without room for children */
};

/* A trie must not move in memory once it has prefixes. */
void patricia_init(struct patricia *trie, struct later *later);

/* Removes everything at once (no reader may be left). RELEASE, if given, gets each value. */
void patricia_clear(struct patricia *trie, void (*release)(void *value));

/* Puts VALUE (not NULL) at PREFIX (no host bits). *was, if asked for, is what was there before, or NULL; the caller
 * frees it later. False, and nothing changed, when there is no memory. */
bool patricia_set(struct patricia *trie, struct prefix prefix, void *value, void **was);

/* Takes PREFIX out; its value, or NULL if it was not there. Nodes no longer needed are freed later. */
void *patricia_remove(struct patricia *trie, struct prefix prefix);

/* Exactly PREFIX. */
void *patricia_find(const struct patricia *trie, struct prefix prefix);

/* The longest prefix that holds ADDR, or NULL. *matched, if asked for, is which one. Lanes may call this. */
void *patricia_match(const struct patricia *trie, uint32_t addr, struct prefix *matched);

/* The longest prefix that holds ADDR and is shorter than LEN bits: for next hops that must not resolve by themselves.
 */
void *patricia_match_above(const struct patricia *trie, uint32_t addr, uint8_t len, struct prefix *matched);

/* The matches of N addresses at once; memory latencies overlap. to[i] may be NULL. Lanes may call this. */
void patricia_match_burst(const struct patricia *trie, const uint32_t *addrs, void **to, unsigned n);

/* Bytes of its nodes. */
size_t patricia_bytes(const struct patricia *trie);

/* Ordered walk (by address, shorter prefix first) that survives any change between two steps, because the cursor is a
 * prefix and not a node. Start with PATRICIA_START. False at the end. */
struct patricia_cursor {
    struct prefix at;
    bool started;
};
#define PATRICIA_START ((struct patricia_cursor){0})
bool patricia_next(const struct patricia *trie, struct patricia_cursor *cursor, struct prefix *prefix, void **value);

#endif
