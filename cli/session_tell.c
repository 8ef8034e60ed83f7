/* What a session is told without having asked just then: lines of the log (`terminal monitor`) and of debugging. A
 * reader who is behind loses lines, and is told how many. */
#include <stdio.h>
#include <string.h>

#include "cli/session_parts.h"

/* Lines for a session: it is for people, and no flood may make the core write a book. */
#define DEBUG_RATE  50 /* a second */
#define DEBUG_BURST 100

static void send_line(struct session *s, const char *line)
{
    if (s->protocol == SESSION_FRAMED)
        session_send(s, FRAME_LOG, line, strlen(line));
    else
        evbuffer_add_printf(bufferevent_get_output(s->io), "%s\n", line);
}

static bool listens(const struct session *s)
{
    return !s->closing && !s->gone && s->protocol != SESSION_UNDECIDED;
}

static bool is_behind(const struct session *s)
{
    return evbuffer_get_length(bufferevent_get_output(s->io)) >= SESSION_OUTPUT_HIGH;
}

static void tell_left_out(struct session *s)
{
    char lost[80];
    if (s->untold == 0)
        return;
    snprintf(lost, sizeof lost, "%u line%s not told: there were too many", s->untold,
             s->untold == 1 ? " was" : "s were");
    s->untold = 0;
    send_line(s, lost);
}

static void tell(struct session *s, const char *line)
{
    if (!listens(s))
        return;
    if (is_behind(s)) {
        s->untold++;
        return;
    }
    tell_left_out(s);
    send_line(s, line);
}

void cli_log(struct cli *cli, enum config_log_level level, const char *line)
{
    struct session *s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link))
        if (s->hears_log && level <= s->log_level)
            tell(s, line);
}

void session_tell_left_out(struct cli *cli)
{
    struct session *s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link))
        if (listens(s) && !is_behind(s))
            tell_left_out(s);
}

/* ---- debugging ---- */

bool session_debugs(const struct session *s, enum debug_kind kind, const char *interface)
{
    const struct session_debug *debug = &s->debug[kind];
    return debug->on &&
           (debug->interface[0] == '\0' || (interface != NULL && strcmp(debug->interface, interface) == 0));
}

static bool wants(const struct session *s, enum debug_kind kind, const char *interface, uint32_t addr)
{
    const struct session_debug *debug = &s->debug[kind];
    return session_debugs(s, kind, interface) && (!debug->has_prefix || prefix_holds(debug->prefix, addr));
}

void session_say_debug(struct session *s, const char *line)
{
    uint64_t now_ns = s->cli->router->now(s->cli->router->context).ns;
    if (bucket_take(&s->debug_bucket, DEBUG_RATE, DEBUG_BURST, now_ns))
        tell(s, line);
    else
        s->untold++;
}

static void say_debug(void *context, enum debug_kind kind, unsigned port, uint32_t addr, const char *text)
{
    struct cli *cli = context;
    const struct port *p = port < PORT_MAX ? dataplane_port(cli->router->dataplane, port) : NULL;
    struct session *s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link))
        if (wants(s, kind, p != NULL ? p->name : NULL, addr))
            session_say_debug(s, text);
}

bool session_debug_changed(struct cli *cli)
{
    struct debug *debug = &cli->router->dataplane->debug;
    struct session *s;
    *debug = (struct debug){.say = say_debug, .context = cli};
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link))
        for (unsigned kind = 0; kind < DEBUG__COUNT; kind++)
            debug->on |= (unsigned)s->debug[kind].on << kind;
    return debug_packets_follow(cli);
}
