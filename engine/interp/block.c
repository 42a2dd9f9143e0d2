// SPDX-License-Identifier: Apache-2.0
// The cache of predecoded blocks.
//
// Nobody tracks stores to code. A block is good for one "context": a number that changes with every
// event after which a virtual address may hold other code (satp, sfence.vma, fence.i, PMP). A
// block that is met in a newer context is translated again, and after a fence.i also compared with
// the bytes in memory; mostly it is still right and goes on. Stores to code thus show after fence.i,
// as the architecture has it.
#include <hull/error.h>

#include "engine/interp/cpu.h"
#include "guest/riscv/mmu.h"
#include "lib/mem.h"

#define PAGE_MASK (~(uint64_t)(HULL_PAGE_SIZE - 1))

int interp_blocks_create(struct cpu *cpu, size_t arena_size)
{
    const struct hull_env *env = &cpu->hart.vcpu->vm->env;

    cpu->arena_size = arena_size;
    cpu->arena = hull_alloc(env, arena_size);
    cpu->hash = hull_alloc(env, HASH_ENTRIES * sizeof(*cpu->hash));
    cpu->jumps = hull_alloc(env, JUMP_ENTRIES * sizeof(*cpu->jumps));
    if (!cpu->arena || !cpu->hash || !cpu->jumps) {
        interp_blocks_destroy(cpu);
        return -HULL_ENOMEM;
    }
    return 0;
}

void interp_blocks_destroy(struct cpu *cpu)
{
    const struct hull_env *env = &cpu->hart.vcpu->vm->env;

    hull_free(env, cpu->arena, cpu->arena_size);
    hull_free(env, cpu->hash, HASH_ENTRIES * sizeof(*cpu->hash));
    hull_free(env, cpu->jumps, JUMP_ENTRIES * sizeof(*cpu->jumps));
}

void interp_blocks_drop(struct cpu *cpu)
{
    memset(cpu->hash, 0, HASH_ENTRIES * sizeof(*cpu->hash));
    memset(cpu->jumps, 0, JUMP_ENTRIES * sizeof(*cpu->jumps));
    cpu->arena_used = 0;
    cpu->link = NULL;
}

// Processes have their code at the same addresses, and the kernel is the same for all.
static unsigned fetch_index(const struct cpu *cpu, const struct space_set *set, gva_t va)
{
    uint64_t space = cpu->hart.s.priv == PRIV_U ? set->space * 0x9e3779b97f4a7c15 >> 32 : 0;

    return (va >> HULL_PAGE_SHIFT ^ space) & (FETCH_ENTRIES - 1);
}

const uint8_t *interp_fetch_locate(struct cpu *cpu, gva_t va, gpa_t *gpa)
{
    const struct space_set *set = &cpu->sets[cpu->hart.s.virt];
    gva_t tag = (va & PAGE_MASK) | cpu->hart.s.priv;
    struct fetch_entry *e = &cpu->fetch[fetch_index(cpu, set, va)];
    struct mmu_result r;
    const uint8_t *host;
    int cause;

    cpu->narrow_fetch = false;
    if (e->tag == tag && (e->space == set->space || e->space == set->global_space)) {
        *gpa = e->gpa | (va & ~PAGE_MASK);
        cpu->global_fetch = e->space == set->global_space;
        return e->host + (va & ~PAGE_MASK);
    }
    cause = riscv_mmu_translate(&cpu->hart, va, 2, MMU_FETCH, riscv_mmu_fetch_mode(&cpu->hart), &r);
    host = cause ? NULL : hull_memory_ptr(cpu->memory, r.gpa, 2);
    if (!host) {
        riscv_trap(&cpu->hart, cause ? (unsigned)cause : CAUSE_FETCH_ACCESS, va);
        return NULL;
    }
    *gpa = r.gpa;
    cpu->global_fetch = r.global;
    if (r.page < HULL_PAGE_SIZE) {
        cpu->narrow_fetch = true;
        return host;
    }
    interp_code_page(cpu, va, (unsigned)__builtin_ctzll(r.fenced), r.global);
    cpu->code_fills++;
    *e = (struct fetch_entry){
        .tag = tag,
        .space = r.global ? set->global_space : set->space,
        .gpa = r.gpa & PAGE_MASK,
        .host = host - (va & ~PAGE_MASK),
    };
    return host;
}

static uint16_t read16(const uint8_t *p)
{
    return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
}

static bool ends_block(enum insn_id id)
{
    switch (id) {
    case INSN_ILLEGAL:
    case INSN_JAL:
    case INSN_JALR:
    case INSN_BEQ:
    case INSN_BNE:
    case INSN_BLT:
    case INSN_BGE:
    case INSN_BLTU:
    case INSN_BGEU:
    case INSN_ECALL:
    case INSN_EBREAK:
    case INSN_CSRRW:
    case INSN_CSRRS:
    case INSN_CSRRC:
    case INSN_CSRRWI:
    case INSN_CSRRSI:
    case INSN_CSRRCI:
    case INSN_MRET:
    case INSN_SRET:
    case INSN_WFI:
    case INSN_FENCE_I:
    case INSN_SFENCE_VMA:
    case INSN_SINVAL_VMA:
    case INSN_HFENCE_VVMA:
    case INSN_HFENCE_GVMA:
    case INSN_HINVAL_VVMA:
    case INSN_HINVAL_GVMA: return true;
    default: return false;
    }
}

static bool has_rounding_mode(enum insn_format format)
{
    return format == FMT_FR4 || format == FMT_FR_RM || format == FMT_FR2_RM;
}

static const op_fn handlers[INSN_COUNT] = {
    [INSN_ILLEGAL] = op_ILLEGAL,
#define INSN(id, name, mask, match, format, ext, regs) [INSN_##id] = op_##id,
#include "guest/riscv/insn.def"
#undef INSN
};

void interp_make_op(struct op *op, const struct insn *insn, unsigned at, const op_fn *table)
{
    const struct insn_info *info = &riscv_insn_info[insn->id];
    bool rd_is_x = !(info->regs & RD_F);

    *op = (struct op){
        .fn = table[insn->id],
        .imm = insn->imm,
        .rd = rd_is_x && insn->rd == 0 ? 32 : insn->rd,
        .rs1 = insn->rs1,
        .rs2 = insn->rs2,
        .at = (uint8_t)at,
    };
    if (has_rounding_mode(info->format))
        op->imm = insn->rm | insn->rs3 << 8;
}

// Decodes from `source` on, at most to the page's end, into block->ops. An instruction that
// straddles the end is left to a block of its own.
static void decode_block(struct cpu *cpu, struct block *b, const uint8_t *source, uint8_t *bytes)
{
    unsigned room = HULL_PAGE_SIZE - (unsigned)(b->pc & ~PAGE_MASK), at = 0,
             limit = BLOCK_INSNS_MAX;
    struct insn insn = {.id = INSN_ILLEGAL};

    if (cpu->narrow_fetch)
        limit = 1;
    do {
        uint32_t raw = read16(source + at);

        if (riscv_insn_length(raw) == 4) {
            if (at + 4 > room)
                break;
            raw |= (uint32_t)read16(source + at + 2) << 16;
        }
        memcpy(bytes + at, &raw, riscv_insn_length(raw));
        riscv_decode(cpu->decoder, raw, &insn);
        interp_make_op(&b->ops[b->count++], &insn, at / 2, handlers);
        at += insn.length;
    } while (!ends_block(insn.id) && at + 2 <= room && b->count < limit);
    b->bytes = (uint16_t)at;
    if (!b->count || !ends_block(insn.id)) {
        // Falls through into another block: the op in the count-th slot would be links, so the
        // pseudo-op takes it and the links the next one.
        b->ops[b->count] = (struct op){.fn = op_block_end, .at = (uint8_t)(at / 2)};
        b->falls_through = true;
    }
}

// One instruction over two pages. False: its second half trapped.
static bool decode_straddling(struct cpu *cpu, struct block *b, const uint8_t *source,
                              uint8_t *bytes)
{
    bool narrow = cpu->narrow_fetch;
    gpa_t second_gpa;
    const uint8_t *second = interp_fetch_locate(cpu, b->pc + 2, &second_gpa);
    struct insn insn;
    uint32_t raw;

    if (!second)
        return false;
    cpu->narrow_fetch |= narrow;
    raw = read16(source) | (uint32_t)read16(second) << 16;
    memcpy(bytes, &raw, 4);
    riscv_decode(cpu->decoder, raw, &insn);
    interp_make_op(&b->ops[b->count++], &insn, 0, handlers);
    b->bytes = 4;
    b->second_gpa = second_gpa;
    b->second = second;
    if (!ends_block(insn.id)) {
        b->ops[b->count] = (struct op){.fn = op_block_end, .at = 2};
        b->falls_through = true;
    }
    return true;
}

uint8_t *interp_block_bytes(const struct block *b)
{
    return (uint8_t *)&b->ops[b->count + 1 + b->falls_through];
}

static size_t block_size(struct block *b)
{
    return (size_t)(interp_block_bytes(b) - (uint8_t *)b) + b->bytes;
}

static bool bytes_unchanged(struct block *b)
{
    uint8_t *bytes = interp_block_bytes(b);

    if (b->second_gpa)
        return !memcmp(bytes, b->source, 2) && !memcmp(bytes + 2, b->second, 2);
    return !memcmp(bytes, b->source, b->bytes);
}

static struct block **hash_slot(struct cpu *cpu, gva_t pc, gpa_t gpa)
{
    uint64_t h = (gpa >> 1) ^ (gpa >> 13) ^ (pc >> 12) * 0x9e37;

    return &cpu->hash[h & (HASH_ENTRIES - 1)];
}

#define BLOCK_SIZE_MAX \
    (sizeof(struct block) + (BLOCK_INSNS_MAX + 2) * sizeof(struct op) + BLOCK_INSNS_MAX * 4)

static struct block *block_make(struct cpu *cpu, gva_t pc, gpa_t gpa, const uint8_t *source)
{
    uint8_t bytes[BLOCK_INSNS_MAX * 4]; // what was decoded, whatever other harts write meanwhile
    struct block *b, **slot;

    if (cpu->arena_size - cpu->arena_used < BLOCK_SIZE_MAX)
        interp_blocks_drop(cpu);
    b = (struct block *)(cpu->arena + cpu->arena_used);
    *b = (struct block){.pc = pc, .gpa = gpa, .source = source, .fence = cpu->fence};
    if ((pc & ~PAGE_MASK) == HULL_PAGE_SIZE - 2 && riscv_insn_length(read16(source)) == 4) {
        if (!decode_straddling(cpu, b, source, bytes))
            return NULL;
    } else {
        decode_block(cpu, b, source, bytes);
    }
    *(struct op_links *)&b->ops[b->count + b->falls_through] = (struct op_links){NULL, NULL};
    memcpy(interp_block_bytes(b), bytes, b->bytes);
    cpu->arena_used += (block_size(b) + 15) & ~(size_t)15;
    // A page that PMP divides is fetched from anew each time: such blocks serve once.
    if (!cpu->narrow_fetch) {
        slot = hash_slot(cpu, pc, gpa);
        b->hash_next = *slot;
        *slot = b;
    }
    return b;
}

// Whether `b`, found under its address, still holds what memory holds.
static bool block_valid(struct cpu *cpu, struct block *b)
{
    if (b->fence == cpu->fence)
        return true;
    if (!bytes_unchanged(b))
        return false;
    b->fence = cpu->fence;
    return true;
}

static struct block *block_look_up(struct cpu *cpu, gva_t pc, gpa_t gpa)
{
    for (struct block **p = hash_slot(cpu, pc, gpa); *p; p = &(*p)->hash_next) {
        struct block *b = *p;

        if (b->pc != pc || b->gpa != gpa)
            continue;
        if (block_valid(cpu, b))
            return b;
        *p = b->hash_next;
        b->context = 0;
        return NULL;
    }
    return NULL;
}

// The second page of a straddling block may have moved while the first one stayed. False: trapped.
static bool recheck_second(struct cpu *cpu, struct block **b)
{
    gpa_t gpa;

    if (!interp_fetch_locate(cpu, (*b)->pc + 2, &gpa))
        return false;
    if (gpa != (*b)->second_gpa) {
        struct block **p = hash_slot(cpu, (*b)->pc, (*b)->gpa);

        while (*p != *b)
            p = &(*p)->hash_next;
        *p = (*b)->hash_next;
        (*b)->context = 0;
        *b = NULL;
    }
    return true;
}

struct block *interp_block_find(struct cpu *cpu)
{
    gva_t pc = cpu->hart.s.pc;
    struct block **jump = &cpu->jumps[jump_index(pc)], *b = *jump;
    const uint8_t *source;
    gpa_t gpa;

    if (b && b->pc == pc && b->context == cpu->context)
        return b;
    source = interp_fetch_locate(cpu, pc, &gpa);
    if (!source)
        return NULL;
    b = cpu->narrow_fetch ? NULL : block_look_up(cpu, pc, gpa);
    if (b && b->second_gpa && !recheck_second(cpu, &b))
        return NULL;
    if (!b) {
        b = block_make(cpu, pc, gpa, source);
        if (!b || cpu->narrow_fetch)
            return b;
    }
    b->context = cpu->context;
    *jump = b;
    return b;
}
