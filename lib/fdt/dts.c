// SPDX-License-Identifier: Apache-2.0
// A device tree as DTS source. The blob has no types: a value that could be text is shown as text,
// else as cells where its length allows, else as bytes; each of them compiles to the same bytes.
#include "lib/bytes.h"
#include "lib/fdt/layout.h"
#include "lib/format.h"
#include "lib/str.h"

struct dts_printer {
    hull_fdt_out_fn *out;
    void *context;
    unsigned depth;
};

static void put(const struct dts_printer *p, const char *text)
{
    p->out(p->context, text, hull_strlen(text));
}

// For short pieces: cells, bytes, reservations.
__attribute__((format(printf, 2, 3))) static void put_format(const struct dts_printer *p,
                                                             const char *format, ...)
{
    char piece[80];
    va_list args;
    va_start(args, format);
    hull_vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    put(p, piece);
}

static void indent(const struct dts_printer *p)
{
    for (unsigned i = 0; i < p->depth; i++)
        put(p, "\t");
}

// dtc's set for names in source; it is wider than the specification's (2.2.1).
static bool name_is_printable(const char *name)
{
    for (; *name; name++)
        if (!((*name >= '0' && *name <= '9') || (*name >= 'a' && *name <= 'z') ||
              (*name >= 'A' && *name <= 'Z') || hull_strchr(",._+*#?@-", *name)))
            return false;
    return true;
}

// The letter of an escape for `c`, 0 when it has none.
static char escape_letter(char c)
{
    switch (c) {
    case '\a': return 'a';
    case '\b': return 'b';
    case '\t': return 't';
    case '\n': return 'n';
    case '\v': return 'v';
    case '\f': return 'f';
    case '\r': return 'r';
    case '\\': return '\\';
    case '"': return '"';
    default: return 0;
    }
}

// Whether the value is a list of strings, none of them empty: four zero bytes are a number.
static bool looks_like_text(const uint8_t *data, uint32_t length)
{
    if (!length || data[length - 1])
        return false;
    for (uint32_t i = 0; i < length; i++) {
        bool empty = !data[i] && (i == 0 || !data[i - 1]);
        bool printable = (data[i] >= ' ' && data[i] <= '~') || escape_letter((char)data[i]);
        if (empty || (data[i] && !printable))
            return false;
    }
    return true;
}

static void put_strings(const struct dts_printer *p, const uint8_t *data, uint32_t length)
{
    put(p, "\"");
    for (uint32_t i = 0; i + 1 < length; i++) {
        char c = (char)data[i], escape = escape_letter(c);
        if (!c)
            put(p, "\", \"");
        else if (escape)
            put_format(p, "\\%c", escape);
        else
            p->out(p->context, &c, 1);
    }
    put(p, "\"");
}

static void put_value(const struct dts_printer *p, const uint8_t *data, uint32_t length)
{
    if (looks_like_text(data, length)) {
        put_strings(p, data, length);
    } else if (length % 4 == 0) {
        put(p, "<");
        for (uint32_t i = 0; i < length; i += 4)
            put_format(p, "%s0x%x", i ? " " : "", hull_load_be32(data + i));
        put(p, ">");
    } else {
        put(p, "[");
        for (uint32_t i = 0; i < length; i++)
            put_format(p, "%s%02x", i ? " " : "", data[i]);
        put(p, "]");
    }
}

static void put_reservations(const struct dts_printer *p, const struct fdt_view *view)
{
    uint64_t address, size;
    for (uint32_t i = 0; i < view->reservation_count; i++) {
        hull_fdt_get_reservation(view, i, &address, &size);
        put_format(p, "/memreserve/\t0x%016llx 0x%016llx;\n", (unsigned long long)address,
                   (unsigned long long)size);
    }
}

static int put_node_begin(struct dts_printer *p, const char *name, bool after_prop)
{
    if (!name_is_printable(name))
        return -HULL_EFORMAT;
    if (after_prop)
        put(p, "\n");
    indent(p);
    put(p, p->depth ? name : "/");
    put(p, " {\n");
    p->depth++;
    return 0;
}

static int put_prop(const struct dts_printer *p, const struct fdt_item *item)
{
    if (!name_is_printable(item->name))
        return -HULL_EFORMAT;
    indent(p);
    put(p, item->name);
    if (item->length) {
        put(p, " = ");
        put_value(p, item->data, item->length);
    }
    put(p, ";\n");
    return 0;
}

int hull_fdt_print_dts(const struct fdt_view *view, hull_fdt_out_fn *out, void *context)
{
    struct dts_printer p = {.out = out, .context = context};
    struct fdt_item item;
    uint32_t offset = 0;
    int error = 0, token, before = HULL_FDT_BEGIN_NODE;

    put(&p, "/dts-v1/;\n");
    put_reservations(&p, view);
    put(&p, "\n");
    while (!error && (token = hull_fdt_next(view, &offset, &item)) != HULL_FDT_END) {
        if (token == HULL_FDT_BEGIN_NODE) {
            error = put_node_begin(&p, item.name, before != HULL_FDT_BEGIN_NODE);
        } else if (token == HULL_FDT_PROP) {
            error = put_prop(&p, &item);
        } else if (token == HULL_FDT_END_NODE) {
            p.depth--;
            indent(&p);
            put(&p, "};\n");
        } else {
            error = token;
        }
        before = token;
    }
    return error;
}
