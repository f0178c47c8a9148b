"""From the portal to the activation service, where people confirm what a key signs, and what they need before.

The portal has no part in the activation itself: it asks for one, and asks the authority afterwards whether it was
given. Before the first signature come something to sign with, and the agreement to sign electronically
(:func:`prerequisite_response`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from appliance.activation_requests import (
    ActivationRequest,
    BatchedDocument,
    BatchRequest,
    KnownPasskey,
    RegistrationPurpose,
    RegistrationRequest,
)
from appliance.contracts.signing import OpenedSigning
from appliance.model.contract import Contract, Party
from appliance.model.office import NewOfficer
from appliance.model.people import Person
from appliance.model.remote_signing import RemoteRequest
from hsm.errors import AuthorityError
from hsm.intents import Intent, SigningIntent
from webui.portal.access import visitor
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, render, see_other
from webui.shared.language import current_language, zone_of_reader

LONGEST_RECEIPT = 100


@dataclass(frozen=True, slots=True)
class ActivationMeans:
    """The credentials that the authority knows of a person: how many passkeys, and whether PIN and code."""

    passkeys: int
    pin: bool

    @property
    def any(self) -> bool:
        """Whether there is anything to sign with."""
        return bool(self.passkeys) or self.pin

    def suffice(self, intent: SigningIntent) -> bool:
        """Whether there is something that activates *intent*, which may take a passkey only."""
        return bool(self.passkeys) or (self.pin and not intent.passkey_only)


def means_of(subject: str) -> ActivationMeans:
    """Asked of the authority, which alone knows. Raises :class:`AuthorityError` when it does not answer."""
    known = appliance.authority.credentials(subject)
    passkeys = sum(each.credential_id is not None for each in known)
    return ActivationMeans(passkeys, len(known) > passkeys)


def to_activation(
    subject: str,
    intent: Intent,
    back: str,
    *,
    record: bytes = b"",
    text: str = "",
    other_text: str = "",
    paired: bool = False,
) -> Answer:
    """303 to the page on which *subject* activates *intent*, and from there to *back*, a path of the portal."""
    reader = (current_language().value, zone_of_reader())
    return _sent(
        ActivationRequest(
            subject, intent, back, *reader, content=record, text=text, other_text=other_text, paired=paired
        )
    )


def to_remote_signing(asked: RemoteRequest, content: bytes, back: str) -> Answer:
    """The same for what other software asks for; *content* is what it has handed in, prepared if that is a PDF to
    be signed within."""
    language, zone = current_language().value, zone_of_reader()
    place = (asked.pdf.base, asked.pdf.gap) if asked.pdf else (0, ())
    return _sent(ActivationRequest(asked.person, asked.intent(), back, language, zone, content, *place))


def to_signing(subject: str, opened: OpenedSigning, back: str, *, paired: bool = False) -> Answer:
    """The same for the document that *opened* is about to sign."""
    return _sent(replace(_signing_request(subject, opened, back), paired=paired))


def to_batch(subject: str, members: Sequence[tuple[OpenedSigning, str]], back: str) -> Answer:
    """The same for several documents that *subject* confirms by one activation. Each has a page of its own, too,
    which leads back to where that one alone goes on."""
    documents = []
    for each, own in members:
        ticket = appliance.activation_requests.add(_signing_request(subject, each, own))
        documents.append(BatchedDocument(ticket, each.intent.intent.title or each.contract.id))
    language, zone = current_language().value, zone_of_reader()
    return _sent(BatchRequest(subject, tuple(documents), back, language, zone), "batch")


def _signing_request(subject: str, opened: OpenedSigning, back: str) -> ActivationRequest:
    record, document = opened.intent, appliance.signing.prepared_document(opened)
    return ActivationRequest(
        subject=subject,
        intent=record.intent,
        back=back,
        language=current_language().value,
        zone=zone_of_reader(),
        content=document,
        base=len(document) - len(record.suffix),
        gap=record.contents,
    )


def _sent(asked: ActivationRequest | BatchRequest | RegistrationRequest, page: str = "act") -> Response:
    ticket = appliance.activation_requests.add(asked)
    return redirect(f"{appliance.settings.activation.origin}/{page}/{ticket}", 303)


def to_registration(person: Person, login: str, back: str, *, link: str = "", account: bool = True) -> Response:
    """303 to the page on which *person* sets up what they sign with, and from there to *back*. What they set up
    opens their account too when they come by the *link* (its id) of a welcome. Guests have no *account*."""
    known = appliance.accounts.own.passkeys(person.subject)
    asked = replace(
        _registration(person, RegistrationPurpose.ACCOUNT if link else RegistrationPurpose.SIGNING, login, back),
        known=tuple(KnownPasskey(each.credential_id, each.public_key) for each in known),
        reference=link,
        by_code=account and not (known or link),
    )
    return _sent(asked, "register")


def to_vouched_registration(person: Person, back: str) -> Response:
    """The same for somebody for whom an initiator vouches: the code is typed there, too, and never here."""
    asked = _registration(person, RegistrationPurpose.VOUCHED, person.email, back)
    return _sent(replace(asked, reference=person.subject), "register")


def to_appointment(new: NewOfficer, purpose: RegistrationPurpose) -> Answer:
    """The same for somebody who becomes an officer by a code."""
    asked = _registration(new, purpose, new.login, url_for("setup.registered", ticket=new.ticket))
    return _sent(replace(asked, reference=new.reference), "register")


def _registration(
    who: Person | NewOfficer, purpose: RegistrationPurpose, login: str, back: str
) -> RegistrationRequest:
    return RegistrationRequest(
        subject=who.subject,
        purpose=purpose,
        back=back,
        language=current_language().value,
        zone=zone_of_reader(),
        login=login,
        name=who.name,
        organisation=who.organisation,
        handle=appliance.accounts.passkeys.user_handle(who.subject),
    )


def batch_limit() -> int:
    """How many documents may be confirmed at once; 0 for each on its own, and while the authority is silent."""
    try:
        return appliance.authority.batch_limit()
    except AuthorityError:
        return 0


def brought_receipt() -> str:
    """The receipt with which the visitor comes from the activation service's page; empty when another site has led
    them here, so that no link signs anybody in as somebody else (Fetch Metadata, Sec-Fetch-Site)."""
    own = request.headers.get("Sec-Fetch-Site", "same-site") in ("same-site", "same-origin")
    return request.args.get("receipt", "")[:LONGEST_RECEIPT] if own else ""


def is_activated(subject: str, intent: Intent) -> bool:
    """Whether *subject* has activated *intent*. Raises :class:`AuthorityError`."""
    return subject in appliance.authority.approvals(intent).given


def prerequisite_response(contract: Contract, party: Party) -> Answer | None:
    """The page that comes first, or None. Raises :class:`AuthorityError`."""
    if not means_of(party.responsible).any:
        if visitor().guest_of is not None:
            return see_other("signing.guest_credentials")
        return render("signing/no_means.html")
    if not appliance.agreements.is_accepted_for(contract, party.id):
        return see_other("signing.agree", contract_id=contract.id, party=party.id)
    return None
