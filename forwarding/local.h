/* core: packets for the router itself: options, reassembly, and then what each protocol answers. */
#ifndef FORWARDING_LOCAL_H
#define FORWARDING_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "forwarding/packet.h"

struct dataplane;
struct options;

/* As RFC 4113 counts: delivered to whoever listens, or nobody did, or malformed; and the router's own. */
struct udp_stats {
    uint64_t in_datagrams, no_ports, in_errors, out_datagrams;
};

/* Delivers PACKET, whose ip is parsed and whose destination is an address of ours or one that we hear, and counts its
 * end at the port it came in by (its own packets', looped back, at none). Its bytes may be changed. */
void local_deliver(struct dataplane *d, struct packet *packet, struct now now);

/* RFC 1812 5.2.4.1: while its source route is not used up, a packet is not for us but for the next address on it, which
 * is returned. 0: it ends here, with the destination that its route led to. */
uint32_t local_next(const struct dataplane *d, struct packet *packet, const struct options *options);

/* Are the transport header's lengths and checksum right? What is delivered is dropped otherwise. */
bool udp_sound(const struct packet *packet);
bool tcp_sound(const struct packet *packet);

/* Of a sound one: is it answered with a reset? */
bool tcp_wants_reset(const struct dataplane *d, const struct packet *packet);

#endif
