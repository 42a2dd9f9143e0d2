// SPDX-License-Identifier: Apache-2.0
// Encodings of 32 bits: every opcode with every funct3, funct7 and rs2, and the CSR-less part of SYSTEM.
// Which of them trap as illegal, against the specification's opcode maps written down a second time.
// run: timeout=120
#include "csr.h"
#include "probe.h"

static bool new_extensions; // Zicond, Zacas, Zfa, Zicbom, Zicboz, Zawrs: not in QEMU 7.2
static bool has_fp;
static unsigned mode;

struct fields {
    unsigned op, rd, f3, rs1, rs2, f7;
};

static bool in(unsigned value, uint64_t set)
{
    return value < 64 && set >> value & 1;
}

#define SET1(a) (1ul << (a))
#define SET2(a, b) (SET1(a) | SET1(b))
#define SET3(a, b, c) (SET2(a, b) | SET1(c))
#define SET5(a, b, c, d, e) (SET2(a, b) | SET3(c, d, e))

static bool legal_misc_mem(struct fields f)
{
    unsigned imm = f.f7 << 5 | f.rs2;

    if (f.f3 < 2)
        return true; // fence, fence.i: unused fields are ignored
    return f.f3 == 2 && new_extensions && f.rd == 0 && in(imm, SET2(0, 1) | SET2(2, 4));
}

static bool legal_op_imm(struct fields f)
{
    unsigned top = f.f7 >> 1, imm = f.f7 << 5 | f.rs2;

    if (f.f3 == 1) {
        if (top == 0x18)
            return in(imm & 63, SET5(0, 1, 2, 4, 5)); // clz ctz cpop sext.b sext.h
        return in(top, SET2(0, 0x0a) | SET2(0x12, 0x1a));
    }
    if (f.f3 == 5)
        return in(top, SET2(0, 0x10) | SET2(0x12, 0x18)) || imm == 0x287 || imm == 0x6b8 ||
               imm == 0x687;
    return true;
}

static bool legal_op_imm32(struct fields f)
{
    switch (f.f3) {
    case 0: return true;
    case 1:
        if (f.f7 == 0x30)
            return f.rs2 < 3;                  // clzw ctzw cpopw
        return f.f7 == 0 || f.f7 >> 1 == 0x02; // slli.uw
    case 5: return in(f.f7, SET3(0, 0x20, 0x30));
    default: return false;
    }
}

static bool legal_amo(struct fields f)
{
    unsigned f5 = f.f7 >> 2;

    if (f.f3 == 4)
        return new_extensions && f5 == 5 && !((f.rd | f.rs2) & 1);
    if (f.f3 != 2 && f.f3 != 3)
        return false;
    if (f5 == 2)
        return f.rs2 == 0;
    if (f5 == 5)
        return new_extensions;
    return in(f5, SET5(0, 1, 3, 4, 8) | SET5(12, 16, 20, 24, 28));
}

static bool legal_op(struct fields f)
{
    switch (f.f7) {
    case 0x00:
    case 0x01: return true;
    case 0x04: return in(f.f3, SET2(4, 7));                   // pack packh
    case 0x05: return f.f3 != 0;                              // clmul… min max
    case 0x07: return new_extensions && in(f.f3, SET2(5, 7)); // czero
    case 0x10: return in(f.f3, SET3(2, 4, 6));                // shNadd
    case 0x14: return in(f.f3, SET3(1, 2, 4));                // bset xperm4 xperm8
    case 0x20: return in(f.f3, SET5(0, 4, 5, 6, 7));
    case 0x24:
    case 0x30: return in(f.f3, SET2(1, 5)); // bclr bext, rol ror
    case 0x34: return f.f3 == 1;            // binv
    default: return false;
    }
}

static bool legal_op32(struct fields f)
{
    switch (f.f7) {
    case 0x00: return in(f.f3, SET3(0, 1, 5));
    case 0x01: return in(f.f3, SET5(0, 4, 5, 6, 7));
    case 0x04: return in(f.f3, SET2(0, 4)); // add.uw packw
    case 0x10: return in(f.f3, SET3(2, 4, 6));
    case 0x20: return in(f.f3, SET2(0, 5));
    case 0x30: return in(f.f3, SET2(1, 5)); // rolw rorw
    default: return false;
    }
}

static bool legal_op_fp(struct fields f)
{
    unsigned fmt = f.f7 & 3; // S D H Q
    bool rm = f.f3 != 5 && f.f3 != 6, zfa = new_extensions;

    if (fmt == 3)
        return false;
    switch (f.f7 >> 2) {
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x03: return rm;
    case 0x0b: return f.rs2 == 0 && rm;     // sqrt
    case 0x04: return f.f3 < 3;             // sgnj
    case 0x05: return f.f3 < (zfa ? 4 : 2); // min max minm maxm
    case 0x08:                              // between formats, fround, froundnx
        return rm && ((f.rs2 < 3 && f.rs2 != fmt) || (zfa && in(f.rs2, SET2(4, 5))));
    case 0x14: return f.f3 < 3 || (zfa && in(f.f3, SET2(4, 5))); // le lt eq leq ltq
    case 0x18:                                                   // to integers, fcvtmod.w.d
        return (f.rs2 < 4 && rm) || (zfa && f.rs2 == 8 && fmt == 1 && f.f3 == 1);
    case 0x1a: return f.rs2 < 4 && rm;                    // from integers
    case 0x1c: return f.rs2 == 0 && f.f3 < 2;             // fmv.x, fclass
    case 0x1e: return f.f3 == 0 && f.rs2 < (zfa ? 2 : 1); // fmv from x, fli
    default: return false;
    }
}

// Loads and stores of the hypervisor: hlv.b hlv.bu hsv.b and so on. U mode's hstatus.HU is off.
static bool legal_hlsv(struct fields f)
{
    if (mode != PRIV_S)
        return false;
    switch (f.f7) {
    case 0x30: return f.rs2 < 2;                // hlv.b hlv.bu
    case 0x32:                                  // hlv.h hlv.hu hlvx.hu
    case 0x34: return in(f.rs2, SET3(0, 1, 3)); // the same for words
    case 0x36: return f.rs2 == 0;               // hlv.d
    case 0x31:
    case 0x33:
    case 0x35:
    case 0x37: return f.rd == 0; // hsv
    default: return false;
    }
}

// funct3 0 only. mret is legal in M mode, which isn't swept.
static bool legal_system(struct fields f)
{
    unsigned imm = f.f7 << 5 | f.rs2;

    if (mode == PRIV_S && f.rd == 0 && (f.f7 == 0x09 || f.f7 == 0x0b))
        return true; // sfence.vma, sinval.vma
    if (mode == PRIV_S && f.rd == 0 && in(f.f7, SET2(0x11, 0x13) | SET2(0x31, 0x33)))
        return true; // hfence, hinval
    if (f.rd || f.rs1)
        return false;
    if (imm == 0 || imm == 1 || (new_extensions && (imm == 0x00d || imm == 0x01d)))
        return true; // ecall, ebreak, wrs
    if (!new_extensions && (imm == 0x180 || imm == 0x181))
        return true; // QEMU 7.2 lets U mode do sfence.w.inval and sfence.inval.ir
    return mode == PRIV_S && (imm == 0x102 || imm == 0x105 || imm == 0x180 || imm == 0x181);
}

static bool legal(uint32_t insn)
{
    struct fields f = {insn & 127,      insn >> 7 & 31,  insn >> 12 & 7,
                       insn >> 15 & 31, insn >> 20 & 31, insn >> 25};

    switch (f.op) {
    case 0x03: return f.f3 != 7;
    case 0x07:
    case 0x27: return has_fp && in(f.f3, SET3(1, 2, 3));
    case 0x0f: return legal_misc_mem(f);
    case 0x13: return legal_op_imm(f);
    case 0x17:
    case 0x37: return true;
    case 0x1b: return legal_op_imm32(f);
    case 0x23: return f.f3 < 4;
    case 0x2f: return legal_amo(f);
    case 0x33: return legal_op(f);
    case 0x3b: return legal_op32(f);
    case 0x43:
    case 0x47:
    case 0x4b:
    case 0x4f: return has_fp && (f.f7 & 3) != 3 && f.f3 != 5 && f.f3 != 6;
    case 0x53: return has_fp && legal_op_fp(f);
    case 0x63: return f.f3 != 2 && f.f3 != 3;
    case 0x67: return f.f3 == 0;
    case 0x73: return f.f3 == 4 ? legal_hlsv(f) : f.f3 == 0 && legal_system(f);
    default: return false; // custom, vector, longer than 32 bits
    }
}

// Eight bytes each: the instruction, and two compressed ebreaks.
#define BATCH 512
static uint32_t batch[BATCH];
static unsigned batched;
static uint32_t *page;

static void run_batch(void)
{
    rt_fence_i();
    for (unsigned i = 0; i < batched; i++)
        if (probe_legal(8 * i, batch[i]) != legal(batch[i]))
            probe_failed(batch[i], "is legal", !legal(batch[i]), legal(batch[i]));
    batched = 0;
}

static void add(uint32_t insn)
{
    page[2 * batched] = insn;
    page[2 * batched + 1] = 0x90029002;
    batch[batched++] = insn;
    if (batched == BATCH)
        run_batch();
}

// Those that jump or touch CSRs, and those in which funct7 and rs2 are but an immediate.
static bool left_out(unsigned op, unsigned f3)
{
    return op == 0x6f || (op == 0x63 && f3 != 2 && f3 != 3) || (op == 0x67 && f3 == 0) ||
           (op == 0x73 && f3 != 0 && f3 != 4);
}

static bool immediate_only(unsigned op, unsigned f3)
{
    return op == 0x03 || op == 0x23 || op == 0x07 || op == 0x27 || op == 0x17 || op == 0x37 ||
           op == 0x63 || op == 0x67 || (op == 0x13 && f3 != 1 && f3 != 5) ||
           (op == 0x1b && f3 == 0);
}

static void sweep_funct(unsigned op, unsigned f3, unsigned rd, unsigned rs1)
{
    unsigned step = immediate_only(op, f3) ? 97 : 1;

    for (unsigned imm = 0; imm < 4096; imm += step)
        add(op | rd << 7 | f3 << 12 | rs1 << 15 | (uint32_t)imm << 20);
}

static void sweep(unsigned with_mode, bool fp, unsigned rd, unsigned rs1, const uint8_t *opcodes)
{
    new_extensions = !rt_on_qemu();
    mode = with_mode;
    has_fp = fp;
    page = probe_begin(mode, fp);
    for (; *opcodes; opcodes++)
        for (unsigned f3 = 0; f3 < 8; f3++)
            if (!left_out(*opcodes, f3))
                sweep_funct(*opcodes, f3, rd, rs1);
    run_batch();
    probe_end();
}

static const uint8_t all[] = {0x03, 0x07, 0x0b, 0x0f, 0x13, 0x17, 0x1b, 0x1f, 0x23, 0x27, 0x2b,
                              0x2f, 0x33, 0x37, 0x3b, 0x3f, 0x43, 0x47, 0x4b, 0x4f, 0x53, 0x57,
                              0x5b, 0x5f, 0x63, 0x67, 0x6b, 0x73, 0x77, 0x7b, 0x7f, 0};
static const uint8_t fp_ones[] = {0x07, 0x27, 0x43, 0x47, 0x4b, 0x4f, 0x53, 0};
static const uint8_t system[] = {0x73, 0};

static void registers_zero(void)
{
    sweep(PRIV_U, true, 0, 0, all);
}

static void registers_odd(void)
{
    sweep(PRIV_U, true, 11, 22, all);
}

static void fp_off(void)
{
    sweep(PRIV_U, false, 2, 2, fp_ones);
}

// wfi must not wait: an interrupt is pending and enabled, but for the mode.
static void supervisor(void)
{
    csr_write(mie, BIT(IRQ_SSI));
    csr_set(mip, BIT(IRQ_SSI));
    csr_clear(mstatus, STATUS_SPIE);
    csr_set(mstatus, STATUS_SPP);
    csr_write(mideleg, BIT(IRQ_SSI));
    new_extensions = !rt_on_qemu();
    mode = PRIV_S;
    has_fp = true;
    page = probe_begin(PRIV_S, true);
    csr_write(mideleg, BIT(IRQ_SSI));
    for (unsigned rs1 = 0; rs1 < 2; rs1++)
        for (unsigned imm = 0; imm < 4096; imm++) {
            csr_set(mstatus, STATUS_SPP);
            csr_clear(mstatus, STATUS_SPIE | STATUS_SIE);
            add(0x73 | rs1 << 15 | (uint32_t)imm << 20);
            if (imm == 0x102)
                run_batch(); // sret clears SPP
            add(0x4073 | rs1 << 15 | (uint32_t)imm << 20);
        }
    run_batch();
    probe_end();
    csr_write(mie, 0);
    csr_write(mideleg, 0);
    csr_clear(mip, BIT(IRQ_SSI));
}

static void user_system(void)
{
    sweep(PRIV_U, true, 0, 1, system);
    sweep(PRIV_U, true, 1, 0, system);
}

// A reserved dynamic rounding mode makes what uses it illegal, and nothing else.
static void reserved_frm(void)
{
    page = probe_begin(PRIV_U, true);
    for (unsigned frm = 0; frm < 8; frm++) {
        static const struct {
            uint32_t insn;
            bool uses_frm;
        } insns[] = {
            {0x0020f053, true},           // fadd.s dyn
            {0x00208053, false},          // fadd.s rne
            {0x02207053 | 1 << 15, true}, // fadd.d dyn
            {0x58007053, true},           // fsqrt.s dyn
            {0x1820f043, true},           // fmadd.s dyn
            {0xc0007053, true},           // fcvt.w.s dyn
            {0xd0207053, true},           // fcvt.s.l dyn
            {0xd2007053, true},           // fcvt.d.w dyn: exact, yet its field is what it is
            {0x42007053, true},           // fcvt.d.s dyn
            {0x20208053, false},          // fsgnj.s
            {0xa0208053, false},          // fle.s
            {0x00052007, false},          // flw
        };

        csr_write(0x002, frm);
        for (unsigned i = 0; i < sizeof(insns) / sizeof(insns[0]); i++) {
            bool want = frm < 5 || !insns[i].uses_frm;

            page[0] = insns[i].insn;
            page[1] = 0x90029002;
            rt_fence_i();
            if (probe_legal(0, insns[i].insn) != want)
                probe_failed(insns[i].insn, "is legal", !want, want);
        }
    }
    csr_write(0x002, 0);
    probe_end();
}

const struct rt_case rt_cases[] = {
    {"x0", registers_zero},
    {"x11-x22", registers_odd},
    {"fp-off", fp_off},
    {"system-s", supervisor},
    {"system-u", user_system},
    {"reserved-frm", reserved_frm},
    {0},
};
