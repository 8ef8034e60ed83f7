/* debug: details as they happen, to the session that asks for them, by kind, interface and address, until it ends. */
#include <stdio.h>
#include <string.h>

#include "cli/session.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "forwarding/trace.h"

/* As what somebody asks for them. */
static const struct command debug_arp, debug_icmp, debug_packet, debug_rip, no_debug_arp, no_debug_icmp,
    no_debug_packet, no_debug_rip;
static const struct {
    const struct command *on, *off;
} kinds[DEBUG__COUNT] = {
    [DEBUG_ARP] = {&debug_arp, &no_debug_arp},
    [DEBUG_ICMP] = {&debug_icmp, &no_debug_icmp},
    [DEBUG_PACKET] = {&debug_packet, &no_debug_packet},
    [DEBUG_RIP] = {&debug_rip, &no_debug_rip},
};

static const struct command condition_if, condition_prefix, no_debug_all;

static enum step switch_on(struct job *job)
{
    const struct command_arg *interface = job_arg(job, &condition_if), *prefix = job_arg(job, &condition_prefix);
    for (unsigned kind = 0; kind < DEBUG__COUNT; kind++) {
        struct session_debug *debug = &job->session->debug[kind];
        if (job_arg(job, kinds[kind].on) == NULL)
            continue;
        *debug = (struct session_debug){.on = true, .has_prefix = prefix != NULL};
        if (prefix != NULL)
            debug->prefix = prefix->prefix;
        if (interface != NULL)
            snprintf(debug->interface, sizeof debug->interface, "%s", interface->text);
    }
    job->session->packets_missed = trace_missed(job->router->dataplane);
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
    for (unsigned kind = 0; kind < DEBUG__COUNT; kind++)
        if (job_arg(job, kinds[kind].off) != NULL || job_arg(job, &no_debug_all) != NULL)
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
            json_member(&job->json, kinds[kind].on->word,
                        json_pack("{s:s?, s:s?}", "interface", debug->interface[0] != '\0' ? debug->interface : NULL,
                                  "prefix", debug->has_prefix ? prefix : NULL));
        else
            job_print(job, "debug %s%s%s%s%s\n", kinds[kind].on->word, debug->interface[0] != '\0' ? " interface " : "",
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
static const struct command debug_igmp = {COMMAND_WORD, "igmp", "IGMP", COMMAND_HIDDEN,
                                          .refusal = "debug igmp is not supported yet"};
static const struct command debug_packet = {COMMAND_WORD, "packet",
                                            "Packets as they come in, a line each with what became of it",
                                            .next = conditions, .run = &run_on};
static const struct command debug_rip = {COMMAND_WORD, "rip", "RIP messages, refusals and changes of routes",
                                         .next = conditions, .run = &run_on};
static const struct command *const words[] = {&debug_arp, &debug_icmp, &debug_igmp, &debug_packet, &debug_rip, NULL};
const struct command command_debug = {COMMAND_WORD, "debug", "Show here what happens, as it happens", .next = words};

static const struct command no_debug_all = {COMMAND_WORD, "all", "Everything", .run = &run_off};
static const struct command no_debug_arp = {COMMAND_WORD, "arp", "ARP packets", .run = &run_off};
static const struct command no_debug_icmp = {COMMAND_WORD, "icmp", "ICMP messages", .run = &run_off};
static const struct command no_debug_packet = {COMMAND_WORD, "packet", "Packets", .run = &run_off};
static const struct command no_debug_rip = {COMMAND_WORD, "rip", "RIP", .run = &run_off};
static const struct command *const no_words[] = {&no_debug_all,    &no_debug_arp, &no_debug_icmp,
                                                 &no_debug_packet, &no_debug_rip, NULL};
const struct command command_no_debug = {COMMAND_WORD, "debug", "Show no more of it", .next = no_words};
const struct command command_undebug = {COMMAND_WORD, "undebug", "As no debug", .next = no_words};

const struct command command_show_debugging = {COMMAND_WORD, "debugging", "What this session debugs", COMMAND_SHOW,
                                               .run = &run_show};
