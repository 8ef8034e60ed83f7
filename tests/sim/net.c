/* Wires, routers, and the clock that goes from one event to the next. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/counters.h"
#include "forwarding/packet.h"
#include "protocols/rip/rip_packet.h"
#include "tests/sim/sim.h"

#define START_NS      (1000 * NS_PER_S)
#define START_WALL_MS UINT64_C(1700000000000)
#define STUCK_CALLS   1000000    /* at one instant */
#define GOODBYE_NS    (NS_PER_S) /* a router that was stopped is gone by then */

struct sim_message {
    unsigned references;
    uint32_t src, dst;
    size_t len;
    uint8_t bytes[];
};

/* ---- randomness and failure ---- */

uint64_t sim_random(struct sim *sim)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

unsigned sim_below(struct sim *sim, unsigned n)
{
    return (unsigned)(sim_random(sim) >> 33) % n;
}

unsigned sim_between(struct sim *sim, unsigned low, unsigned high)
{
    return low + sim_below(sim, high - low + 1);
}

bool sim_percent(struct sim *sim, unsigned percent)
{
    return percent > 0 && sim_below(sim, 100) < percent;
}

static double seconds(const struct sim *sim)
{
    return (double)(sim->now.ns - START_NS) / (double)NS_PER_S;
}

void sim_fail(struct sim *sim, const char *format, ...)
{
    if (sim->failed)
        return;
    sim->failed = true;
    va_list arguments;
    va_start(arguments, format);
    printf("seed %" PRIu64 " failed at %.3f s: ", sim->seed, seconds(sim));
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

/* ---- the clock ---- */

static void wake(struct sim *sim, struct sim_router *router, uint64_t ns)
{
    if (ns < sim->now.ns)
        ns = sim->now.ns;
    if (router->wake_ns <= ns)
        return;
    router->wake_ns = ns;
    queue_put(&sim->queue, (struct event){.ns = ns, .router = router->number});
}

/* After each call of the engine. */
static void called(struct sim *sim, struct sim_router *router)
{
    sim_limits_settle(sim, router);
    wake(sim, router, sim->now.ns);
}

static void run_router(struct sim *sim, struct sim_router *router)
{
    if (!router->alive || router->wake_ns != sim->now.ns)
        return; /* it has been woken before, or is dead */
    router->wake_ns = NEVER_NS;
    uint64_t due = rip_run(router->rip, sim->now);
    sim_limits_settle(sim, router);
    if (router->stopping && rip_is_stopped(router->rip)) {
        sim_kill(sim, router);
        return;
    }
    if (router->stopping && sim->now.ns > router->stop_ns + GOODBYE_NS)
        sim_fail(sim, "router %u is still saying goodbye", router->number);
    if (due != NEVER_NS)
        wake(sim, router, due);
}

static void deliver(struct sim *sim, const struct event *event);

void sim_run_to(struct sim *sim, uint64_t ns)
{
    struct event event;
    unsigned stuck = 0;
    while (!sim->failed && queue_take(&sim->queue, ns, &event)) {
        stuck = event.ns > sim->now.ns ? 0 : stuck + 1;
        if (stuck > STUCK_CALLS)
            sim_fail(sim, "time does not go on for router %u", event.router);
        sim->now.wall_ms += event.ns / NS_PER_MS - sim->now.ns / NS_PER_MS;
        sim->now.ns = event.ns;
        if (event.message != NULL)
            deliver(sim, &event);
        else
            run_router(sim, &sim->routers[event.router]);
    }
    if (sim->failed || ns < sim->now.ns)
        return;
    sim->now.wall_ms += ns / NS_PER_MS - sim->now.ns / NS_PER_MS;
    sim->now.ns = ns;
}

void sim_run(struct sim *sim, double seconds)
{
    sim_run_to(sim, sim->now.ns + (uint64_t)(seconds * (double)NS_PER_S));
}

/* ---- wires ---- */

static void release(struct sim_message *message)
{
    if (--message->references == 0)
        free(message);
}

static bool is_for(const struct sim_port *port, uint32_t dst)
{
    return dst == RIP_GROUP || dst == UINT32_MAX || dst == port->address.addr ||
           (prefix_has_broadcast(port->address) && dst == prefix_broadcast(port->address));
}

static void put_on_wire(struct sim *sim, const struct sim_member *to, struct sim_message *message)
{
    unsigned copies = 1 + sim_percent(sim, sim->duplicate_percent);
    for (unsigned i = 0; i < copies; i++) {
        if (sim_percent(sim, sim->loss_percent))
            continue;
        uint64_t spread = sim->spread_ns > 0 ? sim_random(sim) % sim->spread_ns : 0;
        message->references++;
        queue_put(&sim->queue, (struct event){.ns = sim->now.ns + NS_PER_MS + spread,
                                              .message = message,
                                              .router = to->router,
                                              .port = to->port});
    }
}

static bool send_message(void *context, unsigned port, uint32_t src, uint32_t dst, uint16_t dst_port,
                         const uint8_t *message, size_t len, struct now now)
{
    struct sim_router *router = context;
    struct sim *sim = router->sim;
    if (port >= router->n_ports || !router->ports[port].link || src != router->ports[port].address.addr ||
        dst_port != RIP_PORT || now.ns != sim->now.ns) {
        sim_fail(sim, "router %u sends by port %u, which is not in a state to", router->number, port);
        return false;
    }
    sim_limits_sent(sim, router, port, dst, message, len);
    sim->messages++;
    const struct sim_wire *wire = &sim->wires[router->ports[port].wire];
    if (wire->deaf)
        return true;
    struct sim_message *m = malloc(sizeof *m + len);
    if (m == NULL)
        abort();
    *m = (struct sim_message){.references = 1, .src = src, .dst = dst, .len = len};
    memcpy(m->bytes, message, len);
    for (unsigned i = 0; i < wire->n; i++)
        if (wire->members[i].router != router->number && is_for(sim_port_of(sim, &wire->members[i]), dst))
            put_on_wire(sim, &wire->members[i], m);
    release(m);
    return true;
}

static void deliver(struct sim *sim, const struct event *event)
{
    struct sim_router *router = &sim->routers[event->router];
    struct sim_port *port = &router->ports[event->port];
    struct sim_message *m = event->message;
    if (router->alive && port->link && !sim->wires[port->wire].deaf) {
        struct rip_datagram d = {.port = event->port, .src = m->src, .dst = m->dst, .src_port = RIP_PORT};
        if (m->bytes[0] == RIP_REQUEST)
            sim_limits_asked(sim, router, event->port);
        sim->deliveries++;
        rip_input(router->rip, &d, m->bytes, m->len, sim->now);
        called(sim, router);
    }
    release(m);
}

/* ---- ports ---- */

static void connect_network(struct sim *sim, struct sim_router *router, unsigned port, struct prefix address, bool up)
{
    struct rib_route route = {
        .prefix = {.addr = prefix_network(address), .len = address.len},
        .protocol = RIB_CONNECTED,
        .n_hops = 1,
        .hops = {{.port = (uint16_t)port}},
    };
    rib_own_address(router->rib, address.addr, up, sim->now);
    if (up)
        rib_add(router->rib, &route, sim->now);
    else
        rib_remove(router->rib, route.prefix, RIB_CONNECTED, 0, sim->now);
}

void sim_port_refresh(struct sim *sim, struct sim_router *router, unsigned number)
{
    struct sim_port *port = &router->ports[number];
    bool link = router->alive && port->enabled && sim->wires[port->wire].carrier;
    if (link == port->link)
        return;
    port->link = link;
    sim_limits_touch(sim, router, number);
    if (!link && port->configured)
        rip_interface_down(router->rip, number, sim->now);
    rib_port_changed(router->rib, number, link, sim->now);
    connect_network(sim, router, number, port->address, link);
    if (link && port->configured)
        rip_interface_up(router->rip, number, &port->address, 1, sim->now);
    called(sim, router);
}

static void apply_policy(struct sim *sim, struct sim_port *port)
{
    struct rip_interface_settings *s = &port->settings;
    port->offset_in = (struct rip_offset){.add = port->add_in, .list = &sim->only_marked};
    port->offset_out = (struct rip_offset){.add = port->add_out, .list = &sim->only_marked};
    s->list_in = port->deny_in ? &sim->deny : NULL;
    s->list_out = port->deny_out ? &sim->deny : NULL;
    s->n_offsets_in = port->add_in > 0;
    s->n_offsets_out = port->add_out > 0;
    s->offsets_in = &port->offset_in;
    s->offsets_out = &port->offset_out;
}

void sim_port_configure(struct sim *sim, struct sim_router *router, unsigned number)
{
    struct sim_port *port = &router->ports[number];
    apply_policy(sim, port);
    if (!router->alive)
        return;
    sim_limits_touch(sim, router, number);
    if (!port->configured) {
        rip_interface_remove(router->rip, number, sim->now);
    } else {
        if (!rip_interface_set(router->rip, number, &port->settings, sim->now))
            sim_fail(sim, "router %u refuses port %u", router->number, number);
        if (port->link)
            rip_interface_up(router->rip, number, &port->address, 1, sim->now);
    }
    called(sim, router);
}

/* ---- a router's own networks ---- */

static void refresh_loopback(struct sim *sim, struct sim_router *router)
{
    struct prefix addresses[64];
    unsigned n = 0;
    for (unsigned i = 0; i < sim->n_origins && n < 64; i++)
        if (sim->origins[i].router == router->number && sim->origins[i].kind == SIM_ADDRESS && sim->origins[i].on)
            addresses[n++] = sim->prefixes[sim->origins[i].prefix].prefix;
    rip_interface_up(router->rip, SIM_LOOPBACK, addresses, n, sim->now);
}

static void set_origin(struct sim *sim, struct sim_router *router, const struct sim_origin *origin)
{
    struct prefix prefix = sim->prefixes[origin->prefix].prefix;
    struct rib_route route = {.prefix = prefix, .protocol = RIB_STATIC, .type = RIB_BLACKHOLE, .distance = 1};
    if (origin->kind == SIM_ADDRESS)
        connect_network(sim, router, SIM_LOOPBACK, prefix, origin->on);
    else if (origin->kind == SIM_STATIC && origin->on)
        rib_add(router->rib, &route, sim->now);
    else if (origin->kind == SIM_STATIC)
        rib_remove(router->rib, prefix, RIB_STATIC, 1, sim->now);
    else
        router->settings.default_information = origin->on;
}

void sim_origin_refresh(struct sim *sim, struct sim_origin *origin)
{
    struct sim_router *router = &sim->routers[origin->router];
    if (origin->kind == SIM_DEFAULT)
        router->settings.default_information = origin->on;
    if (!router->alive)
        return;
    set_origin(sim, router, origin);
    if (origin->kind == SIM_ADDRESS)
        refresh_loopback(sim, router);
    else if (origin->kind == SIM_DEFAULT)
        rip_configure(router->rip, &router->settings, sim->now);
    called(sim, router);
}

/* ---- routers ---- */

static void tell(const struct sim_router *router, unsigned port, uint32_t addr, const char *text)
{
    char from[ADDR_TEXT];
    if (router->sim->debug != 0)
        printf("%.6f router %u port %d %s: %s\n", seconds(router->sim), router->number,
               port == PORT_NONE ? -1 : (int)port, addr_text(addr, from), text);
}

static void tell_log(void *context, enum rip_level level, unsigned port, uint32_t addr, const char *text)
{
    (void)level;
    tell(context, port, addr, text);
}

static void tell_debug(void *context, enum rip_debug kind, unsigned port, uint32_t addr, const char *text)
{
    (void)kind;
    tell(context, port, addr, text);
}

void sim_start(struct sim *sim, struct sim_router *router)
{
    struct rip_hooks hooks = {.context = router, .send = send_message, .log = tell_log, .debug = tell_debug};
    struct rip_interface_settings loopback = rip_interface_settings_default;
    loopback.loopback = true;
    router->fib = fib_new(&later_at_once);
    router->rib = rib_new(router->fib, &later_at_once);
    router->rip = rip_new(router->rib, &router->settings, sim_random(sim), &hooks);
    if (router->rip == NULL)
        abort();
    rip_debug(router->rip, sim->debug);
    router->alive = true;
    router->stopping = false;
    router->restart_ns = NEVER_NS;
    router->starts++;
    rib_port_changed(router->rib, SIM_LOOPBACK, true, sim->now);
    rip_interface_set(router->rip, SIM_LOOPBACK, &loopback, sim->now);
    rib_batch_begin(router->rib);
    for (unsigned i = 0; i < sim->n_origins; i++)
        if (sim->origins[i].router == router->number && sim->origins[i].on)
            set_origin(sim, router, &sim->origins[i]);
    rib_batch_end(router->rib, sim->now);
    refresh_loopback(sim, router);
    for (unsigned i = 0; i < router->n_ports; i++) {
        if (router->ports[i].configured)
            sim_port_configure(sim, router, i);
        else
            apply_policy(sim, &router->ports[i]);
        sim_port_refresh(sim, router, i);
    }
    called(sim, router);
}

void sim_kill(struct sim *sim, struct sim_router *router)
{
    if (!router->alive)
        return;
    rip_free(router->rip, sim->now);
    rib_free(router->rib);
    fib_free(router->fib);
    router->alive = router->stopping = false;
    router->wake_ns = NEVER_NS;
    router->pending.is = false;
    for (unsigned i = 0; i < router->n_ports; i++) {
        router->ports[i].link = false;
        router->ports[i].limits.counters = (struct rip_interface_counters){0};
    }
}

void sim_stop(struct sim *sim, struct sim_router *router)
{
    router->stopping = true;
    router->stop_ns = sim->now.ns;
    for (unsigned i = 0; i < router->n_ports; i++)
        sim_limits_touch(sim, router, i);
    rip_stop(router->rip, sim->now);
    called(sim, router);
}

void sim_router_configure(struct sim *sim, struct sim_router *router)
{
    if (!router->alive || router->stopping)
        return;
    rip_configure(router->rip, &router->settings, sim->now);
    called(sim, router);
}

void sim_clear(struct sim *sim, struct sim_router *router)
{
    for (unsigned i = 0; i < router->n_ports; i++)
        sim_limits_touch(sim, router, i);
    rip_clear(router->rip, 0, sim->now);
    called(sim, router);
}

/* ---- all of it ---- */

void sim_begin(struct sim *sim, uint64_t seed)
{
    *sim = (struct sim){
        .seed = seed,
        .random = seed * UINT64_C(0xd1342543de82ef95) + 1,
        .now = {.ns = START_NS, .wall_ms = START_WALL_MS},
        .update_s = rip_settings_default.update_s,
        .timeout_s = rip_settings_default.timeout_s,
        .garbage_s = rip_settings_default.garbage_s,
    };
}

void sim_end(struct sim *sim)
{
    struct event event;
    for (unsigned i = 0; i < sim->n_routers; i++)
        sim_kill(sim, &sim->routers[i]);
    while (queue_take(&sim->queue, NEVER_NS, &event))
        if (event.message != NULL)
            release(event.message);
    queue_free(&sim->queue);
    free(sim->routers);
    free(sim->wires);
    free(sim->prefixes);
    free(sim->origins);
    free(sim->metrics);
}
