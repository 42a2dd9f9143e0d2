// SPDX-License-Identifier: Apache-2.0
// A VM without an engine, for tests of devices: its vCPUs only have interrupt lines.
#ifndef TESTS_UNIT_FAKE_VM_H
#define TESTS_UNIT_FAKE_VM_H

#include <hull/vm.h>

#include "tests/unit/fake_env.h"

struct fake_vm {
    struct fake_env fake;
    struct vm vm;
    unsigned requests;
    enum vm_request last_request;
    int last_code;
};

void fake_vm_init(struct fake_vm *f, unsigned vcpus);
void fake_vm_fini(struct fake_vm *f); // also checks that all memory and timers came back
bool fake_vm_line(const struct fake_vm *f, unsigned vcpu, unsigned line);

#endif
