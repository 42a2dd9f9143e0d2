// SPDX-License-Identifier: Apache-2.0
// A small VMM on Linux's KVM for the guest that counts costs: one binary at 0x80200000, CPUs that KVM's own
// SBI starts, a console by SBI's DBCN, devices that read as zero. What KVM does not do in the kernel, as the
// PLIC here, comes to this program.
// Usage: vmm GUEST.bin PROCESSOR...: a vCPU for each of the host's processors that are named, on that one
#define _GNU_SOURCE // sched_setaffinity()
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM 0x80000000ul
#define RAM_SIZE 0x14000000ul
#define KERNEL_OFFSET 0x200000ul
#define CPUS_MAX 4
#define EXT_DBCN 0x4442434e
// Linux 6.6 and later: SBI extensions that KVM leaves to us are asked for one by one.
#define REG_SBI_DBCN (KVM_REG_RISCV | KVM_REG_SIZE_U64 | 0x08ull << 24 | 9)

static uint8_t *ram;
static int vcpus[CPUS_MAX], processors[CPUS_MAX];

static int ask(int fd, unsigned long what, void *argument, const char *name)
{
    int rc = ioctl(fd, what, argument);

    if (rc < 0 && errno != EINTR) {
        perror(name);
        exit(1);
    }
    return rc;
}

static void set_register(int vcpu, uint64_t id, uint64_t value)
{
    struct kvm_one_reg reg = {.id = id, .addr = (uint64_t)&value};

    ask(vcpu, KVM_SET_ONE_REG, &reg, "KVM_SET_ONE_REG");
}

static void set_core(int vcpu, size_t offset, uint64_t value)
{
    set_register(vcpu,
                 KVM_REG_RISCV | KVM_REG_SIZE_U64 | KVM_REG_RISCV_CORE | offset / sizeof(uint64_t),
                 value);
}

static void sbi_call(struct kvm_run *run)
{
    uint64_t length = run->riscv_sbi.args[0], offset = run->riscv_sbi.args[1] - RAM;

    if (run->riscv_sbi.extension_id != EXT_DBCN || run->riscv_sbi.function_id != 0 ||
        offset > RAM_SIZE || length > RAM_SIZE - offset) {
        run->riscv_sbi.ret[0] = (unsigned long)-2;
        return;
    }
    fwrite(ram + offset, 1, length, stdout);
    fflush(stdout);
    run->riscv_sbi.ret[0] = 0;
    run->riscv_sbi.ret[1] = length;
}

static void *vcpu_run(void *argument)
{
    size_t id = (int *)argument - vcpus;
    int vcpu = vcpus[id];
    struct kvm_run *run = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    cpu_set_t where;

    CPU_ZERO(&where);
    CPU_SET(processors[id], &where);
    if (sched_setaffinity(0, sizeof(where), &where)) {
        perror("sched_setaffinity");
        exit(1);
    }
    for (;;) {
        ask(vcpu, KVM_RUN, NULL, "KVM_RUN");
        switch (run->exit_reason) {
        case KVM_EXIT_MMIO: memset(run->mmio.data, 0, sizeof(run->mmio.data)); break;
        case KVM_EXIT_RISCV_SBI: sbi_call(run); break;
        case KVM_EXIT_SYSTEM_EVENT: exit(0);
        case KVM_EXIT_INTR: break;
        default: fprintf(stderr, "exit %u\n", run->exit_reason); exit(1);
        }
    }
}

static void load(const char *name)
{
    int fd = open(name, O_RDONLY);

    // All there from the start: the guest's first touch of a page only has to map it.
    ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
               -1, 0);
    if (fd < 0 || ram == MAP_FAILED ||
        read(fd, ram + KERNEL_OFFSET, RAM_SIZE - KERNEL_OFFSET) <= 0) {
        perror(name);
        exit(1);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    int cpus = argc - 2, kvm = open("/dev/kvm", O_RDWR), vm;
    struct kvm_userspace_memory_region slot = {.guest_phys_addr = RAM, .memory_size = RAM_SIZE};
    pthread_t thread;

    if (kvm < 0 || cpus < 1 || cpus > CPUS_MAX) {
        fprintf(stderr, "usage: vmm GUEST.bin PROCESSOR..., and there must be a /dev/kvm\n");
        return 1;
    }
    load(argv[1]);
    slot.userspace_addr = (uint64_t)ram;
    vm = ask(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
    ask(vm, KVM_SET_USER_MEMORY_REGION, &slot, "KVM_SET_USER_MEMORY_REGION");
    for (int i = 0; i < cpus; i++) {
        processors[i] = atoi(argv[2 + i]);
        vcpus[i] = ask(vm, KVM_CREATE_VCPU, (void *)(intptr_t)i, "KVM_CREATE_VCPU");
        set_register(vcpus[i], REG_SBI_DBCN, 1);
    }
    set_core(vcpus[0], offsetof(struct kvm_riscv_core, regs.pc), RAM + KERNEL_OFFSET);
    set_core(vcpus[0], offsetof(struct kvm_riscv_core, mode), KVM_RISCV_MODE_S);
    set_core(vcpus[0], offsetof(struct kvm_riscv_core, regs.a0), 0);
    for (int i = 1; i < cpus; i++)
        pthread_create(&thread, NULL, vcpu_run, &vcpus[i]);
    vcpu_run(&vcpus[0]);
}
