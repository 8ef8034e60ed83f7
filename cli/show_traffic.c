/* show ip traffic: the router's totals; JSON names are those of RFC 4293 without their prefix. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/job.h"
#include "cli/tree.h"
#include "forwarding/icmp.h"

static const struct {
    const char *name, *words;
} ip_rows[IP_STAT__COUNT] = {
    [IP_IN_RECEIVES] = {"inReceives", "received"},
    [IP_IN_HDR_ERRORS] = {"inHdrErrors", "with a malformed header, or a time to live that ran out"},
    [IP_IN_NO_ROUTES] = {"inNoRoutes", "without a route"},
    [IP_IN_ADDR_ERRORS] = {"inAddrErrors", "with an address that is not valid here"},
    [IP_IN_UNKNOWN_PROTOS] = {"inUnknownProtos", "for the router, of a protocol that it does not speak"},
    [IP_IN_TRUNCATED_PKTS] = {"inTruncatedPkts", "shorter than their length says"},
    [IP_IN_FORW_DATAGRAMS] = {"inForwDatagrams", "to be forwarded"},
    [IP_REASM_REQDS] = {"reasmReqds", "fragments to put together"},
    [IP_REASM_OKS] = {"reasmOKs", "datagrams put together"},
    [IP_REASM_FAILS] = {"reasmFails", "datagrams that could not be put together"},
    [IP_IN_DISCARDS] = {"inDiscards", "dropped without being wrong"},
    [IP_IN_DELIVERS] = {"inDelivers", "delivered to the router itself"},
    [IP_OUT_REQUESTS] = {"outRequests", "made by the router itself"},
    [IP_OUT_NO_ROUTES] = {"outNoRoutes", "of the router's own, without a route"},
    [IP_OUT_FORW_DATAGRAMS] = {"outForwDatagrams", "forwarded"},
    [IP_OUT_DISCARDS] = {"outDiscards", "dropped on the way out"},
    [IP_OUT_FRAG_REQDS] = {"outFragReqds", "that had to be fragmented"},
    [IP_OUT_FRAG_OKS] = {"outFragOKs", "fragmented"},
    [IP_OUT_FRAG_FAILS] = {"outFragFails", "that could not be fragmented"},
    [IP_OUT_FRAG_CREATES] = {"outFragCreates", "fragments made"},
    [IP_OUT_TRANSMITS] = {"outTransmits", "sent, fragments included"},
};

/* One row of the other protocols: where it lies is the caller's business. */
struct row {
    const char *name, *words;
    uint64_t value;
};

#define ICMP_ROWS 5
static void icmp_rows(const struct icmp *icmp, struct row rows[ICMP_ROWS])
{
    rows[0] = (struct row){"inMsgs", "received", icmp->in_msgs};
    rows[1] = (struct row){"inErrors", "received malformed", icmp->in_errors};
    rows[2] = (struct row){"outMsgs", "sent", icmp->out_msgs};
    rows[3] = (struct row){"outErrors", "that could not be sent", icmp->out_errors};
    rows[4] = (struct row){"outRateLimited", "not sent, by rate limit", icmp->out_rate_limited};
}

#define ARP_ROWS 10
static void arp_rows(const struct arp_stats *arp, struct row rows[ARP_ROWS])
{
    rows[0] = (struct row){"inRequests", "requests received", arp->in_requests};
    rows[1] = (struct row){"inReplies", "replies received", arp->in_replies};
    rows[2] = (struct row){"inGratuitous", "announcements received", arp->in_gratuitous};
    rows[3] = (struct row){"inIgnored", "received that are not for the router", arp->in_ignored};
    rows[4] = (struct row){"inMalformed", "received malformed", arp->in_malformed};
    rows[5] = (struct row){"inBadSender", "received from an impossible sender", arp->in_bad_sender};
    rows[6] = (struct row){"outRequests", "requests sent", arp->out_requests};
    rows[7] = (struct row){"outReplies", "replies sent", arp->out_replies};
    rows[8] = (struct row){"outGratuitous", "announcements sent", arp->out_gratuitous};
    rows[9] = (struct row){"conflicts", "address conflicts seen", arp->conflicts};
}

#define UDP_ROWS 4
static void udp_rows(const struct udp_stats *udp, struct row rows[UDP_ROWS])
{
    rows[0] = (struct row){"inDatagrams", "delivered", udp->in_datagrams};
    rows[1] = (struct row){"noPorts", "to a port where nobody listens", udp->no_ports};
    rows[2] = (struct row){"inErrors", "received malformed", udp->in_errors};
    rows[3] = (struct row){"outDatagrams", "sent", udp->out_datagrams};
}

/* Sums of all interfaces that RIP has now. */
#define RIP_ROWS 7
static void rip_rows(const struct job *job, struct row rows[RIP_ROWS])
{
    const struct rip *rip = job->router->rip(job->router->context);
    struct rip_interface_counters sum = {0};
    struct rip_interface_view view;
    uint64_t packets = 0, routes = 0;
    for (unsigned port = 0; rip != NULL && rip_next_interface(rip, &port, &view);) {
        sum.in_requests += view.counters.in_requests;
        sum.in_responses += view.counters.in_responses;
        sum.out_requests += view.counters.out_requests;
        sum.out_updates += view.counters.out_updates + view.counters.out_triggered + view.counters.out_replies;
        sum.out_failed += view.counters.out_failed;
        for (unsigned i = 0; i < RIP_REJECT__COUNT; i++)
            *(rip_reject_route[i] ? &routes : &packets) += view.counters.rejects[i];
    }
    rows[0] = (struct row){"inRequests", "requests received", sum.in_requests};
    rows[1] = (struct row){"inResponses", "responses received", sum.in_responses};
    rows[2] = (struct row){"inBadPackets", "received and refused", packets};
    rows[3] = (struct row){"inBadRoutes", "routes refused", routes};
    rows[4] = (struct row){"outRequests", "requests sent", sum.out_requests};
    rows[5] = (struct row){"outResponses", "responses sent", sum.out_updates};
    rows[6] = (struct row){"outErrors", "that could not be sent", sum.out_failed};
}

/* Sums of all interfaces that IGMP has now. */
#define IGMP_ROWS 8
static void igmp_rows(const struct job *job, struct row rows[IGMP_ROWS])
{
    const struct igmp *igmp = job->router->igmp(job->router->context);
    struct igmp_interface_counters sum = {0};
    struct igmp_interface_view view;
    uint64_t queries = 0, reports = 0, messages = 0, records = 0;
    for (unsigned port = 0; igmp != NULL && igmp_next_interface(igmp, &port, &view, job_now(job));) {
        for (unsigned version = 1; version <= 3; version++) {
            queries += view.counters.in_queries[version];
            reports += view.counters.in_reports[version];
        }
        sum.in_leaves += view.counters.in_leaves;
        sum.out_general += view.counters.out_general + view.counters.out_group + view.counters.out_source;
        sum.out_reports += view.counters.out_reports + view.counters.out_leaves;
        sum.out_failed += view.counters.out_failed;
        for (unsigned i = 0; i < IGMP_REJECT__COUNT; i++)
            *(igmp_reject_scope[i] == IGMP_SCOPE_MESSAGE ? &messages : &records) += view.counters.rejects[i];
    }
    rows[0] = (struct row){"inQueries", "queries received", queries};
    rows[1] = (struct row){"inReports", "reports received", reports};
    rows[2] = (struct row){"inLeaves", "leaves received", sum.in_leaves};
    rows[3] = (struct row){"inBadMessages", "received and refused", messages};
    rows[4] = (struct row){"inBadRecords", "records and sources refused", records};
    rows[5] = (struct row){"outQueries", "queries sent", sum.out_general};
    rows[6] = (struct row){"outReports", "reports and leaves sent", sum.out_reports};
    rows[7] = (struct row){"outErrors", "that could not be sent", sum.out_failed};
}

static json_t *rows_json(const struct row *rows, unsigned n)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < n; i++)
        json_object_set_new(o, rows[i].name, json_count(rows[i].value));
    return o;
}

static json_t *ip_json(const struct dataplane *d)
{
    json_t *o = json_object();
    for (unsigned i = 0; i < IP_STAT__COUNT; i++)
        json_object_set_new(o, ip_rows[i].name, json_count(dataplane_ip_stat(d, i)));
    return o;
}

/* Types with a name are always there, so that a reader need not ask; the others once they have been seen. */
static json_t *types_json(const uint64_t by_type[256])
{
    json_t *o = json_object();
    for (unsigned i = 0; i < 256; i++) {
        const char *name = icmp_type_name((uint8_t)i);
        char number[16];
        snprintf(number, sizeof number, "type%u", i);
        if (name != NULL || by_type[i] != 0)
            json_object_set_new(o, name != NULL ? name : number, json_count(by_type[i]));
    }
    return o;
}

static void traffic_json(struct job *job)
{
    const struct dataplane *d = job->router->dataplane;
    struct row icmp[ICMP_ROWS], arp[ARP_ROWS], udp[UDP_ROWS], rip[RIP_ROWS], igmp[IGMP_ROWS];
    rip_rows(job, rip);
    igmp_rows(job, igmp);
    icmp_rows(&d->icmp, icmp);
    arp_rows(&d->arp.stats, arp);
    udp_rows(&d->udp, udp);
    json_t *icmp_object = rows_json(icmp, ICMP_ROWS);
    json_object_set_new(icmp_object, "in", types_json(d->icmp.in));
    json_object_set_new(icmp_object, "out", types_json(d->icmp.out));
    json_begin_object(&job->json, NULL);
    json_member(&job->json, "ip", ip_json(d));
    json_member(&job->json, "icmp", icmp_object);
    json_member(&job->json, "arp", rows_json(arp, ARP_ROWS));
    json_member(&job->json, "udp", rows_json(udp, UDP_ROWS));
    json_member(&job->json, "igmp", rows_json(igmp, IGMP_ROWS));
    json_member(&job->json, "rip", rows_json(rip, RIP_ROWS));
    json_end(&job->json);
}

static void print_rows(struct job *job, const char *title, const struct row *rows, unsigned n)
{
    job_print(job, "%s:\n", title);
    for (unsigned i = 0; i < n; i++)
        job_print(job, "  %12" PRIu64 " %s\n", rows[i].value, rows[i].words);
}

/* Of the types with a name, for people. */
static const char *const type_words[] = {
    [0] = "echo replies",          [3] = "destinations unreachable",
    [4] = "source quenches",       [5] = "redirects",
    [8] = "echo requests",         [9] = "router advertisements",
    [10] = "router solicitations", [11] = "times exceeded",
    [12] = "parameter problems",   [13] = "timestamp requests",
    [14] = "timestamp replies",    [15] = "information requests",
    [16] = "information replies",  [17] = "address mask requests",
    [18] = "address mask replies",
};

static void print_types(struct job *job, const char *direction, const uint64_t by_type[256])
{
    for (unsigned i = 0; i < 256; i++) {
        const char *words = i < sizeof type_words / sizeof type_words[0] ? type_words[i] : NULL;
        if (by_type[i] == 0)
            continue;
        if (words != NULL)
            job_print(job, "  %12" PRIu64 " %s %s\n", by_type[i], words, direction);
        else
            job_print(job, "  %12" PRIu64 " of type %u %s\n", by_type[i], i, direction);
    }
}

static enum step show_traffic(struct job *job)
{
    const struct dataplane *d = job->router->dataplane;
    struct row icmp[ICMP_ROWS], arp[ARP_ROWS], udp[UDP_ROWS], rip[RIP_ROWS], igmp[IGMP_ROWS];
    job->router->refresh_counters(job->router->context);
    if (job->line->json) {
        traffic_json(job);
        return STEP_DONE;
    }
    job_print(job, "IP packets:\n");
    for (unsigned i = 0; i < IP_STAT__COUNT; i++)
        job_print(job, "  %12" PRIu64 " %s\n", dataplane_ip_stat(d, i), ip_rows[i].words);
    icmp_rows(&d->icmp, icmp);
    print_rows(job, "ICMP messages", icmp, ICMP_ROWS);
    print_types(job, "received", d->icmp.in);
    print_types(job, "sent", d->icmp.out);
    arp_rows(&d->arp.stats, arp);
    print_rows(job, "ARP packets", arp, ARP_ROWS);
    udp_rows(&d->udp, udp);
    print_rows(job, "UDP datagrams", udp, UDP_ROWS);
    rip_rows(job, rip);
    print_rows(job, "RIP messages", rip, RIP_ROWS);
    igmp_rows(job, igmp);
    print_rows(job, "IGMP messages", igmp, IGMP_ROWS);
    return STEP_DONE;
}

static const struct command_run run = {.step = show_traffic};
const struct command command_show_ip_traffic = {COMMAND_WORD, "traffic", "Counters of IP, ICMP, ARP, UDP, RIP and IGMP",
                                                COMMAND_SHOW, .run = &run};
