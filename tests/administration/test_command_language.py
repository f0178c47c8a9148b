"""The commands ask and explain in the language of the terminal, and say what each question is for."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from appliance.administration.actions import REGISTRY
from appliance.cli import main
from appliance.clock import utc_now
from appliance.home import Home
from appliance.language import chinese_messages
from hsm.activation.credentials import code_at, step_of
from tests.administration.conftest import GOOD
from tests.administration.test_command import added, asked, registered, set_up

CHINESE = re.compile("[\u4e00-\u9fff]")


def run(home: Home, *arguments: str, typed: str = "", lang: str = "zh_CN.UTF-8") -> Result:
    environment = {"LC_ALL": None, "LC_MESSAGES": None, "LANG": lang}
    return CliRunner().invoke(main, ["--home", str(home.root), *arguments], input=typed, env=environment)


def credentials(secret: bytes) -> str:
    return f"{GOOD}\n{code_at(secret, step_of(utc_now()))}\n"


@pytest.mark.parametrize("by_option", [False, True])
def test_who_approves_is_asked_in_chinese_for_what_it_is(home: Home, by_option: bool) -> None:
    secret, act = set_up(home, added(home, "shi", "security")), asked(home)
    if by_option:
        done = run(home, "--lang", "zh", "approve", act, "--login", "shi", typed=credentials(secret), lang="C")
    else:
        done = run(home, "approve", act, "--login", "shi", typed=credentials(secret))
    assert "shi 的密码（用于批准“回退到上一版本”）" in done.output, done.output
    assert "shi 的验证码（用于批准“回退到上一版本”）" in done.output
    assert f"{act}：root 于" in done.output and "提出操作 release.rollback" in done.output
    assert "只能在正式设备上执行" in done.output
    assert not re.search("[Pp]assword|Code|Error", done.output), done.output


def test_in_english_it_says_what_it_is_too(home: Home) -> None:
    secret, act = set_up(home, added(home, "shi", "security")), asked(home)
    done = run(home, "--lang", "en", "approve", act, "--login", "shi", "--refuse", typed=credentials(secret))
    assert "Password of shi, to refuse “Go back to the release before”: " in done.output, done.output
    assert f"{act}: root has asked for release.rollback at 20" in done.output
    assert f"{act} is refused." in done.output
    assert not CHINESE.search(done.output)


def test_refusing_is_asked_for_as_refusing(home: Home) -> None:
    secret, act = set_up(home, added(home, "shi", "security")), asked(home)
    done = run(home, "approve", act, "--login", "shi", "--refuse", typed=credentials(secret))
    assert "（用于驳回“回退到上一版本”）" in done.output and "批准" not in done.output


def test_a_question_that_nobody_answers_ends_in_one_sentence(home: Home) -> None:
    set_up(home, added(home, "shi", "security"))
    act = asked(home)
    done = run(home, "approve", act, "--login", "shi", typed="")
    assert (done.exit_code, done.output.splitlines()[-1]) == (1, "已中止。"), done.output
    assert act in run(home, "acts").output, "it waits on"


def test_a_passkey_is_confirmed_in_chinese_for_what_it_will_do(home: Home) -> None:
    fingerprint = registered(home, "shi", set_up(home, added(home, "shi", "security")))
    confirm = ("administrators", "confirm", "shi", fingerprint)
    for no in ("n\n", "\n", "否\n"):
        doubted = run(home, *confirm, typed=no)
        assert (doubted.exit_code, "未确认任何通行密钥。" in doubted.output) == (1, True), doubted.output
    assert "可代表 shi（安全管理员）签署须由两人共同办理的操作" in doubted.output, doubted.output
    unsure = run(home, *confirm, typed="maybe\n是\n")
    assert (unsure.exit_code, "请回答 y（是）或 n（否）。" in unsure.output) == (0, True), unsure.output
    assert CHINESE.search(unsure.output.splitlines()[-1])


def test_help_of_every_action_is_in_the_language_of_the_terminal(home: Home) -> None:
    messages = chinese_messages()
    for action in REGISTRY.values():
        told = "".join(run(home, "do", action.name, "--help").output.split())
        for said in (action.effect, action.undo, *(each.title for each in action.arguments)):
            assert "".join(messages[said].split()) in told, (action.name, said)
        persons = "须由两人共同办理。" if action.persons == 2 else "一人即可办理。"
        assert persons in told
    assert CHINESE.search(run(home, "do", "--help").output)
    assert not CHINESE.search(run(home, "do", "restore", "--help", lang="C").output)
