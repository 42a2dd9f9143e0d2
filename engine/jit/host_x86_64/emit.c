// SPDX-License-Identifier: Apache-2.0
// A region's machine code: the entry that checks, the code, and its stubs.
#include <hull/vm.h>

#include "engine/jit/host_x86_64/target.h"
#include "engine/jit/watched.h"

bool jit_host_supported(void)
{
    return true;
}

struct stub *add_stub(struct emitter *e, enum stub_kind kind, size_t from)
{
    struct stub *s = &e->stubs[e->stub_count];

    if (e->stub_count == STUBS_MAX) {
        e->a.full = true;
        return NULL;
    }
    e->stub_count++;
    *s = (struct stub){.kind = (uint8_t)kind,
                       .op = (uint16_t)e->index,
                       .in = (uint16_t)e->in,
                       .from = from,
                       .loose = e->loose};
    fp_note(e, s);
    return s;
}

void stub_step(struct emitter *e, size_t from)
{
    struct stub *s = add_stub(e, e->index < e->restored ? STUB_COMPARE : STUB_STEP, from);

    if (s)
        s->last = (uint16_t)e->restored;
}

static void call_step(struct emitter *e, unsigned index, size_t trampoline)
{
    const struct region_op *op = &e->region->ops[index];

    e->rcx_slot = -1;
    x86_byte(&e->a, 0xb8); // mov eax, where
    x86_u32(&e->a, (uint32_t)op->left << 16 | op->offset);
    x86_patch(&e->a, x86_call(&e->a), trampoline);
}

// Where somebody watches. With several vCPUs others add to it, too.
static void count_piece(struct emitter *e)
{
    if (!e->watched)
        return;
    x86_mov_imm(&e->a, RAX, (uintptr_t)&e->watched->pieces[e->pieces++].count);
    if (e->jit->cache->vm->vcpu_count > 1)
        x86_byte(&e->a, 0xf0);
    x86_op(&e->a, 0xff | X_W, 0, x86_m(RAX, 0)); // inc
}

static void emit_piece(struct emitter *e, const struct ir_insn *in)
{
    if (in->op)
        emit_entry(e, in->op);
    e->labels[in->op] = e->a.used;
    e->loose = 0;
    e->rcx_slot = -1;
    x86_alu_imm(&e->a, ALU_SUB, true, x86_r(BUDGET_REG), (int32_t)in->imm);
    if (e->region->ops[in->op].back || e->region->ops[in->op].entry)
        add_stub(e, STUB_BUDGET, x86_jcc(&e->a, CC_S));
    count_piece(e);
    fp_piece(e, in->op);
}

// What an operation does not have inline is left to the interpreter, one instruction.
static void emit_guest(struct emitter *e, const struct ir_insn *in, size_t trampoline)
{
    const struct region_op *op = &e->region->ops[in->op];

    if (lower_system(e, op) || lower_atomic(e, op) || lower_fp(e, op) || lower_fp_state(e, op))
        return;
    fp_settle(e);
    call_step(e, e->index, trampoline);
    fp_stepped(e, op);
}

static bool ends_piece(const struct ir_insn *in)
{
    return in->code == IR_BRANCH || in->code == IR_JUMP || in->code == IR_JUMP_TO;
}

void emit_insn(struct emitter *e, const struct ir_insn *in, size_t trampoline)
{
    unsigned first_stub = e->stub_count;

    e->index = in->op;
    e->a.named = 0;
    if (in->code != IR_STORE || in->type != IR_V128)
        e->doubled = NOTHING_DOUBLED;
    if (in->code == IR_PIECE || ends_piece(in))
        fp_settle(e);
    if (in->code == IR_PIECE)
        emit_piece(e, in);
    else if (in->code == IR_GUEST || (!lower_alu(e, in) && !lower_mem(e, in) && !lower_jump(e, in)))
        emit_guest(e, in, trampoline);
    // What is out of line, and comes back, may have used it. Accesses see to it themselves.
    if (!ir_is_access(in) && (e->stub_count != first_stub || e->a.named >> RCX & 1))
        e->rcx_slot = -1;
    for (unsigned i = first_stub; i < e->stub_count; i++)
        e->stubs[i].back = e->a.used;
    if (ir_properties((enum ir_code)in->code) & IR_HAS_D)
        e->loose = (e->loose & ~(1ull << in->d)) | (uint64_t)in->loose << in->d;
}

// Sign-extends what is loose: the registers become what the guest may see.
static void tighten(struct emitter *e, uint64_t loose)
{
    for (unsigned n = 1; n < 32; n++) {
        unsigned reg = define_x(e, n, RAX);

        if (!(loose >> n & 1))
            continue;
        x86_op(&e->a, 0x63 | X_W, reg, guest_x(e, n)); // movsxd
        finish_x(e, n, reg);
    }
}

static void jump_to_thunk(struct emitter *e, const uint8_t *thunk)
{
    x86_patch(&e->a, x86_jmp(&e->a), (size_t)(thunk - e->jit->cache->code_rx));
}

static void leave(struct emitter *e)
{
    jump_to_thunk(e, e->jit->cache->thunk_leave[e->fp]);
}

static void set_pc(struct emitter *e, gva_t pc)
{
    x86_mov_imm(&e->a, RAX, pc);
    x86_op(&e->a, 0x89 | X_W, RAX, x86_m(RBP, FIELD(cpu.hart.s.pc)));
}

// Out of the region: by the run loop first, then straight to the target. The jump that is pointed there
// is the one that leads here, or, where registers have to be put back first, one behind that.
static void emit_exit_stub(struct emitter *e, const struct stub *s)
{
    struct jit_link *link = jit_meta_alloc(e->jit->cache, sizeof(*link));
    size_t jump = s->from;

    if (!link) {
        e->a.full = true;
        return;
    }
    if (e->map.changed && s->exit == EXIT_INSIDE) {
        leave_map(e);
        x86_align_distance(&e->a, 1);
        jump = x86_jmp(&e->a);
        x86_patch_here(&e->a, jump);
    }
    *link = (struct jit_link){
        .page = e->region->page, .patch = (uint32_t)jump, .check = s->exit == EXIT_RETURN};
    set_pc(e, s->pc);
    x86_mov_imm(&e->a, RAX, (uintptr_t)link);
    leave(e);
}

static void emit_stub(struct emitter *e, const struct stub *s, size_t trampoline)
{
    const struct region_op *op = &e->region->ops[s->op];
    unsigned first = e->stub_count;

    if (s->kind != STUB_DETOUR && s->kind != STUB_SITE)
        x86_patch_here(&e->a, s->from);
    e->index = s->op;
    e->in = s->in;
    e->loose = s->loose;
    e->replayed = s;
    switch (s->kind) {
    case STUB_STEP:
        fp_settle_noted(e, s);
        tighten(e, s->loose);
        call_step(e, s->op, trampoline);
        break;
    case STUB_SETTLE:
    case STUB_FMA:
        if (s->kind == STUB_FMA)
            fp_settle_fma(e, s);
        fp_settle_noted(e, s);
        x86_patch(&e->a, x86_jmp(&e->a), s->from + 4); // behind the jump that led here
        return;
    case STUB_COMPARE:
        fp_settle_noted(e, s);
        tighten(e, s->loose);
        for (unsigned i = s->op; i <= s->last; i++)
            call_step(e, i, trampoline);
        x86_patch(&e->a, x86_jmp(&e->a), s->back);
        return;
    case STUB_UNBOXED:
        x86_op(&e->a, 0xc6, 0, x86_m(RBP, FIELD(interpret))); // mov byte
        x86_byte(&e->a, 1);
        /* fall through */
    case STUB_BUDGET:
        x86_alu_imm(&e->a, ALU_ADD, true, x86_r(BUDGET_REG), op->left);
        leave_map(e);
        set_pc(e, e->region->pc + op->offset);
        x86_mov_imm(&e->a, RAX, 0);
        leave(e);
        return;
    case STUB_REFUSE: emit_refusal(e, s->op); return;
    case STUB_EXIT: emit_exit_stub(e, s); return;
    case STUB_SITE: emit_site_stub(e, s); return;
    case STUB_DETOUR: emit_detour(e, s, trampoline); return;
    case STUB_STATUS: lower_status_stub(e, op); break;
    default: lower_mem_stub(e, &e->ir->insns[s->in], (enum stub_kind)s->kind); break;
    }
    x86_patch(&e->a, x86_jmp(&e->a), s->back);
    for (unsigned i = first; i < e->stub_count; i++)
        e->stubs[i].back = s->back;
}

// Steps go by one place of the region: registers to memory, and back.
static size_t emit_trampoline(struct emitter *e)
{
    const struct jit_cache *cache = e->jit->cache;
    size_t at = e->a.used;

    if (!e->map.changed) {
        x86_mov_imm(&e->a, RCX, (uintptr_t)e->region);
        jump_to_thunk(e, cache->thunk_step[e->fp]);
        return at;
    }
    save_map(e, false);
    x86_mov_imm(&e->a, RCX, (uintptr_t)e->region);
    x86_patch(&e->a, x86_call(&e->a), (size_t)(cache->thunk_bare_step[e->fp] - cache->code_rx));
    save_map(e, true);
    x86_byte(&e->a, 0xc3);
    return at;
}

static void note_place(struct emitter *e)
{
    if (e->watched)
        e->watched->at[e->in] = (uint32_t)(e->a.used - e->start);
}

// The operation at e->in; where it is a branch that selects, those that it selects as well.
static void emit_next(struct emitter *e, size_t trampoline)
{
    const struct ir_insn *in = &e->ir->insns[e->in];
    unsigned selected = 0;

    note_place(e);
    if (in->code == IR_BRANCH) {
        e->index = in->op;
        fp_settle(e);
        selected = lower_selected(e, in);
    }
    if (!selected) {
        note_detour(e, true);
        if (in->path != IR_DETOUR)
            emit_insn(e, in, trampoline);
        note_detour(e, false);
    }
    while (selected--) {
        e->in++;
        note_place(e);
    }
}

static void emit_code(struct emitter *e, size_t trampoline)
{
    const struct region *r = e->region;

    fp_plan(e);
    choose_streams(e);
    plan_detours(e);
    emit_entry(e, 0);
    for (e->in = 0; e->in < e->ir->count; e->in++)
        emit_next(e, trampoline);
    note_place(e);
    e->index = r->count - 1u;
    fp_settle(e);
    if (!jit_region_ends_at(r->ops[r->count - 1].id)) {
        x86_align_distance(&e->a, 1);
        emit_exit(e, x86_jmp(&e->a), r->pc + r->bytes, EXIT_INSIDE);
    }
    for (unsigned i = 0; i < e->fixup_count; i++)
        x86_patch(&e->a, e->fixups[i].at, e->labels[e->fixups[i].op]);
    e->restored = 0;
    for (unsigned i = 0; i < e->stub_count; i++)
        emit_stub(e, &e->stubs[i], trampoline);
}

bool jit_host_emit(struct jit *jit, struct region *r, const struct ir *ir, struct watched *watched)
{
    struct jit_cache *cache = jit->cache;
    size_t trampoline;
    struct emitter e;

    __builtin_memset(&e, 0, offsetof(struct emitter, labels));
    e.start = (cache->code_used + 15) & ~(size_t)15;
    e.a = (struct x86_asm){.base = cache->code_rw, .used = e.start, .size = cache->code_size};
    e.jit = jit;
    e.region = r;
    e.ir = ir;
    e.watched = watched;
    e.has = cache->host_features;
    e.fp = r->flavor & FLAVOR_FP;
    choose_registers(&e.map, ir, r);
    e.gpr = e.map.gpr;
    e.xmm = e.map.xmm;
    trampoline = emit_trampoline(&e);
    emit_code(&e, trampoline);
    if (e.a.full || !note_places(&e))
        return false;
    cache->code_used = e.a.used;
    return true;
}

// One store of four aligned bytes: who executes the jump meanwhile sees the old distance or the new one,
// and both are right.
void jit_host_patch(const struct jit_cache *cache, const struct jit_link *link,
                    const uint8_t *entry)
{
    const uint8_t *behind = cache->code_rx + link->patch + 4;

    __atomic_store_n((uint32_t *)(void *)(cache->code_rw + link->patch), (uint32_t)(entry - behind),
                     __ATOMIC_RELEASE);
}
