// SPDX-License-Identifier: Apache-2.0
// The spec validator's part on networks: interface names, MAC addresses, published ports.
#include "core/spec_check.h"

#include "lib/format.h"
#include "lib/mem.h"
#include "lib/str.h"

#define TAP_NAME_MAX 15 // IFNAMSIZ less the terminator
#define DEFAULT_ADDR 0x7f000001u

// A dotted quad; NULL is the default.
static bool parse_ipv4(const char *text, uint32_t *addr)
{
    uint32_t result = 0;

    if (!text) {
        *addr = DEFAULT_ADDR;
        return true;
    }
    for (unsigned part = 0; part < 4; part++) {
        unsigned value = 0, digits = 0;

        for (; *text >= '0' && *text <= '9'; text++, digits++) {
            value = value * 10 + (unsigned)(*text - '0');
            if (value > 255 || digits == 3)
                return false;
        }
        if (!digits || *text != (part < 3 ? '.' : '\0'))
            return false;
        text += part < 3;
        result = result << 8 | value;
    }
    *addr = result;
    return true;
}

static int check_tap(const char *field, const char *tap, const struct spec_check *to)
{
    size_t len = tap ? hull_strnlen(tap, TAP_NAME_MAX + 1) : 0;

    if (!len)
        return hull_spec_fault(to, field, "names no interface");
    if (len > TAP_NAME_MAX)
        return hull_spec_fault(to, field, "is longer than %u characters", TAP_NAME_MAX);
    for (size_t i = 0; i < len; i++)
        if (!hull_spec_name_char(tap[i]))
            return hull_spec_fault(to, field, "may hold letters, digits, '-', '_' and '.' only");
    if (hull_streq(tap, ".") || hull_streq(tap, ".."))
        return hull_spec_fault(to, field, "is no name for an interface");
    return 0;
}

static int check_kind(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    const struct net_spec *net = &spec->nets[i];
    char field[32];
    int bad;

    hull_snprintf(field, sizeof(field), "nets[%u].kind", i);
    if ((unsigned)net->kind > NET_SWITCH)
        return hull_spec_fault(to, field, "is unknown (number %d)", (int)net->kind);
    hull_snprintf(field, sizeof(field), "nets[%u].tap", i);
    if (net->kind != NET_TAP)
        return net->tap ? hull_spec_fault(to, field, "goes with a tap network only") : 0;
    bad = check_tap(field, net->tap, to);
    for (unsigned j = 0; !bad && j < i; j++)
        if (spec->nets[j].kind == NET_TAP && spec->nets[j].tap &&
            hull_streq(net->tap, spec->nets[j].tap))
            bad = hull_spec_fault(to, field, "is used twice (also by nets[%u])", j);
    return bad;
}

static int check_mac(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    static const uint8_t none[6];
    const uint8_t *mac = spec->nets[i].mac;
    char field[32];

    if (!memcmp(mac, none, 6))
        return 0;
    hull_snprintf(field, sizeof(field), "nets[%u].mac", i);
    if (mac[0] & 1)
        return hull_spec_fault(to, field, "is a multicast address");
    for (unsigned j = 0; j < i; j++)
        if (!memcmp(mac, spec->nets[j].mac, 6))
            return hull_spec_fault(to, field, "is used twice (also by nets[%u])", j);
    return 0;
}

static bool publish_clash(const struct publish_spec *a, const struct publish_spec *b)
{
    uint32_t a_addr, b_addr;

    if (a->udp != b->udp || a->host_port != b->host_port)
        return false;
    if (!parse_ipv4(a->host_addr, &a_addr) || !parse_ipv4(b->host_addr, &b_addr))
        return false;
    return a_addr == b_addr || !a_addr || !b_addr; // 0.0.0.0: every address
}

// A count that is too large is a fault of its own.
static unsigned publish_count(const struct net_spec *net)
{
    return net->publish_count < HULL_SPEC_PUBLISH_MAX ? net->publish_count : HULL_SPEC_PUBLISH_MAX;
}

static int check_clashes(const struct vm_spec *spec, unsigned i, unsigned p, const char *field,
                         const struct spec_check *to)
{
    const struct publish_spec *mine = &spec->nets[i].publish[p];

    for (unsigned j = 0; j <= i; j++)
        for (unsigned q = 0; q < (j == i ? p : publish_count(&spec->nets[j])); q++)
            if (publish_clash(mine, &spec->nets[j].publish[q]))
                return hull_spec_fault(to, field,
                                       "takes host port %u/%s, as nets[%u].publish[%u] does",
                                       mine->host_port, mine->udp ? "udp" : "tcp", j, q);
    return 0;
}

static int check_publish(const struct vm_spec *spec, unsigned i, unsigned p,
                         const struct spec_check *to)
{
    const struct publish_spec *publish = &spec->nets[i].publish[p];
    char field[40];
    uint32_t addr;

    hull_snprintf(field, sizeof(field), "nets[%u].publish[%u]", i, p);
    if (!parse_ipv4(publish->host_addr, &addr))
        return hull_spec_fault(to, field, "has a host address that is no IPv4 address");
    if (!publish->host_port)
        return hull_spec_fault(to, field, "has host port 0; it must be 1 to 65535");
    if (!publish->guest_port)
        return hull_spec_fault(to, field, "has guest port 0; it must be 1 to 65535");
    return check_clashes(spec, i, p, field, to);
}

void hull_spec_mac(const struct vm_spec *spec, unsigned index, uint8_t mac[6])
{
    static const uint8_t none[6];
    uint32_t hash = 2166136261u; // FNV-1a, so that a name keeps its address

    if (memcmp(spec->nets[index].mac, none, sizeof(none)) != 0) {
        memcpy(mac, spec->nets[index].mac, sizeof(none));
        return;
    }
    for (const char *p = spec->name ? spec->name : ""; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619u;
    hash = (hash ^ (0x80u + index)) * 16777619u;
    mac[0] = 0x52;
    mac[1] = 0x54;
    mac[2] = 0x00;
    mac[3] = (uint8_t)(hash >> 16);
    mac[4] = (uint8_t)(hash >> 8);
    mac[5] = (uint8_t)hash;
}

static int check_switch(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    const struct net_spec *net = &spec->nets[i];
    char field[32];

    hull_snprintf(field, sizeof(field), "nets[%u].switch", i);
    if (net->kind == NET_NONE && net->switch_name)
        return hull_spec_fault(to, field, "goes with a network only");
    if (net->kind != NET_SWITCH && !net->switch_name)
        return 0;
    return hull_spec_check_name(to, field, net->switch_name, HULL_SPEC_NAME_MAX);
}

static int check_net(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    const struct net_spec *net = &spec->nets[i];
    char field[40];
    int bad = check_kind(spec, i, to);

    bad |= check_mac(spec, i, to);
    bad |= check_switch(spec, i, to);
    hull_snprintf(field, sizeof(field), "nets[%u].publish", i);
    if (net->publish_count > HULL_SPEC_PUBLISH_MAX)
        return hull_spec_fault(to, field, "has %u entries; there may be %u", net->publish_count,
                               HULL_SPEC_PUBLISH_MAX);
    if (net->publish_count && net->kind != NET_USER)
        return hull_spec_fault(to, field, "goes with the user network only");
    for (unsigned p = 0; p < net->publish_count; p++)
        bad |= check_publish(spec, i, p, to);
    return bad;
}

int hull_spec_check_nets(const struct vm_spec *spec, const struct spec_check *to)
{
    int bad = 0;

    if (spec->net_count > HULL_SPEC_NETS_MAX)
        return hull_spec_fault(to, "nets", "are %u; there may be %u", spec->net_count,
                               HULL_SPEC_NETS_MAX);
    for (unsigned i = 0; i < spec->net_count; i++)
        bad |= check_net(spec, i, to);
    return bad;
}
