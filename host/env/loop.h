// SPDX-License-Identifier: Apache-2.0
// The event loop of the main thread. It is poll(2) over a set that is made anew each time round: the
// set is small, the user network brings its own each time anyway, and poll, unlike epoll, also takes
// a stdin that is a regular file.
#ifndef HOST_ENV_LOOP_H
#define HOST_ENV_LOOP_H

#include <hull/error.h>
#include <lib/list.h>
#include <poll.h>
#include <pthread.h>

// A file descriptor that is watched for `events`; 0: not now. The owner changes `events` as it
// likes, on the loop's thread.
struct loop_source {
    int fd;
    short events;
    void (*ready)(void *ctx, short revents);
    void *ctx;
    struct list_link link;
};

// Something that has a changing set of file descriptors: `prepare` adds them by hull_loop_watch()
// and may lower the timeout (milliseconds, -1: none); `dispatch` looks at them.
struct loop_poller {
    void (*prepare)(void *ctx, int *timeout_ms);
    void (*dispatch)(void *ctx);
    void *ctx;
    struct list_link link;
};

// Work that any thread hands to the loop's thread. Posted again before it ran, it runs once.
struct loop_task {
    void (*run)(void *ctx);
    void *ctx;
    struct list_link link; // in the queue
    bool queued;
};

struct loop {
    struct list_link sources, pollers;
    struct pollfd *set;
    struct loop_source **owners; // of the set's entries; NULL: a poller's, or removed since
    unsigned count, room;
    pthread_mutex_t lock; // a leaf: of the fields below
    struct list_link tasks;
    bool woken;
    int wake_fd;
    bool stopping;
};

// 0, or -HULL_EIO with errno set.
HULL_MUST_CHECK int hull_loop_init(struct loop *loop);
void hull_loop_fini(struct loop *loop);

// On the loop's thread, also from handlers. Links belong to the loop in between.
void hull_loop_add(struct loop *loop, struct loop_source *source);
void hull_loop_remove(struct loop *loop, struct loop_source *source);
void hull_loop_add_poller(struct loop *loop, struct loop_poller *poller);
void hull_loop_remove_poller(struct loop *loop, struct loop_poller *poller);

// For pollers: the place in the set, -1 when there is no memory; and what came of it.
int hull_loop_watch(struct loop *loop, int fd, short events);
short hull_loop_revents(const struct loop *loop, int place);

// From any thread, with any lock held but the loop's.
void hull_loop_post(struct loop *loop, struct loop_task *task);
void hull_loop_cancel(struct loop *loop, struct loop_task *task);

// Waits at most timeout_ms (-1: as long as it takes) and handles what there is.
void hull_loop_once(struct loop *loop, int timeout_ms);
// Goes round until hull_loop_stop() was called on its thread.
void hull_loop_run(struct loop *loop);
void hull_loop_stop(struct loop *loop);

#endif
