#include "daemon/config_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config_syntax.h"
#include "daemon/config_token.h"
#include "daemon/file.h"

struct scan {
    struct config_text *t;
    struct config *config;
    struct config_errors *errors;
    struct syntax syntax;
    bool after_string;
    int line;           /* of the source, up to which line ends are in the text */
    unsigned twice;     /* keys renamed so far */
    unsigned including; /* files within each other */
    const char *files[CONFIG_TEXT_INCLUDE + 1];
    struct config_place last; /* where the last token is */
    size_t bytes;             /* of all files */
    char **buffers;           /* their bytes, to which the syntax points */
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

/* Line ends before a token come into the text with it; but after a string libconfig looks at the next token before it
 * notes the line, so that token comes first. A key that follows at once gets the sign before it that it may do without,
 * for its own line's sake. */
static bool put_token(struct scan *s, const struct source *f, enum token token, const char *bytes, size_t len)
{
    bool after_string = s->after_string;
    s->after_string = token == TOKEN_STRING;
    if (!after_string)
        return put_held(s, f) && put(s, bytes, len);
    if (token == TOKEN_NAME)
        return put(s, ";", 1) && put_held(s, f) && put(s, bytes, len);
    return put(s, bytes, len);
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

static bool take(struct scan *s, const struct source *f, enum token token, enum syntax_kind kind)
{
    s->last = here(f);
    if (syntax_take(&s->syntax, f, token, kind) == SYNTAX_BAD)
        return fail(s, s->syntax.place, "%s", s->syntax.why);
    return true;
}

static bool scan_number(struct scan *s, const struct source *f)
{
    char text[TOKEN_TEXT], decimal[32];
    token_text(f, text, sizeof text);
    bool fits;
    long long value;
    if (f->token_len < TOKEN_TEXT && is_decimal(text))
        return take(s, f, TOKEN_NUMBER, KIND_DECIMAL) && put_token(s, f, TOKEN_NUMBER, f->token, f->token_len);
    if (!is_integer(text, &fits, &value))
        return fail(s, here(f), "syntax error: '%s' is no number (text stands in \"double quotes\")", text);
    if (!take(s, f, TOKEN_NUMBER, KIND_INTEGER))
        return false;
    if (!fits)
        config_error(s->errors, here(f), "%s does not fit 32 bits", text);
    snprintf(decimal, sizeof decimal, "%lld", fits ? value : (long long)CONFIG_TEXT_WRAPPED);
    return put_token(s, f, TOKEN_NUMBER, decimal, strlen(decimal)) && (fits || excuse(s));
}

/* A key that its group has already gets another name, so that libconfig goes on. */
static bool scan_name(struct scan *s, const struct source *f)
{
    char name[16];
    s->last = here(f);
    switch (syntax_take(&s->syntax, f, TOKEN_NAME, KIND_NONE)) {
    case SYNTAX_TWICE:
        config_error(s->errors, s->syntax.place, "%s", s->syntax.why);
        snprintf(name, sizeof name, "%c%u", CONFIG_TEXT_TWICE, ++s->twice);
        return put_token(s, f, TOKEN_NAME, name, strlen(name)) && excuse(s);
    case SYNTAX_GOOD:
        return put_token(s, f, TOKEN_NAME, f->token, f->token_len);
    default:
        return fail(s, s->syntax.place, "%s", s->syntax.why);
    }
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
    for (unsigned i = 0; i <= s->including; i++)
        if (s->files[i] == file)
            return fail(s, from, "%s includes itself", file);
    s->files[++s->including] = file;
    bool good = put_lines(s, 1) && scan_file(s, file, path, from) && put_lines(s, 1);
    s->including--;
    return good && begin_piece(s, f);
}

static bool scan_token(struct scan *s, struct source *f, enum token token)
{
    switch (token) {
    case TOKEN_NAME:
        return scan_name(s, f);
    case TOKEN_NUMBER:
        return scan_number(s, f);
    case TOKEN_INCLUDE:
        return scan_include(s, f);
    default:
        return take(s, f, token, KIND_NONE) && put_token(s, f, token, f->token, f->token_len);
    }
}

static bool scan_tokens(struct scan *s, struct source *f)
{
    enum token token;
    while ((token = source_token(f)) != TOKEN_END)
        if (!scan_token(s, f, token))
            return false;
    return true;
}

/* Reads a whole file into a buffer of the scan's. NULL with a sentence in WHY. */
static char *read_bytes(struct scan *s, const char *path, size_t *len, char *why, size_t why_size)
{
    int fd = file_open(path, why, why_size);
    if (fd < 0)
        return NULL;
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
        ssize_t got = file_read(fd, buffer + n, room - n, why, why_size);
        if (got < 0)
            break;
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
    syntax_init(&s.syntax);
    const char *file = config_file_name(config, path);
    s.files[0] = file;
    config->place = (struct config_place){file, 1};
    bool good = file == NULL ? no_memory(&s) : scan_file(&s, file, path, (struct config_place){0}) && put(&s, "\n", 1);
    if (good && syntax_end(&s.syntax, s.last) != SYNTAX_GOOD)
        good = fail(&s, s.syntax.place, "%s", s.syntax.why);
    for (size_t i = 0; i < s.n_buffers; i++)
        free(s.buffers[i]);
    free(s.buffers);
    syntax_exit(&s.syntax);
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
