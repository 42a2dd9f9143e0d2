// SPDX-License-Identifier: Apache-2.0
// The SBI's table of extensions, and its dispatch. Calling convention: SBI 2.0, chapter 3.
#include "guest/riscv/sbi/internal.h"

#include "lib/mem.h"

#define EXTENSION_STA 0x535441

static const struct sbi_extension extensions[] = {
    {0x00, 0x08, sbi_legacy},
    {0x52464e43, 0x52464e43, sbi_rfence},
    {0x48534d, 0x48534d, sbi_hsm},
    {0x53525354, 0x53525354, sbi_srst},
    {0x4442434e, 0x4442434e, sbi_dbcn},
    {0x53555350, 0x53555350, sbi_susp},
    {0x504d55, 0x504d55, sbi_pmu},
    {EXTENSION_STA, EXTENSION_STA, sbi_sta},
    {HULL_CALL_EXTENSION, HULL_CALL_EXTENSION, sbi_vendor},
};

static const struct sbi_extension *find_extension(uint64_t eid)
{
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(extensions); i++)
        if (eid >= extensions[i].first && eid <= extensions[i].last)
            return &extensions[i];
    return NULL;
}

// Some are only there where somebody below provides what they tell or do.
bool sbi_extension_present(const struct vm *vm, uint64_t eid)
{
    if (eid == HULL_CALL_EXTENSION)
        return sbi_vendor_present(vm, eid);
    if (eid == SBI_EXT_BASE || eid == SBI_EXT_TIME || eid == SBI_EXT_IPI)
        return true;
    return find_extension(eid) && (eid != EXTENSION_STA || sbi_sta_present(vm));
}

void riscv_sbi_call(struct riscv_sbi *sbi, struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct sbi_ret ret = sbi_error(SBI_ERR_NOT_SUPPORTED);
    const struct sbi_extension *extension;
    struct sbi_call call = {
        .sbi = sbi,
        .vm = vcpu->vm,
        .vcpu = vcpu,
        .hart = &sbi->harts[vcpu->index],
        .exit = exit,
        .args = exit->sbi.args,
        .eid = exit->sbi.args[7],
        .fid = exit->sbi.args[6],
    };

    exit->sbi.skip_ret = false;
    if (riscv_sbi_quick(vcpu, exit->sbi.args)) {
        memcpy(exit->sbi.ret, exit->sbi.args, sizeof(exit->sbi.ret));
        return;
    }
    extension = find_extension(call.eid);
    if (extension)
        ret = extension->call(&call);
    exit->sbi.ret[0] = (uint64_t)ret.error;
    exit->sbi.ret[1] = ret.value;
}

bool sbi_harts_from_mask(const struct vm *vm, uint64_t mask, uint64_t base, struct sbi_harts *harts)
{
    unsigned count = vm->vcpu_count;
    uint64_t all = count == 64 ? UINT64_MAX : (1ull << count) - 1;

    harts->bits = 0;
    if (base == UINT64_MAX) { // every hart, whatever the mask
        harts->bits = all;
        return true;
    }
    if (!mask)
        return true;
    if (base >= count || (mask << base) >> base != mask || (mask << base) & ~all)
        return false;
    harts->bits = mask << base;
    return true;
}

int riscv_sbi_create(struct riscv_board *board)
{
    const struct hull_env *env = &board->vm->env;
    struct riscv_sbi *sbi = hull_alloc(env, sizeof(*sbi));

    if (!sbi)
        return -HULL_ENOMEM;
    sbi->board = board;
    env->ops->lock_init(env->ctx, &sbi->lock);
    riscv_sbi_reset(sbi);
    board->sbi = sbi;
    return 0;
}

void riscv_sbi_destroy(struct riscv_board *board)
{
    const struct hull_env *env = &board->vm->env;

    env->ops->lock_destroy(env->ctx, &board->sbi->lock);
    hull_free(env, board->sbi, sizeof(*board->sbi));
    board->sbi = NULL;
}

void riscv_sbi_reset(struct riscv_sbi *sbi)
{
    for (unsigned i = 0; i < HULL_CPUS_MAX; i++) {
        struct sbi_hart *hart = &sbi->harts[i];

        memset(hart->pmu.fw, 0, sizeof(hart->pmu.fw));
        hart->pmu.hw_configured = 0;
        hart->resumes_anew = false;
        hart->sta_shmem = 0;
        atomic_store(&hart->status, i ? SBI_HART_STOPPED : SBI_HART_STARTED);
    }
}
