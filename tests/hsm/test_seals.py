"""What the authority itself keeps of a seal, asked through the socket of the web process alone: nobody's page is
between these callers and the key."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.config import AuthorityHome
from hsm.errors import ActivationRefused, BadRequest, CertificateRefused, NotPermitted, UnknownKey
from hsm.intents import OfficerIntent, SigningIntent
from hsm.operation_types import Approvals
from hsm.store import AuthorityStore
from tests.authority import OFFICER, ORIGIN, RP_ID, RunningAuthority, intent_for, running_authority
from tests.hsm.test_approvals import SECOND_OFFICER

ASKING, FIRST, SECOND, PLAIN = "person-asking", "person-first", "person-second", "person-plain"


@dataclass(slots=True)
class Site:
    """An authority of these tests' own, with people; every seal of theirs gets a new name."""

    authority: RunningAuthority
    devices: dict[str, SoftwareAuthenticator] = field(default_factory=dict)
    seals: int = 0

    @property
    def web(self) -> AuthorityClient:
        return self.authority.client("web")

    def seal(self, *custodians: str, needed: int = 1) -> str:
        self.seals += 1
        subject = f"seal-house-{self.seals}"
        self.authority.enrol_seal(subject, custodians, needed=needed)
        return subject

    def approve(self, intent: SigningIntent, *subjects: str) -> Approvals:
        return [self.authority.confirm(self.devices[each], each, intent) for each in subjects][-1]

    def officer(self, kind: str, /, **details: object) -> None:
        act = self.authority.officer_act(kind, **details)
        self.authority.officer_does(getattr(self.web, kind), act)

    def enrol(self, subject: str, **of: str) -> None:
        self.devices[subject] = self.authority.enrol_person(subject, **of)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_authority(workers=2) as own:
        site = Site(own, {})
        for subject in (ASKING, FIRST, SECOND, PLAIN):
            site.enrol(subject)
        yield site


def test_the_kind_is_in_the_certificate(site: Site) -> None:
    certificate = x509.load_der_x509_certificate(site.web.certificate(site.seal(FIRST)))
    [unit] = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert unit.value == "合同专用章"


@pytest.mark.parametrize(("kind", "name"), [("私章", "私章"), ("公章", "合同专用章"), ("", "合同专用章")])
def test_a_seal_is_of_a_known_kind_and_called_so(site: Site, kind: str, name: str) -> None:
    own = {"organisation": "甲公司示例有限公司", "custodians": [FIRST], "needed": 1, "kind": kind, "name": name}
    with pytest.raises(CertificateRefused, match="ends with the kind"):
        site.officer("enrol_seal", subject="seal-of-no-kind", **own)


def test_no_use_without_a_custodian_whatever_the_web_process_asks(site: Site) -> None:
    """The pages and workflows are not there at all: this is the web process, taken over, at the socket."""
    seal = site.seal(FIRST)
    intent = intent_for(seal)
    with pytest.raises(ActivationRefused):
        site.web.sign_document(intent)
    site.approve(intent, ASKING)
    said = site.authority.refuses(site.web.sign_document, intent, site.devices[PLAIN].activate(PLAIN, intent))
    assert "custodians" in said
    for attempt in (intent, replace(intent, custodians=2), replace(intent, signer=FIRST)):
        with pytest.raises(ActivationRefused):
            site.web.sign_document(attempt)
    stolen = site.devices[FIRST].activate(FIRST, replace(intent, digest=bytes(32)))
    site.authority.refuses(site.web.sign_document, intent, stolen)
    with pytest.raises(NotPermitted):
        site.web.approve(intent, site.devices[FIRST].activate(FIRST, intent))
    assert site.web.approvals(intent).given == (ASKING,)


def test_a_seal_that_takes_two_custodians_is_released_by_no_act_that_says_one(site: Site) -> None:
    seal = site.seal(FIRST, SECOND, needed=2)
    intent = intent_for(seal)
    assert site.approve(intent, ASKING, FIRST).required == 3
    with pytest.raises(ActivationRefused, match="two of its custodians"):
        site.web.sign_document(intent)
    with pytest.raises(ActivationRefused, match="two of its custodians"):
        site.approve(intent, PLAIN)
    site.approve(intent, SECOND)
    assert site.web.sign_document(intent)


def test_an_act_that_says_two_takes_two_also_of_a_seal_that_takes_one(site: Site) -> None:
    seal = site.seal(FIRST, SECOND)
    intent = replace(intent_for(seal), custodians=2)
    assert site.approve(intent, ASKING, FIRST).required == 3
    with pytest.raises(ActivationRefused, match="another act"):
        site.web.sign_document(replace(intent, custodians=1))
    site.approve(intent, SECOND)
    assert site.web.sign_document(intent)


@pytest.mark.parametrize("number", [0, 1, 3, -1, "2", None, True])
def test_an_act_says_two_or_nothing(site: Site, number: object) -> None:
    fields = {**intent_for(site.seal(FIRST)).fields(), "custodians": number}
    with pytest.raises(BadRequest):
        site.web.ask("approvals", {"intent": fields})


def test_a_suspended_seal_is_not_used_even_when_all_have_approved(site: Site) -> None:
    seal = site.seal(FIRST)
    intent = intent_for(seal)
    site.approve(intent, ASKING, FIRST)
    site.web.suspend_seal(seal)
    with pytest.raises(ActivationRefused, match="suspended"):
        site.web.sign_document(intent)
    with pytest.raises(ActivationRefused, match="suspended"):
        site.approve(intent_for(seal), ASKING)

    site.officer("resume_seal", subject=seal)
    assert site.web.sign_document(intent)


def test_stopping_takes_no_activation_and_resuming_takes_officers(site: Site) -> None:
    seal = site.seal(FIRST)
    site.web.suspend_seal(seal)
    since = site.web.seal(seal).suspended
    site.web.suspend_seal(seal)
    assert since is not None and site.web.seal(seal).suspended == since
    act = site.authority.officer_act("resume_seal", subject=seal)
    with pytest.raises(ActivationRefused):
        site.web.resume_seal(act)
    site.authority.refuses(site.web.resume_seal, act, site.devices[FIRST].activate(FIRST, act))
    assert site.web.seal(seal).suspended == since


def test_an_added_custodian_counts_once_officers_have_activated_it(site: Site) -> None:
    seal = site.seal(FIRST)
    intent = intent_for(seal)
    site.approve(intent, ASKING)
    with pytest.raises(ActivationRefused, match="custodians"):
        site.approve(intent, SECOND)
    site.officer("add_custodian", subject=seal, custodian=SECOND)
    assert site.approve(intent, SECOND).enough


def test_what_a_custodian_approved_before_the_removal_never_counts_again(site: Site) -> None:
    """Officers were told so: who becomes a custodian once more, or asks for the seal, has to approve again."""
    seal = site.seal(FIRST, SECOND)
    intents = {FIRST: intent_for(seal), SECOND: intent_for(seal)}
    for other, intent in intents.items():
        site.approve(intent, ASKING if other == FIRST else SECOND, FIRST)
    site.officer("remove_custodian", subject=seal, custodian=FIRST)
    site.officer("add_custodian", subject=seal, custodian=FIRST)
    for intent in intents.values():
        with pytest.raises(ActivationRefused, match="two persons"):
            site.web.sign_document(intent)
        site.approve(intent, FIRST)
        assert site.web.sign_document(intent)


def test_what_a_removed_custodian_approved_counts_no_more(site: Site) -> None:
    seal = site.seal(FIRST, SECOND)
    intent = intent_for(seal)
    site.approve(intent, ASKING, FIRST)
    site.officer("remove_custodian", subject=seal, custodian=FIRST)
    with pytest.raises(ActivationRefused, match="custodians"):
        site.web.sign_document(intent)


def test_the_last_custodian_goes_only_from_a_suspended_seal(site: Site) -> None:
    seal = site.seal(FIRST)
    with pytest.raises(CertificateRefused, match="Suspend it first"):
        site.officer("remove_custodian", subject=seal, custodian=FIRST)
    site.web.suspend_seal(seal)
    site.officer("remove_custodian", subject=seal, custodian=FIRST)
    with pytest.raises(CertificateRefused, match="add custodians"):
        site.officer("resume_seal", subject=seal)
    site.officer("add_custodian", subject=seal, custodian=SECOND)
    site.officer("resume_seal", subject=seal)
    assert site.web.seal(seal).custodians == (SECOND,)


def test_two_custodians_at_once_are_demanded_only_of_a_seal_that_has_two(site: Site) -> None:
    seal = site.seal(FIRST)
    with pytest.raises(CertificateRefused, match="would have: 1"):
        site.officer("set_custodians_needed", subject=seal, needed=2)
    site.officer("add_custodian", subject=seal, custodian=SECOND)
    site.officer("set_custodians_needed", subject=seal, needed=2)
    assert site.web.approvals(intent_for(seal)).required == 3


def test_who_approved_more_than_a_seal_takes_now_stands_in_no_ones_way(site: Site) -> None:
    seal = site.seal(FIRST, SECOND, needed=2)
    intent = intent_for(seal)
    site.approve(intent, ASKING, FIRST, SECOND)
    site.officer("set_custodians_needed", subject=seal, needed=1)
    assert site.web.sign_document(intent)


@pytest.mark.parametrize(
    ("kind", "details"), [("remove_custodian", {"custodian": SECOND}), ("set_custodians_needed", {"needed": 2})]
)
def test_what_another_worker_has_just_written_counts(site: Site, kind: str, details: dict[str, object]) -> None:
    seal = site.seal(FIRST, SECOND)
    with pytest.raises(CertificateRefused, match="Suspend it first"):
        decide_during(site, lambda store: store.seals.remove_custodian(seal, FIRST), kind, subject=seal, **details)
    assert (site.web.seal(seal).custodians, site.web.seal(seal).needed) == ((SECOND,), 1)


def test_no_credential_is_added_that_was_dropped_at_the_same_moment(site: Site) -> None:
    made = site.authority.register(PLAIN, SoftwareAuthenticator.create(RP_ID, ORIGIN))
    named = {"subject": PLAIN, "credential": made}
    with pytest.raises(CertificateRefused, match="registered no credential"):
        decide_during(site, lambda store: store.registrations.drop(PLAIN), "add_credential", **named)
    assert len(site.web.credentials(PLAIN)) == 1


def decide_during(site: Site, write: Callable[[AuthorityStore], object], kind: str, /, **details: object) -> None:
    """An officer's decision that arrives while another connection to the store *writes* and has not committed."""
    act = site.authority.officer_act(kind, **details)
    site.authority.confirm(site.authority.officer, OFFICER, act)
    with (
        closing(AuthorityStore(AuthorityHome(site.authority.root).store)) as store,
        ThreadPoolExecutor() as beside,
    ):
        with store.transaction():
            write(store)
            decision = beside.submit(getattr(site.web, kind), act)
            time.sleep(0.5)
        decision.result()


def test_a_custodian_who_leaves_keeps_no_seal_and_the_last_one_stops_it(site: Site) -> None:
    site.enrol("person-leaving")
    alone, shared = site.seal("person-leaving"), site.seal("person-leaving", FIRST)
    site.officer("retire", subject="person-leaving", reason="affiliation_changed")
    assert (site.web.seal(alone).custodians, site.web.seal(alone).suspended is None) == ((), False)
    assert (site.web.seal(shared).custodians, site.web.seal(shared).suspended) == ((FIRST,), None)


def test_only_people_of_the_house_become_custodians(site: Site) -> None:
    seal = site.seal(FIRST)
    site.officer("retire", subject=site_guest(site), reason="affiliation_changed")
    for who, kind in (
        (OFFICER, CertificateRefused),
        ("person-gone", CertificateRefused),
        ("person-no", UnknownKey),
    ):
        with pytest.raises(kind):
            site.officer("add_custodian", subject=seal, custodian=who)


def site_guest(site: Site) -> str:
    site.enrol("person-gone")
    return "person-gone"


def test_the_picture_in_use_is_on_record(site: Site) -> None:
    seal = site.seal(FIRST)
    site.officer("change_picture", subject=seal, picture="ab" * 32)
    assert site.web.seal(seal).picture == "ab" * 32
    with pytest.raises(BadRequest):
        site.officer("change_picture", subject=seal, picture="red")
    site.officer("change_picture", subject=seal, picture="")
    assert site.web.seal(seal).picture is None


def test_a_destroyed_seal_has_no_key_and_a_revoked_certificate_and_never_returns(site: Site) -> None:
    seal = site.seal(FIRST)
    serial = x509.load_der_x509_certificate(site.web.certificate(seal)).serial_number
    waiting = intent_for(seal)
    site.approve(waiting, ASKING, FIRST)
    assert labels(site, seal) == 2
    act = site.authority.officer_act("destroy_seal", subject=seal)

    crl = x509.load_der_x509_crl(site.authority.officer_does(site.web.destroy_seal, act))

    assert crl.get_revoked_certificate_by_serial_number(serial) is not None
    assert labels(site, seal) == 0
    record = site.web.seal(seal)
    assert (record.destroyed is None, record.keys_left, record.custodians) == (False, 0, (FIRST,))
    with pytest.raises(UnknownKey, match="revoked"):
        site.web.sign_document(waiting)
    for kind in ("resume_seal", "destroy_seal"):
        with pytest.raises(CertificateRefused, match="destroyed"):
            site.officer(kind, subject=seal)
    rotate = site.authority.officer_act("rotate", subject=seal)
    with pytest.raises(CertificateRefused, match="destroyed"):
        site.authority.officer_does(site.authority.client("operator").rotate, rotate)


def test_destroying_takes_officers(site: Site) -> None:
    seal = site.seal(FIRST)
    act = site.authority.officer_act("destroy_seal", subject=seal)
    said = site.authority.refuses(site.web.destroy_seal, act, site.devices[FIRST].activate(FIRST, act))
    assert "officers" in said
    assert labels(site, seal) == 2


def labels(site: Site, seal: str) -> int:
    """How many objects of the seal's keys the token holds, looked for by another process than the authority."""
    listed = subprocess.run(
        [sys.executable, "-c", LIST],
        input=(site.authority.root / "secrets/user.pin").read_text().strip(),
        env={**os.environ, "SOFTHSM2_CONF": str(site.authority.root / "hsm/softhsm2.conf")},
        capture_output=True,
        text=True,
        check=True,
    )
    return listed.stdout.count(f"{seal}.")


LIST = """
import pkcs11
token = pkcs11.lib("/usr/lib/softhsm/libsofthsm2.so").get_token(token_label="vermilion")
with token.open(user_pin=input()) as session:
    for each in session.get_objects():
        print(each[pkcs11.Attribute.LABEL])
"""


def test_two_officers_decide_and_one_takes_a_seal_from_a_custodian_at_once() -> None:
    with running_authority(settings="[activation]\nofficers_required = 2\n", workers=1) as own:
        second = SoftwareAuthenticator.create(RP_ID, ORIGIN)
        code = (own.root / "secrets/setup.code").read_text().strip()
        own.appoint(code, SECOND_OFFICER, second)

        def by_both(act: OfficerIntent) -> None:
            own.confirm(second, SECOND_OFFICER, act)
            own.officer_does(getattr(own.client("web"), act.kind), act)

        for person in (FIRST, SECOND):
            made = own.register(person, SoftwareAuthenticator.create(RP_ID, ORIGIN))
            named = {"name": "张示例", "organisation": "甲公司示例有限公司", "credentials": [made]}
            by_both(own.officer_act("enrol_person", subject=person, **named))
        wanted = {"organisation": "甲公司示例有限公司", "name": "公章", "kind": "公章", "needed": 1}
        by_both(own.officer_act("enrol_seal", subject="seal-pair", custodians=[FIRST, SECOND], **wanted))

        act = own.officer_act("remove_custodian", subject="seal-pair", custodian=SECOND)
        own.officer_does(own.client("web").remove_custodian, act)
        assert own.client("web").seal("seal-pair").custodians == (FIRST,)
        act = own.officer_act("destroy_seal", subject="seal-pair")
        with pytest.raises(ActivationRefused, match="different officers, as many as 2"):
            own.officer_does(own.client("web").destroy_seal, act)
