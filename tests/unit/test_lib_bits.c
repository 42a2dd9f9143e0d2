// SPDX-License-Identifier: Apache-2.0
// Bits, bytes, bitmaps, CRC: against the compiler's builtins, zlib, and the slow way.
#include "lib/bitmap.h"
#include "lib/bits.h"
#include "lib/bytes.h"
#include "lib/crc32.h"
#include "lib/xxh64.h"
#include "tests/unit/unit.h"
#include <hull/types.h>
#include <zlib.h>

// xorshift64: the same numbers in every run.
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void check_counts(uint64_t x)
{
    assert_int_equal(hull_popcount64(x), __builtin_popcountll(x));
    assert_int_equal(hull_ctz64(x), x ? __builtin_ctzll(x) : 64);
    assert_int_equal(hull_clz64(x), x ? __builtin_clzll(x) : 64);
    uint32_t low = (uint32_t)x;
    assert_int_equal(hull_popcount32(low), __builtin_popcount(low));
    assert_int_equal(hull_ctz32(low), low ? __builtin_ctz(low) : 32);
    assert_int_equal(hull_clz32(low), low ? __builtin_clz(low) : 32);
    assert_int_equal(hull_is_pow2(x), __builtin_popcountll(x) == 1);
    assert_true(hull_bswap64(x) == __builtin_bswap64(x));
    assert_int_equal(hull_bswap32(low), __builtin_bswap32(low));
    assert_int_equal(hull_bswap16((uint16_t)x), __builtin_bswap16((uint16_t)x));
}

static void counts_agree_with_builtins(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252ull;
    check_counts(0);
    check_counts(UINT64_MAX);
    for (unsigned i = 0; i < 64; i++) {
        check_counts(1ull << i);
        check_counts(~(1ull << i));
        check_counts(next_random(&seed) >> i);
        check_counts(next_random(&seed) << i);
    }
}

static void rotations_and_extensions(void **state)
{
    (void)state;
    assert_true(hull_rol64(0x8000000000000001, 1) == 3);
    assert_true(hull_ror64(3, 1) == 0x8000000000000001);
    assert_true(hull_rol64(5, 0) == 5 && hull_ror64(5, 64) == 5);
    assert_int_equal(hull_rol32(0x80000001, 1), 3);
    assert_int_equal(hull_ror32(3, 1), 0x80000001);
    assert_int_equal(hull_rol32(5, 0), 5);
    assert_true(hull_sign_extend(0xfff, 12) == -1);
    assert_true(hull_sign_extend(0x7ff, 12) == 0x7ff);
    assert_true(hull_sign_extend(0xabc0800, 12) == -2048);
    assert_true(hull_sign_extend(UINT64_MAX, 64) == -1);
    assert_true(hull_sign_extend(1, 1) == -1);
}

static void bytes_have_their_order(void **state)
{
    (void)state;
    uint8_t b[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 0xff};
    assert_int_equal(hull_load_le16(b + 1), 0x0201);
    assert_int_equal(hull_load_be16(b + 1), 0x0102);
    assert_int_equal(hull_load_le32(b + 1), 0x04030201);
    assert_int_equal(hull_load_be32(b + 1), 0x01020304);
    assert_true(hull_load_le64(b + 1) == 0x0807060504030201);
    assert_true(hull_load_be64(b + 1) == 0x0102030405060708);
    const uint64_t x = 0xf1e2d3c4b5a69788;
    hull_store_le16(b + 1, (uint16_t)x);
    assert_int_equal(hull_load_le16(b + 1), (uint16_t)x);
    hull_store_be16(b + 1, (uint16_t)x);
    assert_int_equal(hull_load_be16(b + 1), (uint16_t)x);
    hull_store_le32(b + 1, (uint32_t)x);
    assert_int_equal(hull_load_le32(b + 1), (uint32_t)x);
    hull_store_be32(b + 1, (uint32_t)x);
    assert_int_equal(hull_load_be32(b + 1), (uint32_t)x);
    hull_store_le64(b + 1, x);
    assert_true(hull_load_le64(b + 1) == x);
    hull_store_be64(b + 1, x);
    assert_true(hull_load_be64(b + 1) == x);
    assert_int_equal(b[0], 0);
    assert_int_equal(b[9], 0xff);
}

#define BITS 200

static void bitmap_searches(void **state)
{
    (void)state;
    uint64_t seed = 42;
    uint64_t map[HULL_BITMAP_WORDS(BITS)];
    assert_int_equal(HULL_BITMAP_WORDS(BITS), 4);
    for (int round = 0; round < 50; round++) {
        bool plain[BITS];
        // Bits past the end are set, to see that nobody counts them.
        memset(map, round & 1 ? 0xff : 0, sizeof(map));
        for (size_t i = 0; i < BITS; i++) {
            plain[i] = next_random(&seed) % 17 < (uint64_t)round % 18;
            hull_bitmap_assign(map, i, plain[i]);
        }
        size_t set = BITS, clear = BITS, count = 0;
        for (size_t i = BITS; i-- > 0;) {
            *(plain[i] ? &set : &clear) = i;
            count += plain[i];
            assert_int_equal(hull_bitmap_test(map, i), plain[i]);
            assert_int_equal(hull_bitmap_next_set(map, BITS, i), set);
            assert_int_equal(hull_bitmap_next_clear(map, BITS, i), clear);
        }
        assert_int_equal(hull_bitmap_count(map, BITS), count);
        assert_int_equal(hull_bitmap_next_set(map, BITS, BITS), BITS);
    }
}

static void bitmap_fills_runs(void **state)
{
    (void)state;
    for (size_t first = 0; first < 130; first += 7)
        for (size_t count = 0; first + count <= BITS; count += 5) {
            uint64_t set[HULL_BITMAP_WORDS(BITS)] = {0}, clear[HULL_BITMAP_WORDS(BITS)];
            memset(clear, 0xff, sizeof(clear));
            hull_bitmap_fill(set, first, count, true);
            hull_bitmap_fill(clear, first, count, false);
            for (size_t i = 0; i < BITS; i++) {
                bool inside = i >= first && i < first + count;
                assert_int_equal(hull_bitmap_test(set, i), inside);
                assert_int_equal(hull_bitmap_test(clear, i), !inside);
            }
        }
}

static void crc_agrees_with_zlib(void **state)
{
    (void)state;
    uint8_t data[300];
    uint64_t seed = 7;
    assert_int_equal(hull_crc32(0, "123456789", 9), 0xcbf43926);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)next_random(&seed);
    for (size_t size = 0; size <= sizeof(data); size++) {
        uint32_t whole = (uint32_t)crc32(0, data, (uInt)size);
        assert_int_equal(hull_crc32(0, data, size), whole);
        uint32_t half = hull_crc32(0, data, size / 2);
        assert_int_equal(hull_crc32(half, data + size / 2, size - size / 2), whole);
    }
}

// Whole values from the specification's program; lower halves as zstd --check writes them at a frame's
// end, for all lengths that matter.
static void xxh64_is_what_others_compute(void **state)
{
    static const struct {
        size_t size;
        uint32_t low;
    } known[] = {
        {0, 0x51d8e999},    {1, 0xbc1f4bb6},    {3, 0x52e564c9},      {4, 0x66ee9fda},
        {7, 0x59ce60d8},    {8, 0xc6f90092},    {31, 0xcc4a6119},     {32, 0xf790fd97},
        {33, 0xba588784},   {63, 0x31c7493c},   {64, 0xf6eeb01f},     {100, 0x170fe531},
        {1000, 0xc64205d7}, {4096, 0x62e86b59}, {100001, 0xef12a1d7},
    };
    static uint8_t data[100001 + 8];
    (void)state;
    assert_true(hull_xxh64("", 0) == 0xef46db3751d8e999);
    assert_true(hull_xxh64("a", 1) == 0xd24ec4f1a98c6e5b);
    assert_true(hull_xxh64("abc", 3) == 0x44bc2cf5ad770999);
    for (size_t offset = 0; offset < 8; offset++) { // aligned and not
        for (size_t i = 0; i < 100001; i++)
            data[offset + i] = (uint8_t)(i * 7 + i / 256 * 13 + 3);
        for (size_t i = 0; i < HULL_ARRAY_SIZE(known); i++)
            assert_int_equal((uint32_t)hull_xxh64(data + offset, known[i].size), known[i].low);
    }
}

static void xxh64_in_pieces_is_the_same(void **state)
{
    uint8_t data[300];
    uint64_t seed = 9;
    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)next_random(&seed);
    for (size_t size = 0; size <= sizeof(data); size++)
        for (size_t cut = 0; cut <= size; cut += HULL_XXH64_STRIPE) {
            struct hull_xxh64 sum;
            hull_xxh64_init(&sum);
            hull_xxh64_add(&sum, data, cut);
            assert_true(hull_xxh64_end(&sum, data + cut, size - cut) == hull_xxh64(data, size));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_agree_with_builtins),
        cmocka_unit_test(rotations_and_extensions),
        cmocka_unit_test(bytes_have_their_order),
        cmocka_unit_test(bitmap_searches),
        cmocka_unit_test(bitmap_fills_runs),
        cmocka_unit_test(crc_agrees_with_zlib),
        cmocka_unit_test(xxh64_is_what_others_compute),
        cmocka_unit_test(xxh64_in_pieces_is_the_same),
    };
    return cmocka_run_group_tests_name("lib_bits", tests, NULL, NULL);
}
