"""From the model's values to those of the API, and back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from appliance.errors import NotFound
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import (
    EXPONENTS,
    LARGEST,
    Contract,
    CrossPage,
    Deadline,
    Money,
    OpenVoiding,
    Party,
    PartyKind,
    Placement,
)
from appliance.model.listing import ClientContract
from appliance.model.office import MemberEntry
from webui.api.problems import ProblemError
from webui.api.types import (
    ApiAmount,
    ApiContract,
    ApiDeadline,
    ApiDocument,
    ApiInitiator,
    ApiManager,
    ApiParty,
    ApiPerson,
    ApiPlace,
    ApiVoiding,
)
from webui.shared.served import appliance


def contract_of(seen: ClientContract) -> ApiContract:
    """The contract as clients see it."""
    contract = seen.contract
    amount = contract.amount
    turn = {party.id for party in contract.on_turn}
    return ApiContract(
        id=contract.id,
        number=contract.number,
        title=contract.title,
        kind=contract.kind,
        purpose=contract.purpose,
        state=contract.state.value,
        order=contract.order.value,
        language=contract.language.value,
        initiator=_initiator(contract.initiator),
        deadline=ApiDeadline(utc(contract.deadline.at), contract.deadline.zone),
        amount=None if amount is None else ApiAmount(str(amount.units), amount.currency),
        created=utc(contract.created),
        changed=utc(seen.changed),
        version=contract.version,
        document=_document(contract),
        parties=[party_of(party, on_turn=party.id in turn) for party in contract.parties],
        voiding=None if contract.voiding is None else _voiding(contract.voiding),
    )


def party_of(party: Party, *, on_turn: bool) -> ApiParty:
    """The party as clients see it."""
    return ApiParty(
        id=party.id,
        kind="seal" if party.kind is PartyKind.SEAL else "outside" if party.guest else "person",
        position=party.position,
        subject=party.subject,
        requester=party.requester,
        name=party.name,
        organisation=party.organisation,
        method=None if party.method is None else party.method.value,
        state=party.state.value,
        on_turn=on_turn,
        signed_at=None if party.signed_at is None else utc(party.signed_at),
        reason=party.reason,
        places=[ApiPlace(each.page + 1, each.x, each.y, each.width, each.height) for each in party.places],
        cross_page_y=None if party.cross_page is None else party.cross_page.y,
    )


def person_of(entry: MemberEntry, organisations: Collection[str]) -> ApiPerson:
    """The person as a client of these *organisations* sees it."""
    manager = None
    if entry.manager is not None and entry.manager_organisation in organisations:
        manager = ApiManager(entry.manager, entry.manager_name or "")
    return ApiPerson(
        subject=entry.subject,
        name=entry.name,
        organisation=entry.organisation,
        email=entry.email,
        can_initiate=can_initiate(entry),
        can_sign=entry.enrolled,
        department=entry.department or None,
        manager=manager,
    )


def can_initiate(entry: MemberEntry) -> bool:
    """Whether contracts can be made in this person's name: who could make them in the portal."""
    return entry.state is AccountState.ACTIVE and AccountRole.INITIATOR in entry.roles


def deadline_of(given: ApiDeadline) -> Deadline:
    return Deadline(given.at.astimezone(UTC).replace(microsecond=0), given.zone)


def language_of(given: str | None) -> Language | None:
    return None if given is None else Language(given)


def money_of(given: ApiAmount, member: str = "/amount") -> Money:
    """The amount. Raises :class:`ProblemError` for an unknown currency, and for parts of its smallest unit."""
    decimals = EXPONENTS.get(given.currency)
    if decimals is None:
        raise ProblemError("This currency is not known.", "invalid-body", pointer=f"{member}/currency")
    minor = Decimal(given.value).scaleb(decimals)
    if minor != minor.to_integral_value() or minor >= LARGEST:
        raise ProblemError(
            "The amount is finer than the currency, or too large.", "invalid-body", pointer=f"{member}/value"
        )
    return Money(int(minor), given.currency)


def places_of(given: Sequence[ApiPlace]) -> tuple[Placement, ...]:
    return tuple(Placement(each.page - 1, each.x, each.y, each.width, each.height) for each in given)


def cross_page_of(y: float | None) -> CrossPage | None:
    return None if y is None else CrossPage(y)


def utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _voiding(proposal: OpenVoiding) -> ApiVoiding:
    return ApiVoiding(proposal.by, utc(proposal.at), proposal.reason, list(proposal.declared))


def _document(contract: Contract) -> ApiDocument:
    current = contract.current
    return ApiDocument(current.number, current.digest, current.size, contract.pages)


def _initiator(subject: str) -> ApiInitiator:
    try:
        person = appliance.registry.person(subject)
    except NotFound:  # erased since
        return ApiInitiator(subject, "", "")
    return ApiInitiator(subject, person.name, person.organisation)
