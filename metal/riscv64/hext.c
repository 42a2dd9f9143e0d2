// SPDX-License-Identifier: Apache-2.0
// The engine: a vCPU's registers on and off the hart, and what its exits mean.
#include "metal/riscv64/hext.h"

#include "guest/riscv/csr.h"
#include "guest/riscv/sbi.h"
#include "guest/riscv/trap.h"
#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/timers.h"
#include "metal/common/trace.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"

#define A0 10
#define EXT_BASE_ID 0x10
#define EXT_TIME_ID 0x54494d45
#define EXT_IPI_ID 0x735049
#define CAUSE_IS_INTERRUPT (1ull << 63)
#define INSN_WFI_RAW 0x10500073u
#define INSN_WRS_NTO_RAW 0x00d00073u

// Exceptions that are the guest's own affair: not calls from VS mode, guest-page faults, virtual
// instructions. An illegal instruction is one while the FP unit is on.
#define HEDELEG_ALWAYS                                                                      \
    (1u << CAUSE_MISALIGNED_FETCH | 1u << CAUSE_FETCH_ACCESS | 1u << CAUSE_BREAKPOINT |     \
     1u << CAUSE_MISALIGNED_LOAD | 1u << CAUSE_LOAD_ACCESS | 1u << CAUSE_MISALIGNED_STORE | \
     1u << CAUSE_STORE_ACCESS | 1u << CAUSE_ECALL_U | 1u << CAUSE_FETCH_PAGE_FAULT |        \
     1u << CAUSE_LOAD_PAGE_FAULT | 1u << CAUSE_STORE_PAGE_FAULT)
#define HEDELEG_ILLEGAL (1u << CAUSE_ILLEGAL_INSTRUCTION)
#define HCOUNTEREN_CY_TM_IR 7
#define VSSTATUS_FIELDS \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)

void fp_save(uint64_t *f);
void fp_load(const uint64_t *f);

// What the harts can do; the same for all, written once.
static struct {
    struct riscv_isa isa;
    uint64_t henvcfg;
} host;

void hext_init(const struct riscv_isa *isa)
{
    host.isa = *isa;
    csr_write(HW_HENVCFG, UINT64_MAX & ~ENVCFG_FIOM);
    host.henvcfg = csr_read(HW_HENVCFG);
    if (!(host.henvcfg & MENVCFG_STCE))
        machine.has_sstc = false;
}

// Without hideleg, vsie would not take a bit.
void hext_hart_init(void)
{
    csr_write(HW_HENVCFG, host.henvcfg);
    csr_write(HW_HCOUNTEREN, HCOUNTEREN_CY_TM_IR);
    csr_write(HW_HIDELEG, HW_HVIP_ALL);
}

static struct hext *hext_of(const struct vcpu *vcpu)
{
    return vcpu->engine_data;
}

static struct riscv_sbi *sbi_of(const struct hext *x)
{
    return ((struct riscv_board *)x->vcpu->vm->board)->sbi;
}

static bool guest_has_sstc(void)
{
    return machine.has_sstc;
}

// ---- Registers on and off the hart ----

static void fp_off(struct hext *x)
{
    x->regs.sstatus &= ~(uint64_t)HW_SSTATUS_FS;
}

static bool fp_is_off(const struct hext *x)
{
    return !(x->regs.sstatus & HW_SSTATUS_FS);
}

// The registers go to memory, and stay: if nobody else uses them meanwhile they need not come back.
static void fp_put_away(struct hext *x)
{
    if ((x->regs.sstatus & HW_SSTATUS_FS) != HW_SSTATUS_FS)
        return;
    csr_set(HW_SSTATUS, HW_SSTATUS_FS);
    fp_save(x->f);
    x->regs.sstatus = (x->regs.sstatus & ~(uint64_t)HW_SSTATUS_FS) | HW_SSTATUS_FS_CLEAN;
}

static void fp_take(struct hext *x)
{
    struct host_hart *hart = this_hart();

    csr_set(HW_SSTATUS, HW_SSTATUS_FS);
    fp_load(x->f);
    hart->fp_owner = x;
    x->fp_hart = hart;
    x->regs.sstatus |= HW_SSTATUS_FS_CLEAN;
    csr_write(HW_HEDELEG, HEDELEG_ALWAYS | HEDELEG_ILLEGAL);
}

static void load(struct hext *x)
{
    struct metal_vm *vm = metal_vm_of(x->vcpu->vm);
    struct host_hart *hart = this_hart();

    csr_write(HW_VSSTATUS, x->vsstatus);
    csr_write(HW_VSIE, x->vsie);
    csr_write(HW_VSTVEC, x->vstvec);
    csr_write(HW_VSSCRATCH, x->vsscratch);
    csr_write(HW_VSEPC, x->vsepc);
    csr_write(HW_VSCAUSE, x->vscause);
    csr_write(HW_VSTVAL, x->vstval);
    csr_write(HW_VSATP, x->vsatp);
    csr_write(HW_HVIP, x->hvip);
    csr_write(HW_SCOUNTEREN, x->scounteren);
    csr_write(HW_SENVCFG, x->senvcfg);
    csr_write(HW_HTIMEDELTA, atomic_load(&x->vcpu->vm->time_offset));
    if (guest_has_sstc())
        csr_write(HW_VSTIMECMP, x->stimecmp);
    csr_write(HW_HGATP, vm_memory_hgatp(&vm->memory));
    if (hart->fp_owner != x || x->fp_hart != hart)
        fp_off(x);
    csr_write(HW_HEDELEG, HEDELEG_ALWAYS | (fp_is_off(x) ? 0 : HEDELEG_ILLEGAL));
    // Another vCPU of this VM may have used its VMID here, or this one has been elsewhere.
    if (vmid_shared(vm->memory.vmid))
        hfence_gvma_all();
    if (hart->loaded != x || x->last_hart != hart || x->fence_vma)
        hfence_vvma_all();
    if (x->last_hart != hart)
        fence_i();
    x->fence_vma = false;
    x->last_hart = hart;
    hart->loaded = x;
    x->loaded = true;
    riscv_sbi_sta_update(sbi_of(x), x->vcpu);
}

static void unload(struct hext *x)
{
    x->vsstatus = csr_read(HW_VSSTATUS);
    x->vsie = csr_read(HW_VSIE);
    x->vstvec = csr_read(HW_VSTVEC);
    x->vsscratch = csr_read(HW_VSSCRATCH);
    x->vsepc = csr_read(HW_VSEPC);
    x->vscause = csr_read(HW_VSCAUSE);
    x->vstval = csr_read(HW_VSTVAL);
    x->vsatp = csr_read(HW_VSATP);
    x->hvip = csr_read(HW_HVIP);
    x->scounteren = csr_read(HW_SCOUNTEREN);
    x->senvcfg = csr_read(HW_SENVCFG);
    if (guest_has_sstc()) {
        x->stimecmp = csr_read(HW_VSTIMECMP);
        csr_write(HW_VSTIMECMP, UINT64_MAX);
    }
    fp_put_away(x);
    x->loaded = false;
}

void hext_leave(struct vcpu *vcpu)
{
    struct hext *x = hext_of(vcpu);

    if (x->loaded)
        unload(x);
}

static void hvip_change(struct hext *x, uint64_t set, uint64_t clear)
{
    x->hvip = (x->hvip & ~clear) | set;
    if (!x->loaded)
        return;
    if (clear)
        csr_clear(HW_HVIP, clear);
    if (set)
        csr_set(HW_HVIP, set);
}

// ---- Interrupts and time ----

static bool timer_due(const struct hext *x)
{
    return hull_vm_time(x->vcpu->vm) >= x->stimecmp;
}

// Without Sstc the hypervisor's timer is the guest's; with it, only while the vCPU is off its hart.
static void timer_watch(struct hext *x)
{
    const struct vm *vm = x->vcpu->vm;
    uint64_t deadline = HULL_TIME_NEVER;

    // One that is due already fires at once: it may have become so since somebody looked.
    if (x->stimecmp != UINT64_MAX) {
        deadline = x->stimecmp - atomic_load(&vm->time_offset);
        if (deadline > HULL_TIME_NEVER / 2)
            deadline = HULL_TIME_NEVER;
    }
    timers_arm(&x->timer, deadline);
}

static void timer_fired(void *ctx)
{
    hull_vcpu_kick(ctx, VCPU_ATTN_TIMER);
}

static void take_interrupts(struct hext *x)
{
    uint64_t lines = atomic_load_explicit(&x->vcpu->irq_lines, memory_order_acquire);

    if (atomic_exchange_explicit(&x->ssip_raised, false, memory_order_acquire))
        hvip_change(x, HW_HVIP_VSSIP, 0);
    if (lines >> IRQ_S_EXT & 1)
        hvip_change(x, HW_HVIP_VSEIP, 0);
    else
        hvip_change(x, 0, HW_HVIP_VSEIP);
    if (!guest_has_sstc() && timer_due(x))
        hvip_change(x, HW_HVIP_VSTIP, 0);
}

static bool hext_wakeup_pending(struct vcpu *vcpu)
{
    struct hext *x = hext_of(vcpu);
    uint64_t pending;

    take_interrupts(x);
    if (x->loaded)
        return csr_read(HW_HIP) & csr_read(HW_HIE) & HW_HVIP_ALL;
    pending = x->hvip;
    if (guest_has_sstc() && timer_due(x))
        pending |= HW_HVIP_VSTIP;
    return pending & x->vsie << 1;
}

void hext_sleep(struct vcpu *vcpu)
{
    struct hext *x = hext_of(vcpu);

    if (!guest_has_sstc())
        return;
    if (x->loaded)
        x->stimecmp = csr_read(HW_VSTIMECMP);
    if ((x->loaded ? csr_read(HW_VSIE) : x->vsie) & 1u << IRQ_S_TIMER)
        timer_watch(x);
}

static void hext_set_timer(struct vcpu *vcpu, uint64_t ticks)
{
    struct hext *x = hext_of(vcpu);

    x->stimecmp = ticks;
    if (guest_has_sstc()) {
        if (x->loaded)
            csr_write(HW_VSTIMECMP, ticks);
        return;
    }
    hvip_change(x, 0, HW_HVIP_VSTIP);
    if (timer_due(x))
        hvip_change(x, HW_HVIP_VSTIP, 0);
    else
        timer_watch(x);
}

static void hext_raise_ssip(struct vcpu *vcpu)
{
    atomic_store_explicit(&hext_of(vcpu)->ssip_raised, true, memory_order_release);
    hull_vcpu_kick(vcpu, VCPU_ATTN_IRQ);
}

// True: run() must return.
static bool serve_attention(struct hext *x)
{
    struct vcpu *vcpu = x->vcpu;
    uint32_t attention = atomic_exchange(&vcpu->attention, 0);

    if (attention & VCPU_ATTN_FENCE) {
        uint32_t fences = atomic_exchange(&vcpu->fences, 0);

        if (fences & VCPU_FENCE_I)
            fence_i();
        if ((fences & VCPU_FENCE_VMA) && x->loaded)
            hfence_vvma_all();
        else if (fences & VCPU_FENCE_VMA)
            x->fence_vma = true;
    }
    if ((attention & VCPU_ATTN_TIMER) && x->loaded && guest_has_sstc())
        x->stimecmp = csr_read(HW_VSTIMECMP); // for those who look for signs of life
    if (attention & (VCPU_ATTN_IRQ | VCPU_ATTN_TIMER))
        take_interrupts(x);
    if ((attention & VCPU_ATTN_TIMER) && !guest_has_sstc() && !timer_due(x))
        timer_watch(x);
    return attention & VCPU_ATTN_STOP;
}

// ---- Exits ----

// As the hart would have entered the guest's handler (Privileged ISA, "Trap entry").
void hext_inject(struct hext *x, unsigned cause, uint64_t tval)
{
    uint64_t status = csr_read(HW_VSSTATUS);

    status &= ~(MSTATUS_SPP | MSTATUS_SPIE);
    status |= x->regs.sstatus & HW_SSTATUS_SPP ? MSTATUS_SPP : 0;
    status |= status & MSTATUS_SIE ? MSTATUS_SPIE : 0;
    csr_write(HW_VSSTATUS, status & ~MSTATUS_SIE);
    csr_write(HW_VSEPC, x->regs.sepc);
    csr_write(HW_VSCAUSE, cause);
    csr_write(HW_VSTVAL, tval);
    x->regs.sepc = csr_read(HW_VSTVEC) & ~3ull;
    x->regs.sstatus |= HW_SSTATUS_SPP;
}

static void guest_page_fault(struct hext *x)
{
    struct metal_vm *vm = metal_vm_of(x->vcpu->vm);
    gpa_t gpa = x->regs.htval << 2 | (x->regs.stval & 3);
    static const uint8_t access_fault[] = {CAUSE_FETCH_ACCESS, CAUSE_LOAD_ACCESS, 0,
                                           CAUSE_STORE_ACCESS};
    int error = gpa - vm->memory.base < vm->memory.size ? vm_memory_populate(&vm->memory, gpa)
                                                        : -HULL_EFAULT;

    if (!error) {
        x->exits[HEXT_EXIT_MEMORY]++;
        return;
    }
    x->exits[HEXT_EXIT_MMIO]++;
    if (error == -HULL_EFAULT && x->regs.scause != HW_CAUSE_GUEST_FETCH_FAULT)
        hext_mmio(x, gpa);
    else
        hext_inject(x, access_fault[x->regs.scause - HW_CAUSE_GUEST_FETCH_FAULT], x->regs.stval);
}

// Counters that no guest gets (hcounteren) read as zero: the SBI's PMU promises that they exist.
static bool reads_counter(uint32_t raw)
{
    unsigned csr = raw >> 20;

    return (raw & 0x7f) == 0x73 && (raw >> 12 & 7) == 2 && !(raw >> 15 & 31) && csr >= 0xc03 &&
           csr <= 0xc1f;
}

// True: a wfi with nothing pending.
static bool virtual_instruction(struct hext *x)
{
    uint32_t raw = (uint32_t)x->regs.stval;
    bool supervisor = x->regs.sstatus & HW_SSTATUS_SPP;

    if (!raw)
        raw = hext_fetch(x);
    if (supervisor && (raw == INSN_WFI_RAW || raw == INSN_WRS_NTO_RAW)) {
        x->exits[HEXT_EXIT_WFI]++;
        x->regs.sepc += 4;
        if (raw == INSN_WFI_RAW)
            return !hext_wakeup_pending(x->vcpu);
        return false;
    }
    x->exits[HEXT_EXIT_OTHER]++;
    if (reads_counter(raw)) {
        if (raw >> 7 & 31)
            x->regs.x[raw >> 7 & 31] = 0;
        x->regs.sepc += 4;
        return false;
    }
    hext_inject(x, CAUSE_ILLEGAL_INSTRUCTION, raw);
    return false;
}

static void fill_sbi(struct hext *x, struct vcpu_exit *exit)
{
    x->exits[HEXT_EXIT_SBI]++;
    x->regs.sepc += 4;
    exit->reason = VCPU_EXIT_SBI;
    memcpy(exit->sbi.args, &x->regs.x[A0], sizeof(exit->sbi.args));
    exit->sbi.skip_ret = false;
    x->sbi_pending = true;
}

// True: the caller of run() has something to do.
static bool handle_exit(struct hext *x, struct vcpu_exit *exit)
{
    if (x->regs.scause & CAUSE_IS_INTERRUPT) {
        arch_poll();
        return false;
    }
    switch (x->regs.scause) {
    case HW_CAUSE_ECALL_VS: fill_sbi(x, exit); return true;
    case HW_CAUSE_GUEST_FETCH_FAULT:
    case HW_CAUSE_GUEST_LOAD_FAULT:
    case HW_CAUSE_GUEST_STORE_FAULT: guest_page_fault(x); return false;
    case HW_CAUSE_VIRTUAL_INSTRUCTION: exit->reason = VCPU_EXIT_WFI; return virtual_instruction(x);
    case CAUSE_ILLEGAL_INSTRUCTION:
        x->exits[HEXT_EXIT_FP]++;
        fp_take(x); // if it was no FP instruction, it comes to the guest next time
        return false;
    default:
        x->exits[HEXT_EXIT_OTHER]++;
        hext_inject(x, CAUSE_ILLEGAL_INSTRUCTION, x->regs.stval);
        return false;
    }
}

static void trace(const struct hext *x)
{
    uint64_t cause = x->regs.scause, value = x->regs.stval;

    if (cause == HW_CAUSE_ECALL_VS)
        value = x->regs.x[17];
    else if (cause >= HW_CAUSE_GUEST_FETCH_FAULT && cause <= HW_CAUSE_GUEST_STORE_FAULT)
        value = x->regs.htval << 2;
    trace_exit(metal_vm_of(x->vcpu->vm)->index, x->vcpu->index, cause, x->regs.sepc, value);
}

// ---- The short way ----
// Called by trap_vector, with the vCPU still counted as in the guest. True: back into it at once. Nothing
// here may give the hart away.

static bool may_go_back(const struct hext *x)
{
    return !atomic_load_explicit(&x->vcpu->attention, memory_order_relaxed) &&
           !atomic_load_explicit(&this_hart()->resched, memory_order_relaxed) && x->loaded;
}

// So that the long way finds nothing more to do.
static bool done(struct hext *x)
{
    if (may_go_back(x))
        return true;
    x->regs.scause = CAUSE_IS_INTERRUPT;
    return false;
}

// Calls that only look at their arguments: s0 to s11 of the guest are still in the hart.
bool hext_fast_call(struct hext *x);
bool hext_fast_call(struct hext *x)
{
    struct riscv_board *board = x->vcpu->vm->board;
    uint64_t extension = x->regs.x[A0 + 7];
    struct vcpu_exit exit;

    if ((extension != EXT_BASE_ID && extension != EXT_TIME_ID && extension != EXT_IPI_ID) ||
        atomic_load_explicit(&machine.tracing, memory_order_relaxed))
        return false;
    for (unsigned i = 0; i < 8; i++)
        exit.sbi.args[i] = x->regs.x[A0 + i];
    riscv_sbi_call(board->sbi, x->vcpu, &exit);
    x->regs.x[A0] = exit.sbi.ret[0];
    x->regs.x[A0 + 1] = exit.sbi.ret[1];
    x->regs.sepc += 4;
    x->exits[HEXT_EXIT_SBI]++;
    return done(x);
}

bool hext_fast_exit(struct hext *x);
bool hext_fast_exit(struct hext *x)
{
    uint64_t cause = x->regs.scause;

    if (atomic_load_explicit(&machine.tracing, memory_order_relaxed))
        return false;
    if (cause == HW_CAUSE_GUEST_LOAD_FAULT || cause == HW_CAUSE_GUEST_STORE_FAULT) {
        guest_page_fault(x);
        return done(x);
    }
    if (cause & CAUSE_IS_INTERRUPT) {
        x->exits[HEXT_EXIT_INTERRUPT]++;
        arch_poll();
        return done(x);
    }
    return false;
}

static void complete_sbi(struct hext *x, const struct vcpu_exit *exit)
{
    if (x->sbi_pending && !exit->sbi.skip_ret) {
        x->regs.x[A0] = exit->sbi.ret[0];
        x->regs.x[A0 + 1] = exit->sbi.ret[1];
    }
    x->sbi_pending = false;
}

// Others get the hart, if they are due. Its guest is told first: within the scheduler nobody may touch
// guest memory. load() takes that back, or nobody else was due.
static void give_way(struct hext *x)
{
    riscv_sbi_sta_preempted(sbi_of(x), x->vcpu, true);
    thread_preempt();
    if (x->loaded)
        riscv_sbi_sta_preempted(sbi_of(x), x->vcpu, false);
}

// A pinned vCPU that nobody waits for sleeps in its guest: whatever is to wake it, or wants the hart, comes as
// an interrupt, after which this is decided anew. A watchdog wants to see its sleep.
static void wfi_choose(struct hext *x)
{
    const struct metal_vcpu *mine = x->vcpu->host_data;
    const struct metal_vm *vm = metal_vm_of(x->vcpu->vm);

    if (mine->thread.pinned && !this_hart()->ready_count && !vm->spec->metal.watchdog)
        x->regs.hstatus &= ~HW_HSTATUS_VTW;
    else
        x->regs.hstatus |= HW_HSTATUS_VTW;
}

static void hext_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct hext *x = hext_of(vcpu);

    complete_sbi(x, exit);
    for (;;) {
        if (atomic_load_explicit(&this_hart()->resched, memory_order_relaxed))
            give_way(x);
        wfi_choose(x);
        if (!hull_vcpu_enter_guest(vcpu)) {
            if (serve_attention(x)) {
                exit->reason = VCPU_EXIT_ATTENTION;
                return;
            }
            continue;
        }
        if (!x->loaded)
            load(x);
        guest_enter(&x->regs);
        hull_vcpu_leave_guest(vcpu);
        if (atomic_load_explicit(&machine.tracing, memory_order_relaxed))
            trace(x);
        if (handle_exit(x, exit))
            return;
    }
}

// ---- State ----

static void hext_get_state(struct vcpu *vcpu, struct hart_state *s)
{
    struct hext *x = hext_of(vcpu);
    bool was_loaded = x->loaded;

    if (was_loaded)
        unload(x);
    take_interrupts(x);
    memset(s, 0, sizeof(*s));
    memcpy(s->x, x->regs.x, sizeof(s->x));
    memcpy(s->f, x->f, sizeof(s->f));
    s->fflags = x->fcsr & 0x1f;
    s->frm = x->fcsr >> 5 & 7;
    s->pc = x->regs.sepc;
    s->priv = x->regs.sstatus & HW_SSTATUS_SPP ? PRIV_S : PRIV_U;
    s->mhartid = vcpu->index;
    s->mstatus = (x->vsstatus & VSSTATUS_FIELDS) | MSTATUS_UXL_64 | MSTATUS_SXL_64;
    s->mie = x->vsie;
    s->mip = (x->hvip & HW_HVIP_VSSIP) >> 1;
    s->stvec = x->vstvec;
    s->sscratch = x->vsscratch;
    s->sepc = x->vsepc;
    s->scause = x->vscause;
    s->stval = x->vstval;
    s->satp = x->vsatp;
    s->stimecmp = x->stimecmp;
    s->scounteren = x->scounteren;
    s->senvcfg = x->senvcfg;
    s->mcounteren = UINT32_MAX;
    s->menvcfg = host.henvcfg;
    s->medeleg = HEDELEG_ALWAYS | HEDELEG_ILLEGAL;
    s->mideleg = 1u << IRQ_S_SOFT | 1u << IRQ_S_TIMER | 1u << IRQ_S_EXT;
    s->reservation_addr = RISCV_RESERVATION_NONE;
}

static void hext_set_state(struct vcpu *vcpu, const struct hart_state *s)
{
    struct hext *x = hext_of(vcpu);

    hext_leave(vcpu);
    memcpy(x->regs.x, s->x, sizeof(s->x));
    memcpy(x->f, s->f, sizeof(s->f));
    x->fcsr = s->fflags | (uint64_t)s->frm << 5;
    x->fp_hart = NULL; // the hart's FP registers are not these
    x->regs.sepc = s->pc;
    x->regs.sstatus = HW_SSTATUS_SPIE | (s->priv == PRIV_U ? 0 : HW_SSTATUS_SPP);
    x->regs.hstatus = HW_HSTATUS_SPV | HW_HSTATUS_VTW | HW_HSTATUS_VSXL_64;
    x->vsstatus = (s->mstatus & VSSTATUS_FIELDS) | MSTATUS_UXL_64;
    x->vsie = s->mie;
    x->hvip = s->mip & 1u << IRQ_S_SOFT ? HW_HVIP_VSSIP : 0;
    x->vstvec = s->stvec;
    x->vsscratch = s->sscratch;
    x->vsepc = s->sepc;
    x->vscause = s->scause;
    x->vstval = s->stval;
    x->vsatp = s->satp;
    x->stimecmp = s->stimecmp;
    x->scounteren = s->scounteren;
    x->senvcfg = s->senvcfg;
    x->fence_vma = true;
    if (!guest_has_sstc())
        timer_watch(x);
    atomic_fetch_or(&vcpu->attention, VCPU_ATTN_IRQ | VCPU_ATTN_TIMER);
}

void hext_dump(struct vcpu *vcpu, struct metal_vm *vm)
{
    static const char *const names[] = {"zero", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                        "s0",   "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                        "a6",   "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                        "s8",   "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
    const struct hext *x = hext_of(vcpu);
    struct console *console = &machine.console;
    typedef unsigned long long ull;

    console_log(
        console, "%s: CPU %u: pc %016llx, %s mode, the last exit was %s %llu", vm->spec->name,
        vcpu->index, (ull)x->regs.sepc, x->regs.sstatus & HW_SSTATUS_SPP ? "S" : "U",
        x->regs.scause & CAUSE_IS_INTERRUPT ? "interrupt" : "cause", (ull)(x->regs.scause & 0xff));
    for (unsigned i = 1; i < 32; i += 4)
        console_log(console, "  %-4s %016llx  %-4s %016llx  %-4s %016llx  %-4s %016llx", names[i],
                    (ull)x->regs.x[i], names[i + 1], (ull)x->regs.x[i + 1], names[i + 2],
                    (ull)x->regs.x[i + 2], i + 3 < 32 ? names[i + 3] : "",
                    i + 3 < 32 ? (ull)x->regs.x[i + 3] : 0);
    console_log(console, "  vsstatus %llx vsie %llx hvip %llx vsepc %llx vscause %llx vstval %llx",
                (ull)x->vsstatus, (ull)x->vsie, (ull)x->hvip, (ull)x->vsepc, (ull)x->vscause,
                (ull)x->vstval);
    console_log(console, "  vstvec %llx vsatp %llx stimecmp %llx", (ull)x->vstvec, (ull)x->vsatp,
                (ull)x->stimecmp);
}

static int hext_vcpu_create(struct vcpu *vcpu)
{
    struct hext *x = hull_alloc(&vcpu->vm->env, sizeof(*x));

    if (!x)
        return -HULL_ENOMEM;
    x->vcpu = vcpu;
    x->stimecmp = UINT64_MAX;
    x->timer.fire = timer_fired;
    x->timer.ctx = vcpu;
    timers_timer_init(&x->timer);
    vcpu->engine_data = x;
    return 0;
}

static void forget_on_harts(const struct hext *x)
{
    for (unsigned i = 0; i < machine.hart_count; i++) {
        struct host_hart *hart = machine.harts[i];

        if (hart->loaded == x)
            hart->loaded = NULL;
        if (hart->fp_owner == x)
            hart->fp_owner = NULL;
    }
}

static void hext_vcpu_destroy(struct vcpu *vcpu)
{
    struct hext *x = hext_of(vcpu);

    if (!x)
        return;
    timers_timer_destroy(&x->timer);
    forget_on_harts(x);
    hull_free(&vcpu->vm->env, x, sizeof(*x));
    vcpu->engine_data = NULL;
}

// Harts count, but not for us.
static uint64_t hext_instret(const struct vcpu *vcpu)
{
    (void)vcpu;
    return 0;
}

static void hext_kick(struct vcpu *vcpu)
{
    struct metal_vcpu *mine = vcpu->host_data;

    thread_poke(&mine->thread);
}

static uint64_t hext_stolen_ns(const struct vcpu *vcpu)
{
    const struct metal_vcpu *mine = vcpu->host_data;

    return mine->thread.stolen * TIMERS_NS_PER_TICK;
}

// Counters beyond cycle, time and instret stay the hypervisor's; what needs a bit in henvcfg needs that.
static void hext_limit_isa(struct riscv_isa *isa)
{
    isa->extensions &= host.isa.extensions;
    isa->extensions &= ~(RISCV_H_EXTENSIONS | 1ull << EXT_ZIHPM | 1ull << EXT_SSCOFPMF);
    if (!guest_has_sstc())
        isa->extensions &= ~(1ull << EXT_SSTC);
    if (!(host.henvcfg & MENVCFG_PBMTE))
        isa->extensions &= ~(1ull << EXT_SVPBMT);
    if (!(host.henvcfg & MENVCFG_ADUE))
        isa->extensions &= ~(1ull << EXT_SVADU);
    if (!(host.henvcfg & ENVCFG_CBCFE))
        isa->extensions &= ~(1ull << EXT_ZICBOM);
    if (!(host.henvcfg & ENVCFG_CBZE))
        isa->extensions &= ~(1ull << EXT_ZICBOZ);
    if (host.isa.sv_levels < isa->sv_levels)
        isa->sv_levels = host.isa.sv_levels;
}

const struct engine_ops hext_engine = {
    .name = "hext",
    .vcpu_create = hext_vcpu_create,
    .vcpu_destroy = hext_vcpu_destroy,
    .run = hext_run,
    .get_state = hext_get_state,
    .set_state = hext_set_state,
    .wakeup_pending = hext_wakeup_pending,
    .set_timer = hext_set_timer,
    .raise_ssip = hext_raise_ssip,
    .kick = hext_kick,
    .stolen_ns = hext_stolen_ns,
    .limit_isa = hext_limit_isa,
    .instret = hext_instret,
};
