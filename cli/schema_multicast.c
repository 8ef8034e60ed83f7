/* The rows of IGMP and of multicast forwarding: those of an interface and the router's. */
#include "cli/schema_row.h"
#include "forwarding/multicast.h"

/* clang-format off */
#define COUNT_OR_ROBUSTNESS .kind = SCHEMA_INTEGER, .min = 0, .max = 255, .unit = "0 is the robustness"
#define LIMIT(most) .kind = SCHEMA_INTEGER, .min = 0, .max = most, .unit = "0 is no limit"

static const struct schema_key igmp_keys[] = {
    {.name = "enabled", .kind = SCHEMA_BOOL, .presence = true, .help = "find out who listens here",
     .shell = "ip igmp enable", AT(config_interface, igmp.enabled), UNPLACED},
    {.name = "version", .kind = SCHEMA_INTEGER, .min = 1, .max = 3, .initial = 3, .help = "of the queries that are sent",
     .shell = "ip igmp version N", AT(config_interface, igmp.version), UNPLACED},
    {.name = "robustness", .kind = SCHEMA_INTEGER, .min = 1, .max = 7, .initial = 2,
     .help = "one less than so many messages may be lost", .shell = "ip igmp robustness N",
     AT(config_interface, igmp.robustness), UNPLACED},
    {.name = "query-interval", .kind = SCHEMA_INTEGER, .min = 1, .max = 31744, .unit = "seconds", .initial = 125,
     .help = "between two general queries", .shell = "ip igmp query-interval N",
     AT(config_interface, igmp.query_interval), UNPLACED},
    {.name = "query-response-interval", .kind = SCHEMA_DECIMAL, .min = 0, .max = 3174, .unit = "seconds", .initial = 10,
     .help = "in which hosts answer a general query", .shell = "ip igmp query-response-interval X",
     AT(config_interface, igmp.response_interval), PLACED(config_interface, igmp.response_place)},
    {.name = "last-member-query-interval", .kind = SCHEMA_DECIMAL, .min = 0, .max = 3174, .unit = "seconds",
     .initial = 1, .help = "in which they answer when one has left",
     .shell = "ip igmp last-member-query-interval X", AT(config_interface, igmp.last_member_interval),
     PLACED(config_interface, igmp.last_member_place)},
    {.name = "last-member-query-count", COUNT_OR_ROBUSTNESS, .help = "queries when one has left",
     .shell = "ip igmp last-member-query-count N", AT(config_interface, igmp.last_member_count), UNPLACED},
    {.name = "startup-query-interval", .kind = SCHEMA_INTEGER, .min = 0, .max = 31744,
     .unit = "seconds, 0 is a quarter of query-interval", .help = "between the first general queries",
     .shell = "ip igmp startup-query-interval N", AT(config_interface, igmp.startup_interval), UNPLACED},
    {.name = "startup-query-count", COUNT_OR_ROBUSTNESS, .help = "of those", .shell = "ip igmp startup-query-count N",
     AT(config_interface, igmp.startup_count), UNPLACED},
    {.name = "querier", .kind = SCHEMA_BOOL, .initial = true, .help = "ask, unless another router does",
     .shell = "ip igmp querier", AT(config_interface, igmp.querier), UNPLACED},
    {.name = "require-router-alert", .kind = SCHEMA_BOOL, .help = "refuse messages without the router alert option",
     .shell = "ip igmp require-router-alert", AT(config_interface, igmp.require_router_alert), UNPLACED},
    {.name = "fast-leave", .kind = SCHEMA_BOOL, .help = "end at once what the last known host leaves",
     .shell = "ip igmp fast-leave", AT(config_interface, igmp.fast_leave), UNPLACED},
    {.name = "group-limit", LIMIT(65536), .help = "groups of the interface", .shell = "ip igmp group-limit N",
     AT(config_interface, igmp.group_limit), UNPLACED},
    {.name = "source-limit", LIMIT(1024), .help = "sources of a group", .shell = "ip igmp source-limit N",
     AT(config_interface, igmp.source_limit), UNPLACED},
    {.name = "host-limit", LIMIT(262144), .help = "hosts that are told apart in a group",
     .shell = "ip igmp host-limit N", AT(config_interface, igmp.host_limit), UNPLACED},
    {.name = "report-limit", LIMIT(1000000), .help = "reports and leaves a second", .initial = 2000,
     .shell = "ip igmp report-limit N", AT(config_interface, igmp.report_limit), UNPLACED},
    {.name = "static-groups", .kind = SCHEMA_ADDRESS, .list = true, .help = "groups that are wanted whoever listens",
     .shell = "ip igmp static-group A.B.C.D", AT(config_interface, igmp.static_groups),
     .stride = SIZE_OF(config_interface, igmp.static_groups), COUNTED(config_interface, igmp.n_static_groups),
     PLACED(config_group, place), .place_stride = SIZE_OF(config_interface, igmp.static_groups)},
};
const struct schema_group schema_igmp_interface = {.name = "igmp", .keys = igmp_keys, .n = COUNT(igmp_keys),
    .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

static const struct schema_key interface_keys[] = {
    {.name = "ttl-threshold", .kind = SCHEMA_INTEGER, .min = 1, .max = 255, .initial = 1,
     .help = "only packets with a greater TTL leave", .shell = "ip multicast ttl-threshold N",
     AT(config_interface, multicast.ttl_threshold), UNPLACED},
    {.name = "boundaries", .kind = SCHEMA_PREFIX, .list = true, .help = "groups that neither come in nor leave",
     .shell = "ip multicast boundary A.B.C.D/L", AT(config_interface, multicast.boundaries),
     .stride = SIZE_OF(config_interface, multicast.boundaries), COUNTED(config_interface, multicast.n_boundaries),
     PLACED(config_range, place), .place_stride = SIZE_OF(config_interface, multicast.boundaries)},
};
const struct schema_group schema_multicast_interface = {.name = "multicast", .keys = interface_keys,
    .n = COUNT(interface_keys), .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

static const struct schema_key multicast_keys[] = {
    {.name = "enabled", .kind = SCHEMA_BOOL, .presence = true, .help = "forward multicast",
     .shell = "multicast enable", AT(config, multicast.enabled), UNPLACED},
    {.name = "upstream", .kind = SCHEMA_STRING, .min = 0, .max = 15, TEXT_LINE,
     .help = "the interface to which an IGMP proxy reports (RFC 4605)", .shell = "multicast upstream IF",
     AT(config, multicast.upstream), PLACED(config, multicast.upstream_place)},
    {.name = "route-limit", .kind = SCHEMA_INTEGER, .min = 1, .max = MULTICAST_MAX, .initial = 4096,
     .help = "streams that are known at a time", .shell = "multicast route-limit N",
     AT(config, multicast.route_limit), UNPLACED},
    {.name = "idle-timeout", .kind = SCHEMA_INTEGER, .min = 1, .max = 86400, .unit = "seconds", .initial = 210,
     .help = "after which a stream without packets is forgotten", .shell = "multicast idle-timeout N",
     AT(config, multicast.idle_timeout), UNPLACED},
    {.name = "ssm-ranges", .kind = SCHEMA_PREFIX, .list = true,
     .help = "groups of single sources only, beside 232.0.0.0/8", .shell = "multicast ssm-range A.B.C.D/L",
     AT(config, multicast.ssm_ranges), .stride = SIZE_OF(config, multicast.ssm_ranges),
     COUNTED(config, multicast.n_ssm_ranges), PLACED(config_range, place),
     .place_stride = SIZE_OF(config, multicast.ssm_ranges)},
};
const struct schema_group schema_multicast = {.name = "multicast", .keys = multicast_keys, .n = COUNT(multicast_keys),
    .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};
/* clang-format on */
