/* Output filters: `show … | include RE | count`. They take the answer of a command line by line as it comes, so that
 * they hold a line, or for `section` a section, and never the whole. Expressions are Perl's (PCRE2), and what matching
 * a line may cost is bounded: whoever may only look must not hold the router up. */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include <event2/buffer.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"

struct filter;

/* Where in LINE the filters begin, at the pipe: a '|' between spaces, or at the end. NULL: nowhere. */
const char *filter_find(const char *line);

/* The filters that TEXT, which begins with a pipe, asks for. NULL with a sentence in WHY. */
struct filter *filter_new(const char *text, char *why, size_t why_size);
void filter_free(struct filter *filter);

/* Takes all of IN, and adds what comes through to OUT. */
void filter_take(struct filter *filter, struct evbuffer *in, struct evbuffer *out);

/* Nothing more will come: adds what was kept until now. False, with a sentence in WHY, when some line was not looked
 * at, as matching it would have cost too much. */
bool filter_end(struct filter *filter, struct evbuffer *out, char *why, size_t why_size);

/* What may stand at the end of TEXT, which begins with a pipe. */
void filter_offer(const char *text, struct command_list *to);

#endif
