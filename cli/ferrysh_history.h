/* The lines of interactive sessions, kept in a file of the user's: text, a line each, the oldest first. Several
 * sessions may add to it at once. */
#ifndef CLI_FERRYSH_HISTORY_H
#define CLI_FERRYSH_HISTORY_H

#define HISTORY_LINES 1000

struct history_file {
    char path[512]; /* "": nothing is kept */
};

/* Where it is: $XDG_STATE_HOME, or else ~/.local/state. */
void history_file_find(struct history_file *file);

void history_file_read(const struct history_file *file, void (*add)(void *context, const char *line), void *context);

/* Adds LINE if it is not the last already. When it can not, that is said on stderr, and from then on nothing is kept.
 */
void history_file_add(struct history_file *file, const char *line);

#endif
