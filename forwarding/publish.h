/* pure: the one place where tables are published to lanes and read by them.
 *
 * The core is the only writer. It builds an object, publishes the pointer, and hands what it replaced to later(), which
 * frees it when no lane can hold it any more. A lane reads each pointer once a burst with published() and keeps nothing
 * across its quiescent state. In the daemon "later" is a grace period of liburcu (QSBR, see grace.h); a unit test, a
 * fuzzer or a simulation has no lanes that run beside it and frees at once.
 *
 * Plain __atomic release and acquire, rather than liburcu's own macros: on every machine we build for the code is the
 * same, and ThreadSanitizer understands it. */
#ifndef FORWARDING_PUBLISH_H
#define FORWARDING_PUBLISH_H

#define publish(where, value) __atomic_store_n(&(where), (value), __ATOMIC_RELEASE)
#define published(where)      __atomic_load_n(&(where), __ATOMIC_ACQUIRE)

/* How the core frees what lanes may still be reading. */
struct later {
    void (*defer)(struct later *later, void (*release)(void *object), void *object);
};

/* Calls RELEASE(OBJECT) on the core's thread once no lane can be reading OBJECT. */
static inline void later(struct later *l, void (*release)(void *object), void *object)
{
    l->defer(l, release, object);
}

/* A "later" that is now: for tests, fuzzers and simulations, where no lane runs beside the core. */
extern struct later later_at_once;

#endif
