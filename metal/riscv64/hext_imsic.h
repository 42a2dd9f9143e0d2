// SPDX-License-Identifier: Apache-2.0
// A vCPU's interrupt file: one of its hart's guest interrupt files, onto whose page the guest's own is mapped, so that
// neither sender nor receiver leaves the guest; or, when the hart has no more of them, one in memory.
#ifndef METAL_RISCV64_HEXT_IMSIC_H
#define METAL_RISCV64_HEXT_IMSIC_H

#include <hull/engine.h>

#include "guest/riscv/hart.h"
#include "metal/common/hart.h"

struct hext;

// Where it is changes on the vCPU's own thread alone, or while that is parked; senders look with the lock.
struct hext_file {
    struct spin lock; // a leaf: of the fields below, and between senders and whoever moves the file
    struct host_hart *hart; // whose guest file it is; NULL: `soft` is the file
    unsigned number;        // 1 to the hart's guest_files
    struct imsic_file soft; // its contents, as far as they are not in the hart's
    bool armed;             // the hart tells of its interrupts, as its vCPU sleeps
    _Atomic bool told;      // of one that is still there, since somebody looked last
};

// Each hart, once: how many guest files it has.
void hext_imsic_hart_init(void);

// On the vCPU's thread, before it enters the guest or looks for interrupts: its file comes along. May wait for another
// hart, and go on on yet another one.
void hext_imsic_bring(struct hext *x);
// Back into memory, from wherever it is. The vCPU is parked, or this is its thread. May wait.
void hext_imsic_release(struct hext *x);
// Its contents, wherever it is; set: messages that are there stay. As above.
void hext_imsic_get(struct hext *x, struct imsic_file *contents);
void hext_imsic_set(struct hext *x, const struct imsic_file *contents);
// Where a message of the host's APLIC finds it: sets hart and guest file, if it is in one.
void hext_imsic_lead(const struct vcpu *vcpu, struct irqchip_lead *lead);
void hext_imsic_sleep(struct hext *x); // an interrupt must wake it
void hext_imsic_awake(struct hext *x);
bool hext_imsic_pending(struct hext *x); // it interrupts; if it is a hart's, then this one's
// The hart's answer to stopi while the file is in memory; true: it interrupts.
bool hext_imsic_update(struct hext *x);
void hext_send_msi(struct vcpu *vcpu, unsigned file, uint32_t identity);

// A virtual instruction that reads or writes stopei or sireg: done, or the guest is told that it is illegal. False: it
// is something else.
bool hext_imsic_instruction(struct hext *x, uint32_t raw);

// An interrupt of this hart's guest files: wakes whose they are.
void hext_imsic_interrupt(void);

#endif
