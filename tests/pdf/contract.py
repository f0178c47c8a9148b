"""A whole contract: two people and a seal, to B-LTA."""

from __future__ import annotations

from datetime import UTC, datetime

from appliance.language import Language
from appliance.pdf.values import (
    FieldKind,
    FieldPlacement,
    LockScope,
    PersonAppearance,
    PrepareOrder,
    SealAppearance,
)
from appliance.pdf.workshop import PdfWorkshop
from hsm.certificates import Profile
from tests.pdf.document_signer import ORGANISATIONS, DocumentSigner

WHEN = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
SEAL = SealAppearance(ORGANISATIONS[0], "合同专用章", "0000000000001")
ZHANG = PersonAppearance("张示例", WHEN, "Asia/Shanghai", ORGANISATIONS[0])
LI = PersonAppearance("李样本", WHEN, "Asia/Shanghai", ORGANISATIONS[1], language=Language.ENGLISH)


def placements(page: int) -> list[FieldPlacement]:
    return [
        FieldPlacement("party-a", page, 8, 78, 34, 10),
        FieldPlacement("party-b", page, 55, 78, 34, 10),
        FieldPlacement("seal-a", page, 10, 58, 30, 18, FieldKind.SEAL),
    ]


def with_fields(workshop: PdfWorkshop, document: bytes) -> bytes:
    last = len(workshop.inspect(document).pages) - 1
    return workshop.add_fields(document, placements(last))


def completed(workshop: PdfWorkshop, document_signer: DocumentSigner, document: bytes) -> bytes:
    """*document* signed by 张示例, sealed, signed by 李样本, and archived."""
    steps = [
        (PrepareOrder("party-a", ZHANG, WHEN, certify=True), document_signer.holder(Profile.PERSON, "张示例")),
        (PrepareOrder("seal-a", SEAL, WHEN), document_signer.holder(Profile.SEAL, "甲公司合同专用章")),
        (PrepareOrder("party-b", LI, WHEN, lock=LockScope.ALL), document_signer.holder(Profile.PERSON, "李样本")),
    ]
    current = with_fields(workshop, document)
    for order, holder in steps:
        signed = document_signer.signed(workshop, current, order, holder)
        assert signed.startswith(current)
        current = signed
    return document_signer.archived(workshop, current)
