/* A look of `monitor` (FRAME_SCREEN): what the daemon sees once a second, read field by field, and what the last
 * minute of looks was. Nothing that a daemon says is trusted: texts are cleaned, numbers and lists are bounded. */
#ifndef CLI_FERRYSH_LOOK_H
#define CLI_FERRYSH_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOK_TEXT       64 /* bytes of a name, its end included */
#define LOOK_INTERFACES 256
#define LOOK_DROPS      64
#define LOOK_TOP        32
#define LOOK_MOST       999900000000000000 /* of whatever is counted: more is shown as this */
#define LOOK_PAST       60                 /* looks that are remembered */

struct look_interface {
    char name[LOOK_TEXT];
    bool up;
    uint64_t rx_bits, rx_packets, tx_bits, tx_packets; /* a second */
};

struct look_drop {
    char reason[LOOK_TEXT];
    uint64_t count, per_second;
};

struct look_top {
    char prefix[LOOK_TEXT];
    double packets, bytes; /* shares, 0 to 1 */
};

/* Its texts have nothing but characters that can be printed and take a column or two. */
struct look {
    char hostname[4 * LOOK_TEXT];
    uint64_t seconds; /* since the router's start */
    unsigned n_interfaces, n_drops, n_top;
    struct look_interface interfaces[LOOK_INTERFACES];
    struct look_drop drops[LOOK_DROPS];
    struct look_top top[LOOK_TOP];
};

/* A look and what was before it. All zero at the beginning. */
struct looks {
    struct look last;
    uint64_t past[LOOK_INTERFACES][LOOK_PAST]; /* bits a second in and out of last.interfaces, the last of them now */
};

/* False, and *LOOK is of no use, when a field is missing or is not what it has to be. Fields that are not known are
 * passed over. */
bool look_read(struct look *look, const char *text, size_t len);

/* What is remembered of an interface stays with its name. */
void looks_add(struct looks *looks, const struct look *look);

/* The document on one line, its end included, in ASCII; to free. NULL when it is no JSON object. */
char *look_line(const char *text, size_t len);

#endif
