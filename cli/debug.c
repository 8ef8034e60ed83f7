/* debug: details as they happen, to the session that asks for them, by kind, interface and address, until it ends. */
#include <stdio.h>
#include <string.h>

#include "cli/session.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "forwarding/trace.h"

#define KIND(kind) (1u << DEBUG_##kind)
#define ALL        ((1u << DEBUG__COUNT) - 1)

static const struct {
    const char *words, *json;
} names[DEBUG__COUNT] = {
    [DEBUG_ARP] = {"arp", "arp"},
    [DEBUG_ICMP] = {"icmp", "icmp"},
    [DEBUG_IGMP] = {"igmp", "igmp"},
    [DEBUG_PACKET] = {"packet", "packet"},
    [DEBUG_RIP_EVENTS] = {"rip events", "ripEvents"},
    [DEBUG_RIP_PACKETS] = {"rip packets", "ripPackets"},
    [DEBUG_RIP_ROUTES] = {"rip routes", "ripRoutes"},
};

/* The last of them that was said decides. */
static const struct command debug_arp, debug_icmp, debug_igmp, debug_packet, debug_rip, rip_events, rip_packets,
    rip_routes;
static const struct command no_debug_all, no_debug_arp, no_debug_icmp, no_debug_igmp, no_debug_packet, no_debug_rip,
    no_rip_events, no_rip_packets, no_rip_routes;
static const struct {
    const struct command *command;
    unsigned kinds;
} asked[] = {
    {&debug_arp, KIND(ARP)},
    {&debug_icmp, KIND(ICMP)},
    {&debug_igmp, KIND(IGMP)},
    {&debug_packet, KIND(PACKET)},
    {&debug_rip, KIND(RIP_EVENTS) | KIND(RIP_PACKETS) | KIND(RIP_ROUTES)},
    {&rip_events, KIND(RIP_EVENTS)},
    {&rip_packets, KIND(RIP_PACKETS)},
    {&rip_routes, KIND(RIP_ROUTES)},
    {&no_debug_all, ALL},
    {&no_debug_arp, KIND(ARP)},
    {&no_debug_icmp, KIND(ICMP)},
    {&no_debug_igmp, KIND(IGMP)},
    {&no_debug_packet, KIND(PACKET)},
    {&no_debug_rip, KIND(RIP_EVENTS) | KIND(RIP_PACKETS) | KIND(RIP_ROUTES)},
    {&no_rip_events, KIND(RIP_EVENTS)},
    {&no_rip_packets, KIND(RIP_PACKETS)},
    {&no_rip_routes, KIND(RIP_ROUTES)},
};

static unsigned kinds_of(const struct job *job)
{
    unsigned kinds = 0;
    for (unsigned i = 0; i < sizeof asked / sizeof asked[0]; i++)
        if (job_arg(job, asked[i].command) != NULL)
            kinds = asked[i].kinds;
    return kinds;
}

static const struct command condition_if, condition_prefix;

static enum step switch_on(struct job *job)
{
    const struct command_arg *interface = job_arg(job, &condition_if), *prefix = job_arg(job, &condition_prefix);
    unsigned kinds = kinds_of(job);
    if (!job->session->debug[DEBUG_PACKET].on)
        job->session->packets_missed = trace_missed(job->router->dataplane);
    for (unsigned kind = 0; kind < DEBUG__COUNT; kind++) {
        struct session_debug *debug = &job->session->debug[kind];
        if ((kinds & 1u << kind) == 0)
            continue;
        *debug = (struct session_debug){.on = true, .has_prefix = prefix != NULL};
        if (prefix != NULL)
            debug->prefix = prefix->prefix;
        if (interface != NULL)
            snprintf(debug->interface, sizeof debug->interface, "%s", interface->text);
    }
    if (session_debug_changed(job->session->cli))
        return STEP_DONE;
    job->session->debug[DEBUG_PACKET].on = false;
    session_debug_changed(job->session->cli);
    if (job->router->dataplane->tables.watches < TRACE_WATCHES)
        return job_refuse(job, "the system gave no memory");
    return job_refuse(job, "%d sessions follow packets already: end one of them, see show users", TRACE_WATCHES);
}

static enum step switch_off(struct job *job)
{
    unsigned kinds = kinds_of(job);
    for (unsigned kind = 0; kind < DEBUG__COUNT; kind++)
        if ((kinds & 1u << kind) != 0)
            job->session->debug[kind].on = false;
    session_debug_changed(job->session->cli);
    return STEP_DONE;
}

static enum step show(struct job *job)
{
    bool any = false;
    if (job->line->json)
        json_begin_object(&job->json, NULL);
    for (unsigned kind = 0; kind < DEBUG__COUNT; kind++) {
        const struct session_debug *debug = &job->session->debug[kind];
        char prefix[PREFIX_TEXT] = "";
        if (!debug->on)
            continue;
        any = true;
        if (debug->has_prefix)
            prefix_text(debug->prefix, prefix);
        if (job->line->json)
            json_member(&job->json, names[kind].json,
                        json_pack("{s:s?, s:s?}", "interface", debug->interface[0] != '\0' ? debug->interface : NULL,
                                  "prefix", debug->has_prefix ? prefix : NULL));
        else
            job_print(job, "debug %s%s%s%s%s\n", names[kind].words, debug->interface[0] != '\0' ? " interface " : "",
                      debug->interface, debug->has_prefix ? " prefix " : "", prefix);
    }
    if (job->line->json)
        json_end(&job->json);
    else if (!any)
        job_print(job, "nothing is debugged by this session\n");
    return STEP_DONE;
}

static const struct command_run run_on = {.step = switch_on};
static const struct command_run run_off = {.step = switch_off};
static const struct command_run run_show = {.step = show};

/* ---- the tables ---- */

static const struct command interface_word, prefix_word;
static const struct command *const conditions[] = {&interface_word, &prefix_word, NULL};

static const struct command condition_if = {COMMAND_IF, "IF", "An interface", .next = conditions, .run = &run_on};
static const struct command *const interface_next[] = {&condition_if, NULL};
static const struct command interface_word = {COMMAND_WORD, "interface", "Only of one interface",
                                              .next = interface_next};

static const struct command condition_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "The addresses that it is about",
                                                .next = conditions, .run = &run_on};
static const struct command *const prefix_next[] = {&condition_prefix, NULL};
static const struct command prefix_word = {COMMAND_WORD, "prefix", "Only about some addresses", .next = prefix_next};

static const struct command debug_arp = {COMMAND_WORD, "arp", "ARP packets, heard and sent", .next = conditions,
                                         .run = &run_on};
static const struct command debug_icmp = {COMMAND_WORD, "icmp", "ICMP messages of the router, heard and sent",
                                          .next = conditions, .run = &run_on};
static const struct command debug_igmp = {COMMAND_WORD, "igmp", "IGMP: messages, queriers and groups",
                                          .next = conditions, .run = &run_on};
static const struct command debug_packet = {COMMAND_WORD, "packet",
                                            "Packets as they come in, a line each with what became of it",
                                            .next = conditions, .run = &run_on};
static const struct command rip_events = {COMMAND_WORD, "events", "Updates, neighbours and interfaces",
                                          .next = conditions, .run = &run_on};
static const struct command rip_packets = {COMMAND_WORD, "packets", "Messages, sent, received and refused",
                                           .next = conditions, .run = &run_on};
static const struct command rip_routes = {COMMAND_WORD, "routes", "Changes of routes", .next = conditions,
                                          .run = &run_on};
static const struct command *const rip_words[] = {&rip_events,     &rip_packets, &rip_routes,
                                                  &interface_word, &prefix_word, NULL};
static const struct command debug_rip = {COMMAND_WORD, "rip", "RIP: all of it, or one kind", .next = rip_words,
                                         .run = &run_on};
static const struct command *const words[] = {&debug_arp, &debug_icmp, &debug_igmp, &debug_packet, &debug_rip, NULL};
const struct command command_debug = {COMMAND_WORD, "debug", "Show here what happens, as it happens", .next = words};

static const struct command no_debug_all = {COMMAND_WORD, "all", "Everything", .run = &run_off};
static const struct command no_debug_arp = {COMMAND_WORD, "arp", "ARP packets", .run = &run_off};
static const struct command no_debug_icmp = {COMMAND_WORD, "icmp", "ICMP messages", .run = &run_off};
static const struct command no_debug_igmp = {COMMAND_WORD, "igmp", "IGMP", .run = &run_off};
static const struct command no_debug_packet = {COMMAND_WORD, "packet", "Packets", .run = &run_off};
static const struct command no_rip_events = {COMMAND_WORD, "events", "Updates, neighbours and interfaces",
                                             .run = &run_off};
static const struct command no_rip_packets = {COMMAND_WORD, "packets", "Messages", .run = &run_off};
static const struct command no_rip_routes = {COMMAND_WORD, "routes", "Changes of routes", .run = &run_off};
static const struct command *const no_rip_words[] = {&no_rip_events, &no_rip_packets, &no_rip_routes, NULL};
static const struct command no_debug_rip = {COMMAND_WORD, "rip", "RIP: all of it, or one kind", .next = no_rip_words,
                                            .run = &run_off};
static const struct command *const no_words[] = {
    &no_debug_all, &no_debug_arp, &no_debug_icmp, &no_debug_igmp, &no_debug_packet, &no_debug_rip, NULL};
const struct command command_no_debug = {COMMAND_WORD, "debug", "Show no more of it", .next = no_words};
const struct command command_undebug = {COMMAND_WORD, "undebug", "As no debug", .next = no_words};

const struct command command_show_debugging = {COMMAND_WORD, "debugging", "What this session debugs", COMMAND_SHOW,
                                               .run = &run_show};
