// SPDX-License-Identifier: Apache-2.0
// The part of a VM spec that is for bare metal, in words: only what is not as it is anyway.
#include <inttypes.h>
#include <string.h>

#include "host/cli/cli.h"

static const char *word_of(const struct config_word *words, int value)
{
    while (words->word && words->value != value)
        words++;
    return words->word ? words->word : "?";
}

static void print_harts(const struct metal_spec *metal, const struct metal_spec *usual, FILE *to)
{
    if (metal->pinned) {
        fputs("  harts     pinned:", to);
        for (unsigned i = 0; i < metal->hart_count; i++)
            fprintf(to, " %u", metal->harts[i]);
        fputc('\n', to);
    } else if (metal->weight != usual->weight || metal->priority != usual->priority) {
        fprintf(to, "  harts     shared: weight %u, priority %u\n", metal->weight, metal->priority);
    }
}

static void print_policy(const struct metal_spec *metal, const struct metal_spec *usual, FILE *to)
{
    const struct policy_spec *policy = &metal->policy;
    if (metal->watchdog)
        fprintf(to, "  watchdog  %u s\n", metal->watchdog);
    if (memcmp(policy, &usual->policy, sizeof(*policy)) == 0)
        return;
    fprintf(to, "  policy    power-off: %s, reset: %s, crash: %s, watchdog: %s;\n",
            word_of(hull_policy_words, (int)policy->on_poweroff),
            word_of(hull_policy_words, (int)policy->on_reset),
            word_of(hull_policy_words, (int)policy->on_crash),
            word_of(hull_policy_words, (int)policy->on_watchdog));
    fprintf(to, "            restarts after %u to %u s, ", policy->delay, policy->delay_max);
    if (policy->limit)
        fprintf(to, "%u within %u s\n", policy->limit, policy->window);
    else
        fputs("as often as need be\n", to);
}

static void print_shared(const struct shared_spec *shared, FILE *to)
{
    fprintf(to, "  shared    %s, %" PRIu64 " KiB%s with", shared->name, shared->size >> 10,
            shared->read_only ? ", read-only," : "");
    for (unsigned p = 0; p < shared->peer_count; p++)
        fprintf(to, "%s %s", p ? "," : "", shared->peers[p]);
    if (shared->address)
        fprintf(to, ", at 0x%" PRIx64, shared->address);
    if (shared->doorbell)
        fprintf(to, ", doorbell %u", shared->doorbell);
    fputc('\n', to);
}

static void print_passthrough(const struct passthrough_spec *device, FILE *to)
{
    fprintf(to, "  device    %s", device->device);
    if (device->address)
        fprintf(to, ", at 0x%" PRIx64, device->address);
    if (device->irq)
        fprintf(to, ", interrupt %u", device->irq);
    fputc('\n', to);
}

static void print_memory(const struct metal_spec *metal, FILE *to)
{
    if (metal->memory_address)
        fprintf(to, "  memory    at 0x%" PRIx64 "%s\n", metal->memory_address,
                metal->unsafe_dma ? ", unsafe DMA allowed" : "");
    else if (metal->unsafe_dma)
        fputs("  memory    unsafe DMA allowed\n", to);
    if (!metal->page_colours)
        return;
    fputs("  colours  ", to);
    for (unsigned i = 0; i < HULL_SPEC_COLOURS_MAX; i++)
        if (metal->page_colours >> i & 1)
            fprintf(to, " %u", i);
    fputc('\n', to);
}

static void print_screen(const struct metal_spec *metal, const struct metal_spec *usual, FILE *to)
{
    if (metal->console_colour == usual->console_colour &&
        metal->console_log == usual->console_log && !metal->console_first)
        return;
    fprintf(to, "  screen    colour %s, log of %u KiB%s\n",
            word_of(hull_colour_words, (int)metal->console_colour), metal->console_log >> 10,
            metal->console_first ? ", has the keyboard at first" : "");
}

void hull_cli_describe_metal(const struct metal_spec *metal, FILE *to)
{
    struct vm_spec usual;
    hull_spec_defaults(&usual);
    print_harts(metal, &usual.metal, to);
    print_memory(metal, to);
    print_screen(metal, &usual.metal, to);
    print_policy(metal, &usual.metal, to);
    if (metal->manual_start || metal->manager)
        fprintf(to, "  also      %s%s%s\n", metal->manager ? "manager" : "",
                metal->manager && metal->manual_start ? ", " : "",
                metal->manual_start ? "not started at boot" : "");
    for (unsigned i = 0; i < metal->shared_count; i++)
        print_shared(&metal->shared[i], to);
    for (unsigned i = 0; i < metal->passthrough_count; i++)
        print_passthrough(&metal->passthrough[i], to);
}
