"""Signatures that were made elsewhere, in packages: whose authority stands behind each, and who approved that
here.

Of signature NN, ``certificates/own-NN.pem`` is the signer's certificate, ``certificates/own-NN-anchor.pem`` the
one to which it leads, and ``authority/anchor-NN.json`` the statement of this house's authority that officers have
approved this anchor for the signer's organisation. A package could name any anchor: one counts

1. for that signature alone, and nobody else's counts for it;
2. when the statement names exactly its certificate, and is signed by the evidence service;
3. when the log has the approval before the signature, and the signature's entry names anchor and certificate;
4. when the statement, the certificate and the log name the same organisation (or person, who signs for none).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.history import SIGNED, PackageEvent
from appliance.evidence.model import PackageRefused, SignedRecord
from appliance.model.anchors import OwnSignature
from appliance.model.intent import IntentRecord
from appliance.signing_methods import SigningMethod
from appliance.store import anchors
from appliance.store.database import Database, Transaction
from appliance.verification.trust import SignerAnchor, shown_name
from hsm import canonical
from hsm.anchors import ANCHOR_FORMAT
from hsm.errors import Sentence
from hsm.intents import moment_in
from hsm.names import is_outside, name_in, same_name, same_organisation

APPROVAL_TITLE: Final = "Approval of a certification authority of an outside signer"
_LINE: Final = re.compile(r"own (\d{2,3}) (\d+) (\d+) (\d+)", re.ASCII)
_WRONG: Final = "The approval of an authority does not fit its signature ({number}): {path}."
_REMARK: Final = (
    "The signature {field} was made elsewhere, with a certificate that {authority} issued to {signer}, and not"
    " this"
    " house. For outside signers of {organisation} that authority was approved by {officers} on {day}."
)

Files = Mapping[str, bytes | memoryview]


@dataclass(frozen=True, slots=True)
class OwnMaterial:
    """What a package has of one such signature besides the signature itself."""

    signature: OwnSignature
    certificate: x509.Certificate


def material(database: Database, contract_id: str) -> dict[str, OwnMaterial]:
    """By party (id)."""

    def read(tx: Transaction) -> dict[str, OwnMaterial]:
        return {
            own.party: OwnMaterial(
                own, x509.load_der_x509_certificate(anchors.load_anchor(tx, own.anchor).certificate)
            )
            for own in anchors.signatures_of(tx, contract_id)
        }

    return database.query(read)


def approvals(database: Database, signatures: Sequence[IntentRecord]) -> tuple[tuple[SignedRecord, ...], set[int]]:
    """The statements about the anchors of *signatures*, numbered as these are, and the log's entries of them."""

    def read(tx: Transaction) -> tuple[tuple[SignedRecord, ...], set[int]]:
        found, entries = [], set()
        for number, made in enumerate(signatures, start=1):
            own = {each.party: each for each in anchors.signatures_of(tx, made.intent.contract)}.get(
                made.intent.party
            )
            stated = None if own is None else anchors.stated_anchor(tx, own.anchor)
            if own is None or stated is None:
                continue
            officers = canonical.decode(stated.statement)["approved_by"]
            names = "、".join(str(each["name"]) for each in officers)
            path = f"authority/anchor-{number:02}"
            found.append(SignedRecord(path, APPROVAL_TITLE, names, stated.statement, stated.cms))
            entry = anchors.load_anchor(tx, own.anchor).entry
            entries |= set() if entry is None else {entry}
        return tuple(found), entries

    return database.query(read)


def is_own(files: Files, number: str) -> bool:
    """Whether the package says of signature *number* that it was made elsewhere."""
    return f"certificates/own-{number}.pem" in files


def certificate_of(files: Files, number: str, ending: str = "") -> x509.Certificate:
    """The one certificate in ``certificates/own-NN[ending].pem``, in its one form. Raises
    :class:`PackageRefused`."""
    path = f"certificates/own-{number}{ending}.pem"
    content = bytes(files.get(path, b""))
    try:
        found = x509.load_pem_x509_certificate(content)
    except ValueError as error:
        raise PackageRefused("A certificate of the package cannot be read.") from error
    if found.public_bytes(Encoding.PEM) != content:
        raise PackageRefused("A certificate of the package cannot be read.")
    return found


def places_in(index: bytes) -> list[tuple[int, str]]:
    """Of each such signature where the index says that what it covers ends, with its number, in that order. They
    have to be found there afterwards, each once: with another's place it would have another's anchor."""
    found = map(_LINE.fullmatch, index.decode("ascii", "replace").split("\n"))
    return sorted((int(each[3]) + int(each[4]), each[1]) for each in found if each is not None)


def anchors_in(files: Files, index: bytes) -> tuple[SignerAnchor, ...]:
    """Whom to believe for each such signature, by where the index says that it is. Whether it is approved is asked
    afterwards (:func:`require_approved`)."""
    return tuple(SignerAnchor(end, certificate_of(files, number, "-anchor")) for end, number in places_in(index))


def who_signed(event: PackageEvent) -> str:
    """Whom an entry names as the signer, as :func:`identifier_of` names who made a signature."""
    if event.public.get("method") == SigningMethod.OWN_CERTIFICATE:
        return f"own:{event.public['certificate']}"
    return str(event.public["signer"])


def identifier_of(certificate: x509.Certificate, *, own: bool) -> str:
    """Who made a signature: a certificate of this house names its subject; any other stands for itself, whatever
    it says."""
    if own:
        return f"own:{certificate.fingerprint(SHA256()).hex()}"
    return name_in(certificate).identifier or ""


def require_approved(files: Files, told: Sequence[PackageEvent], numbered: Mapping[str, str]) -> None:
    """Everything above holds of every such signature; *numbered* has the SHA-256 of what each covers. Raises
    :class:`PackageRefused`; KeyError, TypeError or ValueError for other forms."""
    numbers = [number for number in numbered if is_own(files, number)]
    wanted = {f"authority/anchor-{number}.json" for number in numbers}
    wanted |= {f"certificates/own-{number}{ending}.pem" for number in numbers for ending in ("", "-anchor")}
    named = (path for path in files if path.startswith("certificates/own-"))
    stated = (path for path in files if re.fullmatch(r"authority/anchor-.*\.json", path))
    if {*named, *stated} != wanted:
        raise PackageRefused("The package has an approval of an authority to which no signature leads.")
    # Entries of the first releases do not say which signature they are about; none is by such a certificate.
    events = {event.public.get("signed"): event for event in told if event.kind == SIGNED}
    approved = {event.public.get("statement"): event for event in told if event.kind == "anchor-approved"}
    for number in numbers:
        _require_one(files, number, events[numbered[number]], approved)


def _require_one(files: Files, number: str, signed: PackageEvent, approved: Mapping[object, PackageEvent]) -> None:
    path = f"authority/anchor-{number}.json"
    statement = bytes(files[path])
    said = canonical.decode(statement)
    about, certificate = said["anchor"], certificate_of(files, number)
    anchor = certificate_of(files, number, "-anchor").fingerprint(SHA256()).hex()
    entry = approved.get(hashlib.sha256(statement).hexdigest())
    holds = said["format"] == ANCHOR_FORMAT and about["certificate"] == anchor
    holds = holds and signed.public.get("method") == SigningMethod.OWN_CERTIFICATE
    holds = holds and signed.public.get("anchor") == about["id"] and is_outside(signed.public["signer"])
    holds = (
        holds and entry is not None and entry.entry < signed.entry and entry.public.get("subject") == about["id"]
    )
    holds = holds and moment_in(said["approved"]) <= signed.at
    if not holds or not _is_for(about["organisation"], certificate, signed):
        raise PackageRefused(_WRONG, number=number, path=path)


def _is_for(organisation: str, certificate: x509.Certificate, signed: PackageEvent) -> bool:
    """Whether statement, certificate and log name the same organisation, or person, where no name was erased."""
    name, told = name_in(certificate), signed.private
    of = told.get("organisation")
    if of is None or of.strip():
        same = same_organisation(name.organisation, organisation)
        return same and (of is None or same_organisation(of, organisation))
    return same_name(name.common_name, organisation) and told.get("name") in (None, organisation)


def remarks(files: Files, told: Sequence[Mapping[str, Any]], numbered: Mapping[str, str]) -> Iterator[Sentence]:
    """Who stands behind each such signature, and who approved that."""
    fields = {each["public"].get("signed"): each["public"].get("field", "") for each in told}
    for number, covers in sorted(numbered.items()):
        if not is_own(files, number):
            continue
        said, certificate = (
            canonical.decode(bytes(files[f"authority/anchor-{number}.json"])),
            certificate_of(files, number),
        )
        yield Sentence(
            _REMARK,
            {
                "field": fields.get(covers, number),
                "authority": shown_name(certificate_of(files, number, "-anchor")),
                "signer": shown_name(certificate),
                "organisation": said["anchor"]["organisation"],
                "officers": ", ".join(str(each["name"]) for each in said["approved_by"]),
                "day": str(said["approved"])[:10],
            },
        )
