/* core: what becomes of a packet and why, without anything being done to it: the way of a packet gone dry, by the same
 * functions and tables as the lanes and the core. The answer is a list of steps in the order of the way, and its end.
 *
 * It holds for the state of this moment, and for what is decided by looking: a device that refuses the frame, a queue
 * that is full and memory that runs out are not foreseen. */
#ifndef FORWARDING_EXPLAIN_H
#define FORWARDING_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/arp.h"
#include "forwarding/dataplane.h"
#include "forwarding/fib.h"
#include "forwarding/icmp.h"
#include "forwarding/neighbour.h"
#include "forwarding/packet.h"
#include "forwarding/redirect.h"

#define EXPLAIN_STEPS 40

enum explain_kind {
    EXPLAIN_FRAME,     /* for this port, or broadcast or multicast */
    EXPLAIN_ARP,       /* .arp: a valid ARP packet, and what is done */
    EXPLAIN_IP,        /* header, lengths, checksum and addresses were found sound */
    EXPLAIN_OURS,      /* .addr of .port (PORT_NONE: of no one port) is ours or heard by us; .group: no unicast */
    EXPLAIN_BROADCAST, /* .addr is the broadcast of .port's subnet, where that is passed on */
    EXPLAIN_OPTIONS,   /* .options are sound */
    EXPLAIN_NEXT,      /* the source route goes on to .addr */
    EXPLAIN_NOT_NEXT,  /* and may not: .addr is ours or nothing that is forwarded to */
    EXPLAIN_STRICT,    /* and may not: a strict one's .addr is no neighbour of ours */
    EXPLAIN_ROUTE,     /* .route */
    EXPLAIN_NO_ROUTE,  /* to .addr */
    EXPLAIN_HOP,       /* .hop */
    EXPLAIN_NO_HOP,    /* the ports of all hops of the route are down; with .port the way out's own is */
    EXPLAIN_TTL,       /* .n is left: too little to go on */
    EXPLAIN_SIZE,      /* .size */
    EXPLAIN_NEIGHBOUR, /* .neighbour */
    EXPLAIN_WAITS,     /* for its neighbour, .n of them already */
    EXPLAIN_REDIRECT,  /* .redirect: the source should go straight to .addr */
    EXPLAIN_REWRITE,   /* .rewrite */
    EXPLAIN_SEGMENTS,  /* cut into .n TCP or UDP packets */
    EXPLAIN_FRAGMENTS, /* cut into .n fragments of .mtu */
    EXPLAIN_STREAM,    /* .stream: a multicast packet's, which comes in by .port (PORT_NONE: no route to its source) */
    EXPLAIN_COPY,      /* .copy: by .port; with PORT_NONE .n more of them, sent or not */
    EXPLAIN_COLLECT,   /* .collect: a fragment for ourselves */
    EXPLAIN_TRANSPORT, /* .transport: what the host in the router does with it */
    EXPLAIN_ERROR,     /* .error: an ICMP error about it, or why there is none */
    EXPLAIN_PUNT,      /* the lane hands it to the core, for enum punt .n */
    EXPLAIN_CUT_SHORT, /* its checksum was not looked at: only .n bytes of it are here */
};

/* What a packet for ourselves meets. */
enum explain_transport {
    TRANSPORT_ICMP,       /* answered by the router, or for whoever in it waits for it */
    TRANSPORT_ANSWERED,   /* an ICMP request */
    TRANSPORT_IGNORED,    /* an ICMP message that we do not act on */
    TRANSPORT_IGMP,       /* taken note of */
    TRANSPORT_UDP,        /* for whoever listens on the port, if anybody does */
    TRANSPORT_UDP_NOBODY, /* nobody listens to any */
    TRANSPORT_TCP_RESET,  /* nobody listens: answered with a reset */
    TRANSPORT_TCP,        /* not answered: a reset itself, or not to an address of ours */
    TRANSPORT_UNKNOWN,
};

struct explain_step {
    enum explain_kind kind;
    bool group;
    uint16_t port, mtu;
    uint32_t addr, n;
    union {
        struct arp_view arp;
        struct {
            bool record_route, timestamp, source_route, strict;
        } options;
        struct {
            struct prefix prefix;
            enum fib_action action;
            unsigned hops;
        } route;
        struct { /* the next hop is .addr out of .port */
            bool gateway;
            unsigned hops, usable; /* of the route, and those whose port is up */
            uint32_t flow;         /* by which it was chosen from more than one */
        } hop;
        struct {
            bool df;
            uint32_t len;     /* of IP; of a GSO packet its largest segment's */
            uint32_t gso_len; /* of the GSO packet; 0: none */
        } size;
        struct { /* .addr on .port */
            bool known;
            struct neighbour_view view;
        } neighbour;
        enum redirect_fate redirect;
        struct {
            uint8_t ttl, was_ttl;
            uint8_t dst[MAC_LEN], src[MAC_LEN];
        } rewrite;
        struct {                      /* of .addr, the source */
            uint32_t group, upstream; /* .upstream: the neighbour towards the source, or the source */
            bool fresh;               /* it has no entry yet */
            enum drop why;            /* DROP__COUNT: it has somewhere to go */
            unsigned n_out;
        } stream;
        struct {
            enum drop why; /* DROP__COUNT: it leaves, in .frames, .mtu being the port's */
            uint8_t threshold;
            uint32_t frames;
        } copy;
        struct {
            uint32_t held, end; /* bytes of the datagram with this one; 0: its end has not come */
        } collect;
        struct {
            enum explain_transport what;
            uint8_t protocol, type; /* of ICMP */
            uint16_t port;          /* of UDP and TCP: the destination's */
        } transport;
        struct {
            struct icmp_error says;
            enum icmp_fate fate;
            uint32_t src, dst; /* of the error; src 0: there is no way to send it */
        } error;
    };
};

enum explain_end {
    EXPLAIN_FORWARDED,
    EXPLAIN_DELIVERED,
    EXPLAIN_ARP_TAKEN,
    EXPLAIN_DROPPED,
    EXPLAIN_HELD, /* until its neighbour answers, or the rest of its datagram comes */
};

struct explanation {
    enum explain_end end;
    enum drop drop;    /* of EXPLAIN_DROPPED */
    uint16_t out_port; /* of EXPLAIN_FORWARDED and what waits for a neighbour; else PORT_NONE */
    enum punt punt;    /* why the core sees a lane's packet; PUNT__COUNT: it does not */
    struct ip ip;      /* as received; header 0: it is none, or not sound */
    bool completes;    /* the last fragment of a datagram of ours: the end is its own, not the datagram's */
    unsigned n;
    struct explain_step step[EXPLAIN_STEPS];
};

/* Explains PACKET, of which the first KEPT bytes are there and the others of packet->len are any. CONTROL: it came by a
 * control socket, not by a lane. The frame's bytes are changed, and so are the fields that are found on the way. */
void explain(struct dataplane *d, struct packet *packet, uint32_t kept, bool control, struct now now,
             struct explanation *to);

#endif
