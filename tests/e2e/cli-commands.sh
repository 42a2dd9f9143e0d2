#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# The program's commands from outside: what goes to which stream, exit codes, messages.
. "$(dirname "$0")/cli.bash"

# ---- Version and help ----
for way in version --version -V; do
    hull $way
    expect "$way" 0 out "hull $(cat "$source_dir/VERSION")"
done
for way in help --help -h; do
    hull $way
    expect "$way" 0 out 'usage: hull COMMAND'
done
hull
expect 'nothing is a usage error' 124 err 'usage: hull COMMAND'
"$HULL" help >/dev/full 2>err
code=$?
: >out
expect 'a full disk is a failure' 125 err 'hull: cannot write to stdout'

# ---- Mistakes ----
hull rnu
expect 'unknown command' 124 err "hull: unknown command 'rnu' (did you mean 'run'?)"
hull run --memroy 1G
expect 'unknown option' 124 err "hull: unknown option '--memroy' (did you mean '--memory'?)"
hull run --engine jti
expect 'unknown value' 124 err "hull: --engine: 'jti' is not one of"
hull run --kernel
expect 'missing value' 124 err 'hull: --kernel needs a value'
hull run --kernel none
expect 'missing kernel' 124 err 'hull: --kernel: none: No such file or directory'
touch kernel
hull run --kernel kernel --disk none.img
expect 'missing disk' 124 err 'hull: --disk: none.img: No such file or directory'
HULL_CACHE=$PWD/cache hull run
expect 'missing image' 124 err 'make it with: hull image pull mini'
touch locked && chmod 444 locked
if [ "$(id -u)" != 0 ]; then
    hull run --kernel kernel --disk locked
    expect 'a disk that is not writable' 124 err 'locked: is not writable'
    chmod 0 locked
    hull run --kernel locked
    expect 'a kernel that is not readable' 124 err 'locked: may not be read by this user'
fi

# ---- check ----
cat >bad.json <<'JSON'
{
  "cpus": 200,
  "boot": { "kernel": "nowhere", "initrd": 1 },
  "disk": []
}
JSON
hull check bad.json
expect 'check: a wrong type' 124 err 'bad.json:3:44: boot.initrd: must be a string, not a number'
expect 'check: an unknown key' 124 err "bad.json:4:3: disk: there is no such key (did you mean 'disks'?)"
expect 'check: a missing file' 124 err 'bad.json:3:23: boot.kernel: nowhere: No such file'
expect 'check: a wrong value' 124 err 'bad.json:2:11: cpus: is 200; it must be 1 to 64'
equal 'check: one line for each' 4 "$(wc -l <err)"
hull run bad.json
expect 'run says the same' 124 err 'hull: bad.json:3:44: boot.initrd: must be a string'
echo '{ "cpus": 200, "boot": { "kernel": "kernel" } }' >many.json
hull check many.json
expect 'check: a value out of range' 124 err 'many.json:1:11: cpus: is 200; it must be 1 to 64'
printf '{\n  "cpus": 1,\n}\n' >syntax.json
hull check syntax.json
expect 'check: a syntax error' 124 err 'syntax.json:3:'
hull check none.json
expect 'check: no file' 124 err 'none.json: No such file or directory'
echo '{ "cpus": 2, "boot": { "kernel": "kernel" } }' >good.json
hull check good.json
expect 'check: a good file' 0 out "VM 'good': 2 CPUs, 1 GiB of memory"
equal 'check: names the kernel' 1 "$(grep -c '  kernel    kernel$' out)"
mkdir -p folder && cp good.json kernel folder
hull check folder/good.json
expect 'check: names are relative to the file' 0 out 'folder/kernel'
hull check /dev/stdin
expect 'check: an empty standard input' 124 err '/dev/stdin:1:'

# ---- dtb ----
hull dtb --dts good.json
expect 'dtb --dts' 0 out '/dts-v1/;'
equal 'dtb: two processors' 2 "$(grep -c 'cpu@' out)"
hull dtb -o tree.dtb --cpus 3
equal 'dtb -o says nothing' 0 "$(cat out err | wc -c)"
equal 'dtb -o writes a blob' d00dfeed "$(od -An -tx1 -N4 tree.dtb | tr -d ' ')"
hull dtb --output=/nowhere/tree.dtb
expect 'dtb: a place that is not there' 125 err 'hull: /nowhere/tree.dtb: No such file or directory'
HULL=$HULL command expect -c 'spawn -noecho $env(HULL) dtb; expect eof' >out 2>err </dev/null
equal 'dtb: no blob to a terminal' 1 "$(grep -c 'nothing for a terminal' out)"

# ---- image ----
export HULL_CACHE=$PWD/cache
hull image
expect 'image needs to know what' 124 err "hull: 'hull image' needs list"
hull image lsit
equal 'image: unknown command' 124 $code
hull image list
expect 'image list' 0 out 'mini'
hull image path mini
equal 'image path of what is not there' 125 $code
mkdir -p cache/images/mini && cp good.json cache/images/mini/vm.json && cp kernel cache/images/mini
hull image path mini
expect 'image path' 0 out "$PWD/cache/images/mini"
hull check mini
expect 'check of an image' 0 out "VM 'mini': 2 CPUs"
hull image rm mini
equal 'image rm' 0 "$code"
equal 'the image is gone' no "$([ -e cache/images/mini ] && echo yes || echo no)"

# ---- Installed ----
make -s -C "$source_dir" install BUILD="${BUILD:-build}" DESTDIR="$PWD/root" PREFIX=/usr >install.log 2>&1 || cat install.log >&2
"$PWD/root/usr/bin/hull" image list >out 2>err
code=$?
expect 'installed: finds the image maker' 0 out 'debian'
equal 'installed: manual pages' "$(cd "$source_dir/docs/man" && ls)" \
    "$(cd root/usr/share/man && ls man1 man5 | grep -v '^$\|:$' | sort)"
equal 'installed: the schemas' "$(cd "$source_dir/docs/schema" && ls)" \
    "$(cd root/usr/share/hull && ls ./*.json | sed 's,.*/,,')"
finish
