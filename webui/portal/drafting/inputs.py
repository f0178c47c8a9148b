"""Of step 3: what signers fill in. A field is defined first, then placed on the pages as a signature's is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from appliance.contracts.draft_rules import MARGIN
from appliance.contracts.signer_inputs import USUAL_LENGTH, require_fillable
from appliance.errors import PreconditionRefused
from appliance.model.contract import Contract, InputKind, Party, Placement, SignerInput
from appliance.pdf.values import PageSize
from webui.portal.drafting.sheets import PartyMark, SheetShape, placement_shape
from webui.portal.drafting.steps import field_value
from webui.portal.pages import appliance
from webui.shared.form_pages import FormProblems
from webui.shared.forms import member_of, whole_number
from webui.shared.language import translate

LINE_MM = (60.0, 8.0)
"""How large a field to fill in is that is placed by hand."""


@dataclass(frozen=True, slots=True)
class TypedInput:
    """A new field as it stands in the form."""

    party: str = ""
    kind: str = InputKind.TEXT
    label: str = ""
    required: bool = True
    most: str = str(USUAL_LENGTH)
    choices: str = ""

    @classmethod
    def posted(cls) -> TypedInput:
        party, kind, label = (field_value(f"input-{name}") for name in ("party", "kind", "label"))
        required, most = field_value("input-required") == "1", field_value("input-most")
        return cls(party, kind, label, required, most, field_value("input-choices"))


def inputs_of(draft: Contract) -> Iterator[tuple[Party, SignerInput]]:
    """Every field that somebody fills in, with its party."""
    for party in draft.parties:
        for each in party.inputs:
            yield party, each


def input_marks(draft: Contract, marks: dict[str, PartyMark]) -> dict[str, PartyMark]:
    """How they are marked: as their parties, in their own size."""
    width, height = LINE_MM
    return {
        each.id: replace(marks[party.id], width_mm=width, height_mm=height) for party, each in inputs_of(draft)
    }


def input_shapes(
    draft: Contract, sizes: tuple[PageSize, ...], marks: dict[str, PartyMark]
) -> Iterator[tuple[int, SheetShape]]:
    """Where they are, by the number of the page."""
    for _, each in inputs_of(draft):
        for place in each.places:
            yield place.page + 1, placement_shape(place, sizes[place.page], marks[each.id])


def usual_place(count: int) -> Placement:
    """A place for the *count*-th field that nobody has placed, on the first page."""
    return Placement(0, MARGIN, 10.0 + 5.0 * (count % 16), 35.0, 3.0)


def fillers(draft: Contract) -> list[tuple[str, str]]:
    """Who can be asked to fill something in."""
    found = []
    for party in draft.parties:
        try:
            require_fillable(party)
        except PreconditionRefused:
            continue
        found.append((party.id, party.name))
    return found


def define(draft: Contract, seen: int) -> Contract:
    """The draft with the field that the form defines. Raises :class:`FormProblems` and the workflow's refusals."""
    typed, _ = TypedInput.posted(), translate()
    kind, most = member_of(InputKind, typed.kind), whole_number(typed.most, 4)
    problems = {} if draft.party(typed.party) else {"input-party": _("Choose who fills it in.")}
    if kind is None:
        problems["input-kind"] = _("Choose what is filled in.")
    if kind is InputKind.TEXT and most is None:
        problems["input-most"] = _("Give the greatest length as a number, such as 100.")
    if problems or kind is None:
        raise FormProblems(problems)
    choices = tuple(line for line in typed.choices.splitlines() if line.strip())
    field = SignerInput("", 0, kind, typed.label, typed.required, most or 0, choices)
    try:
        return appliance.signer_inputs.add(draft.id, typed.party, field, by=draft.initiator, seen=seen)
    except PreconditionRefused as refusal:
        template = refusal.template
        name = "choices" if "option" in template else "most" if "text has" in template else "label"
        name = "party" if "give the field" in template else name
        raise FormProblems({f"input-{name}": _(template, **refusal.values)}) from refusal


def place_inputs(draft: Contract, places: dict[str, list[Placement]], version: int) -> Contract:
    """The draft with those placed anew that differ. Raises what the workflow refuses."""
    for _, each in inputs_of(draft):
        wanted = tuple(places.get(each.id, ()))
        if wanted != each.places:
            draft = appliance.signer_inputs.place(draft.id, each.id, wanted, by=draft.initiator, seen=version)
            version = draft.version
    return draft
