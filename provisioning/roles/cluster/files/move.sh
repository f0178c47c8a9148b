#!/bin/sh
# Copies the home onto the volume, which this machine writes alone, and compares every byte with what the disk has. As root, with nothing of the
# appliance running. Done again after an interruption, it goes on; the home stays where it is until all of it is on the volume, and is then put aside.
#
#   move.sh            onto the volume
#   move.sh back DISK  from DISK, which the volume was on, to where the home was; DISK stays as it is
set -eu
umask 022
home=/var/lib/vermilion device=/dev/drbd0 place=/run/vermilion-volume
from=$home to=$place stays="The home is where it was."
fail() { printf '%s\n' "$*" >&2; exit 1; }
away() { ! mountpoint --quiet $place || umount $place; }
trap away EXIT
# /lost+found is the file system's own.
copy() { rsync -aHAX --modify-window=-1 --numeric-ids --delete --exclude=/lost+found "$@" $from/ $to/ 2>&1; }
copied() {
    said=$(copy "$@") || fail "$from could not be copied to $to ($(printf '%s' "$said" | head -n 1)). $stays"
}
compared() {
    differs=$(copy --checksum --dry-run --itemize-changes) ||
        fail "$from could not be compared with $to ($(printf '%s' "$differs" | head -n 1)). $stays"
    [ -z "$differs" ] ||
        fail "The copy of $from in $to differs ($(printf '%s' "$differs" | head -n 1)); see that nothing of the appliance runs (systemctl list-units 'vermilion*'). $stays"
}

if [ "${1:-}" = back ]; then
    [ ! -e $home/trust/log.vkey ] || exit 0
    away
    from=$place to=$home.alone stays="All data are on $2 as before; run this again."
    mkdir -p -m 0700 $place $to
    # DRBD's own part lies behind the file system, and hides it from who asks what is there.
    mount -t ext4 -o ro,noatime,nodev,nosuid "$2" $place || fail "$2 could not be mounted. $stays"
    [ -e $place/trust/log.vkey ] || fail "$2 has no home on it. $stays"
    copied --checksum
    # Read anew, so that what is compared comes from the disk.
    sync -f $to
    sysctl --quiet vm.drop_caches=3
    compared
    umount $place
    rmdir $place
    if [ -d $home ]; then
        chattr -i $home
        rmdir $home
    fi
    mv $to $home
    sync "$(dirname $home)"
    exit 0
fi

[ ! -e $home.before-cluster ] || fail "There is a home from an earlier conversion, $home.before-cluster; move it away. Nothing was copied."
away
again=""
tag() { blkid -p -o value -s "$1" $device || [ $? -eq 2 ]; }
# One line each: what fails inside of `case` ends nothing, and nothing is what a new disk has.
type=$(tag TYPE)
label=$(tag LABEL)
case "$type $label" in
    # Its label comes last: a file system without one was interrupted while it was made.
    " " | "ext4 ")
        mkfs.ext4 -q -F $device
        sync $device
        e2label $device vermilion
        sync $device
        ;;
    # What is there already may look the same by size and time, and be something else.
    "ext4 vermilion") again=--checksum ;;
    *) fail "The volume holds $type and not the file system of a home; nothing was copied." ;;
esac
mkdir -p -m 0700 $place
mount -o noatime,nodev,nosuid $device $place

# A copy that was interrupted has what the home has; another volume has served without it.
[ ! -e $place/cluster/history.jsonl ] || cmp -s $place/cluster/history.jsonl $home/cluster/history.jsonl ||
    fail "The volume has served already, and $home is another home; see which one is wanted, and move the other away. Nothing was copied."
copied $again
# Mounted anew, so that what is compared comes from the disk.
umount $place
mount -o ro,noatime,nodev,nosuid $device $place
compared

mount -o remount,rw $place
# A home of a release that did not say this yet.
[ -e $place/release ] || basename "$(readlink /opt/vermilion/current)" >$place/release
mkdir -p -m 0755 $place/cluster
umount $place
rmdir $place
mv $home $home.before-cluster
sync "$(dirname $home)"
