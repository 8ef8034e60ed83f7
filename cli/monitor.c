/* monitor: the router at a glance, every second: interfaces and their rates, drops by reason, where traffic goes. A
 * ferrysh on a terminal gets each look as a JSON document to draw on its screen (FRAME_SCREEN); everybody else gets
 * text. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/session_parts.h"
#include "cli/text.h"
#include "cli/top.h"
#include "cli/tree.h"
#include "forwarding/drop.h"

#define INTERFACES_MOST 200 /* in a look, which has to fit a frame */

struct monitor {
    struct event *timer;
    struct top *top;
    bool began;
    uint64_t next_ns;
    uint64_t drops[DROP__COUNT]; /* of all interfaces, at the last look */
    uint64_t looked_ns;
    uint64_t left; /* looks; 0: until it is interrupted */
};

struct drop_rate {
    enum drop reason;
    uint64_t count, per_second;
};

static const struct command count_value;

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    job_wake(context);
}

/* ---- a look ---- */

static unsigned look_at_drops(const struct job *job, struct monitor *monitor, struct drop_rate rates[DROP__COUNT])
{
    uint64_t sum[DROP__COUNT] = {0}, ns = job_now(job).ns - monitor->looked_ns;
    struct cli_link link;
    for (unsigned i = 0; job->router->link(job->router->context, i, &link); i++) {
        struct port_counters counters;
        if (link.port >= PORT_MAX)
            continue;
        dataplane_port_counters(job->router->dataplane, link.port, &counters);
        for (unsigned reason = 0; reason < DROP__COUNT; reason++)
            sum[reason] += counters.drop[reason];
    }
    unsigned n = 0;
    for (unsigned reason = 0; reason < DROP__COUNT; reason++) {
        uint64_t more = sum[reason] >= monitor->drops[reason] ? sum[reason] - monitor->drops[reason] : 0;
        if (sum[reason] > 0)
            rates[n++] =
                (struct drop_rate){reason, sum[reason], monitor->looked_ns == 0 || ns == 0 ? 0 : more * NS_PER_S / ns};
        monitor->drops[reason] = sum[reason];
    }
    monitor->looked_ns = job_now(job).ns;
    return n;
}

static bool is_up(const struct job *job, const struct cli_link *link)
{
    const struct port *port = link->port < PORT_MAX ? dataplane_port(job->router->dataplane, link->port) : NULL;
    return port != NULL && port->up;
}

static json_t *interfaces_json(const struct job *job)
{
    json_t *list = json_array();
    struct cli_link link;
    for (unsigned i = 0; i < INTERFACES_MOST && job->router->link(job->router->context, i, &link); i++) {
        struct rate rate = rates_of(job->session->cli->rates, link.port, RATES_5_SECONDS);
        json_array_append_new(list, json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "name", json_text(link.name), "up",
                                              is_up(job, &link), "rxBits", json_count(rate.rx_bits), "rxPackets",
                                              json_count(rate.rx_packets), "txBits", json_count(rate.tx_bits),
                                              "txPackets", json_count(rate.tx_packets)));
    }
    return list;
}

static json_t *drops_json(const struct drop_rate *rates, unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:o, s:o}", "reason", drop_name[rates[i].reason], "count",
                                        json_count(rates[i].count), "perSecond", json_count(rates[i].per_second)));
    return list;
}

static json_t *top_json(const struct top_row *rows, unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++) {
        char prefix[PREFIX_TEXT];
        json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "prefix", prefix_text(rows[i].prefix, prefix),
                                              "packets", rows[i].packets, "bytes", rows[i].bytes));
    }
    return list;
}

static void print_text(struct job *job, const struct drop_rate *drops, unsigned n_drops, const struct top_row *top,
                       unsigned n_top)
{
    static const struct text_column columns[] = {{"Interface", 15, false}, {"State", 5, false},
                                                 {"In bit/s", 10, true},   {"pkt/s", 10, true},
                                                 {"Out bit/s", 10, true},  {"pkt/s", 10, true}};
    char row[TEXT_ROW], cell[4][TEXT_SHORT];
    struct cli_link link;
    job_print(job, "%s", text_row(columns, 6, NULL, row));
    for (unsigned i = 0; i < INTERFACES_MOST && job->router->link(job->router->context, i, &link); i++) {
        struct rate rate = rates_of(job->session->cli->rates, link.port, RATES_5_SECONDS);
        const char *cells[] = {link.name,
                               is_up(job, &link) ? "up" : "down",
                               text_number(rate.rx_bits, cell[0]),
                               text_number(rate.rx_packets, cell[1]),
                               text_number(rate.tx_bits, cell[2]),
                               text_number(rate.tx_packets, cell[3])};
        job_print(job, "%s", text_row(columns, 6, cells, row));
    }
    for (unsigned i = 0; i < n_drops; i++)
        job_print(job, "dropped: %-24s %12" PRIu64 " %8" PRIu64 " a second\n", drop_name[drops[i].reason],
                  drops[i].count, drops[i].per_second);
    for (unsigned i = 0; i < n_top; i++) {
        char prefix[PREFIX_TEXT];
        job_print(job, "towards %-18s %5.1f %% of bytes %5.1f %% of packets\n", prefix_text(top[i].prefix, prefix),
                  top[i].bytes * 100, top[i].packets * 100);
    }
    job_print(job, "\n");
}

static void look(struct job *job, struct monitor *monitor)
{
    struct drop_rate drops[DROP__COUNT];
    struct top_row top[TOP_ROWS];
    job->router->refresh_counters(job->router->context);
    unsigned n_drops = look_at_drops(job, monitor, drops);
    unsigned n_top = monitor->top != NULL ? top_read(monitor->top, job->router->dataplane->tables.fib, top) : 0;
    if (job->session->protocol != SESSION_FRAMED) {
        print_text(job, drops, n_drops, top, n_top);
        return;
    }
    const struct config *config = job->router->running(job->router->context);
    json_t *document =
        json_pack("{s:s, s:o, s:o, s:o, s:o}", "hostname", config->hostname, "seconds",
                  json_count((job_now(job).ns - job->router->started_ns) / NS_PER_S), "interfaces",
                  interfaces_json(job), "drops", drops_json(drops, n_drops), "top", top_json(top, n_top));
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(4)) : NULL;
    if (text != NULL && strlen(text) <= FRAME_TEXT_MAX)
        session_send(job->session, FRAME_SCREEN, text, strlen(text));
    free(text);
    json_decref(document);
}

/* ---- the command ---- */

static enum step begin(struct job *job, struct monitor *monitor)
{
    const struct command_arg *count = job_arg(job, &count_value);
    static const struct timeval second = {.tv_sec = 1};
    monitor->left = count != NULL ? (uint64_t)count->number : 0;
    monitor->timer = event_new(job_base(job), -1, EV_PERSIST, on_timer, job);
    if (monitor->timer == NULL)
        return job_refuse(job, "the system gave no memory");
    event_add(monitor->timer, &second);
    /* Without it, because others look already, only the destinations are missing. */
    monitor->top = top_start(job->router->dataplane);
    monitor->began = true;
    return STEP_WAIT;
}

static enum step step(struct job *job)
{
    struct monitor *monitor = job->state;
    uint64_t now_ns = job_now(job).ns;
    if (!monitor->began && begin(job, monitor) == STEP_REFUSED)
        return STEP_REFUSED;
    if (job->interrupted || job_left_alone(job))
        return STEP_DONE;
    if (now_ns < monitor->next_ns || !job_has_room(job))
        return STEP_WAIT;
    look(job, monitor);
    monitor->next_ns = now_ns + NS_PER_S - NS_PER_S / 10; /* the timer says when; this only keeps others from it */
    if (monitor->left > 0 && --monitor->left == 0)
        return STEP_DONE;
    return STEP_WAIT;
}

static void end(struct job *job)
{
    struct monitor *monitor = job->state;
    if (monitor->timer != NULL)
        event_free(monitor->timer);
    top_stop(job->router->dataplane, monitor->top);
}

static const struct command_run run = {
    .state_size = sizeof(struct monitor), .step = step, .end = end, .hears_interrupt = true};
static const struct command count_value = {
    COMMAND_NUMBER, "(1-86400)", "Looks; until it is ended without it", COMMAND_LOOK, 1, 86400, .run = &run};
static const struct command *const count_next[] = {&count_value, NULL};
static const struct command count_word = {COMMAND_WORD, "count", "How often to look", COMMAND_LOOK, .next = count_next};
static const struct command *const words[] = {&count_word, NULL};
const struct command command_monitor = {COMMAND_WORD, "monitor",     "Watch the router: rates, drops, destinations",
                                        COMMAND_LOOK, .next = words, .run = &run};
