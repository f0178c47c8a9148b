"""What requests of the CSC API hold, in the words of 1.0.4 and of 2.x; anything else is refused in its terms."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.model.remote_signing import RemoteAsk
from hsm.names import visible
from hsm.remote import RemoteDocument, RemoteUse, remote_use_of

SHA256: Final = "2.16.840.1.101.3.4.2.1"
LONGEST_LABEL: Final = 200
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


def ask_in(body: Mapping[str, Any]) -> RemoteAsk:
    """What ``credentials/authorize`` asks for. ``documents`` is ours: one document itself, in base64, so that its
    person sees it. Raises :class:`CscError`."""
    named = credential_in(body)
    content = document_in(body)
    digests = [hashlib.sha256(content).digest()] if content else _hashes(body, ("hashes", "hash"))
    if body.get("numSignatures", len(digests)) != len(digests):
        raise CscError("invalid_request", "Invalid parameter numSignatures: every hash is authorised by itself")
    labels = _labels(body, len(digests))
    documents = tuple(RemoteDocument(*each) for each in zip(digests, labels, strict=True))
    return RemoteAsk(named.person, named.use, documents, content)


def hashes_to_sign(body: Mapping[str, Any]) -> list[bytes]:
    """The hashes of ``signatures/signHash``. Raises :class:`CscError`."""
    if body.get("signAlgo") is not None:
        text_in(body, "signAlgo")
    return _hashes(body, ("hashes", "hash"))


def digests_to_sign(body: Mapping[str, Any]) -> list[bytes]:
    """The digests of the documents of ``signatures/signDoc``. Raises :class:`CscError`."""
    content = document_in(body)
    if content:
        return [hashlib.sha256(content).digest()]
    sets = body.get("documentDigests")
    if not isinstance(sets, list) or not sets or not all(isinstance(each, dict) for each in sets):
        raise CscError("invalid_request", "Missing or invalid type, parameter documentDigests")
    for each in sets:
        _require_format(each)
    return [digest for each in sets for digest in _hashes(each, ("hashes",))]


def document_in(body: Mapping[str, Any]) -> bytes:
    """The document that is handed in; empty for none. Raises :class:`CscError`."""
    given = body.get("documents")
    if given is None:
        return b""
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0], dict):
        raise CscError("invalid_request", "Invalid parameter documents: one document is handed in at a time")
    _require_format(given[0])
    content = _decoded(given[0].get("document"), "document")
    if not content:
        raise CscError("invalid_request", "Invalid parameter document")
    return content


def require_algorithms(body: Mapping[str, Any], algorithms: Sequence[str]) -> None:
    """Raises :class:`CscError` for an algorithm that is not one of the key's."""
    asked = body.get("signAlgo")
    if asked is not None and asked not in algorithms:
        raise CscError("invalid_request", "Invalid parameter signAlgo")


def _require_format(each: Mapping[str, Any]) -> None:
    """Detached signatures at the level B-B are made here, for PDF (P) and CAdES (C); a client adds the rest."""
    if each.get("signature_format", "C") not in ("C", "P"):
        raise CscError("invalid_request", "Invalid parameter signature_format")
    if str(each.get("conformance_level", "AdES-B-B")).lower() != "ades-b-b":
        raise CscError("invalid_request", "Invalid parameter conformance_level")


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
