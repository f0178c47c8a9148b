"""What company seals are called in lists."""

from __future__ import annotations

from appliance.language import Language
from appliance.model.people import Seal, SealKind
from webui.shared.language import current_language, translate

KINDS = {
    SealKind.COMPANY: "Company seal",
    SealKind.CONTRACT: "Contract seal",
    SealKind.LEGAL_REPRESENTATIVE: "Seal of the legal representative",
    SealKind.FINANCE: "Finance seal",
}
"""The kinds, as message ids."""


def seal_name(seal: Seal) -> str:
    """The seal's own name, whose kind is Chinese as on its face; for other readers the kind in their words too."""
    if current_language() is Language.CHINESE:
        return seal.label
    return f"{seal.label} · {translate()(KINDS[seal.kind])}"
