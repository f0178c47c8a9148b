"""Making a package: values in, ZIP bytes out. The same values and seals give the same bytes."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

from appliance.evidence import container, history_pages, layout, log_files, manifest, paths, readme
from appliance.evidence.errors import EvidenceIncomplete
from appliance.evidence.extraction import Extraction, extract
from appliance.evidence.manifest import PackageManifest
from appliance.evidence.model import EvidenceInput, ManifestSignature
from appliance.language import Language
from hsm import timestamp

_FOLDERS = ("agreement/", "authority/", "review/")


def build(evidence: EvidenceInput, seals: ManifestSignature) -> bytes:
    """The package. Raises :class:`EvidenceIncomplete` when what is given does not fit together, and whatever
    *seals* raise; nothing half-made is ever returned.

    1. what was given fits together; 2. signatures taken apart and verified; 3. files arranged; 4. README and
    history for people; 5. manifest over it all; 6. signed; 7. timestamped; 8. packed in the one canonical form.
    """
    _require_fitting(evidence)
    extraction = extract(evidence)
    files = layout.package_files(evidence, extraction)
    files |= _for_people(evidence, extraction)
    listed = PackageManifest(
        contract=evidence.contract,
        created=evidence.created,
        checkpoint=log_files.read_log_files(evidence.log.checkpoint, evidence.log.vkey).state,
        files=manifest.listing(files),
        audience=evidence.audience,
        withheld=tuple(sorted(entry.index for entry in evidence.log.entries if entry.withheld)),
    ).encode()
    return container.write_container(files | _sealed(listed, seals))


def _for_people(evidence: EvidenceInput, extraction: Extraction) -> dict[str, bytes]:
    """README and history in each language; the histories are typeset at the same time, each in its own process."""
    with ThreadPoolExecutor(len(Language)) as presses:
        histories = presses.map(lambda language: history_pages.render(evidence, extraction, language), Language)
        readmes = {readme.path(language): readme.render(evidence, extraction, language) for language in Language}
        return readmes | dict(zip(map(history_pages.path, Language), histories, strict=True))


def _sealed(listed: bytes, seals: ManifestSignature) -> dict[str, bytes]:
    request = timestamp.build_request(timestamp.order_for(hashlib.sha256(listed).digest(), nonce=_nonce(listed)))
    reply = seals.timestamp(request)
    token = timestamp.parse_response(reply)
    timestamp.verify_token(token, data=listed, nonce=_nonce(listed))
    return {
        manifest.MANIFEST: listed,
        manifest.SIGNATURE: seals.sign(listed),
        manifest.QUERY: request,
        manifest.REPLY: reply,
    }


def _nonce(listed: bytes) -> int:
    """A nonce that depends on the manifest alone, so that packages stay reproducible. The authority that answers
    is our own, and no reply for this imprint can be older than the manifest."""
    return int.from_bytes(hashlib.sha256(b"vermilion-evidence-nonce\0" + listed).digest()[:8]) | 1


def _require_fitting(evidence: EvidenceInput) -> None:
    if not evidence.signed.startswith(evidence.original):
        raise EvidenceIncomplete("The signed contract does not begin with the contract as given.")
    if not evidence.signatures or not evidence.log.entries or not evidence.certificates.crls:
        raise EvidenceIncomplete("A package needs at least one signature, one log entry and one revocation list.")
    for path in evidence.documents:
        if not paths.require_path(path).startswith(_FOLDERS):
            raise EvidenceIncomplete(
                "The document {path} lies outside agreement/, authority/ and review/.", path=path
            )
