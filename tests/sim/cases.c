/* Networks that are not random. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

#define DAY_S  86400
#define YEAR_S (365 * DAY_S)

/* Router I and I + 1 are on wire I; the first one has a network. */
static void make_line(struct sim *sim, unsigned n)
{
    sim_make_routers(sim, n);
    for (unsigned i = 0; i + 1 < n; i++) {
        unsigned w = sim_add_wire(sim, (struct prefix){0x0a000000u + i * 256, 24});
        sim_join(sim, i, w);
        sim_join(sim, i + 1, w);
    }
    sim_add_origin(sim, 0, (struct prefix){0xac100001u, 24}, SIM_ADDRESS);
    sim_topology_done(sim);
    for (unsigned i = 0; i < n; i++)
        sim_start(sim, &sim->routers[i]);
}

static void check(struct sim *sim, bool final)
{
    sim_oracle(sim);
    sim_compare(sim, final, true);
}

static void expect_metric(struct sim *sim, unsigned router, unsigned metric)
{
    unsigned p = 0;
    while (sim->prefixes[p].wire != SIM_NO_WIRE)
        p++;
    if (!sim->failed && sim_oracle_metric(sim, p, router) != metric)
        sim_fail(sim, "router %u is %u away, not %u", router, sim_oracle_metric(sim, p, router), metric);
}

/* Each hop takes 5 seconds at most. */
static void line(struct sim *sim, unsigned n)
{
    make_line(sim, n);
    sim_run(sim, 5 * n);
    check(sim, true);
    expect_metric(sim, 14, 15);
    sim->wires[7].carrier = false;
    sim_port_refresh(sim, &sim->routers[7], sim->wires[7].members[0].port);
    sim_port_refresh(sim, &sim->routers[8], sim->wires[7].members[1].port);
    sim_run(sim, 5 * n);
    check(sim, false);
    sim_run(sim, sim->garbage_s);
    check(sim, true);
    sim->wires[7].carrier = true;
    sim_port_refresh(sim, &sim->routers[7], sim->wires[7].members[0].port);
    sim_port_refresh(sim, &sim->routers[8], sim->wires[7].members[1].port);
    sim_run(sim, 5 * n);
    check(sim, true);
}

static void fifteen(struct sim *sim)
{
    line(sim, 15);
}

static void sixteen(struct sim *sim)
{
    line(sim, 16);
    expect_metric(sim, 15, RIP_INFINITY);
}

/* Two routers with a key, for a year: now and then one of them starts anew, and once the clock is set back. What the
 * other refuses then is refused by the rules; when the clock is right again, so is the table. */
static void year(struct sim *sim)
{
    sim->update_s = 300;
    sim->timeout_s = 1800;
    sim->garbage_s = 1200;
    sim_make_routers(sim, 2);
    unsigned w = sim_add_wire(sim, (struct prefix){0x0a000000u, 31});
    sim->wires[w].keys[0][0] = (struct rip_key){.id = 7, .mode = RIP_AUTH_MD5, .secret_len = 4, .secret = "year"};
    for (unsigned i = 0; i < 2; i++) {
        sim_join(sim, i, w);
        sim->routers[i].ports[0].settings.auth = (struct rip_auth){.n = 1, .keys = sim->wires[w].keys[0]};
        sim_add_origin(sim, i, (struct prefix){0xac100001u + i * 256, 24}, SIM_ADDRESS);
    }
    sim_topology_done(sim);
    for (unsigned i = 0; i < 2; i++)
        sim_start(sim, &sim->routers[i]);
    for (unsigned day = 1; day <= 365 && !sim->failed; day++) {
        sim_run(sim, DAY_S);
        if (!sim->failed)
            check(sim, true);
        if (day == 100)
            sim->now.wall_ms -= UINT64_C(3600) * 1000;
        if (day % 30 == 0) {
            sim_kill(sim, &sim->routers[day % 2]);
            sim_run(sim, 60);
            sim_start(sim, &sim->routers[day % 2]);
        }
    }
}

const struct sim_case sim_cases[] = {
    {"line15", fifteen},
    {"line16", sixteen},
    {"year", year},
};
const unsigned sim_n_cases = sizeof sim_cases / sizeof sim_cases[0];
