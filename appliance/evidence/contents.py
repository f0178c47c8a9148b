"""Whether what lies in a package fits together: contract, signatures, history, log. Trust is asked elsewhere.

Each step raises :class:`PackageRefused`, or the error of the part that found it, with one sentence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256

from appliance.evidence import extraction, history, package
from appliance.evidence.authorisation_basis import FOLDER
from appliance.evidence.extraction import SignedFile, taken_apart
from appliance.evidence.log_files import require_logged
from appliance.evidence.manifest import PackageManifest
from appliance.evidence.model import Files, LogEntry, PackageRefused, part
from appliance.evidence.own_certificates import certificate_of, identifier_of, is_own, who_signed
from appliance.ledger import require_chain
from appliance.model.review import CHECK, CHECK_FORMAT, SIGN_OFF, SIGN_OFF_FORMAT
from appliance.pdf.byte_ranges import SignedDigests, signed_sizes
from appliance.verification import SignatureReport, Verdict
from appliance.verification.model import PASSED
from hsm import canonical, cms
from hsm.errors import Malformed
from hsm.intents import instant
from hsm.names import SubjectName, name_in
from hsm.remote import remote_use_in

_ACTIVATED = "activated_"
"""How the field of an entry begins that says how a signature was activated."""

_RECORD = re.compile(
    rf"((?:agreement/|{history.FOLDER})[^/]+|{FOLDER}(?:power|anchor|vouching)-[^/]+)[.](?:json|p7s)"
)
"""What a signed record is called, and the name of its files without ending."""

OTHER_SIGNATURES = "The signatures in the contract are not those of which the log tells."


@dataclass(frozen=True, slots=True)
class SignedContract:
    """The signed contract's bytes; of each signature beside it the SHA-256 (hex) of what it covers, with the
    subject whom its certificate names (or nothing), and with how it was activated, as the log writes it (or
    nothing), and the time of its timestamp; and the same SHA-256 by the number of its files. ``carried``: that
    SHA-256 with who made it and when (None for a timestamp), by where what it covers ends; ``signed_until``: the
    bytes that all of these signatures are in. ``own``: where those end that were made elsewhere, with their
    numbers."""

    document: bytes
    signers: tuple[tuple[str, str], ...]
    ways: Mapping[str, tuple[str, datetime]]
    numbered: Mapping[str, str]
    carried: Mapping[int, tuple[str, SignedFile | None]] = field(default_factory=dict)
    signed_until: int = 0
    own: Mapping[int, str] = field(default_factory=dict)


def require_contract(files: Files) -> SignedContract:
    """The signed contract: it begins with the original, and carries since then exactly what lies beside it: who
    signed a contract cannot be passed over when it is declared void, in whatever form a place is written."""
    signed = part(files, package.SIGNED, limit=len(files.get(package.SIGNED, b"")))
    signers, ways, numbered, covered = [], {}, {}, []
    located: dict[int, tuple[str, SignedFile | None]] = {}
    own_ends: dict[int, str] = {}
    original = files.get(package.ORIGINAL)
    if original is None or signed[: len(original)] != original:
        raise PackageRefused("The signed contract does not begin with the contract as given.")
    names = sorted({path.partition(".")[0] for path in files if path.startswith("signatures/")})
    messages = [part(files, f"{name}.p7s" if f"{name}.p7s" in files else f"{name}.tst") for name in names]
    places = extraction.locate_all(signed, messages)
    digests = SignedDigests(signed, places)
    for name, message, place in zip(names, messages, places, strict=True):
        content = partial(digests.digest, place)
        if f"{name}.p7s" in files:
            number = name.removeprefix("signatures/")
            own = is_own(files, number)
            made = _require_parts(files, name, message, content, has_own_token=own)
            if own and made.certificate != certificate_of(files, number):
                raise PackageRefused(OTHER_SIGNATURES)
            digest = numbered[number] = content("sha256").hex()
            signers.append((digest, identifier_of(made.certificate, own=own)))
            way = None if own else cms.parse(message).activation()
            ways[digest] = "" if way is None else f"{_ACTIVATED}{way}".replace("-", "_"), in_seconds(made.at)
            located[place.end] = digest, made
            own_ends |= {place.end: number} if own else {}
        else:
            extraction.verify_dated(message, content)
            located[place.end] = "", None
        covered.append(place.gap_start + place.length)
    sizes = signed_sizes(signed, since=len(original))
    if not signers or len(located) != len(names) or sorted(sizes or ()) != sorted(covered):
        raise PackageRefused(OTHER_SIGNATURES)
    until = max(end for end, (_, by) in located.items() if by is not None)
    return SignedContract(signed, tuple(sorted(signers)), ways, numbered, located, until, own_ends)


@dataclass(frozen=True, slots=True)
class JudgedSignature:
    """A signature of the contract: the SHA-256 (hex) of what it covers, whom its certificate names, and what the
    verifier of PDFs says of it and of the timestamp whose time the log has."""

    covers: str
    signer: SubjectName
    report: SignatureReport
    dated: Verdict
    own: bool = False


def _named(made: SignedFile, contract: SignedContract) -> SubjectName:
    """Whom the certificate names. What one of another house calls its subject is nobody's number here."""
    name = name_in(made.certificate)
    own = any(found is made for end, (_, found) in contract.carried.items() if end in contract.own)
    return replace(name, identifier=None) if own else name


def judged_signatures(
    contract: SignedContract, reports: Sequence[SignatureReport]
) -> tuple[tuple[JudgedSignature, ...], tuple[SignatureReport, ...]]:
    """Those of the *contract*, each with its one of the *reports* on the document, and the reports on those from
    before it was given. A signature that no report is about nobody has judged: programs do not show it, and any
    key may have made it."""
    carried, about = contract.carried, {each.end: each for each in reports}
    if not all(end in about and _is_about(about[end], made) for end, (_, made) in carried.items()):
        raise PackageRefused(OTHER_SIGNATURES)
    judged = tuple(
        JudgedSignature(covers, _named(made, contract), about[end], _dated(about[end], made), end in contract.own)
        for end, (covers, made) in sorted(carried.items())
        if made is not None
    )
    return judged, tuple(each for each in reports if each.end not in carried and not each.document_timestamp)


def _is_about(report: SignatureReport, made: SignedFile | None) -> bool:
    if made is None or report.document_timestamp:
        return made is None and report.document_timestamp
    return not report.path or report.path[0].fingerprint == made.certificate.fingerprint(SHA256()).hex()


def _dated(report: SignatureReport, made: SignedFile) -> Verdict:
    """On the timestamp whose time the log has, and against which powers and identity checks are held. A signature
    stands without it, and a stranger's may be added to it; but its time is then nobody's."""
    same = [each.verdict for each in report.stamps if each.time == made.at]
    return next((each for each in same if each == PASSED), same[0] if same else report.verdict)


def require_told(
    files: Files, contract: SignedContract, events: Sequence[history.PackageEvent], number: str
) -> None:
    """The history tells of exactly the signatures that the contract of this *number* carries, each over what it
    covers, by whom its certificate names, at the time of its timestamp, and activated then in the very way that
    the authority signed; for a person nobody else acted. What a signature rests on has its number, so that it is
    held against its time. The contract as given is the file of which the log tells that it was drafted, and it was
    completed with all of these signatures."""
    given = [each.public for each in events if each.public.get("contract") == number and "pages" in each.public]
    if hashlib.sha256(files[package.ORIGINAL]).hexdigest() not in [public.get("digest") for public in given]:
        raise PackageRefused("The signed contract does not begin with the contract as given.")
    told = [event for event in events if event.kind == history.SIGNED]
    same = sorted((event.public["signed"], who_signed(event)) for event in told) == list(contract.signers)
    same = same and all(event.public.get("contract") == number for event in told)
    completed = [event.public for event in events if event.kind == "contract-completed"]
    whole = (each["size"] >= contract.signed_until for each in completed if each.get("contract") == number)
    same = same and all(whole)
    if not same or not all(_is_as_signed(event, contract.ways) for event in told):
        raise PackageRefused(OTHER_SIGNATURES)
    records = {hashlib.sha256(files[path]).hexdigest(): path for path in files if path.startswith(FOLDER)}
    for event in told:
        path = records.get(event.public.get("grounds", ""))
        own = None if path is None else contract.numbered.get(path.removeprefix(FOLDER).removesuffix(".json"))
        if path is not None and own != event.public["signed"]:
            raise PackageRefused("The grounds {path} are those of another signature than their number.", path=path)


def _is_as_signed(event: history.PackageEvent, ways: Mapping[str, tuple[str, datetime]]) -> bool:
    signer, (way, at) = event.public["signer"], ways[event.public["signed"]]
    own = event.at == at and (signer == event.actor or signer.startswith("seal-"))
    every = (*event.public.items(), *event.private.items())
    told = [each for each in every if each[0].startswith(_ACTIVATED)]
    return own and told == ([(way, instant(at))] if way else [])


def in_seconds(at: datetime) -> datetime:
    """As the log has the moment of a timestamp."""
    return at.replace(microsecond=0)


def require_records(files: Files) -> dict[str, SignedFile]:
    """Verifies every signed record, and that each record of a kind that people or officers vouch for is signed:
    path without ending → signature. Whether signer and timestamp authority are trusted is decided elsewhere."""
    names = {found[1] for path in files if (found := _RECORD.fullmatch(path))}
    return {
        name: _require_parts(files, name, part(files, f"{name}.p7s"), part(files, f"{name}.json"), is_record=True)
        for name in sorted(names)
    }


def require_log(files: Files, manifest: PackageManifest) -> tuple[history.PackageEvent, ...]:
    """The checkpoint is the log's and the manifest's; every entry is in it; the history is what they say of the
    manifest's contract: its events."""
    entries = require_logged(files, manifest)
    told = part(files, package.HISTORY)
    heading = history.read_heading(told)
    events = history.events(entries)
    if history.encode(heading, events) != told:
        raise PackageRefused("The history in the package is not what the log's entries say.")
    if heading.contract != manifest.contract:
        raise PackageRefused("The history in the package is about another contract than its manifest.")
    _require_unbroken(entries, heading.contract)
    _require_completed(files, events, heading.contract)
    return events


def _require_unbroken(entries: Sequence[LogEntry], contract: str) -> None:
    """The contract's own entries are a chain from its first one on: none was left out."""
    public = ((entry, canonical.decode(entry.leaf)["public"]) for entry in entries)
    own = [(entry.index, entry.leaf) for entry, fields in public if fields.get("contract") == contract]
    if not own:
        raise PackageRefused("The package has no entry of the log.")
    require_chain(own, contract=contract)


def _require_completed(files: Files, events: Sequence[history.PackageEvent], contract: str) -> None:
    """The history goes as far as the completion of exactly this file.

    A chain shows no gap where its end was left out; that the log has nothing later is not proven by a package.
    """
    own = {event.kind: event.public for event in events if event.public.get("contract") == contract}
    completed = own.get("contract-completed")
    signed = files[package.SIGNED]
    if completed is None or _digest_of(signed, completed.get("size")) != completed.get("digest"):
        raise PackageRefused("The history does not say that the contract was completed as the signed file.")


def _digest_of(document: memoryview, size: object) -> str | None:
    """SHA-256 (hex) of the first *size* bytes; a later archive timestamp only adds to them."""
    if not isinstance(size, int) or not 0 < size <= len(document):
        return None
    return hashlib.sha256(document[:size]).hexdigest()


def _require_parts(
    files: Files,
    name: str,
    message: bytes,
    content: bytes | extraction.DigestOf,
    *,
    is_record: bool = False,
    has_own_token: bool = False,
) -> SignedFile:
    token = part(files, f"{name}.tst") if has_own_token else b""
    signed = taken_apart(message, content, name, is_record=is_record, token=token)
    # whatever the log says: whoever wrote it may have had the person sign a digest of something else
    if not has_own_token and remote_use_in(signed.certificate) is not None:
        raise PackageRefused(
            "The signature {path} is by a key for other software, which signs no contract and no record.",
            path=f"{name}.p7s",
        )
    for ending, expected in ((".sig", signed.value), (".tst", signed.token)):
        if part(files, name + ending) != expected:
            raise PackageRefused("The file {path} is not of its signature.", path=name + ending)
    return signed


def require_review(
    files: Files,
    original: bytes,
    contract: str,
    events: Sequence[history.PackageEvent],
    *,
    withheld: Collection[int] = (),
) -> None:
    """The content check: its result and the reviewer's sign-off, bound to the document and to the log.

    1. ``review/check.json`` is about exactly the contract as given, and the log has its digest;
    2. ``review/sign-off.json`` answers for exactly that check, and the log has its digest and every waiver in it;
    3. what the log has of checks and sign-offs of this document is not left out, unless the manifest says that it
       is withheld: the internal record of another organisation than the one for which the package was made.

    The log's *events* are proven already, and those whose numbers are *withheld* need no record.
    """
    document = hashlib.sha256(original).hexdigest()
    open_ones = (event for event in events if event.entry not in withheld)
    acts = [act for act in _acts(open_ones) if act.get("document") == document]
    told = {
        kind: [act for act in acts if act["kind"] == kind] for kind in ("content-checked", "review-signed-off")
    }
    checked, signed_off = (
        path in files or told[kind] for path, kind in ((CHECK, "content-checked"), (SIGN_OFF, "review-signed-off"))
    )
    for path, needed in ((CHECK, checked), (SIGN_OFF, signed_off), (CHECK, signed_off)):
        if needed:
            part(files, path)
    if checked:
        said = _record(files, CHECK, CHECK_FORMAT, {"document": document, "contract": contract})
        digest = hashlib.sha256(files[CHECK]).hexdigest()
        if not any(act["check"] == digest and act["rules"] == said["rules"] for act in told["content-checked"]):
            raise PackageRefused("The log knows nothing of the content check in the package.")
        if signed_off:
            _require_sign_off(files, {"document": document, "contract": contract, "check": digest}, acts)


def _require_sign_off(files: Files, expected: Mapping[str, str], acts: list[dict[str, Any]]) -> None:
    said = _record(files, SIGN_OFF, SIGN_OFF_FORMAT, expected)
    digest = hashlib.sha256(files[SIGN_OFF]).hexdigest()
    signed = [act for act in acts if act["kind"] == "review-signed-off" and act["record"] == digest]
    if not any(act["actor"] == said["reviewer"] for act in signed):
        raise PackageRefused("The log knows nothing of the reviewer's sign-off in the package.")
    waived = {(act["item"], act["actor"]) for act in acts if act["kind"] == "clause-waived"}
    if any(not waived & {(each["item"], each["by"]), (None, each["by"])} for each in said["waivers"]):
        raise PackageRefused("The log knows nothing of a waiver in the reviewer's sign-off.")


def _record(files: Files, path: str, form: str, expected: Mapping[str, str]) -> dict[str, Any]:
    try:
        said = canonical.decode(part(files, path))
        if said["format"] != form:
            raise PackageRefused("A file of the package is not in the form that it must have.")
    except (Malformed, KeyError, TypeError) as error:
        raise PackageRefused("A file of the package is not in the form that it must have.") from error
    if any(said.get(name) != value for name, value in expected.items()):
        raise PackageRefused(
            "The file {path} is about another document than the contract in the package.", path=path
        )
    return dict(said)


def _acts(events: Iterable[history.PackageEvent]) -> Iterator[dict[str, Any]]:
    """The acts with all that is known of each; what was erased is None."""
    for event in events:
        yield {"item": None, **event.private, **event.public, "actor": event.actor, "kind": event.kind}
