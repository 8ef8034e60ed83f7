#define _GNU_SOURCE /* accept4, struct ucred */
#include "daemon/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/shield.h"

struct guard {
    struct event_base *base;
    const struct log *log;
    int program; /* -1: no shield here */
    pthread_mutex_t one;
};

struct guard *guard_new(struct event_base *base, const struct log *log)
{
    struct guard *g = calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->base = base;
    g->log = log;
    pthread_mutex_init(&g->one, NULL);
    g->program = shield_load();
    if (g->program < 0)
        log_notice(log,
                   "the kernel also sees the IPv4 and ARP of our interfaces, because loading the BPF program that "
                   "keeps them from it failed (%s): forwarding works all the same, a little slower; give ferryd "
                   "CAP_BPF to change it",
                   strerror(errno));
    return g;
}

void guard_free(struct guard *g)
{
    if (g == NULL)
        return;
    if (g->program >= 0)
        close(g->program);
    pthread_mutex_destroy(&g->one);
    free(g);
}

/* ---- the claim ---- */

/* Whoever finds the device claimed connects to learn our pid and goes away: without this its connections would fill the
 * queue. */
static void visitor_came(int fd, short what, void *context)
{
    (void)what;
    (void)context;
    int visitor = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (visitor >= 0)
        close(visitor);
}

static socklen_t claim_address(struct sockaddr_un *address, const char *name)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int len = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "ferryd/%s", name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

/* 0 when it can not be had: its queue is full, or it is in another pid namespace. */
static pid_t claim_owner(const struct sockaddr_un *address, socklen_t len)
{
    struct ucred owner = {0};
    socklen_t size = sizeof owner;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return 0;
    if (connect(fd, (const struct sockaddr *)address, len) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) < 0)
        owner.pid = 0;
    close(fd);
    return owner.pid;
}

static void explain_claimed(const struct sockaddr_un *address, socklen_t len, char *why, size_t why_size)
{
    pid_t pid = claim_owner(address, len);
    if (pid > 0)
        snprintf(why, why_size,
                 "another ferryd (pid %d) forwards on it: stop that one, or take the interface out of "
                 "one of the two configurations",
                 (int)pid);
    else
        snprintf(why, why_size,
                 "another ferryd forwards on it: stop that one, or take the interface out of one of "
                 "the two configurations");
}

bool guard_claim(struct guard *g, struct guarded *held, const char *name, char *why, size_t why_size)
{
    struct sockaddr_un address;
    socklen_t len = claim_address(&address, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        snprintf(why, why_size, "no socket to claim it with: %s", strerror(errno));
        return false;
    }
    if (bind(fd, (const struct sockaddr *)&address, len) < 0 || listen(fd, 16) < 0) {
        if (errno == EADDRINUSE)
            explain_claimed(&address, len, why, why_size);
        else
            snprintf(why, why_size, "claiming it failed: %s", strerror(errno));
        close(fd);
        return false;
    }
    held->claim = fd;
    held->visitors = event_new(g->base, fd, EV_READ | EV_PERSIST, visitor_came, NULL);
    if (held->visitors != NULL)
        event_add(held->visitors, NULL);
    return true;
}

void guard_release(struct guarded *held)
{
    if (held->visitors != NULL)
        event_free(held->visitors);
    if (held->claim >= 0)
        close(held->claim);
    *held = GUARD_NOTHING;
}

/* ---- the shield ----
 *
 * The kernel attaches and detaches under the lock of all its network configuration (rtnl), and holds that for a grace
 * period of some 12 ms. One at a time does not take longer, then, and whoever else wants that lock, the core not
 * least, waits for one of ours and not for all. */

bool guard_has_shield(const struct guard *g)
{
    return g->program >= 0;
}

int guard_shield(struct guard *g, uint32_t ifindex, char *why, size_t why_size)
{
    why[0] = '\0';
    if (g->program < 0)
        return -1;
    pthread_mutex_lock(&g->one);
    int shield = shield_attach(g->program, ifindex);
    int error = errno;
    pthread_mutex_unlock(&g->one);
    if (shield < 0)
        snprintf(why, why_size, "attaching the BPF program that keeps them from it failed (%s)%s", strerror(error),
                 error == EINVAL ? "; Linux 6.6 or newer is needed for it" : "");
    return shield;
}

void guard_unshield(struct guard *g, int shield)
{
    if (shield < 0)
        return;
    pthread_mutex_lock(&g->one);
    close(shield);
    pthread_mutex_unlock(&g->one);
}

/* ---- what the kernel does on its own ---- */

bool guard_kernel_forwards(const char *name)
{
    char path[128], value[8];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/forwarding", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false; /* no /proc, or the device is gone just now */
    ssize_t n = read(fd, value, sizeof value);
    close(fd);
    return n > 0 && value[0] != '0';
}

const char *guard_forwarding_cure(const char *name, char *to, size_t size)
{
    if (strchr(name, '.') != NULL)
        snprintf(to, size, "sysctl -w net/ipv4/conf/%s/forwarding=0", name);
    else
        snprintf(to, size, "sysctl -w net.ipv4.conf.%s.forwarding=0", name);
    return to;
}

bool guard_capable(char *why, size_t why_size)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0)
        return true; /* then the first thing that is refused will say so */
    bool raw = (data[0].effective & 1U << CAP_NET_RAW) != 0;
    bool admin = (data[0].effective & 1U << CAP_NET_ADMIN) != 0;
    if (raw && admin)
        return true;
    snprintf(why, why_size,
             "ferryd needs %s%s%s: run it as root, or give its service AmbientCapabilities=CAP_NET_RAW CAP_NET_ADMIN",
             raw ? "" : "CAP_NET_RAW", !raw && !admin ? " and " : "", admin ? "" : "CAP_NET_ADMIN");
    return false;
}
