// SPDX-License-Identifier: Apache-2.0
// Numbers that the assembly and the C of the guest programs' runtime share.
#ifndef RT_ASM_H
#define RT_ASM_H

#define RT_HARTS 4
// Each hart has one aligned region: M-mode trap stack, S-mode trap stack, main stack, upwards.
#define RT_STACK_SHIFT 16
#define RT_STACK_SIZE (1 << RT_STACK_SHIFT)
#define RT_MTRAP_TOP 0x6000
#define RT_STRAP_TOP 0xa000

#define RT_FRAME_EPC 256
#define RT_FRAME_STATUS 264
#define RT_FRAME_CAUSE 272
#define RT_FRAME_TVAL 280
#define RT_FRAME_MODE 288
#define RT_FRAME_TOP 296
#define RT_FRAME_SIZE 304

#define RT_LEAVE_MAGIC 0x4c565000 // in a7: the end of a function that rt_run_in() started
#define RT_TRY_LUI 0x54525        // in t5, shifted by 12: the next trap is expected

#endif
