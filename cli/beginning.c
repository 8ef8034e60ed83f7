#include "cli/beginning.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Reads digits up to MOST, with no zero before them. -1: there are none; -2: no number of these may stand here. */
static int read_digits(const char **at, int most)
{
    const char *start = *at;
    int value = -1;
    for (; isdigit((unsigned char)**at); (*at)++) {
        value = (value < 0 ? 0 : value) * 10 + (**at - '0');
        if (value > most || (*start == '0' && *at != start))
            return -2;
    }
    return value;
}

static void add_range(struct beginning *to, uint32_t above, unsigned shift, uint32_t first, uint32_t last)
{
    if (first > 255)
        return;
    last = last > 255 ? 255 : last;
    to->range[to->n].from = above | first << shift;
    to->range[to->n].to = above | last << shift | (uint32_t)((UINT64_C(1) << shift) - 1);
    to->n++;
}

/* The octet at SHIFT, below those of ABOVE, is not finished: it is VALUE so far, -1 for nothing. */
static void unfinished(struct beginning *to, uint32_t above, unsigned shift, int value)
{
    uint32_t v = (uint32_t)value;
    if (value < 0) {
        add_range(to, above, shift, 0, 255);
        return;
    }
    add_range(to, above, shift, v, v);
    if (v > 0) {
        add_range(to, above, shift, v * 10, v * 10 + 9);
        add_range(to, above, shift, v * 100, v * 100 + 99);
    }
}

bool beginning_of(const char *word, bool prefix, struct beginning *to)
{
    uint32_t addr = 0;
    to->n = 0;
    for (unsigned shift = 24;; shift -= 8) {
        int value = read_digits(&word, 255);
        if (value == -2)
            return false;
        if (*word == '\0') {
            unfinished(to, addr, shift, value);
            return true;
        }
        if (value < 0)
            return false;
        addr |= (uint32_t)value << shift;
        if (shift == 0)
            break;
        if (*word++ != '.')
            return false;
    }
    if (!prefix || *word++ != '/' || read_digits(&word, 32) == -2 || *word != '\0')
        return false;
    add_range(to, addr & ~UINT32_C(255), 0, addr & 255, addr & 255);
    return true;
}
