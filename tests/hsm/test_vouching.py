"""Event certificates: on one person's word, for one contract, by a code that the authority makes and compares."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cryptography import x509

from hsm import canonical, cms
from hsm.authenticator import SoftwareAuthenticator
from hsm.certificates import EVENT_NOTICE, EVENT_POLICY, NOTICE, is_evidence_service
from hsm.errors import ActivationRefused, AuthorityError, BadRequest, CertificateRefused, NotPermitted, UnknownKey
from hsm.intents import OfficerIntent, PinTotpActivation, SigningIntent
from hsm.names import name_in
from hsm.vouching import EventScope, scope_in
from tests.authority import OFFICER, ORGANISATION, ORIGIN, RP_ID, RunningAuthority, intent_for, running_authority
from tests.hsm.registering import store

INITIATOR, COLLEAGUE = "person-initiator", "person-colleague"
OUTSIDE = "乙公司外部有限公司"


@dataclass(slots=True)
class House(RunningAuthority):
    """An authority with enrolled people and their ``devices``."""

    devices: dict[str, SoftwareAuthenticator] = field(default_factory=dict)

    def act(self, *subjects: str, contract: str = "c1", **changes: Any) -> OfficerIntent:
        signers = [
            {
                "subject": each,
                "name": "李外部",
                "organisation": OUTSIDE,
                "party": f"party-{number}",
                "channel": "+86 10 1234 5678",
                **changes,
            }
            for number, each in enumerate(subjects)
        ]
        return self.officer_act("vouch", contract=contract, title="采购合同", signers=signers)

    def vouch(self, act: OfficerIntent, by: str = INITIATOR) -> list[str]:
        self.confirm(self.devices[by], by, act)
        return self.client("activation").vouch(act)

    def register_guest(self, subject: str, code: str, device: SoftwareAuthenticator | None = None) -> None:
        service = self.client("activation")
        answer = (device or guest_device()).register(service.begin_registration(subject).challenge)
        service.register_vouched(subject, code, answer, "a link")

    def certified(self, contract: str = "c1") -> tuple[str, SoftwareAuthenticator]:
        """Somebody for whom the initiator has vouched and who has used the code, and their passkey."""
        guest, device = new_guest(), guest_device()
        [code] = self.vouch(self.act(guest, contract=contract))
        self.register_guest(guest, code, device)
        return guest, device

    def certificate(self, subject: str) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.client("web").certificate(subject))


def new_guest() -> str:
    return f"person-guest-{secrets.token_hex(6)}"


def guest_device() -> SoftwareAuthenticator:
    return SoftwareAuthenticator.create(RP_ID, ORIGIN)


def part_of(guest: str, contract: str = "c1", party: str = "party-0") -> SigningIntent:
    return replace(intent_for(guest), contract=contract, party=party)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_authority(workers=1, settings="[activation]\nvouched_daily = 60\n") as own:
        house = House(own.root, own.process, own.officer, clients=own.clients)
        house.devices = {each: own.enrol_person(each) for each in (INITIATOR, COLLEAGUE)}
        yield house


def test_the_certificate_is_for_one_contract_on_the_initiators_word(house: House) -> None:
    guest, device = house.certified()
    made = house.certificate(guest)
    assert (name_in(made).organisation, name_in(made).common_name) == (OUTSIDE, "李外部")
    assert scope_in(made) == EventScope("c1", "party-0", INITIATOR)
    [policy] = made.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert policy.policy_identifier.dotted_string == EVENT_POLICY
    [notice] = policy.policy_qualifiers or []
    assert isinstance(notice, x509.UserNotice) and notice.explicit_text == EVENT_NOTICE != NOTICE
    assert len(EVENT_NOTICE) <= 200
    issuer = house.certificate("events")
    made.verify_directly_issued_by(issuer)
    assert issuer.subject != house.certificate("issuing").subject
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 45
    assert scope_in(house.certificate(INITIATOR)) is None
    assert cms.verify(cms.parse(house.sign(part_of(guest), (device, guest))), digest=part_of(guest).digest) == made


def test_the_statement_says_who_vouched_for_whom(house: House) -> None:
    guest, device = new_guest(), guest_device()
    act = house.act(guest)
    [code] = house.vouch(act)
    web = house.client("web")
    with pytest.raises(UnknownKey, match="Nobody has used the code"):
        web.vouching_statement(guest)
    house.register_guest(guest, code, device)
    made = web.vouching_statement(guest)
    assert is_evidence_service(cms.verify(cms.parse(made.cms), content=made.statement))
    said = canonical.decode(made.statement)
    certificate = hashlib.sha256(web.certificate(guest)).hexdigest()
    assert (said["format"], said["act"], said["certificate"]) == (
        "vermilion-vouching/1",
        act.challenge().hex(),
        certificate,
    )
    assert (said["contract"], said["party"], said["person"]) == ("c1", "party-0", guest)
    assert (said["name"], said["organisation"], said["title"]) == ("李外部", OUTSIDE, "采购合同")
    assert said["vouched_by"] == {"name": "张示例", "organisation": ORGANISATION, "subject": INITIATOR}
    assert "1234" not in made.statement.decode(), "how somebody is called is the initiator's alone"
    known = web.vouching(guest)
    assert (known.registered, known.ended, known.tries_left, known.vouched_by) == (True, False, 0, INITIATOR)


def test_one_activation_vouches_for_several(house: House) -> None:
    guests = [new_guest(), new_guest()]
    codes = house.vouch(house.act(*guests))
    assert len(codes) == 2
    with pytest.raises(ActivationRefused, match="Tries left: 4"):
        house.register_guest(guests[0], codes[1])
    for guest, code in zip(guests, codes, strict=True):
        house.register_guest(guest, code.replace(" ", ""))
        assert scope_in(house.certificate(guest)) is not None


def test_only_one_person_of_the_house_vouches_and_by_passkey(house: House) -> None:
    guest, device = house.certified()
    act, vouch = house.act(new_guest()), house.client("activation").vouch
    assert "One person of this house" in house.refuses(vouch, act, house.officer.activate(OFFICER, act))
    assert "One person of this house" in house.refuses(vouch, act, device.activate(guest, act))
    weak = PinTotpActivation(INITIATOR, "1234", "123456")
    assert house.refuses(vouch, act, weak)
    house.confirm(house.devices[INITIATOR], INITIATOR, act)
    with pytest.raises(ActivationRefused, match="One person of this house"):
        house.confirm(house.devices[COLLEAGUE], COLLEAGUE, act)


def test_codes_are_told_to_the_activation_service_alone(house: House) -> None:
    act = house.act(new_guest())
    house.confirm(house.devices[INITIATOR], INITIATOR, act)
    for role in ("web", "operator", "scheduler", "console"):
        with pytest.raises(NotPermitted):
            house.client(role).vouch(act)
        with pytest.raises(NotPermitted):
            house.client(role).register_vouched(new_guest(), "1234 5678", guest_device().register(bytes(32)), "")
    [code] = house.client("activation").vouch(act)
    with pytest.raises(AuthorityError):
        house.client("activation").vouch(act)
    with store(house) as rows:
        kept = "".join(map(str, rows.execute("SELECT * FROM vouchings").fetchall()))
    assert code not in kept and code.replace(" ", "") not in kept


def test_five_wrong_codes_end_it_until_it_is_vouched_anew(house: House) -> None:
    guest = new_guest()
    [code] = house.vouch(house.act(guest))
    wrong = "0000 0000" if code != "0000 0000" else "0000 0001"
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(ActivationRefused, match=f"Tries left: {left}"):
            house.register_guest(guest, wrong)
    with pytest.raises(ActivationRefused, match="does not count any more"):
        house.register_guest(guest, code)
    assert house.client("web").vouching(guest).tries_left == 0
    [other] = house.vouch(house.act(guest), by=COLLEAGUE)
    with suppress(ActivationRefused):  # unless both are the same by chance
        house.register_guest(guest, code)
        assert other == code
    house.register_guest(guest, other)
    scope = scope_in(house.certificate(guest))
    assert scope is not None and scope.vouched_by == COLLEAGUE


def test_a_code_counts_once(house: House) -> None:
    guest = new_guest()
    [code] = house.vouch(house.act(guest))
    house.register_guest(guest, code)
    with pytest.raises(ActivationRefused, match="does not count any more"):
        house.register_guest(guest, code)
    with pytest.raises(CertificateRefused, match="name them anew"):
        house.vouch(house.act(guest))
    assert len(house.client("web").credentials(guest)) == 1


def test_a_registration_that_fails_does_not_use_the_code_up(house: House) -> None:
    guest, device = new_guest(), guest_device()
    [code] = house.vouch(house.act(guest))
    for _ in range(6):
        with pytest.raises(ActivationRefused, match="registration"):
            house.client("activation").register_vouched(guest, code, device.register(bytes(32)), "a link")
    house.register_guest(guest, code)


def test_the_key_signs_its_part_of_its_contract_alone(house: House) -> None:
    guest, device = house.certified()
    for other in (
        part_of(guest, contract="c2"),
        part_of(guest, party="party-1"),
        replace(part_of(guest), field="void-declaration", contract="voiding-c1", party=guest),
        replace(part_of(guest), field="agreement", contract="c2", party="party-0"),
    ):
        with pytest.raises(ActivationRefused, match="is for one part"):
            house.confirm(device, guest, other)
        with pytest.raises(ActivationRefused):
            house.client("web").sign_document(other)
    agreement = replace(part_of(guest), field="agreement", contract="agreement-electronic-signing-3", party=guest)
    assert house.sign(agreement, (device, guest))
    assert house.sign(part_of(guest), (device, guest))


def test_officers_give_them_no_other_key_or_passkey(house: House) -> None:
    guest, _ = house.certified()
    fingerprint = house.register(guest, guest_device())
    with pytest.raises(BadRequest, match="one passkey"):
        act = house.officer_act("add_credential", subject=guest, credential=fingerprint)
        house.officer_does(house.client("web").add_credential, act)
    with pytest.raises(CertificateRefused, match="the one key"):
        house.officer_does(house.client("web").rotate, house.officer_act("rotate", subject=guest))


def test_whom_no_officer_knows_keeps_no_seal(house: House) -> None:
    guest, _ = house.certified()
    with pytest.raises(CertificateRefused, match="cannot keep its seal"):
        house.enrol_seal("seal-guest-of-them", [guest], organisation=OUTSIDE)


def keys_in_store(house: House, guest: str) -> int:
    with store(house) as rows:
        query = "SELECT count(*) FROM keys k WHERE subject = ? AND label NOT IN (SELECT label FROM destroyed_keys)"
        return int(rows.execute(query, (guest,)).fetchone()[0])


@pytest.mark.parametrize("unsigned", [False, True])
def test_the_key_is_destroyed_in_the_end(house: House, unsigned: bool) -> None:
    guest, device = house.certified()
    house.sign(part_of(guest), (device, guest))
    serial = house.certificate(guest).serial_number
    for _ in range(2):
        house.client("scheduler").end_vouching(guest, unsigned)
    assert keys_in_store(house, guest) == 0
    crl = x509.load_der_x509_crl(house.client("web").crl("events"))
    assert (crl.get_revoked_certificate_by_serial_number(serial) is not None) is unsigned
    with pytest.raises(AuthorityError):
        house.sign(part_of(guest), (device, guest))


def test_a_key_that_never_signed_is_revoked_whatever_the_portal_says(house: House) -> None:
    guest, _ = house.certified()
    house.client("web").end_vouching(guest, unsigned=False)
    crl = x509.load_der_x509_crl(house.client("web").crl("events"))
    assert crl.get_revoked_certificate_by_serial_number(house.certificate(guest).serial_number) is not None


def test_an_end_ends_the_code(house: House) -> None:
    guest = new_guest()
    [code] = house.vouch(house.act(guest))
    house.client("web").end_vouching(guest, unsigned=True)
    with pytest.raises(ActivationRefused, match="does not count any more"):
        house.register_guest(guest, code)
    with pytest.raises(CertificateRefused, match="name them anew"):
        house.vouch(house.act(guest))


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "person-zhang"},
        {"subject": "officer-wang"},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "two\nlines"},
        {"organisation": "x" * 201},
        {"party": ""},
        {"channel": ""},
        {"channel": "\u3164"},
        {"more": "x"},
    ],
)
def test_other_arguments_are_refused(house: House, changed: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        house.vouch(house.act(new_guest(), **changed))


def test_nobody_is_vouched_for_in_the_houses_name(house: House) -> None:
    for name in (ORGANISATION, "甲公司示例", "甲公司（示例）有限公司"):
        with pytest.raises(CertificateRefused, match="of this house"):
            house.vouch(house.act(new_guest(), organisation=name))
    guest = new_guest()
    [code] = house.vouch(house.act(guest, organisation=""))
    house.register_guest(guest, code)
    assert name_in(house.certificate(guest)).organisation == ""


def test_without_its_ca_or_beyond_the_limit_nobody_is_vouched_for() -> None:
    with running_authority(workers=1, settings="[activation]\nvouched_daily = 2\n") as own:
        house = House(own.root, own.process, own.officer, clients=own.clients)
        house.devices = {INITIATOR: own.enrol_person(INITIATOR)}
        assert house.client("web").vouching_limit() == 2
        house.vouch(house.act(new_guest(), new_guest()))
        with pytest.raises(ActivationRefused, match="more than 2"):
            house.vouch(house.act(new_guest()))
        with store(house) as rows:
            rows.execute("DROP TRIGGER certificates_stay")
            rows.execute("UPDATE certificates SET subject = 'other' WHERE subject = 'events'")
            rows.execute(_AS_IT_WAS)
        assert house.client("web").vouching_limit() == 0
        with pytest.raises(CertificateRefused, match="the CA for event certificates is missing"):
            house.vouch(house.act(new_guest()))


_AS_IT_WAS = (
    "CREATE TRIGGER certificates_stay BEFORE UPDATE ON certificates\n"
    "BEGIN SELECT RAISE (ABORT, 'certificates are never changed'); END"
)
