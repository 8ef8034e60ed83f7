/* The text of a file of static routes: a route a line,
 *
 *     PREFIX via A.B.C.D [A.B.C.D]... [distance N]
 *     PREFIX blackhole|unreachable|prohibit [distance N]
 *
 * comments after '#', and empty lines. */
#ifndef DAEMON_ROUTES_TEXT_H
#define DAEMON_ROUTES_TEXT_H

#include "cli/config.h"

#define ROUTES_TEXT_MAX    (512 << 20) /* bytes */
#define ROUTES_TEXT_LINE   4095        /* bytes of a line */
#define ROUTES_TEXT_ROUTES 8000000
#define ROUTES_TEXT_TOLD   100 /* lines of which is said what is wrong */

/* Reads PATH, which errors call FILE; KEY is where it is named, for what is wrong with the file as a whole. Whether the
 * routes make sense is for config_check. NULL if there is no table; in what there is, lines that are wrong are missing.
 */
struct routes_file *routes_text_read(const char *path, const char *file, struct config_place key,
                                     struct config_errors *errors);

#endif
