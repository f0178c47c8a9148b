"""What the scheduler last saw of something, as one value; each function in the caller's transaction."""

from __future__ import annotations

import json
from typing import Final, Generic, TypeVar

from appliance.model.directory_status import DirectoryStatus
from appliance.model.witnesses import WitnessesStatus
from appliance.store.database import Transaction
from hsm.codec import decode_answer, encode
from hsm.errors import RefusalError

T = TypeVar("T")


class StatusTable(Generic[T]):
    """The one row of *table*, a value of the dataclass *kind*."""

    def __init__(self, table: str, kind: type[T]) -> None:
        self._table, self._kind = table, kind
        self._select = f"SELECT status FROM {table}"  # noqa: S608  # names of this module

    def replace(self, tx: Transaction, found: T) -> None:
        """*found* in place of what was found before."""
        tx.save(self._table, {"one": 1, "status": _text(found)}, key="one")

    def is_known(self, tx: Transaction, found: T) -> bool:
        """Whether exactly *found* is what was found before."""
        return tx.value(str, self._select) == _text(found)

    def status(self, tx: Transaction) -> T | None:
        """None before the scheduler has looked, and where another release did."""
        text = tx.value(str, self._select)
        try:
            return None if text is None else decode_answer(self._kind, json.loads(text))
        except RefusalError:
            return None


def _text(found: object) -> str:
    return json.dumps(encode(found), ensure_ascii=False)


DIRECTORY: Final = StatusTable("directory_status", DirectoryStatus)
"""Directories and single sign-on."""

WITNESSES: Final = StatusTable("witness_status", WitnessesStatus)
"""Outside witnesses of the log."""
