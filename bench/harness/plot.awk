# SPDX-License-Identifier: Apache-2.0
# Draws results.csv as SVG: a bar for each program and engine of hull, on a logarithmic axis of how
# many times faster than QEMU it is; a tick shows where native code would be. Without QEMU's column
# it draws nothing but says so.
BEGIN {
    FS = ","
    colours = split("#2f6db5 #d9812b #3a9a5b #8a56ac", colour, " ")
    left = 150; plot = 620; right = 70; row_gap = 6; bar = 11; top = 64
}
NR == 1 {
    for (i = 3; i <= NF; i++) {
        if ($i == "qemu") qemu = i
        else if ($i == "native") native = i
        else if ($i ~ /^hull/) { engine[++engines] = i; engine_name[engines] = $i }
    }
    next
}
{
    name[++rows] = $1; group[rows] = $2
    for (e = 1; e <= engines; e++) note(value, rows SUBSEP e, qemu ? $qemu : 0, $engine[e])
    note(value, rows SUBSEP "native", qemu ? $qemu : 0, native ? $native : 0)
}

function note(into, key, a, b) {
    if (a + 0 <= 0 || b + 0 <= 0) return
    into[key] = a / b
    if (a / b > high) high = a / b
    if (!low || a / b < low) low = a / b
}
function x(v) { return left + plot * (log(v) - log(low)) / (log(high) - log(low)) }
function text(px, py, what, more) { printf "<text x=\"%.1f\" y=\"%.1f\"%s>%s</text>\n", px, py, more, what }

function axis(    i, v) {
    n = split("0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 20 50 100 200 500", ticks, " ")
    for (i = 1; i <= n; i++) {
        v = ticks[i]
        if (v < low || v > high) continue
        printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\" stroke=\"%s\"/>\n", x(v), x(v), top - 6, bottom, v == 1 ? "#444" : "#ddd"
        text(x(v), top - 12, v == 1 ? "QEMU" : v "x", " text-anchor=\"middle\" fill=\"#555\"")
    }
}

function legend(    e, px) {
    px = left
    for (e = 1; e <= engines; e++) {
        printf "<rect x=\"%d\" y=\"26\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", px, colour[e]
        text(px + 17, 36, engine_name[e], "")
        px += 110
    }
    if (native) {
        printf "<line x1=\"%d\" x2=\"%d\" y1=\"25\" y2=\"39\" stroke=\"#c22\" stroke-width=\"2\"/>\n", px + 6, px + 6
        text(px + 14, 36, "native code", "")
    }
}

function draw_row(r, y,    e, v, from, to) {
    text(left - 8, y + engines * bar / 2 + 4, name[r], " text-anchor=\"end\"")
    for (e = 1; e <= engines; e++) {
        if (!((r SUBSEP e) in value)) continue
        v = value[r, e]
        from = v < 1 ? x(v) : x(1)
        to = v < 1 ? x(1) : x(v)
        printf "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", from, y + (e - 1) * bar, to - from + 0.5, bar - 1, colour[(e - 1) % colours + 1]
        text(to + 4, y + e * bar - 2, sprintf("%.*fx", v < 10 ? 2 : 0, v), " font-size=\"9\" fill=\"#333\"")
    }
    if ((r SUBSEP "native") in value)
        printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#c22\" stroke-width=\"2\"/>\n", x(value[r, "native"]), x(value[r, "native"]), y - 1, y + engines * bar
}

END {
    if (!high) { low = 0.5; high = 2 }
    if (low > 0.5) low = 0.5
    if (high < 2) high = 2
    low /= 1.1; high *= 1.1
    step = engines * bar + row_gap
    height = top
    for (r = 1; r <= rows; r++) {
        if (group[r] != group[r - 1]) height += 22
        place[r] = height
        height += step
    }
    bottom = height
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", left + plot + right, bottom + 16
    print "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    text(left, 16, qemu ? "Times as fast as QEMU (longer is faster, logarithmic)" : "QEMU was not measured", " font-weight=\"bold\"")
    legend()
    axis()
    for (r = 1; r <= rows; r++) {
        if (group[r] != group[r - 1]) text(left - 8, place[r] - 6, group[r], " font-weight=\"bold\" text-anchor=\"end\"")
        draw_row(r, place[r])
    }
    print "</svg>"
}
