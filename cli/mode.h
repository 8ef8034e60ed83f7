/* Where a session stands: exec, or a place of configuration mode. Modes are const data as commands are; each is written
 * where its commands are. */
#ifndef CLI_MODE_H
#define CLI_MODE_H

#include "cli/command.h"

#define MODE_SUBJECT 32 /* bytes of what a mode is about, NUL included */

struct mode {
    const char *name;                  /* in the prompt: "config-if" in "r1(config-if)#"; "" is exec */
    const char *about;                 /* in the log, before what it is about: "interface"; NULL: nothing */
    const struct command *const *root; /* its commands */
    /* Where `exit` leads. What is none of its own commands is understood there as well, but for exec's. NULL: exec. */
    const struct mode *parent;
};

extern const struct mode mode_exec, mode_config, mode_interface, mode_rip, mode_key_chain;

#endif
