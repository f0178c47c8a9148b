"""Whether the entries of the log in a package are in the log whose checkpoint its manifest names."""

from __future__ import annotations

import re

from appliance.evidence import log_files
from appliance.evidence.layout import NO_RULE
from appliance.evidence.manifest import AnyManifest
from appliance.evidence.members import Files, part
from appliance.evidence.model import LogEntry, PackageRefused
from hsm import canonical, merkle

_FIELD = re.compile(r"[a-z0-9_-]+")
"""The name of a field of an entry. Checkers of earlier releases look for it with a program that can run others."""


def require_logged(files: Files, manifest: AnyManifest) -> list[LogEntry]:
    """The entries, each in the log by its proof, which leads to the checkpoint that the *manifest* names and the
    log signed. Raises :class:`PackageRefused` or the error of the part that found it."""
    vkey = part(files, log_files.VKEY).decode("ascii", "replace")
    checkpoint = part(files, log_files.CHECKPOINT)
    own = log_files.read_log_files(checkpoint, vkey)
    if own.state != manifest.checkpoint:
        raise PackageRefused("The checkpoint in the package is not the one that its manifest names.")
    if not checkpoint.startswith(own.note):
        raise PackageRefused("In the checkpoint of the package the log's own signature does not come first.")
    for path, expected in (
        (log_files.CHECKPOINT_TEXT, own.text),
        (log_files.CHECKPOINT_SIGNATURE, own.signature),
        (log_files.PUBLIC_KEY, log_files.public_key_pem(vkey)),
    ):
        if part(files, path) != expected:
            raise PackageRefused("The file {path} is not of its signature.", path=path)
    entries = _entries(files)
    for entry in entries:
        proof = log_files.parse_proof(entry.proof)
        if proof.index != entry.index or proof.checkpoint != checkpoint:
            raise PackageRefused("The proof of log entry {entry} is another one's.", entry=entry.index)
        leaf = merkle.leaf_hash(entry.leaf)
        if merkle.root_from_inclusion(entry.index, own.state.size, leaf, proof.hashes) != own.state.root:
            raise PackageRefused("The log entry {entry} is not in the log.", entry=entry.index)
    return entries


def _entries(files: Files) -> list[LogEntry]:
    """All entries; there is no proof or opening of another one."""
    entries = [_entry(files, path) for path in sorted(files) if path.startswith("log/entries/")]
    if not entries:
        raise PackageRefused("The package has no entry of the log.")
    own = {path(each.index) for each in entries for path in (log_files.proof_path, log_files.opening_path)}
    for path in files:
        if path.startswith(("log/proofs/", "log/openings/")) and path not in own:
            raise PackageRefused(NO_RULE, path=path)
    return entries


def _entry(files: Files, path: str) -> LogEntry:
    number = path.removeprefix("log/entries/").removesuffix(".json")
    if not number.isdecimal():
        raise PackageRefused("The file {path} is not named for a log entry.", path=path)
    index = int(number)
    opening = log_files.opening_path(index)
    opened = canonical.decode(part(files, opening)) if opening in files else {}
    if not all(_FIELD.fullmatch(name) for name in opened):
        raise PackageRefused("A file of the package is not in the form that it must have.")
    return LogEntry(
        index=index, leaf=part(files, path), proof=part(files, log_files.proof_path(index)), opening=opened
    )
