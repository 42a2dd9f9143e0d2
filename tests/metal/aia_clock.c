// SPDX-License-Identifier: Apache-2.0
// A guest with AIA and a physical device, whose wire the host's APLIC turns into messages for it: edges, levels, what
// is pending, and targets that it must not have. Whatever its interrupts cost, the hypervisor counts.
#include "tests/metal/clock.h"

#define IDENTITY 7
#define EDGES 2000
#define LEVELS 100
#define SOON 20000ull // ns
#define BEAT 10000000ull
#define PATIENCE 50000000ull // ticks
#define BIT_OF_SOURCE (1u << SOURCE % 32)

static void check(bool good, const char *what)
{
    put_text(good ? "ok " : "not ok ");
    put_text(what);
    put_text("\n");
}

// Without leaving the guest. 0: nothing came.
static uint32_t wait(uint64_t ticks)
{
    uint32_t identity = 0;

    for (uint64_t end = csr_get(time) + ticks; !identity && csr_get(time) < end;)
        identity = file_claim();
    return identity;
}

static bool quiet(void)
{
    return !wait(30000);
}

static bool pending(void)
{
    return *aplic(SETIP) & BIT_OF_SOURCE;
}

static bool input(void)
{
    return *aplic(IN_CLRIP) & BIT_OF_SOURCE;
}

static bool interrupts(unsigned times, bool level)
{
    bool good = true;

    for (unsigned i = 0; i < times && good; i++) {
        clock_alarm(SOON);
        good = wait(PATIENCE) == IDENTITY;
        clock_clear();
        if (level)
            *aplic(SETIPNUM_LE) = SOURCE;
    }
    return good && quiet();
}

static void check_levels(void)
{
    bool good;

    *aplic(SOURCECFG) = LEVEL1;
    check(interrupts(LEVELS, true), "levels, each once");
    clock_alarm(0);
    good = wait(PATIENCE) == IDENTITY && quiet() && input();
    *aplic(SETIPNUM_LE) = SOURCE;
    good = good && wait(PATIENCE) == IDENTITY && quiet();
    clock_clear();
    *aplic(SETIPNUM_LE) = SOURCE;
    check(good && quiet() && !input(), "a level that is still there, when it is asked for");
}

// The alarm has come and gone, and is pending or not.
static void pulse(void)
{
    clock_alarm(0);
    clock_clear();
}

static void check_pending(void)
{
    bool good;

    *aplic(SOURCECFG) = EDGE1;
    *aplic(CLRIENUM) = SOURCE;
    pulse();
    good = pending() && quiet();
    *aplic(SETIENUM) = SOURCE;
    check(good && wait(PATIENCE) == IDENTITY && !pending() && quiet(),
          "one that is not enabled waits");
    *aplic(DOMAINCFG) = 0;
    pulse();
    good = pending() && quiet();
    *aplic(DOMAINCFG) = DOMAINCFG_IE;
    check(good && wait(PATIENCE) == IDENTITY && !pending() && quiet(),
          "and while the domain is off");
    *aplic(CLRIENUM) = SOURCE;
    pulse();
    *aplic(CLRIPNUM) = SOURCE;
    good = !pending();
    *aplic(SETIENUM) = SOURCE;
    check(good && quiet(), "one that is taken back");
    *aplic(SETIPNUM_LE) = SOURCE;
    check(wait(PATIENCE) == IDENTITY && quiet(), "one that was never there");
    *aplic(SOURCECFG) = 0;
    pulse();
    check(!pending() && !*aplic(TARGET) && quiet(), "nothing from a source that is inactive");
}

// Into which files ever: this guest has one.
static void check_targets(void)
{
    static const uint32_t targets[] = {
        TO(0, 0, 0),     TO(0, 0, 256),           TO(0, 0, 300),
        TO(0, 0, 0x7ff), TO(1, 0, IDENTITY),      TO(1, 0, 1),
        TO(1, 0, 2),     TO(1, 1, IDENTITY),      TO(1, 2, IDENTITY),
        TO(2, 1, 1),     TO(0x3fff, 0x3f, 0x7ff),
    };
    bool good = true;

    clock_wire(EDGE1, TO(0, 0, IDENTITY));
    for (unsigned i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        *aplic(TARGET) = targets[i];
        pulse();
        good = good && !wait(3000);
        *aplic(CLRIPNUM) = SOURCE;
    }
    *aplic(TARGET) = TO(0, 1, IDENTITY); // there are no guest files in a guest
    pulse();
    good = good && wait(PATIENCE) == IDENTITY;
    *aplic(TARGET) = TO(0, 0, 255);
    pulse();
    check(good && wait(PATIENCE) == 255 && quiet(), "targets are its own harts and identities");
}

void guest_main(uint64_t hartid)
{
    (void)hartid;
    file_put(EIDELIVERY, 1);
    file_put(EITHRESHOLD, 0);
    for (unsigned word = 0; word < 8; word += 2)
        file_put(EIE0 + word, UINT64_MAX);
    clock_clear();
    clock_wire(EDGE1, TO(0, 0, IDENTITY));
    while (file_claim())
        ;
    check(interrupts(EDGES, false), "edges, each once");
    put_text("clock: edges\n");
    check_levels();
    check_pending();
    check_targets();
    *aplic(TARGET) = TO(0, 0, IDENTITY);
    for (unsigned beats = 1; beats <= 200; beats++) {
        clock_alarm(BEAT);
        if (wait(PATIENCE * 10) != IDENTITY)
            put_text("not ok a beat is missed\n");
        clock_clear();
        if (beats % 20 == 0)
            put_text("clock: beats\n");
    }
    put_text("clock: done\n");
    power_off();
}
