// SPDX-License-Identifier: Apache-2.0
// The command line as a whole, with a hull_run_vm() of our own that looks at what it would run: how
// options and file go together, which mistakes are refused, and with which exit code.
#include "tests/unit/unit.h"

#include <hull/env.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/cli/cli.h"

static struct {
    char *spec; // as `hull check` would describe it; NULL: nothing was run
    struct run_options options;
    char said[16384]; // on stderr
} seen;

int hull_run_vm(const struct vm_spec *spec, const struct run_options *options)
{
    size_t size;
    FILE *to = open_memstream(&seen.spec, &size);
    hull_cli_describe(spec, to);
    fclose(to);
    seen.options = *options;
    return 42;
}

static void forget(void)
{
    free(seen.spec);
    memset(&seen, 0, sizeof(seen));
}

// Runs `hull ARGS`, the arguments being separated by '|'.
static int hull(const char *args)
{
    char copy[4096] = "hull|", *next = copy, *argv[128];
    int argc = 0, kept = dup(STDERR_FILENO), said = memfd_create("stderr", 0);
    forget();
    strncat(copy, args, sizeof(copy) - 6);
    while (next)
        argv[argc++] = strsep(&next, "|");
    argv[argc] = NULL;
    dup2(said, STDERR_FILENO);
    int code = hull_cli_main(argc, argv);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    ssize_t length = pread(said, seen.said, sizeof(seen.said) - 1, 0);
    assert_true(length >= 0);
    close(kept);
    close(said);
    return code;
}

static void assert_runs(const char *args)
{
    int code = hull(args);
    if (code != 42)
        fail_msg("'%s' is refused: %s", args, seen.said);
    assert_string_equal(seen.said, "");
}

static void assert_spec_has(const char *text)
{
    if (!strstr(seen.spec, text))
        fail_msg("'%s' is not in: %s", text, seen.spec);
}

static void assert_spec_lacks(const char *text)
{
    if (strstr(seen.spec, text))
        fail_msg("'%s' is in: %s", text, seen.spec);
}

// Refused as a usage error that says `text`, and nothing is run.
static void assert_refused(const char *args, const char *text)
{
    int code = hull(args);
    if (code != HULL_EXIT_USAGE || seen.spec || !strstr(seen.said, text))
        fail_msg("'%s': exit code %d, says: %s", args, code, seen.said);
    assert_int_equal(strncmp(seen.said, "hull: ", 6), 0);
}

// A folder with a kernel, disks and a configuration; it is the working folder during the tests.
static int enter_folder(void **state)
{
    static char folder[] = "/tmp/hull-options-XXXXXX";
    static const char *const empty[] = {"k", "i", "fw", "a.img", "b.img", "a,b.img"};
    if (!mkdtemp(folder) || chdir(folder))
        return -1;
    *state = folder;
    for (size_t i = 0; i < HULL_ARRAY_SIZE(empty); i++)
        fclose(fopen(empty[i], "w"));
    FILE *file = fopen("vm.json", "w");
    fputs(
        "{\"cpus\": 2, \"memory\": \"256M\", \"boot\": {\"kernel\": \"k\", \"append\": \"quiet\"},\n"
        "\"disks\": [{\"file\": \"a.img\"}], \"console\": \"pty\", \"rng\": false,\n"
        "\"net\": [{\"backend\": \"tap\", \"tap\": \"t0\"},\n"
        "{\"backend\": \"user\", \"publish\": [\"8080:80\"]}]}",
        file);
    return fclose(file);
}

static int leave_folder(void **state)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
    forget();
    return chdir("/") || system(command);
}

static void options_alone_describe_a_vm(void **state)
{
    (void)state;
    assert_runs(
        "run|--kernel|k|--initrd=i|--append|console=ttyS0 a=b|--cpus=4|--memory|512M|--name|x"
        "|--firmware|fw|--engine|interp|--disk|a.img|--disk=b.img,ro,id=data|--net|user,"
        "mac=52:54:00:00:00:01|--publish|22:22|--publish=0.0.0.0:53:5353/udp|--console|none"
        "|--virtio-console|--no-rng|--no-balloon");
    assert_string_equal(seen.spec, "VM 'x': 4 CPUs, 512 MiB of memory, engine interp\n"
                                   "  firmware  fw\n"
                                   "  kernel    k\n"
                                   "  initrd    i\n"
                                   "  append    console=ttyS0 a=b\n"
                                   "  disk 0    a.img, id disk0\n"
                                   "  disk 1    b.img, read-only, id data\n"
                                   "  net 0     user network, 52:54:00:00:00:01\n"
                                   "            host 127.0.0.1:22 to guest port 22/tcp\n"
                                   "            host 0.0.0.0:53 to guest port 5353/udp\n"
                                   "  console   none\n"
                                   "  devices   virtio console\n");
}

static void the_file_alone_describes_a_vm(void **state)
{
    (void)state;
    assert_runs("run|vm.json");
    assert_string_equal(seen.spec, "VM 'vm': 2 CPUs, 256 MiB of memory, engine auto\n"
                                   "  kernel    k\n"
                                   "  append    quiet\n"
                                   "  disk 0    a.img, id disk0\n"
                                   "  net 0     tap interface t0, MAC address made from the name\n"
                                   "  net 1     user network, MAC address made from the name\n"
                                   "            host 127.0.0.1:8080 to guest port 80/tcp\n"
                                   "  console   pty\n"
                                   "  devices   balloon\n");
}

static void options_win_over_the_file(void **state)
{
    (void)state;
    assert_runs("run|--cpus|3|vm.json|--append|verbose|--rng|--console|stdio|--memory|1G");
    assert_spec_has("VM 'vm': 3 CPUs, 1 GiB");
    assert_spec_has("append    verbose");
    assert_spec_has("console   stdio");
    assert_spec_has("rng, balloon");
    assert_spec_has("kernel    k");
}

static void the_last_of_a_repeated_option_wins(void **state)
{
    (void)state;
    assert_runs("run|vm.json|--cpus|3|--cpus|5|--no-rng|--rng");
    assert_spec_has("5 CPUs");
    assert_spec_has("rng");
}

static void disks_are_added_after_those_of_the_file(void **state)
{
    (void)state;
    assert_runs("run|vm.json|--disk|b.img");
    assert_spec_has("disk 0    a.img");
    assert_spec_has("disk 1    b.img");
    assert_refused("run|vm.json|--disk|b.img|--disk|c|--disk|d|--disk|e|--disk|f|--disk|g",
                   "--disk: there may be 6 disks");
}

static void nets_replace_those_of_the_file(void **state)
{
    (void)state;
    assert_runs("run|vm.json|--net|user|--net|tap=t9");
    assert_spec_lacks("t0");
    assert_spec_lacks("8080");
    assert_spec_has("net 0     user");
    assert_spec_has("net 1     tap interface t9");
    assert_runs("run|vm.json|--net|none");
    assert_spec_has("net 0     none");
}

static void published_ports_go_to_the_first_user_network(void **state)
{
    (void)state;
    assert_runs("run|vm.json|--publish|2222:22");
    assert_spec_has("net 1     user network, MAC address made from the name\n"
                    "            host 127.0.0.1:8080 to guest port 80/tcp\n"
                    "            host 127.0.0.1:2222 to guest port 22/tcp\n");
    // Also when --net comes later on the line.
    assert_runs("run|--publish|2222:22|--net|tap=t1|--net|user|--kernel|k");
    assert_spec_has("net 1     user network, MAC address made from the name\n"
                    "            host 127.0.0.1:2222");
    assert_refused("run|--net|none|--publish|2222:22|--kernel|k",
                   "--publish: needs a user network");
    assert_refused("run|vm.json|--publish|8080:1",
                   "--publish: takes host port 8080/tcp, as net[1].publish[0] does");
}

static void commas_in_a_disks_name_are_doubled(void **state)
{
    (void)state;
    assert_runs("run|--kernel|k|--disk|a,,b.img,ro");
    assert_spec_has("disk 0    a,b.img, read-only");
    assert_refused("run|--kernel|k|--disk|a,b.img", "written twice");
}

static void run_options_are_passed_on(void **state)
{
    (void)state;
    assert_runs("run|--kernel|k|--stats|--quiet|--no-reboot|--log-level|debug|--log-file|l");
    assert_true(seen.options.stats && seen.options.quiet && seen.options.exit_on_reset);
    assert_int_equal(seen.options.log_level, HULL_LOG_DEBUG);
    assert_string_equal(seen.options.log_file, "l");
    assert_runs("run|--kernel|k");
    assert_false(seen.options.stats || seen.options.quiet || seen.options.exit_on_reset);
    assert_int_equal(seen.options.log_level, HULL_LOG_WARN);
    assert_null(seen.options.log_file);

    assert_runs("run|--kernel|k|--trace|t|--trace-regions|7|--perf-map|--symbols|a|--symbols|b");
    assert_string_equal(seen.options.trace_file, "t");
    assert_int_equal(seen.options.trace_regions, 7);
    assert_true(seen.options.perf_map);
    assert_int_equal(seen.options.symbol_file_count, 2);
    assert_string_equal(seen.options.symbol_files[1], "b");
}

static void images_are_found_in_the_cache(void **state)
{
    (void)state;
    setenv("HULL_CACHE", "cache", 1);
    assert_refused("run|toy", "make it with: hull image pull toy");
    assert_refused("run", "make it with: hull image pull mini");
    assert_refused("run|a.img", "for the file of that name: ./a.img");
    assert_int_equal(system("mkdir -p cache/images/toy && cp vm.json k a.img cache/images/toy"), 0);
    assert_runs("run|toy");
    assert_spec_has("VM 'toy': 2 CPUs");
    assert_spec_has("kernel    cache/images/toy/k");
    setenv("XDG_CACHE_HOME", "nowhere", 1);
    assert_runs("run|toy");
    unsetenv("HULL_CACHE");
    assert_refused("run|toy", "there is no image 'toy'");
    assert_int_equal(system("mkdir -p nowhere && mv cache nowhere/hull"), 0);
    assert_runs("run|toy");
    assert_spec_has("kernel    nowhere/hull/images/toy/k");
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", "home", 1);
    assert_int_equal(system("mkdir -p home && mv nowhere home/.cache"), 0);
    assert_runs("run|toy");
    assert_spec_has("kernel    home/.cache/hull/images/toy/k");
}

static void what_ends_in_json_or_has_a_slash_is_a_file(void **state)
{
    (void)state;
    assert_refused("run|none.json", "none.json: No such file");
    assert_refused("run|./none", "./none: No such file");
    assert_refused("run|..", "neither the name of an image nor a .json file");
    assert_refused("run|", "neither the name of an image nor a .json file");
}

static void wrong_values_are_named_with_their_option(void **state)
{
    static const struct {
        const char *args, *says;
    } cases[] = {
        {"--cpus|x", "--cpus: 'x' is not a whole number"},
        {"--cpus|", "--cpus: '' is not a whole number"},
        {"--cpus|0", "--cpus: is 0"},
        {"--cpus|99999999999", "--cpus: 99999999999 is too large"},
        {"--memory|1X", "--memory: '1X' is not a size"},
        {"--memory|1M", "--memory: is 1048576 bytes"},
        {"--engine|intrep",
         "--engine: 'intrep' is not one of auto, interp, jit (did you mean 'interp'?)"},
        {"--name|a b", "--name: may hold letters"},
        {"--kernel|", "--kernel: names no file"},
        {"--kernel|none", "--kernel: none: No such file"},
        {"--kernel|.", "--kernel: .: is a folder"},
        {"--initrd|none", "--initrd: none: No such file"},
        {"--disk|", "--disk: needs the name of a file"},
        {"--disk|none", "--disk: none: No such file"},
        {"--disk|a.img,or", "--disk: ',or' is not one of ',ro', ',rw', ',id=ID'"},
        {"--disk|a.img,id=a/b", "--disk: may hold letters"},
        {"--net|usr", "--net: 'usr' is not one of user, tap, none (did you mean 'user'?)"},
        {"--net|tap", "--net: 'tap' needs the interface's name"},
        {"--net|tap=", "--net: 'tap=' needs the interface's name"},
        {"--net|user,mac=1", "--net: '1' is not a MAC address"},
        {"--net|user,", "--net: ',' has no meaning after 'user'"},
        {"--net|none,mac=52:54:00:00:00:01", "--net: ',mac=52:54:00:00:00:01' has no meaning"},
        {"--publish|22", "--publish: '22' is not [ADDRESS:]HOST_PORT:GUEST_PORT[/udp]"},
        {"--publish|0:22", "--publish: '0' is not a port number"},
        {"--publish|x:1:22", "--publish: 'x' is not an IPv4 address"},
        {"--console|file", "--console: 'file' needs a file name"},
        {"--console|file:", "--console: 'file' needs a file name"},
        {"--console|file:none/x", "--console: none/x: the folder"},
        {"--console|pty:x", "--console: 'pty' takes no file name"},
        {"--console|stdi", "did you mean 'stdio'?"},
        {"--log-level|verbose", "--log-level: 'verbose' is not one of error, warn, info, debug"},
        {"--log-file|", "--log-file: needs the name of a file"},
    };
    (void)state;
    for (size_t i = 0; i < HULL_ARRAY_SIZE(cases); i++) {
        char args[256];
        snprintf(args, sizeof(args), "run|--kernel|k|%s", cases[i].args);
        assert_refused(args, cases[i].says);
    }
}

static void several_faults_are_reported_together(void **state)
{
    (void)state;
    assert_refused("run|--kernel|k|--cpus|x|--memory|y", "--cpus: ");
    assert_non_null(strstr(seen.said, "hull: --memory: "));
    assert_refused("run|none.json|--cpus|x", "hull: none.json: No such file");
    assert_non_null(strstr(seen.said, "hull: --cpus: "));
}

static void unknown_words_are_refused_with_a_suggestion(void **state)
{
    (void)state;
    assert_refused("rum", "unknown command 'rum' (did you mean 'run'?)");
    assert_refused("--verison", "unknown option '--verison'");
    assert_refused("run|--kernal|k", "unknown option '--kernal' (did you mean '--kernel'?)");
    assert_refused("run|--kern|k", "unknown option '--kern'");
    assert_refused("run|-x", "unknown option '-x'");
    assert_refused("run|--dts", "unknown option '--dts'");
    assert_refused("help|rnu", "did you mean 'run'?");
    assert_refused("version|x", "has no use for 'x'");
    assert_refused("run|vm.json|b", "has no use for 'b'");
    assert_refused("check", "needs NAME|FILE.json");
}

static void values_are_where_they_should_be(void **state)
{
    (void)state;
    assert_refused("run|--kernel", "--kernel needs a value (FILE)");
    assert_refused("run|--kernel|--initrd|i", "--kernel needs a value");
    assert_refused("run|--kernel|--initrd=i", "--kernel needs a value");
    assert_refused("run|--kernel|/dev/null|--trace|", "--trace: needs the name of a file");
    assert_refused("run|--kernel|/dev/null|--symbols|", "--symbols: needs the name of a file");
    assert_refused("run|--kernel|/dev/null|--trace-regions|few",
                   "--trace-regions: 'few' is not a whole number");
    assert_refused("run|--stats=yes", "--stats takes no value");
    assert_runs("run|--kernel|k|--append|--verbose");
    assert_spec_has("append    --verbose");
    assert_runs("run|--kernel|k|--append=--net");
    assert_spec_has("append    --net");
    assert_runs("run|--cpus|2|--|vm.json");
    assert_refused("run|--|--cpus", "'--cpus' is neither the name of an image");
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(options_alone_describe_a_vm),
        TEST(the_file_alone_describes_a_vm),
        TEST(options_win_over_the_file),
        TEST(the_last_of_a_repeated_option_wins),
        TEST(disks_are_added_after_those_of_the_file),
        TEST(nets_replace_those_of_the_file),
        TEST(published_ports_go_to_the_first_user_network),
        TEST(commas_in_a_disks_name_are_doubled),
        TEST(run_options_are_passed_on),
        TEST(images_are_found_in_the_cache),
        TEST(what_ends_in_json_or_has_a_slash_is_a_file),
        TEST(wrong_values_are_named_with_their_option),
        TEST(several_faults_are_reported_together),
        TEST(unknown_words_are_refused_with_a_suggestion),
        TEST(values_are_where_they_should_be),
    };
    return cmocka_run_group_tests_name("host/cli", tests, enter_folder, leave_folder);
}
