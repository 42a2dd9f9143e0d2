// SPDX-License-Identifier: Apache-2.0
// CSR access, and the numbers of the privileged specification that the programs use.
#ifndef RT_CSR_H
#define RT_CSR_H

#include "rt.h"

#define RT_STR_(x) #x
#define RT_STR(x) RT_STR_(x)

#define csr_read(csr)                                                   \
    ({                                                                  \
        uint64_t v_;                                                    \
        __asm__ volatile("csrr %0, " RT_STR(csr) : "=r"(v_)::"memory"); \
        v_;                                                             \
    })
#define csr_write(csr, value) __asm__ volatile("csrw " RT_STR(csr) ", %0" ::"rK"(value) : "memory")
#define csr_set(csr, value) __asm__ volatile("csrs " RT_STR(csr) ", %0" ::"rK"(value) : "memory")
#define csr_clear(csr, value) __asm__ volatile("csrc " RT_STR(csr) ", %0" ::"rK"(value) : "memory")
#define csr_swap(csr, value)                                                                   \
    ({                                                                                         \
        uint64_t v_;                                                                           \
        __asm__ volatile("csrrw %0, " RT_STR(csr) ", %1" : "=r"(v_) : "rK"(value) : "memory"); \
        v_;                                                                                    \
    })

// What a write makes of a CSR; the old value is put back.
#define csr_probe(csr, value)                 \
    ({                                        \
        uint64_t old_ = csr_swap(csr, value); \
        uint64_t new_ = csr_swap(csr, old_);  \
        new_;                                 \
    })

#define CAUSE_FETCH_MISALIGNED 0
#define CAUSE_FETCH_ACCESS 1
#define CAUSE_ILLEGAL 2
#define CAUSE_BREAKPOINT 3
#define CAUSE_LOAD_MISALIGNED 4
#define CAUSE_LOAD_ACCESS 5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS 7
#define CAUSE_ECALL_U 8
#define CAUSE_ECALL_S 9
#define CAUSE_ECALL_VS 10
#define CAUSE_ECALL_M 11
#define CAUSE_FETCH_PAGE 12
#define CAUSE_LOAD_PAGE 13
#define CAUSE_STORE_PAGE 15
#define CAUSE_FETCH_GUEST_PAGE 20
#define CAUSE_LOAD_GUEST_PAGE 21
#define CAUSE_VIRTUAL 22
#define CAUSE_STORE_GUEST_PAGE 23
#define CAUSE_INTERRUPT (1ul << 63)

#define IRQ_SSI 1
#define IRQ_VSSI 2
#define IRQ_MSI 3
#define IRQ_STI 5
#define IRQ_VSTI 6
#define IRQ_MTI 7
#define IRQ_SEI 9
#define IRQ_VSEI 10
#define IRQ_MEI 11
#define IRQ_SGEI 12
#define IRQ_LCOF 13
#define BIT(n) (1ul << (n))

#define STATUS_SIE BIT(1)
#define STATUS_MIE BIT(3)
#define STATUS_SPIE BIT(5)
#define STATUS_MPIE BIT(7)
#define STATUS_SPP BIT(8)
#define STATUS_MPP (3ul << 11)
#define STATUS_MPP_S (1ul << 11)
#define STATUS_FS (3ul << 13)
#define STATUS_FS_INITIAL (1ul << 13)
#define STATUS_FS_CLEAN (2ul << 13)
#define STATUS_MPRV BIT(17)
#define STATUS_SUM BIT(18)
#define STATUS_MXR BIT(19)
#define STATUS_TVM BIT(20)
#define STATUS_TW BIT(21)
#define STATUS_TSR BIT(22)
#define STATUS_GVA BIT(38)
#define STATUS_MPV BIT(39)
#define STATUS_SD BIT(63)

#define HSTATUS_GVA BIT(6)
#define HSTATUS_SPV BIT(7)
#define HSTATUS_SPVP BIT(8)
#define HSTATUS_HU BIT(9)
#define HSTATUS_VTVM BIT(20)
#define HSTATUS_VTW BIT(21)
#define HSTATUS_VTSR BIT(22)
#define HSTATUS_VSXL (2ul << 32)

#define ENVCFG_FIOM BIT(0)
#define ENVCFG_CBIE_FLUSH (1ul << 4)
#define ENVCFG_CBIE_INVAL (3ul << 4)
#define ENVCFG_CBCFE BIT(6)
#define ENVCFG_CBZE BIT(7)
#define MENVCFG_ADUE BIT(61)
#define MENVCFG_PBMTE BIT(62)
#define MENVCFG_STCE BIT(63)

#endif
