/* What the shows of RIP share. */
#ifndef CLI_SHOW_RIP_H
#define CLI_SHOW_RIP_H

#include "cli/job.h"
#include "protocols/rip/rip.h"

extern const struct command command_show_ip_rip_status, command_show_ip_rip_neighbors, command_show_ip_rip_interfaces;

/* NULL while RIP does not run. */
struct rip *show_rip_of(const struct job *job);

/* Says so, where the answer is text; JSON has the shape that it always has. */
void show_rip_nothing(struct job *job);

#endif
