"""How the parties of a draft are told apart on the pages: a colour and a letter each.

Nobody has to tell the colours apart: every field carries the letter, and the borders differ too (fields.css).
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.language import Language
from appliance.model.contract import Party, PartyKind

COLOURS = 8
"""So many colours; the next party begins anew, with the next letter."""

STEMS = "甲乙丙丁戊己庚辛壬癸"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

PERSON_MM = (50.0, 20.0)
SEAL_MM = (42.0, 42.0)
"""How large a field is that is placed by hand."""


@dataclass(frozen=True, slots=True)
class PartyMark:
    """A party's colour (a class of fields.css), letter, and the size of a new field in millimetres."""

    colour: str
    letter: str
    width_mm: float
    height_mm: float


def party_mark(party: Party, language: Language) -> PartyMark:
    """How *party* is marked for readers of *language*."""
    letters = STEMS if language is Language.CHINESE else LETTERS
    index = party.position - 1
    letter = letters[index] if index < len(letters) else str(party.position)
    width, height = SEAL_MM if party.kind is PartyKind.SEAL else PERSON_MM
    return PartyMark(f"c{index % COLOURS + 1}", letter, width, height)
