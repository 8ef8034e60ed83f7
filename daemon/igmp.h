/* IGMP and multicast forwarding in the daemon: the engine is there while the configuration wants it on any interface,
 * follows configuration, interfaces and time, hears the IGMP messages that come in and sends by the dataplane. What the
 * dataplane asks about streams it answers from the engine. */
#ifndef DAEMON_IGMP_H
#define DAEMON_IGMP_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/config.h"
#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "protocols/igmp/igmp.h"

struct router;
struct igmp_service;

/* NULL when there is no memory. The router's dataplane, loop and running are used. */
struct igmp_service *igmp_service_new(struct router *router);
void igmp_service_free(struct igmp_service *service);

/* After the interfaces follow the running configuration. BEFORE is what ran before; NULL: nothing. */
void igmp_service_follow(struct igmp_service *service, const struct config *before, struct now now);

/* The port of a configured interface may have changed; or is about to go. */
void igmp_service_port_changed(struct igmp_service *service, unsigned port, struct now now);
void igmp_service_port_goes(struct igmp_service *service, unsigned port, struct now now);

/* dataplane_hooks.igmp. */
void igmp_service_input(struct igmp_service *service, const struct packet *packet, struct now now);

/* Does what is due, and returns when it wants to be called next. */
uint64_t igmp_service_run(struct igmp_service *service, struct now now);

/* The router stops: the proxy's groups are left; and whether that has been said. */
void igmp_service_stop(struct igmp_service *service, struct now now);
bool igmp_service_is_stopped(const struct igmp_service *service);

/* NULL while there is none, or on its way out. */
struct igmp *igmp_service_igmp(const struct igmp_service *service);

#endif
