#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# engines: interp
# Linux's KVM inside the guest, with a VMM of ours that is as small as can be; on a board with AIA KVM finds
# guest interrupt files.
. "$(dirname "$0")/kvm.bash"
kvm_module
guest_program "$here/tests/e2e/kvm_vmm.c"

machine() { # INTERRUPTS PATTERN-OF-DMESG
    guest "$1" --interrupts "$1" --guest-files 5 <<GUEST
insmod /kvm.ko
dmesg | grep -q 'kvm .*$2' && echo "ok kvm.ko finds what there is"
/kvm_vmm && echo "ok once more after the first virtual machine" && /kvm_vmm >/dev/null
rmmod kvm && echo "ok kvm.ko goes"
GUEST
    equal "$1: exit code" 0 $?
    relay "$1: a virtual machine inside" "$1" 10
}
machine plic 'hypervisor extension available'
machine aia 'AIA available with 5 guest external interrupts'
finish
