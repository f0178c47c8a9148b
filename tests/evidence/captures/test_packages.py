"""The package of a capture: what is in it, and that the real authority dates, logs and signs it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance.demonstration.participants import ZHANG
from appliance.errors import EvidenceIncomplete, NotFound
from appliance.evidence import disc, manifest
from appliance.evidence.captures.facts import decode
from appliance.evidence.captures.model import CaptureEvidence
from appliance.evidence.captures.package import package_files
from appliance.evidence.manifest import CaptureManifest
from appliance.evidence.repacked import read_zip
from appliance.store import ledger, retention
from appliance.web_capture.capturing import Capture
from appliance.web_capture.model import CaptureFailed
from appliance.wiring import Appliance
from hsm import canonical
from hsm.manifests import capture_misfit
from tests.evidence.authority import TestAuthority
from tests.evidence.captured import HOUSE, NUMBERS, built, packed_again, recorded, small_capture
from tests.evidence.unpacked import unpack
from tests.world import World, sequenced, shared_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with shared_world() as world:
        yield world


@pytest.fixture(scope="module")
def appliance(world: World) -> Iterator[Appliance]:
    with world.opened() as appliance, sequenced(appliance, world):
        yield appliance


def test_a_package_has_exactly_the_files_of_its_layout(capture_package: bytes) -> None:
    files = read_zip(capture_package).files
    listed = manifest.decode(bytes(files[manifest.MANIFEST]))
    assert isinstance(listed, CaptureManifest)
    assert (listed.capture, listed.audience) == (NUMBERS[0], HOUSE)
    manifest.require_same(listed, files)
    assert capture_misfit(set(files) - manifest.SEALS) is None
    assert bytes(files["capture.warc.gz"]) == small_capture().warc


def test_the_same_values_give_the_same_bytes(
    capture_authority: TestAuthority, capture_evidence: CaptureEvidence
) -> None:
    assert package_files(capture_evidence) == package_files(capture_evidence)
    assert read_zip(built(capture_authority, capture_evidence)).files.keys()


def test_other_files_than_those_of_the_facts_are_not_packed(capture_evidence: CaptureEvidence) -> None:
    other = replace(capture_evidence, files={**capture_evidence.files, "page.txt": b"another text"})
    with pytest.raises(EvidenceIncomplete, match="not those of which its facts tell"):
        package_files(other)


def test_the_authority_dates_logs_and_signs_a_capture(appliance: Appliance, world: World, tmp_path: Path) -> None:
    made = recorded(appliance, small_capture(), by=ZHANG.subject, name=ZHANG.name)
    folder = unpack(appliance.capture_recording.package(made), tmp_path / "package")
    root = world.home.trust / "ca.pem"
    for arguments in (
        ["-in", "capture.warc.tsr", "-data", "capture.warc.gz"],
        ["-in", "capture.warc.tsr", "-queryfile", "capture.warc.tsq"],
        ["-in", "manifest.tsr", "-data", "manifest.json"],
    ):
        _openssl(folder, "ts", "-verify", *arguments, "-CAfile", root, "-untrusted", "certificates/chain.pem")
    _openssl(
        folder, "cms", "-verify", "-binary", "-inform", "DER", "-in", "manifest.p7s", "-content", "manifest.json",
        "-CAfile", root, "-certfile", "certificates/chain.pem", "-out", "/dev/null",
    )  # fmt: skip
    facts = decode((folder / "capture.json").read_bytes())
    assert (facts.capture, facts.by.name, facts.operator) == (
        made.id,
        ZHANG.name,
        world.settings.organisation.name,
    )
    assert facts.clock is not None
    [entry] = (folder / "log/entries").iterdir()
    leaf = canonical.decode(entry.read_bytes())
    assert leaf["kind"] == "page-captured"
    assert leaf["public"]["capture"] == made.id
    assert leaf["public"]["actor"] == ZHANG.subject


def test_the_register_writes_in_the_transaction_of_the_log(appliance: Appliance) -> None:
    """What the register refuses is not in the log, either."""
    capture = small_capture()
    with appliance.database.reading() as tx:
        before = ledger.length(tx)

    def refuse(_tx: object, recorded: object) -> None:
        raise NotFound("There is no such person.")

    with pytest.raises(NotFound):
        recorded(appliance, capture, by=ZHANG.subject, name=ZHANG.name, keep=refuse)
    with appliance.database.reading() as tx:
        added = [canonical.decode(each)["kind"] for each in ledger.leaves(tx, before, ledger.length(tx))]
    assert set(added) == {"timestamp"}


REFUSED: dict[str, Callable[[Capture], Capture]] = {
    "the WACZ of another": lambda capture: replace(capture, wacz=small_capture("two").wacz),
    "numbers beyond all measure": lambda capture: replace(capture, visit=replace(capture.visit, height=10**15)),
    "another page than its WACZ has": lambda capture: replace(
        capture, visit=replace(capture.visit, title="other")
    ),
    "timestamped too late": lambda capture: _earlier(capture, timedelta(hours=1, seconds=1)),
    "timestamped before it ended": lambda capture: _earlier(capture, timedelta(seconds=-5)),
}


def _earlier(capture: Capture, by: timedelta) -> Capture:
    return packed_again(capture, began=capture.began - by, ended=capture.ended - by)


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_verifier_would_pass_is_not_logged(appliance: Appliance, what: str) -> None:
    """The program that captures has read what strangers wrote, and may be theirs; a clock may have been set."""
    with appliance.database.reading() as tx:
        before = ledger.length(tx)
    with pytest.raises(CaptureFailed):
        recorded(appliance, small_capture(), by=ZHANG.subject, name=ZHANG.name, change=REFUSED[what])
    with appliance.database.reading() as tx:
        added = [canonical.decode(each)["kind"] for each in ledger.leaves(tx, before, ledger.length(tx))]
    assert set(added) <= {"timestamp"}


def test_without_what_opens_the_entry_there_is_no_package(appliance: Appliance) -> None:
    made = recorded(appliance, small_capture(), by=ZHANG.subject, name=ZHANG.name)
    with appliance.database.transaction() as tx:
        retention.forget_openings(tx, [made.entry])
    with pytest.raises(NotFound, match="erased"):
        appliance.capture_recording.package(made)


def _openssl(folder: Path, *arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_disc_has_its_certificate_at_the_root(capture_package: bytes, tmp_path: Path) -> None:
    (tmp_path / "capture.zip").write_bytes(capture_package)
    package = disc.whole_package(tmp_path / "capture.zip")
    assert disc.name_of(package) == NUMBERS[0]
    assert package.zipped == capture_package
    disc._lay_out(package, tmp_path / "disc")
    assert {"certificate.zh.pdf", "verify.html", f"{NUMBERS[0]}.zip"} <= {
        path.name for path in (tmp_path / "disc").iterdir()
    }
