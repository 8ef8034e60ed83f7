/* show ip rip status and show ip rip interfaces. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/show_rip.h"
#include "cli/text.h"
#include "cli/tree.h"

static const char *versions_text(uint8_t versions)
{
    static const char *const of[] = {"-", "1", "2", "1 2"};
    return of[versions & 3];
}

/* Of an interface; the JSON of a choice is null where it makes none. */
static const char *mode_of(const struct rip_interface_settings *s)
{
    return s->auth.n == 0 ? rip_auth_mode_name[RIP_AUTH_NONE] : rip_auth_mode_name[s->auth.keys[0].mode];
}

static uint64_t seconds_until(const struct job *job, uint64_t ns)
{
    uint64_t now_ns = job_now(job).ns;
    return ns > now_ns ? (ns - now_ns + NS_PER_S - 1) / NS_PER_S : 0;
}

/* What the router says regularly is said by each interface at its own time: the next of them. */
static uint64_t next_update(const struct rip *rip)
{
    struct rip_interface_view view;
    uint64_t next_ns = NEVER_NS;
    for (unsigned port = 0; rip_next_interface(rip, &port, &view);)
        if (view.next_update_ns < next_ns)
            next_ns = view.next_update_ns;
    return next_ns;
}

/* ---- status ---- */

static void print_redistribution(struct job *job, const struct rip_settings *s)
{
    bool any = false;
    job_print(job, "  Redistributing:");
    for (unsigned i = 0; i < RIB_PROTOCOL__COUNT; i++) {
        if (i == RIB_RIP || !s->redistribute[i].on)
            continue;
        const struct rip_redistribute *r = &s->redistribute[i];
        job_print(job, "%s %s (metric %u", any ? "," : "", rib_protocol_name[i],
                  r->metric != 0 ? r->metric : s->default_metric);
        if (r->tag != 0)
            job_print(job, ", tag %u", r->tag);
        job_print(job, "%s)", r->list != NULL ? ", filtered" : "");
        any = true;
    }
    job_print(job, "%s\n", any ? "" : " nothing");
}

static void print_interfaces(struct job *job, const struct rip *rip)
{
    static const struct text_column columns[] = {
        {"Interface", 15, false}, {"Send", 4, false}, {"Receive", 7, false}, {"Authentication", 14, false}};
    struct rip_interface_view view;
    char line[TEXT_ROW];
    job_print(job, "    %s", text_row(columns, 4, NULL, line));
    for (unsigned port = 0; rip_next_interface(rip, &port, &view);) {
        const char *cells[] = {job_port_name(job, view.port), versions_text(view.settings->send),
                               versions_text(view.settings->receive), mode_of(view.settings)};
        job_print(job, "    %s", text_row(columns, 4, cells, line));
    }
}

static void print_rejects(struct job *job, const char *before, const uint64_t rejects[RIP_REJECT__COUNT])
{
    for (unsigned i = 0; i < RIP_REJECT__COUNT; i++)
        if (rejects[i] > 0)
            job_print(job, "%s%12" PRIu64 " %s\n", before, rejects[i], rip_reject_meaning[i]);
}

static json_t *rejects_json(const uint64_t rejects[RIP_REJECT__COUNT])
{
    json_t *o = json_object();
    for (unsigned i = 0; i < RIP_REJECT__COUNT; i++)
        if (rejects[i] > 0)
            json_object_set_new(o, rip_reject_name[i], json_count(rejects[i]));
    return o;
}

static void print_status(struct job *job, const struct rip *rip)
{
    struct rip_status status = rip_status(rip);
    const struct rip_settings *s = status.settings;
    uint64_t next_ns = next_update(rip);
    char text[TEXT_SHORT];
    job_print(job, "Routing protocol is \"rip\"\n");
    job_print(job, "  Sending updates every %u seconds with +/-15%%", s->update_s);
    if (next_ns != NEVER_NS)
        job_print(job, ", next due in %" PRIu64 " seconds", seconds_until(job, next_ns));
    job_print(job, "\n  Timeout after %u seconds, garbage after %u, hold-down %u\n", s->timeout_s, s->garbage_s,
              s->holddown_s);
    job_print(job, "  Default redistribution metric is %u\n", s->default_metric);
    print_redistribution(job, s);
    job_print(job, "  Default route is %soriginated\n", s->default_information ? "" : "not ");
    print_interfaces(job, rip);
    job_print(job, "  Interfaces: %u, %u of them up; neighbors: %u, %u of them configured\n", status.interfaces,
              status.interfaces_up, status.neighbours, s->n_neighbors);
    job_print(job, "  Routes: %zu, %zu of them learned (paths: %zu), %zu unreachable\n", status.routes, status.learned,
              status.paths, status.unreachable);
    job_print(job, "  Changes of routes: %" PRIu64 "; memory: %s\n", status.changes, text_size(status.bytes, text));
    if (s->max_routes > 0)
        job_print(job, "  Limits: %u routes of a neighbor, %u of all\n", s->max_routes, s->max_routes_altogether);
    else
        job_print(job, "  Limits: %u routes of all neighbors\n", s->max_routes_altogether);
    job_print(job, "  Up to %u equal-cost next hops; distance %u, %u by source\n", s->ecmp, s->distance,
              s->n_distances);
    job_print(job, "  Refused:\n");
    print_rejects(job, "  ", status.rejects);
    job_print(job, "  %12" PRIu64 " came in by interfaces without RIP\n", status.no_interface);
}

static json_t *redistribution_json(const struct rip_settings *s)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < RIB_PROTOCOL__COUNT; i++)
        if (i != RIB_RIP && s->redistribute[i].on)
            json_array_append_new(
                list, json_pack("{s:s, s:i, s:i}", "protocol", rib_protocol_name[i], "metric",
                                (int)(s->redistribute[i].metric != 0 ? s->redistribute[i].metric : s->default_metric),
                                "tag", (int)s->redistribute[i].tag));
    return list;
}

static json_t *status_json(const struct job *job, const struct rip *rip)
{
    struct rip_status status = rip_status(rip);
    const struct rip_settings *s = status.settings;
    uint64_t next_ns = next_update(rip);
    json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:o}", "updateTimer", (json_int_t)s->update_s, "timeoutTimer",
                          (json_int_t)s->timeout_s, "garbageTimer", (json_int_t)s->garbage_s, "holdDownTimer",
                          (json_int_t)s->holddown_s, "nextUpdate",
                          next_ns == NEVER_NS ? json_null() : json_count(seconds_until(job, next_ns)));
    json_object_set_new(o, "distance", json_integer(s->distance));
    json_object_set_new(o, "ecmp", json_integer(s->ecmp));
    json_object_set_new(o, "defaultMetric", json_integer(s->default_metric));
    json_object_set_new(o, "defaultInformation", json_boolean(s->default_information));
    json_object_set_new(o, "redistribute", redistribution_json(s));
    json_object_set_new(o, "routeLimit", json_count(s->max_routes));
    json_object_set_new(o, "tableLimit", json_count(s->max_routes_altogether));
    json_object_set_new(o, "interfaces", json_count(status.interfaces));
    json_object_set_new(o, "interfacesUp", json_count(status.interfaces_up));
    json_object_set_new(o, "neighbors", json_count(status.neighbours));
    json_object_set_new(o, "routes", json_count(status.routes));
    json_object_set_new(o, "learned", json_count(status.learned));
    json_object_set_new(o, "paths", json_count(status.paths));
    json_object_set_new(o, "unreachable", json_count(status.unreachable));
    json_object_set_new(o, "changes", json_count(status.changes));
    json_object_set_new(o, "bytes", json_count(status.bytes));
    json_object_set_new(o, "noInterface", json_count(status.no_interface));
    json_object_set_new(o, "rejects", rejects_json(status.rejects));
    return o;
}

static enum step show_status(struct job *job)
{
    const struct rip *rip = show_rip_of(job);
    if (rip == NULL)
        show_rip_nothing(job);
    if (job->line->json)
        json_document(&job->json, rip == NULL ? json_object() : status_json(job, rip));
    else if (rip != NULL)
        print_status(job, rip);
    return STEP_DONE;
}

static const struct command_run run_status = {.step = show_status};
const struct command command_show_ip_rip_status = {COMMAND_WORD, "status", "Timers and settings", COMMAND_SHOW,
                                                   .run = &run_status};

/* ---- interfaces ---- */

struct walk {
    unsigned port;
};

struct counter {
    const char *name, *words;
    uint64_t value;
};

#define COUNTERS 15
static void counters_of(const struct rip_interface_counters *c, struct counter to[COUNTERS])
{
    to[0] = (struct counter){"inRequests", "requests received", c->in_requests};
    to[1] = (struct counter){"inResponses", "responses received", c->in_responses};
    to[2] = (struct counter){"inRoutes", "routes received", c->in_routes};
    to[3] = (struct counter){"outRequests", "requests sent", c->out_requests};
    to[4] = (struct counter){"outUpdates", "messages of regular updates sent", c->out_updates};
    to[5] = (struct counter){"outTriggered", "messages of triggered updates sent", c->out_triggered};
    to[6] = (struct counter){"outReplies", "replies sent", c->out_replies};
    to[7] = (struct counter){"outRoutes", "routes sent", c->out_routes};
    to[8] = (struct counter){"outFailed", "messages that could not be sent or signed", c->out_failed};
    to[9] = (struct counter){"neighborsEvicted", "neighbors forgotten to make room", c->neighbours_evicted};
    to[10] = (struct counter){"nextHopIgnored", "routes by a next hop that is not on the subnet", c->next_hop_ignored};
    to[11] = (struct counter){"outChanges", "update responses sent (RFC 2091)", c->out_changes};
    to[12] = (struct counter){"inAcks", "update responses acknowledged by peers", c->in_acks};
    to[13] = (struct counter){"outAcks", "update responses of peers acknowledged", c->out_acks};
    to[14] = (struct counter){"retransmissions", "update requests and responses sent again", c->retransmissions};
}

static void print_interface(struct job *job, const struct rip_interface_view *view)
{
    const struct rip_interface_settings *s = view->settings;
    struct counter counters[COUNTERS];
    char prefix[PREFIX_TEXT];
    job_print(job, "%s is %s%s%s\n", job_port_name(job, view->port), view->up ? "up" : "down",
              s->passive ? ", passive" : "", s->triggered ? ", triggered" : "");
    for (unsigned i = 0; i < view->n_addresses; i++)
        job_print(job, "  address %s\n", prefix_text(view->addresses[i], prefix));
    job_print(job, "  send version %s%s, receive version %s, split horizon %s\n", versions_text(s->send),
              s->broadcast ? " by broadcast" : "", versions_text(s->receive), rip_split_horizon_name[s->split_horizon]);
    job_print(job, "  authentication %s, metric in +%u out +%u, filters in %s out %s\n", mode_of(s), s->metric_in,
              s->metric_out, s->list_in != NULL ? "on" : "off", s->list_out != NULL ? "on" : "off");
    job_print(job, "  neighbors: %u", view->neighbours);
    if (s->triggered)
        job_print(job, ", %u of them peers of RFC 2091's exchange", view->peers);
    if (view->next_update_ns != NEVER_NS)
        job_print(job, ", next update in %" PRIu64 " seconds", seconds_until(job, view->next_update_ns));
    job_print(job, "\n");
    counters_of(&view->counters, counters);
    for (unsigned i = 0; i < COUNTERS; i++)
        job_print(job, "  %12" PRIu64 " %s\n", counters[i].value, counters[i].words);
    print_rejects(job, "  ", view->counters.rejects);
}

static json_t *interface_json(const struct job *job, const struct rip_interface_view *view)
{
    const struct rip_interface_settings *s = view->settings;
    struct counter counters[COUNTERS];
    json_t *counted = json_object();
    counters_of(&view->counters, counters);
    for (unsigned i = 0; i < COUNTERS; i++)
        json_object_set_new(counted, counters[i].name, json_count(counters[i].value));
    json_object_set_new(counted, "rejects", rejects_json(view->counters.rejects));
    return json_pack(
        "{s:b, s:b, s:b, s:i, s:s, s:s, s:b, s:s, s:s, s:i, s:i, s:i, s:o, s:o}", "up", (int)view->up, "passive",
        (int)s->passive, "triggered", (int)s->triggered, "peers", (int)view->peers, "sendVersion",
        versions_text(s->send), "receiveVersion", versions_text(s->receive), "v2Broadcast", (int)s->broadcast,
        "splitHorizon", rip_split_horizon_name[s->split_horizon], "authentication", mode_of(s), "metricIn",
        (int)s->metric_in, "metricOut", (int)s->metric_out, "neighbors", (int)view->neighbours, "nextUpdate",
        view->next_update_ns == NEVER_NS ? json_null() : json_count(seconds_until(job, view->next_update_ns)),
        "counters", counted);
}

static enum step show_interfaces(struct job *job)
{
    struct walk *walk = job->state;
    const struct rip *rip = show_rip_of(job);
    struct rip_interface_view view;
    if (rip == NULL && job_first(job))
        show_rip_nothing(job);
    if (job_first(job) && job->line->json)
        json_begin_object(&job->json, NULL);
    if (rip != NULL && rip_next_interface(rip, &walk->port, &view)) {
        if (job->line->json)
            json_member(&job->json, job_port_name(job, view.port), interface_json(job, &view));
        else
            print_interface(job, &view);
        return STEP_MORE;
    }
    if (job->line->json)
        json_end(&job->json);
    return STEP_DONE;
}

static const struct command_run run_interfaces = {.state_size = sizeof(struct walk), .step = show_interfaces};
const struct command command_show_ip_rip_interfaces = {COMMAND_WORD, "interfaces", "Where RIP runs", COMMAND_SHOW,
                                                       .run = &run_interfaces};
