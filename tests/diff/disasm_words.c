// SPDX-License-Identifier: Apache-2.0
// For disasm.sh: makes instruction words (`words SEED COUNT`: assembler source) and disassembles
// those on standard input (no arguments: lines "address word", in hexadecimal).
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest/riscv/decode.h"

static uint64_t random_next(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// A random encoding of instruction `id`; often with small registers and immediates, where aliases live.
static uint32_t random_word(unsigned id, uint64_t *seed)
{
    const struct insn_info *info = &riscv_insn_info[id];
    uint32_t word = (uint32_t)random_next(seed);

    switch (random_next(seed) % 4) {
    case 0: word &= 0xfff00fff | 1u << 15; break; // rs1 = x0 or x1
    case 1: word &= 0x000ff0ff; break;            // no immediate, rd = x0 or x1
    case 2: word &= 0xfe0ff07f; break;            // rd = rs2 = x0
    }
    if (random_next(seed) % 4 == 0) // rs2 = rs1
        word = (word & ~(31u << 20)) | (word >> 15 & 31) << 20;
    if (random_next(seed) % 4 == 0) // funct3 all ones: the dynamic rounding mode
        word |= 7u << 12;
    return (word & ~info->mask) | info->match;
}

static void make_words(uint64_t seed, unsigned count)
{
    // .half for each 16-bit encoding: `.insn` keeps them instructions in the objdump's eyes.
    for (uint32_t half = 1; half < 0x10000; half++)
        if ((half & 3) != 3)
            printf(".insn 2, 0x%04" PRIx32 "\n", half);
    for (unsigned i = 0; i < count; i++)
        printf(".insn 4, 0x%08" PRIx32 "\n", random_word(1 + i % (INSN_COUNT - 1), &seed));
}

static void disassemble_words(void)
{
    struct riscv_isa isa = riscv_isa_default();
    static struct riscv_decoder decoder;
    uint64_t pc;
    uint32_t word;

    riscv_decoder_init(&decoder, &isa);
    while (scanf("%" SCNx64 " %" SCNx32, &pc, &word) == 2) {
        struct insn insn;
        char text[96], small[8];
        int length;

        riscv_decode(&decoder, word, &insn);
        length = riscv_disassemble(&insn, pc, text, sizeof(text));
        if (length < 0 || length >= (int)sizeof(text) ||
            riscv_disassemble(&insn, pc, small, sizeof(small)) != length)
            exit(1);
        printf("%s\n", text);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3)
        make_words(strtoull(argv[1], NULL, 0), (unsigned)strtoul(argv[2], NULL, 0));
    else
        disassemble_words();
    return 0;
}
