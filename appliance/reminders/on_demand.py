"""A reminder when the initiator asks for one (催办), besides those that come by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from appliance.contracts.access import Command, admit
from appliance.contracts.permissions import Permission
from appliance.errors import StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.ledger.disclosure import Audience
from appliance.model.contract import Contract
from appliance.model.notice import Notice, NoticeKind
from appliance.notices.delivery import enqueue_notice
from appliance.store import outbox, people, seal_requests
from appliance.store.database import Database, Transaction

BETWEEN: Final = timedelta(hours=4)
"""How long nobody is reminded again of the same contract, or of the same request for a seal."""


class OnDemandReminders:
    """Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def remind_now(self, contract_id: str, *, by: str) -> int:
        """Everybody for whom the contract waits gets a message; how many people got one.

        That is whoever is on turn, or the custodians where a seal has been asked for; never the initiator (*by*)
        or who has left. The version of the contract stays: whoever is signing just now is not interrupted.
        Raises :class:`StateRefused` where everybody was reminded just now, and as :func:`admit`.
        """
        now = self._now()
        with self._database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.REMIND, by, now))
            waiting = [each for each in _waited_for(tx, contract, now) if each.recipient != by]
            if not waiting:
                raise StateRefused("Nobody but you has to act on “{title}” now.", title=contract.title)
            due = [each for each in waiting if not _was_reminded(tx, each, now)]
            if not due:
                raise StateRefused(
                    "Everybody who has to act was reminded within the last {hours} hours; try again later.",
                    hours=BETWEEN // timedelta(hours=1),
                )
            for notice in due:
                enqueue_notice(tx, notice)
            told = dict.fromkeys(_named(tx, contract, each) for each in due)
            private = {"people": ", ".join(told)}
            append_event(tx, AuditEvent(EventKind.SIGNERS_REMINDED, now, by, contract_id, {}, private))
        return len(due)


def _waited_for(tx: Transaction, contract: Contract, now: datetime) -> Iterator[Notice]:
    """A message to each person for whom *contract* waits, once for each reason."""
    found: dict[tuple[str, str], Notice] = {}
    for party in contract.on_turn:
        request = seal_requests.of_party(tx, party.id)
        if request is not None and request.open:
            asked = request.still_asked(people.seal(tx, request.seal))
            kind, about = NoticeKind.SEAL_REQUESTED, request.id
        else:
            asked, kind, about = (party.responsible,), NoticeKind.REMINDED, contract.id
        for subject in asked:
            found.setdefault((subject, about), Notice(contract.id, subject, kind, now, about))
    return (each for each in found.values() if not people.has_left(tx, each.recipient))


def _named(tx: Transaction, contract: Contract, notice: Notice) -> str:
    """Who was reminded, as the history of who drafted the contract names them: who answers for another company's
    seal is internal to that one, so the seal stands for them."""
    person = people.person(tx, notice.recipient)
    drafted = Audience.of_person(people.person(tx, contract.initiator)) == Audience.of_person(person)
    if notice.kind is NoticeKind.SEAL_REQUESTED and not drafted:
        return people.seal(tx, seal_requests.load_request(tx, notice.about).seal).label
    return person.name


def _was_reminded(tx: Transaction, notice: Notice, now: datetime) -> bool:
    since = now - BETWEEN
    return outbox.made_since(tx, notice.recipient, (notice.kind,), since=since, about=notice.about) > 0
