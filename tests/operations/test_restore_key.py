"""Restores where the file with the log's key is damaged, in the backup or in the home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.clock import utc_now
from appliance.errors import RestoreRefused
from appliance.home import Home, make_directory
from appliance.operations.restore import RestoreOrder, opening, restore_archive
from hsm.encryption import decrypt_directory
from hsm.errors import Malformed
from hsm.note import NoteKey, read_vkey
from tests.operations.test_restore import order
from tests.sweeps import first_of

__all__ = ["order"]


def brings(monkeypatch: pytest.MonkeyPatch, line: bytes | None) -> None:
    """The backups were made where ``log.vkey`` had this *line*, or was not there."""

    def decrypt(sealed: Path, directory: Path, identities: Sequence[str]) -> None:
        decrypt_directory(sealed, directory, identities)
        key = Home(directory).log_key
        key.unlink()
        if line is not None:
            key.write_bytes(line)

    monkeypatch.setattr(opening, "decrypt_directory", decrypt)


@pytest.mark.parametrize("line", first_of([b"\xffvermilion+", b"", b"a+b+c", None]), ids=str)
def test_the_key_that_was_given_wins_over_one_that_cannot_be_read(
    order: RestoreOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes | None
) -> None:
    """In the backup, and in the home: the file is damaged, and the backup is signed with the key all the same."""
    brings(monkeypatch, line)
    home = Home(tmp_path / "home")
    if line is not None:
        make_directory(home.trust)
        home.log_key.write_bytes(line)
    done = restore_archive(home, order, now=utc_now())
    assert done is not None and done.key == order.key == read_vkey(home.log_key)


def test_a_home_whose_key_cannot_be_read_demands_it_in_a_sentence(order: RestoreOrder, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    make_directory(home.trust)
    home.log_key.write_bytes(b"\xff\xfe")
    with pytest.raises(Malformed, match="A key line has the form"):
        restore_archive(home, replace(order, key=None), now=utc_now())


def test_a_backup_that_brings_another_key_is_refused(
    order: RestoreOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = NoteKey.from_public_key("other.example/log", Ed25519PrivateKey.generate().public_key())
    brings(monkeypatch, other.vkey().encode())
    with pytest.raises(RestoreRefused, match=r"another log's key \(other\.example/log\)"):
        restore_archive(Home(tmp_path / "home"), order, now=utc_now())
