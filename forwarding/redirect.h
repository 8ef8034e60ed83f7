/* core: ICMP redirects, RFC 1812 4.3.3.2 and 5.2.7.2: who is told of a better way, and how often. */
#ifndef FORWARDING_REDIRECT_H
#define FORWARDING_REDIRECT_H

#include <stdint.h>

#include "forwarding/now.h"
#include "forwarding/packet.h"

struct dataplane;

#define REDIRECT_MAX 1024 /* pairs of source and destination that are remembered; a power of two */

struct redirects {
    struct redirect {
        uint32_t src, dst;
        uint64_t told_ns; /* 0: never used */
        uint8_t told;     /* how often in a row */
    } entry[REDIRECT_MAX];
};

/* Considers a redirect for a routed PACKET that leaves by the port it came in by; its bytes are as they came in. */
void redirect_consider(struct dataplane *d, const struct packet *packet, struct now now);

/* What it would do just now. */
enum redirect_fate { REDIRECT_NONE, REDIRECT_SENT, REDIRECT_TOLD /* not long ago */ };
enum redirect_fate redirect_fate(const struct dataplane *d, const struct packet *packet, struct now now);

#endif
