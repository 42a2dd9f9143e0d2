// SPDX-License-Identifier: Apache-2.0
// A VM's RAM: blocks of 2 MiB that are allocated and zeroed when somebody first touches them, mapped for the
// guest (stage 2) and, in one piece, for the hypervisor (a window). The VM has a right to them from the start,
// until it gives them back.
#ifndef METAL_COMMON_VM_MEMORY_H
#define METAL_COMMON_VM_MEMORY_H

#include <hull/error.h>
#include <hull/types.h>

#include "metal/common/pages.h"
#include "metal/riscv64/paging.h"

struct vm_memory {
    struct page_table stage2;
    struct spin lock; // of the blocks' mappings
    gpa_t base;
    uint64_t size;
    uint8_t *window;
    uint64_t promised;  // blocks that are not there yet, and set aside for it
    uint16_t *returned; // what of each block came back; NULL: nothing goes to others
    unsigned vmid;
    bool fixed; // the blocks are those of the same physical address, and never anybody else's
    _Atomic bool starved; // it wanted back what others have meanwhile
    uint64_t *stand_in;
    struct page_count *owner;
};

// `fixed`: the machine's memory at `base`, which pages_take_blocks() took. 0, -HULL_ENOMEM.
HULL_MUST_CHECK int vm_memory_create(struct vm_memory *memory, gpa_t base, uint64_t size,
                                     bool fixed, struct page_count *owner);
void vm_memory_destroy(struct vm_memory *memory); // no hart has its stage 2 loaded
// Makes the block at `gpa` be there: 0, -HULL_EFAULT (not RAM), -HULL_ENOMEM: it had been given back, and there
// is none now.
HULL_MUST_CHECK int vm_memory_populate(struct vm_memory *memory, gpa_t gpa);
bool vm_memory_given_back(const struct vm_memory *memory, uint64_t offset); // the lock is held
int vm_memory_map_block(struct vm_memory *memory, uint64_t offset, hpa_t block);
// [host, host + len) of the window reads as zeroes. Whole blocks go back.
void vm_memory_discard(struct vm_memory *memory, void *host, uint64_t len);
// Something to stand in the window where a block is missing; the VM must not run any more.
void vm_memory_stand_in(struct vm_memory *memory, gpa_t gpa);
void vm_memory_forget(struct vm_memory *memory); // what these two made: before the window goes
// What the guest has at the moment: how many pages of each size, and of what colours the small ones are.
void vm_memory_survey(struct vm_memory *memory, uint64_t sizes[3], uint64_t colours[64]);
// A page of a device where no RAM is, also in the place of another one: who had that in a TLB still has it. 0,
// -HULL_EEXIST (a larger one is there), -HULL_ENOMEM.
HULL_MUST_CHECK int vm_memory_map_page(struct vm_memory *memory, gpa_t gpa, hpa_t page);
void vm_memory_unmap_page(struct vm_memory *memory, gpa_t gpa); // no fence
uint64_t vm_memory_hgatp(const struct vm_memory *memory);

// The number of VMIDs is the machine's; with too few of them, VMs share 0 and are flushed when they change.
void vmid_init(void);
bool vmid_shared(unsigned vmid);

#endif
