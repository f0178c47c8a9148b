"""Who can have which role: refused by the workflow, and by the tables whatever the workflow does."""

from __future__ import annotations

import pysqlite3
import pytest

from appliance.accounts.accounts import account_problems
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.accounts import AccountRole, AccountState, NewAccount
from tests.accounts.conftest import OFFICER, Site

WRONG = [
    ("person", AccountRole.OFFICER),
    ("person", AccountRole.AUDITOR),
    ("person", AccountRole.OPERATOR),
    ("officer", AccountRole.SIGNER),
    ("officer", AccountRole.AUDITOR),
    ("auditor", AccountRole.INITIATOR),
    ("operator", AccountRole.SIGNER),
    ("operator", AccountRole.OFFICER),
    ("guest", AccountRole.SIGNER),
]


def new(
    kind: str = "person", login: str = "chen", roles: frozenset[AccountRole] = frozenset({AccountRole.SIGNER})
) -> NewAccount:
    return NewAccount(kind, login, "陈示例", "甲公司示例有限公司", f"{login}@alpha.example", roles)


@pytest.mark.parametrize(("kind", "role"), WRONG)
def test_an_invitation_with_a_forbidden_role_is_refused(site: Site, kind: str, role: AccountRole) -> None:
    with pytest.raises(PreconditionRefused):
        site.service.administration.invite(new(kind, roles=frozenset({role})), by=OFFICER)
    assert site.told() == []


@pytest.mark.parametrize(("kind", "role"), WRONG[:-1])
def test_the_table_refuses_it_too(site: Site, kind: str, role: AccountRole) -> None:
    right = {
        "person": AccountRole.SIGNER,
        "officer": AccountRole.OFFICER,
        "auditor": AccountRole.AUDITOR,
        "operator": AccountRole.OPERATOR,
    }
    subject = site.service.administration.invite(new(kind, roles=frozenset({right[kind]})), by=OFFICER).subject
    with pytest.raises(pysqlite3.IntegrityError), site.context.database.transaction() as tx:
        tx.execute("INSERT INTO account_roles (subject, role) VALUES (?, ?)", (subject, role))


def test_a_guest_never_gets_an_account(site: Site) -> None:
    invited = site.service.administration.invite(new(login="guest-0123456789ab"), by=OFFICER)
    assert not invited.subject.startswith("person-guest")
    with pytest.raises(pysqlite3.IntegrityError), site.context.database.transaction() as tx:
        tx.execute("UPDATE accounts SET subject = 'person-guest-0123456789ab'")


def test_one_human_has_one_account(site: Site) -> None:
    site.invited("chen")
    again = NewAccount(
        "operator",
        "chen2",
        "陈示例",
        "甲公司示例有限公司",
        "CHEN@alpha.example",
        frozenset({AccountRole.OPERATOR}),
    )
    with pytest.raises(StateRefused, match="belongs to another account"):
        site.service.administration.invite(again, by=OFFICER)
    with pytest.raises(StateRefused, match="is taken"):
        site.service.administration.invite(
            NewAccount("auditor", "Chen", "陈", "甲", "other@alpha.example", frozenset({AccountRole.AUDITOR})),
            by=OFFICER,
        )


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "甲" * 201}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"organisation": " "}, "organisation"),
        ({"login": ""}, "login"),
        ({"login": "a" * 65}, "login"),
        ({"login": "张三"}, "login"),
        ({"login": "<b>"}, "login"),
        ({"email": "nobody"}, "email"),
        ({"email": "a@b\r\nBcc: c@d.example"}, "email"),
        ({"roles": frozenset()}, "roles"),
    ],
)
def test_a_bad_value_is_named_at_its_place(changed: dict[str, object], place: str) -> None:
    values = {
        "kind": "person",
        "login": "chen",
        "name": "陈示例",
        "organisation": "甲",
        "email": "chen@alpha.example",
        "roles": frozenset({AccountRole.SIGNER}),
    }
    assert list(account_problems(NewAccount(**{**values, **changed}))) == [place]  # type: ignore[arg-type]  # on purpose


def test_names_stay_as_they_were_written(site: Site) -> None:
    invited = site.service.administration.invite(
        NewAccount("person", "yoshino", "<b>𠮷野</b>", "甲", "y@alpha.example", frozenset({AccountRole.SIGNER})),
        by=OFFICER,
    )
    assert site.context.registry.person(invited.subject).name == "<b>𠮷野</b>"
    assert all("𠮷野" not in str(entry) for entry in site.entries())


def test_roles_are_changed_by_an_officer_and_never_by_oneself(site: Site) -> None:
    subject = site.set_up("chen").session.subject
    administration = site.service.administration
    with pytest.raises(PreconditionRefused, match="their own"):
        administration.set_roles(subject, frozenset({AccountRole.REVIEWER}), by=subject)
    with pytest.raises(PreconditionRefused):
        administration.set_roles(subject, frozenset({AccountRole.SIGNER, AccountRole.OPERATOR}), by=OFFICER)
    administration.set_roles(subject, frozenset({AccountRole.INITIATOR, AccountRole.CUSTODIAN}), by=OFFICER)
    assert administration.account(subject).roles == {AccountRole.INITIATOR, AccountRole.CUSTODIAN}
    assert site.told()[-1] == "roles-changed"


def test_a_suspended_account_is_out_at_once_and_back_when_resumed(site: Site) -> None:
    opened = site.set_up("chen")
    subject = opened.session.subject
    assert site.context.sessions.find_holder(opened.secret) is not None
    site.service.administration.suspend(subject, by=OFFICER)
    assert site.context.sessions.find_holder(opened.secret) is None
    with pytest.raises(StateRefused):
        site.service.administration.suspend(subject, by=OFFICER)
    site.service.administration.resume(subject, by=OFFICER)
    assert site.context.sessions.find_holder(opened.secret) is None, "what ended stays ended"
    assert site.sign_in("chen").session.subject == subject


def test_a_closed_account_stays_closed(site: Site) -> None:
    subject = site.set_up("chen").session.subject
    with site.context.database.transaction() as tx:
        tx.execute("UPDATE accounts SET state = 'left' WHERE subject = ?", (subject,))
    with pytest.raises(pysqlite3.IntegrityError), site.context.database.transaction() as tx:
        tx.execute("UPDATE accounts SET state = 'active' WHERE subject = ?", (subject,))
    assert site.service.administration.account(subject).state is AccountState.LEFT
