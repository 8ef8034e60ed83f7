/* What the files of show ip igmp share. */
#ifndef CLI_SHOW_IGMP_H
#define CLI_SHOW_IGMP_H

#include "cli/job.h"
#include "protocols/igmp/igmp.h"

extern const struct command command_show_ip_igmp_interfaces, command_show_ip_igmp_groups;

/* NULL while it does not run. */
struct igmp *show_igmp_of(const struct job *job);

/* The sentence for that, if the answer is text. */
void show_igmp_nothing(struct job *job);

/* "00:02:05" until then, as FRR's users know it; "--:--:--" for a timer that does not run (0 or NEVER_NS). */
#define SHOW_TIMER 32
const char *show_timer(uint64_t left_ns, char to[SHOW_TIMER]);

#endif
