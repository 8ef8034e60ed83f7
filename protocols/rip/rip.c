/* The instance: its settings, its time, and the slices in which long work is done. */
#include "protocols/rip/rip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocols/rip/rip_internal.h"

#define SLICE_TIMERS 500
#define SLICE_ROUTES 500
#define SLICE_RIB    1000
#define SWEEP_NS     (10 * NS_PER_S)

uint64_t rip_random(struct rip *rip)
{
    uint64_t z = rip->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void rip_log(struct rip *rip, enum rip_level level, unsigned port, uint32_t addr, const char *format, ...)
{
    if (rip->hooks.log == NULL)
        return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rip->hooks.log(rip->hooks.context, level, port, addr, text);
}

struct rip *rip_new(struct rib *rib, const struct rip_settings *settings, uint64_t seed, const struct rip_hooks *hooks)
{
    struct rip *rip = calloc(1, sizeof *rip);
    if (rip == NULL)
        return NULL;
    rip->settings = rip_settings_copy(settings);
    if (rip->settings == NULL) {
        free(rip);
        return NULL;
    }
    rip->rib = rib;
    rip->hooks = *hooks;
    rip->random = seed;
    patricia_init(&rip->table, &later_at_once);
    slab_pool_init(&rip->route_pool, sizeof(struct rip_route));
    slab_pool_init(&rip->path_pool, sizeof(struct path));
    timers_init(&rip->timers, rip);
    rip_link_init(&rip->routes);
    rip->review.marker = true;
    rip_aging_init(rip);
    rip_redistribute_begin(rip);
    rip->walking = true;
    rip->fresh = true;
    return rip;
}

void rip_free(struct rip *rip, struct now now)
{
    if (rip == NULL)
        return;
    rip_redistribute_end(rip);
    for (unsigned i = 0; i < RIP_REPLIES_MAX; i++)
        rip_link_remove(&rip->replies[i].at);
    rip_link_remove(&rip->review);
    rip_link_remove(&rip->aging.at);
    rip_table_free(rip, now);
    for (unsigned i = 0; i < rip->n_interfaces; i++)
        if (rip->interfaces[i] != NULL)
            rip_interface_free(rip, rip->interfaces[i]);
    free(rip->settings);
    free(rip);
}

/* ---- settings ---- */

void rip_review(struct rip *rip)
{
    rip_link_remove(&rip->review);
    rip_link_insert_before(&rip->review, rip->routes.next);
    rip->review_until = rip->changes;
    rip->reviewing = true;
}

/* Those to whom nothing is sent any more hear so: nobody else would tell them. */
static void leave_neighbors(struct rip *rip, const struct rip_settings *next, struct now now)
{
    for (unsigned i = 0; i < rip->settings->n_neighbors; i++) {
        bool stays = false;
        for (unsigned j = 0; j < next->n_neighbors; j++)
            stays |= next->neighbors[j] == rip->settings->neighbors[i];
        for (unsigned j = 0; j < rip->n_interfaces && !stays; j++)
            if (rip->interfaces[j] != NULL)
                rip_outlet_leave_neighbor(rip, rip->interfaces[j], rip->settings->neighbors[i], now);
    }
}

bool rip_configure(struct rip *rip, const struct rip_settings *settings, struct now now)
{
    struct rip_settings *copy = rip_settings_copy(settings), *was = rip->settings;
    if (copy == NULL)
        return false;
    leave_neighbors(rip, copy, now);
    rip->settings = copy;
    rip_redistribute_default(rip, now);
    rip_review(rip);
    rip->walking = true;
    rip->walk = RIB_START;
    for (unsigned i = 0; i < rip->n_interfaces; i++) {
        struct rip_interface *interface = rip->interfaces[i];
        if (interface == NULL)
            continue;
        rip_interface_refresh(rip, interface, now);
        for (unsigned j = 0; j < 2; j++)
            rip_outlet_configured(rip, &interface->outlets[j], was, now);
    }
    free(was);
    return true;
}

static bool review(struct rip *rip, unsigned most, struct now now)
{
    struct rip_route *route;
    while (most-- > 0) {
        route = rip_route_step(rip, &rip->review, rip->review_until);
        if (route == NULL) {
            rip_link_remove(&rip->review);
            return false;
        }
        rip_route_review(rip, route, now);
    }
    return true;
}

static bool has_said_goodbye(const struct rip *rip)
{
    for (unsigned i = 0; i < rip->n_interfaces; i++)
        for (unsigned j = 0; rip->interfaces[i] != NULL && j < 2; j++)
            if (rip->interfaces[i]->outlets[j].open || rip->interfaces[i]->circuit.peers > 0)
                return false;
    return true;
}

static void lose_neighbours(struct rip *rip, uint32_t address)
{
    for (unsigned i = 0; i < rip->n_interfaces; i++)
        for (struct rip_neighbour *n = rip->interfaces[i] != NULL ? rip->interfaces[i]->neighbours : NULL; n != NULL;
             n = n->next)
            if (address == 0 || n->address == address)
                rip_neighbour_lose(rip, n);
}

/* Of everybody, once what was cleared is forgotten: an answer that came before would have to wait for that. */
static void ask_again(struct rip *rip, struct now now)
{
    rip->asking = false;
    for (unsigned i = 0; i < rip->n_interfaces; i++) {
        struct rip_interface *interface = rip->interfaces[i];
        if (interface == NULL)
            continue;
        for (unsigned j = 0; j < 2; j++)
            if (interface->outlets[j].open && interface->outlets[j].job != JOB_GOODBYE)
                rip_outlet_request(rip, &interface->outlets[j], now);
    }
}

/* ---- time ---- */

uint64_t rip_run(struct rip *rip, struct now now)
{
    if (rip->fresh) {
        rip->fresh = false;
        rip_redistribute_default(rip, now);
    }
    rib_batch_begin(rip->rib);
    timers_run(&rip->timers, now, SLICE_TIMERS);
    if (rip->walking)
        rip->walking = rip_redistribute_walk(rip, SLICE_RIB);
    rip_routes_update_dirty(rip, SLICE_ROUTES, now);
    if (rip->reviewing)
        rip->reviewing = review(rip, SLICE_ROUTES, now);
    bool aging = rip_aging_run(rip, SLICE_ROUTES, now);
    rib_batch_end(rip->rib, now);
    if (rip->stopping && !rip->losing && rip->n_paths > 0 && has_said_goodbye(rip))
        lose_neighbours(rip, 0);
    if (rip->losing)
        rip->losing = rip_neighbours_forget(rip, SLICE_ROUTES, now);
    if (rip->asking && !rip->losing)
        ask_again(rip, now);
    if (now.ns >= rip->sweep_ns) {
        rip_neighbours_sweep(rip, now);
        rip->sweep_ns = now.ns + SWEEP_NS;
    }
    uint64_t due = rip_output_run(rip, now), timers = timers_due(&rip->timers);
    uint64_t triggered = rip_triggered_run(rip, now);
    due = triggered < due ? triggered : due;
    if (rip->stopping && rip->n_paths > 0 && due == NEVER_NS)
        return now.ns;
    if (aging || rip->walking || rip->reviewing || rip->losing || rip->dirty != NULL)
        return now.ns;
    due = timers < due ? timers : due;
    due = rip->aging.due_ns < due ? rip->aging.due_ns : due;
    return rip->n_interfaces > 0 && rip->sweep_ns < due ? rip->sweep_ns : due;
}

void rip_stop(struct rip *rip, struct now now)
{
    rip->stopping = true;
    for (unsigned i = 0; i < rip->n_interfaces; i++)
        if (rip->interfaces[i] != NULL)
            rip_interface_refresh(rip, rip->interfaces[i], now);
}

bool rip_is_stopped(const struct rip *rip)
{
    return rip->stopping && rip->n_paths == 0 && has_said_goodbye(rip);
}

/* ---- clear ---- */

void rip_clear(struct rip *rip, uint32_t neighbour, struct now now)
{
    lose_neighbours(rip, neighbour);
    rip->asking = true;
    for (unsigned i = 0; i < rip->n_interfaces; i++)
        if (rip->interfaces[i] != NULL)
            rip_triggered_ask_all(rip->interfaces[i], neighbour, now);
}

void rip_clear_counters(struct rip *rip)
{
    for (unsigned i = 0; i < rip->n_interfaces; i++) {
        struct rip_interface *interface = rip->interfaces[i];
        if (interface == NULL)
            continue;
        interface->counters = (struct rip_interface_counters){0};
        for (struct rip_neighbour *n = interface->neighbours; n != NULL; n = n->next) {
            n->requests = n->responses = 0;
            for (unsigned j = 0; j < RIP_REJECT__COUNT; j++)
                n->rejects[j] = 0;
        }
    }
    for (unsigned j = 0; j < RIP_REJECT__COUNT; j++)
        rip->rejects[j] = 0;
    rip->no_interface = 0;
}
