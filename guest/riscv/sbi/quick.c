// SPDX-License-Identifier: Apache-2.0
// The extensions Base, Timer and IPI (SBI 2.0, chapters 4, 6 and 7), and the way that is open to them alone: they do no
// more than look at their arguments, so an engine may answer such a call where it meets it.
#include "guest/riscv/sbi/internal.h"

enum base_function {
    BASE_GET_SPEC_VERSION,
    BASE_GET_IMPL_ID,
    BASE_GET_IMPL_VERSION,
    BASE_PROBE_EXTENSION,
    BASE_GET_MVENDORID,
    BASE_GET_MARCHID,
    BASE_GET_MIMPID,
};

static inline struct sbi_ret base(const struct vm *vm, uint64_t function, uint64_t arg)
{
    switch (function) {
    case BASE_GET_SPEC_VERSION: return sbi_ok(SBI_SPEC_VERSION);
    case BASE_GET_IMPL_ID: return sbi_ok(SBI_IMPL_ID);
    case BASE_GET_IMPL_VERSION: return sbi_ok(SBI_IMPL_VERSION);
    case BASE_PROBE_EXTENSION: return sbi_ok(sbi_extension_present(vm, arg));
    case BASE_GET_MVENDORID: // as the CSRs read: 0, not implemented
    case BASE_GET_MARCHID:
    case BASE_GET_MIMPID: return sbi_ok(0);
    default: return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}

static inline void set_timer(struct riscv_sbi *sbi, struct vcpu *vcpu, uint64_t ticks)
{
    sbi_count(&sbi->harts[vcpu->index], SBI_FW_SET_TIMER);
    vcpu->vm->engine->set_timer(vcpu, ticks);
}

static inline void send_ipi(struct riscv_sbi *sbi, struct vcpu *vcpu, struct sbi_harts harts)
{
    sbi_count(&sbi->harts[vcpu->index], SBI_FW_IPI_SENT);
    for (unsigned i = 0; harts.bits; i++, harts.bits >>= 1) {
        if (!(harts.bits & 1))
            continue;
        sbi_count(&sbi->harts[i], SBI_FW_IPI_RECEIVED);
        vcpu->vm->engine->raise_ssip(&vcpu->vm->vcpus[i]);
    }
}

static inline struct sbi_ret ipi(struct riscv_sbi *sbi, struct vcpu *vcpu, uint64_t mask,
                                 uint64_t first)
{
    struct sbi_harts harts;

    if (!sbi_harts_from_mask(vcpu->vm, mask, first, &harts))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    send_ipi(sbi, vcpu, harts);
    return sbi_ok(0);
}

bool riscv_sbi_quick(struct vcpu *vcpu, uint64_t a[8])
{
    struct riscv_board *board = vcpu->vm->board;
    uint64_t function = a[6];
    struct sbi_ret ret = sbi_error(SBI_ERR_NOT_SUPPORTED);

    switch (a[7]) {
    case SBI_EXT_BASE: ret = base(vcpu->vm, function, a[0]); break;
    case SBI_EXT_TIME:
        if (!function) {
            set_timer(board->sbi, vcpu, a[0]);
            ret = sbi_ok(0);
        }
        break;
    case SBI_EXT_IPI:
        if (!function)
            ret = ipi(board->sbi, vcpu, a[0], a[1]);
        break;
    default: return false;
    }
    a[0] = (uint64_t)ret.error;
    a[1] = ret.value;
    return true;
}

void sbi_set_timer(const struct sbi_call *call, uint64_t ticks)
{
    set_timer(call->sbi, call->vcpu, ticks);
}

void sbi_send_ipi(const struct sbi_call *call, struct sbi_harts harts)
{
    send_ipi(call->sbi, call->vcpu, harts);
}
