/* What goes through each interface now, as commands show it. */
#ifndef CLI_SHOW_RATES_H
#define CLI_SHOW_RATES_H

#include <jansson.h>

#include "cli/job.h"

/* {"seconds5":{"rxBits","rxPackets","txBits","txPackets"},"minutes5":{...}} */
json_t *show_rates_json(const struct job *job, unsigned port);

/* Two lines of `show interfaces`. */
void show_rates_lines(struct job *job, unsigned port);

/* A step of `show interfaces rates`: of the named interface, or of all (NULL). NEXT is 0 at first. */
enum step show_rates_table(struct job *job, const char *name, unsigned *next);

#endif
