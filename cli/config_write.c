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

/* The keys of a group that differ from their defaults, each after BEFORE, the whole followed by AFTER. */
static void write_keys(FILE *to, const struct schema_group *group, const void *base, const char *before,
                       const char *after)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (!key->required && schema_is_default(key, base))
            continue;
        fprintf(to, "%s%s = ", before, key->name);
        if (key->list)
            write_list(to, key, base);
        else
            write_value(to, key, schema_look(key, base, 0));
        fputc(';', to);
    }
    fputs(after, to);
}

static void write_entries(FILE *to, const struct schema_key *key, const void *base)
{
    size_t n = schema_count(key, base);
    fprintf(to, "%s = (%s", key->name, n == 0 ? " " : "\n");
    for (size_t i = 0; i < n; i++) {
        fputs("  {", to);
        if (key->group->block)
            write_keys(to, key->group, schema_look(key, base, i), "\n    ", "\n  ");
        else
            write_keys(to, key->group, schema_look(key, base, i), " ", " ");
        fputs(i + 1 < n ? "},\n" : "}\n", to);
    }
    fputs(");\n", to);
}

static void write_item(FILE *to, const struct schema_key *key, const void *base)
{
    if (key->kind == SCHEMA_ENTRIES) {
        write_entries(to, key, base);
    } else if (key->kind == SCHEMA_GROUP) {
        fprintf(to, "%s: {", key->name);
        write_keys(to, key->group, base, " ", " };\n");
    } else {
        fprintf(to, "%s = ", key->name);
        write_value(to, key, schema_look(key, base, 0));
        fputs(";\n", to);
    }
}

bool config_write(const struct config *config, FILE *to)
{
    bool first = true;
    for (const struct schema_key *key = schema_root.keys; key < schema_root.keys + schema_root.n; key++) {
        if (!key->always && schema_is_default(key, config))
            continue;
        fputs(first ? "" : "\n", to);
        first = false;
        write_item(to, key, config);
    }
    return fflush(to) == 0 && !ferror(to);
}
