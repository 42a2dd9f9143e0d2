// SPDX-License-Identifier: Apache-2.0
// Numbers and sizes out of text that a user or a file wrote.
#include "lib/checked.h"
#include "lib/str.h"

// 255 for what is no digit in any base.
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A') + 10;
    return 255;
}

// Takes the base's prefix off *s.
static unsigned prefix_base(const char **s)
{
    const char *p = *s;
    if (p[0] != '0' || !p[1])
        return 10;
    unsigned base = 10;
    switch (p[1] | 0x20) {
    case 'x': base = 16; break;
    case 'o': base = 8; break;
    case 'b': base = 2; break;
    default: return 10;
    }
    *s += 2;
    return base;
}

// Reads digits up to the first character that is none; sets *end to it. Base 0 as for the public
// function. A number that is too large is still read to its end, so that -HULL_EINVAL wins.
static int parse_digits(const char *s, unsigned base, uint64_t *value, const char **end)
{
    uint64_t sum = 0;
    bool fits = true;
    if (base == 0)
        base = prefix_base(&s);
    const char *first = s;
    for (unsigned digit; (digit = digit_value(*s)) < base; s++)
        fits = fits && hull_mul_u64(sum, base, &sum) && hull_add_u64(sum, digit, &sum);
    *end = s;
    if (s == first)
        return -HULL_EINVAL;
    *value = sum;
    return fits ? 0 : -HULL_ERANGE;
}

int hull_parse_u64(const char *s, unsigned base, uint64_t *value)
{
    const char *end;
    uint64_t parsed;
    if (base == 1 || base > 36)
        return -HULL_EINVAL;
    int error = parse_digits(s, base, &parsed, &end);
    if (error == -HULL_EINVAL || *end)
        return -HULL_EINVAL;
    if (error)
        return error;
    *value = parsed;
    return 0;
}

// The power of two that a unit stands for; -HULL_EINVAL for an unknown one.
static int unit_shift(const char *unit)
{
    int shift;
    if (!unit[0])
        return 0;
    switch (unit[0] | 0x20) {
    case 'k': shift = 10; break;
    case 'm': shift = 20; break;
    case 'g': shift = 30; break;
    case 't': shift = 40; break;
    default: return -HULL_EINVAL;
    }
    const char *rest = unit + 1;
    if (!rest[0] || hull_streq(rest, "B") || hull_streq(rest, "iB") || hull_streq(rest, "b") ||
        hull_streq(rest, "ib"))
        return shift;
    return -HULL_EINVAL;
}

int hull_parse_size(const char *s, uint64_t *bytes)
{
    const char *unit;
    uint64_t number;
    int error = parse_digits(s, 0, &number, &unit);
    if (error == -HULL_EINVAL)
        return error;
    int shift = unit_shift(unit);
    if (shift < 0)
        return shift;
    if (error || !hull_mul_u64(number, 1ull << shift, &number))
        return -HULL_ERANGE;
    *bytes = number;
    return 0;
}
