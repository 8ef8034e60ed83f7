/* RFC 2091: triggered extensions for demand circuits. On an interface that is `triggered` there are no regular updates.
 * Each router there is a peer: it is told everything once and then what changes, each message until it acknowledges;
 * what it tells stays until it says otherwise, flushes, or does not answer any more.
 *
 * This is the door for the rest of RIP; what the files behind it share is in rip_peer.h. */
#ifndef PROTOCOLS_RIP_TRIGGERED_H
#define PROTOCOLS_RIP_TRIGGERED_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "protocols/rip/rip_packet.h"

struct rip;
struct rip_interface;
struct rip_neighbour;
struct rip_route;
struct rip_exchange_view;

/* ---- rip_triggered.c ---- */

/* The exchange is spoken there. */
bool rip_triggered_is_on(const struct rip *rip, const struct rip_interface *interface);

/* NEIGHBOUR is a peer that answers. */
bool rip_triggered_is_alive(const struct rip_neighbour *neighbour);

/* After anything that decides over who is a peer: states, settings, addresses. */
void rip_triggered_refresh(struct rip *rip, struct rip_interface *interface, struct now now);

/* The circuit has come up, or has other addresses: everything is exchanged anew. */
void rip_triggered_restart(struct rip *rip, struct rip_interface *interface, struct now now);

/* All peers are told everything again, as what may be sent has changed. */
void rip_triggered_tell_all(struct rip_interface *interface);

/* All peers, or the one with ADDRESS, are asked for everything. */
void rip_triggered_ask_all(struct rip_interface *interface, uint32_t address, struct now now);

/* A message of the exchange that is good as such. *news: its entries are to be taken. */
enum rip_reject rip_triggered_input(struct rip *rip, struct rip_neighbour *neighbour, const struct rip_header *header,
                                    bool *news, struct now now);

/* There was no room for a route of an update response: once there is, everything is asked for again (RFC 2091 3.2). */
void rip_triggered_lacks(const struct rip *rip, struct rip_neighbour *neighbour, struct now now);

/* Sends what is due, a slice of it; returns when to go on. */
uint64_t rip_triggered_run(struct rip *rip, struct now now);

void rip_triggered_close_all(struct rip *rip, struct rip_interface *interface);
struct rip_exchange_view rip_triggered_view(const struct rip *rip, const struct rip_neighbour *neighbour);

/* ROUTE may not be forgotten yet: a peer that answers has not been told that it is unreachable (RFC 2091 6.2). */
bool rip_triggered_keeps(const struct rip *rip, const struct rip_route *route);

/* ---- rip_permanent.c ---- */

void rip_aging_init(struct rip *rip);

/* What NEIGHBOUR said for good is believed for AFTER_NS from now on, if it does not say it again. */
void rip_permanent_flush(struct rip *rip, struct rip_neighbour *neighbour, uint64_t after_ns, struct now now);

/* Forgets what is due, looking at no more than MOST routes. True: there is more to look at. */
bool rip_aging_run(struct rip *rip, unsigned most, struct now now);

#endif
