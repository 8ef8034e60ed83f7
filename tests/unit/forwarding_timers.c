#include "forwarding/timers.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/unit.h"

#define N 300

struct shot {
    struct timer timer;
    unsigned fired;
    uint64_t again_ns; /* 0: not again */
    struct timer *stops;
};

static struct {
    struct timers timers;
    struct shot shots[N];
    struct shot *order[4 * N];
    unsigned n_order;
    uint64_t random;
} t;

static void fire(struct timer *timer, void *context, struct now now)
{
    struct shot *shot = (struct shot *)timer;
    CU_ASSERT_PTR_EQUAL(context, &t);
    CU_ASSERT_FALSE(timer_is_set(timer));
    CU_ASSERT_TRUE(timer->due_ns <= now.ns);
    shot->fired++;
    if (t.n_order < 4 * N)
        t.order[t.n_order++] = shot;
    if (shot->again_ns != 0)
        timer_set(&t.timers, timer, shot->again_ns);
    if (shot->stops != NULL)
        timer_stop(&t.timers, shot->stops);
}

static void setup(void)
{
    memset(&t, 0, sizeof t);
    timers_init(&t.timers, &t);
    for (unsigned i = 0; i < N; i++)
        t.shots[i].timer.fire = fire;
}

static struct now at(uint64_t ns)
{
    return (struct now){.ns = ns};
}

static unsigned random_below(unsigned n)
{
    t.random = t.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(t.random >> 33) % n;
}

static void check_order(void)
{
    setup();
    uint64_t due[] = {50, 10, 40, 20, 30};
    for (unsigned i = 0; i < 5; i++)
        CU_ASSERT_TRUE(timer_set(&t.timers, &t.shots[i].timer, due[i]));
    CU_ASSERT_EQUAL(timers_due(&t.timers), 10);
    CU_ASSERT_EQUAL(timers_run(&t.timers, at(9), 100), 0);
    CU_ASSERT_EQUAL(timers_run(&t.timers, at(40), 100), 4);
    CU_ASSERT_EQUAL(timers_due(&t.timers), 50);
    unsigned want[] = {1, 3, 4, 2};
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_PTR_EQUAL(t.order[i], &t.shots[want[i]]);
    CU_ASSERT_EQUAL(timers_run(&t.timers, at(50), 100), 1);
    CU_ASSERT_EQUAL(timers_due(&t.timers), NEVER_NS);
    timers_exit(&t.timers);
}

static void check_most(void)
{
    setup();
    for (unsigned i = 0; i < 10; i++)
        timer_set(&t.timers, &t.shots[i].timer, 100 + i);
    CU_ASSERT_EQUAL(timers_run(&t.timers, at(1000), 4), 4);
    CU_ASSERT_EQUAL(timers_due(&t.timers), 104);
    CU_ASSERT_EQUAL(timers_run(&t.timers, at(1000), 100), 6);
    timers_exit(&t.timers);
}

static void check_again(void)
{
    setup();
    t.shots[0].again_ns = 5; /* long past */
    timer_set(&t.timers, &t.shots[0].timer, 5);
    CU_ASSERT_EQUAL(timers_run(&t.timers, at(100), 1000), 1);
    CU_ASSERT_TRUE(timer_is_set(&t.shots[0].timer));
    CU_ASSERT_EQUAL(timers_due(&t.timers), 101);
    CU_ASSERT_EQUAL(timers_run(&t.timers, at(101), 1000), 1);
    timers_exit(&t.timers);
}

static void check_stop_other(void)
{
    setup();
    timer_set(&t.timers, &t.shots[0].timer, 10);
    timer_set(&t.timers, &t.shots[1].timer, 11);
    t.shots[0].stops = &t.shots[1].timer;
    CU_ASSERT_EQUAL(timers_run(&t.timers, at(20), 100), 1);
    CU_ASSERT_EQUAL(t.shots[1].fired, 0);
    timer_stop(&t.timers, &t.shots[1].timer);
    CU_ASSERT_EQUAL(timers_due(&t.timers), NEVER_NS);
    timers_exit(&t.timers);
}

static void check_exit(void)
{
    setup();
    timer_set(&t.timers, &t.shots[0].timer, 10);
    timers_exit(&t.timers);
    CU_ASSERT_FALSE(timer_is_set(&t.shots[0].timer));
    CU_ASSERT_EQUAL(timers_due(&t.timers), NEVER_NS);
}

/* The twin is an array of due times that is searched from end to end. */
static void check_twin(void)
{
    setup();
    uint64_t due[N];
    uint64_t now = 1;
    unsigned wrong = 0;
    memset(due, 0xff, sizeof due);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned i = random_below(N);
        unsigned what = random_below(8);
        if (what < 5) {
            due[i] = now + random_below(1000);
            timer_set(&t.timers, &t.shots[i].timer, due[i]);
        } else if (what < 7) {
            due[i] = NEVER_NS;
            timer_stop(&t.timers, &t.shots[i].timer);
        } else {
            now += random_below(100);
            t.n_order = 0;
            unsigned most = random_below(20);
            unsigned fired = timers_run(&t.timers, at(now), most);
            wrong += fired != t.n_order;
            for (unsigned k = 0; k < fired; k++) {
                size_t who = (size_t)(t.order[k] - t.shots);
                for (unsigned j = 0; j < N; j++)
                    wrong += due[j] < due[who];
                wrong += due[who] > now;
                due[who] = NEVER_NS;
            }
        }
        uint64_t earliest = NEVER_NS;
        for (unsigned j = 0; j < N; j++) {
            earliest = due[j] < earliest ? due[j] : earliest;
            wrong += timer_is_set(&t.shots[j].timer) != (due[j] != NEVER_NS);
        }
        wrong += timers_due(&t.timers) != earliest;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    timers_exit(&t.timers);
}

static const struct unit_case cases[] = {
    {"timers fire in the order of their deadlines, none early", check_order},
    {"one run fires no more than it was allowed", check_most},
    {"a timer that sets itself for the past waits for a later run", check_again},
    {"a timer stopped by another that fired first does not fire", check_stop_other},
    {"after exit no timer is set", check_exit},
    {"random setting, moving, stopping and running agrees with a searched list", check_twin},
};

UNIT_MAIN("timers", cases)
