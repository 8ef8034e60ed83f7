/* Packets and bits a second of multicast streams, as the sweep of their entries comes to know them. */
#include "forwarding/multicast.h"
#include "tests/unit/support/streams.h"

static struct streams s;

#define PORT(n) (UINT64_C(1) << (n))

/* PACKETS a second for so long, one at a time. */
static void pour(uint32_t group, unsigned packets, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        for (unsigned j = 0; j < packets; j++)
            streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = group});
        streams_forget(&s);
        streams_wait(&s, 1);
    }
}

static void a_rate_is_that_of_the_last_seconds(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).rate_ns, 0); /* of so short a time nothing can be said */
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).rate_packets, 0);
    pour(GROUP + 1, 10, 4);
    struct multicast_view view = streams_look(&s, IN_0(7), GROUP + 1);
    CU_ASSERT_EQUAL(view.rate_ns, 4 * NS_PER_S);
    CU_ASSERT_EQUAL(view.rate_packets, view.packets / 4);
    CU_ASSERT_EQUAL(view.rate_bits, view.bytes * 8 / 4);
    uint64_t each = view.bytes * 8 / view.packets;
    pour(GROUP + 1, 10, 16);
    view = streams_look(&s, IN_0(7), GROUP + 1);
    CU_ASSERT_TRUE(view.rate_ns >= 5 * NS_PER_S && view.rate_ns <= 10 * NS_PER_S);
    CU_ASSERT_EQUAL(view.rate_packets, 10);
    CU_ASSERT_EQUAL(view.rate_bits, 10 * each);
    pour(GROUP + 1, 30, 10); /* what was before is forgotten */
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).rate_packets, 30);
    streams_wait(&s, 11);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).rate_packets, 0);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).rate_bits, 0);
    streams_end(&s);
}

/* A packet of each of N sources, in bursts. */
static void one_each(unsigned n)
{
    struct packet burst[LANE_BURST];
    for (unsigned i = 0; i < n;) {
        unsigned k = 0;
        for (; k < LANE_BURST && i < n; k++, i++)
            burst[k] = streams_frame(0, (struct frame_spec){.src = 0x0a0a0001 + i, .dst = GROUP + 1});
        streams_burst(&s, burst, k);
        streams_run(&s);
        streams_forget(&s);
    }
}

static void rates_are_known_of_all_in_a_big_table(void)
{
    streams_begin(&s);
    memset(s.wanted, 0xff, sizeof s.wanted);
    s.settings.new_rate = 0;
    streams_configure(&s);
    one_each(2000);
    for (unsigned i = 0; i < 30; i++) {
        one_each(2000);
        streams_wait(&s, 1);
    }
    struct multicast_view view = {0};
    unsigned n = 0;
    for (; multicast_next(s.d, &view, s.now); n++) {
        CU_ASSERT_TRUE(view.rate_ns >= 5 * NS_PER_S && view.rate_ns <= 16 * NS_PER_S);
        CU_ASSERT_EQUAL(view.rate_packets, 1);
    }
    CU_ASSERT_EQUAL(n, 2000);
    streams_end(&s);
}

static const struct unit_case cases[] = {
    {"a rate is that of the last seconds", a_rate_is_that_of_the_last_seconds},
    {"rates are known of all in a big table", rates_are_known_of_all_in_a_big_table},
};
UNIT_MAIN("multicast rates", cases)
