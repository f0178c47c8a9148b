"""What can be deposited: orders that say too little or too much, manifests, and lists as programs print them."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.demonstration.participants import ZHANG
from appliance.errors import PreconditionRefused
from appliance.model.deposits import EMPTY, DepositedFile, HolderKind, RightsHolder, readable_name
from appliance.ownership import DepositOrder, read_sums
from appliance.ownership.manifest import LARGEST, LONGEST_NAME, MOST_FILES, digest_of, encode_manifest, in_order
from appliance.ownership.orders import MOST_AT_ONCE, accepted, split
from tests.deposits import file_of, work

TODAY = date(2026, 11, 30)
FILE = file_of("a.txt", b"a")
MANY = tuple(file_of(str(each), b"%d" % each) for each in range(MOST_AT_ONCE + 1))
ORDER = DepositOrder("题", (FILE,), work())


def holder(name: str) -> RightsHolder:
    return RightsHolder(HolderKind.PERSON, name)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"title": " \u200b"}, "title stands"),
        ({"title": "t" * 201}, "at most 200"),
        ({"files": ()}, "Choose the files"),
        ({"files": (DepositedFile("a", "0" * 63),)}, "64 characters"),
        ({"files": (DepositedFile("a", "A" * 64),)}, "64 characters"),
        ({"files": (DepositedFile("a", "0" * 64 + "\n"),)}, "64 characters"),
        ({"files": (DepositedFile("a", "0" * 64, -1),)}, "number of bytes"),
        ({"files": (DepositedFile("a", "0" * 64, LARGEST + 1),)}, "number of bytes"),
        ({"files": (DepositedFile("a", "0" * 64, 0),)}, "do not fit together"),
        ({"files": (DepositedFile("a", EMPTY, 1),)}, "do not fit together"),
        ({"files": (DepositedFile("a", EMPTY, 0),)}, "0 bytes"),
        ({"files": (DepositedFile("a", EMPTY), DepositedFile("b", EMPTY))}, "0 bytes"),
        ({"files": (FILE, FILE)}, "a.txt twice"),
        ({"files": (FILE, DepositedFile("", "0" * 64))}, "File 2 has no name"),
        ({"files": (DepositedFile("n" * (LONGEST_NAME + 1), "0" * 64),)}, "too long"),
        ({"files": (DepositedFile("a\0b", "0" * 64),)}, "no text"),
        ({"files": (DepositedFile("a\ud800", "0" * 64),)}, "no text"),
        ({"files": tuple(DepositedFile(str(each), "0" * 64) for each in range(MOST_FILES + 1))}, "10000"),
        ({"work": work(holder=holder(" "))}, "rights holder"),
        ({"work": work(holder=holder("名" * 201))}, "at most 200"),
        ({"work": work(completed=TODAY + timedelta(days=1))}, "in the future"),
        ({"work": work(completed=date(26, 1, 1))}, "four digits"),
        ({"work": work(description="d" * 2001)}, "at most 2000"),
        ({"work": replace(work(), declaration="")}, "declaration"),
        ({"work": replace(work(), declaration="0")}, "declaration"),
    ],
)
def test_what_says_too_little_or_too_much_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PreconditionRefused) as refused:
        accepted(replace(ORDER, **changed), ZHANG, TODAY)
    assert sentence in str(refused.value)


def test_what_is_at_the_bounds_is_taken() -> None:
    files = (DepositedFile("n" * LONGEST_NAME, "0" * 64, LARGEST), DepositedFile("m", EMPTY, 0))
    wide = DepositOrder(
        "题" * 200, files, work(holder=holder("名" * 80), completed=TODAY, description="长" * 2000)
    )
    found = accepted(wide, ZHANG, TODAY)
    assert found.files == files[::-1]
    assert found.work == wide.work


def test_names_are_kept_as_they_are_and_shown_as_they_cannot_deceive() -> None:
    name = "a/b\u202egnp.exe\n\u200d\U0001f600"
    [file] = in_order([file_of(name, b"x")])
    assert file.name == name
    assert readable_name(name) == "a/b\\u202egnp.exe\\u000a\\u200d\U0001f600"


def test_one_file_is_dated_by_its_own_digest_and_several_by_the_manifests() -> None:
    two = in_order([file_of("b", b"b"), file_of("a", b"a")])
    assert digest_of([FILE]) == FILE.digest
    assert digest_of(two) == hashlib.sha256(encode_manifest(two)).hexdigest()


def test_what_sha256sum_prints_is_read(tmp_path: Path) -> None:
    names = ["plain.txt", "with blank.txt", "图 纸/📐.png", "line\nend", "back\\slash", "star *.txt", "ret\rurn"]
    for number, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%d" % number)
    expected = {(name, hashlib.sha256(b"%d" % number).hexdigest()) for number, name in enumerate(names)}
    for more in ([], ["--tag"], ["--binary"]):
        printed = subprocess.run(["sha256sum", *more, *names], cwd=tmp_path, capture_output=True, check=True)
        for text in (printed.stdout.decode(), printed.stdout.decode().replace("\n", "\r\n")):
            assert {(each.name, each.digest) for each in read_sums(text)} == expected


def test_what_openssl_prints_and_a_digest_alone_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    printed = subprocess.run(["openssl", "sha256", "file"], cwd=tmp_path, capture_output=True, check=True)
    assert read_sums(printed.stdout.decode()) == (DepositedFile("file", digest),)
    in_groups = " ".join(digest[start : start + 2].upper() for start in range(0, 64, 2))
    assert read_sums(f"  {in_groups}\n") == (DepositedFile("", digest),)
    assert read_sums("\n \n") == ()


@pytest.mark.parametrize("text", ["nonsense", "0" * 63 + "  a", "0" * 64 + " a", f"{'0' * 64}  a\n{'0' * 64}"])
def test_a_line_that_is_none_is_named(text: str) -> None:
    with pytest.raises(PreconditionRefused, match=r"Line \d"):
        read_sums(text)


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (replace(ORDER, predecessor="1" * 24), "one deposit"),
        (
            replace(ORDER, files=tuple(file_of(str(each), b"%d" % each) for each in range(MOST_AT_ONCE + 1))),
            "At most",
        ),
    ],
)
def test_what_is_no_batch_is_refused(order: DepositOrder, sentence: str) -> None:
    with pytest.raises(PreconditionRefused, match=sentence):
        split(order)


def test_titles_of_a_batch_fit() -> None:
    files = (file_of("目录/" + "长" * 300 + ".txt", b"1"), file_of("目录/b.txt", b"2"))
    found = split(replace(ORDER, title="题" * 200, files=files))
    assert all(len(each.title) == 200 for each in found)
    assert [each.title for each in split(replace(ORDER, title=" ", files=files[1:]))] == ["b.txt"]
