"""Making a package: values in, ZIP bytes out. The same values and signature give the same bytes.

``package_files`` says where everything lies inside: path → bytes, all but the manifest's signature, the README
and the history. ``index.txt`` tells the checkers where in the contract its signatures and timestamps are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from appliance.errors import EvidenceIncomplete
from appliance.evidence import (
    container,
    court_pages,
    history,
    log_files,
    manifest,
    readme,
)
from appliance.evidence.common_files import authority_files, pem, programs, seal
from appliance.evidence.evidence_list import list_of
from appliance.evidence.extraction import Extraction, SignedFile, certificate_statuses, extract
from appliance.evidence.manifest import PackageManifest
from appliance.evidence.model import EvidenceInput, ManifestSignature
from appliance.language import Language
from hsm import canonical

_FOLDERS = ("agreement/", "annexes/", "authority/", "review/")


def build(evidence: EvidenceInput, seals: ManifestSignature) -> bytes:
    """The package. Raises :class:`EvidenceIncomplete` when what is given does not fit together, and whatever
    *seals* raise; nothing half-made is ever returned.

    1. what was given fits together; 2. signatures taken apart and verified; 3. files arranged; 4. README and
    history for people, list of evidence and guide for courts; 5. manifest over it all; 6. signed; 7. timestamped;
    8. packed in the one canonical form.
    """
    _require_fitting(evidence)
    extraction = extract(evidence)
    files = package_files(evidence, extraction)
    files |= _for_people(evidence, extraction)
    files |= _for_courts(evidence, extraction, files)
    listed = PackageManifest(
        contract=evidence.contract,
        created=evidence.created,
        checkpoint=log_files.read_log_files(evidence.log.checkpoint, evidence.log.vkey).state,
        files=manifest.listing(files),
        audience=evidence.audience,
        withheld=tuple(sorted(entry.index for entry in evidence.log.entries if entry.withheld)),
        powers_stated_since=evidence.powers_stated_since,
    ).encode()
    return container.write_container(files | seal(listed, seals))


def _for_people(evidence: EvidenceInput, extraction: Extraction) -> dict[str, bytes]:
    """README and history in each language."""
    histories = readme.render_histories(evidence, extraction)
    readmes = {each: readme.render_readme(evidence, extraction, each) for each in Language}
    return {
        **{readme.readme_path(each): text for each, text in readmes.items()},
        **{readme.history_path(each): pdf for each, pdf in histories.items()},
    }


def _for_courts(evidence: EvidenceInput, extraction: Extraction, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The list of evidence among *files*, and the submission guide, in each language."""
    return {
        court_pages.LIST_JSON: court_pages.list_json(evidence, list_of(evidence, extraction, files)),
        **court_pages.render_pages(evidence, extraction, files),
    }


def _require_fitting(evidence: EvidenceInput) -> None:
    if not evidence.signed.startswith(evidence.original):
        raise EvidenceIncomplete("The signed contract does not begin with the contract as given.")
    if not evidence.signatures or not evidence.log.entries or not evidence.certificates.crls:
        raise EvidenceIncomplete("A package needs at least one signature, one log entry and one revocation list.")
    for path in evidence.documents:
        if not container.require_path(path).startswith(_FOLDERS):
            raise EvidenceIncomplete(
                "The document {path} lies outside agreement/, annexes/, authority/ and review/.", path=path
            )


ORIGINAL: Final = "contract/contract.pdf"
SIGNED: Final = "contract/contract.signed.pdf"
SIGNED_QUERY: Final = "contract/contract.tsq"
SIGNED_REPLY: Final = "contract/contract.tsr"
HISTORY: Final = "history/history.json"
REPORT: Final = "verification/report.json"
INDEX: Final = "index.txt"
_INDEX_HEAD: Final = (
    "# Where in contract/contract.signed.pdf check.sh and check.py find each signature and timestamp:",
    "# number, head, tail and length of the bytes that it covers; own: by a certificate of the signer's own",
)


def package_files(evidence: EvidenceInput, extraction: Extraction) -> dict[str, bytes]:
    """Path → bytes of the evidence itself."""
    files = {
        ORIGINAL: evidence.original,
        SIGNED: evidence.signed,
        SIGNED_QUERY: evidence.exchange.request,
        SIGNED_REPLY: evidence.exchange.reply,
        HISTORY: history.encode(history.heading(evidence), history.events(evidence.log.entries)),
        REPORT: canonical.encode(dict(evidence.report)),
        INDEX: signature_index(extraction),
        **programs(),
        **log_files.log_files(evidence.log),
        **authority_files(evidence.certificates),
        **evidence.documents,
    }
    for signature in extraction.signatures:
        name = f"signatures/{signature.number}"
        files |= _parts(name, signature.signed)
        if signature.material.anchor is not None:
            files[f"certificates/own-{signature.number}.pem"] = pem(signature.signed.certificate)
            files[f"certificates/own-{signature.number}-anchor.pem"] = pem(signature.material.anchor)
    for stamp in extraction.timestamps:
        files[f"signatures/{stamp.number}.tst"] = stamp.token
    for each in extraction.records:
        files |= _parts(each.record.name, each.signed)
        files[f"{each.record.name}.json"] = each.record.record
    for status in certificate_statuses(evidence, extraction):
        files[f"certificates/{status.name}.pem"] = pem(status.certificate)
    return files


def signature_index(extraction: Extraction) -> bytes:
    """``index.txt``: the lines that the checkers go through, in this order."""
    return "".join(f"{line}\n" for line in _index_lines(extraction)).encode()


def _index_lines(extraction: Extraction) -> Iterator[str]:
    yield from _INDEX_HEAD
    found = [("own" if each.is_own else "signature", each.number, each.covers) for each in extraction.signatures]
    found += [("timestamp", each.number, each.covers) for each in extraction.timestamps]
    for kind, number, covers in found:
        yield f"{kind} {number} {covers.gap_start} {covers.gap_end} {covers.length}"


def _parts(name: str, signed: SignedFile) -> dict[str, bytes]:
    return {f"{name}.p7s": signed.cms, f"{name}.sig": signed.value, f"{name}.tst": signed.token}
