"""Before anything is served: does the authority remember as much of the log as the database has?

The authority remembers a state of the log before it signs it, and the database has the checkpoint afterwards: so
the database is never ahead, not while the appliance serves, nor after a power cut, nor in a backup, whose copy
of the database is of the earlier moment. Where it is ahead, the authority's store is older: the volume was set
back, or only half of it was put back, and the authority could be made to sign a second history over the first.
Whether the outside witnesses know more, the gate asks before (``appliance/witnesses/gate.py``); but checkpoints
are public, so whoever has taken over the portal can have the database claim one of the longer log. This memory
the portal does not write.

The authority does not read the database, which the portal writes. The gate does, in a process of its own,
verifies the newest checkpoint with the log's key, and leaves it where nobody else writes. Without that file (no
witnesses, or nothing published yet) there is nothing to compare with. A file that cannot be read, or that this
log's key has not signed, refuses nothing, either: the portal cannot make it so, the gate writes it anew before
each start, and does not pass where it cannot; so it is a disk's fault or root's, and must not leave the
appliance down.
"""

from __future__ import annotations

import logging
import os
from typing import Final

from hsm.config import AuthorityHome
from hsm.errors import ConsistencyRefused, Malformed
from hsm.files import opened_to_read
from hsm.note import NoteRefused, read_vkey, verify_checkpoint
from hsm.store.log import CheckpointStore

_LARGEST: Final = 10_000
"""Bytes: as many as the gate reads of its own file."""

_log = logging.getLogger(__name__)


def require_log_remembered(home: AuthorityHome, memory: CheckpointStore) -> None:
    """Raises :class:`ConsistencyRefused` when the gate saw a checkpoint of more entries than *memory* has."""
    path = home.gate_checkpoint
    try:
        with opened_to_read(path) as file:
            note = os.read(file, _LARGEST)
        known = verify_checkpoint(note, read_vkey(home.log_key)).size
    except FileNotFoundError:  # no gate; or before the ceremony, no key
        return
    except (OSError, Malformed, NoteRefused) as error:
        _log.warning("%s is not compared with what was signed: %s", path, error)
        return
    last = memory.last()
    signed = last.size if last else 0
    if known > signed:
        raise ConsistencyRefused(
            "The authority does not start: by its store it has signed {signed} entries of the log, but the"
            " database has a checkpoint of {known} with the log's signature ({path}). The store is older than the"
            " database: put both back as they were at one moment, see docs/runbook/log-behind-witness.md.",
            signed=signed,
            known=known,
            path=path,
        )
