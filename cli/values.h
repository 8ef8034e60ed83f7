/* Live values for completion: addresses and prefixes that the router knows and that begin as somebody has typed. Found
 * by the ordered walks of the tables, and bounded, so that a million routes cost no more than a hundred. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include "cli/cli.h"
#include "cli/command.h"

#define VALUES_MAX 64 /* that are offered; then VALUES_MORE */

/* What ARGUMENT may be, of those that begin with WORD. */
void values_offer(const struct cli_router *router, const struct command *argument, const char *word,
                  struct command_list *to);

#endif
