/* pure: the words for why a packet was dropped. */
#include "forwarding/drop.h"

#define X(symbol, name, malformed, meaning) [DROP_##symbol] = name,
const char *const drop_name[DROP__COUNT] = {DROP_REASONS(X)};
#undef X

#define X(symbol, name, malformed, meaning) [DROP_##symbol] = meaning,
const char *const drop_meaning[DROP__COUNT] = {DROP_REASONS(X)};
#undef X

#define X(symbol, name, malformed, meaning) [DROP_##symbol] = malformed,
const bool drop_malformed[DROP__COUNT] = {DROP_REASONS(X)};
#undef X
