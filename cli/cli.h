/* The shell's server as the daemon sees it: a Unix socket, its sessions, and the router that commands look at and
 * change. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/config.h"
#include "cli/edit.h"
#include "cli/log_lines.h"
#include "forwarding/dataplane.h"
#include "protocols/igmp/igmp.h"
#include "protocols/rib.h"
#include "protocols/rip/rip.h"

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

/* Who changes something, for the log and the list of past configurations. */
struct cli_author {
    uid_t uid;
    unsigned session; /* number; 0: a signal */
};

enum cli_change_kind {
    CLI_CHANGE_FILE,  /* the file becomes the running configuration */
    CLI_CHANGE_EDITS, /* EDITS are done to what is then the running configuration */
    CLI_CHANGE_BACK,  /* the BACK-th of the past configurations becomes it, 1 is the last */
};

#define CLI_PAST 10 /* past configurations that are kept */

/* A change of the running configuration. Changes are done one after the other, each whole or not at all. */
struct cli_change {
    enum cli_change_kind kind;
    struct edit *edits; /* the daemon's from the call on */
    /* What EDITS were made on; NULL: whatever is running. Where it is no longer, a change by others of what EDITS
     * change too is a conflict, and refused; other changes of theirs stay. Held by the daemon too while it needs it. */
    const struct config *base;
    unsigned back;
    unsigned confirm_minutes; /* then it is undone, unless it is confirmed before; 0: it stays */
    struct cli_author author;
};

/* Who waits for the end of a change or of a saving. */
struct cli_asker {
    /* REPORT is a sentence or several lines and stays only during the call; not GOOD: nothing was changed. */
    void (*done)(struct cli_asker *self, bool good, const char *report);
    struct cli_asker *next; /* the daemon's */
};

/* A configuration that was the running one. */
struct cli_past {
    const struct config *config; /* until the next turn of the loop */
    uint64_t until_wall_ms;      /* when it was replaced */
    struct cli_author author;    /* by whom */
    enum cli_change_kind kind;   /* and how */
};

/* A change that waits to be confirmed. */
struct cli_unconfirmed {
    struct cli_author author;
    uint64_t due_ns; /* when it is undone */
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
    struct rip *(*rip)(void *context);   /* NULL while it does not run */
    struct igmp *(*igmp)(void *context); /* likewise */
    const struct config *(*running)(void *context);
    /* The running configuration for longer than one step: it stays as it is until it is let go of. */
    const struct config *(*hold)(void *context);
    void (*release)(void *context, const struct config *config);
    const char *config_path; /* of the start */
    const struct log_lines *log;
    const char *resolv_conf, *hosts; /* files by which names are looked up; NULL: the system's */
    const char *version;
    uint64_t started_ns;
    struct now (*now)(void *context);
    /* The I-th configured interface in configuration order; false past the last. */
    bool (*link)(void *context, unsigned i, struct cli_link *link);
    /* Brings kernel statistics (ring-full) into the dataplane, before counters are shown. */
    void (*refresh_counters)(void *context);
    /* Resident and ring memory, thread CPU: for show memory and show processes. */
    size_t (*ring_bytes)(void *context);
    /* Takes as long as it takes: ASKER is told the end, unless it is forgotten before. CHANGE stays the caller's, but
     * for its edits. */
    void (*change)(void *context, const struct cli_change *change, struct cli_asker *asker);
    void (*forget)(void *context, struct cli_asker *asker);
    /* Is there a change that waits to be confirmed? */
    bool (*unconfirmed)(void *context, struct cli_unconfirmed *to);
    /* Lets it stay. False if there is none. */
    bool (*confirm)(void *context, const struct cli_author *author);
    /* The I-th of the past configurations, 1 is the last; false where there is none. */
    bool (*past)(void *context, unsigned i, struct cli_past *to);
    /* Writes the running configuration to PATH, or for NULL to the file of the start, which it then has been saved to.
     * That is refused, unless FORCE, when the file was changed since it was read. */
    void (*save)(void *context, const char *path, bool force, struct cli_asker *asker);
    /* What the file of the start was when it was last read or written; NULL: it was never read. */
    const struct config *(*saved)(void *context);
    /* From here to the end of the last tap with its name the interface sends everything past packet sockets, whatever
     * the configuration says about that. False when there are CLI_TAPS_MAX already. */
    bool (*tap)(void *context, struct cli_tap *tap);
    void (*untap)(void *context, struct cli_tap *tap);
    void (*warn)(void *context, const char *text);
    void (*notice)(void *context, const char *text);
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

/* A line of the log, for those who want to see it. */
void cli_log(struct cli *cli, enum config_log_level level, const char *line);

/* From the dataplane's hook: an ICMP message for a ping that some session runs. */
void cli_icmp(struct cli *cli, const struct packet *packet, struct now now);

#endif
