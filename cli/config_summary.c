/* The difference of two configurations in one sentence: of each list how many entries came, went and changed, by name
 * where it is one. */
#include <stdarg.h>
#include <string.h>

#include "cli/config_diff.h"
#include "cli/routes_file.h"

#define NAME_SIZE 128

enum { ADDED, REMOVED, CHANGED, KINDS };

struct summary {
    struct config_diff diff; /* first: the diff is the summary */
    char *to;
    size_t size, len;
    bool full;
    /* Of the list that is looked at: */
    char list[NAME_SIZE];
    const struct schema_group *group;
    size_t n[KINDS];
    char first[KINDS][NAME_SIZE]; /* names of the first of each kind */
    char last_changed[NAME_SIZE];
    char keys[NAME_SIZE]; /* what changed of the first that did */
};

__attribute__((format(printf, 2, 3))) static void add(struct summary *s, const char *format, ...)
{
    char item[3 * NAME_SIZE];
    va_list args;
    if (s->full)
        return;
    va_start(args, format);
    vsnprintf(item, sizeof item, format, args);
    va_end(args);
    size_t room = s->size - s->len;
    s->full = strlen(item) + sizeof ", , ..." > room;
    s->len += (size_t)snprintf(s->to + s->len, room, "%s%s", s->len > 0 ? ", " : "", s->full ? "..." : item);
}

static void end_list(struct summary *s)
{
    static const char *const done[KINDS] = {"added", "removed", "changed"};
    for (int kind = 0; kind < KINDS; kind++) {
        if (s->n[kind] > 1)
            add(s, "%zu %s %s", s->n[kind], s->group->many, done[kind]);
        else if (s->n[kind] == 1)
            add(s, "%s %s %s%s%s%s", s->group->one, s->first[kind], done[kind],
                kind == CHANGED && s->keys[0] != '\0' ? " (" : "", kind == CHANGED ? s->keys : "",
                kind == CHANGED && s->keys[0] != '\0' ? ")" : "");
        s->n[kind] = 0;
    }
    s->keys[0] = s->last_changed[0] = s->list[0] = '\0';
    s->group = NULL;
}

static void add_key(struct summary *s, const char *name)
{
    size_t n = strlen(s->keys);
    snprintf(s->keys + n, sizeof s->keys - n, "%s%s", n > 0 ? ", " : "", name);
}

static const struct schema_group *group_of(const char *list)
{
    const struct schema_group *group = &schema_root;
    char word[NAME_SIZE];
    while (*list != '\0') {
        size_t n = strcspn(list, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, list);
        group = schema_find(group, word)->group;
        list += n + strspn(list + n, " ");
    }
    return group;
}

/* The words of the path that name groups and then a list; what follows tells the entry apart. */
static void split(const struct config_difference *d, char list[NAME_SIZE], char name[NAME_SIZE])
{
    const struct schema_group *group = &schema_root;
    size_t at = 0, n = 0;
    char word[NAME_SIZE];
    for (;;) {
        n = strcspn(d->path + at, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, d->path + at);
        const struct schema_key *key = schema_find(group, word);
        at += n;
        if (key == NULL || key->kind != SCHEMA_GROUP)
            break;
        group = key->group;
        at++;
    }
    snprintf(list, NAME_SIZE, "%.*s", (int)at, d->path);
    snprintf(name, NAME_SIZE, "%.*s", (int)(d->entry > at ? d->entry - at - 1 : 0), d->path + at + 1);
}

static bool sum_up(struct config_diff *self, const struct config_difference *d)
{
    struct summary *s = (struct summary *)self;
    char list[NAME_SIZE], name[NAME_SIZE];
    if (d->entry == 0) {
        if (s->group != NULL)
            end_list(s);
        add(s, "%s changed", d->path);
        return true;
    }
    split(d, list, name);
    if (strcmp(list, s->list) != 0) {
        if (s->group != NULL)
            end_list(s);
        snprintf(s->list, sizeof s->list, "%s", list);
        s->group = group_of(list);
    }
    bool whole = d->key->kind == SCHEMA_ENTRIES;
    int kind = !whole || (d->before != NULL && d->after != NULL) ? CHANGED : d->before == NULL ? ADDED : REMOVED;
    if (kind != CHANGED || strcmp(name, s->last_changed) != 0) {
        if (s->n[kind]++ == 0)
            snprintf(s->first[kind], sizeof s->first[kind], "%s", name);
        if (kind == CHANGED)
            snprintf(s->last_changed, sizeof s->last_changed, "%s", name);
    }
    if (!whole && s->n[CHANGED] == 1)
        add_key(s, d->path + d->entry + 1);
    return true;
}

bool config_diff_summary(const struct config *before, const struct config *after, char *to, size_t size)
{
    struct summary s = {.diff.differs = sum_up, .to = to, .size = size};
    to[0] = '\0';
    if (!config_diff(before, after, &s.diff))
        return false;
    if (s.group != NULL)
        end_list(&s);
    const char *routes_path = after->routes_path != NULL ? after->routes_path : before->routes_path;
    if (routes_path != NULL && !routes_file_equal(before->routes_file, after->routes_file))
        add(&s, "routes of %s changed", routes_path);
    return true;
}
