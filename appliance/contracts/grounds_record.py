"""The grounds of one signature as a value, and as the record that is kept of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from appliance.language import Language, translator
from appliance.model.contract import Contract, Party
from appliance.model.identity import IdentityRecord
from appliance.model.powers import Power, RecordedAction
from appliance.powers import ConsideredPower, CoverageDecision, CoverageOutcome, CoverageQuery
from hsm import canonical
from hsm.acts import instant
from hsm.sentence import Sentence

FORMAT: Final = "vermilion-grounds/1"


@dataclass(frozen=True, slots=True)
class AuthorisationBasis:
    """What was found for one signature at ``at``; ``identity`` is the good record, where there is one."""

    contract: Contract
    party: Party
    at: datetime
    identity: IdentityRecord | None
    matter: CoverageQuery
    decision: CoverageDecision

    @property
    def is_empty(self) -> bool:
        """Nothing was asked for and nothing found: there is nothing to keep."""
        return self.identity is None and self.decision.outcome is CoverageOutcome.NOT_NEEDED

    def log_fields(self, digest: str) -> dict[str, str]:
        """What the log's entry says of them; *digest* is that of the kept record."""
        chosen = self.decision.chosen
        told = {"grounds": digest}
        if self.identity is not None:
            told["identity"] = self.identity.id
        if chosen is not None:
            told["power"] = chosen.power.id
        return told

    def encode(self) -> bytes:
        """The record: canonical JSON with a salt, so that its digest tells nothing to who does not have it."""
        return canonical.encode(
            {
                "format": FORMAT,
                "salt": secrets.token_hex(16),
                "contract": self.contract.id,
                "party": self.party.id,
                "field": self.party.field,
                "signer": self.party.subject,
                "person": self.party.responsible,
                "at": instant(self.at),
                "matter": _matter(self.matter),
                "identity": None if self.identity is None else _identity(self.identity),
                "outcome": self.decision.outcome.value,
                "words": _words(self.decision.words),
                "considered": [_considered(each) for each in self.decision.considered],
            }
        )


@dataclass(frozen=True, slots=True)
class StoredBasis:
    """What people are shown of a kept record: the decision in each language, the power that it names, and for each
    test of it whether it holds, and why. Without a power, no tests."""

    outcome: CoverageOutcome
    words: Mapping[str, str]
    power: str | None
    tests: tuple[tuple[bool, Mapping[str, str]], ...]
    identity: str | None


def decode_basis(record: bytes) -> StoredBasis:
    """The kept *record* for people."""
    value = canonical.decode(record)
    outcome = CoverageOutcome(value["outcome"])
    chosen = value["considered"][0] if value["considered"] and outcome is not CoverageOutcome.NOT_NEEDED else None
    return StoredBasis(
        outcome=outcome,
        words=value["words"],
        power=None if chosen is None else chosen["power"]["id"],
        tests=() if chosen is None else tuple((test["holds"], test["words"]) for test in chosen["tests"]),
        identity=None if value["identity"] is None else value["identity"]["id"],
    )


def _matter(matter: CoverageQuery) -> dict[str, Any]:
    return {
        "organisation": matter.organisation,
        "agent": matter.agent,
        "name": matter.name,
        "kinds": list(matter.kinds),
        "counterparties": list(matter.counterparties),
        "amount": None if matter.amount is None else matter.amount.minor,
        "currency": None if matter.amount is None else matter.amount.currency,
        "amount_needed": matter.amount_needed,
        "needed": matter.needed,
        "seal": matter.seal,
    }


def _identity(record: IdentityRecord) -> dict[str, Any]:
    """The facts that are no secret; the note and the salt stay here."""
    return {
        "id": record.id,
        "entry": record.entry,
        "document": record.document.value,
        "commitment": record.commitment,
        "ending": record.ending,
        "against": record.against.value,
        "checked_by": record.checked_by,
        "answers": record.answers,
        "since": instant(record.since),
        "until": instant(record.until),
    }


def _considered(considered: ConsideredPower) -> dict[str, Any]:
    return {
        "power": _power(considered.power),
        "covers": considered.covers,
        "tests": [
            {"test": each.test.value, "holds": each.holds, "words": _words(each.words)}
            for each in considered.findings
        ],
    }


def _power(power: Power) -> dict[str, Any]:
    limit = power.scope.limit
    return {
        "id": power.id,
        "basis": power.basis.value,
        "grantor": power.grantor,
        "principal": power.principal,
        "agent": power.agent,
        "kinds": list(power.scope.kinds),
        "counterparties": list(power.scope.counterparties),
        "limit": None if limit is None else limit.minor,
        "currency": None if limit is None else limit.currency,
        "seals": list(power.scope.seals),
        "since": instant(power.since),
        "until": instant(power.until),
        "letter": power.document,
        "registered": _done(power.registered),
        "verified": _done(power.verified),
        "revoked": _done(power.revoked),
    }


def _done(done: RecordedAction | None) -> dict[str, str] | None:
    return None if done is None else {"by": done.by, "at": instant(done.at)}


def _words(sentence: Sentence) -> Mapping[str, str]:
    return {language.value: sentence.translated(translator(language)) for language in Language}
