// SPDX-License-Identifier: Apache-2.0
// A hart's interrupt files. They are the hart's own and nobody else writes them: MSIs wait in an inbox
// until the hart looks. Specification: RISC-V AIA 1.0, "Incoming MSI Controller".
#include "guest/riscv/imsic.h"

#include "guest/riscv/trap.h"
#include "lib/bits.h"

#define EIDELIVERY 0x70
#define EITHRESHOLD 0x72
#define EIP0 0x80
#define EIE0 0xc0

unsigned riscv_imsic_top(const struct imsic_file *file)
{
    for (unsigned word = 0; word < HULL_MSI_WORDS; word++) {
        uint64_t ready = file->eip[word] & file->eie[word];

        if (ready) {
            unsigned identity = word * 64 + hull_ctz64(ready);

            return file->eithreshold && identity >= file->eithreshold ? 0 : identity;
        }
    }
    return 0;
}

bool riscv_imsic_signals(const struct imsic_file *file)
{
    return file->eidelivery && riscv_imsic_top(file);
}

void riscv_imsic_derive(struct hart *hart)
{
    const struct imsic_file *files = hart->s.imsic;
    uint64_t hgeip = 0;

    hart->imsic_mip = (riscv_imsic_signals(&files[HULL_MSI_FILE_M]) ? 1u << IRQ_M_EXT : 0) |
                      (riscv_imsic_signals(&files[HULL_MSI_FILE_S]) ? 1u << IRQ_S_EXT : 0);
    for (unsigned guest = 1; guest <= hart->isa->geilen; guest++)
        if (riscv_imsic_signals(&files[guest]))
            hgeip |= 1ull << guest;
    atomic_store_explicit(&hart->hgeip, hgeip, memory_order_relaxed);
    hart->changed |= HART_CHANGED_IRQ;
}

void riscv_imsic_take(struct hart *hart)
{
    struct msi_inbox *inbox = hart->vcpu->msis;
    uint32_t files = atomic_exchange(&inbox->files, 0);

    for (; files; files &= files - 1) {
        unsigned file = hull_ctz32(files);

        for (unsigned word = 0; word < HULL_MSI_WORDS; word++)
            if (atomic_load_explicit(&inbox->arrived[file][word], memory_order_relaxed))
                hart->s.imsic[file].eip[word] |= atomic_exchange(&inbox->arrived[file][word], 0);
    }
    riscv_imsic_derive(hart);
}

uint64_t riscv_imsic_topei(struct hart *hart, unsigned file)
{
    uint64_t identity;

    riscv_imsic_collect(hart);
    identity = riscv_imsic_top(&hart->s.imsic[file]);
    return identity << 16 | identity;
}

void riscv_imsic_file_claim(struct imsic_file *file)
{
    unsigned identity = riscv_imsic_top(file);

    if (identity)
        file->eip[identity / 64] &= ~(1ull << identity % 64);
}

void riscv_imsic_claim(struct hart *hart, unsigned file)
{
    riscv_imsic_file_claim(&hart->s.imsic[file]);
    riscv_imsic_derive(hart);
}

bool riscv_imsic_register_exists(unsigned select)
{
    return select < EIP0 || !(select & 1);
}

// The word of eip or eie; NULL: one past the identities that there are, or none of these registers.
static uint64_t *array_word(struct imsic_file *file, unsigned select)
{
    unsigned word = (select - EIP0) % (EIE0 - EIP0) / 2;

    if (select < EIP0 || word >= HULL_MSI_WORDS)
        return NULL;
    return select < EIE0 ? &file->eip[word] : &file->eie[word];
}

uint64_t riscv_imsic_file_read(const struct imsic_file *file, unsigned select)
{
    const uint64_t *word = array_word((struct imsic_file *)file, select);

    if (select == EIDELIVERY)
        return file->eidelivery;
    if (select == EITHRESHOLD)
        return file->eithreshold;
    return word ? *word : 0;
}

void riscv_imsic_file_write(struct imsic_file *file, unsigned select, uint64_t value)
{
    uint64_t *word = array_word(file, select);

    if (select == EIDELIVERY && value <= 1)
        file->eidelivery = value;
    else if (select == EITHRESHOLD && value <= HULL_MSI_IDENTITIES)
        file->eithreshold = value;
    else if (word)
        *word = word == file->eip || word == file->eie ? value & ~1ull
                                                       : value; // there is no identity 0
}

uint64_t riscv_imsic_read(struct hart *hart, unsigned file, unsigned select)
{
    riscv_imsic_collect(hart);
    return riscv_imsic_file_read(&hart->s.imsic[file], select);
}

void riscv_imsic_write(struct hart *hart, unsigned file, unsigned select, uint64_t value)
{
    riscv_imsic_file_write(&hart->s.imsic[file], select, value);
    riscv_imsic_derive(hart);
}

void riscv_imsic_legalise(struct imsic_file *file)
{
    file->eidelivery &= 1;
    if (file->eithreshold > HULL_MSI_IDENTITIES)
        file->eithreshold = 0;
    file->eip[0] &= ~1ull;
    file->eie[0] &= ~1ull;
}
