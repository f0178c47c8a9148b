"""Pictures that a browser gave, whoever owns it: written anew, within bounds, or refused."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageFile, PngImagePlugin

from appliance.errors import DocumentRefused
from appliance.web_capture.pictures import MOST_PIXELS, TILE, animated, assembled
from tests.web_capture.test_differences import BOMB


def png(size: tuple[int, int], colour: str, mode: str = "RGB") -> bytes:
    told = PngImagePlugin.PngInfo()
    told.add_text("comment", "<script>", zip=False)
    written = io.BytesIO()
    Image.new(mode, size, colour).save(written, "PNG", pnginfo=told)
    return written.getvalue() + b"<script>behind it</script>"


def jpeg(size: tuple[int, int], colour: str) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, "JPEG")
    return written.getvalue()


@pytest.mark.parametrize("height", [10, TILE, TILE + 1, 2 * TILE + 30])
def test_nothing_but_pixels_is_kept(height: int) -> None:
    """One tile or several, also one with an alpha channel; what else was in the file is gone."""
    tiles = [png((20, min(TILE, height - top)), "red", "RGBA") for top in range(0, height, TILE)]
    made = assembled(tiles, 20, height)
    assert b"script" not in made
    with Image.open(io.BytesIO(made)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (20, height))
        assert picture.getcolors() == [(20 * height, (255, 0, 0))]


@pytest.mark.parametrize(
    ("tiles", "size"),
    [
        ([BOMB], (20, 20)),
        ([png((21, 20), "red")], (20, 20)),
        ([png((20, 21), "red")], (20, 20)),
        ([jpeg((20, 20), "red")], (20, 20)),
        ([png((20, 20), "red")[:90]], (20, 20)),
        ([b""], (20, 20)),
        ([b"<svg xmlns='http://www.w3.org/2000/svg'/>"], (20, 20)),
        ([], (0, 20)),
        ([], (MOST_PIXELS, 2)),
    ],
)
@pytest.mark.parametrize("lenient", [False, True])
def test_what_is_no_tile_is_refused(
    tiles: list[bytes], size: tuple[int, int], lenient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where Pillow was told to take what breaks off, as WeasyPrint does."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    with pytest.raises(DocumentRefused):
        assembled(tiles, *size)


def test_an_animation_of_pictures() -> None:
    """Each is shown as long as it says; one of another size is fitted in."""
    made = animated([jpeg((64, 48), "red"), jpeg((64, 48), "blue"), jpeg((32, 24), "lime")], [500, 1500, 700])
    with Image.open(io.BytesIO(made)) as picture:
        assert (picture.format, picture.size, getattr(picture, "n_frames", 1)) == ("WEBP", (64, 48), 3)
        shown = []
        for number in range(3):
            picture.seek(number)
            picture.load()
            red, green, blue = picture.convert("RGB").getpixel((30, 20))  # type: ignore[misc] # three of RGB
            shown.append(("red", "lime", "blue")[max(range(3), key=(red, green, blue).__getitem__)])
        assert shown == ["red", "blue", "lime"]


@pytest.mark.parametrize("pictures", [[b""], [png((4, 4), "red")], [jpeg((64, 48), "red"), b"JFIF"], [BOMB]])
def test_an_animation_of_what_is_no_picture_is_refused(pictures: list[bytes]) -> None:
    with pytest.raises(DocumentRefused):
        animated(pictures, [100] * len(pictures))
