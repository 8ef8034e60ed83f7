#define _GNU_SOURCE /* asprintf, wcwidth */
#include "cli/ferrysh_look.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- fields ---- */

/* As much as there is room for, a dot in place of what does not stand in a column by itself. */
static void clean(const char *from, char *to, size_t room)
{
    mbstate_t state = {0};
    size_t left = strlen(from), used = 0;
    while (left > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, from, left, &state);
        bool whole = n > 0 && n <= left, good = whole && wcwidth(c) > 0;
        if (!whole) {
            state = (mbstate_t){0};
            n = 1;
        }
        size_t len = good ? n : 1;
        if (used + len >= room)
            break;
        memcpy(to + used, good ? from : ".", len);
        used += len;
        from += n;
        left -= n;
    }
    to[used] = '\0';
}

static bool read_text(const json_t *from, const char *key, char *to, size_t room)
{
    const char *text = json_string_value(json_object_get(from, key));
    if (text == NULL)
        return false;
    clean(text, to, room);
    return true;
}

static bool read_count(const json_t *from, const char *key, uint64_t *to)
{
    const json_t *value = json_object_get(from, key);
    json_int_t n = json_integer_value(value);
    *to = n < 0 ? 0 : n > LOOK_MOST ? LOOK_MOST : (uint64_t)n;
    return json_is_integer(value);
}

static bool read_share(const json_t *from, const char *key, double *to)
{
    const json_t *value = json_object_get(from, key);
    double share = json_number_value(value);
    *to = share > 0 ? share < 1 ? share : 1 : 0;
    return json_is_number(value);
}

static bool read_bool(const json_t *from, const char *key, bool *to)
{
    const json_t *value = json_object_get(from, key);
    *to = json_is_true(value);
    return json_is_boolean(value);
}

/* ---- rows ---- */

static bool read_interface(const json_t *from, struct look_interface *to)
{
    return read_text(from, "name", to->name, sizeof to->name) && read_bool(from, "up", &to->up) &&
           read_count(from, "rxBits", &to->rx_bits) && read_count(from, "rxPackets", &to->rx_packets) &&
           read_count(from, "txBits", &to->tx_bits) && read_count(from, "txPackets", &to->tx_packets);
}

static bool read_drop(const json_t *from, struct look_drop *to)
{
    return read_text(from, "reason", to->reason, sizeof to->reason) && read_count(from, "count", &to->count) &&
           read_count(from, "perSecond", &to->per_second);
}

static bool read_top(const json_t *from, struct look_top *to)
{
    return read_text(from, "prefix", to->prefix, sizeof to->prefix) && read_share(from, "packets", &to->packets) &&
           read_share(from, "bytes", &to->bytes);
}

/* How many of a list there is room for; false when it is none. */
static bool read_length(const json_t *from, const char *key, unsigned most, const json_t **list, unsigned *n)
{
    *list = json_object_get(from, key);
    size_t length = json_array_size(*list);
    *n = length < most ? (unsigned)length : most;
    return json_is_array(*list);
}

static bool read_document(const json_t *from, struct look *to)
{
    const json_t *interfaces, *drops, *top;
    if (!read_text(from, "hostname", to->hostname, sizeof to->hostname) || !read_count(from, "seconds", &to->seconds) ||
        !read_length(from, "interfaces", LOOK_INTERFACES, &interfaces, &to->n_interfaces) ||
        !read_length(from, "drops", LOOK_DROPS, &drops, &to->n_drops) ||
        !read_length(from, "top", LOOK_TOP, &top, &to->n_top))
        return false;
    for (unsigned i = 0; i < to->n_interfaces; i++)
        if (!read_interface(json_array_get(interfaces, i), &to->interfaces[i]))
            return false;
    for (unsigned i = 0; i < to->n_drops; i++)
        if (!read_drop(json_array_get(drops, i), &to->drops[i]))
            return false;
    for (unsigned i = 0; i < to->n_top; i++)
        if (!read_top(json_array_get(top, i), &to->top[i]))
            return false;
    return true;
}

bool look_read(struct look *look, const char *text, size_t len)
{
    json_t *document = json_loadb(text, len, 0, NULL);
    bool good = document != NULL && read_document(document, look);
    json_decref(document);
    return good;
}

char *look_line(const char *text, size_t len)
{
    json_t *document = json_loadb(text, len, 0, NULL);
    char *compact = json_is_object(document)
                        ? json_dumps(document, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6))
                        : NULL;
    char *line = NULL;
    if (compact != NULL && asprintf(&line, "%s\n", compact) < 0)
        line = NULL;
    free(compact);
    json_decref(document);
    return line;
}

/* ---- memory ---- */

/* Where NAME was; most often it still is where it was. */
static const uint64_t *past_of(const struct looks *looks, const char *name, unsigned guess)
{
    if (guess < looks->last.n_interfaces && strcmp(looks->last.interfaces[guess].name, name) == 0)
        return looks->past[guess];
    for (unsigned i = 0; i < looks->last.n_interfaces; i++)
        if (strcmp(looks->last.interfaces[i].name, name) == 0)
            return looks->past[i];
    return NULL;
}

void looks_add(struct looks *looks, const struct look *look)
{
    struct looks *before = malloc(sizeof *before);
    if (before != NULL)
        memcpy(before, looks, sizeof *before);
    for (unsigned i = 0; i < look->n_interfaces; i++) {
        const struct look_interface *interface = &look->interfaces[i];
        const uint64_t *past = before != NULL ? past_of(before, interface->name, i) : NULL;
        uint64_t *now = looks->past[i];
        if (past != NULL)
            memcpy(now, past + 1, (LOOK_PAST - 1) * sizeof *now);
        else
            memset(now, 0, (LOOK_PAST - 1) * sizeof *now);
        now[LOOK_PAST - 1] = interface->rx_bits + interface->tx_bits;
    }
    looks->last = *look;
    free(before);
}
