"""What is refused in dates, grounds and history: who has taken the portal over writes the log and has manifests
signed. Grounds and history the verifier alone judges."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence.model import SignedRecord
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.ledger.entry import LedgerEntry
from appliance.pdf.workshop import PdfWorkshop
from hsm import canonical
from hsm.names import name_in
from hsm.records import AGREEMENT, MEDIA_TYPES
from tests.evidence import authority as evidence_authority
from tests.evidence import contract, real_contract
from tests.evidence.authority import IDENTIFIERS, TestAuthority
from tests.evidence.resealing import resealed
from tests.evidence.test_told import SIGNED, Judges, judges
from tests.sweeps import first_of, one_in

__all__ = ["judges"]
pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")
REFUSED = [False, False, False]
Log = Callable[[Iterable[LedgerEntry]], Iterator[LedgerEntry]]


@pytest.mark.parametrize("value", first_of([b"\x30", b""]))
@pytest.mark.parametrize("name", ["signatures/02", pytest.param("agreement/02", marks=pytest.mark.long)])
def test_no_part_of_a_signature_dates_it_but_its_value(
    judges: Judges, authority: TestAuthority, package: bytes, name: str, value: bytes
) -> None:
    """Bytes that stand in the CMS too, of which somebody had a timestamp long before there was a signature."""
    token = at_another_time(authority, -timedelta(hours=20)).token(value)
    files = {f"{name}.sig": value, f"{name}.tst": token}
    assert judges.verdicts_on(resealed(package, files, authority)) == REFUSED


def at_another_time(authority: TestAuthority, by: timedelta) -> TestAuthority:
    other = copy.copy(authority)
    other.now += by
    return other


def told(kind: str, **other: object) -> Log:
    """Another log: entries of this *kind* say something else."""

    def change(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == kind
            yield replace(each, public={**each.public, **other}) if own else each

    return change


def ended(after: str, kind: str, **public: str) -> Log:
    """A log in which a power or an identity check ended, a minute *after* it began."""

    def change(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == after:
                yield LedgerEntry(kind, each.at + timedelta(minutes=1), {"actor": "officer-qian", **public})

    return change


LOGS = {
    "identity of somebody else": told("identity-checked", person="person-li"),
    "another document": told("identity-checked", document="id-card"),
    "identity checked by oneself": told("identity-checked", actor="person-zhang"),
    "identity until": told("identity-checked", until="2026-11-25T00:00:00Z"),
    "identity withdrawn": ended("identity-checked", "identity-withdrawn", identity="identity-1"),
    "power revoked": ended("power-verified", "power-revoked", power=contract.POWER),
}


@pytest.mark.parametrize("log", one_in(8, LOGS.values()), ids=LOGS)
def test_what_a_signature_rests_on_is_what_the_log_has(judges: Judges, log: Log) -> None:
    assert judges.refuses(judges.with_log(log))


TERMS = {
    "agent": told("power-registered", agent="person-wang"),
    "term": told("power-registered", until="2026-11-20T00:00:00Z"),
    "letter": told("power-registered", digest="ab" * 32),
    "verified letter": told("power-verified", digest="ab" * 32),
    "verified by": told("power-verified", actor="officer-sun"),
    "one person": told("power-registered", actor="officer-qian"),
}


@pytest.mark.parametrize("log", one_in(8, TERMS.values()), ids=TERMS)
def test_an_old_power_has_the_terms_that_were_registered(judges: Judges, log: Log) -> None:
    """One from before statements: what the log has of it is all that others than the portal of now have."""
    assert judges.refuses(judges.with_log(log, stated=False))


@pytest.mark.parametrize(
    "stated",
    first_of([{"amount": "CNY 9,000,000.00"}, {"amount": None}, {"amount": "USD 1,000,000.00"}, {"kind": "租赁"}]),
)
def test_amount_and_type_are_those_of_the_contract(
    judges: Judges, monkeypatch: pytest.MonkeyPatch, stated: dict[str, Any]
) -> None:
    monkeypatch.setattr(contract, "_DRAFTED", {**contract._DRAFTED, **stated})
    assert judges.refuses(judges.with_log(iter))


def test_no_field_makes_an_entry_one_of_another_kind(judges: Judges, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field may be called as what says of which kind an entry is."""
    monkeypatch.setattr(contract, "_DRAFTED", {**contract._DRAFTED, "amount": "CNY 9,000,000.00"})

    def noted(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for entry in entries:
            yield entry
            if entry.kind == "contract-drafted":
                public = {"actor": "person-zhang", "kind": "contract-revised"}
                private = {"amount": "CNY 1,000,000.00", "kind": "采购合同"}
                yield LedgerEntry("contract-noted", entry.at, public, private)

    assert judges.refuses(judges.with_log(noted))


def test_nobody_else_signs_a_record_in_which_a_person_is_named_twice(
    judges: Judges, authority: TestAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(evidence_authority, "ALPHA", contract.BETA)
        forger = authority.person("王冒名")
    identifier = name_in(forger.certificate).identifier
    true = contract._agreements

    def accepting(person: str) -> dict[str, Any]:
        record = contract.acceptance(person)
        return record | {"texts": {**record["texts"], "person": identifier}} if person == "person-li" else record

    def agreements(*arguments: Any) -> Iterator[SignedRecord]:
        for each in true(*arguments):
            if each.name == "agreement/02":
                signature = authority.sign(forger, each.record, media_type=MEDIA_TYPES[AGREEMENT])
                yield replace(each, signer="王冒名", cms=signature)
            else:
                yield each

    monkeypatch.setattr(contract, "_agreements", agreements)
    assert judges.refuses(judges.with_log(iter, accepting=accepting))


@pytest.mark.parametrize("passes", [False, True])
def test_a_power_covers_no_seal_that_it_does_not_name(
    authority: TestAuthority,
    confinement: Confinement,
    judges: Judges,
    monkeypatch: pytest.MonkeyPatch,
    passes: bool,
) -> None:
    """The record says that no seal is used; the certificate says that one signed."""
    with monkeypatch.context() as patched:
        patched.setitem(IDENTIFIERS, "张示例", "seal-a")
        judges.pdf = real_contract.make(authority, PdfWorkshop(confinement))
    grounds, statement = contract.grounds, contract.statement

    def sealed(at: Any) -> dict[str, Any]:
        record = grounds(at) | {"signer": "seal-a"}
        record["matter"]["seal"] = "seal-a" if passes else None
        record["considered"][0]["power"]["seals"] = ["seal-a"] if passes else []
        return record

    def stated(at: Any) -> dict[str, Any]:
        said = statement(at)
        return said | {"power": said["power"] | {"seals": ["seal-a"] if passes else []}}

    monkeypatch.setattr(contract, "grounds", sealed)
    monkeypatch.setattr(contract, "statement", stated)

    def used(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == SIGNED and each.public["signer"] == "person-zhang"
            yield replace(each, public={**each.public, "signer": "seal-a"}) if own else each

    assert judges.refuses(judges.with_log(used)) is not passes


HISTORIES: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "less": lambda events: events.pop(),
    "more": lambda events: events.append(events[0]),
    "kind": lambda events: events[3].update(kind="contract-declined"),
    "actor": lambda events: events[3].update(actor="person-wang"),
    "time": lambda events: events[3]["at"].update(utc="2026-11-24T00:00:00Z"),
    "public": lambda events: events[4]["public"].update(signer="person-wang"),
    "private": lambda events: events[4]["private"].update(organisation="丙公司"),
}


@pytest.mark.parametrize("change", one_in(8, HISTORIES.values()), ids=HISTORIES)
def test_the_history_is_what_the_entries_say(
    judges: Judges, authority: TestAuthority, package: bytes, change: Callable[[list[dict[str, Any]]], object]
) -> None:
    said = json.loads(bytes(read_zip(package).files["history/history.json"]))
    change(said["events"])
    changed = resealed(package, {"history/history.json": canonical.encode(said)}, authority)
    assert judges.refuses_package(changed)


def test_the_signed_contract_is_dated(judges: Judges, authority: TestAuthority, package: bytes) -> None:
    without = {"contract/contract.tsq": None, "contract/contract.tsr": None}
    assert judges.verdicts_on(resealed(package, without, authority)) == REFUSED


def remarks(judges: Judges, package: bytes, words: str) -> list[str]:
    return [str(each) for each in judges.verifier.verify(package).remarks if words in str(each)]


def test_other_names_in_the_history_are_the_portals_alone(judges: Judges, authority: TestAuthority) -> None:
    """People change their names on their page, so that the history may have another; an erased one is none."""
    evidence = judges.with_log(iter)
    names = {"person-zhang": "—", "person-li": "王五", "seal-b": f"{contract.BETA} seal-3（2）"}
    [remark] = remarks(judges, build(replace(evidence, names=names), contract.seals(authority)), "other names")
    assert "李样本 person-2 (王五)" in remark


def test_names_that_are_none_are_refused(judges: Judges, authority: TestAuthority) -> None:
    evidence = judges.with_log(iter)
    made = build(replace(evidence, names={**evidence.names, "seal-b": 5}), contract.seals(authority))  # type: ignore[dict-item]
    assert judges.refuses_package(made)


def test_what_the_portal_alone_says_is_called_so(judges: Judges, authority: TestAuthority, package: bytes) -> None:
    """Documents that are said to have been confirmed at once; the report that lies in the package."""

    def together(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            count = {"together_count": 7} if "field" in each.public else {}
            yield replace(each, public={**each.public, **count})

    made = build(judges.with_log(together), contract.seals(authority))
    assert remarks(judges, package, "verification/report.json")
    [remark] = remarks(judges, made, "together with others")
    assert "7. That is the word of the portal alone." in remark
