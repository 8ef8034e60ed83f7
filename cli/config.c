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
    *copy = *config;
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
