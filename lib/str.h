// SPDX-License-Identifier: Apache-2.0
// Strings: the few functions of <string.h> that freestanding code needs, numbers out of text, and
// "did you mean" suggestions.
#ifndef LIB_STR_H
#define LIB_STR_H

#include "lib/mem.h"
#include <hull/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t hull_strlen(const char *s);
// At most `max`; reads no byte past that.
size_t hull_strnlen(const char *s, size_t max);
int hull_strcmp(const char *a, const char *b);
int hull_strncmp(const char *a, const char *b, size_t max);
bool hull_streq(const char *a, const char *b);
bool hull_str_starts(const char *s, const char *prefix);
bool hull_str_ends(const char *s, const char *suffix);
// The first (last) place of `c` in `s`, NULL if there is none; '\0' finds the end.
const char *hull_strchr(const char *s, char c);
const char *hull_strrchr(const char *s, char c);

// Copies as much as fits and always terminates (unless size is 0). Returns the length of `from`:
// a result of `size` or more says that it was cut.
size_t hull_strlcpy(char *to, const char *from, size_t size);

// The whole of `s` as an unsigned number. Base 0 reads a prefix 0x, 0o or 0b and is decimal without
// one. No sign, no space. -HULL_EINVAL when it isn't a number, -HULL_ERANGE when it is too large;
// *value is untouched then.
HULL_MUST_CHECK int hull_parse_u64(const char *s, unsigned base, uint64_t *value);

// A size in bytes: a decimal or 0x number with an optional K, M, G or T (powers of 1024; "KiB", "MB"
// and lower case are taken too). Errors as above.
HULL_MUST_CHECK int hull_parse_size(const char *s, uint64_t *bytes);

// The number of single-character insertions, removals, replacements and swaps of neighbours that
// make one word of the other. Words are compared in their first HULL_EDIT_MAX characters.
#define HULL_EDIT_MAX 63
unsigned hull_edit_distance(const char *a, const char *b);

// The name most like `word`, for an error message; NULL when none is near enough to be meant.
const char *hull_suggest(const char *word, const char *const *names, size_t count);

#endif
