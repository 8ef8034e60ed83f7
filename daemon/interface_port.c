/* What forwarding and the RIB know of an interface: its port, its own addresses, its connected routes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/igmp.h"
#include "daemon/interface.h"
#include "daemon/rip.h"

#define MTU_MOST    UINT16_MAX
#define MTU_NOBODYS 1500 /* while there is no device to ask */

static uint16_t mtu_without_device(const struct config_interface *config)
{
    if (config->mtu != 0 && config->mtu < MTU_MOST)
        return (uint16_t)config->mtu;
    return config->type == CONFIG_LOOPBACK ? MTU_MOST : MTU_NOBODYS;
}

static uint16_t effective_mtu(struct router *router, struct interface *i, const struct link *link)
{
    if (link == NULL)
        return mtu_without_device(i->config);
    uint32_t configured = (uint32_t)i->config->mtu;
    uint32_t device = link->mtu < MTU_MOST ? link->mtu : MTU_MOST;
    if (configured == 0 || configured <= device)
        return (uint16_t)(configured == 0 ? device : configured);
    if (i->said_mtu != link->mtu)
        interface_tell(router, CONFIG_LOG_WARNING,
                       "interface %s: mtu = %u is more than the device's %u, which is used: ip link set %s mtu %u, or "
                       "configure less",
                       i->name, (unsigned)configured, (unsigned)link->mtu, i->name, (unsigned)configured);
    i->said_mtu = link->mtu;
    return (uint16_t)device;
}

static struct port *describe_port(struct router *router, struct interface *i, const struct link *link, bool up)
{
    const struct config_interface *c = i->config;
    struct port *p = port_new((unsigned)c->n_addresses);
    if (p == NULL)
        return NULL;
    p->number = (uint16_t)i->number;
    memcpy(p->name, i->name, sizeof p->name);
    p->ifindex = i->ifindex;
    if (link != NULL)
        memcpy(p->mac, link->mac, MAC_LEN);
    p->mtu = effective_mtu(router, i, link);
    p->loopback = c->type == CONFIG_LOOPBACK;
    p->up = up;
    p->redirects = c->redirects;
    p->unreachables = c->unreachables;
    p->directed_broadcast = c->directed_broadcast;
    p->source_route = c->source_route;
    p->mask_reply = c->mask_reply;
    p->proxy_arp = c->proxy_arp;
    p->rip = router->running->rip.enabled && c->rip.enabled;
    p->arp_timeout_s = (uint32_t)c->arp_timeout;
    for (size_t a = 0; a < c->n_addresses; a++)
        p->addresses[a] = c->addresses[a].prefix;
    return p;
}

static bool same_port(const struct port *a, const struct port *b)
{
    if (a == NULL || memcmp(a, b, offsetof(struct port, addresses)) != 0)
        return false;
    for (unsigned i = 0; i < a->n_addresses; i++)
        if (!prefix_equal(a->addresses[i], b->addresses[i]))
            return false;
    return true;
}

static bool publish_port(struct router *router, struct interface *i, const struct link *link, bool up, struct now now)
{
    struct port *p = describe_port(router, i, link, up);
    bool done = p != NULL && (same_port(dataplane_port(router->dataplane, i->number), p) ||
                              dataplane_set_port(router->dataplane, p, now));
    free(p);
    if (!done)
        log_error(&router->log, "interface %s: no memory to change its port, which stays as it was", i->name);
    return done;
}

static struct prefix network_of(struct prefix p)
{
    return (struct prefix){.addr = prefix_network(p), .len = p.len};
}

static bool holds_address(const struct prefix *list, size_t n, struct prefix p)
{
    for (size_t i = 0; i < n; i++)
        if (prefix_equal(list[i], p))
            return true;
    return false;
}

static bool holds_network(const struct prefix *list, size_t n, struct prefix p)
{
    for (size_t i = 0; i < n; i++)
        if (prefix_equal(network_of(list[i]), network_of(p)))
            return true;
    return false;
}

static bool is_configured(const struct config_interface *c, struct prefix p)
{
    for (size_t i = 0; i < c->n_addresses; i++)
        if (prefix_equal(c->addresses[i].prefix, p))
            return true;
    return false;
}

/* Takes from the RIB what the configuration no longer has, or everything. A connected route goes with the last address
 * of its network. */
void interface_withdraw(struct router *router, struct interface *i, bool everything, struct now now)
{
    struct rib *rib = router->rib;
    size_t kept = 0;
    for (size_t a = 0; a < i->n_announced; a++) {
        struct prefix p = i->announced[a];
        if (!everything && is_configured(i->config, p)) {
            i->announced[a] = i->announced[kept];
            i->announced[kept++] = p;
        }
    }
    for (size_t a = kept; a < i->n_announced; a++) {
        struct prefix p = i->announced[a];
        rib_own_address(rib, p.addr, false, now);
        if (!holds_network(i->announced, kept, p))
            rib_remove(rib, network_of(p), RIB_CONNECTED, 0, now);
    }
    i->n_announced = kept;
}

static bool add_connected(struct router *router, const struct interface *i, struct prefix p, struct now now)
{
    struct rib_route route = {.prefix = network_of(p), .protocol = RIB_CONNECTED, .type = RIB_UNICAST, .n_hops = 1};
    route.hops[0] = (struct rib_hop){.port = (uint16_t)i->number};
    return rib_add(router->rib, &route, now);
}

static void announce(struct router *router, struct interface *i, struct now now)
{
    const struct config_interface *c = i->config;
    if (c->n_addresses > i->n_announced) {
        struct prefix *room = reallocarray(i->announced, c->n_addresses, sizeof *room);
        if (room == NULL) {
            log_error(&router->log, "interface %s: no memory for its connected routes", i->name);
            return;
        }
        i->announced = room;
    }
    for (size_t a = 0; a < c->n_addresses; a++) {
        struct prefix p = c->addresses[a].prefix;
        if (holds_address(i->announced, i->n_announced, p))
            continue;
        rib_own_address(router->rib, p.addr, true, now);
        if (!holds_network(i->announced, i->n_announced, p) && !add_connected(router, i, p, now))
            log_error(&router->log, "interface %s: no memory for a connected route", i->name);
        i->announced[i->n_announced++] = p;
    }
}

/* Before anything leads to a port it is there; what led to it is gone at the end of the batch. */
void interface_follow(struct router *router, struct interface *i, const struct link *link, struct now now)
{
    struct rib *rib = router->rib;
    bool up = i->obstacle == NONE, was_up = i->up;
    rib_batch_begin(rib);
    interface_withdraw(router, i, !up, now);
    if (was_up && !up)
        rib_port_changed(rib, i->number, false, now);
    publish_port(router, i, link, up, now);
    if (up && !was_up)
        rib_port_changed(rib, i->number, true, now);
    if (up)
        announce(router, i, now);
    rib_batch_end(rib, now);
    rip_service_port_changed(router->rip, i->number, now);
    igmp_service_port_changed(router->igmp, i->number, now);
    i->up = up;
    if (was_up != up) {
        i->changed_ns = now.ns;
        i->changes++;
    }
}
