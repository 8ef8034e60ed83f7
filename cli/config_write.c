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

static void write_value(FILE *to, const struct schema_key *key, const void *at)
{
    char text[SCHEMA_TEXT];
    const char *value = schema_text(key, at, text);
    if (key->kind == SCHEMA_BOOL || key->kind == SCHEMA_INTEGER || key->kind == SCHEMA_DECIMAL)
        fputs(value, to);
    else
        write_string(to, value);
}

static void write_list(FILE *to, const struct schema_key *key, const void *base)
{
    size_t n = schema_count(key, base);
    bool bare = key->bare && n == 1;
    fputs(bare ? "" : "[ ", to);
    for (size_t i = 0; i < n; i++) {
        fputs(i == 0 ? "" : ", ", to);
        write_value(to, key, schema_look(key, base, i));
    }
    fputs(bare ? "" : n == 0 ? "]" : " ]", to);
}

void schema_write(const struct schema_key *key, const void *base, FILE *to)
{
    if (key->list)
        write_list(to, key, base);
    else
        write_value(to, key, schema_look(key, base, 0));
}

/* The keys of a group that differ from their defaults, each after BEFORE, the whole followed by AFTER. */
static void write_keys(FILE *to, const struct schema_group *group, const void *base, const char *before,
                       const char *after)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (!key->required && schema_is_default(key, base))
            continue;
        fprintf(to, "%s%s = ", before, key->name);
        schema_write(key, base, to);
        fputc(';', to);
    }
    fputs(after, to);
}

void schema_write_entry(const struct schema_key *key, const void *entry, FILE *to)
{
    fputc('{', to);
    if (key->group->block)
        write_keys(to, key->group, entry, "\n    ", "\n  ");
    else
        write_keys(to, key->group, entry, " ", " ");
    fputc('}', to);
}

/* From entry w->entry on, at most *MOST of them. True when the last is written. */
static bool write_entries(struct config_writer *w, FILE *to, const struct schema_key *key, size_t *most)
{
    size_t n = schema_count(key, w->config);
    if (w->entry == 0)
        fprintf(to, "%s = (%s", key->name, n == 0 ? " " : "\n");
    for (; w->entry<n && * most> 0; w->entry++, (*most)--) {
        fputs("  ", to);
        schema_write_entry(key, schema_look(key, w->config, w->entry), to);
        fputs(w->entry + 1 < n ? ",\n" : "\n", to);
    }
    if (w->entry < n)
        return false;
    fputs(");\n", to);
    return true;
}

static void write_item(FILE *to, const struct schema_key *key, const void *base)
{
    if (key->kind == SCHEMA_GROUP) {
        fprintf(to, "%s: {", key->name);
        write_keys(to, key->group, base, " ", " };\n");
    } else {
        fprintf(to, "%s = ", key->name);
        write_value(to, key, schema_look(key, base, 0));
        fputs(";\n", to);
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
            write_item(to, key, w->config);
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
