/* RIP: RFC 2453 with version 1 of RFC 1058. One `struct rip` is one instance: it is told of interfaces, packets, time
 * and changes of the RIB, puts what it learns into the RIB, and sends by a hook.
 *
 * Call rip_run soon after anything else was called, and whenever it said. It works in slices: it never takes longer
 * than a few milliseconds, and says "now" when there is more to do. */
#ifndef PROTOCOLS_RIP_H
#define PROTOCOLS_RIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "forwarding/prefix.h"
#include "protocols/rib.h"
#include "protocols/rip/rip_auth.h"
#include "protocols/rip/rip_reject.h"

struct rip;

#define RIP_PORT     520
#define RIP_GROUP    0xe0000009u /* 224.0.0.9 */
#define RIP_INFINITY 16

/* Bounds of what strangers can make us keep. */
#define RIP_PATHS_MAX      32  /* of one prefix, alternatives included; the worst makes room */
#define RIP_NEIGHBOURS_MAX 256 /* of one interface; those without routes make room, oldest first */
#define RIP_PEERS_MAX      16  /* of one interface in RFC 2091's exchange */
#define RIP_REPLIES_MAX    32  /* requesters who are being sent the whole table */

/* Bit masks of versions. */
#define RIP_V1 1u
#define RIP_V2 2u

/* ---- settings: copied by whoever takes them ---- */

/* The first rule that matches decides; what none matches is denied. */
struct rip_prefix_rule {
    bool permit;
    struct prefix prefix;
    uint8_t ge, le; /* lengths; both 0: exactly that of the prefix */
};

struct rip_prefix_list {
    unsigned n;
    const struct rip_prefix_rule *rules;
};

/* Adds to the metric of what LIST permits; the first offset whose list does so counts. */
struct rip_offset {
    uint8_t add;                        /* 0..16 */
    const struct rip_prefix_list *list; /* NULL: everything */
};

/* Routes from neighbours within SOURCE get another distance; the longest SOURCE counts. */
struct rip_distance {
    struct prefix source;
    uint8_t distance;
    const struct rip_prefix_list *list; /* NULL: everything */
};

struct rip_redistribute {
    bool on;
    uint8_t metric; /* as it is sent, 1..15; 0: default_metric */
    uint16_t tag;
    const struct rip_prefix_list *list; /* NULL: everything */
};

struct rip_settings {
    uint32_t update_s, timeout_s, garbage_s; /* at least 1 */
    uint32_t holddown_s;                     /* a lost route comes back only if it is as good as it was; 0: off */
    uint8_t distance;
    uint8_t ecmp;                                              /* equal-cost next hops used, 1..FIB_HOPS_MAX */
    uint8_t default_metric;                                    /* of what is redistributed, 1..15 */
    struct rip_redistribute redistribute[RIB_PROTOCOL__COUNT]; /* that of RIB_RIP is not looked at */
    bool default_information;                                  /* offer 0.0.0.0/0 */
    uint8_t default_information_metric;                        /* 1..15; 0: default_metric */
    uint32_t max_routes;            /* paths learned from one neighbour; 0: as many as there may be altogether */
    uint32_t max_routes_altogether; /* learned from all of them */
    unsigned n_distances, n_neighbors;
    const struct rip_distance *distances;
    const uint32_t *neighbors; /* are sent to by unicast, if an interface with RIP has them on a subnet */
};

/* The defaults of ferryd.conf(5). */
extern const struct rip_settings rip_settings_default;

enum rip_split_horizon { RIP_SPLIT_OFF, RIP_SPLIT_SIMPLE, RIP_SPLIT_POISONED, RIP_SPLIT__COUNT };
extern const char *const rip_split_horizon_name[RIP_SPLIT__COUNT]; /* as in the configuration */

struct rip_interface_settings {
    bool passive;          /* sends to `neighbors` only */
    bool loopback;         /* sends nothing; its networks are advertised */
    uint8_t send, receive; /* RIP_V1, RIP_V2, both, or 0 */
    bool broadcast;        /* version 2 goes to the broadcast address, with version 1's rules (RFC 2453 5.1) */
    enum rip_split_horizon split_horizon;
    uint8_t metric_in, metric_out; /* added to what is learned (beside the hop's 1) and sent, 0..16 */
    bool triggered;    /* RFC 2091's exchange in place of updates; split horizon is with poisoned reverse then */
    bool auto_summary; /* routes of other networks than its own as classful ones */
    struct rip_auth auth;
    const struct rip_prefix_list *list_in, *list_out; /* NULL: everything */
    unsigned n_offsets_in, n_offsets_out;
    const struct rip_offset *offsets_in, *offsets_out;
    unsigned n_summaries;
    const struct prefix *summaries; /* sent in place of what they hold, while they hold anything */
};

extern const struct rip_interface_settings rip_interface_settings_default;

/* ---- an instance ---- */

enum rip_level { RIP_WARNING, RIP_NOTICE, RIP_INFO };

/* What is told to rip_hooks.debug, a bit each in rip_debug: updates, neighbours and interfaces; messages; routes. */
enum rip_debug { RIP_DEBUG_EVENTS = 1, RIP_DEBUG_PACKETS = 2, RIP_DEBUG_ROUTES = 4 };

struct rip_hooks {
    void *context;
    /* Sends a message by PORT, from SRC and port 520: to a group or broadcast with TTL 1, to a neighbour with 64; the
     * type of service is 0xc0. False: it could not be sent. */
    bool (*send)(void *context, unsigned port, uint32_t src, uint32_t dst, uint16_t dst_port, const uint8_t *message,
                 size_t len, struct now now);
    /* A sentence about PORT (PORT_NONE: none) and the neighbour ADDR (0: none). What packets can cause is limited. */
    void (*log)(void *context, enum rip_level level, unsigned port, uint32_t addr, const char *text);
    /* The same, of what happens, for whoever wants to know: KIND is one bit. Of messages ADDR is the peer or the group,
     * of routes their network. May be NULL. */
    void (*debug)(void *context, enum rip_debug kind, unsigned port, uint32_t addr, const char *text);
    const char *(*port_name)(void *context, unsigned port); /* for these sentences; may be NULL */
};

/* SEED makes everything that is random. RIB must outlive it. It does nothing before it has interfaces. NULL when there
 * is no memory. */
struct rip *rip_new(struct rib *rib, const struct rip_settings *settings, uint64_t seed, const struct rip_hooks *hooks);

/* Takes its routes out of the RIB. For neighbours to hear of it, rip_stop before. */
void rip_free(struct rip *rip, struct now now);

/* What did not change is not touched. False, and nothing changed, when there is no memory. */
bool rip_configure(struct rip *rip, const struct rip_settings *settings, struct now now);

void rip_debug(struct rip *rip, unsigned kinds);

/* Makes PORT one of RIP's interfaces, down at first, or gives it other settings. False when there is no memory, or if
 * there are too many interfaces. */
bool rip_interface_set(struct rip *rip, unsigned port, const struct rip_interface_settings *settings, struct now now);
void rip_interface_remove(struct rip *rip, unsigned port, struct now now);

/* The goodbye of a removed interface goes on without pauses between its bursts: the port is about to go, and what has
 * not been said by then never will be. */
void rip_interface_hurry(struct rip *rip, unsigned port);

/* It is up, with these addresses (host bits kept; the first is the primary): routes by its subnets begin, those by
 * subnets that it no longer has end. False when there is no memory. */
bool rip_interface_up(struct rip *rip, unsigned port, const struct prefix *addresses, unsigned n, struct now now);
void rip_interface_down(struct rip *rip, unsigned port, struct now now);

/* A datagram to port 520 that came in by PORT. */
struct rip_datagram {
    unsigned port;
    uint32_t src, dst;
    uint16_t src_port;
};
void rip_input(struct rip *rip, const struct rip_datagram *datagram, const uint8_t *message, size_t len,
               struct now now);

/* Does what is due, a slice of it; returns when it wants to be called next (NEVER_NS: no need). */
uint64_t rip_run(struct rip *rip, struct now now);

/* Says goodbye: from now on it learns nothing, and rip_run sends every route once with metric 16, then takes what was
 * learned out of the RIB. */
void rip_stop(struct rip *rip, struct now now);
bool rip_is_stopped(const struct rip *rip); /* all of that is done */

/* Forgets what it has learned, of one neighbour (0: of all), and asks again. */
void rip_clear(struct rip *rip, uint32_t neighbour, struct now now);
void rip_clear_counters(struct rip *rip);

/* ---- looking: walks that survive any change between two steps ---- */

enum rip_kind { RIP_LEARNED, RIP_INTERFACE, RIP_REDISTRIBUTED, RIP_DEFAULT, RIP_KIND__COUNT };
extern const char *const rip_kind_name[RIP_KIND__COUNT];

struct rip_path_view {
    uint32_t gateway; /* where packets go */
    uint32_t from;    /* who said so */
    uint16_t port;
    uint8_t metric;
    uint16_t tag;
    bool used;        /* one of the best */
    uint64_t left_ns; /* until it times out */
};

struct rip_route_view {
    struct prefix prefix;
    enum rip_kind kind;
    enum rib_protocol protocol; /* with RIP_REDISTRIBUTED: whose it is */
    uint8_t metric;             /* 16: unreachable, and soon forgotten */
    uint16_t tag;
    uint16_t port;    /* with RIP_INTERFACE */
    uint32_t gateway; /* with RIP_REDISTRIBUTED: its first next hop, or 0 */
    uint64_t left_ns; /* until it times out or is forgotten; NEVER_NS: does neither */
    unsigned n_paths; /* learned ones, the used first */
    struct rip_path_view paths[RIP_PATHS_MAX];
};

struct rip_route_cursor {
    struct patricia_cursor at;
};
#define RIP_ROUTE_START ((struct rip_route_cursor){0})
bool rip_next_route(const struct rip *rip, struct rip_route_cursor *cursor, struct rip_route_view *view,
                    struct now now);

/* How far RFC 2091's exchange with a neighbour is. */
enum rip_exchange {
    RIP_EXCHANGE_NONE,     /* not with this one */
    RIP_EXCHANGE_DOWN,     /* it does not answer; it is asked from time to time */
    RIP_EXCHANGE_FLUSHING, /* it has not yet acknowledged that everything follows */
    RIP_EXCHANGE_SENDING,  /* there is more to tell */
    RIP_EXCHANGE_COMPLETE, /* it has acknowledged all there is */
    RIP_EXCHANGE_LEAVING,  /* it is told goodbye */
    RIP_EXCHANGE__COUNT
};
extern const char *const rip_exchange_name[RIP_EXCHANGE__COUNT];

struct rip_exchange_view {
    enum rip_exchange state;
    bool asking;              /* for everything, until its flush comes */
    uint16_t sequence;        /* of the last update response sent */
    uint32_t unanswered;      /* how often that has been sent again */
    uint64_t retransmissions; /* of all, requests included */
    uint64_t duplicates;      /* update responses that had come before */
};

struct rip_neighbour_view {
    uint32_t address;
    uint16_t port;
    uint8_t version;   /* of its last valid message; 0: there was none */
    bool configured;   /* one of `neighbors` */
    uint64_t heard_ns; /* its last valid message; 0: none */
    uint32_t routes;   /* paths in the table */
    uint64_t requests, responses;
    uint64_t bad_packets, bad_routes; /* sums of what follows */
    uint64_t rejects[RIP_REJECT__COUNT];
    struct rip_exchange_view exchange; /* RFC 2091's */
};

struct rip_neighbour_cursor {
    uint32_t port;
    uint32_t address;
    bool started;
};
#define RIP_NEIGHBOUR_START ((struct rip_neighbour_cursor){0})
bool rip_next_neighbour(const struct rip *rip, struct rip_neighbour_cursor *cursor, struct rip_neighbour_view *view);

struct rip_interface_counters {
    uint64_t in_requests, in_responses, in_routes;                              /* valid ones */
    uint64_t out_requests, out_updates, out_triggered, out_replies, out_routes; /* messages by their occasion */
    uint64_t out_failed;                     /* messages that could not be sent or signed */
    uint64_t in_acks, out_acks, out_changes; /* of RFC 2091's exchange: acknowledgements, update responses */
    uint64_t retransmissions;                /* of it: update requests and responses once more */
    uint64_t neighbours_evicted;             /* for others to have room */
    uint64_t next_hop_ignored;               /* routes whose next hop was not on the subnet; they go by the sender */
    uint64_t rejects[RIP_REJECT__COUNT];
};

struct rip_interface_view {
    uint16_t port;
    bool up;
    const struct rip_interface_settings *settings; /* until the next change */
    unsigned n_addresses;
    const struct prefix *addresses;
    unsigned neighbours;
    uint64_t next_update_ns; /* NEVER_NS: sends none */
    unsigned peers;          /* of RFC 2091's exchange */
    struct rip_interface_counters counters;
};

/* *port is the first number to look at; 0 before the first call. */
bool rip_next_interface(const struct rip *rip, unsigned *port, struct rip_interface_view *view);
bool rip_find_interface(const struct rip *rip, unsigned port, struct rip_interface_view *view);

struct rip_status {
    const struct rip_settings *settings; /* until the next change */
    bool stopping;
    unsigned interfaces, interfaces_up, neighbours;
    size_t routes, learned, unreachable; /* prefixes; of them learned; of them on their way out */
    size_t paths;                        /* learned, alternatives included */
    size_t bytes;
    uint64_t changes; /* of routes, so far */
    uint64_t rejects[RIP_REJECT__COUNT];
    uint64_t no_interface; /* messages that came in by a port that is none of RIP's, or is down */
};
struct rip_status rip_status(const struct rip *rip);

#endif
