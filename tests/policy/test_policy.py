"""The enterprise's policy: typed, by type of contract; what is wrong is named."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import pytest

from appliance.errors import ConfigurationError
from appliance.policy import Policy, load_policy, parse_policy
from appliance.policy.rules import IdentityRequirement

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
        ("[powers\n", "TOML"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=named) as refused:
        load_policy(path)
    assert "policy.toml" in str(refused.value)
