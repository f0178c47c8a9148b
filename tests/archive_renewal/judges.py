"""Judges that are not ours, at a time to come: pyHanko's AdES LTA validation, and openssl.

pyHanko asks the machine's clock in the middle of a validation, so its modules get one that tells the time in
question. It needs to hear, as any validator does then, that the key of the last timestamp is still good: the
root's list and the OCSP response of the day, and nothing else, least of all the network.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from io import BytesIO
from pathlib import Path
from typing import Any, Self
from unittest import mock

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv import ades_past, poe
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer


def lta_by_pyhanko(document: bytes, at: datetime, *, root: bytes, crl: bytes, response: bytes) -> set[str]:
    """What pyHanko says of the signatures of *document* at *at*: names of sub-indications, ``OK`` among them.

    *root* (certificate), *crl* (the root's) and *response* (about the last timestamp's key) are DER.
    """
    rule = RevocationCheckingRule.CRL_OR_OCSP_REQUIRED
    certificates = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[asn1_x509.Certificate.load(root)]),
        revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy(rule, rule)),
    )
    known = LocalKnowledge(
        known_crls=[CRLContainer(asn1_crl.CertificateList.load(crl))],
        known_ocsps=[OCSPContainer(asn1_ocsp.OCSPResponse.load(response))],
    )
    offline = RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY)
    specification = PdfSignatureValidationSpec(
        SignatureValidationSpec(certificates, local_knowledge=known, revinfo_gathering_policy=offline)
    )
    timing = ValidationTimingInfo(at, best_signature_time=at, point_in_time_validation=False)
    signatures = PdfFileReader(BytesIO(document)).embedded_regular_signatures
    with _clock_at(at):
        return {
            asyncio.run(ades.ades_lta_validation(each, specification, timing)).ades_subindic.name
            for each in signatures
        }


@contextmanager
def _clock_at(at: datetime) -> Iterator[None]:
    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            told: Any = at.astimezone(tz)
            return told

    with (
        mock.patch.object(ades, "datetime", Later),
        mock.patch.object(ades_past, "datetime", Later),
        mock.patch.object(poe, "datetime", Later),
    ):
        yield


def token_by_openssl(token: bytes, data: bytes, at: datetime, *, trust: Path, folder: Path) -> None:
    """``openssl ts`` verifies the *token* over *data* at *at*, with the root and the chain in *trust*."""
    (folder / "token").write_bytes(token)
    (folder / "data").write_bytes(data)
    told = subprocess.run(
        [
            *("openssl", "ts", "-verify", "-token_in", "-in", folder / "token", "-data", folder / "data"),
            *("-attime", str(int(at.timestamp())), "-CAfile", trust / "ca.pem", "-untrusted", trust / "chain.pem"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
