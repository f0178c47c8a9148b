"""Which acts that take two persons were performed: each is performed once, whatever the database says later.

The act's row says so too, but whoever can write the administration's database can set a row back, and what both
have signed is worth a day. So each process that performs keeps a memory of its own, to which it only adds: an
empty file by the act's id, which is in what both have signed::

    confirmed/performed/ID        what root has performed; the console cannot write there
    performed/ID                  what the scheduler has performed; the console cannot even see it
    administration/performed/ID   what the console has performed: its own acts change that database alone, so who
                                  took it over needs none; this holds against who writes the database and no more

Nothing is ever forgotten: an act of two persons is rare, and a clock can be set back. None of it is in a backup,
and no restore touches it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from appliance import sharing
from appliance.administration.action import ExecutedBy
from appliance.administration.confirmed import ensure_folder
from appliance.errors import StateRefused, StorageError
from appliance.home import Home
from hsm.files import sync_directory


class ExecutedRequests:
    """The memories of one home. Thread-safe, and safe between processes."""

    def __init__(self, home: Home) -> None:
        self._folders: Mapping[ExecutedBy, Path] = {
            ExecutedBy.PRIVILEGED_HELPER: home.confirmed / "performed",
            ExecutedBy.SCHEDULER: home.performed,
            ExecutedBy.CONSOLE: home.administration.with_name("performed"),
        }

    def record_execution(self, hand: ExecutedBy, act_id: str) -> None:
        """The act is about to be performed by *hand*; on disk on return. Raises :class:`StateRefused` when it was
        before, :class:`StorageError` where nothing can be written: then it is not performed."""
        folder = self._folders[hand]
        try:
            _make(folder, of_roots=hand is ExecutedBy.PRIVILEGED_HELPER)
            is_new = _add(folder / act_id)
        except OSError as error:
            raise StorageError(
                "What is performed cannot be remembered in {path} ({why}), so it was not done.",
                path=folder,
                why=error.strerror or error,
            ) from error
        if not is_new:
            raise StateRefused("{id} was performed already.", id=act_id)


def _make(folder: Path, *, of_roots: bool) -> None:
    if of_roots:
        ensure_folder(folder)
    else:
        sharing.make_directory(folder)


def _add(path: Path) -> bool:
    """The empty file *path*, on disk on return; whether it was not there before."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return False
    sync_directory(path.parent)
    return True
