// SPDX-License-Identifier: Apache-2.0
// String functions without a libc.
#include "lib/str.h"

size_t hull_strlen(const char *s)
{
    size_t length = 0;
    while (s[length])
        length++;
    return length;
}

size_t hull_strnlen(const char *s, size_t max)
{
    size_t length = 0;
    while (length < max && s[length])
        length++;
    return length;
}

int hull_strcmp(const char *a, const char *b)
{
    return hull_strncmp(a, b, SIZE_MAX);
}

int hull_strncmp(const char *a, const char *b, size_t max)
{
    for (size_t i = 0; i < max; i++) {
        if (a[i] != b[i])
            return (unsigned char)a[i] - (unsigned char)b[i];
        if (!a[i])
            break;
    }
    return 0;
}

bool hull_streq(const char *a, const char *b)
{
    return hull_strcmp(a, b) == 0;
}

bool hull_str_starts(const char *s, const char *prefix)
{
    return hull_strncmp(s, prefix, hull_strlen(prefix)) == 0;
}

bool hull_str_ends(const char *s, const char *suffix)
{
    size_t length = hull_strlen(s), tail = hull_strlen(suffix);
    return tail <= length && memcmp(s + length - tail, suffix, tail) == 0;
}

const char *hull_strchr(const char *s, char c)
{
    for (;; s++) {
        if (*s == c)
            return s;
        if (!*s)
            return NULL;
    }
}

const char *hull_strrchr(const char *s, char c)
{
    const char *last = NULL;
    for (;; s++) {
        if (*s == c)
            last = s;
        if (!*s)
            return last;
    }
}

size_t hull_strlcpy(char *to, const char *from, size_t size)
{
    size_t length = hull_strlen(from);
    if (size) {
        size_t copied = length < size ? length : size - 1;
        memcpy(to, from, copied);
        to[copied] = '\0';
    }
    return length;
}
