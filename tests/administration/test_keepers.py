"""Keepers of the PIN end with their accounts, at a real authority; who decides is told how many are left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.administration import CONSOLE
from appliance.administration.action import Hand
from appliance.administration.keepers import KeeperEnd
from appliance.errors import PreconditionRefused, StateRefused
from appliance.home import make_directory
from appliance.model.administration import ROOT, Act, ActState, AdministratorRole, Part
from hsm.subjects import LONGEST_LOGIN, keeper_of
from tests.administration.conftest import House, opened_house
from tests.authority import ORGANISATION, RunningAuthority, running_authority

S, Y = AdministratorRole.SYSTEM, AdministratorRole.SECURITY
KEEPERS = ("sun", "zhou", "qian")
EVERYTHING = CONSOLE.hands | {Hand.STEWARD}


@pytest.fixture(scope="module")
def own() -> Iterator[RunningAuthority]:
    with running_authority(workers=1) as authority:
        yield authority


@pytest.fixture
def house(tmp_path: Path, own: RunningAuthority) -> Iterator[House]:
    """Three keepers who have an account, and shi, who is none; whoever performs may do what root may."""
    with opened_house(tmp_path, hands=EVERYTHING) as house:
        for login, role in (("sun", S), ("zhou", Y), ("qian", S), ("shi", Y)):
            house.set_up_with_key(login, role)
        for login in KEEPERS:
            enrol(house, own, login)
        run = make_directory(house.settings.home.run)
        for role in ("console", "operator"):
            (run / f"authority-{role}.sock").symlink_to(own.socket(role))
        yield house


def enrol(house: House, own: RunningAuthority, login: str) -> None:
    """By officers, with the passkey that *login* has now."""
    act = own.officer_act(
        "enrol_keeper",
        subject=keeper_of(login),
        name="示例",
        organisation=ORGANISATION,
        credentials=[house.devices[login].inside.credential()],
    )
    own.client("web").enrol_keeper(act, own.by_officer(act))


def done(house: House, name: str, login: str) -> Act:
    """Zhou, or shi about zhou, asks for it, and another one agrees."""
    asks, agrees = ("shi", "qian") if login == "zhou" else ("zhou", "shi")
    act = house.ask_signed(name, {"login": login}, asks)
    answer = house.sign(act, Part.APPROVES, agrees)
    return house.administration.acts.approve(act.id, by=house.actor(agrees), answer=answer)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("administrators.reset", "The ways in of sun have ended, who is no keeper of the PIN any more."),
        ("administrators.remove", "The account of sun is closed, who is no keeper of the PIN any more."),
        ("keys.keeper_end", "sun is no keeper of the PIN any more."),
    ],
)
def test_whose_account_ends_is_no_keeper_any_more(
    house: House, own: RunningAuthority, name: str, said: str
) -> None:
    """Also while the authority is locked, when it matters."""
    own.client("console").lock()
    act = done(house, name, "sun")
    assert act.state is ActState.DONE and act.outcome is not None
    assert act.outcome.template.format(**act.outcome.values) == f"{said} Keepers left: 2; it takes two."
    assert own.client("operator").credentials("keeper-sun") == []
    assert house.administration.keepers.able() == ["qian", "zhou"]
    assert "keeper-ended" in house.told()


def test_of_who_was_no_keeper_nothing_is_said(house: House) -> None:
    act = done(house, "administrators.reset", "qian")
    assert act.outcome is not None and act.outcome.values["left"] == 2
    again = done(house, "administrators.reset", "qian")
    assert again.outcome is not None and again.outcome.template == "The ways in of {login} have ended."
    ended = done(house, "keys.keeper_end", "qian")
    assert ended.outcome is not None and ended.outcome.template == "{login} is no keeper of the PIN."
    assert house.told().count("keeper-ended") == 1


def test_who_decides_is_told_that_fewer_than_two_will_be_left(house: House, own: RunningAuthority) -> None:
    def warning(name: str, login: str) -> str:
        return str(house.administration.keepers.warning(name, {"login": login}) or "")

    assert warning("administrators.remove", "shi") == ""
    assert warning("administrators.suspend", "sun") == ""
    for name in ("administrators.remove", "administrators.reset", "keys.keeper_end"):
        assert warning(name, " Sun ") == (
            "sun is a keeper of the PIN and will be none. Keepers left then: 2; it takes two."
        )
    house.administration.administrators.suspend("qian", by=ROOT)  # who cannot sign in does not count
    assert "Keepers left then: 1; it takes two, so that only root on the machine" in warning(
        "keys.keeper_end", "sun"
    )
    for name in ("administrators.remove", "administrators.reset", "keys.keeper_end"):
        draft = house.administration.acts.draft(name, {"login": "sun"}, by=house.actor("zhou"))
        assert "fewer than two" in draft.effect, "what both of them sign says so, too"


def test_a_way_in_ends_also_while_the_authority_does_not_answer(tmp_path: Path) -> None:
    with opened_house(tmp_path, hands=EVERYTHING) as house:
        for login, role in (("sun", S), ("zhou", Y), ("shi", Y), ("qian", S)):
            house.set_up_with_key(login, role)
        warning = house.administration.keepers.warning("administrators.reset", {"login": "sun"})
        assert "is not known now" in str(warning)
        for name, begins in (
            ("administrators.reset", "The ways in of sun have ended. But"),
            ("administrators.remove", "The account of sun is closed. But"),
        ):
            act = done(house, name, "sun")
            assert act.state is ActState.DONE and act.outcome is not None
            said = act.outcome.template.format(**act.outcome.values)
            assert said.startswith(begins) and "ask for keys.keeper_end" in said
        assert done(house, "keys.keeper_end", "sun").state is ActState.FAILED


def test_what_root_takes_back_does_not_unlock_any_more(house: House, own: RunningAuthority) -> None:
    """One passkey, or all of them."""
    first = house.devices["qian"].inside
    presence = house.sign_in("qian")
    house.administration.confirming.confirm("qian", house.register(presence))
    second = house.devices["qian"].inside
    act = own.officer_act(
        "enrol_keeper",
        subject="keeper-qian",
        name="示例",
        organisation=ORGANISATION,
        credentials=[first.credential(), second.credential()],
    )
    own.client("web").enrol_keeper(act, own.by_officer(act))
    lost = house.administration.passkeys.of("qian")[0].fingerprint

    count, ended = house.administration.confirming.unconfirm("qian", lost)

    assert (count, ended.ended, ended.left) == (1, True, 3)
    [left] = own.client("operator").credentials("keeper-qian")
    assert left.credential_id == second.credential_id
    count, ended = house.administration.confirming.unconfirm("qian")
    assert (count, ended.ended, ended.left) == (1, True, 2)
    assert "Keepers left: 2" in str(ended.said("qian"))


def test_root_is_not_told_of_an_end_that_an_authority_did_not_answer_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back between two passkeys: the first goes on unlocking."""
    house.administration.confirming.confirm("sun", house.register(house.sign_in("sun")))
    answers = iter([KeeperEnd(ended=False, left=None), KeeperEnd(ended=True, left=2)])
    monkeypatch.setattr(house.administration.keepers, "end_if_it_can", lambda *_, **__: next(answers))
    count, ended = house.administration.confirming.unconfirm("sun")
    assert (count, ended.left) == (2, None)
    assert "does not answer" in str(ended.said("sun"))


def test_a_login_is_as_long_as_a_keeper_may_be_called(house: House, own: RunningAuthority) -> None:
    longest = "x" * LONGEST_LOGIN
    house.set_up_with_key(longest, S)
    enrol(house, own, longest)
    assert longest in house.administration.keepers.able()
    with pytest.raises(PreconditionRefused, match=f"2 to {LONGEST_LOGIN}"):
        house.add(longest + "x", S)


def test_nobody_is_ended_who_is_no_keeper(house: House) -> None:
    with pytest.raises(StateRefused, match="shi is no keeper"):
        house.administration.administrators.end_keeper("shi", by=ROOT)
