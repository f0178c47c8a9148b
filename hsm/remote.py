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

from hsm.intents import LONGEST_TITLE, plain_line, require_plain, required_field
from hsm.names import is_name, is_outside, name_in

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
    require_plain(is_name(person, "person") and not is_outside(person), "subject")
    require_plain(use in tuple(RemoteUse), "use")
    given = required_field(details, "documents", list)
    require_plain(1 <= len(given) <= MOST_DOCUMENTS, "documents")
    documents = tuple(map(_document, given))
    require_plain(len({each.digest for each in documents}) == len(documents), "digest")
    alone = len(documents) == 1 and use == RemoteUse.DOCUMENT
    require_plain(alone or not any(each.shown for each in documents), "shown")
    return RemoteSigning(person, RemoteUse(use), plain_line(details, "client"), documents)


def _document(value: Any) -> RemoteDocument:
    require_plain(isinstance(value, dict) and set(value) - _OF_SHOWN == _DOCUMENT, "documents")
    digest = required_field(value, "digest", str)
    require_plain(_DIGEST.fullmatch(digest) is not None, "digest")
    require_plain(value.get("shown", True) is True and ("shown" in value or "field" not in value), "shown")
    field = plain_line(value, "field", LONGEST_TITLE) if "field" in value else ""
    return RemoteDocument(
        bytes.fromhex(digest), plain_line(value, "label", LONGEST_TITLE), "shown" in value, field
    )
