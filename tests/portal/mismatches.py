"""Addresses and forms that name two objects, each with a pair that does not belong together.

The visitor may act on both objects of a pair. ``{name}`` stands for a name of :class:`tests.portal.estate.Estate`;
names that end in ``_too`` are of a second object of the same kind.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from werkzeug.routing import AnyConverter, Map, Rule

from appliance.accounts.sessions import ClientInfo
from appliance.contracts.agreement import AgreementSides
from appliance.demonstration.participants import ALPHA, CUSTODIAN, LI, OFFICER, ZHANG, ZONE
from appliance.identity import IdentityCheck
from appliance.language import Language
from appliance.model.accounts import AccountRole, Strength
from appliance.model.contract import AgreementSide, Contract, Deadline
from appliance.model.people import Against, IdentityDocument, Person
from tests.portal.estate import Estate, drafted, saved_view, sent, signed
from tests.portal.routes import (
    CONTRACT,
    DRAFT,
    FRAMED,
    IDENTITY,
    NOBODY,
    OF_SEAL,
    OWN,
    POST,
    TEMPLATE,
    TEXT,
    VOID,
    Row,
)
from tests.portal.visitors import signed_in
from tests.world import contract_now
from webui.portal.drafting.steps import terms_of
from webui.shared.language import PROGRAMS

OBJECTS = frozenset(
    {
        "annex",
        *("agent", "agreement", "contract", "custodian", "declaration", "intent", "keyword-party", "message"),
        *("party", "passkey", "picture", "request", "requester", "seal", "session", "to"),
    }
)
"""Fields of forms whose value is the id of something that has an owner; besides them, all that the table of routes
fills with an id."""

SEEN = frozenset({"seen", "once", "document", "item", "name"})
"""What is filled from the page without naming an object: versions, digests, names within what is addressed."""

FREE = frozenset({"office.retain", "powers.register", "office.make_seal", "static"})
"""What names objects of which none owns another: officers and registrars choose from the whole register."""

_GUESTS = "/contracts/{inviting_too}/guests/{guest_party}"
_PLACED = {"pages": "1", "x": "1", "y": "1", "width": "20", "height": "10", "act": "save", "unit": "percent"}
_STAND_IN = {"to": "{keeper}", "reason": "示例"}
_DISMISSED = OF_SEAL + "/custodians/remove"
_CREDENTIAL = "/office/people/{checked}/credential"
_DRAFT = {
    "seen": "{draft_seen}",
    "order": "parallel",
    "date": "2035-01-01",
    "time": "18:00",
    "zone": "Asia/Shanghai",
}
_OF_OTHERS = "/partners/{partner}/representatives/{representative_too}/contracts"
_OF_OWN = "/partners/{partner}/representatives/{representative}/contracts"
_REASON = {"seen": "{seen}", "once": "{once}", "reason": "示例"}
_CORRECTED = {"name": "外来者", "email": "other@beta.example", "phone": "+86 138 0000 0001", "seen": "2"}
_FOREIGN = {"party": "{party_too}"}

MISMATCHED: tuple[tuple[str, Row], ...] = (
    ("identity.withdraw", Row(IDENTITY + "/{check_too}/withdraw", NOBODY, "officer", {"reason": "示例"})),
    ("partners.document", Row("/partners/{partner}/documents/{partner_document_too}", NOBODY, OWN)),
    ("partners.document", Row("/partners/{partner_too}/documents/{partner_document}", NOBODY, OWN)),
    ("partners.withdraw_seal", Row("/partners/{partner}/seals/{partner_seal_too}/withdraw", NOBODY, OWN)),
    ("partners.look_after", Row("/partners/{partner}/representatives/{representative_too}/leave", NOBODY, OWN)),
    (
        "partners.look_after",
        Row("/partners/{partner}/representatives/{representative_too}/again", NOBODY, "officer"),
    ),
    (
        "partners.look_after",
        Row("/partners/{partner_too}/representatives/{representative_too}/leave", NOBODY, OWN),
    ),
    ("departures.left_by_representative", Row(_OF_OTHERS, NOBODY, OWN)),
    ("departures.take_over_for_partner", Row(_OF_OTHERS, NOBODY, OWN, _STAND_IN | {"contract": "{contract}"})),
    ("departures.take_over_for_partner", Row(_OF_OWN, NOBODY, OWN, _STAND_IN | {"contract": "{contract}"})),
    ("signing.picture", Row("/contracts/{contract_too}/sign/{intent}/1.png", NOBODY)),
    ("signing.guest_code", Row(_GUESTS, NOBODY)),
    ("signing.new_guest_code", Row(_GUESTS + "/code", NOBODY)),
    ("signing.new_guest_link", Row(_GUESTS + "/link", NOBODY)),
    ("signing.guest_correction", Row(_GUESTS + "/correct", NOBODY)),
    ("signing.correct_guest", Row(_GUESTS + "/correct", NOBODY, form=_CORRECTED)),
    ("signing.show_guest_link", Row(_GUESTS + "/show", NOBODY)),
    ("embedded.picture", Row("/embedded/{embedded}/pages/99.png", NOBODY, FRAMED)),
    ("pictures.page", Row(CONTRACT + "/pages/3.png", NOBODY)),
    ("pictures.page", Row("/contracts/{contract_too}/pages/1.png?intent={intent}", NOBODY)),
    ("reviews.picture", Row("/reviews/{reviewing}/pages/3.png", NOBODY, "reviewer")),
    ("contracts.revisions", Row(CONTRACT + "/revisions/3", NOBODY)),
    ("discussion.proposal", Row("/writing/{text_too}/proposals/{proposal}", NOBODY)),
    ("discussion.decide", Row("/writing/{text_too}/proposals/{proposal}", NOBODY, form={"accept": "all"})),
    ("contracts.annex", Row(CONTRACT + "/annexes/{annex}", NOBODY)),
    ("captures.show", Row("/captures/{capture_plan}", NOBODY)),
    ("captures.file", Row("/captures/{capture}/files/page.pngx", NOBODY)),
    ("captures.plan", Row("/captures/plans/{capture}", NOBODY)),
    ("captures.share", Row("/captures/{capture_plan}/sharing", NOBODY, form={"act": "share", "person": "x"})),
    (
        "captures.share_plan",
        Row("/captures/plans/{capture}/sharing", NOBODY, form={"act": "share", "person": "x"}),
    ),
    (
        "drafting.detach",
        Row(DRAFT + "/annexes/remove", NOBODY, form={"annex": "{annex_too}", "seen": "{draft_seen}"}),
    ),
    ("writing.picture", Row(TEXT + "/preview/9.png", NOBODY)),
    ("writing.template_preview", Row(TEMPLATE + "/2/preview", NOBODY)),
    ("writing.template_picture", Row(TEMPLATE + "/2/1.png", NOBODY)),
    ("writing.template_document", Row(TEMPLATE + "/2/preview.pdf", NOBODY)),
    (
        "writing.keep_parties",
        Row(TEMPLATE + "/parties", NOBODY, form={"seen": "1", "contract": "{left_contract}"}),
    ),
    ("signing.activate", Row("/contracts/{contract_too}/sign", NOBODY, form={"intent": "{intent}"})),
    ("signing.activated", Row("/contracts/{contract_too}/sign/{intent}/activated", NOBODY)),
    ("voiding.declare", Row(VOID + "/declare", NOBODY, form={"declaration": "{declaration_too}"})),
    ("voiding.activated", Row(VOID + "/{declaration_too}/activated", NOBODY)),
    ("contracts.do", Row(CONTRACT + "/decline", NOBODY, form=_REASON | _FOREIGN)),
    ("contracts.do", Row(CONTRACT + "/hand-over", NOBODY, form=_REASON | _FOREIGN | {"to": "{custodian}"})),
    ("reminders.resend", Row(CONTRACT + "/mail/resend", NOBODY, form={"message": "{message_too}"})),
    ("drafting.save_parties", Row(DRAFT + "/parties", NOBODY, form=_DRAFT | {"act": "remove:{party_too}"})),
    (
        "drafting.save_parties",
        Row(DRAFT + "/parties", NOBODY, form=_DRAFT | {"act": "seal", "seal": "{seal}", "requester": "{guest}"}),
    ),
    ("drafting.save_fields", Row(DRAFT + "/fields", NOBODY, form={"seen": "{draft_seen}", **_PLACED, **_FOREIGN})),
    (
        "departures.take_over",
        Row("/office/people/{keeper}/contracts", NOBODY, "officer", _STAND_IN | {"contract": "{left_contract}"}),
    ),
    (
        "departures.take_over_captures",
        Row("/office/people/{keeper}/captures", NOBODY, "officer", {"to": "person-li", "reason": "离职"}),
    ),
    ("absences.take_over", Row("/deputy/{absent}", NOBODY, form={"contract": "{contract}", "party": ""})),
    ("absences.take_over", Row("/deputy/{absent}", NOBODY, form={"contract": "{contract}", **_FOREIGN})),
    (
        "absences.hand_everything_over",
        Row("/settings/hand-over", NOBODY, form={"to": "{guest}", "reason": "示例"}),
    ),
    ("departures.stand_in_for", Row(CONTRACT + "/stand-in", NOBODY, form=_STAND_IN | _FOREIGN)),
    (
        "office.revoke_credential",
        Row(_CREDENTIAL, NOBODY, "officer", {"credential": "{key}"}),
    ),
    (
        "office.change_custodians",
        Row(_DISMISSED, NOBODY, "officer", {"custodian": "{keeper}"}),
    ),
    ("signing.choose", Row("/batches", NOBODY, form={"contract": "{other}"})),
    ("signing.choose_requests", Row("/batches/seals", NOBODY, form={"request": "{other}"})),
    ("signing.accept", Row(CONTRACT + "/agreement", NOBODY, form={"agreement": "{agreement_too}"})),
    ("signing.accepted", Row(CONTRACT + "/agreement/{agreement_too}/activated", NOBODY)),
    ("accounts.withdraw", Row("/settings/signing/withdraw", NOBODY, form={"request": "{request}"})),
    ("accounts.end_session", Row("/settings/sessions/end", NOBODY, form={"session": "{session_too}"})),
    ("ledger.remove_view", Row("/contracts/ledger/views/remove", NOBODY, form={"view": "{ledger_view_too}"})),
    ("signatures.use", Row("/signatures/use", NOBODY, form={"picture": "{picture_too}"})),
    ("signatures.remove", Row("/signatures/remove", NOBODY, form={"picture": "{picture_too}"})),
)
"""Endpoint and what is asked of it; ``keeper`` is the visitor."""

AT_THE_FORM = frozenset({
    "absences.hand_everything_over",
    "departures.take_over_captures",
    "drafting.save_fields",
    "drafting.save_parties",
    "office.change_custodians",
    "office.revoke_credential",
    "signing.activate",
    "signing.activated",
    "signing.accept",
    "signing.accepted",
    "signing.choose",
    "signing.choose_requests",
})  # fmt: skip
"""Forms that come again, as things are now, and say what is wrong, or show what can be signed instead."""


def to_cover(rules: Map) -> set[str]:
    """The endpoints that name two objects: in their address, or in their address or session and their form."""
    pages = [rule for rule in rules.iter_rules() if not is_for_programs(rule)]
    in_address = {rule.endpoint for rule in pages if _objects(rule) > 1}
    in_form = {endpoint for endpoint, row in POST.items() if _named(row)}
    return (in_address | in_form) - FREE


def is_for_programs(rule: Rule) -> bool:
    """Whether it is an operation of an API, which is tried in tests/api or tests/remote_signing."""
    return rule.rule.startswith(PROGRAMS)


def _named(row: Row) -> set[str]:
    filled = {name for name, value in row.form.items() if value.startswith("{") and not value.startswith("{{")}
    return (filled - SEEN) | (OBJECTS & set(row.form))


def _objects(rule: Rule) -> int:
    """How many objects the address names; a choice of fixed words is none."""
    return sum(not isinstance(converter, AnyConverter) for converter in rule._converters.values())


def add_seconds(estate: Estate) -> None:
    """A second object of each kind, which the same visitor may act on, and what only others may act on."""
    house, names, by = estate.appliance, estate.names, ZHANG.subject
    names["keeper"], names["custodian"] = by, CUSTODIAN.subject
    draft = contract_now(house, names["draft"])
    later = replace(terms_of(draft), deadline=Deadline(datetime(2035, 1, 1, 18, tzinfo=ZoneInfo(ZONE)), ZONE))
    names["draft_seen"] = str(house.drafting.revise(draft.id, later, by=by).version)
    waiting = contract_now(house, names["contract"])
    again = sent(house, by, LI.subject)
    inviting = sent(house, guest=True)
    names["annex_too"] = house.annexes.attach(drafted(house).id, "清单.csv", b"a,b", by=by).id
    names |= {"contract_too": again.id, "party_too": again.parties[0].id, "inviting_too": inviting.id}
    completed = house.finalisation.finalise(signed(house, sent(house, by), 0).id)
    house.voiding.propose(completed.id, reason="示例", by=by)
    names["declaration_too"] = house.voiding.prepare(completed.id, by=by).id
    check = IdentityCheck(IdentityDocument.PASSPORT, "E12345679", Against.ORIGINAL, answers=by)
    names["check_too"] = house.identity.record(CUSTODIAN.subject, check, by=by).id
    proposal = house.agreements.propose(
        LI.subject, AgreementSides(waiting.parties[1].side, (AgreementSide("丙方"),))
    )
    names["agreement_too"] = proposal.id
    names["picture_too"] = house.appearances.draw(LI.subject, [[[100, 100], [500, 200], [900, 100]]]).id
    names["ledger_view_too"] = saved_view(house, LI)
    _add_rows(estate, inviting)
    _add_somebody_who_left(estate)


def _add_rows(estate: Estate, contract: Contract) -> None:
    """A mail about *contract* that could be sent again, another's session, and a credential of Zhang."""
    house, names = estate.appliance, estate.names
    with house.database.transaction() as tx:
        query = "SELECT id FROM outbox WHERE contract = ? LIMIT 1"
        [names["message_too"]] = map(str, tx.execute(query, (contract.id,)).fetchone())
        tx.execute("UPDATE outbox SET state = 'refused', reason = '示例' WHERE id = ?", (names["message_too"],))
        opened = house.sessions.open_session(tx, OFFICER, Strength.PASSKEY, ClientInfo("192.0.2.9", "test"))
    names |= {"session_too": opened.session.id}
    known = house.authority.credentials(ZHANG.subject)
    names["key"] = next(each.credential_id.hex() for each in known if each.credential_id)


def _add_somebody_who_left(estate: Estate) -> None:
    """Somebody who had begun a contract, and has left."""
    house, subject = estate.appliance, "person-gone"
    gone = Person(subject, "某人", ALPHA, "gone@alpha.example", Language.CHINESE, ZONE)
    house.registry.add_person(gone, None, by=OFFICER)
    signed_in(estate.portal, house, subject, [AccountRole.INITIATOR, AccountRole.SIGNER])
    estate.names["left_contract"] = drafted(house, subject).id
    house.office.members.let_go(subject, by=OFFICER)
