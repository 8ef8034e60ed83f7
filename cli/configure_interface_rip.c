/* ip rip and its words, of an interface's mode. Each sets a key of the interface's rip group. */
#include <string.h>

#include "cli/configure.h"
#include "cli/tree.h"
#include "protocols/rip/rip.h"

#define KEY(name) "interfaces.rip." name

KEY_WORD(enable, KEY("enabled"), "enable", "Speak RIP here");
KEY_WORD(passive, KEY("passive"), "passive", "Only listen");
KEY_WORD(v2_broadcast, KEY("v2-broadcast"), "v2-broadcast", "Send version 2 to the broadcast address");
KEY_WORD(triggered, KEY("triggered"), "triggered", "Tell changes only, as the other end does (RFC 2091)");
KEY_WORD(auto_summary, KEY("auto-summary"), "auto-summary", "Sum up other networks by their class");
NUMBER_KEY(metric_in, KEY("metric-in"), "metric-in", "Added to the metric of what is learned", 0, 16);
NUMBER_KEY(metric_out, KEY("metric-out"), "metric-out", "Added to the metric of what is sent", 0, 16);
TEXT_KEY(filter_in, KEY("filter-in"), "filter-in", "What may be learned", COMMAND_ANY, "NAME", "A prefix list");
TEXT_KEY(filter_out, KEY("filter-out"), "filter-out", "What may be sent", COMMAND_ANY, "NAME", "A prefix list");

static bool says(const struct edit *edit, const char *word)
{
    for (unsigned i = 0; i < edit->line.n; i++)
        if (edit->line.args[i].command->kind == COMMAND_WORD && strcmp(edit->line.args[i].command->word, word) == 0)
            return true;
    return false;
}

/* ---- send version, receive version ---- */

static bool change_version(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    struct config_interface *interface = edit_interface(edit, config, why, why_size);
    const struct schema_key *key = edit_schema(says(edit, "send") ? KEY("send-version") : KEY("receive-version"));
    if (interface == NULL)
        return false;
    if (edit_undoes(edit))
        return schema_reset(key, interface);
    bool one = says(edit, "1"), two = says(edit, "2");
    int64_t versions = one && two ? CONFIG_RIP_1_2 : one ? CONFIG_RIP_1 : CONFIG_RIP_2;
    memcpy(schema_at(key, interface, 0), &versions, sizeof versions);
    return true;
}

#define RUN(function) .run = &edit_run, .edit = EDIT(function)

static const struct command and_one = {COMMAND_WORD, "1", "And version 1", RUN(change_version)};
static const struct command and_two = {COMMAND_WORD, "2", "And version 2", RUN(change_version)};
static const struct command *const after_one[] = {&and_two, NULL};
static const struct command *const after_two[] = {&and_one, NULL};
static const struct command one = {COMMAND_WORD, "1", "Version 1 (RFC 1058)", .next = after_one, RUN(change_version)};
static const struct command two = {COMMAND_WORD, "2", "Version 2 (RFC 2453)", .next = after_two, RUN(change_version)};
static const struct command *const versions[] = {&one, &two, NULL};
static const struct command version = {COMMAND_WORD, "version", "Versions", .next = versions};
static const struct command version_no = {COMMAND_WORD, "version", "Versions", .next = versions, RUN(change_version)};
static const struct command *const version_words[] = {&version, NULL};
static const struct command *const version_words_no[] = {&version_no, NULL};
static const struct command sending = {COMMAND_WORD, "send", "What is sent", .next = version_words};
static const struct command sending_no = {COMMAND_WORD, "send", "As the router's version says",
                                          .next = version_words_no};
static const struct command receive = {COMMAND_WORD, "receive", "What is taken", .next = version_words};
static const struct command receive_no = {COMMAND_WORD, "receive", "Both versions", .next = version_words_no};

/* ---- split-horizon ---- */

/* Three states: what `no` of one word takes back is no more than that word. */
static bool change_split(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    struct config_interface *interface = edit_interface(edit, config, why, why_size);
    if (interface == NULL)
        return false;
    bool poisoned = says(edit, "poisoned-reverse");
    if (edit_undoes(edit))
        interface->rip.split_horizon = poisoned ? RIP_SPLIT_SIMPLE : RIP_SPLIT_OFF;
    else
        interface->rip.split_horizon = poisoned ? RIP_SPLIT_POISONED : RIP_SPLIT_SIMPLE;
    return true;
}

static const struct command poisoned = {COMMAND_WORD, "poisoned-reverse", "Send them back as unreachable",
                                        RUN(change_split)};
static const struct command *const split_words[] = {&poisoned, NULL};
static const struct command split = {COMMAND_WORD, "split-horizon", "Do not send routes back where they were learned",
                                     .next = split_words, RUN(change_split)};

/* ---- authentication ---- */

#define MODE KEY("authentication.mode")
KEY_WORD(mode_none, MODE, "none", "Believe whoever speaks");
KEY_WORD(mode_text, MODE, "text", "A password in the clear (RFC 2453)");
KEY_WORD(mode_md5, MODE, "md5", "Keyed MD5 (RFC 4822)");
KEY_WORD(mode_sha1, MODE, "sha1", "HMAC-SHA-1 (RFC 4822)");
KEY_WORD(mode_sha256, MODE, "sha256", "HMAC-SHA-256 (RFC 4822)");
KEY_WORD(mode_sha384, MODE, "sha384", "HMAC-SHA-384 (RFC 4822)");
KEY_WORD(mode_sha512, MODE, "sha512", "HMAC-SHA-512 (RFC 4822)");
static const struct command *const mode_values[] = {&mode_md5,    &mode_none,   &mode_sha1, &mode_sha256,
                                                    &mode_sha384, &mode_sha512, &mode_text, NULL};
WORDS_KEY(mode, MODE, "mode", "How messages are signed, once there is a key");
NUMBER_KEY(key_id, KEY("authentication.key-id"), "key-id", "The number of the key", 0, 255);
TEXT_KEY(key_chain, KEY("authentication.key-chain"), "key-chain", "Keys that change in time", COMMAND_ANY, "NAME",
         "A key chain");
static const struct command secret_value = {COMMAND_REST,          "TEXT",
                                            "The password or key", COMMAND_SECRET,
                                            .run = &edit_run,      .edit = EDIT_KEY(KEY("authentication.key"))};
static const struct command *const secret_values[] = {&secret_value, NULL};
static const struct command secret = {COMMAND_WORD, "string", "The password or key", .next = secret_values};
static const struct command secret_no = {COMMAND_WORD,          "string",
                                         "The password or key", .next = secret_values,
                                         .run = &edit_run,      .edit = EDIT_KEY(KEY("authentication.key"))};

static bool forget_authentication(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    struct config_interface *interface = edit_interface(edit, config, why, why_size);
    const struct schema_group *group = edit_schema(KEY("authentication"))->group;
    bool good = interface != NULL;
    for (size_t i = 0; good && i < group->n; i++)
        good = schema_reset(&group->keys[i], interface);
    return good;
}

static const struct command *const auth_words[] = {&key_chain, &key_id, &mode, &secret, NULL};
static const struct command *const auth_words_no[] = {&key_chain_no, &key_id_no, &mode_no, &secret_no, NULL};
static const struct command auth = {COMMAND_WORD, "authentication", "Who is believed", .next = auth_words};
static const struct command auth_no = {COMMAND_WORD, "authentication", "All of it, or a part", .next = auth_words_no,
                                       RUN(forget_authentication)};

/* ---- offset-list ---- */

static const struct command offset_number, offset_name;

static bool remove_offset(struct config_interface *interface, const struct config_rip_offset *said, char *why,
                          size_t why_size)
{
    const struct schema_key *key = edit_schema(KEY("offset-lists"));
    struct config_rip_interface *rip = &interface->rip;
    for (size_t i = 0; i < rip->n_offsets; i++) {
        const struct config_rip_offset *o = &rip->offsets[i];
        bool same_list = said->list == NULL ? o->list == NULL : o->list != NULL && strcmp(o->list, said->list) == 0;
        if (o->direction == said->direction && o->metric == said->metric && same_list) {
            schema_remove(key, interface, i);
            return true;
        }
    }
    return edit_refuse(why, why_size, "interface '%s' has no such offset list", interface->name);
}

static bool change_offset(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_key *key = edit_schema(KEY("offset-lists"));
    struct config_interface *interface = edit_interface(edit, config, why, why_size);
    const struct command_arg *name = edit_arg(edit, &offset_name);
    if (interface == NULL)
        return false;
    struct config_rip_offset said = {.direction = says(edit, "out") ? CONFIG_OUT : CONFIG_IN,
                                     .metric = edit_arg(edit, &offset_number)->number};
    if (name != NULL && !schema_parse(schema_find(key->group, "prefix-list"), name->text, &said.list, why, why_size))
        return false;
    if (edit_undoes(edit)) {
        bool removed = remove_offset(interface, &said, why, why_size);
        schema_clear(key->group, &said);
        return removed;
    }
    struct config_rip_offset *offset = schema_append(key, interface);
    if (offset == NULL) {
        schema_clear(key->group, &said);
        return edit_refuse(why, why_size, "the system gave no memory");
    }
    *offset = said;
    return true;
}

static const struct command offset_name = {COMMAND_ANY, "NAME", "Only of what this prefix list permits",
                                           RUN(change_offset)};
static const struct command *const offset_names[] = {&offset_name, NULL};
static const struct command offset_number = {
    COMMAND_NUMBER, "(0-16)", "Added to the metric", .min = 0, .max = 16, .next = offset_names, RUN(change_offset)};
static const struct command *const offset_numbers[] = {&offset_number, NULL};
static const struct command offset_in = {COMMAND_WORD, "in", "Of what is learned", .next = offset_numbers};
static const struct command offset_out = {COMMAND_WORD, "out", "Of what is sent", .next = offset_numbers};
static const struct command *const offset_words[] = {&offset_in, &offset_out, NULL};
static const struct command offset = {COMMAND_WORD, "offset-list", "Add to the metric of some routes",
                                      .next = offset_words};

/* ---- summary-address ---- */

static bool change_summary(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_key *key = edit_schema(KEY("summaries"));
    struct config_interface *interface = edit_interface(edit, config, why, why_size);
    struct prefix prefix = edit->line.args[edit->line.n - 1].prefix;
    char text[PREFIX_TEXT];
    if (interface == NULL)
        return false;
    struct config_rip_interface *rip = &interface->rip;
    size_t i = 0;
    while (i < rip->n_summaries && !prefix_equal(rip->summaries[i].prefix, prefix))
        i++;
    if (edit_undoes(edit) && i == rip->n_summaries)
        return edit_refuse(why, why_size, "%s is no summary of interface '%s'", prefix_text(prefix, text),
                           interface->name);
    if (edit_undoes(edit)) {
        schema_remove(key, interface, i);
    } else if (i == rip->n_summaries) {
        struct config_rip_summary *summary = schema_append(key, interface);
        if (summary == NULL)
            return edit_refuse(why, why_size, "the system gave no memory");
        summary->prefix = prefix;
    }
    return true;
}

static const struct command summary_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "What is sent in their place",
                                              RUN(change_summary)};
static const struct command *const summary_words[] = {&summary_prefix, NULL};
static const struct command summary = {COMMAND_WORD, "summary-address", "Send one route in place of those in it",
                                       .next = summary_words};

/* ---- ip rip ---- */

static const struct command *const words[] = {
    &auth,    &auto_summary, &enable,  &filter_in, &filter_out, &metric_in, &metric_out,   &offset,
    &passive, &receive,      &sending, &split,     &summary,    &triggered, &v2_broadcast, NULL,
};
static const struct command *const words_no[] = {
    &auth_no, &auto_summary, &enable,     &filter_in_no, &filter_out_no, &metric_in_no, &metric_out_no, &offset,
    &passive, &receive_no,   &sending_no, &split,        &summary,       &triggered,    &v2_broadcast,  NULL,
};
const struct command command_ip_rip = {COMMAND_WORD, "rip", "RIP on the interface", .next = words};
const struct command command_ip_rip_no = {COMMAND_WORD, "rip", "RIP on the interface", .next = words_no};
