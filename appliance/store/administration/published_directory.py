"""Directories and single sign-on as the scheduler last saw them, each function in the caller's transaction."""

from __future__ import annotations

import json

from appliance.model.directory_status import DirectoryStatus
from appliance.store.database import Transaction
from hsm.codec import decode_answer, encode
from hsm.errors import RefusalError


def replace(tx: Transaction, found: DirectoryStatus) -> None:
    """*found* in place of what was found before."""
    tx.save("directory_status", {"one": 1, "status": _text(found)}, key="one")


def is_known(tx: Transaction, found: DirectoryStatus) -> bool:
    """Whether exactly *found* is what was found before."""
    return tx.value(str, _STATUS) == _text(found)


def status(tx: Transaction) -> DirectoryStatus | None:
    """None before the scheduler has looked, and where another release did."""
    text = tx.value(str, _STATUS)
    try:
        return None if text is None else decode_answer(DirectoryStatus, json.loads(text))
    except RefusalError:
        return None


_STATUS = "SELECT status FROM directory_status"


def _text(found: DirectoryStatus) -> str:
    return json.dumps(encode(found), ensure_ascii=False)
