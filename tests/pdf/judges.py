"""Judges that are not ours: pyHanko's AdES LTA validation, offline with one root, and poppler's pdfsig."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

from asn1crypto import ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.validation import SignatureCoverageLevel, ades
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec, SignatureValidationSpec
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from appliance.pdf.reader import entry


def assert_lasting(document: bytes, root: x509.Certificate, *, strict: bool = True) -> None:
    """Every signature passes LTA validation with revocation required and *root* as the only anchor."""
    rule = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
    anchor = asn1_x509.Certificate.load(root.public_bytes(Encoding.DER))
    certificates = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[anchor]),
        revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy(rule, rule)),
    )
    specification = PdfSignatureValidationSpec(SignatureValidationSpec(cert_validation_policy=certificates))
    signatures = PdfFileReader(BytesIO(document), strict=strict).embedded_regular_signatures
    assert signatures
    for signature in signatures:
        result = asyncio.run(ades.ades_lta_validation(signature, specification))
        assert result.ades_subindic == AdESPassed.OK, (signature.field_name, result.ades_subindic)
        assert result.oldest_evidence_record_timestamp is not None
        status = result.api_status
        assert status.coverage >= SignatureCoverageLevel.ENTIRE_REVISION
        assert status.docmdp_ok and status.bottom_line, signature.field_name


def brought_twice(document: bytes) -> list[str]:
    """What a signature, or the store (DSS) of a revision, has twice: a certificate; of what the revision brings,
    two lists by one authority, or two responses about one certificate."""
    reader, before, found = PdfFileReader(BytesIO(document)), set[bytes](), list[str]()
    for signature in reader.embedded_signatures:
        carried = [each.chosen.dump() for each in signature.signed_data["certificates"]]
        found += [f"{signature.field_name}: a certificate"] * (len(carried) - len(set(carried)))
    for number in range(reader.total_revisions):
        store = entry(reader.get_historical_root(number), "/DSS", {})
        for kind, named in _NAMED.items():
            streams = [each.get_object().data for each in entry(store, kind, ())]
            brought = [named(each) for each in streams if each not in before]
            found += [f"{kind} of revision {number}"] * (len(streams) - len(set(streams)))
            found += [f"{kind} that revision {number} brings"] * (len(brought) - len(set(brought)))
            before |= set(streams)
    return found


def _answered(response: bytes) -> int:
    [answer] = ocsp.OCSPResponse.load(response).response_data["responses"]
    serial: int = answer["cert_id"]["serial_number"].native
    return serial


_NAMED: Mapping[str, Callable[[bytes], object]] = {
    "/Certs": lambda each: each,
    "/CRLs": lambda each: x509.load_der_x509_crl(each).issuer,
    "/OCSPs": _answered,
}


def valid_by_poppler(document: bytes, directory: Path) -> int:
    """How many signatures pdfsig finds valid (it knows no document timestamps)."""
    file = directory / "judged.pdf"
    file.write_bytes(document)
    told = subprocess.run(["pdfsig", "-nocert", str(file)], capture_output=True, text=True, check=False)
    return told.stdout.count("Signature is Valid")
