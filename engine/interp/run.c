// SPDX-License-Identifier: Apache-2.0
// The interpreter's run loop and its engine_ops.
#include "engine/interp/interp.h"

#include <hull/vm.h>

#include "engine/interp/cpu.h"
#include "engine/interp/handler.h"
#include "guest/riscv/counters.h"
#include "guest/riscv/csr.h"
#include "lib/mem.h"

#define A0 10

uint32_t interp_raw_instruction(const struct cpu *cpu, const struct op *op)
{
    const struct block *b = cpu->block;
    const uint8_t *low = b->source + 2u * op->at, *high = b->second_gpa ? b->second : low + 2;
    uint32_t raw = low[0] | (uint32_t)low[1] << 8;

    if (riscv_insn_length(raw) == 4 && (b->second_gpa || 2u * op->at + 4 <= b->bytes))
        raw |= (uint32_t)high[0] << 16 | (uint32_t)high[1] << 24;
    return raw;
}

static void leave_at(struct cpu *cpu, const struct op *op)
{
    unsigned index = (unsigned)(op - cpu->block->ops);

    // The block's instructions were counted when it was entered.
    cpu->hart.instret -= cpu->block->count - index;
    cpu->hart.s.pc = interp_pc(cpu, op);
}

const struct op *interp_raise(struct cpu *cpu, const struct op *op, unsigned cause, uint64_t tval)
{
    leave_at(cpu, op);
    riscv_trap(&cpu->hart, cause, tval);
    return NULL;
}

const struct op *interp_raise_access(struct cpu *cpu, const struct op *op, unsigned cause, gva_t va,
                                     bool virt)
{
    gva_t begins = cpu->x[op->rs1] + (uint64_t)(int64_t)op->imm; // where the access does
    uint32_t tinst = 0;

    if (riscv_isa_has(cpu->hart.isa, EXT_H))
        tinst = riscv_transform_insn(cpu->hart.isa, interp_raw_instruction(cpu, op),
                                     (unsigned)(va - begins));
    leave_at(cpu, op);
    riscv_trap_access(&cpu->hart, cause, va, virt, tinst);
    return NULL;
}

bool interp_fp_begin(struct cpu *cpu, bool writes)
{
    struct hart_state *s = &cpu->hart.s;

    if (!riscv_fp_enabled(s))
        return false;
    if (writes) {
        s->mstatus |= MSTATUS_FS_DIRTY;
        if (s->virt)
            s->vsstatus |= MSTATUS_FS_DIRTY;
        cpu->fp_ready = true;
    }
    return true;
}

static void take_interrupts(struct cpu *cpu)
{
    int irq;

    if (atomic_exchange_explicit(&cpu->ssip_raised, false, memory_order_acquire))
        cpu->hart.s.mip |= 1u << IRQ_S_SOFT;
    irq = riscv_pending_interrupt(&cpu->hart);
    if (irq >= 0) {
        cpu->link = NULL;
        riscv_take_interrupt(&cpu->hart, irq); // and looks again, as the mode has changed
    } else {
        cpu->irq_waiting = riscv_wfi_wakes(&cpu->hart);
    }
}

static void apply_translation_changes(struct cpu *cpu, uint32_t changed)
{
    if (changed & HART_CHANGED_FETCH) {
        interp_tlb_flush(cpu);
        return;
    }
    if (changed & HART_CHANGED_HS_TLB)
        interp_tlb_flush_set(cpu, false);
    else if (changed & HART_CHANGED_SATP)
        interp_tlb_switch_space(cpu, false);
    if (changed & HART_CHANGED_VS_TLB)
        interp_tlb_flush_set(cpu, true);
    else if (changed & HART_CHANGED_VSATP)
        interp_tlb_switch_space(cpu, true);
}

// Acts on what CSR writes, traps and returns have changed; traps and interrupts change more.
void interp_apply_changes(struct cpu *cpu)
{
    while (cpu->hart.changed) {
        uint32_t changed = cpu->hart.changed;

        cpu->hart.changed = 0;
        if (changed & HART_CHANGED_FENCE_I)
            cpu->fence++;
        apply_translation_changes(cpu, changed);
        if (changed & HART_CHANGED_FENCE_I)
            interp_context_renew(cpu);
        if (changed & (HART_CHANGED_MODE | HART_CHANGED_FETCH | HART_CHANGED_SATP)) {
            interp_tlb_select(cpu);
            cpu->fp_ready = riscv_fp_dirty(&cpu->hart.s);
        }
        interp_context_select(cpu);
        if (changed & (HART_CHANGED_IRQ | HART_CHANGED_MODE))
            take_interrupts(cpu);
    }
}

// Serves requests from outside. The vCPU has left the guest. True: run() must return.
bool interp_serve_attention(struct cpu *cpu)
{
    struct vcpu *vcpu = cpu->hart.vcpu;
    uint32_t attention = atomic_exchange(&vcpu->attention, 0);

    cpu->attentions++;
    if (attention & VCPU_ATTN_FENCE) {
        uint32_t fences = atomic_exchange(&vcpu->fences, 0);

        if (fences & VCPU_FENCE_I)
            cpu->hart.changed |= HART_CHANGED_FENCE_I;
        if (fences & VCPU_FENCE_VMA)
            cpu->hart.changed |= HART_CHANGED_FETCH;
    }
    if (attention & VCPU_ATTN_TIMER)
        riscv_stimer_update(&cpu->hart);
    if (attention & (VCPU_ATTN_IRQ | VCPU_ATTN_TIMER))
        cpu->hart.changed |= HART_CHANGED_IRQ;
    return attention & VCPU_ATTN_STOP;
}

void interp_block_run(struct cpu *cpu, struct block *b)
{
    const struct op *op = b->ops;

    cpu->block = b;
    cpu->hart.instret += b->count;
    while (op)
        op = op->fn(cpu, op);
}

// Runs the first instruction of a block alone.
static void run_first(struct cpu *cpu, struct block *b)
{
    struct block *one = (struct block *)cpu->step;

    if (b->count > 1) {
        memcpy(one, b, sizeof(*one));
        one->context = 0;
        one->count = 1;
        one->bytes = (uint16_t)(2u * b->ops[1].at);
        one->ops[0] = b->ops[0];
        one->ops[1] = (struct op){.fn = op_block_end, .at = b->ops[1].at};
        *(struct op_links *)&one->ops[2] = (struct op_links){NULL, NULL};
        b = one;
    }
    interp_block_run(cpu, b);
    cpu->link = NULL;
}

// Close to the limit: one instruction, trap or interrupt at a time, and the end.
static void step_to_limit(struct cpu *cpu)
{
    struct block *b;

    cpu->link = NULL;
    if (cpu->hart.instret >= cpu->stop_at && cpu->stepped) {
        cpu->exit_wanted = true;
        cpu->exit_reason = VCPU_EXIT_LIMIT;
        return;
    }
    if (cpu->hart.changed) {
        gva_t pc = cpu->hart.s.pc;

        interp_apply_changes(cpu);
        if (cpu->hart.s.pc != pc) { // an interrupt
            cpu->stepped = true;
            return;
        }
    }
    cpu->stepped = true;
    b = interp_block_find(cpu);
    if (b)
        run_first(cpu, b);
}

// Runs blocks until something other than the next block is to be done.
static void run_blocks(struct cpu *cpu)
{
    while (!cpu->exit_wanted &&
           !atomic_load_explicit(&cpu->hart.vcpu->attention, memory_order_relaxed)) {
        struct block *b;

        if (unlikely(cpu->hart.instret >= cpu->hart.counter_limit)) {
            riscv_counters_expire(&cpu->hart);
            if (cpu->hart.instret >= cpu->hart.engine_limit) {
                step_to_limit(cpu);
                continue;
            }
        }
        if (cpu->hart.changed)
            interp_apply_changes(cpu);
        b = interp_block_find(cpu);
        if (!b) { // trapped; the handler's address may be bad as well
            cpu->link = NULL;
            continue;
        }
        if (cpu->link) {
            *cpu->link = b->context ? b : NULL;
            cpu->link = NULL;
        }
        interp_block_run(cpu, b);
        if (cpu->hart.changed)
            cpu->link = NULL;
    }
}

void interp_complete_sbi(struct cpu *cpu, struct vcpu_exit *exit)
{
    if (exit->sbi.pending && !exit->sbi.skip_ret) {
        cpu->x[A0] = exit->sbi.ret[0];
        cpu->x[A0 + 1] = exit->sbi.ret[1];
    }
    exit->sbi.pending = false;
}

void interp_fill_exit(struct cpu *cpu, struct vcpu_exit *exit)
{
    exit->reason = cpu->exit_reason;
    cpu->exit_wanted = false;
    if (exit->reason != VCPU_EXIT_SBI)
        return;
    for (unsigned i = 0; i < 8; i++)
        exit->sbi.args[i] = cpu->x[A0 + i];
    exit->sbi.skip_ret = false;
    exit->sbi.pending = true;
}

static void interp_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct cpu *cpu = vcpu->engine_data;

    interp_complete_sbi(cpu, exit);
    for (;;) {
        if (!hull_vcpu_enter_guest(vcpu)) {
            if (interp_serve_attention(cpu)) {
                exit->reason = VCPU_EXIT_ATTENTION;
                return;
            }
            continue;
        }
        run_blocks(cpu);
        hull_vcpu_leave_guest(vcpu);
        if (cpu->exit_wanted) {
            interp_fill_exit(cpu, exit);
            return;
        }
    }
}

// The blocks of all vCPUs together stay within a few MiB.
static size_t arena_size(const struct vm *vm)
{
    size_t share = (4u << 20) / vm->vcpu_count;

    if (share > 2u << 20)
        return 2u << 20;
    return share < 512u << 10 ? 512u << 10 : share;
}

int interp_cpu_init(struct cpu *cpu, struct vcpu *vcpu, size_t arena_size)
{
    struct vm *vm = vcpu->vm;

    cpu->hart.vcpu = vcpu;
    cpu->attention = &vcpu->attention;
    cpu->memory = &vm->memory;
    cpu->bus = &vm->bus;
    cpu->stop_at = UINT64_MAX;
    return interp_blocks_create(cpu, arena_size);
}

void interp_cpu_fini(struct cpu *cpu)
{
    if (cpu->decoder)
        riscv_hart_fini(&cpu->hart);
    interp_blocks_destroy(cpu);
}

static int interp_vcpu_create(struct vcpu *vcpu)
{
    const struct hull_env *env = &vcpu->vm->env;
    struct cpu *cpu = hull_alloc(env, sizeof(*cpu));
    int rc;

    if (!cpu)
        return -HULL_ENOMEM;
    rc = interp_cpu_init(cpu, vcpu, arena_size(vcpu->vm));
    if (rc) {
        hull_free(env, cpu, sizeof(*cpu));
        return rc;
    }
    vcpu->engine_data = cpu;
    return 0;
}

static void interp_vcpu_destroy(struct vcpu *vcpu)
{
    struct cpu *cpu = vcpu->engine_data;

    if (!cpu)
        return;
    interp_cpu_fini(cpu);
    hull_free(&vcpu->vm->env, cpu, sizeof(*cpu));
    vcpu->engine_data = NULL;
}

static void interp_get_state(struct vcpu *vcpu, struct hart_state *state)
{
    struct cpu *cpu = vcpu->engine_data;

    memcpy(cpu->hart.s.x, cpu->x, sizeof(cpu->hart.s.x));
    riscv_hart_state_save(&cpu->hart, state);
}

// The board, and with it the ISA, is there by the time of the first states, which all come from the thread that makes the
// VM or gives it this engine.
static void interp_set_state(struct vcpu *vcpu, const struct hart_state *state)
{
    struct cpu *cpu = vcpu->engine_data;
    struct riscv_board *board = vcpu->vm->board;

    if (!cpu->decoder) {
        riscv_hart_init(&cpu->hart, vcpu, &board->isa, board->sbi != NULL);
        if (!board->decoder_made)
            riscv_decoder_init(&board->decoder, &board->isa);
        board->decoder_made = true;
        cpu->decoder = &board->decoder;
    }
    cpu->hart.s = *state;
    memcpy(cpu->x, state->x, sizeof(state->x));
    cpu->x[0] = 0;
    // Blocks stay: each is compared with memory before it runs again.
    cpu->fence++;
    interp_tlb_flush(cpu);
    cpu->link = NULL;
    riscv_hart_state_loaded(&cpu->hart);
}

static bool interp_wakeup_pending(struct vcpu *vcpu)
{
    struct cpu *cpu = vcpu->engine_data;

    if (atomic_exchange_explicit(&cpu->ssip_raised, false, memory_order_acquire)) {
        cpu->hart.s.mip |= 1u << IRQ_S_SOFT;
        cpu->hart.changed |= HART_CHANGED_IRQ;
    }
    return riscv_wfi_wakes(&cpu->hart);
}

static void interp_set_timer(struct vcpu *vcpu, uint64_t ticks)
{
    struct cpu *cpu = vcpu->engine_data;

    cpu->hart.s.stimecmp = ticks;
    cpu->hart.changed |= HART_CHANGED_IRQ;
    riscv_stimer_update(&cpu->hart);
}

static void interp_raise_ssip(struct vcpu *vcpu)
{
    struct cpu *cpu = vcpu->engine_data;

    atomic_store_explicit(&cpu->ssip_raised, true, memory_order_release);
    hull_vcpu_kick(vcpu, VCPU_ATTN_IRQ);
}

static uint64_t interp_instret(const struct vcpu *vcpu)
{
    const struct cpu *cpu = vcpu->engine_data;

    return __atomic_load_n(&cpu->hart.instret, __ATOMIC_RELAXED);
}

static void interp_count(const struct vcpu *vcpu, struct vcpu_counts *counts)
{
    const struct cpu *cpu = vcpu->engine_data;

    counts->instret = interp_instret(vcpu);
    counts->exceptions = __atomic_load_n(&cpu->hart.exceptions, __ATOMIC_RELAXED);
    counts->interrupts = __atomic_load_n(&cpu->hart.interrupts, __ATOMIC_RELAXED);
    counts->attentions = __atomic_load_n(&cpu->attentions, __ATOMIC_RELAXED);
    counts->data_misses = __atomic_load_n(&cpu->data_misses, __ATOMIC_RELAXED);
    counts->data_fills = __atomic_load_n(&cpu->data_fills, __ATOMIC_RELAXED);
    counts->code_fills = __atomic_load_n(&cpu->code_fills, __ATOMIC_RELAXED);
    counts->device_accesses = __atomic_load_n(&cpu->device_accesses, __ATOMIC_RELAXED);
}

// A block that begins before engine_limit ends before the limit itself.
static void interp_set_limit(struct vcpu *vcpu, uint64_t instret)
{
    struct cpu *cpu = vcpu->engine_data;
    uint64_t look_up = instret;

    if (instret != UINT64_MAX)
        look_up = instret > BLOCK_INSNS_MAX ? instret - BLOCK_INSNS_MAX : 0;
    cpu->stop_at = instret;
    cpu->stepped = false;
    riscv_counters_set_limit(&cpu->hart, look_up);
}

const struct engine_ops interp_engine = {
    .name = "interp",
    .vcpu_create = interp_vcpu_create,
    .vcpu_destroy = interp_vcpu_destroy,
    .run = interp_run,
    .get_state = interp_get_state,
    .set_state = interp_set_state,
    .wakeup_pending = interp_wakeup_pending,
    .set_timer = interp_set_timer,
    .raise_ssip = interp_raise_ssip,
    .instret = interp_instret,
    .count = interp_count,
    .set_limit = interp_set_limit,
};
