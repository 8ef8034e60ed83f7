/* What comes in: RFC 1058 3.4, RFC 2453 3.9 and 4. One ladder of checks, cheapest first; each rung has a reason, which
 * is counted by whoever is to blame as far as that is known. */
#include <stdio.h>

#include "protocols/rip/rip_internal.h"

#define LOG_GAP_NS (60 * NS_PER_S) /* between two complaints about one neighbour */

#define REQUESTS_RATE  10 /* a second and interface, and at once: */
#define REQUESTS_BURST 20

struct incoming {
    const struct rip_datagram *datagram;
    struct rip_interface *interface;
    struct rip_neighbour *neighbour; /* NULL: nobody who could be one */
    const struct prefix *subnet;     /* our address in the sender's */
    struct rip_header header;
    const uint8_t *message;
    size_t len;
    size_t begin, end; /* of the entries */
};

/* ---- refusals ---- */

static void count_reject(struct rip *rip, const struct incoming *in, enum rip_reject reject)
{
    rip->rejects[reject]++;
    in->interface->counters.rejects[reject]++;
    if (in->neighbour != NULL)
        in->neighbour->rejects[reject]++;
}

/* Whoever forges messages forges addresses too: these are limited by interface. */
static void complain_of_authentication(struct rip *rip, const struct incoming *in, enum rip_reject reject,
                                       struct now now)
{
    char why[RIP_AUTH_TEXT_MAX], text[ADDR_TEXT];
    if (rip_auth_log_refused(&in->interface->auth_log, reject, in->message, now, why))
        rip_log(rip, RIP_WARNING, in->interface->port, in->datagram->src, "refused what %s sent: %s",
                addr_text(in->datagram->src, text), why);
}

static void complain(struct rip *rip, const struct incoming *in, enum rip_reject reject, struct now now)
{
    if (rip_reject_is_auth(reject)) {
        complain_of_authentication(rip, in, reject, now);
        return;
    }
    uint64_t *logged_ns = in->neighbour != NULL ? &in->neighbour->logged_ns : &in->interface->logged_ns;
    if (*logged_ns != 0 && now.ns - *logged_ns < LOG_GAP_NS)
        return;
    if (!bucket_take(&in->interface->complaints, 1, RIP_LOG_BURST, now.ns))
        return; /* many neighbours, or one under many names */
    *logged_ns = now.ns;
    char text[ADDR_TEXT];
    rip_log(rip, RIP_WARNING, in->interface->port, in->datagram->src,
            "refused what %s sent: %s (%s); further ones are counted", addr_text(in->datagram->src, text),
            rip_reject_meaning[reject], rip_reject_name[reject]);
}

static void refuse(struct rip *rip, const struct incoming *in, enum rip_reject reject, struct now now)
{
    count_reject(rip, in, reject);
    rip_debug_if(rip, RIP_DEBUG_PACKETS, in->interface->port, in->datagram->src, "refused %zu bytes: %s", in->len,
                 rip_reject_meaning[reject]);
    if (reject != RIP_REJECT_OWN && reject != RIP_REJECT_PASSIVE && reject != RIP_REJECT_VERSION_OFF &&
        reject != RIP_REJECT_RATE && reject != RIP_REJECT_TRIGGERED_ACK && reject != RIP_REJECT_TRIGGERED_ORDER)
        complain(rip, in, reject, now);
}

static void refuse_route(struct rip *rip, const struct incoming *in, const struct rip_entry *entry,
                         enum rip_reject reject, struct now now)
{
    char addr[ADDR_TEXT];
    count_reject(rip, in, reject);
    rip_debug_if(rip, RIP_DEBUG_PACKETS, in->interface->port, in->datagram->src, "refused %s metric %u: %s",
                 addr_text(entry->addr, addr), entry->metric, rip_reject_meaning[reject]);
    if (reject != RIP_REJECT_FILTERED)
        complain(rip, in, reject, now);
}

/* ---- requests: RFC 2453 3.9.1 ---- */

static bool is_configured(const struct rip *rip, uint32_t addr)
{
    for (unsigned i = 0; i < rip->settings->n_neighbors; i++)
        if (rip->settings->neighbors[i] == addr)
            return true;
    return false;
}

/* "As is": no split horizon, no policy. */
static void answer_entries(struct rip *rip, const struct incoming *in, struct outlet *outlet, struct now now)
{
    struct rip_entry entries[RIP_ENTRIES_MAX];
    unsigned n = 0;
    for (size_t at = in->begin; at < in->end; at += RIP_ENTRY) {
        struct rip_entry entry = rip_entry_get(in->message + at);
        struct prefix prefix;
        const struct rip_route *route = NULL;
        if (rip_entry_prefix(&entry, in->header.version, *in->subnet, &prefix) == RIP_ACCEPT)
            route = rip_route_find(rip, prefix);
        entry.metric = route != NULL ? route->metric : RIP_INFINITY;
        entries[n++] = entry;
        if (n < RIP_ENTRIES_MAX && at + RIP_ENTRY < in->end)
            continue;
        rip_outlet_answer(rip, outlet, in->datagram->src, in->datagram->src_port, entries, n, now);
        n = 0;
    }
}

/* RFC 2453 4.6: not in a version that is not sent. RFC 1058 3.4.1: one that is silent answers all the same who does not
 * ask from the port of RIP, as that one only watches. */
static bool may_answer(const struct incoming *in, const struct outlet *outlet)
{
    const struct rip_interface_settings *s = in->interface->settings;
    if (outlet->open)
        return outlet->job != JOB_GOODBYE;
    return s->passive && !s->loopback && in->datagram->src_port != RIP_PORT &&
           (s->send & (in->header.version == 1 ? RIP_V1 : RIP_V2)) != 0;
}

static enum rip_reject take_request(struct rip *rip, const struct incoming *in, struct now now)
{
    struct rip_interface *interface = in->interface;
    struct outlet *outlet = &interface->outlets[in->header.version - 1];
    bool from_router = in->datagram->src_port == RIP_PORT;
    if (interface->settings->passive && from_router && !is_configured(rip, in->datagram->src))
        return RIP_REJECT_PASSIVE;
    if (!bucket_take(&interface->requests, REQUESTS_RATE, REQUESTS_BURST, now.ns))
        return RIP_REJECT_RATE;
    interface->counters.in_requests++;
    in->neighbour->requests++;
    if (!may_answer(in, outlet))
        return RIP_ACCEPT;
    struct rip_entry first = rip_entry_get(in->message + in->begin);
    if (in->end - in->begin == RIP_ENTRY && first.family == RIP_FAMILY_NONE && first.metric == RIP_INFINITY)
        return rip_outlet_reply(rip, outlet, in->datagram->src, in->datagram->src_port);
    answer_entries(rip, in, outlet, now);
    return RIP_ACCEPT;
}

/* ---- responses: RFC 2453 3.9.2 ---- */

/* Where ENTRY's packets are to go; 0 if that were back to us. */
static uint32_t gateway_of(const struct incoming *in, const struct rip_entry *entry)
{
    bool may_differ = in->header.version > 1 && in->header.command == RIP_RESPONSE; /* RFC 2091 5.3 */
    uint32_t hop = may_differ ? entry->next_hop : 0;
    if (hop == 0 || hop == in->datagram->src)
        return in->datagram->src;
    if (rip_interface_is_own(in->interface, hop))
        return 0;
    const struct prefix *subnet = rip_interface_subnet_of(in->interface, hop);
    if (subnet != NULL && prefix_holds(*in->subnet, hop))
        return hop;
    in->interface->counters.next_hop_ignored++; /* RFC 2453 4.4 */
    return in->datagram->src;
}

/* RFC 1058 3.4.2, of any network that we are on: few lengths make an address one of those, as its last bits tell. */
static bool is_broadcast(const struct rip *rip, uint32_t addr)
{
    for (uint8_t len = 30; len > 0 && (addr & ~prefix_mask(len)) == ~prefix_mask(len); len--) {
        struct prefix network = {.addr = addr & prefix_mask(len), .len = len};
        const struct rip_route *route = rip_route_find(rip, network);
        if (route != NULL && route->interface != PORT_NONE)
            return true;
    }
    return false;
}

static enum rip_reject take_route(struct rip *rip, const struct incoming *in, const struct rip_entry *entry,
                                  struct now now)
{
    struct prefix prefix;
    enum rip_reject reject = rip_entry_prefix(entry, in->header.version, *in->subnet, &prefix);
    if (reject != RIP_ACCEPT)
        return reject;
    if (entry->metric == 0 || entry->metric > RIP_INFINITY)
        return RIP_REJECT_METRIC;
    if (prefix.len == 32 && is_broadcast(rip, prefix.addr))
        return RIP_REJECT_ADDRESS;
    uint32_t gateway = gateway_of(in, entry);
    uint8_t metric = gateway != 0 ? (uint8_t)entry->metric : RIP_INFINITY;
    return rip_path_offer(rip, in->neighbour, prefix, gateway, in->header.version > 1 ? entry->tag : 0, metric, now);
}

static void take_response(struct rip *rip, const struct incoming *in, struct now now)
{
    struct rip_neighbour *neighbour = in->neighbour;
    if (neighbour->lost)
        rip_neighbour_forget_all(rip, neighbour, now);
    in->interface->counters.in_responses++;
    neighbour->responses++;
    neighbour->version = in->header.version;
    neighbour->permanent = in->header.command == RIP_UPDATE_RESPONSE;
    if (neighbour->heard_ns == 0 && bucket_take(&in->interface->complaints, 1, RIP_LOG_BURST, now.ns))
        rip_log(rip, RIP_INFO, in->interface->port, neighbour->address, "a new neighbour, version %u",
                in->header.version);
    if (neighbour->silent)
        rip_log(rip, RIP_INFO, in->interface->port, neighbour->address, "it is heard again");
    neighbour->silent = false;
    if (neighbour->heard_ns == 0)
        rip_debug_if(rip, RIP_DEBUG_EVENTS, in->interface->port, neighbour->address, "heard for the first time");
    neighbour->heard_ns = now.ns;
    rib_batch_begin(rip->rib);
    for (size_t at = in->begin; at < in->end; at += RIP_ENTRY) {
        struct rip_entry entry = rip_entry_get(in->message + at);
        enum rip_reject reject = take_route(rip, in, &entry, now);
        if (reject == RIP_ACCEPT)
            in->interface->counters.in_routes++;
        else
            refuse_route(rip, in, &entry, reject, now);
        if (neighbour->permanent && (reject == RIP_REJECT_NEIGHBOUR_LIMIT || reject == RIP_REJECT_TABLE_FULL))
            rip_triggered_lacks(rip, neighbour, now);
    }
    rib_batch_end(rip->rib, now);
}

/* ---- RFC 2091 ---- */

static enum rip_reject take_update(struct rip *rip, const struct incoming *in, struct now now)
{
    struct rip_interface *interface = in->interface;
    bool news = false;
    if (interface->settings->passive && !is_configured(rip, in->datagram->src))
        return RIP_REJECT_PASSIVE;
    bool asks = in->header.command == RIP_UPDATE_REQUEST;
    if (asks && !bucket_take(&interface->requests, REQUESTS_RATE, REQUESTS_BURST, now.ns))
        return RIP_REJECT_RATE;
    interface->counters.in_requests += asks;
    in->neighbour->requests += asks;
    enum rip_reject reject = rip_triggered_input(rip, in->neighbour, &in->header, &news, now);
    if (news)
        take_response(rip, in, now);
    return reject;
}

/* ---- the ladder ---- */

static enum rip_reject check_sender(const struct rip *rip, struct incoming *in, struct now now)
{
    if (rip_interface_is_own(in->interface, in->datagram->src))
        return RIP_REJECT_OWN;
    in->subnet = rip_interface_subnet_of(in->interface, in->datagram->src);
    if (in->subnet == NULL)
        return RIP_REJECT_SOURCE;
    in->neighbour = rip_neighbour_get(in->interface, in->datagram->src, now);
    (void)rip;
    return in->neighbour != NULL ? RIP_ACCEPT : RIP_REJECT_NEIGHBOUR_TABLE_FULL;
}

static enum rip_reject check_authentication(struct rip *rip, struct incoming *in, size_t len, struct now now)
{
    rip_interface_watch_keys(rip, in->interface, now);
    return rip_auth_verify(&in->interface->settings->auth, in->message, len, &in->neighbour->seen,
                           in->neighbour->n_paths > 0 || rip_triggered_is_alive(in->neighbour), now, &in->begin,
                           &in->end);
}

static enum rip_reject check(struct rip *rip, struct incoming *in, size_t len, struct now now)
{
    enum rip_reject reject = check_sender(rip, in, now);
    if (reject == RIP_ACCEPT)
        reject = rip_header_parse(in->message, len, &in->header);
    if (reject != RIP_ACCEPT)
        return reject;
    if ((in->interface->settings->receive & (in->header.version == 1 ? RIP_V1 : RIP_V2)) == 0)
        return RIP_REJECT_VERSION_OFF;
    if (in->header.command != RIP_REQUEST && in->datagram->src_port != RIP_PORT)
        return RIP_REJECT_SOURCE_PORT;
    bool update = rip_is_update(in->header.command);
    if (update && !rip_triggered_is_on(rip, in->interface))
        return RIP_REJECT_TRIGGERED_OFF;
    reject = check_authentication(rip, in, len, now);
    if (reject == RIP_ACCEPT)
        reject = rip_entries_check(&in->header, in->message, in->begin, in->end);
    return reject == RIP_ACCEPT && in->begin == in->end && !update ? RIP_REJECT_SHORT : reject;
}

void rip_input(struct rip *rip, const struct rip_datagram *datagram, const uint8_t *message, size_t len, struct now now)
{
    struct incoming in = {.datagram = datagram, .message = message, .len = len};
    in.interface = rip_interface_find(rip, datagram->port);
    bool acknowledges = len > 0 && message[0] == RIP_UPDATE_ACK; /* what was said when leaving */
    if (rip->stopping && !acknowledges)
        return;
    if (in.interface == NULL || !in.interface->up || (in.interface->removed && !acknowledges)) {
        rip->no_interface++;
        return;
    }
    enum rip_reject reject = check(rip, &in, len, now);
    if (reject == RIP_ACCEPT)
        rip_debug_message(rip, in.interface, "received", datagram->src,
                          &(struct rip_told){message, len, (in.end - in.begin) / RIP_ENTRY, true});
    if (reject == RIP_ACCEPT && in.header.command == RIP_REQUEST)
        reject = take_request(rip, &in, now);
    else if (reject == RIP_ACCEPT && in.header.command == RIP_RESPONSE)
        take_response(rip, &in, now);
    else if (reject == RIP_ACCEPT)
        reject = take_update(rip, &in, now);
    if (reject != RIP_ACCEPT)
        refuse(rip, &in, reject, now);
}
