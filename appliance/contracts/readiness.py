"""What would keep a party from signing, asked before it is the party's turn: of drafts, and of who takes over.

The preconditions are those of the signing cycle itself, so what is found here is what would be refused there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from appliance.contracts.preconditions import Foreseen, Precondition, Signing
from appliance.store import people
from appliance.store.database import Transaction
from hsm.sentence import Sentence

_ALL = frozenset({Foreseen.OF_ALL, Foreseen.OF_OWN})
_LATER = frozenset({Foreseen.OF_OWN})
_LAST_MOMENT = timedelta(microseconds=1)


class SigningReadiness:
    """Reads only. ``preconditions`` are those of every signature."""

    def __init__(self, preconditions: Sequence[Precondition]) -> None:
        self._preconditions = preconditions

    def lacking(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """All that would be refused, whosever turn it is."""
        yield from self._of(tx, signing, _ALL)

    def before_sending(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """What must be settled before the contract is sent."""
        if not signing.party.guest:
            own = _is_own(tx, signing)
            yield from self._of(tx, signing, _ALL if own else _ALL - _LATER)

    def until_signing(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """What people of another organisation still have to bring along, until they sign."""
        if signing.party.guest or not _is_own(tx, signing):
            yield from self._of(tx, signing, _LATER)

    def running_out(self, tx: Transaction, signing: Signing) -> Iterator[Sentence]:
        """What holds now, but as things stand no more at the last moment before the deadline."""
        last = replace(signing, now=signing.contract.deadline.at - _LAST_MOMENT)
        lacks_now = any(True for _ in self._of(tx, signing, _LATER))
        if not lacks_now and last.now > signing.now and not signing.party.guest:
            yield from self._of(tx, last, _LATER)

    def _of(self, tx: Transaction, signing: Signing, which: Collection[Foreseen]) -> Iterator[Sentence]:
        for precondition in self._preconditions:
            if precondition.foreseen in which:
                yield from precondition.lacking(tx, signing)


def _is_own(tx: Transaction, signing: Signing) -> bool:
    """Whether who acts for the party is of the initiator's organisation."""
    acting, initiator = (
        people.person(tx, each) for each in (signing.party.responsible, signing.contract.initiator)
    )
    return acting.organisation == initiator.organisation
