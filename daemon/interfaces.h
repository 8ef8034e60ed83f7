/* The configured interfaces: each is bound by its name to a device, or waits for one, and is kept as the dataplane's
 * port and the RIB's connected routes.
 *
 *   waiting     no device of that name
 *   refused     something stands in the way (no Ethernet, a bridge's member, kernel addresses, another ferryd, ...):
 *               the sockets are closed, and it is looked at again when the device changes and every few seconds
 *   open        the sockets and the shield are on the device; it forwards when it is not shut down and the device is up
 *               and has carrier
 *
 * One function, settle, looks at configuration and device and makes the rest follow; whatever changed, it is called. */
#ifndef DAEMON_INTERFACES_H
#define DAEMON_INTERFACES_H

#include <stdbool.h>

#include "cli/cli.h"
#include "cli/config.h"
#include "forwarding/now.h"

struct router;
struct interfaces;

/* NULL when there is no memory. The router's base, loop, dataplane, rib, af_packet and guard are used. */
struct interfaces *interfaces_new(struct router *router);

/* Closes everything; ports and routes stay where they are. */
void interfaces_free(struct interfaces *interfaces);

/* Makes the interfaces those of CONFIG, which is kept until the next call. Returns how many are refused. */
unsigned interfaces_apply(struct interfaces *interfaces, const struct config *config, struct now now);

/* The port number of a configured interface, whatever its state; PORT_NONE if there is none. It stays the same while
 * the interface is configured. */
unsigned interfaces_number(const struct interfaces *interfaces, const char *name);

/* Something about the device of this name changed: links' callback, CONTEXT is the interfaces. */
void interfaces_device_changed(void *context, const char *name);

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
