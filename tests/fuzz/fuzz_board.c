// SPDX-License-Identifier: Apache-2.0
// Every register of the board's devices other than virtio, over the bus, with input, output and time
// passing in between. Input: a stream of operations, see run_operation().
#include "core/dev/devices.h"
#include "tests/fuzz/input.h"
#include "tests/unit/fake_vm.h"

#define VCPUS 3
#define UART 0x10000000ull

static const struct {
    gpa_t base;
    uint64_t size;
    uint64_t interesting[8]; // registers that plain offsets would seldom hit
} places[] = {
    {0x00100000, 0x1000, {0}},
    {0x00101000, 0x1000, {0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c}},
    {0x02000000, 0x10000, {0, 4, 8, 0x4000, 0x4004, 0x4008, 0xbff8, 0xbffc}},
    {0x0c000000, 0x600000, {4, 0x1000, 0x2000, 0x2080, 0x200000, 0x200004, 0x201000, 0x201004}},
    {UART, 0x100, {0, 1, 2, 3, 4, 5, 6, 7}},
    {0x14000000, 0x8000, {0, 4, 0x28, 0x1c00, 0x1cdc, 0x1edc, 0x3000, 0x3028}}, // APLIC, M
    {0x0d000000, 0x8000, {0, 4, 0x28, 0x1c00, 0x1cdc, 0x1edc, 0x3000, 0x3028}}, // and S
    {0x15000000, 0x8000, {0, 4, 0x28, 0x1cdc, 0x3028, 0x4000, 0x4008, 0x401c}}, // one with wires
    {0x28000000, VCPUS * 0x4000, {0, 4, 0x1000, 0x3000, 0x4000, 0x5000, 0x8000, 0xb000}},
    {0x24000000, VCPUS * 0x1000, {0, 4, 0x1000, 0x1004, 0x2000, 0x2004, 0xffc, 0x2ffc}},
};

struct board {
    struct fake_vm fvm;
    struct device *plic, *uart, *aplic, *wired;
    size_t room; // bytes that the UART's backend takes
};

static size_t uart_write(void *ctx, const void *buf, size_t len)
{
    struct board *b = ctx;
    size_t n = len < b->room ? len : b->room;

    fuzz_touch(buf, n);
    b->room -= n;
    return n;
}

static void uart_ready(void *ctx)
{
    (void)ctx;
}

static void add(struct board *b, struct device *dev, unsigned place)
{
    FUZZ_CHECK(dev);
    FUZZ_CHECK(!hull_bus_add(&b->fvm.vm.bus, dev, places[place].base, places[place].size));
}

static void build(struct board *b)
{
    const struct hull_env *env = &b->fvm.fake.env;
    const struct aplic_config machine = {.sources = 40, .machine = true, .msi = true};
    const struct aplic_config wired = {.sources = 1023};
    struct aplic_config supervisor = {.sources = 40, .guests = 2, .msi = true};
    struct char_backend backend = {.write = uart_write, .rx_ready = uart_ready, .ctx = b};

    fake_vm_init(&b->fvm, VCPUS);
    b->room = 100;
    b->plic = hull_plic_create(&b->fvm.vm, 96);
    add(b, b->plic, 3);
    add(b, hull_finisher_create(&b->fvm.vm), 0);
    add(b, hull_rtc_create(env, hull_plic_wire(b->plic, 11)), 1);
    add(b, hull_aclint_create(&b->fvm.vm), 2);
    b->uart = hull_uart_create(env, hull_plic_wire(b->plic, 10), backend);
    add(b, b->uart, 4);
    b->aplic = hull_aplic_create(&b->fvm.vm, &machine);
    add(b, b->aplic, 5);
    supervisor.parent = b->aplic;
    add(b, hull_aplic_create(&b->fvm.vm, &supervisor), 6);
    b->wired = hull_aplic_create(&b->fvm.vm, &wired);
    add(b, b->wired, 7);
    add(b, hull_imsic_create(&b->fvm.vm, 2), 8);
    add(b, hull_imsic_machine_create(&b->fvm.vm), 9);
}

static void access_register(struct board *b, struct input *in, bool write)
{
    uint8_t what = input_byte(in);
    unsigned place = what % HULL_ARRAY_SIZE(places);
    unsigned size = 1u << (what >> 6);
    uint8_t which = input_byte(in);
    uint64_t offset = which < 0xc0 ? places[place].interesting[which % 8] : input_number(in, 3);
    uint64_t value = 0;
    gpa_t gpa = places[place].base + offset % places[place].size;
    int error;

    if (write)
        error = hull_bus_write(&b->fvm.vm.bus, gpa, size, input_number(in, which & 8 ? 8 : 2));
    else
        error = hull_bus_read(&b->fvm.vm.bus, gpa, size, &value);
    FUZZ_CHECK(error == 0 || error == -HULL_EFAULT);
    FUZZ_CHECK(size == 8 || value >> 8 * size == 0 || place == 4);
}

static void run_operation(struct board *b, struct input *in)
{
    uint8_t buf[64] = {0};
    struct irq_wire wire;
    uint8_t op = input_byte(in), arg = input_byte(in);

    switch (op % 8) {
    case 0:
    case 1: access_register(b, in, true); break;
    case 2: access_register(b, in, false); break;
    case 3: FUZZ_CHECK(hull_uart_receive(b->uart, buf, arg % 65) <= arg % 65); break;
    case 4:
        b->room = arg;
        hull_uart_tx_ready(b->uart);
        break;
    case 5:
        wire = op & 16   ? hull_plic_wire(b->plic, arg)
               : op & 32 ? hull_aplic_wire(b->aplic, arg)
                         : hull_aplic_wire(b->wired, arg);
        hull_irq_set(&wire, op & 8);
        break;
    case 6: fake_env_advance(&b->fvm.fake, (uint64_t)arg << (op >> 3)); break;
    case 7:
        if (arg < 4)
            hull_bus_reset(&b->fvm.vm.bus);
        else if (arg < 64)
            FUZZ_CHECK(hull_uart_console_read(b->uart, buf, arg) <= arg);
        else
            FUZZ_CHECK(hull_uart_console_write(b->uart, buf, arg % 65) <= arg % 65);
        break;
    }
    FUZZ_CHECK(b->fvm.fake.locks_held == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct board board;
    struct input in = {data, size};

    build(&board);
    while (input_more(&in))
        run_operation(&board, &in);
    fake_vm_fini(&board.fvm);
    return 0;
}
