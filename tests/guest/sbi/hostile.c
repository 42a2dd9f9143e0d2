// SPDX-License-Identifier: Apache-2.0
// The hostile guest (tests/guest/hostile): memory, CSRs, hypercalls, rings and user code, while one hart
// sends interrupts without end, another runs random code, and a third one was started where no code is.
// QEMU 7.2 does not survive it: an assertion of its own fails.
// Words of the command line: rounds=N (1; 0: for ever), seed=N (1).
// run: cpus=4 disk=1M net=user timeout=120 qemu=no
#include "../hostile/hostile.h"

#ifndef HOSTILE_AIA // of hostile-aia.c, whose board has it
#define HOSTILE_AIA 0
#endif
#define FDT_PROP 3
#define FDT_END 9

static uint64_t rounds = 1, seed = 1;
static volatile bool stop;
static uint64_t boot_hart;

// ---- The command line ----

static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool same_text(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

// The property "bootargs" of a device tree of the hypervisor's own, which is well-formed.
static const char *command_line(const uint8_t *fdt)
{
    const uint8_t *at = fdt + be32(fdt + 8);
    const char *strings = (const char *)fdt + be32(fdt + 12);

    for (uint32_t token; (token = be32(at)) != FDT_END; at += 4) {
        uint32_t length;

        if (token == 1) // a node: its name, aligned
            at += (rt_strlen((const char *)at + 4) + 4) & -4ul;
        if (token != FDT_PROP)
            continue;
        length = be32(at + 4);
        if (same_text(strings + be32(at + 8), "bootargs"))
            return (const char *)at + 12;
        at += 8 + ((length + 3) & -4u);
    }
    return "";
}

static void take_option(const char *line, const char *name, uint64_t *number)
{
    size_t length = rt_strlen(name);

    for (; *line; line++) {
        if (memcmp(line, name, length))
            continue;
        *number = 0;
        for (line += length; *line >= '0' && *line <= '9'; line++)
            *number = *number * 10 + (uint64_t)(*line - '0');
        return;
    }
}

// ---- The other harts ----

// Interrupts to itself and everybody, and fences, without end.
static void storm(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    hostile_seed(seed + hart);
    csr_write(sie, BIT(IRQ_SSI));
    csr_set(sstatus, STATUS_SIE);
    for (unsigned i = 0; !stop; i++) {
        sbi(SBI_IPI, 0, i & 1 ? -1ul : 1ul << hart, 0, 0, 0);
        csr_set(sip, BIT(IRQ_SSI));
        if (i % 16 == 0)
            sbi(SBI_RFENCE, rnd_below(3), rnd(), rnd() & 1 ? 0 : -1ul, wild(), wild());
        hostile_counts[hart].tries++;
    }
}

static void user_code(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    hostile_seed(seed + hart);
    for (unsigned round = 0; !stop; round++)
        hostile_user_code(round);
}

static uint64_t nth_hart(unsigned n)
{
    return (boot_hart + n) % RT_HARTS;
}

static void start(unsigned n, uint64_t entry, void *fn)
{
    EQ(SBI3(SBI_HSM, 0, nth_hart(n), entry, (uint64_t)fn).error, SBI_OK);
}

static void join(unsigned n)
{
    stop = true;
    while (SBI1(SBI_HSM, 2, nth_hart(n)).value != HART_STOPPED)
        ;
    stop = false;
}

// ---- Cases ----

static void begin(void)
{
    static bool begun;

    rt_trap_hook = hostile_trap;
    hostile_seed(seed);
    boot_hart = rt_hart();
    stop = false;
    if (!begun) {
        const char *line = command_line(rt_fdt);

        take_option(line, "rounds=", &rounds);
        take_option(line, "seed=", &seed);
        begun = true;
    }
    for (unsigned hart = 0; hart < RT_HARTS; hart++)
        hostile_user_init(hart);
    hostile_repair();
}

// Something must have trapped, and something must not have.
static void end(void)
{
    struct hostile_count all = {0, 0};

    for (unsigned hart = 0; hart < RT_HARTS; hart++) {
        all.tries += hostile_counts[hart].tries;
        all.traps += hostile_counts[hart].traps;
        hostile_counts[hart] = (struct hostile_count){0, 0};
    }
    CHECK(all.traps > 100); // refusals, and requests that a device served
    CHECK(all.tries >= all.traps);
    csr_clear(sstatus, STATUS_SIE | STATUS_FS);
}

static void alone(void (*probe)(unsigned round), unsigned times)
{
    begin();
    for (unsigned round = 0; round < times; round++)
        probe(round);
    end();
}

static void memory(void)
{
    alone(hostile_memory, 8);
}

static void csrs(void)
{
    alone(hostile_csrs, 6);
}

static void calls(void)
{
    alone(hostile_calls, 4);
}

static void rings(void)
{
    alone(hostile_rings, 8);
}

#if HOSTILE_AIA
static void aia(void)
{
    alone(hostile_aia, 4);
}
#endif

static void user(void)
{
    alone(hostile_user_code, 4);
}

static void tell(unsigned round)
{
    uint64_t tries = 0, traps = 0;

    for (unsigned hart = 0; hart < RT_HARTS; hart++) {
        tries += hostile_counts[hart].tries;
        traps += hostile_counts[hart].traps;
    }
    rt_printf("# hostile: round %u, %lu tries, %lu traps and refusals\n", round, tries, traps);
}

// All of it at once, for as long as was asked for.
static void together(void)
{
    begin();
    start(1, (uint64_t)rt_sbi_entry, storm);
    start(2, (uint64_t)rt_sbi_entry, user_code);
    for (unsigned round = 0; !rounds || round < rounds; round++) {
        hostile_memory(round);
        hostile_csrs(round);
        hostile_calls(round);
        hostile_rings(round);
        if (HOSTILE_AIA)
            hostile_aia(round);
        if (rounds != 1)
            tell(round);
    }
    join(1);
    join(2);
    end();
}

// A hart that starts where no code is, and has no handler, traps for ever; another one storms. The machine ends all the same.
static void left_behind(void)
{
    begin();
    start(1, (uint64_t)rt_sbi_entry, storm);
    start(3, RAM, NULL); // zeroes, which are no instruction
    hostile_calls(0);
    hostile_memory(0);
    end();
}

const struct rt_case rt_cases[] = {
    {"memory", memory},
    {"csrs", csrs},
    {"calls", calls},
    {"rings", rings},
#if HOSTILE_AIA
    {"aia", aia},
#endif
    {"user-code", user},
    {"together", together},
    {"left-behind", left_behind},
    {0},
};
