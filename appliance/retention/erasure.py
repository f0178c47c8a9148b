"""Erasing a person's data: what is not part of a contract that has to be kept goes; the log stays valid.

Names stand in the log as salted commitments only, so that deleting salt and value erases them. What contracts that
have to be kept say about the person stays, and is named; erasing again after their disposal takes that too.
Certificates stay with the signatures that they verify.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from appliance.contracts.rules import require_reason
from appliance.errors import PreconditionRefused
from appliance.ledger.audit_trail import AuditEvent, AuditTrail, EventKind, Field
from appliance.model.accounts import AccountState
from appliance.model.retention import ErasureRemainder
from appliance.policy import Policy
from appliance.retention.disposal import with_retention_term
from appliance.store import directory, people, retention
from appliance.store.database import Database


class ErasureService:
    """Thread-safe; an erasure is one transaction."""

    def __init__(self, database: Database, audit: AuditTrail, policy: Policy, now: Callable[[], datetime]) -> None:
        self._database = database
        self._audit = audit
        self._policy = policy
        self._now = now

    def remainder(self, subject: str) -> ErasureRemainder:
        """What would stay of *subject*. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            people.person(tx, subject)
            ended = tuple(with_retention_term(each, self._policy) for each in retention.ended_of(tx, subject))
            return ErasureRemainder(
                subject,
                ended,
                tuple(retention.running_of(tx, subject)),
                tuple(each.contract for each in ended if retention.is_held(tx, each.contract)),
            )

    def erase_person(self, subject: str, *, reason: str, by: str) -> ErasureRemainder:
        """Erases what may go; what stays, as :meth:`remainder`.

        Raises :class:`NotFound`; :class:`PreconditionRefused` without a reason, while the person has an open
        account, while a contract runs in which they act, or while one of theirs is under a legal hold: what was
        checked of a person is evidence, too.
        """
        words, now = require_reason(reason), self._now()
        remainder = self.remainder(subject)
        with self._database.reading() as tx:
            entries = retention.entries_about(tx, subject)
        with self._database.transaction() as tx:
            entry = directory.directory_entry(tx, subject)
            if entry is not None and entry.state not in (None, AccountState.LEFT):
                raise PreconditionRefused("{subject} still has an account; let them leave first.", subject=subject)
            if retention.running_of(tx, subject):
                raise PreconditionRefused(
                    "{subject} acts in contracts that are not at their end; hand them over or end them first.",
                    subject=subject,
                )
            held = [
                each.contract for each in retention.ended_of(tx, subject) if retention.is_held(tx, each.contract)
            ]
            if held:
                raise PreconditionRefused(
                    "{subject} acts in contract {contract}, which is under a legal hold; lift the hold first.",
                    subject=subject,
                    contract=held[0],
                )
            erased = retention.forget_openings(tx, entries)
            retention.forget_person(tx, subject, name_too=not retention.ended_of(tx, subject))
            public: dict[str, Field] = {
                "subject": subject,
                "entries": erased,
                "contracts": len(remainder.contracts),
            }
            event = AuditEvent(EventKind.PERSONAL_DATA_ERASED, now, by, None, public, {"reason": words})
            self._audit.append(tx, event)
        return remainder
