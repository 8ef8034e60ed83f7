/* Rates of interfaces, in simulated time. */
#include "cli/rates.h"
#include "tests/unit/support/shell.h"

static struct shell s;

/* SECONDS pass, in each of which so many packets of 100 bytes come in by port 0 and go out by port 1. */
static void pass(struct rates *rates, unsigned seconds, unsigned packets)
{
    struct port_counters *in = &s.r.d->counters->port[0], *out = &s.r.d->counters->port[1];
    for (unsigned i = 0; i < seconds; i++) {
        s.r.now.ns += NS_PER_S;
        count_add(&in->rx_packets, packets);
        count_add(&in->forwarded, packets);
        count_add(&in->rx_bytes, 100ull * packets);
        count_add(&out->tx_packets, packets);
        count_add(&out->tx_bytes, 100ull * packets);
        rates_sample(rates, s.r.d, s.r.now);
    }
}

static void rates_are_of_their_window(void)
{
    shell_begin(&s);
    struct rates *rates = rates_new();
    pass(rates, 1, 1000);
    CU_ASSERT_EQUAL(rates_of(rates, 0, RATES_5_SECONDS).rx_packets, 0); /* one sample is no rate */
    pass(rates, 2, 10);
    CU_ASSERT_EQUAL(rates_of(rates, 0, RATES_5_SECONDS).rx_packets, 10);
    CU_ASSERT_EQUAL(rates_of(rates, 1, RATES_5_SECONDS).tx_bits, 8000);
    CU_ASSERT_EQUAL(rates_of(rates, 1, RATES_5_SECONDS).rx_bits, 0);
    pass(rates, 600, 100);
    CU_ASSERT_EQUAL(rates_of(rates, 0, RATES_5_SECONDS).rx_packets, 100);
    CU_ASSERT_EQUAL(rates_of(rates, 0, RATES_5_MINUTES).rx_packets, 100);
    pass(rates, 5, 0);
    CU_ASSERT_EQUAL(rates_of(rates, 0, RATES_5_SECONDS).rx_packets, 0);
    uint64_t minutes = rates_of(rates, 0, RATES_5_MINUTES).rx_packets;
    CU_ASSERT(minutes >= 97 && minutes <= 99);
    pass(rates, 310, 0);
    CU_ASSERT_EQUAL(rates_of(rates, 0, RATES_5_MINUTES).rx_packets, 0);
    CU_ASSERT_EQUAL(rates_of(rates, 999, RATES_5_SECONDS).rx_packets, 0);
    rates_free(rates);
    shell_end(&s);
}

static void cleared_counters_begin_anew(void)
{
    shell_begin(&s);
    struct rates *rates = rates_new();
    pass(rates, 20, 1000);
    dataplane_clear_counters(s.r.d, PORT_NONE);
    pass(rates, 1, 7);
    CU_ASSERT_EQUAL(rates_of(rates, 0, RATES_5_SECONDS).rx_packets, 0);
    pass(rates, 1, 7);
    CU_ASSERT_EQUAL(rates_of(rates, 0, RATES_5_SECONDS).rx_packets, 7);
    rates_free(rates);
    shell_end(&s);
}

static void a_minute_is_remembered_second_by_second(void)
{
    shell_begin(&s);
    struct rates *rates = rates_new();
    uint64_t rx[RATES_HISTORY], tx[RATES_HISTORY];
    CU_ASSERT_EQUAL(rates_history(rates, 0, rx, tx), 0);
    pass(rates, 1, 0);
    pass(rates, 3, 1);
    pass(rates, 1, 2);
    CU_ASSERT_EQUAL(rates_history(rates, 0, rx, tx), 4);
    CU_ASSERT_EQUAL(rx[2], 800);
    CU_ASSERT_EQUAL(rx[3], 1600);
    CU_ASSERT_EQUAL(tx[3], 0);
    pass(rates, 100, 3);
    CU_ASSERT_EQUAL(rates_history(rates, 0, rx, tx), RATES_HISTORY);
    CU_ASSERT_EQUAL(rx[0], 2400);
    rates_free(rates);
    shell_end(&s);
}

static void rates_are_shown(void)
{
    shell_begin(&s);
    pass(s.cli->rates, 400, 1250000);
    char *text = shell_plain(&s, "show interfaces r0 rates");
    CU_ASSERT_STRING_EQUAL(text, "Interface        Over      In bit/s     In pkt/s    Out bit/s    Out pkt/s\n"
                                 "r0               5 s          1.0 G        1.2 M            0            0\n"
                                 "                 5 min        1.0 G        1.2 M            0            0\n");
    if (strncmp(text, "Interface", 9) != 0 || strstr(text, "1.0 G") == NULL)
        printf("\n%s\n", text);
    free(text);
    text = shell_plain(&s, "show interfaces r1");
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "  over 5 seconds: in 0 bit/s, 0 packet/s; out 1.0 Gbit/s, 1.2 Mpacket/s\n  over 5 minutes: in 0"));
    free(text);
    json_t *json = shell_json(&s, "show interfaces rates json");
    json_t *r1 = json_object_get(json_object_get(json, "r1"), "seconds5");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(r1, "txPackets")), 1250000);
    json_decref(json);
    json = shell_json(&s, "show interfaces r0 json");
    r1 = json_object_get(json_object_get(json_object_get(json, "r0"), "rates"), "minutes5");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(r1, "rxBits")), 1000000000);
    json_decref(json);
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"rates are of their window", rates_are_of_their_window},
    {"cleared counters begin anew", cleared_counters_begin_anew},
    {"a minute is remembered second by second", a_minute_is_remembered_second_by_second},
    {"rates are shown", rates_are_shown},
};
UNIT_MAIN("rates", cases)
