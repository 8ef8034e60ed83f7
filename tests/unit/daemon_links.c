/* A namespace of its own with TAP devices: they come and go with a descriptor, and need no other tool. Where none may
 * be made there is nothing to test. */
#define _GNU_SOURCE /* unshare */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/links.h"
#include "tests/unit/support/unit.h"

struct bench {
    struct log log;
    struct event_base *base;
    struct links *links;
    int control; /* any socket of the namespace */
    char told[16][PORT_NAME];
    unsigned n_told;
};

static void told(void *context, const char *name)
{
    struct bench *b = context;
    if (b->n_told < 16)
        snprintf(b->told[b->n_told++], PORT_NAME, "%s", name);
}

static bool bench_init(struct bench *b)
{
    char why[256];
    memset(b, 0, sizeof *b);
    if (unshare(CLONE_NEWNET) < 0) {
        printf("(not tested: no network namespace can be made here: %s) ", strerror(errno));
        return false;
    }
    log_init(&b->log);
    b->base = event_base_new();
    b->control = socket(AF_INET, SOCK_DGRAM, 0);
    b->links = links_new(b->base, &b->log, told, b, why, sizeof why);
    CU_ASSERT_FATAL(b->links != NULL);
    return true;
}

static void bench_exit(struct bench *b)
{
    links_free(b->links);
    event_base_free(b->base);
    close(b->control);
}

static void listen_to_the_kernel(struct bench *b)
{
    b->n_told = 0;
    event_base_loop(b->base, EVLOOP_NONBLOCK);
}

static bool was_told(const struct bench *b, const char *name)
{
    for (unsigned i = 0; i < b->n_told; i++)
        if (strcmp(b->told[i], name) == 0)
            return true;
    return false;
}

static struct ifreq request(const char *name)
{
    struct ifreq r;
    memset(&r, 0, sizeof r);
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
    return r;
}

/* A descriptor that is the device's life; -1 where there is none to be had. */
static int tap(const char *name)
{
    struct ifreq r = request(name);
    r.ifr_flags = IFF_TAP | IFF_NO_PI;
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0) {
        printf("(not tested: no TAP device can be made here: %s) ", strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static void set_up(struct bench *b, const char *name, bool up)
{
    struct ifreq r = request(name);
    r.ifr_flags = up ? IFF_UP : 0;
    CU_ASSERT(ioctl(b->control, SIOCSIFFLAGS, &r) == 0);
}

static void a_device_is_seen_to_come_change_and_go(void)
{
    struct bench b;
    int fd;
    if (!bench_init(&b))
        return;
    if ((fd = tap("t0")) >= 0) {
        listen_to_the_kernel(&b);
        const struct link *link = links_find(b.links, "t0");
        CU_ASSERT_FATAL(link != NULL);
        CU_ASSERT(was_told(&b, "t0") && !link->up && link->mtu == 1500 && link->hardware == 1);

        struct ifreq r = request("t0");
        r.ifr_mtu = 1400;
        CU_ASSERT(ioctl(b.control, SIOCSIFMTU, &r) == 0);
        set_up(&b, "t0", true);
        listen_to_the_kernel(&b);
        link = links_find(b.links, "t0");
        CU_ASSERT(was_told(&b, "t0") && link->up && link->carrier && link->mtu == 1400);

        close(fd);
        listen_to_the_kernel(&b);
        CU_ASSERT(was_told(&b, "t0") && links_find(b.links, "t0") == NULL);
    }
    bench_exit(&b);
}

static void a_rename_is_told_by_both_names(void)
{
    struct bench b;
    int fd;
    if (!bench_init(&b))
        return;
    if ((fd = tap("t0")) >= 0) {
        listen_to_the_kernel(&b);
        uint32_t index = links_find(b.links, "t0")->index;
        struct ifreq r = request("t0");
        snprintf(r.ifr_newname, sizeof r.ifr_newname, "t1");
        CU_ASSERT(ioctl(b.control, SIOCSIFNAME, &r) == 0);
        listen_to_the_kernel(&b);
        CU_ASSERT(was_told(&b, "t0") && was_told(&b, "t1"));
        CU_ASSERT(links_find(b.links, "t0") == NULL);
        const struct link *link = links_find(b.links, "t1");
        CU_ASSERT(link != NULL && link->index == index);
        close(fd);
    }
    bench_exit(&b);
}

static void addresses_of_the_kernel_are_seen(void)
{
    struct bench b;
    int fd;
    if (!bench_init(&b))
        return;
    if ((fd = tap("t0")) >= 0) {
        struct ifreq r = request("t0");
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000105)};
        memcpy(&r.ifr_addr, &address, sizeof address);
        CU_ASSERT(ioctl(b.control, SIOCSIFADDR, &r) == 0);
        listen_to_the_kernel(&b);
        const struct link *link = links_find(b.links, "t0");
        CU_ASSERT_FATAL(link != NULL && link->n_addresses == 1);
        CU_ASSERT(was_told(&b, "t0") && prefix_equal(link->addresses[0], (struct prefix){0x0a000105, 8}));
        address.sin_addr.s_addr = 0;
        memcpy(&r.ifr_addr, &address, sizeof address);
        CU_ASSERT(ioctl(b.control, SIOCSIFADDR, &r) == 0);
        listen_to_the_kernel(&b);
        CU_ASSERT(links_find(b.links, "t0")->n_addresses == 0);
        close(fd);
    }
    bench_exit(&b);
}

/* More changes than the socket holds: what was left out is read anew. */
static void nothing_is_lost_when_too_much_comes_at_once(void)
{
    struct bench b;
    int fd;
    if (!bench_init(&b))
        return;
    b.log.level = CONFIG_LOG_ERROR;
    if ((fd = tap("t0")) >= 0) {
        for (unsigned i = 0; i < 3000; i++)
            set_up(&b, "t0", i % 2 == 0);
        set_up(&b, "t0", true);
        close(fd);
        fd = tap("t9");
        for (unsigned i = 0; i < 300; i++)
            listen_to_the_kernel(&b);
        CU_ASSERT(links_find(b.links, "t0") == NULL);
        CU_ASSERT(links_find(b.links, "t9") != NULL);
        close(fd);
    }
    bench_exit(&b);
}

static const struct unit_case cases[] = {
    {"a device is seen to come, change and go", a_device_is_seen_to_come_change_and_go},
    {"a rename is told by both names", a_rename_is_told_by_both_names},
    {"the kernel's own addresses are seen to come and go", addresses_of_the_kernel_are_seen},
    {"nothing is lost when too much comes at once", nothing_is_lost_when_too_much_comes_at_once},
};
UNIT_MAIN("daemon links", cases)
