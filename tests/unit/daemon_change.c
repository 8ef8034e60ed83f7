/* Changes of every kind, one after the other: edits, past configurations, changes that have to be confirmed, and what a
 * reload says of changes that were not saved. */
#include <sys/stat.h>

#include "cli/edit.h"
#include "tests/unit/support/bench.h"

/* ---- edits of the tests' own: what is typed is the value ---- */

static bool set_burst(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    if (edit->line.text[0] == 'x') {
        snprintf(why, why_size, "a burst is a number");
        return false;
    }
    config->icmp_burst = atoi(edit->line.text);
    return true;
}

static bool set_rate(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    config->icmp_rate_limit = atoi(edit->line.text);
    return true;
}

static bool set_lanes(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    (void)why;
    (void)why_size;
    config->lanes = atoi(edit->line.text);
    return true;
}

#define EDIT(name)                                                                                                     \
    static const struct command_edit name##_edit = {.apply = set_##name};                                              \
    static const struct command name = {.edit = &name##_edit}
EDIT(burst);
EDIT(rate);
EDIT(lanes);

static struct edit *edit(const struct command *command, const char *value, struct edit *next)
{
    struct command_line line = {.last = command};
    snprintf(line.text, sizeof line.text, "%s", value);
    struct edit *made = edit_new(&line, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    made->next = next;
    return made;
}

static const struct cli_author alice = {.uid = 1000, .session = 7};

static void begin_change(struct bench *b, struct cli_change change)
{
    b->told = false;
    b->asker.done = bench_told;
    change.author = alice;
    changes_ask(b->router.changes, &change, &b->asker);
}

static bool change(struct bench *b, struct cli_change how)
{
    begin_change(b, how);
    return wait_told(b);
}

static bool change_burst(struct bench *b, const char *value)
{
    return change(b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .edits = edit(&burst, value, NULL)});
}

static bool says(const struct bench *b, const char *text)
{
    bool found = strstr(b->report, text) != NULL;
    if (!found)
        printf("\n  got: %s\n  not: %s\n", b->report, text);
    return found;
}

/* ---- edits ---- */

static void edits_are_applied(void)
{
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    const struct port *port = dataplane_port_by_name(b.router.dataplane, "lo2");
    CU_ASSERT(
        change(&b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .edits = edit(&burst, "7", edit(&rate, "70", NULL))}));
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_burst, 7);
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_rate, 70);
    CU_ASSERT_PTR_EQUAL(dataplane_port_by_name(b.router.dataplane, "lo2"), port);
    CU_ASSERT_STRING_EQUAL(b.report, ""); /* the shell knows what was typed */
    CU_ASSERT(change(&b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .edits = edit(&lanes, "2", NULL)}));
    CU_ASSERT(says(&b, "'forwarding.lanes' takes effect at the next start"));
    bench_exit(&b);
}

static void what_is_refused_changes_nothing(void)
{
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    const struct config *running = b.router.running;
    CU_ASSERT(!change(
        &b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .edits = edit(&rate, "70", edit(&burst, "x", NULL))}));
    CU_ASSERT_STRING_EQUAL(b.report, "a burst is a number");
    CU_ASSERT(!change(
        &b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .edits = edit(&rate, "99999999", edit(&burst, "0", NULL))}));
    CU_ASSERT(says(&b, "'rate-limit' wants ") && says(&b, "\n'burst' wants "));
    CU_ASSERT_PTR_EQUAL(b.router.running, running);
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_burst, 50);
    struct cli_past past;
    CU_ASSERT(!changes_past(b.router.changes, 1, &past));
    bench_exit(&b);
}

/* Two sessions began at the same configuration. */
static void changes_of_others_stay_or_conflict(void)
{
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    const struct config *base = config_hold(b.router.running);
    CU_ASSERT(
        change(&b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .base = base, .edits = edit(&burst, "7", NULL)}));
    CU_ASSERT_STRING_EQUAL(b.report, "icmp burst changed");
    CU_ASSERT(
        change(&b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .base = base, .edits = edit(&rate, "70", NULL)}));
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_burst, 7);
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_rate, 70);
    const struct config *running = b.router.running;
    CU_ASSERT(!change(&b, (struct cli_change){.kind = CLI_CHANGE_EDITS,
                                              .base = base,
                                              .edits = edit(&burst, "8", edit(&rate, "70", NULL))}));
    CU_ASSERT(says(&b, ": icmp burst (7 and 8): "));
    CU_ASSERT_PTR_EQUAL(b.router.running, running);
    config_release(&b.router, base);
    bench_exit(&b);
}

/* ---- what was ---- */

static void the_last_ten_are_kept(void)
{
    struct bench b;
    struct cli_past past;
    char value[16];
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(!change(&b, (struct cli_change){.kind = CLI_CHANGE_BACK, .back = 1}));
    for (int i = 100; i < 112; i++) {
        snprintf(value, sizeof value, "%d", i);
        CU_ASSERT(change_burst(&b, value));
        CU_ASSERT(change_burst(&b, value)); /* it is like that: none is added */
    }
    CU_ASSERT(changes_past(b.router.changes, 1, &past));
    CU_ASSERT_EQUAL(past.config->icmp_burst, 110);
    CU_ASSERT(past.author.uid == alice.uid && past.author.session == alice.session);
    CU_ASSERT_EQUAL(past.kind, CLI_CHANGE_EDITS);
    CU_ASSERT(past.until_wall_ms > 1000);
    CU_ASSERT(changes_past(b.router.changes, CLI_PAST, &past));
    CU_ASSERT_EQUAL(past.config->icmp_burst, 101);
    CU_ASSERT(!changes_past(b.router.changes, CLI_PAST + 1, &past) && !changes_past(b.router.changes, 0, &past));
    CU_ASSERT(change(&b, (struct cli_change){.kind = CLI_CHANGE_BACK, .back = 10}));
    CU_ASSERT_STRING_EQUAL(b.report, "icmp burst changed");
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_burst, 101);
    CU_ASSERT(changes_past(b.router.changes, 1, &past));
    CU_ASSERT(past.config->icmp_burst == 111 && past.kind == CLI_CHANGE_BACK);
    bench_exit(&b);
}

static void changes_are_done_one_after_the_other(void)
{
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    struct bench other = {.asker.done = bench_told}; /* only its asker */
    struct cli_change second = {.kind = CLI_CHANGE_EDITS, .edits = edit(&rate, "8", NULL)};
    begin_change(&b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .edits = edit(&burst, "7", NULL)});
    changes_ask(b.router.changes, &second, &other.asker);
    struct bench gone = {.asker.done = bench_told};
    struct cli_change third = {.kind = CLI_CHANGE_EDITS, .edits = edit(&burst, "9", NULL)};
    changes_ask(b.router.changes, &third, &gone.asker);
    changes_forget(b.router.changes, &gone.asker);
    CU_ASSERT(wait_told(&b) && !other.told);
    while (b.router.dataplane->icmp_burst != 9)
        event_base_loop(b.router.base, EVLOOP_ONCE);
    CU_ASSERT(other.told && other.good && !gone.told);
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_rate, 8);
    bench_exit(&b);
}

static void a_router_may_stop_with_changes_in_the_queue(void)
{
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    const struct config *base = b.router.running;
    for (int i = 0; i < 5; i++)
        begin_change(&b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .base = base, .edits = edit(&burst, "7", NULL)});
    begin_reload(&b, TWO_LOOPBACKS);
    bench_exit(&b);
    CU_ASSERT(!b.told);
}

/* ---- changes that have to be confirmed ---- */

static bool change_for_a_minute(struct bench *b, const char *value)
{
    return change(
        b, (struct cli_change){.kind = CLI_CHANGE_EDITS, .edits = edit(&burst, value, NULL), .confirm_minutes = 1});
}

static void while_one_waits_no_other_comes(void)
{
    struct bench b;
    struct cli_unconfirmed waiting;
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(!changes_unconfirmed(b.router.changes, &waiting) && !changes_confirm(b.router.changes));
    CU_ASSERT(!change_for_a_minute(&b, "50"));
    CU_ASSERT(says(&b, "nothing to confirm"));
    uint64_t before_ns = loop_now(b.router.loop).ns;
    CU_ASSERT(change_for_a_minute(&b, "7"));
    CU_ASSERT(changes_unconfirmed(b.router.changes, &waiting));
    CU_ASSERT(waiting.author.session == 7 && waiting.due_ns >= before_ns + 60000000000);
    CU_ASSERT(!change_burst(&b, "8"));
    CU_ASSERT(says(&b, "uid 1000 in session 7 waits to be confirmed until ") && says(&b, "commit"));
    CU_ASSERT(!reload(&b, TWO_LOOPBACKS));
    CU_ASSERT(says(&b, "waits to be confirmed"));
    CU_ASSERT(!change(&b, (struct cli_change){.kind = CLI_CHANGE_BACK, .back = 1}));
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_burst, 7);
    CU_ASSERT(changes_confirm(b.router.changes));
    CU_ASSERT(!changes_unconfirmed(b.router.changes, &waiting));
    CU_ASSERT(change_burst(&b, "8"));
    bench_exit(&b);
}

static void what_nobody_confirms_is_undone(void)
{
    struct bench b;
    struct cli_unconfirmed waiting;
    struct cli_past past;
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(change_for_a_minute(&b, "7"));
    changes_expire(b.router.changes);
    while (changes_unconfirmed(b.router.changes, &waiting))
        event_base_loop(b.router.base, EVLOOP_ONCE);
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_burst, 50);
    CU_ASSERT(changes_past(b.router.changes, 1, &past) && past.kind == CLI_CHANGE_BACK);
    CU_ASSERT(change_burst(&b, "8"));
    CU_ASSERT(change_for_a_minute(&b, "9")); /* the router may stop while one waits */
    bench_exit(&b);
}

/* ---- the file ---- */

static void a_reload_sums_up_and_says_what_is_lost(void)
{
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    const struct config *saved = changes_saved(b.router.changes);
    CU_ASSERT_PTR_EQUAL(saved, b.router.running);
    CU_ASSERT(change_burst(&b, "7"));
    CU_ASSERT_PTR_EQUAL(changes_saved(b.router.changes), saved);
    CU_ASSERT(reload(&b, TWO_LOOPBACKS "hostname = \"core\";\n"));
    CU_ASSERT(says(&b, "changes that were not saved are gone: icmp burst"));
    CU_ASSERT(says(&b, "r.conf was read and applied: hostname changed, icmp burst changed"));
    CU_ASSERT_PTR_EQUAL(changes_saved(b.router.changes), b.router.running);
    CU_ASSERT(reload(&b, TWO_LOOPBACKS "hostname = \"core\";\n"));
    CU_ASSERT(says(&b, "nothing differs") && strstr(b.report, "gone") == NULL);
    bench_exit(&b);
}

static void save(struct bench *b, const char *path, bool force)
{
    b->told = false;
    b->asker.done = bench_told;
    saves_ask(b->router.saves, path, force, &b->asker);
    wait_told(b);
}

static void what_was_saved_is_not_lost(void)
{
    struct bench b;
    char other[128];
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(change_burst(&b, "7"));
    save(&b, NULL, false);
    CU_ASSERT(b.good && says(&b, "was saved to "));
    CU_ASSERT_PTR_EQUAL(changes_saved(b.router.changes), b.router.running);
    b.told = false;
    struct cli_change from_file = {.kind = CLI_CHANGE_FILE};
    changes_ask(b.router.changes, &from_file, &b.asker);
    CU_ASSERT(wait_told(&b) && says(&b, "nothing differs"));
    CU_ASSERT_EQUAL(b.router.dataplane->icmp_burst, 7);
    CU_ASSERT(change_burst(&b, "8"));
    snprintf(other, sizeof other, "%s/other.conf", b.folder);
    save(&b, other, false);
    CU_ASSERT(b.good && access(other, R_OK) == 0);
    CU_ASSERT_EQUAL(changes_saved(b.router.changes)->icmp_burst, 7);
    CU_ASSERT(change_for_a_minute(&b, "9"));
    save(&b, NULL, false);
    CU_ASSERT(!b.good && says(&b, "commit"));
    b.told = false;
    saves_ask(b.router.saves, other, false, &b.asker);
    saves_forget(b.router.saves, &b.asker);
    bench_exit(&b); /* while it is written */
    CU_ASSERT(!b.told);
}

/* After a reload the file is known as it is now; after somebody's editing it is not. */
static void a_file_that_was_edited_is_not_replaced_unawares(void)
{
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    CU_ASSERT(change_burst(&b, "7"));
    write_config(&b, TWO_LOOPBACKS "hostname = \"core\";\n");
    save(&b, NULL, false);
    CU_ASSERT(!b.good && says(&b, "write memory force"));
    CU_ASSERT(reload(&b, TWO_LOOPBACKS "hostname = \"core\";\n"));
    CU_ASSERT(change_burst(&b, "8"));
    save(&b, NULL, false);
    CU_ASSERT(b.good);
    write_config(&b, TWO_LOOPBACKS);
    CU_ASSERT(change_burst(&b, "9"));
    save(&b, NULL, true);
    CU_ASSERT(b.good);
    bench_exit(&b);
}

static void write_table(const struct bench *b, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/table", b->folder);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    fputs(text, file);
    fclose(file);
}

/* The configuration says the same, but not its table. */
static void a_table_in_a_file_of_its_own_is_compared_too(void)
{
    static const char text[] = TWO_LOOPBACKS "static-routes-file = \"table\";\n";
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    write_table(&b, "10.50.0.0/16 blackhole\n");
    CU_ASSERT(reload(&b, text));
    write_table(&b, "10.51.0.0/16 blackhole\n");
    CU_ASSERT(reload(&b, text) && says(&b, "applied: routes of table changed"));
    CU_ASSERT(change_burst(&b, "7"));
    write_table(&b, "is being written");
    save(&b, NULL, false);
    CU_ASSERT(b.good);
    bench_exit(&b);
}

/* Whoever may change things may name any file, but not read it so. */
static void words_of_private_files_are_not_told(void)
{
    static const char text[] = TWO_LOOPBACKS "static-routes-file = \"table\";\n";
    struct bench b;
    bench_init(&b, TWO_LOOPBACKS);
    char path[128];
    snprintf(path, sizeof path, "%s/table", b.folder);
    write_table(&b, "secret words\n10.50.0.0/16 secret\n10.51.0.0/16\n");
    for (unsigned public = 0; public < 4; public ++) {
        CU_ASSERT_EQUAL(chmod(path, (public & 1) != 0 ? 0644 : 0640), 0);
        CU_ASSERT_EQUAL(chmod(b.folder, (public & 2) != 0 ? 0755 : 0750), 0);
        CU_ASSERT(!reload(&b, text));
        CU_ASSERT(says(&b, "table:1: a prefix such as 10.0.0.0/8 is expected"));
        CU_ASSERT(says(&b, "table:3: 'via', 'blackhole', 'unreachable' or 'prohibit' is expected where the line ends"));
        CU_ASSERT_EQUAL(strstr(b.report, "secret") != NULL, public == 3);
    }
    bench_exit(&b);
}

static const struct unit_case cases[] = {
    {"edits are applied as a difference, and what needs a restart is said", edits_are_applied},
    {"what is refused changes nothing, and each error is told", what_is_refused_changes_nothing},
    {"changes of others stay, or are a conflict", changes_of_others_stay_or_conflict},
    {"the last ten configurations are kept, and one can come back", the_last_ten_are_kept},
    {"changes are done one after the other", changes_are_done_one_after_the_other},
    {"a router may stop with changes in the queue", a_router_may_stop_with_changes_in_the_queue},
    {"while a change waits to be confirmed no other comes", while_one_waits_no_other_comes},
    {"what nobody confirms is undone", what_nobody_confirms_is_undone},
    {"a reload sums up what changed and says what is lost", a_reload_sums_up_and_says_what_is_lost},
    {"what was saved is not lost", what_was_saved_is_not_lost},
    {"a table in a file of its own is compared too", a_table_in_a_file_of_its_own_is_compared_too},
    {"words of private files are not told", words_of_private_files_are_not_told},
    {"a file that was edited is not replaced unawares", a_file_that_was_edited_is_not_replaced_unawares},
};
UNIT_MAIN("daemon change", cases)
