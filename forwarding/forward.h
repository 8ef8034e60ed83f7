/* pure: the way of an IPv4 packet, as steps that a lane takes with a burst and the core takes with one packet at a
 * time. Each says CONTINUE, DROP (packet->drop says why) or PUNT (packet->punt says what for); none of them sends,
 * allocates or counts.
 *
 *     ip_check     RFC 1812 5.2.2, 5.3.4, 5.3.7: header, link-layer broadcast rule, martians; local or not
 *     ip_route     FIB lookup and choice among equal-cost next hops
 *     ip_rewrite   redirect check, TTL, MTU, neighbour, new Ethernet header
 *
 * Multicast packets part from the others at ip_check; their way is multicast.h's.
 */
#ifndef FORWARDING_FORWARD_H
#define FORWARDING_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/packet.h"
#include "forwarding/tables.h"

struct nexthop_group;

/* Parses and judges an IPv4 frame of PORT; trims Ethernet padding off packet->len (never of a GSO packet). PUNT: LOCAL
 * (our address, a broadcast we hear, an IGMP message, RIP's group), OPTIONS (to be forwarded, has options),
 * DIRECTED_BROADCAST. MULTICAST: to a group that may be forwarded, for ip_multicast. */
enum verdict ip_check(const struct tables *tables, const struct own_table *own, const struct port *port,
                      struct packet *packet);

/* Chooses the next hop from GROUP (of fib_lookup; NULL: no route), setting out_port and nexthop. PUNT: NO_ROUTE,
 * UNREACHABLE (a loopback's network, too), PROHIBITED. DROP: BLACKHOLE; PORT_DOWN when the next hop's port is gone or
 * down. */
enum verdict ip_route(const struct tables *tables, const struct nexthop_group *group, struct packet *packet);

/* Readies a routed packet for its wire. PUNT: TTL, TOO_BIG (mtu is set), RESOLVE. DROP: PORT_DOWN. On CONTINUE the
 * frame is final and fits, unless ip_must_cut. *redirect is set when it leaves by the port it came in by, which
 * has redirects on, and its source is in the next hop's subnet: the core should consider a redirect. A packet of the
 * router's own (port is PORT_NONE) keeps its TTL. Nothing is changed in the bytes unless CONTINUE. */
enum verdict ip_rewrite(const struct tables *tables, struct packet *packet, bool *redirect);

/* The two halves of ip_rewrite, for whoever must act on *redirect while the bytes are still as they came in: the
 * checks, which change no byte and set mtu and adjacency (one that is set already is kept); after CONTINUE the
 * rewriting. */
enum verdict ip_prepare(const struct tables *tables, struct packet *packet, bool *redirect);
void ip_commit(struct packet *packet);

/* One hop less to live, and the checksum of that (RFC 1624). */
static inline void ip_count_hop(struct packet *packet)
{
    uint8_t *ip = packet_ip(packet);
    uint16_t was = load_be16(ip + IP_AT_TTL); /* the word of TTL and protocol */
    uint16_t is = (uint16_t)(was - 0x100);
    store_be16(ip + IP_AT_TTL, is);
    store_be16(ip + IP_AT_CHECKSUM, checksum_update(load_be16(ip + IP_AT_CHECKSUM), was, is));
    packet->ip.ttl--;
}

/* Is it, or are the segments of a GSO packet, too long for this MTU? */
bool ip_must_fragment(const struct packet *packet, uint16_t mtu);

/* Does it have to be cut to leave by a port of this MTU: by gso_start if it is a GSO packet, and whatever is too long
 * by fragment_start? */
bool ip_must_cut(const struct packet *packet, uint16_t mtu);

/* The hash by which a flow keeps to one of several next hops: addresses, protocol and ports; of a fragment, addresses
 * and protocol only, so that the fragments of one datagram stay together. */
uint32_t ip_flow_hash(const struct packet *packet, uint64_t seed);

#endif
