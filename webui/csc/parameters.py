"""What requests of the CSC API hold, in the words of 1.0.4 and of 2.x; anything else is refused in its terms."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.model.remote_signing import PdfLevel, PdfOrder, RemoteAsk
from hsm.names import visible
from hsm.remote import RemoteDocument, RemoteUse, remote_use_of

SHA256: Final = "2.16.840.1.101.3.4.2.1"
LONGEST_LABEL: Final = 200
LEVELS: Final = {f"ades-{each.value.lower()}": each for each in PdfLevel}
"""By the names of the specification, which writes them in several ways."""

CERTIFIES: Final = {"Certification": True, "Revision": False}
"""The envelope properties of a PDF."""

_DIGEST_BYTES = 32
_SURROGATE = re.compile("[\ud800-\udfff]")
_READ = 1000
"""Characters of a label that are read: what is longer is cut in any case."""


class CscError(Exception):
    """A refusal in the terms of the API: the ``code`` of CSC or RFC 6749, a sentence, and the HTTP status."""

    def __init__(self, code: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.code, self.sentence, self.status = code, sentence, status


@dataclass(frozen=True, slots=True)
class NamedCredential:
    """A ``credentialID``: whose key it is, and for which use."""

    person: str
    use: RemoteUse


def credential_in(body: Mapping[str, Any]) -> NamedCredential:
    """The credential that a request names. Raises :class:`CscError`."""
    name = text_in(body, "credentialID")
    use = remote_use_of(name)
    if use is None:
        raise CscError("invalid_request", "Invalid parameter credentialID")
    return NamedCredential(name.rpartition(".")[0], use)


def text_in(body: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """The text *name*. Raises :class:`CscError` for none, unless there is a *default*, and for half a character,
    which JSON can hold."""
    value = body.get(name, default)
    if not isinstance(value, str) or (default is None and not value) or _SURROGATE.search(value):
        raise CscError("invalid_request", f"Missing or invalid type, parameter {name}")
    return value


@dataclass(frozen=True, slots=True)
class GivenDocument:
    """A document itself, and the order by which a PDF gets its signature within; without one it is detached."""

    content: bytes
    pdf: PdfOrder | None

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.content).digest()


def ask_in(body: Mapping[str, Any]) -> RemoteAsk:
    """What ``credentials/authorize`` asks for. ``documents`` is ours: one document itself, as ``signDoc`` takes
    it, so that its person sees it; hashes beside it are its own. Raises :class:`CscError`."""
    named = credential_in(body)
    given = document_in(body)
    digests = [given.digest] if given else _hashes(body, ("hashes", "hash"))
    if given and ("hashes" in body or "hash" in body) and _hashes(body, ("hashes", "hash")) != digests:
        raise CscError("invalid_request", "The document does not match the hash")
    count = body.get("numSignatures", len(digests))
    if type(count) is not int or count != len(digests):
        raise CscError("invalid_request", "Invalid parameter numSignatures: every hash is authorised by itself")
    labels = _labels(body, len(digests))
    documents = tuple(RemoteDocument(*each) for each in zip(digests, labels, strict=True))
    return RemoteAsk(
        named.person, named.use, documents, given.content if given else b"", given.pdf if given else None
    )


def hashes_to_sign(body: Mapping[str, Any]) -> list[bytes]:
    """The hashes of ``signatures/signHash``. Raises :class:`CscError`."""
    if body.get("signAlgo") is not None:
        text_in(body, "signAlgo")
    return _hashes(body, ("hashes", "hash"))


def digests_to_sign(body: Mapping[str, Any], algorithms: Sequence[str]) -> list[bytes]:
    """The digests of ``signatures/signDoc`` that is given no document. Raises :class:`CscError`."""
    sets = body.get("documentDigests")
    if not isinstance(sets, list) or not sets or not all(isinstance(each, dict) for each in sets):
        raise CscError("invalid_request", "Missing or invalid type, parameter documentDigests")
    for each in sets:
        require_algorithms(each, algorithms)
        _require_detached(each)
    return [digest for each in sets for digest in _hashes(each, ("hashes",))]


def document_in(body: Mapping[str, Any], algorithms: Sequence[str] | None = None) -> GivenDocument | None:
    """The document that is handed in, for a key of these *algorithms*; None for none. Raises :class:`CscError`."""
    given = body.get("documents")
    if given is None:
        return None
    if "documentDigests" in body:
        raise CscError("invalid_request", "Both documentDigests and documents parameters passed")
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], dict):
        raise CscError("invalid_request", "Invalid array parameter documents: one document is handed in at a time")
    if algorithms is not None:
        require_algorithms(given[0], algorithms)
    kind = text_in(given[0], "signature_format")
    pdf = _pdf_order(given[0]) if kind == "P" else None
    if pdf is None:
        _require_detached(given[0])
    content = _decoded(given[0].get("document"), "document")
    if not content:
        raise CscError("invalid_request", "Invalid Base64 documents string parameter")
    return GivenDocument(content, pdf)


def require_synchronous(body: Mapping[str, Any]) -> None:
    """Raises :class:`CscError` for what is answered later, or with validation data: neither is offered."""
    if body.get("operationMode", "S") != "S":
        raise CscError("invalid_request", "Invalid parameter operationMode")
    if body.get("returnValidationInfo", False) is not False:
        raise CscError("invalid_request", "Invalid parameter returnValidationInfo")


def require_algorithms(body: Mapping[str, Any], algorithms: Sequence[str]) -> None:
    """Raises :class:`CscError` for an algorithm that is not one of the key's."""
    asked = body.get("signAlgo")
    if asked is not None and asked not in algorithms:
        raise CscError("invalid_request", "Invalid parameter signAlgo")


def _require_detached(each: Mapping[str, Any]) -> None:
    """Detached signatures are made at the level B-B, for PDF (P) and CAdES (C); a client adds the rest."""
    if each.get("signature_format", "C") not in ("C", "P"):
        raise CscError("invalid_request", "Invalid parameter signature_format")
    if _level(each) is not PdfLevel.B:
        raise CscError("invalid_request", "Invalid parameter conformance_level")
    envelope = each.get("signed_envelope_property", "Detached")
    if envelope != "Detached" and not (each.get("signature_format") == "P" and envelope in CERTIFIES):
        raise CscError("invalid_request", "Invalid parameter signed_envelope_property")
    _require_own_properties(each)


def _pdf_order(each: Mapping[str, Any]) -> PdfOrder:
    """How a PDF is signed; who says nothing else has it certified (11.11)."""
    certifies = CERTIFIES.get(text_in(each, "signed_envelope_property", "Certification"))
    if certifies is None:
        raise CscError("invalid_request", "Invalid parameter signed_envelope_property")
    _require_own_properties(each)
    return PdfOrder(_level(each), certifies)


def _level(each: Mapping[str, Any]) -> PdfLevel:
    found = LEVELS.get(text_in(each, "conformance_level", "Ades-B-B").lower())
    if found is None:
        raise CscError("invalid_request", "Invalid parameter conformance_level")
    return found


def _require_own_properties(each: Mapping[str, Any]) -> None:
    """What else is signed is for the authority to say."""
    if each.get("signed_props"):
        raise CscError("invalid_request", "Invalid parameter signed_props")


def _hashes(body: Mapping[str, Any], names: Sequence[str]) -> list[bytes]:
    algorithm = body.get("hashAlgorithmOID", body.get("hashAlgo", SHA256))
    if algorithm != SHA256:
        raise CscError("invalid_request", "Invalid parameter hashAlgorithmOID: SHA-256 alone is signed")
    given = next((body[name] for name in names if name in body), None)
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list) or not given:
        raise CscError("invalid_request", f"Missing or invalid type, parameter {names[0]}")
    digests = [_decoded(each, names[0]) for each in given]
    if any(len(each) != _DIGEST_BYTES for each in digests):
        raise CscError("invalid_request", f"Invalid digest value length, parameter {names[0]}")
    return digests


def _decoded(value: object, name: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError) as error:
        raise CscError("invalid_request", f"Invalid Base64 parameter {name}") from error


def _labels(body: Mapping[str, Any], count: int) -> list[str]:
    """What each document is called: by ``labels``, which is ours, or by the ``description``, with its number."""
    given = body.get("labels")
    if given is not None:
        if not isinstance(given, list) or len(given) != count or not all(isinstance(each, str) for each in given):
            raise CscError("invalid_request", "Invalid parameter labels: one for each hash")
        names = given
    else:
        described = visible(text_in(body, "description", "")[:_READ])[: LONGEST_LABEL - 10].strip() or "-"
        names = [described] if count == 1 else [f"{described} ({number})" for number in range(1, count + 1)]
    return [visible(each[:_READ])[:LONGEST_LABEL].strip() or "-" for each in names]
