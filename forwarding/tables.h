/* lane: everything that a lane looks at. The core publishes; lanes read each pointer with published() once a burst. */
#ifndef FORWARDING_TABLES_H
#define FORWARDING_TABLES_H

#include <stdint.h>

#include "forwarding/counters.h"
#include "forwarding/publish.h"

struct fib;
struct neighbours;
struct own_table;
struct port;

struct tables {
    struct fib *fib;                   /* set once */
    struct neighbours *neighbours;     /* set once */
    const struct own_table *own;       /* published(); may be NULL */
    const struct port *port[PORT_MAX]; /* published(); NULL where there is none */
    uint64_t flow_seed;                /* of the equal-cost hash; set once, a router's own */
};

#endif
