/* What needs more than one value to be judged. Each pair of values that exclude each other is one error, at the place
 * of the one that stands later in the configuration, and names the place of the other.
 *
 * A table of routes or addresses may have a hundred thousand entries, so whatever is looked for in it is first put into
 * a sorted index; the findings are then told in the order of the configuration. */
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/config.h"
#include "cli/schema.h"
#include "forwarding/counters.h"

const char *check_first_text(struct config_place first, struct config_place second, char *to, size_t size)
{
    to[0] = '\0';
    if (first.line == 0)
        return to;
    bool same_file = first.file != NULL && second.file != NULL && strcmp(first.file, second.file) == 0;
    if (same_file)
        snprintf(to, size, " (first on line %d)", first.line);
    else
        snprintf(to, size, " (first on %s:%d)", first.file == NULL ? "line" : first.file, first.line);
    return to;
}

static const char *name_of(const struct config_interface *interface)
{
    return interface->name == NULL ? "" : interface->name;
}

struct config_place check_place(struct config_place place, struct config_place other)
{
    return place.line != 0 ? place : other;
}

/* ---- ranges: a candidate need not come from a file ---- */

static void check_group(struct check *c, const struct schema_group *group, const void *base, struct config_place place)
{
    char why[512];
    if (group->doubtful_offset != SCHEMA_NOWHERE && *(const bool *)((const char *)base + group->doubtful_offset))
        return; /* the reader has told already */
    if (group->place_offset != SCHEMA_NOWHERE)
        memcpy(&place, (const char *)base + group->place_offset, sizeof place);
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (key->later)
            continue;
        if (key->kind == SCHEMA_GROUP) {
            check_group(c, key->group, base, place);
            continue;
        }
        size_t n = key->list || key->kind == SCHEMA_ENTRIES ? schema_count(key, base) : 1;
        for (size_t i = 0; i < n; i++) {
            const void *at = schema_look(key, base, i);
            if (key->kind == SCHEMA_ENTRIES)
                check_group(c, key->group, at, place);
            else if (!schema_acceptable(key, at, why, sizeof why))
                config_error(c->errors, place, "%s", why);
        }
    }
}

/* ---- interfaces ---- */

static void check_loopback(struct check *c, const struct config_interface *i)
{
    if (i->mtu != 0)
        config_error(c->errors, i->mtu_place.line != 0 ? i->mtu_place : i->place,
                     "loopback interface '%s' has no device, so 'mtu' makes no sense", i->name);
    const struct {
        bool set;
        const char *name;
    } senseless[] = {
        {i->proxy_arp, "proxy-arp"}, {i->directed_broadcast, "directed-broadcast"}, {i->source_route, "source-route"}};
    for (size_t k = 0; k < sizeof senseless / sizeof senseless[0]; k++)
        if (senseless[k].set)
            config_error(c->errors, i->place, "no packet comes in by loopback interface '%s', so '%s' makes no sense",
                         i->name, senseless[k].name);
}

static void check_interfaces(struct check *c)
{
    for (size_t k = 0; k < c->config->n_interfaces; k++) {
        const struct config_interface *i = &c->config->interfaces[k];
        if (k == PORT_MAX)
            config_error(c->errors, i->place, "there can be at most %d interfaces", PORT_MAX);
        if (i->name == NULL)
            continue;
        const struct config_interface *first = check_interface(c, i->name);
        char where[CHECK_FIRST_SIZE];
        if (first != i)
            config_error(c->errors, i->place, "interface '%s' is there twice%s", i->name,
                         check_first_text(first->place, i->place, where, sizeof where));
        if (i->type == CONFIG_LOOPBACK)
            check_loopback(c, i);
    }
}

/* ---- addresses ---- */

const char *check_no_unicast(uint32_t addr)
{
    if (addr_is_limited_broadcast(addr))
        return "the broadcast address";
    if (addr_is_this_network(addr))
        return "an address of 0.0.0.0/8";
    if (addr_is_loopback(addr))
        return "a loopback address";
    if (addr_is_multicast(addr))
        return "a multicast address";
    return addr_is_class_e(addr) ? "an address of 240.0.0.0/4" : NULL;
}

static void check_address(struct check *c, const struct owned *o)
{
    struct prefix p = o->address->prefix;
    char text[PREFIX_TEXT], other[PREFIX_TEXT], where[CHECK_FIRST_SIZE];
    prefix_text(p, text);
    const char *what = check_no_unicast(p.addr);
    if (what != NULL) {
        config_error(c->errors, o->address->place, "%s is %s: no interface can have it", text, what);
        return;
    }
    if (p.len == 0) {
        config_error(c->errors, o->address->place, "%s: a subnet cannot be everything", text);
        return;
    }
    what = check_no_host(p, p.addr);
    if (what != NULL)
        config_error(c->errors, o->address->place, "%s is %s of its subnet: no interface can have it", text, what);
    if (o->twin != NULL) {
        config_error(c->errors, o->address->place, "address %s is there twice: '%s' has it%s", addr_text(p.addr, text),
                     name_of(o->twin->interface),
                     check_first_text(o->twin->address->place, o->address->place, where, sizeof where));
    } else if (o->rival != NULL && o->rival->address->prefix.len > 0) {
        config_error(c->errors, o->address->place, "%s overlaps %s of '%s'%s", text,
                     prefix_text(o->rival->address->prefix, other), name_of(o->rival->interface),
                     check_first_text(o->rival->address->place, o->address->place, where, sizeof where));
    }
}

/* ---- static routes ---- */

static int compare_routes(const void *a, const void *b)
{
    const struct config_route *x = *(const struct config_route *const *)a, *y = *(const struct config_route *const *)b;
    if (x->prefix.addr != y->prefix.addr)
        return x->prefix.addr < y->prefix.addr ? -1 : 1;
    if (x->prefix.len != y->prefix.len)
        return x->prefix.len < y->prefix.len ? -1 : 1;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x < y ? -1 : x > y;
}

static bool same_route(const struct config_route *a, const struct config_route *b)
{
    return prefix_equal(a->prefix, b->prefix) && a->distance == b->distance && !a->doubtful && !b->doubtful;
}

void check_route_prefix(const struct check *c, struct prefix prefix, struct config_place place)
{
    char text[PREFIX_TEXT], right[PREFIX_TEXT];
    struct prefix network = {.addr = prefix_network(prefix), .len = prefix.len};
    if (network.addr != prefix.addr)
        config_error(c->errors, place, "prefix %s has bits beyond its length: %s is the network",
                     prefix_text(prefix, text), prefix_text(network, right));
    else if (addr_is_multicast(network.addr) || addr_is_class_e(network.addr))
        config_error(c->errors, place, "prefix %s is %s: a static route is for unicast", prefix_text(prefix, text),
                     addr_is_multicast(network.addr) ? "multicast" : "of 240.0.0.0/4");
}

void check_route_hop(const struct check *c, const uint32_t *via, unsigned i, struct config_place place)
{
    char text[ADDR_TEXT];
    addr_text(via[i], text);
    const char *what = check_no_unicast(via[i]);
    if (what != NULL) {
        config_error(c->errors, place, "next hop %s is %s", text, what);
        return;
    }
    for (unsigned k = 0; k < i; k++)
        if (via[k] == via[i]) {
            config_error(c->errors, place, "next hop %s is there twice", text);
            return;
        }
    const struct owned *own = check_owned(c, via[i]);
    if (own != NULL) {
        config_error(c->errors, place, "next hop %s is our own address, of '%s'", text, name_of(own->interface));
        return;
    }
    const struct edge *edge = check_edge(c, via[i]);
    if (edge != NULL)
        config_error(c->errors, place, "next hop %s is %s of a subnet of '%s'", text, edge->what,
                     name_of(edge->interface));
}

static void check_way(struct check *c, const struct config_route *r)
{
    char text[PREFIX_TEXT];
    prefix_text(r->prefix, text);
    if (r->type != 0) {
        if (r->n_via > 0 || r->interface != NULL)
            config_error(c->errors, check_place(r->type_place, r->place),
                         "route %s has a 'type' that drops packets, and a way out ('via' or 'interface')", text);
        return;
    }
    if (r->n_via == 0 && r->interface == NULL) {
        if (!r->doubtful)
            config_error(c->errors, r->place, "route %s needs 'via', 'interface' or 'type'", text);
        return;
    }
    if (r->interface == NULL)
        return;
    const struct config_interface *i = check_interface(c, r->interface);
    if (i == NULL)
        config_error(c->errors, check_place(r->interface_place, r->place),
                     "interface '%s' of route %s is not among the interfaces", r->interface, text);
    else if (i->type == CONFIG_LOOPBACK)
        config_error(c->errors, check_place(r->interface_place, r->place),
                     "route %s cannot leave by loopback interface '%s' (type = \"blackhole\" drops packets)", text,
                     r->interface);
}

static bool check_routes(struct check *c)
{
    size_t n = c->config->n_routes;
    const struct config_route **sorted = malloc((n + 1) * sizeof *sorted);
    const struct config_route **first = calloc(n + 1, sizeof *first);
    bool good = sorted != NULL && first != NULL;
    for (size_t i = 0; good && i < n; i++)
        sorted[i] = &c->config->routes[i];
    if (good)
        qsort(sorted, n, sizeof *sorted, compare_routes);
    for (size_t i = 1; good && i < n; i++)
        if (same_route(sorted[i - 1], sorted[i])) {
            const struct config_route *before = first[sorted[i - 1] - c->config->routes];
            first[sorted[i] - c->config->routes] = before != NULL ? before : sorted[i - 1];
        }
    for (size_t i = 0; good && i < n; i++) {
        const struct config_route *r = &c->config->routes[i];
        char text[PREFIX_TEXT], where[CHECK_FIRST_SIZE];
        check_route_prefix(c, r->prefix, r->place);
        if (first[i] != NULL)
            config_error(c->errors, r->place,
                         "route %s of distance %lld is there twice%s: one route can have several next hops",
                         prefix_text(r->prefix, text), (long long)r->distance,
                         check_first_text(first[i]->place, r->place, where, sizeof where));
        check_way(c, r);
        for (unsigned k = 0; k < r->n_via; k++)
            check_route_hop(c, r->via, k, check_place(r->via_place[k], r->place));
    }
    free(sorted);
    free(first);
    return good;
}

/* ---- static ARP ---- */

static int compare_arps(const void *a, const void *b)
{
    const struct config_arp *x = *(const struct config_arp *const *)a, *y = *(const struct config_arp *const *)b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void check_mac(struct check *c, const struct config_arp *a)
{
    static const uint8_t zero[6];
    struct config_place place = check_place(a->mac_place, a->place);
    const uint8_t *m = a->mac;
    if (memcmp(m, zero, sizeof zero) == 0)
        config_error(c->errors, place, "'mac' is all zeros");
    else if ((m[0] & 1) != 0)
        config_error(c->errors, place, "%02x:%02x:%02x:%02x:%02x:%02x is a group address: no single neighbour has it",
                     m[0], m[1], m[2], m[3], m[4], m[5]);
}

static bool in_subnet(const struct config_interface *i, uint32_t addr)
{
    for (size_t k = 0; k < i->n_addresses; k++)
        if (prefix_holds(i->addresses[k].prefix, addr))
            return true;
    return false;
}

static void check_arp_address(struct check *c, const struct config_arp *a, const struct config_interface *i)
{
    char text[ADDR_TEXT];
    addr_text(a->address, text);
    const struct owned *own = check_owned(c, a->address);
    const struct edge *edge = check_edge(c, a->address);
    if (own != NULL)
        config_error(c->errors, a->place, "%s is our own address, of '%s'", text, name_of(own->interface));
    else if (!in_subnet(i, a->address) && !i->doubtful)
        config_error(c->errors, a->place, "%s is in no subnet of interface '%s'", text, i->name);
    else if (edge != NULL && edge->interface == i)
        config_error(c->errors, a->place, "%s is %s of a subnet of '%s'", text, edge->what, i->name);
}

static void check_arp(struct check *c, const struct config_arp *a, const struct config_arp *first)
{
    char text[ADDR_TEXT], where[CHECK_FIRST_SIZE];
    check_mac(c, a);
    if (first != NULL)
        config_error(c->errors, a->place, "neighbour %s is there twice%s", addr_text(a->address, text),
                     check_first_text(first->place, a->place, where, sizeof where));
    if (a->interface == NULL)
        return;
    const struct config_interface *i = check_interface(c, a->interface);
    if (i == NULL)
        config_error(c->errors, check_place(a->interface_place, a->place), "interface '%s' is not among the interfaces",
                     a->interface);
    else if (i->type == CONFIG_LOOPBACK)
        config_error(c->errors, check_place(a->interface_place, a->place), "loopback interface '%s' has no neighbours",
                     a->interface);
    else
        check_arp_address(c, a, i);
}

static bool check_arps(struct check *c)
{
    size_t n = c->config->n_arps;
    const struct config_arp **sorted = malloc((n + 1) * sizeof *sorted);
    const struct config_arp **first = calloc(n + 1, sizeof *first);
    bool good = sorted != NULL && first != NULL;
    for (size_t i = 0; good && i < n; i++)
        sorted[i] = &c->config->arps[i];
    if (good)
        qsort(sorted, n, sizeof *sorted, compare_arps);
    for (size_t i = 1; good && i < n; i++)
        if (sorted[i - 1]->address == sorted[i]->address && !sorted[i]->doubtful) {
            const struct config_arp *before = first[sorted[i - 1] - c->config->arps];
            first[sorted[i] - c->config->arps] = before != NULL ? before : sorted[i - 1];
        }
    for (size_t i = 0; good && i < n; i++)
        if (!c->config->arps[i].doubtful)
            check_arp(c, &c->config->arps[i], first[i]);
    free(sorted);
    free(first);
    return good;
}

/* ---- all of it ---- */

static void check_lanes(struct check *c)
{
    size_t n = c->config->n_cpus;
    if (n > 0 && (int64_t)n < c->config->lanes)
        config_error(c->errors, check_place(c->config->cpus_place, c->config->place),
                     "cpus names %zu CPU%s for %lld lanes", n, n == 1 ? "" : "s", (long long)c->config->lanes);
}

bool config_check(const struct config *config, struct config_errors *errors)
{
    unsigned before = errors->errors;
    struct check c = {.config = config, .errors = errors};
    if (!config->has_interfaces)
        config_error(errors, config->place, "there is no 'interfaces' (\"interfaces = ( );\" leaves it to the shell)");
    check_group(&c, &schema_root, config, config->place);
    check_lanes(&c);
    bool good = check_index(&c);
    if (good) {
        check_interfaces(&c);
        for (size_t i = 0; i < c.n_owned; i++)
            check_address(&c, &c.owned[i]);
        good = check_routes(&c);
        good = check_routes_file(&c) && good;
        good = check_arps(&c) && good;
        check_rip(&c);
        check_multicast(&c);
    }
    if (!good)
        config_error(errors, config->place, "out of memory");
    check_free(&c);
    return errors->errors == before;
}

static void check_restart(const struct schema_group *group, const struct config *running, const struct config *next,
                          struct config_errors *errors)
{
    for (const struct schema_key *key = group->keys; key < group->keys + group->n; key++) {
        if (key->kind == SCHEMA_GROUP)
            check_restart(key->group, running, next, errors);
        else if (key->restart && !schema_same(key, running, next))
            config_warning(errors, (struct config_place){next->place.file, 0},
                           "a change of '%s%s%s' takes effect at the next start", group->name,
                           group->name[0] == '\0' ? "" : ".", key->name);
    }
}

bool config_check_restart(const struct config *running, const struct config *next, struct config_errors *errors)
{
    unsigned before = errors->warnings;
    check_restart(&schema_root, running, next, errors);
    return errors->warnings != before;
}
