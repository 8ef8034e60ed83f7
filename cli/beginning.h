/* What the beginning of an address or a prefix, as somebody is typing it, may still become: a few ranges of addresses.
 * "10.1" may go on to 10.1.0.0 - 10.1.255.255, 10.10.0.0 - 10.19.255.255 and 10.100.0.0 - 10.199.255.255. */
#ifndef CLI_BEGINNING_H
#define CLI_BEGINNING_H

#include <stdbool.h>
#include <stdint.h>

#define BEGINNING_RANGES 3

struct beginning {
    unsigned n;
    struct {
        uint32_t from, to; /* both belong to it */
    } range[BEGINNING_RANGES];
};

/* False when no address (PREFIX: no A.B.C.D/L) begins with WORD. "" may become any. */
bool beginning_of(const char *word, bool prefix, struct beginning *to);

#endif
