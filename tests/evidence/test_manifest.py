from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.evidence import manifest
from appliance.evidence.manifest import PackageManifest
from appliance.evidence.model import PackageRefused
from hsm import canonical
from hsm.note import Checkpoint

FILES = {"a.txt": b"one", "b/c.txt": b"two"}
GOOD = PackageManifest(
    contract="c-1",
    created=datetime(2026, 11, 25, 8, 0, tzinfo=UTC),
    checkpoint=Checkpoint("vermilion.example/log", 40, bytes(32)),
    files=manifest.listing(FILES),
    audience="甲公司示例有限公司",
    withheld=(3, 7),
)
FIRST = replace(GOOD, audience="", withheld=())
"""Of the first format, from before packages were made for one organisation."""


def changed(**members: Any) -> bytes:
    value = json.loads(GOOD.encode())
    value.update(members)
    return canonical.encode(value)


def test_it_comes_back_as_it_was() -> None:
    assert manifest.decode(GOOD.encode()) == GOOD
    assert manifest.decode(FIRST.encode()) == FIRST
    assert set(json.loads(FIRST.encode())) == {"format", "contract", "created", "checkpoint", "files"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"' + b"a" * 100,
        b"[" * 100_000,
        GOOD.encode() + b"\n",
        GOOD.encode().replace(b"{", b"{ ", 1),
        changed(format="vermilion-evidence-manifest/1"),
        changed(format="vermilion-evidence-manifest/3"),
        changed(made_for=""),
        changed(made_for="two\nlines"),
        changed(withheld=[7, 3]),
        changed(withheld=[3, 3]),
        changed(withheld=[-1]),
        changed(withheld=[True]),
        changed(withheld="3"),
        changed(extra=1),
        changed(contract=""),
        changed(contract="two\nlines"),
        changed(created="2026-11-25 08:00:00"),
        changed(created=5),
        changed(files={}),
        changed(files=[{"path": "a", "size": -1, "sha256": "0" * 64}]),
        changed(files=[{"path": "a", "size": True, "sha256": "0" * 64}]),
        changed(files=[{"path": "a", "size": 1, "sha256": "0" * 63}]),
        changed(files=[{"path": "../a", "size": 1, "sha256": "0" * 64}]),
        changed(files=[{"path": "manifest.p7s", "size": 1, "sha256": "0" * 64}]),
        changed(files=[{"path": "a", "size": 1, "sha256": "0" * 64}] * 2),
        changed(files=[{"path": name, "size": 1, "sha256": "0" * 64} for name in ("A", "a")]),
        changed(checkpoint={"origin": "x", "size": 1, "root": "AA=="}),
        changed(checkpoint={"origin": "x", "size": 1, "root": "!"}),
        changed(checkpoint={"origin": "x", "size": 1}),
    ],
)
def test_anything_else_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(PackageRefused, match=r"\.$"):
        manifest.decode(data)


def test_exactly_the_listed_files_pass() -> None:
    seals = dict.fromkeys(manifest.SEALS, b"")
    manifest.require_same(GOOD, FILES | seals)
    with pytest.raises(PackageRefused, match=r"does not list: c\.txt"):
        manifest.require_same(GOOD, FILES | {"c.txt": b""})
    with pytest.raises(PackageRefused, match=r"lacks a file .* a\.txt"):
        manifest.require_same(GOOD, {"b/c.txt": b"two"})
    with pytest.raises(PackageRefused, match=r"a\.txt is not the one"):
        manifest.require_same(GOOD, FILES | {"a.txt": b"onE"})
