/* show drops: what became of every packet that came in, and why those that were dropped were. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/job.h"
#include "cli/tree.h"
#include "forwarding/drop.h"

#define ROWS 4 /* an interface may have many reasons */

struct walk {
    unsigned next;
};

static const struct command one;

struct view {
    struct cli_link link;
    struct port_counters counters;
    uint64_t dropped, held;
};

static bool next_view(const struct job *job, struct walk *walk, struct view *view)
{
    const struct command_arg *name = job_arg(job, &one);
    const struct dataplane *d = job->router->dataplane;
    do {
        if (!job->router->link(job->router->context, walk->next, &view->link))
            return false;
        walk->next++;
    } while (name != NULL && strcmp(name->text, view->link.name) != 0);
    view->counters = (struct port_counters){0};
    view->dropped = view->held = 0;
    if (view->link.port < PORT_MAX) {
        dataplane_port_counters(d, view->link.port, &view->counters);
        view->held = dataplane_held(d, view->link.port);
    }
    for (unsigned i = 0; i < DROP__COUNT; i++)
        view->dropped += view->counters.drop[i];
    return true;
}

static json_t *view_json(const struct view *view)
{
    const struct port_counters *c = &view->counters;
    json_t *drops = json_object();
    for (unsigned i = 0; i < DROP__COUNT; i++)
        json_object_set_new(drops, drop_name[i], json_count(c->drop[i]));
    return json_pack("{s:o, s:{s:o, s:o, s:o, s:o, s:o, s:o}}", "drops", drops, "balance", "rxPackets",
                     json_count(c->rx_packets), "forwarded", json_count(c->forwarded), "delivered",
                     json_count(c->delivered), "arp", json_count(c->arp), "dropped", json_count(view->dropped), "held",
                     json_count(view->held));
}

static void print_view(struct job *job, const struct view *view)
{
    const struct port_counters *c = &view->counters;
    char line[256];
    snprintf(line, sizeof line,
             "%s: %" PRIu64 " received = %" PRIu64 " forwarded + %" PRIu64 " delivered + %" PRIu64 " ARP + %" PRIu64
             " dropped + %" PRIu64 " held",
             view->link.name, c->rx_packets, c->forwarded, c->delivered, c->arp, view->dropped, view->held);
    job_print_wrapped(job, line, 0, 4);
    for (unsigned i = 0; i < DROP__COUNT; i++) {
        if (c->drop[i] == 0)
            continue;
        int at = snprintf(line, sizeof line, "  %12" PRIu64 "  %-21s ", c->drop[i], drop_name[i]);
        job_print(job, "%s", line);
        job_print_wrapped(job, drop_meaning[i], (size_t)at, (size_t)at);
    }
}

static enum step show_drops(struct job *job)
{
    struct view view;
    if (job_first(job)) {
        job->router->refresh_counters(job->router->context);
        if (job->line->json)
            json_begin_object(&job->json, NULL);
    }
    for (unsigned i = 0; i < ROWS; i++) {
        if (!next_view(job, job->state, &view)) {
            if (job->line->json)
                json_end(&job->json);
            return STEP_DONE;
        }
        if (job->line->json)
            json_member(&job->json, view.link.name, view_json(&view));
        else
            print_view(job, &view);
    }
    return STEP_MORE;
}

static const struct command_run run = {.state_size = sizeof(struct walk), .step = show_drops};
static const struct command one = {COMMAND_IF, "IF", "One interface", COMMAND_SHOW, .run = &run};
static const struct command *const words[] = {&one, NULL};
const struct command command_show_drops = {COMMAND_WORD, "drops",       "Dropped packets by reason",
                                           COMMAND_SHOW, .next = words, .run = &run};
