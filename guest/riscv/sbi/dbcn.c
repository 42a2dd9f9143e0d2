// SPDX-License-Identifier: Apache-2.0
// The Debug Console extension (SBI 2.0, chapter 12): the board's UART behind its registers. Calls
// don't block: they may take or give less than was asked for, and say how much.
#include "guest/riscv/sbi/internal.h"

#include "core/dev/devices.h"

enum dbcn_function { DBCN_WRITE, DBCN_READ, DBCN_WRITE_BYTE };

#define CHUNK 256u
#define CALL_MAX (64u << 10) // so that one call never takes long

// Guest memory is copied before it is passed on: it may change under our eyes.
static struct sbi_ret console_write(const struct sbi_call *call, gpa_t gpa, uint64_t length)
{
    uint8_t chunk[CHUNK];
    uint64_t done = 0;

    while (done < length) {
        size_t part = length - done < CHUNK ? length - done : CHUNK, taken;

        if (hull_memory_read(&call->vm->memory, gpa + done, chunk, part))
            return sbi_error(SBI_ERR_INVALID_PARAM);
        taken = hull_uart_console_write(call->sbi->board->uart, chunk, part);
        done += taken;
        if (taken < part)
            break;
    }
    return sbi_ok(done);
}

static struct sbi_ret console_read(const struct sbi_call *call, gpa_t gpa, uint64_t length)
{
    uint8_t chunk[CHUNK];
    uint64_t done = 0;

    while (done < length) {
        size_t part = length - done < CHUNK ? length - done : CHUNK, got;

        got = hull_uart_console_read(call->sbi->board->uart, chunk, part);
        if (hull_memory_write(&call->vm->memory, gpa + done, chunk, got))
            return sbi_error(SBI_ERR_INVALID_PARAM);
        done += got;
        if (got < part)
            break;
    }
    return sbi_ok(done);
}

static struct sbi_ret transfer(const struct sbi_call *call, gpa_t gpa, uint64_t length)
{
    if (length && !hull_memory_ptr(&call->vm->memory, gpa, length))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (length > CALL_MAX)
        length = CALL_MAX;
    return call->fid == DBCN_WRITE ? console_write(call, gpa, length)
                                   : console_read(call, gpa, length);
}

struct sbi_ret sbi_dbcn(const struct sbi_call *call)
{
    uint8_t byte = (uint8_t)call->args[0];

    switch (call->fid) {
    case DBCN_WRITE:
    case DBCN_READ:
        if (call->args[2]) // the address's upper half: nothing lies past 2^64
            return sbi_error(SBI_ERR_INVALID_PARAM);
        return transfer(call, call->args[1], call->args[0]);
    case DBCN_WRITE_BYTE:
        if (!riscv_console_write(call->sbi->board, &byte, 1))
            return sbi_error(SBI_ERR_FAILED);
        return sbi_ok(0);
    default: return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}
