// SPDX-License-Identifier: Apache-2.0
// Message-signaled interrupts to a hart: who sends them (an APLIC, a store to an IMSIC's page) knows
// nothing of how the hart's interrupt files are made. Specification: RISC-V AIA 1.0, "Incoming MSI
// Controller".
#ifndef HULL_MSI_H
#define HULL_MSI_H

#include <stdatomic.h>

#include <hull/types.h>

struct vcpu;

#define HULL_MSI_IDENTITIES 255 // of every interrupt file: 1 to this
#define HULL_MSI_WORDS 4        // of 64 bits, identity 0 included
#define HULL_MSI_GUESTS_MAX 7   // guest interrupt files of a hart

// The interrupt files of a hart, by number: the supervisor's, guest files 1 to HULL_MSI_GUESTS_MAX,
// and the machine's.
#define HULL_MSI_FILE_S 0
#define HULL_MSI_FILE_M (HULL_MSI_GUESTS_MAX + 1)
#define HULL_MSI_FILES (HULL_MSI_FILE_M + 1)

// MSIs that have been sent to a hart and that it has not taken into its interrupt files yet. The hart
// takes `files` first, then the bits of those.
struct msi_inbox {
    unsigned guests;        // guest interrupt files that there are
    _Atomic uint32_t files; // bit per file: something is in it
    _Atomic uint64_t arrived[HULL_MSI_FILES][HULL_MSI_WORDS]; // bit per identity
};

// Sends an MSI: the engine's own way (engine_ops.send_msi), or by hull_msi_post(). From any thread, also
// with a device's lock held. Identities and files that there are not are ignored, as by an IMSIC.
void hull_msi_send(struct vcpu *vcpu, unsigned file, uint32_t identity);

// Into vcpu->msis, and has the hart look. For engines whose send_msi can't deliver at the moment.
void hull_msi_post(struct vcpu *vcpu, unsigned file, uint32_t identity);

#endif
