/* The file is read by pieces, so that a big one takes no more memory than its routes. Words are made C strings where
 * they stand in the piece. */
#include "daemon/routes_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file.h"
#include "protocols/rib.h"

#define PIECE (256 * 1024)

struct reader {
    const char *file;
    struct config_place key;
    struct config_errors *errors;
    struct routes_file *routes;
    int line;
    size_t wrong;     /* lines */
    int first_untold; /* of them */
    bool skip;        /* what comes until the end of the line belongs to one that was too long */
    bool full;        /* nothing more is taken */
    bool quoted;      /* its words may be told */
    size_t n;         /* bytes in the piece that are still to be read */
    char piece[PIECE + 1];
};

static void wrong(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct reader *r, const char *format, ...)
{
    char text[256];
    va_list args;
    r->wrong++;
    if (r->wrong == ROUTES_TEXT_TOLD + 1)
        r->first_untold = r->line;
    if (r->wrong > ROUTES_TEXT_TOLD)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_error(r->errors, (struct config_place){r->file, r->line}, "%s", text);
}

/* What is wrong with the whole file. */
static void refuse(struct reader *r, const char *why)
{
    config_error(r->errors, r->key, "routes file %s: %s", r->file, why);
    r->full = true;
}

/* ---- a line ---- */

struct words {
    char *at, *end; /* a NUL may be put at END */
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* NULL at the end of the line. */
static char *next_word(struct words *w)
{
    while (w->at < w->end && is_space(*w->at))
        w->at++;
    if (w->at == w->end || *w->at == '#')
        return NULL;
    char *word = w->at;
    while (w->at < w->end && !is_space(*w->at) && *w->at != '#')
        w->at++;
    if (w->at < w->end && *w->at == '#')
        w->end = w->at; /* the comment goes, so that its sign can become the NUL */
    *w->at = '\0';
    if (w->at < w->end)
        w->at++;
    return word;
}

#define SHOWN 60

/* ", not 'WORD'", whatever bytes it has. */
static const char *not_word(const char *word, char to[SHOWN + 16])
{
    char shown[SHOWN + 1];
    size_t n = 0;
    for (; n < SHOWN && word[n] != '\0'; n++)
        shown[n] = word[n] < ' ' || word[n] > '~' ? '?' : word[n];
    shown[n] = '\0';
    snprintf(to, SHOWN + 16, ", not '%s'%s", shown, word[n] != '\0' ? "..." : "");
    return to;
}

static bool expect(struct reader *r, const char *what, const char *word)
{
    char other[SHOWN + 16];
    if (word == NULL)
        wrong(r, "%s is expected where the line ends", what);
    else
        wrong(r, "%s is expected%s", what, r->quoted ? not_word(word, other) : "");
    return false;
}

static bool read_distance(struct reader *r, const char *word, uint8_t *distance)
{
    unsigned n = 0;
    const char *c = word == NULL ? "" : word;
    for (; *c >= '0' && *c <= '9' && n <= UINT8_MAX; c++)
        n = n * 10 + (unsigned)(*c - '0');
    if (*c != '\0' || n == 0 || n > UINT8_MAX || word[0] == '0')
        return expect(r, "a distance from 1 to 255", word);
    *distance = (uint8_t)n;
    return true;
}

/* What follows "via"; sets *WORD to the first word that is no next hop. */
static bool read_hops(struct reader *r, struct words *w, uint32_t via[FIB_HOPS_MAX], unsigned *n, char **word)
{
    while ((*word = next_word(w)) != NULL && strcmp(*word, "distance") != 0) {
        uint32_t addr;
        if (!addr_parse(*word, &addr))
            return expect(
                r, *n == 0 ? "an address such as 10.0.0.1" : "another address, 'distance' or the end of the line",
                *word);
        if (*n == FIB_HOPS_MAX) {
            wrong(r, "a route has at most %d next hops", FIB_HOPS_MAX);
            return false;
        }
        via[(*n)++] = addr;
    }
    return *n > 0 || expect(r, "an address such as 10.0.0.1", *word);
}

static bool read_way(struct reader *r, struct words *w, struct file_route *route, uint32_t via[FIB_HOPS_MAX],
                     unsigned *n)
{
    static const char *const types[] = {[RIB_UNICAST] = "via",
                                        [RIB_BLACKHOLE] = "blackhole",
                                        [RIB_UNREACHABLE] = "unreachable",
                                        [RIB_PROHIBIT] = "prohibit"};
    char *word = next_word(w);
    while (route->type < sizeof types / sizeof types[0] && (word == NULL || strcmp(word, types[route->type]) != 0))
        route->type++;
    if (route->type == sizeof types / sizeof types[0])
        return expect(r, "'via', 'blackhole', 'unreachable' or 'prohibit'", word);
    if (route->type != RIB_UNICAST)
        word = next_word(w);
    else if (!read_hops(r, w, via, n, &word))
        return false;
    if (word == NULL)
        return true;
    if (strcmp(word, "distance") != 0)
        return expect(r, "'distance' or the end of the line", word);
    if (!read_distance(r, next_word(w), &route->distance))
        return false;
    word = next_word(w);
    return word == NULL || expect(r, "the end of the line", word);
}

static void read_line(struct reader *r, char *at, char *end)
{
    struct words w = {at, end};
    struct prefix prefix;
    uint32_t via[FIB_HOPS_MAX];
    unsigned n = 0;
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (++r->line == 1 && end - at >= 3 && memcmp(at, byte_order_mark, 3) == 0)
        w.at += 3;
    if (end - at > ROUTES_TEXT_LINE) {
        wrong(r, "the line is longer than %d bytes", ROUTES_TEXT_LINE);
        return;
    }
    if (memchr(at, '\0', (size_t)(end - at)) != NULL) {
        wrong(r, "a NUL has no meaning here");
        return;
    }
    const char *word = next_word(&w);
    if (word == NULL)
        return;
    if (!prefix_parse(word, &prefix)) {
        expect(r, "a prefix such as 10.0.0.0/8", word);
        return;
    }
    struct file_route route = {.addr = prefix.addr, .len = prefix.len, .line = (uint32_t)r->line, .distance = 1};
    if (!read_way(r, &w, &route, via, &n))
        return;
    if (r->routes->n == ROUTES_TEXT_ROUTES)
        refuse(r, "a table of more than 8000000 routes is not taken");
    else if (!routes_file_add(r->routes, route, via, n))
        refuse(r, "out of memory");
}

/* ---- the file ---- */

/* Reads the whole lines of the piece, and leaves what follows them at its beginning. */
static void read_lines(struct reader *r, bool last)
{
    char *at = r->piece, *end = r->piece + r->n, *stop;
    while (!r->full && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        if (!r->skip)
            read_line(r, at, stop);
        r->skip = false;
        at = stop + 1;
    }
    r->n = (size_t)(end - at);
    if (r->n > ROUTES_TEXT_LINE || last) {
        if (!r->skip && !r->full && r->n > 0)
            read_line(r, at, end);
        r->skip = true;
        r->n = 0;
    }
    memmove(r->piece, at, r->n);
}

static void read_all(struct reader *r, int fd)
{
    char why[256];
    size_t bytes = 0;
    ssize_t got = 1;
    while (got > 0 && !r->full) {
        got = file_read(fd, r->piece + r->n, PIECE - r->n, why, sizeof why);
        if (got < 0) {
            refuse(r, why);
            return;
        }
        r->n += (size_t)got;
        bytes += (size_t)got;
        if (bytes > ROUTES_TEXT_MAX)
            refuse(r, "a table of more than 512 MB is not read");
        read_lines(r, got == 0);
    }
}

struct routes_file *routes_text_read(const char *path, const char *file, struct config_place key,
                                     struct config_errors *errors)
{
    char why[256];
    struct reader *r = malloc(sizeof *r);
    struct routes_file *routes = routes_file_new();
    if (r == NULL || routes == NULL) {
        config_error(errors, key, "out of memory");
        free(r);
        routes_file_put(routes);
        return NULL;
    }
    *r = (struct reader){.file = file, .key = key, .errors = errors, .routes = routes};
    int fd = file_open(path, why, sizeof why);
    if (fd < 0) {
        refuse(r, why);
    } else {
        r->quoted = !errors->discreet || file_is_public(fd);
        read_all(r, fd);
        close(fd);
    }
    if (r->wrong > ROUTES_TEXT_TOLD)
        config_error(errors, (struct config_place){file, r->first_untold},
                     "and %zu more lines are wrong, this the first of them", r->wrong - ROUTES_TEXT_TOLD);
    bool whole = !r->full;
    free(r);
    if (!whole) {
        routes_file_put(routes);
        return NULL;
    }
    routes_file_finish(routes);
    return routes;
}
