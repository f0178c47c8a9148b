"""``/partners``: the partner organisations, as the house sees them: list, register, vouch, documents, and whom to
invite. A representative sees the page of the own company alone (``/company`` leads there), without what the house
notes about it; its administrator looks after its people.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, request, url_for

from appliance.errors import NotFound
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import GUEST_PREFIX
from appliance.model.listing import EVERYTHING
from appliance.model.partners import (
    Partner,
    PartnerDetails,
    PartnerDocument,
    PartnerDocumentKind,
    Representative,
    RepresentativeDetails,
    VouchingMeans,
)
from appliance.model.people import SealKind
from appliance.partners import detail_problems, representative_problems
from hsm.errors import RefusalError
from webui.portal.access import PortalVisitor, require, visitor
from webui.portal.drafting.parties import offered_zones
from webui.portal.office.forms import SEAL_PLACES, posted_seal, typed_seal, unprintable_names
from webui.portal.pages import appliance, name_of, once, saved_file
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other
from webui.shared.forms import field, member_of, sentences
from webui.shared.language import NAMES, current_language, translate

KEEPERS = (AccountRole.INITIATOR, AccountRole.OFFICER)
READERS = (*KEEPERS, AccountRole.REVIEWER, AccountRole.AUDITOR)
DETAILS = ("name", "code", "registration", "address", "contact", "email", "phone")
FIRST = ("administrator", "colleague")
"""Fields' beginnings for the people who are invited together with their company."""

CONTRACTS = 50
"""Contracts that the page of a partner shows."""

ROWS = 50
"""Partners on one page of the list."""

pages = Blueprint("partners", __name__)


@dataclass(frozen=True, slots=True)
class SeenPartner:
    """A partner as the visitor ``someone`` sees it: ``own`` for its representatives, ``administers`` for the one
    who looks after it, ``keeps`` for those of the house who may change something."""

    partner: Partner
    someone: PortalVisitor
    own: bool
    administers: bool

    @property
    def keeps(self) -> bool:
        return bool(self.someone.roles & set(KEEPERS))

    @property
    def by(self) -> str:
        return self.someone.subject


def seen_partner(partner_id: str) -> SeenPartner:
    """The partner for readers of the house and for its own people. Raises :class:`NotFound` for people of other
    partners, and as :func:`webui.portal.access.require`."""
    someone = require(*READERS, AccountRole.REPRESENTATIVE)
    own = AccountRole.REPRESENTATIVE in someone.roles
    if own and appliance.partners.partner_of(someone.subject) != partner_id:
        raise NotFound("There is no partner {partner}.", partner=partner_id)
    administers = own and appliance.partners.administered_by(someone.subject) == partner_id
    return SeenPartner(appliance.partners.partner(partner_id), someone, own, administers)


def _kept(partner_id: str) -> SeenPartner:
    """The same for those of the house who may change something."""
    require(*KEEPERS)
    return seen_partner(partner_id)


def _looked_after(partner_id: str) -> SeenPartner:
    """The same for those, and for the partner's administrator."""
    seen = seen_partner(partner_id)
    if not seen.administers:
        require(*KEEPERS)
    return seen


def administrator_of(partner_id: str) -> PortalVisitor:
    """The partner's administrator, who visits. Raises :class:`NotFound` for everybody else."""
    someone = visitor()
    if appliance.partners.administered_by(someone.subject) != partner_id:
        raise NotFound("There is no partner {partner}.", partner=partner_id)
    return someone


@pages.get("/partners")
def everything() -> Answer:
    someone = require(*READERS)
    search, after = request.args.get("search", "")[:100], request.args.get("after", "")[:40]
    found = appliance.partners.page(search, after=after)
    return render(
        "partners/list.html",
        listed=found[:ROWS],
        search=search,
        after=after,
        following=found[ROWS - 1].id if len(found) > ROWS else "",
        keeps=bool(someone.roles & set(KEEPERS)),
    )


_LED = (AccountState.INVITED, AccountState.ACTIVE)


@pages.get("/company")
def company() -> Answer:
    own = appliance.partners.partner_of(require(AccountRole.REPRESENTATIVE).subject)
    return see_other("partners.page", partner_id=own)


@pages.get("/partners/<partner_id>")
def page(partner_id: str) -> Answer:
    seen = seen_partner(partner_id)
    people = appliance.representatives.of_partner(partner_id)
    vouchings = () if seen.own else seen.partner.vouchings
    subjects = [each.by for each in vouchings] + [each.invited_by for each in people]
    made, asked = appliance.office.seals.of_partner(seen.partner.name)
    return render(
        "partners/page.html",
        seen=seen,
        partner=seen.partner,
        people=people,
        acts={each.subject: _acts(seen, each, people) for each in people},
        may_invite=seen.administers or (seen.keeps and all(each.state is AccountState.LEFT for each in people)),
        unled=not any(each.administrator and each.state in _LED for each in people),
        vouchings=vouchings,
        inner={each.at for each in vouchings if appliance.disclosing.belongs(each.by, seen.someone.audience)},
        means=list(VouchingMeans),
        documents=_documents(seen),
        kinds=list(PartnerDocumentKind),
        names={each: name_of(each) for each in subjects},
        contracts=appliance.partners.contracts_of(partner_id, reader=_reader(seen), limit=CONTRACTS),
        left_with_work=appliance.representatives.left_with_work(partner_id) if seen.administers else [],
        links=_links(seen, people),
        seals=made,
        asked=[(each, each.waits(appliance.now())) for each in asked],
        mail_works=appliance.mail.works(),
    )


def _acts(seen: SeenPartner, one: Representative, everybody: list[Representative]) -> set[str]:
    """What the visitor can do about a representative."""
    officer = AccountRole.OFFICER in seen.someone.roles
    invited = one.state is AccountState.INVITED
    after = seen.administers or officer or (seen.keeps and invited and one.invited_by == seen.by)
    if one.state is AccountState.LEFT or not after:
        return set()
    acts = {"again"} if invited else set()
    if one.subject != seen.by:
        acts.add("leave")
    led = any(each.administrator and each.state is AccountState.ACTIVE for each in everybody)
    if one.state is AccountState.ACTIVE and not one.administrator and (seen.administers or (officer and not led)):
        acts.add("administrator")
    return acts


def _reader(seen: SeenPartner) -> str | None:
    """In whose lists a contract has to be that the page names: the administrator sees all that were sent."""
    if seen.administers:
        return None
    return EVERYTHING if AccountRole.AUDITOR in seen.someone.roles else seen.by


def _documents(seen: SeenPartner) -> list[PartnerDocument]:
    """What the house has put there is its own business."""
    found = appliance.partners.documents_of(seen.partner.id)
    return [each for each in found if not seen.own or each.added_by.startswith(GUEST_PREFIX)]


def _links(seen: SeenPartner, people: list[Representative]) -> list[tuple[str, str]]:
    """Links and names of those who were invited just now, where no mail goes out; nothing otherwise."""
    asked = set() if appliance.mail.works() else set(request.args.getlist("link"))
    newly = [each for each in people if each.subject in asked and "again" in _acts(seen, each, people)]
    found = [(appliance.accounts.administration.open_link(each.subject), each.name) for each in newly]
    return [(appliance.addresses.account_link_url(link), name) for link, name in found if link is not None]


def _typed(before: PartnerDetails | None = None) -> PartnerDetails:
    known = {name: getattr(before, name) or "" for name in DETAILS} if before is not None else {}
    values = {name: field(name) if request.method == "POST" else known.get(name, "") for name in DETAILS}
    return PartnerDetails(**values)


def _checked(details: PartnerDetails) -> PartnerDetails:
    """Raises :class:`FormProblems` for what cannot be."""
    found = unprintable_names({"name": details.name}) | sentences(detail_problems(details))
    if found:
        raise FormProblems(found)
    return details


@pages.get("/partners/new")
def new() -> Answer:
    someone = require(*KEEPERS)
    means, chosen, note = list(VouchingMeans), field("means"), field("note")
    zone = field("zone") or appliance.registry.person(someone.subject).zone
    return render(
        "partners/new.html",
        means=means,
        typed=_typed(),
        chosen=chosen,
        note=note,
        first={place: _typed_person(place) for place in FIRST},
        languages=NAMES,
        language=member_of(Language, field("language")) or current_language(),
        zones=[(each, each) for each in offered_zones(zone)],
        zone=zone,
    )


def _typed_person(place: str) -> RepresentativeDetails:
    name, email, phone = (field(f"{place}-{each}").strip() for each in ("name", "email", "phone"))
    return RepresentativeDetails(name, email, phone, member_of(Language, field("language")), field("zone").strip())


def _first_people() -> list[RepresentativeDetails]:
    """Whom one invites together with the company, the administrator first. Raises :class:`FormProblems`."""
    named = {place: _typed_person(place) for place in FIRST}
    kept = {place: each for place, each in named.items() if each.name or each.email or each.phone}
    problems: dict[str, str] = {}
    for place, each in kept.items():
        wrong = unprintable_names({"name": each.name}) | sentences(representative_problems(each))
        problems |= {key if key == "zone" else f"{place}-{key}": sentence for key, sentence in wrong.items()}
    if kept and FIRST[0] not in kept:
        problems[f"{FIRST[0]}-name"] = translate()("Name the administrator first, who invites the others later.")
    if problems:
        raise FormProblems(problems)
    return list(kept.values())


def _place(refusal: RefusalError) -> str:
    """The field that the *refusal* is about: the address that it names, of two that are the same the second."""
    taken = refusal.values.get("email")
    found = (f"{each}-email" for each in reversed(FIRST) if taken and field(f"{each}-email").strip() == taken)
    return next(found, "name")


@pages.post("/partners/new")
@form(new, lambda: require(*KEEPERS), _place)
def register(someone: PortalVisitor) -> Answer:
    details, means, by = _typed(), member_of(VouchingMeans, field("means")), someone.subject
    if means is None:
        raise FormProblems({"means": translate()("Choose by what you know the organisation.")})
    _checked(details)
    people = _first_people()

    def make() -> str:
        made = appliance.representatives.register(details, means, field("note"), people, by=by)
        invited = [each.subject for each in appliance.representatives.of_partner(made.id)]
        if not invited:
            return url_for("partners.page", partner_id=made.id)
        return url_for("partners.page", partner_id=made.id, done="invite", link=invited)

    return once(by, make)


@pages.get("/partners/<partner_id>/edit")
def edit(partner_id: str) -> Answer:
    seen = _looked_after(partner_id)
    named = not seen.own and not appliance.partners.is_certified(partner_id)
    return render(
        "partners/edit.html", seen=seen, partner=seen.partner, typed=_typed(seen.partner.details), named=named
    )


@pages.post("/partners/<partner_id>/edit")
@form(edit, _looked_after, "name")
def change(seen: SeenPartner, partner_id: str) -> Answer:
    if seen.own:
        appliance.partners.change_contacts(partner_id, _contacts(seen), by=seen.by)
    else:
        appliance.partners.change(partner_id, _checked(_typed()), by=seen.by)
    return see_other("partners.page", partner_id=partner_id)


def _contacts(seen: SeenPartner) -> PartnerDetails:
    """The details with the contacts that were typed."""
    known, typed = seen.partner.details, _typed()
    return _checked(
        PartnerDetails(
            known.name, known.code, known.registration, typed.address, typed.contact, typed.email, typed.phone
        )
    )


@pages.post("/partners/<partner_id>/vouch")
@form(page, _kept, "note")
def vouch(seen: SeenPartner, partner_id: str) -> Answer:
    means = member_of(VouchingMeans, field("means"))
    if means is None:
        raise FormProblems({"means": translate()("Choose by what you know the organisation.")})
    appliance.partners.vouch(partner_id, means, field("note"), by=seen.by)
    return see_other("partners.page", partner_id=partner_id, _anchor="vouching")


@pages.post("/partners/<partner_id>/documents")
@form(page, _looked_after, "file")
def add_document(seen: SeenPartner, partner_id: str) -> Answer:
    given, kind = request.files.get("file"), member_of(PartnerDocumentKind, field("kind"))
    if kind is None:
        raise FormProblems({"kind": translate()("Choose what the document is.")})
    if given is None or not given.filename:
        raise FormProblems({"file": translate()("Choose a PDF file, or a picture as PNG or JPEG.")})
    appliance.partners.add_document(partner_id, kind, given.read(), by=seen.by)
    return see_other("partners.page", partner_id=partner_id, _anchor="documents")


_ENDINGS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


@pages.get("/partners/<partner_id>/documents/<document_id>")
def document(partner_id: str, document_id: str) -> Answer:
    seen = seen_partner(partner_id)
    if document_id not in [each.id for each in _documents(seen)]:
        raise NotFound("The partner has no document {document}.", document=document_id)
    found, content = appliance.partners.document(partner_id, document_id)
    return saved_file(content, found.media, f"{found.id}.{_ENDINGS[found.media]}")


@pages.get("/partners/<partner_id>/representatives/new")
def new_representative(partner_id: str) -> Answer:
    seen = _looked_after(partner_id)
    typed = _typed_representative(seen)
    return render(
        "partners/representative.html",
        seen=seen,
        partner=seen.partner,
        typed=typed,
        languages=NAMES,
        zones=[(zone, zone) for zone in offered_zones(typed.zone)],
    )


def _typed_representative(seen: SeenPartner) -> RepresentativeDetails:
    if request.method == "GET":
        zone = appliance.registry.person(seen.by).zone
        return RepresentativeDetails("", "", "", current_language(), zone)
    name, email, phone, zone = (field(each).strip() for each in ("name", "email", "phone", "zone"))
    return RepresentativeDetails(name, email, phone, member_of(Language, field("language")), zone)


@pages.post("/partners/<partner_id>/representatives/new")
@form(new_representative, _looked_after, "email")
def invite(seen: SeenPartner, partner_id: str) -> Answer:
    details, by = _typed_representative(seen), seen.by
    problems = unprintable_names({"name": details.name}) | sentences(representative_problems(details))
    if problems:
        raise FormProblems(problems)

    def make() -> str:
        made = appliance.representatives.invite(partner_id, details, by=by)
        return url_for("partners.page", partner_id=partner_id, done="invite", link=made.subject)

    return once(by, make)


@pages.get("/partners/<partner_id>/seals/new")
def new_seal(partner_id: str) -> Answer:
    administrator_of(partner_id)
    return render(
        "partners/new_seal.html",
        partner=appliance.partners.partner(partner_id),
        typed=typed_seal(),
        chosen=request.form.getlist("custodian"),
        kinds=list(SealKind),
        people=[each for each in appliance.representatives.of_partner(partner_id) if _can_sign(each)],
    )


@pages.post("/partners/<partner_id>/seals/new")
@form(new_seal, administrator_of, SEAL_PLACES)
def ask_for_seal(someone: PortalVisitor, partner_id: str) -> Answer:
    draft, by = posted_seal(), someone.subject

    def ask() -> str:
        appliance.office.drafts.draft_partner_seal(partner_id, draft, by=by)
        return url_for("partners.page", partner_id=partner_id, done="seal", _anchor="seals")

    return once(by, ask)


@pages.post("/partners/<partner_id>/seals/<act_id>/withdraw")
@form(page, administrator_of)
def withdraw_seal(someone: PortalVisitor, partner_id: str, act_id: str) -> Answer:
    appliance.office.decisions.withdraw_seal(partner_id, act_id, by=someone.subject)
    return see_other("partners.page", partner_id=partner_id, done="withdrawn", _anchor="seals")


def _can_sign(one: Representative) -> bool:
    return one.enrolled and one.state is AccountState.ACTIVE


@pages.post("/partners/<partner_id>/representatives/<subject>/<any(again, leave, administrator):what>")
@form(page, _looked_after)
def look_after(seen: SeenPartner, partner_id: str, subject: str, what: str) -> Answer:
    people, by = appliance.representatives, seen.by
    if what == "again":
        people.invite_again(partner_id, subject, by=by)
        return see_other("partners.page", partner_id=partner_id, done="invite", link=subject)
    if what == "leave":
        people.deactivate(partner_id, subject, by=by)
    else:
        people.name_administrator(partner_id, subject, by=by)
    return see_other("partners.page", partner_id=partner_id, done=what)
