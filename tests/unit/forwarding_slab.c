#include <stdint.h>
#include <string.h>

#include "forwarding/slab.h"
#include "tests/unit/support/unit.h"

#define MANY 3000

static void *objects[MANY];

static void distinct_and_aligned(void)
{
    struct slab_pool pool;
    slab_pool_init(&pool, 32);
    unsigned wrong = 0;
    for (uintptr_t i = 0; i < MANY; i++) {
        objects[i] = slab_alloc(&pool);
        CU_ASSERT_PTR_NOT_NULL_FATAL(objects[i]);
        wrong += (uintptr_t)objects[i] % 32 != 0;
        memset(objects[i], (int)(i % 251), 32);
    }
    for (unsigned i = 0; i < MANY; i++)
        for (unsigned j = 0; j < 32; j++)
            wrong += ((uint8_t *)objects[i])[j] != i % 251;
    CU_ASSERT_EQUAL(wrong, 0);

    /* every third one goes and comes again, in another order */
    for (unsigned i = 0; i < MANY; i += 3)
        slab_free(objects[i]);
    for (unsigned i = 0; i < MANY; i += 3) {
        objects[i] = slab_alloc(&pool);
        memset(objects[i], 0xff, 32);
    }
    for (unsigned i = 0; i < MANY; i++)
        wrong += i % 3 != 0 && ((uint8_t *)objects[i])[31] != i % 251;
    CU_ASSERT_EQUAL(wrong, 0);
    for (unsigned i = 0; i < MANY; i++)
        slab_free(objects[(i * 7) % MANY]);
    CU_ASSERT_PTR_NULL(pool.roomy); /* all memory went back */
    CU_ASSERT_PTR_NULL(pool.full);
    slab_free(NULL);
    slab_pool_exit(&pool);
}

static void freed_after_the_pool(void)
{
    struct slab_pool pool;
    slab_pool_init(&pool, 24);
    for (unsigned i = 0; i < MANY; i++)
        objects[i] = slab_alloc(&pool);
    slab_pool_exit(&pool);
    memset(&pool, 0x55, sizeof pool);
    for (unsigned i = 0; i < MANY; i++)
        slab_free(objects[i]); /* a leak or a touch of the pool would be seen by the sanitizer */
}

static const struct unit_case cases[] = {
    {"objects are aligned, do not overlap, and are used again", distinct_and_aligned},
    {"an object may be freed after its pool is gone", freed_after_the_pool},
};

UNIT_MAIN("slab", cases)
