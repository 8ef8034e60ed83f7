/* lane: everything that a lane looks at. The core publishes; lanes read each pointer with published() once a burst. */
#ifndef FORWARDING_TABLES_H
#define FORWARDING_TABLES_H

#include <stdint.h>

#include "forwarding/counters.h"
#include "forwarding/publish.h"

struct fib;
struct multicast;
struct neighbours;
struct own_table;
struct port;
struct trace_watch;

#define TRACE_WATCHES 4 /* who may follow packets at once */

struct tables {
    struct fib *fib;                          /* set once */
    struct neighbours *neighbours;            /* set once */
    struct multicast *multicast;              /* published(); NULL: multicast packets are not forwarded */
    const struct own_table *own;              /* published(); may be NULL */
    const struct port *port[PORT_MAX];        /* published(); NULL where there is none */
    struct trace_watch *watch[TRACE_WATCHES]; /* published(); who follows packets, see trace.h */
    unsigned watches;                         /* published(); how many of them there are */
    uint64_t flow_seed;                       /* of the equal-cost hash; set once, a router's own */
};

#endif
