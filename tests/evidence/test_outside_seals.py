"""What the verifier asks of seals of other companies: their own people use and release them, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.evidence.history import PackageEvent
from appliance.evidence.model import PackageRefused
from appliance.evidence.outside_seals import require_released_by_own, vouched_for
from appliance.evidence.package import build
from appliance.language import Language, translator
from hsm.names import SubjectName
from tests.evidence import contract
from tests.evidence.authority import START, TestAuthority
from tests.evidence.real_contract import SignedPdf
from tests.evidence.test_forged_packages import Readers, readers

__all__ = ["readers"]
pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")

SEAL, HOUSE = "seal-guest-00000001", "seal-house"
DIRECTOR, STRANGER, OWN = "person-guest-dddddddddddd", "person-guest-ffffffffffff", "person-zhang"
COMPANY, LOOKALIKE = "丁公司外部有限公司", "丁公司 外部有限公司"
NAMES = {
    SEAL: SubjectName(COMPANY, f"{COMPANY}合同专用章", SEAL),
    DIRECTOR: SubjectName(COMPANY, "钱外部", DIRECTOR),
    STRANGER: SubjectName(LOOKALIKE, "钱外部", STRANGER),
    OWN: SubjectName("甲公司示例有限公司", "张示例", OWN),
    HOUSE: SubjectName("甲公司示例有限公司", "甲公司示例有限公司公章", HOUSE),
}


def signed(seal: str, by: str, organisation: str | None = COMPANY) -> PackageEvent:
    private = {"name": "印章", "organisation": organisation}
    return PackageEvent(1, "party-signed", START, by, {"signer": seal}, private)


def step(kind: str, seal: str, by: str) -> PackageEvent:
    """Internal to the company: what opens its fields is withheld."""
    return PackageEvent(2, kind, START, by, {"seal": seal, "party": "party-1"}, {})


def test_its_own_people_use_and_release_it() -> None:
    for by in (DIRECTOR, "person-guest-000000000000"):  # whose certificate the package need not have
        told = [step("seal-requested", SEAL, by), step("seal-approved", SEAL, DIRECTOR), signed(SEAL, by)]
        require_released_by_own(told, NAMES)
    require_released_by_own([signed(HOUSE, OWN, "甲公司示例有限公司"), step("seal-approved", HOUSE, OWN)], NAMES)
    require_released_by_own([signed(SEAL, DIRECTOR, None)], NAMES)  # erased since


@pytest.mark.parametrize("by", [OWN, STRANGER, "person-zhao", "officer-wang"])
@pytest.mark.parametrize("kind", ["party-signed", "seal-requested", "seal-approved", "seal-half-approved"])
def test_nobody_else_does(kind: str, by: str) -> None:
    event = signed(SEAL, by) if kind == "party-signed" else step(kind, SEAL, by)
    with pytest.raises(PackageRefused, match="not of the company"):
        require_released_by_own([event], NAMES)


@pytest.mark.parametrize("kind", ["party-signed", "seal-requested", "seal-approved"])
def test_nobody_from_outside_uses_a_seal_of_the_house(kind: str) -> None:
    event = signed(HOUSE, DIRECTOR) if kind == "party-signed" else step(kind, HOUSE, DIRECTOR)
    with pytest.raises(PackageRefused, match="not of the company"):
        require_released_by_own([event], NAMES)


@pytest.mark.parametrize("party", ["甲公司示例有限公司", LOOKALIKE, ""])
def test_it_signs_for_its_own_company_alone(party: str) -> None:
    with pytest.raises(PackageRefused, match="certificate is of"):
        require_released_by_own([signed(SEAL, DIRECTOR, party)], NAMES)


def test_who_vouches_for_it_is_said_in_both_languages() -> None:
    [said] = vouched_for(NAMES.values())
    assert f"{COMPANY}合同专用章" in str(said) and "officers of the house vouch" in str(said)
    assert "由本系统所在单位的登记员核实" in said.translated(translator(Language.CHINESE))
    assert not list(vouched_for([NAMES[HOUSE], NAMES[DIRECTOR]]))


def test_a_package_says_no_such_thing_unnoticed(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seal of the house that somebody from outside is said to have used."""
    by_li = contract._by_li

    def by_somebody_from_outside(signer: str) -> dict[str, Any]:
        return by_li(signer) | ({"actor": DIRECTOR} if signer == "seal-b" else {})

    monkeypatch.setattr(contract, "_by_li", by_somebody_from_outside)
    package = build(contract.make(authority, pdf), contract.seals(authority))
    readers.refuse_by_verifier(package)
    [reason, *_] = readers.verifier.verify(package).reasons
    assert "not of the company" in str(reason)
