/* show interfaces [IF] and show ip interface brief: what is configured beside what is there. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/job.h"
#include "cli/show_rates.h"
#include "cli/text.h"
#include "cli/tree.h"

#define ROWS 8 /* an interface is many lines */

struct walk {
    unsigned next;
};

/* All that is shown of an interface, for text and JSON alike. */
struct view {
    struct cli_link link;
    const struct config_interface *config; /* NULL: no longer configured */
    const struct port *port;               /* NULL: none yet */
    struct port_counters counters;
    uint64_t drops, errors;
    bool up;
    bool loopback;
};

static const struct command one;

static void fill(const struct job *job, struct view *view)
{
    const struct dataplane *d = job->router->dataplane;
    view->config = config_interface_find(job->router->running(job->router->context), view->link.name);
    view->port = view->link.port < PORT_MAX ? dataplane_port(d, view->link.port) : NULL;
    view->up = view->port != NULL && view->port->up;
    view->loopback = view->config != NULL && view->config->type == CONFIG_LOOPBACK;
    view->counters = (struct port_counters){0};
    view->drops = view->errors = 0;
    if (view->link.port >= PORT_MAX)
        return;
    dataplane_port_counters(d, view->link.port, &view->counters);
    for (unsigned i = 0; i < DROP__COUNT; i++) {
        view->drops += view->counters.drop[i];
        view->errors += drop_malformed[i] ? view->counters.drop[i] : 0;
    }
}

/* The next interface of the walk, the named one only if one is named. */
static bool next_view(const struct job *job, struct walk *walk, const char *name, struct view *view)
{
    while (job->router->link(job->router->context, walk->next, &view->link)) {
        walk->next++;
        if (name != NULL && strcmp(name, view->link.name) != 0)
            continue;
        fill(job, view);
        return true;
    }
    return false;
}

static uint32_t mtu_of(const struct view *view)
{
    if (view->port != NULL)
        return view->port->mtu;
    if (view->config != NULL && view->config->mtu != 0)
        return (uint32_t)view->config->mtu;
    return view->link.device_mtu;
}

static json_t *addresses_json(const struct view *view)
{
    json_t *list = json_array();
    for (size_t i = 0; view->config != NULL && i < view->config->n_addresses; i++) {
        char text[PREFIX_TEXT];
        json_array_append_new(list,
                              json_pack("{s:s}", "address", prefix_text(view->config->addresses[i].prefix, text)));
    }
    return list;
}

static json_t *mac_json(const struct view *view)
{
    char text[TEXT_SHORT];
    return view->link.pending || view->loopback ? json_null() : json_string(text_mac(view->link.mac, text));
}

static const char *up_or_down(bool up)
{
    return up ? "up" : "down";
}

static json_t *text_or_null(const char *text)
{
    return text != NULL ? json_text(text) : json_null();
}

static json_t *counters_json(const struct view *view)
{
    const struct port_counters *c = &view->counters;
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "rxPackets", json_count(c->rx_packets), "rxBytes",
                     json_count(c->rx_bytes), "rxDrops", json_count(view->drops), "rxErrors", json_count(view->errors),
                     "txPackets", json_count(c->tx_packets), "txBytes", json_count(c->tx_bytes), "txDrops",
                     json_count(c->tx_drops), "txErrors", json_count(c->tx_errors));
}

/* ---- show interfaces ---- */

/* What never happened counts from the start. */
static uint64_t seconds_since(const struct job *job, uint64_t ns)
{
    uint64_t now = job_now(job).ns;
    if (ns == 0)
        ns = job->router->started_ns;
    return now > ns ? (now - ns) / NS_PER_S : 0;
}

static json_t *interface_json(const struct job *job, const struct view *view)
{
    const struct cli_link *link = &view->link;
    json_t *o = json_object();
    json_object_set_new(o, "administrativeStatus", json_string(up_or_down(link->admin_up)));
    json_object_set_new(o, "operationalStatus", json_string(up_or_down(view->up)));
    json_object_set_new(o, "reason", text_or_null(link->reason));
    json_object_set_new(o, "pending", json_boolean(link->pending));
    json_object_set_new(o, "index", json_integer(link->ifindex));
    json_object_set_new(o, "mtu", json_integer(mtu_of(view)));
    json_object_set_new(o, "hardwareAddress", mac_json(view));
    json_object_set_new(o, "ipAddresses", addresses_json(view));
    json_object_set_new(
        o, "description",
        json_text(view->config != NULL && view->config->description != NULL ? view->config->description : ""));
    json_object_set_new(o, "changes", json_integer(link->carrier_changes));
    json_object_set_new(o, "lastChangeSeconds", json_count(seconds_since(job, link->changed_ns)));
    json_object_set_new(o, "counters", counters_json(view));
    json_object_set_new(o, "rates", show_rates_json(job, link->port));
    return o;
}

static void print_addresses(struct job *job, const struct view *view)
{
    if (view->config == NULL || view->config->n_addresses == 0) {
        job_print(job, "  no IPv4 address\n");
        return;
    }
    job_print(job, "  IPv4");
    for (size_t i = 0; i < view->config->n_addresses; i++) {
        char text[PREFIX_TEXT];
        job_print(job, "%s %s", i == 0 ? "" : ",", prefix_text(view->config->addresses[i].prefix, text));
    }
    job_print(job, "\n");
}

static void print_hardware(struct job *job, const struct view *view)
{
    char mac[TEXT_SHORT];
    if (view->loopback)
        job_print(job, "  loopback, needs no device\n");
    else if (view->link.pending)
        job_print(job, "  pending until a device of that name appears\n");
    else
        job_print(job, "  Ethernet %s, device index %" PRIu32 ", MTU %" PRIu32 " (the device's is %" PRIu32 ")\n",
                  text_mac(view->link.mac, mac), view->link.ifindex, mtu_of(view), view->link.device_mtu);
}

static void print_interface(struct job *job, const struct view *view)
{
    const struct cli_link *link = &view->link;
    const struct port_counters *c = &view->counters;
    char ago[TEXT_SHORT], line[192];
    job_print(job, "%s is %s, line protocol is %s", link->name, link->admin_up ? "up" : "administratively down",
              up_or_down(view->up));
    job_print(job, link->reason != NULL ? ": %s\n" : "\n", link->reason);
    if (view->config != NULL && view->config->description != NULL)
        job_print(job, "  description: %s\n", view->config->description);
    print_hardware(job, view);
    print_addresses(job, view);
    if (link->carrier_changes > 0)
        job_print(job, "  last change %s ago, %u in all\n", text_duration(seconds_since(job, link->changed_ns), ago),
                  link->carrier_changes);
    snprintf(line, sizeof line,
             "  received %" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " dropped, %" PRIu64 " malformed",
             c->rx_packets, c->rx_bytes, view->drops, view->errors);
    job_print_wrapped(job, line, 0, 4);
    snprintf(line, sizeof line,
             "  sent %" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " dropped, %" PRIu64 " errors", c->tx_packets,
             c->tx_bytes, c->tx_drops, c->tx_errors);
    job_print_wrapped(job, line, 0, 4);
    show_rates_lines(job, link->port);
}

static enum step show_interfaces(struct job *job)
{
    struct walk *walk = job->state;
    const struct command_arg *name = job_arg(job, &one);
    struct view view;
    if (job_first(job)) {
        job->router->refresh_counters(job->router->context);
        if (job->line->json)
            json_begin_object(&job->json, NULL);
    }
    for (unsigned i = 0; i < ROWS; i++) {
        if (!next_view(job, walk, name != NULL ? name->text : NULL, &view)) {
            if (job->line->json)
                json_end(&job->json);
            return STEP_DONE;
        }
        if (job->line->json)
            json_member(&job->json, view.link.name, interface_json(job, &view));
        else
            print_interface(job, &view);
    }
    return STEP_MORE;
}

static enum step show_rates(struct job *job)
{
    struct walk *walk = job->state;
    const struct command_arg *name = job_arg(job, &one);
    return show_rates_table(job, name != NULL ? name->text : NULL, &walk->next);
}

/* ---- show ip interface brief ---- */

static const struct text_column brief_columns[] = {{"Interface", 15, false},
                                                   {"Address", 18, false},
                                                   {"Status", 10, false},
                                                   {"Protocol", 8, false},
                                                   {"Reason", 0, false}};
#define BRIEF_COLUMNS (sizeof brief_columns / sizeof brief_columns[0])

static void print_brief(struct job *job, const struct view *view)
{
    char address[PREFIX_TEXT], row[TEXT_ROW];
    size_t n = view->config != NULL ? view->config->n_addresses : 0;
    for (size_t i = 0; i < n || i == 0; i++) {
        const char *first = i == 0 ? view->link.name : "";
        const char *reason = i == 0 && view->link.reason != NULL ? view->link.reason : "";
        const char *cells[] = {first, n > 0 ? prefix_text(view->config->addresses[i].prefix, address) : "unassigned",
                               i > 0                 ? ""
                               : view->link.admin_up ? "up"
                                                     : "admin down",
                               i > 0 ? "" : up_or_down(view->up), reason};
        job_print(job, "%s", text_row(brief_columns, BRIEF_COLUMNS, cells, row));
    }
}

static json_t *brief_json(const struct view *view)
{
    return json_pack("{s:s, s:s, s:o, s:o}", "administrativeStatus", up_or_down(view->link.admin_up),
                     "operationalStatus", up_or_down(view->up), "reason", text_or_null(view->link.reason),
                     "ipAddresses", addresses_json(view));
}

static enum step show_brief(struct job *job)
{
    struct walk *walk = job->state;
    struct view view;
    char row[TEXT_ROW];
    if (job_first(job)) {
        if (job->line->json)
            json_begin_object(&job->json, NULL);
        else
            job_print(job, "%s", text_row(brief_columns, BRIEF_COLUMNS, NULL, row));
    }
    for (unsigned i = 0; i < ROWS; i++) {
        if (!next_view(job, walk, NULL, &view)) {
            if (job->line->json)
                json_end(&job->json);
            return STEP_DONE;
        }
        if (job->line->json)
            json_member(&job->json, view.link.name, brief_json(&view));
        else
            print_brief(job, &view);
    }
    return STEP_MORE;
}

/* ---- the tables ---- */

static const struct command_run run_interfaces = {.state_size = sizeof(struct walk), .step = show_interfaces};
static const struct command_run run_rates = {.state_size = sizeof(struct walk), .step = show_rates};
static const struct command rates = {COMMAND_WORD, "rates", "Packets and bits a second", COMMAND_SHOW,
                                     .run = &run_rates};
static const struct command *const after_if[] = {&rates, NULL};
static const struct command one = {
    COMMAND_IF, "IF", "One interface", COMMAND_SHOW, .next = after_if, .run = &run_interfaces};
static const struct command *const words[] = {&one, &rates, NULL};
const struct command command_show_interfaces = {COMMAND_WORD, "interfaces",  "Interfaces, their state and counters",
                                                COMMAND_SHOW, .next = words, .run = &run_interfaces};

static const struct command_run run_brief = {.state_size = sizeof(struct walk), .step = show_brief};
static const struct command brief = {COMMAND_WORD, "brief", "A line for each address", COMMAND_SHOW, .run = &run_brief};
static const struct command *const brief_words[] = {&brief, NULL};
const struct command command_show_ip_interface = {COMMAND_WORD, "interface", "Interfaces and their addresses",
                                                  COMMAND_LOOK, .next = brief_words};
