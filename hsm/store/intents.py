"""Intents that were authorised, each nonce once, those that were withdrawn, and approvals of those that wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hsm.batches import BatchMembership
from hsm.errors import ActivationRefused, ActivationUsed
from hsm.rows import Query, columns, fields_of, refusing
from hsm.store.database import AuthorityTables


class IntentStore(AuthorityTables):
    """The record of authorised intents, whose rows are never changed or deleted; and of withdrawn ones, whose rows
    stay until the intent has expired."""

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

    def require_open(self, nonce: bytes) -> None:
        """Raises :class:`ActivationUsed` when *nonce* was used up, :class:`ActivationRefused` when its intent was
        withdrawn."""
        if self.is_used(nonce):
            raise ActivationUsed(_USED)
        if self._database.exists("SELECT 1 FROM withdrawn_intents WHERE nonce = ?", (nonce,)):
            raise ActivationRefused("This was withdrawn and can no longer be confirmed. Begin again.")

    def is_used(self, nonce: bytes) -> bool:
        return self._database.exists("SELECT 1 FROM acts WHERE nonce = ?", (nonce,))

    def withdraw(self, nonce: bytes, *, expires: int, now: int) -> None:
        """Keeps that the intent of *nonce* is withdrawn, until it *expires*; what has expired by *now* goes."""
        self._database.execute("DELETE FROM withdrawn_intents WHERE expires <= ?", (now,))
        self._database.execute(
            "INSERT INTO withdrawn_intents (nonce, expires) VALUES (?, ?)"
            " ON CONFLICT (nonce) DO UPDATE SET expires = max(expires, excluded.expires)",
            (nonce, expires),
        )


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
    " WHERE a.nonce = ?1 AND a.withdrawn IS NULL AND c.revoked IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM withdrawn_intents WHERE nonce = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM removed_custodians r"
    " WHERE r.seal = ?2 AND r.person = a.subject AND r.last_approval >= a.number) ORDER BY a.approved, a.subject",
)


_HASH = 32
_MEMBERSHIPS = Query(
    BatchMembership,
    "SELECT m.root, m.members, m.place, m.path FROM batch_members m JOIN approvals a ON a.number = m.approval"
    " WHERE m.nonce = ? AND a.subject = ? AND a.withdrawn IS NULL",
    count=columns(int, "members"),
    index=columns(int, "place"),
    path=lambda joined: tuple(joined[start : start + _HASH] for start in range(0, len(joined), _HASH)),
)


class ApprovalStore(AuthorityTables):
    """What was approved, by the intent's nonce. Rows are never deleted, and changed only when somebody takes their
    approval back."""

    def for_nonce(self, nonce: bytes, signer: str = "") -> list[Approval]:
        """The approvals under *nonce* that still count, in the order given: neither they nor the intent was
        withdrawn, nor their credential revoked; and the *signer*, where it is a seal, was not taken since from the
        custodian who gave it."""
        return _APPROVALS.all(self._database, values=(nonce, signer))

    def add_approval(self, nonce: bytes, approval: Approval, *, credential: int, at: int, expires: int) -> None:
        """Remembers *approval* by the *credential* of this number; :class:`ActivationRefused` for a second."""
        given = {**fields_of(approval, "subject challenge strength"), "approved": at, "expires": expires}
        with refusing(
            ActivationRefused(
                "{subject} has approved this already; somebody else has to.", subject=approval.subject
            )
        ):
            self._database.insert("approvals", {"nonce": nonce, **given, "credential": credential})

    def memberships(self, nonce: bytes) -> dict[str, BatchMembership]:
        """By person, in which batch they approved the intent under *nonce*, as it is stored; without those who
        approved it alone."""
        query = "SELECT subject FROM approvals WHERE nonce = ? AND withdrawn IS NULL ORDER BY number"
        people = self._database.column(str, query, (nonce,))
        found = {each: _MEMBERSHIPS.first(self._database, values=(nonce, each)) for each in people}
        return {subject: each for subject, each in found.items() if each is not None}

    def add_membership(self, nonce: bytes, subject: str, batch: BatchMembership) -> None:
        """Remembers that the approval under *nonce* by *subject* was given in *batch*."""
        approval = self._database.value(
            int,
            "SELECT number FROM approvals WHERE nonce = ? AND subject = ? AND withdrawn IS NULL",
            (nonce, subject),
        )
        self._database.insert(
            "batch_members",
            {
                "approval": approval,
                "nonce": nonce,
                "root": batch.root,
                "members": batch.count,
                "place": batch.index,
                "path": b"".join(batch.path),
            },
        )

    def take_back(self, nonce: bytes, subject: str, *, at: int) -> None:
        """Ends the approval of *subject* under *nonce*, if there is one; they may approve again."""
        self._database.update("approvals", {"withdrawn": at}, nonce=nonce, subject=subject, withdrawn=None)
