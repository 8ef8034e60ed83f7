/* IGMP: RFC 9776 with versions 2 (RFC 2236) and 1 (RFC 1112) beside it, and the membership half of an IGMP proxy
 * (RFC 4605). One `struct igmp` is one instance: it is told of interfaces, messages and time, knows what the hosts of
 * each port listen to, and sends by a hook.
 *
 * Forwarding has one door here: igmp_wants answers whether a port takes (S,G), igmp_ports which ports do, and the hook
 * `changed` says when an answer may be another than before. Nothing else need be known of groups to forward.
 *
 * Call igmp_run soon after anything else was called, and whenever it said. It works in slices: it never takes longer
 * than a few milliseconds, and says "now" when there is more to do. */
#ifndef PROTOCOLS_IGMP_H
#define PROTOCOLS_IGMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/counters.h"
#include "forwarding/now.h"
#include "forwarding/prefix.h"
#include "protocols/igmp/igmp_reject.h"

struct igmp;

#define IGMP_ALL_SYSTEMS 0xe0000001u /* 224.0.0.1: general queries */
#define IGMP_ALL_ROUTERS 0xe0000002u /* 224.0.0.2: leaves of version 2 */
#define IGMP_V3_ROUTERS  0xe0000016u /* 224.0.0.22: reports of version 3 */

/* Bounds of what strangers can make us keep, on each interface; settings can only lower them. */
#define IGMP_GROUPS_MAX       32768
#define IGMP_SOURCES_MAX      1024   /* of one group */
#define IGMP_SOURCES_TOGETHER 262144 /* of all groups; as many again of tracked hosts */
#define IGMP_TRACKED_MAX      65536  /* hosts, counted in each group that they listen to */
#define IGMP_HOST_SOURCES_MAX 64     /* kept of one tracked host and group */
#define IGMP_JOINS_MAX        16     /* groups that this router itself listens to */
#define IGMP_SSM_MAX          16     /* ranges */

/* ---- settings: copied by whoever takes them ---- */

struct igmp_settings {
    unsigned
        upstream; /* the port by which the groups of all others are joined (RFC 4605); PORT_NONE: this is no proxy */
    unsigned n_ssm;
    const struct prefix *ssm; /* groups of these ranges have members of single sources only (RFC 4607) */
};

/* No proxy, 232.0.0.0/8. */
extern const struct igmp_settings igmp_settings_default;

/* A group that is wanted whoever joins or leaves. */
struct igmp_static {
    uint32_t group;  /* a multicast address, not of 224.0.0.0/24 */
    uint32_t source; /* 0: all of them */
};

/* Times in milliseconds. A query response interval must be shorter than its query interval. */
struct igmp_interface_settings {
    uint8_t version;    /* 1, 2 or 3: of the queries that are sent; hosts of lower and of higher versions are heard */
    uint8_t robustness; /* 1..255; what is beyond 7 cannot be told to others */
    uint32_t query_interval_ms;
    uint32_t response_interval_ms;    /* of general queries: at most 25500 with version 2, 3174400 with version 3 */
    uint32_t last_member_interval_ms; /* of specific ones, likewise */
    uint8_t last_member_count;        /* 0: robustness */
    uint32_t startup_interval_ms;     /* 0: a quarter of the query interval */
    uint8_t startup_count;            /* 0: robustness */
    bool querier;                     /* asks, unless another does; false: never, and all is as another has asked */
    bool compatibility;        /* an older querier's version is spoken while there is one (RFC 9776 6.6.2, 7.2.1) */
    bool forward_always;       /* traffic is wanted even where another router is the querier (RFC 4605 3) */
    bool require_router_alert; /* messages without it are refused (RFC 9776 9) */
    bool fast_leave;           /* what no tracked host wants any more ends at once, and nobody is asked */
    uint32_t group_limit, source_limit; /* groups; sources of a group. 0: no other than the bounds above */
    uint32_t tracked_limit;             /* hosts, in each group; 0: the bound above */
    uint32_t report_limit;              /* reports and leaves a second; 0: no limit */
    unsigned n_statics;
    const struct igmp_static *statics;
};

/* The defaults of RFC 9776 8 and ferryd.conf(5): version 3, robustness 2, 125 s, 10 s, 1 s. */
extern const struct igmp_interface_settings igmp_interface_settings_default;

/* ---- an instance ---- */

enum igmp_level { IGMP_WARNING, IGMP_NOTICE, IGMP_INFO, IGMP_DEBUG };

/* What is told at level IGMP_DEBUG, a bit each in igmp_debug. */
enum igmp_debug { IGMP_DEBUG_EVENTS = 1, IGMP_DEBUG_PACKETS = 2, IGMP_DEBUG_GROUPS = 4 };

struct igmp_hooks {
    void *context;

    /* Sends MESSAGE, the IP payload, by PORT from SRC, an address of the port, to the group DST. The datagram has TTL
     * 1, type of service 0xc0, the router alert option (RFC 2113: 94 04 00 00) and must not be fragmented: the message
     * is no longer than the MTU given with igmp_interface_up, less 24 bytes. False: it could not be sent. */
    bool (*send)(void *context, unsigned port, uint32_t src, uint32_t dst, const uint8_t *message, size_t len,
                 struct now now);

    /* What igmp_wants says of GROUP on PORT may be another than before, for any source; GROUP 0: of every group on
     * PORT. It may ask igmp_wants, igmp_ports and the views, and call nothing else of the instance. A refresh that
     * changes nothing is not told. */
    void (*changed)(void *context, unsigned port, uint32_t group, struct now now);

    /* A sentence about PORT (PORT_NONE: none) and the neighbour ADDR (0: none). What packets can cause is limited. */
    void (*log)(void *context, enum igmp_level level, unsigned port, uint32_t addr, const char *text);
};

/* SEED makes everything that is random. It does nothing before it has interfaces. NULL when there is no memory. */
struct igmp *igmp_new(const struct igmp_settings *settings, uint64_t seed, const struct igmp_hooks *hooks);

/* Nobody hears of it; for the upstream querier to hear of it, igmp_stop before. No hook is called. */
void igmp_free(struct igmp *igmp);

/* False, and nothing changed, when there is no memory. */
bool igmp_configure(struct igmp *igmp, const struct igmp_settings *settings, struct now now);

void igmp_debug(struct igmp *igmp, unsigned kinds);

/* Makes PORT one of IGMP's interfaces, down at first, or gives it other settings; what was learned stays. False when
 * there is no memory, or if PORT is not below PORT_MAX. */
bool igmp_interface_set(struct igmp *igmp, unsigned port, const struct igmp_interface_settings *settings,
                        struct now now);
void igmp_interface_remove(struct igmp *igmp, unsigned port, struct now now);

/* It is up, with these addresses (host bits kept; the first is what queries are sent from and what is compared in the
 * election) and this MTU, at least 68. To call it again with others keeps what was learned. Without addresses it is
 * down. False when there is no memory. */
bool igmp_interface_up(struct igmp *igmp, unsigned port, const struct prefix *addresses, unsigned n, uint32_t mtu,
                       struct now now);
void igmp_interface_down(struct igmp *igmp, unsigned port, struct now now); /* forgets what was learned */

/* This router itself listens to GROUP on PORT, or no longer: it reports so and answers queries. 224.0.0.22 need not be
 * joined: every interface has. False when there is no memory, the port is none of IGMP's, or has IGMP_JOINS_MAX. */
bool igmp_join(struct igmp *igmp, unsigned port, uint32_t group, bool on, struct now now);

/* An IGMP datagram that came in by PORT, whatever its destination. */
struct igmp_datagram {
    unsigned port;
    uint32_t src, dst;
    uint8_t ttl;
    bool router_alert;
};

/* MESSAGE is the IP payload: LEN by the IP header, not by the frame. */
void igmp_input(struct igmp *igmp, const struct igmp_datagram *datagram, const uint8_t *message, size_t len,
                struct now now);

/* Does what is due, a slice of it; returns when it wants to be called next (NEVER_NS: no need). */
uint64_t igmp_run(struct igmp *igmp, struct now now);

/* Leaves the groups of the upstream port, with the usual repetitions; hears nothing any more. */
void igmp_stop(struct igmp *igmp, struct now now);
bool igmp_is_stopped(const struct igmp *igmp); /* all of that is done */

/* Forgets what was learned of GROUP (0: all) on PORT (PORT_NONE: all), and asks anew where this router is querier. */
void igmp_clear(struct igmp *igmp, unsigned port, uint32_t group, struct now now);
void igmp_clear_counters(struct igmp *igmp);

/* ---- for forwarding ---- */

/* Whether hosts (or a static group) on PORT want what SOURCE sends to GROUP, and it is this router's to bring: it is
 * the querier there, or `forward_always` is set (RFC 4605 4.2). False for a port that is none of IGMP's or down, for
 * the upstream port, and for 224.0.0.0/24. Some 100 ns. */
bool igmp_wants(const struct igmp *igmp, unsigned port, uint32_t source, uint32_t group);

/* The ports that want it, as a bit each of PORTS; returns how many. */
#define IGMP_PORT_WORDS (PORT_MAX / 64)
unsigned igmp_ports(const struct igmp *igmp, uint32_t source, uint32_t group, uint64_t ports[IGMP_PORT_WORDS]);

/* Whether anyone on PORT listens to any source of GROUP, whoever's it is to bring: for (*,G) entries and shows. */
bool igmp_has_members(const struct igmp *igmp, unsigned port, uint32_t group);

bool igmp_is_querier(const struct igmp *igmp, unsigned port);

/* The port of the proxy's upstream, up and known to this instance; else PORT_NONE. */
unsigned igmp_upstream(const struct igmp *igmp);

/* ---- looking: walks that survive any change between two steps ---- */

struct igmp_source_view {
    uint32_t source;
    bool forwarded; /* false: blocked, in a group of mode EXCLUDE */
    bool is_static;
    bool learned;
    uint64_t left_ns; /* of its timer; 0: it does not run; NEVER_NS: static only */
};

struct igmp_group_view {
    uint32_t group;
    uint16_t port;
    bool exclude;                    /* the filter mode, static (*,G) included */
    bool is_static;                  /* all sources by configuration */
    uint8_t version;                 /* compatibility mode, RFC 9776 7.3.2: of the oldest host that was heard lately */
    uint64_t since_ns;               /* it was joined, or configured */
    uint64_t left_ns;                /* of the group timer; NEVER_NS: it does not run: mode INCLUDE, or static only */
    uint64_t v1_left_ns, v2_left_ns; /* until older hosts are forgotten; 0: there are none */
    uint32_t last_reporter;          /* 0: none */
    uint32_t hosts;                  /* tracked ones */
    bool tracked;                    /* all of its hosts are: fast leave would be safe */
    bool leaving;                    /* hosts are being asked whether anyone still wants it, or some of its sources */
    unsigned n_sources;              /* learned or static */
};

struct igmp_group_cursor {
    uint32_t port;
    uint32_t group;
    bool started;
};
#define IGMP_GROUP_START ((struct igmp_group_cursor){0})

/* By port, then by group. */
bool igmp_next_group(const struct igmp *igmp, struct igmp_group_cursor *cursor, struct igmp_group_view *view,
                     struct now now);
bool igmp_find_group(const struct igmp *igmp, unsigned port, uint32_t group, struct igmp_group_view *view,
                     struct now now);

/* The sources of one group, in order; *source is the first to look at: 0 before the first call. */
bool igmp_next_source(const struct igmp *igmp, unsigned port, uint32_t group, uint32_t *source,
                      struct igmp_source_view *view, struct now now);

struct igmp_host_view {
    uint32_t host;
    bool exclude;
    unsigned n_sources;
    const uint32_t *sources; /* those that it wants, or with exclude does not; until the next change */
    uint64_t left_ns;        /* until it is forgotten */
};

/* The tracked hosts of one group, in order; *host is the first to look at: 0 before the first call. Each step looks at
 * all of them. */
bool igmp_next_host(const struct igmp *igmp, unsigned port, uint32_t group, uint32_t *host, struct igmp_host_view *view,
                    struct now now);

/* What the proxy wants of its upstream: RFC 4605 2.5. */
struct igmp_member_view {
    uint32_t group;
    bool exclude;
    unsigned n_sources;
    const uint32_t *sources; /* until the next change */
};
/* *group is the first to look at; 0 before the first call. For any port: what this router reports there. */
bool igmp_next_member(const struct igmp *igmp, unsigned port, uint32_t *group, struct igmp_member_view *view);

struct igmp_interface_counters {
    uint64_t in_queries[4], in_reports[4]; /* valid messages by version; [0] is not used */
    uint64_t in_leaves;
    uint64_t in_no_alert;                        /* of all of them, those without router alert */
    uint64_t out_general, out_group, out_source; /* queries, general and specific ones */
    uint64_t out_reports, out_leaves;            /* of this router as a host */
    uint64_t out_failed;                         /* messages that the hook could not send */
    uint64_t version_mismatches;                 /* queries of another version than this interface's */
    uint64_t joins, leaves;                      /* groups that began and ended */
    uint64_t fast_leaves;                        /* groups and sources that ended without a question */
    uint64_t untracked;                          /* hosts for which there was no room, or that cannot be told apart */
    uint64_t rejects[IGMP_REJECT__COUNT];
};

struct igmp_interface_view {
    uint16_t port;
    bool up;
    bool upstream;
    bool querier;
    uint32_t address;      /* our own, 0: none */
    uint32_t querier_addr; /* who asks; our own if it is us; 0: nobody, or not up */
    uint64_t querier_since_ns;
    uint8_t version;    /* of the queries that are sent, or would be; of the upstream port: of its reports */
    uint8_t robustness; /* in force: of the querier, if it says so */
    uint64_t query_interval_ns, response_interval_ns; /* likewise */
    uint64_t last_member_interval_ns;
    uint64_t membership_interval_ns;                /* what comes of them: RFC 9776 8.4 */
    uint64_t next_query_ns;                         /* as of time; NEVER_NS: sends none */
    uint64_t other_left_ns;                         /* of the other-querier-present timer; 0: it does not run */
    unsigned startup_left;                          /* queries of the start still to be sent */
    const struct igmp_interface_settings *settings; /* until the next change */
    unsigned groups, sources, tracked, members;
    struct igmp_interface_counters counters;
};

/* *port is the first number to look at; 0 before the first call. */
bool igmp_next_interface(const struct igmp *igmp, unsigned *port, struct igmp_interface_view *view, struct now now);
bool igmp_find_interface(const struct igmp *igmp, unsigned port, struct igmp_interface_view *view, struct now now);

struct igmp_status {
    const struct igmp_settings *settings; /* until the next change */
    bool stopping;
    unsigned interfaces, interfaces_up;
    size_t groups, sources, tracked;
    uint64_t no_interface; /* messages that came in by a port that is none of IGMP's, or is down */
    uint64_t rejects[IGMP_REJECT__COUNT];
};
struct igmp_status igmp_status(const struct igmp *igmp);

#endif
