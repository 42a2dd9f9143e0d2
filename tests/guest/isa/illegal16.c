// SPDX-License-Identifier: Apache-2.0
// All 49152 compressed encodings: which of them trap as illegal, against the rules of the chapters "C"
// and "Zc" written down here a second time.
#include "csr.h"
#include "probe.h"

static bool has_zcb, has_fp;

static bool legal_quadrant0(unsigned c)
{
    switch (c >> 13) {
    case 0: return (c >> 5 & 255) != 0; // c.addi4spn of 0
    case 1:
    case 5: return has_fp;
    case 4:
        if (!has_zcb)
            return false;
        switch (c >> 10 & 7) {
        case 0:                     // c.lbu
        case 1:                     // c.lhu, c.lh
        case 2: return true;        // c.sb
        case 3: return !(c & 0x40); // c.sh
        default: return false;
        }
    default: return true;
    }
}

static bool legal_arith(unsigned c)
{
    if ((c >> 10 & 3) != 3 || !(c & 0x1000))
        return true;
    switch (c >> 5 & 3) {
    case 2: return has_zcb;                     // c.mul
    case 3: return has_zcb && (c >> 2 & 7) < 6; // c.zext.b to c.not
    default: return true;
    }
}

static bool legal_quadrant1(unsigned c)
{
    bool imm = c & 0x107c;

    switch (c >> 13) {
    case 1: return c >> 7 & 31; // c.addiw
    case 3: return imm;         // c.lui, c.addi16sp
    case 4: return legal_arith(c);
    default: return true;
    }
}

static bool legal_quadrant2(unsigned c)
{
    unsigned rd = c >> 7 & 31;

    switch (c >> 13) {
    case 1:
    case 5: return has_fp;
    case 2:
    case 3: return rd != 0;
    case 4: return (c & 0x1ffc) != 0; // c.jr x0
    default: return true;
    }
}

static bool legal(unsigned c)
{
    switch (c & 3) {
    case 0: return legal_quadrant0(c);
    case 1: return legal_quadrant1(c);
    default: return legal_quadrant2(c);
    }
}

static bool is_branch(unsigned c)
{
    return (c & 3) == 1 && c >> 13 >= 5;
}

// Two bytes for the instruction, two for an ebreak, 1024 to a page. Branches get a page of their
// own: they could jump to a neighbour, or form a loop.
static void sweep(uint16_t *page)
{
    unsigned batch[1024], n = 0;

    for (unsigned c = 0; c < 0x10000; c++) {
        bool last = c == 0xffff;

        if ((c & 3) != 3 && !is_branch(c)) {
            page[2 * n] = (uint16_t)c;
            page[2 * n + 1] = 0x9002;
            batch[n++] = c;
        }
        if (n < 1024 && !last)
            continue;
        rt_fence_i();
        for (unsigned i = 0; i < n; i++)
            if (probe_legal(4 * i, batch[i]) != legal(batch[i]))
                probe_failed(batch[i], "is legal", !legal(batch[i]), legal(batch[i]));
        n = 0;
    }
}

static void sweep_branches(uint16_t *page)
{
    for (unsigned i = 0; i < 2048; i++)
        page[i] = 0x9002;
    for (unsigned c = 1; c < 0x10000; c += 4) {
        // One in a loop of one instruction is left out: c.j 0, c.beqz 0 with a zero register.
        if (!is_branch(c) || !(c & (c >> 13 == 5 ? 0x1ffc : 0x1c7c)))
            continue;
        page[1024] = (uint16_t)c;
        rt_fence_i();
        if (!probe_legal(2048, c))
            probe_failed(c, "is legal", 0, 1);
    }
}

static void with_fp(void)
{
    has_zcb = !rt_on_qemu();
    has_fp = true;
    sweep(probe_begin(PRIV_U, true));
    probe_end();
}

static void without_fp(void)
{
    has_zcb = !rt_on_qemu();
    has_fp = false;
    sweep(probe_begin(PRIV_S, false));
    probe_end();
}

static void branches(void)
{
    sweep_branches(probe_begin(PRIV_U, true));
    probe_end();
}

const struct rt_case rt_cases[] = {
    {"fp-on", with_fp},
    {"fp-off", without_fp},
    {"branches", branches},
    {0},
};
