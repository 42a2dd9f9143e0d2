// SPDX-License-Identifier: Apache-2.0
// The spec validator: what is right passes, each wrong field is named.
#include "tests/unit/unit.h"

#include <hull/spec.h>

static struct vm_spec good(void)
{
    struct vm_spec spec;

    hull_spec_defaults(&spec);
    spec.boot.kernel = "vmlinux";
    return spec;
}

static void passes(const struct vm_spec *spec)
{
    struct spec_error error = {{0}, {0}};

    if (hull_spec_validate(spec, &error))
        fail_msg("%s %s", error.field, error.reason);
}

static void fails_at(const struct vm_spec *spec, const char *field)
{
    struct spec_error error = {{0}, {0}};

    assert_int_equal(hull_spec_validate(spec, &error), -HULL_EINVAL);
    assert_string_equal(error.field, field);
    assert_true(strlen(error.reason) > 3);
}

static void defaults_need_only_something_to_boot(void **state)
{
    struct vm_spec spec;

    (void)state;
    hull_spec_defaults(&spec);
    fails_at(&spec, "boot");
    spec.boot.firmware = "fw.bin";
    passes(&spec);
    assert_int_equal(hull_spec_slots(&spec), 3);
}

static void machine_fields(void **state)
{
    struct vm_spec spec = good();
    char name[65];

    (void)state;
    memset(name, 'n', sizeof(name));
    name[63] = 0;
    spec.name = name;
    passes(&spec);
    name[63] = 'n';
    name[64] = 0;
    fails_at(&spec, "name");
    for (unsigned i = 0; i < 6; i++) {
        spec.name = (const char *[]){NULL, "", "a b", "../x", "-x", "a/b"}[i];
        fails_at(&spec, "name");
    }
    spec = good();
    spec.cpus = 0;
    fails_at(&spec, "cpus");
    spec.cpus = 65;
    fails_at(&spec, "cpus");
    spec.cpus = 64;
    passes(&spec);
    spec.memory = HULL_SPEC_MEMORY_MIN - (2 << 20);
    fails_at(&spec, "memory");
    spec.memory = HULL_SPEC_MEMORY_MIN;
    passes(&spec);
    spec.memory += 1 << 20;
    fails_at(&spec, "memory");
    spec.memory = HULL_SPEC_MEMORY_MAX + (2 << 20);
    fails_at(&spec, "memory");
    spec = good();
    spec.engine = (enum engine_wish)77;
    fails_at(&spec, "engine");
    spec = good();
    spec.interrupts = INTERRUPTS_AIA;
    spec.guest_files = 0;
    passes(&spec);
    spec.guest_files = HULL_SPEC_GUEST_FILES_MAX + 1;
    fails_at(&spec, "guest_files");
    spec = good();
    spec.interrupts = (enum interrupt_kind)3;
    fails_at(&spec, "interrupts");
}

static void boot_fields(void **state)
{
    struct vm_spec spec = good();
    char append[HULL_SPEC_APPEND_MAX + 2];

    (void)state;
    memset(append, 'a', sizeof(append));
    append[HULL_SPEC_APPEND_MAX + 1] = 0;
    spec.boot.append = append;
    fails_at(&spec, "boot.append");
    append[HULL_SPEC_APPEND_MAX] = 0;
    passes(&spec);
    append[5] = '\n';
    fails_at(&spec, "boot.append");
    spec.boot.append = NULL;
    spec.boot.initrd = "";
    fails_at(&spec, "boot.initrd");
    spec.boot.kernel = "";
    fails_at(&spec, "boot.kernel");
    spec.boot = (struct boot_spec){.firmware = "fw", .initrd = "rd"};
    fails_at(&spec, "boot.initrd");
    spec.boot = (struct boot_spec){.firmware = "fw", .append = "quiet"};
    fails_at(&spec, "boot.append");
    spec.boot = (struct boot_spec){.firmware = ""};
    fails_at(&spec, "boot.firmware");
}

static void disks(void **state)
{
    struct vm_spec spec = good();

    (void)state;
    spec.disk_count = 2;
    spec.disks[0].file = "a.img";
    fails_at(&spec, "disks[1].file");
    spec.disks[1].file = "a.img";
    spec.disks[1].read_only = true;
    fails_at(&spec, "disks[1].file");
    spec.disks[0].read_only = true;
    passes(&spec);
    spec.disks[0].id = "disk1"; // the name that the other one has by its place
    fails_at(&spec, "disks[1].id");
    spec.disks[1].id = "data";
    passes(&spec);
    spec.disks[1].id = "twenty-one-characters";
    fails_at(&spec, "disks[1].id");
    spec.disks[1].id = "";
    fails_at(&spec, "disks[1].id");
    spec.disk_count = HULL_SPEC_DISKS_MAX + 1;
    fails_at(&spec, "disks");
}

static void nets(void **state)
{
    struct vm_spec spec = good();

    (void)state;
    spec.net_count = 2;
    spec.nets[1].kind = NET_TAP;
    fails_at(&spec, "nets[1].tap");
    spec.nets[1].tap = "a-name-too-long-";
    fails_at(&spec, "nets[1].tap");
    spec.nets[1].tap = "a/b";
    fails_at(&spec, "nets[1].tap");
    spec.nets[1].tap = "..";
    fails_at(&spec, "nets[1].tap");
    spec.nets[1].tap = "tap0";
    passes(&spec);
    spec.nets[0].tap = "tap0";
    fails_at(&spec, "nets[0].tap");
    spec.nets[0].kind = NET_TAP;
    fails_at(&spec, "nets[1].tap");
    spec.nets[0] = (struct net_spec){.mac = {1, 2, 3, 4, 5, 6}};
    fails_at(&spec, "nets[0].mac");
    spec.nets[0].mac[0] = 2;
    passes(&spec);
    memcpy(spec.nets[1].mac, spec.nets[0].mac, 6);
    fails_at(&spec, "nets[1].mac");
    spec.nets[1] = (struct net_spec){.kind = (enum net_kind)9};
    fails_at(&spec, "nets[1].kind");
    spec.net_count = HULL_SPEC_NETS_MAX + 1;
    fails_at(&spec, "nets");
}

static void published_ports(void **state)
{
    struct vm_spec spec = good();
    struct publish_spec *p = spec.nets[0].publish;

    (void)state;
    spec.net_count = 2;
    spec.nets[0].publish_count = 2;
    p[0] = (struct publish_spec){NULL, 2222, 22, false};
    fails_at(&spec, "nets[0].publish[1]");
    p[1] = (struct publish_spec){NULL, 2222, 0, true};
    fails_at(&spec, "nets[0].publish[1]");
    p[1].guest_port = 53;
    passes(&spec); // the same port of another protocol
    p[1].udp = false;
    fails_at(&spec, "nets[0].publish[1]");
    p[1].host_addr = "127.0.0.2";
    passes(&spec);
    p[1].host_addr = "127.0.0.1"; // what NULL means
    fails_at(&spec, "nets[0].publish[1]");
    p[1].host_addr = "0.0.0.0";
    fails_at(&spec, "nets[0].publish[1]");
    for (unsigned i = 0; i < 6; i++) {
        p[1].host_addr =
            (const char *[]){"", "1.2.3", "1.2.3.256", "1.2.3.4.5", "1..2.3", "0001.2.3.4"}[i];
        fails_at(&spec, "nets[0].publish[1]");
    }
    spec.nets[0].publish_count = 1;
    spec.nets[1].publish_count = 1;
    spec.nets[1].publish[0] = p[0];
    fails_at(&spec, "nets[1].publish[0]");
    spec.nets[1].kind = NET_NONE;
    fails_at(&spec, "nets[1].publish");
    spec.nets[0].publish_count = HULL_SPEC_PUBLISH_MAX + 1;
    fails_at(&spec, "nets[0].publish");
}

static void console_and_slots(void **state)
{
    struct vm_spec spec = good();

    (void)state;
    spec.console = CONSOLE_FILE;
    fails_at(&spec, "console_path");
    spec.console_path = "log";
    passes(&spec);
    spec.console = CONSOLE_PTY;
    fails_at(&spec, "console_path");
    spec.console_path = NULL;
    spec.console = (enum console_kind)42;
    fails_at(&spec, "console");
    spec = good();
    spec.disk_count = 6;
    for (unsigned i = 0; i < 6; i++)
        spec.disks[i].file = (const char *[]){"a", "b", "c", "d", "e", "f"}[i];
    fails_at(&spec, "devices"); // 6 disks, a network, rng, balloon
    spec.balloon = false;
    passes(&spec);
    spec.virtio_console = true;
    fails_at(&spec, "devices");
    spec.nets[0].kind = NET_NONE;
    passes(&spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_need_only_something_to_boot),
        cmocka_unit_test(machine_fields),
        cmocka_unit_test(boot_fields),
        cmocka_unit_test(disks),
        cmocka_unit_test(nets),
        cmocka_unit_test(published_ports),
        cmocka_unit_test(console_and_slots),
    };
    return cmocka_run_group_tests_name("core/spec", tests, NULL, NULL);
}
