"""Deposits in a real browser: digests of files and folders are computed there, and no file leaves it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Request, expect

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.deposits import Deposit
from tests.browser.troupe import Troupe
from tests.browser.visitor import Visitor
from tests.deposits import filled
from tests.sweeps import first_of

LARGE = 70 * 2**20
"""More than the worker hands to the browser's own SHA-256 at once."""


def fill(visitor: Visitor, title: str) -> None:
    page = visitor.page
    page.locator("[name=title]").fill(title)
    page.locator("[name=kind]").select_option("software")
    page.locator("[name=creation]").select_option("original")
    page.locator("[name=holder_kind][value=depositor]").check()
    page.locator("[name=declaration]").check()


def chosen(visitor: Visitor, selector: str, given: Path | list[Path]) -> None:
    """Chooses *given* and waits until every digest is there."""
    visitor.page.locator(selector).set_input_files(given)
    expect(visitor.page.locator("[data-state]")).to_contain_text("Digests computed", timeout=120_000)


def deposited(people: Troupe, visitor: Visitor, by: str) -> Deposit:
    visitor.touch(visitor.page.locator(".submit button"))
    visitor.page.wait_for_url(re.compile(r"/ownership/[0-9a-f]{24}$"), timeout=60_000)
    return people.appliance.ownership.get(visitor.page.url.rpartition("/")[2], by=by)


@pytest.mark.parametrize("phone", first_of((False, True)), ids=["desktop", "phone"])
def test_files_are_deposited_and_never_sent(people: Troupe, tmp_path: Path, phone: bool) -> None:
    contents = {"small.bin": os.urandom(1000), "空.txt": b"", "\U0001f600 <b>.png": os.urandom(70)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "large.bin").write_bytes(contents.setdefault("large.bin", os.urandom(LARGE)))
    sent: list[int] = []
    with people.at(ZHANG.subject, phone=phone) as visitor:
        visitor.go("/ownership/new")
        chosen(visitor, "#choose", [tmp_path / name for name in contents])
        fill(visitor, "Several files")
        visitor.require_accessible()
        visitor.require_fits()

        def count(request: Request) -> None:
            sent.append(len(request.post_data_buffer or b""))

        visitor.page.on("request", count)
        found = deposited(people, visitor, ZHANG.subject)
        visitor.require_accessible()
        visitor.require_fits()
    files = {each.name: (each.digest, each.size) for each in people.appliance.ownership.files(found)}
    assert files == {
        name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in contents.items()
    }
    assert 0 < max(sent) < 10_000


def test_a_folder_is_deposited_with_the_names_of_its_folders(people: Troupe, tmp_path: Path) -> None:
    for name in ("work/a.txt", "work/part/b.txt", "work/part/copy of a.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"a" if name.endswith("a.txt") else b"b")
    with people.at(LI.subject) as visitor:
        visitor.go("/ownership/new")
        chosen(visitor, "#choose-folder", tmp_path / "work")
        fill(visitor, "A folder")
        found = deposited(people, visitor, LI.subject)
    assert [each.name for each in people.appliance.ownership.files(found)] == [
        *("work/a.txt", "work/part/b.txt", "work/part/copy of a.txt"),
    ]


def test_a_form_that_comes_back_still_has_the_files(people: Troupe, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_bytes(os.urandom(20))
    with people.at(LI.subject) as visitor:
        visitor.go("/ownership/new")
        chosen(visitor, "#choose", tmp_path / "kept.txt")
        fill(visitor, "Kept")
        visitor.page.locator("[name=holder_kind][value=person]").check()
        visitor.touch(visitor.page.locator(".submit button"))
        expect(visitor.page.locator("#field-holder-problem")).to_contain_text("rights holder")
        expect(visitor.page.locator("[data-names]")).to_contain_text("kept.txt")
        visitor.page.locator("[name=holder]").fill("Somebody Else")
        found = deposited(people, visitor, LI.subject)
    assert found.work is not None
    assert found.work.holder.name == "Somebody Else"


def test_other_digests_that_are_typed_take_the_place_of_chosen_files(people: Troupe, tmp_path: Path) -> None:
    (tmp_path / "first.txt").write_bytes(b"chosen first")
    digest = hashlib.sha256(b"typed afterwards").hexdigest()
    with people.at(LI.subject) as visitor:
        visitor.go("/ownership/new")
        chosen(visitor, "#choose", tmp_path / "first.txt")
        visitor.page.locator("[name=sums]").fill(f"{digest}  second.txt\n")
        fill(visitor, "Typed")
        found = deposited(people, visitor, LI.subject)
    assert found.digest == digest


def test_many_files_come_as_a_table_and_are_deposited_by_it(people: Troupe, tmp_path: Path) -> None:
    for name in ("one.jpg", "two.jpg"):
        (tmp_path / name).write_bytes(os.urandom(30))
    with people.at(LI.subject) as visitor:
        page = visitor.page
        visitor.go("/ownership/table")
        chosen(visitor, "#choose", [tmp_path / "one.jpg", tmp_path / "two.jpg"])
        with page.expect_download() as downloaded:
            visitor.touch(page.locator("form[data-digests] .submit button"))
        words = {"kind": "摄影作品", "creation": "独立创作", "holder_kind": "存证人本人"}
        table = tmp_path / "table.xlsx"
        blank = downloaded.value.path().read_bytes()
        for content, shown in ((blank, "[role=alert]"), (filled(blank, **words), "[role=status]")):
            table.write_bytes(content)
            page.locator("[name=list]").set_input_files(table)
            page.locator("[name=declaration]").check()
            visitor.touch(page.locator("form:not([data-digests]) .submit button").last)
            expect(page.locator(f"main {shown}").first).to_be_visible(timeout=60_000)
            visitor.require_accessible()
            visitor.require_fits()
        people.appliance.deposit_batches.run_round()
        expect(page.locator("main")).to_contain_text("2 of 2", timeout=60_000)
    digest = hashlib.sha256((tmp_path / "two.jpg").read_bytes()).hexdigest()
    assert [each.title for each in people.appliance.ownership.of_digest(digest)] == ["two.jpg"]


def test_a_file_is_looked_up_without_being_sent(people: Troupe, tmp_path: Path) -> None:
    (tmp_path / "looked up.txt").write_bytes(b"never deposited at all")
    with people.at(LI.subject) as visitor:
        visitor.go("/ownership/find")
        chosen(visitor, "#choose", tmp_path / "looked up.txt")
        visitor.touch(visitor.page.locator(".submit button"))
        expect(visitor.page.locator("main")).to_contain_text("No file with this digest")
        assert hashlib.sha256(b"never deposited at all").hexdigest() in visitor.page.url
