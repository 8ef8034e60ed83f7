/* A configuration file cut into tokens as libconfig would, but with comments that must end, strings that stay on their
 * line, and a wrong number as one token. */
#ifndef DAEMON_CONFIG_TOKEN_H
#define DAEMON_CONFIG_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

enum token {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_NUMBER, /* or what begins like one and has no space in it */
    TOKEN_STRING, /* with its quotes */
    TOKEN_SIGN,
    TOKEN_INCLUDE, /* the word @include at the start of a line */
    TOKEN_BAD      /* WHY at LINE says what is wrong */
};

struct source {
    const char *file;
    const char *pos, *end;
    int line;         /* of POS */
    bool line_begins; /* nothing but white space before POS on its line */
    const char *token;
    size_t token_len;
    char why[80];
};

/* A source of bytes that stay. */
struct source source_of(const char *file, const char *bytes, size_t len);

/* The next token: its bytes are TOKEN and TOKEN_LEN, its line is LINE. */
enum token source_token(struct source *f);

#endif
