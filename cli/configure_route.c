/* ip route and arp: the entries of static-routes and static-arp. Next hops that are said one by one for the same prefix
 * and distance are one entry, equal in cost. */
#include <stdio.h>
#include <string.h>

#include "cli/configure.h"
#include "cli/tree.h"

static const struct command route_prefix, route_prefix_no, route_network, route_network_no, route_mask, route_mask_no,
    route_via, route_interface, route_interface_via, route_distance;

/* ---- ip route ---- */

/* What a line says of a route. */
struct said {
    struct prefix prefix;
    const char *interface; /* NULL: none */
    uint32_t via;          /* 0: none */
    int64_t type;
    int64_t distance; /* 0: not said */
};

static const struct schema_key *routes_key(void)
{
    return edit_schema("static-routes");
}

/* The index of the word in the schema's list, 0 if it is no type. */
static int64_t type_of(const char *word)
{
    const char *const *words = edit_schema("static-routes.type")->words;
    for (int64_t i = 1; words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return 0;
}

static const struct command_arg *either(const struct edit *edit, const struct command *a, const struct command *b)
{
    const struct command_arg *arg = edit_arg(edit, a);
    return arg != NULL ? arg : edit_arg(edit, b);
}

static bool read_route(const struct edit *edit, struct said *said, char *why, size_t why_size)
{
    const struct command_arg *prefix = either(edit, &route_prefix, &route_prefix_no);
    const struct command_arg *mask = either(edit, &route_mask, &route_mask_no);
    const struct command_arg *via = either(edit, &route_via, &route_interface_via);
    const struct command_arg *interface = edit_arg(edit, &route_interface);
    const struct command_arg *distance = edit_arg(edit, &route_distance);
    *said = (struct said){0};
    if (mask != NULL) {
        said->prefix.addr = either(edit, &route_network, &route_network_no)->addr;
        if (!edit_mask(mask, &said->prefix.len, why, why_size))
            return false;
    } else {
        said->prefix = prefix->prefix;
    }
    if (via != NULL && via->addr == 0)
        return edit_refuse(why, why_size, "0.0.0.0 is no next hop: name the address of a neighbour, or an interface");
    said->via = via == NULL ? 0 : via->addr;
    said->interface = interface == NULL ? NULL : interface->text;
    said->distance = distance == NULL ? 0 : distance->number;
    for (unsigned i = 0; i < edit->line.n && said->type == 0; i++)
        if (edit->line.args[i].command->kind == COMMAND_WORD)
            said->type = type_of(edit->line.args[i].command->word);
    return true;
}

static bool same_prefix(const struct config_route *route, const struct said *said)
{
    return route->prefix.addr == said->prefix.addr && route->prefix.len == said->prefix.len;
}

static bool same_interface(const struct config_route *route, const char *interface)
{
    if (route->interface == NULL || interface == NULL)
        return route->interface == NULL && interface == NULL;
    return strcmp(route->interface, interface) == 0;
}

static bool new_route(struct config *config, const struct said *said, char *why, size_t why_size)
{
    struct config_route *route = schema_append(routes_key(), config);
    if (route == NULL)
        return edit_refuse(why, why_size, "the system gave no memory");
    route->prefix = said->prefix;
    route->type = said->type;
    route->distance = said->distance;
    if (said->via != 0)
        route->via[route->n_via++] = said->via;
    if (said->interface == NULL ||
        schema_parse(edit_schema("static-routes.interface"), said->interface, &route->interface, why, why_size))
        return true;
    schema_remove_last(routes_key(), config);
    return false;
}

/* One more next hop for a route that is there. */
static bool add_hop(struct config_route *route, const struct said *said, char *why, size_t why_size)
{
    char prefix[PREFIX_TEXT];
    prefix_text(route->prefix, prefix);
    for (unsigned i = 0; i < route->n_via; i++)
        if (route->via[i] == said->via && same_interface(route, said->interface))
            return true;
    bool drops = route->type != 0 || said->type != 0;
    if (route->type == said->type && (drops || (said->via == 0 && route->n_via == 0)) &&
        same_interface(route, said->interface))
        return true;
    if (drops || said->via == 0 || route->n_via == 0 || !same_interface(route, said->interface))
        return edit_refuse(why, why_size,
                           "route %s of distance %lld is there with another way: \"no ip route %s\" takes it out, "
                           "another distance makes a second one",
                           prefix, (long long)route->distance, prefix);
    uint32_t *via = schema_append(edit_schema("static-routes.via"), route);
    if (via == NULL)
        return edit_refuse(why, why_size, "route %s has %d next hops already: a route can have no more", prefix,
                           FIB_HOPS_MAX);
    *via = said->via;
    route->via_place[route->n_via - 1] = (struct config_place){0};
    return true;
}

static bool add_route(struct config *config, struct said *said, char *why, size_t why_size)
{
    if (said->distance == 0)
        said->distance = edit_schema("static-routes.distance")->initial;
    for (size_t i = 0; i < config->n_routes; i++)
        if (same_prefix(&config->routes[i], said) && config->routes[i].distance == said->distance)
            return add_hop(&config->routes[i], said, why, why_size);
    return new_route(config, said, why, why_size);
}

/* Takes the I-th route out, or the one next hop of it that is meant. False if that is not of this route. */
static bool take_out(struct config *config, size_t i, const struct said *said)
{
    struct config_route *route = &config->routes[i];
    bool all = said->via == 0 && said->interface == NULL && said->type == 0;
    unsigned k = 0;
    if (said->via != 0) {
        while (k < route->n_via && route->via[k] != said->via)
            k++;
        if (k == route->n_via || (said->interface != NULL && !same_interface(route, said->interface)))
            return false;
        if (route->n_via > 1) {
            schema_remove(edit_schema("static-routes.via"), route, k);
            return true;
        }
    } else if (!all && (route->type != said->type || !same_interface(route, said->interface))) {
        return false;
    }
    schema_remove(routes_key(), config, i);
    return true;
}

/* Without a distance, of whatever distance. */
static bool remove_route(struct config *config, const struct said *said, char *why, size_t why_size)
{
    char prefix[PREFIX_TEXT];
    bool any = false, prefix_there = false;
    for (size_t i = config->n_routes; i-- > 0;) {
        const struct config_route *route = &config->routes[i];
        if (!same_prefix(route, said))
            continue;
        prefix_there = true;
        if (said->distance == 0 || said->distance == route->distance)
            any = take_out(config, i, said) || any;
    }
    if (any)
        return true;
    return edit_refuse(why, why_size, "there is no static route %s%s", prefix_text(said->prefix, prefix),
                       prefix_there ? " with that way or distance" : "");
}

static bool change_route(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    struct said said;
    if (!read_route(edit, &said, why, why_size))
        return false;
    if (edit_undoes(edit))
        return remove_route(config, &said, why, why_size);
    return add_route(config, &said, why, why_size);
}

#define RUN .run = &edit_run, .edit = EDIT(change_route)

static const struct command route_distance = {
    COMMAND_NUMBER, "(1-255)", "Distance: the lowest wins, 255 is never used", .min = 1, .max = 255, RUN};
static const struct command *const after_way[] = {&route_distance, NULL};
static const struct command route_via = {COMMAND_ADDR,      "A.B.C.D", "A next hop",
                                         .next = after_way, RUN,       .values = COMMAND_VALUES_NEIGHBOURS};
static const struct command route_interface_via = {COMMAND_ADDR, "A.B.C.D", "A next hop on this interface",
                                                   .next = after_way, RUN};
static const struct command *const after_interface[] = {&route_interface_via, &route_distance, NULL};
static const struct command route_interface = {COMMAND_IF, "IF", "The interface that packets leave by",
                                               .next = after_interface, RUN};
static const struct command route_blackhole = {COMMAND_WORD, "blackhole", "Drop without a word", .next = after_way,
                                               RUN};
static const struct command route_unreachable = {COMMAND_WORD, "unreachable", "Drop, answer host unreachable",
                                                 .next = after_way, RUN};
static const struct command route_prohibit = {COMMAND_WORD, "prohibit", "Drop, answer administratively prohibited",
                                              .next = after_way, RUN};
static const struct command *const ways[] = {&route_via,         &route_interface, &route_blackhole,
                                             &route_unreachable, &route_prohibit,  NULL};
static const struct command route_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "Destinations", .next = ways};
static const struct command route_mask = {COMMAND_ADDR, "MASK", "Mask of the destinations", .next = ways};
static const struct command route_prefix_no = {COMMAND_PREFIX, "A.B.C.D/L", "Destinations",
                                               .next = ways,   RUN,         .values = COMMAND_VALUES_STATICS};
static const struct command route_mask_no = {COMMAND_ADDR, "MASK", "Mask of the destinations", .next = ways, RUN};
static const struct command *const masks[] = {&route_mask, NULL};
static const struct command *const masks_no[] = {&route_mask_no, NULL};
static const struct command route_network = {COMMAND_ADDR, "A.B.C.D", "Destinations, before a mask", .next = masks};
static const struct command route_network_no = {COMMAND_ADDR, "A.B.C.D", "Destinations, before a mask",
                                                .next = masks_no};
static const struct command *const route_words[] = {&route_prefix, &route_network, NULL};
static const struct command *const route_words_no[] = {&route_prefix_no, &route_network_no, NULL};
static const struct command route = {COMMAND_WORD, "route", "Add a static route, or a next hop to it",
                                     .next = route_words};
static const struct command route_no = {COMMAND_WORD, "route", "Take out a static route, or a next hop of it",
                                        .next = route_words_no};
static const struct command *const ip_words[] = {&route, NULL};
static const struct command *const ip_words_no[] = {&route_no, NULL};
const struct command command_config_ip = {COMMAND_WORD, "ip", "Static routes", .next = ip_words};
const struct command command_config_ip_no = {COMMAND_WORD, "ip", "Static routes", .next = ip_words_no};

/* ---- arp ---- */

static const struct command arp_address, arp_address_no, arp_mac, arp_interface;

static bool set_arp(struct config *config, size_t i, const struct edit *edit, char *why, size_t why_size)
{
    const struct schema_key *list = edit_schema("static-arp");
    struct config_arp arp = {.address = edit_arg(edit, &arp_address)->addr};
    if (!schema_parse(edit_schema("static-arp.mac"), edit_arg(edit, &arp_mac)->text, arp.mac, why, why_size) ||
        !schema_parse(edit_schema("static-arp.interface"), edit_arg(edit, &arp_interface)->text, &arp.interface, why,
                      why_size))
        return false;
    if (i == config->n_arps && schema_append(list, config) == NULL) {
        schema_clear(list->group, &arp);
        return edit_refuse(why, why_size, "the system gave no memory");
    }
    schema_clear(list->group, &config->arps[i]);
    config->arps[i] = arp;
    return true;
}

static bool change_arp(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct command_arg *address = either(edit, &arp_address, &arp_address_no);
    size_t i = 0;
    while (i < config->n_arps && config->arps[i].address != address->addr)
        i++;
    if (!edit_undoes(edit))
        return set_arp(config, i, edit, why, why_size);
    if (i == config->n_arps)
        return edit_refuse(why, why_size, "there is no static neighbour %s", address->text);
    schema_remove(edit_schema("static-arp"), config, i);
    return true;
}

#undef RUN
#define RUN .run = &edit_run, .edit = EDIT(change_arp)

static const struct command arp_interface = {COMMAND_IF, "IF", "Where it is", RUN};
static const struct command *const after_mac[] = {&arp_interface, NULL};
static const struct command arp_mac = {COMMAND_ANY, "MAC", "Its Ethernet address", .next = after_mac};
static const struct command *const after_address[] = {&arp_mac, NULL};
static const struct command arp_address = {COMMAND_ADDR, "A.B.C.D", "The neighbour", .next = after_address};
static const struct command arp_address_no = {COMMAND_ADDR, "A.B.C.D", "The neighbour", .next = after_address, RUN};
static const struct command *const arp_words[] = {&arp_address, NULL};
static const struct command *const arp_words_no[] = {&arp_address_no, NULL};
const struct command command_config_arp = {COMMAND_WORD, "arp", "A neighbour that is never asked for",
                                           .next = arp_words};
const struct command command_config_arp_no = {COMMAND_WORD, "arp", "Forget a neighbour", .next = arp_words_no};
