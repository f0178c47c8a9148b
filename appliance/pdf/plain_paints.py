"""Colours, shadings, patterns and pictures whose dictionaries programs read differently, though nothing breaks
the syntax: PDFium shows white where others show black (ISO 32000-2, 7.10, 8.6, 8.7, 8.9 and 11.6.5)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyhanko.pdf_utils.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from appliance.pdf.inline_images import NotPlain
from appliance.pdf.reader import entry
from appliance.pdf.type_4_functions import require_plain_program

PATTERN = -1
"""The components of a colour space of patterns without colours of their own: this, less those of the colour."""
UNCOLOURED = 2
"""The paint type of such a pattern."""
DEVICE = {"/DeviceGray": 1, "/DeviceRGB": 3, "/DeviceCMYK": 4, "/Pattern": PATTERN}
_COMPONENTS = DEVICE | {"/CalGray": 1, "/CalRGB": 3, "/Lab": 3, "/Indexed": 1, "/Separation": 1}
_UNDERLYING = 2
_NEGATIVE = re.compile(rb"\s*\{\s*1(?:\.0*)?\s+exch\s+sub\s*\}\s*")
_GAMMAS, _WHITES = (1 / 3, 3.0), (0.7, 1.4)
_DEFAULTS = {"/DefaultGray": 1, "/DefaultRGB": 3, "/DefaultCMYK": 4}
_INDEXES = 256
_SAMPLES = (1, 2, 4, 8, 12, 16, 24, 32)
_CHUNK, _LARGEST_PICTURE = 1 << 20, 1 << 30
_BITS = (1, 2, 4, 8, 16)
_OWN_BITS = frozenset({"/DCTDecode", "/CCITTFaxDecode", "/JBIG2Decode"})
"""Filters that know how many bits a sample has."""
_MASKS: tuple[list[float], ...] = ([], [0, 1], [1, 0])
_STARK = frozenset({"/ColorDodge", "/ColorBurn"})
_FUNCTIONAL, _AXIAL, _RADIAL, _LATTICE = 1, 2, 3, 5


def components(space: Any) -> int:
    """How many numbers make a colour in the colour *space*, or ``PATTERN`` less them. Raises :class:`NotPlain`."""
    if isinstance(space, NameObject):
        return _known(space)
    family = space[0] if len(space) else None
    if family == "/ICCBased":
        number = entry(space[1], "/N")
        if not isinstance(number, int):
            raise NotPlain("a colour profile")
        return int(number)
    if family == "/DeviceN":
        return len(space[1])
    if family == "/Pattern" and len(space) == _UNDERLYING:
        if isinstance(space[1], ArrayObject) and space[1][0] == "/Pattern":
            raise NotPlain("a colour space of patterns of patterns")
        return PATTERN - components(space[1])
    return _known(family)


def _known(family: Any) -> int:
    if family not in _COMPONENTS:
        raise NotPlain(f"a colour space {family}")
    return _COMPONENTS[family]


def require_plain_paint(value: Any) -> None:
    """Raises :class:`NotPlain` when programs paint with *value*, a dictionary or a colour space, differently."""
    try:
        if isinstance(value, ArrayObject):
            plain = _SPACES[value[0]](value)
        else:
            plain = all(look(value) for key, look in _LOOKS.items() if key in value)
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise NotPlain("a colour or a picture") from error
    if not plain:
        raise NotPlain("a colour or a picture")


def is_space(value: ArrayObject) -> bool:
    """Whether *value* is a colour space for :func:`require_plain_paint`."""
    first = value.raw_get(0) if len(value) > 1 else None
    return isinstance(first, NameObject) and first in _SPACES


def _items(array: Any) -> list[Any]:
    """The values in *array*, with references followed."""
    return [array[index] for index in range(len(array))]


def numbers(dictionary: Any, key: str, otherwise: Sequence[float] = ()) -> list[float]:
    """The numbers of the array under *key*."""
    found = entry(dictionary, key)
    return [float(each) for each in (otherwise if found is None else _items(found))]


def _calibrated(space: Any) -> bool:
    gamma = entry(space[1], "/Gamma", 1)
    gammas = numbers(space[1], "/Gamma") if isinstance(gamma, ArrayObject) else [float(gamma)]
    white = numbers(space[1], "/WhitePoint")
    return (
        len(white) == len("XYZ")
        and all(_WHITES[0] <= each <= _WHITES[1] for each in white)
        and all(_GAMMAS[0] <= each <= _GAMMAS[1] for each in gammas)
    )


def _tinted(space: Any) -> bool:
    """Not the ink None, which some programs paint; Poppler paints Black without asking for its function."""
    inks = [space[1]] if space[0] == "/Separation" else _items(space[1])
    function = space[3]
    if entry(function, "/FunctionType") == 4:
        require_plain_program(function.data, inputs=len(inks), results=outputs(function), tint=True)
    black = inks != ["/Black"] or space[2] != "/DeviceGray" or _black(function)
    return black and set(inks) != {"/None"} and outputs(function) == components(space[2])


def _black(function: Any) -> bool:
    ends = [numbers(function, "/C0", [0]), numbers(function, "/C1", [1])]
    straight = entry(function, "/FunctionType") == 2 and float(entry(function, "/N")) == 1 and ends == [[1], [0]]
    return straight or (isinstance(function, StreamObject) and _NEGATIVE.fullmatch(function.data) is not None)


def _indexed(space: Any) -> bool:
    _, base, most, table = (space[index] for index in range(4))
    data = table.data if isinstance(table, StreamObject) else getattr(table, "original_bytes", table)
    single = isinstance(base, NameObject) or base[0] != "/Indexed"
    return single and 0 <= most < _INDEXES and bool(len(data) >= (most + 1) * components(base) > 0)


_SPACES: dict[str, Callable[[Any], bool]] = {
    "/CalGray": _calibrated,
    "/CalRGB": _calibrated,
    "/Separation": _tinted,
    "/DeviceN": _tinted,
    "/Indexed": _indexed,
}


def _default(resources: Any) -> bool:
    """Programs apply other spaces in the place of a device's to some colours, or to none."""
    for key, count in _DEFAULTS.items():
        space = entry(resources, key)
        if isinstance(space, ArrayObject) and (
            space[0] not in ("/ICCBased", "/CalGray", "/CalRGB") or components(space) != count
        ):
            return False
    return True


def _pairs(values: Sequence[float]) -> Iterator[tuple[float, float]]:
    return zip(values[::2], values[1::2], strict=True)


def _function(function: Any) -> bool:
    kind, domain = entry(function, "/FunctionType"), numbers(function, "/Domain")
    if not domain or any(low >= high for low, high in _pairs(domain)):
        return False
    if kind == 3:
        bounds = [domain[0], *numbers(function, "/Bounds"), domain[1]]
        count = len(entry(function, "/Functions"))
        return (
            bounds == sorted(bounds)
            and len(bounds) == count + 1
            and len(numbers(function, "/Encode")) == 2 * count
        )
    if kind == 4:
        require_plain_program(function.data, inputs=len(domain) // 2, results=outputs(function))
    return kind in (2, 4) or (kind == 0 and entry(function, "/BitsPerSample") in _SAMPLES)


def outputs(function: Any) -> int:
    """How many numbers *function* gives."""
    kind = entry(function, "/FunctionType")
    if kind == 3:
        return outputs(entry(function, "/Functions")[0])
    if kind != 2:
        return len(numbers(function, "/Range")) // 2
    [count] = {len(numbers(function, "/C0", [0])), len(numbers(function, "/C1", [1]))}
    return count


def _shading(shading: Any) -> bool:
    """Of meshes, only the lattices that office software writes, and only whole ones."""
    kind, space, function = (entry(shading, f"/{key}") for key in ("ShadingType", "ColorSpace", "Function"))
    count = components(space)
    if count < 1 or "/Background" in shading or (not isinstance(space, NameObject) and space[0] == "/Indexed"):
        return False
    if function is not None:
        several = [function] if not isinstance(function, ArrayObject) else _items(function)
        given = [outputs(each) for each in several]
        if given != ([count] if len(given) == 1 else [1] * count):
            return False
    if kind == _LATTICE:
        return _lattice(shading, 1 if function is not None else count)
    coords = numbers(shading, "/Coords")
    half = len(coords) // 2
    moves = coords[:half] != coords[half:]
    radii = coords[2::3] if kind == _RADIAL else []
    return kind == _FUNCTIONAL or (
        kind in (_AXIAL, _RADIAL) and function is not None and moves and min(radii, default=0) >= 0
    )


def _lattice(shading: Any, count: int) -> bool:
    across, depth, row = (
        int(entry(shading, key)) for key in ("/BitsPerCoordinate", "/BitsPerComponent", "/VerticesPerRow")
    )
    rows, rest = divmod(len(shading.data), row * ((2 * across + count * depth + 7) // 8))
    return rest == 0 and rows > 1 and row > 1


def _pattern(pattern: Any) -> bool:
    steps = [float(entry(pattern, key, 0)) for key in ("/XStep", "/YStep")]
    return entry(pattern, "/PatternType") != 1 or (all(steps) and entry(pattern, "/PaintType") in (1, UNCOLOURED))


def _state(state: Any) -> bool:
    """Transfer functions, also in masks, are for some programs only; so are light upon black
    and white upon white."""
    for key in ("/TR", "/TR2"):
        given = entry(state, key)
        several = _items(given) if isinstance(given, ArrayObject) else [given]
        if any(isinstance(each, DictionaryObject) and "/FunctionType" in each for each in several):
            return False
    modes = entry(state, "/BM")
    return _STARK.isdisjoint(_items(modes) if isinstance(modes, ArrayObject) else [modes])


def _mask(mask: Any) -> bool:
    kind = entry(mask, "/S")
    group = isinstance(entry(mask, "/G"), StreamObject) and isinstance(kind, NameObject)
    return not group or kind in ("/Alpha", "/Luminosity")


def _picture(image: Any) -> bool:
    if not isinstance(image, StreamObject) or entry(image, "/Subtype") != "/Image":
        return True
    found = entry(image, "/Filter", "")
    filters = _items(found) if isinstance(found, ArrayObject) else [found]
    if "/JPXDecode" in filters:
        return _masked(image, None)
    decode, bits = numbers(image, "/Decode"), entry(image, "/BitsPerComponent")
    if _is_true(entry(image, "/ImageMask")):
        return bits in (None, 1) and decode in _MASKS and _is_whole(image, filters, 1)
    space = entry(image, "/ColorSpace")
    count = components(space)
    if not isinstance(space, NameObject) and space[0] == "/Indexed":
        depth = 1 if bits is None else bits
        plain = depth in _BITS and decode in ([], [0, 2**depth - 1], [2**depth - 1, 0])
    else:
        plain = len(decode) in (0, 2 * count)
    whole = not _OWN_BITS.isdisjoint(filters) or (bits in _BITS and _is_whole(image, filters, count * int(bits)))
    return plain and count > 0 and whole and _masked(image, count)


def _is_whole(image: Any, filters: list[str], bits: int) -> bool:
    """Whether there are data for every line but the last, of so many *bits* for a dot; of data that are packed in
    another way than usual only programs for pictures know."""
    if filters not in ([""], [], ["/FlateDecode"]):
        return True
    width, height = (int(entry(image, key)) for key in ("/Width", "/Height"))
    left, unpacked, data = (width * bits + 7) // 8 * (height - 1) or 1, zlib.decompressobj(), image.encoded_data
    packed = "/FlateDecode" in filters
    left -= 0 if packed else len(data)
    if left > _LARGEST_PICTURE:
        return False
    try:
        while left > 0 and data and packed and not unpacked.eof:
            left -= len(unpacked.decompress(data, _CHUNK))
            data = unpacked.unconsumed_tail
    except zlib.error:
        return False
    return width > 0 and height > 0 and left <= 0


def _masked(image: Any, count: int | None) -> bool:
    hard, soft = entry(image, "/Mask"), entry(image, "/SMask")
    if isinstance(hard, ArrayObject):
        colours = _items(hard)
        whole = all(isinstance(each, NumberObject) for each in colours)
        if not whole or (count is not None and len(colours) != 2 * count):
            return False
    elif hard is not None and not _is_true(entry(hard, "/ImageMask")):
        return False
    return soft is None or entry(soft, "/ColorSpace", "/DeviceGray") == "/DeviceGray"


def _is_true(value: Any) -> bool:
    return isinstance(value, BooleanObject) and bool(value.value)


_LOOKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_DEFAULTS, _default),
    "/FunctionType": _function,
    "/ShadingType": _shading,
    "/PatternType": _pattern,
    **dict.fromkeys(("/TR", "/TR2", "/BM"), _state),
    "/G": _mask,
    "/Subtype": _picture,
}
"""What is looked at in a dictionary that has one of these keys."""
