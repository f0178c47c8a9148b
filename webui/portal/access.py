"""Who is visiting: the session behind the cookie, and what it may do. Views ask here and nowhere else.

``visitor()`` for pages that need somebody signed in, ``require(AccountRole…)`` for those that need a role, and
``view_contract()`` for those of a contract: readers get it, others learn not even that it exists. Whoever is
signed out is led to ``/login`` and back.

A form that was posted after the session had ended is not lost: it travels through the sign-in page as one
signed ticket in a hidden field, to the person it was taken from. Files and secrets (passwords, PINs, codes,
answers of passkeys) do not travel; their form asks for them again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.tickets import LONGEST
from appliance.contracts.permissions import ContractActor, Permission, Refusal, permissions_of
from appliance.errors import NotAllowed, NotFound, PreconditionRefused, StateRefused
from appliance.guests import is_guest
from appliance.language import Language
from appliance.ledger.disclosure import Audience
from appliance.model.accounts import PEOPLES_ROLES, SIGNING_ROLES, AccountRole, OpenedSession, Strength
from appliance.model.contract import UNSENT, Contract, Party, PartyState
from appliance.model.intent import SigningOrigin
from appliance.notices.messages import PortalAddresses
from appliance.wiring import Appliance
from hsm.errors import ActivationRefused
from hsm.names import is_outside
from webui.portal.pages import appliance
from webui.shared import errors, forms, language
from webui.shared.errors import is_page, page_above, page_before
from webui.shared.form_pages import FormProblems, status_in_workflow
from webui.shared.forms import sentence
from webui.shared.language import translate
from webui.shared.passkeys import FIELD as PASSKEY_FIELD
from webui.shared.session_cookies import SessionCookies, client_info, install_access, redirect_to_login

EXTENSION = "vermilion-access"


@dataclass(frozen=True, slots=True)
class PortalVisitor:
    """Who is signed in. ``session`` is the id of the session; ``guest_of`` (contract, party) of outside signers,
    who have no roles; ``audience``: whose internal data the visitor may see; ``told`` as that of
    :class:`Account`; ``strength``: how they signed in; ``manages``: reviews can wait for the visitor as
    somebody's manager."""

    subject: str
    name: str
    organisation: str
    roles: frozenset[AccountRole]
    audience: Audience
    session: str
    guest_of: tuple[str, str] | None = None
    told: bool = True
    strength: Strength = Strength.PASSKEY
    manages: bool = False

    @property
    def reviews(self) -> bool:
        """Whether the visitor answers reviews, by role or as a manager."""
        return AccountRole.REVIEWER in self.roles or self.manages


def visitor() -> PortalVisitor:
    """Who is signed in. Raises :class:`SignedOut`, which becomes the page to sign in."""
    return _cookies().visitor()


def visitor_or_none() -> PortalVisitor | None:
    """Who is signed in, if anybody."""
    return _cookies().visitor_or_none()


def require(*roles: AccountRole) -> PortalVisitor:
    """The visitor, who has one of *roles*. Raises :class:`SignedOut`, or :class:`NotAllowed` (403)."""
    found = visitor()
    if not found.roles & set(roles):
        raise NotAllowed("Your account does not have the role that this page is for; an officer can give it.")
    return found


def require_person() -> str:
    """Somebody of the house who can sign; officers, operators and auditors sign nothing. Raises as
    :func:`require`."""
    return require(*PEOPLES_ROLES).subject


def require_signer() -> str:
    """Somebody with an account who signs, of the house or for a partner. Raises as :func:`require`."""
    return require(*SIGNING_ROLES).subject


def signatory() -> PortalVisitor:
    """Somebody who can sign at all: a guest, or somebody with an account who signs."""
    found = visitor()
    return found if found.guest_of is not None else require(*SIGNING_ROLES)


def request_origin() -> SigningOrigin:
    """From where the visitor acts, for intents and history: the network address."""
    return SigningOrigin(client_info().address)


@dataclass(frozen=True)
class ContractView:
    """A contract as the visitor ``someone`` sees it, acting as ``who``; the rest is looked up on first use."""

    contract: Contract
    who: ContractActor
    now: datetime
    someone: PortalVisitor

    @property
    def initiates(self) -> bool:
        """Whether the visitor has started the contract."""
        return self.who.subject == self.contract.initiator

    @cached_property
    def acts(self) -> dict[Permission, Refusal | None]:
        """For each act None, or why the visitor cannot do it now."""
        return permissions_of(self.contract, self.who, self.now)

    @property
    def audience(self) -> Audience:
        """The organisation whose internal data the visitor may see."""
        return self.someone.audience

    @cached_property
    def drafting(self) -> bool:
        """Whether the visitor's organisation drafted the contract, so that its content check, reviews and notes
        are shown."""
        return appliance.disclosing.drafting(self.contract, self.audience)

    def may(self, act: Permission) -> bool:
        return self.acts[act] is None

    def require(self, act: Permission) -> None:
        """Raises the refusal (:class:`StateRefused`, :class:`PreconditionRefused`) unless *act* is allowed."""
        refusal = self.acts[act]
        if refusal is not None:
            raise refusal.error()

    def require_drafting(self) -> None:
        """Raises the :class:`NotFound` of a missing contract unless the visitor may see the drafting
        organisation's internal data."""
        if not self.drafting:
            raise NotFound("There is no contract {contract}.", contract=self.contract.id)

    def own_party(self) -> Party | None:
        """The party that the visitor acts for: the one asked for, else on turn, else one that waits, else any."""
        own = [party for party in self.contract.parties if party.responsible == self.who.subject]
        wanted, turn, waits = request.values.get("party"), self.contract.on_turn, PartyState.WAITING
        ranked = sorted(own, key=lambda one: (one.id != wanted, one not in turn, one.state is not waits))
        return ranked[0] if ranked else None


def view_contract(contract_id: str) -> ContractView:
    """The contract for the signed-in visitor. Raises :class:`SignedOut`, or :class:`NotFound` for no reader."""
    someone = visitor()
    who, now = who_is(someone), appliance.now()
    contract = appliance.contracts.read_contract(contract_id, who)
    seen = ContractView(contract, who, now, someone)
    if contract.state in UNSENT:
        seen.require_drafting()
    return seen


@contextmanager
def refusals_of(contract_id: str, act: Permission, place: str = "") -> Iterator[None]:
    """Shows a refusal in the form of *act*, at its *place*; raises it when *act* is no longer possible."""
    try:
        yield
    except (StateRefused, PreconditionRefused, ActivationRefused) as refusal:
        now = view_contract(contract_id)
        if not now.may(act):
            if isinstance(refusal, PreconditionRefused):
                now.require(act)  # as the page knows the visitor, who may be an auditor
            raise
        raise FormProblems({place: sentence(refusal)}, status_in_workflow(refusal)) from refusal


def who_is(someone: PortalVisitor) -> ContractActor:
    """The visitor as the actor whose permissions are asked for."""
    seals: frozenset[str] = frozenset()
    administers: str | None = None
    if AccountRole.REPRESENTATIVE in someone.roles:
        administers = appliance.partners.administered_by(someone.subject)
    if AccountRole.CUSTODIAN in someone.roles or is_outside(someone.subject):
        every = appliance.registry.seals()
        seals = frozenset(seal.subject for seal in every if someone.subject in seal.custodians)
    auditor = AccountRole.AUDITOR in someone.roles
    return ContractActor(someone.subject, auditor, seals, someone.guest_of, administers)


def start_session(
    response: BaseResponse, opened: OpenedSession, *, speaking: Language | None = None
) -> BaseResponse:
    """Gives the visitor's browser the new session, in place of an earlier one, which ends.

    A language chosen in the browser just before becomes the visitor's choice; a new visitor gets the language in
    which the pages were *speaking*.
    """
    chosen = language.chosen_before() or speaking
    if chosen is not None:
        appliance.accounts.own.prefer(opened.session.subject, chosen)
        language.forget_choice(response)
    return _cookies().admit(response, opened.secret)


def end_session(response: BaseResponse) -> BaseResponse:
    """Signs out: ends the session and takes the cookie away."""
    return _cookies().dismiss(response)


def session_secret() -> str:
    """What the session cookie holds, or nothing."""
    return _cookies().secret()


def install(app: Flask, of: Appliance, *, secure: bool) -> None:
    """Makes the visitor known to views and templates of *app*, with the visitor's own language and zone."""
    # Lax, not Strict: who comes by a link in a mail is to be known at once. Forms have a Strict cookie.
    app.extensions[EXTENSION] = cookies = SessionCookies("session", secure, "Lax", _look_up, of.sessions.close)
    install_access(
        app,
        cookies,
        greet=cookies.visitor_or_none,
        save_language=lambda found, chosen: of.accounts.own.prefer(found.subject, chosen),
        answer_signed_out=answer_signed_out,
    )


def answer_signed_out() -> Response | BaseResponse:
    """For pages a redirect to sign in and back, for a guest the page of the invitation; for programs an error."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    if best == "application/json" and request.accept_mimetypes["application/json"]:
        sentence = translate()("You are signed out; sign in and repeat it.")
        return errors.answer(401, "signed-out", sentence)
    secret = session_secret()
    before = appliance.sessions.owner_of(secret) if secret else None
    page = _guest_page(before) if before is not None and is_guest(before) else None
    if page is not None:
        return redirect(page, 303)
    if request.method in ("GET", "HEAD"):
        return redirect_to_login()
    return _sign_in_again(before)


def _sign_in_again(owner: str | None) -> Response:
    """The page to sign in that keeps what *owner* posted, and posts it afterwards."""
    carried = pack_form(owner) if owner else ""
    page = render_template(
        "accounts/login.html",
        offer=appliance.accounts.passkeys.offer_sign_in(),
        next=page_before() or (request.path if is_page(request.path) else page_above()) or "/",
        carried=carried,
        typed={},
        problems={},
        again=True,
    )
    return make_response(page, 401)


def _look_up(secret: str) -> PortalVisitor | None:
    presence = appliance.sessions.find_holder(secret)
    if presence is None:
        return None
    person, session = presence.person, presence.session
    g.zone, g.language = person.zone, person.language
    told = presence.account is None or presence.account.told
    return PortalVisitor(
        subject=person.subject,
        name=person.name,
        organisation=person.organisation,
        roles=presence.roles,
        audience=Audience.of_person(person),
        session=session.id,
        guest_of=session.guest_of,
        told=told,
        strength=session.strength,
        manages=bool(presence.roles & PEOPLES_ROLES) and appliance.reviewing.approves_as_manager(person.subject),
    )


def _guest_page(guest: str) -> str | None:
    """Where *guest* comes in again: not where people with accounts do. A session that has ended, whoever ended it
    and why, proves nothing any more, so it is never led to a link that takes the code."""
    try:
        return PortalAddresses("", appliance.links).invitation_url(appliance.guests.spent_of_person(guest))
    except NotFound:
        return None


def _cookies() -> SessionCookies[PortalVisitor]:
    cookies: SessionCookies[PortalVisitor] = current_app.extensions[EXTENSION]
    return cookies


FIELD = "carried"
LASTING = timedelta(hours=1)

MOST_LETTERS = LONGEST
"""Of a ticket; a text of a hundred pages fits."""

MOST_FIELDS = 2500
"""As many as the form of step 3 has with all of its rows."""

SECRET = frozenset(
    {
        *("password", "again", "old", "pin", "pin_again", "code", "sealed", "ticket", "actions"),
        *(PASSKEY_FIELD, forms.FIELD, FIELD),
    }
)
"""Fields that stay behind; ``actions`` are what somebody does in a live view, passwords among it."""


@dataclass(frozen=True, slots=True)
class CarriedForm:
    """A form under way: where it was posted, whose it is, and its fields in order."""

    path: str
    subject: str
    fields: list[list[str]]


def pack_form(subject: str) -> str:
    """The posted form of this request as a ticket, or nothing when it is too large to travel."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in SECRET]
    content = json.dumps([request.path, subject, fields], ensure_ascii=False)
    if len(fields) > MOST_FIELDS or len(content) > MOST_LETTERS:
        return ""
    ticket = appliance.accounts.tickets.issue_ticket(FIELD, content, now=appliance.now(), lasting=LASTING)
    return ticket if len(ticket) <= MOST_LETTERS else ""


def unpack_form(ticket: str) -> CarriedForm | None:
    """The form in *ticket*; None without one, or for one that is too old or not ours."""
    if not ticket:
        return None
    try:
        known = appliance.accounts.tickets.read_ticket(FIELD, ticket, now=appliance.now())
    except StateRefused:
        return None
    return CarriedForm(*json.loads(known.content))
