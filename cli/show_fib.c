/* show ip fib: what forwarding really looks at. The router's own addresses are told before any route, so they stand
 * here as rows of their own; a route of the same /32 never gets a packet and is left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "forwarding/fib.h"
#include "forwarding/own.h"

struct walk {
    struct patricia_cursor cursor;
    struct own *own; /* a copy, by address */
    size_t n_own, next_own;
    bool has_route; /* one was read ahead, to be put in order with the own addresses */
    struct prefix prefix;
    const struct nexthop_group *group; /* valid only within the step that read it */
};

static const struct command addr;

static const char *const action_name[] = {[FIB_FORWARD] = "forward",
                                          [FIB_BLACKHOLE] = "blackhole",
                                          [FIB_UNREACHABLE] = "unreachable",
                                          [FIB_PROHIBIT] = "prohibit"};

static const char *kind_name(const struct own *own)
{
    return own->kind == OWN_BROADCAST ? "broadcast" : "receive";
}

/* ---- rows ---- */

static const struct text_column columns[] = {
    {"Prefix", 18, false}, {"Action", 11, false}, {"Next hop", 15, false}, {"Interface", 0, false}};
#define COLUMNS (sizeof columns / sizeof columns[0])

static void print_row(struct job *job, const char *prefix, const char *action, const char *hop, const char *interface)
{
    char row[TEXT_ROW];
    job_print(job, "%s", text_row(columns, COLUMNS, (const char *[]){prefix, action, hop, interface}, row));
}

static void show_own(struct job *job, const struct own *own)
{
    struct prefix prefix = {own->addr, 32};
    char text[PREFIX_TEXT];
    prefix_text(prefix, text);
    if (job->line->json)
        json_member(&job->json, text,
                    json_pack("{s:s, s:o}", "action", kind_name(own), "interfaceName",
                              json_text(job_port_name(job, own->port))));
    else
        print_row(job, text, kind_name(own), "", job_port_name(job, own->port));
}

static json_t *group_json(const struct job *job, const struct nexthop_group *group)
{
    json_t *hops = json_array();
    for (unsigned i = 0; i < group->n; i++) {
        json_t *hop = json_object();
        if (group->hop[i].gateway != 0)
            json_object_set_new(hop, "ip", json_addr(group->hop[i].gateway));
        else
            json_object_set_new(hop, "directlyConnected", json_true());
        json_object_set_new(hop, "interfaceName", json_text(job_port_name(job, group->hop[i].port)));
        json_array_append_new(hops, hop);
    }
    return json_pack("{s:s, s:o}", "action", action_name[group->action], "nexthops", hops);
}

static void show_route(struct job *job, struct prefix prefix, const struct nexthop_group *group)
{
    char text[PREFIX_TEXT], hop[ADDR_TEXT];
    prefix_text(prefix, text);
    if (job->line->json) {
        json_member(&job->json, text, group_json(job, group));
        return;
    }
    if (group->n == 0)
        print_row(job, text, action_name[group->action], "", "");
    for (unsigned i = 0; i < group->n; i++)
        print_row(job, i == 0 ? text : "", i == 0 ? action_name[group->action] : "",
                  group->hop[i].gateway != 0 ? addr_text(group->hop[i].gateway, hop) : "connected",
                  job_port_name(job, group->hop[i].port));
}

/* ---- the walk ---- */

static int by_address(const void *a, const void *b)
{
    const struct own *x = a, *y = b;
    return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void copy_own(struct walk *walk, const struct own_table *table)
{
    const struct own *list = table != NULL ? own_list(table, &walk->n_own) : NULL;
    if (list == NULL || walk->n_own == 0) {
        walk->n_own = 0;
        return;
    }
    walk->own = malloc(walk->n_own * sizeof *walk->own);
    if (walk->own == NULL) {
        walk->n_own = 0;
        return;
    }
    memcpy(walk->own, list, walk->n_own * sizeof *walk->own);
    qsort(walk->own, walk->n_own, sizeof *walk->own, by_address);
}

/* One row, of whichever comes first. False at the end. */
static bool show_next(struct job *job, struct walk *walk)
{
    const struct own *own = walk->next_own < walk->n_own ? &walk->own[walk->next_own] : NULL;
    if (!walk->has_route)
        walk->has_route = fib_next(job->router->dataplane->tables.fib, &walk->cursor, &walk->prefix, &walk->group);
    if (own == NULL && !walk->has_route)
        return false;
    if (own != NULL && walk->has_route && walk->prefix.addr == own->addr && walk->prefix.len == 32) {
        walk->has_route = false;
        return true;
    }
    if (own == NULL || (walk->has_route && walk->prefix.addr <= own->addr)) {
        show_route(job, walk->prefix, walk->group);
        walk->has_route = false;
        return true;
    }
    /* the same address may be told by two ports */
    if (walk->next_own == 0 || walk->own[walk->next_own - 1].addr != own->addr)
        show_own(job, own);
    walk->next_own++;
    return true;
}

static enum step show_ip_fib(struct job *job)
{
    struct walk *walk = job->state;
    if (job_first(job)) {
        copy_own(walk, job->router->dataplane->tables.own);
        if (job->line->json)
            json_begin_object(&job->json, NULL);
        else
            print_row(job, columns[0].title, columns[1].title, columns[2].title, columns[3].title);
    }
    for (unsigned i = 0; i < JOB_ROWS; i++)
        if (!show_next(job, walk)) {
            if (job->line->json)
                json_end(&job->json);
            return STEP_DONE;
        }
    /* what was read ahead may be gone by the next step: find it, or its successor, again */
    if (walk->has_route && (walk->group = fib_find(job->router->dataplane->tables.fib, walk->prefix)) == NULL)
        walk->has_route = false;
    return STEP_MORE;
}

static void end_walk(struct job *job)
{
    struct walk *walk = job->state;
    free(walk->own);
}

static enum step show_one(struct job *job)
{
    const struct dataplane *d = job->router->dataplane;
    const struct command_arg *arg = job_arg(job, &addr);
    const struct own *own = own_find(d->tables.own, arg->addr);
    struct prefix prefix;
    const struct nexthop_group *group = own == NULL ? fib_lookup(d->tables.fib, arg->addr, &prefix) : NULL;
    if (job->line->json)
        json_begin_object(&job->json, NULL);
    if (own != NULL)
        show_own(job, own);
    else if (group != NULL)
        show_route(job, prefix, group);
    else if (!job->line->json)
        job_print(job, "no route: %s is in no prefix of the table\n", arg->text);
    if (job->line->json)
        json_end(&job->json);
    return STEP_DONE;
}

static enum step show_summary(struct job *job)
{
    struct fib_summary sum = fib_summary(job->router->dataplane->tables.fib);
    char size[TEXT_SHORT];
    if (job->line->json)
        json_document(&job->json, json_pack("{s:o, s:o, s:o, s:o}", "prefixes", json_count(sum.prefixes), "nodes",
                                            json_count(sum.nodes), "groups", json_count(sum.groups), "bytes",
                                            json_count(sum.bytes)));
    else
        job_print(job, "%zu prefixes in %zu nodes, %zu groups of next hops, %s\n", sum.prefixes, sum.nodes, sum.groups,
                  text_size(sum.bytes, size));
    return STEP_DONE;
}

/* ---- the tables ---- */

static const struct command_run run = {.state_size = sizeof(struct walk), .step = show_ip_fib, .end = end_walk};
static const struct command_run run_one = {.step = show_one};
static const struct command_run run_summary = {.step = show_summary};

static const struct command addr = {COMMAND_ADDR,
                                    "A.B.C.D",
                                    "What happens to packets for this address",
                                    COMMAND_SHOW,
                                    .values = COMMAND_VALUES_NEIGHBOURS,
                                    .run = &run_one};
static const struct command summary = {COMMAND_WORD, "summary", "How much there is", COMMAND_SHOW, .run = &run_summary};
static const struct command *const words[] = {&addr, &summary, NULL};

const struct command command_show_ip_fib = {COMMAND_WORD, "fib",         "What forwarding looks at",
                                            COMMAND_SHOW, .next = words, .run = &run};
