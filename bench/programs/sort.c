// SPDX-License-Identifier: Apache-2.0
// Quicksort (median of three, insertion at the leaves) on random numbers: compares and swaps.
#include "bench.h"

#include <stdlib.h>

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t t = *a;
    *a = *b;
    *b = t;
}

static void insertion(uint32_t *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint32_t key = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1] > key; j--) {
            v[j] = v[j - 1];
        }
        v[j] = key;
    }
}

static void quicksort(uint32_t *v, size_t n)
{
    while (n > 16) {
        size_t middle = n / 2;
        if (v[middle] < v[0]) {
            swap(&v[middle], &v[0]);
        }
        if (v[n - 1] < v[0]) {
            swap(&v[n - 1], &v[0]);
        }
        if (v[n - 1] < v[middle]) {
            swap(&v[n - 1], &v[middle]);
        }
        uint32_t pivot = v[middle];
        size_t i = 0, j = n - 1;
        for (;;) {
            while (v[i] < pivot) {
                i++;
            }
            while (v[j] > pivot) {
                j--;
            }
            if (i >= j) {
                break;
            }
            swap(&v[i++], &v[j--]);
        }
        quicksort(v, j + 1);
        v += j + 1;
        n -= j + 1;
    }
    insertion(v, n);
}

int bench_sort(struct bench *b)
{
    size_t count = bench_count(b, 1000000);
    uint32_t *v = malloc(count * sizeof(*v));
    uint64_t state = 42, sum = 0;
    if (!v) {
        return bench_fail(b, "memory");
    }
    for (size_t i = 0; i < count; i++) {
        v[i] = (uint32_t)(bench_random(&state) >> 32);
    }
    bench_start(b);
    quicksort(v, count);
    bench_stop(b);
    for (size_t i = 1; i < count; i++) {
        if (v[i - 1] > v[i]) {
            return bench_fail(b, "not sorted");
        }
        sum = bench_mix(sum, v[i]);
    }
    bench_check(b, sum);
    free(v);
    return 0;
}
