/* Output filters, on their own and in a session. */
#include "cli/filter.h"
#include "tests/unit/support/shell.h"

static struct shell s;

/* What comes through FILTERS of TEXT, which comes in pieces of PIECE bytes. */
static char *filtered(const char *filters, const char *text, size_t piece)
{
    char why[256];
    struct filter *filter = filter_new(filters, why, sizeof why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(filter);
    struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
    for (size_t at = 0, len = strlen(text); at < len; at += piece) {
        evbuffer_add(in, text + at, len - at < piece ? len - at : piece);
        filter_take(filter, in, out);
        CU_ASSERT_EQUAL(evbuffer_get_length(in), 0);
        while (filter_is_behind(filter))
            filter_take(filter, in, out);
    }
    CU_ASSERT_TRUE(filter_end(filter, out, why, sizeof why));
    size_t len = evbuffer_get_length(out);
    char *result = malloc(len + 1);
    evbuffer_remove(out, result, len);
    result[len] = '\0';
    evbuffer_free(in);
    evbuffer_free(out);
    filter_free(filter);
    return result;
}

static void expect(const char *filters, const char *text, const char *result)
{
    for (unsigned whole = 0; whole <= 1; whole++) {
        char *got = filtered(filters, text, whole ? strlen(text) + 1 : 1);
        CU_ASSERT_STRING_EQUAL(got, result);
        if (strcmp(got, result) != 0)
            printf("\n  %s got: %s\n", filters, got);
        free(got);
    }
}

static void refused(const char *filters, const char *reason)
{
    char why[256] = "";
    CU_ASSERT_PTR_NULL(filter_new(filters, why, sizeof why));
    CU_ASSERT_PTR_NOT_NULL(strstr(why, reason));
    if (strstr(why, reason) == NULL)
        printf("\n  %s got: %s\n", filters, why);
}

#define LINES "eth0 up\neth1 down\n\nlo up\n"

static void lines_pass_by_expression(void)
{
    expect("| include up", LINES, "eth0 up\nlo up\n");
    expect("| exclude up", LINES, "eth1 down\n\n");
    expect("| begin down", LINES, "eth1 down\n\nlo up\n");
    expect("| i ^(eth|lo).*(up)$", LINES, "eth0 up\nlo up\n");
    expect("| include UP", LINES, "");
    expect("| include up", "the end is missing: up", "the end is missing: up\n");
}

static void lines_are_counted(void)
{
    expect("| count", LINES, "4\n");
    expect("| count eth", LINES, "2\n");
    expect("| count", "", "0\n");
}

static void filters_follow_each_other(void)
{
    expect("| exclude eth1 | include up | count", LINES, "2\n");
    expect("| count | include 4", LINES, "4\n");
    expect("| begin eth1 | begin lo", LINES, "lo up\n");
}

#define CONFIG                                                                                                         \
    "hostname = \"r1\";\n"                                                                                             \
    "interfaces = (\n"                                                                                                 \
    "  {\n"                                                                                                            \
    "    name = \"r0\";\n"                                                                                             \
    "  },\n"                                                                                                           \
    "  {\n"                                                                                                            \
    "    name = \"r1\";\n"                                                                                             \
    "    mtu = 1400;\n"                                                                                                \
    "  }\n"                                                                                                            \
    ");\n"                                                                                                             \
    "log: { level = \"info\"; };\n"

static void sections_pass_whole(void)
{
    expect("| section mtu", CONFIG, "  {\n    name = \"r1\";\n    mtu = 1400;\n  }\n");
    expect("| section ^log", CONFIG, "log: { level = \"info\"; };\n");
    expect("| section nothing", CONFIG, "");
    expect("| section ^interfaces", CONFIG "icmp: { };\n",
           "interfaces = (\n  {\n    name = \"r0\";\n  },\n  {\n    name = \"r1\";\n    mtu = 1400;\n  }\n);\n");
    expect("| section r9", "r8 is up\n  a\nr9 is down\n  b\n  c\nr10 is up\n  d\n", "r9 is down\n  b\n  c\n");
}

static void lines_and_sections_are_bounded(void)
{
    size_t len = 300000;
    char *text = malloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    char *got = filtered("| include x", text, len);
    CU_ASSERT(strlen(got) >= len); /* in pieces, and nothing lost */
    free(got);
    for (size_t i = 0; i + 10 < len; i += 10)
        memcpy(text + i, "  indented", 10), text[i + 9] = '\n';
    got = filtered("| section indent", text, 4096);
    CU_ASSERT(strlen(got) >= len - 20); /* but for the line of x at the end */
    free(got);
    free(text);
}

static void bad_filters_are_refused(void)
{
    refused("|", "nothing stands behind the pipe");
    refused("| grep x", "grep is no filter: what may follow | is begin RE");
    refused("| includes x", "includes is no filter");
    refused("| include", "include needs an expression");
    refused("| include a(", "a( is no regular expression: missing closing parenthesis at character");
    refused("| include (up)\\1", "refers back to what a group has matched");
    refused("| include x | ", "nothing stands behind the pipe");
    refused("| c | c | c | c | c | c | c | c | c", "more than 8 filters");
}

/* ---- costs: whoever may only look must not be able to hold the router up ---- */

static char *many(char c, size_t n)
{
    char *text = malloc(n + 1);
    memset(text, c, n);
    text[n] = '\0';
    return text;
}

/* How often FILTERS had to be called for N times LINE; 0 when looking at it cost too much. */
static unsigned calls(const char *filters, const char *line, unsigned n)
{
    char why[256];
    unsigned count = 1;
    struct filter *filter = filter_new(filters, why, sizeof why);
    struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(filter);
    for (unsigned i = 0; i < n; i++)
        evbuffer_add_printf(in, "%s\n", line);
    for (filter_take(filter, in, out); filter_is_behind(filter); count++)
        filter_take(filter, in, out);
    if (!filter_end(filter, out, why, sizeof why)) {
        CU_ASSERT_PTR_NOT_NULL(strstr(why, "costs too much"));
        count = 0;
    }
    evbuffer_free(in);
    evbuffer_free(out);
    filter_free(filter);
    return count;
}

static void a_costly_expression_ends(void)
{
    char *line = many('a', 4000), *hundred = many('a', 100);
    CU_ASSERT_EQUAL(calls("| include ^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 1000),
                    0);
    /* not much at any one place, but there are many */
    CU_ASSERT_EQUAL(calls("| include (a|a){13}[yz]", line, 1), 0);
    CU_ASSERT_EQUAL(calls("| include (a|a){11}[yz]", hundred, 1), 0);
    CU_ASSERT_EQUAL(calls("| include a*a*a*[yz]", line, 1), 0);
    free(line);
    free(hundred);
}

/* Nothing comes through from that line on, whatever the filter is: what cannot be decided is not shown, and not counted
 * either. */
static void nothing_follows_a_line_that_costs_too_much(void)
{
    static const struct {
        const char *filters, *shown;
    } cases[] = {
        {"| include ^(a+)+$|x", "x 1\n"},
        {"| exclude ^(a+)+$", "x 1\n"},
        {"| begin x | exclude ^(a+)+$", "x 1\n"},
        {"| exclude ^(a+)+$ | include x", "x 1\n"},
        {"| count ^(a+)+$", ""},
        {"| exclude ^(a+)+$ | count", ""},
        {"| section ^(a+)+$|x", "x 1\n"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[256];
        struct filter *filter = filter_new(cases[i].filters, why, sizeof why);
        struct evbuffer *in = evbuffer_new(), *out = evbuffer_new();
        CU_ASSERT_PTR_NOT_NULL_FATAL(filter);
        evbuffer_add_printf(in, "x 1\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\nx 2\n");
        for (filter_take(filter, in, out); filter_is_behind(filter);)
            filter_take(filter, in, out);
        CU_ASSERT_FALSE(filter_end(filter, out, why, sizeof why));
        evbuffer_add(out, "", 1);
        CU_ASSERT_STRING_EQUAL((const char *)evbuffer_pullup(out, -1), cases[i].shown);
        if (strcmp((const char *)evbuffer_pullup(out, -1), cases[i].shown) != 0)
            printf("\n  %s got: %s\n", cases[i].filters, (const char *)evbuffer_pullup(out, -1));
        evbuffer_free(in);
        evbuffer_free(out);
        filter_free(filter);
    }
}

/* What is just not too much, line after line. */
static void costly_lines_wait_for_their_turn(void)
{
    CU_ASSERT_TRUE(calls("| include (a|a){10}[yz]", "aaaaaaaaaaaa", 100) > 10);
    CU_ASSERT_TRUE(calls("| exclude x | exclude (a|a){10}[yz] | count", "aaaaaaaaaaaa", 100) > 10);
    /* those of a section come at once */
    CU_ASSERT_EQUAL(calls("| section a | include (a|a){10}[yz]", " aaaaaaaaaaaa", 1000), 0);
    CU_ASSERT_TRUE(calls("| include up", "eth0 is up", 10000) > 1);
}

static void usual_expressions_cost_little(void)
{
    char *line = many('x', 200);
    CU_ASSERT_TRUE(
        calls("| include .*a.*b.*c", "a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b a b", 10) > 0);
    CU_ASSERT_TRUE(calls("| include (10|192)\\.[0-9]+\\.[0-9]+\\.[0-9]+/(2[0-9]|3[0-2])", line, 1000) > 0);
    CU_ASSERT_TRUE(calls("| include (?i)[a-w]+.*UP$", line, 1000) > 0);
    free(line);
}

/* ---- in a session ---- */

static void says(const char *input, const char *answer)
{
    char *text = shell_plain(&s, input);
    CU_ASSERT_STRING_EQUAL(text, answer);
    if (strcmp(text, answer) != 0)
        printf("\n  %s got: %s\n", input, text);
    free(text);
}

static void a_session_filters_an_answer(void)
{
    shell_begin(&s);
    says("show ip route | include ^C.*10.0.1.0 | count\nshow ip route | c 10.0.2.0\n", "1\n1\n");
    says("show ip route json | include \"protocol\" | count connected", "2\n");
    /* a filter ends with its answer, whatever that was */
    says("show interfaces r9 | include x\nshow ip route | count 10.0.1.0/24\n",
         "% there is no interface \"r9\"; expected IF (r0, r1, lo0, gone0), rates or json\n"
         "  show interfaces r9 | include x\n                  ^\n1\n");
    says("show rollback 9 | count\nshow logging | count\n",
         "% there is no past configuration 9: show rollback lists them\n1\n");
    says("show logging | gerp x", "% gerp is no filter: what may follow | is begin RE, count [RE], exclude RE, "
                                  "include RE or section RE\n  show logging | gerp x\n               ^\n");
    shell_end(&s);
}

/* The command waits for its filter, and its end does too. */
static void a_session_goes_on_with_a_filter_that_is_behind(void)
{
    char input[4096];
    size_t len = 0;
    shell_begin(&s);
    for (unsigned i = 0; i < 90; i++)
        len += (size_t)snprintf(input + len, sizeof input - len, "show aaaaaaaaaaaa %u\n", i);
    snprintf(input + len, sizeof input - len,
             "show history | exclude (a|a){10}[yz] | count aaaa\nshow history | count aaaa\n");
    char *text = shell_plain(&s, input), *last = strrchr(text, '^');
    CU_ASSERT_PTR_NOT_NULL_FATAL(last);
    unsigned first = 0, second = 0;
    CU_ASSERT_EQUAL(sscanf(last + 1, "%u\n%u\n", &first, &second), 2);
    CU_ASSERT_TRUE(first > 70);
    CU_ASSERT_EQUAL(second, first + 1);
    free(text);
    shell_end(&s);
}

static void a_session_explains_filters(void)
{
    shell_begin(&s);
    says("show logging | ?", "  begin              From the first line that matches\n"
                             "  count              How many lines there are, or match\n"
                             "  exclude            Lines that do not match\n"
                             "  include            Lines that match\n"
                             "  section            Sections with a line that matches\n");
    says("show logging | in?", "  include            Lines that match\n");
    says("show logging | include x | c ?", "  RE                 A regular expression, as of Perl\n");
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"lines pass by expression", lines_pass_by_expression},
    {"lines are counted", lines_are_counted},
    {"filters follow each other", filters_follow_each_other},
    {"sections pass whole", sections_pass_whole},
    {"lines and sections are bounded", lines_and_sections_are_bounded},
    {"bad filters are refused", bad_filters_are_refused},
    {"a costly expression ends", a_costly_expression_ends},
    {"nothing follows a line that costs too much", nothing_follows_a_line_that_costs_too_much},
    {"costly lines wait for their turn", costly_lines_wait_for_their_turn},
    {"usual expressions cost little", usual_expressions_cost_little},
    {"a session filters an answer", a_session_filters_an_answer},
    {"a session goes on with a filter that is behind", a_session_goes_on_with_a_filter_that_is_behind},
    {"a session explains filters", a_session_explains_filters},
};
UNIT_MAIN("filter", cases)
