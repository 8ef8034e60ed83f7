/* The configured interfaces: each is bound by its name to a device, or waits for one, and is kept as the dataplane's
 * port and the RIB's connected routes.
 *
 *   waiting     no device of that name
 *   refused     something stands in the way (no Ethernet, a bridge's member, kernel addresses, another ferryd, ...):
 *               the sockets are closed, and it is looked at again when the device changes and every few seconds
 *   opening     threads put the shield on and make the sockets, which takes some 30 ms
 *   open        the sockets and the shield are on the device; it forwards when it is not shut down and the device is up
 *               and has carrier
 *
 * One function, settle, looks at configuration and device and makes the rest follow; whatever changed, it is called. */
#ifndef DAEMON_INTERFACES_H
#define DAEMON_INTERFACES_H

#include <event2/event.h>
#include <stdbool.h>

#include "cli/cli.h"
#include "cli/config.h"
#include "forwarding/now.h"

struct interface;
struct interfaces;
struct router;

/* NULL when there is no memory. The router's base, loop, dataplane, rib, af_packet and guard are used. */
struct interfaces *interfaces_new(struct router *router);

/* Closes everything; ports and routes stay where they are. */
void interfaces_free(struct interfaces *interfaces);

/* Makes the interfaces those of CONFIG, which is kept until the next call; what has to be opened is begun with. Returns
 * how many are refused so far. */
unsigned interfaces_apply(struct interfaces *interfaces, const struct config *config, struct now now);

/* Until nothing is being opened any more: waits itself, for the start, and returns how many are refused; or says
 * whether there is something to wait for, and then makes the event THEN active once there is not (one event is
 * remembered). */
unsigned interfaces_wait(struct interfaces *interfaces, struct now now);
bool interfaces_opening(struct interfaces *interfaces, struct event *then);

/* How many something stands in the way of. */
unsigned interfaces_refused(const struct interfaces *interfaces);

/* The port number of a configured interface, whatever its state; PORT_NONE if there is none. It stays the same while
 * the interface is configured. */
unsigned interfaces_number(const struct interfaces *interfaces, const char *name);

/* Something about the device of this name changed: links' callback, CONTEXT is the interfaces. */
void interfaces_device_changed(void *context, const char *name);

/* What opening_begin began for I is done. */
void interfaces_opened(struct interfaces *interfaces, struct interface *i);

/* cli_router.tap and untap. */
bool interfaces_tap(struct interfaces *interfaces, struct cli_tap *tap);
void interfaces_untap(struct interfaces *interfaces, struct cli_tap *tap);

/* Somebody looks at the interface of this name. */
bool interfaces_is_tapped(const struct interfaces *interfaces, const char *name);

/* Ends all taps. INTERFACES may be NULL. */
void interfaces_finish_taps(struct interfaces *interfaces);

/* The I-th in configuration order, for the shell. False past the last. */
bool interfaces_view(const struct interfaces *interfaces, unsigned i, struct cli_link *view);

#endif
