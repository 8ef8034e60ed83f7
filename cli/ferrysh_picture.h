/* What `monitor` shows of the looks (ferrysh_look.h), as lines of text that fit a screen. Knows no terminal. */
#ifndef CLI_FERRYSH_PICTURE_H
#define CLI_FERRYSH_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/ferrysh_look.h"

#define PICTURE_COLUMNS 512 /* of a wider screen the rest stays empty */

enum picture_style {
    PICTURE_PLAIN,
    PICTURE_HEAD,
    PICTURE_TITLE,
    PICTURE_GROWS, /* a drop that goes on */
    PICTURE_FOOT,
};

struct picture_line {
    enum picture_style style;
    char text[PICTURE_COLUMNS * 4 + 1]; /* in the locale's encoding */
};

struct picture_view {
    unsigned rows, columns;
    bool blocks; /* the locale has Unicode's block characters */
    bool by_rate, paused, keys;
    unsigned first;    /* of the interfaces, as they are sorted */
    const char *clock; /* what the clock on the wall shows */
};

/* Rows that the interfaces and the others get. */
struct picture_layout {
    unsigned interfaces, drops, top;
    unsigned blanks; /* between the parts, 0 or 1 */
};

struct picture_layout picture_layout(const struct look *look, unsigned rows);

/* Fills VIEW->rows lines. */
void picture_draw(const struct looks *looks, const struct picture_view *view, struct picture_line *lines);

#endif
