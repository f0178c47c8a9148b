"""Opening an archive's parts into a directory that looks like a home, and verifying what was opened."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from appliance.confinement.pool import Confinement
from appliance.errors import RestoreRefused
from appliance.home import Home, make_directory
from appliance.ledger import LogCheck, LogReport
from appliance.operations.backup import archives as places
from appliance.operations.backup.archives import (
    BackupArchive,
    BackupManifest,
    SealedDocument,
    open_document,
    read_list,
)
from appliance.operations.backup.creating import remembered_checkpoint
from appliance.store import retention
from appliance.store.copying import require_whole
from appliance.store.database import Database
from appliance.verification import Indication, TrustAnchors, Verifier
from appliance.verification.own_anchors import anchors_of
from hsm.encryption import decrypt_directory, decrypt_file
from hsm.files import new_file
from hsm.note import read_vkey

SAMPLE = 5
"""Signed contracts that are verified after opening."""


@dataclass(frozen=True, slots=True)
class VerifiedArchive:
    """What was found in an opened archive: the log, and how many signed contracts passed."""

    log: LogReport
    contracts: int


def open_appliance_files(archive: BackupArchive, into: Home, identities: Sequence[str]) -> None:
    """Settings, anchors and secrets into the directory of *into*; the log's key among them."""
    decrypt_directory(archive.part(places.APPLIANCE), into.root, identities)
    for directory in (into.settings.parent, into.secrets):
        make_directory(directory)


def open_database(archive: BackupArchive, into: Home, identities: Sequence[str]) -> None:
    """The database, whole, and brought to this release's schema. Raises :class:`ApplianceError`."""
    make_directory(into.state)
    decrypt_file(archive.part(places.DATABASE), into.database, identities)
    require_whole(into.database)
    Database(into.database).close()


def put_document(archive: BackupArchive, document: SealedDocument, into: Home, identities: Sequence[str]) -> None:
    """Opens *document* to where blobs of its digest are. Not on disk before the caller has synchronised it."""
    content = open_document(archive, document, identities)
    path = into.blobs / document.digest[:2] / document.digest
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with new_file(path) as stream:
        stream.write(content)


def verify_opened(
    archive: BackupArchive,
    manifest: BackupManifest,
    home: Home,
    identities: Sequence[str],
    confinement: Confinement,
) -> VerifiedArchive:
    """1. the whole log is hashed again and is what the authority remembered; 2. no document that a contract needs
    is missing from the archive; 3. the newest signed contracts pass the verifier.

    *home* is what was opened. Raises :class:`ApplianceError`.
    """
    documents = read_list(archive, identities, home.root)
    with closing(Database(home.database)) as database:
        key = read_vkey(home.log_key)
        log = LogCheck(database, None, key=key).check_against(remembered_checkpoint(manifest.authority))
        with database.reading() as tx:
            missing = sum(digest not in documents for digest in retention.needed(tx))
            signed = retention.newest_signed(tx, SAMPLE)
            apart = {contract: anchors_of(tx, contract) for contract, _ in signed}
    if missing:
        raise RestoreRefused(
            "{archive} lacks documents that contracts need: {count}.", archive=archive.name, count=missing
        )
    verifier = Verifier(confinement, TrustAnchors.from_files([home.trust / "ca.pem"]))
    for contract, digest in signed:
        content = open_document(archive, documents[digest], identities)
        _require_passes(verifier.trusting(apart[contract]), contract, content)
    return VerifiedArchive(log, len(signed))


def _require_passes(verifier: Verifier, contract: str, document: bytes) -> None:
    report = verifier.verify_pdf(document)
    if report.indication is not Indication.PASSED:
        raise RestoreRefused(
            "The signed contract {contract} in the backup does not pass the verifier: {verdict}.",
            contract=contract,
            verdict=report.indication.value,
        )
