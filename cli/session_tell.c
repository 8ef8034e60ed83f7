/* What a session is told without having asked just then: lines of the log (`terminal monitor`) and of debugging. A
 * reader who is behind loses lines, and is told how many. */
#include <stdio.h>
#include <string.h>

#include "cli/session_parts.h"

#define DEBUG_RATE                                                                                                     \
    50 /* lines a second for a session; it is for people, and no flood may make the core write a book                  \
        */
#define DEBUG_BURST 100

static void send_line(struct session *s, const char *line)
{
    if (s->protocol == SESSION_FRAMED)
        session_send(s, FRAME_LOG, line, strlen(line));
    else
        evbuffer_add_printf(bufferevent_get_output(s->io), "%s\n", line);
}

static void tell(struct session *s, const char *line)
{
    if (s->closing || s->gone || s->protocol == SESSION_UNDECIDED)
        return;
    if (evbuffer_get_length(bufferevent_get_output(s->io)) >= SESSION_OUTPUT_HIGH) {
        s->untold++;
        return;
    }
    if (s->untold > 0) {
        char lost[80];
        snprintf(lost, sizeof lost, "%u line%s not told: there were too many", s->untold,
                 s->untold == 1 ? " was" : "s were");
        s->untold = 0;
        send_line(s, lost);
    }
    send_line(s, line);
}

void cli_log(struct cli *cli, enum config_log_level level, const char *line)
{
    struct session *s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link))
        if (s->hears_log && level <= s->log_level)
            tell(s, line);
}

static bool wants(const struct session *s, enum debug_kind kind, const char *interface, uint32_t addr)
{
    const struct session_debug *debug = &s->debug[kind];
    if (!debug->on)
        return false;
    if (debug->interface[0] != '\0' && (interface == NULL || strcmp(debug->interface, interface) != 0))
        return false;
    return !debug->has_prefix || prefix_holds(debug->prefix, addr);
}

static void say_debug(void *context, enum debug_kind kind, unsigned port, uint32_t addr, const char *text)
{
    struct cli *cli = context;
    const struct port *p = port < PORT_MAX ? dataplane_port(cli->router->dataplane, port) : NULL;
    struct session *s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link)) {
        if (!wants(s, kind, p != NULL ? p->name : NULL, addr))
            continue;
        uint64_t now_ns = cli->router->now(cli->router->context).ns;
        if (bucket_take(&s->debug_bucket, DEBUG_RATE, DEBUG_BURST, now_ns))
            tell(s, text);
        else
            s->untold++;
    }
}

void session_debug_changed(struct cli *cli)
{
    struct debug *debug = &cli->router->dataplane->debug;
    struct session *s;
    *debug = (struct debug){.say = say_debug, .context = cli};
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link))
        for (unsigned kind = 0; kind < DEBUG__COUNT; kind++)
            debug->on |= (unsigned)s->debug[kind].on << kind;
}
