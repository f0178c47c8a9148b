"""Each row of the table, tried by the process that the row is about. Whoever is enrolled here did it by the
activation service; the attacker never has that socket."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from hsm import canonical, cms
from hsm.authenticator import SoftwareAuthenticator
from hsm.batches import SigningBatch
from hsm.client import OPERATIONS
from hsm.errors import AuthorityError, NotPermitted
from hsm.manifests import CAPTURE_FORMAT
from hsm.merkle import extended, fold
from hsm.names import name_in
from hsm.note import LogExtension
from hsm.operation_types import AuthorityState
from hsm.timestamp import TimestampRequest
from hsm.timestamp.model import encode_imprint
from tests import powers_of_attorney
from tests.authority import (
    OFFICER,
    ORGANISATION,
    ORIGIN,
    RP_ID,
    RunningAuthority,
    intent_for,
    running_authority,
    soon,
)
from tests.takeover.attempts import CODE, Loot, attempts, refusal_of, rows
from tests.takeover.rows import ROWS
from tests.takeover.tried_acts import ATTACKERS, everybody, manifest, refused, vouching

PORTAL = "http://localhost:8080"
ZHANG, CUSTODIAN, SEAL = "person-taken-zhang", "person-taken-custodian", "seal-taken"
GUEST = "person-guest-00000000cafe"


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


@pytest.fixture(scope="module")
def loot(authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator]) -> Loot:
    context = f"enrolment:{ZHANG}"
    wrapped = authority.client("activation").wrap_key(context, bytes(20))
    pin = (authority.root / "secrets/user.pin").read_text().strip()
    who = {"person": ZHANG, "custodian": CUSTODIAN, "officer": OFFICER, "seal": SEAL}
    return Loot(PORTAL, RP_ID, ORGANISATION, **who, passkeys=devices, context=context, wrapped=wrapped, pin=pin)


@pytest.fixture(scope="module")
def logged(authority: RunningAuthority) -> LogExtension:
    """The log's first two entries, with the checkpoint that the authority has signed."""
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(2)]
    extension = LogExtension(0, [], leaves, fold(extended(0, [], leaves)))
    authority.client("scheduler").checkpoint(extension)
    return extension


Attack = Callable[..., None]


@pytest.fixture
def attack(authority: RunningAuthority, loot: Loot, request: pytest.FixtureRequest) -> Attack:
    """Every attacker tries whatever there is against the row of the test that asks; all of it is refused."""

    def attack(**more: Any) -> None:
        for role in ATTACKERS:
            for each in attempts(request.node.name, role, replace(loot, **more)):
                assert refusal_of(each, authority.client(role)) is not None, (role, each.says)

    return attack


def test_the_table_names_a_test_for_each_row() -> None:
    own = {name for name in globals() if name.startswith("test_")} - {"test_the_table_names_a_test_for_each_row"}
    assert own == set(ROWS) == set(rows())


def test_a_sign_in_activates_nothing(authority: RunningAuthority, loot: Loot, attack: Attack) -> None:
    intent = intent_for(ZHANG)
    stolen = loot.signed_in(ZHANG, intent)
    honest = loot.passkeys[ZHANG].activate(ZHANG, intent)
    attack()
    for attacker in everybody(authority):
        for activation in (stolen, honest):
            with pytest.raises(NotPermitted):
                attacker.approve(intent, activation)
    assert "does not verify" in refused(authority.client("activation").approve, intent, stolen)
    assert authority.client("web").approvals(intent).given == ()


def test_no_document_joins_a_batch(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], loot: Loot, attack: Attack
) -> None:
    attack()
    web, service = authority.client("web"), authority.client("activation")
    seen = [intent_for(ZHANG, document=f"contract {number}".encode()) for number in range(3)]
    hidden = intent_for(ZHANG, document=b"a contract that nobody was shown")
    honest = devices[ZHANG].activate(ZHANG, SigningBatch(tuple(seen)))
    enlarged = SigningBatch((*seen, hidden))
    stolen = loot.signed_in(ZHANG, enlarged)
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
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], attack: Attack
) -> None:
    web, by_seal = authority.client("web"), intent_for(SEAL)
    own = replace(intent_for(ZHANG), title="The title that was shown", parties=(ORGANISATION,))
    attack()
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


def test_nothing_is_signed_for_other_software_unseen(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], loot: Loot, attack: Attack
) -> None:
    """Nor, with what a person has activated, anything else; and what is signed is no contract's signature."""
    web, service = authority.client("web"), authority.client("activation")
    key = authority.officer_act("add_remote_key", subject=ZHANG, use="document")
    authority.officer_does(web.add_remote_key, key)
    attack()
    contract = intent_for(ZHANG)
    document = {"digest": contract.digest.hex(), "label": "note.pdf"}
    named: dict[str, Any] = {"subject": ZHANG, "client": "Office", "use": "document", "documents": [document]}
    act = authority.officer_act("sign_remotely", **named)
    for stolen in (loot.signed_in(ZHANG, act), devices[CUSTODIAN].activate(CUSTODIAN, act)):
        refused(service.approve, act, stolen)
    refused(service.approve, act, authority.officer.activate(OFFICER, act))
    authority.confirm(devices[ZHANG], ZHANG, act)
    other = {**document, "digest": "ab" * 32}
    for changed in ({"documents": [other]}, {"documents": [document, other]}, {"use": "hash"}, {"client": "Else"}):
        refused(web.sign_remotely, replace(act, details={**named, **changed}))
    refused(web.sign_document, contract)
    [message] = web.sign_remotely(act)
    refused(web.sign_remotely, act)
    signer = cms.verify(cms.parse(message), digest=contract.digest)
    assert name_in(signer).identifier == f"{ZHANG}.document", "no certificate of whoever signs contracts"
    raw = authority.officer_act("sign_remotely", **{**named, "use": "hash"})
    assert "not signed for other software" in refused(service.approve, raw, devices[ZHANG].activate(ZHANG, raw))


def test_what_was_withdrawn_is_not_used(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], attack: Attack
) -> None:
    attack()
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
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], loot: Loot, attack: Attack
) -> None:
    attack()
    begun = authority.client("activation").begin_registration(ZHANG).challenge
    refused(authority.client("activation").register_passkey, ZHANG, loot.thief().register(begun))
    act = authority.officer_act("add_credential", subject=ZHANG, credential="0000 0000 0000 0000 0000")
    authority.confirm(authority.officer, OFFICER, act)
    refused(authority.client("web").add_credential, act)
    known = [each.credential_id for each in authority.client("web").credentials(ZHANG)]
    assert known == [devices[ZHANG].credential_id]


def test_a_suspended_seal_stays_so(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], attack: Attack
) -> None:
    web, intent = authority.client("web"), intent_for(SEAL)
    for subject in (ZHANG, CUSTODIAN):
        authority.confirm(devices[subject], subject, intent)
    web.suspend_seal(SEAL)
    attack(released=intent)
    assert "suspended" in refused(web.sign_document, intent)
    act = authority.officer_act("resume_seal", subject=SEAL)
    refused(web.resume_seal, act)
    refused(web.sign_document, intent)
    authority.officer_does(web.resume_seal, act)
    assert web.sign_document(intent)


def test_nobody_makes_themselves_a_custodian(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], attack: Attack
) -> None:
    web, before = authority.client("web"), authority.client("web").seal(SEAL)
    attack()
    act = authority.officer_act("add_custodian", subject=SEAL, custodian=ZHANG)
    refused(authority.client("activation").approve, act, devices[ZHANG].activate(ZHANG, act))
    refused(web.add_custodian, act)
    assert web.seal(SEAL) == before


def test_another_companys_seal_is_its_own_peoples(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], attack: Attack
) -> None:
    """Also where honest officers are led to confirm something else: the house's people, guests of another company
    whose name differs in a blank, and outside signers at a seal of the house."""
    company, lookalike = "戊公司外部有限公司", "戊公司 外部有限公司"
    director, stranger = "person-guest-00000000beef", "person-guest-00000000dead"
    outside = {director: authority.enrol_person(director, organisation=company)}
    outside[stranger] = authority.enrol_person(stranger, organisation=lookalike)
    seal, web, service = "seal-guest-0000beef", authority.client("web"), authority.client("activation")
    authority.enrol_seal(seal, [director], organisation=company)
    before = web.seal(seal)
    attack(outside_seal=seal)
    for kept, whom in ((seal, ZHANG), (seal, CUSTODIAN), (seal, stranger), (SEAL, director)):
        act = authority.officer_act("add_custodian", subject=kept, custodian=whom)
        assert "no person of" in refused(authority.officer_does, web.add_custodian, act)
    intent, by_house = intent_for(seal), intent_for(SEAL)
    everyone = {**devices, **outside}
    for whom in (ZHANG, CUSTODIAN, stranger, OFFICER):
        assert "of that company alone" in refused(service.approve, intent, everyone[whom].activate(whom, intent))
    authority.confirm(devices[CUSTODIAN], CUSTODIAN, by_house)
    assert "two persons" in refused(service.approve, by_house, outside[director].activate(director, by_house))
    for act in (intent, by_house):
        refused(web.sign_document, act)
    assert web.seal(seal) == before
    authority.confirm(outside[director], director, intent)
    for attacker in everybody(authority)[1:]:
        with pytest.raises(NotPermitted):
            attacker.sign_document(intent)
    assert web.sign_document(intent)


def test_nobody_vouches_but_the_person_who_saw_it(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], loot: Loot, attack: Attack
) -> None:
    """Nor registers a passkey of its own, by a code that it guesses or that was used; nor uses the key for another
    contract, or after the end; nor has anybody certified in the house's name."""
    attack()
    web, service = authority.client("web"), authority.client("activation")
    guest = "person-guest-0000000000aa"
    act = vouching(authority, guest)
    refused(service.approve, act, loot.signed_in(ZHANG, act))
    refused(service.approve, act, authority.officer.activate(OFFICER, act))
    refused(service.vouch, act)
    house = vouching(authority, "person-guest-0000000000bb", organisation=ORGANISATION)
    authority.confirm(devices[ZHANG], ZHANG, house)
    assert "of this house" in refused(service.vouch, house)
    authority.confirm(devices[ZHANG], ZHANG, act)
    changed = vouching(authority, guest, name="贼")
    refused(service.vouch, replace(changed, nonce=act.nonce, expires=act.expires))
    for attacker in everybody(authority):
        with pytest.raises(NotPermitted):
            attacker.vouch(act)
        with pytest.raises(NotPermitted):
            attacker.register_vouched(guest, "0000 0000", loot.thief().register(bytes(32)), "")
    [code] = service.vouch(act)
    own, thief = SoftwareAuthenticator.create(RP_ID, ORIGIN), loot.thief()
    made = own.register(service.begin_registration(guest).challenge)
    refused(service.register_vouched, guest, code, thief.register(service.begin_registration(guest).challenge), "")
    service.register_vouched(guest, code, made, "a link")
    again = own.register(service.begin_registration(guest).challenge)
    assert "not count any more" in refused(service.register_vouched, guest, code, again, "")
    mine = replace(intent_for(guest), contract="c1", party="p1")
    for other in (replace(mine, contract="c2"), replace(mine, party="p2")):
        refused(service.approve, other, own.activate(guest, other))
        refused(web.sign_document, other)
    for kind, more in (
        ("rotate", {}),
        ("enrol_person", {"name": "贼", "organisation": "外部", "credentials": ["x"]}),
    ):
        refused(authority.officer_does, getattr(web, kind), authority.officer_act(kind, subject=guest, **more))
    authority.confirm(own, guest, mine)
    assert web.sign_document(mine)
    web.end_vouching(guest, unsigned=False)
    later = replace(mine, nonce=secrets.token_bytes(16))
    refused(service.approve, later, own.activate(guest, later))
    refused(web.sign_document, later)
    _require_five_guesses(authority, devices[ZHANG], thief)


def _require_five_guesses(
    authority: RunningAuthority, initiator: SoftwareAuthenticator, thief: SoftwareAuthenticator
) -> None:
    """The right code counts no more after five wrong ones."""
    service, guest = authority.client("activation"), "person-guest-0000000000cc"
    act = vouching(authority, guest)
    authority.confirm(initiator, ZHANG, act)
    [code] = service.vouch(act)
    wrong = [f"{(int(code.replace(' ', '')) + number) % 10**8:08}" for number in range(1, 6)]
    for tried in (*wrong, code):
        device = SoftwareAuthenticator.create(RP_ID, ORIGIN) if tried == code else thief
        registration = device.register(service.begin_registration(guest).challenge)
        refused(service.register_vouched, guest, tried, registration, "")
    assert authority.client("web").credentials(guest) == []


def test_no_officer_without_a_code(authority: RunningAuthority, attack: Attack) -> None:
    device = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    code = (authority.root / "secrets/setup.code").read_text().strip()
    attack()
    for attacker in everybody(authority):
        with pytest.raises(NotPermitted):
            attacker.appoint_officer(code, "officer-thief", "贼", ORGANISATION, device.register(bytes(32)), "")
    authority.appoint(code, "officer-honest", device)
    with pytest.raises(AuthorityError, match="wrong, was used"):
        authority.appoint(code, "officer-thief", SoftwareAuthenticator.create(RP_ID, ORIGIN))


def test_no_officer_comes_back_without_a_code(authority: RunningAuthority, attack: Attack) -> None:
    attack()
    with pytest.raises(AuthorityError):
        authority.restore(CODE, OFFICER, SoftwareAuthenticator.create(RP_ID, ORIGIN))
    known = [each.credential_id for each in authority.client("web").credentials(OFFICER)]
    assert known == [authority.officer.credential_id]


def test_nobody_chooses_the_time(authority: RunningAuthority, attack: Attack) -> None:
    wanted = TimestampRequest(encode_imprint("sha256", hashlib.sha256(b"x").digest()), None, None, False)
    attack()
    for attacker in (authority.client("tsa"), authority.client("web")):
        [first] = attacker.timestamp([wanted])
        [later] = attacker.timestamp([wanted])
        assert first.gen_time <= later.gen_time


def test_the_log_is_not_rewritten(authority: RunningAuthority, logged: LogExtension, attack: Attack) -> None:
    attack()
    for role in ("web", "tsa", "console", "backup"):
        with pytest.raises(NotPermitted):
            authority.client(role).checkpoint(logged)


def test_nothing_else_is_signed_as_evidence(
    authority: RunningAuthority, logged: LogExtension, attack: Attack
) -> None:
    """Not even where the checkpoint is one that was signed: other checkers are none of this release's, and
    packages of contracts and of web captures have no file of each other's."""
    attack()
    web = authority.client("web")
    contract = {"path": "contract.pdf", "sha256": "0" * 64, "size": 1}
    for checker in ("check.sh", "check.py"):
        listed = manifest(logged, files=[contract, {**contract, "path": checker}])
        assert "never signed" not in refused(web.sign_manifest, listed), "not for its checkpoint"
    captured = manifest(logged, files=[contract, {**contract, "path": "capture.json"}])
    as_capture = canonical.decode(manifest(logged, format=CAPTURE_FORMAT, capture="0" * 24, files=[contract]))
    for name in ("contract", "withheld", "powers_stated_since"):
        del as_capture[name]
    for listed in (captured, canonical.encode(as_capture)):
        assert "has no file of the kind" in refused(web.sign_manifest, listed)
    assert web.sign_manifest(manifest(logged, files=[contract]))
    for role in ("tsa", "scheduler", "console", "backup"):
        with pytest.raises(NotPermitted):
            authority.client(role).sign_manifest(manifest(logged, files=[contract]))


def test_no_power_of_attorney_is_invented(
    authority: RunningAuthority,
    devices: dict[str, SoftwareAuthenticator],
    loot: Loot,
    logged: LogExtension,
    attack: Attack,
) -> None:
    """No statement without officers, none about another power than they saw; and no manifest that says that
    statements began later than they did, so that an invented power would count as an old one."""
    web, number = authority.client("web"), "power-invented"
    named = {"subject": number, "registered_by": CUSTODIAN}
    act = authority.officer_act("confirm_power", **powers_of_attorney.details(agent=ZHANG, **named))
    attack()
    refused(web.confirm_power, act)
    refused(authority.client("activation").approve, act, loot.signed_in(OFFICER, act))
    refused(authority.client("activation").approve, act, devices[ZHANG].activate(ZHANG, act))
    authority.confirm(authority.officer, OFFICER, act)
    wider = replace(act, details=powers_of_attorney.details(agent=CUSTODIAN, **named))
    refused(web.confirm_power, wider)
    unlimited = powers_of_attorney.details(agent=ZHANG, **named, limit=None, currency=None)
    refused(web.confirm_power, replace(act, details=unlimited))
    refused(web.power_statement, number)
    said = canonical.decode(web.confirm_power(act).statement)
    assert (said["power"]["agent"], said["power"]["limit"]) == (ZHANG, act.details["limit"])
    for changed in ({"powers_stated_since": 10**6}, {"format": "vermilion-evidence-manifest/2"}):
        sentence = refused(web.sign_manifest, manifest(logged, **changed))
        assert "never signed" not in sentence, "not for its checkpoint"
    lacking = canonical.decode(manifest(logged))
    del lacking["powers_stated_since"]
    assert "never signed" not in refused(web.sign_manifest, canonical.encode(lacking))
    assert web.sign_manifest(manifest(logged))


def test_no_authority_of_others_is_invented(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], loot: Loot, attack: Attack
) -> None:
    """No statement without officers, none about another certificate or organisation than they saw, and none that
    has another authority certify people of the house, or the house's people of others."""
    web, number = authority.client("web"), "anchor-invented"
    named = {"subject": number, "organisation": "丙公司示例有限公司", "certificate": "ab" * 32}
    act = authority.officer_act("approve_anchor", **named)
    attack()
    refused(web.approve_anchor, act)
    refused(authority.client("activation").approve, act, loot.signed_in(OFFICER, act))
    refused(authority.client("activation").approve, act, devices[ZHANG].activate(ZHANG, act))
    authority.confirm(authority.officer, OFFICER, act)
    for changed in ({"certificate": "cd" * 32}, {"organisation": "丁公司示例有限公司"}):
        refused(web.approve_anchor, replace(act, details={**named, **changed}))
    refused(web.anchor_statement, number)
    assert canonical.decode(web.approve_anchor(act).statement)["anchor"]["certificate"] == "ab" * 32
    root = hashlib.sha256(web.authorities()[-1]).hexdigest()
    for wrong in ({"organisation": ORGANISATION}, {"certificate": root}):
        invented = authority.officer_act("approve_anchor", **{**named, "subject": "anchor-house", **wrong})
        authority.confirm(authority.officer, OFFICER, invented)
        refused(web.approve_anchor, invented)


def test_no_identity_is_created(
    authority: RunningAuthority, devices: dict[str, SoftwareAuthenticator], loot: Loot, attack: Attack
) -> None:
    attack()
    device = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    named = {"name": "董事长", "organisation": ORGANISATION}
    fingerprint = authority.register("person-invented", device)
    act = authority.officer_act("enrol_person", subject="person-invented", **named, credentials=[fingerprint])
    for role in ATTACKERS:
        refused(authority.client(role).enrol_person, act)
    service = authority.client("activation")
    refused(service.approve, act, loot.signed_in(OFFICER, act))
    refused(service.approve, act, devices[ZHANG].activate(ZHANG, act))
    refused(authority.client("web").enrol_person, act)
    assert authority.client("web").credentials("person-invented") == []
    # nor does an outside signer become one of the house, whatever honest officers are led to confirm
    guest = authority.enrol_person(GUEST, organisation="示例客户有限公司")
    act = authority.officer_act("add_custodian", subject=SEAL, custodian=GUEST)
    with pytest.raises(AuthorityError, match="no person of"):
        authority.officer_does(authority.client("web").add_custodian, act)
    again = authority.officer_act("enrol_officer", subject=GUEST, **named, credentials=[fingerprint])
    refused(authority.officer_does, authority.client("web").enrol_officer, again)
    intent = intent_for(SEAL)
    authority.confirm(devices[CUSTODIAN], CUSTODIAN, intent)
    refused(authority.client("activation").approve, intent, guest.activate(GUEST, intent))
    refused(authority.client("web").sign_document, intent)


def test_nobody_unlocks_alone(authority: RunningAuthority, loot: Loot, attack: Attack) -> None:
    """With the PIN itself, while the authority is locked."""
    act = authority.officer_act("unlock")
    authority.client("console").lock()
    attack()
    signing = intent_for(ZHANG)
    refused(authority.client("console").approve_unlock, signing, authority.officer.activate(OFFICER, signing))
    assert authority.client("web").status().state is AuthorityState.LOCKED
    authority.client("console").unlock(act, authority.by_officer(act), [loot.pin])
    assert authority.client("web").status().state is AuthorityState.OPERATIONAL


def test_no_custodian_of_the_pin_is_ended_or_enrolled(authority: RunningAuthority, attack: Attack) -> None:
    attack()
    assert authority.client("console").pin_custodians() == []


def test_nobody_else_reads_the_store(attack: Attack) -> None:
    attack()


def test_no_revocation_is_hidden(authority: RunningAuthority, attack: Attack) -> None:
    person = "person-taken-revoked"
    authority.enrol_person(person)
    der = authority.client("web").certificate(person)
    act = authority.officer_act("revoke_certificate", subject=person, reason="key_compromise")
    authority.officer_does(authority.client("web").revoke_certificate, act)
    attack(revoked=x509.load_der_x509_certificate(der).serial_number)
    reply = ocsp.load_der_ocsp_response(authority.client("web").ocsp(der))
    assert reply.certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_no_key_is_exchanged_at_run_time(attack: Attack) -> None:
    assert not {"renew", "ceremony", "recover", "init"} & set(OPERATIONS)
    attack()


def test_no_role_opens_anothers_secrets(authority: RunningAuthority, loot: Loot, attack: Attack) -> None:
    attack()
    assert authority.client("activation").unwrap_key(loot.context, loot.wrapped) == bytes(20)
