"""A signature over a record names its kind; one over a document does not, and neither passes for the other."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from hsm import canonical, cms
from hsm.errors import Malformed
from hsm.records import AGREEMENT, DECLARATION, FORMATS, MEDIA_TYPES, require_kind
from tests.authority import RunningAuthority, intent_for
from tests.hsm.memory import MemoryAuthority, openssl

RECORDS = {field: canonical.encode({"format": form, "person": "person-a"}) for field, form in FORMATS.items()}
BEFORE = [canonical.encode({"format": form}) for form in ("vermilion-agreement/2", "vermilion-voiding/1")]


def test_the_authority_names_the_kind_by_what_is_activated(authority: RunningAuthority) -> None:
    device = authority.enrol_person("person-records")
    for field, kind in {**MEDIA_TYPES, "person-1": None}.items():
        intent = replace(intent_for("person-records", document=RECORDS.get(field, b"%PDF-1.7")), field=field)
        message = cms.parse(authority.sign(intent, (device, "person-records")))
        assert message.media_type == kind
        require_kind(message, RECORDS.get(field))
        for other in {AGREEMENT, DECLARATION, "person-1"} - {field}:
            with pytest.raises(cms.SignatureRefused, match="record"):
                require_kind(message, RECORDS.get(other))


def signed(content: bytes, *media_types: str) -> bytes:
    attributes = [cms.media_type_attribute(each) for each in media_types]
    maker = cms.MessageMaker(MemoryAuthority().signer(), cms.DATA)
    return maker.make_message(hashlib.sha256(content).digest(), attributes=attributes)


def test_records_of_before_have_signatures_that_name_nothing() -> None:
    for record in (*BEFORE, b"no JSON", b"[]", b"{}"):
        require_kind(cms.parse(signed(record)), record)


def test_types_of_others_are_no_records() -> None:
    require_kind(cms.parse(signed(b"%PDF-1.7", "application/pdf")), None)


def test_openssl_takes_a_signature_that_names_a_kind(tmp_path: Path) -> None:
    authority, content = MemoryAuthority(), RECORDS[AGREEMENT]
    maker = cms.MessageMaker(authority.signer(), cms.DATA)
    kind = cms.media_type_attribute(MEDIA_TYPES[AGREEMENT])
    (tmp_path / "signature").write_bytes(maker.make_message(hashlib.sha256(content).digest(), attributes=[kind]))
    (tmp_path / "content").write_bytes(content)
    given = ("-inform", "DER", "-in", tmp_path / "signature", "-binary", "-content", tmp_path / "content")
    status, text = openssl("cms", "-verify", *given, "-noverify")
    assert status == 0, text


def test_a_type_that_is_no_text_is_refused() -> None:
    message = cms.parse(signed(b"x", "application/pdf"))
    assert message.media_type == "application/pdf"
    for values in ((b"\x04\x01a",), (b"\x0c\x01a", b"\x0c\x01b")):
        with pytest.raises(Malformed, match="mime-type"):
            replace(message, attributes={"0.4.0.1733.2.1": values}).media_type  # noqa: B018  # it raises
