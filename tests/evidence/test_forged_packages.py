"""Packages that somebody forged, judged by all readers: ``vermilion verify``, check.sh, check.py, the README.

Whoever has taken over the web process gets a manifest signed that names a checkpoint of the real log; the rest of
the package is the forger's. People and other services have certificates of the same authority.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.confinement.pool import Confinement
from appliance.evidence import log_files, manifest
from appliance.evidence.extraction import taken_apart
from appliance.evidence.model import EvidenceInput, LogMaterial
from appliance.evidence.package import build
from appliance.evidence.repacked import read_zip
from appliance.evidence.verification import verify_package
from appliance.verification import Indication, Verifier
from hsm.note import Checkpoint, NoteKey, sign_checkpoint
from tests.evidence import contract
from tests.evidence.authority import TestAuthority, certify, new_key
from tests.evidence.real_contract import SignedPdf
from tests.evidence.resealing import repacked, resealed, sealed
from tests.evidence.test_checkers import CHECKERS, check
from tests.evidence.unpacked import commands, run, unpack
from tests.holder import Holder
from tests.sweeps import first_of, one_in

pytestmark = pytest.mark.usefixtures("pages_of_the_true_log")

Changes = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Readers:
    """All who judge a package. The command line's verifier is asked for the ZIP, the others for the folder."""

    verifier: Verifier
    folder: Path
    good: bytes

    def refuse(self, package: bytes, *, readme: bool = True) -> None:
        """Every reader refuses *package*; the README's commands too, unless they do not read what was forged."""
        self.refuse_by_verifier(package)
        self.refuse_folder(package, readme=readme)

    def refuse_by_verifier(self, package: bytes) -> None:
        """What the others do not judge."""
        report = self.verifier.verify(package)
        assert report.indication is Indication.FAILED, report.reasons

    def refuse_folder(self, package: bytes, *, readme: bool = True) -> None:
        """The same without the verifier, which reads the ZIP."""
        shutil.rmtree(self.folder, ignore_errors=True)
        unpack(package, self.folder)
        for checker in CHECKERS:
            status, said = check(checker, self.folder)
            assert status == 1, said
            assert "FAIL" in said
            assert "Traceback" not in said
        if readme:
            assert any(run(command, self.folder).returncode for command in self._commands(package))

    def _commands(self, package: bytes) -> list[str]:
        """All commands of the README; first those that name most of what was changed, which mostly refuse it."""
        good, files = read_zip(self.good).files, read_zip(package).files
        changed = [path for path in files if files[path] != good.get(path)]
        shown = commands(self.folder / "README.en.txt")
        return sorted(shown, key=lambda command: sum(path in command for path in changed), reverse=True)


@pytest.fixture
def readers(authority: TestAuthority, confinement: Confinement, package: bytes, tmp_path: Path) -> Readers:
    def later() -> datetime:
        return authority.now + timedelta(hours=1)

    verifier = Verifier(confinement, [authority.root.certificate], evidence=verify_package, clock=later)
    return Readers(verifier, tmp_path / "package", package)


@pytest.fixture(scope="module")
def invented(authority: TestAuthority, evidence: EvidenceInput, pdf: SignedPdf) -> LogMaterial:
    """Another log of the same name and size, with this contract's entries in it, a minute earlier than in the real
    one, by a key of the forger's."""
    forger = copy.copy(authority)
    forger.log_key = ed25519.Ed25519PrivateKey.generate()
    forger.now = evidence.created - timedelta(minutes=1)
    return contract.log(forger, pdf, 50, contract.acceptance)


def test_an_invented_log_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority, invented: LogMaterial
) -> None:
    """The manifest names the real checkpoint. With the forger's key in the package, and with the real one left."""
    forged = {path: data for path, data in log_files.log_files(invented).items() if "/openings/" not in path}
    readers.refuse(resealed(package, forged, authority))
    key = {log_files.VKEY, log_files.PUBLIC_KEY}
    readers.refuse(resealed(package, {path: data for path, data in forged.items() if path not in key}, authority))


def test_the_real_text_beside_an_invented_checkpoint_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority, invented: LogMaterial
) -> None:
    forged: dict[str, bytes] = log_files.log_files(invented)
    for path in (log_files.CHECKPOINT_TEXT, log_files.CHECKPOINT_SIGNATURE, log_files.VKEY, log_files.PUBLIC_KEY):
        forged[path] = bytes(read_zip(package).files[path])
    readers.refuse(resealed(package, forged, authority))


@pytest.mark.parametrize("changed", first_of(("origin", "size", "root")))
def test_a_checkpoint_that_differs_in_one_thing_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority, evidence: EvidenceInput, changed: str
) -> None:
    """By the log's own key, even: what counts is what the manifest names."""
    named = manifest.decode(bytes(read_zip(package).files[manifest.MANIFEST])).checkpoint
    other = replace(
        Checkpoint(named.origin, named.size, named.root),
        **{"origin": {"origin": "vermilion.example/other"}, "size": {"size": 51}, "root": {"root": bytes(32)}}[
            changed
        ],  # type: ignore[arg-type] - one of three, each of its own type
    )
    key = NoteKey.from_public_key(other.origin, authority.log_key.public_key())
    note = sign_checkpoint(other, key, authority.log_key.sign)
    entries = tuple(
        replace(each, proof=each.proof.replace(evidence.log.checkpoint, note)) for each in evidence.log.entries
    )
    log = LogMaterial(note, authority.token(note), key.vkey(), entries)
    readers.refuse(resealed(package, log_files.log_files(log), authority))


def holders(authority: TestAuthority) -> dict[str, Holder]:
    """Everybody else whom the same authority certified."""
    log = certify(new_key(), "示例日志", authority.issuing, (ExtendedKeyUsageOID.CLIENT_AUTH,))
    return {
        "person": authority.person("李样本"),
        "timestamping": authority.tsa,
        "log": log,
        "authority": authority.issuing,
    }


@pytest.mark.parametrize("who", first_of(("person", "timestamping", "log", "authority")))
def test_a_manifest_by_another_signer_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority, who: str
) -> None:
    """With the evidence service's certificate in its place, and with the signer's own put there."""
    signer = holders(authority)[who]
    own = signer.certificate.public_bytes(Encoding.PEM)
    readers.refuse(resealed(package, {}, authority, signer))
    readers.refuse(resealed(package, {"certificates/evidence.pem": own}, authority, signer))
    both = bytes(read_zip(package).files["certificates/evidence.pem"]) + own
    readers.refuse(resealed(package, {"certificates/evidence.pem": both}, authority, signer))


def index_without(package: bytes, what: str) -> bytes:
    lines = bytes(read_zip(package).files["index.txt"]).decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(f"{what} ")).encode()


def test_an_index_that_passes_files_over_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority
) -> None:
    """The checkers go through index.txt; what is not in it would not be looked at."""
    for what in ("signature", "timestamp"):
        shorter = index_without(package, what)
        readers.refuse_folder(resealed(package, {"index.txt": shorter}, authority), readme=False)


def test_files_left_out_with_their_lines_are_refused(
    readers: Readers, package: bytes, authority: TestAuthority
) -> None:
    """No signature at all: nothing to check, and so nothing wrong."""
    index = bytes(read_zip(package).files["index.txt"]).decode().splitlines(keepends=True)
    unsigned: dict[str, bytes | None] = {
        path: None for path in read_zip(package).files if path.startswith("signatures/")
    }
    unsigned["index.txt"] = "".join(
        line for line in index if not line.startswith(("signature ", "timestamp "))
    ).encode()
    readers.refuse_folder(resealed(package, unsigned, authority), readme=False)


def test_files_added_renamed_and_listed_twice_are_refused(
    readers: Readers, package: bytes, authority: TestAuthority
) -> None:
    files = read_zip(package).files
    readers.refuse(repacked(package, {"log/checkpoint.bak": b"x"}))
    swapped: Changes = {
        "signatures/01.p7s": bytes(files["signatures/02.p7s"]),
        "signatures/02.p7s": bytes(files["signatures/01.p7s"]),
    }
    readers.refuse(repacked(package, swapped))
    listed = manifest.decode(bytes(files[manifest.MANIFEST]))
    twice = replace(listed, files=tuple(sorted((*listed.files, listed.files[0]), key=lambda each: each.path)))
    readers.refuse(repacked(package, sealed(twice.encode(), authority)))


def test_links_in_the_folder_are_refused(readers: Readers, package: bytes, tmp_path: Path) -> None:
    """A link has what it points to today only."""

    def linked(name: str, make: Callable[[Path], None]) -> None:
        folder = unpack(package, tmp_path / name)
        make(folder)
        for checker in CHECKERS:
            status, said = check(checker, folder)
            assert (status, "links" in said) == (1, True), said

    def of_a_file(folder: Path) -> None:
        (folder / "contract/contract.pdf").rename(tmp_path / "elsewhere.pdf")
        (folder / "contract/contract.pdf").symlink_to(tmp_path / "elsewhere.pdf")

    def of_a_folder(folder: Path) -> None:
        (folder / "more").symlink_to(tmp_path)

    linked("file", of_a_file)
    linked("folder", of_a_folder)


STATEMENT = f"authority/{contract.POWER}"


def without_statement(package: bytes) -> dict[str, bytes | None]:
    """The changes that leave the statement about the power out."""
    certificate = f"certificates/authority-{contract.POWER}"
    return {
        path: None
        for path in read_zip(package).files
        if path.startswith((f"{STATEMENT}.", certificate)) and not path.endswith(".pdf")
    }


def test_a_power_without_the_authority_s_statement_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority
) -> None:
    """Left out; and there, but without its signature."""
    left_out = without_statement(package)
    readers.refuse_by_verifier(resealed(package, left_out, authority))
    unsigned = {**left_out, f"{STATEMENT}.json": bytes(read_zip(package).files[f"{STATEMENT}.json"])}
    readers.refuse(resealed(package, unsigned, authority), readme=False)


@pytest.mark.long
def test_a_power_from_before_statements_passes_with_a_remark(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf
) -> None:
    """And does not once the manifest says that statements had begun by then."""
    old = build(contract.make(authority, pdf, stated=False), contract.seals(authority))
    report = readers.verifier.verify(old)
    assert report.indication is Indication.PASSED, report.reasons
    assert any(contract.POWER in str(remark) for remark in report.remarks)
    listed = manifest.decode(bytes(read_zip(old).files[manifest.MANIFEST]))
    later = sealed(replace(listed, powers_stated_since=1).encode(), authority)
    readers.refuse_by_verifier(repacked(old, later))


def test_a_statement_that_somebody_else_signed_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority, evidence: EvidenceInput
) -> None:
    """Everybody who signs contracts has a certificate of the same authority: a person's statement is worth
    nothing."""
    [true] = [each for each in evidence.records if each.name == STATEMENT]
    thief = authority.person("李样本")
    signed = taken_apart(authority.sign(thief, true.record), true.record, STATEMENT)
    forged: Changes = {
        f"{STATEMENT}.p7s": signed.cms,
        f"{STATEMENT}.sig": signed.value,
        f"{STATEMENT}.tst": signed.token,
        f"certificates/authority-{contract.POWER}.pem": thief.certificate.public_bytes(Encoding.PEM),
    }
    readers.refuse(resealed(package, forged, authority), readme=False)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("where", "change"),
    one_in(
        3,
        [
            ("statement", lambda said: said["power"].update(registered_by="person-qian")),
            ("statement", lambda said: said.update(confirmed_by=[{"name": "周示例", "subject": "officer-zhou"}])),
            ("grounds", lambda record: record["considered"][0]["power"]["verified"].update(by="officer-zhou")),
            ("grounds", lambda record: record.update(person="person-li")),
            ("grounds", lambda record: record.update(field="person-2")),
            ("grounds", lambda record: record["matter"].update(organisation="丙公司示例有限公司")),
            ("grounds", lambda record: record["matter"].update(counterparties=["丙公司示例有限公司"])),
            ("_power", lambda power: power.update(agent="person-li")),
            ("_power", lambda power: power.update(grantor="丙公司示例有限公司")),
        ],
    ),
)
def test_a_power_that_is_not_tied_to_the_signature_is_refused(
    readers: Readers,
    authority: TestAuthority,
    pdf: SignedPdf,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    change: Change,
) -> None:
    """Record, statement and log agree on what their digests say; only who and for whom are others. What a power
    says of its agent and grantor, record and statement say alike, and what else the record says of them."""

    def forged(at: datetime) -> dict[str, Any]:
        found = true(at)
        change(found)
        return found

    def fitting(at: datetime) -> dict[str, Any]:
        found = grounds(at)
        power = found["considered"][0]["power"]
        found["matter"] |= {"agent": power["agent"], "organisation": power["grantor"]}
        found["matter"]["counterparties"] = power["counterparties"] = []
        return found

    true: Callable[[datetime], dict[str, Any]] = getattr(contract, where)
    grounds = contract.grounds
    monkeypatch.setattr(contract, where, forged)
    if where == "_power":
        monkeypatch.setattr(contract, "grounds", fitting)
    readers.refuse_by_verifier(build(contract.make(authority, pdf), contract.seals(authority)))


def test_an_opening_that_the_log_does_not_commit_to_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority
) -> None:
    """For whom somebody signed is in an opening; the manifest's key signs another one, too."""
    files = read_zip(package).files
    [path] = [path for path in files if "/openings/" in path and "张示例".encode() in bytes(files[path])]
    other = bytes(files[path]).replace(contract.ALPHA.encode(), "丙公司示例有限公司".encode())
    readers.refuse_by_verifier(resealed(package, {path: other}, authority))


def test_names_that_differ_in_width_and_blanks_are_one(
    readers: Readers, authority: TestAuthority, pdf: SignedPdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A letter may have the organisation's name in other signs than the contract."""
    true = contract._power
    monkeypatch.setattr(contract, "_power", lambda at: true(at) | {"grantor": "甲公司 示例有限公司\u3000"})
    package = build(contract.make(authority, pdf), contract.seals(authority))
    report = readers.verifier.verify(package)
    assert report.indication is Indication.PASSED, report.reasons


def test_an_acceptance_without_its_signature_is_refused(
    readers: Readers, package: bytes, authority: TestAuthority
) -> None:
    gone = (*(f"agreement/01.{ending}" for ending in ("p7s", "sig", "tst")), "certificates/agreement-01.pem")
    readers.refuse(resealed(package, dict.fromkeys(gone), authority), readme=False)
