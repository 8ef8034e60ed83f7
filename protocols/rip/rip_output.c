/* What goes out.
 *
 * An outlet is one version on one interface. It has at most one job: a full update, a triggered one, or a goodbye. A
 * job walks the list of routes with a marker, a slice at a time, and ends where routes begin that changed after it
 * began: these are the next triggered update's. After each burst of messages it waits some milliseconds, so that a
 * neighbour's socket can hold what comes: FRR's holds some 60 messages, and its daemon takes 50 to 200 us for each.
 *
 * What a route looks like on an outlet is decided in one place, metric_out. Each route knows on which outlets it was
 * last sent as reachable; if it may not be sent there any more, for whatever reason, it is sent once as unreachable. */
#include <stdlib.h>
#include <string.h>

#include "protocols/rip/rip_internal.h"

#define SLICE_ROUTES   1000
#define BURST_MESSAGES 32
#define BURST_GAP_NS   (8 * NS_PER_MS)

#define SUMMARIES_MAX 4096 /* of one interface */

/* ---- messages ---- */

/* To whom, and why: one counter for each occasion. */
struct target {
    uint32_t src, dst;
    uint16_t dst_port;
    enum rip_command command;
    uint64_t *counter;
};

static bool is_on_subnet(const struct rip_interface *interface, uint32_t src, uint32_t addr)
{
    const struct prefix *subnet = rip_interface_subnet_of(interface, addr);
    return subnet != NULL && prefix_holds(*subnet, src) && !rip_interface_is_own(interface, addr);
}

/* A message with one to 25 ENTRIES, in two if authentication takes the place of one. */
static void send_message(struct rip *rip, struct outlet *outlet, const struct target *target,
                         const struct rip_entry *entries, unsigned n, struct now now)
{
    struct rip_interface *interface = outlet->interface;
    const struct rip_auth *auth = &interface->settings->auth;
    bool signs = outlet->version > 1 && rip_auth_is_on(auth);
    struct rip_message m;
    rip_interface_watch_keys(rip, interface, now);
    for (unsigned i = 0; i < n;) {
        unsigned first = i;
        rip_message_begin(&m, target->command, outlet->version, signs);
        for (; i < n && m.left > 0; i++) {
            struct rip_entry entry = entries[i];
            if (!is_on_subnet(interface, target->src, entry.next_hop))
                entry.next_hop = 0;
            rip_message_add(&m, &entry);
            interface->counters.out_routes += target->command == RIP_RESPONSE;
        }
        bool ready = !signs || rip_auth_sign(auth, &interface->sent, m.bytes, &m.len, sizeof m.bytes, now);
        bool sent = ready && rip->hooks.send(rip->hooks.context, interface->port, target->src, target->dst,
                                             target->dst_port, m.bytes, m.len, now);
        ++*(sent ? target->counter : &interface->counters.out_failed);
        rip_debug_message(rip, interface, sent ? "sent" : "could not send", target->dst,
                          &(struct rip_told){m.bytes, m.len, i - first, ready});
    }
}

/* Where version 1, and version 2 if it is told so, go: RFC 2453 5.1. */
static uint32_t group_of(const struct outlet *outlet, struct prefix address)
{
    if (outlet->version > 1 && !outlet->interface->settings->broadcast)
        return RIP_GROUP;
    return prefix_has_broadcast(address) ? prefix_broadcast(address) : UINT32_MAX;
}

/* The first of the addresses of its subnet: the same is not said twice on one. */
static bool leads_subnet(const struct rip_interface *interface, unsigned at)
{
    for (unsigned i = 0; i < at; i++)
        if (interface->addresses[i].len == interface->addresses[at].len &&
            prefix_holds(interface->addresses[i], interface->addresses[at].addr))
            return false;
    return interface->addresses[at].len < 32;
}

bool rip_outlet_has_targets(const struct rip *rip, const struct rip_interface *interface, bool group)
{
    for (unsigned i = 0; group && i < interface->n_addresses; i++)
        if (leads_subnet(interface, i))
            return true;
    for (unsigned i = 0; i < rip->settings->n_neighbors; i++)
        if (rip_interface_subnet_of(interface, rip->settings->neighbors[i]) != NULL)
            return true;
    return false;
}

static void send_to_all(struct rip *rip, struct outlet *outlet, enum rip_command command, uint64_t *counter,
                        const struct rip_entry *entries, unsigned n, struct now now)
{
    const struct rip_interface *interface = outlet->interface;
    struct target target = {.dst_port = RIP_PORT, .command = command, .counter = counter};
    bool leaves = outlet->job == JOB_GOODBYE, only_group = leaves && outlet->goodbye_group;
    bool group = leaves ? outlet->to_group : !interface->settings->passive;
    outlet->to_group = group;
    for (unsigned i = 0; group && i < interface->n_addresses; i++) {
        target.src = interface->addresses[i].addr;
        target.dst = group_of(outlet, interface->addresses[i]);
        if (leads_subnet(interface, i))
            send_message(rip, outlet, &target, entries, n, now);
    }
    for (unsigned i = 0; !only_group && i < rip->settings->n_neighbors; i++) {
        target.dst = rip->settings->neighbors[i];
        const struct prefix *subnet = rip_interface_subnet_of(interface, target.dst);
        target.src = subnet != NULL ? subnet->addr : 0;
        if (subnet != NULL && !rip_interface_is_own(interface, target.dst))
            send_message(rip, outlet, &target, entries, n, now);
    }
}

/* ---- what a route looks like ---- */

static bool was_told(const struct rip_route *route, const struct outlet *outlet)
{
    return (route->told[outlet->slot / 64] >> outlet->slot % 64 & 1) != 0;
}

static void set_told(struct rip_route *route, const struct outlet *outlet, bool told)
{
    uint64_t bit = UINT64_C(1) << outlet->slot % 64;
    if (told)
        route->told[outlet->slot / 64] |= bit;
    else
        route->told[outlet->slot / 64] &= ~bit;
}

/* Version 1 may hear it. */
static bool is_classful(const struct outlet *outlet)
{
    return outlet->version == 1 || outlet->interface->settings->broadcast;
}

/* The address of the interface that is of the classful network of PREFIX, or NULL. */
static const struct prefix *address_of_network(const struct rip_interface *interface, struct prefix network)
{
    for (unsigned i = 0; i < interface->n_addresses; i++)
        if (prefix_holds(network, interface->addresses[i].addr))
            return &interface->addresses[i];
    return NULL;
}

/* The rules of RFC 2453 3.7 and 4.3: what would be misread by version 1 is not said. */
static bool is_understood(const struct outlet *outlet, struct prefix prefix)
{
    if (prefix.len == 0 || !is_classful(outlet))
        return true;
    struct prefix network = rip_classful(prefix.addr);
    const struct prefix *address = address_of_network(outlet->interface, network);
    if (address != NULL && outlet->version == 1 && rip_guess_len(prefix.addr, *address) != prefix.len)
        return false; /* subnet 0 is taken for the network, a host without host bits for its subnet */
    if (address != NULL && address->len > network.len)
        return prefix.len == address->len || prefix.len == 32;
    return prefix.len == network.len;
}

/* Whether something shorter is said in place of PREFIX. */
static bool find_summary(const struct outlet *outlet, struct prefix prefix, struct prefix *summary)
{
    const struct rip_interface *interface = outlet->interface;
    const struct rip_interface_settings *s = interface->settings;
    for (unsigned i = 0; i < s->n_summaries; i++)
        if (prefix.len >= s->summaries[i].len && prefix_holds(s->summaries[i], prefix.addr)) {
            *summary = s->summaries[i];
            return true;
        }
    *summary = rip_classful(prefix.addr);
    if (!(s->auto_summary || is_classful(outlet)) || prefix.len < summary->len ||
        address_of_network(interface, *summary) != NULL)
        return false;
    return prefix.len > summary->len || patricia_find(outlet->summaries, *summary) != NULL;
}

/* Does the way to ROUTE lead through INTERFACE? Of equal-cost paths, any. */
static bool leads_through(const struct rip_route *route, const struct rip_interface *interface)
{
    if (route->kind == RIP_INTERFACE)
        return route->interface == interface->port;
    if (route->kind != RIP_LEARNED)
        return false;
    for (const struct path *path = route->paths; path != NULL && path->used; path = path->next)
        if (path->neighbour->interface == interface)
            return true;
    return false;
}

/* The metric with which ROUTE is sent, summaries aside: 16 if as unreachable, 0 if not at all. */
static unsigned metric_out(const struct outlet *outlet, const struct rip_route *route)
{
    const struct rip_interface_settings *s = outlet->interface->settings;
    if (!is_understood(outlet, route->prefix) || !rip_policy_permits(s->list_out, route->prefix))
        return 0;
    if (s->split_horizon != RIP_SPLIT_OFF && leads_through(route, outlet->interface))
        return s->split_horizon == RIP_SPLIT_POISONED && route->kind == RIP_LEARNED ? RIP_INFINITY : 0;
    unsigned metric =
        route->metric + s->metric_out + rip_policy_offset(s->offsets_out, s->n_offsets_out, route->prefix);
    return metric < RIP_INFINITY ? metric : RIP_INFINITY;
}

/* The gateway that neighbours could use themselves; whether it is on their subnet is looked at for each message. What
 * was learned where it is sent to is only sent without split horizon. Unreachable routes have theirs too: some
 * neighbours look for what they have by its next hop. */
static uint32_t next_hop(const struct outlet *outlet, const struct rip_route *route)
{
    bool hidden = route->next_hop_is_learned && outlet->interface->settings->split_horizon != RIP_SPLIT_OFF;
    return hidden ? 0 : route->next_hop;
}

static struct rip_entry entry_of(struct prefix prefix, unsigned metric, uint16_t tag, uint32_t gateway)
{
    return (struct rip_entry){
        .family = RIP_FAMILY_IP,
        .tag = tag,
        .addr = prefix.addr,
        .mask = prefix_mask(prefix.len),
        .next_hop = gateway,
        .metric = metric,
    };
}

/* ---- summaries ---- */

/* The least metric of what SUMMARY holds; 16 if nothing. Adds to *looked how many routes that took. */
static unsigned summary_metric(const struct rip *rip, const struct outlet *outlet, struct prefix summary,
                               unsigned *looked)
{
    unsigned least = RIP_INFINITY;
    struct patricia_cursor cursor = {.at = summary, .started = true};
    struct prefix prefix = summary;
    void *value = patricia_find(&rip->table, summary);
    do {
        const struct rip_route *route = value;
        ++*looked;
        if (route == NULL)
            continue;
        const struct rip_interface_settings *s = outlet->interface->settings;
        bool there = route->metric < RIP_INFINITY && rip_policy_permits(s->list_out, prefix) &&
                     (s->split_horizon == RIP_SPLIT_OFF || !leads_through(route, outlet->interface));
        unsigned metric = route->metric + s->metric_out + rip_policy_offset(s->offsets_out, s->n_offsets_out, prefix);
        if (there && metric < least)
            least = metric;
    } while (patricia_next(&rip->table, &cursor, &prefix, &value) && prefix_holds(summary, prefix.addr));
    return least;
}

static void summary_came_by(struct outlet *outlet, struct prefix prefix)
{
    struct rip_interface *interface = outlet->interface;
    unsigned version = outlet->version - 1u;
    struct summary *summary = patricia_find(&interface->summaries, prefix);
    if (summary == NULL) {
        summary = interface->summaries.count < SUMMARIES_MAX ? calloc(1, sizeof *summary) : NULL;
        if (summary == NULL)
            return;
        summary->prefix = prefix;
        if (!patricia_set(&interface->summaries, prefix, summary, NULL)) {
            free(summary);
            return;
        }
    }
    if (summary->due[version])
        return;
    summary->due[version] = true;
    summary->next_due[version] = outlet->due;
    outlet->due = summary;
}

/* ---- jobs ---- */

static uint64_t *occasion(struct outlet *outlet)
{
    struct rip_interface_counters *c = &outlet->interface->counters;
    return outlet->job == JOB_TRIGGERED ? &c->out_triggered : &c->out_updates;
}

static void flush(struct rip *rip, struct outlet *outlet, struct now now)
{
    if (outlet->n_entries == 0)
        return;
    send_to_all(rip, outlet, RIP_RESPONSE, occasion(outlet), outlet->entries, outlet->n_entries, now);
    outlet->n_entries = 0;
    outlet->sent = true;
}

/* As many as fit in one message. */
static unsigned entries_max(const struct outlet *outlet)
{
    bool signs = outlet->version > 1 && rip_auth_is_on(&outlet->interface->settings->auth);
    return signs ? RIP_ENTRIES_MAX - 1 : RIP_ENTRIES_MAX;
}

/* True if that made a message. */
static bool collect(struct rip *rip, struct outlet *outlet, struct rip_entry entry, struct now now)
{
    outlet->entries[outlet->n_entries++] = entry;
    if (outlet->n_entries < entries_max(outlet))
        return false;
    flush(rip, outlet, now);
    return true;
}

/* True if it made a message. */
static bool tell_route(struct rip *rip, struct outlet *outlet, struct rip_route *route, struct now now)
{
    struct prefix summary;
    bool summarized = find_summary(outlet, route->prefix, &summary);
    unsigned metric = summarized ? 0 : metric_out(outlet, route);
    bool told = was_told(route, outlet);
    if (summarized && outlet->job != JOB_GOODBYE)
        summary_came_by(outlet, summary);
    bool is_new = route->changed > outlet->until; /* what changed since the goodbye began, and was not part of it */
    if (outlet->job == JOB_GOODBYE && (told || (metric > 0 && !is_new && !outlet->goodbye_group)))
        metric = RIP_INFINITY;
    else if (outlet->job == JOB_GOODBYE || (metric == 0 && !told))
        return false;
    else if (metric == 0)
        metric = RIP_INFINITY; /* it may not be sent any more: once */
    if (outlet->job == JOB_TRIGGERED && metric == RIP_INFINITY && !told)
        return false; /* RFC 2453 3.10.1: it looks as before */
    if (!(outlet->job == JOB_GOODBYE && outlet->goodbye_group))
        set_told(route, outlet, metric < RIP_INFINITY);
    return collect(rip, outlet, entry_of(route->prefix, metric, route->tag, next_hop(outlet, route)), now);
}

/* The next of those that came by. True if it made a message. */
static bool tell_summary(struct rip *rip, struct outlet *outlet, unsigned *looked, struct now now)
{
    unsigned version = outlet->version - 1u;
    struct summary *summary = outlet->due;
    outlet->due = summary->next_due[version];
    summary->due[version] = false;
    summary->fresh[version] = outlet->job == JOB_FULL;
    unsigned metric = summary_metric(rip, outlet, summary->prefix, looked), told = summary->told[version];
    bool changed = metric < RIP_INFINITY ? metric != told : told != 0;
    if (!changed && (metric == RIP_INFINITY || outlet->job != JOB_FULL))
        return false;
    summary->told[version] = metric < RIP_INFINITY ? (uint8_t)metric : 0;
    return collect(rip, outlet, entry_of(summary->prefix, metric, 0, 0), now);
}

/* A full update and a goodbye poison those that nothing is part of any more. */
static void leave_summaries(struct rip *rip, struct outlet *outlet, struct now now)
{
    unsigned version = outlet->version - 1u;
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    while (outlet->job != JOB_TRIGGERED && patricia_next(&outlet->interface->summaries, &cursor, &prefix, &value)) {
        struct summary *summary = value;
        bool fresh = summary->fresh[version];
        summary->fresh[version] = false;
        if ((fresh && outlet->job == JOB_FULL) || summary->told[version] == 0)
            continue;
        summary->told[version] = 0;
        collect(rip, outlet, entry_of(prefix, RIP_INFINITY, 0, 0), now);
    }
}

/* Of a job that is broken off: withdrawals that were collected and not sent are still owed. */
static void drop_collected(struct rip *rip, struct outlet *outlet)
{
    for (unsigned i = 0; i < outlet->n_entries; i++) {
        const struct rip_entry *entry = &outlet->entries[i];
        struct prefix prefix = {.addr = entry->addr, .len = (uint8_t)__builtin_popcount(entry->mask)};
        struct rip_route *route = entry->metric == RIP_INFINITY ? rip_route_find(rip, prefix) : NULL;
        if (route != NULL)
            set_told(route, outlet, true);
    }
    outlet->n_entries = 0;
}

static void begin(struct rip *rip, struct outlet *outlet, enum job job)
{
    static const char *const names[] = {NULL, "regular update", "triggered update", "goodbye"};
    if (job != JOB_NONE)
        rip_debug_if(rip, RIP_DEBUG_EVENTS, outlet->interface->port, 0, "%s of version %u begins", names[job],
                     outlet->version);
    rip_link_remove(&outlet->at);
    while (outlet->due != NULL) {
        struct summary *summary = outlet->due;
        outlet->due = summary->next_due[outlet->version - 1];
        summary->due[outlet->version - 1] = false;
    }
    outlet->job = job;
    outlet->sent = false;
    drop_collected(rip, outlet);
    outlet->until = rip->changes;
    outlet->resume_ns = 0;
    rip_link_insert_before(&outlet->at, job == JOB_TRIGGERED ? outlet->told_to.next : rip->routes.next);
}

/* A random interval of 1 to 5 seconds, RFC 2453 3.10.1. */
static uint64_t damper_ns(struct rip *rip)
{
    return NS_PER_S + rip_random(rip) % (4 * NS_PER_S);
}

static void finish(struct rip *rip, struct outlet *outlet, struct now now)
{
    leave_summaries(rip, outlet, now);
    flush(rip, outlet, now);
    enum job job = outlet->job;
    if (job == JOB_GOODBYE && !outlet->goodbye_group) {
        rip_outlet_close(rip, outlet);
        return;
    }
    outlet->to_group &= job != JOB_GOODBYE;
    if (job != JOB_GOODBYE) {
        rip_link_remove(&outlet->told_to);
        rip_link_insert_before(&outlet->told_to, outlet->at.next);
        outlet->told_until = outlet->until;
    }
    if (job == JOB_TRIGGERED && outlet->sent) {
        outlet->damped_ns = now.ns + damper_ns(rip);
        rip_debug_if(rip, RIP_DEBUG_EVENTS, outlet->interface->port, 0,
                     "triggered update of version %u ends, the next in %.1f s at the earliest", outlet->version,
                     (double)(outlet->damped_ns - now.ns) / NS_PER_S);
    }
    rip_link_remove(&outlet->at);
    outlet->job = JOB_NONE;
}

static void go_on(struct rip *rip, struct outlet *outlet, struct now now)
{
    unsigned messages = 0;
    struct link *at = &outlet->at;
    /* Nobody comes after a goodbye: what changes meanwhile is withdrawn by it, too. */
    uint64_t until = outlet->job == JOB_GOODBYE ? UINT64_MAX : outlet->until;
    for (unsigned looked = 0; looked < SLICE_ROUTES && messages < BURST_MESSAGES; looked++) {
        struct rip_route *route = rip_route_after(rip, at, until);
        if (route != NULL) {
            at = &route->link;
            messages += tell_route(rip, outlet, route, now);
        } else if (outlet->due != NULL) {
            messages += tell_summary(rip, outlet, &looked, now);
        } else {
            rip_marker_move(&outlet->at, at);
            finish(rip, outlet, now);
            return;
        }
    }
    rip_marker_move(&outlet->at, at);
    bool pause = messages == BURST_MESSAGES && !outlet->interface->hurried;
    outlet->resume_ns = now.ns + (pause ? BURST_GAP_NS : 0);
}

/* The next regular update: RFC 2453 3.8, and 15 % either way so that routers do not fall into step. */
static uint64_t update_after(struct rip *rip, struct now now)
{
    uint64_t period = rip->settings->update_s * NS_PER_S;
    return now.ns + period / 100 * 85 + rip_random(rip) % (period / 100 * 30);
}

static uint64_t outlet_run(struct rip *rip, struct outlet *outlet, struct now now)
{
    if (outlet->job == JOB_NONE && now.ns >= outlet->update_ns) {
        begin(rip, outlet, JOB_FULL);
        outlet->update_ns = update_after(rip, now);
        rip_debug_if(rip, RIP_DEBUG_EVENTS, outlet->interface->port, 0,
                     "the next regular update of version %u in %.1f s", outlet->version,
                     (double)(outlet->update_ns - now.ns) / NS_PER_S);
    } else if (outlet->job == JOB_NONE && outlet->told_until < rip->changes && now.ns >= outlet->damped_ns) {
        begin(rip, outlet, JOB_TRIGGERED);
    }
    if (outlet->job != JOB_NONE && (now.ns >= outlet->resume_ns || outlet->interface->hurried))
        go_on(rip, outlet, now);
    if (!outlet->open)
        return NEVER_NS;
    if (outlet->job != JOB_NONE)
        return outlet->resume_ns;
    bool pending = outlet->told_until < rip->changes && outlet->damped_ns < outlet->update_ns;
    uint64_t damped = outlet->damped_ns > now.ns ? outlet->damped_ns : now.ns;
    return pending ? damped : outlet->update_ns;
}

/* ---- opening and closing ---- */

static bool take_slot(struct rip *rip, struct outlet *outlet)
{
    unsigned slot = 0;
    while (slot < RIP_OUTLETS_MAX && (rip->slots[slot / 64] >> slot % 64 & 1) != 0)
        slot++;
    if (slot == RIP_OUTLETS_MAX)
        return false;
    uint64_t bit = UINT64_C(1) << slot % 64;
    outlet->slot = (uint16_t)slot;
    rip->slots[slot / 64] |= bit;
    if ((rip->slots_used[slot / 64] & bit) != 0)
        for (struct link *link = rip->routes.next; link != &rip->routes; link = link->next)
            if (!link->marker)
                set_told(route_of_link(link), outlet, false);
    rip->slots_used[slot / 64] |= bit;
    return true;
}

void rip_outlet_open(struct rip *rip, struct outlet *outlet, struct now now)
{
    if (!outlet->open && !take_slot(rip, outlet)) {
        rip_log(rip, RIP_WARNING, outlet->interface->port, 0,
                "not sent to: RIP sends to at most %u interfaces (one that is sent both versions counts as two)",
                RIP_OUTLETS_MAX);
        return;
    }
    bool was_open = outlet->open;
    outlet->open = true;
    outlet->goodbye_group = false;
    outlet->job = JOB_NONE;
    rip_link_remove(&outlet->at);
    rip_link_remove(&outlet->told_to);
    rip_link_insert_before(&outlet->told_to, &rip->routes);
    outlet->told_until = rip->changes;
    outlet->damped_ns = 0;
    outlet->update_ns = now.ns;
    if (!was_open)
        rip_outlet_request(rip, outlet, now);
}

void rip_outlet_drop_replies(struct rip *rip, const struct outlet *outlet)
{
    for (unsigned i = 0; i < RIP_REPLIES_MAX; i++)
        if (rip->replies[i].outlet == outlet) {
            rip->replies[i].outlet = NULL;
            rip_link_remove(&rip->replies[i].at);
        }
}

void rip_outlet_close(struct rip *rip, struct outlet *outlet)
{
    rip_outlet_drop_replies(rip, outlet);
    begin(rip, outlet, JOB_NONE);
    rip_link_remove(&outlet->at);
    rip_link_remove(&outlet->told_to);
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    while (patricia_next(&outlet->interface->summaries, &cursor, &prefix, &value))
        ((struct summary *)value)->told[outlet->version - 1] = 0;
    rip_outlet_free_slot(rip, outlet);
    outlet->open = false;
    outlet->update_ns = NEVER_NS;
}

void rip_outlet_goodbye(struct rip *rip, struct outlet *outlet, bool only_group)
{
    if (outlet->job == JOB_GOODBYE && (only_group || !outlet->goodbye_group))
        return;
    begin(rip, outlet, JOB_GOODBYE);
    outlet->goodbye_group = only_group;
}

void rip_outlet_refresh(struct outlet *outlet, struct now now)
{
    outlet->update_ns = now.ns;
}

void rip_outlet_configured(struct rip *rip, struct outlet *outlet, const struct rip_settings *was, struct now now)
{
    if (!outlet->open)
        return;
    bool more = false;
    for (unsigned i = 0; i < rip->settings->n_neighbors; i++) {
        bool had = false;
        for (unsigned j = 0; j < was->n_neighbors; j++)
            had |= was->neighbors[j] == rip->settings->neighbors[i];
        more |= !had && rip_interface_subnet_of(outlet->interface, rip->settings->neighbors[i]) != NULL;
    }
    if (more) {
        rip_outlet_refresh(outlet, now);
        rip_outlet_request(rip, outlet, now);
    } else if (rip->settings->update_s != was->update_s && outlet->update_ns > now.ns) {
        outlet->update_ns = update_after(rip, now);
    }
}

void rip_outlet_leave_neighbor(struct rip *rip, struct rip_interface *interface, uint32_t addr, struct now now)
{
    const struct prefix *subnet = rip_interface_subnet_of(interface, addr);
    for (unsigned i = 0; subnet != NULL && interface->settings->passive && i < 2; i++) {
        struct outlet *outlet = &interface->outlets[i];
        struct rip_entry entries[RIP_ENTRIES_MAX];
        unsigned n = 0;
        for (struct link *link = rip->routes.next; outlet->open && link != &rip->routes; link = link->next) {
            const struct rip_route *route = route_of_link(link);
            if (link->marker || !was_told(route, outlet))
                continue;
            entries[n++] = entry_of(route->prefix, RIP_INFINITY, 0, next_hop(outlet, route));
            if (n == RIP_ENTRIES_MAX) {
                rip_outlet_answer(rip, outlet, addr, RIP_PORT, entries, n, now);
                n = 0;
            }
        }
        rip_outlet_answer(rip, outlet, addr, RIP_PORT, entries, n, now);
    }
}

/* ---- requests and replies ---- */

void rip_outlet_request(struct rip *rip, struct outlet *outlet, struct now now)
{
    struct rip_entry everything = {.metric = RIP_INFINITY};
    send_to_all(rip, outlet, RIP_REQUEST, &outlet->interface->counters.out_requests, &everything, 1, now);
}

enum rip_reject rip_outlet_reply(struct rip *rip, struct outlet *outlet, uint32_t dst, uint16_t dst_port)
{
    struct reply *reply = NULL;
    for (unsigned i = 0; i < RIP_REPLIES_MAX; i++) {
        struct reply *r = &rip->replies[i];
        if (r->outlet == outlet && r->dst == dst && r->dst_port == dst_port)
            return RIP_ACCEPT; /* it is being answered */
        if (r->outlet == NULL)
            reply = r;
    }
    if (reply == NULL)
        return RIP_REJECT_RATE;
    *reply = (struct reply){.outlet = outlet, .dst = dst, .dst_port = dst_port, .until = rip->changes};
    reply->at.marker = true;
    rip_link_insert_before(&reply->at, rip->routes.next);
    return RIP_ACCEPT;
}

void rip_outlet_answer(struct rip *rip, struct outlet *outlet, uint32_t dst, uint16_t dst_port,
                       const struct rip_entry *entries, unsigned n, struct now now)
{
    const struct prefix *subnet = rip_interface_subnet_of(outlet->interface, dst);
    struct target target = {
        .src = subnet != NULL ? subnet->addr : 0,
        .dst = dst,
        .dst_port = dst_port,
        .command = RIP_RESPONSE,
        .counter = &outlet->interface->counters.out_replies,
    };
    if (subnet != NULL && n > 0)
        send_message(rip, outlet, &target, entries, n, now);
}

/* What is left to be done in a slice: routes to look at, messages to send. */
struct slice {
    unsigned routes, messages;
};

static bool reply_with(struct rip *rip, struct reply *reply, struct rip_entry entry, struct now now)
{
    reply->entries[reply->n_entries++] = entry;
    if (reply->n_entries < entries_max(reply->outlet))
        return false;
    rip_outlet_answer(rip, reply->outlet, reply->dst, reply->dst_port, reply->entries, reply->n_entries, now);
    reply->n_entries = 0;
    return true;
}

static void finish_reply(struct rip *rip, struct reply *reply, struct now now)
{
    struct outlet *outlet = reply->outlet;
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    while (patricia_next(&outlet->interface->summaries, &cursor, &prefix, &value)) {
        unsigned metric = ((struct summary *)value)->told[outlet->version - 1];
        if (metric > 0)
            reply_with(rip, reply, entry_of(prefix, metric, 0, 0), now);
    }
    rip_outlet_answer(rip, outlet, reply->dst, reply->dst_port, reply->entries, reply->n_entries, now);
    rip_link_remove(&reply->at);
    reply->outlet = NULL;
}

/* As a regular update would be, if there are any: a passive interface has no summaries. A router that got it has been
 * told. */
static bool reply_route(struct rip *rip, struct reply *reply, struct rip_route *route, struct now now)
{
    struct prefix summary;
    bool summarized = reply->outlet->open && find_summary(reply->outlet, route->prefix, &summary);
    unsigned metric = summarized ? 0 : metric_out(reply->outlet, route);
    if (metric == 0)
        return false;
    if (metric < RIP_INFINITY && reply->dst_port == RIP_PORT)
        set_told(route, reply->outlet, true);
    return reply_with(rip, reply, entry_of(route->prefix, metric, route->tag, next_hop(reply->outlet, route)), now);
}

static void reply_run(struct rip *rip, struct reply *reply, struct slice *left, struct now now)
{
    for (; left->routes > 0 && left->messages > 0; left->routes--) {
        struct rip_route *route = rip_route_step(rip, &reply->at, reply->until);
        if (route == NULL) {
            finish_reply(rip, reply, now);
            left->messages--;
            return;
        }
        left->messages -= reply_route(rip, reply, route, now);
    }
}

/* However many ask, all of them together are sent one burst at a time, each in turn: a small request makes a long
 * answer, and who asks need not be a router. */
static uint64_t replies_run(struct rip *rip, struct now now)
{
    struct slice left = {.routes = SLICE_ROUTES, .messages = BURST_MESSAGES};
    for (unsigned i = 0; i < RIP_REPLIES_MAX && now.ns >= rip->replies_ns && left.routes > 0 && left.messages > 0;
         i++) {
        struct reply *reply = &rip->replies[rip->reply_turn];
        rip->reply_turn = (rip->reply_turn + 1) % RIP_REPLIES_MAX;
        if (reply->outlet != NULL)
            reply_run(rip, reply, &left, now);
    }
    if (left.messages < BURST_MESSAGES)
        rip->replies_ns = now.ns + BURST_GAP_NS;
    for (unsigned i = 0; i < RIP_REPLIES_MAX; i++)
        if (rip->replies[i].outlet != NULL)
            return rip->replies_ns > now.ns ? rip->replies_ns : now.ns;
    return NEVER_NS;
}

/* ---- what rip_triggered_walk.c needs ---- */

bool rip_outlet_take_slot(struct rip *rip, struct outlet *outlet)
{
    return take_slot(rip, outlet);
}

void rip_outlet_free_slot(struct rip *rip, const struct outlet *outlet)
{
    rip->slots[outlet->slot / 64] &= ~(UINT64_C(1) << outlet->slot % 64);
}

bool rip_outlet_was_told(const struct outlet *outlet, const struct rip_route *route)
{
    return was_told(route, outlet);
}

void rip_outlet_set_told(const struct outlet *outlet, struct rip_route *route, bool told)
{
    set_told(route, outlet, told);
}

unsigned rip_outlet_metric(const struct outlet *outlet, const struct rip_route *route, struct prefix *summary)
{
    return find_summary(outlet, route->prefix, summary) ? RIP_SUMMARIZED : metric_out(outlet, route);
}

unsigned rip_outlet_summary_metric(const struct rip *rip, const struct outlet *outlet, struct prefix summary,
                                   unsigned *looked)
{
    return summary_metric(rip, outlet, summary, looked);
}

/* ---- time ---- */

uint64_t rip_output_run(struct rip *rip, struct now now)
{
    uint64_t due = NEVER_NS, at;
    for (unsigned i = 0; i < rip->n_interfaces; i++) {
        struct rip_interface *interface = rip->interfaces[i];
        for (unsigned version = 0; interface != NULL && version < 2; version++) {
            if (!interface->outlets[version].open)
                continue;
            at = outlet_run(rip, &interface->outlets[version], now);
            due = at < due ? at : due;
        }
        if (interface != NULL)
            rip_interface_reap(rip, interface);
    }
    at = replies_run(rip, now);
    return at < due ? at : due;
}
