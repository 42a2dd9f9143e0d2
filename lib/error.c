// SPDX-License-Identifier: Apache-2.0
// The text of each error code.
#include <hull/error.h>

const char *hull_strerror(int error)
{
    switch (error < 0 ? -(unsigned)error : (unsigned)error) {
    case 0: return "success";
    case HULL_EINVAL: return "invalid argument";
    case HULL_ENOMEM: return "out of memory";
    case HULL_ENOSPC: return "no space left";
    case HULL_ERANGE: return "out of range";
    case HULL_EOVERFLOW: return "value too large";
    case HULL_EFAULT: return "address not backed by guest memory";
    case HULL_EBUSY: return "busy";
    case HULL_EIO: return "input/output error";
    case HULL_ENOTSUP: return "not supported";
    case HULL_ENOENT: return "not found";
    case HULL_EEXIST: return "already exists";
    case HULL_EPERM: return "not permitted";
    case HULL_ETIMEDOUT: return "timed out";
    case HULL_EFORMAT: return "malformed input";
    case HULL_EVERSION: return "unsupported version";
    case HULL_ECANCELED: return "canceled";
    default: return "unknown error";
    }
}
