/* core: details of what happens, for whoever asked for them. While nobody has, that costs a look at a word. */
#ifndef FORWARDING_DEBUG_H
#define FORWARDING_DEBUG_H

#include <stdint.h>

enum debug_kind {
    DEBUG_ARP,
    DEBUG_ICMP,
    DEBUG_IGMP,
    DEBUG_PACKET, /* said by nobody here: see trace.h */
    DEBUG_RIP_EVENTS,
    DEBUG_RIP_PACKETS,
    DEBUG_RIP_ROUTES,
    DEBUG__COUNT
};

struct debug {
    unsigned on; /* a bit for each kind that somebody wants */
    /* PORT (PORT_NONE: none) and ADDR are what it is about, so that it can be asked for by them. */
    void (*say)(void *context, enum debug_kind kind, unsigned port, uint32_t addr, const char *text);
    void *context;
};

void debug_say(const struct debug *debug, enum debug_kind kind, unsigned port, uint32_t addr, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The arguments behind KIND are looked at only when somebody wants them. DEBUG may be NULL. */
#define debug_if(debug, kind, ...)                                                                                     \
    do {                                                                                                               \
        if ((debug) != NULL && ((debug)->on & 1u << (kind)) != 0)                                                      \
            debug_say(debug, kind, __VA_ARGS__);                                                                       \
    } while (0)

#endif
