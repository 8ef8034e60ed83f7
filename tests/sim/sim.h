/* RIP routers by the hundred on memory wires, in simulated time: what a seed makes of them, what happens to them, and
 * whether they do as they should.
 *
 *   net.c       wires, routers, the clock
 *   queue.c     what is going to happen, in order
 *   topology.c  who is connected with whom, and all settings
 *   changes.c   links and routers fail and come back, settings change
 *   limits.c    no router sends more than it may
 *   oracle.c    the shortest paths, and whether the tables are these
 *   cases.c     networks that are not random
 *   rip.c       the program
 *
 * Everything random comes from the seed: the same seed does the same again. */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/fib.h"
#include "protocols/rip/rip.h"
#include "tests/sim/queue.h"

#define SIM_PORTS     24 /* of a router, to wires; one more is its loopback */
#define SIM_LOOPBACK  SIM_PORTS
#define SIM_MEMBERS   16 /* of a wire */
#define SIM_NEIGHBORS 64 /* unicast neighbours of a router */
#define SIM_KEYS      2
#define SIM_NO_WIRE   UINT32_MAX
#define SIM_TARGETS   (SIM_MEMBERS + 1)

/* ---- what a port may send (limits.c) ---- */

/* One job's messages to one address. */
struct sim_target {
    uint32_t dst;
    unsigned messages, entries;
};

struct sim_job {
    uint64_t began_ns, last_ns; /* 0: never */
    bool disturbed;             /* something was done to the port meanwhile */
    unsigned n_targets;
    struct sim_target targets[SIM_TARGETS];
};

/* One version on one port. */
struct sim_stream {
    struct sim_job update, triggered;
    unsigned free_updates; /* may come early: something was done to the port */
    bool free_triggered;
};

struct sim_limits {
    struct sim_stream streams[2];
    struct rip_interface_counters counters;
    unsigned replies, requests; /* that it may still send */
    uint8_t sequence_key;
    uint32_t sequence;
};

/* ---- routers ---- */

struct sim;

struct sim_port {
    unsigned wire, member;
    struct prefix address;
    bool configured; /* one of RIP's interfaces */
    bool enabled;    /* as far as the router is concerned */
    bool link;       /* up: enabled, and the wire has a carrier */
    unsigned group;  /* of those on the wire who have the same keys */
    bool deny_in, deny_out;
    uint8_t add_in, add_out; /* to the metrics of marked prefixes */
    struct rip_interface_settings settings;
    struct rip_offset offset_in, offset_out;
    struct sim_limits limits;
};

struct sim_pending {
    bool is;
    unsigned port;
    uint8_t command, version;
    uint32_t dst;
    unsigned entries;
};

struct sim_router {
    struct sim *sim;
    unsigned number;
    bool alive, stopping;
    uint64_t stop_ns;
    struct fib *fib;
    struct rib *rib;
    struct rip *rip;
    struct rip_settings settings;
    uint32_t neighbors[SIM_NEIGHBORS];
    unsigned n_ports;
    struct sim_port ports[SIM_PORTS];
    uint64_t wake_ns;
    uint64_t restart_ns; /* dead: when it starts again; NEVER_NS */
    struct sim_pending pending;
    unsigned starts;
};

struct sim_member {
    unsigned router, port;
};

struct sim_wire {
    struct prefix prefix;
    bool carrier;
    bool deaf;    /* nothing comes through, and nobody knows */
    bool circuit; /* of two who speak RFC 2091 there; an end whose other end is gone is down */
    unsigned n;
    struct sim_member members[SIM_MEMBERS];
    struct rip_key keys[2][SIM_KEYS]; /* by group */
    unsigned n_keys;
};

/* A prefix that somebody may have; `marked` ones are those that policies are about. */
struct sim_prefix {
    struct prefix prefix;
    bool marked;
    unsigned wire;              /* whose it is, or SIM_NO_WIRE */
    unsigned n_origins, origin; /* and one of them */
};

enum sim_kind { SIM_STATIC, SIM_ADDRESS, SIM_DEFAULT };

/* A router's own prefix, wires aside. */
struct sim_origin {
    unsigned router, prefix;
    enum sim_kind kind;
    bool on;
};

struct sim_message; /* on its way */

struct sim {
    uint64_t seed, random;
    struct now now;
    bool failed, verbose;
    unsigned debug;      /* enum rip_debug: what routers are to tell */
    uint64_t resting_ns; /* nothing has changed since then; 0: it has */
    struct queue queue;

    unsigned n_routers, n_wires, n_prefixes, n_origins;
    struct sim_router *routers;
    struct sim_wire *wires;
    struct sim_prefix *prefixes; /* in order, once sim_topology_done was called */
    struct sim_origin *origins;
    unsigned room_wires, room_prefixes, room_origins;

    /* of the seed */
    bool classful; /* version 1 is spoken somewhere, so that only whole class C networks are used */
    bool digests;  /* somewhere */
    bool circuits; /* asked for: every third wire that may be one is */
    uint32_t update_s, timeout_s, garbage_s, holddown_s;
    struct prefix marked; /* what policies are about */
    struct rip_prefix_rule deny_rules[2], marked_rule[1];
    struct rip_prefix_list deny, only_marked;

    /* of the wires, now */
    unsigned loss_percent, duplicate_percent;
    uint64_t spread_ns; /* how much longer one message may take than another */

    uint8_t *metrics; /* oracle: of prefix and router */

    uint64_t messages, deliveries, triggered, updates;
    uint64_t exchanged; /* messages of RFC 2091 */
    unsigned changes;
};

/* ---- randomness and failure (net.c) ---- */

uint64_t sim_random(struct sim *sim);
unsigned sim_below(struct sim *sim, unsigned n);                    /* 0..n-1 */
unsigned sim_between(struct sim *sim, unsigned low, unsigned high); /* both included */
bool sim_percent(struct sim *sim, unsigned percent);

/* Only the first failure is told. */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- net.c ---- */

void sim_begin(struct sim *sim, uint64_t seed);
void sim_end(struct sim *sim);

/* Everything that happens until then. It ends early when something fails. */
void sim_run_to(struct sim *sim, uint64_t ns);
void sim_run(struct sim *sim, double seconds);

void sim_start(struct sim *sim, struct sim_router *router);
void sim_kill(struct sim *sim, struct sim_router *router); /* as if it were switched off */
void sim_stop(struct sim *sim, struct sim_router *router); /* it says goodbye before */

/* What is so has changed, and the router is to know: */
void sim_port_refresh(struct sim *sim, struct sim_router *router, unsigned port);   /* enabled, the carrier */
void sim_port_configure(struct sim *sim, struct sim_router *router, unsigned port); /* settings, configured */
void sim_router_configure(struct sim *sim, struct sim_router *router);              /* settings */
void sim_origin_refresh(struct sim *sim, struct sim_origin *origin);                /* on */
void sim_clear(struct sim *sim, struct sim_router *router);

static inline struct sim_port *sim_port_of(const struct sim *sim, const struct sim_member *member)
{
    return &sim->routers[member->router].ports[member->port];
}

/* ---- topology.c ---- */

unsigned sim_add_wire(struct sim *sim, struct prefix prefix);
void sim_join(struct sim *sim, unsigned router, unsigned wire); /* nothing, when there is no room */
void sim_add_origin(struct sim *sim, unsigned router, struct prefix prefix, enum sim_kind kind);

/* Makes N routers with default settings and no wires. */
void sim_make_routers(struct sim *sim, unsigned n);
void sim_topology_done(struct sim *sim);

/* All of it by the seed. */
void sim_make_random(struct sim *sim);

/* ---- changes.c ---- */

/* What happens in SECONDS, N changes in all and the restarts that follow from them. */
void sim_change(struct sim *sim, double seconds, unsigned n);

/* ---- limits.c ---- */

/* ROUTER sends something: called by its hook, before the engine has counted it. */
void sim_limits_sent(struct sim *sim, struct sim_router *router, unsigned port, uint32_t dst, const uint8_t *message,
                     size_t len);

/* After each call of the engine. */
void sim_limits_settle(struct sim *sim, struct sim_router *router);

/* Somebody has done something to the port, so that it may say everything at once. */
void sim_limits_touch(struct sim *sim, struct sim_router *router, unsigned port);

/* It has got a request. */
void sim_limits_asked(struct sim *sim, struct sim_router *router, unsigned port);

/* It keeps no more than it may. */
void sim_limits_memory(struct sim *sim, const struct sim_router *router);

/* ---- oracle.c ---- */

/* Computes the shortest paths as things stand now. */
void sim_oracle(struct sim *sim);

/* Are all tables as the oracle says? FINAL: and nothing else is left. REPORT: a difference is a failure. */
bool sim_compare(struct sim *sim, bool final, bool report);

/* What the oracle says. */
unsigned sim_oracle_metric(const struct sim *sim, unsigned prefix, unsigned router);

/* ---- cases.c ---- */

struct sim_case {
    const char *name;
    void (*run)(struct sim *sim);
};
extern const struct sim_case sim_cases[];
extern const unsigned sim_n_cases;

#endif
