/* The shortest paths, worked out apart from RIP, and whether every table is as they say.
 *
 * Split horizon keeps some offers back; but on a wire where all who can hear anybody hear the same, what is kept back
 * is never better than what was heard. Topologies keep to that, so the oracle need not know of split horizon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/rip/rip_packet.h"
#include "tests/sim/sim.h"

#define HOPS_MOST 64
#define OWN       0x80u /* a bit of what is in sim->metrics */

unsigned sim_oracle_metric(const struct sim *sim, unsigned prefix, unsigned router)
{
    return sim->metrics[(size_t)prefix * sim->n_routers + router] & ~OWN;
}

/* ---- what is so ---- */

static bool is_listed(const struct sim_router *router, uint32_t addr)
{
    for (unsigned i = 0; i < router->settings.n_neighbors; i++)
        if (router->neighbors[i] == addr)
            return true;
    return false;
}

static bool speaks(const struct sim *sim, const struct sim_member *member)
{
    const struct sim_port *port = sim_port_of(sim, member);
    const struct sim_router *router = &sim->routers[member->router];
    return router->alive && !router->stopping && port->link && port->configured;
}

/* Does TO take what FROM sends? */
static bool hears(const struct sim *sim, const struct sim_wire *wire, const struct sim_member *to,
                  const struct sim_member *from)
{
    const struct sim_port *a = sim_port_of(sim, from), *b = sim_port_of(sim, to);
    if (to->router == from->router || wire->deaf || !speaks(sim, from) || !speaks(sim, to))
        return false;
    if (a->settings.passive && !is_listed(&sim->routers[from->router], b->address.addr))
        return false;
    return (a->settings.send & b->settings.receive) != 0 && a->group == b->group;
}

/* The metric of PREFIX that TO gets from FROM, whose own is METRIC. */
static unsigned metric_over(const struct sim *sim, const struct sim_member *to, const struct sim_member *from,
                            unsigned prefix, unsigned metric)
{
    const struct sim_port *a = sim_port_of(sim, from), *b = sim_port_of(sim, to);
    bool marked = sim->prefixes[prefix].marked;
    if (marked && (a->deny_out || b->deny_in))
        return RIP_INFINITY;
    metric += a->settings.metric_out + (marked ? a->add_out : 0u);
    if (metric >= RIP_INFINITY)
        return RIP_INFINITY;
    metric += 1 + b->settings.metric_in + (marked ? b->add_in : 0u);
    return metric < RIP_INFINITY ? metric : RIP_INFINITY;
}

/* The metric and tag of what a router has as its own, as it sends it. */
static unsigned own_metric(const struct sim *sim, const struct sim_origin *origin, uint16_t *tag)
{
    const struct rip_settings *s = &sim->routers[origin->router].settings;
    const struct rip_redistribute *r = &s->redistribute[RIB_STATIC];
    *tag = origin->kind == SIM_STATIC ? r->tag : 0;
    if (origin->kind == SIM_STATIC && r->metric != 0)
        return r->metric;
    return origin->kind == SIM_ADDRESS ? 1 : s->default_metric;
}

static bool is_there(const struct sim *sim, const struct sim_origin *origin)
{
    return origin->on && sim->routers[origin->router].alive && !sim->routers[origin->router].stopping;
}

/* ROUTER has it without RIP's help. */
static bool is_own(const struct sim *sim, unsigned prefix, unsigned router)
{
    return (sim->metrics[(size_t)prefix * sim->n_routers + router] & OWN) != 0;
}

/* Or an interface in it, with RIP or without. */
static bool is_connected(const struct sim *sim, unsigned prefix, unsigned router)
{
    const struct sim_router *r = &sim->routers[router];
    for (unsigned i = 0; sim->prefixes[prefix].wire != SIM_NO_WIRE && i < r->n_ports; i++)
        if (r->ports[i].wire == sim->prefixes[prefix].wire && r->ports[i].link)
            return true;
    return is_own(sim, prefix, router);
}

/* ---- shortest paths: Dijkstra, with metrics so small that they are their own queue ---- */

struct ears {
    uint16_t of[SIM_MEMBERS]; /* by member: the members who hear it */
};

static void spread_from(const struct sim *sim, const struct ears *ears, unsigned prefix, unsigned router,
                        uint8_t *metric)
{
    const struct sim_router *r = &sim->routers[router];
    for (unsigned i = 0; i < r->n_ports; i++) {
        const struct sim_wire *wire = &sim->wires[r->ports[i].wire];
        unsigned me = r->ports[i].member;
        for (unsigned j = 0; j < wire->n; j++) {
            unsigned other = wire->members[j].router;
            if ((ears[r->ports[i].wire].of[me] >> j & 1) == 0 || (metric[other] & OWN) != 0)
                continue;
            unsigned m = metric_over(sim, &wire->members[j], &wire->members[me], prefix, metric[router] & ~OWN);
            if (m < metric[other])
                metric[other] = (uint8_t)m;
        }
    }
}

static void find_shortest(struct sim *sim, const struct ears *ears, unsigned prefix)
{
    uint8_t *metric = sim->metrics + (size_t)prefix * sim->n_routers;
    for (unsigned distance = 1; distance < RIP_INFINITY; distance++)
        for (unsigned r = 0; r < sim->n_routers; r++)
            if ((metric[r] & ~OWN) == distance)
                spread_from(sim, ears, prefix, r, metric);
}

static void fill_own(struct sim *sim)
{
    uint16_t tag;
    memset(sim->metrics, RIP_INFINITY, (size_t)sim->n_prefixes * sim->n_routers);
    for (unsigned i = 0; i < sim->n_origins; i++) {
        const struct sim_origin *o = &sim->origins[i];
        if (is_there(sim, o))
            sim->metrics[(size_t)o->prefix * sim->n_routers + o->router] = (uint8_t)(own_metric(sim, o, &tag) | OWN);
    }
    for (unsigned p = 0; p < sim->n_prefixes; p++) {
        const struct sim_wire *wire = sim->prefixes[p].wire != SIM_NO_WIRE ? &sim->wires[sim->prefixes[p].wire] : NULL;
        for (unsigned i = 0; wire != NULL && i < wire->n; i++)
            if (speaks(sim, &wire->members[i]))
                sim->metrics[(size_t)p * sim->n_routers + wire->members[i].router] = 1 | OWN;
    }
}

void sim_oracle(struct sim *sim)
{
    size_t cells = (size_t)sim->n_prefixes * sim->n_routers;
    struct ears *ears = calloc(sim->n_wires + 1, sizeof *ears);
    free(sim->metrics);
    sim->metrics = calloc(cells + 1, 1);
    if (ears == NULL || sim->metrics == NULL)
        abort();
    for (unsigned w = 0; w < sim->n_wires; w++)
        for (unsigned i = 0; i < sim->wires[w].n; i++)
            for (unsigned j = 0; j < sim->wires[w].n; j++)
                if (hears(sim, &sim->wires[w], &sim->wires[w].members[j], &sim->wires[w].members[i]))
                    ears[w].of[i] |= (uint16_t)(1u << j);
    fill_own(sim);
    for (unsigned p = 0; p < sim->n_prefixes; p++)
        find_shortest(sim, ears, p);
    free(ears);
}

/* ---- tables ---- */

static unsigned find_prefix(const struct sim *sim, struct prefix prefix)
{
    unsigned low = 0, high = sim->n_prefixes;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        struct prefix p = sim->prefixes[mid].prefix;
        if (p.addr < prefix_network(prefix) || (p.addr == prefix_network(prefix) && p.len < prefix.len))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Says what is wrong with ROUTER's way to PREFIX, if a REPORT is wanted. Always false. */
static bool differs(struct sim *sim, bool report, unsigned router, unsigned prefix, const char *what, unsigned is,
                    unsigned ought)
{
    char text[PREFIX_TEXT];
    if (report)
        sim_fail(sim, "router %u, %s: %s is %u, not %u", router, prefix_text(sim->prefixes[prefix].prefix, text), what,
                 is, ought);
    return false;
}

static const struct sim_member *member_of(const struct sim *sim, const struct sim_router *router,
                                          const struct nexthop *hop)
{
    const struct sim_wire *wire = hop->port < router->n_ports ? &sim->wires[router->ports[hop->port].wire] : NULL;
    for (unsigned i = 0; wire != NULL && i < wire->n; i++)
        if (sim_port_of(sim, &wire->members[i])->address.addr == hop->gateway)
            return &wire->members[i];
    return NULL;
}

/* How many neighbours offer the best metric. */
static unsigned count_best(const struct sim *sim, const struct sim_router *router, unsigned prefix)
{
    unsigned n = 0;
    for (unsigned i = 0; i < router->n_ports; i++) {
        const struct sim_wire *wire = &sim->wires[router->ports[i].wire];
        for (unsigned j = 0; j < wire->n; j++) {
            const struct sim_member *from = &wire->members[j], *to = &wire->members[router->ports[i].member];
            if (!hears(sim, wire, to, from))
                continue;
            unsigned m = metric_over(sim, to, from, prefix, sim_oracle_metric(sim, prefix, from->router));
            n += m == sim_oracle_metric(sim, prefix, router->number) && m < RIP_INFINITY;
        }
    }
    return n;
}

static bool compare_hops(struct sim *sim, const struct sim_router *router, unsigned prefix, bool report)
{
    unsigned r = router->number, metric = sim_oracle_metric(sim, prefix, r);
    const struct nexthop_group *group = fib_find(router->fib, sim->prefixes[prefix].prefix);
    if (is_connected(sim, prefix, r))
        return true;
    if (metric == RIP_INFINITY)
        return group == NULL || differs(sim, report, r, prefix, "the number of next hops", group->n, 0);
    unsigned best = count_best(sim, router, prefix), ecmp = router->settings.ecmp;
    unsigned hops = group != NULL ? group->n : 0;
    if (hops != (best < ecmp ? best : ecmp))
        return differs(sim, report, r, prefix, "the number of next hops", hops, best < ecmp ? best : ecmp);
    for (unsigned i = 0; i < hops; i++) {
        const struct sim_member *next = member_of(sim, router, &group->hop[i]);
        unsigned beyond = next != NULL ? sim_oracle_metric(sim, prefix, next->router) : RIP_INFINITY;
        if (beyond >= metric)
            return differs(sim, report, r, prefix, "the next hop's metric", beyond, metric - 1);
    }
    return true;
}

/* Goes the way that packets go, by any of the next hops of each router. */
static bool follow(struct sim *sim, const struct sim_router *from, unsigned prefix, bool report)
{
    const struct sim_router *at = from;
    for (unsigned i = 0; i < HOPS_MOST; i++) {
        const struct nexthop_group *group = fib_find(at->fib, sim->prefixes[prefix].prefix);
        bool is_default = sim->prefixes[prefix].prefix.len == 0; /* nobody has what he offers there */
        if (is_connected(sim, prefix, at->number) && (!is_default || group == NULL))
            return true;
        const struct sim_member *next =
            group != NULL && group->n > 0 ? member_of(sim, at, &group->hop[sim_below(sim, group->n)]) : NULL;
        if (next == NULL || !sim->routers[next->router].alive)
            return differs(sim, report, from->number, prefix, "its way ends after", i,
                           sim_oracle_metric(sim, prefix, from->number));
        at = &sim->routers[next->router];
    }
    return differs(sim, report, from->number, prefix, "it loops: the length of its way", HOPS_MOST, 0);
}

/* The tag that PREFIX has everywhere; where it may be one or the other, that which IS. */
static uint16_t tag_of(const struct sim *sim, unsigned prefix, uint16_t is)
{
    const struct sim_prefix *p = &sim->prefixes[prefix];
    uint16_t tag = 0;
    if (sim->classful || p->n_origins != 1)
        return is;
    own_metric(sim, &sim->origins[p->origin], &tag);
    return tag;
}

static bool compare_router(struct sim *sim, const struct sim_router *router, uint8_t *seen, bool final, bool report)
{
    struct rip_route_cursor cursor = RIP_ROUTE_START;
    struct rip_route_view view;
    memset(seen, 0, sim->n_prefixes);
    while (rip_next_route(router->rip, &cursor, &view, sim->now)) {
        unsigned p = find_prefix(sim, view.prefix);
        if (p == sim->n_prefixes || prefix_network(sim->prefixes[p].prefix) != view.prefix.addr ||
            sim->prefixes[p].prefix.len != view.prefix.len) {
            char text[PREFIX_TEXT];
            sim_fail(sim, "router %u has %s, which is nobody's", router->number, prefix_text(view.prefix, text));
            return false;
        }
        seen[p] = view.metric;
        if (final && view.metric < RIP_INFINITY && view.tag != tag_of(sim, p, view.tag))
            return differs(sim, report, router->number, p, "the tag", view.tag, tag_of(sim, p, view.tag));
    }
    for (unsigned p = 0; p < sim->n_prefixes; p++) {
        unsigned ought = sim_oracle_metric(sim, p, router->number);
        if ((seen[p] != 0 ? seen[p] : RIP_INFINITY) != ought)
            return differs(sim, report, router->number, p, "the metric", seen[p], ought);
        if (final && ought == RIP_INFINITY && seen[p] != 0)
            return differs(sim, report, router->number, p, "gone, but still known: the metric", seen[p], 0);
        if (!compare_hops(sim, router, p, report) || (final && ought < RIP_INFINITY && !follow(sim, router, p, report)))
            return false;
    }
    return true;
}

bool sim_compare(struct sim *sim, bool final, bool report)
{
    uint8_t *seen = malloc(sim->n_prefixes + 1);
    bool same = seen != NULL;
    for (unsigned r = 0; same && r < sim->n_routers; r++)
        if (sim->routers[r].alive && !sim->routers[r].stopping)
            same = compare_router(sim, &sim->routers[r], seen, final, report);
    free(seen);
    return same;
}
