"""The package's rules and what recognises by them, read once in a process, and only by whoever asks."""

from __future__ import annotations

from functools import cache

from appliance.review import rule_files
from appliance.review.recognition import Recogniser
from appliance.review.rule_book import RuleBook


@cache
def book() -> RuleBook:
    return rule_files.load_rules()


@cache
def recogniser() -> Recogniser:
    return Recogniser(book())
