// SPDX-License-Identifier: Apache-2.0
// Runs a guest in lockstep on the JIT and on the interpreter: see usage, and lockstep.h.
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/diff/lockstep.h"

static const char usage[] =
    "Usage: lockstep --kernel FILE | --firmware FILE [OPTION]...\n"
    "  --initrd FILE, --append TEXT, --disk FILE (a copy is used), --memory MIB (128), --cpus N (1)\n"
    "  --seed N           steps, events and random devices (1)\n"
    "  --instructions N   that all harts run together, at most (300000000)\n"
    "  --step N           instructions between two comparisons, at most (30000)\n"
    "  --memory-every N   of those, one compares the whole memory (1000)\n"
    "  --change-every N   the first machine changes its engine about every N points\n"
    "  --expect TEXT --type TEXT   when the guest has written one, it gets the other; any number\n"
    "  --until TEXT       ends the run when the guest has written it after that\n"
    "  --kicks            a thread asks the JIT's harts for attention all the time: a difference then\n"
    "                     may not come again with the same seed\n"
    "  --show             the guest's output\n"
    "Exit code: 0 equal, and --until's text or --type's inputs were reached; 1 different; 2 cannot run;\n"
    "3 equal, but the guest did not get there. HULL_JIT_HOT and the like work as in hull run.\n";

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 0);

    if (!*text || *end) {
        fprintf(stderr, "lockstep: %s is no number\n", text);
        exit(2);
    }
    return value;
}

static char *unescape(const char *text)
{
    char *out = malloc(strlen(text) + 1), *at = out;

    for (; *text; text++) {
        if (text[0] == '\\' && text[1] == 'n') {
            *at++ = '\n';
            text++;
        } else {
            *at++ = *text;
        }
    }
    *at = '\0';
    return out;
}

static void add_input(struct lockstep_config *config, int option, const char *text)
{
    struct lockstep_input *input = &config->inputs[config->input_count];

    if (config->input_count == LOCKSTEP_INPUTS_MAX) {
        fprintf(stderr, "lockstep: too many inputs\n");
        exit(2);
    }
    if (option == 'e') {
        input->expect = text;
    } else {
        input->type = unescape(text);
        if (!input->expect)
            input->expect = "";
        config->input_count++;
    }
}

static const struct option options[] = {{"kernel", required_argument, NULL, 'k'},
                                        {"initrd", required_argument, NULL, 'i'},
                                        {"append", required_argument, NULL, 'a'},
                                        {"firmware", required_argument, NULL, 'f'},
                                        {"disk", required_argument, NULL, 'd'},
                                        {"memory", required_argument, NULL, 'm'},
                                        {"cpus", required_argument, NULL, 'c'},
                                        {"seed", required_argument, NULL, 's'},
                                        {"instructions", required_argument, NULL, 'n'},
                                        {"step", required_argument, NULL, 'S'},
                                        {"memory-every", required_argument, NULL, 'M'},
                                        {"change-every", required_argument, NULL, 'C'},
                                        {"expect", required_argument, NULL, 'e'},
                                        {"type", required_argument, NULL, 't'},
                                        {"until", required_argument, NULL, 'u'},
                                        {"kicks", no_argument, NULL, 'K'},
                                        {"show", no_argument, NULL, 'v'},
                                        {0}};

static bool set_option(struct lockstep_config *config, int option)
{
    struct vm_spec *spec = &config->spec;

    switch (option) {
    case 'k': spec->boot.kernel = optarg; break;
    case 'i': spec->boot.initrd = optarg; break;
    case 'a': spec->boot.append = optarg; break;
    case 'f': spec->boot.firmware = optarg; break;
    case 'd':
        config->disk_file = optarg;
        spec->disks[0].file = optarg;
        spec->disk_count = 1;
        break;
    case 'm': spec->memory = number(optarg) << 20; break;
    case 'c': spec->cpus = (unsigned)number(optarg); break;
    case 's': config->seed = number(optarg); break;
    case 'n': config->instructions = number(optarg); break;
    case 'S': config->step_max = number(optarg); break;
    case 'M': config->memory_every = (unsigned)number(optarg); break;
    case 'C': config->change_every = (unsigned)number(optarg); break;
    case 'e':
    case 't': add_input(config, option, optarg); break;
    case 'u': config->until = optarg; break;
    case 'K': config->kicks = true; break;
    case 'v': config->show = true; break;
    default: return false;
    }
    return true;
}

static void parse(struct lockstep_config *config, int argc, char **argv)
{
    struct spec_error error;
    int option;

    *config = (struct lockstep_config){
        .seed = 1, .instructions = 300000000, .step_max = 30000, .memory_every = 1000};
    hull_spec_defaults(&config->spec);
    config->spec.net_count = 0;
    config->spec.memory = 128ull << 20;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (!set_option(config, option)) {
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (hull_spec_validate(&config->spec, &error) || config->spec.cpus > LOCKSTEP_CPUS_MAX ||
        !config->step_max) {
        fprintf(stderr, "lockstep: wrong options: %s %s\n", error.field, error.reason);
        exit(2);
    }
    if (hull_images_open(&config->images, &config->spec.boot, config->spec.memory))
        exit(2);
}

static bool arrived(const struct lockstep *l)
{
    const struct lockstep_config *config = l->config;

    if (l->twins[SIDE_JIT].request >= 0)
        return l->twins[SIDE_JIT].request == VM_REQUEST_POWEROFF;
    return l->next_input == config->input_count && (!config->until || l->until_seen);
}

static int report(const struct lockstep *l, enum lockstep_end end, double seconds)
{
    const char *how = "equal";

    if (end == LOCKSTEP_DIFFERS)
        how = "DIFFERENT";
    else if (end == LOCKSTEP_STUCK)
        how = "equal, and asleep for ever";
    else if (!arrived(l))
        how = "equal, but the guest did not get there";
    fprintf(stderr,
            "lockstep: seed %" PRIu64 ": %" PRIu64 " instructions, %" PRIu64 " points, %" PRIu64
            " changes of engine, %.3f s of the guest's time, %.1f s: %s\n",
            l->config->seed, l->total, l->point, l->changes, (double)l->twins[0].fake.now_ns / 1e9,
            seconds, how);
    if (end == LOCKSTEP_DIFFERS)
        return 1;
    return arrived(l) ? 0 : 3;
}

int main(int argc, char **argv)
{
    static struct lockstep_config config;
    struct lockstep *l = calloc(1, sizeof(*l));
    enum lockstep_end end = LOCKSTEP_GOES_ON;
    struct timespec start, now;
    int code;

    parse(&config, argc, argv);
    if (!l || !lockstep_start(l, &config))
        return 2;
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (end == LOCKSTEP_GOES_ON)
        end = lockstep_step(l);
    if (end != LOCKSTEP_DIFFERS && !lockstep_compare_memory(l))
        end = LOCKSTEP_DIFFERS;
    clock_gettime(CLOCK_MONOTONIC, &now);
    code = report(
        l, end, (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9);
    if (end == LOCKSTEP_DIFFERS) {
        fprintf(stderr, "point %" PRIu64 ", hart %u, after its instruction %" PRIu64 ":\n%s",
                l->point, l->hart, l->from, l->why);
        lockstep_find(l);
    }
    lockstep_stop(l);
    hull_images_close(&config.images);
    free(l);
    return code;
}
