"""What a document may not carry into a contract: scripts, media, outside content, hidden things.

One walk over everything that the trailer reaches, streams not unpacked. Each rule looks at one dictionary: what it
shows, and what could be switched to show something else after signing, by a small change or by none at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject, StreamObject
from pyhanko.pdf_utils.misc import PdfError

from appliance.errors import DocumentRefused
from appliance.pdf.note_check import has_frame, is_on_screen_only, refuse_second_look
from appliance.pdf.plain_paints import is_space
from appliance.pdf.plain_values import require_plain_values
from appliance.pdf.reader import PdfReader, entry
from appliance.pdf.values import InspectionWarning

_DOING_ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/ImportData",
        "/SubmitForm",
        "/ResetForm",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/RichMediaExecute",
        "/SetOCGState",
        "/GoTo3DView",
        "/Hide",
    }
)
"""Actions (12.6.4) that run something, send something, or change what is shown; going somewhere is harmless."""

_MEDIA = frozenset({"/RichMedia", "/Movie", "/Sound", "/Screen", "/3D"})
_HARMLESS_WHEN_HIDDEN = frozenset({"/Popup", "/Link"})
_HIDDEN, _NO_VIEW = 1 << 1, 1 << 5
_PAGE_TREE = frozenset({"/Catalog", "/Pages", "/Page"})


@dataclass(slots=True)
class _Findings:
    """What is worth a warning, counted."""

    attachments: int = 0
    hidden_fields: int = 0
    framed_links: int = 0
    only_on_screen: int = 0
    foreign_fonts: set[str] = field(default_factory=set)


def check_content(reader: PdfReader) -> list[InspectionWarning]:
    """The warnings. Raises DocumentRefused for what must not be signed."""
    findings = _Findings()
    reached: set[int] = set()
    for dictionary in _reachable(reader, reached):
        require_plain_values(dictionary)
        if isinstance(dictionary, ArrayObject):
            continue
        _refuse_actions(dictionary)
        _refuse_outside_content(dictionary)
        _look_at_annotation(dictionary, findings)
        refuse_waiting(dictionary)
        refuse_switches(dictionary)
        refuse_disagreeing(dictionary)
        font = not_embedded(dictionary)
        findings.foreign_fonts |= set() if font is None else {font}
        findings.attachments += isinstance(entry(dictionary, "/EF"), DictionaryObject)
    _refuse_unreferenced(reader, reached)
    return [*_warnings(findings), *layers(reader.root)]


def _reachable(reader: PdfReader, reached: set[int]) -> Iterator[Any]:
    """Every dictionary and colour space below the trailer, each once; the numbers of the objects go into
    *reached*."""
    waiting: list[Any] = [reader.trailer.raw_get(key) for key in ("/Root", "/Info") if key in reader.trailer]
    while waiting:
        value = waiting.pop()
        if isinstance(value, IndirectObject):
            if value.idnum in reached:
                continue
            reached.add(value.idnum)
            value = value.get_object()
        if isinstance(value, DictionaryObject):
            yield value
            waiting += [value.raw_get(key) for key in value]
        elif isinstance(value, ArrayObject):
            if is_space(value):
                yield value
            waiting += [value.raw_get(index) for index in range(len(value))]


def _refuse_actions(dictionary: Any) -> None:
    # structure elements have /S as well, for their role, and /K for their children
    acts = "/K" not in dictionary and _name(dictionary, "/S") in _DOING_ACTIONS
    if acts or "/JS" in dictionary or _runs_by_address(dictionary):
        raise DocumentRefused(
            "scripted",
            "The document has an action ({action}) that runs or changes something; print it to a new PDF first.",
            action=(_name(dictionary, "/S") or "/JavaScript").lstrip("/"),
        )


def _runs_by_address(dictionary: Any) -> bool:
    address = entry(dictionary, "/URI", "")
    return isinstance(address, str) and address.strip().lower().startswith("javascript:")


def _refuse_outside_content(dictionary: Any) -> None:
    if isinstance(dictionary, StreamObject) and "/F" in dictionary:
        raise DocumentRefused(
            "external-content",
            "A part of the document lies in another file and could change; print it to a new PDF first.",
        )
    if "/Rect" in dictionary and _name(dictionary, "/Subtype") in _MEDIA:
        raise DocumentRefused(
            "media", "The document contains film, sound or 3D content, which cannot be signed; remove it first."
        )


def _look_at_annotation(dictionary: Any, findings: _Findings) -> None:
    kind, flags = _name(dictionary, "/Subtype"), entry(dictionary, "/F", 0)
    if "/Rect" not in dictionary:
        return
    findings.framed_links += has_frame(dictionary)
    findings.only_on_screen += is_on_screen_only(dictionary)
    if not isinstance(flags, int) or not flags & (_HIDDEN | _NO_VIEW):
        return
    if kind == "/Widget":
        findings.hidden_fields += 1
    elif kind not in _HARMLESS_WHEN_HIDDEN:
        raise DocumentRefused(
            "hidden-content",
            "The document contains a hidden note or drawing ({kind}) that could be made visible after signing; "
            "print it to a new PDF first.",
            kind=kind.lstrip("/"),
        )


def _warnings(findings: _Findings) -> Iterator[InspectionWarning]:
    if findings.attachments:
        yield InspectionWarning(
            "attachments",
            "The document carries attached files ({count}); they are signed with it but not shown on any page.",
            {"count": findings.attachments},
        )
    if findings.hidden_fields:
        yield InspectionWarning(
            "hidden-fields",
            "The document has hidden form fields ({count}); the first signature locks them.",
            {"count": findings.hidden_fields},
        )
    if findings.framed_links:
        yield InspectionWarning(
            "framed-links",
            "Many programs draw a frame around links of the document ({count}); it is not shown here.",
            {"count": findings.framed_links},
        )
    if findings.only_on_screen:
        yield InspectionWarning(
            "not-printed",
            "The document has notes, drawings or fields ({count}) that are shown on screen and not printed.",
            {"count": findings.only_on_screen},
        )
    if findings.foreign_fonts:
        yield InspectionWarning(
            "fonts-not-embedded",
            "Fonts are not embedded ({fonts}); the text may look different on another machine.",
            {"fonts": ", ".join(sorted(findings.foreign_fonts)[:5])},
        )


def _refuse_unreferenced(reader: PdfReader, reached: set[int]) -> None:
    """Pages and page lists that nothing points to: left over from editing, or ready to take others' place."""
    present = {
        reference
        for revision in range(reader.xrefs.total_revisions)
        for reference in reader.xrefs.explicit_refs_in_revision(revision)
        if reference.idnum not in reached and reader.xrefs[reference] is not None
    }
    spare = 0
    for reference in present:
        try:
            value = reference.get_object()
        except PdfError:
            continue  # nothing points to it and nothing can be read there: it cannot become a page
        spare += isinstance(value, DictionaryObject) and _name(value, "/Type") in _PAGE_TREE
    if spare:
        raise DocumentRefused(
            "unreferenced-pages",
            "The file contains pages or page lists that are not part of the document ({count}) and could"
            " be put in place of others; save it as a new file, or print it to a new PDF first.",
            count=spare,
        )


def _name(dictionary: Any, key: str) -> str:
    value = entry(dictionary, key, "")
    return value if isinstance(value, str) else ""


_EMBEDDED = ("/FontFile", "/FontFile2", "/FontFile3")
_FONTS = ("/Type1", "/TrueType", "/MMType1", "/CIDFontType0", "/CIDFontType2")
_SUBSET = re.compile(r"[A-Z]{6}\+")
# the standard fonts (ISO 32000-1, 9.6.2.2) and those that Acrobat puts into forms; office software and operating
# systems; Chinese, Japanese and Korean ones by their names in files
_USUAL = (
    "courier", "helvetica", "times", "symbol", "zapfdingbats", "myriad", "minion", "adobesans",
    "adobeserif", "arial", "calibri", "cambria", "candara", "century", "comic", "consolas",
    "constantia", "corbel", "dejavu", "dingbats", "franklin", "garamond", "georgia", "gothic",
    "impact", "lato", "liberation", "lucida", "nimbus", "noto", "opensans", "opensymbol",
    "palatino", "roboto", "segoe", "sourcehan", "sourcesans", "tahoma", "trebuchet", "ubuntu",
    "verdana", "webdings", "wingdings", "carlito", "caladea", "freesans", "freeserif", "freemono",
    "bookman", "bookantiqua", "newcentury", "avantgarde", "menlo", "monaco", "optima", "futura",
    "simsun", "nsimsun", "simhei", "simkai", "simfang", "kaiti", "fangsong", "microsoftyahei",
    "msyahei", "yahei", "dengxian", "stsong", "stkaiti", "stheiti", "stfangsong", "stxihei",
    "stzhongsong", "songti", "heiti", "pingfang", "lisu", "youyuan", "adobesong", "adobeheiti",
    "adobekaiti", "adobefangsong", "msung", "mhei", "mingliu", "pmingliu", "microsoftjhenghei",
    "msgothic", "msmincho", "heisei", "kozmin", "kozgo", "hygothic", "hysmyeongjo", "batang",
    "gulim", "dotum", "malgun", "yugothic", "yumincho", "meiryo", "hiragino", "applesd",
    "wenquanyi", "droidsans", "fzsong", "fzhei", "fzkai", "fzxiaobiaosong", "fzfangsong", "宋体",
    "黑体", "楷体", "仿宋", "微软雅黑", "等线",
)  # fmt: skip


_SEPARATOR = re.compile(r"[\s,_-]")


def not_embedded(dictionary: Any) -> str | None:
    """The name of the font that *dictionary* is when it is not in the file, None for anything else.

    Raises DocumentRefused for one that nobody can be expected to have.
    """
    subtype = _name(dictionary, "/Subtype")
    if (_name(dictionary, "/Type") != "/Font" and subtype not in _FONTS) or subtype in ("/Type0", "/Type3"):
        return None
    descriptor = entry(dictionary, "/FontDescriptor")
    if isinstance(descriptor, DictionaryObject) and any(key in descriptor for key in _EMBEDDED):
        return None
    name = _name(dictionary, "/BaseFont").lstrip("/") or "?"
    if _SUBSET.match(name) or not _is_usual(name):
        raise DocumentRefused(
            "unknown-font",
            "The font {font} is neither in the document nor one that every machine has, so the text could look "
            "different elsewhere; embed the fonts, or print it to a new PDF first.",
            font=name,
        )
    return name


def _is_usual(name: str) -> bool:
    """By the beginning of the name, whatever weight and width follow; old files have Chinese names in GBK."""
    with suppress(UnicodeError):
        name = name if name.isascii() else name.encode("latin-1").decode("gbk")
    plain = _SEPARATOR.sub("", name).lower()
    return plain.startswith(_USUAL)


_WAITING_UNDER = ("/Contents", "/Kids", "/Annots", "/AP", "/N")
_USAGES = (("/View", "/ViewState"), ("/Print", "/PrintState"))
_PASSWORD = 1 << 13
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\)\s*(?:Tj|'|\")")
_LITERAL = re.compile(r"[^0-9A-Za-z]")


def refuse_waiting(dictionary: Any) -> None:
    """Raise DocumentRefused when a page or a note is made of an object that is not there yet."""
    for key in _WAITING_UNDER:
        if key in dictionary and any(_is_missing(each) for each in _references(dictionary.raw_get(key))):
            raise DocumentRefused(
                "waiting-content",
                "A page of the document refers to a part that is missing and could be added after signing; "
                "save it again, or print it to a new PDF first.",
            )


def refuse_switches(dictionary: Any) -> None:
    """Raise DocumentRefused for pictures, layers and notes with a second look."""
    if _name(dictionary, "/Type") == "/OCMD" and not _is_plain_membership(dictionary):
        raise DocumentRefused(
            "optional-content", "The document has content that shows when a layer is hidden; flatten it first."
        )
    if any(_is_off(dictionary, *each) for each in _USAGES):
        raise _layers_differ()
    if isinstance(dictionary, StreamObject) and _name(dictionary, "/Type") in ("/XObject", ""):
        _refuse_second_picture(dictionary)
    if "/Rect" in dictionary and "/Subtype" in dictionary:
        refuse_second_look(dictionary)


def _is_plain_membership(dictionary: Any) -> bool:
    """Whether it is shown when one of its layers is: of an empty list, and by other policies, programs differ."""
    empty = isinstance(entry(dictionary, "/OCGs"), ArrayObject) and not len(dictionary["/OCGs"])
    return not empty and entry(dictionary, "/P", "/AnyOn") == "/AnyOn" and "/VE" not in dictionary


def _is_off(dictionary: Any, event: str, state: str) -> bool:
    """Whether the usage of a layer (8.11.4.4) says that it is anything but on. It counts where the document has
    settings that apply it (8.11.4.5); for PDFium and pdf.js it counts without."""
    usage = entry(dictionary, "/Usage")
    told = entry(usage, event) if isinstance(usage, DictionaryObject) else None
    return isinstance(told, DictionaryObject) and entry(told, state, "/ON") != "/ON"


def refuse_disagreeing(dictionary: Any) -> None:
    """Raise DocumentRefused for a text field that shows something else than its value: readers draw it anew from
    the value, some of them already at a click. Looked at as far as both are plain letters and digits."""
    if entry(dictionary, "/FT") != "/Tx":
        return
    value, pictures, flags = (entry(dictionary, key) for key in ("/V", "/AP", "/Ff"))
    if not isinstance(value, str) or not value.isascii() or not isinstance(pictures, DictionaryObject):
        return
    shown, stated = _text_of(entry(pictures, "/N")), _LITERAL.sub("", value)
    if not shown or not stated or (isinstance(flags, int) and flags & _PASSWORD):
        return
    if shown not in stated and stated not in shown:
        raise DocumentRefused(
            "field-disagrees",
            "The form field {field} shows something else than it holds, and would look different when it is drawn "
            "anew; correct the field, or print it to a new PDF first.",
            field=str(entry(dictionary, "/T", "?")),
        )


def layers(root: Any) -> Iterator[InspectionWarning]:
    """Optional content (8.11): refused when anything is off, differs between screen and paper, or has other
    settings to choose from; otherwise a warning."""
    properties = entry(root, "/OCProperties")
    if not isinstance(properties, DictionaryObject):
        return
    default, groups = entry(properties, "/D"), entry(properties, "/OCGs")
    switched = isinstance(default, DictionaryObject) and (
        entry(default, "/BaseState", "/ON") != "/ON"
        or entry(default, "/Intent", "/View") != "/View"
        or any(entry(default, key) for key in ("/OFF", "/AS", "/RBGroups"))
    )
    if switched or entry(properties, "/Configs"):
        raise _layers_differ()
    if isinstance(groups, ArrayObject) and len(groups):
        yield InspectionWarning("layers", "The document has layers ({count}), all shown.", {"count": len(groups)})


def _layers_differ() -> DocumentRefused:
    return DocumentRefused(
        "optional-content",
        "The document has layers that are hidden, or shown only on screen or only on paper; flatten it first.",
    )


def _refuse_second_picture(stream: Any) -> None:
    """Alternates for paper (8.9.5.4), pages of other files (8.10.4), PostScript (8.8.2)."""
    if any(key in stream for key in ("/Alternates", "/OPI")) or isinstance(
        entry(stream, "/Ref"), DictionaryObject
    ):
        raise DocumentRefused(
            "second-look",
            "The document has a picture that looks different on paper, or comes from another file; print it to a "
            "new PDF first.",
        )
    if _name(stream, "/Subtype") == "/PS" or _name(stream, "/Subtype2") == "/PS":
        raise DocumentRefused(
            "scripted", "A picture in the document is a program for printers; print it to a new PDF first."
        )


def _text_of(stream: Any) -> str:
    """The letters and digits that the appearance writes in plain; empty when they are in a font's own codes."""
    if not isinstance(stream, StreamObject):
        return ""
    found = b"".join(match[1] for match in _SHOWN.finditer(stream.data))
    plain = found.isascii() and b"\\" not in found
    return _LITERAL.sub("", found.decode("ascii")) if plain else ""


def _references(value: Any) -> Iterator[Any]:
    if isinstance(value, IndirectObject):
        yield value
    elif isinstance(value, ArrayObject):
        yield from (each for each in value if isinstance(each, IndirectObject))


def _is_missing(reference: Any) -> bool:
    try:
        return isinstance(reference.get_object(), NullObject)
    except (PdfError, KeyError):
        return True
