// SPDX-License-Identifier: Apache-2.0
// virtio-blk between a driver's thread and a backend's threads: no notification is lost in either
// direction, and after a reset nothing writes to the guest's memory any more. The thread sanitizer
// watches the device's own state.
#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "core/dev/virtio/blk.h"
#include "core/dev/virtio/mmio.h"
#include "host/env/env.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE 0x80000u
#define DEVICE 0x10001000ull
#define QUEUE_SIZE 64u
#define DRIVER_AREA 0x1000u // offsets in RAM
#define DEVICE_AREA 0x2000u
#define HEADERS 0x3000u
#define STATUSES 0x4000u
#define DATA 0x8000u
#define BATCH_MAX (QUEUE_SIZE / 3)
#define BACKEND_THREADS 2
#define RUN_NS 500000000ull

struct machine {
    struct host_env host;
    struct guest_memory memory;
    uint8_t *ram;
    struct bus bus;
    struct blk_backend backend;
    pthread_mutex_t lock; // for all below
    pthread_cond_t work, idle, interrupt;
    struct blk_request *first;
    unsigned in_flight;
    bool ending, irq;
    pthread_t threads[BACKEND_THREADS];
    uint16_t avail, used; // the driver's
};

static void irq_set(void *ctx, unsigned line, bool level)
{
    struct machine *m = ctx;

    (void)line;
    pthread_mutex_lock(&m->lock);
    m->irq = level;
    pthread_cond_broadcast(&m->interrupt);
    pthread_mutex_unlock(&m->lock);
}

static void disk_submit(void *ctx, struct blk_request *req)
{
    struct machine *m = ctx;

    pthread_mutex_lock(&m->lock);
    req->next = m->first;
    m->first = req;
    m->in_flight++;
    pthread_cond_signal(&m->work);
    pthread_mutex_unlock(&m->lock);
}

static void disk_drain(void *ctx)
{
    struct machine *m = ctx;

    pthread_mutex_lock(&m->lock);
    while (m->in_flight)
        pthread_cond_wait(&m->idle, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

static void *disk_thread(void *ctx)
{
    struct machine *m = ctx;

    pthread_mutex_lock(&m->lock);
    while (!m->ending) {
        struct blk_request *req = m->first;

        if (!req) {
            pthread_cond_wait(&m->work, &m->lock);
            continue;
        }
        m->first = req->next;
        pthread_mutex_unlock(&m->lock);
        for (unsigned i = 0; i < req->iov_count; i++)
            memset(req->iov[i].base, (uint8_t)(req->offset / 512), req->iov[i].len);
        req->done(req, 0);
        pthread_mutex_lock(&m->lock);
        if (!--m->in_flight)
            pthread_cond_broadcast(&m->idle);
    }
    pthread_mutex_unlock(&m->lock);
    return NULL;
}

static _Atomic uint16_t *word(struct machine *m, unsigned offset)
{
    return (_Atomic uint16_t *)(void *)(m->ram + offset);
}

static void set(struct machine *m, uint64_t reg, uint32_t value)
{
    assert_int_equal(hull_bus_write(&m->bus, DEVICE + reg, 4, value), 0);
}

static void start(struct machine *m)
{
    memset(m->ram, 0, DATA);
    m->avail = m->used = 0;
    set(m, VIRTIO_MMIO_STATUS, 3);
    set(m, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    set(m, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(VIRTIO_F_EVENT_IDX | BLK_F_FLUSH));
    set(m, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    set(m, VIRTIO_MMIO_DRIVER_FEATURES, 1);
    set(m, VIRTIO_MMIO_STATUS, 11);
    set(m, VIRTIO_MMIO_QUEUE_SEL, 0);
    set(m, VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE);
    set(m, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)RAM_BASE);
    set(m, VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)RAM_BASE + DRIVER_AREA);
    set(m, VIRTIO_MMIO_QUEUE_DEVICE_LOW, (uint32_t)RAM_BASE + DEVICE_AREA);
    set(m, VIRTIO_MMIO_QUEUE_READY, 1);
    set(m, VIRTIO_MMIO_STATUS, 15);
}

static void put_desc(struct machine *m, unsigned at, unsigned offset, uint32_t len, unsigned flags)
{
    const uint64_t addr = RAM_BASE + offset;
    const uint16_t rest[2] = {(uint16_t)flags, (uint16_t)(at + 1)};

    memcpy(m->ram + 16 * at, &addr, 8);
    memcpy(m->ram + 16 * at + 8, &len, 4);
    memcpy(m->ram + 16 * at + 12, rest, 4);
}

// A read of sector `slot` into its own 512 bytes.
static void put_read(struct machine *m, unsigned slot)
{
    const uint64_t sector = slot;

    memset(m->ram + HEADERS + 16 * slot, 0, 8);
    memcpy(m->ram + HEADERS + 16 * slot + 8, &sector, 8);
    m->ram[STATUSES + slot] = 0xee;
    memset(m->ram + DATA + 512 * slot, 0xee, 512);
    put_desc(m, 3 * slot, HEADERS + 16 * slot, 16, 1);
    put_desc(m, 3 * slot + 1, DATA + 512 * slot, 512, 1 | 2);
    put_desc(m, 3 * slot + 2, STATUSES + slot, 1, 2);
    atomic_store_explicit(word(m, DRIVER_AREA + 4 + 2 * (m->avail++ % QUEUE_SIZE)),
                          (uint16_t)(3 * slot), memory_order_relaxed);
}

// Publishes what was put since `old`, and notifies only if the device asked for it.
static void publish(struct machine *m, uint16_t old)
{
    uint16_t event;

    atomic_store_explicit(word(m, DRIVER_AREA + 2), m->avail, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    event = atomic_load(word(m, DEVICE_AREA + 4 + 8 * QUEUE_SIZE));
    if ((uint16_t)(m->avail - event - 1) < (uint16_t)(m->avail - old))
        set(m, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

static void wait_for_interrupt(struct machine *m)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&m->lock);
    while (!m->irq)
        if (pthread_cond_timedwait(&m->interrupt, &m->lock, &until)) {
            pthread_mutex_unlock(&m->lock);
            fail_msg("a notification was lost: %u used, %u available", m->used, m->avail);
        }
    pthread_mutex_unlock(&m->lock);
    set(m, VIRTIO_MMIO_INTERRUPT_ACK, 3);
}

// Waits until all is used, asleep whenever the used ring stands still.
static void collect(struct machine *m)
{
    while (m->used != m->avail) {
        m->used = atomic_load_explicit(word(m, DEVICE_AREA + 2), memory_order_acquire);
        if (m->used == m->avail)
            break;
        atomic_store(word(m, DRIVER_AREA + 4 + 2 * QUEUE_SIZE), m->used);
        atomic_thread_fence(memory_order_seq_cst);
        if (m->used == atomic_load(word(m, DEVICE_AREA + 2)))
            wait_for_interrupt(m);
    }
}

static void check_read(struct machine *m, unsigned slot)
{
    assert_int_equal(m->ram[STATUSES + slot], 0);
    for (unsigned i = 0; i < 512; i += 73)
        assert_int_equal(m->ram[DATA + 512 * slot + i], slot);
}

static void run_batch(struct machine *m, unsigned count)
{
    uint16_t old = m->avail;

    for (unsigned slot = 0; slot < count; slot++) {
        put_read(m, slot);
        if (rand() % 3 == 0) { // some one by one, some together
            publish(m, old);
            old = m->avail;
        }
    }
    if (old != m->avail)
        publish(m, old);
}

// Resets with requests in flight, and makes sure that the memory is ours from then on.
static void reset_meanwhile(struct machine *m)
{
    run_batch(m, BATCH_MAX);
    set(m, VIRTIO_MMIO_STATUS, 0);
    memset(m->ram, 0x77, RAM_SIZE);
    sched_yield();
    for (unsigned i = 0; i < RAM_SIZE; i++)
        if (m->ram[i] != 0x77)
            fail_msg("byte %#x was written to after the reset", i);
    start(m);
}

static void nothing_is_lost_between_threads(void **state)
{
    static struct machine m = {.lock = PTHREAD_MUTEX_INITIALIZER,
                               .work = PTHREAD_COND_INITIALIZER,
                               .idle = PTHREAD_COND_INITIALIZER,
                               .interrupt = PTHREAD_COND_INITIALIZER};
    struct virtio_bindings b = {.env = &m.host.env, .memory = &m.memory, .irq = {irq_set, &m, 1}};
    struct device *dev;
    uint64_t end;

    (void)state;
    srand(1);
    assert_int_equal(hull_host_env_init(&m.host, HULL_LOG_ERROR, NULL), 0);
    m.ram = aligned_alloc(HULL_PAGE_SIZE, RAM_SIZE);
    assert_non_null(m.ram);
    assert_int_equal(hull_memory_add(&m.memory, RAM_BASE, RAM_SIZE, m.ram), 0);
    m.backend = (struct blk_backend){
        .submit = disk_submit, .drain = disk_drain, .ctx = &m, .size = 1 << 20};
    dev = hull_virtio_blk_create(&b, &m.backend);
    assert_non_null(dev);
    assert_int_equal(hull_bus_add(&m.bus, dev, DEVICE, 0x1000), 0);
    for (unsigned i = 0; i < BACKEND_THREADS; i++)
        assert_int_equal(pthread_create(&m.threads[i], NULL, disk_thread, &m), 0);
    start(&m);
    end = m.host.env.ops->now_ns(m.host.env.ctx) + RUN_NS;
    for (unsigned n = 1; m.host.env.ops->now_ns(m.host.env.ctx) < end; n++) {
        unsigned count = 1 + (unsigned)rand() % BATCH_MAX;

        run_batch(&m, count);
        collect(&m);
        for (unsigned slot = 0; slot < count; slot++)
            check_read(&m, slot);
        if (n % 64 == 0)
            reset_meanwhile(&m);
    }
    run_batch(&m, BATCH_MAX);
    hull_bus_destroy(&m.bus); // waits for the last batch
    pthread_mutex_lock(&m.lock);
    m.ending = true;
    pthread_cond_broadcast(&m.work);
    pthread_mutex_unlock(&m.lock);
    for (unsigned i = 0; i < BACKEND_THREADS; i++)
        pthread_join(m.threads[i], NULL);
    free(m.ram);
    hull_host_env_fini(&m.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_between_threads)};

    return cmocka_run_group_tests_name("core/dev/virtio/blk, threads", tests, NULL, NULL);
}
