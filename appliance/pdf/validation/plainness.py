"""Whether every reader sees the same in a revision.

Readers that find a cross-reference section odd search the whole file for objects instead, and then show what no
section lists (ISO 32000-2, 7.5.4 and 7.5.6). So after a signature every object in the bytes is listed, nothing
outside them is, and the section and its trailer have only one reading.
"""

from __future__ import annotations

import re

from pyhanko.pdf_utils import generic

from appliance.pdf.object_text import without_digits
from appliance.pdf.validation.opening import DAMAGE, OpenedPdf

_SPACE = rb"[\x00\t\n\x0c\r ]"
_OBJECT = re.compile(rb"(?:\d|%[^\r\n]{0,256}[\r\n])" + _SPACE + rb"*(obj)")
_HEADER = re.compile(rb"0*(\d+)" + _SPACE + rb"+0*(\d+)" + _SPACE + rb"+obj")
_SUBSECTION = rb"\d{1,10} \d{1,10} ?(?:\r\n|\r|\n)(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*"
_KEYWORD = re.compile(rb"\Wxref ?(?:\r\n|\r|\n)")
_TABLE = re.compile(rb"((?:" + _SUBSECTION + rb")+)trailer")
_COUNTS = re.compile(rb"(\d{1,10}) (\d{1,10}) ?(?:\r\n|\r|\n)((?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*)")
_ENTRY_LENGTH = 20
_NEAR = 8
_ONCE = re.compile(rb"/(Size|Prev|Root|Encrypt|XRefStm|Index|W|Type)(?![A-Za-z0-9])")
_ENCRYPTED = re.compile(rb"/Encrypt(?![A-Za-z0-9])")
_ESCAPED = re.compile(rb"/[A-Za-z]*#")
_STRING = re.compile(rb"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f\x00\t\n\x0c\r ]*>")
_MOST_OBJECTS = 1 << 23  # what PDF's implementation limits and the common readers allow


def is_plain(pdf: OpenedPdf, number: int) -> bool:
    """Whether revision *number*, which is not the first, is. It begins behind all sections before it; in a
    linearised file the second one is not the last in the bytes."""
    sections = pdf.reader.xrefs
    try:
        *earlier, before, section = map(sections.get_xref_container_info, range(number + 1))
        listed = sections.get_xref_data(number)
        start, middle = max(each.end_location for each in (*earlier, before)), section.start_location
        end = pdf.document.find(b"startxref", section.end_location)
        if listed.hybrid is not None or not start <= middle < end:
            return False
        if not before.size <= section.size <= _MOST_OBJECTS:
            return False
        places = {place[1]: each for each, place in listed.standard_xrefs.items()}
        streams = {each.obj_stream_id for each in listed.xrefs_in_objstm.values()}
        if not streams <= listed.standard_xrefs.keys() or not _are_listed(pdf, (start, middle), places):
            return False
        keyword = _KEYWORD.search(pdf.document, middle - _NEAR, middle + 2)  # pyHanko stops before its line's end
        text = pdf.document[keyword.end() if keyword else middle : end]
        if _ENCRYPTED.search(text) and not pdf.reader.encrypted:
            return False  # some readers would take all strings and streams, the signed ones too, for encrypted
        return _reads_one_way(text, table=keyword is not None) and _is_strict(pdf, number)
    except DAMAGE:
        return False


def _are_listed(pdf: OpenedPdf, span: tuple[int, int], places: dict[int, int]) -> bool:
    """Every object that starts within *span* starts at one of the *places* (offset: number), under its number; and
    none is elsewhere: bytes that were there before would become another object, or that of a later revision. What
    no program takes for objects (:mod:`appliance.pdf.extents`) is passed over: a picture has something like it."""
    document = pdf.document
    if not all(span[0] <= at <= span[1] for at in places):
        return False
    headers = [(found, number) for at, number in places.items() if (found := _HEADER.match(document, at))]
    keywords = {found.end() - len(b"obj") for found, number in headers if int(found[1]) == number}
    return all(
        start + found.start(1) in keywords
        for start, end in pdf.extents.searched(*span)
        for found in _OBJECT.finditer(without_digits(document[start:end]))
    )


def _reads_one_way(section: bytes, *, table: bool) -> bool:
    """A table with as many entries as it says, or a stream; and each key once in its trailer."""
    if table:
        found = _TABLE.match(section)
        if found is None:
            return False
        counts = [(int(each[1]), int(each[2]), each[3]) for each in _COUNTS.finditer(found[1])]
        if any(
            count * _ENTRY_LENGTH != len(entries) or first + count > _MOST_OBJECTS
            for first, count, entries in counts
        ):
            return False
        dictionary = section[found.end() :]
    elif _HEADER.match(section):
        dictionary = section.partition(b"stream")[0]
    else:
        return False
    dictionary = _without_strings(dictionary)
    keys = _ONCE.findall(dictionary)
    return len(keys) == len(set(keys)) and not _ESCAPED.search(dictionary)


def _without_strings(dictionary: bytes) -> bytes:
    """*dictionary* with empty strings, since an identifier (/ID) may have any octets; as it is where comments or
    odd strings leave doubts about where one ends."""
    emptied = _STRING.sub(b"()", dictionary)
    marks = _HEXADECIMAL.sub(b"", emptied).replace(b"<<", b"").replace(b">>", b"")
    return dictionary if re.search(rb"[<>%]|\((?!\))", marks) else emptied


def _is_strict(pdf: OpenedPdf, revision: int) -> bool:
    """Whether the objects of that revision read strictly, no key twice, in a file that was read leniently. What it
    marks as free is none of them (iText does that with its own cross-reference streams)."""
    if not pdf.lenient:
        return True
    listed = pdf.reader.xrefs.get_xref_data(revision)
    used = {number: generation for number, (generation, _) in listed.standard_xrefs.items()}
    pdf.reader.strict = True
    try:
        for number, generation in (used | dict.fromkeys(listed.xrefs_in_objstm, 0)).items():
            pdf.reader.get_object(generic.Reference(number, generation, pdf.reader), revision)
    finally:
        pdf.reader.strict = False
    return True
