/* RIP in simulated time: `rip [-q|-d] (SEED | FIRST-LAST | CASE | circuits)...`. Each seed makes a network, things
 * that happen to it, and wires that lose, duplicate and reorder; when that is over, all tables must come to the
 * shortest paths and stay there. The same seed does the same again. Without -q a line is printed for each; with -d all
 * that the routers have to tell. Behind the word circuits some links of two routers speak RFC 2091. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define DAMPER_S 5 /* between two triggered updates, at most */

static void make_weather(struct sim *sim)
{
    sim->loss_percent = sim_percent(sim, 70) ? sim_between(sim, 1, 30) : 0;
    sim->duplicate_percent = sim_percent(sim, 40) ? sim_between(sim, 1, 20) : 0;
    sim->spread_ns = sim_percent(sim, 60) ? sim_between(sim, 1, 300) * NS_PER_MS : 0;
}

/* The wires lose no more; or they go on to lose a tenth, which takes more updates before a route is given up, or
 * luck. */
static void clear_weather(struct sim *sim)
{
    bool goes_on = sim_percent(sim, 20) && sim->n_prefixes < 500;
    sim->loss_percent = goes_on ? 10 : 0;
    if (!goes_on && sim_percent(sim, 70))
        sim->duplicate_percent = 0, sim->spread_ns = 0;
    for (unsigned i = 0; i < sim->n_routers && goes_on; i++) {
        struct sim_router *r = &sim->routers[i];
        r->settings.timeout_s = sim->timeout_s * 2;
        sim_router_configure(sim, r);
    }
    if (goes_on)
        sim->timeout_s *= 2;
}

static void start_all(struct sim *sim)
{
    for (unsigned i = 0; i < sim->n_routers; i++) {
        sim_start(sim, &sim->routers[i]);
        if (sim_percent(sim, 50))
            sim_run(sim, 0.1 * sim_below(sim, 20));
    }
}

/* Until every table must be right: what nobody says any more times out, and what is left in a circle counts to
 * infinity, a step at each triggered update, or where that was lost, at each regular one. */
static uint64_t settle_ns(const struct sim *sim)
{
    uint64_t s = sim->timeout_s + sim->holddown_s + RIP_INFINITY * (DAMPER_S + 1) + 2 * sim->update_s;
    if (sim->loss_percent > 0 || sim->spread_ns > 0)
        s += 6 * sim->update_s;
    if (sim->loss_percent > 0)
        s += 4 * sim->timeout_s; /* what was said once and lost is believed for so long, and that again and again */
    return s * NS_PER_S;
}

/* Looks now and then whether it is so already. Returns the seconds that it took. */
static unsigned converge(struct sim *sim)
{
    uint64_t began = sim->now.ns, end = began + settle_ns(sim);
    while (!sim->failed && sim->now.ns < end) {
        sim_run(sim, 5);
        if (!sim->failed && sim_compare(sim, false, false))
            break;
    }
    unsigned took = (unsigned)((sim->now.ns - began) / NS_PER_S);
    sim_run_to(sim, end);
    if (!sim->failed)
        sim_compare(sim, false, true);
    return took;
}

/* It stays so, what is gone is forgotten, and nobody has news. */
static void rest(struct sim *sim)
{
    sim->resting_ns = sim->now.ns;
    uint64_t end = sim->now.ns + (sim->garbage_s + 1) * NS_PER_S, triggered = sim->triggered;
    uint64_t exchanged = sim->exchanged;
    while (!sim->failed && sim->now.ns < end) {
        sim_run(sim, (double)sim->garbage_s / 3);
        if (!sim->failed)
            sim_compare(sim, false, true);
    }
    if (!sim->failed)
        sim_compare(sim, true, true);
    if (sim->loss_percent == 0 && !sim->classful && sim->exchanged != exchanged)
        sim_fail(sim, "%" PRIu64 " messages of RFC 2091 where nothing has changed", sim->exchanged - exchanged);
    if (sim->loss_percent == 0 && !sim->classful && sim->triggered != triggered)
        sim_fail(sim, "%" PRIu64 " triggered updates where nothing has changed", sim->triggered - triggered);
}

static void run_seed(struct sim *sim)
{
    sim_make_random(sim);
    make_weather(sim);
    start_all(sim);
    unsigned most = sim->n_routers < 100 ? 40 : 20;
    sim_change(sim, sim_between(sim, 10, sim->timeout_s * 3 / 2), sim_between(sim, 0, most));
    clear_weather(sim);
    sim_oracle(sim);
    unsigned took = sim->failed ? 0 : converge(sim);
    rest(sim);
    for (unsigned i = 0; i < sim->n_routers && !sim->failed; i++)
        if (sim->routers[i].alive)
            sim_limits_memory(sim, &sim->routers[i]);
    if (sim->verbose)
        printf("seed %" PRIu64
               ": %u routers, %u wires, %u prefixes, timers %u/%u/%u/%u, %u changes, then %u %% loss and "
               "%u ms of spread, converged after %u s, %" PRIu64 " messages, %" PRIu64 " regular and %" PRIu64
               " triggered updates, %" PRIu64 " messages on circuits\n",
               sim->seed, sim->n_routers, sim->n_wires, sim->n_prefixes, sim->update_s, sim->timeout_s, sim->garbage_s,
               sim->holddown_s, sim->changes, sim->loss_percent, (unsigned)(sim->spread_ns / NS_PER_MS), took,
               sim->messages, sim->updates, sim->triggered, sim->exchanged);
}

static const struct sim_case *find_case(const char *name)
{
    for (unsigned i = 0; i < sim_n_cases; i++)
        if (strcmp(sim_cases[i].name, name) == 0)
            return &sim_cases[i];
    return NULL;
}

static bool run_case(const struct sim_case *c, bool verbose, unsigned debug)
{
    struct sim sim;
    sim_begin(&sim, 0);
    sim.debug = debug;
    c->run(&sim);
    bool failed = sim.failed;
    if (failed)
        printf("that was case %s\n", c->name);
    else if (verbose)
        printf("case %s: %" PRIu64 " messages\n", c->name, sim.messages);
    sim_end(&sim);
    return !failed;
}

static bool run_one(uint64_t seed, bool circuits, bool verbose, unsigned debug)
{
    struct sim sim;
    sim_begin(&sim, seed);
    sim.circuits = circuits;
    sim.debug = debug;
    sim.verbose = verbose;
    run_seed(&sim);
    bool failed = sim.failed;
    sim_end(&sim);
    fflush(stdout);
    return !failed;
}

int main(int argc, char **argv)
{
    unsigned done = 0, failed = 0;
    const char *option = argc > 1 && argv[1][0] == '-' ? argv[1] : "";
    bool verbose = strcmp(option, "-q") != 0, circuits = false;
    unsigned debug = strcmp(option, "-d") == 0 ? RIP_DEBUG_EVENTS | RIP_DEBUG_ROUTES | RIP_DEBUG_PACKETS : 0;
    for (int i = *option != '\0' ? 2 : 1; i < argc; i++) {
        if (strcmp(argv[i], "circuits") == 0) {
            circuits = true;
            continue;
        }
        const struct sim_case *c = find_case(argv[i]);
        char *end = argv[i];
        uint64_t first = c == NULL ? strtoull(argv[i], &end, 10) : 0, last = *end == '-' ? 0 : first;
        if (*end == '-')
            last = strtoull(end + 1, &end, 10);
        if (c == NULL && *end != '\0') {
            fprintf(stderr, "%s is neither a seed, nor FIRST-LAST, nor a case\n", argv[i]);
            return 2;
        }
        for (uint64_t seed = first; seed <= last; seed++) {
            failed += c != NULL ? !run_case(c, verbose, debug) : !run_one(seed, circuits, verbose, debug);
            done++;
        }
    }
    if (failed > 0)
        printf("%u of %u failed\n", failed, done);
    return failed > 0 ? 1 : 0;
}
