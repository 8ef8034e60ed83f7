/* Interfaces on TAP devices in a namespace of this process alone, opened by threads that the test holds up. Where none
 * may be made there is nothing to test. */
#define _GNU_SOURCE /* unshare */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/config_file.h"
#include "daemon/findings.h"
#include "daemon/interfaces.h"
#include "daemon/router.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

#define TAPS 3

struct bench {
    struct router router;
    struct config *had; /* the configuration before the running one */
    int tap[TAPS];
    unsigned descriptors; /* before all this */
    sem_t held, go_on;
};

static const struct now now = {.ns = 1};

static unsigned descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    unsigned n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

static bool make_tap(struct bench *b, unsigned i)
{
    struct ifreq r = {.ifr_name = {'t', 'a', 'p', (char)('0' + i)}};
    int control = socket(AF_INET, SOCK_DGRAM, 0);
    b->tap[i] = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    r.ifr_flags = IFF_TAP | IFF_NO_PI;
    bool made = b->tap[i] >= 0 && ioctl(b->tap[i], TUNSETIFF, &r) == 0;
    r.ifr_flags = IFF_UP;
    made = made && ioctl(control, SIOCSIFFLAGS, &r) == 0;
    close(control);
    return made;
}

static void load(struct bench *b, const char *interfaces)
{
    char path[] = "/tmp/ferryd-test-XXXXXX", text[512];
    int fd = mkstemp(path), len = snprintf(text, sizeof text, "interfaces = (%s);\n", interfaces);
    CU_ASSERT_FATAL(write(fd, text, (size_t)len) == len);
    close(fd);
    struct findings findings;
    findings_init(&findings, true);
    struct config *config = config_load(path, &findings.errors);
    CU_ASSERT_PTR_NOT_NULL_FATAL(config);
    config_free(b->had);
    b->had = b->router.running;
    b->router.running = config;
    unlink(path);
}

static bool bench_init(struct bench *b, const char *interfaces)
{
    char why[256];
    memset(b, 0, sizeof *b);
    b->descriptors = descriptors();
    if (unshare(CLONE_NEWNET) < 0 || !make_tap(b, 0) || !make_tap(b, 1) || !make_tap(b, 2)) {
        printf("(not tested: no network namespace or TAP device can be made here: %s) ", strerror(errno));
        return false;
    }
    struct router *r = &b->router;
    log_init(&r->log);
    r->log.level_fixed = true;
    r->log.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    load(b, interfaces);
    r->base = event_base_new();
    r->grace = grace_new();
    r->loop = loop_new(r->base, r->grace);
    r->af_packet = af_packet_new(1, &later_at_once);
    struct transmit *transmit[] = {af_packet_lane_transmit(r->af_packet, 0)};
    struct dataplane_settings settings = {.lanes = 1,
                                          .seed = 1,
                                          .later = &later_at_once,
                                          .core_transmit = af_packet_core_transmit(r->af_packet),
                                          .lane_transmit = transmit};
    r->dataplane = dataplane_new(&settings);
    r->rib = rib_new(r->dataplane->tables.fib, &later_at_once);
    loop_serve(r->loop, r->dataplane, r->af_packet, r->rib);
    r->worker = worker_new(r->base);
    r->openers = worker_new_of(r->base, "opener", 4);
    r->guard = guard_new(r->base, &r->log);
    r->interfaces = interfaces_new(r);
    r->links = links_new(r->base, &r->log, interfaces_device_changed, r->interfaces, why, sizeof why);
    CU_ASSERT_FATAL(r->openers != NULL && r->interfaces != NULL && r->links != NULL);
    return true;
}

static void bench_exit(struct bench *b)
{
    int log_fd = b->router.log.fd;
    router_stop(&b->router);
    config_free(b->had);
    close(log_fd);
    for (unsigned i = 0; i < TAPS; i++)
        if (b->tap[i] >= 0)
            close(b->tap[i]);
    CU_ASSERT_EQUAL(descriptors(), b->descriptors);
}

static void hold(void *data)
{
    struct bench *b = data;
    sem_post(&b->held);
    while (sem_wait(&b->go_on) != 0)
        continue;
}

/* From here to go_on() nothing is opened. */
static void hold_openers(struct bench *b)
{
    sem_init(&b->held, 0, 0);
    sem_init(&b->go_on, 0, 0);
    worker_limit(b->router.openers, 1);
    CU_ASSERT_FATAL(worker_do(b->router.openers, hold, NULL, b));
    while (sem_wait(&b->held) != 0)
        continue;
}

static void go_on(struct bench *b)
{
    sem_post(&b->go_on);
}

static const char *reason(const struct bench *b, unsigned i)
{
    struct cli_link view;
    CU_ASSERT_FATAL(interfaces_view(b->router.interfaces, i, &view));
    return view.reason == NULL ? "" : view.reason;
}

static bool is_up(const struct bench *b, unsigned i)
{
    struct cli_link view;
    CU_ASSERT_FATAL(interfaces_view(b->router.interfaces, i, &view));
    const struct port *port = dataplane_port(b->router.dataplane, view.port);
    return view.reason == NULL && port != NULL && port->up && af_packet_hears(b->router.af_packet, view.port);
}

#define TAP0 "{ name = \"tap0\"; addresses = \"10.0.0.1/24\"; }"
#define TAP1 "{ name = \"tap1\"; addresses = \"10.0.1.1/24\"; }"
#define TAP2 "{ name = \"tap2\"; addresses = \"10.0.2.1/24\"; }"

static void the_start_waits(void)
{
    struct bench b;
    if (!bench_init(&b, TAP0 ", " TAP1 ", " TAP2))
        return;
    CU_ASSERT_EQUAL(interfaces_apply(b.router.interfaces, b.router.running, now), 0);
    CU_ASSERT_EQUAL(interfaces_wait(b.router.interfaces, now), 0);
    for (unsigned i = 0; i < TAPS; i++)
        CU_ASSERT(is_up(&b, i));
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).installed[RIB_CONNECTED], TAPS);
    bench_exit(&b);
}

static void told(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    *(bool *)context = true;
}

static void the_core_goes_on(void)
{
    struct bench b;
    if (!bench_init(&b, TAP0 ", " TAP1))
        return;
    bool all_open = false;
    struct event *then = evtimer_new(b.router.base, told, &all_open);
    hold_openers(&b);
    CU_ASSERT_EQUAL(interfaces_apply(b.router.interfaces, b.router.running, now), 0);
    CU_ASSERT(interfaces_opening(b.router.interfaces, then));
    event_base_loop(b.router.base, EVLOOP_NONBLOCK);
    for (unsigned i = 0; i < 2; i++) {
        CU_ASSERT_STRING_EQUAL(reason(&b, i), "it is being opened");
        CU_ASSERT(!is_up(&b, i));
    }
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).routes[RIB_CONNECTED], 0);
    CU_ASSERT_EQUAL(af_packet_ring_bytes(b.router.af_packet), 0);
    CU_ASSERT(!all_open);
    go_on(&b);
    while (!all_open)
        event_base_loop(b.router.base, EVLOOP_ONCE);
    CU_ASSERT(is_up(&b, 0) && is_up(&b, 1));
    CU_ASSERT_EQUAL(rib_summary(b.router.rib).installed[RIB_CONNECTED], 2);
    CU_ASSERT(!interfaces_opening(b.router.interfaces, then));
    event_free(then);
    bench_exit(&b);
}

/* Whatever is made for it then is closed again: bench_exit counts. */
static void what_is_not_wanted_any_more(void)
{
    struct bench b;
    if (!bench_init(&b, TAP0 ", " TAP1))
        return;
    hold_openers(&b);
    interfaces_apply(b.router.interfaces, b.router.running, now);
    load(&b, TAP1);
    interfaces_apply(b.router.interfaces, b.router.running, now);
    load(&b, TAP0 ", " TAP1);
    interfaces_apply(b.router.interfaces, b.router.running, now); /* tap0 once more, while the first is in the queue */
    go_on(&b);
    CU_ASSERT_EQUAL(interfaces_wait(b.router.interfaces, now), 0);
    CU_ASSERT(is_up(&b, 0) && is_up(&b, 1));
    hold_openers(&b);
    load(&b, TAP0 ", " TAP2);
    interfaces_apply(b.router.interfaces, b.router.running, now);
    CU_ASSERT(is_up(&b, 0) && !is_up(&b, 1));
    go_on(&b);
    bench_exit(&b); /* with one still being opened */
}

static void a_device_that_goes_meanwhile(void)
{
    struct bench b;
    if (!bench_init(&b, TAP0))
        return;
    hold_openers(&b);
    interfaces_apply(b.router.interfaces, b.router.running, now);
    close(b.tap[0]);
    b.tap[0] = -1;
    go_on(&b);
    CU_ASSERT_EQUAL(interfaces_wait(b.router.interfaces, now), 1);
    CU_ASSERT(strstr(reason(&b, 0), "the device is gone") != NULL);
    hold_openers(&b);
    CU_ASSERT(make_tap(&b, 0));
    while (strcmp(reason(&b, 0), "it is being opened") != 0) /* links tell that it went, and that it came */
        event_base_loop(b.router.base, EVLOOP_ONCE);
    go_on(&b);
    while (!is_up(&b, 0))
        event_base_loop(b.router.base, EVLOOP_ONCE);
    bench_exit(&b);
}

static const struct unit_case cases[] = {
    {"the start waits until all are open", the_start_waits},
    {"the core goes on while an interface is opened, and nothing leads to it yet", the_core_goes_on},
    {"what was being opened and is not wanted any more is closed", what_is_not_wanted_any_more},
    {"a device that goes while it is being opened is taken when it is back", a_device_that_goes_meanwhile},
};
UNIT_MAIN("daemon interfaces", cases)
