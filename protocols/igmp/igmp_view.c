/* Looking at IGMP. Walks keep no pointer between two steps. */
#include "protocols/igmp/igmp_internal.h"

static uint64_t left(uint64_t until_ns, struct now now)
{
    return until_ns > now.ns ? until_ns - now.ns : 0;
}

/* ---- groups ---- */

static bool is_asked(const struct igmp_group *group, struct now now)
{
    uint64_t soon = now.ns + igmp_last_member_time(group->interface);
    if (group->exclude && group->until_ns <= soon)
        return true;
    for (unsigned j = 0; j < group->n_sources; j++)
        if (group->sources[j].until_ns != 0 && group->sources[j].until_ns <= soon)
            return true;
    return false;
}

/* Static sources that no host has named. */
static unsigned only_static(const struct igmp_group *group)
{
    unsigned n = 0;
    for (unsigned j = 0; j < group->n_statics; j++)
        n += group->statics[j].source != 0 && igmp_source_find(group, group->statics[j].source) == NULL;
    return n;
}

static void view_group(const struct igmp_group *group, struct igmp_group_view *view, struct now now)
{
    bool is_static = igmp_group_has_static(group, 0);
    *view = (struct igmp_group_view){
        .group = group->addr,
        .port = group->interface->port,
        .exclude = group->exclude || is_static,
        .is_static = is_static,
        .version = igmp_group_version(group, now),
        .since_ns = group->since_ns,
        .left_ns = group->exclude ? left(group->until_ns, now) : NEVER_NS,
        .v1_left_ns = left(group->v1_until_ns, now),
        .v2_left_ns = left(group->v2_until_ns, now),
        .last_reporter = group->last_reporter,
        .hosts = group->n_tracked,
        .tracked = group->counted && igmp_track_is_complete(group, now),
        .leaving = is_asked(group, now),
        .n_sources = group->n_sources + only_static(group),
    };
}

static const struct igmp_group *next_group(const struct igmp_interface *i, uint32_t from)
{
    struct patricia_cursor cursor = {.at = {.addr = from - 1, .len = 32}, .started = from > 0};
    struct prefix prefix;
    void *value;
    return patricia_next(&i->groups, &cursor, &prefix, &value) ? value : NULL;
}

bool igmp_next_group(const struct igmp *igmp, struct igmp_group_cursor *cursor, struct igmp_group_view *view,
                     struct now now)
{
    uint32_t from = cursor->started ? cursor->group + 1 : 0;
    for (; cursor->port < igmp->n_interfaces; cursor->port++, from = 0) {
        const struct igmp_interface *i = igmp->interfaces[cursor->port];
        const struct igmp_group *group = i != NULL ? next_group(i, from) : NULL;
        if (group == NULL)
            continue;
        cursor->started = true;
        cursor->group = group->addr;
        view_group(group, view, now);
        return true;
    }
    return false;
}

static const struct igmp_group *find_group(const struct igmp *igmp, unsigned port, uint32_t addr)
{
    const struct igmp_interface *i = igmp_interface_find(igmp, port);
    return i != NULL ? igmp_group_find(i, addr) : NULL;
}

bool igmp_find_group(const struct igmp *igmp, unsigned port, uint32_t addr, struct igmp_group_view *view,
                     struct now now)
{
    const struct igmp_group *group = find_group(igmp, port, addr);
    if (group != NULL)
        view_group(group, view, now);
    return group != NULL;
}

/* ---- sources and hosts ---- */

static uint32_t first_static(const struct igmp_group *group, uint32_t from)
{
    for (unsigned j = 0; j < group->n_statics; j++)
        if (group->statics[j].source != 0 && group->statics[j].source >= from)
            return group->statics[j].source;
    return 0;
}

static uint32_t first_learned(const struct igmp_group *group, uint32_t from)
{
    unsigned a = 0, b = group->n_sources;
    while (a < b) {
        unsigned middle = (a + b) / 2;
        if (group->sources[middle].addr < from)
            a = middle + 1;
        else
            b = middle;
    }
    return a < group->n_sources ? group->sources[a].addr : 0;
}

bool igmp_next_source(const struct igmp *igmp, unsigned port, uint32_t addr, uint32_t *source,
                      struct igmp_source_view *view, struct now now)
{
    const struct igmp_group *group = find_group(igmp, port, addr);
    if (group == NULL)
        return false;
    uint32_t fixed = first_static(group, *source), learned = first_learned(group, *source);
    uint32_t next = fixed != 0 && (learned == 0 || fixed < learned) ? fixed : learned;
    if (next == 0)
        return false;
    const struct igmp_source *s = igmp_source_find(group, next);
    *source = next + 1;
    *view = (struct igmp_source_view){
        .source = next,
        .forwarded = igmp_group_wants(group, next),
        .is_static = fixed == next,
        .learned = s != NULL,
        .left_ns = s != NULL ? left(s->until_ns, now) : NEVER_NS,
    };
    return true;
}

bool igmp_next_host(const struct igmp *igmp, unsigned port, uint32_t addr, uint32_t *host, struct igmp_host_view *view,
                    struct now now)
{
    const struct igmp_group *group = find_group(igmp, port, addr);
    const struct igmp_tracked *next = NULL;
    for (const struct igmp_tracked *t = group != NULL ? group->tracked : NULL; t != NULL; t = t->next)
        if (t->addr >= *host && (next == NULL || t->addr < next->addr))
            next = t;
    if (next == NULL)
        return false;
    *host = next->addr + 1;
    *view = (struct igmp_host_view){
        .host = next->addr,
        .exclude = next->exclude,
        .n_sources = next->n_sources,
        .sources = next->sources,
        .left_ns = left(next->until_ns, now),
    };
    return true;
}

/* ---- members ---- */

bool igmp_next_member(const struct igmp *igmp, unsigned port, uint32_t *group, struct igmp_member_view *view)
{
    const struct igmp_interface *i = igmp_interface_find(igmp, port);
    if (i == NULL)
        return false;
    struct patricia_cursor cursor = {.at = {.addr = *group - 1, .len = 32}, .started = *group > 0};
    struct prefix prefix;
    void *value;
    while (patricia_next(&i->host.members, &cursor, &prefix, &value)) {
        const struct igmp_member *member = value;
        if (!igmp_member_is_wanted(member))
            continue;
        *group = member->group + 1;
        *view = (struct igmp_member_view){.group = member->group,
                                          .exclude = member->exclude,
                                          .n_sources = member->n_sources,
                                          .sources = member->sources};
        return true;
    }
    return false;
}

/* ---- interfaces ---- */

static void view_interface(const struct igmp_interface *i, struct igmp_interface_view *view, struct now now)
{
    *view = (struct igmp_interface_view){
        .port = i->port,
        .up = i->up,
        .upstream = i->upstream,
        .querier = i->up && i->querier,
        .address = i->up ? i->addresses[0].addr : 0,
        .querier_addr = i->querier_addr,
        .querier_since_ns = i->querier_since_ns,
        .version = i->upstream ? igmp_host_version(i, now) : igmp_querier_version(i, now),
        .robustness = i->robustness,
        .query_interval_ns = i->query_interval_ns,
        .response_interval_ns = i->response_interval_ns,
        .last_member_interval_ns = igmp_last_member_interval(i),
        .membership_interval_ns = igmp_membership_interval(i),
        .next_query_ns = i->querier && timer_is_set(&i->timer) ? i->timer.due_ns : NEVER_NS,
        .other_left_ns = left(i->other_until_ns, now),
        .startup_left = i->startup_left,
        .settings = i->settings,
        .groups = (unsigned)i->groups.count,
        .sources = i->n_sources,
        .tracked = i->n_tracked,
        .members = (unsigned)i->host.members.count,
        .counters = i->counters,
    };
}

bool igmp_find_interface(const struct igmp *igmp, unsigned port, struct igmp_interface_view *view, struct now now)
{
    const struct igmp_interface *i = igmp_interface_find(igmp, port);
    if (i != NULL)
        view_interface(i, view, now);
    return i != NULL;
}

bool igmp_next_interface(const struct igmp *igmp, unsigned *port, struct igmp_interface_view *view, struct now now)
{
    for (; *port < igmp->n_interfaces; (*port)++)
        if (igmp_find_interface(igmp, *port, view, now)) {
            (*port)++;
            return true;
        }
    return false;
}

struct igmp_status igmp_status(const struct igmp *igmp)
{
    struct igmp_status status = {
        .settings = igmp->settings, .stopping = igmp->stopping, .no_interface = igmp->no_interface};
    for (unsigned j = 0; j < igmp->n_interfaces; j++) {
        const struct igmp_interface *i = igmp->interfaces[j];
        if (i == NULL)
            continue;
        status.interfaces++;
        status.interfaces_up += i->up;
        status.groups += i->groups.count;
        status.sources += i->n_sources;
        status.tracked += i->n_tracked;
    }
    for (unsigned j = 0; j < IGMP_REJECT__COUNT; j++)
        status.rejects[j] = igmp->rejects[j];
    return status;
}
