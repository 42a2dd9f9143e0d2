// SPDX-License-Identifier: Apache-2.0
// See bytewise.h.
#include "tests/unit/bytewise.h"

#include "guest/riscv/decode.h"
#include "tests/unit/encoding.h"

const uint8_t bytewise_bases[3] = {2, 18, 19};

unsigned bytewise_below(struct bytewise *p, unsigned limit)
{
    uint64_t z = (p->rng += 0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (unsigned)((z ^ z >> 31) % limit);
}

void bytewise_word(struct bytewise *p, uint32_t word)
{
    p->words[p->count++] = word;
}

// Few, so that they are overwritten soon; seldom one that is an address.
static unsigned value(struct bytewise *p)
{
    static const uint8_t regs[] = {10, 11, 12, 13, 14, 15, 16, 6, 7, 28};

    if (bytewise_below(p, 40) == 0)
        return bytewise_bases[bytewise_below(p, 3)];
    return regs[bytewise_below(p, sizeof(regs))];
}

static unsigned base(struct bytewise *p)
{
    return bytewise_bases[bytewise_below(p, 3)];
}

static void rrr(struct bytewise *p, unsigned id, unsigned d, unsigned a, unsigned b)
{
    bytewise_word(p, riscv_insn_info[id].match | d << 7 | a << 15 | b << 20);
}

static void rri(struct bytewise *p, unsigned id, unsigned d, unsigned a, int imm)
{
    bytewise_word(p, riscv_insn_info[id].match | d << 7 | a << 15 | (uint32_t)imm << 20);
}

static void store(struct bytewise *p, unsigned id, unsigned b, unsigned a, int imm)
{
    bytewise_word(p, riscv_insn_info[id].match | b << 20 | a << 15 | store_offset(imm));
}

// Something that a scheduler may have put in between.
static void noise(struct bytewise *p)
{
    static const uint16_t ids[] = {INSN_ADD, INSN_XOR, INSN_SUBW, INSN_OR, INSN_AND, INSN_SLTU};
    static const uint16_t loads[] = {INSN_LBU, INSN_LH, INSN_LW, INSN_LD};
    static const uint16_t stores[] = {INSN_SB, INSN_SH, INSN_SW, INSN_SD};

    switch (bytewise_below(p, 12)) {
    case 0:
        rri(p, loads[bytewise_below(p, 4)], value(p), base(p), (int)bytewise_below(p, 24));
        break;
    case 1:
        store(p, stores[bytewise_below(p, 4)], value(p), base(p), (int)bytewise_below(p, 24));
        break;
    case 2: rri(p, INSN_SRLI, value(p), value(p), 8 * (int)bytewise_below(p, 8)); break;
    case 3: rri(p, INSN_ADDI, value(p), value(p), 0); break;
    case 4: rrr(p, ids[bytewise_below(p, 6)], value(p), value(p), value(p)); break;
    default: break;
    }
}

// Where byte k of the number belongs.
static unsigned position(unsigned k, unsigned size, unsigned unit, unsigned reversed)
{
    return reversed ? size - unit - k : k;
}

static void load_one(struct bytewise *p, unsigned unit, unsigned d, unsigned a, int imm,
                     unsigned top)
{
    static const uint16_t ids[5][2] = {
        [1] = {INSN_LBU, INSN_LB}, [2] = {INSN_LHU, INSN_LH}, [4] = {INSN_LWU, INSN_LW}};

    rri(p, ids[unit][top && bytewise_below(p, 3) == 0], d, a, imm);
}

// Each part is loaded, shifted, and added to what there is.
static void in_turn(struct bytewise *p, unsigned d, unsigned a, int imm, unsigned size,
                    unsigned unit, unsigned reversed)
{
    unsigned t = value(p);

    for (unsigned k = 0; k < size; k += unit) {
        unsigned at = position(k, size, unit, reversed);
        unsigned to = k ? t : d;

        load_one(p, unit, to, a, imm + (int)k, at == size - unit);
        noise(p);
        if (at)
            rri(p, at == size - unit && size == 4 && bytewise_below(p, 2) ? INSN_SLLIW : INSN_SLLI,
                to, to, 8 * (int)at);
        if (k)
            rrr(p, bytewise_below(p, 4) ? INSN_OR : INSN_ADD, d, bytewise_below(p, 2) ? d : t,
                bytewise_below(p, 2) ? d : t);
    }
}

// All parts are loaded, all are shifted, all are put together.
static void at_once(struct bytewise *p, unsigned d, unsigned a, int imm, unsigned size,
                    unsigned unit, unsigned reversed)
{
    unsigned regs[8], n = size / unit, first = bytewise_below(p, n);

    for (unsigned i = 0; i < n; i++)
        regs[i] = 10 + i % 7;
    for (unsigned i = 0; i < n; i++) {
        unsigned k = (first + i) % n;

        load_one(p, unit, regs[k], a, imm + (int)(k * unit),
                 position(k * unit, size, unit, reversed) == size - unit);
        noise(p);
    }
    for (unsigned k = 0; k < n; k++) {
        unsigned at = position(k * unit, size, unit, reversed);

        if (at)
            rri(p, INSN_SLLI, regs[k], regs[k], 8 * (int)at);
        noise(p);
    }
    for (unsigned k = 1; k < n; k++)
        rrr(p, INSN_OR, k + 1 == n ? d : regs[k], regs[k - 1], regs[k]);
}

static void number_in(struct bytewise *p)
{
    static const uint8_t sizes[] = {2, 4, 4, 4, 8};
    unsigned size = sizes[bytewise_below(p, 5)], d = value(p), a = base(p);
    unsigned unit = bytewise_below(p, 4) ? 1 : size / 2, reversed = bytewise_below(p, 2);
    int imm = (int)bytewise_below(p, 24);

    if (bytewise_below(p, 2))
        in_turn(p, d, a, imm, size, unit, reversed);
    else
        at_once(p, d, a, imm, size, unit, reversed);
    if (bytewise_below(p, 3) == 0)
        rri(p, INSN_ADDIW, d, d, 0);
    if (bytewise_below(p, 4) == 0)
        rri(p, INSN_REV8, value(p), d, 0x6b8);
}

static void number_out(struct bytewise *p)
{
    static const uint16_t ids[] = {[1] = INSN_SB, [2] = INSN_SH, [4] = INSN_SW};
    static const uint8_t sizes[] = {2, 4, 4, 8};
    unsigned size = sizes[bytewise_below(p, 4)], v = value(p), a = base(p), t = value(p);
    unsigned unit = bytewise_below(p, 4) ? 1 : size / 2, reversed = bytewise_below(p, 2);
    unsigned first = bytewise_below(p, size / unit);
    int imm = (int)bytewise_below(p, 24);

    for (unsigned i = 0; i < size / unit; i++) {
        unsigned k = (first + i) % (size / unit) * unit, at = position(k, size, unit, reversed);

        if (at)
            rri(p, size == 4 && bytewise_below(p, 2) ? INSN_SRLIW : INSN_SRLI, t, v, 8 * (int)at);
        noise(p);
        store(p, ids[unit], at ? t : v, a, imm + (int)k);
    }
}

static void fill(struct bytewise *p)
{
    static const uint16_t ids[] = {INSN_SB, INSN_SH, INSN_SW, INSN_SD, INSN_SD, INSN_SD};
    unsigned kind = bytewise_below(p, 6), v = bytewise_below(p, 2) ? 0 : value(p), a = base(p);
    int imm = (int)bytewise_below(p, 32), size = 1 << (kind < 3 ? kind : 3);

    for (unsigned i = 2 + bytewise_below(p, 9); i; i--) {
        store(p, ids[kind], v, a, imm);
        imm += size;
        if (bytewise_below(p, 3) == 0)
            noise(p);
    }
}

// A word that is then extended, or part of one.
static void extended(struct bytewise *p)
{
    static const uint16_t loads[] = {INSN_LBU, INSN_LHU, INSN_LW, INSN_LD};
    static const uint8_t counts[] = {32, 48, 56, 8, 16};
    unsigned d = value(p), count = counts[bytewise_below(p, 5)];

    rri(p, loads[bytewise_below(p, 4)], d, base(p), (int)bytewise_below(p, 24));
    noise(p);
    rri(p, INSN_SLLI, d, d, (int)count);
    rri(p, INSN_SRLI, d, d, (int)count);
}

void bytewise_items(struct bytewise *p, unsigned count)
{
    while (count--) {
        switch (bytewise_below(p, 8)) {
        case 0:
        case 1:
        case 2: number_in(p); break;
        case 3:
        case 4: number_out(p); break;
        case 5: fill(p); break;
        case 6: extended(p); break;
        default:
            noise(p);
            noise(p);
            break;
        }
    }
}
