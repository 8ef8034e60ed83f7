/* Who asks on a wire, when, and in which version. Our address is 10.0.1.5. */
#include "tests/unit/support/igmp_wire.h"

#define GROUP  0xef010107u
#define LOWER  host(1, 1)
#define HIGHER host(1, 9)

static struct igmp_interface_settings settings_of(uint8_t version)
{
    struct igmp_interface_settings s = igmp_interface_settings_default;
    s.version = version;
    return s;
}

static uint64_t query_ns(unsigned n)
{
    struct igmp_message m;
    const struct sent *sent = nth_query(1, n, &m);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
    return sent->ns;
}

/* ---- alone ---- */

static void startup(void)
{
    struct igmp_interface_settings s = settings_of(3);
    s.startup_count = 3;
    wire_begin(NULL);
    uint64_t begin = wire.now.ns;
    wire_up(1, &s);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    wire_run(400000);
    CU_ASSERT_EQUAL_FATAL(count_queries(1), 5);
    CU_ASSERT_EQUAL(query_ns(0) - begin, 0);
    CU_ASSERT_EQUAL(query_ns(1) - begin, 31250 * NS_PER_MS); /* a quarter of the query interval: 8.6 */
    CU_ASSERT_EQUAL(query_ns(2) - begin, 62500 * NS_PER_MS);
    CU_ASSERT_EQUAL(query_ns(3) - query_ns(2), 125 * NS_PER_S);
    CU_ASSERT_EQUAL(query_ns(4) - query_ns(3), 125 * NS_PER_S);
    wire_end();
    s.startup_count = 0; /* the robustness variable: 8.7 */
    s.robustness = 5;
    s.startup_interval_ms = 1000;
    wire_begin(NULL);
    wire_up(1, &s);
    wire_run(60000);
    CU_ASSERT_EQUAL(count_queries(1), 5);
    wire_end();
}

static void general_queries(void)
{
    struct igmp_message m;
    struct igmp_interface_settings s = settings_of(3);
    s.query_interval_ms = 300000;
    s.response_interval_ms = 24800;
    wire_begin(NULL);
    wire_up(1, &s);
    const struct sent *sent = nth_query(1, 0, &m);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
    CU_ASSERT_EQUAL(sent->src, own(1));
    CU_ASSERT_EQUAL(sent->dst, IGMP_ALL_SYSTEMS);
    CU_ASSERT_EQUAL(sent->len, 12);
    CU_ASSERT_EQUAL(m.group, 0);
    CU_ASSERT_EQUAL(m.robustness, 2);
    CU_ASSERT_EQUAL(m.interval_s, 288); /* of 300 s, the next lower that can be said */
    CU_ASSERT_EQUAL(m.max_resp_ms, 24800);
    CU_ASSERT_FALSE(m.suppress);
    wire_end();
    for (uint8_t version = 1; version < 3; version++) {
        s = settings_of(version);
        wire_begin(NULL);
        wire_up(1, &s);
        sent = nth_query(1, 0, &m);
        CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
        CU_ASSERT_EQUAL(sent->len, 8);
        CU_ASSERT_EQUAL(sent->bytes[1], version == 1 ? 0 : 100);
        wire_end();
    }
}

static void no_querier(void)
{
    struct igmp_interface_settings s = settings_of(3);
    s.querier = false;
    s.forward_always = true;
    wire_begin(NULL);
    wire_up(1, &s);
    wire_run(1000000);
    CU_ASSERT_EQUAL(count_queries(1), 0);
    say(1, host(1, 20), IGMP_IS_EX, GROUP, "");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP)); /* it listens all the same */
    say_general(1, HIGHER, 3);            /* whoever asks is the querier */
    CU_ASSERT_EQUAL(interface_of(1).querier_addr, HIGHER);
    s.querier = true;
    CU_ASSERT_TRUE(igmp_interface_set(wire.igmp, 1, &s, wire.now));
    wire_run(256000);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    wire_end();
}

/* ---- election: 6.6.2 ---- */

static void election(void)
{
    wire_begin(NULL);
    wire_up(1, NULL);
    wire_run(1000);
    say_general(1, HIGHER, 3);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(interface_of(1).querier_addr, own(1));
    wire_forget();
    say_general(1, LOWER, 3);
    CU_ASSERT_FALSE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(interface_of(1).querier_addr, LOWER);
    CU_ASSERT_EQUAL(wire.n_changed, 1); /* what is ours to forward is another */
    CU_ASSERT_EQUAL(wire.changed[0].group, 0);
    /* 8.5: two query intervals and half a response interval of silence */
    wire_run(254999);
    CU_ASSERT_EQUAL(count_queries(1), 0);
    CU_ASSERT_FALSE(igmp_is_querier(wire.igmp, 1));
    wire_run(1);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(count_queries(1), 1);
    CU_ASSERT_EQUAL(wire.n_changed, 2);
    wire_run(125000);
    CU_ASSERT_EQUAL(count_queries(1), 2);
    wire_end();
}

/* The other's queries keep its timer going; a specific one elects nobody and keeps nobody. */
static void other_querier_present(void)
{
    struct igmp_query specific = {.version = 3, .group = GROUP, .max_resp_ms = 1000};
    wire_begin(NULL);
    wire_up(1, NULL);
    say_query(1, LOWER, &specific);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    for (unsigned i = 0; i < 10; i++) {
        say_general(1, LOWER, 3);
        wire_run(125000);
        CU_ASSERT_FALSE(igmp_is_querier(wire.igmp, 1));
    }
    wire_run(100000);
    say_query(1, LOWER, &specific);
    wire_run(31000);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    wire_end();
}

static void nobody_is_elected(void)
{
    wire_begin(NULL);
    wire_up(1, NULL);
    say_general(1, 0, 3); /* a switch without address */
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_UNNUMBERED_QUERY), 1);
    say_general(1, own(1), 3);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_OWN), 1);
    say_general(1, 0x0a000201, 3);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_SOURCE), 1);
    wire_end();
}

/* 4.1.6, 4.1.7: the querier's values hold, until there is another querier. */
static void adopting(void)
{
    struct igmp_query query = {.version = 3, .max_resp_ms = 5000, .robustness = 3, .interval_s = 60};
    wire_begin(NULL);
    wire_up(1, NULL);
    say_query(1, HIGHER, &query);
    CU_ASSERT_EQUAL(interface_of(1).robustness, 2); /* not those of whom we have beaten */
    say_query(1, LOWER, &query);
    struct igmp_interface_view view = interface_of(1);
    CU_ASSERT_EQUAL(view.robustness, 3);
    CU_ASSERT_EQUAL(view.query_interval_ns, 60 * NS_PER_S);
    CU_ASSERT_EQUAL(view.membership_interval_ns, 190 * NS_PER_S); /* 8.4: 3 * 60 + 2 * 5 */
    CU_ASSERT_EQUAL(view.other_left_ns, 182500 * NS_PER_MS);
    query.robustness = 0; /* not said: our own */
    query.interval_s = 0;
    say_query(1, LOWER, &query);
    view = interface_of(1);
    CU_ASSERT_EQUAL(view.robustness, 2);
    CU_ASSERT_EQUAL(view.query_interval_ns, 125 * NS_PER_S);
    query = (struct igmp_query){.version = 3, .max_resp_ms = 5000, .robustness = 7, .interval_s = 10};
    say_query(1, LOWER, &query);
    wire_run(75000);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(interface_of(1).robustness, 2);
    CU_ASSERT_EQUAL(interface_of(1).query_interval_ns, 125 * NS_PER_S);
    wire_end();
}

/* RFC 2236 3: a router that has begun to ask for a group goes on, whoever is elected meanwhile. */
static void losing_while_asking(void)
{
    struct igmp_interface_settings s = settings_of(3);
    s.last_member_count = 3;
    wire_begin(NULL);
    wire_up(1, &s);
    say(1, host(1, 20), IGMP_TO_EX, GROUP, "");
    wire_forget();
    say(1, host(1, 20), IGMP_TO_IN, GROUP, "");
    say_general(1, LOWER, 3);
    wire_run(10000);
    SAID(1, "Q(7) Q(7) Q(7)");
    CU_ASSERT_FALSE(has_group(1, GROUP));
    wire_end();
}

static void other_addresses(void)
{
    struct prefix addresses[] = {{own(1), 24}, {0x0a000805, 24}}, lowest = {LOWER, 24};
    wire_begin(NULL);
    wire_up(1, NULL);
    CU_ASSERT_TRUE(igmp_interface_up(wire.igmp, 1, addresses, 2, 1500, wire.now));
    say(1, 0x0a000814, IGMP_TO_EX, GROUP, ""); /* a host of the second subnet */
    CU_ASSERT_TRUE(has_group(1, GROUP));
    say_general(1, host(1, 2), 3);
    CU_ASSERT_FALSE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_TRUE(igmp_interface_up(wire.igmp, 1, &lowest, 1, 1500, wire.now));
    wire_run(0);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1)); /* now we are the lowest */
    CU_ASSERT_TRUE(has_group(1, GROUP));
    CU_ASSERT_TRUE(igmp_interface_up(wire.igmp, 1, NULL, 0, 1500, wire.now));
    CU_ASSERT_FALSE(interface_of(1).up);
    CU_ASSERT_FALSE(has_group(1, GROUP));
    wire_end();
}

/* ---- versions: 7.3.1 ---- */

static void older_querier(void)
{
    struct igmp_message m;
    wire_begin(NULL);
    wire_up(1, NULL);
    say_general(1, HIGHER, 2);
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(wire.n_warnings, 1);
    CU_ASSERT_EQUAL(interface_of(1).version, 2);
    for (unsigned i = 0; i < 20; i++)
        say_general(1, HIGHER, 2);
    CU_ASSERT_EQUAL(wire.n_warnings, 1); /* rate limited */
    CU_ASSERT_EQUAL(interface_of(1).counters.version_mismatches, 21);
    wire_forget();
    wire_run(125000);
    CU_ASSERT_PTR_NOT_NULL_FATAL(nth_query(1, 0, &m));
    CU_ASSERT_EQUAL(m.version, 2);
    wire_run(226000); /* 2 * 125 s and ten response intervals after it was last heard */
    CU_ASSERT_EQUAL(interface_of(1).version, 3);
    say_general(1, HIGHER, 1);
    CU_ASSERT_EQUAL(interface_of(1).version, 1);
    CU_ASSERT_EQUAL(wire.n_warnings, 2);
    wire_end();
    struct igmp_interface_settings s = settings_of(3);
    s.compatibility = false;
    wire_begin(NULL);
    wire_up(1, &s);
    say_general(1, HIGHER, 2);
    CU_ASSERT_EQUAL(interface_of(1).version, 3);
    CU_ASSERT_EQUAL(wire.n_warnings, 1);
    wire_end();
    s = settings_of(2);
    wire_begin(NULL);
    wire_up(1, &s);
    say_general(1, HIGHER, 3); /* a newer one is warned of, and changes nothing */
    CU_ASSERT_EQUAL(wire.n_warnings, 1);
    CU_ASSERT_EQUAL(interface_of(1).version, 2);
    say_general(1, LOWER, 3);
    CU_ASSERT_FALSE(igmp_is_querier(wire.igmp, 1));
    wire_end();
}

/* ---- rest ---- */

static void removal(void)
{
    wire_begin(NULL);
    wire_up(1, NULL);
    wire_up(2, NULL);
    say(1, host(1, 20), IGMP_TO_EX, GROUP, "");
    igmp_interface_remove(wire.igmp, 1, wire.now);
    wire_forget();
    wire_run(1000000);
    CU_ASSERT_EQUAL(count_queries(1), 0);
    CU_ASSERT_TRUE(count_queries(2) > 5);
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    CU_ASSERT_EQUAL(igmp_status(wire.igmp).interfaces, 1);
    say(1, host(1, 20), IGMP_TO_EX, GROUP, "");
    CU_ASSERT_EQUAL(igmp_status(wire.igmp).no_interface, 1);
    igmp_interface_down(wire.igmp, 2, wire.now);
    wire_forget();
    wire_run(1000000);
    CU_ASSERT_EQUAL(count_queries(2), 0);
    wire_end();
}

static void unsent(void)
{
    wire_begin(NULL);
    wire.refuse = true;
    wire_up(1, NULL);
    CU_ASSERT_TRUE(interface_of(1).counters.out_failed > 0);
    CU_ASSERT_EQUAL(interface_of(1).counters.out_general, 0);
    wire.refuse = false;
    wire_run(130000);
    CU_ASSERT_TRUE(interface_of(1).counters.out_general > 0);
    igmp_clear_counters(wire.igmp);
    CU_ASSERT_EQUAL(interface_of(1).counters.out_failed, 0);
    wire_end();
}

static const struct unit_case cases[] = {
    {"queries come quickly at first", startup},
    {"general queries say what is in force, in three versions", general_queries},
    {"a router that may not ask does not", no_querier},
    {"the lowest address is elected, and its silence ends it", election},
    {"only general queries elect", other_querier_present},
    {"nobody is elected who has no address here", nobody_is_elected},
    {"the querier's values are adopted", adopting},
    {"questions that were begun are asked to their end", losing_while_asking},
    {"addresses come and go", other_addresses},
    {"older queriers are followed and warned of", older_querier},
    {"an interface goes", removal},
    {"what could not be sent is counted", unsent},
};

UNIT_MAIN("igmp_querier", cases)
