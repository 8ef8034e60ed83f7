/* Each look-up has its own evdns_base, made from the files as they are now and gone with it: an idle router watches no
 * socket and no timer of it. It is freed at the end of the look-up at the latest, but libevent may have put the answer
 * into its queue of callbacks already and can not take that back; so a look-up that ends early stays, forgotten, until
 * the loop's next round, when that queue has been worked off. */
#include "cli/resolve.h"

#include <ctype.h>
#include <errno.h>
#include <event2/dns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/session.h"
#include "forwarding/bytes.h"

#define NAME_MAX_LEN 253
#define MOST_S       10     /* all servers, all tries, all search domains */
#define HOSTS_LINES  10000  /* the core reads the file itself */
#define NO_PROBES_S  "3600" /* evdns probes a server that failed; a look-up does not live that long */
#define TRY_S        "2"    /* unless resolv.conf says otherwise ("options timeout:N attempts:N") */
#define TRIES        "3"
#define RESOLV_CONF  "/etc/resolv.conf"
#define HOSTS        "/etc/hosts"

struct resolve {
    LIST_ENTRY(resolve) link;
    struct job *job; /* NULL: nobody waits any more */
    struct evdns_base *dns;
    struct event *timer;
    enum resolve_state state;
    uint32_t addr;
    char why[512];
    char servers[160];
    char name[NAME_MAX_LEN + 1];
};

/* ---- the end of a look-up ---- */

static void change_state(struct resolve *r, enum resolve_state state)
{
    if (r->state != RESOLVE_WAITING)
        return;
    r->state = state;
    if (r->job != NULL)
        job_wake(r->job);
}

__attribute__((format(printf, 2, 3))) static void fail(struct resolve *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (r->state == RESOLVE_WAITING)
        vsnprintf(r->why, sizeof r->why, format, args);
    va_end(args);
    change_state(r, RESOLVE_FAILED);
}

static void no_answer(struct resolve *r)
{
    fail(r,
         "%s can not be looked up: no answer from %s; the kernel of the router's namespace asks, and has no IPv4 "
         "address there: name a server in " RESOLV_CONF " that it reaches over loopback or IPv6, or give the address",
         r->name, r->servers);
}

/* ---- /etc/hosts ---- */

/* Does one LINE of it tell the name's address? */
static bool line_tells(char *line, const char *name, uint32_t *addr)
{
    char *rest = NULL, *word;
    line[strcspn(line, "#\n")] = '\0';
    word = strtok_r(line, " \t\r", &rest);
    if (word == NULL || !addr_parse(word, addr))
        return false;
    while ((word = strtok_r(NULL, " \t\r", &rest)) != NULL)
        if (strcasecmp(word, name) == 0)
            return true;
    return false;
}

static bool hosts_tell(const char *path, const char *name, uint32_t *addr)
{
    FILE *file = fopen(path, "re");
    char line[1024];
    bool found = false;
    if (file == NULL)
        return false;
    for (unsigned i = 0; !found && i < HOSTS_LINES && fgets(line, sizeof line, file) != NULL; i++)
        found = line_tells(line, name, addr);
    fclose(file);
    return found;
}

/* ---- the name servers ---- */

static void answered(int result, char type, int count, int ttl, void *addresses, void *context)
{
    struct resolve *r = context;
    (void)ttl;
    if (result == DNS_ERR_NONE && type == DNS_IPv4_A && count > 0) {
        r->addr = load_be32(addresses);
        change_state(r, RESOLVE_FOUND);
    } else if (result == DNS_ERR_NOTEXIST) {
        fail(r, "there is no host %s: no such name, says the name server (%s)", r->name, r->servers);
    } else if (result == DNS_ERR_NONE || result == DNS_ERR_NODATA) {
        fail(r, "%s has no IPv4 address, says the name server (%s)", r->name, r->servers);
    } else if (result == DNS_ERR_TIMEOUT) {
        no_answer(r);
    } else {
        fail(r, "%s can not be looked up: the name server (%s) failed: %s", r->name, r->servers,
             evdns_err_to_string(result));
    }
}

/* What servers do is told to who asks them. Without this it would go to standard error. */
static void say_nothing(int warning, const char *text)
{
    (void)warning;
    (void)text;
}

/* Can the kernel send to it at all? evdns would only let the time pass. */
static bool within_reach(const struct sockaddr *server, socklen_t len, int *error)
{
    int fd = socket(server->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool reached = fd >= 0 && connect(fd, server, len) == 0;
    *error = reached ? 0 : errno;
    if (fd >= 0)
        close(fd);
    return reached;
}

/* Lists the servers; false, and ERROR the reason of the last, when none can be reached. */
static bool look_at_servers(struct resolve *r, int *error)
{
    size_t len = 0;
    bool any = false;
    *error = ENOENT;
    for (int i = 0; i < evdns_base_count_nameservers(r->dns); i++) {
        struct sockaddr_storage server;
        char text[64] = "?";
        int reason;
        int size = evdns_base_get_nameserver_addr(r->dns, i, (struct sockaddr *)&server, sizeof server);
        if (size <= 0 || size > (int)sizeof server)
            continue;
        const void *addr = server.ss_family == AF_INET ? (const void *)&((struct sockaddr_in *)&server)->sin_addr
                                                       : (const void *)&((struct sockaddr_in6 *)&server)->sin6_addr;
        evutil_inet_ntop(server.ss_family, addr, text, sizeof text);
        int n = snprintf(r->servers + len, sizeof r->servers - len, "%s%s", len == 0 ? "" : ", ", text);
        len = n > 0 && (size_t)n < sizeof r->servers - len ? len + (size_t)n : strlen(r->servers);
        if (within_reach((struct sockaddr *)&server, (socklen_t)size, &reason))
            any = true;
        else
            *error = reason;
    }
    return any;
}

static void ask_servers(struct resolve *r, const char *resolv_conf)
{
    int error;
    evdns_set_log_fn(say_nothing);
    r->dns = evdns_base_new(job_base(r->job), EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (r->dns == NULL) {
        fail(r, "%s can not be looked up: the system gave no memory", r->name);
        return;
    }
    evdns_base_set_option(r->dns, "timeout:", TRY_S);
    evdns_base_set_option(r->dns, "attempts:", TRIES);
    evdns_base_set_option(r->dns, "initial-probe-timeout:", NO_PROBES_S);
    /* without a file or a server in it: 127.0.0.1, as everywhere */
    (void)evdns_base_resolv_conf_parse(r->dns, DNS_OPTION_SEARCH | DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC,
                                       resolv_conf);
    if (!look_at_servers(r, &error)) {
        fail(r,
             "%s can not be looked up: no name server is within reach (%s: %s); the kernel of the router's namespace "
             "asks, and has no IPv4 address there: name one in " RESOLV_CONF " that it reaches over loopback or IPv6, "
             "or give the address",
             r->name, r->servers[0] != '\0' ? r->servers : "none", strerror(error));
        return;
    }
    struct timeval most = {.tv_sec = MOST_S};
    evtimer_add(r->timer, &most);
    if (evdns_base_resolve_ipv4(r->dns, r->name, 0, answered, r) == NULL)
        fail(r, "%s can not be looked up: it was not taken for a name", r->name);
}

/* ---- front door ---- */

/* "10.0.0.300" is a slip of the pen, not a name. */
static bool is_name(const char *text)
{
    size_t len = strlen(text);
    bool letter = false;
    if (len == 0 || len > NAME_MAX_LEN || text[0] == '.' || text[0] == '-')
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        if (!isascii((unsigned char)*at) || (!isalnum((unsigned char)*at) && strchr(".-_", *at) == NULL))
            return false;
        letter = letter || isalpha((unsigned char)*at);
    }
    return letter && strstr(text, "..") == NULL;
}

static void release(struct resolve *r)
{
    if (r->timer != NULL)
        event_free(r->timer);
    LIST_REMOVE(r, link);
    free(r);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct resolve *r = context;
    (void)fd;
    (void)what;
    if (r->job == NULL)
        release(r);
    else
        no_answer(r);
}

struct resolve *resolve_begin(struct job *job, const char *name)
{
    const char *hosts = job->router->hosts, *resolv_conf = job->router->resolv_conf;
    struct resolve *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    LIST_INSERT_HEAD(&job->session->cli->resolves, r, link);
    r->job = job;
    r->timer = evtimer_new(job_base(job), on_timer, r);
    if (r->timer == NULL) {
        release(r);
        return NULL;
    }
    if (!is_name(name)) {
        fail(r, "\"%.60s\" is neither an IPv4 address nor a name", name);
        return r;
    }
    snprintf(r->name, sizeof r->name, "%s", name);
    if (hosts_tell(hosts != NULL ? hosts : HOSTS, name, &r->addr))
        change_state(r, RESOLVE_FOUND);
    else
        ask_servers(r, resolv_conf != NULL ? resolv_conf : RESOLV_CONF);
    return r;
}

enum resolve_state resolve_state(const struct resolve *r)
{
    return r->state;
}

uint32_t resolve_addr(const struct resolve *r)
{
    return r->addr;
}

const char *resolve_why(const struct resolve *r)
{
    return r->why;
}

void resolve_end(struct resolve *r)
{
    static const struct timeval next_round = {0};
    if (r == NULL)
        return;
    if (r->dns != NULL)
        evdns_base_free(r->dns, 0);
    r->dns = NULL;
    r->job = NULL;
    evtimer_add(r->timer, &next_round);
}

void resolves_free(struct resolves *resolves)
{
    struct resolve *r;
    while ((r = LIST_FIRST(resolves)) != NULL)
        release(r);
}
