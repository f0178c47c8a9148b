"""Pages of every shape: what later signatures show in their fields is no change of the page."""

from __future__ import annotations

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.verification import Changes, Indication
from tests.verification.authorities import World
from tests.verification.conftest import Verify
from tests.verification.documents import Signing, change, plain, sign, with_fields

CROP = (50, 40, 500, 700)


def box(numbers: tuple[int, ...]) -> generic.ArrayObject:
    return generic.ArrayObject(map(generic.NumberObject, numbers))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("shape", ["as it is", "cropped", "inherited"])
def test_rotated_and_cropped_pages(rotation: int, shape: str, good: World, verify: Verify) -> None:
    def reshape(writer: IncrementalPdfFileWriter) -> None:
        pages = writer.root["/Pages"]
        page = pages["/Kids"][0]
        page["/Rotate"] = generic.NumberObject(rotation)
        if shape == "cropped":
            page["/CropBox"] = box(CROP)
        if shape == "inherited":
            pages["/MediaBox"] = box((0, 0, 700, 1000))
            del page["/MediaBox"]
            writer.update_container(pages)
        writer.update_container(page)

    document = with_fields(change(plain(2), reshape), "first", "second")
    for field, signer in (("first", good.signer), ("second", good.other)):
        document = sign(document, Signing(field, signer, [good.issuing]))
    report = verify(document)
    assert report.indication is Indication.PASSED
    assert report.signatures[0].changes is Changes.SIGNED_ON
