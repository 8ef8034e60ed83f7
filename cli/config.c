#include "cli/config.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/schema.h"

struct config *config_new(void)
{
    struct config *config = malloc(sizeof *config);
    if (config != NULL && !schema_init(&schema_root, config)) {
        free(config);
        return NULL;
    }
    return config;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    schema_clear(&schema_root, config);
    routes_file_put(config->routes_file);
    for (size_t i = 0; i < config->n_files; i++)
        free(config->files[i]);
    free(config->files);
    free(config);
}

const char *config_file_name(struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_files; i++)
        if (strcmp(config->files[i], name) == 0)
            return config->files[i];
    char **grown = realloc(config->files, (config->n_files + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    config->files = grown;
    char *copy = strdup(name);
    if (copy != NULL)
        config->files[config->n_files++] = copy;
    return copy;
}

/* The copy's places shall point to the copy's names. Names are few, so looking through them is cheap. */
static void move_place(struct config *to, const struct config *from, struct config_place *place)
{
    for (size_t i = 0; i < from->n_files; i++)
        if (place->file == from->files[i]) {
            place->file = to->files[i];
            return;
        }
    *place = (struct config_place){0};
}

static void move_places(struct config *to, const struct config *from, const struct schema_group *group, void *base)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (key->later)
            continue;
        if (key->kind == SCHEMA_GROUP) {
            move_places(to, from, key->group, base);
            continue;
        }
        bool many = key->list || key->kind == SCHEMA_ENTRIES;
        size_t n = many ? schema_count(key, base) : 1;
        size_t places = key->place_offset == SCHEMA_NOWHERE ? 0 : many && key->place_stride > 0 ? n : 1;
        for (size_t i = 0; i < places; i++)
            move_place(to, from, schema_place(key, base, i));
        for (size_t i = 0; key->kind == SCHEMA_ENTRIES && i < n; i++)
            move_places(to, from, key->group, schema_at(key, base, i));
    }
}

static bool copy_names(struct config *to, const struct config *from)
{
    if (from->n_files == 0)
        return true;
    to->files = calloc(from->n_files, sizeof *to->files);
    if (to->files == NULL)
        return false;
    for (; to->n_files < from->n_files; to->n_files++) {
        to->files[to->n_files] = strdup(from->files[to->n_files]);
        if (to->files[to->n_files] == NULL)
            return false;
    }
    return true;
}

struct config *config_copy(const struct config *config)
{
    struct config *copy = malloc(sizeof *copy);
    if (copy == NULL)
        return NULL;
    memcpy(copy, config, offsetof(struct config, holders)); /* which are counted meanwhile, maybe in another thread */
    copy->files = NULL;
    copy->n_files = 0;
    copy->holders = 0;
    copy->routes_file = routes_file_get(config->routes_file);
    bool good = schema_own(&schema_root, copy, config);
    if (!copy_names(copy, config) || !good) {
        config_free(copy);
        return NULL;
    }
    move_places(copy, config, &schema_root, copy);
    move_place(copy, config, &copy->place);
    move_place(copy, config, &copy->routes_file_place);
    return copy;
}

void config_forget_places(struct config *config)
{
    const struct config nowhere = {0};
    move_places(config, &nowhere, &schema_root, config);
    config->place = (struct config_place){0};
}

bool config_equal(const struct config *a, const struct config *b)
{
    for (size_t i = 0; i < schema_root.n; i++)
        if (!schema_same(&schema_root.keys[i], a, b))
            return false;
    return routes_file_equal(a->routes_file, b->routes_file);
}

const char *config_place_text(struct config_place place, char *to, size_t size)
{
    if (place.file == NULL)
        snprintf(to, size, "%s", "");
    else if (place.line == 0)
        snprintf(to, size, "%s: ", place.file);
    else
        snprintf(to, size, "%s:%d: ", place.file, place.line);
    return to;
}

#define FINDING_SIZE 1024

__attribute__((format(printf, 4, 0))) static void find(struct config_errors *errors, struct config_place place,
                                                       bool warning, const char *format, va_list args)
{
    char text[FINDING_SIZE];
    vsnprintf(text, sizeof text, format, args);
    if (warning)
        errors->warnings++;
    else
        errors->errors++;
    if (errors->report != NULL)
        errors->report(errors, place, warning, text);
}

void config_error(struct config_errors *errors, struct config_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    find(errors, place, false, format, args);
    va_end(args);
}

void config_warning(struct config_errors *errors, struct config_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    find(errors, place, true, format, args);
    va_end(args);
}

const struct config_interface *config_interface_find(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_interfaces; i++)
        if (config->interfaces[i].name != NULL && strcmp(config->interfaces[i].name, name) == 0)
            return &config->interfaces[i];
    return NULL;
}

/* ---- copying bit by bit ---- */

/* A copy of all but the entries of lists. */
static struct config *copy_frame(const struct config *from)
{
    struct config frame = *from;
    for (const struct schema_key *key = schema_root.keys; key < schema_root.keys + schema_root.n; key++)
        if (key->kind == SCHEMA_ENTRIES && !key->later) {
            memset((char *)&frame + key->offset, 0, sizeof(void *));
            memset((char *)&frame + key->count_offset, 0, key->count_size);
        }
    return config_copy(&frame);
}

static bool copy_entry(const struct config_copier *c, const struct schema_key *key)
{
    const void *from = schema_look(key, c->from, c->entry);
    void *to = schema_add(key, c->to);
    if (to == NULL)
        return false;
    schema_clear(key->group, to);
    memcpy(to, from, key->stride);
    if (!schema_own(key->group, to, from))
        return false;
    move_places(c->to, c->from, key->group, to);
    return true;
}

enum config_copy_step config_copy_some(struct config_copier *c, size_t most, struct config **done)
{
    if (c->to == NULL)
        c->to = copy_frame(c->from);
    for (; c->to != NULL && c->key < schema_root.n; c->key++, c->entry = 0) {
        const struct schema_key *key = &schema_root.keys[c->key];
        if (key->kind != SCHEMA_ENTRIES || key->later)
            continue;
        size_t n = schema_count(key, c->from);
        bool good = c->entry > 0 || schema_reserve(key, c->to, n);
        for (; good && c->entry < n && most > 0; c->entry++, most--)
            good = copy_entry(c, key);
        if (!good) {
            config_copy_end(c);
            break;
        }
        if (c->entry < n)
            return CONFIG_COPY_MORE;
    }
    *done = c->to;
    c->to = NULL;
    return *done == NULL ? CONFIG_COPY_FAILED : CONFIG_COPY_DONE;
}

void config_copy_end(struct config_copier *c)
{
    config_free(c->to);
    c->to = NULL;
}
