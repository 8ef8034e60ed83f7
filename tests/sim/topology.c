/* Who is connected with whom, and with which settings: all by the seed.
 *
 * On each wire either everybody hears everybody, but for those who say nothing, hear nothing, or have other keys; or it
 * is a hub's, without split horizon. On such wires the oracle holds. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define ROUTERS_MOST  200
#define PREFIXES_MOST 2000

#define CLASS_B_STUBS 0xac100000u /* 172.16/12: with subnets of all lengths */
#define CLASS_C_STUBS 0xc8000000u /* 200/8: whole networks of class C */
#define MARK          0x00800000u /* stubs that policies are about, of either kind */

/* ---- building ---- */

static void *grow(void *array, unsigned n, unsigned *room, size_t size)
{
    if (n < *room)
        return array;
    *room = *room > 0 ? *room * 2 : 64;
    array = realloc(array, *room * size);
    if (array == NULL)
        abort();
    return array;
}

static unsigned add_prefix(struct sim *sim, struct prefix prefix, unsigned wire)
{
    prefix.addr = prefix_network(prefix);
    for (unsigned i = 0; i < sim->n_prefixes; i++)
        if (prefix_equal(sim->prefixes[i].prefix, prefix))
            return i;
    sim->prefixes = grow(sim->prefixes, sim->n_prefixes, &sim->room_prefixes, sizeof *sim->prefixes);
    sim->prefixes[sim->n_prefixes] = (struct sim_prefix){
        .prefix = prefix,
        .marked = prefix.len > 0 && prefix_holds(sim->marked, prefix.addr),
        .wire = wire,
    };
    return sim->n_prefixes++;
}

unsigned sim_add_wire(struct sim *sim, struct prefix prefix)
{
    sim->wires = grow(sim->wires, sim->n_wires, &sim->room_wires, sizeof *sim->wires);
    sim->wires[sim->n_wires] = (struct sim_wire){.prefix = prefix, .carrier = true};
    add_prefix(sim, prefix, sim->n_wires);
    return sim->n_wires++;
}

static bool is_on(const struct sim_router *router, unsigned wire)
{
    for (unsigned i = 0; i < router->n_ports; i++)
        if (router->ports[i].wire == wire)
            return true;
    return false;
}

void sim_join(struct sim *sim, unsigned number, unsigned w)
{
    struct sim_router *router = &sim->routers[number];
    struct sim_wire *wire = &sim->wires[w];
    unsigned most = wire->prefix.len >= 30 ? 2 : SIM_MEMBERS;
    if (router->n_ports == SIM_PORTS || wire->n == most || is_on(router, w))
        return;
    struct sim_port *port = &router->ports[router->n_ports];
    *port = (struct sim_port){
        .wire = w,
        .member = wire->n,
        .address = {.addr = wire->prefix.addr + wire->n + (wire->prefix.len < 31), .len = wire->prefix.len},
        .configured = true,
        .enabled = true,
        .settings = rip_interface_settings_default,
    };
    wire->members[wire->n++] = (struct sim_member){.router = number, .port = router->n_ports++};
}

void sim_add_origin(struct sim *sim, unsigned router, struct prefix prefix, enum sim_kind kind)
{
    unsigned p = add_prefix(sim, prefix, SIM_NO_WIRE);
    for (unsigned i = 0; i < sim->n_origins; i++)
        if (sim->origins[i].router == router && sim->origins[i].prefix == p)
            return;
    sim->origins = grow(sim->origins, sim->n_origins, &sim->room_origins, sizeof *sim->origins);
    sim->origins[sim->n_origins++] = (struct sim_origin){.router = router, .prefix = p, .kind = kind, .on = true};
}

void sim_make_routers(struct sim *sim, unsigned n)
{
    sim->n_routers = n;
    sim->routers = calloc(n, sizeof *sim->routers);
    if (sim->routers == NULL)
        abort();
    for (unsigned i = 0; i < n; i++) {
        struct sim_router *r = &sim->routers[i];
        *r = (struct sim_router){.sim = sim, .number = i, .settings = rip_settings_default};
        r->wake_ns = r->restart_ns = NEVER_NS;
        r->settings.update_s = sim->update_s;
        r->settings.timeout_s = sim->timeout_s;
        r->settings.garbage_s = sim->garbage_s;
        r->settings.holddown_s = sim->holddown_s;
        r->settings.neighbors = r->neighbors;
        r->settings.redistribute[RIB_STATIC] = (struct rip_redistribute){.on = true, .metric = 1};
    }
}

static int by_prefix(const void *a, const void *b)
{
    const struct prefix *x = &((const struct sim_prefix *)a)->prefix, *y = &((const struct sim_prefix *)b)->prefix;
    if (x->addr != y->addr)
        return x->addr < y->addr ? -1 : 1;
    return x->len - y->len;
}

void sim_topology_done(struct sim *sim)
{
    struct prefix *was = malloc((sim->n_prefixes + 1) * sizeof *was);
    if (was == NULL)
        abort();
    for (unsigned i = 0; i < sim->n_prefixes; i++)
        was[i] = sim->prefixes[i].prefix;
    qsort(sim->prefixes, sim->n_prefixes, sizeof *sim->prefixes, by_prefix);
    for (unsigned i = 0; i < sim->n_origins; i++) {
        struct sim_prefix key = {.prefix = was[sim->origins[i].prefix]};
        struct sim_prefix *p = bsearch(&key, sim->prefixes, sim->n_prefixes, sizeof key, by_prefix);
        sim->origins[i].prefix = (unsigned)(p - sim->prefixes);
        p->n_origins++;
        p->origin = i;
    }
    free(was);
}

/* ---- wires by the seed ---- */

/* Links are as small as a network may be, or as big as a shared one. */
static unsigned add_network(struct sim *sim, bool shared)
{
    unsigned w = sim->n_wires;
    if (sim->classful)
        return sim_add_wire(sim, (struct prefix){0xc0a80000u - 0x100000u + w * 256, 24});
    uint8_t len = shared || sim_percent(sim, 40) ? 24 : (uint8_t)sim_between(sim, 30, 31);
    return sim_add_wire(sim, (struct prefix){0x0a000000u + w * 256, len});
}

static void connect(struct sim *sim, unsigned a, unsigned b)
{
    bool shared = sim_percent(sim, 20);
    unsigned w = add_network(sim, shared);
    sim_join(sim, a, w);
    sim_join(sim, b, w);
    for (unsigned more = shared ? sim_between(sim, 1, 4) : 0; more > 0; more--)
        sim_join(sim, sim_below(sim, sim->n_routers), w);
}

static void make_tree(struct sim *sim, unsigned more)
{
    unsigned n = sim->n_routers, reach = sim_between(sim, 1, n);
    for (unsigned i = 1; i < n; i++)
        connect(sim, i, i - 1 - sim_below(sim, i < reach ? i : reach));
    for (unsigned i = 0; i < more; i++)
        connect(sim, sim_below(sim, n), sim_below(sim, n));
}

static void make_ring(struct sim *sim)
{
    for (unsigned i = 0; i < sim->n_routers; i++)
        connect(sim, i, (i + 1) % sim->n_routers);
    for (unsigned i = 0; i < sim->n_routers / 6; i++)
        connect(sim, sim_below(sim, sim->n_routers), sim_below(sim, sim->n_routers));
}

static void make_grid(struct sim *sim)
{
    unsigned width = 2;
    while (width * width < sim->n_routers)
        width++;
    for (unsigned i = 0; i < sim->n_routers; i++) {
        if ((i + 1) % width != 0 && i + 1 < sim->n_routers)
            connect(sim, i, i + 1);
        if (i + width < sim->n_routers)
            connect(sim, i, i + width);
    }
}

static void make_wires(struct sim *sim)
{
    unsigned shape = sim_below(sim, 8);
    if (shape == 0)
        make_ring(sim);
    else if (shape == 1)
        make_grid(sim);
    else
        make_tree(sim, sim->n_routers * sim_below(sim, 9) / 8);
}

/* ---- settings of a wire ---- */

static void make_keys(struct sim *sim, struct sim_wire *wire, bool digests)
{
    unsigned mode = digests ? sim_between(sim, RIP_AUTH_MD5, RIP_AUTH_SHA512) : RIP_AUTH_TEXT;
    uint64_t rolls_ms = sim->now.wall_ms + sim_between(sim, 20, 200) * 1000;
    wire->n_keys = sim_between(sim, 1, SIM_KEYS);
    for (unsigned group = 0; group < 2; group++)
        for (unsigned i = 0; i < wire->n_keys; i++) {
            struct rip_key *key = &wire->keys[group][i];
            *key = (struct rip_key){.id = (uint8_t)(i + 1), .mode = mode, .secret_len = 16};
            for (unsigned j = 0; j < key->secret_len; j++)
                key->secret[j] = (uint8_t)sim_between(sim, 'a', 'z');
        }
    if (wire->n_keys == 1)
        return;
    for (unsigned group = 0; group < 2; group++) {
        wire->keys[group][0].send.until_ms = wire->keys[group][1].send.from_ms = rolls_ms;
        wire->keys[group][0].accept.until_ms = rolls_ms + 60000;
    }
}

static void add_neighbor(struct sim *sim, const struct sim_member *of, const struct sim_member *to)
{
    struct sim_router *r = &sim->routers[of->router];
    if (r->settings.n_neighbors < SIM_NEIGHBORS)
        r->neighbors[r->settings.n_neighbors++] = sim_port_of(sim, to)->address.addr;
}

static bool has_room_for_neighbors(const struct sim *sim, const struct sim_wire *wire)
{
    for (unsigned i = 0; i < wire->n; i++)
        if (sim->routers[wire->members[i].router].settings.n_neighbors + SIM_MEMBERS > SIM_NEIGHBORS)
            return false;
    return true;
}

/* Those of the group are not spoken to, or also one by one; or there is a hub to which the others speak. */
static void make_unicast(struct sim *sim, struct sim_wire *wire)
{
    bool hub = sim_percent(sim, 40), passive = hub || sim_percent(sim, 60);
    if (!has_room_for_neighbors(sim, wire))
        return;
    for (unsigned i = 0; i < wire->n; i++) {
        struct rip_interface_settings *s = &sim_port_of(sim, &wire->members[i])->settings;
        s->passive = passive;
        if (hub)
            s->split_horizon = RIP_SPLIT_OFF;
        for (unsigned j = 0; j < wire->n; j++)
            if (j != i && (!hub || i == 0 || j == 0))
                add_neighbor(sim, &wire->members[i], &wire->members[j]);
    }
}

static void make_versions(struct sim *sim, struct sim_wire *wire)
{
    for (unsigned i = 0; i < wire->n; i++) {
        struct rip_interface_settings *s = &sim_port_of(sim, &wire->members[i])->settings;
        s->send = (uint8_t)sim_between(sim, RIP_V1, RIP_V1 | RIP_V2);
        s->broadcast = sim_percent(sim, 20);
    }
}

static void make_port(struct sim *sim, struct sim_port *port)
{
    struct rip_interface_settings *s = &port->settings;
    if (sim_percent(sim, 10))
        s->metric_in = (uint8_t)sim_between(sim, 1, 3);
    if (sim_percent(sim, 10))
        s->metric_out = (uint8_t)sim_between(sim, 1, 3);
    if (sim_percent(sim, 10))
        port->add_in = (uint8_t)sim_between(sim, 1, 16);
    if (sim_percent(sim, 10))
        port->add_out = (uint8_t)sim_between(sim, 1, 16);
    port->deny_in = sim_percent(sim, 5);
    port->deny_out = sim_percent(sim, 5);
    if (sim_percent(sim, 3))
        s->passive = true; /* it hears, and says nothing */
    else if (sim_percent(sim, 2))
        s->receive = 0;
    else if (sim_percent(sim, 2))
        s->send = 0;
}

static void make_wire(struct sim *sim, struct sim_wire *wire)
{
    unsigned split = sim_below(sim, 4);
    for (unsigned i = 0; i < wire->n; i++)
        sim_port_of(sim, &wire->members[i])->settings.split_horizon =
            split < RIP_SPLIT__COUNT ? split : sim_below(sim, RIP_SPLIT__COUNT);
    bool keys = sim_percent(sim, 25);
    if (keys)
        make_keys(sim, wire, sim->digests && sim_percent(sim, 80));
    else if (sim->classful && sim_percent(sim, 60))
        make_versions(sim, wire);
    for (unsigned i = 0; i < wire->n; i++) {
        struct sim_port *port = sim_port_of(sim, &wire->members[i]);
        port->group = keys && sim_percent(sim, 5);
        port->settings.auth = (struct rip_auth){.n = wire->n_keys, .keys = wire->keys[port->group]};
        make_port(sim, port);
    }
    if (sim_percent(sim, 15))
        make_unicast(sim, wire);
}

/* ---- networks of routers ---- */

static struct prefix stub(struct sim *sim, unsigned i)
{
    uint32_t mark = i % 2 ? MARK : 0;
    if (sim->classful)
        return (struct prefix){CLASS_C_STUBS + mark + (i / 2) * 256, 24};
    uint8_t len = (uint8_t)sim_between(sim, 24, 32);
    return (struct prefix){CLASS_B_STUBS + (mark >> 4) + (i / 2) * 256 + (sim_below(sim, 256) & prefix_mask(len)), len};
}

static void make_origins(struct sim *sim, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct prefix prefix = stub(sim, i);
        unsigned owners = sim_percent(sim, 5) ? 3 : 1;
        for (; owners > 0; owners--) {
            unsigned router = sim_below(sim, sim->n_routers), addresses = 0;
            for (unsigned j = 0; j < sim->n_origins; j++)
                addresses += sim->origins[j].router == router && sim->origins[j].kind == SIM_ADDRESS;
            bool address = addresses < 6 && sim_percent(sim, 20);
            sim_add_origin(sim, router, prefix, address ? SIM_ADDRESS : SIM_STATIC);
        }
    }
    for (unsigned i = sim_below(sim, 3); i > 0; i--)
        sim_add_origin(sim, sim_below(sim, sim->n_routers), (struct prefix){0}, SIM_DEFAULT);
}

static void make_settings(struct sim *sim)
{
    static const uint8_t ecmp[] = {1, 1, 2, 4, 16};
    for (unsigned i = 0; i < sim->n_routers; i++) {
        struct rip_settings *s = &sim->routers[i].settings;
        s->ecmp = ecmp[sim_below(sim, sizeof ecmp)];
        s->default_metric = (uint8_t)sim_between(sim, 1, 3);
        if (sim->update_s >= 10)
            s->update_s = sim_between(sim, sim->update_s - sim->update_s / 3, sim->update_s);
        struct rip_redistribute *r = &s->redistribute[RIB_STATIC];
        r->metric = (uint8_t)(sim_percent(sim, 50) ? 0 : sim_between(sim, 1, 4));
        r->tag = (uint16_t)(sim_percent(sim, 50) ? 0 : sim_below(sim, 65536));
    }
    for (unsigned i = 0; i < sim->n_origins; i++)
        if (sim->origins[i].kind == SIM_DEFAULT)
            sim->routers[sim->origins[i].router].settings.default_information = true;
}

/* ---- the whole ---- */

static void make_timers(struct sim *sim)
{
    static const uint32_t timers[][3] = {{30, 180, 120}, {30, 180, 120}, {10, 60, 40}, {5, 30, 20}, {2, 12, 8}};
    unsigned i = sim_below(sim, 5);
    sim->update_s = timers[i][0];
    sim->timeout_s = timers[i][1];
    sim->garbage_s = timers[i][2];
    sim->holddown_s = sim_percent(sim, 15) ? sim_between(sim, 1, sim->timeout_s) : 0;
}

static void make_marks(struct sim *sim)
{
    sim->marked =
        sim->classful ? (struct prefix){CLASS_C_STUBS + MARK, 9} : (struct prefix){CLASS_B_STUBS + (MARK >> 4), 13};
    sim->marked_rule[0] = (struct rip_prefix_rule){.permit = true, .prefix = sim->marked, .le = 32};
    sim->deny_rules[0] = (struct rip_prefix_rule){.prefix = sim->marked, .le = 32};
    sim->deny_rules[1] = (struct rip_prefix_rule){.permit = true, .le = 32};
    sim->only_marked = (struct rip_prefix_list){.n = 1, .rules = sim->marked_rule};
    sim->deny = (struct rip_prefix_list){.n = 2, .rules = sim->deny_rules};
}

/* Most are small, some are not; every fiftieth has many routers or many prefixes, every five hundredth both. */
static void choose_size(struct sim *sim, unsigned *routers, unsigned *prefixes)
{
    *routers = sim_between(sim, 3, 30);
    *prefixes = sim_between(sim, 1, 100);
    if (sim_percent(sim, 15)) {
        *routers = sim_between(sim, 30, 80);
        *prefixes = sim_between(sim, 50, 400);
    }
    if (sim->seed % 100 == 0)
        *routers = ROUTERS_MOST;
    if (sim->seed % 100 == 50 || sim->seed % 500 == 0)
        *prefixes = PREFIXES_MOST;
}

/* ---- RFC 2091 ---- */

/* Both hear what the other sends, in the one version that the exchange is in. */
static bool may_be_circuit(const struct sim *sim, const struct sim_wire *wire)
{
    if (wire->n != 2)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        const struct sim_port *from = sim_port_of(sim, &wire->members[i]),
                              *to = sim_port_of(sim, &wire->members[1 - i]);
        unsigned version = (from->settings.send & RIP_V2) != 0 ? RIP_V2 : RIP_V1;
        if ((from->settings.send & to->settings.receive & version) == 0 || from->settings.passive ||
            from->group != to->group || from->settings.split_horizon == RIP_SPLIT_OFF)
            return false;
    }
    return true;
}

/* Without a draw, so that a seed makes the same network with circuits and without. */
static void make_circuits(struct sim *sim)
{
    for (unsigned i = 0; i < sim->n_wires; i++) {
        struct sim_wire *wire = &sim->wires[i];
        wire->circuit = sim->circuits && (sim->seed + i) % 3 == 0 && may_be_circuit(sim, wire);
        for (unsigned j = 0; j < wire->n && wire->circuit; j++)
            sim_port_of(sim, &wire->members[j])->settings.triggered = true;
    }
}

void sim_make_random(struct sim *sim)
{
    unsigned routers, prefixes;
    choose_size(sim, &routers, &prefixes);
    sim->classful = sim_percent(sim, 25);
    sim->digests = sim_percent(sim, 50);
    make_timers(sim);
    make_marks(sim);
    sim_make_routers(sim, routers);
    make_wires(sim);
    for (unsigned i = 0; i < sim->n_wires; i++)
        make_wire(sim, &sim->wires[i]);
    make_circuits(sim);
    make_origins(sim, prefixes);
    make_settings(sim);
    sim_topology_done(sim);
}
