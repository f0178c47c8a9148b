"""PIN custodians end with their accounts, at a real authority; who decides is told how many are left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import copy
from pathlib import Path

import pytest

from appliance.accounts.context import AccountsContext
from appliance.accounts.tickets import LinkTokens
from appliance.administration import CONSOLE
from appliance.administration.action import ExecutedBy
from appliance.administration.pin_custodians import WITHDRAWN, PinCustodianEnd, PinCustodians
from appliance.clock import utc_now
from appliance.errors import NotFound, PreconditionRefused, StateRefused, StorageError
from appliance.home import make_directory
from appliance.model.administration import (
    ROOT,
    AdministratorRole,
    AdminRequest,
    AdminRequestState,
    DualControlRole,
)
from appliance.model.office import NewPinCustodian, OfficerDecision
from appliance.model.office import OfficerDecisionState as OfficeActState
from appliance.office.decisions import OfficerDecisions
from appliance.office.drafts import DecisionDrafts
from appliance.store.database import Database
from hsm.authenticator import SoftwareAuthenticator
from hsm.errors import ActivationRefused, AuthorityUnreachable
from hsm.names import LONGEST_LOGIN, pin_custodian_subject
from tests.administration.conftest import Site, confirm_key, opened_site
from tests.authority import OFFICER, ORGANISATION, RunningAuthority, running_authority

S, Y = AdministratorRole.SYSTEM, AdministratorRole.SECURITY
CUSTODIANS = ("sun", "zhou", "qian")
EVERYTHING = CONSOLE.executes | {ExecutedBy.PRIVILEGED_HELPER}


@pytest.fixture(scope="module")
def own() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as authority:
        yield authority


@pytest.fixture
def site(tmp_path: Path, own: RunningAuthority) -> Iterator[Site]:
    """Three PIN custodians who have an account, and shi, who is none; whoever performs may do what root may."""
    with opened_site(tmp_path, hands=EVERYTHING) as site:
        for login, role in (("sun", S), ("zhou", Y), ("qian", S), ("shi", Y)):
            site.set_up_with_key(login, role)
        for login in CUSTODIANS:
            enrol(site, own, login)
        run = make_directory(site.settings.home.run)
        for role in ("console", "operator"):
            (run / f"authority-{role}.sock").symlink_to(own.socket(role))
        yield site


def enrol(site: Site, own: RunningAuthority, login: str) -> None:
    """By officers, with the passkey that *login* has now."""
    act = own.officer_act(
        "enrol_keeper",
        subject=pin_custodian_subject(login),
        name="示例",
        organisation=ORGANISATION,
        credentials=[site.devices[login].inside.credential()],
    )
    own.officer_does(own.client("web").enrol_pin_custodian, act)


def done(site: Site, name: str, login: str, *, asks: str = "zhou", agrees: str = "shi") -> AdminRequest:
    """Zhou asks for it, and another one agrees."""
    act = site.ask_signed(name, {"login": login}, asks)
    answer = site.sign(act, DualControlRole.APPROVES, agrees)
    return site.administration.requests.approve_request(act.id, by=site.actor(agrees), answer=answer)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("administrators.reset", "The ways in of sun have ended, who is no keeper of the PIN any more."),
        ("administrators.remove", "The account of sun is closed, who is no keeper of the PIN any more."),
        ("keys.keeper_end", "sun is no keeper of the PIN any more."),
    ],
)
def test_whose_account_ends_is_no_keeper_any_more(site: Site, own: RunningAuthority, name: str, said: str) -> None:
    """Also while the authority is locked, when it matters."""
    own.client("console").lock()
    act = done(site, name, "sun")
    assert act.state is AdminRequestState.DONE and act.outcome is not None
    assert act.outcome.template.format(**act.outcome.values) == f"{said} Keepers left: 2; it takes two."
    assert own.client("operator").credentials("keeper-sun") == []
    assert site.administration.pin_custodians.able_logins() == ["qian", "zhou"]
    assert "keeper-ended" in site.told()


def test_of_who_was_no_keeper_nothing_is_said(site: Site) -> None:
    act = done(site, "administrators.reset", "qian")
    assert act.outcome is not None and act.outcome.values["left"] == 2
    again = done(site, "administrators.reset", "qian")
    assert again.outcome is not None and again.outcome.template == "The ways in of {login} have ended."
    ended = done(site, "keys.keeper_end", "qian")
    assert ended.outcome is not None and ended.outcome.template == "{login} is no keeper of the PIN."
    assert site.told().count("keeper-ended") == 1


def test_who_decides_is_told_that_fewer_than_two_will_be_left(site: Site, own: RunningAuthority) -> None:
    def warning(name: str, login: str) -> str:
        return str(site.administration.pin_custodians.warning(name, {"login": login}) or "")

    assert warning("administrators.remove", "shi") == ""
    assert warning("administrators.suspend", "sun") == ""
    for name in ("administrators.remove", "administrators.reset", "keys.keeper_end"):
        assert warning(name, " Sun ") == (
            "sun is a keeper of the PIN and will be none. Keepers left then: 2; it takes two."
        )
    site.administration.administrators.suspend("qian", by=ROOT)  # who cannot sign in does not count
    assert "Keepers left then: 1; it takes two, so that only root on the machine" in warning(
        "keys.keeper_end", "sun"
    )
    for name in ("administrators.remove", "administrators.reset", "keys.keeper_end"):
        draft = site.administration.requests.draft_request(name, {"login": "sun"}, by=site.actor("zhou"))
        assert "fewer than two" in draft.effect, "what both of them sign says so, too"


def test_a_way_in_ends_also_while_the_authority_does_not_answer(tmp_path: Path) -> None:
    with opened_site(tmp_path, hands=EVERYTHING) as site:
        for login, role in (("sun", S), ("zhou", Y), ("shi", Y), ("qian", S)):
            site.set_up_with_key(login, role)
        warning = site.administration.pin_custodians.warning("administrators.reset", {"login": "sun"})
        assert "is not known now" in str(warning)
        for name, begins in (
            ("administrators.reset", "The ways in of sun have ended. But"),
            ("administrators.remove", "The account of sun is closed. But"),
        ):
            act = done(site, name, "sun")
            assert act.state is AdminRequestState.DONE and act.outcome is not None
            said = act.outcome.template.format(**act.outcome.values)
            assert said.startswith(begins) and "ask for keys.keeper_end" in said
        assert done(site, "keys.keeper_end", "sun").state is AdminRequestState.FAILED


def test_what_root_takes_back_does_not_unlock_any_more(site: Site, own: RunningAuthority) -> None:
    """One passkey, or all of them."""
    first = site.devices["qian"].inside
    presence = site.sign_in("qian")
    confirm_key(site.administration.confirming, "qian", site.register(presence))
    second = site.devices["qian"].inside
    act = own.officer_act(
        "enrol_keeper",
        subject="keeper-qian",
        name="示例",
        organisation=ORGANISATION,
        credentials=[first.credential(), second.credential()],
    )
    own.officer_does(own.client("web").enrol_pin_custodian, act)
    lost = site.administration.own.passkeys_of("qian")[0].fingerprint

    count, ended = site.administration.confirming.unconfirm("qian", lost)

    assert (count, ended.ended, ended.left) == (1, True, 3)
    [left] = own.client("operator").credentials("keeper-qian")
    assert left.credential_id == second.credential_id
    count, ended = site.administration.confirming.unconfirm("qian")
    assert (count, ended.ended, ended.left) == (1, True, 2)
    assert "Keepers left: 2" in str(ended.sentence_about("qian"))


@pytest.mark.parametrize("which", ["one", "all"])
def test_what_root_takes_back_while_the_authority_is_silent_is_taken_back_there_by_doing_it_again(
    site: Site, own: RunningAuthority, which: str
) -> None:
    """Also by the fingerprint of one whose owner has removed it."""
    confirming, presence = site.administration.confirming, site.administration.sessions.find_holder
    [passkey] = site.administration.own.passkeys_of("sun")
    owner = presence(site.sign_in("sun").secret)
    assert owner is not None
    site.administration.own.remove_passkey(owner, passkey.fingerprint)
    fingerprint = passkey.fingerprint if which == "one" else ""

    with silent(site, own):
        count, ended = confirming.unconfirm("sun", fingerprint)
        assert (count, ended.ended) == (1, None)
        assert "does not answer" in str(ended.sentence_about("sun"))
        with pytest.raises(AuthorityUnreachable):
            confirming.unconfirm("sun", fingerprint)
    assert own.client("operator").credentials("keeper-sun")

    count, ended = confirming.unconfirm(" Sun ", fingerprint)
    assert (count, ended.ended, ended.left) == (0, True, 2)
    assert own.client("operator").credentials("keeper-sun") == []
    with pytest.raises(NotFound):
        confirming.unconfirm("sun", fingerprint)


ENDS = ("administrators.reset", "administrators.remove", "keys.keeper_end", "unconfirm")


@pytest.mark.parametrize("answers", [True, False], ids=["answering", "silent"])
@pytest.mark.parametrize("how", ENDS)
def test_officers_do_not_bring_back_who_was_ended_by_an_act_from_before(
    site: Site, own: RunningAuthority, how: str, *, answers: bool
) -> None:
    """It waits for a day: an end has the last word over it, whether or not the authority answers meanwhile."""
    new = SoftwareAuthenticator.create(site.settings.console.relying_party, site.settings.console.origin)
    preparing, performing = offices(site, own)
    act = prepared(site, preparing, "sun", new)

    with nullcontext() if answers else silent(site, own):
        if how == "unconfirm":
            assert site.administration.confirming.unconfirm("sun")[0] == 1
        else:
            done(site, how, "sun")

    with pytest.raises(ActivationRefused, match="withdrawn") if answers else nullcontext():
        own.confirm(own.officer, OFFICER, performing.to_activate(act))
    with pytest.raises(StateRefused):
        performing.perform_decision(act.id, by=OFFICER)
    after = performing.find_decision(act.id)
    assert (after.state, after.reason) == (OfficeActState.REFUSED, WITHDRAWN.template)
    known = [each.credential_id for each in own.client("operator").credentials("keeper-sun")]
    assert new.credential_id not in known and bool(known) is not answers
    [told] = [entry for entry in site.logged() if entry.get("kind") == "enrol_keeper"]
    assert told["actor"] == ("root" if how == "unconfirm" else "administrator-zhou")


def test_a_passkey_that_is_taken_back_ends_no_act_by_another_one(site: Site, own: RunningAuthority) -> None:
    """As when a lost one is being replaced."""
    lost = site.administration.own.passkeys_of("sun")[0].fingerprint
    confirm_key(site.administration.confirming, "sun", site.register(site.sign_in("sun")))
    preparing, performing = offices(site, own)
    act = prepared(site, preparing, "sun")

    count, ended = site.administration.confirming.unconfirm("sun", lost)

    assert (count, ended.ended, ended.withdrawn) == (1, True, False)
    assert performing.find_decision(act.id).state is OfficeActState.OPEN


def test_who_was_to_become_a_keeper_is_ended_before(site: Site, own: RunningAuthority) -> None:
    preparing, performing = offices(site, own)
    act = prepared(site, preparing, "shi")

    ended = done(site, "keys.keeper_end", "shi", asks="qian", agrees="zhou")

    assert ended.state is AdminRequestState.DONE and ended.outcome is not None
    assert "what waited for the officers has ended" in ended.outcome.template
    assert performing.find_decision(act.id).state is OfficeActState.REFUSED
    assert "keeper-ended" not in site.told()


@pytest.mark.parametrize("how", ENDS)
def test_an_end_is_told_although_nobody_could_count_who_is_left(
    site: Site, own: RunningAuthority, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def silent_now() -> list[str]:
        raise AuthorityUnreachable("The authority does not answer.")

    monkeypatch.setattr(site.administration.pin_custodians, "able_logins", silent_now)
    if how == "unconfirm":
        said = str(site.administration.confirming.unconfirm("sun")[1].sentence_about("sun"))
    else:
        act = done(site, how, "sun")
        assert act.state is AdminRequestState.DONE and act.outcome is not None
        said = act.outcome.template.format(**act.outcome.values)
    assert "How many keepers are left is not known" in said and "not have ended" not in said
    assert own.client("operator").credentials("keeper-sun") == []


def test_a_keeper_ends_also_while_the_portals_database_does_not_open(site: Site, own: RunningAuthority) -> None:
    def broken() -> Database:
        raise StorageError("It does not open.")

    context = copy(site.administration.pin_custodians._context)
    context.portal = broken
    custodians = PinCustodians(context, own.client("operator"), own.client("operator"))

    assert custodians.try_end_custodian("sun", by=ROOT) == PinCustodianEnd(ended=None, left=None)

    assert own.client("operator").credentials("keeper-sun") == []
    with pytest.raises(StorageError):
        custodians.end_custodian("sun", by=ROOT)


@contextmanager
def silent(site: Site, own: RunningAuthority) -> Iterator[None]:
    """Nobody reaches the authority."""
    links = [site.settings.home.run / f"authority-{role}.sock" for role in ("console", "operator")]
    for link in links:
        link.unlink()
    yield
    for link, role in zip(links, ("console", "operator"), strict=True):
        link.symlink_to(own.socket(role))


def offices(site: Site, own: RunningAuthority) -> tuple[DecisionDrafts, OfficerDecisions]:
    """The officers' side, in the site's portal."""
    database, web = site.administration.pin_custodians._context.portal(), own.client("web")
    context = AccountsContext(site.settings, database, web, LinkTokens(bytes(32)), utc_now)
    return DecisionDrafts(context), OfficerDecisions(context)


def prepared(site: Site, preparing: DecisionDrafts, login: str, *more: SoftwareAuthenticator) -> OfficerDecision:
    """A decision that waits for officers: *login* becomes PIN custodian by the present passkey, and by *more*."""
    devices = (site.devices[login].inside, *more)
    passkeys = [(each.credential_id, bytes.fromhex(each.credential()["public_key"])) for each in devices]
    custodian = NewPinCustodian(
        pin_custodian_subject(login), "示例", tuple(passkeys), site.settings.console.relying_party
    )
    return preparing.services.draft_pin_custodian(custodian, organisation=ORGANISATION, by="administrator-zhou")


def test_a_login_is_as_long_as_a_keeper_may_be_called(site: Site, own: RunningAuthority) -> None:
    longest = "x" * LONGEST_LOGIN
    site.set_up_with_key(longest, S)
    enrol(site, own, longest)
    assert longest in site.administration.pin_custodians.able_logins()
    with pytest.raises(PreconditionRefused, match=f"2 to {LONGEST_LOGIN}"):
        site.add(longest + "x", S)


def test_nobody_is_ended_who_is_no_keeper(site: Site) -> None:
    with pytest.raises(StateRefused, match="shi is no keeper"):
        site.administration.administrators.end_pin_custodian("shi", by=ROOT)
