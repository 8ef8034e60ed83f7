/* Neighbours: whoever has sent something from an address of one of our subnets, so that what was wrong with it can be
 * shown by neighbour. They are few, and who spoke last stands first. */
#include <inttypes.h>
#include <stdlib.h>

#include "protocols/rip/rip_internal.h"

struct rip_neighbour *rip_neighbour_find(const struct rip_interface *interface, uint32_t address)
{
    struct rip_neighbour *n = interface->neighbours;
    while (n != NULL && n->address != address)
        n = n->next;
    return n;
}

static void unlink_neighbour(struct rip_neighbour *neighbour)
{
    struct rip_neighbour **at = &neighbour->interface->neighbours;
    while (*at != neighbour)
        at = &(*at)->next;
    *at = neighbour->next;
    neighbour->interface->n_neighbours--;
}

static void link_neighbour(struct rip_neighbour *neighbour)
{
    neighbour->next = neighbour->interface->neighbours;
    neighbour->interface->neighbours = neighbour;
    neighbour->interface->n_neighbours++;
}

/* Of those without routes the one that never said anything valid goes first, then the one that was heard longest ago:
 * floods of senders that do not exist push out each other. */
static bool evict(struct rip_interface *interface)
{
    struct rip_neighbour *victim = NULL;
    for (struct rip_neighbour *n = interface->neighbours; n != NULL; n = n->next) {
        if (n->n_paths > 0)
            continue;
        bool less_known = victim == NULL || (n->heard_ns == 0 && victim->heard_ns != 0);
        bool as_known = victim != NULL && (n->heard_ns == 0) == (victim->heard_ns == 0);
        if (less_known || (as_known && n->came_ns < victim->came_ns))
            victim = n;
    }
    if (victim == NULL)
        return false;
    unlink_neighbour(victim);
    free(victim);
    interface->counters.neighbours_evicted++;
    return true;
}

struct rip_neighbour *rip_neighbour_get(struct rip_interface *interface, uint32_t address, struct now now)
{
    struct rip_neighbour *n = rip_neighbour_find(interface, address);
    if (n != NULL) {
        unlink_neighbour(n);
    } else {
        if (interface->n_neighbours >= RIP_NEIGHBOURS_MAX && !evict(interface))
            return NULL;
        n = calloc(1, sizeof *n);
        if (n == NULL)
            return NULL;
        n->interface = interface;
        n->address = address;
    }
    n->came_ns = now.ns;
    link_neighbour(n);
    return n;
}

/* ---- leaving ---- */

void rip_neighbour_lose(struct rip *rip, struct rip_neighbour *neighbour)
{
    neighbour->lost = neighbour->n_paths > 0;
    if (neighbour->lost)
        rip_debug_if(rip, RIP_DEBUG_EVENTS, neighbour->interface->port, neighbour->address, "lost, with %u route%s",
                     neighbour->n_paths, neighbour->n_paths == 1 ? "" : "s");
    rip->losing |= neighbour->lost;
}

static unsigned forget_paths(struct rip *rip, struct rip_neighbour *neighbour, unsigned most, struct now now)
{
    unsigned done = 0;
    for (; neighbour->paths != NULL && done < most; done++) {
        struct rip_route *route = neighbour->paths->route;
        rip_path_remove(rip, neighbour->paths, "its neighbour is no more");
        rip_route_update(rip, route, now);
    }
    if (neighbour->paths == NULL)
        neighbour->lost = false;
    return done;
}

void rip_neighbour_forget_all(struct rip *rip, struct rip_neighbour *neighbour, struct now now)
{
    rib_batch_begin(rip->rib);
    forget_paths(rip, neighbour, UINT32_MAX, now);
    rib_batch_end(rip->rib, now);
}

bool rip_neighbours_forget(struct rip *rip, unsigned most, struct now now)
{
    rib_batch_begin(rip->rib);
    for (unsigned i = 0; i < rip->n_interfaces && most > 0; i++) {
        struct rip_interface *interface = rip->interfaces[i];
        for (struct rip_neighbour *n = interface != NULL ? interface->neighbours : NULL; n != NULL && most > 0;
             n = n->next)
            if (n->lost)
                most -= forget_paths(rip, n, most, now);
    }
    rib_batch_end(rip->rib, now);
    return most == 0;
}

/* A sequence number is remembered as long as there is room: it keeps replays out. */
void rip_neighbours_sweep(struct rip *rip, struct now now)
{
    uint64_t keep_ns = ((uint64_t)rip->settings->timeout_s + rip->settings->garbage_s) * NS_PER_S;
    for (unsigned i = 0; i < rip->n_interfaces; i++) {
        struct rip_interface *interface = rip->interfaces[i];
        struct rip_neighbour *next;
        for (struct rip_neighbour *n = interface != NULL ? interface->neighbours : NULL; n != NULL; n = next) {
            next = n->next;
            if (n->n_paths > 0 || n->seen.n > 0 || now.ns - n->came_ns < keep_ns)
                continue;
            rip_debug_if(rip, RIP_DEBUG_EVENTS, interface->port, n->address,
                         "forgotten: it was silent for %" PRIu64 " s", (now.ns - n->came_ns) / NS_PER_S);
            unlink_neighbour(n);
            free(n);
        }
    }
}

void rip_neighbours_free(struct rip_interface *interface)
{
    struct rip_neighbour *next;
    for (struct rip_neighbour *n = interface->neighbours; n != NULL; n = next) {
        next = n->next;
        free(n);
    }
    interface->neighbours = NULL;
    interface->n_neighbours = 0;
}
