"""Officers give people keys for other software: one for each use that the settings allow, and a new one later."""

from __future__ import annotations

import pytest

from appliance.demonstration import participants
from appliance.errors import PreconditionRefused
from appliance.model.office import OfficerDecisionState
from appliance.office import Office, describe_decision
from appliance.wiring import Appliance
from hsm.errors import AuthorityUnreachable
from hsm.remote import RemoteUse, remote_key
from tests.office.conftest import events_of, newcomer, office_with, perform
from tests.office.test_acts import DyingAuthority, enrol


def test_an_officer_gives_a_key_and_later_a_new_one(appliance: Appliance, office: Office) -> None:
    subject = enrol(appliance)
    member = office.members.member(subject)
    assert (member.remote, member.possible) == ((), (RemoteUse.DOCUMENT,))
    given = []
    for _ in range(2):
        act = office.drafts.draft_remote_key(subject, RemoteUse.DOCUMENT, by=participants.OFFICER)
        assert "other software" in str(describe_decision(act, {}))
        assert perform(appliance, act).state is OfficerDecisionState.DONE
        given.append(appliance.authority.certificate(remote_key(subject, RemoteUse.DOCUMENT)))
    assert given[0] != given[1]
    assert office.members.member(subject).remote == (RemoteUse.DOCUMENT,)
    assert events_of(appliance, subject).count("remote-key-added") == 2


def test_what_the_authority_did_before_we_died_is_completed(appliance: Appliance, office: Office) -> None:
    subject = enrol(appliance)
    dying = office_with(appliance, DyingAuthority(appliance.authority, "add_remote_key"))  # type: ignore[arg-type]
    act = office.drafts.draft_remote_key(subject, RemoteUse.DOCUMENT, by=participants.OFFICER)
    with pytest.raises(AuthorityUnreachable):
        perform(appliance, act, dying)
    done = office.decisions.perform_decision(act.id, by=participants.OFFICER)
    assert done.state is OfficerDecisionState.DONE
    assert events_of(appliance, subject).count("remote-key-added") == 1


def test_nobody_gets_one_who_cannot_sign_or_where_it_is_off(appliance: Appliance, office: Office) -> None:
    stranger = newcomer(appliance).subject
    for subject in (stranger, "person-guest-0000000000aa", participants.OFFICER):
        with pytest.raises(PreconditionRefused, match="people of this house"):
            office.drafts.draft_remote_key(subject, RemoteUse.DOCUMENT, by=participants.OFFICER)
    with pytest.raises(PreconditionRefused, match="not signed for other software"):
        office.drafts.draft_remote_key(enrol(appliance), RemoteUse.HASH, by=participants.OFFICER)
