/* show ip igmp [interfaces]: who asks on each interface, and what came of it. */
#include "cli/show_igmp.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/text.h"
#include "cli/tree.h"

struct igmp *show_igmp_of(const struct job *job)
{
    return job->router->igmp(job->router->context);
}

void show_igmp_nothing(struct job *job)
{
    if (!job->line->json)
        job_print(job, "IGMP does not run: \"ip igmp enable\" in an interface's mode begins it\n");
}

const char *show_timer(uint64_t left_ns, char to[SHOW_TIMER])
{
    uint64_t seconds = left_ns / NS_PER_S;
    if (left_ns == 0 || left_ns == NEVER_NS)
        return "--:--:--";
    snprintf(to, SHOW_TIMER, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, seconds / 3600, seconds / 60 % 60, seconds % 60);
    return to;
}

static uint64_t left(const struct job *job, uint64_t until_ns)
{
    uint64_t now_ns = job_now(job).ns;
    return until_ns == NEVER_NS || until_ns <= now_ns ? 0 : until_ns - now_ns;
}

/* ---- counters ---- */

struct counter {
    const char *name, *words;
    uint64_t value;
};

#define COUNTERS 19
static void counters_of(const struct igmp_interface_counters *c, struct counter to[COUNTERS])
{
    const struct counter counters[COUNTERS] = {
        {"inQueriesV1", "queries of version 1 received", c->in_queries[1]},
        {"inQueriesV2", "queries of version 2 received", c->in_queries[2]},
        {"inQueriesV3", "queries of version 3 received", c->in_queries[3]},
        {"inReportsV1", "reports of version 1 received", c->in_reports[1]},
        {"inReportsV2", "reports of version 2 received", c->in_reports[2]},
        {"inReportsV3", "reports of version 3 received", c->in_reports[3]},
        {"inLeaves", "leaves received", c->in_leaves},
        {"inNoRouterAlert", "of all these, without the router alert option", c->in_no_alert},
        {"versionMismatches", "queries of another version than is configured", c->version_mismatches},
        {"outGeneralQueries", "general queries sent", c->out_general},
        {"outGroupQueries", "queries for a group sent", c->out_group},
        {"outSourceQueries", "queries for sources of a group sent", c->out_source},
        {"outReports", "reports sent as a host", c->out_reports},
        {"outLeaves", "leaves sent as a host", c->out_leaves},
        {"outFailed", "messages that could not be sent", c->out_failed},
        {"joins", "groups that began", c->joins},
        {"leaves", "groups that ended", c->leaves},
        {"fastLeaves", "groups and sources that ended without a question", c->fast_leaves},
        {"untracked", "hosts that are not told apart", c->untracked},
    };
    for (unsigned i = 0; i < COUNTERS; i++)
        to[i] = counters[i];
}

static json_t *rejects_json(const uint64_t rejects[IGMP_REJECT__COUNT])
{
    json_t *o = json_object();
    for (unsigned i = 0; i < IGMP_REJECT__COUNT; i++)
        if (rejects[i] > 0)
            json_object_set_new(o, igmp_reject_name[i], json_count(rejects[i]));
    return o;
}

/* ---- an interface ---- */

static void print_interface(struct job *job, const struct igmp_interface_view *view)
{
    struct counter counters[COUNTERS];
    char querier[ADDR_TEXT], timer[SHOW_TIMER];
    job_print(job, "%s is %s%s, version %u, robustness %u\n", job_port_name(job, view->port), view->up ? "up" : "down",
              view->upstream ? ", upstream of the proxy" : "", view->version, view->robustness);
    if (view->querier_addr != 0)
        job_print(job, "  querier: %s%s\n", addr_text(view->querier_addr, querier),
                  view->querier ? " (this router)" : "");
    if (view->next_query_ns != NEVER_NS)
        job_print(job, "  next query in %s\n", show_timer(left(job, view->next_query_ns), timer));
    if (view->other_left_ns != 0)
        job_print(job, "  takes over in %s\n", show_timer(view->other_left_ns, timer));
    job_print(job, "  intervals: query %.1f, response %.1f, last member %.1f, membership %.1f seconds\n",
              (double)view->query_interval_ns / NS_PER_S, (double)view->response_interval_ns / NS_PER_S,
              (double)view->last_member_interval_ns / NS_PER_S, (double)view->membership_interval_ns / NS_PER_S);
    job_print(job, "  groups: %u, sources: %u, hosts: %u\n", view->groups, view->sources, view->tracked);
    counters_of(&view->counters, counters);
    for (unsigned i = 0; i < COUNTERS; i++)
        job_print(job, "  %12" PRIu64 " %s\n", counters[i].value, counters[i].words);
    for (unsigned i = 0; i < IGMP_REJECT__COUNT; i++)
        if (view->counters.rejects[i] > 0)
            job_print(job, "  %12" PRIu64 " refused: %s\n", view->counters.rejects[i], igmp_reject_meaning[i]);
}

static json_t *interface_json(const struct job *job, const struct igmp_interface_view *view)
{
    struct counter counters[COUNTERS];
    char next[SHOW_TIMER], other[SHOW_TIMER];
    json_t *counted = json_object();
    counters_of(&view->counters, counters);
    for (unsigned i = 0; i < COUNTERS; i++)
        json_object_set_new(counted, counters[i].name, json_count(counters[i].value));
    json_object_set_new(counted, "rejects", rejects_json(view->counters.rejects));
    return json_pack("{s:s, s:b, s:b, s:o, s:o, s:i, s:i, s:s, s:s, s:f, s:f, s:f, s:i, s:i, s:i, s:o}", "state",
                     view->up ? "up" : "down", "querier", (int)view->querier, "upstream", (int)view->upstream,
                     "address", view->address == 0 ? json_null() : json_addr(view->address), "querierIp",
                     view->querier_addr == 0 ? json_null() : json_addr(view->querier_addr), "version",
                     (int)view->version, "robustness", (int)view->robustness, "queryTimer",
                     show_timer(left(job, view->next_query_ns), next), "otherQuerierTimer",
                     show_timer(view->other_left_ns, other), "queryInterval",
                     (double)view->query_interval_ns / NS_PER_S, "queryResponseInterval",
                     (double)view->response_interval_ns / NS_PER_S, "lastMemberQueryInterval",
                     (double)view->last_member_interval_ns / NS_PER_S, "groups", (int)view->groups, "sources",
                     (int)view->sources, "hosts", (int)view->tracked, "counters", counted);
}

/* ---- the walk ---- */

struct walk {
    unsigned port;
};

static enum step show_interfaces(struct job *job)
{
    struct walk *walk = job->state;
    const struct igmp *igmp = show_igmp_of(job);
    struct igmp_interface_view view;
    if (igmp == NULL && job_first(job))
        show_igmp_nothing(job);
    if (job_first(job) && job->line->json)
        json_begin_object(&job->json, NULL);
    if (igmp != NULL && igmp_next_interface(igmp, &walk->port, &view, job_now(job))) {
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

static const struct command_run run = {.state_size = sizeof(struct walk), .step = show_interfaces};
const struct command command_show_ip_igmp_interfaces = {COMMAND_WORD, "interfaces", "Where IGMP runs, and who asks",
                                                        COMMAND_SHOW, .run = &run};
static const struct command *const words[] = {&command_show_ip_igmp_groups, &command_show_ip_igmp_interfaces, NULL};
const struct command command_show_ip_igmp = {COMMAND_WORD, "igmp",        "IGMP and its groups",
                                             COMMAND_SHOW, .next = words, .run = &run};
