/* One whole RIP instance in memory, with an interface for each of the listeners' kinds of authentication, for fuzzers
 * to talk to. It aborts when it says something broken, does more than it may, or changes a route by what it must
 * refuse. */
#ifndef TESTS_RIP_ROUTER_H
#define TESTS_RIP_ROUTER_H

#include "tests/fuzz/rip_messages.h"

struct rip_router;

/* Interface i is 10.0.i.1/24 and demands what listener i of L demands, which must outlive it. */
struct rip_router *rip_router_new(const struct rip_listeners *l);
void rip_router_free(struct rip_router *r, struct now now);

/* Where a message comes from. */
struct rip_origin {
    unsigned interface; /* below RIP_LISTENERS */
    uint8_t host;       /* of the interface's subnet: 1 is the router itself. 0: from elsewhere */
    bool other_port;    /* not from port 520 */
};
void rip_router_hear(struct rip_router *r, struct rip_origin origin, const uint8_t *bytes, size_t len, struct now now);

#endif
