"""How a person or a seal is named together with the organisation, the same in both languages of the interface."""

from __future__ import annotations

import unicodedata

_WIDE = frozenset("WF")


def with_organisation(name: str, organisation: str | None) -> str:
    """*name* with *organisation* in brackets, unless the name says it already (as those of seals do).

    The brackets are those of the names' script: ``张示例（甲公司）``, ``Zhang (Alpha Ltd)``.
    """
    if not organisation or organisation in name:
        return name
    wide = any(unicodedata.east_asian_width(letter) in _WIDE for letter in name + organisation)
    return f"{name}（{organisation}）" if wide else f"{name} ({organisation})"


def name_key(name: str) -> str:
    """By which names of organisations and types are compared: width, case and blanks do not count."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def same_name(one: str, other: str) -> bool:
    """Whether the two are the same name."""
    return name_key(one) == name_key(other)
