/* router rip and its mode. `network` and `passive-interface` change the interfaces' own rip groups: what is enabled is
 * written where it holds, and nothing of it is in two places. */
#include <string.h>

#include "cli/configure.h"
#include "cli/draft.h"
#include "cli/session.h"
#include "cli/tree.h"

/* ---- router rip, no router rip ---- */

static bool change_rip(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_group *group = edit_schema("rip")->group;
    if (!edit_undoes(edit)) {
        config->rip.enabled = true;
        return true;
    }
    schema_clear(group, config);
    if (!schema_init(group, config))
        return edit_refuse(why, why_size, "the system gave no memory");
    return true;
}

static enum step enter_rip(struct job *job)
{
    const struct draft *draft = job->session->draft;
    const struct config *config = draft != NULL ? draft_config(draft) : job->router->running(job->router->context);
    const struct ask *ask = job->state;
    if (ask->asked || !config->rip.enabled) {
        enum step step = edit_step(job);
        if (step != STEP_DONE)
            return step;
    }
    job_enter(job, &mode_rip, "");
    return STEP_DONE;
}

static const struct command_run run_enter = {
    .state_size = sizeof(struct ask), .step = enter_rip, .end = edit_end, .hears_interrupt = true};
static const struct command rip = {COMMAND_WORD, "rip", "Speak RIP", .run = &run_enter, .edit = EDIT(change_rip)};
static const struct command rip_no = {COMMAND_WORD, "rip", "Speak RIP no more, and forget its settings",
                                      .run = &edit_run, .edit = EDIT(change_rip)};
static const struct command *const router_words[] = {&rip, NULL};
static const struct command *const router_words_no[] = {&rip_no, NULL};
const struct command command_router = {COMMAND_WORD, "router", "Routing protocols", .next = router_words};
const struct command command_router_no = {COMMAND_WORD, "router", "Routing protocols", .next = router_words_no};

/* ---- one key each ---- */

NUMBER_KEY(version, "rip.version", "version", "What interfaces send that say nothing else", 1, 2);
NUMBER_KEY(default_metric, "rip.default-metric", "default-metric", "Of redistributed routes", 1, 15);
NUMBER_KEY(maximum_paths, "rip.ecmp", "maximum-paths", "Equal-cost next hops kept a route", 1, 16);
NUMBER_KEY(route_limit, "rip.route-limit", "route-limit", "Routes of one neighbour, 0 is no limit", 0, 1000000);
NUMBER_KEY(table_limit, "rip.table-limit", "table-limit", "Routes of all neighbours", 1, 1000000);
KEY_WORD(originate, "rip.default-information", "originate", "Offer 0.0.0.0/0");
static const struct command *const default_words[] = {&originate, NULL};
static const struct command default_information = {COMMAND_WORD, "default-information", "The default route",
                                                   .next = default_words};

/* ---- distance ---- */

static const struct command distance_number, distance_prefix, distance_list;

static bool change_distance(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_key *key = edit_schema("rip.distances");
    struct prefix source = edit_arg(edit, &distance_prefix)->prefix;
    const struct command_arg *list = edit_arg(edit, &distance_list);
    char text[PREFIX_TEXT];
    size_t i = 0;
    while (i < config->rip.n_distances && !prefix_equal(config->rip.distances[i].source, source))
        i++;
    bool there = i < config->rip.n_distances;
    if (edit_undoes(edit)) {
        if (!there)
            return edit_refuse(why, why_size, "there is no distance of %s", prefix_text(source, text));
        schema_remove(key, config, i);
        return true;
    }
    struct config_distance said = {.source = source, .distance = edit_arg(edit, &distance_number)->number};
    if (list != NULL && !schema_parse(schema_find(key->group, "prefix-list"), list->text, &said.list, why, why_size))
        return false;
    if (!there && schema_append(key, config) == NULL) {
        schema_clear(key->group, &said);
        return edit_refuse(why, why_size, "the system gave no memory");
    }
    schema_clear(key->group, &config->rip.distances[i]);
    config->rip.distances[i] = said;
    return true;
}

#define RUN(function) .run = &edit_run, .edit = EDIT(function)

static const struct command distance_list = {COMMAND_ANY, "NAME", "Only of what this prefix list permits",
                                             RUN(change_distance)};
static const struct command *const distance_lists[] = {&distance_list, NULL};
static const struct command distance_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "Of routes from these neighbours",
                                               .next = distance_lists, RUN(change_distance)};
static const struct command *const distance_prefixes[] = {&distance_prefix, NULL};
static const struct command distance_number = {COMMAND_NUMBER,
                                               "(1-255)",
                                               "The lowest wins, 255 is never used",
                                               .min = 1,
                                               .max = 255,
                                               .next = distance_prefixes,
                                               .run = &edit_run,
                                               .edit = EDIT_KEY("rip.distance")};
static const struct command *const distance_numbers[] = {&distance_number, NULL};
static const struct command distance = {COMMAND_WORD, "distance", "Beside the routes of others",
                                        .next = distance_numbers};
static const struct command distance_no = {COMMAND_WORD,
                                           "distance",
                                           "Beside the routes of others",
                                           .next = distance_numbers,
                                           .run = &edit_run,
                                           .edit = EDIT_KEY("rip.distance")};

/* ---- timers ---- */

static const struct command timer_update, timer_timeout, timer_garbage;

static bool change_timers(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    static const char *const paths[] = {"rip.timers.update", "rip.timers.timeout", "rip.timers.garbage"};
    const struct command *const said[] = {&timer_update, &timer_timeout, &timer_garbage};
    for (unsigned i = 0; i < 3; i++) {
        const struct schema_key *key = edit_schema(paths[i]);
        bool good = edit_undoes(edit) ? schema_reset(key, config)
                                      : schema_set_integer(key, edit_arg(edit, said[i])->number,
                                                           schema_at(key, config, 0), why, why_size);
        if (!good)
            return false;
    }
    return true;
}

static const struct command timer_garbage = {COMMAND_NUMBER, "(1-86400)",  "That a lost route is still told of",
                                             .min = 1,       .max = 86400, RUN(change_timers)};
static const struct command *const garbages[] = {&timer_garbage, NULL};
static const struct command timer_timeout = {COMMAND_NUMBER, "(1-86400)",  "Until a silent route is lost",
                                             .min = 1,       .max = 86400, .next = garbages};
static const struct command *const timeouts[] = {&timer_timeout, NULL};
static const struct command timer_update = {COMMAND_NUMBER, "(1-86400)",  "Between two updates",
                                            .min = 1,       .max = 86400, .next = timeouts};
static const struct command *const updates[] = {&timer_update, NULL};
static const struct command basic = {COMMAND_WORD, "basic", "Update, timeout and garbage collection, seconds",
                                     .next = updates};
static const struct command basic_no = {COMMAND_WORD, "basic", "30, 180 and 120 seconds", .next = updates,
                                        RUN(change_timers)};
NUMBER_KEY(hold_down, "rip.timers.hold-down", "hold-down", "Nothing worse replaces a lost route, seconds", 0, 86400);
static const struct command *const timer_words[] = {&basic, &hold_down, NULL};
static const struct command *const timer_words_no[] = {&basic_no, &hold_down_no, NULL};
static const struct command timers = {COMMAND_WORD, "timers", "How often, and how long", .next = timer_words};
static const struct command timers_no = {COMMAND_WORD, "timers", "How often, and how long", .next = timer_words_no};

/* ---- redistribute ---- */

static const struct command of_connected, of_static, redistribute_metric, redistribute_tag, redistribute_list;

static bool change_redistribution(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_key *key = edit_schema("rip.redistribute");
    int64_t protocol = edit_arg(edit, &of_connected) != NULL ? 0 : 1;
    const struct command_arg *metric = edit_arg(edit, &redistribute_metric), *tag = edit_arg(edit, &redistribute_tag),
                             *list = edit_arg(edit, &redistribute_list);
    size_t i = 0;
    while (i < config->rip.n_redistribute && config->rip.redistribute[i].protocol != protocol)
        i++;
    bool there = i < config->rip.n_redistribute;
    if (edit_undoes(edit)) {
        if (!there)
            return edit_refuse(why, why_size, "%s routes are not redistributed", schema_redistributed[protocol]);
        schema_remove(key, config, i);
        return true;
    }
    struct config_redistribute said = {
        .protocol = protocol, .metric = metric == NULL ? 0 : metric->number, .tag = tag == NULL ? 0 : tag->number};
    if (list != NULL && !schema_parse(schema_find(key->group, "prefix-list"), list->text, &said.list, why, why_size))
        return false;
    if (!there && schema_append(key, config) == NULL) {
        schema_clear(key->group, &said);
        return edit_refuse(why, why_size, "the system gave no memory");
    }
    schema_clear(key->group, &config->rip.redistribute[i]);
    config->rip.redistribute[i] = said;
    return true;
}

static const struct command metric_word, tag_word, list_word;
static const struct command *const options[] = {&metric_word, &list_word, &tag_word, NULL};
static const struct command redistribute_metric = {COMMAND_NUMBER, "(1-15)",        "As it is sent",           .min = 1,
                                                   .max = 15,      .next = options, RUN(change_redistribution)};
static const struct command redistribute_tag = {
    COMMAND_NUMBER, "(0-65535)", "The tag", .min = 0, .max = 65535, .next = options, RUN(change_redistribution)};
static const struct command redistribute_list = {COMMAND_ANY, "NAME", "The list", .next = options,
                                                 RUN(change_redistribution)};
static const struct command *const metrics[] = {&redistribute_metric, NULL};
static const struct command *const tags[] = {&redistribute_tag, NULL};
static const struct command *const lists[] = {&redistribute_list, NULL};
static const struct command metric_word = {COMMAND_WORD, "metric", "With this metric", .next = metrics};
static const struct command tag_word = {COMMAND_WORD, "tag", "With this tag", .next = tags};
static const struct command list_word = {COMMAND_WORD, "prefix-list", "Only what a prefix list permits", .next = lists};
static const struct command of_connected = {COMMAND_WORD, "connected", "Attached networks", .next = options,
                                            RUN(change_redistribution)};
static const struct command of_static = {COMMAND_WORD, "static", "Routes of the configuration", .next = options,
                                         RUN(change_redistribution)};
static const struct command *const protocols[] = {&of_connected, &of_static, NULL};
static const struct command redistribute = {COMMAND_WORD, "redistribute", "Offer routes of others", .next = protocols};

/* ---- neighbor ---- */

static bool change_neighbor(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_key *key = edit_schema("rip.neighbors");
    const struct command_arg *said = &edit->line.args[edit->line.n - 1];
    size_t i = 0;
    while (i < config->rip.n_neighbors && config->rip.neighbors[i].address != said->addr)
        i++;
    if (edit_undoes(edit)) {
        if (i == config->rip.n_neighbors)
            return edit_refuse(why, why_size, "%s is no neighbor", said->text);
        schema_remove(key, config, i);
    } else if (i == config->rip.n_neighbors) {
        struct config_neighbor *neighbor = schema_append(key, config);
        if (neighbor == NULL)
            return edit_refuse(why, why_size, "the system gave no memory");
        neighbor->address = said->addr;
    }
    return true;
}

static const struct command neighbor_address = {COMMAND_ADDR, "A.B.C.D", "Its address", RUN(change_neighbor),
                                                .values = COMMAND_VALUES_NEIGHBOURS};
static const struct command *const neighbor_words[] = {&neighbor_address, NULL};
static const struct command neighbor = {COMMAND_WORD, "neighbor", "Send to this router by unicast",
                                        .next = neighbor_words};

/* ---- network, passive-interface ---- */

static const struct command network_interface, network_prefix, passive_interface;

static bool has_address_in(const struct config_interface *interface, struct prefix prefix)
{
    for (size_t i = 0; i < interface->n_addresses; i++)
        if (prefix_holds(prefix, interface->addresses[i].prefix.addr))
            return true;
    return false;
}

static bool change_network(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct command_arg *name = edit_arg(edit, &network_interface), *prefix = edit_arg(edit, &network_prefix);
    bool any = false;
    for (size_t i = 0; i < config->n_interfaces; i++) {
        struct config_interface *interface = &config->interfaces[i];
        bool meant =
            name != NULL ? strcmp(interface->name, name->text) == 0 : has_address_in(interface, prefix->prefix);
        if (meant)
            interface->rip.enabled = !edit_undoes(edit);
        any = any || meant;
    }
    if (any)
        return true;
    return edit_refuse(why, why_size, "no interface has an address in %s", prefix == NULL ? "it" : prefix->text);
}

static bool change_passive(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const char *name = edit->line.args[edit->line.n - 1].text;
    for (size_t i = 0; i < config->n_interfaces; i++)
        if (strcmp(config->interfaces[i].name, name) == 0) {
            config->interfaces[i].rip.passive = !edit_undoes(edit);
            return true;
        }
    return edit_refuse(why, why_size, "interface '%s' is not configured", name);
}

static const struct command network_interface = {COMMAND_IF, "IF", "This interface", RUN(change_network)};
static const struct command network_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "Interfaces that have an address in it now",
                                              RUN(change_network)};
static const struct command *const network_words[] = {&network_interface, &network_prefix, NULL};
static const struct command network = {COMMAND_WORD, "network", "Speak RIP on interfaces", .next = network_words};
static const struct command passive_interface = {COMMAND_IF, "IF", "This interface", RUN(change_passive)};
static const struct command *const passive_words[] = {&passive_interface, NULL};
static const struct command passive = {COMMAND_WORD, "passive-interface", "Only listen there", .next = passive_words};

/* ---- the mode ---- */

static const struct command *const no_words[] = {
    &default_information, &default_metric_no, &distance_no,    &maximum_paths_no, &neighbor,   &network, &passive,
    &redistribute,        &route_limit_no,    &table_limit_no, &timers_no,        &version_no, NULL,
};
static const struct command no = {COMMAND_WORD, "no", "Undo a command", .next = no_words};
static const struct command *const words[] = {
    &default_information,
    &default_metric,
    &distance,
    &command_do,
    &command_end,
    &command_exit,
    &maximum_paths,
    &neighbor,
    &network,
    &no,
    &passive,
    &command_quit,
    &redistribute,
    &route_limit,
    &command_show,
    &table_limit,
    &timers,
    &version,
    NULL,
};
const struct mode mode_rip = {.name = "config-rip", .about = "router rip", .root = words, .parent = &mode_config};
