"""The authority's part of a backup: made and encrypted by its own user, decrypted with the recovery key alone.

No other process sees the store or the token in the clear. Two things cross the socket of the role ``backup``: the
part, encrypted for the recovery keys in the authority's own settings, and a statement of public facts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any, Self

from hsm import canonical
from hsm.config import TokenBackup
from hsm.errors import Malformed
from hsm.note import NoteKey, verify_note


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """One of the services' keys: ``fingerprint`` is the SHA-256 of its SPKI in hex (empty for the AES key)."""

    subject: str
    label: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class BackupPartStatement:
    """``sha256`` (hex) and ``size`` are of the sealed part; ``log_size`` and ``log_root`` (hex) what it remembers.

    A restore needs the keys ``services`` and, of people and seals, ``others`` more, whose labels are in the part.
    ``token`` says whether the part brings them along.
    """

    sha256: str
    size: int
    schema: int
    release: str
    origin: str
    log_size: int
    log_root: str
    token: TokenBackup
    label: str
    services: tuple[ServiceKey, ...]
    others: int

    def fields(self) -> dict[str, Any]:
        """Plain values, for the socket and for manifests."""
        services = [[key.subject, key.label, key.fingerprint] for key in self.services]
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**plain, "token": self.token.value, "services": services}

    @classmethod
    def from_fields(cls, values: dict[str, Any]) -> Self:
        """The statement of :meth:`fields`. Raises :class:`Malformed`."""
        try:
            services = tuple(ServiceKey(*each) for each in values["services"])
            given = {**values, "services": services, "token": TokenBackup(values["token"])}
            return cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed("The authority's statement about its part of the backup cannot be read.") from error


HEADING = "vermilion-backup/v1"
"""First line of the note. A checkpoint's is the log's name: neither passes as the other."""


def note_text(manifest: bytes) -> str:
    """The text that is signed: the heading, and the SHA-256 of the manifest."""
    return f"{HEADING}\n{hashlib.sha256(manifest).hexdigest()}\n"


def part_named(manifest: bytes) -> BackupPartStatement:
    """The authority's statement in *manifest* (canonical JSON). Raises :class:`Malformed`."""
    value = canonical.decode(manifest)
    if not isinstance(value, dict) or not isinstance(value.get("authority"), dict):
        raise Malformed("This is no manifest of a backup.")
    return BackupPartStatement.from_fields(value["authority"])


def require_signed(manifest: bytes, note: bytes, key: NoteKey) -> None:
    """Raises :class:`hsm.note.NoteRefused` or :class:`Malformed` unless *note* is *key*'s, over *manifest*."""
    if verify_note(note, [key]).text != note_text(manifest):
        raise Malformed("The signature is of another backup.")
