// SPDX-License-Identifier: Apache-2.0
// The four functions that freestanding code takes from outside: every compiler may call them of its
// own accord, so whoever links us (a libc, the metal image) has to provide them.
#ifndef LIB_MEM_H
#define LIB_MEM_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
