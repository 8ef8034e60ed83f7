/* Commands that have their place in the tree, so that abbreviations stay what they will be, and are refused for now. */
#include "cli/tree.h"

/* ---- shows ---- */

#define SHOW(symbol, name, text, ...)                                                                                  \
    const struct command symbol = {COMMAND_WORD, name, text, COMMAND_SHOW | COMMAND_HIDDEN, __VA_ARGS__}

#define RIP "show ip rip is not supported yet"
static SHOW(rip_status, "status", "Timers and settings", .refusal = RIP);
static SHOW(rip_neighbors, "neighbors", "Routers that were heard", .refusal = RIP);
static SHOW(rip_interfaces, "interfaces", "Where RIP runs", .refusal = RIP);
static const struct command *const rip_words[] = {&rip_status, &rip_neighbors, &rip_interfaces, NULL};
SHOW(command_show_ip_rip, "rip", "RIP and its routes", .next = rip_words, .refusal = RIP);

#define IGMP "show ip igmp is not supported yet"
static SHOW(igmp_interfaces, "interfaces", "Where IGMP runs, and who asks", .refusal = IGMP);
static SHOW(igmp_groups, "groups", "Groups that hosts listen to", .refusal = IGMP);
static const struct command *const igmp_words[] = {&igmp_interfaces, &igmp_groups, NULL};
SHOW(command_show_ip_igmp, "igmp", "IGMP", .next = igmp_words, .refusal = IGMP);

SHOW(command_show_ip_mroute, "mroute", "Multicast routes", .refusal = "show ip mroute is not supported yet");
