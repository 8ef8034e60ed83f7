/* What the files of RIP share.
 *
 *   rip.c            the instance: settings, time, slices of long work
 *   rip_interface.c  interfaces and their outlets: up, down, other settings
 *   rip_neighbour.c  who speaks to us
 *   rip_table.c      prefixes: what is known, which of it is best, the RIB
 *   rip_redistribute.c   what the RIB has from others
 *   rip_input.c      what comes in
 *   rip_output.c     what goes out
 *   rip_triggered.c  RFC 2091's exchange with a peer, where an interface has that in place of updates
 *   rip_permanent.c  what was learned for good, and stops being so
 *   rip_policy.c     prefix lists, offsets, distances; copies of settings
 *   rip_packet.c, rip_auth.c, rip_digest.c, rip_reject.c   bytes
 *   rip_keys.c, rip_auth_log.c   which key when; what people are told of it
 *   rip_view.c       looking
 *
 * A prefix is known from learned paths, at most one a neighbour, and from what is our own: an interface's network, the
 * RIB's winner that is redistributed, the default route. What is our own goes before what is learned. All learned paths
 * are kept, not only the best: when that goes, the next best is there at once. (A path that leads back through us is
 * none: poisoned reverse told us so.)
 *
 * All routes are in one list, in the order of their last change. Walks of any length are markers in that list: what is
 * behind an outlet's marker has changed since that outlet was last told. So triggered updates cost what changed, and
 * long ones go in slices with nothing to remember but the marker. */
#ifndef PROTOCOLS_RIP_INTERNAL_H
#define PROTOCOLS_RIP_INTERNAL_H

#include "forwarding/bucket.h"
#include "forwarding/counters.h"
#include "forwarding/packet.h"
#include "forwarding/patricia.h"
#include "forwarding/slab.h"
#include "forwarding/timers.h"
#include "protocols/rip/rip.h"
#include "protocols/rip/rip_auth_log.h"
#include "protocols/rip/rip_packet.h"
#include "protocols/rip/rip_triggered.h"

#define RIP_LOG_BURST   10  /* lines about one at once, and one a second */
#define RIP_OUTLETS_MAX 256 /* versions of interfaces that are sent to */

/* ---- the list of routes, and markers in it ---- */

struct link {
    struct link *next, *prev; /* NULL: in no list */
    bool marker;
};

/* ---- routes ---- */

struct path {
    struct path *next; /* of the route; the used ones first */
    struct path *next_of_neighbour, **at_of_neighbour;
    struct rip_route *route;
    struct rip_neighbour *neighbour;
    uint64_t heard_ns;
    uint32_t gateway;
    uint16_t tag;
    uint8_t offered; /* metric that the neighbour said */
    uint8_t metric;  /* with what the way to it costs; below 16 */
    bool used;
    uint32_t
        epoch; /* of RFC 2091's exchange: the neighbour's as of then; 0: of an ordinary response, which times out */
};

struct rip_route {
    struct link link;   /* first: the link is the route */
    struct timer timer; /* the earliest of what may happen to it */
    struct rip_route *next_dirty;
    struct path *paths;
    uint64_t changed;    /* rip->changes as of its last change: the list is in this order */
    uint64_t since_ns;   /* of that */
    uint64_t garbage_ns; /* unreachable: when it is forgotten; 0: it is not */
    uint64_t held_ns;    /* held down until then; 0: it is not */
    struct prefix prefix;

    /* what is our own */
    uint32_t gateway;   /* of the redistributed */
    uint16_t interface; /* whose network it is; PORT_NONE */
    uint8_t winner;     /* enum rib_protocol, the RIB's; RIB_PROTOCOL__COUNT: none, or not redistributed */
    bool originated;    /* default-information */
    bool dirty;         /* the RIB told something: to be updated by the next rip_run */

    /* what all of that comes to */
    uint32_t next_hop; /* on a subnet of ours or not; 0: us. Stays when the route is lost: it is lost by that */
    bool next_hop_is_learned;
    uint8_t kind; /* enum rip_kind */
    uint8_t metric;
    uint16_t tag;
    uint8_t held_metric; /* the one it must beat while it is held down */
    uint8_t n_paths, n_used;
    uint8_t distance;                    /* in the RIB; 0: it is not there */
    uint64_t told[RIP_OUTLETS_MAX / 64]; /* outlets on which it was last sent as reachable */
};

static inline struct rip_route *route_of_link(struct link *link)
{
    return (struct rip_route *)link;
}

/* ---- neighbours ---- */

struct rip_neighbour {
    struct rip_neighbour *next; /* of the interface; who spoke last is first */
    struct rip_interface *interface;
    struct path *paths;    /* the newest first */
    struct path *expected; /* what it will probably offer next, as it did the last time; NULL: no idea */
    uint32_t address;
    uint8_t version; /* 0: nothing valid yet */
    bool lost;       /* its paths are being forgotten, in slices */
    bool silent;     /* it was logged that nothing is heard of it any more */
    uint32_t n_paths;
    uint64_t heard_ns;  /* something valid; 0: never */
    uint64_t came_ns;   /* anything */
    uint64_t logged_ns; /* that something was refused */
    struct rip_auth_seen seen;
    struct rip_peer *peer; /* of RFC 2091's exchange; NULL */
    bool permanent;        /* what it says now is said once (RFC 2091 3): an update response is being taken */
    uint32_t epoch;        /* counts its flushes, from 1; paths of earlier epochs stay until age_ns */
    uint64_t age_ns;       /* NEVER_NS: there are none */
    uint64_t lacks_ns;     /* there was no room for some of them: when to look whether there is; 0: there was */
    uint64_t requests, responses;
    uint64_t rejects[RIP_REJECT__COUNT];
};

/* ---- interfaces and outlets ---- */

enum job { JOB_NONE, JOB_FULL, JOB_TRIGGERED, JOB_GOODBYE };

/* One version of messages on one interface. */
struct outlet {
    struct rip_interface *interface;
    uint8_t version;
    bool open;           /* sends updates */
    uint16_t slot;       /* its bit in `told` */
    struct link told_to; /* marker: what is behind it has changed since it was sent; in the list while open */
    enum job job;
    bool to_group;                    /* what was sent went to the group or broadcast, too */
    bool goodbye_group;               /* JOB_GOODBYE: only to the group or broadcast; unicast neighbours go on */
    bool sent;                        /* the job has sent something */
    struct link at;                   /* marker of the job, in the list while there is one */
    uint64_t until;                   /* the job is done where route.changed is beyond this */
    uint64_t told_until;              /* rip->changes as of the last job: if there were more, they are to be sent */
    uint64_t resume_ns;               /* the job goes on then */
    uint64_t update_ns;               /* next regular update */
    uint64_t damped_ns;               /* no triggered update before */
    struct summary *due;              /* to be looked at when the job ends */
    const struct patricia *summaries; /* where those are that are known */
    unsigned n_entries;               /* collected, not sent yet */
    struct rip_entry entries[RIP_ENTRIES_MAX];
};

/* A route that stands for several on one interface: configured, or of a class where version 1 may hear it. */
struct summary {
    struct summary *next_due[2]; /* by outlet */
    struct prefix prefix;
    bool due[2];     /* one of its routes came by in the job of the outlet */
    bool fresh[2];   /* it did in a full update */
    uint8_t told[2]; /* metric last sent by the outlet; 0: none, or 16 */
};

/* An interface as RFC 2091's exchange sees it. */
struct rip_circuit {
    bool on;         /* there may be peers */
    unsigned peers;  /* those who are being left included */
    unsigned asked;  /* the group, since nobody answers */
    uint64_t ask_ns; /* next time */
};

struct rip_interface {
    uint16_t port;
    bool up;
    bool removed; /* goes when its goodbye is said */
    bool hurried; /* which is said without pauses */
    struct rip_interface_settings *settings;
    struct prefix *addresses;
    unsigned n_addresses;
    struct outlet outlets[2]; /* of version 1 and 2 */
    struct rip_neighbour *neighbours;
    unsigned n_neighbours;
    struct patricia summaries; /* of struct summary, as they came up */
    struct rip_circuit circuit;
    struct rip_auth_sent sent;
    struct rip_auth_log auth_log;
    struct bucket requests;
    uint64_t logged_ns;
    struct rip_interface_counters counters;
    struct bucket complaints;
};

/* Paths of earlier epochs than their neighbours' whose time has come are forgotten in a walk through all routes. */
struct rip_aging {
    struct link at;
    bool walking;
    uint64_t until_ns; /* those whose time had come by then */
    uint64_t due_ns;   /* the next walk; NEVER_NS */
};

/* A requester who is being sent the whole table. */
struct reply {
    struct outlet *outlet; /* NULL: free */
    uint32_t dst;
    uint16_t dst_port;
    struct link at;
    uint64_t until;
    unsigned n_entries;
    struct rip_entry entries[RIP_ENTRIES_MAX];
};

struct rip {
    struct rib *rib;
    struct rip_settings *settings;
    struct rip_hooks hooks;
    uint64_t random; /* splitmix64 state */
    unsigned debug;
    bool stopping;
    bool fresh; /* rip_run was not called yet */

    struct patricia table; /* of struct rip_route */
    struct link routes;    /* head of the list: next is what changed longest ago */
    struct slab_pool route_pool, path_pool;
    struct timers timers;
    size_t n_routes, n_paths, n_unreachable, n_learned;
    uint64_t changes;

    struct rip_interface *interfaces[PORT_MAX];
    unsigned n_interfaces;                     /* the numbers below are used */
    uint64_t slots[RIP_OUTLETS_MAX / 64];      /* taken */
    uint64_t slots_used[RIP_OUTLETS_MAX / 64]; /* may have bits left in routes */
    uint64_t slots_kept[RIP_OUTLETS_MAX / 64]; /* of peers: who was told of a route must be told when it goes */
    struct reply replies[RIP_REPLIES_MAX];
    unsigned reply_turn; /* whose turn it is */
    uint64_t replies_ns; /* they go on then */

    struct rib_watch watch;
    bool walking; /* the RIB, for what is redistributed */
    struct rib_cursor walk;
    bool reviewing; /* all routes, after a change of settings */
    struct link review;
    uint64_t review_until;
    bool losing; /* some neighbour is lost */
    bool asking; /* rip_clear was called; the requests go out when nobody is lost any more */
    struct rip_aging aging;
    struct rip_route *dirty;
    uint64_t sweep_ns;
    uint64_t no_interface;
    uint64_t rejects[RIP_REJECT__COUNT];
};

/* ---- rip.c ---- */

uint64_t rip_random(struct rip *rip);

void rip_log(struct rip *rip, enum rip_level level, unsigned port, uint32_t addr, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Every route is looked at anew, in slices: settings have changed that it may depend on. */
void rip_review(struct rip *rip);

/* ---- rip_debug.c: only while KIND is wanted ---- */

void rip_debug_say(const struct rip *rip, enum rip_debug kind, unsigned port, uint32_t addr, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static inline bool rip_debugs(const struct rip *rip, enum rip_debug kind)
{
    return (rip->debug & kind) != 0;
}

/* The arguments are looked at only when somebody wants them. */
#define rip_debug_if(rip, kind, port, addr, ...)                                                                       \
    do {                                                                                                               \
        if (rip_debugs(rip, kind))                                                                                     \
            rip_debug_say(rip, kind, port, addr, __VA_ARGS__);                                                         \
    } while (0)

struct rip_told {
    const uint8_t *message;
    size_t len, entries; /* without that of authentication */
    bool is_signed;      /* as its interface wants it; false: it could not be */
};

/* A message of a neighbour, or to ADDR. */
void rip_debug_message(const struct rip *rip, const struct rip_interface *interface, const char *what, uint32_t addr,
                       const struct rip_told *told);

/* What ROUTE has become. */
void rip_debug_route(const struct rip *rip, const struct rip_route *route);

void rip_debug_path_gone(const struct rip *rip, const struct path *path, const char *why);

/* ---- rip_policy.c ---- */

/* Copies in one block, to be freed with free(). NULL when there is no memory. */
struct rip_settings *rip_settings_copy(const struct rip_settings *settings);
struct rip_interface_settings *rip_interface_settings_copy(const struct rip_interface_settings *settings);

/* LIST may be NULL: everything. */
bool rip_policy_permits(const struct rip_prefix_list *list, struct prefix prefix);
unsigned rip_policy_offset(const struct rip_offset *offsets, unsigned n, struct prefix prefix);
uint8_t rip_policy_distance(const struct rip_settings *settings, uint32_t source, struct prefix prefix);

/* ---- rip_table.c ---- */

void rip_link_init(struct link *head);
void rip_link_insert_before(struct link *link, struct link *at);
void rip_link_remove(struct link *link);

struct rip_route *rip_route_find(const struct rip *rip, struct prefix prefix);

/* Made if there is none; then rip_route_update decides what becomes of it. NULL when there is no memory. */
struct rip_route *rip_route_get(struct rip *rip, struct prefix prefix);

/* The next route for a walk that ends where routes changed after UNTIL, and MARKER behind it. NULL at the end. */
struct rip_route *rip_route_step(const struct rip *rip, struct link *marker, uint64_t until);

/* The same in two, for walks in which nothing changes the list: the route after AT, which stays; and MARKER behind AT.
 */
struct rip_route *rip_route_after(const struct rip *rip, const struct link *at, uint64_t until);
void rip_marker_move(struct link *marker, struct link *at);

/* Something that ROUTE is made of has changed: what it comes to, the RIB, the timers, and who must be told. */
void rip_route_update(struct rip *rip, struct rip_route *route, struct now now);

/* The same when settings have changed: policy for what comes in is applied anew. */
void rip_route_review(struct rip *rip, struct rip_route *route, struct now now);

/* The same, by the next rip_run: for callers that may not change the RIB. */
void rip_route_make_dirty(struct rip *rip, struct rip_route *route);
void rip_routes_update_dirty(struct rip *rip, unsigned most, struct now now);

/* A NEIGHBOUR offers a way to PREFIX with a metric of 1 to 16. */
enum rip_reject rip_path_offer(struct rip *rip, struct rip_neighbour *neighbour, struct prefix prefix, uint32_t gateway,
                               uint16_t tag, uint8_t offered, struct now now);

/* When it times out; NEVER_NS: not while nothing happens (RFC 2091 3). */
uint64_t rip_path_due(const struct rip *rip, const struct path *path);

/* Forgets a path, for a reason in a clause; ROUTE is to be updated afterwards. */
void rip_path_remove(struct rip *rip, struct path *path, const char *why);

void rip_table_free(struct rip *rip, struct now now);

/* ---- rip_redistribute.c ---- */

void rip_redistribute_begin(struct rip *rip);
void rip_redistribute_end(struct rip *rip);

/* Walks on; false when it is done. */
bool rip_redistribute_walk(struct rip *rip, unsigned most);

/* 0.0.0.0/0 begins or ends, as settings say. */
void rip_redistribute_default(struct rip *rip, struct now now);

/* Whether the RIB's winner is sent as our own, with which metric and tag. */
bool rip_is_redistributed(const struct rip *rip, const struct rip_route *route, uint8_t *metric, uint16_t *tag);

/* ---- rip_neighbour.c ---- */

struct rip_neighbour *rip_neighbour_find(const struct rip_interface *interface, uint32_t address);

/* Made if there is none, and another evicted for it if need be. NULL when there is no room. */
struct rip_neighbour *rip_neighbour_get(struct rip_interface *interface, uint32_t address, struct now now);

/* Its paths count no more, and are forgotten by rip_neighbours_forget. */
void rip_neighbour_lose(struct rip *rip, struct rip_neighbour *neighbour);
void rip_neighbour_forget_all(struct rip *rip, struct rip_neighbour *neighbour, struct now now);

/* Forgets at most MOST paths of lost neighbours. False when there are no more. */
bool rip_neighbours_forget(struct rip *rip, unsigned most, struct now now);

/* Lets go of those who have not been heard for long and have nothing that must be remembered. */
void rip_neighbours_sweep(struct rip *rip, struct now now);
void rip_neighbours_free(struct rip_interface *interface);

/* ---- rip_interface.c ---- */

/* NULL when PORT is none of RIP's. */
struct rip_interface *rip_interface_find(const struct rip *rip, unsigned port);

/* The address of INTERFACE whose subnet ADDR is a host of, or NULL. */
const struct prefix *rip_interface_subnet_of(const struct rip_interface *interface, uint32_t addr);
bool rip_interface_is_own(const struct rip_interface *interface, uint32_t addr);

/* Says when another key is sent with, or none is left. */
void rip_interface_watch_keys(struct rip *rip, struct rip_interface *interface, struct now now);

/* Outlets open and close as settings and states demand. */
void rip_interface_refresh(struct rip *rip, struct rip_interface *interface, struct now now);

/* Frees it if it was removed and nothing is left to be done. True if it is gone. */
bool rip_interface_reap(struct rip *rip, struct rip_interface *interface);
void rip_interface_free(struct rip *rip, struct rip_interface *interface);

/* ---- rip_output.c ---- */

bool rip_outlet_has_targets(const struct rip *rip, const struct rip_interface *interface, bool group);
void rip_outlet_open(struct rip *rip, struct outlet *outlet, struct now now);
void rip_outlet_close(struct rip *rip, struct outlet *outlet);
void rip_outlet_goodbye(struct rip *rip, struct outlet *outlet, bool only_group);

/* Everything is sent soon, as what may be sent has changed. */
void rip_outlet_refresh(struct outlet *outlet, struct now now);

/* The instance's settings were WAS and are others now. */
void rip_outlet_configured(struct rip *rip, struct outlet *outlet, const struct rip_settings *was, struct now now);

/* One of `neighbors` that is none any more hears that everything it was told is unreachable. */
void rip_outlet_leave_neighbor(struct rip *rip, struct rip_interface *interface, uint32_t addr, struct now now);

/* Asks for the whole table. */
void rip_outlet_request(struct rip *rip, struct outlet *outlet, struct now now);

/* Answers a request for the whole table. RIP_REJECT_RATE when too many are being answered. */
enum rip_reject rip_outlet_reply(struct rip *rip, struct outlet *outlet, uint32_t dst, uint16_t dst_port);

/* Whoever is being answered by OUTLET, open or not, is so no more. */
void rip_outlet_drop_replies(struct rip *rip, const struct outlet *outlet);

/* Answers with these ENTRIES, as they are. */
void rip_outlet_answer(struct rip *rip, struct outlet *outlet, uint32_t dst, uint16_t dst_port,
                       const struct rip_entry *entries, unsigned n, struct now now);

/* Sends what is due, a slice of it; returns when to go on. */
uint64_t rip_output_run(struct rip *rip, struct now now);

/* For rip_triggered_walk.c, which tells one peer what an outlet tells all. The slot of an outlet is its bit in `told`;
 * false: there is none left. */
bool rip_outlet_take_slot(struct rip *rip, struct outlet *outlet);
void rip_outlet_free_slot(struct rip *rip, const struct outlet *outlet);
bool rip_outlet_was_told(const struct outlet *outlet, const struct rip_route *route);
void rip_outlet_set_told(const struct outlet *outlet, struct rip_route *route, bool told);

/* The metric of ROUTE there: 16 if as unreachable, 0 if it is not told; RIP_SUMMARIZED: *summary is in its place. */
#define RIP_SUMMARIZED 255
unsigned rip_outlet_metric(const struct outlet *outlet, const struct rip_route *route, struct prefix *summary);

/* The least metric of what SUMMARY holds; 16 if nothing. Adds to *looked how many routes that took. */
unsigned rip_outlet_summary_metric(const struct rip *rip, const struct outlet *outlet, struct prefix summary,
                                   unsigned *looked);

#endif
