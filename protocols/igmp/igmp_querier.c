/* General queries, and the election of who sends them: RFC 9776 6.1, 6.6.2, 7.3.1. */
#include <string.h>

#include "protocols/igmp/igmp_internal.h"

#define MISMATCH_GAP_NS (60 * NS_PER_S) /* between two warnings: 7.3.1 */

static void use_own_intervals(struct igmp_interface *i)
{
    i->robustness = i->settings->robustness;
    i->query_interval_ns = i->settings->query_interval_ms * NS_PER_MS;
    i->response_interval_ns = i->settings->response_interval_ms * NS_PER_MS;
}

static unsigned startup_count(const struct igmp_interface *i)
{
    return i->settings->startup_count != 0 ? i->settings->startup_count : i->settings->robustness;
}

static uint64_t startup_interval(const struct igmp_interface *i)
{
    return i->settings->startup_interval_ms != 0 ? i->settings->startup_interval_ms * NS_PER_MS
                                                 : i->query_interval_ns / 4;
}

uint8_t igmp_querier_version(const struct igmp_interface *i, struct now now)
{
    for (uint8_t version = 1; i->settings->compatibility && version < i->settings->version && version < 3; version++)
        if (i->old_until_ns[version] > now.ns)
            return version;
    return i->settings->version;
}

void igmp_querier_send(struct igmp_interface *i, struct igmp_query *query, struct now now)
{
    uint8_t bytes[IGMP_MESSAGE_MAX];
    char group[ADDR_TEXT];
    query->version = igmp_querier_version(i, now);
    query->robustness = i->robustness;
    query->interval_s = (uint32_t)(i->query_interval_ns / NS_PER_S);
    query->max_resp_ms =
        query->group == 0 ? (uint32_t)(i->response_interval_ns / NS_PER_MS) : i->settings->last_member_interval_ms;
    size_t len = igmp_query_put(query, bytes);
    igmp_debug_if(i->igmp, IGMP_DEBUG_PACKETS, i->port, 0, "sending version %u query of %s, %u sources%s",
                  query->version, addr_text(query->group, group), query->n, query->suppress ? ", S" : "");
    if (!igmp_send(i, query->group == 0 ? IGMP_ALL_SYSTEMS : query->group, bytes, len, now))
        return;
    if (query->group == 0)
        i->counters.out_general++;
    else
        (*(query->n == 0 ? &i->counters.out_group : &i->counters.out_source))++;
    struct igmp_message heard;
    if (igmp_message_parse(bytes, len, &heard) == IGMP_ACCEPT) /* 5: we hear what we send */
        igmp_host_query(i, &heard, now);
}

/* ---- asking ---- */

static void become_querier(struct igmp_interface *i, struct now now)
{
    i->querier = true;
    i->querier_addr = i->addresses[0].addr;
    i->querier_since_ns = now.ns;
    i->other_until_ns = 0;
    use_own_intervals(i);
}

static void send_general(struct igmp_interface *i, struct now now)
{
    struct igmp_query query = {.group = 0};
    igmp_querier_send(i, &query, now);
    if (i->startup_left > 0)
        i->startup_left--;
    uint64_t gap = i->startup_left > 0 ? startup_interval(i) : i->query_interval_ns;
    timer_set(&i->igmp->timers, &i->timer, now.ns + gap);
}

static void fire(struct timer *timer, void *context, struct now now)
{
    struct igmp_interface *i = (struct igmp_interface *)((char *)timer - offsetof(struct igmp_interface, timer));
    struct igmp *igmp = context;
    if (i->querier) {
        send_general(i, now);
        return;
    }
    if (i->other_until_ns > now.ns) {
        timer_set(&igmp->timers, timer, i->other_until_ns);
        return;
    }
    i->other_until_ns = 0;
    if (!i->settings->querier) {
        i->querier_addr = 0;
        use_own_intervals(i);
        return;
    }
    char other[ADDR_TEXT];
    igmp_log(igmp, IGMP_NOTICE, i->port, i->querier_addr, "%s asks no more: this router is the querier now",
             addr_text(i->querier_addr, other));
    become_querier(i, now);
    send_general(i, now);
    igmp->hooks.changed(igmp->hooks.context, i->port, 0, now);
}

void igmp_querier_start(struct igmp_interface *i, struct now now)
{
    i->timer.fire = fire;
    i->querier_addr = 0;
    i->querier_since_ns = now.ns;
    i->other_until_ns = 0;
    use_own_intervals(i);
    i->startup_left = startup_count(i);
    i->complete_ns = now.ns + (i->startup_left - 1) * startup_interval(i) + i->response_interval_ns;
    if (i->settings->querier) {
        become_querier(i, now);
        timer_set(&i->igmp->timers, &i->timer, now.ns);
    } else {
        i->querier = false;
        i->complete_ns = now.ns + igmp_membership_interval(i);
        timer_stop(&i->igmp->timers, &i->timer);
    }
}

void igmp_querier_stop(struct igmp_interface *i)
{
    i->querier = false;
    i->querier_addr = 0;
    i->startup_left = 0;
    i->other_until_ns = i->old_until_ns[1] = i->old_until_ns[2] = 0;
    timer_stop(&i->igmp->timers, &i->timer);
}

void igmp_querier_configured(struct igmp_interface *i, struct now now)
{
    if (!i->up || i->upstream) {
        use_own_intervals(i);
        return;
    }
    if (i->querier != i->settings->querier && (i->querier || i->other_until_ns == 0)) {
        igmp_querier_start(i, now);
        i->igmp->hooks.changed(i->igmp->hooks.context, i->port, 0, now);
        return;
    }
    if (!i->querier)
        return;
    use_own_intervals(i);
    if (i->timer.due_ns > now.ns + i->query_interval_ns)
        timer_set(&i->igmp->timers, &i->timer, now.ns + i->query_interval_ns);
}

/* ---- hearing another ---- */

static void note_version(struct igmp_interface *i, uint32_t src, const struct igmp_message *query, struct now now)
{
    char other[ADDR_TEXT];
    if (query->version < 3 && (query->version == 1 || query->group == 0))
        i->old_until_ns[query->version] =
            now.ns + i->robustness * i->query_interval_ns + 10 * query->max_resp_ms * NS_PER_MS;
    if (query->version == i->settings->version)
        return;
    i->counters.version_mismatches++;
    if (i->mismatch_ns != 0 && now.ns - i->mismatch_ns < MISMATCH_GAP_NS)
        return;
    i->mismatch_ns = now.ns;
    bool follows = query->version < i->settings->version && i->settings->compatibility;
    igmp_log(i->igmp, IGMP_WARNING, i->port, src, "%s asks in version %u of IGMP, and this interface is set to %u%s",
             addr_text(src, other), query->version, i->settings->version,
             follows ? "; it speaks the older one for now" : "; set all routers of this wire to the same version");
}

/* What the elected querier says of itself holds for everyone: 4.1.6, 4.1.7. */
static void adopt(struct igmp_interface *i, const struct igmp_message *query)
{
    use_own_intervals(i);
    if (query->robustness != 0)
        i->robustness = query->robustness;
    if (query->interval_s != 0)
        i->query_interval_ns = query->interval_s * NS_PER_S;
    if (query->max_resp_ms != 0)
        i->response_interval_ns = query->max_resp_ms * NS_PER_MS;
}

static void lose_election(struct igmp_interface *i, uint32_t src, struct now now)
{
    char other[ADDR_TEXT];
    igmp_log(i->igmp, IGMP_NOTICE, i->port, src, "%s has a lower address and is the querier now",
             addr_text(src, other));
    i->querier = false;
    i->startup_left = 0;
    i->querier_since_ns = now.ns;
    if (i->complete_ns > now.ns)
        i->complete_ns = now.ns + igmp_membership_interval(i);
}

static void follow(struct igmp_interface *i, uint32_t src, const struct igmp_message *query, struct now now)
{
    bool was = i->querier;
    if (was)
        lose_election(i, src, now);
    if (i->querier_addr != src)
        i->querier_since_ns = now.ns;
    i->querier_addr = src;
    adopt(i, query);
    i->other_until_ns = now.ns + igmp_other_querier_interval(i);
    if (was || !timer_is_set(&i->timer))
        timer_set(&i->igmp->timers, &i->timer, i->other_until_ns);
    else if (i->timer.due_ns > i->other_until_ns)
        timer_set(&i->igmp->timers, &i->timer, i->other_until_ns);
    if (was)
        i->igmp->hooks.changed(i->igmp->hooks.context, i->port, 0, now);
}

void igmp_querier_hear(struct igmp_interface *i, uint32_t src, const struct igmp_message *query, bool to_hosts,
                       struct now now)
{
    note_version(i, src, query, now);
    bool lower = src < i->addresses[0].addr;
    if (query->group == 0 && (lower || !i->settings->querier))
        follow(i, src, query, now);
    if (query->group != 0 && to_hosts && !query->suppress)
        igmp_group_queried(i, query, now);
}
