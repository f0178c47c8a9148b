"""One of everything that has an address, and one visitor of each kind, for the sweep over all routes."""

from __future__ import annotations

import hashlib
import marshal
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from webauthn.helpers import bytes_to_base64url

from appliance.accounts.sessions import ClientInfo
from appliance.contracts.agreement import AgreementSides
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import (
    ALPHA,
    BETA,
    CONTRACT_SEAL,
    CUSTODIAN,
    LI,
    OFFICER,
    ZHANG,
    ZONE,
    DemonstrationAuthenticators,
)
from appliance.errors import StateRefused
from appliance.identity import IdentityCheck
from appliance.language import Language
from appliance.ledger.disclosure import Audience
from appliance.listing.contract_ledger import LedgerReader
from appliance.model.accounts import PEOPLES_ROLES, AccountRole, LinkPurpose, NewAccount, Passkey
from appliance.model.contract import AgreementSide, Contract, Deadline, GuestDetails, Placement, SigningOrder
from appliance.model.discussion import DraftKind
from appliance.model.intent import SigningOrigin
from appliance.model.mail_merge import MergeEntry, MergeParties
from appliance.model.office import OfficerDecision, OfficerDecisionKind, OfficerDecisionState
from appliance.model.partners import PartnerDetails, PartnerDocumentKind, RepresentativeDetails, VouchingMeans
from appliance.model.people import Against, IdentityDocument, Person, SealKind
from appliance.model.powers import PowerBasis, PowerScope
from appliance.model.remote_signing import BlockedClient, RemoteRequest, RemoteRequestState
from appliance.model.writing import MergeField, MergeFieldKind, TextPurpose
from appliance.office import SealDraft
from appliance.ownership import DepositOrder
from appliance.powers.register import PowerDraft
from appliance.signing_methods import SigningMethod
from appliance.store import accounts, captures, officer_decisions, outbox, remote_signing
from appliance.wiring import Appliance
from appliance.writing import Beginning
from appliance.writing.merge_rows import CheckedList
from hsm.authenticator import SoftwareAuthenticator
from hsm.names import OUTSIDE_SEAL
from hsm.remote import RemoteDocument, RemoteUse
from tests.captures.made import captured, ordered_by_plan
from tests.deposits import file_of, work
from tests.framed import embedding_client, framed, session_in
from tests.own_certificate.counterparty import authority
from tests.portal.office_visits import asked_for, performed
from tests.portal.visitors import signed_in
from tests.world import confirm, sample_document

HERE = SigningOrigin("192.0.2.7")
GUEST = GuestDetails("外来 <b>𠮷野</b>", "外来公司示例有限公司", "guest@beta.example", "+86 138 0000 0000")
OF_THE_HOUSE = ("reviewer", "auditor", "officer", "operator")
"""Whose duties are for one organisation, here that of the estate's keeper; other visitors are of the other one."""

FRAMED = "guest in a frame"

FORGETTABLE = ("sessions", "throttle", "known_networks", "spent_tickets", "submissions")
"""Tables that say nothing about contracts, people or what they decided."""


@dataclass(slots=True)
class Estate:
    """``names`` fill the places of addresses and forms; ``sessions`` are cookies by kind of person."""

    appliance: Appliance
    portal: Flask
    names: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    def browser(self, kind: str) -> FlaskClient:
        """A new browser in which somebody of this *kind* is signed in; nobody for an unknown one."""
        client = self.portal.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        if kind in self.sessions:
            client.set_cookie("framed-session" if kind == FRAMED else "session", self.sessions[kind])
        return client

    def state(self) -> str:
        """A digest of all that is kept about contracts and people."""
        with self.appliance.database.reading() as tx:
            tables = [row[0] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            kept = [name for name in sorted(tables) if name not in FORGETTABLE and not name.startswith("sqlite")]
            query = "SELECT * FROM {}"  # names of the schema
            rows = [(name, list(map(tuple, tx.execute(query.format(name))))) for name in kept]
        return hashlib.sha256(marshal.dumps(rows, 2)).hexdigest()  # version 2 has no references: bytes say all


def built(appliance: Appliance, portal: Flask) -> Estate:
    """The estate: Zhang owns nearly all of it, the visitors of other kinds have nothing to do with it."""
    estate = Estate(appliance, portal)
    _contracts(estate)
    _writing(estate)
    _office(estate)
    _authority(estate)
    _review(estate)
    _own_things(estate)
    _partners(estate)
    _visitors(estate)
    return estate


def drafted(appliance: Appliance, initiator: str = ZHANG.subject) -> Contract:
    """A draft without parties."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("采购 <b>𠮷野</b>", "采购", "示例", initiator, deadline, SigningOrder.PARALLEL)
    return appliance.drafting.draft(sample_document(2), terms)


def sent(
    appliance: Appliance,
    *subjects: str,
    guest: bool = False,
    initiator: str = ZHANG.subject,
    method: SigningMethod | None = None,
) -> Contract:
    """A contract that waits for *subjects*, and for somebody from outside."""
    draft = drafted(appliance, initiator)
    for subject in subjects:
        appliance.drafting.add_person(draft.id, subject=subject, by=initiator)
    if guest:
        party = appliance.drafting.add_guest(draft.id, replace(GUEST, method=method), by=initiator)
        appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 10, 30, 10)], by=initiator)
    return appliance.sending.send(draft.id, by=initiator)


def signed(appliance: Appliance, contract: Contract, position: int) -> Contract:
    """*contract* with the signature of one party."""
    opened = appliance.signing.open(contract.id, contract.parties[position].id, HERE)
    confirm(appliance, opened.intent.intent)
    return appliance.signing.sign(opened.intent.id, HERE)


def _contracts(estate: Estate) -> None:
    appliance, names = estate.appliance, estate.names
    draft = drafted(appliance)
    names["annex"] = appliance.annexes.attach(draft.id, "清单.csv", "品名,数量\n".encode(), by=ZHANG.subject).id
    names["draft"], names["draft_seen"] = draft.id, str(draft.version + 1)
    waiting = sent(appliance, ZHANG.subject, LI.subject)
    opened = appliance.signing.open(waiting.id, waiting.parties[0].id, HERE)
    names |= {"contract": waiting.id, "seen": str(waiting.version), "intent": opened.intent.id}
    names["batch"] = appliance.batches.put_together([opened.intent.id], by=ZHANG.subject)
    inviting = sent(appliance, guest=True)
    guest = inviting.parties[0]
    names |= {"inviting": inviting.id, "guest_party": guest.id, "guest": guest.subject}
    names["guest_link"] = appliance.links.token_of(LinkPurpose.GUEST, appliance.guests.of_party(guest.id).id)
    finished = appliance.finalisation.finalise(signed(appliance, sent(appliance, ZHANG.subject), 0).id)
    voided = appliance.voiding.propose(finished.id, reason="示例", by=ZHANG.subject)
    declaration = appliance.voiding.prepare(finished.id, by=ZHANG.subject)
    names["code"] = appliance.document_codes.code_of(finished.id) or ""
    names |= {"completed": finished.id, "void_seen": str(voided.version), "declaration": declaration.id}
    between = AgreementSides(waiting.parties[0].side, (AgreementSide("丁方"),))
    names["agreement"] = appliance.agreements.propose(ZHANG.subject, between).id
    draft = drafted(appliance)
    appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    sealed = appliance.sending.send(draft.id, by=ZHANG.subject)
    opened = appliance.signing.open(sealed.id, sealed.parties[0].id, HERE)
    proposed = appliance.seal_requests.propose(opened.intent.id, by=ZHANG.subject, reason="示例")
    DemonstrationAuthenticators(appliance.settings.home).confirm(ZHANG.subject, proposed.intent)
    asked = appliance.seal_requests.ask(opened.intent.id, by=ZHANG.subject)
    names |= {"sealed": sealed.id, "seal_request": asked.id}
    link = framed(appliance, embedding_client(appliance, "https://erp.enterprise.example"))
    names["embedded"], estate.sessions[FRAMED] = link.token, session_in(appliance, link)
    elsewhere = sent(appliance, guest=True, method=SigningMethod.OWN_CERTIFICATE)
    outsider = elsewhere.parties[0]
    names |= {"elsewhere": elsewhere.id, "own_party": outsider.id, "own_guest": outsider.subject}
    other = sent(appliance, guest=True, initiator=LI.subject)
    names |= {"other": other.id, "other_party": other.parties[0].id, "other_guest": other.parties[0].subject}


def _writing(estate: Estate) -> None:
    writing, names, by = estate.appliance.writing, estate.names, ZHANG.subject
    merged = MergeField("买方", MergeFieldKind.TEXT, "买方")
    html = '<p>买方：<span data-field="买方">买方</span></p>'
    text = writing.texts.new(by, Beginning("条款", "服务", Language.CHINESE, html=html, fields=(merged,)))
    begun = writing.texts.new(
        by, Beginning("模板", "服务", Language.CHINESE, TextPurpose.TEMPLATE, html, (merged,))
    )
    template = writing.templates.publish(begun.id, by=by, seen=begun.version)
    publishing = writing.templates.edit(template.id, by)
    names |= {"text": text.id, "text_seen": str(text.version), "template": template.id}
    names["text_too"] = writing.texts.new(by, Beginning("另一条款", "服务", Language.CHINESE, html=html)).id
    names["proposal"] = proposed(estate.appliance, text.id, by)
    checked = CheckedList({2: MergeEntry("清单", GuestDetails("钱", "", "q@c.example"), {"买方": "丙"})})
    merge = estate.appliance.mail_merges.keep(template.id, checked, MergeParties(), by=by)
    names["merge"] = merge.id
    names |= {"publishing": publishing.id, "publishing_seen": str(publishing.version)}


def proposed(appliance: Appliance, text: str, by: str) -> str:
    """Comments on a text of *by*, and the number of a proposal to change it."""
    appliance.discussions.comment(DraftKind.TEXT, text, 0, "意见 <b>𠮷野</b>", by=by)
    seen = appliance.proposals.shown(text, by=by)
    changed = seen.html.replace("</p>", " 另议</p><p>附则</p>", 1)
    return str(appliance.proposals.propose(text, changed, "理由", by=by, seen=seen.number).number)


def _office(estate: Estate) -> None:
    appliance, names = estate.appliance, estate.names
    administration = appliance.accounts.administration
    roles = frozenset({AccountRole.SIGNER})
    new = NewAccount("person", "invited", "受邀 <b>𠮷野</b>", ALPHA, "invited@example.test", roles)
    names["welcome_link"] = administration.invite(new, by=OFFICER).token
    names["request"] = asked_for(appliance, "person-invited").id
    names["act"] = appliance.office.drafts.draft_enrolment(names["request"], verified="示例", by=OFFICER).id
    names["seal"] = CONTRACT_SEAL.subject
    names["destroyed"] = destroyed_seal(appliance)
    root, anchors = authority(), appliance.office.anchors
    names["anchor"] = anchors.register(root.pem, organisation="丙公司示例", reason="示例", by=OFFICER).id


def destroyed_seal(appliance: Appliance) -> str:
    """A seal that was made and destroyed."""
    preparing = appliance.office.drafts
    draft = SealDraft(ALPHA, SealKind.FINANCE, (CUSTODIAN.subject,), 38.0)
    seal = performed(appliance, preparing.draft_seal(draft, by=OFFICER)).subject
    return performed(appliance, preparing.seals.draft_destruction(seal, reason="示例", by=OFFICER)).subject


def _authority(estate: Estate) -> None:
    """A power that waits to be verified, and an identity check of its agent; Zhang registered both."""
    appliance, names, now = estate.appliance, estate.names, estate.appliance.now()
    draft = PowerDraft(
        PowerBasis.INSTRUMENT, BETA, "示例", LI.subject, PowerScope(), now, now + timedelta(days=90)
    )
    names["power"] = appliance.powers.register(draft, sample_document(1), by=ZHANG.subject).id
    check = IdentityCheck(IdentityDocument.PASSPORT, "E12345678", Against.ORIGINAL, answers=ZHANG.subject)
    names |= {"checked": LI.subject, "check": appliance.identity.record(LI.subject, check, by=ZHANG.subject).id}


def _review(estate: Estate) -> None:
    """A draft whose review was asked for; its text lacks nearly everything."""
    appliance, names = estate.appliance, estate.names
    draft = drafted(appliance)
    asked = appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    lacks = appliance.reviewing.review_status(draft).open[0]
    names |= {"reviewing": draft.id, "reviewed_document": asked.document, "missing_clause": lacks.key}


def device(appliance: Appliance) -> tuple[bytes, bytes, str]:
    """A new passkey: its id, public key and relying party."""
    web = appliance.settings.web
    device = SoftwareAuthenticator.create(web.relying_party, web.origin)
    return device.credential_id, bytes.fromhex(str(device.credential()["public_key"])), device.rp_id


def _own_things(estate: Estate) -> None:
    appliance, names = estate.appliance, estate.names
    files = (file_of("一.txt", b"one"), file_of("二.txt", b"two"))
    deposit = appliance.ownership.deposit(DepositOrder("示例", files, work()), by=ZHANG.subject)
    names["deposit"] = deposit.id
    checked = appliance.deposit_batches.check_files(DepositOrder("示例", files, work()), by=ZHANG.subject)
    names["deposits"] = appliance.deposit_batches.keep(checked, by=ZHANG.subject).id
    names["ledger_view"] = saved_view(appliance, ZHANG)
    names["remote"] = asked_remotely(appliance, ZHANG.subject)
    strokes = [[[100, 100], [500, 200], [900, 100]]]
    names["picture"] = appliance.appearances.draw(ZHANG.subject, strokes).id


def saved_view(appliance: Appliance, person: Person) -> str:
    """The number of a view of the contract ledger that *person* has saved."""
    reader = LedgerReader(person.subject, PEOPLES_ROLES, Audience.of_person(person), person.organisation, ZONE)
    appliance.contract_ledger.save_view(reader, "示例", "state=sent")
    return str(appliance.contract_ledger.views(reader)[0][0].id)


def asked_remotely(appliance: Appliance, subject: str) -> str:
    """Other software asks *subject* for a signature; the number of the request."""
    document = RemoteDocument(hashlib.sha256(b"offer").digest(), "报价.pdf")
    asked = RemoteRequest(
        id=secrets.token_hex(12),
        client="client-office",
        client_name="示例办公软件",
        person=subject,
        use=RemoteUse.DOCUMENT,
        documents=(document.fields(),),
        nonce=secrets.token_bytes(16),
        asked=appliance.now(),
        expires=appliance.now() + timedelta(days=1),
        secret=secrets.token_hex(32),
        state=RemoteRequestState.OPEN,
    )
    appliance.database.commit(remote_signing.insert_request, asked, b"")
    blocked = BlockedClient(subject, "client-blocked", "另一软件", appliance.now())
    appliance.database.commit(remote_signing.block, blocked)
    return asked.id


def _partners(estate: Estate) -> None:
    """Two partners, each with an administrator who is signed in: ``own representative`` keeps what the estate
    names, ``representative`` is the other one."""
    appliance, names = estate.appliance, estate.names
    for kind, suffix in (("own representative", ""), ("representative", "_too")):
        details = PartnerDetails(f"合作{suffix} <b>𠮷野</b>", registration=f"HRB 1{suffix}")
        partner = appliance.partners.register(details, VouchingMeans.KNOWN, "示例", by=ZHANG.subject)
        first = RepresentativeDetails(f"示例 {kind}", f"{kind.replace(' ', '-')}@partner.example", zone=ZONE)
        subject = appliance.representatives.invite(partner.id, first, by=ZHANG.subject).subject
        cookie = signed_in(estate.portal, appliance, subject, [AccountRole.REPRESENTATIVE]).get_cookie("session")
        estate.sessions[kind] = cookie.value if cookie else ""
        with appliance.database.transaction() as tx:
            outbox.withdraw(tx, subject, appliance.now())  # nobody uses the link of the invitation
        second = RepresentativeDetails("第二位", f"second{suffix}@partner.example", zone=ZONE)
        invited = appliance.representatives.invite(partner.id, second, by=subject).subject
        licence = PartnerDocumentKind.LICENCE
        document = appliance.partners.add_document(partner.id, licence, sample_document(1), by=subject)
        names |= {f"partner{suffix}": partner.id, f"representative{suffix}": invited}
        names |= {f"partner_document{suffix}": document.id}
        names |= {f"partner_seal{suffix}": _asked_seal(appliance, partner.name, subject)}


def _asked_seal(appliance: Appliance, organisation: str, by: str) -> str:
    """A request for a seal that waits for officers; nobody of the estate's partners is enrolled to keep one."""
    now, subject = appliance.now().replace(microsecond=0), f"{OUTSIDE_SEAL}{secrets.token_hex(4)}"
    details = {"subject": subject, "name": f"{organisation}公章", "organisation": organisation}
    details |= {"custodians": [by], "kind": SealKind.COMPANY.value, "needed": 1}
    decision = OfficerDecision(
        secrets.token_hex(8),
        OfficerDecisionKind.ENROL_SEAL,
        subject,
        details,
        {"kind": SealKind.COMPANY.name, "width_tenths_mm": 400, "unit": ""},
        secrets.token_bytes(16),
        now + timedelta(days=7),
        by,
        now,
        OfficerDecisionState.OPEN,
    )
    appliance.database.commit(officer_decisions.insert_decision, decision)
    return decision.id


def _captures(estate: Estate) -> None:
    """A web page that was captured, with the small picture of it, and a plan."""
    appliance, names = estate.appliance, estate.names
    capture = captured(appliance, ZHANG.subject)
    with appliance.database.reading() as tx:
        files = {each.name: each.digest for each in captures.files_of(tx, capture.id)}
    appliance.capture_finishing._preview(capture, files)
    names["capture"] = capture.id
    names["capture_plan"] = ordered_by_plan(appliance, ZHANG.subject, "示例").id


def _visitors(estate: Estate) -> None:
    appliance, names = estate.appliance, estate.names
    kinds = {
        "keeper": (ZHANG.subject, PEOPLES_ROLES),
        "custodian": (CUSTODIAN.subject, frozenset({AccountRole.CUSTODIAN})),
        "signer": ("person-passing-by", frozenset({AccountRole.SIGNER})),
        "initiator": ("person-elsewhere", frozenset({AccountRole.INITIATOR, AccountRole.SIGNER})),
        "reviewer": ("person-reviewing", frozenset({AccountRole.REVIEWER})),
        "investigator": ("person-investigating", frozenset({AccountRole.INVESTIGATOR})),
        "auditor": ("auditor-sweep", frozenset({AccountRole.AUDITOR})),
        "officer": (OFFICER, frozenset({AccountRole.OFFICER})),
        "operator": ("operator-sweep", frozenset({AccountRole.OPERATOR})),
    }
    for kind, (subject, roles) in kinds.items():
        own = ALPHA if kind in OF_THE_HOUSE else BETA
        person = Person(subject, f"示例 {kind}", own, f"{subject}@example.test", Language.ENGLISH, ZONE)
        with suppress(StateRefused):
            appliance.registry.add_person(person, None, by=OFFICER)
        cookie = signed_in(estate.portal, appliance, subject, roles).get_cookie("session")
        estate.sessions[kind] = cookie.value if cookie else ""
    _captures(estate)
    day, now = timedelta(days=1), appliance.now()
    appliance.accounts.absences.enter_absence(
        CUSTODIAN.subject, ZHANG.subject, since=now - day, until=now + 30 * day
    )
    names["absent"] = CUSTODIAN.subject
    with appliance.database.transaction() as tx:
        credential, key, _ = device(appliance)
        accounts.insert_passkey(tx, Passkey(credential, ZHANG.subject, key, 0, "示例", appliance.now()))
    feed = appliance.reminders.feeds.renew_feed(ZHANG.subject)
    names["calendar"] = feed.rpartition("/")[2].removesuffix(".ics")
    names["passkey"] = bytes_to_base64url(credential)
    names["recover_link"] = appliance.accounts.administration.recover(CUSTODIAN.subject, by=OFFICER).token
    until = appliance.now() + timedelta(hours=1)
    guests = {
        "guest": ("other", "other_party", "other_guest"),
        "own guest": ("inviting", "guest_party", "guest"),
        "guest elsewhere": ("elsewhere", "own_party", "own_guest"),
    }
    for kind, whose in guests.items():
        contract, party, subject = (names[name] for name in whose)
        where = ClientInfo("192.0.2.7")
        with appliance.database.transaction() as tx:
            opened = appliance.sessions.open_guest_session(
                tx, subject, guest_of=(contract, party), where=where, until=until
            )
        estate.sessions[kind] = opened.secret


def once() -> str:
    return secrets.token_urlsafe(18)
