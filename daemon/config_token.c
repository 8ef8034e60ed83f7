#include "daemon/config_token.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool bad(struct source *f, const char *why)
{
    snprintf(f->why, sizeof f->why, "syntax error: %s", why);
    return false;
}

static bool starts(const struct source *f, const char *with)
{
    size_t len = strlen(with);
    return (size_t)(f->end - f->pos) >= len && memcmp(f->pos, with, len) == 0;
}

static void skip_line(struct source *f)
{
    while (f->pos < f->end && *f->pos != '\n')
        f->pos++;
}

static bool skip_comment(struct source *f)
{
    int begin = f->line;
    for (f->pos += 2; !starts(f, "*/"); f->pos++) {
        if (f->pos == f->end) {
            f->line = begin;
            return bad(f, "the comment that begins here never ends");
        }
        f->line += *f->pos == '\n';
    }
    f->pos += 2;
    return true;
}

static bool skip_space(struct source *f)
{
    while (f->pos < f->end) {
        if (*f->pos == '\n') {
            f->pos++;
            f->line++;
            f->line_begins = true;
        } else if (*f->pos == ' ' || *f->pos == '\t' || *f->pos == '\r' || *f->pos == '\f') {
            f->pos++;
        } else if (*f->pos == '#' || starts(f, "//")) {
            skip_line(f);
        } else if (starts(f, "/*")) {
            if (!skip_comment(f))
                return false;
        } else {
            break;
        }
    }
    return true;
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '*';
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '*' || c == '-' || c == '_';
}

static bool is_number_start(char c)
{
    return isdigit((unsigned char)c) || c == '+' || c == '-' || c == '.';
}

/* Takes more than a number can hold, so that "15OO", "20s" and "10.0.0.1/24" are seen as one wrong token. */
static void take_number(struct source *f)
{
    while (f->pos < f->end &&
           (is_name(*f->pos) || *f->pos == '.' || *f->pos == '+' || *f->pos == '/' || (unsigned char)*f->pos >= 0x80) &&
           !starts(f, "//") && !starts(f, "/*"))
        f->pos++;
}

static bool take_string(struct source *f)
{
    for (f->pos++; f->pos < f->end && *f->pos != '"' && *f->pos != '\n'; f->pos++) {
        if (*f->pos != '\\' || f->pos + 1 == f->end || f->pos[1] == '\n')
            continue;
        if (starts(f, "\\x00") || starts(f, "\\X00"))
            return bad(f, "a string cannot hold a NUL");
        f->pos++;
    }
    if (f->pos == f->end || *f->pos == '\n')
        return bad(f, "the string does not end on its line");
    f->pos++;
    return true;
}

static bool bad_byte(struct source *f)
{
    unsigned char c = (unsigned char)*f->pos;
    if (c > ' ' && c < 0x7f)
        snprintf(f->why, sizeof f->why, "syntax error: '%c' has no meaning here", c);
    else
        snprintf(f->why, sizeof f->why, "syntax error: byte 0x%02x has no meaning outside a string", c);
    return false;
}

enum token source_token(struct source *f)
{
    if (!skip_space(f))
        return TOKEN_BAD;
    bool line_begins = f->line_begins;
    f->line_begins = false;
    f->token = f->pos;
    enum token token = TOKEN_SIGN;
    if (f->pos == f->end)
        return TOKEN_END;
    if (is_name_start(*f->pos)) {
        while (f->pos < f->end && is_name(*f->pos))
            f->pos++;
        token = TOKEN_NAME;
    } else if (is_number_start(*f->pos)) {
        take_number(f);
        token = TOKEN_NUMBER;
    } else if (*f->pos == '"') {
        token = take_string(f) ? TOKEN_STRING : TOKEN_BAD;
    } else if (*f->pos == '@' && line_begins && starts(f, "@include")) {
        f->pos += strlen("@include");
        token = TOKEN_INCLUDE;
    } else if (*f->pos != '\0' && strchr("=:,;(){}[]", *f->pos) != NULL) {
        f->pos++;
    } else {
        token = bad_byte(f) ? token : TOKEN_BAD;
    }
    f->token_len = (size_t)(f->pos - f->token);
    return token;
}

struct source source_of(const char *file, const char *bytes, size_t len)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct source f = {.file = file, .pos = bytes, .end = bytes + len, .line = 1, .line_begins = true};
    if (starts(&f, byte_order_mark))
        f.pos += strlen(byte_order_mark);
    return f;
}
