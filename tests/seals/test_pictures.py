"""Uploaded pictures of seals: checked in the confined process, seen before use, never changing what is signed."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib

import pytest
from PIL import Image

from appliance.appearances.scans import Advice, prepare_seal_picture
from appliance.demonstration.participants import ALPHA, CUSTODIAN, OFFICER
from appliance.errors import DocumentRefused, StateRefused
from appliance.model.contract import Contract
from appliance.model.people import Person, Seal, SealKind
from tests.office.conftest import events_of
from tests.seals.conftest import Site
from tests.seals.pictures import as_jpeg, as_png, print_of

SEAL = Seal("seal-sample", ALPHA, SealKind.CONTRACT, (CUSTODIAN.subject,), 40.0)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle r="4"/></svg>'


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png), formats=("PNG",))


def bomb() -> bytes:
    """A PNG that says it is 50,000 pixels wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("encoded", [as_png(print_of()), as_jpeg(print_of())], ids=["png", "jpeg"])
def test_white_paper_becomes_transparent(encoded: bytes) -> None:
    made = prepare_seal_picture(encoded, width_mm=40)
    picture = opened(made.png)
    assert picture.mode == "RGBA" and picture.width == picture.height
    assert picture.getpixel((0, 0))[3] == 0  # type: ignore[index]  # four channels
    assert picture.getpixel((picture.width // 2, picture.height // 2))[3] == 255  # type: ignore[index]
    assert (made.dpi >= 378, made.advice) == (True, ())


def test_what_is_cut_out_already_stays_as_it_is() -> None:
    picture = opened(prepare_seal_picture(as_png(print_of(clear=True)), width_mm=40).png)
    assert picture.getpixel((picture.width // 2, picture.height // 2)) == (0xC8, 0x12, 0x18, 255)


def test_the_print_reaches_the_edges_so_that_its_width_is_the_seal_s() -> None:
    picture = opened(prepare_seal_picture(as_png(print_of(600, around=300)), width_mm=40).png)
    box = picture.getchannel("A").getbbox()
    assert box is not None and box[0] <= 2 and box[2] >= picture.width - 2


@pytest.mark.parametrize(("width", "fits"), [(40.0, True), (51.0, False)])
def test_three_hundred_dots_to_the_inch_at_the_real_size(width: float, fits: bool) -> None:
    data = as_png(print_of(500))
    if fits:
        assert prepare_seal_picture(data, width_mm=width).dpi >= 300
    else:
        with pytest.raises(DocumentRefused, match="needs 603"):
            prepare_seal_picture(data, width_mm=width)


def test_more_than_is_needed_is_made_smaller() -> None:
    made = prepare_seal_picture(as_png(print_of(3000)), width_mm=40)
    assert made.dpi > 1800 and opened(made.png).width == 945


def test_advice_forbids_nothing() -> None:
    oblong = print_of(600, ink="#1240c8").resize((680, 340))
    assert set(prepare_seal_picture(as_png(oblong), width_mm=40).advice) == {Advice.NOT_RED, Advice.OBLONG}


HOSTILE = {
    "SVG": (SVG, "not a PNG or JPEG"),
    "nothing": (b"", "not a PNG or JPEG"),
    "half a picture": (as_png(print_of())[:900], "not a PNG or JPEG"),
    "a bomb": (bomb(), "too many pixels"),
    "six megabytes": (b"\x89PNG\r\n\x1a\n" + bytes(6_000_000), "larger than 5 MB"),
    "white paper": (as_png(Image.new("RGB", (800, 800), "white")), "shows no seal"),
    "a red sheet": (as_png(Image.new("RGB", (800, 800), "#c81218")), "no clear ground"),
    "too coarse": (as_png(print_of(200)), "needs 473"),
}


@pytest.mark.parametrize(("data", "said"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_picture_of_a_seal(site: Site, data: bytes, said: str) -> None:
    with pytest.raises(DocumentRefused, match=said):
        site.appliance.seal_pictures.made(SEAL, data)


def test_a_picture_is_seen_activated_and_used(site: Site, custodians: tuple[Person, ...]) -> None:
    """The officer's act shows the picture; the log names it; documents get it; the drawn one can come back."""
    seal, seals = site.seal(custodians[0]), site.appliance.office.drafts.seals
    pictures = site.appliance.seal_pictures
    known = site.appliance.registry.seal(seal)
    before = _signed(site, seal, custodians[0])
    drawn = pictures.preview(known, "")

    made = pictures.made(known, as_jpeg(print_of()))
    act = seals.draft_picture(seal, made, by=OFFICER)
    digest = hashlib.sha256(made.png).hexdigest()
    assert act.details["picture"] == digest and pictures.preview(known, digest) != drawn
    assert site.appliance.registry.seal(seal).picture is None, "nothing is in use yet"
    site.done(act)

    known = site.appliance.registry.seal(seal)
    assert known.picture == site.appliance.authority.seal(seal).picture == digest
    assert events_of(site.appliance, seal)[-1] == "seal-picture-changed"
    assert "data:image/png" in pictures.svg(custodians[0].subject, seal)
    after = _signed(site, seal, custodians[0])
    assert _stamped(site, after) and not _stamped(site, before), "what was signed before keeps its own"
    with pytest.raises(StateRefused, match="looks like this already"):
        seals.draft_picture(seal, made, by=OFFICER)
    site.done(seals.draft_picture(seal, None, by=OFFICER))
    assert site.appliance.registry.seal(seal).picture is None


def _signed(site: Site, seal: str, custodian: Person) -> Contract:
    contract = site.approve(site.asked(site.sent(seal)), custodian)
    document = site.appliance.contracts.document(contract)
    assert site.appliance.verifier.verify(document, file="signed.pdf").indication.value == "TOTAL-PASSED"
    return contract


def _stamped(site: Site, contract: Contract) -> bool:
    return b"/Subtype /Image" in site.appliance.contracts.document(contract)
