// SPDX-License-Identifier: Apache-2.0
// The ring between the console and the UART.
#include "metal/common/serial.h"

#include "metal/common/machine.h"

unsigned serial_room(const struct serial *serial)
{
    return SERIAL_RING - (serial->tail - serial->head);
}

void serial_pump(struct serial *serial)
{
    const struct platform *p = &machine.platform;
    unsigned room;

    while (serial->head != serial->tail && (room = uart_room(p))) {
        serial->stuck = false;
        for (; room && serial->head != serial->tail; room--)
            uart_send(p, serial->ring[serial->head++ % SERIAL_RING]);
    }
    if (serial->armed != (serial->head != serial->tail)) {
        serial->armed = !serial->armed;
        uart_irq_enable(p, serial->armed);
    }
}

void serial_by_interrupt(struct serial *serial)
{
    uart_irq_enable(&machine.platform, false);
    serial->interrupts = true;
}

void serial_flush(struct serial *serial)
{
    for (; serial->head != serial->tail; serial->head++)
        uart_put(&machine.platform, &serial->ring[serial->head % SERIAL_RING], 1);
}

// Guests are held off before the ring is full: what waits here is the hypervisor's own.
static bool has_room(struct serial *serial)
{
    for (unsigned n = 0; !serial_room(serial) && n < (serial->stuck ? 1 : UART_PATIENCE); n++)
        serial_pump(serial);
    serial->stuck = !serial_room(serial);
    return !serial->stuck;
}

void serial_put(struct serial *serial, const char *bytes, size_t length)
{
    if (!serial->interrupts) {
        uart_put(&machine.platform, bytes, length);
        return;
    }
    for (size_t i = 0; i < length; i++)
        if (has_room(serial))
            serial->ring[serial->tail++ % SERIAL_RING] = bytes[i];
    if (!serial->armed)
        serial_pump(serial);
}
