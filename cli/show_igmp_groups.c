/* show ip igmp groups [detail], and clear ip igmp groups. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/show_igmp.h"
#include "cli/text.h"
#include "cli/tree.h"

#define HOST_SOURCES_SHOWN 8

struct walk {
    struct igmp_group_cursor cursor;
    bool in_interface; /* JSON: the object of one is open */
    uint16_t port;
};

static const struct command detail, clear_if, clear_group;

static const struct text_column columns[] = {{"Interface", 15, false}, {"Group", 15, false}, {"Mode", 7, false},
                                             {"Timer", 8, true},       {"Srcs", 4, true},    {"V", 1, true},
                                             {"Uptime", 8, true}};
#define COLUMNS (sizeof columns / sizeof columns[0])

static const char *mode_of(bool exclude)
{
    return exclude ? "EXCLUDE" : "INCLUDE";
}

static uint64_t seconds_since(const struct job *job, uint64_t ns)
{
    uint64_t now_ns = job_now(job).ns;
    return now_ns > ns ? (now_ns - ns) / NS_PER_S : 0;
}

/* ---- text ---- */

static void print_hosts(struct job *job, const struct igmp *igmp, const struct igmp_group_view *group)
{
    struct igmp_host_view view;
    char address[ADDR_TEXT], timer[SHOW_TIMER];
    for (uint32_t host = 0; igmp_next_host(igmp, group->port, group->group, &host, &view, job_now(job));) {
        job_print(job, "    host %-15s %s, %s left", addr_text(view.host, address), mode_of(view.exclude),
                  show_timer(view.left_ns, timer));
        for (unsigned i = 0; i < view.n_sources && i < HOST_SOURCES_SHOWN; i++)
            job_print(job, " %s", addr_text(view.sources[i], address));
        job_print(job, view.n_sources > HOST_SOURCES_SHOWN ? " ...\n" : "\n");
    }
}

static void print_detail(struct job *job, const struct igmp *igmp, const struct igmp_group_view *group)
{
    struct igmp_source_view view;
    char address[ADDR_TEXT], timer[SHOW_TIMER];
    for (uint32_t source = 0; igmp_next_source(igmp, group->port, group->group, &source, &view, job_now(job));)
        job_print(job, "    source %-15s %s, %s left%s\n", addr_text(view.source, address),
                  view.forwarded ? "forwarded" : "blocked", show_timer(view.left_ns, timer),
                  view.is_static ? ", static" : "");
    if (group->last_reporter != 0)
        job_print(job, "    last reporter %s%s\n", addr_text(group->last_reporter, address),
                  group->leaving ? "; hosts are being asked whether they still listen" : "");
    print_hosts(job, igmp, group);
}

static void print_group(struct job *job, const struct igmp *igmp, const struct igmp_group_view *view)
{
    char group[ADDR_TEXT], timer[SHOW_TIMER], sources[16], version[8], since[TEXT_SHORT], line[TEXT_ROW];
    snprintf(sources, sizeof sources, "%u", view->n_sources);
    snprintf(version, sizeof version, "%u", view->version);
    const char *cells[] = {job_port_name(job, view->port),
                           addr_text(view->group, group),
                           mode_of(view->exclude),
                           view->is_static ? "static" : show_timer(view->left_ns, timer),
                           sources,
                           version,
                           text_duration(seconds_since(job, view->since_ns), since)};
    job_print(job, "%s", text_row(columns, COLUMNS, cells, line));
    if (job_arg(job, &detail) != NULL)
        print_detail(job, igmp, view);
}

/* ---- JSON ---- */

static json_t *sources_json(const struct job *job, const struct igmp *igmp, const struct igmp_group_view *group)
{
    struct igmp_source_view view;
    char timer[SHOW_TIMER];
    json_t *sources = json_array();
    for (uint32_t source = 0; igmp_next_source(igmp, group->port, group->group, &source, &view, job_now(job));)
        json_array_append_new(sources, json_pack("{s:o, s:s, s:b, s:b}", "source", json_addr(view.source), "timer",
                                                 show_timer(view.left_ns, timer), "forwarded", (int)view.forwarded,
                                                 "static", (int)view.is_static));
    return sources;
}

static json_t *hosts_json(const struct job *job, const struct igmp *igmp, const struct igmp_group_view *group)
{
    struct igmp_host_view view;
    char timer[SHOW_TIMER];
    json_t *hosts = json_array();
    for (uint32_t host = 0; igmp_next_host(igmp, group->port, group->group, &host, &view, job_now(job));) {
        json_t *sources = json_array();
        for (unsigned i = 0; i < view.n_sources; i++)
            json_array_append_new(sources, json_addr(view.sources[i]));
        json_array_append_new(hosts, json_pack("{s:o, s:s, s:s, s:o}", "host", json_addr(view.host), "mode",
                                               mode_of(view.exclude), "timer", show_timer(view.left_ns, timer),
                                               "sources", sources));
    }
    return hosts;
}

static json_t *group_json(const struct job *job, const struct igmp *igmp, const struct igmp_group_view *view)
{
    char timer[SHOW_TIMER], since[TEXT_SHORT];
    json_t *o = json_pack("{s:o, s:s, s:s, s:i, s:s, s:b, s:b, s:i, s:b, s:o}", "group", json_addr(view->group), "mode",
                          mode_of(view->exclude), "timer", show_timer(view->left_ns, timer), "version",
                          (int)view->version, "uptime", text_duration(seconds_since(job, view->since_ns), since),
                          "static", (int)view->is_static, "leaving", (int)view->leaving, "hosts", (int)view->hosts,
                          "tracked", (int)view->tracked, "sources", sources_json(job, igmp, view));
    if (job_arg(job, &detail) != NULL)
        json_object_set_new(o, "trackedHosts", hosts_json(job, igmp, view));
    return o;
}

/* An object by interface, each with its groups. */
static void add_group(struct job *job, struct walk *walk, const struct igmp *igmp, const struct igmp_group_view *view)
{
    if (walk->in_interface && walk->port != view->port) {
        json_end(&job->json);
        json_end(&job->json);
        walk->in_interface = false;
    }
    if (!walk->in_interface) {
        json_begin_object(&job->json, job_port_name(job, view->port));
        json_begin_array(&job->json, "groups");
        walk->in_interface = true;
        walk->port = view->port;
    }
    json_member(&job->json, NULL, group_json(job, igmp, view));
}

/* ---- the walk ---- */

static enum step finish(struct job *job, const struct walk *walk)
{
    for (unsigned open = walk->in_interface ? 3 : 1; job->line->json && open > 0; open--)
        json_end(&job->json);
    return STEP_DONE;
}

static enum step show_groups(struct job *job)
{
    struct walk *walk = job->state;
    const struct igmp *igmp = show_igmp_of(job);
    struct igmp_group_view view;
    char line[TEXT_ROW];
    if (job_first(job) && igmp == NULL)
        show_igmp_nothing(job);
    if (job_first(job) && job->line->json)
        json_begin_object(&job->json, NULL);
    else if (job_first(job) && igmp != NULL)
        job_print(job, "%s", text_row(columns, COLUMNS, NULL, line));
    for (unsigned i = 0; i < JOB_ROWS; i++) {
        if (igmp == NULL || !igmp_next_group(igmp, &walk->cursor, &view, job_now(job)))
            return finish(job, walk);
        if (job->line->json)
            add_group(job, walk, igmp, &view);
        else
            print_group(job, igmp, &view);
    }
    return STEP_MORE;
}

static const struct command_run run = {.state_size = sizeof(struct walk), .step = show_groups};
static const struct command detail = {COMMAND_WORD, "detail", "With their sources and hosts", COMMAND_SHOW,
                                      .run = &run};
static const struct command *const words[] = {&detail, NULL};
const struct command command_show_ip_igmp_groups = {COMMAND_WORD, "groups",      "Groups that hosts listen to",
                                                    COMMAND_SHOW, .next = words, .run = &run};

/* ---- clear ip igmp groups ---- */

static enum step clear_groups(struct job *job)
{
    const struct command_arg *name = job_arg(job, &clear_if), *group = job_arg(job, &clear_group);
    struct cli_link link = {.port = PORT_NONE};
    struct igmp *igmp = show_igmp_of(job);
    if (igmp == NULL)
        return job_refuse(job, "IGMP does not run: \"ip igmp enable\" in an interface's mode begins it");
    if (name != NULL && (!job_link(job, name->text, &link) || link.port == PORT_NONE))
        return job_refuse(job, "%s has no groups: there is no device of that name", name->text);
    if (group != NULL && !addr_is_multicast(group->addr))
        return job_refuse(job, "%s is no multicast group", group->text);
    igmp_clear(igmp, link.port, group == NULL ? 0 : group->addr, job_now(job));
    return STEP_DONE;
}

static enum step clear_counters(struct job *job)
{
    struct igmp *igmp = show_igmp_of(job);
    if (igmp == NULL)
        return job_refuse(job, "IGMP does not run: \"ip igmp enable\" in an interface's mode begins it");
    igmp_clear_counters(igmp);
    return STEP_DONE;
}

static const struct command_run run_clear = {.step = clear_groups};
static const struct command_run run_clear_counters = {.step = clear_counters};
static const struct command clear_group = {COMMAND_ADDR, "A.B.C.D", "One group", .run = &run_clear};
static const struct command *const clear_group_words[] = {&clear_group, NULL};
static const struct command clear_if = {COMMAND_IF, "IF", "Those of one interface", .next = clear_group_words,
                                        .run = &run_clear};
static const struct command *const groups_words[] = {&clear_group, &clear_if, NULL};
static const struct command groups = {COMMAND_WORD, "groups", "Forget groups, and ask again", .next = groups_words,
                                      .run = &run_clear};
static const struct command counters = {COMMAND_WORD, "counters", "The counters only", .run = &run_clear_counters};
static const struct command *const clear_words[] = {&counters, &groups, NULL};
const struct command command_clear_ip_igmp = {COMMAND_WORD, "igmp", "Groups and counters of IGMP", .next = clear_words};
