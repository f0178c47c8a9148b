"""Nothing counts in a package that only the portal says, where somebody else has to have signed it: whoever has
taken the portal over chooses the names of files and powers, the numbers of records, and the times in the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from appliance.evidence.package import build
from appliance.ledger.entry import LedgerEntry
from appliance.verification import Indication
from hsm import cms, timestamp
from hsm.cms.signed_data import SIGNATURE_TIMESTAMP
from tests.evidence import contract
from tests.evidence.authority import IDENTIFIERS, TestAuthority
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import resealed
from tests.evidence.test_told import BOTH, Judges, _voided, judges
from tests.sweeps import first_of, one_in

__all__ = ["judges"]
REFUSED = [False, False, False]


@pytest.mark.parametrize("folder", first_of(["voiding/more/", "voiding/a/b/"]))
def test_declarations_in_a_folder_of_their_own_void_nothing(
    judges: Judges, authority: TestAuthority, folder: str
) -> None:
    declarations = judges.declared()
    evidence = judges.with_log(lambda entries: _voided(entries, declarations, authority.now))
    unsigned = {f"{folder}{number:02}.json": each for number, each in enumerate(declarations.values(), start=1)}
    package = build(evidence, contract.seals(authority))
    assert judges.verdicts_on(resealed(package, unsigned, authority)) == REFUSED


@pytest.mark.parametrize("name", one_in(3, ["letter-0123456789ab", "power-1/a", "Power-1", "statements/power-1"]))
def test_no_power_is_confirmed_by_a_statement_that_nobody_signed(
    judges: Judges, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(contract, "POWER", name)
    evidence = judges.with_log(iter)
    [statement] = [each for each in evidence.records if each.name.startswith("authority/")]
    records = tuple(each for each in evidence.records if each is not statement)
    unsigned = {**evidence.documents, f"{statement.name}.json": statement.record}
    assert judges.refuses(replace(evidence, records=records, documents=unsigned))


def test_a_folder_for_voiding_does_not_make_a_contract_void(
    judges: Judges, authority: TestAuthority, package: bytes
) -> None:
    for path, passes in (("voiding/01.txt", False), ("voiding/a/01.pdf", False), ("voiding/01.sig", True)):
        report = judges.verifier.verify(resealed(package, {path: b"void"}, authority))
        assert (report.indication is Indication.PASSED) is passes
        assert not any("void." in str(remark) for remark in report.remarks), report.remarks


def stamped(pdf: SignedPdf, number: int) -> datetime:
    """When the signature of this *number* was made; the archive timestamp of the last."""
    tokens = [cms.parse(each.cms).unsigned[SIGNATURE_TIMESTAMP][0] for each in pdf.signatures]
    return timestamp.parse_token([*tokens, pdf.archive][number - 1]).gen_time.replace(microsecond=0)


@pytest.mark.parametrize("number", [2, 4])
def test_grounds_are_held_against_the_time_of_their_own_signature(
    judges: Judges, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A power that began, or was confirmed, between two signatures would seem to cover the first."""
    monkeypatch.setattr(contract, "signed_at", lambda pdf: stamped(pdf, number))
    evidence = judges.with_log(iter)
    documents = dict(evidence.documents)
    documents[f"authority/{number:02}.json"] = documents.pop("authority/01.json")
    assert judges.refuses(replace(evidence, documents=documents))


def test_no_other_token_dates_a_signature(
    judges: Judges, authority: TestAuthority, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that lies in the folder under a number of three digits, of whatever time."""
    token = authority.token(b"anything")
    at = timestamp.parse_token(token).gen_time.replace(microsecond=0)
    monkeypatch.setattr(contract, "signed_at", lambda pdf: at)
    evidence = judges.with_log(iter)
    documents = dict(evidence.documents)
    documents["authority/010.json"] = documents.pop("authority/01.json")
    package = build(replace(evidence, documents=documents), contract.seals(authority))
    assert judges.verdicts_on(resealed(package, {"signatures/010.tst": token}, authority)) == REFUSED


def test_the_log_has_the_time_of_a_signature_that_rests_on_a_power(judges: Judges) -> None:
    """By another time of the log, its term or its confirmation would seem to cover the signature."""

    def later(entries: list[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            rests = "grounds" in each.public
            yield replace(each, at=each.at + timedelta(hours=1)) if rests else each

    assert judges.refuses(judges.with_log(later))


def test_for_whom_a_signature_was_made_is_not_taken_for_granted(
    judges: Judges, authority: TestAuthority, tmp_path: Path
) -> None:
    """The portal can leave out what opens an entry of the log, and say that it was erased."""
    evidence = judges.with_log(iter)
    closed = replace(evidence.log, entries=tuple(replace(each, opening={}) for each in evidence.log.entries))
    package = build(replace(evidence, log=closed), contract.seals(authority))
    [remark] = [str(each) for each in judges.verifier.verify(package).remarks if "For whom" in str(each)]
    assert "person-1, person-li, seal-b" in remark


@pytest.mark.parametrize("user", first_of(["person-wang", "person-zhang", "person-li"]))
def test_who_used_a_seal_is_not_taken_for_granted_in_a_voiding(
    judges: Judges, authority: TestAuthority, monkeypatch: pytest.MonkeyPatch, user: str, tmp_path: Path
) -> None:
    """The signature of a seal names no person, so the portal can have anybody declare, the other party too."""
    monkeypatch.setitem(contract.NAMES, "person-wang", "王示例")
    monkeypatch.setitem(IDENTIFIERS, "王示例", "person-wang")

    def by_user(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            used = each.public.get("signer") == "seal-b"
            yield replace(each, public={**each.public, "actor": user}) if used else each

    declared = {each: judges.declaration(each) for each in dict.fromkeys((*BOTH, user))}
    package = build(judges.voided(declared, change=by_user), contract.seals(authority))
    report = judges.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons
    [remark] = [str(each) for each in report.remarks if "said to have used" in str(each)]
    assert "seal-b" in remark
