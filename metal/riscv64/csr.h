// SPDX-License-Identifier: Apache-2.0
// The machine's own control and status registers as HS mode reaches them, and the fences of the H
// extension. By number, because assemblers differ in which names they know.
#ifndef METAL_RISCV64_CSR_H
#define METAL_RISCV64_CSR_H

#define HW_SSTATUS 0x100
#define HW_SIE 0x104
#define HW_STVEC 0x105
#define HW_SCOUNTEREN 0x106
#define HW_SENVCFG 0x10a
#define HW_SSCRATCH 0x140
#define HW_SEPC 0x141
#define HW_SCAUSE 0x142
#define HW_STVAL 0x143
#define HW_SIP 0x144
#define HW_STIMECMP 0x14d
#define HW_SISELECT 0x150
#define HW_SIREG 0x151
#define HW_STOPEI 0x15c
#define HW_SATP 0x180
#define HW_VSSTATUS 0x200
#define HW_VSIE 0x204
#define HW_VSTVEC 0x205
#define HW_VSSCRATCH 0x240
#define HW_VSEPC 0x241
#define HW_VSCAUSE 0x242
#define HW_VSTVAL 0x243
#define HW_VSTIMECMP 0x24d
#define HW_VSISELECT 0x250
#define HW_VSIREG 0x251
#define HW_VSTOPEI 0x25c
#define HW_VSATP 0x280
#define HW_HSTATUS 0x600
#define HW_HEDELEG 0x602
#define HW_HIDELEG 0x603
#define HW_HIE 0x604
#define HW_HTIMEDELTA 0x605
#define HW_HCOUNTEREN 0x606
#define HW_HGEIE 0x607
#define HW_HVIEN 0x608
#define HW_HVICTL 0x609
#define HW_HENVCFG 0x60a
#define HW_HSTATEEN0 0x60c
#define HW_HTVAL 0x643
#define HW_HIP 0x644
#define HW_HVIP 0x645
#define HW_HVIPRIO1 0x646
#define HW_HVIPRIO2 0x647
#define HW_HTINST 0x64a
#define HW_HGATP 0x680
#define HW_HGEIP 0xe12
#define HW_TIME 0xc01

#define HW_SSTATUS_SIE 0x2
#define HW_SSTATUS_SPIE 0x20
#define HW_SSTATUS_SPP 0x100
#define HW_SSTATUS_FS 0x6000
#define HW_SSTATUS_FS_CLEAN 0x4000
#define HW_SSTATUS_SUM 0x40000

#define HW_HSTATUS_SPV (1ul << 7)
#define HW_HSTATUS_SPVP (1ul << 8)
#define HW_HSTATUS_VGEIN (0x3ful << HW_HSTATUS_VGEIN_SHIFT)
#define HW_HSTATUS_VGEIN_SHIFT 12
#define HW_HSTATUS_VTW (1ul << 21)
#define HW_HSTATUS_VSXL_64 (2ul << 32)

#define HW_HVIP_VSSIP (1ul << 2)
#define HW_HVIP_VSTIP (1ul << 6)
#define HW_HVIP_VSEIP (1ul << 10)
#define HW_HVIP_ALL (HW_HVIP_VSSIP | HW_HVIP_VSTIP | HW_HVIP_VSEIP)

#define HW_HIP_SGEIP (1ul << 12)

#define HW_HSTATEEN0_IMSIC (1ul << 58)
#define HW_HSTATEEN0_AIA (1ul << 59)
#define HW_HSTATEEN0_CSRIND (1ul << 60)
#define HW_HSTATEEN0_ENVCFG (1ul << 62)

#define HW_SIP_SSIP (1ul << 1)
#define HW_SIP_STIP (1ul << 5)
#define HW_SIP_SEIP (1ul << 9)

#define HW_CAUSE_ECALL_VS 10
#define HW_CAUSE_GUEST_FETCH_FAULT 20
#define HW_CAUSE_GUEST_LOAD_FAULT 21
#define HW_CAUSE_VIRTUAL_INSTRUCTION 22
#define HW_CAUSE_GUEST_STORE_FAULT 23

// An interrupt file's registers, by siselect and vsiselect (AIA 1.0, 3.8); eip and eie of 64 identities each at even
// numbers.
#define IMSIC_EIDELIVERY 0x70
#define IMSIC_EITHRESHOLD 0x72
#define IMSIC_EIP0 0x80
#define IMSIC_EIE0 0xc0
#define STOPEI_ID_SHIFT 16

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
#define csr_swap(csr, value)                                 \
    ({                                                       \
        uint64_t value_;                                     \
        __asm__ volatile("csrrw %0, " CSR_STRING(csr) ", %1" \
                         : "=r"(value_)                      \
                         : "rK"((uint64_t)(value))           \
                         : "memory");                        \
        value_;                                              \
    })
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
    return csr_read(HW_TIME);
}
#endif

#endif
