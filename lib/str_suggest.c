// SPDX-License-Identifier: Apache-2.0
// "Did you mean ...?": the optimal string alignment distance, three rows of its table at a time.
#include "lib/str.h"

static unsigned min_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned hull_edit_distance(const char *a, const char *b)
{
    unsigned table[3][HULL_EDIT_MAX + 1];
    unsigned *before = table[0], *above = table[1], *row = table[2];
    unsigned a_len = (unsigned)hull_strnlen(a, HULL_EDIT_MAX);
    unsigned b_len = (unsigned)hull_strnlen(b, HULL_EDIT_MAX);

    for (unsigned j = 0; j <= b_len; j++) {
        before[j] = 0;
        row[j] = j;
    }
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (unsigned j = 1; j <= b_len; j++) {
            unsigned replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min_of(replaced, min_of(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min_of(row[j], before[j - 2] + 1);
        }
    }
    return row[b_len];
}

const char *hull_suggest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    // A third of the word may be wrong, but never all of it: two letters allow no slip.
    unsigned limit = (unsigned)hull_strnlen(word, HULL_EDIT_MAX) / 3;
    unsigned best_distance = (limit > 3 ? 3 : limit) + 1;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = hull_edit_distance(word, names[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}
