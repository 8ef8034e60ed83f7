/* show ip rip neighbors, and clear ip rip. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/show_rip.h"
#include "cli/text.h"
#include "cli/tree.h"

struct walk {
    struct rip_neighbour_cursor cursor;
};

static const struct text_column columns[] = {{"Neighbor", 15, false}, {"Interface", 15, false}, {"Ver", 3, true},
                                             {"Heard", 8, true},      {"Routes", 6, true},      {"Bad msgs", 8, true},
                                             {"Bad rts", 8, true}};
#define COLUMNS (sizeof columns / sizeof columns[0])

static uint64_t seconds_since(const struct job *job, uint64_t ns)
{
    uint64_t now_ns = job_now(job).ns;
    return now_ns > ns ? (now_ns - ns) / NS_PER_S : 0;
}

/* RFC 2091's, where there is one. */
static void print_exchange(struct job *job, const struct rip_exchange_view *x)
{
    if (x->state == RIP_EXCHANGE_NONE)
        return;
    job_print(job, "               triggered: %s%s, update %u", rip_exchange_name[x->state],
              x->asking ? ", asking for everything" : "", x->sequence);
    if (x->unanswered > 0)
        job_print(job, " sent again %u times", x->unanswered);
    job_print(job, "; retransmissions %" PRIu64 ", duplicates %" PRIu64 "\n", x->retransmissions, x->duplicates);
}

static json_t *exchange_json(const struct rip_exchange_view *x)
{
    if (x->state == RIP_EXCHANGE_NONE)
        return json_null();
    return json_pack("{s:s, s:b, s:i, s:i, s:o, s:o}", "state", rip_exchange_name[x->state], "asking", (int)x->asking,
                     "sequence", (int)x->sequence, "unanswered", (int)x->unanswered, "retransmissions",
                     json_count(x->retransmissions), "duplicates", json_count(x->duplicates));
}

static void print_neighbour(struct job *job, const struct rip_neighbour_view *view)
{
    char address[ADDR_TEXT], version[8], heard[TEXT_SHORT], routes[16], packets[24], bad[24], line[TEXT_ROW];
    snprintf(version, sizeof version, "%u", view->version);
    snprintf(routes, sizeof routes, "%u", view->routes);
    snprintf(packets, sizeof packets, "%" PRIu64, view->bad_packets);
    snprintf(bad, sizeof bad, "%" PRIu64, view->bad_routes);
    const char *cells[] = {addr_text(view->address, address),
                           job_port_name(job, view->port),
                           view->version == 0 ? "-" : version,
                           view->heard_ns == 0 ? "never" : text_duration(seconds_since(job, view->heard_ns), heard),
                           routes,
                           packets,
                           bad};
    job_print(job, "%s", text_row(columns, COLUMNS, cells, line));
    print_exchange(job, &view->exchange);
    for (unsigned i = 0; i < RIP_REJECT__COUNT; i++)
        if (view->rejects[i] > 0)
            job_print(job, "  %12" PRIu64 " %s\n", view->rejects[i], rip_reject_meaning[i]);
}

static json_t *neighbour_json(const struct job *job, const struct rip_neighbour_view *view)
{
    json_t *rejects = json_object();
    for (unsigned i = 0; i < RIP_REJECT__COUNT; i++)
        if (view->rejects[i] > 0)
            json_object_set_new(rejects, rip_reject_name[i], json_count(view->rejects[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:b, s:o, s:o, s:o, s:o}", "address",
                     json_addr(view->address), "interface", json_text(job_port_name(job, view->port)), "version",
                     view->version == 0 ? json_null() : json_integer(view->version), "lastUpdate",
                     view->heard_ns == 0 ? json_null() : json_count(seconds_since(job, view->heard_ns)), "badPackets",
                     json_count(view->bad_packets), "badRoutes", json_count(view->bad_routes), "routes",
                     (int)view->routes, "configured", (int)view->configured, "requests", json_count(view->requests),
                     "responses", json_count(view->responses), "rejects", rejects, "triggered",
                     exchange_json(&view->exchange));
}

static enum step show_neighbours(struct job *job)
{
    struct walk *walk = job->state;
    const struct rip *rip = show_rip_of(job);
    struct rip_neighbour_view view;
    char line[TEXT_ROW];
    if (rip == NULL && job_first(job))
        show_rip_nothing(job);
    if (job_first(job) && job->line->json) {
        json_begin_object(&job->json, NULL);
        json_begin_array(&job->json, "neighbors");
    } else if (job_first(job) && rip != NULL) {
        job_print(job, "%s", text_row(columns, COLUMNS, NULL, line));
    }
    for (unsigned i = 0; i < JOB_ROWS && rip != NULL && rip_next_neighbour(rip, &walk->cursor, &view); i++) {
        if (job->line->json)
            json_member(&job->json, NULL, neighbour_json(job, &view));
        else
            print_neighbour(job, &view);
        if (i + 1 == JOB_ROWS)
            return STEP_MORE;
    }
    if (job->line->json) {
        json_end(&job->json);
        json_end(&job->json);
    }
    return STEP_DONE;
}

static const struct command_run run = {.state_size = sizeof(struct walk), .step = show_neighbours};
const struct command command_show_ip_rip_neighbors = {COMMAND_WORD, "neighbors", "Routers that were heard",
                                                      COMMAND_SHOW, .run = &run};

/* ---- clear ip rip ---- */

static const struct command neighbour_address;

static bool is_known(const struct rip *rip, uint32_t address)
{
    struct rip_neighbour_cursor cursor = RIP_NEIGHBOUR_START;
    struct rip_neighbour_view view;
    while (rip_next_neighbour(rip, &cursor, &view))
        if (view.address == address)
            return true;
    return false;
}

static enum step refuse(struct job *job)
{
    return job_refuse(job, "RIP does not run: \"router rip\" in configuration mode begins it");
}

static enum step clear_rip(struct job *job)
{
    const struct command_arg *address = job_arg(job, &neighbour_address);
    struct rip *rip = show_rip_of(job);
    if (rip == NULL)
        return refuse(job);
    if (address != NULL && !is_known(rip, address->addr))
        return job_refuse(job, "%s is no neighbor: show ip rip neighbors lists them", address->text);
    rip_clear(rip, address == NULL ? 0 : address->addr, job_now(job));
    return STEP_DONE;
}

static enum step clear_counters(struct job *job)
{
    struct rip *rip = show_rip_of(job);
    if (rip == NULL)
        return refuse(job);
    rip_clear_counters(rip);
    return STEP_DONE;
}

static const struct command_run run_clear = {.step = clear_rip};
static const struct command_run run_clear_counters = {.step = clear_counters};
static const struct command neighbour_address = {COMMAND_ADDR, "A.B.C.D", "Its address", .run = &run_clear,
                                                 .values = COMMAND_VALUES_RIP_NEIGHBORS};
static const struct command *const neighbour_words[] = {&neighbour_address, NULL};
static const struct command neighbour = {COMMAND_WORD, "neighbor", "What one router said", .next = neighbour_words};
static const struct command counters = {COMMAND_WORD, "counters", "The counters only", .run = &run_clear_counters};
static const struct command *const clear_words[] = {&counters, &neighbour, NULL};
const struct command command_clear_ip_rip = {COMMAND_WORD, "rip", "Forget what was learned, and ask again",
                                             .next = clear_words, .run = &run_clear};
