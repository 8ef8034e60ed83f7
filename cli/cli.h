/* The shell's server as the daemon sees it: a Unix socket, its sessions, and the router that commands look at and
 * change. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/config.h"
#include "forwarding/dataplane.h"
#include "protocols/rib.h"

/* One row of `show interfaces`: what the daemon knows of a configured interface beyond its port. */
struct cli_link {
    const char *name;
    unsigned port; /* number; PORT_NONE while it has none */
    bool pending;  /* no device of that name (yet) */
    bool admin_up; /* not shut down by configuration */
    bool device_up, carrier;
    uint32_t ifindex;
    uint8_t mac[6];
    uint32_t device_mtu;
    const char *reason;  /* why it is not forwarding, a clause; NULL when it is */
    uint64_t changed_ns; /* last up/down change */
    unsigned carrier_changes;
};

/* Who waits for the end of a reload. */
struct cli_reload {
    /* REPORT is a sentence or several lines and stays only during the call; not GOOD: nothing was changed. */
    void (*done)(struct cli_reload *self, bool good, const char *report);
    struct cli_reload *next; /* the daemon's */
};

#define CLI_TAPS_MAX 4

/* Who looks at an interface with a packet socket of its own. */
struct cli_tap {
    char name[PORT_NAME];
    /* The interface is no longer configured. */
    void (*gone)(struct cli_tap *self);
    /* The router stops: nothing of it is left, nor of the tap, when this returns. */
    void (*finish)(struct cli_tap *self);
    struct cli_tap *next; /* the daemon's */
};

/* What commands ask the daemon to do or tell. Every function gets the context. */
struct cli_router {
    void *context;
    struct dataplane *dataplane;
    struct rib *rib;
    const struct config *(*running)(void *context);
    /* The running configuration for longer than one step: it stays as it is until it is let go of. */
    const struct config *(*hold)(void *context);
    void (*release)(void *context, const struct config *config);
    const char *config_path; /* of the start */
    const char *version;
    uint64_t started_ns;
    struct now (*now)(void *context);
    /* The I-th configured interface in configuration order; false past the last. */
    bool (*link)(void *context, unsigned i, struct cli_link *link);
    /* Brings kernel statistics (ring-full) into the dataplane, before counters are shown. */
    void (*refresh_counters)(void *context);
    /* Resident and ring memory, thread CPU: for show memory and show processes. */
    size_t (*ring_bytes)(void *context);
    /* Re-reads the file and applies the difference, which takes as long as it takes: ASKER is told the end, unless it
     * is forgotten before. */
    void (*reload)(void *context, struct cli_reload *asker);
    void (*forget_reload)(void *context, struct cli_reload *asker);
    /* From here to the end of the last tap with its name the interface sends everything past packet sockets, whatever
     * the configuration says about that. False when there are CLI_TAPS_MAX already. */
    bool (*tap)(void *context, struct cli_tap *tap);
    void (*untap)(void *context, struct cli_tap *tap);
    void (*warn)(void *context, const char *text);
};

struct cli;
struct access_rules;

/* Listens on PATH (a stale socket is replaced, a live one refused: a sentence in WHY). GROUP may be NULL. NULL on
 * failure. */
struct cli *cli_new(struct event_base *base, const struct cli_router *router, const char *path, const char *group,
                    int64_t idle_timeout_s, char *why, size_t why_size);
void cli_free(struct cli *cli);

/* After a reload. */
void cli_set_access(struct cli *cli, const struct access_rules *rules, int64_t idle_timeout_s);

/* From the dataplane's hook: an ICMP message for a ping that some session runs. */
void cli_icmp(struct cli *cli, const struct packet *packet, struct now now);

#endif
