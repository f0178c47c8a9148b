#!/bin/sh
# `vagrant up` for real, with libvirt, with or without KVM, and without a network: in a network namespace of its own, with
# a box that is made here. As root; leaves nothing but FOLDER (box, logs).
#
#   vagrant.sh FOLDER
#
# Debian packages: vagrant vagrant-libvirt libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-utils
# dnsmasq-base qemu-system-x86 mmdebstrap e2fsprogs iproute2 curl. The bundle lies in dist/ (`make bundle`).
set -eu
checkout=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
namespace=vermilion-vagrant
export VAGRANT_HOME=$folder/home VAGRANT_DOTFILE_PATH=$folder/state VAGRANT_CWD=$checkout BOX=vermilion/trixie64
export VAGRANT_NO_PARALLEL=1 VAGRANT_DEFAULT_PROVIDER=libvirt LIBVIRT_DEFAULT_URI=qemu:///system
say() { printf '%s vagrant.sh: %s\n' "$(date +%T)" "$*"; }

# A Debian with sshd and the user "vagrant"; its kernel is started directly, so that it needs no boot loader.
make_box() {
    root=$folder/root
    mmdebstrap --quiet --variant=minbase trixie "$root" \
        --include=systemd-sysv,udev,dbus,openssh-server,sudo,linux-image-cloud-amd64,initramfs-tools,zstd
    install -d -m 0700 "$root/home/vagrant/.ssh"
    cp "$(dpkg --listfiles vagrant | grep '/keys/vagrant.pub$')" "$root/home/vagrant/.ssh/authorized_keys"
    chroot "$root" useradd --shell /bin/bash --password '*' vagrant
    chroot "$root" chown -R vagrant: /home/vagrant
    echo 'vagrant ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/vagrant"
    printf '[Match]\nType=ether\n[Network]\nDHCP=ipv4\n' >"$root/etc/systemd/network/10-box.network"
    systemctl --root="$root" enable --quiet systemd-networkd
    echo vermilion >"$root/etc/hostname"
    cp "$root/boot/vmlinuz-"* "$folder/vmlinuz"
    cp "$root/boot/initrd.img-"* "$folder/initrd"
    mke2fs -q -t ext4 -L root -d "$root" "$folder/disk.raw" 20G
    qemu-img convert -O qcow2 "$folder/disk.raw" "$folder/box.img"
    rm -r "$root" "$folder/disk.raw"
    echo '{"provider": "libvirt", "format": "qcow2", "virtual_size": 20}' >"$folder/metadata.json"
    cat >"$folder/Vagrantfile" <<-BOX
	Vagrant.configure("2") do |config|
	  config.vm.provider "libvirt" do |machine|
	    machine.kernel = "$folder/vmlinuz"
	    machine.initrd = "$folder/initrd"
	    machine.cmd_line = "root=/dev/vda rw console=ttyS0"
	  end
	end
	BOX
    tar -C "$folder" -czf "$folder/trixie.box" metadata.json Vagrantfile box.img
    rm "$folder/box.img" "$folder/Vagrantfile" "$folder/metadata.json"
}

# shellcheck disable=SC2317 -- called by the trap
take_down() {
    ip netns exec $namespace vagrant destroy --force >>"$folder/log" 2>&1 || :
    for process in libvirtd virtlogd dnsmasq; do
        # Those in the namespace, which are this run's.
        for id in $(ip netns pids $namespace 2>/dev/null); do
            [ "$(cat "/proc/$id/comm" 2>/dev/null)" != "$process" ] || kill "$id"
        done
    done
    sleep 2
    for id in $(ip netns pids $namespace 2>/dev/null); do kill -9 "$id" 2>/dev/null || :; done
    ip netns delete $namespace
}

# Runs vagrant in the namespace; what it says is in the log.
vagrant_() {
    began=$(date +%s)
    ip netns exec $namespace nice -n 15 vagrant "$@" >>"$folder/log" 2>&1 </dev/null || {
        say "vagrant $* failed; its last words:"
        tail -n 30 "$folder/log"
        exit 1
    }
    say "vagrant $*: $(($(date +%s) - began)) s"
}
# The portal, the console and the activation service answer at their forwarded ports, and in order.
reached() {
    for address in "https://localhost:8443/readyz" "https://localhost:8444/login" "https://localhost:8445/livez"; do
        tries=0
        until ip netns exec $namespace curl --silent --insecure --fail --max-time 60 --output "$folder/answer" "$address"; do
            tries=$((tries + 1))
            [ $tries -lt 120 ] || { say "$address is not reached"; tail -n 30 "$folder/log"; exit 1; }
            sleep 5
        done
        say "$address: $(head -c 120 "$folder/answer" | tr '\n' ' ')"
    done
}

[ -e "$folder/trixie.box" ] || { say "making the box"; make_box; }
ip netns add $namespace
trap take_down EXIT
ip -n $namespace link set lo up
ip netns exec $namespace virtlogd -d
ip netns exec $namespace nice -n 5 libvirtd -d # QEMU is its child
vagrant_ box add --force --name $BOX "$folder/trixie.box"
vagrant_ up --provider=libvirt
grep -E 'localhost +:' "$folder/log" | tail -n 1
reached
vagrant_ provision
grep -E 'localhost +:' "$folder/log" | tail -n 1 | tee "$folder/again"
grep -q 'changed=0 .*failed=0' "$folder/again" || { say "the second run changed something"; exit 1; }
vagrant_ reload
reached
vagrant_ destroy --force
left=$(ip netns exec $namespace virsh --quiet list --all --name)
[ -z "$left" ] || { say "left behind: $left"; exit 1; }
say "passed"
