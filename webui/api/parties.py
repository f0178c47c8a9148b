"""The parties of a draft, and where their signatures show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, structs

from appliance.contact_details import email_address, organisation_name, person_name, telephone_number
from appliance.entered_text import require_zone
from appliance.errors import PreconditionRefused
from appliance.model.api_clients import Scope
from appliance.model.contract import Contract, GuestDetails, Party
from appliance.model.people import IdentityRecord
from appliance.signing_methods import SigningMethod
from webui.api import conversions
from webui.api.contracts import CHANGES, CONTRACT, ONE, READING, REFUSALS, answer, read, to_change
from webui.api.initiators import subject_of
from webui.api.operations import Answer, Call, Declared, KeyRule, Leads, VersionRule, operation
from webui.api.problems import ProblemError
from webui.api.types import (
    ApiContract,
    ApiLink,
    ApiNewLink,
    ApiNewOutside,
    ApiNewParty,
    ApiNewPerson,
    ApiNewSeal,
    ApiParty,
    ApiPlaces,
    Moment,
)
from webui.shared.served import appliance

PARTY: Final = f"{ONE}/parties/{{party_id}}"
ADDED: Final = Leads(
    "party",
    CONTRACT.values | {"contract_id": "$request.path.contract_id", "party_id": "$response.body#/id"},
)


@operation(
    "POST",
    f"{ONE}/parties",
    Scope.CONTRACTS_WRITE,
    {201: ApiParty},
    Declared(
        body=ApiNewParty, problems=(*CHANGES, "unknown-person"), key=KeyRule.REQUIRED, version=VersionRule.OPTIONAL
    ),
    ADDED,
)
def add_party(call: Call, contract_id: str) -> Answer:
    """Add a party to a draft.

    It becomes the last, or the first if it is the initiator. A person is named by `subject`, a seal with who
    asks for its use, somebody from outside by name and e-mail address. The `ETag` is the contract's.
    """
    contract = read(contract_id).contract
    call = _by_subject(call)
    known = _added_before(call, contract)
    if known is not None:
        return _added(contract, known)
    contract, seen = to_change(call, contract_id)
    party = _add(call, contract, seen)
    return _added(read(contract_id).contract, party)


def _by_subject(call: Call) -> Call:
    """The same with the subject of whoever was named by mail address."""
    match call.sent:
        case ApiNewPerson() as given:
            given = structs.replace(given, person=subject_of(call, given.person, "/person"))
        case ApiNewSeal() as given:
            given = structs.replace(given, requester=subject_of(call, given.requester, "/requester"))
        case _:
            return call
    return replace(call, sent=given)


def _added_before(call: Call, contract: Contract) -> Party | None:
    """The party that an earlier attempt, which was not answered, has added."""
    if not call.again or call.claimed is None:
        return None
    subjects = {getattr(call.sent, name, None) for name in ("person", "seal")} - {None}
    ours = (each for each in contract.parties if each.id == call.claimed.chosen or each.subject in subjects)
    return next(ours, None)


def _added(contract: Contract, party: Party) -> Answer:
    now = contract.require_party(party.id)
    where = {"Location": f"/api/v1/contracts/{contract.id}"}
    return Answer(conversions.party_of(now, on_turn=False), 201, contract.version, where)


def _add(call: Call, contract: Contract, seen: int) -> Party:
    drafting, by = appliance.drafting, contract.initiator
    match call.sent:
        case ApiNewPerson() as given:
            return drafting.add_person(contract.id, subject=given.person, by=by, seen=seen)
        case ApiNewSeal() as given:
            return drafting.add_seal(contract.id, seal=given.seal, requester=given.requester, by=by, seen=seen)
        case ApiNewOutside() as given:
            chosen = None if call.claimed is None else call.claimed.chosen
            return drafting.add_guest(contract.id, _guest(given), by=by, seen=seen, as_party=chosen)
    raise TypeError("the operation declares parties")


OUTSIDE: Final[Mapping[str, Callable[[str], object]]] = {
    "name": person_name,
    "organisation": organisation_name,
    "email": email_address,
    "phone": telephone_number,
    "zone": require_zone,
}
"""By what each member of somebody from outside is checked, so that a refusal can point at it."""


def _guest(given: ApiNewOutside) -> GuestDetails:
    """Raises :class:`ProblemError` for the first member that is no such thing."""
    for member, check in OUTSIDE.items():
        if value := getattr(given, member):
            try:
                check(value)
            except PreconditionRefused as refusal:
                values = dict(refusal.values)
                raise ProblemError(refusal.template, "invalid-body", pointer=f"/{member}", **values) from refusal
    return GuestDetails(
        name=given.name,
        organisation=given.organisation,
        email=given.email,
        phone=given.phone,
        language=conversions.language_of(given.language),
        zone=given.zone or "",
        method=None if given.method is None else SigningMethod(given.method),
    )


@operation(
    "DELETE",
    PARTY,
    Scope.CONTRACTS_WRITE,
    {200: ApiContract},
    Declared(problems=CHANGES, version=VersionRule.REQUIRED),
    CONTRACT,
)
def remove_party(call: Call, contract_id: str, party_id: str) -> Answer:
    """Remove a party from a draft.

    Those behind it move up. The answer is the contract without it.
    """
    contract, seen = to_change(call, contract_id)
    appliance.drafting.remove_party(contract_id, party_id, by=contract.initiator, seen=seen)
    return answer(contract_id)


@operation(
    "PUT",
    f"{PARTY}/places",
    Scope.CONTRACTS_WRITE,
    {200: ApiContract},
    Declared(body=ApiPlaces, problems=CHANGES, version=VersionRule.REQUIRED),
    CONTRACT,
)
def place_party(call: Call, contract_id: str, party_id: str) -> Answer:
    """Say where a party's signature shows.

    The places come instead of those before; none at all takes the field away.
    """
    given, (contract, seen) = call.body(ApiPlaces), to_change(call, contract_id)
    places, cross = conversions.places_of(given.places), conversions.cross_page_of(given.cross_page_y)
    appliance.drafting.place(contract_id, party_id, places, cross, by=contract.initiator, seen=seen)
    return answer(contract_id)


@operation(
    "POST",
    f"{PARTY}/links",
    Scope.LINKS_WRITE,
    {200: ApiLink},
    Declared(body=ApiNewLink, problems=(*REFUSALS, "out-of-reach")),
)
def give_link(call: Call, contract_id: str, party_id: str) -> Answer:
    """Get the personal link of somebody from outside.

    To deliver it yourself, where no mail goes out or beside the mail. It exists from this party's turn on, in
    contracts that the client made. Asked again, the answer is the same link, until it has let its owner in by the
    code; then it is a new one, and the link before takes no code any more. The code comes from the initiator, or
    from the appliance by text message; no client gets it. The log keeps who got whose link, and not the link. It
    takes no `Idempotency-Key`: the answer would be kept.

    With `embed` there is a link for a frame of your own pages, too, in which the document is read and filled in.
    It takes no code any more once the other one has ended, or you have got another one for the frame; whoever is
    in it stays until the session ends.
    """
    embed = call.body(ApiNewLink).embed
    origin = None if embed is None else embed.origin
    if origin is not None and origin not in call.client.client.origins:
        problem = "This client embeds links in pages of these origins: {origins}."
        known = " ".join(sorted(call.client.client.origins)) or "–"
        raise ProblemError(problem, "out-of-reach", pointer="/embed/origin", origins=known)
    given, addresses = appliance.given_links.give(contract_id, party_id, origin), appliance.addresses
    embedded = None if given.embedded is None else addresses.embedded_url(given.embedded)
    return Answer(ApiLink(addresses.invitation_url(given.invitation), embedded, conversions.utc(given.until)))


class ApiIdentityCheck(Struct):
    """Somebody compared a person with an identity document. Its number is kept nowhere; `ending` are its last
    characters. People by `subject`."""

    id: str
    document: Literal["id-card", "passport", "travel-permit", "residence-permit", "other"]
    ending: str
    against: Annotated[
        Literal["original", "video", "copy", "register"], Meta(description="How the document was compared.")
    ]
    checked_by: str
    answers: Annotated[str, Meta(description="Who answers for the check.")]
    since: Moment
    until: Moment
    withdrawn: Moment | None
    good: Annotated[bool, Meta(description="Whether it holds now.")]
    entry: Annotated[int | None, Meta(description="The number of its entry in the log.")]


class ApiPartyIdentity(Struct):
    """How the identity of the `person` who acts for a party was checked, the newest check first. `rests_on` is the
    `id` of the check on which the party's signature rests."""

    person: str
    checks: list[ApiIdentityCheck]
    rests_on: str | None


@operation(
    "GET",
    f"{PARTY}/identity",
    Scope.IDENTITIES_READ,
    {200: ApiPartyIdentity},
    Declared(problems=READING),
)
def get_party_identity(call: Call, contract_id: str, party_id: str) -> Answer:
    """Read how the identity of who signs was checked.

    All checks of people of the client's organisations and of whom they invited; of others the one on which their
    signature rests. Notes, and why a check was withdrawn, are internal to those who checked.
    """
    found, now = appliance.client_contracts.identity(contract_id, party_id), appliance.now()
    checks = [_identity_check(each, now) for each in found.checks]
    return Answer(ApiPartyIdentity(found.person, checks, found.rests_on))


def _identity_check(record: IdentityRecord, now: datetime) -> ApiIdentityCheck:
    return ApiIdentityCheck(
        id=record.id,
        document=record.document.value,
        ending=record.ending,
        against=record.against.value,
        checked_by=record.checked_by,
        answers=record.answers,
        since=conversions.utc(record.since),
        until=conversions.utc(record.until),
        withdrawn=None if record.withdrawn is None else conversions.utc(record.withdrawn),
        good=record.good(now),
        entry=record.entry,
    )
