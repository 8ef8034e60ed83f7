#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/guard.h"
#include "tests/unit/support/unit.h"

/* No device has to be there for a claim; the name is no possible one, so that no running router is met. */
#define NAME "a name with 20 bytes"

struct bench {
    struct log log;
    struct event_base *base;
    struct guard *guard;
    struct guarded first, second;
    char why[256];
};

static void bench_init(struct bench *b)
{
    *b = (struct bench){.first = GUARD_NOTHING, .second = GUARD_NOTHING};
    log_init(&b->log);
    b->log.level = CONFIG_LOG_ERROR;
    b->base = event_base_new();
    b->guard = guard_new(b->base, &b->log);
    CU_ASSERT_FATAL(b->guard != NULL);
}

static void bench_exit(struct bench *b)
{
    guard_release(&b->first);
    guard_release(&b->second);
    guard_free(b->guard);
    event_base_free(b->base);
}

static void a_second_claim_is_refused_and_names_the_first(void)
{
    struct bench b;
    char pid[32];
    bench_init(&b);
    CU_ASSERT(guard_claim(b.guard, &b.first, NAME, b.why, sizeof b.why));
    CU_ASSERT(!guard_claim(b.guard, &b.second, NAME, b.why, sizeof b.why));
    snprintf(pid, sizeof pid, "(pid %d)", (int)getpid());
    CU_ASSERT(strstr(b.why, pid) != NULL);
    bench_exit(&b);
}

static void a_device_let_go_can_be_claimed(void)
{
    struct bench b;
    bench_init(&b);
    CU_ASSERT(guard_claim(b.guard, &b.first, NAME, b.why, sizeof b.why));
    guard_release(&b.first);
    CU_ASSERT(guard_claim(b.guard, &b.second, NAME, b.why, sizeof b.why));
    bench_exit(&b);
}

static void whoever_asks_often_still_learns_the_pid(void)
{
    struct bench b;
    bench_init(&b);
    CU_ASSERT(guard_claim(b.guard, &b.first, NAME, b.why, sizeof b.why));
    for (unsigned i = 0; i < 100; i++) {
        CU_ASSERT(!guard_claim(b.guard, &b.second, NAME, b.why, sizeof b.why));
        CU_ASSERT(strstr(b.why, "(pid ") != NULL);
        event_base_loop(b.base, EVLOOP_NONBLOCK);
    }
    bench_exit(&b);
}

static void names_with_dots_get_a_cure_that_works(void)
{
    char cure[96];
    CU_ASSERT_STRING_EQUAL(guard_forwarding_cure("r0", cure, sizeof cure), "sysctl -w net.ipv4.conf.r0.forwarding=0");
    CU_ASSERT_STRING_EQUAL(guard_forwarding_cure("r0.5", cure, sizeof cure),
                           "sysctl -w net/ipv4/conf/r0.5/forwarding=0");
}

static const struct unit_case cases[] = {
    {"a second claim on a device is refused and names the first's process",
     a_second_claim_is_refused_and_names_the_first},
    {"a device that was let go can be claimed", a_device_let_go_can_be_claimed},
    {"whoever asks often still learns who has the device", whoever_asks_often_still_learns_the_pid},
    {"the cure for forwarding works for names with dots", names_with_dots_get_a_cure_that_works},
};
UNIT_MAIN("daemon guard", cases)
