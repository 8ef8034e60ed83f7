/* Where traffic goes: destinations by prefix of the FIB, out of a sample of the packets that come in. It looks over the
 * lanes' shoulders as trace packet does, and copies nothing but an address and a length. */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/dataplane.h"
#include "forwarding/prefix.h"

struct top;

#define TOP_ROWS 16

struct top_row {
    struct prefix prefix;
    double packets, bytes; /* shares of all that was sampled, 0 to 1 */
};

/* NULL when as many look over the lanes' shoulders as can, or there is no memory. */
struct top *top_start(struct dataplane *d);

/* It is freed when no lane looks at it any more. */
void top_stop(struct dataplane *d, struct top *top);

/* The prefixes with the most bytes since the last call, the first has the most; packets that no route leads for are not
 * among them. Returns how many rows there are. */
unsigned top_read(struct top *top, const struct fib *fib, struct top_row rows[TOP_ROWS]);

#endif
