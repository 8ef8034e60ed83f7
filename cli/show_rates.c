#include "cli/show_rates.h"

#include <string.h>

#include "cli/session.h"
#include "cli/text.h"

static const struct text_column columns[] = {{"Interface", 15, false}, {"Over", 5, false},
                                             {"In bit/s", 11, true},   {"In pkt/s", 11, true},
                                             {"Out bit/s", 11, true},  {"Out pkt/s", 11, true}};
#define COLUMNS (sizeof columns / sizeof columns[0])

static const char *const window_name[RATES__COUNT] = {"5 s", "5 min"};

static json_t *rate_json(const struct rate *rate)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "rxBits", json_count(rate->rx_bits), "rxPackets",
                     json_count(rate->rx_packets), "txBits", json_count(rate->tx_bits), "txPackets",
                     json_count(rate->tx_packets));
}

json_t *show_rates_json(const struct job *job, unsigned port)
{
    const struct rates *rates = job->session->cli->rates;
    struct rate seconds = rates_of(rates, port, RATES_5_SECONDS), minutes = rates_of(rates, port, RATES_5_MINUTES);
    return json_pack("{s:o, s:o}", "seconds5", rate_json(&seconds), "minutes5", rate_json(&minutes));
}

void show_rates_lines(struct job *job, unsigned port)
{
    static const char *const over[RATES__COUNT] = {"5 seconds", "5 minutes"};
    for (enum rates_window window = 0; window < RATES__COUNT; window++) {
        struct rate rate = rates_of(job->session->cli->rates, port, window);
        char in[2][TEXT_SHORT], out[2][TEXT_SHORT];
        job_print(job, "  over %s: in %s, %s; out %s, %s\n", over[window], text_rate(rate.rx_bits, "bit/s", in[0]),
                  text_rate(rate.rx_packets, "packet/s", in[1]), text_rate(rate.tx_bits, "bit/s", out[0]),
                  text_rate(rate.tx_packets, "packet/s", out[1]));
    }
}

static void print_rates(struct job *job, const struct cli_link *link)
{
    for (enum rates_window window = 0; window < RATES__COUNT; window++) {
        struct rate rate = rates_of(job->session->cli->rates, link->port, window);
        char cell[4][TEXT_SHORT], row[TEXT_ROW];
        const char *cells[] = {window == 0 ? link->name : "",      window_name[window],
                               text_number(rate.rx_bits, cell[0]), text_number(rate.rx_packets, cell[1]),
                               text_number(rate.tx_bits, cell[2]), text_number(rate.tx_packets, cell[3])};
        job_print(job, "%s", text_row(columns, COLUMNS, cells, row));
    }
}

enum step show_rates_table(struct job *job, const char *name, unsigned *next)
{
    struct cli_link link;
    char row[TEXT_ROW];
    if (job_first(job)) {
        if (job->line->json)
            json_begin_object(&job->json, NULL);
        else
            job_print(job, "%s", text_row(columns, COLUMNS, NULL, row));
    }
    for (unsigned rows = 0; rows < JOB_ROWS; rows++) {
        if (!job->router->link(job->router->context, (*next)++, &link)) {
            if (job->line->json)
                json_end(&job->json);
            return STEP_DONE;
        }
        if (name != NULL && strcmp(name, link.name) != 0)
            continue;
        if (job->line->json)
            json_member(&job->json, link.name, show_rates_json(job, link.port));
        else
            print_rates(job, &link);
    }
    return STEP_MORE;
}
