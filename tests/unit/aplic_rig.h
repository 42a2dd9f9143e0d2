// SPDX-License-Identifier: Apache-2.0
// A VM with APLIC and IMSICs, for tests: their registers, wires, and the messages that came.
#ifndef TESTS_UNIT_APLIC_RIG_H
#define TESTS_UNIT_APLIC_RIG_H

#include <hull/msi.h>

#include "core/dev/devices.h"
#include "tests/unit/fake_vm.h"
#include "tests/unit/unit.h"

#define M 0x0c000000ull
#define S 0x0d000000ull
#define SIZE 0x8000
#define IMSIC_M 0x24000000ull
#define IMSIC_S 0x28000000ull
#define SOURCES 96
#define GUESTS 3
#define VCPUS 2

#define DOMAINCFG 0x0000
#define IE 0x100
#define SOURCECFG(source) (4 * (source))
#define DELEGATE 0x400
#define DETACHED 1
#define EDGE1 4
#define EDGE0 5
#define LEVEL1 6
#define LEVEL0 7
#define SETIP(word) (0x1c00 + 4 * (word))
#define SETIPNUM 0x1cdc
#define IN_CLRIP(word) (0x1d00 + 4 * (word))
#define CLRIPNUM 0x1ddc
#define SETIE(word) (0x1e00 + 4 * (word))
#define SETIENUM 0x1edc
#define CLRIE(word) (0x1f00 + 4 * (word))
#define CLRIENUM 0x1fdc
#define SETIPNUM_LE 0x2000
#define SETIPNUM_BE 0x2004
#define GENMSI 0x3000
#define TARGET(source) (0x3000 + 4 * (source))
#define TO(hart, guest, eiid) ((uint32_t)(hart) << 18 | (guest) << 12 | (eiid))
#define IDC(hart, reg) (0x4000 + 32 * (hart) + (reg))
#define IDELIVERY 0x00
#define IFORCE 0x04
#define ITHRESHOLD 0x08
#define TOPI 0x18
#define CLAIMI 0x1c

static struct fake_vm fvm;
static struct device *root;

static inline void add(struct device *dev, gpa_t base, uint64_t size)
{
    assert_non_null(dev);
    assert_int_equal(hull_bus_add(&fvm.vm.bus, dev, base, size), 0);
}

static inline struct device *domain(bool machine, bool msi, struct device *parent)
{
    const struct aplic_config config = {SOURCES, msi ? GUESTS : 0, machine, msi, parent};
    struct device *dev = hull_aplic_create(&fvm.vm, &config);

    add(dev, machine ? M : S, SIZE);
    return dev;
}

// The board with firmware: a machine's domain that can delegate to the supervisor's.
static inline int two_domains(void **state)
{
    fake_vm_init(&fvm, VCPUS);
    add(hull_imsic_create(&fvm.vm, GUESTS), IMSIC_S, VCPUS * 4 * HULL_PAGE_SIZE);
    add(hull_imsic_machine_create(&fvm.vm), IMSIC_M, VCPUS * HULL_PAGE_SIZE);
    root = domain(true, true, NULL);
    domain(false, true, root);
    *state = NULL;
    return 0;
}

static inline int with_msis(void **state)
{
    fake_vm_init(&fvm, VCPUS);
    add(hull_imsic_create(&fvm.vm, GUESTS), IMSIC_S, VCPUS * 4 * HULL_PAGE_SIZE);
    root = domain(false, true, NULL);
    *state = NULL;
    return 0;
}

// Each hart has four pages, the last one of which is nobody's.
static inline int with_a_page_too_many(void **state)
{
    fake_vm_init(&fvm, VCPUS);
    add(hull_imsic_create(&fvm.vm, 2), IMSIC_S, VCPUS * 4 * HULL_PAGE_SIZE);
    *state = NULL;
    return 0;
}

static inline int with_wires(void **state)
{
    fake_vm_init(&fvm, VCPUS);
    root = domain(false, false, NULL);
    *state = NULL;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    fake_vm_fini(&fvm);
    return 0;
}

static inline uint32_t get(gpa_t at)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(hull_bus_read(&fvm.vm.bus, at, 4, &value), 0);
    return (uint32_t)value;
}

static inline void set(gpa_t at, uint32_t value)
{
    assert_int_equal(hull_bus_write(&fvm.vm.bus, at, 4, value), 0);
}

static inline void wire(unsigned source, bool level)
{
    struct irq_wire w = hull_aplic_wire(root, source);

    hull_irq_set(&w, level);
}

// Whether an MSI has come; takes it.
static inline bool came(unsigned vcpu, unsigned file, unsigned identity)
{
    struct msi_inbox *inbox = fvm.vm.vcpus[vcpu].msis;
    uint64_t bit = 1ull << identity % 64;
    bool there = atomic_fetch_and(&inbox->arrived[file][identity / 64], ~bit) & bit;

    assert_true(!there || (atomic_load(&inbox->files) >> file & 1));
    return there;
}

static inline bool nothing_came(void)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < VCPUS; i++)
        for (unsigned file = 0; file < HULL_MSI_FILES; file++)
            for (unsigned word = 0; word < HULL_MSI_WORDS; word++)
                bits |= atomic_load(&fvm.vm.vcpus[i].msis->arrived[file][word]);
    return !bits;
}

static inline void source(gpa_t at, unsigned number, unsigned mode, uint32_t target)
{
    set(at + DOMAINCFG, IE);
    set(at + SOURCECFG(number), mode);
    set(at + TARGET(number), target);
    set(at + SETIENUM, number);
}

#endif
