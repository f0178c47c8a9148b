"""What has to outlive the machine: a backup, the loss of everything, and the restore on a new machine."""

from __future__ import annotations

import shutil

from tests.machine import making
from tests.machine.bed import Bed
from tests.machine.failure import StepFailed
from tests.machine.plan import step

BACKUPS = "var/lib/vermilion/backups"
KEYS = "/run/keys"
TOKENS = "/var/lib/vermilion/hsm/tokens"
DISK = "preflight_disk_mebibytes=99999999"
MEMORY = "preflight_memory_mebibytes=9999999"


@step("backup", "contract")
def backup(bed: Bed) -> str:
    """a backup is made while the machine serves, and is carried away"""
    recap = bed.install("--playbook backup")
    bed.log_key = bed.machine.read("/var/lib/vermilion/trust/log.vkey").strip()
    shutil.copytree(bed.machine.root / BACKUPS, bed.folder / "backups", dirs_exist_ok=True)
    return f"{recap}; {_newest(bed)}, {_size(bed) / 1e6:.1f} MB"


@step("refused", "backup")
def refused(bed: Bed) -> str:
    """having signed since, the machine refuses its older backup, a strange key or PIN, another HSM; serves on"""
    machine = bed.machine
    bed.outside("timestamp", "since")
    machine.until("vermilion log check >/dev/null", 60)
    _bring_keys(bed)
    before = machine.run(_STATE)
    told = [
        _refused(bed, "would be lost", restore_aside="true"),
        _refused(bed, "not sealed for this key", restore_aside="true", restore_identity=f"{KEYS}/strange.key"),
        _refused(
            bed, "Only a copy of that was tried", restore_aside="true", restore_pin_file=f"{KEYS}/strange.pin"
        ),
    ]
    if machine.run(_STATE) != before:
        raise StepFailed(f"something changed: before {before}; after {machine.run(_STATE)}")
    told.append(_refused_by_another_hsm(bed))
    machine.run(f"rm -r {KEYS}")
    return f"{' '.join(told)} Then {bed.outside('ready', 120)}; {bed.outside('same', '第一份合同')}"


@step("lost", "backup")
def lost(bed: Bed) -> str:
    """the machine is lost; a new one refuses a damaged bundle, too little memory or disk, and a port in use"""
    machine = bed.machine
    machine.remove()
    making.unpack(making.debian(bed.kept), machine.root)
    machine.boot()
    bed.carry(bed.bundle)
    there = f"/root/{bed.bundle.stem}"
    machine.run(f"cp {there}/release.json /root/ && echo >>{there}/release.json")
    told = [bed.refused()]
    if "damaged (release.json" not in told[0] or machine.says("test -e /opt/vermilion"):
        raise StepFailed(f"a damaged bundle: {told[0]}")
    machine.run(f"mv /root/release.json {there}/")
    told += [bed.refused(f"--set {DISK}"), bed.refused(f"--set {MEMORY}")]
    listens = "import socket; s = socket.create_server(('', 443)); s.accept()"
    machine.run(f'systemd-run --quiet --unit=other python3 -c "{listens}"')
    told.append(bed.refused())
    machine.run("systemctl stop other.service")
    for sentence, word in zip(told[1:], ("free below /var", "MiB of memory", "Port 443 is taken"), strict=True):
        if word not in sentence or "Nothing was changed" not in sentence:
            raise StepFailed(f"not refused for “{word}”: {sentence}")
    left = machine.run("ls -d /etc/vermilion /var/lib/vermilion /opt/vermilion/[!b]* 2>/dev/null || :").strip()
    if left:
        raise StepFailed(f"a refusal leaves {left}")
    return " ".join(told)


@step("restore", "lost")
def restore(bed: Bed) -> str:
    """a new machine demands the log's key; with it backup, recovery key and PIN bring everything back"""
    shutil.copytree(bed.folder / "backups", bed.machine.root / "mnt/backups")
    _bring_keys(bed)
    unknown = bed.refused("--playbook restore", *_given(bed, restore_log_key=""))
    if "does not know the log's key" not in unknown:
        raise StepFailed(f"not refused for an unknown log: {unknown}")
    machine = bed.machine
    machine.run(
        "cd /root && cp settings.yml right.yml && echo 'verify_units: [systemd-halt.service]' >>settings.yml"
    )
    unwell = bed.refused("--playbook restore", *_given(bed))
    if "systemd-halt.service does not run" not in unwell:
        raise StepFailed(f"the run ended for another reason than it should: {unwell}")
    machine.run("mv /root/right.yml /root/settings.yml")
    bed.know_certificate()
    ready, same = bed.outside("ready", 120), bed.outside("same", "第一份合同")
    bed.outside("timestamp", "since")
    aside = machine.run(_ASIDE)
    # As somebody would who had acts to forget at first: what was done since the run that failed must stay.
    twice = bed.refused("--playbook restore", *_given(bed, restore_aside="true", restore_forget_newer="true"))
    if "does what is left" not in twice:
        raise StepFailed(f"a second restore is not refused: {twice}")
    recap = bed.install()
    machine.run(f"rm -r {KEYS}")
    if machine.run(_ASIDE) != aside or machine.says("test -e /var/lib/vermilion/.restored"):
        raise StepFailed(
            f"something else was put aside, or the restore has not come to its end: {machine.run(_ASIDE)}"
        )
    if bed.machine.says("vermilion directory --help"):
        with bed.beside("organisation"):
            bed.machine.run("vermilion directory check")  # by the password that was in the backup
    bed.outside("timestamp", "restored")
    checked = bed.machine.run("vermilion log check").strip().splitlines()[-1]
    new = bed.outside("contract", "恢复后的合同")
    again = bed.install()
    if again.changed:
        raise StepFailed(f"a run after the restore changes things: {again}: {again.tasks_that_changed()}")
    return f"{recap}; {ready}; {same}; a new contract: {new}; {checked}"


def _refused_by_another_hsm(bed: Bed) -> str:
    """By one that has the label and the PIN, but not the keys; the backup is one that brings no token along."""
    machine = bed.machine
    restart = "systemctl restart vermilion-authority.service"
    becomes = "sed -i 's/^token = .%s.$/token = \"%s\"/' /etc/vermilion/authority.toml"
    machine.run(f"{becomes % ('alone', 'own')} && {restart} && systemctl start vermilion-backup.service")
    machine.run(becomes % ("own", "alone"))
    archive = machine.run(f"ls -d /{BACKUPS}/2* | tail -n 1").strip()
    machine.run(
        f"mv {TOKENS} {TOKENS}.ours && install -d -m 0700 -o vermilion-authority -g vermilion-authority {TOKENS}"
        " && runuser -u vermilion-authority -- env SOFTHSM2_CONF=/var/lib/vermilion/hsm/softhsm2.conf"
        f" softhsm2-util --init-token --free --label vermilion --so-pin 1234567890 --pin $(cat {KEYS}/user.pin)"
    )
    try:
        return _refused(bed, "HSM", restore_archive=archive, restore_aside="true", restore_forget_newer="true")
    finally:
        machine.run(f"rm -r {TOKENS} && mv {TOKENS}.ours {TOKENS} && {restart}")


_ASIDE = "ls -d /var/lib/vermilion/before-* 2>/dev/null || :"
"""A script that tells what restores have put aside."""

_STATE = (
    "cd /var/lib/vermilion && ls -A . && ls -A hsm/tokens && cat trust/* | sha256sum"
    " && find /etc/vermilion /etc/credstore.encrypted -type f -exec sha256sum {} + | sort"
)
"""A script that tells what no refusal may change."""


def _bring_keys(bed: Bed) -> None:
    """Into the machine's memory: the recovery key and the PIN, and of each one that is not theirs."""
    strange = bed.folder / "strange.key"
    if not strange.exists():
        bed.make_recovery_key(strange)
    for name in ("recovery.key", "user.pin", "strange.key"):
        shutil.copy(bed.folder / name, bed.machine.root / "root" / name)
    bed.machine.run(
        f"mkdir -m 0700 {KEYS} && cd /root && mv recovery.key user.pin strange.key {KEYS}/"
        f" && echo STRANGEPIN99 >{KEYS}/strange.pin && chmod 0600 {KEYS}/*"
    )


def _given(bed: Bed, **other: str) -> list[str]:
    """The options of a restore, with *other* settings than the right ones."""
    given = {
        "restore_archive": f"/mnt/backups/{_newest(bed)}",
        "restore_identity": f"{KEYS}/recovery.key",
        "restore_pin_file": f"{KEYS}/user.pin",
        "restore_log_key": bed.log_key,
        **other,
    }
    return [f"--set {name}={value}" for name, value in given.items()]


def _refused(bed: Bed, word: str, **other: str) -> str:
    given = {"restore_archive": f"/{BACKUPS}/{_newest(bed)}", **other}
    told = bed.refused("--playbook restore", *_given(bed, **given))
    if word not in told:
        raise StepFailed(f"not refused for “{word}”: {told}")
    return told


def _newest(bed: Bed) -> str:
    names = sorted(path.name for path in (bed.folder / "backups").iterdir() if path.name[:1].isdigit())
    if not names:
        raise StepFailed("there is no backup")
    return names[-1]


def _size(bed: Bed) -> int:
    return sum(path.stat().st_size for path in (bed.folder / "backups").rglob("*") if path.is_file())
