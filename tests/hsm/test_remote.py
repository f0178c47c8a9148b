"""Remote signing: keys of their own, each digest activated by its person, and nothing of this appliance signed."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from hsm import canonical, cms
from hsm.authenticator import SoftwareAuthenticator
from hsm.certificates import NOTICE
from hsm.errors import (
    ActivationRefused,
    ActivationUsed,
    AuthorityError,
    BadRequest,
    CertificateRefused,
    NotPermitted,
    UnknownKey,
)
from hsm.intents import OfficerIntent, PinTotpActivation
from hsm.names import name_in
from hsm.operation_types import RemoteLimits
from hsm.records import organisation_of_signer
from hsm.remote import NOTICES, POLICIES, RemoteUse, remote_key, remote_use_in, remote_use_of
from tests.authority import (
    OFFICER,
    ORGANISATION,
    RunningAuthority,
    intent_for,
    running_authority,
    soon,
)
from tests.hsm.registering import store

PERSON, COLLEAGUE = "person-remote", "person-colleague"
OWN_POLICY = "1.2.156.99999.8"
ON = (
    f'[activation]\nremote_documents = 3\nremote_hashes = 2\n[certificates]\nremote_hash_policy = "{OWN_POLICY}"\n'
)
DIGESTS = [hashlib.sha256(text).digest() for text in (b"first", b"second")]


@dataclass(slots=True)
class House:
    """An authority with two people, of whom one has both keys."""

    authority: RunningAuthority
    devices: dict[str, SoftwareAuthenticator]

    def act(self, use: str = "hash", *, digests: list[bytes] = DIGESTS, **changes: Any) -> OfficerIntent:
        documents = [{"digest": each.hex(), "label": f"offer-{at}.pdf"} for at, each in enumerate(digests)]
        details = {"subject": PERSON, "use": use, "client": "Office suite", "documents": documents}
        return self.authority.officer_act("sign_remotely", **details | changes)

    def sign(self, act: OfficerIntent) -> list[bytes]:
        self.authority.confirm(self.devices[PERSON], PERSON, act)
        return self.authority.client("web").sign_remotely(act)

    def add_key(self, subject: str, use: str) -> x509.Certificate:
        act = self.authority.officer_act("add_remote_key", subject=subject, use=use)
        made = self.authority.officer_does(self.authority.client("web").add_remote_key, act)
        return x509.load_der_x509_certificate(made)

    def certificate(self, subject: str) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.authority.client("web").certificate(subject))


def made_house(own: RunningAuthority) -> House:
    house = House(own, {each: own.enrol_person(each) for each in (PERSON, COLLEAGUE)})
    for use in RemoteUse:
        house.add_key(PERSON, use.value)
    return house


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_authority(workers=1, settings=ON) as own:
        yield made_house(own)


@pytest.mark.parametrize("use", list(RemoteUse))
def test_a_certificate_of_its_own_says_for_what_the_key_is(house: House, use: RemoteUse) -> None:
    made, main = house.certificate(remote_key(PERSON, use)), house.certificate(PERSON)
    [policy] = made.extensions.get_extension_for_class(x509.CertificatePolicies).value
    named = {RemoteUse.DOCUMENT: POLICIES[RemoteUse.DOCUMENT], RemoteUse.HASH: OWN_POLICY}
    assert policy.policy_identifier.dotted_string == named[use]
    [notice] = policy.policy_qualifiers or []
    assert isinstance(notice, x509.UserNotice) and notice.explicit_text == NOTICES[use] != NOTICE
    assert len(NOTICES[use]) <= 200
    assert (name_in(made).organisation, name_in(made).common_name) == (ORGANISATION, name_in(main).common_name)
    assert name_in(made).identifier == f"{PERSON}.{use.value}" != name_in(main).identifier
    assert made.public_key() != main.public_key()
    made.verify_directly_issued_by(house.certificate("issuing"))
    assert (remote_use_in(made), remote_use_in(main)) == (use, None)


def test_a_document_is_signed_in_attributes_that_the_authority_makes(house: House) -> None:
    messages = house.sign(house.act("document"))
    for digest, message in zip(DIGESTS, messages, strict=True):
        signer = cms.verify(cms.parse(message), digest=digest)
        assert signer == house.certificate(f"{PERSON}.document")
        assert cms.parse(message).activation() == "webauthn"
        assert organisation_of_signer(message) == "", "it accepts no agreement for its organisation"


def test_a_hash_is_signed_as_it_is_by_the_key_for_hashes_alone(house: House) -> None:
    signatures = house.sign(house.act("hash"))
    keys = {use: house.certificate(remote_key(PERSON, use)).public_key() for use in RemoteUse}
    for digest, signature in zip(DIGESTS, signatures, strict=True):
        own, other = keys[RemoteUse.HASH], keys[RemoteUse.DOCUMENT]
        assert isinstance(own, ec.EllipticCurvePublicKey) and isinstance(other, ec.EllipticCurvePublicKey)
        algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
        own.verify(signature, digest, algorithm)
        for another in (other, house.certificate(PERSON).public_key()):
            assert isinstance(another, ec.EllipticCurvePublicKey)
            with pytest.raises(InvalidSignature):
                another.verify(signature, digest, algorithm)


def test_an_rsa_key_signs_a_hash_too() -> None:
    settings = f'{ON}algorithm = "rsa-3072"\n'
    with running_authority(workers=1, settings=settings) as own:
        house = House(own, {PERSON: own.enrol_person(PERSON)})
        house.add_key(PERSON, "hash")
        [signature] = house.sign(house.act("hash", digests=DIGESTS[:1]))
        key = house.certificate(f"{PERSON}.hash").public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        key.verify(signature, DIGESTS[0], PKCS1v15(), utils.Prehashed(hashes.SHA256()))


def test_each_activation_signs_once_exactly_what_it_names(house: House) -> None:
    act = house.act("hash")
    house.sign(act)
    web = house.authority.client("web")
    with pytest.raises(ActivationUsed):
        web.sign_remotely(act)
    fresh = house.act("hash")
    house.authority.confirm(house.devices[PERSON], PERSON, fresh)
    [first, second] = fresh.details["documents"]
    changed = [
        {"documents": [first]},
        {"documents": [second, first]},
        {"documents": [first, {**second, "digest": "ab" * 32}]},
        {"documents": [first, {**second, "label": "another.pdf"}]},
        {"client": "Another program"},
        {"use": "document"},
    ]
    for each in changed:
        with pytest.raises(ActivationRefused):
            web.sign_remotely(replace(fresh, details={**fresh.details, **each}))
    with pytest.raises(ActivationRefused):
        web.sign_remotely(replace(fresh, expires=fresh.expires + timedelta(minutes=1)))
    assert len(web.sign_remotely(fresh)) == 2, "and what was activated still counts"


def test_only_the_person_activates_and_by_a_passkey(house: House) -> None:
    act, sign = house.act("document"), house.authority.client("web").sign_remotely
    other = house.devices[COLLEAGUE].activate(COLLEAGUE, act)
    assert PERSON in house.authority.refuses(sign, act, other)
    officer = house.authority.officer.activate(OFFICER, act)
    assert PERSON in house.authority.refuses(sign, act, officer)
    assert "passkey" in house.authority.refuses(sign, act, PinTotpActivation(PERSON, "246810", "123456"))
    elsewhere = replace(house.devices[PERSON], origin="http://localhost:8080")
    assert house.authority.refuses(sign, act, elsewhere.activate(PERSON, act))


def test_it_expires_in_minutes_and_can_be_withdrawn(house: House) -> None:
    web, sign = house.authority.client("web"), house.authority.client("web").sign_remotely
    late = replace(house.act(), expires=soon(60))
    assert "minutes" in house.authority.refuses(sign, late, house.devices[PERSON].activate(PERSON, late))
    act = house.act()
    house.authority.confirm(house.devices[PERSON], PERSON, act)
    web.withdraw(act)
    with pytest.raises(ActivationRefused):
        web.sign_remotely(act)


def test_no_more_is_activated_at_once_than_the_settings_allow(house: House) -> None:
    assert house.authority.client("web").remote_limits() == RemoteLimits(document=3, hash=2)
    many = [hashlib.sha256(bytes([each])).digest() for each in range(4)]
    sign = house.authority.client("web").sign_remotely
    for use, count in (("document", 4), ("hash", 3)):
        act = house.act(use, digests=many[:count])
        assert "At most" in house.authority.refuses(sign, act, house.devices[PERSON].activate(PERSON, act))


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "person-guest-000000000001"},
        {"subject": OFFICER},
        {"use": "raw"},
        {"client": ""},
        {"client": "a\nb"},
        {"documents": []},
        {"documents": [{"digest": "ab" * 32, "label": "a.pdf"}] * 2},
        {"documents": [{"digest": "AB" * 32, "label": "a.pdf"}]},
        {"documents": [{"digest": "ab" * 48, "label": "a.pdf"}]},
        {"documents": [{"digest": "ab" * 32, "label": "a\u202e.pdf"}]},
        {"documents": [{"digest": "ab" * 32, "label": "x" * 201}]},
        {"documents": [{"digest": "ab" * 32, "label": "a.pdf", "more": 1}]},
        {"documents": ["ab" * 32]},
        {"documents": [{"digest": "ab" * 32, "label": "a.pdf", "shown": False}]},
        {"documents": [{"digest": "ab" * 32, "label": "a.pdf", "field": "Signature1"}]},
        {"documents": [{"digest": each * 32, "label": "a.pdf", "shown": True} for each in ("ab", "cd")]},
        {"use": "hash", "documents": [{"digest": "ab" * 32, "label": "a.pdf", "shown": True}]},
    ],
)
def test_arguments_have_one_plain_form(house: House, changes: dict[str, Any]) -> None:
    act = house.act(**{"use": "document", **changes})
    with pytest.raises(BadRequest, match="plain form"):
        house.authority.client("web").sign_remotely(act)
    with pytest.raises(BadRequest):
        house.authority.confirm(house.devices[PERSON], PERSON, act)


def test_hashes_are_off_unless_the_settings_allow_them() -> None:
    with running_authority(workers=1) as own:
        house = House(own, {PERSON: own.enrol_person(PERSON)})
        assert own.client("web").remote_limits() == RemoteLimits(document=20, hash=0)
        with pytest.raises(CertificateRefused, match="switched off"):
            house.add_key(PERSON, "hash")
        house.add_key(PERSON, "document")
        act = house.act("hash")
        with pytest.raises(UnknownKey):
            own.client("web").sign_remotely(act)
        with pytest.raises(ActivationRefused, match="not signed for other software"):
            own.confirm(house.devices[PERSON], PERSON, act)
        assert house.sign(house.act("document"))


def test_hashes_that_are_switched_off_again_are_signed_no_more() -> None:
    with running_authority(workers=1, settings=ON) as own:
        house = made_house(own)
        act = house.act("hash")
        own.confirm(house.devices[PERSON], PERSON, act)
        settings = own.root / "config/authority.toml"
        settings.write_text(settings.read_text().replace("remote_hashes = 2", "remote_hashes = 0"))
        own.restart()
        with pytest.raises(ActivationRefused, match="not signed for other software"):
            own.client("web").sign_remotely(act)


def test_the_keys_for_other_software_sign_nothing_of_this_appliance(house: House) -> None:
    for use in RemoteUse:
        intent = intent_for(remote_key(PERSON, use))
        with pytest.raises(UnknownKey):
            house.authority.confirm(house.devices[PERSON], PERSON, intent)
        with pytest.raises(ActivationRefused):
            house.authority.client("web").sign_document(intent)


def test_officers_give_a_key_and_nobody_else(house: House) -> None:
    web = house.authority.client("web")
    act = house.authority.officer_act("add_remote_key", subject=COLLEAGUE, use="document")
    assert house.authority.refuses(web.add_remote_key, act, house.devices[COLLEAGUE].activate(COLLEAGUE, act)), (
        "not for themselves"
    )
    with pytest.raises(UnknownKey):
        web.certificate(f"{COLLEAGUE}.document")
    wrong = house.authority.officer_act("add_remote_key", subject=COLLEAGUE, use="everything")
    with pytest.raises(BadRequest):
        house.authority.officer_does(web.add_remote_key, wrong)


@pytest.mark.parametrize("subject", [OFFICER, "person-nobody", f"{PERSON}.document", "seal-remote"])
def test_only_people_of_the_house_get_one(house: House, subject: str) -> None:
    with pytest.raises(AuthorityError) as caught:
        house.add_key(subject, "document")
    assert isinstance(caught.value, (UnknownKey, CertificateRefused))


def test_an_outside_signer_gets_none(house: House) -> None:
    guest = f"person-guest-{secrets.token_hex(6)}"
    house.authority.enrol_person(guest, organisation="乙公司外部有限公司")
    with pytest.raises(CertificateRefused, match="nobody of this house"):
        house.add_key(guest, "document")


def test_who_leaves_takes_all_keys_with_them(house: House) -> None:
    leaver = "person-leaver"
    house.devices[leaver] = house.authority.enrol_person(leaver)
    made = [house.certificate(leaver), *(house.add_key(leaver, use.value) for use in RemoteUse)]
    pending = house.act("document", subject=leaver)
    house.authority.confirm(house.devices[leaver], leaver, pending)
    act = house.authority.officer_act("retire", subject=leaver, reason="cessation_of_operation")
    crl = x509.load_der_x509_crl(house.authority.officer_does(house.authority.client("web").retire, act))
    assert all(crl.get_revoked_certificate_by_serial_number(each.serial_number) for each in made)
    with pytest.raises(AuthorityError):
        house.authority.client("web").sign_remotely(pending)


def test_with_the_certificate_that_somebody_signs_with_their_other_keys_end(house: House) -> None:
    """By its serial number, too; an older one, which was replaced, takes nothing along."""
    person = "person-replaced"
    house.devices[person] = house.authority.enrol_person(person)
    web, older = house.authority.client("web"), house.certificate(person)
    others = [house.add_key(person, use.value) for use in RemoteUse]
    house.authority.officer_does(web.rotate, house.authority.officer_act("rotate", subject=person))

    def revoked_with(certificate: x509.Certificate) -> list[bool]:
        serial = f"{certificate.serial_number:x}"
        act = house.authority.officer_act("revoke_certificate", subject=person, reason="superseded", serial=serial)
        crl = x509.load_der_x509_crl(house.authority.officer_does(web.revoke_certificate, act))
        assert crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        return [crl.get_revoked_certificate_by_serial_number(each.serial_number) is not None for each in others]

    assert revoked_with(older) == [False, False]
    assert revoked_with(house.certificate(person)) == [True, True]
    asked = house.act("document", subject=person)
    house.authority.confirm(house.devices[person], person, asked)
    with pytest.raises(UnknownKey, match="revoked"):
        web.sign_remotely(asked)


def test_one_key_alone_can_be_revoked_and_a_new_one_takes_its_place(house: House) -> None:
    person = "person-renewing"
    house.devices[person] = house.authority.enrol_person(person)
    first = house.add_key(person, "document")
    revoke = house.authority.client("web").revoke_certificate
    act = house.authority.officer_act("revoke_certificate", subject=f"{person}.document", reason="key_compromise")
    crl = x509.load_der_x509_crl(house.authority.officer_does(revoke, act))
    assert crl.get_revoked_certificate_by_serial_number(first.serial_number)
    assert crl.get_revoked_certificate_by_serial_number(house.certificate(person).serial_number) is None
    asked = house.act("document", subject=person)
    house.authority.confirm(house.devices[person], person, asked)
    with pytest.raises(UnknownKey, match="revoked"):
        house.authority.client("web").sign_remotely(asked)
    second = house.add_key(person, "document")
    [message, _] = house.authority.client("web").sign_remotely(asked)
    assert cms.verify(cms.parse(message), digest=DIGESTS[0]) == second != first


def test_the_authority_keeps_what_was_signed_for_whom(house: House) -> None:
    act = house.act("hash")
    house.sign(act)
    with store(house.authority) as own:
        [(kept, by)] = own.execute("SELECT act, activated_by FROM acts WHERE nonce = ?", (act.nonce,)).fetchall()
    assert (canonical.decode(kept.encode()), by) == (json.loads(canonical.encode(act.fields())), PERSON)


def test_only_the_portal_asks_for_a_signature(house: House) -> None:
    act = house.act()
    for role in ("tsa", "scheduler", "operator", "console", "backup", "activation"):
        with pytest.raises(NotPermitted):
            house.authority.client(role).sign_remotely(act)


def test_names_of_keys_are_no_names_of_people() -> None:
    assert remote_use_of("person-li.document") is RemoteUse.DOCUMENT
    for other in ("person-li", "person-li.", "person-li.other", "seal-x.hash", "person-.hash", "person-a.b.hash"):
        assert remote_use_of(other) is None
