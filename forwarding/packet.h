/* pure: a packet on its way through the router. The bytes stay where they came in (a ring frame, a buffer of the core,
 * a test's array); this describes them. Whoever owns the bytes keeps them until the function that was given the packet
 * returns. */
#ifndef FORWARDING_PACKET_H
#define FORWARDING_PACKET_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

#include "forwarding/drop.h"
#include "forwarding/ip.h"

struct adjacency;

#define ETHERNET_HEADER 14
#define PORT_NONE       UINT16_MAX

/* What a step of the way says of a packet. */
enum verdict {
    VERDICT_CONTINUE,  /* on to the next step; after the last one: send it by out_port */
    VERDICT_DROP,      /* counted under packet.drop and forgotten */
    VERDICT_PUNT,      /* to the core, for packet.punt */
    VERDICT_MULTICAST, /* of ip_check: on by ip_multicast */
};

/* Why a lane hands a packet to the core. X(symbol, class, name, whole): whole ones are copied with every byte, of the
 * others PUNT_QUOTE bytes are enough to answer with an ICMP error. */
#define PUNT_REASONS(X)                                                                                                \
    X(LOCAL, LOCAL, "local", true)                          /* addressed to the router, or a broadcast it hears */     \
    X(OPTIONS, SLOW, "options", true)                       /* to be forwarded, with IP options */                     \
    X(DIRECTED_BROADCAST, SLOW, "directed-broadcast", true) /* to a subnet's broadcast, where that is allowed */       \
    X(RESOLVE, RESOLVE, "resolve", true)                    /* routed; the neighbour is not known yet */               \
    X(TTL, ERROR, "ttl", false)                                                                                        \
    X(NO_ROUTE, ERROR, "no-route", false)                                                                              \
    X(UNREACHABLE, ERROR, "unreachable", false)                                                                        \
    X(PROHIBITED, ERROR, "prohibited", false)                                                                          \
    X(TOO_BIG, ERROR, "too-big", false)        /* don't-fragment is set; packet.mtu says what would have fitted */     \
    X(MULTICAST, MULTICAST, "multicast", true) /* of a stream that has no entry yet */                                 \
    X(REDIRECT, ERROR, "redirect", false)      /* a copy: the packet itself was forwarded */                           \
    X(TRACE, TRACE, "trace", false)            /* a copy, for whoever follows packets */

enum punt {
#define X(symbol, class, name, whole) PUNT_##symbol,
    PUNT_REASONS(X)
#undef X
        PUNT__COUNT
};

/* The bounded rings between a lane and the core: a flood in one class leaves the others alone. */
enum punt_class {
    PUNT_CLASS_LOCAL,
    PUNT_CLASS_SLOW,
    PUNT_CLASS_RESOLVE,
    PUNT_CLASS_ERROR,
    PUNT_CLASS_MULTICAST,
    PUNT_CLASS_TRACE,
    PUNT_CLASS__COUNT
};

#define PUNT_QUOTE 2048 /* bytes of a frame that are enough to quote it; whole for every packet of common MTUs */

struct packet {
    /* as received; all of it is the caller's to fill */
    uint8_t *frame;             /* the Ethernet header's first byte; rewritten in place */
    uint32_t len;               /* bytes at frame */
    uint32_t wire_len;          /* bytes on the wire; more than len means truncated, and that is never forwarded */
    struct virtio_net_hdr vnet; /* offloads, host byte order; csum_start counts from frame. All zero: none */
    uint16_t port;              /* by which it came; PORT_NONE for the router's own */
    bool tagged;                /* carried a VLAN tag other than 0 (the kernel strips it) */

    /* found on the way */
    struct ip ip;                      /* the header in host order, once ip_check has passed it */
    enum drop drop;                    /* with VERDICT_DROP */
    enum punt punt;                    /* with VERDICT_PUNT */
    uint16_t out_port;                 /* by which it goes */
    uint32_t nexthop;                  /* the neighbour on out_port that takes it: a gateway, or its destination */
    uint16_t mtu;                      /* of out_port, once ip_rewrite has looked at it; what PUNT_TOO_BIG tells */
    const struct adjacency *adjacency; /* the ready Ethernet header; NULL until the neighbour is known */
};

/* The IP header. Only after ethernet_check. */
static inline uint8_t *packet_ip(const struct packet *p)
{
    return p->frame + ETHERNET_HEADER;
}

static inline bool packet_is_gso(const struct packet *p)
{
    return p->vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE;
}

static inline bool packet_checksum_unfinished(const struct packet *p)
{
    return (p->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
}

/* How a thread's frames leave: rings and sockets in the daemon, an array in a test. Each thread has its own. */
struct transmit {
    /* Sends N packets by a port, in order; each frame has its Ethernet header already. Returns how many the device
     * took; of the first that it did not, *why is DROP_TX_FULL or DROP_TX_FAILED. It never blocks and keeps no pointer.
     */
    unsigned (*send)(struct transmit *self, unsigned port, struct packet *const packets[], unsigned n, enum drop *why);
};

#endif
