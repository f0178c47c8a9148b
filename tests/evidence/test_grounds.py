"""What a signature rests on is checked in the package: letter, second person, term, scope, amount, identity."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from appliance.evidence import history
from appliance.evidence.authorisation_basis import Files, require_authorisation_basis, without_power
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import EvidenceInput, PackageRefused
from appliance.evidence.repacked import read_zip
from hsm import canonical
from tests.evidence.contract import POWER

RECORD, LETTER = "authority/01.json", f"authority/{POWER}.pdf"
STATEMENT = f"authority/{POWER}.json"


@dataclass(frozen=True, slots=True)
class Case:
    """A package's files and events, to be changed as somebody would who also rewrites the log."""

    files: dict[str, bytes]
    events: tuple[PackageEvent, ...]
    stated_since: int | None = 0

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = copy.deepcopy(canonical.decode(self.files[RECORD]))
        return found

    def with_record(self, record: dict[str, Any]) -> Case:
        """Another record, and a log that names it."""
        content = canonical.encode(record)
        digest = hashlib.sha256(content).hexdigest()
        return replace(self, files=self.files | {RECORD: content}).with_event("party-signed", grounds=digest)

    def with_event(self, kind: str, *, actor: str = "", **public: object) -> Case:
        """The first event of *kind* says something else."""
        at = next(at for at, each in enumerate(self.events) if each.kind == kind and self._ours(each))
        event = self.events[at]
        changed = replace(event, public={**event.public, **public}, actor=actor or event.actor)
        return replace(self, events=(*self.events[:at], changed, *self.events[at + 1 :]))

    @staticmethod
    def _ours(event: PackageEvent) -> bool:
        return event.kind != "party-signed" or "grounds" in event.public

    def without(self, kind: str) -> Case:
        return replace(self, events=tuple(each for each in self.events if each.kind != kind))

    def check(self) -> None:
        files: Files = self.files
        require_authorisation_basis(files, self.events, self.stated_since)

    def with_statement(self, said: dict[str, Any]) -> Case:
        """Another statement, and a log that names it."""
        content = canonical.encode(said)
        digest = hashlib.sha256(content).hexdigest()
        return replace(self, files=self.files | {STATEMENT: content}).with_event(
            "power-verified", statement=digest
        )

    def without_statement(self, **changes: Any) -> Case:
        """The log names no statement either."""
        events = tuple(
            replace(each, public={name: value for name, value in each.public.items() if name != "statement"})
            for each in self.events
        )
        files = {path: data for path, data in self.files.items() if not path.startswith(f"authority/{POWER}.")}
        return replace(self, files=files | {LETTER: self.files[LETTER]}, events=events, **changes)


@pytest.fixture(scope="module")
def case(package: bytes, evidence: EvidenceInput) -> Case:
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    return Case(files, history.events(evidence.log.entries))


def test_good_grounds_hold(case: Case) -> None:
    case.check()


def test_a_confirmed_power_carries_no_signature_of_another_side(case: Case) -> None:
    """Officers have confirmed it; the record of the signature says what would fit it."""
    for name, value, matter, said in (
        ("grantor", "丙公司", {"organisation": "丙公司"}, "another grantor"),
        ("counterparties", ["丙公司"], {"counterparties": ["丙公司"]}, "counterparties"),
    ):
        record, statement = case.record(), canonical.decode(case.files[STATEMENT])
        power(record)[name] = statement["power"][name] = value
        record["matter"].update(matter)
        with pytest.raises(PackageRefused, match=said):
            case.with_statement(statement).with_record(record).check()


Change = Callable[[dict[str, Any]], object]


def power(record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = record["considered"][0]["power"]
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda record: record.update(field="person-2"), "not about the signature"),
        (lambda record: record.update(person="person-li"), "not about the signature"),
        (lambda record: record.update(at="2020-01-01T00:00:00Z"), "at the time"),
        (lambda record: record.update(outcome="refused"), "authorised"),
        (lambda record: record.update(outcome="not-needed"), "authorised"),
        (lambda record: record["considered"][0].update(covers=False), "authorised"),
        (lambda record: record["considered"][0]["tests"][0].update(holds=False), "authorised"),
        (lambda record: power(record).update(grantor="丙公司示例有限公司"), "another grantor"),
        (lambda record: power(record).update(agent="person-li"), "somebody else"),
        (lambda record: power(record).update(letter="0" * 64), "not the one that was registered"),
        (lambda record: power(record).update(until="2099-01-01T00:00:00Z"), "not the one that was registered"),
        (lambda record: power(record).update(kinds=["租赁"]), "type of contract"),
        (lambda record: power(record).update(counterparties=["丙公司示例有限公司"]), "counterparties"),
        (lambda record: power(record).update(limit=99_999_999), "within the limit"),
        (lambda record: power(record).update(currency="USD"), "within the limit"),
        (lambda record: record["matter"].update(amount=1), "what the log says"),
        (lambda record: record["matter"].update(amount=None), "what the log says"),
        (lambda record: record["matter"].update(kinds=["采购"]), "what the log says"),
        (lambda record: record["matter"].update(seal="seal-b"), "seal"),
        (lambda record: record["identity"].update(commitment="0" * 64), "identity check"),
        (lambda record: record["identity"].update(until="2099-01-01T00:00:00Z"), "identity check"),
        (lambda record: record["identity"].update(checked_by="person-zhang"), "identity check"),
        (lambda record: record.update(identity=None), "identity check"),
    ],
)
def test_a_record_that_does_not_carry_the_signature_is_refused(case: Case, change: Change, said: str) -> None:
    record = case.record()
    change(record)
    with pytest.raises(PackageRefused, match=said):
        case.with_record(record).check()


def test_a_record_that_the_log_does_not_name_is_refused(case: Case) -> None:
    record = case.record()
    record["salt"] = "0" * 32
    with pytest.raises(PackageRefused, match="No signature in the log"):
        replace(case, files=case.files | {RECORD: canonical.encode(record)}).check()
    with pytest.raises(PackageRefused, match="lacks the grounds"):
        replace(case, files={path: data for path, data in case.files.items() if path != RECORD}).check()


def test_another_letter_or_one_too_many_is_refused(case: Case) -> None:
    with pytest.raises(PackageRefused, match="not the one that was registered"):
        replace(case, files=case.files | {LETTER: b"another"}).check()
    with pytest.raises(PackageRefused, match="no signature rests on"):
        replace(case, files=case.files | {"authority/power-ffffffffffff.pdf": b"another"}).check()


def test_a_second_person_must_have_verified_before(case: Case) -> None:
    with pytest.raises(PackageRefused, match="second person"):
        case.without("power-verified").check()
    with pytest.raises(PackageRefused, match="second person"):
        case.with_event("power-verified", actor="person-zhao").check()


def test_the_moment_decides(case: Case) -> None:
    """The same letter, had it ended before the signature, begun after it, or been revoked before it."""
    at = next(event.at for event in case.events if "grounds" in event.public)
    for name, moment in (("until", at), ("since", at + timedelta(seconds=1))):
        text, record = f"{moment:%Y-%m-%dT%H:%M:%SZ}", case.record()
        power(record)[name] = text
        with pytest.raises(PackageRefused, match="term"):
            case.with_record(record).with_event("power-registered", **{name: text}).check()
    before = PackageEvent(99, "power-revoked", at - timedelta(seconds=1), "person-zhao", {"power": POWER}, {})
    with pytest.raises(PackageRefused, match="revoked"):
        replace(case, events=(*case.events, before)).check()
    replace(case, events=(*case.events, replace(before, at=at + timedelta(days=1)))).check()


def test_a_power_counts_with_a_statement_about_exactly_it(case: Case) -> None:
    said = canonical.decode(case.files[STATEMENT])
    for name, value in (
        ("agent", "person-li"),
        ("grantor", "丙公司示例有限公司"),
        ("kinds", []),
        ("counterparties", []),
        ("limit", None),
        ("letter", "0" * 64),
        ("until", "2099-01-01T00:00:00Z"),
        ("id", "power-ffffffffffff"),
        ("registered_by", "person-qian"),
    ):
        other = {**said, "power": {**said["power"], name: value}}
        with pytest.raises(PackageRefused, match="another power of attorney"):
            case.with_statement(other).check()
    for changed in ({"format": "vermilion-power/2"}, {"confirmed": "2099-01-01T00:00:00Z"}, {"confirmed_by": []}):
        with pytest.raises(PackageRefused, match="another power of attorney"):
            case.with_statement({**said, **changed}).check()
    with pytest.raises(PackageRefused, match="another power of attorney"):
        replace(case, files=case.files | {STATEMENT: canonical.encode({**said, "act": "00" * 32})}).check()


def test_without_a_statement_only_what_was_verified_before_counts(case: Case) -> None:
    """The log's entry decides: an invented power is in it later than the number in the manifest."""
    verified = next(each.entry for each in case.events if each.kind == "power-verified")
    for since in (0, verified):
        with pytest.raises(PackageRefused, match="not confirmed by officers"):
            case.without_statement(stated_since=since).check()
    case.without_statement(stated_since=verified + 1).check()
    case.without_statement(stated_since=None).check()
    files = {path: data for path, data in case.files.items() if path != STATEMENT}
    with pytest.raises(PackageRefused, match="not confirmed by officers"):
        replace(case, files=files, stated_since=verified + 1).check()


def test_an_old_power_says_nothing_else_later(case: Case) -> None:
    """Whoever writes the log could register the number of an old power again, with other terms."""
    old = case.without_statement(stated_since=None)
    [registered] = [each for each in old.events if each.kind == "power-registered"]
    again = replace(registered, entry=10_000)
    with pytest.raises(PackageRefused, match="second person"):
        replace(old, events=(*old.events, again)).check()
    with pytest.raises(PackageRefused, match="second person"):
        replace(old.without("power-registered"), events=(*old.without("power-registered").events, again)).check()


def test_for_whom_somebody_signed_without_a_power_is_told_by_the_log_or_the_record(case: Case) -> None:
    record = case.record() | {"outcome": "not-needed", "considered": []}
    files = case.with_record(record).files
    grounds = hashlib.sha256(files[RECORD]).hexdigest()

    def fields(private: dict[str, Any], **public: str) -> list[str]:
        event = {"kind": "party-signed", "public": {"field": "f-1", "signer": "person-zhang", **public}}
        return without_power([{**event, "private": private}, {"kind": "x", "public": {}, "private": {}}], files)

    assert fields({"organisation": "甲公司"}) == ["f-1"] == fields({}, grounds=grounds)
    assert fields({"organisation": ""}) == [] == fields({"organisation": "甲公司"}, power=POWER)
    assert fields({}) == [], "the name was erased, and there is no record"


def test_a_statement_about_no_power_of_the_package_is_refused(case: Case) -> None:
    other = {"authority/power-ffffffffffff.json": case.files[STATEMENT]}
    with pytest.raises(PackageRefused, match="no signature rests on"):
        replace(case, files=case.files | other).check()
