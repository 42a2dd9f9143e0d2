// SPDX-License-Identifier: Apache-2.0
// The manager's thread. It comes before every guest, and mostly sleeps.
#include "metal/common/manager.h"

#include "metal/common/machine.h"
#include "metal/common/vm.h"

static void manager_body(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < machine.vm_count; i++)
        if (!machine.vms[i]->spec->metal.manual_start)
            metal_vm_ask(machine.vms[i], VM_ASK_START);
    for (;;) {
        console_pump(&machine.console);
        for (unsigned i = 0; i < machine.vm_count; i++)
            metal_vm_serve(machine.vms[i]);
        thread_wait();
    }
}

int manager_start(void)
{
    int error = thread_create(&machine.manager, "manager", manager_body, NULL);

    if (error)
        return error;
    machine.manager.priority = THREAD_PRIORITY_MANAGER;
    thread_wake(&machine.manager);
    return 0;
}

void manager_wake(void)
{
    thread_wake(&machine.manager);
}
