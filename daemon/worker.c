/* Two queues under one lock: what is to be done, and what was done and is to be told. The thread sleeps on a condition,
 * the core hears of an eventfd. One thread stays; others come when there is more to do than the present ones have
 * taken, and go when nothing is left. */
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
    size_t n;
};

struct worker {
    const char *name;
    unsigned most;
    pthread_mutex_t lock;
    pthread_cond_t more, less;
    struct queue to_do, to_tell; /* under the lock, as all that follows to told_fd */
    unsigned threads, idle;
    bool stop;
    int told_fd;
    struct event *told;
};

static void queue_init(struct queue *q)
{
    q->first = NULL;
    q->end = &q->first;
    q->n = 0;
}

static void queue_put(struct queue *q, struct task *task)
{
    task->next = NULL;
    *q->end = task;
    q->end = &task->next;
    q->n++;
}

static struct task *queue_take(struct queue *q)
{
    struct task *task = q->first;
    if (task == NULL)
        return NULL;
    q->first = task->next;
    q->n--;
    if (q->first == NULL)
        q->end = &q->first;
    return task;
}

/* The next thing to do, under the lock; NULL when the thread is to end: at the end of all, or if another is left. */
static struct task *wait_for_task(struct worker *w)
{
    w->idle++;
    pthread_cond_signal(&w->less);
    while (w->to_do.first == NULL && !w->stop && w->threads == 1)
        pthread_cond_wait(&w->more, &w->lock);
    w->idle--;
    return w->threads > w->most ? NULL : queue_take(&w->to_do);
}

static void *run(void *argument)
{
    struct worker *w = argument;
    struct task *task;
    /* The core's raised priority was inherited; parsing a file is in nobody's way. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 0);
    pthread_mutex_lock(&w->lock);
    while ((task = wait_for_task(w)) != NULL) {
        pthread_mutex_unlock(&w->lock);
        task->work(task->data);
        pthread_mutex_lock(&w->lock);
        queue_put(&w->to_tell, task);
        pthread_mutex_unlock(&w->lock);
        (void)eventfd_write(w->told_fd, 1);
        pthread_mutex_lock(&w->lock);
    }
    w->threads--;
    pthread_cond_signal(&w->less);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Under the lock. */
static bool start_thread(struct worker *w)
{
    pthread_t thread;
    if (!thread_start(&thread, w->name, run, w))
        return false;
    pthread_detach(thread);
    w->threads++;
    return true;
}

static struct task *next_to_tell(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    struct task *task = queue_take(&w->to_tell);
    pthread_mutex_unlock(&w->lock);
    return task;
}

static bool tell_one(struct worker *w)
{
    struct task *task = next_to_tell(w);
    if (task == NULL)
        return false;
    if (task->done != NULL)
        task->done(task->data);
    free(task);
    return true;
}

/* False if there was nothing to tell. */
static bool tell(struct worker *w)
{
    bool any = false;
    while (tell_one(w))
        any = true;
    return any;
}

static void told(int fd, short what, void *context)
{
    (void)what;
    eventfd_t one;
    if (eventfd_read(fd, &one) == 0)
        tell_one(context);
}

static void release(struct worker *w)
{
    if (w->told != NULL)
        event_free(w->told);
    if (w->told_fd >= 0)
        close(w->told_fd);
    pthread_cond_destroy(&w->more);
    pthread_cond_destroy(&w->less);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct worker *worker_new_of(struct event_base *base, const char *name, unsigned most)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    w->name = name;
    w->most = most;
    queue_init(&w->to_do);
    queue_init(&w->to_tell);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->more, NULL);
    pthread_cond_init(&w->less, NULL);
    /* A semaphore: what is done is told one a turn. */
    w->told_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC | EFD_SEMAPHORE);
    w->told = w->told_fd < 0 ? NULL : event_new(base, w->told_fd, EV_READ | EV_PERSIST, told, w);
    pthread_mutex_lock(&w->lock);
    bool started = w->told != NULL && event_add(w->told, NULL) == 0 && start_thread(w);
    pthread_mutex_unlock(&w->lock);
    if (!started) {
        release(w);
        return NULL;
    }
    return w;
}

struct worker *worker_new(struct event_base *base)
{
    return worker_new_of(base, "worker", 1);
}

void worker_limit(struct worker *w, unsigned most)
{
    pthread_mutex_lock(&w->lock);
    w->most = most;
    pthread_mutex_unlock(&w->lock);
}

static void wait_for_threads(struct worker *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->to_do.first != NULL || w->idle < w->threads)
        pthread_cond_wait(&w->less, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

/* Who is told may have something more to do. */
void worker_finish(struct worker *w)
{
    do
        wait_for_threads(w);
    while (tell(w));
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    worker_finish(w);
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->more);
    while (w->threads > 0)
        pthread_cond_wait(&w->less, &w->lock);
    pthread_mutex_unlock(&w->lock);
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
    if (w->to_do.n <= w->idle || w->threads >= w->most || !start_thread(w))
        pthread_cond_signal(&w->more);
    pthread_mutex_unlock(&w->lock);
    return true;
}
