/* A whole router, forwarding floor and all, with memory in place of sockets: three ports, a loopback, routes of every
 * action, neighbours, one lane. Whatever it sends is looked at, and after any input its packets must be accounted for.
 */
#ifndef TESTS_ROUTER_IN_MEMORY_H
#define TESTS_ROUTER_IN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/dataplane.h"
#include "forwarding/trace.h"

#define MEMORY_PORTS 3 /* with a wire; the loopback is one more */

struct memory_router {
    struct transmit transmit; /* first: this is the transmit */
    struct transmit *lane_transmit[1];
    struct dataplane *d;
    struct now now;
    uint64_t sent, to_udp, to_icmp;
    struct trace_watch watch; /* at times */
    bool watching;
    uint64_t watched;
    uint64_t explained; /* frames of which it was said before what would become of them */
    uint32_t refuse;    /* of 2^32 frames, how many the device refuses */
    uint64_t random;
    uint8_t touched; /* every byte that was sent went into it */
};

/* Aborts when there is no memory. */
struct memory_router *memory_router_new(uint64_t seed);
void memory_router_free(struct memory_router *r);

uint64_t memory_router_random(struct memory_router *r);

/* The frame's bytes are copied to where the first byte too many is seen. */
void memory_router_lane(struct memory_router *r, const struct packet *packets, unsigned n);
void memory_router_core(struct memory_router *r, const struct packet *packet);

/* Lets time pass: drains the punt rings and fires timers. */
void memory_router_advance(struct memory_router *r, uint64_t ms);

/* Ports go up and down, change their MTU and addresses; routes and neighbours come and go: what WHAT says. */
void memory_router_disturb(struct memory_router *r, uint32_t what);

/* Aborts, with a line on stderr, if a packet is not accounted for. */
void memory_router_check(struct memory_router *r);

/* Lets everything time out and checks that nothing is held; then that the router still answers ARP and forwards. */
void memory_router_finish(struct memory_router *r);

#endif
