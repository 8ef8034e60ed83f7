/* This router as a host: RFC 9776 5 and 7.2, on every interface for what it listens to itself, and on the upstream one
 * of a proxy for everyone behind it. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "protocols/igmp/igmp_internal.h"

#define UNSOLICITED_NS NS_PER_S /* 8.11 */

static struct prefix key_of(uint32_t group)
{
    return (struct prefix){.addr = group, .len = 32};
}

struct igmp_member *igmp_member_find(const struct igmp_interface *i, uint32_t group)
{
    return patricia_find(&i->host.members, key_of(group));
}

/* ---- members come and go ---- */

static void repeat(struct timer *timer, void *context, struct now now);
static void answer(struct timer *timer, void *context, struct now now);

struct igmp_member *igmp_member_get(struct igmp_interface *i, uint32_t group)
{
    struct igmp_member *member = igmp_member_find(i, group);
    if (member != NULL)
        return member;
    member = i->host.members.count < IGMP_GROUPS_MAX ? slab_alloc(&i->igmp->member_pool) : NULL;
    if (member == NULL)
        return NULL;
    *member = (struct igmp_member){.interface = i, .group = group, .repeat.fire = repeat, .answer.fire = answer};
    if (!patricia_set(&i->host.members, key_of(group), member, NULL)) {
        slab_free(member);
        return NULL;
    }
    return member;
}

static void member_free(struct igmp_member *member)
{
    struct timers *timers = &member->interface->igmp->timers;
    timer_stop(timers, &member->repeat);
    timer_stop(timers, &member->answer);
    free(member->sources);
    free(member->changes);
    free(member->asked);
    slab_free(member);
}

void igmp_member_reap(struct igmp_member *member)
{
    if (igmp_member_is_wanted(member) || member->joined || member->dirty || member->left > 0)
        return;
    patricia_remove(&member->interface->host.members, key_of(member->group));
    member_free(member);
}

static void repeat(struct timer *timer, void *context, struct now now)
{
    struct igmp_member *member = (struct igmp_member *)((char *)timer - offsetof(struct igmp_member, repeat));
    struct igmp *igmp = context;
    if (member->left > 0)
        igmp_report_change(member, now);
    if (member->left > 0)
        timer_set(&igmp->timers, timer, now.ns + igmp_delay(igmp, UNSOLICITED_NS));
    else
        igmp_member_reap(member);
}

/* ---- versions: 7.2.1 ---- */

static void cancel_all(struct igmp_interface *i)
{
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    timer_stop(&i->igmp->timers, &i->host.answer);
    i->host.walking = false;
    i->host.batch.n = 0;
    while (patricia_next(&i->host.members, &cursor, &prefix, &value)) {
        struct igmp_member *member = value;
        timer_stop(&i->igmp->timers, &member->repeat);
        timer_stop(&i->igmp->timers, &member->answer);
        member->left = member->mode_left = 0;
        member->n_changes = member->n_asked = 0;
        igmp_member_reap(member);
    }
}

uint8_t igmp_host_version(const struct igmp_interface *i, struct now now)
{
    for (uint8_t version = 1; i->settings->compatibility && version < i->settings->version && version < 3; version++)
        if (i->host.old_until_ns[version] > now.ns)
            return version;
    return i->settings->version;
}

/* The version as of now. What waits under another one is dropped. */
static uint8_t look_at_version(struct igmp_interface *i, struct now now)
{
    uint8_t version = igmp_host_version(i, now);
    if (version == i->host.version)
        return version;
    igmp_log(i->igmp, IGMP_NOTICE, i->port, 0, "reporting in version %u of IGMP now, as the querier asks in it",
             version);
    i->host.version = version;
    cancel_all(i);
    return version;
}

/* ---- changes: 5.1 ---- */

static struct igmp_change *find_change(struct igmp_member *member, uint32_t source)
{
    for (unsigned j = 0; j < member->n_changes; j++)
        if (member->changes[j].source == source)
            return &member->changes[j];
    return NULL;
}

/* Notes the sources of one list only, beside those that are noted already. Both lists are in order. */
static bool note_changes(struct igmp_member *member, const uint32_t *sources, unsigned n, uint8_t left)
{
    unsigned most = member->n_changes + member->n_sources + n, a = 0, b = 0, old = member->n_changes;
    struct igmp_change *to = realloc(member->changes, most * sizeof *to + 1);
    if (to == NULL)
        return false;
    member->changes = to;
    while (a < member->n_sources || b < n) {
        if (a < member->n_sources && b < n && member->sources[a] == sources[b]) {
            a++;
            b++;
            continue;
        }
        bool first = b == n || (a < member->n_sources && member->sources[a] < sources[b]);
        uint32_t source = first ? member->sources[a++] : sources[b++];
        struct igmp_change *known = old > 0 ? find_change(member, source) : NULL;
        if (known != NULL)
            known->left = left;
        else
            to[member->n_changes++] = (struct igmp_change){.source = source, .left = left};
    }
    return true;
}

static bool set_sources(struct igmp_member *member, const uint32_t *sources, unsigned n)
{
    uint32_t *copy = NULL;
    if (n > 0) {
        copy = malloc(n * sizeof *copy);
        if (copy == NULL)
            return false;
        memcpy(copy, sources, n * sizeof *copy);
    }
    free(member->sources);
    member->sources = copy;
    member->n_sources = n;
    return true;
}

static bool is_same(const struct igmp_member *member, bool exclude, const uint32_t *sources, unsigned n)
{
    return member->exclude == exclude && member->n_sources == n &&
           (n == 0 || memcmp(member->sources, sources, n * sizeof *sources) == 0);
}

bool igmp_host_set(struct igmp_interface *i, uint32_t group, bool exclude, const uint32_t *sources, unsigned n,
                   struct now now)
{
    uint8_t version = look_at_version(i, now), robustness = i->robustness > 0 ? i->robustness : 1;
    struct igmp_member *member = igmp_member_find(i, group);
    if (member == NULL && !exclude && n == 0)
        return true;
    if (member == NULL)
        member = igmp_member_get(i, group);
    if (member == NULL)
        return false;
    if (is_same(member, exclude, sources, n)) {
        igmp_member_reap(member);
        return true;
    }
    bool was_wanted = igmp_member_is_wanted(member), mode_changes = member->exclude != exclude;
    if (version == 3 && !mode_changes && !note_changes(member, sources, n, robustness))
        return false;
    if (!set_sources(member, sources, n))
        return false;
    member->exclude = exclude;
    bool wanted = igmp_member_is_wanted(member);
    if (version == 3) {
        member->left = robustness;
        if (mode_changes)
            member->mode_left = robustness;
    } else if (wanted != was_wanted) {
        member->left = wanted ? robustness : 1;
    } else {
        return true; /* nothing that these versions can say */
    }
    if (version < 3 || !wanted)
        timer_stop(&i->igmp->timers, &member->answer);
    return timer_set(&i->igmp->timers, &member->repeat, now.ns);
}

/* ---- answers: 5.2 ---- */

static void answer(struct timer *timer, void *context, struct now now)
{
    struct igmp_member *member = (struct igmp_member *)((char *)timer - offsetof(struct igmp_member, answer));
    (void)context;
    igmp_report_answer(member, now);
    member->n_asked = 0;
}

static struct igmp_member *member_from(struct igmp_interface *i, uint32_t group)
{
    struct patricia_cursor cursor = {.at = {.addr = group - 1, .len = 32}, .started = true};
    struct prefix prefix;
    void *value;
    return patricia_next(&i->host.members, &cursor, &prefix, &value) ? value : NULL;
}

/* Whether what MEMBER has to say goes into another message than what waits. */
static bool needs_another(const struct igmp_member *member)
{
    const struct igmp_report *batch = &member->interface->host.batch;
    return batch->n > 0 && igmp_report_room(batch) < (int)member->n_sources;
}

/* One message of the answer to a general query; the rest of them follow. */
static void walk(struct timer *timer, void *context, struct now now)
{
    struct igmp_host *host = (struct igmp_host *)((char *)timer - offsetof(struct igmp_host, answer));
    struct igmp_interface *i = (struct igmp_interface *)((char *)host - offsetof(struct igmp_interface, host));
    struct igmp *igmp = context;
    if (!host->walking)
        host->walk_from = 1;
    igmp_report_flush(i, now);
    struct igmp_member *member = member_from(i, host->walk_from);
    for (unsigned most = IGMP_MESSAGE_MAX / IGMP_RECORD; most > 0 && member != NULL && !needs_another(member); most--) {
        host->walk_from = member->group + 1;
        member->n_asked = 0; /* all of it is said: nothing else need be */
        igmp_report_answer(member, now);
        timer_stop(&igmp->timers, &member->answer);
        member = member_from(i, host->walk_from);
    }
    host->walking = member != NULL;
    if (host->walking)
        timer_set(&igmp->timers, timer, now.ns + host->walk_gap_ns);
}

/* Several messages are spread over the second half of the time; the first is in the first half. */
static void answer_general(struct igmp_interface *i, uint64_t within_ns, struct now now)
{
    struct igmp_host *host = &i->host;
    size_t messages = host->members.count / (i->room / IGMP_RECORD) + 1;
    uint64_t delay = igmp_delay(i->igmp, messages > 1 ? within_ns / 2 : within_ns);
    if (timer_is_set(&host->answer) && host->answer.due_ns <= now.ns + delay)
        return;
    host->walking = false;
    host->walk_gap_ns = within_ns / 2 / messages;
    timer_set(&i->igmp->timers, &host->answer, now.ns + delay);
}

/* Sources are noted in order. False: they are too many, and the whole group is to be said. */
static bool note_asked(struct igmp_member *member, const struct igmp_message *query)
{
    if (member->n_asked + query->n > IGMP_SOURCES_MAX)
        return false;
    uint32_t *to = realloc(member->asked, (member->n_asked + (size_t)query->n) * sizeof *to);
    if (to == NULL)
        return false;
    member->asked = to;
    for (unsigned j = 0; j < query->n; j++) {
        uint32_t source = load_be32(query->bytes + 4 * (size_t)j);
        unsigned at = member->n_asked;
        while (at > 0 && to[at - 1] > source)
            at--;
        if (at > 0 && to[at - 1] == source)
            continue;
        memmove(to + at + 1, to + at, (member->n_asked - at) * sizeof *to);
        to[at] = source;
        member->n_asked++;
    }
    return true;
}

static void answer_specific(struct igmp_member *member, const struct igmp_message *query, uint64_t delay,
                            struct now now)
{
    struct igmp_interface *i = member->interface;
    struct timer *general = &i->host.answer;
    bool pending = timer_is_set(&member->answer);
    if (timer_is_set(general) && general->due_ns <= now.ns + delay && !i->host.walking)
        return;
    if (query->n == 0 || (pending && member->n_asked == 0) || !note_asked(member, query))
        member->n_asked = 0;
    if (!pending || member->answer.due_ns > now.ns + delay)
        timer_set(&i->igmp->timers, &member->answer, now.ns + delay);
}

/* Versions 1 and 2: each group by itself (RFC 2236 3). */
static void answer_short(struct igmp_member *member, uint64_t within_ns, struct now now)
{
    struct igmp *igmp = member->interface->igmp;
    if (!igmp_member_is_wanted(member))
        return;
    if (!timer_is_set(&member->answer) || member->answer.due_ns > now.ns + within_ns)
        timer_set(&igmp->timers, &member->answer, now.ns + igmp_delay(igmp, within_ns));
}

static void answer_all_short(struct igmp_interface *i, uint64_t within_ns, struct now now)
{
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    while (patricia_next(&i->host.members, &cursor, &prefix, &value))
        answer_short(value, within_ns, now);
}

void igmp_host_query(struct igmp_interface *i, const struct igmp_message *query, struct now now)
{
    uint64_t within_ns = query->max_resp_ms * NS_PER_MS;
    if (i->upstream && query->version == 3 && query->robustness != 0)
        i->robustness = query->robustness;
    if (i->upstream && query->version == 3 && query->interval_s != 0)
        i->query_interval_ns = query->interval_s * NS_PER_S;
    if (query->version < 3 && (query->version == 1 || query->group == 0)) /* 8.12 */
        i->host.old_until_ns[query->version] = now.ns + i->robustness * i->query_interval_ns + 10 * within_ns;
    uint8_t version = look_at_version(i, now);
    struct igmp_member *member = query->group != 0 ? igmp_member_find(i, query->group) : NULL;
    if (i->host.members.count == 0 || (query->group != 0 && (member == NULL || !igmp_member_is_wanted(member))))
        return;
    if (version == 3 && query->group == 0)
        answer_general(i, within_ns, now);
    else if (version == 3)
        answer_specific(member, query, igmp_delay(i->igmp, within_ns), now);
    else if (query->group == 0)
        answer_all_short(i, within_ns, now);
    else
        answer_short(member, within_ns, now);
}

void igmp_host_overheard(struct igmp_interface *i, uint32_t group)
{
    struct igmp_member *member = i->host.version < 3 ? igmp_member_find(i, group) : NULL;
    if (member == NULL)
        return;
    timer_stop(&i->igmp->timers, &member->answer);
    if (igmp_member_is_wanted(member) && member->left > 0) { /* RFC 2236 6: the delay timer of a join, too */
        member->left = 0;
        timer_stop(&i->igmp->timers, &member->repeat);
    }
}

/* ---- beginning and end ---- */

void igmp_host_start(struct igmp_interface *i, struct now now)
{
    i->host.answer.fire = walk;
    i->host.version = i->settings->version;
    i->robustness = i->settings->robustness;
    i->query_interval_ns = i->settings->query_interval_ms * NS_PER_MS;
    igmp_host_set(i, IGMP_V3_ROUTERS, true, NULL, 0, now);
    for (unsigned j = 0; j < i->n_joins; j++) {
        struct igmp_member *member = igmp_member_get(i, i->joins[j]);
        if (member != NULL)
            member->joined = true;
        igmp_host_set(i, i->joins[j], true, NULL, 0, now);
    }
}

static void unlink_dirty(struct igmp_interface *i)
{
    struct igmp_member **at = &i->igmp->dirty;
    while (*at != NULL)
        if ((*at)->interface == i)
            *at = (*at)->next_dirty;
        else
            at = &(*at)->next_dirty;
}

void igmp_host_stop(struct igmp_interface *i)
{
    struct patricia_cursor cursor = PATRICIA_START;
    struct prefix prefix;
    void *value;
    unlink_dirty(i);
    timer_stop(&i->igmp->timers, &i->host.answer);
    while (patricia_next(&i->host.members, &cursor, &prefix, &value))
        member_free(value);
    patricia_clear(&i->host.members, NULL);
    i->host.walking = false;
    i->host.batch.n = 0;
    i->host.old_until_ns[1] = i->host.old_until_ns[2] = 0;
}

static bool note_join(struct igmp_interface *i, uint32_t group, bool on)
{
    unsigned at = 0;
    while (at < i->n_joins && i->joins[at] != group)
        at++;
    if (on && at == i->n_joins) {
        if (at == IGMP_JOINS_MAX)
            return false;
        i->joins[i->n_joins++] = group;
    } else if (!on && at < i->n_joins) {
        i->joins[at] = i->joins[--i->n_joins];
    }
    return true;
}

bool igmp_host_join(struct igmp_interface *i, uint32_t group, bool on, struct now now)
{
    if (!note_join(i, group, on))
        return false;
    if (!i->up)
        return true;
    struct igmp_member *member = on ? igmp_member_get(i, group) : igmp_member_find(i, group);
    if (member == NULL)
        return !on;
    member->joined = on;
    if (on || !i->upstream)
        return igmp_host_set(i, group, on, NULL, 0, now);
    igmp_proxy_touch(i->igmp, group); /* others may want it */
    if (igmp_is_link_local(group))
        return igmp_host_set(i, group, false, NULL, 0, now);
    return true;
}
