/* IGMP in simulated time: `igmp [-q] SEED | FROM-TO...`. Up to 10,000 hosts join, leave and change their filters at
 * random on one wire, with up to a fifth of everything lost within the robustness variable. Whatever a host has asked
 * for is never withheld, and what nobody wants any more stops within the bounds of RFC 9776:
 *
 *   a group that its last member has left         the repetitions of the leave, and Last Member Query Time
 *   likewise a source of a group of mode INCLUDE
 *   a group whose members fell silent             Group Membership Interval
 *   a source that all who are left exclude        that, and an answer to a general query before it, and the time in
 *                                                 which older hosts are remembered
 *
 * In every third run there are two routers, and the one that was not elected must know the same; in some, where nothing
 * is lost, the other then falls silent, and nobody must notice.
 *
 * It fails with the seed, the time and what was wrong. */
#include "tests/sim/igmp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT     1
#define OWN      0x0a000001u
#define SLACK_NS (2 * NS_PER_MS)
#define MOST     10000

uint64_t sim_below(struct sim *sim, uint64_t n)
{
    uint64_t z = sim->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return n > 0 ? (z ^ z >> 31) % n : 0;
}

void sim_event(struct sim *sim, uint64_t ns, enum event_kind kind, uint32_t number, uint32_t detail)
{
    queue_put(&sim->queue, (struct event){.ns = ns, .router = number, .port = (uint32_t)kind | detail << 8});
}

/* ---- bounds ---- */

static uint64_t reported_ns(const struct sim *sim) /* until one report of a change has arrived */
{
    return (sim->settings.robustness - 1) * NS_PER_S + SLACK_NS;
}

static uint64_t last_member_ns(const struct sim *sim)
{
    unsigned count = sim->settings.last_member_count != 0 ? sim->settings.last_member_count : sim->settings.robustness;
    return count * sim->settings.last_member_interval_ms * NS_PER_MS;
}

static uint64_t heard_ns(const struct sim *sim) /* between two answers of a host to general queries */
{
    return (sim->settings.robustness * sim->settings.query_interval_ms + sim->settings.response_interval_ms) *
           NS_PER_MS;
}

static uint64_t membership_ns(const struct sim *sim)
{
    return heard_ns(sim) + sim->settings.response_interval_ms * NS_PER_MS;
}

/* No host, and no router, was silenced lately. */
static bool is_calm(const struct sim *sim, uint32_t group)
{
    return sim->now.ns > sim->groups[group].crash_ns + 2 * membership_ns(sim);
}

/* How long a source may go on that nobody wants. */
static uint64_t source_ns(const struct sim *sim, uint32_t group)
{
    if (kind_of(group) == KIND_SSM && is_calm(sim, group))
        return reported_ns(sim) + last_member_ns(sim) + SLACK_NS;
    return 2 * heard_ns(sim) + membership_ns(sim) + SLACK_NS;
}

static uint64_t group_ns(const struct sim *sim, uint32_t group)
{
    if (kind_of(group) != KIND_MIXED && is_calm(sim, group))
        return reported_ns(sim) + last_member_ns(sim) + SLACK_NS;
    return membership_ns(sim) + SLACK_NS;
}

/* ---- checks ---- */

static void fail(struct sim *sim, const char *what, uint32_t group, unsigned column)
{
    if (sim->failures++ < 5)
        printf("at %.3f s: %s: group %u of kind %u, source %u\n", (double)sim->now.ns / 1e9, what, group,
               (unsigned)kind_of(group), column);
}

/* Whether every router wants it, or with ANY whether one does. */
static bool routers_want(const struct sim *sim, uint32_t group, unsigned column, bool any)
{
    for (unsigned i = 0; i < ROUTERS; i++)
        if (sim->routers[i].igmp != NULL &&
            igmp_wants(sim->routers[i].igmp, PORT, source_addr(column), group_addr(group)) == any)
            return any;
    return !any;
}

static void check_wanted(struct sim *sim, uint32_t group, unsigned column)
{
    sim->checks++;
    if (routers_want(sim, group, column, false))
        return;
    for (const struct slot *slot = sim->groups[group].slots; slot != NULL; slot = slot->next)
        if (slot->since_ns[column] != 0 && slot->since_ns[column] + reported_ns(sim) <= sim->now.ns) {
            fail(sim, "withheld", group, column);
            return;
        }
}

static void check_unwanted(struct sim *sim, uint32_t group, unsigned column)
{
    const struct group *g = &sim->groups[group];
    if (g->wanted[column] > 0 || g->unwanted_ns[column] + source_ns(sim, group) > sim->now.ns)
        return;
    sim->checks++;
    if (routers_want(sim, group, column, true))
        fail(sim, "goes on", group, column);
}

static void check_empty(struct sim *sim, uint32_t group)
{
    const struct group *g = &sim->groups[group];
    if (g->members > 0 || g->empty_ns + group_ns(sim, group) > sim->now.ns)
        return;
    sim->checks++;
    for (unsigned i = 0; i < ROUTERS; i++)
        if (sim->routers[i].igmp != NULL && igmp_has_members(sim->routers[i].igmp, PORT, group_addr(group)))
            fail(sim, "the group goes on", group, COLUMNS);
}

void sim_wants(struct sim *sim, struct slot *slot)
{
    struct group *g = &sim->groups[slot->group];
    bool was_member = false;
    for (unsigned c = 0; c < COLUMNS; c++) {
        bool was = slot->since_ns[c] != 0, is = slot_wants(slot, c);
        was_member = was_member || was;
        if (was == is)
            continue;
        slot->since_ns[c] = is ? sim->now.ns : 0;
        g->wanted[c] += is ? 1u : UINT32_MAX;
        if (is) {
            sim_event(sim, sim->now.ns + reported_ns(sim), EVENT_WANTED, slot->group, c);
        } else if (g->wanted[c] == 0) {
            g->unwanted_ns[c] = sim->now.ns;
            sim_event(sim, sim->now.ns + source_ns(sim, slot->group), EVENT_UNWANTED, slot->group, c);
        }
    }
    bool member = slot_is_member(slot);
    if (member == was_member)
        return;
    g->members += member ? 1u : UINT32_MAX;
    if (g->members > 0)
        return;
    g->empty_ns = sim->now.ns;
    sim_event(sim, sim->now.ns + group_ns(sim, slot->group), EVENT_EMPTY, slot->group, 0);
}

/* ---- routers ---- */

/* What a router says is heard when it, and the other, have done with what made it speak. */
static bool send_hook(void *context, unsigned port, uint32_t src, uint32_t dst, const uint8_t *message, size_t len,
                      struct now now)
{
    struct router *router = context;
    struct sim *sim = router->sim;
    (void)port;
    (void)src;
    (void)now;
    if (sim->n_said == SAID)
        abort();
    struct said *said = &sim->said[sim->n_said++];
    *said = (struct said){.by = router, .dst = dst, .len = len};
    memcpy(said->bytes, message, len);
    return true;
}

static void hear(struct sim *sim)
{
    for (unsigned i = 0; i < sim->n_said; i++) {
        struct said *said = &sim->said[i];
        struct igmp_datagram datagram = {
            .port = PORT, .src = said->by->addr, .dst = said->dst, .ttl = 1, .router_alert = true};
        struct igmp_message m;
        if (igmp_message_parse(said->bytes, said->len, &m) != IGMP_ACCEPT)
            abort();
        if (m.type == IGMP_TYPE_QUERY)
            host_hear_query(sim, &m);
        for (unsigned j = 0; j < ROUTERS; j++)
            if (&sim->routers[j] != said->by && sim->routers[j].igmp != NULL)
                igmp_input(sim->routers[j].igmp, &datagram, said->bytes, said->len, sim->now);
    }
    sim->n_said = 0;
}

static void changed_hook(void *context, unsigned port, uint32_t group, struct now now)
{
    struct router *router = context;
    (void)port;
    (void)now;
    for (unsigned c = 0; group != 0 && c < COLUMNS; c++)
        sim_event(router->sim, router->sim->now.ns, EVENT_WANTED, group & 0xffff, c);
}

void sim_deliver(struct sim *sim, const struct host *host, uint32_t dst, const uint8_t *bytes, size_t len)
{
    struct igmp_datagram datagram = {.port = PORT, .src = host->addr, .dst = dst, .ttl = 1, .router_alert = true};
    sim->reports++;
    for (unsigned i = 0; i < ROUTERS; i++)
        if (sim->routers[i].igmp != NULL)
            igmp_input(sim->routers[i].igmp, &datagram, bytes, len, sim->now);
    hear(sim);
}

static void begin_router(struct sim *sim, struct router *router, uint32_t addr)
{
    struct igmp_hooks hooks = {.context = router, .send = send_hook, .changed = changed_hook};
    struct prefix address = {.addr = addr, .len = 8};
    router->sim = sim;
    router->addr = addr;
    router->igmp = igmp_new(&igmp_settings_default, sim->random, &hooks);
    if (router->igmp == NULL || !igmp_interface_set(router->igmp, PORT, &sim->settings, sim->now) ||
        !igmp_interface_up(router->igmp, PORT, &address, 1, 1500, sim->now))
        abort();
}

/* The querier falls silent. Until the other notices, leaves are not asked about. */
static void kill_querier(struct sim *sim)
{
    igmp_free(sim->routers[0].igmp);
    sim->routers[0].igmp = NULL;
    for (unsigned i = 0; i < sim->n_groups; i++)
        sim->groups[i].crash_ns = sim->now.ns + membership_ns(sim);
}

/* ---- what hosts do ---- */

static void act(struct sim *sim, struct host *host)
{
    struct slot *slot = &host->slots[sim_below(sim, SLOTS)];
    enum kind kind = kind_of(slot->group);
    uint8_t mask = (uint8_t)(sim_below(sim, 256) & sim_below(sim, 256));
    sim_event(sim, sim->now.ns + 1 + sim_below(sim, 60 * NS_PER_S), EVENT_ACTION, (uint32_t)(host - sim->hosts), 0);
    if (host->dead || sim_below(sim, 50) == 0) {
        host_die(sim, host);
        return;
    }
    if (slot->unused)
        return;
    if (host->version < 3)
        host_change(sim, slot, !slot->exclude, 0);
    else if (sim_below(sim, 3) == 0)
        host_change(sim, slot, false, 0);
    else if (sim_below(sim, 2) == 0) /* a source more or less */
        host_change(sim, slot, slot->exclude, slot->mask ^ (uint8_t)(1u << sim_below(sim, SOURCES)));
    else
        host_change(sim, slot, kind != KIND_SSM && sim_below(sim, 2) == 0, mask);
}

static void handle(struct sim *sim, const struct event *event)
{
    enum event_kind kind = (enum event_kind)(event->port & 0xff);
    unsigned detail = event->port >> 8;
    if (kind == EVENT_ACTION)
        act(sim, &sim->hosts[event->router]);
    else if (kind == EVENT_WANTED)
        check_wanted(sim, event->router, detail);
    else if (kind == EVENT_UNWANTED)
        check_unwanted(sim, event->router, detail);
    else if (kind == EVENT_EMPTY)
        check_empty(sim, event->router);
    else if (kind == EVENT_KILL)
        kill_querier(sim);
    else
        host_event(sim, kind, &sim->hosts[event->router], detail);
}

/* ---- one run ---- */

static void choose_settings(struct sim *sim)
{
    sim->settings = igmp_interface_settings_default;
    sim->settings.robustness = (uint8_t)(2 + sim_below(sim, 2));
    sim->settings.query_interval_ms = (uint32_t)(15000 + sim_below(sim, 20000));
    sim->settings.response_interval_ms = 10000; /* hosts of version 1 take as long whatever they hear */
    sim->settings.last_member_interval_ms = (uint32_t)(5 + sim_below(sim, 16)) * 100;
    sim->settings.fast_leave = sim_below(sim, 2) == 0;
    sim->settings.report_limit = 0;
    if (sim_below(sim, 4) == 0)
        sim->settings.tracked_limit = 5;
    sim->loss = sim_below(sim, 4) == 0 ? 0 : sim_below(sim, 201);
}

/* Two routers: a fast leave is not seen by the other. The querier dies only if answers are not lost beside. */
static void choose_routers(struct sim *sim, uint64_t seed)
{
    bool two = seed % 3 == 0;
    if (two) {
        sim->settings.fast_leave = false;
        sim->settings.forward_always = true;
    }
    if (two && sim_below(sim, 2) == 0) {
        sim->loss = 0;
        sim_event(sim, sim->now.ns + (400 + sim_below(sim, 800)) * NS_PER_S, EVENT_KILL, 0, 0);
    }
    for (unsigned i = 0; i < (two ? ROUTERS : 1); i++)
        begin_router(sim, &sim->routers[i], OWN + i);
}

static void choose_hosts(struct sim *sim, uint64_t seed)
{
    static const unsigned sizes[] = {2, 3, 5, 10, 30, 100, 300};
    sim->n_hosts = seed % 100 == 20 ? MOST : sizes[sim_below(sim, 7)];
    sim->n_groups = 3 * (1 + (unsigned)sim_below(sim, sim->n_hosts < 30 ? 2 : 20));
    sim->hosts = calloc(sim->n_hosts, sizeof *sim->hosts);
    sim->groups = calloc(sim->n_groups, sizeof *sim->groups);
    if (sim->hosts == NULL || sim->groups == NULL)
        abort();
    for (unsigned i = 0; i < sim->n_hosts; i++) {
        struct host *host = &sim->hosts[i];
        host->version = (uint8_t)(sim_below(sim, 10) < 7 ? 3 : 1 + sim_below(sim, 2));
        host->addr = OWN + ROUTERS + i;
        unsigned first = (unsigned)sim_below(sim, sim->n_groups / 3) * 3;
        for (unsigned j = 0; j < SLOTS; j++) {
            struct slot *slot = &host->slots[j];
            slot->host = host;
            /* one of each kind, or for older hosts as many as there are of mixed ones */
            slot->group = host->version == 3 ? first + j : (first + 3 * j) % sim->n_groups + KIND_MIXED;
            for (unsigned k = 0; k < j; k++)
                slot->unused = slot->unused || host->slots[k].group == slot->group;
            if (slot->unused)
                continue;
            slot->next = sim->groups[slot->group].slots;
            sim->groups[slot->group].slots = slot;
        }
        sim_event(sim, sim->now.ns + 1 + sim_below(sim, 60 * NS_PER_S), EVENT_ACTION, i, 0);
    }
}

static uint64_t run_routers(struct sim *sim)
{
    uint64_t due = NEVER_NS;
    for (unsigned i = 0; i < ROUTERS; i++) {
        uint64_t ns = sim->routers[i].igmp != NULL ? igmp_run(sim->routers[i].igmp, sim->now) : NEVER_NS;
        due = ns < due ? ns : due;
    }
    if (sim->n_said == 0)
        return due;
    hear(sim);
    return sim->now.ns;
}

static void run_to(struct sim *sim, uint64_t end_ns)
{
    for (;;) {
        struct event event;
        uint64_t due = run_routers(sim);
        if (due <= sim->now.ns)
            continue;
        uint64_t next = due < end_ns ? due : end_ns;
        if (queue_take(&sim->queue, next, &event)) {
            sim->now.ns = event.ns;
            handle(sim, &event);
        } else if (next == end_ns) {
            return;
        } else {
            sim->now.ns = next;
        }
    }
}

/* At the end everyone leaves, and nothing must be left. */
static void finish(struct sim *sim)
{
    for (unsigned i = 0; i < sim->n_hosts; i++)
        if (!sim->hosts[i].dead)
            host_die(sim, &sim->hosts[i]);
    for (struct event event; queue_take(&sim->queue, UINT64_MAX, &event);)
        ;
    run_to(sim, sim->now.ns + membership_ns(sim) + SLACK_NS);
    for (unsigned i = 0; i < ROUTERS; i++) {
        if (sim->routers[i].igmp == NULL)
            continue;
        struct igmp_status status = igmp_status(sim->routers[i].igmp);
        if (status.groups != 0 || status.sources != 0 || status.tracked != 0)
            fail(sim, "something is left", 0, 0);
        for (unsigned j = 0; j < IGMP_REJECT__COUNT; j++)
            if (status.rejects[j] > 0 && j != IGMP_REJECT_VERSION_1_LEAVE && j != IGMP_REJECT_UNKNOWN_GROUP &&
                j != IGMP_REJECT_NOT_QUERIER && j != IGMP_REJECT_LINK_LOCAL) /* each other's of 224.0.0.22 */
                fail(sim, igmp_reject_name[j], 0, 0);
    }
}

static uint64_t run(uint64_t seed, bool quiet)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (sim == NULL)
        abort();
    sim->random = seed;
    sim->now.ns = 1000 * NS_PER_S;
    choose_settings(sim);
    choose_hosts(sim, seed);
    choose_routers(sim, seed);
    run_to(sim, sim->now.ns + (sim->n_hosts < 1000 ? 1800 : 300) * NS_PER_S);
    struct igmp_interface_view view = {0};
    for (unsigned i = 0; i < ROUTERS; i++)
        if (sim->routers[i].igmp != NULL && igmp_is_querier(sim->routers[i].igmp, PORT))
            igmp_find_interface(sim->routers[i].igmp, PORT, &view, sim->now);
    if (!view.up)
        fail(sim, "nobody is the querier", 0, 0);
    finish(sim);
    if (!quiet || sim->failures > 0)
        printf("seed %llu: %u hosts, %u groups, loss %.1f %%, robustness %u, %lu queries, %lu reports, %lu lost, %llu "
               "fast "
               "leaves, %lu checks: %s\n",
               (unsigned long long)seed, sim->n_hosts, sim->n_groups, (double)sim->loss / 10, sim->settings.robustness,
               sim->queries, sim->reports, sim->lost, (unsigned long long)view.counters.fast_leaves, sim->checks,
               sim->failures > 0 ? "FAILED" : "good");
    uint64_t failures = sim->failures;
    for (unsigned i = 0; i < ROUTERS; i++)
        igmp_free(sim->routers[i].igmp);
    queue_free(&sim->queue);
    free(sim->hosts);
    free(sim->groups);
    free(sim);
    return failures;
}

int main(int argc, char **argv)
{
    bool quiet = false;
    unsigned failed = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-q") == 0) {
            quiet = true;
            continue;
        }
        char *end;
        unsigned long long from = strtoull(argv[i], &end, 10), to = *end == '-' ? strtoull(end + 1, NULL, 10) : from;
        for (; from <= to; from++)
            failed += run(from, quiet) > 0;
    }
    if (failed > 0)
        printf("%u seeds failed\n", failed);
    return failed > 0;
}
