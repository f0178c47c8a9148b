"""A fresh home with its processes running, people signed in, and contracts in every state."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from appliance.accounts.sessions import ClientInfo
from appliance.cli.founding import found_home
from appliance.config import load
from appliance.contracts.drafting import DraftTerms
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
    DemonstrationAuthenticators,
)
from appliance.demonstration.sample import sample_contract
from appliance.demonstration.story import DemonstrationContract, DemonstrationRun
from appliance.errors import NotFound
from appliance.home import Home
from appliance.identity import IdentityCheck
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, LinkPurpose, Strength
from appliance.model.contract import Contract, Deadline, GuestDetails, Money, Placement, SigningOrder
from appliance.model.discussion import DraftKind
from appliance.model.intent import SigningOrigin
from appliance.model.people import Against, IdentityDocument, Person
from appliance.model.powers import PowerBasis, PowerScope
from appliance.ownership import DepositOrder
from appliance.powers.register import PowerDraft
from appliance.store import accounts
from appliance.supervision import Supervisor, inherited, services
from appliance.wiring import Appliance, open_appliance
from appliance.writing import Beginning
from scripts.screenshots.house import house_directory
from scripts.screenshots.operators import operators
from scripts.screenshots.others import Maker
from scripts.screenshots.screens import AUDITOR
from tests.browser.estate import captured_by_plan
from tests.deposits import file_of, work
from tests.portal.estate import asked_remotely
from tests.ports import free_port

POLICY = '[outside_signers]\nmethods = ["verified", "vouched", "own-certificate"]\n'
"""Pages show every way in which outside signers may sign."""
CONTACT = '\n[contact]\nname = "法务部（示例）"\nphone = "+86 10 5555 0100"\nmail = "help@alpha.example"\n'

ROLES: Mapping[str, tuple[AccountRole, ...]] = {
    ZHANG.subject: (AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.INVESTIGATOR),
    LI.subject: (AccountRole.SIGNER,),
    CUSTODIAN.subject: (AccountRole.CUSTODIAN, AccountRole.INITIATOR, AccountRole.REVIEWER, AccountRole.SIGNER),
    OFFICER: (AccountRole.OFFICER,),
    AUDITOR: (AccountRole.AUDITOR,),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the pages are, and those of the ``activation`` service; the session cookie of each subject, the
    ids of contracts and more by what they show; ``invitation`` is the token of a guest's link, ``signed`` the
    completed contract's document; ``console`` where the console is, with the sessions of its
    ``administrators``."""

    address: str
    activation: str
    sessions: Mapping[str, str]
    contracts: Mapping[str, str]
    invitation: str
    signed: bytes
    console: str
    administrators: Mapping[str, str]


TEXT = """<h1>设备采购合同</h1><p>甲方：甲公司示例有限公司</p><p>乙方：乙公司示例有限公司</p>
<h2>第一条 标的</h2><p>甲方向乙方购买数控机床三台，规格见附件。</p>
<h2>第二条 付款</h2><p>甲方应在验收合格后三十日内付清全部价款。</p>
<h2>第三条 争议解决</h2><p>协商不成的，任何一方可以向甲方所在地人民法院起诉。</p>"""


def _discussed(appliance: Appliance, draft: str) -> dict[str, str]:
    """A text and a draft that two people discuss."""
    owner, colleague, talk = ZHANG.subject, CUSTODIAN.subject, appliance.discussions
    text = appliance.writing.texts.new(owner, Beginning("设备采购合同", "采购合同", Language.CHINESE, html=TEXT))
    for kind, of in ((DraftKind.TEXT, text.id), (DraftKind.CONTRACT, draft)):
        talk.share(kind, of, colleague, by=owner)
    quote = "甲方应在验收合格后三十日内付清全部价款。"
    said = talk.comment(DraftKind.TEXT, text.id, 7, "账期偏短，财务部需要六十日。", by=colleague, quote=quote)
    talk.answer(DraftKind.TEXT, text.id, said.id, "可以，请直接改在文本里。", by=owner)
    said = talk.comment(DraftKind.CONTRACT, draft, 1, "请核对甲方的统一社会信用代码。", by=colleague)
    talk.answer(DraftKind.CONTRACT, draft, said.id, "已核对，与营业执照一致。", by=owner)
    talk.resolve(DraftKind.CONTRACT, draft, said.id, by=owner)
    talk.comment(DraftKind.CONTRACT, draft, 2, "验收标准请写明由哪一方出具报告。", by=colleague)
    seen = appliance.proposals.shown(text.id, by=colleague)
    changed = seen.html.replace("三十日", "六十日").replace("甲方所在地人民法院起诉", "原告所在地人民法院提起诉讼")
    proposal = appliance.proposals.propose(text.id, changed, "与财务部商定的账期", by=colleague, seen=seen.number)
    return {"discussed": text.id, "proposal": str(proposal.number)}


@contextmanager
def stage() -> Iterator[Stage]:
    """Everything is real and ends with the context; nothing outside a temporary directory is touched."""
    with tempfile.TemporaryDirectory(prefix="vermilion-") as folder:
        home = Home(Path(folder))
        found_home(home, say=_silent, environment=inherited(os.environ), port=free_port(4))
        home.policy.write_text(POLICY, encoding="utf-8")
        with home.settings.open("a", encoding="utf-8") as stream:
            stream.write(CONTACT)
        with (
            house_directory(home),
            Supervisor(services(settings := load(home), inherited(os.environ)), say=_silent),
            open_appliance(settings, role="web") as appliance,
        ):
            authenticators = DemonstrationAuthenticators(home)
            sessions, powers = _sessions(appliance), _powers(appliance, authenticators)
            contracts = _contracts(appliance, authenticators) | powers | _reviews(appliance)
            others = Maker(appliance, authenticators).make()
            contracts |= _discussed(appliance, contracts["draft"])
            contracts |= {"remote": asked_remotely(appliance, LI.subject)} | captured_by_plan(appliance)
            contracts |= {"deposit": _deposit(appliance)}
            signed = appliance.contracts.document(
                appliance.contracts.read_contract(contracts["completed"], ZHANG.subject)
            )
            staff = operators(settings)
            yield Stage(
                address=settings.web.public_url,
                activation=settings.activation.origin,
                sessions=sessions | others.sessions,
                contracts=contracts | others.names | {"waiting_act": staff.waiting},
                invitation=_invitation(appliance),
                signed=signed,
                console=settings.console.public_url,
                administrators=staff.sessions,
            )


def _deposit(appliance: Appliance) -> str:
    """A design of Li's in two files."""
    files = (file_of("设计稿.psd", b"example design"), file_of("设计说明.docx", b"example description"))
    return appliance.ownership.deposit(DepositOrder("夏季新款连衣裙设计稿", files, work()), by=LI.subject).id


def _sessions(appliance: Appliance) -> dict[str, str]:
    """A session for each subject that has roles here."""
    given = {}
    for subject, roles in ROLES.items():
        _know(appliance, subject)
        with appliance.database.transaction() as tx:
            accounts.insert_account(tx, subject, subject, handle=secrets.token_bytes(16), now=appliance.now())
            accounts.set_password(tx, subject, "$argon2id$nobody-signs-in-with-this")
            accounts.set_state(tx, subject, AccountState.ACTIVE)
            accounts.set_roles(tx, subject, roles)
            where = ClientInfo("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0")
            given[subject] = appliance.sessions.open_session(tx, subject, Strength.PASSKEY, where).secret
    return given


def _know(appliance: Appliance, subject: str) -> None:
    try:
        appliance.registry.person(subject)
    except NotFound:
        name = "王登记" if subject == OFFICER else "钱审计"
        person = Person(subject, name, ZHANG.organisation, f"{subject}@alpha.example", Language.CHINESE, ZONE)
        appliance.registry.add_person(person, None, by=OFFICER)


def _contracts(appliance: Appliance, authenticators: DemonstrationAuthenticators) -> dict[str, str]:
    """One contract in each state, and the draft whose fields are placed."""
    story = DemonstrationRun(appliance, authenticators, sequence=lambda: None, say=_silent)
    story.accept_agreements()
    completed = story.sign_contract(
        DemonstrationContract(sample_contract(), "示例系统运维服务合同", SAMPLE_PLACES)
    )
    _sent(appliance, "年度框架采购协议", "采购合同", days=2)
    declined = _sent(appliance, "示例厂房租赁合同", "租赁合同", days=20)
    appliance.endings.decline(declined.id, declined.parties[0].id, reason="租期与会议纪要不符", by=ZHANG.subject)
    waiting = _sent(appliance, "样本设备购销合同（含安装调试）", "采购合同", days=12)
    _signed_first(appliance, authenticators, waiting)
    to_sign = _sent(appliance, "示例软件许可协议", "许可协议", days=1)
    draft = _draft(appliance, "技术服务补充协议", "服务合同", days=14)
    return {
        "completed": completed.id,
        "declined": declined.id,
        "waiting": waiting.id,
        "to_sign": to_sign.id,
        "draft": draft.id,
    }


def _powers(appliance: Appliance, authenticators: DemonstrationAuthenticators) -> dict[str, str]:
    """Li may sign for the other party; a second power waits for the officer. Li's identity was checked."""
    now, agent, by = appliance.now(), LI.subject, ZHANG.subject
    check = IdentityCheck(IdentityDocument.ID_CARD, "11010519491231002X", Against.ORIGINAL, answers=OFFICER)
    appliance.identity.record(agent, check, by=OFFICER)
    wide = PowerScope(("服务合同", "采购合同", "许可协议"))
    narrow = PowerScope(("采购合同",), (ALPHA,), Money(100_000_000, "CNY"))
    drafts = (
        PowerDraft(
            PowerBasis.INSTRUMENT,
            BETA,
            "周样本",
            agent,
            scope,
            now - timedelta(days=1),
            now + timedelta(days=days),
        )
        for scope, days in ((wide, 365), (narrow, 90))
    )
    holds, waits = (appliance.powers.register(draft, sample_contract(), by=by) for draft in drafts)
    act = appliance.office.drafts.powers.draft_confirmation(holds.id, by=OFFICER)
    authenticators.confirm(OFFICER, appliance.office.decisions.to_activate(act))
    appliance.office.decisions.perform_decision(act.id, by=OFFICER)
    return {"power": waits.id, "seal": CONTRACT_SEAL.subject}


def _reviews(appliance: Appliance) -> dict[str, str]:
    """A draft whose review was asked for, one more in the queue, and one that was answered."""
    drafts = [
        _draft(appliance, title, kind, days=10)
        for title, kind in (
            ("示例数据保密协议", "保密协议"),
            ("仓储服务合同（样本）", "服务合同"),
            ("示例采购合同", "采购合同"),
        )
    ]
    for draft in drafts:
        appliance.reviewing.ask(draft.id, by=ZHANG.subject)
    reviewing, _other, returned = (draft.id for draft in drafts)
    appliance.reviewing.send_back(returned, "请补充逾期付款的违约金比例", by=CUSTODIAN.subject)
    return {"reviewing": reviewing}


def _draft(appliance: Appliance, title: str, kind: str, *, days: int) -> Contract:
    first, second, third, _ = SAMPLE_PLACES
    deadline = Deadline(appliance.now() + timedelta(days=days), ZONE)
    terms = DraftTerms(title, kind, "演示用合同，内容纯属虚构", ZHANG.subject, deadline, SigningOrder.SEQUENTIAL)
    draft = appliance.drafting.draft(sample_contract(), terms)
    for person, place in ((ZHANG, first), (LI, second)):
        appliance.drafting.add_person(draft.id, subject=person.subject, placement=place, by=ZHANG.subject)
    _add_seal(appliance, draft, third)
    return appliance.contracts.read_contract(draft.id, ZHANG.subject)


def _invitation(appliance: Appliance) -> str:
    """What stands in the mail to somebody from outside who is asked to sign."""
    deadline = Deadline(appliance.now() + timedelta(days=9), ZONE)
    terms = DraftTerms("样品检测委托合同", "服务合同", "演示用合同，内容纯属虚构", ZHANG.subject, deadline)
    draft = appliance.drafting.draft(sample_contract(), terms)
    guest = GuestDetails("周外部", "丙公司示例有限公司", "zhou@gamma.example", "+86 10 5555 0100")
    party = appliance.drafting.add_guest(draft.id, guest, by=ZHANG.subject)
    appliance.drafting.place(draft.id, party.id, [SAMPLE_PLACES[1]], by=ZHANG.subject)
    sent = appliance.sending.send(draft.id, by=ZHANG.subject)
    return appliance.links.token_of(LinkPurpose.GUEST, appliance.guests.of_party(sent.parties[0].id).id)


def _add_seal(appliance: Appliance, draft: Contract, place: Placement) -> None:
    appliance.drafting.add_seal(
        draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, placement=place, by=ZHANG.subject
    )


def _sent(appliance: Appliance, title: str, kind: str, *, days: int) -> Contract:
    return appliance.sending.send(_draft(appliance, title, kind, days=days).id, by=ZHANG.subject)


def _signed_first(appliance: Appliance, authenticators: DemonstrationAuthenticators, contract: Contract) -> None:
    prepared = appliance.cycle.prepare(contract.id, contract.parties[0].id, SigningOrigin("192.0.2.7", "示例市"))
    authenticators.confirm(ZHANG.subject, prepared.intent)
    appliance.cycle.sign(prepared.id)
    appliance.cycle.complete(prepared.id)


def _silent(_sentence: str, **_values: object) -> None:
    """Says nothing."""
