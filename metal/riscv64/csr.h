// SPDX-License-Identifier: Apache-2.0
// The machine's own control and status registers as HS mode reaches them, and the fences of the H
// extension. By number, because assemblers differ in which names they know.
#ifndef METAL_RISCV64_CSR_H
#define METAL_RISCV64_CSR_H

#define CSR_SSTATUS 0x100
#define CSR_SIE_ 0x104
#define CSR_STVEC 0x105
#define CSR_SCOUNTEREN 0x106
#define CSR_SENVCFG 0x10a
#define CSR_SSCRATCH 0x140
#define CSR_SEPC 0x141
#define CSR_SCAUSE 0x142
#define CSR_STVAL 0x143
#define CSR_SIP_ 0x144
#define CSR_STIMECMP 0x14d
#define CSR_SATP_ 0x180
#define CSR_VSSTATUS 0x200
#define CSR_VSIE 0x204
#define CSR_VSTVEC 0x205
#define CSR_VSSCRATCH 0x240
#define CSR_VSEPC 0x241
#define CSR_VSCAUSE 0x242
#define CSR_VSTVAL 0x243
#define CSR_VSTIMECMP 0x24d
#define CSR_VSATP 0x280
#define CSR_HSTATUS 0x600
#define CSR_HEDELEG 0x602
#define CSR_HIDELEG 0x603
#define CSR_HIE 0x604
#define CSR_HTIMEDELTA 0x605
#define CSR_HCOUNTEREN 0x606
#define CSR_HENVCFG 0x60a
#define CSR_HTVAL 0x643
#define CSR_HIP 0x644
#define CSR_HVIP 0x645
#define CSR_HTINST 0x64a
#define CSR_HGATP 0x680
#define CSR_HGEIP 0xe12
#define CSR_TIME_ 0xc01

#define SSTATUS_SIE 0x2
#define SSTATUS_SPIE 0x20
#define SSTATUS_SPP 0x100
#define SSTATUS_FS 0x6000
#define SSTATUS_FS_CLEAN 0x4000
#define SSTATUS_SUM 0x40000

#define HSTATUS_SPV (1ul << 7)
#define HSTATUS_SPVP (1ul << 8)
#define HSTATUS_VTW (1ul << 21)
#define HSTATUS_VSXL_64 (2ul << 32)

#define HVIP_VSSIP (1ul << 2)
#define HVIP_VSTIP (1ul << 6)
#define HVIP_VSEIP (1ul << 10)
#define HVIP_ALL (HVIP_VSSIP | HVIP_VSTIP | HVIP_VSEIP)

#define SIP_SSIP (1ul << 1)
#define SIP_STIP (1ul << 5)
#define SIP_SEIP (1ul << 9)

#define CAUSE_ECALL_VS 10
#define CAUSE_GUEST_FETCH_FAULT 20
#define CAUSE_GUEST_LOAD_FAULT 21
#define CAUSE_VIRTUAL_INSTRUCTION 22
#define CAUSE_GUEST_STORE_FAULT 23

#ifndef __ASSEMBLY__
#include <stdbool.h>
#include <stdint.h>

#define CSR_STRING_(x) #x
#define CSR_STRING(x) CSR_STRING_(x)

#define csr_read(csr)                                                              \
    ({                                                                             \
        uint64_t value_;                                                           \
        __asm__ volatile("csrr %0, " CSR_STRING(csr) : "=r"(value_) : : "memory"); \
        value_;                                                                    \
    })
#define csr_write(csr, value) \
    __asm__ volatile("csrw " CSR_STRING(csr) ", %0" : : "rK"((uint64_t)(value)) : "memory")
#define csr_set(csr, bits) \
    __asm__ volatile("csrs " CSR_STRING(csr) ", %0" : : "rK"((uint64_t)(bits)) : "memory")
#define csr_clear(csr, bits) \
    __asm__ volatile("csrc " CSR_STRING(csr) ", %0" : : "rK"((uint64_t)(bits)) : "memory")

static inline void sfence_vma_all(void)
{
    __asm__ volatile("sfence.vma" : : : "memory");
}

static inline void sfence_vma_page(uintptr_t va)
{
    __asm__ volatile("sfence.vma %0" : : "r"(va) : "memory");
}

// hfence.gvma x0, x0 and hfence.vvma x0, x0: everything of stage 2; of the current VMID's stage 1.
static inline void hfence_gvma_all(void)
{
    __asm__ volatile(".word 0x62000073" : : : "memory");
}

static inline void hfence_vvma_all(void)
{
    __asm__ volatile(".word 0x22000073" : : : "memory");
}

static inline void fence_i(void)
{
    __asm__ volatile("fence.i" : : : "memory");
}

static inline void wait_for_interrupt(void)
{
    __asm__ volatile("wfi" : : : "memory");
}

static inline uint64_t time_read(void)
{
    return csr_read(CSR_TIME_);
}
#endif

#endif
