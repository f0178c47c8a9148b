"""Documents as their signatures are prepared: shown when they are what is signed, and nothing hides in them."""

from __future__ import annotations

import hashlib

from appliance.activation_requests import ActivationRequest
from appliance.errors import ConfinementFailed, StateRefused
from appliance.pdf.values import PreparedRevision
from appliance.pdf.workshop import whole_revision

_HEADER, _LEAST_BASE = b"%PDF-", len(b"%PDF-1.7\n")


def prepared_document(request: ActivationRequest, digest: bytes) -> PreparedRevision:
    """The prepared revision, when it has the *digest* that is signed and nothing hides in its gap. Raises
    :class:`StateRefused`."""
    base, content = request.base, request.content
    # no record begins like a document, and the gap is behind its beginning: no digest is that of both
    if not content.startswith(_HEADER) or not _LEAST_BASE <= base <= len(content):
        raise other()
    try:
        start, length = request.gap
        prepared = whole_revision(content, base, start, start + length)
    except (ConfinementFailed, ValueError) as error:
        raise other() from error
    if prepared.digest != digest:
        raise other()
    return prepared


def name_of(request: ActivationRequest, field: str) -> bytes:
    """Which document it is, and where in it the signature comes."""
    place = f"{request.base} {request.gap} {field} "
    return hashlib.sha256(place.encode() + hashlib.sha256(request.content).digest()).digest()


def other() -> StateRefused:
    """For what an intent does not name."""
    return StateRefused("What would be shown here is not what would be confirmed; nothing was done. Begin again.")
