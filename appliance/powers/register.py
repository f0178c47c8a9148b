"""The register of powers: one person registers a letter, a second verifies it; it can be revoked at any time."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.documents.blobs import BlobStore
from appliance.documents.intake import Intake
from appliance.errors import PreconditionRefused
from appliance.ledger.audit_trail import AuditEvent, AuditTrail, EventKind, Field
from appliance.ledger.disclosure import Audience, spellings
from appliance.model.contract import ContractRevision
from appliance.model.powers import Power, PowerBasis, RecordedAction
from appliance.policy import Policy
from appliance.powers import drafts
from appliance.powers.drafts import PowerDraft
from appliance.store import contracts, powers
from appliance.store.database import Database, Transaction
from hsm.intents import instant

__all__ = ["PowerDraft", "Powers"]

PAGE = 50


@dataclass(frozen=True, slots=True)
class PowerArchive:
    """Where letters and powers are kept."""

    database: Database
    blobs: BlobStore
    intake: Intake
    audit: AuditTrail


class Powers:
    """Thread-safe. Every act is a log entry, and counts from the moment of its commit: the signing steps read the
    register in their own transactions."""

    def __init__(self, archive: PowerArchive, policy: Policy, now: Callable[[], datetime]) -> None:
        self._database = archive.database
        self._blobs = archive.blobs
        self._intake = archive.intake
        self._audit = archive.audit
        self._policy = policy
        self._now = now

    def register(self, draft: PowerDraft, letter: bytes | None, *, by: str) -> Power:
        """A power that waits to be verified; *letter* is its PDF, None when it was signed here as a contract.

        Raises :class:`DocumentRefused`, or :class:`PreconditionRefused` for what no power can be.
        """
        draft, now = drafts.tidy(draft), self._now()
        with self._database.reading() as tx:  # before the work of reading the letter
            drafts.require_possible(tx, draft, self._policy, now)
        document, size = self._document(draft, letter)
        with self._database.transaction() as tx:
            drafts.require_possible(tx, draft, self._policy, now)
            if draft.contract is not None:  # by now it may be void
                drafts.require_instrument(contracts.load_contract(tx, draft.contract), draft)
            power = Power(
                id=f"power-{secrets.token_hex(6)}",
                basis=draft.basis,
                grantor=draft.grantor,
                principal=draft.principal,
                agent=draft.agent,
                scope=draft.scope,
                since=draft.since,
                until=draft.until,
                replaces=draft.replaces,
                document=document,
                size=size,
                contract=draft.contract,
                registered=RecordedAction(by, now),
            )
            powers.insert_power(tx, power)
            self._tell(tx, EventKind.POWER_REGISTERED, power, by, _terms(power), _names(power))
            return powers.load_power(tx, power.id)

    def verify(self, power_id: str, *, by: str) -> Power:
        """*by* has compared letter and entry and vouches for them: from now on the power counts.

        Raises :class:`PreconditionRefused` for who registered it and for the agent.
        """
        with self._database.transaction() as tx:
            power = self._of_another(tx, power_id, by)
            powers.verify(tx, power_id, RecordedAction(by, self._now()))
            self._tell(tx, EventKind.POWER_VERIFIED, power, by, {"digest": power.document}, {})
            return powers.load_power(tx, power_id)

    def refuse(self, power_id: str, *, reason: str, by: str) -> Power:
        """*by* does not vouch for it. Raises as :meth:`verify`."""
        reason = _reason(reason)
        with self._database.transaction() as tx:
            power = self._of_another(tx, power_id, by)
            powers.refuse(tx, power_id, RecordedAction(by, self._now(), reason))
            self._tell(tx, EventKind.POWER_REFUSED, power, by, {}, {"reason": reason})
            return powers.load_power(tx, power_id)

    def revoke(self, power_id: str, *, reason: str, by: str) -> Power:
        """It counts no longer, at once: also for signatures that are under way. Raises :class:`StateRefused`."""
        reason = _reason(reason)
        with self._database.transaction() as tx:
            power = powers.load_power(tx, power_id)
            powers.revoke(tx, power_id, RecordedAction(by, self._now(), reason))
            self._tell(tx, EventKind.POWER_REVOKED, power, by, {}, {"reason": reason})
            return powers.load_power(tx, power_id)

    def get(self, power_id: str) -> Power:
        """The power as it stands. Raises :class:`NotFound`."""
        with self._database.reading() as tx:
            return powers.load_power(tx, power_id)

    def page(self, audience: Audience, *, before: str = "") -> list[Power]:
        """At most :data:`PAGE` powers that *audience* registered, the newest first, those from before *before*."""
        with self._database.reading() as tx:
            return powers.newest(tx, spellings(tx, audience), limit=PAGE, before=before)

    def waiting(self, audience: Audience) -> list[Power]:
        """What *audience* registered and waits for its verification, the oldest first."""
        with self._database.reading() as tx:
            return powers.waiting(tx, spellings(tx, audience))

    def of_agent(self, agent: str) -> list[Power]:
        """Every power of *agent*, the oldest first."""
        with self._database.reading() as tx:
            return powers.of_agent(tx, agent)

    def letter(self, power: Power) -> bytes:
        """The letter's PDF, as it was registered."""
        return self._blobs.get(power.document)

    def _document(self, draft: PowerDraft, letter: bytes | None) -> tuple[str, int]:
        if draft.basis is not PowerBasis.CONTRACT:
            if letter is None:
                raise PreconditionRefused("A power needs its document; choose the letter as a PDF file.")
            accepted = self._intake.accept(letter)
            return accepted.digest, accepted.size
        current = self._signed_here(draft)
        return current.digest, current.size

    def _signed_here(self, draft: PowerDraft) -> ContractRevision:
        if not draft.contract:
            raise PreconditionRefused("Name the contract by which the letter was signed here.")
        with self._database.reading() as tx:
            contract = contracts.load_contract(tx, draft.contract)
        drafts.require_instrument(contract, draft)
        return contract.current

    def _of_another(self, tx: Transaction, power_id: str, by: str) -> Power:
        power = powers.load_power(tx, power_id)
        if by == power.registered.by:
            raise PreconditionRefused("You have registered this power yourself; another person verifies it.")
        if by == power.agent:
            raise PreconditionRefused("This power is for you; another person verifies it.")
        return power

    def _tell(
        self,
        tx: Transaction,
        kind: EventKind,
        power: Power,
        by: str,
        public: dict[str, Field],
        private: dict[str, Field],
    ) -> None:
        known: dict[str, Field] = {"power": power.id, "agent": power.agent}
        event = AuditEvent(kind, self._now(), by, None, known | public, private)
        powers.link(tx, power.id, self._audit.append(tx, event))


def _terms(power: Power) -> dict[str, Field]:
    return {
        "basis": power.basis.value,
        "digest": power.document,
        "since": instant(power.since),
        "until": instant(power.until),
        "replaces": int(power.replaces),
        "letter": power.contract,
    }


def _names(power: Power) -> dict[str, Field]:
    scope = power.scope
    return {
        "grantor": power.grantor,
        "principal": power.principal,
        "kinds": "、".join(scope.kinds),
        "counterparties": "、".join(scope.counterparties),
        "limit": None if scope.limit is None else str(scope.limit),
        "seals": " ".join(scope.seals),
    }


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not reason:
        raise PreconditionRefused("Say why, in a few words; everybody concerned reads it.")
    if len(reason) > drafts.LONGEST_REASON:
        raise PreconditionRefused("At most {most} characters.", most=drafts.LONGEST_REASON)
    return reason
