// SPDX-License-Identifier: Apache-2.0
// Guest interrupt files: which vCPU has which. One moves with its vCPU to another hart by way of memory: first everybody
// who sends is led there, then what has arrived at the old place follows, so that no message is lost; then the same to
// the new place. A file's registers can only be reached on its own hart, which is asked to hand them out.
#include "metal/riscv64/hext_imsic.h"

#include "guest/riscv/csr.h"
#include "guest/riscv/imsic.h"
#include "lib/bits.h"
#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext_parts.h"
#include "metal/riscv64/sbi.h"

#define HVICTL_IID_EXT ((uint64_t)IRQ_S_EXT << 16)
#define VGEIN(number) ((uint64_t)(number) << HW_HSTATUS_VGEIN_SHIFT)

static hpa_t file_page(const struct host_hart *hart, unsigned number)
{
    return hart->irq.imsic + ((hpa_t)number << HULL_PAGE_SHIFT);
}

static gpa_t guest_page(const struct vcpu *vcpu)
{
    return BOARD_IMSIC_S_BASE +
           vcpu->index * riscv_board_imsic_stride(&metal_vm_of(vcpu->vm)->board.isa);
}

// ---- Registers of this hart's guest files ----

struct selection {
    uint64_t hstatus, vsiselect;
};

static struct selection file_select(unsigned number)
{
    struct selection before = {csr_read(HW_HSTATUS), csr_read(HW_VSISELECT)};

    csr_write(HW_HSTATUS, (before.hstatus & ~HW_HSTATUS_VGEIN) | VGEIN(number));
    return before;
}

static void file_deselect(const struct selection *before)
{
    csr_write(HW_VSISELECT, before->vsiselect);
    csr_write(HW_HSTATUS, before->hstatus);
}

static uint64_t reg_swap(uint64_t select, uint64_t value)
{
    csr_write(HW_VSISELECT, select);
    return csr_swap(HW_VSIREG, value);
}

// All that is in the file, which is empty afterwards. It may have more identities than guests know of.
static void file_take(unsigned number, struct imsic_file *into)
{
    struct selection before = file_select(number);

    memset(into, 0, sizeof(*into));
    into->eidelivery = reg_swap(IMSIC_EIDELIVERY, 0);
    into->eithreshold = reg_swap(IMSIC_EITHRESHOLD, 0);
    for (unsigned word = 0; word <= machine.platform.irqchip.imsic.ids / 64; word++) {
        uint64_t eie = reg_swap(IMSIC_EIE0 + 2 * word, 0), eip = reg_swap(IMSIC_EIP0 + 2 * word, 0);

        if (word < HULL_MSI_WORDS) {
            into->eie[word] = eie;
            into->eip[word] = eip;
        }
    }
    file_deselect(&before);
}

// Besides what has arrived there already.
static void file_put(unsigned number, const struct imsic_file *from)
{
    struct selection before = file_select(number);

    for (unsigned word = 0; word < HULL_MSI_WORDS; word++) {
        csr_write(HW_VSISELECT, IMSIC_EIE0 + 2 * word);
        csr_write(HW_VSIREG, from->eie[word]);
        csr_write(HW_VSISELECT, IMSIC_EIP0 + 2 * word);
        csr_set(HW_VSIREG, from->eip[word]);
    }
    reg_swap(IMSIC_EITHRESHOLD, from->eithreshold);
    reg_swap(IMSIC_EIDELIVERY, from->eidelivery);
    file_deselect(&before);
}

// ---- Whose they are ----

void hext_imsic_hart_init(void)
{
    const struct irqchip *chip = &machine.platform.irqchip;
    struct host_hart *hart = this_hart();
    unsigned pages = chip->kind == IRQCHIP_IMSIC ? (1u << chip->imsic.guest_bits) - 1 : 0,
             count = 0;
    struct imsic_file whatever; // was left there

    if (!machine.has_aia)
        return;
    csr_write(HW_HVICTL, 0);
    csr_write(HW_HVIEN, 0);
    csr_write(HW_HVIPRIO1, 0);
    csr_write(HW_HVIPRIO2, 0);
    csr_write(HW_VSISELECT, 0);
    csr_write(HW_HGEIE, UINT64_MAX);
    while (count < HART_GUEST_FILES_MAX && csr_read(HW_HGEIE) >> (count + 1) & 1)
        count++;
    csr_write(HW_HGEIE, 0);
    // Guests are promised as many identities as a file in memory has.
    if (!hart->irq.imsic || chip->imsic.ids < HULL_MSI_IDENTITIES)
        count = 0;
    hart->guest_files = count < pages ? count : pages;
    for (unsigned number = 1; number <= hart->guest_files; number++)
        file_take(number, &whatever);
    csr_set(HW_HIE, HW_HIP_SGEIP);
}

// 0: all are taken. Only this hart gives its own out; anybody may give one back.
static unsigned file_alloc(struct host_hart *hart, struct hext *x)
{
    for (unsigned number = 1; number <= hart->guest_files; number++) {
        void *nobody = NULL;

        if (atomic_compare_exchange_strong(&hart->files[number], &nobody, x))
            return number;
    }
    return 0;
}

struct taking {
    struct host_hart *hart;
    unsigned number;
    bool sync; // the host's APLIC may have sent to it
    struct imsic_file contents;
};

// On the hart whose file it is.
static void take_here(void *arg)
{
    struct taking *taking = arg;

    csr_clear(HW_HGEIE, 1ull << taking->number);
    hext_imsic_interrupt();
    if (taking->sync)
        passthrough_sync();
    file_take(taking->number, &taking->contents);
    atomic_store(&taking->hart->files[taking->number], NULL);
}

// ---- Moving ----

// Where the file is, for the hart when it is in the guest.
static void settle(struct hext *x)
{
    x->file.armed = false;
    x->regs.hstatus = (x->regs.hstatus & ~HW_HSTATUS_VGEIN) | VGEIN(x->file.number);
    if (x->loaded)
        csr_write(HW_HSTATUS, x->regs.hstatus);
    hext_take_interrupts(x);
}

static void lead_senders(struct hext *x, struct host_hart *hart, unsigned number)
{
    spin_lock(&x->file.lock);
    x->file.hart = hart;
    x->file.number = number;
    spin_unlock(&x->file.lock);
    passthrough_follow(x->vcpu);
}

// Into memory: whoever sends comes to us, also guests that have the page in a TLB; then what has arrived is fetched.
void hext_imsic_release(struct hext *x)
{
    struct hext_file *file = &x->file;
    struct metal_vm *vm = metal_vm_of(x->vcpu->vm);
    struct taking old = {
        .hart = file->hart, .number = file->number, .sync = vm->spec->metal.passthrough_count};

    if (!old.hart)
        return;
    vm_memory_unmap_page(&vm->memory, guest_page(x->vcpu));
    lead_senders(x, NULL, 0);
    hfence_gvma_all();
    fw_remote_hfence_gvma_all();
    arch_call(old.hart, take_here, &old);
    spin_lock(&file->lock);
    for (unsigned word = 0; word < HULL_MSI_WORDS; word++)
        old.contents.eip[word] |= file->soft.eip[word];
    file->soft = old.contents;
    spin_unlock(&file->lock);
    settle(x);
}

// Out of memory, to a file of this hart if one is left. A hart that has it in a TLB that there was no page comes to us
// with what it sends, and that arrives as well.
static void take_file(struct hext *x)
{
    struct hext_file *file = &x->file;
    struct host_hart *hart = this_hart();
    unsigned number = file_alloc(hart, x);

    if (!number)
        return;
    if (vm_memory_map_page(&metal_vm_of(x->vcpu->vm)->memory, guest_page(x->vcpu),
                           file_page(hart, number))) {
        atomic_store(&hart->files[number], NULL);
        return;
    }
    lead_senders(x, hart, number);
    file_put(number, &file->soft);
    memset(&file->soft, 0, sizeof(file->soft));
    settle(x);
}

void hext_imsic_bring(struct hext *x)
{
    if (!x->vcpu->msis || x->file.hart == this_hart())
        return;
    hext_imsic_release(x); // may be on another hart afterwards
    take_file(x);
}

// ---- Looking at it, and changing it ----

// On the hart whose file it is. What is pending comes back at once.
static void look_here(void *arg)
{
    struct taking *taking = arg;

    file_take(taking->number, &taking->contents);
    file_put(taking->number, &taking->contents);
}

static void set_here(void *arg)
{
    struct taking *taking = arg;

    file_put(taking->number, &taking->contents);
}

void hext_imsic_get(struct hext *x, struct imsic_file *contents)
{
    struct taking at = {.hart = x->file.hart, .number = x->file.number};

    if (at.hart)
        arch_call(at.hart, look_here, &at);
    *contents = at.hart ? at.contents : x->file.soft;
}

void hext_imsic_set(struct hext *x, const struct imsic_file *contents)
{
    struct taking at = {.hart = x->file.hart, .number = x->file.number, .contents = *contents};
    struct imsic_file *soft = &x->file.soft;

    if (at.hart) {
        arch_call(at.hart, set_here, &at);
        return;
    }
    spin_lock(&x->file.lock);
    for (unsigned word = 0; word < HULL_MSI_WORDS; word++)
        at.contents.eip[word] |= soft->eip[word];
    *soft = at.contents;
    spin_unlock(&x->file.lock);
}

// ---- Messages and interrupts ----

void hext_imsic_lead(const struct vcpu *vcpu, struct irqchip_lead *lead)
{
    struct hext_file *file = &hext_of(vcpu)->file;

    spin_lock(&file->lock);
    if (file->hart) {
        lead->hart = &file->hart->irq;
        lead->file = file->number;
    }
    spin_unlock(&file->lock);
}

void hext_send_msi(struct vcpu *vcpu, unsigned file_number, uint32_t identity)
{
    struct hext_file *file = &hext_of(vcpu)->file;
    bool soft;

    if (file_number != HULL_MSI_FILE_S)
        return;
    spin_lock(&file->lock);
    soft = !file->hart;
    if (soft)
        file->soft.eip[identity / 64] |= 1ull << identity % 64;
    else // what the guest is to find was written before
        irqchip_msi(file_page(file->hart, file->number), identity);
    spin_unlock(&file->lock);
    if (soft)
        hull_vcpu_kick(vcpu, VCPU_ATTN_IRQ);
}

bool hext_imsic_pending(struct hext *x)
{
    return x->file.hart ? csr_read(HW_HGEIP) >> x->file.number & 1 : hext_imsic_update(x);
}

// AIA 1.0, "Virtual supervisor top interrupt": an external one is there while its number and a priority are.
bool hext_imsic_update(struct hext *x)
{
    uint64_t top = 0;

    spin_lock(&x->file.lock);
    if (!x->file.hart && riscv_imsic_signals(&x->file.soft))
        top = riscv_imsic_top(&x->file.soft);
    spin_unlock(&x->file.lock);
    x->hvictl = HVICTL_IID_EXT | top;
    if (x->loaded)
        csr_write(HW_HVICTL, x->hvictl);
    return top;
}

// One that is there already is told of once: a vCPU that is stopped does not care.
void hext_imsic_sleep(struct hext *x)
{
    struct hext_file *file = &x->file;

    hext_imsic_bring(x);
    if (!file->hart || !((x->loaded ? csr_read(HW_VSIE) : x->vsie) >> IRQ_S_EXT & 1) ||
        (atomic_load(&file->told) && hext_imsic_pending(x)))
        return;
    file->armed = true;
    csr_set(HW_HGEIE, 1ull << file->number);
    hext_imsic_interrupt();
}

// In its guest, its interrupts are its own affair.
void hext_imsic_awake(struct hext *x)
{
    if (!x->file.armed || x->file.hart != this_hart())
        return;
    x->file.armed = false;
    csr_clear(HW_HGEIE, 1ull << x->file.number);
    hext_imsic_interrupt();
}

// Also after hgeie was written: QEMU (7.2) may then have lost hip.SGEIP of a message that arrived meanwhile, to any file.
void hext_imsic_interrupt(void)
{
    for (uint64_t pending; (pending = csr_read(HW_HGEIP) & csr_read(HW_HGEIE));) {
        unsigned number = hull_ctz64(pending);
        struct hext *x = atomic_load(&this_hart()->files[number]);

        csr_clear(HW_HGEIE, 1ull << number);
        if (x) {
            atomic_store(&x->file.told, true);
            hull_vcpu_kick(x->vcpu, VCPU_ATTN_IRQ);
        }
    }
}
