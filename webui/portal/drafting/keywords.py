"""Placing by keyword: where the words stand, and a field after, below or over each place that is ticked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import request

from appliance.contracts.draft_rules import AnchorSide, place_beside
from appliance.errors import DocumentRefused
from appliance.model.contract import Contract, Placement
from appliance.pdf.values import FoundPhrase, PageSize
from webui.portal.drafting.controller import DraftController
from webui.portal.drafting.sheets import PartyMark
from webui.shared.language import translate

PHRASES = (
    "签字：",
    "盖章：",
    "签名：",
    "法定代表人：",
    "授权代表：",
    "甲方（盖章）",
    "乙方（盖章）",
    "Signature:",
    "By:",
)
"""Words that contracts have where they are signed."""


@dataclass(frozen=True, slots=True)
class KeywordSearch:
    """What is looked for, for whom, and where the field goes."""

    phrase: str
    party: str
    side: AnchorSide
    places: tuple[Placement, ...] = ()
    found: tuple[FoundPhrase, ...] = ()
    problem: str = ""

    @property
    def hits(self) -> list[dict[str, object]]:
        """The places for the list: page from 1, and where the words stand."""
        return [
            {"value": index, "page": hit.page + 1, "x": round(hit.x), "y": round(hit.y)}
            for index, hit in enumerate(self.found)
        ]


def requested_search(values: dict[str, str], draft: Contract) -> KeywordSearch | None:
    """The search that *values* (of a form or an address) ask for, or None."""
    party = draft.party(values.get("keyword-party", ""))
    side = values.get("side", "")
    phrase = values.get("phrase", "").strip()
    if party is None or side not in tuple(AnchorSide) or "phrase" not in values:
        return None
    return KeywordSearch(phrase, party.id, AnchorSide(side))


def run_search(
    controller: DraftController, draft: Contract, wanted: KeywordSearch, sizes: Sequence[PageSize], mark: PartyMark
) -> KeywordSearch:
    """*wanted* with the places where its words stand, and the fields that would go there."""
    _ = translate()
    if not wanted.phrase:
        return KeywordSearch(wanted.phrase, wanted.party, wanted.side, problem=_("Type the words to look for."))
    try:
        found = controller.appliance.layouts.find_phrases(draft.original.digest, [wanted.phrase])
    except DocumentRefused as refusal:
        sentence = _(refusal.template, **refusal.values)
        return KeywordSearch(wanted.phrase, wanted.party, wanted.side, problem=sentence)
    places = tuple(
        place_beside(hit, wanted.side, sizes[hit.page], width_mm=mark.width_mm, height_mm=mark.height_mm)
        for hit in found
    )
    return KeywordSearch(wanted.phrase, wanted.party, wanted.side, places, found)


def ticked_places(keyword: KeywordSearch) -> list[Placement]:
    """The places of those hits that were left ticked."""
    chosen = set(request.form.getlist("hit"))
    return [place for index, place in enumerate(keyword.places) if str(index) in chosen]
