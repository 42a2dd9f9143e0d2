// SPDX-License-Identifier: Apache-2.0
// ns16550a: what Linux's 8250 driver, U-Boot and small kernels look at.
#include "core/dev/devices.h"
#include "tests/unit/fake_env.h"
#include "tests/unit/unit.h"

enum { RBR = 0, THR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2, LCR, MCR, LSR, MSR, SCR };

struct fixture {
    struct fake_env fake;
    struct bus bus;
    struct device *dev;
    bool irq;
    unsigned irq_rises;
    char out[16384];
    size_t out_len, room, ready_count;
};

static size_t out_write(void *ctx, const void *buf, size_t len)
{
    struct fixture *f = ctx;
    size_t n = len < f->room ? len : f->room;

    assert_true(f->out_len + n <= sizeof(f->out));
    memcpy(f->out + f->out_len, buf, n);
    f->out_len += n;
    f->room -= n;
    return n;
}

static void out_ready(void *ctx)
{
    ((struct fixture *)ctx)->ready_count++;
}

static void irq_set(void *ctx, unsigned line, bool level)
{
    struct fixture *f = ctx;

    assert_int_equal(line, 10);
    f->irq_rises += level && !f->irq;
    f->irq = level;
}

static int setup(void **state)
{
    static struct fixture f;
    struct irq_wire wire = {.set = irq_set, .ctx = &f, .line = 10};

    memset(&f, 0, sizeof(f));
    f.room = sizeof(f.out);
    fake_env_init(&f.fake);
    f.dev = hull_uart_create(&f.fake.env, wire, (struct char_backend){out_write, out_ready, &f});
    assert_non_null(f.dev);
    assert_int_equal(hull_bus_add(&f.bus, f.dev, 0x10000000, 0x100), 0);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    hull_bus_destroy(&f->bus);
    assert_int_equal(f->fake.allocated, 0);
    return 0;
}

static unsigned get(struct fixture *f, unsigned reg)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(hull_bus_read(&f->bus, 0x10000000 + reg, 1, &value), 0);
    return (unsigned)value;
}

static void set(struct fixture *f, unsigned reg, unsigned value)
{
    assert_int_equal(hull_bus_write(&f->bus, 0x10000000 + reg, 1, value), 0);
}

static void reset_values(void **state)
{
    struct fixture *f = *state;

    for (unsigned reset = 0; reset < 2; reset++) {
        assert_int_equal(get(f, IER), 0);
        assert_int_equal(get(f, IIR), 1);
        assert_int_equal(get(f, LCR), 0);
        assert_int_equal(get(f, MCR), 0);
        assert_int_equal(get(f, LSR), 0x60);
        assert_int_equal(get(f, MSR), 0xb0);
        assert_int_equal(get(f, 8), 0);
        for (unsigned reg = IER; reg <= SCR; reg++)
            set(f, reg, 0xff);
        set(f, LCR, 0);
        assert_int_equal(get(f, IER), 0x0f);
        assert_int_equal(get(f, MCR), 0x1f);
        set(f, MCR, 0x10);
        set(f, THR, 'a'); // in loopback: input, and an overrun
        set(f, THR, 'b');
        set(f, IER, 0);
        hull_bus_reset(&f->bus);
        assert_false(f->irq);
        set(f, IER, 0x04); // no line status, and ETBEI starts anew
        assert_int_equal(get(f, IIR), 1);
        set(f, IER, 0);
    }
}

static void registers_read_back(void **state)
{
    struct fixture *f = *state;

    set(f, SCR, 0xa5);
    assert_int_equal(get(f, SCR), 0xa5);
    set(f, LCR, 0x83);
    set(f, DLL, 0x12);
    set(f, DLM, 0x34);
    assert_int_equal(get(f, DLL), 0x12);
    assert_int_equal(get(f, DLM), 0x34);
    set(f, LCR, 0x03);
    assert_int_equal(get(f, LCR), 0x03);
    assert_int_equal(get(f, IER), 0);
    assert_int_equal(f->out_len, 0); // the divisor was not sent
    set(f, LSR, 0xff);
    set(f, MSR, 0xff);
    assert_int_equal(get(f, LSR), 0x60);
    assert_int_equal(get(f, MSR), 0xb0);
}

static void wide_accesses_take_one_register(void **state)
{
    struct fixture *f = *state;
    uint64_t value;

    assert_int_equal(hull_bus_write(&f->bus, 0x10000000, 4, 0x64636261), 0);
    assert_int_equal(f->out_len, 1);
    assert_int_equal(f->out[0], 'a');
    assert_int_equal(hull_bus_read(&f->bus, 0x10000005, 2, &value), 0);
    assert_int_equal(value, 0x60);
}

static void fifo_bits_show_in_iir(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(get(f, IIR), 0x01);
    set(f, FCR, 0x01);
    assert_int_equal(get(f, IIR), 0xc1);
    set(f, FCR, 0xc6); // without the enable bit the others are not programmed
    assert_int_equal(get(f, IIR), 0x01);
}

static void output_waits_for_the_backend(void **state)
{
    struct fixture *f = *state;

    f->room = 2;
    set(f, THR, 'a');
    set(f, THR, 'b');
    assert_int_equal(get(f, LSR), 0x60);
    set(f, THR, 'c');
    set(f, THR, 'd');
    assert_int_equal(get(f, LSR), 0);
    f->room = 1;
    hull_uart_tx_ready(f->dev);
    assert_int_equal(get(f, LSR), 0);
    f->room = 100;
    hull_uart_tx_ready(f->dev);
    assert_int_equal(get(f, LSR), 0x60);
    assert_memory_equal(f->out, "abcd", 4);
    assert_int_equal(f->out_len, 4);
}

static void thre_interrupts_as_linux_expects(void **state)
{
    struct fixture *f = *state;

    // serial8250_do_startup: each time ETBEI is turned on with THR empty, it must interrupt.
    for (unsigned i = 0; i < 2; i++) {
        set(f, IER, 0x02);
        assert_true(f->irq);
        assert_int_equal(get(f, IIR), 0x02);
        assert_false(f->irq); // reading IIR clears it
        assert_int_equal(get(f, IIR), 0x01);
        set(f, IER, 0);
    }
    set(f, IER, 0x02);
    get(f, IIR);
    set(f, IER, 0x02); // on already
    assert_false(f->irq);
    set(f, THR, 'a'); // empty again at once
    assert_true(f->irq);
    get(f, IIR);
    f->room = 0;
    set(f, THR, 'b'); // not empty before the backend takes it
    assert_false(f->irq);
    f->room = 1;
    hull_uart_tx_ready(f->dev);
    assert_true(f->irq);
    f->room = 0;
    set(f, THR, 'c'); // writing THR clears it too
    assert_false(f->irq);
    hull_uart_tx_ready(f->dev);
    assert_false(f->irq);
    f->room = 1;
    hull_uart_tx_ready(f->dev);
    set(f, IER, 0); // masked
    assert_false(f->irq);
    hull_uart_tx_ready(f->dev); // nothing was sent: nothing became empty
    set(f, IER, 0x02);
    get(f, IIR);
    hull_uart_tx_ready(f->dev);
    assert_false(f->irq);
}

static void whoever_empties_the_buffer_raises_thre(void **state)
{
    struct fixture *f = *state;

    set(f, IER, 0x02);
    get(f, IIR);
    f->room = 0;
    set(f, THR, 'a');
    assert_false(f->irq);
    f->room = 100;
    hull_uart_console_write(f->dev, "b", 1);
    assert_true(f->irq);
    assert_memory_equal(f->out, "ab", 2);
}

static void a_full_buffer_is_offered_again_first(void **state)
{
    struct fixture *f = *state;

    f->room = 0;
    for (unsigned i = 0; i < 4096; i++)
        set(f, THR, 'x');
    f->room = sizeof(f->out); // the backend has not said so yet
    set(f, THR, 'y');
    assert_int_equal(f->out_len, 4097);
    assert_int_equal(f->out[4096], 'y');
}

static void an_overrun_transmitter_keeps_what_fits(void **state)
{
    struct fixture *f = *state;

    f->room = 0;
    for (unsigned i = 0; i < 5000; i++)
        set(f, THR, i);
    f->room = sizeof(f->out);
    hull_uart_tx_ready(f->dev);
    assert_int_equal(f->out_len, 4096);
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal((uint8_t)f->out[i], i & 0xff);
}

// What makes a guest without interrupts a reader.
static void listen_by_polling(struct fixture *f)
{
    for (unsigned i = 0; i < 3; i++)
        get(f, LSR);
}

static void input_is_received(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(hull_uart_receive(f->dev, "abc", 3), 3);
    listen_by_polling(f);
    assert_int_equal(get(f, LSR), 0x61);
    assert_int_equal(get(f, RBR), 'a');
    assert_int_equal(get(f, RBR), 'b');
    assert_int_equal(get(f, LSR), 0x61);
    assert_int_equal(get(f, RBR), 'c');
    assert_int_equal(get(f, LSR), 0x60);
    assert_int_equal(get(f, RBR), 0);
}

static void receive_interrupts_follow_the_trigger_level(void **state)
{
    struct fixture *f = *state;
    static const unsigned levels[] = {1, 4, 8, 14};

    for (unsigned i = 0; i < 4; i++) {
        set(f, FCR, 0x03 | i << 6);
        set(f, IER, 0x01);
        assert_false(f->irq);
        hull_uart_receive(f->dev, "0123456789abcdef", levels[i] - 1);
        assert_int_equal(f->irq, levels[i] > 1);
        if (levels[i] > 1)
            assert_int_equal(get(f, IIR), 0xcc); // time-out
        hull_uart_receive(f->dev, "!", 1);
        assert_true(f->irq);
        assert_int_equal(get(f, IIR), 0xc4);
        assert_true(f->irq); // reading IIR does not clear it, reading the data does
        for (unsigned n = 0; n < levels[i]; n++) {
            assert_true(f->irq);
            get(f, RBR);
        }
        assert_false(f->irq);
    }
    set(f, FCR, 0); // without FIFOs each byte counts
    hull_uart_receive(f->dev, "xy", 2);
    assert_int_equal(get(f, IIR), 0x04);
    assert_int_equal(get(f, RBR), 'x');
    assert_int_equal(get(f, IIR), 0x04);
    assert_int_equal(get(f, RBR), 'y');
    assert_int_equal(get(f, IIR), 0x01);
}

// What Linux does from its probe to the first reader, in short.
static void start_as_linux(struct fixture *f)
{
    for (unsigned i = 0; i < 2; i++) {
        set(f, FCR, 0x01);
        set(f, FCR, 0x07);
        set(f, FCR, 0x00);
        get(f, LSR);
        get(f, RBR);
        get(f, IIR);
        get(f, MSR);
    }
    set(f, IER, 0x05);
    set(f, FCR, 0x01);
    set(f, FCR, 0x81);
}

static void input_before_the_driver_survives_its_start(void **state)
{
    struct fixture *f = *state;
    char rest[20] = {0};

    assert_int_equal(hull_uart_receive(f->dev, "0123456789abcd", 14), 14);
    start_as_linux(f);
    assert_int_equal(get(f, IIR), 0xc4);
    for (unsigned i = 0; i < 14; i++)
        rest[i] = (char)get(f, RBR);
    assert_string_equal(rest, "0123456789abcd");
    assert_false(f->irq);
}

static void clearing_the_fifo_clears_it(void **state)
{
    struct fixture *f = *state;

    set(f, FCR, 0x01);
    set(f, IER, 0x01);
    hull_uart_receive(f->dev, "abc", 3);
    set(f, FCR, 0x03);
    assert_int_equal(get(f, LSR), 0x60);
    assert_false(f->irq);
    hull_uart_receive(f->dev, "abc", 3);
    set(f, FCR, 0x00);
    assert_int_equal(get(f, LSR), 0x60);
}

// A guest that writes reads LSR for each byte; its echo must not be taken for a reader.
static void sending_is_not_listening(void **state)
{
    struct fixture *f = *state;

    hull_uart_receive(f->dev, "abc", 3);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(get(f, LSR), 0x60);
        set(f, THR, 'x');
    }
    set(f, FCR, 0x07);
    listen_by_polling(f);
    assert_int_equal(get(f, LSR), 0x61);
    assert_int_equal(get(f, RBR), 'a');
    // One that does both is a reader all the same.
    set(f, FCR, 0x07); // loses b
    for (unsigned i = 0; i < 3; i++) {
        get(f, LSR);
        get(f, LSR);
        set(f, THR, 'x');
    }
    assert_int_equal(get(f, LSR), 0x61);
    assert_int_equal(get(f, RBR), 'c');
}

static void firmware_reads_the_line_itself(void **state)
{
    struct fixture *f = *state;
    char rest[20] = {0};

    hull_uart_receive(f->dev, "abcdef", 6);
    assert_int_equal(hull_uart_console_read(f->dev, rest, 2), 2);
    assert_int_equal(hull_uart_console_read(f->dev, rest + 2, 10), 4);
    assert_string_equal(rest, "abcdef");
    hull_uart_receive(f->dev, "0123456789abcd", 14);
    set(f, FCR, 0xc1);
    set(f, IER, 0x01);
    assert_int_equal(get(f, IIR), 0xc4);
    assert_int_equal(hull_uart_console_read(f->dev, rest, 8), 8);
    assert_int_equal(get(f, IIR), 0xcc);
    assert_int_equal(hull_uart_console_read(f->dev, rest, 8), 6);
    assert_false(f->irq);
}

static void the_backend_is_held_back(void **state)
{
    struct fixture *f = *state;
    static char text[1000];
    size_t taken;

    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)(i % 251 + 1);
    listen_by_polling(f);
    taken = hull_uart_receive(f->dev, text, sizeof(text));
    assert_int_equal(taken, 256 + 1);
    assert_int_equal(f->ready_count, 0);
    assert_int_equal(get(f, RBR), 1);
    assert_int_equal(f->ready_count, 1);
    assert_int_equal(get(f, RBR), 2); // told once
    assert_int_equal(f->ready_count, 1);
    taken += hull_uart_receive(f->dev, text + taken, sizeof(text) - taken);
    for (unsigned i = 2; i < taken; i++)
        assert_int_equal(get(f, RBR), i % 251 + 1);
    assert_int_equal(get(f, LSR), 0x60);
    assert_int_equal(f->ready_count, 2);
    assert_int_equal(hull_uart_receive(f->dev, "ab", 2), 2);
    get(f, RBR);
    assert_int_equal(f->ready_count, 2); // nothing was refused
    get(f, RBR);
    set(f, FCR, 0x01);
    set(f, IER, 0x01);
    assert_int_equal(hull_uart_receive(f->dev, text, sizeof(text)), 256 + 16);
}

static void loopback_turns_output_into_input(void **state)
{
    struct fixture *f = *state;

    set(f, FCR, 0x01);
    set(f, IER, 0x05);
    set(f, MCR, 0x10);
    hull_uart_receive(f->dev, "outside", 7);
    assert_int_equal(get(f, LSR), 0x60);
    for (unsigned i = 0; i < 16; i++)
        set(f, THR, 'a' + i);
    assert_int_equal(f->out_len, 0);
    assert_int_equal(get(f, LSR), 0x61);
    set(f, THR, 'z'); // the FIFO is full
    assert_int_equal(get(f, IIR), 0xc6);
    assert_int_equal(get(f, LSR), 0x63);
    assert_int_equal(get(f, LSR), 0x61); // read once
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(get(f, RBR), 'a' + i);
    assert_int_equal(get(f, LSR), 0x60);
    set(f, THR, 'q');
    set(f, FCR, 0x03); // clears the FIFO
    assert_int_equal(get(f, LSR), 0x60);
    set(f, MCR, 0);
    assert_int_equal(get(f, RBR), 'o');
}

static void loopback_wires_the_modem_lines(void **state)
{
    struct fixture *f = *state;

    set(f, MCR, 0x1a); // as Linux's autoconfig does: RTS and OUT2
    assert_int_equal(get(f, MSR) & 0xf0, 0x90);
    set(f, MCR, 0x1f);
    assert_int_equal(get(f, MSR) & 0xf0, 0xf0);
    set(f, MCR, 0x10);
    get(f, MSR);
    set(f, IER, 0x08);
    assert_false(f->irq);
    set(f, MCR, 0x12); // CTS changes
    assert_true(f->irq);
    assert_int_equal(get(f, IIR), 0x00);
    assert_int_equal(get(f, MSR), 0x11);
    assert_false(f->irq);
    set(f, MCR, 0x14); // CTS falls; RI rises, which is no event
    assert_int_equal(get(f, MSR), 0x41);
    set(f, MCR, 0x10); // RI falls
    assert_int_equal(get(f, MSR), 0x04);
    set(f, LCR, 0x40); // break
    assert_int_equal(get(f, LSR), 0x79);
    get(f, RBR);
    set(f, LCR, 0x43); // one break, however long
    assert_int_equal(get(f, LSR), 0x60);
    set(f, MCR, 0);
    set(f, LCR, 0);
    set(f, LCR, 0x40); // nobody hears this one
    assert_int_equal(get(f, LSR), 0x60);
}

static void interrupts_have_an_order(void **state)
{
    struct fixture *f = *state;

    set(f, MCR, 0x10);
    get(f, MSR);
    set(f, IER, 0x0f);
    set(f, MCR, 0x13);
    set(f, THR, 'a');
    set(f, THR, 'b'); // overruns without FIFO
    assert_int_equal(get(f, IIR), 0x06);
    get(f, LSR);
    assert_int_equal(get(f, IIR), 0x04);
    get(f, RBR);
    assert_int_equal(get(f, IIR), 0x02);
    assert_int_equal(get(f, IIR), 0x00);
    get(f, MSR);
    assert_int_equal(get(f, IIR), 0x01);
    assert_false(f->irq);
}

static void the_console_shares_the_buffer(void **state)
{
    struct fixture *f = *state;
    static char text[6000];
    char in[4] = {0};

    f->room = 0;
    set(f, THR, '1');
    assert_int_equal(hull_uart_console_write(f->dev, "23", 2), 2);
    f->room = 100;
    hull_uart_tx_ready(f->dev);
    assert_memory_equal(f->out, "123", 3); // in order
    memset(text, 't', sizeof(text));
    f->room = 1000;
    assert_int_equal(hull_uart_console_write(f->dev, text, sizeof(text)), 1000 + 4096);
    f->room = sizeof(f->out) - f->out_len;
    assert_int_equal(hull_uart_console_write(f->dev, text, sizeof(text)), sizeof(text));
    assert_int_equal(f->out_len, 3 + 1000 + 4096 + sizeof(text));
    f->out_len = 3 + 1000 + 4096;
    f->room = 5000;
    assert_int_equal(hull_uart_console_write(f->dev, text, 100), 100);
    assert_int_equal(f->out_len, 3 + 1000 + 4096 + 100);
    listen_by_polling(f);
    hull_uart_receive(f->dev, "abc", 3);
    assert_int_equal(hull_uart_console_read(f->dev, in, 2), 2);
    assert_memory_equal(in, "ab", 2);
    assert_int_equal(get(f, RBR), 'c');
}

static void output_without_a_backend_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct device *dev =
        hull_uart_create(&f->fake.env, (struct irq_wire){0}, (struct char_backend){0});
    uint64_t value;

    assert_non_null(dev);
    assert_int_equal(hull_bus_add(&f->bus, dev, 0x20000000, 8), 0);
    assert_int_equal(hull_bus_write(&f->bus, 0x20000000, 1, 'a'), 0);
    assert_int_equal(hull_bus_read(&f->bus, 0x20000005, 1, &value), 0);
    assert_int_equal(value, 0x60);
    assert_int_equal(hull_uart_console_write(dev, "abc", 3), 3);
    f->fake.fail_alloc = 0;
    assert_null(hull_uart_create(&f->fake.env, (struct irq_wire){0}, (struct char_backend){0}));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reset_values),
        TEST(registers_read_back),
        TEST(wide_accesses_take_one_register),
        TEST(fifo_bits_show_in_iir),
        TEST(output_waits_for_the_backend),
        TEST(thre_interrupts_as_linux_expects),
        TEST(whoever_empties_the_buffer_raises_thre),
        TEST(a_full_buffer_is_offered_again_first),
        TEST(an_overrun_transmitter_keeps_what_fits),
        TEST(input_is_received),
        TEST(receive_interrupts_follow_the_trigger_level),
        TEST(input_before_the_driver_survives_its_start),
        TEST(clearing_the_fifo_clears_it),
        TEST(sending_is_not_listening),
        TEST(firmware_reads_the_line_itself),
        TEST(the_backend_is_held_back),
        TEST(loopback_turns_output_into_input),
        TEST(loopback_wires_the_modem_lines),
        TEST(interrupts_have_an_order),
        TEST(the_console_shares_the_buffer),
        TEST(output_without_a_backend_is_dropped),
    };
    return cmocka_run_group_tests_name("core/dev/uart", tests, NULL, NULL);
}
