"""A real PDF contract: fields, two signatures and a seal, sealed off to B-LTA by the workshop, with test keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.serialization import Encoding

from appliance.evidence.model import SignatureMaterial
from appliance.pdf.values import (
    FieldKind,
    FieldPlacement,
    LockScope,
    PersonAppearance,
    PrepareOrder,
    SealAppearance,
    ValidationMaterial,
)
from appliance.pdf.workshop import PdfWorkshop
from hsm import cms
from tests.evidence.authority import TestAuthority
from tests.holder import Holder

PARTIES = [
    ("person-1", "person", "张示例", "甲公司示例有限公司"),
    ("person-2", "person", "李样本", "乙公司示例有限公司"),
    ("seal-3", "seal", "乙公司示例有限公司", "乙公司示例有限公司"),
]
WAYS = {"person-1": "webauthn", "person-2": "pin-totp"}
"""How the signatures in these fields were activated; the one of the seal does not say."""


@dataclass(frozen=True, slots=True)
class SignedPdf:
    original: bytes
    signed: bytes
    signatures: tuple[SignatureMaterial, ...]
    archive: bytes
    crls: tuple[bytes, ...]


def make(authority: TestAuthority, workshop: PdfWorkshop) -> SignedPdf:
    from weasyprint import HTML  # noqa: PLC0415  # half a second that only who prints needs

    page = "<style>body{font-family:'Noto Serif CJK SC'}</style><h1>设备采购合同（示例）</h1><p>甲方、乙方……</p>"
    original = HTML(string=page).write_pdf()
    fields = [
        FieldPlacement(field, 0, 10 + 28 * at, 60, 24, 17, FieldKind(kind))
        for at, (field, kind, _, _) in enumerate(PARTIES)
    ]
    document = workshop.add_fields(original, fields)
    holders: list[Holder] = []
    signatures = []
    for at, (field, kind, name, organisation) in enumerate(PARTIES):
        holder = authority.person(f"{name} {field}")
        holders.append(holder)
        appearance = (
            PersonAppearance(name, authority.now, "Asia/Shanghai", organisation)
            if kind == "person"
            else SealAppearance(organisation, "合同专用章")
        )
        last = at == len(PARTIES) - 1
        order = PrepareOrder(
            field, appearance, authority.now, certify=at == 0, lock=LockScope.ALL if last else LockScope.OWN
        )
        prepared = workshop.prepare(document, order)
        ways = [cms.activated_by(WAYS[field])] if field in WAYS else []
        message = cms.MessageMaker(holder, cms.DATA, ways).make_message(prepared.digest)
        signed = cms.add_signature_timestamp(message, authority.token(cms.signature_value(message)))
        document = workshop.embed(prepared, signed)
        signatures.append(SignatureMaterial(field, kind, name, organisation, signed))
        authority.now += timedelta(minutes=7)
    return _sealed_off(authority, workshop, SignedPdf(original, document, tuple(signatures), b"", ()), holders)


def _sealed_off(
    authority: TestAuthority, workshop: PdfWorkshop, contract: SignedPdf, holders: list[Holder]
) -> SignedPdf:
    crls = authority.crls()
    authority.now += timedelta(minutes=1)
    chain = [authority.issuing, authority.root, authority.tsa, *holders]
    certificates = tuple(each.certificate.public_bytes(Encoding.DER) for each in chain)
    prepared = workshop.prepare_archive(contract.signed, ValidationMaterial(certificates, crls))
    archive = authority.token_over(prepared.digest)
    signed = workshop.embed(prepared, archive)
    assert hashlib.sha256(signed[: len(contract.original)]).digest() == hashlib.sha256(contract.original).digest()
    return SignedPdf(contract.original, signed, contract.signatures, archive, crls)
