#!/bin/sh
# Copies the home onto the volume, which this machine writes alone, and compares every byte with what the disk has. As root, with nothing of the
# appliance running. Done again after an interruption, it goes on; the home stays where it is until all of it is on the volume, and is then put aside.
set -eu
umask 022
home=/var/lib/vermilion device=/dev/drbd0 place=/run/vermilion-volume
fail() { printf '%s\n' "$*" >&2; exit 1; }
away() { ! mountpoint --quiet $place || umount $place; }
trap away EXIT

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
# /lost+found is the file system's own.
copy() { rsync -aHAX --modify-window=-1 --numeric-ids --delete --exclude=/lost+found "$@" $home/ $place/ 2>&1; }
said=$(copy $again) || fail "$home could not be copied onto the volume ($(printf '%s' "$said" | head -n 1)). The home is where it was."
# Mounted anew, so that what is compared comes from the disk.
umount $place
mount -o ro,noatime,nodev,nosuid $device $place
differs=$(copy --checksum --dry-run --itemize-changes) || fail "$home could not be compared ($(printf '%s' "$differs" | head -n 1)). The home is where it was."
[ -z "$differs" ] ||
    fail "The copy of $home on the volume differs ($(printf '%s' "$differs" | head -n 1)); see that nothing of the appliance runs (systemctl list-units 'vermilion*'). The home is where it was."

mount -o remount,rw $place
# A home of a release that did not say this yet.
[ -e $place/release ] || basename "$(readlink /opt/vermilion/current)" >$place/release
mkdir -p -m 0755 $place/cluster
umount $place
rmdir $place
mv $home $home.before-cluster
sync "$(dirname $home)"
