/* libconfig's grammar, token by token. libconfig would say "syntax error" and the line, and loses memory when it does;
 * so it is only given what is right. */
#ifndef DAEMON_CONFIG_SYNTAX_H
#define DAEMON_CONFIG_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/config.h"
#include "daemon/config_token.h"

#define SYNTAX_NESTED 32  /* brackets within each other */
#define SYNTAX_KEYS   256 /* in one group */

enum syntax_expect { EXPECT_KEY, EXPECT_EQUALS, EXPECT_VALUE, EXPECT_VALUE_OR_CLOSE, EXPECT_STRING, EXPECT_NEXT };

/* Kinds of scalar: an array [ ] holds one kind. */
enum syntax_kind { KIND_NONE, KIND_BOOL, KIND_INTEGER, KIND_DECIMAL, KIND_STRING };

struct syntax_bracket {
    char sign; /* '{' for the file itself */
    struct config_place place;
    size_t names;          /* those of the group begin here */
    enum syntax_kind kind; /* of an array's elements */
};

struct syntax_key {
    const char *name; /* in the source */
    size_t len;
    struct config_place place;
};

struct syntax {
    enum syntax_expect expect;
    struct syntax_bracket open[SYNTAX_NESTED + 1];
    unsigned depth;
    struct syntax_key *names; /* of all groups that are open; the last is the last key */
    size_t n_names, names_room;
    struct config_place place; /* of what is wrong */
    char why[400];
};

enum syntax_verdict {
    SYNTAX_GOOD,
    SYNTAX_TWICE, /* a key that its group has already: WHY says so, and the next token may come */
    SYNTAX_BAD    /* WHY says what is wrong */
};

void syntax_init(struct syntax *x);
void syntax_exit(struct syntax *x);

/* Takes a token that F has just given. KIND is that of a scalar. */
enum syntax_verdict syntax_take(struct syntax *x, const struct source *f, enum token token, enum syntax_kind kind);

/* No more tokens come. */
enum syntax_verdict syntax_end(struct syntax *x, struct config_place place);

#endif
