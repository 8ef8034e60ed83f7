/* Which hosts want something of a group (RFC 9776 A.2), so that what the last of them gives up can end at once.
 *
 * A host is taken to want too much rather than too little. Then fast leave waits where it need not, and the usual query
 * decides; but it cuts nobody off. Where hosts may be unknown (older versions, whose hosts keep silent when another has
 * answered; hosts without an address; no room) the group is in doubt for a membership interval. */
#include <stdlib.h>
#include <string.h>

#include "protocols/igmp/igmp_internal.h"

static struct igmp_tracked **bucket_of(const struct igmp_interface *i, uint32_t group, uint32_t host)
{
    uint64_t z = ((uint64_t)group << 32 | host) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return &i->buckets[(z ^ z >> 32) % IGMP_TRACK_BUCKETS];
}

static struct igmp_tracked *find(const struct igmp_group *group, uint32_t host)
{
    if (group->n_tracked == 0)
        return NULL;
    struct igmp_tracked *t = *bucket_of(group->interface, group->addr, host);
    while (t != NULL && (t->addr != host || t->group != group))
        t = t->next_in_bucket;
    return t;
}

static void forget(struct igmp_tracked *t)
{
    struct igmp_group *group = t->group;
    struct igmp_interface *i = group->interface;
    struct igmp_tracked **at = bucket_of(i, group->addr, t->addr);
    while (*at != t)
        at = &(*at)->next_in_bucket;
    *at = t->next_in_bucket;
    *(t->prev != NULL ? &t->prev->next : &group->tracked) = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    timer_stop(&i->igmp->timers, &t->timer);
    group->n_tracked--;
    i->n_tracked--;
    i->n_tracked_sources -= t->n_sources;
    free(t->sources);
    slab_free(t);
}

void igmp_track_forget(struct igmp_group *group)
{
    while (group->tracked != NULL)
        forget(group->tracked);
}

void igmp_track_doubt(struct igmp_group *group, uint64_t until_ns)
{
    if (group->untracked_until_ns < until_ns)
        group->untracked_until_ns = until_ns;
}

bool igmp_track_is_complete(const struct igmp_group *group, struct now now)
{
    return group->untracked_until_ns <= now.ns && group->interface->complete_ns <= now.ns &&
           igmp_group_version(group, now) == 3;
}

static void fire(struct timer *timer, void *context, struct now now)
{
    struct igmp_tracked *t = (struct igmp_tracked *)((char *)timer - offsetof(struct igmp_tracked, timer));
    struct igmp *igmp = context;
    uint64_t until = t->exclude && t->exclude_until_ns < t->until_ns ? t->exclude_until_ns : t->until_ns;
    if (until > now.ns) {
        timer_set(&igmp->timers, timer, until);
        return;
    }
    if (t->until_ns > now.ns) /* it may be in mode INCLUDE now, with sources that we have not noted */
        igmp_track_doubt(t->group, now.ns + igmp_membership_interval(t->group->interface));
    forget(t);
}

static struct igmp_tracked *get(struct igmp_group *group, uint32_t host, struct now now)
{
    struct igmp_interface *i = group->interface;
    struct igmp_tracked *t = find(group, host);
    unsigned most = i->settings->tracked_limit;
    if (t != NULL)
        return t;
    if (most == 0 || most > IGMP_TRACKED_MAX)
        most = IGMP_TRACKED_MAX;
    if (i->n_tracked >= most)
        return NULL;
    if (i->buckets == NULL)
        i->buckets = calloc(IGMP_TRACK_BUCKETS, sizeof *i->buckets);
    t = i->buckets != NULL ? slab_alloc(&i->igmp->tracked_pool) : NULL;
    if (t == NULL)
        return NULL;
    *t = (struct igmp_tracked){.group = group, .addr = host, .timer.fire = fire, .next = group->tracked};
    if (!timer_set(&i->igmp->timers, &t->timer, now.ns + igmp_membership_interval(i))) {
        slab_free(t);
        return NULL;
    }
    struct igmp_tracked **bucket = bucket_of(i, group->addr, host);
    t->next_in_bucket = *bucket;
    *bucket = t;
    if (t->next != NULL)
        t->next->prev = t;
    group->tracked = t;
    group->n_tracked++;
    i->n_tracked++;
    return t;
}

/* ---- a host's sources ---- */

static unsigned place(const struct igmp_tracked *t, uint32_t source)
{
    unsigned at = 0;
    while (at < t->n_sources && t->sources[at] < source)
        at++;
    return at;
}

static bool has(const struct igmp_tracked *t, uint32_t source)
{
    unsigned at = place(t, source);
    return at < t->n_sources && t->sources[at] == source;
}

/* The sources become N of WITH. False when there is no room. */
static bool replace(struct igmp_tracked *t, const uint32_t *with, unsigned n)
{
    struct igmp_interface *i = t->group->interface;
    uint32_t *copy = NULL;
    if (n > IGMP_HOST_SOURCES_MAX || i->n_tracked_sources - t->n_sources + n > IGMP_SOURCES_TOGETHER)
        return false;
    if (n > 0) {
        copy = malloc(n * sizeof *copy);
        if (copy == NULL)
            return false;
        memcpy(copy, with, n * sizeof *copy);
    }
    i->n_tracked_sources += n - t->n_sources;
    free(t->sources);
    t->sources = copy;
    t->n_sources = (uint16_t)n;
    return true;
}

/* Adds LIST to the sources, or takes it out of them. */
static bool combine(struct igmp_tracked *t, const uint32_t *list, unsigned n, bool add)
{
    uint32_t to[IGMP_HOST_SOURCES_MAX];
    unsigned kept = 0, a = 0, b = 0;
    bool same = true;
    while (a < t->n_sources || (add && b < n)) {
        while (!add && b < n && a < t->n_sources && list[b] < t->sources[a])
            b++;
        bool both = a < t->n_sources && b < n && t->sources[a] == list[b];
        if (!add && both) {
            a++;
            b++;
            same = false;
            continue;
        }
        if (kept == IGMP_HOST_SOURCES_MAX)
            return false;
        if (both || a == t->n_sources || (b < n && add && list[b] < t->sources[a])) {
            same = same && both;
            a += both;
            to[kept++] = list[b++];
        } else {
            to[kept++] = t->sources[a++];
        }
    }
    return same || replace(t, to, kept);
}

/* ---- records ---- */

static bool take(struct igmp_tracked *t, enum igmp_record_type type, const uint32_t *list, unsigned n, struct now now)
{
    uint64_t gmi = igmp_membership_interval(t->group->interface);
    t->until_ns = now.ns + gmi;
    switch (type) {
    case IGMP_IS_EX:
    case IGMP_TO_EX:
        t->exclude = true;
        t->exclude_until_ns = t->until_ns;
        if (n > IGMP_HOST_SOURCES_MAX)
            n = IGMP_HOST_SOURCES_MAX; /* the others are taken to be wanted */
        return replace(t, list, n);
    case IGMP_TO_IN:
        if (t->exclude || n == 0) {
            t->exclude = false;
            return replace(t, list, n);
        }
        return combine(t, list, n, true); /* long lists come in several records (4.2.17) */
    case IGMP_IS_IN:                      /* of a host in mode EXCLUDE too, if sources were asked for (table 5) */
        return combine(t, list, n, !t->exclude);
    case IGMP_ALLOW:
        return combine(t, list, n, !t->exclude);
    case IGMP_BLOCK:
        if (t->exclude && t->n_sources + n > IGMP_HOST_SOURCES_MAX)
            return true; /* taken to be wanted */
        return combine(t, list, n, t->exclude);
    }
    return true;
}

void igmp_track_record(struct igmp_group *group, enum igmp_record_type type, const uint32_t *list, unsigned n,
                       uint32_t reporter, struct now now)
{
    struct igmp_interface *i = group->interface;
    uint64_t doubt = now.ns + igmp_membership_interval(i);
    bool wants = n > 0 || type == IGMP_IS_EX || type == IGMP_TO_EX;
    if (reporter == 0) {
        if (wants) {
            i->counters.untracked++;
            igmp_track_doubt(group, doubt);
        }
        return;
    }
    struct igmp_tracked *t = find(group, reporter);
    if (t == NULL && !wants)
        return;
    if (t == NULL && type == IGMP_BLOCK) { /* it wants something that we do not know of */
        igmp_track_doubt(group, doubt);
        return;
    }
    t = get(group, reporter, now);
    if (t == NULL || !take(t, type, list, n, now)) {
        i->counters.untracked++;
        igmp_track_doubt(group, doubt);
        if (t != NULL)
            forget(t);
        return;
    }
    if (!t->exclude && t->n_sources == 0)
        forget(t);
}

bool igmp_track_wants(const struct igmp_group *group, uint32_t source, struct now now)
{
    for (const struct igmp_tracked *t = group->tracked; t != NULL; t = t->next)
        if (t->until_ns > now.ns && has(t, source) != t->exclude)
            return true;
    return false;
}

bool igmp_track_may_include(const struct igmp_group *group, struct now now)
{
    for (const struct igmp_tracked *t = group->tracked; t != NULL; t = t->next) {
        if (t->until_ns <= now.ns)
            continue;
        if (t->exclude)
            return false;
        for (unsigned j = 0; j < t->n_sources; j++) {
            const struct igmp_source *s = igmp_source_find(group, t->sources[j]);
            if (s == NULL || s->until_ns <= now.ns)
                return false;
        }
    }
    return true;
}
