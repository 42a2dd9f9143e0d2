// SPDX-License-Identifier: Apache-2.0
// The writer's half of the bundle: sections' bytes, where each goes, header and table.
#include "core/bundle_code.h"
#include "core/bundle_table.h"
#include "lib/bytes.h"
#include "lib/checked.h"
#include "lib/mem.h"
#include "lib/xxh64.h"

static int finish(const struct bundle_code *code, const uint8_t *start, size_t *size)
{
    *size = (size_t)(code->at - start);
    return code->error;
}

int hull_bundle_encode_board(const struct board_spec *board, void *to, size_t room, size_t *size)
{
    struct bundle_code code = {.at = to,
                               .end = (uint8_t *)to + room,
                               .writing = true,
                               .version = HULL_BUNDLE_BOARD_VERSION};
    struct board_spec copy = *board;

    hull_code_board(&code, &copy);
    return finish(&code, to, size);
}

int hull_bundle_encode_vm(const struct bundle_vm *vm, void *to, size_t room, size_t *size)
{
    struct bundle_code code = {
        .at = to, .end = (uint8_t *)to + room, .writing = true, .version = HULL_BUNDLE_VM_VERSION};
    struct bundle_vm copy = *vm;

    hull_code_vm(&code, &copy);
    return finish(&code, to, size);
}

uint64_t hull_bundle_layout(struct bundle_entry entries[], uint32_t count)
{
    uint64_t at = HULL_BUNDLE_HEADER_SIZE + (uint64_t)count * HULL_BUNDLE_ENTRY_SIZE;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t alignment = entries[i].type == BUNDLE_BLOB ? HULL_BUNDLE_ALIGN : 8;

        at = (at + alignment - 1) & ~(alignment - 1);
        entries[i].offset = at;
        at += entries[i].size;
    }
    return (at + HULL_BUNDLE_ALIGN - 1) & ~(uint64_t)(HULL_BUNDLE_ALIGN - 1);
}

static void store_entry(const struct bundle_entry *entry, uint8_t *to)
{
    hull_store_le32(to + ENTRY_TYPE, entry->type);
    hull_store_le32(to + ENTRY_VERSION, entry->version);
    hull_store_le64(to + ENTRY_OFFSET, entry->offset);
    hull_store_le64(to + ENTRY_SIZE, entry->size);
    hull_store_le64(to + ENTRY_SUM, entry->sum);
}

void hull_bundle_encode_head(const struct bundle_entry entries[], uint32_t count, uint64_t size,
                             uint8_t *to)
{
    uint32_t head_size = HULL_BUNDLE_HEADER_SIZE + count * HULL_BUNDLE_ENTRY_SIZE;

    memset(to, 0, HULL_BUNDLE_HEADER_SIZE);
    memcpy(to + HEAD_MAGIC, HULL_BUNDLE_MAGIC, 8);
    hull_store_le32(to + HEAD_VERSION, HULL_BUNDLE_VERSION);
    hull_store_le32(to + HEAD_COUNT, count);
    hull_store_le64(to + HEAD_SIZE, size);
    for (uint32_t i = 0; i < count; i++)
        store_entry(&entries[i], to + HULL_BUNDLE_HEADER_SIZE + i * HULL_BUNDLE_ENTRY_SIZE);
    hull_store_le64(to + HEAD_SUM, hull_xxh64(to, head_size)); // of zeroes where it stands
}
