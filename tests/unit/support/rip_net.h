/* RIP routers on memory wires, in simulated time.
 *
 * A segment S is the network 10.S/256.S%256.0/24, on which router R is .R+1. What one sends reaches all others on the
 * segment a millisecond later, if the segment is up. Each router has a RIB and a FIB of its own. Nothing happens but in
 * net_run and net_until, which go from one event to the next: ten minutes take as long as what happens in them.
 *
 * All of it is in this header, so that tests which do not want it are not linked with RIP. */
#ifndef TESTS_RIP_NET_H
#define TESTS_RIP_NET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/counters.h"
#include "forwarding/packet.h"
#include "protocols/rip/rip.h"
#include "protocols/rip/rip_packet.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

#define NET_PORTS    32 /* of a router */
#define NET_SEGMENTS 512

struct net_port {
    bool used, up;
    unsigned segment; /* UINT32_MAX: a loopback */
    struct prefix addresses[4];
    unsigned n;
    struct rip_interface_settings settings;
};

struct net_router {
    struct net *net;
    unsigned number;
    struct fib *fib;
    struct rib *rib;
    struct rip *rip;
    struct rip_settings settings;
    struct net_port ports[NET_PORTS];
    uint64_t due_ns;
    uint64_t messages, bytes; /* sent */
};

struct net_message {
    struct net_message *next;
    uint64_t arrives_ns;
    unsigned segment, from;
    uint32_t src, dst;
    uint16_t src_port, dst_port;
    size_t len;
    uint8_t bytes[];
};

struct net {
    struct now now;
    unsigned n;
    struct net_router *routers;
    bool segment_down[NET_SEGMENTS];
    struct net_message *first, *last; /* on the way, in order of arrival */
    uint64_t messages;
    /* Sees each message when it is sent; false: it is lost. May be NULL. */
    bool (*watch)(struct net *net, const struct net_message *message);
    void *watcher;
    /* Hears what routers have to say. May be NULL. */
    void (*hear)(struct net *net, unsigned router, enum rip_level level, const char *text);
    /* The same of what is debugged. */
    void (*debugged)(struct net *net, unsigned router, enum rip_debug kind, unsigned port, uint32_t addr,
                     const char *text);
};

static inline uint32_t net_address(unsigned segment, unsigned router)
{
    return 0x0a000000u | segment << 8 | (router + 1);
}

static inline struct prefix net_segment(unsigned segment)
{
    return (struct prefix){.addr = 0x0a000000u | segment << 8, .len = 24};
}

static inline struct prefix net_prefix(const char *text)
{
    struct prefix p;
    if (!prefix_parse(text, &p))
        abort();
    return p;
}

/* ---- wires ---- */

/* A message of FROM (UINT32_MAX: a stranger) onto a segment. */
static inline void net_put(struct net *net, unsigned segment, unsigned from, uint32_t src, uint16_t src_port,
                           uint32_t dst, uint16_t dst_port, const uint8_t *bytes, size_t len)
{
    struct net_message *m = malloc(sizeof *m + len);
    *m = (struct net_message){
        .arrives_ns = net->now.ns + NS_PER_MS,
        .segment = segment,
        .from = from,
        .src = src,
        .dst = dst,
        .src_port = src_port,
        .dst_port = dst_port,
        .len = len,
    };
    memcpy(m->bytes, bytes, len);
    net->messages++;
    if (net->segment_down[segment] || (net->watch != NULL && !net->watch(net, m))) {
        free(m);
        return;
    }
    if (net->first == NULL)
        net->first = m;
    else
        net->last->next = m;
    net->last = m;
}

static inline bool net_send(void *context, unsigned port, uint32_t src, uint32_t dst, uint16_t dst_port,
                            const uint8_t *message, size_t len, struct now now)
{
    (void)now;
    struct net_router *r = context;
    CU_ASSERT_TRUE_FATAL(port < NET_PORTS && r->ports[port].used && r->ports[port].segment != UINT32_MAX);
    CU_ASSERT_TRUE(len >= RIP_HEADER + RIP_ENTRY && len <= RIP_MESSAGE_MAX);
    CU_ASSERT_TRUE(r->ports[port].up);
    r->messages++;
    r->bytes += len;
    net_put(r->net, r->ports[port].segment, r->number, src, RIP_PORT, dst, dst_port, message, len);
    return true;
}

static inline void net_log(void *context, enum rip_level level, unsigned port, uint32_t addr, const char *text)
{
    (void)port, (void)addr;
    struct net_router *r = context;
    if (r->net->hear != NULL)
        r->net->hear(r->net, r->number, level, text);
}

static inline void net_debug(void *context, enum rip_debug kind, unsigned port, uint32_t addr, const char *text)
{
    struct net_router *r = context;
    if (r->net->debugged != NULL)
        r->net->debugged(r->net, r->number, kind, port, addr, text);
}

static inline bool net_is_for(const struct net_port *port, uint32_t dst)
{
    if (dst == RIP_GROUP || dst == UINT32_MAX)
        return true;
    for (unsigned i = 0; i < port->n; i++)
        if (dst == port->addresses[i].addr || dst == prefix_broadcast(port->addresses[i]))
            return true;
    return false;
}

static inline void net_deliver(struct net *net, const struct net_message *m)
{
    for (unsigned i = 0; i < net->n; i++) {
        struct net_router *r = &net->routers[i];
        for (unsigned port = 0; port < NET_PORTS && r->rip != NULL; port++) {
            const struct net_port *p = &r->ports[port];
            if (!p->used || !p->up || p->segment != m->segment || i == m->from || !net_is_for(p, m->dst) ||
                m->dst_port != RIP_PORT)
                continue;
            struct rip_datagram d = {.port = port, .src = m->src, .dst = m->dst, .src_port = m->src_port};
            rip_input(r->rip, &d, m->bytes, m->len, net->now);
            r->due_ns = 0;
        }
    }
}

/* ---- time ---- */

static inline void net_at(struct net *net, uint64_t ns)
{
    if (ns <= net->now.ns)
        return;
    net->now.wall_ms += (ns - net->now.ns) / NS_PER_MS;
    net->now.ns = ns;
}

static inline uint64_t net_next(const struct net *net)
{
    uint64_t next = net->first != NULL ? net->first->arrives_ns : NEVER_NS;
    for (unsigned i = 0; i < net->n; i++)
        if (net->routers[i].rip != NULL && net->routers[i].due_ns < next)
            next = net->routers[i].due_ns;
    return next;
}

/* Everything that happens before END, and then END. */
static inline void net_run_to(struct net *net, uint64_t end)
{
    unsigned stuck = 0;
    for (uint64_t next; (next = net_next(net)) <= end;) {
        stuck = next > net->now.ns ? 0 : stuck + 1;
        CU_ASSERT_TRUE_FATAL(stuck < 100000);
        net_at(net, next);
        while (net->first != NULL && net->first->arrives_ns <= net->now.ns) {
            struct net_message *m = net->first;
            net->first = m->next;
            net_deliver(net, m);
            free(m);
        }
        for (unsigned i = 0; i < net->n; i++) {
            struct net_router *r = &net->routers[i];
            if (r->rip != NULL && r->due_ns <= net->now.ns)
                r->due_ns = rip_run(r->rip, net->now);
        }
    }
    net_at(net, end);
}

static inline void net_run(struct net *net, double seconds)
{
    for (unsigned i = 0; i < net->n; i++)
        net->routers[i].due_ns = 0; /* something may have been done to it */
    net_run_to(net, net->now.ns + (uint64_t)(seconds * (double)NS_PER_S));
}

/* ---- routers ---- */

static inline void net_start_router(struct net *net, unsigned number)
{
    struct net_router *r = &net->routers[number];
    struct rip_hooks hooks = {.context = r, .send = net_send, .log = net_log, .debug = net_debug};
    r->net = net;
    r->number = number;
    r->fib = fib_new(&later_at_once);
    r->rib = rib_new(r->fib, &later_at_once);
    r->rip = rip_new(r->rib, &r->settings, 1000 + number, &hooks);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r->rip);
    r->due_ns = 0;
}

/* As if it were switched off: no goodbye. */
static inline void net_kill(struct net *net, unsigned number)
{
    struct net_router *r = &net->routers[number];
    rip_free(r->rip, net->now);
    rib_free(r->rib);
    fib_free(r->fib);
    r->rip = NULL;
    memset(r->ports, 0, sizeof r->ports);
}

static inline void net_begin(struct net *net, unsigned n, const struct rip_settings *settings)
{
    *net = (struct net){.now = {.ns = 1000 * NS_PER_S, .wall_ms = 1700000000000}, .n = n};
    net->routers = calloc(n, sizeof *net->routers);
    for (unsigned i = 0; i < n; i++) {
        net->routers[i].settings = settings != NULL ? *settings : rip_settings_default;
        net_start_router(net, i);
    }
}

static inline void net_end(struct net *net)
{
    for (unsigned i = 0; i < net->n; i++)
        if (net->routers[i].rip != NULL)
            net_kill(net, i);
    while (net->first != NULL) {
        struct net_message *m = net->first;
        net->first = m->next;
        free(m);
    }
    free(net->routers);
}

/* What the daemon does when a port goes up or down: the RIB, connected routes, RIP. */
static inline void net_port(struct net *net, unsigned router, unsigned port, bool up)
{
    struct net_router *r = &net->routers[router];
    struct net_port *p = &r->ports[port];
    p->up = up;
    if (!up)
        rip_interface_down(r->rip, port, net->now);
    rib_port_changed(r->rib, port, up, net->now);
    for (unsigned i = 0; i < p->n; i++) {
        struct rib_route route = {
            .prefix = {.addr = prefix_network(p->addresses[i]), .len = p->addresses[i].len},
            .protocol = RIB_CONNECTED,
            .n_hops = 1,
            .hops = {{.port = (uint16_t)port}},
        };
        rib_own_address(r->rib, p->addresses[i].addr, up, net->now);
        if (up)
            rib_add(r->rib, &route, net->now);
        else
            rib_remove(r->rib, route.prefix, RIB_CONNECTED, 0, net->now);
    }
    if (up)
        rip_interface_up(r->rip, port, p->addresses, p->n, net->now);
    r->due_ns = 0;
}

static inline unsigned net_new_port(struct net *net, unsigned router, unsigned segment, struct prefix address,
                                    const struct rip_interface_settings *settings)
{
    struct net_router *r = &net->routers[router];
    unsigned port = 0;
    while (port < NET_PORTS && r->ports[port].used)
        port++;
    CU_ASSERT_TRUE_FATAL(port < NET_PORTS);
    r->ports[port] = (struct net_port){.used = true, .segment = segment, .addresses = {address}, .n = 1};
    r->ports[port].settings = settings != NULL ? *settings : rip_interface_settings_default;
    r->ports[port].settings.loopback = segment == UINT32_MAX;
    CU_ASSERT_TRUE_FATAL(rip_interface_set(r->rip, port, &r->ports[port].settings, net->now));
    net_port(net, router, port, true);
    return port;
}

/* Puts a ROUTER onto a segment; returns its port there. SETTINGS NULL: the defaults. */
static inline unsigned net_attach(struct net *net, unsigned router, unsigned segment,
                                  const struct rip_interface_settings *settings)
{
    struct prefix address = {.addr = net_address(segment, router), .len = 24};
    return net_new_port(net, router, segment, address, settings);
}

/* Gives ROUTER a network of its own, on a loopback. */
static inline unsigned net_stub(struct net *net, unsigned router, const char *address)
{
    return net_new_port(net, router, UINT32_MAX, net_prefix(address), NULL);
}

/* The cable between all of a segment, as carriers see it. */
static inline void net_cut(struct net *net, unsigned segment, bool cut)
{
    net->segment_down[segment] = cut;
    for (unsigned i = 0; i < net->n; i++)
        for (unsigned port = 0; port < NET_PORTS && net->routers[i].rip != NULL; port++)
            if (net->routers[i].ports[port].used && net->routers[i].ports[port].segment == segment)
                net_port(net, i, port, !cut);
}

/* A line of routers: router I and I + 1 are on segment I + 1. */
static inline void net_line(struct net *net, unsigned n, const struct rip_settings *settings)
{
    net_begin(net, n, settings);
    for (unsigned i = 0; i < n; i++) {
        if (i > 0)
            net_attach(net, i, i, NULL);
        if (i + 1 < n)
            net_attach(net, i, i + 1, NULL);
    }
}

/* ---- looking ---- */

/* What ROUTER knows of a prefix. False: nothing. */
static inline bool net_find(const struct net *net, unsigned router, struct prefix prefix, struct rip_route_view *view)
{
    struct rip_route_cursor cursor = {.at = {.at = prefix, .started = prefix.len > 0 || prefix.addr > 0}};
    if (cursor.at.started) { /* what comes after the one before it */
        if (prefix.len > 0)
            cursor.at.at.len = (uint8_t)(prefix.len - 1);
        cursor.at.at.addr = prefix.addr & prefix_mask(cursor.at.at.len);
    }
    while (rip_next_route(net->routers[router].rip, &cursor, view, net->now)) {
        if (prefix_equal(view->prefix, prefix))
            return true;
        if (view->prefix.addr > prefix.addr)
            return false;
    }
    return false;
}

/* Its metric, 16 if there is none. */
static inline unsigned net_metric(const struct net *net, unsigned router, const char *prefix)
{
    struct rip_route_view view;
    return net_find(net, router, net_prefix(prefix), &view) ? view.metric : RIP_INFINITY;
}

/* Which router PREFIX is reached by, as the FIB says; UINT32_MAX: none. */
static inline unsigned net_via(const struct net *net, unsigned router, const char *prefix)
{
    const struct nexthop_group *group = fib_find(net->routers[router].fib, net_prefix(prefix));
    if (group == NULL || group->n == 0)
        return UINT32_MAX;
    return (group->hop[0].gateway & 0xff) - 1;
}

#endif
