"""Letters of attorney: the pages that officers compare with what they confirm, drawn from the very bytes whose
digest they confirm."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from appliance.activation_requests import ActivationRequest
from appliance.model.contract import EXPONENTS, Money
from appliance.pdf.values import PlainRevision
from appliance.pdf.workshop import PdfWorkshop
from hsm.intents import Intent, OfficerIntent
from hsm.powers import CONFIRM_POWER
from webui.activation.first_looks import FirstLooks


def confirms_power(intent: Intent) -> bool:
    """Whether officers confirm a power of attorney by it."""
    return isinstance(intent, OfficerIntent) and intent.kind == CONFIRM_POWER


def shown_terms(power: Mapping[str, Any]) -> dict[str, Any]:
    """How a page shows what the arguments name by numbers: the limit (None without one), and the term."""
    limit, currency = power["limit"], power["currency"]
    shown = None if limit is None else f"{currency} {limit}"
    return {
        "limit": str(Money(limit, currency)) if currency in EXPONENTS else shown,
        "since": datetime.fromisoformat(power["since"]),
        "until": datetime.fromisoformat(power["until"]),
    }


class Letters:
    """Thread-safe."""

    def __init__(self, workshop: PdfWorkshop, first_looks: FirstLooks) -> None:
        self._workshop = workshop
        self._first_looks = first_looks

    def checked(self, request: ActivationRequest, digest: str) -> PlainRevision | None:
        """What there is to know of the letter with this *digest*; None for bytes with another one. Raises
        :class:`StateRefused` for a document that shows different things to different programs, as intake does."""
        if hashlib.sha256(request.content).hexdigest() != digest:
            return None
        return self._first_looks.of(digest.encode(), lambda: self._workshop.require_plain(request.content))

    def picture(self, request: ActivationRequest, page: int, *, width: int) -> bytes:
        """Page *page* (from 0) as PNG. Raises :class:`DocumentRefused` for no page."""
        return self._workshop.picture(request.content, page, width=width)
