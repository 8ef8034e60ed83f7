/* The tables of RFC 9776 6.4: what a record does to each source, by where the source was and whether the record has it.
 */
#ifndef PROTOCOLS_IGMP_TABLE_H
#define PROTOCOLS_IGMP_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocols/igmp/igmp_packet.h"

enum igmp_action {
    IGMP_KEEP,
    IGMP_DROP,       /* forget it; of one that is not there: leave it so */
    IGMP_RUN,        /* its timer is the Group Membership Interval */
    IGMP_RUN_GROUP,  /* its timer is what the group timer was */
    IGMP_STOP,       /* its timer is 0: blocked */
    IGMP_ASK = 0x10, /* beside one of these: part of the "Send Q(G,...)" */
};

/* X: sources whose timers run (the A of mode INCLUDE), Y: those that are blocked; IN the record, or OUT of it. */
struct igmp_row {
    uint8_t x_in, x_out, y_in, y_out, fresh; /* FRESH: in the record only */
    bool to_exclude;                         /* the mode becomes, or stays, EXCLUDE and Group Timer=GMI */
    bool ask_group;                          /* Send Q(G) */
};

/* By filter mode (1: EXCLUDE) and enum igmp_record_type. */
extern const struct igmp_row igmp_table[2][7];

#endif
