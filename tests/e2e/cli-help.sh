#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 60
# Help, manual pages and schema tell of the same things; help is there at every level.
. "$(dirname "$0")/cli.bash"
man=$source_dir/docs/man

page() { # FILE: as text
    groff -man -Tascii -P-cbou -rHY=0 "$man/$1"
}

# The options that a help text or a page defines: at the start of a line, perhaps after a letter's.
defined_options() {
    grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE '\-\-[a-z-]+' | sort
}

hull help run
equal 'run: the page has the options of the help' "$(defined_options <out)" \
    "$(page hull-run.1 | defined_options | sort)"
hull help dtb
equal 'dtb: the page names the options of the help' "$(defined_options <out)" \
    "$(page hull-dtb.1 | sed -n '/^OPTIONS/,/^EXIT/p' | grep -oE '\-\-[a-z-]+' | sort -u)"
for command in check image pack; do
    hull help $command
    for option in $(defined_options <out); do
        grep -q -e "$option" <(page hull-$command.1)
        equal "$command: the page has $option" 0 $?
    done
done

hull help
commands=$(sed -nE 's/^  ([a-z]+) .*/\1/p' out | grep -v '^hull$')
equal 'the page has the commands of the help' "$commands" \
    "$(page hull.1 | sed -n '/^COMMANDS/,/^OPTIONS/p' | sed -nE 's/^ {7}([a-z]+).*/\1/p')"
for command in $commands; do
    hull help "$command"
    expect "help $command" 0 out "usage: hull $command"
    cp out help
    for option in -h --help; do
        hull "$command" $option
        equal "$command $option says the same" "$(cat help)" "$(cat out)"
    done
done

# Keys of a JSON file, whatever their depth.
schema_keys() { # SCHEMA
    python3 - "$source_dir/docs/schema/$1" <<'PYTHON'
import json, sys
def keys(node):
    if isinstance(node, dict):
        properties = node.get("properties", {})
        if isinstance(properties, dict) and node.get("additionalProperties") is False:
            yield from properties
        for value in node.values():
            yield from keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from keys(value)
print("\n".join(sorted(set(keys(json.load(open(sys.argv[1])))))))
PYTHON
}
page_keys() { # FILE
    sed -n '/^[.]SH KEYS/,/^[.]SH EXAMPLES/p' "$man/$1" | grep -A 1 '^[.]TP' |
        sed -n 's/^[.]B //p' | LC_ALL=C sort -u
}
equal "the page of a machine's file has the keys of the schema" "$(schema_keys vm.schema.json)" \
    "$(page_keys hull.json.5)"
# $schema is explained with the machine's file.
equal "the page of a board's file has the keys of the schema" \
    "$(schema_keys board.schema.json | grep -vx '[$]schema')" "$(page_keys hull-board.json.5)"

for file in "$man"/*.[15]; do
    equal "$(basename "$file") is well-formed" '' "$(groff -man -Tutf8 -ww -z "$file" 2>&1)"
done

# The page's example is a valid machine once its files are there.
page hull.json.5 | sed -n '/^EXAMPLES/,/^FILES/p' | sed '1d;$d' >example.json
touch vmlinux initrd.img root.img
sed -i 's,/srv/packages.img,root2.img,' example.json
touch root2.img
hull check example.json
expect 'the example of the page is valid' 0 out "VM 'web': 4 CPUs, 2 GiB"
finish
