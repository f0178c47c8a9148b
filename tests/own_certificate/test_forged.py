"""Packages by whoever has taken the portal over, and can have any manifest signed: an anchor counts for the
signature for which officers have approved it, and for no other."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.demonstration.participants import ALPHA, OFFICER
from appliance.errors import PreconditionRefused
from appliance.evidence import container, manifest
from appliance.evidence.repacked import read_zip
from appliance.store import anchors
from appliance.verification import Indication
from appliance.wiring import Appliance
from hsm import cms, timestamp
from tests.own_certificate.counterparty import Holder, authority
from tests.own_certificate.house import approved

Files = dict[str, bytes]
OWN, HOUSE = "02", "01"


def forged(appliance: Appliance, package: bytes, change: Callable[[Files], None]) -> bytes:
    """The package with its files as *change* leaves them, and a good manifest over them."""
    files = {path: bytes(data) for path, data in read_zip(package).files.items()}
    change(files)
    listed = manifest.decode(files[manifest.MANIFEST])
    rest = {path: data for path, data in files.items() if path not in manifest.SEALS}
    encoded = replace(listed, files=manifest.listing(rest)).encode()
    query = timestamp.build_request(timestamp.order_for(hashlib.sha256(encoded).digest(), nonce=5))
    return container.write_container(
        rest
        | {
            manifest.MANIFEST: encoded,
            manifest.SIGNATURE: appliance.authority.sign_manifest(encoded),
            manifest.QUERY: query,
            manifest.REPLY: appliance.timestamps.issue_reply(query),
        }
    )


def another_anchor(files: Files) -> None:
    files[f"certificates/own-{OWN}-anchor.pem"] = authority("Gamma Root CA").pem


def no_statement(files: Files) -> None:
    for path in [path for path in files if "anchor-02." in path and path.startswith("authority/")]:
        del files[path]


def altered_statement(files: Files) -> None:
    path = f"authority/anchor-{OWN}.json"
    files[path] = files[path].replace("丙公司".encode(), "丁公司".encode())


def as_ordinary(files: Files) -> None:
    files["index.txt"] = files["index.txt"].replace(b"own 02", b"signature 02")
    files["certificates/02.pem"] = files.pop("certificates/own-02.pem")
    del files["certificates/own-02-anchor.pem"]
    no_statement(files)


def house_as_own(files: Files) -> None:
    """The signature of somebody of the house, as one of Gamma's, under the house's root."""
    files["index.txt"] = files["index.txt"].replace(b"signature 01", b"own 01")
    files["certificates/own-01.pem"] = files.pop("certificates/01.pem")
    files["certificates/own-01-anchor.pem"] = files["certificates/ca.pem"]
    for ending in ("json", "p7s", "sig", "tst"):
        files[f"authority/anchor-01.{ending}"] = files[f"authority/anchor-02.{ending}"]
    files["certificates/authority-anchor-01.pem"] = files["certificates/authority-anchor-02.pem"]


def one_more_approval(files: Files) -> None:
    for ending in ("json", "p7s", "sig", "tst"):
        files[f"authority/anchor-01.{ending}"] = files[f"authority/anchor-02.{ending}"]
    files["certificates/authority-anchor-01.pem"] = files["certificates/authority-anchor-02.pem"]


CHANGES = [another_anchor, no_statement, altered_statement, as_ordinary, house_as_own]


@pytest.mark.parametrize("change", [*CHANGES, one_more_approval])
def test_the_verifier_passes_no_other_anchor(
    appliance: Appliance, package: bytes, change: Callable[[Files], None]
) -> None:
    assert appliance.verifier.verify(forged(appliance, package, change)).indication is not Indication.PASSED


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "program", [pytest.param(["sh", "check.sh"], marks=pytest.mark.long), [sys.executable, "check.py"]]
)
def test_the_checkers_pass_no_other_anchor(
    appliance: Appliance, package: bytes, tmp_path: Path, change: Callable[[Files], None], program: list[str]
) -> None:
    for path, content in read_zip(forged(appliance, package, change)).files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 1, done.stdout.decode()


def test_an_unchanged_one_passes(appliance: Appliance, package: bytes) -> None:
    """What is refused above is refused for its change."""
    assert (
        appliance.verifier.verify(forged(appliance, package, lambda _files: None)).indication is Indication.PASSED
    )


def test_an_approval_for_somebody_else_counts_for_nobody_here(
    appliance: Appliance, package: bytes, root: Holder
) -> None:
    """The same authority, which officers have approved for another organisation as well."""
    other = approved(appliance, root, "丁公司示例有限公司")
    stated = appliance.database.query(anchors.stated_anchor, other.id)
    assert stated is not None

    def change(files: Files) -> None:
        files["authority/anchor-02.json"], files["authority/anchor-02.p7s"] = stated.statement, stated.cms
        parsed = cms.parse(stated.cms)
        files["authority/anchor-02.sig"], files["authority/anchor-02.tst"] = (
            parsed.signature,
            parsed.timestamps()[0],
        )

    assert appliance.verifier.verify(forged(appliance, package, change)).indication is Indication.FAILED


def test_the_house_s_own_authority_is_no_anchor(appliance: Appliance, root: Holder) -> None:
    anchors_of, house = appliance.office.anchors, appliance.authority.authorities()[-1]
    for content, organisation in ((house, "丁公司示例有限公司"), (root.pem, ALPHA)):
        with pytest.raises(PreconditionRefused):
            anchors_of.register(content, organisation=organisation, reason="示例", by=OFFICER)
