"""Whose bundles a machine takes: those of the key that it trusts since its first installation, none older than
what is installed; with real keys (GnuPG) and the tool that every Debian 13 has (sqv)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from scripts.bundle import archive
from scripts.bundle.signing import BundleKey
from tests.provisioning.bundles import CHECKOUT, bundle, needs_gpg, needs_sqv, on, pack

pytestmark = [needs_gpg, needs_sqv]
PASSED = "the bundle is for Debian 13 (nowhere)"
"""What `install` says when signature, key and age are as they should be: it goes on to the machine."""
KEYRING, RECORD = "etc/apt/keyrings/vermilion-bundle.asc", "etc/vermilion/bundle.json"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[BundleKey, BundleKey]]:
    """The publisher's key, and somebody else's."""
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(closing(BundleKey(tmp_path_factory.mktemp(name)))) for name in ("k", "o")
        )
        yield one, other


@pytest.fixture
def machine(tmp_path: Path, keys: tuple[BundleKey, BundleKey]) -> Path:
    """A machine on which release 1.1 was installed, by the publisher's key."""
    root = tmp_path / "machine"
    (root / "etc/apt/keyrings").mkdir(parents=True)
    (root / "etc/vermilion").mkdir()
    (root / "run").mkdir()
    (root / KEYRING).write_bytes(keys[0].public())
    told = {"fingerprint": keys[0].fingerprint, "version": "1.1", "built": 1000}
    (root / RECORD).write_text(json.dumps(told, indent=1))
    return root


def install(folder: Path, *more: str, key: str = "../key.asc") -> str:
    """Why `install` ends."""
    given = ("--key", key) if key else ()
    command = ("sh", "install", *given, "--settings", "../settings.yml", *more)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode, done.stdout
    return done.stderr


def accept(machine: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """`vermilion-bundle`, as it is on an appliance."""
    script = machine / "vermilion-bundle"
    script.write_text(on(machine, (CHECKOUT / "systemd/bin/vermilion-bundle").read_text(encoding="utf-8")))
    return subprocess.run(["bash", script, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_another_key_is_taken_only_by_its_fingerprint(
    tmp_path: Path, machine: Path, keys: tuple[BundleKey, BundleKey]
) -> None:
    before = {path: (machine / path).read_bytes() for path in (KEYRING, RECORD)}
    folder = bundle(tmp_path, keys[1], version="1.2", machine=machine)
    fingerprint = keys[1].fingerprint
    grouped = " ".join(fingerprint[at : at + 4] for at in range(0, 40, 4)).lower()

    refusal = install(folder)
    assert f"another key than the one that this machine trusts ({keys[0].fingerprint})" in refusal
    # Whoever is refused has to get the fingerprint from the publisher, not from the archive.
    assert fingerprint not in refusal
    assert "another key" in install(folder, "--check")
    assert "is not signed by the key" in install(folder, "--accept-new-key", keys[0].fingerprint)
    assert "whole fingerprint" in install(folder, "--accept-new-key", fingerprint[-16:])
    assert "the signature of this bundle is not by" in install(folder, key="")
    for typed in (fingerprint, grouped):
        assert PASSED in install(folder, "--accept-new-key", typed)
    assert {path: (machine / path).read_bytes() for path in before} == before


def test_a_second_signature_makes_nobody_the_signer(
    tmp_path: Path, machine: Path, keys: tuple[BundleKey, BundleKey]
) -> None:
    """Anybody can sign a genuine manifest once more. What becomes the fingerprint on record is the trusted key's:
    by that record a later bundle of the other key alone would pass."""
    folder = bundle(tmp_path, keys[0], version="1.2", machine=machine)
    script = (folder / "install").read_text(encoding="utf-8")
    (folder / "install").write_text(script.replace("# 3. The machine", 'fail "recorded: $signer"\n# 3.'))
    for name in ("MANIFEST", archive.SIGNATURE):
        (folder / name).unlink()
    manifest, signatures = archive.write_manifest(folder), b""
    for number, key in enumerate(keys):
        armoured = tmp_path / f"{number}.sig"
        key.sign(manifest, armoured)
        signatures += gpg(tmp_path, "--dearmor", "--output", "-", str(armoured))
    (folder / archive.SIGNATURE).write_bytes(signatures)
    (tmp_path / "other.asc").write_bytes(keys[1].public())

    assert f"recorded: {keys[0].fingerprint}" in install(folder, key="../other.asc")


def test_the_trusted_key_needs_no_option_and_no_older_bundle_passes(
    tmp_path: Path, machine: Path, keys: tuple[BundleKey, BundleKey]
) -> None:
    made = {
        (version, built): bundle(
            tmp_path / f"{version}-{built}", keys[0], version=version, built=built, machine=machine
        )
        for version, built in (("1.0", 5000), ("1.1", 999), ("1.1", 1000), ("1.2", 500), ("1.10", 1))
    }
    for which in (("1.1", 1000), ("1.2", 500), ("1.10", 1)):
        assert PASSED in install(made[which]), which
        assert PASSED in install(made[which], key=""), which
    for which in (("1.0", 5000), ("1.1", 999)):
        assert "is older than 1.1, which is installed" in install(made[which]), which
        assert PASSED in install(made[which], "--allow-older")
        assert PASSED in install(made[which], "--playbook", "rollback")

    # What runs counts, where it is there: a release to which somebody went back is no longer older than itself.
    (machine / "opt/vermilion/current").mkdir(parents=True)
    (machine / "opt/vermilion/current/.complete").write_text(json.dumps({"version": "1.0", "built": 1}, indent=1))
    assert PASSED in install(made["1.0", 5000])
    (machine / RECORD).unlink()
    (machine / "opt/vermilion/current/.complete").write_text(json.dumps({"version": "1.1"}, indent=1))
    assert "is older than 1.1" in install(made["1.0", 5000])
    assert PASSED in install(made["1.1", 1000])


def gpg(home: Path, *arguments: str, at: str = "") -> bytes:
    """What gpg prints with the keys in *home*, as if it were the time *at*."""
    when = ("--faked-system-time", at) if at else ()
    command = ("gpg", "--batch", "--quiet", "--yes", "--passphrase", "", *when, *arguments)
    environment = {**os.environ, "GNUPGHOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout


def test_an_expired_or_revoked_key_signs_nothing_and_a_renewed_one_does(tmp_path: Path, machine: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    gpg(home, "--quick-generate-key", "Old", "ed25519", "sign", "1y", at="20200101T000000")
    key = BundleKey(home)
    with closing(key):
        expired = key.public()
        gpg(home, "--quick-set-expire", key.fingerprint, "30y")
        folder = bundle(tmp_path, key, version="1.2", machine=machine)
        (tmp_path / "expired.asc").write_bytes(expired)
        (machine / KEYRING).write_bytes(expired)
        told = {"fingerprint": key.fingerprint, "version": "1.1", "built": 1}
        (machine / RECORD).write_text(json.dumps(told, indent=1))

        assert "has expired or was revoked" in install(folder, key="../expired.asc")
        # The same key, whose certificate the publisher has prolonged.
        assert PASSED in install(folder)

        revocation = next((home / "openpgp-revocs.d").iterdir()).read_text().replace(":-----BEGIN", "-----BEGIN")
        (tmp_path / "revocation.asc").write_text(revocation)
        gpg(home, "--import", str(tmp_path / "revocation.asc"))
        (machine / KEYRING).write_bytes(key.public())
        (tmp_path / "revoked.asc").write_bytes(key.public())

    assert "was revoked" in install(folder, key="../revoked.asc")
    # A certificate from before the revocation does not take it back, whatever is accepted.
    assert "was revoked" in install(folder)
    assert "was revoked" in install(folder, "--accept-new-key", told["fingerprint"])


def test_the_documented_command_refuses_before_anything_is_unpacked(
    tmp_path: Path, keys: tuple[BundleKey, BundleKey]
) -> None:
    """The three commands of the installation chapter, as they stand there, pasted as a whole."""
    chapter = (CHECKOUT / "docs/installation.md").read_text(encoding="utf-8")
    block = chapter.partition("## 4. Install")[2].partition("```sh\n")[2].partition("```")[0]
    name = "vermilion-0.1.0-trixie-amd64"
    assert f"--signature-file {name}.tar.sig {name}.tar" in block
    for harm in ("none", "changed", "cut", "unsigned", "other"):
        place = tmp_path / harm
        folder = bundle(place, keys[1] if harm == "other" else keys[0], version="0.1.0")
        folder = folder.rename(folder.with_name(name))
        tar = pack(folder, keys[1] if harm == "other" else keys[0])
        shutil.rmtree(folder)
        (place / "vermilion-bundle.asc").write_bytes(keys[0].public())
        whole = tar.read_bytes()
        if harm == "changed":
            tar.write_bytes(whole.replace(b"#!/bin/sh\n", b"#!/bin/zh\n", 1))
        elif harm == "cut":
            tar.write_bytes(whole[:-512])
        elif harm == "unsigned":
            tar.with_name(f"{tar.name}.sig").unlink()
        done = subprocess.run(["sh", "-c", block], cwd=place, capture_output=True, text=True, check=False)

        assert done.returncode, harm
        assert folder.exists() == (harm == "none"), harm
        if harm == "none":
            assert (PASSED in done.stderr, done.stdout.strip()) == (True, keys[0].fingerprint)


def test_a_machine_unpacks_what_its_trusted_key_has_signed_and_nothing_else(
    tmp_path: Path, machine: Path, keys: tuple[BundleKey, BundleKey]
) -> None:
    kept = machine / "opt/vermilion/bundles"
    (machine / "opt/vermilion/current").mkdir(parents=True)
    (machine / "opt/vermilion/current/.complete").write_text(json.dumps({"version": "1.1"}, indent=1))
    newer, older = (
        pack(bundle(tmp_path / name, keys[0], version=name, machine=machine), keys[0]) for name in ("1.2", "1.0")
    )
    strange = pack(bundle(tmp_path / "strange", keys[1], version="1.3"), keys[1])
    signature = newer.with_name(f"{newer.name}.sig")

    assert "not what the key that this machine trusts" in accept(machine, strange).stderr
    changed = Path(shutil.copy(newer, tmp_path / "changed.tar"))
    assert "is missing" in accept(machine, changed).stderr
    shutil.copy(signature, tmp_path / "changed.tar.sig")
    os.truncate(changed, newer.stat().st_size - 512)
    assert "is not whole" in accept(machine, changed).stderr
    assert "release 1.0 is older than 1.1" in accept(machine, older).stderr
    assert not kept.exists() or list(kept.iterdir()) == []

    for _again in range(2):
        done = accept(machine, newer)
        assert done.returncode == 0, done.stderr
        assert {path.name for path in kept.iterdir()} == {"1.2", "1.2.asc"}
    (kept / "settings.yml").write_text("---\n")
    assert PASSED in install(kept / "1.2", key="")
    assert accept(machine, "--verify", "1.2").returncode == 0
    (kept / "1.2/install").write_text("echo somebody else's\n")
    assert "not what the key" in accept(machine, "--verify", "1.2").stderr
    assert accept(machine, "--verify", "../1.2").returncode == 2
