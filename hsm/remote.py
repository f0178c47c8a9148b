"""Remote signing: other software has a person sign with a key in the HSM (Cloud Signature Consortium API).

What it signs is not of this appliance, so none of it is signed with the key for contracts. A person has a key of
its own for each use, and its certificate says for which: by the policy, its notice, and the identifier
(``person-….document`` or ``person-….hash``), which is nobody's who signs a contract or a record here. So no such
signature is ever taken for one of those, and a raw signature never for one whose attributes the authority made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cryptography import x509

from hsm.errors import BadRequest
from hsm.intents import LONGEST_TITLE, required_field
from hsm.names import LONGEST_ORGANISATION, is_name, is_outside, is_visible, name_in

SIGN_REMOTELY: Final = "sign_remotely"
"""The kind of the intent that a person activates."""

ADD_REMOTE_KEY: Final = "add_remote_key"
"""The kind of the officers' intent that gives a person such a key."""

MOST_DOCUMENTS: Final = 100
"""Documents that one activation signs, whatever the settings say."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DOCUMENT: Final = frozenset({"digest", "label"})
_OF_SHOWN: Final = frozenset({"shown", "field"})


class RemoteUse(StrEnum):
    """What a key for remote signing signs: the digest of a document, in attributes that the authority makes; or a
    digest of anything, as it is handed in: a document that this appliance has not seen."""

    DOCUMENT = "document"
    HASH = "hash"


POLICIES: Final = {RemoteUse.DOCUMENT: "1.3.6.1.4.1.32473.1.7", RemoteUse.HASH: "1.3.6.1.4.1.32473.1.8"}
"""In the certificates, unless the settings name others; the arc is that of :data:`hsm.certificates.POLICY`."""

NOTICES: Final = {
    RemoteUse.DOCUMENT: (
        "For documents of other software, activated by their digests; no contract of this CA's operator."
        " Private CA, not a licensed service."
        " 仅用于其他软件的文件，按摘要确认；内部自建CA，并非依法许可的电子认证服务。"
    ),
    RemoteUse.HASH: (
        "For digests whose documents the signing service has not seen. Private CA, not a licensed service."
        " 仅用于签名服务未见过其文件的摘要；内部自建CA，并非依法许可的电子认证服务。"
    ),
}
"""The same in words. RFC 5280 (4.2.1.4) has room for 200 characters."""


def remote_key(person: str, use: RemoteUse) -> str:
    """What the authority calls the key of *person* for *use*: no subject has a name with a full stop."""
    return f"{person}.{use.value}"


def remote_keys(subject: str) -> tuple[str, ...]:
    """The names of the keys for remote signing that *subject* may have."""
    return tuple(remote_key(subject, use) for use in RemoteUse) if is_name(subject, "person") else ()


def remote_use_of(name: str) -> RemoteUse | None:
    """For what the key of this *name* is; None for one that is not for remote signing."""
    person, _, use = name.partition(".")
    return RemoteUse(use) if is_name(person, "person") and use in tuple(RemoteUse) else None


def remote_use_in(certificate: x509.Certificate) -> RemoteUse | None:
    """For what the certificate is; None for one that is not for remote signing."""
    return remote_use_of(name_in(certificate).identifier or "")


@dataclass(frozen=True, slots=True)
class RemoteDocument:
    """``digest`` (SHA-256, 32 bytes) is what is signed, and ``label`` what the software calls it.

    ``shown``: the page shows the document itself, or nothing at all: one with this digest or, where a ``field`` is
    named, a PDF that is prepared for the signature in it, whose ByteRange has this digest.
    """

    digest: bytes
    label: str
    shown: bool = False
    field: str = ""

    def fields(self) -> dict[str, Any]:
        """As the intent has it; what is empty or false goes unsaid."""
        more: dict[str, Any] = {"shown": True} if self.shown else {}
        if self.field:
            more["field"] = self.field
        return {"digest": self.digest.hex(), "label": self.label, **more}


@dataclass(frozen=True, slots=True)
class RemoteSigning:
    """What *person* activates: their key for *use* signs these *documents*, once, for the software *client*."""

    person: str
    use: RemoteUse
    client: str
    documents: tuple[RemoteDocument, ...]

    @property
    def key(self) -> str:
        """The name of the key that signs."""
        return remote_key(self.person, self.use)

    def details(self) -> dict[str, Any]:
        """The arguments of the intent."""
        documents = [each.fields() for each in self.documents]
        return {"subject": self.person, "use": self.use.value, "client": self.client, "documents": documents}


def remote_signing_in(details: Mapping[str, Any]) -> RemoteSigning:
    """What the arguments of an intent say, each in its plain form. Raises :class:`BadRequest`."""
    person, use = required_field(details, "subject", str), required_field(details, "use", str)
    _require(is_name(person, "person") and not is_outside(person), "subject")
    _require(use in tuple(RemoteUse), "use")
    given = required_field(details, "documents", list)
    _require(1 <= len(given) <= MOST_DOCUMENTS, "documents")
    documents = tuple(map(_document, given))
    _require(len({each.digest for each in documents}) == len(documents), "digest")
    alone = len(documents) == 1 and use == RemoteUse.DOCUMENT
    _require(alone or not any(each.shown for each in documents), "shown")
    return RemoteSigning(person, RemoteUse(use), _line(details, "client", LONGEST_ORGANISATION), documents)


def _document(value: Any) -> RemoteDocument:
    _require(isinstance(value, dict) and set(value) - _OF_SHOWN == _DOCUMENT, "documents")
    digest = required_field(value, "digest", str)
    _require(_DIGEST.fullmatch(digest) is not None, "digest")
    _require(value.get("shown", True) is True and ("shown" in value or "field" not in value), "shown")
    field = _line(value, "field", LONGEST_TITLE) if "field" in value else ""
    return RemoteDocument(bytes.fromhex(digest), _line(value, "label", LONGEST_TITLE), "shown" in value, field)


def _line(values: Mapping[str, Any], name: str, most: int) -> str:
    text = required_field(values, name, str)
    _require(1 <= len(text) <= most and is_visible(text), name)
    return text


def _require(holds: bool, name: str) -> None:
    if not holds:
        raise BadRequest("The field {name} of a remote signature does not have its plain form.", name=name)
