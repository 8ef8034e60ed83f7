/* show ip arp and clear ip arp: the neighbours. */
#include <stdio.h>

#include "cli/job.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "forwarding/neighbour.h"

struct walk {
    uint64_t cursor;
};

static const struct command of_interface, of_address;

static const struct text_column columns[] = {
    {"Address", 15, false}, {"Interface", 15, false}, {"MAC", 17, false}, {"State", 10, false}, {"Age", 8, true}};
#define COLUMNS (sizeof columns / sizeof columns[0])

static json_t *neighbour_json(const struct job *job, const struct neighbour_view *view)
{
    char mac[TEXT_SHORT];
    bool known = view->state != NEIGHBOUR_INCOMPLETE;
    return json_pack("{s:o, s:o, s:o, s:s, s:o}", "address", json_addr(view->addr), "interface",
                     json_text(job_port_name(job, view->port)), "mac",
                     known ? json_string(text_mac(view->mac, mac)) : json_null(), "state",
                     neighbour_state_name[view->state], "age", json_count(view->age_s));
}

static void print_neighbour(struct job *job, const struct neighbour_view *view)
{
    char address[ADDR_TEXT], mac[TEXT_SHORT], age[TEXT_SHORT], row[TEXT_ROW];
    bool known = view->state != NEIGHBOUR_INCOMPLETE;
    const char *cells[] = {addr_text(view->addr, address), job_port_name(job, view->port),
                           known ? text_mac(view->mac, mac) : "-", neighbour_state_name[view->state],
                           view->state == NEIGHBOUR_STATIC ? "-" : text_duration(view->age_s, age)};
    job_print(job, "%s", text_row(columns, COLUMNS, cells, row));
}

static void begin(struct job *job)
{
    char row[TEXT_ROW];
    if (job->line->json) {
        json_begin_object(&job->json, NULL);
        json_begin_array(&job->json, "entries");
    } else {
        job_print(job, "%s", text_row(columns, COLUMNS, NULL, row));
    }
}

static enum step show_ip_arp(struct job *job)
{
    struct walk *walk = job->state;
    const struct command_arg *name = job_arg(job, &of_interface);
    struct cli_link link = {.port = PORT_NONE};
    struct neighbour_view view;
    if (job_first(job))
        begin(job);
    if (name != NULL)
        job_link(job, name->text, &link);
    for (unsigned i = 0; i < JOB_ROWS; i++) {
        if (!neighbours_next(job->router->dataplane->neighbours, &walk->cursor, &view, job_now(job))) {
            if (job->line->json) {
                json_end(&job->json);
                json_end(&job->json);
            }
            return STEP_DONE;
        }
        if (name != NULL && view.port != link.port)
            continue;
        if (job->line->json)
            json_member(&job->json, NULL, neighbour_json(job, &view));
        else
            print_neighbour(job, &view);
    }
    return STEP_MORE;
}

static enum step clear_ip_arp(struct job *job)
{
    const struct command_arg *address = job_arg(job, &of_address);
    unsigned n = neighbours_clear(job->router->dataplane->neighbours, PORT_NONE, address != NULL ? address->addr : 0,
                                  job_now(job));
    char count[TEXT_SHORT];
    job_print(job, "%s forgotten\n", text_count(n, "entry", "entries", count));
    return STEP_DONE;
}

static const struct command_run run_show = {.state_size = sizeof(struct walk), .step = show_ip_arp};
static const struct command of_interface = {COMMAND_IF, "IF", "Those of one interface", COMMAND_SHOW, .run = &run_show};
static const struct command *const show_words[] = {&of_interface, NULL};
const struct command command_show_ip_arp = {
    COMMAND_WORD, "arp", "The neighbours and their MAC addresses", COMMAND_SHOW, .next = show_words, .run = &run_show};

static const struct command_run run_clear = {.step = clear_ip_arp};
static const struct command of_address = {COMMAND_ADDR, "A.B.C.D", "Only this one", .run = &run_clear,
                                          .values = COMMAND_VALUES_NEIGHBOURS};
static const struct command *const clear_words[] = {&of_address, NULL};
const struct command command_clear_ip_arp = {COMMAND_WORD, "arp", "Forget learned neighbours", .next = clear_words,
                                             .run = &run_clear};
