// SPDX-License-Identifier: Apache-2.0
// Text and memory: the C library's functions at the sizes that programs use them with, and loops over
// characters such as parsers have.
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static size_t make_text(char *text, size_t size)
{
    static const char *const words[] = {
        "the",  "quick", "interpreter", "translates", "a",  "block",  "of",       "guest",
        "code", "into",  "another",     "and",        "so", "forth;", "register", "x"};
    uint64_t state = 31;
    size_t length = 0;
    while (length + 16 < size) {
        const char *word = words[bench_random(&state) >> 60];
        size_t n = strlen(word);
        memcpy(text + length, word, n);
        length += n;
        text[length++] = bench_random(&state) >> 59 ? ' ' : '\n';
    }
    text[length] = 0;
    return length;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n';
}

static uint64_t split(const char *text, char words[][16], uint64_t most)
{
    uint64_t count = 0;
    for (const char *p = text; *p && count < most;) {
        size_t n = 0;
        for (; *p && is_space(*p); p++) {
        }
        for (; *p && !is_space(*p) && n < 15; p++) {
            words[count][n++] = *p;
        }
        words[count][n] = 0;
        count += n > 0;
    }
    return count;
}

int bench_strings(struct bench *b)
{
    enum { SIZE = 64 << 10, WORDS = SIZE / 3 };
    char *text = malloc(SIZE);
    char(*words)[16] = malloc(WORDS * sizeof(*words));
    uint64_t rounds = bench_count(b, 150), sum = 0;
    if (!text || !words) {
        return bench_fail(b, "memory");
    }
    size_t length = make_text(text, SIZE);
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        uint64_t count = split(text, words, WORDS), equal = 0, bytes = 0;
        for (uint64_t i = 1; i < count; i++) {
            equal += strcmp(words[i], words[i - 1]) < 0;
            bytes += strlen(words[i]);
        }
        for (const char *p = text; (p = strstr(p, "guest code")); p++) {
            equal++;
        }
        for (const char *p = text; (p = memchr(p, '\n', (size_t)(text + length - p))); p++) {
            bytes++;
        }
        sum = bench_mix(sum, equal + bytes * count);
        text[round * 97 % length] = 'z';
    }
    bench_stop(b);
    bench_check(b, sum);
    free(text);
    free(words);
    return 0;
}

int bench_copies(struct bench *b)
{
    enum { SIZE = 1 << 20 };
    uint8_t *memory = malloc(2 * SIZE);
    uint64_t copies = bench_count(b, 1000000), state = 47, sum = 0;
    if (!memory) {
        return bench_fail(b, "memory");
    }
    for (size_t i = 0; i < 2 * SIZE; i++) {
        memory[i] = (uint8_t)(i * 7 ^ i >> 9);
    }
    bench_start(b);
    for (uint64_t i = 0; i < copies; i++) {
        uint64_t r = bench_random(&state);
        // Mostly short, now and then up to 64 KiB.
        size_t n = (r & 15) == 0 ? (r >> 8 & 0x3fff) : (r >> 8 & 0xff);
        size_t from = r >> 24 & (SIZE - 1), to = r >> 44 & (SIZE - 1);
        switch (r & 0xc0) {
        case 0: memset(memory + to, (int)(r >> 16 & 0xff), n); break;
        case 0x40: memmove(memory + to, memory + to + 13, n); break;
        default: memcpy(memory + SIZE - 0x4000 + to, memory + (from & (SIZE / 2 - 1)), n);
        }
    }
    bench_stop(b);
    for (size_t i = 0; i < 2 * SIZE; i += 8) {
        sum = bench_mix(sum, memory[i]);
    }
    bench_check(b, sum);
    free(memory);
    return 0;
}
