/* Fast leave, and that it cuts nobody off. */
#include "tests/unit/support/igmp_wire.h"

#define GROUP 0xef010107u
#define A     0x0a000114u
#define B     0x0a000115u

static struct igmp_interface_settings settings;

static void start_after(uint64_t ms)
{
    settings = igmp_interface_settings_default;
    settings.fast_leave = true;
    wire_begin(NULL);
    wire_up(1, &settings);
    wire_run(ms);
    wire_forget();
}

static void start(void)
{
    start_after(100000);
}

static void last_one_leaves(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    CU_ASSERT_TRUE(group_of(1, GROUP).tracked);
    CU_ASSERT_EQUAL(group_of(1, GROUP).hosts, 1);
    wire_forget();
    say(1, A, IGMP_TO_IN, GROUP, "");
    CU_ASSERT_FALSE(has_group(1, GROUP));
    CU_ASSERT_EQUAL(wire.n_changed, 1);
    SAID(1, ""); /* nobody is asked */
    CU_ASSERT_EQUAL(interface_of(1).counters.fast_leaves, 1);
    CU_ASSERT_EQUAL(interface_of(1).tracked, 0);
    wire_end();
}

static void another_stays(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(1, B, IGMP_TO_EX, GROUP, "");
    wire_forget();
    say(1, A, IGMP_TO_IN, GROUP, "");
    SAID(1, "Q(7)"); /* as without fast leave */
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    say(1, B, IGMP_IS_EX, GROUP, "");
    wire_run(5000);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    wire_forget();
    say(1, B, IGMP_TO_IN, GROUP, "");
    CU_ASSERT_FALSE(has_group(1, GROUP));
    wire_end();
}

/* Another wants one source of it only: all others end. */
static void another_wants_a_source(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(1, B, IGMP_ALLOW, GROUP, "a");
    say(1, A, IGMP_TO_IN, GROUP, "");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    CU_ASSERT_FALSE(wants(1, 'b', GROUP));
    CU_ASSERT_FALSE(group_of(1, GROUP).exclude);
    say(1, B, IGMP_BLOCK, GROUP, "a");
    CU_ASSERT_FALSE(has_group(1, GROUP));
    wire_end();
}

/* A change to mode EXCLUDE makes the router forget the source; its listener is still there. */
static void another_wants_a_forgotten_source(void)
{
    start();
    say(1, B, IGMP_ALLOW, GROUP, "a");
    say(1, A, IGMP_TO_EX, GROUP, "");
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 0);
    wire_forget();
    say(1, A, IGMP_TO_IN, GROUP, "");
    SAID(1, "Q(7)");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    say(1, B, IGMP_IS_IN, GROUP, "a");
    wire_run(5000);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    CU_ASSERT_FALSE(wants(1, 'b', GROUP));
    wire_end();
}

static void sources_leave(void)
{
    start();
    say(1, A, IGMP_ALLOW, GROUP, "abc");
    say(1, B, IGMP_ALLOW, GROUP, "b");
    wire_forget();
    say(1, A, IGMP_BLOCK, GROUP, "ab");
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    CU_ASSERT_TRUE(wants(1, 'b', GROUP));
    CU_ASSERT_TRUE(wants(1, 'c', GROUP));
    SAID(1, "Q(7,b)");
    wire_end();
    /* In mode EXCLUDE: blocked by one, wanted by the other, then by nobody. */
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(1, B, IGMP_TO_EX, GROUP, "");
    say(1, A, IGMP_BLOCK, GROUP, "a");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    wire_run(100);
    say(1, B, IGMP_IS_IN, GROUP, "a"); /* its answer */
    say(1, B, IGMP_BLOCK, GROUP, "a");
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    CU_ASSERT_TRUE(wants(1, 'b', GROUP));
    wire_end();
}

/* A list too long for one message comes in two (4.2.17). The second does not take back the first. */
static void lists_in_parts(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(1, A, IGMP_TO_IN, GROUP, "ab");
    say(1, A, IGMP_TO_IN, GROUP, "cd");
    say(1, B, IGMP_ALLOW, GROUP, "a");
    say(1, B, IGMP_BLOCK, GROUP, "a");
    wire_run(500);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    wire_end();
}

/* An answer to a question for sources looks like mode INCLUDE, and is not. */
static void answer_in_mode_exclude(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(1, A, IGMP_IS_IN, GROUP, "a");
    say(1, B, IGMP_TO_EX, GROUP, "");
    say(1, B, IGMP_TO_IN, GROUP, "");
    CU_ASSERT_TRUE(wants(1, 'z', GROUP));
    wire_end();
}

/* ---- doubt: hosts may be there that are not known ---- */

static void expect_question(void)
{
    CU_ASSERT_FALSE(group_of(1, GROUP).tracked);
    wire_forget();
    say(1, A, IGMP_TO_IN, GROUP, "");
    SAID(1, "Q(7)");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    wire_end();
}

static void older_hosts(void)
{
    start();
    say_short(1, B, IGMP_TYPE_V2_REPORT, GROUP);
    say(1, A, IGMP_TO_EX, GROUP, "");
    expect_question();
    start(); /* a leave of version 2: others have kept silent when that host spoke */
    say_short(1, A, IGMP_TYPE_V2_REPORT, GROUP);
    wire_forget();
    say_short(1, A, IGMP_TYPE_LEAVE, GROUP);
    SAID(1, "Q(7)");
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    wire_end();
}

static void hosts_without_address(void)
{
    start();
    say(1, 0, IGMP_TO_EX, GROUP, "");
    say(1, A, IGMP_TO_EX, GROUP, "");
    expect_question();
}

static void no_room(void)
{
    start();
    settings.tracked_limit = 1;
    CU_ASSERT_TRUE(igmp_interface_set(wire.igmp, 1, &settings, wire.now));
    say(1, A, IGMP_TO_EX, GROUP, "");
    CU_ASSERT_TRUE(group_of(1, GROUP).tracked);
    say(1, B, IGMP_TO_EX, GROUP, "");
    CU_ASSERT_EQUAL(interface_of(1).tracked, 1);
    CU_ASSERT_EQUAL(interface_of(1).counters.untracked, 1);
    expect_question();
}

static void too_many_sources(void)
{
    static uint32_t sources[100];
    start();
    for (unsigned i = 0; i < 100; i++)
        sources[i] = 0x0a200000 + i;
    say_record(1, B, IGMP_ALLOW, GROUP, sources, 100);
    say(1, A, IGMP_TO_EX, GROUP, "");
    expect_question();
}

/* Not everyone has answered the first queries yet. */
static void just_begun(void)
{
    start_after(20000);
    say(1, A, IGMP_IS_EX, GROUP, "");
    expect_question();
}

static void a_stranger_blocks(void)
{
    start();
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(1, B, IGMP_BLOCK, GROUP, "c"); /* it must be in mode EXCLUDE, which we have missed */
    expect_question();
}

/* It was in mode EXCLUDE, and was started anew since: what it wants now is known in part only. */
static void a_host_that_restarted(void)
{
    start();
    say(1, B, IGMP_TO_EX, GROUP, "");
    wire_run(200000);
    say(1, A, IGMP_TO_EX, GROUP, "");
    say(1, B, IGMP_ALLOW, GROUP, "a");
    wire_run(71000);
    CU_ASSERT_EQUAL(group_of(1, GROUP).hosts, 1);
    CU_ASSERT_FALSE(group_of(1, GROUP).tracked);
    say(1, A, IGMP_TO_IN, GROUP, "");
    CU_ASSERT_TRUE(wants(1, 'b', GROUP));
    wire_end();
}

/* ---- what is remembered ends ---- */

static void forgetting(void)
{
    start();
    say(1, B, IGMP_TO_EX, GROUP, "");
    wire_run(200000);
    say(1, A, IGMP_TO_EX, GROUP, "");
    CU_ASSERT_EQUAL(group_of(1, GROUP).hosts, 2);
    wire_run(71000); /* B is gone without a word */
    CU_ASSERT_EQUAL(group_of(1, GROUP).hosts, 1);
    CU_ASSERT_TRUE(group_of(1, GROUP).tracked);
    say(1, A, IGMP_TO_IN, GROUP, "");
    CU_ASSERT_FALSE(has_group(1, GROUP));
    CU_ASSERT_EQUAL(interface_of(1).tracked, 0);
    wire_end();
}

static void looking(void)
{
    struct igmp_host_view view;
    uint32_t from = 0;
    start();
    say(1, B, IGMP_TO_EX, GROUP, "c");
    say(1, A, IGMP_ALLOW, GROUP, "ab");
    CU_ASSERT_TRUE(igmp_next_host(wire.igmp, 1, GROUP, &from, &view, wire.now));
    CU_ASSERT_TRUE(view.host == A && !view.exclude && view.n_sources == 2 && view.sources[1] == source_of('b'));
    CU_ASSERT_EQUAL(view.left_ns, 270 * NS_PER_S);
    CU_ASSERT_TRUE(igmp_next_host(wire.igmp, 1, GROUP, &from, &view, wire.now));
    CU_ASSERT_TRUE(view.host == B && view.exclude && view.n_sources == 1);
    CU_ASSERT_FALSE(igmp_next_host(wire.igmp, 1, GROUP, &from, &view, wire.now));
    wire_end();
}

static const struct unit_case cases[] = {
    {"the last one's leave is fast", last_one_leaves},
    {"another who stays is asked", another_stays},
    {"another who wants a source keeps that", another_wants_a_source},
    {"another who wants a forgotten source keeps that, too", another_wants_a_forgotten_source},
    {"sources are left fast, one by one", sources_leave},
    {"long lists in several messages add up", lists_in_parts},
    {"an answer is no change of mode", answer_in_mode_exclude},
    {"no fast leave among older hosts", older_hosts},
    {"no fast leave among hosts without address", hosts_without_address},
    {"no fast leave where there was no room", no_room},
    {"no fast leave where a host has too many sources", too_many_sources},
    {"no fast leave before everyone was heard", just_begun},
    {"no fast leave when something was missed", a_stranger_blocks},
    {"no fast leave when a host has restarted", a_host_that_restarted},
    {"silent hosts are forgotten", forgetting},
    {"hosts are shown in order", looking},
};

UNIT_MAIN("igmp_track", cases)
