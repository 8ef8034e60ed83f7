/* Events in the order of time: a binary heap. Those of the same time come out as they were put in. */
#ifndef TESTS_SIM_QUEUE_H
#define TESTS_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_message;

struct event {
    uint64_t ns, order;
    struct sim_message *message; /* NULL: the router is to be called */
    uint32_t router, port;
};

struct queue {
    struct event *heap;
    size_t n, room;
    uint64_t order;
};

void queue_put(struct queue *queue, struct event event);

/* The first, if it is due by NS. */
bool queue_take(struct queue *queue, uint64_t ns, struct event *event);
void queue_free(struct queue *queue);

#endif
