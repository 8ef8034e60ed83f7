/* The tree of exec mode, down to where a family of commands takes over. */
#include "cli/mode.h"
#include "cli/tree.h"

static const struct command *const show_ip_words[] = {
    &command_show_ip_arp,       &command_show_ip_fib,     &command_show_ip_igmp,
    &command_show_ip_interface, &command_show_ip_mroute,  &command_show_ip_rip,
    &command_show_ip_route,     &command_show_ip_traffic, NULL,
};
static const struct command show_ip = {COMMAND_WORD, "ip", "IPv4: routes, neighbours, counters", COMMAND_LOOK,
                                       .next = show_ip_words};

static const struct command *const show_words[] = {
    &command_show_debugging,
    &command_show_drops,
    &command_show_history,
    &command_show_interfaces,
    &show_ip,
    &command_show_logging,
    &command_show_memory,
    &command_show_processes,
    &command_show_running,
    &command_show_startup,
    &command_show_tech,
    &command_show_users,
    &command_show_version,
    &command_show_changes,
    &command_show_rollback,
    NULL,
};
const struct command command_show = {COMMAND_WORD, "show", "Show how things are", COMMAND_LOOK, .next = show_words};

static const struct command *const clear_ip_words[] = {&command_clear_ip_arp, &command_clear_ip_igmp,
                                                       &command_clear_ip_mroute, &command_clear_ip_rip, NULL};
static const struct command clear_ip = {COMMAND_WORD, "ip", "IPv4: neighbours, and what protocols learned",
                                        .next = clear_ip_words};
static const struct command *const clear_words[] = {&command_clear_counters, &clear_ip, NULL};
static const struct command clear = {COMMAND_WORD, "clear", "Forget counters or learned entries", .next = clear_words};

static const struct command *const no_words[] = {&command_no_debug, &command_no_terminal, NULL};
static const struct command no = {COMMAND_WORD, "no", "Undo a command", COMMAND_LOOK, .next = no_words};

const struct command *const command_exec[] = {
    &command_capture,
    &clear,
    &command_configure,
    &command_debug,
    &command_end,
    &command_exit,
    &command_monitor,
    &no,
    &command_ping,
    &command_quit,
    &command_reload,
    &command_show,
    &command_terminal,
    &command_trace,
    &command_traceroute,
    &command_undebug,
    &command_write,
    &command_commit,
    &command_copy,
    &command_rollback,
    NULL,
};

const struct mode mode_exec = {.name = "", .root = command_exec};
