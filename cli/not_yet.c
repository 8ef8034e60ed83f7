/* Commands that have their place in the tree, so that abbreviations stay what they will be, and are refused for now. */
#include "cli/tree.h"

static const struct command rest = {COMMAND_REST, "...", "What belongs to it", COMMAND_LOOK | COMMAND_HIDDEN,
                                    .refusal = "this is not supported yet"};
static const struct command *const anything[] = {&rest, NULL};

#define CONFIGURE "configure is not supported yet: edit the file and reload configuration"
static const struct command terminal = {COMMAND_WORD, "terminal", "Change the configuration line by line",
                                        .refusal = CONFIGURE};
static const struct command session = {COMMAND_WORD, "session", "Change a copy of the configuration and commit it",
                                       .refusal = CONFIGURE};
static const struct command *const configure_words[] = {&terminal, &session, NULL};
const struct command command_configure = {
    COMMAND_WORD,        "configure", "Change the configuration", COMMAND_HIDDEN, .next = configure_words,
    .refusal = CONFIGURE};

#define WRITE "write is not supported yet: the file is as you edited it"
static const struct command memory = {COMMAND_WORD, "memory", "Into the configuration file", .refusal = WRITE};
static const struct command *const write_words[] = {&memory, NULL};
const struct command command_write = {
    COMMAND_WORD, "write", "Save the running configuration", COMMAND_HIDDEN, .next = write_words, .refusal = WRITE};

#define NOT_YET(name, word, help)                                                                                      \
    const struct command name = {COMMAND_WORD,                                                                         \
                                 word,                                                                                 \
                                 help,                                                                                 \
                                 COMMAND_LOOK | COMMAND_HIDDEN,                                                        \
                                 .next = anything,                                                                     \
                                 .refusal = word " is not supported yet"}

NOT_YET(command_no, "no", "Undo a command");
NOT_YET(command_traceroute, "traceroute", "Which way packets to a host take");
NOT_YET(command_terminal, "terminal", "What this session is told");
NOT_YET(command_monitor, "monitor", "Watch the router");
NOT_YET(command_debug, "debug", "Log what happens");
NOT_YET(command_capture, "capture", "Packets of an interface into a file");
NOT_YET(command_trace, "trace", "Follow packets through the router");
NOT_YET(command_show_ip_rip, "rip", "RIP");
NOT_YET(command_show_ip_igmp, "igmp", "IGMP");
NOT_YET(command_show_ip_mroute, "mroute", "Multicast routes");
