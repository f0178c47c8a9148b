"""Rule files: the home adds and replaces; what is wrong is named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.errors import ConfigurationError
from appliance.policy import Policy, PolicyRules
from appliance.policy.rules import ReviewRules
from appliance.review import rule_files
from appliance.review.review_status import open_review_statuses
from appliance.review.rule_files import unbounded

OWN = """clauses:
  audit-right:
    name: {zh: 审计权, en: Audit right}
    topic: {zh: 审计, en: audit}
    says:
      zh: ['<party>…有权…审计']
kinds:
  franchise:
    names: [特许经营]
    required: [audit-right, breach]
"""


def test_the_home_adds_clauses_and_types_of_its_own(rules: Path) -> None:
    (rules / "own.yaml").write_text(OWN, encoding="utf-8")
    book = rule_files.load_rules(rules)
    assert book.kind_of("区域特许经营合同").required == ("audit-right", "breach")
    assert book.digest != rule_files.load_rules().digest


def test_a_type_is_known_by_the_longest_of_its_names() -> None:
    book = rule_files.load_rules()
    assert book.kind_of("软件许可合同").key == "licence"
    assert book.kind_of("Consulting services agreement").key == "consulting"
    assert book.kind_of("婚庆").key == "other"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("clauses: [", 1, "YAML"),
        ("", 1, "empty"),
        ("clauses:\n  a: {}\n  a: {}\n", 3, "twice"),
        ("clause:\n  a: {}\n", 1, "not known"),
        (OWN.replace("审计权", ""), 3, "text"),
        (OWN.replace("<party>", "<nobody>"), 6, "nobody"),
        (OWN.replace("…有权…审计", "(审计"), 6, "regular expression"),
        (OWN.replace("…有权…审计", "(?:审+)+计"), 6, "without end"),
        (OWN.replace("<party>…有权…审计", "!审计"), 6, "without “!”"),
        (OWN.replace("<party>…有权…审计", "有权 & (?:审+)+计"), 6, "without end"),
        (OWN.replace("breach]", "nothing]"), 10, "no clause"),
        ("a: &x 1\nb: *x\n", 2, "aliases"),
    ],
)
def test_an_error_names_file_and_line(rules: Path, text: str, line: int, words: str) -> None:
    path = rules / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=words) as refusal:
        rule_files.load_rules(rules)
    assert str(refusal.value).startswith(f"{path}, line {line}: ")


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"(?:a|aa)*b", r"(.{0,40}x){0,40}y", r"(a)\1", r"(?:a{3,}b)+"])
def test_patterns_that_could_take_for_ever_are_known(pattern: str) -> None:
    assert unbounded(pattern)


@pytest.mark.parametrize("pattern", [r"a+b", r"(?:甲|乙)[^。]{0,30}?丙", r"(?!.*x).{0,200}y", r"(?:\d,){0,4}"])
def test_and_others_are_left_alone(pattern: str) -> None:
    assert not unbounded(pattern)


def test_policy_cannot_ask_for_a_clause_that_no_rule_knows(rules: Path) -> None:
    policy = Policy(PolicyRules(review=ReviewRules(required=["audit-right"])))
    with pytest.raises(ConfigurationError, match="audit-right"):
        open_review_statuses(rules, policy)
    (rules / "own.yaml").write_text(OWN, encoding="utf-8")
    statuses = open_review_statuses(rules, policy)
    assert "audit-right" in statuses.kind("采购", policy.rules_for("采购").review).required


@pytest.mark.parametrize("typed", ["采 购合同", "采\u200c购合同", "ＰＵＲＣＨＡＳＥ order", "Purchase\u200bOrder"])
def test_a_type_is_known_however_it_is_spaced(typed: str) -> None:
    assert rule_files.load_rules().kind_of(typed).key == "purchase"
