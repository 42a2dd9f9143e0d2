# SPDX-License-Identifier: Apache-2.0
# From the list of programs and all samples to the table: medians, ratios, geometric means of each
# group, two threads against one, and whether all machines computed the same. Writes the medians to
# the file csv as well. Exits with 1 when results differ.

FNR == NR { order[++programs] = $1; group_of[$1] = $2; if (!seen[$2]++) group_order[++groups] = $2; next }
FNR == 1 { split($0, unused, ","); FS = ","; next }
{
    split($0, field, ",")
    machine = field[2]; name = field[3]
    sample[machine, name, ++samples[machine, name]] = field[4]
    note_check(machine, name, field[5])
}

# Native code may differ in the last digits of floating point, behind the slash; the guests may not.
function note_check(machine, name, check, part) {
    part = check
    sub(/\/.*/, "", part)
    if (!(name in rounded)) { rounded[name] = part; rounded_by[name] = machine }
    else if (rounded[name] != part) differ(name, machine, part, rounded_by[name], rounded[name])
    if (machine == "native") return
    if (!(name in exact)) { exact[name] = check; exact_by[name] = machine }
    else if (exact[name] != check) differ(name, machine, check, exact_by[name], exact[name])
}

function differ(name, a, check_a, b, check_b) {
    if (told[name, a, b]++) return
    wrong = wrong sprintf("  %s: %s on %s, but %s on %s\n", name, check_a, a, check_b, b)
}

# What stands for all rounds: their median, or the best of them.
function middle_of(machine, name, n, i, j, t, v) {
    n = samples[machine, name]
    if (!n) return 0
    for (i = 1; i <= n; i++) v[i] = sample[machine, name, i] + 0
    for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    if (pick == "best") return v[1]
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function seconds(s) { return s > 0 ? sprintf("%.*f", s < 0.1 ? 4 : s < 10 ? 3 : 2, s) : "-" }
function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%.*f", a / b < 10 ? 2 : a / b < 100 ? 1 : 0, a / b) : "-" }
function add(key, a, b) { if (a > 0 && b > 0) { log_sum[key] += log(a / b); log_count[key]++ } }
function mean(key) {
    return log_count[key] ? ratio(exp(log_sum[key] / log_count[key]), 1) : "-"
}

function heading(    m) {
    printf "%-18s", "seconds"
    for (m = 1; m <= count; m++) printf " %11s", machine_name[m]
    for (m = 1; m <= count; m++) {
        if (versus_qemu(m)) printf " %18s", machine_name[m] "/qemu"
        if (versus_native(m)) printf " %18s", machine_name[m] "/native"
    }
    print ""
}
function is_hull(m) { return machine_name[m] ~ /^hull/ }
function versus_qemu(m) { return is_hull(m) && have["qemu"] }
function versus_native(m) { return machine_name[m] != "native" && have["native"] }

function line(name,    m) {
    printf "%-18s", name
    for (m = 1; m <= count; m++) printf " %11s", seconds(middle[machine_name[m], name])
    for (m = 1; m <= count; m++) {
        if (versus_qemu(m)) printf " %18s", ratio(middle["qemu", name], middle[machine_name[m], name])
        if (versus_native(m)) printf " %18s", ratio(middle[machine_name[m], name], middle["native", name])
    }
    print ""
}

function summary(group,    m) {
    printf "%-18s", "  geometric mean"
    for (m = 1; m <= count; m++) printf " %11s", ""
    for (m = 1; m <= count; m++) {
        if (versus_qemu(m)) printf " %18s", mean(group SUBSEP m SUBSEP "qemu")
        if (versus_native(m)) printf " %18s", mean(group SUBSEP m SUBSEP "native")
    }
    print "\n"
}

function gather(    p, m, name, machine, q) {
    for (p = 1; p <= programs; p++) {
        name = order[p]
        for (m = 1; m <= count; m++) middle[machine_name[m], name] = middle_of(machine_name[m], name)
        for (m = 1; m <= count; m++) {
            machine = machine_name[m]
            if (!samples[machine, name] && !(machine == "native" && group_of[name] == "real")) missing++
            if (versus_qemu(m)) {
                add(group_of[name] SUBSEP m SUBSEP "qemu", middle["qemu", name], middle[machine, name])
                q = middle[machine, name] > 0 ? middle["qemu", name] / middle[machine, name] : 0
                if (q > 0 && (!(m in worst) || q < worst[m])) { worst[m] = q; worst_name[m] = name }
            }
            if (versus_native(m))
                add(group_of[name] SUBSEP m SUBSEP "native", middle[machine, name], middle["native", name])
        }
    }
}

# The pairs NAME-1 and NAME-2 are the same work.
function speed_up(    p, m, name, shown) {
    for (p = 1; p <= programs; p++) {
        name = order[p]
        if (group_of[name] != "parallel" || !sub(/-2$/, "", name) || !((name "-1") in group_of)) continue
        if (!shown++) {
            printf "%-18s", "two against one"
            for (m = 1; m <= count; m++) printf " %11s", machine_name[m]
            print ""
        }
        printf "%-18s", name
        for (m = 1; m <= count; m++)
            printf " %11s", ratio(middle[machine_name[m], name "-1"], middle[machine_name[m], name "-2"])
        print ""
    }
    if (shown) print ""
}

function write_csv(    p, m, name) {
    printf "program,group" >csv
    for (m = 1; m <= count; m++) printf ",%s", machine_name[m] >csv
    print "" >csv
    for (p = 1; p <= programs; p++) {
        name = order[p]
        printf "%s,%s", name, group_of[name] >csv
        for (m = 1; m <= count; m++) {
            if (middle[machine_name[m], name] > 0) printf ",%.6f", middle[machine_name[m], name] >csv
            else printf "," >csv
        }
        print "" >csv
    }
    close(csv)
}

END {
    count = split(machines, machine_name, " ")
    for (m = 1; m <= count; m++) have[machine_name[m]] = 1
    gather()
    print "MACHINE/qemu: how many times faster than QEMU; MACHINE/native: how many times slower than native code.\n"
    for (g = 1; g <= groups; g++) {
        printf "== %s\n", group_order[g]
        heading()
        for (p = 1; p <= programs; p++) if (group_of[order[p]] == group_order[g]) line(order[p])
        summary(group_order[g])
    }
    speed_up()
    for (m = 1; m <= count; m++)
        if (m in worst) printf "%s: the line worst against QEMU is %s, %s times as fast\n", machine_name[m], worst_name[m], ratio(worst[m], 1)
    write_csv()
    if (wrong != "") {
        printf "\nRESULTS DIFFER:\n%s", wrong
        exit 1
    }
    if (missing) printf "Results are missing: %d. The others are the same on all machines.\n", missing
    else print "All machines computed the same."
}
