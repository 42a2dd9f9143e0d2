// SPDX-License-Identifier: Apache-2.0
// virtio-console (virtio 1.2, 5.3): one port, with its size told to the guest.
#include "core/dev/virtio/virtio.h"
#include "lib/bytes.h"

#define CONSOLE_F_SIZE (1ull << 0)
#define CONSOLE_F_EMERG_WRITE (1ull << 2)

enum console_config { // offsets in the configuration space
    CONSOLE_CONFIG_COLS = 0,
    CONSOLE_CONFIG_ROWS = 2,
    CONSOLE_CONFIG_MAX_PORTS = 4,
    CONSOLE_CONFIG_EMERG_WRITE = 8,
    CONSOLE_CONFIG_SIZE = 12,
};

#define QUEUE_RX 0
#define QUEUE_TX 1
#define QUEUE_SIZE 128
#define TX_SLICE 65536u // bytes of output before the lock is let go

struct console {
    struct virtio_device vdev;
    struct char_backend backend;
    uint16_t columns, rows;
    bool rx_starved; // the backend waits for rx_ready
    bool tx_held;    // the rest of `tx` waits for the backend
    struct virtq_chain tx, rx;
};

static struct console *console_of(struct virtio_device *v)
{
    return hull_container_of(v, struct console, vdev);
}

static size_t backend_write(struct console *c, const void *buf, size_t len)
{
    return c->backend.write ? c->backend.write(c->backend.ctx, buf, len) : len;
}

// Offers the rest of c->tx to the backend, at most *budget bytes. True: all of it is out.
static bool transmit(struct console *c, uint32_t *budget)
{
    while (c->tx.readable_count && *budget) {
        const struct hull_iovec *iov = c->tx.readable;
        size_t want = iov->len < *budget ? iov->len : *budget;
        size_t taken = backend_write(c, iov->base, want);

        if (taken > want)
            taken = want;
        virtq_chain_skip(&c->tx, taken);
        *budget -= (uint32_t)taken;
        if (taken < want)
            return false;
    }
    return !c->tx.readable_count;
}

// A backend that takes no more calls tx_ready later; what is left over for the budget's sake goes on
// from the timer.
static void transmit_all(struct console *c)
{
    struct virtq *q = &c->vdev.queues[QUEUE_TX];
    uint32_t budget = TX_SLICE;
    unsigned n = 0;

    while (budget && n++ < VIRTIO_SLICE) {
        if (!c->tx_held && virtq_pop(q, &c->tx) <= 0)
            break;
        c->tx_held = true;
        if (!transmit(c, &budget))
            break;
        c->tx_held = false;
        virtq_push(q, c->tx.head, 0);
    }
    if (!budget || n > VIRTIO_SLICE)
        virtio_run_later(&c->vdev, QUEUE_TX);
    virtq_interrupt(q);
}

static void console_notify(struct virtio_device *v, unsigned queue)
{
    struct console *c = console_of(v);

    if (queue == QUEUE_TX) {
        transmit_all(c);
    } else if (virtq_waiting(&v->queues[QUEUE_RX]) && c->rx_starved) {
        c->rx_starved = false;
        if (c->backend.rx_ready)
            c->backend.rx_ready(c->backend.ctx);
    }
}

void hull_virtio_console_tx_ready(struct device *dev)
{
    struct virtio_device *v = virtio_of(dev);

    virtio_lock(v);
    virtio_notify(v, QUEUE_TX);
    virtio_unlock(v);
}

size_t hull_virtio_console_receive(struct device *dev, const void *buf, size_t len)
{
    struct virtio_device *v = virtio_of(dev);
    struct console *c = console_of(v);
    struct virtq *q = &v->queues[QUEUE_RX];
    size_t done = 0;

    virtio_lock(v);
    while (done < len && virtq_pop(q, &c->rx) > 0) {
        size_t n = virtq_chain_write(q, &c->rx, 0, (const uint8_t *)buf + done, len - done);

        virtq_push(q, c->rx.head, (uint32_t)n);
        done += n;
        if (!n)
            virtio_broken(v, "a receive buffer has no room");
    }
    c->rx_starved = done < len;
    virtq_interrupt(q);
    virtio_unlock(v);
    return done;
}

void hull_virtio_console_resize(struct device *dev, unsigned columns, unsigned rows)
{
    struct virtio_device *v = virtio_of(dev);
    struct console *c = console_of(v);

    columns = columns < UINT16_MAX ? columns : UINT16_MAX;
    rows = rows < UINT16_MAX ? rows : UINT16_MAX;
    virtio_lock(v);
    if (columns != c->columns || rows != c->rows) {
        c->columns = (uint16_t)columns;
        c->rows = (uint16_t)rows;
        virtio_config_changed(v);
    }
    virtio_unlock(v);
}

static uint8_t console_config_read(struct virtio_device *v, unsigned offset)
{
    struct console *c = console_of(v);
    uint8_t config[CONSOLE_CONFIG_SIZE] = {0};

    hull_store_le16(config + CONSOLE_CONFIG_COLS, c->columns);
    hull_store_le16(config + CONSOLE_CONFIG_ROWS, c->rows);
    hull_store_le32(config + CONSOLE_CONFIG_MAX_PORTS, 1);
    return config[offset];
}

// An emergency character goes out at once, whatever state the driver is in (5.3.4).
static void console_config_write(struct virtio_device *v, unsigned offset, unsigned size,
                                 uint32_t value)
{
    uint8_t byte = (uint8_t)value;

    (void)size;
    if (offset == CONSOLE_CONFIG_EMERG_WRITE)
        backend_write(console_of(v), &byte, 1);
}

// Nothing is ever in flight; output that the backend has not taken is dropped with its queue.
static void console_drain(struct virtio_device *v)
{
    console_of(v)->tx_held = false;
}

static void console_destroy(struct virtio_device *v)
{
    hull_free(v->env, console_of(v), sizeof(struct console));
}

static const struct virtio_device_ops console_ops = {
    .name = "virtio-console",
    .id = VIRTIO_ID_CONSOLE,
    .queue_count = 2,
    .queue_size = QUEUE_SIZE,
    .config_read = console_config_read,
    .config_write = console_config_write,
    .config_size = CONSOLE_CONFIG_SIZE,
    .notify = console_notify,
    .drain = console_drain,
    .destroy = console_destroy,
};

struct device *hull_virtio_console_create(const struct virtio_bindings *b,
                                          struct char_backend backend)
{
    struct console *c = hull_alloc(b->env, sizeof(*c));

    if (!c)
        return NULL;
    c->backend = backend;
    return virtio_mmio_create(&c->vdev, &console_ops, b, CONSOLE_F_SIZE | CONSOLE_F_EMERG_WRITE);
}
