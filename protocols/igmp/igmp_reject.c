/* The words for why a message, a record or a source was refused. */
#include "protocols/igmp/igmp_reject.h"

#define X(symbol, name, scope, meaning) [IGMP_REJECT_##symbol] = name,
const char *const igmp_reject_name[IGMP_REJECT__COUNT] = {IGMP_REJECTS(X)};
#undef X

#define X(symbol, name, scope, meaning) [IGMP_REJECT_##symbol] = meaning,
const char *const igmp_reject_meaning[IGMP_REJECT__COUNT] = {IGMP_REJECTS(X)};
#undef X

#define X(symbol, name, scope, meaning) [IGMP_REJECT_##symbol] = IGMP_SCOPE_##scope,
const enum igmp_scope igmp_reject_scope[IGMP_REJECT__COUNT] = {IGMP_REJECTS(X)};
#undef X
