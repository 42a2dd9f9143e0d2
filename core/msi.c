// SPDX-License-Identifier: Apache-2.0
// Sending MSIs to harts. The identity's bit is there before the file's: the hart that takes the file's
// bit, or finds it taken, has the identity's as well.
#include <hull/msi.h>

#include <hull/vm.h>

void hull_msi_post(struct vcpu *vcpu, unsigned file, uint32_t identity)
{
    struct msi_inbox *inbox = vcpu->msis;

    atomic_fetch_or(&inbox->arrived[file][identity / 64], 1ull << identity % 64);
    atomic_fetch_or(&inbox->files, (uint32_t)1 << file);
    hull_vcpu_kick(vcpu, VCPU_ATTN_IRQ);
}

void hull_msi_send(struct vcpu *vcpu, unsigned file, uint32_t identity)
{
    const struct engine_ops *engine = vcpu->vm->engine;

    if (!vcpu->msis || (file > vcpu->msis->guests && file != HULL_MSI_FILE_M) || !identity ||
        identity > HULL_MSI_IDENTITIES)
        return;
    if (engine->send_msi)
        engine->send_msi(vcpu, file, identity);
    else
        hull_msi_post(vcpu, file, identity);
}
