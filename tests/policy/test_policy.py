"""The enterprise's policy: typed, by type of contract; what is wrong is named."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from appliance.cli.program import Terminal
from appliance.cli.up import WHAT_PRESETS_ARE
from appliance.demonstration.new_home import NewHome
from appliance.errors import ConfigurationError
from appliance.language import Language
from appliance.policy import PRESETS, Policy, PolicyRules, load_policy, parse_policy
from appliance.policy.rules import IdentityRequirement, ReviewRequirement

PURCHASE = """
[identity]
longest_days = 365
[types."采购合同"]
aliases = ["采购", "Purchase"]
[types."采购合同".powers]
required = true
[types."采购合同".identity]
required = "outside"
"""


def parsed(text: str) -> Policy:
    return parse_policy(tomllib.loads(text), Path("policy.toml"))


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_policy(tmp_path / "policy.toml") == Policy()


def test_what_is_shipped_is_the_defaults_written_out() -> None:
    shipped = resources.files("appliance.policy").joinpath("default.toml").read_text(encoding="utf-8")
    assert parsed(shipped) == Policy()


def test_a_type_has_its_own_rules_and_for_the_rest_those_of_all() -> None:
    policy = parsed(PURCHASE)
    purchase = policy.rules_for("采购合同")
    assert purchase.powers.required
    assert (purchase.identity.required, purchase.identity.longest_days) == (IdentityRequirement.OUTSIDE, 365)
    assert not policy.rules_for("租赁合同").powers.required
    assert policy.rules_for("租赁合同").identity.longest_days == 365


@pytest.mark.parametrize("kind", ["采购合同", " 采购 合同 ", "采购", "purchase", "ＰＵＲＣＨＡＳＥ"])
def test_a_type_is_found_by_each_of_its_names(kind: str) -> None:
    assert parsed(PURCHASE).rules_for(kind).powers.required
    assert parsed(PURCHASE).names_for(kind) == ("采购合同", "采购", "Purchase")


def test_other_words_are_other_types() -> None:
    policy = parsed(PURCHASE)
    assert policy.names_for("租赁") == ("租赁",)
    assert policy.rules_for("租赁") == policy.default


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[power]\n", "power "),
        ("[powers]\nrequire = true\n", "powers.require "),
        ("[powers]\nrequired = 1\n", "powers.required"),
        ('[identity]\nrequired = "all"\n', "identity.required"),
        ("[identity]\nlongest_days = 0\n", "identity.longest_days"),
        ("types = 3\n", "types"),
        ('[types]\n"采购" = 3\n', "types.采购"),
        ('[types."采购"]\naliases = 3\n', "types.采购.aliases"),
        ('[types."采购".power]\n', "types.采购.power "),
        ('[types."采购".powers]\nrequire = true\n', "types.采购.powers.require "),
        ('[types."采购".powers]\nrequired = 1\n', "types.采购.powers.required"),
        ('[types."采购".powers]\nlongest_days = 0\n', "types.采购.powers.longest_days"),
        ('[types."采购"]\naliases = ["P"]\n[types."租赁"]\naliases = ["p"]\n', "types.p"),
        ("[signing]\npasskey_only = 1\n", "signing.passkey_only"),
        ('[numbers]\npattern = "{month}-{number}"\n', "numbers.pattern"),
        ('[numbers]\nscope = ["department"]\n', "numbers.scope"),
        ('[numbers]\nby_hand = "yes"\n', "numbers.by_hand"),
        ('[types."采购".numbers]\npattern = "{number}"\n', "types.采购.numbers.scope"),
        ("[powers\n", "TOML"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=named) as refused:
        load_policy(path)
    assert "policy.toml" in str(refused.value)


@pytest.mark.parametrize("methods", ['["verbal"]', "[]", '["verified", "verified"]', '"verified"'])
def test_methods_of_outside_signers_are_known_ones(methods: str) -> None:
    with pytest.raises(ConfigurationError, match=r"outside_signers\.methods"):
        parsed(f"[outside_signers]\nmethods = {methods}\n")


@pytest.mark.parametrize("preset", ["bank", "state-owned"])
def test_identity_powers_review_and_dual_control_are_on_where_much_is_at_stake(preset: str) -> None:
    rules = parsed(f'preset = "{preset}"').default
    assert rules.identity.required is IdentityRequirement.EVERYBODY and rules.powers.required
    assert rules.review.before_sending is ReviewRequirement.SIGNED_OFF and rules.seals.after_review
    assert rules.seals.custodians == 2 and rules.signing.passkey_only and rules.retention.second_person


def test_each_preset_is_a_policy_of_its_own_and_the_small_company_has_the_defaults() -> None:
    found = {preset: parsed(f'preset = "{preset}"').default for preset in PRESETS}
    assert found["small-company"] == PolicyRules()
    assert len({repr(each) for each in found.values()}) == len(PRESETS)


def test_what_the_file_says_itself_counts_before_the_preset_also_for_a_type() -> None:
    policy = parsed('preset = "bank"\n[seals]\ncustodians = 1\n[types."借款".powers]\nrequired = false\n')
    assert policy.default.seals.custodians == 1 and policy.default.seals.after_review
    assert policy.default.powers.required and not policy.rules_for("借款").powers.required
    assert policy.rules_for("借款").identity.required is IdentityRequirement.EVERYBODY


@pytest.mark.parametrize("preset", ['"hospital"', "1", '["bank"]'])
def test_another_preset_stops_the_start_and_names_those_that_there_are(preset: str) -> None:
    with pytest.raises(ConfigurationError, match="preset must be bank, state-owned, law-firm or small-company"):
        parsed(f"preset = {preset}")


def test_a_new_home_begins_with_the_preset_that_was_chosen() -> None:
    assert parsed(NewHome("示例银行", preset="bank").policy()).default == parsed('preset = "bank"').default
    assert parsed(NewHome("示例公司").policy()) == Policy()
    assert set(WHAT_PRESETS_ARE) == set(PRESETS)


@pytest.mark.parametrize("typed", ["2\n", "law-firm\n", "9\n\nno\n2\n"])
def test_whoever_sets_a_home_up_chooses_by_number_or_name(typed: str) -> None:
    chosen: list[str] = []

    @click.command()
    def ask() -> None:
        choices = {"bank": WHAT_PRESETS_ARE["bank"], "law-firm": WHAT_PRESETS_ARE["law-firm"]}
        chosen.append(Terminal(Language.CHINESE).choose("Type one of the numbers.", choices))

    answered = CliRunner().invoke(ask, input=typed)
    assert answered.exit_code == 0 and chosen == ["law-firm"]
    assert "银行：全员核验身份" in answered.output


@pytest.mark.parametrize("steps", ['["法务部", "法务 部"]', '[">= 5"]', '["财务部 >= viel"]', '[""]'])
def test_steps_of_a_review_that_nobody_can_take_stop_the_start(steps: str) -> None:
    with pytest.raises(ConfigurationError, match=r"review\.steps"):
        parsed(f"[review]\nsteps = {steps}")
