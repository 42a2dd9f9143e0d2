// SPDX-License-Identifier: Apache-2.0
// A thread for each vCPU.
#include <limits.h>
#include <pthread.h>
#include <stdio.h>

#include "host/run/hosted_vm.h"

// Handlers call each other by jumps, and guests can't make us recurse: this is ample. Only what is
// touched costs memory.
// Translated code uses the host's stack for calls of the guest, up to 16 bytes for each of 20000.
#define VCPU_STACK_SIZE (1u << 20)

static void *vcpu_thread(void *arg)
{
    struct vcpu *vcpu = arg;
    void *altstack = hull_terminal_altstack();

    riscv_vcpu_loop(vcpu);
    hull_terminal_altstack_free(altstack);
    return NULL;
}

static int vcpu_start(struct hosted_vm *h, unsigned index, const pthread_attr_t *attr)
{
    struct host_vcpu *host = &h->vcpus[index];
    char name[16];

    if (pthread_create(&host->thread, attr, vcpu_thread, &h->vm.vcpus[index]) != 0)
        return -HULL_ENOMEM;
    host->started = true;
    snprintf(name, sizeof(name), "hull-cpu%u", index);
    pthread_setname_np(host->thread, name);
    return 0;
}

int hull_hosted_vcpus_start(struct hosted_vm *h)
{
    pthread_attr_t attr;
    sigset_t mask, before;
    int err = 0;

    // The main thread takes the signals; only what a thread does to itself arrives there.
    sigfillset(&mask);
    sigdelset(&mask, SIGSEGV);
    sigdelset(&mask, SIGBUS);
    sigdelset(&mask, SIGILL);
    sigdelset(&mask, SIGFPE);
    sigdelset(&mask, SIGABRT);
    sigdelset(&mask, SIGTRAP);
    sigdelset(&mask, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &mask, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, VCPU_STACK_SIZE);
    for (unsigned i = 0; i < h->vm.vcpu_count && !err; i++)
        err = vcpu_start(h, i, &attr);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err)
        fprintf(stderr, "hull: can't start a thread for each of %u CPUs\n", h->vm.vcpu_count);
    return err;
}

void hull_hosted_vcpus_join(struct hosted_vm *h)
{
    for (unsigned i = 0; i < h->vm.vcpu_count; i++)
        if (h->vcpus[i].started)
            pthread_join(h->vcpus[i].thread, NULL);
}
