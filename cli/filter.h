/* Output filters: `show … | include RE | count`. They take the answer of a command line by line as it comes, so that
 * they hold a line, or for `section` a section, and never the whole. Expressions are Perl's (PCRE2) but for references
 * back, and what matching a line, and what a call may cost is bounded: whoever may only look must not hold the router
 * up. */
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

/* Takes all of IN, and adds what comes through to OUT. After that the filter may be behind: lines are left that it has
 * not looked at, and it wants to be called again, with nothing in IN if need be. */
void filter_take(struct filter *filter, struct evbuffer *in, struct evbuffer *out);
bool filter_is_behind(const struct filter *filter);

/* Bytes that it has taken and not looked at. */
size_t filter_holds(const struct filter *filter);

/* Nothing more will come, and it is not behind: adds what was kept until now. False, with a sentence in WHY, when some
 * line was not looked at, as matching it would have cost too much: nothing came through from that line on, nor a count.
 */
bool filter_end(struct filter *filter, struct evbuffer *out, char *why, size_t why_size);

/* What may stand at the end of TEXT, which begins with a pipe. */
void filter_offer(const char *text, struct command_list *to);

#endif
