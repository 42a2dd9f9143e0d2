// SPDX-License-Identifier: Apache-2.0
// Goldfish RTC: nanoseconds of wall-clock time, one alarm. Reading TIME_LOW latches TIME_HIGH.
#include "core/dev/devices.h"

enum rtc_register {
    RTC_TIME_LOW = 0x00,
    RTC_TIME_HIGH = 0x04,
    RTC_ALARM_LOW = 0x08, // writing it arms the alarm; ALARM_HIGH comes first
    RTC_ALARM_HIGH = 0x0c,
    RTC_IRQ_ENABLED = 0x10,
    RTC_CLEAR_ALARM = 0x14,
    RTC_ALARM_STATUS = 0x18,
    RTC_CLEAR_INTERRUPT = 0x1c,
};

struct rtc {
    struct device dev;
    struct irq_wire irq;
    struct hull_timer timer;
    uint64_t offset; // guest's time less the host's
    uint64_t alarm;
    uint32_t time_high;
    bool alarm_running, irq_enabled, irq_pending;
};

static struct rtc *rtc_of(struct device *dev)
{
    return hull_container_of(dev, struct rtc, dev);
}

static uint64_t rtc_time(const struct rtc *r)
{
    return r->dev.env->ops->realtime_ns(r->dev.env->ctx) + r->offset;
}

static void update_irq(struct rtc *r)
{
    hull_irq_set(&r->irq, r->irq_pending && r->irq_enabled);
}

// The deadline of a running alarm. One beyond the end of the monotonic clock never comes.
static uint64_t alarm_deadline(const struct rtc *r, uint64_t now)
{
    const struct hull_env *env = r->dev.env;
    uint64_t start = env->ops->now_ns(env->ctx);

    return r->alarm - now < HULL_TIME_NEVER - start ? start + (r->alarm - now) : HULL_TIME_NEVER;
}

// Raises the interrupt when the alarm is due, else has the timer look again then. The timer runs on
// the monotonic clock: a wall clock that was set meanwhile shows when it fires.
static void update_alarm(struct rtc *r)
{
    const struct hull_env *env = r->dev.env;
    uint64_t deadline = HULL_TIME_NEVER;
    uint64_t now = rtc_time(r);

    if (r->alarm_running && r->alarm <= now) {
        r->alarm_running = false;
        r->irq_pending = true;
    } else if (r->alarm_running) {
        deadline = alarm_deadline(r, now);
    }
    env->ops->timer_arm(env->ctx, &r->timer, deadline);
    update_irq(r);
}

static void timer_fired(void *ctx)
{
    struct rtc *r = ctx;

    hull_device_lock(&r->dev);
    update_alarm(r);
    hull_device_unlock(&r->dev);
}

static uint64_t with_low(uint64_t old, uint64_t value)
{
    return (old & ~(uint64_t)UINT32_MAX) | (uint32_t)value;
}

static uint64_t with_high(uint64_t old, uint64_t value)
{
    return (old & UINT32_MAX) | value << 32;
}

static void set_time(struct rtc *r, uint64_t old, uint64_t time)
{
    r->offset += time - old;
    update_alarm(r);
}

static int rtc_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct rtc *r = rtc_of(dev);
    uint64_t now;

    if (size != 4 || (offset & 3))
        return -HULL_EFAULT;
    *value = 0;
    switch (offset) {
    case RTC_TIME_LOW:
        now = rtc_time(r);
        r->time_high = (uint32_t)(now >> 32);
        *value = (uint32_t)now;
        break;
    case RTC_TIME_HIGH: *value = r->time_high; break;
    case RTC_ALARM_LOW: *value = (uint32_t)r->alarm; break;
    case RTC_ALARM_HIGH: *value = r->alarm >> 32; break;
    case RTC_IRQ_ENABLED: *value = r->irq_enabled; break;
    case RTC_ALARM_STATUS: *value = r->alarm_running; break;
    default: break;
    }
    return 0;
}

static int rtc_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct rtc *r = rtc_of(dev);
    uint64_t now = rtc_time(r);

    if (size != 4 || (offset & 3))
        return -HULL_EFAULT;
    switch (offset) {
    case RTC_TIME_LOW: set_time(r, now, with_low(now, value)); break;
    case RTC_TIME_HIGH: set_time(r, now, with_high(now, value)); break;
    case RTC_ALARM_LOW:
        r->alarm = with_low(r->alarm, value);
        r->alarm_running = true;
        update_alarm(r);
        break;
    case RTC_ALARM_HIGH: r->alarm = with_high(r->alarm, value); break;
    case RTC_IRQ_ENABLED:
        r->irq_enabled = value & 1;
        update_irq(r);
        break;
    case RTC_CLEAR_ALARM:
        r->alarm_running = false;
        update_alarm(r);
        break;
    case RTC_CLEAR_INTERRUPT:
        r->irq_pending = false;
        update_irq(r);
        break;
    default: break;
    }
    return 0;
}

// A clock that the guest has set goes on through a reset, as a battery-backed one does.
static void rtc_reset(struct device *dev)
{
    struct rtc *r = rtc_of(dev);

    r->alarm = 0;
    r->time_high = 0;
    r->alarm_running = r->irq_enabled = r->irq_pending = false;
    update_alarm(r);
}

static void rtc_destroy(struct device *dev)
{
    struct rtc *r = rtc_of(dev);
    const struct hull_env *env = dev->env;

    env->ops->timer_destroy(env->ctx, &r->timer);
    hull_device_fini(dev);
    hull_free(env, r, sizeof(*r));
}

static const struct device_ops rtc_ops = {
    .name = "rtc",
    .read = rtc_read,
    .write = rtc_write,
    .reset = rtc_reset,
    .destroy = rtc_destroy,
};

struct device *hull_rtc_create(const struct hull_env *env, struct irq_wire irq)
{
    struct rtc *r = hull_alloc(env, sizeof(*r));

    if (!r)
        return NULL;
    hull_device_init(&r->dev, &rtc_ops, env);
    r->irq = irq;
    r->timer.fire = timer_fired;
    r->timer.ctx = r;
    env->ops->timer_init(env->ctx, &r->timer);
    return &r->dev;
}
