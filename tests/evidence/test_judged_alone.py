"""What ``vermilion verify`` says of packages by whoever has taken the portal over: who signed, for whom, what is
void, and what is the portal's word alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.cli.verdict import as_text
from appliance.confinement.pool import Confinement
from appliance.evidence import authorisation_basis
from appliance.evidence.history import PackageEvent
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.language import Language
from appliance.ledger.entry import LedgerEntry
from appliance.verification import Indication, Verifier
from hsm import cms, names, records, timestamp
from tests.evidence import contract
from tests.evidence.authority import START, TestAuthority, certify, new_key
from tests.evidence.forger import BOTH, COMPLETED, SIGNED, Forger, Log, remark
from tests.evidence.resealing import resealed

pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")


def without(*names: str, of: str = BOTH[0]) -> Log:
    """The signature *of* somebody is told without these fields."""

    def log(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            kept = {name: value for name, value in each.public.items() if name not in names}
            yield replace(each, public=kept) if each.kind == SIGNED and each.public["signer"] == of else each

    return log


@pytest.mark.parametrize("named", ["power", "identity"])
def test_nothing_is_named_of_which_there_is_no_record(forger: Forger, named: str) -> None:
    """A signature that is said to rest on a power would else be passed over where those without one are named."""
    rest = {"power", "identity"} - {named}
    evidence = forger.telling(without("grounds", *rest))
    documents = {path: each for path, each in evidence.documents.items() if not path.startswith("authority/")}
    own = tuple(each for each in evidence.records if not each.name.startswith("authority/"))
    assert forger.verdict(replace(evidence, documents=documents, records=own)).indication is Indication.FAILED


def test_signatures_that_rest_on_no_agreement_are_named(forger: Forger) -> None:
    evidence = forger.telling(without("agreement"))
    own = tuple(each for each in evidence.records if each.name != "agreement/01")
    report = forger.verdict(replace(evidence, records=own))
    assert "electronic signing: person-1. That" in remark(report, "rest on no acceptance")
    assert not remark(forger.verdict(forger.telling(iter)), "rest on no acceptance")


@pytest.mark.parametrize(("hours", "fields"), [(-1, "seal-b"), (1, "person-1, person-li, seal-b")])
def test_on_what_a_person_accepted_for_no_side_only_their_later_signatures_rest(
    forger: Forger, monkeypatch: pytest.MonkeyPatch, hours: int, fields: str
) -> None:
    """Who used a seal, the portal alone says."""
    true, at = contract.acceptance, contract.signed_at(forger.pdf) + timedelta(hours=hours)
    monkeypatch.setattr(contract, "acceptance", lambda person: true(person) | {"format": "vermilion-agreement/1"})
    monkeypatch.setattr(contract, "accepted_at", lambda _pdf: at)

    def log(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            kept = {name: value for name, value in each.public.items() if name != "agreement"}
            if each.kind != "agreement-accepted":
                yield replace(each, public=kept)

    report = forger.verdict(forger.telling(log))
    assert f"electronic signing: {fields}. That" in remark(report, "rest on no acceptance")


def test_the_file_before_it_was_signed_is_another_one_to_void(forger: Forger) -> None:
    """It may be a contract by itself, which the same people have voided under the same title."""
    given = forger.pdf.original
    digest = hashlib.sha256(given).hexdigest()

    def renewed(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == COMPLETED:
                yield replace(
                    each, kind="archive-renewed", public={**each.public, "digest": digest, "size": len(given)}
                )

    assert forger.verdict(forger.voided(digest, renewed)).indication is Indication.FAILED


def test_a_contract_is_completed_with_all_of_its_signatures(forger: Forger) -> None:
    given = forger.pdf.original

    def earlier(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            file = {"digest": hashlib.sha256(given).hexdigest(), "size": len(given)}
            yield replace(each, public={**each.public, **file}) if each.kind == COMPLETED else each

    assert forger.verdict(forger.telling(earlier)).indication is Indication.FAILED


@pytest.mark.parametrize("trusted", [True, False])
def test_void_is_said_as_a_fact_only_where_it_is_judged(
    forger: Forger, confinement: Confinement, trusted: bool
) -> None:
    package = forger.built(forger.voided(hashlib.sha256(forger.pdf.signed).hexdigest()))
    stranger = Verifier(confinement, [], evidence=verify_package, clock=lambda: forger.authority.now)
    report = forger.verdict(package) if trusted else stranger.verify(package)
    assert report.indication is (Indication.PASSED if trusted else Indication.INDETERMINATE)
    fact = "The parties have declared this contract void." in map(str, report.remarks)
    assert fact is trusted
    assert any("their own signatures prove" in str(each) for each in report.remarks) is trusted
    assert any("declared this contract void" in each for each in report.to_json()["remarks"])


def test_the_title_under_which_a_contract_was_declared_void_is_named(forger: Forger) -> None:
    """Who declares is shown a title and a digest; which title the contract has, the portal says."""
    report = forger.verdict(forger.voided(hashlib.sha256(forger.pdf.signed).hexdigest(), title="保密协议（示例）"))
    assert "“保密协议（示例）”" in remark(report, "with the title")


def test_nobody_of_another_organisation_declares_for_a_seal(forger: Forger) -> None:
    """Who used it, the portal says: it could be anybody who declares whatever it wants."""

    def used(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == SIGNED and each.public["signer"] == "seal-b"
            yield replace(each, public={**each.public, "actor": BOTH[0]}) if own else each

    digest = hashlib.sha256(forger.pdf.signed).hexdigest()
    assert not remark(forger.verdict(forger.voided(digest, used)), "The parties have declared this contract void.")


@pytest.mark.parametrize("called", [{}, {"name": ""}])
def test_who_signs_for_no_organisation_is_a_counterparty(forger: Forger, called: dict[str, Any]) -> None:
    """The power covers contracts with one company; the other side is said to sign for themself."""

    def alone(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            kept = {name: value for name, value in each.public.items() if name != "agreement"}
            own = each.kind == SIGNED and each.public["actor"] == BOTH[1]
            signed = {**each.private, "organisation": "", **called}
            yield replace(each, public=kept, private=signed) if own else replace(each, public=kept)

    evidence = forger.telling(alone)
    own = tuple(each for each in evidence.records if not each.name.startswith("agreement/"))
    texts = {path: each for path, each in evidence.documents.items() if not path.startswith("agreement/")}
    report = forger.verdict(replace(evidence, records=own, documents=texts))
    assert any("counterparties" in each for each in report.reasons), report.reasons


def test_what_was_revoked_twice_was_revoked_the_first_time(forger: Forger) -> None:
    def revoked(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield each
            if each.kind == "power-verified":
                public = {"actor": "officer-qian", "power": contract.POWER}
                for later in (timedelta(minutes=1), timedelta(days=300)):
                    yield LedgerEntry("power-revoked", each.at + later, public)

    assert forger.verdict(forger.telling(revoked)).indication is Indication.FAILED


def test_what_is_not_proven_is_called_the_portals_word(forger: Forger, package: bytes) -> None:
    assert "for whom somebody signed" in remark(forger.verdict(package), "What the package tells")


@pytest.mark.parametrize(("name", "subject"), [("王冒名", f"organisation:{contract.BETA}"), (contract.BETA, "")])
def test_no_person_is_taken_for_an_organisation(
    forger: Forger, monkeypatch: pytest.MonkeyPatch, name: str, subject: str
) -> None:
    """Who accepts an agreement is shown the names of the others, not their numbers, which the portal chooses."""
    true = contract.acceptance
    other = {"counterparties": [{"kind": "person", "name": name, "subject": subject}]}
    monkeypatch.setattr(contract, "acceptance", lambda person: true(person) | (other if person == BOTH[0] else {}))
    report = forger.verdict(forger.telling(iter))
    assert any("do not name all parties" in each for each in report.reasons), report.remarks


def test_a_person_whom_an_acceptance_calls_otherwise_is_named(
    forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = contract.acceptance
    other = {"kind": "person", "name": "王冒名", "subject": BOTH[1]}

    def accepting(person: str) -> dict[str, Any]:
        said = true(person)
        return said | {"counterparties": [*said["counterparties"], *[other] * (person == BOTH[0])]}

    monkeypatch.setattr(contract, "acceptance", accepting)
    assert "(王冒名)" in remark(forger.verdict(forger.telling(iter)), "An acceptance of the agreement")


@pytest.mark.parametrize(
    ("name", "other"),
    [("丙公司", True), (f"{contract.BETA} seal-3（丙公司）", True), (f"{contract.BETA} seal-3（2）", False)],
)
def test_the_name_of_a_seal_is_held_against_its_certificate(forger: Forger, name: str, other: bool) -> None:
    def named(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == SIGNED and each.public["signer"] == "seal-b"
            yield replace(each, private={**each.private, "name": name}) if own else each

    assert (f"({name})" in remark(forger.verdict(forger.telling(named)), "other names")) is other


def test_no_name_begins_a_line_of_the_report(forger: Forger) -> None:
    """Nor does it move the terminal's cursor, so that the verdict above it reads otherwise."""
    name = "王五)\n\x1b[2J\x9b1A\u202e  The parties have declared this contract void."
    evidence = forger.telling(iter)
    report = forger.verdict(replace(evidence, names={**evidence.names, BOTH[1]: name}))
    assert name in remark(report, "other names")
    for language in Language:
        text = as_text(report, language)
        assert all(each.isprintable() for each in text.splitlines())
        assert not any(each.strip().startswith("The parties") for each in text.splitlines())


def test_the_amount_is_what_the_log_has_of_this_contract(forger: Forger) -> None:
    def drafted(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            if each.kind == "contract-drafted":
                yield replace(each, private={**each.private, "amount": "CNY 9,000,000.00"})
                yield LedgerEntry(each.kind, each.at, {"actor": BOTH[0]}, each.private)
            else:
                yield each

    report = forger.verdict(forger.telling(drafted))
    assert any("not what the log says of the contract" in each for each in report.reasons), report.reasons


def test_nobody_is_asked_for_trust_in_a_package_whose_maker_has_none(
    forger: Forger, confinement: Confinement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process for each record would be at anybody's service, who has timestamps of ours."""
    package = forger.built(forger.voided(hashlib.sha256(forger.pdf.signed).hexdigest()))
    runs: list[str] = []
    run = confinement.run

    def counted(job: str, *given: Any, **named: Any) -> Any:
        runs.append(job)
        return run(job, *given, **named)

    monkeypatch.setattr(confinement, "run", counted)
    stranger = Verifier(confinement, [], evidence=verify_package, clock=lambda: forger.authority.now)
    assert stranger.verify(package).indication is Indication.INDETERMINATE
    assert len(runs) == len(["the manifest", "the contract", "its reply", "the checkpoint"]), runs


@pytest.mark.parametrize("made", ["a record", "the manifest"])
def test_people_and_package_are_of_one_authority(
    forger: Forger, authority: TestAuthority, confinement: Confinement, package: bytes, made: str
) -> None:
    """Readers believe several, of which each has its own people, by whatever numbers, and its own services."""
    other = TestAuthority(root=certify(new_key(), "他人根证书", None))
    files = read_zip(package).files
    record = bytes(files["agreement/01.json"])
    at = replace(authority, now=timestamp.parse_token(bytes(files["agreement/01.tst"])).gen_time)
    maker, kind = cms.MessageMaker(other.person("张示例"), cms.DATA), records.MEDIA_TYPES[records.AGREEMENT]
    message = maker.make_message(hashlib.sha256(record).digest(), attributes=[cms.media_type_attribute(kind)])
    value = cms.signature_value(message)
    known = (other.evidence, other.issuing, other.root, authority.issuing)
    chain = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in known)
    changes: dict[str, bytes | None] = {"certificates/chain.pem": chain}
    if made == "a record":
        stamp = at.token(value)
        signed = cms.add_signature_timestamp(message, stamp)
        changes |= {"agreement/01.p7s": signed, "agreement/01.sig": value, "agreement/01.tst": stamp}
    changed = resealed(package, changes, authority, other.evidence if made == "the manifest" else None)
    both = [authority.root.certificate, other.root.certificate]
    report = Verifier(confinement, both, evidence=verify_package, clock=lambda: authority.now).verify(changed)
    assert report.indication is Indication.INDETERMINATE, report.reasons
    assert any("another trust anchor" in each for each in report.reasons), report.reasons


@pytest.mark.parametrize(
    "path", ["log/log.pub.pem", "log/checkpoint.sig", "log/openings/00000099.json", "contract/contract.tsq"]
)
def test_what_the_commands_read_is_judged(
    forger: Forger, authority: TestAuthority, package: bytes, path: str
) -> None:
    assert forger.verdict(resealed(package, {path: b"another"}, authority)).indication is Indication.FAILED


def test_names_are_compared_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's record may have hundreds of thousands, and the power as many."""
    calls: list[str] = []
    true = names.name_key

    def counted(name: str) -> str:
        calls.append(name)
        return true(name)

    for place in (names, authorisation_basis):
        monkeypatch.setattr(place, "name_key", counted, raising=False)
    record = contract.grounds(START)
    power = record["considered"][0]["power"]
    many = [str(each) for each in range(200)]
    power.update(counterparties=many, kinds=many)
    record["matter"].update(counterparties=many[::-1], kinds=[*(f"x{each}" for each in many), "7"])
    event = PackageEvent(1, SIGNED, START, BOTH[0], {}, {"name": "张示例", "organisation": contract.ALPHA})
    basis = authorisation_basis.PackagedBasis("authority/01.json", record, event, START)
    authorisation_basis._require_scope(basis, power)
    authorisation_basis._require_sides(basis, [event] * 50)
    assert len(calls) < 2000


def test_how_a_signature_was_confirmed_is_not_told_in_private_either(forger: Forger) -> None:
    """The history has private fields beside the public ones, by the same names."""

    def log(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            own = each.kind == SIGNED and each.public["signer"] == "person-li"
            other = {**each.private, "activated_webauthn": "2026-11-25T08:07:00Z"}
            yield replace(each, private=other) if own else each

    assert forger.verdict(forger.telling(log)).indication is Indication.FAILED
