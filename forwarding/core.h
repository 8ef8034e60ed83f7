/* core: what the files of the core share and nobody else needs. */
#ifndef FORWARDING_CORE_H
#define FORWARDING_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/dataplane.h"
#include "forwarding/explain.h"
#include "forwarding/icmp.h"
#include "forwarding/redirect.h"
#include "forwarding/trace.h"

#define FRAME_ALIGN 2 /* bytes before a frame, so that its IP header is aligned to 4 */
#define FRAME_ROOM  (ETHERNET_HEADER + IP_PACKET_MAX)

struct looped; /* a datagram of ours to ourselves, on its way */

struct core_scratch {
    struct redirects redirects;
    struct looped *looped, **looped_end;
    size_t looped_bytes;
    uint64_t now_ns; /* of the last call from outside, for what is logged meanwhile */
    uint16_t ip_id;
    unsigned turn; /* of the drain: which lane and class is next */
    bool draining;
    unsigned used; /* fragments of the datagram that has just become whole, and where they came in */
    uint16_t used_port[REASSEMBLY_FRAGMENTS];
    struct trace_budget trace; /* of control frames */
    struct explanation explanation;
    uint32_t neighbour_used[NEIGHBOUR_MAX]; /* as a lane's, for what the core sends */
    uint8_t work[FRAME_ALIGN + FRAME_ROOM]; /* a packet with options, while they are changed; one that is explained */
    uint8_t segment[FRAME_ALIGN + FRAME_ROOM]; /* of a GSO packet */
    uint8_t piece[FRAME_ALIGN + FRAME_ROOM];   /* a fragment */
};

/* ---- core.c ---- */

/* Counts PACKET as dropped at the port by which it came, or among the router's own. */
void core_drop(struct dataplane *d, const struct packet *packet, enum drop why);

/* The same, and an ICMP error about it. */
void core_refuse(struct dataplane *d, const struct packet *packet, enum drop why, struct icmp_error error,
                 struct now now);

/* The end of packets that are punted only to be refused, and the error that tells of it: what packet->punt says.
 * DROP__COUNT: it is not one of them. */
enum drop core_refusal(const struct packet *packet, struct icmp_error *error);

/* What a source route may lead to: RFC 1812 5.3.7 and 5.3.4 hold for it as for any destination. */
bool core_may_be_next(const struct dataplane *d, uint32_t addr);

/* Checks a packet's options: are they malformed, or carry a source route that may not be? DROP__COUNT: neither; else
 * the reason and the error. The other one refuses the packet by it. False: it is dropped and counted. */
struct options;
enum drop core_judge_options(const struct dataplane *d, const struct packet *packet, struct options *options,
                             struct icmp_error *error);
bool core_options(struct dataplane *d, const struct packet *packet, struct options *options, struct now now);

/* Forwards a packet whose options have been checked, to DST: its own destination, or the next of its source route. */
void core_forward(struct dataplane *d, struct packet *packet, uint32_t dst, const struct options *options,
                  struct now now);

/* Sends a routed packet, its bytes as they came in: options, TTL, MTU, neighbour, counting. It may be kept until its
 * neighbour is known. */
void core_routed(struct dataplane *d, struct packet *packet, struct now now);

/* PACKET as it shall leave: in a copy, when its options are to be written into. Its own sender's options stand. */
struct packet core_stamped(struct dataplane *d, const struct packet *packet, struct now now);

/* Sends a packet whose frame is final, cut to its port's MTU if it has to be. DROP__COUNT, or the first reason why some
 * of it did not leave. What leaves is counted at its port; core_output counts the packet's own end, too. */
enum drop core_transmit(struct dataplane *d, struct packet *packet);
enum drop core_output(struct dataplane *d, struct packet *packet, struct now now);

/* Forwards a packet that ip_check has called multicast; makes an entry for its stream if there is none. */
void core_multicast(struct dataplane *d, struct packet *packet, struct now now);

/* Lets lanes forward by the new entries, when what they have handed over before is sent. */
void multicast_settle(struct dataplane *d);

/* The checks of a multicast packet's options. A source route would lead a group astray: there is none. DROP__COUNT:
 * sound, and *options says what there is. */
enum drop core_multicast_options(const struct dataplane *d, const struct packet *packet, struct options *options);

/* What the router answers to where no address of a port will do (RFC 1812 4.2.2.2: its router-id): the first address
 * of the first loopback that has one, or of the first port. 0: there is none. */
uint32_t core_router_id(const struct dataplane *d);

/* The address to speak to NEXTHOP and DST from, out of PORT. */
uint32_t core_source(const struct dataplane *d, const struct port *port, uint32_t dst, uint32_t nexthop);

/* Whatever waits for one neighbour's publishing: the resolve rings of all lanes. */
void core_drain_resolve(struct dataplane *d, struct now now);

/* ---- host_output.c ---- */

/* Delivers at most MOST of the datagrams that were sent to ourselves before this call. True if there are more. */
bool host_run_looped(struct dataplane *d, struct now now, unsigned most);
void host_free_looped(struct dataplane *d);

#endif
