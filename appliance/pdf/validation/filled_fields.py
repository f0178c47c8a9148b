"""Whether the pictures of fields that were filled after a signature are known to say the fields' values.

The last revision is asked, since it is what is shown. What is compared is what a person reads, so typefaces are
believed only where nobody could have made them for the purpose: those that the signed revision uses already, and
those that lie in no file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from io import BytesIO

import pypdfium2
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.errors import DocumentRefused
from appliance.pdf import forms
from appliance.pdf.field_pictures import FieldPicture, NotCertain, alike, plain, said, uncut
from appliance.pdf.page_comparison import NotRendered, PageComparison
from appliance.pdf.pages import is_read_as_written
from appliance.pdf.validation.form_changes import FormNode, form_nodes
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf
from appliance.pdf.validation.reading import of_fields
from appliance.pdf.validation.references import entry, number_of, same
from appliance.pdf.values import PageRegion

_COMBO, _PASSWORD = 1 << 17, 1 << 13
_DEEPEST = 50
_MOST_FIELDS = 500
_LONGEST_CONTENT = 200_000
_LEAST_SIZE = 3.0
_NAME = generic.pdf_name
_STANDARD = re.compile(r"/(?:Helvetica|Courier|Times|Arial|CourierNew|TimesNewRoman|Symbol|ZapfDingbats)\b.*")
_COMMON_CODES = re.compile(r"/Uni(GB|CNS|JIS|KS)-.*")
_IN_FILE = frozenset({"/FontFile", "/FontFile2", "/FontFile3"})
_ORDERINGS = {"GB": "GB1", "CNS": "CNS1", "JIS": "Japan1", "KS": "Korea1"}
_COLOURS = {"g": 1, "rg": 3, "k": 4}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_LONGEST_TYPEFACE = 1000
_SHOWN_BY_LAYER = frozenset({"/OC", "/Ref", "/OPI"})


_Box = tuple[float, float, float, float]
_Path = tuple[str, ...]
_Drawing = tuple[bytes, generic.DictionaryObject, _Box]
"""What draws a page: its content, the resources of that, and its box."""
_UNCERTAIN = (NotCertain, NotRendered, pypdfium2.PdfiumError, DocumentRefused, *DAMAGE)


class FilledFields:
    """The fields of *pdf* as they are in its last revision."""

    def __init__(self, pdf: OpenedPdf) -> None:
        self._pdf = pdf
        self._grounds = PageComparison(pdf.document, bare=True)
        self._said: dict[_Path, str] = {}

    def unshown(self, names: Iterable[str], *, since: int) -> str | None:
        """One of the fields *names*, all filled after revision *since*, of which it is not known that each of its
        pictures says its value; None if there is none. Signatures, and what shows them further, are not asked."""
        wanted = frozenset(names)
        try:
            signed = dict(form_nodes(self._pdf.reader.get_historical_resolver(since)))
            places = {node.name for node in signed.values() if forms.is_place(node.dictionary)}
            asked = {
                path: node
                for path, node in self._nodes.items()
                if node.name in wanted and node.name not in places and node.kind != "/Sig"
            }
        except DAMAGE:
            return next(iter(sorted(wanted)), None)
        if len(asked) > _MOST_FIELDS:
            return next(iter(asked.values())).name
        try:
            return self._unshown(signed, asked, since)
        except _UNCERTAIN:
            return next(iter(asked.values())).name

    def _unshown(
        self, signed: Mapping[_Path, FormNode], asked: Mapping[_Path, FormNode], since: int
    ) -> str | None:
        drawings: list[_Drawing] = []
        places: dict[_Path, int] = {}
        for path, node in asked.items():
            with suppress(*_UNCERTAIN):
                found = self._drawings(signed[path], node) if path not in self._said else []
                if found:
                    places[path] = len(drawings)
                    drawings += found
        with self._drawn_apart(drawings) as pdf:
            for path, node in asked.items():
                try:
                    shown = path in signed and self._shows(path, signed[path], since, pdf, places.get(path))
                except _UNCERTAIN:
                    shown = False
                if not shown:
                    return node.name
        return None

    @cached_property
    def _nodes(self) -> dict[_Path, FormNode]:
        last = self._pdf.reader.get_historical_resolver(self._pdf.revisions - 1)
        return dict(form_nodes(last))

    @cached_property
    def _regions(self) -> tuple[PageRegion, ...]:
        return of_fields(self._pdf, frozenset(node.name for node in self._nodes.values()))

    def _drawings(self, before: FormNode, node: FormNode) -> list[_Drawing]:
        """What has to be drawn to know what *node* shows: a text as it is and with nothing cut off, a button as it
        was and as it is now."""
        if "/AP" not in node.dictionary:
            return []
        if node.kind == "/Btn":
            state = entry(node.dictionary, "/AS", "/Off")
            pictures = [entry(entry(entry(each.dictionary, "/AP"), "/N"), state) for each in (before, node)]
            drawings = [_drawing(each, node.dictionary) for each in pictures] if None not in pictures else []
            for content, resources, _ in drawings:
                uncut(content, _fonts(resources))
            return drawings
        content, resources, box = _drawing(entry(entry(node.dictionary, "/AP"), "/N"), node.dictionary)
        return [(content, resources, box), (uncut(content, _fonts(resources)), resources, box)]

    def _shows(
        self, path: _Path, before: FormNode, since: int, pdf: pypdfium2.PdfDocument, place: int | None
    ) -> bool:
        """Whether the field or widget at *path*, *before* when it was signed, says its value. What has to be drawn
        for that are the pages of *pdf* from *place* on."""
        node = self._nodes[path]
        if "/Rect" not in node.dictionary:  # a field above its widgets, each of which is asked
            below = (each for each in self._nodes if each[: len(path)] == path)
            return any("/Rect" in self._nodes[each].dictionary for each in below)
        if not _is_drawn_alike(before, node):
            return False
        if node.kind == "/Btn":
            return self._shows_state(before, node, since, pdf, place)
        texts = _texts(node)
        if "/AP" not in node.dictionary:
            return texts == {""}
        self._require_believed(entry(entry(node.dictionary, "/AP"), "/N"), since)
        if path not in self._said:
            if place is None:
                return False
            self._said[path] = self._read(node, pdf, place)
        return self._said[path] in texts

    def _shows_state(
        self, before: FormNode, node: FormNode, since: int, pdf: pypdfium2.PdfDocument, place: int | None
    ) -> bool:
        """Whether a button looks as the signed form draws the state that it is in now."""
        was, now = (entry(entry(each.dictionary, "/AP"), "/N") for each in (before, node))
        state = entry(node.dictionary, "/AS", "/Off")
        if state not in was and state not in now:
            return bool(state == "/Off")
        if not self._is_written(generic.DictionaryObject({_NAME("/N"): now.raw_get(state)}), since):
            return bool(same(was.raw_get(state), now.raw_get(state)))
        used = entry(entry(was, state), "/Resources", generic.DictionaryObject())
        return place is not None and not self._is_written(used, since) and alike(pdf, place, place + 1)

    def _require_believed(self, appearance: generic.StreamObject, since: int) -> None:
        """Raises :class:`NotCertain` unless the picture is of text alone, in typefaces that are believed."""
        if _SHOWN_BY_LAYER & appearance.keys():
            raise NotCertain
        resources = entry(appearance, "/Resources", generic.DictionaryObject())
        if any(entry(resources, key) for key in resources.keys() - {"/Font", "/ProcSet"}):
            raise NotCertain
        fonts = entry(resources, "/Font", generic.DictionaryObject())
        if not all(self._is_believed(fonts, name, since) for name in fonts):
            raise NotCertain

    def _read(self, node: FormNode, pdf: pypdfium2.PdfDocument, place: int) -> str:
        """What its picture says on every page that it is on. Raises :class:`NotCertain` and what PDFium raises."""
        left, bottom, right, top = box = _box_of(entry(node.dictionary, "/Rect"))
        grounds = [self._grounds.part(region) for region in self._regions if region.box == box]
        size = right - left, top - bottom
        answers = {said(pdf, FieldPicture(place, place + 1, size, ground)) for ground in grounds}
        if len(answers) != 1:
            raise NotCertain
        return answers.pop()

    @contextmanager
    def _drawn_apart(self, drawings: Sequence[_Drawing]) -> Iterator[pypdfium2.PdfDocument]:
        """The document with one more revision, in which the *drawings* are all pages."""
        document = self._apart(drawings) if drawings else self._pdf.document
        if not is_read_as_written(document):
            raise NotCertain
        pdf = pypdfium2.PdfDocument(document)
        try:
            yield pdf
        finally:
            pdf.close()

    def _apart(self, drawings: Sequence[_Drawing]) -> bytes:
        writer = IncrementalPdfFileWriter.from_reader(self._pdf.reader)
        tree = self._pdf.reader.root.raw_get("/Pages")
        pages = generic.ArrayObject()
        for content, resources, box in drawings:
            page = {
                "/Type": _NAME("/Page"),
                "/Parent": tree,
                "/MediaBox": generic.ArrayObject(map(generic.FloatObject, box)),
                "/Resources": resources,
                "/Contents": writer.add_object(generic.StreamObject(stream_data=content)),
            }
            pages.append(writer.add_object(generic.DictionaryObject({_NAME(key): page[key] for key in page})))
        listed = {"/Type": _NAME("/Pages"), "/Kids": pages, "/Count": generic.NumberObject(len(pages))}
        number, generation = number_of(tree) or (0, 0)
        writer.objects[(generation, number)] = generic.DictionaryObject(
            {_NAME(key): listed[key] for key in listed}
        )
        file = BytesIO()
        writer.write(file)
        return file.getvalue()

    def _is_written(self, value: generic.PdfObject, since: int) -> bool:
        """Whether anything that *value* is made of was written after revision *since*."""
        last = self._pdf.reader.get_historical_resolver(self._pdf.revisions - 1)
        made_of = last.collect_dependencies(value)
        return any(self._pdf.reader.xrefs.get_last_change(each) > since for each in made_of)

    def _is_believed(self, fonts: generic.DictionaryObject, name: str, since: int) -> bool:
        """Whether the typeface draws each letter as what it is said to be."""
        font, number = fonts[name], number_of(fonts.raw_get(name))
        if not isinstance(font, generic.DictionaryObject):
            return False
        if _is_common(font):
            return True
        if number is None or number not in self._used(since):
            return False
        return not self._is_written(generic.DictionaryObject({_NAME("/F"): fonts.raw_get(name)}), since)

    def _used(self, since: int) -> frozenset[tuple[int, int]]:
        """The typefaces that revision *since* uses in its form."""
        then = self._pdf.reader.get_historical_resolver(since)
        form = entry(then.root, "/AcroForm", generic.DictionaryObject())
        holders = [entry(form, "/DR", generic.DictionaryObject())]
        for _, node in form_nodes(then):
            picture = entry(entry(node.dictionary, "/AP", generic.DictionaryObject()), "/N")
            if isinstance(picture, generic.StreamObject):
                holders.append(entry(picture, "/Resources", generic.DictionaryObject()))
        found = (entry(each, "/Font", generic.DictionaryObject()) for each in holders)
        return frozenset(
            number for fonts in found for name in fonts if (number := number_of(fonts.raw_get(name))) is not None
        )


def _drawing(appearance: object, widget: generic.DictionaryObject) -> _Drawing:
    if not isinstance(appearance, generic.StreamObject) or not _is_upright(appearance, widget):
        raise NotCertain
    content = appearance.data
    if len(content) > _LONGEST_CONTENT:
        raise NotCertain
    resources = entry(appearance, "/Resources", generic.DictionaryObject())
    return content, resources, _box_of(entry(appearance, "/BBox"))


def _fonts(resources: generic.DictionaryObject) -> generic.DictionaryObject:
    fonts = entry(resources, "/Font", generic.DictionaryObject())
    if not isinstance(fonts, generic.DictionaryObject):
        raise NotCertain
    return fonts


def _texts(node: FormNode) -> set[str]:
    """What a picture may say that shows the value."""
    value = node.value
    flags = _inherited(node.dictionary, "/Ff") or 0
    if value is None:
        return {""}
    if not isinstance(value, generic.TextStringObject) or not isinstance(flags, int):
        raise NotCertain
    if node.kind == "/Tx" and not flags & _PASSWORD:
        return {plain(value)}
    if node.kind != "/Ch" or not flags & _COMBO:
        raise NotCertain  # a list shows what was not chosen, too
    listed = _inherited(node.dictionary, "/Opt") or ()
    if not isinstance(listed, list):
        raise NotCertain
    options = [each if isinstance(each, list) else (each, each) for each in listed]
    named = {str(shown) for own, shown in options if str(own) == str(value)}
    others = {str(shown) for own, shown in options if str(own) != str(value)}
    return set(map(plain, named | {value})) - set(map(plain, others))


def _inherited(field: generic.DictionaryObject, key: str) -> object:
    for _ in range(_DEEPEST):
        if key in field:
            return entry(field, key)
        above = entry(field, "/Parent")
        if not isinstance(above, generic.DictionaryObject):
            return None
        field = above
    raise NotCertain


def _is_drawn_alike(before: FormNode, node: FormNode) -> bool:
    """Whether programs that draw the field themselves do it in the same colour, large enough to be read."""
    was, now = (each.typeface if each.typeface is not None else "" for each in (before, node))
    if was is now or (was != "" and now != "" and same(was, now)):
        return True
    if isinstance(now, generic.IndirectObject):
        return False
    try:
        drawn = [_colour_and_size(str(each)) for each in (was, now)]
    except ValueError:
        return False
    return drawn[0][0] == drawn[1][0] and (drawn[1][1] == 0 or drawn[1][1] >= _LEAST_SIZE)


def _colour_and_size(typeface: str) -> tuple[tuple[str, ...], float]:
    """What /DA says (12.7.4.3). Raises ValueError where it says anything else."""
    colour: tuple[str, ...] = ("0", "g")
    size, operands = 0.0, list[str]()
    for word in typeface[:_LONGEST_TYPEFACE].split():
        if word == "Tf" and len(operands) == 2:
            size = float(operands[1])
        elif word in _COLOURS and len(operands) == _COLOURS[word]:
            colour = (*operands, word)
        elif word.startswith("/") or _NUMBER.fullmatch(word):
            operands.append(word)
            continue
        else:
            raise ValueError(word)
        operands.clear()
    if operands or len(typeface) > _LONGEST_TYPEFACE:
        raise ValueError(typeface)
    return colour, size


def _is_common(font: generic.DictionaryObject) -> bool:
    """Whether its letters lie in no file, and are numbered as everywhere."""
    kind, encoding = entry(font, "/Subtype"), entry(font, "/Encoding")
    if "/ToUnicode" in font or _IN_FILE & entry(font, "/FontDescriptor", generic.DictionaryObject()).keys():
        return False
    if kind in ("/Type1", "/TrueType"):
        return _STANDARD.fullmatch(str(entry(font, "/BaseFont"))) is not None
    codes = _COMMON_CODES.fullmatch(encoding) if isinstance(encoding, str) else None
    if kind != "/Type0" or codes is None:
        return False
    inner = [each.get_object() for each in entry(font, "/DescendantFonts")]
    if any(entry(entry(each, "/CIDSystemInfo"), "/Ordering") != _ORDERINGS[codes[1]] for each in inner):
        return False  # the numbers of its letters would be those of others
    described = (entry(each, "/FontDescriptor", generic.DictionaryObject()) for each in inner)
    own = any("/CIDToGIDMap" in each for each in inner)  # which letter is drawn, in the file's own way
    return not own and not any(_IN_FILE & each.keys() for each in described)


def _box_of(value: Iterable[object]) -> _Box:
    left, bottom, right, top = (float(each) for each in value)  # type: ignore[arg-type]  # numbers, or DAMAGE
    if not (left != right and bottom != top and all(map(math.isfinite, (left, bottom, right, top)))):
        raise NotCertain
    return min(left, right), min(bottom, top), max(left, right), max(bottom, top)


def _is_upright(appearance: generic.StreamObject, widget: generic.DictionaryObject) -> bool:
    """Whether the picture is turned as its widget says (/MK's /R), and not mirrored."""
    a, b, c, d, *_ = (float(each) for each in entry(appearance, "/Matrix", (1, 0, 0, 1, 0, 0)))
    turned = round(math.degrees(math.atan2(b, a)))
    stated = entry(entry(widget, "/MK", generic.DictionaryObject()), "/R", 0)
    return a * d - b * c > 0 and abs(a * c + b * d) < 1e-6 and (turned - int(stated)) % 360 == 0
