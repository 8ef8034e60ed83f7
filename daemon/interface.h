/* One configured interface: what interfaces.h speaks of. This header is for the files that keep it only. */
#ifndef DAEMON_INTERFACE_H
#define DAEMON_INTERFACE_H

#include "daemon/router.h"

#define REASON_MAX 1024

enum obstacle { NONE, SHUTDOWN, WAITING, OPENING, DEVICE_DOWN, NO_CARRIER, REFUSED };

struct opening;

struct interface {
    char name[PORT_NAME];
    unsigned number;
    const struct config_interface *config;
    uint32_t ifindex;        /* of the device that is open; 0: none */
    bool bypass;             /* as the sockets are set */
    struct opening *opening; /* under way; NULL: none */
    struct guarded held;
    int shield; /* -1: none */
    enum obstacle obstacle;
    char reason[REASON_MAX];  /* the obstacle as a clause */
    bool settled;             /* at least once */
    bool up;                  /* as published */
    bool said_forwarding;     /* the notice about the kernel's forwarding was given */
    bool said_unshielded;     /* the notice about the missing shield */
    uint32_t said_mtu;        /* device MTU that was warned about */
    struct prefix *announced; /* addresses that the RIB has from this interface */
    size_t n_announced;
    uint64_t changed_ns;
    unsigned changes;
};

/* interfaces.c: logs a sentence that also concerns whoever asked for the change that is being applied. */
void interface_tell(const struct router *router, enum config_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* interface_device.c: finds the device, opens it or lets go of it, and says what keeps the interface from forwarding,
 * as a clause in WHY. */
enum obstacle interface_look(struct router *router, struct interface *i, const struct link *link, char *why,
                             size_t size);

/* What keeps an interface from forwarding that is open, or needs no device (LINK is NULL). */
enum obstacle interface_state(const struct interface *i, const struct link *link, char *why, size_t size);

void interface_close(struct router *router, struct interface *i);

/* Whether to send around the qdisc: as the configuration wishes, but never while somebody looks at what is sent. */
bool interface_wants_bypass(const struct router *router, const struct link *link);

/* interface_port.c: takes from the RIB what the configuration no longer has, or everything. */
void interface_withdraw(struct router *router, struct interface *i, bool everything, struct now now);

/* Makes the dataplane's port and the RIB's routes follow the obstacle, the configuration and the device. */
void interface_follow(struct router *router, struct interface *i, const struct link *link, struct now now);

#endif
