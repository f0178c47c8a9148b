"""What ``vermilion verify`` says of signatures to which the form of a document does not lead, that were there
before, or that bear timestamps of their makers' own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.confinement.pool import Confinement
from appliance.errors import EvidenceIncomplete
from appliance.evidence.extraction import locate_signatures
from appliance.evidence.model import SignatureMaterial
from appliance.ledger.entry import LedgerEntry
from appliance.pdf.byte_ranges import ByteRange
from appliance.pdf.values import FieldKind, FieldPlacement, LockScope, PersonAppearance, PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Indication
from hsm import cms
from tests.evidence import contract, real_contract
from tests.evidence.authority import DOCUMENT_SIGNING, TestAuthority, certify, new_key
from tests.evidence.forger import CONTRACT, SIGNED, Forger, remark
from tests.holder import Holder

pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")


class WithHidden(PdfWorkshop):
    """Puts a signature by *holder* into the document, before all others, to which the form does not lead."""

    holder: Holder
    authority: TestAuthority
    hidden: bytes = b""

    def add_fields(self, *given: Any, **named: Any) -> bytes:
        document = super().add_fields(*given, **named)
        [*_, start] = re.findall(rb"startxref\s+(\d+)", document)
        [*_, size] = re.findall(rb"/Size (\d+)", document)
        [*_, root] = re.findall(rb"/Root (\d+ \d+ R)", document)
        room = 2 * 8192
        begin = b"%s 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange " % size
        gap = len(document) + len(begin) + 60 + len(b"/Contents")
        table = b">>\nendobj\n"
        at = gap + room + 2 + len(table)
        end = (
            table
            + b"xref\n%s 1\n%010d 00000 n \ntrailer\n<</Size %d/Root %s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n"
            % (
                size,
                len(document),
                int(size) + 1,
                root,
                start,
                at,
            )
        )
        ranges = (b"[0 %d %d %d]" % (gap, gap + room + 2, len(end))).ljust(60)
        head = document + begin + ranges + b"/Contents"
        message = self.authority.sign(self.holder, head + end)
        type(self).hidden = message
        return head + b"<" + message.hex().encode().ljust(room, b"0") + b">" + end


@pytest.mark.parametrize("certified", [True, False])
def test_a_signature_that_the_form_does_not_lead_to_is_nobodys(
    forger: Forger, authority: TestAuthority, confinement: Confinement, certified: bool
) -> None:
    """The verifier of PDFs has not judged it: any key may have made it, in anybody's name."""
    usages = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING)
    own = certify(new_key(), "王冒名", authority.issuing if certified else None, usages, identifier="person-wang")
    WithHidden.holder, WithHidden.authority = own, authority
    pdf = real_contract.make(authority, WithHidden(confinement))
    hidden = SignatureMaterial("person-9", "person", "王冒名", contract.ALPHA, WithHidden.hidden)
    forger.pdf = replace(pdf, signatures=(*pdf.signatures, hidden))

    def told(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == SIGNED and each.public["signer"] == "seal-b":
                made = locate_signatures(pdf.signed, hidden.cms)
                signed = hashlib.sha256(made.content(pdf.signed)).hexdigest()
                public = {"contract": CONTRACT, "actor": "person-wang", "signer": "person-wang", "signed": signed}
                yield LedgerEntry(SIGNED, contract._dated(hidden.cms), {**public, "field": "person-9"})

    report = forger.verdict(forger.telling(told))
    assert report.indication is Indication.FAILED, [str(each) for each in report.remarks]


class WithEarlier(WithHidden):
    """The *holder* has signed the document before it is given, and perhaps once more, out of sight."""

    given: bytes = b""
    again: bool = True

    def add_fields(self, *given: Any, **named: Any) -> bytes:
        place, now = FieldPlacement("own", 0, 10, 30, 24, 17, FieldKind.PERSON), self.authority.now
        field = PdfWorkshop.add_fields(self, given[0], [place])
        shown = PersonAppearance("王冒名", now, contract.ZONE, contract.ALPHA)
        prepared = self.prepare(field, PrepareOrder("own", shown, now, certify=False, lock=LockScope.OWN))
        message = cms.MessageMaker(self.holder, cms.DATA).make_message(prepared.digest)
        signed = cms.add_signature_timestamp(message, self.authority.token(cms.signature_value(message)))
        type(self).given = self.embed(prepared, signed)
        self.authority.now += timedelta(minutes=7)
        add = super().add_fields if self.again else super(WithHidden, self).add_fields
        return add(self.given, *given[1:], **named)


@pytest.mark.parametrize("again", [True, False])
def test_a_signature_is_judged_by_its_own_report(
    forger: Forger, authority: TestAuthority, confinement: Confinement, again: bool
) -> None:
    """Not by that of an earlier one of the same certificate, whose time may be another; and who has signed earlier
    is named, since nobody asks what that signature rests on."""
    usages = (ExtendedKeyUsageOID.EMAIL_PROTECTION, DOCUMENT_SIGNING)
    WithEarlier.holder = certify(new_key(), "王冒名", authority.issuing, usages, identifier="person-wang")
    WithEarlier.authority, WithEarlier.again = authority, again
    pdf = real_contract.make(authority, WithEarlier(confinement))
    hidden = SignatureMaterial("own", "person", "王冒名", contract.ALPHA, WithEarlier.hidden)
    forger.pdf = replace(pdf, original=WithEarlier.given, signatures=(*pdf.signatures, *[hidden] * again))

    def told(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if again and each.kind == SIGNED and each.public["signer"] == "seal-b":
                made = locate_signatures(pdf.signed, hidden.cms)
                signed = hashlib.sha256(made.content(pdf.signed)).hexdigest()
                public = {"contract": CONTRACT, "actor": "person-wang", "signer": "person-wang", "signed": signed}
                yield LedgerEntry(SIGNED, contract._dated(hidden.cms), public)

    report = forger.verdict(forger.telling(told))
    if again:
        assert report.indication is Indication.FAILED, [str(each) for each in report.remarks]
    else:
        assert "given here: 王冒名" in remark(report, "had signed the document")


def test_places_for_signatures_are_few_and_small(forger: Forger, package: bytes) -> None:
    """Whoever states a hundred thousand large ones has each compared with each signature."""
    document = forger.pdf.signed
    place = ByteRange(len(document), len(document) + 4_000_002, len(document) + 4_000_007)
    stated = b"/ByteRange [0 %d %d 5]\n" % (place.gap_start, place.gap_end)
    large = document + b"<" + forger.pdf.archive.hex().ljust(4_000_000, "0").encode() + b">" + stated
    assert place.contents(large) is not None
    assert locate_signatures(large, forger.pdf.archive) == locate_signatures(document, forger.pdf.archive)
    many = b"/ByteRange [0 1 2 3]\n" * 1000 + document
    with pytest.raises(EvidenceIncomplete):
        locate_signatures(many, forger.pdf.archive)


def test_nobody_chooses_the_time_of_a_signature_by_a_timestamp_of_their_own(
    forger: Forger, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timestamps lie outside of what a signature covers. One by a stranger proves nothing, and harms nothing in a
    PDF; but the log would have its time, against which the power is held."""
    add, authority = cms.add_signature_timestamp, forger.authority
    root = certify(new_key(), "他人根证书", None)
    stranger = TestAuthority()
    stranger.tsa = certify(new_key(), "他人时间戳服务", root, (ExtendedKeyUsageOID.TIME_STAMPING,))

    def adding(message: bytes, _token: bytes) -> bytes:
        stranger.now = authority.now - timedelta(hours=5)
        return add(message, stranger.token(cms.signature_value(message)))

    with monkeypatch.context() as patched:
        patched.setattr(cms, "add_signature_timestamp", adding)
        forger.pdf = real_contract.make(authority, PdfWorkshop(confinement))
    report = forger.verdict(forger.telling(iter))
    assert report.indication is Indication.INDETERMINATE, report.reasons
    assert [each.passed for each in report.signatures[:3]] == [True] * 3
