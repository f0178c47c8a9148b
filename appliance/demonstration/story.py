"""The demonstration: one contract from intake to verified evidence, each step told, and the files it leaves."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.contracts.agreement import AgreementSides
from appliance.contracts.draft_rules import default_placement
from appliance.contracts.drafting import DraftTerms, PlacementChoice
from appliance.demonstration.participants import (
    CONTRACT_SEAL,
    CUSTODIAN,
    LI,
    ZHANG,
    ZONE,
    Counterparty,
    DemonstrationAuthenticators,
)
from appliance.errors import NotFound, PreconditionRefused
from appliance.evidence.exporting import Export, Exporting
from appliance.language import Language
from appliance.language.sizes import ByteSize
from appliance.ledger.disclosure import Audience
from appliance.model.contract import Contract, Deadline, Party, PartyKind, Placement
from appliance.model.intent import AgreementRecord, SigningOrigin
from appliance.model.people import Person
from appliance.store.contracts import load_contract
from appliance.supervision import Say
from appliance.verification import Indication, VerificationReport, Verifier
from appliance.verification.report import render_html, render_pdf

if TYPE_CHECKING:
    from appliance.wiring import Appliance

LOCATION = "示例市样本区（演示）"


@dataclass(frozen=True, slots=True)
class DemonstrationContract:
    """The contract's bytes and title, and where its fields go: two people's, then two seals'."""

    document: bytes
    title: str
    places: Sequence[Placement | PlacementChoice] = (PlacementChoice.DEFAULT,) * 4


@dataclass(frozen=True, slots=True)
class DemonstrationResult:
    """What the demonstration left: the contract as it stands, the signed bytes, the evidence."""

    contract: Contract
    signed: bytes
    export: Export


class DemonstrationRun:
    """Runs the demonstration with its own people, who activate with *authenticators*.

    *sequence* brings the log up to date, as the scheduler does every second. *say* gets every step.
    """

    def __init__(
        self,
        appliance: Appliance,
        authenticators: DemonstrationAuthenticators,
        *,
        sequence: Callable[[], object],
        say: Say,
    ) -> None:
        self._appliance = appliance
        self._authenticators = authenticators
        self._sequence = sequence
        self._say = say

    def run(self, script: DemonstrationContract) -> DemonstrationResult:
        """Drafts, sends, signs (two people, then the seals), seals off, records and exports."""
        if self._is_group:
            self.accept_agreements()
            contract = self.sign_contract(script)
        else:
            contract = self._conclude(script)
        self._tell_concluded(contract)
        self._record()
        export = self._export(contract)
        return DemonstrationResult(contract, self._appliance.contracts.document(contract), export)

    @property
    def _is_group(self) -> bool:
        """Whether both companies are the house's: in homes for looking around, and of earlier releases."""
        try:
            self._appliance.registry.person(LI.subject)
        except NotFound:
            return False
        return True

    def _conclude(self, script: DemonstrationContract) -> Contract:
        """The completed contract of two houses, each with its person and its seal: the other one's person comes
        from outside and keeps the seal of that company."""
        appliance, other = self._appliance, Counterparty(self._appliance, self._authenticators, self._say)
        draft = self._draft(script)
        first, second, third, fourth = script.places
        appliance.drafting.add_person(draft.id, subject=ZHANG.subject, placement=first, by=ZHANG.subject)
        invited = other.invite(draft.id, by=ZHANG.subject)
        place = second if isinstance(second, Placement) else default_placement(PartyKind.PERSON, 2, draft.pages)
        appliance.drafting.place(draft.id, invited.id, [place], by=ZHANG.subject)
        person = other.confirm(invited.subject)
        seal = other.make_seal(person)
        for each, requester, where in (
            (CONTRACT_SEAL.subject, ZHANG.subject, third),
            (seal, person.subject, fourth),
        ):
            appliance.drafting.add_seal(
                draft.id, seal=each, requester=requester, placement=where, by=ZHANG.subject
            )
        self._accept(ZHANG, person)
        return self._sign_all(self._send(draft))

    def _tell_concluded(self, contract: Contract) -> None:
        kinds = [party.kind for party in contract.parties]
        self._say(
            "concluded   companies: {companies}, people: {people}, company seals: {seals}; signatures:"
            " {signatures}, and the document timestamp",
            companies=len(contract.organisations),
            people=kinds.count(PartyKind.PERSON),
            seals=kinds.count(PartyKind.SEAL),
            signatures=len(kinds),
        )

    def sign_contract(self, script: DemonstrationContract) -> Contract:
        """Drafts, sends, has everybody sign, seals off: the completed contract of two companies of the house, with
        one seal. Everybody has agreed before."""
        drafting, draft = self._appliance.drafting, self._draft(script)
        first, second, third = script.places[:3]
        drafting.add_person(draft.id, subject=ZHANG.subject, placement=first, by=ZHANG.subject)
        drafting.add_person(draft.id, subject=LI.subject, placement=second, by=ZHANG.subject)
        drafting.add_seal(
            draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, placement=third, by=ZHANG.subject
        )
        return self._sign_all(self._send(draft))

    def sign_waiting(self, contract_id: str) -> None:
        """Whoever is on turn signs, as people would at their browsers, and who is then; until it is the turn of
        nobody of the demonstration, which is told.

        Raises :class:`PreconditionRefused` where nobody could sign.
        """
        self._authenticators.require_trial()
        signed = 0
        while True:
            contract = self._appliance.database.query(load_contract, contract_id)
            party = next(filter(self._can_sign, contract.on_turn), None)
            if party is None:
                break
            self._agree_for(contract, party)
            self._sign(contract, party)
            signed += 1
        left = [each.name for each in contract.on_turn]
        if not left and not signed:
            raise PreconditionRefused("“{title}” waits for no signature.", title=contract.title)
        if left and not signed:
            raise PreconditionRefused("{name} is not of the demonstration, and signs in a browser.", name=left[0])
        if left:
            self._say("not signed  {name} is not of the demonstration, and signs in a browser", name=left[0])

    def tell_codes(self, contract_id: str) -> None:
        """The codes with which signers from outside come in, as their initiator would tell them by telephone.

        Raises :class:`PreconditionRefused` in a home that is not the demonstration's, for contracts of anybody but
        its people, and where no code is of use now.
        """
        self._authenticators.require_trial()
        contract = self._appliance.database.query(load_contract, contract_id)
        by = contract.initiator
        if not self._authenticators.has(by):
            raise PreconditionRefused("Only codes for contracts of the demonstration's people are shown.")
        guests = [party for party in contract.on_turn if party.guest]
        if not guests:
            raise PreconditionRefused(
                "“{title}” waits for nobody from outside now; there is a code as soon as it is their turn.",
                title=contract.title,
            )
        for party in guests:
            code = self._appliance.guests.code(contract.id, party.id, by=by)
            self._say("code        {name}: {code}", name=party.name, code=code)

    def _can_sign(self, party: Party) -> bool:
        return all(map(self._authenticators.has, _activators(party)))

    def _agree_for(self, contract: Contract, party: Party) -> None:
        """Whoever acts for *party* accepts, where nobody has, to sign electronically with the other sides."""
        agreements, by = self._appliance.agreements, party.responsible
        if not agreements.is_accepted_for(contract, party.id):
            proposal = agreements.propose_for(contract, party.id)
            self._authenticators.confirm(by, proposal.intent)
            self._tell_accepted(party.name, proposal.between, agreements.accept(proposal.id, by=by))

    def _sign_all(self, contract: Contract) -> Contract:
        for party in contract.parties:
            self._sign(contract, party)
        return self._finalise(contract)

    def accept_agreements(self) -> None:
        """Both parties have agreed to sign electronically, once, each by a signature of its representative."""
        self._accept(ZHANG, LI)

    def _accept(self, one: Person, another: Person) -> None:
        agreements = self._appliance.agreements
        for person, other in ((one, another), (another, one)):
            if agreements.of_person(person.subject):
                continue
            between = AgreementSides(person.side, (other.side,))
            proposal = agreements.propose(person.subject, between)
            self._authenticators.confirm(person.subject, proposal.intent)
            self._tell_accepted(person.name, between, agreements.accept(proposal.id, by=person.subject))

    def _tell_accepted(self, name: str, between: AgreementSides, accepted: AgreementRecord) -> None:
        self._say(
            "agreement   {name} agrees for {party} to sign electronically (text version {version})",
            name=name,
            party=between.own.name,
            version=accepted.version,
        )

    def _draft(self, script: DemonstrationContract) -> Contract:
        appliance = self._appliance
        terms = DraftTerms(
            title=script.title,
            kind="服务合同",
            purpose="演示一份合同从起草到取证的全过程",
            initiator=ZHANG.subject,
            deadline=Deadline(appliance.now() + timedelta(days=7), ZONE),
        )
        return appliance.drafting.draft(script.document, terms)

    def _send(self, draft: Contract) -> Contract:
        started = time.perf_counter()
        contract = self._appliance.sending.send(draft.id, by=ZHANG.subject)
        self._say(
            "intake      pages: {pages}, {size}, SHA-256 {digest}",
            pages=contract.pages,
            size=ByteSize(contract.original.size),
            digest=contract.original.digest,
        )
        self._say(
            "sent        “{title}”, signature fields: {fields}, due {deadline} ({milliseconds} ms)",
            title=contract.title,
            fields=len(contract.parties),
            deadline=contract.deadline.at.isoformat(timespec="minutes"),
            milliseconds=_since(started),
        )
        return contract

    def _sign(self, contract: Contract, party: Party) -> None:
        cycle = self._appliance.cycle
        started = time.perf_counter()
        prepared = cycle.prepare(contract.id, party.id, SigningOrigin("127.0.0.1", LOCATION))
        self._say("prepared    {name}: digest {digest}", name=party.name, digest=prepared.intent.digest.hex())
        for subject in _activators(party):
            self._authenticators.confirm(subject, prepared.intent)
        cycle.sign(prepared.id)
        done = cycle.complete(prepared.id)
        self._say(
            "signed      {name}, revision {revision}, timestamp {at}, verified ({milliseconds} ms)",
            name=party.name,
            revision=done.current.number,
            at=done.current.at.isoformat(),
            milliseconds=_since(started),
        )

    def _finalise(self, contract: Contract) -> Contract:
        started = time.perf_counter()
        done = self._appliance.finalisation.finalise(contract.id)
        self._say(
            "sealed off  PAdES B-LTA: revocation lists, document timestamp, {size} ({milliseconds} ms)",
            size=ByteSize(done.current.size),
            milliseconds=_since(started),
        )
        return done

    def _record(self) -> None:
        self._sequence()
        checkpoint = self._appliance.proofs.checkpoint()
        self._say("recorded    log of size {size}, root {root}", size=checkpoint.size, root=checkpoint.root.hex())

    def _export(self, contract: Contract) -> Export:
        started = time.perf_counter()
        export = Exporting(self._appliance).export(contract.id, Audience.of_person(ZHANG))
        self._say(
            "exported    evidence package, {size}, SHA-256 {digest} ({milliseconds} ms)",
            size=ByteSize(len(export.package)),
            digest=hashlib.sha256(export.package).hexdigest(),
            milliseconds=_since(started),
        )
        return export


def _activators(party: Party) -> tuple[str, ...]:
    """Whose second factor this signature takes: the signer's; for the house's seal a custodian's and the
    requester's, for the other company's that of the requester, who keeps it."""
    if party.kind is PartyKind.SEAL and not party.outside:
        return (CUSTODIAN.subject, party.responsible)
    return (party.responsible,)


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


TRUST = ("ca.pem", "log.vkey")


class ResultFiles:
    """The files of one run in *out*. Nothing of an earlier run stays beside them."""

    def __init__(self, out: Path, *, language: Language, say: Say) -> None:
        self._out = out
        self._language = language
        self._say = say

    def begin(self, document: bytes) -> None:
        """Clears what an earlier run left, and keeps the contract as it was given."""
        for name in (*_FILES, *(f"trust/{each}" for each in TRUST)):
            (self._out / name).unlink(missing_ok=True)
        (self._out / "trust").mkdir(parents=True, exist_ok=True)
        (self._out / "contract.pdf").write_bytes(document)

    def write(self, outcome: DemonstrationResult, *, trust: Path) -> None:
        """The signed contract, its timestamp, the evidence, and whom to believe."""
        files = {
            "contract.signed.pdf": outcome.signed,
            "contract.tsq": outcome.export.exchange.request,
            "contract.tsr": outcome.export.exchange.reply,
            "evidence.zip": outcome.export.package,
            **{f"trust/{name}": (trust / name).read_bytes() for name in TRUST},
        }
        for name, content in files.items():
            (self._out / name).write_bytes(content)

    def verify(self, verifier: Verifier) -> bool:
        """Verifies every result as a stranger would, writes the reports; whether all are TOTAL-PASSED."""
        signed = verifier.verify_file(self._out / "contract.signed.pdf")
        dated = (self._out / "contract.signed.pdf").read_bytes()
        reports = [
            signed,
            verifier.verify_file(self._out / "contract.tsr", data=dated),
            verifier.verify_file(self._out / "evidence.zip"),
        ]
        (self._out / "report.html").write_text(render_html(signed, self._language), encoding="utf-8")
        (self._out / "report.pdf").write_bytes(render_pdf(signed, self._language))
        for report in reports:
            self._say_verdict(report)
        self._say("results     {out}", out=self._out)
        return all(report.indication is Indication.PASSED for report in reports)

    def _say_verdict(self, report: VerificationReport) -> None:
        signatures = len(report.signatures)
        self._say(
            "verified    {file}: {verdict} (signatures and timestamps: {signatures})",
            file=report.file,
            verdict=report.indication,
            signatures=signatures,
        )
        for reason in report.reasons:
            self._say("            {reason}", reason=reason)


_FILES = (
    "contract.pdf",
    "contract.signed.pdf",
    "contract.tsq",
    "contract.tsr",
    "evidence.zip",
    "report.html",
    "report.pdf",
)
