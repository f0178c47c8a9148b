"""The other companies' part of the stage: a partner, outside signers by each method, a list, an absence, a seal
that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from appliance.accounts.sessions import ClientInfo
from appliance.contracts.agreement import AgreementSide, AgreementSides
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import (
    ALPHA,
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
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, LinkPurpose, NewAccount, Strength
from appliance.model.contract import Contract, Deadline, GuestDetails, Money, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.model.mail_merge import MergeEntry, MergeParties
from appliance.model.office import OfficerDecision
from appliance.model.partners import PartnerDetails, PartnerDocumentKind, RepresentativeDetails, VouchingMeans
from appliance.model.people import Person, SealKind
from appliance.model.writing import TextPurpose
from appliance.office.drafts import SealDraft
from appliance.signing_methods import SigningMethod
from appliance.store import accounts
from appliance.wiring import Appliance
from appliance.writing import Beginning, samples
from appliance.writing.merge_rows import CheckedList
from tests.own_certificate.counterparty import authority

PARTNER, ELSEWHERE = "示例丙精密仪器有限公司", "丁公司示例有限公司"
REPRESENTATIVE, GUEST, OWN_GUEST = "representative", "guest", "guest elsewhere"
"""Who visits besides the house's people: somebody of the partner, and outside signers who came in by links."""

DAY = timedelta(days=1)
HERE = SigningOrigin("192.0.2.7", "示例市")
WHERE = ClientInfo("192.0.2.7", "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1")
ANNEXES = {"设备清单.csv": "品名,数量\n样机,2\n", "技术要求.txt": "示例技术要求\n"}
TITLES = ("年度保密协议", "年度供货协议", "售后服务协议")


@dataclass(frozen=True, slots=True)
class Others:
    """The ``names`` of what they have, for addresses; session cookies by who visits."""

    names: Mapping[str, str]
    sessions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes all of it by the workflows; people confirm with their *authenticators*."""

    appliance: Appliance
    authenticators: DemonstrationAuthenticators
    agreed: list[str] = field(default_factory=lambda: [LI.organisation])

    def make(self) -> Others:
        self.appliance.accounts.administration.set_department(ZHANG.subject, "采购部", by=OFFICER)
        names, sessions = self._partner()
        for more, theirs in (self._vouched_for(), self._elsewhere(), self._invited()):
            names, sessions = names | more, sessions | theirs
        names |= self._seals() | self._template() | self._annexed() | self._newcomer()
        absences, now = self.appliance.accounts.absences, self.appliance.now()
        absences.enter_absence(CUSTODIAN.subject, ZHANG.subject, since=now - DAY, until=now + 6 * DAY)
        return Others(names, sessions)

    def _partner(self) -> tuple[dict[str, str], dict[str, str]]:
        """A partner with a representative who is confirmed and keeps the company's seal, and one who is invited;
        a contract waits for them."""
        act = self.appliance
        details = PartnerDetails(PARTNER, "91310000MA10000018", address="示例市样本路 1 号", contact="彭代表")
        partner = act.partners.register(details, VouchingMeans.LICENCE, "营业执照原件已核对", by=ZHANG.subject)
        first = RepresentativeDetails("彭代表", "peng@gamma.example", "+86 139 0000 0000", zone=ZONE)
        administrator = act.representatives.invite(partner.id, first, by=ZHANG.subject).subject
        session = self._admitted(administrator)
        second = RepresentativeDetails("沈经办", "shen@gamma.example", zone=ZONE)
        act.representatives.invite(partner.id, second, by=administrator)
        licence = PartnerDocumentKind.LICENCE
        act.partners.add_document(partner.id, licence, sample_contract(), by=administrator)
        self._perform(act.office.drafts.draft_seal(_seal_of(administrator), by=OFFICER))
        draft = self._draft("精密零件采购合同", "采购合同", 38_000_000)
        act.drafting.add_person(draft.id, subject=administrator, placement=SAMPLE_PLACES[1], by=ZHANG.subject)
        return {"partner": partner.id, "with_partner": self._signed(draft).id}, {REPRESENTATIVE: session}

    def _admitted(self, subject: str) -> str:
        """The session of a representative whose passkey the officer has confirmed."""
        act, settings = self.appliance, self.appliance.settings
        with act.database.transaction() as tx:
            accounts.end_links_of(tx, subject, now=act.now())
            accounts.set_password(tx, subject, "$argon2id$nobody-signs-in-with-this")
            accounts.set_state(tx, subject, AccountState.ACTIVE)
            session = act.sessions.open_session(tx, subject, Strength.PASSKEY, WHERE).secret
        self.authenticators.register(subject, rp_id=settings.web.relying_party, origin=settings.activation.origin)
        request = act.office.requests.submit_request(subject, by=subject)
        self._perform(act.office.drafts.draft_enrolment(request.id, verified="身份证原件", by=OFFICER))
        return session

    def _vouched_for(self) -> tuple[dict[str, str], dict[str, str]]:
        draft = self._draft("样机试用协议", "服务合同", 900_000)
        self._guest(draft, GuestDetails("何外部", ELSEWHERE, "he@delta.example", "+86 137 0000 0000"), "vouched")
        return {"to_vouch": self.appliance.sending.send(draft.id, by=ZHANG.subject).id}, {}

    def _elsewhere(self) -> tuple[dict[str, str], dict[str, str]]:
        act, draft = self.appliance, self._draft("检测服务合同", "服务合同", 5_600_000)
        pem = authority().pem
        anchor = act.office.anchors.register(pem, organisation=ELSEWHERE, reason="电话核对指纹", by=OFFICER)
        self._perform(act.office.drafts.anchors.draft_approval(anchor.id, by=OFFICER))
        self._guest(draft, GuestDetails("郑自证", ELSEWHERE, "zheng@delta.example"), "own-certificate")
        contract = self._signed(draft)
        return {"elsewhere": contract.id}, {OWN_GUEST: self._came_in(contract)}

    def _invited(self) -> tuple[dict[str, str], dict[str, str]]:
        draft = self._draft("联合推广协议", "服务合同", 2_000_000)
        self._guest(
            draft, GuestDetails("周外部", ELSEWHERE, "zhou@delta.example", "+86 136 0000 0000"), "verified"
        )
        contract = self._signed(draft)
        party = contract.parties[1]
        token = self.appliance.links.token_of(LinkPurpose.GUEST, self.appliance.guests.of_party(party.id).id)
        names = {"inviting": contract.id, "guest_party": party.id, "guest_link": token}
        return names, {GUEST: self._came_in(contract)}

    def _guest(self, draft: Contract, details: GuestDetails, method: str) -> None:
        chosen = replace(details, method=SigningMethod(method))
        party = self.appliance.drafting.add_guest(draft.id, chosen, by=ZHANG.subject)
        self.appliance.drafting.place(draft.id, party.id, [SAMPLE_PLACES[1]], by=ZHANG.subject)

    def _came_in(self, contract: Contract) -> str:
        party = contract.parties[1]
        with self.appliance.database.transaction() as tx:
            return self.appliance.sessions.open_guest_session(
                tx, party.subject, guest_of=(contract.id, party.id), where=WHERE, until=contract.deadline.at
            ).secret

    def _seals(self) -> dict[str, str]:
        """A contract whose seal is to be asked for, and three requests that wait for the custodian."""
        contracts = [self._with_seal(title) for title in ("仓储服务合同", *TITLES)]
        requests = [self._asked_for(each) for each in contracts[1:]]
        return {"to_seal": contracts[0].id, "seal_request": requests[0]}

    def _with_seal(self, title: str) -> Contract:
        act, draft = self.appliance, self._draft(title, "服务合同", 12_000_000)
        act.drafting.add_person(draft.id, subject=LI.subject, placement=SAMPLE_PLACES[1], by=ZHANG.subject)
        act.drafting.add_seal(
            draft.id,
            seal=CONTRACT_SEAL.subject,
            requester=ZHANG.subject,
            placement=SAMPLE_PLACES[2],
            by=ZHANG.subject,
        )
        contract = self._signed(draft)
        self._sign(contract, 1)
        return contract

    def _asked_for(self, contract: Contract) -> str:
        requests = self.appliance.seal_requests
        opened = self.appliance.signing.open(contract.id, contract.parties[2].id, HERE)
        intent = requests.propose(opened.intent.id, by=ZHANG.subject, reason="年度协议，一式两份，业务部已会签")
        self.authenticators.confirm(ZHANG.subject, intent.intent)
        return requests.ask(intent.id, by=ZHANG.subject).id

    def _template(self) -> dict[str, str]:
        """A template, and a list of rows to be made into contracts by it."""
        writing, by = self.appliance.writing, ZHANG.subject
        sample = next(each for each in samples() if each.name == "nda-zh")
        beginning = Beginning(
            sample.title, sample.kind, Language.CHINESE, TextPurpose.TEMPLATE, sample.html, sample.fields
        )
        text = writing.texts.new(by, beginning)
        template = writing.templates.publish(text.id, by=by, seen=text.version)
        people = (("钱示例", "戊公司"), ("孙示例", "己公司"), ("吴示例", "庚公司"), ("冯示例", "辛公司"))
        rows = {
            number: MergeEntry(
                f"保密协议（{company}）",
                GuestDetails(name, f"{company}示例有限公司", f"n{number}@example.test"),
                {},
            )
            for number, (name, company) in enumerate(people, 2)
        }
        parties = MergeParties(seal=CONTRACT_SEAL.subject)
        return {
            "template": template.id,
            "merge": self.appliance.mail_merges.keep(template.id, CheckedList(rows), parties, by=by).id,
        }

    def _annexed(self) -> dict[str, str]:
        draft = self._draft("设备安装合同", "服务合同", 8_800_000)
        for name, content in ANNEXES.items():
            self.appliance.annexes.attach(draft.id, name, content.encode(), by=ZHANG.subject)
        pages = self.appliance.annexes.attach(draft.id, "附件三 技术规格.pdf", sample_contract(), by=ZHANG.subject)
        self.appliance.annexes.merge(draft.id, pages.id, by=ZHANG.subject)
        return {"annexed": draft.id}

    def _newcomer(self) -> dict[str, str]:
        new = NewAccount("person", "chen", "陈新人", ALPHA, "chen@alpha.example", frozenset({AccountRole.SIGNER}))
        return {"welcome": self.appliance.accounts.administration.invite(new, by=OFFICER).token}

    def _draft(self, title: str, kind: str, amount: int) -> Contract:
        """A draft of Zhang's that Zhang signs; *amount* is in hundredths of a yuan."""
        act, deadline = self.appliance, Deadline(self.appliance.now() + 10 * DAY, ZONE)
        terms = DraftTerms(
            title,
            kind,
            "演示用合同，内容纯属虚构",
            ZHANG.subject,
            deadline,
            SigningOrder.SEQUENTIAL,
            Money(amount, "CNY"),
        )
        draft = act.drafting.draft(sample_contract(), terms)
        place = SAMPLE_PLACES[0]
        act.drafting.add_person(draft.id, subject=ZHANG.subject, placement=place, by=ZHANG.subject)
        return draft

    def _signed(self, draft: Contract) -> Contract:
        """The same, sent, and signed by Zhang."""
        contract = self.appliance.sending.send(draft.id, by=ZHANG.subject)
        for other in contract.organisations:
            self._agree(ZHANG, other)
        self._sign(contract, 0)
        return contract

    def _agree(self, person: Person, other: str) -> None:
        agreements = self.appliance.agreements
        if other == person.organisation or other in self.agreed:
            return
        self.agreed.append(other)
        proposal = agreements.propose(person.subject, AgreementSides(person.side, (AgreementSide(other),)))
        self.authenticators.confirm(person.subject, proposal.intent)
        agreements.accept(proposal.id, by=person.subject)

    def _sign(self, contract: Contract, number: int) -> None:
        party = contract.parties[number]
        prepared = self.appliance.cycle.prepare(contract.id, party.id, HERE)
        self.authenticators.confirm(party.subject, prepared.intent)
        self.appliance.cycle.sign(prepared.id)
        self.appliance.cycle.complete(prepared.id)

    def _perform(self, decision: OfficerDecision) -> None:
        decisions = self.appliance.office.decisions
        self.authenticators.confirm(OFFICER, decisions.to_activate(decision))
        decisions.perform_decision(decision.id, by=OFFICER)


def _seal_of(keeper: str) -> SealDraft:
    return SealDraft(PARTNER, SealKind.CONTRACT, (keeper,), 40.0)
