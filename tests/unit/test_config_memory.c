// SPDX-License-Identifier: Apache-2.0
// Running out of memory at any allocation of ours while a configuration is read ends in a fault,
// never in a crash, a leak or a configuration that passes for whole.
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdlib.h>

#include "host/config/config.h"

// Linked in place of the libc's for our objects; jansson is given the same ones.
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static unsigned allowed = UINT32_MAX; // allocations that still succeed

static bool refuse(void)
{
    if (allowed == UINT32_MAX)
        return false;
    if (!allowed)
        return true;
    allowed--;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse() ? NULL : __real_calloc(count, size);
}

static const char document[] =
    "{\"name\":\"web\",\"memory\":\"512M\",\"boot\":{\"kernel\":\"k\",\"initrd\":\"i\",\"append\":"
    "\"a\"},\"disks\":[{\"file\":\"d0\",\"id\":\"r\"}],\"net\":[{\"backend\":\"user\",\"publish\":["
    "\"10.0.0.1:53:5353/udp\"]},{\"backend\":\"tap\",\"tap\":\"t0\"}],\"console\":\"file:log\","
    "\"shared_memory\":[{\"name\":\"m\",\"size\":\"1M\",\"peers\":[\"b\"]}],\"passthrough\":[{\"device\":"
    "\"rtc\"}]}";

// Whether the document is read when only so many allocations succeed.
static bool reads_with(unsigned allocations)
{
    struct vm_config config;
    hull_config_init(&config);
    allowed = allocations;
    bool read = !hull_config_parse(&config, "dir/vm.json", document, sizeof(document) - 1);
    allowed = UINT32_MAX;
    assert_true(read || config.fault_count > 0);
    if (read) {
        assert_int_equal(hull_config_check(&config, false), 0);
        assert_string_equal(config.spec.console_path, "dir/log");
        assert_string_equal(config.spec.nets[1].tap, "t0");
        assert_string_equal(config.spec.nets[0].publish[0].host_addr, "10.0.0.1");
        assert_string_equal(config.spec.disks[0].id, "r");
        assert_string_equal(config.spec.metal.shared[0].peers[0], "b");
        assert_string_equal(config.spec.metal.passthrough[0].device, "rtc");
    }
    hull_config_free(&config);
    return read;
}

static void a_failed_allocation_is_a_fault(void **state)
{
    (void)state;
    unsigned allocations = 0;
    json_set_alloc_funcs(__wrap_malloc, free);
    while (!reads_with(allocations))
        assert_true(++allocations < 1000);
    assert_true(allocations > 20);
}

static void faults_without_memory_still_count(void **state)
{
    (void)state;
    struct vm_config config;
    char *out = NULL;
    size_t size;
    hull_config_init(&config);
    allowed = 0;
    hull_config_fault_at(&config, NULL, "cpus", "is wrong");
    allowed = UINT32_MAX;
    assert_int_equal(config.fault_count, 1);
    FILE *to = open_memstream(&out, &size);
    hull_config_print_faults(&config, to, "hull: ");
    fclose(to);
    assert_string_equal(out, "hull: there is no memory left\n");
    free(out);
    hull_config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_is_a_fault),
        cmocka_unit_test(faults_without_memory_still_count),
    };
    return cmocka_run_group_tests_name("host/config memory", tests, NULL, NULL);
}
