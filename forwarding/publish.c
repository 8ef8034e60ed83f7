/* pure: the "later" of whoever has no lanes that run beside the core. */
#include "forwarding/publish.h"

static void at_once(struct later *self, void (*release)(void *object), void *object)
{
    (void)self;
    release(object);
}

struct later later_at_once = {.defer = at_once};
