/* The table: prefixes, the paths to each, and which of them are used.
 *
 * rip_route_update is the one place that decides. Whatever happens to a route (an offer, a time-out, an interface, the
 * RIB) changes what it is made of and then calls it. It ranks the paths, tells the RIB if the used ones are others now,
 * and if the route looks different to neighbours it moves it to the end of the list, behind every outlet's marker.
 *
 * A route has one timer, for the earliest of what may happen to it. A path that is refreshed does not touch the timer:
 * that fires too early then, and is set again. */
#include <string.h>

#include "protocols/rip/rip_internal.h"

/* ---- the list ---- */

void rip_link_init(struct link *head)
{
    *head = (struct link){.next = head, .prev = head, .marker = true};
}

void rip_link_insert_before(struct link *link, struct link *at)
{
    link->next = at;
    link->prev = at->prev;
    at->prev->next = link;
    at->prev = link;
}

void rip_link_remove(struct link *link)
{
    if (link->next == NULL)
        return;
    link->next->prev = link->prev;
    link->prev->next = link->next;
    link->next = link->prev = NULL;
}

struct rip_route *rip_route_after(const struct rip *rip, const struct link *at, uint64_t until)
{
    struct link *next = at->next;
    while (next->marker && next != &rip->routes)
        next = next->next;
    if (next == &rip->routes || route_of_link(next)->changed > until)
        return NULL;
    return route_of_link(next);
}

void rip_marker_move(struct link *marker, struct link *at)
{
    if (at == marker)
        return;
    rip_link_remove(marker);
    rip_link_insert_before(marker, at->next);
}

struct rip_route *rip_route_step(const struct rip *rip, struct link *marker, uint64_t until)
{
    struct rip_route *route = rip_route_after(rip, marker, until);
    if (route != NULL)
        rip_marker_move(marker, &route->link);
    return route;
}

/* ---- routes ---- */

struct rip_route *rip_route_find(const struct rip *rip, struct prefix prefix)
{
    return patricia_find(&rip->table, prefix);
}

static void route_due(struct timer *timer, void *context, struct now now);

struct rip_route *rip_route_get(struct rip *rip, struct prefix prefix)
{
    struct rip_route *route = rip_route_find(rip, prefix);
    if (route != NULL)
        return route;
    route = slab_alloc(&rip->route_pool);
    if (route == NULL)
        return NULL;
    *route = (struct rip_route){
        .timer = {.fire = route_due},
        .prefix = prefix,
        .interface = PORT_NONE,
        .winner = RIB_PROTOCOL__COUNT,
        .kind = RIP_LEARNED,
        .metric = RIP_INFINITY,
    };
    if (!patricia_set(&rip->table, prefix, route, NULL)) {
        slab_free(route);
        return NULL;
    }
    rip_link_insert_before(&route->link, &rip->routes);
    route->changed = ++rip->changes;
    rip->n_routes++;
    rip->n_unreachable++;
    return route;
}

static bool is_learned(unsigned kind, unsigned metric)
{
    return kind == RIP_LEARNED && metric < RIP_INFINITY;
}

static void route_remove(struct rip *rip, struct rip_route *route)
{
    timer_stop(&rip->timers, &route->timer);
    rip_link_remove(&route->link);
    patricia_remove(&rip->table, route->prefix);
    rip->n_routes--;
    rip->n_unreachable -= route->metric == RIP_INFINITY;
    rip->n_learned -= is_learned(route->kind, route->metric);
    slab_free(route);
}

void rip_route_make_dirty(struct rip *rip, struct rip_route *route)
{
    if (route->dirty)
        return;
    route->dirty = true;
    route->next_dirty = rip->dirty;
    rip->dirty = route;
}

void rip_routes_update_dirty(struct rip *rip, unsigned most, struct now now)
{
    for (; rip->dirty != NULL && most > 0; most--) {
        struct rip_route *route = rip->dirty;
        rip->dirty = route->next_dirty;
        route->dirty = false;
        rip_route_update(rip, route, now);
    }
}

/* ---- paths ---- */

static uint64_t timeout_ns(const struct rip *rip)
{
    return rip->settings->timeout_s * NS_PER_S;
}

uint64_t rip_path_due(const struct rip *rip, const struct path *path)
{
    if (path->epoch == 0)
        return path->heard_ns + timeout_ns(rip);
    return path->epoch == path->neighbour->epoch ? NEVER_NS : path->neighbour->age_ns;
}

/* Past half of its time: RFC 2453 3.9.2's sign of timing out. */
static bool is_stale(const struct rip *rip, const struct path *path, struct now now)
{
    return rip_path_due(rip, path) <= now.ns + timeout_ns(rip) / 2;
}

static uint8_t metric_in(const struct rip_neighbour *neighbour, struct prefix prefix, unsigned offered)
{
    const struct rip_interface_settings *s = neighbour->interface->settings;
    unsigned metric = offered + 1 + s->metric_in + rip_policy_offset(s->offsets_in, s->n_offsets_in, prefix);
    return metric < RIP_INFINITY ? (uint8_t)metric : RIP_INFINITY;
}

static struct path *path_new(struct rip *rip, struct rip_route *route, struct rip_neighbour *neighbour)
{
    struct path *path = slab_alloc(&rip->path_pool);
    if (path == NULL)
        return NULL;
    *path = (struct path){.route = route, .neighbour = neighbour};
    struct path **end = &route->paths;
    while (*end != NULL)
        end = &(*end)->next;
    *end = path;
    path->next_of_neighbour = neighbour->paths;
    if (neighbour->paths != NULL)
        neighbour->paths->at_of_neighbour = &path->next_of_neighbour;
    path->at_of_neighbour = &neighbour->paths;
    neighbour->paths = path;
    neighbour->n_paths++;
    route->n_paths++;
    rip->n_paths++;
    return path;
}

void rip_path_remove(struct rip *rip, struct path *path, const char *why)
{
    if (rip_debugs(rip, RIP_DEBUG_ROUTES))
        rip_debug_path_gone(rip, path, why);
    if (path->neighbour->expected == path)
        path->neighbour->expected = NULL;
    struct path **at = &path->route->paths;
    while (*at != path)
        at = &(*at)->next;
    *at = path->next;
    *path->at_of_neighbour = path->next_of_neighbour;
    if (path->next_of_neighbour != NULL)
        path->next_of_neighbour->at_of_neighbour = path->at_of_neighbour;
    path->neighbour->n_paths--;
    path->route->n_paths--;
    rip->n_paths--;
    slab_free(path);
}

/* ---- which paths are used ---- */

/* The lower, the better. Equal ones: who is not about to time out, then who is used already, then who came first. */
static unsigned rank(const struct rip *rip, const struct path *path, struct now now)
{
    return path->metric * 4u + is_stale(rip, path, now) * 2u + !path->used;
}

static void sort_paths(const struct rip *rip, struct rip_route *route, struct now now)
{
    struct path *sorted = NULL, *next;
    for (struct path *path = route->paths; path != NULL; path = next) {
        next = path->next;
        struct path **at = &sorted;
        while (*at != NULL && rank(rip, *at, now) <= rank(rip, path, now))
            at = &(*at)->next;
        path->next = *at;
        *at = path;
    }
    route->paths = sorted;
}

static bool may_be_used(const struct rip_route *route, const struct path *path)
{
    return !path->neighbour->lost && (route->held_ns == 0 || path->metric <= route->held_metric);
}

static void hold_down(const struct rip *rip, struct rip_route *route, struct now now)
{
    if (now.ns >= route->held_ns)
        route->held_ns = 0;
    if (rip->settings->holddown_s == 0 || route->held_ns != 0 || route->distance == 0 || route->kind != RIP_LEARNED)
        return;
    for (const struct path *path = route->paths; path != NULL; path = path->next)
        if (path->used && !path->neighbour->lost)
            return;
    route->held_ns = now.ns + rip->settings->holddown_s * NS_PER_S;
    route->held_metric = route->metric;
}

/* Returns the first path that is used, or NULL; *moved is set when others are used than before. */
static struct path *choose_paths(const struct rip *rip, struct rip_route *route, bool *moved, struct now now)
{
    hold_down(rip, route, now);
    sort_paths(rip, route, now);
    struct path *best = NULL, **end = &route->paths;
    unsigned used = 0;
    for (struct path **at = &route->paths; *at != NULL;) {
        struct path *path = *at;
        bool use =
            used < rip->settings->ecmp && may_be_used(route, path) && (best == NULL || path->metric == best->metric);
        *moved |= use != path->used;
        path->used = use;
        if (!use) {
            at = &path->next;
            continue;
        }
        if (best == NULL)
            best = path;
        used++;
        if (at != end) { /* used ones stand in front */
            *at = path->next;
            path->next = *end;
            *end = path;
        } else {
            at = &path->next;
        }
        end = &path->next;
    }
    *moved |= used != route->n_used;
    route->n_used = (uint8_t)used;
    return best;
}

/* ---- the RIB ---- */

static void install(struct rip *rip, struct rip_route *route, const struct path *best, struct now now)
{
    uint8_t was = route->distance;
    route->distance = 0;
    if (best != NULL) {
        struct rib_route offer = {
            .prefix = route->prefix,
            .protocol = RIB_RIP,
            .type = RIB_UNICAST,
            .distance = rip_policy_distance(rip->settings, best->neighbour->address, route->prefix),
            .metric = best->metric,
            .tag = best->tag,
        };
        for (const struct path *path = best; path != NULL && path->used && offer.n_hops < FIB_HOPS_MAX;
             path = path->next)
            offer.hops[offer.n_hops++] =
                (struct rib_hop){.gateway = path->gateway, .port = path->neighbour->interface->port};
        if (rib_add(rip->rib, &offer, now))
            route->distance = offer.distance;
    }
    if (was != 0 && was != route->distance)
        rib_remove(rip->rib, route->prefix, RIB_RIP, was, now);
}

/* ---- what a route comes to ---- */

struct outcome {
    enum rip_kind kind;
    uint8_t metric;
    uint16_t tag;
    uint32_t next_hop;
};

static struct outcome outcome_of(const struct rip *rip, const struct rip_route *route, const struct path *best)
{
    struct outcome o = {.kind = RIP_REDISTRIBUTED, .next_hop = route->gateway};
    if (route->interface != PORT_NONE)
        return (struct outcome){.kind = RIP_INTERFACE, .metric = 1};
    if (rip_is_redistributed(rip, route, &o.metric, &o.tag))
        return o;
    if (route->originated) {
        uint8_t metric = rip->settings->default_information_metric;
        return (struct outcome){.kind = RIP_DEFAULT, .metric = metric != 0 ? metric : rip->settings->default_metric};
    }
    if (best != NULL)
        return (struct outcome){
            .kind = RIP_LEARNED, .metric = best->metric, .tag = best->tag, .next_hop = best->gateway};
    return (struct outcome){
        .kind = RIP_LEARNED, .metric = RIP_INFINITY, .tag = route->tag, .next_hop = route->next_hop};
}

static void set_timer(struct rip *rip, struct rip_route *route)
{
    uint64_t due = route->garbage_ns != 0 ? route->garbage_ns : NEVER_NS;
    if (route->held_ns != 0 && route->held_ns < due)
        due = route->held_ns;
    for (const struct path *path = route->paths; path != NULL; path = path->next)
        if (rip_path_due(rip, path) < due)
            due = rip_path_due(rip, path);
    if (due == NEVER_NS)
        timer_stop(&rip->timers, &route->timer);
    else if (!timer_is_set(&route->timer) || due < route->timer.due_ns)
        timer_set(&rip->timers, &route->timer, due);
}

static void announce(struct rip *rip, struct rip_route *route, struct now now)
{
    rip_link_remove(&route->link);
    rip_link_insert_before(&route->link, &rip->routes);
    route->changed = ++rip->changes;
    route->since_ns = now.ns;
    if (rip_debugs(rip, RIP_DEBUG_ROUTES))
        rip_debug_route(rip, route);
}

static void update(struct rip *rip, struct rip_route *route, bool reinstall, struct now now)
{
    bool moved = false;
    struct path *best = choose_paths(rip, route, &moved, now);
    struct outcome o = outcome_of(rip, route, best);
    bool turned = moved && o.kind == RIP_LEARNED; /* split horizon is about another interface */
    bool other_kind = o.kind != route->kind;
    bool looks_different =
        turned || other_kind || o.metric != route->metric || o.tag != route->tag || o.next_hop != route->next_hop;
    rip->n_unreachable += (size_t)(o.metric == RIP_INFINITY) - (size_t)(route->metric == RIP_INFINITY);
    rip->n_learned += (size_t)is_learned(o.kind, o.metric) - (size_t)is_learned(route->kind, route->metric);
    route->kind = (uint8_t)o.kind;
    route->metric = o.metric;
    route->tag = o.tag;
    route->next_hop = o.next_hop;
    if (o.metric < RIP_INFINITY) {
        route->next_hop_is_learned = o.kind == RIP_LEARNED;
        route->garbage_ns = 0;
    } else if (route->garbage_ns == 0) {
        route->garbage_ns = now.ns + rip->settings->garbage_s * NS_PER_S;
        if (route->garbage_ns < route->held_ns)
            route->garbage_ns = route->held_ns;
    }
    if (reinstall || moved || other_kind)
        install(rip, route, o.kind == RIP_DEFAULT ? NULL : best, now); /* two who offer it would make a loop */
    set_timer(rip, route);
    if (looks_different)
        announce(rip, route, now);
}

void rip_route_update(struct rip *rip, struct rip_route *route, struct now now)
{
    update(rip, route, false, now);
}

static void last_timed_out(struct rip *rip, struct rip_neighbour *neighbour, struct now now)
{
    struct rip_interface *interface = neighbour->interface;
    rip_debug_if(rip, RIP_DEBUG_EVENTS, interface->port, neighbour->address, "the last of its routes timed out");
    uint64_t silence_ns = now.ns - neighbour->heard_ns;
    if (silence_ns < timeout_ns(rip) || !bucket_take(&interface->complaints, 1, RIP_LOG_BURST, now.ns))
        return; /* it speaks, but no longer of routes */
    neighbour->silent = true;
    rip_log(rip, RIP_INFO, interface->port, neighbour->address,
            "nothing was heard of it for %u seconds, and its routes are lost", (unsigned)(silence_ns / NS_PER_S));
}

static void route_due(struct timer *timer, void *context, struct now now)
{
    struct rip *rip = context;
    struct rip_route *route = (struct rip_route *)((uint8_t *)timer - offsetof(struct rip_route, timer));
    struct path *next;
    for (struct path *path = route->paths; path != NULL; path = next) {
        next = path->next;
        if (now.ns < rip_path_due(rip, path))
            continue;
        if (path->neighbour->n_paths == 1)
            last_timed_out(rip, path->neighbour, now);
        rip_path_remove(rip, path, "it timed out");
    }
    bool forgotten = route->garbage_ns != 0 && now.ns >= route->garbage_ns;
    if (forgotten && rip_triggered_keeps(rip, route)) {
        route->garbage_ns = now.ns + NS_PER_S; /* looked at again then */
        forgotten = false;
    }
    update(rip, route, false, now);
    if (forgotten && route->metric == RIP_INFINITY && route->n_paths == 0 && !route->dirty) {
        char text[PREFIX_TEXT];
        rip_debug_if(rip, RIP_DEBUG_ROUTES, PORT_NONE, route->prefix.addr, "%s is forgotten",
                     prefix_text(route->prefix, text));
        route_remove(rip, route);
    }
}

void rip_route_review(struct rip *rip, struct rip_route *route, struct now now)
{
    struct path *next;
    for (struct path *path = route->paths; path != NULL; path = next) {
        next = path->next;
        const struct rip_interface_settings *s = path->neighbour->interface->settings;
        path->metric = metric_in(path->neighbour, route->prefix, path->offered);
        if (path->metric == RIP_INFINITY || !rip_policy_permits(s->list_in, route->prefix))
            rip_path_remove(rip, path, "the configuration keeps it out now");
    }
    update(rip, route, true, now);
}

/* ---- offers ---- */

static struct path *path_of(const struct rip_route *route, const struct rip_neighbour *neighbour)
{
    if (route == NULL)
        return NULL;
    struct path *path = route->paths;
    while (path != NULL && path->neighbour != neighbour)
        path = path->next;
    return path;
}

/* The one that NEIGHBOUR taught after PATH, or NULL. */
static struct path *taught_after(const struct rip_neighbour *neighbour, const struct path *path)
{
    if (path->at_of_neighbour == &neighbour->paths)
        return NULL;
    return (struct path *)((uint8_t *)path->at_of_neighbour - offsetof(struct path, next_of_neighbour));
}

/* The path of NEIGHBOUR to PREFIX, or NULL, and the *route, or NULL. Updates tell the same routes in the same order
 * again and again: mostly the path is the expected one, and nothing is looked up. */
static struct path *find_path(const struct rip *rip, struct rip_neighbour *neighbour, struct prefix prefix,
                              struct rip_route **route)
{
    struct path *path = neighbour->expected;
    if (path == NULL || !prefix_equal(path->route->prefix, prefix))
        path = path_of(rip_route_find(rip, prefix), neighbour);
    *route = path != NULL ? path->route : NULL;
    if (path != NULL)
        neighbour->expected = taught_after(neighbour, path);
    return path;
}

/* Room for one more path to ROUTE that has METRIC: the worst goes if it is worse. */
static bool make_room(struct rip *rip, struct rip_route *route, uint8_t metric)
{
    if (route->n_paths < RIP_PATHS_MAX)
        return true;
    struct path *worst = route->paths;
    for (struct path *path = worst; path != NULL; path = path->next)
        if (path->metric >= worst->metric)
            worst = path;
    if (worst->used || worst->metric <= metric)
        return false;
    rip_path_remove(rip, worst, "there are too many, and better ones");
    return true;
}

static enum rip_reject begin_path(struct rip *rip, struct rip_neighbour *neighbour, struct prefix prefix,
                                  uint8_t metric, struct path **made, struct now now)
{
    const struct rip_settings *s = rip->settings;
    if (s->max_routes != 0 && neighbour->n_paths >= s->max_routes)
        return RIP_REJECT_NEIGHBOUR_LIMIT;
    if (rip->n_paths >= s->max_routes_altogether)
        return RIP_REJECT_TABLE_FULL;
    struct rip_route *route = rip_route_get(rip, prefix);
    if (route == NULL)
        return RIP_REJECT_NO_MEMORY;
    *made = make_room(rip, route, metric) ? path_new(rip, route, neighbour) : NULL;
    if (*made != NULL)
        return RIP_ACCEPT;
    rip_route_update(rip, route, now);
    return RIP_REJECT_TABLE_FULL;
}

enum rip_reject rip_path_offer(struct rip *rip, struct rip_neighbour *neighbour, struct prefix prefix, uint32_t gateway,
                               uint16_t tag, uint8_t offered, struct now now)
{
    struct rip_route *route;
    struct path *path = find_path(rip, neighbour, prefix, &route);
    uint8_t metric = metric_in(neighbour, prefix, offered);
    if (metric == RIP_INFINITY || !rip_policy_permits(neighbour->interface->settings->list_in, prefix)) {
        if (path != NULL) {
            rip_path_remove(rip, path,
                            offered == RIP_INFINITY ? "its neighbour has lost it" : "it is too far or filtered");
            rip_route_update(rip, route, now);
        }
        return metric == RIP_INFINITY ? RIP_ACCEPT : RIP_REJECT_FILTERED;
    }
    bool is_new = path == NULL;
    if (is_new) {
        enum rip_reject reject = begin_path(rip, neighbour, prefix, metric, &path, now);
        if (reject != RIP_ACCEPT)
            return reject;
        route = path->route;
    }
    bool same = !is_new && path->metric == metric && path->gateway == gateway && path->tag == tag &&
                (path->epoch != 0) == neighbour->permanent;
    bool was_used = path->used;
    path->epoch = neighbour->permanent ? neighbour->epoch : 0;
    path->heard_ns = now.ns;
    path->gateway = gateway;
    path->tag = tag;
    path->offered = offered;
    path->metric = metric;
    if (same && (was_used || !is_stale(rip, route->paths, now)))
        return RIP_ACCEPT;
    update(rip, route, was_used && !same, now);
    return RIP_ACCEPT;
}

void rip_table_free(struct rip *rip, struct now now)
{
    rib_remove_protocol(rip->rib, RIB_RIP, now);
    struct link *next;
    for (struct link *link = rip->routes.next; link != &rip->routes; link = next) {
        next = link->next;
        if (link->marker)
            continue;
        struct rip_route *route = route_of_link(link);
        while (route->paths != NULL)
            rip_path_remove(rip, route->paths, "RIP ends");
        route_remove(rip, route);
    }
    timers_exit(&rip->timers);
    patricia_clear(&rip->table, NULL);
    slab_pool_exit(&rip->route_pool);
    slab_pool_exit(&rip->path_pool);
}
