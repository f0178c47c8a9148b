"""Approvals given before the act: whose count, for what, how long, and how often. The refusals first."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from pysqlite3 import dbapi2 as sqlite

from hsm.authenticator import SoftwareAuthenticator
from hsm.client import AuthorityClient
from hsm.errors import ActivationRefused, ActivationUsed, CertificateRefused, UnknownKey
from hsm.intents import OfficerIntent, SigningIntent
from hsm.operation_types import Approvals
from tests.authority import OFFICER, ORIGIN, RP_ID, RunningAuthority, intent_for, running_authority, soon
from tests.hsm.test_activation import answer, enrol_pin
from tests.sweeps import first_of

SEAL = "seal-waiting"
CUSTODIAN, ASKING, THIRD = "person-wait-keeper", "person-wait-asking", "person-wait-third"
SECOND_OFFICER = "officer-second"


@dataclass(frozen=True, slots=True)
class Cast:
    authority: RunningAuthority
    devices: dict[str, SoftwareAuthenticator]

    @property
    def web(self) -> AuthorityClient:
        return self.authority.client("web")

    def approve(self, act: SigningIntent | OfficerIntent, subject: str) -> Approvals:
        return self.authority.confirm(self.devices[subject], subject, act)


@pytest.fixture(scope="module")
def cast(authority: RunningAuthority) -> Cast:
    devices = {subject: authority.enrol_person(subject) for subject in (CUSTODIAN, ASKING, THIRD)}
    authority.enrol_seal(SEAL, [CUSTODIAN])
    return Cast(authority, {**devices, OFFICER: authority.officer})


@pytest.fixture(scope="module")
def pair() -> Iterator[Cast]:
    """An authority whose officers act in twos."""
    with running_authority(settings="[activation]\nofficers_required = 2\n", workers=1) as own:
        second = SoftwareAuthenticator.create(RP_ID, ORIGIN)
        code = (own.root / "secrets/setup.code").read_text().strip()
        own.appoint(code, SECOND_OFFICER, second)
        yield Cast(own, {OFFICER: own.officer, SECOND_OFFICER: second})


def test_the_words_that_were_activated_are_kept_with_the_act(cast: Cast) -> None:
    words = {"title": "示例合同", "parties": ("甲公司", "乙公司"), "reason": "一式两份"}
    intent = replace(intent_for(SEAL), **words)  # type: ignore[arg-type]  # each of its own type
    for subject in (ASKING, CUSTODIAN):
        cast.approve(intent, subject)
    cast.web.sign_document(intent)
    connection = sqlite.connect(cast.authority.root / "authority/authority.db")
    [(act,)] = connection.execute("SELECT act FROM acts WHERE nonce = ?", (intent.nonce,))
    connection.close()
    assert json.loads(act) == intent.fields() and set(words) <= set(json.loads(act))


def test_a_seal_is_released_by_two_who_do_not_meet(cast: Cast) -> None:
    intent = replace(intent_for(SEAL), expires=soon(60 * 24))

    first = cast.approve(intent, ASKING)
    cast.authority.restart()
    second = cast.approve(intent, CUSTODIAN)

    assert (first.given, first.enough) == ((ASKING,), False)
    assert (set(second.given), second.enough) == ({ASKING, CUSTODIAN}, True)
    assert cast.web.approvals(intent).enough
    assert cast.web.sign_document(intent)


def test_one_approval_waits_for_the_other(cast: Cast) -> None:
    intent = intent_for(SEAL)
    cast.approve(intent, ASKING)

    with pytest.raises(ActivationRefused, match="two persons"):
        cast.web.sign_document(intent)
    cast.approve(intent, CUSTODIAN)
    assert cast.web.sign_document(intent)


def test_a_pin_can_be_one_of_the_approvals(cast: Cast) -> None:
    secret = enrol_pin(cast.authority, "person-wait-pin")
    intent = intent_for(SEAL)
    activation = answer("person-wait-pin", secret)
    cast.authority.approve(intent, activation)

    with pytest.raises(ActivationRefused, match="used before"):
        cast.authority.approve(intent_for(SEAL), activation)
    cast.approve(intent, CUSTODIAN)
    assert cast.web.sign_document(intent)


def test_a_person_approves_their_own_signature_alone(cast: Cast) -> None:
    intent = intent_for(ASKING)
    for stranger in (CUSTODIAN, OFFICER):
        with pytest.raises(ActivationRefused, match="that very person"):
            cast.approve(intent, stranger)
    assert cast.approve(intent, ASKING).enough
    assert cast.web.sign_document(intent)


def test_two_who_are_no_custodians_release_nothing(cast: Cast) -> None:
    intent = intent_for(SEAL)
    cast.approve(intent, ASKING)

    with pytest.raises(ActivationRefused, match="custodians"):
        cast.approve(intent, THIRD)
    cast.approve(intent, CUSTODIAN)
    with pytest.raises(ActivationRefused, match="custodians"):
        cast.approve(intent, THIRD)


def test_officers_approve_no_seal(cast: Cast) -> None:
    with pytest.raises(ActivationRefused, match="two persons"):
        cast.approve(intent_for(SEAL), OFFICER)


def test_nobody_approves_twice(cast: Cast) -> None:
    intent = intent_for(SEAL)
    cast.approve(intent, CUSTODIAN)

    with pytest.raises(ActivationRefused, match="already"):
        cast.approve(intent, CUSTODIAN)
    assert cast.web.approvals(intent).given == (CUSTODIAN,)
    with pytest.raises(ActivationRefused, match="two persons"):
        cast.web.sign_document(intent)


@pytest.mark.parametrize("role", first_of(["web", "activation", "scheduler", "operator"]))
def test_what_was_withdrawn_is_neither_approved_nor_signed(cast: Cast, role: str) -> None:
    intent, kept = intent_for(SEAL), intent_for(SEAL)
    for each in (intent, kept):
        cast.approve(each, ASKING)
        cast.approve(each, CUSTODIAN)
    for _ in range(2):
        cast.authority.client(role).withdraw(intent)
    cast.authority.restart()

    assert cast.web.approvals(intent).given == ()
    with pytest.raises(ActivationRefused, match="withdrawn"):
        cast.web.sign_document(intent)
    with pytest.raises(ActivationRefused, match="withdrawn"):
        cast.approve(intent, ASKING)
    assert cast.web.sign_document(kept)


def test_what_nobody_has_approved_yet_is_withdrawn_too(cast: Cast) -> None:
    intent = intent_for(ASKING)
    cast.web.withdraw(intent)
    with pytest.raises(ActivationRefused, match="withdrawn"):
        cast.approve(intent, ASKING)


def test_a_withdrawal_is_not_shortened_by_another_one_of_its_nonce(cast: Cast) -> None:
    intent = intent_for(ASKING)
    for expires in (intent.expires, soon(-1)):
        cast.web.withdraw(replace(intent, expires=expires))
    cast.web.withdraw(intent_for(ASKING))
    with pytest.raises(ActivationRefused, match="withdrawn"):
        cast.approve(intent, ASKING)


def test_what_nobody_could_approve_is_not_kept_as_withdrawn(cast: Cast) -> None:
    """A withdrawal stays until its intent expires: with any expiry, they could fill the store."""
    for signer in (SEAL, ASKING):
        cast.web.withdraw(replace(intent_for(signer), expires=soon(168 * 60 - 1)))
        with pytest.raises(ActivationRefused, match="168 hours"):
            cast.web.withdraw(replace(intent_for(signer), expires=soon(168 * 60 + 1)))


def test_what_was_signed_is_not_withdrawn(cast: Cast) -> None:
    intent = intent_for(ASKING)
    cast.approve(intent, ASKING)
    assert cast.web.sign_document(intent)
    for stop in (lambda: cast.web.withdraw(intent), lambda: cast.web.take_back_approval(intent, ASKING)):
        with pytest.raises(ActivationUsed, match="done already"):
            stop()


def test_an_officers_act_that_was_withdrawn_is_not_done(cast: Cast) -> None:
    act = cast.authority.officer_act("retire", subject=THIRD, reason="superseded")
    cast.approve(act, OFFICER)
    cast.web.withdraw(act)
    with pytest.raises(ActivationRefused, match="withdrawn"):
        cast.web.retire(act)
    assert cast.web.credentials(THIRD)


def test_an_approval_is_taken_back_and_may_be_given_again(cast: Cast) -> None:
    intent = intent_for(SEAL)
    cast.approve(intent, ASKING)
    cast.approve(intent, CUSTODIAN)
    for _ in range(2):
        cast.web.take_back_approval(intent, CUSTODIAN)
    cast.web.take_back_approval(intent, THIRD)
    assert cast.web.approvals(intent).given == (ASKING,)
    with pytest.raises(ActivationRefused, match="two persons"):
        cast.web.sign_document(intent)
    for _ in range(2):
        cast.approve(intent, CUSTODIAN)
        cast.web.take_back_approval(intent, CUSTODIAN)
    cast.approve(intent, CUSTODIAN)
    assert cast.web.sign_document(intent)


def test_an_approval_counts_for_no_other_act(cast: Cast) -> None:
    intent = intent_for(SEAL)
    cast.approve(intent, CUSTODIAN)
    cast.approve(intent, ASKING)

    for other in (replace(intent, digest=bytes(32)), replace(intent, contract="contract-2")):
        with pytest.raises(ActivationRefused, match="another act"):
            cast.web.sign_document(other)
        with pytest.raises(ActivationRefused, match="another act"):
            cast.approve(other, THIRD)
    with pytest.raises(ActivationRefused, match="activation"):
        cast.web.sign_document(replace(intent, nonce=secrets.token_bytes(16)))
    assert cast.web.sign_document(intent)


def test_an_activation_for_another_intent_is_no_approval(cast: Cast) -> None:
    activation = cast.devices[CUSTODIAN].activate(CUSTODIAN, intent_for(SEAL))

    assert "does not verify" in cast.authority.refuses(cast.web.sign_document, intent_for(SEAL), activation)


def test_what_was_signed_takes_no_more_approvals(cast: Cast) -> None:
    intent = intent_for(ASKING)
    cast.authority.sign(intent, (cast.devices[ASKING], ASKING))

    with pytest.raises(ActivationRefused, match="used before"):
        cast.approve(intent, ASKING)


def test_what_was_approved_is_signed_once(cast: Cast) -> None:
    intent = intent_for(ASKING)
    cast.approve(intent, ASKING)
    cast.web.sign_document(intent)

    with pytest.raises(ActivationRefused, match="used before"):
        cast.web.sign_document(intent)


@pytest.mark.parametrize(("signer", "hours"), [(SEAL, 73), (SEAL, -1), (ASKING, 0.3), (ASKING, -1)])
def test_a_permission_has_its_time(cast: Cast, signer: str, hours: float) -> None:
    intent = replace(intent_for(signer), expires=soon(60 * hours))
    subject = CUSTODIAN if signer == SEAL else signer

    with pytest.raises(ActivationRefused, match=r"expired|at most"):
        cast.approve(intent, subject)


def test_an_approval_ends_with_its_act(cast: Cast) -> None:
    intent = replace(intent_for(ASKING), expires=soon(1 / 30))
    cast.approve(intent, ASKING)
    while soon(0) < intent.expires + timedelta(seconds=1):
        pass

    with pytest.raises(ActivationRefused, match="expired"):
        cast.web.sign_document(intent)


def test_an_approval_ends_with_its_credential(cast: Cast) -> None:
    device = cast.authority.enrol_person("person-wait-leaving")
    intent = intent_for(SEAL)
    cast.authority.confirm(device, "person-wait-leaving", intent)
    act = cast.authority.officer_act(
        "revoke_credential", subject="person-wait-leaving", credential=device.credential_id.hex()
    )
    cast.authority.officer_does(cast.web.revoke_credential, act)

    assert cast.web.approvals(intent).given == ()
    cast.approve(intent, CUSTODIAN)
    with pytest.raises(ActivationRefused, match="two persons"):
        cast.web.sign_document(intent)

    new = SoftwareAuthenticator.create(RP_ID, ORIGIN)
    fingerprint = cast.authority.register("person-wait-leaving", new)
    again = cast.authority.officer_act("add_credential", subject="person-wait-leaving", credential=fingerprint)
    cast.authority.officer_does(cast.web.add_credential, again)
    cast.authority.confirm(new, "person-wait-leaving", intent)
    assert cast.web.sign_document(intent)


def test_strangers_and_services_are_refused(cast: Cast) -> None:
    intent = intent_for("person-nobody")
    with pytest.raises(UnknownKey):
        cast.approve(intent, ASKING)
    with pytest.raises(ActivationRefused, match="signs no documents"):
        cast.approve(intent_for("evidence"), ASKING)


def test_approvals_are_never_changed_or_deleted(cast: Cast) -> None:
    intent = intent_for(SEAL)
    cast.approve(intent, CUSTODIAN)
    connection = sqlite.connect(cast.authority.root / "authority/authority.db")
    try:
        for statement in ("DELETE FROM approvals", "UPDATE approvals SET subject = 'person-wait-third'"):
            with pytest.raises(sqlite.IntegrityError, match="never"):
                connection.execute(statement)
    finally:
        connection.close()


def test_credentials_are_told_without_anything_that_activates(cast: Cast) -> None:
    secret = enrol_pin(cast.authority, "person-wait-told")

    known = cast.web.credentials("person-wait-told")

    assert [each.kind for each in known] == ["webauthn", "pin-totp"]
    assert known[0].credential_id and known[1].credential_id is None
    raw = repr(cast.web.ask("credentials", {"subject": "person-wait-told"}))
    assert secret.hex() not in raw and "argon2" not in raw
    assert cast.web.credentials("person-nobody") == []


def enrolment(cast: Cast, subject: str) -> OfficerIntent:
    made = cast.authority.register(subject, SoftwareAuthenticator.create(RP_ID, ORIGIN))
    return cast.authority.officer_act(
        "enrol_person", subject=subject, name="李示例", organisation="甲公司示例有限公司", credentials=[made]
    )


def test_two_officers_need_not_act_in_the_same_minute(pair: Cast) -> None:
    act = enrolment(pair, "person-of-two")

    assert not pair.approve(act, OFFICER).enough
    with pytest.raises(ActivationRefused, match="different officers, as many as 2"):
        pair.web.enrol_person(act)
    assert pair.approve(act, SECOND_OFFICER).enough
    assert pair.web.enrol_person(act)


def test_one_officer_does_not_stand_for_two(pair: Cast) -> None:
    act = enrolment(pair, "person-of-one")
    pair.approve(act, OFFICER)

    with pytest.raises(ActivationRefused, match="already"):
        pair.approve(act, OFFICER)
    with pytest.raises(ActivationRefused, match="different officers"):
        pair.web.enrol_person(act)
    with pytest.raises(UnknownKey):
        pair.web.certificate("person-of-one")


def test_officers_approvals_count_for_that_act_alone(pair: Cast) -> None:
    act = enrolment(pair, "person-meant")
    pair.approve(act, OFFICER)
    pair.approve(act, SECOND_OFFICER)

    swapped = replace(act, details={**act.details, "subject": "person-smuggled"})
    with pytest.raises(CertificateRefused, match="no credential with the fingerprint"):
        pair.web.enrol_person(swapped)
    theirs = pair.authority.register("person-smuggled", SoftwareAuthenticator.create(RP_ID, ORIGIN))
    others = pair.authority.register("person-meant", SoftwareAuthenticator.create(RP_ID, ORIGIN))
    for change in ({"subject": "person-smuggled", "credentials": [theirs]}, {"credentials": [others]}):
        with pytest.raises(ActivationRefused, match="another act"):
            pair.web.enrol_person(replace(act, details={**act.details, **change}))
    assert pair.web.enrol_person(act)


def test_persons_approve_nothing_of_the_officers(cast: Cast) -> None:
    act = enrolment(cast, "person-by-person")
    with pytest.raises(ActivationRefused, match="Only officers"):
        cast.approve(act, CUSTODIAN)
    with pytest.raises(ActivationRefused, match="bound to no act"):
        cast.authority.approve(act, answer(OFFICER, bytes(20)))
