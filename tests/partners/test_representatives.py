"""Representatives: the first is the administrator, who invites, ends and names; officers where none is left."""

from __future__ import annotations

import pytest

from appliance.demonstration.participants import OFFICER, ZHANG
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.accounts import AccountRole, AccountState, Strength
from appliance.model.notice import NoticeKind
from appliance.model.partners import PartnerDetails, RepresentativeDetails, VouchingMeans
from appliance.store import accounts
from appliance.wiring import Appliance
from hsm.names import is_outside
from tests.office.conftest import ask, notices_to
from tests.partners.conftest import HERE, Company, code_of, company, invited, open_account, registered, whom


@pytest.fixture
def gamma(appliance: Appliance) -> Company:
    return company(appliance)


def state_of(appliance: Appliance, subject: str) -> AccountState:
    return appliance.accounts.administration.account(subject).state


def test_the_first_one_is_the_administrator(appliance: Appliance, gamma: Company) -> None:
    everybody = appliance.representatives.of_partner(gamma.partner.id)
    assert [(each.subject, each.administrator) for each in everybody] == [
        (gamma.administrator, True),
        (gamma.second, False),
    ]
    person = appliance.registry.person(gamma.second)
    assert is_outside(person.subject)
    assert (person.organisation, person.guest, person.partner) == (gamma.partner.name, True, gamma.partner.id)
    account = appliance.accounts.administration.account(gamma.second)
    assert (account.roles, account.login) == (frozenset({AccountRole.REPRESENTATIVE}), person.email)
    known = appliance.authority.certificate(gamma.second)
    assert gamma.partner.name.encode() in known


def test_the_house_invites_the_first_one_and_no_other(appliance: Appliance, gamma: Company) -> None:
    for by in (ZHANG.subject, OFFICER):
        with pytest.raises(PreconditionRefused, match="administrator invites"):
            appliance.representatives.invite(gamma.partner.id, whom(800), by=by)
    for by in (gamma.second, company(appliance).administrator):
        with pytest.raises(NotFound):
            appliance.representatives.invite(gamma.partner.id, whom(801), by=by)


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        (RepresentativeDetails("", "x@y.example"), "Give the name"),
        (RepresentativeDetails("某", "x@"), "no e-mail"),
        (RepresentativeDetails("某", f"{'x' * 60}@y.example"), "is the login"),
        (RepresentativeDetails("某", "x@y.example", "call me"), "telephone"),
        (RepresentativeDetails("某", "x@y.example", zone="Nowhere/City"), "no time zone"),
    ],
)
def test_bad_details_get_a_sentence(appliance: Appliance, details: RepresentativeDetails, sentence: str) -> None:
    with pytest.raises(PreconditionRefused, match=sentence):
        appliance.representatives.invite(registered(appliance).id, details, by=ZHANG.subject)


def test_one_address_is_one_account(appliance: Appliance, gamma: Company) -> None:
    for taken in (ZHANG.email, appliance.registry.person(gamma.second).email.upper()):
        with pytest.raises(StateRefused, match="another account"):
            appliance.representatives.invite(
                gamma.partner.id, RepresentativeDetails("某", taken), by=gamma.administrator
            )


def test_no_role_goes_with_that_of_a_representative(appliance: Appliance, gamma: Company) -> None:
    """The workflow refuses, and below it the database."""
    mixed = [frozenset({AccountRole.REPRESENTATIVE, other}) for other in AccountRole]
    for roles in [frozenset({each}) for each in AccountRole] + mixed:
        if roles == {AccountRole.REPRESENTATIVE}:
            continue
        with pytest.raises(PreconditionRefused):
            appliance.accounts.administration.set_roles(gamma.second, roles, by=OFFICER)
        with pytest.raises(PreconditionRefused), appliance.database.transaction() as tx:
            accounts.set_roles(tx, gamma.second, roles)
    for subject in (ZHANG.subject, OFFICER):
        with pytest.raises(PreconditionRefused), appliance.database.transaction() as tx:
            accounts.set_roles(tx, subject, [AccountRole.REPRESENTATIVE])


def test_who_leaves_is_out_at_once(appliance: Appliance, gamma: Company) -> None:
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_session(tx, gamma.second, Strength.PASSKEY, HERE)
    assert appliance.sessions.find_holder(opened.secret) is not None
    before = notices_to(appliance, OFFICER).count(NoticeKind.CERTIFICATE_TO_END)
    ended = appliance.representatives.deactivate(gamma.partner.id, gamma.second, by=gamma.administrator)
    assert ended.state is AccountState.LEFT
    assert appliance.sessions.find_holder(opened.secret) is None
    assert notices_to(appliance, OFFICER).count(NoticeKind.CERTIFICATE_TO_END) == before + 1
    with pytest.raises(StateRefused, match="left already"):
        appliance.representatives.deactivate(gamma.partner.id, gamma.second, by=gamma.administrator)
    decision = appliance.office.members.let_go(gamma.second, by=OFFICER)
    assert decision is not None
    email = appliance.registry.person(gamma.second).email
    again = RepresentativeDetails("回来的人", email)
    appliance.representatives.invite(gamma.partner.id, again, by=gamma.administrator)


def test_an_open_invitation_and_request_end_too(appliance: Appliance, gamma: Company) -> None:
    waits = invited(appliance, gamma.partner, by=gamma.administrator)
    open_account(appliance, waits)
    request = ask(appliance, waits)
    appliance.representatives.deactivate(gamma.partner.id, waits, by=gamma.administrator)
    assert request.id not in [each.id for each in appliance.office.requests.waiting()]
    assert not appliance.authority.pending_credentials(waits)
    fresh = invited(appliance, gamma.partner, by=gamma.administrator)
    appliance.representatives.deactivate(gamma.partner.id, fresh, by=gamma.administrator)
    assert appliance.accounts.administration.open_link(fresh) is None


def test_nobody_ends_another_partners_people(appliance: Appliance, gamma: Company) -> None:
    other = company(appliance)
    for by in (other.administrator, gamma.second):
        for act in (appliance.representatives.deactivate, appliance.representatives.name_administrator):
            with pytest.raises(NotFound):
                act(gamma.partner.id, gamma.second if by != gamma.second else gamma.administrator, by=by)
    with pytest.raises(NotFound):
        appliance.representatives.deactivate(other.partner.id, gamma.second, by=OFFICER)
    with pytest.raises(PreconditionRefused, match="administrator of"):
        appliance.representatives.deactivate(gamma.partner.id, gamma.second, by=ZHANG.subject)
    assert state_of(appliance, gamma.second) is AccountState.ACTIVE


def test_the_administrator_names_another_one(appliance: Appliance, gamma: Company) -> None:
    with pytest.raises(PreconditionRefused, match="another administrator first"):
        appliance.representatives.deactivate(gamma.partner.id, gamma.administrator, by=gamma.administrator)
    with pytest.raises(PreconditionRefused, match="names another one"):
        appliance.representatives.name_administrator(gamma.partner.id, gamma.second, by=OFFICER)
    appliance.representatives.name_administrator(gamma.partner.id, gamma.second, by=gamma.administrator)
    assert appliance.partners.administered_by(gamma.second) == gamma.partner.id
    assert appliance.partners.administered_by(gamma.administrator) is None
    with pytest.raises(NotFound):
        appliance.representatives.invite(gamma.partner.id, whom(802), by=gamma.administrator)


def test_an_officer_names_one_where_none_is_left(appliance: Appliance, gamma: Company) -> None:
    appliance.representatives.deactivate(gamma.partner.id, gamma.administrator, by=OFFICER)
    with pytest.raises(PreconditionRefused, match="An officer names"):
        appliance.representatives.name_administrator(gamma.partner.id, gamma.second, by=ZHANG.subject)
    named = appliance.representatives.name_administrator(gamma.partner.id, gamma.second, by=OFFICER)
    assert named.administrator


def test_a_wrong_first_invitation_is_taken_back_by_who_sent_it(appliance: Appliance) -> None:
    partner = registered(appliance)
    wrong = invited(appliance, partner)
    appliance.representatives.deactivate(partner.id, wrong, by=ZHANG.subject)
    right = invited(appliance, partner)
    assert appliance.representatives.representative(partner.id, right).administrator


def test_a_company_is_registered_together_with_its_first_people(appliance: Appliance) -> None:
    """Signer and keeper of the seal in one act of the house; the administrator invites whoever comes later."""
    partner = appliance.representatives.register(
        PartnerDetails("壬方示例有限公司", code_of(970)),
        VouchingMeans.LICENCE,
        "",
        [whom(970, "壬管理"), whom(971, "壬保管")],
        by=ZHANG.subject,
    )
    people = appliance.representatives.of_partner(partner.id)
    assert [(each.name, each.administrator, each.state, each.invited_by) for each in people] == [
        ("壬管理", True, AccountState.INVITED, ZHANG.subject),
        ("壬保管", False, AccountState.INVITED, ZHANG.subject),
    ]
    for each in people:
        assert appliance.accounts.administration.open_link(each.subject) is not None
    with pytest.raises(PreconditionRefused, match="administrator invites"):
        appliance.representatives.invite(partner.id, whom(972), by=ZHANG.subject)


@pytest.mark.parametrize(
    "second", [whom(973), RepresentativeDetails("某", "x@")], ids=["same address", "no address"]
)
def test_where_one_cannot_be_invited_nothing_is_registered(
    appliance: Appliance, second: RepresentativeDetails
) -> None:
    details = PartnerDetails("癸方示例有限公司", code_of(973))
    with pytest.raises((PreconditionRefused, StateRefused)):
        appliance.representatives.register(
            details, VouchingMeans.LICENCE, "", [whom(973), second], by=ZHANG.subject
        )
    assert appliance.partners.page(details.name) == []


def test_no_more_than_two_come_with_the_company(appliance: Appliance) -> None:
    details = PartnerDetails("子方示例有限公司", code_of(974))
    people = [whom(number) for number in (974, 975, 976)]
    with pytest.raises(PreconditionRefused, match="At most 2"):
        appliance.representatives.register(details, VouchingMeans.LICENCE, "", people, by=ZHANG.subject)
