/* The configuration's model: what a router is told to be, as plain data. Built from a file (daemon/config_file.h), or
 * as a changed copy of the running one; validated whole (config_check); written as text (config_write_all). The schema
 * table (schema.h) knows every key. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/routes_file.h"
#include "forwarding/fib.h"
#include "forwarding/prefix.h"

/* Where a value was said, for error messages. FILE is owned by the configuration; line 0: nowhere (a default, or the
 * shell). */
struct config_place {
    const char *file;
    int line;
};

struct config_address {
    struct prefix prefix; /* with host bits */
    struct config_place place;
};

enum config_interface_type { CONFIG_ETHERNET, CONFIG_LOOPBACK };

#define CONFIG_UNSAID (-1) /* of a choice that follows another one unless it is made */

struct config_rip_offset {
    int64_t direction; /* enum config_direction */
    int64_t metric;
    char *list; /* of what it is for; NULL: everything */
    bool doubtful;
    struct config_place place, list_place;
};

struct config_rip_summary {
    struct prefix prefix;
    struct config_place place;
};

enum config_direction { CONFIG_IN, CONFIG_OUT };
enum config_rip_versions { CONFIG_RIP_1, CONFIG_RIP_2, CONFIG_RIP_1_2 };

/* RIP on an interface. */
struct config_rip_interface {
    bool enabled, passive, v2_broadcast, auto_summary, triggered;
    int64_t send_version, receive_version; /* enum config_rip_versions or CONFIG_UNSAID */
    int64_t split_horizon;                 /* enum rip_split_horizon */
    int64_t metric_in, metric_out;
    int64_t auth_mode; /* enum rip_auth_mode */
    int64_t key_id;
    char *key, *key_chain;        /* NULL: none */
    char *filter_in, *filter_out; /* prefix lists; NULL: none */
    struct config_rip_offset *offsets;
    size_t n_offsets;
    struct config_rip_summary *summaries;
    size_t n_summaries;
    struct config_place auth_place, key_place, key_chain_place, filter_in_place, filter_out_place;
};

struct config_group {
    uint32_t address; /* of multicast */
    struct config_place place;
};

/* IGMP on an interface. */
struct config_igmp_interface {
    bool enabled, querier, fast_leave, require_router_alert;
    int64_t version, robustness;
    int64_t query_interval;                         /* seconds */
    double response_interval, last_member_interval; /* seconds */
    int64_t last_member_count;                      /* 0: robustness */
    int64_t startup_interval, startup_count;        /* seconds, 0: a quarter of the query interval; 0: robustness */
    int64_t group_limit, source_limit, host_limit;  /* 0: none */
    int64_t report_limit;                           /* a second; 0: none */
    struct config_group *static_groups;
    size_t n_static_groups;
    struct config_place response_place, last_member_place;
};

struct config_range {
    struct prefix prefix; /* of multicast */
    struct config_place place;
};

/* What multicast forwarding asks of an interface. */
struct config_multicast_interface {
    int64_t ttl_threshold;
    struct config_range *boundaries;
    size_t n_boundaries;
};

struct config_interface {
    char *name;
    int64_t type;      /* enum config_interface_type */
    char *description; /* NULL: none */
    struct config_address *addresses;
    size_t n_addresses;
    int64_t mtu; /* 0: the device's */
    bool shutdown, proxy_arp, redirects, unreachables, mask_reply, directed_broadcast, source_route;
    int64_t arp_timeout; /* seconds */
    struct config_rip_interface rip;
    struct config_igmp_interface igmp;
    struct config_multicast_interface multicast;
    bool doubtful; /* the reader refused some value of it: what would follow from it is not checked */
    struct config_place place, mtu_place; /* place: of the name */
};

struct config_route {
    struct prefix prefix;
    int64_t type; /* enum rib_type's order: unicast, blackhole, unreachable, prohibit */
    uint32_t via[FIB_HOPS_MAX];
    struct config_place via_place[FIB_HOPS_MAX];
    unsigned n_via;
    char *interface; /* NULL: none; with or without via */
    int64_t distance;
    bool doubtful;
    struct config_place place, interface_place, type_place; /* place: of the prefix */
};

struct config_arp {
    char *interface;
    uint32_t address;
    uint8_t mac[6];
    bool doubtful;
    struct config_place place, interface_place, mac_place; /* place: of the address */
};

struct config_prefix_rule {
    int64_t seq;    /* 0: not said */
    int64_t action; /* enum config_action */
    struct prefix prefix;
    int64_t ge, le; /* 0: not said */
    bool doubtful;
    struct config_place place;
};

enum config_action { CONFIG_PERMIT, CONFIG_DENY };

#define CONFIG_SEQ_STEP 5
#define CONFIG_SEQ_MAX  INT64_C(2147483647)

/* The number of RULE behind one whose number is BEFORE (0: the first): what it says, or the next multiple of the step.
 */
static inline int64_t config_seq(const struct config_prefix_rule *rule, int64_t before)
{
    return rule->seq != 0 ? rule->seq : before / CONFIG_SEQ_STEP * CONFIG_SEQ_STEP + CONFIG_SEQ_STEP;
}

struct config_prefix_list {
    char *name;
    struct config_prefix_rule *rules;
    size_t n_rules;
    bool doubtful;
    struct config_place place;
};

struct config_key {
    int64_t id;
    int64_t algorithm; /* enum rip_auth_mode; CONFIG_UNSAID: as the interface's mode says */
    char *secret;
    char *send, *accept; /* "FROM..TO"; NULL: always */
    bool doubtful;
    struct config_place place, send_place, accept_place;
};

struct config_key_chain {
    char *name;
    bool fail_secure;
    struct config_key *keys;
    size_t n_keys;
    bool doubtful;
    struct config_place place;
};

struct config_redistribute {
    int64_t protocol; /* an index of schema_redistributed */
    int64_t metric;   /* 0: the default metric */
    int64_t tag;
    char *list; /* NULL: everything */
    bool doubtful;
    struct config_place place, list_place;
};

struct config_distance {
    struct prefix source;
    int64_t distance;
    char *list; /* NULL: everything */
    bool doubtful;
    struct config_place place, list_place;
};

struct config_neighbor {
    uint32_t address;
    struct config_place place;
};

struct config_rip {
    bool enabled;
    int64_t version, distance, ecmp, default_metric;
    int64_t update, timeout, garbage, hold_down; /* seconds */
    bool default_information;
    int64_t route_limit, table_limit; /* of a neighbour, 0 is none; of all */
    struct config_redistribute *redistribute;
    size_t n_redistribute;
    struct config_neighbor *neighbors;
    size_t n_neighbors;
    struct config_distance *distances;
    size_t n_distances;
    struct config_place timeout_place;
};

struct config_multicast {
    bool enabled;
    char *upstream;                    /* the interface to which an IGMP proxy reports; NULL: this is none */
    int64_t route_limit, idle_timeout; /* streams, seconds */
    struct config_range *ssm_ranges;   /* beside 232.0.0.0/8 */
    size_t n_ssm_ranges;
    struct config_place upstream_place;
};

enum config_log_level { CONFIG_LOG_ERROR, CONFIG_LOG_WARNING, CONFIG_LOG_NOTICE, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };
enum config_log_destination { CONFIG_LOG_STDERR, CONFIG_LOG_SYSLOG };
enum config_qdisc_bypass { CONFIG_BYPASS_AUTO, CONFIG_BYPASS_ON, CONFIG_BYPASS_OFF };

#define CONFIG_CPUS_MAX 64

struct config {
    char *hostname;
    int64_t log_level, log_destination;
    int64_t lanes;
    int64_t cpus[CONFIG_CPUS_MAX];
    size_t n_cpus;
    struct config_place cpus_place;
    bool realtime;
    int64_t qdisc_bypass;
    struct config_interface *interfaces;
    size_t n_interfaces;
    struct config_route *routes;
    size_t n_routes;
    char *routes_path;                                        /* NULL: none */
    struct routes_file *routes_file;                          /* what it held; NULL: none, or it was not read */
    struct config_place routes_path_place, routes_file_place; /* of the key; of the file, line 0 */
    struct config_arp *arps;
    size_t n_arps;
    int64_t icmp_rate_limit, icmp_burst;
    struct config_prefix_list *prefix_lists;
    size_t n_prefix_lists;
    struct config_key_chain *key_chains;
    size_t n_key_chains;
    struct config_rip rip;
    struct config_multicast multicast;
    char *cli_socket;
    char *cli_group;          /* NULL: none */
    int64_t cli_idle_timeout; /* seconds; 0: never */

    bool has_interfaces; /* the key was there: its absence is an error */
    char **files;        /* names that places point to */
    size_t n_files;
    struct config_place place; /* of the file as a whole */

    unsigned holders; /* last: who still looks at it when it is no longer the running one; for whoever owns it */
};

/* All defaults. NULL when there is no memory. */
struct config *config_new(void);
struct config *config_copy(const struct config *config);
void config_free(struct config *config);

/* Nothing of it was said in a file: for one that is about to be edited. */
void config_forget_places(struct config *config);

/* The same values, the routes of static-routes-file among them; places do not count. */
bool config_equal(const struct config *a, const struct config *b);

/* An owned copy of NAME for places. */
const char *config_file_name(struct config *config, const char *name);

/* Writes "FILE:LINE: " into TO and returns it: "FILE: " for line 0, nothing without a file. */
const char *config_place_text(struct config_place place, char *to, size_t size);

/* What is wrong (or, as a warning, doubtful), one call a finding. TEXT and the place's file stay only during the call.
 */
struct config_errors {
    void (*report)(struct config_errors *self, struct config_place place, bool warning, const char *text);
    unsigned errors, warnings; /* counted by config_error and config_warning */
    bool discreet;             /* who hears of them may not read every file: words of private ones are not told */
};
void config_error(struct config_errors *errors, struct config_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void config_warning(struct config_errors *errors, struct config_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The checks that need more than one key: names and addresses twice, overlapping subnets, addresses that are no host's,
 * host bits in routes, next hops that are our own, ... True if there was no error. Every error is reported, not only
 * the first. */
bool config_check(const struct config *config, struct config_errors *errors);

/* Reports as warnings, with places of NEXT, the keys in which NEXT differs from RUNNING but which need a restart. True
 * if there are any. */
bool config_check_restart(const struct config *running, const struct config *next, struct config_errors *errors);

/* Writes the libconfig text of it, in the order and style of the samples; reading it back gives the same configuration.
 * Keys that hold their default are left out. False on a write error. */
bool config_write_all(const struct config *config, FILE *to);

/* The same bit by bit: at most MOST entries of its lists, MOST > 0. True when there is more to come. */
struct config_writer {
    const struct config *config;
    bool veiled; /* passwords and keys are shown as stars; the rest is 0 before the first call */
    size_t key, entry;
    bool begun;
};
bool config_write_some(struct config_writer *writer, FILE *to, size_t most);

/* A copy bit by bit: at most MOST entries of its lists, MOST > 0. What has not come to its end is freed by
 * config_copy_end, which may be called at any time. */
enum config_copy_step { CONFIG_COPY_MORE, CONFIG_COPY_DONE, CONFIG_COPY_FAILED };
struct config_copier {
    const struct config *from; /* the rest is 0 before the first call */
    struct config *to;
    size_t key, entry;
};
enum config_copy_step config_copy_some(struct config_copier *copier, size_t most, struct config **done);
void config_copy_end(struct config_copier *copier);

const struct config_interface *config_interface_find(const struct config *config, const char *name);
const struct config_prefix_list *config_prefix_list_find(const struct config *config, const char *name);
const struct config_key_chain *config_key_chain_find(const struct config *config, const char *name);

/* "2026-11-20 09:05:00..2027-01-01": UTC, the time of day may be cut short or left out, T may stand for the space, and
 * an end that is left out is open. False if it is not that. Milliseconds since 1970; 0: open. */
bool config_lifetime(const char *text, uint64_t *from_ms, uint64_t *until_ms);

#define CONFIG_SECRET_MAX 128 /* bytes */

/* A password or key: its bytes, or those after "hex:" in digits. False if it is too long or those are no bytes. */
bool config_secret(const char *text, uint8_t to[CONFIG_SECRET_MAX], size_t *len);

#endif
