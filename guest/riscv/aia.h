// SPDX-License-Identifier: Apache-2.0
// Which major interrupt comes first, at each level, on harts with Smaia and Ssaia; virtual interrupts for
// S and VS mode. Specification: RISC-V AIA 1.0, "Interrupts for Machine and Supervisor Levels" and
// "Interrupts for Virtual Machines".
#ifndef HULL_RISCV_AIA_H
#define HULL_RISCV_AIA_H

#include "guest/riscv/hart.h"

#define AIA_LOCAL_INTERRUPTS (~0x1fffull) // 13 to 63, of which virtual ones can be made

#define HVICTL_VTI (1u << 30)
#define HVICTL_IID_SHIFT 16
#define HVICTL_IID (0xfffu << HVICTL_IID_SHIFT)
#define HVICTL_DPR (1u << 9)
#define HVICTL_IPRIOM (1u << 8)
#define HVICTL_IPRIO 0xffu

// What is pending and enabled for M, for S and (under the supervisor's numbers) for VS mode, out of mip.
uint64_t riscv_aia_ready_m(const struct hart *hart, uint64_t mip);
uint64_t riscv_aia_ready_s(const struct hart *hart, uint64_t mip);
uint64_t riscv_aia_ready_vs(const struct hart *hart, uint64_t mip);

// mtopi, stopi and vstopi. 0: nothing is ready.
uint64_t riscv_aia_mtopi(const struct hart *hart, uint64_t mip);
uint64_t riscv_aia_stopi(const struct hart *hart, uint64_t mip);
uint64_t riscv_aia_vstopi(const struct hart *hart, uint64_t mip);
static inline int riscv_aia_iid(uint64_t topi)
{
    return (int)(topi >> 16);
}

// The guest interrupt file that VGEIN selects, 0: none.
unsigned riscv_aia_guest_file(const struct hart *hart);

// The priority numbers that software may set, of the array for M or for S mode.
uint64_t riscv_aia_priorities(const struct hart *hart, bool machine); // bit per interrupt

// What is kept of a state that comes from elsewhere.
void riscv_aia_state_legalise(struct hart *hart, const struct hart_state *in);

#endif
