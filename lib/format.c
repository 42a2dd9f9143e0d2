// SPDX-License-Identifier: Apache-2.0
// The formatter behind logs, messages and the device tree's node names.
#include "lib/format.h"
#include "lib/str.h"
#include <limits.h>

struct format_out {
    char *to;
    size_t size;
    size_t length; // of the whole text, cut or not
};

struct format_spec {
    bool left, zero, plus, space, alternate;
    bool has_precision;
    size_t width, precision;
    char length; // 'H' for hh, 'h', 'l', 'L' for ll, 'z', 't', 'j', or 0
    char conversion;
};

// Digits of a 64-bit number in base 8.
#define DIGITS_MAX 22

static void put_char(struct format_out *out, char c)
{
    if (out->length + 1 < out->size)
        out->to[out->length] = c;
    out->length++;
}

static void put_repeat(struct format_out *out, char c, size_t count)
{
    while (count--)
        put_char(out, c);
}

static void put_text(struct format_out *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put_char(out, text[i]);
}

static void put_padded(struct format_out *out, const struct format_spec *spec, const char *text,
                       size_t length)
{
    size_t padding = spec->width > length ? spec->width - length : 0;
    if (!spec->left)
        put_repeat(out, ' ', padding);
    put_text(out, text, length);
    if (spec->left)
        put_repeat(out, ' ', padding);
}

// Fills `digits` from its end; returns how many there are. 0 has one digit.
static size_t number_digits(char digits[DIGITS_MAX], uint64_t value, unsigned base, bool upper)
{
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    size_t count = 0;
    do {
        digits[DIGITS_MAX - ++count] = alphabet[value % base];
        value /= base;
    } while (value);
    return count;
}

static void put_number(struct format_out *out, const struct format_spec *spec, uint64_t value,
                       unsigned base, const char *prefix)
{
    char digits[DIGITS_MAX];
    size_t count = number_digits(digits, value, base, spec->conversion == 'X');
    if (spec->has_precision && spec->precision == 0 && value == 0)
        count = 0;
    size_t prefix_length = hull_strlen(prefix);
    size_t zeros = spec->has_precision && spec->precision > count ? spec->precision - count : 0;
    // '#' with octal asks for a leading zero, which a precision may already have brought.
    if (spec->alternate && base == 8 && !zeros && (value || !count))
        zeros = 1;
    size_t length = prefix_length + zeros + count;
    size_t padding = spec->width > length ? spec->width - length : 0;
    if (spec->zero && !spec->left && !spec->has_precision) {
        zeros += padding;
        padding = 0;
    }
    if (!spec->left)
        put_repeat(out, ' ', padding);
    put_text(out, prefix, prefix_length);
    put_repeat(out, '0', zeros);
    put_text(out, digits + DIGITS_MAX - count, count);
    if (spec->left)
        put_repeat(out, ' ', padding);
}

static void put_signed(struct format_out *out, const struct format_spec *spec, int64_t value)
{
    const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
    put_number(out, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, sign);
}

static void put_unsigned(struct format_out *out, const struct format_spec *spec, uint64_t value)
{
    const char *prefix = "";
    unsigned base = 10;
    if (spec->conversion == 'x' || spec->conversion == 'X') {
        base = 16;
        if (spec->alternate && value)
            prefix = spec->conversion == 'x' ? "0x" : "0X";
    } else if (spec->conversion == 'o') {
        base = 8;
    }
    put_number(out, spec, value, base, prefix);
}

static void put_string(struct format_out *out, const struct format_spec *spec, const char *text)
{
    if (!text)
        text = "(null)";
    put_padded(out, spec, text,
               hull_strnlen(text, spec->has_precision ? spec->precision : SIZE_MAX));
}

static bool parse_flag(struct format_spec *spec, char c)
{
    switch (c) {
    case '-': spec->left = true; return true;
    case '0': spec->zero = true; return true;
    case '+': spec->plus = true; return true;
    case ' ': spec->space = true; return true;
    case '#': spec->alternate = true; return true;
    default: return false;
    }
}

// Numbers are cut at INT_MAX, more than anybody's buffer.
static size_t parse_count(const char **format)
{
    size_t count = 0;
    for (; **format >= '0' && **format <= '9'; ++*format)
        if (count <= INT_MAX / 10 - 1)
            count = count * 10 + (size_t)(**format - '0');
    return count;
}

static char parse_length(const char **format)
{
    char c = **format;
    if (!c || !hull_strchr("hlztj", c))
        return 0;
    ++*format;
    if ((c == 'h' || c == 'l') && **format == c) {
        ++*format;
        return c == 'h' ? 'H' : 'L';
    }
    return c;
}

// va_list may be an array type, which decays in a parameter: a struct passes it by reference.
struct format_args {
    va_list list;
};

static void parse_spec(const char **format, struct format_spec *spec, struct format_args *args)
{
    while (parse_flag(spec, **format))
        ++*format;
    if (**format == '*') {
        int width = va_arg(args->list, int);
        spec->left |= width < 0;
        spec->width = width < 0 ? -(size_t)width : (size_t)width;
        ++*format;
    } else {
        spec->width = parse_count(format);
    }
    if (**format == '.') {
        ++*format;
        spec->has_precision = true;
        if (**format == '*') {
            int precision = va_arg(args->list, int);
            spec->has_precision = precision >= 0; // a negative one counts as none
            spec->precision = precision < 0 ? 0 : (size_t)precision;
            ++*format;
        } else {
            spec->precision = parse_count(format);
        }
    }
    spec->length = parse_length(format);
    spec->conversion = **format;
}

static int64_t signed_arg(char length, struct format_args *args)
{
    switch (length) {
    case 'H': return (signed char)va_arg(args->list, int);
    case 'h': return (short)va_arg(args->list, int);
    case 'l': return va_arg(args->list, long);
    case 'L': return va_arg(args->list, long long);
    case 'z':
    case 't': return va_arg(args->list, ptrdiff_t);
    case 'j': return va_arg(args->list, intmax_t);
    default: return va_arg(args->list, int);
    }
}

static uint64_t unsigned_arg(char length, struct format_args *args)
{
    switch (length) {
    case 'H': return (unsigned char)va_arg(args->list, unsigned);
    case 'h': return (unsigned short)va_arg(args->list, unsigned);
    case 'l': return va_arg(args->list, unsigned long);
    case 'L': return va_arg(args->list, unsigned long long);
    case 'z':
    case 't': return va_arg(args->list, size_t);
    case 'j': return va_arg(args->list, uintmax_t);
    default: return va_arg(args->list, unsigned);
    }
}

// False when the conversion is not one of ours; no argument has been taken for it then.
static bool put_conversion(struct format_out *out, struct format_spec *spec,
                           struct format_args *args)
{
    char c;
    switch (spec->conversion) {
    case 'd':
    case 'i': put_signed(out, spec, signed_arg(spec->length, args)); return true;
    case 'u':
    case 'o':
    case 'x':
    case 'X': put_unsigned(out, spec, unsigned_arg(spec->length, args)); return true;
    case 'p':
        spec->alternate = false;
        put_number(out, spec, (uintptr_t)va_arg(args->list, void *), 16, "0x");
        return true;
    case 'c':
        c = (char)va_arg(args->list, int);
        put_padded(out, spec, &c, 1);
        return true;
    case 's': put_string(out, spec, va_arg(args->list, const char *)); return true;
    case '%': put_char(out, '%'); return true;
    default: return false;
    }
}

int hull_vsnprintf(char *to, size_t size, const char *format, va_list args)
{
    struct format_out out = {.to = to, .size = size};
    struct format_args copy;
    va_copy(copy.list, args);
    while (*format) {
        if (*format != '%') {
            put_char(&out, *format++);
            continue;
        }
        const char *start = format++;
        struct format_spec spec = {0};
        parse_spec(&format, &spec, &copy);
        bool known = put_conversion(&out, &spec, &copy);
        if (*format)
            format++;
        if (!known)
            put_text(&out, start, (size_t)(format - start));
    }
    va_end(copy.list);
    if (size)
        to[out.length < size ? out.length : size - 1] = '\0';
    return out.length > INT_MAX ? INT_MAX : (int)out.length;
}

int hull_snprintf(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = hull_vsnprintf(to, size, format, args);
    va_end(args);
    return length;
}
