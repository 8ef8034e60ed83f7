/* Hosts on one wire with an IGMP querier, or with two of which one is elected, in simulated time. The hosts are models
 * that follow RFC 9776 5, RFC 2236 and RFC 1112 sentence by sentence and share nothing with the router but the bytes.
 *
 * What is lost stays within the robustness variable: of as many transmissions of one thing as that says, one arrives.
 * For a state change these are its reports; for a query of one kind (general, of a group, of each source), the
 * exchanges of that query and its answer. */
#ifndef TESTS_SIM_IGMP_H
#define TESTS_SIM_IGMP_H

#include <stdbool.h>
#include <stdint.h>

#include "protocols/igmp/igmp.h"
#include "protocols/igmp/igmp_packet.h"
#include "tests/sim/queue.h"

#define SOURCES   8 /* that hosts name, a bit each; column SOURCES is one that nobody names */
#define COLUMNS   (SOURCES + 1)
#define SLOTS     3 /* groups that a host may listen to */
#define EXCHANGES (SOURCES + 2)
#define GROUP     SOURCES       /* exchanges of group-specific queries */
#define GENERAL   (SOURCES + 1) /* of general ones */

enum kind { KIND_SSM, KIND_V3, KIND_MIXED, KIND__COUNT }; /* of groups: who listens to them, and how */

/* A group that a host listens to, or does not: mode INCLUDE of nothing. */
struct slot {
    struct slot *next; /* of the group */
    struct host *host;
    uint32_t group; /* its number */
    bool unused;    /* another slot has that group */
    bool exclude;
    uint8_t mask;
    uint64_t since_ns[COLUMNS]; /* it has wanted that; 0: it does not */

    uint64_t repeat_ns; /* the next report of a change; 0: none */
    uint8_t mode_left, left[SOURCES];
    uint64_t answer_ns; /* 0: none */
    uint8_t asked;      /* sources to be answered for; 0: the group */
    bool last_reporter; /* versions 1 and 2 */

    uint8_t change_lost, lost[EXCHANGES], pending[EXCHANGES];
    uint16_t riding; /* exchanges that the answer to a general query is to end */
};

struct host {
    uint8_t version;
    bool dead;
    uint32_t addr;
    uint64_t general_ns; /* the answer to a general query; 0: none */
    struct slot slots[SLOTS];
};

struct group {
    struct slot *slots;
    unsigned wanted[COLUMNS], members;
    uint64_t unwanted_ns[COLUMNS], empty_ns; /* since when nobody wants that, or anything */
    uint64_t crash_ns;                       /* when a host was last silenced */
};

#define ROUTERS 2
#define SAID    1024 /* messages that wait to be heard */

struct router {
    struct sim *sim;
    struct igmp *igmp; /* NULL: there is none, or no longer */
    uint32_t addr;
};

struct said {
    struct router *by;
    uint32_t dst;
    size_t len;
    uint8_t bytes[IGMP_MESSAGE_MAX];
};

struct sim {
    struct router routers[ROUTERS]; /* the first has the lowest address */
    unsigned n_said;
    struct said said[SAID];
    struct igmp_interface_settings settings;
    struct now now;
    uint64_t random; /* splitmix64 state */
    uint64_t loss;   /* of 1000 */
    struct queue queue;
    unsigned n_hosts, n_groups;
    struct host *hosts;
    struct group *groups;
    unsigned long queries, reports, lost, checks;
    uint64_t failures;
};

/* Events: `router` is a host's or group's number, `port` one of these with a slot or column above it. */
enum event_kind {
    EVENT_ACTION,
    EVENT_GENERAL,
    EVENT_ANSWER,
    EVENT_REPEAT,
    EVENT_WANTED,
    EVENT_UNWANTED,
    EVENT_EMPTY,
    EVENT_KILL
};

uint64_t sim_below(struct sim *sim, uint64_t n);
void sim_event(struct sim *sim, uint64_t ns, enum event_kind kind, uint32_t number, uint32_t detail);

static inline enum kind kind_of(uint32_t group)
{
    return (enum kind)(group % KIND__COUNT);
}

static inline uint32_t group_addr(uint32_t group)
{
    return (kind_of(group) == KIND_SSM ? 0xe8010000u : 0xef010000u) + group;
}

static inline uint32_t source_addr(unsigned column)
{
    return 0x0a090001u + column;
}

static inline bool slot_is_member(const struct slot *slot)
{
    return slot->exclude || slot->mask != 0;
}

static inline bool slot_wants(const struct slot *slot, unsigned column)
{
    return column < SOURCES ? (slot->mask >> column & 1) != slot->exclude : slot->exclude;
}

/* ---- igmp_host.c ---- */

/* The host's filter for that group becomes another: RFC 9776 5.1. */
void host_change(struct sim *sim, struct slot *slot, bool exclude, uint8_t mask);

/* It falls silent, or comes back and listens to nothing. */
void host_die(struct sim *sim, struct host *host);

void host_hear_query(struct sim *sim, const struct igmp_message *query);
void host_event(struct sim *sim, enum event_kind kind, struct host *host, unsigned slot);

/* ---- igmp.c ---- */

/* What SLOT wants has become something else. */
void sim_wants(struct sim *sim, struct slot *slot);
void sim_deliver(struct sim *sim, const struct host *host, uint32_t dst, const uint8_t *bytes, size_t len);

#endif
