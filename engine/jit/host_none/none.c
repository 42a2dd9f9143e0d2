// SPDX-License-Identifier: Apache-2.0
// The back end of hosts for which there is none: it says so, and nothing else of it is ever called.
#include "engine/jit/translator.h"

bool jit_host_supported(void)
{
    return false;
}

void jit_host_make_thunks(struct jit_cache *cache)
{
    (void)cache;
}

void jit_host_vcpu_init(struct jit *jit)
{
    (void)jit;
}

const char *const jit_host_objdump = NULL;
const char *const jit_host_conventions = "";

void jit_host_describe(const char *text, char *buf, size_t size)
{
    (void)text;
    if (size)
        *buf = '\0';
}

bool jit_host_emit(struct jit *jit, struct region *region, const struct ir *ir,
                   struct watched *watched)
{
    (void)watched;
    (void)ir;
    (void)jit;
    (void)region;
    return false;
}

bool jit_host_emit_entry(struct jit *jit, struct region *region, const struct region_place *place,
                         struct region_entry *entry)
{
    (void)region;
    (void)jit;
    (void)entry;
    (void)place;
    return false;
}

void jit_host_patch(const struct jit_cache *cache, const struct jit_link *link,
                    const uint8_t *entry)
{
    (void)cache;
    (void)link;
    (void)entry;
}

void jit_host_settle(const struct jit_cache *cache, struct jit_site *site, gva_t pc,
                     const uint8_t *entry)
{
    (void)cache;
    (void)site;
    (void)pc;
    (void)entry;
}

void jit_host_enter(struct jit *jit, const uint8_t *entry, bool fp)
{
    (void)jit;
    (void)entry;
    (void)fp;
}

void jit_host_fp_suspend(struct jit *jit)
{
    (void)jit;
}

void jit_host_fp_resume(struct jit *jit)
{
    (void)jit;
}
