"""``/batches/ID``: back from the confirmation of several documents, finishes what was confirmed, one by one, and
says what became of each. A fault in one leaves the others.

The page goes on where it stopped when it is opened again: an intent is signed once, so nothing is signed twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from appliance.contracts.signing import OpenedSigning
from appliance.errors import NotFound, StateRefused
from appliance.model.contract import PartyKind, PartyState
from appliance.model.intent import IntentRecord, IntentState
from appliance.model.people import SealRequest, SealRequestState
from hsm.errors import RefusalError
from webui.portal import activations
from webui.portal.pages import appliance
from webui.portal.signing.page import UNDER_WAY, refusal_sentence, why_ended
from webui.portal.signing.seals import seal_person
from webui.portal.signing.sheet import pages
from webui.shared.form_pages import Answer, render, status_in_workflow

_BATCH = re.compile(r"[0-9a-f]{32}")
PATIENCE = 4.0
"""Seconds for which one request goes on signing; the page then asks again by itself."""

_LOOK_AGAIN = "1"
"""Seconds until it does."""


class Outcome(StrEnum):
    """What became of one document of a batch."""

    SIGNED = "signed"
    SEALED = "sealed"
    ASKED = "asked"
    """The seal was asked for; its custodians answer."""
    APPROVED = "approved"
    """The use of the seal was approved; it takes another custodian, too."""
    FINISHING = "finishing"
    """Its signature is made, and is being dated or verified."""
    NEXT = "next"
    """It was confirmed, and is signed as soon as those before it are."""
    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"


class _Ended(Exception):
    """The contract ended before it was finished."""


DONE = frozenset({Outcome.SIGNED, Outcome.SEALED, Outcome.ASKED, Outcome.APPROVED})
_BUSY = frozenset({Outcome.NEXT, Outcome.FINISHING})


@dataclass(frozen=True, slots=True)
class MemberResult:
    """A document of a batch, what became of it, and why it is not done where something stands in the way; the
    ``request`` for a seal, where there is one."""

    opened: OpenedSigning
    outcome: Outcome
    reason: str = ""
    request: SealRequest | None = None
    approves: bool = False

    @property
    def address(self) -> str:
        """Where there is more about it."""
        return f"/seals/requests/{self.request.id}" if self.request else f"/contracts/{self.opened.contract.id}"

    @property
    def again(self) -> tuple[str, str] | None:
        """As what it can be selected once more, while something can still come of it."""
        if self.outcome in DONE or why_ended(self.opened.contract, appliance.now()):
            return None
        if not self.approves:
            return "contract", self.opened.contract.id
        waits = self.request is not None and self.request.state is SealRequestState.WAITING
        return ("request", self.request.id) if waits and self.request is not None else None


@pages.get("/batches/<batch>")
def batch_page(batch: str) -> Answer:
    """Finishes what was confirmed, and says what became of each document."""
    subject = seal_person().subject
    records = appliance.batches.members(batch, subject) if _BATCH.fullmatch(batch) else []
    if not records:
        raise NotFound("These contracts are not being signed together any more; select them again.")
    until = time.monotonic() + PATIENCE
    members = list(_shown(records, subject))
    if not members:
        raise NotFound("These contracts are not being signed together any more; select them again.")
    results = [_result(each, subject, until) for each in members]
    busy = any(each.outcome in _BUSY for each in results)
    response = render(
        "signing/batch.html",
        status=202 if busy else 200,
        results=results,
        done=sum(each.outcome in DONE for each in results),
        busy=busy,
        seals=any(each.opened.party.kind is PartyKind.SEAL for each in results),
        approves=any(each.approves for each in results),
        left=[each for each in results if each.outcome in (Outcome.UNCONFIRMED, Outcome.REFUSED)],
        again=[each.again for each in results if each.again],
        gone=len(records) - len(members),
    )
    if busy:
        response.headers["Refresh"] = _LOOK_AGAIN
    return response


def _shown(records: Sequence[IntentRecord], subject: str) -> Iterator[OpenedSigning]:
    """Those whose contract is still there for the visitor."""
    for each in records:
        with suppress(NotFound):
            contract = appliance.contracts.read_contract(each.intent.contract, subject)
            yield appliance.signing.opened(contract, each.id)


def _result(opened: OpenedSigning, subject: str, until: float) -> MemberResult:
    """What became of it; finishes it before that when it was confirmed, and there is time."""
    seal = opened.party.kind is PartyKind.SEAL
    asked = appliance.seal_requests.of_intent(opened.intent.id) if seal else None
    approves = asked is not None and asked.requester != subject
    try:
        outcome = _outcome(opened, asked, subject, until)
    except _Ended:
        reason = why_ended(opened.contract, appliance.now())
        return MemberResult(opened, Outcome.REFUSED, reason, asked, approves)
    except RefusalError as refusal:
        reason = refusal_sentence(refusal, status_in_workflow(refusal))
        return MemberResult(opened, Outcome.REFUSED, reason, asked, approves)
    if seal:
        asked = appliance.seal_requests.of_intent(opened.intent.id)
    return MemberResult(opened, outcome, "", asked, approves)


def _outcome(opened: OpenedSigning, asked: SealRequest | None, subject: str, until: float) -> Outcome:
    """Raises :class:`RefusalError` for one that cannot be finished, :class:`_Ended` for a contract that ended."""
    intent, seal = opened.intent, opened.party.kind is PartyKind.SEAL
    if intent.state is IntentState.COMPLETED or (opened.party.state is PartyState.SIGNED and not seal):
        return Outcome.SEALED if seal else Outcome.SIGNED
    if intent.state in UNDER_WAY:
        return Outcome.FINISHING
    if asked is not None and (answered := _answered(asked, subject)) is not None:
        return answered
    if why_ended(opened.contract, appliance.now()):
        raise _Ended
    if intent.state is IntentState.ABANDONED:
        raise StateRefused("The document has changed or the time is over; prepare it again.")
    if not activations.is_activated(subject, intent.intent):
        return Outcome.UNCONFIRMED
    if time.monotonic() > until:
        return Outcome.NEXT
    return _finished(opened, asked, subject)


def _answered(asked: SealRequest, subject: str) -> Outcome | None:
    """What became of a request that *subject* has nothing more to do about. Raises :class:`StateRefused` for one
    that ended otherwise."""
    if asked.state in (SealRequestState.REFUSED, SealRequestState.WITHDRAWN, SealRequestState.LAPSED):
        raise StateRefused(_ENDED.get(asked.state) or asked.answer or _ENDED[SealRequestState.WITHDRAWN])
    if asked.state is SealRequestState.USED:
        return Outcome.SEALED
    if asked.requester == subject:
        return Outcome.ASKED
    waits = asked.state is SealRequestState.WAITING and subject in asked.approved_by
    return Outcome.APPROVED if waits else None


_ENDED = {
    SealRequestState.REFUSED: "A custodian has refused the use of the seal.",
    SealRequestState.WITHDRAWN: "Whoever asked for the seal has taken the request back.",
}


def _finished(opened: OpenedSigning, asked: SealRequest | None, subject: str) -> Outcome:
    if opened.party.kind is PartyKind.PERSON:
        appliance.signing.finish(opened.intent.id)
        return Outcome.SIGNED
    if asked is None:
        made = appliance.seal_requests.ask(opened.intent.id, by=subject)
        return Outcome.SEALED if made.state is SealRequestState.USED else Outcome.ASKED
    appliance.seal_requests.approve(asked.id, by=subject)
    now = appliance.seal_requests.get(asked.id)
    return Outcome.SEALED if now.state is SealRequestState.USED else Outcome.APPROVED
