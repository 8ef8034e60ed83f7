#include "cli/values.h"

#include <string.h>

#include "cli/beginning.h"
#include "forwarding/neighbour.h"

#define STEPS_MAX 1024 /* entries that are looked at */

struct offer {
    const struct cli_router *router;
    const char *word;
    struct command_list *to;
    unsigned values, steps;
};

/* False when nothing more is to be offered. */
static bool goes_on(struct offer *o)
{
    if (o->values < VALUES_MAX && o->steps++ < STEPS_MAX)
        return true;
    if (o->values <= VALUES_MAX)
        o->to->add(o->to, COMMAND_MORE, NULL);
    o->values = VALUES_MAX + 1;
    return false;
}

static void add(struct offer *o, const char *text)
{
    if (strncmp(text, o->word, strlen(o->word)) != 0)
        return;
    o->to->add(o->to, text, NULL);
    o->values++;
}

/* All prefixes of the RIB from address FROM to TO, or those with a static route only. */
static void add_routes(struct offer *o, uint32_t from, uint32_t to, bool statics)
{
    struct rib_cursor cursor = rib_cursor_at(from);
    struct rib_view view;
    char text[PREFIX_TEXT];
    while (rib_next(o->router->rib, &cursor, &view) && view.route.prefix.addr <= to && goes_on(o)) {
        if (statics && view.route.protocol != RIB_STATIC)
            continue;
        add(o, prefix_text(view.route.prefix, text));
        cursor.in_prefix = false; /* its other routes say nothing new */
    }
}

/* Neighbours that answered, of every port: each port's are in order of their addresses. */
static void add_neighbours(struct offer *o, uint32_t from, uint32_t to)
{
    const struct neighbours *neighbours = o->router->dataplane->neighbours;
    struct now now = o->router->now(o->router->context);
    struct neighbour_view view;
    char text[ADDR_TEXT];
    uint64_t cursor = neighbours_cursor_at(0, from);
    while (neighbours_next(neighbours, &cursor, &view, now) && goes_on(o)) {
        if (view.addr < from)
            cursor = neighbours_cursor_at(view.port, from);
        else if (view.addr > to)
            cursor = neighbours_cursor_at(view.port + 1u, from);
        else if (view.state != NEIGHBOUR_INCOMPLETE)
            add(o, addr_text(view.addr, text));
    }
}

static void add_own(struct offer *o)
{
    const struct config *config = o->router->running(o->router->context);
    char text[ADDR_TEXT];
    for (size_t i = 0; config != NULL && i < config->n_interfaces; i++) {
        const struct config_interface *interface = &config->interfaces[i];
        for (size_t j = 0; j < interface->n_addresses; j++) {
            if (!goes_on(o))
                return;
            add(o, addr_text(interface->addresses[j].prefix.addr, text));
        }
    }
}

void values_offer(const struct cli_router *router, const struct command *argument, const char *word,
                  struct command_list *to)
{
    struct offer o = {.router = router, .word = word, .to = to};
    struct beginning beginning;
    if (!beginning_of(word, argument->kind == COMMAND_PREFIX, &beginning))
        return;
    if (argument->values == COMMAND_VALUES_OWN) {
        add_own(&o);
        return;
    }
    for (unsigned i = 0; i < beginning.n && o.values <= VALUES_MAX; i++) {
        uint32_t from = beginning.range[i].from, last = beginning.range[i].to;
        switch (argument->values) {
        case COMMAND_VALUES_NEIGHBOURS:
            add_neighbours(&o, from, last);
            break;
        case COMMAND_VALUES_ROUTES:
        case COMMAND_VALUES_STATICS:
            add_routes(&o, from, last, argument->values == COMMAND_VALUES_STATICS);
            break;
        case COMMAND_VALUES_OWN:
        case COMMAND_VALUES_NONE:
            break;
        }
    }
}
