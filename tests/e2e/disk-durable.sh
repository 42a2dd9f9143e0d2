#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# What a guest has synced is on the disk, whatever becomes of hull: ext4 written inside, hull killed
# with SIGKILL, the file system read on the host and in a second guest.
. "$(dirname "$0")/machine.bash"

truncate -s 256M disk.img
mke2fs -q -t ext4 -E lazy_itable_init=0 disk.img || exit 1

guest_start writer --cpus 2 --disk disk.img <<'GUEST'
try 'a file system made on the host mounts' mount -t ext4 /dev/vda /mnt
mkdir -p /mnt/a/b
dd if=/dev/urandom of=/mnt/a/b/data bs=64k count=128 2>/dev/null
ln -s b/data /mnt/a/link
echo 'small file' >/mnt/small
md5sum /mnt/a/b/data | cut -d ' ' -f 1 >/mnt/sum
sync
echo "sum $(cat /mnt/sum)"
# The file system stays mounted; from here on nothing is synced any more.
echo lost >/mnt/late
echo 'written and synced'
sleep 1000
GUEST
check 'the guest wrote and synced' wait_line writer 'written and synced'
kill -KILL $hull_pid
wait $hull_pid 2>/dev/null
equal 'hull was killed' 137 $?
sum=$(sed -n 's/^sum \([0-9a-f]*\).*/\1/p' writer)

cp disk.img before.img
e2fsck -fy disk.img >fsck.log 2>&1
code=$?
check "e2fsck: clean or the journal replayed ($code)" test $code -le 1
if grep -qiE 'orphan|bad|corrupt|invalid' fsck.log; then
    case_fail 'e2fsck found nothing wrong' "$(cat fsck.log)"
else
    case_ok 'e2fsck found nothing wrong'
fi
check 'the host reads it back' debugfs -R 'dump /a/b/data data' disk.img 2>/dev/null
equal 'with the right contents' "${sum:-none}" "$(md5sum <data | cut -d ' ' -f 1)"
equal 'a small file too' 'small file' "$(debugfs -R 'cat /small' disk.img 2>/dev/null)"

# The second guest gets the disk as the crash left it and replays the journal itself.
guest reader --disk before.img <<'GUEST'
try 'mounts again' mount -t ext4 /dev/vda /mnt
same 'the contents are there' "$(cat /mnt/sum)" "$(md5sum </mnt/a/link | cut -d ' ' -f 1)"
same 'and the small file' 'small file' "$(cat /mnt/small)"
echo second >/mnt/second
try 'unmounts' umount /mnt
GUEST
equal 'the second guest' 0 $?
relay reader reader 4
check 'a clean file system afterwards' e2fsck -fn before.img >fsck.log 2>&1
equal 'with what it wrote' second "$(debugfs -R 'cat /second' before.img 2>/dev/null)"

[ "$failures" = 0 ] || show writer writer.err fsck.log
finish
