#!/bin/sh
# Copies the home onto the volume, which this machine writes alone, and compares every byte. As root, with nothing of the appliance
# running. Done again after an interruption, it goes on; the home stays where it is until all of it is on the volume, and is then put aside.
set -eu
home=/var/lib/vermilion device=/dev/drbd0 place=/run/vermilion-volume
fail() { printf '%s\n' "$*" >&2; exit 1; }

[ ! -e $home.before-cluster ] || fail "There is a home from an earlier conversion, $home.before-cluster; move it away. Nothing was copied."
holds=$(blkid -p -o value -s TYPE $device || [ $? -eq 2 ])
case "$holds" in
    "") mkfs.ext4 -q -L vermilion $device ;;
    ext4) ;;
    *) fail "The volume holds $holds and not the file system of a home; nothing was copied." ;;
esac
mkdir -p -m 0700 $place
mountpoint --quiet $place || mount -o noatime,nodev,nosuid $device $place

# Sockets and locks of processes that have ended are nobody's; /lost+found is the file system's own.
copy() { rsync -aHAX --numeric-ids --delete --exclude=/lost+found "$@" $home/ $place/; }
copy
differs=$(copy --checksum --dry-run --itemize-changes)
[ -z "$differs" ] ||
    fail "The copy of $home on the volume differs ($(printf '%s' "$differs" | head -n 1)); see that nothing of the appliance runs (systemctl list-units 'vermilion*'). The home is where it was."

# A home of a release that did not say this yet.
[ -e $place/release ] || basename "$(readlink /opt/vermilion/current)" >$place/release
mkdir -p -m 0755 $place/cluster
umount $place
rmdir $place
mv $home $home.before-cluster
