"""Making the package of a web capture: values in, ZIP bytes out, always the same for the same values and seals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cryptography import x509

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
from hsm import timestamp

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
    return _opening_as_a_zip(
        {
            **evidence.files,
            layout.WARC_QUERY: evidence.exchange.request,
            layout.WARC_REPLY: evidence.exchange.reply,
            layout.FACTS: encode(evidence.facts),
            **{layout.certificate_path(each): certificate.render_certificate(evidence, each) for each in Language},
            **{readme_path(each): readme.render_readme(evidence, each) for each in Language},
            **programs(),
            **log_files(evidence.log),
            **authority_files(evidence.certificates),
            "certificates/evidence.pem": pem(evidence.certificates.evidence),
            **{f"certificates/{name}.pem": pem(each) for name, each in _stampers(evidence)},
        }
    )


def _opening_as_a_zip(files: dict[str, bytes]) -> dict[str, bytes]:
    """*files*, of which the first one by its path is a text that keeps PDFs away from the beginning of the ZIP: so
    far programs look for a PDF's header (ISO 32000-1, annex H.3.4.1)."""
    first = min(files)
    if len(files[first]) < _HEADER_WITHIN or b"%PDF-" in files[first][:_HEADER_WITHIN]:
        raise EvidenceIncomplete("The file {path} cannot be the first of a package.", path=first)
    return files


def _stampers(evidence: CaptureEvidence) -> Iterator[tuple[str, x509.Certificate]]:
    """The certificate of our timestamp key, and of the keys before it that dated the WARC and the checkpoint."""
    current = evidence.certificates.timestamping
    yield "timestamping", current
    tokens = (timestamp.parse_response(evidence.exchange.reply), evidence.log.checkpoint_token)
    signers = dict.fromkeys(
        signer for each in tokens if (signer := timestamp.parse_token(each).signer) is not None
    )
    signers.pop(current, None)
    for number, signer in enumerate(signers, start=1):
        yield f"timestamping-{number}", signer
