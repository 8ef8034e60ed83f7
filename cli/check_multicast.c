/* IGMP and multicast forwarding. Lists of groups and ranges are short, so each is compared with those before it. */
#include <string.h>

#include "cli/check.h"
#include "cli/schema.h"

#define RESPONSE_LEAST 0.1  /* seconds: what a query can tell its hosts */
#define RESPONSE_V2    25.5 /* the most that one of version 2 can, RFC 2236 2.2 */

/* NULL: hosts may join it, and routers may forward it. */
static const char *no_group(uint32_t addr)
{
    if (!addr_is_multicast(addr))
        return "no multicast address";
    return addr >> 8 == 0xe00000 ? "of 224.0.0.0/24, which never leaves its link" : NULL;
}

static void check_range(const struct check *c, const struct config_range *range, const char *what)
{
    static const struct prefix all = {.addr = 0xe0000000, .len = 4};
    char text[PREFIX_TEXT], right[PREFIX_TEXT];
    struct prefix network = {.addr = prefix_network(range->prefix), .len = range->prefix.len};
    prefix_text(range->prefix, text);
    if (range->prefix.len < all.len || !prefix_holds(all, range->prefix.addr))
        config_error(c->errors, range->place, "%s %s is no range of multicast groups, which lie in 224.0.0.0/4", what,
                     text);
    else if (network.addr != range->prefix.addr)
        config_error(c->errors, range->place, "%s %s has bits beyond its length: %s is the range", what, text,
                     prefix_text(network, right));
}

static void check_ranges(const struct check *c, const struct config_range *ranges, size_t n, const char *what)
{
    char text[PREFIX_TEXT], where[CHECK_FIRST_SIZE];
    for (size_t i = 0; i < n; i++) {
        check_range(c, &ranges[i], what);
        for (size_t k = 0; k < i; k++)
            if (prefix_equal(ranges[k].prefix, ranges[i].prefix)) {
                config_error(c->errors, ranges[i].place, "%s %s is there twice%s", what,
                             prefix_text(ranges[i].prefix, text),
                             check_first_text(ranges[k].place, ranges[i].place, where, sizeof where));
                break;
            }
    }
}

static void check_groups(const struct check *c, const struct config_interface *i)
{
    const struct config_igmp_interface *igmp = &i->igmp;
    char text[ADDR_TEXT], where[CHECK_FIRST_SIZE];
    for (size_t k = 0; k < igmp->n_static_groups; k++) {
        const struct config_group *group = &igmp->static_groups[k];
        const char *what = no_group(group->address);
        addr_text(group->address, text);
        if (what != NULL)
            config_error(c->errors, group->place, "interface '%s': static group %s is %s", i->name, text, what);
        for (size_t j = 0; j < k; j++)
            if (igmp->static_groups[j].address == group->address) {
                config_error(c->errors, group->place, "interface '%s': static group %s is there twice%s", i->name, text,
                             check_first_text(igmp->static_groups[j].place, group->place, where, sizeof where));
                break;
            }
    }
}

static void check_interval(const struct check *c, const struct config_interface *i, const char *what, double seconds,
                           struct config_place place)
{
    place = check_place(place, i->place);
    if (seconds < RESPONSE_LEAST)
        config_error(c->errors, place, "interface '%s': %s %g is less than %g seconds, the least that a query can say",
                     i->name, what, seconds, RESPONSE_LEAST);
    else if (i->igmp.version < 3 && seconds > RESPONSE_V2)
        config_error(c->errors, place,
                     "interface '%s': %s %g is more than %g seconds, the most that a query of version %lld can say",
                     i->name, what, seconds, RESPONSE_V2, (long long)i->igmp.version);
}

/* RFC 9776 8.3: the response interval must be less than the query interval. */
static void check_igmp(const struct check *c, const struct config_interface *i)
{
    const struct config_igmp_interface *igmp = &i->igmp;
    check_interval(c, i, "query-response-interval", igmp->response_interval, igmp->response_place);
    check_interval(c, i, "last-member-query-interval", igmp->last_member_interval, igmp->last_member_place);
    if (igmp->response_interval >= (double)igmp->query_interval)
        config_error(c->errors, check_place(igmp->response_place, i->place),
                     "interface '%s': a query-response-interval of %g seconds is not over before the next query, after "
                     "%lld: it has to be less",
                     i->name, igmp->response_interval, (long long)igmp->query_interval);
    check_groups(c, i);
    check_ranges(c, i->multicast.boundaries, i->multicast.n_boundaries, "boundary");
    if (igmp->enabled && i->type == CONFIG_LOOPBACK)
        config_error(c->errors, i->place, "interface '%s' is a loopback: there are no hosts for IGMP to ask", i->name);
}

/* RFC 4605 4: one upstream interface, on which the proxy is a host and no router. */
static void check_upstream(const struct check *c)
{
    const struct config_multicast *m = &c->config->multicast;
    if (m->upstream == NULL)
        return;
    const struct config_interface *i = check_interface(c, m->upstream);
    struct config_place place = check_place(m->upstream_place, c->config->place);
    if (i == NULL)
        config_error(c->errors, place, "multicast.upstream: there is no interface '%s'", m->upstream);
    else if (i->type == CONFIG_LOOPBACK)
        config_error(c->errors, place, "multicast.upstream: interface '%s' is a loopback", m->upstream);
}

void check_multicast(const struct check *c)
{
    for (size_t i = 0; i < c->config->n_interfaces; i++)
        if (!c->config->interfaces[i].doubtful && c->config->interfaces[i].name != NULL)
            check_igmp(c, &c->config->interfaces[i]);
    check_upstream(c);
    check_ranges(c, c->config->multicast.ssm_ranges, c->config->multicast.n_ssm_ranges, "SSM range");
}
