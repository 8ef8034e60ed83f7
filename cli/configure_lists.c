/* ip prefix-list, and key chain with its mode: lists that routing protocols name. */
#include <stdio.h>
#include <string.h>

#include "cli/configure.h"
#include "cli/draft.h"
#include "cli/session.h"
#include "cli/tree.h"

/* ---- ip prefix-list ---- */

static const struct command list_name, list_name_no, rule_permit, rule_deny, rule_prefix, rule_any, rule_ge, rule_le,
    rule_seq, rule_seq_no;

static const struct schema_key *rules_key(void)
{
    return edit_schema("prefix-lists.rules");
}

static struct config_prefix_list *find_list(struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_prefix_lists; i++)
        if (config->prefix_lists[i].name != NULL && strcmp(config->prefix_lists[i].name, name) == 0)
            return &config->prefix_lists[i];
    return NULL;
}

static struct config_prefix_list *make_list(struct config *config, const char *name, char *why, size_t why_size)
{
    const struct schema_key *lists = edit_schema("prefix-lists");
    struct config_prefix_list *list = schema_append(lists, config);
    if (list == NULL) {
        edit_refuse(why, why_size, "the system gave no memory");
        return NULL;
    }
    if (schema_parse(edit_schema("prefix-lists.name"), name, &list->name, why, why_size))
        return list;
    schema_remove_last(lists, config);
    return NULL;
}

static struct config_prefix_rule read_rule(const struct edit *edit)
{
    struct config_prefix_rule rule = {.action = edit_arg(edit, &rule_deny) != NULL ? CONFIG_DENY : CONFIG_PERMIT};
    const struct command_arg *prefix = edit_arg(edit, &rule_prefix), *ge = edit_arg(edit, &rule_ge),
                             *le = edit_arg(edit, &rule_le);
    if (prefix != NULL)
        rule.prefix = prefix->prefix;
    rule.ge = ge == NULL ? 0 : ge->number;
    rule.le = le != NULL ? le->number : prefix == NULL ? 32 : 0;
    return rule;
}

/* Whatever their numbers are. */
static bool is_same_rule(const struct config_prefix_rule *a, const struct config_prefix_rule *b)
{
    struct config_prefix_rule numbered = *a;
    numbered.seq = b->seq;
    return schema_same_entry(rules_key()->group, &numbered, b);
}

static size_t find_rule(const struct config_prefix_list *list, const struct config_prefix_rule *rule)
{
    size_t i = 0;
    while (i < list->n_rules && !is_same_rule(&list->rules[i], rule))
        i++;
    return i;
}

/* Rules of a list in which any has a number get theirs, so that they keep it whatever comes and goes. */
static void number_rules(struct config_prefix_list *list)
{
    int64_t seq = 0;
    for (size_t i = 0; i < list->n_rules; i++)
        list->rules[i].seq = seq = config_seq(&list->rules[i], seq);
}

static bool is_numbered(const struct config_prefix_list *list)
{
    for (size_t i = 0; i < list->n_rules; i++)
        if (list->rules[i].seq != 0)
            return true;
    return false;
}

/* The first rule whose number is not less than SEQ. */
static size_t place_of(const struct config_prefix_list *list, int64_t seq)
{
    size_t i = 0;
    while (i < list->n_rules && list->rules[i].seq < seq)
        i++;
    return i;
}

static bool remove_rule(struct config *config, struct config_prefix_list *list, const struct edit *edit, char *why,
                        size_t why_size)
{
    struct config_prefix_rule rule = read_rule(edit);
    const struct command_arg *seq = edit_arg(edit, &rule_seq_no);
    bool said = edit_arg(edit, &rule_permit) != NULL || edit_arg(edit, &rule_deny) != NULL;
    if (seq != NULL || is_numbered(list))
        number_rules(list);
    size_t i = seq != NULL ? place_of(list, seq->number) : find_rule(list, &rule);
    bool there = i < list->n_rules && (seq == NULL || list->rules[i].seq == seq->number);
    if (!there || (said && !is_same_rule(&list->rules[i], &rule)))
        return edit_refuse(why, why_size, "prefix list '%s' has no such rule", list->name);
    schema_remove(rules_key(), list, i);
    if (list->n_rules == 0) /* as it was before its first */
        schema_remove(edit_schema("prefix-lists"), config, (size_t)(list - config->prefix_lists));
    return true;
}

/* At its number: in place of the rule that has it, or between those of lower and higher ones. */
static bool set_rule(struct config_prefix_list *list, struct config_prefix_rule rule, int64_t seq, char *why,
                     size_t why_size)
{
    number_rules(list);
    size_t i = place_of(list, seq), last = list->n_rules;
    rule.seq = seq;
    if (i == last || list->rules[i].seq != seq) {
        if (schema_append(rules_key(), list) == NULL)
            return edit_refuse(why, why_size, "the system gave no memory");
        memmove(&list->rules[i + 1], &list->rules[i], (last - i) * sizeof list->rules[0]);
    }
    list->rules[i] = rule;
    return true;
}

/* Behind the others, if it is not there. */
static bool append_rule(struct config_prefix_list *list, struct config_prefix_rule rule, char *why, size_t why_size)
{
    if (find_rule(list, &rule) < list->n_rules)
        return true;
    bool numbered = is_numbered(list);
    if (numbered)
        number_rules(list);
    if (numbered && list->rules[list->n_rules - 1].seq > CONFIG_SEQ_MAX - CONFIG_SEQ_STEP)
        return edit_refuse(why, why_size, "no number is left behind the last rule of '%s': give it one by seq",
                           list->name);
    struct config_prefix_rule *added = schema_append(rules_key(), list);
    if (added == NULL)
        return edit_refuse(why, why_size, "the system gave no memory");
    *added = rule;
    if (numbered)
        number_rules(list);
    return true;
}

static bool change_list(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    bool no = edit_undoes(edit), one = edit_arg(edit, &rule_permit) != NULL || edit_arg(edit, &rule_deny) != NULL ||
                                       edit_arg(edit, &rule_seq_no) != NULL;
    const struct command_arg *seq = edit_arg(edit, &rule_seq);
    const char *name = edit_arg(edit, no ? &list_name_no : &list_name)->text;
    struct config_prefix_list *list = find_list(config, name);
    if (no && list == NULL)
        return edit_refuse(why, why_size, "there is no prefix list '%s'", name);
    if (no && one)
        return remove_rule(config, list, edit, why, why_size);
    if (no) {
        schema_remove(edit_schema("prefix-lists"), config, (size_t)(list - config->prefix_lists));
        return true;
    }
    if (list == NULL && (list = make_list(config, name, why, why_size)) == NULL)
        return false;
    if (seq != NULL)
        return set_rule(list, read_rule(edit), seq->number, why, why_size);
    return append_rule(list, read_rule(edit), why, why_size);
}

#define RUN .run = &edit_run, .edit = EDIT(change_list)

static const struct command word_ge, word_le;
static const struct command *const lengths[] = {&word_ge, &word_le, NULL};
static const struct command rule_ge = {COMMAND_NUMBER, "(1-32)", "Bits", .min = 1, .max = 32, .next = lengths, RUN};
static const struct command rule_le = {COMMAND_NUMBER, "(1-32)", "Bits", .min = 1, .max = 32, .next = lengths, RUN};
static const struct command *const ge_next[] = {&rule_ge, NULL};
static const struct command *const le_next[] = {&rule_le, NULL};
static const struct command word_ge = {COMMAND_WORD, "ge", "Those that are at least so long", .next = ge_next};
static const struct command word_le = {COMMAND_WORD, "le", "Those that are at most so long", .next = le_next};
static const struct command rule_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "Just this, or with ge or le what it holds",
                                           .next = lengths, RUN};
static const struct command rule_any = {COMMAND_WORD, "any", "Whatever is left", RUN};
static const struct command *const matches[] = {&rule_any, &rule_prefix, NULL};
static const struct command rule_permit = {COMMAND_WORD, "permit", "Let it through", .next = matches};
static const struct command rule_deny = {COMMAND_WORD, "deny", "Keep it out", .next = matches};
static const struct command *const actions[] = {&rule_deny, &rule_permit, NULL};
#define SEQ COMMAND_NUMBER, "(1-2147483647)", "Its number", .min = 1, .max = CONFIG_SEQ_MAX, .next = actions
static const struct command rule_seq = {SEQ};
static const struct command rule_seq_no = {SEQ, RUN};
static const struct command *const seqs[] = {&rule_seq, NULL};
static const struct command *const seqs_no[] = {&rule_seq_no, NULL};
static const struct command word_seq = {COMMAND_WORD, "seq", "At this place in the list, or instead of what is there",
                                        .next = seqs};
static const struct command word_seq_no = {COMMAND_WORD, "seq", "The rule of this number", .next = seqs_no};
static const struct command *const rules[] = {&rule_deny, &rule_permit, &word_seq, NULL};
static const struct command *const rules_no[] = {&rule_deny, &rule_permit, &word_seq_no, NULL};
static const struct command list_name = {COMMAND_ANY, "NAME", "Its name", .next = rules};
static const struct command list_name_no = {COMMAND_ANY, "NAME", "Its name", .next = rules_no, RUN};
static const struct command *const list_words[] = {&list_name, NULL};
static const struct command *const list_words_no[] = {&list_name_no, NULL};
const struct command command_prefix_list = {COMMAND_WORD, "prefix-list", "Add a rule to a list of prefixes",
                                            .next = list_words};
const struct command command_prefix_list_no = {COMMAND_WORD, "prefix-list", "Take out a rule, or the list",
                                               .next = list_words_no};

/* ---- key chain NAME, no key chain NAME ---- */

static struct config_key_chain *find_chain(struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_key_chains; i++)
        if (config->key_chains[i].name != NULL && strcmp(config->key_chains[i].name, name) == 0)
            return &config->key_chains[i];
    return NULL;
}

static bool change_chain(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_key *chains = edit_schema("key-chains");
    const char *name = edit->line.args[edit->line.n - 1].text;
    struct config_key_chain *chain = find_chain(config, name);
    if (edit_undoes(edit)) {
        if (chain == NULL)
            return edit_refuse(why, why_size, "there is no key chain '%s'", name);
        schema_remove(chains, config, (size_t)(chain - config->key_chains));
        return true;
    }
    if (chain != NULL)
        return true;
    chain = schema_append(chains, config);
    if (chain == NULL)
        return edit_refuse(why, why_size, "the system gave no memory");
    if (schema_parse(edit_schema("key-chains.name"), name, &chain->name, why, why_size))
        return true;
    schema_remove_last(chains, config);
    return false;
}

static enum step enter_chain(struct job *job)
{
    const char *name = job->line->args[job->line->n - 1].text;
    const struct draft *draft = job->session->draft;
    const struct config *config = draft != NULL ? draft_config(draft) : job->router->running(job->router->context);
    const struct ask *ask = job->state;
    if (ask->asked || config_key_chain_find(config, name) == NULL) {
        enum step step = edit_step(job);
        if (step != STEP_DONE)
            return step;
    }
    job_enter(job, &mode_key_chain, name);
    return STEP_DONE;
}

static const struct command_run run_enter = {
    .state_size = sizeof(struct ask), .step = enter_chain, .end = edit_end, .hears_interrupt = true};
static const struct command chain_name = {COMMAND_ANY, "NAME", "Its name", .run = &run_enter,
                                          .edit = EDIT(change_chain)};
static const struct command chain_name_no = {COMMAND_ANY, "NAME", "Its name", .run = &edit_run,
                                             .edit = EDIT(change_chain)};
static const struct command *const chain_words[] = {&chain_name, NULL};
static const struct command *const chain_words_no[] = {&chain_name_no, NULL};
static const struct command chain_word = {COMMAND_WORD, "chain", "Configure a key chain", .next = chain_words};
static const struct command chain_word_no = {COMMAND_WORD, "chain", "Forget a key chain", .next = chain_words_no};
static const struct command *const key_words[] = {&chain_word, NULL};
static const struct command *const key_words_no[] = {&chain_word_no, NULL};
const struct command command_config_key = {COMMAND_WORD, "key", "Keys that change in time", .next = key_words};
const struct command command_config_key_no = {COMMAND_WORD, "key", "Keys that change in time", .next = key_words_no};

/* ---- the mode of a key chain ---- */

static const struct command key_number, key_number_no, key_string, key_algorithm, key_send, key_accept;

static const struct schema_key *keys_key(void)
{
    return edit_schema("key-chains.keys");
}

/* The row that the line is about: what was said last, or, after `no`, the word at the end. */
static const struct schema_key *key_row(const struct edit *edit)
{
    static const struct {
        const char *word, *name;
    } rows[] = {
        {"key-string", "key"}, {"algorithm", "algorithm"}, {"send-lifetime", "send"}, {"accept-lifetime", "accept"}};
    for (unsigned i = 0; i < edit->line.n; i++)
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
            if (edit->line.args[i].command->kind == COMMAND_WORD &&
                strcmp(edit->line.args[i].command->word, rows[k].word) == 0)
                return schema_find(keys_key()->group, rows[k].name);
    return NULL;
}

static bool set_key(const struct edit *edit, struct config_key_chain *chain, size_t i, char *why, size_t why_size)
{
    const struct schema_key *row = key_row(edit);
    const struct command_arg *last = &edit->line.args[edit->line.n - 1];
    const char *text = last->command->kind == COMMAND_WORD ? last->command->word : last->text;
    int64_t id = edit_arg(edit, &key_number)->number;
    bool made = i == chain->n_keys;
    if (made && strcmp(row->name, "key") != 0)
        return edit_refuse(why, why_size, "there is no key %lld in it: \"key %lld key-string TEXT\" makes it",
                           (long long)id, (long long)id);
    if (made && schema_append(keys_key(), chain) == NULL)
        return edit_refuse(why, why_size, "the system gave no memory");
    chain->keys[i].id = id;
    if (schema_parse(row, text, schema_at(row, &chain->keys[i], 0), why, why_size))
        return true;
    if (made)
        schema_remove_last(keys_key(), chain);
    return false;
}

/* NULL, with a sentence in WHY, if it is gone. */
static struct config_key_chain *chain_of_mode(const struct edit *edit, struct config *config, char *why,
                                              size_t why_size)
{
    struct config_key_chain *chain = find_chain(config, edit->subject);
    if (chain == NULL)
        edit_refuse(why, why_size, "key chain '%s' is no longer configured: \"key chain %s\" makes it anew",
                    edit->subject, edit->subject);
    return chain;
}

static bool change_fail_secure(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    struct config_key_chain *chain = chain_of_mode(edit, config, why, why_size);
    if (chain == NULL)
        return false;
    chain->fail_secure = !edit_undoes(edit);
    return true;
}

static bool change_key(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    struct config_key_chain *chain = chain_of_mode(edit, config, why, why_size);
    if (chain == NULL)
        return false;
    int64_t id = edit_arg(edit, edit_undoes(edit) ? &key_number_no : &key_number)->number;
    size_t i = 0;
    while (i < chain->n_keys && chain->keys[i].id != id)
        i++;
    if (!edit_undoes(edit))
        return set_key(edit, chain, i, why, why_size);
    if (i == chain->n_keys)
        return edit_refuse(why, why_size, "there is no key %lld in it", (long long)id);
    const struct schema_key *row = key_row(edit);
    if (row == NULL)
        schema_remove(keys_key(), chain, i);
    else if (!schema_reset(row, &chain->keys[i]))
        return edit_refuse(why, why_size, "the system gave no memory");
    return true;
}

#undef RUN
#define RUN                       .run = &edit_run, .edit = EDIT(change_key)
#define WORD(symbol, text, words) static const struct command symbol = {COMMAND_WORD, text, words, RUN}

WORD(is_text, "text", "A password in the clear");
WORD(is_md5, "md5", "Keyed MD5 (RFC 4822)");
WORD(is_sha1, "sha1", "HMAC-SHA-1");
WORD(is_sha256, "sha256", "HMAC-SHA-256");
WORD(is_sha384, "sha384", "HMAC-SHA-384");
WORD(is_sha512, "sha512", "HMAC-SHA-512");
static const struct command *const algorithms[] = {&is_md5,    &is_sha1, &is_sha256, &is_sha384,
                                                   &is_sha512, &is_text, NULL};
static const struct command string_text = {COMMAND_REST, "TEXT", "The secret itself", COMMAND_SECRET, RUN};
static const struct command *const string_next[] = {&string_text, NULL};
static const struct command send_text = {COMMAND_REST, "FROM..TO", "UTC: 2026-11-20 09:00..2027-01-01", RUN};
static const struct command *const send_next[] = {&send_text, NULL};
static const struct command accept_text = {COMMAND_REST, "FROM..TO", "UTC: 2026-11-20 09:00..2027-01-01", RUN};
static const struct command *const accept_next[] = {&accept_text, NULL};
static const struct command key_string = {COMMAND_WORD, "key-string", "The secret", .next = string_next};
static const struct command key_algorithm = {COMMAND_WORD, "algorithm", "How it signs", .next = algorithms};
static const struct command key_send = {COMMAND_WORD, "send-lifetime", "When it is sent with", .next = send_next};
static const struct command key_accept = {COMMAND_WORD, "accept-lifetime", "When it is accepted", .next = accept_next};
static const struct command *const key_options[] = {&key_accept, &key_algorithm, &key_string, &key_send, NULL};
WORD(key_algorithm_no, "algorithm", "As the interface's mode says");
WORD(key_send_no, "send-lifetime", "Always");
WORD(key_accept_no, "accept-lifetime", "Always");
static const struct command *const key_options_no[] = {&key_accept_no, &key_algorithm_no, &key_send_no, NULL};

static const struct command key_number = {COMMAND_NUMBER, "(0-255)",  "Its number in messages",
                                          .min = 0,       .max = 255, .next = key_options};
static const struct command key_number_no = {
    COMMAND_NUMBER, "(0-255)", "Its number in messages", .min = 0, .max = 255, .next = key_options_no, RUN};
static const struct command *const numbers[] = {&key_number, NULL};
static const struct command *const numbers_no[] = {&key_number_no, NULL};
static const struct command key = {COMMAND_WORD, "key", "A key of the chain", .next = numbers};
static const struct command key_no = {COMMAND_WORD, "key", "Take out a key", .next = numbers_no};
static const struct command fail_secure = {COMMAND_WORD, "fail-secure", "Stop RIP when the last key ends",
                                           .run = &edit_run, .edit = EDIT(change_fail_secure)};
static const struct command fail_secure_no = {COMMAND_WORD, "fail-secure", "Go on with the last key when it ends",
                                              .run = &edit_run, .edit = EDIT(change_fail_secure)};
static const struct command *const no_words[] = {&fail_secure_no, &key_no, NULL};
static const struct command no = {COMMAND_WORD, "no", "Undo a command", .next = no_words};
static const struct command *const words[] = {&command_do, &command_end,  &command_exit, &fail_secure, &key,
                                              &no,         &command_quit, &command_show, NULL};
const struct mode mode_key_chain = {
    .name = "config-keychain", .about = "key chain", .root = words, .parent = &mode_config};
