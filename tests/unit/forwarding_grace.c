/* Grace periods with real threads: fake lanes read an object that the core replaces. Run under AddressSanitizer a use
 * after free is a report, and so is a race under ThreadSanitizer. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "forwarding/grace.h"
#include "tests/unit/support/unit.h"

#define LANES    2
#define REPLACED 5000
#define ALIVE    0xa11fe

struct object {
    unsigned alive, a, b; /* a and b are always equal */
};

struct scene {
    struct grace *grace;
    struct object *object; /* published() */
    bool stop;             /* atomic */
    unsigned reads[LANES], torn[LANES];
    unsigned released;
};

struct fake_lane {
    struct scene *scene;
    unsigned number;
    pthread_t thread;
};

static void *read_on(void *argument)
{
    struct fake_lane *lane = argument;
    struct scene *s = lane->scene;
    grace_lane_register();
    for (unsigned turn = 0; !__atomic_load_n(&s->stop, __ATOMIC_RELAXED); turn++) {
        const struct object *o = published(s->object);
        if (o->alive != ALIVE || o->a != o->b)
            s->torn[lane->number]++;
        s->reads[lane->number]++;
        grace_lane_quiescent();
        if (turn % 1000 == 0) { /* asleep for a while, as lanes are */
            grace_lane_offline();
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
            grace_lane_online();
        }
    }
    grace_lane_unregister();
    return NULL;
}

static struct scene *released_to; /* release() has no other way to tell */

static void release(void *object)
{
    struct object *o = object;
    released_to->released++;
    o->alive = 0;
    free(o);
}

static struct object *object_new(unsigned value)
{
    struct object *o = malloc(sizeof *o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    *o = (struct object){ALIVE, value, value};
    return o;
}

static bool period_ended(struct scene *s, int timeout_ms)
{
    struct pollfd fd = {.fd = grace_fd(s->grace), .events = POLLIN};
    if (poll(&fd, 1, timeout_ms) != 1)
        return false;
    grace_ready(s->grace);
    return true;
}

static void begin(struct scene *s, struct fake_lane *lanes, unsigned n)
{
    *s = (struct scene){.grace = grace_new(), .object = object_new(0)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->grace);
    released_to = s;
    for (unsigned i = 0; i < n; i++) {
        lanes[i] = (struct fake_lane){.scene = s, .number = i};
        CU_ASSERT_FATAL(pthread_create(&lanes[i].thread, NULL, read_on, &lanes[i]) == 0);
    }
}

static void end(struct scene *s, struct fake_lane *lanes, unsigned n)
{
    __atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < n; i++)
        pthread_join(lanes[i].thread, NULL);
    grace_free(s->grace);
    free(s->object);
}

static void replace(struct scene *s, unsigned value)
{
    struct object *old = s->object;
    publish(s->object, object_new(value));
    later(grace_later(s->grace), release, old);
}

static void nothing_is_freed_under_a_reader(void)
{
    struct scene s;
    struct fake_lane lanes[LANES];
    begin(&s, lanes, LANES);
    for (unsigned i = 1; i <= REPLACED; i++) {
        replace(&s, i);
        if (i % 8 == 0) {
            grace_turn(s.grace);
            period_ended(&s, i % 64 == 0 ? 1000 : 0);
        }
    }
    CU_ASSERT(s.released > 0); /* periods end while lanes run */
    end(&s, lanes, LANES);
    CU_ASSERT_EQUAL(s.released, REPLACED);
    for (unsigned i = 0; i < LANES; i++) {
        CU_ASSERT(s.reads[i] > 0);
        CU_ASSERT_EQUAL(s.torn[i], 0);
    }
}

static void *hold(void *argument)
{
    struct scene *s = argument;
    grace_lane_register();
    __atomic_store_n(&s->reads[0], 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    grace_lane_unregister();
    return NULL;
}

static void a_period_waits_for_a_lane_that_is_not_quiescent(void)
{
    struct scene s;
    begin(&s, NULL, 0);
    pthread_t holder;
    CU_ASSERT_FATAL(pthread_create(&holder, NULL, hold, &s) == 0);
    while (!__atomic_load_n(&s.reads[0], __ATOMIC_ACQUIRE))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    replace(&s, 1);
    grace_turn(s.grace);
    CU_ASSERT(!period_ended(&s, 50));
    CU_ASSERT_EQUAL(s.released, 0);
    __atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
    CU_ASSERT(period_ended(&s, 2000));
    CU_ASSERT_EQUAL(s.released, 1);
    pthread_join(holder, NULL);
    end(&s, NULL, 0);
}

static void a_period_needs_no_lane(void)
{
    struct scene s;
    begin(&s, NULL, 0);
    replace(&s, 1);
    CU_ASSERT(!period_ended(&s, 0)); /* not before the turn's end */
    grace_turn(s.grace);
    replace(&s, 2); /* belongs to the next period */
    grace_turn(s.grace);
    CU_ASSERT(period_ended(&s, 2000));
    CU_ASSERT_EQUAL(s.released, 1);
    grace_turn(s.grace);
    CU_ASSERT(period_ended(&s, 2000));
    CU_ASSERT_EQUAL(s.released, 2);
    grace_turn(s.grace);
    CU_ASSERT(!period_ended(&s, 20)); /* nothing deferred, no period */
    end(&s, NULL, 0);
}

static void defer_again(void *object)
{
    later(grace_later(released_to->grace), release, object);
}

static void what_is_freed_may_defer_more(void)
{
    struct scene s;
    begin(&s, NULL, 0);
    later(grace_later(s.grace), defer_again, object_new(1));
    grace_turn(s.grace);
    CU_ASSERT(period_ended(&s, 2000));
    CU_ASSERT_EQUAL(s.released, 0);
    grace_turn(s.grace);
    CU_ASSERT(period_ended(&s, 2000));
    CU_ASSERT_EQUAL(s.released, 1);
    later(grace_later(s.grace), defer_again, object_new(2)); /* and at the end of all */
    end(&s, NULL, 0);
    CU_ASSERT_EQUAL(s.released, 2);
}

static void much_is_freed_in_pieces(void)
{
    enum { MANY = 20000 };
    struct scene s;
    begin(&s, NULL, 0);
    for (unsigned i = 0; i < MANY; i++)
        later(grace_later(s.grace), release, object_new(i));
    grace_turn(s.grace);
    unsigned pieces = 0;
    while (s.released < MANY) {
        unsigned before = s.released;
        CU_ASSERT_FATAL(period_ended(&s, 2000));
        CU_ASSERT(s.released > before && s.released - before < MANY / 2);
        later(grace_later(s.grace), release, object_new(0)); /* its period has not begun, so it has to wait */
        grace_turn(s.grace);
        pieces++;
    }
    CU_ASSERT_EQUAL(s.released, MANY);
    CU_ASSERT(pieces > 2);
    CU_ASSERT(period_ended(&s, 2000));
    CU_ASSERT_EQUAL(s.released, MANY + pieces);
    end(&s, NULL, 0);
}

static const struct unit_case cases[] = {
    {"nothing is freed while a lane reads it", nothing_is_freed_under_a_reader},
    {"a grace period waits for a lane that is not quiescent", a_period_waits_for_a_lane_that_is_not_quiescent},
    {"a grace period ends without lanes, one at a time", a_period_needs_no_lane},
    {"what is freed may defer more", what_is_freed_may_defer_more},
    {"much is freed in pieces", much_is_freed_in_pieces},
};
UNIT_MAIN("grace", cases)
