/* What is given to the worker is done there in order, and told here. */
#include <pthread.h>
#include <string.h>

#include "daemon/worker.h"
#include "tests/unit/support/unit.h"

struct note {
    struct worker *worker;
    pthread_t worked_by;
    unsigned number, *worked, *told;
    struct note *next; /* to be given when this one is told */
};

static void work(void *data)
{
    struct note *note = data;
    note->worked_by = pthread_self();
    CU_ASSERT_EQUAL(note->number, (*note->worked)++);
}

static void done(void *data)
{
    struct note *note = data;
    CU_ASSERT_EQUAL(note->number, (*note->told)++);
    CU_ASSERT(!pthread_equal(note->worked_by, pthread_self()));
    if (note->next != NULL)
        CU_ASSERT(worker_do(note->worker, work, NULL, note->next));
}

static void in_order(void)
{
    struct event_base *base = event_base_new();
    struct worker *worker = worker_new(base);
    CU_ASSERT_FATAL(worker != NULL);
    struct note notes[50];
    unsigned worked = 0, told = 0;
    for (unsigned i = 0; i < 50; i++) {
        notes[i] = (struct note){.worker = worker, .number = i, .worked = &worked, .told = &told};
        CU_ASSERT(worker_do(worker, work, done, &notes[i]));
    }
    CU_ASSERT_EQUAL(told, 0);
    while (told < 50)
        event_base_loop(base, EVLOOP_ONCE);
    worker_free(worker);
    event_base_free(base);
}

static void nothing_is_lost_at_the_end(void)
{
    struct event_base *base = event_base_new();
    struct worker *worker = worker_new(base);
    CU_ASSERT_FATAL(worker != NULL);
    unsigned worked = 0, told = 0;
    struct note last = {.worker = worker, .number = 1, .worked = &worked, .told = &told};
    struct note first = {.worker = worker, .worked = &worked, .told = &told, .next = &last};
    CU_ASSERT(worker_do(worker, work, done, &first));
    worker_free(worker);
    CU_ASSERT_EQUAL(worked, 2);
    CU_ASSERT_EQUAL(told, 1);
    event_base_free(base);
}

/* Tasks that end only when so many of them are under way at once. */
struct crowd {
    pthread_barrier_t barrier;
    unsigned told;
};

static void meet(void *data)
{
    struct crowd *crowd = data;
    (void)pthread_barrier_wait(&crowd->barrier);
}

static void met(void *data)
{
    struct crowd *crowd = data;
    crowd->told++;
}

static void several_at_a_time_told_one_a_turn(void)
{
    enum { THREADS = 4 };
    struct event_base *base = event_base_new();
    struct worker *workers = worker_new_of(base, "crowd", THREADS);
    CU_ASSERT_FATAL(workers != NULL);
    struct crowd crowd = {.told = 0};
    pthread_barrier_init(&crowd.barrier, NULL, THREADS);
    for (unsigned round = 0; round < 3; round++) {
        crowd.told = 0;
        for (unsigned i = 0; i < THREADS; i++)
            CU_ASSERT(worker_do(workers, meet, met, &crowd));
        for (unsigned turn = 1; turn <= THREADS; turn++) {
            event_base_loop(base, EVLOOP_ONCE);
            CU_ASSERT_EQUAL(crowd.told, turn);
        }
    }
    for (unsigned i = 0; i < THREADS; i++)
        CU_ASSERT(worker_do(workers, meet, met, &crowd));
    worker_finish(workers);
    CU_ASSERT_EQUAL(crowd.told, THREADS + THREADS);
    worker_free(workers);
    pthread_barrier_destroy(&crowd.barrier);
    event_base_free(base);
}

static void finishing_includes_what_follows(void)
{
    struct event_base *base = event_base_new();
    struct worker *worker = worker_new_of(base, "limited", 4);
    CU_ASSERT_FATAL(worker != NULL);
    worker_limit(worker, 1); /* then it is in order, too */
    unsigned worked = 0, told = 0;
    struct note last = {.worker = worker, .number = 1, .worked = &worked, .told = &told};
    struct note first = {.worker = worker, .worked = &worked, .told = &told, .next = &last};
    CU_ASSERT(worker_do(worker, work, done, &first));
    worker_finish(worker);
    CU_ASSERT_EQUAL(worked, 2);
    CU_ASSERT_EQUAL(told, 1);
    worker_free(worker);
    event_base_free(base);
}

static const struct unit_case cases[] = {
    {"work is done in order in another thread and told in the loop", in_order},
    {"everything is worked and told before the worker ends", nothing_is_lost_at_the_end},
    {"several work at a time, and are told one a turn", several_at_a_time_told_one_a_turn},
    {"finishing includes what follows from what is told", finishing_includes_what_follows},
};
UNIT_MAIN("daemon worker", cases)
