/* The devices of this network namespace as the kernel has them, kept up to date by netlink (libnl): what there is, its
 * state, and which IPv4 addresses the kernel itself has there. Whoever binds to a name is told when anything about that
 * name changed. */
#ifndef DAEMON_LINKS_H
#define DAEMON_LINKS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/log.h"
#include "forwarding/port.h"
#include "forwarding/prefix.h"

#define LINK_KIND 16

struct link {
    uint32_t index;
    char name[PORT_NAME];
    char kind[LINK_KIND]; /* "veth", "bridge", ...; "" for hardware */
    uint16_t hardware;    /* ARPHRD_... */
    uint8_t mac[MAC_LEN];
    uint32_t mtu;
    bool up, carrier;
    bool noqueue;             /* its root qdisc is noqueue: sending around it changes nothing */
    uint32_t master;          /* index of the bridge, bond, ... that it belongs to; 0: none */
    struct prefix *addresses; /* the kernel's own IPv4 addresses, with host bits */
    size_t n_addresses;
    bool seen; /* in the dump under way */
};

struct links;

/* Reads everything and goes on watching. CHANGED is called with the name of a device that came, went or changed, after
 * the tables have changed (also for the kernel's forwarding switch); for a rename with the old name and then the new
 * one. NULL, with a sentence in WHY, on failure. */
struct links *links_new(struct event_base *base, const struct log *log,
                        void (*changed)(void *context, const char *name), void *context, char *why, size_t why_size);
void links_free(struct links *links);

/* NULL if there is none. Valid until the next call of CHANGED. */
const struct link *links_find(const struct links *links, const char *name);
const struct link *links_find_index(const struct links *links, uint32_t index);

#endif
