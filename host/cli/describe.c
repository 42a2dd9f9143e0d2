// SPDX-License-Identifier: Apache-2.0
// A VM spec in words, for `hull check`.
#include <inttypes.h>
#include <string.h>

#include "host/cli/cli.h"

static const char *word_of(const struct config_word *words, int value)
{
    while (words->word && words->value != value)
        words++;
    return words->word ? words->word : "?";
}

static void print_size(uint64_t bytes, FILE *to)
{
    if (bytes % (1ull << 30) == 0)
        fprintf(to, "%" PRIu64 " GiB", bytes >> 30);
    else
        fprintf(to, "%" PRIu64 " MiB", bytes >> 20);
}

static void print_text(const char *label, const char *text, FILE *to)
{
    if (text)
        fprintf(to, "  %-9s %s\n", label, text);
}

static void print_disk(const struct vm_spec *spec, unsigned i, FILE *to)
{
    const struct disk_spec *disk = &spec->disks[i];
    fprintf(to, "  disk %-4u %s%s, id ", i, disk->file, disk->read_only ? ", read-only" : "");
    if (disk->id)
        fprintf(to, "%s\n", disk->id);
    else
        fprintf(to, "disk%u\n", i);
}

static void print_mac(const uint8_t mac[6], FILE *to)
{
    static const uint8_t none[6];
    if (memcmp(mac, none, sizeof(none)) == 0)
        fputs(", MAC address made from the name", to);
    else
        fprintf(to, ", %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                mac[5]);
}

static void print_net(const struct vm_spec *spec, unsigned i, FILE *to)
{
    const struct net_spec *net = &spec->nets[i];
    fprintf(to, "  net %-5u ", i);
    if (net->kind == NET_TAP)
        fprintf(to, "tap interface %s", net->tap);
    else if (net->kind == NET_SWITCH)
        fprintf(to, "switch %s", net->switch_name);
    else
        fputs(net->kind == NET_USER ? "user network" : "none", to);
    if (net->kind != NET_NONE)
        print_mac(net->mac, to);
    fputc('\n', to);
    for (unsigned p = 0; p < net->publish_count; p++) {
        const struct publish_spec *publish = &net->publish[p];
        fprintf(to, "            host %s:%u to guest port %u/%s\n",
                publish->host_addr ? publish->host_addr : "127.0.0.1", publish->host_port,
                publish->guest_port, publish->udp ? "udp" : "tcp");
    }
}

static void print_devices(const struct vm_spec *spec, FILE *to)
{
    const char *separator = "";
    fputs("  devices   ", to);
    if (spec->rng) {
        fputs("rng", to);
        separator = ", ";
    }
    if (spec->balloon) {
        fprintf(to, "%sballoon", separator);
        separator = ", ";
    }
    if (spec->virtio_console)
        fprintf(to, "%svirtio console", separator);
    else if (!*separator)
        fputs("no others", to);
    fputc('\n', to);
}

static void print_interrupts(const struct vm_spec *spec, FILE *to)
{
    if (spec->interrupts == INTERRUPTS_PLIC)
        return;
    fprintf(to, "  interrupt controller %s", word_of(hull_interrupt_words, (int)spec->interrupts));
    if (spec->interrupts == INTERRUPTS_AIA)
        fprintf(to, ", %u guest interrupt files", spec->guest_files);
    fputc('\n', to);
}

void hull_cli_describe(const struct vm_spec *spec, FILE *to)
{
    fprintf(to, "VM '%s': %u CPU%s, ", spec->name, spec->cpus, spec->cpus == 1 ? "" : "s");
    print_size(spec->memory, to);
    fprintf(to, " of memory, engine %s\n", word_of(hull_engine_words, (int)spec->engine));
    print_text("firmware", spec->boot.firmware, to);
    print_text("kernel", spec->boot.kernel, to);
    print_text("initrd", spec->boot.initrd, to);
    print_text("append", spec->boot.append, to);
    for (unsigned i = 0; i < spec->disk_count; i++)
        print_disk(spec, i, to);
    for (unsigned i = 0; i < spec->net_count; i++)
        print_net(spec, i, to);
    fprintf(to, "  console   %s%s%s\n", word_of(hull_console_words, (int)spec->console),
            spec->console_path ? " " : "", spec->console_path ? spec->console_path : "");
    if (spec->no_hypervisor)
        fputs("  processors without the hypervisor extension\n", to);
    print_interrupts(spec, to);
    print_devices(spec, to);
    hull_cli_describe_metal(&spec->metal, to);
}
