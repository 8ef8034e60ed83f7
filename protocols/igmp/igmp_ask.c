/* Specific queries and their repetitions: RFC 9776 6.6.3. A router that has lost the election goes on with those that
 * it has begun, and begins no others (RFC 2236 3). */
#include "protocols/igmp/igmp_internal.h"

/* Sources whose repetitions are due within this part of the interval go together. */
#define TOGETHER 8

static bool may_ask(const struct igmp_group *group, uint8_t version, struct now now)
{
    const struct igmp_interface *i = group->interface;
    return i->querier && igmp_querier_version(i, now) >= version;
}

void igmp_ask_group(struct igmp_group *group, struct now now)
{
    uint64_t lowered = now.ns + igmp_last_member_time(group->interface);
    if (!may_ask(group, 2, now) || group->until_ns <= lowered)
        return; /* being asked already: repeated leaves of one host make no further queries */
    group->until_ns = lowered;
    group->left = (uint8_t)igmp_last_member_count(group->interface);
    group->ask_ns = now.ns;
    group->asked_now = true;
}

void igmp_ask_source(struct igmp_group *group, struct igmp_source *source, struct now now)
{
    uint64_t lowered = now.ns + igmp_last_member_time(group->interface);
    if (!may_ask(group, 3, now) || source->until_ns <= lowered)
        return;
    source->until_ns = lowered;
    source->left = (uint8_t)igmp_last_member_count(group->interface);
    source->ask_ns = now.ns;
}

static void send_group(struct igmp_group *group, struct now now)
{
    struct igmp_interface *i = group->interface;
    struct igmp_query query = {.group = group->addr, .suppress = group->until_ns > now.ns + igmp_last_member_time(i)};
    igmp_querier_send(i, &query, now);
    group->left--;
    group->ask_ns = now.ns + igmp_last_member_interval(i);
}

/* One of the two messages, in as many as the MTU asks for. */
static void send_sources(struct igmp_group *group, const uint32_t *sources, unsigned n, bool suppress, struct now now)
{
    struct igmp_interface *i = group->interface;
    unsigned most = (unsigned)((i->room - IGMP_QUERY_HEADER) / 4);
    while (n > 0) {
        struct igmp_query query = {
            .group = group->addr, .suppress = suppress, .n = n < most ? n : most, .sources = sources};
        igmp_querier_send(i, &query, now);
        sources += query.n;
        n -= query.n;
    }
}

/* Sources to be asked for by UNTIL_NS; SUPPRESS: those that somebody has wanted again since. */
static void send_due(struct igmp_group *group, uint64_t until_ns, bool suppress, struct now now)
{
    uint32_t sources[IGMP_SOURCES_MAX];
    unsigned n = 0;
    uint64_t lowered = now.ns + igmp_last_member_time(group->interface);
    for (unsigned j = 0; j < group->n_sources && n < IGMP_SOURCES_MAX; j++) {
        struct igmp_source *s = &group->sources[j];
        if (s->left == 0 || s->ask_ns > until_ns || (s->until_ns > lowered) != suppress)
            continue;
        sources[n++] = s->addr;
        s->left--;
        s->ask_ns = now.ns + igmp_last_member_interval(group->interface);
    }
    send_sources(group, sources, n, suppress, now);
}

static void send_all_due(struct igmp_group *group, uint64_t until_ns, bool group_too, struct now now)
{
    if (group_too)
        send_group(group, now);
    if (group->n_sources == 0)
        return;
    if (igmp_querier_version(group->interface, now) < 3) { /* an older querier has come */
        for (unsigned j = 0; j < group->n_sources; j++)
            group->sources[j].left = 0;
        return;
    }
    /* Those of the second message first: sending moves ask_ns, and no source is in both. */
    send_due(group, until_ns, true, now);
    send_due(group, until_ns, false, now);
}

void igmp_ask_new(struct igmp_group *group, struct now now)
{
    bool group_too = group->asked_now && group->left > 0;
    group->asked_now = false;
    send_all_due(group, now.ns, group_too, now);
}

void igmp_ask_again(struct igmp_group *group, struct now now)
{
    uint64_t until = now.ns + igmp_last_member_interval(group->interface) / TOGETHER;
    if (igmp_querier_version(group->interface, now) < 2)
        group->left = 0;
    send_all_due(group, until, group->left > 0 && group->ask_ns <= now.ns, now);
}
