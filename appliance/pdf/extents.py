"""How far the objects of a PDF reach in the file, from its bytes alone (ISO 32000-2, 7.3 and 7.5).

Two entries of a cross-reference section may lead into the same bytes: a picture's stream can run over the
dictionary of a signature. Then what is signed later is drawn as well. Nothing is unpacked here and no section is
believed: an object is whatever is written like one, listed or not.

The data of a stream can hold such bytes by chance: of a scan of 98 MB, four in a hundred do. They are left out
where no program can take them for objects. That takes two things. The stream is certain (``streams``) and has no
end within it: whoever follows the sections reads these bytes as data. And nobody leaves the sections to search the
file, as Poppler, pdf.js and qpdf do in the data of streams, too: ``sound`` (:mod:`appliance.pdf.searched`).
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from appliance.pdf.object_text import BLANK, REGULAR, Unreadable, is_ambiguous, plain_names, tokens

_HEADER = re.compile(rb"%b*+0*(\d{1,10})%b++0*(\d{1,5})%b++obj(?!%b)" % (BLANK, BLANK, BLANK, REGULAR))
_BEFORE = re.compile(rb"(?<!\d)\d{1,20}" + BLANK + rb"+\d{1,20}" + BLANK + rb"+\Z")
_KEYWORD = re.compile(rb"obj(?!" + REGULAR + rb")")
_NUMBER = re.compile(rb"obj" + BLANK + rb"+(\d{1,12})" + BLANK + rb"*endobj")
_NEAR = 64
_LARGEST = sys.maxsize
_BODY = re.compile(
    rb"(?:[^()%<>es]++|e(?!ndobj)|s(?!tream)|<<|>>|<[^<>]*+>|\((?:[^()\\]++|\\.)*+\)|%[^\r\n]*+)*+"
    rb"(endobj|stream(?=[\r\n]))",
    re.DOTALL,
)
"""An object up to its end or its stream, without strings that have parentheses in them: most are like that."""

_LENGTH = re.compile(
    rb"/Length(?!%b)%b*(?:(\d{1,10})%b+(\d{1,5})%b+R|(\d{1,12}))?" % (REGULAR, BLANK, BLANK, BLANK)
)
_KEY = re.compile(rb"/(?:N|First)(?!" + REGULAR + rb")")
_PACKING = {b"/N", b"/First"}
_DATA = re.compile(rb"[ \t]*\r?\n?")
_STREAM_END = re.compile(BLANK + rb"{0,4}endstream")
_ANY_END = re.compile(rb"endstream|endobj")
_SUBSECTION = re.compile(BLANK + rb"*(\d{1,10})" + BLANK + rb"+(\d{1,10})(?!" + REGULAR + rb")" + BLANK + rb"*")
_ENTRY = 20
_ANY_TABLE = re.compile(rb"xref(?![A-Za-z])(?<![A-Za-z]xref)")
_PLAIN_ENTRY = re.compile(rb"\d{10} \d{5} [nf](?:\r\n| \n| \r)")
_TRAILER = re.compile(BLANK + rb"*trailer")
_BLANKS = b"\x00\t\n\x0c\r "
_OF_NUMBERS = tuple(bytes([each]) for each in b"0123456789+-.")


@dataclass(frozen=True, slots=True)
class WrittenDictionary:
    """A dictionary in the bytes: its number, where ``start`` its header and ``end`` its ``endobj`` are, and where
    the values lie, key by key. Values of a key that is there twice are all listed."""

    number: tuple[int, int]
    start: int
    end: int
    values: dict[bytes, list[tuple[int, int]]]


class ObjectExtents:
    """The objects of *document*; ``listed`` are the places (offset, number) that its cross-reference sections
    name, ``length_of`` gives the number that an object holds as a reader finds it, and ``sound`` says that no
    program searches the file for its objects."""

    def __init__(
        self,
        document: bytes,
        listed: Iterable[tuple[int, int]],
        length_of: Callable[[int, int], int | None],
        *,
        sound: bool = False,
    ) -> None:
        self.document = document
        self.sound = sound
        self._length_of = length_of
        self.listed = frozenset(listed)
        self._bodies: dict[int, tuple[int, int]] = {}

    @cached_property
    def streams(self) -> tuple[tuple[int, int], ...]:
        """Where the data of the streams begin and end, which are certain; none where two listed objects overlap or
        one of them does not begin where it should."""
        found: list[tuple[int, int]] = []
        before = 0
        for offset, number in self._in_order:
            try:
                begin, end = self._body(offset, len(self.document))
                body = self.document[begin:end]
                data = self._data_after(end)
                is_stream = not body.endswith(b"endobj")
                ends, confirmed = self._stated_ends(body, data, doubtful=True) if is_stream else ([end], [end])
            except Unreadable:
                return ()
            if offset < before or not self.is_headed(offset, number) or len({*ends}) != 1 or ends != confirmed:
                return ()
            before = ends[0]
            if is_stream:
                found.append((data, before))
        return tuple(found)

    @cached_property
    def _left_out(self) -> tuple[tuple[int, int], ...]:
        """The data in which nothing is to be looked for."""
        if not self.sound:
            return ()
        return tuple(each for each in self.streams if _ANY_END.search(self.document, *each) is None)

    def beside(self, streams: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """The parts of the file that are not among *streams*, from byte to byte."""
        edges = [0, *chain.from_iterable(streams), len(self.document)]
        return zip(edges[::2], edges[1::2], strict=True)

    def searched(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts between two places in which a program may find objects."""
        among = self._left_out[bisect_left(self._left_out, (begin, 0)) : bisect_left(self._left_out, (end, 0))]
        edges = [begin, *chain.from_iterable(each for each in among if each[1] <= end), end]
        return zip(edges[::2], edges[1::2], strict=True)

    def _found(self, pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
        for begin, end in self.beside(self._left_out):
            yield from pattern.finditer(self.document, begin, end)

    @cached_property
    def _keywords(self) -> tuple[tuple[int, int | None], ...]:
        """Where each keyword of an object is, those in ``endobj`` too, and where the numbers before it begin."""
        found: list[tuple[int, int | None]] = []
        for match in self._found(_KEYWORD):
            place, header = match.start(), None
            if self.document[place - 1] in _BLANKS:
                header = _BEFORE.search(self.document, max(0, place - _NEAR), place)
            found.append((place, None if header is None else header.start()))
        return tuple(found)

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Where objects begin, or something that looks like one."""
        found = {offset for offset, _ in self.listed if 0 < offset < len(self.document)}
        return tuple(sorted(found.union(start for _, start in self._keywords if start is not None)))

    @cached_property
    def packing(self) -> frozenset[int]:
        """Where streams begin that could be taken for object streams, listed or not: those that say how many
        objects they hold and where the first one is (7.5.7)."""
        if self.sound:  # bytes may move, and the data of a stream be an object then
            return ObjectExtents(self.document, self.listed, self._length_of).packing
        following = (*self.starts[1:], len(self.document))
        return frozenset(
            start for start, limit in zip(self.starts, following, strict=True) if self._is_packing(start, limit)
        )

    def _is_packing(self, start: int, limit: int) -> bool:
        try:
            begin, end = self._body(start, len(self.document))
        except Unreadable:  # others may be able to read it
            begin, end = start, limit
        if self.document.endswith(b"endobj", begin, end):
            return False
        return {*_KEY.findall(plain_names(self.document[begin:end]))} >= _PACKING

    def require_plain_headers(self) -> None:
        """Raises :class:`Unreadable` when some program could take more for an object than :attr:`starts` names: a
        header with long blanks, comments or signs in it; or a table with entries of another form."""
        for place, start in self._keywords:
            if start is not None:
                continue
            before = place
            while before > 0 and self.document[before - 1] in _BLANKS:
                before -= 1
            if self.document[before - 1 : before] in _OF_NUMBERS:
                raise Unreadable
        for table in self._found(_ANY_TABLE):
            self._require_plain_table(table.end())

    def _require_plain_table(self, place: int) -> None:
        """The entries of the table that begins at *place*, where one does, are 20 bytes each and marked n or f;
        each number has one."""
        numbers: set[int] = set()
        while part := _SUBSECTION.match(self.document, place):
            place = part.end()
            for number in range(int(part[1]), int(part[1]) + int(part[2])):
                if number in numbers or not _PLAIN_ENTRY.match(self.document, place):
                    raise Unreadable
                numbers.add(number)
                place += _ENTRY
        if not _TRAILER.match(self.document, place):
            raise Unreadable

    def is_headed(self, offset: int, number: int) -> bool:
        """Whether an object of that *number* begins at *offset*."""
        header = _HEADER.match(self.document, offset)
        return header is not None and int(header[1]) == number

    @cached_property
    def _known(self) -> tuple[tuple[int, int], ...]:
        """Start and end of every object whose end is known."""
        found = []
        for offset in self.starts:
            with suppress(Unreadable):
                found.append((offset, self.reach(offset, len(self.document), doubtful=False)))
        return tuple(found)

    def is_overrun(self, start: int) -> bool:
        """Whether an object that begins before *start* is known to go on behind it."""
        return any(offset < start < far for offset, far in self._known)

    def is_begun_within(self, start: int, end: int) -> bool:
        """Whether a listed object begins between *start* and *end*."""
        among = self._in_order[
            bisect_right(self._in_order, (start, _LARGEST)) : bisect_left(self._in_order, (end,))
        ]
        return any(self.is_headed(offset, number) for offset, number in among)

    @cached_property
    def _in_order(self) -> list[tuple[int, ...]]:
        """The places that sections name and where something can be."""
        return sorted(each for each in self.listed if each[0] > 0)

    def are_apart(self) -> bool:
        """Whether every object ends before the next one begins, for any reader. Raises :class:`Unreadable`."""
        following = (*self.starts[1:], len(self.document))
        return all(end <= start for end, start in zip(self._reached, following, strict=True))

    @cached_property
    def _reached(self) -> tuple[int, ...]:
        """How far each object reaches that begins at :attr:`starts`."""
        return tuple(self.reach(start, len(self.document), doubtful=True) for start in self.starts)

    def is_within_stream(self, place: int) -> bool:
        """Whether the byte at *place* is behind a listed object's dictionary, and before the next listed one."""
        at = bisect_right(self._in_order, (place, _LARGEST)) - 1
        try:
            return at >= 0 and self._body(self._in_order[at][0], len(self.document))[1] <= place
        except Unreadable:
            return False

    def require_end_before(self, end: int) -> None:
        """Raises :class:`Unreadable` unless every object that begins before *end* ends there, for any reader."""
        if end == len(self.document):
            if any(each > end for each in self._reached):
                raise Unreadable
        elif any(self.reach(each, end, doubtful=True) > end for each in self.starts if each < end):
            raise Unreadable

    def reach(self, offset: int, limit: int, *, doubtful: bool) -> int:
        """Where the object at *offset* ends, as far as it matters for *limit*: a stream ends where its length says
        if ``endstream`` is there; else readers look for it. With *doubtful* the last place that any could take.

        Raises :class:`Unreadable`.
        """
        body, end = self._body(offset, limit)
        if end > limit or self.document.endswith(b"endobj", body, end):
            return end
        data = self._data_after(end)
        ends, confirmed = self._stated_ends(self.document[body:end], data, doubtful=doubtful)
        if (ends and len(confirmed) == len(ends)) or (confirmed and not doubtful):
            return max(confirmed)
        searched = _ANY_END.search(self.document, data, limit + len(b"endstream"))
        return max([*ends, searched.end() if searched else limit + 1])

    def body(self, offset: int) -> bytes:
        """What is written of the object at *offset*, without its stream; nothing where none begins."""
        try:
            begin, end = self._body(offset, len(self.document))
        except Unreadable:
            return b""
        return self.document[begin:end]

    def dictionary(self, offset: int) -> WrittenDictionary:
        """The dictionary at *offset*, no stream. Raises :class:`Unreadable` for anything else."""
        header = _HEADER.match(self.document, offset)
        words = tokens(self.document, header.end()) if header else iter(())
        if header is None or self._word(next(words, (0, 0))) != b"<<":
            raise Unreadable
        parts: list[tuple[int, int]] = []
        depth, opened = 1, 0
        for start, end in words:
            word = self.document[start:end]
            before, depth = depth, depth + (word in (b"<<", b"[")) - (word in (b">>", b"]"))
            if not depth:
                break
            if before == depth == 1:
                parts.append((start, end))
            elif before == 1:
                opened = start
            elif depth == 1:
                parts.append((opened, end))
        closing = next(words, (0, 0))
        if depth or self._word(closing) != b"endobj":
            raise Unreadable
        return WrittenDictionary((int(header[1]), int(header[2])), offset, closing[1], self._entries(parts))

    def _entries(self, parts: list[tuple[int, int]]) -> dict[bytes, list[tuple[int, int]]]:
        found: dict[bytes, list[tuple[int, int]]] = {}
        place = 0
        while place < len(parts):
            key = self._word(parts[place])
            value = parts[place + 1 : place + 2]
            place += 2
            if not key.startswith(b"/") or not value:
                raise Unreadable
            if self._word(parts[place + 1] if place + 1 < len(parts) else (0, 0)) == b"R":
                value = [(value[0][0], parts[place + 1][1])]
                place += 2
            found.setdefault(plain_names(key), []).extend(value)
        return found

    def are_unambiguous(self) -> bool:
        """Whether no dictionary has a key twice, every stream is as long as it says, and references are written
        plainly: programs take the first value or the last one, go by the length or look for the end, and do not
        all look at generations, signs and comments."""
        try:
            return all(self._is_unambiguous(start) for start in self.starts)
        except Unreadable:
            return False

    def _is_unambiguous(self, start: int) -> bool:
        header = _HEADER.match(self.document, start)
        if header is None or int(header[2]):
            return False
        begin, (start, end) = start, self._body(start, len(self.document))
        body = self.document[start:end]
        if is_ambiguous(body, plainly=begin in self._written_plainly):
            return False
        if body.endswith(b"endobj"):
            return True
        ends, confirmed = self._stated_ends(body, self._data_after(end), doubtful=True)
        return ends == confirmed

    @cached_property
    def _written_plainly(self) -> frozenset[int]:
        """Where objects begin in which all references are known to be written plainly: :attr:`sound` says that of
        all that is beside :attr:`streams`."""
        return frozenset(offset for offset, _ in self._in_order) if self.sound else frozenset()

    def _data_after(self, keyword: int) -> int:
        """Where the data of a stream begin whose keyword ends at *keyword*."""
        return _DATA.match(self.document, keyword).end()  # type: ignore[union-attr]  # it matches nothing, too

    def _stated_ends(self, body: bytes, data: int, *, doubtful: bool) -> tuple[list[int], list[int]]:
        """Where the stream that *body* describes ends by its length, and those of these places where it does."""
        ends = [data + length for length in self._lengths(body, doubtful=doubtful)]
        return ends, [each for each in ends if _STREAM_END.match(self.document, each)]

    def _body(self, offset: int, limit: int) -> tuple[int, int]:
        """Where the header at *offset* ends and where the object itself does, or its stream begins. Raises
        :class:`Unreadable`."""
        if limit == len(self.document) and offset in self._bodies:
            return self._bodies[offset]
        header = _HEADER.match(self.document, offset)
        if header is None:
            raise Unreadable
        found = header.end(), self._end_of_body(header.end(), limit)
        if limit == len(self.document):
            self._bodies[offset] = found
        return found

    def _end_of_body(self, start: int, limit: int) -> int:
        found = _BODY.match(self.document, start, limit + _NEAR)
        if found is not None:
            return found.end()
        for begin, end in tokens(self.document, start):
            if end > limit or self.document[begin:end] in (b"endobj", b"stream"):
                return end
        raise Unreadable

    def _lengths(self, body: bytes, *, doubtful: bool) -> list[int]:
        lengths: list[int] = []
        for number, generation, direct in _LENGTH.findall(plain_names(body)):
            if direct:
                lengths.append(int(direct))
            elif number:
                stated = self._length_of(int(number), int(generation))
                lengths += [] if stated is None else [stated]
                lengths += self._numbers.get(int(number), ()) if doubtful or stated is None else ()
            elif doubtful:
                raise Unreadable
        if doubtful and not lengths:
            raise Unreadable
        return lengths

    @cached_property
    def _numbers(self) -> dict[int, list[int]]:
        """What every object holds that is written as a number."""
        found: dict[int, list[int]] = {}
        for match in _NUMBER.finditer(self.document):
            header = _BEFORE.search(self.document, max(0, match.start() - _NEAR), match.start())
            if header is not None:
                found.setdefault(int(header[0].split()[0]), []).append(int(match[1]))
        return found

    def _word(self, span: tuple[int, int]) -> bytes:
        return self.document[span[0] : span[1]]
