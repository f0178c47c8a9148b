"""One of everything that has a page: contracts in their states, texts, requests, links; made by the workflows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import time, timedelta
from time import monotonic, sleep

from webauthn.helpers import bytes_to_base64url

from appliance.accounts.sessions import ClientInfo
from appliance.captures.finishing import PREVIEW
from appliance.captures.orders import CaptureDraft, PlanDraft
from appliance.demonstration.participants import (
    ALPHA,
    BETA,
    CONTRACT_SEAL,
    CUSTODIAN,
    LI,
    OFFICER,
    SAMPLE_PLACES,
    ZHANG,
    ZONE,
)
from appliance.identity import IdentityCheck
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, LinkPurpose, NewAccount, Passkey, Strength
from appliance.model.contract import Contract, GuestDetails, InputKind, Money, Placement, SignerInput, SigningOrder
from appliance.model.document_codes import show_code
from appliance.model.mail_merge import MergeEntry, MergeParties
from appliance.model.partners import PartnerDetails, RepresentativeDetails, VouchingMeans
from appliance.model.people import Against, IdentityDocument, Person, SealKind
from appliance.model.powers import PowerBasis, PowerScope
from appliance.model.writing import TextPurpose
from appliance.office.drafts import SealDraft
from appliance.ownership import DepositOrder
from appliance.powers.register import PowerDraft
from appliance.signing_methods import SigningMethod
from appliance.store import accounts
from appliance.wiring import Appliance
from appliance.writing import Beginning, samples
from appliance.writing.merge_rows import CheckedList
from hsm.authenticator import SoftwareAuthenticator
from tests.browser.troupe import HERE, ZHOU, Troupe
from tests.deposits import file_of, order_of_digest, work
from tests.framed import embedding_client, framed
from tests.own_certificate.counterparty import authority
from tests.portal.estate import destroyed_seal, proposed
from tests.web_capture.servers import Server, page
from tests.world import agree, confirm_power, sample_document

GAMMA = "丙公司示例有限公司"
VISITOR = ClientInfo("192.0.2.7")
GUEST, WAITING_GUEST, OWN_GUEST = "guest", "waiting guest", "guest with a certificate"
REPRESENTATIVE = "representative"
"""Who visits besides the house's people: outside signers without a credential, with a request for one, and with a
certificate of their own; the administrator of a partner."""


@dataclass(frozen=True, slots=True)
class Estate:
    """``names``: what the braces in a page's address stand for. ``sessions``: of the outside signers."""

    names: dict[str, str]
    sessions: dict[str, str]


def estate(people: Troupe) -> Estate:
    """Everything, new."""
    names = _contracts(people) | _reviews(people) | _texts(people) | _of_accounts(people) | _of_office(people)
    invited, sessions = _guests(people)
    elsewhere, own_sessions = _signing_elsewhere(people)
    partners, representative = _of_partners(people)
    names |= invited | elsewhere | partners | _of_absence(people) | captured_by_plan(people.appliance)
    return Estate(names, sessions | own_sessions | representative)


def _signing_elsewhere(people: Troupe) -> tuple[dict[str, str], dict[str, str]]:
    """A contract for somebody with a certificate of their own, and an authority that waits for officers."""
    act, by = people.appliance, ZHANG.subject
    draft = people.draft("示例自有证书合同", (ZHANG,))
    details = GuestDetails("何自证", GAMMA, "he@gamma.example", method=SigningMethod.OWN_CERTIFICATE)
    guest = act.drafting.add_guest(draft.id, details, by=by)
    act.drafting.place(draft.id, guest.id, [SAMPLE_PLACES[1]], by=by)
    contract = people.signed_by(act.sending.send(draft.id, by=by), ZHANG)
    with act.database.transaction() as tx:
        opened = act.sessions.open_guest_session(
            tx, guest.subject, guest_of=(contract.id, guest.id), where=VISITOR, until=contract.deadline.at
        )
    anchor = act.office.anchors.register(
        authority().pem, organisation=GAMMA, reason="对方自建认证机构", by=OFFICER
    )
    return {"elsewhere": contract.id, "anchor": anchor.id}, {OWN_GUEST: opened.secret}


def _of_partners(people: Troupe) -> tuple[dict[str, str], dict[str, str]]:
    """A partner organisation with an administrator who can sign, and somebody who left with a contract open."""
    act, by = people.appliance, ZHANG.subject
    details = PartnerDetails("戊公司示例有限公司", registration="HRB 12345")
    partner = act.partners.register(details, VouchingMeans.KNOWN, "多年合作", by=by)
    first = RepresentativeDetails("彭代表", "peng@epsilon.example", zone=ZONE)
    administrator = act.representatives.invite(partner.id, first, by=by).subject
    with act.database.transaction() as tx:
        accounts.set_password(tx, administrator, "$argon2id$nobody-signs-in-with-this")
        accounts.set_state(tx, administrator, AccountState.ACTIVE)
        session = act.sessions.open_session(tx, administrator, Strength.PASSKEY, VISITOR).secret
    request = people.asked_for(administrator)
    enrolment = act.office.drafts.draft_enrolment(request.id, verified="身份证原件", by=OFFICER)
    people.pocket.confirm(OFFICER, act.office.decisions.to_activate(enrolment))
    act.office.decisions.perform_decision(enrolment.id, by=OFFICER)
    second = RepresentativeDetails("沈离任", "shen@epsilon.example", zone=ZONE)
    left = act.representatives.invite(partner.id, second, by=administrator).subject
    draft = people.draft("示例零件采购合同", (ZHANG,))
    act.drafting.add_person(draft.id, subject=left, placement=SAMPLE_PLACES[1], by=by)
    act.sending.send(draft.id, by=by)
    act.representatives.deactivate(partner.id, left, by=administrator)
    return {"partner": partner.id, "left": left}, {REPRESENTATIVE: session}


def captured_by_plan(appliance: Appliance) -> dict[str, str]:
    """A web page that the scheduler has captured by a plan of Zhang's."""
    register, by = appliance.captures, ZHANG.subject
    server = Server({"localhost": lambda _: page(_SHOP)})
    draft = CaptureDraft(f"http://localhost:{server.port}/goods?id=1", "每日固定价格，用于价格争议")
    plan = register.order_by_plan(draft, PlanDraft(time(9, 0)), by=by)
    [capture] = register.by_plan(plan)
    until = monotonic() + PATIENCE
    while not any(each.name == PREVIEW for each in register.files(capture.id, by=by)):
        assert monotonic() < until, register.get(capture.id, by=by)
        sleep(0.2)
    server.close()
    return {"capture": capture.id, "capture_plan": plan.id}


_SHOP = """<title>夏季新款 — 示例商城</title><style>
    body { margin: 0; font: 26px sans-serif; background: #f6f4f0 }
    h1 { margin: 0; padding: 40px 60px; color: #fff; background: #24507a }
    main { padding: 30px 60px; height: 700px }
    b { color: #b3261e; font-size: 44px }
    </style><h1>示例商城</h1><main><h2>夏季新款连衣裙</h2><b>¥ 99.00</b><p>包邮"""
PATIENCE = 120.0
"""Seconds for a capture and its small picture."""


def _of_absence(people: Troupe) -> dict[str, str]:
    """Zhao is away, and Zhang acts for him."""
    now, day = people.appliance.now(), timedelta(days=1)
    absences = people.appliance.accounts.absences
    absences.enter_absence(CUSTODIAN.subject, ZHANG.subject, since=now - day, until=now + 30 * day)
    return {"absent": CUSTODIAN.subject}


def _contracts(people: Troupe) -> dict[str, str]:
    act = people.appliance
    waiting = people.signed_by(people.sent("样本采购合同（含安装、调试与两年质保）"), ZHANG)
    sealed, asked_for = (with_seal(people, title) for title in ("示例用印合同", "示例用印合同（已申请）"))
    declined = people.signed_by(people.sent("示例厂房租赁合同"), ZHANG)
    act.endings.decline(declined.id, declined.parties[1].id, reason="租期与会议纪要不符", by=LI.subject)
    completed = people.completed("示例系统运维服务合同")
    disputed = people.completed("示例框架采购协议")
    act.voiding.propose(disputed.id, by=ZHANG.subject, reason="已签订新的协议")
    fresh = [people.sent(title) for title in ("示例软件许可协议", "示例软件维护协议")]
    return {
        "draft": people.draft("技术服务补充协议").id,
        "fresh": fresh[0].id,
        "filling": _to_fill(people).id,
        "batch": act.batches.put_together(
            [act.signing.open(each.id, each.parties[0].id, HERE).intent.id for each in fresh], by=ZHANG.subject
        ),
        "waiting": waiting.id,
        "sealed": sealed.id,
        "declined": declined.id,
        "completed": completed.id,
        "code": show_code(people.appliance.document_codes.code_of(completed.id) or ""),
        "disputed": disputed.id,
        "seal_request": seal_asked_for(people, asked_for),
    }


def _reviews(people: Troupe) -> dict[str, str]:
    """A draft that waits for its reviewer, who has waived something, and one that was returned."""
    reviewing, by, reviewer = people.appliance.reviewing, ZHANG.subject, CUSTODIAN.subject
    waits, returned = (people.draft(f"示例审核合同（{state}）", (ZHANG, LI)) for state in ("待审核", "已退回"))
    for draft in (waits, returned):
        reviewing.ask(draft.id, by=by)
    lacks = reviewing.review_status(waits).open
    if lacks:
        reviewing.waive(waits.id, lacks[0].key, "双方另有书面约定", by=reviewer)
    reviewing.send_back(returned.id, "请补充违约金的计算方式", by=reviewer)
    return {"reviewing": waits.id, "returned": returned.id}


def with_seal(people: Troupe, title: str) -> Contract:
    """A contract that only lacks the seal."""
    drafting, by = people.appliance.drafting, ZHANG.subject
    draft = people.draft(title, (ZHANG,))
    drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=by, placement=SAMPLE_PLACES[2], by=by)
    return people.signed_by(people.appliance.sending.send(draft.id, by=by), ZHANG)


def seal_asked_for(people: Troupe, contract: Contract) -> str:
    opened = people.appliance.signing.open(contract.id, contract.parties[1].id, HERE)
    requests = people.appliance.seal_requests
    intent = requests.propose(opened.intent.id, by=ZHANG.subject, reason="年度采购，一式两份")
    people.pocket.confirm(ZHANG.subject, intent.intent)
    return requests.ask(intent.id, by=ZHANG.subject).id


def _to_fill(people: Troupe) -> Contract:
    """A contract with fields that its first signer has to fill in."""
    inputs, by = people.appliance.signer_inputs, ZHANG.subject
    draft = people.draft("示例供货合同（待填写）", (ZHANG, LI))
    for field in (
        SignerInput("", 0, InputKind.TEXT, "银行账号", most=60),
        SignerInput("", 0, InputKind.DATE, "交货日期", required=False),
        SignerInput("", 0, InputKind.CHOICE, "运输方式", choices=("陆运", "海运")),
    ):
        draft = inputs.add(draft.id, draft.parties[0].id, field, by=by)
        added = draft.parties[0].inputs[-1]
        inputs.place(draft.id, added.id, [Placement(0, 20.0, 10.0 * added.number, 40.0, 3.0)], by=by)
    return people.appliance.sending.send(draft.id, by=by)


def _with_somebody_new(people: Troupe) -> Contract:
    """A contract with a company with which nobody has agreed yet to sign electronically."""
    act, by = people.appliance, ZHANG.subject
    draft = people.draft("示例首次合作协议", (ZHANG,))
    guest = act.drafting.add_guest(
        draft.id, GuestDetails("郑外部", "丁公司示例有限公司", "zheng@delta.example"), by=by
    )
    act.drafting.place(draft.id, guest.id, [SAMPLE_PLACES[1]], by=by)
    return act.sending.send(draft.id, by=by)


def _guests(people: Troupe) -> tuple[dict[str, str], dict[str, str]]:
    """A contract that two outside signers were invited to; the second has asked for a credential already."""
    act, by = people.appliance, ZHANG.subject
    draft = people.draft("示例对外合作协议", (ZHANG,), order=SigningOrder.PARALLEL)
    for name, mail, place in (("孙外部", "sun", SAMPLE_PLACES[1]), ("吴等待", "wu", SAMPLE_PLACES[2])):
        party = act.drafting.add_guest(draft.id, GuestDetails(name, GAMMA, f"{mail}@gamma.example"), by=by)
        act.drafting.place(draft.id, party.id, [place], by=by)
    agree(act, ZHANG, GAMMA)
    contract = people.signed_by(act.sending.send(draft.id, by=by), ZHANG)
    _, new, waiting = contract.parties
    people.asked_for(waiting.subject)
    invitation = act.guests.of_party(new.id)
    names = {
        "invited": contract.id,
        "agreeing": _with_somebody_new(people).id,
        "guest_party": new.id,
        "guest_subject": new.subject,
        "embedded": framed(act, embedding_client(act, "https://erp.enterprise.example")).token,
        "guest_link": act.links.token_of(LinkPurpose.GUEST, invitation.id),
    }
    until = contract.deadline.at
    with act.database.transaction() as tx:
        sessions = {
            who: act.sessions.open_guest_session(
                tx, party.subject, guest_of=(contract.id, party.id), where=VISITOR, until=until
            ).secret
            for who, party in ((GUEST, new), (WAITING_GUEST, waiting))
        }
    return names, sessions


def _texts(people: Troupe) -> dict[str, str]:
    """A text that is being written, and a template with a published version."""
    writing, by = people.appliance.writing, ZHANG.subject
    sample = next(each for each in samples() if each.name == "nda-zh")
    beginning = Beginning(
        sample.title, sample.kind, Language.CHINESE, TextPurpose.CONTRACT, sample.html, sample.fields
    )
    text = writing.texts.new(by, beginning)
    for_template = writing.texts.new(by, replace(beginning, purpose=TextPurpose.TEMPLATE))
    template = writing.templates.publish(for_template.id, by=by, seen=for_template.version)
    checked = CheckedList({2: MergeEntry("示例清单", GuestDetails("钱七", GAMMA, "qian@gamma.example"), {})})
    merge = people.appliance.mail_merges.keep(template.id, checked, MergeParties(), by=by)
    number = proposed(people.appliance, text.id, by)
    return {"text": text.id, "proposal": number, "template": template.id, "merge": merge.id}


def _of_accounts(people: Troupe) -> dict[str, str]:
    """Links by mail, a passkey, a deposit."""
    act = people.appliance
    new = NewAccount(
        "person", "new-colleague", "钱新人", ALPHA, "new@alpha.example", frozenset({AccountRole.SIGNER})
    )
    invited = act.accounts.administration.invite(new, by=OFFICER)
    recovering = act.accounts.administration.recover(ZHOU.subject, by=OFFICER)
    mine = SoftwareAuthenticator.load(people.house.home.people / f"{ZHANG.subject}.json")
    key = bytes.fromhex(mine.credential()["public_key"])
    with act.database.transaction() as tx:
        accounts.insert_passkey(tx, Passkey(mine.credential_id, ZHANG.subject, key, 0, "办公室电脑", act.now()))
    digest = hashlib.sha256("示例作品".encode()).hexdigest()
    first = act.ownership.deposit(order_of_digest("示例作品（初稿）", digest, "作品.txt", 12), by=LI.subject)
    files = tuple(file_of(f"作品/第{number}章 \u202e.txt", b"%d" % number) for number in range(3))
    second = DepositOrder("示例作品（第二稿）", files, work(description="共三章。\n第三章未完成。"), first.id)
    deposit = act.ownership.deposit(second, by=LI.subject)
    checked = act.deposit_batches.check_files(DepositOrder("示例照片", files, work()), by=LI.subject)
    batch = act.deposit_batches.keep(checked, by=LI.subject)
    return {
        "newcomer": invited.subject,
        "welcome": invited.token,
        "recover": recovering.token,
        "passkey": bytes_to_base64url(mine.credential_id),
        "deposit": deposit.id,
        "deposits": batch.id,
        "digest": digest,
    }


def registered_powers(people: Troupe) -> dict[str, str]:
    """A power that waits for its verification, one that was revoked, and an identity check of their agent."""
    act, now = people.appliance, people.appliance.now()
    limit = PowerScope(("采购合同",), (ALPHA,), Money(100_000_000, "CNY"))
    draft = PowerDraft(
        PowerBasis.INSTRUMENT, BETA, "周样本", LI.subject, limit, now - timedelta(days=1), now + timedelta(days=90)
    )
    check = IdentityCheck(IdentityDocument.PASSPORT, "E12345678", Against.ORIGINAL, answers=ZHANG.subject)
    act.identity.record(LI.subject, check, by=ZHANG.subject)
    waits, revoked = (act.powers.register(draft, sample_document(1), by=ZHANG.subject) for _ in range(2))
    confirm_power(act, revoked.id)
    act.powers.revoke(revoked.id, reason="代理人已调离", by=ZHANG.subject)
    return {"power": waits.id, "revoked_power": revoked.id}


def _of_office(people: Troupe) -> dict[str, str]:
    """What waits for an officer: a request, and an act that only lacks the passkey."""
    act = people.appliance
    asking = Person("person-feng", "冯申请", ALPHA, "feng@alpha.example", Language.CHINESE, ZONE)
    act.registry.add_person(asking, None, by=OFFICER)
    request = people.asked_for(asking.subject)
    draft = SealDraft(ALPHA, SealKind.COMPANY, (CUSTODIAN.subject,), 42.0)
    return {
        "request": request.id,
        "act": act.office.drafts.draft_seal(draft, by=OFFICER).id,
        "seal": CONTRACT_SEAL.subject,
        "destroyed": destroyed_seal(act),
        **registered_powers(people),
    }
