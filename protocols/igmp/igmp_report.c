/* What this router says as a host: RFC 9776 4.2, 5.1 tables 3 and 4, 5.2 table 5; versions 1 and 2 by 7.2.1. */
#include "protocols/igmp/igmp_internal.h"

void igmp_report_flush(struct igmp_interface *i, struct now now)
{
    struct igmp_report *batch = &i->host.batch;
    if (batch->n == 0)
        return;
    igmp_report_finish(batch);
    igmp_debug_if(i->igmp, IGMP_DEBUG_PACKETS, i->port, 0, "sending version 3 report, %u records", batch->n);
    if (igmp_send(i, IGMP_V3_ROUTERS, batch->bytes, batch->len, now))
        i->counters.out_reports++;
    igmp_report_begin(batch, i->room);
}

/* A record too long for one message goes in several; of those that exclude, what fits is said (4.2.17). */
static void add_record(struct igmp_interface *i, enum igmp_record_type type, uint32_t group, const uint32_t *sources,
                       unsigned n, struct now now)
{
    struct igmp_report *batch = &i->host.batch;
    if (batch->n == 0)
        igmp_report_begin(batch, i->room);
    i->igmp->batches = true;
    if (igmp_report_room(batch) < (int)n)
        igmp_report_flush(i, now);
    unsigned room = (unsigned)igmp_report_room(batch);
    while (n > room && type != IGMP_IS_EX && type != IGMP_TO_EX) {
        igmp_report_add(batch, type, group, sources, room);
        igmp_report_flush(i, now);
        sources += room;
        n -= room;
        room = (unsigned)igmp_report_room(batch);
    }
    igmp_report_add(batch, type, group, sources, n < room ? n : room);
}

static void send_short(struct igmp_interface *i, enum igmp_type type, uint32_t group, struct now now)
{
    uint8_t bytes[IGMP_HEADER];
    bool leave = type == IGMP_TYPE_LEAVE;
    size_t len = igmp_short_put(type, group, bytes);
    if (igmp_send(i, leave ? IGMP_ALL_ROUTERS : group, bytes, len, now))
        (*(leave ? &i->counters.out_leaves : &i->counters.out_reports))++;
}

static bool member_has(const struct igmp_member *member, uint32_t source)
{
    unsigned from = 0, to = member->n_sources;
    while (from < to) {
        unsigned middle = (from + to) / 2;
        if (member->sources[middle] < source)
            from = middle + 1;
        else
            to = middle;
    }
    return from < member->n_sources && member->sources[from] == source;
}

/* Table 4: those of the changed sources that must be forwarded, or those that must not. */
static void add_changes(const struct igmp_member *member, bool forwarded, struct now now)
{
    uint32_t sources[IGMP_SOURCES_MAX];
    unsigned n = 0;
    for (unsigned j = 0; j < member->n_changes && n < IGMP_SOURCES_MAX; j++)
        if ((member_has(member, member->changes[j].source) != member->exclude) == forwarded)
            sources[n++] = member->changes[j].source;
    if (n > 0)
        add_record(member->interface, forwarded ? IGMP_ALLOW : IGMP_BLOCK, member->group, sources, n, now);
}

static void count_changes(struct igmp_member *member)
{
    unsigned kept = 0;
    for (unsigned j = 0; j < member->n_changes; j++)
        if (--member->changes[j].left > 0)
            member->changes[kept++] = member->changes[j];
    member->n_changes = kept;
}

void igmp_report_change(struct igmp_member *member, struct now now)
{
    struct igmp_interface *i = member->interface;
    bool wanted = igmp_member_is_wanted(member);
    switch (igmp_host_version(i, now)) {
    case 1:
        if (wanted)
            send_short(i, IGMP_TYPE_V1_REPORT, member->group, now);
        break;
    case 2:
        send_short(i, wanted ? IGMP_TYPE_V2_REPORT : IGMP_TYPE_LEAVE, member->group, now);
        break;
    default:
        if (member->mode_left > 0) {
            add_record(i, member->exclude ? IGMP_TO_EX : IGMP_TO_IN, member->group, member->sources, member->n_sources,
                       now);
            break;
        }
        add_changes(member, true, now);
        add_changes(member, false, now);
    }
    count_changes(member);
    if (member->mode_left > 0)
        member->mode_left--;
    member->left--;
}

/* Table 5. */
static void answer_sources(const struct igmp_member *member, struct now now)
{
    uint32_t sources[IGMP_SOURCES_MAX];
    unsigned n = 0;
    for (unsigned j = 0; j < member->n_asked; j++)
        if (member_has(member, member->asked[j]) != member->exclude)
            sources[n++] = member->asked[j];
    if (n > 0)
        add_record(member->interface, IGMP_IS_IN, member->group, sources, n, now);
}

void igmp_report_answer(struct igmp_member *member, struct now now)
{
    struct igmp_interface *i = member->interface;
    uint8_t version = igmp_host_version(i, now);
    if (!igmp_member_is_wanted(member))
        return;
    if (version < 3)
        send_short(i, version == 1 ? IGMP_TYPE_V1_REPORT : IGMP_TYPE_V2_REPORT, member->group, now);
    else if (member->n_asked > 0)
        answer_sources(member, now);
    else
        add_record(i, member->exclude ? IGMP_IS_EX : IGMP_IS_IN, member->group, member->sources, member->n_sources,
                   now);
}
