// SPDX-License-Identifier: Apache-2.0
// virtio-net (virtio 1.2, 5.1): one queue pair, mergeable receive buffers, checksums for frames that
// the guest sends (native code does them faster than the guest would). Frames are copied out before
// they are looked at: the guest may rewrite its buffers meanwhile.
#include "core/dev/virtio/virtio.h"
#include "lib/bytes.h"
#include "lib/mem.h"

#define NET_F_CSUM (1ull << 0)
#define NET_F_MTU (1ull << 3)
#define NET_F_MAC (1ull << 5)
#define NET_F_MRG_RXBUF (1ull << 15)
#define NET_F_STATUS (1ull << 16)

enum net_config { // offsets in the configuration space
    NET_CONFIG_MAC = 0,
    NET_CONFIG_STATUS = 6,
    NET_CONFIG_QUEUE_PAIRS = 8,
    NET_CONFIG_MTU = 10,
    NET_CONFIG_SIZE = 12,
};
#define NET_STATUS_LINK_UP 1

enum net_header { // offsets in the header before each frame
    NET_HDR_FLAGS = 0,
    NET_HDR_GSO_TYPE = 1,
    NET_HDR_CSUM_START = 6,
    NET_HDR_CSUM_OFFSET = 8,
    NET_HDR_NUM_BUFFERS = 10,
    NET_HDR_SIZE = 12,
};
#define NET_HDR_F_NEEDS_CSUM 1

#define QUEUE_RX 0
#define QUEUE_TX 1

#define FRAME_MIN 14
#define FRAME_MAX 65550

struct net {
    struct virtio_device vdev;
    struct net_backend *backend;
    bool rx_starved; // the backend waits for rx_ready
    struct virtq_chain first, chain;
    uint16_t heads[VIRTQ_SIZE_MAX]; // the chains that one incoming frame fills
    uint32_t lens[VIRTQ_SIZE_MAX];
    uint8_t frame[FRAME_MAX];
};

static struct net *net_of(struct virtio_device *v)
{
    return hull_container_of(v, struct net, vdev);
}

// Drivers without VERSION_1 know num_buffers only together with MRG_RXBUF (5.1.6.1).
static unsigned header_size(const struct net *net)
{
    bool whole = virtio_has(&net->vdev, VIRTIO_F_VERSION_1 | NET_F_MRG_RXBUF);

    return whole ? NET_HDR_SIZE : NET_HDR_NUM_BUFFERS;
}

// Completes a checksum whose field holds the sum of the pseudo header (5.1.6.2).
static bool checksum(uint8_t *frame, size_t len, size_t start, size_t offset)
{
    uint64_t sum = 0;
    uint16_t folded;
    size_t at;

    if (start + offset + 2 > len)
        return false;
    for (at = start; at + 1 < len; at += 2)
        sum += hull_load_be16(frame + at);
    if (at < len)
        sum += (uint64_t)frame[at] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    folded = (uint16_t)~sum;
    hull_store_be16(frame + start + offset, folded ? folded : 0xffff); // UDP's 0 means "none"
    return true;
}

// Sends the frame in net->chain; one that makes no sense is dropped, as a wire would.
static void transmit(struct net *net)
{
    uint8_t header[NET_HDR_SIZE] = {0};
    unsigned skip = header_size(net);
    uint64_t len = net->chain.readable_len;
    struct hull_iovec iov;

    if (len < skip + FRAME_MIN || len > skip + FRAME_MAX)
        return;
    virtq_chain_read(&net->chain, 0, header, skip);
    virtq_chain_read(&net->chain, skip, net->frame, len - skip);
    iov = (struct hull_iovec){.base = net->frame, .len = len - skip};
    if (header[NET_HDR_GSO_TYPE])
        return;
    if ((header[NET_HDR_FLAGS] & NET_HDR_F_NEEDS_CSUM) &&
        !checksum(net->frame, iov.len, hull_load_le16(header + NET_HDR_CSUM_START),
                  hull_load_le16(header + NET_HDR_CSUM_OFFSET)))
        return;
    if (net->backend->send)
        net->backend->send(net->backend->ctx, &iov, 1);
}

static void transmit_all(struct net *net)
{
    struct virtq *q = &net->vdev.queues[QUEUE_TX];
    unsigned n = 0;

    while (n < VIRTIO_SLICE && virtq_pop(q, &net->chain) > 0) {
        transmit(net);
        virtq_push(q, net->chain.head, 0);
        n++;
    }
    if (n == VIRTIO_SLICE)
        virtio_run_later(&net->vdev, QUEUE_TX);
    virtq_interrupt(q);
}

static void net_notify(struct virtio_device *v, unsigned queue)
{
    struct net *net = net_of(v);

    if (queue == QUEUE_TX) {
        transmit_all(net);
    } else if (virtq_waiting(&v->queues[QUEUE_RX]) && net->rx_starved) {
        net->rx_starved = false;
        if (net->backend->rx_ready)
            net->backend->rx_ready(net->backend->ctx);
    }
}

enum receive { RECEIVE_DONE, RECEIVE_NO_BUFFERS, RECEIVE_DROP };

// Takes the next chain for a frame of which `left` bytes are to be written behind `offset` bytes of
// header. RECEIVE_DONE: there is one.
static enum receive next_chain(struct net *net, struct virtq_chain *chain, unsigned count,
                               unsigned offset, size_t left)
{
    struct virtq *q = &net->vdev.queues[QUEUE_RX];
    bool mergeable = virtio_has(&net->vdev, NET_F_MRG_RXBUF);

    if (count == q->size) // all that the queue can hold is too little
        return RECEIVE_DROP;
    if (virtq_pop(q, chain) <= 0)
        return RECEIVE_NO_BUFFERS;
    if (chain->writable_len <= offset) {
        virtio_broken(&net->vdev, "a receive buffer is too small");
        return RECEIVE_NO_BUFFERS;
    }
    if (!mergeable && chain->writable_len - offset < left) {
        virtq_unpop(q, 1);
        return RECEIVE_DROP;
    }
    return RECEIVE_DONE;
}

// Writes header and frame into as many chains as it takes. They are published together at the end,
// so a frame that does not fit is taken back whole.
static enum receive receive(struct net *net, const uint8_t *frame, size_t len)
{
    struct virtq *q = &net->vdev.queues[QUEUE_RX];
    unsigned header_len = header_size(net), count = 0;
    uint8_t header[NET_HDR_SIZE] = {0};
    size_t done = 0;

    do {
        struct virtq_chain *chain = count ? &net->chain : &net->first;
        unsigned offset = count ? 0 : header_len;
        enum receive result = next_chain(net, chain, count, offset, len - done);
        size_t n;

        if (result != RECEIVE_DONE) {
            virtq_unpop(q, count);
            return result;
        }
        n = virtq_chain_write(q, chain, offset, frame + done, len - done);
        net->heads[count] = chain->head;
        net->lens[count++] = (uint32_t)n + offset;
        done += n;
    } while (done < len);
    hull_store_le16(header + NET_HDR_NUM_BUFFERS, (uint16_t)count);
    virtq_chain_write(q, &net->first, 0, header, header_len);
    virtq_push_many(q, net->heads, net->lens, count);
    return RECEIVE_DONE;
}

bool hull_virtio_net_receive(struct device *dev, const void *frame, size_t len)
{
    struct virtio_device *v = virtio_of(dev);
    struct net *net = net_of(v);
    enum receive result = RECEIVE_NO_BUFFERS;

    if (len < FRAME_MIN || len > FRAME_MAX)
        return true; // no frame: dropped
    virtio_lock(v);
    if (virtio_running(v) && v->queues[QUEUE_RX].ready)
        result = receive(net, frame, len);
    if (result == RECEIVE_NO_BUFFERS)
        net->rx_starved = true;
    virtq_interrupt(&v->queues[QUEUE_RX]);
    virtio_unlock(v);
    return result != RECEIVE_NO_BUFFERS;
}

bool hull_virtio_net_can_receive(struct device *dev)
{
    struct virtio_device *v = virtio_of(dev);
    bool can;

    virtio_lock(v);
    can = virtq_waiting(&v->queues[QUEUE_RX]) != 0;
    if (!can)
        net_of(v)->rx_starved = true;
    virtio_unlock(v);
    return can;
}

static uint8_t net_config_read(struct virtio_device *v, unsigned offset)
{
    const struct net_backend *backend = net_of(v)->backend;
    uint8_t c[NET_CONFIG_SIZE] = {0};

    memcpy(c + NET_CONFIG_MAC, backend->mac, sizeof(backend->mac));
    hull_store_le16(c + NET_CONFIG_STATUS, NET_STATUS_LINK_UP);
    hull_store_le16(c + NET_CONFIG_QUEUE_PAIRS, 1);
    hull_store_le16(c + NET_CONFIG_MTU, backend->mtu);
    return c[offset];
}

static void net_destroy(struct virtio_device *v)
{
    hull_free(v->env, net_of(v), sizeof(struct net));
}

static const struct virtio_device_ops net_ops = {
    .name = "virtio-net",
    .id = VIRTIO_ID_NET,
    .queue_count = 2,
    .queue_size = VIRTQ_SIZE_MAX,
    .config_read = net_config_read,
    .config_size = NET_CONFIG_SIZE,
    .notify = net_notify,
    .destroy = net_destroy,
};

struct device *hull_virtio_net_create(const struct virtio_bindings *b, struct net_backend *backend)
{
    struct net *net = hull_alloc(b->env, sizeof(*net));
    uint64_t features = NET_F_CSUM | NET_F_MAC | NET_F_MRG_RXBUF | NET_F_STATUS;

    if (!net)
        return NULL;
    net->backend = backend;
    return virtio_mmio_create(&net->vdev, &net_ops, b, features | (backend->mtu ? NET_F_MTU : 0));
}
