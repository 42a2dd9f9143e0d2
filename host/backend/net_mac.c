// SPDX-License-Identifier: Apache-2.0
// The MAC address of a network card that was given none.
#include <string.h>

#include "host/backend/net.h"

void hull_net_mac(const struct vm_spec *spec, unsigned index, uint8_t mac[6])
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
