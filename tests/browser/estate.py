"""One of everything that has a page: contracts in their states, texts, requests, links; made by the workflows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta

from webauthn.helpers import bytes_to_base64url

from appliance.accounts.sessions import ClientInfo
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
from appliance.model.accounts import AccountRole, LinkPurpose, NewAccount, Passkey
from appliance.model.contract import Contract, GuestDetails, Money, SigningOrder
from appliance.model.people import Against, IdentityDocument, Person, SealKind
from appliance.model.powers import PowerBasis, PowerScope
from appliance.model.writing import TextPurpose
from appliance.office.drafts import SealDraft
from appliance.ownership.deposits import DepositOrder
from appliance.powers.register import PowerDraft
from appliance.store import accounts
from appliance.writing import Beginning, samples
from hsm.authenticator import SoftwareAuthenticator
from tests.browser.troupe import HERE, ZHOU, Troupe
from tests.portal.estate import destroyed_seal
from tests.world import agree, confirm_power, sample_document

GAMMA = "丙公司示例有限公司"
VISITOR = ClientInfo("192.0.2.7")
GUEST, WAITING_GUEST = "guest", "waiting guest"
"""Who visits besides people with accounts: outside signers without a credential, and with a request for one."""


@dataclass(frozen=True, slots=True)
class Estate:
    """``names``: what the braces in a page's address stand for. ``sessions``: of the outside signers."""

    names: dict[str, str]
    sessions: dict[str, str]


def estate(people: Troupe) -> Estate:
    """Everything, new."""
    names = _contracts(people) | _reviews(people) | _texts(people) | _of_accounts(people) | _of_office(people)
    invited, sessions = _guests(people)
    return Estate(names | invited, sessions)


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
        "batch": act.batches.put_together([act.signing.open(each.id, each.parties[0].id, HERE) for each in fresh]),
        "waiting": waiting.id,
        "sealed": sealed.id,
        "declined": declined.id,
        "completed": completed.id,
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
    return {"text": text.id, "template": template.id}


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
    deposit = act.ownership.deposit(DepositOrder("示例作品（第二稿）", digest, "作品.txt", 12), by=LI.subject)
    return {
        "newcomer": invited.subject,
        "welcome": invited.token,
        "recover": recovering.token,
        "passkey": bytes_to_base64url(mine.credential_id),
        "deposit": deposit.id,
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
