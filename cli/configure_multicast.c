/* ip igmp and ip multicast of an interface's mode, and multicast of configuration mode. */
#include "cli/configure.h"
#include "cli/tree.h"

/* ---- lists of groups and of ranges ---- */

static size_t find_range(const struct schema_key *key, const void *base, struct prefix prefix)
{
    size_t n = schema_count(key, base), i = 0;
    while (i < n && !prefix_equal(*(const struct prefix *)schema_look(key, base, i), prefix))
        i++;
    return i;
}

/* The list KEY of BASE has PREFIX, or with `no` has it no more. NOUN is what it is called. */
static bool change_range(const struct edit *edit, const struct schema_key *key, void *base, const char *noun, char *why,
                         size_t why_size)
{
    const struct command_arg *said = &edit->line.args[edit->line.n - 1];
    size_t i = find_range(key, base, said->prefix), n = schema_count(key, base);
    if (edit_undoes(edit)) {
        if (i == n)
            return edit_refuse(why, why_size, "%s is no %s", said->text, noun);
        schema_remove(key, base, i);
    } else if (i == n) {
        struct config_range *range = schema_append(key, base);
        if (range == NULL)
            return edit_refuse(why, why_size, "the system gave no memory");
        range->prefix = said->prefix;
    }
    return true;
}

static bool change_boundary(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    struct config_interface *interface = edit_interface(edit, config, why, why_size);
    return interface != NULL && change_range(edit, edit_schema("interfaces.multicast.boundaries"), interface,
                                             "boundary of the interface", why, why_size);
}

static bool change_ssm(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    return change_range(edit, edit_schema("multicast.ssm-ranges"), config, "SSM range", why, why_size);
}

static bool change_static(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_key *key = edit_schema("interfaces.igmp.static-groups");
    struct config_interface *interface = edit_interface(edit, config, why, why_size);
    const struct command_arg *said = &edit->line.args[edit->line.n - 1];
    if (interface == NULL)
        return false;
    struct config_igmp_interface *igmp = &interface->igmp;
    size_t i = 0;
    while (i < igmp->n_static_groups && igmp->static_groups[i].address != said->addr)
        i++;
    if (edit_undoes(edit)) {
        if (i == igmp->n_static_groups)
            return edit_refuse(why, why_size, "%s is no static group of interface '%s'", said->text, interface->name);
        schema_remove(key, interface, i);
    } else if (i == igmp->n_static_groups) {
        struct config_group *group = schema_append(key, interface);
        if (group == NULL)
            return edit_refuse(why, why_size, "the system gave no memory");
        group->address = said->addr;
    }
    return true;
}

#define RUN(function) .run = &edit_run, .edit = EDIT(function)

/* ---- ip igmp ---- */

#define IGMP(name) "interfaces.igmp." name
KEY_WORD(enable, IGMP("enabled"), "enable", "Find out who listens here");
KEY_WORD(querier, IGMP("querier"), "querier", "Ask, unless another router does");
KEY_WORD(require_alert, IGMP("require-router-alert"), "require-router-alert", "Refuse messages without that option");
KEY_WORD(fast_leave, IGMP("fast-leave"), "fast-leave", "End at once what the last known host leaves");
NUMBER_KEY(version, IGMP("version"), "version", "Of the queries that are sent", 1, 3);
NUMBER_KEY(robustness, IGMP("robustness"), "robustness", "One less than so many messages may be lost", 1, 7);
NUMBER_KEY(query_interval, IGMP("query-interval"), "query-interval", "Seconds between general queries", 1, 31744);
TEXT_KEY(response_interval, IGMP("query-response-interval"), "query-response-interval", "In which hosts answer",
         COMMAND_ANY, "SECONDS", "From 0.1, and less than the query interval");
TEXT_KEY(last_interval, IGMP("last-member-query-interval"), "last-member-query-interval",
         "In which they answer when one has left", COMMAND_ANY, "SECONDS", "From 0.1");
NUMBER_KEY(last_count, IGMP("last-member-query-count"), "last-member-query-count", "Queries when one has left", 0, 255);
NUMBER_KEY(startup_interval, IGMP("startup-query-interval"), "startup-query-interval",
           "Seconds between the first queries, 0 is a quarter", 0, 31744);
NUMBER_KEY(startup_count, IGMP("startup-query-count"), "startup-query-count", "Of those, 0 is the robustness", 0, 255);
NUMBER_KEY(group_limit, IGMP("group-limit"), "group-limit", "Groups of the interface, 0 is no limit", 0, 65536);
NUMBER_KEY(source_limit, IGMP("source-limit"), "source-limit", "Sources of a group, 0 is no limit", 0, 1024);
NUMBER_KEY(host_limit, IGMP("host-limit"), "host-limit", "Hosts told apart in a group, 0 is no limit", 0, 262144);
NUMBER_KEY(report_limit, IGMP("report-limit"), "report-limit", "Reports a second, 0 is no limit", 0, 1000000);

static const struct command static_group_addr = {COMMAND_ADDR, "A.B.C.D", "A multicast group", RUN(change_static)};
static const struct command *const static_group_values[] = {&static_group_addr, NULL};
static const struct command static_group = {COMMAND_WORD, "static-group", "A group that is wanted whoever listens",
                                            .next = static_group_values};

static const struct command *const igmp_words[] = {
    &enable,       &fast_leave,     &group_limit,       &host_limit,   &last_count,    &last_interval,
    &querier,      &query_interval, &response_interval, &report_limit, &require_alert, &robustness,
    &source_limit, &startup_count,  &startup_interval,  &static_group, &version,       NULL,
};
static const struct command *const igmp_words_no[] = {
    &enable,          &fast_leave,        &group_limit_no,       &host_limit_no,   &last_count_no, &last_interval_no,
    &querier,         &query_interval_no, &response_interval_no, &report_limit_no, &require_alert, &robustness_no,
    &source_limit_no, &startup_count_no,  &startup_interval_no,  &static_group,    &version_no,    NULL,
};
const struct command command_ip_igmp = {COMMAND_WORD, "igmp", "IGMP on the interface", .next = igmp_words};
const struct command command_ip_igmp_no = {COMMAND_WORD, "igmp", "IGMP on the interface", .next = igmp_words_no};

/* ---- ip multicast ---- */

NUMBER_KEY(threshold, "interfaces.multicast.ttl-threshold", "ttl-threshold", "Only packets with a greater TTL leave", 1,
           255);
static const struct command boundary_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "A range of groups", RUN(change_boundary)};
static const struct command *const boundary_values[] = {&boundary_prefix, NULL};
static const struct command boundary = {COMMAND_WORD, "boundary", "Groups that neither come in nor leave",
                                        .next = boundary_values};
static const struct command *const ip_words[] = {&boundary, &threshold, NULL};
static const struct command *const ip_words_no[] = {&boundary, &threshold_no, NULL};
const struct command command_ip_multicast = {COMMAND_WORD, "multicast", "What of multicast may pass", .next = ip_words};
const struct command command_ip_multicast_no = {COMMAND_WORD, "multicast", "What of multicast may pass",
                                                .next = ip_words_no};

/* ---- multicast ---- */

KEY_WORD(forwarding, "multicast.enabled", "enable", "Forward multicast");
TEXT_KEY(upstream, "multicast.upstream", "upstream", "The interface to which an IGMP proxy reports", COMMAND_IF, "IF",
         "One interface, towards the sources");
NUMBER_KEY(route_limit, "multicast.route-limit", "route-limit", "Streams that are known at a time", 1, 16384);
NUMBER_KEY(idle_timeout, "multicast.idle-timeout", "idle-timeout", "Streams without packets are forgotten, seconds", 1,
           86400);
static const struct command ssm_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "A range of groups", RUN(change_ssm)};
static const struct command *const ssm_values[] = {&ssm_prefix, NULL};
static const struct command ssm = {COMMAND_WORD, "ssm-range", "Groups of single sources only", .next = ssm_values};
static const struct command *const words[] = {&forwarding, &idle_timeout, &route_limit, &ssm, &upstream, NULL};
static const struct command *const words_no[] = {&forwarding, &idle_timeout_no, &route_limit_no,
                                                 &ssm,        &upstream_no,     NULL};
const struct command command_multicast = {COMMAND_WORD, "multicast", "Multicast forwarding", .next = words};
const struct command command_multicast_no = {COMMAND_WORD, "multicast", "Multicast forwarding", .next = words_no};
