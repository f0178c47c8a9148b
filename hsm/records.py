"""Records that people sign besides documents: acceptances of the agreement, declarations that a contract is void.

A signature over a record names its kind in a signed attribute (mime-type, ETSI EN 319 122-1, 5.2.4.2), and one
over a document names none of them. So neither is ever taken for the other, whatever their bytes look like. Records
of earlier formats have signatures without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeGuard

from cryptography import x509

from hsm import canonical
from hsm.cms import CmsMessage, SignatureRefused, parse, signer_certificate
from hsm.errors import Malformed
from hsm.intents import moment_in
from hsm.names import SubjectName, is_name, is_readable, is_visible, name_in
from hsm.remote import remote_use_in
from hsm.vouching import scope_in

AGREEMENT: Final = "agreement"
DECLARATION: Final = "void-declaration"
"""The fields of intents that sign a record, no contract's document."""

MEDIA_TYPES: Final = {
    AGREEMENT: "application/x.vermilion.agreement+json",
    DECLARATION: "application/x.vermilion.voiding+json",
}
"""By field; unregistered (RFC 6838, 3.4)."""

FORMATS: Final = {AGREEMENT: "vermilion-agreement/4", DECLARATION: "vermilion-voiding/2"}
"""What records of now say of themselves, by field. On an acceptance of this format only those signatures rest that
it carries (:func:`carries`)."""

_NAMING: Final = {FORMATS[field]: kind for field, kind in MEDIA_TYPES.items()} | {
    "vermilion-agreement/3": MEDIA_TYPES[AGREEMENT]
}
"""What the signatures over records name, by the format of the record; those of earlier formats name nothing."""


_STANDS_FOR: Final = {AGREEMENT: ("agreement-electronic-signing", "version"), DECLARATION: ("voiding", "contract")}
"""By field: the entry of a record that stands, after this word, where other intents name their contract."""


def named_in_intent(field: str, record: Mapping[str, Any]) -> str:
    """What the intent that signs this *record* names as its contract."""
    word, entry = _STANDS_FOR[field]
    return f"{word}-{record[entry]}"


LONGEST_AGREEMENT: Final = 200_000
"""Bytes of the text of an agreement, in one language."""

_NUMBER = re.compile(r"[0-9a-f]{24}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LONGEST_VERSION = 80


_ENTRIES: Final = {
    AGREEMENT: "contract counterparties for format language name party person proposed texts version",
    DECLARATION: "contract declared digest format name organisation parties person proposed proposed_by reason"
    " title voiding",
}
"""What each of these records consists of, by field; nothing else is signed as one."""


def is_record(record: Any, field: str) -> TypeGuard[dict[str, Any]]:
    """Whether *record* has all entries of a record of now, no others, and each in the form that it always has: a
    page that says it in words leaves nothing out. Its texts are read as they are, not as JSON writes them: there
    an escape that can be seen stands for what cannot."""
    if not isinstance(record, dict) or set(record) != set(_ENTRIES[field].split()):
        return False
    has_form = {AGREEMENT: _is_agreement, DECLARATION: _is_declaration}[field]
    if record["format"] != FORMATS[field] or not has_form(record):
        return False
    return all(is_readable(each.replace("\r\n", "\n")) for each in _texts_in(record))


def _texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in _texts_in(part)]


def _is_agreement(record: Mapping[str, Any]) -> bool:
    """Numbers of contract and party (both or none), sides, moment, version of the text, a digest for each
    language. A person accepts for nobody but themself, or an organisation."""
    numbers, version = (record["contract"], record["for"]), record["version"]
    if not isinstance(record["counterparties"], list):
        return False
    sides = [record["party"], *record["counterparties"]]
    numbered = all(map(_is_number, numbers)) or numbers == (None, None)
    versioned = isinstance(version, str) and len(version) <= _LONGEST_VERSION and is_visible(version)
    dated = _is_moment(record["proposed"]) and isinstance(record["texts"], dict)
    if not (numbered and versioned and dated and all(map(_is_side, sides))):
        return False
    return bool(record["party"].get("subject", record["person"]) == record["person"])


def _is_declaration(record: Mapping[str, Any]) -> bool:
    """Numbers of contract, proposal and the declarer's own parties, moments, the digest of the signed contract;
    the rest is text."""
    parties, digest = record["parties"], record["digest"]
    if not all(isinstance(record[each], str) for each in ("organisation", "proposed_by", "reason", "title")):
        return False
    if not any(is_name(record["proposed_by"], each) for each in ("person", "officer")):
        return False
    numbers = [record["contract"], record["voiding"], *(parties if isinstance(parties, list) else [None])]
    named = isinstance(digest, str) and _DIGEST.fullmatch(digest) is not None
    dated = _is_moment(record["proposed"]) and _is_moment(record["declared"])
    return all(map(_is_number, numbers)) and named and dated


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None


def _is_moment(value: Any) -> bool:
    try:
        moment_in(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_side(value: Any) -> bool:
    """An organisation by its name, or a person by name and subject."""
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        return False
    is_person = value.get("kind") == "person"
    if set(value) != ({"kind", "name", "subject"} if is_person else {"kind", "name"}):
        return False
    named = is_name(value["subject"], "person") if is_person else value["kind"] == "organisation"
    return named and bool(value["name"].strip())


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
    return _NAMING.get(told) if isinstance(told, str) else None


def carries(record: Mapping[str, Any], signature: bytes, signer: str) -> bool:
    """Whether the acceptance *record*, with the *signature* (CMS) over it, carries one that *signer* makes for its
    party: they accepted themselves, or whoever did was certified under the organisation that is this party."""
    party = record["party"]
    own = record["person"] == signer
    return own or ("subject" not in party and party["name"] == organisation_of_signer(signature))


@lru_cache(maxsize=256)
def organisation_of_signer(signature: bytes) -> str:
    """For which organisation the certificate of this *signature* (CMS) lets its owner accept for others too; empty
    for none: an event certificate names one on the initiator's word alone, so it carries its owner's signature.
    A key for remote signing accepts nothing."""
    certificate = signer_certificate(parse(signature))
    if certificate is None or _is_event(certificate) or remote_use_in(certificate) is not None:
        return ""
    return name_in(certificate).organisation


def _is_event(certificate: x509.Certificate) -> bool:
    try:
        return scope_in(certificate) is not None
    except Malformed:
        return True


@lru_cache(maxsize=256)
def name_of_signer(signature: bytes) -> SubjectName:
    """Whom the certificate of this *signature* (CMS) names; nobody where it is not there."""
    certificate = signer_certificate(parse(signature))
    return SubjectName("", "") if certificate is None else name_in(certificate)
