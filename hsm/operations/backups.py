"""The authority's part of a backup: begin, ask for the result, fetch it in pieces; sign the note over the
manifest."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from contextlib import suppress

from hsm.backup import BackupPartStatement, note_text, part_named
from hsm.errors import BackupRefused, BadRequest
from hsm.files import is_locked
from hsm.note import sign_note
from hsm.operations.context import AuthorityContext, Handlers

PIECE = 1 << 20
_NAME = re.compile(r"[0-9a-f]{16}")


class BackupOperations(Handlers):
    """Handlers of the role ``backup``. :mod:`hsm.backup.making` does the work, so no worker waits for it."""

    def __init__(self, context: AuthorityContext) -> None:
        super().__init__(context)
        self._home = context.settings.home
        self._child: subprocess.Popen[bytes] | None = None

    def begin_backup(self) -> str:
        self._home.backup.mkdir(mode=0o700, exist_ok=True)
        if is_locked(self._home.backup / "lock"):
            raise BackupRefused("Another backup of the authority is being made; try again in a moment.")
        name = secrets.token_hex(8)
        self._child = subprocess.Popen(
            [sys.executable, "-m", "hsm.backup.making", name],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "VERMILION_HOME": str(self._home.root)},
            close_fds=True,
        )
        return name

    def backup_made(self, name: str) -> BackupPartStatement | None:
        _require_name(name)
        if self._child is not None:
            self._child.poll()
        with suppress(FileNotFoundError):
            return BackupPartStatement.from_fields(json.loads((self._home.backup / f"{name}.json").read_bytes()))
        with suppress(FileNotFoundError):
            template, values = json.loads((self._home.backup / f"{name}.failed").read_bytes())
            raise BackupRefused(template, **values)
        return None

    def backup_piece(self, name: str, at: int) -> bytes:
        _require_name(name)
        try:
            with (self._home.backup / f"{name}.age").open("rb") as stream:
                stream.seek(max(at, 0))
                return stream.read(PIECE)
        except FileNotFoundError as error:
            raise BackupRefused("The authority has no part of this name any more; begin again.") from error

    def sign_backup(self, name: str, manifest: bytes) -> bytes:
        """The note, by the log's key, over a manifest of a backup whose authority's part is the one made last."""
        made = self.backup_made(name)
        if made is None or part_named(manifest) != made:
            raise BackupRefused("This manifest is not of a backup with the authority's part {name}.", name=name)
        key, signer = self._context.log_signer()
        return sign_note(note_text(manifest), key, signer.sign)


def _require_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise BadRequest("A part of a backup is named by sixteen hexadecimal digits.")
