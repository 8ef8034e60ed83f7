/* libconfig makes a tree of the text; a walk over the tree by the schema fills the model. There is no key in here. */
#include "daemon/config_file.h"

#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "cli/schema.h"
#include "daemon/config_text.h"
#include "daemon/routes_text.h"

struct walk {
    const struct config_text *text;
    struct config_errors *errors;
};

#define WHY_SIZE 768

static struct config_place place_of(const struct walk *w, const config_setting_t *setting)
{
    return config_text_place(w->text, (int)config_setting_source_line(setting));
}

static const char *type_name(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group { }";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "an integer";
    case CONFIG_TYPE_FLOAT:
        return "a decimal";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_ARRAY:
        return "an array [ ]";
    default:
        return "a list ( )";
    }
}

static bool refuse_type(struct walk *w, const struct schema_key *key, const config_setting_t *setting)
{
    char wants[WHY_SIZE];
    config_error(w->errors, place_of(w, setting), "'%s' wants %s, not %s", key->name,
                 schema_wants(key, wants, sizeof wants), type_name(setting));
    return false;
}

/* An integer that was refused already, because it does not fit. */
static bool is_excused(const struct walk *w, const config_setting_t *setting)
{
    return config_setting_type(setting) == CONFIG_TYPE_INT && config_setting_get_int(setting) == CONFIG_TEXT_WRAPPED &&
           config_text_is_excused(w->text, (int)config_setting_source_line(setting));
}

static bool read_value(struct walk *w, const struct schema_key *key, const config_setting_t *setting, void *at)
{
    char why[WHY_SIZE];
    bool good;
    if (is_excused(w, setting))
        return false;
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_INT:
        if (key->kind != SCHEMA_INTEGER && key->kind != SCHEMA_DECIMAL)
            return refuse_type(w, key, setting);
        good = schema_set_integer(key, config_setting_get_int(setting), at, why, sizeof why);
        break;
    case CONFIG_TYPE_FLOAT:
        if (key->kind != SCHEMA_DECIMAL)
            return refuse_type(w, key, setting);
        good = schema_set_decimal(key, config_setting_get_float(setting), at, why, sizeof why);
        break;
    case CONFIG_TYPE_BOOL:
        if (key->kind != SCHEMA_BOOL)
            return refuse_type(w, key, setting);
        good = schema_parse(key, config_setting_get_bool(setting) ? "true" : "false", at, why, sizeof why);
        break;
    case CONFIG_TYPE_STRING:
        if (key->kind == SCHEMA_BOOL || key->kind == SCHEMA_INTEGER || key->kind == SCHEMA_DECIMAL)
            return refuse_type(w, key, setting);
        good = schema_parse(key, config_setting_get_string(setting), at, why, sizeof why);
        break;
    default:
        return refuse_type(w, key, setting);
    }
    if (!good)
        config_error(w->errors, place_of(w, setting), "%s", why);
    return good;
}

static bool is_sequence(const config_setting_t *setting)
{
    return config_setting_type(setting) == CONFIG_TYPE_ARRAY || config_setting_type(setting) == CONFIG_TYPE_LIST;
}

/* Room for all elements of SETTING; where there is too little, the first that is too many is the error. */
static bool reserve(struct walk *w, const struct schema_key *key, const config_setting_t *setting, void *base)
{
    size_t n = is_sequence(setting) ? (size_t)config_setting_length(setting) : 1;
    if (schema_reserve(key, base, n))
        return true;
    if (key->room > 0 && n > key->room)
        config_error(w->errors, place_of(w, config_setting_get_elem(setting, (unsigned)key->room)),
                     "'%s' holds at most %zu", key->name, key->room);
    else
        config_error(w->errors, place_of(w, setting), "out of memory");
    return false;
}

static void set_place(struct walk *w, const struct schema_key *key, const config_setting_t *setting, void *base,
                      size_t i)
{
    struct config_place *place = schema_place(key, base, i);
    if (place != NULL)
        *place = place_of(w, setting);
}

static bool read_list_value(struct walk *w, const struct schema_key *key, const config_setting_t *setting, void *base)
{
    void *at = schema_add(key, base);
    set_place(w, key, setting, base, schema_count(key, base) - 1);
    if (read_value(w, key, setting, at))
        return true;
    schema_remove_last(key, base);
    return false;
}

static bool read_list(struct walk *w, const struct schema_key *key, const config_setting_t *setting, void *base)
{
    if (!reserve(w, key, setting, base))
        return false;
    if (!is_sequence(setting))
        return read_list_value(w, key, setting, base);
    bool good = true;
    int n = config_setting_length(setting);
    for (int i = 0; i < n; i++)
        good = read_list_value(w, key, config_setting_get_elem(setting, (unsigned)i), base) && good;
    return good;
}

static bool read_group(struct walk *w, const struct schema_group *group, const config_setting_t *setting, void *base);

static bool read_entry(struct walk *w, const struct schema_key *key, const config_setting_t *setting, void *base)
{
    if (config_setting_type(setting) != CONFIG_TYPE_GROUP) {
        config_error(w->errors, place_of(w, setting), "an entry of '%s' is a group { ... }, not %s", key->name,
                     type_name(setting));
        return false;
    }
    void *at = schema_add(key, base);
    if (at == NULL) {
        config_error(w->errors, place_of(w, setting), "out of memory");
        return false;
    }
    struct config_place place = place_of(w, setting);
    if (key->group->place_offset != SCHEMA_NOWHERE)
        memcpy((char *)at + key->group->place_offset, &place, sizeof place);
    bool good = read_group(w, key->group, setting, at);
    if (!good && key->group->doubtful_offset != SCHEMA_NOWHERE)
        *(bool *)((char *)at + key->group->doubtful_offset) = true;
    return good;
}

static bool read_entries(struct walk *w, const struct schema_key *key, const config_setting_t *setting, void *base)
{
    if (!is_sequence(setting))
        return refuse_type(w, key, setting);
    if (!reserve(w, key, setting, base))
        return false;
    bool good = true;
    int n = config_setting_length(setting);
    for (int i = 0; i < n; i++)
        good = read_entry(w, key, config_setting_get_elem(setting, (unsigned)i), base) && good;
    return good;
}

static bool read_key(struct walk *w, const struct schema_key *key, const config_setting_t *setting, void *base)
{
    if (key->later) {
        config_error(w->errors, place_of(w, setting), "'%s' is not supported yet", key->name);
        return false;
    }
    if (key->present_offset != SCHEMA_NOWHERE)
        *(bool *)((char *)base + key->present_offset) = true;
    if (key->list)
        return read_list(w, key, setting, base);
    if (key->kind == SCHEMA_ENTRIES)
        return read_entries(w, key, setting, base);
    if (key->kind == SCHEMA_GROUP) {
        if (config_setting_type(setting) != CONFIG_TYPE_GROUP)
            return refuse_type(w, key, setting);
        return read_group(w, key->group, setting, base);
    }
    set_place(w, key, setting, base, 0);
    return read_value(w, key, setting, schema_at(key, base, 0));
}

static bool refuse_name(struct walk *w, const struct schema_group *group, const config_setting_t *setting)
{
    const char *name = config_setting_name(setting);
    const struct schema_key *nearest = schema_nearest(group, name);
    const struct schema_group *home = schema_home(name);
    char where[64] = "";
    if (group->name[0] != '\0')
        snprintf(where, sizeof where, " in %s", group->name);
    struct config_place place = place_of(w, setting);
    if (nearest != NULL)
        config_error(w->errors, place, "unknown key '%.100s'%s: did you mean '%s'?", name, where, nearest->name);
    else if (home != NULL)
        config_error(w->errors, place, "unknown key '%s'%s: it belongs in %s", name, where, home->name);
    else if (schema_find(&schema_root, name) != NULL)
        config_error(w->errors, place, "unknown key '%s'%s: it belongs at the top of the file", name, where);
    else
        config_error(w->errors, place, "unknown key '%.100s'%s", name, where);
    return false;
}

/* A required key whose value was refused is not missing. */
static bool read_required(struct walk *w, const struct schema_group *group, const config_setting_t *setting)
{
    bool good = true;
    for (size_t i = 0; i < group->n; i++) {
        const struct schema_key *key = &group->keys[i];
        if (!key->required || config_setting_get_member(setting, key->name) != NULL)
            continue;
        config_error(w->errors, place_of(w, setting), "this entry of '%s' has no '%s'", group->name, key->name);
        good = false;
    }
    return good;
}

static bool read_group(struct walk *w, const struct schema_group *group, const config_setting_t *setting, void *base)
{
    bool good = true;
    int n = config_setting_length(setting);
    for (int i = 0; i < n; i++) {
        const config_setting_t *member = config_setting_get_elem(setting, (unsigned)i);
        const char *name = config_setting_name(member);
        if (name[0] == CONFIG_TEXT_TWICE && config_text_is_excused(w->text, (int)config_setting_source_line(member))) {
            good = false;
            continue;
        }
        const struct schema_key *key = schema_find(group, name);
        good = (key == NULL ? refuse_name(w, group, member) : read_key(w, key, member, base)) && good;
    }
    return read_required(w, group, setting) && good;
}

/* ---- findings, told in the order of the file ---- */

struct finding {
    struct config_place place;
    bool warning;
    char *text;
    size_t file, order;
};

struct findings {
    struct config_errors errors; /* first: the findings are the errors */
    const struct config *config;
    struct finding *list;
    size_t n, room;
    bool lost; /* no memory for one */
};

static void keep(struct config_errors *self, struct config_place place, bool warning, const char *text)
{
    struct findings *f = (struct findings *)self;
    if (f->n == f->room) {
        size_t room = f->room * 2 + 16;
        struct finding *grown = realloc(f->list, room * sizeof *grown);
        f->lost = f->lost || grown == NULL;
        if (grown == NULL)
            return;
        f->list = grown;
        f->room = room;
    }
    char *copy = strdup(text);
    f->lost = f->lost || copy == NULL;
    if (copy == NULL)
        return;
    size_t file = 0;
    while (file < f->config->n_files && f->config->files[file] != place.file)
        file++;
    f->list[f->n] = (struct finding){place, warning, copy, file, f->n};
    f->n++;
}

static int compare_findings(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->place.line != y->place.line)
        return x->place.line < y->place.line ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static void tell(struct findings *f, struct config_errors *to)
{
    if (f->n > 0)
        qsort(f->list, f->n, sizeof *f->list, compare_findings);
    for (size_t i = 0; i < f->n; i++) {
        if (f->list[i].warning)
            config_warning(to, f->list[i].place, "%s", f->list[i].text);
        else
            config_error(to, f->list[i].place, "%s", f->list[i].text);
        free(f->list[i].text);
    }
    free(f->list);
    if (f->lost)
        config_error(to, f->config->place, "out of memory");
}

/* ---- the whole ---- */

/* A path is seen from the folder of the first file, whichever names it: what is written is one file. */
void config_read_routes(struct config *config, const char *start, struct config_errors *errors)
{
    char path[4096];
    const char *slash = strrchr(start, '/');
    routes_file_put(config->routes_file);
    config->routes_file = NULL;
    config->routes_file_place = (struct config_place){0};
    if (config->routes_path == NULL)
        return;
    int folder = config->routes_path[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - start);
    int len = snprintf(path, sizeof path, "%.*s%s", folder, start, config->routes_path);
    const char *file = (size_t)len < sizeof path ? config_file_name(config, path) : NULL;
    if (file == NULL) {
        config_error(errors, config->routes_path_place, "no memory for the path of the routes file");
        return;
    }
    config->routes_file_place = (struct config_place){file, 0};
    config->routes_file = routes_text_read(path, file, config->routes_path_place, errors);
}

/* The text's syntax has been looked at, so this is for what libconfig alone objects to. */
static void refuse_syntax(const struct walk *w, const config_t *tree)
{
    char line[81];
    int at = config_error_line(tree);
    const char *what = config_error_text(tree);
    config_error(w->errors, config_text_place(w->text, at), "%s in '%s'", what == NULL ? "syntax error" : what,
                 config_text_line(w->text, at, line, sizeof line));
}

static void read_text(struct config *config, const struct config_text *text, bool alone, struct config_errors *errors)
{
    struct walk w = {.text = text, .errors = errors};
    config_t tree;
    config_init(&tree);
    if (config_read_string(&tree, text->text) != CONFIG_TRUE) {
        refuse_syntax(&w, &tree);
    } else {
        read_group(&w, &schema_root, config_root_setting(&tree), config);
        if (!alone)
            config_read_routes(config, config->place.file, errors);
        config_check(config, errors);
    }
    config_destroy(&tree);
}

static struct config *load(const char *path, bool alone, struct config_errors *errors)
{
    struct config *config = config_new();
    if (config == NULL) {
        config_error(errors, (struct config_place){path, 0}, "out of memory");
        return NULL;
    }
    struct findings found = {.errors = {.report = keep, .discreet = errors->discreet}, .config = config};
    struct config_text text;
    if (config_text_read(&text, config, path, &found.errors))
        read_text(config, &text, alone, &found.errors);
    config_text_free(&text);
    tell(&found, errors);
    if (found.errors.errors == 0 && !found.lost)
        return config;
    config_free(config);
    return NULL;
}

struct config *config_load(const char *path, struct config_errors *errors)
{
    return load(path, false, errors);
}

struct config *config_load_alone(const char *path, struct config_errors *errors)
{
    return load(path, true, errors);
}
