"""Everything that goes into one package, as values: what is given here is what the package says; and the
files of one that is judged, by their paths, with how large those may be that are parsed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509

from appliance.errors import ApplianceError
from appliance.language.sizes import ByteSize


@dataclass(frozen=True, slots=True)
class TimestampExchange:
    """A timestamp request and its reply (RFC 3161), both DER."""

    request: bytes
    reply: bytes


@dataclass(frozen=True, slots=True)
class SignatureMaterial:
    """One signature in the PDF, in the order of signing. ``cms`` is the DER in its field, with its timestamp.

    ``kind`` is ``person`` or ``seal``; ``name`` the signer's, or the company's for a seal. ``method`` is how an
    outside signer signed (:class:`appliance.signing_methods.SigningMethod`), empty for everybody else. Of a
    signature that was made elsewhere, ``token`` dates its value, and ``anchor`` is the certificate to which it
    leads."""

    field: str
    kind: str
    name: str
    organisation: str
    cms: bytes
    method: str = ""
    token: bytes = b""
    anchor: x509.Certificate | None = None


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """A record that a person signed, such as the acceptance of the agreement: ``cms`` is over exactly ``record``.

    ``name`` is the path without ending, e.g. ``agreement/01``; ``title`` says what it is (a message id).
    """

    name: str
    title: str
    signer: str
    record: bytes
    cms: bytes


@dataclass(frozen=True, slots=True)
class Certificates:
    """``root`` is the anchor, ``intermediates`` lead to it; ``timestamping`` and ``evidence`` are ours.

    ``crls`` (DER) are those of sealing off: made after the last signature, one for each certification authority.
    """

    root: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]
    timestamping: x509.Certificate
    evidence: x509.Certificate
    crls: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A log entry: its leaf's bytes, its ``.tlog-proof``, and what opens its commitments (name → salt and value),
    empty where there was nothing private or it was erased.

    ``withheld``: something of it is kept back, as the internal record of another organisation than the package's;
    ``hidden``: all of it, so that people are not even told what it is.
    """

    index: int
    leaf: bytes
    proof: bytes
    opening: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    withheld: bool = False
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class LogMaterial:
    """The checkpoint (a C2SP signed note, with the lines of witnesses) that all proofs lead to, its token (DER;
    over what the log itself signed), the log's verifier key, and the witness policy of the house, empty for
    none."""

    checkpoint: bytes
    checkpoint_token: bytes
    vkey: str
    entries: tuple[LogEntry, ...]
    policy: bytes = b""


@dataclass(frozen=True, slots=True)
class EvidenceInput:
    """All about one contract that one organisation may see. ``zone`` (IANA) is the one in which times are shown;
    ``created`` is aware; ``audience`` is that organisation's name, or that of a person who is of none.

    ``names`` gives the names of the subjects (people and seals) that the log's entries speak of. The history is
    not given: it is read from the log's entries. ``documents`` are further files by path below ``agreement/``,
    ``annexes/``, ``authority/`` or ``review/``; ``report`` is the JSON value of the verification report over
    ``signed``.
    ``earlier`` are the fields of signatures that the document carried before it came; the report judges them too.
    ``number`` is the organisation's own number of the contract, empty for none.
    ``powers_stated_since``: from which entry of the log on a power of attorney needs the authority's statement.
    """

    contract: str
    title: str
    audience: str
    created: datetime
    zone: str
    original: bytes
    signed: bytes
    exchange: TimestampExchange
    signatures: tuple[SignatureMaterial, ...]
    document_timestamps: tuple[bytes, ...]
    records: tuple[SignedRecord, ...]
    documents: Mapping[str, bytes]
    names: Mapping[str, str]
    certificates: Certificates
    log: LogMaterial
    report: Mapping[str, Any]
    earlier: tuple[str, ...] = ()
    powers_stated_since: int = 0
    number: str = ""


@dataclass(frozen=True, slots=True)
class ManifestSignature:
    """What only the authority can add: ``sign`` gives a detached CMS (DER) over a manifest, ``timestamp`` the DER
    reply to a DER request. Both raise instead of returning something that does not verify."""

    sign: Callable[[bytes], bytes]
    timestamp: Callable[[bytes], bytes]


class PackageRefused(ApplianceError, code="package-refused"):
    """These bytes are not an evidence package in its one canonical form; the sentence says where they differ."""


LARGEST_RECORD = 4 * 1024 * 1024
"""Bytes of a file that is parsed here; documents are not, the verifier's confined process reads them."""

LARGEST_SIGNATURE = 256 * 1024
"""Bytes of a signature or timestamp. A reply of an authority outside has 64 KiB at most."""

Files = Mapping[str, memoryview]


def part(files: Files, path: str, *, limit: int | None = None) -> bytes:
    """The bytes of the file *path*. Raises :class:`PackageRefused` when it is missing, or larger than *limit* or
    what is of its kind."""
    if limit is None:
        limit = LARGEST_SIGNATURE if path.endswith((".p7s", ".tsr", ".tst")) else LARGEST_RECORD
    if path not in files:
        raise PackageRefused("The package lacks the file {path}.", path=path)
    if len(files[path]) > limit:
        raise PackageRefused(
            "The file {path} of the package is larger than {limit}.", path=path, limit=ByteSize(limit)
        )
    return bytes(files[path])
