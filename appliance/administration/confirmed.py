"""What root has confirmed, in files that the console cannot write: whose passkeys count, and what was asked for
and approved on the machine itself.

On an appliance the folder is root's, and the scheduler reads it (systemd/tmpfiles.d). A file for each thing::

    keys/FINGERPRINT.json   a passkey that counts: login, kind of administrator, credential, public key
    acts/DIGEST             somebody asked for an act, or approved it, on the machine: a RequestStatement's digest
    performed/ID            an admin request that root has performed (:mod:`appliance.administration.executor`)

It is not part of a backup: on another machine root confirms the keys anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.errors import StateRefused, StorageError
from appliance.home import make_directory
from appliance.model.administration import AdministratorPasskey, AdministratorRole, AdminRequest, DualControlRole
from hsm import canonical
from hsm.files import sync_directory
from hsm.intents import console_fingerprint, instant

REQUEST_LASTS = timedelta(hours=24)
"""How long an admin request waits for the second person."""

_PURPOSE = "vermilion: an act of the administration, version 1"


@dataclass(frozen=True, slots=True)
class RequestStatement:
    """*login* asks for *act*, or approves it. Everything by which one request differs from another is in it: id,
    action, arguments, the sentence that was read, who asked for it and when."""

    act: AdminRequest
    part: DualControlRole
    login: str

    def challenge(self) -> bytes:
        """SHA-256 (32 bytes) of the canonical form."""
        return hashlib.sha256(
            canonical.encode(
                {
                    "act": self.act.id,
                    "action": self.act.action,
                    "arguments": dict(self.act.arguments),
                    "asked": instant(self.act.asked),
                    "asked_by": self.act.asked_by,
                    "effect": self.act.effect,
                    "login": self.login,
                    "part": self.part.value,
                    "purpose": _PURPOSE,
                }
            )
        ).digest()


KEPT = timedelta(days=7)
"""How long files about an admin request are kept: far longer than a request can still be performed."""


@dataclass(frozen=True, slots=True)
class ConfirmedKey:
    """A passkey that counts for *login*, who was of the kind *role* when it was confirmed, as for good."""

    login: str
    role: AdministratorRole
    credential_id: bytes
    public_key: bytes


def fingerprint_of(key: AdministratorPasskey | ConfirmedKey) -> str:
    """What a person reads out of a passkey, and root types."""
    return console_fingerprint(key.login, key.credential_id, key.public_key)


class RootConfirmations:
    """The folder. Whoever may not write there reads. Safe between processes: a file is there whole or not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all_keys(self) -> list[ConfirmedKey]:
        """Every passkey that counts. A file that cannot be read, or is not what its name says, counts for nobody
        and keeps nobody else from anything: :meth:`unreadable` has it."""
        return [key for key in self._looked_at().values() if isinstance(key, ConfirmedKey)]

    def unreadable(self) -> dict[Path, str]:
        """The files of passkeys that do not count although they are there, and why (in English)."""
        return {path: why for path, why in self._looked_at().items() if isinstance(why, str)}

    def keys_of(self, login: str) -> list[ConfirmedKey]:
        """The passkeys that count for *login*."""
        return [key for key in self.all_keys() if key.login == login]

    def _looked_at(self) -> dict[Path, ConfirmedKey | str]:
        """Each file, with the key in it, or why there is none."""
        found = {path: _read(path) for path in sorted((self._folder / "keys").glob("*.json"))}
        often = Counter(key.credential_id for key in found.values() if isinstance(key, ConfirmedKey))
        for path, key in found.items():
            if isinstance(key, ConfirmedKey) and often[key.credential_id] > 1:  # one key counts for one login
                found[path] = "another file has the same passkey"
        return found

    def confirm_key(self, key: ConfirmedKey) -> None:
        """It counts from now on. Raises :class:`StateRefused` for one that is somebody's already."""
        if any(key.credential_id == each.credential_id for each in self.all_keys()):
            raise StateRefused("This passkey is confirmed already.")
        content = {
            "credential": key.credential_id.hex(),
            "login": key.login,
            "public_key": key.public_key.hex(),
            "role": key.role.value,
        }
        self._write("keys", f"{_name(key)}.json", canonical.encode(content) + b"\n")

    def unconfirm_key(self, key: ConfirmedKey) -> None:
        """It does not count any more."""
        try:
            (self._folder / "keys" / f"{_name(key)}.json").unlink(missing_ok=True)
        except OSError as error:
            raise _not_writable(error) from error

    def record_statement(self, statement: RequestStatement, *, now: datetime) -> None:
        """Somebody said that on the machine itself, to a command that root ran."""
        self._forget("acts", now)
        with suppress(FileExistsError):  # somebody repeated a command that was broken off
            self._write("acts", statement.challenge().hex(), statement.login.encode() + b"\n", now=now)

    def has_statement(self, statement: RequestStatement) -> bool:
        """Whether :meth:`record_statement` was called for exactly that."""
        return (self._folder / "acts" / statement.challenge().hex()).is_file()

    def _write(self, place: str, name: str, content: bytes, *, now: datetime | None = None) -> None:
        """Whole and on disk on return. Raises :class:`FileExistsError` when it is there, :class:`StorageError`."""
        folder = self._folder / place
        try:
            ensure_folder(folder)
            fresh = folder / f".{name}.{os.getpid()}"
            descriptor = os.open(
                fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640
            )
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(descriptor, 0o640)
                stream.write(content)
                stream.flush()
                os.fsync(descriptor)
            if now is not None:
                os.utime(fresh, (now.timestamp(), now.timestamp()))
        except OSError as error:
            raise _not_writable(error) from error
        try:
            os.link(fresh, folder / name)
        finally:
            fresh.unlink()
        sync_directory(folder)

    def _forget(self, place: str, now: datetime) -> None:
        for path in (self._folder / place).glob("*"):
            try:
                if datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - KEPT:
                    path.unlink(missing_ok=True)
            except OSError:
                continue  # another process was quicker, or may and this one may not


def ensure_folder(folder: Path) -> None:
    """*folder* of root's, and the one above it unless it is there: who reads the administration reads it."""
    top = folder.parent
    if not top.is_dir():
        make_directory(top)
        beside = (top.parent / "administration").stat()
        if beside.st_mode & stat.S_ISGID:
            os.chown(top, -1, beside.st_gid)
            top.chmod(0o2750)
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        folder.chmod(stat.S_IMODE(top.stat().st_mode))


def _name(key: ConfirmedKey) -> str:
    return fingerprint_of(key).replace(" ", "")


def _read(path: Path) -> ConfirmedKey | str:
    try:
        content = json.loads(path.read_bytes())
        key = ConfirmedKey(
            str(content["login"]),
            AdministratorRole(content["role"]),
            bytes.fromhex(content["credential"]),
            bytes.fromhex(content["public_key"]),
        )
    except OSError as error:
        return error.strerror or str(error)
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it is damaged"
    return key if path.name == f"{_name(key)}.json" else "its name is not the passkey's fingerprint"


def _not_writable(error: OSError) -> StorageError:
    return StorageError(
        "Only root on the machine confirms this, and {path} could not be written: {why}.",
        path=error.filename,
        why=error.strerror,
    )
