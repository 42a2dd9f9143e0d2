// SPDX-License-Identifier: Apache-2.0
// The Base extension (SBI 2.0, chapter 4).
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

struct sbi_ret sbi_base(const struct sbi_call *call)
{
    switch (call->fid) {
    case BASE_GET_SPEC_VERSION: return sbi_ok(SBI_SPEC_VERSION);
    case BASE_GET_IMPL_ID: return sbi_ok(SBI_IMPL_ID);
    case BASE_GET_IMPL_VERSION: return sbi_ok(SBI_IMPL_VERSION);
    case BASE_PROBE_EXTENSION: return sbi_ok(sbi_extension_present(call->vm, call->args[0]));
    case BASE_GET_MVENDORID: // as the CSRs read: 0, not implemented
    case BASE_GET_MARCHID:
    case BASE_GET_MIMPID: return sbi_ok(0);
    default: return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}
