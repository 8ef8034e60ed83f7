/* A configuration file made ready for libconfig: one text with all included files in it, and where each of its lines
 * comes from.
 *
 * libconfig alone would be silent about integers that do not fit, about comments that never end and about what follows
 * a NUL, tell only the line of a mistake, stop at a key that is there twice, look for included files from the
 * working directory, and place the last string of a list on the line of the bracket after it. So the text is cut into
 * tokens first, which are looked at and written again: without comments, with integers in decimal, and with strings
 * followed by the next token on the same line. */
#ifndef DAEMON_CONFIG_TEXT_H
#define DAEMON_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/config.h"

#define CONFIG_TEXT_MAX     (64 << 20) /* bytes of all files together */
#define CONFIG_TEXT_INCLUDE 10         /* files within each other */

/* From this line of the text on, lines are those of FILE from LINE on. */
struct config_text_piece {
    int first;
    struct config_place place;
};

struct config_text {
    char *text; /* NUL-terminated */
    size_t len, room;
    int lines;
    struct config_text_piece *pieces;
    size_t n_pieces;
    int *excused; /* lines in which something was refused and replaced, ascending */
    size_t n_excused;
};

/* What stands where an integer did not fit, and begins the name of a key that was there twice: neither is an error
 * again on a line that is excused. */
#define CONFIG_TEXT_WRAPPED (-2147483647 - 1)
#define CONFIG_TEXT_TWICE   '*'

/* Reads PATH and what it includes; names of files are CONFIG's. Everything that is wrong is reported. False if there is
 * no text to go on with: a file could not be read, or its syntax is wrong. config_text_free either way. */
bool config_text_read(struct config_text *t, struct config *config, const char *path, struct config_errors *errors);
void config_text_free(struct config_text *t);

/* Where LINE of the text comes from. */
struct config_place config_text_place(const struct config_text *t, int line);
bool config_text_is_excused(const struct config_text *t, int line);

/* LINE itself, cut to fit. */
const char *config_text_line(const struct config_text *t, int line, char *to, size_t size);

#endif
