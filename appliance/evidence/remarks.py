"""Remarks beside the verdict on an evidence package: what is the word of the portal alone, whether the contract is
void, and where the history has other names than the certificates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.evidence import (
    agreements,
    authorisation_basis,
    contents,
    history,
    outside_seals,
    package,
    vouchings,
)
from appliance.evidence.agreements import accepted_by_others, people_named, without_acceptance
from appliance.evidence.contents import JudgedSignature
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import Files, PackageRefused, part
from appliance.store.retention import GONE
from appliance.verification import Indication, SignatureReport, Verdict
from appliance.verification.model import PASSED
from hsm import canonical
from hsm.errors import Sentence
from hsm.names import SubjectName
from hsm.records import name_of_signer

_TOLD = Sentence(
    "What the package tells of the history is what the portal's log has. That people signed the contract, accepted"
    " the agreement on electronic signing or declared the contract void, and when, their own signatures prove, and"
    " officers have confirmed the powers of attorney, where no other remark says otherwise. All else is the word"
    " of the portal alone: for whom somebody signed, what needed a power, type and amount of the contract,"
    " identity checks, that nothing was revoked before, and that nothing has happened since, such as a voiding."
)
_OF_EARLIER_FORMAT = Sentence(
    "The package is of an earlier format: who signed the contract, and when, the signatures in it prove. All else"
    " that it tells is the word of the portal alone: acceptances of the agreement, declarations that the contract"
    " is void, powers of attorney, and for whom somebody signed."
)
_UNDECIDED = Sentence(
    "The verdict is undecided, so it proves nothing of what the package tells: signatures, acceptances of the"
    " agreement, powers of attorney, declarations."
)
_UNSTATED = (
    "The power of attorney {power} was confirmed before officers had to activate that at the authority; for what"
    " it covers stands the word of the portal alone."
)
_WITHOUT_POWER = (
    "These signatures were made for an organisation under no power of attorney: {fields}. That none was needed is"
    " the word of the portal alone."
)
_UNNAMED = (
    "For whom these signatures were made is not in the package, erased or left out: {fields}. That the acceptances"
    " of the agreement on electronic signing are that side's, and that it needed no power of attorney that is not"
    " here, is the word of the portal alone."
)
_VOID = Sentence("The parties have declared this contract void.")
_SAID_VOID = Sentence(
    "The package says that the parties have declared this contract void; whether they did is undecided."
)
_TITLED = (
    "The declarations are about a contract with the title “{title}”; that this one has it is the word of the"
    " portal alone."
)
_BEFORE = (
    "These had signed the document, as the portal has it, before it was given here: {names}. For whom, under what"
    " power of attorney and on what agreement they signed the package does not say; nor have they declared"
    " anything by that."
)
_BY_USERS = (
    "For these seals those declared it who are said to have used them: {seals}. That they did is the word of the"
    " portal alone."
)
_USED = "Who used these seals, as the history has it, is the word of the portal alone: {seals}."
_TOGETHER = (
    "The signature {field} was confirmed together with others, documents in all: {count}. That is the word of the"
    " portal alone."
)
_APPROVED_TOGETHER = (
    "The use of the seal in the field {field} was approved together with others, documents in all: {counts}. That"
    " is the word of the portal alone."
)
_CALLED = (
    "The history has other names (in brackets) than the signers' certificates: {names}. Names in the history are"
    " the word of the portal alone."
)
_ACCEPTED_AS = (
    "An acceptance of the agreement on electronic signing has other names (in brackets) than the signers'"
    " certificates: {names}. That it is about them is the word of the portal alone."
)


@dataclass(frozen=True, slots=True)
class Judged:
    """All reports on a package; of them those on the contract's ``own`` signatures (none where it could not be
    read), and on ``earlier`` ones; what the verifier of PDFs remarked; whether the history was held to it all."""

    reports: tuple[SignatureReport, ...]
    own: tuple[JudgedSignature, ...] = ()
    earlier: tuple[SignatureReport, ...] = ()
    remarks: tuple[Sentence, ...] = ()
    has_history: bool = False


def remarks_beside(verdict: Verdict, files: Files, judged: Judged, *, stated: bool) -> Iterator[Sentence]:
    """What readers have to know beside the *verdict*; powers of attorney are *stated* by the authority, or the
    package is of an earlier format."""
    yield from (Sentence(_UNSTATED, {"power": each}) for each in authorisation_basis.unstated(files))
    yield from judged.remarks
    if judged.has_history and verdict.indication is not Indication.FAILED:
        passed = verdict == PASSED
        yield (_TOLD if stated else _OF_EARLIER_FORMAT) if passed else _UNDECIDED
        yield from _of_signatures(files, judged, passed=stated and passed)


def _of_signatures(files: Files, judged: Judged, *, passed: bool) -> Iterator[Sentence]:
    """Whether the contract is void; who used seals; which signatures were made for an organisation under no power,
    whose signers have other names in the history, which rest on what somebody of another organisation accepted,
    and which were confirmed at once with others. The history is judged by now, but for the fields in it."""
    about = canonical.decode(part(files, package.HISTORY))
    told, contract = about["events"], about["contract"]
    signed = [each for each in told if each["kind"] == history.SIGNED]
    _require_fields(judged, [each["public"] for each in signed if "field" in each["public"]])
    who_used = _USED
    if any(each["kind"] == history.VOIDED and each["public"].get("contract") == contract for each in told):
        # with which signatures the document was given, and who used a seal, the portal says
        yield _VOID if passed and not judged.earlier and _declared_for_seals(files, judged, signed) else _SAID_VOID
        yield Sentence(_TITLED, {"title": about["title"]})
        who_used = _BY_USERS
    own = [(each["public"]["signer"], each["private"].get("name") or GONE) for each in signed]
    for sentence, name, found in (
        (_BEFORE, "names", [each.signer or str(each.field) for each in judged.earlier]),
        (who_used, "seals", [signer for signer, _ in own if signer.startswith("seal-")]),
        (_WITHOUT_POWER, "fields", authorisation_basis.without_power(told, files)),
        (_UNNAMED, "fields", history.unnamed(signed)),
        (_CALLED, "names", list(_called_otherwise(judged, [*about["names"].items(), *own]))),
        (_ACCEPTED_AS, "names", list(_called_otherwise(judged, people_named(files)))),
    ):
        if found:
            yield Sentence(sentence, {name: ", ".join(dict.fromkeys(found))})
    events = [PackageEvent(**{**each, "at": datetime.fromisoformat(each["at"]["utc"])}) for each in told]
    yield from (*accepted_by_others(files, events), *without_acceptance(files, events))
    yield from outside_seals.vouched_for(each.signer for each in judged.own)
    yield from (*vouchings.who_vouched(files), *history.related_contracts(events, contract))
    for field, count in history.confirmed_together(each["public"] for each in signed).items():
        yield Sentence(_TOGETHER, {"field": field, "count": count})
    for field, counts in history.approved_together((each["kind"], each["public"]) for each in told).items():
        yield Sentence(_APPROVED_TOGETHER, {"field": field, "counts": ", ".join(map(str, counts))})


def _require_fields(judged: Judged, signed: Iterable[Mapping[str, Any]]) -> None:
    """What the history says was *signed* in the fields that it names is what the contract has there."""
    fields = {each.report.field: each for each in judged.own}
    for public in signed if judged.own else ():
        one = fields.get(public["field"])
        # the certificates of the first packages name nobody
        if one is None or (one.signer.identifier or public["signer"], one.covers) != (
            public["signer"],
            public.get("signed", one.covers),
        ):
            raise PackageRefused(contents.OTHER_SIGNATURES)


def _declared_for_seals(files: Files, judged: Judged, signed: Iterable[Mapping[str, Any]]) -> bool:
    """Whether who is said to have used a seal, and has declared, is certified under the seal's organisation."""
    of = certified(files, judged.own)
    used = ((each["public"]["signer"], each["actor"]) for each in signed)
    return all(of[seal].organisation == of[user].organisation for seal, user in used if seal.startswith("seal-"))


def certified(files: Files, own: Iterable[JudgedSignature]) -> dict[str, SubjectName]:
    """The names in the certificates of who signed the contract or a record in the package, by subject."""
    names = [each.signer for each in own]
    for path in files:
        if path.startswith((history.FOLDER, agreements.FOLDER)) and path.endswith(".p7s"):
            names.append(name_of_signer(bytes(files[path])))
    return {each.identifier: each for each in names if each.identifier is not None}


def _called_otherwise(judged: Judged, called: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The names that the history has for signers of the contract, each behind the one in their certificate."""
    signers = {each.signer.identifier: each.signer for each in judged.own}
    for subject, told in called:
        name = signers.get(subject)
        if name is not None and told not in (name.common_name, GONE) and not _is_seal_of(name, told):
            yield f"{name.common_name} ({told})"


def _is_seal_of(name: SubjectName, label: str) -> bool:
    """Lists have a blank before a seal's kind, and its number behind it."""
    written = "".join(label.split()).partition("".join(name.common_name.split()))
    own = (name.identifier or "").startswith("seal-") and not written[0]
    return own and re.fullmatch(r"(?:（[0-9]+）)?", written[2]) is not None
