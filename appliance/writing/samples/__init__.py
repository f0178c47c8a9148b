"""Sample templates to start from: complete, between parties that do not exist; a file each, as plain text."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from appliance.language import Language
from appliance.model.writing import Currency, MergeField, MergeFieldKind, TextPurpose
from appliance.writing.markup import markup
from appliance.writing.plain import from_plain
from appliance.writing.texts import Beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Beginning):
    """What a new template begins with: ``name`` is the sample's address, ``about`` what it is for."""

    name: str
    about: str


@cache
def samples() -> tuple[Sample, ...]:
    files = sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    return tuple(_sample(file.name[:-5], file.read_text("utf-8")) for file in files if file.name.endswith(".toml"))


def _sample(name: str, source: str) -> Sample:
    table = tomllib.loads(source)
    return Sample(
        name=name,
        title=table["title"],
        kind=table["kind"],
        language=Language(table["language"]),
        purpose=TextPurpose.TEMPLATE,
        about=table["about"],
        html=markup(from_plain(table["text"])),
        fields=tuple(_field(described) for described in table["fields"]),
    )


def _field(described: dict[str, Any]) -> MergeField:
    return MergeField(
        **{
            **described,
            "kind": MergeFieldKind(described["kind"]),
            "currency": Currency(described.get("currency", "CNY")),
            "choices": tuple(described.get("choices", ())),
        }
    )
