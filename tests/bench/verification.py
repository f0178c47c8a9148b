"""Our verifier, confinement included, beside pyHanko's own on the same file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec, SignatureValidationSpec
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from appliance.demonstration.participants import DemonstrationAuthenticators
from appliance.demonstration.sample import sample_contract
from appliance.demonstration.story import DemonstrationContract, DemonstrationRun
from appliance.verification import Indication
from appliance.wiring import open_appliance
from tests.bench.measure import Figure, median, milliseconds_of
from tests.bench.stage import authority_of, founded_home, silent


def figures() -> list[Figure]:
    """One finished contract (three signatures, B-LTA), judged by both."""
    with founded_home() as settings, authority_of(settings), open_appliance(settings) as appliance:
        story = DemonstrationRun(
            appliance, DemonstrationAuthenticators(settings.home), sequence=lambda: None, say=silent
        )
        story.accept_agreements()
        signed = appliance.contracts.document(
            story.sign_contract(DemonstrationContract(sample_contract(), "bench"))
        )
        if appliance.verifier.verify_pdf(signed).indication is not Indication.PASSED:
            raise RuntimeError("The file to measure on does not verify.")
        ours = milliseconds_of(lambda: appliance.verifier.verify_pdf(signed))
        theirs = milliseconds_of(_pyhanko(signed, settings.home.trust / "ca.pem"))
    return [
        Figure(
            "verify a contract with three signatures, B-LTA, confined",
            "ms",
            median(ours),
            rounds=ours,
            target=median(theirs),
            smaller_is_better=True,
            floor=median(theirs),
            floor_of="pyHanko's AdES LTA validation of the same three, in process",
        )
    ]


def _pyhanko(document: bytes, anchor: Path) -> Callable[[], None]:
    root = load_cert_from_pemder(str(anchor))
    certificates = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=[root]),
        revinfo_policy=CertRevTrustPolicy(RevocationCheckingPolicy.from_legacy("require")),
    )
    policy = PdfSignatureValidationSpec(SignatureValidationSpec(cert_validation_policy=certificates))

    def judge() -> None:
        reader = PdfFileReader(BytesIO(document))
        for signature in reader.embedded_regular_signatures:
            asyncio.run(ades_lta_validation(signature, policy))

    return judge
