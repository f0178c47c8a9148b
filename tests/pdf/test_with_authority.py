"""A contract signed by keys that never leave the HSM: two people and a seal, each activated, to B-LTA."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.pdf.values import LockScope, PreparedRevision, PrepareOrder, ValidationMaterial
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Indication, confined_verification
from appliance.verification.trust import ValidationContext
from hsm import cms, timestamp
from hsm.authenticator import SoftwareAuthenticator
from hsm.intents import SigningIntent
from hsm.records import AGREEMENT
from tests.authority import RunningAuthority, intent_for
from tests.pdf import contract, documents, judges

ZHANG, LI, SEAL = "person-pdf-zhang", "person-pdf-li", "seal-pdf"


@dataclass(frozen=True, slots=True)
class Hands:
    """The people's authenticators by subject."""

    authority: RunningAuthority
    devices: dict[str, SoftwareAuthenticator]

    def sign(self, prepared: PreparedRevision, signer: str, activating: Sequence[str]) -> bytes:
        intent = intent_for(signer)
        fields = (intent.contract, intent.party, intent.field, signer)
        intent = SigningIntent(*fields, digest=prepared.digest, expires=intent.expires, nonce=intent.nonce)
        message = self.authority.sign(intent, *((self.devices[subject], subject) for subject in activating))
        value = hashlib.sha256(cms.signature_value(message)).digest()
        return cms.add_signature_timestamp(message, self.token(value))

    def token(self, digest: bytes) -> bytes:
        [issued] = self.authority.client("tsa").timestamp([timestamp.order_for(digest)])
        return issued.token

    def material(self) -> ValidationMaterial:
        web = self.authority.client("web")
        self.authority.client("scheduler").issue_crl()
        return ValidationMaterial((*web.chain(), web.certificate("tsa")), tuple(web.crls()))


def test_real_keys_real_time_real_lists(
    workshop: PdfWorkshop, authority: RunningAuthority, tmp_path: Path
) -> None:
    hands = Hands(authority, {subject: authority.enrol_person(subject) for subject in (ZHANG, LI)})
    authority.enrol_seal(SEAL, [LI])
    given = documents.plain()
    current = contract.with_fields(workshop, given)
    for order, signer, activating in (
        (PrepareOrder("party-a", contract.ZHANG, contract.WHEN, certify=True), ZHANG, [ZHANG]),
        (PrepareOrder("seal-a", contract.SEAL, contract.WHEN), SEAL, [LI, ZHANG]),
        (PrepareOrder("party-b", contract.LI, contract.WHEN, lock=LockScope.ALL), LI, [LI]),
    ):
        prepared = workshop.prepare(current, order)
        current = workshop.embed(prepared, hands.sign(prepared, signer, activating))
    time.sleep(1.1)  # CRLs have whole seconds, and this one has to be younger than the last signature
    archive = workshop.prepare_archive(current, hands.material())
    signed = workshop.embed(archive, hands.token(archive.digest))
    assert signed.startswith(given)
    root = x509.load_pem_x509_certificate((authority.root / "trust/ca.pem").read_bytes())
    assert root.public_bytes(Encoding.DER) == authority.client("web").chain()[-1]
    judges.assert_lasting(signed, root)
    assert judges.valid_by_poppler(signed, tmp_path) == 3


def test_a_signature_over_a_record_is_none_of_a_document(
    workshop: PdfWorkshop, authority: RunningAuthority
) -> None:
    """Not even where the bytes are the document's: the authority says of which kind it was told that they are."""
    subject = "person-pdf-record"
    device = authority.enrol_person(subject)
    order = PrepareOrder("party-a", contract.ZHANG, contract.WHEN, certify=True)
    prepared = workshop.prepare(contract.with_fields(workshop, documents.plain()), order)
    root = x509.load_pem_x509_certificate((authority.root / "trust/ca.pem").read_bytes())
    judged = []
    for field in ("party-a", AGREEMENT):
        intent = replace(intent_for(subject), digest=prepared.digest, field=field)
        signed = workshop.embed(prepared, authority.sign(intent, (device, subject)))
        context = ValidationContext(datetime.now(UTC), (root,), crls=tuple(authority.client("web").crls()))
        [report] = confined_verification.verify_pdf(signed, context).signatures
        judged.append((report.verdict.indication, "content of its own" in str(report.verdict.reasons)))
    assert judged[1] == (Indication.FAILED, True) and judged[0][0] is not Indication.FAILED
