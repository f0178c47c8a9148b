"""Officers enrol by fingerprint: the own ones, each once, and nothing that waits counts before."""

from __future__ import annotations

import hashlib
import re
import secrets
import struct

import pytest

from hsm.errors import ActivationRefused, AuthorityError, BadRequest, CertificateRefused
from tests.authority import RunningAuthority, intent_for
from tests.hsm.registering import device, enrol, enrolment, fingerprints


def test_a_fingerprint_is_of_subject_id_and_key(authority: RunningAuthority, subject: str) -> None:
    own = device()
    key = bytes.fromhex(own.credential()["public_key"])
    parts = (subject.encode(), own.credential_id, key)
    digits = hashlib.sha256(b"".join(struct.pack(">I", len(each)) + each for each in parts)).hexdigest()
    made = authority.register(subject, own)
    assert re.fullmatch("[0-9a-f]{4}( [0-9a-f]{4}){4}", made)
    assert made.replace(" ", "") == digits[:20]


@pytest.mark.parametrize("kind", ["person", "officer"])
def test_only_own_fingerprints_enrol_each_once(authority: RunningAuthority, kind: str) -> None:
    subject = f"{kind}-{secrets.token_hex(6)}"
    device_map, web = device().credential(), authority.client("web")
    own, theirs = authority.register(subject, device()), authority.register(f"{subject}-b", device())
    wrong: list[tuple[object, type[AuthorityError]]] = [
        ([theirs], CertificateRefused),
        ([own, theirs], CertificateRefused),
        (["0000 0000 0000 0000 0000"], CertificateRefused),
        ([""], CertificateRefused),
        ([own.upper() + " "], CertificateRefused),
        ([own.replace(" ", "")], CertificateRefused),
        ([own[:-1]], CertificateRefused),
        ([own, own], BadRequest),
        ([device_map], BadRequest),
        ([own, device_map], BadRequest),
        ([{"fingerprint": own}], BadRequest),
        ([None], BadRequest),
        ([[own]], BadRequest),
        ([7], BadRequest),
        (own, BadRequest),
        ({own: own}, BadRequest),
        (None, BadRequest),
        ([], BadRequest),
        ([f"{number:04x} 0000 0000 0000 0000" for number in range(9)], BadRequest),
    ]
    for credentials, refusal in wrong:
        act = enrolment(authority, subject, credentials)
        with pytest.raises(refusal):
            authority.officer_does(getattr(web, act.kind), act)
    assert web.credentials(subject) == []
    assert fingerprints(authority, subject) == [own]
    enrol(authority, subject, own)
    assert len(web.credentials(subject)) == 1


@pytest.mark.parametrize("kind", ["person", "officer"])
def test_only_an_own_fingerprint_is_added(authority: RunningAuthority, kind: str) -> None:
    subject, web = f"{kind}-{secrets.token_hex(6)}", authority.client("web")
    enrol(authority, subject, authority.register(subject, device()))
    [before] = web.credentials(subject)
    more = device()
    own, theirs = authority.register(subject, more), authority.register(f"{subject}-b", device())
    wrong: list[tuple[object, type[AuthorityError]]] = [
        (theirs, CertificateRefused),
        ("0000 0000 0000 0000 0000", CertificateRefused),
        (more.credential(), BadRequest),
        ([own], BadRequest),
        (None, BadRequest),
    ]
    for credential, refusal in wrong:
        act = authority.officer_act("add_credential", subject=subject, credential=credential)
        with pytest.raises(refusal):
            authority.officer_does(web.add_credential, act)
    assert web.credentials(subject) == [before]
    act = authority.officer_act("add_credential", subject=subject, credential=own)
    authority.officer_does(web.add_credential, act)
    assert [each.credential_id for each in web.credentials(subject)] == [before.credential_id, more.credential_id]
    assert fingerprints(authority, subject) == []
    act = authority.officer_act("add_credential", subject=subject, credential=own)
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        authority.officer_does(web.add_credential, act)


@pytest.mark.parametrize("kind", ["person", "officer"])
def test_after_an_enrolment_nothing_waits(authority: RunningAuthority, kind: str) -> None:
    subject, web = f"{kind}-{secrets.token_hex(6)}", authority.client("web")
    chosen, left = device(), device()
    made = [authority.register(subject, each) for each in (chosen, left)]
    others = authority.register(f"{subject}-b", device())
    assert fingerprints(authority, subject) == made
    enrol(authority, subject, made[0])
    assert [each.credential_id for each in web.credentials(subject)] == [chosen.credential_id]
    assert fingerprints(authority, subject) == []
    assert fingerprints(authority, f"{subject}-b") == [others]
    act = authority.officer_act("add_credential", subject=subject, credential=made[1])
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        authority.officer_does(web.add_credential, act)


def test_what_was_registered_activates_nothing_before_officers_say_so(
    authority: RunningAuthority, subject: str
) -> None:
    first, second = device(), device()
    made = authority.register(subject, first)
    for by in (first, authority.officer):
        with pytest.raises(AuthorityError, match="is not enrolled"):
            authority.confirm(by, subject, intent_for(subject))
    with pytest.raises(ActivationRefused):
        authority.client("web").enrol_person(enrolment(authority, subject, [made]))
    enrol(authority, subject, made)
    authority.register(subject, second)
    intent = intent_for(subject)
    authority.refuses(authority.client("web").sign_document, intent, second.activate(subject, intent))
    assert authority.sign(intent, (first, subject))
