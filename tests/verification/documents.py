"""Documents of the tests, made with pyHanko and keys in memory, so that nothing of ours made what we verify."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

from asn1crypto import crl, keys, x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers, timestamps
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter, append_signature_field
from pyhanko.sign.timestamps import dummy_client
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.stamp import BaseStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.pdfgen import canvas

from tests.verification.authorities import NOW, Identity, World


def plain(pages: int = 3) -> bytes:
    """A PDF with text on every page."""
    buffer = BytesIO()
    paper = canvas.Canvas(buffer, invariant=1)
    for number in range(1, pages + 1):
        paper.drawString(72, 760, f"Purchase contract, page {number} of {pages}")
        for line in range(40):
            paper.drawString(72, 730 - 16 * line, f"Clause {number}.{line}: the seller delivers, the buyer pays.")
        paper.showPage()
    paper.save()
    return buffer.getvalue()


@dataclass(frozen=True)
class Signing:
    """One signature to make."""

    field: str
    signer: Identity
    chain: Sequence[Identity]
    tsa: timestamps.TimeStamper | None = None
    certify: bool = False
    permission: MDPPerm = MDPPerm.FILL_FORMS
    digest: str = "sha256"
    new_field: SigFieldSpec | None = None
    subfilter: SigSeedSubFilter = SigSeedSubFilter.PADES
    room: int | None = None
    stamp: BaseStampStyle | None = None
    options: dict[str, Any] = field(default_factory=dict)


def with_fields(document: bytes, *names: str, lock: FieldMDPSpec | None = None) -> bytes:
    """*document* with empty signature fields, one above the other on the first page."""

    def add(writer: IncrementalPdfFileWriter) -> None:
        for place, name in enumerate(names):
            box = (72, 72 + 70 * place, 272, 132 + 70 * place)
            append_signature_field(writer, SigFieldSpec(name, on_page=0, box=box, field_mdp_spec=lock))

    return change(document, add)


def asn1(identity: Identity) -> x509.Certificate:
    return x509.Certificate.load(identity.der)


def _key(identity: Identity) -> keys.PrivateKeyInfo:
    encoded = identity.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return keys.PrivateKeyInfo.load(encoded)


def _store(chain: Sequence[Identity]) -> SimpleCertificateStore:
    store = SimpleCertificateStore()
    store.register_multiple([asn1(each) for each in chain])
    return store


class _LoadedOnce:
    """What pyHanko's stamper asks of ``serialization``: to load its key, which takes 30 ms for RSA, each time."""

    load_der_private_key = staticmethod(cache(load_der_private_key))


dummy_client.serialization = _LoadedOnce  # type: ignore[attr-defined,assignment]  # the name as its module has it


def stamper(world: World, when: datetime = NOW, identity: Identity | None = None) -> timestamps.DummyTimeStamper:
    """A timestamp authority whose clock stands at *when*."""
    tsa = identity or world.tsa
    return timestamps.DummyTimeStamper(
        tsa_cert=asn1(tsa), tsa_key=_key(tsa), certs_to_embed=_store([world.issuing]), fixed_dt=when
    )


class _Heedless(signers.PdfSigner):
    """Signs also what a certification forbids, as an attacker does."""

    def _enforce_certification_constraints(self, reader: object) -> None:
        return


def sign(document: bytes, order: Signing, edit: Callable[[IncrementalPdfFileWriter], None] | None = None) -> bytes:
    """*document* with one more signature, in a new field when there is none of that name; *edit* does more in the
    same revision, when the new field is there."""
    writer = IncrementalPdfFileWriter(BytesIO(document), strict=False)
    if edit is not None:
        if order.new_field is not None:
            append_signature_field(writer, order.new_field)
            order = replace(order, new_field=None)
        edit(writer)
    metadata = signers.PdfSignatureMetadata(
        field_name=order.field,
        md_algorithm=order.digest,
        subfilter=order.subfilter,
        certify=order.certify,
        docmdp_permissions=order.permission,
        **order.options,
    )
    signer = signers.SimpleSigner(asn1(order.signer), _key(order.signer), _store(order.chain))
    looks = {} if order.stamp is None else {"stamp_style": order.stamp}
    maker = _Heedless(metadata, signer, timestamper=order.tsa, new_field_spec=order.new_field, **looks)
    return bytes(maker.sign_pdf(writer, bytes_reserved=order.room).getvalue())


def add_validation_data(document: bytes, certificates: Sequence[Identity], crls: Sequence[bytes]) -> bytes:
    """*document* with a DSS revision."""
    writer = IncrementalPdfFileWriter(BytesIO(document), strict=False)
    store = DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[asn1(each) for each in certificates],
        crls=[crl.CertificateList.load(each) for each in crls],
    )
    assert store is not None
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def add_store(
    document: bytes,
    certificates: Sequence[Identity],
    *,
    crls: Sequence[bytes] = (),
    responses: Sequence[bytes] = (),
) -> bytes:
    """*document* with a DSS revision that holds lists and OCSP responses as they are, rubbish included."""

    def add(writer: IncrementalPdfFileWriter) -> None:
        store = generic.DictionaryObject()
        kinds = {"/Certs": [each.der for each in certificates], "/CRLs": crls, "/OCSPs": responses}
        for key, streams in kinds.items():
            added = (writer.add_object(generic.StreamObject(stream_data=each)) for each in streams)
            store[generic.pdf_name(key)] = generic.ArrayObject(added)
        writer.root["/DSS"] = writer.add_object(store)
        writer.update_root()

    return change(document, add)


def add_document_timestamp(document: bytes, tsa: timestamps.TimeStamper) -> bytes:
    """*document* with a document timestamp."""
    writer = IncrementalPdfFileWriter(BytesIO(document), strict=False)
    stamping = signers.PdfTimeStamper(tsa)
    output = asyncio.run(stamping.async_timestamp_pdf(writer, "sha256", None))
    return bytes(output.getvalue())


def change(document: bytes, edit: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """*document* with one more revision in which *edit* did what it does."""
    writer = IncrementalPdfFileWriter(BytesIO(document), strict=False)
    edit(writer)
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def signed(world: World, *, level: str = "B-B", pages: int = 3, when: datetime = NOW) -> bytes:
    """A document with two signatures at *level*."""
    tsa = None if level == "B-B" else stamper(world, when)
    document = with_fields(plain(pages), "first", "second")
    for name, identity in (("first", world.signer), ("second", world.other)):
        order = Signing(name, identity, [world.issuing], tsa, certify=name == "first")
        document = sign(document, order)
    if level in ("B-LT", "B-LTA"):
        everyone = [world.signer, world.other, world.tsa, world.issuing]
        document = add_validation_data(document, everyone, world.revocations)
    if level == "B-LTA":
        document = add_document_timestamp(document, stamper(world, when))
    return document
