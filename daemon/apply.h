/* A configuration that was read and checked becomes what the router does: the difference to what was before is applied,
 * and what did not change is not touched. */
#ifndef DAEMON_APPLY_H
#define DAEMON_APPLY_H

#include "cli/config.h"

struct router;

/* All of the running configuration, onto a router that has nothing yet. Returns how many interfaces are refused. */
unsigned apply_first(struct router *router);

/* Makes the router follow its running configuration, which BEFORE was until now (NULL: nothing was), in everything but
 * the static routes (routes.h), which may be many. Returns how many interfaces are refused. */
unsigned apply_follow(struct router *router, const struct config *before);

#endif
