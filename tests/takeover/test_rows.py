"""Each row of the table, tried by the process that the row is about. Whoever is enrolled here did it by the
activation service; the attacker never has that socket."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from cryptography import x509

from hsm import canonical
from hsm.authenticator import SoftwareAuthenticator
from hsm.batches import SigningBatch
from hsm.client import OPERATIONS, AuthorityClient
from hsm.config import PeerRole
from hsm.errors import AuthorityError, NotPermitted
from hsm.intents import OfficerIntent, PinTotpActivation
from hsm.merkle import EMPTY_ROOT, extended, fold
from hsm.note import LogExtension
from hsm.timestamp import TimestampRequest
from hsm.timestamp.model import encode_imprint
from tests.authority import (
    OFFICER,
    ORGANISATION,
    ORIGIN,
    RP_ID,
    RunningAuthority,
    assertion_over,
    intent_for,
    running_authority,
    soon,
)
from tests.takeover.rows import ROWS

ATTACKERS = ("web", "tsa", "scheduler", "console", "backup")
"""The roles of processes that an attacker may control; ``operator`` is root, ``activation`` the service itself."""

PORTAL = "http://localhost:8080"
ZHANG, CUSTODIAN, SEAL = "person-taken-zhang", "person-taken-custodian", "seal-taken"


@pytest.fixture(scope="module")
def authority() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as own:
        yield own


@pytest.fixture(scope="module")
def devices(authority: RunningAuthority) -> dict[str, SoftwareAuthenticator]:
    """Of people whose seal is released by the second of them."""
    found = {subject: authority.enrol_person(subject) for subject in (ZHANG, CUSTODIAN)}
    authority.enrol_seal(SEAL, [CUSTODIAN])
    return {**found, OFFICER: authority.officer}


def everybody(authority: RunningAuthority) -> list[AuthorityClient]:
    return [authority.client(role) for role in ATTACKERS]


def refused(call: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(AuthorityError) as caught:
        call(*arguments)
    return str(caught.value)


def at_the_portal(device: SoftwareAuthenticator) -> SoftwareAuthenticator:
    """The same passkey, asked by a page of the portal: the browser writes that page's origin."""
    return replace(device, origin=PORTAL, counter=device.counter + 1000)


def test_the_table_names_a_test_for_each_row() -> None:
    own = {name for name in globals() if name.startswith("test_")} - {"test_the_table_names_a_test_for_each_row"}
    assert own == set(ROWS)


def test_a_sign_in_activates_nothing(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]
) -> None:
    intent = intent_for(ZHANG)
    stolen = at_the_portal(devices[ZHANG]).activate(ZHANG, intent)
    honest = devices[ZHANG].activate(ZHANG, intent)
    for attacker in everybody(authority):
        for activation in (stolen, honest, PinTotpActivation(ZHANG, "246810", "000000")):
            with pytest.raises(NotPermitted):
                attacker.approve(intent, activation)
    assert "does not verify" in refused(authority.client("activation").approve, intent, stolen)
    assert authority.client("web").approvals(intent).given == ()


def test_no_document_joins_a_batch(authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]) -> None:
    web, service = authority.client("web"), authority.client("activation")
    seen = [intent_for(ZHANG, document=f"contract {number}".encode()) for number in range(3)]
    hidden = intent_for(ZHANG, document=b"a contract that nobody was shown")
    honest = assertion_over(devices[ZHANG], ZHANG, SigningBatch(tuple(seen)).challenge())
    enlarged = SigningBatch((*seen, hidden))
    stolen = assertion_over(at_the_portal(devices[ZHANG]), ZHANG, enlarged.challenge())
    for attacker in everybody(authority):
        for batch, activation in ((seen, honest), (enlarged.members, stolen)):
            with pytest.raises(NotPermitted):
                attacker.approve_batch(list(batch), activation)
    for batch in ((*seen, hidden), (*seen[:2], hidden), seen[::-1], seen[:2]):
        assert "does not verify" in refused(service.approve_batch, list(batch), honest)
    assert "does not verify" in refused(service.approve_batch, list(enlarged.members), stolen)
    service.approve_batch(seen, honest)
    for forged in (hidden, replace(hidden, nonce=seen[0].nonce), replace(seen[0], contract="contract-2")):
        refused(web.sign_document, forged)
    for each in seen:
        assert web.sign_document(each)
        refused(web.sign_document, each)


def test_nothing_is_signed_without_its_people(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]
) -> None:
    web, by_seal = authority.client("web"), intent_for(SEAL)
    own = replace(intent_for(ZHANG), title="The title that was shown", parties=(ORGANISATION,))
    refused(web.sign_document, own)
    authority.confirm(devices[ZHANG], ZHANG, own)
    refused(web.sign_document, replace(own, digest=hashlib.sha256(b"another").digest()))
    refused(web.sign_document, replace(own, nonce=secrets.token_bytes(16)))
    refused(web.sign_document, replace(own, signer=CUSTODIAN))
    for words in ({"title": "Another title"}, {"parties": ("乙公司",)}, {"reason": "another purpose"}):
        assert "another act" in refused(web.sign_document, replace(own, **words))
    assert web.sign_document(own)
    refused(web.sign_document, own)
    authority.confirm(devices[ZHANG], ZHANG, by_seal)
    refused(web.sign_document, by_seal)
    for attacker in everybody(authority)[1:]:
        with pytest.raises(NotPermitted):
            attacker.sign_document(own)


def test_what_was_withdrawn_is_not_used(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]
) -> None:
    web, by_seal, own = authority.client("web"), intent_for(SEAL), intent_for(ZHANG)
    for subject in (ZHANG, CUSTODIAN):
        authority.confirm(devices[subject], subject, by_seal)
    authority.confirm(devices[ZHANG], ZHANG, own)
    for act in (own, by_seal):
        web.withdraw(act)
        web.withdraw(replace(act, expires=soon(-1)))
        assert "withdrawn" in refused(web.sign_document, act)
        assert "withdrawn" in refused(authority.confirm, devices[ZHANG], ZHANG, act)
    for attacker in (authority.client(role) for role in ("tsa", "console", "backup")):
        with pytest.raises(NotPermitted):
            attacker.withdraw(own)


def test_no_other_key_takes_the_place_of_a_persons(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]
) -> None:
    thief = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    for attacker in everybody(authority):
        with pytest.raises(NotPermitted):
            attacker.begin_registration(ZHANG)
        with pytest.raises(NotPermitted):
            attacker.register_passkey(ZHANG, thief.register(bytes(32)))
    begun = authority.client("activation").begin_registration(ZHANG).challenge
    asked_by_portal = replace(thief, origin=PORTAL).register(begun)
    refused(authority.client("activation").register_passkey, ZHANG, asked_by_portal)
    for named in ("0000 0000 0000 0000 0000", thief.credential()):
        act = authority.officer_act("add_credential", subject=ZHANG, credential=named)
        authority.confirm(authority.officer, OFFICER, act)
        refused(authority.client("web").add_credential, act)
    known = [each.credential_id for each in authority.client("web").credentials(ZHANG)]
    assert known == [devices[ZHANG].credential_id]


def test_a_suspended_seal_stays_so(authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]) -> None:
    web, intent = authority.client("web"), intent_for(SEAL)
    for subject in (ZHANG, CUSTODIAN):
        authority.confirm(devices[subject], subject, intent)
    web.suspend_seal(SEAL)
    assert "suspended" in refused(web.sign_document, intent)
    act = authority.officer_act("resume_seal", subject=SEAL)
    refused(web.resume_seal, act)
    refused(web.sign_document, intent)
    authority.officer_does(web.resume_seal, act)
    assert web.sign_document(intent)


def test_nobody_makes_themselves_a_custodian(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]
) -> None:
    web, before = authority.client("web"), authority.client("web").seal(SEAL)
    for kind, more in (
        ("add_custodian", {"custodian": ZHANG}),
        ("remove_custodian", {"custodian": CUSTODIAN}),
        ("set_custodians_needed", {"needed": 1}),
        ("change_picture", {"picture": "0" * 64}),
        ("destroy_seal", {}),
    ):
        act = authority.officer_act(kind, subject=SEAL, **more)
        refused(getattr(web, kind), act)
        refused(authority.client("activation").approve, act, devices[ZHANG].activate(ZHANG, act))
        refused(getattr(web, kind), act)
    assert web.seal(SEAL) == before


def test_no_officer_without_a_code(authority: RunningAuthority) -> None:
    device = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    code = (authority.root / "secrets/setup.code").read_text().strip()
    for attacker in everybody(authority):
        with pytest.raises(NotPermitted):
            attacker.appoint_officer(code, "officer-thief", "贼", ORGANISATION, device.register(bytes(32)), "")
    authority.appoint(code, "officer-honest", device)
    with pytest.raises(AuthorityError, match="wrong, was used"):
        authority.appoint(code, "officer-thief", SoftwareAuthenticator.create(RP_ID, ORIGIN))


def test_no_officer_comes_back_without_a_code(authority: RunningAuthority) -> None:
    device = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    for attacker in everybody(authority):
        with pytest.raises(NotPermitted):
            attacker.restore_officer("x", OFFICER, device.register(bytes(32)), "")
    with pytest.raises(AuthorityError):
        authority.restore("AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", OFFICER, device)
    known = [each.credential_id for each in authority.client("web").credentials(OFFICER)]
    assert known == [authority.officer.credential_id]


def test_nobody_chooses_the_time(authority: RunningAuthority) -> None:
    wanted = TimestampRequest(encode_imprint("sha256", hashlib.sha256(b"x").digest()), None, None, False)
    order = wanted.fields()
    for attacker in (authority.client("tsa"), authority.client("web")):
        [first] = attacker.timestamp([wanted])
        [later] = attacker.timestamp([wanted])
        assert first.gen_time <= later.gen_time
        refused(attacker.timestamp_fields, [[*order, 0]])
    for attacker in (authority.client("console"), authority.client("backup")):
        with pytest.raises(NotPermitted):
            attacker.timestamp_fields([order])


def test_the_log_is_not_rewritten(authority: RunningAuthority) -> None:
    scheduler = authority.client("scheduler")
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(2)]
    scheduler.checkpoint(LogExtension(0, [], leaves, fold(extended(0, [], leaves))))
    other = [hashlib.sha256(b"another").digest()]
    refused(scheduler.checkpoint, LogExtension(0, [], other, fold(extended(0, [], other))))
    refused(scheduler.checkpoint, LogExtension(3, [EMPTY_ROOT, EMPTY_ROOT], other, EMPTY_ROOT))
    for role in ("web", "tsa", "console", "backup"):
        with pytest.raises(NotPermitted):
            authority.client(role).checkpoint(LogExtension(0, [], leaves, fold(extended(0, [], leaves))))


def test_nothing_else_is_signed_as_evidence(authority: RunningAuthority) -> None:
    web = authority.client("web")
    invented = {
        "format": "vermilion-evidence-manifest/2",
        "contract": "contract-1",
        "created": "2026-01-01T00:00:00Z",
        "made_for": "somebody",
        "checkpoint": {"origin": "vermilion.example/log", "size": 9, "root": "A" * 43 + "="},
        "withheld": [],
        "files": [{"path": "a", "sha256": "0" * 64, "size": 1}],
    }
    for manifest in (b"a contract", canonical.encode(invented), json.dumps(invented).encode()):
        refused(web.sign_manifest, manifest)


def test_no_identity_is_created(authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]) -> None:
    device = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    named = {"name": "董事长", "organisation": ORGANISATION}
    fingerprint = authority.register("person-invented", device)
    for kind, details in (
        ("enrol_person", {"subject": "person-invented", **named, "credentials": [fingerprint]}),
        ("enrol_officer", {"subject": "officer-invented", **named, "credentials": [fingerprint]}),
        ("revoke_certificate", {"subject": ZHANG, "reason": "superseded"}),
        ("retire", {"subject": ZHANG, "reason": "superseded"}),
        ("rotate", {"subject": "tsa"}),
    ):
        act = authority.officer_act(kind, **details)
        for role in ATTACKERS:
            if PeerRole(role) in OPERATIONS[kind].roles:
                refused(getattr(authority.client(role), kind), act)
        refused(
            authority.client("activation").approve, act, at_the_portal(authority.officer).activate(OFFICER, act)
        )
        refused(authority.client("activation").approve, act, devices[ZHANG].activate(ZHANG, act))
        refused(getattr(authority.client("web"), kind), act)
    assert authority.client("web").credentials("person-invented") == []


def test_nobody_unlocks_alone(authority: RunningAuthority) -> None:
    pin = (authority.root / "secrets/user.pin").read_text().strip()
    act = authority.officer_act("unlock")
    for attacker in everybody(authority):
        refused(attacker.unlock, act, [], [pin])
        refused(attacker.unlock, act, [at_the_portal(authority.officer).activate(OFFICER, act)], [pin])
    signing = intent_for(ZHANG)
    refused(authority.client("console").approve_unlock, signing, authority.officer.activate(OFFICER, signing))


def test_no_custodian_of_the_pin_is_ended_or_enrolled(authority: RunningAuthority) -> None:
    device = SoftwareAuthenticator.create(RP_ID, "http://localhost:8082")
    details = {"subject": "keeper-thief", "name": "贼", "organisation": ORGANISATION}
    act = authority.officer_act("enrol_keeper", **details, credentials=[device.credential()])
    for attacker in everybody(authority):
        with pytest.raises(NotPermitted):
            attacker.end_pin_custodian("keeper-thief")
        refused(attacker.enrol_pin_custodian, act)
    assert authority.client("console").pin_custodians() == []


def test_nobody_else_reads_the_store(authority: RunningAuthority) -> None:
    for attacker in everybody(authority)[:-1]:
        with pytest.raises(NotPermitted):
            attacker.begin_backup()
        with pytest.raises(NotPermitted):
            attacker.backup_piece("0" * 16, 0)
    backup = authority.client("backup")
    refused(backup.sign_backup, "0" * 16, b"{}")
    refused(backup.backup_piece, "../authority", 0)


def test_no_revocation_is_hidden(authority: RunningAuthority) -> None:
    person = "person-taken-revoked"
    authority.enrol_person(person)
    der = authority.client("web").certificate(person)
    act = authority.officer_act("revoke_certificate", subject=person, reason="key_compromise")
    authority.officer_does(authority.client("web").revoke_certificate, act)
    serial = x509.load_der_x509_certificate(der).serial_number
    for role in ("web", "scheduler"):
        crl = x509.load_der_x509_crl(authority.client(role).issue_crl())
        assert crl.get_revoked_certificate_by_serial_number(serial) is not None


def test_no_key_is_exchanged_at_run_time(authority: RunningAuthority) -> None:
    assert not {"renew", "ceremony", "recover", "init"} & set(OPERATIONS)
    for attacker in everybody(authority):
        for subject in ("root", "issuing", "log"):
            act = OfficerIntent("rotate", {"subject": subject}, intent_for(ZHANG).expires, secrets.token_bytes(16))
            refused(attacker.rotate, act)


def test_no_role_opens_anothers_secrets(authority: RunningAuthority) -> None:
    wrapped = authority.client("activation").wrap_key(f"enrolment:{ZHANG}", bytes(20))
    for attacker in everybody(authority):
        for context in (f"enrolment:{ZHANG}", f"activation:enrolment:{ZHANG}", f"totp:{ZHANG}"):
            refused(attacker.unwrap_key, context, wrapped)
