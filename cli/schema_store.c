/* What a struct of the model owns, and what its values are, as the table says: strings and allocated arrays are the
 * struct's, everything else lies in it. */
#include <stdlib.h>
#include <string.h>

#include "cli/schema.h"

static bool is_many(const struct schema_key *key)
{
    return key->list || key->kind == SCHEMA_ENTRIES;
}

static bool is_allocated(const struct schema_key *key)
{
    return is_many(key) && key->room == 0;
}

/* The allocated array of a list or entries. */
static char *array(const struct schema_key *key, const void *base)
{
    char *p;
    memcpy(&p, (const char *)base + key->offset, sizeof p);
    return p;
}

static void set_array(const struct schema_key *key, void *base, const void *p)
{
    memcpy((char *)base + key->offset, &p, sizeof p);
}

size_t schema_count(const struct schema_key *key, const void *base)
{
    const char *at = (const char *)base + key->count_offset;
    unsigned small;
    size_t n;
    if (key->count_size == sizeof small) {
        memcpy(&small, at, sizeof small);
        return small;
    }
    memcpy(&n, at, sizeof n);
    return n;
}

static void set_count(const struct schema_key *key, void *base, size_t n)
{
    char *at = (char *)base + key->count_offset;
    unsigned small = (unsigned)n;
    if (key->count_size == sizeof small)
        memcpy(at, &small, sizeof small);
    else
        memcpy(at, &n, sizeof n);
}

void *schema_at(const struct schema_key *key, void *base, size_t i)
{
    char *first = is_allocated(key) ? array(key, base) : (char *)base + key->offset;
    return is_many(key) ? first + i * key->stride : first;
}

const void *schema_look(const struct schema_key *key, const void *base, size_t i)
{
    const char *first = is_allocated(key) ? array(key, base) : (const char *)base + key->offset;
    return is_many(key) ? first + i * key->stride : first;
}

struct config_place *schema_place(const struct schema_key *key, void *base, size_t i)
{
    if (key->place_offset == SCHEMA_NOWHERE)
        return NULL;
    char *first = is_allocated(key) && key->place_stride > 0 ? array(key, base) : base;
    return (struct config_place *)(void *)(first + key->place_offset + i * key->place_stride);
}

bool schema_reserve(const struct schema_key *key, void *base, size_t more)
{
    size_t n = schema_count(key, base) + more;
    if (!is_allocated(key))
        return n <= key->room;
    if (n == 0)
        return true;
    char *grown = realloc(array(key, base), n * key->stride);
    if (grown == NULL)
        return false;
    set_array(key, base, grown);
    return true;
}

void *schema_add(const struct schema_key *key, void *base)
{
    size_t n = schema_count(key, base);
    char *element = schema_at(key, base, n);
    if (is_allocated(key))
        memset(element, 0, key->stride);
    if (key->kind == SCHEMA_ENTRIES && !schema_init(key->group, element))
        return NULL;
    set_count(key, base, n + 1);
    return element;
}

void *schema_append(const struct schema_key *key, void *base)
{
    return schema_reserve(key, base, 1) ? schema_add(key, base) : NULL;
}

void schema_remove_last(const struct schema_key *key, void *base)
{
    size_t n = schema_count(key, base) - 1;
    if (key->kind == SCHEMA_ENTRIES)
        schema_clear(key->group, schema_at(key, base, n));
    set_count(key, base, n);
}

void schema_remove(const struct schema_key *key, void *base, size_t i)
{
    size_t after = schema_count(key, base) - 1 - i;
    if (key->kind == SCHEMA_ENTRIES)
        schema_clear(key->group, schema_at(key, base, i));
    memmove(schema_at(key, base, i), schema_at(key, base, i + 1), after * key->stride);
    if (key->place_offset != SCHEMA_NOWHERE && key->place_stride > 0 && !is_allocated(key))
        memmove(schema_place(key, base, i), schema_place(key, base, i + 1), after * key->place_stride);
    set_count(key, base, i + after);
}

static bool set_string(const struct schema_key *key, void *base, const char *text)
{
    char *copy = text == NULL ? NULL : strdup(text);
    memcpy((char *)base + key->offset, &copy, sizeof copy);
    return text == NULL || copy != NULL;
}

static void set_initial(const struct schema_key *key, void *base)
{
    void *at = (char *)base + key->offset;
    bool is = key->initial != 0;
    double decimal = (double)key->initial;
    switch (key->kind) {
    case SCHEMA_BOOL:
        memcpy(at, &is, sizeof is);
        break;
    case SCHEMA_INTEGER:
    case SCHEMA_ENUM:
        memcpy(at, &key->initial, sizeof key->initial);
        break;
    case SCHEMA_DECIMAL:
        memcpy(at, &decimal, sizeof decimal);
        break;
    default:
        break;
    }
}

bool schema_init(const struct schema_group *group, void *base)
{
    if (group->size > 0)
        memset(base, 0, group->size);
    bool good = true;
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (key->later || is_many(key))
            continue;
        if (key->kind == SCHEMA_GROUP)
            good = schema_init(key->group, base) && good;
        else if (key->kind == SCHEMA_STRING)
            good = set_string(key, base, key->initial_text) && good;
        else
            set_initial(key, base);
    }
    if (!good && group->size > 0)
        schema_clear(group, base);
    return good;
}

static void clear_many(const struct schema_key *key, void *base)
{
    for (size_t i = 0; key->kind == SCHEMA_ENTRIES && i < schema_count(key, base); i++)
        schema_clear(key->group, schema_at(key, base, i));
    if (is_allocated(key)) {
        free(array(key, base));
        set_array(key, base, NULL);
    }
    set_count(key, base, 0);
}

bool schema_reset(const struct schema_key *key, void *base)
{
    if (is_many(key)) {
        clear_many(key, base);
        return true;
    }
    if (key->kind != SCHEMA_STRING) {
        set_initial(key, base);
        return true;
    }
    char *old = array(key, base);
    if (!set_string(key, base, key->initial_text)) {
        set_array(key, base, old);
        return false;
    }
    free(old);
    return true;
}

void schema_clear(const struct schema_group *group, void *base)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (key->later)
            continue;
        if (is_many(key)) {
            clear_many(key, base);
        } else if (key->kind == SCHEMA_GROUP) {
            schema_clear(key->group, base);
        } else if (key->kind == SCHEMA_STRING) {
            free(array(key, base));
            set_array(key, base, NULL);
        }
    }
}

static bool own_many(const struct schema_key *key, void *to, const void *from)
{
    size_t n = schema_count(key, from);
    set_array(key, to, NULL);
    set_count(key, to, 0);
    if (n == 0)
        return true;
    char *copy = malloc(n * key->stride);
    if (copy == NULL)
        return false;
    memcpy(copy, array(key, from), n * key->stride);
    set_array(key, to, copy);
    bool good = true;
    for (size_t i = 0; key->kind == SCHEMA_ENTRIES && i < n; i++)
        good = schema_own(key->group, copy + i * key->stride, schema_look(key, from, i)) && good;
    set_count(key, to, n);
    return good;
}

bool schema_own(const struct schema_group *group, void *to, const void *from)
{
    bool good = true;
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (key->later)
            continue;
        if (is_allocated(key))
            good = own_many(key, to, from) && good;
        else if (key->kind == SCHEMA_GROUP)
            good = schema_own(key->group, to, from) && good;
        else if (key->kind == SCHEMA_STRING && !key->list)
            good = set_string(key, to, array(key, from)) && good;
    }
    return good;
}

bool schema_same_entry(const struct schema_group *group, const void *a, const void *b)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++)
        if (!schema_same(key, a, b))
            return false;
    return true;
}

static const char *string_of(const void *at)
{
    const char *text;
    memcpy(&text, at, sizeof text);
    return text == NULL ? "" : text;
}

static bool same_value(const struct schema_key *key, const void *a, const void *b)
{
    char a_text[SCHEMA_TEXT], b_text[SCHEMA_TEXT];
    switch (key->kind) {
    case SCHEMA_GROUP:
    case SCHEMA_ENTRIES:
        return schema_same_entry(key->group, a, b);
    case SCHEMA_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case SCHEMA_INTEGER:
    case SCHEMA_ENUM:
        return memcmp(a, b, sizeof(int64_t)) == 0;
    case SCHEMA_ADDRESS:
        return memcmp(a, b, sizeof(uint32_t)) == 0;
    case SCHEMA_PREFIX:
        return prefix_equal(*(const struct prefix *)a, *(const struct prefix *)b);
    case SCHEMA_MAC:
        return memcmp(a, b, 6) == 0;
    case SCHEMA_STRING:
        return strcmp(string_of(a), string_of(b)) == 0;
    case SCHEMA_DECIMAL:
        break;
    }
    return strcmp(schema_text(key, a, a_text), schema_text(key, b, b_text)) == 0;
}

bool schema_same(const struct schema_key *key, const void *a, const void *b)
{
    if (key->later)
        return true;
    if (key->kind == SCHEMA_GROUP)
        return same_value(key, a, b);
    if (!is_many(key))
        return same_value(key, schema_look(key, a, 0), schema_look(key, b, 0));
    size_t n = schema_count(key, a);
    if (schema_count(key, b) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!same_value(key, schema_look(key, a, i), schema_look(key, b, i)))
            return false;
    return true;
}

bool schema_is_default(const struct schema_key *key, const void *base)
{
    if (key->later)
        return true;
    if (is_many(key))
        return schema_count(key, base) == 0;
    if (key->kind == SCHEMA_GROUP) {
        for (size_t i = 0; i < key->group->n; i++)
            if (!schema_is_default(&key->group->keys[i], base))
                return false;
        return true;
    }
    int64_t number;
    double decimal;
    const void *at = schema_look(key, base, 0);
    switch (key->kind) {
    case SCHEMA_DECIMAL: /* set from it, so it is exactly that */
        memcpy(&decimal, at, sizeof decimal);
        return !(decimal < (double)key->initial) && !(decimal > (double)key->initial);
    case SCHEMA_BOOL:
        return *(const bool *)at == (key->initial != 0);
    case SCHEMA_INTEGER:
    case SCHEMA_ENUM:
        memcpy(&number, at, sizeof number);
        return number == key->initial;
    case SCHEMA_STRING:
        return strcmp(array(key, base) == NULL ? "" : array(key, base),
                      key->initial_text == NULL ? "" : key->initial_text) == 0;
    default:
        return false;
    }
}
