#include "daemon/config_syntax.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void syntax_init(struct syntax *x)
{
    *x = (struct syntax){.expect = EXPECT_KEY, .open = {{.sign = '{'}}};
}

void syntax_exit(struct syntax *x)
{
    free(x->names);
    x->names = NULL;
}

static enum syntax_verdict bad(struct syntax *x, struct config_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum syntax_verdict bad(struct syntax *x, struct config_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(x->why, sizeof x->why, format, args);
    va_end(args);
    x->place = place;
    return SYNTAX_BAD;
}

static struct config_place place_of(const struct source *f)
{
    return (struct config_place){f->file, f->line};
}

static int shown(size_t len)
{
    return (int)(len < 60 ? len : 60);
}

static char closing(char open)
{
    return open == '(' ? ')' : open == '[' ? ']' : '}';
}

static const char *expected(const struct syntax *x, char *to, size_t size)
{
    char close = closing(x->open[x->depth].sign);
    bool group = close == '}';
    switch (x->expect) {
    case EXPECT_KEY:
        return x->depth == 0 ? "a key" : "a key or '}'";
    case EXPECT_EQUALS:
        return "'='";
    case EXPECT_VALUE:
        return "a value";
    case EXPECT_VALUE_OR_CLOSE:
        snprintf(to, size, "a value or '%c'", close);
        return to;
    default:
        snprintf(to, size, group ? "';'" : "',' or '%c'", close);
        return to;
    }
}

static enum syntax_verdict unexpected(struct syntax *x, const struct source *f)
{
    char to[32];
    return bad(x, place_of(f), "syntax error: %s is expected before '%.*s'", expected(x, to, sizeof to),
               shown(f->token_len), f->token);
}

static bool in_group(const struct syntax *x)
{
    return x->open[x->depth].sign == '{';
}

static bool wants_value(const struct syntax *x)
{
    return x->expect == EXPECT_VALUE || x->expect == EXPECT_VALUE_OR_CLOSE;
}

static enum syntax_verdict take_key(struct syntax *x, const struct source *f)
{
    struct syntax_bracket *group = &x->open[x->depth];
    const struct syntax_key key = {f->token, f->token_len, place_of(f)};
    x->expect = EXPECT_EQUALS;
    for (size_t i = group->names; i < x->n_names; i++) {
        const struct syntax_key *n = &x->names[i];
        if (n->len != key.len || memcmp(n->name, key.name, key.len) != 0)
            continue;
        bool same_file = n->place.file == key.place.file;
        bad(x, key.place, "'%.*s' is given twice (first on %s%s%d)", shown(key.len), key.name,
            same_file ? "line" : n->place.file, same_file ? " " : ":", n->place.line);
        return SYNTAX_TWICE;
    }
    if (x->n_names - group->names == SYNTAX_KEYS)
        return bad(x, key.place, "more than %d keys in one group", SYNTAX_KEYS);
    if (x->n_names == x->names_room) {
        size_t room = x->names_room * 2 + 64;
        struct syntax_key *grown = realloc(x->names, room * sizeof *grown);
        if (grown == NULL)
            return bad(x, key.place, "out of memory");
        x->names = grown;
        x->names_room = room;
    }
    x->names[x->n_names++] = key;
    return SYNTAX_GOOD;
}

static enum syntax_verdict take_scalar(struct syntax *x, const struct source *f, enum syntax_kind kind)
{
    struct syntax_bracket *in = &x->open[x->depth];
    if (!wants_value(x))
        return unexpected(x, f);
    if (in->sign == '[' && in->kind != KIND_NONE && in->kind != kind)
        return bad(x, place_of(f), "syntax error: '%.*s' is of another type than what is before it in [ ]",
                   shown(f->token_len), f->token);
    in->kind = kind;
    x->expect = kind == KIND_STRING ? EXPECT_STRING : EXPECT_NEXT;
    return SYNTAX_GOOD;
}

static enum syntax_verdict take_name(struct syntax *x, const struct source *f)
{
    bool truth = (f->token_len == 4 && strncasecmp(f->token, "true", 4) == 0) ||
                 (f->token_len == 5 && strncasecmp(f->token, "false", 5) == 0);
    if (wants_value(x) && !truth)
        return bad(x, place_of(f), "syntax error: '%.*s' must stand in \"double quotes\"", shown(f->token_len),
                   f->token);
    if (truth)
        return take_scalar(x, f, KIND_BOOL);
    /* The sign after a setting may be missing. */
    bool next = x->expect == EXPECT_NEXT || x->expect == EXPECT_STRING;
    if (in_group(x) && (x->expect == EXPECT_KEY || next))
        return take_key(x, f);
    return unexpected(x, f);
}

static enum syntax_verdict take_string(struct syntax *x, const struct source *f)
{
    if (x->expect == EXPECT_STRING)
        return SYNTAX_GOOD; /* strings in a row are one */
    return take_scalar(x, f, KIND_STRING);
}

static enum syntax_verdict take_open(struct syntax *x, const struct source *f)
{
    if (!wants_value(x) || x->open[x->depth].sign == '[')
        return unexpected(x, f);
    if (x->depth == SYNTAX_NESTED)
        return bad(x, place_of(f), "brackets stand more than %d deep in each other", SYNTAX_NESTED);
    x->open[++x->depth] = (struct syntax_bracket){.sign = *f->token, .place = place_of(f), .names = x->n_names};
    x->expect = *f->token == '{' ? EXPECT_KEY : EXPECT_VALUE_OR_CLOSE;
    return SYNTAX_GOOD;
}

static enum syntax_verdict take_close(struct syntax *x, const struct source *f)
{
    const struct syntax_bracket *open = &x->open[x->depth];
    if (x->depth == 0)
        return bad(x, place_of(f), "syntax error: '%c' closes nothing", *f->token);
    if (*f->token != closing(open->sign))
        return bad(x, place_of(f), "syntax error: '%c' where the '%c' of line %d wants its '%c'", *f->token, open->sign,
                   open->place.line, closing(open->sign));
    if (x->expect == EXPECT_EQUALS || x->expect == EXPECT_VALUE)
        return unexpected(x, f);
    x->n_names = open->names;
    x->depth--;
    x->expect = EXPECT_NEXT;
    return SYNTAX_GOOD;
}

static enum syntax_verdict take_sign(struct syntax *x, const struct source *f)
{
    bool next = x->expect == EXPECT_NEXT || x->expect == EXPECT_STRING;
    switch (*f->token) {
    case '=':
    case ':':
        if (x->expect != EXPECT_EQUALS)
            return unexpected(x, f);
        x->expect = EXPECT_VALUE;
        return SYNTAX_GOOD;
    case ',':
        if (!next)
            return unexpected(x, f);
        x->expect = in_group(x) ? EXPECT_KEY : EXPECT_VALUE;
        return SYNTAX_GOOD;
    case ';':
        if (!next || !in_group(x))
            return unexpected(x, f);
        x->expect = EXPECT_KEY;
        return SYNTAX_GOOD;
    case '(':
    case '[':
    case '{':
        return take_open(x, f);
    default:
        return take_close(x, f);
    }
}

enum syntax_verdict syntax_take(struct syntax *x, const struct source *f, enum token token, enum syntax_kind kind)
{
    switch (token) {
    case TOKEN_NAME:
        return take_name(x, f);
    case TOKEN_STRING:
        return take_string(x, f);
    case TOKEN_NUMBER:
        return take_scalar(x, f, kind);
    case TOKEN_SIGN:
        return take_sign(x, f);
    default:
        return bad(x, place_of(f), "%s", f->why);
    }
}

enum syntax_verdict syntax_end(struct syntax *x, struct config_place place)
{
    char to[32];
    if (x->depth > 0)
        return bad(x, x->open[x->depth].place, "syntax error: the '%c' is never closed", x->open[x->depth].sign);
    if (x->expect == EXPECT_EQUALS || x->expect == EXPECT_VALUE)
        return bad(x, place, "syntax error: %s is expected before the end", expected(x, to, sizeof to));
    return SYNTAX_GOOD;
}
