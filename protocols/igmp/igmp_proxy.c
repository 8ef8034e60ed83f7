/* What the upstream interface of a proxy reports: the subscriptions of all others, merged (RFC 4605 4.1). */
#include <string.h>

#include "protocols/igmp/igmp_internal.h"

#define REVIEW_SLICE    500
#define SOURCES_OF_COST 16

static struct igmp_interface *upstream_of(const struct igmp *igmp)
{
    struct igmp_interface *i = igmp_interface_find(igmp, igmp->settings->upstream);
    return i != NULL && i->up && i->upstream && !igmp->stopping ? i : NULL;
}

void igmp_proxy_touch(struct igmp *igmp, uint32_t group)
{
    struct igmp_interface *upstream = upstream_of(igmp);
    if (upstream == NULL || igmp_is_link_local(group))
        return;
    struct igmp_member *member = igmp_member_get(upstream, group);
    if (member == NULL || member->dirty)
        return;
    member->dirty = true;
    member->next_dirty = igmp->dirty;
    igmp->dirty = member;
}

void igmp_proxy_review(struct igmp *igmp)
{
    igmp->reviewing = upstream_of(igmp) != NULL;
    igmp->review_groups = false;
    igmp->review_at = IGMP_GROUP_START;
}

/* ---- sets: in order, at most IGMP_SOURCES_MAX; what is beyond is left out ---- */

struct set {
    uint32_t *of;
    unsigned n;
};

static unsigned set_place(const struct set *set, uint32_t source)
{
    unsigned from = 0, to = set->n;
    while (from < to) {
        unsigned middle = (from + to) / 2;
        if (set->of[middle] < source)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool set_has(const struct set *set, uint32_t source)
{
    unsigned at = set_place(set, source);
    return at < set->n && set->of[at] == source;
}

static void set_add(struct set *set, uint32_t source)
{
    unsigned at = set_place(set, source);
    if ((at < set->n && set->of[at] == source) || set->n == IGMP_SOURCES_MAX)
        return;
    memmove(set->of + at + 1, set->of + at, (set->n - at) * sizeof *set->of);
    set->of[at] = source;
    set->n++;
}

/* Keeps those that are in OTHER, or those that are not. */
static void set_keep(struct set *set, const struct set *other, bool in)
{
    unsigned kept = 0;
    for (unsigned j = 0; j < set->n; j++)
        if (set_has(other, set->of[j]) == in)
            set->of[kept++] = set->of[j];
    set->n = kept;
}

/* ---- merging ---- */

struct merge {
    bool exclude;
    struct set included, excluded, blocked; /* BLOCKED: of one interface */
};

static void add_group(struct merge *m, const struct igmp_group *group)
{
    bool all = igmp_group_has_static(group, 0), exclude = all || group->exclude;
    m->blocked.n = 0;
    for (unsigned j = 0; j < group->n_sources; j++) {
        const struct igmp_source *s = &group->sources[j];
        if (!exclude)
            set_add(&m->included, s->addr);
        else if (!all && s->until_ns == 0)
            m->blocked.of[m->blocked.n++] = s->addr; /* in order already */
    }
    for (unsigned j = 0; j < group->n_statics; j++)
        if (group->statics[j].source != 0)
            set_add(&m->included, group->statics[j].source);
    if (!exclude)
        return;
    if (m->exclude) {
        set_keep(&m->excluded, &m->blocked, true);
    } else {
        m->excluded.n = m->blocked.n;
        for (unsigned j = 0; j < m->blocked.n; j++)
            m->excluded.of[j] = m->blocked.of[j];
    }
    m->exclude = true;
}

/* Returns about what it cost, in merges of groups without sources. */
static unsigned merge(struct igmp *igmp, struct igmp_interface *upstream, const struct igmp_member *member,
                      struct now now)
{
    unsigned cost = 1;
    struct merge m = {.exclude = member->joined,
                      .included.of = igmp->merged[0],
                      .excluded.of = igmp->merged[1],
                      .blocked.of = igmp->merged[2]};
    for (unsigned i = 0; i < igmp->n_interfaces; i++) {
        const struct igmp_interface *other = igmp->interfaces[i];
        const struct igmp_group *group =
            other != NULL && other->up && !other->upstream ? igmp_group_find(other, member->group) : NULL;
        if (group == NULL)
            continue;
        add_group(&m, group);
        cost += group->n_sources / SOURCES_OF_COST;
    }
    if (m.exclude)
        set_keep(&m.excluded, &m.included, false);
    const struct set *set = m.exclude ? &m.excluded : &m.included;
    igmp_host_set(upstream, member->group, m.exclude, set->of, set->n, now);
    return cost;
}

/* ---- slices ---- */

static bool review_members(struct igmp *igmp, struct igmp_interface *upstream)
{
    struct patricia_cursor cursor = {.at = {.addr = igmp->review_at.group, .len = 32},
                                     .started = igmp->review_at.started};
    struct prefix prefix;
    void *value;
    for (unsigned most = REVIEW_SLICE; most > 0; most--) {
        if (!patricia_next(&upstream->host.members, &cursor, &prefix, &value))
            return false;
        igmp_proxy_touch(igmp, prefix.addr);
        igmp->review_at.group = prefix.addr;
        igmp->review_at.started = true;
    }
    return true;
}

static bool review_groups(struct igmp *igmp, struct now now)
{
    struct igmp_group_view view;
    for (unsigned most = REVIEW_SLICE; most > 0; most--) {
        if (!igmp_next_group(igmp, &igmp->review_at, &view, now))
            return false;
        igmp_proxy_touch(igmp, view.group);
    }
    return true;
}

static void review(struct igmp *igmp, struct igmp_interface *upstream, struct now now)
{
    if (!igmp->review_groups) {
        if (review_members(igmp, upstream))
            return;
        igmp->review_groups = true;
        igmp->review_at = IGMP_GROUP_START;
        return;
    }
    igmp->reviewing = review_groups(igmp, now);
}

bool igmp_proxy_run(struct igmp *igmp, unsigned most, struct now now)
{
    struct igmp_interface *upstream = upstream_of(igmp);
    if (upstream == NULL) {
        igmp->reviewing = false;
        return false;
    }
    if (igmp->reviewing)
        review(igmp, upstream, now);
    for (unsigned done = 0; igmp->dirty != NULL && done < most;) {
        struct igmp_member *member = igmp->dirty;
        igmp->dirty = member->next_dirty;
        member->dirty = false;
        done += merge(igmp, upstream, member, now);
    }
    return igmp->reviewing || igmp->dirty != NULL;
}
