/* Lists may have a hundred thousand entries, of which mostly few differ: what is the same at their beginning is passed
 * over; the rest of what is after is put into a hash table by identity, where the rest of what was before looks for
 * its like. Each of these steps can pause after any entry. */
#include "cli/config_diff.h"

#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 320 /* names of keys and identities; none of them is long */
#define NO_ENTRY  UINT32_MAX

/* A value or list of the file, with the groups that it stands in. */
struct leaf {
    const struct schema_key *key;
    char path[PATH_SIZE / 4];
};

enum stage { STAGE_SAME, STAGE_INDEX, STAGE_BEFORE, STAGE_AFTER };

struct config_differ {
    const struct config *before, *after;
    struct leaf *leaves;
    size_t n_leaves, leaf; /* which is compared */
    bool failed, stopped;
    /* Of a list: */
    enum stage stage;
    size_t same, at, mask;
    uint32_t *heads, *next; /* entries of AFTER from SAME on */
    bool *known;            /* was there before */
};

/* ---- paths and texts ---- */

static void join(char *path, size_t size, const char *word)
{
    size_t n = strlen(path);
    snprintf(path + n, size - n, "%s%s", n == 0 || n + 1 >= size ? "" : " ", word);
}

/* PATH and what tells ENTRY apart; a default does not. */
static void join_identity(char *path, size_t size, const struct schema_group *group, const void *entry)
{
    char text[SCHEMA_TEXT];
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++)
        if (key->identity && (key->required || !schema_is_default(key, entry)))
            join(path, size, schema_text(key, schema_look(key, entry, 0), text));
}

/* The text of a value or entry, to be freed. */
static char *text_of(const struct schema_key *key, const void *base, bool entry)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    if (to == NULL)
        return NULL;
    if (entry)
        schema_write_entry(key, base, to);
    else
        schema_write(key, base, to);
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}

/* BEFORE and AFTER hold the value, or are the entry; NULL: there is none. */
static void tell(struct config_differ *d, struct config_diff *to, const struct config_difference *what,
                 const void *before, const void *after)
{
    struct config_difference difference = *what;
    bool entry = what->key->kind == SCHEMA_ENTRIES;
    char *was = before == NULL ? NULL : text_of(what->key, before, entry);
    char *is = after == NULL ? NULL : text_of(what->key, after, entry);
    difference.before = was;
    difference.after = is;
    if ((before != NULL && was == NULL) || (after != NULL && is == NULL))
        d->failed = true;
    else if (!to->differs(to, &difference))
        d->stopped = true;
    free(was);
    free(is);
}

/* ---- values ---- */

static bool is_written(const struct schema_key *key, const void *base)
{
    return key->always || key->required || !schema_is_default(key, base);
}

static void compare_value(struct config_differ *d, struct config_diff *to, const struct schema_key *key,
                          const char *path, size_t entry, const void *before, const void *after)
{
    if (schema_same(key, before, after))
        return;
    struct config_difference difference = {.path = path, .entry = entry, .key = key};
    tell(d, to, &difference, is_written(key, before) ? before : NULL, is_written(key, after) ? after : NULL);
}

/* The keys of two entries that are the same one. */
static void compare_keys(struct config_differ *d, struct config_diff *to, const struct schema_group *group,
                         const char *path, size_t entry, const void *before, const void *after)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        char longer[PATH_SIZE];
        if (key->later || d->failed || d->stopped)
            continue;
        snprintf(longer, sizeof longer, "%s", path);
        join(longer, sizeof longer, key->name);
        if (key->kind == SCHEMA_GROUP)
            compare_keys(d, to, key->group, longer, entry, before, after);
        else
            compare_value(d, to, key, longer, entry, before, after);
    }
}

/* ---- lists ---- */

static uint32_t mix(uint32_t hash, const void *bytes, size_t n)
{
    for (const unsigned char *c = bytes; n > 0; n--)
        hash = (hash ^ *c++) * 16777619;
    return hash;
}

static uint32_t hash_of(const struct schema_group *group, const void *entry)
{
    uint32_t hash = 2166136261;
    char to[SCHEMA_TEXT];
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (!key->identity)
            continue;
        const void *at = schema_look(key, entry, 0);
        struct prefix prefix;
        if (key->kind == SCHEMA_PREFIX) { /* the bulk of them, and a text takes longer */
            memcpy(&prefix, at, sizeof prefix);
            hash = mix(mix(hash, &prefix.addr, sizeof prefix.addr), &prefix.len, sizeof prefix.len);
        } else {
            const char *text = schema_text(key, at, to);
            hash = mix(hash, text, strlen(text) + 1);
        }
    }
    return hash ^ hash >> 15;
}

static bool is_same_one(const struct schema_group *group, const void *a, const void *b)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++)
        if (key->identity && !schema_same(key, a, b))
            return false;
    return true;
}

static void forget_index(struct config_differ *d)
{
    free(d->heads);
    free(d->next);
    free(d->known);
    d->heads = d->next = NULL;
    d->known = NULL;
}

static bool make_index(struct config_differ *d, size_t n)
{
    size_t room = 16;
    while (room < n)
        room *= 2;
    d->mask = room - 1;
    d->heads = malloc(room * sizeof *d->heads);
    d->next = malloc((n + 1) * sizeof *d->next);
    d->known = calloc(n + 1, sizeof *d->known);
    if (d->heads == NULL || d->next == NULL || d->known == NULL || n >= NO_ENTRY)
        return false;
    memset(d->heads, 0xff, room * sizeof *d->heads); /* NO_ENTRY */
    return true;
}

/* The entry of AFTER that is the same one as ENTRY; NULL if there is none. */
static const void *find_like(const struct config_differ *d, const struct schema_key *key, const void *entry)
{
    for (uint32_t i = d->heads[hash_of(key->group, entry) & d->mask]; i != NO_ENTRY; i = d->next[i]) {
        const void *after = schema_look(key, d->after, d->same + i);
        if (!d->known[i] && is_same_one(key->group, entry, after)) {
            d->known[i] = true;
            return after;
        }
    }
    return NULL;
}

static void compare_entry(struct config_differ *d, struct config_diff *to, const struct leaf *leaf, const void *before,
                          const void *after)
{
    const struct schema_key *key = leaf->key;
    if (before != NULL && after != NULL && schema_same_entry(key->group, before, after))
        return;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s", leaf->path);
    join_identity(path, sizeof path, key->group, before != NULL ? before : after);
    struct config_difference difference = {.path = path, .entry = strlen(path), .key = key};
    if (before != NULL && after != NULL && key->group->block)
        compare_keys(d, to, key->group, path, difference.entry, before, after);
    else
        tell(d, to, &difference, before, after);
}

/* One entry of one stage. True at the end of the stage. */
static bool step(struct config_differ *d, struct config_diff *to, const struct leaf *leaf)
{
    const struct schema_key *key = leaf->key;
    size_t n_before = schema_count(key, d->before), n_after = schema_count(key, d->after);
    const void *entry;
    uint32_t *head;
    switch (d->stage) {
    case STAGE_SAME:
        if (d->same == n_before || d->same == n_after ||
            !schema_same_entry(key->group, schema_look(key, d->before, d->same), schema_look(key, d->after, d->same)))
            return true;
        d->same++;
        return false;
    case STAGE_INDEX: /* from behind, so that of two that are the same one the first is found first */
        if (d->at == n_after - d->same)
            return true;
        entry = schema_look(key, d->after, n_after - 1 - d->at);
        head = &d->heads[hash_of(key->group, entry) & d->mask];
        d->next[n_after - 1 - d->at - d->same] = *head;
        *head = (uint32_t)(n_after - 1 - d->at - d->same);
        break;
    case STAGE_BEFORE:
        if (d->at == n_before - d->same)
            return true;
        entry = schema_look(key, d->before, d->same + d->at);
        compare_entry(d, to, leaf, entry, find_like(d, key, entry));
        break;
    case STAGE_AFTER:
        if (d->at == n_after - d->same)
            return true;
        if (!d->known[d->at])
            compare_entry(d, to, leaf, NULL, schema_look(key, d->after, d->same + d->at));
        break;
    }
    d->at++;
    return false;
}

/* Some of a list. True at its end. */
static bool compare_entries(struct config_differ *d, size_t *most, struct config_diff *to, const struct leaf *leaf)
{
    for (; *most > 0 && !d->failed && !d->stopped; (*most)--) {
        if (!step(d, to, leaf))
            continue;
        d->at = 0;
        if (d->stage == STAGE_AFTER) {
            forget_index(d);
            d->same = 0;
            d->stage = STAGE_SAME;
            return true;
        }
        if (d->stage++ == STAGE_SAME && !make_index(d, schema_count(leaf->key, d->after) - d->same))
            d->failed = true;
    }
    return false;
}

/* ---- all of it ---- */

static size_t count_leaves(const struct schema_group *group)
{
    size_t n = 0;
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++)
        n += key->kind == SCHEMA_GROUP && !key->later ? count_leaves(key->group) : 1;
    return n;
}

static void add_leaves(struct config_differ *d, const struct schema_group *group, const char *path)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        struct leaf leaf = {.key = key};
        snprintf(leaf.path, sizeof leaf.path, "%s", path);
        join(leaf.path, sizeof leaf.path, key->name);
        if (key->later)
            continue;
        if (key->kind == SCHEMA_GROUP)
            add_leaves(d, key->group, leaf.path);
        else
            d->leaves[d->n_leaves++] = leaf;
    }
}

struct config_differ *config_differ_new(const struct config *before, const struct config *after)
{
    struct config_differ *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->before = before;
    d->after = after;
    d->leaves = calloc(count_leaves(&schema_root), sizeof *d->leaves);
    if (d->leaves == NULL) {
        free(d);
        return NULL;
    }
    add_leaves(d, &schema_root, "");
    return d;
}

void config_differ_free(struct config_differ *d)
{
    if (d == NULL)
        return;
    forget_index(d);
    free(d->leaves);
    free(d);
}

enum config_differ_step config_differ_some(struct config_differ *d, size_t most, struct config_diff *to)
{
    while (d->leaf < d->n_leaves && most > 0 && !d->failed && !d->stopped) {
        const struct leaf *leaf = &d->leaves[d->leaf];
        if (leaf->key->kind != SCHEMA_ENTRIES)
            compare_value(d, to, leaf->key, leaf->path, 0, d->before, d->after);
        else if (!compare_entries(d, &most, to, leaf))
            continue;
        d->leaf++;
    }
    if (d->failed)
        return CONFIG_DIFFER_FAILED;
    return d->stopped || d->leaf == d->n_leaves ? CONFIG_DIFFER_END : CONFIG_DIFFER_MORE;
}

bool config_diff(const struct config *before, const struct config *after, struct config_diff *to)
{
    if (before == after)
        return true;
    struct config_differ *d = config_differ_new(before, after);
    if (d == NULL)
        return false;
    enum config_differ_step end = config_differ_some(d, SIZE_MAX, to);
    config_differ_free(d);
    return end == CONFIG_DIFFER_END;
}

/* An entry may have several lines. */
static void print_lines(FILE *to, char sign, const struct config_difference *d, const char *text)
{
    bool entry = d->key->kind == SCHEMA_ENTRIES;
    int list = (int)strcspn(d->path, " ");
    fprintf(to, "%c ", sign);
    if (entry)
        fprintf(to, "%.*s ", list, d->path);
    else
        fprintf(to, "%s = ", d->path);
    for (; *text != '\0'; text++) {
        fputc(*text, to);
        if (*text == '\n')
            fprintf(to, "%c ", sign);
    }
    fputs(entry ? "\n" : ";\n", to);
}

void config_difference_print(const struct config_difference *d, FILE *to)
{
    if (d->before != NULL)
        print_lines(to, '-', d, d->before);
    if (d->after != NULL)
        print_lines(to, '+', d, d->after);
}
