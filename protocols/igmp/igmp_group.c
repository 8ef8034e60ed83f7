/* Groups and their time: RFC 9776 6.2, 6.3, 6.5, 6.6.1. */
#include <stdlib.h>

#include "forwarding/bytes.h"
#include "protocols/igmp/igmp_internal.h"

static struct prefix key_of(uint32_t addr)
{
    return (struct prefix){.addr = addr, .len = 32};
}

struct igmp_group *igmp_group_find(const struct igmp_interface *interface, uint32_t addr)
{
    return patricia_find(&interface->groups, key_of(addr));
}

/* The first source that is not before ADDR. */
static unsigned source_place(const struct igmp_group *group, uint32_t addr)
{
    unsigned from = 0, to = group->n_sources;
    while (from < to) {
        unsigned middle = (from + to) / 2;
        if (group->sources[middle].addr < addr)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

struct igmp_source *igmp_source_find(const struct igmp_group *group, uint32_t addr)
{
    unsigned at = source_place(group, addr);
    return at < group->n_sources && group->sources[at].addr == addr ? &group->sources[at] : NULL;
}

bool igmp_group_has_static(const struct igmp_group *group, uint32_t source)
{
    for (unsigned i = 0; i < group->n_statics; i++)
        if (group->statics[i].source == 0 || group->statics[i].source == source)
            return true;
    return false;
}

bool igmp_group_wants(const struct igmp_group *group, uint32_t source)
{
    if (group->n_statics > 0 && igmp_group_has_static(group, source))
        return true;
    const struct igmp_source *found = igmp_source_find(group, source);
    return found != NULL ? found->until_ns != 0 : group->exclude; /* RFC 9776 table 7 */
}

uint8_t igmp_group_version(const struct igmp_group *group, struct now now)
{
    uint8_t spoken = igmp_querier_version(group->interface, now);
    uint8_t version = group->v1_until_ns > now.ns ? 1 : group->v2_until_ns > now.ns ? 2 : 3;
    return version < spoken ? version : spoken;
}

/* ---- beginning and end ---- */

static void fire(struct timer *timer, void *context, struct now now);

struct igmp_group *igmp_group_new(struct igmp_interface *i, uint32_t addr, struct now now)
{
    struct igmp_group *group = slab_alloc(&i->igmp->group_pool);
    if (group == NULL)
        return NULL;
    *group = (struct igmp_group){.interface = i, .addr = addr, .since_ns = now.ns, .timer.fire = fire};
    if (!timer_set(&i->igmp->timers, &group->timer, NEVER_NS - 1)) { /* to be moved only, which always succeeds */
        slab_free(group);
        return NULL;
    }
    if (!patricia_set(&i->groups, key_of(addr), group, NULL)) {
        timer_stop(&i->igmp->timers, &group->timer);
        slab_free(group);
        return NULL;
    }
    return group;
}

static void group_free(struct igmp_group *group)
{
    struct igmp_interface *i = group->interface;
    igmp_track_forget(group);
    i->n_sources -= group->n_sources;
    i->n_learned -= group->counted;
    free(group->sources);
    timer_stop(&i->igmp->timers, &group->timer);
    slab_free(group);
}

static void earlier(uint64_t *due_ns, uint64_t ns)
{
    if (ns < *due_ns)
        *due_ns = ns;
}

static uint64_t group_due(const struct igmp_group *group)
{
    uint64_t due = NEVER_NS - 1;
    if (group->exclude)
        earlier(&due, group->until_ns);
    if (group->left > 0)
        earlier(&due, group->ask_ns);
    for (unsigned j = 0; j < group->n_sources; j++) {
        if (group->sources[j].until_ns != 0)
            earlier(&due, group->sources[j].until_ns);
        if (group->sources[j].left > 0)
            earlier(&due, group->sources[j].ask_ns);
    }
    return due;
}

/* Learned for the first time, or nothing is left of what was. */
static void count_group(struct igmp_group *group, struct now now)
{
    struct igmp_interface *i = group->interface;
    bool learned = igmp_group_is_learned(group);
    if (learned == group->counted)
        return;
    group->counted = learned;
    if (learned) {
        i->n_learned++;
        i->counters.joins++;
        group->since_ns = now.ns;
        return;
    }
    i->n_learned--;
    i->counters.leaves++;
    group->left = 0;
    group->v1_until_ns = group->v2_until_ns = group->untracked_until_ns = 0;
    group->last_reporter = 0;
    igmp_track_forget(group);
}

void igmp_group_done(struct igmp_group *group, struct now now)
{
    struct igmp_interface *i = group->interface;
    struct igmp *igmp = i->igmp;
    uint32_t addr = group->addr;
    bool changed = group->changed;
    group->changed = false;
    count_group(group, now);
    if (!group->counted && group->n_statics == 0) {
        patricia_remove(&i->groups, key_of(addr));
        group_free(group);
    } else {
        uint64_t due = group_due(group);
        if (!timer_is_set(&group->timer) || due < group->timer.due_ns)
            timer_set(&igmp->timers, &group->timer, due);
    }
    if (!changed)
        return;
    char text[ADDR_TEXT];
    igmp_debug_if(igmp, IGMP_DEBUG_GROUPS, i->port, addr, "what is wanted of %s has changed", addr_text(addr, text));
    igmp_proxy_touch(igmp, addr);
    igmp->hooks.changed(igmp->hooks.context, i->port, addr, now);
}

/* ---- time ---- */

/* Sources whose timers have run out: they are blocked in mode EXCLUDE, else forgotten. TO_INCLUDE: the group timer has
 * run out too, and the blocked ones go (6.5). */
static void settle_sources(struct igmp_group *group, bool to_include, struct now now)
{
    bool exclude = group->exclude && !to_include;
    unsigned kept = 0;
    for (unsigned j = 0; j < group->n_sources; j++) {
        struct igmp_source *s = &group->sources[j];
        bool runs = s->until_ns > now.ns;
        if (!runs && s->until_ns != 0)
            group->changed = true;
        if (!runs)
            s->until_ns = s->left = 0;
        if (runs || exclude)
            group->sources[kept++] = *s;
    }
    group->interface->n_sources -= group->n_sources - kept;
    group->n_sources = kept;
    if (kept == 0) {
        free(group->sources);
        group->sources = NULL;
    }
}

void igmp_group_settle(struct igmp_group *group, struct now now)
{
    bool to_include = group->exclude && group->until_ns <= now.ns;
    if (to_include)
        group->changed = true;
    settle_sources(group, to_include, now);
    if (to_include) {
        group->exclude = false;
        group->until_ns = 0;
        group->left = 0;
    }
}

static void fire(struct timer *timer, void *context, struct now now)
{
    struct igmp_group *group = (struct igmp_group *)((char *)timer - offsetof(struct igmp_group, timer));
    (void)context;
    igmp_group_settle(group, now);
    igmp_ask_again(group, now);
    igmp_group_done(group, now);
}

/* ---- other routers' queries ---- */

static void lower(uint64_t *until_ns, uint64_t to_ns)
{
    if (*until_ns > to_ns)
        *until_ns = to_ns;
}

void igmp_group_queried(struct igmp_interface *i, const struct igmp_message *query, struct now now)
{
    struct igmp_group *group = igmp_group_find(i, query->group);
    if (group == NULL || !group->counted)
        return;
    /* The asker's interval is in the message (RFC 2236 3). One shorter than ours may be a mistake, or meant to cut
     * hosts off; to wait for ours does no harm. */
    uint64_t theirs = igmp_last_member_count(i) * query->max_resp_ms * NS_PER_MS, ours = igmp_last_member_time(i);
    uint64_t to = now.ns + (theirs > ours ? theirs : ours);
    if (query->n == 0 && group->exclude)
        lower(&group->until_ns, to);
    for (unsigned j = 0; j < query->n; j++) {
        struct igmp_source *s = igmp_source_find(group, load_be32(query->bytes + 4 * (size_t)j));
        if (s != NULL && s->until_ns != 0)
            lower(&s->until_ns, to);
    }
    igmp_group_done(group, now);
}

/* ---- all of them ---- */

void igmp_group_forget(struct igmp_group *group, struct now now)
{
    group->interface->n_sources -= group->n_sources;
    free(group->sources);
    group->sources = NULL;
    group->n_sources = 0;
    group->exclude = false;
    group->until_ns = 0;
    group->changed = true;
    igmp_group_done(group, now);
}

void igmp_groups_free(struct igmp_interface *i)
{
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    while (patricia_next(&i->groups, &cursor, &prefix, &value))
        group_free(value);
    patricia_clear(&i->groups, NULL);
}

static void bind_static(struct igmp_interface *i, unsigned at, unsigned n, struct now now)
{
    const struct igmp_static *statics = i->settings->statics + at;
    struct igmp_group *group = igmp_group_find(i, statics[0].group);
    if (group == NULL)
        group = igmp_group_new(i, statics[0].group, now);
    if (group == NULL)
        return;
    group->statics = statics;
    group->n_statics = n;
    group->changed = true;
}

void igmp_groups_configured(struct igmp_interface *i, struct now now)
{
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    while (patricia_next(&i->groups, &cursor, &prefix, &value)) {
        struct igmp_group *group = value;
        group->changed = group->n_statics > 0;
        group->n_statics = 0;
    }
    for (unsigned at = 0, n; at < i->settings->n_statics; at += n) {
        for (n = 1;
             at + n < i->settings->n_statics && i->settings->statics[at + n].group == i->settings->statics[at].group;
             n++)
            ;
        bind_static(i, at, n, now);
    }
    cursor = PATRICIA_START;
    while (patricia_next(&i->groups, &cursor, &prefix, &value))
        igmp_group_done(value, now);
}

void igmp_groups_forget(struct igmp_interface *i, struct now now)
{
    i->counters.leaves += i->n_learned;
    igmp_groups_free(i);
    igmp_groups_configured(i, now);
    igmp_proxy_review(i->igmp);
}
