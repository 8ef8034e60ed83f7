/* The matcher by the tables of the shell itself: what people abbreviate, mistype and ask about. */
#include "cli/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/unit.h"

static const char *interface_name(const void *context, unsigned i)
{
    static const char *const names[] = {"r0", "r1", "lo0", "rates0"};
    (void)context;
    return i < sizeof names / sizeof names[0] ? names[i] : NULL;
}

static const struct command_world world = {.interface = interface_name};
static struct command_line line;
static struct command_error error;

static bool match(const char *text)
{
    return command_match(command_exec, &world, text, &line, &error);
}

/* The words that a line stands for, e.g. "show ip route"; "?" when it is refused. */
static const char *meaning(const char *text)
{
    static char to[256];
    size_t len = 0;
    if (!match(text))
        return "?";
    for (unsigned i = 0; i < line.n; i++)
        len += (size_t)snprintf(to + len, sizeof to - len, "%s%s", i == 0 ? "" : " ",
                                line.args[i].command->kind == COMMAND_WORD ? line.args[i].command->word
                                                                           : line.args[i].text);
    if (line.json)
        snprintf(to + len, sizeof to - len, " json");
    return to;
}

static void abbreviations(void)
{
    static const char *const cases[][2] = {
        {"sh ip ro", "show ip route"},
        {"sh ip int br", "show ip interface brief"},
        {"sh int", "show interfaces"},
        {"sh run", "show running-config"},
        {"conf t", "configure terminal"},
        {"wr", "write"},
        {"wr mem", "write memory"},
        {"SHOW Ip ROUTE", "show ip route"},
        {"  show   ip\troute  ", "show ip route"},
        {"sh ip ro js", "show ip route json"},
        {"sh ip ro 10.0.0.1", "show ip route 10.0.0.1"},
        {"sh ip ro 10.0.0.0/8 json", "show ip route 10.0.0.0/8 json"},
        {"sh ip ro conn", "show ip route connected"},
        {"sh int r1 js", "show interfaces r1 json"},
        {"cl ip arp 10.0.0.1", "clear ip arp 10.0.0.1"},
        {"cle cou r0", "clear counters r0"},
        {"rel conf", "reload configuration"},
        {"q", "quit"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_STRING_EQUAL(meaning(cases[i][0]), cases[i][1]);
}

static void refused_at(const char *text, unsigned column, const char *says)
{
    CU_ASSERT_FALSE(match(text));
    CU_ASSERT_EQUAL(error.column, column);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, says));
    if (error.column != column || strstr(error.text, says) == NULL)
        printf("\n  \"%s\": column %u: %s\n", text, error.column, error.text);
}

static void ambiguity(void)
{
    refused_at("e", 0, "\"e\" is ambiguous: end or exit");
    refused_at("show ip r", 8, "ambiguous: rip or route");
}

static void carets(void)
{
    refused_at("show ip rote", 8,
               "\"rote\" is not known here; expected arp, fib, igmp, interface, mroute, rip, route or traffic");
    refused_at("sh  ip", 7, "incomplete; expected arp");
    refused_at("show version please", 13, "\"please\" is not known here; expected json");
    refused_at("show ip route 10.0.0.1 x", 23, "expected json");
    refused_at("show ip route 10.0.0.256", 14, "expected A.B.C.D, A.B.C.D/L, connected");
    refused_at("show interfaces r9", 16,
               "there is no interface \"r9\"; expected IF (r0, r1, lo0, rates0), rates or json");
    refused_at("ping 10.0.0.1 count 0", 20, "expected (1-1000000)");
    refused_at("ping 10.0.0.1 count 99999999999999999999", 20, "expected (1-1000000)");
    refused_at("ping 10.0.0.1 count 5 count 6", 22, "expected df, interval, size, source, timeout, tos or ttl");
    refused_at("clear counters json", 15, "no interface \"json\"");
    refused_at("exit now", 5, "the command ends before it");
    refused_at("", 1, "incomplete");
}

static void caret_text(void)
{
    char text[1024];
    CU_ASSERT_FALSE(match("show ip rote"));
    command_error_text(&error, "show ip rote", text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\n  show ip rote\n          ^"));
    /* characters count, not bytes */
    CU_ASSERT_FALSE(match("clear counters gr\xc3\xbcn x"));
    error.column = 20;
    command_error_text(&error, "clear counters gr\xc3\xbcn x", text, sizeof text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, " x\n                     ^"));
}

static void best_fit(void)
{
    /* an interface whose name begins as a keyword does, and one that a keyword's abbreviation would hide */
    CU_ASSERT_STRING_EQUAL(meaning("show interfaces rates0"), "show interfaces rates0");
    CU_ASSERT_STRING_EQUAL(meaning("show interfaces rates"), "show interfaces rates");
    CU_ASSERT_STRING_EQUAL(meaning("show interfaces r0 rates"), "show interfaces r0 rates");
}

static void options(void)
{
    CU_ASSERT_STRING_EQUAL(meaning("ping 10.0.0.1 df source 10.0.0.2 count 3 size 100"),
                           "ping 10.0.0.1 df source 10.0.0.2 count 3 size 100");
    CU_ASSERT_STRING_EQUAL(meaning("ping 10.0.0.1 size 0"), "ping 10.0.0.1 size 0");
    CU_ASSERT_STRING_EQUAL(meaning("ping 10.0.0.1 size 65508"), "?");
    CU_ASSERT_STRING_EQUAL(meaning("ping 10.0.0.1 count"), "?");
}

static void json_of_refused(void)
{
    CU_ASSERT_FALSE(match("show interfaces r9 json"));
    CU_ASSERT_TRUE(line.json);
    CU_ASSERT_FALSE(match("show interfaces r9"));
    CU_ASSERT_FALSE(line.json);
}

static void long_and_many(void)
{
    char text[COMMAND_LINE_MAX + 100];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    CU_ASSERT_FALSE(match(text));
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, "longer than 4096"));
    text[COMMAND_LINE_MAX] = '\0';
    CU_ASSERT_FALSE(match(text));
    for (size_t i = 0; i < COMMAND_LINE_MAX; i += 2)
        text[i] = ' ';
    CU_ASSERT_FALSE(match(text));
}

/* ---- help and completion ---- */

struct heard {
    struct command_list list;
    char text[4096];
    unsigned without_help;
};

static void hear(struct command_list *self, const char *word, const char *help)
{
    struct heard *h = (struct heard *)self;
    size_t len = strlen(h->text);
    snprintf(h->text + len, sizeof h->text - len, "%s%s", len == 0 ? "" : " ", word);
    h->without_help += help == NULL || help[0] == '\0';
}

static const char *help_of(const char *text)
{
    static struct heard h;
    h = (struct heard){.list.add = hear};
    CU_ASSERT_TRUE(command_help(command_exec, &world, text, &h.list, &error));
    CU_ASSERT_EQUAL(h.without_help, 0);
    return h.text;
}

static const char *completion_of(const char *text)
{
    static struct heard h;
    h = (struct heard){.list.add = hear};
    command_complete(command_exec, &world, text, &h.list);
    return h.text;
}

static void help(void)
{
    CU_ASSERT_PTR_NOT_NULL(strstr(help_of(""), "ping quit reload show"));
    CU_ASSERT_STRING_EQUAL(help_of("sh"), "show");
    CU_ASSERT_STRING_EQUAL(help_of("show ip "), "arp fib igmp interface mroute rip route traffic");
    CU_ASSERT_STRING_EQUAL(help_of("show ip route "),
                           "A.B.C.D A.B.C.D/L connected kernel rip static summary json <cr>");
    CU_ASSERT_STRING_EQUAL(help_of("show version "), "json <cr>");
    CU_ASSERT_STRING_EQUAL(help_of("show version json "), "<cr>");
    CU_ASSERT_STRING_EQUAL(help_of("ping 10.0.0.1 df "), "count interval size source timeout tos ttl <cr>");
    CU_ASSERT_STRING_EQUAL(help_of("ping 10.0.0.1 count "), "(1-1000000)");
    /* of arguments only those that may go on so */
    CU_ASSERT_STRING_EQUAL(help_of("ping 10.0.0.1 count 12"), "(1-1000000)");
    CU_ASSERT_STRING_EQUAL(help_of("show ip route 10.0"), "A.B.C.D A.B.C.D/L");
    CU_ASSERT_STRING_EQUAL(help_of("show ip route 10.0.0.0/"), "A.B.C.D/L");
    CU_ASSERT_STRING_EQUAL(help_of("show ip route s"), "static summary");
    CU_ASSERT_STRING_EQUAL(help_of("show interfaces rates0"), "IF");
    CU_ASSERT_STRING_EQUAL(help_of("show interfaces j"), "json");
    struct heard h = {.list.add = hear};
    CU_ASSERT_FALSE(command_help(command_exec, &world, "show nonsense ", &h.list, &error));
    CU_ASSERT_EQUAL(error.column, 5);
    CU_ASSERT_FALSE(command_help(command_exec, &world, "ping 10.0.0.1 count 1000001", &h.list, &error));
    CU_ASSERT_FALSE(command_help(command_exec, &world, "clear ip arp 10.0.0.256", &h.list, &error));
}

static void hear_help(struct command_list *self, const char *word, const char *text)
{
    struct heard *h = (struct heard *)self;
    (void)word;
    snprintf(h->text, sizeof h->text, "%s", text);
}

static void help_of_interfaces(void)
{
    struct heard h = {.list.add = hear_help};
    CU_ASSERT_TRUE(command_help(command_exec, &world, "clear counters r", &h.list, &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(h.text, " (r0, r1, lo0, rates0)"));
}

static void completion(void)
{
    CU_ASSERT_STRING_EQUAL(completion_of("sh"), "show");
    CU_ASSERT_STRING_EQUAL(completion_of("show ip r"), "rip route");
    CU_ASSERT_STRING_EQUAL(completion_of("show m"), "memory");
    CU_ASSERT_STRING_EQUAL(completion_of("show interfaces r"), "r0 r1 rates0 rates");
    CU_ASSERT_STRING_EQUAL(completion_of("show interfaces r0 "), "rates json");
    CU_ASSERT_STRING_EQUAL(completion_of("show nonsense "), "");
    CU_ASSERT_STRING_EQUAL(completion_of("mon"), "monitor");
    CU_ASSERT_STRING_EQUAL(completion_of("show ip mr"), "mroute");
}

/* ---- the tables themselves ---- */

static unsigned checked;

static void check_node(const struct command *const *next, unsigned depth)
{
    for (; next != NULL && *next != NULL && depth < 8; next++) {
        const struct command *c = *next;
        checked++;
        CU_ASSERT_PTR_NOT_NULL_FATAL(c->word);
        CU_ASSERT_PTR_NOT_NULL_FATAL(c->help);
        CU_ASSERT_TRUE(strlen(c->help) > 2 && strlen(c->help) < 60 && strchr(c->help, '\n') == NULL);
        CU_ASSERT_TRUE(c->next != NULL || c->run != NULL || c->refusal != NULL);
        if (c->kind == COMMAND_NUMBER) { /* help says the range */
            char range[64];
            snprintf(range, sizeof range, "(%" PRId64 "-%" PRId64 ")", c->min, c->max);
            CU_ASSERT_STRING_EQUAL(c->word, range);
            CU_ASSERT_TRUE(c->min < c->max);
        }
        CU_ASSERT_TRUE(c->values == COMMAND_VALUES_NONE || c->kind == COMMAND_ADDR || c->kind == COMMAND_PREFIX);
        check_node(c->next, depth + 1);
    }
}

static void every_node_has_help(void)
{
    checked = 0;
    check_node(command_exec, 0);
    CU_ASSERT_TRUE(checked > 60);
}

static void shows_take_json(void)
{
    static const char *const lines[] = {"show version",         "show running-config",
                                        "show startup-config",  "show interfaces",
                                        "show interfaces r0",   "show ip interface brief",
                                        "show drops",           "show drops r0",
                                        "show ip route",        "show ip route summary",
                                        "show ip fib",          "show ip fib summary",
                                        "show ip fib 10.0.0.1", "show ip arp",
                                        "show ip arp r0",       "show ip traffic",
                                        "show memory",          "show processes",
                                        "show logging",         "show users",
                                        "show history"};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "%s json", lines[i]);
        CU_ASSERT_TRUE(match(lines[i]));
        CU_ASSERT_TRUE(match(text) && line.json && line.last->run != NULL);
    }
}

static void only_shows_are_for_lookers(void)
{
    static const char *const lines[] = {"clear counters",     "clear ip arp", "ping 10.0.0.1", "reload configuration",
                                        "configure terminal", "write",        "commit",        "rollback 1",
                                        "show changes",       "show rollback"};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CU_ASSERT_TRUE(match(lines[i]) && (line.last->flags & COMMAND_LOOK) == 0);
    CU_ASSERT_TRUE(match("show ip route 10.0.0.1") && (line.last->flags & COMMAND_LOOK) != 0);
    CU_ASSERT_TRUE(match("exit") && (line.last->flags & COMMAND_LOOK) != 0);
}

static const struct unit_case cases[] = {
    {"unambiguous abbreviations are the whole word", abbreviations},
    {"an ambiguous word lists what it may be", ambiguity},
    {"an error is at the offending word and says what was expected", carets},
    {"the caret stands under the offending word", caret_text},
    {"an interface that exists beats a keyword that it abbreviates", best_fit},
    {"options come in any order, each once", options},
    {"a refused line still asks for json", json_of_refused},
    {"overlong lines and too many words are refused", long_and_many},
    {"help lists what may follow, with its help", help},
    {"help of an interface names those that there are", help_of_interfaces},
    {"completion offers words and interfaces", completion},
    {"every word of the tables has help and leads somewhere", every_node_has_help},
    {"every show takes a trailing json", shows_take_json},
    {"only what looks is open to those who may only look", only_shows_are_for_lookers},
};
UNIT_MAIN("command", cases)
