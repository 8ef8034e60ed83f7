/* What hosts say of a group: RFC 9776 6.4, older versions by 7.3.2. */
#include <stdlib.h>

#include "protocols/igmp/igmp_internal.h"
#include "protocols/igmp/igmp_table.h"

/* ---- sources ---- */

struct work {
    struct igmp_group *group;
    const struct igmp_row *row;
    const uint32_t *list;
    unsigned n;
    uint64_t group_until_ns; /* as it was */
    struct now now;
};

static uint8_t action_of(const struct work *w, const struct igmp_source *s, bool in)
{
    if (s->until_ns != 0)
        return in ? w->row->x_in : w->row->x_out;
    return in ? w->row->y_in : w->row->y_out;
}

/* What is there of the list, in order: *AT walks along. */
static bool list_has(const struct work *w, unsigned *at, uint32_t addr)
{
    while (*at < w->n && w->list[*at] < addr)
        (*at)++;
    return *at < w->n && w->list[*at] == addr;
}

/* Sources that stay, and those that are new. */
static void count_work(const struct work *w, unsigned *kept, unsigned *fresh)
{
    unsigned at = 0, both = 0;
    *kept = 0;
    for (unsigned j = 0; j < w->group->n_sources; j++) {
        bool in = list_has(w, &at, w->group->sources[j].addr);
        both += in;
        *kept += (action_of(w, &w->group->sources[j], in) & ~IGMP_ASK) != IGMP_DROP;
    }
    *fresh = w->row->fresh == IGMP_DROP ? 0 : w->n - both;
}

/* Does ACTION to S. What can be asked for is, afterwards. */
static void act(const struct work *w, struct igmp_source *s, uint8_t action)
{
    switch (action & ~IGMP_ASK) {
    case IGMP_RUN:
        if (s->until_ns == 0)
            w->group->changed = true;
        s->until_ns = w->now.ns + igmp_membership_interval(w->group->interface);
        break;
    case IGMP_RUN_GROUP:
        s->until_ns = w->group_until_ns;
        break;
    case IGMP_STOP:
        s->until_ns = 0;
        w->group->changed = true;
        break;
    default:
        break;
    }
    if ((action & IGMP_ASK) != 0)
        igmp_ask_source(w->group, s, w->now);
}

static struct igmp_source add_fresh(const struct work *w, uint32_t addr)
{
    struct igmp_source s = {.addr = addr};
    bool forwarded = w->group->exclude; /* what has no record is */
    bool changed = w->group->changed;
    act(w, &s, w->row->fresh);
    if (forwarded && s.until_ns != 0)
        w->group->changed = changed;
    return s;
}

/* One walk over both lists. TO has room for what stays and ROOM new ones. */
static unsigned merge(const struct work *w, struct igmp_source *to, unsigned room)
{
    unsigned n = 0, at = 0;
    const struct igmp_group *group = w->group;
    for (unsigned j = 0; j < group->n_sources || at < w->n;) {
        bool has = j < group->n_sources, listed = at < w->n;
        if (listed && (!has || w->list[at] < group->sources[j].addr)) {
            if (w->row->fresh != IGMP_DROP && room > 0) {
                to[n++] = add_fresh(w, w->list[at]);
                room--;
            }
            at++;
            continue;
        }
        bool in = listed && w->list[at] == group->sources[j].addr;
        struct igmp_source s = group->sources[j++];
        uint8_t action = action_of(w, &s, in);
        at += in;
        if ((action & ~IGMP_ASK) == IGMP_DROP) {
            w->group->changed |= s.until_ns == 0; /* it was blocked */
            continue;
        }
        act(w, &s, action);
        to[n++] = s;
    }
    return n;
}

static unsigned room_for(const struct igmp_group *group, unsigned kept)
{
    const struct igmp_interface *i = group->interface;
    unsigned most = i->settings->source_limit;
    if (most == 0 || most > IGMP_SOURCES_MAX)
        most = IGMP_SOURCES_MAX;
    unsigned together = IGMP_SOURCES_TOGETHER - (i->n_sources - group->n_sources);
    if (together < most)
        most = together;
    return most > kept ? most - kept : 0;
}

static void count_rejected(struct igmp_interface *i, enum igmp_reject reject, uint64_t n)
{
    i->counters.rejects[reject] += n;
    i->igmp->rejects[reject] += n;
}

static enum igmp_reject merge_sources(const struct work *w)
{
    struct igmp_group *group = w->group;
    unsigned kept, fresh;
    count_work(w, &kept, &fresh);
    unsigned room = room_for(group, kept);
    if (fresh > room)
        count_rejected(group->interface, IGMP_REJECT_SOURCE_LIMIT, fresh - room);
    else
        room = fresh;
    struct igmp_source *to = NULL;
    if (kept + room > 0) {
        to = malloc((kept + room) * sizeof *to);
        if (to == NULL)
            return IGMP_REJECT_NO_MEMORY;
    }
    unsigned n = merge(w, to, room);
    group->interface->n_sources += n - group->n_sources;
    free(group->sources);
    group->sources = to;
    group->n_sources = n;
    return IGMP_ACCEPT;
}

static bool is_leave(enum igmp_record_type type)
{
    return type == IGMP_BLOCK || type == IGMP_TO_IN || type == IGMP_TO_EX;
}

/* Sources and group that are being asked for, and that no tracked host wants, end now. */
static void leave_fast(struct igmp_group *group, struct now now)
{
    struct igmp_interface *i = group->interface;
    uint64_t asked = now.ns + igmp_last_member_time(i);
    if (!i->settings->fast_leave || !i->querier || !igmp_track_is_complete(group, now))
        return;
    for (unsigned j = 0; j < group->n_sources; j++) {
        struct igmp_source *s = &group->sources[j];
        if (s->until_ns == 0 || s->until_ns > asked || igmp_track_wants(group, s->addr, now))
            continue;
        s->until_ns = now.ns;
        s->left = 0;
        i->counters.fast_leaves++;
    }
    if (group->exclude && group->until_ns <= asked && igmp_track_may_include(group, now)) {
        group->until_ns = now.ns;
        group->left = 0;
        group->asked_now = false;
        i->counters.fast_leaves++;
    }
    igmp_group_settle(group, now);
}

static enum igmp_reject apply(struct igmp_group *group, enum igmp_record_type type, const uint32_t *list, unsigned n,
                              struct now now)
{
    const struct igmp_row *row = &igmp_table[group->exclude][type];
    struct work w = {.group = group, .row = row, .list = list, .n = n, .group_until_ns = group->until_ns, .now = now};
    bool was_include = !group->exclude, had = group->n_sources > 0;
    if (n > 0 || had) {
        enum igmp_reject reject = merge_sources(&w);
        if (reject != IGMP_ACCEPT)
            return reject;
    }
    if (row->to_exclude) {
        group->changed |= was_include;
        group->exclude = true;
        group->until_ns = now.ns + igmp_membership_interval(group->interface);
    }
    if (row->ask_group)
        igmp_ask_group(group, now);
    return IGMP_ACCEPT;
}

/* ---- the versions of hosts: 7.3.2 ---- */

static void note_version(struct igmp_group *group, uint8_t version, struct now now)
{
    uint64_t until = now.ns + igmp_older_host_interval(group->interface);
    if (version == 1)
        group->v1_until_ns = until;
    else if (version == 2)
        group->v2_until_ns = until;
    if (version < 3) /* their kind is silent when another has answered */
        igmp_track_doubt(group, now.ns + igmp_membership_interval(group->interface));
}

static bool begins_nothing(enum igmp_record_type type, unsigned n)
{
    return type == IGMP_BLOCK || (n == 0 && type != IGMP_IS_EX && type != IGMP_TO_EX);
}

static enum igmp_reject get_group(struct igmp_interface *i, uint32_t addr, struct igmp_group **group, struct now now)
{
    unsigned most = i->settings->group_limit;
    if (most == 0 || most > IGMP_GROUPS_MAX)
        most = IGMP_GROUPS_MAX;
    *group = igmp_group_find(i, addr);
    if (*group != NULL && (*group)->counted)
        return IGMP_ACCEPT;
    if (i->n_learned >= most)
        return IGMP_REJECT_GROUP_LIMIT;
    if (*group == NULL)
        *group = igmp_group_new(i, addr, now);
    return *group != NULL ? IGMP_ACCEPT : IGMP_REJECT_NO_MEMORY;
}

enum igmp_reject igmp_group_record(struct igmp_interface *i, uint32_t addr, enum igmp_record_type type, uint8_t version,
                                   const uint32_t *list, unsigned n, uint32_t reporter, struct now now)
{
    struct igmp_group *group = igmp_group_find(i, addr);
    bool leave = version < 3 && type == IGMP_TO_IN;
    if (group != NULL) {
        uint8_t spoken = igmp_group_version(group, now);
        if (spoken == 1 && type == IGMP_TO_IN) /* table 14 */
            return IGMP_REJECT_VERSION_1_LEAVE;
        if (spoken < 3 && type == IGMP_BLOCK)
            return IGMP_ACCEPT;
        if (spoken < 3 && type == IGMP_TO_EX)
            n = 0;
    }
    if (leave && !i->querier)
        return IGMP_REJECT_NOT_QUERIER;
    if ((group == NULL || !group->counted) && begins_nothing(type, n))
        return leave ? IGMP_REJECT_UNKNOWN_GROUP : IGMP_ACCEPT;
    enum igmp_reject reject = get_group(i, addr, &group, now);
    if (reject != IGMP_ACCEPT)
        return reject;
    igmp_group_settle(group, now);
    if (type != IGMP_TO_IN || n > 0)
        group->last_reporter = reporter;
    reject = apply(group, type, list, n, now);
    if (reject == IGMP_ACCEPT && igmp_group_is_learned(group)) {
        if (!leave)
            note_version(group, version, now);
        if (version == 3)
            igmp_track_record(group, type, list, n, reporter, now);
        if (is_leave(type))
            leave_fast(group, now);
        igmp_ask_new(group, now);
    }
    igmp_group_done(group, now);
    return reject;
}
