/* What the families of commands contribute to the tree; command_tree.c puts them together. */
#ifndef CLI_TREE_H
#define CLI_TREE_H

#include "cli/command.h"

/* show */
extern const struct command command_show_version, command_show_running, command_show_startup, command_show_interfaces,
    command_show_drops, command_show_memory, command_show_processes, command_show_logging, command_show_users,
    command_show_history, command_show_debugging, command_show_tech, command_show_changes, command_show_rollback;

/* show ip */
extern const struct command command_show_ip_interface, command_show_ip_route, command_show_ip_fib, command_show_ip_arp,
    command_show_ip_traffic, command_show_ip_rip, command_show_ip_igmp, command_show_ip_mroute;

extern const struct command command_clear_counters, command_clear_ip_arp, command_clear_ip_rip, command_clear_ip_igmp,
    command_clear_ip_mroute;

/* trace packet */
extern const struct command command_trace_packet_from;

/* at the top */
extern const struct command command_show, command_ping, command_monitor, command_traceroute, command_capture,
    command_trace, command_reload, command_exit, command_quit, command_end, command_configure, command_write,
    command_copy, command_commit, command_rollback;

/* of configuration mode */
extern const struct command command_do, command_abort, command_interface, command_interface_no, command_config_ip,
    command_config_ip_no, command_config_arp, command_config_arp_no, command_config_key, command_config_key_no,
    command_router, command_router_no, command_multicast, command_multicast_no;

/* within others of it */
extern const struct command command_ip_rip, command_ip_rip_no, command_prefix_list, command_prefix_list_no,
    command_ip_igmp, command_ip_igmp_no, command_ip_multicast, command_ip_multicast_no;

extern const struct command command_debug, command_undebug, command_no_debug, command_terminal, command_no_terminal;

#endif
