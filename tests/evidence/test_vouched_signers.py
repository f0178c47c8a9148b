"""Event certificates in a package: for its contract and party alone, with the statement of who vouched."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.history import PackageEvent
from appliance.evidence.model import PackageRefused
from appliance.evidence.vouchings import require_vouched, who_vouched
from hsm import canonical, cms
from hsm.certificates import CertificateRules, Issuer, Profile
from hsm.intents import instant
from hsm.names import SubjectName
from hsm.records import carries
from hsm.vouching import EventScope
from tests.evidence.authority import ALPHA, SIGNING, START, certify, new_key
from tests.holder import Holder

GUEST, PARTY, CONTRACT = "person-guest-0123456789ab", "a" * 24, "c" * 24
OUTSIDE = "丙公司示例有限公司"
RULES = CertificateRules(organisations=frozenset({ALPHA}), base_url="http://vermilion.example")


def event_holder(scope: EventScope) -> Holder:
    root, events = new_key(), new_key()
    name = SubjectName(ALPHA, "根")
    top = Issuer(RULES.self_sign(name, root, now=START - timedelta(days=2)), root, "root")
    made = RULES.issue(
        Profile.EVENTS, SubjectName(ALPHA, "事件"), events.public_key(), issuer=top, now=START - timedelta(days=1)
    )
    key = new_key()
    certificate = RULES.issue(
        Profile.EVENT,
        SubjectName(OUTSIDE, "郑示例", GUEST),
        key.public_key(),
        issuer=Issuer(made, events, "events"),
        now=START - timedelta(hours=1),
        scope=scope,
    )
    return Holder(key, certificate, (made, top.certificate))


@dataclass(slots=True)
class Package:
    """The files and entries of a package in which the guest signed as the one party."""

    scope: EventScope = field(default_factory=lambda: EventScope(CONTRACT, PARTY, "person-zhang"))
    holder: Holder = field(init=False)
    files: dict[str, bytes] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    told: list[PackageEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.holder = event_holder(self.scope)
        self.files["signatures/01.p7s"] = self.signed(b"the contract")
        self.said = {
            "format": "vermilion-vouching/1",
            "act": "0" * 64,
            "certificate": hashlib.sha256(self.holder.certificate.public_bytes(Encoding.DER)).hexdigest(),
            "contract": CONTRACT,
            "name": "郑示例",
            "organisation": OUTSIDE,
            "party": PARTY,
            "person": GUEST,
            "registered": instant(START - timedelta(minutes=30)),
            "title": "采购合同",
            "vouched": instant(START - timedelta(minutes=40)),
            "vouched_by": {"name": "张示例", "organisation": ALPHA, "subject": "person-zhang"},
        }
        public = {"contract": CONTRACT, "party": PARTY, "signer": GUEST, "method": "vouched"}
        self.told.append(PackageEvent(7, "party-signed", START, GUEST, public, {"name": "郑示例"}))
        self.accepted(CONTRACT, PARTY)

    def signed(self, content: bytes) -> bytes:
        return cms.MessageMaker(self.holder, cms.DATA).make_message(hashlib.sha256(content).digest())

    def accepted(self, contract: str | None, party: str | None) -> None:
        record = {"contract": contract, "for": party, "person": GUEST, "party": {"name": OUTSIDE}}
        self.files["agreement/01.json"] = canonical.encode(record)
        self.files["agreement/01.p7s"] = self.signed(self.files["agreement/01.json"])

    def closed(self) -> Package:
        """With its statement, which the log names."""
        content = canonical.encode(self.said)
        self.files[f"authority/vouching-{PARTY}.json"] = content
        public = {"party": PARTY, "person": GUEST, "by": "person-zhang"}
        public["statement"] = hashlib.sha256(content).hexdigest()
        self.told.append(PackageEvent(5, "guest-certified", START - timedelta(minutes=30), GUEST, public, {}))
        return self

    def judge(self) -> None:
        require_vouched(self.files, self.told, CONTRACT)


def test_a_package_with_its_statement_says_who_vouched() -> None:
    package = Package().closed()
    package.judge()
    [said] = who_vouched(package.files)
    assert said.values == {"by": "张示例", "organisation": ALPHA, "name": "郑示例"}


def test_the_statement_is_demanded() -> None:
    with pytest.raises(PackageRefused, match="is missing"):
        Package().judge()


@pytest.mark.parametrize(
    "scope", [EventScope("d" * 24, PARTY, "person-zhang"), EventScope(CONTRACT, "b" * 24, "person-zhang")]
)
def test_a_certificate_for_another_contract_or_party_is_an_error(scope: EventScope) -> None:
    with pytest.raises(PackageRefused, match="another contract, or for another party"):
        Package(scope).closed().judge()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "郑某"}, "another person"),
        ({"organisation": ALPHA}, "another person"),
        ({"person": "person-guest-000000000000"}, "another person"),
        ({"contract": "d" * 24}, "another person"),
        ({"party": "b" * 24}, "another person"),
        ({"certificate": "0" * 64}, "another person"),
        ({"format": "vermilion-vouching/0"}, "another person"),
        ({"vouched_by": {"name": "李样本", "organisation": ALPHA, "subject": "person-li"}}, "another person"),
        ({"registered": instant(START + timedelta(minutes=1))}, "after their signature"),
        ({"vouched": instant(START)}, "after their signature"),
    ],
)
def test_a_statement_about_anything_else_is_an_error(change: dict[str, Any], why: str) -> None:
    package = Package()
    package.said |= change
    with pytest.raises(PackageRefused, match=why):
        package.closed().judge()


def _without_entry(package: Package) -> None:
    package.told = [each for each in package.told if each.kind != "guest-certified"]


def _other_method(package: Package) -> None:
    signed = package.told[0]
    package.told[0] = replace(signed, public={**signed.public, "method": "verified"})


def _accepted_elsewhere(package: Package) -> None:
    package.accepted("d" * 24, PARTY)


def _accepted_for_all(package: Package) -> None:
    package.accepted(None, None)


def _declared(package: Package) -> None:
    package.files["voiding/01.json"] = b"{}"
    package.files["voiding/01.p7s"] = package.signed(b"{}")


def _more(package: Package) -> None:
    package.files["authority/vouching-" + "b" * 24 + ".json"] = b"{}"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_without_entry, "log does not name"),
        (_other_method, "another method"),
        (_accepted_elsewhere, "for another contract"),
        (_accepted_for_all, "for another contract"),
        (_declared, "declared a contract void"),
        (_more, "has not signed"),
    ],
)
def test_what_does_not_fit_is_an_error(change: Callable[[Package], None], why: str) -> None:
    package = Package().closed()
    change(package)
    with pytest.raises(PackageRefused, match=why):
        package.judge()


def test_who_was_verified_is_not_called_vouched_for() -> None:
    package = Package()
    verified = certify(new_key(), "郑示例", package.holder, SIGNING, identifier=GUEST)
    message = cms.MessageMaker(verified, cms.DATA).make_message(hashlib.sha256(b"the contract").digest())
    package.files = {"signatures/01.p7s": message}
    with pytest.raises(PackageRefused, match="another method"):
        package.judge()


def test_an_acceptance_carries_its_own_signature_alone() -> None:
    """The organisation in an event certificate is on the initiator's word."""
    package = Package()
    record, signature = {"person": GUEST, "party": {"name": OUTSIDE}}, package.files["agreement/01.p7s"]
    assert carries(record, signature, GUEST)
    assert not carries(record, signature, "person-guest-000000000000")
