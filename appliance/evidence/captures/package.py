"""Making the package of a web capture: values in, ZIP bytes out, always the same for the same values and seals."""

from __future__ import annotations

from typing import Final

from appliance.errors import EvidenceIncomplete
from appliance.evidence import container, manifest
from appliance.evidence.captures import certificate, layout, readme
from appliance.evidence.captures.facts import encode
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.common_files import authority_files, pem, programs, seal
from appliance.evidence.log_files import log_files, read_log_files
from appliance.evidence.manifest import CaptureManifest
from appliance.evidence.model import ManifestSignature
from appliance.evidence.readme import readme_path
from appliance.language import Language

_HEADER_WITHIN: Final = 1024


def build(evidence: CaptureEvidence, seals: ManifestSignature) -> bytes:
    """The package. Raises :class:`EvidenceIncomplete` when what is given does not fit together, and whatever
    *seals* raise; nothing half-made is ever returned."""
    files = package_files(evidence)
    listed = CaptureManifest(
        capture=evidence.facts.capture,
        created=evidence.created,
        checkpoint=read_log_files(evidence.log.checkpoint, evidence.log.vkey).state,
        files=manifest.listing(files),
        audience=evidence.audience,
    ).encode()
    return container.write_container(files | seal(listed, seals))


def package_files(evidence: CaptureEvidence) -> dict[str, bytes]:
    """Path → bytes of all but the manifest and what seals it. Raises :class:`EvidenceIncomplete`."""
    if manifest.listing(evidence.files) != evidence.facts.files:
        raise EvidenceIncomplete("The files of the capture are not those of which its facts tell.")
    if len(evidence.log.entries) != 1 or not evidence.log.entries[0].opening:
        raise EvidenceIncomplete("The package of a web capture has one log entry, with all that opens it.")
    files = {
        **evidence.files,
        layout.WARC_QUERY: evidence.exchange.request,
        layout.WARC_REPLY: evidence.exchange.reply,
        layout.FACTS: encode(evidence.facts),
        **{layout.certificate_path(each): pdf for each, pdf in certificate.render_certificates(evidence).items()},
        **{readme_path(each): readme.render_readme(evidence, each) for each in Language},
        **programs(),
        **log_files(evidence.log),
        **authority_files(evidence.certificates),
        "certificates/evidence.pem": pem(evidence.certificates.evidence),
        **{f"certificates/{name}.pem": pem(each) for name, each in evidence.stampers()},
    }
    return _opening_as_a_zip(files)


def _opening_as_a_zip(files: dict[str, bytes]) -> dict[str, bytes]:
    """*files*, of which the first one by its path is a text that keeps PDFs away from the beginning of the ZIP: so
    far programs look for a PDF's header (ISO 32000-1, annex H.3.4.1)."""
    first = min(files)
    if len(files[first]) < _HEADER_WITHIN or b"%PDF-" in files[first][:_HEADER_WITHIN]:
        raise EvidenceIncomplete("The file {path} cannot be the first of a package.", path=first)
    return files
