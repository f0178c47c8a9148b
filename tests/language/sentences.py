"""Finds every sentence that people may read: in calls, in tables of sentences, in page templates."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import appliance.errors
import hsm.errors
from hsm.checkers import VERIFIER

ROOT = Path(__file__).parents[2]
PACKAGES = ("hsm", "appliance", "webui")

SPEAKING = {
    "say",
    "warn",
    "translate",
    "_",
    "Sentence",
    "UnreadableMessage",
    "UnknownAlgorithm",
    "WrongValue",
    "Fact",
    "_say",
    "tell",
    "_tell",
    "Outcome",
    "speak",
    "ask_hidden",
    "confirms",
    "good",
    "unset",
    "damage",
    "ProblemError",
}
"""Calls whose first text is a sentence."""

WITH_NAME = {
    "Argument": 1,
    "DocumentRefused": 1,
    "Finding": 2,
    "failed": 1,
    "undecided": 1,
    "_not_signed": 1,
    "_row": 2,
    "InspectionWarning": 1,
    "attention": 1,
    "failing": 1,
    "_Page": 1,
    "TokenError": 1,
}
"""Calls whose sentence is a later argument."""

IN_TEMPLATES = re.compile(r"""\b(?:_|translate)\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")


def refusals() -> set[str]:
    """The names of all classes of refusals."""
    modules = (hsm.errors, appliance.errors)
    return {name for module in modules for name, kind in vars(module).items() if _is_refusal(kind)}


def _is_refusal(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, hsm.errors.AuthorityError | appliance.errors.ApplianceError)


def in_code() -> Iterator[tuple[Path, str]]:
    """Each sentence in a call of Python code, with its file."""
    speaking = {**dict.fromkeys(SPEAKING | refusals(), 0), **WITH_NAME}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (name := _called(node)) in speaking:
                    yield from ((path, text) for text in _texts(node, speaking[name]))
                elif isinstance(node, ast.Call) and _called(node) == "require_text":
                    yield from ((path, text) for text in _named_texts(node))


def in_templates() -> Iterator[tuple[Path, str]]:
    """Each ``_("…")`` or ``translate("…")`` of the templates of pages and reports. ``verify.html`` is none: it is
    built, its functions have any names, and its sentences are sought in its sources."""
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.html")):
        if path == ROOT / "appliance/evidence" / VERIFIER:
            continue
        for double, single in IN_TEMPLATES.findall(path.read_text(encoding="utf-8")):
            yield path, (double or single).replace('\\"', '"')


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Call):  # translate()("…")
        return _called(function)
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _named_texts(call: ast.Call) -> Iterator[str]:
    """The refusals of :func:`appliance.entered_text.require_text`."""
    for each in call.keywords:
        if each.arg in ("missing", "too_long") and isinstance(each.value, ast.Constant):
            yield str(each.value.value)


def _texts(call: ast.Call, at: int) -> Iterator[str]:
    if len(call.args) <= at:
        return
    for node in ast.walk(call.args[at]) if isinstance(call.args[at], ast.IfExp) else [call.args[at]]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value
