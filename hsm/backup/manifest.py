"""The manifest's side that the authority looks at, and the note that it signs over a manifest."""

from __future__ import annotations

import hashlib

from hsm import canonical
from hsm.backup.statement import BackupPartStatement
from hsm.errors import Malformed
from hsm.note import NoteKey, verify_note

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
