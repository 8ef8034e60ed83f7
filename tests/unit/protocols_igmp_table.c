/* Tables 8 and 9 of RFC 9776, row by row. In mode INCLUDE a router has A={a,b} and hears {b,c}; in mode EXCLUDE it has
 * X={a,b}, Y={c,d} and hears {b,d,e}. So each row meets a source of every set that it speaks of. */
#include "tests/unit/support/igmp_wire.h"

#define GROUP 0xef010107u
#define HOST  host(1, 20)

/* Timers: G the Group Membership Interval (270 s), L the Last Member Query Time (2 s), O as it was (X 180 s), T what
 * the group timer was (170 s), 0 blocked. */
struct row {
    const char *name;
    bool exclude;
    enum igmp_record_type type;
    const char *record;
    const char *state; /* afterwards: letters with their timers */
    bool then_exclude;
    char group_timer; /* '-': none */
    const char *said; /* queries */
};

static const struct row rows[] = {
    {"INCLUDE IS_IN", false, IGMP_IS_IN, "bc", "aObGcG", false, '-', ""},
    {"INCLUDE IS_EX", false, IGMP_IS_EX, "bc", "bOc0", true, 'G', ""},
    {"INCLUDE ALLOW", false, IGMP_ALLOW, "bc", "aObGcG", false, '-', ""},
    {"INCLUDE BLOCK", false, IGMP_BLOCK, "bc", "aObL", false, '-', "Q(7,b)"},
    {"INCLUDE TO_EX", false, IGMP_TO_EX, "bc", "bLc0", true, 'G', "Q(7,b)"},
    {"INCLUDE TO_IN", false, IGMP_TO_IN, "bc", "aLbGcG", false, '-', "Q(7,a)"},
    {"EXCLUDE IS_IN", true, IGMP_IS_IN, "bde", "aObGc0dGeG", true, 'T', ""},
    {"EXCLUDE IS_EX", true, IGMP_IS_EX, "bde", "bOd0eG", true, 'G', ""},
    {"EXCLUDE ALLOW", true, IGMP_ALLOW, "bde", "aObGc0dGeG", true, 'T', ""},
    {"EXCLUDE BLOCK", true, IGMP_BLOCK, "bde", "aObLc0d0eL", true, 'T', "Q(7,be)"},
    {"EXCLUDE TO_EX", true, IGMP_TO_EX, "bde", "bLd0eL", true, 'G', "Q(7,be)"},
    {"EXCLUDE TO_IN", true, IGMP_TO_IN, "bde", "aLbGc0dGeG", true, 'L', "Q(7) Q(7,a)"},
    /* The same with nothing in the record, which is what older versions and joins of all sources come to. */
    {"INCLUDE IS_IN {}", false, IGMP_IS_IN, "", "aObO", false, '-', ""},
    {"INCLUDE IS_EX {}", false, IGMP_IS_EX, "", "", true, 'G', ""},
    {"INCLUDE ALLOW {}", false, IGMP_ALLOW, "", "aObO", false, '-', ""},
    {"INCLUDE BLOCK {}", false, IGMP_BLOCK, "", "aObO", false, '-', ""},
    {"INCLUDE TO_EX {}", false, IGMP_TO_EX, "", "", true, 'G', ""},
    {"INCLUDE TO_IN {}", false, IGMP_TO_IN, "", "aLbL", false, '-', "Q(7,ab)"},
    {"EXCLUDE IS_IN {}", true, IGMP_IS_IN, "", "aObOc0d0", true, 'T', ""},
    {"EXCLUDE IS_EX {}", true, IGMP_IS_EX, "", "", true, 'G', ""},
    {"EXCLUDE TO_EX {}", true, IGMP_TO_EX, "", "", true, 'G', ""},
    {"EXCLUDE TO_IN {}", true, IGMP_TO_IN, "", "aLbLc0d0", true, 'L', "Q(7) Q(7,ab)"},
};

/* A router that is not the querier asks nobody, and lowers nothing by itself (6.6.3.2). */
static const struct row silent_rows[] = {
    {"INCLUDE BLOCK", false, IGMP_BLOCK, "bc", "aObO", false, '-', ""},
    {"INCLUDE TO_EX", false, IGMP_TO_EX, "bc", "bOc0", true, 'G', ""},
    {"INCLUDE TO_IN", false, IGMP_TO_IN, "bc", "aObGcG", false, '-', ""},
    {"EXCLUDE BLOCK", true, IGMP_BLOCK, "bde", "aObOc0d0eT", true, 'T', ""},
    {"EXCLUDE TO_EX", true, IGMP_TO_EX, "bde", "bOd0eT", true, 'G', ""},
    {"EXCLUDE TO_IN", true, IGMP_TO_IN, "bde", "aObGc0dGeG", true, 'T', ""},
};

static double seconds(char timer)
{
    switch (timer) {
    case 'G':
        return 270;
    case 'L':
        return 2;
    case 'O':
        return 180;
    case 'T':
        return 170;
    default:
        return 0;
    }
}

static void prepare(bool exclude, bool silent)
{
    static const struct igmp_interface_settings always = {.version = 3,
                                                          .robustness = 2,
                                                          .query_interval_ms = 125000,
                                                          .response_interval_ms = 10000,
                                                          .last_member_interval_ms = 1000,
                                                          .querier = true,
                                                          .compatibility = true,
                                                          .forward_always = true};
    wire_begin(NULL);
    wire_up(1, &always);
    if (silent)
        say_general(1, host(1, 1), 3);
    if (exclude)
        say(1, HOST, IGMP_IS_EX, GROUP, "abcd");
    wire_run(10000);
    say(1, HOST, IGMP_IS_IN, GROUP, "ab");
    wire_run(90000);
    wire_forget();
}

static void wanted(bool to[26])
{
    for (char c = 'a'; c <= 'z'; c++)
        to[c - 'a'] = wants(1, c, GROUP);
}

static bool is_state(const struct row *row)
{
    struct igmp_group_view view = group_of(1, GROUP);
    unsigned n = 0;
    bool good = view.port == 1 && view.exclude == row->then_exclude;
    for (const char *at = row->state; *at != '\0'; at += 2, n++) {
        good = good && source_left(1, GROUP, at[0]) == seconds(at[1]);
        good = good && wants(1, at[0], GROUP) == (at[1] != '0');
    }
    good = good && wants(1, 'z', GROUP) == row->then_exclude && view.n_sources == n;
    if (row->group_timer == '-')
        return good && view.left_ns == NEVER_NS;
    return good && (double)view.left_ns / 1e9 == seconds(row->group_timer);
}

static void try(const struct row *row, bool silent)
{
    bool before[26], after[26];
    prepare(row->exclude, silent);
    wanted(before);
    say(1, HOST, row->type, GROUP, row->record);
    wanted(after);
    if (!is_state(row)) {
        printf("\n%s: another state", row->name);
        CU_FAIL("another state");
    }
    SAID(1, row->said);
    /* Forwarding is told if, and only if, something else is wanted. */
    if ((memcmp(before, after, sizeof before) != 0) != (wire.n_changed > 0)) {
        printf("\n%s: told %u times", row->name, wire.n_changed);
        CU_FAIL("told wrongly");
    }
    wire_end();
}

static void all_rows(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        try(&rows[i], false);
}

static void all_silent_rows(void)
{
    for (size_t i = 0; i < sizeof silent_rows / sizeof silent_rows[0]; i++)
        try(&silent_rows[i], true);
}

/* 6.5: what runs stays, what is blocked goes. */
static void switching_mode(void)
{
    prepare(true, false);
    wire_run(169000);
    CU_ASSERT_TRUE(group_of(1, GROUP).exclude);
    CU_ASSERT_TRUE(wants(1, 'z', GROUP));
    wire_forget();
    wire_run(2000);
    CU_ASSERT_FALSE(group_of(1, GROUP).exclude);
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 2);
    CU_ASSERT_TRUE(wants(1, 'a', GROUP));
    CU_ASSERT_FALSE(wants(1, 'z', GROUP));
    CU_ASSERT_EQUAL(wire.n_changed, 1);
    CU_ASSERT_EQUAL(wire.changed[0].group, GROUP);
    wire_run(10000);
    CU_ASSERT_FALSE(has_group(1, GROUP));
    CU_ASSERT_EQUAL(wire.n_changed, 2);
    wire_end();
}

/* Table 7: in mode EXCLUDE a source whose timer runs out is blocked, and stays known. */
static void source_timer_in_exclude(void)
{
    prepare(true, false);
    say(1, HOST, IGMP_IS_EX, GROUP, "abcd"); /* the group goes on; a and b keep their timers */
    wire_run(181000);
    CU_ASSERT_EQUAL(source_left(1, GROUP, 'a'), 0);
    CU_ASSERT_FALSE(wants(1, 'a', GROUP));
    CU_ASSERT_TRUE(wants(1, 'z', GROUP));
    CU_ASSERT_EQUAL(group_of(1, GROUP).n_sources, 4);
    wire_end();
}

static const struct unit_case cases[] = {
    {"tables 8 and 9, as the querier", all_rows},
    {"table 9, as another router", all_silent_rows},
    {"the filter mode switches with the group timer", switching_mode},
    {"a source that nobody wants is blocked in mode EXCLUDE", source_timer_in_exclude},
};

UNIT_MAIN("igmp_table", cases)
