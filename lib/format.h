// SPDX-License-Identifier: Apache-2.0
// Formatted text without a libc: the C standard's conversions d i u x X o c s p %, with the flags
// - 0 + space #, width and precision (also *), and the lengths hh h l ll z t j. No floating point,
// no n; a conversion outside of this list is written out as it stands.
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

// Both write at most `size` bytes with the terminator and return the length that the whole text
// has: a result of `size` or more says that it was cut. `to` may be NULL when size is 0.
__attribute__((format(printf, 3, 0))) int hull_vsnprintf(char *to, size_t size, const char *format,
                                                         va_list args);
__attribute__((format(printf, 3, 4))) int hull_snprintf(char *to, size_t size, const char *format,
                                                        ...);

#endif
