"""The demonstration's people at browsers of the house, each with a session and the passkey of their own.

Signing in and enrolling have tests of their own; here a person is simply there, so that a test begins where its
story does. What they then do, they do in the browser.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Browser

from appliance.accounts.sessions import ClientInfo
from appliance.clock import utc_now
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import (
    BETA,
    CUSTODIAN,
    LI,
    OFFICER,
    ZHANG,
    ZONE,
    DemonstrationAuthenticators,
)
from appliance.demonstration.sample import sample_contract
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, Strength
from appliance.model.contract import Contract, ContractState, Deadline, SigningOrder
from appliance.model.intent import SigningOrigin
from appliance.model.office import EnrolmentRequest
from appliance.model.people import Person
from appliance.store import accounts
from appliance.wiring import Appliance, open_appliance
from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.intents import OfficerIntent
from tests.browser.house import House
from tests.browser.visitor import Visitor, visiting
from tests.world import agree, contract_now

ZHOU = Person("person-zhou", "周同事", BETA, "zhou@beta.example", Language.CHINESE, ZONE)
"""A colleague of Li, who can sign in Li's place."""

AUDITOR = Person("auditor-qian", "钱审计", ZHANG.organisation, "qian@alpha.example", Language.CHINESE, ZONE)
WANG = Person(OFFICER, "王登记", ZHANG.organisation, "wang@alpha.example", Language.CHINESE, ZONE)

ROLES = {
    ZHANG.subject: (AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.INVESTIGATOR),
    LI.subject: (AccountRole.SIGNER,),
    ZHOU.subject: (AccountRole.SIGNER,),
    CUSTODIAN.subject: (AccountRole.CUSTODIAN, AccountRole.INITIATOR, AccountRole.REVIEWER, AccountRole.SIGNER),
    OFFICER: (AccountRole.OFFICER,),
    AUDITOR.subject: (AccountRole.AUDITOR,),
}

HERE = SigningOrigin("192.0.2.7")
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Troupe:
    """Everybody, enrolled, with an account; both companies have agreed to sign electronically."""

    house: House
    appliance: Appliance
    browser: Browser

    @property
    def pocket(self) -> DemonstrationAuthenticators:
        return DemonstrationAuthenticators(self.house.home)

    def register(self, subject: str) -> str:
        """*subject* sets up a new passkey; its fingerprint."""
        settings = self.house.settings
        return self.pocket.register(subject, rp_id=settings.web.relying_party, origin=settings.activation.origin)

    def asked_for(self, subject: str) -> EnrolmentRequest:
        """*subject* sets up a new passkey and asks an officer for it."""
        self.register(subject)
        return self.appliance.office.requests.submit_request(subject, by=subject)

    @contextmanager
    def at(self, subject: str, *, language: str = "en", phone: bool = False, **more: object) -> Iterator[Visitor]:
        """*subject* at a browser: signed in, with their passkey in the device. One browser at a time for each."""
        with visiting(self.browser, self.house.address, language=language, phone=phone, **more) as visitor:
            visitor.context.add_cookies(
                [{"name": "session", "value": self.session(subject, language), "url": self.house.address}]
            )
            with carrying(visitor, self.house.home.people / f"{subject}.json"):
                yield visitor

    def reading(self, language: str, *subjects: str) -> None:
        """People have chosen this *language*, for pages and mails."""
        for subject in subjects:
            self.appliance.accounts.own.prefer(subject, Language(language))

    def session(self, subject: str, language: str) -> str:
        """The secret of a new session of somebody who has chosen this *language*."""
        self.reading(language, subject)
        with self.appliance.database.transaction() as tx:
            return self.appliance.sessions.open_session(
                tx, subject, Strength.PASSKEY, ClientInfo("192.0.2.7")
            ).secret

    def sent(
        self,
        title: str,
        people: Sequence[Person] = (ZHANG, LI),
        *,
        order: SigningOrder = SigningOrder.SEQUENTIAL,
        lasts: timedelta = WEEK,
    ) -> Contract:
        """A contract of the first of *people*, out for signing by all of them."""
        draft, by = self.draft(title, people, order=order), people[0].subject
        if lasts != WEEK:  # said last, so that little of a short time is gone when it is out
            terms = DraftTerms(title, draft.kind, draft.purpose, by, self._in(lasts), order)
            self.appliance.drafting.revise(draft.id, terms, by=by)
        return self.appliance.sending.send(draft.id, by=by)

    def draft(
        self, title: str, people: Sequence[Person] = (ZHANG, LI), *, order: SigningOrder = SigningOrder.SEQUENTIAL
    ) -> Contract:
        """A draft of the first of *people* that could be sent."""
        by = people[0].subject
        terms = DraftTerms(title, "服务合同", "内容纯属虚构", by, self._in(WEEK), order)
        draft = self.appliance.drafting.draft(sample_contract(), terms)
        for person in people:
            self.appliance.drafting.add_person(draft.id, subject=person.subject, by=by)
        return contract_now(self.appliance, draft.id)

    def signed_by(self, contract: Contract, *people: Person) -> Contract:
        """*people* have signed, not in a browser."""
        for person in people:
            party = next(each for each in contract.parties if each.subject == person.subject)
            prepared = self.appliance.cycle.prepare(contract.id, party.id, HERE)
            self.pocket.confirm(person.subject, prepared.intent)
            self.appliance.cycle.sign(prepared.id)
            self.appliance.cycle.complete(prepared.id)
        return contract_now(self.appliance, contract.id)

    def completed(self, title: str, people: Sequence[Person] = (ZHANG, LI)) -> Contract:
        """Signed by everybody, and sealed off by the scheduler or here, whoever is first."""
        signed = self.signed_by(self.sent(title, people), *people)
        if signed.state is not ContractState.COMPLETED:
            signed = self.appliance.finalisation.finalise(signed.id)
        return signed

    def now(self, contract: Contract) -> Contract:
        """*contract* as it stands now."""
        return contract_now(self.appliance, contract.id)

    def _in(self, time: timedelta) -> Deadline:
        return Deadline(self.appliance.now() + time, ZONE)


@contextmanager
def carrying(visitor: Visitor, path: Path) -> Iterator[None]:
    """The software authenticator in *path* is in the visitor's device; its counter goes back to the file."""
    mine = SoftwareAuthenticator.load(path)
    devtools, device = visitor.devtools, visitor.authenticator
    devtools.send(
        "WebAuthn.addCredential",
        {
            "authenticatorId": device,
            "credential": {
                "credentialId": _text(mine.credential_id),
                "isResidentCredential": False,
                "rpId": mine.rp_id,
                "privateKey": _text(mine.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
                "signCount": mine.counter,
            },
        },
    )
    try:
        yield
    finally:
        kept = devtools.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
        mine.counter = max(int(each["signCount"]) for each in kept)
        mine.save(path)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


@contextmanager
def troupe(house: House, browser: Browser) -> Iterator[Troupe]:
    """Everybody of the troupe in *house*."""
    with open_appliance(house.settings, role="web") as appliance:
        everybody = Troupe(house, appliance, browser)
        _enrol(everybody, ZHOU)
        for person in (AUDITOR, WANG):
            appliance.registry.add_person(person, None, by=OFFICER)
        agree(appliance, ZHANG, LI.organisation)
        agree(appliance, LI, ZHANG.organisation)
        for subject in ROLES:
            _give_account(appliance, subject)
        yield everybody


def _enrol(troupe: Troupe, person: Person) -> None:
    settings = troupe.house.settings
    fingerprint = troupe.register(person.subject)
    details = {
        "subject": person.subject,
        "name": person.name,
        "organisation": person.organisation,
        "credentials": [fingerprint],
    }
    expires = (utc_now() + timedelta(minutes=5)).replace(microsecond=0)
    act = OfficerIntent("enrol_person", details, expires, secrets.token_bytes(16))
    troupe.pocket.confirm(OFFICER, act)
    with AuthorityClient(settings.home.authority_socket("operator")) as authority:
        certificate = authority.enrol_person(act)
    troupe.appliance.registry.add_person(person, certificate, by=OFFICER)


def _give_account(appliance: Appliance, subject: str) -> None:
    with appliance.database.transaction() as tx:
        accounts.insert_account(tx, subject, subject, handle=secrets.token_bytes(16), now=appliance.now())
        accounts.set_password(tx, subject, "$argon2id$nobody-signs-in-with-this")
        accounts.set_state(tx, subject, AccountState.ACTIVE)
        accounts.set_roles(tx, subject, ROLES[subject])
