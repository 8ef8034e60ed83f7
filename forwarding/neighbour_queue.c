/* core: packets that wait until their neighbour is known (RFC 1122 2.3.2.2).
 *
 * The newest are kept. A neighbour may always have QUEUE_SURE packets, up to NEIGHBOUR_WAITING while all of them
 * together stay within the table's room. Since the sure ones are not bounded by that room, a scan with large packets
 * could still pile them up: beyond the room and QUEUE_SPARE the neighbour that was asked for first is given up. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/neighbour_internal.h"

#define QUEUE_SURE  3
#define QUEUE_SPARE ((size_t)16 << 20)

struct waiting {
    struct waiting *next;
    size_t size; /* of all of this */
    struct packet packet;
    uint32_t bytes[]; /* two bytes free, so that the IP header is aligned */
};

static struct waiting *copy_of(const struct packet *packet)
{
    size_t size = sizeof(struct waiting) + 2 + packet->len;
    struct waiting *w = malloc(size);
    if (w == NULL)
        return NULL;
    w->next = NULL;
    w->size = size;
    w->packet = *packet;
    w->packet.frame = (uint8_t *)w->bytes + 2;
    memcpy(w->packet.frame, packet->frame, packet->len);
    return w;
}

static void append(struct waiting_queue *queue, struct waiting *w)
{
    w->next = NULL;
    if (queue->last != NULL)
        queue->last->next = w;
    else
        queue->first = w;
    queue->last = w;
    queue->n++;
}

static struct waiting *take(struct waiting_queue *queue)
{
    struct waiting *w = queue->first;
    if (w == NULL)
        return NULL;
    queue->first = w->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->n--;
    return w;
}

static void account(struct neighbours *n, const struct waiting *w, bool waits)
{
    unsigned port = w->packet.port;
    n->waiting_bytes = waits ? n->waiting_bytes + w->size : n->waiting_bytes - w->size;
    if (port < PORT_MAX)
        n->held[port] = waits ? n->held[port] + 1 : n->held[port] - 1;
}

/* Of packets that no longer count as waiting. */
static void drop_taken(struct neighbours *n, struct waiting_queue *queue, enum drop why, struct now now)
{
    for (struct waiting *w = take(queue); w != NULL; w = take(queue)) {
        if (why == DROP_NEIGHBOUR_QUEUE)
            n->queue_drops++;
        n->hooks.drop(n->hooks.context, &w->packet, why, now);
        free(w);
    }
}

static bool too_many(const struct neighbours *n, const struct waiting_queue *queue, size_t size)
{
    return queue->n >= NEIGHBOUR_WAITING || (queue->n >= QUEUE_SURE && n->waiting_bytes + size > n->waiting_room);
}

static void keep_within_spare(struct neighbours *n, const struct neighbour *newest, struct now now)
{
    while (n->waiting_bytes > n->waiting_room + QUEUE_SPARE) {
        struct neighbour *oldest = TAILQ_FIRST(&n->list[NEIGHBOUR_INCOMPLETE]);
        if (oldest == NULL || oldest == newest)
            return;
        n->evicted++;
        neighbour_entry_forget(n, oldest, DROP_NEIGHBOUR_QUEUE, now);
    }
}

void neighbour_queue_put(struct neighbours *n, struct neighbour *e, const struct packet *packet, struct now now)
{
    struct waiting *w = copy_of(packet);
    if (w == NULL) {
        struct packet dropped = *packet;
        n->hooks.drop(n->hooks.context, &dropped, DROP_NO_MEMORY, now);
        return;
    }
    struct waiting_queue surplus = {0};
    while (too_many(n, &e->waiting, w->size)) {
        struct waiting *oldest = take(&e->waiting);
        account(n, oldest, false);
        append(&surplus, oldest);
    }
    account(n, w, true);
    append(&e->waiting, w);
    drop_taken(n, &surplus, DROP_NEIGHBOUR_QUEUE, now);
    keep_within_spare(n, e, now);
}

void neighbour_queue_send(struct neighbours *n, struct neighbour *e, struct now now)
{
    struct waiting_queue queue = e->waiting;
    e->waiting = (struct waiting_queue){0};
    for (struct waiting *w = take(&queue); w != NULL; w = take(&queue)) {
        account(n, w, false);
        w->packet.adjacency = e->ready;
        n->hooks.send(n->hooks.context, &w->packet, now);
        free(w);
    }
}

void neighbour_queue_drop(struct neighbours *n, struct waiting_queue *queue, enum drop why, struct now now)
{
    for (const struct waiting *w = queue->first; w != NULL; w = w->next)
        account(n, w, false);
    drop_taken(n, queue, why, now);
}
