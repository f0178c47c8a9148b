"""Extending: a later deadline for a contract that waits for signatures."""

from __future__ import annotations

from dataclasses import replace

from appliance.contracts import refusals, rules
from appliance.contracts.acts import Permission
from appliance.contracts.admission import Command, admitted
from appliance.contracts.announcements import to_those_who_know
from appliance.contracts.changes import record_change
from appliance.contracts.room import SigningRoom
from appliance.errors import PreconditionRefused
from appliance.language import instants
from appliance.ledger.events import AuditEvent, EventKind, Field
from appliance.model.contract import Contract, Deadline
from appliance.model.notice import NoticeKind
from appliance.store import contracts
from hsm.acts import instant


class Extending:
    """Never to an earlier moment: whoever counts on the deadline must not lose time by it.

    Where policy leaves time after the deadline (``reminders.grace_hours``), a contract can still be extended then.
    """

    def __init__(self, room: SigningRoom) -> None:
        self._room = room

    def extend(self, contract_id: str, deadline: Deadline, *, by: str, seen: int | None = None) -> Contract:
        """The initiator (*by*) gives more time; those who know of the contract are told.

        Raises :class:`StateRefused` or :class:`PreconditionRefused` when it is not allowed, or not later.
        """
        now = self._room.now()
        later = replace(deadline, at=deadline.at.replace(microsecond=0))
        instants.zone_of(later.zone)
        with self._room.database.transaction() as tx:
            contract = admitted(tx, contract_id, Command(Permission.EXTEND, by, seen), now)
            if now >= contract.deadline.at + self._room.policy.of(contract.kind).reminders.grace:
                raise refusals.too_late(contract).error()
            if later.at <= now:
                raise PreconditionRefused("The new deadline must be in the future.")
            if later.at <= contract.deadline.at:
                raise PreconditionRefused(
                    "The new deadline must be later than {deadline} ({zone}).",
                    deadline=rules.local(contract.deadline),
                    zone=contract.deadline.zone,
                )
            contracts.postpone(tx, contract, later)
            public: dict[str, Field] = {
                "deadline": instant(later.at),
                "zone": later.zone,
                "before": instant(contract.deadline.at),
            }
            event = AuditEvent(EventKind.DEADLINE_EXTENDED, now, by, contract_id, public)
            extended = record_change(tx, self._room.audit, contract, event)
            told = to_those_who_know(extended, NoticeKind.EXTENDED, now)
            self._room.notify(tx, (notice for notice in told if notice.recipient != by))
            return extended
