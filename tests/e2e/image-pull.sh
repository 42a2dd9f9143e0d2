#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# `hull image`: a pull that is interrupted goes on, two at once wait for each other, a failed one leaves
# what was there, and all errors say what to do. Works on a cache of its own; only what apt has
# fetched is shared with the real one.
. "$(dirname "$0")/machine.bash"
real=$HULL_CACHE
export HULL_CACHE=$TEST_TMP/cache
unset HULL_MIRROR HULL_MIRROR_SECURITY

image() { # LOG ARGUMENT...: exit code of `hull image`, output in LOG and LOG.err
    "$HULL" image "${@:2}" >"$1" 2>"$1.err"
}

# ---- What needs no network ----

image list list
equal 'list succeeds' 0 $?
check 'list knows mini' grep -q '^mini  *not here ' list
check 'list knows debian' grep -q '^debian  *not here ' list
image path path mini
check 'path of an image that is not here fails' test $? -ne 0
check 'and says how to make it' grep -q 'hull image pull mini' path.err
image unknown pull ../mini
equal 'a name that is no image is a usage error' 124 $?
check 'and the names are listed' grep -q 'debian mini' unknown.err
image nothing rm mini
check 'rm of nothing fails' test $? -ne 0

HULL_MIRROR=http://127.0.0.1:9/debian image offline pull mini
check 'a pull without a mirror fails' test $? -ne 0
check 'and says that the mirror cannot be reached' grep -q 'cannot be reached' offline.err
check 'and leaves no image' test ! -e "$HULL_CACHE/images/mini"

# ---- With what the real cache has fetched ----

rm -rf "$HULL_CACHE"
mkdir -p "$HULL_CACHE"
[ ! -d "$real/apt" ] || cp -r "$real/apt" "$HULL_CACHE/apt"

# In a session of its own: a signal to the group is what Ctrl-C at a terminal sends.
setsid "$HULL" image pull mini >cut 2>&1 &
cut=$!
wait_line cut 'making the initramfs' 120
kill -TERM -- -$cut
wait $cut
check 'an interrupted pull fails' test $? -ne 0
check 'an interrupted pull leaves no image' test ! -e "$HULL_CACHE/images/mini"

image again pull mini &
first=$!
image second pull mini
equal 'one of two pulls at once' 0 $?
wait $first
equal 'the other of two pulls at once' 0 $?
check 'one of them made the image' grep -q 'is ready' again.err second.err
check 'the other found it' grep -q 'is here already' again.err second.err
image path path mini
equal 'path prints the folder' "$HULL_CACHE/images/mini" "$(cat path)"
check 'its description is valid' "$HULL" check "$HULL_CACHE/images/mini/vm.json"
(cd "$HULL_CACHE/images/mini" && sha256sum ./*) >sums

# The same packages give the same bytes, whoever packs them, and a failure takes nothing away.
HULL_MIRROR=http://127.0.0.1:9/debian image failed pull --fresh mini
check 'a pull that fails reports it' test $? -ne 0
check 'and leaves the image as it was' sh -c 'cd "$1" && sha256sum --quiet -c "$2"' - \
    "$HULL_CACHE/images/mini" "$TEST_TMP/sums"
image fresh pull --fresh mini
equal 'a fresh pull' 0 $?
check 'is the same to the byte' sh -c 'cd "$1" && sha256sum --quiet -c "$2"' - \
    "$HULL_CACHE/images/mini" "$TEST_TMP/sums"

# The archive is our own writer's; cpio is the judge.
cpio -itv --quiet <"$HULL_CACHE/images/mini/initrd.img" >entries 2>entries.err
equal 'the initramfs is read to its end' '0' "$?"
equal 'without a complaint' '' "$(cat entries.err)"
check 'root owns all of it' test -z "$(awk '$3 != "root" || $4 != "root"' entries)"
for module in virtio_mmio virtio_blk virtio_net net_failover virtio-rng virtio_balloon ext4; do
    check "it has the module $module" grep -q "/$module\.ko\$" entries
done

image rm rm mini
equal 'rm removes it' 0 $?
check 'all of it' test ! -e "$HULL_CACHE/images/mini"
[ "$failures" = 0 ] || show ./*.err cut
finish
