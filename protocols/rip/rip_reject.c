/* The words for why a message or a route was refused. */
#include "protocols/rip/rip_reject.h"

#define X(symbol, name, route, meaning) [RIP_REJECT_##symbol] = name,
const char *const rip_reject_name[RIP_REJECT__COUNT] = {RIP_REJECTS(X)};
#undef X

#define X(symbol, name, route, meaning) [RIP_REJECT_##symbol] = meaning,
const char *const rip_reject_meaning[RIP_REJECT__COUNT] = {RIP_REJECTS(X)};
#undef X

#define X(symbol, name, route, meaning) [RIP_REJECT_##symbol] = route,
const bool rip_reject_route[RIP_REJECT__COUNT] = {RIP_REJECTS(X)};
#undef X
