// SPDX-License-Identifier: Apache-2.0
// See fp_reference.h. Written for obviousness, not for speed.
#include "fp_reference.h"

#include <math.h>
#include <string.h>

const struct ref_format ref_f16 = {"f16", 5, 10};
const struct ref_format ref_f32 = {"f32", 8, 23};
const struct ref_format ref_f64 = {"f64", 11, 52};

// Bit i of a wide number weighs 2^(i - POINT). The products of binary64 reach from 2^-2148 to
// 2^2048, quotients are a little longer.
#define WORDS 70
#define POINT 2304

__extension__ typedef unsigned __int128 u128;

struct wide {
    uint64_t word[WORDS];
};

static bool wide_bit(const struct wide *w, int weight)
{
    int i = weight + POINT;
    return i >= 0 && i < WORDS * 64 && (w->word[i / 64] >> i % 64 & 1);
}

// value * 2^weight
static void wide_set(struct wide *w, u128 value, int weight)
{
    int i = (weight + POINT) / 64, shift = (weight + POINT) % 64;
    uint64_t low = (uint64_t)value, high = (uint64_t)(value >> 64);
    memset(w, 0, sizeof(*w));
    w->word[i] = low << shift;
    w->word[i + 1] = high << shift | (shift ? low >> (64 - shift) : 0);
    w->word[i + 2] = shift ? high >> (64 - shift) : 0;
}

static void wide_add(struct wide *a, const struct wide *b)
{
    unsigned carry = 0;
    for (int i = 0; i < WORDS; i++) {
        u128 sum = (u128)a->word[i] + b->word[i] + carry;
        a->word[i] = (uint64_t)sum;
        carry = (unsigned)(sum >> 64);
    }
}

static int wide_compare(const struct wide *a, const struct wide *b)
{
    for (int i = WORDS - 1; i >= 0; i--)
        if (a->word[i] != b->word[i])
            return a->word[i] < b->word[i] ? -1 : 1;
    return 0;
}

static void wide_sub(struct wide *a, const struct wide *b)
{
    unsigned borrow = 0;
    for (int i = 0; i < WORDS; i++) {
        u128 difference = (u128)a->word[i] - b->word[i] - borrow;
        a->word[i] = (uint64_t)difference;
        borrow = difference >> 64 != 0;
    }
}

// The weight of the leading one; w is not zero.
static int wide_top(const struct wide *w)
{
    int i = WORDS - 1;
    while (w->word[i] == 0)
        i--;
    return i * 64 + 63 - __builtin_clzll(w->word[i]) - POINT;
}

static bool wide_any_below(const struct wide *w, int weight)
{
    int end = weight + POINT;
    for (int i = 0; i < end / 64; i++)
        if (w->word[i])
            return true;
    return (w->word[end / 64] & ((UINT64_C(1) << end % 64) - 1)) != 0;
}

static int bias(const struct ref_format *f)
{
    return (1 << (f->exp_bits - 1)) - 1;
}

static int exp_field(const struct ref_format *f, uint64_t a)
{
    return (int)(a >> f->frac_bits) & ((1 << f->exp_bits) - 1);
}

static uint64_t frac_field(const struct ref_format *f, uint64_t a)
{
    return a & ((UINT64_C(1) << f->frac_bits) - 1);
}

static bool sign_field(const struct ref_format *f, uint64_t a)
{
    return a >> (f->exp_bits + f->frac_bits) & 1;
}

static uint64_t compose(const struct ref_format *f, bool sign, int exp, uint64_t frac)
{
    return (uint64_t)sign << (f->exp_bits + f->frac_bits) | (uint64_t)exp << f->frac_bits | frac;
}

static bool is_special(const struct ref_format *f, uint64_t a)
{
    return exp_field(f, a) == (1 << f->exp_bits) - 1;
}

static bool is_inf(const struct ref_format *f, uint64_t a)
{
    return is_special(f, a) && !frac_field(f, a);
}

bool ref_is_nan(const struct ref_format *f, uint64_t a)
{
    return is_special(f, a) && frac_field(f, a);
}

bool ref_is_snan(const struct ref_format *f, uint64_t a)
{
    return ref_is_nan(f, a) && !(a >> (f->frac_bits - 1) & 1);
}

uint64_t ref_nan(const struct ref_format *f)
{
    return compose(f, false, (1 << f->exp_bits) - 1, UINT64_C(1) << (f->frac_bits - 1));
}

static uint64_t inf(const struct ref_format *f, bool sign)
{
    return compose(f, sign, (1 << f->exp_bits) - 1, 0);
}

// A finite number is digits * 2^weight.
static uint64_t digits(const struct ref_format *f, uint64_t a)
{
    return frac_field(f, a) | (uint64_t)(exp_field(f, a) != 0) << f->frac_bits;
}

static int weight(const struct ref_format *f, uint64_t a)
{
    int exp = exp_field(f, a);
    return (exp ? exp : 1) - bias(f) - f->frac_bits;
}

double ref_to_double(const struct ref_format *f, uint64_t a)
{
    double magnitude = is_inf(f, a) ? HUGE_VAL : ldexp((double)digits(f, a), weight(f, a));
    return sign_field(f, a) ? -magnitude : magnitude;
}

static uint64_t raise(const struct ref_format *f, unsigned flag, uint8_t *flags)
{
    *flags |= (uint8_t)flag;
    return ref_nan(f);
}

static bool away(enum fp_rm rm, bool sign, bool last, bool half, bool below)
{
    switch (rm) {
    case FP_RNE: return half && (below || last);
    case FP_RTZ: return false;
    case FP_RDN: return sign && (half || below);
    case FP_RUP: return !sign && (half || below);
    case FP_RMM: return half;
    }
    return false;
}

// w's digits from 2^top down to 2^last, rounded.
static uint64_t rounded(const struct wide *w, bool sign, bool sticky, int top, int last,
                        enum fp_rm rm, bool *inexact)
{
    uint64_t kept = 0;
    for (int i = top; i >= last; i--)
        kept = kept << 1 | wide_bit(w, i);
    bool half = wide_bit(w, last - 1);
    bool below = sticky || wide_any_below(w, last - 1);
    *inexact = half || below;
    return kept + away(rm, sign, kept & 1, half, below);
}

// `sticky`: the true value is a little more than w. w is not zero.
static uint64_t encode(const struct ref_format *f, bool sign, const struct wide *w, bool sticky,
                       enum fp_rm rm, uint8_t *flags)
{
    int top = wide_top(w), min = 1 - bias(f), p = f->frac_bits;
    uint64_t two = UINT64_C(2) << p; // the first number with one digit too many
    bool inexact, unused;
    bool tiny = top < min &&
                !(rounded(w, sign, sticky, top, top - p, rm, &unused) == two && top + 1 == min);
    int last = (top < min ? min : top) - p;
    uint64_t kept = rounded(w, sign, sticky, top, last, rm, &inexact);
    if (kept == two) {
        kept /= 2;
        last++;
    }
    if (inexact)
        *flags |= tiny ? FP_NX | FP_UF : FP_NX;
    if (kept < two / 2)
        return compose(f, sign, 0, kept);
    int exp = last + p + bias(f);
    if (exp < (1 << f->exp_bits) - 1)
        return compose(f, sign, exp, kept - two / 2);
    *flags |= FP_OF | FP_NX;
    return away(rm, sign, true, true, true) ? inf(f, sign) : inf(f, sign) - 1;
}

// product is a * b or just a (for addition) as digits, weight and sign; c is added.
static uint64_t add_exact(const struct ref_format *f, u128 product, int product_weight, bool sign,
                          uint64_t c, enum fp_rm rm, uint8_t *flags)
{
    struct wide x, y;
    bool sign_c = sign_field(f, c);
    wide_set(&x, product, product_weight);
    wide_set(&y, digits(f, c), weight(f, c));
    int order = wide_compare(&x, &y);
    if (sign == sign_c) {
        if (!product && !digits(f, c))
            return compose(f, sign, 0, 0);
        wide_add(&x, &y);
        return encode(f, sign, &x, false, rm, flags);
    }
    if (order == 0)
        return compose(f, rm == FP_RDN, 0, 0);
    if (order > 0) {
        wide_sub(&x, &y);
        return encode(f, sign, &x, false, rm, flags);
    }
    wide_sub(&y, &x);
    return encode(f, sign_c, &y, false, rm, flags);
}

uint64_t ref_add(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                 uint8_t *flags)
{
    (void)c;
    if (ref_is_snan(f, a) || ref_is_snan(f, b))
        return raise(f, FP_NV, flags);
    if (ref_is_nan(f, a) || ref_is_nan(f, b))
        return ref_nan(f);
    if (is_inf(f, a) && is_inf(f, b) && a != b)
        return raise(f, FP_NV, flags);
    if (is_inf(f, a) || is_inf(f, b))
        return is_inf(f, a) ? a : b;
    return add_exact(f, digits(f, a), weight(f, a), sign_field(f, a), b, rm, flags);
}

uint64_t ref_sub(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                 uint8_t *flags)
{
    return ref_add(f, a, b ^ compose(f, true, 0, 0), c, rm, flags);
}

uint64_t ref_fma(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                 uint8_t *flags)
{
    bool sign = sign_field(f, a) != sign_field(f, b);
    bool zero_a = !is_special(f, a) && !digits(f, a), zero_b = !is_special(f, b) && !digits(f, b);
    if (ref_is_snan(f, a) || ref_is_snan(f, b) || ref_is_snan(f, c))
        return raise(f, FP_NV, flags);
    if ((is_inf(f, a) && zero_b) || (is_inf(f, b) && zero_a))
        return raise(f, FP_NV, flags);
    if (ref_is_nan(f, a) || ref_is_nan(f, b) || ref_is_nan(f, c))
        return ref_nan(f);
    if (is_inf(f, a) || is_inf(f, b)) {
        bool opposite = is_inf(f, c) && sign_field(f, c) != sign;
        return opposite ? raise(f, FP_NV, flags) : inf(f, sign);
    }
    if (is_inf(f, c))
        return c;
    u128 product = (u128)digits(f, a) * digits(f, b);
    return add_exact(f, product, weight(f, a) + weight(f, b), sign, c, rm, flags);
}

// a * b + 0, with the zero's sign chosen such that it never shows.
uint64_t ref_mul(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                 uint8_t *flags)
{
    (void)c;
    return ref_fma(f, a, b, compose(f, sign_field(f, a) != sign_field(f, b), 0, 0), rm, flags);
}

uint64_t ref_div(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                 uint8_t *flags)
{
    bool sign = sign_field(f, a) != sign_field(f, b);
    (void)c;
    if (ref_is_snan(f, a) || ref_is_snan(f, b))
        return raise(f, FP_NV, flags);
    if (ref_is_nan(f, a) || ref_is_nan(f, b))
        return ref_nan(f);
    if (is_inf(f, a))
        return is_inf(f, b) ? raise(f, FP_NV, flags) : inf(f, sign);
    if (is_inf(f, b))
        return compose(f, sign, 0, 0);
    u128 x = digits(f, a), y = digits(f, b);
    if (y == 0) {
        raise(f, x ? FP_DZ : FP_NV, flags);
        return x ? inf(f, sign) : ref_nan(f);
    }
    if (x == 0)
        return compose(f, sign, 0, 0);
    int scale = weight(f, a) - weight(f, b);
    for (; !(x >> 127); scale--)
        x <<= 1;
    struct wide w;
    wide_set(&w, x / y, scale);
    return encode(f, sign, &w, x % y != 0, rm, flags);
}

uint64_t ref_sqrt(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                  uint8_t *flags)
{
    (void)b;
    (void)c;
    if (ref_is_nan(f, a))
        return ref_is_snan(f, a) ? raise(f, FP_NV, flags) : ref_nan(f);
    if (!is_special(f, a) && !digits(f, a))
        return a;
    if (sign_field(f, a))
        return raise(f, FP_NV, flags);
    if (is_inf(f, a))
        return a;
    u128 x = digits(f, a), root = 0;
    int scale = weight(f, a);
    for (; !(x >> 125) || scale % 2; scale--)
        x <<= 1;
    for (int bit = 63; bit >= 0; bit--) {
        u128 trial = root | (u128)1 << bit;
        if (trial * trial <= x)
            root = trial;
    }
    struct wide w;
    wide_set(&w, root, scale / 2);
    return encode(f, false, &w, root * root != x, rm, flags);
}

uint64_t ref_convert(const struct ref_format *to, const struct ref_format *from, uint64_t a,
                     enum fp_rm rm, uint8_t *flags)
{
    struct wide w;
    bool sign = sign_field(from, a);
    if (ref_is_nan(from, a))
        return ref_is_snan(from, a) ? raise(to, FP_NV, flags) : ref_nan(to);
    if (is_inf(from, a))
        return inf(to, sign);
    if (!digits(from, a))
        return compose(to, sign, 0, 0);
    wide_set(&w, digits(from, a), weight(from, a));
    return encode(to, sign, &w, false, rm, flags);
}

uint64_t ref_from_int(const struct ref_format *f, bool negative, uint64_t magnitude, enum fp_rm rm,
                      uint8_t *flags)
{
    struct wide w;
    if (!magnitude)
        return 0;
    wide_set(&w, magnitude, 0);
    return encode(f, negative, &w, false, rm, flags);
}

uint64_t ref_to_int(const struct ref_format *f, uint64_t a, struct ref_int type, enum fp_rm rm,
                    uint8_t *flags)
{
    struct wide w;
    bool sign = sign_field(f, a), inexact = false;
    int magnitude_bits = type.bits - type.is_signed;
    uint64_t max = UINT64_MAX >> (64 - magnitude_bits);
    uint64_t lowest = type.is_signed ? max + 1 : 0; // magnitude of the least value
    if (!is_special(f, a) && exp_field(f, a) - bias(f) < 70) {
        wide_set(&w, digits(f, a), weight(f, a));
        bool fits = !wide_bit(&w, 64) && !wide_bit(&w, 65) && !wide_bit(&w, 66) &&
                    !wide_bit(&w, 67) && !wide_bit(&w, 68) && !wide_bit(&w, 69);
        uint64_t kept = rounded(&w, sign, false, 63, 0, rm, &inexact);
        if (fits && kept <= (sign ? lowest : max)) {
            *flags |= inexact ? FP_NX : 0;
            return sign ? 0 - kept : kept;
        }
    }
    *flags |= FP_NV;
    return sign && !ref_is_nan(f, a) ? 0 - lowest : max;
}

static uint64_t round_integral(const struct ref_format *f, uint64_t a, enum fp_rm rm,
                               uint8_t *flags)
{
    struct wide w;
    bool sign = sign_field(f, a), inexact;
    if (ref_is_nan(f, a))
        return ref_is_snan(f, a) ? raise(f, FP_NV, flags) : ref_nan(f);
    if (is_inf(f, a) || exp_field(f, a) - bias(f) > 60)
        return a;
    wide_set(&w, digits(f, a), weight(f, a));
    uint64_t integer = rounded(&w, sign, false, 63, 0, rm, &inexact);
    *flags |= inexact ? FP_NX : 0;
    if (!integer)
        return compose(f, sign, 0, 0);
    wide_set(&w, integer, 0);
    return encode(f, sign, &w, false, rm, flags);
}

uint64_t ref_roundnx(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                     uint8_t *flags)
{
    (void)b;
    (void)c;
    return round_integral(f, a, rm, flags);
}

uint64_t ref_round(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                   uint8_t *flags)
{
    uint64_t result = ref_roundnx(f, a, b, c, rm, flags);
    *flags &= (uint8_t)~FP_NX;
    return result;
}
