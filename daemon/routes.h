/* The static routes of the configuration, as the RIB has them from us. */
#ifndef DAEMON_ROUTES_H
#define DAEMON_ROUTES_H

#include "cli/config.h"
#include "forwarding/now.h"

struct router;

/* Makes the RIB's static routes those of CONFIG: what is there already and the same is not touched. Interfaces must
 * have been applied before. */
void routes_apply(struct router *router, const struct config *config, struct now now);

#endif
