#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# engines: interp
# Linux's KVM inside the guest, with a VMM of ours that is as small as can be.
. "$(dirname "$0")/kvm.bash"
kvm_module
guest_program "$here/tests/e2e/kvm_vmm.c"

guest log <<'GUEST'
insmod /kvm.ko
dmesg | grep -q 'kvm .*hypervisor extension available' && echo "ok kvm.ko finds the hypervisor extension"
/kvm_vmm && echo "ok once more after the first virtual machine" && /kvm_vmm >/dev/null
rmmod kvm && echo "ok kvm.ko goes"
GUEST
equal 'exit code' 0 $?
relay 'a virtual machine inside' log 10
finish
