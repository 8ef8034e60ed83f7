#include <string.h>

#include "cli/schema.h"
#include "cli/schema_row.h"

/* ---- what strings must look like ---- */

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* RFC 1123 2.1: labels of letters, digits and hyphens, no hyphen at either end. */
static bool valid_hostname(const char *text)
{
    size_t label = 0;
    for (const char *c = text; *c != '\0'; c++) {
        bool ends = c[1] == '\0' || c[1] == '.';
        if (*c == '.') {
            if (label == 0 || c[1] == '\0')
                return false;
            label = 0;
            continue;
        }
        if (!is_alnum(*c) && (*c != '-' || label == 0 || ends))
            return false;
        if (++label > 63)
            return false;
    }
    return label > 0;
}

/* What the kernel accepts as the name of a device. */
static bool valid_interface(const char *text)
{
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return false;
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '/' || *c == ':')
            return false;
    return true;
}

bool schema_is_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return true;
}

/* ---- the table ---- */

static const char *const log_levels[] = {"error", "warning", "notice", "info", "debug", NULL};
static const char *const log_destinations[] = {"stderr", "syslog", NULL};
static const char *const qdisc_bypasses[] = {"auto", "on", "off", NULL};
static const char *const interface_types[] = {"ethernet", "loopback", NULL};
static const char *const route_types[] = {"unicast", "blackhole", "unreachable", "prohibit", NULL};

#define INTERFACE_NAME                                                                                                 \
    .min = 1, .max = 15, .valid = valid_interface, .form = "the name of an interface, without spaces, '/' and ':'"

/* A row is a key; the tool would give each of its fields a line. */
/* clang-format off */
static const struct schema_key log_keys[] = {
    {.name = "level", .kind = SCHEMA_ENUM, .words = log_levels, .initial = CONFIG_LOG_INFO,
     .help = "the least grave messages that are logged",
     .shell = "log level (error | warning | notice | info | debug)", AT(config, log_level), UNPLACED},
    {.name = "destination", .kind = SCHEMA_ENUM, .words = log_destinations, .initial = CONFIG_LOG_STDERR,
     .help = "where the log goes",
     .shell = "log destination (stderr | syslog)", AT(config, log_destination), UNPLACED},
};
static const struct schema_group log_group = {.name = "log", .keys = log_keys, .n = COUNT(log_keys),
    .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

static const struct schema_key forwarding_keys[] = {
    {.name = "lanes", .kind = SCHEMA_INTEGER, .min = 1, .max = 64, .initial = 1, .restart = true,
     .help = "threads that forward",
     .shell = "forwarding lanes N", AT(config, lanes), UNPLACED},
    {.name = "cpus", .kind = SCHEMA_INTEGER, .list = true, .min = 0, .max = 1023, .restart = true,
     .help = "the CPU that each lane is pinned to",
     .shell = "forwarding cpus N,N,...", AT(config, cpus), .stride = sizeof(int64_t),
     .room = CONFIG_CPUS_MAX, COUNTED(config, n_cpus), PLACED(config, cpus_place)},
    {.name = "realtime", .kind = SCHEMA_BOOL, .restart = true, .help = "run lanes under SCHED_FIFO",
     .shell = "forwarding realtime",
     AT(config, realtime), UNPLACED},
    {.name = "qdisc-bypass", .kind = SCHEMA_ENUM, .words = qdisc_bypasses, .initial = CONFIG_BYPASS_AUTO,
     .help = "send around the device's queueing discipline",
     .shell = "forwarding qdisc-bypass (auto | on | off)", AT(config, qdisc_bypass), UNPLACED},
};
static const struct schema_group forwarding_group = {.name = "forwarding", .keys = forwarding_keys,
    .n = COUNT(forwarding_keys), .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

static const struct schema_key interface_keys[] = {
    {.name = "name", .kind = SCHEMA_STRING, .required = true, .identity = true, INTERFACE_NAME,
     .help = "a device of this network namespace", .shell = "interface IF", AT(config_interface, name),
     PLACED(config_interface, place)},
    {.name = "type", .kind = SCHEMA_ENUM, .words = interface_types, .initial = CONFIG_ETHERNET,
     .help = "a loopback needs no device and is always up",
     .shell = "type (ethernet | loopback)", AT(config_interface, type), UNPLACED},
    {.name = "description", .kind = SCHEMA_STRING, .min = 0, .max = 240, TEXT_LINE, .help = "a note for people",
     .shell = "description TEXT", AT(config_interface, description), UNPLACED},
    {.name = "addresses", .kind = SCHEMA_PREFIX, .list = true,
     .help = "addresses with lengths, the first is the primary", .shell = "ip address A.B.C.D/L",
     AT(config_interface, addresses), .stride = SIZE_OF(config_interface, addresses),
     COUNTED(config_interface, n_addresses), PLACED(config_address, place),
     .place_stride = SIZE_OF(config_interface, addresses)},
    {.name = "mtu", .kind = SCHEMA_INTEGER, .min = 68, .max = 65535, .unit = "bytes",
     .help = "largest IP packet that is sent; by default the device's", .shell = "mtu N", AT(config_interface, mtu),
     PLACED(config_interface, mtu_place)},
    {.name = "shutdown", .kind = SCHEMA_BOOL, .help = "keep the interface down", .shell = "shutdown",
     AT(config_interface, shutdown), UNPLACED},
    {.name = "proxy-arp", .kind = SCHEMA_BOOL, .help = "answer ARP for addresses behind other interfaces",
     .shell = "ip proxy-arp", AT(config_interface, proxy_arp), UNPLACED},
    {.name = "arp-timeout", .kind = SCHEMA_INTEGER, .min = 1, .max = 86400, .unit = "seconds", .initial = 1200,
     .help = "life of an unconfirmed neighbour", .shell = "arp timeout N", AT(config_interface, arp_timeout),
     UNPLACED},
    {.name = "redirects", .kind = SCHEMA_BOOL, .initial = true, .help = "send ICMP redirects",
     .shell = "ip redirects", AT(config_interface, redirects), UNPLACED},
    {.name = "unreachables", .kind = SCHEMA_BOOL, .initial = true, .help = "send ICMP destination unreachable",
     .shell = "ip unreachables", AT(config_interface, unreachables), UNPLACED},
    {.name = "mask-reply", .kind = SCHEMA_BOOL, .help = "answer ICMP address mask requests", .shell = "ip mask-reply",
     AT(config_interface, mask_reply), UNPLACED},
    {.name = "directed-broadcast", .kind = SCHEMA_BOOL, .help = "forward broadcasts to the interface's subnets",
     .shell = "ip directed-broadcast", AT(config_interface, directed_broadcast), UNPLACED},
    {.name = "source-route", .kind = SCHEMA_BOOL, .help = "forward packets that carry a source route",
     .shell = "ip source-route", AT(config_interface, source_route), UNPLACED},
    {.name = "urpf", .help = "reverse path check", LATER},
    {.name = "router-discovery", .help = "ICMP router discovery", LATER},
    {.name = "rip", .kind = SCHEMA_GROUP, .group = &schema_rip_interface, .help = "RIP on the interface",
     UNPLACED},
    {.name = "igmp", .kind = SCHEMA_GROUP, .group = &schema_igmp_interface, .help = "IGMP on the interface",
     UNPLACED},
    {.name = "multicast", .kind = SCHEMA_GROUP, .group = &schema_multicast_interface,
     .help = "what of multicast may pass", UNPLACED},
};
static const struct schema_group interface_group = {.name = "interfaces", .one = "interface",
    .many = "interfaces", .keys = interface_keys,
    .n = COUNT(interface_keys), .size = sizeof(struct config_interface), .block = true,
    .place_offset = offsetof(struct config_interface, place),
    .doubtful_offset = offsetof(struct config_interface, doubtful)};

static const struct schema_key route_keys[] = {
    {.name = "prefix", .kind = SCHEMA_PREFIX, .required = true, .identity = true, .help = "destinations", .shell = "ip route A.B.C.D/L",
     AT(config_route, prefix), PLACED(config_route, place)},
    {.name = "via", .kind = SCHEMA_ADDRESS, .list = true, .bare = true, .help = "next hops, equal in cost",
     .shell = "ip route A.B.C.D/L A.B.C.D", AT(config_route, via), .stride = sizeof(uint32_t), .room = FIB_HOPS_MAX,
     COUNTED(config_route, n_via), PLACED(config_route, via_place), .place_stride = sizeof(struct config_place)},
    {.name = "interface", .kind = SCHEMA_STRING, INTERFACE_NAME, .help = "the interface that packets leave by",
     .shell = "ip route A.B.C.D/L IF", AT(config_route, interface), PLACED(config_route, interface_place)},
    {.name = "type", .kind = SCHEMA_ENUM, .words = route_types,
     .help = "what becomes of packets that have no next hop",
     .shell = "ip route A.B.C.D/L (blackhole | unreachable | prohibit)", AT(config_route, type),
     PLACED(config_route, type_place)},
    {.name = "distance", .kind = SCHEMA_INTEGER, .identity = true, .min = 1, .max = 255, .initial = 1,
     .help = "the lowest wins, 255 is never used", .shell = "ip route A.B.C.D/L A.B.C.D N",
     AT(config_route, distance), UNPLACED},
};
static const struct schema_group route_group = {.name = "static-routes", .one = "route", .many = "routes",
    .keys = route_keys, .n = COUNT(route_keys),
    .size = sizeof(struct config_route), .place_offset = offsetof(struct config_route, place),
    .doubtful_offset = offsetof(struct config_route, doubtful)};

static const struct schema_key arp_keys[] = {
    {.name = "interface", .kind = SCHEMA_STRING, .required = true, .identity = true, INTERFACE_NAME,
     .help = "where the neighbour is",
     .shell = "arp A.B.C.D MAC IF", AT(config_arp, interface), PLACED(config_arp, interface_place)},
    {.name = "address", .kind = SCHEMA_ADDRESS, .required = true, .identity = true, .help = "the neighbour's address",
     .shell = "arp A.B.C.D MAC IF", AT(config_arp, address), PLACED(config_arp, place)},
    {.name = "mac", .kind = SCHEMA_MAC, .required = true, .help = "its Ethernet address",
     .shell = "arp A.B.C.D MAC IF", AT(config_arp, mac), PLACED(config_arp, mac_place)},
};
static const struct schema_group arp_group = {.name = "static-arp", .one = "static ARP entry",
    .many = "static ARP entries", .keys = arp_keys, .n = COUNT(arp_keys),
    .size = sizeof(struct config_arp), .place_offset = offsetof(struct config_arp, place),
    .doubtful_offset = offsetof(struct config_arp, doubtful)};

static const struct schema_key icmp_keys[] = {
    {.name = "rate-limit", .kind = SCHEMA_INTEGER, .min = 0, .max = 1000000, .unit = "a second, 0 is no limit",
     .initial = 1000, .help = "ICMP errors that the router sends",
     .shell = "icmp rate-limit N", AT(config, icmp_rate_limit), UNPLACED},
    {.name = "burst", .kind = SCHEMA_INTEGER, .min = 1, .max = 100000, .initial = 50,
     .help = "ICMP errors that may follow each other at once",
     .shell = "icmp burst N", AT(config, icmp_burst), UNPLACED},
};
static const struct schema_group icmp_group = {.name = "icmp", .keys = icmp_keys, .n = COUNT(icmp_keys),
    .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

static const struct schema_key cli_keys[] = {
    {.name = "socket", .kind = SCHEMA_STRING, .min = 1, .max = 107, TEXT_LINE, .restart = true,
     .initial_text = "/run/ferryd/ferryd.sock", .help = "path of the shell's socket",
     .shell = "cli socket PATH", AT(config, cli_socket),
     UNPLACED},
    {.name = "group", .kind = SCHEMA_STRING, .min = 0, .max = 32, TEXT_LINE, .initial_text = "ferry",
     .help = "its members may change things; empty is only root",
     .shell = "cli group NAME", AT(config, cli_group), UNPLACED},
    {.name = "idle-timeout", .kind = SCHEMA_INTEGER, .min = 0, .max = 86400, .unit = "seconds, 0 is never",
     .initial = 600, .help = "an idle session is closed after",
     .shell = "cli idle-timeout N", AT(config, cli_idle_timeout), UNPLACED},
};
static const struct schema_group cli_group = {.name = "cli", .keys = cli_keys, .n = COUNT(cli_keys),
    .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

static const struct schema_key root_keys[] = {
    {.name = "hostname", .kind = SCHEMA_STRING, .always = true, .min = 1, .max = 253, .valid = valid_hostname,
     .form = "a host name: letters, digits, hyphens and dots", .initial_text = "r1", .help = "the router's name",
     .shell = "hostname NAME", AT(config, hostname), UNPLACED},
    {.name = "log", .kind = SCHEMA_GROUP, .group = &log_group, .help = "what is logged, and where", UNPLACED},
    {.name = "forwarding", .kind = SCHEMA_GROUP, .group = &forwarding_group, .help = "the threads that forward",
     UNPLACED},
    {.name = "interfaces", .kind = SCHEMA_ENTRIES, .always = true, .group = &interface_group,
     .help = "the interfaces of the router", AT(config, interfaces), .stride = SIZE_OF(config, interfaces), COUNTED(config, n_interfaces),
     .place_offset = SCHEMA_NOWHERE, .present_offset = offsetof(struct config, has_interfaces)},
    {.name = "static-routes", .kind = SCHEMA_ENTRIES, .group = &route_group, .help = "routes that are always offered",
     AT(config, routes), .stride = SIZE_OF(config, routes), COUNTED(config, n_routes), UNPLACED},
    {.name = "static-routes-file", .kind = SCHEMA_STRING, .min = 0, .max = 1023, TEXT_LINE,
     .help = "more static routes, a line each in a file of their own", .shell = "static-routes-file FILE", AT(config, routes_path),
     PLACED(config, routes_path_place)},
    {.name = "static-arp", .kind = SCHEMA_ENTRIES, .group = &arp_group, .help = "neighbours that are never asked for",
     AT(config, arps), .stride = SIZE_OF(config, arps), COUNTED(config, n_arps), UNPLACED},
    {.name = "icmp", .kind = SCHEMA_GROUP, .group = &icmp_group, .help = "how many ICMP errors are sent", UNPLACED},
    {.name = "prefix-lists", .kind = SCHEMA_ENTRIES, .group = &schema_prefix_list,
     .help = "what routing protocols let in and out", AT(config, prefix_lists), .stride = SIZE_OF(config, prefix_lists),
     COUNTED(config, n_prefix_lists), UNPLACED},
    {.name = "key-chains", .kind = SCHEMA_ENTRIES, .group = &schema_key_chain,
     .help = "keys that change in time", AT(config, key_chains), .stride = SIZE_OF(config, key_chains),
     COUNTED(config, n_key_chains), UNPLACED},
    {.name = "rip", .kind = SCHEMA_GROUP, .group = &schema_rip, .help = "the Routing Information Protocol", UNPLACED},
    {.name = "multicast", .kind = SCHEMA_GROUP, .group = &schema_multicast, .help = "multicast forwarding", UNPLACED},
    {.name = "cli", .kind = SCHEMA_GROUP, .group = &cli_group, .help = "access to the shell", UNPLACED},
};
const struct schema_group schema_root = {.name = "", .keys = root_keys, .n = COUNT(root_keys),
    .size = sizeof(struct config), .place_offset = SCHEMA_NOWHERE, .doubtful_offset = SCHEMA_NOWHERE};

/* clang-format on */

/* ---- looking for keys ---- */

const struct schema_key *schema_find(const struct schema_group *group, const char *name)
{
    for (size_t i = 0; i < group->n; i++)
        if (strcmp(group->keys[i].name, name) == 0)
            return &group->keys[i];
    return NULL;
}

#define NAME_MAX_LEN 32 /* no key is as long; longer names resemble none */

/* Insertions, deletions, replacements and swaps of neighbours that turn A into B. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n >= NAME_MAX_LEN || m >= NAME_MAX_LEN)
        return UINT8_MAX;
    unsigned d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = (unsigned)(i + j);
                continue;
            }
            unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const struct schema_key *schema_nearest(const struct schema_group *group, const char *name)
{
    const struct schema_key *nearest = NULL;
    unsigned least = UINT8_MAX;
    for (size_t i = 0; i < group->n; i++) {
        unsigned d = distance(name, group->keys[i].name);
        if (!group->keys[i].later && d < least && d * 3 <= strlen(group->keys[i].name) + 1) {
            nearest = &group->keys[i];
            least = d;
        }
    }
    return nearest;
}

const struct schema_group *schema_home(const char *name)
{
    for (size_t i = 0; i < schema_root.n; i++)
        if (schema_root.keys[i].group != NULL && schema_find(schema_root.keys[i].group, name) != NULL)
            return schema_root.keys[i].group;
    return NULL;
}
