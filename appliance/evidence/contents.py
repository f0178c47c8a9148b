"""Whether what lies in a package fits together: contract, signatures, history, log. Trust is asked elsewhere.

Each step raises :class:`PackageRefused`, or the error of the part that found it, with one sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from appliance.evidence import extraction, history, log_files, package
from appliance.evidence.extraction import SignedFile, taken_apart
from appliance.evidence.manifest import PackageManifest
from appliance.evidence.model import LogEntry, PackageRefused
from appliance.language.sizes import ByteSize
from appliance.ledger import require_chain
from hsm import canonical, merkle

LARGEST_RECORD = 4 * 1024 * 1024
"""Bytes of a file that is parsed here; documents are not, the verifier's confined process reads them."""

Files = Mapping[str, memoryview]


def part(files: Files, path: str, *, limit: int = LARGEST_RECORD) -> bytes:
    """The bytes of the file *path*. Raises :class:`PackageRefused` when it is missing or larger than *limit*."""
    if path not in files:
        raise PackageRefused("The package lacks the file {path}.", path=path)
    if len(files[path]) > limit:
        raise PackageRefused(
            "The file {path} of the package is larger than {limit}.", path=path, limit=ByteSize(limit)
        )
    return bytes(files[path])


def require_contract(files: Files) -> bytes:
    """The signed contract: it begins with the original, and carries every signature that lies beside it."""
    signed = part(files, package.SIGNED, limit=len(files.get(package.SIGNED, b"")))
    original = files.get(package.ORIGINAL)
    if original is None or signed[: len(original)] != original:
        raise PackageRefused("The signed contract does not begin with the contract as given.")
    numbers = sorted({path.split("/")[1][:2] for path in files if path.startswith("signatures/")})
    for number in numbers:
        name = f"signatures/{number}"
        if f"{name}.p7s" in files:
            message = part(files, f"{name}.p7s")
            covers = extraction.locate_signatures(signed, message)
            _require_parts(files, name, message, covers.content(signed))
        else:
            extraction.locate_signatures(signed, part(files, f"{name}.tst"))
    return signed


@dataclass(frozen=True, slots=True)
class Record:
    """The signature of a signed record, in the file ``path``: who made it, and its token ``stamp``, which dates
    ``value`` with the time ``at``. Whether they are to be trusted is asked elsewhere.
    """

    path: str
    signer: x509.Certificate
    stamp_path: str
    stamp: bytes
    value: bytes
    at: datetime


def require_records(files: Files) -> list[Record]:
    """Every signed record verifies."""
    records = []
    for path in sorted(files):
        if path.startswith(("agreement/", history.FOLDER)) and path.endswith(".p7s"):
            name = path.removesuffix(".p7s")
            signed = _require_parts(files, name, part(files, path), part(files, f"{name}.json"))
            stamp = f"{name}.tst"
            records.append(Record(path, signed.certificate, stamp, signed.token, signed.value, signed.at))
    return records


def require_log(files: Files, manifest: PackageManifest) -> tuple[history.PackageEvent, ...]:
    """The checkpoint is the log's and the manifest's; every entry is in it; the history is what they say: its
    events."""
    vkey = part(files, log_files.VKEY).decode("ascii", "replace")
    checkpoint = part(files, log_files.CHECKPOINT)
    own = log_files.read_log_files(checkpoint, vkey)
    if own.state != manifest.checkpoint:
        raise PackageRefused("The checkpoint in the package is not the one that its manifest names.")
    entries = [_entry(files, path) for path in sorted(files) if path.startswith("log/entries/")]
    if not entries:
        raise PackageRefused("The package has no entry of the log.")
    for entry in entries:
        proof = log_files.parse_proof(entry.proof)
        if proof.index != entry.index or proof.checkpoint != checkpoint:
            raise PackageRefused("The proof of log entry {entry} is another one's.", entry=entry.index)
        leaf = merkle.leaf_hash(entry.leaf)
        if merkle.root_from_inclusion(entry.index, own.state.size, leaf, proof.hashes) != own.state.root:
            raise PackageRefused("The log entry {entry} is not in the log.", entry=entry.index)
    told = part(files, package.HISTORY)
    heading = history.read_heading(told)
    events = history.events(entries)
    if history.encode(heading, events) != told:
        raise PackageRefused("The history in the package is not what the log's entries say.")
    _require_unbroken(entries, heading.contract)
    _require_completed(files, events, heading.contract)
    return events


def _require_unbroken(entries: Sequence[LogEntry], contract: str) -> None:
    """The contract's own entries are a chain from its first one on: none was left out."""
    own = [(entry.index, entry.leaf) for entry in entries if contract == _contract_of(entry)]
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


def _contract_of(entry: LogEntry) -> object:
    return canonical.decode(entry.leaf)["public"].get("contract")


def _require_parts(files: Files, name: str, message: bytes, content: bytes) -> SignedFile:
    signed = taken_apart(message, content, name)
    for ending, expected in ((".sig", signed.value), (".tst", signed.token)):
        if part(files, name + ending) != expected:
            raise PackageRefused("The file {path} is not of its signature.", path=name + ending)
    return signed


def _entry(files: Files, path: str) -> LogEntry:
    number = path.removeprefix("log/entries/").removesuffix(".json")
    if not number.isdecimal():
        raise PackageRefused("The file {path} is not named for a log entry.", path=path)
    index = int(number)
    opening = log_files.opening_path(index)
    return LogEntry(
        index=index,
        leaf=part(files, path),
        proof=part(files, log_files.proof_path(index)),
        opening=canonical.decode(part(files, opening)) if opening in files else {},
    )
