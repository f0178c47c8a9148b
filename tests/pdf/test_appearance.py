"""What people see: names in their own characters, a round red seal, upright on every page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO

import pikepdf
import pytest
from PIL import Image, ImageDraw

from appliance.errors import DocumentRefused
from appliance.pdf.values import FieldPlacement, PersonAppearance, PrepareOrder, SealAppearance
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import contract, documents, pictures
from tests.sweeps import one_in

PLACE = FieldPlacement("field", 2, 20, 30, 40, 20)
WHEN = datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC)


def shown(workshop: PdfWorkshop, document: bytes, appearance: PersonAppearance | SealAppearance) -> bytes:
    document = workshop.add_fields(document, [PLACE])
    return workshop.prepare(document, PrepareOrder("field", appearance, WHEN)).document


def cut_out(workshop: PdfWorkshop, document: bytes) -> Image.Image:
    page = pictures.page(workshop, document, 2, dpi=144)
    return page.crop(pictures.pixels(page, PLACE))


@pytest.mark.parametrize("turn", one_in(2, [0, 90, 180, 270]))
def test_the_seal_is_round_and_red_and_upright(turn: int, workshop: PdfWorkshop) -> None:
    document = documents.turned(turn)
    picture = cut_out(workshop, shown(workshop, document, contract.SEAL))
    left, top, right, bottom = _red_box(picture)
    across, up = right - left, bottom - top
    assert abs(across - up) <= 3
    assert abs(across - min(40 / 25.4 * 144, *picture.size)) <= 4
    star = picture.crop(_middle(left + right, top + bottom, across // 12))
    assert pictures.red_share(star) > 0.7
    below = picture.crop((left + across // 4, top + int(up * 0.7), right - across // 4, top + int(up * 0.82)))
    above = picture.crop((left + across // 4, top + int(up * 0.22), right - across // 4, top + int(up * 0.3)))
    assert pictures.red_share(below) > 0.15 > pictures.red_share(above)  # the seal's kind stands below


def test_names_and_time_can_be_read_and_copied(workshop: PdfWorkshop, plain: bytes) -> None:
    appearance = PersonAppearance("张示例", WHEN, "Asia/Shanghai", "甲公司示例有限公司")
    document = shown(workshop, plain, appearance)
    ink = cut_out(workshop, document).convert("L").point(lambda value: 255 if value < 128 else 0)
    assert ink.getbbox() is not None
    flattened = workshop.text(documents.flattened(document))[2]
    for text in ("张示例", "甲公司示例有限公司", "电子签名", "2026-07-02 07:59:59 UTC+08:00 Asia/Shanghai"):
        assert text in flattened


@pytest.mark.parametrize("organisation", ["甲" * 200, "Alpha Beta Gamma " * 11 + "Delta Limited"])
def test_long_names_stand_in_several_lines(organisation: str, workshop: PdfWorkshop, plain: bytes) -> None:
    name = "Maria-Theresia Walburga Amalia Christina von und zu Hohenberg-Schwarzenau, genannt Tessi"
    appearance = PersonAppearance(name, WHEN, "Asia/Shanghai", organisation)
    flattened = workshop.text(documents.flattened(shown(workshop, plain, appearance)))[2]
    lines = [line.strip() for line in flattened.splitlines() if line.strip()]
    written = "".join(flattened.split())
    for text in (name, organisation):
        assert "".join(text.split()) in written
    shown_lines = [line for line in lines if line in organisation]
    assert 3 <= len(shown_lines) <= 12
    assert any("2026-07-02 07:59:59 UTC+08:00 Asia/Shanghai" in line for line in lines)


def test_a_long_name_leaves_the_lines_below_it_readable(workshop: PdfWorkshop, plain: bytes) -> None:
    name = "Maria-Theresia Walburga Amalia Christina von und zu Hohenberg-Schwarzenau Beispiel"
    appearance = PersonAppearance(name, WHEN, "Asia/Shanghai", "Gamma Sample Limited")
    place = FieldPlacement("field", 2, 20, 30, 30, 8)
    document = workshop.prepare(
        workshop.add_fields(plain, [place]), PrepareOrder("field", appearance, WHEN)
    ).document
    with pikepdf.open(BytesIO(document)) as pdf:
        drawn = pdf.pages[2].Annots[-1].AP.N.read_bytes()
    sizes = [float(size) for size in re.findall(rb"/(?:Name|Small) ([0-9.]+) Tf", drawn)]
    assert len(sizes) >= 4
    assert min(sizes) >= 5


def test_a_handwritten_signature_is_shown(workshop: PdfWorkshop, plain: bytes) -> None:
    drawing = Image.new("RGBA", (400, 160), (0, 0, 0, 0))
    ImageDraw.Draw(drawing).line([(10, 150), (200, 10), (390, 150)], fill=(0, 0, 160, 255), width=12)
    file = BytesIO()
    drawing.save(file, "PNG")
    appearance = PersonAppearance("张示例", WHEN, "Asia/Shanghai", image=file.getvalue())
    picture = cut_out(workshop, shown(workshop, plain, appearance))
    blue = sum(b > 120 and r < 60 for r, _, b in picture.get_flattened_data())
    assert blue > 500


def test_handwriting_does_not_hide_the_line_that_it_is_written_on(workshop: PdfWorkshop, plain: bytes) -> None:
    file = BytesIO()
    Image.new("RGBA", (400, 160), (0, 0, 0, 0)).save(file, "PNG")
    over_text = FieldPlacement("field", 0, 15, 14, 40, 6)
    order = PrepareOrder("field", PersonAppearance("张", WHEN, "UTC", image=file.getvalue()), WHEN)
    document = workshop.prepare(workshop.add_fields(plain, [over_text]), order).document
    before, after = (pictures.page(workshop, each, 0, dpi=144) for each in (plain, document))
    pixels = zip(*(page.convert("L").get_flattened_data() for page in (before, after)), strict=True)
    assert not [one for one in pixels if one[0] < 100 and one[1] > 150]


@pytest.mark.parametrize(
    ("reason", "appearance"),
    [
        ("no-glyph", PersonAppearance("ܫܘܪܝܐ", WHEN, "UTC")),
        ("no-such-zone", PersonAppearance("张示例", WHEN, "Nowhere/City")),
        ("image-unreadable", PersonAppearance("张示例", WHEN, "UTC", image=b"GIF89a")),
        ("no-glyph", SealAppearance("甲公司\ue000", "公章")),
    ],
)
def test_what_cannot_be_shown_is_refused(
    reason: str, appearance: PersonAppearance | SealAppearance, workshop: PdfWorkshop, plain: bytes
) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        shown(workshop, plain, appearance)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    "name", ["示例", "甲公司示例有限公司", "示例（北京）国际科技发展股份有限公司第二分公司", "Example Ltd."]
)
def test_the_svg_names_the_company_and_writes_plain_numbers(name: str, workshop: PdfWorkshop) -> None:
    picture = workshop.seal_svg(SealAppearance(name, "公章"))
    assert f"<title>{name} 公章</title>" in picture
    assert "e-" not in picture


def _red_box(picture: Image.Image) -> tuple[int, int, int, int]:
    red, green, _ = picture.split()
    mask = Image.eval(red, lambda value: 255 if value > 150 else 0)
    mask.paste(0, mask=Image.eval(green, lambda value: 255 if value > 120 else 0))
    box = mask.getbbox()
    assert box is not None
    return box


def _middle(twice_x: int, twice_y: int, half: int) -> tuple[int, int, int, int]:
    x, y = twice_x // 2, twice_y // 2
    return x - half, y - half, x + half, y + half
