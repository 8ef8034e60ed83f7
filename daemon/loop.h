/* The core's loop: libevent for descriptors, and around each of its turns the work that has no descriptor: what the
 * lanes punted, and what time has come for. One clock reading serves a whole turn. */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <event2/event.h>
#include <stdbool.h>

#include "forwarding/af_packet.h"
#include "forwarding/dataplane.h"
#include "forwarding/grace.h"
#include "forwarding/now.h"
#include "protocols/rib.h"

struct loop;

/* NULL with errno set. */
struct loop *loop_new(struct event_base *base, struct grace *grace);
void loop_free(struct loop *loop);

/* For lanes: where they wake the core, and whether it sleeps. */
int loop_wake_fd(const struct loop *loop);
const int *loop_core_asleep(const struct loop *loop);

/* Whose packets it takes, and whose work it does; before loop_run and loop_watch_port. */
void loop_serve(struct loop *loop, struct dataplane *dataplane, struct af_packet *af_packet, struct rib *rib);

/* The control socket of a port, from af_packet_open to just before af_packet_close. */
bool loop_watch_port(struct loop *loop, unsigned port);
void loop_unwatch_port(struct loop *loop, unsigned port);

/* The time of this turn. */
struct now loop_now(struct loop *loop);

/* Turns until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

#endif
