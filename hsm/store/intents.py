"""Intents that were authorised, each nonce once, and approvals of those that wait; rows are never changed or
deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hsm.batches import BatchMembership
from hsm.errors import ActivationRefused, ActivationUsed
from hsm.rows import Query, columns, fields_of, refusing
from hsm.store.database import AuthorityTables


class IntentStore(AuthorityTables):
    """The record of authorised intents; rows are never changed or deleted."""

    def authorise(self, nonce: bytes, intent: str, *, activated_by: Sequence[str], strength: str, at: int) -> None:
        """Uses up *nonce* for the canonical *intent*. Raises :class:`ActivationUsed` when it was used before."""
        row = {
            "nonce": nonce,
            "act": intent,
            "activated_by": " ".join(activated_by),
            "strength": strength,
            "authorised": at,
        }
        with refusing(ActivationUsed(_USED)):
            self._database.insert("acts", row)

    def require_unused(self, nonce: bytes) -> None:
        """Raises :class:`ActivationUsed` when *nonce* was used up."""
        if self._database.exists("SELECT 1 FROM acts WHERE nonce = ?", (nonce,)):
            raise ActivationUsed(_USED)


_USED = "This activation was used before; each one counts once."


@dataclass(frozen=True, slots=True)
class Approval:
    """``subject`` wants the intent of ``challenge`` (32 bytes); ``strength`` is the kind of activation."""

    subject: str
    challenge: bytes
    strength: str


_APPROVALS = Query(
    Approval,
    "SELECT a.subject, a.challenge, a.strength FROM approvals a JOIN credentials c ON c.number = a.credential"
    " WHERE a.nonce = ? AND c.revoked IS NULL ORDER BY a.approved, a.subject",
)


_HASH = 32
_MEMBERSHIPS = Query(
    BatchMembership,
    "SELECT root, members, place, path FROM batch_members",
    count=columns(int, "members"),
    index=columns(int, "place"),
    path=lambda joined: tuple(joined[start : start + _HASH] for start in range(0, len(joined), _HASH)),
)


class ApprovalStore(AuthorityTables):
    """What was approved, by the intent's nonce."""

    def for_nonce(self, nonce: bytes) -> list[Approval]:
        """The approvals under *nonce* whose credential has not been revoked since, in the order given."""
        return _APPROVALS.all(self._database, values=(nonce,))

    def add_approval(self, nonce: bytes, approval: Approval, *, credential: int, at: int, expires: int) -> None:
        """Remembers *approval* by the *credential* of this number; :class:`ActivationRefused` for a second."""
        given = {**fields_of(approval, "subject challenge strength"), "approved": at, "expires": expires}
        with refusing(
            ActivationRefused(
                "{subject} has approved this already; somebody else has to.", subject=approval.subject
            )
        ):
            self._database.insert("approvals", {"nonce": nonce, **given, "credential": credential})

    def membership(self, nonce: bytes) -> BatchMembership | None:
        """In which batch the intent under *nonce* was approved, as it is stored; None for one approved alone."""
        return _MEMBERSHIPS.first(self._database, "WHERE nonce = ?", (nonce,))

    def add_membership(self, nonce: bytes, subject: str, batch: BatchMembership) -> None:
        """Remembers that the approval under *nonce* by *subject* was given in *batch*."""
        self._database.insert(
            "batch_members",
            {
                "nonce": nonce,
                "subject": subject,
                "root": batch.root,
                "members": batch.count,
                "place": batch.index,
                "path": b"".join(batch.path),
            },
        )
