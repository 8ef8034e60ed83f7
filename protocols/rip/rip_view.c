/* Looking at RIP. Walks keep no pointer between two steps. */
#include "protocols/rip/rip_internal.h"

const char *const rip_kind_name[RIP_KIND__COUNT] = {
    [RIP_LEARNED] = "learned",
    [RIP_INTERFACE] = "interface",
    [RIP_REDISTRIBUTED] = "redistributed",
    [RIP_DEFAULT] = "default",
};

static uint64_t left(uint64_t until_ns, struct now now)
{
    if (until_ns == NEVER_NS)
        return NEVER_NS;
    return until_ns > now.ns ? until_ns - now.ns : 0;
}

static void view_paths(const struct rip *rip, const struct rip_route *route, struct rip_route_view *view,
                       struct now now)
{
    for (const struct path *path = route->paths; path != NULL && view->n_paths < RIP_PATHS_MAX; path = path->next)
        view->paths[view->n_paths++] = (struct rip_path_view){
            .gateway = path->gateway,
            .from = path->neighbour->address,
            .port = path->neighbour->interface->port,
            .metric = path->metric,
            .tag = path->tag,
            .used = path->used,
            .left_ns = left(rip_path_due(rip, path), now),
        };
}

bool rip_next_route(const struct rip *rip, struct rip_route_cursor *cursor, struct rip_route_view *view, struct now now)
{
    struct prefix prefix;
    void *value;
    if (!patricia_next(&rip->table, &cursor->at, &prefix, &value))
        return false;
    const struct rip_route *route = value;
    *view = (struct rip_route_view){
        .prefix = prefix,
        .kind = route->kind,
        .protocol = route->winner < RIB_PROTOCOL__COUNT ? route->winner : RIB_RIP,
        .metric = route->metric,
        .tag = route->tag,
        .port = route->interface,
        .gateway = route->gateway,
        .left_ns = NEVER_NS,
    };
    view_paths(rip, route, view, now);
    if (route->garbage_ns != 0)
        view->left_ns = left(route->garbage_ns, now);
    else if (route->kind == RIP_LEARNED && view->n_paths > 0)
        view->left_ns = view->paths[0].left_ns;
    return true;
}

/* ---- neighbours ---- */

static const struct rip_neighbour *next_neighbour(const struct rip_interface *interface, uint32_t from)
{
    const struct rip_neighbour *next = NULL;
    for (const struct rip_neighbour *n = interface->neighbours; n != NULL; n = n->next)
        if (n->address >= from && (next == NULL || n->address < next->address))
            next = n;
    return next;
}

static bool is_configured(const struct rip *rip, uint32_t address)
{
    for (unsigned i = 0; i < rip->settings->n_neighbors; i++)
        if (rip->settings->neighbors[i] == address)
            return true;
    return false;
}

bool rip_next_neighbour(const struct rip *rip, struct rip_neighbour_cursor *cursor, struct rip_neighbour_view *view)
{
    const struct rip_neighbour *n = NULL;
    uint32_t from = cursor->started ? cursor->address + 1 : 0;
    for (; cursor->port < rip->n_interfaces; cursor->port++, from = 0) {
        n = rip->interfaces[cursor->port] != NULL ? next_neighbour(rip->interfaces[cursor->port], from) : NULL;
        if (n != NULL)
            break;
    }
    if (n == NULL)
        return false;
    cursor->started = true;
    cursor->address = n->address;
    *view = (struct rip_neighbour_view){
        .address = n->address,
        .port = n->interface->port,
        .version = n->version,
        .configured = is_configured(rip, n->address),
        .heard_ns = n->heard_ns,
        .routes = n->n_paths,
        .requests = n->requests,
        .responses = n->responses,
        .exchange = rip_triggered_view(rip, n),
    };
    for (unsigned i = 0; i < RIP_REJECT__COUNT; i++) {
        view->rejects[i] = n->rejects[i];
        if (i != RIP_REJECT_FILTERED)
            *(rip_reject_route[i] ? &view->bad_routes : &view->bad_packets) += n->rejects[i];
    }
    return true;
}

/* ---- interfaces ---- */

static uint64_t next_update(const struct rip_interface *interface)
{
    uint64_t a = interface->outlets[0].update_ns, b = interface->outlets[1].update_ns;
    return a < b ? a : b;
}

bool rip_find_interface(const struct rip *rip, unsigned port, struct rip_interface_view *view)
{
    const struct rip_interface *interface = rip_interface_find(rip, port);
    if (interface == NULL || interface->removed)
        return false;
    *view = (struct rip_interface_view){
        .port = interface->port,
        .up = interface->up,
        .settings = interface->settings,
        .n_addresses = interface->n_addresses,
        .addresses = interface->addresses,
        .neighbours = interface->n_neighbours,
        .next_update_ns = next_update(interface),
        .peers = interface->circuit.peers,
        .counters = interface->counters,
    };
    return true;
}

bool rip_next_interface(const struct rip *rip, unsigned *port, struct rip_interface_view *view)
{
    while (*port < rip->n_interfaces)
        if (rip_find_interface(rip, (*port)++, view))
            return true;
    return false;
}

/* ---- all of it ---- */

struct rip_status rip_status(const struct rip *rip)
{
    struct rip_status status = {
        .settings = rip->settings,
        .stopping = rip->stopping,
        .routes = rip->n_routes,
        .learned = rip->n_learned,
        .unreachable = rip->n_unreachable,
        .paths = rip->n_paths,
        .changes = rip->changes,
        .no_interface = rip->no_interface,
        .bytes = sizeof *rip + rip->n_routes * sizeof(struct rip_route) + rip->n_paths * sizeof(struct path) +
                 patricia_bytes(&rip->table) + rip->timers.room * sizeof(struct timer *),
    };
    for (unsigned i = 0; i < rip->n_interfaces; i++) {
        const struct rip_interface *interface = rip->interfaces[i];
        if (interface == NULL || interface->removed)
            continue;
        status.interfaces++;
        status.interfaces_up += interface->up;
        status.neighbours += interface->n_neighbours;
        status.bytes += sizeof *interface + interface->n_neighbours * sizeof(struct rip_neighbour);
    }
    for (unsigned i = 0; i < RIP_REJECT__COUNT; i++)
        status.rejects[i] = rip->rejects[i];
    return status;
}
