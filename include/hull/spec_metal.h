// SPDX-License-Identifier: Apache-2.0
// The part of a VM's description that matters where Hull owns the machine (hull-metal), and the
// description of that machine: the board. The hosted program reads both and uses neither.
#ifndef HULL_SPEC_METAL_H
#define HULL_SPEC_METAL_H

#include <hull/error.h>
#include <hull/types.h>

#define HULL_SPEC_NAME_MAX 63 // characters of names of VMs, switches, regions and devices
#define HULL_SPEC_SHARED_MAX 4
#define HULL_SPEC_PEERS_MAX 7
#define HULL_SPEC_PASSTHROUGH_MAX 8
#define HULL_SPEC_COLOURS_MAX 64
#define HULL_SPEC_WEIGHT_MAX 1000
#define HULL_SPEC_WEIGHT_DEFAULT 100
#define HULL_SPEC_PRIORITY_MAX 7
#define HULL_SPEC_PRIORITY_DEFAULT 4
#define HULL_SPEC_WATCHDOG_MAX 3600 // seconds
#define HULL_SPEC_LOG_MIN (4u << 10)
#define HULL_SPEC_LOG_MAX (1u << 20)
#define HULL_SPEC_LOG_DEFAULT (16u << 10)

// Guest addresses that the virtual board leaves to what a VM is given besides: physical devices,
// the registers of doorbells (a page for each shared region, in the order of the spec), and shared
// regions.
#define HULL_PASSTHROUGH_BASE 0x50000000ull
#define HULL_PASSTHROUGH_END 0x5ff00000ull
#define HULL_DOORBELL_BASE 0x5ff00000ull
#define HULL_WATCHDOG_BASE 0x5ff10000ull // the watchdog's register
#define HULL_SHARED_BASE 0x60000000ull
#define HULL_SHARED_END 0x80000000ull
// PLIC sources that the virtual board leaves free.
#define HULL_SPEC_IRQ_FIRST 12
#define HULL_SPEC_IRQ_LAST 95

enum policy_action { POLICY_STOP, POLICY_RESTART };

// What becomes of a VM that ends. The first restart comes after `delay`; each further one waits
// twice as long as the one before, up to `delay_max`. A VM that stayed up for `window` has its
// restarts forgotten; one that was restarted `limit` times within it stops for good.
struct policy_spec {
    enum policy_action on_poweroff, on_reset, on_crash, on_watchdog;
    uint32_t delay, delay_max; // seconds
    uint32_t limit;            // restarts; 0: no limit
    uint32_t window;           // seconds
};

enum console_colour {
    COLOUR_AUTO, // by the VM's number
    COLOUR_RED,
    COLOUR_GREEN,
    COLOUR_YELLOW,
    COLOUR_BLUE,
    COLOUR_MAGENTA,
    COLOUR_CYAN,
    COLOUR_WHITE,
};

// A region of memory that several VMs see, by one name. Every VM that takes part says so itself, and
// names the others.
struct shared_spec {
    const char *name;
    uint64_t size;     // bytes, a multiple of 4 KiB; the same in all
    gpa_t address;     // in this guest; 0 in a file: hull_metal_place() chooses
    uint32_t doorbell; // the PLIC source that a peer's ring raises; 0: the same
    bool read_only;    // for this VM
    const char *peers[HULL_SPEC_PEERS_MAX];
    unsigned peer_count;
};

// A physical device that the VM has for itself.
struct passthrough_spec {
    const char *device; // its name on the board
    gpa_t address;      // in this guest; 0 in a file: hull_metal_place() chooses
    uint32_t irq;       // the guest's PLIC source; 0: the same, or the device has no interrupt
    // As the board has it; filled in by hull-metal, for the guest's device tree.
    const char *compatible;
    uint64_t size;
};

struct metal_spec {
    bool pinned;                   // else shared with others, by weight and priority
    uint32_t harts[HULL_CPUS_MAX]; // pinned: the hart of each vCPU
    unsigned hart_count;
    unsigned weight;   // 1 to HULL_SPEC_WEIGHT_MAX: share of time among the same priority
    unsigned priority; // 0 to HULL_SPEC_PRIORITY_MAX, higher ones run first

    uint64_t memory_address; // RAM stands there, for the guest and in fact; 0: anywhere
    uint64_t page_colours;   // a bit for each colour that it may have; 0: any page

    struct policy_spec policy;
    unsigned watchdog; // seconds; 0: none
    bool manual_start; // not started at boot
    bool manager;      // may use the management calls
    bool unsafe_dma;   // may have devices that reach all of memory

    enum console_colour console_colour;
    uint32_t console_log; // bytes of output that are kept
    bool console_first;   // has the keyboard at first

    struct shared_spec shared[HULL_SPEC_SHARED_MAX];
    unsigned shared_count;
    struct passthrough_spec passthrough[HULL_SPEC_PASSTHROUGH_MAX];
    unsigned passthrough_count;
    uint64_t
        timebase; // Hz: what the machine's clock makes, filled in by hull-metal; 0: HULL_TIMEBASE_HZ
    bool present; // hull-metal provides all this: the guest's device tree tells of it
};

#define HULL_BOARD_MEMORY_MAX 8
#define HULL_BOARD_RESERVED_MAX 8
#define HULL_BOARD_DEVICES_MAX 32
#define HULL_BOARD_GUEST_FILES_MAX 63 // the privileged architecture's GEILEN

// The interrupt controllers of a board: a PLIC, an APLIC, or an APLIC and IMSICs.
#define BOARD_PLIC 0x1u
#define BOARD_APLIC 0x2u
#define BOARD_IMSIC 0x4u

struct board_range {
    const char *name; // reserved ranges: what is there; else NULL
    uint64_t address, size;
};

struct board_device {
    const char *name;
    const char *compatible; // for the guest's device tree
    uint64_t address, size;
    uint32_t irq; // source of the interrupt controller; 0: none
    bool dma;     // reads or writes memory by itself
};

// A machine as its file says. hull-metal takes what is really there from the machine's device tree
// and compares.
struct board_spec {
    const char *name;
    uint32_t harts[HULL_CPUS_MAX];
    unsigned hart_count;
    uint64_t timebase; // Hz
    struct board_range memory[HULL_BOARD_MEMORY_MAX];
    unsigned memory_count;
    struct board_range reserved[HULL_BOARD_RESERVED_MAX]; // firmware, hull-metal, the device tree
    unsigned reserved_count;
    uint64_t bundle_address;     // where the boot loader puts the bundle; 0: not known
    uint64_t hypervisor_memory;  // bytes that hull-metal keeps for itself, its image aside
    struct board_device uart;    // its name is NULL
    uint32_t irqchips;           // BOARD_PLIC and so on
    struct board_device irqchip; // the PLIC or the APLIC (S level's domain); its name is NULL
    uint32_t irq_sources;        // 1 to irq_sources
    struct board_device imsic;   // BOARD_IMSIC: the harts' files of S level and of guests
    uint32_t imsic_guest_files;  // of each hart
    uint32_t page_colours;       // of the last-level cache; 0: no colouring
    struct board_device devices[HULL_BOARD_DEVICES_MAX]; // that may be passed through
    unsigned device_count;
};

#endif
