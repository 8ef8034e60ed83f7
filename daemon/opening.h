/* What takes long of opening and closing an interface, done beside the core: the shield, the sockets and their rings.
 * Nothing is heard by the sockets until the core takes them, which it does when the shield is on. */
#ifndef DAEMON_OPENING_H
#define DAEMON_OPENING_H

#include "daemon/interface.h"

struct opening {
    struct router *router;
    struct interface *interface; /* NULL: it does not want this any more */
    char name[PORT_NAME];
    uint32_t ifindex;
    bool bypass;

    /* once it is done */
    bool done;
    int shield;           /* -1: none */
    char unshielded[128]; /* why, as a clause */
    struct af_port *port; /* NULL: refused */
    char refused[REASON_MAX];
};

/* Begins, and calls interfaces_opened when it is done. False when there is no memory. */
bool opening_begin(struct router *router, struct interface *i, const struct link *link, bool bypass);

/* Lets go of the interface's, done or not; what is left in it is closed. No harm if there is none. */
void opening_end(struct interface *i);

/* Takes the shield off beside the core. */
void opening_unshield(struct router *router, int shield);

#endif
