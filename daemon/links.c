/* One socket is told of changes, another asks; both bring the same messages to the same function, so it does not matter
 * by which of them something was learned. When the kernel says that it had to leave out messages (ENOBUFS), everything
 * is read anew: what did not turn up again is gone, and every name is told as changed, which costs nothing where
 * nothing did. */
#include "daemon/links.h"

#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "forwarding/bytes.h"

#define WATCH_BUFFER    (1 << 20)
#define MESSAGES_A_TURN 64
#define DUMP_ATTEMPTS   5
#define RETRY_S         1

struct links {
    const struct log *log;
    void (*changed)(void *context, const char *name);
    void *context;
    struct nl_sock *watch, *ask;
    struct event *event;
    struct event *retry; /* pending while what is known may be out of date */
    struct link **list;
    size_t n, room;
    bool dumping; /* no calls of changed() */
    bool missed;  /* the kernel left out messages: those queued are worth nothing */
};

const struct link *links_find(const struct links *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->list[i]->name, name) == 0)
            return l->list[i];
    return NULL;
}

static struct link *find(const struct links *l, uint32_t index)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->list[i]->index == index)
            return l->list[i];
    return NULL;
}

const struct link *links_find_index(const struct links *l, uint32_t index)
{
    return find(l, index);
}

static void tell(struct links *l, const char *name)
{
    if (!l->dumping)
        l->changed(l->context, name);
}

static struct link *add(struct links *l, uint32_t index)
{
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 16 : l->room * 2;
        struct link **list = reallocarray(l->list, room, sizeof *list);
        if (list == NULL)
            return NULL;
        l->list = list;
        l->room = room;
    }
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return NULL;
    link->index = index;
    l->list[l->n++] = link;
    return link;
}

static void free_link(struct link *link)
{
    free(link->addresses);
    free(link);
}

static void remove_link(struct links *l, const struct link *link)
{
    char name[PORT_NAME];
    memcpy(name, link->name, sizeof name);
    for (size_t i = 0; i < l->n; i++) {
        if (l->list[i] == link) {
            free_link(l->list[i]);
            l->list[i] = l->list[--l->n];
            break;
        }
    }
    tell(l, name);
}

/* ---- messages ---- */

static void read_attributes(struct link *link, struct nlattr *const a[])
{
    if (a[IFLA_ADDRESS] != NULL && nla_len(a[IFLA_ADDRESS]) == MAC_LEN)
        memcpy(link->mac, nla_data(a[IFLA_ADDRESS]), MAC_LEN);
    if (a[IFLA_MTU] != NULL)
        link->mtu = nla_get_u32(a[IFLA_MTU]);
    if (a[IFLA_CARRIER] != NULL)
        link->carrier = nla_get_u8(a[IFLA_CARRIER]) != 0;
    if (a[IFLA_QDISC] != NULL)
        link->noqueue = strcmp(nla_get_string(a[IFLA_QDISC]), "noqueue") == 0;
    link->master = a[IFLA_MASTER] != NULL ? nla_get_u32(a[IFLA_MASTER]) : 0;

    struct nlattr *info[IFLA_INFO_MAX + 1];
    link->kind[0] = '\0';
    if (a[IFLA_LINKINFO] != NULL && nla_parse_nested(info, IFLA_INFO_MAX, a[IFLA_LINKINFO], NULL) == 0 &&
        info[IFLA_INFO_KIND] != NULL)
        nla_strlcpy(link->kind, info[IFLA_INFO_KIND], sizeof link->kind);
}

static const struct nla_policy link_policy[IFLA_MAX + 1] = {
    [IFLA_IFNAME] = {.type = NLA_STRING, .maxlen = PORT_NAME},
    [IFLA_MTU] = {.type = NLA_U32},
    [IFLA_CARRIER] = {.type = NLA_U8},
    [IFLA_QDISC] = {.type = NLA_STRING},
    [IFLA_MASTER] = {.type = NLA_U32},
    [IFLA_LINKINFO] = {.type = NLA_NESTED},
};

/* Bridges speak of their ports by messages of the same kind with another family (the removal of a port is an
 * RTM_DELLINK); wireless events have no name. Neither says how the device is. */
static void link_message(struct links *l, struct nlmsghdr *message)
{
    struct nlattr *a[IFLA_MAX + 1];
    const struct ifinfomsg *info = nlmsg_data(message);
    if (nlmsg_parse(message, sizeof *info, a, IFLA_MAX, link_policy) < 0 || info->ifi_family != AF_UNSPEC)
        return;
    uint32_t index = (uint32_t)info->ifi_index;
    struct link *link = find(l, index);
    if (message->nlmsg_type == RTM_DELLINK) {
        if (link != NULL)
            remove_link(l, link);
        return;
    }
    if (a[IFLA_IFNAME] == NULL || (link == NULL && (link = add(l, index)) == NULL))
        return;
    char before[PORT_NAME];
    memcpy(before, link->name, sizeof before);
    nla_strlcpy(link->name, a[IFLA_IFNAME], sizeof link->name);
    link->hardware = info->ifi_type;
    link->up = (info->ifi_flags & IFF_UP) != 0;
    link->seen = true;
    read_attributes(link, a);
    if (before[0] != '\0' && strcmp(before, link->name) != 0)
        tell(l, before);
    tell(l, link->name);
}

static void remove_address(struct link *link, struct prefix p)
{
    for (size_t i = 0; i < link->n_addresses; i++) {
        if (prefix_equal(link->addresses[i], p)) {
            link->addresses[i] = link->addresses[--link->n_addresses];
            return;
        }
    }
}

static void add_address(struct link *link, struct prefix p)
{
    remove_address(link, p);
    struct prefix *addresses = reallocarray(link->addresses, link->n_addresses + 1, sizeof *addresses);
    if (addresses == NULL)
        return;
    link->addresses = addresses;
    addresses[link->n_addresses++] = p;
}

static void address_message(struct links *l, struct nlmsghdr *message)
{
    struct nlattr *a[IFA_MAX + 1];
    const struct ifaddrmsg *info = nlmsg_data(message);
    if (nlmsg_parse(message, sizeof *info, a, IFA_MAX, NULL) < 0 || info->ifa_family != AF_INET)
        return;
    const struct nlattr *local = a[IFA_LOCAL] != NULL ? a[IFA_LOCAL] : a[IFA_ADDRESS];
    struct link *link = find(l, info->ifa_index);
    if (link == NULL || local == NULL || nla_len(local) != 4)
        return;
    struct prefix p = {.addr = load_be32(nla_data(local)), .len = info->ifa_prefixlen};
    if (message->nlmsg_type == RTM_DELADDR)
        remove_address(link, p);
    else
        add_address(link, p);
    tell(l, link->name);
}

static void forwarding_message(struct links *l, struct nlmsghdr *message)
{
    struct nlattr *a[NETCONFA_MAX + 1];
    if (nlmsg_parse(message, sizeof(struct netconfmsg), a, NETCONFA_MAX, NULL) < 0 || a[NETCONFA_IFINDEX] == NULL ||
        nla_len(a[NETCONFA_IFINDEX]) != 4)
        return;
    const struct link *link = find(l, nla_get_u32(a[NETCONFA_IFINDEX]));
    if (link != NULL)
        tell(l, link->name);
}

/* A root qdisc that was taken away is followed by the default one in silence: ask which it is now. */
static void qdisc_message(struct links *l, struct nlmsghdr *message)
{
    const struct tcmsg *info = nlmsg_data(message);
    if (!nlmsg_valid_hdr(message, sizeof *info) || info->tcm_parent != TC_H_ROOT)
        return;
    struct ifinfomsg which = {.ifi_family = AF_UNSPEC, .ifi_index = info->tcm_ifindex};
    if (nl_send_simple(l->ask, RTM_GETLINK, 0, &which, sizeof which) >= 0)
        nl_recvmsgs_default(l->ask);
}

static int take_message(struct nl_msg *msg, void *context)
{
    struct links *l = context;
    struct nlmsghdr *message = nlmsg_hdr(msg);
    if (l->missed)
        return NL_OK;
    switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        link_message(l, message);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        address_message(l, message);
        break;
    case RTM_NEWNETCONF:
        forwarding_message(l, message);
        break;
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
        qdisc_message(l, message);
        break;
    default:
        break;
    }
    return NL_OK;
}

/* ---- reading everything ---- */

static int dump(struct links *l, int type)
{
    struct rtgenmsg all = {.rtgen_family = type == RTM_GETADDR ? AF_INET : AF_UNSPEC};
    int result = nl_send_simple(l->ask, type, NLM_F_DUMP, &all, sizeof all);
    return result < 0 ? result : nl_recvmsgs_default(l->ask);
}

/* A dump that the kernel calls inconsistent is begun again: NLE_DUMP_INTR. */
static int dump_everything(struct links *l)
{
    int result = 0;
    for (unsigned attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
        for (size_t i = 0; i < l->n; i++) {
            l->list[i]->seen = false;
            l->list[i]->n_addresses = 0;
        }
        result = dump(l, RTM_GETLINK);
        if (result >= 0)
            result = dump(l, RTM_GETADDR);
        if (result != -NLE_DUMP_INTR)
            break;
    }
    return result;
}

static void read_anew(struct links *l)
{
    l->dumping = true;
    int result = dump_everything(l);
    l->dumping = false;
    if (result < 0) {
        static const struct timeval later = {.tv_sec = RETRY_S};
        log_warning(l->log,
                    "reading the kernel's devices failed (%s): what is known of them may be out of date until it is "
                    "tried again in a second",
                    nl_geterror(result));
        event_add(l->retry, &later);
        return;
    }
    for (size_t i = l->n; i > 0; i--)
        if (!l->list[i - 1]->seen)
            remove_link(l, l->list[i - 1]);
    for (size_t i = 0; i < l->n; i++)
        l->changed(l->context, l->list[i]->name);
}

static void retry(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    read_anew(context);
}

/* What is still queued when messages were left out is older than what reading anew brings, and would undo it: it is
 * thrown away first. */
static void watch_ready(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct links *l = context;
    int result = 0;
    for (unsigned i = 0; i < MESSAGES_A_TURN && result >= 0; i++) {
        result = nl_recvmsgs_default(l->watch);
        if (result == -NLE_NOMEM) {
            l->missed = true;
            result = 0;
        }
    }
    if (l->missed && result < 0) {
        log_info(l->log, "the kernel left out news of devices because too many came at once: reading all anew");
        l->missed = false;
        read_anew(l);
    }
}

/* ---- opening ---- */

static struct nl_sock *open_socket(struct links *l)
{
    struct nl_sock *s = nl_socket_alloc();
    if (s == NULL)
        return NULL;
    if (nl_connect(s, NETLINK_ROUTE) < 0) {
        nl_socket_free(s);
        return NULL;
    }
    nl_socket_disable_auto_ack(s);
    nl_socket_enable_msg_peek(s);
    nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, take_message, l);
    return s;
}

static bool watch_open(struct links *l, struct event_base *base)
{
    l->watch = open_socket(l);
    if (l->watch == NULL)
        return false;
    nl_socket_disable_seq_check(l->watch);
    nl_socket_set_nonblocking(l->watch);
    int fd = nl_socket_get_fd(l->watch), size = WATCH_BUFFER;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if (nl_socket_add_memberships(l->watch, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_NETCONF, RTNLGRP_TC, 0) < 0)
        return false;
    l->event = event_new(base, fd, EV_READ | EV_PERSIST, watch_ready, l);
    l->retry = evtimer_new(base, retry, l);
    return l->event != NULL && l->retry != NULL && event_add(l->event, NULL) == 0;
}

struct links *links_new(struct event_base *base, const struct log *log,
                        void (*changed)(void *context, const char *name), void *context, char *why, size_t why_size)
{
    struct links *l = calloc(1, sizeof *l);
    if (l == NULL) {
        snprintf(why, why_size, "no memory for the table of devices");
        return NULL;
    }
    l->log = log;
    l->changed = changed;
    l->context = context;
    l->ask = open_socket(l);
    /* Watch first, then read: what changes in between is told, and nothing is missed. */
    int result = l->ask == NULL || !watch_open(l, base) ? -NLE_FAILURE : 0;
    if (result == 0) {
        l->dumping = true;
        result = dump_everything(l);
        l->dumping = false;
    }
    if (result < 0) {
        snprintf(why, why_size, "reading the kernel's devices by netlink failed: %s", nl_geterror(result));
        links_free(l);
        return NULL;
    }
    return l;
}

void links_free(struct links *l)
{
    if (l == NULL)
        return;
    if (l->event != NULL)
        event_free(l->event);
    if (l->retry != NULL)
        event_free(l->retry);
    if (l->watch != NULL)
        nl_socket_free(l->watch);
    if (l->ask != NULL)
        nl_socket_free(l->ask);
    for (size_t i = 0; i < l->n; i++)
        free_link(l->list[i]);
    free(l->list);
    free(l);
}
