/* pure: time as an argument. Forwarding and protocols never read a clock; whoever calls them says when it is. */
#ifndef FORWARDING_NOW_H
#define FORWARDING_NOW_H

#include <stdint.h>

struct now {
    uint64_t ns;      /* monotonic, nanoseconds since any fixed point; never 0 in a running router */
    uint64_t wall_ms; /* milliseconds since 1970 UTC: key lifetimes, timestamp options, logs; may jump; 0 in a lane */
};

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* "Not due at all", for functions that answer when they want to be called next. */
#define NEVER_NS UINT64_MAX

#endif
