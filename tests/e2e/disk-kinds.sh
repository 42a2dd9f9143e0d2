#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# Several disks, their ids and sizes, read-only ones, discard and write-zeroes, what is refused, and
# parallel I/O.
. "$(dirname "$0")/machine.bash"

blocks() { # FILE: KiB that it takes on the host
    echo $(($(stat -c %b "$1") / 2))
}

truncate -s 64M first.img
dd if=/dev/urandom of=second.img bs=1M count=4 2>/dev/null
dd if=/dev/urandom of=full.img bs=1M count=32 conv=fsync 2>/dev/null
truncate -s $((3 * 512)) tiny.img
truncate -s 6G huge.img
cp second.img second.orig
dd if=/dev/urandom of=lazy.img bs=1M count=16 2>/dev/null
mke2fs -q -t ext4 -b 1024 -E nodiscard,lazy_itable_init=1 lazy.img
# The last group's table: its place, its length, both in KiB.
table=$(dumpe2fs lazy.img 2>/dev/null | sed -n 's/^ *Inode table at \([0-9]*\)-\([0-9]*\) .*/\1 \2/p' | tail -n 1)
read -r table end <<<"$table"
zeroed() { # whether that table of the last group is zero
    cmp -s <(dd if=lazy.img bs=1k skip="$table" count=$((end - table + 1)) 2>/dev/null) \
        <(head -c $(((end - table + 1) << 10)) /dev/zero)
}
if zeroed; then
    case_fail 'the inode table is not zero to begin with'
fi
full=$(blocks full.img)

# The board has eight slots.
guest disks --cpus 4 --net none --no-rng --disk first.img,id=the-first --disk second.img,ro,id=twenty-characters-id \
    --disk full.img --disk tiny.img --disk huge.img --disk lazy.img <<GUEST
same 'six disks' 'vda vdb vdc vdd vde vdf' "\$(cd /sys/block && echo vd*)"
same 'id' the-first "\$(cat /sys/block/vda/serial)"
same 'id of 20 characters' twenty-characters-id "\$(cat /sys/block/vdb/serial)"
same 'sizes' '131072 8192 65536 3 12582912 32768' "\$(echo \$(cat /sys/block/vd*/size))"
same 'read-only' '0 1 0 0 0 0' "\$(echo \$(cat /sys/block/vd*/ro))"

same 'a read-only disk reads' $(md5sum <second.img | cut -d ' ' -f 1) "\$(md5sum </dev/vdb | cut -d ' ' -f 1)"
dd if=/dev/zero of=/dev/vdb bs=4k count=1 conv=fsync 2>/dev/null
try 'and refuses to be written' test \$? -ne 0

head -c 1536 /dev/urandom >/tmp/tiny
cp /tmp/tiny /dev/vdd
echo 3 >/proc/sys/vm/drop_caches
try 'a disk of three sectors' cmp /tmp/tiny /dev/vdd

head -c 8192 /dev/urandom >/tmp/far
dd if=/tmp/far of=/dev/vde bs=4k seek=1572862 conv=fsync 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
same 'the end of a large disk' "\$(md5sum </tmp/far)" "\$(dd if=/dev/vde bs=4k skip=1572862 2>/dev/null | md5sum)"

# The first half is discarded.
try 'discard' blkdiscard -o 0 -l 16M /dev/vdc
same 'the rest stays' $(tail -c 16M full.img | md5sum | cut -d ' ' -f 1) \
	"\$(dd if=/dev/vdc bs=1M skip=16 iflag=direct 2>/dev/null | md5sum | cut -d ' ' -f 1)"
# ext4 lets the disk write zeroes where inode tables are that mke2fs has left alone.
try 'write zeroes is there' test \$(cat /sys/block/vdf/queue/write_zeroes_max_bytes) -gt 0
mount -t ext4 -o init_itable=0 /dev/vdf /mnt

# Eight writers and as many readers at once, through the page cache and past it.
for i in 0 1 2 3 4 5 6 7; do
	(
		dd if=/dev/urandom of=/tmp/part\$i bs=64k count=32 2>/dev/null
		if [ \$((i % 2)) = 0 ]; then flags=oflag=direct; else flags=conv=fsync; fi
		dd if=/tmp/part\$i of=/dev/vda bs=64k seek=\$((i * 32)) \$flags 2>/dev/null
	) &
done
wait
echo 3 >/proc/sys/vm/drop_caches
for i in 0 1 2 3 4 5 6 7; do
	(
		[ "\$(dd if=/dev/vda bs=64k skip=\$((i * 32)) count=32 iflag=direct 2>/dev/null | md5sum)" = \
			"\$(md5sum </tmp/part\$i)" ] && echo fine >/tmp/fine\$i
	) &
done
wait
same 'parallel writes and reads' 8 "\$(ls /tmp/fine* | wc -l)"
echo "sum \$(cat /tmp/part? | md5sum | cut -d ' ' -f 1)"
for i in \$(seq 100); do
	pidof ext4lazyinit >/dev/null || break
	sleep 0.3
done
try 'unmount' umount /mnt
GUEST
equal 'the guest' 0 $?
relay disks disks 14
check 'zeroes were written' zeroed
check 'a clean file system' e2fsck -fn lazy.img >fsck.log 2>&1
sum=$(sed -n 's/^sum //p' disks)
equal 'the host sees what was written' "${sum:-none}" "$(head -c 16M first.img | md5sum | cut -d ' ' -f 1)"
check 'the read-only file is as before' cmp second.img second.orig
between 'discard freed the blocks of the host' $((full - 16384 - 64)) "$(blocks full.img)" $((full - 16384))
between 'a large disk stays sparse' 0 "$(blocks huge.img)" 1024

# In use by one VM: not for a second writer, nor for a reader next to a writer.
guest_start holder --disk first.img --disk second.img,ro <<'GUEST'
echo holding
sleep 1000
GUEST
wait_line holder holding
hull_run refused --disk first.img
equal 'a disk in use is refused' 125 $?
check 'with its name and why' grep -q 'first\.img.*use' refused.err
hull_run refused-ro --disk first.img,ro
equal 'also for reading' 125 $?
hull_run refused-rw --disk second.img
equal 'a disk that is being read is not for writing' 125 $?
guest shared --disk second.img,ro <<'GUEST'
same 'readers share a disk' 8192 "$(cat /sys/block/vda/size)"
GUEST
equal 'a second reader starts' 0 $?
relay shared shared 1
kill -KILL $hull_pid
wait $hull_pid 2>/dev/null
guest after --disk first.img <<'GUEST'
same 'free again after SIGKILL' 131072 "$(cat /sys/block/vda/size)"
GUEST
relay after after 1

hull_run missing --disk nowhere.img
equal 'a missing file' 124 $?
hull_run directory --disk .
equal 'a folder' 124 $?
: >empty.img
hull_run twice --disk second.img,ro,id=x --disk tiny.img,id=x
equal 'an id given twice' 124 $?
[ "$failures" = 0 ] || show disks holder.err refused.err refused-ro.err missing.err twice.err
finish
