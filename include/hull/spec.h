// SPDX-License-Identifier: Apache-2.0
// The one description of a VM. Producers: the command line and the JSON file (host/config), the
// bundle (metal), C literals (tests). Strings are borrowed from the producer.
#ifndef HULL_SPEC_H
#define HULL_SPEC_H

#include <hull/error.h>
#include <hull/spec_metal.h>
#include <hull/types.h>

#define HULL_SPEC_DISKS_MAX 6
#define HULL_SPEC_NETS_MAX 4
#define HULL_SPEC_PUBLISH_MAX 16
#define HULL_SPEC_VIRTIO_MAX 8 // slots on the board: disks + nets + rng + balloon + console
#define HULL_SPEC_MEMORY_MIN (16ull << 20)
#define HULL_SPEC_MEMORY_MAX (1024ull << 30)
#define HULL_SPEC_APPEND_MAX 2047 // characters of boot.append

enum engine_wish { ENGINE_AUTO, ENGINE_INTERP, ENGINE_JIT };

// What brings devices' interrupts to the harts.
enum interrupt_kind {
    INTERRUPTS_PLIC,
    INTERRUPTS_APLIC, // an APLIC with wires to the harts
    INTERRUPTS_AIA,   // an APLIC that sends MSIs to the harts' IMSICs
};
#define HULL_SPEC_GUEST_FILES_MAX 7
#define HULL_SPEC_GUEST_FILES_DEFAULT 7

enum console_kind {
    CONSOLE_STDIO,
    CONSOLE_FILE, // output only, to `path`
    CONSOLE_PTY,
    CONSOLE_UNIX, // listens on the socket `path`
    CONSOLE_NONE,
};

enum net_kind {
    NET_USER,
    NET_TAP,
    NET_NONE,   // no device, no slot
    NET_SWITCH, // a port of a switch between VMs (hull-metal); hosted, nobody is at its other end
};

struct boot_spec {
    const char *kernel, *initrd, *append, *firmware; // file names, kernel command line; NULL: none
};

struct disk_spec {
    const char *file;
    const char *id; // NULL: "diskN"; at most 20 bytes, told to the guest as the serial
    bool read_only;
};

struct publish_spec {      // a host port handed to a guest port
    const char *host_addr; // NULL: 127.0.0.1
    uint16_t host_port, guest_port;
    bool udp;
};

struct net_spec {
    enum net_kind kind;
    const char *tap; // interface name, NET_TAP
    const char
        *switch_name; // NET_SWITCH; of other kinds, the switch that it means on metal, or NULL
    uint8_t mac[6];   // all zero: made from the VM's name and the index
    struct publish_spec publish[HULL_SPEC_PUBLISH_MAX];
    unsigned publish_count;
};

struct vm_spec {
    const char *name; // letters, digits, '-', '_', '.'; at most 63
    unsigned cpus;
    uint64_t memory; // bytes, a multiple of 2 MiB
    enum engine_wish engine;
    struct boot_spec boot;
    struct disk_spec disks[HULL_SPEC_DISKS_MAX];
    unsigned disk_count;
    struct net_spec nets[HULL_SPEC_NETS_MAX];
    unsigned net_count;
    enum console_kind console;
    const char *console_path;
    bool virtio_console; // the board's UART is always there; this adds hvc0 on the same terminal
    bool rng, balloon;
    enum interrupt_kind interrupts;
    unsigned guest_files; // guest interrupt files of each hart, INTERRUPTS_AIA
    bool no_hypervisor; // harts without the H extension; guests of hull-metal have none either way
    struct metal_spec metal;
};

struct spec_error {
    char field[64];   // "disks[1].id"
    char reason[192]; // "is used twice (also by disks[0])"
};

// A spec with the defaults: 1 CPU, 1 GiB, auto, stdio, one user network, rng and balloon.
void hull_spec_defaults(struct vm_spec *spec);

// The virtio slots that the spec's devices take.
unsigned hull_spec_slots(const struct vm_spec *spec);

// The MAC address of network `index`: the one in the spec, or one made of the VM's name.
void hull_spec_mac(const struct vm_spec *spec, unsigned index, uint8_t mac[6]);

// Where faults go, one call each. `vm` counts from 0; HULL_SPEC_BOARD stands for the board.
#define HULL_SPEC_BOARD UINT32_MAX
struct spec_sink {
    void (*fault)(void *ctx, unsigned vm, const struct spec_error *error);
    void *ctx;
};

// Checks the whole description, before anything is allocated. 0, or -HULL_EINVAL with the first
// fault named. Whether files exist is the producer's affair.
HULL_MUST_CHECK int hull_spec_validate(const struct vm_spec *spec, struct spec_error *error);
// The same; reports every fault, as one of VM number `vm`.
HULL_MUST_CHECK int hull_spec_validate_all(const struct vm_spec *spec, unsigned vm,
                                           const struct spec_sink *sink);

// What hull_spec_defaults() does for a board, and the check of one alone: 0 or -HULL_EINVAL.
void hull_board_defaults(struct board_spec *board);
HULL_MUST_CHECK int hull_board_validate(const struct board_spec *board,
                                        const struct spec_sink *sink);

// The device of that name; NULL: there is none.
const struct board_device *hull_board_device(const struct board_spec *board, const char *name);

// Chooses guest addresses and interrupts for shared regions and physical devices whose file names
// none. What the board does not have, or what there is no room for, is left for the validator.
void hull_metal_place(const struct board_spec *board, struct vm_spec *spec);

// Whether valid VMs fit onto a valid board and go together: harts, memory, names, devices, shared
// regions, switches. `bundle_size`: bytes that their images take. 0 or -HULL_EINVAL.
HULL_MUST_CHECK int hull_metal_validate(const struct board_spec *board,
                                        const struct vm_spec *const specs[], unsigned count,
                                        uint64_t bundle_size, const struct spec_sink *sink);

#endif
