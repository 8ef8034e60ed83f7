#include "protocols/igmp/igmp_table.h"

/* clang-format off */
const struct igmp_row igmp_table[2][7] = {
    { /* INCLUDE (A): table 8 and table 9, upper halves; Y is empty */
        [IGMP_IS_IN] = {.x_in = IGMP_RUN,             .x_out = IGMP_KEEP,            .fresh = IGMP_RUN},
        [IGMP_IS_EX] = {.x_in = IGMP_KEEP,            .x_out = IGMP_DROP,            .fresh = IGMP_STOP, .to_exclude = true},
        [IGMP_ALLOW] = {.x_in = IGMP_RUN,             .x_out = IGMP_KEEP,            .fresh = IGMP_RUN},
        [IGMP_BLOCK] = {.x_in = IGMP_KEEP | IGMP_ASK, .x_out = IGMP_KEEP,            .fresh = IGMP_DROP},
        [IGMP_TO_EX] = {.x_in = IGMP_KEEP | IGMP_ASK, .x_out = IGMP_DROP,            .fresh = IGMP_STOP, .to_exclude = true},
        [IGMP_TO_IN] = {.x_in = IGMP_RUN,             .x_out = IGMP_KEEP | IGMP_ASK, .fresh = IGMP_RUN},
    },
    { /* EXCLUDE (X,Y): lower halves */
        [IGMP_IS_IN] = {.x_in = IGMP_RUN, .x_out = IGMP_KEEP, .y_in = IGMP_RUN,  .y_out = IGMP_KEEP, .fresh = IGMP_RUN},
        [IGMP_IS_EX] = {.x_in = IGMP_KEEP, .x_out = IGMP_DROP, .y_in = IGMP_KEEP, .y_out = IGMP_DROP, .fresh = IGMP_RUN,
                        .to_exclude = true},
        [IGMP_ALLOW] = {.x_in = IGMP_RUN, .x_out = IGMP_KEEP, .y_in = IGMP_RUN,  .y_out = IGMP_KEEP, .fresh = IGMP_RUN},
        [IGMP_BLOCK] = {.x_in = IGMP_KEEP | IGMP_ASK, .x_out = IGMP_KEEP, .y_in = IGMP_KEEP, .y_out = IGMP_KEEP,
                        .fresh = IGMP_RUN_GROUP | IGMP_ASK},
        [IGMP_TO_EX] = {.x_in = IGMP_KEEP | IGMP_ASK, .x_out = IGMP_DROP, .y_in = IGMP_KEEP, .y_out = IGMP_DROP,
                        .fresh = IGMP_RUN_GROUP | IGMP_ASK, .to_exclude = true},
        [IGMP_TO_IN] = {.x_in = IGMP_RUN, .x_out = IGMP_KEEP | IGMP_ASK, .y_in = IGMP_RUN, .y_out = IGMP_KEEP,
                        .fresh = IGMP_RUN, .ask_group = true},
    },
};
/* clang-format on */
