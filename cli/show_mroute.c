/* show ip mroute and clear ip mroute: where each stream goes, or why it goes nowhere. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/job.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "forwarding/multicast.h"

struct walk {
    struct multicast_view view; /* the last one, from which the next follows */
    uint32_t group;             /* JSON: whose object is open; 0: none */
};

static const struct command only_group, cleared_group, cleared_source;

static uint32_t wanted_group(const struct job *job)
{
    const struct command_arg *arg = job_arg(job, &only_group);
    return arg == NULL ? 0 : arg->addr;
}

/* ---- text ---- */

static void print_stream(struct job *job, const struct multicast_view *v)
{
    char source[ADDR_TEXT], group[ADDR_TEXT], age[TEXT_SHORT], size[TEXT_SHORT], upstream[ADDR_TEXT];
    char packets[TEXT_SHORT], bits[TEXT_SHORT];
    job_print(job, "(%s, %s)  in %s", addr_text(v->src, source), addr_text(v->group, group),
              v->in == PORT_NONE ? "none" : job_port_name(job, v->in));
    if (v->upstream != v->src)
        job_print(job, " via %s", addr_text(v->upstream, upstream));
    job_print(job, ", up %s, idle %" PRIu64 " s\n", text_duration(v->age_ns / NS_PER_S, age), v->idle_ns / NS_PER_S);
    job_print(job, "  %" PRIu64 " packets, %s", v->packets, text_size(v->bytes, size));
    if (v->rate_ns > 0)
        job_print(job, ", %s, %s over %" PRIu64 " s", text_rate(v->rate_packets, "packet/s", packets),
                  text_rate(v->rate_bits, "bit/s", bits), v->rate_ns / NS_PER_S);
    if (v->wrong_port > 0)
        job_print(job, ", %" PRIu64 " by a wrong interface", v->wrong_port);
    if (v->low_ttl > 0)
        job_print(job, ", %" PRIu64 " with too little TTL", v->low_ttl);
    if (v->lost > 0)
        job_print(job, ", %" PRIu64 " copies lost", v->lost);
    if (v->why != DROP__COUNT)
        job_print(job, "\n  goes nowhere: %s\n", drop_meaning[v->why]);
    else
        job_print(job, "\n  out");
    for (unsigned port = 0; v->why == DROP__COUNT && port < PORT_MAX; port++)
        if (port_set_has(&v->out, port))
            job_print(job, " %s", job_port_name(job, port));
    if (v->why == DROP__COUNT)
        job_print(job, v->ttl_least > 1 ? ", a TTL above %u is needed\n" : "\n", v->ttl_least);
}

/* ---- JSON ---- */

static json_t *stream_json(const struct job *job, const struct multicast_view *v)
{
    char age[TEXT_SHORT];
    json_t *oil = json_object();
    for (unsigned port = 0; port < PORT_MAX; port++)
        if (port_set_has(&v->out, port))
            json_object_set_new(oil, job_port_name(job, port), json_object());
    json_t *rate = v->rate_ns == 0
                       ? json_null()
                       : json_pack("{s:o, s:o, s:o}", "seconds", json_count(v->rate_ns / NS_PER_S), "packets",
                                   json_count(v->rate_packets), "bits", json_count(v->rate_bits));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}", "iif",
                     v->in == PORT_NONE ? json_null() : json_text(job_port_name(job, v->in)), "upstream",
                     json_addr(v->upstream), "oil", oil, "packets", json_count(v->packets), "bytes",
                     json_count(v->bytes), "rate", rate, "upTime", text_duration(v->age_ns / NS_PER_S, age), "idle",
                     json_count(v->idle_ns / NS_PER_S), "wrongInterface", json_count(v->wrong_port), "lowTtl",
                     json_count(v->low_ttl), "lost", json_count(v->lost), "why",
                     v->why == DROP__COUNT ? json_null() : json_string(drop_name[v->why]));
}

static void add_stream(struct job *job, struct walk *walk)
{
    const struct multicast_view *v = &walk->view;
    char text[ADDR_TEXT];
    if (walk->group != v->group) {
        if (walk->group != 0)
            json_end(&job->json);
        json_begin_object(&job->json, addr_text(v->group, text));
        walk->group = v->group;
    }
    json_member(&job->json, addr_text(v->src, text), stream_json(job, v));
}

/* ---- the walk ---- */

static enum step finish(struct job *job, const struct walk *walk)
{
    for (unsigned open = walk->group != 0 ? 2 : 1; job->line->json && open > 0; open--)
        json_end(&job->json);
    return STEP_DONE;
}

static enum step show_mroute(struct job *job)
{
    struct walk *walk = job->state;
    uint32_t only = wanted_group(job);
    if (job_first(job) && only != 0)
        walk->view.group = only; /* source 0 comes before all of it */
    if (job_first(job) && job->line->json)
        json_begin_object(&job->json, NULL);
    else if (job_first(job) && !job->router->running(job->router->context)->multicast.enabled)
        job_print(job, "multicast is not forwarded: \"multicast enable\" in configuration mode begins it\n");
    for (unsigned i = 0; i < JOB_ROWS; i++) {
        bool more = multicast_next(job->router->dataplane, &walk->view, job_now(job));
        if (!more || (only != 0 && walk->view.group != only))
            return finish(job, walk);
        if (job->line->json)
            add_stream(job, walk);
        else
            print_stream(job, &walk->view);
    }
    return STEP_MORE;
}

static const struct command_run run = {.state_size = sizeof(struct walk), .step = show_mroute};
static const struct command only_group = {COMMAND_ADDR, "A.B.C.D", "Streams to one group", COMMAND_SHOW, .run = &run};
static const struct command *const words[] = {&only_group, NULL};
const struct command command_show_ip_mroute = {COMMAND_WORD, "mroute",      "Streams and where they go",
                                               COMMAND_SHOW, .next = words, .run = &run};

/* ---- clear ip mroute ---- */

static enum step clear_mroute(struct job *job)
{
    const struct command_arg *group = job_arg(job, &cleared_group), *source = job_arg(job, &cleared_source);
    if (group != NULL && !addr_is_multicast(group->addr))
        return job_refuse(job, "%s is no multicast group", group->text);
    multicast_clear(job->router->dataplane, source == NULL ? 0 : source->addr, group == NULL ? 0 : group->addr);
    return STEP_DONE;
}

static const struct command_run run_clear = {.step = clear_mroute};
static const struct command cleared_source = {COMMAND_ADDR, "A.B.C.D", "From one source", .run = &run_clear};
static const struct command *const source_words[] = {&cleared_source, NULL};
static const struct command cleared_group = {COMMAND_ADDR, "A.B.C.D", "Streams to one group", .next = source_words,
                                             .run = &run_clear};
static const struct command *const clear_words[] = {&cleared_group, NULL};
const struct command command_clear_ip_mroute = {COMMAND_WORD, "mroute", "Forget streams; their next packets make new",
                                                .next = clear_words, .run = &run_clear};
