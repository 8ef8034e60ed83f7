/* core: packets for the router itself: options, reassembly, and then what each protocol answers. */
#ifndef FORWARDING_LOCAL_H
#define FORWARDING_LOCAL_H

#include "forwarding/now.h"
#include "forwarding/packet.h"

struct dataplane;

/* Delivers PACKET, whose ip is parsed and whose destination is an address of ours or one that we hear, and counts its
 * end at the port it came in by (its own packets', looped back, at none). Its bytes may be changed. */
void local_deliver(struct dataplane *d, struct packet *packet, struct now now);

#endif
