"""What a package tells of happened so: the signatures are those in the contract, the declarations of voiding are
about it, and everybody's. Whoever has taken over the portal writes the log, and has manifests signed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.confinement.pool import Confinement
from appliance.evidence import container, contents, manifest
from appliance.evidence.extraction import locate_signatures
from appliance.evidence.history import PackageEvent
from appliance.evidence.model import EvidenceInput, PackageRefused, SignedRecord
from appliance.evidence.package import ORIGINAL, build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.ledger.entry import LedgerEntry
from appliance.verification import Indication, Verifier
from hsm import canonical, records
from hsm.intents import instant
from tests.evidence import contract
from tests.evidence.authority import TestAuthority
from tests.evidence.contract import Accepting
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import sealed
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import unpack
from tests.sweeps import first_of, one_in

pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")

CONTRACT, OTHER, PROPOSAL, SIGNED = "c-2026-0001", "c-2026-0002", "voiding-1", "party-signed"
BOTH = ("person-zhang", "person-li")
Declarations = Mapping[str, bytes]
"""Records, by who is said to have declared."""


class Judges:
    """All who judge a package; ``log`` is what the forger writes in the place of the true one."""

    def __init__(
        self, authority: TestAuthority, pdf: SignedPdf, verifier: Verifier, folder: Path, patch: pytest.MonkeyPatch
    ) -> None:
        self._authority, self.pdf, self.verifier, self.folder, self._patch = (
            authority,
            pdf,
            verifier,
            folder,
            patch,
        )

    def with_log(self, change: Any, *, accepting: Accepting | None = None, stated: bool = True) -> EvidenceInput:
        """Evidence whose log has what *change* makes of the true entries; *accepting* and *stated* as in
        :func:`tests.evidence.contract.make`."""
        true = contract._acts

        def acts(pdf: SignedPdf, start: datetime, by: Accepting, *, stated: bool) -> Iterator[LedgerEntry]:
            yield from change(list(true(pdf, start, by, stated=stated)))

        self._patch.setattr(contract, "_acts", acts)
        return contract.make(self._authority, self.pdf, others=100, accepting=accepting, stated=stated)

    def declaration(self, person: str, **other: str) -> bytes:
        """That of *person* about the contract in the package; *other* is what it says instead."""
        said = {"contract": CONTRACT, "format": records.FORMATS[records.DECLARATION], "person": person}
        about = {"digest": self.digest_of_first(self.size), "title": contract.TITLE}
        return canonical.encode({**said, **about, "voiding": PROPOSAL, **other})

    @property
    def size(self) -> int:
        """Bytes of the signed file."""
        return len(self.pdf.signed)

    def digest_of_first(self, size: int) -> str:
        """Of so many bytes of the signed file."""
        return hashlib.sha256(self.pdf.signed[:size]).hexdigest()

    def declared(self, **other: str) -> dict[str, bytes]:
        """Those of both who signed."""
        return {each: self.declaration(each, **other) for each in BOTH}

    def voided(
        self, declarations: Declarations, *, by: str = "", contract: str = CONTRACT, change: Any = iter
    ) -> EvidenceInput:
        """The same for a *contract* that is void by these *declarations*, each signed by who declares, or *by*."""
        evidence = self.with_log(
            lambda entries: change(_voided(entries, declarations, self._authority.now, contract))
        )
        signed = [self._signed(*each, by=by) for each in enumerate(declarations.items(), start=1)]
        return replace(evidence, records=(*evidence.records, *signed))

    def _signed(self, number: int, declared: tuple[str, bytes], *, by: str) -> SignedRecord:
        name, kind = contract.NAMES[by or declared[0]], records.MEDIA_TYPES[records.DECLARATION]
        cms = self._authority.sign(self._authority.person(name), declared[1], media_type=kind)
        return SignedRecord(f"voiding/{number:02}", "Declaration", name, declared[1], cms)

    def refuses(self, evidence: EvidenceInput) -> bool:
        """Whether the verifier fails the package: what is told in it, checkers do not judge."""
        return self.refuses_package(build(evidence, contract.seals(self._authority)))

    def refuses_package(self, package: bytes) -> bool:
        """The same of a *package* that is made."""
        return self.verifier.verify(package).indication is Indication.FAILED

    def verdicts(self, evidence: EvidenceInput, *, named: str = CONTRACT) -> list[bool | None]:
        """Of the verifier and of both checkers, whether the package passes or fails whose manifest has *named* a
        contract."""
        package = build(evidence, contract.seals(self._authority))
        if named != CONTRACT:
            files = {path: bytes(data) for path, data in read_zip(package).files.items()}
            listed = replace(manifest.decode(files[manifest.MANIFEST]), contract=named)
            package = container.write_container(files | sealed(listed.encode(), self._authority))
        return self.verdicts_on(package)

    def verdicts_on(self, package: bytes) -> list[bool | None]:
        """The same of a *package* that is made."""
        folder = unpack(package, self.folder)
        verdict = {Indication.PASSED: True, Indication.FAILED: False}
        passed = verdict.get(self.verifier.verify(package).indication)
        return [passed, *(check(checker, folder)[0] == 0 for checker in CHECKERS)]


@pytest.fixture
def judges(
    authority: TestAuthority,
    pdf: SignedPdf,
    confinement: Confinement,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Judges:
    def later() -> datetime:
        return authority.now + timedelta(hours=1)

    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=later)
    return Judges(authority, pdf, verifier, tmp_path / "package", monkeypatch)


def _voided(
    entries: list[LedgerEntry], declarations: Declarations, at: datetime, contract: str = CONTRACT
) -> Iterator[LedgerEntry]:
    for entry in entries:
        yield entry
        if entry.kind == "contract-completed":
            for person, record in declarations.items():
                public = {"contract": contract, "actor": person, "voiding": PROPOSAL, "signer": person}
                digest = hashlib.sha256(record).hexdigest()
                yield LedgerEntry("void-declared", at, {**public, "signed": digest})
            voided = {"contract": contract, "actor": BOTH[-1], "voiding": PROPOSAL}
            yield LedgerEntry("contract-voided", entry.at, voided)


def test_a_contract_that_everybody_declared_void_passes(judges: Judges) -> None:
    """And the checkers say who has signed declarations, and that these have to be judged."""
    assert judges.verdicts(judges.voided(judges.declared())) == [True, True, True]
    for checker in CHECKERS:
        told = check(checker, judges.folder)[1].partition("NOTE  this contract may be VOID")[2]
        assert "CN=张示例" in told and "CN=李样本" in told and "2026 GMT" in told


FORGED: dict[str, Callable[[Judges], Declarations]] = {
    "another contract": lambda judges: judges.declared(contract="c-2026-0002"),
    "another proposal": lambda judges: judges.declared(voiding="voiding-0"),
    "another file": lambda judges: judges.declared(digest="0" * 64),
    "another title": lambda judges: judges.declared(title="午餐订单"),
    "one party alone": lambda judges: {"person-zhang": judges.declaration("person-zhang")},
    "one person twice": lambda judges: {each: judges.declaration("person-zhang", reason=each) for each in BOTH},
}


@pytest.mark.parametrize("made", one_in(3, FORGED.values()), ids=FORGED)
def test_other_declarations_void_nothing(judges: Judges, made: Callable[[Judges], Declarations]) -> None:
    assert judges.refuses(judges.voided(made(judges)))


@pytest.mark.parametrize("renewed_first", first_of([True, False]))
def test_the_file_of_a_declaration_may_be_renewed_before_it_and_since(judges: Judges, renewed_first: bool) -> None:
    """What a declaration names is the file as it was completed, or as it was renewed."""
    size = locate_signatures(judges.pdf.signed, judges.pdf.signatures[-1].cms).end
    completed = judges.digest_of_first(size)

    def renewed(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            if each.kind == "contract-completed":
                yield replace(each, public={**each.public, "digest": completed, "size": size})
                yield replace(each, kind="archive-renewed")
            else:
                yield each

    declarations = judges.declared() if renewed_first else judges.declared(digest=completed)
    package = build(judges.voided(declarations, change=renewed), contract.seals(judges._authority))
    assert judges.verifier.verify(package).indication is Indication.PASSED


def test_nobody_declares_in_the_name_of_somebody_else(judges: Judges) -> None:
    evidence = judges.voided(judges.declared(), by="person-zhang")
    assert judges.verdicts(evidence) == [False, False, False]


def _elsewhere(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Li's signatures are told of another contract."""
    for each in entries:
        yield _told(each, contract=OTHER) if each.kind == SIGNED and each.public["actor"] == "person-li" else each


def test_who_signed_cannot_be_told_of_another_contract(judges: Judges) -> None:
    """So that one party alone voids this one."""
    evidence = judges.voided({"person-zhang": judges.declaration("person-zhang")}, change=_elsewhere)
    assert judges.verdicts(evidence) == [False, False, False]


def test_declarations_about_another_contract_do_not_void_the_one_in_the_package(judges: Judges) -> None:
    """The manifest names that other one, the history this one."""
    declarations = judges.declared(contract=OTHER)
    assert judges.verdicts(judges.voided(declarations, contract=OTHER), named=OTHER) == [False, False, False]


def test_a_manifest_about_another_contract_is_refused(judges: Judges) -> None:
    assert judges.verdicts(judges.with_log(iter), named=OTHER) == [False, False, False]


def _told(entry: LedgerEntry, **other: object) -> LedgerEntry:
    return replace(entry, public={**entry.public, **other})


def _true_below(entry: LedgerEntry, place: str) -> LedgerEntry:
    """One that tells of a signature that nobody made, and has the true one where nobody reads it."""
    true = {"signed": entry.public["signed"], "signer": entry.public["signer"]}
    return _told(entry, signed="0" * 64, signer="person-wang", **{place: true})


LOGS = {
    "the true signature below a false one": lambda entries: [
        _true_below(each, "zone") if each.public.get("signer") == "person-li" else each for each in entries
    ],
    "a signature that nobody made": lambda entries: [
        *entries,
        _told(next(each for each in entries if each.kind == SIGNED), signed="0" * 64, signer="person-wang"),
    ],
    "a signature by somebody else": lambda entries: [
        _told(each, signer="person-wang") if each.public.get("signer") == "person-li" else each for each in entries
    ],
    "nothing of a signature": lambda entries: [
        each for each in entries if each.kind != SIGNED or each.public["signer"] != "seal-b"
    ],
}


@pytest.mark.parametrize("log", one_in(3, LOGS.values()), ids=LOGS)
def test_a_log_that_tells_of_other_signatures_is_refused(judges: Judges, log: Any) -> None:
    assert judges.verdicts(judges.with_log(log)) == [False, False, False]


def test_nobody_acts_for_another_person(judges: Judges) -> None:
    def acting(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            yield _told(each, actor="person-zhang") if each.public.get("signer") == "person-li" else each

    assert judges.refuses(judges.with_log(acting))


@pytest.mark.parametrize(
    ("signer", "told"),
    first_of(
        [
            ("person-li", ("activated_webauthn",)),
            ("person-zhang", ("activated_pin_totp",)),
            ("person-li", ()),
            ("person-li", ("activated_pin_totp", "activated_webauthn")),
            ("seal-b", ("activated_webauthn",)),
        ]
    ),
)
def test_a_log_that_tells_of_another_way_is_refused(judges: Judges, signer: str, told: tuple[str, ...]) -> None:
    """The authority has written the way into the signatures: Zhang's says ``webauthn``, Li's ``pin-totp``, the
    seal's nothing."""

    def otherwise(entry: LedgerEntry) -> LedgerEntry:
        kept = {name: said for name, said in entry.public.items() if not name.startswith("activated_")}
        return replace(entry, public=kept | dict.fromkeys(told, instant(entry.at)))

    evidence = judges.with_log(
        lambda entries: [otherwise(each) if each.public.get("signer") == signer else each for each in entries]
    )
    assert judges.refuses(evidence)


@pytest.mark.parametrize(
    ("way", "told", "passes"),
    [
        ("activated_pin_totp", ("activated_pin_totp",), True),
        ("activated_pin_totp", ("activated_webauthn",), False),
        ("activated_pin_totp", ("activated_pin_totp", "activated_webauthn"), False),
        ("activated_pin_totp", (), False),
        ("", (), True),
        ("", ("activated_webauthn",), False),
    ],
)
def test_the_log_says_the_way_that_is_in_the_signature(way: str, told: tuple[str, ...], passes: bool) -> None:
    """A log that leaves the weaker way out is no history of it; signatures of earlier releases have none."""
    moment = datetime(2026, 11, 28, 8, tzinfo=UTC)
    public = {"contract": CONTRACT, "signed": "ab", "signer": BOTH[0], **dict.fromkeys(told, instant(moment))}
    event = PackageEvent(7, SIGNED, moment, BOTH[0], public, {})
    given = {"contract": CONTRACT, "digest": hashlib.sha256(b"%PDF").hexdigest(), "pages": 1}
    drafted = PackageEvent(6, "contract-drafted", moment, BOTH[0], given, {})
    carried = contents.SignedContract(b"", (("ab", BOTH[0]),), {"ab": (way, moment)}, {"01": "ab"})
    with nullcontext() if passes else pytest.raises(PackageRefused, match="of which the log tells"):
        contents.require_told({ORIGINAL: memoryview(b"%PDF")}, carried, [drafted, event], CONTRACT)


@pytest.mark.parametrize(("subject", "passes"), [("person-zhang", True), ("person-li", False)])
def test_nobody_agrees_in_the_name_of_another_person(judges: Judges, subject: str, passes: bool) -> None:
    """Who signs for no organisation agrees in person; a record in which an accomplice does so for them is none."""
    true = contract.acceptance

    def accepting(person: str) -> dict[str, Any]:
        named = {"kind": "person", "name": contract.NAMES[subject], "subject": subject}
        return true(person) | ({"party": named} if person == "person-zhang" else {})

    def unnamed(entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
        for each in entries:
            zhang = each.kind == SIGNED and each.public["actor"] == "person-zhang"
            kept = {name: said for name, said in each.private.items() if name != "organisation"}
            yield replace(each, private=kept) if zhang else each

    evidence = judges.with_log(unnamed, accepting=accepting)
    assert judges.refuses(evidence) is not passes
