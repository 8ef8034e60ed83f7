#include "daemon/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "daemon/config_token.h"

struct bracket {
    char sign;
    struct config_place place;
    size_t names; /* those of the group begin here */
};

struct named_key {
    const char *name; /* in a source that stays until the end */
    size_t len;
    struct config_place place;
};

struct scan {
    struct config_text *t;
    struct config *config;
    struct config_errors *errors;
    struct bracket open[CONFIG_TEXT_NESTED + 1];
    unsigned depth;
    struct named_key *names; /* keys of all groups that are open */
    size_t n_names, names_room;
    enum token before; /* the token before this one */
    char before_sign;  /* which, if it was a sign */
    size_t name_at;    /* where in the text the last name was put */
    struct named_key name;
    int line;           /* of the source, up to which line ends are in the text */
    unsigned twice;     /* keys renamed so far */
    unsigned including; /* files within each other */
    size_t bytes;       /* of all files */
    char **buffers;
    size_t n_buffers;
};

/* ---- the text that is made ---- */

static bool fail(struct scan *s, struct config_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool fail(struct scan *s, struct config_place place, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    config_error(s->errors, place, "%s", text);
    return false;
}

static bool no_memory(struct scan *s)
{
    return fail(s, s->config->place, "out of memory");
}

static bool put(struct scan *s, const char *bytes, size_t len)
{
    struct config_text *t = s->t;
    if (t->room - t->len <= len) {
        size_t room = t->room * 2 + len + 4096;
        char *grown = realloc(t->text, room);
        if (grown == NULL)
            return no_memory(s);
        t->text = grown;
        t->room = room;
    }
    if (len > 0)
        memcpy(t->text + t->len, bytes, len);
    t->len += len;
    t->text[t->len] = '\0';
    return true;
}

static bool put_lines(struct scan *s, int n)
{
    for (; n > 0; n--) {
        if (!put(s, "\n", 1))
            return false;
        s->t->lines++;
    }
    return true;
}

static bool put_held(struct scan *s, const struct source *f)
{
    int n = f->line - s->line;
    s->line = f->line;
    return n > 0 ? put_lines(s, n) : put(s, " ", 1);
}

static bool is_sign(const struct source *f, const char *any)
{
    return strchr(any, *f->token) != NULL;
}

/* Line ends before a token come into the text with it; but after a string libconfig looks at the next token before it
 * notes the line, so that token comes first. */
static bool put_token(struct scan *s, const struct source *f, enum token token, const char *bytes, size_t len)
{
    if (s->before != TOKEN_STRING || token == TOKEN_STRING)
        return (s->before == TOKEN_STRING || put_held(s, f)) && put(s, bytes, len);
    if (token == TOKEN_SIGN && is_sign(f, ",;)]}"))
        return put(s, bytes, len);
    return put(s, ";", 1) && put_held(s, f) && put(s, bytes, len);
}

static bool begin_piece(struct scan *s, const struct source *f)
{
    struct config_text *t = s->t;
    struct config_text_piece *grown = realloc(t->pieces, (t->n_pieces + 1) * sizeof *grown);
    if (grown == NULL)
        return no_memory(s);
    t->pieces = grown;
    t->pieces[t->n_pieces++] = (struct config_text_piece){t->lines, {f->file, f->line}};
    s->line = f->line;
    return true;
}

static bool excuse(struct scan *s)
{
    struct config_text *t = s->t;
    int *grown = realloc(t->excused, (t->n_excused + 1) * sizeof *grown);
    if (grown == NULL)
        return no_memory(s);
    t->excused = grown;
    t->excused[t->n_excused++] = t->lines;
    return true;
}

/* ---- what the tokens are ---- */

static struct config_place here(const struct source *f)
{
    return (struct config_place){f->file, f->line};
}

/* A copy that is a C string, cut if it is long. */
static const char *token_text(const struct source *f, char *to, size_t size)
{
    snprintf(to, size, "%.*s", (int)(f->token_len < 200 ? f->token_len : 200), f->token);
    return to;
}

#define TOKEN_TEXT 201

static size_t digits(const char *text)
{
    return strspn(text, "0123456789");
}

/* [-+]?[0-9]*.[0-9]*([eE][-+]?[0-9]+)? with a digit before the exponent. */
static bool is_decimal(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t before = digits(text);
    if (text[before] != '.')
        return false;
    size_t after = digits(text + before + 1);
    text += before + 1 + after;
    if (before + after == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        return digits(text) > 0 && text[digits(text)] == '\0';
    }
    return *text == '\0';
}

/* Integers of 64 bits are written with an L or two behind. */
static bool is_integer(const char *text, bool *fits, long long *value)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    size_t n = hex ? strspn(text + 2, "0123456789abcdefABCDEF") : digits(text + (*text == '-' || *text == '+'));
    const char *end = text + n + (hex ? 2 : *text == '-' || *text == '+');
    if (n == 0 || (strcmp(end, "") != 0 && strcmp(end, "L") != 0 && strcmp(end, "LL") != 0))
        return false;
    errno = 0;
    *value = strtoll(text, NULL, hex ? 16 : 10);
    *fits = errno == 0 && *value <= 2147483647LL && *value >= CONFIG_TEXT_WRAPPED;
    return true;
}

static bool scan_number(struct scan *s, const struct source *f)
{
    char text[TOKEN_TEXT], decimal[32];
    token_text(f, text, sizeof text);
    bool fits;
    long long value;
    if (f->token_len < TOKEN_TEXT && is_decimal(text))
        return put_token(s, f, TOKEN_NUMBER, f->token, f->token_len);
    if (!is_integer(text, &fits, &value))
        return fail(s, here(f), "syntax error: '%s' is no number (text stands in \"double quotes\")", text);
    if (!fits)
        config_error(s->errors, here(f), "%s does not fit 32 bits", text);
    snprintf(decimal, sizeof decimal, "%lld", fits ? value : (long long)CONFIG_TEXT_WRAPPED);
    return put_token(s, f, TOKEN_NUMBER, decimal, strlen(decimal)) && (fits || excuse(s));
}

static bool is_word(const struct source *f, const char *word)
{
    return f->token_len == strlen(word) && strncasecmp(f->token, word, f->token_len) == 0;
}

static bool scan_name(struct scan *s, const struct source *f)
{
    char text[TOKEN_TEXT];
    bool value = s->before == TOKEN_SIGN && strchr("=:([,", s->before_sign) != NULL;
    if (s->before_sign == ',' && (s->depth == 0 || s->open[s->depth].sign == '{'))
        value = false; /* a comma may end a setting */
    if (value && !is_word(f, "true") && !is_word(f, "false"))
        return fail(s, here(f), "syntax error: '%s' must stand in \"double quotes\"", token_text(f, text, sizeof text));
    if (!put_token(s, f, TOKEN_NAME, f->token, f->token_len))
        return false;
    s->name_at = s->t->len - f->token_len;
    s->name = (struct named_key){f->token, f->token_len, here(f)};
    return true;
}

/* A key that the group has already gets another name, so that libconfig goes on. */
static bool rename_key(struct scan *s)
{
    char name[16];
    int behind = 0;
    for (size_t i = s->name_at; i < s->t->len; i++)
        behind += s->t->text[i] == '\n';
    snprintf(name, sizeof name, "%c%u", CONFIG_TEXT_TWICE, ++s->twice);
    s->t->len = s->name_at;
    s->t->lines -= behind;
    return put(s, name, strlen(name)) && excuse(s) && put_lines(s, behind);
}

static bool scan_key(struct scan *s)
{
    if (s->before != TOKEN_NAME)
        return true;
    for (size_t i = s->open[s->depth].names; i < s->n_names; i++) {
        const struct named_key *n = &s->names[i];
        if (n->len != s->name.len || memcmp(n->name, s->name.name, n->len) != 0)
            continue;
        config_error(s->errors, s->name.place, "'%.*s' is given twice (first on %s%s%d)",
                     (int)(n->len < 200 ? n->len : 200), n->name,
                     n->place.file == s->name.place.file ? "line" : n->place.file,
                     n->place.file == s->name.place.file ? " " : ":", n->place.line);
        return rename_key(s);
    }
    if (s->n_names - s->open[s->depth].names >= CONFIG_TEXT_KEYS)
        return fail(s, s->name.place, "more than %d keys in one group", CONFIG_TEXT_KEYS);
    if (s->n_names == s->names_room) {
        size_t room = s->names_room * 2 + 64;
        struct named_key *grown = realloc(s->names, room * sizeof *grown);
        if (grown == NULL)
            return no_memory(s);
        s->names = grown;
        s->names_room = room;
    }
    s->names[s->n_names++] = s->name;
    return true;
}

static bool scan_open(struct scan *s, const struct source *f)
{
    if (s->depth == CONFIG_TEXT_NESTED)
        return fail(s, here(f), "brackets stand more than %d deep in each other", CONFIG_TEXT_NESTED);
    s->open[++s->depth] = (struct bracket){*f->token, here(f), s->n_names};
    return true;
}

static bool scan_close(struct scan *s, const struct source *f)
{
    static const char opens[] = "({[", closes[] = ")}]";
    if (s->depth == 0)
        return fail(s, here(f), "syntax error: '%c' closes nothing", *f->token);
    const struct bracket *open = &s->open[s->depth];
    char wanted = closes[strchr(opens, open->sign) - opens];
    if (*f->token != wanted)
        return fail(s, here(f), "syntax error: '%c' where the '%c' of line %d wants its '%c'", *f->token, open->sign,
                    open->place.line, wanted);
    s->n_names = open->names;
    s->depth--;
    return true;
}

static bool scan_sign(struct scan *s, const struct source *f)
{
    bool good = is_sign(f, "=:") ? scan_key(s) : is_sign(f, "({[") ? scan_open(s, f) : true;
    if (good && is_sign(f, ")}]"))
        good = scan_close(s, f);
    return good && put_token(s, f, TOKEN_SIGN, f->token, 1);
}

/* ---- files ---- */

static bool scan_file(struct scan *s, const char *file, const char *path, struct config_place from);

/* The path that an included file has, seen from where the file that names it is seen. */
static bool include_path(const struct source *f, char *to, size_t size)
{
    char name[1024];
    size_t n = 0;
    for (const char *c = f->token + 1; c < f->pos - 1 && n + 1 < sizeof name; c++) {
        if (*c == '\\' && (c[1] == '\\' || c[1] == '"'))
            c++;
        name[n++] = *c;
    }
    name[n] = '\0';
    const char *slash = strrchr(f->file, '/');
    int folder = name[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - f->file);
    int len = snprintf(to, size, "%.*s%s", folder, f->file, name);
    return n > 0 && n + 1 < sizeof name && len > 0 && (size_t)len < size;
}

static bool scan_include(struct scan *s, struct source *f)
{
    char path[2048];
    struct config_place from = here(f);
    if (!put_held(s, f))
        return false;
    if (source_token(f) != TOKEN_STRING || !include_path(f, path, sizeof path))
        return fail(s, from, "syntax error: @include wants the name of a file in \"double quotes\"");
    if (s->including == CONFIG_TEXT_INCLUDE)
        return fail(s, from, "files include each other more than %d deep", CONFIG_TEXT_INCLUDE);
    const char *file = config_file_name(s->config, path);
    if (file == NULL)
        return no_memory(s);
    s->including++;
    bool good = put_lines(s, 1) && scan_file(s, file, path, from) && put_lines(s, 1);
    s->including--;
    return good && begin_piece(s, f);
}

static bool scan_tokens(struct scan *s, struct source *f)
{
    for (;;) {
        enum token token = source_token(f);
        bool good = true;
        switch (token) {
        case TOKEN_END:
            return true;
        case TOKEN_BAD:
            return fail(s, here(f), "%s", f->why);
        case TOKEN_NAME:
            good = scan_name(s, f);
            break;
        case TOKEN_NUMBER:
            good = scan_number(s, f);
            break;
        case TOKEN_STRING:
            good = put_token(s, f, token, f->token, f->token_len);
            break;
        case TOKEN_SIGN:
            good = scan_sign(s, f);
            break;
        case TOKEN_INCLUDE:
            good = scan_include(s, f);
            break;
        }
        if (!good)
            return false;
        if (token == TOKEN_INCLUDE)
            continue;
        s->before = token;
        s->before_sign = *f->token;
    }
}

/* Reads a whole file into a buffer of the scan's. NULL with a sentence in WHY. */
static char *read_bytes(struct scan *s, const char *path, size_t *len, char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(why, why_size, "cannot open it: %s", strerror(errno));
        return NULL;
    }
    char *buffer = NULL;
    size_t n = 0, room = 0;
    for (;;) {
        if (n == room) {
            room = room * 2 + 65536;
            char *grown = realloc(buffer, room);
            if (grown == NULL) {
                snprintf(why, why_size, "out of memory");
                break;
            }
            buffer = grown;
        }
        ssize_t got = read(fd, buffer + n, room - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            snprintf(why, why_size, "cannot read it: %s", strerror(errno));
            break;
        }
        n += (size_t)got;
        if (s->bytes + n > CONFIG_TEXT_MAX) {
            snprintf(why, why_size, "a configuration of more than %d MB is not read", CONFIG_TEXT_MAX >> 20);
            break;
        }
        if (got == 0) {
            close(fd);
            *len = n;
            s->bytes += n;
            return buffer;
        }
    }
    close(fd);
    free(buffer);
    return NULL;
}

static bool keep_buffer(struct scan *s, char *buffer)
{
    char **grown = realloc(s->buffers, (s->n_buffers + 1) * sizeof *grown);
    if (grown == NULL) {
        free(buffer);
        return no_memory(s);
    }
    s->buffers = grown;
    s->buffers[s->n_buffers++] = buffer;
    return true;
}

/* FROM is where the file was included, line 0 for the first file. */
static bool scan_file(struct scan *s, const char *file, const char *path, struct config_place from)
{
    char why[256];
    size_t len;
    char *buffer = read_bytes(s, path, &len, why, sizeof why);
    if (buffer == NULL && from.line == 0)
        return fail(s, (struct config_place){file, 0}, "%s", why);
    if (buffer == NULL)
        return fail(s, from, "included file %s: %s", file, why);
    if (!keep_buffer(s, buffer))
        return false;
    struct source f = source_of(file, buffer, len);
    return begin_piece(s, &f) && scan_tokens(s, &f);
}

bool config_text_read(struct config_text *t, struct config *config, const char *path, struct config_errors *errors)
{
    *t = (struct config_text){.lines = 1};
    struct scan s = {.t = t, .config = config, .errors = errors};
    const char *file = config_file_name(config, path);
    config->place = (struct config_place){file, 1};
    bool good = file == NULL ? no_memory(&s) : scan_file(&s, file, path, (struct config_place){0}) && put(&s, "\n", 1);
    if (good && s.depth > 0)
        good = fail(&s, s.open[s.depth].place, "syntax error: the '%c' is never closed", s.open[s.depth].sign);
    for (size_t i = 0; i < s.n_buffers; i++)
        free(s.buffers[i]);
    free(s.buffers);
    free(s.names);
    return good;
}

void config_text_free(struct config_text *t)
{
    free(t->text);
    free(t->pieces);
    free(t->excused);
    *t = (struct config_text){0};
}

struct config_place config_text_place(const struct config_text *t, int line)
{
    size_t low = 0, high = t->n_pieces;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (t->pieces[middle].first <= line)
            low = middle;
        else
            high = middle;
    }
    const struct config_text_piece *piece = &t->pieces[low];
    return (struct config_place){piece->place.file, piece->place.line + line - piece->first};
}

static int compare_lines(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

bool config_text_is_excused(const struct config_text *t, int line)
{
    return t->n_excused > 0 && bsearch(&line, t->excused, t->n_excused, sizeof line, compare_lines) != NULL;
}

const char *config_text_line(const struct config_text *t, int line, char *to, size_t size)
{
    const char *at = t->text;
    for (int i = 1; i < line && at != NULL; i++) {
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    if (at == NULL)
        at = "";
    at += strspn(at, " ");
    snprintf(to, size, "%.*s", (int)strcspn(at, "\n"), at);
    return to;
}
