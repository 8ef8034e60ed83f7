/* The keys that concern the whole router, and configuration mode's table of commands. */
#include "cli/configure.h"
#include "cli/tree.h"

/* ---- hostname, log ---- */

TEXT_KEY(hostname, "hostname", "hostname", "The router's name", COMMAND_ANY, "NAME", "Letters, digits, hyphens, dots");

TEXT_KEY(routes_file, "static-routes-file", "static-routes-file", "More static routes, in a file of their own",
         COMMAND_ANY, "FILE", "Its path, from the configuration's folder");

#define LEVEL "log.level"
KEY_WORD(level_error, LEVEL, "error", "Only what does not work");
KEY_WORD(level_warning, LEVEL, "warning", "And what may soon not work");
KEY_WORD(level_notice, LEVEL, "notice", "And what was changed");
KEY_WORD(level_info, LEVEL, "info", "And what happens");
KEY_WORD(level_debug, LEVEL, "debug", "Everything");
static const struct command *const level_values[] = {&level_error, &level_warning, &level_notice,
                                                     &level_info,  &level_debug,   NULL};
WORDS_KEY(level, LEVEL, "level", "The least grave messages that are logged");

#define DESTINATION "log.destination"
KEY_WORD(to_stderr, DESTINATION, "stderr", "To whoever started the daemon");
KEY_WORD(to_syslog, DESTINATION, "syslog", "To the system's log");
static const struct command *const destination_values[] = {&to_stderr, &to_syslog, NULL};
WORDS_KEY(destination, DESTINATION, "destination", "Where the log goes");

static const struct command *const log_words[] = {&destination, &level, NULL};
static const struct command *const log_words_no[] = {&destination_no, &level_no, NULL};
static const struct command log_word = {COMMAND_WORD, "log", "What is logged, and where", .next = log_words};
static const struct command log_word_no = {COMMAND_WORD, "log", "What is logged, and where", .next = log_words_no};

/* ---- forwarding, icmp ---- */

NUMBER_KEY(lanes, "forwarding.lanes", "lanes", "Threads that forward, from the next start", 1, 64);
TEXT_KEY(cpus, "forwarding.cpus", "cpus", "The CPU of each lane, from the next start", COMMAND_ANY, "N,N,...",
         "Numbers of CPUs with commas between them");
KEY_WORD(realtime, "forwarding.realtime", "realtime", "Lanes under SCHED_FIFO, from the next start");

#define BYPASS "forwarding.qdisc-bypass"
KEY_WORD(bypass_auto, BYPASS, "auto", "While the device has none of its own");
KEY_WORD(bypass_on, BYPASS, "on", "Always");
KEY_WORD(bypass_off, BYPASS, "off", "Never");
static const struct command *const bypass_values[] = {&bypass_auto, &bypass_on, &bypass_off, NULL};
WORDS_KEY(bypass, BYPASS, "qdisc-bypass", "Send around the queueing discipline");

static const struct command *const forwarding_words[] = {&cpus, &lanes, &bypass, &realtime, NULL};
static const struct command *const forwarding_words_no[] = {&cpus_no, &lanes_no, &bypass_no, &realtime, NULL};
static const struct command forwarding = {COMMAND_WORD, "forwarding", "The threads that forward",
                                          .next = forwarding_words};
static const struct command forwarding_no = {COMMAND_WORD, "forwarding", "The threads that forward",
                                             .next = forwarding_words_no};

NUMBER_KEY(rate_limit, "icmp.rate-limit", "rate-limit", "ICMP errors a second, 0 is no limit", 0, 1000000);
NUMBER_KEY(burst, "icmp.burst", "burst", "ICMP errors that may follow at once", 1, 100000);
static const struct command *const icmp_words[] = {&burst, &rate_limit, NULL};
static const struct command *const icmp_words_no[] = {&burst_no, &rate_limit_no, NULL};
static const struct command icmp = {COMMAND_WORD, "icmp", "How many ICMP errors are sent", .next = icmp_words};
static const struct command icmp_no = {COMMAND_WORD, "icmp", "How many ICMP errors are sent", .next = icmp_words_no};

/* ---- cli ---- */

TEXT_KEY(socket_path, "cli.socket", "socket", "The shell's socket, from the next start", COMMAND_ANY, "PATH",
         "Its path");
TEXT_KEY(group, "cli.group", "group", "Whose members may change things", COMMAND_ANY, "NAME",
         "A group; \"\" is nobody but root");
NUMBER_KEY(idle_timeout, "cli.idle-timeout", "idle-timeout", "Idle sessions end, seconds, 0 is never", 0, 86400);
static const struct command *const cli_words[] = {&group, &idle_timeout, &socket_path, NULL};
static const struct command *const cli_words_no[] = {&group_no, &idle_timeout_no, &socket_path_no, NULL};
static const struct command cli = {COMMAND_WORD, "cli", "Access to the shell", .next = cli_words};
static const struct command cli_no = {COMMAND_WORD, "cli", "Access to the shell", .next = cli_words_no};

/* ---- the mode ---- */

static const struct command *const no_words[] = {
    &command_config_arp_no,
    &cli_no,
    &forwarding_no,
    &hostname_no,
    &icmp_no,
    &command_interface_no,
    &command_config_ip_no,
    &command_config_key_no,
    &log_word_no,
    &routes_file_no,
    &command_router_no,
    &command_multicast_no,
    NULL,
};
static const struct command no = {COMMAND_WORD, "no", "Undo a command", .next = no_words};

static const struct command *const words[] = {
    &command_abort,
    &command_config_arp,
    &cli,
    &command_commit,
    &command_do,
    &command_end,
    &command_exit,
    &forwarding,
    &hostname,
    &icmp,
    &command_interface,
    &command_config_ip,
    &command_config_key,
    &log_word,
    &no,
    &command_quit,
    &command_rollback,
    &command_show,
    &command_write,
    &routes_file,
    &command_router,
    &command_multicast,
    NULL,
};

const struct mode mode_config = {.name = "config", .root = words, .parent = &mode_exec};
