// SPDX-License-Identifier: Apache-2.0
// Values as eight bytes, each of which is known to be nothing, a sign, or a byte of memory or of another
// value: what shifts, extensions and ors make of them.
#include "engine/jit/widen.h"
#include "lib/mem.h"

bool bytes_equal(const struct bytes *a, const struct bytes *b)
{
    return !memcmp(a, b, sizeof(*a));
}

void bytes_extend(struct bytes *v, enum ir_type type)
{
    unsigned size = ir_type_size(type);
    bool is_signed = type <= IR_I8;
    uint32_t above = is_signed && v->of[size - 1] != BYTE_ZERO ? BYTE_SIGN : BYTE_ZERO;

    for (unsigned i = size; i < 8; i++)
        v->of[i] = above;
}

static void shift_left(struct bytes *v, unsigned count)
{
    for (unsigned i = 8; i-- > 0;)
        v->of[i] = i >= count ? v->of[i - count] : BYTE_ZERO;
}

// False: a sign would lose the byte that it is the sign of.
static bool shift_right(struct bytes *v, unsigned count, uint32_t above)
{
    for (unsigned i = 0; i < 8; i++)
        v->of[i] = i + count < 8 ? v->of[i + count] : above;
    return v->of[0] != BYTE_SIGN;
}

static bool shift(const struct ir_insn *in, struct bytes *v)
{
    unsigned count = (unsigned)in->imm / 8;
    bool word = in->type == IR_I32;
    uint32_t sign;

    if (!in->imm_b || in->imm % 8)
        return false;
    if (in->code == IR_SHL) {
        shift_left(v, count);
    } else {
        if (word)
            bytes_extend(v, in->code == IR_SHR ? IR_U32 : IR_I32);
        sign = in->code == IR_SAR && v->of[7] != BYTE_ZERO ? BYTE_SIGN : BYTE_ZERO;
        if (!shift_right(v, count, sign))
            return false;
    }
    if (word)
        bytes_extend(v, IR_I32);
    return true;
}

// No byte in both: or, exclusive or, and sum are the same.
static bool join(const struct ir_insn *in, struct bytes *a, const struct bytes *b)
{
    if (in->imm_b)
        return false;
    for (unsigned i = 0; i < ir_type_size((enum ir_type)in->type); i++) {
        if (a->of[i] != BYTE_ZERO && b->of[i] != BYTE_ZERO)
            return false;
        if (a->of[i] == BYTE_ZERO)
            a->of[i] = b->of[i];
    }
    if (in->type == IR_I32)
        bytes_extend(a, IR_I32);
    return true;
}

static bool mask(const struct ir_insn *in, struct bytes *v)
{
    if (!in->imm_b)
        return false;
    for (unsigned i = 0; i < 8; i++) {
        unsigned byte = (uint64_t)in->imm >> 8 * i & 0xff;

        if (byte == 0)
            v->of[i] = BYTE_ZERO;
        else if (byte != 0xff || v->of[i] == BYTE_SIGN) // whose byte may be gone
            return false;
    }
    return true;
}

static bool reverse(struct bytes *v)
{
    struct bytes from = *v;

    for (unsigned i = 0; i < 8; i++) {
        if (from.of[i] == BYTE_SIGN)
            return false;
        v->of[7 - i] = from.of[i];
    }
    return true;
}

bool bytes_of_pure(const struct ir_insn *in, const struct bytes *a, const struct bytes *b,
                   struct bytes *result)
{
    *result = *a;
    switch (in->code) {
    case IR_MOVE: return true;
    case IR_EXTEND: bytes_extend(result, (enum ir_type)in->type); return true;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR: return shift(in, result);
    case IR_ADD:
    case IR_OR:
    case IR_XOR: return join(in, result, b);
    case IR_AND: return mask(in, result);
    case IR_BYTESWAP: return reverse(result);
    case IR_SHADD:
        if (in->b || in->imm % 8)
            return false;
        if (in->type == IR_U32)
            bytes_extend(result, IR_U32);
        shift_left(result, (unsigned)in->imm / 8);
        return true;
    case IR_CONST: memset(result, 0, sizeof(*result)); return in->imm == 0;
    default: return false;
    }
}
