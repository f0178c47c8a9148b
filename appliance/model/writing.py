"""Texts that are being written, templates with their versions, and the merge fields in both. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.language import Language
from appliance.model.template_parties import NO_PARTIES, TemplateParties

FIELD_NAME = re.compile(r"[^\W\d_]\w{0,39}")
"""How a merge field may be called: a letter of any script, then letters, digits and underlines."""


class MergeFieldKind(StrEnum):
    """What is filled into a merge field."""

    TEXT = "text"
    LONG_TEXT = "long-text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    CHOICE = "choice"
    PARTY = "party"
    """The name of somebody who signs, a person or an organisation."""
    YES_NO = "yes-no"


class Currency(StrEnum):
    """The currencies of money fields; only CNY is also written out in capital characters."""

    CNY = "CNY"
    USD = "USD"
    EUR = "EUR"
    GBP = "GBP"
    HKD = "HKD"
    JPY = "JPY"


@dataclass(frozen=True, slots=True)
class MergeField:
    """A typed place in a text. ``name`` is how the text refers to it, ``label`` what the filling form calls it.

    ``least`` and ``most`` bound the length of texts (characters), numbers and amounts (decimal) and dates
    (ISO 8601), as typed; empty for no bound. ``choices`` are those of a choice. ``default`` is written as the form
    posts it.
    """

    name: str
    kind: MergeFieldKind
    label: str
    required: bool = True
    help: str = ""
    default: str = ""
    least: str = ""
    most: str = ""
    choices: tuple[str, ...] = ()
    currency: Currency = Currency.CNY


@dataclass(frozen=True, slots=True)
class Wording:
    """What is typeset: ``html`` in the closed set of elements of :mod:`appliance.writing.elements`."""

    title: str
    language: Language
    html: str
    fields: tuple[MergeField, ...] = ()


class TextPurpose(StrEnum):
    """What a text is written for: one contract, or the next version of a template."""

    CONTRACT = "contract"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Text:
    """A text in the editor. ``kind`` is the contract's type in words; ``version`` counts every change.

    ``template`` is the template that this will be the next version of; ``contract`` the draft that it went into.
    """

    id: str
    owner: str
    purpose: TextPurpose
    kind: str
    wording: Wording
    version: int
    created: datetime
    changed: datetime
    changed_by: str
    template: str | None = None
    contract: str | None = None


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One published wording of a template with its parties; it never changes. ``number`` counts from 1."""

    number: int
    wording: Wording
    at: datetime
    by: str
    parties: TemplateParties = NO_PARTIES

    @property
    def named_by_role(self) -> dict[str, str]:
        """The fields for the name of a party that are labelled like a role, which fills them: name → role."""
        roles = {role.name.casefold(): role.name for role in self.parties.roles}
        named = (field for field in self.wording.fields if field.kind is MergeFieldKind.PARTY)
        return {each.name: roles[each.label.casefold()] for each in named if each.label.casefold() in roles}

    @property
    def asked(self) -> tuple[MergeField, ...]:
        """The fields that somebody has to fill in."""
        return tuple(each for each in self.wording.fields if each.name not in self.named_by_role)


@dataclass(frozen=True, slots=True)
class Template:
    """A template of one organisation with its versions, the newest last; retired ones are not offered."""

    id: str
    organisation: str
    name: str
    kind: str
    language: Language
    retired: datetime | None
    versions: tuple[TemplateVersion, ...]

    @property
    def current(self) -> TemplateVersion:
        """The version that is offered."""
        return self.versions[-1]
