/* show ip route: the RIB, in the shape that FRR gives it. Text and JSON are both made of struct rib_view, a prefix at a
 * time, by a cursor that survives changes between two steps. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/job.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "protocols/rib.h"

/* Which routes, and how far. */
struct walk {
    struct rib_cursor cursor;
    bool one;  /* only those of PREFIX */
    bool none; /* not even those: nothing matched */
    struct prefix prefix;
    int protocol;     /* enum rib_protocol; -1: all */
    struct prefix of; /* of ROUTES */
    json_t *routes;   /* of the prefix that is being read; NULL: none yet */
};

static const struct command addr, prefix, connected, statics, rip, kernel;

static const char code_of[RIB_PROTOCOL__COUNT] = {
    [RIB_CONNECTED] = 'C', [RIB_STATIC] = 'S', [RIB_RIP] = 'R', [RIB_KERNEL] = 'K'};

static const char *uptime_of(const struct job *job, const struct rib_view *view, char to[TEXT_SHORT])
{
    uint64_t now = job_now(job).ns;
    return text_duration(now > view->since_ns ? (now - view->since_ns) / NS_PER_S : 0, to);
}

static bool in_fib(const struct rib_view *view, const struct rib_hop_view *hop)
{
    return view->installed && hop->active && !hop->recursive;
}

/* ---- JSON ---- */

static json_t *hop_json(const struct job *job, const struct rib_view *view, const struct rib_hop_view *hop)
{
    json_t *o = json_object();
    if (hop->hop.gateway != 0)
        json_object_set_new(o, "ip", json_addr(hop->hop.gateway));
    else
        json_object_set_new(o, "directlyConnected", json_true());
    if (hop->hop.port != PORT_NONE)
        json_object_set_new(o, "interfaceName", json_text(job_port_name(job, hop->hop.port)));
    json_object_set_new(o, "active", json_boolean(hop->active));
    if (hop->recursive)
        json_object_set_new(o, "recursive", json_true());
    else
        json_object_set_new(o, "fib", json_boolean(in_fib(view, hop)));
    if (hop->resolver)
        json_object_set_new(o, "resolver", json_true());
    return o;
}

static json_t *special_json(const struct rib_view *view)
{
    static const char *const name[] = {
        [RIB_BLACKHOLE] = "blackhole", [RIB_UNREACHABLE] = "reject", [RIB_PROHIBIT] = "adminProhibited"};
    return json_pack("{s:b, s:b, s:b, s:b}", "unreachable", 1, name[view->route.type], 1, "active", 1, "fib",
                     (int)view->installed);
}

static json_t *route_json(const struct job *job, const struct rib_view *view)
{
    char text[PREFIX_TEXT], uptime[TEXT_SHORT];
    json_t *hops = json_array();
    if (view->route.type != RIB_UNICAST)
        json_array_append_new(hops, special_json(view));
    for (unsigned i = 0; i < view->n_hops; i++)
        json_array_append_new(hops, hop_json(job, view, &view->hops[i]));
    json_t *o = json_pack("{s:s, s:s, s:b, s:b, s:i, s:I, s:s}", "prefix", prefix_text(view->route.prefix, text),
                          "protocol", rib_protocol_name[view->route.protocol], "selected", (int)view->selected,
                          "installed", (int)view->installed, "distance", (int)view->route.distance, "metric",
                          (json_int_t)view->route.metric, "uptime", uptime_of(job, view, uptime));
    if (view->route.tag != 0)
        json_object_set_new(o, "tag", json_integer(view->route.tag));
    json_object_set_new(o, "nexthops", hops);
    return o;
}

static void finish_prefix(struct job *job, struct walk *walk)
{
    char text[PREFIX_TEXT];
    if (walk->routes != NULL)
        json_member(&job->json, prefix_text(walk->of, text), walk->routes);
    walk->routes = NULL;
}

static void add_json(struct job *job, struct walk *walk, const struct rib_view *view)
{
    if (walk->routes != NULL && !prefix_equal(walk->of, view->route.prefix))
        finish_prefix(job, walk);
    if (walk->routes == NULL)
        walk->routes = json_array();
    walk->of = view->route.prefix;
    json_array_append_new(walk->routes, route_json(job, view));
}

/* ---- text ---- */

static const char *special_text(enum rib_type type)
{
    return type == RIB_BLACKHOLE     ? "unreachable (blackhole)"
           : type == RIB_UNREACHABLE ? "unreachable (ICMP unreachable)"
                                     : "unreachable (ICMP admin-prohibited)";
}

static void print_hop(struct job *job, const struct rib_hop_view *hop)
{
    char text[ADDR_TEXT];
    if (hop->hop.gateway == 0)
        job_print(job, "is directly connected, %s", job_port_name(job, hop->hop.port));
    else if (hop->hop.port == PORT_NONE)
        job_print(job, "via %s", addr_text(hop->hop.gateway, text));
    else
        job_print(job, "via %s, %s", addr_text(hop->hop.gateway, text), job_port_name(job, hop->hop.port));
    if (!hop->active)
        job_print(job, " inactive");
    else if (hop->recursive)
        job_print(job, " (recursive)");
}

static void print_route(struct job *job, const struct rib_view *view)
{
    const struct rib_route *route = &view->route;
    char head[80], text[PREFIX_TEXT], uptime[TEXT_SHORT];
    uptime_of(job, view, uptime);
    prefix_text(route->prefix, text);
    if (route->protocol == RIB_CONNECTED)
        snprintf(head, sizeof head, "%s", text);
    else
        snprintf(head, sizeof head, "%s [%u/%" PRIu32 "]", text, route->distance, route->metric);
    char code = code_of[route->protocol], best = view->selected ? '>' : ' ';
    if (view->n_hops == 0) {
        const char *what = route->type != RIB_UNICAST ? special_text(route->type) : "inactive";
        job_print(job, "%c%c%c %s %s, %s\n", code, best, view->installed ? '*' : ' ', head, what, uptime);
        return;
    }
    for (unsigned i = 0; i < view->n_hops; i++) {
        const struct rib_hop_view *hop = &view->hops[i];
        char star = in_fib(view, hop) ? '*' : ' ';
        if (i == 0)
            job_print(job, "%c%c%c %s ", code, best, star, head);
        else
            job_print(job, "  %c %*s ", star, (int)strlen(head) + (hop->resolver ? 2 : 0), "");
        print_hop(job, hop);
        job_print(job, ", %s\n", uptime);
    }
}

static void print_entry(struct job *job, const struct rib_view *view)
{
    const struct rib_route *route = &view->route;
    char text[PREFIX_TEXT], uptime[TEXT_SHORT];
    job_print(job, "Routing entry for %s\n", prefix_text(route->prefix, text));
    job_print(job, "  known via \"%s\", distance %u, metric %" PRIu32 "%s%s\n", rib_protocol_name[route->protocol],
              route->distance, route->metric, view->selected ? ", best" : "",
              view->installed ? ", installed" : ", not installed");
    job_print(job, "  last update %s ago\n", uptime_of(job, view, uptime));
    if (route->type != RIB_UNICAST)
        job_print(job, "  %c %s\n", view->installed ? '*' : ' ', special_text(route->type));
    for (unsigned i = 0; i < view->n_hops; i++) {
        job_print(job, "  %c %s", in_fib(view, &view->hops[i]) ? '*' : ' ', view->hops[i].resolver ? "  " : "");
        print_hop(job, &view->hops[i]);
        job_print(job, "\n");
    }
    job_print(job, "\n");
}

static void print_legend(struct job *job)
{
    job_print(job, "Codes: C - connected, S - static, R - RIP, K - kernel,\n"
                   "       > - selected route, * - next hop in use\n\n");
}

/* ---- the walk ---- */

static void begin(struct job *job, struct walk *walk)
{
    static const struct command *const protocol_word[RIB_PROTOCOL__COUNT] = {
        [RIB_CONNECTED] = &connected, [RIB_STATIC] = &statics, [RIB_RIP] = &rip, [RIB_KERNEL] = &kernel};
    const struct command_arg *arg;
    walk->protocol = -1;
    for (int i = 0; i < RIB_PROTOCOL__COUNT; i++)
        if (job_arg(job, protocol_word[i]) != NULL)
            walk->protocol = i;
    if ((arg = job_arg(job, &addr)) != NULL) {
        walk->one = true;
        walk->none = !rib_match(job->router->rib, arg->addr, &walk->prefix);
    } else if ((arg = job_arg(job, &prefix)) != NULL) {
        walk->one = true;
        walk->prefix = (struct prefix){prefix_network(arg->prefix), arg->prefix.len};
    }
    if (job->line->json)
        json_begin_object(&job->json, NULL);
    else if (!walk->one)
        print_legend(job);
}

static bool next_view(const struct job *job, struct walk *walk, struct rib_view *view)
{
    if (walk->none)
        return false;
    return walk->one ? rib_next_of(job->router->rib, walk->prefix, &walk->cursor, view)
                     : rib_next(job->router->rib, &walk->cursor, view);
}

static void finish(struct job *job, struct walk *walk, bool any)
{
    const struct command_arg *arg = job_arg(job, &addr) != NULL ? job_arg(job, &addr) : job_arg(job, &prefix);
    if (job->line->json) {
        finish_prefix(job, walk);
        json_end(&job->json);
    } else if (walk->one && !any) {
        job_print(job, "no route: %s is not in the table\n", arg->text);
    }
}

static enum step show_ip_route(struct job *job)
{
    struct walk *walk = job->state;
    struct rib_view view;
    if (job_first(job))
        begin(job, walk);
    for (unsigned i = 0; i < JOB_ROWS || walk->one; i++) {
        if (!next_view(job, walk, &view)) {
            finish(job, walk, i > 0);
            return STEP_DONE;
        }
        if (walk->protocol >= 0 && (int)view.route.protocol != walk->protocol)
            continue;
        if (job->line->json)
            add_json(job, walk, &view);
        else if (walk->one)
            print_entry(job, &view);
        else
            print_route(job, &view);
    }
    return STEP_MORE;
}

static void end_walk(struct job *job)
{
    struct walk *walk = job->state;
    json_decref(walk->routes);
}

/* ---- summary ---- */

static json_t *summary_json(const struct rib_summary *sum)
{
    json_t *list = json_array();
    size_t rib = 0, fib = 0;
    for (unsigned i = 0; i < RIB_PROTOCOL__COUNT; i++) {
        rib += sum->routes[i];
        fib += sum->installed[i];
        if (sum->routes[i] > 0)
            json_array_append_new(list, json_pack("{s:o, s:o, s:s}", "fib", json_count(sum->installed[i]), "rib",
                                                  json_count(sum->routes[i]), "type", rib_protocol_name[i]));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "routes", list, "routesTotal", json_count(rib), "routesTotalFib",
                     json_count(fib), "prefixes", json_count(sum->prefixes), "bytes", json_count(sum->bytes));
}

static enum step show_summary(struct job *job)
{
    static const struct text_column columns[] = {
        {"Route source", 16, false}, {"Routes", 10, true}, {"In use", 10, true}};
    struct rib_summary sum = rib_summary(job->router->rib);
    char row[TEXT_ROW], routes[24], installed[24], size[TEXT_SHORT];
    size_t rib = 0, fib = 0;
    if (job->line->json) {
        json_document(&job->json, summary_json(&sum));
        return STEP_DONE;
    }
    job_print(job, "%s", text_row(columns, 3, NULL, row));
    for (unsigned i = 0; i < RIB_PROTOCOL__COUNT; i++) {
        rib += sum.routes[i];
        fib += sum.installed[i];
        snprintf(routes, sizeof routes, "%zu", sum.routes[i]);
        snprintf(installed, sizeof installed, "%zu", sum.installed[i]);
        if (sum.routes[i] > 0)
            job_print(job, "%s", text_row(columns, 3, (const char *[]){rib_protocol_name[i], routes, installed}, row));
    }
    snprintf(routes, sizeof routes, "%zu", rib);
    snprintf(installed, sizeof installed, "%zu", fib);
    job_print(job, "%s", text_row(columns, 3, (const char *[]){"all", routes, installed}, row));
    job_print(job, "%zu prefixes, %s\n", sum.prefixes, text_size(sum.bytes, size));
    return STEP_DONE;
}

/* ---- the tables ---- */

static const struct command_run run = {.state_size = sizeof(struct walk), .step = show_ip_route, .end = end_walk};
static const struct command_run run_summary = {.step = show_summary};

static const struct command addr = {COMMAND_ADDR, "A.B.C.D", "The longest prefix that holds this address", COMMAND_SHOW,
                                    .run = &run};
static const struct command prefix = {COMMAND_PREFIX, "A.B.C.D/L", "The routes of exactly this prefix",
                                      COMMAND_SHOW,   .run = &run, .values = COMMAND_VALUES_ROUTES};
static const struct command connected = {COMMAND_WORD, "connected", "Attached networks", COMMAND_SHOW, .run = &run};
static const struct command statics = {COMMAND_WORD, "static", "Routes of the configuration", COMMAND_SHOW,
                                       .run = &run};
static const struct command rip = {COMMAND_WORD, "rip", "Routes learned by RIP", COMMAND_SHOW, .run = &run};
static const struct command kernel = {COMMAND_WORD, "kernel", "Routes of the kernel", COMMAND_SHOW, .run = &run};
static const struct command summary = {COMMAND_WORD, "summary", "How many of each", COMMAND_SHOW, .run = &run_summary};
static const struct command *const words[] = {&addr, &prefix, &connected, &kernel, &rip, &statics, &summary, NULL};

const struct command command_show_ip_route = {COMMAND_WORD, "route",       "The routing table",
                                              COMMAND_SHOW, .next = words, .run = &run};
