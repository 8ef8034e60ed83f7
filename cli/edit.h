/* A change of the configuration as plain data: made of a command of configuration mode, and then done to a copy of the
 * running configuration, in whatever thread and as often as it takes. The edits of a session are a list. */
#ifndef CLI_EDIT_H
#define CLI_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/command.h"
#include "cli/config.h"
#include "cli/mode.h"

struct edit {
    struct edit *next;          /* what is done after it */
    char subject[MODE_SUBJECT]; /* the interface whose mode it was said in; "": none */
    struct command_line line;   /* its own copy; line.last->edit does it */
};

/* NULL when there is no memory. */
struct edit *edit_new(const struct command_line *line, const char *subject);
void edit_free(struct edit *first);

/* Copies of all of a list; NULL for none, or when there is no memory. */
struct edit *edit_copy(const struct edit *first);

/* Does all of a list to CONFIG. False, with a sentence in WHY, at the first that can not be done; CONFIG is then
 * somewhere in between. What needs the whole configuration to be seen is config_check's. */
bool edit_apply(const struct edit *first, struct config *config, char *why, size_t why_size);

#endif
