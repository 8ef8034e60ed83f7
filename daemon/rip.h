/* RIP in the daemon: the engine is there while the configuration wants it, follows configuration, interfaces and time,
 * hears what comes to port 520 and sends by the dataplane. */
#ifndef DAEMON_RIP_H
#define DAEMON_RIP_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/config.h"
#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "protocols/rip/rip.h"

struct router;
struct rip_service;

/* NULL when there is no memory. The router's dataplane, rib, loop and running are used. */
struct rip_service *rip_service_new(struct router *router);
void rip_service_free(struct rip_service *service, struct now now);

/* After the interfaces follow the running configuration. BEFORE is what ran before; NULL: nothing. */
void rip_service_follow(struct rip_service *service, const struct config *before, struct now now);

/* The port of a configured interface may have changed. Its goodbye leaves while the port is still there: before it
 * goes, rip_service_port_goes. */
void rip_service_port_changed(struct rip_service *service, unsigned port, struct now now);
void rip_service_port_goes(struct rip_service *service, unsigned port, struct now now);

/* dataplane_hooks.udp, for port 520. */
bool rip_service_input(struct rip_service *service, const struct packet *packet, struct now now);

/* For the loop (CONTEXT is the service): does what is due, and returns when it wants to be called next. */
uint64_t rip_service_run(void *context, struct now now);

/* The router stops: tells all neighbours; and whether they have been told (CONTEXT is the service). */
void rip_service_stop(struct rip_service *service, struct now now);
bool rip_service_is_stopped(void *context);

/* NULL while there is none, or on its way out. */
struct rip *rip_service_rip(const struct rip_service *service);

#endif
