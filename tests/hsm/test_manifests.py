"""Which manifests the evidence key signs: what whoever controls the portal might want under it is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest

from hsm import canonical
from hsm.errors import BadRequest
from hsm.intents import instant
from hsm.manifests import CAPTURE_FORMAT, CONTRACT_FORMAT, capture_misfit, checkpoint_of_manifest

ROOT = base64.b64encode(bytes(32)).decode()
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
CURRENT = {
    name: digest
    for digest, name in map(str.split, resources.files("hsm").joinpath("checkers.txt").read_text().splitlines())
}
PATHS = (
    *("capture.warc.gz", "capture.warc.tsq", "capture.warc.tsr", "capture.wacz", "capture.json"),
    *("page.png", "page.pdf", "page.txt", "certificate.en.pdf", "certificate.zh.pdf"),
    *("README.en.txt", "README.zh.txt", "check.sh", "check.py", "verify.html"),
    *("log/checkpoint", "log/checkpoint.text", "log/checkpoint.sig", "log/checkpoint.tst"),
    *("log/log.vkey", "log/log.pub.pem"),
    *("log/entries/00000017.json", "log/openings/00000017.json", "log/proofs/00000017.tlog-proof"),
    *("certificates/ca.pem", "certificates/chain.pem", "certificates/crls.pem"),
    *("certificates/evidence.pem", "certificates/timestamping.pem"),
)
SESSION = ("session.webp", "step-01.png", "step-02.png")


def manifest(*paths: str, **changed: object) -> bytes:
    return canonical.encode(
        {
            "format": CAPTURE_FORMAT,
            "capture": "0123456789abcdef01234567",
            "created": instant(NOW),
            "made_for": "甲公司示例有限公司",
            "checkpoint": {
                "origin": "vermilion.example/log",
                "size": 40,
                "root": base64.b64encode(bytes(32)).decode(),
            },
            "files": [{"path": path, "sha256": CURRENT.get(path, "0" * 64), "size": 1} for path in paths or PATHS],
            **changed,
        }
    )


def of_contract(*paths: str) -> bytes:
    value = json.loads(manifest(*paths))
    del value["capture"]
    form = {"format": CONTRACT_FORMAT, "contract": "c-1", "withheld": [], "powers_stated_since": 0}
    return canonical.encode({**value, **form})


def judged(encoded: bytes, now: datetime = NOW) -> int:
    return checkpoint_of_manifest(encoded, now=now, powers_stated_since=0).size


@pytest.mark.parametrize(
    "paths",
    [
        PATHS,
        (*PATHS, *SESSION),
        (*PATHS, "session.webp"),
        (*PATHS, "log/witness-policy.txt", "certificates/timestamping-1.pem"),
    ],
)
def test_the_manifest_of_a_capture_is_signed(paths: tuple[str, ...]) -> None:
    assert judged(manifest(*paths)) == 40


@pytest.mark.parametrize("path", PATHS)
def test_every_file_has_to_be_there(path: str) -> None:
    with pytest.raises(BadRequest):
        judged(manifest(*(each for each in PATHS if each != path)))


@pytest.mark.parametrize("path", [*PATHS, "page.png"])
def test_no_file_is_there_twice(path: str) -> None:
    with pytest.raises(BadRequest):
        judged(manifest(*PATHS, path))


@pytest.mark.parametrize(
    "path",
    [
        "contract/contract.pdf", "contract/contract.signed.pdf", "history/history.json", "index.txt", "json.py",
        "capture.WARC.gz", "sub/capture.json", "Page.png", "page2.png", "other.warc.gz", "capture.json.txt",
        "authority/power-1.json", "agreement/01.json", "voiding/01.json", "signatures/01.p7s", "review/check.json",
        "log/entries/00000018.json", "log/openings/00000018.json", "log/proofs/00000018.tlog-proof",
        "log/entries/17.json", "certificates/own-01.pem", "certificates/timestamping-0.pem",
        "certificates/timestamping-10.pem", "certificates/01.pem", "manifest.json", "manifest.p7s",
        "step-02.png", "step-21.png", "step-1.png", "verification/report.json", "00-evidence-list.json",
    ],
)  # fmt: skip
def test_nothing_else_is_in_the_package_of_a_capture(path: str) -> None:
    assert capture_misfit([*PATHS, path]) is not None
    with pytest.raises(BadRequest):
        judged(manifest(*PATHS, path))


@pytest.mark.parametrize("folder", ["entries", "openings", "proofs"])
def test_entry_opening_and_proof_have_one_number(folder: str) -> None:
    paths = [each.replace("17", "18") if each.startswith(f"log/{folder}") else each for each in PATHS]
    with pytest.raises(BadRequest):
        judged(manifest(*paths))


def _changed() -> Iterator[dict[str, object]]:
    yield from ({"capture": each} for each in ("", "c-1", "0" * 23, "0" * 25, "A" * 24, 5, None, "0" * 24 + "\n"))
    yield from ({"made_for": each} for each in ("", "two\nlines", "%PDF-1.7\n1 0 obj", "x" * 301, None))
    yield from ({"created": instant(NOW + timedelta(minutes=each))} for each in (-16, 16))
    yield {"created": "now"}
    yield {"format": "vermilion-capture-manifest/2"}
    yield {"format": CONTRACT_FORMAT}
    yield {"format": None}
    yield from ({name: 0} for name in ("powers_stated_since", "withheld", "contract", "note"))
    yield {"checkpoint": {"origin": "vermilion.example/log", "size": 40}}
    yield {"files": []}
    yield {"files": None}


@pytest.mark.parametrize("changed", list(_changed()), ids=str)
def test_other_texts_and_times_are_not_signed(changed: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        judged(manifest(**changed))


@pytest.mark.parametrize("name", ["check.sh", "check.py", "verify.html"])
def test_its_checkers_are_those_of_this_release(name: str) -> None:
    files = json.loads(manifest())["files"]
    for file in files:
        if file["path"] == name:
            file["sha256"] = "0" * 64
    with pytest.raises(BadRequest, match="checker of this release"):
        judged(manifest(files=files))


@pytest.mark.parametrize(
    "path", [*(each for each in PATHS[:10]), *SESSION, "CAPTURE.JSON".lower(), "Page.pdf", "capture.Warc.tsr"]
)
def test_the_manifest_of_a_contract_lists_no_file_of_a_capture(path: str) -> None:
    """Else the checks of a contract's package would stand behind a capture that nobody has judged."""
    assert judged(of_contract("contract/contract.pdf")) == 40
    with pytest.raises(BadRequest):
        judged(of_contract("contract/contract.pdf", path))
