// SPDX-License-Identifier: Apache-2.0
// A reset by the finisher starts the program anew, with everything but the disk as at power-on: RAM,
// devices, CSRs.
// run: disk=1M cpus=2
#include "csr.h"
#include "virtio.h"

static uint32_t data[128] __attribute__((aligned(64)));
static uint32_t initialised = 77, zeroed;

static struct vqueue q;
static volatile uint8_t status_byte;
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} header;

static bool transfer(uint32_t type)
{
    uintptr_t base = v_find(V_ID_BLOCK, 0);
    struct vused used;

    if (!base || !v_begin(base, 0) || !v_queue(base, 0, 16, &q))
        return false;
    v_ready(base);
    header.type = type;
    status_byte = 0xee;
    v_desc(&q, 0, &header, 16, V_NEXT, 1);
    v_desc(&q, 1, data, 512, V_NEXT | (type ? 0 : V_WRITE), 2);
    v_desc(&q, 2, &status_byte, 1, V_WRITE, 0);
    v_push(&q, 0);
    v_notify(&q);
    return v_wait(&q, &used) && status_byte == 0;
}

static void resets(void)
{
    uintptr_t disk = v_find(V_ID_BLOCK, 0);

    CHECK(disk != 0);
    EQ(rd32(disk + V_STATUS), 0);
    EQ(rd32(disk + V_QUEUE_READY), 0);
    EQ(initialised, 77);
    EQ(zeroed, 0);
    EQ(csr_read(satp), 0);
    if (!rt_on_qemu()) { // it leaves them as they were
        EQ(csr_read(medeleg), 0);
        EQ(csr_read(mcountinhibit), 0);
    }
    EQ(csr_read(mhartid), 0);
    EQ(rd32(MSIP(0)), 0);
    EQ(rd32(PLIC + 40), 0);
    CHECK(rd64(MTIME) < 5000 * RT_MS || rt_on_qemu());
    CHECK(rt_need(2));
    CHECK(transfer(0));
    if (data[0] >= 3)
        return; // the fourth life
    data[0]++;
    CHECK(transfer(1));
    initialised = 78;
    zeroed = 79;
    csr_write(medeleg, 0x100);
    csr_write(mcountinhibit, 4);
    wr32(PLIC + 40, 3);
    wr32(MSIP(1), 1);
    wr32(FINISHER, 0x7777);
    for (;;)
        ;
}

const struct rt_case rt_cases[] = {{"resets", resets}, {0}};
