// SPDX-License-Identifier: Apache-2.0
// A scanner that steps over JSON values without keeping them. It reads each character once, holds
// no stack (brackets are only counted), and gives up quietly on text that isn't JSON.
#include "host/config/json_place.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct scan {
    const char *at, *end;
    struct json_place place; // of `at`
};

static int scan_peek(const struct scan *scan)
{
    return scan->at < scan->end ? (unsigned char)*scan->at : -1;
}

static int scan_next(struct scan *scan)
{
    if (scan->at == scan->end)
        return -1;
    unsigned char c = (unsigned char)*scan->at++;
    if (c == '\n') {
        scan->place.line++;
        scan->place.column = 1;
    } else if ((c & 0xc0) != 0x80) { // not in the middle of a UTF-8 character
        scan->place.column++;
    }
    return c;
}

static bool scan_take(struct scan *scan, char c)
{
    if (scan_peek(scan) != c)
        return false;
    scan_next(scan);
    return true;
}

static void skip_space(struct scan *scan)
{
    for (int c; (c = scan_peek(scan)) == ' ' || c == '\t' || c == '\n' || c == '\r';)
        scan_next(scan);
}

static bool skip_string(struct scan *scan)
{
    if (!scan_take(scan, '"'))
        return false;
    for (int c; (c = scan_next(scan)) != '"';) {
        if (c == '\\')
            c = scan_next(scan);
        if (c < 0)
            return false;
    }
    return true;
}

// A number, true, false or null.
static bool skip_word(struct scan *scan)
{
    const char *start = scan->at;
    while (scan_peek(scan) >= 0 && !strchr(",:[]{}\" \t\r\n", scan_peek(scan)))
        scan_next(scan);
    return scan->at != start;
}

static bool skip_value(struct scan *scan)
{
    size_t depth = 0;
    do {
        skip_space(scan);
        int c = scan_peek(scan);
        if (c == '"') {
            if (!skip_string(scan))
                return false;
        } else if (c == '{' || c == '[') {
            depth++;
            scan_next(scan);
        } else if (depth && (c == '}' || c == ']')) {
            depth--;
            scan_next(scan);
        } else if (depth && (c == ',' || c == ':')) {
            scan_next(scan);
        } else if (!skip_word(scan)) {
            return false;
        }
    } while (depth);
    return true;
}

static int hex_value(int c)
{
    const char *digits = "0123456789abcdef";
    const char *digit = c > 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
    return digit ? (int)(digit - digits) : -1;
}

// The four digits after \u; -1 when they aren't.
static int32_t scan_hex4(struct scan *scan)
{
    int32_t code = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(scan_next(scan));
        if (digit < 0)
            return -1;
        code = code << 4 | digit;
    }
    return code;
}

// The code point of a \u escape whose "\u" is taken already, with its second half if it has one.
static int32_t scan_escaped(struct scan *scan)
{
    int32_t high = scan_hex4(scan);
    if (high < 0xd800 || high > 0xdbff)
        return high;
    if (!scan_take(scan, '\\') || !scan_take(scan, 'u'))
        return -1;
    int32_t low = scan_hex4(scan);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static unsigned utf8_encode(int32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    unsigned tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[tail] | code >> (6 * tail));
    for (unsigned i = 1; i <= tail; i++)
        out[i] = (char)(0x80 | (code >> (6 * (tail - i)) & 0x3f));
    return tail + 1;
}

// The next character of a string, unescaped: its bytes and their number, 0 at the end or on an error.
static unsigned string_char(struct scan *scan, char out[4])
{
    int c = scan_next(scan);
    if (c < 0 || c == '"')
        return 0;
    if (c == '\\') {
        static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
        c = scan_next(scan);
        if (c == 'u') {
            int32_t code = scan_escaped(scan);
            return code < 0 ? 0 : utf8_encode(code, out);
        }
        const char *escape = c > 0 ? strchr(from, c) : NULL;
        if (!escape)
            return 0;
        c = to[escape - from];
    }
    out[0] = (char)c;
    return 1;
}

// Whether the string at the scanner's place says `key`. Works on a copy of the scanner.
static bool string_is(struct scan scan, const char *key)
{
    char bytes[4];
    if (!scan_take(&scan, '"'))
        return false;
    for (unsigned count; (count = string_char(&scan, bytes)) > 0; key += count)
        if (strncmp(key, bytes, count) != 0 || !*key)
            return false;
    return !*key;
}

// From an object to its member `key`; *key_place gets the place of the key itself.
static bool enter_member(struct scan *scan, const char *key, struct json_place *key_place)
{
    if (!scan_take(scan, '{'))
        return false;
    do {
        skip_space(scan);
        bool found = string_is(*scan, key);
        *key_place = scan->place;
        if (!skip_string(scan))
            return false;
        skip_space(scan);
        if (!scan_take(scan, ':'))
            return false;
        skip_space(scan);
        if (found)
            return scan_peek(scan) >= 0;
        if (!skip_value(scan))
            return false;
        skip_space(scan);
    } while (scan_take(scan, ','));
    return false;
}

static bool enter_item(struct scan *scan, size_t index)
{
    if (!scan_take(scan, '['))
        return false;
    for (; index; index--) {
        if (!skip_value(scan))
            return false;
        skip_space(scan);
        if (!scan_take(scan, ','))
            return false;
    }
    skip_space(scan);
    return scan_peek(scan) >= 0 && scan_peek(scan) != ']';
}

// Recursion is as deep as the path, which our own code made.
static bool enter(struct scan *scan, const struct json_step *step, struct json_place *key_place)
{
    if (!step) {
        skip_space(scan);
        return scan_peek(scan) >= 0;
    }
    if (!enter(scan, step->up, key_place))
        return false;
    if (step->key)
        return enter_member(scan, step->key, key_place);
    return enter_item(scan, step->index);
}

bool hull_json_locate(const char *text, size_t size, const struct json_step *step,
                      enum json_part part, struct json_place *place)
{
    struct scan scan = {text, text + size, {1, 1}};
    struct json_place key_place = {1, 1};
    if (!enter(&scan, step, &key_place))
        return false;
    *place = part == JSON_PART_KEY && step && step->key ? key_place : scan.place;
    return true;
}

void hull_json_step_print(const struct json_step *step, char *buf, size_t size)
{
    buf[0] = '\0';
    if (!step)
        return;
    hull_json_step_print(step->up, buf, size);
    size_t used = strlen(buf);
    if (step->key)
        snprintf(buf + used, size - used, "%s%s", used ? "." : "", step->key);
    else
        snprintf(buf + used, size - used, "[%zu]", step->index);
}
