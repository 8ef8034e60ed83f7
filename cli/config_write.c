#include <string.h>

#include "cli/config.h"
#include "cli/schema.h"

static void write_string(FILE *to, const char *text)
{
    fputc('"', to);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(to, "\\%c", *c);
        else if (*c < ' ' || *c == 0x7f)
            fprintf(to, "\\x%02x", *c);
        else
            fputc(*c, to);
    }
    fputc('"', to);
}

/* Where it goes, and how secrets are written there. */
struct writing {
    FILE *to;
    bool veiled;
};

static void write_value(const struct writing *w, const struct schema_key *key, const void *at)
{
    char text[SCHEMA_TEXT];
    const char *value = w->veiled && key->secret ? SCHEMA_VEIL : schema_text(key, at, text);
    if (key->kind == SCHEMA_BOOL || key->kind == SCHEMA_INTEGER || key->kind == SCHEMA_DECIMAL)
        fputs(value, w->to);
    else
        write_string(w->to, value);
}

static void write_list(const struct writing *w, const struct schema_key *key, const void *base)
{
    size_t n = schema_count(key, base);
    bool bare = key->bare && n == 1;
    fputs(bare ? "" : "[ ", w->to);
    for (size_t i = 0; i < n; i++) {
        fputs(i == 0 ? "" : ", ", w->to);
        write_value(w, key, schema_look(key, base, i));
    }
    fputs(bare ? "" : n == 0 ? "]" : " ]", w->to);
}

static void write_keys(const struct writing *w, const struct schema_group *group, const void *base, const char *before,
                       const char *after);

/* Entries within a group or an entry, on one line. */
static void write_inner_entries(const struct writing *w, const struct schema_key *key, const void *base)
{
    size_t n = schema_count(key, base);
    fputs("(", w->to);
    for (size_t i = 0; i < n; i++) {
        fputs(i == 0 ? " {" : ", {", w->to);
        write_keys(w, key->group, schema_look(key, base, i), " ", " }");
    }
    fputs(" )", w->to);
}

static void write_any(const struct writing *w, const struct schema_key *key, const void *base)
{
    if (key->kind == SCHEMA_ENTRIES)
        write_inner_entries(w, key, base);
    else if (key->list)
        write_list(w, key, base);
    else
        write_value(w, key, schema_look(key, base, 0));
}

void schema_write(const struct schema_key *key, const void *base, FILE *to)
{
    write_any(&(struct writing){.to = to}, key, base);
}

/* The keys of a group that differ from their defaults, each after BEFORE, the whole followed by AFTER. */
static void write_keys(const struct writing *w, const struct schema_group *group, const void *base, const char *before,
                       const char *after)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (!key->required && !key->presence && schema_is_default(key, base))
            continue;
        fprintf(w->to, "%s%s%s", before, key->name, key->kind == SCHEMA_GROUP ? ": {" : " = ");
        if (key->kind == SCHEMA_GROUP)
            write_keys(w, key->group, base, " ", " }");
        else
            write_any(w, key, base);
        fputc(';', w->to);
    }
    fputs(after, w->to);
}

static void write_entry(const struct writing *w, const struct schema_key *key, const void *entry)
{
    fputc('{', w->to);
    if (key->group->block)
        write_keys(w, key->group, entry, "\n    ", "\n  ");
    else
        write_keys(w, key->group, entry, " ", " ");
    fputc('}', w->to);
}

void schema_write_entry(const struct schema_key *key, const void *entry, FILE *to)
{
    write_entry(&(struct writing){.to = to}, key, entry);
}

/* From entry w->entry on, at most *MOST of them. True when the last is written. */
static bool write_entries(struct config_writer *w, FILE *to, const struct schema_key *key, size_t *most)
{
    size_t n = schema_count(key, w->config);
    if (w->entry == 0)
        fprintf(to, "%s = (%s", key->name, n == 0 ? " " : "\n");
    for (; w->entry<n && * most> 0; w->entry++, (*most)--) {
        fputs("  ", to);
        write_entry(&(struct writing){to, w->veiled}, key, schema_look(key, w->config, w->entry));
        fputs(w->entry + 1 < n ? ",\n" : "\n", to);
    }
    if (w->entry < n)
        return false;
    fputs(");\n", to);
    return true;
}

/* A group with a list of entries in it has a line for each key. */
static bool is_long(const struct schema_group *group, const void *base)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++)
        if (key->kind == SCHEMA_ENTRIES && schema_count(key, base) > 0)
            return true;
    return false;
}

static void write_item(const struct writing *w, const struct schema_key *key, const void *base)
{
    if (key->kind == SCHEMA_GROUP) {
        bool lines = is_long(key->group, base);
        fprintf(w->to, "%s: {", key->name);
        write_keys(w, key->group, base, lines ? "\n  " : " ", lines ? "\n};\n" : " };\n");
    } else {
        fprintf(w->to, "%s = ", key->name);
        write_value(w, key, schema_look(key, base, 0));
        fputs(";\n", w->to);
    }
}

bool config_write_some(struct config_writer *w, FILE *to, size_t most)
{
    for (; w->key < schema_root.n; w->key++, w->entry = 0) {
        const struct schema_key *key = &schema_root.keys[w->key];
        if (!key->always && schema_is_default(key, w->config))
            continue;
        if (most == 0)
            return true;
        if (w->entry == 0 && w->begun)
            fputc('\n', to);
        w->begun = true;
        if (key->kind != SCHEMA_ENTRIES)
            write_item(&(struct writing){to, w->veiled}, key, w->config);
        else if (!write_entries(w, to, key, &most))
            return true;
    }
    return false;
}

bool config_write_all(const struct config *config, FILE *to)
{
    struct config_writer writer = {.config = config};
    config_write_some(&writer, to, SIZE_MAX);
    return fflush(to) == 0 && !ferror(to);
}
