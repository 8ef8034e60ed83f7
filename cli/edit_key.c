#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/configure.h"

bool edit_refuse(char *why, size_t why_size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, why_size, format, args);
    va_end(args);
    return false;
}

bool edit_undoes(const struct edit *edit)
{
    return strcmp(edit->line.args[0].command->word, "no") == 0;
}

const struct command_arg *edit_arg(const struct edit *edit, const struct command *argument)
{
    return command_arg_of(&edit->line, argument);
}

struct config_interface *edit_interface(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    for (size_t i = 0; i < config->n_interfaces; i++)
        if (config->interfaces[i].name != NULL && strcmp(config->interfaces[i].name, edit->subject) == 0)
            return &config->interfaces[i];
    edit_refuse(why, why_size, "interface '%s' is no longer configured: \"interface %s\" makes it anew", edit->subject,
                edit->subject);
    return NULL;
}

bool edit_mask(const struct command_arg *mask, uint8_t *len, char *why, size_t why_size)
{
    for (*len = 0; *len <= 32; (*len)++)
        if (prefix_mask(*len) == mask->addr)
            return true;
    return edit_refuse(why, why_size, "%s is not a mask: its ones must all stand before its zeros", mask->text);
}

const struct schema_key *edit_schema(const char *path)
{
    const struct schema_group *group = &schema_root;
    const struct schema_key *key = NULL;
    while (group != NULL && path != NULL) {
        char name[64];
        const char *dot = strchr(path, '.');
        snprintf(name, sizeof name, "%.*s", (int)(dot == NULL ? strlen(path) : (size_t)(dot - path)), path);
        key = schema_find(group, name);
        group = key == NULL ? NULL : key->group;
        path = dot == NULL ? NULL : dot + 1;
    }
    return path == NULL ? key : NULL;
}

static void forget_place(const struct schema_key *key, void *base, size_t i)
{
    struct config_place *place = schema_place(key, base, i);
    if (place != NULL)
        *place = (struct config_place){0};
}

/* Are all the values in TEXT some that KEY takes, and as many? */
static bool list_fits(const struct schema_key *key, const char *text, char *why, size_t why_size)
{
    union {
        int64_t number; /* for its alignment */
        char bytes[SCHEMA_TEXT];
    } value = {0};
    char word[SCHEMA_TEXT], wants[256];
    size_t n = 0;
    for (const char *at = text;; at++, n++) {
        size_t len = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word), at);
        if (len == 0)
            return edit_refuse(why, why_size, "'%s' wants values with commas between them, each %s", key->name,
                               schema_wants(key, wants, sizeof wants));
        if (!schema_parse(key, word, &value, why, why_size))
            return false;
        at += len;
        if (*at == '\0')
            break;
    }
    if (key->room == 0 || n < key->room)
        return true;
    return edit_refuse(why, why_size, "'%s' takes at most %zu values", key->name, key->room);
}

static bool set_list(const struct schema_key *key, void *base, const char *text, char *why, size_t why_size)
{
    char copy[COMMAND_LINE_MAX + 1], *rest;
    if (!list_fits(key, text, why, why_size))
        return false;
    schema_reset(key, base);
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        void *at = schema_append(key, base);
        if (at == NULL || !schema_parse(key, word, at, why, why_size))
            return edit_refuse(why, why_size, "the system gave no memory");
        forget_place(key, base, schema_count(key, base) - 1);
    }
    return true;
}

static bool set_one(const struct schema_key *key, void *base, const char *text, char *why, size_t why_size)
{
    if (key->kind == SCHEMA_STRING && strcmp(text, "\"\"") == 0)
        text = "";
    if (!schema_parse(key, text, schema_at(key, base, 0), why, why_size))
        return false;
    forget_place(key, base, 0);
    return true;
}

bool edit_key(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct command_arg *last = &edit->line.args[edit->line.n - 1];
    const char *path = last->command->edit->key;
    const struct schema_key *key = edit_schema(path);
    void *base = config;
    if (key == NULL)
        return edit_refuse(why, why_size, "there is no key '%s'", path);
    if (strncmp(path, "interfaces.", strlen("interfaces.")) == 0)
        base = edit_interface(edit, config, why, why_size);
    if (base == NULL)
        return false;
    bool keyword = last->command->kind == COMMAND_WORD, no = edit_undoes(edit);
    if (key->kind == SCHEMA_BOOL)
        return set_one(key, base, no ? "false" : "true", why, why_size);
    if (no) {
        if (!schema_reset(key, base))
            return edit_refuse(why, why_size, "the system gave no memory");
        forget_place(key, base, 0);
        return true;
    }
    if (!key->list)
        return set_one(key, base, keyword ? last->command->word : last->text, why, why_size);
    return set_list(key, base, last->text, why, why_size);
}
