// SPDX-License-Identifier: Apache-2.0
// ns16550a. What leaves the transmitter goes to the backend at once, or waits in a buffer for
// hull_uart_tx_ready(); THRE stays clear until that buffer is empty, so a guest that polls or waits
// for the interrupt never loses a byte. Input waits on the "line", outside of the receive FIFO, and
// moves in as the guest listens: a driver that starts up throws away what it finds, and a script's
// first line, there before the guest is, must not be among that.
#include "core/dev/byte_ring.h"
#include "core/dev/devices.h"

enum uart_register { // with DLAB clear
    UART_RBR_THR = 0,
    UART_IER = 1,
    UART_IIR_FCR = 2,
    UART_LCR = 3,
    UART_MCR = 4,
    UART_LSR = 5,
    UART_MSR = 6,
    UART_SCR = 7,
};

#define IER_ERBFI 0x01 // received data available
#define IER_ETBEI 0x02 // transmitter holding register empty
#define IER_ELSI 0x04  // receiver line status
#define IER_EDSSI 0x08 // modem status

#define IIR_NONE 0x01
#define IIR_LINE_STATUS 0x06
#define IIR_RX_DATA 0x04
#define IIR_RX_TIMEOUT 0x0c
#define IIR_THR_EMPTY 0x02
#define IIR_MODEM_STATUS 0x00
#define IIR_FIFOS_ON 0xc0

#define FCR_ENABLE 0x01
#define FCR_CLEAR_RX 0x02

#define LCR_BREAK 0x40
#define LCR_DLAB 0x80

#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10

#define LSR_DR 0x01
#define LSR_OE 0x02
#define LSR_FE 0x08
#define LSR_BI 0x10
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80
#define MSR_LINES 0xf0
#define MSR_TERI 0x04
#define MSR_DELTAS 0x0f

#define FIFO_SIZE 16
#define LINE_SIZE 256
#define TX_SIZE 4096
#define POLLS_TO_LISTEN 3

struct uart {
    struct device dev;
    struct irq_wire irq;
    struct char_backend backend;
    struct byte_ring rx, line, tx;
    uint8_t ier, fcr, lcr, mcr, msr, scr, dll, dlm;
    uint8_t lsr_errors;  // OE, FE, BI: until LSR is read
    uint8_t polls;       // reads of LSR that were not about sending, up to POLLS_TO_LISTEN
    bool thre_interrupt; // THR became empty, or ETBEI was turned on while it was
    bool rx_starved;     // the backend holds input back until rx_ready
    bool irq_level;
    uint8_t rx_data[FIFO_SIZE], line_data[LINE_SIZE], tx_data[TX_SIZE];
};

static struct uart *uart_of(struct device *dev)
{
    return hull_container_of(dev, struct uart, dev);
}

static unsigned rx_trigger(const struct uart *u)
{
    static const uint8_t levels[4] = {1, 4, 8, 14};

    return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

// The highest-priority interrupt. Input below the trigger level counts as timed out at once: there
// is no character time to wait for.
static uint8_t interrupt_id(const struct uart *u)
{
    uint32_t received = byte_ring_used(&u->rx);

    if ((u->ier & IER_ELSI) && u->lsr_errors)
        return IIR_LINE_STATUS;
    if ((u->ier & IER_ERBFI) && received)
        return received >= rx_trigger(u) ? IIR_RX_DATA : IIR_RX_TIMEOUT;
    if ((u->ier & IER_ETBEI) && u->thre_interrupt)
        return IIR_THR_EMPTY;
    if ((u->ier & IER_EDSSI) && (u->msr & MSR_DELTAS))
        return IIR_MODEM_STATUS;
    return IIR_NONE;
}

static void update_irq(struct uart *u)
{
    bool level = interrupt_id(u) != IIR_NONE;

    if (level == u->irq_level)
        return;
    u->irq_level = level;
    hull_irq_set(&u->irq, level);
}

// Whether input has a reader: one that takes interrupts, or has looked for input in LSR again and
// again. Drivers that probe and start up read LSR and RBR in turn with other registers.
static bool guest_listens(const struct uart *u)
{
    return (u->ier & IER_ERBFI) || u->polls == POLLS_TO_LISTEN;
}

static void rx_ready_tell(struct uart *u)
{
    if (!u->rx_starved || !byte_ring_room(&u->line))
        return;
    u->rx_starved = false;
    if (u->backend.rx_ready)
        u->backend.rx_ready(u->backend.ctx);
}

// Moves input from the line into the FIFO: all that fits for a guest that takes interrupts, one
// byte at a time for one that polls.
static void rx_pull(struct uart *u)
{
    uint32_t want = (u->ier & IER_ERBFI) && (u->fcr & FCR_ENABLE) ? FIFO_SIZE : 1;
    bool moved = false;
    uint8_t byte;

    if ((u->mcr & MCR_LOOP) || !guest_listens(u))
        return;
    while (byte_ring_used(&u->rx) < want && byte_ring_take(&u->line, &byte, 1)) {
        byte_ring_put(&u->rx, &byte, 1);
        moved = true;
    }
    if (moved)
        rx_ready_tell(u);
}

static void rx_loopback(struct uart *u, uint8_t byte)
{
    uint32_t depth = u->fcr & FCR_ENABLE ? FIFO_SIZE : 1;

    if (byte_ring_used(&u->rx) >= depth)
        u->lsr_errors |= LSR_OE;
    else
        byte_ring_put(&u->rx, &byte, 1);
}

// Offers the buffer to the backend. Whoever empties it, the guest may be waiting for THRE.
static void tx_flush(struct uart *u)
{
    const uint8_t *front;
    uint32_t len;

    while ((len = byte_ring_front(&u->tx, &front)) != 0) {
        size_t taken = u->backend.write ? u->backend.write(u->backend.ctx, front, len) : len;

        u->tx.head += taken < len ? (uint32_t)taken : len;
        if (taken < len)
            return;
        if (!byte_ring_used(&u->tx))
            u->thre_interrupt = true;
    }
}

static void write_thr(struct uart *u, uint8_t byte)
{
    u->thre_interrupt = false;
    if (u->mcr & MCR_LOOP) {
        rx_loopback(u, byte);
        u->thre_interrupt = !byte_ring_used(&u->tx);
    } else {
        if (!byte_ring_room(&u->tx))
            tx_flush(u);
        byte_ring_put(&u->tx, &byte, 1); // a guest that ignores THRE overruns, as on the real chip
        tx_flush(u);
    }
}

static void write_ier(struct uart *u, uint8_t value)
{
    uint8_t enabled = value & ~u->ier;

    u->ier = value & 0x0f;
    // Turning ETBEI on while THR is empty interrupts anew: drivers start transmission that way.
    if ((enabled & IER_ETBEI) && !byte_ring_used(&u->tx))
        u->thre_interrupt = true;
    rx_pull(u);
}

// Clearing the transmit FIFO has nothing to clear: what the guest sent has left the chip for the
// buffer behind it.
static void write_fcr(struct uart *u, uint8_t value)
{
    // Without FIFOs a byte waits in RBR itself, and turning them on leaves it there: Linux does that
    // after it has enabled the interrupt.
    bool turned_off = u->fcr & ~value & FCR_ENABLE;

    if (turned_off || (value & FCR_CLEAR_RX)) { // the latter clears itself
        byte_ring_clear(&u->rx);
        u->polls = 0;
    }
    u->fcr = value & FCR_ENABLE ? value & 0xc1 : 0;
    rx_pull(u);
}

// The modem lines: wired to MCR in loopback, else a peer that is always there.
static void update_msr(struct uart *u)
{
    uint8_t lines = MSR_CTS | MSR_DSR | MSR_DCD;
    uint8_t old = u->msr;
    uint8_t changed;

    if (u->mcr & MCR_LOOP) {
        lines = (u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
                (u->mcr & MCR_OUT1 ? MSR_RI : 0) | (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
    }
    changed = (uint8_t)((old ^ lines) >> 4);
    if (lines & MSR_RI)
        changed &= ~MSR_TERI; // TERI tells the trailing edge only
    u->msr = lines | (old & MSR_DELTAS) | changed;
}

static void write_lcr(struct uart *u, uint8_t value)
{
    if ((value & ~u->lcr & LCR_BREAK) && (u->mcr & MCR_LOOP)) {
        rx_loopback(u, 0);
        u->lsr_errors |= LSR_BI | LSR_FE;
    }
    u->lcr = value;
}

static uint8_t read_rbr(struct uart *u)
{
    uint8_t byte = 0;

    byte_ring_take(&u->rx, &byte, 1);
    rx_pull(u);
    return byte;
}

static uint8_t read_iir(struct uart *u)
{
    uint8_t id = interrupt_id(u);

    if (id == IIR_THR_EMPTY)
        u->thre_interrupt = false;
    return id | (u->fcr & FCR_ENABLE ? IIR_FIFOS_ON : 0);
}

static uint8_t read_lsr(struct uart *u)
{
    uint8_t lsr = u->lsr_errors;

    if (u->polls < POLLS_TO_LISTEN) {
        u->polls++;
        rx_pull(u);
    }
    u->lsr_errors = 0;
    if (byte_ring_used(&u->rx))
        lsr |= LSR_DR;
    if (!byte_ring_used(&u->tx))
        lsr |= LSR_THRE | LSR_TEMT;
    return lsr;
}

static uint8_t read_msr(struct uart *u)
{
    uint8_t msr = u->msr;

    u->msr &= MSR_LINES;
    return msr;
}

// What tells apart a guest that waits for input from one that sends, which reads LSR once for each
// byte, and from one that goes through all registers. Whoever listens by polling goes on doing so.
static void polls_forget(struct uart *u, uint64_t offset, bool is_write)
{
    if (offset == UART_LSR || u->polls == POLLS_TO_LISTEN || !u->polls)
        return;
    if (is_write && offset == UART_RBR_THR && !(u->lcr & LCR_DLAB))
        u->polls--;
    else
        u->polls = 0;
}

// Whatever the width of the access, one register takes part: the one at `offset`.
static int uart_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct uart *u = uart_of(dev);
    bool dlab = u->lcr & LCR_DLAB;

    (void)size;
    polls_forget(u, offset, false);
    switch (offset) {
    case UART_RBR_THR: *value = dlab ? u->dll : read_rbr(u); break;
    case UART_IER: *value = dlab ? u->dlm : u->ier; break;
    case UART_IIR_FCR: *value = read_iir(u); break;
    case UART_LCR: *value = u->lcr; break;
    case UART_MCR: *value = u->mcr; break;
    case UART_LSR: *value = read_lsr(u); break;
    case UART_MSR: *value = read_msr(u); break;
    case UART_SCR: *value = u->scr; break;
    default: *value = 0; break;
    }
    update_irq(u);
    return 0;
}

static int uart_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct uart *u = uart_of(dev);
    uint8_t byte = (uint8_t)value;
    bool dlab = u->lcr & LCR_DLAB;

    (void)size;
    polls_forget(u, offset, true);
    switch (offset) {
    case UART_RBR_THR:
        if (dlab)
            u->dll = byte;
        else
            write_thr(u, byte);
        break;
    case UART_IER:
        if (dlab)
            u->dlm = byte;
        else
            write_ier(u, byte);
        break;
    case UART_IIR_FCR: write_fcr(u, byte); break;
    case UART_LCR: write_lcr(u, byte); break;
    case UART_MCR:
        u->mcr = byte & 0x1f;
        update_msr(u);
        rx_pull(u);
        break;
    case UART_SCR: u->scr = byte; break;
    default: break; // LSR and MSR are read-only
    }
    update_irq(u);
    return 0;
}

static void uart_reset(struct device *dev)
{
    struct uart *u = uart_of(dev);

    byte_ring_clear(&u->rx);
    u->ier = u->fcr = u->lcr = u->mcr = u->scr = u->dll = u->dlm = 0;
    u->msr = MSR_CTS | MSR_DSR | MSR_DCD;
    u->lsr_errors = 0;
    u->polls = 0;
    u->thre_interrupt = false;
    update_irq(u);
}

static void uart_destroy(struct device *dev)
{
    struct uart *u = uart_of(dev);
    const struct hull_env *env = dev->env;

    hull_device_fini(dev);
    hull_free(env, u, sizeof(*u));
}

static const struct device_ops uart_ops = {
    .name = "uart",
    .read = uart_read,
    .write = uart_write,
    .reset = uart_reset,
    .destroy = uart_destroy,
};

struct device *hull_uart_create(const struct hull_env *env, struct irq_wire irq,
                                struct char_backend backend)
{
    struct uart *u = hull_alloc(env, sizeof(*u));

    if (!u)
        return NULL;
    hull_device_init(&u->dev, &uart_ops, env);
    u->irq = irq;
    u->backend = backend;
    byte_ring_init(&u->rx, u->rx_data, FIFO_SIZE);
    byte_ring_init(&u->line, u->line_data, LINE_SIZE);
    byte_ring_init(&u->tx, u->tx_data, TX_SIZE);
    uart_reset(&u->dev);
    return &u->dev;
}

size_t hull_uart_receive(struct device *dev, const void *buf, size_t len)
{
    struct uart *u = uart_of(dev);
    size_t taken;

    hull_device_lock(dev);
    u->rx_starved = false; // the caller knows what is left; rx_ready is for later
    taken = byte_ring_put(&u->line, buf, len);
    rx_pull(u);
    taken += byte_ring_put(&u->line, (const uint8_t *)buf + taken, len - taken);
    u->rx_starved = taken < len;
    update_irq(u);
    hull_device_unlock(dev);
    return taken;
}

void hull_uart_tx_ready(struct device *dev)
{
    struct uart *u = uart_of(dev);

    hull_device_lock(dev);
    tx_flush(u);
    update_irq(u);
    hull_device_unlock(dev);
}

size_t hull_uart_console_write(struct device *dev, const void *buf, size_t len)
{
    struct uart *u = uart_of(dev);
    size_t taken = 0;
    uint32_t n;

    hull_device_lock(dev);
    tx_flush(u);
    do { // through the buffer, behind what the registers have put there
        n = byte_ring_put(&u->tx, (const uint8_t *)buf + taken, len - taken);
        taken += n;
        tx_flush(u);
    } while (n && taken < len);
    update_irq(u);
    hull_device_unlock(dev);
    return taken;
}

size_t hull_uart_console_read(struct device *dev, void *buf, size_t len)
{
    struct uart *u = uart_of(dev);
    size_t taken = 0;

    hull_device_lock(dev);
    // For firmware that asks us instead of the registers: that is listening, too.
    taken = byte_ring_take(&u->rx, buf, len);
    taken += byte_ring_take(&u->line, (uint8_t *)buf + taken, len - taken);
    rx_pull(u);
    rx_ready_tell(u);
    update_irq(u);
    hull_device_unlock(dev);
    return taken;
}
