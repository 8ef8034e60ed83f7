/* What comes in. One ladder of checks, cheapest first; each rung has a reason, which is counted. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "protocols/igmp/igmp_internal.h"

#define LOG_GAP_NS (60 * NS_PER_S) /* between two complaints of one kind about one interface */

struct incoming {
    const struct igmp_datagram *datagram;
    struct igmp_interface *interface;
    struct igmp_message message;
};

/* ---- refusals ---- */

/* What happens where nothing is wrong. */
static bool is_ordinary(enum igmp_reject reject)
{
    return reject == IGMP_REJECT_TYPE || reject == IGMP_REJECT_OWN || reject == IGMP_REJECT_UNNUMBERED_QUERY ||
           reject == IGMP_REJECT_RECORD_TYPE || reject == IGMP_REJECT_LINK_LOCAL ||
           reject == IGMP_REJECT_VERSION_1_LEAVE || reject == IGMP_REJECT_NOT_QUERIER ||
           reject == IGMP_REJECT_UNKNOWN_GROUP;
}

static void refuse(const struct incoming *in, enum igmp_reject reject, struct now now)
{
    struct igmp_interface *i = in->interface;
    struct igmp *igmp = i->igmp;
    char text[ADDR_TEXT];
    igmp->rejects[reject]++;
    i->counters.rejects[reject]++;
    igmp_debug_if(igmp, IGMP_DEBUG_PACKETS, i->port, in->datagram->src, "refused: %s", igmp_reject_meaning[reject]);
    uint64_t *complained_ns = &i->complained_ns[reject];
    if (is_ordinary(reject) || (*complained_ns != 0 && now.ns - *complained_ns < LOG_GAP_NS))
        return;
    *complained_ns = now.ns;
    igmp_log(igmp, IGMP_WARNING, i->port, in->datagram->src, "refused what %s sent: %s (%s); further ones are counted",
             addr_text(in->datagram->src, text), igmp_reject_meaning[reject], igmp_reject_name[reject]);
}

/* ---- records ---- */

static int compare(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

static bool can_send(uint32_t source)
{
    return !addr_is_this_network(source) && !addr_is_loopback(source) && !addr_is_multicast(source) &&
           !addr_is_class_e(source);
}

/* The record's sources, in order and without doubles, in igmp->list. */
static unsigned list_sources(const struct incoming *in, const struct igmp_record *record, struct now now)
{
    uint32_t *list = in->interface->igmp->list;
    unsigned n = 0, unique = 0;
    bool sorted = true;
    for (unsigned j = 0; j < record->n && n < IGMP_LIST_MAX; j++) {
        uint32_t source = load_be32(record->sources + 4 * (size_t)j);
        if (!can_send(source)) {
            refuse(in, IGMP_REJECT_SOURCE_ADDRESS, now);
            continue;
        }
        sorted = sorted && (n == 0 || list[n - 1] < source);
        list[n++] = source;
    }
    if (sorted)
        return n;
    qsort(list, n, sizeof *list, compare);
    for (unsigned j = 0; j < n; j++)
        if (j == 0 || list[j] != list[unique - 1])
            list[unique++] = list[j];
    return unique;
}

static enum igmp_reject check_record(const struct igmp *igmp, uint32_t group, uint8_t type, uint8_t version)
{
    if (type < IGMP_IS_IN || type > IGMP_BLOCK)
        return IGMP_REJECT_RECORD_TYPE;
    if (!addr_is_multicast(group))
        return IGMP_REJECT_GROUP;
    if (igmp_is_link_local(group))
        return IGMP_REJECT_LINK_LOCAL;
    if ((version < 3 || type == IGMP_IS_EX || type == IGMP_TO_EX) && igmp_is_ssm(igmp, group)) /* RFC 9776 6.4 */
        return IGMP_REJECT_SSM;
    return IGMP_ACCEPT;
}

static void take_record(const struct incoming *in, const struct igmp_record *record, struct now now)
{
    struct igmp_interface *i = in->interface;
    uint8_t version = in->message.version;
    enum igmp_reject reject = check_record(i->igmp, record->group, record->type, version);
    if (reject == IGMP_ACCEPT) {
        unsigned n = list_sources(in, record, now);
        reject = igmp_group_record(i, record->group, record->type, version, i->igmp->list, n, in->datagram->src, now);
    }
    if (reject != IGMP_ACCEPT)
        refuse(in, reject, now);
}

/* ---- messages ---- */

static void take_query(const struct incoming *in, struct now now)
{
    struct igmp_interface *i = in->interface;
    char group[ADDR_TEXT];
    i->counters.in_queries[in->message.version]++;
    igmp_debug_if(i->igmp, IGMP_DEBUG_PACKETS, i->port, in->datagram->src,
                  "received version %u query of %s, %u sources", in->message.version,
                  addr_text(in->message.group, group), in->message.n);
    if (in->datagram->src == 0)
        refuse(in, IGMP_REJECT_UNNUMBERED_QUERY, now); /* a switch's: as hosts, we answer */
    else if (!i->upstream)
        igmp_querier_hear(i, in->datagram->src, &in->message, addr_is_multicast(in->datagram->dst), now);
    igmp_host_query(i, &in->message, now);
}

static void take_report(const struct incoming *in, struct now now)
{
    struct igmp_interface *i = in->interface;
    const struct igmp_message *m = &in->message;
    bool leave = m->type == IGMP_TYPE_LEAVE;
    (*(leave ? &i->counters.in_leaves : &i->counters.in_reports[m->version]))++;
    igmp_debug_if(i->igmp, IGMP_DEBUG_PACKETS, i->port, in->datagram->src, "received version %u %s", m->version,
                  leave ? "leave" : "report");
    if (m->version < 3 && !leave)
        igmp_host_overheard(i, m->group);
    if (i->upstream)
        return;
    if (m->version < 3) { /* RFC 9776 tables 13 and 14 */
        struct igmp_record record = {.type = leave ? IGMP_TO_IN : IGMP_IS_EX, .group = m->group};
        take_record(in, &record, now);
        return;
    }
    const uint8_t *at = m->bytes;
    for (unsigned j = 0; j < m->n; j++) {
        struct igmp_record record = igmp_record_next(&at);
        take_record(in, &record, now);
    }
}

/* ---- the ladder ---- */

static enum igmp_reject check_source(const struct incoming *in)
{
    uint32_t src = in->datagram->src;
    if (src != 0 && igmp_interface_is_own(in->interface, src))
        return IGMP_REJECT_OWN;
    if (src == 0 || igmp_interface_is_near(in->interface, src)) /* 4.2.14 */
        return IGMP_ACCEPT;
    return IGMP_REJECT_SOURCE;
}

static bool is_destination(const struct incoming *in)
{
    uint32_t dst = in->datagram->dst, group = in->message.group;
    switch (in->message.type) {
    case IGMP_TYPE_QUERY: /* 4.1.12, 9.1 */
        return dst == IGMP_ALL_SYSTEMS || (group != 0 && dst == group) || igmp_interface_is_own(in->interface, dst);
    case IGMP_TYPE_V1_REPORT: /* 4.2.15 */
    case IGMP_TYPE_V2_REPORT:
        return dst == group || dst == IGMP_ALL_SYSTEMS || dst == IGMP_ALL_ROUTERS || dst == IGMP_V3_ROUTERS ||
               igmp_interface_is_own(in->interface, dst);
    case IGMP_TYPE_LEAVE: /* RFC 2236 3 */
        return dst == IGMP_ALL_ROUTERS || dst == group;
    case IGMP_TYPE_V3_REPORT:
        return dst == IGMP_V3_ROUTERS;
    }
    return false;
}

static enum igmp_reject check_message(const struct incoming *in, struct now now)
{
    const struct igmp_message *m = &in->message;
    struct igmp_interface *i = in->interface;
    if (m->type == IGMP_TYPE_QUERY)
        return (m->group == 0 && m->n == 0) || addr_is_multicast(m->group) ? IGMP_ACCEPT : IGMP_REJECT_QUERY_GROUP;
    return bucket_take(&i->reports, i->settings->report_limit, i->settings->report_limit, now.ns) ? IGMP_ACCEPT
                                                                                                  : IGMP_REJECT_RATE;
}

static enum igmp_reject check(struct incoming *in, const uint8_t *message, size_t len, struct now now)
{
    enum igmp_reject reject = igmp_message_parse(message, len, &in->message);
    if (reject != IGMP_ACCEPT)
        return reject;
    if (in->datagram->ttl != 1)
        return IGMP_REJECT_TTL;
    if (!in->datagram->router_alert && in->interface->settings->require_router_alert)
        return IGMP_REJECT_ROUTER_ALERT;
    reject = check_source(in);
    if (reject != IGMP_ACCEPT)
        return reject;
    return is_destination(in) ? check_message(in, now) : IGMP_REJECT_DESTINATION;
}

void igmp_input(struct igmp *igmp, const struct igmp_datagram *datagram, const uint8_t *message, size_t len,
                struct now now)
{
    struct incoming in = {.datagram = datagram, .interface = igmp_interface_find(igmp, datagram->port)};
    if (in.interface == NULL || !in.interface->up || igmp->stopping) {
        igmp->no_interface++;
        return;
    }
    enum igmp_reject reject = check(&in, message, len, now);
    if (reject != IGMP_ACCEPT) {
        refuse(&in, reject, now);
        return;
    }
    if (!datagram->router_alert)
        in.interface->counters.in_no_alert++;
    if (in.message.type == IGMP_TYPE_QUERY)
        take_query(&in, now);
    else
        take_report(&in, now);
}
