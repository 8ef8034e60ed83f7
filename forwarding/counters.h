/* pure: what is counted. Each thread has a `struct counters` of its own and is its only writer; whoever shows them sums
 * over the threads. Every received packet ends in exactly one of forwarded, delivered, arp and drop[], or is held:
 *
 *     rx_packets = forwarded + delivered + arp + sum of drop[] + held
 *
 * at the port by which it came. `punted` and `taken` account for what is on its way between a lane and the core. */
#ifndef FORWARDING_COUNTERS_H
#define FORWARDING_COUNTERS_H

#include <stdint.h>

#include "forwarding/drop.h"

#define PORT_MAX 1024 /* ports are numbered 0..PORT_MAX-1 */

struct port_counters {
    uint64_t rx_packets, rx_bytes; /* frames without FCS; a GSO packet is one */
    uint64_t tx_packets, tx_bytes; /* what the device took */
    uint64_t tx_drops;             /* the device took no more */
    uint64_t tx_errors;            /* the device refused the frame */
    uint64_t forwarded;            /* came in here and left by any port, once however many copies or fragments */
    uint64_t delivered;            /* came in here for this router itself */
    uint64_t arp;                  /* valid ARP packets that came in here */
    uint64_t punted;               /* a lane: handed to the core (copies of forwarded packets are not) */
    uint64_t taken;                /* the core: received from lanes */
    uint64_t drop[DROP__COUNT];
};

/* RFC 4293 ipSystemStats and ICMP totals that do not follow from the port counters. */
enum ip_stat {
    IP_IN_RECEIVES,
    IP_IN_HDR_ERRORS,
    IP_IN_NO_ROUTES,
    IP_IN_ADDR_ERRORS,
    IP_IN_UNKNOWN_PROTOS,
    IP_IN_TRUNCATED_PKTS,
    IP_IN_FORW_DATAGRAMS,
    IP_REASM_REQDS,
    IP_REASM_OKS,
    IP_REASM_FAILS,
    IP_IN_DISCARDS,
    IP_IN_DELIVERS,
    IP_OUT_REQUESTS,
    IP_OUT_NO_ROUTES,
    IP_OUT_FORW_DATAGRAMS,
    IP_OUT_DISCARDS,
    IP_OUT_FRAG_REQDS,
    IP_OUT_FRAG_OKS,
    IP_OUT_FRAG_FAILS,
    IP_OUT_FRAG_CREATES,
    IP_OUT_TRANSMITS,
    IP_STAT__COUNT
};

struct counters {
    struct port_counters port[PORT_MAX];
    uint64_t ip[IP_STAT__COUNT];
};

/* The owner adds; any thread may read. Relaxed: a counter orders nothing. */
static inline void count_add(uint64_t *counter, uint64_t n)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void count(uint64_t *counter)
{
    count_add(counter, 1);
}

static inline uint64_t count_read(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Counts a drop at a port, and in the ip[] row that RFC 4293 gives its reason. */
void count_drop(struct counters *c, unsigned port, enum drop why);

#endif
