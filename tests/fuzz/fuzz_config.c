// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a VM's and a board's JSON file, from its bytes to the validated spec and the messages about it, and the
// values of the command line, which are read by the same functions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/cli.h"
#include "host/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_config: %s\n", what);
    abort();
}

static void read_file(const char *text, size_t size, FILE *to)
{
    struct vm_config config;
    hull_config_init(&config);
    bool broken = hull_config_parse(&config, "dir/vm.json", text, size);
    require(broken == (config.fault_count > 0), "a broken file has a fault, a whole one has none");
    if (!hull_config_check(&config, false)) {
        struct spec_error error;
        require(broken || !hull_spec_validate(&config.spec, &error), "checked means valid");
        hull_config_settle(&config);
        if (!broken)
            hull_cli_describe(&config.spec, to);
    }
    hull_config_print_faults(&config, to, "");
    hull_config_free(&config);
}

static void ignore(void *ctx, unsigned vm, const struct spec_error *error)
{
    (void)ctx, (void)vm, (void)error;
}

// The same bytes as a board's file, and a VM of the other reading on that board.
static void read_board(const char *text, size_t size, FILE *to)
{
    const struct spec_sink sink = {ignore, NULL};
    struct board_spec board;
    struct vm_config config, vm;
    hull_config_init(&config);
    hull_config_init(&vm);
    hull_board_defaults(&board);
    bool broken = hull_config_parse_board(&config, "dir/board.json", text, size, &board);
    require(broken == (config.fault_count > 0), "a broken board has a fault, a whole one has none");
    const struct vm_spec *spec = &vm.spec;
    if (!hull_config_parse(&vm, "dir/vm.json", text, size))
        hull_metal_place(&board, &vm.spec);
    if (!hull_board_validate(&board, &sink) && !hull_spec_validate_all(spec, 0, &sink))
        (void)!hull_metal_validate(&board, &spec, 1, 1 << 20, &sink);
    hull_config_print_faults(&config, to, "");
    hull_config_free(&vm);
    hull_config_free(&config);
}

// The text up to its first NUL as each kind of value.
static void read_values(const char *text, FILE *to)
{
    struct config_pool pool = {NULL};
    struct config_reason why;
    struct vm_spec spec;
    unsigned count;
    uint64_t bytes;
    int word;
    hull_spec_defaults(&spec);
    spec.boot.kernel = "k";
    spec.disk_count = hull_value_disk(text, &pool, &spec.disks[0], &why);
    spec.net_count = hull_value_net(text, &pool, &spec.nets[0], &why);
    if (hull_value_publish(text, &pool, &spec.nets[0].publish[0], &why))
        require(spec.nets[0].publish[0].host_port && spec.nets[0].publish[0].guest_port, "ports");
    if (hull_value_console(text, &pool, &spec.console, &spec.console_path, &why))
        require(!spec.console_path == !hull_console_has_path(spec.console), "paths of consoles");
    if (!hull_value_word(hull_log_words, text, &word, &why) &&
        !hull_value_count(text, &count, &why) && !hull_value_size(text, &bytes, &why) &&
        !hull_value_mac(text, spec.nets[0].mac, &why))
        fputs(why.text, to);
    hull_cli_describe(&spec, to);
    hull_pool_free(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *out = NULL;
    size_t out_size;
    FILE *to = open_memstream(&out, &out_size);
    memcpy(text, data, size);
    text[size] = '\0';
    read_values(text, to);
    text = realloc(text, size ? size : 1); // without the terminator: nothing may rely on it
    read_file(text, size, to);
    read_board(text, size, to);
    fclose(to);
    free(out);
    free(text);
    return 0;
}
