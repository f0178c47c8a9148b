"""What programs type for a template: parties and fields, as rows of batches or for one contract; and what is wrong
with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from appliance.language import Language
from appliance.model.mail_merge import ListProblem, TypedParty
from appliance.signing_methods import SigningMethod
from appliance.writing.merge_rows import MISSING, NO_FIELD, NO_ROLE, REPEATED
from webui.api.problems import ProblemError
from webui.api.types import ApiFault, Method, Tongue
from webui.shared.language import translate

FieldValue = (
    Annotated[str, Meta(max_length=10_000)] | Annotated[int, Meta(ge=-(10**15), le=10**15)] | float | bool | None
)
FieldValues = Annotated[
    dict[str, FieldValue],
    Meta(description="By the field's `name`; amounts of money best as texts. Those left out get their defaults."),
]


class ApiNamedParty(Struct, forbid_unknown_fields=True):
    """Somebody from outside who takes an open role."""

    name: str = ""
    organisation: Annotated[str, Meta(description="Empty for who signs for nobody else.")] = ""
    email: Annotated[str, Meta(examples=["li@beta.example"])] = ""
    phone: Annotated[str, Meta(examples=["+86 138 0000 0000"])] = ""
    language: Tongue | None = None
    method: Method | None = None


NamedParties = Annotated[dict[str, ApiNamedParty], Meta(description="By the name of the open role.")]

_CODES: Final[Mapping[str, Literal["missing", "unknown", "repeated"]]] = {
    MISSING: "missing",
    NO_FIELD: "unknown",
    NO_ROLE: "unknown",
    REPEATED: "repeated",
}
_MEMBERS: Final = frozenset(ApiNamedParty.__struct_fields__)


def typed_parties(given: Mapping[str, ApiNamedParty]) -> dict[str, TypedParty]:
    """As the rows of a batch have them."""
    return {
        role: TypedParty(
            each.name,
            each.organisation,
            each.email,
            each.phone,
            None if each.language is None else Language(each.language),
            None if each.method is None else SigningMethod(each.method),
        )
        for role, each in given.items()
    }


def fault_of(problem: ListProblem, above: str, *, row: int = 0) -> ApiFault:
    """*problem* of something typed, which is at the pointer *above*."""
    return ApiFault(
        code=_CODES.get(problem.sentence.template, "invalid"),
        pointer=above + pointer_of(problem.column),
        detail=problem.sentence.translated(translate()),
        row=row,
        cell=problem.cell,
    )


def pointer_of(column: str) -> str:
    """The pointer (RFC 6901) to a typed row's member, given as ``parties/Buyer/email``. Names of fields and roles
    may have slashes themselves."""
    kind, _, name = column.partition("/")
    if kind not in ("fields", "parties") or not name:
        return f"/{_escaped(column)}" if column else ""
    role, _, member = name.rpartition("/")
    steps = [role, member] if kind == "parties" and role and member in _MEMBERS else [name]
    return "".join(f"/{_escaped(step)}" for step in (kind, *steps))


def refused(code: str, template: str, faults: Sequence[ApiFault], total: int) -> ProblemError:
    """The problem with all *faults* that are told, of *total*."""
    problem = ProblemError(template, code, pointer=_only({each.pointer for each in faults}))
    members = ApiFault.__struct_fields__
    told = [{name: getattr(each, name) for name in members if getattr(each, name)} for each in faults]
    return problem.with_members(errors=told, errors_total=total)


def _only(pointers: Collection[str]) -> str:
    """The pointer, where there is one alone."""
    return next(iter(pointers)) if len(pointers) == 1 else ""


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
