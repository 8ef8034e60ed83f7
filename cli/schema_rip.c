/* The rows of RIP: its group, that of an interface, and the lists that both name. */
#include <string.h>

#include "cli/schema_row.h"
#include "protocols/rip/rip.h"

/* ---- what strings must look like ---- */

_Static_assert(CONFIG_SECRET_MAX == RIP_SECRET_MAX, "the file takes what RIP does");

/* A word of the shell, so that commands can name it. */
static bool valid_name(const char *text)
{
    return schema_is_line(text) && strpbrk(text, " \"|?") == NULL;
}

static bool valid_lifetime(const char *text)
{
    uint64_t from, until;
    return config_lifetime(text, &from, &until);
}

static bool valid_secret(const char *text)
{
    uint8_t bytes[CONFIG_SECRET_MAX];
    size_t len;
    return schema_is_line(text) && config_secret(text, bytes, &len);
}

#define LIST_NAME  .valid = valid_name, .form = "a name of one word"
#define NAME       .min = 1, .max = 31, LIST_NAME
#define NO_OR_NAME .min = 0, .max = 31, LIST_NAME
#define LIFETIME                                                                                                       \
    .kind = SCHEMA_STRING, .min = 0, .max = 48, .valid = valid_lifetime,                                               \
    .form = "a lifetime \"FROM..TO\" in UTC such as \"2026-11-20 09:00..2027-01-01\""
#define SECRET                                                                                                         \
    .secret = true, .max = 4 + 2 * CONFIG_SECRET_MAX, .valid = valid_secret,                                           \
    .form = "one line of text of 128 bytes at most, or hex: and the digits of as many"
#define PREFIX_LIST .kind = SCHEMA_STRING, NO_OR_NAME

/* ---- the table ---- */

static const char *const actions[] = {"permit", "deny", NULL};
static const char *const directions[] = {"in", "out", NULL};
static const char *const versions[] = {"1", "2", "1 2", NULL};
static const char *const split_horizons[] = {"off", "simple", "poisoned-reverse", NULL};
static const char *const auth_modes[] = {"none", "text", "md5", "sha1", "sha256", "sha384", "sha512", NULL};
const char *const schema_redistributed[] = {"connected", "static", NULL};

/* clang-format off */
static const struct schema_key rule_keys[] = {
    {.name = "seq", .kind = SCHEMA_INTEGER, .min = 1, .max = CONFIG_SEQ_MAX,
     .help = "its number, by default the next multiple of 5", .shell = "ip prefix-list NAME seq N (permit | deny) ...",
     AT(config_prefix_rule, seq), UNPLACED},
    {.name = "action", .kind = SCHEMA_ENUM, .words = actions, .required = true, .help = "what is done with it",
     .shell = "ip prefix-list NAME (permit | deny) A.B.C.D/L", AT(config_prefix_rule, action), UNPLACED},
    {.name = "prefix", .kind = SCHEMA_PREFIX, .required = true, .help = "prefixes that lie in this one",
     .shell = "ip prefix-list NAME (permit | deny) A.B.C.D/L", AT(config_prefix_rule, prefix),
     PLACED(config_prefix_rule, place)},
    {.name = "ge", .kind = SCHEMA_INTEGER, .min = 1, .max = 32, .help = "and are at least so long",
     .shell = "ip prefix-list NAME (permit | deny) A.B.C.D/L ge N", AT(config_prefix_rule, ge), UNPLACED},
    {.name = "le", .kind = SCHEMA_INTEGER, .min = 1, .max = 32, .help = "and are at most so long",
     .shell = "ip prefix-list NAME (permit | deny) A.B.C.D/L le N", AT(config_prefix_rule, le), UNPLACED},
};
static const struct schema_group rule_group = {.name = "rules", .one = "rule", .many = "rules",
    .keys = rule_keys, .n = COUNT(rule_keys), .size = sizeof(struct config_prefix_rule),
    .place_offset = offsetof(struct config_prefix_rule, place),
    .doubtful_offset = offsetof(struct config_prefix_rule, doubtful)};

static const struct schema_key prefix_list_keys[] = {
    {.name = "name", .kind = SCHEMA_STRING, .required = true, .identity = true, NAME, .help = "what it is named by",
     .shell = "ip prefix-list NAME", AT(config_prefix_list, name), PLACED(config_prefix_list, place)},
    {.name = "rules", .kind = SCHEMA_ENTRIES, .group = &rule_group,
     .help = "the first that matches decides; what none matches is denied", AT(config_prefix_list, rules),
     .stride = SIZE_OF(config_prefix_list, rules), COUNTED(config_prefix_list, n_rules), UNPLACED},
};
const struct schema_group schema_prefix_list = {.name = "prefix-lists", .one = "prefix list", .many = "prefix lists",
    .keys = prefix_list_keys, .n = COUNT(prefix_list_keys), .size = sizeof(struct config_prefix_list),
    .place_offset = offsetof(struct config_prefix_list, place),
    .doubtful_offset = offsetof(struct config_prefix_list, doubtful)};

static const struct schema_key key_keys[] = {
    {.name = "id", .kind = SCHEMA_INTEGER, .required = true, .min = 0, .max = 255, .help = "its number in messages",
     .shell = "key N", AT(config_key, id), PLACED(config_key, place)},
    {.name = "algorithm", .kind = SCHEMA_ENUM, .words = auth_modes, .initial = CONFIG_UNSAID,
     .help = "how it signs; by default the interface's mode",
     .shell = "key N algorithm (text | md5 | sha1 | sha256 | sha384 | sha512)", AT(config_key, algorithm), UNPLACED},
    {.name = "key", .kind = SCHEMA_STRING, .required = true, .min = 1, SECRET, .help = "the secret itself",
     .shell = "key N key-string TEXT", AT(config_key, secret), UNPLACED},
    {.name = "send", LIFETIME, .help = "when it is sent with; by default always",
     .shell = "key N send-lifetime FROM..TO", AT(config_key, send), PLACED(config_key, send_place)},
    {.name = "accept", LIFETIME, .help = "when it is accepted; by default always",
     .shell = "key N accept-lifetime FROM..TO", AT(config_key, accept), PLACED(config_key, accept_place)},
};
static const struct schema_group key_group = {.name = "keys", .one = "key", .many = "keys",
    .keys = key_keys, .n = COUNT(key_keys), .size = sizeof(struct config_key),
    .place_offset = offsetof(struct config_key, place), .doubtful_offset = offsetof(struct config_key, doubtful)};

static const struct schema_key key_chain_keys[] = {
    {.name = "name", .kind = SCHEMA_STRING, .required = true, .identity = true, NAME, .help = "what it is named by",
     .shell = "key chain NAME", AT(config_key_chain, name), PLACED(config_key_chain, place)},
    {.name = "fail-secure", .kind = SCHEMA_BOOL, .help = "RIP stops when the last key ends", .shell = "fail-secure",
     AT(config_key_chain, fail_secure), UNPLACED},
    {.name = "keys", .kind = SCHEMA_ENTRIES, .group = &key_group, .help = "its keys", AT(config_key_chain, keys),
     .stride = SIZE_OF(config_key_chain, keys), COUNTED(config_key_chain, n_keys), UNPLACED},
};
const struct schema_group schema_key_chain = {.name = "key-chains", .one = "key chain", .many = "key chains",
    .keys = key_chain_keys, .n = COUNT(key_chain_keys), .size = sizeof(struct config_key_chain),
    .place_offset = offsetof(struct config_key_chain, place),
    .doubtful_offset = offsetof(struct config_key_chain, doubtful)};

/* ---- an interface's ---- */

static const struct schema_key authentication_keys[] = {
    {.name = "mode", .kind = SCHEMA_ENUM, .words = auth_modes, .initial = RIP_AUTH_NONE,
     .help = "how messages are signed",
     .shell = "ip rip authentication mode (none | text | md5 | sha1 | sha256 | sha384 | sha512)",
     AT(config_interface, rip.auth_mode), PLACED(config_interface, rip.auth_place)},
    {.name = "key-id", .kind = SCHEMA_INTEGER, .min = 0, .max = 255, .initial = 1, .help = "the number of the key",
     .shell = "ip rip authentication key-id N", AT(config_interface, rip.key_id), UNPLACED},
    {.name = "key", .kind = SCHEMA_STRING, .min = 0, SECRET,
     .help = "the password or key", .shell = "ip rip authentication string TEXT", AT(config_interface, rip.key),
     PLACED(config_interface, rip.key_place)},
    {.name = "key-chain", .kind = SCHEMA_STRING, NO_OR_NAME, .help = "keys that change in time, in place of the one",
     .shell = "ip rip authentication key-chain NAME", AT(config_interface, rip.key_chain),
     PLACED(config_interface, rip.key_chain_place)},
};
static const struct schema_group authentication_group = {.name = "authentication", .keys = authentication_keys,
    .n = COUNT(authentication_keys), .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

static const struct schema_key offset_keys[] = {
    {.name = "direction", .kind = SCHEMA_ENUM, .words = directions, .required = true,
     .help = "of what is learned, or sent", .shell = "ip rip offset-list (in | out) N",
     AT(config_rip_offset, direction), PLACED(config_rip_offset, place)},
    {.name = "metric", .kind = SCHEMA_INTEGER, .required = true, .min = 0, .max = 16, .help = "added to its metric",
     .shell = "ip rip offset-list (in | out) N", AT(config_rip_offset, metric), UNPLACED},
    {.name = "prefix-list", PREFIX_LIST, .help = "for what this permits; by default everything",
     .shell = "ip rip offset-list (in | out) N NAME", AT(config_rip_offset, list),
     PLACED(config_rip_offset, list_place)},
};
static const struct schema_group offset_group = {.name = "offset-lists", .one = "offset list", .many = "offset lists",
    .keys = offset_keys, .n = COUNT(offset_keys), .size = sizeof(struct config_rip_offset),
    .place_offset = offsetof(struct config_rip_offset, place),
    .doubtful_offset = offsetof(struct config_rip_offset, doubtful)};

static const struct schema_key interface_keys[] = {
    {.name = "enabled", .kind = SCHEMA_BOOL, .presence = true, .help = "speak RIP here", .shell = "ip rip enable",
     AT(config_interface, rip.enabled), UNPLACED},
    {.name = "passive", .kind = SCHEMA_BOOL, .help = "only listen; send to neighbors only", .shell = "ip rip passive",
     AT(config_interface, rip.passive), UNPLACED},
    {.name = "send-version", .kind = SCHEMA_ENUM, .words = versions, .initial = CONFIG_UNSAID,
     .help = "versions that are sent; by default the router's", .shell = "ip rip send version (1 | 2 | 1 2)",
     AT(config_interface, rip.send_version), UNPLACED},
    {.name = "receive-version", .kind = SCHEMA_ENUM, .words = versions, .initial = CONFIG_RIP_1_2,
     .help = "versions that are taken", .shell = "ip rip receive version (1 | 2 | 1 2)",
     AT(config_interface, rip.receive_version), UNPLACED},
    {.name = "v2-broadcast", .kind = SCHEMA_BOOL, .help = "send version 2 to the broadcast address",
     .shell = "ip rip v2-broadcast", AT(config_interface, rip.v2_broadcast), UNPLACED},
    {.name = "split-horizon", .kind = SCHEMA_ENUM, .words = split_horizons, .initial = RIP_SPLIT_POISONED,
     .help = "what becomes of routes where they were learned",
     .shell = "ip rip split-horizon [poisoned-reverse]", AT(config_interface, rip.split_horizon), UNPLACED},
    {.name = "authentication", .kind = SCHEMA_GROUP, .group = &authentication_group, .help = "who is believed",
     UNPLACED},
    {.name = "metric-in", .kind = SCHEMA_INTEGER, .min = 0, .max = 16, .help = "added to what is learned",
     .shell = "ip rip metric-in N", AT(config_interface, rip.metric_in), UNPLACED},
    {.name = "metric-out", .kind = SCHEMA_INTEGER, .min = 0, .max = 16, .help = "added to what is sent",
     .shell = "ip rip metric-out N", AT(config_interface, rip.metric_out), UNPLACED},
    {.name = "filter-in", PREFIX_LIST, .help = "prefix list of what may be learned",
     .shell = "ip rip filter-in NAME", AT(config_interface, rip.filter_in),
     PLACED(config_interface, rip.filter_in_place)},
    {.name = "filter-out", PREFIX_LIST, .help = "prefix list of what may be sent",
     .shell = "ip rip filter-out NAME", AT(config_interface, rip.filter_out),
     PLACED(config_interface, rip.filter_out_place)},
    {.name = "offset-lists", .kind = SCHEMA_ENTRIES, .group = &offset_group,
     .help = "added to the metric of some routes; the first that is for one counts",
     AT(config_interface, rip.offsets), .stride = SIZE_OF(config_interface, rip.offsets),
     COUNTED(config_interface, rip.n_offsets), UNPLACED},
    {.name = "summaries", .kind = SCHEMA_PREFIX, .list = true, .help = "sent in place of the routes that they hold",
     .shell = "ip rip summary-address A.B.C.D/L", AT(config_interface, rip.summaries),
     .stride = SIZE_OF(config_interface, rip.summaries), COUNTED(config_interface, rip.n_summaries),
     PLACED(config_rip_summary, place), .place_stride = SIZE_OF(config_interface, rip.summaries)},
    {.name = "auto-summary", .kind = SCHEMA_BOOL, .help = "sum up other networks by their class",
     .shell = "ip rip auto-summary", AT(config_interface, rip.auto_summary), UNPLACED},
};
const struct schema_group schema_rip_interface = {.name = "rip", .keys = interface_keys, .n = COUNT(interface_keys),
    .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

/* ---- the router's ---- */

#define TIMER .kind = SCHEMA_INTEGER, .min = 1, .max = 86400, .unit = "seconds"
static const struct schema_key timer_keys[] = {
    {.name = "update", TIMER, .initial = 30, .help = "between two regular updates", .shell = "timers basic U T G",
     AT(config, rip.update), UNPLACED},
    {.name = "timeout", TIMER, .initial = 180, .help = "after which a route is no longer believed",
     .shell = "timers basic U T G", AT(config, rip.timeout), PLACED(config, rip.timeout_place)},
    {.name = "garbage", TIMER, .initial = 120, .help = "that a lost route is still told of",
     .shell = "timers basic U T G", AT(config, rip.garbage), UNPLACED},
    {.name = "hold-down", .kind = SCHEMA_INTEGER, .min = 0, .max = 86400, .unit = "seconds, 0 is off",
     .help = "that nothing worse takes the place of a lost route", .shell = "timers hold-down N",
     AT(config, rip.hold_down), UNPLACED},
};
static const struct schema_group timers_group = {.name = "timers", .keys = timer_keys, .n = COUNT(timer_keys),
    .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

static const struct schema_key redistribute_keys[] = {
    {.name = "protocol", .kind = SCHEMA_ENUM, .words = schema_redistributed, .required = true, .identity = true,
     .help = "whose routes are offered", .shell = "redistribute (connected | static)",
     AT(config_redistribute, protocol), PLACED(config_redistribute, place)},
    {.name = "metric", .kind = SCHEMA_INTEGER, .min = 1, .max = 15, .help = "as it is sent; by default default-metric",
     .shell = "redistribute PROTOCOL metric N", AT(config_redistribute, metric), UNPLACED},
    {.name = "tag", .kind = SCHEMA_INTEGER, .min = 0, .max = 65535, .help = "its tag",
     .shell = "redistribute PROTOCOL tag N", AT(config_redistribute, tag), UNPLACED},
    {.name = "prefix-list", PREFIX_LIST, .help = "of what this permits; by default everything",
     .shell = "redistribute PROTOCOL prefix-list NAME", AT(config_redistribute, list),
     PLACED(config_redistribute, list_place)},
};
static const struct schema_group redistribute_group = {.name = "redistribute", .one = "redistribution of",
    .many = "redistributions", .keys = redistribute_keys, .n = COUNT(redistribute_keys),
    .size = sizeof(struct config_redistribute), .place_offset = offsetof(struct config_redistribute, place),
    .doubtful_offset = offsetof(struct config_redistribute, doubtful)};

static const struct schema_key distance_keys[] = {
    {.name = "source", .kind = SCHEMA_PREFIX, .required = true, .identity = true, .help = "neighbours",
     .shell = "distance N A.B.C.D/L", AT(config_distance, source), PLACED(config_distance, place)},
    {.name = "distance", .kind = SCHEMA_INTEGER, .required = true, .min = 1, .max = 255,
     .help = "of routes from there", .shell = "distance N A.B.C.D/L", AT(config_distance, distance), UNPLACED},
    {.name = "prefix-list", PREFIX_LIST, .help = "of what this permits; by default everything",
     .shell = "distance N A.B.C.D/L NAME", AT(config_distance, list), PLACED(config_distance, list_place)},
};
static const struct schema_group distance_group = {.name = "distances", .one = "distance of", .many = "distances",
    .keys = distance_keys, .n = COUNT(distance_keys),
    .size = sizeof(struct config_distance), .place_offset = offsetof(struct config_distance, place),
    .doubtful_offset = offsetof(struct config_distance, doubtful)};

static const struct schema_key rip_keys[] = {
    {.name = "enabled", .kind = SCHEMA_BOOL, .presence = true, .help = "speak RIP", .shell = "router rip",
     AT(config, rip.enabled), UNPLACED},
    {.name = "version", .kind = SCHEMA_INTEGER, .min = 1, .max = 2, .initial = 2,
     .help = "sent by interfaces that have no send-version", .shell = "version N", AT(config, rip.version), UNPLACED},
    {.name = "distance", .kind = SCHEMA_INTEGER, .min = 1, .max = 255, .initial = 120,
     .help = "of RIP's routes beside those of others", .shell = "distance N", AT(config, rip.distance), UNPLACED},
    {.name = "timers", .kind = SCHEMA_GROUP, .group = &timers_group, .help = "how often, and how long", UNPLACED},
    {.name = "redistribute", .kind = SCHEMA_ENTRIES, .group = &redistribute_group,
     .help = "routes of others that are offered", AT(config, rip.redistribute),
     .stride = SIZE_OF(config, rip.redistribute), COUNTED(config, rip.n_redistribute), UNPLACED},
    {.name = "default-metric", .kind = SCHEMA_INTEGER, .min = 1, .max = 15, .initial = 1,
     .help = "of redistributed routes", .shell = "default-metric N", AT(config, rip.default_metric), UNPLACED},
    {.name = "default-information", .kind = SCHEMA_BOOL, .help = "offer 0.0.0.0/0",
     .shell = "default-information originate", AT(config, rip.default_information), UNPLACED},
    {.name = "neighbors", .kind = SCHEMA_ADDRESS, .list = true, .help = "are sent to by unicast",
     .shell = "neighbor A.B.C.D", AT(config, rip.neighbors), .stride = SIZE_OF(config, rip.neighbors),
     COUNTED(config, rip.n_neighbors), PLACED(config_neighbor, place),
     .place_stride = SIZE_OF(config, rip.neighbors)},
    {.name = "ecmp", .kind = SCHEMA_INTEGER, .min = 1, .max = FIB_HOPS_MAX, .initial = 1,
     .help = "equal-cost next hops kept a route", .shell = "maximum-paths N", AT(config, rip.ecmp), UNPLACED},
    {.name = "distances", .kind = SCHEMA_ENTRIES, .group = &distance_group,
     .help = "other distances by neighbour; the longest source counts", AT(config, rip.distances),
     .stride = SIZE_OF(config, rip.distances), COUNTED(config, rip.n_distances), UNPLACED},
    {.name = "route-limit", .kind = SCHEMA_INTEGER, .min = 0, .max = 1000000, .unit = "0 is no limit",
     .help = "routes that one neighbour may teach", .shell = "route-limit N", AT(config, rip.route_limit), UNPLACED},
    {.name = "table-limit", .kind = SCHEMA_INTEGER, .min = 1, .max = 1000000, .initial = 200000,
     .help = "routes that all of them may teach", .shell = "table-limit N", AT(config, rip.table_limit), UNPLACED},
};
const struct schema_group schema_rip = {.name = "rip", .keys = rip_keys, .n = COUNT(rip_keys),
    .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};
/* clang-format on */
