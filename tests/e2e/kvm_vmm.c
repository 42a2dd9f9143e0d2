// SPDX-License-Identifier: Apache-2.0
// The smallest VMM on Linux's KVM that shows whether the hypervisor extension works: a guest of some
// instructions that computes, writes to a device that is not there, reads from one, takes a page fault
// of its own, waits for its timer, and shuts down by its SBI.
// Prints "ok NAME" or "not ok NAME" for each of these.
#include <fcntl.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define RAM 0x80000000ul
#define RAM_SIZE 0x400000ul
#define DEVICE 0x10000000ul

extern const char guest_begin[], guest_end[];

// The guest: S mode as KVM starts it, nothing translated.
__asm__(".pushsection .rodata\n"
        ".option push\n.option norvc\n.option norelax\n"
        ".balign 4\n"
        "guest_begin:\n"
        "    li s0, 0x10000000\n"
        "    li t0, 0\n"
        "    li t1, 100000\n"
        "1:  add t0, t0, t1\n" // 5000050000
        "    addi t1, t1, -1\n"
        "    bnez t1, 1b\n"
        "    sd t0, 0(s0)\n"  // exit: MMIO of 8 bytes
        "    lwu t0, 8(s0)\n" // exit (lw: Linux 6.12 does not sign-extend)
        "    addi t0, t0, 1\n"
        "    sd t0, 16(s0)\n"
        // RAM that KVM has yet to map, in its second and third page
        "    auipc t2, 0x1\n"
        "    sd t0, 0(t2)\n"
        "    ld t3, 0(t2)\n"
        "    sub t3, t3, t0\n"
        "    sd t3, 24(s0)\n"
        // a trap of its own: an illegal instruction is delegated to VS mode
        "    lla t4, trapped\n"
        "    csrw stvec, t4\n"
        "    .word 0\n"
        "    .balign 4\n"
        "trapped:\n"
        "    csrr t5, scause\n"
        "    sd t5, 32(s0)\n"
        // the timer: Sstc, or the SBI's
        "    csrr a0, time\n"
        "    li t0, 50000\n"
        "    add a0, a0, t0\n"
        "    li a7, 0x54494d45\n"
        "    li a6, 0\n"
        "    ecall\n"
        "    li t0, 32\n"
        "    csrw sie, t0\n"
        "    wfi\n"
        "    csrr t0, sip\n"
        "    sd t0, 40(s0)\n"
        // the SBI's shutdown
        "    li a7, 0x53525354\n"
        "    li a6, 0\n"
        "    li a0, 0\n"
        "    li a1, 0\n"
        "    ecall\n"
        "2:  j 2b\n"
        "guest_end:\n"
        ".option pop\n.popsection\n");

static int failed;

static void report(const char *name, uint64_t got, uint64_t want)
{
    printf("%sok %s\n", got == want ? "" : "not ", name);
    if (got != want) {
        printf("# %s: 0x%lx, not 0x%lx\n", name, (unsigned long)got, (unsigned long)want);
        failed = 1;
    }
}

static int ask(int fd, unsigned long what, void *argument, const char *name)
{
    int rc = ioctl(fd, what, argument);

    if (rc < 0) {
        perror(name);
        exit(1);
    }
    return rc;
}

static void set_register(int vcpu, size_t offset, uint64_t value)
{
    struct kvm_one_reg reg = {
        .id = KVM_REG_RISCV | KVM_REG_SIZE_U64 | KVM_REG_RISCV_CORE | offset / sizeof(uint64_t),
        .addr = (uint64_t)&value,
    };

    ask(vcpu, KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

// One access of the device. Reads get 0xfffffffe.
static void device(struct kvm_run *run)
{
    uint64_t value = 0;

    if (!run->mmio.is_write) {
        value = 0xfffffffe;
        memcpy(run->mmio.data, &value, run->mmio.len);
        report("a load from a device", run->mmio.phys_addr << 8 | run->mmio.len,
               (DEVICE + 8) << 8 | 4);
        return;
    }
    memcpy(&value, run->mmio.data, run->mmio.len);
    switch (run->mmio.phys_addr - DEVICE) {
    case 0: report("a guest computes", value, 5000050000); break;
    case 16: report("what the device answered", value, 0xffffffff); break;
    case 24: report("memory of the guest", value, 0); break;
    case 32: report("a trap within the guest", value, 2); break;
    case 40: report("the timer of the guest", value & 32, 32); break;
    default: report("the address of a store", run->mmio.phys_addr, 0);
    }
}

int main(void)
{
    int kvm = open("/dev/kvm", O_RDWR), vm, vcpu, size;
    void *ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region slot = {
        .guest_phys_addr = RAM, .memory_size = RAM_SIZE, .userspace_addr = (uint64_t)ram};
    struct kvm_run *run;

    if (kvm < 0 || ram == MAP_FAILED) {
        perror("/dev/kvm");
        return 1;
    }
    memcpy(ram, guest_begin, (size_t)(guest_end - guest_begin));
    vm = ask(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
    ask(vm, KVM_SET_USER_MEMORY_REGION, &slot, "KVM_SET_USER_MEMORY_REGION");
    vcpu = ask(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
    size = ask(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    set_register(vcpu, offsetof(struct kvm_riscv_core, regs.pc), RAM);
    set_register(vcpu, offsetof(struct kvm_riscv_core, mode), KVM_RISCV_MODE_S);
    for (unsigned exits = 0; exits < 100; exits++) {
        ask(vcpu, KVM_RUN, NULL, "KVM_RUN");
        if (run->exit_reason == KVM_EXIT_MMIO) {
            device(run);
        } else {
            report("the guest's shutdown", run->exit_reason, KVM_EXIT_SYSTEM_EVENT);
            return failed;
        }
    }
    report("the guest's shutdown", 0, 1);
    return 1;
}
