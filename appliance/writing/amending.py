"""The texts of agreements that supplement, replace or terminate a contract: what is always said, and what was
typed, with the parties of the earlier contract and a last page for the signatures."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from appliance.contracts.draft_rules import DraftTerms
from appliance.entered_text import require_text
from appliance.language import Language, translator
from appliance.model.contract import AmendmentKind, Contract
from appliance.model.writing import MergeField, MergeFieldKind, Wording
from appliance.writing.amendment_drafts import Amending, AmendmentTerms
from appliance.writing.filling import filled
from appliance.writing.markup import markup
from appliance.writing.pages import typeset_wording
from appliance.writing.plain import from_plain
from hsm.intents import LONGEST_TITLE

TYPED: Final[Mapping[AmendmentKind, tuple[str, ...]]] = {
    AmendmentKind.SUPPLEMENT: ("content",),
    AmendmentKind.REPLACEMENT: ("content",),
    AmendmentKind.TERMINATION: ("settlement", "surviving"),
}
"""The parts of each text that people write."""

_DAYS: Final = dict.fromkeys(("signed", "effective"), MergeFieldKind.DATE)
_FOLDER: Final = resources.files("appliance.writing").joinpath("amendments")

LONGEST_PART: Final = 20_000
"""Characters of one part."""

_LETTERS: Final = {Language.CHINESE: "甲乙丙丁戊己庚辛壬癸", Language.ENGLISH: "ABCDEFGHIJ"}


@cache
def _usual() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(_FOLDER.joinpath("usual.toml").read_text("utf-8"))


def usual_title(earlier: Contract, kind: AmendmentKind) -> str:
    """What such an agreement is called at first, in the language of the *earlier* contract."""
    said = _usual()[earlier.language]["titles"][kind]
    room = LONGEST_TITLE - len(said.format(title=""))  # what it is stands behind the title in Chinese
    title = earlier.title
    return said.format(title=title if len(title) <= room else f"{title[: room - 1]}…")


def usual_parts(earlier: Contract, kind: AmendmentKind) -> dict[str, str]:
    """What each part says until somebody writes something else; nothing where only the parties can know."""
    known = _usual()[earlier.language]["parts"]
    return {name: known.get(name, "") for name in TYPED[kind]}


def draft_amendment(
    amending: Amending,
    contract_id: str,
    change: tuple[AmendmentKind, date],
    typed: Mapping[str, str],
    terms: DraftTerms,
    *,
    seen: int | None = None,
    as_contract: str | None = None,
) -> Contract:
    """A draft with the text for that *change*, in which *typed* has what people wrote. Raises as
    :meth:`Amending.draft`, and :class:`PreconditionRefused` for a part that is missing or too long."""
    kind, effective = change
    earlier = amending.require_amendable(contract_id, by=terms.initiator, seen=seen)
    document = typeset_wording(amendment_wording(earlier, kind, effective, typed))
    room = AmendmentTerms(kind, effective, room_for_signatures=True)
    return amending.draft(contract_id, room, document, terms, seen=seen, as_contract=as_contract)


def amendment_wording(
    earlier: Contract, kind: AmendmentKind, effective: date, typed: Mapping[str, str]
) -> Wording:
    """The whole text, in the language of the *earlier* contract."""
    language = earlier.language
    values = {
        name: require_text(
            typed.get(name, ""),
            missing="Write what the parties agree on.",
            too_long="This is too long; {most} characters are possible. Upload the text as a document instead.",
            most=LONGEST_PART,
        )
        for name in TYPED[kind]
    }
    values |= {
        "number": _number(earlier),
        "earlier": earlier.title,
        "digest": earlier.current.digest,
        "signed": _signed_on(earlier).isoformat(),
        "effective": effective.isoformat(),
    }
    parties = {f"party_{number}": name for number, name in enumerate(earlier.party_names, start=1)}
    source = _source(kind, language).replace("{{parties}}", _parties(tuple(parties), language))
    fields = tuple(
        MergeField(name, _DAYS.get(name, MergeFieldKind.LONG_TEXT), name) for name in (*values, *parties)
    )
    return filled(
        Wording(usual_title(earlier, kind), language, markup(from_plain(source)), fields), {**values, **parties}
    )


def _number(earlier: Contract) -> str:
    """The number that the organisation gave, where it gave one, and the system ID, which says that it is that."""
    say = translator(earlier.language)
    if not earlier.number:
        return say("system ID {id}", id=earlier.id)
    return say("{number} (system ID {id})", number=earlier.number, id=earlier.id)


def _source(kind: AmendmentKind, language: Language) -> str:
    return _FOLDER.joinpath(f"{kind.value}.{language.value}.txt").read_text("utf-8")


def _parties(names: Sequence[str], language: Language) -> str:
    """The table of the parties, with a place for each name."""
    word = "{}方" if language is Language.CHINESE else "Party {}"
    letters = _LETTERS[language]
    labels = [letters[place] if place < len(letters) else str(place + 1) for place in range(len(names))]
    return "\n".join(
        f"| ! {word.format(each)} | {{{{{name}}}}} |" for each, name in zip(labels, names, strict=True)
    )


def _signed_on(contract: Contract) -> date:
    signed = max(party.signed_at or contract.created for party in contract.parties)
    return signed.astimezone(ZoneInfo(contract.deadline.zone)).date()
