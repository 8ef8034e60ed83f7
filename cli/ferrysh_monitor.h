/* `monitor` on a terminal: the looks (ferrysh_look.h) fill the screen, and keys steer what is shown. While it is open
 * the terminal is ncurses'; signals that would end ferrysh are heard, and are delivered when it has been closed. */
#ifndef CLI_FERRYSH_MONITOR_H
#define CLI_FERRYSH_MONITOR_H

#include <stdbool.h>

#include "cli/ferrysh_look.h"

struct heard;
struct monitor;

/* NULL: this terminal can not be used so, or there is no memory. */
struct monitor *monitor_open(struct heard *heard, bool colour);

/* The screen is as it was before. Does not come back if a signal waits that ends ferrysh. */
void monitor_close(struct monitor *monitor);

void monitor_look(struct monitor *monitor, const struct look *look);

/* Takes the keys that were typed, if any. False: leave. */
bool monitor_keys(struct monitor *monitor);

/* The terminal may have another size by now. */
void monitor_follow(struct monitor *monitor);

#endif
