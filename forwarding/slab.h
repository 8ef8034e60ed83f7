/* core: small objects of one size, close together: no header each, aligned to their size if that is a power of two. For
 * tables of a million nodes. */
#ifndef FORWARDING_SLAB_H
#define FORWARDING_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab;

struct slab_pool {
    uint32_t size;
    struct slab *roomy, *full;
};

/* Objects of SIZE bytes, a multiple of 8. The pool must not move in memory once it has given one out. */
void slab_pool_init(struct slab_pool *pool, uint32_t size);

/* NULL when there is no memory. */
void *slab_alloc(struct slab_pool *pool);

/* A slab without objects goes back to the system at once. OBJECT may be NULL. Fit to be handed to later(). */
void slab_free(void *object);

/* The pool may go; what is still to be freed by slab_free may be freed still. */
void slab_pool_exit(struct slab_pool *pool);

#endif
