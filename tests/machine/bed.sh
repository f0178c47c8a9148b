#!/bin/sh
# A Debian 13 to try things on: a container of systemd-nspawn that boots in seconds and has no network at all.
#
#   bed.sh make ROOT           makes its root directory (mmdebstrap; some minutes, needs a Debian mirror)
#   bed.sh boot ROOT NAME      boots it, until it is powered off; a reboot boots it again
#   bed.sh leader NAME         prints the process whose namespaces are the machine's (for nsenter)
#   bed.sh ssh ROOT NAME ...   runs a command in it as root, by its own sshd over a Unix socket
set -eu
packages=systemd-sysv,udev,dbus,openssh-server,python3,python3-venv,softhsm2,openssl,libseccomp2,fonts-noto-cjk
packages=$packages,libpango-1.0-0,libpangoft2-1.0-0,libharfbuzz-subset0,python3-ldap,xorriso,nginx-light,chrony,curl,procps
what=$1

make() {
    root=$1
    mmdebstrap --quiet --variant=minbase --include="$packages" trixie "$root"
    echo vermilion-test >"$root/etc/hostname"
    rm -f "$root/etc/nginx/sites-enabled/default"
    [ -e "$root.key" ] || ssh-keygen -q -t ed25519 -N '' -f "$root.key"
    install -D -m 0600 "$root.key.pub" "$root/root/.ssh/authorized_keys"
}

# The kernel's NTP state can be read there, as on a machine; to set the clock it has no capability.
boot() {
    while status=0 && systemd-nspawn --quiet --directory="$1" --machine="$2" --register=no --keep-unit --boot \
        --private-network --system-call-filter='adjtimex clock_adjtime' </dev/null >>"$1.console" 2>&1 || status=$?; [ $status -eq 133 ]; do :; done
    return $status
}

leader() {
    pgrep -P "$(pgrep -f "^systemd-nspawn .*--machine=$1 " | head -n 1)" | head -n 1
}

within() {
    root=$1 name=$2
    shift 2
    exec ssh -q -i "$root.key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ProxyUseFdpass=yes \
        -o ProxyCommand="/usr/lib/systemd/systemd-ssh-proxy unix/run/systemd/nspawn/unix-export/$name/ssh 22" "root@$name" "$@"
}

shift
case "$what" in
    make) make "$@" ;;
    boot) boot "$@" ;;
    leader) leader "$@" ;;
    ssh) within "$@" ;;
    *) sed -n '2,8p' "$0" >&2; exit 2 ;;
esac
