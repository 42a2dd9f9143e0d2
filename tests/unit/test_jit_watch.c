// SPDX-License-Identifier: Apache-2.0
// Watching the translator: what is printed of the hottest regions, counts that are exact, names for perf,
// and code that went when its memory was full.
#include "tests/unit/jit_rig.h"

#include <stdio.h>

#include "engine/jit/watch.h"

static const char *symbol(void *ctx, uint64_t address, uint64_t *start)
{
    (void)ctx;
    *start = CODE;
    return address >= CODE && address < CODE + 0x1000 ? "program" : NULL;
}

struct seen {
    struct jit_watch *watch;
    FILE *map;
    char *text;
    size_t size;
};

static void watch_start(struct seen *seen, struct rig *rig, unsigned regions)
{
    struct jit_watch_options options = {.trace = true, .regions = regions, .symbol = symbol};

    seen->map = tmpfile();
    assert_non_null(seen->map);
    options.map = seen->map;
    seen->watch = jit_watch_create(&rig->m[JIT].vm, &options);
    assert_non_null(seen->watch);
}

static void watch_print(struct seen *seen)
{
    FILE *to = open_memstream(&seen->text, &seen->size);

    assert_non_null(to);
    jit_watch_print(seen->watch, to);
    fclose(to);
}

// The VM first, as the program does it.
static void watch_end(struct seen *seen, void **state)
{
    struct rig *rig = *state;

    hull_vm_fini(&rig->m[JIT].vm);
    jit_watch_destroy(seen->watch);
    fclose(seen->map);
    free(seen->text);
}

static void shows(const struct seen *seen, const char *what)
{
    if (!strstr(seen->text, what))
        print_error("%s\nhas no: %s\n", seen->text, what);
    assert_non_null(strstr(seen->text, what));
}

static bool map_has(struct seen *seen, const char *name)
{
    char line[200];

    rewind(seen->map);
    while (fgets(line, sizeof(line), seen->map)) {
        char *end = strchr(line, '\n'), *at = line;

        assert_non_null(end);
        *end = '\0';
        assert_true(strtoull(at, &at, 16) != 0 && *at == ' ');
        assert_true(strtoull(at, &at, 16) != 0 && *at == ' ');
        if (!strcmp(at + 1, name))
            return true;
    }
    return false;
}

// 50 rounds, in 20 of which the branch is not taken.
#define LOOP                                \
    0x00000513,     /* li a0, 0 */          \
        0x03200593, /* li a1, 50 */         \
        0x00150513, /* 1: addi a0, a0, 1 */ \
        0x01452613, /* slti a2, a0, 20 */   \
        0x00060463, /* beqz a2, 2f */       \
        0x00168693, /* addi a3, a3, 1 */    \
        0xfeb518e3, /* 2: bne a0, a1, 1b */ \
        ECALL

static void test_counts_are_exact(void **state)
{
    struct rig *rig = *state;
    struct seen seen;

    watch_start(&seen, rig, 10);
    PROGRAM(rig, LOOP);
    run(rig);
    assert_int_equal(rig->m[JIT].state.x[13], 19);
    watch_print(&seen);
    shows(&seen, "#1  100.00%  program [S]  at 0x80000000\n");
    shows(&seen, "             1  0000000080000000  li a0,0\n");
    shows(&seen, "                0000000080000004  li a1,50\n");
    shows(&seen, "            50  0000000080000008  addi a0,a0,1\n");
    shows(&seen, "            19  0000000080000014  addi a3,a3,1\n");
    shows(&seen, "            50  0000000080000018  bne a0,a1,0x80000008\n");
    shows(&seen, "                          branch a0 != a1, 0x80000008\n");
    shows(&seen, "                          out of line\n");
    assert_true(map_has(&seen, "program [S]"));
    assert_true(map_has(&seen, "hull:leave"));
    // It goes on.
    free(seen.text);
    SET(rig, pc, CODE);
    run(rig);
    watch_print(&seen);
    shows(&seen, "             2  0000000080000000  li a0,0\n");
    shows(&seen, "           100  0000000080000018  bne a0,a1,0x80000008\n");
    watch_end(&seen, state);
}

// The first region of all is the hottest one, and its code is gone many times.
static void test_code_that_went(void **state)
{
    enum { FUNCTIONS = 2000 };
    static uint32_t words[FUNCTIONS * 4];
    struct rig *rig;
    struct seen seen;

    setenv("HULL_JIT_CACHE", "64", 1);
    set_up((void **)&rig);
    unsetenv("HULL_JIT_CACHE");
    watch_start(&seen, rig, 1);
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        const uint32_t function[] = {0x00150513, // addi a0, a0, 1
                                     0x00a5c5b3, // xor a1, a1, a0
                                     0x0080006f, // j .+8
                                     0xffffffff};

        memcpy(words + 4 * i, function, sizeof(function));
    }
    put(rig, DATA, words, sizeof(words));
    {
        // Behind the last one: back to the start, twice.
        static const uint32_t end[] = {0xfff60613, 0x00060463, 0x00070067, ECALL};

        put(rig, DATA + sizeof(words), end, sizeof(end));
    }
    PROGRAM(rig, 0x7d000693, // li a3, 2000
            0xfff68693,      // 1: addi a3, a3, -1
            0xfe069ee3,      // bnez a3, 1b
            0x00070067);     // jr a4
    SET(rig, x[12], 2);
    SET(rig, x[14], DATA);
    run(rig);
    SET(rig, pc, CODE);
    SET(rig, x[12], 2);
    run(rig);
    watch_print(&seen);
    shows(&seen, "  program [S]  at 0x80000000\n");
    shows(&seen, "          4000  0000000080000004  addi a3,a3,-1\n");
    shows(&seen, "translated 2 times");
    assert_null(strstr(seen.text, "#2"));
    assert_null(strstr(seen.text, "is gone"));
    watch_end(&seen, (void **)&rig);
    *state = rig;
}

// With no memory to keep anything, code runs all the same.
static void test_no_memory_to_watch(void **state)
{
    struct rig *rig = *state;
    struct seen seen;

    PROGRAM(rig, LOOP);
    watch_start(&seen, rig, 10);
    rig->m[JIT].fake.fail_alloc = 0;
    run(rig);
    rig->m[JIT].fake.fail_alloc = -1;
    watch_print(&seen);
    shows(&seen, "0 regions");
    watch_end(&seen, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_counts_are_exact),
        cmocka_unit_test_teardown(test_code_that_went, tear_down),
        TEST(test_no_memory_to_watch),
    };

    return cmocka_run_group_tests_name("jit_watch", tests, NULL, NULL);
}
