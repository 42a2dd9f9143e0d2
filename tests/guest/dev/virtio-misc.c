// SPDX-License-Identifier: Apache-2.0
// virtio-rng, -console, -balloon and -net by small drivers: bytes come and go, pages are given back,
// the user network answers ARP and DHCP.
// run: net=user hull=--virtio-console hull=--balloon qemu=no
#include "virtio.h"

static void entropy(void)
{
    uintptr_t base = v_find(V_ID_RNG, 0);
    uint8_t *a = rt_pages(4);
    struct vqueue q;
    struct vused used;
    unsigned bits = 0, total = 0;

    if (!base || !v_begin(base, V_F_INDIRECT | V_F_EVENT_IDX) || !v_queue(base, 0, 8, &q)) {
        CHECK(!"a source of randomness");
        return;
    }
    v_ready(base);
    v_desc(&q, 0, a, 1000, V_WRITE | V_NEXT, 1);
    v_desc(&q, 1, a + 1000, 3096, V_WRITE, 0);
    v_push(&q, 0);
    v_notify(&q);
    CHECK(v_wait(&q, &used));
    EQ(used.id, 0);
    CHECK(used.len > 0 && used.len <= 4096);
    for (unsigned i = 0; i < used.len; i++, total += 8)
        for (unsigned b = 0; b < 8; b++)
            bits += a[i] >> b & 1;
    if (total >= 4096)
        CHECK(bits > total / 2 - total / 8 && bits < total / 2 + total / 8);
    v_desc(&q, 2, a, 64, 0, 0); // nothing to write to
    v_push(&q, 2);
    v_notify(&q);
    rt_wait(20 * RT_MS);
    CHECK((v_status(base) & V_NEEDS_RESET) || q.used[1] == 2);
}

static void console(void)
{
    static const char text[] = "# from the virtio console\n";
    uintptr_t base = v_find(V_ID_CONSOLE, 0);
    struct vqueue rx, tx;
    struct vused used;

    if (!base || !v_begin(base, 1 /* size */) || !v_queue(base, 0, 8, &rx) ||
        !v_queue(base, 1, 8, &tx)) {
        CHECK(!"a console");
        return;
    }
    v_ready(base);
    v_desc(&rx, 0, rt_page(), 64, V_WRITE, 0);
    v_push(&rx, 0);
    v_notify(&rx);
    for (unsigned i = 0; i < 20; i++) {
        v_desc(&tx, 0, text, 5, V_NEXT, 1);
        v_desc(&tx, 1, text + 5, sizeof(text) - 6, 0, 0);
        v_push(&tx, 0);
        v_notify(&tx);
        CHECK(v_wait(&tx, &used));
        EQ(used.id, 0);
    }
    wr32(base + V_STATUS, 0);
}

// Inflating takes pages away, deflating gives them back; the queue's elements are page numbers.
static void balloon(void)
{
    uintptr_t base = v_find(V_ID_BALLOON, 0);
    uint32_t *pfns = rt_page();
    uint64_t *page = rt_pages(4);
    struct vqueue inflate, deflate;
    struct vused used;

    if (!base || !v_begin(base, 0) || !v_queue(base, 0, 8, &inflate) ||
        !v_queue(base, 1, 8, &deflate)) {
        CHECK(!"a balloon");
        return;
    }
    v_ready(base);
    for (unsigned i = 0; i < 4; i++) {
        page[i * 512] = 0x1234;
        pfns[i] = (uint32_t)((uint64_t)&page[i * 512] >> 12);
    }
    v_desc(&inflate, 0, pfns, 16, 0, 0);
    v_push(&inflate, 0);
    v_notify(&inflate);
    CHECK(v_wait(&inflate, &used));
    v_desc(&deflate, 0, pfns, 16, 0, 0);
    v_push(&deflate, 0);
    v_notify(&deflate);
    CHECK(v_wait(&deflate, &used));
    for (unsigned i = 0; i < 4;
         i++) { // what they hold now is not defined; that they hold something is
        page[i * 512] = i;
        EQ(page[i * 512], i);
    }
    // Page numbers without pages, and a length that is no multiple.
    pfns[0] = 0xffffffff;
    pfns[1] = 0;
    pfns[2] = 0x40000;
    v_desc(&inflate, 1, pfns, 13, 0, 0);
    v_push(&inflate, 1);
    v_notify(&inflate);
    rt_wait(20 * RT_MS);
    CHECK((v_status(base) & V_NEEDS_RESET) || inflate.used[1] == 2);
    wr32(base + V_STATUS, 0);
}

// ---- Network ----
static uintptr_t net;
static struct vqueue net_rx, net_tx;
static uint8_t *frames;
static uint8_t mac[6];

#define HEADER 12

static bool net_begin(uint64_t features)
{
    net = v_find(V_ID_NET, 0);
    frames = rt_pages(16);
    if (!net || !v_begin(net, features | 1 << 5 /* MAC */) || !v_queue(net, 0, 16, &net_rx) ||
        !v_queue(net, 1, 16, &net_tx)) {
        CHECK(!"a network");
        return false;
    }
    for (unsigned i = 0; i < 6; i++)
        mac[i] = rd8(net + V_CONFIG + i);
    v_ready(net);
    for (unsigned i = 0; i < 8; i++) {
        v_desc(&net_rx, i, frames + 2048 * i, 2048, V_WRITE, 0);
        v_push(&net_rx, (uint16_t)i);
    }
    v_notify(&net_rx);
    return true;
}

static void net_send(const uint8_t *frame, unsigned size)
{
    static uint8_t header[HEADER];
    struct vused used;

    v_desc(&net_tx, 0, header, HEADER, V_NEXT, 1);
    v_desc(&net_tx, 1, frame, size, 0, 0);
    v_push(&net_tx, 0);
    v_notify(&net_tx);
    CHECK(v_wait(&net_tx, &used));
}

// The next frame of this Ethernet type, or NULL.
static const uint8_t *net_receive(unsigned type, unsigned *size)
{
    struct vused used;

    while (v_wait(&net_rx, &used)) {
        const uint8_t *frame = frames + 2048 * used.id + HEADER;

        CHECK(used.len > HEADER + 14 && used.len <= 2048);
        *size = used.len - HEADER;
        if ((unsigned)frame[12] << 8 == (type & 0xff00) && frame[13] == (type & 0xff))
            return frame;
        v_push(&net_rx, (uint16_t)used.id);
        v_notify(&net_rx);
    }
    return NULL;
}

static void arp(void)
{
    static uint8_t request[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0,
                                  0,    8,    6,    0,    1,    8,    0, 6, 4, 0, 1};
    static const uint8_t gateway[] = {10, 0, 2, 2}, self[] = {10, 0, 2, 15};
    const uint8_t *reply;
    unsigned size;

    if (!net_begin(0))
        return;
    EQ(mac[0] & 1, 0);
    memcpy(request + 6, mac, 6);
    memcpy(request + 22, mac, 6);
    memcpy(request + 28, self, 4);
    memcpy(request + 38, gateway, 4);
    net_send(request, sizeof(request));
    reply = net_receive(0x0806, &size);
    if (!reply) {
        CHECK(!"an ARP reply");
        return;
    }
    CHECK(size >= 42);
    EQ(reply[21], 2);
    EQ(memcmp(reply, mac, 6), 0);
    EQ(memcmp(reply + 28, gateway, 4), 0);
    EQ(memcmp(reply + 38, self, 4), 0);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void dhcp(void)
{
    static uint8_t f[342]; // Ethernet, IP, UDP, BOOTP with options up to 60 bytes
    static const uint8_t options[] = {0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255};
    unsigned size, sum = 0;
    const uint8_t *reply;

    if (!net_begin(0))
        return;
    memset(f, 0, sizeof(f));
    memset(f, 0xff, 6);
    memcpy(f + 6, mac, 6);
    put16(f + 12, 0x0800);
    f[14] = 0x45;
    put16(f + 16, sizeof(f) - 14);
    f[22] = 64;
    f[23] = 17;
    memset(f + 30, 0xff, 4);
    for (unsigned i = 14; i < 34; i += 2)
        sum += (unsigned)f[i] << 8 | f[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    put16(f + 24, ~sum);
    put16(f + 34, 68);
    put16(f + 36, 67);
    put16(f + 38, sizeof(f) - 34);
    f[42] = 1; // a request
    f[43] = 1;
    f[44] = 6;
    put16(f + 46, 0xabcd);
    memcpy(f + 42 + 28, mac, 6);
    memcpy(f + 42 + 236, options, sizeof(options));
    net_send(f, sizeof(f));
    reply = net_receive(0x0800, &size);
    if (!reply) {
        CHECK(!"a DHCP offer");
        return;
    }
    EQ(reply[23], 17);
    EQ(reply[42], 2);
    EQ(reply[46] << 8 | reply[47], 0xabcd);
    EQ(reply[42 + 16], 10); // yiaddr
    EQ(reply[42 + 17], 0);
    EQ(reply[42 + 18], 2);
}

// Frames that are too short, too long, all header; receive buffers that are too small.
static void bad_frames(void)
{
    static const uint32_t lengths[] = {0, 1, 11, 12, 13, 25, 65000};
    uint8_t *data = rt_pages(16);

    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        if (!net_begin(0))
            return;
        v_desc(&net_tx, 0, data, lengths[i], 0, 0);
        v_push(&net_tx, 0);
        v_notify(&net_tx);
        rt_wait(5 * RT_MS);
        CHECK((v_status(net) & V_NEEDS_RESET) || net_tx.used[1] == 1);
    }
    if (!net_begin(0))
        return;
    for (unsigned i = 0; i < 8; i++)
        net_rx.desc[i].len = i; // too small for anything
    arp();
}

const struct rt_case rt_cases[] = {
    {"entropy", entropy},
    {"console", console},
    {"balloon", balloon},
    {"arp", arp},
    {"dhcp", dhcp},
    {"bad-frames", bad_frames},
    {0},
};
