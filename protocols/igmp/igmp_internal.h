/* What the files of IGMP share.
 *
 *   igmp.c            the instance: settings, time, the doors for forwarding
 *   igmp_interface.c  interfaces: up, down, other settings; intervals that follow from them
 *   igmp_input.c      what comes in: one ladder of checks
 *   igmp_querier.c    general queries, and who sends them
 *   igmp_group.c      groups: what is wanted of them, and until when
 *   igmp_record.c     what hosts say of them, by the tables of RFC 9776 6.4 (igmp_table.c)
 *   igmp_ask.c        specific queries, and their repetitions
 *   igmp_track.c      which hosts want it, so that fast leave cuts nobody off
 *   igmp_host.c       this router as a host: reports and answers, on every interface
 *   igmp_report.c     the messages of that
 *   igmp_proxy.c      what the upstream interface reports: all others merged (RFC 4605)
 *   igmp_packet.c, igmp_reject.c   bytes and words
 *   igmp_view.c       looking
 *
 * What is learned and what is configured are apart: a group has a learned filter mode and sources, which the RFC's
 * tables work on and nothing else, and static entries beside it. Only the doors out (igmp_wants, the proxy, views) look
 * at both.
 *
 * A group has one timer, for the earliest of its deadlines. It may fire too early, as it is not moved when a deadline
 * moves away: a refresh costs no more than its record. */
#ifndef PROTOCOLS_IGMP_INTERNAL_H
#define PROTOCOLS_IGMP_INTERNAL_H

#include "forwarding/bucket.h"
#include "forwarding/packet.h"
#include "forwarding/patricia.h"
#include "forwarding/slab.h"
#include "forwarding/timers.h"
#include "protocols/igmp/igmp.h"
#include "protocols/igmp/igmp_packet.h"

#define IGMP_TRACK_BUCKETS 16384u
#define IGMP_LIST_MAX      16384 /* a record of the longest datagram has less */

/* ---- groups: the router's part ---- */

struct igmp_source {
    uint64_t until_ns; /* the source timer; 0: it does not run, and the source is blocked (only in mode EXCLUDE) */
    uint64_t ask_ns;   /* the next query for it, while `left` */
    uint32_t addr;
    uint8_t left; /* queries still to be sent */
};

/* A host that was heard to want something of a group. */
struct igmp_tracked {
    struct igmp_tracked *next_in_bucket;
    struct igmp_tracked *next, *prev; /* of the group */
    struct igmp_group *group;
    struct timer timer;
    uint64_t until_ns;         /* forgotten then; the timer may be earlier */
    uint64_t exclude_until_ns; /* mode EXCLUDE, unless heard again */
    uint32_t addr;
    bool exclude;
    uint16_t n_sources; /* wanted ones; with exclude, unwanted ones; in order */
    uint32_t *sources;
};

struct igmp_group {
    struct igmp_interface *interface;
    struct timer timer;
    uint32_t addr;
    bool exclude;      /* the learned filter mode; INCLUDE without sources: nothing is learned */
    bool counted;      /* something was learned, as the interface's numbers know */
    bool changed;      /* igmp_group_done is to say so */
    bool asked_now;    /* Q(G) is to be sent by igmp_ask_new */
    uint8_t left;      /* group-specific queries still to be sent */
    uint64_t until_ns; /* the group timer, in mode EXCLUDE */
    uint64_t ask_ns;
    uint64_t since_ns;
    uint64_t v1_until_ns, v2_until_ns; /* older hosts are present */
    uint64_t untracked_until_ns;
    uint32_t last_reporter;
    unsigned n_sources, n_tracked, n_statics;
    struct igmp_source *sources; /* in order */
    struct igmp_tracked *tracked;
    const struct igmp_static *statics; /* of the interface's settings; source 0 first */
};

/* ---- the host's part ---- */

struct igmp_change { /* a source whose state has changed, until that was said often enough */
    uint32_t source;
    uint8_t left;
};

/* What this router reports of a group on an interface. */
struct igmp_member {
    struct igmp_interface *interface;
    struct igmp_member *next_dirty;
    struct timer repeat, answer;
    uint32_t group;
    bool joined; /* by igmp_join */
    bool dirty;  /* the proxy is to look at it */
    bool exclude;
    uint8_t left;      /* reports of changes still to be sent */
    uint8_t mode_left; /* of them, those that say the filter mode */
    unsigned n_sources, n_changes, n_asked;
    uint32_t *sources;           /* in order */
    struct igmp_change *changes; /* in order */
    uint32_t *asked;             /* in order: sources of the query to be answered; none: it was for the whole group */
};

struct igmp_host {
    struct patricia members;
    struct timer answer; /* to a general query: begins, or goes on with the group `walk_from` */
    bool walking;
    uint32_t walk_from;
    uint64_t walk_gap_ns;
    uint64_t old_until_ns[3]; /* [1] and [2]: queriers of these versions are present */
    uint8_t version;          /* as of the last look */
    struct igmp_report batch; /* records of version 3, sent at the end of igmp_run */
};

/* ---- interfaces ---- */

struct igmp_interface {
    struct igmp *igmp;
    uint16_t port;
    bool up;
    bool upstream; /* the host's part only */
    struct igmp_interface_settings *settings;
    unsigned n_addresses;
    struct prefix *addresses;
    size_t room; /* for a message: the MTU less the IP header */

    /* the querier's part */
    struct timer timer; /* a general query, or the other querier's silence */
    bool querier;
    uint32_t querier_addr;
    uint64_t querier_since_ns;
    unsigned startup_left;
    uint64_t other_until_ns;
    uint64_t old_until_ns[3]; /* [1] and [2]: other queriers of these versions are present */
    uint64_t complete_ns;     /* before, there may be hosts that were not heard yet */

    /* in force: of the querier */
    uint8_t robustness;
    uint64_t query_interval_ns, response_interval_ns;

    struct patricia groups;
    unsigned n_learned, n_sources, n_tracked, n_tracked_sources;
    struct igmp_tracked **buckets; /* NULL until it is needed */

    struct igmp_host host;
    unsigned n_joins;
    uint32_t joins[IGMP_JOINS_MAX];
    struct bucket reports;
    uint64_t mismatch_ns, complained_ns[IGMP_REJECT__COUNT]; /* when that was last logged; 0: never */
    struct igmp_interface_counters counters;
};

struct igmp {
    struct igmp_settings *settings;
    struct igmp_hooks hooks;
    uint64_t random; /* splitmix64 state */
    unsigned debug;
    bool stopping;
    struct timers timers;
    struct slab_pool group_pool, tracked_pool, member_pool;
    struct igmp_interface *interfaces[PORT_MAX];
    unsigned n_interfaces;     /* the numbers below are used */
    struct igmp_member *dirty; /* of the upstream interface, to be merged anew */
    bool reviewing;            /* all groups are to be merged anew: first those that are reported, then all others */
    bool review_groups;
    struct igmp_group_cursor review_at;
    bool batches; /* some interface has records to be sent */
    uint64_t no_interface;
    uint64_t rejects[IGMP_REJECT__COUNT];
    /* The sources of a record, in order. */
    uint32_t list[IGMP_LIST_MAX];
    uint32_t merged[3][IGMP_SOURCES_MAX]; /* for the proxy */
};

/* ---- igmp.c ---- */

uint64_t igmp_random(struct igmp *igmp);

/* A time in (0, MOST_NS]. */
uint64_t igmp_delay(struct igmp *igmp, uint64_t most_ns);

void igmp_log(struct igmp *igmp, enum igmp_level level, unsigned port, uint32_t addr, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The arguments are looked at only when somebody wants them. */
#define igmp_debug_if(igmp, kind, port, addr, ...)                                                                     \
    do {                                                                                                               \
        if (((igmp)->debug & (kind)) != 0)                                                                             \
            igmp_log(igmp, IGMP_DEBUG, port, addr, __VA_ARGS__);                                                       \
    } while (0)

bool igmp_is_ssm(const struct igmp *igmp, uint32_t group);

static inline bool igmp_is_link_local(uint32_t group) /* 224.0.0.0/24, RFC 5771 4 */
{
    return group >> 8 == IGMP_ALL_SYSTEMS >> 8;
}

/* ---- igmp_interface.c ---- */

/* NULL when PORT is none of IGMP's. */
struct igmp_interface *igmp_interface_find(const struct igmp *igmp, unsigned port);
bool igmp_interface_is_own(const struct igmp_interface *interface, uint32_t addr);
bool igmp_interface_is_near(const struct igmp_interface *interface, uint32_t addr); /* in one of its subnets */

/* Which part it plays, as the instance's settings say. */
void igmp_interface_role(struct igmp_interface *interface, struct now now);
void igmp_interface_free(struct igmp_interface *interface);
bool igmp_send(struct igmp_interface *interface, uint32_t dst, const uint8_t *message, size_t len, struct now now);

/* RFC 9776 8, with what is in force. */
uint64_t igmp_membership_interval(const struct igmp_interface *interface);
uint64_t igmp_older_host_interval(const struct igmp_interface *interface);
uint64_t igmp_other_querier_interval(const struct igmp_interface *interface);
uint64_t igmp_last_member_interval(const struct igmp_interface *interface);
unsigned igmp_last_member_count(const struct igmp_interface *interface);
uint64_t igmp_last_member_time(const struct igmp_interface *interface);

/* ---- igmp_querier.c ---- */

void igmp_querier_start(struct igmp_interface *interface, struct now now);
void igmp_querier_stop(struct igmp_interface *interface);

/* Settings have changed. */
void igmp_querier_configured(struct igmp_interface *interface, struct now now);

/* The version of the queries that are sent. */
uint8_t igmp_querier_version(const struct igmp_interface *interface, struct now now);

/* TO_HOSTS: hosts have heard it too, and will answer. */
void igmp_querier_hear(struct igmp_interface *interface, uint32_t src, const struct igmp_message *query, bool to_hosts,
                       struct now now);
void igmp_querier_send(struct igmp_interface *interface, struct igmp_query *query, struct now now);

/* ---- igmp_group.c ---- */

static inline bool igmp_group_is_learned(const struct igmp_group *group)
{
    return group->exclude || group->n_sources > 0;
}

struct igmp_group *igmp_group_find(const struct igmp_interface *interface, uint32_t addr);

/* With nothing learned: igmp_group_done frees it if that stays so. NULL when there is no memory. */
struct igmp_group *igmp_group_new(struct igmp_interface *interface, uint32_t addr, struct now now);

/* The source's entry, or NULL. */
struct igmp_source *igmp_source_find(const struct igmp_group *group, uint32_t addr);

/* RFC 9776 7.3.2; the version that is spoken on the wire bounds it. */
uint8_t igmp_group_version(const struct igmp_group *group, struct now now);

/* Timers are lowered as another router's query says: RFC 9776 6.6.1. */
void igmp_group_queried(struct igmp_interface *interface, const struct igmp_message *query, struct now now);

/* Deadlines that have passed. */
void igmp_group_settle(struct igmp_group *group, struct now now);

/* Something was done to GROUP: it goes if nothing is left of it, its timer is set, and whoever must know is told. It
 * must not be used afterwards. */
void igmp_group_done(struct igmp_group *group, struct now now);

/* Binds the static entries of the interface's settings to groups. */
void igmp_groups_configured(struct igmp_interface *interface, struct now now);

/* Forgets what was learned, of one group or all. Of all, only the static ones are told: the caller says the rest. */
void igmp_group_forget(struct igmp_group *group, struct now now);
void igmp_groups_forget(struct igmp_interface *interface, struct now now);
void igmp_groups_free(struct igmp_interface *interface);

/* Whether SOURCE is wanted, by hosts or configuration. */
bool igmp_group_wants(const struct igmp_group *group, uint32_t source);
bool igmp_group_has_static(const struct igmp_group *group, uint32_t source);

/* ---- igmp_record.c ---- */

/* A record of a group from REPORTER, a host; VERSION is that of the message. The sources are in LIST, in order and
 * without doubles. */
enum igmp_reject igmp_group_record(struct igmp_interface *interface, uint32_t addr, enum igmp_record_type type,
                                   uint8_t version, const uint32_t *list, unsigned n, uint32_t reporter,
                                   struct now now);

/* ---- igmp_ask.c ---- */

/* The actions "Send Q(G)" and, of one source, "Send Q(G,X)" of RFC 9776 6.6.3: timers are lowered, what is to be sent
 * is noted. Nothing where this router does not ask, or the version has no such query. */
void igmp_ask_group(struct igmp_group *group, struct now now);
void igmp_ask_source(struct igmp_group *group, struct igmp_source *source, struct now now);

/* Sends what has been noted. */
void igmp_ask_new(struct igmp_group *group, struct now now);

/* Sends what is to be repeated by now. */
void igmp_ask_again(struct igmp_group *group, struct now now);

/* ---- igmp_track.c ---- */

/* REPORTER has sent that record, which was used. */
void igmp_track_record(struct igmp_group *group, enum igmp_record_type type, const uint32_t *list, unsigned n,
                       uint32_t reporter, struct now now);

/* Somebody may want something of GROUP and not be tracked, until then. */
void igmp_track_doubt(struct igmp_group *group, uint64_t until_ns);
bool igmp_track_is_complete(const struct igmp_group *group, struct now now);

/* Whether a tracked host wants SOURCE. */
bool igmp_track_wants(const struct igmp_group *group, uint32_t source, struct now now);

/* Whether the group may switch to mode INCLUDE at once: no tracked host is in mode EXCLUDE, and what they all want is
 * among the sources whose timers run. (It need not be: a change to EXCLUDE forgets the sources that it does not name.)
 */
bool igmp_track_may_include(const struct igmp_group *group, struct now now);
void igmp_track_forget(struct igmp_group *group);

/* ---- igmp_host.c ---- */

void igmp_host_start(struct igmp_interface *interface, struct now now);
void igmp_host_stop(struct igmp_interface *interface);
bool igmp_host_join(struct igmp_interface *interface, uint32_t group, bool on, struct now now);

/* What this interface reports of GROUP is to be that; the sources in order. What changes is reported soon. False when
 * there is no memory. */
bool igmp_host_set(struct igmp_interface *interface, uint32_t group, bool exclude, const uint32_t *sources, unsigned n,
                   struct now now);
struct igmp_member *igmp_member_find(const struct igmp_interface *interface, uint32_t group);
struct igmp_member *igmp_member_get(struct igmp_interface *interface, uint32_t group);

/* Frees MEMBER if there is nothing left to say of it. */
void igmp_member_reap(struct igmp_member *member);

/* A query that any router sent on the wire, this one included. */
void igmp_host_query(struct igmp_interface *interface, const struct igmp_message *query, struct now now);

/* Another host's report of version 1 or 2: RFC 2236 3. */
void igmp_host_overheard(struct igmp_interface *interface, uint32_t group);
uint8_t igmp_host_version(const struct igmp_interface *interface, struct now now);

/* ---- igmp_report.c ---- */

static inline bool igmp_member_is_wanted(const struct igmp_member *member)
{
    return member->exclude || member->n_sources > 0;
}

/* Says what has changed of MEMBER, once. */
void igmp_report_change(struct igmp_member *member, struct now now);

/* Answers what was asked of it: all of it, or some sources. */
void igmp_report_answer(struct igmp_member *member, struct now now);

/* Sends the records that wait. */
void igmp_report_flush(struct igmp_interface *interface, struct now now);

/* ---- igmp_proxy.c ---- */

/* What is wanted of GROUP on some other interface may have changed. */
void igmp_proxy_touch(struct igmp *igmp, uint32_t group);

/* Everything is merged anew: the upstream interface is another. */
void igmp_proxy_review(struct igmp *igmp);

/* Merges what was touched, a slice of it. False when there is no more. */
bool igmp_proxy_run(struct igmp *igmp, unsigned most, struct now now);

#endif
