/* interface IF and the commands of its mode. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/configure.h"
#include "cli/draft.h"
#include "cli/session.h"
#include "cli/tree.h"

static const struct schema_key *list_key(void)
{
    return edit_schema("interfaces");
}

/* ---- interface IF, no interface IF ---- */

/* lo0, lo1, ..., Loopback0, ...: no device has such a name, so nobody wants a port of it. */
static bool names_loopback(const char *name)
{
    size_t letters = strncasecmp(name, "loopback", 8) == 0 ? 8 : strncmp(name, "lo", 2) == 0 ? 2 : strlen(name);
    return name[letters] != '\0' && strspn(name + letters, "0123456789") == strlen(name + letters);
}

static bool add_interface(struct config *config, const char *name, char *why, size_t why_size)
{
    struct config_interface *interface = schema_append(list_key(), config);
    if (interface == NULL)
        return edit_refuse(why, why_size, "the system gave no memory");
    if (!schema_parse(edit_schema("interfaces.name"), name, &interface->name, why, why_size)) {
        schema_remove_last(list_key(), config);
        return false;
    }
    interface->type = names_loopback(name) ? CONFIG_LOOPBACK : CONFIG_ETHERNET;
    config->has_interfaces = true;
    return true;
}

static bool change_interface(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const char *name = edit->line.args[edit->line.n - 1].text;
    size_t i = 0;
    while (i < config->n_interfaces && strcmp(config->interfaces[i].name, name) != 0)
        i++;
    bool there = i < config->n_interfaces;
    if (!edit_undoes(edit))
        return there || add_interface(config, name, why, why_size);
    if (!there)
        return edit_refuse(why, why_size, "interface '%s' is not configured", name);
    schema_remove(list_key(), config, i);
    return true;
}

/* Into the mode of an interface, which is made if it is not there. */
static enum step enter_interface(struct job *job)
{
    const char *name = job->line->args[job->line->n - 1].text;
    const struct draft *draft = job->session->draft;
    const struct config *config = draft != NULL ? draft_config(draft) : job->router->running(job->router->context);
    const struct ask *ask = job->state;
    if (ask->asked || config_interface_find(config, name) == NULL) {
        enum step step = edit_step(job);
        if (step != STEP_DONE)
            return step;
    }
    job_enter(job, &mode_interface, name);
    return STEP_DONE;
}

static const struct command_run run_enter = {
    .state_size = sizeof(struct ask), .step = enter_interface, .end = edit_end, .hears_interrupt = true};
static const struct command known = {COMMAND_IF, "IF", "One that is configured", .run = &run_enter,
                                     .edit = EDIT(change_interface)};
static const struct command unknown = {COMMAND_ANY, "NAME", "A new one: a device, or lo0, lo1, ...", .run = &run_enter,
                                       .edit = EDIT(change_interface)};
static const struct command *const words_enter[] = {&known, &unknown, NULL};
const struct command command_interface = {COMMAND_WORD, "interface", "Configure an interface", .next = words_enter};

static const struct command removed = {COMMAND_IF, "IF", "Its name", .run = &edit_run, .edit = EDIT(change_interface)};
static const struct command *const words_remove[] = {&removed, NULL};
const struct command command_interface_no = {COMMAND_WORD, "interface", "Forget an interface", .next = words_remove};

/* ---- ip address ---- */

static const struct command address_mask;

/* The address of the line; false, with a sentence in WHY, if a mask has holes. */
static bool read_address(const struct edit *edit, struct prefix *to, char *why, size_t why_size)
{
    const struct command_arg *mask = edit_arg(edit, &address_mask);
    const struct command_arg *last = &edit->line.args[edit->line.n - 1];
    if (mask == NULL) {
        *to = last->prefix;
        return true;
    }
    to->addr = edit->line.args[edit->line.n - 2].addr;
    return edit_mask(mask, &to->len, why, why_size);
}

static bool change_address(const struct edit *edit, struct config *config, char *why, size_t why_size)
{
    const struct schema_key *key = edit_schema("interfaces.addresses");
    struct config_interface *interface = edit_interface(edit, config, why, why_size);
    char text[PREFIX_TEXT];
    struct prefix prefix;
    if (interface == NULL)
        return false;
    if (edit->line.args[edit->line.n - 1].command->kind == COMMAND_WORD)
        return schema_reset(key, interface); /* no ip address */
    if (!read_address(edit, &prefix, why, why_size))
        return false;
    size_t i = 0;
    while (i < interface->n_addresses &&
           (interface->addresses[i].prefix.addr != prefix.addr || interface->addresses[i].prefix.len != prefix.len))
        i++;
    bool there = i < interface->n_addresses;
    if (edit_undoes(edit) && !there)
        return edit_refuse(why, why_size, "%s is no address of interface '%s'", prefix_text(prefix, text),
                           interface->name);
    if (edit_undoes(edit)) {
        schema_remove(key, interface, i);
    } else if (!there) {
        struct config_address *address = schema_append(key, interface);
        if (address == NULL)
            return edit_refuse(why, why_size, "the system gave no memory");
        address->prefix = prefix;
    }
    return true;
}

static const struct command address_prefix = {COMMAND_PREFIX, "A.B.C.D/L", "The address and its subnet's length",
                                              .run = &edit_run, .edit = EDIT(change_address)};
static const struct command address_mask = {COMMAND_ADDR, "MASK", "Its subnet's mask", .run = &edit_run,
                                            .edit = EDIT(change_address)};
static const struct command *const words_mask[] = {&address_mask, NULL};
static const struct command address_bare = {COMMAND_ADDR, "A.B.C.D", "The address, before a mask", .next = words_mask};
static const struct command *const words_address[] = {&address_prefix, &address_bare, NULL};
static const struct command ip_address = {COMMAND_WORD, "address", "Add an address, the first is the primary",
                                          .next = words_address};
static const struct command ip_address_no = {
    COMMAND_WORD,         "address", "Take out an address, or all", .run = &edit_run, .edit = EDIT(change_address),
    .next = words_address};

/* ---- one key each ---- */

#define SWITCH(symbol, path, keyword, text) KEY_WORD(symbol, "interfaces." path, keyword, text)
SWITCH(keep_down, "shutdown", "shutdown", "Keep the interface down");
SWITCH(ip_proxy_arp, "proxy-arp", "proxy-arp", "Answer ARP for addresses behind other interfaces");
SWITCH(ip_redirects, "redirects", "redirects", "Send ICMP redirects");
SWITCH(ip_unreachables, "unreachables", "unreachables", "Send ICMP destination unreachable");
SWITCH(ip_mask_reply, "mask-reply", "mask-reply", "Answer ICMP address mask requests");
SWITCH(ip_directed_broadcast, "directed-broadcast", "directed-broadcast", "Forward broadcasts to its subnets");
SWITCH(ip_source_route, "source-route", "source-route", "Forward packets that carry a source route");

TEXT_KEY(description, "interfaces.description", "description", "A note for people", COMMAND_REST, "TEXT",
         "At most 240 bytes");
NUMBER_KEY(mtu, "interfaces.mtu", "mtu", "Largest IP packet that is sent, bytes", 68, 65535);
NUMBER_KEY(arp_timeout, "interfaces.arp-timeout", "timeout", "Life of an unconfirmed neighbour, seconds", 1, 86400);
KEY_WORD(type_ethernet, "interfaces.type", "ethernet", "A device of this network namespace");
KEY_WORD(type_loopback, "interfaces.type", "loopback", "It needs no device and is always up");
static const struct command *const type_values[] = {&type_ethernet, &type_loopback, NULL};
WORDS_KEY(type, "interfaces.type", "type", "What kind of interface it is");

/* ---- what has its place and no feature yet ---- */

LATER_WORD(ip_urpf, "urpf", "Reverse path check", "ip urpf is not supported yet");
LATER_WORD(ip_irdp, "irdp", "ICMP router discovery", "ip irdp (router discovery) is not supported yet");

/* ---- the mode ---- */

#define IP_SWITCHES                                                                                                    \
    &ip_directed_broadcast, &ip_mask_reply, &ip_proxy_arp, &ip_redirects, &ip_source_route, &ip_unreachables,          \
        &ip_urpf, &ip_irdp

static const struct command *const ip_words[] = {&ip_address,     &command_ip_igmp, &command_ip_multicast,
                                                 &command_ip_rip, IP_SWITCHES,      NULL};
static const struct command *const ip_words_no[] = {&ip_address_no,     &command_ip_igmp_no, &command_ip_multicast_no,
                                                    &command_ip_rip_no, IP_SWITCHES,         NULL};
static const struct command *const arp_words[] = {&arp_timeout, NULL};
static const struct command *const arp_words_no[] = {&arp_timeout_no, NULL};
static const struct command ip = {COMMAND_WORD, "ip", "Addresses and what IPv4 does", .next = ip_words};
static const struct command ip_no = {COMMAND_WORD, "ip", "Addresses and what IPv4 does", .next = ip_words_no};
static const struct command arp = {COMMAND_WORD, "arp", "Neighbours", .next = arp_words};
static const struct command arp_no = {COMMAND_WORD, "arp", "Neighbours", .next = arp_words_no};

static const struct command *const no_words[] = {&arp_no, &description_no, &ip_no, &mtu_no, &keep_down, &type_no, NULL};
static const struct command no = {COMMAND_WORD, "no", "Undo a command", .next = no_words};

static const struct command *const words[] = {
    &arp, &description,  &command_do,   &command_end, &command_exit, &ip,  &mtu,
    &no,  &command_quit, &command_show, &keep_down,   &type,         NULL,
};

const struct mode mode_interface = {.name = "config-if", .about = "interface", .root = words, .parent = &mode_config};
