/* Hosts. */
#include "tests/sim/igmp.h"

#include "forwarding/bytes.h"

#define UNSOLICITED_NS NS_PER_S        /* RFC 9776 8.11 */
#define V1_DELAY_NS    (10 * NS_PER_S) /* RFC 1112 */
#define TICK_NS        (NS_PER_MS)     /* answers come before, not at, the end of the response time */

static uint64_t delay(struct sim *sim, uint64_t within_ns)
{
    return 1 + sim_below(sim, within_ns > TICK_NS ? within_ns - TICK_NS : 1);
}

static unsigned number_of(const struct sim *sim, const struct host *host)
{
    return (unsigned)(host - sim->hosts);
}

static unsigned slot_of(const struct slot *slot)
{
    return (unsigned)(slot - slot->host->slots);
}

static uint32_t list(uint8_t mask, uint32_t to[SOURCES])
{
    uint32_t n = 0;
    for (unsigned j = 0; j < SOURCES; j++)
        if (mask >> j & 1)
            to[n++] = source_addr(j);
    return n;
}

/* ---- loss ---- */

static bool may_lose(const struct sim *sim, const struct slot *slot, uint16_t exchanges, unsigned more)
{
    for (unsigned j = 0; j < EXCHANGES; j++)
        if ((exchanges >> j & 1) && slot->lost[j] + slot->pending[j] + more >= sim->settings.robustness)
            return false;
    return true;
}

static bool is_unlucky(struct sim *sim)
{
    return sim_below(sim, 1000) < sim->loss;
}

static void end_exchanges(struct slot *slot, uint16_t exchanges, bool lost)
{
    for (unsigned j = 0; j < EXCHANGES; j++) {
        if (!(exchanges >> j & 1))
            continue;
        slot->lost[j] = lost ? (uint8_t)(slot->lost[j] + slot->pending[j]) : 0;
        slot->pending[j] = 0;
    }
}

static void begin_exchanges(struct slot *slot, uint16_t exchanges)
{
    for (unsigned j = 0; j < EXCHANGES; j++)
        slot->pending[j] = (uint8_t)(slot->pending[j] + (exchanges >> j & 1));
}

static uint16_t pending_of(const struct slot *slot)
{
    uint16_t exchanges = 0;
    for (unsigned j = 0; j < EXCHANGES; j++)
        exchanges |= (uint16_t)((slot->pending[j] > 0) << j);
    return exchanges;
}

/* ---- version 3: sending ---- */

static void add(struct igmp_report *report, enum igmp_record_type type, const struct slot *slot, uint8_t mask)
{
    uint32_t sources[SOURCES];
    uint32_t n = list(mask, sources);
    igmp_report_add(report, type, group_addr(slot->group), sources, n);
}

static void deliver(struct sim *sim, const struct host *host, struct igmp_report *report)
{
    igmp_report_finish(report);
    sim_deliver(sim, host, IGMP_V3_ROUTERS, report->bytes, report->len);
}

/* Table 4. */
static void build_change(const struct slot *slot, struct igmp_report *report)
{
    uint8_t allowed = 0, blocked = 0;
    igmp_report_begin(report, IGMP_MESSAGE_MAX);
    if (slot->mode_left > 0) {
        add(report, slot->exclude ? IGMP_TO_EX : IGMP_TO_IN, slot, slot->mask);
        return;
    }
    for (unsigned j = 0; j < SOURCES; j++)
        if (slot->left[j] > 0)
            *(slot_wants(slot, j) ? &allowed : &blocked) |= (uint8_t)(1u << j);
    if (allowed != 0)
        add(report, IGMP_ALLOW, slot, allowed);
    if (blocked != 0)
        add(report, IGMP_BLOCK, slot, blocked);
}

static bool count_down(struct slot *slot)
{
    bool more = false;
    if (slot->mode_left > 0)
        slot->mode_left--;
    for (unsigned j = 0; j < SOURCES; j++) {
        if (slot->left[j] > 0)
            slot->left[j]--;
        more = more || slot->left[j] > 0;
    }
    return more || slot->mode_left > 0;
}

/* ---- versions 1 and 2: sending ---- */

/* Others on the wire hear what the router hears. */
static void suppress_others(struct sim *sim, struct slot *reporter)
{
    for (struct slot *slot = sim->groups[reporter->group].slots; slot != NULL; slot = slot->next) {
        bool heeds = slot->host->version == 2 || (slot->host->version == 1 && reporter->host->version == 1);
        if (slot == reporter || !heeds || slot->host->dead)
            continue;
        slot->last_reporter = false;
        slot->answer_ns = slot->repeat_ns = 0;
        slot->mode_left = 0;
        end_exchanges(slot, pending_of(slot), false);
    }
}

static void report_short(struct sim *sim, struct slot *slot, bool lost)
{
    uint8_t bytes[IGMP_HEADER];
    slot->last_reporter = true;
    if (lost) {
        sim->lost++;
        return;
    }
    size_t len = igmp_short_put(slot->host->version == 1 ? IGMP_TYPE_V1_REPORT : IGMP_TYPE_V2_REPORT,
                                group_addr(slot->group), bytes);
    suppress_others(sim, slot);
    sim_deliver(sim, slot->host, group_addr(slot->group), bytes, len);
}

static void leave_short(struct sim *sim, struct slot *slot)
{
    uint8_t bytes[IGMP_HEADER];
    if (slot->host->version == 1 || !slot->last_reporter || is_unlucky(sim))
        return;
    size_t len = igmp_short_put(IGMP_TYPE_LEAVE, group_addr(slot->group), bytes);
    sim_deliver(sim, slot->host, IGMP_ALL_ROUTERS, bytes, len);
}

/* ---- changes ---- */

/* Sends what has changed, and again within the unsolicited report interval. */
static void send_change(struct sim *sim, struct slot *slot)
{
    struct igmp_report report;
    bool more, lost = slot->change_lost < sim->settings.robustness - 1 && is_unlucky(sim);
    slot->change_lost = lost ? (uint8_t)(slot->change_lost + 1) : 0;
    if (slot->host->version < 3) {
        more = --slot->mode_left > 0;
        report_short(sim, slot, lost);
    } else {
        build_change(slot, &report);
        more = count_down(slot);
        if (lost)
            sim->lost++;
        else
            deliver(sim, slot->host, &report);
    }
    slot->repeat_ns = more ? sim->now.ns + delay(sim, UNSOLICITED_NS) : 0;
    if (more)
        sim_event(sim, slot->repeat_ns, EVENT_REPEAT, number_of(sim, slot->host), slot_of(slot));
}

void host_change(struct sim *sim, struct slot *slot, bool exclude, uint8_t mask)
{
    bool was = slot->exclude;
    uint8_t differs = slot->mask ^ mask;
    if (was == exclude && differs == 0)
        return;
    slot->exclude = exclude;
    slot->mask = mask;
    sim_wants(sim, slot);
    if (slot->host->version < 3) {
        slot->answer_ns = slot->repeat_ns = 0;
        end_exchanges(slot, pending_of(slot), false);
        slot->mode_left = exclude ? sim->settings.robustness : 0;
        if (exclude)
            send_change(sim, slot);
        else
            leave_short(sim, slot);
        return;
    }
    if (was != exclude)
        slot->mode_left = sim->settings.robustness;
    for (unsigned j = 0; j < SOURCES && was == exclude; j++)
        if (differs >> j & 1)
            slot->left[j] = sim->settings.robustness;
    send_change(sim, slot);
}

void host_die(struct sim *sim, struct host *host)
{
    host->dead = !host->dead;
    host->general_ns = 0;
    for (unsigned j = 0; j < SLOTS; j++) {
        struct slot *slot = &host->slots[j];
        if (slot_is_member(slot) || slot->repeat_ns != 0)
            sim->groups[slot->group].crash_ns = sim->now.ns;
        slot->exclude = false;
        slot->mask = slot->mode_left = 0;
        slot->answer_ns = slot->repeat_ns = 0;
        slot->last_reporter = false;
        slot->riding = 0;
        for (unsigned k = 0; k < SOURCES; k++)
            slot->left[k] = 0;
        for (unsigned k = 0; k < EXCHANGES; k++)
            slot->lost[k] = slot->pending[k] = 0;
        sim_wants(sim, slot);
    }
}

/* ---- queries: 5.2 ---- */

static void answer_at(struct sim *sim, struct slot *slot, uint64_t ns)
{
    if (slot->answer_ns != 0 && slot->answer_ns <= ns)
        return;
    slot->answer_ns = ns;
    sim_event(sim, ns, EVENT_ANSWER, number_of(sim, slot->host), slot_of(slot));
}

static void hear_short(struct sim *sim, struct slot *slot, const struct igmp_message *query)
{
    uint16_t exchange = (uint16_t)(1u << (query->group == 0 ? GENERAL : GROUP));
    if (!slot_is_member(slot) || slot->host->dead || (slot->host->version == 1 && query->group != 0))
        return;
    if (may_lose(sim, slot, exchange, 1) && is_unlucky(sim)) {
        begin_exchanges(slot, exchange);
        slot->lost[query->group == 0 ? GENERAL : GROUP]++;
        slot->pending[query->group == 0 ? GENERAL : GROUP]--;
        return;
    }
    begin_exchanges(slot, exchange);
    answer_at(sim, slot,
              sim->now.ns + delay(sim, slot->host->version == 1 ? V1_DELAY_NS : query->max_resp_ms * NS_PER_MS));
}

static void hear_general(struct sim *sim, struct host *host, const struct igmp_message *query)
{
    bool may = true, member = false;
    const uint16_t exchange = 1u << GENERAL;
    for (unsigned j = 0; j < SLOTS; j++) {
        may = may && may_lose(sim, &host->slots[j], exchange, 1);
        member = member || slot_is_member(&host->slots[j]);
    }
    if (!member)
        return;
    bool lost = may && is_unlucky(sim);
    for (unsigned j = 0; j < SLOTS; j++) {
        if (lost)
            host->slots[j].lost[GENERAL]++;
        else
            begin_exchanges(&host->slots[j], exchange);
    }
    uint64_t ns = sim->now.ns + delay(sim, query->max_resp_ms * NS_PER_MS);
    if (lost || (host->general_ns != 0 && host->general_ns <= ns))
        return;            /* rule 1 */
    host->general_ns = ns; /* rule 2 */
    sim_event(sim, ns, EVENT_GENERAL, number_of(sim, host), 0);
}

static void hear_specific(struct sim *sim, struct slot *slot, const struct igmp_message *query, uint8_t asked)
{
    struct host *host = slot->host;
    uint16_t exchanges = asked != 0 ? asked : (uint16_t)(1u << GROUP);
    if (!slot_is_member(slot) || host->dead)
        return;
    if (may_lose(sim, slot, exchanges, 1) && is_unlucky(sim)) {
        for (unsigned j = 0; j < EXCHANGES; j++)
            slot->lost[j] = (uint8_t)(slot->lost[j] + (exchanges >> j & 1));
        return;
    }
    begin_exchanges(slot, exchanges);
    uint64_t ns = sim->now.ns + delay(sim, query->max_resp_ms * NS_PER_MS);
    if (host->general_ns != 0 && host->general_ns <= ns) { /* rule 1 */
        slot->riding |= exchanges;
        return;
    }
    if (slot->answer_ns == 0) /* rule 3 */
        slot->asked = asked;
    else if (asked == 0 || slot->asked == 0) /* rule 4 */
        slot->asked = 0;
    else /* rule 5 */
        slot->asked |= asked;
    answer_at(sim, slot, ns);
}

void host_hear_query(struct sim *sim, const struct igmp_message *query)
{
    uint32_t number = (query->group & 0xffff);
    uint8_t asked = 0;
    sim->queries++;
    for (unsigned j = 0; j < query->n; j++)
        asked |= (uint8_t)(1u << (load_be32(query->bytes + 4 * (size_t)j) - source_addr(0)));
    for (unsigned i = 0; query->group == 0 && i < sim->n_hosts; i++) {
        struct host *host = &sim->hosts[i];
        if (host->version == 3 && !host->dead)
            hear_general(sim, host, query);
        for (unsigned j = 0; host->version < 3 && j < SLOTS; j++)
            hear_short(sim, &host->slots[j], query);
    }
    for (struct slot *slot = query->group != 0 ? sim->groups[number].slots : NULL; slot != NULL; slot = slot->next) {
        if (slot->host->version == 3)
            hear_specific(sim, slot, query, asked);
        else
            hear_short(sim, slot, query);
    }
}

/* ---- answers ---- */

static void answer_general(struct sim *sim, struct host *host)
{
    struct igmp_report report;
    bool may = true;
    host->general_ns = 0;
    igmp_report_begin(&report, IGMP_MESSAGE_MAX);
    for (unsigned j = 0; j < SLOTS; j++) {
        struct slot *slot = &host->slots[j];
        may = may && may_lose(sim, slot, (uint16_t)(1u << GENERAL | slot->riding), 0);
        if (slot_is_member(slot))
            add(&report, slot->exclude ? IGMP_IS_EX : IGMP_IS_IN, slot, slot->mask);
    }
    bool lost = may && is_unlucky(sim);
    for (unsigned j = 0; j < SLOTS; j++) {
        end_exchanges(&host->slots[j], (uint16_t)(1u << GENERAL | host->slots[j].riding), lost);
        host->slots[j].riding = 0;
    }
    if (report.n == 0)
        return;
    if (lost)
        sim->lost++;
    else
        deliver(sim, host, &report);
}

/* Table 5, or the whole state. */
static void answer_specific(struct sim *sim, struct slot *slot)
{
    struct igmp_report report;
    uint16_t exchanges = pending_of(slot) & (uint16_t) ~(1u << GENERAL | slot->riding);
    uint8_t asked = slot->asked, answer = slot->exclude ? asked & (uint8_t)~slot->mask : asked & slot->mask;
    bool lost = may_lose(sim, slot, exchanges, 0) && is_unlucky(sim);
    slot->answer_ns = 0;
    slot->asked = 0;
    end_exchanges(slot, exchanges, lost);
    if (!slot_is_member(slot) || (asked != 0 && answer == 0))
        return;
    igmp_report_begin(&report, IGMP_MESSAGE_MAX);
    if (asked != 0)
        add(&report, IGMP_IS_IN, slot, answer);
    else
        add(&report, slot->exclude ? IGMP_IS_EX : IGMP_IS_IN, slot, slot->mask);
    if (lost)
        sim->lost++;
    else
        deliver(sim, slot->host, &report);
}

static void answer_short(struct sim *sim, struct slot *slot)
{
    uint16_t exchanges = pending_of(slot);
    bool lost = may_lose(sim, slot, exchanges, 0) && is_unlucky(sim);
    slot->answer_ns = 0;
    end_exchanges(slot, exchanges, lost);
    if (slot_is_member(slot))
        report_short(sim, slot, lost);
}

void host_event(struct sim *sim, enum event_kind kind, struct host *host, unsigned number)
{
    struct slot *slot = &host->slots[number];
    if (kind == EVENT_GENERAL && host->general_ns == sim->now.ns)
        answer_general(sim, host);
    else if (kind == EVENT_ANSWER && slot->answer_ns == sim->now.ns && host->version == 3)
        answer_specific(sim, slot);
    else if (kind == EVENT_ANSWER && slot->answer_ns == sim->now.ns)
        answer_short(sim, slot);
    else if (kind == EVENT_REPEAT && slot->repeat_ns == sim->now.ns)
        send_change(sim, slot);
}
