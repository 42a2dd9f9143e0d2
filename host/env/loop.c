// SPDX-License-Identifier: Apache-2.0
// The event loop.
#include "host/env/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int hull_loop_init(struct loop *loop)
{
    *loop = (struct loop){0};
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return -HULL_EIO;
    hull_list_init(&loop->sources);
    hull_list_init(&loop->pollers);
    hull_list_init(&loop->tasks);
    pthread_mutex_init(&loop->lock, NULL);
    return 0;
}

void hull_loop_fini(struct loop *loop)
{
    close(loop->wake_fd);
    pthread_mutex_destroy(&loop->lock);
    free(loop->set);
    free(loop->owners);
}

void hull_loop_add(struct loop *loop, struct loop_source *source)
{
    hull_list_push_back(&loop->sources, &source->link);
}

void hull_loop_remove(struct loop *loop, struct loop_source *source)
{
    hull_list_remove(&source->link);
    // Its events of this round must not reach it any more.
    for (unsigned i = 0; i < loop->count; i++)
        if (loop->owners[i] == source)
            loop->owners[i] = NULL;
}

void hull_loop_add_poller(struct loop *loop, struct loop_poller *poller)
{
    hull_list_push_back(&loop->pollers, &poller->link);
}

void hull_loop_remove_poller(struct loop *loop, struct loop_poller *poller)
{
    (void)loop;
    hull_list_remove(&poller->link);
}

static bool set_grow(struct loop *loop)
{
    unsigned room = loop->room ? loop->room * 2 : 16;
    struct pollfd *set = realloc(loop->set, room * sizeof(*set));
    struct loop_source **owners;

    if (!set)
        return false;
    loop->set = set;
    owners = realloc(loop->owners, room * sizeof(struct loop_source *));
    if (!owners)
        return false;
    loop->owners = owners;
    loop->room = room;
    return true;
}

static int set_add(struct loop *loop, int fd, short events, struct loop_source *owner)
{
    if (loop->count == loop->room && !set_grow(loop))
        return -1;
    loop->set[loop->count] = (struct pollfd){.fd = fd, .events = events};
    loop->owners[loop->count] = owner;
    return (int)loop->count++;
}

int hull_loop_watch(struct loop *loop, int fd, short events)
{
    return set_add(loop, fd, events, NULL);
}

short hull_loop_revents(const struct loop *loop, int place)
{
    return place >= 0 && (unsigned)place < loop->count ? loop->set[place].revents : 0;
}

void hull_loop_post(struct loop *loop, struct loop_task *task)
{
    bool wake = false;

    pthread_mutex_lock(&loop->lock);
    if (!task->queued) {
        task->queued = true;
        hull_list_push_back(&loop->tasks, &task->link);
        wake = !loop->woken;
        loop->woken = true;
    }
    pthread_mutex_unlock(&loop->lock);
    if (wake)
        eventfd_write(loop->wake_fd, 1);
}

void hull_loop_cancel(struct loop *loop, struct loop_task *task)
{
    pthread_mutex_lock(&loop->lock);
    if (task->queued)
        hull_list_remove(&task->link);
    task->queued = false;
    pthread_mutex_unlock(&loop->lock);
}

// Runs what is queued now; tasks that post themselves again wait for the next round.
static void tasks_run(struct loop *loop)
{
    struct list_link batch, *link;
    eventfd_t count;

    hull_list_init(&batch);
    eventfd_read(loop->wake_fd, &count);
    pthread_mutex_lock(&loop->lock);
    loop->woken = false;
    hull_list_splice_back(&batch, &loop->tasks);
    while ((link = hull_list_pop_front(&batch))) {
        struct loop_task *task = hull_list_entry(link, struct loop_task, link);

        task->queued = false;
        pthread_mutex_unlock(&loop->lock);
        task->run(task->ctx);
        pthread_mutex_lock(&loop->lock);
    }
    pthread_mutex_unlock(&loop->lock);
}

static void set_prepare(struct loop *loop, int *timeout_ms)
{
    struct list_link *link;

    loop->count = 0;
    set_add(loop, loop->wake_fd, POLLIN, NULL);
    HULL_LIST_FOR_EACH(link, &loop->sources)
    {
        struct loop_source *source = hull_list_entry(link, struct loop_source, link);

        // Without events we leave it out: a hang-up would be reported over and over.
        if (source->events)
            set_add(loop, source->fd, source->events, source);
    }
    HULL_LIST_FOR_EACH(link, &loop->pollers)
    {
        struct loop_poller *poller = hull_list_entry(link, struct loop_poller, link);

        poller->prepare(poller->ctx, timeout_ms);
    }
}

void hull_loop_once(struct loop *loop, int timeout_ms)
{
    struct list_link *link, *after;
    int ready;

    set_prepare(loop, &timeout_ms);
    ready = poll(loop->set, loop->count, timeout_ms);
    if (ready < 0)
        for (unsigned i = 0; i < loop->count; i++)
            loop->set[i].revents = 0;
    for (unsigned i = 1; i < loop->count; i++)
        if (loop->owners[i] && loop->set[i].revents)
            loop->owners[i]->ready(loop->owners[i]->ctx, loop->set[i].revents);
    HULL_LIST_FOR_EACH_SAFE(link, after, &loop->pollers)
    {
        struct loop_poller *poller = hull_list_entry(link, struct loop_poller, link);

        poller->dispatch(poller->ctx);
    }
    if (loop->set[0].revents)
        tasks_run(loop);
}

void hull_loop_run(struct loop *loop)
{
    while (!loop->stopping)
        hull_loop_once(loop, -1);
}

void hull_loop_stop(struct loop *loop)
{
    loop->stopping = true;
}
