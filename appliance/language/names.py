"""How a person or a seal is named together with the organisation, the same in both languages of the interface."""

from __future__ import annotations

import unicodedata

_WIDE = frozenset("WF")
_UNSEEN = frozenset(
    [
        *map(
            chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0)
        ),
        *map(chr, range(0xFE00, 0xFE10)),
        *map(chr, range(0xE0100, 0xE01F0)),
    ]
)
"""Fillers, joiners and variation selectors (Unicode's default ignorable letters that are no format characters)."""


def with_organisation(name: str, organisation: str | None) -> str:
    """*name* with *organisation* in brackets, unless the name says it already (as those of seals do).

    The brackets are those of the names' script: ``张示例（甲公司）``, ``Zhang (Alpha Ltd)``.
    """
    if not organisation or organisation in name:
        return name
    wide = any(unicodedata.east_asian_width(letter) in _WIDE for letter in name + organisation)
    return f"{name}（{organisation}）" if wide else f"{name} ({organisation})"


def name_key(name: str) -> str:
    """By which names of organisations and types are compared: width, case, blanks and what nobody sees do not
    count."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if _counts(letter))


def _counts(letter: str) -> bool:
    return not (letter.isspace() or letter in _UNSEEN or unicodedata.category(letter) == "Cf")


def same_name(one: str, other: str) -> bool:
    """Whether the two are the same name."""
    return name_key(one) == name_key(other)
