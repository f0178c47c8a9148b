"""The chain of one contract's entries: none left out, none put in, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.errors import LedgerDamaged
from hsm import canonical
from hsm.merkle import leaf_hash


def require_chain(entries: Sequence[tuple[int, bytes]], *, contract: str, whole: bool = True) -> None:
    """Raises :class:`LedgerDamaged` unless *entries* (number and leaf) are *contract*'s, without a gap.

    Each says its ``sequence`` and the leaf hash (hex) of the one before, ``previous``. *whole*: from the first on;
    otherwise a part of the history that begins anywhere.
    """
    before: bytes | None = None
    expected = 1
    for number, leaf in sorted(entries):
        public = canonical.decode(leaf)["public"]
        sequence, previous = public.get("sequence"), public.get("previous")
        begins = before is None and (sequence == 1 if whole else isinstance(sequence, int))
        follows = before is not None and sequence == expected and previous == leaf_hash(before).hex()
        if public.get("contract") != contract or not (begins or follows):
            raise LedgerDamaged(
                "The history of contract {contract} has a gap before log entry {entry}.",
                contract=contract,
                entry=number,
            )
        before, expected = leaf, sequence + 1
