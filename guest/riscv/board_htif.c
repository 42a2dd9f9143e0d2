// SPDX-License-Identifier: Apache-2.0
// HTIF, the host-target interface of Berkeley's tools: programs report their verdict, print and make
// proxied system calls by stores to the symbol `tohost`. Device 0 command 0 is the program's end
// (odd payload) or a system call (a pointer); device 1 is the console.
#include "guest/riscv/board.h"

#include "core/dev/devices.h"
#include "lib/bytes.h"

#define HTIF_DEV_SYSCALL 0
#define HTIF_DEV_CONSOLE 1
#define HTIF_CONSOLE_READ 0
#define HTIF_CONSOLE_WRITE 1
#define HTIF_PAYLOAD ((1ull << 48) - 1)
#define SYS_WRITE 64
#define SYS_EXIT 93
#define SYS_EXIT_GROUP 94
#define ENOSYS_LINUX 38
#define EFAULT_LINUX 14
#define WRITE_MAX (64u << 10) // per call: a program may write less than it was asked to
#define WRITE_CHUNK 256u

static struct guest_memory *board_memory(struct riscv_board *board)
{
    return &board->vm->memory;
}

// Not by hull_memory_write(): that would call the watch again.
static void store64(struct riscv_board *board, gpa_t gpa, uint64_t value)
{
    void *host = hull_memory_ptr(board_memory(board), gpa, 8);

    if (host)
        hull_store_le64(host, value);
}

static void htif_exit(struct riscv_board *board, uint64_t code)
{
    board->htif_done = true;
    if (!code)
        hull_vm_request(board->vm, VM_REQUEST_POWEROFF, 0);
    else
        hull_vm_request(board->vm, VM_REQUEST_FAIL, code > INT32_MAX ? INT32_MAX : (int)code);
}

// write(fd, buffer, length) to the console, whatever the descriptor; the bytes written or -errno.
static uint64_t htif_write(struct riscv_board *board, gpa_t buffer, uint64_t length)
{
    uint8_t chunk[WRITE_CHUNK];
    uint64_t done = 0;

    if (length > WRITE_MAX)
        length = WRITE_MAX;
    while (done < length) {
        uint64_t part = length - done < WRITE_CHUNK ? length - done : WRITE_CHUNK;

        if (hull_memory_read(board_memory(board), buffer + done, chunk, part))
            return done ? done : -(uint64_t)EFAULT_LINUX;
        riscv_console_write(board, chunk, part);
        done += part;
    }
    return length;
}

// `block` holds the call's number and three arguments, and takes its result.
static void htif_syscall(struct riscv_board *board, gpa_t block)
{
    uint8_t words[4 * 8];
    uint64_t result = -(uint64_t)ENOSYS_LINUX;

    if (!hull_memory_read(board_memory(board), block, words, sizeof(words))) {
        switch (hull_load_le64(words)) {
        case SYS_WRITE:
            result = htif_write(board, hull_load_le64(words + 16), hull_load_le64(words + 24));
            break;
        case SYS_EXIT:
        case SYS_EXIT_GROUP: htif_exit(board, (uint32_t)hull_load_le64(words + 8)); return;
        }
        store64(board, block, result);
    }
    if (board->fromhost)
        store64(board, board->fromhost, 1);
}

// Writes get no answer; a read gets one only when there is a character already.
static void htif_console(struct riscv_board *board, unsigned command, uint64_t payload)
{
    uint8_t byte = (uint8_t)payload;

    if (command == HTIF_CONSOLE_WRITE)
        riscv_console_write(board, &byte, 1);
    else if (command == HTIF_CONSOLE_READ && board->fromhost &&
             hull_uart_console_read(board->uart, &byte, 1))
        store64(board, board->fromhost, (uint64_t)HTIF_DEV_CONSOLE << 56 | 0x100u | byte);
}

static void htif_command(struct riscv_board *board, uint64_t value)
{
    unsigned device = value >> 56, command = value >> 48 & 0xff;
    uint64_t payload = value & HTIF_PAYLOAD;

    if (device == HTIF_DEV_CONSOLE)
        htif_console(board, command, payload);
    else if (device != HTIF_DEV_SYSCALL || command)
        return; // no such device: ignored, as the hosts of this interface do
    else if (payload & 1)
        htif_exit(board, payload >> 1);
    else
        htif_syscall(board, payload);
}

static void htif_written(void *ctx, gpa_t gpa)
{
    struct riscv_board *board = ctx;
    uint64_t value;

    (void)gpa;
    hull_lock(&board->vm->env, &board->htif_lock);
    void *tohost = hull_memory_ptr(board_memory(board), board->tohost, 8);
    value = tohost ? hull_load_le64(tohost) : 0;
    if (value && !board->htif_done) {
        store64(board, board->tohost, 0);
        htif_command(board, value);
    }
    hull_unlock(&board->vm->env, &board->htif_lock);
}

void riscv_htif_reset(struct riscv_board *board)
{
    struct mem_watch *watch = &board_memory(board)->watch;

    board->htif_done = false;
    *watch = (struct mem_watch){0};
    if (board->tohost && hull_memory_ptr(board_memory(board), board->tohost, 8))
        *watch = (struct mem_watch){
            .base = board->tohost,
            .size = 8,
            .written = htif_written,
            .ctx = board,
        };
}
