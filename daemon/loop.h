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

/* Whatever else has something to do at its time: is called once a turn, and returns when it wants to be next. */
void loop_also(struct loop *loop, uint64_t (*run)(void *context, struct now now), void *context);

/* The control socket of a port, from af_packet_open to just before af_packet_close. */
bool loop_watch_port(struct loop *loop, unsigned port);
void loop_unwatch_port(struct loop *loop, unsigned port);

/* The time of this turn. */
struct now loop_now(struct loop *loop);

/* Turns until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* After that: turns on until IS_DONE, but no longer than MOST_NS. */
void loop_linger(struct loop *loop, bool (*is_done)(void *context), void *context, uint64_t most_ns);

#endif
