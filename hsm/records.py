"""Records that people sign besides documents: acceptances of the agreement, declarations that a contract is void.

A signature over a record names its kind in a signed attribute (mime-type, ETSI EN 319 122-1, 5.2.4.2), and one
over a document names none of them. So neither is ever taken for the other, whatever their bytes look like. Records
of earlier formats have signatures without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hsm import canonical
from hsm.cms import CmsMessage, SignatureRefused
from hsm.errors import Malformed

AGREEMENT: Final = "agreement"
DECLARATION: Final = "void-declaration"
"""The fields of intents that sign a record, no contract's document."""

MEDIA_TYPES: Final = {
    AGREEMENT: "application/x.vermilion.agreement+json",
    DECLARATION: "application/x.vermilion.voiding+json",
}
"""By field; unregistered (RFC 6838, 3.4)."""

FORMATS: Final = {AGREEMENT: "vermilion-agreement/3", DECLARATION: "vermilion-voiding/2"}
"""What records of now say of themselves, by field."""


_STANDS_FOR: Final = {AGREEMENT: ("agreement-electronic-signing", "version"), DECLARATION: ("voiding", "contract")}
"""By field: the entry of a record that stands, after this word, where other intents name their contract."""


def named_in_intent(field: str, record: Mapping[str, Any]) -> str:
    """What the intent that signs this *record* names as its contract."""
    word, entry = _STANDS_FOR[field]
    return f"{word}-{record[entry]}"


def require_kind(message: CmsMessage, record: bytes | None) -> None:
    """Raises :class:`SignatureRefused` unless the signature names the kind of *record* (canonical JSON), or none
    where it is over a document (None)."""
    if record is None:
        if message.media_type in MEDIA_TYPES.values():
            raise SignatureRefused("The signature is over a record, not over a document.")
    elif (wanted := _media_type_of(record)) is not None and message.media_type != wanted:
        raise SignatureRefused("The signature does not say that it is over a record of this kind.")


def _media_type_of(record: bytes) -> str | None:
    """What the signature over *record* has to name; None for a record from before signatures did."""
    try:
        value = canonical.decode(record)
    except Malformed:
        return None
    told = value.get("format") if isinstance(value, dict) else None
    return next((MEDIA_TYPES[field] for field, form in FORMATS.items() if form == told), None)
