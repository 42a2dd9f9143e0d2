// SPDX-License-Identifier: Apache-2.0
// The queue of disk requests and the threads that empty it.
#include <hull/types.h>

#include "host/backend/blk_file_internal.h"

#include <signal.h>

#define BLK_STACK_SIZE (64u << 10)

void hull_blk_pool_init(struct blk_pool *pool)
{
    *pool = (struct blk_pool){0};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
}

void hull_blk_pool_fini(struct blk_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
}

// The pool's lock is held for both.
static void pool_append(struct blk_pool *pool, struct blk_file *file)
{
    file->next = NULL;
    if (pool->first)
        pool->last->next = file;
    else
        pool->first = file;
    pool->last = file;
}

// One request of the file whose turn it is; files take turns.
static struct blk_request *pool_take(struct blk_pool *pool, struct blk_file **owner)
{
    struct blk_file *file = pool->first;
    struct blk_request *req = file->first;

    pool->first = file->next;
    file->first = req->next;
    if (file->first)
        pool_append(pool, file);
    *owner = file;
    return req;
}

static void request_finish(struct blk_file *file, struct blk_request *req)
{
    int status = hull_blk_file_execute(file, req);

    req->done(req, status); // the request is the device's again
    pthread_mutex_lock(&file->pool->lock);
    if (--file->in_flight == 0)
        pthread_cond_broadcast(&file->idle);
    pthread_mutex_unlock(&file->pool->lock);
}

static void *pool_thread(void *arg)
{
    struct blk_pool *pool = arg;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct blk_file *file;
        struct blk_request *req;

        while (!pool->first && !pool->ending) {
            pool->idle++;
            pthread_cond_wait(&pool->work, &pool->lock);
            pool->idle--;
        }
        if (!pool->first)
            break;
        req = pool_take(pool, &file);
        pthread_mutex_unlock(&pool->lock);
        request_finish(file, req);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void pool_start_thread(struct blk_pool *pool)
{
    sigset_t all, before;
    pthread_attr_t attr;

    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, BLK_STACK_SIZE);
    if (pthread_create(&pool->threads[pool->started], &attr, pool_thread, pool) == 0)
        pthread_setname_np(pool->threads[pool->started++], "hull-blk");
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void file_submit(void *ctx, struct blk_request *req)
{
    struct blk_file *file = ctx;
    struct blk_pool *pool = file->pool;
    bool nobody;

    pthread_mutex_lock(&pool->lock);
    file->in_flight++;
    if (!pool->idle && pool->started < BLK_THREADS)
        pool_start_thread(pool);
    nobody = pool->started == 0;
    if (!nobody) {
        req->next = NULL;
        if (file->first)
            file->last->next = req;
        else
            file->first = req;
        file->last = req;
        if (file->first == req)
            pool_append(pool, file);
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    if (nobody)
        request_finish(file, req); // no thread to be had: slow, but right
}

static void file_drain(void *ctx)
{
    struct blk_file *file = ctx;

    pthread_mutex_lock(&file->pool->lock);
    while (file->in_flight)
        pthread_cond_wait(&file->idle, &file->pool->lock);
    pthread_mutex_unlock(&file->pool->lock);
}

struct blk_backend *hull_blk_file_backend(struct blk_file *file)
{
    file->backend.submit = file_submit;
    file->backend.drain = file_drain;
    file->backend.ctx = file;
    return &file->backend;
}
