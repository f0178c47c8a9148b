"""Contracts composed from the variants of ``zh.yaml`` and ``en.yaml``: what is in each is known, and so is
what lacks.

The same number always gives the same contract. A third of the first 72 is made of the variants of ``fresh.yaml``,
which were written after the rules and held back from them, and of no others; the last 48 wholly of those of
``heldout.yaml`` (:attr:`Plan.part`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from appliance.money import in_capitals

HERE: Final = Path(__file__).parent
FIRST: Final = 72
COUNT: Final = 120
STYLES: Final = ("article", "counted", "number", "inline", "bare", "plain", "sign", "nested")
LAYOUTS: Final = ("book", "columns", "narrow", "spaced")
OF_BREACH: Final = ("breach-figures", "breach-consequences")
PARTIES: Final = {
    "zh": (
        ("采购", "买方", "卖方"), ("服务", "委托方", "服务方"), ("租赁", "出租方", "承租方"),
        ("劳动", "用人单位", "劳动者"),
        ("保密", "披露方", "接收方"), ("软件许可", "许可方", "被许可方"), ("借款", "贷款人", "借款人"),
        ("建设工程施工", "发包人", "承包人"), ("咨询", "客户", "顾问"), ("销售代理", "委托人", "代理商"),
        ("合作", "甲方", "乙方"), ("设备采购", "甲方", "乙方"),
    ),
    "en": (
        ("Purchase", "Buyer", "Seller"), ("Services", "Client", "Provider"), ("Lease", "Landlord", "Tenant"),
        ("Employment", "Employer", "Employee"), ("Confidentiality", "Discloser", "Recipient"),
        ("Licence", "Licensor", "Licensee"), ("Loan", "Lender", "Borrower"),
        ("Construction", "Owner", "Contractor"),
        ("Consulting", "Client", "Consultant"), ("Agency", "Principal", "Agent"),
        ("Cooperation", "Company", "Partner Company"), ("Supply", "Customer", "Supplier"),
    ),
}  # fmt: skip
NAMES: Final = {
    "zh": ("甲公司示例有限公司", "乙公司示例有限公司"),
    "en": ("Alpha Example Limited", "Beta Sample GmbH"),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One clause or other paragraph as written."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One contract: how it is laid out, its text, and the truth about it."""

    name: str
    language: str
    kind: str
    style: str
    layout: str
    part: str
    opening: str
    pieces: tuple[Piece, ...]
    annexes: tuple[Piece, ...]
    present: frozenset[str]
    amounts: tuple[str, ...]
    dates: tuple[str, ...]
    mismatch: bool

    def label(self) -> dict[str, Any]:
        """The line of ``labels.yaml``."""
        return {
            "kind": self.kind,
            "style": self.style,
            "layout": self.layout,
            "part": self.part,
            "present": sorted(self.present),
            "amounts": list(self.amounts),
            "dates": list(self.dates),
            "mismatch": self.mismatch,
        }


def plans() -> Iterator[Plan]:
    """All contracts."""
    return (_plan(number) for number in range(COUNT))


def _read(name: str) -> Any:
    return yaml.load((HERE / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


@cache
def variants(language: str) -> Any:
    """What there is to choose from, by part: ``known``, ``fresh`` (with the known distractors) and ``heldout``."""
    known = _read(language)
    fresh, heldout = (_read(part)[language] for part in ("fresh", "heldout"))
    return {"known": known, "fresh": {**known, **fresh}, "heldout": heldout}


@cache
def clauses() -> tuple[str, ...]:
    """The keys of all clauses that are composed, besides the parties."""
    return tuple(variants("zh")["known"]["clauses"])


def _plan(number: int) -> Plan:
    chance = random.Random(f"contract {number}")  # noqa: S311 - the same contracts every time
    language = ("zh", "en")[number % 2]
    part = "heldout" if number >= FIRST else ("fresh" if number // 2 % 3 == 2 else "known")
    written = variants(language)[part]
    kind, a, b = PARTIES[language][number // 2 % len(PARTIES[language])]
    day = date(2026, 1, 1) + timedelta(days=chance.randrange(300))
    values = _Values(chance, language, a, b, day)
    named = chance.random() > 0.12
    opening = chance.choice(written["openings" if named else "blank_openings"])
    present = {"parties"} if named else set()
    absent = set(chance.sample(clauses(), chance.randint(2, 5)))
    pieces: list[Piece] = []
    for clause in clauses():
        if clause in absent:
            if chance.random() < 0.7:
                pieces.append(Piece("", chance.choice(written["distractors"][clause])))
            continue
        variant = chance.choice(written["clauses"][clause])
        pieces.append(Piece(variant["heading"], variant["text"]))
        present |= {clause, *variant.get("also", ())}
        if clause == "breach":
            present |= set(OF_BREACH) - set(variant.get("lacks", ()))
    for filler in chance.sample(written["fillers"], chance.randint(2, 6)):
        pieces.insert(chance.randrange(len(pieces) + 1), Piece(**filler))
    if chance.random() < 0.5:
        chance.shuffle(pieces)
    annexes = tuple(_annexes(chance, language, pieces, absent, written))
    return Plan(
        name=f"{language}-{number:02}",
        language=language,
        kind=kind,
        style=STYLES[number // 2 % len(STYLES)],
        layout=chance.choice(LAYOUTS),
        part=part,
        opening=values.filled(opening),
        pieces=tuple(Piece(each.heading, values.filled(each.text)) for each in pieces),
        annexes=tuple(Piece(each.heading, values.filled(each.text)) for each in annexes),
        present=frozenset(present),
        amounts=tuple(values.amounts),
        dates=tuple(sorted(values.dates)),
        mismatch=values.mismatch,
    )


def _annexes(
    chance: random.Random, language: str, pieces: list[Piece], absent: set[str], written: Any
) -> Iterator[Piece]:
    """Now and then a clause stands in an annex, or the form of another contract is attached, which is none."""
    movable = [each for each in pieces if each.heading]
    if chance.random() < 0.3 and movable:
        moved = chance.choice(movable)
        pieces.remove(moved)
        title = {"zh": f"附件一：{moved.heading}", "en": f"Annex 1: {moved.heading}"}[language]
        yield Piece(title, moved.text)
    if "confidentiality" in absent and chance.random() < 0.5:
        sample = {
            "zh": "附件二：保密协议（范本，仅供参考）",
            "en": "Annex 2: Sample of a confidentiality undertaking (for reference only)",
        }
        yield Piece(sample[language], variants(language)["known"]["clauses"]["confidentiality"][0]["text"])


class _Values:
    """Fills the places of a text, and remembers what went in."""

    def __init__(self, chance: random.Random, language: str, a: str, b: str, day: date) -> None:
        self._chance = chance
        self._language = language
        self._words = {"a": a, "b": b, "name_a": NAMES[language][0], "name_b": NAMES[language][1]}
        self._day = day
        self.amounts: list[str] = []
        self.dates: set[str] = set()
        self.mismatch = False

    def filled(self, text: str) -> str:
        for name, word in self._words.items():
            text = text.replace(f"{{{name}}}", word)
        for name, day in (("{day}", self._day), ("{later}", self._day + timedelta(days=700))):
            if name in text:
                self.dates.add(day.isoformat())
                text = text.replace(name, self._written(day))
        if "{sum}" in text:
            text = text.replace("{sum}", self._sum())
        return text

    def _written(self, day: date) -> str:
        if self._language == "zh":
            forms = (
                f"{day.year}年{day.month}月{day.day}日",
                f"{day.year} 年 {day.month:02} 月 {day.day:02} 日",
                day.isoformat(),
            )
        else:
            forms = (f"{day.day} {day:%B} {day.year}", f"{day:%B} {day.day}, {day.year}", day.isoformat())
        return self._chance.choice(forms)

    def _sum(self) -> str:
        value = self._chance.choice([8_000, 36_500, 120_000, 450_000, 1_000_000, 2_560_000, 30_080_000])
        said = value
        if self._chance.random() < 0.3:
            said, self.mismatch = value + 1_000, True
        forms = self._chinese(value, said) if self._language == "zh" else self._english(value, said)
        if self.mismatch:
            forms = forms[:2]
        self.amounts.append(str(value))
        return self._chance.choice(forms)

    @staticmethod
    def _chinese(value: int, said: int) -> tuple[str, ...]:
        capitals = in_capitals(Decimal(said))
        return (
            f"{capitals}（¥{value:,}.00）",
            f"人民币{value:,}元（大写：{capitals.removeprefix('人民币')}）",
            f"人民币{Decimal(value) / 10_000:f}万元",
            f"￥{value}元",
            f"RMB {value:,}",
        )

    @staticmethod
    def _english(value: int, said: int) -> tuple[str, ...]:
        return (
            f"USD {value:,} (in words: {_in_english(said)} US dollars)",
            f"{_in_english(said)} US dollars (US${value:,}.00)",
            f"CNY {Decimal(value) / 1_000_000:f} million",
            f"RMB{value:,}",
            f"{value:,} euros",
        )


_ONES: Final = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def _in_english(number: int) -> str:
    for size, word in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if number >= size:
            rest = number % size
            return f"{_in_english(number // size)} {word}" + (f" {_in_english(rest)}" if rest else "")
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10 - 2] + (f"-{_ONES[number % 10]}" if number % 10 else "")
