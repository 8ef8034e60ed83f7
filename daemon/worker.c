/* Two queues under one lock: what is to be done, and what was done and is to be told. The thread sleeps on a condition,
 * the core hears of an eventfd. */
#define _GNU_SOURCE /* gettid */
#include "daemon/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "forwarding/thread.h"

struct task {
    void (*work)(void *data);
    void (*done)(void *data);
    void *data;
    struct task *next;
};

struct queue {
    struct task *first, **end;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct queue to_do, to_tell; /* under the lock, as stop */
    bool stop;
    int told_fd;
    struct event *told;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
}

static void queue_put(struct queue *q, struct task *task)
{
    task->next = NULL;
    *q->end = task;
    q->end = &task->next;
}

static struct task *queue_take(struct queue *q)
{
    struct task *task = q->first;
    if (task == NULL)
        return NULL;
    q->first = task->next;
    if (q->first == NULL)
        q->end = &q->first;
    return task;
}

/* The next thing to do; NULL at the end. */
static struct task *wait_for_task(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->to_do.first == NULL && !w->stop)
        pthread_cond_wait(&w->more, &w->lock);
    struct task *task = queue_take(&w->to_do);
    pthread_mutex_unlock(&w->lock);
    return task;
}

static void *run(void *argument)
{
    struct worker *w = argument;
    struct task *task;
    /* The core's raised priority was inherited; parsing a file is in nobody's way. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 0);
    while ((task = wait_for_task(w)) != NULL) {
        task->work(task->data);
        pthread_mutex_lock(&w->lock);
        queue_put(&w->to_tell, task);
        pthread_mutex_unlock(&w->lock);
        (void)eventfd_write(w->told_fd, 1);
    }
    return NULL;
}

static struct task *next_to_tell(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct task *task = queue_take(&w->to_tell);
    pthread_mutex_unlock(&w->lock);
    return task;
}

static void tell(struct worker *w)
{
    struct task *task;
    while ((task = next_to_tell(w)) != NULL) {
        if (task->done != NULL)
            task->done(task->data);
        free(task);
    }
}

static void told(int fd, short what, void *context)
{
    (void)what;
    eventfd_t times;
    if (eventfd_read(fd, &times) == 0)
        tell(context);
}

static void release(struct worker *w)
{
    if (w->told != NULL)
        event_free(w->told);
    if (w->told_fd >= 0)
        close(w->told_fd);
    pthread_cond_destroy(&w->more);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct worker *worker_new(struct event_base *base)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    queue_init(&w->to_do);
    queue_init(&w->to_tell);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    w->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->told = w->told_fd < 0 ? NULL : event_new(base, w->told_fd, EV_READ | EV_PERSIST, told, w);
    if (w->told == NULL || event_add(w->told, NULL) < 0 || !thread_start(&w->thread, "worker", run, w)) {
        release(w);
        return NULL;
    }
    return w;
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    tell(w);
    /* Those who were told may have had something more to do. */
    struct task *task;
    while ((task = queue_take(&w->to_do)) != NULL) {
        task->work(task->data);
        queue_put(&w->to_tell, task);
        tell(w);
    }
    release(w);
}

bool worker_do(struct worker *w, void (*work)(void *data), void (*done)(void *data), void *data)
{
    struct task *task = malloc(sizeof *task);
    if (task == NULL)
        return false;
    *task = (struct task){.work = work, .done = done, .data = data};
    pthread_mutex_lock(&w->lock);
    queue_put(&w->to_do, task);
    pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    return true;
}
