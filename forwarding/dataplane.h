/* core: the forwarding floor as the floors above see it: one `struct dataplane` holds ports, tables, lanes, and all
 * that the core does with packets. Upper floors change it by these functions, look at it by the modules' own headers,
 * and hear from it by hooks. */
#ifndef FORWARDING_DATAPLANE_H
#define FORWARDING_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/arp.h"
#include "forwarding/bucket.h"
#include "forwarding/counters.h"
#include "forwarding/debug.h"
#include "forwarding/fib.h"
#include "forwarding/icmp.h"
#include "forwarding/lane.h"
#include "forwarding/local.h"
#include "forwarding/multicast.h"
#include "forwarding/neighbour.h"
#include "forwarding/now.h"
#include "forwarding/own.h"
#include "forwarding/packet.h"
#include "forwarding/port.h"
#include "forwarding/publish.h"
#include "forwarding/reassembly.h"
#include "forwarding/tables.h"
#include "forwarding/timers.h"

enum dataplane_level { DATAPLANE_WARNING, DATAPLANE_NOTICE, DATAPLANE_INFO, DATAPLANE_DEBUG };

struct dataplane_hooks {
    void *context;
    void (*log)(void *context, enum dataplane_level level, const char *text);
    /* An ICMP message to the router that is not answered by it (echo reply, errors about what it sent): PACKET's ip is
     * parsed, and the message begins at packet_ip() + ip.header. For ping and traceroute. May be NULL. */
    void (*icmp)(void *context, const struct packet *packet, struct now now);
    /* A UDP datagram to PORT of the router for which somebody listens. True: taken. May be NULL. */
    bool (*udp)(void *context, const struct packet *packet, uint16_t port, struct now now);
    /* An IGMP message, to whatever group. PACKET's ip is parsed. May be NULL. */
    void (*igmp)(void *context, const struct packet *packet, struct now now);
};

struct dataplane_settings {
    unsigned lanes;
    uint64_t seed; /* of everything random */
    struct later *later;
    struct transmit *core_transmit;
    struct transmit **lane_transmit; /* [lanes] */
    struct dataplane_hooks hooks;
};

struct dataplane {
    struct tables tables;
    struct later *later;
    struct timers timers;      /* context: the dataplane */
    struct counters *counters; /* the core's */
    struct transmit *transmit; /* the core's */
    struct neighbours *neighbours;
    struct arp arp;
    struct icmp icmp;
    struct udp_stats udp;
    struct reassembly *reassembly;
    struct multicast *multicast;
    unsigned n_lanes;
    struct lane **lanes;
    uint64_t random; /* splitmix64 state */
    uint32_t icmp_rate, icmp_burst;
    struct dataplane_hooks hooks;
    struct counters *cleared;     /* what to subtract: `clear counters` */
    uint64_t ring_full[PORT_MAX]; /* set by the daemon from the kernel's statistics before counters are looked at */
    uint64_t ring_full_cleared[PORT_MAX];
    struct bucket log_bucket;
    struct debug debug; /* nobody wants any at first; set by the floors above */
    struct core_scratch *scratch;
};

/* NULL when there is no memory. */
struct dataplane *dataplane_new(const struct dataplane_settings *settings);

/* No lane may run any more. */
void dataplane_free(struct dataplane *d);

/* ---- ports ---- */

/* Makes or replaces port settings->number (a copy is taken) and does what follows from the difference: own addresses,
 * neighbours, ARP announcements. Routes are the RIB's. False when there is no memory; nothing has changed then. */
bool dataplane_set_port(struct dataplane *d, const struct port *settings, struct now now);
void dataplane_remove_port(struct dataplane *d, unsigned number, struct now now);

/* NULL where there is none. Valid until the next change of that port. */
const struct port *dataplane_port(const struct dataplane *d, unsigned number);
const struct port *dataplane_port_by_name(const struct dataplane *d, const char *name);

/* ---- packets and time: called by the daemon's loop, or by a test ---- */

/* A frame of a control socket: it goes the whole way here. */
void dataplane_receive(struct dataplane *d, struct packet *packet, struct now now);

/* Takes at most MOST packets from the lanes' punt rings, classes and lanes in turn. True if there are more. */
bool dataplane_drain(struct dataplane *d, unsigned most, struct now now);

/* Fires what is due, at most MOST; returns when it wants to be called next (NEVER_NS: no need). */
uint64_t dataplane_run(struct dataplane *d, struct now now, unsigned most);

/* ---- the router as a host ---- */

struct datagram {
    uint32_t src; /* 0: chosen by the outgoing port */
    uint32_t dst;
    uint8_t protocol, tos, ttl; /* ttl 0: 64 */
    bool df;
    uint16_t port; /* PORT_NONE: by the routes; else out of this port, next hop DST (broadcast and multicast too) */
    const uint8_t *options; /* padded to 4 bytes */
    uint8_t options_len;
    const uint8_t *data; /* transport header and data; the transport checksum is the caller's */
    size_t len;
};

enum send_result { SEND_OK, SEND_NO_ROUTE, SEND_NO_SOURCE, SEND_TOO_BIG, SEND_NO_MEMORY, SEND_UNREACHABLE };

/* Sends a datagram of the router's own, fragmented if it has to be and may be. SEND_TOO_BIG: DF and larger than the
 * MTU, or more than 65535. A destination of the router's own is looped back to dataplane local delivery by the next
 * dataplane_run. */
enum send_result dataplane_send(struct dataplane *d, const struct datagram *datagram, struct now now);

/* The source address that dataplane_send would choose for DST; 0: none. */
uint32_t dataplane_source_for(const struct dataplane *d, uint32_t dst);

/* ---- looking ---- */

/* Sums of all threads since the last clear. */
void dataplane_port_counters(const struct dataplane *d, unsigned port, struct port_counters *sum);
uint64_t dataplane_ip_stat(const struct dataplane *d, enum ip_stat which);

/* Packets that came in by PORT and wait in ARP queues, reassembly and punt rings. */
uint64_t dataplane_held(const struct dataplane *d, unsigned port);

/* PORT_NONE: all ports and the ICMP, ARP and IP totals. */
void dataplane_clear_counters(struct dataplane *d, unsigned port);

uint64_t dataplane_random(struct dataplane *d);

#endif
