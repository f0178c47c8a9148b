"""Officers' acts: who may, once, in time, whole; and what is true afterwards."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta

import pytest

from appliance.demonstration import participants
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.office import (
    EnrolmentRequestState,
    OfficerDecisionKind,
    OfficerDecisionState,
    ProposedCredential,
)
from appliance.model.people import SealKind
from appliance.office import Office, SealDraft, describe_decision
from appliance.wiring import Appliance
from hsm.errors import ActivationRefused, AuthorityUnreachable
from tests.hsm.test_activation import register_pin
from tests.office.conftest import (
    VERIFIED,
    activate,
    activation_service,
    ask,
    events_of,
    newcomer,
    notices_to,
    office_with,
    perform,
    register,
)
from tests.world import World, require_refused


def enrol(appliance: Appliance, **details: str) -> str:
    """A newcomer whom the officer has enrolled; the subject."""
    person = newcomer(appliance, **details)
    asked = ask(appliance, person.subject)
    act = appliance.office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    perform(appliance, act)
    return person.subject


def test_an_approved_request_makes_a_certificate(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    proposed, device = register(appliance, person.subject)
    asked = office.requests.submit_request(person.subject, by=person.subject)
    act = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    assert act.kind is OfficerDecisionKind.ENROL_PERSON
    assert "赵示例" in str(describe_decision(act, {}))
    assert office.decisions.to_activate(act).details["credentials"] == [proposed.fingerprint]

    done = perform(appliance, act)

    assert (done.state, done.approved_by) == (OfficerDecisionState.DONE, (participants.OFFICER,))
    assert "was given a key and a certificate" in str(describe_decision(done, {}))
    assert appliance.registry.certificate(person.subject) == appliance.authority.certificate(person.subject)
    assert office.requests.find_request(asked.id).state is EnrolmentRequestState.APPROVED
    assert events_of(appliance, person.subject)[-1] == "person-enrolled"
    assert notices_to(appliance, person.subject) == ["enrolled"]
    known = appliance.authority.credentials(person.subject)
    assert [each.credential_id for each in known] == [device.credential_id]


def test_how_the_identity_was_verified_is_in_the_log_as_a_commitment_alone(appliance: Appliance) -> None:
    subject = enrol(appliance)
    with appliance.database.reading() as tx:
        leaves = [bytes(row[0]) for row in tx.execute("SELECT leaf FROM ledger")]
        fields = [bytes(row[0]) for row in tx.execute("SELECT fields FROM openings")]
    assert not any("身份证" in leaf.decode() for leaf in leaves)
    assert any("身份证" in each.decode(errors="replace") or b"\\u8eab" in each for each in fields)
    assert subject in b"".join(leaves).decode()


def test_pin_and_passkey_are_enrolled_together_and_forgotten_here(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    passkey, _ = register(appliance, person.subject)
    secret = secrets.token_bytes(20)
    with activation_service(appliance) as service:
        pin = ProposedCredential("pin-totp", register_pin(service, person.subject, secret))
    asked = office.requests.submit_request(person.subject, by=person.subject)
    assert asked.credentials == (passkey, pin)
    act = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)

    perform(appliance, act)

    assert {each.kind for each in appliance.authority.credentials(person.subject)} == {"webauthn", "pin-totp"}
    with appliance.database.reading() as tx:
        assert tx.execute(
            "SELECT count(*) FROM proposed_credentials WHERE request = ?", (asked.id,)
        ).fetchone() == (0,)
        kept = tx.execute("SELECT group_concat(details || notes) FROM office_acts").fetchone()[0]
    assert base64.b32encode(secret).decode() not in kept and secret.hex() not in kept and "argon2" not in kept
    assert appliance.authority.pending_credentials(person.subject) == []
    for path in appliance.settings.home.database.parent.glob(f"{appliance.settings.home.database.name}*"):
        content = path.read_bytes()
        assert (
            secret not in content
            and base64.b32encode(secret) not in content
            and b"argon2id$v=19$m=19456" not in content
        )


def test_one_more_credential_for_who_is_enrolled(appliance: Appliance, office: Office) -> None:
    subject = enrol(appliance)
    proposed, device = register(appliance, subject)
    asked = office.requests.submit_request(subject, by=subject)
    act = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    assert act.kind is OfficerDecisionKind.ADD_CREDENTIAL
    assert office.decisions.to_activate(act).details["credential"] == proposed.fingerprint

    perform(appliance, act)

    assert device.credential_id in [each.credential_id for each in appliance.authority.credentials(subject)]
    assert events_of(appliance, subject)[-1] == "credential-added"


def test_without_words_on_the_identity_nothing_is_prepared(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    asked = ask(appliance, person.subject)
    for wrong in ("", "   ", "长" * 501):
        with pytest.raises(PreconditionRefused):
            office.drafts.draft_enrolment(asked.id, verified=wrong, by=participants.OFFICER)
    with pytest.raises(NotFound):
        office.drafts.draft_enrolment("ff", verified=VERIFIED, by=participants.OFFICER)


def test_a_person_is_no_officer(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    asked = ask(appliance, person.subject)
    act = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    require_refused(
        appliance, participants.ZHANG.subject, office.decisions.to_activate(act), match="Only officers"
    )

    for by in (participants.ZHANG.subject, participants.OFFICER):
        with pytest.raises(StateRefused, match="not confirmed"):
            office.decisions.perform_decision(act.id, by=by)
    with pytest.raises(ActivationRefused):
        appliance.authority.enrol_person(office.decisions.to_activate(act))
    assert office.decisions.find_decision(act.id).state is OfficerDecisionState.OPEN
    assert office.requests.find_request(asked.id).state is EnrolmentRequestState.OPEN


def test_an_activation_of_another_act_does_nothing(appliance: Appliance, office: Office) -> None:
    acts = []
    for _ in range(2):
        person = newcomer(appliance)
        asked = ask(appliance, person.subject)
        acts.append(office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER))

    meant, other = map(office.decisions.to_activate, acts)
    require_refused(appliance, participants.OFFICER, meant, instead=other, match="does not verify")
    activate(appliance, acts[1])
    with pytest.raises(StateRefused, match="not confirmed"):
        office.decisions.perform_decision(acts[0].id, by=participants.OFFICER)
    with pytest.raises(ActivationRefused):
        appliance.authority.enrol_person(meant)
    assert office.decisions.find_decision(acts[0].id).state is OfficerDecisionState.OPEN


def test_an_act_ends_once(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    asked = ask(appliance, person.subject)
    first = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    second = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    activate(appliance, second)
    perform(appliance, first)

    for over in (first, second):
        with pytest.raises(StateRefused, match="in the meantime"):
            office.decisions.perform_decision(over.id, by=participants.OFFICER)
    with pytest.raises(StateRefused, match="in the meantime"):
        office.decisions.refuse_decision(first.id, reason="zu spät", by=participants.OFFICER)
    assert events_of(appliance, person.subject).count("person-enrolled") == 1


def test_an_expired_act_does_nothing(world: World, appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    asked = ask(appliance, person.subject)
    act = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    activate(appliance, act)

    with world.opened(ahead=timedelta(minutes=16)) as later:
        assert act not in later.office.decisions.waiting_decisions()
        with pytest.raises(StateRefused, match="run out"):
            later.office.decisions.perform_decision(act.id, by=participants.OFFICER)
    assert office.decisions.find_decision(act.id).state is OfficerDecisionState.EXPIRED
    assert office.requests.find_request(asked.id).state is EnrolmentRequestState.OPEN


def test_a_refused_act_leaves_its_request_open(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance)
    asked = ask(appliance, person.subject)
    act = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)

    activate(appliance, act)
    intent = office.decisions.to_activate(act)
    office.decisions.refuse_decision(act.id, reason="先核对证件", by=participants.OFFICER)

    with pytest.raises(ActivationRefused, match="withdrawn"):
        appliance.authority.enrol_person(intent)
    assert appliance.authority.credentials(person.subject) == []
    assert office.decisions.find_decision(act.id).state is OfficerDecisionState.REFUSED
    assert office.requests.find_request(asked.id).state is EnrolmentRequestState.OPEN
    assert events_of(appliance, person.subject)[-1] == "office-act-refused"


class DyingAuthority:
    """The authority, whose answer is lost once it has done what was asked."""

    def __init__(self, real: object, operation: str) -> None:
        self._real = real
        self._operation = operation

    def __getattr__(self, name: str) -> object:
        found = getattr(self._real, name)
        if name != self._operation:
            return found

        def lost(*arguments: object) -> None:
            found(*arguments)
            raise AuthorityUnreachable("The authority does not answer.")

        return lost


@pytest.mark.parametrize("operation", ["approvals", "enrol_person"])
def test_what_the_authority_did_before_we_died_is_completed(appliance: Appliance, operation: str) -> None:
    office = appliance.office
    dying = office_with(appliance, DyingAuthority(appliance.authority, operation))  # type: ignore[arg-type]
    person = newcomer(appliance)
    asked = ask(appliance, person.subject)
    act = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    with pytest.raises(AuthorityUnreachable):
        perform(appliance, act, dying)
    assert office.decisions.find_decision(act.id).state is OfficerDecisionState.OPEN

    done = office.decisions.perform_decision(act.id, by=participants.OFFICER)

    assert done.state is OfficerDecisionState.DONE
    assert appliance.registry.certificate(person.subject)
    assert events_of(appliance, person.subject).count("person-enrolled") == 1


@pytest.mark.parametrize("operation", ["add_credential", "revoke_credential", "retire"])
def test_other_acts_are_completed_too(appliance: Appliance, operation: str) -> None:
    office = appliance.office
    dying = office_with(appliance, DyingAuthority(appliance.authority, operation))  # type: ignore[arg-type]
    subject = enrol(appliance)
    if operation == "add_credential":
        asked = ask(appliance, subject)
        act = office.drafts.draft_enrolment(asked.id, verified=VERIFIED, by=participants.OFFICER)
    elif operation == "revoke_credential":
        [known] = appliance.authority.credentials(subject)
        assert known.credential_id is not None
        act = office.drafts.draft_revocation(subject, known.credential_id.hex(), by=participants.OFFICER)
    else:
        act = office.drafts.draft_leaving(subject, by=participants.OFFICER)
    with pytest.raises(AuthorityUnreachable):
        perform(appliance, act, dying)

    done = office.decisions.perform_decision(act.id, by=participants.OFFICER)
    assert done.state is OfficerDecisionState.DONE


def test_a_seal_is_made_with_its_custodians(appliance: Appliance, office: Office) -> None:
    custodian = enrol(appliance, name="周保管")
    draft = SealDraft(participants.ALPHA, SealKind.COMPANY, (custodian, custodian), 42.5)

    act = office.drafts.draft_seal(draft, by=participants.OFFICER)
    assert "周保管" in str(describe_decision(act, {custodian: "周保管"}))
    assert act.notes["width_tenths_mm"] == 425, "which the page shows, too"
    perform(appliance, act)

    seal = appliance.registry.seal(act.subject)
    assert (seal.kind, seal.custodians, seal.width_mm) == (SealKind.COMPANY, (custodian,), 42.5)
    assert appliance.registry.certificate(act.subject)
    assert events_of(appliance, act.subject) == ["seal-registered"]


def test_what_no_seal_can_be(appliance: Appliance, office: Office) -> None:
    stranger = newcomer(appliance)
    for draft in (
        SealDraft(participants.ALPHA, SealKind.COMPANY, (), 42),
        SealDraft(participants.ALPHA, SealKind.COMPANY, (participants.LI.subject,), 42),
        SealDraft(participants.ALPHA, SealKind.COMPANY, (stranger.subject,), 42),
        SealDraft(participants.ALPHA, SealKind.COMPANY, (participants.CUSTODIAN.subject,), 9.9),
        SealDraft(participants.ALPHA, SealKind.COMPANY, (participants.CUSTODIAN.subject,), float("nan")),
        SealDraft("没有的公司", SealKind.COMPANY, (participants.CUSTODIAN.subject,), 42),
    ):
        with pytest.raises(PreconditionRefused):
            office.drafts.draft_seal(draft, by=participants.OFFICER)


def test_a_seal_is_suspended_and_let_go_again(appliance: Appliance, office: Office) -> None:
    seal = participants.CONTRACT_SEAL.subject
    with pytest.raises(PreconditionRefused, match="why"):
        office.seals.suspend(seal, reason=" ", by=participants.OFFICER)
    office.seals.suspend(seal, reason="印模遗失", by=participants.OFFICER)
    assert appliance.registry.seal(seal).suspended is not None
    with pytest.raises(StateRefused, match="in the meantime"):
        office.seals.suspend(seal, reason="again", by=participants.OFFICER)

    assert appliance.authority.seal(seal).suspended is not None

    act = office.drafts.seals.draft_resumption(seal, reason="已找回", by=participants.OFFICER)
    perform(appliance, act)

    assert appliance.registry.seal(seal).suspended is None
    assert events_of(appliance, seal)[-2:] == ["seal-suspended", "seal-resumed"]
    with pytest.raises(NotFound):
        office.seals.suspend("seal-none", reason="x", by=participants.OFFICER)


def test_a_revoked_credential_is_gone(appliance: Appliance, office: Office) -> None:
    subject = enrol(appliance)
    [known] = appliance.authority.credentials(subject)
    assert known.credential_id is not None
    act = office.drafts.draft_revocation(subject, known.credential_id.hex(), by=participants.OFFICER)

    perform(appliance, act)

    assert appliance.authority.credentials(subject) == []
    with pytest.raises(StateRefused, match="no such credential"):
        office.drafts.draft_revocation(subject, known.credential_id.hex(), by=participants.OFFICER)
    with pytest.raises(StateRefused, match="no such credential"):
        office.drafts.draft_revocation(subject, "pin-totp", by=participants.OFFICER)


def test_who_has_left_signs_no_more(appliance: Appliance, office: Office) -> None:
    subject = enrol(appliance)
    act = office.members.let_go(subject, by=participants.OFFICER)
    assert act is not None

    perform(appliance, act)

    assert appliance.authority.credentials(subject) == []
    assert events_of(appliance, subject)[-1] == "person-left"


def test_nobody_lets_themselves_go(office: Office) -> None:
    with pytest.raises(StateRefused, match="another officer"):
        office.drafts.draft_leaving(participants.OFFICER, by=participants.OFFICER)


def test_the_list_is_searched_in_pages(appliance: Appliance, office: Office) -> None:
    person = newcomer(appliance, name="百分之%示例")

    assert [each.subject for each in office.members.page("之%示").entries] == [person.subject]
    assert office.members.page("没有这个人").entries == ()
    assert office.members.page("").following == "" or len(office.members.page("").entries) == 50
    with pytest.raises(NotFound):
        office.members.member("person-nobody")
