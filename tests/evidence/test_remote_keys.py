"""A signature for other software is none in a package, though the log of a taken-over portal names its key."""

from __future__ import annotations

import pytest

from appliance.evidence.contents import require_records
from appliance.evidence.extraction import taken_apart
from appliance.evidence.model import PackageRefused
from hsm import canonical, records
from tests.evidence.authority import SIGNING, TestAuthority, certify, new_key
from tests.evidence.contract import acceptance


def accepted(authority: TestAuthority, person: str) -> dict[str, bytes]:
    """The files of an acceptance that names *person*, by their key."""
    record, kind = canonical.encode({**acceptance("person-zhang"), "person": person}), records.AGREEMENT
    holder = certify(new_key(), "张示例", authority.issuing, SIGNING, identifier=person)
    message = authority.sign(holder, record, media_type=records.MEDIA_TYPES[kind])
    made = taken_apart(message, record, "agreement/01", is_record=True)
    parts = {"json": record, "p7s": message, "sig": made.value, "tst": made.token}
    return {f"agreement/01.{ending}": each for ending, each in parts.items()}


@pytest.mark.parametrize("use", ["document", "hash"])
def test_a_key_for_other_software_makes_no_signature_of_a_package(authority: TestAuthority, use: str) -> None:
    assert require_records(accepted(authority, "person-zhang"))
    with pytest.raises(PackageRefused, match="key for other software"):
        require_records(accepted(authority, f"person-zhang.{use}"))
