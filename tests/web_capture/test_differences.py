"""Two captures of one address, before and after: what is different, told within seconds."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PIL import Image

from appliance.confinement.pool import Confinement
from appliance.web_capture.differences import ComparedPage, PageDifferences, compare_pages
from appliance.web_capture.pictures import ChangedArea
from appliance.web_capture.wacz import INDEX
from tests.web_capture.conftest import Captured, Capturing
from tests.web_capture.servers import Asked, Server, answer, page

Served = Callable[..., Server]
JOBS = {"captures.compared": "appliance.web_capture.pictures:compared"}


@pytest.fixture(scope="module")
def confinement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Confinement]:
    with Confinement(tmp_path_factory.mktemp("cache"), jobs=JOBS, warm_up=()) as pool:
        yield pool


def drawn(size: tuple[int, int] = (100, 700), box: tuple[int, int, int, int] | None = None) -> bytes:
    picture = Image.new("RGB", size, (240, 240, 240))
    if box is not None:
        picture.paste((240, 240, 241), box)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


def _part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


BOMB = (
    b"\x89PNG\r\n\x1a\n"
    + _part(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    + _part(b"IDAT", zlib.compress(bytes(1_000_000)))
    + _part(b"IEND", b"")
)
PAGE = ComparedPage("http://site.example/", "title", "one\ntwo\nthree", drawn(), b"")


def compared_page(captured: Captured) -> ComparedPage:
    visit = captured.capture.visit
    return ComparedPage(visit.address, visit.title, visit.text, visit.picture, captured.capture.wacz)


def test_a_page_that_was_changed(served: Served, capturing: Capturing, confinement: Confinement) -> None:
    changed = False

    def site(asked: Asked) -> bytes:
        if asked.path.startswith("/a"):
            return answer(b"p { color: blue }" if changed else b"p { color: red }", "text/css")
        if changed:
            return page("<title>new</title><link rel=stylesheet href=/a.css><p>kept<p>price 200<p>more")
        return page("<title>old</title><link rel=stylesheet href=/a.css><p>kept<p>price 100<img src=/gone.png>")

    server = served({"site.example": site})
    root = f"http://site.example:{server.port}"
    first = compared_page(capturing(f"{root}/", ["site.example"]))
    again = compared_page(capturing(f"{root}/", ["site.example"]))
    changed = True
    later = compared_page(capturing(f"{root}/", ["site.example"]))
    same = compare_pages(first, again, confinement)
    assert same.differences.same
    assert (same.marked, same.differences.resources.changed) == (b"", 0)
    found = compare_pages(first, later, confinement)
    told = found.differences
    assert not told.same
    assert (told.title.before, told.title.after) == ("old", "new") if told.title else False
    assert told.address is None
    lines = [(each.removed, each.added) for each in told.text.changes]
    assert (("price 100",), ("price 200",)) in [(r[:1], a[:1]) for r, a in lines]
    assert told.resources.gone_addresses == (f"{root}/gone.png",)
    assert f"{root}/a.css" in told.resources.changed_addresses
    assert 0 < told.picture.changed < told.picture.pixels
    with Image.open(io.BytesIO(found.marked)) as marked, Image.open(io.BytesIO(later.picture)) as picture:
        assert marked.size == picture.size
    assert PageDifferences.decode(json.loads(json.dumps(told.encode()))) == told


def test_every_changed_pixel_counts(confinement: Confinement) -> None:
    """By one step of blue, in a corner, across the strips in which pictures are compared, and what is longer."""
    cases = [
        ((0, 0, 1, 1), 1, (ChangedArea(0, 0, 1, 1),)),
        ((99, 699, 100, 700), 1, (ChangedArea(99, 699, 1, 1),)),
        ((10, 250, 20, 262), 120, (ChangedArea(10, 250, 10, 12),)),
    ]
    for box, changed, areas in cases:
        found = compare_pages(PAGE, replace(PAGE, picture=drawn(box=box)), confinement).differences.picture
        assert (found.pixels, found.changed, found.areas) == (70_000, changed, areas)
    longer = compare_pages(PAGE, replace(PAGE, picture=drawn((120, 710))), confinement)
    assert longer.differences.picture.changed == 120 * 710 - 70_000
    shorter = compare_pages(replace(PAGE, picture=drawn((120, 710))), PAGE, confinement)
    assert shorter.differences.picture.changed == 120 * 710 - 70_000
    with Image.open(io.BytesIO(longer.marked)) as marked:
        assert marked.getpixel((119, 5)) == marked.getpixel((5, 709)) == (214, 40, 40)
        assert marked.getpixel((5, 5)) != (214, 40, 40)


@pytest.mark.parametrize("picture", [b"", b"PNG", drawn()[:60], BOMB])
def test_a_picture_that_is_none_is_told(picture: bytes, confinement: Confinement) -> None:
    found = compare_pages(PAGE, replace(PAGE, picture=picture, title="other"), confinement)
    assert found.differences.picture.unread
    assert not found.differences.same
    assert found.differences.title is not None
    assert found.differences.resources.unread


def test_lines_that_are_new_and_gone(confinement: Confinement) -> None:
    found = compare_pages(PAGE, replace(PAGE, text="zero\none\nthree\nthree"), confinement).differences.text
    assert (found.removed, found.added, found.coarse) == (1, 2, False)
    assert [(each.line, each.removed, each.added) for each in found.changes] == [
        (1, (), ("zero",)),
        (2, ("two",), ("three",)),
    ]


def test_long_texts_are_compared_in_bounded_time(confinement: Confinement) -> None:
    """4 MB each: much the same, all different, the same line again and again, lines in another order."""
    chosen = random.Random(1)  # noqa: S311 - the same texts each time
    lines = [f"{number} {chosen.random()}" for number in range(90_000)]
    some = [each if number % 9_000 else f"new {each}" for number, each in enumerate(lines)]
    mixed = chosen.sample(lines, len(lines))
    few = [chosen.choice("abc") for _ in lines]
    for after, coarse, added in [
        (some, False, 10),
        ([each[::-1] + "x" for each in lines], False, 90_000),
        (mixed, None, None),
        (few, None, None),
        (["line"] * 200_000, True, 100_000),
    ]:
        pages = PAGE, replace(PAGE, text="\n".join(after))
        found = compare_pages(replace(pages[0], text="\n".join(lines)), pages[1], confinement).differences.text
        assert coarse is None or found.coarse is coarse
        assert added is None or found.added == added
        assert len(json.dumps(found.changes[0].added)) < 200_000
    alike = compare_pages(
        replace(PAGE, text="\n".join(few)), replace(PAGE, text="\n".join(few[::-1])), confinement
    ).differences.text
    assert alike.coarse


@pytest.mark.long
def test_pictures_of_the_longest_pages(confinement: Confinement) -> None:
    size = (1280, 30_000)
    before, after = drawn(size), drawn(size, box=(5, 29_000, 15, 29_010))
    found = compare_pages(replace(PAGE, picture=before), replace(PAGE, picture=after), confinement)
    assert found.differences.picture.areas == (ChangedArea(5, 29_000, 10, 10),)


def _index(text: str, kind: int = zipfile.ZIP_STORED) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", kind) as archive:
        archive.writestr(INDEX, text)
    return written.getvalue()


_LINE = 'key time {"url": "a", "digest": "d"}\n'


def _encrypted() -> bytes:
    octets = bytearray(_index(_LINE))
    octets[octets.find(b"PK\x01\x02") + 8] |= 1
    octets[6] |= 1
    return bytes(octets)


def _damaged() -> bytes:
    octets = _index(_LINE * 100, zipfile.ZIP_DEFLATED)
    at = octets.find(INDEX.encode()) + len(INDEX)
    return octets[:at] + b"\xff" * 8 + octets[at + 8 :]


@pytest.mark.parametrize(
    "odd",
    [
        _index("key time []\n"),
        _index("key time 5\n"),
        _index('key time {"url": 5, "digest": "d"}\n'),
        _index('key time {"url": "\\ud800", "digest": "d"}\n'),
        _index("key time " + "[" * 100_000),
        _encrypted(),
        _damaged(),
    ],
)
def test_an_index_by_a_program_that_a_page_has_taken_over(confinement: Confinement, odd: bytes) -> None:
    """It is unread, and stops nobody: the scheduler would try again for ever."""
    found = compare_pages(replace(PAGE, wacz=_index(_LINE)), replace(PAGE, wacz=odd), confinement).differences
    assert found.resources.unread
    assert found.same
