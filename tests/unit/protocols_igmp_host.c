/* This router as a host, and as a proxy: port 0 is upstream, ports 1 and 2 are not. */
#include "tests/unit/support/igmp_wire.h"

#define UP    0
#define GROUP 0xef010107u
#define A     0x0a000114u
#define B     0x0a000214u
#define QUERY 0x0a000001u /* upstream's querier */

static const struct igmp_settings proxy = {.upstream = UP};

static void start_with(const struct igmp_interface_settings *upstream)
{
    wire_begin(&proxy);
    wire_up(UP, upstream);
    wire_up(1, NULL);
    wire_up(2, NULL);
    wire_run(60000);
    wire_forget();
}

static void start(void)
{
    start_with(NULL);
}

static void ask(uint8_t version, uint32_t group, const char *letters)
{
    uint32_t sources[26];
    struct igmp_query query = {.version = version,
                               .group = group,
                               .max_resp_ms = 10000,
                               .robustness = 2,
                               .interval_s = 125,
                               .sources = sources};
    for (; letters[query.n] != '\0'; query.n++)
        sources[query.n] = source_of(letters[query.n]);
    say_query(UP, QUERY, &query);
}

/* ---- merging: RFC 4605 4.1, RFC 9776 3.2 ---- */

struct merge {
    const char *one, *two; /* what hosts of port 1 and 2 say: mode and sources */
    const char *member;
};

static const struct merge merges[] = {
    {"Iabc", "Ibcd", "Iabcd"}, /* the examples of 3.2 */
    {"Eabcd", "Ebcde", "Ebcd"}, {"Ebc", "Idef", "Ebc"}, {"Ebcde", "Ide", "Ebc"},
    {"Eabcd", "E", "E"},        {"E", "Iab", "E"}, /* the example of RFC 4605 4.1 */
    {"Iab", "", "Iab"},         {"", "Eab", "Eab"},     {"", "", ""},
};

static void say_state(unsigned port, uint32_t src, const char *state)
{
    if (state[0] != '\0')
        say(port, src, state[0] == 'E' ? IGMP_TO_EX : IGMP_TO_IN, GROUP, state + 1);
}

static bool is_member(const char *state)
{
    struct igmp_member_view view;
    uint32_t from = GROUP;
    if (!igmp_next_member(wire.igmp, UP, &from, &view) || view.group != GROUP)
        return state[0] == '\0';
    bool good = state[0] == (view.exclude ? 'E' : 'I') && view.n_sources == strlen(state + 1);
    for (unsigned i = 0; good && i < view.n_sources; i++)
        good = view.sources[i] == source_of(state[1 + i]);
    return good;
}

static void merging(void)
{
    for (size_t i = 0; i < 2 * sizeof merges / sizeof merges[0]; i++) {
        const struct merge *m = &merges[i / 2];
        start();
        say_state(i % 2 == 0 ? 1 : 2, i % 2 == 0 ? A : B, m->one);
        say_state(i % 2 == 0 ? 2 : 1, i % 2 == 0 ? B : A, m->two);
        if (!is_member(m->member)) {
            printf("\n%s and %s", m->one, m->two);
            CU_FAIL("not merged to that");
        }
        wire_end();
    }
}

/* In mode EXCLUDE, what somebody wants all the same is not excluded (RFC 4605 4.1: timers > 0). */
static void merging_conflicts(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "ab");
    say(1, host(1, 21), IGMP_ALLOW, GROUP, "b");
    CU_ASSERT_TRUE(is_member("Ea"));
    wire_end();
}

static void static_and_gone(void)
{
    struct igmp_static statics[] = {{GROUP, source_of('a')}};
    struct igmp_interface_settings s = igmp_interface_settings_default;
    start();
    s.n_statics = 1;
    s.statics = statics;
    CU_ASSERT_TRUE(igmp_interface_set(wire.igmp, 1, &s, wire.now));
    wire_run(0);
    CU_ASSERT_TRUE(is_member("Ia"));
    say(2, B, IGMP_TO_EX, GROUP, "ab");
    CU_ASSERT_TRUE(is_member("Eb"));
    igmp_interface_down(wire.igmp, 1, wire.now);
    wire_run(0);
    CU_ASSERT_TRUE(is_member("Eab"));
    igmp_interface_remove(wire.igmp, 2, wire.now);
    wire_run(3000);
    CU_ASSERT_TRUE(is_member(""));
    wire_end();
}

/* ---- changes: RFC 9776 5.1 ---- */

static void reporting_changes(void)
{
    start();
    say(1, A, IGMP_ALLOW, GROUP, "a");
    SAID(UP, "ALLOW(7,a)");
    wire_run(1000);
    SAID(UP, "ALLOW(7,a) ALLOW(7,a)"); /* as often as the robustness variable says, within a second each */
    wire_run(10000);
    SAID(UP, "ALLOW(7,a) ALLOW(7,a)");
    CU_ASSERT_EQUAL(wire.sent[0].dst, IGMP_V3_ROUTERS);
    CU_ASSERT_EQUAL(wire.sent[0].src, own(UP));
    wire_forget();
    say(1, A, IGMP_TO_EX, GROUP, "b");
    wire_run(1000);
    SAID(UP, "TO_EX(7,b) TO_EX(7,b)");
    wire_forget();
    say(1, host(1, 21), IGMP_ALLOW, GROUP, "b");
    wire_run(1000);
    SAID(UP, "ALLOW(7,b) ALLOW(7,b)");
    wire_forget();
    say(1, A, IGMP_TO_IN, GROUP, "");
    wire_run(100);
    say(1, host(1, 21), IGMP_IS_IN, GROUP, "b"); /* its answer */
    wire_run(5000);
    SAID(UP, "TO_IN(7,b) TO_IN(7,b)"); /* the other still wants it */
    wire_forget();
    say(1, host(1, 21), IGMP_BLOCK, GROUP, "b");
    wire_run(5000);
    SAID(UP, "BLOCK(7,b) BLOCK(7,b)");
    CU_ASSERT_TRUE(is_member(""));
    wire_end();
}

/* A change while another is being repeated is merged with it (table 4). */
static void merging_changes(void)
{
    struct igmp_interface_settings s = igmp_interface_settings_default;
    s.robustness = 3;
    start_with(&s);
    say(1, A, IGMP_ALLOW, GROUP, "a");
    say(1, A, IGMP_ALLOW, GROUP, "b");
    SAID(UP, "ALLOW(7,a) ALLOW(7,ab)");
    wire_run(3000);
    SAID(UP, "ALLOW(7,a) ALLOW(7,ab) ALLOW(7,ab) ALLOW(7,b)");
    wire_forget();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(2, B, IGMP_ALLOW, GROUP, "c"); /* wanted already: nothing is new */
    wire_run(3000);
    SAID(UP, "TO_EX(7) TO_EX(7) TO_EX(7)");
    wire_end();
}

/* What is taken back while it is being reported is reported as taken back, as often. */
static void taking_back(void)
{
    struct igmp_static statics[] = {{GROUP, source_of('a')}, {GROUP, source_of('b')}};
    struct igmp_interface_settings s = igmp_interface_settings_default, upstream = s;
    upstream.robustness = 3;
    start_with(&upstream);
    s.n_statics = 2;
    s.statics = statics;
    CU_ASSERT_TRUE(igmp_interface_set(wire.igmp, 1, &s, wire.now));
    wire_run(0);
    SAID(UP, "ALLOW(7,ab)");
    s.n_statics = 1;
    CU_ASSERT_TRUE(igmp_interface_set(wire.igmp, 1, &s, wire.now));
    wire_run(5000);
    SAID(UP, "ALLOW(7,ab) ALLOW(7,a) BLOCK(7,b) ALLOW(7,a) BLOCK(7,b) BLOCK(7,b)");
    wire_end();
}

static void one_message_for_many(void)
{
    struct igmp_report report;
    struct igmp_message m;
    start();
    igmp_report_begin(&report, IGMP_MESSAGE_MAX);
    for (unsigned i = 0; i < 100; i++)
        igmp_report_add(&report, IGMP_TO_EX, GROUP + i, NULL, 0);
    igmp_report_finish(&report);
    wire_say(1, A, IGMP_V3_ROUTERS, report.bytes, report.len);
    CU_ASSERT_EQUAL_FATAL(wire.n_sent, 1);
    CU_ASSERT_EQUAL(igmp_message_parse(wire.sent[0].bytes, wire.sent[0].len, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.n, 100);
    wire_end();
}

/* ---- answers: 5.2 ---- */

static void answering(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "a");
    say(1, A, IGMP_ALLOW, GROUP + 1, "bc");
    wire_run(3000);
    wire_forget();
    ask(3, 0, "");
    SAID(UP, ""); /* never at once */
    wire_run(10000);
    SAID(UP, "IS_EX(7,a) IS_IN(8,bc)");
    wire_forget();
    ask(3, GROUP, "");
    wire_run(10000);
    SAID(UP, "IS_EX(7,a)");
    wire_forget();
    ask(3, GROUP, "ab"); /* table 5 */
    ask(3, GROUP + 1, "ab");
    ask(3, GROUP + 2, "ab");
    wire_run(10000);
    CU_ASSERT_PTR_NOT_NULL(strstr(words(UP), "IS_IN(7,b)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(words(UP), "IS_IN(8,b)"));
    CU_ASSERT_EQUAL(strlen(words(UP)), strlen("IS_IN(7,b) IS_IN(8,b)"));
    wire_forget();
    ask(3, GROUP, "a"); /* excluded: nothing to say */
    wire_run(10000);
    SAID(UP, "");
    ask(3, GROUP + 1, "b");
    ask(3, GROUP + 1, "c"); /* rule 5 */
    wire_run(10000);
    SAID(UP, "IS_IN(8,bc)");
    wire_forget();
    ask(3, GROUP + 1, "b");
    ask(3, GROUP + 1, ""); /* rule 4 */
    wire_run(10000);
    SAID(UP, "IS_IN(8,bc)");
    wire_end();
}

/* Another querier answered long ago means nothing: delays are spread over the response time. */
static void spreading(void)
{
    uint64_t earliest = UINT64_MAX, latest = 0;
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    wire_run(3000);
    for (unsigned i = 0; i < 100; i++) {
        say(1, A, IGMP_IS_EX, GROUP, "");
        wire_forget();
        uint64_t begin = wire.now.ns;
        ask(3, GROUP, "");
        wire_run(10000);
        CU_ASSERT_EQUAL_FATAL(wire.n_sent > 0, true);
        uint64_t delay = wire.sent[0].ns - begin;
        earliest = delay < earliest ? delay : earliest;
        latest = delay > latest ? delay : latest;
    }
    CU_ASSERT_TRUE(earliest < 1 * NS_PER_S && latest > 9 * NS_PER_S && latest <= 10 * NS_PER_S);
    wire_end();
}

/* Thousands of groups: every one is reported once, in full messages that are spread over the response time. */
static void large_answers(void)
{
    static uint8_t seen[1000];
    struct igmp_message m;
    start();
    for (unsigned i = 0; i < 1000; i++)
        say(1, A, IGMP_TO_EX, GROUP + i, "");
    wire_run(3000);
    wire_forget();
    uint64_t begin = wire.now.ns;
    ask(3, 0, "");
    wire_run(10000);
    unsigned messages = 0;
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < wire.n_sent; i++) {
        if (wire.sent[i].port != UP)
            continue;
        messages++;
        CU_ASSERT_TRUE(wire.sent[i].ns - begin <= 10 * NS_PER_S);
        CU_ASSERT_EQUAL(igmp_message_parse(wire.sent[i].bytes, wire.sent[i].len, &m), IGMP_ACCEPT);
        const uint8_t *at = m.bytes;
        for (unsigned k = 0; k < m.n; k++) {
            struct igmp_record r = igmp_record_next(&at);
            if (r.group - GROUP < 1000)
                seen[r.group - GROUP]++;
        }
    }
    CU_ASSERT_EQUAL(messages, 6); /* of 183 records at most */
    CU_ASSERT_EQUAL(memchr(seen, 0, sizeof seen), NULL);
    CU_ASSERT_EQUAL(memchr(seen, 2, sizeof seen), NULL);
    wire_end();
}

/* A query to an address of the interface is one like any other (4.1.12). */
static void asked_alone(void)
{
    struct igmp_query query = {.version = 3, .max_resp_ms = 1000, .robustness = 2, .interval_s = 125};
    uint8_t bytes[IGMP_MESSAGE_MAX];
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    wire_run(3000);
    wire_forget();
    size_t len = igmp_query_put(&query, bytes);
    wire_say(UP, QUERY, own(UP), bytes, len);
    wire_run(1000);
    SAID(UP, "IS_EX(7)");
    wire_end();
}

/* A list too long for one message goes in several (4.2.17). */
static void long_lists(void)
{
    static uint32_t sources[800];
    struct igmp_message m;
    start();
    for (unsigned i = 0; i < 800; i++)
        sources[i] = 0x0a200000 + i;
    for (unsigned i = 0; i < 800; i += 200)
        say_record(1, A, IGMP_ALLOW, GROUP, sources + i, 200);
    wire_run(3000);
    wire_forget();
    ask(3, 0, "");
    wire_run(10000);
    unsigned messages = 0, said = 0;
    for (unsigned i = 0; i < wire.n_sent; i++) {
        if (wire.sent[i].port != UP)
            continue;
        CU_ASSERT_EQUAL_FATAL(igmp_message_parse(wire.sent[i].bytes, wire.sent[i].len, &m), IGMP_ACCEPT);
        const uint8_t *at = m.bytes;
        for (unsigned k = 0; k < m.n; k++) {
            struct igmp_record r = igmp_record_next(&at);
            if (r.group == GROUP) {
                messages++;
                said += r.n;
                CU_ASSERT_EQUAL(r.type, IGMP_IS_IN);
            }
        }
    }
    CU_ASSERT_EQUAL(messages, 3);
    CU_ASSERT_EQUAL(said, 800);
    wire_end();
}

/* 7.2.2: what others report in older versions is their own business. */
static void nobody_suppresses_version_3(void)
{
    start();
    say(1, A, IGMP_ALLOW, GROUP, "a");
    say_short(UP, 0x0a000063, IGMP_TYPE_V2_REPORT, GROUP);
    say_short(UP, 0x0a000062, IGMP_TYPE_V1_REPORT, GROUP);
    wire_run(3000);
    SAID(UP, "ALLOW(7,a) ALLOW(7,a)");
    wire_forget();
    ask(3, GROUP, "");
    say_short(UP, 0x0a000063, IGMP_TYPE_V2_REPORT, GROUP);
    wire_run(10000);
    SAID(UP, "IS_IN(7,a)");
    wire_end();
}

/* ---- older queriers: 7.2.1 ---- */

static void version_2_querier(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "a");
    wire_run(3000);
    wire_forget();
    ask(2, GROUP, ""); /* a specific one says nothing of the querier */
    CU_ASSERT_EQUAL(interface_of(UP).version, 3);
    ask(2, 0, "");
    CU_ASSERT_EQUAL(interface_of(UP).version, 2);
    wire_run(10000);
    SAID(UP, "V2(7)");
    for (unsigned i = 0; i < wire.n_sent; i++)
        if (wire.sent[i].port == UP)
            CU_ASSERT_TRUE(wire.sent[i].dst == GROUP || wire.sent[i].dst == IGMP_V3_ROUTERS);
    wire_forget();
    say(1, A, IGMP_BLOCK, GROUP, "b"); /* no word for that */
    wire_run(5000);
    SAID(UP, "");
    say(1, A, IGMP_TO_EX, GROUP + 1, "");
    wire_run(3000);
    SAID(UP, "V2(8) V2(8)");
    wire_forget();
    say(1, A, IGMP_TO_IN, GROUP + 1, "");
    wire_run(5000);
    SAID(UP, "LEAVE(8)");
    for (unsigned i = 0; i < wire.n_sent; i++)
        if (wire.sent[i].port == UP)
            CU_ASSERT_EQUAL(wire.sent[i].dst, IGMP_ALL_ROUTERS);
    /* Another's report is enough (RFC 2236 3). */
    wire_forget();
    ask(2, GROUP, "");
    say_short(UP, 0x0a000063, IGMP_TYPE_V2_REPORT, GROUP);
    wire_run(10000);
    SAID(UP, "");
    wire_run(350000); /* nobody asks in version 2 any more */
    CU_ASSERT_EQUAL(interface_of(UP).version, 3);
    say(1, A, IGMP_TO_EX, GROUP, "a");
    wire_run(3000);
    wire_forget();
    say(1, A, IGMP_ALLOW, GROUP, "a");
    SAID(UP, "ALLOW(7,a)");
    wire_end();
}

static void version_1_querier(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    wire_run(3000);
    wire_forget();
    ask(1, 0, "");
    wire_run(10000);
    SAID(UP, "V1(7)");
    wire_forget();
    say(1, A, IGMP_TO_IN, GROUP, "");
    wire_run(5000);
    SAID(UP, "");
    CU_ASSERT_TRUE(is_member(""));
    wire_end();
}

/* 7.2.1: a network for single sources only has no use for older versions. */
static void no_compatibility(void)
{
    struct igmp_interface_settings s = igmp_interface_settings_default;
    s.compatibility = false;
    start_with(&s);
    say(1, A, IGMP_TO_EX, GROUP, "");
    wire_run(3000);
    wire_forget();
    ask(2, 0, "");
    wire_run(10000);
    SAID(UP, "IS_EX(7)");
    wire_end();
}

/* ---- parts ---- */

/* RFC 4605 3: upstream nobody is asked, nothing is learned, and nothing is wanted. */
static void no_router_upstream(void)
{
    start();
    say(UP, 0x0a000014, IGMP_TO_EX, GROUP, "");
    CU_ASSERT_FALSE(wants(UP, 'a', GROUP));
    CU_ASSERT_FALSE(has_group(UP, GROUP));
    CU_ASSERT_FALSE(igmp_is_querier(wire.igmp, UP));
    CU_ASSERT_EQUAL(igmp_upstream(wire.igmp), UP);
    wire_run(1000000);
    CU_ASSERT_EQUAL(count_queries(UP), 0);
    CU_ASSERT_TRUE(count_queries(1) > 5);
    wire_end();
}

static void other_upstream(void)
{
    struct igmp_settings other = {.upstream = 2};
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(2, B, IGMP_TO_EX, GROUP + 1, "");
    wire_run(3000);
    wire_forget();
    CU_ASSERT_TRUE(igmp_configure(wire.igmp, &other, wire.now));
    wire_run(3000);
    SAID(2, "TO_EX(7) TO_EX(7)");
    CU_ASSERT_TRUE(igmp_is_querier(wire.igmp, UP));
    CU_ASSERT_FALSE(igmp_is_querier(wire.igmp, 2));
    CU_ASSERT_TRUE(is_member(""));
    wire_end();
}

static void own_memberships(void)
{
    struct igmp_member_view view;
    uint32_t from = 0;
    start();
    CU_ASSERT_TRUE(igmp_next_member(wire.igmp, 1, &from, &view));
    CU_ASSERT_EQUAL(view.group, IGMP_V3_ROUTERS); /* 6: MUST perform the group member part for it */
    CU_ASSERT_FALSE(igmp_next_member(wire.igmp, 1, &from, &view));
    wire_forget();
    CU_ASSERT_TRUE(igmp_join(wire.igmp, 1, 0xe0000009, true, wire.now));
    CU_ASSERT_TRUE(igmp_join(wire.igmp, UP, GROUP, true, wire.now));
    wire_run(3000);
    SAID(1, "TO_EX(9) TO_EX(9)");
    SAID(UP, "TO_EX(7) TO_EX(7)");
    wire_forget();
    igmp_clear(wire.igmp, 1, 0, wire.now); /* we answer our own questions, too (5) */
    wire_run(10000);
    SAID(1, "Q IS_EX(9)");
    say(1, A, IGMP_TO_EX, GROUP, "a"); /* we want all of it anyway */
    CU_ASSERT_TRUE(is_member("E"));
    CU_ASSERT_TRUE(igmp_join(wire.igmp, UP, GROUP, false, wire.now));
    wire_run(0);
    CU_ASSERT_TRUE(is_member("Ea"));
    igmp_interface_down(wire.igmp, 1, wire.now);
    wire_up(1, NULL);
    from = 0;
    CU_ASSERT_TRUE(igmp_next_member(wire.igmp, 1, &from, &view));
    CU_ASSERT_EQUAL(view.group, 0xe0000009);
    wire_end();
}

static void stopping(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(1, A, IGMP_ALLOW, GROUP + 1, "a");
    wire_run(3000);
    wire_forget();
    CU_ASSERT_FALSE(igmp_is_stopped(wire.igmp));
    igmp_stop(wire.igmp, wire.now);
    wire_run(1000);
    CU_ASSERT_EQUAL(strlen(words(UP)), strlen("TO_IN(7) BLOCK(8,a) TO_IN(7) BLOCK(8,a)")); /* in any order */
    CU_ASSERT_PTR_NOT_NULL(strstr(words(UP), "TO_IN(7)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(words(UP), "BLOCK(8,a)"));
    CU_ASSERT_TRUE(igmp_is_stopped(wire.igmp));
    wire_forget();
    wire_run(500000);
    CU_ASSERT_EQUAL(wire.n_sent, 0);
    wire_end();
}

static const struct unit_case cases[] = {
    {"what all others want is merged", merging},
    {"conflicts within one port are forwarded", merging_conflicts},
    {"static groups count, and what is gone does not", static_and_gone},
    {"changes are reported, and repeated", reporting_changes},
    {"changes are merged with those before", merging_changes},
    {"changes that are taken back are reported so", taking_back},
    {"many changes go in one message", one_message_for_many},
    {"queries are answered", answering},
    {"answers are spread over the response time", spreading},
    {"large answers are complete", large_answers},
    {"a querier of version 2 hears that version", version_2_querier},
    {"a querier of version 1 hears that version", version_1_querier},
    {"older queriers may be ignored", no_compatibility},
    {"upstream is no router's part", no_router_upstream},
    {"the upstream port changes", other_upstream},
    {"the router's own memberships", own_memberships},
    {"at the end everything is left", stopping},
    {"a query to this router alone is answered", asked_alone},
    {"long lists go in several messages", long_lists},
    {"nobody's report suppresses one of version 3", nobody_suppresses_version_3},
};

UNIT_MAIN("igmp_host", cases)
