#include "cli/text.h"

#include <string.h>

#include "tests/unit/support/unit.h"

static void durations(void)
{
    char t[TEXT_SHORT];
    CU_ASSERT_STRING_EQUAL(text_duration(0, t), "00:00:00");
    CU_ASSERT_STRING_EQUAL(text_duration(12, t), "00:00:12");
    CU_ASSERT_STRING_EQUAL(text_duration(86399, t), "23:59:59");
    CU_ASSERT_STRING_EQUAL(text_duration(86400 + 2 * 3600 + 3 * 60 + 59, t), "1d02h03m");
    CU_ASSERT_STRING_EQUAL(text_duration(7 * 86400 - 1, t), "6d23h59m");
    CU_ASSERT_STRING_EQUAL(text_duration(17 * 86400 + 4 * 3600, t), "02w3d04h");
    CU_ASSERT_TRUE(strlen(text_duration(UINT64_MAX, t)) < TEXT_SHORT);
}

static void sizes(void)
{
    char t[TEXT_SHORT];
    CU_ASSERT_STRING_EQUAL(text_size(0, t), "0 B");
    CU_ASSERT_STRING_EQUAL(text_size(1023, t), "1023 B");
    CU_ASSERT_STRING_EQUAL(text_size(1536, t), "1.5 KB");
    CU_ASSERT_STRING_EQUAL(text_size(1024 * 1024 - 1, t), "1.0 MB");
    CU_ASSERT_STRING_EQUAL(text_size(UINT64_MAX, t), "16.0 EB");
}

static void rates(void)
{
    char t[TEXT_SHORT];
    CU_ASSERT_STRING_EQUAL(text_rate(999, "bit/s", t), "999 bit/s");
    CU_ASSERT_STRING_EQUAL(text_rate(1500000, "bit/s", t), "1.5 Mbit/s");
    CU_ASSERT_STRING_EQUAL(text_rate(UINT64_MAX, "packet/s", t), "18.4 Epacket/s");
}

static void counts(void)
{
    char t[TEXT_SHORT];
    CU_ASSERT_STRING_EQUAL(text_count(0, "entry", "entries", t), "0 entries");
    CU_ASSERT_STRING_EQUAL(text_count(1, "entry", "entries", t), "1 entry");
}

static void rows(void)
{
    static const struct text_column columns[] = {{"Name", 6, false}, {"N", 4, true}, {"Why", 0, false}};
    char row[TEXT_ROW], wide[600];
    CU_ASSERT_STRING_EQUAL(text_row(columns, 3, NULL, row), "Name       N  Why\n");
    CU_ASSERT_STRING_EQUAL(text_row(columns, 3, (const char *[]){"r0", "12", ""}, row), "r0        12\n");
    CU_ASSERT_STRING_EQUAL(text_row(columns, 3, (const char *[]){"longname", "1", "x"}, row), "longname     1  x\n");
    memset(wide, 'x', sizeof wide);
    wide[sizeof wide - 1] = '\0';
    text_row(columns, 3, (const char *[]){wide, wide, wide}, row);
    CU_ASSERT_EQUAL(strlen(row), TEXT_ROW - 1);
    CU_ASSERT_EQUAL(row[TEXT_ROW - 2], '\n');
}

static void wraps(void)
{
    char to[200];
    CU_ASSERT_STRING_EQUAL(text_wrap("  a b", 0, 4, to, sizeof to), "  a b");
    CU_ASSERT_STRING_EQUAL(text_wrap("aaaa bbbb", 71, 3, to, sizeof to), "aaaa bbbb"); /* just */
    CU_ASSERT_STRING_EQUAL(text_wrap("aaaa bbbb", 72, 3, to, sizeof to), "aaaa\n   bbbb");
    CU_ASSERT_STRING_EQUAL(text_wrap("aaaa bbbb", 90, 2, to, sizeof to), "aaaa\n  bbbb");
    CU_ASSERT_STRING_EQUAL(text_wrap("", 90, 2, to, sizeof to), "");
    CU_ASSERT_STRING_EQUAL(text_wrap("aaaa bbbb", 0, 2, to, 8), "aaaa"); /* a word that has no room is left out */
}

static const struct unit_case cases[] = {
    {"durations look as in FRR", durations}, {"sizes are in powers of 1024", sizes},
    {"rates are in powers of 1000", rates},  {"one is singular", counts},
    {"long lines break at spaces", wraps},   {"columns line up and a row never overruns", rows},
};
UNIT_MAIN("text", cases)
