// SPDX-License-Identifier: Apache-2.0
// libFuzzer: the bundle's reader. The first byte says what the input is: a bundle as it stands (0), one
// that gets the right checksums (1), or changes to a good one, which then gets the right checksums (2:
// an offset of 2 bytes, a byte each). What is accepted must be valid, and every byte of it readable.
#include <string.h>

#include <hull/bundle.h>

#include "tests/fuzz/input.h"
#include "tests/unit/bundle_maker.h"

static void touch_text(const char *text)
{
    if (text)
        fuzz_touch(text, strlen(text) + 1);
}

static void touch_blob(const struct bundle *bundle, const struct bundle_blob *blob)
{
    struct bundle_error error;

    if (!blob->data)
        return;
    fuzz_touch(blob->data, blob->size);
    (void)!hull_bundle_check_blob(bundle, blob, &error);
}

static void touch_vm(const struct bundle *bundle, const struct bundle_vm *vm)
{
    const struct vm_spec *spec = &vm->spec;
    struct spec_error fault;

    FUZZ_CHECK(!hull_spec_validate(spec, &fault));
    FUZZ_CHECK(vm->kernel.data);
    touch_text(spec->name);
    touch_text(spec->boot.append);
    touch_blob(bundle, &vm->kernel);
    touch_blob(bundle, &vm->initrd);
    for (unsigned i = 0; i < spec->disk_count; i++) {
        touch_text(spec->disks[i].id);
        FUZZ_CHECK(vm->disks[i].data && vm->disks[i].size % 512 == 0);
        touch_blob(bundle, &vm->disks[i]);
    }
    for (unsigned i = 0; i < spec->net_count; i++)
        touch_text(spec->nets[i].switch_name);
    for (unsigned i = 0; i < spec->metal.shared_count; i++)
        touch_text(spec->metal.shared[i].name);
    for (unsigned i = 0; i < spec->metal.passthrough_count; i++)
        touch_text(spec->metal.passthrough[i].device);
}

static void read_bundle(const uint8_t *data, size_t size)
{
    static struct bundle_vm vms[HULL_BUNDLE_VMS_MAX];
    struct bundle bundle;
    struct bundle_error error = {{0}};

    if (hull_bundle_open(&bundle, data, size, &error)) {
        FUZZ_CHECK(error.reason[0]);
        return;
    }
    FUZZ_CHECK(bundle.vm_count >= 1 && bundle.vm_count <= HULL_BUNDLE_VMS_MAX);
    FUZZ_CHECK(bundle.size <= size);
    if (hull_bundle_read_vms(&bundle, vms, &error)) {
        FUZZ_CHECK(error.reason[0]);
        return;
    }
    for (unsigned i = 0; i < bundle.vm_count; i++)
        touch_vm(&bundle, &vms[i]);
    (void)!hull_bundle_check_all(&bundle, &error);
}

static void change_good_one(struct input *in)
{
    struct bundle_maker maker;

    bundle_maker_init(&maker);
    bundle_make(&maker);
    while (input_more(in)) {
        uint64_t at = input_number(in, 2) % maker.size;

        maker.data[at] = input_byte(in);
    }
    bundle_seal(maker.data, maker.size);
    read_bundle(maker.data, maker.size);
    free(maker.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    unsigned mode = input_byte(&in) % 3;
    uint8_t *copy;

    if (mode == 2) {
        change_good_one(&in);
        return 0;
    }
    copy = malloc(in.left ? in.left : 1); // its own size: the sanitizer sees each overrun
    memcpy(copy, in.data, in.left);
    if (mode == 1)
        bundle_seal(copy, in.left);
    read_bundle(copy, in.left);
    free(copy);
    return 0;
}
