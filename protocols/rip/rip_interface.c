/* Interfaces: their states, their networks, and when their outlets open and close.
 *
 * Two facts decide over an outlet: whether it should be open (the interface is up, sends that version, has anybody to
 * send to) and whether it is. From their difference follows what is done; no other state is kept. */
#include <stdlib.h>
#include <string.h>

#include "protocols/rip/rip_internal.h"

struct rip_interface *rip_interface_find(const struct rip *rip, unsigned port)
{
    return port < PORT_MAX ? rip->interfaces[port] : NULL;
}

static bool is_host_of(struct prefix subnet, uint32_t addr)
{
    if (subnet.len == 32 || !prefix_holds(subnet, addr))
        return false;
    return !prefix_has_broadcast(subnet) || (addr != prefix_network(subnet) && addr != prefix_broadcast(subnet));
}

const struct prefix *rip_interface_subnet_of(const struct rip_interface *interface, uint32_t addr)
{
    for (unsigned i = 0; i < interface->n_addresses; i++)
        if (is_host_of(interface->addresses[i], addr))
            return &interface->addresses[i];
    return NULL;
}

bool rip_interface_is_own(const struct rip_interface *interface, uint32_t addr)
{
    for (unsigned i = 0; i < interface->n_addresses; i++)
        if (interface->addresses[i].addr == addr)
            return true;
    return false;
}

/* ---- outlets ---- */

static bool is_wanted(const struct rip *rip, const struct rip_interface *interface, const struct outlet *outlet)
{
    const struct rip_interface_settings *s = interface->settings;
    return interface->up && !interface->removed && !rip->stopping && !s->loopback && !s->triggered &&
           interface->circuit.peers == 0 && (s->send & (outlet->version == 1 ? RIP_V1 : RIP_V2)) != 0 &&
           rip_outlet_has_targets(rip, interface, !s->passive);
}

void rip_interface_refresh(struct rip *rip, struct rip_interface *interface, struct now now)
{
    for (unsigned i = 0; i < 2; i++) {
        struct outlet *outlet = &interface->outlets[i];
        bool wanted = is_wanted(rip, interface, outlet);
        if (wanted && (!outlet->open || (outlet->job == JOB_GOODBYE && !outlet->goodbye_group)))
            rip_outlet_open(rip, outlet, now);
        else if (!wanted && outlet->open && interface->up)
            rip_outlet_goodbye(rip, outlet, false);
        else if (!wanted && outlet->open)
            rip_outlet_close(rip, outlet);
    }
    rip_triggered_refresh(rip, interface, now);
}

/* ---- networks ---- */

static struct prefix network_of(struct prefix address)
{
    return (struct prefix){.addr = prefix_network(address), .len = address.len};
}

static bool has_network(const struct prefix *addresses, unsigned n, struct prefix network)
{
    for (unsigned i = 0; i < n; i++)
        if (prefix_equal(network_of(addresses[i]), network))
            return true;
    return false;
}

static void network_changed(struct rip *rip, const struct rip_interface *interface, struct prefix network, bool has,
                            struct now now)
{
    struct rip_route *route = has ? rip_route_get(rip, network) : rip_route_find(rip, network);
    if (route == NULL || (!has && route->interface != interface->port))
        return;
    route->interface = has ? interface->port : PORT_NONE;
    rip_route_update(rip, route, now);
}

/* Takes N ADDRESSES (a block of the interface's from now on) in place of those it had. */
static void set_addresses(struct rip *rip, struct rip_interface *interface, struct prefix *addresses, unsigned n,
                          struct now now)
{
    struct prefix *was = interface->addresses;
    unsigned n_was = interface->n_addresses;
    interface->addresses = addresses;
    interface->n_addresses = n;
    rib_batch_begin(rip->rib);
    for (unsigned i = 0; i < n; i++)
        network_changed(rip, interface, network_of(addresses[i]), true, now);
    for (unsigned i = 0; i < n_was; i++)
        if (!has_network(addresses, n, network_of(was[i])))
            network_changed(rip, interface, network_of(was[i]), false, now);
    rib_batch_end(rip->rib, now);
    for (struct rip_neighbour *neighbour = interface->neighbours; neighbour != NULL; neighbour = neighbour->next)
        if (rip_interface_subnet_of(interface, neighbour->address) == NULL)
            rip_neighbour_lose(rip, neighbour);
    free(was);
}

/* ---- what its users do ---- */

static bool is_equal_list(const struct rip_prefix_list *a, const struct rip_prefix_list *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++) {
        const struct rip_prefix_rule *x = &a->rules[i], *y = &b->rules[i];
        if (x->permit != y->permit || !prefix_equal(x->prefix, y->prefix) || x->ge != y->ge || x->le != y->le)
            return false;
    }
    return true;
}

static bool are_equal_offsets(const struct rip_offset *a, unsigned n_a, const struct rip_offset *b, unsigned n_b)
{
    for (unsigned i = 0; i < n_a && n_a == n_b; i++)
        if (a[i].add != b[i].add || !is_equal_list(a[i].list, b[i].list))
            return false;
    return n_a == n_b;
}

static bool lets_in_as(const struct rip_interface_settings *a, const struct rip_interface_settings *b)
{
    return a->receive == b->receive && a->metric_in == b->metric_in && is_equal_list(a->list_in, b->list_in) &&
           are_equal_offsets(a->offsets_in, a->n_offsets_in, b->offsets_in, b->n_offsets_in);
}

static bool lets_out_as(const struct rip_interface_settings *a, const struct rip_interface_settings *b)
{
    if (a->n_summaries != b->n_summaries)
        return false;
    for (unsigned i = 0; i < a->n_summaries; i++)
        if (!prefix_equal(a->summaries[i], b->summaries[i]))
            return false;
    return a->passive == b->passive && a->broadcast == b->broadcast && a->split_horizon == b->split_horizon &&
           a->metric_out == b->metric_out && a->auto_summary == b->auto_summary &&
           is_equal_list(a->list_out, b->list_out) &&
           are_equal_offsets(a->offsets_out, a->n_offsets_out, b->offsets_out, b->n_offsets_out);
}

static struct rip_interface *interface_new(struct rip *rip, unsigned port, struct rip_interface_settings *settings)
{
    struct rip_interface *interface = calloc(1, sizeof *interface);
    if (interface == NULL)
        return NULL;
    interface->port = (uint16_t)port;
    interface->settings = settings;
    patricia_init(&interface->summaries, &later_at_once);
    for (unsigned i = 0; i < 2; i++) {
        struct outlet *outlet = &interface->outlets[i];
        outlet->interface = interface;
        outlet->version = (uint8_t)(i + 1);
        outlet->told_to.marker = outlet->at.marker = true;
        outlet->summaries = &interface->summaries;
        outlet->update_ns = NEVER_NS;
    }
    rip->interfaces[port] = interface;
    if (rip->n_interfaces <= port)
        rip->n_interfaces = port + 1;
    return interface;
}

/* Those to whom the group or broadcast brought what is not meant for them any more. */
static void leave_group(struct rip *rip, struct rip_interface *interface)
{
    for (unsigned i = 0; i < 2; i++)
        if (interface->outlets[i].open && rip_outlet_has_targets(rip, interface, false))
            rip_outlet_goodbye(rip, &interface->outlets[i], true);
}

void rip_interface_watch_keys(struct rip *rip, struct rip_interface *interface, struct now now)
{
    char text[RIP_AUTH_TEXT_MAX];
    bool warning;
    while (rip_auth_log_keys(&interface->auth_log, &interface->settings->auth, now, &warning, text))
        rip_log(rip, warning ? RIP_WARNING : RIP_NOTICE, interface->port, 0, "%s", text);
}

bool rip_interface_set(struct rip *rip, unsigned port, const struct rip_interface_settings *settings, struct now now)
{
    if (port >= PORT_MAX)
        return false;
    struct rip_interface_settings *copy = rip_interface_settings_copy(settings);
    if (copy == NULL)
        return false;
    struct rip_interface *interface = rip->interfaces[port];
    if (interface == NULL) {
        if (interface_new(rip, port, copy) == NULL)
            free(copy);
        return rip->interfaces[port] != NULL;
    }
    if (interface->removed) { /* it comes back before it was gone */
        interface->removed = interface->hurried = interface->up = false;
        set_addresses(rip, interface, NULL, 0, now);
    }
    struct rip_interface_settings *was = interface->settings;
    bool in_changed = !lets_in_as(was, copy), out_changed = !lets_out_as(was, copy);
    interface->settings = copy;
    for (struct rip_neighbour *n = interface->neighbours; n != NULL; n = n->next)
        rip_auth_seen_update(&n->seen, &was->auth, &copy->auth);
    if (in_changed)
        rip_review(rip);
    if (copy->passive && !was->passive)
        leave_group(rip, interface);
    rip_interface_refresh(rip, interface, now);
    for (unsigned i = 0; i < 2; i++) {
        struct outlet *outlet = &interface->outlets[i];
        if (!outlet->open)
            continue;
        if (out_changed)
            rip_outlet_refresh(outlet, now);
        if (in_changed)
            rip_outlet_request(rip, outlet, now);
    }
    if (out_changed)
        rip_triggered_tell_all(interface);
    if (in_changed)
        rip_triggered_ask_all(interface, 0, now);
    free(was);
    return true;
}

void rip_interface_remove(struct rip *rip, unsigned port, struct now now)
{
    struct rip_interface *interface = rip_interface_find(rip, port);
    if (interface == NULL)
        return;
    interface->removed = true;
    for (unsigned i = 0; i < interface->n_addresses; i++)
        network_changed(rip, interface, network_of(interface->addresses[i]), false, now);
    for (struct rip_neighbour *n = interface->neighbours; n != NULL; n = n->next)
        rip_neighbour_lose(rip, n);
    rip_interface_refresh(rip, interface, now);
    rip_interface_reap(rip, interface);
}

void rip_interface_hurry(struct rip *rip, unsigned port)
{
    struct rip_interface *interface = rip_interface_find(rip, port);
    if (interface != NULL && interface->removed)
        interface->hurried = true;
}

bool rip_interface_up(struct rip *rip, unsigned port, const struct prefix *addresses, unsigned n, struct now now)
{
    struct rip_interface *interface = rip_interface_find(rip, port);
    if (interface == NULL || interface->removed)
        return false;
    struct prefix *copy = malloc((n > 0 ? n : 1) * sizeof *copy);
    if (copy == NULL)
        return false;
    if (n > 0)
        memcpy(copy, addresses, n * sizeof *copy);
    bool other = n != interface->n_addresses || !interface->up;
    for (unsigned i = 0; i < n && !other; i++)
        other = !prefix_equal(addresses[i], interface->addresses[i]);
    interface->up = true;
    set_addresses(rip, interface, copy, n, now);
    rip_debug_if(rip, RIP_DEBUG_EVENTS, port, 0, "up, with %u addresses", n);
    bool was_open[2] = {interface->outlets[0].open, interface->outlets[1].open};
    rip_interface_refresh(rip, interface, now);
    for (unsigned i = 0; i < 2; i++) {
        struct outlet *outlet = &interface->outlets[i];
        if (!other || !outlet->open || !was_open[i])
            continue;
        rip_outlet_refresh(outlet, now);
        rip_outlet_request(rip, outlet, now);
    }
    if (other)
        rip_triggered_restart(rip, interface, now);
    return true;
}

void rip_interface_down(struct rip *rip, unsigned port, struct now now)
{
    struct rip_interface *interface = rip_interface_find(rip, port);
    if (interface == NULL || !interface->up)
        return;
    interface->up = false;
    rip_debug_if(rip, RIP_DEBUG_EVENTS, port, 0, "down");
    set_addresses(rip, interface, NULL, 0, now);
    rip_interface_refresh(rip, interface, now);
}

/* ---- the end ---- */

bool rip_interface_reap(struct rip *rip, struct rip_interface *interface)
{
    if (!interface->removed || interface->outlets[0].open || interface->outlets[1].open || interface->circuit.peers > 0)
        return false;
    for (const struct rip_neighbour *n = interface->neighbours; n != NULL; n = n->next)
        if (n->n_paths > 0)
            return false;
    rip_interface_free(rip, interface);
    return true;
}

void rip_interface_free(struct rip *rip, struct rip_interface *interface)
{
    for (unsigned i = 0; i < 2; i++) {
        rip_outlet_drop_replies(rip, &interface->outlets[i]);
        if (interface->outlets[i].open)
            rip_outlet_close(rip, &interface->outlets[i]);
    }
    rip_triggered_close_all(rip, interface);
    rip_neighbours_free(interface);
    patricia_clear(&interface->summaries, free);
    rip->interfaces[interface->port] = NULL;
    free(interface->addresses);
    free(interface->settings);
    free(interface);
}
