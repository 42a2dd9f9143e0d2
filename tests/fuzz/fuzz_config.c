// SPDX-License-Identifier: Apache-2.0
// libFuzzer: a VM's JSON file, from its bytes to the validated spec and the messages about it, and the
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
    fclose(to);
    free(out);
    free(text);
    return 0;
}
