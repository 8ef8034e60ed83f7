/* core: packets for the router itself: options, reassembly, and then what each protocol answers. */
#ifndef FORWARDING_LOCAL_H
#define FORWARDING_LOCAL_H

#include "forwarding/now.h"
#include "forwarding/packet.h"

struct dataplane;

/* As RFC 4113 counts: delivered to whoever listens, or nobody did, or malformed; and the router's own. */
struct udp_stats {
    uint64_t in_datagrams, no_ports, in_errors, out_datagrams;
};

/* Delivers PACKET, whose ip is parsed and whose destination is an address of ours or one that we hear, and counts its
 * end at the port it came in by (its own packets', looped back, at none). Its bytes may be changed. */
void local_deliver(struct dataplane *d, struct packet *packet, struct now now);

#endif
