/* Where two changes meet: what one of them changes is kept as a sorted list of paths, in which what the other changes
 * is looked for. A change of a value in an entry also meets one of the entry as a whole. */
#include <stdlib.h>
#include <string.h>

#include "cli/config_diff.h"

#define NAMED_MOST 5  /* the others are counted */
#define TEXT_MOST  40 /* a longer value is not told */

struct changed {
    char *path;
    char *after; /* NULL: nothing */
    size_t entry;
    bool whole; /* the path is that of an entry */
};

struct meeting {
    struct config_diff diff; /* first: the diff is the meeting */
    struct changed *list;
    size_t n, room;
    bool failed;
    bool same_too; /* what both change in the same way counts as well */
    char *to;
    size_t size, found;
};

static bool keep(struct config_diff *self, const struct config_difference *d)
{
    struct meeting *m = (struct meeting *)self;
    if (m->n == m->room) {
        size_t room = m->room * 2 + 16;
        struct changed *grown = realloc(m->list, room * sizeof *grown);
        m->failed = grown == NULL;
        if (grown == NULL)
            return false;
        m->list = grown;
        m->room = room;
    }
    struct changed *c = &m->list[m->n++];
    *c = (struct changed){.path = strdup(d->path),
                          .after = d->after == NULL ? NULL : strdup(d->after),
                          .entry = d->entry,
                          .whole = d->whole};
    m->failed = c->path == NULL || (d->after != NULL && c->after == NULL);
    return !m->failed;
}

/* A path before those that go on from it: the space that parts words is less than what is in them. */
static int compare(const void *a, const void *b)
{
    return strcmp(((const struct changed *)a)->path, ((const struct changed *)b)->path);
}

/* The first whose path is not before PATH's first N bytes. */
static size_t find(const struct meeting *m, const char *path, size_t n)
{
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(m->list[middle].path, path, n) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct changed *at(const struct meeting *m, size_t i, const char *path, size_t n)
{
    return i < m->n && strncmp(m->list[i].path, path, n) == 0 ? &m->list[i] : NULL;
}

/* What meets D: of the same path, of the whole entry that D is in, or in the entry that D is. */
static const struct changed *meets(const struct meeting *m, const struct config_difference *d)
{
    size_t n = strlen(d->path);
    const struct changed *c = at(m, find(m, d->path, n + 1), d->path, n + 1);
    if (c != NULL)
        return c;
    if (d->entry == 0)
        return NULL;
    for (size_t i = find(m, d->path, d->entry); (c = at(m, i, d->path, d->entry)) != NULL; i++) {
        bool goes_on = c->path[d->entry] != '\0' && c->path[d->entry] != ' ';
        if (!goes_on && c->entry == d->entry && (c->whole || d->whole))
            return c;
    }
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_short(const char *text)
{
    return text == NULL || (strlen(text) <= TEXT_MOST && strchr(text, '\n') == NULL);
}

static const char *or_nothing(const char *text)
{
    return text == NULL ? "none" : text;
}

static void name(struct meeting *m, const struct changed *theirs, const struct config_difference *ours)
{
    size_t len = strlen(m->to);
    bool value = strcmp(theirs->path, ours->path) == 0 && !theirs->whole && !ours->key->secret &&
                 is_short(theirs->after) && is_short(ours->after) && !same_text(theirs->after, ours->after);
    if (m->found++ >= NAMED_MOST)
        return;
    snprintf(m->to + len, m->size - len, "%s%s", len > 0 ? ", " : "", ours->path);
    len = strlen(m->to);
    if (value)
        snprintf(m->to + len, m->size - len, " (%s and %s)", or_nothing(theirs->after), or_nothing(ours->after));
}

static bool meet(struct config_diff *self, const struct config_difference *d)
{
    struct meeting *m = (struct meeting *)self;
    const struct changed *c = meets(m, d);
    if (c == NULL)
        return true;
    bool alike = strcmp(c->path, d->path) == 0 && same_text(c->after, d->after);
    if (!alike || m->same_too)
        name(m, c, d);
    return true;
}

static void meeting_free(struct meeting *m)
{
    for (size_t i = 0; i < m->n; i++) {
        free(m->list[i].path);
        free(m->list[i].after);
    }
    free(m->list);
}

/* What the ways from BASE to ONE and to OTHER have in common. False when there is no memory. */
static bool find_common(struct meeting *m, const struct config *base, const struct config *one,
                        const struct config *other)
{
    m->to[0] = '\0';
    m->diff.differs = keep;
    bool good = config_diff(base, one, &m->diff) && !m->failed;
    if (good && m->n > 0) {
        qsort(m->list, m->n, sizeof *m->list, compare);
        m->diff.differs = meet;
        good = config_diff(base, other, &m->diff);
    }
    size_t len = strlen(m->to);
    if (m->found > NAMED_MOST)
        snprintf(m->to + len, m->size - len, " and %zu more", m->found - NAMED_MOST);
    meeting_free(m);
    return good;
}

enum config_conflict config_conflict(const struct config *base, const struct config *theirs, const struct config *ours,
                                     char *to, size_t size)
{
    struct meeting m = {.to = to, .size = size};
    if (!find_common(&m, base, theirs, ours))
        return CONFIG_CONFLICT_FAILED;
    return m.found > 0 ? CONFIG_CONFLICT_FOUND : CONFIG_CONFLICT_NONE;
}

bool config_lost(const struct config *saved, const struct config *running, const struct config *next, char *to,
                 size_t size)
{
    struct meeting m = {.to = to, .size = size, .same_too = true};
    return find_common(&m, running, saved, next);
}
