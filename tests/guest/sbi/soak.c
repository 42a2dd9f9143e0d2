// SPDX-License-Identifier: Apache-2.0
// Four harts that multiply modulo the prime of P-384, each with a known result, while software interrupts,
// timers, remote fences of all kinds, switches of the address space and restarts of the hart hit them.
// run: cpus=4 timeout=120 qemu=no
#include "sbi.h"

#include "pt.h"

#define HARTS 4
#define LIMBS 6
#define ROUNDS 1000 // multiplications for one result
#define RESULTS 25  // of each hart
#define LIVES 10

static struct pt first, second; // the same mapping, in two spaces
static volatile uint64_t done[HARTS], stop;
static volatile uint64_t timers[HARTS], ipis[HARTS];
static uint64_t want[LIMBS], result[HARTS][LIMBS];
static uint64_t boot_hart;

// p = 2^384 - 2^128 - 2^96 + 2^32 - 1; 2^384 - p, and p
static const uint64_t prime[LIMBS] = {0x00000000ffffffff, 0xffffffff00000000, 0xfffffffffffffffe,
                                      0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff};
static const uint64_t excess[LIMBS] = {0xffffffff00000001, 0x00000000ffffffff, 1, 0, 0, 0};

static uint64_t add(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    uint64_t carry = 0;

    for (unsigned i = 0; i < LIMBS; i++) {
        uint64_t sum = a[i] + b[i] + carry;

        if (sum != a[i])
            carry = sum < a[i];
        r[i] = sum;
    }
    return carry;
}

static uint64_t subtract(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    uint64_t borrow = 0;

    for (unsigned i = 0; i < LIMBS; i++) {
        uint64_t difference = a[i] - b[i] - borrow;

        if (difference != a[i])
            borrow = difference > a[i];
        r[i] = difference;
    }
    return borrow;
}

static int compare(const uint64_t *a, const uint64_t *b)
{
    for (unsigned i = LIMBS; i-- > 0;)
        if (a[i] != b[i])
            return a[i] > b[i] ? 1 : -1;
    return 0;
}

static __attribute__((noinline)) void multiply(uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    uint64_t low = 0, high = 0, top = 0;

    for (unsigned k = 0; k < 2 * LIMBS - 1; k++) {
        for (unsigned i = k < LIMBS ? 0 : k + 1 - LIMBS; i <= k && i < LIMBS; i++) {
            unsigned __int128 p = (unsigned __int128)a[i] * b[k - i];
            uint64_t p_low = (uint64_t)p, p_high = (uint64_t)(p >> 64);

            low += p_low;
            p_high += low < p_low;
            high += p_high;
            top += high < p_high;
        }
        r[k] = low;
        low = high;
        high = top;
        top = 0;
    }
    r[2 * LIMBS - 1] = low;
}

// The upper half times 2^384 - p is added to the lower one, until there is no upper half.
static __attribute__((noinline)) void reduce(uint64_t *r, uint64_t *product)
{
    uint64_t folded[2 * LIMBS];

    while (product[6] | product[7] | product[8] | product[9] | product[10] | product[11]) {
        uint64_t carry;

        multiply(folded, product + LIMBS, excess);
        carry = add(product, folded, product);
        for (unsigned i = LIMBS; i < 2 * LIMBS; i++) {
            product[i] = folded[i] + carry;
            carry = product[i] < carry;
        }
    }
    while (compare(product, prime) >= 0)
        subtract(product, product, prime);
    memcpy(r, product, 8 * LIMBS);
}

static void compute(uint64_t *x, unsigned rounds)
{
    static const uint64_t factor[LIMBS] = {0x3a545e3872760ab7, 0x5502f25dbf55296c,
                                           0x59f741e082542a38, 0x6e1d3b628ba79b98,
                                           0x8eb1c71ef320ad74, 0xaa87ca22be8b0537};
    uint64_t product[2 * LIMBS];

    memcpy(x, factor, sizeof(factor));
    for (unsigned i = 0; i < rounds; i++) {
        multiply(product, x, i & 1 ? factor : x);
        reduce(x, product);
        if (add(x, x, prime)) // and around the prime once more
            ;
        else
            x[0] ^= i;
        if (compare(x, prime) >= 0)
            subtract(x, x, prime);
    }
}

static uint64_t my_asid(uint64_t hart, unsigned space)
{
    return 1 + hart * 2 + space;
}

// Timers a few ticks apart; now and then another space, or a fence of our own.
static bool on_interrupt(struct rt_frame *f)
{
    uint64_t hart = rt_hart();

    if (f->cause == (CAUSE_INTERRUPT | IRQ_SSI)) {
        csr_clear(sip, BIT(IRQ_SSI));
        ipis[hart]++;
        return true;
    }
    if (f->cause != (CAUSE_INTERRUPT | IRQ_STI))
        return false;
    timers[hart]++;
    SBI1(SBI_TIME, 0, rt_time() + 150 + timers[hart] * 7 % 1500);
    if (csr_read(satp) && timers[hart] % 3 == 0)
        csr_write(satp, timers[hart] % 2 ? pt_satp(&first, (unsigned)my_asid(hart, 0))
                                         : pt_satp(&second, (unsigned)my_asid(hart, 1)));
    if (timers[hart] % 5 == 0)
        __asm__ volatile("sfence.vma %0, zero" ::"r"(multiply) : "memory");
    if (timers[hart] % 31 == 0)
        rt_fence_i();
    return true;
}

static void interrupts_on(uint64_t hart)
{
    csr_write(satp, pt_satp(&first, (unsigned)my_asid(hart, 0)));
    pt_flush();
    csr_write(sie, BIT(IRQ_SSI) | BIT(IRQ_STI));
    SBI1(SBI_TIME, 0, rt_time() + 100);
    csr_set(sstatus, STATUS_SIE);
}

static void interrupts_off(void)
{
    csr_clear(sstatus, STATUS_SIE);
    SBI1(SBI_TIME, 0, -1ul);
    csr_write(sie, 0);
    csr_write(satp, 0);
    pt_flush();
}

static void worker(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    interrupts_on(hart);
    while (!stop) {
        uint64_t x[LIMBS];

        compute(x, ROUNDS);
        if (memcmp(x, want, sizeof(want))) {
            memcpy(result[hart], x, sizeof(x));
            stop = 2;
        }
        done[hart]++;
    }
    interrupts_off();
}

static uint64_t status(unsigned hart)
{
    return SBI1(SBI_HSM, 2, hart).value;
}

static void join_all(void)
{
    for (unsigned hart = 0; hart < HARTS; hart++)
        while (hart != boot_hart && status(hart) != HART_STOPPED)
            ;
}

static void start_all(void *fn)
{
    for (unsigned hart = 0; hart < HARTS; hart++)
        if (hart != boot_hart)
            EQ(SBI3(SBI_HSM, 0, hart, (uint64_t)rt_sbi_entry, (uint64_t)fn).error, SBI_OK);
}

static void begin(void)
{
    // What p's arithmetic gives, computed elsewhere.
    static const uint64_t known[LIMBS] = {0x7de67beb9a6383b7, 0x477a99bbb459f7e4,
                                          0xbf330f34bd56c67d, 0xfb9c4bd9486b1937,
                                          0xc6b1085051d3aba4, 0x490afe05ef65e809};

    boot_hart = rt_hart();
    pt_init(&first, 3);
    pt_init(&second, 3);
    memset((void *)done, 0, sizeof(done));
    memset((void *)timers, 0, sizeof(timers));
    memset((void *)ipis, 0, sizeof(ipis));
    stop = 0;
    memcpy(want, known, sizeof(want));
    rt_trap_hook = on_interrupt;
}

static void storm(unsigned round)
{
    uint64_t mask = 0xf & ~(1ul << boot_hart);

    switch (round % 8) {
    case 0:
    case 5: sbi(SBI_IPI, 0, mask, 0, 0, 0); break;
    case 1: sbi(SBI_RFENCE, 0, mask, 0, 0, 0); break; // fence.i
    case 2: sbi(SBI_RFENCE, 1, mask, 0, 0, 0); break; // everything
    case 3: sbi(SBI_RFENCE, 1, mask, 0, (uint64_t)compute & ~4095ul, 4096); break;
    case 4: sbi(SBI_RFENCE, 0, 1ul << ((boot_hart + 1) % HARTS), 0, 0, 0); break;
    case 6: sbi(SBI_RFENCE, 1, mask, 0, 0, -1ul); break;
    default: break;
    }
}

static void finish(void)
{
    stop |= 1;
    join_all();
    rt_trap_hook = NULL;
    for (unsigned hart = 0; hart < HARTS; hart++) {
        if (hart == boot_hart)
            continue;
        for (unsigned i = 0; stop & 2 && i < LIMBS; i++)
            EQ(result[hart][i], want[i]);
    }
    EQ(stop & 2, 0);
}

static void alone(void)
{
    uint64_t x[LIMBS];

    begin();
    compute(x, ROUNDS);
    for (unsigned i = 0; i < LIMBS; i++)
        EQ(x[i], want[i]);
    rt_trap_hook = NULL;
}

// Whether every worker has got through enough.
static bool enough(void)
{
    for (unsigned hart = 0; hart < HARTS; hart++)
        if (hart != boot_hart && (done[hart] < RESULTS || timers[hart] < 50 || ipis[hart] < 50))
            return false;
    return true;
}

// Everybody computes; the boot hart sends what there is to send.
static void in_a_storm(void)
{
    unsigned round = 0;

    begin();
    start_all(worker);
    while (!enough() && !stop) {
        storm(round++);
        for (unsigned i = 0; i < round % 2000; i++)
            __asm__ volatile("nop");
    }
    finish();
}

// One short computation in each life of a hart.
static void one_life(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    uint64_t x[LIMBS];

    interrupts_on(hart);
    compute(x, ROUNDS);
    interrupts_off();
    if (memcmp(x, want, sizeof(want))) {
        memcpy(result[hart], x, sizeof(x));
        stop = 2;
    }
    done[hart]++;
}

static void in_many_lives(void)
{
    begin();
    for (unsigned life = 1; life <= LIVES; life++) {
        start_all(one_life);
        for (unsigned hart = 0, round = 0; hart < HARTS; hart++)
            while (hart != boot_hart && done[hart] < life)
                storm(round++);
        join_all();
    }
    finish();
}

const struct rt_case rt_cases[] = {
    {"alone", alone},
    {"in-a-storm", in_a_storm},
    {"in-many-lives", in_many_lives},
    {0},
};
