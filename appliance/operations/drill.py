"""The drill: the newest backup is opened beside the running system, and what came of it is kept for `diagnose`.

It opens with this machine's own key: the secret half of the recovery key is elsewhere. The authority's part stays
sealed; the authority has opened and examined it, keys included, when it made it, and the drill compares its bytes.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from appliance.confinement.pool import Confinement
from appliance.errors import BackupFailed
from appliance.home import Home
from appliance.operations.backup import BackupArchive, BackupContext
from appliance.operations.backup.archives import open_document, read_list
from appliance.operations.backup.checking import check_archive
from appliance.operations.restore.opening import open_appliance_files, open_database, verify_opened
from appliance.operations.results import DrillResult
from hsm.errors import RefusalError
from hsm.note import read_vkey

SAMPLE = 50
"""Documents that are decrypted, chosen anew each time."""


def run_drill(context: BackupContext, *, now: datetime, scratch: Path | None = None) -> DrillResult:
    """Opens the newest archive in a new directory below *scratch* (the home's state), and keeps the result.

    1. signature, parts and every sealed document, byte by byte; 2. database and settings are opened; 3. the whole
    log is hashed again and compared with what the authority remembered; 4. a sample of documents is decrypted and
    compared; 5. signed contracts pass the verifier. Never raises for what it finds.
    """
    newest = context.archives.newest()
    if newest is None:
        none = BackupFailed("There is no backup in {path}.", path=context.archives.root)
        result = DrillResult.from_error("", now, none)
    else:
        try:
            result = _opened(context, newest, now, scratch or context.home.state)
        except RefusalError as error:
            result = DrillResult.from_error(newest.name, now, error)
        except OSError as error:
            why = BackupFailed("The drill could not go on: {why}.", why=error.strerror or error)
            result = DrillResult.from_error(newest.name, now, why)
    result.save(context.home.drill)
    return result


def _opened(context: BackupContext, archive: BackupArchive, now: datetime, scratch: Path) -> DrillResult:
    identities = [context.identity()]
    key = read_vkey(context.home.log_key)
    for left in scratch.glob(".drill-*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=".drill-", dir=scratch) as directory:
        place = Home(Path(directory))
        manifest = check_archive(archive, key, identities, place.root)
        open_appliance_files(archive, place, identities)
        open_database(archive, place, identities)
        documents = list(read_list(archive, identities, place.root).values())
        sample = random.sample(documents, min(SAMPLE, len(documents)))
        for document in sample:
            open_document(archive, document, identities)
        with Confinement(place.cache) as confinement:
            verified = verify_opened(archive, manifest, place, identities, confinement)
    size, contracts = verified.log.size, verified.contracts
    return DrillResult(archive.name, now, size=size, documents=len(sample), contracts=contracts)
