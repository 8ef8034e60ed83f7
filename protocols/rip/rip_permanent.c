/* Routes that were learned from update responses are permanent (RFC 2091 3): nothing keeps time for them. A flush, or a
 * peer that no longer answers, makes all of one neighbour's temporary at once: its epoch moves on, and what is not said
 * again belongs to an earlier one. So that costs nothing when it happens, however many there are; once their time has
 * come they are looked for, in slices. */
#include "protocols/rip/rip_internal.h"

void rip_aging_init(struct rip *rip)
{
    rip->aging.at.marker = true;
    rip->aging.due_ns = NEVER_NS;
}

void rip_permanent_flush(struct rip *rip, struct rip_neighbour *neighbour, uint64_t after_ns, struct now now)
{
    neighbour->epoch = neighbour->epoch == UINT32_MAX ? 1 : neighbour->epoch + 1;
    if (neighbour->n_paths == 0)
        return;
    neighbour->age_ns = now.ns + after_ns;
    if (neighbour->age_ns < rip->aging.due_ns)
        rip->aging.due_ns = neighbour->age_ns;
}

static void begin(struct rip *rip, struct now now)
{
    struct rip_aging *a = &rip->aging;
    a->walking = true;
    a->until_ns = now.ns;
    a->due_ns = NEVER_NS;
    rip_link_remove(&a->at);
    rip_link_insert_before(&a->at, rip->routes.next);
    for (unsigned i = 0; i < rip->n_interfaces; i++)
        for (const struct rip_neighbour *n = rip->interfaces[i] != NULL ? rip->interfaces[i]->neighbours : NULL;
             n != NULL; n = n->next)
            if (n->age_ns > now.ns && n->age_ns < a->due_ns)
                a->due_ns = n->age_ns;
}

static void look_at(struct rip *rip, struct rip_route *route, struct now now)
{
    struct path *next;
    bool changed = false;
    for (struct path *path = route->paths; path != NULL; path = next) {
        next = path->next;
        if (path->epoch == 0 || rip_path_due(rip, path) > rip->aging.until_ns)
            continue;
        rip_path_remove(rip, path, "it was not confirmed in time");
        changed = true;
    }
    if (changed)
        rip_route_update(rip, route, now);
}

bool rip_aging_run(struct rip *rip, unsigned most, struct now now)
{
    struct rip_aging *a = &rip->aging;
    if (!a->walking && now.ns >= a->due_ns)
        begin(rip, now);
    for (unsigned i = 0; a->walking && i < most; i++) {
        struct rip_route *route = rip_route_step(rip, &a->at, UINT64_MAX);
        if (route != NULL) {
            look_at(rip, route, now);
        } else {
            rip_link_remove(&a->at);
            a->walking = false;
        }
    }
    return a->walking;
}
