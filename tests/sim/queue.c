#include "tests/sim/queue.h"

#include <stdlib.h>

static bool is_before(const struct event *a, const struct event *b)
{
    return a->ns != b->ns ? a->ns < b->ns : a->order < b->order;
}

void queue_put(struct queue *queue, struct event event)
{
    if (queue->n == queue->room) {
        queue->room = queue->room > 0 ? queue->room * 2 : 1024;
        queue->heap = realloc(queue->heap, queue->room * sizeof *queue->heap);
        if (queue->heap == NULL)
            abort();
    }
    event.order = queue->order++;
    size_t at = queue->n++;
    for (; at > 0 && is_before(&event, &queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
        queue->heap[at] = queue->heap[(at - 1) / 2];
    queue->heap[at] = event;
}

bool queue_take(struct queue *queue, uint64_t ns, struct event *event)
{
    if (queue->n == 0 || queue->heap[0].ns > ns)
        return false;
    *event = queue->heap[0];
    struct event last = queue->heap[--queue->n];
    size_t at = 0;
    for (size_t child; (child = at * 2 + 1) < queue->n; at = child) {
        if (child + 1 < queue->n && is_before(&queue->heap[child + 1], &queue->heap[child]))
            child++;
        if (!is_before(&queue->heap[child], &last))
            break;
        queue->heap[at] = queue->heap[child];
    }
    queue->heap[at] = last;
    return true;
}

void queue_free(struct queue *queue)
{
    free(queue->heap);
    *queue = (struct queue){0};
}
