/* What happens to a network: links fail in the ways that links fail, routers too, and people change their minds. Things
 * are left as they happen to be when it ends: some links stay cut, some routers stay dead. */
#include <stdio.h>

#include "tests/sim/sim.h"

static struct sim_wire *any_wire(struct sim *sim)
{
    return &sim->wires[sim_below(sim, sim->n_wires)];
}

/* One that works and has ports; NULL if it was bad luck. */
static struct sim_router *any_router(struct sim *sim)
{
    struct sim_router *r = &sim->routers[sim_below(sim, sim->n_routers)];
    return r->alive && !r->stopping && r->n_ports > 0 ? r : NULL;
}

/* ---- links ---- */

static void flap_carrier(struct sim *sim)
{
    struct sim_wire *wire = any_wire(sim);
    wire->carrier = !wire->carrier;
    for (unsigned i = 0; i < wire->n; i++)
        sim_port_refresh(sim, &sim->routers[wire->members[i].router], wire->members[i].port);
}

static void flap_silently(struct sim *sim)
{
    struct sim_wire *wire = any_wire(sim);
    wire->deaf = !wire->deaf && !wire->circuit; /* RFC 2091 3.1: reachable, unless told otherwise */
}

static void flap_port(struct sim *sim)
{
    struct sim_router *r = any_router(sim);
    if (r == NULL)
        return;
    unsigned port = sim_below(sim, r->n_ports);
    r->ports[port].enabled = !r->ports[port].enabled;
    sim_port_refresh(sim, r, port);
}

/* ---- routers ---- */

static uint64_t rest(struct sim *sim)
{
    if (sim_percent(sim, 15))
        return NEVER_NS;
    if (sim_percent(sim, 50))
        return sim->now.ns + sim_between(sim, 0, 5) * NS_PER_S;
    return sim->now.ns + sim_between(sim, 0, sim->timeout_s * 2) * NS_PER_S;
}

static void kill_router(struct sim *sim)
{
    struct sim_router *r = any_router(sim);
    if (r == NULL)
        return;
    sim_kill(sim, r);
    r->restart_ns = rest(sim);
}

static void stop_router(struct sim *sim)
{
    struct sim_router *r = any_router(sim);
    if (r == NULL)
        return;
    sim_stop(sim, r);
    r->restart_ns = rest(sim);
}

static void clear_router(struct sim *sim)
{
    struct sim_router *r = any_router(sim);
    if (r != NULL)
        sim_clear(sim, r);
}

static void start_routers(struct sim *sim)
{
    for (unsigned i = 0; i < sim->n_routers; i++) {
        struct sim_router *r = &sim->routers[i];
        if (!r->alive && r->restart_ns <= sim->now.ns)
            sim_start(sim, r);
    }
}

/* ---- settings ---- */

static void change_origin(struct sim *sim)
{
    struct sim_origin *o = sim->n_origins > 0 ? &sim->origins[sim_below(sim, sim->n_origins)] : NULL;
    if (o == NULL || sim->routers[o->router].stopping)
        return;
    o->on = !o->on;
    sim_origin_refresh(sim, o);
}

static void change_redistribution(struct sim *sim)
{
    struct sim_router *r = any_router(sim);
    if (r == NULL)
        return;
    r->settings.redistribute[RIB_STATIC].metric = (uint8_t)sim_between(sim, 0, 6);
    r->settings.default_metric = (uint8_t)sim_between(sim, 1, 3);
    sim_router_configure(sim, r);
}

static void change_metric(struct sim *sim, struct sim_port *port)
{
    uint8_t metric = (uint8_t)(sim_percent(sim, 10) ? 16 : sim_between(sim, 0, 4));
    if (sim_percent(sim, 50))
        port->settings.metric_in = metric;
    else
        port->settings.metric_out = metric;
}

static void change_policy(struct sim *sim, struct sim_port *port)
{
    switch (sim_below(sim, 4)) {
    case 0:
        port->deny_in = !port->deny_in;
        break;
    case 1:
        port->deny_out = !port->deny_out;
        break;
    case 2:
        port->add_in = (uint8_t)sim_between(sim, 0, 4);
        break;
    default:
        port->add_out = (uint8_t)sim_between(sim, 0, 4);
    }
}

static void change_port(struct sim *sim)
{
    struct sim_router *r = any_router(sim);
    if (r == NULL)
        return;
    unsigned number = sim_below(sim, r->n_ports);
    struct sim_port *port = &r->ports[number];
    switch (sim_below(sim, 6)) {
    case 0:
    case 1:
        change_metric(sim, port);
        break;
    case 2:
        change_policy(sim, port);
        break;
    case 3:
        if (port->settings.triggered) /* who is passive does not acknowledge */
            break;
        port->settings.passive = !port->settings.passive && r->settings.n_neighbors == 0;
        break;
    case 4:
        port->configured = !port->configured || port->settings.triggered; /* its goodbye could be lost */
        break;
    default: /* where it was off, it may have to be: see topology.c */
        if (port->settings.split_horizon != RIP_SPLIT_OFF)
            port->settings.split_horizon = RIP_SPLIT_SIMPLE + sim_below(sim, 2);
    }
    sim_port_configure(sim, r, number);
}

/* ---- when ---- */

static void change(struct sim *sim)
{
    static void (*const kinds[])(struct sim *) = {
        flap_carrier, flap_carrier,  flap_silently,         flap_port,   flap_port,   kill_router,  stop_router,
        change_port,  change_origin, change_redistribution, change_port, change_port, clear_router,
    };
    kinds[sim_below(sim, sizeof kinds / sizeof kinds[0])](sim);
    sim->changes++;
}

static uint64_t next_start(const struct sim *sim)
{
    uint64_t next = NEVER_NS;
    for (unsigned i = 0; i < sim->n_routers; i++)
        if (!sim->routers[i].alive && sim->routers[i].restart_ns < next)
            next = sim->routers[i].restart_ns;
    return next;
}

void sim_change(struct sim *sim, double seconds, unsigned n)
{
    uint64_t end = sim->now.ns + (uint64_t)(seconds * (double)NS_PER_S), step = (end - sim->now.ns) / (n + 1);
    for (unsigned i = 0; i < n && !sim->failed; i++) {
        uint64_t at = sim->now.ns + (sim_percent(sim, 30) ? 0 : sim_random(sim) % (2 * step));
        for (uint64_t start; (start = next_start(sim)) <= at && !sim->failed;) {
            sim_run_to(sim, start);
            start_routers(sim);
        }
        sim_run_to(sim, at);
        if (!sim->failed)
            change(sim);
    }
    /* Those who are saying goodbye may do so; who has not come back by then stays away. */
    sim_run(sim, 2);
    start_routers(sim);
    for (unsigned i = 0; i < sim->n_routers; i++)
        sim->routers[i].restart_ns = NEVER_NS;
}
