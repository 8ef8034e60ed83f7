/* core: small objects of one size. A slab is a block that is aligned to a power of two, so that an object's address
 * tells its slab. Objects that were given back are chained through their own first bytes. */
#include "forwarding/slab.h"

#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h> /* so that a use after slab_free is seen as one after free would be */
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)0)
#endif

#define SLAB_ALIGN 16384
#define SLAB_BYTES (SLAB_ALIGN - 64) /* leaves room for malloc's own header, so that slabs can lie side by side */

struct slab {
    struct slab_pool *pool; /* NULL: gone */
    struct slab *prev, *next;
    void **free; /* chain of objects that were given back */
    uint32_t used, touched, room, size;
    uint64_t unused[2]; /* the first object is aligned to 64 */
};

_Static_assert(sizeof(void *) > 4 ? sizeof(struct slab) == 64 : 1, "objects keep their alignment");

static struct slab *slab_of(void *object)
{
    return (struct slab *)((uintptr_t)object & ~(uintptr_t)(SLAB_ALIGN - 1));
}

static void link_slab(struct slab **list, struct slab *slab)
{
    slab->prev = NULL;
    slab->next = *list;
    if (slab->next != NULL)
        slab->next->prev = slab;
    *list = slab;
}

static void unlink_slab(struct slab **list, struct slab *slab)
{
    if (slab->next != NULL)
        slab->next->prev = slab->prev;
    if (slab->prev != NULL)
        slab->prev->next = slab->next;
    else
        *list = slab->next;
}

void slab_pool_init(struct slab_pool *pool, uint32_t size)
{
    *pool = (struct slab_pool){.size = size};
}

static struct slab *slab_new(struct slab_pool *pool)
{
    void *block;
    if (posix_memalign(&block, SLAB_ALIGN, SLAB_BYTES) != 0)
        return NULL;
    struct slab *slab = block;
    *slab = (struct slab){.pool = pool, .size = pool->size};
    slab->room = (uint32_t)(SLAB_BYTES - sizeof *slab) / pool->size;
    ASAN_POISON_MEMORY_REGION(slab + 1, SLAB_BYTES - sizeof *slab);
    link_slab(&pool->roomy, slab);
    return slab;
}

static void slab_give_back(struct slab *slab)
{
    ASAN_UNPOISON_MEMORY_REGION(slab, SLAB_BYTES);
    free(slab);
}

void *slab_alloc(struct slab_pool *pool)
{
    struct slab *slab = pool->roomy != NULL ? pool->roomy : slab_new(pool);
    if (slab == NULL)
        return NULL;
    void **object = slab->free;
    if (object == NULL)
        object = (void **)((char *)(slab + 1) + (size_t)slab->touched++ * slab->size);
    ASAN_UNPOISON_MEMORY_REGION(object, slab->size);
    if (slab->free != NULL)
        slab->free = *object;
    if (++slab->used == slab->room) {
        unlink_slab(&pool->roomy, slab);
        link_slab(&pool->full, slab);
    }
    return object;
}

void slab_free(void *object)
{
    if (object == NULL)
        return;
    struct slab *slab = slab_of(object);
    struct slab_pool *pool = slab->pool;
    *(void **)object = slab->free;
    slab->free = object;
    ASAN_POISON_MEMORY_REGION(object, slab->size);

    if (pool != NULL && slab->used == slab->room) {
        unlink_slab(&pool->full, slab);
        link_slab(&pool->roomy, slab);
    }
    if (--slab->used > 0)
        return;
    if (pool != NULL)
        unlink_slab(&pool->roomy, slab);
    slab_give_back(slab);
}

static void disown(struct slab *slab)
{
    for (; slab != NULL; slab = slab->next)
        slab->pool = NULL;
}

void slab_pool_exit(struct slab_pool *pool)
{
    disown(pool->roomy);
    disown(pool->full);
    slab_pool_init(pool, pool->size);
}
