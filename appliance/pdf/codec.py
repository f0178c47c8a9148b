"""Values of the workshop as plain CBOR values, and back: what crosses into a confined child and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from appliance.language import Language
from appliance.pdf.values import (
    Appearance,
    CrossPageSeal,
    ExistingSignature,
    FieldKind,
    FieldPlacement,
    Inspection,
    InspectionWarning,
    LockScope,
    PageSize,
    PersonAppearance,
    Place,
    PrepareOrder,
    SealAppearance,
    ValidationMaterial,
)

Plain = Mapping[str, Any]


def plain(value: Any) -> Any:
    """*value* with dataclasses as maps, enums as their values, instants as ISO 8601 and tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def inspection(found: Plain) -> Inspection:
    """An inspection out of a child's answer."""
    return Inspection(
        version=found["version"],
        pages=tuple(PageSize(**page) for page in found["pages"]),
        signatures=tuple(ExistingSignature(**signature) for signature in found["signatures"]),
        fields=tuple(found["fields"]),
        warnings=tuple(InspectionWarning(**warning) for warning in found["warnings"]),
    )


def placement(described: Plain) -> FieldPlacement:
    """A field's placement, inside a child."""
    across = described["cross_page"]
    return FieldPlacement(
        **{
            **described,
            "kind": FieldKind(described["kind"]),
            "more": tuple(Place(**place) for place in described["more"]),
            "cross_page": None if across is None else CrossPageSeal(**across),
        }
    )


def order(described: Plain) -> PrepareOrder:
    """A signature's order, inside a child."""
    return PrepareOrder(
        **{
            **described,
            "appearance": appearance(described["appearance"]),
            "when": datetime.fromisoformat(described["when"]),
            "lock": LockScope(described["lock"]),
        }
    )


def material(described: Plain) -> ValidationMaterial:
    """Validation material, inside a child."""
    return ValidationMaterial(**{name: tuple(members) for name, members in described.items()})


def seal(described: Plain) -> SealAppearance:
    """A seal's appearance, inside a child."""
    return SealAppearance(**described)


def appearance(described: Plain) -> Appearance:
    """A signature's appearance, inside a child."""
    if "company" in described:
        return seal(described)
    return PersonAppearance(
        **{
            **described,
            "when": datetime.fromisoformat(described["when"]),
            "language": Language(described["language"]),
        }
    )
