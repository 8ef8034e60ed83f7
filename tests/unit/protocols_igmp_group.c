/* What hosts want, and until when: leave latency, older hosts, what is refused and what is bounded. */
#include "tests/unit/support/igmp_wire.h"

#define GROUP 0xef010107u
#define HOST  0x0a000114u
#define OTHER 0x0a000115u

static struct igmp_interface_settings settings;

static void start(void)
{
    wire_begin(NULL);
    wire_up(1, &settings);
    wire_run(100000);
    wire_forget();
}

static void defaults(void)
{
    settings = igmp_interface_settings_default;
}

/* ---- time ---- */

static void membership_interval(void)
{
    defaults();
    start();
    say(1, HOST, IGMP_IS_EX, GROUP, "");
    wire_run(269999);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    say(1, OTHER, IGMP_IS_EX, GROUP, ""); /* refreshed */
    wire_run(269999);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    wire_run(1);
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    CU_ASSERT_EQUAL(igmp_status(wire.igmp).groups, 0);
    wire_end();
}

static void leave_latency(void)
{
    defaults();
    settings.last_member_interval_ms = 500;
    settings.last_member_count = 3;
    start();
    for (unsigned version = 2; version <= 3; version++) {
        if (version == 2)
            say_short(1, HOST, IGMP_TYPE_V2_REPORT, GROUP);
        else
            say(1, HOST, IGMP_TO_EX, GROUP, "");
        wire_run(700000); /* older hosts are forgotten meanwhile, if somebody goes on */
        if (version == 2)
            say_short(1, HOST, IGMP_TYPE_V2_REPORT, GROUP);
        else
            say(1, HOST, IGMP_TO_EX, GROUP, "");
        wire_forget();
        if (version == 2)
            say_short(1, HOST, IGMP_TYPE_LEAVE, GROUP);
        else
            say(1, HOST, IGMP_TO_IN, GROUP, "");
        SAID(1, "Q(7)");
        struct igmp_message m;
        CU_ASSERT_PTR_NOT_NULL_FATAL(nth_query(1, 0, &m));
        CU_ASSERT_EQUAL(m.max_resp_ms, 500);
        CU_ASSERT_EQUAL(wire.sent[0].dst, GROUP);
        wire_run(1499);
        SAID(1, "Q(7) Q(7) Q(7)");
        CU_ASSERT_TRUE(wants(1, 'a', GROUP));
        CU_ASSERT_TRUE(group_of(1, GROUP).leaving);
        wire_run(1);
        CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    }
    wire_end();
}

/* Somebody answers: the repetitions go on, with the S flag (6.6.3.1), and nothing is interrupted. */
static void leave_with_another(void)
{
    defaults();
    start();
    say(1, HOST, IGMP_TO_EX, GROUP, "");
    say(1, OTHER, IGMP_TO_EX, GROUP, "");
    wire_forget();
    say(1, HOST, IGMP_TO_IN, GROUP, "");
    wire_run(300);
    say(1, OTHER, IGMP_IS_EX, GROUP, "");
    wire_run(5000);
    SAID(1, "Q(7) QS(7)");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    CU_ASSERT_EQUAL(wire.n_changed, 0);
    /* The host's own repetitions of its leave ask once more, not once each. */
    wire_forget();
    say(1, HOST, IGMP_TO_IN, GROUP, "");
    say(1, HOST, IGMP_TO_IN, GROUP, "");
    say(1, HOST, IGMP_TO_IN, GROUP, "");
    SAID(1, "Q(7)");
    wire_end();
}

/* 6.6.3.2: two messages, by whether somebody has answered meanwhile. */
static void leave_of_sources(void)
{
    defaults();
    settings.last_member_count = 3;
    start();
    say(1, HOST, IGMP_ALLOW, GROUP, "abc");
    wire_forget();
    say(1, HOST, IGMP_BLOCK, GROUP, "ab");
    SAID(1, "Q(7,ab)");
    wire_run(400);
    say(1, OTHER, IGMP_IS_IN, GROUP, "b");
    wire_run(700);
    SAID(1, "Q(7,ab) QS(7,b) Q(7,a)");
    CU_ASSERT_EQUAL(wire.n_changed, 0);
    wire_run(3000);
    SAID(1, "Q(7,ab) QS(7,b) Q(7,a) QS(7,b) Q(7,a)");
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    CU_ASSERT_TRUE(wants(1, 'b', GROUP));
    CU_ASSERT_TRUE(wants(1, 'c', GROUP));
    CU_ASSERT_EQUAL(wire.n_changed, 1);
    wire_end();
}

/* Questions about other sources neither hasten nor delay those that were begun. */
static void merging_questions(void)
{
    defaults();
    settings.last_member_count = 2;
    start();
    say(1, HOST, IGMP_ALLOW, GROUP, "abcd");
    wire_forget();
    say(1, HOST, IGMP_BLOCK, GROUP, "a");
    wire_run(500);
    say(1, HOST, IGMP_BLOCK, GROUP, "b");
    wire_run(450);
    say(1, HOST, IGMP_BLOCK, GROUP, "c");
    wire_run(1049);
    SAID(1, "Q(7,a) Q(7,b) Q(7,c) Q(7,a) Q(7,b) Q(7,c)");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    wire_run(1);
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    CU_ASSERT_TRUE(wants(1, 'b', GROUP));
    wire_run(1000);
    CU_ASSERT_TRUE(wants(1, 'd', GROUP));
    CU_ASSERT_FALSE(wants(1, 'c', GROUP));
    wire_end();
}

/* A query of more sources than fit goes in several messages: 366 with an MTU of 1500 (4.1.8). */
static void long_questions(void)
{
    static uint32_t sources[800];
    struct igmp_message m;
    defaults();
    start();
    for (unsigned i = 0; i < 800; i++)
        sources[i] = 0x0a200000 + i;
    say_record(1, HOST, IGMP_ALLOW, GROUP, sources, 360);
    say_record(1, HOST, IGMP_ALLOW, GROUP, sources + 360, 360);
    say_record(1, HOST, IGMP_ALLOW, GROUP, sources + 720, 80);
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 800);
    wire_forget();
    say(1, HOST, IGMP_TO_IN, GROUP, "");
    CU_ASSERT_EQUAL(count_queries(1), 3);
    CU_ASSERT_PTR_NOT_NULL(nth_query(1, 0, &m));
    CU_ASSERT_EQUAL(m.n, 366);
    CU_ASSERT_PTR_NOT_NULL(nth_query(1, 2, &m));
    CU_ASSERT_EQUAL(m.n, 800 - 2 * 366);
    wire_run(3000);
    CU_ASSERT_FALSE(has_group(1, GROUP));
    wire_end();
}

/* 6.6.1: a router that does not ask lowers its timers as the querier's queries say. */
static void beside_a_querier(void)
{
    struct igmp_query query = {.version = 3, .group = GROUP, .max_resp_ms = 3000, .robustness = 2, .suppress = true};
    uint32_t sources[] = {source_of('a')};
    defaults();
    settings.forward_always = true;
    start();
    say_general(1, host(1, 1), 3);
    say(1, HOST, IGMP_TO_EX, GROUP, "b");
    say(1, HOST, IGMP_ALLOW, GROUP, "a");
    wire_forget();
    say_short(1, HOST, IGMP_TYPE_LEAVE, GROUP);
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_NOT_QUERIER), 1);
    say_query(1, host(1, 1), &query);
    CU_ASSERT_TRUE(group_of(1, GROUP).left_ns > 200 * NS_PER_S);
    query.suppress = false;
    query.n = 1;
    query.sources = sources;
    say_query(1, host(1, 1), &query);
    CU_ASSERT_EQUAL(source_left(1, GROUP, 'a'), 6); /* its response time, twice */
    CU_ASSERT_TRUE(group_of(1, GROUP).left_ns > 200 * NS_PER_S);
    query.n = 0;
    say_query(1, host(1, 1), &query);
    CU_ASSERT_EQUAL(group_of(1, GROUP).left_ns, 6 * NS_PER_S);
    wire_run(6000);
    CU_ASSERT_FALSE(has_group(1, GROUP));
    SAID(1, "");
    wire_end();
}

/* A router that has lost the election asks on (RFC 2236 3), and the querier lowers its timers, too. Neither a query
 * that hosts did not hear nor one that leaves them no time cuts anybody off. */
static void questions_of_others(void)
{
    struct igmp_query query = {.version = 3, .group = GROUP, .robustness = 2};
    uint8_t bytes[IGMP_MESSAGE_MAX];
    defaults();
    start();
    say(1, HOST, IGMP_TO_EX, GROUP, "");
    size_t len = igmp_query_put(&query, bytes);
    wire_say(1, host(1, 9), own(1), bytes, len);
    CU_ASSERT_EQUAL(group_of(1, GROUP).left_ns, 270 * NS_PER_S);
    say_query(1, host(1, 9), &query); /* 100 ms, as little as can be said */
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, 1));
    CU_ASSERT_EQUAL(group_of(1, GROUP).left_ns, 2 * NS_PER_S);
    say(1, HOST, IGMP_IS_EX, GROUP, "");
    wire_run(3000);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    wire_end();
}

/* RFC 4605 4.2: what another querier brings is not ours to bring. */
static void not_ours_to_bring(void)
{
    defaults();
    start();
    say(1, HOST, IGMP_TO_EX, GROUP, "");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    say_general(1, host(1, 1), 3);
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    CU_ASSERT_TRUE(has_group(1, GROUP));
    settings.forward_always = true;
    wire_forget();
    CU_ASSERT_TRUE(igmp_interface_set(wire.igmp, 1, &settings, wire.now));
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    CU_ASSERT_EQUAL(wire.n_changed, 1);
    wire_end();
}

/* ---- older hosts: 7.3.2 ---- */

static void version_2_hosts(void)
{
    defaults();
    start();
    say(1, HOST, IGMP_TO_EX, GROUP, "ab");
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    say_short(1, OTHER, IGMP_TYPE_V2_REPORT, GROUP);
    CU_ASSERT_EQUAL(group_of(1, GROUP).version, 2);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    say(1, HOST, IGMP_BLOCK, GROUP, "c"); /* ignored */
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 0);
    say(1, HOST, IGMP_TO_EX, GROUP, "ab"); /* its sources are */
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 0);
    wire_run(259999); /* 8.13: two query intervals and one response interval */
    say(1, HOST, IGMP_IS_EX, GROUP, "");
    CU_ASSERT_EQUAL(group_of(1, GROUP).version, 2);
    wire_run(1);
    CU_ASSERT_EQUAL(group_of(1, GROUP).version, 3);
    say(1, HOST, IGMP_BLOCK, GROUP, "c");
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 1);
    wire_end();
}

static void version_1_hosts(void)
{
    defaults();
    start();
    say_short(1, OTHER, IGMP_TYPE_V2_REPORT, GROUP);
    say_short(1, HOST, IGMP_TYPE_V1_REPORT, GROUP);
    CU_ASSERT_EQUAL(group_of(1, GROUP).version, 1);
    CU_ASSERT_EQUAL(group_of(1, GROUP).v1_left_ns, 260 * NS_PER_S);
    wire_forget();
    say_short(1, OTHER, IGMP_TYPE_LEAVE, GROUP);
    say(1, OTHER, IGMP_TO_IN, GROUP, "");
    SAID(1, "");
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_VERSION_1_LEAVE), 2);
    wire_run(200000);
    say_short(1, OTHER, IGMP_TYPE_V2_REPORT, GROUP);
    wire_run(60000); /* the host of version 1 is forgotten, that of version 2 is not */
    CU_ASSERT_EQUAL(group_of(1, GROUP).version, 2);
    wire_forget();
    say_short(1, OTHER, IGMP_TYPE_LEAVE, GROUP);
    SAID(1, "Q(7)");
    wire_end();
}

/* What an interface is set to bounds it: version 2 asks for no sources, version 1 for no group. */
static void older_interfaces(void)
{
    struct igmp_message m;
    defaults();
    settings.version = 2;
    start();
    say(1, HOST, IGMP_ALLOW, GROUP, "ab");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    CU_ASSERT_FALSE(wants(1, 'c', GROUP));
    wire_forget();
    say(1, HOST, IGMP_TO_IN, GROUP, "");
    SAID(1, "");
    say_short(1, OTHER, IGMP_TYPE_V2_REPORT, GROUP);
    say_short(1, OTHER, IGMP_TYPE_LEAVE, GROUP);
    SAID(1, "Q(7)");
    const struct sent *sent = nth_query(1, 0, &m);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sent);
    CU_ASSERT_EQUAL(sent->len, 8);
    CU_ASSERT_EQUAL(sent->bytes[1], 10);
    wire_end();
    settings.version = 1;
    start();
    say_short(1, HOST, IGMP_TYPE_V1_REPORT, GROUP);
    wire_forget();
    say_short(1, HOST, IGMP_TYPE_LEAVE, GROUP);
    SAID(1, "");
    CU_ASSERT_TRUE(group_of(1, GROUP).left_ns > 260 * NS_PER_S);
    wire_end();
}

/* ---- what is refused ---- */

struct refusal {
    const char *name;
    uint32_t src, dst;
    uint8_t ttl;
    bool alert;
    uint8_t type; /* of 8 bytes; 0x22 a report of one record TO_EX */
    uint32_t group;
    enum igmp_reject reject;
};

static const struct refusal refusals[] = {
    {"a report of version 2", HOST, GROUP, 1, true, 0x16, GROUP, IGMP_ACCEPT},
    {"from 0.0.0.0", 0, GROUP, 1, true, 0x16, GROUP, IGMP_ACCEPT},
    {"to our own address", HOST, 0x0a000105, 1, true, 0x16, GROUP, IGMP_ACCEPT},
    {"to another group", HOST, GROUP + 1, 1, true, 0x16, GROUP, IGMP_REJECT_DESTINATION},
    {"to a stranger", HOST, OTHER, 1, true, 0x16, GROUP, IGMP_REJECT_DESTINATION},
    {"from elsewhere", 0x0a000214, GROUP, 1, true, 0x16, GROUP, IGMP_REJECT_SOURCE},
    {"from ourselves", 0x0a000105, GROUP, 1, true, 0x16, GROUP, IGMP_REJECT_OWN},
    {"with TTL 2", HOST, GROUP, 2, true, 0x16, GROUP, IGMP_REJECT_TTL},
    {"without router alert", HOST, GROUP, 1, false, 0x16, GROUP, IGMP_REJECT_ROUTER_ALERT},
    {"of no group", HOST, 0x0a010107, 1, true, 0x16, 0x0a010107, IGMP_REJECT_GROUP},
    {"of 224.0.0.251", HOST, 0xe00000fb, 1, true, 0x16, 0xe00000fb, IGMP_REJECT_LINK_LOCAL},
    {"of a single source's range", HOST, 0xe8010107, 1, true, 0x16, 0xe8010107, IGMP_REJECT_SSM},
    {"version 1 likewise", HOST, 0xe8010107, 1, true, 0x12, 0xe8010107, IGMP_REJECT_SSM},
    {"a leave to all routers", HOST, IGMP_ALL_ROUTERS, 1, true, 0x17, GROUP, IGMP_ACCEPT},
    {"a leave to the group", HOST, GROUP, 1, true, 0x17, GROUP, IGMP_ACCEPT},
    {"a leave to us alone", HOST, 0x0a000105, 1, true, 0x17, GROUP, IGMP_REJECT_DESTINATION},
    {"a leave of what nobody joined", HOST, IGMP_ALL_ROUTERS, 1, true, 0x17, GROUP + 9, IGMP_REJECT_UNKNOWN_GROUP},
    {"a report of version 3", HOST, IGMP_V3_ROUTERS, 1, true, 0x22, GROUP, IGMP_ACCEPT},
    {"a report of version 3 to the group", HOST, GROUP, 1, true, 0x22, GROUP, IGMP_REJECT_DESTINATION},
    {"all sources of a single source's group", HOST, IGMP_V3_ROUTERS, 1, true, 0x22, 0xe8010107, IGMP_REJECT_SSM},
    {"mtrace", HOST, GROUP, 1, true, 0x1f, GROUP, IGMP_REJECT_TYPE},
    {"a general query to a group", HOST, GROUP, 1, true, 0x11, 0, IGMP_REJECT_DESTINATION},
    {"a query of no group", HOST, IGMP_ALL_SYSTEMS, 1, true, 0x11, 0x0a010107, IGMP_REJECT_QUERY_GROUP},
    {"a query without router alert", HOST, IGMP_ALL_SYSTEMS, 1, false, 0x11, 0, IGMP_REJECT_ROUTER_ALERT},
};

static void refusing(void)
{
    defaults();
    settings.require_router_alert = true;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        struct igmp_datagram datagram = {
            .port = 1, .src = r->src, .dst = r->dst, .ttl = r->ttl, .router_alert = r->alert};
        struct igmp_report report;
        start();
        if (r->type == 0x17)
            say_short(1, OTHER, IGMP_TYPE_V2_REPORT, GROUP);
        igmp_report_begin(&report, IGMP_MESSAGE_MAX);
        igmp_report_add(&report, IGMP_TO_EX, r->group, NULL, 0);
        igmp_report_finish(&report);
        if (r->type != 0x22)
            report.len = igmp_short_put(r->type, r->group, report.bytes);
        igmp_input(wire.igmp, &datagram, report.bytes, report.len, wire.now);
        uint64_t sum = 0;
        for (unsigned j = 0; j < IGMP_REJECT__COUNT; j++)
            sum += refused(1, j);
        bool good = r->reject == IGMP_ACCEPT ? sum == 0 : sum == 1 && refused(1, r->reject) == 1;
        if (!good || (r->type != 0x17 && has_group(1, r->group) != (r->reject == IGMP_ACCEPT))) {
            printf("\n%s", r->name);
            CU_FAIL("another reason");
        }
        wire_end();
    }
}

/* One bad record or source spoils nothing else. */
static void bad_parts(void)
{
    uint32_t sources[] = {source_of('a'), 0, 0x7f000001, 0xe0000001, 0xffffffff, source_of('b'), source_of('a')};
    struct igmp_report report;
    defaults();
    start();
    igmp_report_begin(&report, IGMP_MESSAGE_MAX);
    igmp_report_add(&report, IGMP_ALLOW, 0x0a000001, NULL, 0);
    igmp_report_add(&report, 77, GROUP, NULL, 0);
    igmp_report_add(&report, IGMP_ALLOW, GROUP, sources, 7);
    igmp_report_add(&report, IGMP_TO_EX, GROUP + 1, NULL, 0);
    igmp_report_finish(&report);
    wire_say(1, HOST, IGMP_V3_ROUTERS, report.bytes, report.len);
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_GROUP), 1);
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_RECORD_TYPE), 1);
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_SOURCE_ADDRESS), 4);
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 2);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP) && wants(1, 'b', GROUP));
    CU_ASSERT_TRUE(wants(1, 'a', GROUP + 1));
    wire_end();
}

static void single_sources(void)
{
    defaults();
    start();
    say(1, HOST, IGMP_ALLOW, 0xe8010107, "a");
    CU_ASSERT_TRUE(wants(1, 'a', 0xe8010107));
    CU_ASSERT_FALSE(wants(1, 'b', 0xe8010107));
    say(1, HOST, IGMP_IS_EX, 0xe8010107, "");
    CU_ASSERT_FALSE(wants(1, 'b', 0xe8010107));
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_SSM), 1);
    struct igmp_settings none = {.upstream = PORT_NONE};
    CU_ASSERT_TRUE(igmp_configure(wire.igmp, &none, wire.now));
    say(1, HOST, IGMP_IS_EX, 0xe8010107, "");
    CU_ASSERT_TRUE(wants(1, 'b', 0xe8010107));
    wire_end();
}

/* ---- bounds ---- */

static void group_limit(void)
{
    defaults();
    settings.group_limit = 4;
    start();
    for (unsigned i = 0; i < 6; i++)
        say(1, HOST, IGMP_TO_EX, GROUP + i, "");
    CU_ASSERT_EQUAL(igmp_status(wire.igmp).groups, 4);
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_GROUP_LIMIT), 2);
    CU_ASSERT_TRUE(has_group(1, GROUP + 3)); /* older ones are kept */
    CU_ASSERT_FALSE(has_group(1, GROUP + 4));
    CU_ASSERT_TRUE(wire.n_warnings == 1);
    say(1, HOST, IGMP_TO_IN, GROUP, "");
    wire_run(2000);
    say(1, HOST, IGMP_TO_EX, GROUP + 4, "");
    CU_ASSERT_TRUE(has_group(1, GROUP + 4));
    wire_end();
}

static void source_limit(void)
{
    defaults();
    settings.source_limit = 4;
    start();
    say(1, HOST, IGMP_ALLOW, GROUP, "ceg");
    say(1, HOST, IGMP_ALLOW, GROUP, "abcd");
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 4);
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_SOURCE_LIMIT), 2);
    CU_ASSERT_TRUE(wants(1, 'c', GROUP) && wants(1, 'e', GROUP) && wants(1, 'g', GROUP)); /* older ones are kept */
    say(1, HOST, IGMP_IS_EX, GROUP, "hijklm"); /* what cannot be kept as blocked is forwarded */
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 4);
    CU_ASSERT_FALSE(wants(1, 'h', GROUP));
    CU_ASSERT_TRUE(wants(1, 'm', GROUP));
    wire_end();
}

static void report_limit(void)
{
    defaults();
    settings.report_limit = 10;
    start();
    for (unsigned i = 0; i < 15; i++)
        say(1, HOST, IGMP_TO_EX, GROUP + i, "");
    CU_ASSERT_EQUAL(refused(1, IGMP_REJECT_RATE), 5);
    wire_run(1000);
    say(1, HOST, IGMP_TO_EX, GROUP + 14, "");
    CU_ASSERT_TRUE(has_group(1, GROUP + 14));
    wire_end();
}

/* ---- static groups ---- */

static void static_groups(void)
{
    struct igmp_static statics[] = {
        {GROUP + 1, source_of('b')}, {GROUP, 0}, {GROUP + 1, source_of('a')}, {0xe00000fb, 0}, {0x0a000001, 0}};
    struct igmp_source_view view;
    uint32_t from = 0;
    defaults();
    settings.n_statics = 5;
    settings.statics = statics;
    start();
    CU_ASSERT_EQUAL(igmp_status(wire.igmp).groups, 2);
    CU_ASSERT_TRUE(wants(1, 'z', GROUP));
    CU_ASSERT_TRUE(wants(1, 'a', GROUP + 1));
    CU_ASSERT_FALSE(wants(1, 'z', GROUP + 1));
    /* Hosts come and go, and what is configured stays. */
    say(1, HOST, IGMP_TO_EX, GROUP, "z");
    CU_ASSERT_TRUE(wants(1, 'z', GROUP));
    say(1, HOST, IGMP_ALLOW, GROUP + 1, "az");
    CU_ASSERT_TRUE(wants(1, 'z', GROUP + 1));
    CU_ASSERT_EQUAL(group_of(1, GROUP + 1).n_sources, 3);
    CU_ASSERT_TRUE(igmp_next_source(wire.igmp, 1, GROUP + 1, &from, &view, wire.now));
    CU_ASSERT_TRUE(view.source == source_of('a') && view.is_static && view.learned);
    CU_ASSERT_TRUE(igmp_next_source(wire.igmp, 1, GROUP + 1, &from, &view, wire.now));
    CU_ASSERT_TRUE(view.source == source_of('b') && view.is_static && !view.learned && view.left_ns == NEVER_NS);
    say(1, HOST, IGMP_TO_IN, GROUP, "");
    say(1, HOST, IGMP_TO_IN, GROUP + 1, "");
    wire_run(3000);
    CU_ASSERT_TRUE(wants(1, 'z', GROUP));
    CU_ASSERT_TRUE(wants(1, 'a', GROUP + 1));
    CU_ASSERT_FALSE(wants(1, 'z', GROUP + 1));
    igmp_clear(wire.igmp, 1, 0, wire.now);
    CU_ASSERT_TRUE(wants(1, 'z', GROUP));
    settings.n_statics = 0;
    wire_forget();
    CU_ASSERT_TRUE(igmp_interface_set(wire.igmp, 1, &settings, wire.now));
    CU_ASSERT_EQUAL(igmp_status(wire.igmp).groups, 0);
    CU_ASSERT_EQUAL(wire.n_changed, 2);
    wire_end();
}

static void clearing(void)
{
    defaults();
    start();
    say(1, HOST, IGMP_TO_EX, GROUP, "");
    say(1, HOST, IGMP_TO_EX, GROUP + 1, "");
    wire_forget();
    igmp_clear(wire.igmp, PORT_NONE, GROUP, wire.now);
    CU_ASSERT_FALSE(has_group(1, GROUP));
    CU_ASSERT_TRUE(has_group(1, GROUP + 1));
    SAID(1, "Q(7)");
    wire_forget();
    igmp_clear(wire.igmp, 1, 0, wire.now);
    CU_ASSERT_EQUAL(igmp_status(wire.igmp).groups, 0);
    SAID(1, "Q");
    wire_end();
}

/* ---- doors ---- */

static void ports(void)
{
    uint64_t set[IGMP_PORT_WORDS];
    struct igmp_group_cursor cursor = IGMP_GROUP_START;
    struct igmp_group_view view;
    defaults();
    wire_begin(NULL);
    for (unsigned port = 1; port < 200; port += 66)
        wire_up(port, &settings);
    say(67, host(67, 20), IGMP_TO_EX, GROUP, "");
    say(1, HOST, IGMP_ALLOW, GROUP, "a");
    say(1, HOST, IGMP_ALLOW, GROUP - 1, "a");
    CU_ASSERT_EQUAL(igmp_ports(wire.igmp, source_of('a'), GROUP, set), 2);
    CU_ASSERT_EQUAL(set[0], UINT64_C(1) << 1);
    CU_ASSERT_EQUAL(set[1], UINT64_C(1) << 3);
    CU_ASSERT_EQUAL(igmp_ports(wire.igmp, source_of('b'), GROUP, set), 1);
    CU_ASSERT_EQUAL(igmp_ports(wire.igmp, source_of('b'), GROUP + 1, set), 0);
    CU_ASSERT_TRUE(igmp_next_group(wire.igmp, &cursor, &view, wire.now));
    CU_ASSERT_TRUE(view.port == 1 && view.group == GROUP - 1);
    igmp_interface_remove(wire.igmp, 1, wire.now); /* between two steps */
    CU_ASSERT_TRUE(igmp_next_group(wire.igmp, &cursor, &view, wire.now));
    CU_ASSERT_TRUE(view.port == 67 && view.group == GROUP && view.exclude && view.last_reporter == host(67, 20));
    CU_ASSERT_FALSE(igmp_next_group(wire.igmp, &cursor, &view, wire.now));
    wire_end();
}

static const struct unit_case cases[] = {
    {"a membership lasts its interval and no longer", membership_interval},
    {"leave latency is what the timers say", leave_latency},
    {"a leave interrupts nobody else", leave_with_another},
    {"a leave of sources, likewise", leave_of_sources},
    {"questions do not disturb each other", merging_questions},
    {"long questions go in several messages", long_questions},
    {"another's questions lower timers", beside_a_querier},
    {"another's questions cut nobody off", questions_of_others},
    {"another querier brings the traffic", not_ours_to_bring},
    {"hosts of version 2", version_2_hosts},
    {"hosts of version 1", version_1_hosts},
    {"interfaces of versions 2 and 1", older_interfaces},
    {"messages are refused for the right reason", refusing},
    {"bad records and sources spoil nothing else", bad_parts},
    {"232/8 has members of single sources only", single_sources},
    {"as many groups as may be", group_limit},
    {"as many sources as may be", source_limit},
    {"as many reports as may be", report_limit},
    {"static groups stay", static_groups},
    {"what was learned is cleared, and asked anew", clearing},
    {"forwarding asks for ports, shows for groups", ports},
};

UNIT_MAIN("igmp_group", cases)
