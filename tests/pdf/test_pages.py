"""Pages as small pictures: what is drawn in few colours stays exactly so, and paper stays white."""

from __future__ import annotations

from contextlib import closing
from io import BytesIO

import pypdfium2
import pytest
from PIL import Image

from appliance.errors import DocumentRefused
from appliance.pdf.values import PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import contract, documents, pictures


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("width", [320, 640, 1000, 1400])
def test_text_is_small_and_exactly_as_pdfium_draws_it(width: int, workshop: PdfWorkshop, plain: bytes) -> None:
    data = workshop.picture(plain, 0, width=width)
    with closing(pypdfium2.PdfDocument(plain)) as pdf, closing(pdf[0]) as page:
        drawn = page.render(scale=width / page.get_width()).to_pil().convert("RGB")
    assert opened(data).convert("RGB").tobytes() == drawn.tobytes()
    assert abs(drawn.width - width) <= 1
    assert len(data) < 12_000


def test_paper_stays_white_under_many_colours(workshop: PdfWorkshop, plain: bytes) -> None:
    order = PrepareOrder("seal-a", contract.SEAL, contract.WHEN, certify=True)
    sealed = workshop.prepare(contract.with_fields(workshop, plain), order).document
    picture = opened(workshop.picture(sealed, 2, width=640)).convert("RGB")
    assert picture.getpixel((5, 5)) == (255, 255, 255)
    seal = picture.crop(pictures.pixels(picture, contract.placements(2)[2]))
    assert pictures.red_share(seal) > 0.05


def test_a_poster_does_not_take_all_the_memory(workshop: PdfWorkshop) -> None:
    def tall(pdf: object) -> None:
        for page in pdf.pages:  # type: ignore[attr-defined]
            page.MediaBox = [0, 0, 10, 14_000]

    picture = opened(workshop.picture(documents.changed(tall), 0, width=1400))
    assert picture.width * picture.height <= 41_000_000


@pytest.mark.parametrize("page", [-1, 3])
def test_no_such_page(page: int, workshop: PdfWorkshop, plain: bytes) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        workshop.picture(plain, page, width=320)
    assert refusal.value.reason == "no-such-page"
