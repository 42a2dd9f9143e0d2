// SPDX-License-Identifier: Apache-2.0
// A vCPU's registers: on and off the hart, to and from the architectural state, to the console.
#include "guest/riscv/csr.h"
#include "guest/riscv/sbi.h"
#include "lib/mem.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext_parts.h"

#define VSSTATUS_FIELDS \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)

// Those that are moved as they are: the CSR, in struct hext, and in struct hart_state.
// clang-format off
#define PLAIN_REGISTERS(move) \
    move(HW_VSIE, vsie, mie) \
    move(HW_VSTVEC, vstvec, stvec) \
    move(HW_VSSCRATCH, vsscratch, sscratch) \
    move(HW_VSEPC, vsepc, sepc) \
    move(HW_VSCAUSE, vscause, scause) \
    move(HW_VSTVAL, vstval, stval) \
    move(HW_VSATP, vsatp, satp) \
    move(HW_SCOUNTEREN, scounteren, scounteren) \
    move(HW_SENVCFG, senvcfg, senvcfg)
// clang-format on

// What guests reach where Ssstateen could keep it from them.
#define STATEEN_BASE HW_HSTATEEN0_ENVCFG
#define STATEEN_AIA (HW_HSTATEEN0_IMSIC | HW_HSTATEEN0_AIA | HW_HSTATEEN0_CSRIND)

void fp_save(uint64_t *f);
void fp_load(const uint64_t *f);

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

void hext_fp_take(struct hext *x)
{
    struct host_hart *hart = this_hart();

    csr_set(HW_SSTATUS, HW_SSTATUS_FS);
    fp_load(x->f);
    hart->fp_owner = x;
    x->fp_hart = hart;
    x->regs.sstatus |= HW_SSTATUS_FS_CLEAN;
    csr_write(HW_HEDELEG, HEDELEG_ALWAYS | HEDELEG_ILLEGAL);
}

void hext_load(struct hext *x)
{
    struct metal_vm *vm = metal_vm_of(x->vcpu->vm);
    struct host_hart *hart = this_hart();

    csr_write(HW_VSSTATUS, x->vsstatus);
#define LOAD(csr, here, state) csr_write(csr, x->here);
    PLAIN_REGISTERS(LOAD)
    csr_write(HW_HVIP, x->hvip);
    csr_write(HW_HTIMEDELTA, atomic_load(&x->vcpu->vm->time_offset));
    if (hext_guest_has_sstc())
        csr_write(HW_VSTIMECMP, x->stimecmp);
    csr_write(HW_HSTATUS, x->regs.hstatus);
    if (machine.has_aia) {
        csr_write(HW_VSISELECT, x->vsiselect);
        csr_write(HW_HVICTL, x->hvictl);
    }
    if (machine.has_stateen)
        csr_write(HW_HSTATEEN0, x->vcpu->msis ? STATEEN_BASE | STATEEN_AIA : STATEEN_BASE);
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
    riscv_sbi_sta_update(hext_sbi(x), x->vcpu);
}

void hext_unload(struct hext *x)
{
    x->vsstatus = csr_read(HW_VSSTATUS);
#define UNLOAD(csr, here, state) x->here = csr_read(csr);
    PLAIN_REGISTERS(UNLOAD)
    x->hvip = csr_swap(HW_HVIP, 0); // else an idle hart's wfi would not wait
    if (machine.has_aia)
        x->vsiselect = csr_read(HW_VSISELECT);
    if (hext_guest_has_sstc()) {
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
        hext_unload(x);
}

void hext_hvip_change(struct hext *x, uint64_t set, uint64_t clear)
{
    x->hvip = (x->hvip & ~clear) | set;
    if (!x->loaded)
        return;
    if (clear)
        csr_clear(HW_HVIP, clear);
    if (set)
        csr_set(HW_HVIP, set);
}

// ---- State ----

void hext_get_state(struct vcpu *vcpu, struct hart_state *s)
{
    struct hext *x = hext_of(vcpu);
    bool was_loaded = x->loaded;

    if (was_loaded)
        hext_unload(x);
    hext_take_interrupts(x);
    memset(s, 0, sizeof(*s));
    memcpy(s->x, x->regs.x, sizeof(s->x));
    memcpy(s->f, x->f, sizeof(s->f));
    s->fflags = x->fcsr & 0x1f;
    s->frm = x->fcsr >> 5 & 7;
    s->pc = x->regs.sepc;
    s->priv = x->regs.sstatus & HW_SSTATUS_SPP ? PRIV_S : PRIV_U;
    s->mhartid = vcpu->index;
    s->mstatus = (x->vsstatus & VSSTATUS_FIELDS) | MSTATUS_UXL_64 | MSTATUS_SXL_64;
    s->mip = (x->hvip & HW_HVIP_VSSIP) >> 1;
#define GET(csr, here, state) s->state = x->here;
    PLAIN_REGISTERS(GET)
    s->stimecmp = x->stimecmp;
    s->siselect = x->vsiselect;
    if (vcpu->msis)
        hext_imsic_get(x, &s->imsic[HULL_MSI_FILE_S]);
    s->mcounteren = UINT32_MAX;
    s->menvcfg = hext_host.henvcfg;
    s->medeleg = HEDELEG_ALWAYS | HEDELEG_ILLEGAL;
    s->mideleg = 1u << IRQ_S_SOFT | 1u << IRQ_S_TIMER | 1u << IRQ_S_EXT;
    s->reservation_addr = RISCV_RESERVATION_NONE;
}

void hext_set_state(struct vcpu *vcpu, const struct hart_state *s)
{
    struct hext *x = hext_of(vcpu);

    hext_leave(vcpu);
    memcpy(x->regs.x, s->x, sizeof(s->x));
    memcpy(x->f, s->f, sizeof(s->f));
    x->fcsr = s->fflags | (uint64_t)s->frm << 5;
    x->fp_hart = NULL; // the hart's FP registers are not these
    x->regs.sepc = s->pc;
    x->regs.sstatus = HW_SSTATUS_SPIE | (s->priv == PRIV_U ? 0 : HW_SSTATUS_SPP);
    x->regs.hstatus = HW_HSTATUS_SPV | HW_HSTATUS_VTW | HW_HSTATUS_VSXL_64 |
                      (x->regs.hstatus & HW_HSTATUS_VGEIN); // its interrupt file stays where it is
    x->vsstatus = (s->mstatus & VSSTATUS_FIELDS) | MSTATUS_UXL_64;
    x->hvip = s->mip & 1u << IRQ_S_SOFT ? HW_HVIP_VSSIP : 0;
#define SET(csr, here, state) x->here = s->state;
    PLAIN_REGISTERS(SET)
    x->stimecmp = s->stimecmp;
    x->vsiselect = s->siselect;
    if (vcpu->msis)
        hext_imsic_set(x, &s->imsic[HULL_MSI_FILE_S]);
    x->fence_vma = true;
    if (!hext_guest_has_sstc())
        hext_timer_watch(x);
    atomic_fetch_or(&vcpu->attention, VCPU_ATTN_IRQ | VCPU_ATTN_TIMER);
}

void hext_dump(struct vcpu *vcpu, struct metal_vm *vm)
{
    const struct hext *x = hext_of(vcpu);
    struct console *console = &machine.console;
    typedef unsigned long long ull;

    console_log(
        console, "%s: CPU %u: pc %016llx, %s mode, the last exit was %s %llu", vm->spec->name,
        vcpu->index, (ull)x->regs.sepc, x->regs.sstatus & HW_SSTATUS_SPP ? "S" : "U",
        x->regs.scause & CAUSE_IS_INTERRUPT ? "interrupt" : "cause", (ull)(x->regs.scause & 0xff));
    for (unsigned i = 0; i < 32; i += 4)
        console_log(console, "  %-4s %016llx  %-4s %016llx  %-4s %016llx  %-4s %016llx",
                    register_names[i], (ull)x->regs.x[i], register_names[i + 1],
                    (ull)x->regs.x[i + 1], register_names[i + 2], (ull)x->regs.x[i + 2],
                    register_names[i + 3], (ull)x->regs.x[i + 3]);
    console_log(console, "  vsstatus %llx vsie %llx hvip %llx vsepc %llx vscause %llx vstval %llx",
                (ull)x->vsstatus, (ull)x->vsie, (ull)x->hvip, (ull)x->vsepc, (ull)x->vscause,
                (ull)x->vstval);
    console_log(console, "  vstvec %llx vsatp %llx stimecmp %llx", (ull)x->vstvec, (ull)x->vsatp,
                (ull)x->stimecmp);
}
