/* Holds what the router says that it will do with a frame against what it does. */
#ifndef TESTS_EXPLAINED_H
#define TESTS_EXPLAINED_H

#include <stdbool.h>

#include "tests/fuzz/router_in_memory.h"

/* Gives the router PACKET, by a control socket or by its lane, and lets the core finish with it. Aborts, with a line on
 * stderr, if what became of it is not what explain() said just before, or if explaining changed anything. */
void explained_feed(struct memory_router *r, const struct packet *packet, bool control);

#endif
