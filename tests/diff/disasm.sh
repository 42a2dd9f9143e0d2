#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The disassembler against binutils': every 16-bit encoding, and random encodings of every
# instruction. Usage: disasm.sh [SEED] [COUNT]
# timeout: 120
set -euo pipefail
cd "${HULL_SRC:-$(dirname "$0")/../..}"
seed=${1:-$RANDOM$RANDOM} count=${2:-60000}
tmp=${TEST_TMP:-$(mktemp -d)}
cross=${CROSS_RISCV64:-riscv64-linux-gnu-}
arch=rv64imafdch_zicsr_zifencei_zba_zbb_zbc_zbs_zbkb_zbkx_zicbom_zicbop_zicboz_zfh_svinval_zawrs
arch=${arch}_zihintpause
[ -n "${TEST_TMP-}" ] || trap 'rm -rf "$tmp"' EXIT
echo "# seed $seed"

"${CC:-gcc}" -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    -D_GNU_SOURCE -Iinclude -I. -o "$tmp/words" tests/diff/disasm_words.c \
    guest/riscv/{compressed,decode,disasm,isa}.c lib/*.c
"$tmp/words" "$seed" "$count" >"$tmp/words.s"
"${cross}as" -march="$arch" -o "$tmp/words.o" "$tmp/words.s"

# Lines "address, tab, word, tab, text", without comments and symbols.
"${cross}objdump" -d -z "$tmp/words.o" | awk -F'\t' -v OFS='\t' '
    /^ +[0-9a-f]+:/ {
        gsub(/[ :]/, "", $1)
        gsub(/ /, "", $2)
        text = $4 == "" ? $3 : $3 " " $4
        sub(/ +#.*/, "", text)
        sub(/ <.*/, "", text)
        print $1, $2, text
    }' >"$tmp/theirs"
cut -f 1,2 "$tmp/theirs" | "$tmp/words" >"$tmp/ours"

# Differences that are none:
# - branch targets without 0x, as symbols have them; "add" for "addi", as binutils 2.40 has it;
# - fsrmi and fsflagsi without their rd where that is zero, as all of their kind;
# - CSRs that this hart has not got stay numbers here;
# - reserved rounding modes are no instruction here, nor is c.addi16sp by 0 (6101);
# - compressed hints (rd = x0, shift or addi by 0) are printed as what they expand to;
# - what binutils 2.40 does not know (Zfa, Zicond, Zacas, Zcb), or only with rd, rs1 and rm at 0.
paste "$tmp/theirs" "$tmp/ours" | awk -F'\t' '
    function mnemonic(text) { sub(/ .*/, "", text); return text }
    function without_immediate_suffix(text,   name, rest) {
        name = mnemonic(text)
        rest = substr(text, length(name) + 1)
        if (name ~ /^(addi|andi|ori|xori|srli|slli|srai|rori|b(clr|ext|inv|set)i)w?$/ ||
            name ~ /^csr(r[wsc]|[wsc])i$/)
            sub(/iw$/, "w", name) || sub(/i$/, "", name)
        return name rest
    }
    function same_but_csr(ours, theirs,   a, b, n, i) {
        n = split(ours, a, /[ ,]/)
        if (n != split(theirs, b, /[ ,]/))
            return 0
        for (i = 1; i <= n; i++)
            if (a[i] != b[i] && a[i] !~ /^[0-9a-f]+$/)
                return 0
        return 1
    }
    {
        theirs = $3
        ours = $4
        if (theirs == ours)
            next
        if (ours ~ /^\./ && (theirs ~ /,unknown$/ || $2 == "6101"))
            next
        if (theirs ~ /^c\./ || (length($2) == 4 && theirs ~ /^add .*,0$/ && ours ~ /^mv /))
            next
        if (theirs ~ /^\./ && length($2) == 4 && mnemonic(ours) ~ /^([sl][bh]u?|mul|not|[sz]ext\.[bhw])$/)
            next
        if (theirs ~ /^\./ && length($2) == 8 &&
            mnemonic(ours) ~ /^(czero|f(minm|maxm|leq|ltq|li|round|roundnx|cvtmod|cvt|ence)(\.|$)|amocas)/)
            next
        sub(/0x/, "", ours)
        sub(/0x/, "", theirs)
        if (theirs ~ /^fs(rm|flags)i zero,/)
            sub(/zero,/, "", theirs)
        ours = without_immediate_suffix(ours)
        theirs = without_immediate_suffix(theirs)
        if (ours ~ /^csr/ && same_but_csr(ours, theirs))
            next
        if (ours != theirs) {
            print $2 ": binutils \"" $3 "\", ours \"" $4 "\""
            bad++
        }
    }
    END { print "# " NR " words, " bad + 0 " differ"; exit bad > 0 || NR < 50000 }'
