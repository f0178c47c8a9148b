#!/bin/sh
# Installs a release by hand on a booted Debian 13, as root, without a network, and starts it.
#
#   install.sh FOLDER
#
# FOLDER holds wheels/ (everything in requirements/runtime.txt), the wheel of Vermilion itself, runtime.txt, systemd/ of
# the repository, and settings/ (what becomes /etc/vermilion, with ceremony.toml). Debian's packages are there already
# (docs/operations.md). What is done once is not done again.
set -eu
folder=$1
home=/var/lib/vermilion
wheel=$(ls "$folder"/vermilion-*.whl)
version=$(basename "$wheel" | cut -d- -f2)
release=/opt/vermilion/releases/$version
say() { printf 'install: %s\n' "$*"; }

if [ ! -x "$release/bin/vermilion" ]; then
    say "release $version in $release"
    python3 -m venv "$release"
    "$release/bin/pip" install --quiet --disable-pip-version-check --no-index --require-hashes --only-binary :all: \
        --find-links "$folder/wheels" --requirement "$folder/runtime.txt"
    "$release/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps "$wheel"
fi
ln -sfn "$release" /opt/vermilion/current

say "units, users, places"
for kind in sysusers.d tmpfiles.d; do install -D -m 0644 "$folder/systemd/$kind/vermilion.conf" "/etc/$kind/vermilion.conf"; done
systemd-sysusers vermilion.conf
find "$folder/systemd" -maxdepth 1 -type f -exec install -m 0644 -t /etc/systemd/system {} +
for dropin in "$folder"/systemd/vermilion*.d; do
    install -D -m 0644 -t "/etc/systemd/system/$(basename "$dropin")" "$dropin"/*.conf
done
install -D -m 0755 -t /usr/local/sbin "$folder"/systemd/bin/*
systemd-tmpfiles --create vermilion.conf
for file in "$folder"/settings/*; do
    [ -e "/etc/vermilion/$(basename "$file")" ] || install -m 0644 "$file" /etc/vermilion/
done
systemctl daemon-reload

# A secret on standard input, sealed with a key of this machine; it is never a file in the clear.
seal() { systemd-creds encrypt --with-key=host --name="$1" - "/etc/credstore.encrypted/vermilion.$1"; }
mkdir -p -m 0700 /etc/credstore.encrypted
for key in web.key links.key console.key; do
    [ -e "/etc/credstore.encrypted/vermilion.$key" ] || openssl rand -hex 32 | seal "$key"
done

[ -e /etc/credstore.encrypted/vermilion.backup.key ] ||
    "$release/bin/python" -c 'from hsm.encryption import new_identity; print(new_identity())' | seal backup.key

if [ ! -e $home/trust/log.vkey ]; then
    say "the ceremony"
    pins=$(mktemp -d /run/ceremony.XXXXXX)
    for pin in so user root; do
        (umask 077 && openssl rand -hex 8 >"$pins/$pin.pin")
    done
    seal user.pin <"$pins/user.pin"
    chown -R vermilion-authority: "$pins"
    (cd / && runuser -u vermilion-authority -- env VERMILION_HOME=$home /opt/vermilion/current/bin/vermilion-authority \
        ceremony /etc/vermilion/ceremony.toml --pins "$pins" --codes-to "$pins/codes")
    install -m 0600 -o root -g root "$pins/codes" /root/setup.codes
    rm -r "$pins"
fi

say "starting"
systemctl enable --quiet vermilion.target vermilion-authority.service vermilion-web.socket vermilion-web.service \
    vermilion-tsa.socket vermilion-tsa.service vermilion-console.socket vermilion-console.service vermilion-steward.socket \
    vermilion-activation.socket vermilion-activation.service \
    vermilion-scheduler.service vermilion-diagnose.timer \
    vermilion-convert.socket vermilion-directory.socket vermilion-capture.socket vermilion-backup.timer vermilion-drill.timer
systemctl start vermilion.target
