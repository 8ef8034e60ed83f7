/* show ip rip: RIP's own table, in the look that FRR gives it. */
#include <stdio.h>

#include "cli/job.h"
#include "cli/show_rip.h"
#include "cli/text.h"
#include "cli/tree.h"

struct walk {
    struct rip_route_cursor cursor;
};

void show_rip_nothing(struct job *job)
{
    if (!job->line->json)
        job_print(job, "RIP does not run: \"router rip\" in configuration mode begins it\n");
}

struct rip *show_rip_of(const struct job *job)
{
    return job->router->rip(job->router->context);
}

/* ---- rows ---- */

/* A row is a route that is not learned, or one path of a learned one. */
struct row {
    char code[8]; /* "R(n)" */
    const char *type;
    uint32_t next_hop, from; /* 0: ourselves */
    const char *interface;
    uint8_t metric;
    uint16_t tag;
    uint64_t left_ns; /* NEVER_NS: none */
};

static struct row own_row(const struct job *job, const struct rip_route_view *view)
{
    static const char of[RIB_PROTOCOL__COUNT] = {
        [RIB_CONNECTED] = 'C', [RIB_STATIC] = 'S', [RIB_RIP] = 'R', [RIB_KERNEL] = 'K'};
    static const char *const types[RIP_KIND__COUNT] = {[RIP_LEARNED] = "normal",
                                                       [RIP_INTERFACE] = "interface",
                                                       [RIP_REDISTRIBUTED] = "redistribute",
                                                       [RIP_DEFAULT] = "default"};
    struct row row = {.type = types[view->kind], .metric = view->metric, .tag = view->tag, .left_ns = view->left_ns};
    char letter = view->kind == RIP_INTERFACE ? 'C' : view->kind == RIP_REDISTRIBUTED ? of[view->protocol] : 'R';
    snprintf(row.code, sizeof row.code, "%c(%c)", letter, row.type[0]);
    row.next_hop = view->kind == RIP_REDISTRIBUTED ? view->gateway : 0;
    row.interface = view->kind == RIP_INTERFACE ? job_port_name(job, view->port) : "-";
    return row;
}

static struct row path_row(const struct job *job, const struct rip_route_view *view, const struct rip_path_view *path)
{
    struct row row = own_row(job, view);
    row.next_hop = path->gateway;
    row.from = path->from;
    row.interface = job_port_name(job, path->port);
    row.metric = path->metric;
    row.tag = path->tag;
    row.left_ns = path->left_ns;
    return row;
}

/* ---- text ---- */

static const struct text_column columns[] = {{"", 4, false},      {"Network", 18, false}, {"Next hop", 15, false},
                                             {"Metric", 6, true}, {"From", 15, false},    {"Tag", 3, true},
                                             {"Time", 5, true}};
#define COLUMNS (sizeof columns / sizeof columns[0])

/* "02:55", as RIP's users know it; more than an hour as any other duration. */
static const char *left_text(uint64_t left_ns, char to[TEXT_SHORT])
{
    uint64_t seconds = left_ns / NS_PER_S;
    if (left_ns == NEVER_NS)
        return "-";
    if (seconds >= 3600)
        return text_duration(seconds, to);
    snprintf(to, TEXT_SHORT, "%02u:%02u", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
    return to;
}

static void print_row(struct job *job, struct prefix prefix, const struct row *row)
{
    char network[PREFIX_TEXT], next_hop[ADDR_TEXT], metric[8], from[ADDR_TEXT], tag[8], left[TEXT_SHORT],
        line[TEXT_ROW];
    snprintf(metric, sizeof metric, "%u", row->metric);
    snprintf(tag, sizeof tag, "%u", row->tag);
    const char *cells[] = {row->code,
                           prefix_text(prefix, network),
                           addr_text(row->next_hop, next_hop),
                           metric,
                           row->from == 0 ? "self" : addr_text(row->from, from),
                           tag,
                           left_text(row->left_ns, left)};
    job_print(job, "%s", text_row(columns, COLUMNS, cells, line));
}

static void print_route(struct job *job, const struct rip_route_view *view)
{
    struct row row = own_row(job, view);
    unsigned used = 0;
    for (unsigned i = 0; view->kind == RIP_LEARNED && i < view->n_paths && view->paths[i].used; i++, used++) {
        row = path_row(job, view, &view->paths[i]);
        print_row(job, view->prefix, &row);
    }
    if (used == 0)
        print_row(job, view->prefix, &row);
}

/* ---- JSON ---- */

static json_t *row_json(struct prefix prefix, const struct row *row)
{
    char text[PREFIX_TEXT];
    return json_pack("{s:s, s:s, s:o, s:i, s:o, s:i, s:o, s:o}", "prefix", prefix_text(prefix, text), "type", row->type,
                     "nextHop", json_addr(row->next_hop), "metric", (int)row->metric, "from",
                     row->from == 0 ? json_string("self") : json_addr(row->from), "tag", (int)row->tag, "interface",
                     row->interface[0] == '-' ? json_null() : json_text(row->interface), "timer",
                     row->left_ns == NEVER_NS ? json_null() : json_count(row->left_ns / NS_PER_S));
}

/* Every path, so that what waits behind the used ones is seen. */
static void add_route(struct job *job, const struct rip_route_view *view)
{
    struct row row = own_row(job, view);
    if (view->kind != RIP_LEARNED || view->n_paths == 0) {
        json_member(&job->json, NULL, row_json(view->prefix, &row));
        return;
    }
    for (unsigned i = 0; i < view->n_paths; i++) {
        row = path_row(job, view, &view->paths[i]);
        json_t *o = row_json(view->prefix, &row);
        json_object_set_new(o, "used", json_boolean(view->paths[i].used));
        json_member(&job->json, NULL, o);
    }
}

/* ---- the walk ---- */

static void begin(struct job *job)
{
    char line[TEXT_ROW];
    if (job->line->json) {
        json_begin_object(&job->json, NULL);
        json_begin_array(&job->json, "routes");
        return;
    }
    job_print(job, "Codes: R - RIP, C - connected, S - static, K - kernel\n"
                   "Sub-codes: (n) - normal, (i) - interface, (r) - redistribute, (d) - default\n\n");
    job_print(job, "%s", text_row(columns, COLUMNS, NULL, line));
}

static enum step finish(struct job *job)
{
    if (job->line->json) {
        json_end(&job->json);
        json_end(&job->json);
    }
    return STEP_DONE;
}

static enum step show_ip_rip(struct job *job)
{
    struct walk *walk = job->state;
    const struct rip *rip = show_rip_of(job);
    struct rip_route_view view;
    if (rip == NULL && job_first(job))
        show_rip_nothing(job);
    if (job_first(job) && (rip != NULL || job->line->json))
        begin(job);
    for (unsigned i = 0; i < JOB_ROWS; i++) {
        if (rip == NULL || !rip_next_route(rip, &walk->cursor, &view, job_now(job)))
            return finish(job);
        if (job->line->json)
            add_route(job, &view);
        else
            print_route(job, &view);
    }
    return STEP_MORE;
}

static const struct command_run run = {.state_size = sizeof(struct walk), .step = show_ip_rip};
static const struct command *const words[] = {&command_show_ip_rip_interfaces, &command_show_ip_rip_neighbors,
                                              &command_show_ip_rip_status, NULL};
const struct command command_show_ip_rip = {COMMAND_WORD, "rip",         "RIP and its routes",
                                            COMMAND_SHOW, .next = words, .run = &run};
