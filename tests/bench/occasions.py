"""What the pages of one contract, one draft or one text need: a few real ones, made by the workflows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import (
    BETA,
    CONTRACT_SEAL,
    CUSTODIAN,
    LI,
    OFFICER,
    ZHANG,
    ZONE,
    DemonstrationAuthenticators,
)
from appliance.demonstration.sample import sample_contract
from appliance.demonstration.story import DemonstrationContract, DemonstrationRun
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.contract import Contract, Deadline
from appliance.model.intent import SigningOrigin
from appliance.model.people import Person
from appliance.model.powers import PowerBasis, PowerScope
from appliance.model.writing import TextPurpose
from appliance.powers.register import PowerDraft
from appliance.store import accounts, people
from appliance.store.database import Transaction
from appliance.wiring import Appliance
from appliance.writing import Beginning
from appliance.writing.samples import samples
from tests.bench.stage import silent
from tests.deposits import order_of_digest
from tests.world import contract_now

AUDITOR = "auditor-bench"
TEMPLATES = 40
"""Templates, and texts that are being written."""

ROLES = {
    ZHANG.subject: (AccountRole.INITIATOR, AccountRole.SIGNER),
    LI.subject: (AccountRole.SIGNER,),
    CUSTODIAN.subject: (AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.CUSTODIAN, AccountRole.REVIEWER),
    OFFICER: (AccountRole.OFFICER,),
    AUDITOR: (AccountRole.AUDITOR,),
}


@dataclass(frozen=True, slots=True)
class Occasions:
    """Ids of contracts (``sent``: Zhang signs next; ``asked``: a seal request waits; ``reviewing``: a draft whose
    review was asked for) and of everything else."""

    draft: str
    sent: str
    completed: str
    asked: str
    request: str
    reviewing: str
    power: str
    text: str
    template: str
    deposit: str


def arrange(appliance: Appliance) -> Occasions:
    """Everything once. Zhang, Li and the custodian have agreed; the officer and an auditor can sign in."""
    story = DemonstrationRun(
        appliance, DemonstrationAuthenticators(appliance.settings.home), sequence=lambda: None, say=silent
    )
    story.accept_agreements()
    _open_accounts(appliance)
    completed = story.sign_contract(DemonstrationContract(sample_contract(), "示例服务合同"))
    asked, request = _asked(appliance)
    text, template = _written(appliance)
    deposit = appliance.ownership.deposit(
        order_of_digest("示例设计图", hashlib.sha256(b"bench").hexdigest(), "design.png", 5), by=ZHANG.subject
    )
    return Occasions(
        draft=_draft(appliance).id,
        sent=appliance.sending.send(_draft(appliance).id, by=ZHANG.subject).id,
        completed=completed.id,
        asked=asked,
        request=request,
        reviewing=_reviewing(appliance),
        power=_power(appliance),
        text=text,
        template=template,
        deposit=deposit.id,
    )


def _open_accounts(appliance: Appliance) -> None:
    known = {person.subject for person in appliance.database.query(people.people)}
    for subject, name in ((OFFICER, "王见证"), (AUDITOR, "示例审计员")):
        if subject not in known:
            person = Person(subject, name, ZHANG.organisation, f"{subject}@example.com", Language.CHINESE, ZONE)
            appliance.registry.add_person(person, None, by=OFFICER)
    with appliance.database.transaction() as tx:
        for subject, roles in ROLES.items():
            _open(tx, appliance, subject)
            accounts.set_roles(tx, subject, roles)


def _open(tx: Transaction, appliance: Appliance, subject: str) -> None:
    handle = hashlib.sha256(subject.encode()).digest()[:16]
    accounts.insert_account(tx, subject, subject, handle=handle, now=appliance.now())
    accounts.set_password(tx, subject, "$argon2id$not-used")
    accounts.set_state(tx, subject, AccountState.ACTIVE)


def _draft(appliance: Appliance, *, seal_only: bool = False) -> Contract:
    terms = DraftTerms(
        title="示例采购合同",
        kind="采购",
        purpose="采购示例设备",
        initiator=ZHANG.subject,
        deadline=Deadline(appliance.now() + timedelta(days=3), ZONE),
    )
    draft = appliance.drafting.draft(sample_contract(), terms)
    if not seal_only:
        for person in (ZHANG, LI):
            appliance.drafting.add_person(draft.id, subject=person.subject, by=ZHANG.subject)
    appliance.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    return contract_now(appliance, draft.id)


def _asked(appliance: Appliance) -> tuple[str, str]:
    """A contract with a seal alone, and the request for it that waits."""
    sent = appliance.sending.send(_draft(appliance, seal_only=True).id, by=ZHANG.subject)
    opened = appliance.signing.open(sent.id, sent.parties[0].id, SigningOrigin("127.0.0.1"))
    intent = appliance.seal_requests.propose(opened.intent.id, by=ZHANG.subject, reason="示例合同用印")
    DemonstrationAuthenticators(appliance.settings.home).confirm(ZHANG.subject, intent.intent)
    return sent.id, appliance.seal_requests.ask(intent.id, by=ZHANG.subject).id


def _reviewing(appliance: Appliance) -> str:
    return appliance.reviewing.ask(_draft(appliance).id, by=ZHANG.subject).contract


def _power(appliance: Appliance) -> str:
    """A power of Li's that waits to be verified."""
    now = appliance.now()
    draft = PowerDraft(
        PowerBasis.INSTRUMENT, BETA, "示例", LI.subject, PowerScope(), now, now + timedelta(days=90)
    )
    return appliance.powers.register(draft, sample_contract(), by=ZHANG.subject).id


def _written(appliance: Appliance) -> tuple[str, str]:
    writing, sample, template = appliance.writing, samples()[0], ""
    for number in range(TEMPLATES):
        beginning = Beginning(
            f"{sample.title} {number}",
            sample.kind,
            sample.language,
            TextPurpose.TEMPLATE,
            sample.html,
            sample.fields,
        )
        made = writing.texts.new(ZHANG.subject, beginning)
        template = writing.templates.publish(made.id, by=ZHANG.subject, seen=made.version).id
        text = writing.texts.new(
            ZHANG.subject, Beginning(f"示例文稿 {number}", sample.kind, sample.language, html=sample.html)
        )
    return text.id, template
