/* The thread around a lane, on a veth pair; lane_forward is this file's. Where devices are not allowed the cases say so
 * and pass, but for those that need none. */
#define _GNU_SOURCE /* unshare */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "forwarding/grace.h"
#include "forwarding/lane_thread.h"
#include "tests/unit/support/unit.h"

/* What lane_forward was given; written by the lane's thread. */
static struct {
    unsigned frames; /* atomic, as the rest */
    unsigned odd_time;
    bool punt;
} forwarded;

bool lane_forward(struct lane *lane, struct packet *burst, unsigned n, struct now now)
{
    (void)lane;
    unsigned ours = 0;
    for (unsigned i = 0; i < n; i++)
        ours += burst[i].len == 100;
    struct timespec monotonic;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    uint64_t ns = (uint64_t)monotonic.tv_sec * NS_PER_S + (uint64_t)monotonic.tv_nsec;
    if (now.ns > ns || now.ns + 5 * NS_PER_S < ns)
        __atomic_add_fetch(&forwarded.odd_time, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&forwarded.frames, ours, __ATOMIC_RELEASE);
    return ours > 0 && __atomic_load_n(&forwarded.punt, __ATOMIC_RELAXED);
}

static bool allowed;

static void make_network(void)
{
    static bool tried;
    if (tried)
        return;
    tried = true;
    if (unshare(CLONE_NEWNET) != 0) {
        printf("\n    not tested: a network namespace is not allowed here (%s)", strerror(errno));
        return;
    }
    allowed =
        system("ip link add r0 type veth peer name h0 && " // NOLINT(cert-env33-c)
               "for e in r0 h0; do echo 1 > /proc/sys/net/ipv6/conf/$e/disable_ipv6; ip link set $e up; done") == 0;
    if (!allowed)
        printf("\n    not tested: veth devices can not be made here");
}

struct scene {
    struct grace *grace;
    struct af_packet *a;
    struct lane lane;
    struct lane_thread *thread;
    int wake_fd, core_asleep;
    int host;
    char refused[256];
};

static int host_open(void)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("h0")};
    CU_ASSERT_FATAL(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

static void begin(struct scene *s, struct lane_thread_settings settings)
{
    *s = (struct scene){.grace = grace_new(), .wake_fd = eventfd(0, EFD_NONBLOCK), .host = -1};
    memset(&forwarded, 0, sizeof forwarded);
    s->a = af_packet_new(1, grace_later(s->grace));
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->a);
    s->thread = lane_thread_start(&s->lane, s->a, s->wake_fd, &s->core_asleep, settings, s->refused, sizeof s->refused);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->thread);
}

static bool begin_with_port(struct scene *s)
{
    make_network();
    if (!allowed)
        return false;
    begin(s, (struct lane_thread_settings){.cpu = -1});
    char why[256];
    CU_ASSERT_FATAL(af_packet_open(s->a, 0, if_nametoindex("r0"), "r0", true, why, sizeof why));
    s->host = host_open();
    return true;
}

static void end(struct scene *s)
{
    lane_thread_stop(s->thread);
    af_packet_free(s->a);
    grace_free(s->grace);
    close(s->wake_fd);
    if (s->host >= 0)
        close(s->host);
}

static void host_send(const struct scene *s, unsigned n)
{
    static const uint8_t frame[100] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 0, 0x45};
    for (unsigned i = 0; i < n; i++)
        CU_ASSERT(write(s->host, frame, sizeof frame) == sizeof frame);
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static bool came_within(unsigned n, unsigned pauses)
{
    for (unsigned i = 0; i < pauses; i++, pause_ms(2))
        if (__atomic_load_n(&forwarded.frames, __ATOMIC_ACQUIRE) >= n)
            return true;
    return false;
}

static bool came(unsigned n)
{
    return came_within(n, 500);
}

static bool woken(const struct scene *s, int timeout_ms)
{
    eventfd_t times;
    struct pollfd fd = {.fd = s->wake_fd, .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1 && eventfd_read(s->wake_fd, &times) == 0;
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void frames_go_through_the_lane(void)
{
    struct scene s;
    if (!begin_with_port(&s))
        return;
    host_send(&s, 1);
    CU_ASSERT(came(1));
    pause_ms(20); /* asleep by now */
    host_send(&s, 1000);
    CU_ASSERT(came(1001));
    CU_ASSERT_EQUAL(forwarded.odd_time, 0);
    end(&s);
}

static void the_core_is_woken_only_when_asleep(void)
{
    struct scene s;
    if (!begin_with_port(&s))
        return;
    __atomic_store_n(&s.core_asleep, 1, __ATOMIC_SEQ_CST);
    host_send(&s, 1);
    CU_ASSERT(came(1));
    CU_ASSERT(!woken(&s, 20)); /* nothing was punted */
    __atomic_store_n(&forwarded.punt, true, __ATOMIC_RELAXED);
    host_send(&s, 1);
    CU_ASSERT(woken(&s, 1000));
    __atomic_store_n(&s.core_asleep, 0, __ATOMIC_SEQ_CST);
    host_send(&s, 1);
    CU_ASSERT(came(3));
    CU_ASSERT(!woken(&s, 20)); /* it is not asleep */
    end(&s);
}

static void an_idle_lane_costs_nothing(void)
{
    struct scene s;
    if (!begin_with_port(&s))
        return;
    CU_ASSERT(system("ip link set r0 down") == 0); // NOLINT(cert-env33-c): its error must not keep the lane awake
    pause_ms(50);
    uint64_t before = cpu_ns();
    pause_ms(500);
    CU_ASSERT(cpu_ns() - before < 2 * NS_PER_MS);
    CU_ASSERT(system("ip link set r0 up") == 0); // NOLINT(cert-env33-c)
    /* the kernel may take a second until the other end sends again, and drops what comes before */
    for (unsigned i = 0; i < 200 && !came_within(1, 10); i++)
        host_send(&s, 1);
    CU_ASSERT(came(1));
    end(&s);
}

static void a_sleeping_lane_holds_up_no_grace_period(void)
{
    struct scene s;
    begin(&s, (struct lane_thread_settings){.cpu = -1});
    pause_ms(20);
    later(grace_later(s.grace), free, malloc(1));
    grace_turn(s.grace);
    struct pollfd fd = {.fd = grace_fd(s.grace), .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&fd, 1, 1000), 1);
    grace_ready(s.grace);
    end(&s);
}

static void ports_come_and_go_under_a_running_lane(void)
{
    struct scene s;
    if (!begin_with_port(&s))
        return;
    char why[256];
    for (unsigned i = 0; i < 5; i++) {
        host_send(&s, 200);
        af_packet_close(s.a, 0);
        grace_turn(s.grace);
        if (poll(&(struct pollfd){.fd = grace_fd(s.grace), .events = POLLIN}, 1, 1000) == 1)
            grace_ready(s.grace);
        CU_ASSERT(af_packet_open(s.a, 0, if_nametoindex("r0"), "r0", true, why, sizeof why));
    }
    unsigned before = __atomic_load_n(&forwarded.frames, __ATOMIC_ACQUIRE);
    host_send(&s, 10);
    CU_ASSERT(came(before + 10));
    end(&s);
}

static void what_is_refused_is_a_sentence(void)
{
    struct scene s;
    begin(&s, (struct lane_thread_settings){.cpu = 4000});
    CU_ASSERT(strstr(s.refused, "lane 0 runs on any CPU, not on CPU 4000: ") != NULL);
    end(&s);
    begin(&s, (struct lane_thread_settings){.cpu = 0, .realtime = true});
    CU_ASSERT(s.refused[0] == 0 || strstr(s.refused, "CAP_SYS_NICE") != NULL);
    end(&s);
}

/* The lane's thread, found by its name. */
static pid_t lane_tid(void)
{
    pid_t found = 0;
    DIR *tasks = opendir("/proc/self/task");
    CU_ASSERT_PTR_NOT_NULL_FATAL(tasks);
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300], name[16] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        if (fscanf(file, "%15s", name) == 1 && strcmp(name, "lane0") == 0)
            found = (pid_t)atoi(task->d_name);
        fclose(file);
    }
    closedir(tasks);
    return found;
}

static void priority_and_cpu_are_as_wished(void)
{
    struct scene s;
    cpu_set_t set;
    begin(&s, (struct lane_thread_settings){.cpu = 0});
    pid_t tid = lane_tid();
    CU_ASSERT_FATAL(tid > 0);
    CU_ASSERT(s.refused[0] != 0 || getpriority(PRIO_PROCESS, (id_t)tid) == -20);
    CU_ASSERT(sched_getaffinity(tid, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set));
    CU_ASSERT_EQUAL(getpriority(PRIO_PROCESS, 0), 0); /* the core's is not touched */
    end(&s);
    begin(&s, (struct lane_thread_settings){.cpu = -1, .realtime = true});
    CU_ASSERT(s.refused[0] != 0 || sched_getscheduler(lane_tid()) == SCHED_FIFO);
    end(&s);
}

static const struct unit_case cases[] = {
    {"frames go through the lane, asleep or not", frames_go_through_the_lane},
    {"the core is woken by a punt, and only when asleep", the_core_is_woken_only_when_asleep},
    {"an idle lane costs nothing, with a device down too", an_idle_lane_costs_nothing},
    {"a sleeping lane holds up no grace period", a_sleeping_lane_holds_up_no_grace_period},
    {"ports come and go under a running lane", ports_come_and_go_under_a_running_lane},
    {"what is refused is a sentence", what_is_refused_is_a_sentence},
    {"priority and CPU are as wished", priority_and_cpu_are_as_wished},
};
UNIT_MAIN("lane_thread", cases)
