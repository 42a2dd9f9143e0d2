// SPDX-License-Identifier: Apache-2.0
// Gives memory back, also while it is used, and takes it again. Keys lead it on: "a" for the cases, then "g" or
// "d" to touch everything again, itself or by its disk.
#include "tests/metal/virtio.h"

#define UART 0x10000000ull
#define BLOCK (2ull << 20)
#define FIRST 0x80400000ull // what is below is this program
#define END (0x80000000ull + (1200ull << 20))
#define RACE_BLOCK (FIRST + 8 * BLOCK)
#define RING_BLOCK (FIRST + 9 * BLOCK)
#define ROUNDS 100

static struct ring balloon_ring, disk_ring;
static uint64_t balloon, disk;
static volatile bool race_over, race_ended;
static volatile unsigned bad_reads;
static uint32_t in_use = 0x600d;
static uint8_t page_of_ours[4096] __attribute__((aligned(4096)));

static void result(bool ok, const char *what)
{
    put_text(ok ? "ok " : "not ok ");
    put_text(what);
    put_text("\n");
}

static char key(void)
{
    while (!(*(volatile uint8_t *)(UART + 5) & 1))
        ;
    return *(volatile char *)UART;
}

static bool disk_read(uint64_t to)
{
    static uint64_t header[2]; // a read of sector 0
    static volatile uint8_t status;
    const struct buffer buffers[] = {{header, sizeof(header), false},
                                     {(void *)to, 65536, true},
                                     {(const void *)&status, 1, true}};

    status = 0xff;
    return device_do(disk, &disk_ring, buffers, 3) && !status;
}

static void fill(uint64_t from, uint64_t end)
{
    for (; from < end; from += 8)
        *(volatile uint64_t *)from = from;
}

// All zero, or all as filled; a word of the disk counts as both where `disk_too`.
static bool holds(uint64_t from, uint64_t end, bool zero, bool disk_too)
{
    for (; from < end; from += 8) {
        uint64_t word = *(volatile uint64_t *)from;

        if (word != (zero ? 0 : from) && !(disk_too && word == 0x6b7369646b736964))
            return false;
    }
    return true;
}

// The second hart.
static void race(void)
{
    while (!race_over)
        bad_reads += !disk_read(RACE_BLOCK + BLOCK / 2);
    race_ended = true;
    sbi(SBI_HSM, 1, 0, 0, 0);
}

static void cases(void)
{
    bool all = true;

    fill(FIRST, FIRST + 2 * BLOCK);
    all = give_back(balloon, &balloon_ring, FIRST, 512, false);
    result(all && holds(FIRST, FIRST + BLOCK, true, false), "a block given back reads as zero");
    result(holds(FIRST + BLOCK, FIRST + 2 * BLOCK, false, false), "its neighbour stays");
    fill(FIRST, FIRST + BLOCK);
    give_back(balloon, &balloon_ring, FIRST, 256, false);
    result(holds(FIRST, FIRST + BLOCK / 2, true, false) &&
               holds(FIRST + BLOCK / 2, FIRST + BLOCK, false, false),
           "half a block");
    give_back(balloon, &balloon_ring, FIRST + BLOCK / 2, 256, false);
    result(holds(FIRST, FIRST + BLOCK, true, false), "and the other half");
    for (unsigned i = 0; i < 8; i++)
        give_back(balloon, &balloon_ring, (uintptr_t)page_of_ours, 512, true);
    result(in_use == 0x600d, "a page given back again and again is only one");
    sbi(SBI_HSM, 0, 1, (uintptr_t)_start, 0);
    for (unsigned i = 0; i < ROUNDS; i++)
        give_back(balloon, &balloon_ring, RACE_BLOCK, 512, false);
    race_over = true;
    while (!race_ended)
        ;
    result(!bad_reads && holds(RACE_BLOCK, RACE_BLOCK + BLOCK, true, true),
           "a block that a disk reads into at that moment");
    balloon = device_begin(VIRTIO_BALLOON, (struct ring *)RING_BLOCK);
    give_back(balloon, (struct ring *)RING_BLOCK, RING_BLOCK, 512, false);
    balloon = device_begin(VIRTIO_BALLOON, &balloon_ring);
    result(give_back(balloon, &balloon_ring, FIRST, 1, false), "the block of the ring itself");
}

void guest_main(uint64_t hartid)
{
    if (hartid)
        race();
    put_text("balloon: waits\n");
    while (key() != 'a')
        ;
    balloon = device_begin(VIRTIO_BALLOON, &balloon_ring);
    disk = device_begin(VIRTIO_BLK, &disk_ring);
    cases();
    for (uint64_t at = FIRST; at < END; at += BLOCK)
        give_back(balloon, &balloon_ring, at, 512, false);
    put_text("balloon: gave all\n");
    for (;;) {
        char what = key();

        for (uint64_t at = FIRST; at < END && (what == 'g' || what == 'd'); at += BLOCK)
            if (what == 'd')
                disk_read(at);
            else
                *(volatile uint64_t *)at = at;
        put_text("balloon: has it again\n");
    }
}
