/* The kernel guard: keeps two routers from speaking for one interface. It attaches the shield, claims the device
 * against a second ferryd, and says what of the kernel's own configuration stands in the way. */
#ifndef DAEMON_GUARD_H
#define DAEMON_GUARD_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/log.h"

struct guard;

/* Loads the shield; without it (BPF is not allowed here, or the kernel is older than 6.6) a notice says what follows.
 * NULL when there is no memory. */
struct guard *guard_new(struct event_base *base, const struct log *log);
void guard_free(struct guard *guard);

/* The claim on one device. All zero is not valid: start with GUARD_NOTHING. */
struct guarded {
    int claim;              /* the listening socket that is the claim; -1: none */
    struct event *visitors; /* empties its queue */
};
#define GUARD_NOTHING ((struct guarded){.claim = -1})

/* Claims the device NAME for this process, in this network namespace. False, with a clause in WHY, when another ferryd
 * has it. */
bool guard_claim(struct guard *guard, struct guarded *held, const char *name, char *why, size_t why_size);

/* Lets go of it. No harm if there is none. */
void guard_release(struct guarded *held);

/* Was the shield loaded? */
bool guard_has_shield(const struct guard *guard);

/* Any thread, and not the core: both wait for the kernel, the longer the more ask. Puts the shield on the device;
 * returns a descriptor that keeps it there, or -1 when it could not be, and the interface works without: then WHY is a
 * clause, or "" where guard_new has said it for all. The other takes it away again; no harm if it is -1. */
int guard_shield(struct guard *guard, uint32_t ifindex, char *why, size_t why_size);
void guard_unshield(struct guard *guard, int shield);

/* Does the kernel forward IPv4 that comes in by the device NAME? */
bool guard_kernel_forwards(const char *name);

/* The command that ends it: sysctl separates by dots or, where a name holds dots, by slashes. */
const char *guard_forwarding_cure(const char *name, char *to, size_t size);

/* Has this process what it needs? A sentence in WHY if not. */
bool guard_capable(char *why, size_t why_size);

#endif
